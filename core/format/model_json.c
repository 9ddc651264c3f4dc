#include "core/format/model_json.h"

#include "core/format/json_reader.h"
#include "core/format/training_json.h"
#include <relud/text.h>
#include <stdio.h>
#include <string.h>

/* Copies the description. A character that is not valid becomes U+FFFD instead of an error, because
 * nothing depends on this text. */
static bool get_description(const struct json_reader *reader, const json_node *root,
                            const char **value)
{
    const json_node *node = json_member(root, "description");
    if (!node || json_kind_of(node) != JSON_TEXT)
        return !node || json_reader_fail(reader, "description must be a string");
    char *copy = arena_copy_text(reader->arena, json_text_of(node), strlen(json_text_of(node)));
    for (char *at = copy ? strstr(copy, "\xef\xbf\xbf") : NULL; at; at = strstr(at, "\xef\xbf\xbf"))
        at[2] = (char)0xbd;
    *value = copy;
    return copy || relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
}

/* Returns an absent member as NULL with *is_right true. */
static const json_node *get_object(const struct json_reader *reader, const json_node *root,
                                   const char *key, bool *is_right)
{
    const json_node *node = json_member(root, key);
    *is_right = !node || json_kind_of(node) == JSON_OBJECT ||
                json_reader_fail(reader, "%s must be an object", key);
    return node;
}

/* Allows only names that are safe in a path: [A-Za-z0-9._ -]{1,64}, without a leading dot. */
static bool check_name(const struct json_reader *reader, const char *name)
{
    size_t len = strlen(name);
    size_t right =
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._ -");
    if (len == 0 || len > 64 || right != len || name[0] == '.')
        return json_reader_fail(
            reader, "name must be 1 to 64 of A-Z a-z 0-9 . _ - and space, without a leading dot");
    return true;
}

static bool read_input(const struct json_reader *reader, const json_node *root,
                       struct model_json *model)
{
    static const char *const known[] = {"name", "features", "scale",   "shift",
                                        "mean", "std",      "missing", NULL};
    bool is_right;
    const json_node *input = get_object(reader, root, "input", &is_right);
    model->scale = 1;
    if (!is_right || !input)
        return is_right;
    const json_node *features = json_member(input, "features");
    if (features && (!json_whole(features, &model->features) || model->features == 0 ||
                     model->features > MODEL_WIDTH_MAX))
        return json_reader_fail(reader, "input.features must be a whole number from 1 to %d",
                                MODEL_WIDTH_MAX);
    if (!json_check_keys(reader, input, "input.", known) ||
        !json_get_text(reader, input, "input.", "name", &model->input_name) ||
        !json_get_number(reader, input, "input.", "scale", &model->scale) ||
        !json_get_number(reader, input, "input.", "shift", &model->shift) ||
        !json_get_text(reader, input, "input.", "mean", &model->mean) ||
        !json_get_text(reader, input, "input.", "std", &model->std) ||
        !json_get_text(reader, input, "input.", "missing", &model->missing))
        return false;
    if (!model->mean != !model->std)
        return json_reader_fail(reader, "input.mean and input.std must be given together");
    if (model->mean && (json_member(input, "scale") || json_member(input, "shift")))
        return json_reader_fail(reader, "input has mean and std as well as scale or shift");
    return true;
}

static bool read_inputs(const struct json_reader *reader, const json_node *root,
                        struct model_json *model)
{
    const json_node *inputs = json_member(root, "inputs");
    if (inputs && json_member(root, "input"))
        return json_reader_fail(reader, "input and inputs together: one of them is enough");
    return inputs_json_read(reader, inputs, &model->input, &model->inputs);
}

static bool read_labels(const struct json_reader *reader, const json_node *labels,
                        struct model_json *model)
{
    if (json_kind_of(labels) != JSON_ARRAY)
        return json_reader_fail(reader, "output.labels must be an array of strings");
    model->label = arena_take_array(reader->arena, json_count(labels) + 1, sizeof *model->label);
    if (!model->label)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    for (const json_node *at = json_first(labels); at; at = json_next(at)) {
        if (json_kind_of(at) != JSON_TEXT)
            return json_reader_fail(reader, "output.labels[%zu] must be a string", model->labels);
        const char *text = json_text_of(at);
        if (!json_text_is_whole(text))
            return json_reader_fail(
                reader, "output.labels[%zu] must not hold \\u0000 or half of a surrogate pair",
                model->labels);
        model->label[model->labels] = arena_copy_text(reader->arena, text, strlen(text));
        if (!model->label[model->labels++])
            return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    }
    return true;
}

