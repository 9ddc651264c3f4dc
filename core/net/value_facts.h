/* What is known of the values of a net before any row: for explanations. */
#ifndef CORE_NET_VALUE_FACTS_H
#define CORE_NET_VALUE_FACTS_H

#include "core/net/derivative.h"
#include "core/net/network.h"
#include <stdbool.h>

/* The operands of all steps but joins. */
enum { STEP_OPERANDS = 3 };

/* The origin of a number that is made of no feature, or of several. */
#define FACTS_NO_FEATURE SIZE_MAX

/* What zeros of a value mean. */
enum idle_zeros {
    ZEROS_COUNT,
    ZEROS_WITHOUT_SHARE, /* a zero is a feature that is 0, and contributes nothing */
    ZEROS_WITHOUT_SLOPE, /* nor has it a slope: a ReLU made it */
};

struct value_facts {
    const struct network *network;
    size_t values, widest;   /* values: 1 + steps; value 0 is the row, i + 1 what step i makes */
    size_t *place;           /* [values + 1]: where each begins if they lie side by side */
    size_t *origin;          /* [place[values]]: the feature that each number is made of */
    enum value_shape *shape; /* [values] */
    enum idle_zeros *zeros;  /* [values] */
    bool *is_index;          /* [features]: it is a word or an id, or a table is looked up by it */
};

/* Borrows the network. features may be NULL. False: out of memory; facts_free is needed in either
 * case. */
bool facts_find(struct value_facts *facts, const struct network *network,
                const struct relud_features *features);
void facts_free(struct value_facts *facts);

/* The shape of an operand. */
enum value_shape facts_shape_in(const struct value_facts *facts, const struct operand *operand);

/* The feature that chooses the row of a table for that part of a lookup. */
size_t facts_origin_of_lookup(const struct value_facts *facts, const struct step *step,
                              size_t part);

#endif
