/* The kernel for slopes of core/kernels/panel.h, compiled once for each instruction set. A product
 * and a sum are one IEEE operation each, so the bits are the same in every version. */
#include "core/kernels/panel.h"

#include <string.h>

typedef double pull_lanes __attribute__((vector_size(8 * sizeof(double))));
typedef float pull_floats __attribute__((vector_size(8 * sizeof(float))));

static double pull_one(const float *weight, const double *by, size_t width)
{
    double place[8];
    pull_lanes sum = {0};
    for (size_t n = 0; n < width; n += 8) {
        pull_floats w;
        pull_lanes slope;
        memcpy(&w, weight + n, sizeof w);
        memcpy(&slope, by + n, sizeof slope);
        sum += __builtin_convertvector(w, pull_lanes) * slope;
    }
    memcpy(place, &sum, sizeof place);
    for (size_t half = 4; half; half /= 2)
        for (size_t i = 0; i < half; i++)
            place[i] += place[i + half];
    return place[0];
}

static void pull_slopes(const struct panel *panel, const double *by, const unsigned *index,
                        size_t count, double *to)
{
    size_t width = panel->units * PANEL_UNIT;
    for (size_t i = 0; i < count; i++)
        to[index[i]] += pull_one(panel->weight + index[i] * width, by, width);
}
