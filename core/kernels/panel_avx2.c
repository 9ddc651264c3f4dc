/* The panel kernels for AVX2 with FMA: 8 floats per vector, 16 registers. */
#include "core/kernels/panel.h"

#if defined(__AVX2__)
#include <immintrin.h>
#include <stdint.h>
#include <string.h>

typedef __m256 vec;
enum { LANES = 8, HAS_NEXT = 1 };

static inline vec vec_load(const float *at)
{
    return _mm256_loadu_ps(at);
}
static inline vec vec_load_bfloat16(const uint16_t *at)
{
    __m256i bits = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)at));
    return _mm256_castsi256_ps(_mm256_slli_epi32(bits, 16));
}
static inline vec vec_load_float16(const uint16_t *at)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)at));
}
static inline vec vec_broadcast(float value)
{
    return _mm256_set1_ps(value);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec vec_add(vec a, vec b)
{
    return _mm256_add_ps(a, b);
}
static inline void vec_store(float *at, vec v)
{
    _mm256_storeu_ps(at, v);
}
static inline __m256i mask_of(size_t columns)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)columns),
                              _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
static inline vec vec_load_some(const float *at, size_t columns)
{
    return _mm256_maskload_ps(at, mask_of(columns));
}
static inline void vec_store_some(float *at, vec v, size_t columns)
{
    _mm256_maskstore_ps(at, mask_of(columns), v);
}

#include "core/kernels/panel_kernels.h"

/* Twelve sums, two weights and one broadcast use 15 of the 16 registers. Blocks of fewer rows take
 * more units, so that at least eight sums run side by side and hide each other's latency. */
/* clang-format off */
BLOCK_OF_ONE(1) BLOCK_OF_ONE(2) BLOCK_OF_ONE(3) BLOCK_OF_ONE(4)
BLOCK(2, 1) BLOCK(2, 2)
BLOCK(3, 1) BLOCK(3, 2)
BLOCK(4, 1)
BLOCK(5, 1)
BLOCK(6, 1)
    /* clang-format on */

    static block_fn *const blocks[7][5] = {
        [1] = {NULL, block_1_1, block_1_2, block_1_3, block_1_4},
        [2] = {NULL, block_2_1, block_2_2, NULL, NULL},
        [3] = {NULL, block_3_1, block_3_2, NULL, NULL},
        [4] = {NULL, block_4_1, NULL, NULL, NULL},
        [5] = {NULL, block_5_1, NULL, NULL, NULL},
        [6] = {NULL, block_6_1, NULL, NULL, NULL},
};
static const size_t units_for[7] = {0, 4, 2, 2, 1, 1, 1};

static void avx2_dense(const struct panel *panel, const float *const *x, float *const *y,
                       size_t rows)
{
    struct panel once = *panel;
    for (size_t parts = (rows + 5) / 6; parts; parts--, once.next = NULL) {
        size_t part = (rows + parts - 1) / parts;
        for (size_t unit = 0; unit < panel->units;) {
            size_t left = panel->units - unit;
            size_t units = left < units_for[part] ? left : units_for[part];
            blocks[part][units](&once, unit, x, y);
            unit += units;
        }
        x += part;
        y += part;
        rows -= part;
    }
}

static unsigned nonzero_of(const float *x, size_t left, vec *v)
{
    *v = left < LANES ? _mm256_maskload_ps(x, mask_of(left)) : _mm256_loadu_ps(x);
    return (unsigned)_mm256_movemask_ps(_mm256_cmp_ps(*v, _mm256_setzero_ps(), _CMP_NEQ_UQ));
}

/* Returns the indices of the bits that are set, lowest first. The lanes after them hold
 * anything. */
static __m256i lanes_of(unsigned bits)
{
    uint64_t bytes = _pdep_u64(bits, 0x0101010101010101u) * 0xff;
    return _mm256_cvtepu8_epi32(
        _mm_cvtsi64_si128((long long)_pext_u64(0x0706050403020100u, bytes)));
}

/* This does not branch on the numbers. It takes 0.18 us for the 784 pixels of a digit. */
static size_t avx2_list(const float *x, size_t count, unsigned first, unsigned *index, float *value)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k += LANES) {
        vec v;
        unsigned bits = nonzero_of(x + k, count - k, &v);
        __m256i lanes = lanes_of(bits), at = _mm256_set1_epi32((int)(first + (unsigned)k));
        _mm256_storeu_si256((__m256i *)(index + found), _mm256_add_epi32(lanes, at));
        _mm256_storeu_ps(value + found, _mm256_permutevar8x32_ps(v, lanes));
        found += (size_t)__builtin_popcount(bits);
    }
    return found;
}

static size_t avx2_count(const float *x, size_t count)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k += LANES) {
        vec v;
        found += (size_t)__builtin_popcount(nonzero_of(x + k, count - k, &v));
    }
    return found;
}

enum { PULL_LANES = 4, PULL_INPUTS = 2 };
typedef __m256d pull_lanes;

static inline pull_lanes pull_widen(const float *x)
{
    return _mm256_cvtps_pd(_mm_loadu_ps(x));
}

#include "core/kernels/panel_pull.h"

const struct panel_kernels panel_avx2 = {.dense = avx2_dense,
                                         .has_next = HAS_NEXT,
                                         .widen = vec_widen,
                                         .sparse = vec_sparse,
                                         .pull = pull_slopes,
                                         .list = avx2_list,
                                         .count = avx2_count};
#endif
