/* What relud bench is made of: where an answer ends, percentiles, addresses. */
#include "tests/unit/suite.h"

#include "server/answer.h"
#include "server/connect.h"
#include "server/latency.h"
#include <stdio.h>
#include <stdlib.h>

/* ---- answers ---- */

static const struct {
    const char *bytes;
    size_t behind; /* bytes that belong to something else */
    enum answer_state state;
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
            static struct answer answer;
            answer_reset(&answer);
            answer_take(&answer, texts[i], cut);
            answer_take(&answer, texts[i] + cut, len - cut);
            ck_assert(cut == 0 || answer.mark == mark[i]);
            mark[i] = answer.mark;
        }
    ck_assert_uint_eq(mark[0], mark[1]);
    ck_assert_uint_ne(mark[0], mark[2]);
}
END_TEST

/* Whole, and cut at every byte. */
START_TEST(an_answer_ends_where_it_ends)
{
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t len = strlen(answers[i].bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            static struct answer answer;
            memset(&answer, 0, sizeof answer);
            size_t taken = answer_take(&answer, answers[i].bytes, cut);
            if (taken == cut)
                taken += answer_take(&answer, answers[i].bytes + cut, len - cut);
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
    static struct answer answer;
    static const char line[] = "X-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n";
    answer_take(&answer, "HTTP/1.1 200 OK\r\n", 17);
    for (int i = 0; i < 1000; i++)
        answer_take(&answer, line, sizeof line - 1);
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

/* ---- addresses ---- */

START_TEST(addresses_are_read)
{
    static const struct {
        const char *text, *host, *port, *path; /* host NULL: refused */
    } cases[] = {
        {"http://localhost:8080/predict?x=1", "localhost", "8080", "/predict?x=1"},
        {"HTTP://127.0.0.1/a#b", "127.0.0.1", "80", "/a"},
        {"http://[::1]:81", "::1", "81", "/"},
        {"[::1]:81/", "::1", "81", "/"},
        {":8080", "127.0.0.1", "8080", "/"},
        {"example.org", "example.org", "80", "/"},
        {"http://host?q", "host", "80", "/?q"},
        {"https://host/", "host", "443", "/"},
        {"http://host:port/", NULL, NULL, NULL},
        {"http://host:/", NULL, NULL, NULL},
        {"http://[::1/", NULL, NULL, NULL},
        {"http://[::1]x/", NULL, NULL, NULL},
        {"http://host:12345678/", NULL, NULL, NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct address address;
        struct relud_error error;
        bool is_read = address_read(cases[i].text, &address, &error);
        ck_assert_msg(is_read == (cases[i].host != NULL), "%s", cases[i].text);
        if (!is_read)
            continue;
        ck_assert_str_eq(address.host, cases[i].host);
        ck_assert_str_eq(address.port, cases[i].port);
        ck_assert_str_eq(address.path, cases[i].path);
    }
}
END_TEST

RUN_SUITE("client", equal_bodies_have_equal_marks, an_answer_ends_where_it_ends,
          an_endless_head_is_given_up, percentiles_are_those_of_a_sorted_list,
          odd_durations_are_counted, addresses_are_read)
