/* Long bodies in pieces: who reads when, and that every answer is the one that reading in one go gives. */
#include "tests/unit/requests.h"

enum { LONG_BYTES = 300 * 1024, PIECES_MIN = 4 };

/* A body that begins with `head`, has many times `row`, and ends with `tail`. */
static char *long_body(const char *head, const char *row, const char *tail)
{
    struct text text = {0};
    text_put(&text, head);
    while (text.len < LONG_BYTES) {
        text_put(&text, row);
        text_put(&text, ",");
    }
    text_put(&text, row);
    text_put(&text, tail);
    text_put_n(&text, "", 1);
    ck_assert(text_is_whole(&text));
    return text.at;
}

/* As if short requests came all the time, or never. */
static void set_short(bool is_mixed)
{
    requests_service.service.turn.short_ns = is_mixed ? INT64_MAX / 2 : INT64_MIN / 2;
}

static void check_nothing_is_left(void)
{
    const struct service *service = &requests_service.service;
    ck_assert_ptr_null(service->reading.first);
    ck_assert_ptr_null(service->reading.last);
    ck_assert_uint_eq(service->turn.floor[0].jobs + service->turn.floor[1].jobs, 0);
    ck_assert_uint_eq(service->turn.unanswered, 0);
}

START_TEST(answers_are_the_same_as_in_one_go)
{
    static const struct {
        const char *ask, *head, *row, *tail;
        unsigned code;
    } cases[] = {
        {"POST /predict", "{\"inputs\":[", "[1.25,-3]", "],\"model\":\"m\"}", 200},
        {"POST /predict", "{\"inputs\":[", "[1,2]", ",[1,nan]],\"model\":\"m\"}", 400},
        {"POST /predict", "{\"inputs\":[", "[1,2]", ",[1,2,3]],\"model\":\"m\"}", 400},
        {"POST /predict", "{\"inputs\":[", "[1,2]", "],\"model\":\"none\"}", 404},
        {"POST /relu", "{\"input\":[", "-1,2.5", "],\"gradient\":true}", 200},
        {"POST /relu", "{\"input\":[", "[[-1,2.5]]", "],\"activation\":\"gelu\"}", 200},
        {"POST /v1/models/m:predict", "{\"instances\":[", "{\"x\":[1,0.5]}", "]}", 200},
        {"POST /v1/models/m:predict", "{\"inputs\":{\"x\":[", "[7,8]", "]}}", 200},
        {"POST /v1/models/m:predict", "{\"instances\":[", "[7,8]", ",7]}", 400},
        {"POST /v1/models/m:classify", "{\"examples\":[", "{\"x\":{\"b64\":\"AADgQAAAAEE=\"}}",
         "]}", 200},
        {"POST /v2/models/r/infer",
         "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[3,1],\"data\":[", "1,2",
         "]}]}", 400},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *body = long_body(cases[i].head, cases[i].row, cases[i].tail);
        const struct request_case ask = {.ask = cases[i].ask, .body = body};
        struct exchange whole, pieces;
        set_short(false);
        ck_assert(requests_ask(&ask, &whole));
        ck_assert_int_eq(whole.pieces_ns, 0);
        set_short(true);
        ck_assert(requests_ask(&ask, &pieces));
        ck_assert_int_gt(pieces.pieces_ns, 0);
        ck_assert_msg(whole.code == cases[i].code && pieces.code == whole.code,
                      "%s: %u, %u: %.200s", cases[i].ask, whole.code, pieces.code, whole.out.at);
        ck_assert_uint_eq(pieces.out.len, whole.out.len);
        ck_assert_mem_eq(pieces.out.at, whole.out.at, whole.out.len);
        text_free(&whole.out);
        text_free(&pieces.out);
        free(body);
        check_nothing_is_left();
    }
}
END_TEST

START_TEST(a_tensor_of_any_length_is_the_same_as_in_one_go)
{
    enum { ROWS = 40000 };
    char head[160];
    sprintf(head, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[%d,2],\"data\":[",
            ROWS);
    struct text text = {0};
    text_put(&text, head);
    for (int i = 0; i < ROWS; i++)
        text_print(&text, i ? ",%d,0.5" : "%d,0.5", i % 100);
    text_put(&text, "]}]}");
    text_put_n(&text, "", 1);
    ck_assert(text_is_whole(&text));
    const struct request_case ask = {.ask = "POST /v2/models/m/infer", .body = text.at};
    struct exchange whole, pieces;
    requests_service.config.request_rows_max = ROWS;
    set_short(false);
    ck_assert(requests_ask(&ask, &whole));
    set_short(true);
    ck_assert(requests_ask(&ask, &pieces));
    ck_assert_msg(whole.code == 200 && pieces.code == 200, "%.200s", pieces.out.at);
    ck_assert(pieces.pieces_ns > 0 && pieces.out.len == whole.out.len);
    ck_assert_mem_eq(pieces.out.at, whole.out.at, whole.out.len);
    text_free(&whole.out);
    text_free(&pieces.out);
    text_free(&text);
    check_nothing_is_left();
}
END_TEST

