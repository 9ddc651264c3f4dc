/* Long work in slices: who is served when, and that every answer is the one that comes without slices. */
#include "tests/unit/visitors.h"

START_TEST(A2_answers_in_slices_are_those_without)
{
    static const struct {
        const char *ask, *head, *row, *tail;
        unsigned code;
    } cases[] = {
        {"POST /predict", "{\"inputs\":[", "[1.25,-3]", "],\"model\":\"m\"}", 200},
        {"POST /predict", "{\"inputs\":[", "[1.25,-3]", "],\"model\":\"m\",\"top_k\":3}", 200},
        {"POST /predict", "{\"inputs\":[", "[1,2]", "],\"model\":\"m\",\"activations\":true}", 200},
        {"POST /predict", "{\"inputs\":[", "[1,2]", ",[1,nan]],\"model\":\"m\"}", 400},
        {"POST /predict", "{\"inputs\":[", "[1,2]", ",[1,2,3]],\"model\":\"m\"}", 400},
        {"POST /predict", "{\"inputs\":[", "[1,2]", "],\"model\":\"none\"}", 404},
        {"POST /relu", "{\"input\":[", "-1,2.5", "],\"gradient\":true}", 200},
        {"POST /relu", "{\"input\":[", "[[-1,2.5]]", "],\"activation\":\"gelu\"}", 200},
        {"POST /relu", "{\"input\":[", "-1,2.5,0.125", "],\"activation\":\"softmax\"}", 200},
        {"POST /relu", "{\"input\":[", "1,2", "],\"activation\":\"log_softmax\",\"gradient\":true}",
         200},
        {"POST /v1/models/m:predict", "{\"instances\":[", "{\"x\":[1,0.5]}", "]}", 200},
        {"POST /v1/models/m:predict", "{\"inputs\":{\"x\":[", "[7,8]", "]}}", 200},
        {"POST /v1/models/two:predict", "{\"inputs\":{\"x\":[", "[7,8,9,1]", "]}}", 200},
        {"POST /v1/models/m:predict", "{\"instances\":[", "[7,8]", ",7]}", 400},
        {"POST /v1/models/r:regress", "{\"examples\":[", "{\"x\":[7]}", "]}", 200},
        {"POST /v1/models/m:classify", "{\"examples\":[", "{\"x\":{\"b64\":\"AADgQAAAAEE=\"}}",
         "]}", 200},
        {"POST /v2/models/r/infer",
         "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[3,1],\"data\":[", "1,2",
         "]}]}", 400},
    };
    requests_service.config.request_rows_max = 1 << 20;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = long_body(cases[i].head, cases[i].row, cases[i].tail);
        const struct request_case ask = {.ask = cases[i].ask, .body = body};
        struct request whole;
        struct visitor sliced;
        ck_assert(requests_ask(&ask, &whole));
        shortest_slices();
        begin(&sliced, cases[i].ask, body);
        answer(&sliced);
        ck_assert_uint_ge(sliced.slices, SLICES_MIN);
        ck_assert_msg(whole.code == cases[i].code && sliced.request.code == whole.code,
                      "%s: %u, %u: %.200s", cases[i].ask, whole.code, sliced.request.code,
                      whole.out.at);
        ck_assert_uint_eq(sliced.request.out.len, whole.out.len);
        ck_assert_mem_eq(sliced.request.out.at, whole.out.at, whole.out.len);
        text_free(&whole.out);
        end(&sliced);
        free(body);
        check_nothing_is_left();
    }
}
END_TEST

START_TEST(A2_tensors_in_slices_are_those_without)
{
    enum { ROWS = 40000 };
    static const char *const outputs[] = {
        "]}]}",
        "]}],\"outputs\":[{\"name\":\"y\",\"parameters\":{\"classification\":2}}]}",
        "]}],\"outputs\":[{\"name\":\"y\",\"parameters\":{\"binary_data\":true}},"
        "{\"name\":\"probabilities\",\"parameters\":{\"classification\":3,\"binary_data\":true}}]}",
    };
    char head[160];
    snprintf(head, sizeof head,
             "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[%d,2],\"data\":[",
             ROWS);
    requests_service.config.request_rows_max = ROWS;
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        char *body = body_of_rows(ROWS, "17,0.5", head, outputs[i]);
        const struct request_case ask = {.ask = "POST /v2/models/m/infer", .body = body};
        struct request whole;
        struct visitor sliced;
        ck_assert(requests_ask(&ask, &whole));
        shortest_slices();
        begin(&sliced, ask.ask, body);
        answer(&sliced);
        ck_assert_msg(whole.code == 200 && sliced.request.code == 200, "%.200s", whole.out.at);
        ck_assert(sliced.slices >= SLICES_MIN && sliced.request.out.len == whole.out.len);
        ck_assert_mem_eq(sliced.request.out.at, whole.out.at, whole.out.len);
        ck_assert_uint_eq(sliced.request.infer_header_len, whole.infer_header_len);
        text_free(&whole.out);
        end(&sliced);
        free(body);
        check_nothing_is_left();
    }
}
END_TEST

