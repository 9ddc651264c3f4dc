/* Heads of requests as clients and proxies write them: several lines of one field, blanks, other versions, more than there is room for. And
 * what pages of other origins are told. */
#include "tests/http/server.h"

#include <stdlib.h>

static struct server server;

static void start(void)
{
    server = server_start((const char *const[]){DIGITS, "--workers", "1", "--cors-origin",
                                                "https://a.example", NULL});
}

static void stop(void)
{
    server_stop(&server);
}

#define RELU(fields)                                                                               \
    "POST /relu HTTP/1.1\r\nHost: x\r\n" fields "Content-Length: 11\r\nConnection: close\r\n\r\n"  \
    "{\"input\":1}"
#define GET(fields) "GET /metrics HTTP/1.1\r\nHost: x\r\n" fields "Connection: close\r\n\r\n"

/* One answer of that code, with the words in it; an error is JSON. */
static void check(const char *request, const char *code, const char *words)
{
    char *answer = server_raw(&server, request, 0);
    bool is_right = strncmp(answer, "HTTP/1.1 ", 9) == 0 && strncmp(answer + 9, code, 3) == 0 &&
                    strstr(answer, words);
    if (code[0] == '4' || code[0] == '5')
        is_right = is_right && strstr(answer, "Content-Type: application/json\r\n") &&
                   strstr(answer, "\r\n\r\n{\"error\":\"");
    ck_assert_msg(is_right, "%.300s: %.1500s; %s and '%s' are wanted", request, answer, code,
                  words);
    free(answer);
}

START_TEST(P6_lines_of_a_list_are_joined)
{
    check(RELU("Accept: application/x-npy\r\nAccept: application/json\r\n"), "200",
          "\"output\":1"); /* as welcome: ours comes first */
    check(RELU("Accept: image/png\r\nAccept: application/json\r\n"), "200", "\"output\":1");
    check(RELU("Accept: application/json\r\nAccept: image/png\r\n"), "200", "\"output\":1");
    check(RELU("Accept: text/html\r\nAccept: image/png\r\nAccept: */*;q=0.1\r\n"), "200", "output");
    check(RELU("Accept: text/html\r\nAccept: image/png\r\n"), "406",
          "Accept text/html, image/png cannot be answered");
    check(RELU("Accept: application/json;q=0.1\r\nAccept: application/octet-stream\r\n"), "200",
          "application/octet-stream");
    check(GET("Accept: text/plain;q=0.5\r\nAccept: application/openmetrics-text\r\n"), "200",
          "# EOF");
    check(GET("Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n"), "200",
          "Content-Encoding: gzip\r\n");
    check(GET("Accept-Encoding: gzip\r\nAccept-Encoding: br\r\n"), "200",
          "Content-Encoding: gzip\r\n");
    check(RELU("Content-Encoding: identity\r\nContent-Encoding:\r\n"), "200", "\"output\":1");
    check(RELU("Content-Encoding: identity\r\nContent-Encoding: br\r\n"), "415",
          "Content-Encoding identity, br is not read here");
    check(RELU("Content-Encoding: gzip\r\nContent-Encoding: gzip\r\n"), "415", "gzip, gzip");
    check("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n",
          "200", "ok"); /* ends: else the next would wait for more */
}
END_TEST

