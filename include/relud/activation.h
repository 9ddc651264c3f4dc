/* Activation functions: PyTorch's names, parameters, defaults, values and gradients.
 * One table row per function (core/activation.c); everything that lists activations reads it. */
#ifndef RELUD_ACTIVATION_H
#define RELUD_ACTIVATION_H

#include <stdbool.h>
#include <stddef.h>

/* The instruction sets the library is written for. All give the same bits; only speed differs. */
enum relud_isa {
    RELUD_ISA_BEST = 0, /* the best this CPU has */
    RELUD_ISA_SCALAR,   /* one float at a time: the slow, obvious twin */
    RELUD_ISA_AVX2,     /* AVX2 with FMA: 8 floats */
    RELUD_ISA_AVX512,   /* AVX-512 F, DQ, BW, VL: 16 floats */
};

/* The best of the sets that this CPU and its operating system have, never RELUD_ISA_BEST. */
enum relud_isa relud_isa_best(void);
const char *relud_isa_name(enum relud_isa isa); /* static: "scalar", "avx2", "avx512" */

struct relud_activation; /* one row of the table; static, never freed */

enum relud_parameter_kind {
    RELUD_PARAMETER_NUMBER, /* a finite float in values[i] */
    RELUD_PARAMETER_CHOICE, /* an index into `choices` in values[i] */
    RELUD_PARAMETER_WEIGHT, /* PReLU's slopes: weight[weight_len], weight_len 1 or the width */
};

#define RELUD_PARAMETERS_MAX 2

struct relud_parameter_info {
    const char *name; /* PyTorch's keyword, e.g. "negative_slope" */
    enum relud_parameter_kind kind;
    float value;                /* the default */
    const char *const *choices; /* NULL-terminated; only for RELUD_PARAMETER_CHOICE */
};

struct relud_activation_info {
    const char *name;  /* "leaky_relu" */
    const char *alias; /* "swish" for silu; NULL where there is none */
    size_t parameters;
    struct relud_parameter_info parameter[RELUD_PARAMETERS_MAX];
    bool is_rowwise;    /* softmax, log_softmax: an answer depends on the whole row */
    bool is_relu_like;  /* exact zeros for a whole half-line: a unit can die */
    bool is_saturating; /* flat on both sides: a unit can saturate (sigmoid, tanh, …) */
};

/* Parameter values in the order of the table row. `weight` is borrowed for the call. */
struct relud_activation_params {
    float values[RELUD_PARAMETERS_MAX];
    const float *weight;
    size_t weight_len;
};

/* By name or alias; NULL when there is none of that name. */
const struct relud_activation *relud_activation_find(const char *name);
/* The i-th row, in the order of the documentation; NULL past the end. */
const struct relud_activation *relud_activation_at(size_t index);
const struct relud_activation_info *
relud_activation_info(const struct relud_activation *activation);
/* The defaults of the row. PReLU's default is one slope of 0.25. */
struct relud_activation_params relud_activation_defaults(const struct relud_activation *activation);

/* y[rows][width] = f(x[rows][width]). y may be x itself (PyTorch's relu_), but not overlap it otherwise.
 * A value's bits depend neither on its position nor on the instruction set. Special values as PyTorch's:
 * relu(NaN) is NaN, relu(-0.0) is -0.0. */
void relud_activate(const struct relud_activation *activation,
                    const struct relud_activation_params *params, const float *x, float *y,
                    size_t rows, size_t width);

/* g[rows][width] = df/dx at x[rows][width]; at kinks PyTorch's choice (relu'(0) = 0). For softmax and
 * log_softmax it is the diagonal of the Jacobian, dy_i/dx_i. g may be x itself. */
void relud_activation_gradient(const struct relud_activation *activation,
                               const struct relud_activation_params *params, const float *x,
                               float *g, size_t rows, size_t width);

#endif
