#include "core/net/value_facts.h"

#include <stdlib.h>
#include <string.h>

enum value_shape facts_shape_in(const struct value_facts *facts, const struct operand *operand)
{
    return operand->constant ? SHAPE_CONSTANT : facts->shape[operand->value];
}

static void find_shapes(struct value_facts *facts)
{
    const struct network *network = facts->network;
    facts->shape[STEP_INPUT] = SHAPE_LINEAR;
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i];
        enum value_shape first[STEP_OPERANDS], most = SHAPE_CONSTANT;
        for (size_t k = 0; k < step->operands; k++) {
            enum value_shape shape = facts_shape_in(facts, &step->operand[k]);
            most = shape > most ? shape : most;
            if (k < STEP_OPERANDS)
                first[k] = shape;
        }
        facts->shape[i + 1] = step->kind == STEP_JOIN ? most : step_shape(step, first);
    }
}

static enum idle_zeros zeros_of(const struct value_facts *facts, const struct step *step)
{
    const struct operand *x = step->operand;
    if (step->kind == STEP_ACTIVATE)
        return strcmp(relud_activation_info(step->activation)->name, "relu") == 0
                   ? ZEROS_WITHOUT_SLOPE
                   : ZEROS_COUNT;
    bool is_scaled = step->kind == STEP_ELEMENT &&
                     (step->element == ELEMENT_MUL || step->element == ELEMENT_DIV) &&
                     !x[0].constant && x[1].constant;
    return is_scaled ? facts->zeros[x[0].value] : ZEROS_COUNT;
}

static void find_zeros(struct value_facts *facts)
{
    const struct network *network = facts->network;
    facts->zeros[STEP_INPUT] = ZEROS_WITHOUT_SHARE;
    for (size_t i = 0; i < network->steps; i++)
        facts->zeros[i + 1] = zeros_of(facts, &network->step[i]);
}

/* The origin of number `index` of an operand; `none` if the operand is a constant. */
static size_t origin_in(const struct value_facts *facts, const struct operand *operand,
                        size_t index, size_t none)
{
    return operand->constant ? none : facts->origin[facts->place[operand->value] + index];
}

/* The origin of a number that is made of number `index` of each operand. Constants do not count. */
static size_t common_origin(const struct value_facts *facts, const struct step *step, size_t index)
{
    size_t common = FACTS_NO_FEATURE;
    for (size_t k = 0; k < step->operands; k++) {
        const struct operand *of = &step->operand[k];
        size_t origin = origin_in(facts, of, index, common);
        if (!of->constant &&
            (origin == FACTS_NO_FEATURE || (common != FACTS_NO_FEATURE && common != origin)))
            return FACTS_NO_FEATURE;
        common = origin;
    }
    return common;
}

/* The origin of what a reduction makes of a part. */
static size_t origin_of_part(const struct value_facts *facts, const struct step *step, size_t part)
{
    size_t n = step->reduce_width / step->parts;
    size_t first = origin_in(facts, step->operand, part * n, FACTS_NO_FEATURE);
    for (size_t i = 1; i < n; i++)
        if (origin_in(facts, step->operand, part * n + i, FACTS_NO_FEATURE) != first)
            return FACTS_NO_FEATURE;
    return first;
}

static size_t origin_of(const struct value_facts *facts, const struct step *step, size_t i)
{
    switch (step->kind) {
    case STEP_GATHER:
        return origin_in(facts, step->operand, step->map[i], FACTS_NO_FEATURE);
    case STEP_ELEMENT:
        return common_origin(facts, step, i);
    case STEP_REDUCE:
        return origin_of_part(facts, step, i);
    case STEP_ACTIVATE:
        return relud_activation_info(step->activation)->is_rowwise ? FACTS_NO_FEATURE
                                                                   : common_origin(facts, step, i);
    default:
        return FACTS_NO_FEATURE;
    }
}

static void find_origins_of_join(const struct value_facts *facts, const struct step *step,
                                 size_t *origin)
{
    for (size_t part = 0; part < step->parts; part++)
        for (size_t k = 0; k < step->operands; k++)
            for (size_t i = 0; i < step->piece[k]; i++)
                *origin++ = origin_in(facts, &step->operand[k], part * step->piece[k] + i,
                                      FACTS_NO_FEATURE);
}

size_t facts_origin_of_lookup(const struct value_facts *facts, const struct step *step, size_t part)
{
    return origin_in(facts, step->operand, step->map ? step->map[part] : part, FACTS_NO_FEATURE);
}

/* Finds which feature each number is made of, if it is only one, and the features that are indices:
 * because the model says so, or because a table is looked up by them. */
static void find_origins(struct value_facts *facts, const struct relud_features *features)
{
    const struct network *network = facts->network;
    for (size_t f = 0; f < network->features; f++) {
        facts->origin[f] = f;
        facts->is_index[f] = features && (features->at[f].words || features->at[f].indices);
    }
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i];
        size_t *origin = facts->origin + facts->place[i + 1];
        if (step->kind == STEP_JOIN)
            find_origins_of_join(facts, step, origin);
        for (size_t k = 0; step->kind != STEP_JOIN && k < step->width; k++)
            origin[k] = origin_of(facts, step, k);
        for (size_t part = 0; step->kind == STEP_LOOKUP && part < step->parts; part++) {
            size_t feature = facts_origin_of_lookup(facts, step, part);
            if (feature != FACTS_NO_FEATURE)
                facts->is_index[feature] = true;
        }
    }
}

static bool allocate(struct value_facts *facts)
{
    size_t values = facts->values, *place = facts->place = calloc(values + 1, sizeof *place);
    if (!place)
        return false;
    for (size_t v = 0; v < values; v++) {
        size_t width = network_width(facts->network, v);
        place[v + 1] = place[v] + width;
        facts->widest = width > facts->widest ? width : facts->widest;
    }
    facts->origin = calloc(place[values] + 1, sizeof *facts->origin);
    facts->shape = calloc(values + 1, sizeof *facts->shape);
    facts->zeros = calloc(values + 1, sizeof *facts->zeros);
    facts->is_index = calloc(facts->network->features + 1, sizeof *facts->is_index);
    return facts->origin && facts->shape && facts->zeros && facts->is_index;
}

bool facts_find(struct value_facts *facts, const struct network *network,
                const struct relud_features *features)
{
    *facts = (struct value_facts){.network = network, .values = network->steps + 1};
    if (!allocate(facts))
        return false;
    find_shapes(facts);
    find_zeros(facts);
    find_origins(facts, features);
    return true;
}

void facts_free(struct value_facts *facts)
{
    free(facts->place);
    free(facts->origin);
    free(facts->shape);
    free(facts->zeros);
    free(facts->is_index);
}
