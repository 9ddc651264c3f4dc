#include "core/train/learner.h"

#include "core/base/random.h"
#include <math.h>
#include <string.h>

/* ---- sizes ---- */

/* The number of floats of a layer's weights in panels. */
static size_t weight_floats(size_t inputs, size_t outputs)
{
    return (outputs + PANEL_UNIT - 1) / PANEL_UNIT * PANEL_UNIT * inputs;
}

static bool has_slopes(const struct relud_activation *activation)
{
    const struct relud_activation_info *info = relud_activation_info(activation);
    return info->parameters && info->parameter[0].kind == RELUD_PARAMETER_WEIGHT;
}

static void set_shape(struct learner_layer *layer, size_t inputs,
                      const struct relud_train_layer *wanted)
{
    const struct relud_activation *identity = relud_activation_find("identity");
    *layer =
        (struct learner_layer){.inputs = inputs,
                               .outputs = wanted->units,
                               .panels = panel_count(wanted->units),
                               .activation = wanted->activation ? wanted->activation : identity,
                               .params = wanted->params};
    layer->is_identity = layer->activation == identity;
    layer->weight.len = weight_floats(inputs, wanted->units);
    layer->bias.len = layer->panels * PANEL_WIDTH;
    if (has_slopes(layer->activation))
        layer->slopes.len = wanted->has_slope_per_unit ? wanted->units : 1;
}

/* The weights of unit n. There are `inputs` of them, *step floats apart. */
static float *column_of(const struct learner_layer *layer, size_t n, size_t *step)
{
    size_t panel = n / PANEL_WIDTH;
    *step = panel_width(layer->outputs, panel);
    return layer->weight.at + panel * PANEL_WIDTH * layer->inputs + n % PANEL_WIDTH;
}

/* ---- memory ---- */

/* Takes the next len floats of the parameters and states. Every piece begins at a cache line. */
static void take_learned(const struct learner *learner, struct learned *piece, size_t *taken)
{
    piece->at = learner->parameters + *taken;
    for (size_t s = 0; s < learner->states; s++)
        piece->state[s] = learner->state[s] + *taken;
    *taken += (piece->len + PANEL_UNIT - 1) / PANEL_UNIT * PANEL_UNIT;
}

static bool take_parameters(struct learner *learner, struct arena *arena)
{
    size_t len = 0;
    struct learned *piece[3];
    for (size_t i = 0; i < learner->layers; i++) {
        struct learner_layer *layer = &learner->layer[i];
        len += layer->weight.len + layer->bias.len +
               (layer->slopes.len + PANEL_UNIT - 1) / PANEL_UNIT * PANEL_UNIT;
    }
    learner->parameters_len = len;
    learner->parameters = arena_take_array(arena, len, sizeof(float));
    if (!learner->parameters)
        return false;
    for (size_t s = 0; s < learner->states; s++)
        if (!(learner->state[s] = arena_take_array(arena, len, sizeof(float))))
            return false;
    len = 0;
    for (size_t i = 0; i < learner->layers; i++) {
        struct learner_layer *layer = &learner->layer[i];
        piece[0] = &layer->weight, piece[1] = &layer->bias, piece[2] = &layer->slopes;
        for (size_t k = 0; k < 3; k++)
            take_learned(learner, piece[k], &len);
        if (layer->slopes.len) {
            layer->params.weight = layer->slopes.at;
            layer->params.weight_len = layer->slopes.len;
        }
    }
    return true;
}

/* Allocates [count][width] floats. */
static bool take_rows(struct arena *arena, float **rows, size_t count, size_t width)
{
    *rows = arena_take_array(arena, count, width * sizeof(float));
    return *rows != NULL;
}

