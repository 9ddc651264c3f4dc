/* The loops of core/kernels/train_loops.h in plain C, which the compiler vectorizes. Included by
 * core/kernels/train_loops_{scalar,avx2,avx512}.c. */
#include "core/kernels/train_loops.h"

#include <math.h>

/* torch.optim.SGD with dampening 0: g += decay · w; b = momentum · b + g; w -= lr · (g + momentum ·
 * b with nesterov, else b). */
static void sgd(const struct sgd_step *step, float *restrict w, float *restrict buffer,
                const float *restrict g, size_t n)
{
    const float lr = step->lr, momentum = step->momentum, decay = step->weight_decay;
    if (momentum == 0) {
        for (size_t i = 0; i < n; i++)
            w[i] -= lr * (g[i] + decay * w[i]);
    } else if (step->is_nesterov) {
        for (size_t i = 0; i < n; i++) {
            float slope = g[i] + decay * w[i];
            buffer[i] = momentum * buffer[i] + slope;
            w[i] -= lr * (slope + momentum * buffer[i]);
        }
    } else {
        for (size_t i = 0; i < n; i++) {
            buffer[i] = momentum * buffer[i] + (g[i] + decay * w[i]);
            w[i] -= lr * buffer[i];
        }
    }
}

/* torch.optim.Adam (Kingma and Ba 2015). Weight decay is added to the gradient. */
static void adam(const struct adam_step *step, float *restrict w, float *restrict m,
                 float *restrict v, const float *restrict g, size_t n)
{
    const float beta1 = step->beta1, beta2 = step->beta2, decay = step->weight_decay;
    const float gain1 = step->gain1, gain2 = step->gain2;
    const float size = step->step_size, correction = step->correction, epsilon = step->epsilon;
    for (size_t i = 0; i < n; i++) {
        float slope = g[i] + decay * w[i];
        m[i] = beta1 * m[i] + gain1 * slope;
        v[i] = beta2 * v[i] + gain2 * (slope * slope);
        w[i] -= size * (m[i] / (sqrtf(v[i]) / correction + epsilon));
    }
}

static void bytes(const unsigned char *restrict from, float scale, float shift, float *restrict to,
                  size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (float)from[i] * scale;
    for (size_t i = 0; shift != 0 && i < n; i++)
        to[i] += shift;
}

static void floats(const float *restrict from, float scale, float shift, float *restrict to,
                   size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = from[i] * scale;
    for (size_t i = 0; shift != 0 && i < n; i++)
        to[i] += shift;
}

static void standardize(const float *from, const float *restrict mean, const float *restrict std,
                        float *to, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = (from[i] - mean[i]) / std[i];
}

static void multiply(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] *= x[i];
}

static void add(float *restrict y, const float *restrict x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        y[i] += x[i];
}

static void count_zeros(const float *restrict y, uint32_t *restrict zeros, size_t n)
{
    for (size_t i = 0; i < n; i++)
        zeros[i] += y[i] == 0;
}

/* Takes sixteen rows at a time, so that it writes one cache line per column. */
static void turn(const float *from, size_t from_width, float *to, size_t to_width, size_t rows,
                 size_t columns)
{
    enum { LINE = 16 };
    for (size_t r = 0; r < rows; r += LINE) {
        size_t some = rows - r < LINE ? rows - r : LINE;
        const float *at = from + r * from_width;
        for (size_t c = 0; c < columns; c++) {
            float *line = to + c * to_width + r;
            if (some == LINE)
                for (size_t i = 0; i < LINE; i++)
                    line[i] = at[i * from_width + c];
            else
                for (size_t i = 0; i < some; i++)
                    line[i] = at[i * from_width + c];
        }
    }
}

#define TRAIN_LOOPS(table)                                                                         \
    const struct train_loops table = {sgd,      adam, bytes,       floats, standardize,            \
                                      multiply, add,  count_zeros, turn};
