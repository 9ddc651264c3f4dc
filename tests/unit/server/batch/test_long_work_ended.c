/* Long work that nobody wants any more: wherever it asks whether to go on, in reading, computing or writing, it ends there. */
#include "tests/unit/visitors.h"

#include "server/base/clock.h"
#include "server/http/deadline.h"

enum { ROWS = 20000, CLASSES = 9000 };

static void *room_of(size_t bytes)
{
    void *room = calloc(1, bytes + 1);
    ck_assert_ptr_nonnull(room);
    return room;
}

/* ROWS rows of two float32, as they are or behind a head. */
static char *floats_body(const char *head, size_t head_len)
{
    char *body = room_of(head_len + ROWS * 8);
    memcpy(body, head, head_len);
    for (size_t i = 0; i < 2 * ROWS; i++) {
        float value = (float)i * 0.125f;
        memcpy(body + head_len + 4 * i, &value, sizeof value);
    }
    return body;
}

/* A model of a name of its own: x[1] to y[CLASSES], with classes. */
static void load_wide(void)
{
    char *net = room_of(CLASSES * 4 + 100), *at = net;
    struct relud_error error;
    at += sprintf(at, "x:f[N,1]; w=f[1,%d]{0", CLASSES);
    for (int i = 1; i < CLASSES; i++)
        at += sprintf(at, ",%d", i % 7);
    strcpy(at, "}; y=MatMul(x,w)");
    requests_put_onnx(requests_dir, "wide/1/model.onnx", net);
    requests_put_text(requests_dir, "wide/1/model.json",
                      "{\"format\":\"relud-model/1\",\"name\":\"wide\",\"output\":{\"name\":\"y\","
                      "\"task\":\"classification\"}}");
    ck_assert_msg(repository_load(requests_service.loader.repository, "wide", NULL, &error), "%s",
                  error.text);
    free(net);
}

/* Ends the request after so many slices; false when it had no more than those. */
static bool end_after(const struct request_case *with, size_t cut, bool is_gone)
{
    struct visitor visitor;
    struct request *request = &visitor.request;
    begin_case(&visitor, with);
    bool is_cut = !answer_some(&visitor, cut);
    if (is_cut) {
        if (is_gone)
            request->job.deadline_ns = TURN_GONE;
        else
            request->deadline_ns = 1;
        while (!slice(&visitor, request->job.is_done ? write_all : read_all))
            ;
        ck_assert_uint_le(visitor.slices, cut + 1);
        ck_assert(request_refuse_late(request, clock_ns()));
        ck_assert_uint_eq(request->code, is_gone ? 499 : 504);
    } else {
        ck_assert_msg(request->code == 200, "%s: %u %.200s", with->ask, request->code,
                      request->out.at);
    }
    end(&visitor);
    check_nothing_is_left();
    return is_cut;
}

static void check_ends(const struct request_case *with)
{
    size_t cut = 1;
    while (end_after(with, cut, cut % 2))
        cut += cut < 40 ? 1 : cut / 2; /* where there are many, some of them */
    ck_assert_msg(cut >= SLICES_MIN, "%s: only %zu slices", with->ask, cut);
}

START_TEST(A2_a_deadline_or_a_lost_client_ends_the_work_at_its_next_question)
{
    static const struct {
        const char *ask;
        size_t rows;
        const char *head, *row, *tail;
    } cases[] = {
        {"POST /relu", 40000, "{\"input\":[", "-1,2.5", "],\"activation\":\"mish\"}"},
        {"POST /relu", 40000, "{\"input\":[", "-1,2.5",
         "],\"activation\":\"gelu\",\"gradient\":true}"},
        {"POST /predict", 300, "{\"inputs\":[", "[1,2]", "],\"model\":\"m\",\"top_k\":3}"},
        {"POST /predict", 300, "{\"inputs\":[", "[1,2]", "],\"model\":\"m\",\"activations\":true}"},
        {"POST /v1/models/two:predict", 300, "{\"instances\":[", "[7,8,9,1]", "]}"},
        {"POST /v1/models/two:predict", 300, "{\"inputs\":[", "[7,8,9,1]", "]}"},
        {"POST /v1/models/m:classify", 300, "{\"examples\":[", "{\"x\":[1,2]}", "]}"},
    };
    shortest_slices();
    requests_service.config.request_rows_max = 1 << 20;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = body_of_rows(cases[i].rows, cases[i].row, cases[i].head, cases[i].tail);
        const struct request_case with = {.ask = cases[i].ask, .body = body};
        check_ends(&with);
        free(body);
    }
}
END_TEST

