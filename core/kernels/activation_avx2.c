/* The activations for AVX2 with FMA: 8 floats a vector. */
#include "core/kernels/activation_loops.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
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
/* The first n places of a vector, or all. */
static inline __m256i first_places(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n < LANES ? (int)n : LANES),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec v_load_some(const float *at, size_t n, vec rest)
{
    __m256i places = first_places(n);
    return _mm256_blendv_ps(rest, _mm256_maskload_ps(at, places), _mm256_castsi256_ps(places));
}
static inline void v_store_some(float *at, vec v, size_t n)
{
    _mm256_maskstore_ps(at, first_places(n), v);
}
OPERATION(vec, v_add, (vec a, vec b), _mm256_add_ps(a, b))
OPERATION(vec, v_sub, (vec a, vec b), _mm256_sub_ps(a, b))
OPERATION(vec, v_mul, (vec a, vec b), _mm256_mul_ps(a, b))
OPERATION(vec, v_div, (vec a, vec b), _mm256_div_ps(a, b))
OPERATION(vec, v_fma, (vec a, vec b, vec c), _mm256_fmadd_ps(a, b, c))
OPERATION(vec, v_sqrt, (vec a), _mm256_sqrt_ps(a))
OPERATION(vec, v_min, (vec a, vec b), _mm256_min_ps(a, b))
OPERATION(vec, v_max, (vec a, vec b), _mm256_max_ps(a, b))
OPERATION(vec, v_neg, (vec a), _mm256_xor_ps(a, _mm256_set1_ps(-0.0f)))
OPERATION(vec, v_abs, (vec a), _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a))
OPERATION(vec, v_copysign, (vec a, vec sign),
          _mm256_or_ps(a, _mm256_and_ps(_mm256_set1_ps(-0.0f), sign)))
OPERATION(mask, v_lt, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_LT_OQ))
OPERATION(mask, v_le, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_LE_OQ))
OPERATION(mask, v_gt, (vec a, vec b), _mm256_cmp_ps(a, b, _CMP_GT_OQ))
OPERATION(mask, v_and, (mask a, mask b), _mm256_and_ps(a, b))
OPERATION(vec, v_select, (mask m, vec a, vec b), _mm256_blendv_ps(b, a, m))

OPERATION(vec, power_of_two, (__m256i n),
          _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n, _mm256_set1_epi32(127)), 23)))
/* a · 2^n in two steps, of which only the second may round: 2^n alone may be beyond the
 * exponents. */
static inline vec v_scale(vec a, vec n)
{
    __m256i whole = _mm256_cvtps_epi32(n), half = _mm256_srai_epi32(whole, 1);
    a = _mm256_mul_ps(a, power_of_two(half));
    return _mm256_mul_ps(a, power_of_two(_mm256_sub_epi32(whole, half)));
}

#include "core/kernels/activation_kernels.h"

TABLE(activation_avx2)
#endif
