/* The activations one float at a time. */
#include "core/kernels/activation_loops.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef float vec;
typedef bool mask;
enum { LANES = 1 };

#define OPERATION(type, name, parameters, value)                                                   \
    static inline type name parameters                                                             \
    {                                                                                              \
        return value;                                                                              \
    }
OPERATION(vec, v_set, (float c), c)
OPERATION(vec, v_load, (const float *at), *at)
static inline void v_store(float *at, vec v)
{
    *at = v;
}
OPERATION(vec, v_load_some, (const float *at, size_t n, vec rest), n ? *at : rest)
static inline void v_store_some(float *at, vec v, size_t n)
{
    if (n)
        *at = v;
}
OPERATION(vec, v_add, (vec a, vec b), a + b)
OPERATION(vec, v_sub, (vec a, vec b), a - b)
OPERATION(vec, v_mul, (vec a, vec b), a *b)
OPERATION(vec, v_div, (vec a, vec b), a / b)
OPERATION(vec, v_sqrt, (vec a), sqrtf(a))
OPERATION(vec, v_min, (vec a, vec b), a < b ? a : b)
OPERATION(vec, v_max, (vec a, vec b), a > b ? a : b)
OPERATION(vec, v_neg, (vec a), -a)
OPERATION(vec, v_abs, (vec a), fabsf(a))
OPERATION(vec, v_copysign, (vec a, vec sign), copysignf(a, sign))
OPERATION(mask, v_lt, (vec a, vec b), a < b)
OPERATION(mask, v_le, (vec a, vec b), a <= b)
OPERATION(mask, v_gt, (vec a, vec b), a > b)
OPERATION(mask, v_and, (mask a, mask b), a &&b)
OPERATION(vec, v_select, (mask m, vec a, vec b), m ? a : b)

#if defined(__FP_FAST_FMAF)
OPERATION(vec, v_fma, (vec a, vec b, vec c), fmaf(a, b, c))
#else
/* fmaf of a C library without the instruction takes 20 ns; this 3. The product is exact in double,
 * and rounding its sum with c twice is right unless the first rounding ends between two floats. */
static inline vec v_fma(vec a, vec b, vec c)
{
    double product = (double)a * (double)b, sum = product + (double)c;
    uint64_t bits;
    memcpy(&bits, &sum, sizeof bits);
    bool is_between = (bits & 0x1fffffff) == 0x10000000, is_small = fabs(sum) < 0x1p-126;
    if (!is_between && !is_small)
        return (float)sum;
    /* Rounded to odd instead (Boldo and Melquiond 2008), by the error from Knuth's TwoSum. */
    double added = sum - product, error = (product - (sum - added)) + ((double)c - added);
    uint64_t is_inexact = error != 0, is_past = (error < 0) != (sum < 0);
    bits = (bits - (is_inexact & is_past)) | is_inexact;
    memcpy(&sum, &bits, sizeof sum);
    return (float)sum;
}
#endif
static inline vec power_of_two(uint32_t n)
{
    uint32_t bits = (n + 127) << 23;
    vec power;
    memcpy(&power, &bits, sizeof power);
    return power;
}
/* a · 2^n in two steps, of which only the second may round: 2^n alone may be beyond the exponents.
 * The lowest bits of n + 1.5 · 2^23 are n; NaN gives any power. */
static inline vec v_scale(vec a, vec n)
{
    vec shifted = n + 0x1.8p23f;
    int32_t whole;
    memcpy(&whole, &shifted, sizeof whole);
    whole -= 0x4b400000;
    int32_t half = whole >> 1;
    return a * power_of_two((uint32_t)half) * power_of_two((uint32_t)(whole - half));
}

#include "core/kernels/activation_kernels.h"

TABLE(activation_scalar)