START_TEST(P6_two_of_what_comes_once_are_an_error)
{
    static const char *const fields[] = {
        "Content-Type: application/json",
        "Authorization: Bearer k",
        "X-Api-Key: k",
        "Inference-Header-Content-Length: 2",
        "X-Request-Timeout-Ms: 1000",
        "Origin: https://a.example",
        "X-Request-Id: a",
        "Access-Control-Request-Method: POST",
        "Content-Length: 11",
        "Host: x",
    };
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char request[512], words[80];
        bool is_there =
            strncmp(fields[i], "Content-L", 9) == 0 || strncmp(fields[i], "Host", 4) == 0;
        snprintf(request, sizeof request,
                 "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n%s\r\n%s%sX: y\r\n"
                 "Connection: close\r\n\r\n{\"input\":1}",
                 fields[i], is_there ? "" : fields[i], is_there ? "" : "\r\n");
        snprintf(words, sizeof words, "more than one %.*s", (int)strcspn(fields[i], ":"),
                 fields[i]);
        check(request, "400", words);
    }
    /* an id that is too long, or not all printable, is none; the time is whole milliseconds */
    char request[512], long_id[130];
    memset(long_id, 'i', sizeof long_id);
    for (size_t len = 128; len <= 129; len++) {
        snprintf(request, sizeof request, RELU("X-Request-Id: %.*s\r\n"), (int)len, long_id);
        char *answer = server_raw(&server, request, 0);
        ck_assert_int_eq(strstr(answer, "X-Request-Id: iiii") != NULL, len == 128);
        ck_assert_uint_eq(count_of(answer, "X-Request-Id: "), 1);
        free(answer);
    }
    static const char *const odd[] = {"a\tb", "a\x7f", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        snprintf(request, sizeof request, RELU("X-Request-Id: %s\r\n"), odd[i]);
        char *answer = server_raw(&server, request, 0);
        ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) == 0 && !strstr(answer, odd[i]), "%s",
                      answer);
        ck_assert_uint_eq(count_of(answer, "X-Request-Id: "), 1);
        free(answer);
    }
    check(RELU("X-Request-Timeout-Ms: 10:0\r\n"), "400", "wants whole milliseconds");
    check(RELU("X-Request-Timeout-Ms: 10 0\r\n"), "400", "wants whole milliseconds");
    /* what only others are told of passes */
    check(RELU("traceparent: a\r\ntraceparent: b\r\nUser-Agent: a\r\nUser-Agent: b\r\n"), "200",
          "\"output\":1");
}
END_TEST

/* Each request in one piece, and in pieces of one byte and of a few. */
static void check_in_pieces(const char *request, const char *code, const char *words)
{
    check(request, code, words);
    for (size_t piece = 1; piece < 60; piece += 19) {
        int fd = server_connect(&server), on = 1;
        setsockopt(fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &on, sizeof on);
        for (size_t at = 0, len = strlen(request); at < len; at += piece) {
            send_all(fd, request + at, len - at < piece ? len - at : piece);
            usleep(200);
        }
        char *answer = receive(fd, 0);
        ck_assert_msg(strncmp(answer + 9, code, 3) == 0 && strstr(answer, words),
                      "%s in pieces of %zu: %s", request, piece, answer);
        free(answer);
        close(fd);
    }
}

START_TEST(P7_blanks_around_a_value_are_none_of_it)
{
#define ASK(head, body) "POST /relu HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" head "\r\n" body
#define ONE             "{\"input\":1}"
    static const char *const right[] = {
        ASK("Content-Length: 11 \r\n", ONE),
        ASK("Content-Length:11\t\r\n", ONE),
        ASK("content-length: \t 11 \t \r\n", ONE),
        ASK("Content-Length: 11 \nX: y\r\n", ONE),
        ASK("Transfer-Encoding: chunked \r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Transfer-Encoding:\tchunked\t\r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Content-Type: application/json \t\r\nContent-Length: 11\r\n", ONE),
        ASK("Content-Encoding: identity \r\nContent-Length: 11\r\n", ONE),
        ASK("Accept: application/json \t\r\nContent-Length: 11\r\n", ONE),
        ASK("X-Request-Timeout-Ms: 10000 \r\nContent-Length: 11\r\n", ONE),
        "POST /relu HTTP/1.1\r\nHost: x \t\r\nConnection: close \r\nContent-Length: 11\r\n\r\n" ONE,
    };
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        check_in_pieces(right[i], "200", "\"output\":1");
    check(RELU("X-Request-Id: an id \t\r\n"), "200", "X-Request-Id: an id\r\n");
    check(RELU("Origin: https://a.example \r\n"), "200",
          "Access-Control-Allow-Origin: https://a.example\r\n");
    check(GET("Accept-Encoding: gzip \r\n"), "200", "Content-Encoding: gzip\r\n");
    check("POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
          "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: 2 \r\n"
          "Content-Length: 2\r\n\r\n{}",
          "400", "inputs");
}
END_TEST

