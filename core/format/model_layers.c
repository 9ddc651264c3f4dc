#include "core/format/model_layers.h"

#include "core/kernels/batch_norm.h"
#include "core/net/chain.h"
#include <stdio.h>
#include <string.h>

/* ---- tensors ---- */

struct safetensor *loading_tensor(struct loading *loading, const char *place, const char *name)
{
    struct safetensor *tensor = safetensors_find(&loading->tensors, name);
    if (!tensor)
        relud_fail(loading->error, RELUD_BAD_MODEL, "%s: there is no tensor '%s', which %s wants",
                   loading->tensors_path, name, place);
    else
        tensor->is_used = true;
    return tensor;
}

/* The numbers of a tensor with one dimension and `count` elements; with may_be_one, one element is
 * also allowed. They live as long as the source's temporary memory and its files. *len, if wanted,
 * gets the number of elements. NULL and *error on failure. */
static const float *vector_of(struct loading *loading, const char *place, const char *name,
                              size_t count, bool may_be_one, size_t *len)
{
    struct safetensor *tensor = loading_tensor(loading, place, name);
    if (!tensor)
        return NULL;
    bool is_right =
        tensor->rank == 1 && (tensor->count == count || (may_be_one && tensor->count == 1));
    if (!is_right) {
        relud_fail(loading->error, RELUD_BAD_MODEL,
                   "%s: tensor '%s' has %zu elements in %zu dimensions; %s wants [%zu]",
                   loading->tensors_path, name, tensor->count, tensor->rank, place, count);
        return NULL;
    }
    if (len)
        *len = tensor->count;
    return safetensors_floats(tensor, loading->tensors_path, &loading->source->temporary,
                              loading->error);
}

const float *loading_vector(struct loading *loading, const char *place, const char *name,
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

static const char *given_by(const struct loading *loading, size_t index)
{
    return index ? "the layer before" : loading->json.inputs ? "inputs" : "input.features";
}

static bool read_weight(struct loading *loading, size_t index, size_t inputs,
                        struct weights *weights)
{
    const struct model_layer *layer = &loading->json.layer[index];
    char place[48];
    snprintf(place, sizeof place, "layers[%zu].weight", index);
    struct safetensor *tensor = loading_tensor(loading, place, layer->weight);
    if (!tensor)
        return false;
    if (tensor->rank != 2 || tensor->shape[0] == 0 || tensor->shape[1] == 0 ||
        tensor->shape[0] > MODEL_WIDTH_MAX || tensor->shape[1] > MODEL_WIDTH_MAX)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s' has %zu dimensions; %s wants two, each from 1 to %d",
                          loading->tensors_path, layer->weight, tensor->rank, place,
                          MODEL_WIDTH_MAX);
    weights->is_in_out = layer->is_in_out;
    weights->outputs = tensor->shape[layer->is_in_out];
    weights->inputs = tensor->shape[!layer->is_in_out];
    if (inputs && weights->inputs != inputs)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s' is [%zu, %zu], so %s takes %zu inputs; %s gives %zu",
                          loading->tensors_path, layer->weight, tensor->shape[0], tensor->shape[1],
                          place, weights->inputs, given_by(loading, index), inputs);
    weights->weight = safetensors_floats(tensor, loading->tensors_path, &loading->source->temporary,
                                         loading->error);
    return weights->weight != NULL;
}

/* ---- steps ---- */

static bool no_memory(const struct loading *loading)
{
    return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory", loading->json_path);
}

/* As chain_add, but with an error. */
static struct step *add_step(struct loading *loading, enum step_kind kind, size_t width)
{
    struct step *step = chain_add(loading->source, kind, width);
    if (!step)
        no_memory(loading);
    return step;
}

static bool add_element(struct loading *loading, enum element element, const float *by,
                        size_t width)
{
    return chain_add_element(loading->source, element, width, by, width) || no_memory(loading);
}

/* Writes a place such as "layers[3].bias" for an error message. */
static const char *place_of(char place[64], size_t index, const char *member)
{
    snprintf(place, 64, "layers[%zu].%s", index, member);
    return place;
}

