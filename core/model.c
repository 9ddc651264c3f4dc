/* Models: from the files to a network that never changes, and the forward pass over it. */
#include "core/file.h"
#include "core/model_json.h"
#include "core/network.h"
#include "core/plan.h"
#include "core/safetensors.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TENSORS_BYTES_MAX ((size_t)8 << 30)

enum { PATH_BYTES = 4096, PLAN_TEXT_BYTES = 512 };

/* Rows that go through all layers together: their activations stay in the cache. */
enum { SCRATCH_ROWS_MAX = 64 };

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

/* What loading needs and the model does not. */
struct loading {
    relud_model *model;
    char tensors_path[PATH_BYTES];
    struct file file;
    struct arena arena;
    struct model_json json;
    struct safetensors tensors;
    struct input_spec input;
    struct layer_spec *spec; /* [layers] */
    struct relud_error *error;
};

/* ---- tensors into place ---- */

static struct safetensor *find_tensor(struct loading *loading, const char *place, const char *name)
{
    struct safetensor *tensor = safetensors_find(&loading->tensors, name);
    if (!tensor)
        relud_fail(loading->error, RELUD_BAD_MODEL,
                   "%s: there is no tensor '%.60s', which %s wants", loading->tensors_path, name,
                   place);
    else
        tensor->is_used = true;
    return tensor;
}

/* A tensor of one dimension and `count` elements (or one, where that will do). */
static const float *vector_of(struct loading *loading, const char *place, const char *name,
                              size_t count, bool may_be_one, size_t *len)
{
    struct safetensor *tensor = find_tensor(loading, place, name);
    if (!tensor)
        return NULL;
    bool is_right =
        tensor->rank == 1 && (tensor->count == count || (may_be_one && tensor->count == 1));
    if (!is_right) {
        relud_fail(loading->error, RELUD_BAD_MODEL,
                   "%s: tensor '%.60s' has %zu elements in %zu dimensions; %s wants [%zu]",
                   loading->tensors_path, name, tensor->count, tensor->rank, place, count);
        return NULL;
    }
    if (len)
        *len = tensor->count;
    return safetensors_floats(tensor, loading->tensors_path, &loading->arena, loading->error);
}

/* The same, in the model's own memory. */
static const float *lasting_vector_of(struct loading *loading, const char *place, const char *name,
                                      size_t count, bool may_be_one, size_t *len)
{
    size_t found = 0;
    const float *values = vector_of(loading, place, name, count, may_be_one, &found);
    float *copy = values ? arena_take_array(&loading->model->arena, found, sizeof *copy) : NULL;
    if (copy)
        memcpy(copy, values, found * sizeof *copy);
    else if (values)
        relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->tensors_path);
    if (len)
        *len = found;
    return copy;
}

static bool place_weight(struct loading *loading, size_t index, size_t inputs)
{
    const struct model_layer *layer = &loading->json.layer[index];
    struct layer_spec *spec = &loading->spec[index];
    char place[48];
    snprintf(place, sizeof place, "layers[%zu].weight", index);
    struct safetensor *tensor = find_tensor(loading, place, layer->weight);
    if (!tensor)
        return false;
    if (tensor->rank != 2 || tensor->shape[0] == 0 || tensor->shape[1] == 0 ||
        tensor->shape[0] > MODEL_WIDTH_MAX || tensor->shape[1] > MODEL_WIDTH_MAX)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%.60s' has %zu dimensions; %s wants two, each from 1 to %d",
                          loading->tensors_path, layer->weight, tensor->rank, place,
                          MODEL_WIDTH_MAX);
    spec->is_in_out = layer->is_in_out;
    spec->outputs = tensor->shape[layer->is_in_out];
    spec->inputs = tensor->shape[!layer->is_in_out];
    if (inputs && spec->inputs != inputs)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%.60s' is [%zu, %zu], so %s takes %zu inputs; %s gives %zu",
                          loading->tensors_path, layer->weight, tensor->shape[0], tensor->shape[1],
                          place, spec->inputs, index ? "the layer before" : "input.features",
                          inputs);
    spec->weight =
        safetensors_floats(tensor, loading->tensors_path, &loading->arena, loading->error);
    return spec->weight != NULL;
}

static bool place_layer(struct loading *loading, size_t index, size_t inputs)
{
    const struct model_layer *layer = &loading->json.layer[index];
    struct layer_spec *spec = &loading->spec[index];
    char place[48];
    if (!place_weight(loading, index, inputs))
        return false;
    if (layer->bias) {
        snprintf(place, sizeof place, "layers[%zu].bias", index);
        spec->bias = vector_of(loading, place, layer->bias, spec->outputs, false, NULL);
        if (!spec->bias)
            return false;
    }
    spec->activation = layer->activation;
    spec->params = layer->params;
    if (layer->slopes) {
        snprintf(place, sizeof place, "layers[%zu].activation.weight", index);
        spec->params.weight = lasting_vector_of(loading, place, layer->slopes, spec->outputs, true,
                                                &spec->params.weight_len);
        return spec->params.weight != NULL;
    }
    return true;
}

