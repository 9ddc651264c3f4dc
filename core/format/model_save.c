/* Writes a model as model.json and model.safetensors. This works for nets that are a chain of
 * layers. */
#include "core/net/model.h"

#include "core/base/atomic_file.h"
#include "core/format/safetensors_write.h"
#include "core/format/training_json.h"
#include "core/json/write.h"
#include <errno.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_BYTES = WRITER_PATH_BYTES };

/* ---- the net as a chain of layers ---- */

/* One of model.json's layers. */
struct item {
    enum { ITEM_LINEAR, ITEM_BATCH_NORM, ITEM_LAYER_NORM } type;
    const struct step *step;             /* the linear or normalizing step, or NULL */
    const struct operand *scale, *shift; /* of the norms, or NULL */
    const struct step *activate;         /* the activation's step, or NULL */
};

/* The net's steps in order: up to four that prepare the input, then the layers. */
struct chain {
    const struct network *network;
    double scale, shift;
    const struct operand *mean, *std, *missing; /* or NULL */
    size_t first;                               /* the first step of the layers */
    size_t items;
    struct item *item; /* [items] */
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

/* Takes "x, or a constant where x is NaN". Returns how many steps it took. */
static size_t take_imputation(struct chain *chain)
{
    const struct network *network = chain->network;
    const struct step *test = network->step, *choice = test + 1;
    if (network->steps < 3 || test->kind != STEP_ELEMENT || test->element != ELEMENT_EQUAL ||
        choice->kind != STEP_ELEMENT || choice->element != ELEMENT_WHERE)
        return 0;
    const struct operand *a = test->operand, *b = choice->operand;
    bool is_imputation = !a[0].constant && a[0].value == STEP_INPUT && !a[1].constant &&
                         a[1].value == STEP_INPUT && !b[0].constant && b[0].value == 1 &&
                         !b[1].constant && b[1].value == STEP_INPUT && b[2].constant;
    chain->missing = is_imputation ? &b[2] : NULL;
    return is_imputation ? 2 : 0;
}

/* Reads the input's steps if they have a form that model.json can express: missing values imputed,
 * then x scaled and shifted, or (x - mean) / std. */
static void read_input(struct chain *chain)
{
    const struct network *network = chain->network;
    const struct step *step = network->step;
    size_t steps = network->steps;
    chain->scale = 1;
    chain->first = take_imputation(chain);
    step += chain->first;
    steps -= chain->first;
    if (steps > 1 && is_by_constant(step, ELEMENT_MUL) && step->operand[1].len == 1) {
        chain->scale = (double)*step->operand[1].constant;
        chain->first++;
        if (steps > 2 && is_by_constant(step + 1, ELEMENT_ADD) && step[1].operand[1].len == 1) {
            chain->shift = (double)*step[1].operand[1].constant;
            chain->first++;
        }
        return;
    }
    if (steps > 1 && is_by_constant(step, ELEMENT_SUB)) {
        chain->mean = &step->operand[1];
        chain->first++;
        step++;
        steps--;
    }
    if (steps > 1 && is_by_constant(step, ELEMENT_DIV)) {
        chain->std = &step->operand[1];
        chain->first++;
    }
}

/* Takes a product and a sum by constants from step i on, either of which may be missing. Returns
 * how many steps it took. */
static size_t take_affine(const struct network *network, size_t i, struct item *item)
{
    size_t taken = 0;
    if (i < network->steps && is_by_constant(&network->step[i], ELEMENT_MUL)) {
        item->scale = &network->step[i].operand[1];
        taken++;
    }
    if (i + taken < network->steps && is_by_constant(&network->step[i + taken], ELEMENT_ADD)) {
        item->shift = &network->step[i + taken].operand[1];
        taken++;
    }
    return taken;
}

/* Takes the next item from step i on. Returns how many steps it took; 0 if they are no layer. A
 * product right after a linear layer is refused: when the file is read again, it would be folded
 * into that layer and give different bits. */
static size_t take_item(const struct chain *chain, size_t i, struct item *item)
{
    const struct network *network = chain->network;
    const struct step *step = &network->step[i];
    const struct item *before = chain->items ? &chain->item[chain->items - 1] : NULL;
    size_t taken = 0;
    *item = (struct item){0};
    if (step->parts != 1)
        return 0;
    if (step->kind == STEP_LINEAR) {
        item->step = step;
        taken = 1;
    } else if (step->kind == STEP_NORMALIZE && !step->is_root_mean_square) {
        item->type = ITEM_LAYER_NORM;
        item->step = step;
        taken = 1 + take_affine(network, i + 1, item);
    } else if (!before || before->type != ITEM_LINEAR || before->activate) {
        item->type = ITEM_BATCH_NORM;
        taken = take_affine(network, i, item);
    }
    const struct step *next = taken && i + taken < network->steps ? step + taken : NULL;
    if (!next || next->kind != STEP_ACTIVATE || next->parts != 1)
        return taken;
    item->activate = next;
    return taken + 1;
}

static bool read_chain(struct chain *chain, const relud_model *model, struct relud_error *error)
{
    const struct network *network = model_network(model);
    *chain = (struct chain){.network = network};
    read_input(chain);
    for (size_t i = 0; i < network->steps; i++)
        if (network->step[i].operand[0].value != i)
            return fail_shape(error, i, "reads what an earlier one made");
    if (network->results != 1 || network->result[0].value != network->steps ||
        chain->first == network->steps)
        return fail_shape(error, network->steps, "is not the one answer");
    chain->item = calloc(network->steps, sizeof *chain->item);
    if (!chain->item)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = chain->first, taken; i < network->steps; i += taken, chain->items++) {
        taken = take_item(chain, i, &chain->item[chain->items]);
        if (taken == 0)
            return fail_shape(error, i, "is neither a layer nor its activation");
    }
    return true;
}

