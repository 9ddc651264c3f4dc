/* exp, expm1, log1p, tanh and the tail of the normal distribution, over vectors.
 * core/kernels/activation_formulas.h includes this file and defines vec and the v_… operations.
 * Every step is one IEEE operation in a fixed order, so the bits are the same in every version.
 * Arguments may be infinite or NaN; NaN gives NaN. Results may be subnormal.
 *
 * The polynomials are minimax fits (Remez' exchange). Their coefficients were rounded to float32
 * one after another, lowest power first, and the others were fitted again each time. The errors
 * given are those of the rounded coefficients, without the rounding in the steps. */

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("GCC unroll 16")

/* c[0] + c[1] x + c[2] x² + … */
/* clang-format off */ /* clang-format does not know that UNROLL belongs to the loop after it */
INLINE vec v_polynomial(vec x, const float *c, const size_t count)
{
    vec sum = v_set(c[count - 1]);
    UNROLL for (size_t i = count - 1; i-- > 0;)
        sum = v_fma(sum, x, v_set(c[i]));
    return sum;
}
/* clang-format on */
#define POLYNOMIAL(x, c) v_polynomial(x, c, sizeof(c) / sizeof *(c))

/* ln 2 in two parts. LN2_HIGH has so few bits that a whole number times LN2_HIGH is subtracted from
 * x exactly (Cody and Waite 1980); LN2_LOW is the rest. */
#define LN2_HIGH 0x1.62e43p-1f
#define LN2_LOW  -0x1.05c61p-29f
#define LOG2_E   0x1.715476p+0f
/* Adding and subtracting 1.5 · 2^23 rounds to a whole number. */
#define ROUNDER 0x1.8p23f

/* Splits x = n ln 2 + r with n whole and |r| ≤ ln 2 / 2; sets *n and returns exp(r) - 1. For |x| up
 * to 2^7. */
INLINE vec v_expm1_reduced(vec x, vec *n)
{
    /* (exp(r) - 1 - r) / r² for |r| ≤ 0.3466; error 1.4e-8 relative to exp(r) - 1 */
    static const float c[] = {0x1p-1f, 0x1.5554aap-3f, 0x1.55553ap-5f, 0x1.122c76p-7f,
                              0x1.6cd1cap-10f};
    *n = v_sub(v_fma(x, v_set(LOG2_E), v_set(ROUNDER)), v_set(ROUNDER));
    vec r = v_fma(*n, v_set(-LN2_LOW), v_fma(*n, v_set(-LN2_HIGH), x));
    return v_fma(v_mul(r, r), POLYNOMIAL(r, c), r);
}
INLINE vec v_within(float low, float high, vec x)
{
    return v_min(v_set(high), v_max(v_set(low), x));
}

/* exp(x): 0 below -104, infinite from 89 on. */
INLINE vec v_exp(vec x)
{
    vec n, part = v_expm1_reduced(v_within(-104, 89, x), &n);
    return v_scale(v_add(v_set(1), part), n);
}

/* exp(x) - 1: -1 below -18. Gives +0 for -0. */
INLINE vec v_expm1(vec x)
{
    vec n, part = v_expm1_reduced(v_within(-18, 89, x), &n);
    vec rest = v_sub(v_set(1), v_scale(v_set(1), v_neg(n)));
    return v_scale(v_add(part, rest), n);
}

/* log(1 + u), only for u from 0 to 1. */
INLINE vec v_log1p_unit(vec u)
{
    /* (log(1 + u) - u) / u²; error 8.7e-10 relative to log(1 + u) */
    static const float c[] = {-0x1.fffff8p-2f, 0x1.5553b6p-2f, -0x1.ffc5ap-3f,  0x1.978b6ep-3f,
                              -0x1.4a733cp-3f, 0x1.ff2be6p-4f, -0x1.54f66ep-4f, 0x1.5908c4p-5f,
                              -0x1.c0b54ap-7f, 0x1.11465cp-9f};
    return v_fma(v_mul(u, u), POLYNOMIAL(u, c), u);
}

/* tanh a = t / (t + 2) with t = exp(2 a) - 1 and a = |x|; 1 from 10 on. Below 0.7 a polynomial is
 * more exact. */
INLINE vec v_tanh(vec x)
{
    /* (tanh(a) - a) / a³ as a polynomial in a²; error 1.4e-8 relative to tanh(a) */
    static const float c[] = {-0x1.5554fap-2f, 0x1.10fbacp-3f, -0x1.b6d324p-5f, 0x1.4986bap-6f,
                              -0x1.51e556p-8f};
    vec a = v_abs(x), square = v_mul(a, a);
    vec low = v_fma(v_mul(square, a), POLYNOMIAL(square, c), a);
    vec t = v_expm1(v_mul(v_set(2), v_min(v_set(10), a)));
    vec high = v_div(t, v_add(t, v_set(2)));
    return v_copysign(v_select(v_lt(a, v_set(0.7f)), low, high), x);
}

/* The part of the normal distribution beyond a, for a ≥ 0: (1 - erf(a / √2)) / 2. The error is
 * below 1e-7; beyond 6 the result is only known to be small. */
INLINE vec v_normal_tail(vec a)
{
    /* -log(1 - erf(a / √2)) / a for a up to 6, weighted for an absolute error of 1.5e-8 / max(1, a)
     * in the result. The polynomial rises beyond 6. */
    static const float c[] = {0x1.98848p-1f,   0x1.45ee5ap-2f,  0x1.2a4c98p-5f,   -0x1.43c01ap-8f,
                              0x1.16f9d6p-13f, 0x1.d4890cp-14f, -0x1.87eb18p-16f, 0x1.b1ca08p-20f};
    return v_mul(v_set(0.5f), v_exp(v_mul(v_neg(a), POLYNOMIAL(a, c))));
}