static bool take_batch(struct learner *learner, struct arena *arena)
{
    size_t rows = learner->batch;
    for (size_t i = 0; i < learner->layers; i++) {
        struct learner_layer *layer = &learner->layer[i];
        bool is_hidden = i + 1 < learner->layers;
        if (i == 0 && !take_rows(arena, &layer->x, rows, layer->inputs))
            return false;
        if (i > 0)
            layer->x = layer[-1].y;
        if (!take_rows(arena, &layer->x_turned, rows, layer->inputs) ||
            !take_rows(arena, &layer->z, rows, layer->outputs) ||
            !take_rows(arena, &layer->g, rows, layer->outputs) ||
            !take_rows(arena, &layer->scratch, rows, layer->outputs) ||
            !take_rows(arena, &layer->g_panels, rows, layer->panels * PANEL_WIDTH))
            return false;
        layer->y = layer->z;
        bool has_keep = is_hidden && learner->dropout > 0;
        if (((!layer->is_identity || has_keep) &&
             !take_rows(arena, &layer->y, rows, layer->outputs)) ||
            (has_keep && !take_rows(arena, &layer->keep, rows, layer->outputs)) ||
            (layer->slopes.len && !take_rows(arena, &layer->slope_terms, rows, layer->outputs)))
            return false;
    }
    return true;
}

/* ---- products ---- */

static struct linear product(const struct learner *learner, const float *weight, const float *bias,
                             size_t inputs, size_t outputs)
{
    return (struct linear){.inputs = inputs,
                           .outputs = outputs,
                           .weight = weight,
                           .bias = bias,
                           .has_bias = true,
                           .may_skip_zeros = true,
                           .kernels = learner->kernels};
}

/* Sets when rows are treated as sparse. Nothing is measured here, because the choice must not
 * depend on the machine. The reason: a weight may become infinite before the loss shows it. Zero
 * times infinity is NaN in a dense product, but a sparse product leaves the zero out. Rows in which
 * a third is not zero take about the same time either way. */
static void plan(struct linear *linear)
{
    enum { SPARSE_SHARE = 3 };
    for (size_t c = 0; c < PLAN_CLASSES; c++)
        linear->plan.sparse_max[c] = linear->inputs / SPARSE_SHARE;
}

static bool plan_products(struct learner *learner, struct arena *arena, struct relud_error *error)
{
    for (size_t i = 0; i < learner->layers; i++) {
        struct learner_layer *layer = &learner->layer[i];
        layer->forward =
            product(learner, layer->weight.at, layer->bias.at, layer->inputs, layer->outputs);
        plan(&layer->forward);
        if (i == 0)
            continue;
        float *zeros =
            arena_take_array(arena, panel_count(layer->inputs) * PANEL_WIDTH, sizeof *zeros);
        layer->turned_weight =
            arena_take_array(arena, weight_floats(layer->outputs, layer->inputs), sizeof(float));
        if (!zeros || !layer->turned_weight)
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        layer->turned =
            product(learner, layer->turned_weight, zeros, layer->outputs, layer->inputs);
        learner_turn_layer(learner, layer);
        plan(&layer->turned);
    }
    return true;
}

/* ---- initial parameters ---- */

/* The standard deviation of a layer's first weights. He: sqrt(2 / ((1 + slope²) inputs)), as
 * torch.nn.init does with the slope of leaky_relu. Xavier: sqrt(2 / (inputs + outputs)). LeCun:
 * sqrt(1 / inputs). RELUD_INIT_AUTO chooses by the activation. */
static double deviation(enum relud_init init, const struct learner_layer *layer, bool is_last)
{
    const struct relud_activation_info *info = relud_activation_info(layer->activation);
    bool is_selu = strcmp(info->name, "selu") == 0;
    bool is_flat = info->is_saturating && !info->is_relu_like;
    if (init == RELUD_INIT_AUTO)
        init = is_selu ? RELUD_INIT_LECUN : is_last || is_flat ? RELUD_INIT_XAVIER : RELUD_INIT_HE;
    double in = (double)layer->inputs, out = (double)layer->outputs, slope = 0;
    if (strcmp(info->name, "leaky_relu") == 0)
        slope = (double)layer->params.values[0];
    else if (layer->slopes.len)
        slope = (double)layer->slopes.at[0];
    switch (init) {
    case RELUD_INIT_XAVIER:
        return sqrt(2 / (in + out));
    case RELUD_INIT_LECUN:
        return sqrt(1 / in);
    default:
        return sqrt(2 / ((1 + slope * slope) * in));
    }
}

