/* The loops of training over plain arrays, compiled once for each instruction set. Every step is
 * one IEEE operation in a fixed order, so the bits are the same in every version. */
#ifndef CORE_KERNELS_TRAIN_LOOPS_H
#define CORE_KERNELS_TRAIN_LOOPS_H

#include <relud/activation.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One step of torch.optim.SGD. */
struct sgd_step {
    float lr, momentum, weight_decay;
    bool is_nesterov;
};

/* One step of torch.optim.Adam. Whatever depends on the number t of the step is already
 * computed. */
struct adam_step {
    float step_size;                  /* lr / (1 - beta1^t) */
    float correction;                 /* sqrt(1 - beta2^t) */
    float beta1, beta2, gain1, gain2; /* gain = 1 - beta, rounded once */
    float epsilon, weight_decay;
};

struct train_loops {
    /* Update w[n] by its gradient g[n]. buffer[n], m[n] and v[n] are the optimizer's state. */
    void (*sgd)(const struct sgd_step *step, float *w, float *buffer, const float *g, size_t n);
    void (*adam)(const struct adam_step *step, float *w, float *m, float *v, const float *g,
                 size_t n);
    /* to[n] = from[n] * scale, then + shift unless that is 0: the same operations as the steps of
     * core/format/model_layers.c */
    void (*bytes)(const unsigned char *from, float scale, float shift, float *to, size_t n);
    void (*floats)(const float *from, float scale, float shift, float *to, size_t n);
    /* to[n] = (from[n] - mean[n]) / std[n] */
    void (*standardize)(const float *from, const float *mean, const float *std, float *to,
                        size_t n);
    /* y[n] *= x[n]; y[n] += x[n] */
    void (*multiply)(float *y, const float *x, size_t n);
    void (*add)(float *y, const float *x, size_t n);
    /* zeros[n] += 1 if y[n] is ±0 */
    void (*count_zeros)(const float *y, uint32_t *zeros, size_t n);
    /* to[c][r] = from[r][c], with rows of from_width and to_width floats */
    void (*turn)(const float *from, size_t from_width, float *to, size_t to_width, size_t rows,
                 size_t columns);
};

/* The loops of an instruction set. Not for RELUD_ISA_BEST. */
const struct train_loops *train_loops_of(enum relud_isa isa);

extern const struct train_loops train_loops_scalar;
#if defined(__x86_64__)
extern const struct train_loops train_loops_avx2, train_loops_avx512;
#endif

#endif
