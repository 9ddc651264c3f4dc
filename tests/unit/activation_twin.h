/* The activations in double precision, written as in the documentation of torch.nn or in the paper:
 * slow and obvious. Tests compare the fast activations with them. */
#ifndef TESTS_ACTIVATION_TWIN_H
#define TESTS_ACTIVATION_TWIN_H

#include <check.h>
#include <math.h>
#include <relud/activation.h>
#include <string.h>

static inline double twin_sigmoid(double x)
{
    return 1 / (1 + exp(-x));
}
static inline double twin_expm1_of_elu(double x)
{
    return x > 0 ? x : expm1(x);
}
static inline double twin_softplus(double x)
{
    return x > 20 ? x : log1p(exp(x));
}
static inline double twin_log_of_sigmoid(double x)
{
    return x < 0 ? x - log1p(exp(x)) : -log1p(exp(-x));
}
static inline double twin_gelu(double x)
{
    return x * 0.5 * erfc(-x * M_SQRT1_2);
}
static inline double twin_gelu_by_tanh(double x)
{
    double u = 0.79788456080286535588 * (x + 0.044715 * x * x * x);
    return x / (1 + exp(-2 * u));
}
static inline double twin_mish(double x)
{
    return x * tanh(log1p(exp(x)));
}

/* ---- activations that PyTorch lacks or that are one comparison: their definition is the reference
 * ---- */

static inline double twin_identity(const float *p, double x)
{
    (void)p;
    return x;
}
static inline double twin_identity_gradient(const float *p, double x)
{
    (void)p, (void)x;
    return 1;
}
static inline double twin_threshold(const float *p, double x)
{
    return x <= (double)p[0] ? (double)p[1] : x;
}
static inline double twin_threshold_gradient(const float *p, double x)
{
    return x <= (double)p[0] ? 0 : 1;
}
static inline double twin_rrelu(const float *p, double x)
{
    return x > 0 ? x : x * (double)((p[0] + p[1]) / 2);
}
static inline double twin_rrelu_gradient(const float *p, double x)
{
    return x > 0 ? 1 : (double)((p[0] + p[1]) / 2);
}

/* Barron 2021, "Squareplus: A Softplus-Like Algebraic Rectifier", equations 1 and 3. */
static inline double twin_squareplus(const float *p, double x)
{
    long double b = (long double)p[0], a = fabsl((long double)x), root = sqrtl(a * a + b);
    return (double)(x < 0 ? b / (2 * (root + a)) : (a + root) / 2);
}
static inline double twin_squareplus_gradient(const float *p, double x)
{
    long double b = (long double)p[0], a = fabsl((long double)x), root = sqrtl(a * a + b);
    long double tail = isinf(x) ? 0 : root == 0 ? 0.5L : b / (2 * root * (root + a));
    return (double)(x < 0 ? tail : 1 - tail);
}

/* The fast activations may differ by `ulps` units in the last place; zeros, infinities and NaN must
 * be the same. first[firsts] are values to try for the first parameter, besides its default. */
static const struct activation_definition {
    const char *name;
    double (*value)(const float *p, double x), (*gradient)(const float *p, double x);
    double ulps;
    size_t firsts;
    float first[8];
} activation_definitions[] = {
    {"identity", twin_identity, twin_identity_gradient, 0, 0, {0}},
    {"threshold", twin_threshold, twin_threshold_gradient, 0, 2, {-1, 0.1f}},
    {"squareplus",
     twin_squareplus,
     twin_squareplus_gradient,
     3,
     8,
     {0, 1, 0.3f, 1e-6f, 1e-45f, 1e-25f, 1e20f, 3.4028235e38f}},
    {"rrelu", twin_rrelu, twin_rrelu_gradient, 0, 2, {-1, 0.3f}},
};
enum { ACTIVATION_DEFINITIONS = sizeof activation_definitions / sizeof *activation_definitions };

static inline const struct activation_definition *activation_definition(const char *name)
{
    for (size_t i = 0; i < ACTIVATION_DEFINITIONS; i++)
        if (strcmp(activation_definitions[i].name, name) == 0)
            return &activation_definitions[i];
    return NULL;
}

/* ---- all activations, with the default parameters ---- */

static inline double activation_twin(const char *name, double x)
{
    const struct activation_definition *definition = activation_definition(name);
    if (definition)
        return definition->value(relud_activation_defaults(relud_activation_find(name)).values, x);
#define IS(n) (strcmp(name, n) == 0)
    if (IS("relu"))
        return x > 0 ? x : 0;
    if (IS("leaky_relu"))
        return x > 0 ? x : (double)0.01f * x;
    if (IS("prelu"))
        return x > 0 ? x : 0.25 * x;
    if (IS("elu") || IS("celu"))
        return twin_expm1_of_elu(x);
    if (IS("selu"))
        return 1.0507009873554804934 * (x > 0 ? x : 1.6732632423543772848 * expm1(x));
    if (IS("silu"))
        return x * twin_sigmoid(x);
    if (IS("gelu"))
        return twin_gelu(x);
    if (IS("mish"))
        return twin_mish(x);
    if (IS("sigmoid"))
        return twin_sigmoid(x);
    if (IS("tanh"))
        return tanh(x);
    if (IS("softplus"))
        return twin_softplus(x);
    if (IS("softsign"))
        return x / (1 + fabs(x));
    if (IS("logsigmoid"))
        return twin_log_of_sigmoid(x);
    if (IS("hardswish"))
        return x * fmin(fmax(x + 3, 0), 6) / 6;
    if (IS("hardsigmoid"))
        return fmin(fmax(x + 3, 0), 6) / 6;
    if (IS("hardtanh"))
        return fmin(fmax(x, -1), 1);
    if (IS("relu6"))
        return fmin(fmax(x, 0), 6);
    if (IS("tanhshrink"))
        return x - tanh(x);
    if (IS("softshrink"))
        return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0;
    if (IS("hardshrink"))
        return x > 0.5 || x < -0.5 ? x : 0;
#undef IS
    ck_abort_msg("tests/unit/activation_twin.h: %s has no definition", name);
    return 0;
}

#endif
