/* Passes that threads share: the bits of relud_predict, however many threads, pieces and rows. */
#include "tests/unit/random_net.h"

#include "core/net/model_private.h"
#include "tests/unit/models.h"
#include <pthread.h>

enum { ROWS = 300, THREADS = 3, LAYERS_MAX = 8 };

/* Linear layers of one and of many panels, one over parts of a row, branches, a softmax, and several results. */
static const char *const nets[] = {
    "x:f[N,6]; w=f[6,200]{#}; b=f[200]{#}; h=Gemm(x,w,b); r=Relu(h); v=f[200,70]{#}; "
    "y=MatMul(r,v); >y:f[N,70]",
    "x:f[N,6]; w=f[6,10]{#}; h=MatMul(x,w); r=Relu(h); p=Softmax(r); s=Sigmoid(h); >p:f[N,10]; "
    ">s:f[N,10]",
    "x:f[N,6]; k=i[3]{0,2,3}; t=Reshape(x,k); w=f[3,130]{#}; h=MatMul(t,w); f=Flatten(h); "
    "n=Neg(f); z=Mul(f,n); y=Concat(n,z) axis=1; >y:f[N,520]",
};

struct shared {
    relud_pass *pass;
    relud_model *model;
};

static void *work(void *user)
{
    const struct shared *shared = user;
    relud_scratch *scratch = relud_scratch_new(shared->model, 7, NULL);
    while (relud_pass_work(shared->pass, scratch) != RELUD_PASS_DONE)
        ;
    relud_scratch_free(scratch);
    return NULL;
}

static float *random_rows(size_t floats)
{
    uint64_t state = 5;
    float *x = malloc(floats * sizeof *x);
    for (size_t i = 0; i < floats; i++)
        x[i] = random_unit(&state) < 0.3f ? 0 : random_normal(&state);
    return x;
}

/* Computes all rows from `first` on, in as many passes as it takes. Returns how many they were. */
static size_t pass_all(relud_model *model, const float *x, float *y, float *const *layer_out,
                       size_t first, size_t rows_max, size_t threads)
{
    struct shared shared = {.pass = relud_pass_new(rows_max), .model = model};
    size_t passes = 0;
    for (size_t row = first; row < ROWS; passes++) {
        pthread_t thread[THREADS];
        struct relud_pass_rows rows = {x, y, layer_out, row, ROWS - row};
        size_t taken = relud_pass_begin(shared.pass, model, &rows);
        ck_assert_uint_ge(taken, 1);
        ck_assert_uint_le(taken, ROWS - row);
        for (size_t i = 0; i < threads; i++)
            ck_assert_int_eq(pthread_create(&thread[i], NULL, work, &shared), 0);
        work(&shared);
        for (size_t i = 0; i < threads; i++)
            pthread_join(thread[i], NULL);
        row += taken;
    }
    relud_pass_free(shared.pass);
    return passes;
}

/* By rows if the model is of few bytes, and by steps if it is of many. */
static void check_passes(relud_model *model, double row_ns, size_t bytes, size_t rows_max,
                         const float *x, const float *alone)
{
    size_t floats = ROWS * relud_model_info(model)->outputs;
    float *y = calloc(floats, sizeof *y);
    set_cost(model, row_ns, bytes);
    pass_all(model, x, y, NULL, 0, rows_max, rows_max % THREADS);
    if (memcmp(y, alone, floats * sizeof *y) != 0)
        ck_abort_msg("%g ns a row, %zu bytes, at most %zu rows", row_ns, bytes, rows_max);
    free(y);
}

START_TEST(a_shared_pass_gives_the_bits_of_each_row_alone)
{
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        relud_model *model = load_net(nets[n]);
        size_t outputs = relud_model_info(model)->outputs, floats = ROWS * outputs;
        float *x = random_rows(ROWS * 6), *alone = malloc(floats * sizeof *alone);
        relud_scratch *scratch = relud_scratch_new(model, 1, NULL);
        for (size_t r = 0; r < ROWS; r++)
            relud_predict(scratch, x + r * 6, 1, alone + r * outputs);
        for (double row_ns = 10; row_ns < 1e8; row_ns *= 30) /* few pieces and many */
            for (size_t rows_max = 1; rows_max <= 256; rows_max = rows_max * 3 + 13) {
                check_passes(model, row_ns, 1, rows_max, x, alone);
                check_passes(model, row_ns, SIZE_MAX, rows_max, x, alone);
            }
        relud_scratch_free(scratch);
        relud_model_release(model);
        free(x), free(alone);
    }
}
END_TEST