static bool read_output(const struct json_reader *reader, const json_node *root,
                        struct model_json *model)
{
    static const char *const known[] = {"name", "task", "labels", NULL};
    bool is_right;
    const json_node *output = get_object(reader, root, "output", &is_right);
    if (!is_right || !output)
        return is_right;
    const char *task = NULL;
    if (!json_check_keys(reader, output, "output.", known) ||
        !json_get_text(reader, output, "output.", "name", &model->output_name) ||
        !json_get_text(reader, output, "output.", "task", &task))
        return false;
    if (task && strcmp(task, "classification") == 0)
        model->task = RELUD_TASK_CLASSIFICATION;
    else if (task && strcmp(task, "regression") == 0)
        model->task = RELUD_TASK_REGRESSION;
    else if (task)
        return json_reader_fail(reader, "output.task '%s' is neither classification nor regression",
                                task);
    const json_node *labels = json_member(output, "labels");
    return !labels || read_labels(reader, labels, model);
}

static bool read_parameter(const struct json_reader *reader, const json_node *object,
                           const char *place, const struct relud_parameter_info *info,
                           struct model_layer *layer, size_t index)
{
    if (info->kind == RELUD_PARAMETER_NUMBER) {
        double value = (double)info->value;
        if (!json_get_number(reader, object, place, info->name, &value))
            return false;
        layer->params.values[index] = (float)value;
        return true;
    }
    const char *word = NULL;
    if (!json_get_text(reader, object, place, info->name, &word))
        return false;
    if (info->kind == RELUD_PARAMETER_WEIGHT) {
        layer->slopes = word;
        return word || json_reader_fail(reader, "%s%s must name a tensor", place, info->name);
    }
    for (size_t i = 0; word && info->choices[i]; i++)
        if (strcmp(info->choices[i], word) == 0) {
            layer->params.values[index] = (float)i;
            return true;
        }
    return !word ||
           json_reader_fail(reader, "%s%s: '%s' is not one of its values", place, info->name, word);
}

/* Reads "relu", or {"type": "leaky_relu", "negative_slope": 0.01}. */
static bool read_activation(const struct json_reader *reader, const json_node *node, size_t index,
                            struct model_layer *layer)
{
    char place[48];
    snprintf(place, sizeof place, "layers[%zu].activation", index);
    bool is_object = json_kind_of(node) == JSON_OBJECT;
    const json_node *type = is_object ? json_member(node, "type") : node;
    if (!type || json_kind_of(type) != JSON_TEXT)
        return json_reader_fail(reader, "%s must be a name, or an object with a type", place);
    layer->activation = relud_activation_find(json_text_of(type));
    if (!layer->activation) {
        struct relud_guess guess = {.word = json_text_of(type)};
        char guessed[RELUD_GUESS_TEXT_MAX];
        relud_activation_guess(&guess);
        return json_reader_fail(reader, "%s: there is no activation '%s'%s", place, guess.word,
                                relud_guess_text(&guess, "", guessed));
    }
    layer->params = relud_activation_defaults(layer->activation);
    if (!is_object)
        return true;
    const struct relud_activation_info *info = relud_activation_info(layer->activation);
    const char *known[RELUD_PARAMETERS_MAX + 2] = {"type"};
    strcat(place, ".");
    for (size_t i = 0; i < info->parameters; i++) {
        known[i + 1] = info->parameter[i].name;
        if (!read_parameter(reader, node, place, &info->parameter[i], layer, i))
            return false;
    }
    return json_check_keys(reader, node, place, known);
}

/* The keys that each type of layer may have. */
static const struct layer_form {
    const char *type;
    const char *known[8];
    const char *wanted[3]; /* keys that must be there */
} forms[] = {
    [LAYER_LINEAR] = {"linear",
                      {"type", "weight", "bias", "activation", "weight_layout"},
                      {"weight"}},
    [LAYER_BATCH_NORM] = {"batch_norm",
                          {"type", "weight", "bias", "running_mean", "running_var", "eps",
                           "activation"},
                          {"running_mean", "running_var"}},
    [LAYER_LAYER_NORM] = {"layer_norm", {"type", "weight", "bias", "eps", "activation"}, {NULL}},
    [LAYER_DROPOUT] = {"dropout", {"type", "p", "activation"}, {NULL}},
};
enum { FORMS = sizeof forms / sizeof *forms };

static bool read_type(const struct json_reader *reader, const json_node *node, const char *place,
                      struct model_layer *layer)
{
    const char *type = forms[LAYER_LINEAR].type;
    if (!json_get_text(reader, node, place, "type", &type))
        return false;
    struct relud_guess guess = {.word = type};
    char guessed[RELUD_GUESS_TEXT_MAX];
    for (size_t i = 0; i < FORMS; i++) {
        layer->type = (enum model_layer_type)i;
        if (strcmp(forms[i].type, type) == 0)
            return true;
        relud_guess_offer(&guess, forms[i].type);
    }
    return json_reader_fail(reader,
                            "%stype '%s' is none of linear, batch_norm, layer_norm, dropout%s",
                            place, type, relud_guess_text(&guess, "", guessed));
}

