/* Makes models: turns what the readers found in files into a network that never changes, and runs
 * its forward pass. */
#include "core/net/model_private.h"

#include "core/base/clock.h"
#include "core/base/float_env.h"
#include "core/base/nan.h"
#include "core/base/random.h"
#include "core/base/watch.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How many rows go through all layers together. Their activations should stay in the cache. */
enum { SCRATCH_ROWS_MAX = 64, SCRATCH_BYTES_WANTED = 32 << 20 };

struct relud_scratch {
    relud_model *model;
    float *floats; /* aligned to 64 bytes */
    size_t rows;   /* how many rows fit at a time */
};

/* The value, or an index near it where the feature must be one, or one of the numbers that the net
 * has answers for. */
static float allowed_value(const relud_model *model, const struct model_source *source,
                           size_t feature, double value)
{
    const struct relud_features *features = model->info.feature;
    const struct relud_words *words = relud_words_of(features, feature);
    const struct model_numbers *numbers = source->numbers ? &source->numbers[feature] : NULL;
    bool is_one_of = numbers && numbers->count;
    size_t indices = is_one_of  ? numbers->count
                     : words    ? words->count
                     : features ? features->at[feature].indices
                                : 0;
    double index = fabs(value) < (double)indices ? floor(fabs(value)) : (double)indices - 1;
    return is_one_of ? numbers->number[(size_t)index] : (float)(indices ? index : value);
}

/* True if the net's scores are probabilities already. It is tried with unrelated rows: if the
 * scores of each row lie between 0 and 1 and add up to 1, that is no accident. */
static bool gives_shares(const relud_model *model, const struct model_source *source, float *x,
                         float *y, float *scratch)
{
    enum { ROWS = 16, ROWS_WANTED = 2 };
    const struct network_rows one = {.x = x, .y = y, .rows = 1};
    uint64_t state = 1;
    size_t seen = 0;
    for (size_t row = 0; row < ROWS; row++) {
        double sum = 0;
        for (size_t i = 0; i < model->info.features; i++)
            x[i] = allowed_value(model, source, i,
                                 row < 2 ? (double)row : 4 * (double)random_unit(&state) - 2);
        network_forward(&model->network, &one, 1, scratch);
        bool are_shares = true;
        for (size_t i = 0; i < model->info.scores; i++) {
            are_shares &= y[i] >= 0 && y[i] <= 1;
            sum += (double)y[i];
        }
        if (!isfinite(sum)) /* the net has no finite answer to this row */
            continue;
        if (!are_shares || !(fabs(sum - 1) < 1e-4))
            return false;
        seen++;
    }
    return seen >= ROWS_WANTED;
}

/* Sets how scores become probabilities: unchanged if the net's last step makes probabilities
 * already. */
static void fill_head(relud_model *model, bool has_probabilities)
{
    const struct network *network = &model->network;
    size_t value = network->result[0].value;
    const struct step *last = value ? &network->step[value - 1] : NULL;
    const struct relud_activation *activation = last ? last->activation : NULL;
    bool is_whole = last && last->parts == 1;
    model->softmax = relud_activation_find("softmax");
    model->sigmoid = relud_activation_find("sigmoid");
    model->is_softmax_done = has_probabilities || (is_whole && activation == model->softmax);
    model->is_sigmoid_done = has_probabilities || (is_whole && activation == model->sigmoid);
}

/* ---- loading ---- */

/* Estimates what a row takes in a pass of many: the linear steps, as they were planned, and what
 * this row takes beyond them. */
static double measure_row(const relud_model *model, const struct network_rows *one, float *scratch)
{
    enum { RUNS = 3, MANY = 32 };
    double best = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        double begin = clock_now_ns();
        network_forward(&model->network, one, 1, scratch);
        best = fmin(best, clock_now_ns() - begin);
    }
    double others = best - network_linear_ns(&model->network, 1);
    return network_linear_ns(&model->network, MANY) + fmax(others, 1);
}

/* Runs the net once. A row of zeros must give finite outputs or, for nets that divide by their
 * inputs, a row of ones. A net that fails even this is not served. Also finds out whether the
 * scores are probabilities already. */
