/* --access-log: who asked what, in which form; and that nobody waits for it. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <relud/relud.h>

#define APP_HASH                                                                                   \
    "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683" /* "key" */
#define TRACE_ID "0af7651916cd43dd8448eb211c80319c"

static char dir[64], path[128]; /* of the log */

static struct server start(const char *const *more)
{
    const char *argv[24] = {DIGITS, "--workers", "1", "--access-log", path};
    size_t argc = 5;
    while (more && *more)
        argv[argc++] = *more++;
    return server_start(argv);
}

static void new_log(void)
{
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/access.log", dir);
}

static void remove_log(void)
{
    unlink(path);
    remove_directory(dir);
}

/* The log once it has so many lines; the caller frees. A minute is for ever. */
static char *log_of(size_t lines)
{
    for (int tries = 0; tries < 6000; tries++) {
        char *text = access(path, R_OK) == 0 ? read_text(path) : strdup("");
        if (count_of(text, "\n") >= lines)
            return text;
        free(text);
        poll(NULL, 0, 10);
    }
    ck_abort_msg("%s: %zu lines are wanted", path, lines);
}

static void has_line(size_t lines, const char *const *parts)
{
    char *text = log_of(lines);
    ck_assert_msg(count_of(text, "\n") == lines, "%s", text);
    for (; *parts; parts++)
        ck_assert_msg(strstr(text, *parts) != NULL, "%s\n%s", text, *parts);
    free(text);
}
#define HAS_LINE(lines, ...) has_line(lines, (const char *const[]){__VA_ARGS__, NULL})

