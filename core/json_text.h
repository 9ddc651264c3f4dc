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
    bool is_heap; /* may grow by realloc */
};

struct json_walk {
    const char *begin, *at, *end;
    size_t depth; /* of arrays and objects around `at` */
    size_t depth_max;
    struct json_keys keys;
    struct relud_error *error;
};

/* Fails at walk->at: "… at byte N", with the offset in the error. Always false. */
bool json_fail(const struct json_walk *walk, enum relud_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static inline void json_skip_blanks(struct json_walk *walk)
{
    while (walk->at < walk->end &&
           (*walk->at == ' ' || *walk->at == '\n' || *walk->at == '\r' || *walk->at == '\t'))
        walk->at++;
}

/* Each walks over one value of its kind, from its first byte to behind its last. */
bool json_walk_value(struct json_walk *walk);
bool json_walk_string(struct json_walk *walk, struct json_key *inside);
/* From the brace: calls `member` with walk->at at each member's value, which it must walk over. */
bool json_walk_object(struct json_walk *walk,
                      bool (*member)(struct json_walk *walk, const struct json_key *name,
                                     void *user),
                      void *user);
/* Only blanks until the end. */
bool json_walk_end(struct json_walk *walk);

/* Names are the same when their characters are, however they are escaped. */
bool json_key_is(const struct json_key *key, const char *name);

#endif
