/* Who serves which connection: the workers share them evenly, and the limit of them holds. */
#include "tests/http/server.h"

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

RUN_SUITE("connections", a_burst_of_connections_is_shared_evenly,
          connections_over_the_limit_wait_until_one_closes,
          connections_in_the_backlog_at_sigterm_are_answered)