static bool place_input(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    size_t features = loading->spec[0].inputs;
    loading->input = (struct input_spec){
        .features = features, .scale = (float)json->scale, .shift = (float)json->shift};
    if (!json->mean)
        return true;
    loading->input.mean =
        lasting_vector_of(loading, "input.mean", json->mean, features, false, NULL);
    if (!loading->input.mean)
        return false;
    loading->input.std = lasting_vector_of(loading, "input.std", json->std, features, false, NULL);
    for (size_t i = 0; loading->input.std && i < features; i++)
        if (loading->input.std[i] == 0)
            return relud_fail(loading->error, RELUD_BAD_MODEL,
                              "%s: tensor '%.60s': element %zu is 0, a divisor",
                              loading->tensors_path, json->std, i);
    return loading->input.std != NULL;
}

static bool place_tensors(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    loading->spec = arena_take_array(&loading->arena, json->layers, sizeof *loading->spec);
    if (!loading->spec)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                          loading->tensors_path);
    for (size_t i = 0; i < json->layers; i++)
        if (!place_layer(loading, i, i ? loading->spec[i - 1].outputs : json->features))
            return false;
    return place_input(loading);
}

/* ---- what is said about it ---- */

static bool fill_info(struct loading *loading, const char *json_path)
{
    const struct model_json *json = &loading->json;
    relud_model *model = loading->model;
    size_t outputs = loading->spec[json->layers - 1].outputs;
    bool is_classifying = json->task == RELUD_TASK_CLASSIFICATION;
    size_t classes = is_classifying ? outputs < 2 ? 2 : outputs : 0;
    if (json->labels && json->labels != (classes ? classes : outputs))
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%.90s: output.labels has %zu labels; %zu are wanted", json_path,
                          json->labels, classes ? classes : outputs);
    model->info = (struct relud_model_info){
        .name = json->name,
        .description = json->description,
        .format = "relud-model/1",
        .input_name = json->input_name ? json->input_name : "input",
        .output_name = json->output_name ? json->output_name : "output",
        .features = loading->input.features,
        .outputs = outputs,
        .layers = json->layers,
        .classes = classes,
        .task = json->task,
        .labels = json->labels && classes ? json->label : NULL,
    };
    return true;
}

static bool fill_notes(struct loading *loading)
{
    struct relud_model_info *info = &loading->model->info;
    struct arena *arena = &loading->model->arena;
    const char **note = arena_take_array(arena, loading->tensors.len + 1, sizeof *note);
    if (!note)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < loading->tensors.len; i++) {
        char text[128];
        if (loading->tensors.tensor[i].is_used)
            continue;
        snprintf(text, sizeof text, "tensor '%.60s' is not used", loading->tensors.tensor[i].name);
        note[info->notes] = arena_copy_text(arena, text, strlen(text));
        if (!note[info->notes++])
            return relud_fail(loading->error, RELUD_NO_MEMORY, "out of memory");
    }
    info->note = note;
    return true;
}

static bool fill_layers(struct loading *loading)
{
    relud_model *model = loading->model;
    size_t layers = model->info.layers;
    model->layer = arena_take_array(&model->arena, layers, sizeof *model->layer);
    if (!model->layer)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < layers; i++) {
        const struct network_layer *layer = &model->network.layer[i];
        const struct relud_activation_info *activation = relud_activation_info(
            layer->activation ? layer->activation : relud_activation_find("identity"));
        char plan[PLAN_TEXT_BYTES];
        size_t len = plan_describe(&layer->linear, plan, sizeof plan);
        model->layer[i] = (struct relud_layer_info){
            .weight = loading->json.layer[i].weight,
            .activation = activation->name,
            .inputs = layer->linear.inputs,
            .outputs = layer->linear.outputs,
            .has_bias = layer->linear.has_bias,
            .is_relu_like = activation->is_relu_like,
            .is_saturating = activation->is_saturating,
            .plan = arena_copy_text(&model->arena, plan, len),
        };
        if (!model->layer[i].plan)
            return relud_fail(loading->error, RELUD_NO_MEMORY, "out of memory");
        model->info.parameters += layer->linear.inputs * layer->linear.outputs +
                                  (layer->linear.has_bias ? layer->linear.outputs : 0) +
                                  (layer->params.weight ? layer->params.weight_len : 0);
    }
    return true;
}

/* How the answer becomes probabilities. */
static void fill_head(relud_model *model)
{
    const struct relud_activation *last =
        model->network.layer[model->network.layers - 1].activation;
    model->softmax = relud_activation_find("softmax");
    model->sigmoid = relud_activation_find("sigmoid");
    model->is_softmax_done = last && last == model->softmax;
    model->is_sigmoid_done = last && last == model->sigmoid;
}

