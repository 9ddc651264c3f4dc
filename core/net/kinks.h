/* Where a net that is linear around each row goes from one line to another. */
#ifndef CORE_NET_KINKS_H
#define CORE_NET_KINKS_H

#include "core/net/step.h"

/* A number that is 0 where two of a step's lines meet, and linear in the step's operands: the sum
 * of by · x[operand][index] over the terms, and a constant. */
struct kink_at {
    double value; /* for the step's operands as they are */
    size_t terms;
    struct {
        size_t operand, index;
        double by;
    } term[2];
};

/* How many kinks a step has; SIZE_MAX: its lines cannot be told, as those of floor. */
size_t step_kinks(const struct step *step);

/* Kink number `index`, for one row of the step's operands x[operands], each [width], and the value
 * y[width] that the step makes of it. */
struct kink_at step_kink(const struct step *step, const float *const *x, const float *y,
                         size_t index);

#endif