/* Draws uniformly, like kaiming_uniform_ and xavier_uniform_. A uniform draw needs no logarithm, so
 * its bits are the same everywhere. */
static void draw_weights(struct learner *learner, const struct relud_train_config *config,
                         size_t index)
{
    struct learner_layer *layer = &learner->layer[index];
    for (size_t n = 0; n < layer->slopes.len; n++)
        layer->slopes.at[n] = config->layer[index].params.values[0];
    float bound = (float)(sqrt(3.0) * deviation(config->init, layer, index + 1 == learner->layers));
    for (size_t n = 0; n < layer->outputs; n++) {
        uint64_t state = random_state(config->seed, RANDOM_WEIGHTS, index, n);
        size_t step;
        float *at = column_of(layer, n, &step);
        for (size_t k = 0; k < layer->inputs; k++)
            at[k * step] = (2 * random_unit(&state) - 1) * bound;
    }
}

bool learner_init(struct learner *learner, struct arena *arena, size_t features,
                  const struct relud_train_config *config, struct relud_error *error)
{
    struct optimizer optimizer;
    *learner = (struct learner){.layers = config->layers,
                                .batch = config->batch,
                                .isa = config->isa ? config->isa : relud_isa_best(),
                                .dropout = (float)config->dropout,
                                .seed = config->seed};
    learner->loops = train_loops_of(learner->isa);
    learner->kernels = panel_kernels_of(learner->isa);
    optimizer_init(&optimizer, config, learner->loops);
    learner->states = optimizer_states(&optimizer);
    size_t outputs = config->layer[config->layers - 1].units;
    loss_init(&learner->loss,
              config->task == RELUD_TASK_REGRESSION ? LOSS_SQUARED_ERROR
              : outputs == 1                        ? LOSS_BINARY_CROSS_ENTROPY
                                                    : LOSS_CROSS_ENTROPY,
              outputs, learner->isa);
    learner->layer = arena_take_array(arena, config->layers, sizeof *learner->layer);
    if (!learner->layer)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0, inputs = features; i < config->layers; i++) {
        set_shape(&learner->layer[i], inputs, &config->layer[i]);
        inputs = config->layer[i].units;
    }
    if (!take_parameters(learner, arena) || !take_batch(learner, arena))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory for batches of %zu rows",
                          config->batch);
    for (size_t i = 0; i < config->layers; i++)
        draw_weights(learner, config, i);
    return plan_products(learner, arena, error);
}

/* ---- parameters in and out ---- */

void learner_refresh(struct learner *learner)
{
    for (size_t i = 1; i < learner->layers; i++)
        learner_turn_layer(learner, &learner->layer[i]);
}

void learner_set_layer(struct learner *learner, size_t index, const float *weight,
                       const float *bias)
{
    struct learner_layer *layer = &learner->layer[index];
    for (size_t n = 0; n < layer->outputs; n++) {
        size_t step;
        float *at = column_of(layer, n, &step);
        for (size_t k = 0; k < layer->inputs; k++)
            at[k * step] = weight[n * layer->inputs + k];
    }
    memcpy(layer->bias.at, bias, layer->outputs * sizeof *bias);
    if (index)
        learner_turn_layer(learner, layer);
}

void learner_get_layer(const struct learner *learner, size_t index, float *weight, float *bias)
{
    linear_unpack(&learner->layer[index].forward, weight, bias);
}
