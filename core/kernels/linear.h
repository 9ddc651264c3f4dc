/* One linear layer in the exact arithmetic: y[n] is a chain of fmaf over k = 0 … inputs-1 of x[k] ·
 * w[k][n], starting from 0, then + b[n] (+ 0 without a bias), all in float32. The plan
 * (core/kernels/plan.c) chooses the kernel for each number of rows. In exact mode it chooses only
 * between our own kernels. They compute exactly this chain, so the choice cannot change a bit.
 * OpenBLAS sums in its own order, which depends on shape, position and version; it is used only
 * with RELUD_MATH_FAST.
 *
 * The sparse kernel leaves zeros in x out of the chain. fmaf(±0, w, sum) equals sum for every
 * finite w, with one exception: a sum of -0 may become +0. A sum is -0 only after a negative
 * product underflowed on a sum of ±0, and -0 + b equals +0 + b for every b except -0. So a layer
 * with a bias of -0 does not use the sparse kernel; all others may. */
#ifndef CORE_KERNELS_LINEAR_H
#define CORE_KERNELS_LINEAR_H

#include "core/base/arena.h"
#include "core/kernels/panel.h"
#include <relud/model.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

enum linear_kernel {
    LINEAR_PANEL, /* our dense kernel */
    LINEAR_BLAS,  /* OpenBLAS on the same panels; only with RELUD_MATH_FAST */
};

/* Numbers of rows are planned in classes that double: 1, 2-3, 4-7, 8-15, 16-31, 32 and more. */
enum { PLAN_CLASSES = 6 };

struct plan {
    enum linear_kernel kernel[PLAN_CLASSES];
    /* Rows with at most this many non-zeros take the sparse kernel. 0: none do. */
    size_t sparse_max[PLAN_CLASSES];
    float row_ns[PLAN_CLASSES];      /* measured nanoseconds per row of the dense kernel */
    bool is_prefetching;             /* see struct panel */
    bool is_streaming[PLAN_CLASSES]; /* of several rows: weights are fetched a part ahead */
};

struct linear {
    size_t inputs, outputs;
    size_t panel_first, panel_end; /* the panels of a linear_part; panel_end: 0 where it is all */
    /* Panels, see core/kernels/panel.h: one of the two is set, by the form. The plan decides. */
    enum panel_form form;
    const float *weight;
    const uint16_t *narrow;
    const float *bias; /* [outputs rounded up to 64] */
    bool has_bias, may_skip_zeros;
    enum relud_math math;
    const struct panel_kernels *kernels;
    struct plan plan;
};

/* The weights as a file has them, before packing. Borrowed until linear_pack returns. */
struct weights {
    size_t inputs, outputs;
    /* float [outputs][inputs], or [inputs][outputs] if is_in_out. It needs no alignment. */
    const void *weight;
    bool is_in_out;
    const float *scale; /* [outputs]: factors of the weights, or NULL */
    const float *bias;  /* [outputs], or NULL */
};

/* Packs the weights into panels in the arena, as float32. The plan is the plain one: the dense
 * kernel, no sparse rows. False and *error if memory runs out. */
bool linear_pack(struct linear *linear, struct arena *arena, const struct weights *weights,
                 const struct relud_model_options *options, struct relud_error *error);

/* The form of 16 bits that has all of the layer's weights exactly; PANEL_FLOAT32 if none has. */
enum panel_form linear_narrow_form(const struct linear *linear);

/* The numbers that the panels hold, with their padding. */
size_t linear_packed_numbers(const struct linear *linear);

/* Writes the weights to narrow[linear_packed_numbers], in that form, which must have them. */
void linear_narrow(const struct linear *linear, enum panel_form form, uint16_t *narrow);

/* Writes weight[outputs][inputs] and bias[outputs] as they were packed; the bias is zeros if there
 * is none. */
void linear_unpack(const struct linear *linear, float *weight, float *bias);

/* y[rows][outputs] = x[rows][inputs] · w + b, by the plan. y must not overlap x. */
void linear_forward(const struct linear *linear, const float *x, float *y, size_t rows);

/* Panel number `index` of the layer. */
struct panel linear_panel(const struct linear *linear, size_t index);

/* to[inputs] += w · slope[outputs]: slopes by the outputs become slopes by the inputs. In double,
 * in a fixed order. Leaves out inputs k with x[k] == 0, unless x is NULL. False: the watch ended
 * it. */
bool linear_pull(const struct linear *linear, const double *slope, const float *x, double *to,
                 const struct relud_watch *watch);

/* The layer that computes only `panels` panels of PANEL_WIDTH columns, from panel_first on, or as
 * many as there are. Its y is the whole layer's, and it leaves the other columns alone. Borrows the
 * layer's memory. */
struct linear linear_part(const struct linear *linear, size_t panel_first, size_t panels);

/* Nanoseconds that the plan measured for a dense row among `rows` rows. */
double linear_row_ns(const struct linear *linear, size_t rows);

/* The single kernels, for the plan and the tests. They compute the bits of the chain;
 * linear_by_sparse does so only if linear->may_skip_zeros. */
void linear_by_panel(const struct linear *linear, const float *x, float *y, size_t rows);
void linear_by_sparse(const struct linear *linear, const float *x, float *y, size_t rows);
/* Sums in another order, so the bits may differ from the chain's. */
void linear_by_blas(const struct linear *linear, const float *x, float *y, size_t rows);

/* False if this build of OpenBLAS cannot be called from several threads. linear_by_blas must not be
 * called then. */
bool linear_may_use_blas(void);

#endif
