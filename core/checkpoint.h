/* What a training needs to go on as if it had never stopped: parameters, the optimizer's memory, the best parameters so far
 * and the epochs' figures, in one safetensors file that appears whole or not at all. */
#ifndef CORE_CHECKPOINT_H
#define CORE_CHECKPOINT_H

#include "core/learner.h"

struct checkpoint {
    struct learner *learner;
    struct optimizer *optimizer;
    /* All as they were at the end of the last whole epoch: [learner->parameters_len] */
    float *parameters, *state[OPTIMIZER_STATES], *best;
    double powers[2];     /* the optimizer's */
    const char *settings; /* what must be the same when it is read again */
    size_t epochs, epochs_max, best_epoch;
    struct relud_epoch *epoch; /* [epochs_max], the first `epochs` filled */
};

/* Memory for all of it. */
bool checkpoint_init(struct checkpoint *checkpoint, struct arena *arena, struct relud_error *error);
/* The end of an epoch: takes what learner and optimizer hold now. */
void checkpoint_take(struct checkpoint *checkpoint);
bool checkpoint_save(const struct checkpoint *checkpoint, const char *path,
                     struct relud_error *error);
/* Fills everything, learner and optimizer, too. */
bool checkpoint_read(struct checkpoint *checkpoint, const char *path, struct relud_error *error);

#endif
