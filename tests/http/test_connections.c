/* Who serves which connection: the workers share them evenly, and the limit of them holds. */
#include "tests/http/server.h"

#include <pthread.h>

#define ASK         "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
#define ASK_METRICS "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

enum { CONNECTIONS = 31, WORKERS = 3 };

static char *ask(int fd, const char *request)
{
    send_all(fd, request, strlen(request));
    return receive(fd, 1);
}

static long gauge(const char *metrics, const char *series)
{
    const char *at = strstr(metrics, series);
    ck_assert_msg(at != NULL, "no %s", series);
    return atol(at + strlen(series));
}

START_TEST(a_burst_of_connections_is_shared_evenly)
{
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "3", NULL});
    int fd[CONNECTIONS];
    kill(server.pid, SIGSTOP); /* so that all of them wait in the backlog when it looks */
    for (size_t i = 0; i < CONNECTIONS; i++)
        fd[i] = server_connect(&server);
    kill(server.pid, SIGCONT);
    for (size_t i = 0; i < CONNECTIONS; i++) {
        char *answer = ask(fd[i], ASK);
        ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200 "), 1);
        free(answer);
    }
    char *metrics = ask(fd[0], ASK_METRICS);
    long sum = 0;
    for (int i = 0; i < WORKERS; i++) {
        char series[64];
        snprintf(series, sizeof series, "relud_worker_connections{worker=\"%d\"} ", i);
        long held = gauge(metrics, series);
        ck_assert_msg(held == CONNECTIONS / WORKERS || held == CONNECTIONS / WORKERS + 1,
                      "worker %d holds %ld of %d", i, held, CONNECTIONS);
        sum += held;
    }
    ck_assert_int_eq(sum, CONNECTIONS);
    free(metrics);
    for (size_t i = 0; i < CONNECTIONS; i++)
        close(fd[i]);
    server_stop(&server);
}
END_TEST

START_TEST(connections_over_the_limit_wait_until_one_closes)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "2", "--max-connections", "4", NULL});
    int fd[12];
    for (size_t i = 0; i < 12; i++) {
        fd[i] = server_connect(&server);
        send_all(fd[i], ASK_METRICS, strlen(ASK_METRICS));
    }
    for (size_t i = 0; i < 12; i++) { /* the kernel hands them over in their order */
        char *metrics = receive(fd[i], 1);
        ck_assert_int_le(gauge(metrics, "\nrelud_connections "), 4);
        free(metrics);
        close(fd[i]);
    }
    server_stop(&server);
}
END_TEST

START_TEST(connections_in_the_backlog_at_sigterm_are_answered)
{
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "2", NULL});
    int fd[8];
    kill(server.pid, SIGSTOP);
    for (size_t i = 0; i < 8; i++) {
        fd[i] = server_connect(&server);
        send_all(fd[i], ASK, strlen(ASK));
    }
    kill(server.pid, SIGTERM);
    kill(server.pid, SIGCONT);
    for (size_t i = 0; i < 8; i++) {
        char *answer = receive(fd[i], 0);
        ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200 "), 1);
        free(answer);
        close(fd[i]);
    }
    ck_assert_int_eq(server_wait(&server), 0);
}
END_TEST

/* Asks until it is told that the connection ends; counts what went wrong. */
struct asking {
    const struct server *server;
    unsigned answers, lost;
};

static void *ask_until_told(void *at)
{
    struct asking *asking = at;
    int fd = server_connect(asking->server);
    for (bool is_told = false; !is_told;) {
        char *answer = ask(fd, ASK);
        bool is_right = count_of(answer, "HTTP/1.1 200 ") == 1;
        is_told = !is_right || strstr(answer, "Connection: close");
        asking->lost += !is_right;
        asking->answers += is_right;
        free(answer);
    }
    close(fd);
    return NULL;
}

START_TEST(sigterm_under_load_loses_no_request)
{
    enum { CLIENTS = 16 };
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "2", NULL});
    struct asking asking[CLIENTS];
    pthread_t thread[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        asking[i] = (struct asking){.server = &server};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, ask_until_told, &asking[i]), 0);
    }
    for (unsigned long long seen = 0; seen < 2000;) { /* they are at it */
        const char *metrics = server_get(&server, "/metrics")->body;
        const char *at =
            strstr(metrics, "relud_requests_total{endpoint=\"healthz\",code=\"200\"} ");
        seen = at ? strtoull(strchr(at, '}') + 1, NULL, 10) : 0;
    }
    kill(server.pid, SIGTERM);
    for (size_t i = 0; i < CLIENTS; i++) {
        pthread_join(thread[i], NULL);
        ck_assert_uint_eq(asking[i].lost, 0);
        ck_assert_uint_gt(asking[i].answers, 0);
    }
    ck_assert_int_eq(server_wait(&server), 0);
}
END_TEST

