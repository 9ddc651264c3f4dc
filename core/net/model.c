/* Makes models: turns what the readers found in files into a network that never changes, and runs
 * its forward pass. */
#include "core/net/model.h"

#include "core/base/float_env.h"
#include "core/base/nan.h"
#include "core/base/random.h"
#include "core/base/watch.h"
#include "core/kernels/plan.h"
#include "core/net/imputed.h"
#include "core/net/model_source.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PLAN_TEXT_BYTES = 512 };

/* How many rows go through all layers together. Their activations should stay in the cache. */
enum { SCRATCH_ROWS_MAX = 64, SCRATCH_BYTES_WANTED = 32 << 20 };

struct relud_model {
    struct arena arena; /* holds everything except this struct */
    struct network network;
    struct relud_model_info info;
    struct relud_layer_info *layer; /* [info.layers] */
    const struct relud_activation *softmax, *sigmoid;
    bool is_softmax_done, is_sigmoid_done; /* the net's last step applies it already */
    atomic_size_t references;
};

struct relud_scratch {
    relud_model *model;
    float *floats; /* aligned to 64 bytes */
    size_t rows;   /* how many rows fit at a time */
};

/* ---- the model's description ---- */

/* Fills in names and shapes that the files do not give. */
static bool fill_tensors(relud_model *model, struct relud_error *error)
{
    struct relud_model_info *info = &model->info;
    if (!info->input_name)
        info->input_name = "input";
    if (info->input.rank == 0)
        info->input.shape[info->input.rank++] = info->features;
    info->input.name = info->input_name;
    info->input.width = info->features;
    if (!info->result) {
        struct relud_tensor_info *result = arena_take(&model->arena, sizeof *result);
        if (!result)
            return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        *result =
            (struct relud_tensor_info){.width = info->outputs, .rank = 1, .shape = {info->outputs}};
        result->name = info->output_name ? info->output_name : "output";
        info->result = result;
    }
    info->output_name = info->result[0].name;
    return true;
}

static bool fill_imputed(relud_model *model, struct relud_error *error)
{
    struct relud_model_info *info = &model->info;
    bool is_any, *imputed = arena_take_array(&model->arena, info->features, sizeof *imputed);
    if (!imputed || !network_imputed(&model->network, imputed, &is_any))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    info->imputed = is_any ? imputed : NULL;
    return true;
}

static bool fill_notes(relud_model *model, const struct model_source *source)
{
    const char **note = arena_take_array(&model->arena, model->info.notes + 1, sizeof *note);
    if (!note)
        return relud_fail(source->error, RELUD_NO_MEMORY, "out of memory");
    memcpy(note, source->note, model->info.notes * sizeof *note);
    model->info.note = note;
    return true;
}

static bool fill_layer(relud_model *model, const struct network_layer *layer,
                       struct relud_layer_info *info)
{
    const struct relud_activation_info *activation = relud_activation_info(
        layer->activate ? layer->activate->activation : relud_activation_find("identity"));
    size_t width = network_width(&model->network, layer->last);
    char plan[PLAN_TEXT_BYTES] = "";
    *info = (struct relud_layer_info){
        .activation = activation->name,
        .inputs = width,
        .outputs = width,
        .is_relu_like = activation->is_relu_like,
        .is_saturating = activation->is_saturating,
    };
    if (layer->activate)
        model->info.parameters += layer->activate->params.weight_len;
    if (layer->linear) {
        const struct linear *linear = &layer->linear->linear;
        plan_describe(linear, plan, sizeof plan);
        info->weight = layer->linear->name;
        info->inputs = linear->inputs * layer->linear->parts;
        info->has_bias = linear->has_bias;
        model->info.parameters +=
            linear->inputs * linear->outputs + (linear->has_bias ? linear->outputs : 0);
    }
    info->plan = arena_copy_text(&model->arena, plan, strlen(plan));
    return info->plan != NULL;
}

/* Writes the name of an operand: its number, "constants", "input", or "#N" for the value that step
 * N makes. Needs at most 21 characters. */
static size_t name_operand(const struct operand *operand, char *text, size_t size)
{
    return (size_t)(operand->constant && operand->len == 1
                        ? snprintf(text, size, "%g", (double)*operand->constant)
                    : operand->constant ? snprintf(text, size, "constants")
                    : operand->value == STEP_INPUT
                        ? snprintf(text, size, "input")
                        : snprintf(text, size, "#%zu", operand->value - 1));
}

static const char *name_step(const struct step *step, char place[64])
{
    switch (step->kind) {
    case STEP_LINEAR:
        snprintf(place, 64, "linear %.50s", step->name);
        return place;
    case STEP_ACTIVATE:
        return relud_activation_info(step->activation)->name;
    case STEP_ELEMENT:
        return element_name(step->element);
    case STEP_GATHER:
        return "take";
    case STEP_JOIN:
        return "join";
    case STEP_REDUCE:
        return reduction_name(step->reduction);
    case STEP_CUMULATE:
        return "cumsum";
    case STEP_TOP:
        return step->is_index ? "top_k_indices" : "top_k";
    default:
        return step->is_root_mean_square ? "rms_norm" : "layer_norm";
    }
}

