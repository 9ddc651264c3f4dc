/* Prepares rows for a batch: shifts images, then scales or standardizes as serving will do. Also
 * computes statistics of the features. */
#ifndef CORE_TRAIN_TRAIN_INPUT_H
#define CORE_TRAIN_TRAIN_INPUT_H

#include "core/base/arena.h"
#include "core/kernels/train_loops.h"
#include <relud/train.h>

struct train_input {
    const struct train_loops *loops;
    size_t features; /* numbers in a row of the data */
    size_t width;    /* numbers in an input of the net: a word is one-hot */
    /* NULL: they are the same. Else [features + 1]: where each begins in the input. */
    size_t *first;
    const struct relud_features *feature;
    float scale, shift;
    bool is_standardized;
    /* [features] each, from the rows to train on, before scaling. divisor is std, but 1 where a
     * feature is constant; the model divides by it. */
    float *mean, *std, *divisor, *min, *max;
    /* [width]: as mean and divisor, but 0 and 1 for the places of words. */
    float *place_mean, *place_divisor;
    size_t bins;
    float *histogram; /* [features][bins], or NULL if there are too many features */
};

/* The numbers that rows of data give to the net. */
size_t train_input_width(const struct relud_dataset *data);

/* Computes the statistics of the `count` rows of data that row[] lists. False and *error without
 * memory. */
bool train_input_init(struct train_input *input, struct arena *arena,
                      const struct relud_train_config *config, const struct relud_dataset *data,
                      const uint32_t *row, size_t count, const struct train_loops *loops,
                      struct relud_error *error);

/* Writes one row to x[width]. An image is moved down by dy and right by dx pixels, and zeros
 * fill the gap; both must be 0 for rows that are not images. moved[features] is scratch. */
void train_input_row(const struct train_input *input, const struct relud_dataset *data, size_t row,
                     int dy, int dx, float *moved, float *x);

#endif
