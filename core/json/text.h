/* Walks over strict JSON values (RFC 8259) without building anything. Arrays of numbers are read by
 * core/json/rows.c instead. Documents that become trees are read by cJSON after this check.
 *
 * Functions that return bool return false on failure and fill *walk->error. */
#ifndef CORE_JSON_TEXT_H
#define CORE_JSON_TEXT_H

#include <relud/error.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

/* A member name as the text has it between the quotes, escapes included. */
struct json_key {
    const char *at;
    size_t len;
};

/* The member names of all open objects, kept to find duplicates. */
struct json_keys {
    struct json_key *key;
    size_t len, cap;
    bool is_heap; /* true: grows by realloc; false: more than cap names are an error */
};

/* The state of a walk over text from `begin` to `end`. */
struct json_walk {
    const char *begin, *at, *end;
    size_t depth; /* open arrays and objects around `at`, the outermost included */
    struct json_keys keys;
    struct relud_error *error;
    /* NULL, or called during long arrays and long runs of blanks. */
    const struct relud_watch *watch;
    bool is_ended; /* true: the watch ended the walk, among blanks */
};

/* Fills *walk->error with "… at byte N" and the offset of walk->at. Always returns false. */
bool json_fail(const struct json_walk *walk, enum relud_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Appends a remark to the error that json_fail filled, if there is room. */
void json_fail_add(const struct json_walk *walk, const char *remark);

void json_skip_some_blanks(struct json_walk *walk);

/* Skips any number of blanks. If the watch ends the walk, is_ended is set and walk->end becomes the
 * present place. */
static inline void json_skip_blanks(struct json_walk *walk)
{
    if (walk->at < walk->end && (unsigned char)*walk->at <= ' ')
        json_skip_some_blanks(walk);
}

/* Walks over one value, from its first byte to the byte after its last. */
bool json_walk_value(struct json_walk *walk);

/* Called for each member of an object, with walk->at at the first byte of its value. It must walk
 * over the value. */
typedef bool json_member_fn(struct json_walk *walk, const struct json_key *name, void *user);

/* Walks over one object and calls `member` for each member. If `member` is NULL, the values are
 * walked over. */
bool json_walk_object(struct json_walk *walk, json_member_fn *member, void *user);

/* Walks over one array and calls `element` at the first byte of each element; it must walk over the
 * element. If `element` is NULL, the elements are walked over. */
bool json_walk_array(struct json_walk *walk, bool (*element)(struct json_walk *walk, void *user),
                     void *user);

/* Walks over one string and sets *inside to the text between its quotes. */
bool json_walk_string(struct json_walk *walk, struct json_key *inside);

/* Walks over the whole text, which must be one value. With `member` it must be an object, and
 * `member` is called for each of its members; errors say that the object needs the member `key`. */
bool json_walk_text(struct json_walk *walk, const char *key, json_member_fn *member, void *user);

/* Returns how many bytes at `at` to show in an error: printable characters up to the next comma,
 * bracket or blank, at most 24. */
size_t json_token_len(const char *at, const char *end);

/* Returns a remark on why decimal_read finds no JSON number at `at`, which must be before `end`:
 * " (leading zero)", for example, or "" if there is nothing to add. The text is static. */
const char *json_number_fault(const char *at, const char *end);

#endif
