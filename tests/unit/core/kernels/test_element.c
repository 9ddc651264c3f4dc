/* Arithmetic between rows against the C library's, for runs and single numbers. */
#include "tests/unit/suite.h"

#include "core/kernels/element.h"
#include <math.h>
#include <stdint.h>
#include <stdio.h>

enum { NUMBERS = 16 };

static const float numbers[NUMBERS] = {0,     -0.0f,    1,         -1,  2,     -2,    0.5f, -1.5f,
                                       2.75f, INFINITY, -INFINITY, NAN, 1e-3f, 30.5f, 3,    -3};

static float of_one(enum element element, float x)
{
    switch (element) {
    case ELEMENT_NEG:
        return -x;
    case ELEMENT_ABS:
        return fabsf(x);
    case ELEMENT_SQRT:
        return sqrtf(x);
    case ELEMENT_RECIPROCAL:
        return 1 / x;
    case ELEMENT_EXP:
        return (float)exp((double)x);
    case ELEMENT_LOG:
        return (float)log((double)x);
    case ELEMENT_ERF:
        return (float)erf((double)x);
    case ELEMENT_SIN:
        return (float)sin((double)x);
    case ELEMENT_COS:
        return (float)cos((double)x);
    case ELEMENT_TAN:
        return (float)tan((double)x);
    case ELEMENT_ASIN:
        return (float)asin((double)x);
    case ELEMENT_ACOS:
        return (float)acos((double)x);
    case ELEMENT_ATAN:
        return (float)atan((double)x);
    case ELEMENT_SINH:
        return (float)sinh((double)x);
    case ELEMENT_COSH:
        return (float)cosh((double)x);
    case ELEMENT_ASINH:
        return (float)asinh((double)x);
    case ELEMENT_ACOSH:
        return (float)acosh((double)x);
    case ELEMENT_ATANH:
        return (float)atanh((double)x);
    case ELEMENT_IS_NAN:
        return (float)!!isnan(x);
    case ELEMENT_FLOOR:
        return floorf(x);
    case ELEMENT_CEIL:
        return ceilf(x);
    case ELEMENT_ROUND:
        return rintf(x);
    case ELEMENT_TRUNC:
        return truncf(x);
    case ELEMENT_SIGN:
        return isnan(x) ? x : (float)((x > 0) - (x < 0));
    case ELEMENT_NOT:
        return (float)!x;
    default:
        return (float)!!x;
    }
}

static float of_two(enum element element, float p, float q)
{
    bool is_nan = isnan(p) || isnan(q);
    switch (element) {
    case ELEMENT_ADD:
        return p + q;
    case ELEMENT_SUB:
        return p - q;
    case ELEMENT_MUL:
        return p * q;
    case ELEMENT_DIV:
        return p / q;
    case ELEMENT_POW:
        return (float)pow((double)p, (double)q);
    case ELEMENT_FMOD:
        return (float)fmod((double)p, (double)q);
    case ELEMENT_MOD: /* Python's % */
        return is_nan || isinf(p) || q == 0 ? NAN
               : isinf(q)                   ? ((p < 0) == (q < 0) || p == 0 ? p : q)
                          : (float)((double)p - floor((double)p / (double)q) * (double)q);
    case ELEMENT_MIN:
        return is_nan ? NAN : p < q ? p : q;
    case ELEMENT_MAX:
        return is_nan ? NAN : p > q ? p : q;
    case ELEMENT_LESS:
        return p < q;
    case ELEMENT_LESS_EQUAL:
        return p <= q;
    case ELEMENT_GREATER:
        return p > q;
    case ELEMENT_GREATER_EQUAL:
        return p >= q;
    case ELEMENT_EQUAL:
        return p == q;
    case ELEMENT_AND:
        return p && q;
    case ELEMENT_OR:
        return p || q;
    default:
        return !p != !q;
    }
}

static bool is_near(float got, float wanted)
{
    return got == wanted || (isnan(got) && isnan(wanted)) ||
           fabsf(got - wanted) <= 1e-6f * fabsf(wanted);
}

/* The runs a[n] and b[n], where a single number stands for n of them. */
static void check_two(enum element element, const float *a, const float *b, size_t n,
                      const bool is_one[2])
{
    float y[NUMBERS];
    const struct element_operand operand[] = {{a, is_one[0]}, {b, is_one[1]}};
    element_run(element, operand, y, n);
    for (size_t i = 0; i < n; i++) {
        float p = a[is_one[0] ? 0 : i], q = b[is_one[1] ? 0 : i];
        if (!is_near(y[i], of_two(element, p, q)))
            ck_abort_msg("%s of %g and %g is %g", element_name(element), (double)p, (double)q,
                         (double)y[i]);
    }
}

START_TEST(functions_of_one_number)
{
    for (int element = ELEMENT_NEG; element <= ELEMENT_ATANH; element++) {
        float y[NUMBERS];
        ck_assert_uint_eq(element_operands((enum element)element), 1);
        memcpy(y, numbers, sizeof y); /* in place */
        element_run((enum element)element, &(struct element_operand){y, false}, y, NUMBERS);
        for (size_t i = 0; i < NUMBERS; i++)
            if (!is_near(y[i], of_one((enum element)element, numbers[i])))
                ck_abort_msg("%s of %g is %g", element_name((enum element)element),
                             (double)numbers[i], (double)y[i]);
    }
}
END_TEST

