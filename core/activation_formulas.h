/* Every element-wise activation, value and gradient, written once over vectors, and the loops around them. Included by
 * core/activation_{scalar,avx2,avx512}.c, which define vec, mask, LANES and the v_… operations; those are IEEE's or
 * SLEEF's, which give the same bits in every form, so these do too.
 *
 * Formulas and special values are PyTorch's (torch.nn.functional); where two forms of a comparison differ for NaN, the
 * one that gives PyTorch's answer is used. */

#define INLINE static inline __attribute__((always_inline))

INLINE vec v_sigmoid(vec x)
{
    return v_div(v_set(1), v_add(v_set(1), v_exp(v_neg(x))));
}
/* log(1 + exp(x)), for x up to about 88. */
INLINE vec v_log1pexp(vec x)
{
    return v_log1p(v_exp(x));
}
INLINE vec v_clamp06(vec x)
{
    x = v_select(v_lt(x, v_set(0)), v_set(0), x);
    return v_select(v_gt(x, v_set(6)), v_set(6), x);
}

#define P0             v_set(p[0])
#define P1             v_set(p[1])
#define VALUE(name)    INLINE vec name##_value(const float *p, vec x)
#define GRADIENT(name) INLINE vec name##_gradient(const float *p, vec x)

VALUE(identity)
{
    (void)p;
    return x;
}
GRADIENT(identity)
{
    (void)p, (void)x;
    return v_set(1);
}

/* max(0, x), but NaN stays NaN and -0 stays -0. */
VALUE(relu)
{
    (void)p;
    return v_select(v_lt(x, v_set(0)), v_set(0), x);
}
GRADIENT(relu)
{
    (void)p;
    return v_select(v_le(x, v_set(0)), v_set(0), v_set(1));
}

VALUE(leaky_relu)
{
    return v_select(v_gt(x, v_set(0)), x, v_mul(x, P0));
}
GRADIENT(leaky_relu)
{
    return v_select(v_gt(x, v_set(0)), v_set(1), P0);
}

/* expm1 keeps what exp(x) - 1 loses near 0; adding +0 makes -0 into +0, as PyTorch's form does. */
VALUE(elu)
{
    return v_select(v_gt(x, v_set(0)), x, v_add(v_mul(P0, v_expm1(x)), v_set(0)));
}
GRADIENT(elu)
{
    return v_select(v_le(x, v_set(0)), v_mul(P0, v_exp(x)), v_set(1));
}

/* Klambauer et al. 2017. */
#define SELU_SCALE 1.0507009873554804934193349852946f
#define SELU_ALPHA 1.6732632423543772848170429916717f
VALUE(selu)
{
    (void)p;
    vec low = v_mul(v_set(SELU_SCALE * SELU_ALPHA), v_expm1(x));
    return v_select(v_gt(x, v_set(0)), v_mul(v_set(SELU_SCALE), x), v_add(low, v_set(0)));
}
GRADIENT(selu)
{
    (void)p;
    vec low = v_mul(v_set(SELU_SCALE * SELU_ALPHA), v_exp(x));
    return v_select(v_le(x, v_set(0)), low, v_set(SELU_SCALE));
}

VALUE(celu)
{
    vec low = v_mul(P0, v_expm1(v_div(x, P0)));
    return v_select(v_gt(x, v_set(0)), x, v_add(low, v_set(0)));
}
GRADIENT(celu)
{
    return v_select(v_le(x, v_set(0)), v_exp(v_div(x, P0)), v_set(1));
}

VALUE(silu)
{
    return v_div(x, v_add(v_set(1), v_exp(v_neg(v_mul(P0, x)))));
}
GRADIENT(silu)
{
    vec bx = v_mul(P0, x), s = v_sigmoid(bx);
    return v_mul(s, v_add(v_set(1), v_mul(bx, v_sub(v_set(1), s))));
}

#define SQRT_HALF       0.70710678118654752440f
#define INV_SQRT_TWO_PI 0.39894228040143267794f
VALUE(gelu)
{
    (void)p;
    return v_mul(v_mul(x, v_set(0.5f)), v_add(v_set(1), v_erf(v_mul(x, v_set(SQRT_HALF)))));
}
GRADIENT(gelu)
{
    (void)p;
    vec cdf = v_mul(v_set(0.5f), v_add(v_set(1), v_erf(v_mul(x, v_set(SQRT_HALF)))));
    vec pdf = v_mul(v_exp(v_mul(v_mul(x, x), v_set(-0.5f))), v_set(INV_SQRT_TWO_PI));
    return v_add(cdf, v_mul(x, pdf));
}

