/* What was learned, as a model: the same steps that its files would give. */
#include "core/trainer.h"

#include "core/model.h"
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

static void *take(const struct making *making, size_t count, size_t size)
{
    void *memory = arena_take_array(making->source->arena, count, size);
    if (!memory)
        relud_fail(making->source->error, RELUD_NO_MEMORY, "out of memory");
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

/* The next step, over what the one before it makes. */
static struct step *add_step(const struct making *making, enum step_kind kind, size_t width)
{
    struct model_source *source = making->source;
    struct step *step = &source->step[source->steps];
    *step = (struct step){.kind = kind, .parts = 1, .width = width};
    step->operands = kind == STEP_ELEMENT ? 2 : 1;
    step->operand = take(making, step->operands, sizeof *step->operand);
    if (!step->operand)
        return NULL;
    step->operand[0].value = source->steps++;
    return step;
}

static bool add_element(const struct making *making, enum element element, const float *by,
                        size_t len)
{
    size_t features = making->trainer->input.features;
    struct step *step = add_step(making, STEP_ELEMENT, features);
    const float *constant = step ? copy(making, by, len) : NULL;
    if (!constant)
        return false;
    step->element = element;
    step->operand[1] = (struct operand){.constant = constant, .len = len};
    return true;
}

static bool add_input(const struct making *making)
{
    const struct train_input *input = &making->trainer->input;
    if (input->is_standardized)
        return add_element(making, ELEMENT_SUB, input->mean, input->features) &&
               add_element(making, ELEMENT_DIV, input->divisor, input->features);
    bool is_scaled = input->scale != 1 || input->shift != 0;
    return (!is_scaled || add_element(making, ELEMENT_MUL, &input->scale, 1)) &&
           (input->shift == 0 || add_element(making, ELEMENT_ADD, &input->shift, 1));
}

static bool are_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

static bool add_layer(const struct making *making, size_t index)
{
    const struct learner_layer *layer = &making->trainer->learner.layer[index];
    struct arena *temporary = &making->source->temporary;
    struct step *step = add_step(making, STEP_LINEAR, layer->outputs);
    float *weight = arena_take_array(temporary, layer->outputs, layer->inputs * sizeof *weight);
    float *bias = arena_take_array(temporary, layer->outputs, sizeof *bias);
    char *name = take(making, 1, NAME_BYTES);
    if (!step || !weight || !bias || !name)
        return relud_fail(making->source->error, RELUD_NO_MEMORY, "out of memory");
    learner_get_layer(&making->trainer->learner, index, weight, bias);
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
    step = add_step(making, STEP_ACTIVATE, layer->outputs);
    if (!step)
        return false;
    step->activation = layer->activation;
    step->params = layer->params;
    if (layer->slopes.len) {
        step->params.weight = copy(making, layer->slopes.at, layer->slopes.len);
        return step->params.weight != NULL;
    }
    return true;
}

static const char *const *copy_texts(const struct making *making, const char *const *texts,
                                     size_t count)
{
    const char **copies = take(making, count, sizeof *copies);
    for (size_t i = 0; copies && i < count; i++)
        if (!(copies[i] = copy_text(making, texts[i]))) {
            relud_fail(making->source->error, RELUD_NO_MEMORY, "out of memory");
            return NULL;
        }
    return copies;
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
    source->step = take(&making, 2 * learner->layers + 2, sizeof *source->step);
    source->result = take(&making, 1, sizeof *source->result);
    if (!source->step || !source->result || !add_input(&making))
        return false;
    for (size_t i = 0; i < learner->layers; i++)
        if (!add_layer(&making, i))
            return false;
    info->format = "relud-model/1";
    info->name = copy_text(&making, trainer->config->name);
    info->description = copy_text(&making, trainer->config->description);
    info->features = trainer->input.features;
    info->outputs = source->step[source->steps - 1].width;
    info->results = 1;
    info->task = trainer->config->task;
    info->input_name = trainer->data->height ? "pixels" : "features";
    info->output_name = info->task == RELUD_TASK_CLASSIFICATION ? "logits" : "prediction";
    *source->result = (struct network_result){source->steps, info->outputs};
    return add_labels(&making) && keep_training(&making, made->training);
}

relud_model *trainer_model(const struct trainer *trainer, const struct relud_training *training)
{
    struct made made = {trainer, training};
    return model_new("the trained net", NULL, read_made, &made, trainer->error);
}
