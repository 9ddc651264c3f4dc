/* One layer forward, exact, against plain OpenBLAS for the same product and against what the core can do: its fused
 * multiply-adds, or its reads from memory where the weights do not fit into a cache. */
#include "tests/bench/bench.h"
#include "tests/bench/machine.h"

#include "core/kernels/plan.h"
#include "core/net/network.h"
#include <cblas.h>
#include <string.h>

enum { ROWS_MAX = 64 };

struct layer {
    struct linear linear;
    size_t inputs, outputs, rows;
    float *weight, *transposed, *bias, *x, *y;
};

/* ---- the ways ---- */

static void run_ours(void *user)
{
    struct layer *l = user;
    linear_forward(&l->linear, l->x, l->y, l->rows);
}
static void add_bias(struct layer *l)
{
    for (size_t r = 0; r < l->rows; r++)
        for (size_t n = 0; n < l->outputs; n++)
            l->y[r * l->outputs + n] += l->bias[n];
}
/* Weights [out][in], as PyTorch keeps them. */
static void run_blas_transposed(void *user)
{
    struct layer *l = user;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)l->rows, (int)l->outputs,
                (int)l->inputs, 1, l->x, (int)l->inputs, l->weight, (int)l->inputs, 0, l->y,
                (int)l->outputs);
    add_bias(l);
}
/* Weights [in][out]. */
static void run_blas(void *user)
{
    struct layer *l = user;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)l->rows, (int)l->outputs,
                (int)l->inputs, 1, l->x, (int)l->inputs, l->transposed, (int)l->outputs, 0, l->y,
                (int)l->outputs);
    add_bias(l);
}
static void run_gemv(void *user)
{
    struct layer *l = user;
    for (size_t r = 0; r < l->rows; r++)
        cblas_sgemv(CblasRowMajor, CblasNoTrans, (int)l->outputs, (int)l->inputs, 1, l->weight,
                    (int)l->inputs, l->x + r * l->inputs, 1, 0, l->y + r * l->outputs, 1);
    add_bias(l);
}

/* ---- the layers ---- */

struct arena_layer {
    struct arena arena;
    struct layer layer;
};

static void stop(const char *why)
{
    fprintf(stderr, "bench_forward: %s\n", why);
    exit(EXIT_FAILURE);
}

static float *take(struct arena *arena, size_t count)
{
    float *values = arena_take_array(arena, count, sizeof(float));
    if (!values)
        stop("out of memory");
    return values;
}

static void make_layer(struct arena_layer *made, size_t inputs, size_t outputs, unsigned percent,
                       enum relud_isa isa)
{
    uint64_t state = 1;
    struct relud_model_options options = {.math = RELUD_MATH_EXACT, .isa = isa};
    struct relud_error error;
    struct layer *l = &made->layer;
    *made = (struct arena_layer){.layer = {.inputs = inputs, .outputs = outputs}};
    l->weight = take(&made->arena, inputs * outputs);
    l->transposed = take(&made->arena, inputs * outputs);
    l->bias = take(&made->arena, outputs);
    l->x = take(&made->arena, ROWS_MAX * inputs);
    l->y = take(&made->arena, ROWS_MAX * outputs);
    memset(l->bias, 0, outputs * sizeof *l->bias);
    for (size_t n = 0; n < outputs; n++)
        for (size_t k = 0; k < inputs; k++)
            l->weight[n * inputs + k] = l->transposed[k * outputs + n] = bench_noise(&state);
    for (size_t i = 0; i < ROWS_MAX * inputs; i++)
        l->x[i] = (bench_noise(&state) + 1) * 50 < (float)percent ? bench_noise(&state) : 0;
    if (!linear_pack(&l->linear, &made->arena,
                     &(struct weights){inputs, outputs, l->weight, false, NULL, l->bias}, &options,
                     &error) ||
        !plan_make(&l->linear, &made->arena, &error))
        stop(error.text);
}