/* What could be read in two ways stays an error. */
START_TEST(P7_blanks_elsewhere_are_refused)
{
    static const char *const wrong[] = {
        ASK("Content-Length : 11\r\n", ONE),
        ASK("Content-Length: 1 1\r\n", ONE),
        ASK("Content-Length: 11 11\r\n", ONE),
        ASK("Content-Length: 11 \r \r\n", ONE),
        ASK("Content-Length: 11\v\r\n", ONE),
        ASK("Content-Length: 11, 11\r\n", ONE),
        ASK("Content-Length: +11\r\n", ONE),
        ASK("Content-Length: \r\n", ONE),
        ASK("Content-Length: 1 \r\n 1\r\n", ONE),
        ASK("Content-Length: 1\r\n\t1 \r\n", ONE),
        ASK(" Content-Length: 11\r\n", ONE),
        ASK("Transfer-Encoding : chunked\r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Transfer-Encoding: chunked , identity\r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Transfer-Encoding: chun ked\r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Transfer-Encoding: \r\n chunked \r\n", "b\r\n" ONE "\r\n0\r\n\r\n"),
        ASK("Transfer-Encoding: chunked \r\nContent-Length: 11 \r\n", ONE),
        ASK("Content-Length: 11 \r\nContent-Length: 11 \r\n", ONE),
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        check_in_pieces(wrong[i], "400", "{\"error\":\"");
}
END_TEST

/* The bytes of a body are nobody's to change, be they a head's. And requests may follow each other without a pause. */
START_TEST(P7_bodies_stay_as_they_are)
{
    static const char body[] = "{\"input\":1,\"activation\":\"\\nContent-Length: 5 \\n\"}";
    char request[2048];
    snprintf(
        request, sizeof request,
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: %zu \r\n\r\n%s"
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\nConnection: close\r\n\r\n" ONE,
        sizeof body - 1, body);
    char *answer = server_raw(&server, request, 0);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 400 "), 1);
    ck_assert_msg(strstr(answer, "Content-Length: 5 ") != NULL, "%s", answer);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 200 "), 1);
    free(answer);
    /* raw floats that read as such a line: 20 bytes of 5 numbers, echoed by ReLU as they are positive */
    static const char floats[] = "\nContent-Length: 11 \n\n\n\n";
    snprintf(
        request, sizeof request,
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\n"
        "Accept: application/octet-stream\r\nConnection: close\r\nContent-Length: 24 \r\n\r\n%s",
        floats);
    answer = server_raw(&server, request, 0);
    ck_assert_msg(strstr(answer, "\r\n\r\n\nContent-Length: 11 \n\n\n\n") != NULL, "%s", answer);
    free(answer);
}
END_TEST

START_TEST(P11_other_versions_are_505)
{
    check("GET /healthz HTTP/1.2\r\nHost: x\r\n\r\n", "505", "only HTTP/1.0 and HTTP/1.1");
    check("GET /healthz HTTP/1.9\r\nHost: x\r\n\r\n", "505", "only HTTP/1.0 and HTTP/1.1");
    check("GET /healthz HTTP/2.0\r\nHost: x\r\n\r\n", "505", "only HTTP/1.0 and HTTP/1.1");
    check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505", "only HTTP/1.0 and HTTP/1.1");
    check("GET /healthz HTTP/x.y\r\nHost: x\r\n\r\n", "400", "malformed");
    check("GET /healthz\r\n\r\n", "400", "malformed");
    check("nonsense\r\n\r\n", "400", "malformed");
    check("GET\r\n", "400", "malformed");
    check(" / HTTP/1.1\r\nHost: x\r\n\r\n", "400", "malformed");
    check("GET /healthz HTTP/1.0\r\n\r\n", "200", "ok");
}
END_TEST

START_TEST(P11_options_of_the_server_itself)
{
    check("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "204",
          "Allow: GET, HEAD, POST, OPTIONS\r\n");
    check("GET * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404", "nothing is at *");
    check("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404",
          "nothing is at");
}
END_TEST

/* A request with so many times the piece between its ends. */
static char *repeat(const char *begin, const char *piece, size_t times, const char *end)
{
    size_t len = strlen(piece);
    char *text = malloc(strlen(begin) + times * len + strlen(end) + 1), *at = stpcpy(text, begin);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, piece);
    strcpy(at, end);
    return text;
}

