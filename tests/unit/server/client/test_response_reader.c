/* What relud bench is made of: where an answer ends, percentiles. */
#include "tests/unit/suite.h"

#include "server/client/latency.h"
#include "server/client/response_reader.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- answers ---- */

static const struct {
    const char *bytes;
    size_t behind; /* bytes that belong to something else */
    enum response_reader_state state;
    unsigned code;
    bool is_last;
} answers[] = {
    {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 0, ANSWER_DONE, 200, false},
    {"HTTP/1.1 200 OK\r\ncontent-length:5\r\n\r\nhelloHTTP", 4, ANSWER_DONE, 200, false},
    {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, ANSWER_DONE, 200, false},
    {"HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", 0, ANSWER_DONE, 503,
     true},
    {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 0, ANSWER_DONE, 200, true},
    {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", 0, ANSWER_DONE,
     200, false},
    {"HTTP/1.1 204 No Content\r\n\r\n", 0, ANSWER_DONE, 204, false},
    {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 C\r\nContent-Length: 1\r\n\r\nx", 0, ANSWER_DONE,
     201, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n"
     "0\r\n\r\n",
     0, ANSWER_DONE, 200, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\nmore", 4,
     ANSWER_DONE, 200, false},
    {"HTTP/1.1 200 OK\r\n\r\nup to the end", 0, ANSWER_TO_CLOSE, 200, true},
    {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel", 0, ANSWER_BODY, 200, false},
    {"HTTP/2 200\r\n\r\n", 0, ANSWER_BROKEN, 0, false},
    {"SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, ANSWER_BROKEN, 0, false},
    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 0, ANSWER_BROKEN, 200, false},
};

START_TEST(equal_bodies_have_equal_marks)
{
    static const char *const texts[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-Request-Id: 7\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhellO",
    };
    uint64_t mark[3];
    for (size_t i = 0; i < 3; i++)
        for (size_t cut = 0, len = strlen(texts[i]); cut <= len; cut++) {
            static struct response_reader answer;
            response_reader_reset(&answer);
            response_reader_take(&answer, texts[i], cut);
            response_reader_take(&answer, texts[i] + cut, len - cut);
            ck_assert(cut == 0 || answer.mark == mark[i]);
            mark[i] = answer.mark;
        }
    ck_assert_uint_eq(mark[0], mark[1]);
    ck_assert_uint_ne(mark[0], mark[2]);
}
END_TEST

/* Fails unless the bytes, whole and cut at every byte, are an answer to `method` of that code which ends `behind` bytes before their end. */
static void check_end(const char *method, const char *bytes, size_t behind, unsigned code)
{
    size_t len = strlen(bytes);
    for (size_t cut = 0; cut <= len; cut++) {
        static struct response_reader answer;
        memset(&answer, 0, sizeof answer);
        answer.is_head = strcmp(method, "HEAD") == 0;
        size_t taken = response_reader_take(&answer, bytes, cut);
        if (taken == cut)
            taken += response_reader_take(&answer, bytes + cut, len - cut);
        ck_assert_msg(answer.state == ANSWER_DONE && answer.code == code && taken == len - behind,
                      "%s: %s cut at %zu: state %d, code %u, %zu bytes", method, bytes, cut,
                      answer.state, answer.code, taken);
    }
}

/* RFC 9112 §6.3: to HEAD, 1xx, 204 and 304, whatever their fields say of a body. */
START_TEST(F20_answers_without_a_body_end_with_their_head)
{
    check_end("HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nHTTP", 4, 200);
    check_end("HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 0, 200);
    check_end("HEAD", "HTTP/1.1 200 OK\r\n\r\n", 0, 200);
    check_end("HEAD", "HTTP/1.1 404 N\r\nContent-Length: 9\r\n\r\n", 0, 404);
    check_end("HEAD",
              "HTTP/1.1 103 E\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 0,
              200);
    check_end("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 0, 204);
    check_end("OPTIONS", "HTTP/1.1 204 No Content\r\nAllow: GET\r\n\r\n", 0, 204);
    check_end("GET", "HTTP/1.1 304 N\r\nContent-Length: 5\r\nETag: x\r\n\r\n", 0, 304);
    check_end("GET", "HTTP/1.1 304 N\r\nTransfer-Encoding: chunked\r\n\r\nmore", 4, 304);
    check_end("GET",
              "HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nContent-Length: 3\r\n\r\nHTTP/1.1 200 OK\r\n"
              "Content-Length: 1\r\n\r\nx",
              0, 200);
}
END_TEST

/* Whole, and cut at every byte. */
START_TEST(an_answer_ends_where_it_ends)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t len = strlen(answers[i].bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            static struct response_reader answer;
            memset(&answer, 0, sizeof answer);
            size_t taken = response_reader_take(&answer, answers[i].bytes, cut);
            if (taken == cut)
                taken += response_reader_take(&answer, answers[i].bytes + cut, len - cut);
            ck_assert_msg(answer.state == answers[i].state && answer.code == answers[i].code &&
                              taken == len - answers[i].behind &&
                              answer.is_last == answers[i].is_last,
                          "%s cut at %zu: state %d, code %u, %zu bytes", answers[i].bytes, cut,
                          answer.state, answer.code, taken);
        }
    }
}
END_TEST

START_TEST(an_endless_head_is_given_up)
{
    static struct response_reader answer;
    static const char line[] = "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    response_reader_take(&answer, "HTTP/1.1 200 OK\r\n", 17);
    for (int i = 0; i < 1000; i++)
        response_reader_take(&answer, line, sizeof line - 1);
    ck_assert_int_eq(answer.state, ANSWER_BROKEN);
}
END_TEST

/* ---- percentiles ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

START_TEST(percentiles_are_those_of_a_sorted_list)
{
    enum { COUNT = 20000 };
    static int64_t ns[COUNT];
    static struct latency latency;
    static const double percents[] = {0, 1, 50, 90, 99, 99.9, 99.99, 100};
    uint64_t state = 1;
    for (size_t i = 0; i < COUNT; i++) {
        ns[i] = (int64_t)(random_next(&state) >> (24 + random_next(&state) % 40));
        latency_add(&latency, ns[i]);
    }
    qsort(ns, COUNT, sizeof *ns, by_size);
    for (size_t i = 0; i < sizeof percents / sizeof *percents; i++) {
        double rank = COUNT * percents[i] / 100;
        size_t place = rank > 1 ? (size_t)rank - ((double)(size_t)rank == rank) : 0;
        int64_t exact = ns[place], said = latency_percentile(&latency, percents[i]);
        ck_assert_msg(said >= exact && said <= exact + exact / 128 + 1, "%g: %lld, not %lld",
                      percents[i], (long long)said, (long long)exact);
    }
    ck_assert_int_eq(latency.max_ns, ns[COUNT - 1]);
}
END_TEST

START_TEST(odd_durations_are_counted)
{
    static struct latency latency;
    ck_assert_int_eq(latency_percentile(&latency, 99), 0);
    latency_add(&latency, -5);
    latency_add(&latency, INT64_MAX);
    ck_assert_uint_eq(latency.count, 2);
    ck_assert_int_eq(latency_percentile(&latency, 50), 0);
    ck_assert_int_gt(latency_percentile(&latency, 100), (int64_t)3600 * 1000000000);
}
END_TEST

RUN_SUITE("response_reader", equal_bodies_have_equal_marks, an_answer_ends_where_it_ends,
          an_endless_head_is_given_up, percentiles_are_those_of_a_sorted_list,
          odd_durations_are_counted, F20_answers_without_a_body_end_with_their_head)
