/* Every kernel against the scalar fmaf chain, bit for bit: shapes, rows, places, instruction sets, kinds of input. */
#include "tests/unit/suite.h"

#include "core/base/float16.h"
#include "core/kernels/plan.h"
#include "core/net/network.h"
#include <math.h>

/* The slow, obvious twin: the law as core/kernels/linear.h states it, on the weights as they were given. */
static float chain(const float *x, const float *weight, const float *bias, size_t inputs, size_t n)
{
    float sum = 0;
    for (size_t k = 0; k < inputs; k++)
        sum = fmaf(x[k], weight[n * inputs + k], sum);
    return sum + (bias ? bias[n] : 0.0f);
}

enum { ROWS = 70 };

struct problem {
    size_t inputs, outputs;
    float *weight, *transposed, *bias, *x, *y, *wanted;
};

/* Rows of all kinds: dense, sparse to various degrees, all zero, -0, tiny, huge. */
static float input_value(uint64_t *state, size_t row)
{
    float value = random_normal(state);
    unsigned dice = (unsigned)(random_next(state) % 100);
    switch (row % 8) {
    case 1:
        return dice < 80 ? 0 : value;
    case 2:
        return dice < 40 ? -0.0f : dice < 70 ? 0 : value;
    case 3:
        return row % 16 == 3 ? 0 : -0.0f;
    case 4:
        return value * 1e-42f;
    case 5:
        return dice < 97 ? 0 : -value * 1e-30f;
    case 6:
        return value * powf(10, (float)(dice % 30) - 15);
    default:
        return value;
    }
}

static struct problem new_problem(size_t inputs, size_t outputs, uint64_t seed)
{
    struct problem p = {.inputs = inputs, .outputs = outputs};
    p.weight = malloc(inputs * outputs * sizeof(float));
    p.transposed = malloc(inputs * outputs * sizeof(float));
    p.bias = malloc(outputs * sizeof(float));
    p.x = malloc(ROWS * inputs * sizeof(float));
    p.y = malloc(ROWS * outputs * sizeof(float));
    p.wanted = malloc(ROWS * outputs * sizeof(float));
    for (size_t n = 0; n < outputs; n++) {
        p.bias[n] = n % 5 == 1 ? 0.0f : random_normal(&seed);
        for (size_t k = 0; k < inputs; k++) {
            float w = random_normal(&seed) * (k % 7 == 3 ? 1e-20f : 0.1f);
            p.weight[n * inputs + k] = p.transposed[k * outputs + n] = w;
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        for (size_t k = 0; k < inputs; k++)
            p.x[r * inputs + k] = input_value(&seed, r);
    return p;
}

static void set_wanted(struct problem *p, bool has_bias)
{
    for (size_t r = 0; r < ROWS; r++)
        for (size_t n = 0; n < p->outputs; n++)
            p->wanted[r * p->outputs + n] =
                chain(p->x + r * p->inputs, p->weight, has_bias ? p->bias : NULL, p->inputs, n);
}

static void free_problem(struct problem *p)
{
    free(p->weight), free(p->transposed), free(p->bias), free(p->x), free(p->y), free(p->wanted);
}

typedef void kernel(const struct linear *linear, const float *x, float *y, size_t rows);

/* `rows` rows from `first` on: the same bits as the chain, and nothing written beside them. */
static void check_kernel(const char *name, kernel *run, const struct linear *linear,
                         struct problem *p, size_t first, size_t rows)
{
    size_t outputs = p->outputs;
    memset(p->y, 0x55, ROWS * outputs * sizeof(float));
    run(linear, p->x + first * p->inputs, p->y, rows);
    for (size_t r = 0; r < rows; r++)
        for (size_t n = 0; n < outputs; n++) {
            float got = p->y[r * outputs + n], wanted = p->wanted[(first + r) * outputs + n];
            if (bits_of(got) != bits_of(wanted))
                ck_abort_msg("%s %zux%zu, %zu rows from %zu: y[%zu][%zu] is %a instead of %a", name,
                             outputs, p->inputs, rows, first, r, n, (double)got, (double)wanted);
        }
    for (size_t i = rows * outputs; i < ROWS * outputs; i++)
        if (bits_of(p->y[i]) != 0x55555555)
            ck_abort_msg("%s %zux%zu, %zu rows: wrote beyond its rows", name, outputs, p->inputs,
                         rows);
}

static void check_rows(const char *name, kernel *run, const struct linear *linear,
                       struct problem *p)
{
    static const size_t rows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  11, 12,
                                  13, 16, 19, 31, 32, 48, 63, 64, 65, 70};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t first = 0; first + rows[i] <= ROWS && first < 3; first++)
            check_kernel(name, run, linear, p, first, rows[i]);
}

