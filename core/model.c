/* Models: from what the files say to a network that never changes, and the forward pass over it. */
#include "core/model.h"

#include "core/model_source.h"
#include "core/plan.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PLAN_TEXT_BYTES = 512 };

/* Rows that go through all layers together: their activations stay in the cache. */
enum { SCRATCH_ROWS_MAX = 64, SCRATCH_BYTES_WANTED = 32 << 20 };

struct relud_model {
    struct arena arena; /* holds everything, this struct apart */
    struct network network;
    struct relud_model_info info;
    struct relud_layer_info *layer; /* [info.layers] */
    const struct relud_activation *softmax, *sigmoid;
    bool is_softmax_done, is_sigmoid_done; /* by the last layer itself */
    atomic_size_t references;
};

struct relud_scratch {
    relud_model *model;
    float *floats; /* aligned to 64 bytes */
    size_t rows;   /* that they suffice for at a time */
};

/* ---- what is said about it ---- */

/* The names and shapes that the files do not give. */
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

/* A value as people find it again: the input, or the number of the step that makes it. */
static size_t name_operand(const struct operand *operand, char *text, size_t size)
{
    int len = operand->constant && operand->len == 1
                  ? snprintf(text, size, "%g", (double)*operand->constant)
              : operand->constant            ? snprintf(text, size, "constants")
              : operand->value == STEP_INPUT ? snprintf(text, size, "input")
                                             : snprintf(text, size, "#%zu", operand->value - 1);
    return len < 0 || (size_t)len >= size ? 0 : (size_t)len;
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
    case STEP_NORMALIZE:
        return step->is_root_mean_square ? "rms_norm" : "layer_norm";
    }
    return "";
}

/* "linear fc1.weight of input: 256" */
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

/* How the answer becomes probabilities: not at all, where its last step has made them. */
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

/* Rows of zeros, or, for nets that divide by them, of ones, must give something finite: a net that cannot even do that is
 * not served. */
static bool warm_up(relud_model *model, const char *path, struct relud_error *error)
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
    free(scratch);
    free(x);
    free(y);
    return is_finite;
}

static bool is_file(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && !S_ISDIR(about.st_mode);
}

static bool make(relud_model *model, struct model_source *source,
                 const struct relud_model_options *options)
{
    model->info = source->info;
    model->info.math = options->math;
    if (!network_build(&model->network, &model->arena, source->info.features, source->step,
                       source->steps, source->result, source->info.results, options,
                       source->error) ||
        !fill_tensors(model, source->error) || !fill_layers(model, source->error) ||
        !fill_steps(model, source->error) || !fill_notes(model, source))
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
        is_made = is_made && warm_up(model, path, error);
    } else {
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    }
    free(source);
    if (!is_made) {
        relud_model_release(model);
        return NULL;
    }
    return model;
}

static bool read_path(struct model_source *source, const void *what)
{
    const char *path = what;
    return is_file(path) ? onnx_read(source, path) : model_dir_read(source, path);
}

relud_model *relud_model_load(const char *path, const struct relud_model_options *options,
                              struct relud_error *error)
{
    return model_new(path, options, read_path, path, error);
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
    network_forward(network, x, rows, scratch->rows, y, scratch->floats, layer_out);
}

/* Softmax over the first result of each row; the others lie behind it. */
static void probabilities_of_many(const relud_model *model, const float *y, size_t rows, float *p)
{
    const struct relud_activation_params none = {.weight = NULL};
    size_t width = model->info.result[0].width, outputs = model->info.outputs;
    if (width == outputs && !model->is_softmax_done) {
        relud_activate(model->softmax, &none, y, p, rows, width);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        if (model->is_softmax_done)
            memcpy(p + r * width, y + r * outputs, width * sizeof *p);
        else
            relud_activate(model->softmax, &none, y + r * outputs, p + r * width, 1, width);
    }
}

void relud_probabilities(const relud_model *model, const float *y, size_t rows, float *p)
{
    const struct relud_activation_params none = {.weight = NULL};
    if (model->info.result[0].width > 1) {
        probabilities_of_many(model, y, rows, p);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        float one = y[r * model->info.outputs];
        if (!model->is_sigmoid_done)
            relud_activate(model->sigmoid, &none, &one, &one, 1, 1);
        p[2 * r] = 1 - one;
        p[2 * r + 1] = one;
    }
}
