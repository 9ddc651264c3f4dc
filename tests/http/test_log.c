/* A log that cannot be written: nobody is kept waiting for it, and what is left out is counted. */
#include "tests/http/server.h"

#include <fcntl.h>

/* Each makes libmicrohttpd say something, at --log-level debug a line of the log. */
static void make_lines(const struct server *server, int lines)
{
    for (int i = 0; i < lines; i++) {
        char *answer =
            server_raw(server, "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 1);
        ck_assert_ptr_nonnull(strstr(answer, "HTTP/1.1 400 "));
        free(answer);
    }
}

static long dropped(const struct server *server)
{
    static const char name[] = "\nrelud_log_dropped_total ";
    const char *at = strstr(server_get(server, "/metrics")->body, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static struct server start_debug(void)
{
    return server_start(
        (const char *const[]){DIGITS, "--workers", "2", "--log-level", "debug", NULL});
}

START_TEST(a_log_that_nobody_reads_stops_nobody)
{
    enum { PIPE_BYTES = 4096 };
    struct server server = start_debug();
    ck_assert_int_eq(dropped(&server), 0);
    ck_assert_int_gt(fcntl(server.log, F_SETPIPE_SZ, PIPE_BYTES), 0);
    make_lines(&server, 100);
    ck_assert_int_eq(server_get(&server, "/healthz")->code, 200);
    ck_assert_int_gt(dropped(&server), 50);
    /* whole lines have come, and once they are read others do */
    char lines[2 * PIPE_BYTES];
    ssize_t len = read(server.log, lines, sizeof lines - 1);
    ck_assert_int_gt(len, 0);
    ck_assert_int_eq(lines[len - 1], '\n');
    make_lines(&server, 1);
    ck_assert_int_gt(read(server.log, lines, sizeof lines), 0);
    server_stop(&server);
}
END_TEST

START_TEST(a_log_whose_reader_has_gone_stops_nobody)
{
    struct server server = start_debug();
    close(server.log);
    server.log = open("/dev/null", O_RDONLY | O_CLOEXEC);
    make_lines(&server, 10);
    ck_assert_int_gt(dropped(&server), 9);
    server_stop(&server);
}
END_TEST

RUN_SUITE("log", a_log_that_nobody_reads_stops_nobody, a_log_whose_reader_has_gone_stops_nobody)