static void check_shape(size_t inputs, size_t outputs, enum relud_isa isa)
{
    struct problem p = new_problem(inputs, outputs, inputs * 1000 + outputs);
    struct relud_model_options options = {.isa = isa};
    for (int form = 0; form < 3; form++) { /* with bias, without, with the other layout */
        struct arena arena = {0};
        struct linear linear;
        struct relud_error error;
        bool is_in_out = form == 2;
        ck_assert(
            linear_pack(&linear, &arena,
                        &(struct weights){inputs, outputs, is_in_out ? p.transposed : p.weight,
                                          is_in_out, NULL, form == 1 ? NULL : p.bias},
                        &options, &error));
        ck_assert_msg(plan_make(&linear, &arena, &error), "%s", error.text);
        set_wanted(&p, form != 1);
        check_rows("panel", linear_by_panel, &linear, &p);
        memset(linear.plan.is_streaming, true, sizeof linear.plan.is_streaming);
        check_rows("streamed panel", linear_by_panel, &linear, &p);
        check_rows("sparse", linear_by_sparse, &linear, &p);
        check_rows("plan", linear_forward, &linear, &p);
        for (size_t c = 0; c < PLAN_CLASSES; c++) /* sparse rows where the plan has none, too */
            linear.plan.sparse_max[c] = inputs / 2;
        check_rows("sparse plan", linear_forward, &linear, &p);
        arena_reset(&arena);
    }
    free_problem(&p);
}

static void check_shapes(enum relud_isa isa)
{
    static const size_t shapes[][2] = {{1, 1},   {1, 70},   {70, 1},    {3, 15},   {5, 16},
                                       {7, 17},  {17, 33},  {33, 48},   {37, 63},  {64, 64},
                                       {65, 65}, {100, 10}, {130, 127}, {1100, 20}};
    if (isa > relud_isa_best())
        return;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        check_shape(shapes[i][0], shapes[i][1], isa);
}

START_TEST(scalar_kernels_give_the_chain)
{
    check_shapes(RELUD_ISA_SCALAR);
}
END_TEST

START_TEST(avx2_kernels_give_the_chain)
{
    check_shapes(RELUD_ISA_AVX2);
}
END_TEST

START_TEST(avx512_kernels_give_the_chain)
{
    check_shapes(RELUD_ISA_AVX512);
}
END_TEST

START_TEST(the_digits_shape_gives_the_chain)
{
    for (int isa = RELUD_ISA_AVX2; isa <= RELUD_ISA_AVX512; isa++)
        if ((enum relud_isa)isa <= relud_isa_best())
            check_shape(784, 256, (enum relud_isa)isa);
}
END_TEST

/* -0 + -0 is -0, but +0 + -0 is +0: the one case where leaving zeros out would show. */
START_TEST(a_bias_of_minus_zero_rules_the_sparse_kernel_out)
{
    const float weight[] = {1e-30f, -1e-30f}, bias[] = {-0.0f};
    const float x[] = {-1e-30f,
                       0}; /* the product underflows to -0, then fmaf(0, -w, -0) keeps it */
    struct relud_model_options options = {0};
    struct arena arena = {0};
    struct linear linear;
    struct relud_error error;
    ck_assert(linear_pack(&linear, &arena, &(struct weights){2, 1, weight, false, NULL, bias},
                          &options, &error));
    ck_assert(plan_make(&linear, &arena, &error));
    ck_assert(!linear.may_skip_zeros);
    for (size_t c = 0; c < PLAN_CLASSES; c++)
        ck_assert_uint_eq(linear.plan.sparse_max[c], 0);
    float y = 1;
    linear_forward(&linear, x, &y, 1);
    ck_assert_uint_eq(bits_of(y), bits_of(chain(x, weight, bias, 2, 0)));
    arena_reset(&arena);
}
END_TEST

