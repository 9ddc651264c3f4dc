/* A model directory: model.json says what the layers are, model.safetensors holds their numbers; or it says nothing of
 * layers, and model.onnx is the net. */
#include "core/model_json.h"
#include "core/model_source.h"
#include "core/safetensors.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct loading {
    struct model_source *source;
    char json_path[MODEL_PATH_BYTES], tensors_path[MODEL_PATH_BYTES];
    struct model_json json;
    struct safetensors tensors;
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
    return safetensors_floats(tensor, loading->tensors_path, &loading->source->temporary,
                              loading->error);
}

/* The same, in the model's own memory. */
static const float *lasting_vector_of(struct loading *loading, const char *place, const char *name,
                                      size_t count, bool may_be_one, size_t *len)
{
    size_t found = 0;
    const float *values = vector_of(loading, place, name, count, may_be_one, &found);
    float *copy = values ? arena_take_array(loading->source->arena, found, sizeof *copy) : NULL;
    if (copy)
        memcpy(copy, values, found * sizeof *copy);
    else if (values)
        relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->tensors_path);
    if (len)
        *len = found;
    return copy;
}

static bool read_weight(struct loading *loading, size_t index, size_t inputs,
                        struct weights *weights)
{
    const struct model_layer *layer = &loading->json.layer[index];
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
    weights->is_in_out = layer->is_in_out;
    weights->outputs = tensor->shape[layer->is_in_out];
    weights->inputs = tensor->shape[!layer->is_in_out];
    if (inputs && weights->inputs != inputs)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%.60s' is [%zu, %zu], so %s takes %zu inputs; %s gives %zu",
                          loading->tensors_path, layer->weight, tensor->shape[0], tensor->shape[1],
                          place, weights->inputs, index ? "the layer before" : "input.features",
                          inputs);
    weights->weight = safetensors_floats(tensor, loading->tensors_path, &loading->source->temporary,
                                         loading->error);
    return weights->weight != NULL;
}

/* ---- steps ---- */

/* The next step, which reads what the one before it makes. */
static struct step *add_step(struct loading *loading, enum step_kind kind, size_t width)
{
    struct model_source *source = loading->source;
    struct step *step = &source->step[source->steps];
    *step = (struct step){.kind = kind, .parts = 1, .width = width};
    step->operands = kind == STEP_ELEMENT ? 2 : 1;
    step->operand = arena_take_array(source->arena, step->operands, sizeof *step->operand);
    if (!step->operand) {
        relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->json_path);
        return NULL;
    }
    step->operand[0].value = source->steps++;
    return step;
}

static bool add_layer(struct loading *loading, size_t index, const struct weights *weights)
{
    const struct model_layer *layer = &loading->json.layer[index];
    char place[48];
    struct step *step = add_step(loading, STEP_LINEAR, weights->outputs);
    if (!step)
        return false;
    step->name = layer->weight;
    step->weights = *weights;
    if (layer->bias) {
        snprintf(place, sizeof place, "layers[%zu].bias", index);
        step->weights.bias = vector_of(loading, place, layer->bias, weights->outputs, false, NULL);
        if (!step->weights.bias)
            return false;
    }
    if (!layer->activation)
        return true;
    step = add_step(loading, STEP_ACTIVATE, weights->outputs);
    if (!step)
        return false;
    step->activation = layer->activation;
    step->params = layer->params;
    if (layer->slopes) {
        snprintf(place, sizeof place, "layers[%zu].activation.weight", index);
        step->params.weight = lasting_vector_of(loading, place, layer->slopes, weights->outputs,
                                                true, &step->params.weight_len);
        return step->params.weight != NULL;
    }
    return true;
}

/* In float32, one rounding per operation: x * scale, then + shift, as PyTorch computes it; a shift of 0 is not added, so
 * -0 and 0 stay what they are. Or x - mean[i], then / std[i]. */
static bool add_input(struct loading *loading, size_t features)
{
    const struct model_json *json = &loading->json;
    struct arena *arena = loading->source->arena;
    float *scalars = arena_take_array(arena, 2, sizeof *scalars);
    if (!scalars)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->json_path);
    scalars[0] = (float)json->scale, scalars[1] = (float)json->shift;
    struct operand by[2] = {{scalars, 1, 0}, {scalars + 1, 1, 0}};
    enum element element[2] = {ELEMENT_MUL, ELEMENT_ADD};
    bool is_wanted[2] = {scalars[0] != 1 || scalars[1] != 0, scalars[1] != 0};
    if (json->mean) {
        by[0] = by[1] = (struct operand){.len = features};
        by[0].constant =
            lasting_vector_of(loading, "input.mean", json->mean, features, false, NULL);
        if (!by[0].constant)
            return false;
        by[1].constant = lasting_vector_of(loading, "input.std", json->std, features, false, NULL);
        for (size_t i = 0; by[1].constant && i < features; i++)
            if (by[1].constant[i] == 0)
                return relud_fail(loading->error, RELUD_BAD_MODEL,
                                  "%s: tensor '%.60s': element %zu is 0, a divisor",
                                  loading->tensors_path, json->std, i);
        if (!by[1].constant)
            return false;
        element[0] = ELEMENT_SUB, element[1] = ELEMENT_DIV;
        is_wanted[0] = is_wanted[1] = true;
    }
    for (size_t i = 0; i < 2; i++) {
        struct step *step = is_wanted[i] ? add_step(loading, STEP_ELEMENT, features) : NULL;
        if (!step && is_wanted[i])
            return false;
        if (step) {
            step->element = element[i];
            step->operand[1] = by[i];
        }
    }
    return true;
}