START_TEST(more_bytes_than_may_be_in_flight_get_429)
{
#define POST "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: "
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--max-inflight-bytes", "100000", NULL});
    int slow = server_connect(&server);
    send_all(slow, POST "2000000\r\n\r\n{",
             strlen(POST "2000000\r\n\r\n{")); /* alone it is taken */
    const struct reply *reply = NULL;
    for (int i = 0; i < 6000; i++) { /* until it is seen */
        reply = server_get(&server, "/metrics");
        if (strstr(reply->body, "\nrelud_inflight_bytes 2000000\n"))
            break;
        usleep(10000);
    }
    reply = server_post(&server, "/relu", "{\"input\": 1}");
    ck_assert_int_eq(reply->code, 429);
    ck_assert_ptr_nonnull(strstr(reply->headers, "Retry-After: 1\r\n"));
    reply = server_ask(&server, "/relu", NULL, "{\"input\": 1}", 12, "Transfer-Encoding: chunked");
    ck_assert_int_eq(reply->code, 429);
    reply = server_get(&server, "/metrics");
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\nrelud_rejected_total{reason=\"inflight_bytes\"} 2\n"));
    close(slow);
    for (int i = 0; i < 6000 && reply->code != 200; i++) {
        reply = server_post(&server, "/relu", "{\"input\": 1}");
        usleep(10000);
    }
    ck_assert_int_eq(server_post(&server, "/relu", "{\"input\": 1}")->code, 200);
    ck_assert_ptr_nonnull(
        strstr(server_get(&server, "/metrics")->body, "\nrelud_inflight_bytes 0\n"));
    server_stop(&server);
}
END_TEST

/* The gauge of bytes in flight. */
static long bytes_in_flight(const struct server *server)
{
    static const char name[] = "\nrelud_inflight_bytes ";
    const char *at = strstr(server_get(server, "/metrics")->body, name);
    ck_assert_ptr_nonnull(at);
    return strtol(at + strlen(name), NULL, 10);
}

/* 600 bytes are announced of 1,000. A body of 200 fits beside them, with half of its length for its
 * rows; one of 300 does not. */
START_TEST(a_body_needs_room_for_its_rows_beside_its_text)
{
    static const char head[] = "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 600\r\n\r\n";
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--max-inflight-bytes", "1000", NULL});
    char body[301];
    int holder = server_connect(&server);
    send_all(holder, head, strlen(head));
    for (int i = 0; i < 6000 && bytes_in_flight(&server) != 600; i++)
        usleep(10000);
    memset(body, ' ', 300);
    memcpy(body, "{\"input\":1}", 11);
    ck_assert_int_eq(server_ask(&server, "/relu", NULL, body, 200, NULL)->code, 200);
    ck_assert_int_eq(server_ask(&server, "/relu", NULL, body, 300, NULL)->code, 429);
    close(holder);
    server_stop(&server);
}
END_TEST

/* A digit has 1.8 KB of text and 3,136 bytes of floats. It waits for company while it is looked at. */
START_TEST(a_body_counts_for_its_rows_once_it_is_read)
{
    static const char head[] = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: ";
    char request[4096], body[3000];
    FILE *digit = fopen("tests/data/digit-7.json", "r");
    ck_assert_ptr_nonnull(digit);
    size_t body_len = fread(body, 1, sizeof body, digit);
    fclose(digit);
    ck_assert_uint_lt(body_len, 784 * sizeof(float));
    int len =
        snprintf(request, sizeof request, "%s%zu\r\n\r\n%.*s", head, body_len, (int)body_len, body);
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--batch-delay-us", "1000000", NULL});
    int client = server_connect(&server);
    long seen = 0;
    for (int round = 0; round < 20 && seen != 3136;
         round++) { /* a busy machine may look too late */
        send_all(client, request, (size_t)len);
        for (int look = 0; look < 50 && seen != 3136; look++)
            seen = bytes_in_flight(&server);
    }
    ck_assert_int_eq(seen, 3136);
    close(client);
    server_stop(&server);
}
END_TEST