/* Describes each step in words, such as "linear fc1.weight of input: 256". */
static bool fill_steps(relud_model *model, struct relud_error *error)
{
    const struct network *network = &model->network;
    const char **words = arena_take_array(&model->arena, network->steps + 1, sizeof(char *));
    bool is_filled = words != NULL;
    for (size_t i = 0; is_filled && i < network->steps; i++) {
        const struct step *step = &network->step[i];
        char text[256], place[64];
        size_t len = (size_t)snprintf(text, sizeof text, "%s of ", name_step(step, place));
        for (size_t k = 0; k < step->operands && len < 160; k++) {
            if (k)
                text[len++] = ',', text[len++] = ' ';
            len += name_operand(&step->operand[k], text + len, sizeof text - len);
        }
        snprintf(text + len, sizeof text - len, ": %zu", step->width);
        words[i] = arena_copy_text(&model->arena, text, strlen(text));
        is_filled = words[i] != NULL;
    }
    model->info.steps = network->steps;
    model->info.step = words;
    return is_filled || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static bool fill_layers(relud_model *model, struct relud_error *error)
{
    model->info.layers = model->network.layers;
    model->layer = arena_take_array(&model->arena, model->info.layers + 1, sizeof *model->layer);
    bool is_filled = model->layer != NULL;
    for (size_t i = 0; is_filled && i < model->info.layers; i++)
        is_filled = fill_layer(model, &model->network.layer[i], &model->layer[i]);
    return is_filled || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

/* True if the net's scores are probabilities already. It is tried with unrelated rows: if the
 * scores of each row lie between 0 and 1 and add up to 1, that is no accident. */
static bool gives_shares(const relud_model *model, float *x, float *y, float *scratch)
{
    enum { ROWS = 16, ROWS_WANTED = 2 };
    uint64_t state = 1;
    size_t seen = 0;
    for (size_t row = 0; row < ROWS; row++) {
        double sum = 0;
        for (size_t i = 0; i < model->info.features; i++)
            x[i] =
                row < 2 ? (float)row : (float)((double)(random_next(&state) >> 40) * 0x1p-22 - 2);
        network_forward(&model->network, x, 1, 1, y, scratch, NULL);
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

/* Runs the net once. A row of zeros must give finite outputs or, for nets that divide by their
 * inputs, a row of ones. A net that fails even this is not served. Also finds out whether the
 * scores are probabilities already. */
static bool warm_up(relud_model *model, bool may_give_shares, const char *path,
                    struct relud_error *error)
{
    size_t bytes = (network_scratch_floats(&model->network, 1) * sizeof(float) + 64) / 64 * 64;
    float *scratch = aligned_alloc(64, bytes);
    float *x = calloc(model->info.features, sizeof *x);
    float *y = calloc(model->info.outputs, sizeof *y);
    bool is_finite = false, is_ready = scratch && x && y;
    if (!is_ready)
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    for (int value = 0; is_ready && !is_finite && value < 2; value++) {
        for (size_t i = 0; i < model->info.features; i++)
            x[i] = (float)value;
        network_forward(&model->network, x, 1, 1, y, scratch, NULL);
        is_finite = true;
        for (size_t i = 0; is_finite && i < model->info.outputs; i++)
            if (!isfinite(y[i]))
                is_finite = relud_fail(
                    error, RELUD_BAD_MODEL, "%s: the net answers a row of %s with %s at output %zu",
                    path, value ? "ones" : "zeros", isnan(y[i]) ? "NaN" : "infinity", i);
    }
    if (is_finite && may_give_shares && model->info.scores > 1)
        model->is_softmax_done |= gives_shares(model, x, y, scratch);
    free(scratch);
    free(x);
    free(y);
    return is_finite;
}

static bool make(relud_model *model, struct model_source *source,
                 const struct relud_model_options *options)
{
    model->info = source->info;
    model->info.math = options->math;
    if (model->info.classes && !model->info.scores)
        model->info.scores = model->info.result ? model->info.result[0].width : model->info.outputs;
    if (!network_build(&model->network, &model->arena, source->info.features, source->step,
                       source->steps, source->result, source->info.results, options,
                       source->error) ||
        !fill_tensors(model, source->error) || !fill_imputed(model, source->error) ||
        !fill_layers(model, source->error) || !fill_steps(model, source->error) ||
        !fill_notes(model, source))
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
        is_made = is_made && warm_up(model, model->info.operations != NULL, path, error);
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
    return has_names ? info->training->feature : NULL;
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

void relud_predict_layers(relud_scratch *scratch, const float *x, size_t rows, float *y,
                          float *const *layer_out)
{
    const struct network *network = &scratch->model->network;
    uint64_t env = float_env_enter();
    network_forward(network, x, rows, scratch->rows, y, scratch->floats, layer_out);
    nan_unify(y, rows * network->outputs);
    for (size_t i = 0; layer_out && i < network->layers; i++)
        if (layer_out[i])
            nan_unify(layer_out[i], rows * network_width(network, network->layer[i].last));
    float_env_leave(env);
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
