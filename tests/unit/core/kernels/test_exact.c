/* The promise of the same bits, X1 to X3: every kernel that a plan may choose over a grid of shapes against the chain that
 * core/kernels/linear.h states; every start; every NaN; every setting of the thread's arithmetic. */
#include "tests/unit/suite.h"

#include "core/base/float_env.h"
#include "core/kernels/plan.h"
#include "core/kernels/self_test.h"
#include "core/net/network.h"
#include <fenv.h>
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>

enum { ROWS = 40, SIDE_MAX = 2100 };
#define DIGITS "deploy/models/digits/1"

struct problem {
    size_t inputs, outputs;
    float *weight, *bias; /* [inputs][outputs] */
    float *x, *y, *wanted;
};

static struct problem problem; /* as large as the largest shape */

/* Rows of every kind: dense, sparse, zeros of both signs, underflowing, very unequal, overflowing. */
static float input_value(uint64_t *state, size_t row)
{
    float value = random_normal(state);
    uint64_t dice = random_next(state) % 64;
    switch (row % 8) {
    case 1:
        return dice < 50 ? 0 : value;
    case 2:
        return dice < 24 ? -0.0f : dice < 48 ? 0 : value;
    case 3:
        return dice < 60 ? -0.0f : value * 0x1p-140f;
    case 4:
        return dice < 8 ? value * 0x1p-130f : value;
    case 5:
        return ldexpf(value, (int)(dice % 40) - 20);
    case 6:
        return dice < 2 ? value * 0x1p120f : value;
    default:
        return value;
    }
}

/* The slow, obvious twin: for each output a chain of fused multiply-adds in order of k. The loops are turned, so that the
 * compiler may do several outputs at once; with the instruction where there is one, for a C library's own takes 20 ns. */
static inline __attribute__((always_inline)) void chains(const struct problem *p)
{
    for (size_t r = 0; r < ROWS; r++) {
        float *sum = p->wanted + r * p->outputs;
        for (size_t n = 0; n < p->outputs; n++)
            sum[n] = 0;
        for (size_t k = 0; k < p->inputs; k++)
            for (size_t n = 0; n < p->outputs; n++)
                sum[n] =
                    __builtin_fmaf(p->x[r * p->inputs + k], p->weight[k * p->outputs + n], sum[n]);
        for (size_t n = 0; n < p->outputs; n++)
            sum[n] += p->bias[n];
    }
}
static void plain_chains(const struct problem *p)
{
    chains(p);
}
#if defined(__x86_64__)
__attribute__((target("avx2,fma"), optimize("O3"))) static void fma_chains(const struct problem *p)
{
    chains(p);
}
#endif

static void set_problem(size_t inputs, size_t outputs)
{
    uint64_t seed = inputs * 10000 + outputs;
    problem.inputs = inputs, problem.outputs = outputs;
    for (size_t n = 0; n < outputs; n++)
        problem.bias[n] = n % 5 == 1 ? 0.0f : random_normal(&seed);
    for (size_t i = 0; i < inputs * outputs; i++)
        problem.weight[i] = (random_unit(&seed) - 0.5f) * (i % 7 == 3 ? 1e-20f : 1);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < inputs; k++)
            problem.x[r * inputs + k] = input_value(&seed, r);
#if defined(__x86_64__)
    if (relud_isa_best() >= RELUD_ISA_AVX2) {
        fma_chains(&problem);
        return;
    }
#endif
    plain_chains(&problem);
}

static void open_problem(void)
{
    size_t side = SIDE_MAX;
    problem.weight = malloc(side * side * sizeof(float));
    problem.bias = malloc(side * sizeof(float));
    problem.x = malloc(ROWS * side * sizeof(float));
    problem.y = malloc(ROWS * side * sizeof(float));
    problem.wanted = malloc(ROWS * side * sizeof(float));
}

static void close_problem(void)
{
    free(problem.weight), free(problem.bias);
    free(problem.x), free(problem.y), free(problem.wanted);
}

/* ---- X1 ---- */

typedef void kernel(const struct linear *linear, const float *x, float *y, size_t rows);

/* The last `rows` rows. */
static void check_kernel(const char *name, kernel *run, const struct linear *linear, size_t rows)
{
    size_t first = ROWS - rows, outputs = problem.outputs;
    const float *wanted = problem.wanted + first * outputs;
    memset(problem.y, 0x55, rows * outputs * sizeof(float));
    run(linear, problem.x + first * problem.inputs, problem.y, rows);
    for (size_t i = 0; i < rows * outputs; i++)
        if (bits_of(problem.y[i]) != bits_of(wanted[i]) &&
            !(isnan(problem.y[i]) && isnan(wanted[i])))
            ck_abort_msg("%s %zux%zu, %zu rows: y[%zu][%zu] is %a instead of %a", name,
                         problem.inputs, outputs, rows, i / outputs, i % outputs,
                         (double)problem.y[i], (double)wanted[i]);
}

