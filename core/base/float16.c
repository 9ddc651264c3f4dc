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
