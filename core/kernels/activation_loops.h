/* The element-wise functions by number, and their loops for one instruction set. */
#ifndef CORE_KERNELS_ACTIVATION_LOOPS_H
#define CORE_KERNELS_ACTIVATION_LOOPS_H

#include "core/kernels/activation_table.h"
#include <stddef.h>

/* One loop for each row of the table that has a formula, and one for the other form of gelu.
 * Parameters come as p[0] and p[1]. */
#define ACTIVATION_LOOPS(X) ACTIVATIONS(X, WITHOUT_A_LOOP) X(gelu_tanh, )
#define WITHOUT_A_LOOP(which, ...)

enum activation_loop {
#define X(name, ...) LOOP_##name,
    ACTIVATION_LOOPS(X)
#undef X
        LOOPS
};

enum { SUM_LANES = 16 };

struct activation_loops {
    /* y[n] = f(x[n]), y[n] = f'(x[n]); y may be x. */
    void (*value[LOOPS])(const float *p, const float *x, float *y, size_t n);
    void (*gradient[LOOPS])(const float *p, const float *x, float *y, size_t n);
    /* The same for leaky_relu with a slope for each element. */
    void (*slopes)(const float *slope, const float *x, float *y, size_t n);
    void (*slopes_gradient)(const float *slope, const float *x, float *y, size_t n);
    /* The steps of softmax over one row: its greatest number, */
    float (*row_max)(const float *x, size_t n);
    /* y[n] = exp(x[n] - most), unless y is NULL, and their sum; it is of SUM_LANES sums side by
     * side, which are added to lanes: all zeros at first, a row may come in parts, of which all
     * but the last have a multiple of SUM_LANES numbers, */
    float (*row_exp)(float most, const float *x, float *y, size_t n, float *lanes);
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