/* ---- loading ---- */

static bool join(char *path, const char *dir, const char *file, struct relud_error *error)
{
    int len = snprintf(path, PATH_BYTES, "%s/%s", dir, file);
    return (len > 0 && len < PATH_BYTES) ||
           relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
}

/* Zeros must give something finite: a net that cannot even do that is not served. */
static bool warm_up(struct loading *loading, const char *path)
{
    relud_model *model = loading->model;
    relud_scratch *scratch = relud_scratch_new(model, 1, loading->error);
    float *x = arena_take_array(&loading->arena, model->info.features, sizeof *x);
    float *y = arena_take_array(&loading->arena, model->info.outputs, sizeof *y);
    bool is_finite = scratch && x && y;
    if (is_finite)
        relud_predict(scratch, x, 1, y);
    else if (scratch)
        relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", path);
    for (size_t i = 0; is_finite && i < model->info.outputs; i++)
        if (!isfinite(y[i]))
            is_finite = relud_fail(loading->error, RELUD_BAD_MODEL,
                                   "%s: the net answers a row of zeros with %s at output %zu", path,
                                   isnan(y[i]) ? "NaN" : "infinity", i);
    relud_scratch_free(scratch);
    return is_finite;
}

static bool load(struct loading *loading, const char *path,
                 const struct relud_model_options *options)
{
    char json_path[PATH_BYTES];
    struct file json;
    relud_model *model = loading->model;
    if (!join(json_path, path, "model.json", loading->error) ||
        !join(loading->tensors_path, path, "model.safetensors", loading->error) ||
        !file_read(json_path, MODEL_JSON_BYTES_MAX, &json, loading->error))
        return false;
    bool is_read = model_json_read(&loading->json, json.bytes, json.len, json_path, &model->arena,
                                   loading->error);
    file_free(&json);
    if (!is_read ||
        !file_read(loading->tensors_path, TENSORS_BYTES_MAX, &loading->file, loading->error) ||
        !safetensors_open(&loading->tensors, &loading->file, loading->tensors_path, &loading->arena,
                          loading->error) ||
        !place_tensors(loading) || !fill_info(loading, json_path) ||
        !network_build(&model->network, &model->arena, &loading->input, loading->spec,
                       loading->json.layers, options, loading->error) ||
        !fill_layers(loading) || !fill_notes(loading))
        return false;
    model->info.math = options->math;
    fill_head(model);
    model->info.bytes = model->arena.bytes + sizeof *model;
    return warm_up(loading, path);
}

relud_model *relud_model_load(const char *path, const struct relud_model_options *options,
                              struct relud_error *error)
{
    static const struct relud_model_options plain;
    relud_model *model = calloc(1, sizeof *model);
    struct loading *loading = calloc(1, sizeof *loading);
    bool is_loaded = false;
    if (model && loading) {
        atomic_init(&model->references, 1);
        loading->model = model;
        loading->error = error;
        is_loaded = load(loading, path, options ? options : &plain);
        file_free(&loading->file);
        arena_reset(&loading->arena);
    } else {
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", path);
    }
    free(loading);
    if (!is_loaded) {
        if (model)
            arena_reset(&model->arena);
        free(model);
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

const struct relud_layer_info *relud_model_layer(const relud_model *model, size_t index)
{
    return &model->layer[index];
}

/* ---- the forward pass ---- */

relud_scratch *relud_scratch_new(relud_model *model, size_t max_rows, struct relud_error *error)
{
    size_t rows = max_rows < SCRATCH_ROWS_MAX ? max_rows : SCRATCH_ROWS_MAX;
    size_t bytes = network_scratch_floats(&model->network, rows ? rows : 1) * sizeof(float);
    relud_scratch *scratch = malloc(sizeof *scratch);
    float *floats = aligned_alloc(64, (bytes + 63) / 64 * 64);
    if (!scratch || !floats) {
        free(scratch);
        free(floats);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu bytes of scratch", bytes);
        return NULL;
    }
    *scratch = (relud_scratch){
        .model = relud_model_retain(model), .floats = floats, .rows = rows ? rows : 1};
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

void relud_probabilities(const relud_model *model, const float *y, size_t rows, float *p)
{
    const struct relud_activation_params none = {.weight = NULL};
    size_t outputs = model->info.outputs;
    if (outputs > 1) {
        if (model->is_softmax_done)
            memcpy(p, y, rows * outputs * sizeof *p);
        else
            relud_activate(model->softmax, &none, y, p, rows, outputs);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        float one = y[r];
        if (!model->is_sigmoid_done)
            relud_activate(model->sigmoid, &none, &y[r], &one, 1, 1);
        p[2 * r] = 1 - one;
        p[2 * r + 1] = one;
    }
}
