/* The activations for AVX-512: 16 floats a vector. */
#include "core/kernels/activation_loops.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
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
/* The first n places of a vector, or all. */
static inline mask first_places(size_t n)
{
    return (mask)((1u << (n < LANES ? n : LANES)) - 1);
}
static inline vec v_load_some(const float *at, size_t n, vec rest)
{
    return _mm512_mask_loadu_ps(rest, first_places(n), at);
}
static inline void v_store_some(float *at, vec v, size_t n)
{
    _mm512_mask_storeu_ps(at, first_places(n), v);
}
OPERATION(vec, v_add, (vec a, vec b), _mm512_add_ps(a, b))
OPERATION(vec, v_sub, (vec a, vec b), _mm512_sub_ps(a, b))
OPERATION(vec, v_mul, (vec a, vec b), _mm512_mul_ps(a, b))
OPERATION(vec, v_div, (vec a, vec b), _mm512_div_ps(a, b))
OPERATION(vec, v_fma, (vec a, vec b, vec c), _mm512_fmadd_ps(a, b, c))
OPERATION(vec, v_sqrt, (vec a), _mm512_sqrt_ps(a))
OPERATION(vec, v_min, (vec a, vec b), _mm512_min_ps(a, b))
OPERATION(vec, v_max, (vec a, vec b), _mm512_max_ps(a, b))
OPERATION(vec, v_scale, (vec a, vec n), _mm512_scalef_ps(a, n))
OPERATION(vec, v_neg, (vec a), _mm512_xor_ps(a, _mm512_set1_ps(-0.0f)))
OPERATION(vec, v_abs, (vec a), _mm512_andnot_ps(_mm512_set1_ps(-0.0f), a))
OPERATION(vec, v_copysign, (vec a, vec sign),
          _mm512_or_ps(a, _mm512_and_ps(_mm512_set1_ps(-0.0f), sign)))
OPERATION(mask, v_lt, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ))
OPERATION(mask, v_le, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_LE_OQ))
OPERATION(mask, v_gt, (vec a, vec b), _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ))
OPERATION(mask, v_and, (mask a, mask b), (mask)(a &b))
OPERATION(vec, v_select, (mask m, vec a, vec b), _mm512_mask_blend_ps(m, b, a))

#include "core/kernels/activation_kernels.h"

TABLE(activation_avx512)
#endif
