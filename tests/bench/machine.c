#include "tests/bench/machine.h"

#include "tests/bench/bench.h"
#include <string.h>
#include <sys/mman.h>

enum {
    CHAINS = 12,
    STEPS = 20000
}; /* two a cycle, each four to five cycles long, keep busy with ten */

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static void fma_avx512(void *user)
{
    __m512 sum[CHAINS], x = _mm512_set1_ps(0.5f), y = _mm512_set1_ps(0.25f);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm512_set1_ps((float)i);
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm512_fmadd_ps(sum[i], x, y);
    for (int i = 1; i < CHAINS; i++)
        sum[0] = _mm512_add_ps(sum[0], sum[i]);
    _mm512_storeu_ps(user, sum[0]);
}

__attribute__((target("avx2,fma"))) static void fma_avx2(void *user)
{
    __m256 sum[CHAINS], x = _mm256_set1_ps(0.5f), y = _mm256_set1_ps(0.25f);
    for (int i = 0; i < CHAINS; i++)
        sum[i] = _mm256_set1_ps((float)i);
    for (int step = 0; step < STEPS; step++)
#pragma GCC unroll 12
        for (int i = 0; i < CHAINS; i++)
            sum[i] = _mm256_fmadd_ps(sum[i], x, y);
    for (int i = 1; i < CHAINS; i++)
        sum[0] = _mm256_add_ps(sum[0], sum[i]);
    _mm256_storeu_ps(user, sum[0]);
}

double machine_fma_gflops(enum relud_isa isa)
{
    if (isa > relud_isa_best() || isa < RELUD_ISA_AVX2)
        return 0;
    float out[16];
    void (*run[])(void *) = {isa == RELUD_ISA_AVX512 ? fma_avx512 : fma_avx2};
    void *user[] = {out};
    double s;
    bench_in_turn(run, user, 1, 0.004, &s);
    return 2.0 * CHAINS * STEPS * (isa == RELUD_ISA_AVX512 ? 16 : 8) / s * 1e-9;
}
#else
double machine_fma_gflops(enum relud_isa isa)
{
    (void)isa;
    return 0;
}
#endif

enum { LINE = 64, PIECE = 4 * LINE, STREAMS_MAX = 16, HUGE_PAGE = 2 << 20 };

struct machine_block {
    char *bytes;
    size_t size, streams, ahead;
    uint64_t sum; /* or there is nothing to read for */
};

static inline __attribute__((always_inline)) uint64_t sum_lines(const char *at, const size_t ahead)
{
    uint64_t sum = 0;
    for (size_t line = 0; line < PIECE; line += LINE) {
        const uint64_t *word = (const uint64_t *)(const void *)(at + line);
        if (ahead)
            __builtin_prefetch(at + line + ahead);
        for (size_t i = 0; i < LINE / sizeof *word; i++)
            sum += word[i];
    }
    return sum;
}

#if defined(__x86_64__)
__attribute__((target_clones("default", "avx2"), optimize("O3")))
#endif
static uint64_t
sum_all(const char *bytes, size_t size, size_t streams, size_t ahead)
{
    uint64_t sum = 0;
    size_t each = size / streams;
    for (size_t at = 0; at < each; at += PIECE)
        for (size_t s = 0; s < streams; s++)
            sum +=
                ahead ? sum_lines(bytes + s * each + at, 512) : sum_lines(bytes + s * each + at, 0);
    return sum;
}

void machine_read(void *user)
{
    struct machine_block *block = user;
    block->sum += sum_all(block->bytes, block->size, block->streams, block->ahead);
}

struct machine_block *machine_block_new(size_t bytes)
{
    struct machine_block *block = malloc(sizeof *block), best;
    char *memory = aligned_alloc(HUGE_PAGE, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
    if (!block || !memory) {
        free(memory);
        free(block);
        return NULL;
    }
    madvise(memory, bytes, MADV_HUGEPAGE);
    memset(memory, 1, bytes);
    double least = 1e30;
    for (size_t streams = 1; streams <= STREAMS_MAX; streams *= 2)
        for (size_t ahead = 0; ahead < 2; ahead++) {
            *block = (struct machine_block){memory, bytes / (streams * PIECE) * streams * PIECE,
                                            streams, ahead, 0};
            void (*run[])(void *) = {machine_read};
            void *user[] = {block};
            double s;
            bench_in_turn(run, user, 1, 0.002, &s);
            if (s < least) {
                least = s;
                best = *block;
            }
        }
    *block = best;
    return block;
}

void machine_block_free(struct machine_block *block)
{
    free(block->bytes);
    free(block);
}