static bool read_layer(const struct json_reader *reader, const json_node *node, size_t index,
                       struct model_layer *layer)
{
    char place[32];
    snprintf(place, sizeof place, "layers[%zu].", index);
    const char *layout = "out_in";
    double share = 0;
    if (json_kind_of(node) != JSON_OBJECT)
        return json_reader_fail(reader, "layers[%zu] must be an object", index);
    *layer = (struct model_layer){.eps = 1e-5};
    if (!read_type(reader, node, place, layer))
        return false;
    const struct layer_form *form = &forms[layer->type];
    if (!json_check_keys(reader, node, place, form->known) ||
        !json_get_text(reader, node, place, "weight", &layer->weight) ||
        !json_get_text(reader, node, place, "bias", &layer->bias) ||
        !json_get_text(reader, node, place, "running_mean", &layer->mean) ||
        !json_get_text(reader, node, place, "running_var", &layer->variance) ||
        !json_get_number(reader, node, place, "eps", &layer->eps) ||
        !json_get_number(reader, node, place, "p", &share) ||
        !json_get_text(reader, node, place, "weight_layout", &layout))
        return false;
    for (size_t i = 0; form->wanted[i]; i++)
        if (!json_member(node, form->wanted[i]))
            return json_reader_fail(reader, "%s%s is missing: the name of a tensor is wanted",
                                    place, form->wanted[i]);
    if (layer->eps < 0)
        return json_reader_fail(reader, "%seps must not be negative", place);
    layer->is_in_out = strcmp(layout, "in_out") == 0;
    if (!layer->is_in_out && strcmp(layout, "out_in") != 0)
        return json_reader_fail(reader, "%sweight_layout '%s' is neither out_in nor in_out", place,
                                layout);
    const json_node *activation = json_member(node, "activation");
    return !activation || read_activation(reader, activation, index, layer);
}

static bool read_layers(const struct json_reader *reader, const json_node *root,
                        struct model_json *model)
{
    const json_node *layers = json_member(root, "layers");
    if (!layers) /* then model.onnx has the layers */
        return true;
    if (json_kind_of(layers) != JSON_ARRAY || !json_first(layers))
        return json_reader_fail(reader, "layers must be an array of at least one layer");
    if (json_count(layers) > MODEL_LAYERS_MAX)
        return json_reader_fail(reader, "%zu layers; at most %d are taken", json_count(layers),
                                MODEL_LAYERS_MAX);
    model->layer = arena_take_array(reader->arena, json_count(layers), sizeof *model->layer);
    if (!model->layer)
        return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
    for (const json_node *at = json_first(layers); at; at = json_next(at), model->layers++)
        if (!read_layer(reader, at, model->layers, &model->layer[model->layers]))
            return false;
    return true;
}

/* Reads "unused": ["bn1.num_batches_tracked", …]. */
static bool read_unused(const struct json_reader *reader, const json_node *root,
                        struct model_json *model)
{
    const json_node *list = json_member(root, "unused");
    if (!list)
        return true;
    if (json_kind_of(list) != JSON_ARRAY)
        return json_reader_fail(reader, "unused must be an array of names of tensors");
    model->unused_name =
        arena_take_array(reader->arena, json_count(list) + 1, sizeof *model->unused_name);
    for (const json_node *at = json_first(list); model->unused_name && at; at = json_next(at)) {
        if (json_kind_of(at) != JSON_TEXT)
            return json_reader_fail(reader, "unused[%zu] must be the name of a tensor",
                                    model->unused);
        const char *name = json_text_of(at);
        name = arena_copy_text(reader->arena, name, strlen(name));
        if (!name)
            return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
        model->unused_name[model->unused++] = name;
    }
    return model->unused_name ||
           relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
}

static bool read_root(const struct json_reader *reader, const json_node *root,
                      struct model_json *model)
{
    static const char *const known[] = {"format", "name",   "description", "input",  "inputs",
                                        "layers", "output", "training",    "unused", NULL};
    const char *format = NULL;
    if (!json_get_text(reader, root, "", "format", &format))
        return false;
    if (!format || strcmp(format, "relud-model/1") != 0)
        return json_reader_fail(reader, "format must be \"relud-model/1\"");
    return json_check_keys(reader, root, "", known) &&
           json_get_text(reader, root, "", "name", &model->name) &&
           get_description(reader, root, &model->description) &&
           (!model->name || check_name(reader, model->name)) && read_input(reader, root, model) &&
           read_inputs(reader, root, model) && read_layers(reader, root, model) &&
           read_unused(reader, root, model) && read_output(reader, root, model) &&
           training_read(json_member(root, "training"), &model->training, reader->name,
                         reader->arena, reader->error);
}

bool model_json_read(struct model_json *model, const char *text, size_t len, const char *name,
                     struct arena *arena, struct relud_error *error)
{
    *model = (struct model_json){0};
    struct json_reader reader = {name, arena, error};
    size_t mark = relud_text_mark(text, len);
    json_node *root = json_doc_open(text + mark, len - mark, name, error);
    bool is_read = root && read_root(&reader, root, model);
    json_doc_close(root);
    return is_read;
}
