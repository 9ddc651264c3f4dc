/* Element-wise arithmetic other than activations: what ONNX graphs consist of besides layers. Every
 * function is a fixed sequence of IEEE operations, so the bits are the same on every machine.
 * Conditions give 0 or 1. */
#ifndef CORE_KERNELS_ELEMENT_H
#define CORE_KERNELS_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

enum element {
    /* one operand */
    ELEMENT_NEG,
    ELEMENT_ABS,
    ELEMENT_SQRT,
    ELEMENT_RECIPROCAL,
    ELEMENT_EXP,
    ELEMENT_LOG,
    ELEMENT_ERF,
    ELEMENT_FLOOR,
    ELEMENT_CEIL,
    ELEMENT_ROUND, /* ties to even */
    ELEMENT_TRUNC,
    ELEMENT_SIGN,
    ELEMENT_NOT,
    ELEMENT_TRUTH, /* 1 for everything except 0 */
    ELEMENT_IS_NAN,
    ELEMENT_SIN, /* from here on: core/kernels/functions.h */
    ELEMENT_COS,
    ELEMENT_TAN,
    ELEMENT_ASIN,
    ELEMENT_ACOS,
    ELEMENT_ATAN,
    ELEMENT_SINH,
    ELEMENT_COSH,
    ELEMENT_ASINH,
    ELEMENT_ACOSH,
    ELEMENT_ATANH,
    /* two operands */
    ELEMENT_ADD,
    ELEMENT_SUB,
    ELEMENT_MUL,
    ELEMENT_DIV,
    ELEMENT_POW,
    ELEMENT_MOD,  /* the remainder of a division, with the divisor's sign */
    ELEMENT_FMOD, /* the same with the dividend's sign */
    ELEMENT_MIN,  /* NaN if either operand is NaN */
    ELEMENT_MAX,
    ELEMENT_LESS,
    ELEMENT_LESS_EQUAL,
    ELEMENT_GREATER,
    ELEMENT_GREATER_EQUAL,
    ELEMENT_EQUAL,
    ELEMENT_AND,
    ELEMENT_OR,
    ELEMENT_XOR,
    /* three operands: b if a is not 0, else c */
    ELEMENT_WHERE,
    ELEMENTS
};

/* The element's name for people, such as "add". Static. */
const char *element_name(enum element element);
size_t element_operands(enum element element);

/* An array of n numbers or, if is_one, a single number that is used for all n. */
struct element_operand {
    const float *at;
    bool is_one;
};

/* y[n] = element(operand[0], operand[1], …). y may be one of the operands; otherwise it must not
 * overlap them. */
void element_run(enum element element, const struct element_operand *operand, float *y, size_t n);

#endif