static bool warm_up(relud_model *model, const struct model_source *source, const char *path,
                    struct relud_error *error)
{
    size_t bytes = (network_scratch_floats(&model->network, 1) * sizeof(float) + 64) / 64 * 64;
    float *scratch = aligned_alloc(64, bytes);
    float *x = calloc(model->info.features, sizeof *x);
    float *y = calloc(model->info.outputs, sizeof *y);
    const struct network_rows one = {.x = x, .y = y, .rows = 1};
    bool is_finite = false, is_ready = scratch && x && y;
    if (!is_ready)
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    for (int value = 0; is_ready && !is_finite && value < 2; value++) {
        for (size_t i = 0; i < model->info.features; i++)
            x[i] = allowed_value(model, source, i, value);
        network_forward(&model->network, &one, 1, scratch);
        is_finite = true;
        for (size_t i = 0; is_finite && i < model->info.outputs; i++)
            if (!isfinite(y[i]))
                is_finite = relud_fail(
                    error, RELUD_BAD_MODEL, "%s: the net answers a row of %s with %s at output %zu",
                    path, value ? "ones" : "zeros", isnan(y[i]) ? "NaN" : "infinity", i);
    }
    if (is_finite)
        model->info.row_ns = measure_row(model, &one, scratch);
    if (is_finite && model->info.operations && model->info.scores > 1)
        model->is_softmax_done |= gives_shares(model, source, x, y, scratch);
    free(scratch);
    free(x);
    free(y);
    return is_finite;
}

static bool make(relud_model *model, struct model_source *source,
                 const struct relud_model_options *options)
{
    model->info = source->info;
    model->inputs = source->inputs;
    model->info.math = options->math;
    if (model->info.classes && !model->info.scores)
        model->info.scores = model->info.result ? model->info.result[0].width : model->info.outputs;
    if (!network_build(&model->network, &model->arena, source->info.features, source->step,
                       source->steps, source->result, source->info.results, options,
                       source->error) ||
        !model_describe(model, source))
        return false;
    fill_head(model, source->has_probabilities);
    model->info.bytes = model->arena.bytes + sizeof *model;
    return true;
}

relud_model *model_new(const char *path, const struct relud_model_options *options,
                       bool (*read)(struct model_source *source, const void *what),
                       const void *what, struct relud_error *error)
{
    static const struct relud_model_options plain;
    struct relud_error ignored = {0};
    error = error ? error : &ignored; /* the readers read *error */
    uint64_t env = float_env_enter(); /* loading computes, too: it folds and scales constants */
    relud_model *model = calloc(1, sizeof *model);
    struct model_source *source = calloc(1, sizeof *source);
    bool is_made = false;
    if (model)
        atomic_init(&model->references, 1);
    if (model && source) {
        source->arena = &model->arena;
        source->error = error;
        is_made = read(source, what) && make(model, source, options ? options : &plain);
        model_source_close(source);
        is_made = is_made && warm_up(model, source, path, error);
    } else {
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    }
    free(source);
    float_env_leave(env);
    if (!is_made) {
        relud_model_release(model);
        return NULL;
    }
    return model;
}

relud_model *relud_model_retain(relud_model *model)
{
    atomic_fetch_add_explicit(&model->references, 1, memory_order_relaxed);
    return model;
}

void relud_model_release(relud_model *model)
{
    if (!model || atomic_fetch_sub_explicit(&model->references, 1, memory_order_acq_rel) != 1)
        return;
    arena_reset(&model->arena);
    free(model);
}

const struct model_inputs *model_inputs(const relud_model *model)
{
    return model->inputs;
}

const struct relud_model_info *relud_model_info(const relud_model *model)
{
    return &model->info;
}

const struct network *model_network(const relud_model *model)
{
    return &model->network;
}

const char *const *relud_model_feature_names(const relud_model *model)
{
    const struct relud_model_info *info = relud_model_info(model);
    bool has_names = info->training && info->training->features == info->features;
    return model->feature_name ? model->feature_name : has_names ? info->training->feature : NULL;
}

const struct relud_layer_info *relud_model_layer(const relud_model *model, size_t index)
{
    return &model->layer[index];
}

/* ---- the forward pass ---- */

relud_scratch *relud_scratch_new(relud_model *model, size_t max_rows, struct relud_error *error)
{
    size_t row_bytes = network_scratch_floats(&model->network, 1) * sizeof(float);
    size_t rows = max_rows < SCRATCH_ROWS_MAX ? max_rows : SCRATCH_ROWS_MAX;
    while (rows > 1 && rows * row_bytes > SCRATCH_BYTES_WANTED)
        rows /= 2;
    if (rows == 0)
        rows = 1;
    size_t bytes = rows * row_bytes;
    relud_scratch *scratch = malloc(sizeof *scratch);
    float *floats = aligned_alloc(64, (bytes + 64) / 64 * 64);
    if (!scratch || !floats) {
        free(scratch);
        free(floats);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu bytes of scratch", bytes);
        return NULL;
    }
    *scratch = (relud_scratch){.model = relud_model_retain(model), .floats = floats, .rows = rows};
    return scratch;
}

