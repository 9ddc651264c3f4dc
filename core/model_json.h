/* model.json as a description: what it says, checked as far as it goes without the tensors. */
#ifndef CORE_MODEL_JSON_H
#define CORE_MODEL_JSON_H

#include "core/arena.h"
#include "core/model_source.h"
#include <relud/model.h>

enum {
    MODEL_JSON_BYTES_MAX = 4 * 1024 * 1024,
    MODEL_LAYERS_MAX = 1000,
};

struct model_layer {
    const char *weight, *bias; /* tensor names; bias may be NULL */
    bool is_in_out;
    const struct relud_activation *activation; /* NULL: none given */
    struct relud_activation_params params;
    const char *slopes; /* PReLU: the tensor of its weight, or NULL */
};

struct model_json {
    const char *name, *description, *input_name, *output_name;
    size_t features; /* 0: not given, the first layer says */
    double scale, shift;
    const char *mean, *std; /* tensor names, or NULL */
    size_t layers;          /* 0: not given */
    struct model_layer *layer;
    enum relud_task task;
    size_t labels;
    const char **label;
    struct relud_training *training; /* or NULL */
};

/* Everything points into the arena. Errors begin with `name` and say which key. */
bool model_json_read(struct model_json *model, const char *text, size_t len, const char *name,
                     struct arena *arena, struct relud_error *error);

#endif
