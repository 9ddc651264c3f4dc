/* The inside of a relud_model, for core/net/model.c and core/net/model_info.c. */
#ifndef CORE_NET_MODEL_PRIVATE_H
#define CORE_NET_MODEL_PRIVATE_H

#include "core/net/model.h"
#include <stdatomic.h>

struct relud_model {
    struct arena arena; /* holds everything except this struct */
    struct network network;
    struct relud_model_info info;
    struct relud_layer_info *layer; /* [info.layers] */
    const struct model_inputs *inputs;
    const char *const *feature_name; /* [info.features] of several inputs, or NULL */
    const struct relud_activation *softmax, *sigmoid;
    bool is_softmax_done, is_sigmoid_done; /* the net's last step applies it already */
    atomic_size_t references;
};

/* Fills in model->info and the layers, of what the files tell and of the network, which is built.
 * False and source->error if memory runs out. */
bool model_describe(relud_model *model, const struct model_source *source);

/* Computes rows of the scratch's model, in the arithmetic's environment; every NaN becomes the one
 * NaN. */
void model_forward(relud_scratch *scratch, const struct network_rows *rows);

#endif