/* ---- tensors ---- */

/* The source of a tensor's numbers; either `linear` or `values` is set. */
struct tensor {
    const struct linear *linear; /* the layer whose weight, or bias if is_bias, this is */
    bool is_bias;
    const float *values; /* [shape[0]], or with is_one a single value for all elements */
    bool is_one;
};

struct tensors {
    size_t count;
    struct tensor_entry *entry;
    struct tensor *tensor;
};

/* Appends a tensor of float32; its name is formatted as by printf. */
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

/* Appends a vector of the operand's numbers; without an operand, all its elements are *none. */
static void add_vector(struct tensors *tensors, const size_t *width, const struct operand *by,
                       const float *none, size_t layer, const char *name)
{
    struct tensor *tensor = add(tensors, 1, width, "layers.%zu.%s", layer, name);
    tensor->values = by ? by->constant : none;
    tensor->is_one = !by || by->len == 1;
}

static void list_linear(struct tensors *tensors, const struct linear *linear, size_t layer)
{
    const size_t shape[] = {linear->outputs, linear->inputs};
    add(tensors, 2, shape, "layers.%zu.weight", layer)->linear = linear;
    if (linear->has_bias)
        *add(tensors, 1, shape, "layers.%zu.bias", layer) =
            (struct tensor){.linear = linear, .is_bias = true};
}