#define SQRT_TWO_BY_PI 0.79788456080286535588f
#define GELU_CUBIC     0.044715f
INLINE vec gelu_inner(vec x)
{
    vec cube = v_mul(v_mul(x, x), x);
    return v_tanh(v_mul(v_set(SQRT_TWO_BY_PI), v_add(x, v_mul(v_set(GELU_CUBIC), cube))));
}
VALUE(gelu_tanh)
{
    (void)p;
    return v_mul(v_mul(v_set(0.5f), x), v_add(v_set(1), gelu_inner(x)));
}
/* Beyond 20 the second term is below float32; its x² would overflow and make 0 · inf of it. Infinite x gives NaN. */
GRADIENT(gelu_tanh)
{
    (void)p;
    vec t = gelu_inner(x), a = v_abs(x);
    vec slope = v_add(v_set(1), v_mul(v_set(3 * GELU_CUBIC), v_mul(x, x)));
    vec steep = v_mul(v_sub(v_set(1), v_mul(t, t)), v_mul(v_set(SQRT_TWO_BY_PI), slope));
    vec second = v_mul(v_mul(v_set(0.5f), x), steep);
    second = v_select(v_and(v_gt(a, v_set(20)), v_lt(a, v_set(INFINITY))), v_set(0), second);
    return v_add(v_mul(v_set(0.5f), v_add(v_set(1), t)), second);
}

VALUE(mish)
{
    (void)p;
    return v_mul(x, v_tanh(v_log1pexp(x)));
}
GRADIENT(mish)
{
    (void)p;
    vec t = v_tanh(v_log1pexp(x));
    return v_add(t, v_mul(v_mul(x, v_sigmoid(x)), v_sub(v_set(1), v_mul(t, t))));
}

VALUE(sigmoid)
{
    (void)p;
    return v_sigmoid(x);
}
GRADIENT(sigmoid)
{
    (void)p;
    vec s = v_sigmoid(x);
    return v_mul(s, v_sub(v_set(1), s));
}

VALUE(tanh)
{
    (void)p;
    return v_tanh(x);
}
GRADIENT(tanh)
{
    (void)p;
    vec t = v_tanh(x);
    return v_sub(v_set(1), v_mul(t, t));
}

VALUE(softplus)
{
    vec bx = v_mul(x, P0);
    return v_select(v_gt(bx, P1), x, v_div(v_log1pexp(bx), P0));
}
GRADIENT(softplus)
{
    vec bx = v_mul(x, P0);
    return v_select(v_gt(bx, P1), v_set(1), v_sigmoid(bx));
}

VALUE(softsign)
{
    (void)p;
    return v_div(x, v_add(v_set(1), v_abs(x)));
}
/* At infinity PyTorch's chain rule meets inf / inf. */
GRADIENT(softsign)
{
    (void)p;
    vec a = v_add(v_set(1), v_abs(x));
    return v_select(v_lt(a, v_set(INFINITY)), v_div(v_div(v_set(1), a), a), v_set(NAN));
}

VALUE(logsigmoid)
{
    (void)p;
    vec low = v_select(v_lt(x, v_set(0)), x, v_set(0));
    return v_sub(low, v_log1pexp(v_neg(v_abs(x))));
}
GRADIENT(logsigmoid)
{
    (void)p;
    return v_sigmoid(v_neg(x));
}

VALUE(hardswish)
{
    (void)p;
    return v_div(v_mul(x, v_clamp06(v_add(x, v_set(3)))), v_set(6));
}
GRADIENT(hardswish)
{
    (void)p;
    vec middle = v_add(v_div(x, v_set(3)), v_set(0.5f));
    return v_select(v_lt(x, v_set(-3)), v_set(0), v_select(v_le(x, v_set(3)), middle, v_set(1)));
}

