/* A net: layers in order, each y = activation(x · wᵀ + b). Forward over any number of rows in scratch that
 * the caller owns; nothing is allocated after network_build. Knows no files. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

#include "core/arena.h"
#include "core/linear.h"
#include <relud/model.h>

/* What one layer is to be; borrowed for network_build only, except `activation` (static) and
 * params.weight, which must live as long as the network. */
struct layer_spec {
    size_t inputs, outputs;
    const float *weight; /* [outputs][inputs], or [inputs][outputs] when is_in_out */
    bool is_in_out;
    const float *bias;                         /* [outputs], or NULL */
    const struct relud_activation *activation; /* NULL: identity */
    struct relud_activation_params params;
};

/* How a row is prepared before the first layer, in float32, one rounding per operation:
 * x * scale + shift (a product, then a sum, as PyTorch computes it), or (x - mean[i]) / std[i]. */
struct input_spec {
    size_t features;
    float scale, shift; /* 1 and 0: nothing to do */
    const float *mean,
        *std; /* [features] each, both or neither; must live as long as the network */
};

struct network_layer {
    struct linear linear;
    const struct relud_activation *activation; /* NULL: identity */
    struct relud_activation_params params;
};

struct network {
    struct input_spec input;
    enum relud_isa isa; /* never RELUD_ISA_BEST */
    size_t layers;
    struct network_layer *layer; /* [layers], in the arena */
    size_t width_max;            /* the widest row that is held between layers, input included */
};

/* Packs and plans every layer into `arena`. False and *error when memory runs out, or when the self-test
 * (every plan against the scalar fmaf chain, bit for bit) fails. Shapes must already fit together. */
bool network_build(struct network *network, struct arena *arena, const struct input_spec *input,
                   const struct layer_spec *specs, size_t layers,
                   const struct relud_model_options *options, struct relud_error *error);

/* Floats of scratch that network_forward needs for `rows` rows at a time. */
size_t network_scratch_floats(const struct network *network, size_t rows);

/* y[rows][outputs] = the net at x[rows][features], at most rows_max rows at a time; scratch holds
 * network_scratch_floats(network, rows_max) floats, aligned to 64 bytes. layer_out is NULL, or layer_out[i] is NULL or
 * [rows][outputs of layer i]. x, y, scratch must not overlap. */
void network_forward(const struct network *network, const float *x, size_t rows, size_t rows_max,
                     float *y, float *scratch, float *const *layer_out);

#endif
