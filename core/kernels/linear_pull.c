/* Linear layers backwards. */
#include "core/kernels/linear.h"

#include "core/base/watch.h"
#include <string.h>

/* Lists the inputs from `first` on whose slopes are wanted, at most `most`. */
static size_t list_inputs(const float *x, size_t first, size_t most, unsigned *index)
{
    size_t count = 0;
    for (size_t k = first; k < first + most; k++)
        if (!x || x[k] != 0)
            index[count++] = (unsigned)k;
    return count;
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
                       const unsigned *index, size_t count, double *to)
{
    const unsigned first = 0;
    size_t width = panel->units * PANEL_UNIT;
    float weight[PANEL_WIDTH];
    struct panel one = *panel;
    one.form = PANEL_FLOAT32;
    one.weight = weight;
    if (panel->form == PANEL_FLOAT32)
        linear->kernels->pull(panel, by, index, count, to);
    for (size_t i = 0; panel->form != PANEL_FLOAT32 && i < count; i++) {
        linear->kernels->widen(panel->form, panel->narrow + index[i] * width, width, weight);
        linear->kernels->pull(&one, by, &first, 1, to + index[i]);
    }
}

bool linear_pull(const struct linear *linear, const double *slope, const float *x, double *to,
                 const struct relud_watch *watch)
{
    enum { PIECE = 256, PIECE_WEIGHTS = 1 << 16 /* about 20 us of work */ };
    unsigned index[PIECE];
    double by[PANEL_WIDTH];
    size_t fit = PIECE_WEIGHTS / linear->outputs, piece = fit < PIECE ? fit + 1 : PIECE, some;
    for (size_t k = 0; k < linear->inputs; k += some) {
        some = linear->inputs - k < piece ? linear->inputs - k : piece;
        size_t count = list_inputs(x, k, some, index);
        for (size_t p = 0; count && p < panel_count(linear->outputs); p++) {
            struct panel panel = linear_panel(linear, p);
            if (pad_slopes(&panel, slope + p * PANEL_WIDTH, by))
                pull_panel(linear, &panel, by, index, count, to);
        }
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}
