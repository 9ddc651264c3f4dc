#include "core/format/state_dict.h"

#include "core/format/state_dict_private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool dict_fail(const struct dict *dict, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(dict->loading->error, RELUD_BAD_MODEL,
                      "%s: %s: write a model.json that says what the layers are "
                      "(docs/models.md)",
                      dict->loading->tensors_path, words);
}

bool dict_no_memory(const struct dict *dict)
{
    return relud_fail(dict->loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                      dict->loading->tensors_path);
}

/* ---- the layers ---- */

/* True for PReLU: its slopes are learned, so they have to be in the file. */
static bool has_slopes(const struct relud_activation *activation)
{
    const struct relud_activation_info *info =
        activation ? relud_activation_info(activation) : NULL;
    return info && info->parameters && info->parameter[0].kind == RELUD_PARAMETER_WEIGHT;
}

static const char *copy_name(const struct dict *dict, const struct safetensor *tensor)
{
    return tensor
               ? arena_copy_text(dict->loading->source->arena, tensor->name, strlen(tensor->name))
               : NULL;
}

/* Appends a layer without activation. */
static bool add_layer(struct dict *dict, const struct group *group)
{
    static const enum model_layer_type types[] = {LAYER_LINEAR, LAYER_BATCH_NORM, LAYER_LAYER_NORM};
    struct model_json *json = &dict->loading->json;
    dict->of_layer[json->layers] = (size_t)(group - dict->group);
    struct model_layer *layer = &json->layer[json->layers++];
    *layer = (struct model_layer){.type = types[group->kind], .eps = 1e-5};
    layer->weight = copy_name(dict, group->weight);
    layer->bias = group->bias ? group->bias->name : NULL;
    layer->mean = group->mean ? group->mean->name : NULL;
    layer->variance = group->variance ? group->variance->name : NULL;
    return !group->weight || layer->weight || dict_no_memory(dict);
}

/* The last layer becomes one with this PReLU behind it. False and *error if it has another. */
static bool set_slopes(const struct dict *dict, const struct group *slopes)
{
    const struct model_json *json = &dict->loading->json;
    struct model_layer *layer = &json->layer[json->layers - 1];
    if (layer->slopes)
        return dict_fail(dict, "'%s' and '%s' are PReLUs behind the same layer", layer->slopes,
                         slopes->weight->name);
    layer->activation = relud_activation_find("prelu");
    layer->params = relud_activation_defaults(layer->activation);
    layer->slopes = slopes->weight->name;
    return true;
}

/* Behind which of a linear layer and the `len` norms that follow it the activation stands, from 0
 * for the linear layer: at the first place that the numbers of an nn.Sequential leave (a dropout
 * comes later), or behind the last norm. What is assumed is noted in the dict. */
static size_t activation_behind(struct dict *dict, const struct group *linear,
                                const struct group *norm, size_t len, const struct group *next)
{
    size_t places = 0, place = len;
    bool is_numbered = true;
    for (size_t i = 0; i <= len; i++) {
        size_t modules = modules_between(i ? &norm[i - 1] : linear, i < len ? &norm[i] : next);
        is_numbered &= modules > 0;
        if (modules > 1 && places++ == 0)
            place = i;
    }
    bool is_told = is_numbered && places > 0;
    dict->is_before_assumed |= len > 0 && !is_told;
    dict->is_first_assumed |= is_told && places > 1;
    return is_told ? place : len;
}

/* True if a PReLU stands behind linear layer `index` - 1 of the chain. */
static bool has_own_activation(const struct dict *dict, size_t index)
{
    for (size_t i = dict->linears; i < dict->groups; i++)
        if (dict->group[i].kind == GROUP_PRELU && dict->group[i].behind == index)
            return true;
    return false;
}

/* Adds linear layer `index` and what is behind it, from other[0] on; returns how many of `other`
 * that is. SIZE_MAX and *error on failure. */
