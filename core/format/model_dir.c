/* Reads a model directory. model.json lists the layers and model.safetensors holds their weights.
 * If model.json lists no layers, or is missing, model.onnx is the net. */
#include "core/format/model_dir.h"

#include "core/format/model_layers.h"
#include "core/onnx/onnx.h"
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- checks against model.json ---- */

/* Marks the tensors that model.json names under "unused". A name without a tensor gets a note. A
 * tensor that a layer uses is an error. */
static bool mark_unused(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    for (size_t i = 0; i < json->unused; i++) {
        struct safetensor *tensor = safetensors_find(&loading->tensors, json->unused_name[i]);
        if (tensor && tensor->is_used)
            return relud_fail(loading->error, RELUD_BAD_MODEL,
                              "%s: unused[%zu]: tensor '%s' is used by a layer", loading->json_path,
                              i, json->unused_name[i]);
        if (!tensor && !model_source_note(loading->source, "unused[%zu]: there is no tensor '%s'",
                                          i, json->unused_name[i]))
            return false;
    }
    for (size_t i = 0; i < json->unused; i++) {
        struct safetensor *tensor = safetensors_find(&loading->tensors, json->unused_name[i]);
        if (tensor)
            tensor->is_used = true;
    }
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

/* Refuses tensors that no layer uses: a layer is probably missing, and another net would be
 * served. */
static bool refuse_unused(struct loading *loading)
{
    enum { SHOWN_MAX = 6, SHOWN_BYTES = 100 };
    char list[SHOWN_MAX * SHOWN_BYTES] = "";
    size_t len = 0, count = 0;
    bool is_norm = false;
    if (!mark_unused(loading))
        return false;
    for (size_t i = 0; i < loading->tensors.len; i++) {
        const struct safetensor *tensor = &loading->tensors.tensor[i];
        if (tensor->is_used)
            continue;
        is_norm |= ends_with(tensor->name, "running_mean");
        if (count++ < SHOWN_MAX)
            len +=
                relud_line(list + len, SHOWN_BYTES, "%s'%s'", count > 1 ? ", " : "", tensor->name);
    }
    return count == 0 ||
           relud_fail(
               loading->error, RELUD_BAD_MODEL,
               "%s: no layer uses %s%s%s: %s, or name what is to be left out under \"unused\"",
               loading->json_path, count > 1 ? "the tensors " : "tensor ", list,
               count > SHOWN_MAX ? " and more" : "",
               is_norm ? "write a layer of type batch_norm for them" : "write the layer that does");
}

/* Gives the net's one input the name that model.json has for it. */
static bool name_input(struct loading *loading)
{
    struct model_source *source = loading->source;
    struct relud_tensor_info told =
        source->info.inputs ? source->info.input[0] : (struct relud_tensor_info){0};
    if (source->info.inputs > 1)
        return relud_fail(loading->error, RELUD_BAD_MODEL, "%s: input.name: the net has %zu inputs",
                          loading->json_path, source->info.inputs);
    struct relud_tensor_info *input = model_source_inputs(source, 1);
    if (!input)
        return false;
    *input = told;
    input->name = loading->json.input_name;
    return true;
}

/* Takes the model's names, task and labels from model.json. They override those of the net's own
 * file. */
static bool take_info(struct loading *loading)
{
    const struct model_json *json = &loading->json;
    struct relud_model_info *info = &loading->source->info;
    enum relud_task task = json->task ? json->task : info->task;
    size_t outputs = info->scores         ? info->scores
                     : info->results == 1 ? info->outputs
                                          : info->result[0].width;
    info->name = json->name;
    info->description = json->description;
    info->training = json->training;
    if (json->input_name && !name_input(loading))
        return false;
    if (json->output_name)
        info->output_name = json->output_name;
    info->task = task;
    info->classes = task != RELUD_TASK_CLASSIFICATION ? 0 : outputs < 2 ? 2 : outputs;
    size_t labels = info->classes ? info->classes : outputs;
    if (json->labels && json->labels != labels)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: output.labels has %zu labels; %zu are wanted", loading->json_path,
                          json->labels, labels);
    if (json->labels || !info->classes)
        info->labels = info->classes ? json->label : NULL;
    return true;
}

/* Reads model.onnx for a model.json without layers. */
static bool read_onnx(struct loading *loading, const char *path)
{
    const struct model_json *json = &loading->json;
    if (access(path, F_OK) != 0)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: layers is missing, and no model.onnx lies beside it",
                          loading->json_path);
    if (json->mean || json->missing || json->scale != 1 || json->shift != 0)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: scale, shift, mean, std and missing need layers: put them into "
                          "model.onnx",
                          loading->json_path);
    if (!onnx_read(loading->source, path))
        return false;
    if (json->features && json->features != loading->source->info.features)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: input.features is %zu; model.onnx takes %zu", loading->json_path,
                          json->features, loading->source->info.features);
    return true;
}

static bool read_dir(struct loading *loading, const char *onnx_path)
{
    struct model_source *source = loading->source;
    struct relud_file json;
    if (!relud_file_read(loading->json_path, MODEL_JSON_BYTES_MAX, &json, loading->error))
        return false;
    bool is_read = model_json_read(&loading->json, json.bytes, json.len, loading->json_path,
                                   source->arena, loading->error);
    relud_file_free(&json);
    if (!is_read)
        return false;
    if (loading->json.layers == 0)
        return read_onnx(loading, onnx_path) && take_info(loading);
    struct relud_file *tensors = model_source_file(source, loading->tensors_path);
    source->info.format = "relud-model/1";
    return tensors &&
           safetensors_open(&loading->tensors, tensors, loading->tensors_path, &source->temporary,
                            loading->error) &&
           model_layers_add(loading) && take_info(loading) && refuse_unused(loading);
}

bool model_dir_read(struct model_source *source, const char *dir)
{
    char onnx_path[MODEL_PATH_BYTES];
    struct loading *loading = arena_take(&source->temporary, sizeof *loading);
    if (!loading)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", dir);
    *loading = (struct loading){.source = source, .error = source->error};
    /* the longest name: if it fits, the others do */
    if (!model_path_join(loading->tensors_path, dir, "model.safetensors", source->error))
        return false;
    snprintf(loading->json_path, MODEL_PATH_BYTES, "%s/model.json", dir);
    snprintf(onnx_path, MODEL_PATH_BYTES, "%s/model.onnx", dir);
    if (access(loading->json_path, F_OK) != 0 && access(onnx_path, F_OK) == 0)
        return onnx_read(source, onnx_path);
    return read_dir(loading, onnx_path);
}
