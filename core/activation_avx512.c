/* The activations for AVX-512: 16 floats a vector. */
#include "core/activation_loops.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#include <math.h>
#include <sleef.h>
#include <string.h>

typedef __m512 vec;
typedef __mmask16 mask;
enum { LANES = 16 };

#define OPERATION(type, name, parameters, value)                                                   \
    static inline type name parameters                                                             \
    {                                                                                              \
        return value;                                                                              \
    }
OPERATION(vec, v_set, (float c), _mm512_set1_ps(c))
OPERATION(vec, v_load, (const float *at), _mm512_loadu_ps(at))
static inline void v_store(float *at, vec v)
{
    _mm512_storeu_ps(at, v);
}
OPERATION(vec, v_add, (vec a, vec b), _mm512_add_ps(a, b))
OPERATION(vec, v_sub, (vec a, vec b), _mm512_sub_ps(a, b))
OPERATION(vec, v_mul, (vec a, vec b), _mm512_mul_ps(a, b))
OPERATION(vec, v_div, (vec a, vec b), _mm512_div_ps(a, b))
OPERATION(vec, v_neg, (vec a), _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)))
OPERATION(vec, v_abs, (vec a), _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a))
OPERATION(mask, v_lt, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ))
OPERATION(mask, v_le, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))
OPERATION(mask, v_gt, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ))
OPERATION(mask, v_and, (mask a, mask b), (mask)(a &b))
OPERATION(vec, v_select, (mask m, vec a, vec b), _mm512_mask_blend_ps(m, b, a))
OPERATION(vec, v_exp, (vec a), Sleef_finz_expf16_u10avx512f(a))
OPERATION(vec, v_expm1, (vec a), Sleef_finz_expm1f16_u10avx512f(a))
OPERATION(vec, v_log1p, (vec a), Sleef_finz_log1pf16_u10avx512f(a))
OPERATION(vec, v_tanh, (vec a), Sleef_finz_tanhf16_u10avx512f(a))
OPERATION(vec, v_erf, (vec a), Sleef_finz_erff16_u10avx512f(a))

#include "core/activation_formulas.h"

TABLE(activation_avx512)
#endif
