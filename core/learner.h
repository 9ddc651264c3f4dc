/* A net that learns: a chain of linear layers and activations whose parameters change. It is worked on in two parts, each
 * of which several threads may share, and which none may begin before all have ended the other:
 *
 *     rows      forward, loss and backward of some rows of a batch: nothing of one row reaches another
 *     weights   the gradient of some blocks of parameters over all rows of the batch, and the optimizer's step at once:
 *               a gradient never leaves the nearest cache
 *
 * Both are made of core/linear.h's products, so every number is one chain of fused multiply-adds in one order: the same
 * bits for any number of threads, any share of the work and any instruction set. */
#ifndef CORE_LEARNER_H
#define CORE_LEARNER_H

#include "core/arena.h"
#include "core/linear.h"
#include "core/loss.h"
#include "core/optimizer.h"

/* Numbers that are learned, and what the optimizer keeps beside them. */
struct learned {
    float *at, *state[OPTIMIZER_STATES];
    size_t len;
};

struct learner_layer {
    size_t inputs, outputs, panels;
    const struct relud_activation *activation;
    struct relud_activation_params params; /* its weight: the slopes */
    bool is_identity;
    struct learned weight; /* panels, as in core/panel.h */
    struct learned bias;   /* [panels][64] */
    struct learned slopes; /* PReLU's: [1] or [outputs]; else len is 0 */
    struct linear forward; /* over weight and bias */
    struct linear turned;  /* the same weights from outputs to inputs; not for the first layer */
    float *turned_weight;
    /* Of one batch: */
    float *x;        /* [rows][inputs]: the batch, or the y of the layer before */
    float *x_turned; /* [inputs][rows] */
    float *z,
        *y; /* [rows][outputs]: before and after the activation, and y after dropout; may be the same */
    float *keep;        /* [rows][outputs]: what dropout multiplies y by; NULL without */
    float *g;           /* [rows][outputs]: the loss's gradient by z */
    float *g_panels;    /* [panels][rows][64]: the same in panels, for the weights' gradients */
    float *slope_terms; /* [rows][outputs]: the slopes' gradients */
    float *scratch;     /* [rows][outputs] */
};

/* What a thread saw of one layer's units, in training. */
struct learner_tally {
    uint32_t *zeros; /* [outputs]: how many answers of each were 0 */
};

struct learner {
    size_t layers, batch; /* the most rows of a batch */
    struct learner_layer *layer;
    enum relud_isa isa;
    const struct train_loops *loops;
    const struct panel_kernels *kernels;
    struct loss loss;
    float dropout;
    uint64_t seed;
    float *parameters; /* all that is learned, in one piece: [parameters_len] */
    float *state[OPTIMIZER_STATES];
    size_t parameters_len, states;
};

/* A batch on its way. */
struct learner_batch {
    size_t rows;
    uint64_t step;               /* dropout's draws depend on it and on the row */
    const struct target *target; /* [rows] */
    double *loss;                /* [rows], filled by learner_rows */
    bool *is_right;              /* [rows], the same */
    bool is_training;            /* else: forward and loss alone, without dropout */
};

/* Everything from the arena. config must fit the loss and the rows of `features`. Parameters are drawn by the seed. */
bool learner_init(struct learner *learner, struct arena *arena, size_t features,
                  const struct relud_train_config *config, struct relud_error *error);

/* Rows begin … end - 1 of the batch, whose inputs stand in learner->layer[0].x. tally[layers], or NULL. */
void learner_rows(struct learner *learner, const struct learner_batch *batch, size_t begin,
                  size_t end, struct learner_tally *tally);

/* The part-th of `parts` shares of the parameters. */
void learner_weights(struct learner *learner, const struct optimizer *optimizer, size_t rows,
                     size_t part, size_t parts);

/* layer->turned_weight anew; not for the first layer. */
void learner_turn_layer(const struct learner *learner, struct learner_layer *layer);

/* After parameters were written from outside: what is derived from them. */
void learner_refresh(struct learner *learner);

/* weight[outputs][inputs] and bias[outputs], as files have them, into the layer, and out of it. */
void learner_set_layer(struct learner *learner, size_t layer, const float *weight,
                       const float *bias);
void learner_get_layer(const struct learner *learner, size_t layer, float *weight, float *bias);

#endif
