/* How long a connection lingers that has been ended on our side: by the clock that the test holds, over TCP on the loopback. */
#include "server/net/lingering.h"
#include "tests/unit/scarcity.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

static const struct lingering_limits limits = {.all_ns = 30 * SECOND,
                                               .quiet_ns = 5 * SECOND,
                                               .hurried_ns = SECOND / 5,
                                               .bytes = 1000,
                                               .clients = 3};
static struct lingering lingering;
static size_t ended;

static void on_end(void *user)
{
    ck_assert_ptr_eq(user, &ended);
    ended++;
}

static void open_all(void)
{
    ended = 0;
    ck_assert(lingering_open(&lingering, &limits, on_end, &ended));
}

/* A connection whose server's end lingers since `now_ns`; the client's end. */
static int begin_client(int64_t now_ns)
{
    int listener = socket(AF_INET, SOCK_STREAM, 0), client = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in at = {.sin_family = AF_INET};
    socklen_t len = sizeof at;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    ck_assert_int_eq(connect(client, (struct sockaddr *)&at, len), 0);
    int server = accept(listener, NULL, NULL);
    ck_assert_int_ge(server, 0);
    close(listener);
    ck_assert_int_eq(send(server, "answer", 6, 0), 6);
    ck_assert(lingering_take(&lingering, server, now_ns));
    return client;
}

/* The client sends, and what it sent is read at `now_ns`. */
static void send_at(int client, size_t bytes, int64_t now_ns)
{
    char block[512] = {0};
    ck_assert_int_eq(send(client, block, bytes, MSG_NOSIGNAL), (ssize_t)bytes);
    struct pollfd poll_fd = {.fd = lingering.epoll_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
    lingering_run(&lingering, now_ns);
}

START_TEST(A8_the_answer_outlives_what_the_client_sends)
{
    char answer[8];
    open_all();
    int client = begin_client(0);
    send_at(client, 400, 1);
    ck_assert_uint_eq(lingering.len, 1);
    ck_assert_int_eq(recv(client, answer, sizeof answer, 0), 6);
    ck_assert_int_eq(recv(client, answer, sizeof answer, 0), 0); /* our side is shut */
    send_at(client, 400, 2);
    close(client); /* and the connection ends with the client's */
    struct pollfd poll_fd = {.fd = lingering.epoll_fd, .events = POLLIN};
    ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
    for (int i = 0; i < 2; i++)
        lingering_run(&lingering, 3);
    ck_assert_uint_eq(lingering.len, 0);
    ck_assert_uint_eq(ended, 1);
    lingering_close(&lingering);
}
END_TEST

START_TEST(A8_lingering_is_bounded_in_time_bytes_and_number)
{
    open_all();
    int silent = begin_client(0), busy = begin_client(0);
    for (int64_t second = 1; second <= 30; second++) {
        send_at(busy, 1, second * SECOND);
        ck_assert_uint_eq(lingering.len, second <= 5 ? 2 : 1);
    }
    lingering_run(&lingering, 31 * SECOND);
    ck_assert_uint_eq(lingering.len, 0);
    close(busy), close(silent);

    int long_winded = begin_client(32 * SECOND);
    send_at(long_winded, 500, 32 * SECOND);
    send_at(long_winded, 500, 32 * SECOND);
    ck_assert_uint_eq(lingering.len, 1);
    send_at(long_winded, 1, 32 * SECOND);
    ck_assert_uint_eq(lingering.len, 0);
    close(long_winded);

    int many[5];
    for (size_t i = 0; i < 5; i++)
        many[i] = begin_client(33 * SECOND);
    ck_assert_uint_eq(lingering.len, limits.clients);
    ck_assert_uint_eq(ended, 5);
    lingering.is_hurried = true;
    lingering_run(&lingering, 33 * SECOND + SECOND / 10);
    ck_assert_uint_eq(lingering.len, limits.clients);
    lingering_run(&lingering, 33 * SECOND + SECOND / 2);
    ck_assert_uint_eq(lingering.len, 0);
    ck_assert_uint_eq(ended, 8);
    for (size_t i = 0; i < 5; i++)
        close(many[i]);
    lingering_close(&lingering);
}
END_TEST

/* It is still the caller's. */
START_TEST(A8_without_memory_a_connection_does_not_linger)
{
    int pair[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    open_all();
    scarce_begin(SCARCE_MEMORY, 1);
    ck_assert(!lingering_take(&lingering, pair[0], 0));
    ck_assert(scarce_end());
    ck_assert_uint_eq(lingering.len, 0);
    lingering_close(&lingering);
    scarce_begin(SCARCE_SYSTEM, 1);
    ck_assert(!lingering_open(&lingering, &limits, on_end, &ended));
    ck_assert(scarce_end());
    ck_assert_int_eq(close(pair[0]), 0);
    close(pair[1]);
}
END_TEST

RUN_SUITE("lingering", A8_the_answer_outlives_what_the_client_sends,
          A8_lingering_is_bounded_in_time_bytes_and_number,
          A8_without_memory_a_connection_does_not_linger)
