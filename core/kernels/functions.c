#include "core/kernels/functions.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* ---- exp, log, erf and pow ---- */

#define LN2     0.693147180559945309417
#define LOG2_E  1.44269504088896340736
#define ROUNDER 0x1.8p52

double exp_of(double x)
{
    if (!(x < 710))
        return x > 0 ? INFINITY : x;
    if (x < -700)
        return 0;
    double n = (x * LOG2_E + ROUNDER) - ROUNDER, r = x - n * LN2, sum = 1;
    for (int i = 12; i > 0; i--) /* Taylor series for |r| ≤ ln 2 / 2; error 1e-16 */
        sum = 1 + sum * r / i;
    uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

double log_of(double x)
{
    if (!(x > 0) || x == INFINITY)
        return x == 0 ? -INFINITY : x > 0 ? x : NAN;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffff) | 0x3ff0000000000000;
    double m;
    memcpy(&m, &bits, sizeof m);
    if (m > 1.41421356237309505) {
        m /= 2;
        exponent++;
    }
    double s = (m - 1) / (m + 1), square = s * s, sum = 0; /* log m = 2 artanh s, |s| ≤ 0.172 */
    for (int i = 21; i > 0; i -= 2)
        sum = sum * square + 1.0 / i;
    return (double)exponent * LN2 + 2 * s * sum;
}

/* 2/√π e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!. All terms have the same sign (Abramowitz and Stegun
 * 7.1.6). */
double erf_of(double x)
{
    if (!(fabs(x) < 4)) /* erf(4) rounds to 1 as float32 */
        return x > 0 ? 1 : x < 0 ? -1 : x;
    double term = x, sum = x;
    for (int i = 3; fabs(term) > 1e-12 * fabs(sum); i += 2) {
        term *= 2 * x * x / i;
        sum += term;
    }
    return 1.12837916709551257390 * exp_of(-x * x) * sum;
}

float pow_of(float x, float y)
{
    bool is_whole = y == truncf(y), is_odd = is_whole && fmodf(y, 2) != 0;
    if (y == 0 || x == 1)
        return 1;
    if (y == 1 || isnan(x) || isnan(y))
        return y == 1 ? x : NAN;
    if (y == 2)
        return x * x;
    if (isinf(y))
        return fabsf(x) == 1 ? 1 : (fabsf(x) > 1) == (y > 0) ? INFINITY : 0;
    if (x < 0 && !is_whole && x > -INFINITY)
        return NAN;
    float size = (float)exp_of((double)y * log_of(fabs((double)x)));
    return signbit(x) && is_odd ? -size : size;
}

/* ---- sin, cos, tan ---- */

#define HALF_PI 1.57079632679489661923

/* 2/π in binary: 32 zeros, then 256 bits. */
static const uint32_t two_by_pi[] = {0,          0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0,
                                     0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561};

/* The 32 bits from bit `at` of two_by_pi on. */
static uint32_t bits_at(unsigned at)
{
    unsigned word = at / 32, shift = at % 32;
    uint64_t pair = (uint64_t)two_by_pi[word] << 32;
    if (shift)
        pair |= two_by_pi[word + 1];
    return (uint32_t)(pair >> (32 - shift));
}

/* Returns r, with x = n π/2 + r and |r| ≤ π/4, and sets *quadrant to n modulo 4 (Payne and Hanek
 * 1983). For finite x. With x = m 2^e, where m is a whole number below 2^24, it multiplies m by 128
 * bits of 2/π. The bits before them make multiples of four quadrants; those after them make less
 * than 2^-102 of one. */
static double reduce(float x, unsigned *quadrant)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    *quadrant = 0;
    if ((bits & 0x7fffffff) < 0x3f490fdb) /* π/4 */
        return (double)x;
    uint64_t m = (bits & 0x7fffff) | 0x800000, word[4], carry = 0;
    /* e is the exponent field - 150. The first bit taken is the one of weight 2^(1 - e). */
    unsigned from = (bits >> 23 & 0xff) - 120;
    for (unsigned i = 4; i-- > 0; carry >>= 32) {
        carry += m * bits_at(from + 32 * i);
        word[i] = carry & 0xffffffff;
    }
    /* `high` has two bits of quadrants before the point; `low` continues it. */
    uint64_t high = word[0] << 32 | word[1], low = word[2] << 32 | word[3];
    uint64_t n = (high >> 62) + (high >> 61 & 1); /* the nearest whole number */
    double part = (double)(int64_t)(high - (n << 62)) + (double)low * 0x1p-64;
    bool is_negative = bits >> 31;
    *quadrant = (unsigned)(is_negative ? 4 - n : n) & 3;
    return (is_negative ? -part : part) * 0x1p-62 * HALF_PI;
}

/* Taylor series for |r| ≤ π/4. The terms left out are below 6e-17 of the result. */
static double sin_series(double r)
{
    double square = r * r, sum = 1;
    for (int i = 14; i > 0; i -= 2)
        sum = 1 - sum * square / (i * (i + 1));
    return r * sum;
}

