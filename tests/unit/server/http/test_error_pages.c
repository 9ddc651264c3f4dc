/* Whose bytes leave on a connection: known by its state, whatever the bytes say and wherever a send ends. */
#include "tests/unit/suite.h"

#include "server/http/http_private.h"
#include "server/net/stream.h"
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

static int pair[2];

static void open_pair(void)
{
    struct relud_error error;
    ck_assert(stream_open(&error));
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ck_assert(stream_set(pair[0], NULL));
}

static void close_pair(void)
{
    stream_forget(pair[0]);
    close(pair[0]);
    close(pair[1]);
}

/* Sends as the library does; everything must be taken. */
static void say(const char *bytes, size_t len)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    ck_assert_int_eq(http_page_send(pair[0], &message, MSG_NOSIGNAL), (ssize_t)len);
}

/* What has come; static, NUL-terminated. */
static const char *heard(void)
{
    static char bytes[4096];
    ssize_t got = recv(pair[1], bytes, sizeof bytes - 1, MSG_DONTWAIT);
    bytes[got > 0 ? got : 0] = '\0';
    return bytes;
}

START_TEST(A3_an_answer_leaves_as_it_is_wherever_a_send_ends)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nX-Request-Id: a\r\n\r\n"
                                 "HTTP/1.1 400 Bad Request\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"
                                 "{\"id\":\"HTTP/1.1 500 \"}";
    size_t len = sizeof answer - 1;
    for (size_t first = 0; first <= len; first++)
        for (size_t second = first; second <= len; second++) {
            stream_set_sender(pair[0], STREAM_ANSWER);
            say(answer, first);
            say(answer + first, second - first);
            say(answer + second, len - second);
            ck_assert_str_eq(heard(), answer);
        }
}
END_TEST

START_TEST(A3_a_page_of_the_librarys_is_replaced_once)
{
    static const char page[] = "HTTP/1.1 431 Too big\r\nX-Request-Id: not ours\r\n\r\n<html>";
    for (size_t cut = 12; cut < sizeof page; cut++) { /* from behind the code on */
        ck_assert(stream_set(pair[0], NULL));
        say(page, cut);
        say(page + cut, sizeof page - 1 - cut);
        say(page, sizeof page - 1); /* 0.9.75 does so */
        const char *text = heard();
        ck_assert_msg(strncmp(text, "HTTP/1.1 431", 12) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(
            text, "{\"error\":\"the request's headers, or its query's members, are too many or too "
                  "long\"}\n"));
        ck_assert_ptr_null(strstr(text + 1, "HTTP/1.1"));
        ck_assert_ptr_null(strstr(text, "html"));
        ck_assert_int_eq(stream_sender(pair[0]), STREAM_SILENT);
    }
}
END_TEST

START_TEST(A3_continue_goes_out_wherever_a_send_ends_and_a_page_behind_it_is_replaced)
{
    static const char more[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t len = sizeof more - 1;
    for (size_t cut = 13; cut <= len; cut++) {
        ck_assert(stream_set(pair[0], NULL));
        int small = 1;
        /* a sender that takes `cut` bytes of it at first */
        struct iovec part = {.iov_base = (void *)(uintptr_t)more, .iov_len = len};
        const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
        setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        ck_assert_int_gt(http_page_send(pair[0], &message, MSG_NOSIGNAL), 0);
        stream_set_interim(pair[0], len - cut);
        say(more + cut, len - cut);
        ck_assert_uint_eq(stream_interim(pair[0]), 0);
        say("HTTP/1.1 400 Bad Request\r\n\r\n<html>", 34);
        const char *text = heard();
        ck_assert_msg(strncmp(text, more, len) == 0, "%s", text);
        ck_assert_ptr_nonnull(strstr(text, "{\"error\":\"the request is malformed\"}\n"));
    }
}
END_TEST

START_TEST(A3_descriptors_of_others_are_left_alone)
{
    stream_forget(pair[0]);
    say("HTTP/1.1 400 Bad Request\r\n\r\n<html>", 34);
    ck_assert_str_eq(heard(), "HTTP/1.1 400 Bad Request\r\n\r\n<html>");
}
END_TEST

RUN_SUITE_BETWEEN("http_pages", open_pair, close_pair,
                  A3_an_answer_leaves_as_it_is_wherever_a_send_ends,
                  A3_a_page_of_the_librarys_is_replaced_once,
                  A3_continue_goes_out_wherever_a_send_ends_and_a_page_behind_it_is_replaced,
                  A3_descriptors_of_others_are_left_alone)
