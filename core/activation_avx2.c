/* The activations for AVX2 with FMA: 8 floats a vector. */
#include "core/activation_loops.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <math.h>
#include <sleef.h>
#include <string.h>

typedef __m256 vec;
typedef __m256 mask;
enum { LANES = 8 };

#define OPERATION(type, name, parameters, value)                                                   \
    static inline type name parameters                                                             \
    {                                                                                              \
        return value;                                                                              \
    }
OPERATION(vec, v_set, (float c), _mm256_set1_ps(c))
OPERATION(vec, v_load, (const float *at), _mm256_loadu_ps(at))
static inline void v_store(float *at, vec v)
{
    _mm256_storeu_ps(at, v);
}
OPERATION(vec, v_add, (vec a, vec b), _mm256_add_ps(a, b))
OPERATION(vec, v_sub, (vec a, vec b), _mm256_sub_ps(a, b))
OPERATION(vec, v_mul, (vec a, vec b), _mm256_mul_ps(a, b))
OPERATION(vec, v_div, (vec a, vec b), _mm256_div_ps(a, b))
OPERATION(vec, v_neg, (vec a), _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)))
OPERATION(vec, v_abs, (vec a), _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a))
OPERATION(mask, v_lt, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_LT_OQ))
OPERATION(mask, v_le, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_LE_OQ))
OPERATION(mask, v_gt, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_GT_OQ))
OPERATION(mask, v_and, (mask a, mask b), _mm256_and_ps(a, b))
OPERATION(vec, v_select, (mask m, vec a, vec b), _mm256_blendv_ps(b, a, m))
OPERATION(vec, v_exp, (vec a), Sleef_finz_expf8_u10avx2(a))
OPERATION(vec, v_expm1, (vec a), Sleef_finz_expm1f8_u10avx2(a))
OPERATION(vec, v_log1p, (vec a), Sleef_finz_log1pf8_u10avx2(a))
OPERATION(vec, v_tanh, (vec a), Sleef_finz_tanhf8_u10avx2(a))
OPERATION(vec, v_erf, (vec a), Sleef_finz_erff8_u10avx2(a))

#include "core/activation_formulas.h"

TABLE(activation_avx2)
#endif
