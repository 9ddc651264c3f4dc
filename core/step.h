/* One step of a net: rows in, rows out. A step reads values, each a row of floats: the net's input, what steps before it
 * made, or constants. It never looks at another row. */
#ifndef CORE_STEP_H
#define CORE_STEP_H

#include "core/element.h"
#include "core/linear.h"
#include <relud/activation.h>
#include <stdint.h>

enum step_kind {
    STEP_LINEAR,    /* a layer's linear part, over each of `parts` pieces of the row */
    STEP_ACTIVATE,  /* an activation, over each of `parts` pieces */
    STEP_ELEMENT,   /* arithmetic between operands */
    STEP_GATHER,    /* y[i] = x[map[i]] */
    STEP_JOIN,      /* operands side by side, in each of `parts` pieces */
    STEP_REDUCE,    /* one number of each of `parts` pieces */
    STEP_NORMALIZE, /* each of `parts` pieces less its mean, by its deviation */
};

enum reduction {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_PROD,
    REDUCE_SUM_SQUARE,
    REDUCE_L1,
    REDUCE_L2,
    REDUCE_ARGMAX, /* the first of equals; NaN is greater than all */
    REDUCE_ARGMIN,
    REDUCE_ARGMAX_LAST, /* the last of equals */
    REDUCE_ARGMIN_LAST,
    REDUCTIONS
};
const char *reduction_name(enum reduction reduction);

enum { STEP_INPUT = 0 }; /* the value that is the net's input; step i makes value i + 1 */

struct operand {
    const float *constant; /* [len]; NULL: a value */
    size_t len;            /* of a constant: 1, or the width it is to have */
    size_t value;
};

struct step {
    enum step_kind kind;
    const char *name;        /* of a layer: its weight; else NULL */
    size_t operands;         /* 1, but for STEP_ELEMENT and STEP_JOIN */
    struct operand *operand; /* [operands]; constants only for STEP_ELEMENT and STEP_JOIN */
    size_t width;            /* of what it makes, floats a row */
    size_t parts;            /* at least 1; divides the row */
    struct weights weights;  /* STEP_LINEAR: until network_build has packed them */
    struct linear linear;    /* filled by network_build */
    const struct relud_activation *activation;
    struct relud_activation_params params;
    enum element element;
    const uint32_t *map; /* STEP_GATHER: [width] */
    size_t gather_width; /* of what is gathered from */
    const size_t *piece; /* STEP_JOIN: floats of each operand in one part */
    enum reduction reduction;
    size_t reduce_width;      /* STEP_REDUCE: of what is reduced */
    float epsilon;            /* STEP_NORMALIZE: added to the variance */
    bool is_root_mean_square; /* STEP_NORMALIZE: the mean stays (Zhang and Sennrich 2019) */
};

/* y[rows][width] from x[i], which are the operands' rows, or constants. For all but STEP_LINEAR, STEP_GATHER, STEP_JOIN and
 * STEP_REDUCE y may be one of x. */
void step_run(const struct step *step, enum relud_isa isa, const float *const *x, float *y,
              size_t rows);

/* Whether y may be the place of operand 0. */
bool step_may_be_in_place(const struct step *step);

#endif
