/* The kernel for slopes of core/kernels/panel.h, compiled once for each instruction set. A product
 * and a sum are one IEEE operation each, so the bits are the same in every version. Before it stand
 * PULL_LANES, the doubles in a register, at most PANEL_SUMS; pull_lanes, the type; pull_widen,
 * which loads so many floats as doubles; and PULL_INPUTS, how many inputs are computed at once. */
#include "core/kernels/panel.h"

#include <string.h>

#define PULL_UNROLL _Pragma("GCC unroll 8")

/* Lane by lane: the columns n with the same n % PANEL_SUMS are a chain. Several inputs at once do
 * not wait for each other's chains. */
/* clang-format off */ /* it does not know that PULL_UNROLL belongs to the loop after it */
static inline __attribute__((always_inline)) void
pull_some(const struct panel *panel, const double *by, const unsigned *index, const size_t inputs,
          bool is_continued, double (*sums)[PANEL_SUMS])
{
    enum { REGISTERS = PANEL_SUMS / PULL_LANES };
    size_t width = panel->units * PANEL_UNIT;
    pull_lanes sum[PULL_INPUTS][REGISTERS], slope;
    PULL_UNROLL for (size_t k = 0; k < inputs; k++)
        PULL_UNROLL for (size_t i = 0; i < REGISTERS; i++) {
            memset(&sum[k][i], 0, sizeof slope);
            if (is_continued)
                memcpy(&sum[k][i], sums[k] + i * PULL_LANES, sizeof slope);
        }
    for (size_t n = 0; n < width; n += PANEL_SUMS)
        PULL_UNROLL for (size_t i = 0; i < REGISTERS; i++) {
            memcpy(&slope, by + n + i * PULL_LANES, sizeof slope);
            PULL_UNROLL for (size_t k = 0; k < inputs; k++)
                sum[k][i] +=
                    pull_widen(panel->weight + index[k] * width + n + i * PULL_LANES) * slope;
        }
    PULL_UNROLL for (size_t k = 0; k < inputs; k++)
        PULL_UNROLL for (size_t i = 0; i < REGISTERS; i++)
            memcpy(sums[k] + i * PULL_LANES, &sum[k][i], sizeof slope);
}
/* clang-format on */

static void pull_slopes(const struct panel *panel, const double *by, const unsigned *index,
                        size_t count, bool is_continued, double (*sums)[PANEL_SUMS])
{
    size_t k = 0;
    for (; k + PULL_INPUTS <= count; k += PULL_INPUTS)
        pull_some(panel, by, index + k, PULL_INPUTS, is_continued, sums + k);
    for (; k < count; k++)
        pull_some(panel, by, index + k, 1, is_continued, sums + k);
}
