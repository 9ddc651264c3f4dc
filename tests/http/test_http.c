/* HTTP as it comes in life: odd framing, pieces, pipelines, draining. */
#include "tests/http/server.h"

#define HOST "Host: x\r\n"
#define BODY "{\"input\":-1}"
#define ASK  "POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\n" BODY

/* Raw requests and the one status line that comes back; 0: 200, or with libmicrohttpd 1.0 nothing but the end. */
static const struct {
    const char *bytes;
    int code;
} framings[] = {
    {ASK, 200},
    {"GET /healthz HTTP/1.0\r\n\r\n", 200},
    {"GET /healthz HTTP/1.1\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\n" HOST HOST "\r\n", 400},
    {"GET /healthz HTTP/1.9\r\n" HOST "\r\n", 505},
    {"GET /healthz HTTP/2.0\r\n" HOST "\r\n", 505},
    {"get /healthz HTTP/1.1\r\n" HOST "\r\n", 405},
    {"GET * HTTP/1.1\r\n" HOST "\r\n", 404},
    {"GET /%00 HTTP/1.1\r\n" HOST "\r\n", 404},
    {"GET /healthz?x=%zz HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET /healthz/ HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET /healthz HTTP/1.1\r\n" HOST "novalue\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST
     "Content-Length: 12\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST /relu HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n0\r\n\r\n",
     400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12\r\nContent-Length: 12\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12\r\nContent-Length: 3\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: +12\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 0x3\r\n\r\n123", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12, 12\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551614\r\n\r\n", 413},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551616\r\n\r\n", 413},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 99999999999\r\n\r\n", 413},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
     400},
    {"POST /relu HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST
     "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n7\r\nut\":-1}\r\n0\r\n\r\n",
     200},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400},
    {"POST /relu HTTP/1.1\r\n" HOST "X y: 1\r\nContent-Length: 12\r\n\r\n" BODY, 400},
    /* the request line and Host */
    {"G@T /healthz HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz x HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz?x\ty HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz\tx HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz\x7f HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz HTTP/1.1\rHost: x\r\rGET /healthz HTTP/1.1\r\n" HOST "\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 200},
    {"GET /healthz HTTP/1.1\r\nHost:\r\n\r\n", 200},
    {"GET http://x/healthz HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET HTTPS://x:1/healthz?a=b HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET /healthz?a&b=&=c&&d=e+f&%67=%20? HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET /healthz? HTTP/1.1\r\nX:\r\nY: \t\r\n" HOST "Z:  a b \r\n\r\n", 200},
    {"\r\n\r\nGET /healthz HTTP/1.1\nX: a\n" HOST "\n", 0},
    {"GET http://x HTTP/1.1\r\n" HOST "\r\n", 200},
    {"GET http://x/nothing HTTP/1.1\r\n" HOST "\r\n", 404},
    /* folded lines: libmicrohttpd 0.9.75 hangs them on the name */
    {"POST /relu HTTP/1.1\r\n" HOST "Content-Length: 1\r\n 2\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Content-: 12\r\n Length\r\n\r\n" BODY, 400},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding:\r\n chunked\r\n\r\nc\r\n" BODY
     "\r\n0\r\n\r\n",
     400},
    {"POST /relu HTTP/1.1\r\n" HOST "Transfer-: chunked\r\n\tEncoding\r\n\r\nc\r\n" BODY
     "\r\n0\r\n\r\n",
     400},
    {"GET /healthz HTTP/1.1\r\n" HOST "X: 1\r\n 2\r\n 3\r\n\r\n", 400},
    {"GET /healthz HTTP/1.1\r\nHo: x\r\n st\r\n\r\n", 400},
};

/* Until the other side is done, but for keep-alive: a second of silence ends it there. */
static char *answer_to(const struct server *server, const char *bytes, size_t wanted)
{
    int fd = server_connect(server);
    send_all(fd, bytes, strlen(bytes));
    char *answer = receive(fd, wanted);
    close(fd);
    return answer;
}

