/* Linear layers backwards. */
#include "core/kernels/linear.h"

#include "core/base/watch.h"
#include <string.h>

enum { PIECE = 128, PIECE_WEIGHTS = 1 << 16 /* about 20 us of work */ };

/* Lists the inputs from `first` on whose slopes are wanted, at most `most`. */
static size_t list_inputs(const struct linear *linear, const float *x, size_t first, size_t most,
                          unsigned *index)
{
    float value[PIECE + PANEL_UNIT];
    if (x)
        return linear->kernels->list(x + first, most, (unsigned)first, index, value);
    for (size_t k = 0; k < most; k++)
        index[k] = (unsigned)(first + k);
    return most;
}

/* Widens the slopes of a panel's columns to its width. Returns false if all are 0. */
static bool pad_slopes(const struct panel *panel, const double *slope, double by[PANEL_WIDTH])
{
    bool is_any = false;
    memset(by, 0, PANEL_WIDTH * sizeof *by);
    for (size_t n = 0; n < panel->columns; n++) {
        by[n] = slope[n];
        is_any |= slope[n] != 0;
    }
    return is_any;
}

/* Narrow weights are widened for one input at a time. */
static void pull_panel(const struct linear *linear, const struct panel *panel, const double *by,
                       const unsigned *index, size_t count, bool is_continued,
                       double (*sums)[PANEL_SUMS])
{
    const unsigned first = 0;
    size_t width = panel->units * PANEL_UNIT;
    float weight[PANEL_WIDTH];
    struct panel one = *panel;
    one.form = PANEL_FLOAT32;
    one.weight = weight;
    if (panel->form == PANEL_FLOAT32)
        linear->kernels->pull(panel, by, index, count, is_continued, sums);
    for (size_t i = 0; panel->form != PANEL_FLOAT32 && i < count; i++) {
        linear->kernels->widen(panel->form, panel->narrow + index[i] * width, width, weight);
        linear->kernels->pull(&one, by, &first, 1, is_continued, sums + i);
    }
}

/* Adds up the sums of one input, as a tree. */
static double add_up(const double *sums)
{
    double half[PANEL_SUMS / 2];
    for (size_t i = 0; i < PANEL_SUMS / 2; i++)
        half[i] = sums[i] + sums[i + PANEL_SUMS / 2];
    return (half[0] + half[2]) + (half[1] + half[3]);
}

bool linear_pull(const struct linear *linear, const double *slope, const float *x, double *to,
                 const struct relud_watch *watch)
{
    unsigned index[PIECE + PANEL_UNIT];
    double by[PANEL_WIDTH], sums[PIECE][PANEL_SUMS];
    size_t fit = PIECE_WEIGHTS / linear->outputs, piece = fit < PIECE ? fit + 1 : PIECE, some;
    for (size_t k = 0; k < linear->inputs; k += some) {
        some = linear->inputs - k < piece ? linear->inputs - k : piece;
        size_t count = list_inputs(linear, x, k, some, index);
        bool is_begun = false;
        for (size_t p = 0; count && p < panel_count(linear->outputs); p++) {
            struct panel panel = linear_panel(linear, p);
            if (!pad_slopes(&panel, slope + p * PANEL_WIDTH, by))
                continue;
            pull_panel(linear, &panel, by, index, count, is_begun, sums);
            is_begun = true;
        }
        for (size_t i = 0; is_begun && i < count; i++)
            to[index[i]] += add_up(sums[i]);
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}
