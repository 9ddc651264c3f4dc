/* The panel kernels in plain C. The others are tested against them, and they run where no others
 * can. */
#include "core/base/float16.h"
#include "core/kernels/panel.h"

#include <math.h>
#include <string.h>

static float widened(enum panel_form form, uint16_t bits)
{
    return form == PANEL_BFLOAT16 ? float32_from_bfloat16(bits) : float32_from_float16(bits);
}

float panel_weight(const struct panel *panel, size_t index)
{
    return panel->form == PANEL_FLOAT32 ? panel->weight[index]
                                        : widened(panel->form, panel->narrow[index]);
}

static void scalar_widen(enum panel_form form, const uint16_t *from, size_t count, float *to)
{
    for (size_t i = 0; i < count; i++)
        to[i] = widened(form, from[i]);
}

static void scalar_dense(const struct panel *panel, const float *const *x, float *const *y,
                         size_t rows)
{
    size_t width = panel->units * PANEL_UNIT;
    for (size_t r = 0; r < rows; r++) {
        float sums[PANEL_WIDTH] = {0};
        for (size_t n = 0; panel->is_continued && n < panel->columns; n++)
            sums[n] = y[r][n];
        for (size_t k = 0; k < panel->inputs; k++)
            for (size_t n = 0; n < width; n++)
                sums[n] = fmaf(x[r][k], panel_weight(panel, k * width + n), sums[n]);
        for (size_t n = 0; n < panel->columns; n++)
            y[r][n] = panel->is_unfinished ? sums[n] : sums[n] + panel->bias[n];
    }
}

static void scalar_sparse(const struct panel *panel, const unsigned *index, const float *value,
                          size_t count, const float *before, float *sums)
{
    size_t width = panel->units * PANEL_UNIT;
    for (size_t n = 0; n < width; n++) {
        float sum = before ? before[n] : 0;
        for (size_t i = 0; i < count; i++)
            sum = fmaf(value[i], panel_weight(panel, index[i] * width + n), sum);
        sums[n] = sum;
    }
}

static size_t scalar_list(const float *x, size_t count, unsigned first, unsigned *index,
                          float *value)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k++) {
        index[found] = first + (unsigned)k;
        value[found] = x[k];
        found += !(x[k] == 0); /* NaN counts */
    }
    return found;
}

static size_t scalar_count(const float *x, size_t count)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k++)
        found += !(x[k] == 0);
    return found;
}

enum { PULL_LANES = 1, PULL_INPUTS = 1 };
typedef double pull_lanes;

static inline pull_lanes pull_widen(const float *x)
{
    return (double)*x;
}

#include "core/kernels/panel_pull.h"

const struct panel_kernels panel_scalar = {.dense = scalar_dense,
                                           .widen = scalar_widen,
                                           .sparse = scalar_sparse,
                                           .pull = pull_slopes,
                                           .list = scalar_list,
                                           .count = scalar_count};

const struct panel_kernels *panel_kernels_of(enum relud_isa isa)
{
    if (isa == RELUD_ISA_BEST)
        isa = relud_isa_best();
#if defined(__x86_64__)
    if (isa == RELUD_ISA_AVX512)
        return &panel_avx512;
    if (isa == RELUD_ISA_AVX2)
        return &panel_avx2;
#endif
    return &panel_scalar;
}