/* Every kernel, and whatever a plan can make of them. */
static void check_candidates(struct linear *linear, size_t rows)
{
    linear->plan.is_prefetching = rows % 2;
    check_kernel("panel", linear_by_panel, linear, rows);
    memset(linear->plan.is_streaming, true, sizeof linear->plan.is_streaming);
    check_kernel("streamed panel", linear_by_panel, linear, rows);
    memset(linear->plan.is_streaming, false, sizeof linear->plan.is_streaming);
    if (!linear->may_skip_zeros)
        return;
    check_kernel("sparse", linear_by_sparse, linear, rows);
    for (size_t c = 0; c < PLAN_CLASSES; c++)
        linear->plan.sparse_max[c] = linear->inputs / 2 + 1;
    check_kernel("plan", linear_forward, linear, rows);
}

static void check_shape(size_t inputs, size_t outputs)
{
    size_t size = inputs * outputs;
    set_problem(inputs, outputs);
    for (enum relud_isa isa = RELUD_ISA_SCALAR; isa <= relud_isa_best(); isa++) {
        struct relud_model_options options = {.isa = isa};
        struct arena arena = {0};
        struct linear linear;
        struct relud_error error;
        if (isa == RELUD_ISA_SCALAR && size > 20000)
            continue;
        ck_assert(linear_pack(
            &linear, &arena,
            &(struct weights){inputs, outputs, problem.weight, true, NULL, problem.bias}, &options,
            &error));
        ck_assert_msg(plan_make(&linear, &arena, &error), "%s", error.text);
        for (size_t c = 0; c < PLAN_CLASSES; c++)
            ck_assert(linear.plan.kernel[c] == LINEAR_PANEL);
        check_kernel("the plan as made", linear_forward, &linear, ROWS);
        for (size_t rows = 1; rows <= ROWS; rows += size < 100000 && isa != RELUD_ISA_SCALAR ? 1
                                                    : rows < 4                               ? 1
                                                               : rows / 2)
            check_candidates(&linear, rows);
        check_candidates(&linear, 1 + (inputs + outputs) % ROWS);
        arena_reset(&arena);
    }
}

/* Every width of a last panel, behind none to 32 whole ones, and inputs around all that the kernels count in. */
START_TEST(X1_every_kernel_gives_the_chain_over_the_grid)
{
    static const size_t inputs[] = {1,   2,   3,   7,    15,   16,   17,   64,   100,  127, 128,
                                    129, 255, 784, 1023, 1024, 1025, 1100, 1537, 2048, 2100},
                        panels[] = {1, 2, 3, 4, 5, 8, 12, 16, 24, 32};
    size_t count = sizeof inputs / sizeof *inputs, i = 0;
    for (size_t width = 1; width <= PANEL_WIDTH; width++, i++) {
        check_shape(inputs[i % count], width);
        check_shape(inputs[(i * 5 + 3) % (count - 6)], PANEL_WIDTH * panels[i % 4] + width);
        size_t outputs = PANEL_WIDTH * panels[i % 10] + width;
        check_shape(inputs[(i * 11 + 7) % (width % 8 ? 9 : count)],
                    outputs < SIDE_MAX ? outputs : SIDE_MAX);
    }
}
END_TEST

/* Where a ragged last panel once was summed in another order. */
START_TEST(X1_the_shapes_that_once_differed_give_the_chain)
{
    static const size_t shapes[][2] = {{784, 257},   {784, 258},  {784, 321},   {784, 513},
                                       {784, 1025},  {1024, 257}, {1024, 1025}, {1025, 1025},
                                       {1100, 2049}, {768, 2049}, {784, 256},   {512, 257}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(shapes[i][0], shapes[i][1]);
}
END_TEST

/* ---- what the calling thread has set ---- */

static relud_model *load(enum relud_isa isa)
{
    struct relud_model_options options = {.isa = isa};
    struct relud_error error;
    relud_model *model = relud_model_load(DIGITS, &options, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    return model;
}

/* Grey values, some of them so small that everything they make underflows. */
static void fill_images(float *x, size_t rows)
{
    uint64_t state = 3;
    for (size_t i = 0; i < rows * 784; i++)
        x[i] = (random_unit(&state) - 0.2f) * (i / 784 % 3 == 1 ? 0x1p-133f : 255);
}

static void predict(relud_model *model, const float *x, size_t rows, float *y, float *p)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, 64, &error);
    ck_assert_ptr_nonnull(scratch);
    relud_predict(scratch, x, rows, y);
    relud_probabilities(model, y, rows, p);
    relud_scratch_free(scratch);
}

