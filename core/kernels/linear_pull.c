/* Linear layers backwards. */
#include "core/kernels/linear.h"

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

void linear_pull(const struct linear *linear, const double *slope, const float *x, double *to)
{
    enum { PIECE = 256 };
    unsigned index[PIECE];
    double by[PANEL_WIDTH];
    for (size_t k = 0; k < linear->inputs; k += PIECE) {
        size_t some = linear->inputs - k < PIECE ? linear->inputs - k : PIECE;
        size_t count = list_inputs(x, k, some, index);
        for (size_t p = 0; count && p < panel_count(linear->outputs); p++) {
            struct panel panel = linear_panel(linear, p);
            if (pad_slopes(&panel, slope + p * PANEL_WIDTH, by))
                linear->kernels->pull(&panel, by, index, count, to);
        }
    }
}
