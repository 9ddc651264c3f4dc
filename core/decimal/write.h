/* Shared by core/decimal/write.c and write_avx2.c, which write the same text. */
#ifndef CORE_DECIMAL_WRITE_H
#define CORE_DECIMAL_WRITE_H

#include "core/decimal/digits.h"

/* Like relud_float_to_text, but may write to DECIMAL_WRITE_BYTES bytes of `out`. */
enum { DECIMAL_WRITE_BYTES = 32 };
size_t decimal_write(float value, char *out);

/* Writes values[count] with a comma behind each one, and returns the length. It may write to
 * DECIMAL_WRITE_BYTES bytes from where the last value begins. */
size_t decimal_write_avx2(const float *values, size_t count, char *out);

/* ⌊log10(2^q)⌋ and ⌊log2(10^q)⌋. The added constants keep negative numbers from being shifted. */
enum { LOG10_2 = 1262611, LOG10_2_BITS = 22, LOG2_10 = 1741647, LOG2_10_BITS = 19 };

/* Writes an exponent such as "e-7" and returns its length. */
INLINE size_t write_exponent(int exponent, char *out)
{
    unsigned is_negative = exponent < 0,
             size = is_negative ? (unsigned)-exponent : (unsigned)exponent;
    unsigned is_pair = size > 9;
    out[0] = 'e';
    out[1] = '-';
    out += 1 + is_negative;
    out[0] = (char)('0' + size / 10);
    out[is_pair] = (char)('0' + size % 10);
    return 2 + is_negative + is_pair;
}

#endif
