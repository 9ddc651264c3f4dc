#include "core/format/state_dict.h"

#include "core/format/model_layers.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBERS_MAX = 8, TRIES_MAX = 100000 };

/* A linear layer, made of the tensors NAME.weight and NAME.bias. */
struct group {
    const char *name; /* NAME; "" if the tensors are called just weight and bias */
    const struct safetensor *weight, *bias;
    const char *stem; /* the name with each number in it replaced by 0 */
    unsigned long long number[NUMBERS_MAX];
    size_t numbers;
    bool is_taken;
};

struct dict {
    struct loading *loading;
    struct group *group; /* [groups], sorted by stem, then by numbers */
    size_t groups;
    /* [groups] each: the order being tried, the first order that fits, and the second. */
    size_t *order, *found, *other;
    size_t fits, tries;
};

static bool __attribute__((format(printf, 2, 3)))
fail(const struct dict *dict, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(dict->loading->error, RELUD_BAD_MODEL,
                      "%s: %s: write a model.json that says what the layers are",
                      dict->loading->tensors_path, words);
}

static bool no_memory(const struct dict *dict)
{
    return relud_fail(dict->loading->error, RELUD_NO_MEMORY, "%s: out of memory",
                      dict->loading->tensors_path);
}

static size_t inputs_of(const struct group *group)
{
    return group->weight->shape[1];
}

static size_t outputs_of(const struct group *group)
{
    return group->weight->shape[0];
}

/* ---- tensors to layers ---- */

/* Splits the name into its stem and its numbers: layers.10.fc2 has the stem layers.0.fc0 and the
 * numbers 10 and 2. Names with the same stem therefore have equally many numbers. */
static bool read_numbers(struct dict *dict, struct group *group)
{
    char *stem =
        arena_copy_text(&dict->loading->source->temporary, group->name, strlen(group->name));
    size_t to = 0;
    if (!stem)
        return no_memory(dict);
    for (const char *at = group->name; *at;) {
        if (!isdigit((unsigned char)*at) || group->numbers == NUMBERS_MAX) {
            stem[to++] = *at++;
            continue;
        }
        char *end;
        group->number[group->numbers++] = strtoull(at, &end, 10);
        stem[to++] = '0';
        at = end;
    }
    stem[to] = '\0';
    group->stem = stem;
    return true;
}

static struct group *group_of(struct dict *dict, const char *name, size_t len)
{
    for (size_t i = 0; i < dict->groups; i++)
        if (strlen(dict->group[i].name) == len && memcmp(dict->group[i].name, name, len) == 0)
            return &dict->group[i];
    struct group *group = &dict->group[dict->groups];
    *group = (struct group){.name = arena_copy_text(&dict->loading->source->temporary, name, len)};
    if (!group->name) {
        no_memory(dict);
        return NULL;
    }
    return read_numbers(dict, group) ? &dict->group[dict->groups++] : NULL;
}

static bool is_leaf(const char *leaf, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (strcmp(leaf, names[i]) == 0)
            return true;
    return false;
}

static bool take_tensor(struct dict *dict, const struct safetensor *tensor)
{
    static const char *const norms[] = {"running_mean", "running_var", "num_batches_tracked", NULL};
    const char *dot = strrchr(tensor->name, '.'), *leaf = dot ? dot + 1 : tensor->name;
    bool is_weight = strcmp(leaf, "weight") == 0, is_bias = strcmp(leaf, "bias") == 0;
    if (is_leaf(leaf, norms))
        return fail(dict,
                    "'%s' is of a batch normalisation, and where that stands is not in the file",
                    tensor->name);
    if (is_weight && tensor->rank == 1)
        return fail(dict,
                    "'%s' has one dimension, so it is of a norm or of PReLU, and where that stands "
                    "is not in the file",
                    tensor->name);
    if (is_weight && tensor->rank > 2)
        return relud_fail(
            dict->loading->error, RELUD_UNSUPPORTED,
            "%s: '%s' has %zu dimensions, as of a convolution; relud serves linear layers",
            dict->loading->tensors_path, tensor->name, tensor->rank);
    if ((!is_weight || tensor->rank != 2) && (!is_bias || tensor->rank != 1))
        return fail(dict, "'%s' is neither the weight nor the bias of a linear layer",
                    tensor->name);
    struct group *group = group_of(dict, tensor->name, dot ? (size_t)(dot - tensor->name) : 0);
    if (!group)
        return false;
    if (is_weight)
        group->weight = tensor;
    else
        group->bias = tensor;
    return true;
}

static int compare(const struct group *a, const struct group *b)
{
    int order = strcmp(a->stem, b->stem);
    for (size_t i = 0; order == 0 && i < a->numbers; i++)
        order = (a->number[i] > b->number[i]) - (a->number[i] < b->number[i]);
    return order;
}

