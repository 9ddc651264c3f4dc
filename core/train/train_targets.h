/* What is known of the targets before anything is learned: their mean and deviation, by which a
 * regression's targets are standardized, and the loss of the best answer that is the same for every
 * row. */
#ifndef CORE_TRAIN_TRAIN_TARGETS_H
#define CORE_TRAIN_TRAIN_TARGETS_H

#include "core/base/arena.h"
#include <relud/train.h>

struct train_targets {
    /* [outputs] each, over the rows to train on; NULL for classes. std is 1 where a target is
     * constant. */
    float *mean, *std;
    double *share; /* [labels]: of the rows to train on; NULL for a regression */
    size_t most;   /* the most frequent class */
};

/* Measures the `count` rows of data that row[] lists. False and *error without memory. */
bool train_targets_init(struct train_targets *targets, struct arena *arena,
                        const struct relud_dataset *data, const uint32_t *row, size_t count,
                        struct relud_error *error);

/* The baseline: what an answer without any features would give for a row. A regression answers the
 * mean; the loss is then the squared error. Otherwise the answer is the classes' shares, and the
 * loss is -log of the target's. *is_right: the target is the most frequent class. */
double train_targets_loss(const struct train_targets *targets, const struct relud_dataset *data,
                          size_t row, bool *is_right);

#endif
