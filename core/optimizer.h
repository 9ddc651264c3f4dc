/* How gradients change parameters: torch.optim's SGD and Adam, and learning rates over time. */
#ifndef CORE_OPTIMIZER_H
#define CORE_OPTIMIZER_H

#include "core/train_loops.h"
#include <relud/train.h>

enum { OPTIMIZER_STATES = 2 }; /* arrays as long as the parameters: SGD's buffer; Adam's m and v */

struct optimizer {
    const struct train_loops *loops;
    bool is_adam;
    struct sgd_step sgd;
    struct adam_step adam;
    double beta1_power, beta2_power; /* beta^t after t steps */
};

void optimizer_init(struct optimizer *optimizer, const struct relud_train_config *config,
                    const struct train_loops *loops);
/* How many of the states it keeps. */
size_t optimizer_states(const struct optimizer *optimizer);
/* Begins the next step, at this learning rate. */
void optimizer_begin(struct optimizer *optimizer, double lr);
/* w[n] by g[n]; state[i] is [n]. */
void optimizer_update(const struct optimizer *optimizer, float *w, float *const *state,
                      const float *g, size_t n);

/* The learning rate of step `step` of `steps`, of which `epoch_steps` make an epoch. */
double optimizer_rate(const struct relud_train_config *config, size_t step, size_t steps,
                      size_t epoch_steps);

#endif