static int by_number(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    int order = compare(a, b);
    return order ? order : strcmp(a->name, b->name);
}

static bool take_tensors(struct dict *dict)
{
    const struct safetensors *all = &dict->loading->tensors;
    struct arena *arena = &dict->loading->source->temporary;
    dict->group = arena_take_array(arena, all->len + 1, sizeof *dict->group);
    dict->order = arena_take_array(arena, all->len + 1, sizeof *dict->order);
    dict->found = arena_take_array(arena, all->len + 1, sizeof *dict->found);
    dict->other = arena_take_array(arena, all->len + 1, sizeof *dict->other);
    if (!dict->group || !dict->order || !dict->found || !dict->other)
        return no_memory(dict);
    if (all->len > 2 * MODEL_LAYERS_MAX)
        return fail(dict, "%zu tensors are more than %d layers have", all->len, MODEL_LAYERS_MAX);
    for (size_t i = 0; i < all->len; i++)
        if (!take_tensor(dict, &all->tensor[i]))
            return false;
    if (dict->groups == 0)
        return fail(dict, "there is no tensor in it");
    for (size_t i = 0; i < dict->groups; i++) {
        const struct group *group = &dict->group[i];
        if (!group->weight)
            return fail(dict, "'%s' has a bias and no weight", group->name);
        if (inputs_of(group) == 0 || outputs_of(group) == 0)
            return fail(dict, "'%s' is empty", group->weight->name);
        if (group->bias && group->bias->count != outputs_of(group))
            return fail(dict, "'%s' has %zu numbers; its weight makes %zu", group->bias->name,
                        group->bias->count, outputs_of(group));
    }
    qsort(dict->group, dict->groups, sizeof *dict->group, by_number);
    for (size_t i = 1; i < dict->groups; i++)
        if (compare(&dict->group[i - 1], &dict->group[i]) == 0)
            return fail(dict, "'%s' and '%s' have the same number", dict->group[i - 1].weight->name,
                        dict->group[i].weight->name);
    return true;
}

/* ---- the layers' order ---- */

static bool is_next_of_its_stem(const struct dict *dict, size_t index)
{
    const struct group *group = &dict->group[index];
    return !group->is_taken &&
           (index == 0 || strcmp(group[-1].stem, group->stem) != 0 || group[-1].is_taken);
}

/* Tries every order in which each layer takes as many inputs as the layer before it gives, and
 * layers with the same stem come in the order of their numbers. Stops at the second order that
 * fits: the file is then ambiguous. */
static void try_orders(struct dict *dict, size_t len)
{
    if (len == dict->groups) {
        memcpy(dict->fits++ ? dict->other : dict->found, dict->order, len * sizeof *dict->order);
        return;
    }
    for (size_t i = 0; i < dict->groups && dict->fits < 2 && dict->tries < TRIES_MAX; i++) {
        struct group *group = &dict->group[i];
        if (!is_next_of_its_stem(dict, i) ||
            (len && outputs_of(&dict->group[dict->order[len - 1]]) != inputs_of(group)))
            continue;
        dict->tries++;
        group->is_taken = true;
        dict->order[len] = i;
        try_orders(dict, len + 1);
        group->is_taken = false;
    }
}

/* nn.Sequential numbers all its modules, also activations. If some layers have consecutive numbers
 * and others do not, there is something between some layers only, which --activation cannot
 * express. */
static bool check_steps(const struct dict *dict)
{
    const struct group *close = NULL, *apart = NULL;
    for (size_t i = 1; i < dict->groups; i++) {
        const struct group *group = &dict->group[i], *before = group - 1;
        size_t len = strlen(group->stem), last = group->numbers - 1;
        if (strcmp(group->stem, before->stem) != 0 ||
            !isdigit((unsigned char)group->stem[len - 1]) ||
            (len > 1 && group->stem[len - 2] != '.') ||
            memcmp(group->number, before->number, last * sizeof *group->number) != 0)
            continue;
        if (group->number[last] == before->number[last] + 1)
            close = group;
        else
            apart = group;
    }
    if (close && apart)
        return fail(dict,
                    "'%s' follows the layer before it at once, '%s' does not: what stands between "
                    "them is not in the file",
                    close->weight->name, apart->weight->name);
    return true;
}

