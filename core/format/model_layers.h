/* Turns model.json's layers and the tensors of model.safetensors into steps. */
#ifndef CORE_FORMAT_MODEL_LAYERS_H
#define CORE_FORMAT_MODEL_LAYERS_H

#include "core/format/model_json.h"
#include "core/format/safetensors.h"
#include "core/net/model_source.h"

/* The state of reading a model directory or a state dict. */
struct loading {
    struct model_source *source;
    char json_path[MODEL_PATH_BYTES], tensors_path[MODEL_PATH_BYTES];
    struct model_json json;
    struct safetensors tensors;
    struct relud_error *error;
};

/* The tensor `name`, marked as used. NULL and *error, which says that `place` wants it. */
struct safetensor *loading_tensor(struct loading *loading, const char *place, const char *name);
/* The numbers of a tensor with one dimension and `count` elements, in the model's memory; with
 * may_be_one, one element is also allowed. *len, if wanted, gets the number of elements. NULL and
 * *error on failure. */
const float *loading_vector(struct loading *loading, const char *place, const char *name,
                            size_t count, bool may_be_one, size_t *len);

/* Adds the steps of model.json's "inputs", in core/format/model_inputs.c. *width: the numbers that
 * they give to the first layer. False and *error on failure. */
bool model_inputs_add(struct loading *loading, size_t *width);

/* Fills in the source's steps, result, features and outputs, and marks the tensors that are used.
 * False and *error on failure. */
bool model_layers_add(struct loading *loading);

#endif
