/* Derivatives of the steps of a net, for one row, in double. */
#ifndef CORE_NET_DERIVATIVE_H
#define CORE_NET_DERIVATIVE_H

#include "core/net/step.h"

/* How a value depends on the net's input, near a row. */
enum value_shape {
    SHAPE_CONSTANT, /* not at all, as what comparisons make */
    SHAPE_LINEAR,
    SHAPE_SMOOTH,
    SHAPE_UNKNOWN, /* it was made by a step without a derivative here */
};

/* The shape of what the step makes of operands of these shapes. What a lookup makes counts as
 * linear: in its row of the table. */
enum value_shape step_shape(const struct step *step, const enum value_shape *operand);

/* One row of a step, to be gone through backwards. */
struct pull {
    enum relud_isa isa;
    const float *const *x; /* [operands] */
    const float *y;        /* [width] */
    const double *slope;   /* [width]: of an output, by y */
    double *const *to;     /* [operands]: slopes by x are added here; NULL: x[i] is constant */
    /* The slopes by zeros in x[0] are not needed; a linear step leaves them out. */
    bool skips_zeros;
    float *room; /* [the greater of width and width of x[0]] */
    const struct relud_watch *watch;
    bool is_ended; /* set if the watch ended it: not all slopes are there */
};

/* Adds the slopes. Returns what the step itself contributes, of a step whose value is linear: slope
 * times y, less what is pulled to the operands. Not for lookups and joins, which need no arithmetic
 * of their own. Numbers whose slope is 0 are left alone: they may be NaN. */
double step_pull(const struct step *step, struct pull *pull);

#endif