START_TEST(pages_of_the_origins_named_may_read)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--cors-origin", "https://a.example",
                                           "--cors-origin", "http://b.example:8000", NULL});
    const struct reply *reply =
        server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, "Origin: http://b.example:8000");
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(
        strstr(reply->headers, "Access-Control-Allow-Origin: http://b.example:8000\r\n"));
    ck_assert_ptr_nonnull(strstr(reply->headers, "Vary: Origin\r\n"));
    reply = server_ask(&server, "/relu", NULL, "{\"input\":x}", 11, "Origin: https://a.example");
    ck_assert_int_eq(reply->code, 400); /* a page may read what is wrong, too */
    ck_assert_ptr_nonnull(
        strstr(reply->headers, "Access-Control-Allow-Origin: https://a.example\r\n"));
    reply =
        server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, "Origin: https://a.example.evil");
    ck_assert_ptr_null(strstr(reply->headers, "Access-Control"));
    char *answer =
        server_raw(&server,
                   "OPTIONS /predict HTTP/1.1\r\nHost: x\r\nOrigin: https://a.example\r\n"
                   "Access-Control-Request-Method: POST\r\nConnection: close\r\n\r\n",
                   1);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 204 ", 13), 0);
    ck_assert_ptr_nonnull(strstr(answer, "Access-Control-Allow-Methods: GET, HEAD, POST\r\n"));
    ck_assert_ptr_nonnull(strstr(answer, "Access-Control-Allow-Headers: Accept, "));
    free(answer);
    server_stop(&server);
    server = server_start((const char *const[]){DIGITS, "--cors-origin", "*", NULL});
    reply = server_ask(&server, "/healthz", NULL, NULL, 0, "Origin: https://any.example");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Access-Control-Allow-Origin: *\r\n"));
    server_stop(&server);
    server = server_on_digits();
    reply = server_ask(&server, "/healthz", NULL, NULL, 0, "Origin: https://any.example");
    ck_assert_ptr_null(strstr(reply->headers, "Access-Control"));
    server_stop(&server);
}
END_TEST

/* Clients that reset their connections are looked for every half second; a row waits for a whole
 * one. */
START_TEST(a_row_whose_client_has_gone_is_not_computed)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--batch-delay-us", "1000000", NULL});
    char *digit = read_text("tests/data/digit-7.json"), head[128];
    snprintf(head, sizeof head, "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n",
             strlen(digit));
    const struct linger reset = {.l_onoff = 1, .l_linger = 0};
    static const char none[] = "\nrelud_rejected_total{reason=\"gone\"} 0\n";
    const struct reply *reply = server_get(&server, "/metrics");
    ck_assert_ptr_nonnull(strstr(reply->body, none));
    for (int i = 0; i < 20 && strstr(reply->body, none); i++) { /* a busy machine may be late */
        int fd = server_connect(&server);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        send_all(fd, head, strlen(head));
        send_all(fd, digit, strlen(digit));
        while (!strstr(reply->body, "\nrelud_inflight_requests 2\n"))
            reply = server_get(&server, "/metrics");
        close(fd);
        while (!strstr(reply->body, "\nrelud_inflight_requests 1\n")) {
            usleep(10000);
            reply = server_get(&server, "/metrics");
        }
    }
    ck_assert_ptr_null(strstr(reply->body, none));
    free(digit);
    server_stop(&server);
}
END_TEST