START_TEST(A2_so_does_work_on_what_comes_as_bytes)
{
    static const char floats[] =
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[20000,2],"
        "\"parameters\":{\"binary_data_size\":160000}}]}",
                      bools[] =
                          "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BOOL\",\"shape\":[70000,2],"
                          "\"parameters\":{\"binary_data_size\":140000}}]}";
    static char npy[RELUD_NPY_HEAD_MAX];
    const size_t shape[2] = {ROWS, 2};
    size_t head = relud_npy_head(shape, 2, npy);
    char *bits = room_of(sizeof bools + 140000), lengths[2][8];
    memcpy(bits, bools, sizeof bools - 1);
    snprintf(lengths[0], 8, "%zu", sizeof floats - 1);
    snprintf(lengths[1], 8, "%zu", sizeof bools - 1);
    const struct request_case cases[] = {
        {.ask = "POST /predict?model=m",
         .body = floats_body("", 0),
         .len = ROWS * 8,
         .content_type = "application/octet-stream"},
        {.ask = "POST /predict?model=m",
         .body = floats_body(npy, head),
         .len = head + ROWS * 8,
         .content_type = "application/x-npy",
         .accept = "application/x-npy"},
        {.ask = "POST /v2/models/m/infer",
         .body = floats_body(floats, sizeof floats - 1),
         .len = sizeof floats - 1 + ROWS * 8,
         .length = lengths[0]},
        {.ask = "POST /v2/models/m/infer",
         .body = bits,
         .len = sizeof bools - 1 + 140000,
         .length = lengths[1]},
    };
    shortest_slices();
    requests_service.config.request_rows_max = 1 << 20;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        check_ends(&cases[i]);
        free((void *)(uintptr_t)cases[i].body);
    }
}
END_TEST

START_TEST(A2_so_does_the_writing_of_many_classes)
{
    static const struct {
        const char *ask, *body;
    } cases[] = {
        {"POST /predict", "{\"inputs\":[[1],[2],[3]],\"model\":\"wide\",\"top_k\":9000}"},
        {"POST /predict", "{\"inputs\":[[1],[2],[3]],\"model\":\"wide\"}"},
        {"POST /v1/models/wide:classify", "{\"examples\":[{\"x\":1},{\"x\":2},{\"x\":3}]}"},
    };
    load_wide();
    shortest_slices();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct request_case with = {.ask = cases[i].ask, .body = cases[i].body};
        check_ends(&with);
    }
}
END_TEST

/* More classes than a frame of the stack has room for. */
START_TEST(many_classes_take_memory_that_may_not_be_there)
{
    static const struct request_case cases[] = {
        ASK("POST /predict", "{\"inputs\":[[1]],\"model\":\"wide\",\"top_k\":2}", 200,
            "\"index\":6,\"probability\":"),
        ASK("POST /v1/models/wide:classify", "{\"examples\":[{\"x\":1}]}", 200,
            "{\"results\":[[[\"\","),
    };
    load_wide();
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

RUN_REQUESTS("long_work_ended", A2_a_deadline_or_a_lost_client_ends_the_work_at_its_next_question,
             A2_so_does_work_on_what_comes_as_bytes, A2_so_does_the_writing_of_many_classes,
             many_classes_take_memory_that_may_not_be_there)
