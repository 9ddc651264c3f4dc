#include "core/kernels/element.h"

#include "core/kernels/functions.h"
#include <math.h>

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
    [ELEMENT_IS_NAN] = {"is_nan", 1},
    [ELEMENT_SIN] = {"sin", 1},
    [ELEMENT_COS] = {"cos", 1},
    [ELEMENT_TAN] = {"tan", 1},
    [ELEMENT_ASIN] = {"asin", 1},
    [ELEMENT_ACOS] = {"acos", 1},
    [ELEMENT_ATAN] = {"atan", 1},
    [ELEMENT_SINH] = {"sinh", 1},
    [ELEMENT_COSH] = {"cosh", 1},
    [ELEMENT_ASINH] = {"asinh", 1},
    [ELEMENT_ACOSH] = {"acosh", 1},
    [ELEMENT_ATANH] = {"atanh", 1},
    [ELEMENT_ADD] = {"add", 2},
    [ELEMENT_SUB] = {"sub", 2},
    [ELEMENT_MUL] = {"mul", 2},
    [ELEMENT_DIV] = {"div", 2},
    [ELEMENT_POW] = {"pow", 2},
    [ELEMENT_MOD] = {"mod", 2},
    [ELEMENT_FMOD] = {"fmod", 2},
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

/* One loop for each combination of arrays and single numbers, so that the compiler can vectorize
 * each. */
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
    else if (!is_one[0])                                                                           \
        LOOP(a[i], second, value)                                                                  \
    else if (is_one[1])                                                                            \
        LOOP(first, second, value)                                                                 \
    else                                                                                           \
        LOOP(first, b[i], value)                                                                   \
    break

static void where(const struct element_operand *operand, float *y, size_t n)
{
    const struct element_operand *a = operand, *b = operand + 1, *c = operand + 2;
    float yes = b->at[0], no = c->at[0]; /* read first: y may be any of the operands */
    bool is = a->at[0] != 0;
    for (size_t i = 0; i < n; i++) {
        bool is_yes = a->is_one ? is : a->at[i] != 0;
        y[i] = is_yes ? (b->is_one ? yes : b->at[i]) : (c->is_one ? no : c->at[i]);
    }
}

static void run_one(enum element element, const float *a, float *y, size_t n)
{
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
    case ELEMENT_IS_NAN:
        ONE(isnan(x) ? 1.0f : 0.0f);
    case ELEMENT_SIN:
        ONE((float)sin_of(x));
    case ELEMENT_COS:
        ONE((float)cos_of(x));
    case ELEMENT_TAN:
        ONE((float)tan_of(x));
    case ELEMENT_ASIN:
        ONE((float)asin_of(x));
    case ELEMENT_ACOS:
        ONE((float)acos_of(x));
    case ELEMENT_ATAN:
        ONE((float)atan_of((double)x));
    case ELEMENT_SINH:
        ONE((float)sinh_of(x));
    case ELEMENT_COSH:
        ONE((float)cosh_of(x));
    case ELEMENT_ASINH:
        ONE((float)asinh_of(x));
    case ELEMENT_ACOSH:
        ONE((float)acosh_of(x));
    case ELEMENT_ATANH:
        ONE((float)atanh_of(x));
    default:
        break;
    }
}

static void run_two(enum element element, const float *a, const float *b, const bool *is_one,
                    float *y, size_t n)
{
    float first = n ? a[0] : 0, second = n ? b[0] : 0; /* read first: y may be an operand */
    switch (element) {
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
    case ELEMENT_MOD:
        TWO(modulo_of(p, q));
    case ELEMENT_FMOD:
        TWO(fmodf(p, q));
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
    default:
        break;
    }
}

void element_run(enum element element, const struct element_operand *operand, float *y, size_t n)
{
    switch (rows[element].operands) {
    case 1:
        run_one(element, operand[0].at, y, n);
        break;
    case 2:
        run_two(element, operand[0].at, operand[1].at,
                (const bool[]){operand[0].is_one, operand[1].is_one}, y, n);
        break;
    default:
        where(operand, y, n);
    }
}
