/* Makes a model of what was learned, with the same steps as reading its files would give. */
#include "core/train/trainer.h"

#include "core/base/words.h"
#include "core/net/chain.h"
#include "core/net/inputs.h"
#include "core/net/model.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 48 };

struct made {
    const struct trainer *trainer;
    const struct relud_training *training;
};

struct making {
    struct model_source *source;
    const struct trainer *trainer;
};

static bool no_memory(const struct making *making)
{
    return relud_fail(making->source->error, RELUD_NO_MEMORY, "out of memory");
}

static void *take(const struct making *making, size_t count, size_t size)
{
    void *memory = arena_take_array(making->source->arena, count, size);
    if (!memory)
        no_memory(making);
    return memory;
}

static float *copy(const struct making *making, const float *values, size_t count)
{
    float *to = take(making, count, sizeof *to);
    if (to && count)
        memcpy(to, values, count * sizeof *to);
    return to;
}

static const char *copy_text(const struct making *making, const char *text)
{
    return text ? arena_copy_text(making->source->arena, text, strlen(text)) : NULL;
}

static const char *const *copy_texts(const struct making *making, const char *const *texts,
                                     size_t count)
{
    const char **copies = take(making, count, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++)
        if (!(copies[i] = copy_text(making, texts[i]))) {
            no_memory(making);
            return NULL;
        }
    return copies;
}

static bool add_input(const struct making *making)
{
    const struct train_input *input = &making->trainer->input;
    struct model_source *source = making->source;
    const float *means = making->trainer->data->means, *instead = NULL;
    if (means && !(instead = copy(making, means, input->features)))
        return false;
    if (instead && !chain_add_imputation(source, input->features, instead))
        return no_memory(making);
    if (!input->is_standardized)
        return chain_add_scaling(source, input->features, input->scale, input->shift) ||
               no_memory(making);
    const float *mean = copy(making, input->mean, input->features);
    const float *divisor = copy(making, input->divisor, input->features);
    return mean && divisor &&
           (chain_add_standardization(source, input->features, mean, divisor) || no_memory(making));
}

/* ---- several inputs ---- */

/* True if the columns differ: some are words or booleans, or not every number may be missing.
 * Inputs of their own are not scaled, and there are not too many of them: then booleans are
 * numbers. */
static bool has_inputs(const struct trainer *trainer)
{
    const struct relud_dataset *data = trainer->data;
    const struct train_input *input = &trainer->input;
    bool is_scaled = !input->is_standardized && (input->scale != 1 || input->shift != 0);
    if (data->is_boolean && !is_scaled && data->features <= INPUTS_MAX)
        return true;
    for (size_t f = 0; data->means && f < data->features; f++)
        if (isnan(data->means[f]))
            return true;
    return data->feature != NULL;
}

static bool make_words(const struct making *making, const struct relud_words *from,
                       struct model_input *input)
{
    struct relud_words *words = take(making, 1, sizeof *words);
    const char *const *word = words ? copy_texts(making, from->word, from->count) : NULL;
    if (!word ||
        !words_make(words, making->source->arena, word, from->count, making->source->error))
        return false;
    words->missing = from->missing;
    input->encoding = INPUT_ONE_HOT;
    input->words = words;
    input->unknown = from->takes_unknown ? INPUT_UNKNOWN_ZERO : INPUT_UNKNOWN_ERROR;
    return true;
}

static bool make_input(const struct making *making, size_t f, struct model_input *input)
{
    const struct train_input *of = &making->trainer->input;
    const struct relud_dataset *data = making->trainer->data;
    const struct relud_words *words = relud_words_of(data->feature, f);
    char *name = take(making, 1, NAME_BYTES);
    if (!name)
        return false;
    snprintf(name, NAME_BYTES, "column %zu", f + 1);
    input->about.name = data->name && *data->name[f] ? copy_text(making, data->name[f]) : name;
    input->about.width = 1;
    bool is_boolean = data->is_boolean && data->is_boolean[f];
    input->about.datatype = words ? "BYTES" : is_boolean ? "BOOL" : "FP32";
    if (!input->about.name)
        return no_memory(making);
    if (words)
        return make_words(making, words, input);
    if (data->means && !isnan(data->means[f]))
        input->missing = copy(making, &data->means[f], 1);
    if (of->is_standardized) {
        input->mean = copy(making, &of->mean[f], 1);
        input->std = copy(making, &of->divisor[f], 1);
    }
    return (input->missing || !data->means || isnan(data->means[f])) &&
           (input->std || !of->is_standardized) && (input->mean || !of->is_standardized);
}

static bool add_inputs(const struct making *making)
{
    size_t count = making->trainer->input.features, width;
    struct model_inputs *inputs = take(making, 1, sizeof *inputs);
    struct model_input *input = take(making, count, sizeof *input);
    if (!inputs || !input)
        return false;
    *inputs = (struct model_inputs){.count = count, .input = input};
    for (size_t f = 0; f < count; f++)
        if (!make_input(making, f, &input[f]))
            return false;
    return inputs_add(making->source, inputs, &width);
}