START_TEST(nan_and_infinity_stay_in_their_row)
{
    struct problem p = new_problem(40, 20, 9);
    struct relud_model_options options = {0};
    struct arena arena = {0};
    struct linear linear;
    struct relud_error error;
    p.x[5 * 40 + 7] = NAN;
    p.x[9 * 40 + 3] = INFINITY;
    ck_assert(linear_pack(&linear, &arena, &(struct weights){40, 20, p.weight, false, NULL, p.bias},
                          &options, &error));
    ck_assert(plan_make(&linear, &arena, &error));
    set_wanted(&p, true);
    for (int kind = 0; kind < 2; kind++) {
        (kind ? linear_by_sparse : linear_by_panel)(&linear, p.x, p.y, ROWS);
        for (size_t r = 0; r < ROWS; r++)
            for (size_t n = 0; n < 20; n++) {
                float got = p.y[r * 20 + n], wanted = p.wanted[r * 20 + n];
                if (isnan(wanted) ? !isnan(got) : bits_of(got) != bits_of(wanted))
                    ck_abort_msg("y[%zu][%zu] is %a instead of %a", r, n, (double)got,
                                 (double)wanted);
            }
    }
    arena_reset(&arena);
    free_problem(&p);
}
END_TEST

static struct step step_of(enum step_kind kind, size_t from, size_t width)
{
    static struct operand operands[8][2]; /* [from] */
    operands[from][0].value = from;
    return (struct step){
        .kind = kind, .operands = 1, .operand = operands[from], .parts = 1, .width = width};
}

/* tanh(b(relu(a(x / 2)))) */
static void build_net(struct network *network, struct arena *arena, const struct problem *a,
                      const struct problem *b, const struct relud_model_options *options)
{
    static const float half = 0.5f;
    struct step *step = arena_take_array(arena, 5, sizeof *step);
    struct network_result result = {5, b->outputs};
    struct relud_error error;
    step[0] = step_of(STEP_ELEMENT, STEP_INPUT, a->inputs);
    step[0].element = ELEMENT_MUL;
    step[0].operands = 2;
    step[0].operand[1] = (struct operand){&half, 1, 0};
    step[1] = step_of(STEP_LINEAR, 1, a->outputs);
    step[1].weights = (struct weights){a->inputs, a->outputs, a->weight, false, NULL, a->bias};
    step[2] = step_of(STEP_ACTIVATE, 2, a->outputs);
    step[2].activation = relud_activation_find("relu");
    step[3] = step_of(STEP_LINEAR, 3, b->outputs);
    step[3].weights = (struct weights){b->inputs, b->outputs, b->transposed, true, NULL, b->bias};
    step[4] = step_of(STEP_ACTIVATE, 4, b->outputs);
    step[4].activation = relud_activation_find("tanh");
    ck_assert_msg(network_build(network, arena, a->inputs, step, 5, &result, 1, options, &error),
                  "%s", error.text);
}

/* Rows alone, in batches, on every instruction set: one answer. */
/* The 16-bit number nearest below in size that a float32 has: so that a layer is exactly in that form. */
static float rounded(float value, enum panel_form form)
{
    uint32_t bits = bits_of(value) & (form == PANEL_BFLOAT16 ? 0xffff0000u : 0xffffe000u);
    memcpy(&value, &bits, sizeof value);
    if (form == PANEL_FLOAT16 && fabsf(value) < 0x1p-14f)
        value = truncf(value * 0x1p24f) * 0x1p-24f; /* a subnormal of binary16 */
    return value;
}