/* Adds the steps of model.json's "input". */
static bool add_input(struct loading *loading, size_t features)
{
    const struct model_json *json = &loading->json;
    struct model_source *source = loading->source;
    if (json->missing) {
        const float *instead =
            loading_vector(loading, "input.missing", json->missing, features, false, NULL);
        if (!instead)
            return false;
        if (!chain_add_imputation(source, features, instead))
            return no_memory(loading);
    }
    if (!json->mean)
        return chain_add_scaling(source, features, (float)json->scale, (float)json->shift) ||
               no_memory(loading);
    const float *mean = loading_vector(loading, "input.mean", json->mean, features, false, NULL);
    const float *std =
        mean ? loading_vector(loading, "input.std", json->std, features, false, NULL) : NULL;
    if (!std)
        return false;
    for (size_t i = 0; i < features; i++)
        if (std[i] == 0)
            return relud_fail(loading->error, RELUD_BAD_MODEL,
                              "%s: tensor '%s': element %zu is 0, a divisor", loading->tensors_path,
                              json->std, i);
    return chain_add_standardization(source, features, mean, std) || no_memory(loading);
}

/* Called by a layer that knows how wide its input is. The first such layer fixes the model's
 * features, and the input's steps are added before it. */
static bool begin_at(struct loading *loading, size_t features, size_t *width)
{
    *width = features;
    if (loading->source->info.features)
        return true;
    loading->source->info.features = features;
    return add_input(loading, features);
}

/* Marks PyTorch's batch counter, a tensor beside the means, as used. The forward pass does not need
 * it. */
static void mark_counter(struct loading *loading, const char *mean)
{
    static const char ending[] = "running_mean", counter[] = "num_batches_tracked";
    size_t len = strlen(mean), stem = len - (sizeof ending - 1);
    if (len < sizeof ending - 1 || strcmp(mean + stem, ending) != 0)
        return;
    for (size_t i = 0; i < loading->tensors.len; i++) {
        struct safetensor *tensor = &loading->tensors.tensor[i];
        tensor->is_used |=
            strncmp(tensor->name, mean, stem) == 0 && strcmp(tensor->name + stem, counter) == 0;
    }
}

static bool add_linear(struct loading *loading, size_t index, size_t *width)
{
    const struct model_layer *layer = &loading->json.layer[index];
    struct weights weights = {0};
    char place[64];
    if (!read_weight(loading, index, *width, &weights) || !begin_at(loading, weights.inputs, width))
        return false;
    struct step *step = add_step(loading, STEP_LINEAR, weights.outputs);
    if (!step)
        return false;
    step->name = layer->weight;
    step->weights = weights;
    *width = weights.outputs;
    if (layer->bias)
        step->weights.bias = vector_of(loading, place_of(place, index, "bias"), layer->bias,
                                       weights.outputs, false, NULL);
    return !layer->bias || step->weights.bias;
}

/* If no earlier layer says how wide a row is, the tensor `name` of this layer does. */
static bool begin_with(struct loading *loading, size_t index, const char *member, const char *name,
                       size_t *width)
{
    char place[64];
    struct safetensor *tensor =
        *width ? NULL : loading_tensor(loading, place_of(place, index, member), name);
    if (*width == 0 && !tensor)
        return false;
    if (tensor && (tensor->rank != 1 || tensor->count == 0 || tensor->count > MODEL_WIDTH_MAX))
        return relud_fail(
            loading->error, RELUD_BAD_MODEL,
            "%s: tensor '%s' has %zu elements in %zu dimensions; %s wants one dimension of 1 to %d",
            loading->tensors_path, name, tensor->count, tensor->rank, place, MODEL_WIDTH_MAX);
    return begin_at(loading, tensor ? tensor->count : *width, width);
}

/* Adds PyTorch's BatchNorm1d in eval mode. It is folded into a linear layer right before it;
 * otherwise it becomes a product and a sum. */