START_TEST(a_pass_fills_the_layers_and_leaves_the_rows_before_it)
{
    relud_model *model = load_net(nets[0]);
    float *x = random_rows(ROWS * 6), *y = calloc(2 * ROWS * 70, sizeof *y), *alone = y + ROWS * 70,
          *hidden = calloc(2 * ROWS * 200, sizeof *hidden);
    float *layer_out[] = {hidden, NULL}, *layer_alone[] = {hidden + ROWS * 200, NULL};
    ck_assert_uint_eq(relud_model_info(model)->layers, 2);
    relud_scratch *scratch = relud_scratch_new(model, 5, NULL);
    relud_predict_layers(scratch, x, ROWS, alone, layer_alone);
    set_cost(model, 1e6, SIZE_MAX);
    pass_all(model, x, y, layer_out, 20, 256, 2);
    for (size_t i = 0; i < 20 * 70; i++)
        ck_assert_float_eq(y[i], 0);
    ck_assert_mem_eq(y + 20 * 70, alone + 20 * 70, (ROWS - 20) * 70 * sizeof *y);
    ck_assert_mem_eq(hidden + 20 * 200, hidden + (ROWS + 20) * 200, (ROWS - 20) * 200 * sizeof *y);
    relud_scratch_free(scratch);
    relud_model_release(model);
    free(x), free(y), free(hidden);
}
END_TEST

/* What was begun may be dropped at any piece, and the next pass is whole. */
START_TEST(a_pass_that_was_stopped_leaves_nothing_to_the_next)
{
    relud_model *model = load_net(nets[0]);
    float *x = random_rows(ROWS * 6), *y = calloc(2 * ROWS * 70, sizeof *y), *alone = y + ROWS * 70;
    relud_scratch *scratch = relud_scratch_new(model, 64, NULL);
    relud_predict(scratch, x, ROWS, alone);
    set_cost(model, 1e5, SIZE_MAX);
    relud_pass *pass = relud_pass_new(256);
    ck_assert_int_eq(relud_pass_work(pass, scratch), RELUD_PASS_DONE); /* none has begun */
    for (size_t pieces = 0; pieces < 12; pieces++) {
        const struct relud_pass_rows rows = {x, y, NULL, 0, 256};
        ck_assert_uint_eq(relud_pass_begin(pass, model, &rows), 256);
        for (size_t i = 0; i < pieces; i++)
            relud_pass_work(pass, scratch);
        relud_pass_stop(pass);
        ck_assert_int_eq(relud_pass_work(pass, scratch), RELUD_PASS_DONE);
    }
    const struct relud_pass_rows rows = {x, y, NULL, 0, 256};
    relud_pass_begin(pass, model, &rows);
    while (relud_pass_work(pass, scratch) == RELUD_PASS_MORE)
        ;
    ck_assert_mem_eq(y, alone, 256 * 70 * sizeof *y);
    relud_pass_free(pass);
    relud_pass_free(NULL);
    relud_scratch_free(scratch);
    relud_model_release(model);
    free(x), free(y);
}
END_TEST

/* Where rows are very costly, a pass by steps has few. */
START_TEST(a_pass_does_not_take_for_ever)
{
    relud_model *model = load_net(nets[0]);
    float *x = random_rows(ROWS * 6), *y = calloc(ROWS * 70, sizeof *y);
    relud_pass *pass = relud_pass_new(256);
    const struct relud_pass_rows rows = {x, y, NULL, 0, ROWS};
    set_cost(model, 1e6, SIZE_MAX);
    ck_assert_uint_eq(relud_pass_begin(pass, model, &rows), 32);
    relud_pass_stop(pass);
    set_cost(model, 1e9, SIZE_MAX);
    ck_assert_uint_eq(relud_pass_begin(pass, model, &rows), 8);
    relud_pass_stop(pass);
    relud_pass_free(pass);
    relud_model_release(model);
    free(x), free(y);
}
END_TEST

RUN_SUITE("pass", a_pass_does_not_take_for_ever, a_shared_pass_gives_the_bits_of_each_row_alone,
          a_pass_fills_the_layers_and_leaves_the_rows_before_it,
          a_pass_that_was_stopped_leaves_nothing_to_the_next)
