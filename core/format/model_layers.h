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

/* Fills in the source's steps, result, features and outputs, and marks the tensors that are used.
 * False and *error on failure. */
bool model_layers_add(struct loading *loading);

#endif
