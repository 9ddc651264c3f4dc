/* A state dict's tensors into groups: linear layers, norms and PReLUs. */
#include "core/format/state_dict_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Splits the name into its stem and its numbers: layers.10.fc2 has the stem layers.0.fc0 and the
 * numbers 10 and 2. Names with the same stem therefore have equally many numbers. */
static bool read_numbers(struct dict *dict, struct group *group)
{
    char *stem =
        arena_copy_text(&dict->loading->source->temporary, group->name, strlen(group->name));
    size_t to = 0;
    if (!stem)
        return dict_no_memory(dict);
    for (const char *at = group->name; *at;) {
        char *end = NULL;
        if (isdigit((unsigned char)*at) && group->numbers < NUMBERS_MAX)
            group->number[group->numbers] = strtoull(at, &end, 10);
        group->numbers += end != NULL;
        stem[to++] = end ? '0' : *at;
        at = end ? end : at + 1;
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
        dict_no_memory(dict);
        return NULL;
    }
    return read_numbers(dict, group) ? &dict->group[dict->groups++] : NULL;
}

/* Where a tensor of this last name belongs in its group; NULL: it is of no layer that is known. */
static const struct safetensor **place_in(struct group *group, const char *leaf)
{
    const struct {
        const char *leaf;
        const struct safetensor **place;
    } places[] = {{"weight", &group->weight},
                  {"bias", &group->bias},
                  {"running_mean", &group->mean},
                  {"running_var", &group->variance},
                  {"num_batches_tracked", &group->counter}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strcmp(leaf, places[i].leaf) == 0)
            return places[i].place;
    return NULL;
}

static bool take_tensor(struct dict *dict, const struct safetensor *tensor)
{
    const char *dot = strrchr(tensor->name, '.'), *leaf = dot ? dot + 1 : tensor->name;
    struct group none;
    const struct safetensor **place = place_in(&none, leaf);
    bool is_weight = place == &none.weight, is_counter = place == &none.counter;
    if (is_weight && tensor->rank > 2)
        return relud_fail(
            dict->loading->error, RELUD_UNSUPPORTED,
            "%s: '%s' has %zu dimensions, as of a convolution; relud serves linear layers",
            dict->loading->tensors_path, tensor->name, tensor->rank);
    if (!place || (!is_counter && tensor->rank != 1 && (!is_weight || tensor->rank != 2)))
        return dict_fail(dict, "'%s' is neither the weight nor the bias of a linear layer%s",
                         tensor->name, dict->takes_usual_order ? " or a norm" : "");
    struct group *group = group_of(dict, tensor->name, dot ? (size_t)(dot - tensor->name) : 0);
    if (!group)
        return false;
    place = place_in(group, leaf);
    if (*place)
        return dict_fail(dict, "'%s' and '%s' are of the same layer", (*place)->name, tensor->name);
    *place = tensor;
    return true;
}

/* The kind of a group with a weight of one dimension and nothing else. */
static bool read_slopes(const struct dict *dict, struct group *group)
{
    const struct relud_activation_info *info =
        dict->activation ? relud_activation_info(dict->activation) : NULL;
    bool is_wanted = info && info->parameters && info->parameter[0].kind == RELUD_PARAMETER_WEIGHT;
    group->kind = GROUP_PRELU;
    return is_wanted || group->weight->count == 1 ||
           dict_fail(dict,
                     "'%s' may be the slopes of PReLU (--activation prelu says that it is) or the "
                     "weight of a norm without bias",
                     group->weight->name);
}

static bool check_count(const struct dict *dict, const struct safetensor *tensor, size_t count)
{
    return !tensor || (tensor->rank == 1 && tensor->count == count) ||
           dict_fail(dict, "'%s' has %zu numbers; the rest of its layer has %zu", tensor->name,
                     tensor->count, count);
}

static bool read_norm(const struct dict *dict, struct group *group)
{
    size_t count = width_of(group);
    group->kind = group->mean ? GROUP_BATCH_NORM : GROUP_LAYER_NORM;
    if (count == 0)
        return dict_fail(dict, "'%s' is empty", tensor_of(group));
    if (!group->weight && group->bias)
        return dict_fail(dict, "'%s' has a bias and no weight", group->name);
    return check_count(dict, group->weight, count) && check_count(dict, group->bias, count) &&
           check_count(dict, group->variance, count);
}