static bool add_batch_norm(struct loading *loading, size_t index, size_t *width)
{
    const struct model_layer *layer = &loading->json.layer[index];
    struct model_source *source = loading->source;
    const char *const members[] = {"weight", "bias", "running_mean", "running_var"};
    const char *const names[] = {layer->weight, layer->bias, layer->mean, layer->variance};
    const float *of[4] = {NULL};
    char place[64];
    size_t channel = 0;
    if (!begin_with(loading, index, "running_mean", layer->mean, width))
        return false;
    for (size_t i = 0; i < 4; i++)
        if (names[i] && !(of[i] = vector_of(loading, place_of(place, index, members[i]), names[i],
                                            *width, false, NULL)))
            return false;
    struct batch_norm norm = {*width, of[0], of[1], of[2], of[3], (float)layer->eps};
    struct step *before = source->steps ? &source->step[source->steps - 1] : NULL;
    bool is_layer = before && before->kind == STEP_LINEAR;
    float *scale = arena_take_array(source->arena, *width, sizeof *scale);
    float *shift = arena_take_array(source->arena, *width, sizeof *shift);
    if (!scale || !shift)
        return no_memory(loading);
    if (!batch_norm_fold(&norm, is_layer ? before->weights.bias : NULL, scale, shift, &channel))
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: tensor '%s': element %zu of layers[%zu] gives no finite factor",
                          loading->tensors_path, layer->variance, channel, index);
    mark_counter(loading, layer->mean);
    for (size_t i = 0; is_layer && before->weights.scale && i < *width; i++)
        scale[i] *= before->weights.scale[i];
    if (!is_layer)
        return add_element(loading, ELEMENT_MUL, scale, *width) &&
               add_element(loading, ELEMENT_ADD, shift, *width);
    before->weights.scale = scale;
    before->weights.bias = shift;
    return true;
}

static bool add_layer_norm(struct loading *loading, size_t index, size_t *width)
{
    const struct model_layer *layer = &loading->json.layer[index];
    const char *const members[] = {"weight", "bias"}, *const names[] = {layer->weight, layer->bias};
    char place[64];
    if (*width == 0 && !layer->weight)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: input.features is missing, and layers[%zu] does not tell it",
                          loading->json_path, index);
    if (!begin_with(loading, index, "weight", layer->weight, width))
        return false;
    struct step *step = add_step(loading, STEP_NORMALIZE, *width);
    if (!step)
        return false;
    step->epsilon = (float)layer->eps;
    for (size_t i = 0; i < 2; i++) {
        const float *by = names[i] ? loading_vector(loading, place_of(place, index, members[i]),
                                                    names[i], *width, false, NULL)
                                   : NULL;
        if (names[i] && (!by || !add_element(loading, i ? ELEMENT_ADD : ELEMENT_MUL, by, *width)))
            return false;
    }
    return true;
}

static bool add_activation(struct loading *loading, size_t index, size_t *width)
{
    const struct model_layer *layer = &loading->json.layer[index];
    char place[64];
    if (!layer->activation)
        return true;
    if (*width == 0)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: input.features is missing, and layers[%zu] does not tell it",
                          loading->json_path, index);
    if (!begin_at(loading, *width, width))
        return false;
    struct step *step = add_step(loading, STEP_ACTIVATE, *width);
    if (!step)
        return false;
    step->activation = layer->activation;
    step->params = layer->params;
    if (!layer->slopes)
        return true;
    step->params.weight = loading_vector(loading, place_of(place, index, "activation.weight"),
                                         layer->slopes, *width, true, &step->params.weight_len);
    return step->params.weight != NULL;
}

bool model_layers_add(struct loading *loading)
{
    static bool (*const adders[])(struct loading *, size_t, size_t *) = {
        [LAYER_LINEAR] = add_linear,
        [LAYER_BATCH_NORM] = add_batch_norm,
        [LAYER_LAYER_NORM] = add_layer_norm,
        [LAYER_DROPOUT] = NULL, /* does nothing outside training */
    };
    enum { STEPS_A_LAYER = 4, STEPS_OF_INPUT = 4 };
    const struct model_json *json = &loading->json;
    struct model_source *source = loading->source;
    size_t of_input = json->inputs ? inputs_steps_max(json->inputs) : STEPS_OF_INPUT;
    if (!chain_begin(source, STEPS_A_LAYER * json->layers + of_input))
        return relud_fail(loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                          loading->tensors_path);
    size_t width = json->features;
    if (json->inputs && !model_inputs_add(loading, &width))
        return false;
    for (size_t i = 0; i < json->layers; i++) {
        bool (*add)(struct loading *, size_t, size_t *) = adders[json->layer[i].type];
        if ((add && !add(loading, i, &width)) || !add_activation(loading, i, &width))
            return false;
    }
    if (source->steps == 0)
        return relud_fail(loading->error, RELUD_BAD_MODEL, "%s: its layers do nothing",
                          loading->json_path);
    chain_end(source);
    return true;
}
