#include "tests/bench/machine.h"

#include "tests/bench/bench.h"
#include <string.h>

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

struct block {
    const uint64_t *words;
    size_t count;
    uint64_t sum;
};

static void read_all(void *user)
{
    struct block *block = user;
    uint64_t sum[8] = {0};
    for (size_t i = 0; i + 8 <= block->count; i += 8)
        for (size_t j = 0; j < 8; j++)
            sum[j] += block->words[i + j];
    for (size_t j = 0; j < 8; j++)
        block->sum += sum[j];
}

double machine_read_gb_per_s(size_t bytes)
{
    uint64_t *words = malloc(bytes);
    if (!words)
        return 0;
    memset(words, 1, bytes);
    struct block block = {words, bytes / sizeof *words, 0};
    void (*run[])(void *) = {read_all};
    void *user[] = {&block};
    double s;
    bench_in_turn(run, user, 1, 0.004, &s);
    volatile uint64_t sink = block.sum; /* or there is nothing to read for */
    (void)sink;
    free(words);
    return (double)bytes / s * 1e-9;
}
