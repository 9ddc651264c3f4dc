/* The content of model.json, checked as far as is possible without the tensors. */
#ifndef CORE_FORMAT_MODEL_JSON_H
#define CORE_FORMAT_MODEL_JSON_H

#include "core/base/arena.h"
#include "core/format/inputs_json.h"
#include "core/net/model_source.h"
#include <relud/model.h>

enum {
    MODEL_JSON_BYTES_MAX = 4 * 1024 * 1024,
    MODEL_LAYERS_MAX = 1000,
};

enum model_layer_type { LAYER_LINEAR, LAYER_BATCH_NORM, LAYER_LAYER_NORM, LAYER_DROPOUT };

struct model_layer {
    enum model_layer_type type;
    /* Names of tensors; NULL: none. The weight of a linear layer is never NULL. */
    const char *weight, *bias;
    const char *mean, *variance;               /* LAYER_BATCH_NORM: names of tensors */
    double eps;                                /* of LAYER_BATCH_NORM and LAYER_LAYER_NORM */
    bool is_in_out;                            /* LAYER_LINEAR: the weight is [inputs][outputs] */
    const struct relud_activation *activation; /* NULL: none */
    struct relud_activation_params params;
    const char *slopes; /* PReLU: the name of its weight's tensor, or NULL */
};

struct model_json {
    const char *name, *description, *input_name, *output_name;
    size_t features; /* 0: not given; the first layer decides */
    double scale, shift;
    const char *mean, *std, *missing; /* names of tensors, or NULL */
    size_t inputs;                    /* 0: "input" is given, or none */
    struct input_json *input;
    size_t layers; /* 0: no layers given */
    struct model_layer *layer;
    size_t unused; /* tensors that the layers must not use */
    const char **unused_name;
    enum relud_task task;
    size_t labels;
    const char **label;
    struct relud_training *training; /* in the arena, or NULL */
};

/* Parses text[len]. All results are allocated in the arena. False and *error on failure; the error
 * begins with `name` and names the key. */
bool model_json_read(struct model_json *model, const char *text, size_t len, const char *name,
                     struct arena *arena, struct relud_error *error);

#endif
