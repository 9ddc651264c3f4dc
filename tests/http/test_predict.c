/* /predict on the digits model: right answers, the same bits however rows are sent. */
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include <math.h>
#include <relud/relud.h>
#include <zlib.h>

enum { DIGITS_COUNT = 1000, PIXELS = 784, CLASSES = 10 };

static void *read_gz(const char *path, size_t skip, size_t bytes)
{
    gzFile file = gzopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    unsigned char *all = malloc(skip + bytes);
    ck_assert_int_eq(gzread(file, all, (unsigned)(skip + bytes)), (int)(skip + bytes));
    gzclose(file);
    memmove(all, all + skip, bytes);
    return all;
}

/* A request's text for `rows` rows of floats. */
static char *body_of(const float *x, size_t rows, size_t *len)
{
    char *body = malloc(rows * PIXELS * (RELUD_FLOAT_TEXT_MAX + 1) + rows * 3 + 64), *at = body;
    at = stpcpy(at, "{\"inputs\":[");
    for (size_t r = 0; r < rows; r++) {
        at = stpcpy(at, r ? ",[" : "[");
        at += relud_floats_to_text(x + r * PIXELS, PIXELS, at);
        *at++ = ']';
    }
    at = stpcpy(at, "]}");
    *len = (size_t)(at - body);
    return body;
}

/* The outputs of an answer into y[rows][CLASSES], by the library's own strict reader. */
static void outputs_of(const char *answer, size_t rows, float *y)
{
    char *rest = malloc(1 << 20);
    struct relud_json_array array = {.values = malloc((strlen(answer) + 2) * sizeof(float)),
                                     .capacity = strlen(answer) + 2};
    struct relud_error error;
    bool is_read =
        relud_json_read(answer, strlen(answer), "outputs", &array, rest, 1 << 20, &error);
    ck_assert_msg(is_read, "%s: %.200s", error.text, answer);
    ck_assert_uint_eq(array.count, rows * CLASSES);
    memcpy(y, array.values, rows * CLASSES * sizeof *y);
    free(array.values);
    free(rest);
}

START_TEST(digits_are_what_pytorch_says)
{
    unsigned char *pixels =
        read_gz("tests/data/digits-images-idx3-ubyte.gz", 16, DIGITS_COUNT * PIXELS);
    double *logits =
        read_gz("tests/data/digits-logits-f64.gz", 0, DIGITS_COUNT * CLASSES * sizeof(double));
    FILE *classes = fopen("tests/data/digits-classes.txt", "r");
    struct server server = server_on_digits();
    ck_assert_ptr_nonnull(classes);
    for (int i = 0; i < DIGITS_COUNT; i++) {
        float x[PIXELS], y[CLASSES];
        size_t len;
        int class;
        char wanted[64];
        for (size_t k = 0; k < PIXELS; k++)
            x[k] = pixels[i * PIXELS + (int)k];
        char *body = body_of(x, 1, &len);
        const struct reply *reply = server_ask(&server, "/predict", NULL, body, len, NULL);
        if (reply->code != 200)
            ck_abort_msg("image %d: %ld %s", i, reply->code, reply->body);
        if (fscanf(classes, "%d", &class) != 1)
            ck_abort_msg("digits-classes.txt is short");
        snprintf(wanted, sizeof wanted, "\"predictions\":[[{\"label\":\"%d\",\"index\":%d,", class,
                 class);
        if (!strstr(reply->body, wanted))
            ck_abort_msg("image %d: PyTorch says %d: %s", i, class, reply->body);
        outputs_of(reply->body, 1, y);
        for (int c = 0; c < CLASSES; c++) {
            double truth = logits[i * CLASSES + c];
            if (fabs((double)y[c] - truth) > 1e-5 + 1e-4 * fabs(truth))
                ck_abort_msg("image %d, logit %d: %.9g instead of %.9g", i, c, (double)y[c], truth);
        }
        free(body);
    }
    server_stop(&server);
    fclose(classes);
    free(pixels), free(logits);
}
END_TEST

static void fill(float *x, size_t rows, uint64_t *state)
{
    for (size_t r = 0; r < rows; r++) {
        unsigned zeros = (unsigned)(random_next(state) % 100);
        for (size_t k = 0; k < PIXELS; k++)
            x[r * PIXELS + k] = random_next(state) % 100 < zeros ? 0 : random_normal(state) * 200;
    }
}