static bool refuse_norm(const struct dict *dict, const struct safetensor *tensor, const char *what)
{
    return relud_fail(dict->loading->error, RELUD_BAD_MODEL,
                      "%s: '%s' %s, and where that stands is not in the file: relud convert reads "
                      "it by PyTorch's usual order and writes a model.json, for you to approve",
                      dict->loading->tensors_path, tensor->name, what);
}

/* Finds what the group is and checks that it is whole. */
static bool read_kind(const struct dict *dict, struct group *group)
{
    const struct safetensor *of_norm = group->mean       ? group->mean
                                       : group->variance ? group->variance
                                                         : group->counter;
    if (of_norm && !dict->takes_usual_order)
        return refuse_norm(dict, of_norm, "is of a batch normalisation");
    if (group->weight && group->weight->rank == 1 && !dict->takes_usual_order)
        return refuse_norm(dict, group->weight,
                           "has one dimension, so it is of a norm or of PReLU");
    if (of_norm && !group->mean != !group->variance)
        return dict_fail(dict, "'%s' has no running_%s", group->name, group->mean ? "var" : "mean");
    if (of_norm && !group->mean)
        return dict_fail(dict, "'%s' has no running_mean and running_var", group->name);
    if (of_norm || (group->weight && group->weight->rank == 1 && group->bias))
        return read_norm(dict, group);
    if (!group->weight)
        return dict_fail(dict, "'%s' has a bias and no weight", group->name);
    if (group->weight->rank == 1)
        return read_slopes(dict, group);
    if (inputs_of(group) == 0 || outputs_of(group) == 0)
        return dict_fail(dict, "'%s' is empty", group->weight->name);
    if (group->bias && group->bias->count != outputs_of(group))
        return dict_fail(dict, "'%s' has %zu numbers; its weight makes %zu", group->bias->name,
                         group->bias->count, outputs_of(group));
    return true;
}

int compare_numbers(const struct group *a, const struct group *b)
{
    int order = strcmp(a->stem, b->stem);
    for (size_t i = 0; order == 0 && i < a->numbers; i++)
        order = (a->number[i] > b->number[i]) - (a->number[i] < b->number[i]);
    return order;
}

static int by_number(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    int order = (a->kind != GROUP_LINEAR) - (b->kind != GROUP_LINEAR);
    order = order ? order : compare_numbers(a, b);
    return order ? order : strcmp(a->name, b->name);
}

bool dict_take_tensors(struct dict *dict)
{
    const struct safetensors *all = &dict->loading->tensors;
    struct arena *arena = &dict->loading->source->temporary;
    dict->group = arena_take_array(arena, all->len + 1, sizeof *dict->group);
    dict->order = arena_take_array(arena, all->len + 1, sizeof *dict->order);
    dict->found = arena_take_array(arena, all->len + 1, sizeof *dict->found);
    dict->other = arena_take_array(arena, all->len + 1, sizeof *dict->other);
    if (!dict->group || !dict->order || !dict->found || !dict->other)
        return dict_no_memory(dict);
    if (all->len > 5 * MODEL_LAYERS_MAX)
        return dict_fail(dict, "%zu tensors are more than %d layers have", all->len,
                         MODEL_LAYERS_MAX);
    for (size_t i = 0; i < all->len; i++)
        if (!take_tensor(dict, &all->tensor[i]))
            return false;
    if (dict->groups > MODEL_LAYERS_MAX)
        return dict_fail(dict, "%zu layers are more than %d", dict->groups, MODEL_LAYERS_MAX);
    for (size_t i = 0; i < dict->groups; i++) {
        if (!read_kind(dict, &dict->group[i]))
            return false;
        dict->linears += dict->group[i].kind == GROUP_LINEAR;
    }
    if (dict->groups == 0)
        return dict_fail(dict, "there is no tensor in it");
    if (dict->linears == 0)
        return dict_fail(dict, "there is no linear layer in it");
    qsort(dict->group, dict->groups, sizeof *dict->group, by_number);
    for (size_t i = 1; i < dict->groups; i++)
        if (i != dict->linears && compare_numbers(&dict->group[i - 1], &dict->group[i]) == 0)
            return dict_fail(dict, "'%s' and '%s' have the same number",
                             tensor_of(&dict->group[i - 1]), tensor_of(&dict->group[i]));
    return true;
}