/* Weights in 16 bits are the same weights: every kernel, every number of rows, every part of the panels. */
START_TEST(narrow_weights_give_the_same_bits)
{
    static const size_t shapes[][2] = {{1, 1},    {7, 16},    {130, 65},
                                       {129, 50}, {150, 100}, {300, 17}};
    for (size_t s = 0; s < 2 * sizeof shapes / sizeof *shapes; s++)
        for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
            enum panel_form form = s % 2 ? PANEL_BFLOAT16 : PANEL_FLOAT16;
            size_t inputs = shapes[s / 2][0], outputs = shapes[s / 2][1];
            struct problem p = new_problem(inputs, outputs, s);
            for (size_t i = 0; i < inputs * outputs; i++)
                p.weight[i] = rounded(p.weight[i], form);
            set_wanted(&p, true);
            struct relud_model_options options = {.isa = (enum relud_isa)isa};
            struct arena arena = {0};
            struct linear linear;
            ck_assert(linear_pack(&linear, &arena,
                                  &(struct weights){inputs, outputs, p.weight, false, NULL, p.bias},
                                  &options, NULL));
            ck_assert(linear_narrow_form(&linear) == form || inputs * outputs == 1);
            uint16_t *narrow = arena_take_array(&arena, linear_packed_numbers(&linear), 2);
            linear_narrow(&linear, form, narrow);
            linear.form = form;
            linear.narrow = narrow;
            linear.weight = NULL;
            check_rows("narrow panel", linear_by_panel, &linear, &p);
            check_rows("narrow sparse", linear_by_sparse, &linear, &p);
            for (size_t c = 0; c < PLAN_CLASSES; c++)
                linear.plan.sparse_max[c] = inputs / 2;
            check_rows("narrow plan", linear_forward, &linear, &p);
            float *again = malloc((inputs + 1) * outputs * sizeof *again);
            linear_unpack(&linear, again, again + inputs * outputs);
            ck_assert_mem_eq(again, p.weight, inputs * outputs * sizeof *again);
            free(again);
            arena_reset(&arena);
            free_problem(&p);
        }
}
END_TEST

START_TEST(numbers_that_16_bits_do_not_have_stay_as_they_are)
{
    for (uint32_t bits = 0; bits < 0x10000; bits++) {
        float value = float32_from_float16((uint16_t)bits);
        if (!isfinite(value))
            continue;
        ck_assert(float16_is_exact(value));
        ck_assert_uint_eq(float16_from_float32(value), bits);
        float beside = nextafterf(value, INFINITY);
        ck_assert(!float16_is_exact(beside) && !float16_is_exact(nextafterf(value, -INFINITY)));
    }
    static const float others[] = {65536, 0x1p-25f, 0x1.8p-24f, INFINITY, NAN, 1.0f / 3};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        ck_assert(!float16_is_exact(others[i]));
    float weight[4] = {1, 0.5f, 1.0f / 3, 2}, bias[2] = {0};
    struct relud_model_options options = {0};
    struct arena arena = {0};
    struct linear linear;
    ck_assert(linear_pack(&linear, &arena, &(struct weights){2, 2, weight, false, NULL, bias},
                          &options, NULL));
    ck_assert_int_eq(linear_narrow_form(&linear), PANEL_FLOAT32);
    arena_reset(&arena);
}
END_TEST

/* A layer of 8 MB and more: the plan may halve it, and gives the rest of the memory back. */
START_TEST(a_plan_halves_great_layers_where_that_pays)
{
    enum { INPUTS = 2048, OUTPUTS = 1100 };
    float *weight = malloc(INPUTS * OUTPUTS * sizeof *weight), x[INPUTS], y[OUTPUTS];
    uint64_t state = 1;
    for (size_t i = 0; i < INPUTS * OUTPUTS; i++)
        weight[i] = rounded(random_normal(&state), PANEL_BFLOAT16);
    for (size_t k = 0; k < INPUTS; k++)
        x[k] = random_normal(&state);
    struct relud_model_options options = {0};
    struct arena arena = {0};
    struct linear linear;
    ck_assert(linear_pack(&linear, &arena,
                          &(struct weights){INPUTS, OUTPUTS, weight, false, NULL, NULL}, &options,
                          NULL));
    size_t whole = arena.bytes;
    ck_assert(plan_make(&linear, &arena, NULL));
    bool is_narrow = linear.form == PANEL_BFLOAT16;
    ck_assert_uint_eq(arena.bytes < whole / 2 + 100000, is_narrow);
    ck_assert_uint_le(arena.bytes, whole);
    char text[1024];
    plan_describe(&linear, text, sizeof text);
    ck_assert_uint_eq(strstr(text, "; weights in bfloat16") != NULL, is_narrow);
    linear_forward(&linear, x, y, 1);
    for (size_t n = 0; n < OUTPUTS; n++)
        ck_assert_uint_eq(bits_of(y[n]), bits_of(chain(x, weight, NULL, INPUTS, n)));
    arena_reset(&arena);
    free(weight);
}
END_TEST

