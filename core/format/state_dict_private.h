/* What the files of the state dict's reader share: tensors become groups, groups an order, the
 * order layers. */
#ifndef CORE_FORMAT_STATE_DICT_PRIVATE_H
#define CORE_FORMAT_STATE_DICT_PRIVATE_H

#include "core/format/model_layers.h"

enum { NUMBERS_MAX = 8 };

/* In the order in which they stand behind a linear layer, if names do not say otherwise. */
enum group_kind { GROUP_LINEAR, GROUP_BATCH_NORM, GROUP_LAYER_NORM, GROUP_PRELU };

/* One module, made of the tensors NAME.weight, NAME.bias and so on. */
struct group {
    const char *name; /* NAME; "" if the tensors are called just weight and bias */
    enum group_kind kind;
    const struct safetensor *weight, *bias, *mean, *variance, *counter;
    const char *stem; /* the name with each number in it replaced by 0 */
    unsigned long long number[NUMBERS_MAX];
    size_t numbers;
    bool is_taken;
    size_t behind;     /* of a norm or PReLU: how many linear layers stand before it */
    size_t behind_too; /* where it would stand if it came before the layer of its number */
};

struct dict {
    struct loading *loading;
    bool takes_usual_order;
    const struct relud_activation *activation; /* between the layers; NULL: not known */
    struct relud_activation_params params;
    /* [groups]: first `linears` linear layers, then norms and PReLUs; each part is sorted by stem,
     * then by numbers. Once they are placed, the second part is in the order of the chain. */
    struct group *group;
    size_t groups, linears;
    /* [groups] each: the order being tried, the first order that fits, and the second. */
    size_t *order, *found, *other;
    size_t fits, tries;
    /* The one PReLU, which stands between all layers, is group[groups]. */
    bool is_shared;
    size_t *of_layer; /* [json.layers]: each layer's group */
    /* What was assumed: a norm stands before the activation, or behind the layer of its number; the
     * activation stands at the first of the places that are left to it. */
    bool is_before_assumed, is_behind_assumed, is_first_assumed;
};

bool dict_fail(const struct dict *dict, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool dict_no_memory(const struct dict *dict);

/* Inputs and outputs of a linear layer. */
static inline size_t inputs_of(const struct group *group)
{
    return group->weight->shape[1];
}

static inline size_t outputs_of(const struct group *group)
{
    return group->weight->shape[0];
}

/* Linear layer `index` of the chain. */
static inline const struct group *linear_at(const struct dict *dict, size_t index)
{
    return &dict->group[dict->found[index]];
}

/* Any tensor of the group, for messages. */
static inline const char *tensor_of(const struct group *group)
{
    return group->mean ? group->mean->name : group->weight->name;
}

/* Numbers in the row that a norm takes or a PReLU has slopes for. */
static inline size_t width_of(const struct group *group)
{
    return group->mean ? group->mean->count : group->weight->count;
}

/* Makes groups of all tensors. False and *error on failure, as in all of these. */
bool dict_take_tensors(struct dict *dict);
/* Finds the one order of the linear layers, then the places of the others. */
bool dict_find_order(struct dict *dict);
bool dict_place_others(struct dict *dict);
/* Notes what was read, and what was assumed. */
bool dict_tell(const struct dict *dict);
/* Writes "784 -> 256 -> 10", shortened to "784 -> 256 -> … -> 10" if there are many. */
void dict_widths(const struct dict *dict, char *text, size_t size);
/* Modules of an nn.Sequential from `before` to `group`: 1 if group follows at once, 0 if the two
 * are not numbered in one list. */
size_t modules_between(const struct group *before, const struct group *group);
/* Compares the names by stem, then by numbers: 0 if they have the same ones. */
int compare_numbers(const struct group *a, const struct group *b);

#endif
