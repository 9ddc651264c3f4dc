#include "core/element.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* ---- exp, log, erf, pow in double: the answer is the rounded one but for ties that 1e-11 cannot tell apart. The C
 * library's own differ with the instructions of the CPU. ---- */

#define LN2     0.693147180559945309417
#define LOG2_E  1.44269504088896340736
#define ROUNDER 0x1.8p52

static double exp_of(double x)
{
    if (!(x < 710))
        return x > 0 ? INFINITY : x;
    if (x < -700)
        return 0;
    double n = (x * LOG2_E + ROUNDER) - ROUNDER, r = x - n * LN2, sum = 1;
    for (int i = 12; i > 0; i--) /* Taylor, |r| ≤ ln 2 / 2: 1e-16 */
        sum = 1 + sum * r / i;
    uint64_t bits = (uint64_t)((int64_t)n + 1023) << 52;
    double power;
    memcpy(&power, &bits, sizeof power);
    return sum * power;
}

static double log_of(double x)
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

/* 2/√π e^(-x²) Σ 2^n x^(2n+1) / (2n+1)!!, whose terms are all of one sign (Abramowitz and Stegun 7.1.6). */
static double erf_of(double x)
{
    if (!(fabs(x) < 4)) /* 1 as float32 */
        return x > 0 ? 1 : x < 0 ? -1 : x;
    double term = x, sum = x;
    for (int i = 3; fabs(term) > 1e-12 * fabs(sum); i += 2) {
        term *= 2 * x * x / i;
        sum += term;
    }
    return 1.12837916709551257390 * exp_of(-x * x) * sum;
}

/* C's pow for whole and other exponents. */
static float pow_of(float x, float y)
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

/* ---- the table ---- */

static const struct row {
    const char *name;
    size_t operands;
} rows[ELEMENTS] = {
    [ELEMENT_NEG] = {"neg", 1},
    [ELEMENT_ABS] = {"abs", 1},
    [ELEMENT_SQRT] = {"sqrt", 1},
    [ELEMENT_RECIPROCAL] = {"reciprocal", 1},
    [ELEMENT_EXP] = {"exp", 1},
    [ELEMENT_LOG] = {"log", 1},
    [ELEMENT_ERF] = {"erf", 1},
    [ELEMENT_FLOOR] = {"floor", 1},
    [ELEMENT_CEIL] = {"ceil", 1},
    [ELEMENT_ROUND] = {"round", 1},
    [ELEMENT_TRUNC] = {"trunc", 1},
    [ELEMENT_SIGN] = {"sign", 1},
    [ELEMENT_NOT] = {"not", 1},
    [ELEMENT_TRUTH] = {"truth", 1},
    [ELEMENT_ADD] = {"add", 2},
    [ELEMENT_SUB] = {"sub", 2},
    [ELEMENT_MUL] = {"mul", 2},
    [ELEMENT_DIV] = {"div", 2},
    [ELEMENT_POW] = {"pow", 2},
    [ELEMENT_MIN] = {"min", 2},
    [ELEMENT_MAX] = {"max", 2},
    [ELEMENT_LESS] = {"less", 2},
    [ELEMENT_LESS_EQUAL] = {"less_equal", 2},
    [ELEMENT_GREATER] = {"greater", 2},
    [ELEMENT_GREATER_EQUAL] = {"greater_equal", 2},
    [ELEMENT_EQUAL] = {"equal", 2},
    [ELEMENT_AND] = {"and", 2},
    [ELEMENT_OR] = {"or", 2},
    [ELEMENT_XOR] = {"xor", 2},
    [ELEMENT_WHERE] = {"where", 3},
};

const char *element_name(enum element element)
{
    return rows[element].name;
}

size_t element_operands(enum element element)
{
    return rows[element].operands;
}

/* A loop for each pair of runs and single numbers, so that the compiler makes vectors of them. */
#define ONE(value)                                                                                 \
    for (size_t i = 0; i < n; i++) {                                                               \
        float x = a[i];                                                                            \
        y[i] = (value);                                                                            \
    }                                                                                              \
    break
