/* "inputs" of model.json: several inputs of numbers, words and ids. */
#ifndef CORE_FORMAT_INPUTS_JSON_H
#define CORE_FORMAT_INPUTS_JSON_H

#include "core/format/json_reader.h"
#include "core/net/inputs.h"

/* A vector that is one number for all elements, or the name of a tensor. */
struct json_vector {
    bool is_there;
    const char *tensor; /* or NULL */
    float number;
};

struct input_json {
    struct relud_tensor_info about; /* name, datatype, shape, width */
    struct json_vector missing, mean, std;
    const char **category; /* [categories] */
    size_t categories;     /* 0: numbers, or ids of an embedding */
    size_t missing_word;   /* its index; RELUD_WORDS_NONE: none */
    long unknown;          /* as in struct model_input */
    const char *embedding; /* the name of a tensor, or NULL */
};

/* Reads the array `node`, which may be NULL, into *inputs, in the reader's arena. On failure it
 * returns false with an error that names the member. */
bool inputs_json_read(const struct json_reader *reader, const json_node *node,
                      struct input_json **inputs, size_t *count);

#endif