START_TEST(X1_rounding_and_flushing_of_the_thread_do_not_matter)
{
    float *x = malloc(ROWS * 784 * sizeof *x), y[2][ROWS * 10], p[2][ROWS * 10], a[2][ROWS];
    struct relud_activation_params none = {.values = {1}};
    const struct relud_activation *elu = relud_activation_find("elu");
    fill_images(x, ROWS);
    for (int i = 0; i < 2; i++) {
        if (i) {
            fesetround(FE_UPWARD);
#if defined(__x86_64__)
            _mm_setcsr(_mm_getcsr() | 0x8040); /* flush to zero, denormals are zero */
#endif
        }
        uint64_t env = float_env_get();
        relud_model *model = load(RELUD_ISA_BEST);
        predict(model, x, ROWS, y[i], p[i]);
        relud_activate(elu, &none, x + 784, a[i], 1, ROWS);
        relud_model_release(model);
        ck_assert(float_env_get() == env);
    }
    fesetenv(FE_DFL_ENV);
    ck_assert_mem_eq(y[0], y[1], sizeof *y);
    ck_assert_mem_eq(p[0], p[1], sizeof *p);
    ck_assert_mem_eq(a[0], a[1], sizeof *a);
    free(x);
}
END_TEST

START_TEST(X1_numbers_are_read_and_written_alike_whatever_the_thread_has_set)
{
    static const char text[] =
        "{\"x\":[0.1,1e-40,3.4028235e38,0.30000001192092896,-7e-45,123456789]}";
    char words[2][6 * (RELUD_FLOAT_TEXT_MAX + 1)], rest[64];
    float values[2][6], single[2];
    size_t len[2];
    for (int i = 0; i < 2; i++) {
        if (i)
            fesetround(FE_UPWARD);
        struct relud_json_array array = {.values = values[i], .capacity = 6};
        struct relud_error error;
        ck_assert(relud_json_read(text, sizeof text - 1, "x", &array, rest, sizeof rest, &error));
        ck_assert_uint_eq(array.count, 6);
        ck_assert_uint_eq(relud_text_to_float("16777217.1", 10, &single[i]), 10);
        len[i] = relud_floats_to_text(values[0], 6, words[i]);
    }
    fesetenv(FE_DFL_ENV);
    ck_assert_mem_eq(values[0], values[1], sizeof *values);
    ck_assert_mem_eq(&single[0], &single[1], sizeof *single);
    ck_assert_uint_eq(len[0], len[1]);
    ck_assert_mem_eq(words[0], words[1], len[0]);
}
END_TEST

/* ---- X2 ---- */

START_TEST(X2_twenty_starts_give_one_answer)
{
    enum { STARTS = 20, WIDE = 257 };
    float *x = malloc(ROWS * 784 * sizeof *x), y[2][ROWS * 10], p[ROWS * 10];
    float *wide = malloc(2 * ROWS * WIDE * sizeof *wide);
    fill_images(x, ROWS);
    set_problem(784, WIDE);
    for (size_t start = 0; start < STARTS; start++) {
        relud_model *model = load(RELUD_ISA_BEST);
        predict(model, x, 1 + (start ? start * 2 : ROWS - 1), y[start > 0], p);
        ck_assert_mem_eq(y[0], y[start > 0], (1 + (start ? start * 2 : ROWS - 1)) * 40);
        relud_model_release(model);
        struct relud_model_options options = {0};
        struct arena arena = {0};
        struct linear linear;
        struct relud_error error;
        ck_assert(linear_pack(
            &linear, &arena, &(struct weights){784, WIDE, problem.weight, true, NULL, problem.bias},
            &options, &error));
        ck_assert(plan_make(&linear, &arena, &error));
        for (size_t rows = 1; rows <= ROWS; rows += 3)
            check_kernel("start", linear_forward, &linear, rows);
        arena_reset(&arena);
    }
    free(x), free(wide);
}
END_TEST

/* Kernels that are wrong in one place of one path, as a compiler or a CPU might make them. */
static void wrong_dense(const struct panel *panel, const float *const *x, float *const *y,
                        size_t rows)
{
    panel_scalar.dense(panel, x, y, rows);
    if (rows == 11 && panel->columns == 63)
        y[10][62] = nextafterf(y[10][62], INFINITY);
}
static void wrong_beside(const struct panel *panel, const float *const *x, float *const *y,
                         size_t rows)
{
    panel_scalar.dense(panel, x, y, rows);
    if (panel->columns == 17)
        y[rows - 1][17] = 1;
}
static void wrong_sparse(const struct panel *panel, const unsigned *index, const float *value,
                         size_t count, const float *before, float *sums)
{
    panel_scalar.sparse(panel, index, value, count, before, sums);
    if (panel->columns == 16 && before)
        sums[15] = sums[15] == 0 ? 1 : -sums[15];
}
static void wrong_loop(const float *p, const float *x, float *y, size_t n)
{
    activation_scalar.value[LOOP_mish](p, x, y, n);
    if (n == 17)
        y[16] += 1;
}

