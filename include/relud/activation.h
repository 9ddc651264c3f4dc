/* Activation functions, their values and gradients. Names, parameters, defaults and special
 * values are PyTorch's (torch.nn.functional); where PyTorch has no such function, those of its
 * paper. docs/activations.md lists them with their formulas. One table holds them, and
 * everything that lists activations reads it. */
#ifndef RELUD_ACTIVATION_H
#define RELUD_ACTIVATION_H

#include <relud/guess.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- instruction sets ---- */

/* The instruction sets that the library is written for. All give the same bits; only speed
 * differs. */
enum relud_isa {
    RELUD_ISA_BEST = 0, /* the best that this CPU has */
    RELUD_ISA_SCALAR,   /* one float at a time */
    RELUD_ISA_AVX2,     /* AVX2 with FMA: 8 floats at a time */
    RELUD_ISA_AVX512,   /* AVX-512 F, DQ, BW and VL: 16 floats at a time */
};

/* The best set that this CPU and its operating system have and whose kernels pass their
 * self-test: they must give the bits of the scalar ones. The test runs once a process, in the
 * first call. Never returns RELUD_ISA_BEST. */
enum relud_isa relud_isa_best(void);
/* How many sets this CPU has whose kernels failed the self-test; they are not used. */
size_t relud_inexact_kernels(void);
/* "best", "scalar", "avx2" or "avx512". Static. */
const char *relud_isa_name(enum relud_isa isa);

/* ---- the table ---- */

/* One row of the table. Static: it is never freed. */
struct relud_activation;

enum relud_parameter_kind {
    RELUD_PARAMETER_NUMBER, /* a finite float in values[i] */
    RELUD_PARAMETER_CHOICE, /* values[i] is an index into `choices` */
    RELUD_PARAMETER_WEIGHT, /* PReLU's slopes: weight[weight_len], weight_len 1 or the width */
};

#define RELUD_PARAMETERS_MAX 2

struct relud_parameter_info {
    const char *name; /* PyTorch's keyword, "negative_slope" */
    enum relud_parameter_kind kind;
    float value;                /* the default */
    const char *const *choices; /* ends with NULL; only for RELUD_PARAMETER_CHOICE */
};

struct relud_activation_info {
    const char *name;   /* "leaky_relu" */
    const char *alias;  /* "swish" for silu; NULL: there is none */
    const char *module; /* torch.nn's class, "LeakyReLU"; NULL: there is none */
    size_t parameters;  /* how many of `parameter` there are */
    struct relud_parameter_info parameter[RELUD_PARAMETERS_MAX];
    bool is_rowwise;          /* softmax, log_softmax: an answer depends on the whole row */
    bool is_piecewise_linear; /* as ReLU: made of straight lines */
    bool is_relu_like;        /* exactly 0 on a whole half-line: a unit can die */
    bool is_saturating;       /* flat on both sides, as sigmoid and tanh: a unit can saturate */
};

/* Parameters, in the order of the row. */
struct relud_activation_params {
    float values[RELUD_PARAMETERS_MAX];
    const float *weight; /* [weight_len], borrowed; NULL: values[0] is the one slope */
    size_t weight_len;
};

/* The row of that name or alias, or NULL. */
const struct relud_activation *relud_activation_find(const char *name);
/* Offers every name and alias to `guess`, for "did you mean …?" after relud_activation_find. */
void relud_activation_guess(struct relud_guess *guess);
/* The row at that index, from 0 on, in the order of docs/activations.md; NULL past the end. */
const struct relud_activation *relud_activation_at(size_t index);
/* Static. */
const struct relud_activation_info *
relud_activation_info(const struct relud_activation *activation);
/* The row's defaults. PReLU's is one slope of 0.25. */
struct relud_activation_params relud_activation_defaults(const struct relud_activation *activation);

/* Reads NAME[:PARAMETER=VALUE]..., "elu:alpha=0.5", into *activation and *params. A parameter
 * that is not named has its default. PReLU's slopes cannot be given. False and RELUD_BAD_INPUT,
 * with a guess, for a name or a value that is none. */
struct relud_error;
bool relud_activation_read(const char *text, const struct relud_activation **activation,
                           struct relud_activation_params *params, struct relud_error *error);

/* ---- values and gradients ---- */

/* y[rows][width] = f(x[rows][width]). y may be x, but not overlap it in another way. A value's
 * bits depend neither on its place nor on the instruction set. Special values are PyTorch's:
 * relu(NaN) is NaN, relu(-0.0) is -0.0. Every NaN is the quiet one without a payload,
 * 0x7fc00000. Cannot fail. */
void relud_activate(const struct relud_activation *activation,
                    const struct relud_activation_params *params, const float *x, float *y,
                    size_t rows, size_t width);

/* g[rows][width] = df/dx at x[rows][width]. At a kink it is what PyTorch takes: relu'(0) = 0.
 * For softmax and log_softmax it is the diagonal of the Jacobian, dy_i/dx_i. g may be x. Cannot
 * fail. */
void relud_activation_gradient(const struct relud_activation *activation,
                               const struct relud_activation_params *params, const float *x,
                               float *g, size_t rows, size_t width);

/* The same two under a watch (watch.h), which is asked within a long row, too. False: it ended
 * the work, and y or g is not whole. */
bool relud_activate_watched(const struct relud_activation *activation,
                            const struct relud_activation_params *params, const float *x, float *y,
                            size_t rows, size_t width, const struct relud_watch *watch);
bool relud_activation_gradient_watched(const struct relud_activation *activation,
                                       const struct relud_activation_params *params, const float *x,
                                       float *g, size_t rows, size_t width,
                                       const struct relud_watch *watch);

#ifdef __cplusplus
}
#endif

#endif
