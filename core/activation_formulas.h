/* Every element-wise activation, value and gradient, written once over vectors, and the loops around them. Included by
 * core/activation_{scalar,avx2,avx512}.c, which define vec, mask, LANES and the v_… operations; those are IEEE's, which
 * give the same bits in every form, so these do too.
 *
 * Formulas and special values are PyTorch's (torch.nn.functional); where two forms of a comparison differ for NaN, the
 * one that gives PyTorch's answer is used. */

#include "core/vecmath.h"

INLINE vec v_sigmoid(vec x)
{
    return v_div(v_set(1), v_add(v_set(1), v_exp(v_neg(x))));
}
/* log(1 + exp(-|x|)) */
INLINE vec v_log1pexp(vec x)
{
    return v_log1p_unit(v_exp(v_neg(v_abs(x))));
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

INLINE vec v_normal_cdf(vec x)
{
    vec tail = v_normal_tail(v_abs(x));
    return v_select(v_lt(x, v_set(0)), tail, v_sub(v_set(1), tail));
}

#define INV_SQRT_TWO_PI 0.39894228040143267794f
VALUE(gelu)
{
    (void)p;
    return v_mul(x, v_normal_cdf(x));
}
GRADIENT(gelu)
{
    (void)p;
    vec pdf = v_mul(v_exp(v_mul(v_mul(x, x), v_set(-0.5f))), v_set(INV_SQRT_TWO_PI));
    return v_add(v_normal_cdf(x), v_mul(x, pdf));
}

#define SQRT_TWO_BY_PI 0.79788456080286535588f
#define GELU_CUBIC     0.044715f
/* exp(-2 u), where PyTorch writes x (1 + tanh(u)) / 2: that is x / (1 + exp(-2 u)). */
INLINE vec gelu_exp(vec x)
{
    vec cube = v_mul(v_mul(x, x), x);
    return v_exp(v_mul(v_set(-2 * SQRT_TWO_BY_PI), v_fma(v_set(GELU_CUBIC), cube, x)));
}
VALUE(gelu_tanh)
{
    (void)p;
    return v_div(x, v_add(v_set(1), gelu_exp(x)));
}
/* Beyond 20 the second term is below float32; its x² would overflow and make 0 · inf of it. Infinite x gives NaN. */
GRADIENT(gelu_tanh)
{
    (void)p;
    vec s = v_div(v_set(1), v_add(v_set(1), gelu_exp(x))), a = v_abs(x);
    vec slope = v_fma(v_set(3 * GELU_CUBIC), v_mul(x, x), v_set(1));
    vec steep = v_mul(v_mul(s, v_sub(v_set(1), s)), v_mul(v_set(2 * SQRT_TWO_BY_PI), slope));
    vec second = v_mul(x, steep);
    second = v_select(v_and(v_gt(a, v_set(20)), v_lt(a, v_set(INFINITY))), v_set(0), second);
    return v_add(s, second);
}

/* tanh(log(1 + e)) = m / (m + 2) with e = exp(x), m = e² + 2 e; from 20 on it is 1. */
INLINE vec mish_exp(vec x)
{
    return v_exp(v_min(v_set(20), x));
}
INLINE vec mish_tanh(vec e)
{
    vec m = v_fma(e, e, v_add(e, e));
    return v_div(m, v_add(m, v_set(2)));
}
VALUE(mish)
{
    (void)p;
    return v_mul(x, mish_tanh(mish_exp(x)));
}
GRADIENT(mish)
{
    (void)p;
    vec e = mish_exp(x), t = mish_tanh(e), s = v_div(e, v_add(v_set(1), e));
    return v_add(t, v_mul(v_mul(x, s), v_sub(v_set(1), v_mul(t, t))));
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

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which stays finite where PyTorch's exp(x) does not: above 88, if the
 * threshold is greater. */
VALUE(softplus)
{
    vec bx = v_mul(x, P0);
    vec log = v_add(v_max(v_set(0), bx), v_log1pexp(bx));
    return v_select(v_gt(bx, P1), x, v_div(log, P0));
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
    return v_sub(v_min(v_set(0), x), v_log1pexp(x));
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

/* What softmax does with a row after its sum. */
INLINE vec softmax_quotient(const float *p, vec x)
{
    return v_div(x, P0);
}
INLINE vec softmax_logarithm(const float *p, vec x)
{
    return v_sub(v_sub(x, P0), P1);
}
INLINE vec softmax_slope(const float *p, vec s)
{
    (void)p;
    return v_mul(s, v_sub(v_set(1), s));
}
INLINE vec softmax_log_slope(const float *p, vec s)
{
    (void)p;
    return v_sub(v_set(1), s);
}

/* ---- loops: whole vectors, then the tail through the same vector code ---- */

#define LOOP(name)                                                                                 \
    static void name##_loop(const float *p, const float *x, float *y, size_t n)                    \
    {                                                                                              \
        size_t i = 0;                                                                              \
        for (; i + LANES <= n; i += LANES)                                                         \
            v_store(y + i, name(p, v_load(x + i)));                                                \
        if (i < n)                                                                                 \
            v_store_some(y + i, name(p, v_load_some(x + i, n - i, v_set(0))), n - i);              \
    }
#define X(name) LOOP(name##_value) LOOP(name##_gradient)
ACTIVATION_LOOPS(X)
#undef X
LOOP(softmax_quotient)
LOOP(softmax_logarithm)
LOOP(softmax_slope)
LOOP(softmax_log_slope)

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
            vec some = v_load_some(slope + i, n - i, v_set(0));                                    \
            v_store_some(y + i, name(some, v_load_some(x + i, n - i, v_set(0))), n - i);           \
        }                                                                                          \
    }
SLOPES_LOOP(slopes_value)
SLOPES_LOOP(slopes_gradient)

/* ---- rows: SUM_LANES places side by side and a fixed tree over them, whatever a vector holds ---- */

enum { SUM_LANES = 16, SUM_VECS = SUM_LANES / LANES };
#define UNROLL_TWO _Pragma("GCC unroll 2")

/* clang-format off */ /* as in core/vecmath.h */
INLINE float fold(float *lanes, const bool is_sum)
{
    UNROLL for (size_t half = SUM_LANES / 2; half; half /= 2)
        UNROLL for (size_t i = 0; i < half; i++) {
            float a = lanes[i], b = lanes[i + half];
            lanes[i] = is_sum ? a + b : a > b ? a : b;
        }
    return lanes[0];
}

/* NaN is passed over: it comes back through its own exp. */
static float row_max(const float *x, size_t n)
{
    vec most[SUM_VECS], nothing = v_set(-INFINITY);
    float lanes[SUM_LANES];
    size_t i = 0;
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
        most[v] = nothing;
    for (; i + SUM_LANES <= n; i += SUM_LANES)
        UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
            most[v] = v_max(v_load(x + i + v * LANES), most[v]);
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++, i += LANES)
        if (i < n)
            most[v] = v_max(v_load_some(x + i, n - i, nothing), most[v]);
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
        v_store(lanes + v * LANES, most[v]);
    return fold(lanes, false);
}

