/* The parameters' part of a step: gradients by blocks, each followed by the optimizer's step over it. */
#include "core/learner.h"

#include <string.h>

enum { BLOCK = PANEL_WIDTH }; /* inputs by outputs of a block */

/* Where a block of weights lies. */
struct block {
    size_t panel, first, count; /* inputs first … first + count - 1 */
    size_t width;               /* floats from one input to the next */
    size_t at;                  /* in the layer's weights */
};

static struct block block_of(const struct learner_layer *layer, size_t index)
{
    size_t across = panel_count(layer->inputs), first = index % across * BLOCK;
    struct block block = {.panel = index / across, .first = first};
    block.count = layer->inputs - first < BLOCK ? layer->inputs - first : BLOCK;
    block.width = panel_width(layer->outputs, block.panel);
    block.at = block.panel * PANEL_WIDTH * layer->inputs + first * block.width;
    return block;
}

static void update(const struct optimizer *optimizer, const struct learned *learned, size_t at,
                   const float *g, size_t n)
{
    float *state[OPTIMIZER_STATES] = {0};
    for (size_t s = 0; s < OPTIMIZER_STATES; s++)
        state[s] = learned->state[s] ? learned->state[s] + at : NULL;
    optimizer_update(optimizer, learned->at + at, state, g, n);
}

static void turn_block(const struct learner *learner, const struct learner_layer *layer,
                       const struct block *block)
{
    size_t column = block->panel * PANEL_WIDTH, left = layer->outputs - column;
    size_t step = panel_width(layer->inputs, block->first / BLOCK);
    learner->loops->turn(layer->weight.at + block->at, block->width,
                         layer->turned_weight + block->first * layer->outputs + column * step, step,
                         block->count, left < block->width ? left : block->width);
}

static void update_bias(const struct learner *learner, const struct optimizer *optimizer,
                        const struct learner_layer *layer, const struct block *block, size_t rows)
{
    float g[PANEL_WIDTH] = {0};
    const float *row = layer->g_panels + block->panel * PANEL_WIDTH * rows;
    for (size_t r = 0; r < rows; r++, row += block->width)
        learner->loops->add(g, row, block->width);
    update(optimizer, &layer->bias, block->panel * PANEL_WIDTH, g, block->width);
}

/* In order of the rows, then of the units. */
static void update_slopes(const struct learner *learner, const struct optimizer *optimizer,
                          const struct learner_layer *layer, size_t rows)
{
    float *sums = layer->slope_terms;
    for (size_t r = 1; r < rows; r++)
        learner->loops->add(sums, layer->slope_terms + r * layer->outputs, layer->outputs);
    for (size_t n = 1; layer->slopes.len == 1 && n < layer->outputs; n++)
        sums[0] += sums[n];
    update(optimizer, &layer->slopes, 0, sums, layer->slopes.len);
}

static void update_block(const struct learner *learner, const struct optimizer *optimizer,
                         const struct learner_layer *layer, const struct block *block, size_t rows)
{
    _Alignas(64) float g[BLOCK * PANEL_WIDTH];
    struct linear gradient = layer->gradient;
    gradient.inputs = rows;
    gradient.outputs = block->width;
    gradient.weight = layer->g_panels + block->panel * PANEL_WIDTH * rows;
    linear_forward(&gradient, layer->x_turned + block->first * rows, g, block->count);
    update(optimizer, &layer->weight, block->at, g, block->count * block->width);
    if (layer->turned_weight)
        turn_block(learner, layer, block);
}

void learner_weights(struct learner *learner, const struct optimizer *optimizer, size_t rows,
                     size_t part, size_t parts)
{
    size_t task = learner->tasks * part / parts, end = learner->tasks * (part + 1) / parts;
    size_t before = 0; /* tasks of the layers before */
    for (size_t i = 0; i < learner->layers && task < end; i++) {
        const struct learner_layer *layer = &learner->layer[i];
        size_t blocks = layer->panels * panel_count(layer->inputs);
        for (; task < end && task < before + blocks; task++) {
            struct block block = block_of(layer, task - before);
            update_block(learner, optimizer, layer, &block, rows);
            if (block.first == 0)
                update_bias(learner, optimizer, layer, &block, rows);
            if (task == before && layer->slopes.len)
                update_slopes(learner, optimizer, layer, rows);
        }
        before += blocks;
    }
}

void learner_turn_layer(const struct learner *learner, struct learner_layer *layer)
{
    for (size_t b = 0; b < layer->panels * panel_count(layer->inputs); b++) {
        struct block block = block_of(layer, b);
        turn_block(learner, layer, &block);
    }
}
