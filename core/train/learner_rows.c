/* The rows' part of a training step: forward, loss, backward. */
#include "core/base/random.h"
#include "core/kernels/activation.h"
#include "core/train/learner.h"

#include <string.h>

/* The rows begin … begin + rows - 1 of a batch. */
struct span {
    struct learner *learner;
    const struct learner_batch *batch;
    size_t begin, rows;
    struct learner_tally *tally;
};

/* Dropout (Hinton et al. 2012) in PyTorch's form: the units that are kept are scaled up, so that
 * serving needs no change. */
static void drop_units(const struct span *span, size_t index)
{
    const struct learner *learner = span->learner;
    const struct learner_layer *layer = &learner->layer[index];
    const float kept = 1 / (1 - learner->dropout);
    for (size_t r = span->begin; r < span->begin + span->rows; r++) {
        float *keep = layer->keep + r * layer->outputs;
        uint64_t state = random_state(learner->seed, RANDOM_DROPOUT,
                                      span->batch->step * RELUD_TRAIN_LAYERS_MAX + index, r);
        for (size_t n = 0; n < layer->outputs; n++)
            keep[n] = random_unit(&state) < learner->dropout ? 0 : kept;
        learner->loops->multiply(layer->y + r * layer->outputs, keep, layer->outputs);
    }
}

static void forward(const struct span *span, size_t index)
{
    const struct learner *learner = span->learner;
    const struct learner_layer *layer = &learner->layer[index];
    const float *x = layer->x + span->begin * layer->inputs;
    float *z = layer->z + span->begin * layer->outputs,
          *y = layer->y + span->begin * layer->outputs;
    if (span->batch->is_training)
        learner->loops->turn(x, layer->inputs, layer->x_turned + span->begin, span->batch->rows,
                             span->rows, layer->inputs);
    linear_forward(&layer->forward, x, z, span->rows);
    if (y != z)
        activation_forward(learner->isa, layer->activation, &layer->params, z, y, span->rows,
                           layer->outputs);
    for (size_t r = 0; span->tally && r < span->rows; r++)
        learner->loops->count_zeros(y + r * layer->outputs, span->tally[index].zeros,
                                    layer->outputs);
    if (layer->keep && span->batch->is_training)
        drop_units(span, index);
}

static void lose(const struct span *span)
{
    const struct learner *learner = span->learner;
    const struct learner_layer *last = &learner->layer[learner->layers - 1];
    const struct learner_batch *batch = span->batch;
    float share = 1 / (float)batch->rows;
    for (size_t r = span->begin; r < span->begin + span->rows; r++)
        batch->loss[r] = loss_row(&learner->loss, last->y + r * last->outputs, &batch->target[r],
                                  share, last->g + r * last->outputs, &batch->is_right[r]);
}

/* The terms of PReLU's gradient. A slope's gradient is the sum over the rows of z times the
 * gradient by the unit's output, where z ≤ 0. */
static void note_slopes(const struct learner_layer *layer, size_t begin, size_t rows)
{
    const float *z = layer->z + begin * layer->outputs, *g = layer->g + begin * layer->outputs;
    float *term = layer->slope_terms + begin * layer->outputs;
    for (size_t i = 0; i < rows * layer->outputs; i++)
        term[i] = z[i] > 0 ? 0 : z[i] * g[i];
}

static void pack_gradient(const struct span *span, const struct learner_layer *layer)
{
    size_t rows = span->batch->rows;
    for (size_t p = 0; p < layer->panels; p++) {
        size_t first = p * PANEL_WIDTH, left = layer->outputs - first;
        size_t width = panel_width(layer->outputs, p), columns = left < width ? left : width;
        for (size_t r = span->begin; r < span->begin + span->rows; r++) {
            float *to = layer->g_panels + first * rows + r * width;
            memcpy(to, layer->g + r * layer->outputs + first, columns * sizeof *to);
            memset(to + columns, 0, (width - columns) * sizeof *to);
        }
    }
}

static void backward(const struct span *span, size_t index)
{
    const struct learner *learner = span->learner;
    const struct learner_layer *layer = &learner->layer[index], *next = layer + 1;
    size_t at = span->begin * layer->outputs, rows = span->rows;
    if (index + 1 < learner->layers)
        linear_forward(&next->turned, next->g + span->begin * next->outputs, layer->g + at, rows);
    if (layer->keep)
        learner->loops->multiply(layer->g + at, layer->keep + at, rows * layer->outputs);
    if (layer->slopes.len)
        note_slopes(layer, span->begin, rows);
    if (!layer->is_identity)
        activation_backward(learner->isa, layer->activation, &layer->params, layer->z + at,
                            layer->g + at, layer->scratch + at, rows, layer->outputs);
    pack_gradient(span, layer);
}

void learner_rows(struct learner *learner, const struct learner_batch *batch, size_t begin,
                  size_t end, struct learner_tally *tally)
{
    struct span span = {learner, batch, begin, end - begin, tally};
    if (begin >= end)
        return;
    for (size_t i = 0; i < learner->layers; i++)
        forward(&span, i);
    lose(&span);
    for (size_t i = learner->layers; batch->is_training && i-- > 0;)
        backward(&span, i);
}