START_TEST(X2_kernels_that_differ_in_one_place_are_found)
{
    ck_assert(self_test_panels(&panel_scalar));
    struct panel_kernels kernels = panel_scalar;
    kernels.dense = wrong_dense;
    ck_assert(!self_test_panels(&kernels));
    kernels.dense = wrong_beside;
    ck_assert(!self_test_panels(&kernels));
    kernels = panel_scalar;
    kernels.sparse = wrong_sparse;
    ck_assert(!self_test_panels(&kernels));
    ck_assert(self_test_activations(&activation_scalar));
    struct activation_loops loops = activation_scalar;
    loops.value[LOOP_mish] = wrong_loop;
    ck_assert(!self_test_activations(&loops));
    ck_assert_uint_eq(relud_inexact_kernels(), 0);
}
END_TEST

/* ---- X3 ---- */

enum { ONE_NAN = 0x7fc00000 };

static size_t nans_of(const float *values, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        ck_assert(!isnan(values[i]) || bits_of(values[i]) == ONE_NAN);
        found += isnan(values[i]) ? 1 : 0;
    }
    return found;
}

START_TEST(X3_a_net_has_one_nan_on_every_instruction_set)
{
    const float special[] = {INFINITY, -INFINITY, float_of(0xffc12345), float_of(0x7fa00001)};
    float *x = calloc(ROWS * 784, sizeof *x), y[2][ROWS * 10], p[2][ROWS * 10];
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < 784; k += r + 1)
            x[r * 784 + k] = special[(r + k) % (r % 2 ? 4 : 2)];
    for (enum relud_isa isa = RELUD_ISA_SCALAR; isa <= relud_isa_best(); isa++) {
        size_t i = isa != RELUD_ISA_SCALAR;
        relud_model *model = load(isa);
        struct relud_error error;
        relud_scratch *scratch = relud_scratch_new(model, 64, &error);
        float *hidden = malloc(ROWS * 256 * sizeof *hidden), *layer_out[] = {hidden, NULL};
        relud_predict_layers(scratch, x, ROWS, y[i], layer_out);
        relud_probabilities(model, y[i], ROWS, p[i]);
        ck_assert_uint_gt(nans_of(y[i], ROWS * 10), 100);
        ck_assert_uint_gt(nans_of(p[i], ROWS * 10), 100);
        ck_assert_uint_gt(nans_of(hidden, ROWS * 256), 100);
        ck_assert_mem_eq(y[0], y[i], sizeof *y);
        ck_assert_mem_eq(p[0], p[i], sizeof *p);
        free(hidden);
        relud_scratch_free(scratch);
        relud_model_release(model);
    }
    free(x);
}
END_TEST

START_TEST(X3_activations_and_gradients_have_one_nan)
{
    const float x[] = {float_of(0xffc00000),
                       float_of(0x7f800001),
                       float_of(0x7fffffff),
                       float_of(0xff812345),
                       INFINITY,
                       -INFINITY};
    enum { COUNT = sizeof x / sizeof *x };
    const struct relud_activation *activation;
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        struct relud_activation_params params = relud_activation_defaults(activation);
        float y[COUNT];
        relud_activate(activation, &params, x, y, 1, COUNT);
        nans_of(y, COUNT);
        relud_activation_gradient(activation, &params, x, y, 1, COUNT);
        nans_of(y, COUNT);
    }
    float y[COUNT];
    relud_activate(relud_activation_find("relu"), &(struct relud_activation_params){0}, x, y, 1,
                   COUNT);
    ck_assert_uint_eq(nans_of(y, COUNT), 4);
}
END_TEST

RUN_SUITE_BETWEEN("exact", open_problem, close_problem,
                  X1_every_kernel_gives_the_chain_over_the_grid,
                  X1_the_shapes_that_once_differed_give_the_chain,
                  X1_rounding_and_flushing_of_the_thread_do_not_matter,
                  X1_numbers_are_read_and_written_alike_whatever_the_thread_has_set,
                  X2_twenty_starts_give_one_answer, X2_kernels_that_differ_in_one_place_are_found,
                  X3_a_net_has_one_nan_on_every_instruction_set,
                  X3_activations_and_gradients_have_one_nan)
