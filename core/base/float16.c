#include "core/base/float16.h"

#include <math.h>
#include <string.h>

float float32_from_float16(uint16_t bits)
{
    int exponent = bits >> 10 & 31;
    float fraction = (float)(bits & 1023);
    float size;
    if (exponent == 31)
        size = bits & 1023 ? NAN : INFINITY;
    else if (exponent == 0)
        size = ldexpf(fraction, -24);
    else
        size = ldexpf(fraction + 1024, exponent - 25);
    return bits >> 15 ? -size : size;
}

float float32_from_bfloat16(uint16_t bits)
{
    uint32_t wide = (uint32_t)bits << 16;
    float value;
    memcpy(&value, &wide, sizeof value);
    return value;
}

static uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* The exponent that a binary16 would store, if it were normal. */
static int exponent_of(uint32_t bits)
{
    return (int)(bits >> 23 & 255) - 127 + 15;
}

bool float16_is_exact(float value)
{
    uint32_t bits = bits_of(value), fraction = bits & 0x7fffff;
    int exponent = exponent_of(bits);
    if (exponent > 30 || exponent < -9)
        return value == 0;
    if (exponent > 0)
        return (fraction & 0x1fff) == 0;
    return ((fraction | 0x800000) & (((uint32_t)1 << (14 - exponent)) - 1)) == 0; /* subnormal */
}

uint16_t float16_from_float32(float value)
{
    uint32_t bits = bits_of(value), sign = bits >> 16 & 0x8000, fraction = bits & 0x7fffff;
    int exponent = exponent_of(bits);
    if (exponent < -9)
        return (uint16_t)sign;
    if (exponent > 0)
        return (uint16_t)(sign | (uint32_t)exponent << 10 | fraction >> 13);
    return (uint16_t)(sign | (fraction | 0x800000) >> (14 - exponent));
}