static long dropped(const struct server *server)
{
    static const char name[] = "\nrelud_log_dropped_total ";
    const char *at = strstr(server_get(server, "/metrics")->body, name);
    return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

START_TEST(U5_a_request_is_a_line_in_nginxs_form)
{
    new_log();
    struct server server = start(NULL);
    char *digit = read_text("tests/data/digit-7.json"), in[32], out[64];
    struct reply *reply =
        server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Request-Id: my-id");
    snprintf(in, sizeof in, "\" in=%zu ms=", strlen(digit));
    snprintf(out, sizeof out, "] \"POST /predict HTTP/1.1\" 200 %zu \"-\" \"-\" id=\"my-id\"",
             reply->len);
    HAS_LINE(1, "127.0.0.1 - - [", out, in, " rows=1 model=\"digits/1\" trace=-\n");
    server_ask(&server, "/v2/models/digits/ready?key=a-secret", NULL, NULL, 0,
               "traceparent: 00-" TRACE_ID "-b7ad6b7169203331-01");
    HAS_LINE(2, "\"GET /v2/models/digits/ready HTTP/1.1\" 200",
             " model=\"digits/-\" trace=" TRACE_ID "\n");
    server_ask(&server, "/nowhere", NULL, NULL, 0, "User-Agent: a \"b\" \\c\303\251");
    HAS_LINE(3, "\"GET /nowhere HTTP/1.1\" 404 ", "\"a \\x22b\\x22 \\x5Cc\\xC3\\xA9\" id=\"");
    server_ask(&server, "/healthz", "HEAD", NULL, 0, NULL);
    HAS_LINE(4, "\"HEAD /healthz HTTP/1.1\" 200 0 ");
    server_ask(&server, "/predict", NULL, "{", 1, NULL);
    HAS_LINE(5, "\"POST /predict HTTP/1.1\" 400 ", " in=1 ");
    char *text = log_of(5);
    ck_assert_ptr_null(strstr(text, "a-secret"));
    free(text);
    free(digit);
    server_stop(&server);
    remove_log();
}
END_TEST

START_TEST(U5_a_request_is_a_line_of_json)
{
    new_log();
    char keys[128];
    snprintf(keys, sizeof keys, "%s/model.json", dir);
    write_file(dir, "model.json", "app infer " APP_HASH "\n", strlen("app infer " APP_HASH "\n"));
    struct server server =
        start((const char *const[]){"--log-format", "json", "--api-keys", keys, NULL});
    static const char row[] = "{\"input\":[1,2]}";
    server_ask(&server, "/relu?a=b", NULL, row, strlen(row), "X-Api-Key: key");
    HAS_LINE(1, "{\"time\":\"20", "Z\",\"id\":\"", "\",\"client\":\"127.0.0.1\",\"key\":\"app\"",
             ",\"method\":\"POST\",\"path\":\"/relu\",\"protocol\":\"HTTP/1.1\",\"status\":200,"
             "\"bytes_in\":15,\"bytes_out\":",
             ",\"duration_ms\":0.");
    /* a key that is not known is not shown */
    server_ask(&server, "/relu", NULL, row, strlen(row), "X-Api-Key: a-secret");
    HAS_LINE(2, "\"status\":401,");
    char *text = log_of(2);
    ck_assert_ptr_null(strstr(text, "a-secret"));
    ck_assert_uint_eq(count_of(text, "\"key\":"), 1);
    for (char *line = text; *line; line = strchr(line, '\n') + 1)
        ck_assert_msg(relud_json_check(line, strcspn(line, "\n"), NULL), "%s", line);
    free(text);
    server_stop(&server);
    remove_log();
}
END_TEST

/* What libmicrohttpd answers, what comes too late, and who goes away. */
START_TEST(U5_errors_without_a_handler_are_lines_too)
{
    new_log();
    struct server server = start(
        (const char *const[]){"--header-timeout-ms", "100", "--body-timeout-ms", "300", NULL});
    free(server_raw(&server, "GET / HTTP/3.1\r\nHost: x\r\n\r\n", 0));
    HAS_LINE(1, "127.0.0.1 - - [", "] \"- - -\" 505 0 ");
    free(server_raw(&server, "GET / HTTP/1.1\r\nHost:", 0));
    HAS_LINE(2, "] \"- - -\" 408 0 ");
    free(server_raw(&server, "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n", 0));
    HAS_LINE(3, "\"POST /relu HTTP/1.1\" 408 0 ", " aborted\n");
    free(server_raw(
        &server, "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 0));
    HAS_LINE(4, "\"POST /relu HTTP/1.1\" 400 0 ");
    int fd = server_connect(&server);
    send_all(fd, "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1", 52);
    close(fd);
    HAS_LINE(5, "\"POST /relu HTTP/1.1\" 499 0 ");
    free(server_raw(&server, "GET /a\"\\b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", 0));
    HAS_LINE(6, "\"GET /a\\x22\\x5Cb HTTP/1.1\" 4");
    char many[2000] = "GET /";
    memset(many + 5, 'p', 1500);
    strcpy(many + 1505, " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    free(server_raw(&server, many, 0));
    HAS_LINE(7, "ppp... HTTP/1.1\" 404 ");
    server_stop(&server);
    remove_log();
}
END_TEST

/* Moved away as logrotate does; the process is confined and could not open it itself. */
START_TEST(U5_sighup_opens_it_again)
{
    char old[160];
    new_log();
    snprintf(old, sizeof old, "%s/model.json", dir);
    struct server server = start(NULL);
    server_get(&server, "/healthz");
    free(log_of(1));
    ck_assert_int_eq(rename(path, old), 0);
    server_get(&server, "/healthz");
    char *text = NULL;
    for (int tries = 0; tries < 6000 && (!text || count_of(text, "/healthz") < 2); tries++) {
        free(text);
        poll(NULL, 0, 10);
        text = read_text(old); /* where it still goes */
    }
    ck_assert_uint_eq(count_of(text, "/healthz"), 2);
    free(text);
    kill(server.pid, SIGHUP);
    for (size_t asked = 0; access(path, F_OK) != 0; asked++) {
        ck_assert_uint_lt(asked, 6000);
        poll(NULL, 0, 10);
    }
    server_get(&server, "/readyz");
    HAS_LINE(1, "/readyz");
    server_stop(&server);
    remove_log();
}
END_TEST

START_TEST(U5_a_fifo_that_nobody_reads_stops_nobody)
{
    new_log();
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    struct server server = start(NULL);
    char agent[4000] = "User-Agent: ";
    memset(agent + 12, 'u', 3000);
    for (int i = 0; i < 30 || (i < 100000 && dropped(&server) == 0); i++)
        for (int k = 0; k < 500; k++)
            ck_assert_int_eq(server_ask(&server, "/healthz", NULL, NULL, 0, agent)->code, 200);
    ck_assert_int_gt(dropped(&server), 0);
    /* once it is read, whole lines come */
    int fd = open(path, O_RDONLY | O_NONBLOCK);
    char lines[40000];
    size_t len = 0;
    while (len < sizeof lines / 2) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
        ssize_t got = read(fd, lines + len, sizeof lines - 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    lines[len] = '\0';
    for (char *line = lines, *end; (end = strchr(line, '\n')); line = end + 1)
        ck_assert_msg(strncmp(line, "127.0.0.1 - - [", 15) == 0, "%.80s", line);
    close(fd);
    server_stop(&server);
    remove_log();
}
END_TEST

START_TEST(U5_a_full_disk_stops_nobody)
{
    new_log();
    strcpy(path, "/dev/full");
    struct server server = start(NULL);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(server_get(&server, "/healthz")->code, 200);
    for (int i = 0; dropped(&server) < 100; i++) {
        ck_assert_int_lt(i, 6000);
        poll(NULL, 0, 10);
    }
    server_stop(&server);
    rmdir(dir);
}
END_TEST

/* The process that writes: the only child of the server. */
static pid_t helper_of(const struct server *server)
{
    DIR *all = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *one; (one = readdir(all));) {
        char name[300], line[512] = "";
        snprintf(name, sizeof name, "/proc/%s/stat", one->d_name);
        FILE *file = fopen(name, "r");
        const char *end = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
        if (end && atoi(end + 4) == server->pid)
            found = atoi(one->d_name);
        if (file)
            fclose(file);
    }
    closedir(all);
    return found;
}

START_TEST(U5_without_its_writer_the_service_goes_on)
{
    new_log();
    struct server server = start(NULL);
    pid_t helper = helper_of(&server);
    ck_assert_int_gt(helper, 0);
    kill(helper, SIGTERM); /* as systemd does with the whole group: it stays */
    kill(helper, SIGHUP);
    server_get(&server, "/healthz");
    free(log_of(1));
    kill(helper, SIGKILL);
    for (int i = 0; i < 20000 && dropped(&server) == 0; i++)
        ck_assert_int_eq(server_get(&server, "/healthz")->code, 200);
    ck_assert_int_gt(dropped(&server), 0);
    server_stop(&server);
    remove_log();
}
END_TEST

START_TEST(U5_all_lines_are_there_at_the_end)
{
    enum { REQUESTS = 300 };
    new_log();
    struct server server = start((const char *const[]){"--log-format", "json", NULL});
    for (int i = 0; i < REQUESTS; i++)
        server_get(&server, "/healthz");
    pid_t helper = helper_of(&server);
    server_stop(&server);
    char *text = log_of(REQUESTS);
    ck_assert_uint_eq(count_of(text, "\"status\":200"), REQUESTS);
    free(text);
    for (int i = 0; kill(helper, 0) == 0; i++) { /* it ends with the service */
        ck_assert_int_lt(i, 6000);
        poll(NULL, 0, 10);
    }
    remove_log();
}
END_TEST

/* 400 with a share of a half: beyond 200 ± 70 they are once in 10^12. */
START_TEST(U5_a_share_is_chosen_at_random)
{
    new_log();
    struct server server = start((const char *const[]){"--access-log-share", "0.5", NULL});
    for (int i = 0; i < 400; i++)
        server_get(&server, "/healthz");
    server_stop(&server);
    char *text = log_of(130);
    ck_assert_uint_le(count_of(text, "\n"), 270);
    free(text);
    unlink(path);
    server = start((const char *const[]){"--access-log-share", "0", NULL});
    server_get(&server, "/healthz");
    server_stop(&server);
    text = log_of(0);
    ck_assert_str_eq(text, "");
    free(text);
    remove_log();
}
END_TEST

START_TEST(U5_settings_that_cannot_be_are_refused)
{
    runs("serve --listen 127.0.0.1:0 " DIGITS " --access-log /nonexistent/log", 1,
         "relud: serve: --access-log /nonexistent/log: No such file or directory");
    runs("serve --listen 127.0.0.1:0 " DIGITS " --access-log /", 1,
         "--access-log /: Is a directory");
    runs("serve --listen 127.0.0.1:0 " DIGITS " --access-log-share 2", 2,
         "is not a number from 0 to 1");
    setenv("RELUD_ACCESS_LOG", "/nonexistent/log", 1);
    runs("serve --listen 127.0.0.1:0 " DIGITS, 1, "--access-log /nonexistent/log: No such file");
    unsetenv("RELUD_ACCESS_LOG");
}
END_TEST

/* The service's own log speaks of requests by the same id. */
START_TEST(U5_a_refused_request_is_found_by_its_id)
{
    struct server server =
        server_start((const char *const[]){DIGITS, "--log-level", "debug", NULL});
    server_ask(&server, "/predict?key=a-secret", NULL, "{", 1, "X-Request-Id: look-for-me");
    char log[4096];
    size_t len = 0;
    do {
        ssize_t got = read(server.log, log + len, sizeof log - 1 - len);
        ck_assert_int_gt(got, 0);
        len += (size_t)got;
        log[len] = '\0';
    } while (!strstr(log, "relud: request look-for-me: POST /predict: 400: {\"error\":\""));
    ck_assert_ptr_null(strstr(log, "a-secret"));
    server_stop(&server);
}
END_TEST

RUN_SUITE("access_log", U5_a_request_is_a_line_in_nginxs_form, U5_a_request_is_a_line_of_json,
          U5_errors_without_a_handler_are_lines_too, U5_sighup_opens_it_again,
          U5_a_fifo_that_nobody_reads_stops_nobody, U5_a_full_disk_stops_nobody,
          U5_without_its_writer_the_service_goes_on, U5_all_lines_are_there_at_the_end,
          U5_a_share_is_chosen_at_random, U5_settings_that_cannot_be_are_refused,
          U5_a_refused_request_is_found_by_its_id)