static void list_tensors(const struct chain *chain, struct tensors *tensors)
{
    static const float zero = 0, one = 1, none = -0.0f; /* x + -0 is x for every x, even -0 */
    const struct network *network = chain->network;
    for (size_t i = 0; (chain->mean || chain->std) && i < 2; i++) {
        const struct operand *by = i ? chain->std : chain->mean;
        struct tensor *tensor = add(tensors, 1, &network->features, "input.%s", i ? "std" : "mean");
        tensor->values = by ? by->constant : i ? &one : &zero;
        tensor->is_one = !by || by->len == 1;
    }
    if (chain->missing) {
        struct tensor *tensor = add(tensors, 1, &network->features, "input.missing");
        tensor->values = chain->missing->constant;
        tensor->is_one = chain->missing->len == 1;
    }
    size_t width = network->features;
    for (size_t i = 0; i < chain->items; i++) {
        const struct item *item = &chain->item[i];
        if (item->type == ITEM_LINEAR) {
            list_linear(tensors, &item->step->linear, i);
            width = item->step->linear.outputs;
        }
        if (item->scale)
            add_vector(tensors, &width, item->scale, NULL, i, "weight");
        if (item->shift || item->type == ITEM_BATCH_NORM)
            add_vector(tensors, &width, item->shift, &none, i, "bias");
        if (item->type == ITEM_BATCH_NORM) {
            add_vector(tensors, &width, NULL, &zero, i, "running_mean");
            add_vector(tensors, &width, NULL, &one, i, "running_var");
        }
        if (item->activate && item->activate->params.weight)
            add(tensors, 1, &item->activate->params.weight_len, "layers.%zu.slopes", i)->values =
                item->activate->params.weight;
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

/* A norm's product and sum are written as its weight and bias. For a batch norm, a mean of 0, a
 * variance of 1 and an eps of 0 leave these unchanged. */
static void put_item(FILE *file, const struct item *item, size_t layer)
{
    static const char *const types[] = {"linear", "batch_norm", "layer_norm"};
    bool is_linear = item->type == ITEM_LINEAR;
    fputs("{", file);
    if (!is_linear)
        fprintf(file, "\"type\": \"%s\", \"eps\": ", types[item->type]);
    if (!is_linear)
        put_number(file, item->type == ITEM_LAYER_NORM ? item->step->epsilon : 0);
    if (is_linear || item->scale)
        fprintf(file, "%s\"weight\": \"layers.%zu.weight\"", is_linear ? "" : ", ", layer);
    if (is_linear ? item->step->linear.has_bias : item->shift || item->type == ITEM_BATCH_NORM)
        fprintf(file, ", \"bias\": \"layers.%zu.bias\"", layer);
    if (item->type == ITEM_BATCH_NORM)
        fprintf(file,
                ", \"running_mean\": \"layers.%zu.running_mean\", "
                "\"running_var\": \"layers.%zu.running_var\"",
                layer, layer);
    if (item->activate)
        put_activation(file, item->activate, layer);
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
    fputs("{\"format\": \"relud-model/1\",\n", file);
    put_text_member(file, "name", name);
    put_text_member(file, "description", info->description);
    fputs(" \"input\": {\"name\": ", file);
    put_string(file, info->input->name);
    fprintf(file, ", \"features\": %zu", info->features);
    if (chain->missing)
        fputs(", \"missing\": \"input.missing\"", file);
    if (chain->mean || chain->std) {
        fputs(", \"mean\": \"input.mean\", \"std\": \"input.std\"", file);
    } else if (chain->scale != 1 || chain->shift != 0) {
        fputs(", \"scale\": ", file);
        put_number(file, (float)chain->scale);
        fputs(", \"shift\": ", file);
        put_number(file, (float)chain->shift);
    }
    fputs("},\n \"layers\": [", file);
    for (size_t i = 0; i < chain->items; i++) {
        fputs(i ? ",\n  " : "\n  ", file);
        put_item(file, &chain->item[i], i);
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

/* ---- saving ---- */

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
    struct atomic_file writer;
    struct stat about;
    for (size_t i = 0; i < 2; i++) {
        int len = snprintf(path[i], PATH_BYTES, "%s/model.%s", dir, i ? "json" : "safetensors");
        if (len >= PATH_BYTES)
            return relud_fail(error, RELUD_IO, "%s: the path is too long", dir);
        if (stat(path[i], &about) == 0)
            return relud_fail(error, RELUD_IO, "%s: already exists", path[i]);
    }
    if (!read_chain(&chain, model, error)) {
        free(chain.item);
        return false;
    }
    size_t most = 5 * chain.items + 3;
    struct tensors tensors = {0, calloc(most, sizeof(struct tensor_entry)),
                              calloc(most, sizeof(struct tensor))};
    bool is_saved = tensors.entry && tensors.tensor;
    if (!is_saved)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    else
        list_tensors(&chain, &tensors);
    is_saved = is_saved && make_dir(dir, error) && atomic_file_open(&writer, path[0], error);
    if (is_saved) {
        bool is_put = put_safetensors(writer.file, "\"format\":\"pt\"", tensors.entry,
                                      tensors.count, put_tensor, &tensors);
        if (!is_put)
            relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        is_saved = atomic_file_close(&writer, is_put);
    }
    free(tensors.entry);
    free(tensors.tensor);
    is_saved = is_saved && atomic_file_open(&writer, path[1], error);
    if (is_saved)
        put_json(writer.file, &chain, relud_model_info(model), name);
    free(chain.item);
    return is_saved && atomic_file_close(&writer, true);
}
