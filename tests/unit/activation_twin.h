/* The activations in double precision, written as in the documentation of torch.nn, with the default parameters: slow and
 * obvious, for the fast ones to be compared with. */
#ifndef TESTS_ACTIVATION_TWIN_H
#define TESTS_ACTIVATION_TWIN_H

#include <check.h>
#include <math.h>
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
static inline double activation_twin(const char *name, double x)
{
#define IS(n) (strcmp(name, n) == 0)
    if (IS("relu"))
        return x > 0 ? x : 0;
    if (IS("leaky_relu"))
        return x > 0 ? x : (double)0.01f * x;
    if (IS("prelu"))
        return x > 0 ? x : 0.25 * x;
    if (IS("rrelu"))
        return x > 0 ? x : x * (1.0 / 8 + 1.0 / 3) / 2;
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
    if (IS("threshold"))
        return x > 0 ? x : 0;
    if (IS("tanhshrink"))
        return x - tanh(x);
    if (IS("softshrink"))
        return x > 0.5 ? x - 0.5 : x < -0.5 ? x + 0.5 : 0;
    if (IS("hardshrink"))
        return x > 0.5 || x < -0.5 ? x : 0;
    if (IS("identity"))
        return x;
#undef IS
    ck_abort_msg("no reference for %s", name);
    return 0;
}

#endif
