/* Rows on their way into a batch: moved, where they are images, then scaled or standardized as serving will do it. And what
 * is said of the features. */
#ifndef CORE_TRAIN_INPUT_H
#define CORE_TRAIN_INPUT_H

#include "core/arena.h"
#include "core/train_loops.h"
#include <relud/train.h>

struct train_input {
    const struct train_loops *loops;
    size_t features;
    float scale, shift;
    bool is_standardized;
    /* [features], of the rows that are trained on, before scaling. std for the model is 1 where a feature is constant. */
    float *mean, *std, *divisor, *min, *max;
    size_t bins;
    float *histogram; /* [features][bins], or NULL for too many features */
};

/* Looks at the `count` rows of data listed in row[]. */
bool train_input_init(struct train_input *input, struct arena *arena,
                      const struct relud_train_config *config, const struct relud_dataset *data,
                      const uint32_t *row, size_t count, const struct train_loops *loops,
                      struct relud_error *error);

/* A row's image moved down and right by (dy, dx) pixels, zeros coming in; both 0 for what is no image. x is [features];
 * moved is scratch of as many floats. */
void train_input_row(const struct train_input *input, const struct relud_dataset *data, size_t row,
                     int dy, int dx, float *moved, float *x);

#endif