/* Every batch waits 200 ms for company here, so that 20 ms are over before its pass. */
START_TEST(a_deadline_that_comes_first_is_504)
{
    static const char rows[] =
        "{\"inputs\":[{\"name\":\"pixels\",\"shape\":[1,784],\"datatype\":\"FP32\",\"data\":[";
    struct server server =
        server_start((const char *const[]){DIGITS, "--batch-delay-us", "200000", NULL});
    char *digit = read_text("tests/data/digit-7.json"), *v2 = malloc(strlen(digit) + 512);
    const struct reply *reply =
        server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Request-Timeout-Ms: 20");
    ck_assert_int_eq(reply->code, 504);
    ck_assert_str_eq(
        reply->body,
        "{\"error\":\"the request's time of 20 ms is over before its forward pass\"}\n");
    static float many[200 * 784]; /* rows that take long wait for company, too */
    reply = server_ask(&server, "/predict", "POST", (const char *)many, sizeof many,
                       "Content-Type: application/octet-stream\r\nX-Request-Timeout-Ms: 20");
    ck_assert_int_eq(reply->code, 504);
    reply =
        server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Request-Timeout-Ms: 60000");
    ck_assert_int_eq(reply->code, 200);
    static const char *const wrong[] = {
        "X-Request-Timeout-Ms: 0", "X-Request-Timeout-Ms: -1", "X-Request-Timeout-Ms: 1.5",
        "X-Request-Timeout-Ms: 86400001", "X-Request-Timeout-Ms: 99999999999999999999"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        reply = server_ask(&server, "/predict", NULL, digit, strlen(digit), wrong[i]);
        ck_assert_int_eq(reply->code, 400);
        ck_assert_ptr_nonnull(strstr(reply->body, "X-Request-Timeout-Ms wants whole milliseconds"));
    }
    /* V2's parameter, in microseconds, the second time from what the worker has kept of the first */
    const char *numbers = strchr(digit, '[') + 2;
    int len = (int)strcspn(numbers, "]");
    for (int i = 0; i < 2; i++) {
        sprintf(v2, "%s%.*s]}],\"parameters\":{\"timeout\":20000}}", rows, len, numbers);
        reply = server_post(&server, "/v2/models/digits/infer", v2);
        ck_assert_int_eq(reply->code, 504);
    }
    sprintf(v2, "%s%.*s]}],\"parameters\":{\"timeout\":0}}", rows, len, numbers);
    ck_assert_int_eq(server_post(&server, "/v2/models/digits/infer", v2)->code, 200);
    sprintf(v2, "%s%.*s]}],\"parameters\":{\"timeout\":-1}}", rows, len, numbers);
    ck_assert_int_eq(server_post(&server, "/v2/models/digits/infer", v2)->code, 400);
    ck_assert_ptr_nonnull(strstr(server_get(&server, "/metrics")->body,
                                 "relud_rejected_total{reason=\"deadline\"} 4\n"));
    server_stop(&server);
    server = server_start((const char *const[]){DIGITS, "--batch-delay-us", "200000",
                                                "--request-timeout-ms", "20", NULL});
    reply =
        server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Request-Timeout-Ms: 60000");
    ck_assert_int_eq(reply->code, 504); /* a client may ask for less, not for more */
    ck_assert_int_eq(server_get(&server, "/healthz")->code, 200);
    server_stop(&server);
    free(digit), free(v2);
}
END_TEST

/* ---- what one request leaves behind for the next ---- */

#define INFER_OF(shape, more)                                                                      \
    "{\"inputs\":[{\"name\":\"pixels\",\"datatype\":\"FP32\",\"shape\":" shape "," more "}]}"
#define NO_BYTES "\"parameters\":{\"binary_data_size\":0}"

static const struct {
    const char *head, *body; /* body NULL: there is none, or the head holds it */
    size_t json_len;         /* Inference-Header-Content-Length; 0: none */
} neighbours[] = {
    {"POST /v2/models/digits/infer", INFER_OF("[1,784]", "\"data\":[1,2,3,4,5]"), 0},
    {"POST /v2/models/digits/infer", INFER_OF("[1,784]", "\"data\":[1,2e99,3]"), 0},
    {"POST /v2/models/digits/infer", INFER_OF("[1,784]", "\"data\":0"), 0},
    {"POST /v2/models/digits/infer", INFER_OF("[0,784]", "\"data\":[1]," NO_BYTES), 1},
    {"POST /v2/models/digits/infer", INFER_OF("[0,784]", "\"data\":0," NO_BYTES), 1},
    {"POST /v2/models/digits/infer", INFER_OF("[0,784]", NO_BYTES), 1},
    {"POST /v2/models/digits/infer", INFER_OF("[0,784]", NO_BYTES), 0},
    {"POST /relu", "{\"input\":1}", 0},
    {"POST /relu", "{\"input\":x}", 0},
    {"POST /relu|X-Request-Id: mine", "{\"input\":-1}", 0},
    {"POST /relu|X-Request-Timeout-Ms: 0", "{\"input\":1}", 0},
    {"POST /relu|Content-Type: application/octet-stream", "\1\1\1\1", 0},
    {"POST /relu|Content-Type: text/html", "\1\1\1\1", 0},
    {"POST /relu|Content-Encoding: gzip", "{\"input\":1}", 0},
    {"POST /relu|Content-Encoding: br", "{\"input\":1}", 0},
    {"POST /relu|Accept: image/png", "{\"input\":1}", 0},
    {"POST /relu|Origin: http://a.example", "{\"input\":1}", 0},
    {"POST /relu|Accept-Encoding: gzip", "{\"input\":1}", 0},
    {"POST /relu?activation=elu", "{\"input\":1}", 0},
    {"POST /relu?activation=none|Content-Type: application/octet-stream", "\1\1\1\1", 0},
    {"POST /predict", "{\"inputs\":1}", 0},
    {"POST /v1/models/digits:predict", "{\"instances\":1}", 0},
    {"POST /v1/models/none:predict", "{\"instances\":1}", 0},
    {"GET /v2/models/digits/ready", NULL, 0},
    {"GET /v2/models/digits/versions/9/ready", NULL, 0},
    {"DELETE /predict", NULL, 0},
    {"GET /nowhere", NULL, 0},
};
enum { NEIGHBOURS = sizeof neighbours / sizeof *neighbours };

