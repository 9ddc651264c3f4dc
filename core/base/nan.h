/* Replaces every NaN by the plain quiet NaN, 0x7fc00000. Otherwise the sign and payload of a NaN
 * would depend on the instruction and on the order of its operands, and results would differ
 * between machines. Everything that leaves the library goes through this. */
#ifndef CORE_BASE_NAN_H
#define CORE_BASE_NAN_H

#include <math.h>
#include <stddef.h>

static inline void nan_unify(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = values[i] == values[i] ? values[i] : NAN;
}

#endif
