/* Batch normalisation with the statistics from training: (x - mean) / sqrt(variance + epsilon) ·
 * weight + bias. It is folded into one factor and one shift per channel. */
#ifndef CORE_KERNELS_BATCH_NORM_H
#define CORE_KERNELS_BATCH_NORM_H

#include <stdbool.h>
#include <stddef.h>

struct batch_norm {
    size_t channels;
    const float *weight, *bias; /* [channels]; NULL: weight 1, bias 0 */
    const float *mean, *variance;
    float epsilon;
};

/* Sets scale[channels] and shift[channels] so that the normalisation of x is x · scale + shift. If
 * x comes from a linear layer, `own` may be that layer's bias[channels]; scale and shift then apply
 * to the layer's output before its bias. `own` may be NULL. Everything is computed in double and
 * then rounded. Returns false and sets *channel if a number is not finite. */
bool batch_norm_fold(const struct batch_norm *norm, const float *own, float *scale, float *shift,
                     size_t *channel);

#endif