/* The caller frees it. */
static char *neighbour_text(size_t at)
{
    const char *head = neighbours[at].head, *body = neighbours[at].body;
    const char *field = strchr(head, '|');
    size_t line = field ? (size_t)(field - head) : strlen(head);
    char *text = NULL, json_len[64] = "", length[40] = "";
    if (neighbours[at].json_len)
        snprintf(json_len, sizeof json_len, "Inference-Header-Content-Length: %zu\r\n",
                 strlen(body));
    if (body)
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", strlen(body));
    ck_assert_int_gt(asprintf(&text, "%.*s HTTP/1.1\r\nHost: x\r\n%s%s%s%s\r\n%s", (int)line, head,
                              field ? field + 1 : "", field ? "\r\n" : "", json_len, length,
                              body ? body : ""),
                     0);
    return text;
}

/* Without the lines that say when and as which request it was answered. */
static void forget_the_moment(char *answer)
{
    static const char *const fields[] = {"\r\nDate: ", "\r\nServer-Timing: ", "\r\nX-Request-Id: "};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *at = strstr(answer, fields[i]), *end = at ? strstr(at + 2, "\r\n") : NULL;
        if (end && strncmp(at + strlen(fields[i]), "mine", 4) != 0)
            memmove(at, end, strlen(end) + 1);
    }
}

START_TEST(S3_no_answer_depends_on_what_its_connection_carried_before)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--cors-origin", "http://a.example", NULL});
    char *alone[NEIGHBOURS], *text[NEIGHBOURS];
    unsigned good = 0;
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        text[i] = neighbour_text(i);
        alone[i] = server_raw(&server, text[i], 1);
        good += strncmp(alone[i], "HTTP/1.1 200", 12) == 0;
        ck_assert_msg(strncmp(alone[i], "HTTP/1.1 ", 9) == 0, "%s: %s", text[i], alone[i]);
        forget_the_moment(alone[i]);
    }
    ck_assert_uint_ge(good, 7);
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        int fd = server_connect(&server);
        for (size_t k = 0; k < NEIGHBOURS; k++)
            for (size_t which = 0; which < 2; which++) {
                size_t at = which ? k : i;
                send_all(fd, text[at], strlen(text[at]));
                char *answer = receive(fd, 1);
                forget_the_moment(answer);
                ck_assert_msg(strcmp(answer, alone[at]) == 0, "%s\nafter %s\n: %s\nalone: %s",
                              text[at], text[which ? i : k], answer, alone[at]);
                free(answer);
            }
        close(fd);
    }
    for (size_t i = 0; i < NEIGHBOURS; i++) {
        free(alone[i]);
        free(text[i]);
    }
    server_stop(&server);
}
END_TEST

RUN_SUITE("connections", a_burst_of_connections_is_shared_evenly,
          connections_over_the_limit_wait_until_one_closes,
          connections_in_the_backlog_at_sigterm_are_answered, sigterm_under_load_loses_no_request,
          more_bytes_than_may_be_in_flight_get_429, a_deadline_that_comes_first_is_504,
          a_row_whose_client_has_gone_is_not_computed,
          a_body_needs_room_for_its_rows_beside_its_text,
          a_body_counts_for_its_rows_once_it_is_read, pages_of_the_origins_named_may_read,
          S3_no_answer_depends_on_what_its_connection_carried_before)