/* A request for /predict that is read step by step. */
static void begin(struct exchange *exchange)
{
    *exchange = (struct exchange){.service = &requests_service.service};
    exchange->route = router_find(exchange, "POST", "/predict");
}

static bool read_on(struct exchange *exchange, const char *body)
{
    return exchange->route->read(exchange, body, strlen(body));
}

static void end(struct exchange *exchange)
{
    exchange_release(exchange);
    text_free(&exchange->out);
}

static void next_turn(void)
{
    turn_forward(&requests_service.service.turn);
    reading_begin_turn(&requests_service.service.reading);
}

START_TEST(one_piece_a_turn_in_the_order_of_coming)
{
    char *body = long_body("{\"inputs\":[", "[1,2]", "],\"model\":\"m\"}");
    const char *brief = "{\"inputs\":[[3,4]],\"model\":\"m\"}";
    struct exchange first, second, third, shorter;
    const struct reading *reading = &requests_service.service.reading;
    size_t turns = 0;
    set_short(true);
    begin(&first);
    begin(&second);
    begin(&third);
    ck_assert(!read_on(&first, body) && reading->first == &first && first.job.held);
    size_t at = reading->pause.at;
    ck_assert_uint_gt(at, 0);
    ck_assert(!read_on(&first, body) && reading->pause.at == at); /* this turn's is read */
    ck_assert(!read_on(&second, body) && !second.job.held);
    ck_assert(!read_on(&third, body) && reading->last == &third);
    for (bool is_read = false; !is_read; turns++) {
        next_turn();
        ck_assert(!read_on(&second, body)); /* not before the first one, whoever is asked first */
        is_read = read_on(&first, body);
        begin(&shorter); /* and short ones do not wait at all */
        ck_assert(read_on(&shorter, brief) && shorter.step == EXCHANGE_WAITING);
        turn_forward(&requests_service.service.turn);
        ck_assert(shorter.job.is_done && shorter.job.y[2] == 7);
        end(&shorter);
    }
    ck_assert_uint_ge(turns, PIECES_MIN);
    ck_assert(reading->first == &second && first.step == EXCHANGE_WAITING && !first.job.held);
    next_turn();
    ck_assert(!read_on(&second, body) && second.job.held);
    end(&second); /* its client has gone */
    ck_assert(reading->first == &third && reading->pause.at == 0);
    do
        next_turn();
    while (!read_on(&third, body));
    ck_assert_int_eq(third.step, EXCHANGE_WAITING);
    ck_assert_uint_eq(third.job.rows, first.job.rows);
    while (!third.job.is_done)
        next_turn();
    ck_assert_mem_eq(first.job.y, third.job.y, 3 * first.job.rows * sizeof(float));
    end(&third);
    end(&first);
    check_nothing_is_left();
    free(body);
}
END_TEST

START_TEST(where_short_ones_come_no_more_the_rest_is_read_at_once)
{
    char *body = long_body("{\"inputs\":[", "[1,2]", "],\"model\":\"m\"}");
    struct exchange first, second;
    begin(&first);
    begin(&second);
    set_short(true);
    ck_assert(!read_on(&first, body));
    ck_assert(!read_on(&second, body));
    set_short(false);
    next_turn();
    ck_assert(!read_on(&second, body)); /* still one after the other */
    ck_assert(read_on(&first, body) && first.step == EXCHANGE_WAITING);
    ck_assert(read_on(&second, body) && second.step == EXCHANGE_WAITING);
    end(&second);
    end(&first);
    check_nothing_is_left();
    free(body);
}
END_TEST

RUN_REQUESTS("reading", answers_are_the_same_as_in_one_go,
             a_tensor_of_any_length_is_the_same_as_in_one_go,
             one_piece_a_turn_in_the_order_of_coming,
             where_short_ones_come_no_more_the_rest_is_read_at_once)