VALUE(hardsigmoid)
{
    (void)p;
    return v_div(v_clamp06(v_add(x, v_set(3))), v_set(6));
}
GRADIENT(hardsigmoid)
{
    (void)p;
    return v_select(v_and(v_gt(x, v_set(-3)), v_lt(x, v_set(3))), v_set(1.0f / 6), v_set(0));
}

VALUE(hardtanh)
{
    return v_select(v_lt(x, P0), P0, v_select(v_gt(x, P1), P1, x));
}
GRADIENT(hardtanh)
{
    return v_select(v_le(x, P0), v_set(0), v_select(v_le(P1, x), v_set(0), v_set(1)));
}

VALUE(threshold)
{
    return v_select(v_le(x, P0), P1, x);
}
GRADIENT(threshold)
{
    return v_select(v_le(x, P0), v_set(0), v_set(1));
}

VALUE(tanhshrink)
{
    (void)p;
    return v_sub(x, v_tanh(x));
}
GRADIENT(tanhshrink)
{
    (void)p;
    vec t = v_tanh(x);
    return v_mul(t, t);
}

/* PyTorch 1.13 gives 0 for NaN, which is a mistake of that version. */
VALUE(softshrink)
{
    vec shrunk = v_select(v_gt(x, P0), v_sub(x, P0), v_add(x, P0));
    return v_select(v_le(v_abs(x), P0), v_set(0), shrunk);
}
GRADIENT(softshrink)
{
    return v_select(v_le(v_abs(x), P0), v_set(0), v_set(1));
}

VALUE(hardshrink)
{
    return v_select(v_le(v_abs(x), P0), v_set(0), x);
}
GRADIENT(hardshrink)
{
    return v_select(v_le(v_abs(x), P0), v_set(0), v_set(1));
}

VALUE(exp_less)
{
    return v_exp(v_sub(x, P0));
}

/* ---- loops: whole vectors, then the tail through the same vector code ---- */

#define LOOP(name)                                                                                 \
    static void name##_loop(const float *p, const float *x, float *y, size_t n)                    \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            v_store(y + i, name(p, v_load(x + i)));                                                \
        if (i < n) {                                                                               \
            float tail[LANES] = {0};                                                               \
            memcpy(tail, x + i, (n - i) * sizeof *tail);                                           \
            v_store(tail, name(p, v_load(tail)));                                                  \
            memcpy(y + i, tail, (n - i) * sizeof *tail);                                           \
        }                                                                                          \
    }
#define X(name) LOOP(name##_value) LOOP(name##_gradient)
ACTIVATION_LOOPS(X)
#undef X
LOOP(exp_less_value)

INLINE vec slopes_value(vec slope, vec x)
{
    return v_select(v_gt(x, v_set(0)), x, v_mul(x, slope));
}
INLINE vec slopes_gradient(vec slope, vec x)
{
    return v_select(v_gt(x, v_set(0)), v_set(1), slope);
}
#define SLOPES_LOOP(name)                                                                          \
    static void name##_loop(const float *slope, const float *x, float *y, size_t n)                \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            v_store(y + i, name(v_load(slope + i), v_load(x + i)));                                \
        if (i < n) {                                                                               \
            float tail[LANES] = {0}, tail_slope[LANES] = {0};                                      \
            memcpy(tail, x + i, (n - i) * sizeof *tail);                                           \
            memcpy(tail_slope, slope + i, (n - i) * sizeof *tail_slope);                           \
            v_store(tail, name(v_load(tail_slope), v_load(tail)));                                 \
            memcpy(y + i, tail, (n - i) * sizeof *tail);                                           \
        }                                                                                          \
    }
SLOPES_LOOP(slopes_value)
SLOPES_LOOP(slopes_gradient)

/* The table of one instruction set. */
#define TABLE(table)                                                                               \
    const struct activation_loops table = {                                                        \
        .value = {ACTIVATION_LOOPS(VALUE_ENTRY)},                                                  \
        .gradient = {ACTIVATION_LOOPS(GRADIENT_ENTRY)},                                            \
        .slopes = slopes_value_loop,                                                               \
        .slopes_gradient = slopes_gradient_loop,                                                   \
        .exp_less = exp_less_value_loop,                                                           \
    };
#define VALUE_ENTRY(name)    [LOOP_##name] = name##_value_loop,
#define GRADIENT_ENTRY(name) [LOOP_##name] = name##_gradient_loop,
