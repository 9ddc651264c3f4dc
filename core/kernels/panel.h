/* Our own kernels for the exact arithmetic. Each output is one chain of fused multiply-adds over k:
 * it starts with a sum of 0 and goes through k in order. The instruction set, the number of rows
 * and their position do not change it.
 *
 * Weights are stored in panels of 64 columns, one after another, [inputs][64] each. The last panel
 * is as wide as the columns left, rounded up to units of 16 and padded with zeros. */
#ifndef CORE_KERNELS_PANEL_H
#define CORE_KERNELS_PANEL_H

#include <relud/activation.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PANEL_UNIT = 16,     /* columns */
    PANEL_UNITS_MAX = 4, /* in one panel */
    PANEL_WIDTH = PANEL_UNIT * PANEL_UNITS_MAX,
    PANEL_ROWS_MAX = 12, /* most rows that a dense kernel takes at once */
    PANEL_SUMS = 8,      /* sums side by side that make one slope */
};

/* panel_count: the number of panels for so many columns. panel_width: the width of one panel, which
 * is its columns rounded up to units. */
static inline size_t panel_count(size_t columns)
{
    return (columns + PANEL_WIDTH - 1) / PANEL_WIDTH;
}
static inline size_t panel_width(size_t columns, size_t panel)
{
    size_t left = columns - panel * PANEL_WIDTH;
    return left < PANEL_WIDTH ? (left + PANEL_UNIT - 1) / PANEL_UNIT * PANEL_UNIT : PANEL_WIDTH;
}

/* How the weights of a panel are stored. Each number of 16 bits stands for the float32 that it is
 * widened to, so the kernels compute the same bits. */
enum panel_form { PANEL_FLOAT32, PANEL_BFLOAT16, PANEL_FLOAT16 };

/* One panel of a layer. */
struct panel {
    enum panel_form form;
    const float *weight;           /* [inputs][16 * units]; or, for the other forms: */
    const uint16_t *narrow;        /* [inputs][16 * units] */
    const float *bias;             /* [16 * units] */
    size_t inputs, units, columns; /* columns: without the padding, at most 16 * units */
    /* With one row, prefetch weights before they are needed. The plan sets this if it measured it
     * as faster. */
    bool is_prefetching;
    /* With several rows: memory as long as the panel's weights that is wanted after them, and is
     * prefetched meanwhile. NULL: there is none. */
    const float *next;
    /* The panel is a part of the inputs: y holds the sums over earlier ones; later ones follow, so
     * that the bias is not added yet. */
    bool is_continued, is_unfinished;
};

/* A weight of the panel, by its place in `weight` or `narrow`. */
float panel_weight(const struct panel *panel, size_t index);

struct panel_kernels {
    /* y[r][0 … columns) = chain + bias, for 1 … PANEL_ROWS_MAX rows. Only of one row may the
     * weights be narrow, and then of all inputs. */
    void (*dense)(const struct panel *panel, const float *const *x, float *const *y, size_t rows);
    bool has_next; /* dense prefetches panel->next */
    /* to[count] = the float32 numbers of from[count], which have the form. */
    void (*widen)(enum panel_form form, const uint16_t *from, size_t count, float *to);
    /* sums[16 * units] = the chains in `before`, continued over the listed k in order: input
     * index[i] has the value value[i]. If `before` is NULL, the chains start at 0. `before` may be
     * `sums`. */
    void (*sparse)(const struct panel *panel, const unsigned *index, const float *value,
                   size_t count, const float *before, float *sums);
    /* sums[i][n % PANEL_SUMS] += weight[index[i]][n] * by[n], over the columns n in their order,
     * for i below count; unless is_continued, the sums begin at 0. by[16 * units]. The weights must
     * not be narrow. */
    void (*pull)(const struct panel *panel, const double *by, const unsigned *index, size_t count,
                 bool is_continued, double (*sums)[PANEL_SUMS]);
    /* Lists the non-zeros of x[count], with indices that begin at `first`. Returns how many there
     * are. May write up to PANEL_UNIT places beyond the last. */
    size_t (*list)(const float *x, size_t count, unsigned first, unsigned *index, float *value);
    /* Returns how many of x[count] are not zero. */
    size_t (*count)(const float *x, size_t count);
};

/* The kernels of an instruction set; for RELUD_ISA_BEST those of the best one that this CPU has.
 * On targets other than x86-64 they are always the scalar ones. Never NULL. */
const struct panel_kernels *panel_kernels_of(enum relud_isa isa);

extern const struct panel_kernels panel_scalar;
#if defined(__x86_64__)
extern const struct panel_kernels panel_avx2, panel_avx512;
#endif

#endif