static float row_exp(float most, const float *x, float *y, size_t n)
{
    vec sum[SUM_VECS], less = v_set(most), nothing = v_set(-INFINITY); /* exp makes 0 of it */
    float lanes[SUM_LANES];
    size_t i = 0;
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
        sum[v] = v_set(0);
    for (; i + SUM_LANES <= n; i += SUM_LANES)
        UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++) {
            vec e = v_exp(v_sub(v_load(x + i + v * LANES), less));
            sum[v] = v_add(sum[v], e);
            if (y)
                v_store(y + i + v * LANES, e);
        }
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++, i += LANES)
        if (i < n) {
            vec e = v_exp(v_sub(v_load_some(x + i, n - i, nothing), less));
            sum[v] = v_add(sum[v], e);
            if (y)
                v_store_some(y + i, e, n - i);
        }
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
        v_store(lanes + v * LANES, sum[v]);
    return fold(lanes, true);
}
/* clang-format on */

/* log(sum) for sum ≥ 1 or NaN, from sum = 2^e m with m in [1, 2). */
static float row_log(float sum)
{
    uint32_t bits;
    float m, answer[LANES];
    if (!(sum < INFINITY))
        return sum;
    memcpy(&bits, &sum, sizeof bits);
    vec e = v_set((float)(bits >> 23) - 127);
    bits = (bits & 0x7fffff) | 0x3f800000;
    memcpy(&m, &bits, sizeof m);
    vec low = v_fma(e, v_set(LN2_LOW), v_log1p_unit(v_set(m - 1)));
    v_store(answer, v_fma(e, v_set(LN2_HIGH), low));
    return answer[0];
}

/* The table of one instruction set. */
#define TABLE(table)                                                                               \
    const struct activation_loops table = {                                                        \
        .value = {ACTIVATION_LOOPS(VALUE_ENTRY)},                                                  \
        .gradient = {ACTIVATION_LOOPS(GRADIENT_ENTRY)},                                            \
        .slopes = slopes_value_loop,                                                               \
        .slopes_gradient = slopes_gradient_loop,                                                   \
        .row_max = row_max,                                                                        \
        .row_exp = row_exp,                                                                        \
        .row_log = row_log,                                                                        \
        .softmax_quotient = softmax_quotient_loop,                                                 \
        .softmax_logarithm = softmax_logarithm_loop,                                               \
        .softmax_slope = softmax_slope_loop,                                                       \
        .softmax_log_slope = softmax_log_slope_loop,                                               \
    };
#define VALUE_ENTRY(name)    [LOOP_##name] = name##_value_loop,
#define GRADIENT_ENTRY(name) [LOOP_##name] = name##_gradient_loop,