START_TEST(functions_of_two_numbers)
{
    for (int element = ELEMENT_ADD; element <= ELEMENT_XOR; element++)
        for (size_t k = 0; k < NUMBERS; k++) {
            float other[NUMBERS];
            ck_assert_uint_eq(element_operands((enum element)element), 2);
            for (size_t i = 0; i < NUMBERS; i++)
                other[i] = numbers[(i + k) % NUMBERS];
            for (int mode = 0; mode < 4; mode++)
                check_two((enum element)element, numbers, other, NUMBERS,
                          (const bool[]){mode & 1, mode & 2});
            check_two((enum element)element, numbers + k, other, 0, (const bool[]){false, false});
        }
}
END_TEST

START_TEST(one_of_two_by_a_condition)
{
    const float is[4] = {1, 0, NAN, -0.0f}, yes[4] = {1, 2, 3, 4}, no[4] = {5, 6, 7, 8};
    ck_assert_uint_eq(element_operands(ELEMENT_WHERE), 3);
    for (int mode = 0; mode < 8; mode++) {
        const struct element_operand operand[] = {{is, mode & 1}, {yes, mode & 2}, {no, mode & 4}};
        float y[4];
        element_run(ELEMENT_WHERE, operand, y, 4);
        for (int i = 0; i < 4; i++)
            ck_assert(y[i] ==
                      (is[mode & 1 ? 0 : i] != 0 ? yes[mode & 2 ? 0 : i] : no[mode & 4 ? 0 : i]));
    }
}
END_TEST

/* Beyond float32's range and at the edges of the series. */
START_TEST(exponentials_at_their_limits)
{
    const float x[] = {-800, -701, 88.7f, 89, 709, 711, 1e-30f, -87.5f};
    float y[8];
    element_run(ELEMENT_EXP, &(struct element_operand){x, false}, y, 8);
    for (int i = 0; i < 8; i++)
        ck_assert_msg(is_near(y[i], (float)exp((double)x[i])), "exp %g is %g", (double)x[i],
                      (double)y[i]);
    for (float at = 1e-6f; at < 6; at *= 1.37f)
        for (int sign = -1; sign <= 1; sign += 2) {
            float of = at * (float)sign, got;
            element_run(ELEMENT_ERF, &(struct element_operand){&of, false}, &got, 1);
            ck_assert_msg(is_near(got, (float)erf((double)of)), "erf %g is %g", (double)of,
                          (double)got);
        }
}
END_TEST

/* The twin is the C library's function in double: every 65,521st float32 of all there are, which
 * reaches each exponent and sign. Our result is the same float32, or its neighbour where the twin
 * lies near a tie. */
START_TEST(functions_over_all_float32)
{
    for (int element = ELEMENT_SIN; element <= ELEMENT_ATANH; element++)
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 65521) {
            uint32_t pattern = (uint32_t)bits;
            float x, got, wanted;
            memcpy(&x, &pattern, sizeof x);
            wanted = of_one((enum element)element, x);
            element_run((enum element)element, &(struct element_operand){&x, false}, &got, 1);
            bool is_same = (isnan(got) && isnan(wanted)) ||
                           (got == wanted && signbit(got) == signbit(wanted)) ||
                           got == nextafterf(wanted, INFINITY) ||
                           got == nextafterf(wanted, -INFINITY);
            ck_assert_msg(is_same, "%s of %a is %a, not %a", element_name((enum element)element),
                          (double)x, (double)got, (double)wanted);
        }
}
END_TEST

/* The bits of the functions over 65,000 arguments, as one hash (FNV-1a): every machine must have
 * this one. */
START_TEST(functions_have_the_same_bits_everywhere)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int element = ELEMENT_SIN; element <= ELEMENT_ATANH; element++)
        for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 65521) {
            uint32_t pattern = (uint32_t)bits;
            float x, y;
            memcpy(&x, &pattern, sizeof x);
            element_run((enum element)element, &(struct element_operand){&x, false}, &y, 1);
            memcpy(&pattern, &y, sizeof y);
            hash = (hash ^ (isnan(y) ? 0x7fc00000 : pattern)) * 0x100000001b3u;
        }
    ck_assert_msg(hash == 0x5d1fbae2b611da00, "the hash is %#llx", (unsigned long long)hash);
}
END_TEST

/* Near multiples of π/2 the quadrants must be counted with many bits. No other float32 is as near to
 * one as 16367173 · 2^72 (Muller, Elementary Functions). */
START_TEST(arguments_near_multiples_of_half_pi)
{
    static const float near[] = {1.57079637f, 3.14159274f,        6.28318548f,    355,
                                 710,         16367173 * 0x1p72f, 0x1.47d0fep34f, 3.4e38f};
    for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        for (int element = ELEMENT_SIN; element <= ELEMENT_TAN; element++)
            for (int sign = -1; sign <= 1; sign += 2) {
                float x = near[i] * (float)sign, got;
                element_run((enum element)element, &(struct element_operand){&x, false}, &got, 1);
                ck_assert_msg(is_near(got, of_one((enum element)element, x)), "%s of %a is %a",
                              element_name((enum element)element), (double)x, (double)got);
            }
}
END_TEST

RUN_SUITE("element", functions_of_one_number, functions_of_two_numbers, one_of_two_by_a_condition,
          exponentials_at_their_limits, functions_over_all_float32,
          functions_have_the_same_bits_everywhere, arguments_near_multiples_of_half_pi)
