/* One step of a net. A step reads values and makes one. A value is a row of floats for each input
 * row: the net's input or what an earlier step made. An operand may also be a constant. A step
 * never mixes different rows. */
#ifndef CORE_NET_STEP_H
#define CORE_NET_STEP_H

#include "core/kernels/element.h"
#include "core/kernels/linear.h"
#include <relud/activation.h>
#include <stdint.h>

enum step_kind {
    STEP_LINEAR,    /* linear layer, applied to each of `parts` pieces of the row */
    STEP_ACTIVATE,  /* activation, applied to each of `parts` pieces */
    STEP_ELEMENT,   /* element-wise arithmetic */
    STEP_GATHER,    /* y[i] = x[map[i]] */
    STEP_JOIN,      /* in each of `parts` pieces: the operands side by side */
    STEP_REDUCE,    /* reduces each of `parts` pieces to one number */
    STEP_NORMALIZE, /* each of `parts` pieces: minus its mean, divided by its deviation */
    STEP_CUMULATE,  /* in each of `parts` pieces: y[i] = x[0] + … + x[i] */
    STEP_TOP,       /* of each of `parts` pieces: the greatest numbers, in order */
    STEP_LOOKUP,    /* for each of `parts` numbers: that row of a table, or its one-hot encoding */
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
    REDUCE_ARGMAX, /* the first of equal ones; a NaN wins */
    REDUCE_ARGMIN,
    REDUCE_ARGMAX_LAST, /* the last of equal ones; the first NaN wins */
    REDUCE_ARGMIN_LAST,
    REDUCTIONS
};
const char *reduction_name(enum reduction reduction);

enum { STEP_INPUT = 0 }; /* the number of the net's input; step i makes value i + 1 */

struct operand {
    const float *constant; /* [len]; NULL: the operand is a value */
    size_t len;            /* of a constant: 1, or the width of the row */
    size_t value;
};

struct step {
    enum step_kind kind;
    const char *name;        /* name of a layer's weight tensor, or NULL */
    size_t operands;         /* 1, except for STEP_ELEMENT and STEP_JOIN */
    struct operand *operand; /* [operands]; only STEP_ELEMENT and STEP_JOIN take constants */
    size_t width;            /* of the value it makes, in floats per row */
    size_t parts;            /* pieces of a row, at least 1 */
    struct weights weights;  /* STEP_LINEAR: until network_build packs them */
    struct linear linear;    /* filled by network_build */
    const struct relud_activation *activation;
    struct relud_activation_params params;
    enum element element;
    const uint32_t
        *map; /* STEP_GATHER: [width]; STEP_LOOKUP: [parts], which numbers of the operand */
    size_t gather_width; /* of a step with a map: width of the operand */
    const size_t *piece; /* STEP_JOIN: [operands], floats of each in one part */
    enum reduction reduction;
    size_t reduce_width;      /* STEP_REDUCE, STEP_TOP: width of the operand */
    float epsilon;            /* STEP_NORMALIZE: added to the variance */
    bool is_root_mean_square; /* STEP_NORMALIZE: the mean is not subtracted */
    bool is_exclusive;        /* STEP_CUMULATE: without x[i] itself */
    bool is_reverse;          /* STEP_CUMULATE: from the end */
    bool is_least;            /* STEP_TOP: the least numbers */
    bool is_index;            /* STEP_TOP: their indices in the piece */
    /* STEP_LOOKUP: [table_rows][width / parts]. NULL: the rows are one-hot, and a last one may be
     * there beyond them. A number that is no index gives NaNs. `name` is that of an embedding's
     * weight; NULL: the table was not trained. */
    const float *table;
    size_t table_rows;
    size_t other; /* one-hot: 1 + the index that a last row stands for; 0: that row is zeros */
};

/* Computes y[rows][width] from x[i], the rows of operand i or its constant. For the kinds of
 * step_may_be_in_place, y may be one of x; otherwise y must not overlap x. */
void step_run(const struct step *step, enum relud_isa isa, const float *const *x, float *y,
              size_t rows);

/* True if y may be the same memory as operand 0. */
bool step_may_be_in_place(const struct step *step);

#endif
