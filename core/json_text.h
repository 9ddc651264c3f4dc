/* Strict JSON (RFC 8259): walks values without building anything. What is an array of numbers is read by
 * core/json_rows.c instead; what must become a tree is cJSON's, after this. */
#ifndef CORE_JSON_TEXT_H
#define CORE_JSON_TEXT_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

/* A member name, as it stands between its quotes. */
struct json_key {
    const char *at;
    size_t len;
};

/* The names of the objects that are open, for finding duplicates. */
struct json_keys {
    struct json_key *key;
    size_t len, cap;
    bool is_heap; /* may grow by realloc; else more than cap names are too many */
};

/* A walk under way. */
struct json_walk {
    const char *begin, *at, *end;
    size_t depth; /* of arrays and objects around `at`; the outermost one does not count */
    struct json_keys keys;
    struct relud_error *error;
};

/* Fails at walk->at: "… at byte N", with the offset in the error. Always false. */
bool json_fail(const struct json_walk *walk, enum relud_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds a remark to the error of json_fail, if there is room. */
void json_fail_add(const struct json_walk *walk, const char *remark);

static inline void json_skip_blanks(struct json_walk *walk)
{
    while (walk->at < walk->end &&
           (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\r' || *walk->at == '\t'))
        walk->at++;
}

/* Walks over one value, from its first byte to behind its last. */
bool json_walk_value(struct json_walk *walk);

/* What to do with a member: must walk over its value, at whose first byte walk->at is. */
typedef bool json_member_fn(struct json_walk *walk, const struct json_key *name, void *user);

/* Walks over one object, calling `member` for each of its members. */
bool json_walk_object(struct json_walk *walk, json_member_fn *member, void *user);

/* Walks over one array; `element` must walk over each of its elements, at whose first byte walk->at is. */
bool json_walk_array(struct json_walk *walk, bool (*element)(struct json_walk *walk, void *user),
                     void *user);

/* Walks over one string; *inside is what stands between its quotes. */
bool json_walk_string(struct json_walk *walk, struct json_key *inside);

/* A whole text: one value. With `member` it must be an object, of which `key` is the chief member; `member` is then
 * called for each of its members. */
bool json_walk_text(struct json_walk *walk, const char *key, json_member_fn *member, void *user);

/* How much of what stands at `at` to show in an error: what is printable up to the next comma, bracket or blank, at most
 * 24 bytes. */
size_t json_token_len(const char *at, const char *end);

/* Why no JSON number is at `at`: " (leading zero)", or "" when there is nothing more to say. */
const char *json_number_fault(const char *at, const char *end);

#endif
