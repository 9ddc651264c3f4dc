/* Shared by core/json/read.c and tensors.c: the document around an array of numbers. */
#ifndef CORE_JSON_ENVELOPE_H
#define CORE_JSON_ENVELOPE_H

#include "core/json/rows.h"

#include "core/base/json_string.h"
#include <string.h>

struct envelope {
    const char *key;
    struct relud_json_array *array;
    struct relud_json_pause *pause;
    size_t elements;        /* of "inputs", begun so far */
    struct json_key tensor; /* the name of the latest, if it stood before the data; else length 0 */
    bool has_type;          /* and its datatype; */
    enum relud_dtype dtype; /* RELUD_DTYPES: none that is known */
    struct relud_json_tensor one; /* stands for array->tensor if that is NULL */
    const char *columns;          /* split form: where the names begin; NULL: not seen yet */
    bool is_ordered; /* split form: the data is in the order of the model's columns already */
    /* The name of a member that is the array, but empty. Length 0: none was seen. */
    struct json_key empty;
    size_t rest_capacity;
    const char *end; /* the end of the text; walk->end may be earlier */
};

void envelope_look_ahead(struct json_walk *walk, const struct envelope *envelope);

/* Reads an element of "inputs" in the TENSOR form. `user` is the envelope. */
bool envelope_on_tensor(struct json_walk *walk, void *user);

static inline bool json_is_key(const struct json_key *name, const char *wanted)
{
    size_t len = strlen(wanted);
    if (!memchr(name->at, '\\', name->len))
        return len == name->len && memcmp(name->at, wanted, len) == 0;
    return json_string_compare_text(name->at, name->len, wanted, len) == 0;
}

/* True for null. A member that is null counts as absent and is left in the rest of the document. */
static inline bool json_is_null(const struct json_walk *walk)
{
    return walk->end - walk->at >= 4 && memcmp(walk->at, "null", 4) == 0;
}

#endif
