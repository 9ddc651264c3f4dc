#include "core/net/imputed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is known of a value. Its elements may be features as they came in, map[width]; or it may
 * tell, for each element of the value `of`, whether it is a number (or, is_negated, a NaN). */
struct known {
    uint32_t *map; /* NULL: the elements are no features */
    size_t of;
    bool is_test, is_negated;
};

/* How the net reads a feature. */
struct use {
    bool is_imputed, is_plain;
};

static bool is_value(const struct operand *operand, size_t value)
{
    return !operand->constant && operand->value == value;
}

/* The value that where(test, value, constant), or where(test, constant, value), imputes, and the
 * constant. NULL if the step is none of these. */
static const struct operand *find_imputed(const struct step *step, const struct known *known,
                                          size_t *value)
{
    if (step->kind != STEP_ELEMENT || step->element != ELEMENT_WHERE || step->operand[0].constant)
        return NULL;
    const struct known *test = &known[step->operand[0].value];
    const struct operand *kept = &step->operand[test->is_negated ? 2 : 1];
    const struct operand *instead = &step->operand[test->is_negated ? 1 : 2];
    *value = test->of;
    bool is_imputation = test->is_test && is_value(kept, test->of) && instead->constant;
    return is_imputation ? instead : NULL;
}

/* Learns what the step makes. False: out of memory. */
static bool learn(const struct step *step, const struct known *known, struct known *made)
{
    const struct operand *first = &step->operand[0];
    if (first->constant)
        return true;
    const struct known *from = &known[first->value];
    if (step->kind == STEP_GATHER && from->map) {
        made->map = calloc(step->width, sizeof *made->map);
        for (size_t i = 0; made->map && i < step->width; i++)
            made->map[i] = from->map[step->map[i]];
        return made->map != NULL;
    }
    if (step->kind != STEP_ELEMENT)
        return true;
    bool is_nan = step->element == ELEMENT_IS_NAN && from->map;
    made->is_test = is_nan ||
                    (step->element == ELEMENT_EQUAL && from->map &&
                     is_value(&step->operand[1], first->value)) ||
                    (step->element == ELEMENT_NOT && from->is_test);
    made->of = from->is_test ? from->of : first->value;
    made->is_negated = is_nan || (from->is_test && !from->is_negated);
    return true;
}

/* instead: what stands for each NaN of the value; NULL, or a NaN itself: nothing does. */
static void use(const struct network *network, const struct known *known, size_t value,
                const struct operand *instead, struct use *uses)
{
    for (size_t i = 0; known[value].map && i < network_width(network, value); i++) {
        struct use *feature = &uses[known[value].map[i]];
        bool is_imputed = instead && !isnan(instead->constant[instead->len == 1 ? 0 : i]);
        feature->is_imputed |= is_imputed;
        feature->is_plain |= !is_imputed;
    }
}

/* A table reads only the numbers of its map. */
static void use_lookup(const struct step *step, const struct known *from, struct use *uses)
{
    for (size_t part = 0; from->map && part < step->parts; part++)
        uses[from->map[step->map[part]]].is_plain = true;
}

static void use_operands(const struct network *network, const struct step *step,
                         const struct known *known, const struct known *made, struct use *uses)
{
    size_t imputed;
    const struct operand *instead = find_imputed(step, known, &imputed);
    if (instead)
        use(network, known, imputed, instead, uses);
    else if (step->kind == STEP_LOOKUP && step->map)
        use_lookup(step, &known[step->operand[0].value], uses);
    else if (!made->map && !made->is_test)
        for (size_t i = 0; i < step->operands; i++)
            if (!step->operand[i].constant)
                use(network, known, step->operand[i].value, NULL, uses);
}

static bool look(const struct network *network, struct known *known, struct use *uses)
{
    known[STEP_INPUT].map = calloc(network->features, sizeof *known->map);
    if (!known[STEP_INPUT].map)
        return false;
    for (size_t f = 0; f < network->features; f++)
        known[STEP_INPUT].map[f] = (uint32_t)f;
    for (size_t i = 0; i < network->steps; i++) {
        if (!learn(&network->step[i], known, &known[i + 1]))
            return false;
        use_operands(network, &network->step[i], known, &known[i + 1], uses);
    }
    for (size_t i = 0; i < network->results; i++)
        use(network, known, network->result[i].value, NULL, uses);
    return true;
}

bool network_imputed(const struct network *network, bool *imputed, bool *is_any)
{
    struct known *known = calloc(network->steps + 1, sizeof *known);
    struct use *uses = calloc(network->features + 1, sizeof *uses);
    bool is_known = known && uses && look(network, known, uses);
    *is_any = false;
    for (size_t f = 0; is_known && f < network->features; f++) {
        imputed[f] = uses[f].is_imputed && !uses[f].is_plain;
        *is_any |= imputed[f];
    }
    for (size_t i = 0; known && i <= network->steps; i++)
        free(known[i].map);
    free(known);
    free(uses);
    return is_known;
}
