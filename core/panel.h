/* Our own kernels for the exact arithmetic: each output is one chain of fused multiply-adds over k, starting from 0,
 * in order of k, whatever the instruction set, the number of rows and their places.
 *
 * Weights lie in panels of 64 columns, panel after panel, [inputs][64] each; the last one is as wide as the columns
 * left, rounded up to units of 16, with zeros behind. */
#ifndef CORE_PANEL_H
#define CORE_PANEL_H

#include <relud/activation.h>
#include <stddef.h>

enum {
    PANEL_UNIT = 16,     /* columns */
    PANEL_UNITS_MAX = 4, /* in one panel */
    PANEL_WIDTH = PANEL_UNIT * PANEL_UNITS_MAX,
    PANEL_ROWS_MAX = 12, /* rows that a dense kernel takes at once */
};

/* How many panels so many columns take, and the columns that lie in one of them, rounded up to units: its width. */
static inline size_t panel_count(size_t columns)
{
    return (columns + PANEL_WIDTH - 1) / PANEL_WIDTH;
}
static inline size_t panel_width(size_t columns, size_t panel)
{
    size_t left = columns - panel * PANEL_WIDTH;
    return left < PANEL_WIDTH ? (left + PANEL_UNIT - 1) / PANEL_UNIT * PANEL_UNIT : PANEL_WIDTH;
}

/* One panel, and where its answers go. */
struct panel {
    const float *weight;           /* [inputs][16 * units] */
    const float *bias;             /* [16 * units] */
    size_t inputs, units, columns; /* columns: the real ones, at most 16 * units */
};

struct panel_kernels {
    /* y[r][0 … columns) = chain + bias for `rows` rows, 1 … PANEL_ROWS_MAX. */
    void (*dense)(const struct panel *panel, const float *const *x, float *const *y, size_t rows);
    /* sums[16 * units] = the chains in `before`, or new ones where that is NULL, over the k listed, in order: index[i] with
     * value[i]. before may be sums. */
    void (*sparse)(const struct panel *panel, const unsigned *index, const float *value,
                   size_t count, const float *before, float *sums);
    /* Lists what of x[count] is not zero, with indices from `first` on; returns how many. Up to PANEL_UNIT places behind
     * the last may be written to. */
    size_t (*list)(const float *x, size_t count, unsigned first, unsigned *index, float *value);
    /* How many of x[count] are not zero. */
    size_t (*count)(const float *x, size_t count);
};

/* NULL where the compiler's target has no such instructions. */
const struct panel_kernels *panel_kernels_of(enum relud_isa isa);

extern const struct panel_kernels panel_scalar;
#if defined(__x86_64__)
extern const struct panel_kernels panel_avx2, panel_avx512;
#endif

#endif
