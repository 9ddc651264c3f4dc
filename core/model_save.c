/* Models into files: model.json and model.safetensors, for nets that are a chain of layers. */
#include "core/model.h"

#include "core/training_json.h"
#include "core/writer.h"
#include <errno.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = WRITER_PATH_BYTES };

/* ---- is it a chain? ---- */

/* Steps in order: up to two on the input, then layers. */
struct chain {
    const struct network *network;
    double scale, shift;
    const struct operand *mean, *std; /* or NULL */
    size_t first;                     /* the first layer's linear step */
};

static bool is_by_constant(const struct step *step, enum element element)
{
    return step->kind == STEP_ELEMENT && step->element == element && !step->operand[0].constant &&
           step->operand[1].constant;
}

static bool fail_shape(struct relud_error *error, size_t index, const char *why)
{
    return relud_fail(error, RELUD_UNSUPPORTED,
                      "the net is no chain of layers (step %zu %s), which is what model.json says: "
                      "serve the .onnx file itself",
                      index, why);
}

/* x * scale + shift, or (x - mean) / std: the forms that model.json has. */
static void read_input(struct chain *chain)
{
    const struct network *network = chain->network;
    const struct step *step = network->step;
    size_t steps = network->steps;
    chain->scale = 1;
    if (steps > 1 && is_by_constant(step, ELEMENT_MUL) && step->operand[1].len == 1) {
        chain->scale = (double)*step->operand[1].constant;
        chain->first = 1;
        if (steps > 2 && is_by_constant(step + 1, ELEMENT_ADD) && step[1].operand[1].len == 1) {
            chain->shift = (double)*step[1].operand[1].constant;
            chain->first = 2;
        }
        return;
    }
    if (steps > 1 && is_by_constant(step, ELEMENT_SUB)) {
        chain->mean = &step->operand[1];
        chain->first = 1;
    }
    if (steps > chain->first + 1 && is_by_constant(step + chain->first, ELEMENT_DIV))
        chain->std = &step[chain->first++].operand[1];
}

static bool read_chain(struct chain *chain, const relud_model *model, struct relud_error *error)
{
    const struct network *network = model_network(model);
    *chain = (struct chain){.network = network};
    read_input(chain);
    bool was_linear = false;
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i];
        bool is_linear = step->kind == STEP_LINEAR, is_activation = step->kind == STEP_ACTIVATE;
        if (step->operand[0].value != i)
            return fail_shape(error, i, "reads what an earlier one made");
        if (i >= chain->first &&
            (step->parts != 1 || !(is_linear || (is_activation && was_linear))))
            return fail_shape(error, i, "is neither a layer nor its activation");
        was_linear = is_linear;
    }
    if (network->results != 1 || network->result[0].value != network->steps ||
        chain->first == network->steps)
        return fail_shape(error, network->steps, "is not the one answer");
    return true;
}

/* ---- tensors ---- */

/* What goes into model.safetensors, in order: where each tensor's numbers come from. */
struct tensor {
    const struct linear *linear; /* the weight, or the bias where is_bias; or */
    bool is_bias;
    const float *values; /* [shape[0]], of which is_one says that the first stands for all */
    bool is_one;
};

struct tensors {
    size_t count;
    struct tensor_entry *entry;
    struct tensor *tensor;
};

/* The next tensor, called by printf rules. */
static struct tensor *__attribute__((format(printf, 4, 5)))
add(struct tensors *tensors, size_t rank, const size_t *shape, const char *format, ...)
{
    struct tensor_entry *entry = &tensors->entry[tensors->count];
    *entry = (struct tensor_entry){.type = "F32", .rank = rank, .shape = {shape[0]}};
    if (rank == 2)
        entry->shape[1] = shape[1];
    va_list args;
    va_start(args, format);
    vsnprintf(entry->name, sizeof entry->name, format, args);
    va_end(args);
    return &tensors->tensor[tensors->count++];
}

static void list_tensors(const struct chain *chain, struct tensors *tensors)
{
    static const float zero = 0, one = 1;
    const struct network *network = chain->network;
    for (size_t i = 0; (chain->mean || chain->std) && i < 2; i++) {
        const struct operand *by = i ? chain->std : chain->mean;
        struct tensor *tensor = add(tensors, 1, &network->features, "input.%s", i ? "std" : "mean");
        tensor->values = by ? by->constant : i ? &one : &zero;
        tensor->is_one = !by || by->len == 1;
    }
    for (size_t i = 0; i < network->layers; i++) {
        const struct linear *linear = &network->layer[i].linear->linear;
        const struct step *activate = network->layer[i].activate;
        const size_t shape[] = {linear->outputs, linear->inputs};
        add(tensors, 2, shape, "layers.%zu.weight", i)->linear = linear;
        if (linear->has_bias)
            *add(tensors, 1, shape, "layers.%zu.bias", i) =
                (struct tensor){.linear = linear, .is_bias = true};
        if (activate && activate->params.weight)
            add(tensors, 1, &activate->params.weight_len, "layers.%zu.slopes", i)->values =
                activate->params.weight;
    }
}

static bool put_linear(FILE *file, const struct linear *linear, bool is_bias)
{
    size_t count = linear->inputs * linear->outputs;
    float *weight = malloc(count * sizeof *weight);
    float *bias = malloc(linear->outputs * sizeof *bias);
    bool is_there = weight && bias;
    if (is_there) {
        linear_unpack(linear, weight, bias);
        fwrite(is_bias ? bias : weight, sizeof(float), is_bias ? linear->outputs : count, file);
    }
    free(weight);
    free(bias);
    return is_there;
}

