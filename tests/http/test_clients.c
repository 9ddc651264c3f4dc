/* Clients that are slow, half closed or gone. */
#include "tests/http/server.h"

#define HOST "Host: x\r\n"
#define BODY "{\"input\":-1}"
#define ASK  "POST /relu HTTP/1.1\r\n" HOST "Content-Length: 12\r\n\r\n" BODY

/* … and is then let go, long before the idle limit of a day: whether its end comes together with the request or later. */
START_TEST(a_half_closed_client_gets_its_answer)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--idle-timeout-ms", "86400000", NULL});
    for (int i = 0; i < 20; i++) {
        int fd = server_connect(&server);
        send_all(fd, ASK, strlen(ASK));
        if (i % 2)
            usleep(1000);
        shutdown(fd, SHUT_WR);
        char *answer = receive(fd, 0);
        ck_assert_ptr_nonnull(strstr(answer, "\"output\":0}"));
        char byte;
        ck_assert_int_eq(recv(fd, &byte, 1, MSG_DONTWAIT), 0); /* closed, not given up on */
        free(answer);
        close(fd);
    }
    server_stop(&server);
}
END_TEST

/* As soon as that is seen, long before the limits of a day. */
START_TEST(clients_that_go_away_within_a_request_are_let_go)
{
    static const char *const begun[] = {
        "\x01\r\n\r\n",
        "POST /relu HTT",
        "GET / HTTP/1.1\r\nHost",
        ASK "POST /relu HTTP/1.1\r\nHo",
        "POST /relu HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n{",
        "POST /relu HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"inp\r\n",
        "POST /nowhere HTTP/1.1\r\n" HOST "Content-Length: 100\r\n\r\n{"};
    enum { BEGUN = sizeof begun / sizeof *begun };
    struct server server = server_start((const char *const[]){
        DIGITS, "--header-timeout-ms", "86400000", "--body-timeout-ms", "86400000", NULL});
    for (int i = 0; i < 10 * BEGUN; i++) {
        int fd = server_connect(&server);
        send_all(fd, begun[i % BEGUN], strlen(begun[i % BEGUN]));
        if (i % 3 == 0)
            usleep(1000);
        close(fd);
    }
    const struct reply *reply = NULL;
    for (int i = 0; i < 1000; i++) {
        reply = server_get(&server, "/metrics");
        if (strstr(reply->body, "\nrelud_connections 1\n"))
            break;
        usleep(10000);
    }
    ck_assert_ptr_nonnull(strstr(reply->body, "\nrelud_connections 1\n"));
    server_stop(&server);
}
END_TEST

/* Also where their rows wait for company. */
START_TEST(half_closed_clients_that_wait_get_their_answers)
{
    enum { CLIENTS = 5 };
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--batch-delay-us", "100000", NULL});
    char *digit = read_text("tests/data/digit-7.json"), head[128];
    snprintf(head, sizeof head, "POST /predict HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
             strlen(digit));
    int fd[CLIENTS];
    for (size_t i = 0; i < CLIENTS; i++) {
        fd[i] = server_connect(&server);
        send_all(fd[i], head, strlen(head));
        send_all(fd[i], digit, strlen(digit));
        shutdown(fd[i], SHUT_WR);
    }
    for (size_t i = 0; i < CLIENTS; i++) {
        char *answer = receive(fd[i], 0);
        ck_assert_ptr_nonnull(strstr(answer, "\"label\":\"7\""));
        free(answer);
        close(fd[i]);
    }
    free(digit);
    server_stop(&server);
}
END_TEST

START_TEST(clients_that_go_away_leave_nothing_behind)
{
    struct server server = server_on_digits();
    char *digit = read_text("tests/data/digit-7.json"), head[128];
    snprintf(head, sizeof head, "POST /predict HTTP/1.1\r\n" HOST "Content-Length: %zu\r\n\r\n",
             strlen(digit));
    for (int i = 0; i < 2000; i++) {
        int fd = server_connect(&server);
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        send_all(fd, head, strlen(head));
        send_all(fd, digit, i % 3 ? strlen(digit) : strlen(digit) / 2);
        close(fd);
    }
    const struct reply *reply = NULL;
    for (int i = 0; i < 6000; i++) { /* until the last one is noticed */
        reply = server_get(&server, "/metrics");
        if (strstr(reply->body, "\nrelud_inflight_requests 1\n") &&
            strstr(reply->body, "\nrelud_connections 1\n"))
            break;
        usleep(10000);
    }
    ck_assert_ptr_nonnull(strstr(reply->body, "\nrelud_inflight_requests 1\n"));
    ck_assert_ptr_nonnull(strstr(reply->body, "\nrelud_inflight_bytes 0\n"));
    free(digit);
    server_stop(&server);
}
END_TEST

