/* Several inputs of a net that is otherwise a chain of layers: numbers, words, and ids of an
 * embedding. Each is made ready, and they lie side by side, in their order, before the first layer.
 */
#ifndef CORE_NET_INPUTS_H
#define CORE_NET_INPUTS_H

#include "core/net/model_source.h"

enum model_encoding {
    INPUT_NUMBERS,   /* as they are: missing ones replaced, then (x - mean) / std */
    INPUT_ONE_HOT,   /* words: a number for each, 1 for the one that stands there */
    INPUT_EMBEDDING, /* words or ids: a row of a table */
};

/* As many as a join may have parts. */
enum { INPUTS_MAX = 1000 };

/* What an unknown word becomes. */
enum { INPUT_UNKNOWN_ERROR = -2, INPUT_UNKNOWN_ZERO = -1 }; /* else the index of a category */

/* All that it points to lives in the model's arena. */
struct model_input {
    enum model_encoding encoding;
    /* name, datatype, shape; its width is 1 unless it has numbers. */
    struct relud_tensor_info about;
    /* INPUT_NUMBERS: [width]. missing is NULL, or NaN where a number must be there. mean and std
     * are both there, or both NULL. */
    const float *missing, *mean, *std;
    struct relud_words *words; /* or NULL */
    long unknown;              /* of words */
    const char *table_name;    /* INPUT_EMBEDDING: of its weight, */
    const float *table;        /* [table_rows][table_width]; a row for each word or id */
    size_t table_rows, table_width;
};

struct model_inputs {
    size_t count;
    struct model_input *input; /* [count] */
    size_t steps;              /* how many steps inputs_add made */
};

/* The most steps that inputs_add makes. */
size_t inputs_steps_max(size_t inputs);

/* The numbers that the input gives to the first layer. */
size_t input_encoded_width(const struct model_input *input);

/* Adds the steps of the inputs to the source, which has room for them and no step yet; describes
 * inputs and features in it; and keeps `inputs` there. *width becomes the numbers before the first
 * layer. False and source->error: rows too wide, or no memory. */
bool inputs_add(struct model_source *source, struct model_inputs *inputs, size_t *width);

#endif