START_TEST(P11_what_there_is_no_room_for_gets_an_answer)
{
#define REST   " HTTP/1.1\r\nHost: x\r\n\r\n"
#define CHUNKS "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    static const struct {
        const char *begin, *piece;
        size_t times;
        const char *end, *code;
    } cases[] = {
        {"GET /healthz?", "&", 1000, REST, "431"},
        {"GET /healthz?", "a=b&", 1000, REST, "431"},
        {"GET /healthz?", "&", 10000, REST, "431"},
        {"POST /relu?", "&", 1000, " HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n" ONE, "431"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\nGET /healthz?", "&",
         1000, REST, "431"},
        {"GET /", "a", 32768, REST, "414"},
        {"GET /", "a", 200000, REST, "414"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n", "X: a\r\n", 1000, "\r\n", "431"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n", "X: a\r\n", 20000, "\r\n", "431"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ", "a", 40000, "\r\n\r\n", "431"},
        {"GET /healthz HTTP/1.1\r\nHost: x\r\n", "Accept: a\r\n", 1000, "\r\n", "431"},
        {CHUNKS "b;", "a", 65536, "\r\n" ONE "\r\n0\r\n\r\n", "400"},
        {CHUNKS "b\r\n" ONE "\r\n0;", "a", 65536, "\r\n\r\n", "400"},
        {CHUNKS, "0", 65536, "b\r\n" ONE "\r\n0\r\n\r\n", "4"},
        {CHUNKS "b\r\n" ONE "\r\n0\r\nX: ", "a", 65536, "\r\n\r\n", "4"},
        {CHUNKS "b\r\n" ONE "\r\n0\r\n", "X: a\r\n", 20000, "\r\n", "4"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *request = repeat(cases[i].begin, cases[i].piece, cases[i].times, cases[i].end);
        char *answer = server_raw(&server, request, 0), *last = answer;
        for (char *at = answer; (at = strstr(at, "HTTP/1.1 ")); at++)
            last = at;
        ck_assert_msg(strlen(last) > 9 &&
                          strncmp(last + 9, cases[i].code, strlen(cases[i].code)) == 0 &&
                          strstr(last, "\r\n\r\n{\"error\":\""),
                      "%.80s%s…: '%.500s'; %s is wanted", cases[i].begin, cases[i].piece, answer,
                      cases[i].code);
        free(answer);
        free(request);
    }
    /* and none of them holds a connection */
    for (int i = 0; i < 6000; i++) {
        if (strstr(server_get(&server, "/metrics")->body, "\nrelud_connections 1\n"))
            break;
        usleep(10000);
    }
    ck_assert_ptr_nonnull(strstr(server_get(&server, "/metrics")->body, "\nrelud_connections 1\n"));
}
END_TEST

/* ---- pages of other origins ---- */

#define PREFLIGHT(path, fields)                                                                    \
    "OPTIONS " path " HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://a.example\r\n"   \
    "Access-Control-Request-Method: POST\r\n" fields "\r\n"

START_TEST(P5_pages_may_send_what_their_libraries_add)
{
    static const char *const names[] = {
        "Content-Encoding", "Traceparent",   "Tracestate",       "Baggage",
        "X-Requested-With", "Cache-Control", "Pragma",           "If-None-Match",
        "Authorization",    "Content-Type",  "X-Api-Key",        "X-Request-Id",
        "Sentry-Trace",     "X-B3-TraceId",  "X-Amzn-Trace-Id",  "X-Datadog-Trace-Id",
        "Accept-Language",  "Uber-Trace-Id", "X-Correlation-Id", "X-Request-Timeout-Ms",
    };
    char *answer = server_raw(&server, PREFLIGHT("/relu", ""), 0);
    const char *allowed = strstr(answer, "Access-Control-Allow-Headers: ");
    ck_assert_ptr_nonnull(allowed);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = strcasestr(allowed, names[i]);
        ck_assert_msg(at && at < strstr(allowed, "\r\n"), "%s", names[i]);
    }
    free(answer);
    /* and what is not known here, too, in one line or more; but nothing that is no name of a field */
    check(PREFLIGHT("/relu", "Access-Control-Request-Headers: content-type,x-mine\r\n"
                             "Access-Control-Request-Headers: x-other, x-mine\r\n"),
          "204", "X-Requested-With, x-mine, x-other\r\n");
    check(PREFLIGHT("/relu", "Access-Control-Request-Headers: <b>, ok, \"z\"\r\n"), "204",
          "X-Requested-With, ok\r\n");
}
END_TEST