START_TEST(a_net_answers_a_row_with_the_same_bits_in_any_batch)
{
    struct problem a = new_problem(50, 70, 11), b = new_problem(70, 9, 12);
    float alone[ROWS * 9], batched[ROWS * 9],
        *layers[2] = {malloc(ROWS * 70 * sizeof(float)), NULL};
    for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
        struct relud_model_options options = {.isa = (enum relud_isa)isa};
        struct arena arena = {0};
        struct network network;
        build_net(&network, &arena, &a, &b, &options);
        float *scratch =
            aligned_alloc(64, (network_scratch_floats(&network, 64) * 4 + 63) / 64 * 64);
        float *to = isa == RELUD_ISA_SCALAR ? alone : batched;
        for (size_t r = 0; r < ROWS; r++)
            network_forward(&network, &(struct network_rows){a.x, to, NULL, r, 1}, 1, scratch);
        ck_assert_mem_eq(to, alone, sizeof alone);
        for (size_t most = 2; most <= 64; most += 5) {
            memset(batched, 0, sizeof batched);
            network_forward(&network, &(struct network_rows){a.x, batched, layers, 0, ROWS}, most,
                            scratch);
            ck_assert_mem_eq(batched, alone, sizeof alone);
        }
        for (size_t n = 0; n < 70; n++) { /* the first layer's output, by hand */
            float x[50];
            for (size_t k = 0; k < 50; k++)
                x[k] = a.x[7 * 50 + k] * 0.5f;
            float sum = chain(x, a.weight, a.bias, 50, n);
            ck_assert_uint_eq(bits_of(layers[0][7 * 70 + n]), bits_of(sum < 0 ? 0 : sum));
        }
        free(scratch);
        arena_reset(&arena);
    }
    free(layers[0]);
    free_problem(&a), free_problem(&b);
}
END_TEST

START_TEST(a_plan_says_what_it_is)
{
    struct problem p = new_problem(20, 30, 13);
    struct relud_model_options options = {0};
    struct arena arena = {0};
    struct linear linear;
    struct relud_error error;
    char text[512], little[16];
    ck_assert(linear_pack(&linear, &arena, &(struct weights){20, 30, p.weight, false, NULL, p.bias},
                          &options, &error));
    ck_assert(plan_make(&linear, &arena, &error));
    ck_assert_uint_eq(plan_describe(&linear, text, sizeof text), strlen(text));
    ck_assert_ptr_nonnull(strstr(text, "1 rows: "));
    ck_assert_ptr_nonnull(strstr(text, "32+ rows: "));
    ck_assert_uint_lt(plan_describe(&linear, little, sizeof little), sizeof little);
    arena_reset(&arena);
    free_problem(&p);
}
END_TEST

RUN_SUITE("linear", narrow_weights_give_the_same_bits,
          numbers_that_16_bits_do_not_have_stay_as_they_are,
          a_plan_halves_great_layers_where_that_pays, scalar_kernels_give_the_chain,
          avx2_kernels_give_the_chain, avx512_kernels_give_the_chain,
          the_digits_shape_gives_the_chain, a_bias_of_minus_zero_rules_the_sparse_kernel_out,
          nan_and_infinity_stay_in_their_row, a_net_answers_a_row_with_the_same_bits_in_any_batch,
          a_plan_says_what_it_is)