static bool add_layers(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    struct model_source *source = loading->source;
    size_t features = json->features;
    source->step = arena_take_array(source->arena, 2 * json->layers + 2, sizeof *source->step);
    source->result = arena_take(source->arena, sizeof *source->result);
    if (!source->step || !source->result)
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                          loading->tensors_path);
    for (size_t i = 0, width = features; i < json->layers; i++) {
        struct weights weights = {0};
        if (!read_weight(loading, i, width, &weights) ||
            (i == 0 && !add_input(loading, weights.inputs)) || !add_layer(loading, i, &weights))
            return false;
        features = i == 0 ? weights.inputs : features;
        width = weights.outputs;
    }
    source->info.features = features;
    source->info.outputs = source->step[source->steps - 1].width;
    *source->result = (struct network_result){source->steps, source->info.outputs};
    source->info.results = 1;
    return true;
}

/* ---- what is said about it ---- */

static bool note_unused(struct loading *loading)
{
    for (size_t i = 0; i < loading->tensors.len; i++)
        if (!loading->tensors.tensor[i].is_used &&
            !model_source_note(loading->source, "tensor '%.60s' is not used",
                               loading->tensors.tensor[i].name))
            return false;
    return true;
}

/* What model.json says goes before what the net's own file says. */
static bool take_info(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    struct relud_model_info *info = &loading->source->info;
    enum relud_task task = json->task ? json->task : info->task;
    size_t outputs = info->results == 1 ? info->outputs : info->result[0].width;
    info->name = json->name;
    info->description = json->description;
    info->training = json->training;
    if (json->input_name)
        info->input_name = json->input_name;
    if (json->output_name)
        info->output_name = json->output_name;
    info->task = task;
    info->classes = task != RELUD_TASK_CLASSIFICATION ? 0 : outputs < 2 ? 2 : outputs;
    size_t labels = info->classes ? info->classes : outputs;
    if (json->labels && json->labels != labels)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%.90s: output.labels has %zu labels; %zu are wanted", loading->json_path,
                          json->labels, labels);
    if (json->labels || !info->classes)
        info->labels = info->classes ? json->label : NULL;
    return true;
}

/* model.onnx beside a model.json without layers. */
static bool read_onnx(struct loading *loading, const char *dir)
{
    const struct model_json *json = &loading->json;
    char path[MODEL_PATH_BYTES];
    if (!model_path_join(path, dir, "model.onnx", loading->error))
        return false;
    if (access(path, F_OK) != 0)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%.150s: layers is missing, and no model.onnx lies beside it",
                          loading->json_path);
    if (json->mean || json->scale != 1 || json->shift != 0)
        return relud_fail(
            loading->error, RELUD_BAD_MODEL,
            "%.150s: scale, shift, mean and std want layers: put them into model.onnx",
            loading->json_path);
    if (!onnx_read(loading->source, path))
        return false;
    if (json->features && json->features != loading->source->info.features)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%.150s: input.features is %zu; model.onnx takes %zu", loading->json_path,
                          json->features, loading->source->info.features);
    return true;
}

static bool read_dir(struct loading *loading, const char *dir)
{
    struct model_source *source = loading->source;
    struct file json;
    if (!model_path_join(loading->json_path, dir, "model.json", loading->error) ||
        !model_path_join(loading->tensors_path, dir, "model.safetensors", loading->error) ||
        !file_read(loading->json_path, MODEL_JSON_BYTES_MAX, &json, loading->error))
        return false;
    bool is_read = model_json_read(&loading->json, json.bytes, json.len, loading->json_path,
                                   source->arena, loading->error);
    file_free(&json);
    if (!is_read)
        return false;
    if (loading->json.layers == 0)
        return read_onnx(loading, dir) && take_info(loading);
    struct file *tensors = model_source_file(source, loading->tensors_path, 0);
    source->info.format = "relud-model/1";
    return tensors &&
           safetensors_open(&loading->tensors, tensors, loading->tensors_path, &source->temporary,
                            loading->error) &&
           add_layers(loading) && take_info(loading) && note_unused(loading);
}

bool model_dir_read(struct model_source *source, const char *dir)
{
    char path[MODEL_PATH_BYTES];
    if (!model_path_join(path, dir, "model.json", source->error))
        return false;
    if (access(path, F_OK) != 0) {
        char onnx[MODEL_PATH_BYTES];
        if (model_path_join(onnx, dir, "model.onnx", source->error) && access(onnx, F_OK) == 0)
            return onnx_read(source, onnx);
    }
    struct loading *loading = arena_take(&source->temporary, sizeof *loading);
    if (!loading)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", path);
    *loading = (struct loading){.source = source, .error = source->error};
    return read_dir(loading, dir);
}