/* The answers by the scalar kernels, which are C's fmaf in a loop. */
static void scalar_answers(const float *x, size_t rows, float *y)
{
    struct relud_model_options options = {.isa = RELUD_ISA_SCALAR};
    struct relud_error error;
    relud_model *model = relud_model_load(DIGITS "/1", &options, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    relud_scratch *scratch = relud_scratch_new(model, 1, &error);
    for (size_t r = 0; r < rows; r++)
        relud_predict(scratch, x + r * PIXELS, 1, y + r * CLASSES);
    relud_scratch_free(scratch);
    relud_model_release(model);
}

/* Sends rows alone and in random batches of 1 to 64, over a few connections at once; every bit must be the scalar
 * chain's. */
static void check_bits(const char *const *more, const float *x, const float *wanted, size_t rows)
{
    struct server server = server_start(more);
    uint64_t state = 7;
    for (int form = 0; form < 2; form++) {
        for (size_t first = 0; first < rows;) {
            enum { CONNECTIONS = 8 };
            size_t count[CONNECTIONS], begin[CONNECTIONS];
            int fd[CONNECTIONS], open = 0;
            for (; open < CONNECTIONS && first < rows; open++) {
                size_t batch = form ? 1 + random_next(&state) % 64 : 1, len;
                begin[open] = first;
                count[open] = first + batch < rows ? batch : rows - first;
                char *body = body_of(x + first * PIXELS, count[open], &len), head[128];
                snprintf(head, sizeof head,
                         "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
                fd[open] = server_connect(&server);
                send_all(fd[open], head, strlen(head));
                send_all(fd[open], body, len);
                free(body);
                first += count[open];
            }
            for (int i = 0; i < open; i++) {
                float y[64 * CLASSES];
                char *answer = receive(fd[i], 1);
                const char *json = strstr(answer, "\r\n\r\n");
                if (!strstr(answer, " 200 OK") || !json)
                    ck_abort_msg("%s", answer);
                outputs_of(json + 4, count[i], y);
                if (memcmp(y, wanted + begin[i] * CLASSES, count[i] * CLASSES * sizeof *y) != 0)
                    ck_abort_msg("rows %zu to %zu differ", begin[i], begin[i] + count[i]);
                free(answer);
                close(fd[i]);
            }
        }
    }
    server_stop(&server);
}

/* RELUD_TEST_ROWS=100000 for the long form. */
START_TEST(rows_get_the_same_bits_alone_and_in_any_batch)
{
    size_t rows = getenv("RELUD_TEST_ROWS") ? (size_t)atol(getenv("RELUD_TEST_ROWS")) : 800;
    float *x = malloc(rows * PIXELS * sizeof *x), *wanted = malloc(rows * CLASSES * sizeof *x);
    uint64_t state = 8;
    fill(x, rows, &state);
    scalar_answers(x, rows, wanted);
    static const char *const one[] = {DIGITS, "--workers", "1", NULL},
                             *const two[] = {DIGITS, "--workers", "2", NULL},
                             *const avx2[] = {DIGITS, "--isa", "avx2", NULL},
                             *const suspended[] = {DIGITS, "--suspend", "always", NULL},
                             *const delayed[] = {DIGITS, "--batch-delay-us", "200", NULL},
                             *const tiny[] = {DIGITS, "--max-batch", "3", NULL};
    check_bits(one, x, wanted, rows);
    check_bits(two, x, wanted, rows);
    if (relud_isa_best() >= RELUD_ISA_AVX2)
        check_bits(avx2, x, wanted, rows);
    check_bits(suspended, x, wanted, rows < 800 ? rows : 800);
    check_bits(delayed, x, wanted, rows < 400 ? rows : 400);
    check_bits(tiny, x, wanted, rows < 400 ? rows : 400);
    static const char *const cores[] = {"Haswell", "Zen", "SkylakeX", "Sandybridge"};
    for (size_t i = 0; i < sizeof cores / sizeof *cores; i++) {
        if (strcmp(cores[i], "SkylakeX") == 0 && relud_isa_best() < RELUD_ISA_AVX512)
            continue; /* OpenBLAS takes its word for what the CPU has */
        setenv("OPENBLAS_CORETYPE", cores[i], 1);
        check_bits(two, x, wanted, rows);
    }
    unsetenv("OPENBLAS_CORETYPE");
    free(x), free(wanted);
}
END_TEST

START_TEST(the_answer_has_the_contracts_form)
{
    struct server server = server_on_digits();
    char *digit = read_text("tests/data/digit-7.json");
    const struct reply *reply = server_post(&server, "/predict", digit);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Type: application/json\r\n"));
    ck_assert_ptr_nonnull(strstr(reply->headers, "X-Request-Id: "));
    ck_assert_ptr_nonnull(strstr(reply->headers, "Server-Timing: decode;dur="));
    ck_assert_ptr_nonnull(strstr(reply->headers, "batch;desc=\"1 rows\""));
    ck_assert_int_eq(
        strncmp(reply->body, "{\"model\":\"digits\",\"version\":\"1\",\"outputs\":[[", 43), 0);
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\"predictions\":[[{\"label\":\"7\",\"index\":7,\"probability\":0.99"));
    char *more = malloc(strlen(digit) + 128); /* the same with every member there is */
    sprintf(more, "{\"model\":\"digits\",\"top_k\":3,\"activations\":true,\"version\":\"1\",%s",
            digit + 1);
    reply = server_post(&server, "/predict", more);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(count_of(reply->body, "\"label\""), 3);
    ck_assert_uint_eq(count_of(strstr(reply->body, "\"activations\":[["), "["),
                      4); /* list, row, two layers */
    sprintf(more, "{\"top_k\":99,\"inputs\":%.*s}", (int)strlen(strchr(digit, '[') + 1) - 3,
            strchr(digit, '[') + 1);
    reply = server_post(&server, "/predict", more); /* one bare row */
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(count_of(reply->body, "\"label\""), 10);
    reply = server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Request-Id: my-own.id");
    ck_assert_ptr_nonnull(strstr(reply->headers, "X-Request-Id: my-own.id\r\n"));
    free(digit), free(more);
    server_stop(&server);
}
END_TEST