void relud_scratch_free(relud_scratch *scratch)
{
    if (!scratch)
        return;
    relud_model_release(scratch->model);
    free(scratch->floats);
    free(scratch);
}

void relud_predict(relud_scratch *scratch, const float *x, size_t rows, float *y)
{
    relud_predict_layers(scratch, x, rows, y, NULL);
}

void model_forward(relud_scratch *scratch, const struct network_rows *rows)
{
    const struct network *network = &scratch->model->network;
    uint64_t env = float_env_enter();
    network_forward(network, rows, scratch->rows, scratch->floats);
    nan_unify(rows->y + rows->first * network->outputs, rows->rows * network->outputs);
    for (size_t i = 0; rows->layer_out && i < network->layers; i++) {
        size_t width = network_width(network, network->layer[i].last);
        if (rows->layer_out[i])
            nan_unify(rows->layer_out[i] + rows->first * width, rows->rows * width);
    }
    float_env_leave(env);
}

void relud_predict_layers(relud_scratch *scratch, const float *x, size_t rows, float *y,
                          float *const *layer_out)
{
    model_forward(scratch, &(struct network_rows){x, y, layer_out, 0, rows});
}

/* Softmax over the scores of each row. Other results may follow the scores in the row. */
static bool probabilities_of_many(const relud_model *model, const float *y, size_t rows, float *p,
                                  const struct relud_watch *watch)
{
    const struct relud_activation_params none = {.weight = NULL};
    size_t width = model->info.scores, outputs = model->info.outputs;
    if (width == outputs && !model->is_softmax_done)
        return relud_activate_watched(model->softmax, &none, y, p, rows, width, watch);
    for (size_t r = 0; r < rows; r++) {
        if (model->is_softmax_done)
            memcpy(p + r * width, y + r * outputs, width * sizeof *p);
        else if (!relud_activate_watched(model->softmax, &none, y + r * outputs, p + r * width, 1,
                                         width, watch))
            return false;
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}

static bool probabilities_of_two(const relud_model *model, const float *y, size_t rows, float *p,
                                 const struct relud_watch *watch)
{
    const struct relud_activation_params none = {.weight = NULL};
    for (size_t r = 0; r < rows; r++) {
        float one = y[r * model->info.outputs];
        if (!model->is_sigmoid_done)
            relud_activate(model->sigmoid, &none, &one, &one, 1, 1);
        p[2 * r] = 1 - one;
        p[2 * r + 1] = one;
        if (r % 1024 == 1023 && !watch_go_on(watch))
            return false;
    }
    return true;
}

bool relud_probabilities_watched(const relud_model *model, const float *y, size_t rows, float *p,
                                 const struct relud_watch *watch)
{
    uint64_t env = float_env_enter();
    size_t width = model->info.scores;
    bool is_whole = width > 1 ? probabilities_of_many(model, y, rows, p, watch)
                              : probabilities_of_two(model, y, rows, p, watch);
    is_whole = is_whole && watch_nan_unify(p, rows * (width > 1 ? width : 2), watch);
    float_env_leave(env);
    return is_whole;
}

void relud_probabilities(const relud_model *model, const float *y, size_t rows, float *p)
{
    relud_probabilities_watched(model, y, rows, p, NULL);
}

/* log(1 + exp(x)) */
static double softplus(double x)
{
    return fmax(x, 0) + log1p(exp(-fabs(x)));
}

/* log(Σ exp(y)) - y[target] */
static double cross_entropy(const float *y, size_t width, size_t target)
{
    size_t best = 0;
    double others = 0; /* the greatest score's own term is 1 */
    for (size_t i = 1; i < width; i++)
        best = y[i] > y[best] ? i : best;
    for (size_t i = 0; i < width; i++)
        others += i == best ? 0 : exp((double)y[i] - (double)y[best]);
    return log1p(others) + ((double)y[best] - (double)y[target]);
}

static double loss_of(float probability)
{
    return -log(probability < 0x1p-23f ? 0x1p-23 : (double)probability);
}

double relud_log_loss(const relud_model *model, const float *y, size_t target)
{
    size_t width = model->info.scores;
    uint64_t env = float_env_enter();
    double loss;
    if (width > 1 && model->is_softmax_done)
        loss = loss_of(y[target]);
    else if (width > 1)
        loss = cross_entropy(y, width, target);
    else if (model->is_sigmoid_done)
        loss = loss_of(target ? *y : 1 - *y);
    else
        loss = softplus(target ? -(double)*y : (double)*y);
    float_env_leave(env);
    return loss == INFINITY ? loss_of(0) : loss;
}
