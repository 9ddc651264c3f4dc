/* Reads members of model.json's objects, with errors that name them. `place` is "" or ends with a
 * dot: "input.". */
#ifndef CORE_FORMAT_JSON_READER_H
#define CORE_FORMAT_JSON_READER_H

#include "core/base/arena.h"
#include "core/json/doc.h"
#include <relud/error.h>

struct json_reader {
    const char *name; /* of the file, for errors */
    struct arena *arena;
    struct relud_error *error;
};

/* Fails with "name: …". Always false. */
bool json_reader_fail(const struct json_reader *reader, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool json_no_memory(const struct json_reader *reader);

/* Fails if the object has a key that is not in the NULL-terminated list. */
bool json_check_keys(const struct json_reader *reader, const json_node *object, const char *place,
                     const char *const *known);

/* Sets *value to the member, in the arena, if it is there. False and an error if it is no string or
 * if C cannot hold it. */
bool json_get_text(const struct json_reader *reader, const json_node *object, const char *place,
                   const char *key, const char **value);
/* The same for a number that float32 can hold. */
bool json_get_number(const struct json_reader *reader, const json_node *object, const char *place,
                     const char *key, double *value);
/* A copy of the text in the arena. NULL and an error without memory. */
const char *json_copy_text(const struct json_reader *reader, const json_node *node);

#endif
