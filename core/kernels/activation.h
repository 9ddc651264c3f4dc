/* Activations for a chosen instruction set: what core/net/network.c and the tests call. */
#ifndef CORE_KERNELS_ACTIVATION_H
#define CORE_KERNELS_ACTIVATION_H

#include "core/kernels/activation_loops.h"
#include <relud/activation.h>

/* How ONNX says an activation. */
struct activation_onnx {
    const char *op; /* the operator; "": there is none */
    struct {
        const char *attribute;         /* NULL: the parameter is none of the operator's */
        float value;                   /* its default in ONNX */
    } parameter[RELUD_PARAMETERS_MAX]; /* in the order of the activation's parameters */
};

const struct activation_onnx *activation_onnx(const struct relud_activation *activation);

/* Where the lines meet that a piecewise linear activation is made of: at[ACTIVATION_KINKS_MAX], in
 * any order. Returns how many there are. */
enum { ACTIVATION_KINKS_MAX = 2 };
size_t activation_kinks(const struct relud_activation *activation,
                        const struct relud_activation_params *params, float *at);

/* isa is not RELUD_ISA_BEST. */
const struct activation_loops *activation_loops_of(enum relud_isa isa);

/* As relud_activate and relud_activation_gradient; isa is not RELUD_ISA_BEST and must be one that
 * this CPU has. */
void activation_forward(enum relud_isa isa, const struct relud_activation *activation,
                        const struct relud_activation_params *params, const float *x, float *y,
                        size_t rows, size_t width);
void activation_gradient(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         size_t rows, size_t width);

/* g[rows][width], the loss's gradient by the answers at x, becomes that by x: for softmax and
 * log_softmax through the whole Jacobian. scratch is [rows][width]. */
void activation_backward(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         float *scratch, size_t rows, size_t width);

#endif
