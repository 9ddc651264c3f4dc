/* Models into files: model.json and model.safetensors, for nets that are a chain of layers. */
#include "core/model.h"

#include "core/file.h"
#include <errno.h>
#include <fcntl.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATH_BYTES = 4096, NAME_BYTES = 64 };

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

/* ---- writing ---- */

struct writer {
    FILE *file;
    const char *path; /* what it is to be called */
    char part[PATH_BYTES];
    struct relud_error *error;
};

static bool writer_open(struct writer *writer, const char *path, struct relud_error *error)
{
    *writer = (struct writer){.path = path, .error = error};
    int len = snprintf(writer->part, sizeof writer->part, "%s.part", path);
    if (len < 0 || (size_t)len >= sizeof writer->part)
        return relud_fail(error, RELUD_IO, "%.100s…: the path is too long", path);
    writer->file = fopen(writer->part, "wb");
    return writer->file || relud_fail(error, RELUD_IO, "%s: %s", writer->part, strerror(errno));
}

/* On the disk before it has its name: a reader sees all of it or nothing. */
static bool writer_close(struct writer *writer, bool is_right)
{
    bool is_written =
        !ferror(writer->file) && fflush(writer->file) == 0 && fsync(fileno(writer->file)) == 0;
    int why = errno;
    is_written = fclose(writer->file) == 0 && is_written;
    if (is_right && is_written && rename(writer->part, writer->path) == 0)
        return true;
    if (is_right)
        relud_fail(writer->error, RELUD_IO, "%s: %s", writer->path,
                   strerror(is_written ? errno : why));
    unlink(writer->part);
    return false;
}

static void put_string(FILE *file, const char *text)
{
    char *json = malloc(6 * strlen(text) + 3);
    if (json) {
        fwrite(json, 1, relud_json_string(text, strlen(text), json), file);
        free(json);
    } else {
        fputs("\"\"", file);
    }
}

static void put_number(FILE *file, float value)
{
    char text[32] = "";
    fwrite(text, 1, relud_float_to_text(value, text), file);
}

/* ---- tensors ---- */

/* What goes into model.safetensors, in order. */
struct tensor {
    char name[NAME_BYTES];
    size_t rank, shape[2];
    const struct linear *linear; /* the weight, or the bias where is_bias; or */
    bool is_bias;
    const float *values; /* [shape[0]], of which is_one says that the first stands for all */
    bool is_one;
};

struct tensors {
    size_t count;
    struct tensor *tensor;
};

static struct tensor *add(struct tensors *tensors, size_t rank, size_t rows, size_t columns)
{
    struct tensor *tensor = &tensors->tensor[tensors->count++];
    *tensor = (struct tensor){.rank = rank, .shape = {rows, columns}};
    return tensor;
}

static void list_tensors(const struct chain *chain, struct tensors *tensors)
{
    static const float zero = 0, one = 1;
    const struct network *network = chain->network;
    for (size_t i = 0; (chain->mean || chain->std) && i < 2; i++) {
        const struct operand *by = i ? chain->std : chain->mean;
        struct tensor *tensor = add(tensors, 1, network->features, 1);
        snprintf(tensor->name, NAME_BYTES, "input.%s", i ? "std" : "mean");
        tensor->values = by ? by->constant : i ? &one : &zero;
        tensor->is_one = !by || by->len == 1;
    }
    for (size_t i = 0; i < network->layers; i++) {
        const struct linear *linear = &network->layer[i].linear->linear;
        const struct step *activate = network->layer[i].activate;
        struct tensor *tensor = add(tensors, 2, linear->outputs, linear->inputs);
        snprintf(tensor->name, NAME_BYTES, "layers.%zu.weight", i);
        tensor->linear = linear;
        if (linear->has_bias) {
            tensor = add(tensors, 1, linear->outputs, 1);
            snprintf(tensor->name, NAME_BYTES, "layers.%zu.bias", i);
            tensor->linear = linear;
            tensor->is_bias = true;
        }
        if (activate && activate->params.weight) {
            tensor = add(tensors, 1, activate->params.weight_len, 1);
            snprintf(tensor->name, NAME_BYTES, "layers.%zu.slopes", i);
            tensor->values = activate->params.weight;
        }
    }
}

static bool put_values(FILE *file, const struct tensor *tensor)
{
    size_t count = tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1);
    const struct linear *linear = tensor->linear;
    float *weight = linear ? malloc(linear->inputs * linear->outputs * sizeof *weight) : NULL;
    float *bias = linear ? malloc(linear->outputs * sizeof *bias) : NULL;
    bool is_there = !linear || (weight && bias);
    if (is_there && linear) {
        linear_unpack(linear, weight, bias);
        fwrite(tensor->is_bias ? bias : weight, sizeof(float), count, file);
    }
    for (size_t i = 0; !linear && i < count; i++)
        fwrite(&tensor->values[tensor->is_one ? 0 : i], sizeof(float), 1, file);
    free(weight);
    free(bias);
    return is_there;
}

/* 8 bytes of header length, the header, padded to a multiple of 8, the numbers. */
static bool put_tensors(FILE *file, const struct tensors *tensors)
{
    char *header = NULL;
    size_t len = 0, at = 0;
    FILE *text = open_memstream(&header, &len);
    if (!text)
        return false;
    fputs("{\"__metadata__\":{\"format\":\"pt\"}", text);
    for (size_t i = 0; i < tensors->count; i++) {
        const struct tensor *tensor = &tensors->tensor[i];
        size_t count = tensor->shape[0] * (tensor->rank == 2 ? tensor->shape[1] : 1);
        fprintf(text, ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%zu", tensor->name, tensor->shape[0]);
        if (tensor->rank == 2)
            fprintf(text, ",%zu", tensor->shape[1]);
        fprintf(text, "],\"data_offsets\":[%zu,%zu]}", at, at + count * sizeof(float));
        at += count * sizeof(float);
    }
    fputs("}", text);
    fflush(text);
    for (; len % 8; fflush(text))
        fputc(' ', text);
    bool is_right = fclose(text) == 0 && header;
    for (size_t i = 0; is_right && i < 8; i++)
        fputc((int)(len >> (8 * i) & 255), file);
    if (is_right)
        fwrite(header, 1, len, file);
    for (size_t i = 0; is_right && i < tensors->count; i++)
        is_right = put_values(file, &tensors->tensor[i]);
    free(header);
    return is_right;
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
    fputs(info->labels ? "]}}\n" : "}}\n", file);
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
    struct tensors tensors = {0, calloc(3 * chain.network->layers + 2, sizeof(struct tensor))};
    if (!tensors.tensor)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    list_tensors(&chain, &tensors);
    bool is_saved = make_dir(dir, error) && writer_open(&writer, path[0], error);
    if (is_saved) {
        bool is_put = put_tensors(writer.file, &tensors);
        if (!is_put)
            relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        is_saved = writer_close(&writer, is_put);
    }
    free(tensors.tensor);
    if (!is_saved || !writer_open(&writer, path[1], error))
        return false;
    put_json(writer.file, &chain, relud_model_info(model), name);
    return writer_close(&writer, true);
}