START_TEST(P5_a_preflight_is_answered_wherever_it_goes)
{
    check(PREFLIGHT("/nowhere", ""), "204", "Access-Control-Allow-Origin: https://a.example\r\n");
    check(PREFLIGHT("/v2/models/nope/infer", ""), "204", "Access-Control-Allow-Methods: ");
    check(PREFLIGHT("/v2/nope/nope", ""), "204", "Access-Control-Max-Age: ");
    check(PREFLIGHT("/v1/models/digits:predict", ""), "204", "Access-Control-Allow-Methods: ");
    check(PREFLIGHT("/relu", ""), "204",
          "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n");
    check("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: "
          "https://a.example\r\n\r\n",
          "404", "Access-Control-Allow-Origin: https://a.example\r\n");
    check("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
          "Access-Control-Request-Method: POST\r\n\r\n",
          "404", "nothing is at"); /* no page asks */
    check("OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: "
          "https://a.example\r\n\r\n",
          "404", "nothing is at");
}
END_TEST

START_TEST(P5_pages_may_see_times_and_fields)
{
#define FROM(origin) "Origin: https://" origin "\r\n"
    check(RELU(FROM("a.example")), "200", "Timing-Allow-Origin: https://a.example\r\n");
    static const char *const names[] = {"Allow",         "WWW-Authenticate", "Content-Encoding",
                                        "Retry-After",   "Server-Timing",    "X-Request-Id",
                                        "Content-Length"};
    char *answer = server_raw(&server, RELU(FROM("a.example")), 0);
    const char *exposed = strstr(answer, "Access-Control-Expose-Headers: ");
    ck_assert_ptr_nonnull(exposed);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *at = strstr(exposed, names[i]);
        ck_assert_msg(at && at < strstr(exposed, "\r\n"), "%s", names[i]);
    }
    free(answer);
    answer = server_raw(&server, RELU(FROM("b.example")), 0);
    ck_assert_ptr_null(strstr(answer, "Timing-Allow-Origin"));
    ck_assert_ptr_null(strstr(answer, "Access-Control-"));
    ck_assert_ptr_nonnull(strstr(answer, "Vary: Origin\r\n"));
    free(answer);
    check(GET("Accept-Encoding: gzip\r\n"), "200", "Vary: Accept, Accept-Encoding, Origin\r\n");
    check(GET(""), "200", "Vary: Accept, Accept-Encoding, Origin\r\n");
    answer = server_raw(&server, GET("Accept-Encoding: br\r\n"), 0); /* as it is */
    ck_assert_msg(strncmp(answer, "HTTP/1.1 200", 12) == 0 && strstr(answer, "\n# HELP relud_") &&
                      !strstr(answer, "Content-Encoding"),
                  "%s", answer);
    free(answer);
    answer = server_raw(&server, GET("Accept-Encoding: gzip\r\n"), 0);
    ck_assert_uint_eq(count_of(answer, "Vary: "), 1);
    free(answer);
}
END_TEST

/* The server lives through all of them. */
RUN_SUITE_WITHIN("heads", start, stop, P6_lines_of_a_list_are_joined,
                 P6_two_of_what_comes_once_are_an_error, P7_blanks_around_a_value_are_none_of_it,
                 P7_blanks_elsewhere_are_refused, P7_bodies_stay_as_they_are,
                 P11_other_versions_are_505, P11_options_of_the_server_itself,
                 P11_what_there_is_no_room_for_gets_an_answer,
                 P5_pages_may_send_what_their_libraries_add,
                 P5_a_preflight_is_answered_wherever_it_goes, P5_pages_may_see_times_and_fields)
