/* One layer forward, exact, against the best plain OpenBLAS call for the same product. */
#include "tests/bench/bench.h"

#include "core/network.h"
#include "core/plan.h"
#include <cblas.h>
#include <stdint.h>
#include <string.h>

struct layer {
    struct linear linear;
    size_t inputs, outputs, rows;
    float *weight, *transposed, *bias, *x, *y;
};

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

static float noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) * 0x1p-23f - 1;
}

static void bench_layer(size_t inputs, size_t outputs, unsigned percent)
{
    static const size_t rows[] = {1, 4, 8, 32, 64};
    uint64_t state = 1;
    struct arena arena = {0};
    struct relud_model_options options = {.math = RELUD_MATH_EXACT};
    struct relud_error error;
    struct layer l = {.inputs = inputs, .outputs = outputs};
    l.weight = arena_take_array(&arena, inputs * outputs, sizeof(float));
    l.transposed = arena_take_array(&arena, inputs * outputs, sizeof(float));
    l.bias = arena_take_array(&arena, outputs, sizeof(float));
    l.x = arena_take_array(&arena, 64 * inputs, sizeof(float));
    l.y = arena_take_array(&arena, 64 * outputs, sizeof(float));
    for (size_t n = 0; n < outputs; n++)
        for (size_t k = 0; k < inputs; k++)
            l.weight[n * inputs + k] = l.transposed[k * outputs + n] = noise(&state);
    for (size_t i = 0; i < 64 * inputs; i++)
        l.x[i] = (noise(&state) + 1) * 50 < (float)percent ? noise(&state) : 0;
    if (!linear_pack(&l.linear, &arena, inputs, outputs, l.weight, false, l.bias, &options,
                     &error) ||
        !plan_make(&l.linear, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(1);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        l.rows = rows[i];
        void (*run[])(void *) = {run_ours, run_blas, run_blas_transposed, run_gemv};
        void *user[] = {&l, &l, &l, &l};
        double s[4];
        bench_in_turn(run, user, 4, 0.004, s);
        double plain = s[1] < s[2] ? s[1] : s[2], best = plain < s[3] ? plain : s[3];
        double flops = 2.0 * (double)(inputs * outputs * l.rows);
        printf("%4zu x %-4zu %3u %% non-zero %3zu rows: %8.2f us/row %6.1f GFLOP/s   %5.2fx plain "
               "sgemm  %5.2fx the best "
               "OpenBLAS call\n",
               inputs, outputs, percent, l.rows, s[0] / (double)l.rows * 1e6, flops / s[0] * 1e-9,
               plain / s[0], best / s[0]);
    }
    arena_reset(&arena);
}

int main(void)
{
    bench_layer(784, 256, 100);
    bench_layer(784, 256, 19);
    bench_layer(1024, 1024, 100);
    bench_layer(256, 10, 100);
    return 0;
}