static size_t add_linear(struct dict *dict, size_t index, const struct group *other, size_t others)
{
    struct model_json *json = &dict->loading->json;
    const struct group *linear = linear_at(dict, index);
    size_t len = 0, first = json->layers;
    if (!add_layer(dict, linear))
        return SIZE_MAX;
    for (; len < others && other[len].behind == index + 1; len++)
        if (!(other[len].kind == GROUP_PRELU ? set_slopes(dict, &other[len])
                                             : add_layer(dict, &other[len])))
            return SIZE_MAX;
    if (index + 1 == dict->linears || has_own_activation(dict, index + 1))
        return len;
    if (dict->is_shared)
        return set_slopes(dict, &dict->group[dict->groups]) ? len : SIZE_MAX;
    size_t behind = activation_behind(dict, linear, other, len, linear_at(dict, index + 1));
    struct model_layer *layer = &json->layer[first + behind];
    layer->activation = dict->activation;
    layer->params = dict->params;
    return len;
}

static bool make_layers(struct dict *dict)
{
    struct loading *loading = dict->loading;
    struct model_json *json = &loading->json;
    const struct group *other = dict->group + dict->linears;
    size_t others = dict->groups - dict->linears, taken = 0;
    *json = (struct model_json){.scale = 1};
    json->layer = arena_take_array(&loading->source->temporary, dict->groups, sizeof *json->layer);
    dict->of_layer =
        arena_take_array(&loading->source->temporary, dict->groups, sizeof *dict->of_layer);
    if (!json->layer || !dict->of_layer)
        return dict_no_memory(dict);
    for (; taken < others && other[taken].behind == 0; taken++)
        if (!add_layer(dict, &other[taken]))
            return false;
    for (size_t i = 0; i < dict->linears; i++) {
        size_t some = add_linear(dict, i, other + taken, others - taken);
        if (some == SIZE_MAX)
            return false;
        taken += some;
    }
    return true;
}

/* Finds the activation between the layers. Without one the file must have one layer, or tell its
 * activations. */
static bool take_activation(struct dict *dict, const char *activation)
{
    struct loading *loading = dict->loading;
    char widths[256];
    bool is_wanted = false;
    for (size_t i = 1; i < dict->linears; i++)
        is_wanted |= !has_own_activation(dict, i);
    if (is_wanted && !activation) {
        dict_widths(dict, widths, sizeof widths);
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: a state dict of %zu linear layers (%s): what stands between them is "
                          "not in the file; --activation relu, or another one, says it, or a "
                          "model.json",
                          loading->tensors_path, dict->linears, widths);
    }
    return dict->is_shared || !has_slopes(dict->activation) || !is_wanted ||
           dict_fail(dict, "the slopes of %s are not in the file", activation);
}

/* True if the path is the model.safetensors of a model directory. The path exists, so the shorter
 * name fits in MODEL_PATH_BYTES. */
static bool has_description(const char *path)
{
    static const char name[] = "model.safetensors";
    char json[MODEL_PATH_BYTES];
    const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;
    snprintf(json, sizeof json, "%.*smodel.json", (int)(last - path), path);
    return strcmp(last, name) == 0 && access(json, F_OK) == 0;
}

struct loading *state_dict_open(struct model_source *source, const char *path,
                                const struct relud_model_options *options)
{
    struct loading *loading = arena_take(&source->temporary, sizeof *loading);
    const char *activation = options->activation;
    struct dict dict = {.loading = loading, .takes_usual_order = options->takes_usual_order};
    if (!loading) {
        relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", path);
        return NULL;
    }
    *loading = (struct loading){.source = source, .error = source->error};
    snprintf(loading->json_path, sizeof loading->json_path, "%s", path);
    snprintf(loading->tensors_path, sizeof loading->tensors_path, "%s", path);
    if (!activation && has_description(path)) {
        relud_fail(
            source->error, RELUD_BAD_MODEL,
            "%s: the model.json beside it says what its layers are: name the folder, not this file",
            path);
        return NULL;
    }
    if (activation &&
        !relud_activation_read(activation, &dict.activation, &dict.params, source->error))
        return NULL;
    struct relud_file *file = model_source_file(source, path);
    source->info.format = "safetensors";
    bool is_read =
        file &&
        safetensors_open(&loading->tensors, file, path, &source->temporary, source->error) &&
        dict_take_tensors(&dict) && dict_find_order(&dict) && dict_place_others(&dict) &&
        take_activation(&dict, activation) && make_layers(&dict) && dict_tell(&dict);
    return is_read ? loading : NULL;
}

bool state_dict_read(struct model_source *source, const char *path,
                     const struct relud_model_options *options)
{
    struct loading *loading = state_dict_open(source, path, options);
    return loading && model_layers_add(loading);
}
