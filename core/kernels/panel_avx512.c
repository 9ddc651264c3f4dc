/* The panel kernels for AVX-512: 16 floats per vector, 32 registers. */
#include "core/kernels/panel.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#include <string.h>

typedef __m512 vec;
enum { LANES = 16, HAS_NEXT = 0 };

static inline vec vec_load(const float *at)
{
    return _mm512_loadu_ps(at);
}
static inline vec vec_load_some(const float *at, size_t columns)
{
    return _mm512_maskz_loadu_ps((__mmask16)((1u << columns) - 1), at);
}
static inline vec vec_load_bfloat16(const uint16_t *at)
{
    __m512i bits = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)at));
    return _mm512_castsi512_ps(_mm512_slli_epi32(bits, 16));
}
static inline vec vec_load_float16(const uint16_t *at)
{
    return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)at));
}
static inline vec vec_broadcast(float value)
{
    return _mm512_set1_ps(value);
}
static inline vec vec_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
static inline void vec_store(float *at, vec v)
{
    _mm512_storeu_ps(at, v);
}
static inline void vec_store_some(float *at, vec v, size_t columns)
{
    _mm512_mask_storeu_ps(at, (__mmask16)((1u << columns) - 1), v);
}

#include "core/kernels/panel_kernels.h"

/* 24 sums, 4 weights and one broadcast use 29 of the 32 registers. */
/* clang-format off */
BLOCK_OF_ONE(1) BLOCK_OF_ONE(2) BLOCK_OF_ONE(3) BLOCK_OF_ONE(4)
BLOCK(2, 1) BLOCK(2, 2) BLOCK(2, 3) BLOCK(2, 4)
BLOCK(3, 1) BLOCK(3, 2) BLOCK(3, 3) BLOCK(3, 4)
BLOCK(4, 1) BLOCK(4, 2) BLOCK(4, 3) BLOCK(4, 4)
BLOCK(5, 1) BLOCK(5, 2) BLOCK(5, 3) BLOCK(5, 4)
BLOCK(6, 1) BLOCK(6, 2) BLOCK(6, 3) BLOCK(6, 4)
BLOCK(8, 1) BLOCK(12, 1)
    /* clang-format on */

    static block_fn *const blocks[PANEL_ROWS_MAX + 1][5] = {
        [8] = {NULL, block_8_1, NULL, NULL, NULL},
        [12] = {NULL, block_12_1, NULL, NULL, NULL},
        [1] = {NULL, block_1_1, block_1_2, block_1_3, block_1_4},
        [2] = {NULL, block_2_1, block_2_2, block_2_3, block_2_4},
        [3] = {NULL, block_3_1, block_3_2, block_3_3, block_3_4},
        [4] = {NULL, block_4_1, block_4_2, block_4_3, block_4_4},
        [5] = {NULL, block_5_1, block_5_2, block_5_3, block_5_4},
        [6] = {NULL, block_6_1, block_6_2, block_6_3, block_6_4},
};

static void avx512_dense(const struct panel *panel, const float *const *x, float *const *y,
                         size_t rows)
{
    /* One unit has only one sum per row, so more rows at once are faster. */
    if (panel->units == 1 && (rows == 12 || rows == 8)) {
        blocks[rows][1](panel, 0, x, y);
        return;
    }
    /* The rows are split into equal parts: 8 rows become 4 + 4. With 6 + 2 the second part would
     * have to wait for its weights. */
    for (size_t parts = (rows + 5) / 6; parts; parts--) {
        size_t part = (rows + parts - 1) / parts;
        blocks[part][panel->units](panel, 0, x, y);
        x += part;
        y += part;
        rows -= part;
    }
}

static size_t avx512_list(const float *x, size_t count, unsigned first, unsigned *index,
                          float *value)
{
    size_t found = 0;
    __m512i lanes =
        _mm512_add_epi32(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15),
                         _mm512_set1_epi32((int)first));
    for (size_t k = 0; k < count;
         k += LANES, lanes = _mm512_add_epi32(lanes, _mm512_set1_epi32(LANES))) {
        __mmask16 some = count - k < LANES ? (__mmask16)((1u << (count - k)) - 1) : 0xffff;
        vec v = _mm512_maskz_loadu_ps(some, x + k);
        __mmask16 nonzero = _mm512_mask_cmp_ps_mask(some, v, _mm512_setzero_ps(), _CMP_NEQ_UQ);
        /* Compressing into a register and storing all of it is much faster here than a compressing
         * store. */
        _mm512_storeu_si512(index + found, _mm512_maskz_compress_epi32(nonzero, lanes));
        _mm512_storeu_ps(value + found, _mm512_maskz_compress_ps(nonzero, v));
        found += (size_t)__builtin_popcount(nonzero);
    }
    return found;
}

static size_t avx512_count(const float *x, size_t count)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k += LANES) {
        __mmask16 some = count - k < LANES ? (__mmask16)((1u << (count - k)) - 1) : 0xffff;
        vec v = _mm512_maskz_loadu_ps(some, x + k);
        found += (size_t)__builtin_popcount(
            _mm512_mask_cmp_ps_mask(some, v, _mm512_setzero_ps(), _CMP_NEQ_UQ));
    }
    return found;
}

enum { PULL_LANES = 8, PULL_INPUTS = 4 };
typedef __m512d pull_lanes;

static inline pull_lanes pull_widen(const float *x)
{
    return _mm512_cvtps_pd(_mm256_loadu_ps(x));
}

#include "core/kernels/panel_pull.h"

const struct panel_kernels panel_avx512 = {.dense = avx512_dense,
                                           .widen = vec_widen,
                                           .sparse = vec_sparse,
                                           .pull = pull_slopes,
                                           .list = avx512_list,
                                           .count = avx512_count};
#endif
