/* The element-wise functions by number, and their loops for one instruction set. */
#ifndef CORE_ACTIVATION_LOOPS_H
#define CORE_ACTIVATION_LOOPS_H

#include <stddef.h>

/* One loop a function; its parameters come as p[0] and p[1]. */
/* clang-format off */
#define ACTIVATION_LOOPS(X) \
    X(identity) X(relu) X(leaky_relu) X(elu) X(selu) X(celu) \
    X(silu) X(gelu) X(gelu_tanh) X(mish) X(sigmoid) X(tanh) \
    X(softplus) X(softsign) X(logsigmoid) X(hardswish) X(hardsigmoid) X(hardtanh) \
    X(threshold) X(tanhshrink) X(softshrink) X(hardshrink)
/* clang-format on */

enum activation_loop {
#define X(name) LOOP_##name,
    ACTIVATION_LOOPS(X)
#undef X
        LOOPS
};

struct activation_loops {
    /* y[n] = f(x[n]), y[n] = f'(x[n]); y may be x. */
    void (*value[LOOPS])(const float *p, const float *x, float *y, size_t n);
    void (*gradient[LOOPS])(const float *p, const float *x, float *y, size_t n);
    /* The same for leaky_relu with a slope for each element. */
    void (*slopes)(const float *slope, const float *x, float *y, size_t n);
    void (*slopes_gradient)(const float *slope, const float *x, float *y, size_t n);
    /* The steps of softmax over one row: its greatest number, */
    float (*row_max)(const float *x, size_t n);
    /* y[n] = exp(x[n] - most), unless y is NULL, and their sum, */
    float (*row_exp)(float most, const float *x, float *y, size_t n);
    /* the sum's logarithm, */
    float (*row_log)(float sum);
    /* x[n] / p[0], x[n] - p[0] - p[1], */
    void (*softmax_quotient)(const float *p, const float *x, float *y, size_t n);
    void (*softmax_logarithm)(const float *p, const float *x, float *y, size_t n);
    /* and the gradients x[n] (1 - x[n]), 1 - x[n]. */
    void (*softmax_slope)(const float *p, const float *x, float *y, size_t n);
    void (*softmax_log_slope)(const float *p, const float *x, float *y, size_t n);
};

extern const struct activation_loops activation_scalar;
#if defined(__x86_64__)
extern const struct activation_loops activation_avx2, activation_avx512;
#endif

#endif
