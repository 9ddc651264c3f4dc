/* The order of a state dict's linear layers, by their names and shapes. */
#include "core/format/state_dict_private.h"

#include <ctype.h>
#include <string.h>

enum { TRIES_MAX = 100000 };

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
    if (len == dict->linears) {
        memcpy(dict->fits++ ? dict->other : dict->found, dict->order, len * sizeof *dict->order);
        return;
    }
    for (size_t i = 0; i < dict->linears && dict->fits < 2 && dict->tries < TRIES_MAX; i++) {
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

size_t modules_between(const struct group *before, const struct group *group)
{
    size_t len = strlen(group->stem), last = group->numbers - 1;
    bool is_list = strcmp(group->stem, before->stem) == 0 && len > 0 &&
                   isdigit((unsigned char)group->stem[len - 1]) &&
                   (len == 1 || group->stem[len - 2] == '.') &&
                   memcmp(group->number, before->number, last * sizeof *group->number) == 0 &&
                   group->number[last] > before->number[last];
    return is_list ? (size_t)(group->number[last] - before->number[last]) : 0;
}

/* nn.Sequential numbers all its modules, also activations. If some layers have consecutive numbers
 * and others do not, there is something between some layers only, which --activation cannot
 * express. Norms are not counted. What has a PReLU between it has its activation. */
static bool check_steps(const struct dict *dict)
{
    const struct group *close = NULL, *apart = NULL;
    for (size_t i = 1; i < dict->linears; i++) {
        const struct group *group = &dict->group[i], *before = group - 1;
        size_t modules = modules_between(before, group);
        bool has_slopes = false;
        for (size_t k = dict->linears; modules && k < dict->groups; k++) {
            const struct group *other = &dict->group[k];
            if (!modules_between(before, other) || !modules_between(other, group))
                continue;
            modules--;
            has_slopes |= other->kind == GROUP_PRELU;
        }
        if (modules == 0 || has_slopes)
            continue;
        if (modules == 1)
            close = group;
        else
            apart = group;
    }
    if (close && apart)
        return dict_fail(
            dict,
            "'%s' follows the layer before it at once, '%s' does not: what stands between "
            "them is not in the file",
            close->weight->name, apart->weight->name);
    return true;
}

bool dict_find_order(struct dict *dict)
{
    try_orders(dict, 0);
    if (dict->fits < 2 && dict->tries >= TRIES_MAX)
        return dict_fail(dict, "its %zu layers fit together in too many orders", dict->linears);
    if (dict->fits == 1)
        return check_steps(dict);
    for (size_t i = 0; dict->fits > 1; i++)
        if (dict->found[i] != dict->other[i])
            return dict_fail(dict,
                             "'%s' and '%s' may each be layer %zu, and the file does not say which",
                             dict->group[dict->found[i]].weight->name,
                             dict->group[dict->other[i]].weight->name, i + 1);
    for (size_t i = 1; i < dict->linears; i++) {
        const struct group *group = &dict->group[i], *before = group - 1;
        if (strcmp(group->stem, before->stem) == 0 && outputs_of(before) != inputs_of(group))
            return dict_fail(
                dict,
                "'%s' makes %zu numbers and '%s' takes %zu, so they are not layers of one chain",
                before->weight->name, outputs_of(before), group->weight->name, inputs_of(group));
    }
    return dict_fail(dict,
                     "its layers are not one chain: no order of '%s', '%s' and the others fits",
                     dict->group[0].weight->name, dict->group[1].weight->name);
}
