/* Writes a model as model.json and model.safetensors. This works for nets that are a chain of
 * layers. */
#include "core/format/model_chain.h"

#include "core/base/atomic_file.h"
#include "core/format/layer_put.h"
#include "core/format/safetensors_write.h"
#include "core/format/training_json.h"
#include "core/json/write.h"
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

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

static void list_vector(struct tensors *tensors, const struct model_input *input, size_t index,
                        const char *name, const float *values)
{
    if (values && input->about.width > 1)
        add(tensors, 1, &input->about.width, "inputs.%zu.%s", index, name)->values = values;
}

/* What a number in model.json cannot say of the inputs. */
static void list_inputs(const struct model_inputs *inputs, struct tensors *tensors)
{
    for (size_t i = 0; i < inputs->count; i++) {
        const struct model_input *input = &inputs->input[i];
        const size_t shape[] = {input->table_rows, input->table_width};
        if (input->encoding == INPUT_EMBEDDING)
            add(tensors, 2, shape, "inputs.%zu.weight", i)->values = input->table;
        if (input->encoding != INPUT_NUMBERS)
            continue;
        list_vector(tensors, input, i, "missing", input->missing);
        list_vector(tensors, input, i, "mean", input->mean);
        list_vector(tensors, input, i, "std", input->std);
    }
}

static size_t width_of_inputs(const struct model_inputs *inputs)
{
    size_t width = 0;
    for (size_t i = 0; i < inputs->count; i++)
        width += input_encoded_width(&inputs->input[i]);
    return width;
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
    size_t width = chain->inputs ? width_of_inputs(chain->inputs) : network->features;
    if (chain->inputs)
        list_inputs(chain->inputs, tensors);
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
    size_t count = tensors->entry[index].shape[0];
    if (tensors->entry[index].rank == 2)
        count *= tensors->entry[index].shape[1];
    for (size_t i = 0; i < count; i++)
        fwrite(&tensor->values[tensor->is_one ? 0 : i], sizeof(float), 1, file);
    return true;
}

/* ---- model.json ---- */

/* A norm's product and sum are written as its weight and bias. For a batch norm, a mean of 0, a
 * variance of 1 and an eps of 0 leave these unchanged. */
static void put_item(FILE *file, const struct item *item, size_t index)
{
    static const enum model_layer_type types[] = {LAYER_LINEAR, LAYER_BATCH_NORM, LAYER_LAYER_NORM};
    static const char *const members[] = {"weight", "bias", "running_mean", "running_var",
                                          "slopes"};
    bool is_linear = item->type == ITEM_LINEAR, is_batch_norm = item->type == ITEM_BATCH_NORM;
    char name[5][48];
    for (size_t i = 0; i < 5; i++)
        snprintf(name[i], sizeof name[i], "layers.%zu.%s", index, members[i]);
    struct model_layer layer = {.type = types[item->type]};
    if (item->type == ITEM_LAYER_NORM)
        layer.eps = (double)item->step->epsilon;
    if (is_linear || item->scale)
        layer.weight = name[0];
    if (is_linear ? item->step->linear.has_bias : item->shift || is_batch_norm)
        layer.bias = name[1];
    if (is_batch_norm) {
        layer.mean = name[2];
        layer.variance = name[3];
    }
    if (item->activate) {
        layer.activation = item->activate->activation;
        layer.params = item->activate->params;
        layer.slopes = name[4];
    }
    layer_put(file, &layer);
}

static void put_vector(FILE *file, const struct model_input *input, size_t index, const char *name,
                       const float *values)
{
    if (!values)
        return;
    fprintf(file, ", \"%s\": ", name);
    if (input->about.width > 1)
        fprintf(file, "\"inputs.%zu.%s\"", index, name);
    else
        put_number(file, *values);
}

static void put_words(FILE *file, const struct model_input *input)
{
    const struct relud_words *words = input->words;
    for (size_t i = 0; i < words->count; i++) {
        fputs(i ? ", " : ", \"categories\": [", file);
        put_string(file, words->word[i]);
    }
    fputs("]", file);
    if (input->unknown == INPUT_UNKNOWN_ZERO)
        fputs(", \"unknown\": \"zero\"", file);
    else if (input->unknown != INPUT_UNKNOWN_ERROR)
        fprintf(file, ", \"unknown\": %ld", input->unknown);
    if (words->missing < words->count) {
        fputs(", \"missing\": ", file);
        put_string(file, words->word[words->missing]);
    }
}

static void put_input(FILE *file, const struct model_input *input, size_t index)
{
    const struct relud_tensor_info *about = &input->about;
    fputs("{\"name\": ", file);
    put_string(file, about->name);
    fprintf(file, ", \"type\": \"%s\"", about->datatype);
    for (size_t i = 0; input->encoding == INPUT_NUMBERS && i < about->rank; i++)
        fprintf(file, "%s%zu", i ? ", " : ", \"shape\": [", about->shape[i]);
    if (input->encoding == INPUT_NUMBERS && about->rank)
        fputs("]", file);
    if (input->words)
        put_words(file, input);
    if (input->encoding == INPUT_EMBEDDING)
        fprintf(file, ", \"embedding\": \"inputs.%zu.weight\"", index);
    if (input->encoding == INPUT_NUMBERS) {
        put_vector(file, input, index, "missing", input->missing);
        put_vector(file, input, index, "mean", input->mean);
        put_vector(file, input, index, "std", input->std);
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

/* The one input of a net without others. */
static void put_one_input(FILE *file, const struct chain *chain,
                          const struct relud_model_info *info)
{
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
    fputs("},\n", file);
}

static void put_json(FILE *file, const struct chain *chain, const struct relud_model_info *info,
                     const char *name)
{
    static const char *const tasks[] = {NULL, "classification", "regression"};
    fputs("{\"format\": \"relud-model/1\",\n", file);
    put_text_member(file, "name", name);
    put_text_member(file, "description", info->description);
    if (!chain->inputs)
        put_one_input(file, chain, info);
    for (size_t i = 0; chain->inputs && i < chain->inputs->count; i++) {
        fputs(i ? ",\n  " : " \"inputs\": [\n  ", file);
        put_input(file, &chain->inputs->input[i], i);
    }
    fputs(chain->inputs ? "],\n \"layers\": [" : " \"layers\": [", file);
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

bool relud_model_save(const relud_model *model, const char *dir, const char *name,
                      struct relud_error *error)
{
    char path[2][MODEL_PATH_BYTES];
    struct chain chain;
    struct atomic_file writer;
    if (!model_files_name(path, dir, error))
        return false;
    if (!model_chain_read(&chain, model, error)) {
        free(chain.item);
        return false;
    }
    size_t most = 5 * chain.items + 3 + 3 * (chain.inputs ? chain.inputs->count : 0);
    struct tensors tensors = {0, calloc(most, sizeof(struct tensor_entry)),
                              calloc(most, sizeof(struct tensor))};
    bool is_saved = tensors.entry && tensors.tensor;
    if (!is_saved)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    else
        list_tensors(&chain, &tensors);
    is_saved =
        is_saved && model_files_make_dir(dir, error) && atomic_file_open(&writer, path[0], error);
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
