/* Every element-wise activation, value and gradient, written once over vectors. Included by
 * core/kernels/activation_kernels.h; takes vec, mask and the v_… operations from there. Those are
 * IEEE's, which give the same bits in every form, so these do too.
 *
 * Formulas and special values are PyTorch's (torch.nn.functional); where two forms of a comparison
 * differ for NaN, the one that gives PyTorch's answer is used. */

#include "core/kernels/vecmath.h"

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
/* Beyond 20 the second term is below float32; its x² would overflow and make 0 · inf of it.
 * Infinite x gives NaN. */
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

/* log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which stays finite where PyTorch's exp(x) does
 * not: above 88, if the threshold is greater. */
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

/* Barron 2021: (x + sqrt(x² + b)) / 2. Left of 0 that would be a small difference of great numbers;
 * there it is b / (2 (|x| + sqrt(x² + b))). The numbers here are those of k x and k² b, where
 * k = j² is a power of two: small where x² + b would overflow, great where it would lose bits to
 * underflow, else 1. */
struct squareplus {
    vec j, k, a, b, square, root; /* a: k |x|, b: k b, square: k² (x² + b), root: its square root */
};
INLINE struct squareplus squareplus_parts(const float *p, vec x)
{
    vec square = v_fma(x, x, P0);
    vec j = v_select(v_lt(square, v_set(0x1p-100f)), v_set(0x1p50f), v_set(1));
    j = v_select(v_lt(square, v_set(0x1p126f)), j, v_set(0x1p-33f));
    vec k = v_mul(j, j), a = v_abs(v_mul(k, x)), b = v_mul(k, P0);
    square = v_fma(a, a, v_mul(k, b));
    return (struct squareplus){j, k, a, b, square, v_sqrt(square)};
}
VALUE(squareplus)
{
    struct squareplus s = squareplus_parts(p, x);
    vec sum = v_add(s.a, s.root);
    mask is_left = v_lt(x, v_set(0));
    return v_div(v_select(is_left, s.b, v_mul(v_set(0.5f), sum)),
                 v_select(is_left, v_add(sum, sum), s.k));
}
/* (1 + x / sqrt(x² + b)) / 2, and left of 0 b / (2 (x² + b + |x| sqrt(x² + b))): 1/2 at 0 for
 * every b. */
GRADIENT(squareplus)
{
    struct squareplus s = squareplus_parts(p, x);
    vec sum = v_fma(s.a, s.root, s.square);
    mask is_left = v_lt(x, v_set(0));
    vec ratio =
        v_div(v_select(is_left, v_mul(s.j, s.b), s.a), v_select(is_left, v_add(sum, sum), s.root));
    vec right = v_fma(v_set(0.5f), ratio, v_set(0.5f));
    right = v_select(v_le(s.root, v_set(0)), v_set(0.5f), right);
    right = v_select(v_gt(s.a, v_set(0x1p100f)), v_set(1), right); /* infinite */
    return v_select(is_left, v_mul(s.j, ratio), right);
}