START_TEST(odd_framing_is_refused_with_json)
{
    struct server server = server_on_digits();
    int wrong = 0;
    for (size_t i = 0; i < sizeof framings / sizeof *framings; i++) {
        char *answer = answer_to(&server, framings[i].bytes, 1), wanted[32];
        bool is_ended = framings[i].code == 0 && !*answer;
        snprintf(wanted, sizeof wanted, "HTTP/1.1 %d ", framings[i].code ? framings[i].code : 200);
        if (!is_ended &&
            (strncmp(answer, wanted, strlen(wanted)) != 0 ||
             count_of(answer, "\r\nContent-Length: ") != 1 || strstr(answer, "<html") ||
             (framings[i].code >= 400 &&
              (!strstr(answer, "\r\nContent-Type: application/json\r\n") ||
               !strstr(answer, "\r\n\r\n{\"error\":\"")))))
            wrong += printf("%.120s\n-> %s\n", framings[i].bytes, answer) > 0;
        free(answer);
    }
    ck_assert_int_eq(wrong, 0);
    server_stop(&server);
}
END_TEST

/* NULs, and a field without a name, which the library leaves out. */
START_TEST(nothing_of_a_head_is_overlooked)
{
#define BYTES(text)                                                                                \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }
    static const struct {
        const char *bytes;
        size_t len;
    } heads[] = {
        BYTES("GE\0T /healthz HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz\0x HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz\0x?a=b HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a\0x=b HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a=b\0x&c=d HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\0x\r\n" HOST "\r\n"),
        BYTES("GET\0 /healthz HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET \0/healthz HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz\0 HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz \0HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a=b\0 HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a\0=b HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a\0 HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?\0 HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz\0?a=b HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a=\0b HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz?a=b&\0c=d HTTP/1.1\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\0\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\0\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n\0" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\nX\0: a\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\nX:\0 a\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\nX: a\0\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\0\r\n\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "X:\0\r\n\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n: a\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n:Content-Length: 9\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\nX: a\0b\r\n" HOST "\r\n"),
        BYTES("GET /healthz HTTP/1.1\r\n" HOST "X: a\0b\r\n\r\n"),
        BYTES("POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12\0009\r\n\r\n" BODY),
    };
    struct server server = server_on_digits();
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++) {
        int fd = server_connect(&server);
        send_all(fd, heads[i].bytes, heads[i].len);
        char *answer = receive(fd, 0);
        /* libmicrohttpd 1.0 ends some without a word */
        ck_assert_msg(!*answer || strncmp(answer, "HTTP/1.1 400 ", 13) == 0, "%zu: %.80s", i,
                      answer);
        ck_assert_uint_le(count_of(answer, "HTTP/1.1 "), 1);
        free(answer);
        close(fd);
    }
    server_stop(&server);
}
END_TEST

START_TEST(headers_and_lines_over_the_limit_get_json)
{
    static const char *const forms[] = {"GET /%s HTTP/1.1\r\n" HOST "\r\n",
                                        "GET / HTTP/1.1\r\n" HOST "X: %s\r\n\r\n"};
    static const char *const codes[] = {"HTTP/1.1 414 ", "HTTP/1.1 431 "};
    struct server server = server_on_digits();
    size_t len = 100000;
    char *much = malloc(len + 1), *bytes = malloc(len + 100);
    memset(much, 'a', len);
    much[len] = '\0';
    for (size_t i = 0; i < 2; i++) {
        snprintf(bytes, len + 100,
                 i ? "GET / HTTP/1.1\r\n" HOST "X: %s\r\n\r\n" : "GET /%s HTTP/1.1\r\n" HOST "\r\n",
                 much);
        char *answer = answer_to(&server, bytes, 1);
        ck_assert_msg(strncmp(answer, codes[i], strlen(codes[i])) == 0, "%s: %.80s", forms[i],
                      answer);
        ck_assert_ptr_nonnull(strstr(answer, "{\"error\":\""));
        free(answer);
    }
    free(much), free(bytes);
    server_stop(&server);
}
END_TEST

