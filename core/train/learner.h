/* A net that learns: a chain of linear layers and activations whose parameters change. One step has
 * two parts. Several threads may share each part, but no thread may begin one part before all
 * threads have ended the other:
 *
 *     rows      forward, loss and backward of some rows of a batch; no row depends on another
 *     weights   the gradient of some blocks of parameters over all rows of the batch, directly
 *               followed by the optimizer's step; this way a gradient never leaves the
 *               nearest cache
 *
 * Both use the products of core/kernels/linear.h. Every number is therefore one chain of fused
 * multiply-adds in a fixed order: it has the same bits for any number of threads, any share of the
 * work and any instruction set. */
#ifndef CORE_TRAIN_LEARNER_H
#define CORE_TRAIN_LEARNER_H

#include "core/base/arena.h"
#include "core/kernels/linear.h"
#include "core/train/loss.h"
#include "core/train/optimizer.h"

/* Parameters, and the optimizer's state for each. */
struct learned {
    float *at, *state[OPTIMIZER_STATES];
    size_t len;
};

struct learner_layer {
    size_t inputs, outputs, panels;
    const struct relud_activation *activation;
    struct relud_activation_params params; /* params.weight: the slopes */
    bool is_identity;
    struct learned weight; /* in panels (core/kernels/panel.h) */
    struct learned bias;   /* [panels][64] */
    struct learned slopes; /* PReLU: [1] or [outputs]; otherwise len is 0 */
    struct linear forward; /* the layer's product, over weight and bias */
    /* The product with the transposed weights, from outputs to inputs; not for the first layer. */
    struct linear turned;
    float *turned_weight;
    /* The arrays of one batch: */
    float *x;        /* [rows][inputs]: the batch, or the y of the layer before */
    float *x_turned; /* [inputs][rows] */
    /* [rows][outputs]: z is before the activation; y is after the activation and dropout. They may
     * be the same array. */
    float *z, *y;
    float *keep;        /* [rows][outputs]: the factors of dropout; NULL without dropout */
    float *g;           /* [rows][outputs]: the gradient of the loss by z */
    float *g_panels;    /* [panels][rows][64]: g in panels, for the weights' gradients */
    float *slope_terms; /* [rows][outputs]: the rows' terms of the slopes' gradients */
    float *scratch;     /* [rows][outputs] */
};

/* What one thread counted for one layer in training. */
struct learner_tally {
    uint32_t *zeros; /* [outputs]: how often the unit's output was 0 */
};

struct learner {
    size_t layers, batch; /* `batch`: the most rows of a batch */
    struct learner_layer *layer;
    enum relud_isa isa;
    const struct train_loops *loops;
    const struct panel_kernels *kernels;
    struct loss loss;
    float dropout;
    uint64_t seed;
    float *parameters; /* [parameters_len]: all parameters of all layers */
    float *state[OPTIMIZER_STATES];
    size_t parameters_len, states;
};

/* One batch and the results of its rows. */
struct learner_batch {
    size_t rows;
    uint64_t step; /* number of the step; dropout's draws depend on it and on the row */
    const struct target *target; /* [rows] */
    double *loss;                /* [rows], filled in by learner_rows */
    bool *is_right;              /* [rows], filled in by learner_rows */
    bool is_training;            /* false: only forward and loss, without dropout */
};

/* Allocates everything in the arena and draws the parameters from the seed. `config` must fit the
 * loss and rows of `features` numbers. False and *error on failure. */
bool learner_init(struct learner *learner, struct arena *arena, size_t features,
                  const struct relud_train_config *config, struct relud_error *error);

/* Does the rows' part for the rows begin … end - 1 of the batch. Their inputs are in
 * learner->layer[0].x. tally[layers] may be NULL. */
void learner_rows(struct learner *learner, const struct learner_batch *batch, size_t begin,
                  size_t end, struct learner_tally *tally);

/* Does the weights' part for share `part` of `parts`; `rows` is the size of the batch. */
void learner_weights(struct learner *learner, const struct optimizer *optimizer, size_t rows,
                     size_t part, size_t parts);

/* Computes layer->turned_weight from the weights; not for the first layer. */
void learner_turn_layer(const struct learner *learner, struct learner_layer *layer);

/* Recomputes what is derived from the parameters, after they were written from outside. */
void learner_refresh(struct learner *learner);

/* Copies weight[outputs][inputs] and bias[outputs], as files have them, into a layer or out of
 * it. */
void learner_set_layer(struct learner *learner, size_t layer, const float *weight,
                       const float *bias);
void learner_get_layer(const struct learner *learner, size_t layer, float *weight, float *bias);

#endif
