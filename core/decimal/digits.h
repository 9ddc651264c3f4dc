/* Shared by core/decimal/read.c, run.c and write.c: conversion from digits to numbers and from
 * numbers to float32. */
#ifndef CORE_DECIMAL_DIGITS_H
#define CORE_DECIMAL_DIGITS_H

#include "core/decimal/decimal.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum { DECIMAL_QUICK_BYTES = 48 }; /* bytes that decimal_read_quickly may read */

/* Like decimal_read, but at least DECIMAL_QUICK_BYTES bytes must be readable at `at`. */
const char *decimal_read_quickly(const char *at, const char *end, float *value);

/* The 128 leading bits of 5^q. core/decimal/gen_powers.c makes the table. */
enum { POWERS_FIRST = -65, POWERS_LAST = 45 };
enum { POWERS_EXACT_LAST = 27 }; /* 5^27 is the last one that fits into 64 bits */
struct power {
    uint64_t high, low;
};

#pragma GCC visibility push(hidden)
extern const struct power decimal_powers[POWERS_LAST - POWERS_FIRST + 1];
extern const double decimal_tens[23];         /* the powers of ten that a double holds exactly */
extern const uint64_t decimal_whole_tens[17]; /* 10^0 to 10^16 */
#pragma GCC visibility pop

/* Loads eight bytes; the first one becomes the lowest byte. */
INLINE uint64_t load(const char *at)
{
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    bytes = __builtin_bswap64(bytes);
#endif
    return bytes;
}

/* Rounds w · 10^q to the nearest double. w must not be 0, and q must lie in the table; the result
 * is then neither subnormal nor infinite. The method is Eisel–Lemire (Lemire, "Number Parsing at a
 * Gigabyte per Second", 2021). It needs no fallback if w is exact (Mushtak, Lemire, "Fast number
 * parsing without fallback", 2022). */
INLINE double round_product(uint64_t w, int q)
{
    const struct power *power = &decimal_powers[q - POWERS_FIRST];
    int zeros = __builtin_clzll(w);
    w <<= zeros;
    uint128 product = (uint128)w * power->high;
    uint64_t high = (uint64_t)(product >> 64), low = (uint64_t)product;
    if ((high & 0x1ff) == 0x1ff) { /* a carry could still reach the upper 55 bits */
        uint64_t more = (uint64_t)(((uint128)w * power->low) >> 64);
        low += more;
        high += low < more;
    }
    int top = (int)(high >> 63);
    uint64_t mantissa = high >> (top + 9); /* 54 bits: the lowest decides the rounding */
    int power_log = ((217706 * q + (1024 << 16)) >> 16) - 1024; /* ⌊log2(10^q)⌋ */
    int exponent = power_log + 63 + top - zeros + 1023;
    if (low <= 1 && q >= -4 && q <= 23 && (mantissa & 3) == 1 && mantissa << (top + 9) == high)
        mantissa &= ~(uint64_t)1; /* exactly half way: round to even */
    mantissa = (mantissa + (mantissa & 1)) >> 1;
    /* The hidden bit, and a carry out of the mantissa, add one to the exponent. */
    uint64_t bits = ((uint64_t)(exponent - 1) << 52) + mantissa;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Rounds w · 10^-places to the nearest double. `places` is at most 22. */
INLINE double round_places(uint64_t w, size_t places)
{
    /* Up to 2^53 both operands are exact, so the division rounds once (Clinger 1990). */
    if (w <= UINT64_C(1) << 53)
        return (double)(int64_t)w / decimal_tens[places];
    return round_product(w, -(int)places);
}

/* The bits of ±magnitude as float32. A branch on the sign would be mispredicted half of the
 * time. */
INLINE uint32_t float_bits(double magnitude, uint32_t is_negative)
{
    float value = (float)magnitude;
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits | is_negative << 31;
}

INLINE bool is_finite(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7f800000) != 0x7f800000;
}

/* Reads an optional sign and one or two digits after the 'e', and adds them to *exponent. Returns
 * the byte after them, or NULL for anything else. */
INLINE const char *read_exponent(const char *at, int *exponent)
{
    bool is_negative = *at == '-';
    at += is_negative | (*at == '+');
    unsigned first = (unsigned)(at[0] - '0'), second = (unsigned)(at[1] - '0');
    bool is_pair = second < 10;
    if ((first > 9) | (is_pair & ((unsigned)(at[2] - '0') < 10)))
        return NULL;
    int size = (int)(is_pair ? first * 10 + second : first), sign = -(int)is_negative;
    *exponent += (size ^ sign) - sign;
    return at + 1 + is_pair;
}

#endif