START_TEST(a_request_may_come_in_any_two_pieces)
{
    struct server server = server_on_digits();
    for (size_t split = 1; split < strlen(ASK); split++) {
        int fd = server_connect(&server), on = 1;
        setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
        send_all(fd, ASK, split);
        usleep(200); /* lets the first piece go alone; the answer is right either way */
        send_all(fd, ASK + split, strlen(ASK) - split);
        char *answer = receive(fd, 1);
        if (!strstr(answer, "{\"activation\":\"relu\",\"output\":0}\n"))
            ck_abort_msg("split at %zu: %s", split, answer);
        free(answer);
        close(fd);
    }
    server_stop(&server);
}
END_TEST

/* Two hundred requests in one go, of different sizes: the answers in order. */
static void check_pipeline(const char *const *more)
{
    enum { REQUESTS = 200 };
    struct server server = server_start(more);
    char *digit = read_text("tests/data/digit-7.json"), *bytes = malloc(REQUESTS * 4096),
         *at = bytes;
    for (int i = 0; i < REQUESTS; i++) {
        char body[64];
        if (i % 3 == 0) {
            at += sprintf(at, "POST /predict HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s",
                          strlen(digit), digit);
            continue;
        }
        snprintf(body, sizeof body, "{\"input\":%d}", i);
        at += sprintf(at, "POST /relu HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n%s",
                      strlen(body), body);
    }
    char *answer = answer_to(&server, bytes, REQUESTS);
    const char *place = answer;
    for (int i = 0; i < REQUESTS; i++) {
        char wanted[64];
        snprintf(wanted, sizeof wanted, i % 3 ? "\"output\":%d}\n" : "{\"label\":\"7\"", i);
        place = strstr(place, wanted);
        if (!place)
            ck_abort_msg("answer %d is missing or out of order", i);
    }
    free(answer), free(bytes), free(digit);
    server_stop(&server);
}

START_TEST(pipelined_requests_are_answered_in_order)
{
    check_pipeline((const char *const[]){DIGITS, NULL});
    check_pipeline((const char *const[]){DIGITS, "--suspend", "always", NULL});
    check_pipeline((const char *const[]){DIGITS, "--batch-delay-us", "100", NULL});
}
END_TEST

START_TEST(sigterm_answers_what_is_open_and_exits_0)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--drain-delay-seconds", "1", NULL});
    int idle = server_connect(&server), open = server_connect(&server);
    send_all(idle, ASK, strlen(ASK));
    char *answer = receive(idle, 1);
    ck_assert_ptr_nonnull(strstr(answer, " 200 OK"));
    free(answer);
    send_all(open, ASK, strlen(ASK) - 1);
    kill(server.pid, SIGTERM);
    const struct reply *reply = NULL;
    do /* still accepting, but not ready any more */
        reply = server_get(&server, "/readyz");
    while (reply->code == 200);
    ck_assert_int_eq(reply->code, 503);
    ck_assert_str_eq(reply->body, "{\"error\":\"draining\"}\n");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Retry-After: "));
    ck_assert_ptr_nonnull(strstr(reply->headers, "Connection: close\r\n"));
    answer = receive(idle, 0); /* closed, without a word */
    ck_assert_str_eq(answer, "");
    free(answer);
    send_all(open, ASK + strlen(ASK) - 1, 1);
    answer = receive(open, 0);
    ck_assert_ptr_nonnull(strstr(answer, " 200 OK"));
    ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n"));
    free(answer);
    close(idle), close(open);
    ck_assert_int_eq(server_wait(&server), 0);
}
END_TEST

