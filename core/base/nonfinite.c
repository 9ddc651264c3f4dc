#include <relud/data.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/* Adding one to an exponent that is all ones carries into the sign bit. */
static inline __attribute__((always_inline)) bool has_nonfinite(const float *values, size_t count)
{
    uint32_t carries = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof bits);
        carries |= (bits & 0x7fffffff) + 0x00800000;
    }
    return carries >> 31;
}

size_t relud_find_nonfinite(const float *values, size_t count)
{
    enum { BLOCK = 128 }; /* a constant length without a branch lets the compiler use vectors */
    size_t i = 0;
    while (i + BLOCK <= count && !has_nonfinite(values + i, BLOCK))
        i += BLOCK;
    while (i < count && isfinite(values[i]))
        i++;
    return i;
}