START_TEST(A2_one_slice_a_turn_in_the_order_of_coming)
{
    char *body = long_body("{\"inputs\":[", "[1,2]", "],\"model\":\"m\"}");
    const char *brief = "{\"inputs\":[[3,4]],\"model\":\"m\"}";
    struct visitor first, second, third, shorter;
    shortest_slices();
    requests_service.config.request_rows_max = 1 << 20;
    begin(&first, "POST /predict", body);
    begin(&second, "POST /predict", body);
    begin(&third, "POST /predict", body);
    ck_assert(!slice(&first, read_all) && work_of()->is_under_way && first.request.job.rows_held);
    ck_assert(!long_work_run(&first.request, read_all)); /* this turn's slice is over */
    ck_assert(!long_work_run(&second.request, read_all) && !second.request.job.rows_held);
    ck_assert(!long_work_run(&third.request, read_all));
    ck_assert_ptr_eq(work_of()->line.last, &third.request);
    do { /* not before the first one, whoever is asked first; and short ones do not wait at all */
        ck_assert(!slice(&second, read_all));
        begin(&shorter, "POST /predict", brief);
        read_all(&shorter.request);
        ck_assert_int_eq(shorter.verdict, READ_SUBMITTED);
        turn_forward(&requests_service.service.turn);
        ck_assert(shorter.request.job.is_done && shorter.request.job.y[2] == 7);
        end(&shorter);
    } while (!slice(&first, read_all));
    ck_assert_uint_ge(first.slices, SLICES_MIN);
    ck_assert(first.verdict == READ_SUBMITTED && !first.request.is_in_line);
    ck_assert(!slice(&second, read_all) && second.request.job.rows_held);
    end(&second); /* its client has gone */
    ck_assert(work_of()->line.first == &third.request && !work_of()->is_under_way);
    while (!slice(&third, read_all))
        ;
    ck_assert_uint_eq(third.request.job.rows, first.request.job.rows);
    while (!first.request.job.is_done || !third.request.job.is_done)
        turn_forward(&requests_service.service.turn);
    ck_assert_mem_eq(first.request.job.y, third.request.job.y,
                     3 * first.request.job.rows * sizeof(float));
    end(&third);
    end(&first);
    check_nothing_is_left();
    free(body);
}
END_TEST

START_TEST(A2_what_is_served_changes_between_two_requests_works)
{
    char *body = long_body("{\"inputs\":[", "[1,2]", "],\"model\":\"m\"}");
    struct visitor first, second;
    shortest_slices();
    begin(&first, "POST /predict", body);
    begin(&second, "POST /predict", body);
    ck_assert(!slice(&first, read_all));
    work_of()->is_held_off = true;
    while (!slice(&first, read_all)) /* goes on */
        ck_assert(!long_work_run(&second.request, read_all));
    ck_assert(!slice(&second, read_all) && !work_of()->is_under_way);
    work_of()->is_held_off = false;
    ck_assert(!slice(&second, read_all) && work_of()->is_under_way);
    end(&second);
    end(&first);
    check_nothing_is_left();
    free(body);
}
END_TEST

/* What binary heads say, not how long the body is: unsigned bytes are four times as many floats as it has bytes. */
START_TEST(A1_what_never_fits_is_413_and_what_does_not_fit_now_waits)
{
    struct turn *turn = &requests_service.service.turn;
    size_t cap = turn->rows_cap;
    static char npy[4096];
    const size_t shape[2] = {1000, 2};
    size_t head = relud_npy_head(shape, 2, npy);
    memcpy(strstr(npy + 10, "<f4"), "|u1", 3);
    const struct request_case ask = {.ask = "POST /relu",
                                     .body = npy,
                                     .len = head + 2000,
                                     .content_type = "application/x-npy",
                                     .accept = "application/x-npy"};
    struct request_case gradient = ask, predict = ask, v1 = ask, classify = ask, regress = ask,
                        v2 = ask;
    gradient.ask = "POST /relu?gradient=true";
    gradient.accept = "application/json";
    predict.ask = "POST /predict?model=m";
    v1.ask = "POST /v1/models/m:predict";
    classify.ask = "POST /v1/models/m:classify";
    regress.ask = "POST /v1/models/r:regress";
    v2.ask = "POST /v2/models/m/infer";
    v2.length = "10";
    const struct {
        const struct request_case *ask;
        size_t cap, held;
        unsigned code; /* 0: it waits */
    } cases[] = {
        {&ask, 2000, 0, 200},      {&ask, 1999, 0, 413},      {&ask, 2000, 1, 0},
        {&gradient, 4000, 0, 200}, {&gradient, 3999, 0, 413}, {&gradient, 4000, 1, 0},
        {&predict, 2000, 0, 200},  {&predict, 1999, 0, 413},  {&predict, 2000, 1, 0},
        {&v1, 1000, 0, 413},       {&v1, 1500, 900, 0},       {&classify, 1000, 0, 413},
        {&classify, 1500, 900, 0}, {&regress, 1000, 0, 413},  {&regress, 1500, 900, 0},
        {&v2, 2000, 0, 413},       {&v2, 2300, 900, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct turn_job hold[2] = {{.x = NULL}, {.x = NULL}};
        struct request request;
        float *rows;
        for (size_t k = 0; k < 2 && cases[i].held; k++) { /* both buffers */
            turn->open = &turn->buffer[k];
            ck_assert_int_eq(turn_rows(turn, &hold[k], cases[i].held, &rows), TURN_TAKEN);
            turn_hold(turn, &hold[k]);
        }
        turn->rows_cap = cases[i].cap;
        bool is_answered = requests_ask(cases[i].ask, &request);
        turn->rows_cap = cap;
        ck_assert_msg(is_answered == (cases[i].code != 0) &&
                          (!is_answered || request.code == cases[i].code),
                      "%zu: %u %.*s", i, request.code, (int)request.out.len, request.out.at);
        text_free(&request.out);
        for (size_t k = 0; k < 2; k++)
            turn_release(turn, &hold[k]);
        check_nothing_is_left();
    }
}
END_TEST

RUN_REQUESTS("body_reader", A2_answers_in_slices_are_those_without,
             A2_tensors_in_slices_are_those_without, A2_one_slice_a_turn_in_the_order_of_coming,
             A2_what_is_served_changes_between_two_requests_works,
             A1_what_never_fits_is_413_and_what_does_not_fit_now_waits)