START_TEST(a_second_sigterm_or_the_drain_time_ends_it_at_once)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--drain-seconds", "600", NULL});
    int open = server_connect(&server);
    send_all(open, ASK, strlen(ASK) - 1);
    for (int i = 0;
         i < 6000 && !strstr(server_get(&server, "/metrics")->body, "relud_inflight_requests 2");
         i++)
        usleep(1000);
    kill(server.pid, SIGTERM);
    char byte;
    while (read(server.log, &byte, 1) == 1 && byte != 'd') /* "relud: draining" */
        ;
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(server_wait(&server), 0);
    close(open);
    server = server_start(
        (const char *const[]){DIGITS, "--drain-seconds", "0", "--suspend", "always", NULL});
    open = server_connect(&server);
    send_all(open, ASK, strlen(ASK) - 1);
    kill(server.pid, SIGTERM);
    ck_assert_int_eq(server_wait(&server), 0);
    close(open);
}
END_TEST

START_TEST(server_timing_is_a_clean_header)
{
    struct server server = server_on_digits();
    for (int i = 0; i < 20; i++) { /* other answers between leave other things on the stack */
        const struct reply *reply = server_post(&server, "/relu", "{\"input\":[1,2,3]}");
        const char *line = strstr(reply->headers, "Server-Timing: ");
        ck_assert_ptr_nonnull(line);
        size_t len = strcspn(line, "\r\n");
        ck_assert_uint_eq(strspn(line, "Server-Timing: decode;dur=0123456789., encode"), len);
        server_get(&server, i % 2 ? "/metrics" : "/nothing");
    }
    server_stop(&server);
}
END_TEST

START_TEST(health_metrics_and_the_face_are_there)
{
    struct server server = server_on_digits();
    const struct reply *reply = server_get(&server, "/healthz");
    ck_assert_str_eq(reply->body, "{\"status\":\"ok\"}\n");
    reply = server_get(&server, "/health");
    ck_assert_int_eq(reply->code, 200);
    reply = server_get(&server, "/readyz");
    ck_assert_int_eq(reply->code, 200);
    reply = server_get(&server, "/");
    ck_assert_int_eq(
        strncmp(reply->body, "{\"status\":\"alive\",\"name\":\"relud\",\"version\":\"", 43), 0);
    char *digit = read_text("tests/data/digit-7.json");
    server_post(&server, "/predict", digit);
    reply = server_get(&server, "/metrics");
    static const char *const lines[] = {
        "\nrelud_requests_total{endpoint=\"predict\",code=\"200\"} 1\n",
        "\nrelud_rows_total{model=\"digits\",version=\"1\"} 1\n",
        "\nrelud_batch_rows_count{model=\"digits\"} 1\n",
        "\nrelud_stage_duration_seconds_count{stage=\"forward\"} 1\n",
        "\nrelud_request_duration_seconds_count{endpoint=\"predict\"} 1\n",
        "\nrelud_inflight_requests 1\n",
        "\nprocess_resident_memory_bytes ",
        "\nprocess_open_fds ",
        "\nprocess_cpu_seconds_total ",
        "\nrelud_model_info{model=\"digits\",version=\"1\",format=\"relud-model/"
        "1\",math=\"exact\"} 1\n"};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        ck_assert_msg(strstr(reply->body, lines[i]) != NULL, "%s", lines[i]);
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Type: text/plain; version=0.0.4"));
    reply = server_ask(&server, "/metrics", NULL, NULL, 0, "Accept: application/openmetrics-text");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Type: application/openmetrics-text"));
    ck_assert_str_eq(reply->body + reply->len - 6, "# EOF\n");
    free(digit);
    server_stop(&server);
}
END_TEST

RUN_SUITE("http", odd_framing_is_refused_with_json, nothing_of_a_head_is_overlooked,
          headers_and_lines_over_the_limit_get_json, a_request_may_come_in_any_two_pieces,
          pipelined_requests_are_answered_in_order, sigterm_answers_what_is_open_and_exits_0,
          a_second_sigterm_or_the_drain_time_ends_it_at_once, server_timing_is_a_clean_header,
          health_metrics_and_the_face_are_there)
