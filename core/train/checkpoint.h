/* Saves and reads what a training needs to continue as if it had never stopped: the parameters, the
 * optimizer's state, the best parameters so far and the figures of the epochs. It is one
 * safetensors file, which is always replaced as a whole. */
#ifndef CORE_TRAIN_CHECKPOINT_H
#define CORE_TRAIN_CHECKPOINT_H

#include "core/train/learner.h"

struct checkpoint {
    struct learner *learner;
    struct optimizer *optimizer;
    /* [learner->parameters_len] each: the values at the end of the last complete epoch; `best`:
     * those of the best epoch. */
    float *parameters, *state[OPTIMIZER_STATES], *best;
    double powers[2];     /* the optimizer's beta1_power and beta2_power */
    const char *settings; /* settings and data; reading fails if they differ */
    size_t epochs, epochs_max, best_epoch;
    struct relud_epoch *epoch; /* [epochs_max], of which the first `epochs` are filled */
};

/* Allocates the arrays. The caller has set learner, optimizer and epochs_max. */
bool checkpoint_init(struct checkpoint *checkpoint, struct arena *arena, struct relud_error *error);
/* Copies the parameters and states of learner and optimizer, at the end of an epoch. */
void checkpoint_take(struct checkpoint *checkpoint);
bool checkpoint_save(const struct checkpoint *checkpoint, const char *path,
                     struct relud_error *error);
/* Fills in everything from the file, also in learner and optimizer. False and *error if the file is
 * not a checkpoint of this net, or was made with other settings or data. */
bool checkpoint_read(struct checkpoint *checkpoint, const char *path, struct relud_error *error);

#endif