enum { CACHED_BYTES = 32 << 20 }; /* weights beyond are in memory, on the machines of today */

/* The limit is the core's, for dense rows: its arithmetic, and reading the weights where no cache holds them. */
static void bench_layer(size_t inputs, size_t outputs, unsigned percent, enum relud_isa isa,
                        double peak_gflops, const size_t *rows, size_t count)
{
    struct arena_layer made;
    make_layer(&made, inputs, outputs, percent, isa);
    struct layer *l = &made.layer;
    size_t bytes = inputs * outputs * sizeof(float);
    bool is_in_memory = bytes > CACHED_BYTES;
    struct machine_block *block = is_in_memory ? machine_block_new(bytes) : NULL;
    if (is_in_memory && !block)
        stop("out of memory");
    for (size_t i = 0; i < count; i++) {
        l->rows = rows[i];
        void (*run[])(void *) = {run_ours, run_blas, run_blas_transposed, run_gemv, machine_read};
        void *user[] = {l, l, l, l, block};
        double s[5];
        bench_in_turn(run, user, is_in_memory ? 5 : 4, 0.004, s);
        double plain = s[1] < s[2] ? s[1] : s[2], best = plain < s[3] ? plain : s[3];
        double gflops = 2.0 * (double)(inputs * outputs * l->rows) / s[0] * 1e-9;
        char name[64];
        snprintf(name, sizeof name, "forward.%zux%zu.%u.%s.rows%zu", inputs, outputs, percent,
                 relud_isa_name(isa), l->rows);
        printf("%4zu x %-4zu %3u %% %-6s %3zu %10.2f %9.1f %8.2f %8.2f", inputs, outputs, percent,
               relud_isa_name(isa), l->rows, s[0] / (double)l->rows * 1e6, gflops, plain / s[0],
               best / s[0]);
        if (percent == 100)
            printf("   %3.0f %%", 100 * gflops / peak_gflops);
        if (is_in_memory)
            printf(" %3.0f %% of %.1f GB/s", 100 * s[4] / s[0], (double)bytes / s[4] * 1e-9);
        printf("\n");
        bench_value(s[0] / (double)l->rows * 1e6, "%s.us_per_row", name);
        bench_value(plain / s[0], "%s.x_sgemm", name);
        bench_value(best / s[0], "%s.x_blas", name);
        if (percent == 100)
            bench_value(gflops / peak_gflops, "%s.of_fma_peak", name);
        if (is_in_memory) {
            bench_value(s[4] / s[0], "%s.of_memory", name);
            bench_value((double)bytes / s[4] * 1e-9, "machine.read_gb_per_s");
        }
    }
    if (block)
        machine_block_free(block);
    arena_reset(&made.arena);
}

int main(void)
{
    static const size_t rows[] = {1, 4, 8, 32, 64}, few[] = {1, 2, 4, 8};
    for (enum relud_isa isa = RELUD_ISA_AVX512; isa >= RELUD_ISA_AVX2; isa--) {
        double peak = machine_fma_gflops(isa);
        if (peak == 0)
            continue;
        printf("one core's fused multiply-adds with %s: %.1f GFLOP/s\n", relud_isa_name(isa), peak);
        bench_value(peak, "machine.fma_%s_gflops", relud_isa_name(isa));
        printf("\n%-18s %-6s %4s %10s %9s %8s %8s   %s\n", "layer, non-zero", "isa", "rows",
               "us/row", "GFLOP/s", "x sgemm", "x best", "of FMA peak, of memory");
        bench_layer(784, 256, 100, isa, peak, rows, 5);
        bench_layer(784, 256, 19, isa, peak, rows, 5);
        bench_layer(256, 10, 100, isa, peak, rows, 5);
        bench_layer(1024, 1024, 100, isa, peak, rows, 5);
        bench_layer(4096, 4096, 100, isa, peak, few, 4);
        printf("\n");
    }
    return 0;
}