START_TEST(an_answer_that_is_not_finite_is_handled_as_asked)
{
    static const char model[] =
        "{\"format\":\"relud-model/1\",\"name\":\"steep\",\"layers\":[{\"weight\":\"w\"}]}";
    const char *dir = new_directory(), *body = "{\"inputs\":[[1],[1e10]]}";
    float weight = 1e38f;
    write_file(dir, "model.json", model, strlen(model));
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}",
                  &weight, 4);
    struct server server = server_start((const char *const[]){dir, NULL});
    const struct reply *reply = server_post(&server, "/predict", body);
    ck_assert_int_eq(reply->code, 400);
    ck_assert_ptr_nonnull(strstr(reply->body, "outputs[1][0] is not finite"));
    reply = server_post(&server, "/predict", "{\"inputs\":[[1e39]]}");
    ck_assert_int_eq(reply->code, 400);
    reply = server_get(&server, "/metrics");
    ck_assert_ptr_nonnull(
        strstr(reply->body, "relud_nonfinite_total{model=\"steep\",where=\"output\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(reply->body, "relud_nonfinite_total{model=\"steep\",where=\"input\"} 1\n"));
    server_stop(&server);
    server = server_start((const char *const[]){dir, "--nonfinite", "null", NULL});
    reply = server_post(&server, "/predict", body);
    ck_assert_str_eq(reply->body,
                     "{\"model\":\"steep\",\"version\":\"1\",\"outputs\":[[1e38],[null]]}\n");
    server_stop(&server);
    server = server_start((const char *const[]){dir, "--nonfinite", "token", NULL});
    reply = server_post(&server, "/predict", body);
    ck_assert_str_eq(reply->body,
                     "{\"model\":\"steep\",\"version\":\"1\",\"outputs\":[[1e38],[Infinity]]}\n");
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

/* What the two halves of a model's layers say before any row. */
static void check_unmeasured(const struct server *server)
{
    const struct reply *reply = server_get(server, "/v2/models/digits/activations");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"rows\":0,\"layers\":[{\"layer\":0,"
                                              "\"activation\":\"relu\",\"units\":256,"
                                              "\"zero_ratio\":null,\"nonzero_ratio\":null,"
                                              "\"dead_units\":null}"));
    ck_assert_ptr_nonnull(strstr(reply->body, "\"activation\":\"identity\",\"units\":10,"
                                              "\"zero_ratio\":null,\"nonzero_ratio\":null}"));
    reply = server_get(server, "/metrics");
    ck_assert_ptr_null(strstr(reply->body, "\nrelud_activation_zero_ratio{"));
    ck_assert_ptr_null(strstr(reply->body, "\nrelud_dead_units{"));
    ck_assert_ptr_null(strstr(reply->body, "\nrelud_saturated_units{"));
    ck_assert_ptr_null(strcasestr(reply->body, "nan"));
}

START_TEST(F21_what_the_units_do_can_be_seen_once_there_are_rows)
{
    char *digit = read_text("tests/data/digit-7.json");
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    check_unmeasured(&server);
    const struct reply *reply;
    ck_assert_int_eq(server_post(&server, "/predict", digit)->code, 200);
    reply = server_get(&server, "/v2/models/digits/versions/1/activations");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"version\":\"1\",\"rows\":1,"));
    ck_assert_ptr_nonnull(strstr(reply->body, "\"nonzero_ratio\":["));
    ck_assert_uint_ge(count_of(reply->body, "1,"), 10 + 20); /* the logits and a fair part of 256 */
    ck_assert_int_eq(server_get(&server, "/v2/models/none/activations")->code, 404);
    reply = server_get(&server, "/metrics");
#define DIGITS_1 "{model=\"digits\",version=\"1\""
    ck_assert_ptr_nonnull(strstr(reply->body, "relud_observed_rows_total" DIGITS_1 "} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\nrelud_activation_zero_ratio" DIGITS_1 ",layer=\"0\"} 0."));
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\nrelud_activation_zero_ratio" DIGITS_1 ",layer=\"1\"} 0\n"));
    ck_assert_ptr_nonnull(strstr(reply->body, "\nrelud_dead_units" DIGITS_1 ",layer=\"0\"} "));
    ck_assert_ptr_null(strstr(reply->body, "\nrelud_dead_units" DIGITS_1 ",layer=\"1\"} "));
    server_stop(&server);
    free(digit);
}
END_TEST

RUN_SUITE("predict", digits_are_what_pytorch_says, rows_get_the_same_bits_alone_and_in_any_batch,
          the_answer_has_the_contracts_form, F21_what_the_units_do_can_be_seen_once_there_are_rows,
          an_answer_that_is_not_finite_is_handled_as_asked)