static bool find_order(struct dict *dict)
{
    try_orders(dict, 0);
    if (dict->fits < 2 && dict->tries >= TRIES_MAX)
        return fail(dict, "its %zu layers fit together in too many orders", dict->groups);
    if (dict->fits == 1)
        return check_steps(dict);
    for (size_t i = 0; dict->fits > 1; i++)
        if (dict->found[i] != dict->other[i])
            return fail(dict,
                        "'%s' and '%s' may each be layer %zu, and the file does not say which",
                        dict->group[dict->found[i]].weight->name,
                        dict->group[dict->other[i]].weight->name, i + 1);
    for (size_t i = 1; i < dict->groups; i++) {
        const struct group *group = &dict->group[i], *before = group - 1;
        if (strcmp(group->stem, before->stem) == 0 && outputs_of(before) != inputs_of(group))
            return fail(
                dict,
                "'%s' makes %zu numbers and '%s' takes %zu, so they are not layers of one chain",
                before->weight->name, outputs_of(before), group->weight->name, inputs_of(group));
    }
    return fail(dict, "its layers are not one chain: no order of '%s', '%s' and the others fits",
                dict->group[0].weight->name, dict->group[1].weight->name);
}

/* ---- the net ---- */

/* Writes "784 -> 256 -> 10", shortened to "784 -> 256 -> … -> 10" if there are many. */
static void write_widths(const struct dict *dict, char *text, size_t size)
{
    size_t len = (size_t)snprintf(text, size, "%zu", inputs_of(&dict->group[dict->found[0]]));
    for (size_t i = 0; i < dict->groups; i++) {
        bool is_last = i + 1 == dict->groups;
        if (!is_last && len + 96 > size) {
            len += (size_t)snprintf(text + len, size - len, " -> …");
            i = dict->groups - 1;
        }
        len += (size_t)snprintf(text + len, size - len, " -> %zu",
                                outputs_of(&dict->group[dict->found[i]]));
    }
}

/* True for PReLU: its slopes are learned, so they would have to be in the file. */
static bool has_slopes(const struct relud_activation *activation)
{
    const struct relud_activation_info *info =
        activation ? relud_activation_info(activation) : NULL;
    bool has = false;
    for (size_t i = 0; info && i < info->parameters; i++)
        has |= info->parameter[i].kind == RELUD_PARAMETER_WEIGHT;
    return has;
}

static bool make_layers(struct dict *dict, const char *activation)
{
    struct loading *loading = dict->loading;
    struct model_json *json = &loading->json;
    struct model_layer between = {0};
    char widths[256];
    write_widths(dict, widths, sizeof widths);
    if (dict->groups > 1 && !activation)
        return relud_fail(loading->error, RELUD_BAD_MODEL,
                          "%s: a state dict of %zu linear layers (%s): what stands between them is "
                          "not in the file; "
                          "--activation relu, or another one, says it, or a model.json",
                          loading->tensors_path, dict->groups, widths);
    if (activation &&
        !relud_activation_read(activation, &between.activation, &between.params, loading->error))
        return false;
    if (has_slopes(between.activation))
        return fail(dict, "the slopes of %s are not in the file", activation);
    *json = (struct model_json){.scale = 1, .layers = dict->groups};
    json->layer = arena_take_array(&loading->source->temporary, dict->groups, sizeof *json->layer);
    if (!json->layer)
        return no_memory(dict);
    for (size_t i = 0; i < dict->groups; i++) {
        const struct group *group = &dict->group[dict->found[i]];
        const char *weight = group->weight->name;
        json->layer[i] = i + 1 < dict->groups ? between : (struct model_layer){0};
        json->layer[i].weight = arena_copy_text(loading->source->arena, weight, strlen(weight));
        json->layer[i].bias = group->bias ? group->bias->name : NULL;
        if (!json->layer[i].weight)
            return no_memory(dict);
    }
    return model_source_note(
        loading->source, "%zu linear layer%s (%s), %s between them", dict->groups,
        dict->groups > 1 ? "s by their names and shapes" : " by its name and shape", widths,
        between.activation && dict->groups > 1 ? relud_activation_info(between.activation)->name
                                               : "nothing");
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

bool state_dict_read(struct model_source *source, const char *path, const char *activation)
{
    struct loading *loading = arena_take(&source->temporary, sizeof *loading);
    struct dict dict = {.loading = loading};
    if (!loading)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", path);
    *loading = (struct loading){.source = source, .error = source->error};
    snprintf(loading->json_path, sizeof loading->json_path, "%s", path);
    snprintf(loading->tensors_path, sizeof loading->tensors_path, "%s", path);
    if (!activation && has_description(path))
        return relud_fail(
            source->error, RELUD_BAD_MODEL,
            "%s: the model.json beside it says what its layers are: name the folder, not this file",
            path);
    struct relud_file *file = model_source_file(source, path);
    source->info.format = "safetensors";
    return file &&
           safetensors_open(&loading->tensors, file, path, &source->temporary, source->error) &&
           take_tensors(&dict) && find_order(&dict) && make_layers(&dict, activation) &&
           model_layers_add(loading);
}
