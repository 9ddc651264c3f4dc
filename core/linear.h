/* One linear layer in the exact arithmetic: y[n] = fmaf chain over k = 0 … inputs-1 of x[k] · w[k][n], starting from 0,
 * then + b[n] (+ 0 where there is no bias), all in float32. Which kernel computes it for how many rows is the plan's
 * choice (core/plan.c): in exact mode every one of them gives these bits.
 *
 * Zeros in x may be left out of the chain (the sparse kernel): fmaf(±0, w, sum) is sum for every finite w, except that a
 * sum of -0 may become +0. A sum is -0 only where a negative product underflowed on a sum of ±0, and -0 + b equals
 * +0 + b for every b but -0. So a layer with a bias of -0 does not use the sparse kernel; all others may. */
#ifndef CORE_LINEAR_H
#define CORE_LINEAR_H

#include "core/arena.h"
#include "core/panel.h"
#include <relud/model.h>
#include <stdbool.h>
#include <stddef.h>

enum linear_kernel {
    LINEAR_PANEL, /* our dense kernel */
    LINEAR_BLAS,  /* OpenBLAS's small-matrix kernel on the same panels */
};

/* Row counts are planned in classes that double: 1, 2-3, 4-7, 8-15, 16-31, 32 and more. */
enum { PLAN_CLASSES = 6 };

struct plan {
    enum linear_kernel kernel[PLAN_CLASSES];
    size_t sparse_max
        [PLAN_CLASSES]; /* rows with at most so many non-zeros take the sparse kernel; 0: none */
    float row_ns[PLAN_CLASSES]; /* as measured, dense */
    bool is_blas_exact;         /* the small-matrix kernel gave the chain's bits on these weights */
};

struct linear {
    size_t inputs, outputs;
    const float *weight; /* panels, see core/panel.h */
    const float *bias;   /* [outputs rounded up to 64] */
    bool has_bias, may_skip_zeros;
    enum relud_math math;
    const struct panel_kernels *kernels;
    struct plan plan;
};

/* Where a layer's numbers come from. */
struct weights {
    size_t inputs, outputs;
    const void *
        weight; /* float [outputs][inputs], or [inputs][outputs] when is_in_out; at any alignment */
    bool is_in_out;
    const float *scale; /* [outputs] by which the weights are multiplied, or NULL */
    const float *bias;  /* [outputs], or NULL */
};

/* Packs the weights into the arena; they are only read. The plan is the plain one: our kernel, no sparse rows. */
bool linear_pack(struct linear *linear, struct arena *arena, const struct weights *weights,
                 const struct relud_model_options *options, struct relud_error *error);

/* weight[outputs][inputs] and bias[outputs] as they were packed; without a bias there are zeros. */
void linear_unpack(const struct linear *linear, float *weight, float *bias);

/* y[rows][outputs] = x[rows][inputs] · w + b. y must not overlap x. */
void linear_forward(const struct linear *linear, const float *x, float *y, size_t rows);

/* The kernels by name, for the plan and the tests; the same meaning. */
void linear_by_panel(const struct linear *linear, const float *x, float *y, size_t rows);
void linear_by_blas(const struct linear *linear, const float *x, float *y, size_t rows);
void linear_by_sparse(const struct linear *linear, const float *x, float *y, size_t rows);

/* False where this OpenBLAS cannot be called from several threads, or the layer is too long for its small-matrix
 * kernel: linear_by_blas must not be called then. */
bool linear_may_use_blas(const struct linear *linear);

/* The one column `column` of one row by the scalar chain: what all kernels are held to. */
float linear_chain(const struct linear *linear, const float *x, size_t column);

#endif
