/* The weights' part of a training step: gradients by blocks, each directly followed by the
 * optimizer's step for that block.
 *
 * The gradient of the weight from input k to unit n is the sum over the batch's rows of x[row][k] ·
 * g[row][n]. It is one chain of fused multiply-adds in the order of the rows, computed by the same
 * kernels as the forward pass: the transposed x takes the place of the rows, and g in panels that
 * of the weights. For inputs that are 0 in enough rows, the zeros are left out of the chain;
 * core/kernels/linear.h proves that this changes no bit. */
#include "core/train/learner.h"

enum {
    BLOCK = 32,        /* inputs whose gradients are computed together, for all units */
    LISTED_MAX = 4096, /* how many non-zeros are listed at a time */
};

/* Some inputs of a layer whose gradients are computed, one panel after the other. */
struct block {
    const struct learner_layer *layer;
    size_t first, count, rows; /* inputs first … first + count - 1; rows of the batch */
    /* listed: inputs whose non-zeros are in index and value, the i-th from begin[i] on. full: the
     * other inputs, which are used with all rows. */
    size_t listed, full;
    size_t input[BLOCK], begin[BLOCK + 1], full_input[BLOCK];
    unsigned index[LISTED_MAX + PANEL_UNIT];
    float value[LISTED_MAX + PANEL_UNIT];
};

/* True if at most three quarters of the rows are not zero. With more, the dense kernel is
 * faster. */
static bool is_few(size_t count, size_t rows)
{
    return 4 * count <= 3 * rows;
}

static void list_inputs(const struct learner *learner, struct block *block)
{
    const struct panel_kernels *kernels = learner->kernels;
    block->begin[0] = block->listed = block->full = 0;
    for (size_t i = 0; i < block->count; i++) {
        const float *x = block->layer->x_turned + (block->first + i) * block->rows;
        size_t begin = block->begin[block->listed];
        bool has_room = begin + block->rows <= LISTED_MAX;
        size_t count =
            has_room ? kernels->list(x, block->rows, 0, block->index + begin, block->value + begin)
                     : block->rows;
        if (is_few(count, block->rows)) {
            block->input[block->listed++] = i;
            block->begin[block->listed] = begin + count;
        } else {
            block->full_input[block->full++] = i;
        }
    }
}

static void update(const struct optimizer *optimizer, const struct learned *learned, size_t at,
                   const float *g, size_t n)
{
    float *state[OPTIMIZER_STATES];
    for (size_t s = 0; s < OPTIMIZER_STATES; s++)
        state[s] = learned->state[s] ? learned->state[s] + at : NULL;
    optimizer_update(optimizer, learned->at + at, state, g, n);
}

/* Computes g[count][width], the gradient of one panel's weights. */
static void make_gradient(const struct learner *learner, const struct block *block,
                          const struct panel *panel, size_t width, float *g)
{
    const float *from[PANEL_ROWS_MAX];
    float *to[PANEL_ROWS_MAX];
    for (size_t i = 0; i < block->listed; i++)
        learner->kernels->sparse(
            panel, block->index + block->begin[i], block->value + block->begin[i],
            block->begin[i + 1] - block->begin[i], NULL, g + block->input[i] * width);
    for (size_t i = 0; i < block->full; i += PANEL_ROWS_MAX) {
        size_t left = block->full - i, some = left < PANEL_ROWS_MAX ? left : PANEL_ROWS_MAX;
        for (size_t k = 0; k < some; k++) {
            from[k] =
                block->layer->x_turned + (block->first + block->full_input[i + k]) * block->rows;
            to[k] = g + block->full_input[i + k] * width;
        }
        learner->kernels->dense(panel, from, to, some);
    }
}

/* Copies a block of weights into the transposed weights. These are in panels over the inputs, and a
 * block lies within one of them. */
static void turn_block(const struct learner *learner, const struct learner_layer *layer,
                       size_t first, size_t count, size_t panel)
{
    size_t column = panel * PANEL_WIDTH, left = layer->outputs - column;
    size_t width = panel_width(layer->outputs, panel), across = first / PANEL_WIDTH;
    size_t step = panel_width(layer->inputs, across);
    float *to = layer->turned_weight + across * PANEL_WIDTH * layer->outputs + column * step +
                first % PANEL_WIDTH;
    learner->loops->turn(layer->weight.at + column * layer->inputs + first * width, width, to, step,
                         count, left < width ? left : width);
}

static void update_block(const struct learner *learner, const struct optimizer *optimizer,
                         const struct learner_layer *layer, size_t first, size_t rows)
{
    static const float zeros[PANEL_WIDTH];
    _Alignas(64) float g[BLOCK * PANEL_WIDTH];
    struct block block; /* list_inputs fills in what is used */
    block.layer = layer;
    block.first = first;
    block.rows = rows;
    block.count = layer->inputs - first < BLOCK ? layer->inputs - first : BLOCK;
    list_inputs(learner, &block);
    for (size_t p = 0; p < layer->panels; p++) {
        size_t width = panel_width(layer->outputs, p);
        const struct panel panel = {.weight = layer->g_panels + p * PANEL_WIDTH * rows,
                                    .bias = zeros,
                                    .inputs = rows,
                                    .units = width / PANEL_UNIT,
                                    .columns = width};
        make_gradient(learner, &block, &panel, width, g);
        update(optimizer, &layer->weight, p * PANEL_WIDTH * layer->inputs + first * width, g,
               block.count * width);
        if (layer->turned_weight)
            turn_block(learner, layer, first, block.count, p);
    }
}

static void update_biases(const struct learner *learner, const struct optimizer *optimizer,
                          const struct learner_layer *layer, size_t rows)
{
    for (size_t p = 0; p < layer->panels; p++) {
        float g[PANEL_WIDTH] = {0};
        size_t width = panel_width(layer->outputs, p);
        const float *row = layer->g_panels + p * PANEL_WIDTH * rows;
        for (size_t r = 0; r < rows; r++, row += width)
            learner->loops->add(g, row, width);
        update(optimizer, &layer->bias, p * PANEL_WIDTH, g, width);
    }
}

/* Sums in the order of the rows, then of the units. */
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

/* Divides the blocks among the parts by their cost, which is the layer's number of outputs. */
void learner_weights(struct learner *learner, const struct optimizer *optimizer, size_t rows,
                     size_t part, size_t parts)
{
    size_t all = 0, done = 0; /* outputs of all blocks; of the blocks before the current one */
    for (size_t i = 0; i < learner->layers; i++)
        all += (learner->layer[i].inputs + BLOCK - 1) / BLOCK * learner->layer[i].outputs;
    for (size_t i = 0; i < learner->layers; i++) {
        const struct learner_layer *layer = &learner->layer[i];
        for (size_t first = 0; first < layer->inputs; first += BLOCK, done += layer->outputs) {
            if (done * parts / all != part)
                continue;
            update_block(learner, optimizer, layer, first, rows);
            if (first)
                continue;
            update_biases(learner, optimizer, layer, rows);
            if (layer->slopes.len)
                update_slopes(learner, optimizer, layer, rows);
        }
    }
}

void learner_turn_layer(const struct learner *learner, struct learner_layer *layer)
{
    for (size_t p = 0; p < layer->panels; p++)
        for (size_t first = 0; first < layer->inputs; first += PANEL_WIDTH)
            turn_block(learner, layer, first,
                       layer->inputs - first < PANEL_WIDTH ? layer->inputs - first : PANEL_WIDTH,
                       p);
}