/* One byte now and then keeps libmicrohttpd's own timeout quiet for ever: the absolute limits must end it. */
START_TEST(dripping_and_stalled_clients_are_ended)
{
    static const char *const begun[] = {"", "GET /healthz HTTP/1.1\r\nX: ",
                                        "POST /relu HTTP/1.1\r\n" HOST
                                        "Content-Length: 100000\r\n\r\n{"};
    struct server server = server_start((const char *const[]){DIGITS, "--header-timeout-ms", "300",
                                                              "--body-timeout-ms", "300",
                                                              "--idle-timeout-ms", "300", NULL});
    for (size_t i = 0; i < 3; i++) {
        int fd = server_connect(&server);
        send_all(fd, begun[i], strlen(begun[i]));
        char bytes[1024];
        ssize_t got = -1;
        for (int drip = 0; drip < 6000; drip++) {
            struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
            if (poll(&poll_fd, 1, 10) > 0) {
                got = recv(fd, bytes, sizeof bytes - 1, 0);
                break;
            }
            if (i)
                send_all(fd, "a", 1);
        }
        ck_assert_int_ge(got, 0);
        bytes[got] = '\0';
        if (i)
            ck_assert_msg(strncmp(bytes, "HTTP/1.1 408 ", 13) == 0, "%zu: %s", i, bytes);
        else
            ck_assert_int_eq(got, 0);
        close(fd);
    }
    int fd = server_connect(&server); /* and an idle one after a request */
    send_all(fd, ASK, strlen(ASK));
    char *answer = receive(fd, 0);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
    free(answer);
    close(fd);
    server_stop(&server);
}
END_TEST

enum { GREAT_COUNT = 3000000 }; /* numbers: their text is more than the sockets take in */

/* POST /relu of many numbers; the request's length. */
static size_t great_request(char *at)
{
    size_t len =
        (size_t)sprintf(at, "POST /relu HTTP/1.1\r\n" HOST "Content-Length: %d\r\n\r\n{\"input\":[",
                        2 * GREAT_COUNT + 12);
    for (size_t i = 0; i < GREAT_COUNT; i++, len += 2)
        memcpy(at + len, i ? ",1" : " 1", 2);
    return len + (size_t)sprintf(at + len, "]}");
}

/* A client that asks for much, takes nothing of it, and is given up after the idle time. */
START_TEST(a_client_that_does_not_read_is_ended)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--idle-timeout-ms", "300", NULL});
    char *request = malloc(2 * GREAT_COUNT + 200);
    int fd = server_connect(&server);
    send_all(fd, request, great_request(request));
    const struct reply *reply = server_get(&server, "/metrics");
    ck_assert_ptr_null(strstr(reply->body, "\nrelud_connections 1\n"));
    for (int i = 0; i < 6000 && !strstr(reply->body, "\nrelud_connections 1\n"); i++) {
        usleep(10000);
        reply = server_get(&server, "/metrics");
    }
    ck_assert_ptr_nonnull(strstr(reply->body, "\nrelud_connections 1\n"));
    close(fd);
    free(request);
    server_stop(&server);
}
END_TEST

START_TEST(great_answers_that_wait_for_their_readers_are_bounded)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--max-inflight-bytes", "8000000", "--workers", "1", NULL});
    char *request = malloc(2 * GREAT_COUNT + 200);
    size_t len = great_request(request);
    const char *body = strstr(request, "\r\n\r\n") + 4;
    int fd = server_connect(&server);
    send_all(fd, request, len);
    char byte;
    ck_assert_int_eq(recv(fd, &byte, 1, 0), 1); /* its answer has begun */
    ck_assert_int_eq(server_post(&server, "/relu", body)->code, 429);
    ck_assert_int_eq(server_post(&server, "/relu", BODY)->code, 200);
    char *less = malloc(100003); /* great as well, but there is room for it beside the other */
    memcpy(less, body, 100000);
    strcpy(less + 100000, "]}");
    ck_assert_int_eq(server_post(&server, "/relu", less)->code, 200);
    free(less);
    close(fd);
    long code = 429;
    for (int i = 0; i < 600 && code == 429; i++) /* until the end is noticed */
        code = server_post(&server, "/relu", body)->code;
    ck_assert_int_eq(code, 200);
    free(request);
    server_stop(&server);
}
END_TEST

RUN_SUITE("clients", a_half_closed_client_gets_its_answer,
          clients_that_go_away_within_a_request_are_let_go,
          half_closed_clients_that_wait_get_their_answers,
          clients_that_go_away_leave_nothing_behind, dripping_and_stalled_clients_are_ended,
          a_client_that_does_not_read_is_ended,
          great_answers_that_wait_for_their_readers_are_bounded)
