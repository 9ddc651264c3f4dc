/* A training's arithmetic on one core, beside what OpenBLAS's sgemm can do at its best, in turn in one run. Writes name=value
 * lines: train.sgemm.gflops (two matrices of 1024 x 1024), and of epochs of steps of 64 rows through 784 -> 256 -> 10
 * train.NAME.gflops, counting every product of a dense net, for rows that are `dense` and rows with 81 % zeros as MNIST's
 * have; and train.blas.gflops, the same dense steps with sgemm for every product and the same optimizer loop. */
#include "core/base/random.h"
#include "core/train/learner.h"
#include "tests/bench/bench.h"

#include <cblas.h>
#include <string.h>

enum { ROWS = 64, FEATURES = 784, HIDDEN = 256, OUTPUTS = 10, STEPS = 40, SQUARE = 1024 };

/* forward, and the weights' gradients, of both layers, and the hidden layer's own */
#define STEP_FLOP (2.0 * ROWS * (2.0 * FEATURES * HIDDEN + 3.0 * HIDDEN * OUTPUTS))

struct bench {
    struct learner learner;
    struct optimizer optimizer;
    struct target target[ROWS];
    double loss[ROWS];
    bool is_right[ROWS];
    const float *rows; /* [STEPS][ROWS][FEATURES] */
};

static void run_steps(void *user)
{
    struct bench *bench = user;
    struct learner_batch batch = {.rows = ROWS,
                                  .target = bench->target,
                                  .loss = bench->loss,
                                  .is_right = bench->is_right,
                                  .is_training = true};
    for (size_t s = 0; s < STEPS; s++) {
        memcpy(bench->learner.layer[0].x, bench->rows + s * ROWS * FEATURES,
               ROWS * FEATURES * sizeof(float));
        learner_rows(&bench->learner, &batch, 0, ROWS, NULL);
        optimizer_begin(&bench->optimizer, 0.01);
        learner_weights(&bench->learner, &bench->optimizer, ROWS, 0, 1);
    }
}

/* The same by sgemm: whole gradients in memory, then the optimizer over them. */
struct blas {
    const struct bench *bench;
    float *w1, *w2, *g1, *g2, *m1, *m2, *h, *y, *dh, *dy;
};

static void run_blas(void *user)
{
    struct blas *b = user;
    const struct optimizer *optimizer = &b->bench->optimizer;
    for (size_t s = 0; s < STEPS; s++) {
        const float *x = b->bench->rows + s * ROWS * FEATURES;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, HIDDEN, FEATURES, 1, x,
                    FEATURES, b->w1, HIDDEN, 0, b->h, HIDDEN);
        for (size_t i = 0; i < ROWS * HIDDEN; i++)
            b->h[i] = b->h[i] < 0 ? 0 : b->h[i];
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, ROWS, OUTPUTS, HIDDEN, 1, b->h,
                    HIDDEN, b->w2, OUTPUTS, 0, b->y, OUTPUTS);
        for (size_t i = 0; i < ROWS * OUTPUTS; i++)
            b->dy[i] = b->y[i] * 1e-3f; /* a loss's gradient is as much work in both */
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, ROWS, HIDDEN, OUTPUTS, 1, b->dy,
                    OUTPUTS, b->w2, OUTPUTS, 0, b->dh, HIDDEN);
        for (size_t i = 0; i < ROWS * HIDDEN; i++)
            b->dh[i] = b->h[i] > 0 ? b->dh[i] : 0;
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, FEATURES, HIDDEN, ROWS, 1, x, FEATURES,
                    b->dh, HIDDEN, 0, b->g1, HIDDEN);
        cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, HIDDEN, OUTPUTS, ROWS, 1, b->h, HIDDEN,
                    b->dy, OUTPUTS, 0, b->g2, OUTPUTS);
        optimizer_update(optimizer, b->w1, &b->m1, b->g1, FEATURES * HIDDEN);
        optimizer_update(optimizer, b->w2, &b->m2, b->g2, HIDDEN * OUTPUTS);
    }
}

static float *noise(size_t count, float size, uint64_t *state)
{
    float *values = malloc(count * sizeof *values);
    for (size_t i = 0; i < count; i++)
        values[i] = bench_noise(state) * size;
    return values;
}

static void open_bench(struct bench *bench, struct arena *arena, const float *rows)
{
    static const struct relud_activation *relu;
    struct relud_error error;
    relu = relud_activation_find("relu");
    const struct relud_train_config config = {
        .layers = 2,
        .layer = {{.units = HIDDEN, .activation = relu}, {.units = OUTPUTS}},
        .task = RELUD_TASK_CLASSIFICATION,
        .batch = ROWS,
        .momentum = 0.9,
    };
    bench->rows = rows;
    if (!learner_init(&bench->learner, arena, FEATURES, &config, &error)) {
        fprintf(stderr, "%s\n", error.text);
        exit(EXIT_FAILURE);
    }
    optimizer_init(&bench->optimizer, &config, bench->learner.loops);
    for (size_t r = 0; r < ROWS; r++)
        bench->target[r].class = (uint32_t)(r % OUTPUTS);
}

struct square {
    float *a, *b, *c;
};

static void run_square(void *user)
{
    const struct square *s = user;
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, SQUARE, SQUARE, SQUARE, 1, s->a, SQUARE,
                s->b, SQUARE, 0, s->c, SQUARE);
}

int main(void)
{
    static struct bench dense, sparse;
    struct arena arena = {0};
    uint64_t state = 1;
    size_t count = STEPS * ROWS * FEATURES, square = SQUARE * SQUARE;
    float *full = noise(count, 1, &state), *few = noise(count, 1, &state);
    for (size_t i = 0; i < count; i++)
        few[i] = random_next(&state) % 100 < 81 ? 0 : few[i];
    open_bench(&dense, &arena, full);
    open_bench(&sparse, &arena, few);
    struct blas blas = {&dense,
                        noise(FEATURES * HIDDEN, 0.05f, &state),
                        noise(HIDDEN * OUTPUTS, 0.05f, &state),
                        noise(FEATURES * HIDDEN, 0, &state),
                        noise(HIDDEN * OUTPUTS, 0, &state),
                        noise(FEATURES * HIDDEN, 0, &state),
                        noise(HIDDEN * OUTPUTS, 0, &state),
                        noise(ROWS * HIDDEN, 0, &state),
                        noise(ROWS * OUTPUTS, 0, &state),
                        noise(ROWS * HIDDEN, 0, &state),
                        noise(ROWS * OUTPUTS, 0, &state)};
    struct square matrices = {noise(square, 1, &state), noise(square, 1, &state),
                              noise(square, 0, &state)};
    openblas_set_num_threads(1);
    void (*const run[])(void *) = {run_square, run_steps, run_steps, run_blas};
    void *const user[] = {&matrices, &dense, &sparse, &blas};
    static const char *const names[] = {"sgemm", "dense", "sparse", "blas"};
    double seconds[4];
    bench_in_turn(run, user, 4, 0.1, seconds);
    for (size_t i = 0; i < 4; i++) {
        double flop = i == 0 ? 2.0 * SQUARE * SQUARE * SQUARE : STEPS * STEP_FLOP;
        printf("train.%s.gflops=%.4g\n", names[i], flop / seconds[i] * 1e-9);
        bench_value(flop / seconds[i] * 1e-9, "train.%s.gflops", names[i]);
    }
    arena_reset(&arena);
    return 0;
}
