/* The places of a state dict's norms and PReLUs in the chain of its linear layers. Names with
 * numbers say which layers come before; the width must fit. */
#include "core/format/state_dict_private.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Where a module stands to a linear layer, as far as their names tell. */
enum place { PLACE_UNKNOWN, PLACE_BEFORE, PLACE_BEHIND, PLACE_BESIDE };

struct relation {
    enum place place;
    size_t depth;   /* parts of the two names that are the same */
    bool is_listed; /* they are members of one list, as 0 and 1 or fc1 and fc2 */
};

/* ---- names ---- */

/* Reads the next number of the name before `end`. "1d", of BatchNorm1d, is none. */
static bool next_number(const char **name, const char *end, unsigned long long *number)
{
    while (*name < end) {
        char *after;
        if (!isdigit((unsigned char)**name)) {
            ++*name;
            continue;
        }
        *number = strtoull(*name, &after, 10);
        *name = after;
        if (*after != 'd' && *after != 'D')
            return true;
    }
    return false;
}

/* Compares the numbers of a[..a_end] and b[..b_end] in their order. Unknown if there are not
 * equally many. */
static enum place compare_parts(const char *a, const char *a_end, const char *b, const char *b_end,
                                size_t *numbers)
{
    enum place place = PLACE_BESIDE;
    for (*numbers = 0;; ++*numbers) {
        unsigned long long of_a = 0, of_b = 0;
        bool has_a = next_number(&a, a_end, &of_a), has_b = next_number(&b, b_end, &of_b);
        if (has_a != has_b)
            return PLACE_UNKNOWN;
        if (!has_a)
            return place;
        if (place == PLACE_BESIDE && of_a != of_b)
            place = of_a < of_b ? PLACE_BEFORE : PLACE_BEHIND;
    }
}

/* True if the two parts are the same except for their numbers. */
static bool has_same_word(const char *a, const char *a_end, const char *b, const char *b_end)
{
    for (;;) {
        bool is_number =
            a < a_end && b < b_end && isdigit((unsigned char)*a) && isdigit((unsigned char)*b);
        while (is_number && a < a_end && isdigit((unsigned char)*a))
            a++;
        while (is_number && b < b_end && isdigit((unsigned char)*b))
            b++;
        if (is_number)
            continue;
        if (a == a_end || b == b_end)
            return a == a_end && b == b_end;
        if (*a++ != *b++)
            return false;
    }
}

/* How `a` stands to `b`. The first part in which they differ decides: layers.1 and layers.2 by
 * their numbers; bn1 and fc1, or bns.0 and fcs.0, by all numbers that follow; norm and linear of
 * the same blocks.3 are side by side. */
static struct relation relation(const char *a, const char *b)
{
    struct relation found = {.place = PLACE_UNKNOWN};
    bool has_number = false;
    size_t len = strcspn(a, "."), numbers;
    while (len == strcspn(b, ".") && memcmp(a, b, len) == 0 && a[len] && b[len]) {
        for (size_t i = 0; i < len; i++)
            has_number |= isdigit((unsigned char)a[i]) != 0;
        a += len + 1;
        b += len + 1;
        found.depth++;
        len = strcspn(a, ".");
    }
    const char *a_end = a + len, *b_end = b + strcspn(b, ".");
    if (has_same_word(a, a_end, b, b_end)) {
        found.place = compare_parts(a, a_end, b, b_end, &numbers);
        found.is_listed = found.place != PLACE_BESIDE;
        if (!found.is_listed)
            found.place = PLACE_UNKNOWN;
        return found;
    }
    found.place = compare_parts(a, a + strlen(a), b, b + strlen(b), &numbers);
    if (numbers == 0 && !has_number)
        found.place = PLACE_UNKNOWN;
    return found;
}

/* ---- places ---- */

static size_t width_behind(const struct dict *dict, size_t layers)
{
    return layers ? outputs_of(linear_at(dict, layers - 1)) : inputs_of(linear_at(dict, 0));
}

static bool has_width(const struct dict *dict, const struct group *group, size_t layers)
{
    bool is_slope = group->kind == GROUP_PRELU;
    return (is_slope && layers > 0 && width_of(group) == 1) ||
           (width_of(group) == width_behind(dict, layers) && (!is_slope || layers > 0));
}

/* Counts the places that the group may have, and sets group->behind to the first. `beside` says
 * where it stands to a linear layer that is beside it. A relation counts unless another linear
 * layer is in one list with the group and shares more of its name. */