/* ---- layers ---- */

static bool are_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Makes the last layer answer in the targets' units. Its weights become w·std and its biases
 * b·std + mean, each rounded once to float32. */
static void fold_targets(const struct loss *loss, const struct learner_layer *layer, float *weight,
                         float *bias)
{
    for (size_t n = 0; n < layer->outputs; n++) {
        double std = (double)loss->std[n];
        for (size_t k = 0; k < layer->inputs; k++)
            weight[n * layer->inputs + k] = (float)((double)weight[n * layer->inputs + k] * std);
        bias[n] = (float)((double)bias[n] * std + (double)loss->mean[n]);
    }
}

static bool add_layer(const struct making *making, size_t index)
{
    const struct learner *learner = &making->trainer->learner;
    const struct learner_layer *layer = &learner->layer[index];
    struct arena *temporary = &making->source->temporary;
    struct step *step = chain_add(making->source, STEP_LINEAR, layer->outputs);
    float *weight = arena_take_array(temporary, layer->outputs, layer->inputs * sizeof *weight);
    float *bias = arena_take_array(temporary, layer->outputs, sizeof *bias);
    char *name = take(making, 1, NAME_BYTES);
    if (!step || !weight || !bias || !name)
        return no_memory(making);
    learner_get_layer(learner, index, weight, bias);
    if (index + 1 == learner->layers && learner->loss.std)
        fold_targets(&learner->loss, layer, weight, bias);
    if (!are_finite(weight, layer->outputs * layer->inputs) || !are_finite(bias, layer->outputs) ||
        !are_finite(layer->slopes.at, layer->slopes.len))
        return relud_fail(making->source->error, RELUD_NOT_FINITE,
                          "layer %zu has weights that are not finite", index);
    snprintf(name, NAME_BYTES, "layers.%zu.weight", index);
    step->name = name;
    step->weights = (struct weights){
        .inputs = layer->inputs, .outputs = layer->outputs, .weight = weight, .bias = bias};
    if (layer->is_identity)
        return true;
    step = chain_add(making->source, STEP_ACTIVATE, layer->outputs);
    if (!step)
        return no_memory(making);
    step->activation = layer->activation;
    step->params = layer->params;
    if (layer->slopes.len) {
        step->params.weight = copy(making, layer->slopes.at, layer->slopes.len);
        return step->params.weight != NULL;
    }
    return true;
}

static bool add_labels(const struct making *making)
{
    const struct relud_dataset *data = making->trainer->data;
    struct relud_model_info *info = &making->source->info;
    if (data->labels == 0)
        return true;
    info->labels = copy_texts(making, data->label, data->labels);
    info->classes = data->labels;
    return info->labels != NULL;
}

static bool keep_training(const struct making *making, const struct relud_training *training)
{
    struct relud_training *kept = take(making, 1, sizeof *kept);
    if (!kept)
        return false;
    *kept = *training;
    kept->recipe = copy_text(making, training->recipe);
    making->source->info.training = kept;
    if (training->target &&
        !(kept->target = copy_texts(making, training->target, training->target_columns)))
        return false;
    size_t features = training->features;
    if (features == 0)
        return true;
    if (training->feature && !(kept->feature = copy_texts(making, training->feature, features)))
        return false;
    kept->mean = copy(making, training->mean, features);
    kept->std = copy(making, training->std, features);
    kept->min = copy(making, training->min, features);
    kept->max = copy(making, training->max, features);
    kept->histogram = copy(making, training->histogram, features * training->bins);
    return kept->mean && kept->std && kept->min && kept->max && kept->histogram;
}

static bool read_made(struct model_source *source, const void *what)
{
    const struct made *made = what;
    const struct trainer *trainer = made->trainer;
    const struct learner *learner = &trainer->learner;
    struct making making = {source, trainer};
    struct relud_model_info *info = &source->info;
    bool is_split = has_inputs(trainer);
    size_t of_input = is_split ? inputs_steps_max(trainer->input.features) : 4;
    if (!chain_begin(source, 2 * learner->layers + of_input))
        return no_memory(&making);
    if (!(is_split ? add_inputs(&making) : add_input(&making)))
        return false;
    for (size_t i = 0; i < learner->layers; i++)
        if (!add_layer(&making, i))
            return false;
    info->format = "relud-model/1";
    info->name = copy_text(&making, trainer->config->name);
    info->description = copy_text(&making, trainer->config->description);
    info->features = trainer->input.features;
    info->task = trainer->config->task;
    struct relud_tensor_info *input = is_split ? NULL : model_source_inputs(source, 1);
    if (!is_split && !input)
        return false;
    if (input)
        input->name = trainer->data->height ? "pixels" : "features";
    info->output_name = info->task == RELUD_TASK_CLASSIFICATION ? "logits" : "prediction";
    chain_end(source);
    return add_labels(&making) && keep_training(&making, made->training);
}

relud_model *trainer_model(const struct trainer *trainer, const struct relud_training *training)
{
    struct made made = {trainer, training};
    return model_new("the trained net", NULL, read_made, &made, trainer->error);
}
