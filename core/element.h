/* Arithmetic between rows that is no activation: what ONNX graphs are made of besides layers. Every function is a fixed
 * sequence of IEEE operations, so the bits are the same on every machine. Conditions are 0 and 1. */
#ifndef CORE_ELEMENT_H
#define CORE_ELEMENT_H

#include <stdbool.h>
#include <stddef.h>

enum element {
    /* of one operand */
    ELEMENT_NEG,
    ELEMENT_ABS,
    ELEMENT_SQRT,
    ELEMENT_RECIPROCAL,
    ELEMENT_EXP,
    ELEMENT_LOG,
    ELEMENT_ERF,
    ELEMENT_FLOOR,
    ELEMENT_CEIL,
    ELEMENT_ROUND, /* halves to even */
    ELEMENT_TRUNC,
    ELEMENT_SIGN,
    ELEMENT_NOT,
    ELEMENT_TRUTH, /* 1 for everything but 0 */
    /* of two */
    ELEMENT_ADD,
    ELEMENT_SUB,
    ELEMENT_MUL,
    ELEMENT_DIV,
    ELEMENT_POW,
    ELEMENT_MIN, /* NaN where either is */
    ELEMENT_MAX,
    ELEMENT_LESS,
    ELEMENT_LESS_EQUAL,
    ELEMENT_GREATER,
    ELEMENT_GREATER_EQUAL,
    ELEMENT_EQUAL,
    ELEMENT_AND,
    ELEMENT_OR,
    ELEMENT_XOR,
    /* of three: b where a is not 0, else c */
    ELEMENT_WHERE,
    ELEMENTS
};

/* "add": for what is shown to people. */
const char *element_name(enum element element);
size_t element_operands(enum element element);

/* A run of numbers, or one that stands for all. */
struct element_operand {
    const float *at;
    bool is_one;
};

/* y[n] = element(operand[0], operand[1], …); y may be one of the operands, but not overlap them otherwise. */
void element_run(enum element element, const struct element_operand *operand, float *y, size_t n);

#endif
