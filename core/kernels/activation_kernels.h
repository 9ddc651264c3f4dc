/* The loops around the formulas, and the steps of softmax, written once over vectors. Included by
 * core/kernels/activation_{scalar,avx2,avx512}.c, which define vec, mask, LANES and the v_…
 * operations before it, and make a TABLE of it. */

#include "core/kernels/activation_formulas.h"

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
#define X(name, ...) LOOP(name##_value) LOOP(name##_gradient)
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

/* ---- rows: SUM_LANES places side by side, a fixed tree over them, whatever a vector holds ---- */

enum { SUM_VECS = SUM_LANES / LANES };
#define UNROLL_TWO _Pragma("GCC unroll 2")

/* clang-format off */ /* as in core/kernels/vecmath.h */
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

static float row_exp(float most, const float *x, float *y, size_t n, float *lanes)
{
    vec sum[SUM_VECS], less = v_set(most), nothing = v_set(-INFINITY); /* exp makes 0 of it */
    float folded[SUM_LANES];
    size_t i = 0;
    UNROLL_TWO for (size_t v = 0; v < SUM_VECS; v++)
        sum[v] = v_load(lanes + v * LANES);
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
    memcpy(folded, lanes, sizeof folded);
    return fold(folded, true);
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
#define VALUE_ENTRY(name, ...)    [LOOP_##name] = name##_value_loop,
#define GRADIENT_ENTRY(name, ...) [LOOP_##name] = name##_gradient_loop,
