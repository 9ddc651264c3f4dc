/* Replaces every NaN by the plain quiet NaN, 0x7fc00000. Otherwise the sign and payload of a NaN
 * would depend on the instruction and on the order of its operands, and results would differ
 * between machines. Everything that leaves the library goes through this. */
#ifndef CORE_BASE_NAN_H
#define CORE_BASE_NAN_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* By their bits: GCC makes no vectors of a comparison of floats. */
static inline void nan_unify(float *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        bits = (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc00000 : bits;
        memcpy(&values[i], &bits, sizeof bits);
    }
}

#endif