#define LOOP(left, right, value)                                                                   \
    for (size_t i = 0; i < n; i++) {                                                               \
        float p = (left), q = (right);                                                             \
        y[i] = (value);                                                                            \
    }
#define TWO(value)                                                                                 \
    if (!is_one[0] && !is_one[1])                                                                  \
        LOOP(a[i], b[i], value)                                                                    \
    else if (is_one[1])                                                                            \
        LOOP(a[is_one[0] ? 0 : i], second, value)                                                  \
    else                                                                                           \
        LOOP(first, b[i], value)                                                                   \
    break

static void where(const struct element_operand *operand, float *y, size_t n)
{
    const struct element_operand *a = operand, *b = operand + 1, *c = operand + 2;
    float yes = b->at[0], no = c->at[0]; /* y may be any of the operands */
    bool is = a->at[0] != 0;
    for (size_t i = 0; i < n; i++) {
        bool is_yes = a->is_one ? is : a->at[i] != 0;
        y[i] = is_yes ? (b->is_one ? yes : b->at[i]) : (c->is_one ? no : c->at[i]);
    }
}

void element_run(enum element element, const struct element_operand *operand, float *y, size_t n)
{
    const float *a = operand[0].at, *b = rows[element].operands > 1 ? operand[1].at : a;
    bool is_one[] = {operand[0].is_one, rows[element].operands > 1 && operand[1].is_one};
    float first = n ? a[0] : 0, second = n ? b[0] : 0;
    switch (element) {
    case ELEMENT_NEG:
        ONE(-x);
    case ELEMENT_ABS:
        ONE(fabsf(x));
    case ELEMENT_SQRT:
        ONE(sqrtf(x));
    case ELEMENT_RECIPROCAL:
        ONE(1 / x);
    case ELEMENT_EXP:
        ONE((float)exp_of((double)x));
    case ELEMENT_LOG:
        ONE((float)log_of((double)x));
    case ELEMENT_ERF:
        ONE((float)erf_of((double)x));
    case ELEMENT_FLOOR:
        ONE(floorf(x));
    case ELEMENT_CEIL:
        ONE(ceilf(x));
    case ELEMENT_ROUND:
        ONE(nearbyintf(x));
    case ELEMENT_TRUNC:
        ONE(truncf(x));
    case ELEMENT_SIGN:
        ONE(x > 0 ? 1.0f : x < 0 ? -1.0f : x);
    case ELEMENT_NOT:
        ONE(x == 0 ? 1.0f : 0.0f);
    case ELEMENT_TRUTH:
        ONE(x != 0 ? 1.0f : 0.0f);
    case ELEMENT_ADD:
        TWO(p + q);
    case ELEMENT_SUB:
        TWO(p - q);
    case ELEMENT_MUL:
        TWO(p * q);
    case ELEMENT_DIV:
        TWO(p / q);
    case ELEMENT_POW:
        TWO(pow_of(p, q));
    case ELEMENT_MIN:
        TWO(p < q || isnan(p) ? p : q);
    case ELEMENT_MAX:
        TWO(p > q || isnan(p) ? p : q);
    case ELEMENT_LESS:
        TWO(p < q ? 1.0f : 0.0f);
    case ELEMENT_LESS_EQUAL:
        TWO(p <= q ? 1.0f : 0.0f);
    case ELEMENT_GREATER:
        TWO(p > q ? 1.0f : 0.0f);
    case ELEMENT_GREATER_EQUAL:
        TWO(p >= q ? 1.0f : 0.0f);
    case ELEMENT_EQUAL:
        TWO(p == q ? 1.0f : 0.0f);
    case ELEMENT_AND:
        TWO(p != 0 && q != 0 ? 1.0f : 0.0f);
    case ELEMENT_OR:
        TWO(p != 0 || q != 0 ? 1.0f : 0.0f);
    case ELEMENT_XOR:
        TWO((p != 0) != (q != 0) ? 1.0f : 0.0f);
    case ELEMENT_WHERE:
        where(operand, y, n);
        break;
    case ELEMENTS:
        break;
    }
}
