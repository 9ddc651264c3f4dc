/* The optimizers SGD and Adam, as in torch.optim, and the learning rate's schedules. */
#ifndef CORE_TRAIN_OPTIMIZER_H
#define CORE_TRAIN_OPTIMIZER_H

#include "core/kernels/train_loops.h"
#include <relud/train.h>

/* Arrays as long as the parameters: SGD's momentum; Adam's m and v. */
enum { OPTIMIZER_STATES = 2 };

struct optimizer {
    const struct train_loops *loops;
    bool is_adam;
    struct sgd_step sgd;
    struct adam_step adam;
    double beta1_power, beta2_power; /* beta^t after t steps */
};

void optimizer_init(struct optimizer *optimizer, const struct relud_train_config *config,
                    const struct train_loops *loops);
/* The number of state arrays that the optimizer uses. */
size_t optimizer_states(const struct optimizer *optimizer);
/* Begins the next step with this learning rate. */
void optimizer_begin(struct optimizer *optimizer, double lr);
/* Updates w[n] with the gradient g[n]; each state[i] is [n]. */
void optimizer_update(const struct optimizer *optimizer, float *w, float *const *state,
                      const float *g, size_t n);

/* The learning rate of step `step` (from 0) of `steps`; an epoch has `epoch_steps`. */
double optimizer_rate(const struct relud_train_config *config, size_t step, size_t steps,
                      size_t epoch_steps);

#endif