static bool put_tensor(FILE *file, size_t index, const void *what)
{
    const struct tensors *tensors = what;
    const struct tensor *tensor = &tensors->tensor[index];
    if (tensor->linear)
        return put_linear(file, tensor->linear, tensor->is_bias);
    for (size_t i = 0; i < tensors->entry[index].shape[0]; i++)
        fwrite(&tensor->values[tensor->is_one ? 0 : i], sizeof(float), 1, file);
    return true;
}

/* ---- model.json ---- */

static void put_activation(FILE *file, const struct step *activate, size_t layer)
{
    const struct relud_activation_info *info = relud_activation_info(activate->activation);
    fputs(", \"activation\": ", file);
    if (info->parameters == 0) {
        put_string(file, info->name);
        return;
    }
    fprintf(file, "{\"type\": \"%s\"", info->name);
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        fprintf(file, ", \"%s\": ", parameter->name);
        if (parameter->kind == RELUD_PARAMETER_WEIGHT)
            fprintf(file, "\"layers.%zu.slopes\"", layer);
        else if (parameter->kind == RELUD_PARAMETER_CHOICE)
            put_string(file, parameter->choices[(size_t)activate->params.values[i]]);
        else
            put_number(file, activate->params.values[i]);
    }
    fputs("}", file);
}

static void put_text_member(FILE *file, const char *key, const char *text)
{
    if (!text)
        return;
    fprintf(file, " \"%s\": ", key);
    put_string(file, text);
    fputs(",\n", file);
}

static void put_json(FILE *file, const struct chain *chain, const struct relud_model_info *info,
                     const char *name)
{
    static const char *const tasks[] = {NULL, "classification", "regression"};
    const struct network *network = chain->network;
    fputs("{\"format\": \"relud-model/1\",\n", file);
    put_text_member(file, "name", name);
    put_text_member(file, "description", info->description);
    fputs(" \"input\": {\"name\": ", file);
    put_string(file, info->input_name);
    fprintf(file, ", \"features\": %zu", info->features);
    if (chain->mean || chain->std) {
        fputs(", \"mean\": \"input.mean\", \"std\": \"input.std\"", file);
    } else if (chain->first) {
        fputs(", \"scale\": ", file);
        put_number(file, (float)chain->scale);
        fputs(", \"shift\": ", file);
        put_number(file, (float)chain->shift);
    }
    fputs("},\n \"layers\": [", file);
    for (size_t i = 0; i < network->layers; i++) {
        fprintf(file, "%s\n  {\"weight\": \"layers.%zu.weight\"", i ? "," : "", i);
        if (network->layer[i].linear->linear.has_bias)
            fprintf(file, ", \"bias\": \"layers.%zu.bias\"", i);
        if (network->layer[i].activate)
            put_activation(file, network->layer[i].activate, i);
        fputs("}", file);
    }
    fputs("],\n \"output\": {\"name\": ", file);
    put_string(file, info->output_name);
    if (tasks[info->task])
        fprintf(file, ", \"task\": \"%s\"", tasks[info->task]);
    for (size_t i = 0; info->labels && i < info->classes; i++) {
        fputs(i ? ", " : ", \"labels\": [", file);
        put_string(file, info->labels[i]);
    }
    fputs(info->labels ? "]}" : "}", file);
    if (info->training) {
        fputs(",\n \"training\": ", file);
        training_put(file, info->training);
    }
    fputs("}\n", file);
}

/* ---- both ---- */

static bool make_dir(const char *dir, struct relud_error *error)
{
    struct stat about;
    if (mkdir(dir, 0777) == 0)
        return true;
    if (errno != EEXIST || stat(dir, &about) != 0)
        return relud_fail(error, RELUD_IO, "%s: %s", dir, strerror(errno));
    if (!S_ISDIR(about.st_mode))
        return relud_fail(error, RELUD_IO, "%s: is there, and no directory", dir);
    return true;
}

bool relud_model_save(const relud_model *model, const char *dir, const char *name,
                      struct relud_error *error)
{
    char path[2][PATH_BYTES];
    struct chain chain;
    struct writer writer;
    struct stat about;
    for (size_t i = 0; i < 2; i++) {
        int len = snprintf(path[i], PATH_BYTES, "%s/model.%s", dir, i ? "json" : "safetensors");
        if (len < 0 || len >= PATH_BYTES)
            return relud_fail(error, RELUD_IO, "%.100s…: the path is too long", dir);
        if (stat(path[i], &about) == 0)
            return relud_fail(error, RELUD_IO, "%s: is there already", path[i]);
    }
    if (!read_chain(&chain, model, error))
        return false;
    size_t most = 3 * chain.network->layers + 2;
    struct tensors tensors = {0, calloc(most, sizeof(struct tensor_entry)),
                              calloc(most, sizeof(struct tensor))};
    bool is_saved = tensors.entry && tensors.tensor;
    if (!is_saved)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    else
        list_tensors(&chain, &tensors);
    is_saved = is_saved && make_dir(dir, error) && writer_open(&writer, path[0], error);
    if (is_saved) {
        bool is_put = put_safetensors(writer.file, "\"format\":\"pt\"", tensors.entry,
                                      tensors.count, put_tensor, &tensors);
        if (!is_put)
            relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        is_saved = writer_close(&writer, is_put);
    }
    free(tensors.entry);
    free(tensors.tensor);
    if (!is_saved || !writer_open(&writer, path[1], error))
        return false;
    put_json(writer.file, &chain, relud_model_info(model), name);
    return writer_close(&writer, true);
}