static double cos_series(double r)
{
    double square = r * r, sum = 1;
    for (int i = 15; i > 0; i -= 2)
        sum = 1 - sum * square / (i * (i + 1));
    return sum;
}

double sin_of(float x)
{
    unsigned quadrant;
    if (!isfinite(x))
        return NAN;
    double r = reduce(x, &quadrant), size = quadrant & 1 ? cos_series(r) : sin_series(r);
    return quadrant & 2 ? -size : size;
}

double cos_of(float x)
{
    unsigned quadrant;
    if (!isfinite(x))
        return NAN;
    double r = reduce(x, &quadrant), size = quadrant & 1 ? sin_series(r) : cos_series(r);
    return (quadrant + 1) & 2 ? -size : size;
}

double tan_of(float x)
{
    unsigned quadrant;
    if (!isfinite(x))
        return NAN;
    double r = reduce(x, &quadrant), sine = sin_series(r), cosine = cos_series(r);
    return quadrant & 1 ? -cosine / sine : sine / cosine;
}

/* ---- asin, acos, atan ---- */

/* atan a = atan c + atan((a - c) / (1 + a c)), where c is the nearest eighth. Beyond 1 it is
 * π/2 - atan(1 / a). The series is for numbers up to 1/16; its error is below 1e-20. */
double atan_of(double x)
{
    static const double eighths[] = {
        0,
        0x1.fd5ba9aac2f6ep-4,
        0x1.f5b75f92c80ddp-3,
        0x1.6f61941e4def1p-2,
        0x1.dac670561bb4fp-2,
        0x1.1e00babdefeb4p-1,
        0x1.4978fa3269ee1p-1,
        0x1.700a7c5784634p-1,
        0x1.921fb54442d18p-1,
    };
    if (isnan(x))
        return x;
    double a = fabs(x), inner = a > 1 ? 1 / a : a, sum = 0;
    int nearest = (int)(inner * 8 + 0.5);
    double c = nearest / 8.0, z = (inner - c) / (1 + inner * c), square = z * z;
    for (int i = 15; i > 0; i -= 2)
        sum = 1.0 / i - sum * square;
    double angle = eighths[nearest] + z * sum;
    return copysign(a > 1 ? HALF_PI - angle : angle, x);
}

/* 1 - x and 1 + x are exact enough in double, so nothing is lost near 1. */
double asin_of(float x)
{
    double a = (double)x;
    return fabsf(x) > 1 ? NAN : atan_of(a / sqrt((1 - a) * (1 + a)));
}

double acos_of(float x)
{
    double a = (double)x;
    return fabsf(x) > 1 ? NAN : 2 * atan_of(sqrt((1 - a) / (1 + a)));
}

/* ---- the hyperbolic functions and their inverses ---- */

double sinh_of(float x)
{
    double a = fabs((double)x), square = a * a, sum = 1;
    if (a > 1) {
        double power = exp_of(a);
        return copysign((power - 1 / power) / 2, (double)x);
    }
    for (int i = 16; i > 0; i -= 2) /* Taylor series; error 1e-17 */
        sum = 1 + sum * square / (i * (i + 1));
    return (double)x * sum;
}

double cosh_of(float x)
{
    double power = exp_of(fabs((double)x));
    return (power + 1 / power) / 2;
}

/* s + s³/3 + s⁵/5 + …, for |s| ≤ 0.2; error 1e-18. */
static double artanh_series(double s)
{
    double square = s * s, sum = 0;
    for (int i = 23; i > 0; i -= 2)
        sum = sum * square + 1.0 / i;
    return s * sum;
}

/* log(1 + u), for u ≥ 0. */
static double log1p_of(double u)
{
    return u < 0.5 ? 2 * artanh_series(u / (2 + u)) : log_of(1 + u);
}

/* log(a + √(a² + 1)), where √(a² + 1) - 1 is written as a² / (√(a² + 1) + 1). */
double asinh_of(float x)
{
    double a = fabs((double)x), size = log1p_of(a + a * a / (1 + sqrt(a * a + 1)));
    return isinf(x) ? (double)x : copysign(size, (double)x);
}

/* log(x + √(x² - 1)), with t = x - 1. */
double acosh_of(float x)
{
    double t = (double)x - 1;
    return x < 1 ? NAN : log1p_of(t + sqrt(t * (t + 2)));
}

double atanh_of(float x)
{
    double a = fabs((double)x);
    if (a > 1)
        return NAN;
    return copysign(a < 0.2 ? artanh_series(a) : log_of((1 + a) / (1 - a)) / 2, (double)x);
}

/* ---- remainders ---- */

/* fmodf is exact, so it gives the same bits with every C library. */
float modulo_of(float p, float q)
{
    float rest = fmodf(p, q);
    if (rest == 0)
        return 0;
    return (rest < 0) != (q < 0) ? rest + q : rest;
}
