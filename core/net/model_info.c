/* Describes a model: its tensors, features, layers and steps in words. */
#include "core/net/model_private.h"

#include "core/kernels/plan.h"
#include "core/net/imputed.h"
#include <stdio.h>
#include <string.h>

enum { PLAN_TEXT_BYTES = 512 };

/* Fills in what the files do not tell of tensors that lie side by side in a row. */
static void complete_tensors(struct relud_tensor_info *tensor, size_t count, size_t width,
                             const char *name)
{
    for (size_t i = 0, first = 0; i < count; i++) {
        tensor[i].name = tensor[i].name ? tensor[i].name : name;
        tensor[i].datatype = tensor[i].datatype ? tensor[i].datatype : "FP32";
        tensor[i].width = tensor[i].width ? tensor[i].width : width;
        if (tensor[i].rank == 0)
            tensor[i].shape[tensor[i].rank++] = tensor[i].width;
        tensor[i].first = first;
        first += tensor[i].width;
    }
}

/* Copies the descriptions, or makes one of a single plain tensor. NULL: out of memory. */
static struct relud_tensor_info *copy_tensors(relud_model *model,
                                              const struct relud_tensor_info *tensor, size_t *count)
{
    size_t copies = tensor ? *count : 1;
    struct relud_tensor_info *copy = arena_take_array(&model->arena, copies, sizeof *copy);
    if (copy && tensor)
        memcpy(copy, tensor, copies * sizeof *copy);
    *count = copies;
    return copy;
}

static bool fill_tensors(relud_model *model, struct relud_error *error)
{
    struct relud_model_info *info = &model->info;
    struct relud_tensor_info *input = copy_tensors(model, info->input, &info->inputs);
    size_t results = info->results;
    struct relud_tensor_info *result = copy_tensors(model, info->result, &results);
    if (!input || !result)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    complete_tensors(input, info->inputs, info->features, "input");
    if (!info->result)
        result->name = info->output_name;
    complete_tensors(result, results, info->outputs, "output");
    info->input = input;
    info->result = result;
    info->output_name = info->result[0].name;
    return true;
}

/* The names of the features of several inputs. */
static bool fill_names(relud_model *model, struct relud_error *error)
{
    const struct relud_model_info *info = &model->info;
    if (info->inputs < 2 && !model->inputs)
        return true;
    const char **name = arena_take_array(&model->arena, info->features, sizeof *name);
    for (size_t i = 0, f = 0; name && i < info->inputs; i++)
        for (size_t k = 0; name && k < info->input[i].width; k++, f++) {
            char text[512];
            int len = snprintf(text, sizeof text, "%.480s.%zu", info->input[i].name, k);
            bool is_one = info->input[i].width == 1;
            name[f] =
                is_one ? info->input[i].name : arena_copy_text(&model->arena, text, (size_t)len);
            if (!name[f])
                name = NULL;
        }
    model->feature_name = name;
    return name || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void make_boolean(struct relud_feature *feature)
{
    feature->is_boolean = true;
    feature->indices = 2;
}

/* Puts together what the files say of the features and what the net imputes. */
static bool fill_features(relud_model *model, const struct model_source *source)
{
    struct relud_model_info *info = &model->info;
    struct relud_features *features = arena_take(&model->arena, sizeof *features);
    struct relud_feature *at = arena_take_array(&model->arena, info->features, sizeof *at);
    bool is_any, *imputed = arena_take_array(&model->arena, info->features, sizeof *imputed);
    if (!features || !at || !imputed || !network_imputed(&model->network, imputed, &is_any))
        return relud_fail(source->error, RELUD_NO_MEMORY, "out of memory");
    *features = (struct relud_features){.at = at, .len = info->features};
    for (size_t f = 0; f < info->features && source->feature; f++)
        at[f] = source->feature[f];
    for (size_t i = 0; i < info->inputs; i++)
        for (size_t k = 0; strcmp(info->input[i].datatype, "BOOL") == 0 && k < info->input[i].width;
             k++)
            make_boolean(&at[info->input[i].first + k]);
    for (size_t f = 0; f < info->features; f++) {
        at[f].is_imputed = at[f].words ? at[f].words->missing != RELUD_WORDS_NONE : imputed[f];
        features->has_words |= at[f].words != NULL;
        features->has_indices |= at[f].indices > 0;
        features->has_imputed |= at[f].is_imputed;
        features->has_booleans |= at[f].is_boolean;
    }
    bool are_plain = !features->has_words && !features->has_indices && !features->has_imputed &&
                     !features->has_booleans;
    info->feature = are_plain ? NULL : features;
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
    case STEP_LOOKUP:
        snprintf(place, 64, "%s%.50s", step->name ? "embedding " : "table",
                 step->name ? step->name : "");
        return place;
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
    for (size_t i = 0; i < model->network.steps; i++) {
        const struct step *step = &model->network.step[i];
        if (step->kind == STEP_LOOKUP && step->name)
            model->info.parameters += step->table_rows * (step->width / step->parts);
    }
    for (size_t i = 0; is_filled && i < model->info.layers; i++)
        is_filled = fill_layer(model, &model->network.layer[i], &model->layer[i]);
    return is_filled || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

bool model_describe(relud_model *model, const struct model_source *source)
{
    return fill_tensors(model, source->error) && fill_names(model, source->error) &&
           fill_features(model, source) && fill_layers(model, source->error) &&
           fill_steps(model, source->error) && fill_notes(model, source);
}