static size_t count_places(const struct dict *dict, struct group *group, enum place beside)
{
    size_t least = 0, most = dict->linears, depth = 0, count = 0;
    for (size_t i = 0; i < dict->linears; i++) {
        struct relation to = relation(group->name, linear_at(dict, i)->name);
        depth = to.is_listed && to.depth > depth ? to.depth : depth;
    }
    for (size_t i = 0; i < dict->linears; i++) {
        struct relation to = relation(group->name, linear_at(dict, i)->name);
        enum place place = to.depth < depth ? PLACE_UNKNOWN : to.place;
        if (place == PLACE_BESIDE)
            place = group->kind == GROUP_PRELU ? PLACE_BEHIND : beside;
        if (place == PLACE_BEHIND && least < i + 1)
            least = i + 1;
        if (place == PLACE_BEFORE && most > i)
            most = i;
    }
    for (size_t layers = most + 1; layers-- > least;)
        if (has_width(dict, group, layers)) {
            group->behind = layers;
            count++;
        }
    return count;
}

/* Places all groups. False with *bad and *count set if the group `bad` has no place or several. */
static bool try_places(struct dict *dict, enum place beside, struct group **bad, size_t *count)
{
    for (size_t i = dict->linears; i < dict->groups; i++) {
        *bad = &dict->group[i];
        *count = count_places(dict, *bad, beside);
        if (*count != 1)
            return false;
    }
    return true;
}

static int by_place(const void *left, const void *right)
{
    const struct group *a = left, *b = right;
    int order = (a->behind > b->behind) - (a->behind < b->behind);
    struct relation to = relation(a->name, b->name);
    if (order == 0 && (to.place == PLACE_BEFORE || to.place == PLACE_BEHIND))
        order = to.place == PLACE_BEFORE ? -1 : 1;
    return order ? order : (a->kind > b->kind) - (a->kind < b->kind);
}

/* The one PReLU of the file, or NULL. */
static struct group *only_slopes(const struct dict *dict)
{
    struct group *only = NULL;
    for (size_t i = dict->linears; i < dict->groups; i++)
        if (dict->group[i].kind == GROUP_PRELU) {
            if (only)
                return NULL;
            only = &dict->group[i];
        }
    return only;
}

/* A module with one PReLU may use it between all of its layers. Then it is taken out of the
 * groups: it stands behind them. */
static bool share_slopes(struct dict *dict)
{
    struct group *only = only_slopes(dict);
    if (!only || !dict->activation || count_places(dict, only, PLACE_BEHIND) < 2)
        return true;
    for (size_t i = 1; i < dict->linears; i++)
        if (!has_width(dict, only, i))
            return dict_fail(dict, "'%s' has %zu numbers and does not fit between all layers",
                             only->weight->name, width_of(only));
    struct group shared = *only;
    *only = dict->group[--dict->groups];
    dict->group[dict->groups] = shared;
    dict->is_shared = true;
    return true;
}

bool dict_place_others(struct dict *dict)
{
    struct group *bad;
    size_t count;
    if (!share_slopes(dict))
        return false;
    bool fits_before = try_places(dict, PLACE_BEFORE, &bad, &count);
    for (size_t i = dict->linears; i < dict->groups; i++)
        dict->group[i].behind_too = dict->group[i].behind;
    bool fits_behind = try_places(dict, PLACE_BEHIND, &bad, &count);
    for (size_t i = dict->linears; fits_before && fits_behind && i < dict->groups; i++)
        dict->is_behind_assumed |= dict->group[i].behind != dict->group[i].behind_too;
    if (!fits_behind && (count > 1 || !try_places(dict, PLACE_BEFORE, &bad, &count)))
        return count ? dict_fail(dict,
                                 "'%s' has %zu numbers and fits at %zu places, and its name does "
                                 "not say at which",
                                 tensor_of(bad), width_of(bad), count)
                     : dict_fail(dict,
                                 "'%s' has %zu numbers and fits nowhere in the chain where its "
                                 "name may be",
                                 tensor_of(bad), width_of(bad));
    struct group *other = dict->group + dict->linears;
    size_t others = dict->groups - dict->linears;
    qsort(other, others, sizeof *other, by_place);
    for (size_t i = 1; i < others; i++) {
        struct relation to = relation(other[i - 1].name, other[i].name);
        bool is_alike = (other[i - 1].kind == GROUP_PRELU) == (other[i].kind == GROUP_PRELU);
        if (other[i - 1].behind != other[i].behind || to.is_listed)
            continue;
        if (is_alike)
            return dict_fail(dict,
                             "'%s' and '%s' stand at the same place, in which order is not "
                             "in the file",
                             tensor_of(&other[i - 1]), tensor_of(&other[i]));
        dict->is_before_assumed = true;
    }
    return true;
}
