/* Small parts of the server: policies, framing, what a supervisor hands over, addresses, growing texts. */
#include "tests/unit/scarcity.h"

#include "server/base/cpus.h"
#include "server/base/text.h"
#include "server/cli/thread_team.h"
#include "server/client/connect.h"
#include "server/client/latency.h"
#include "server/http/framing.h"
#include "server/log/log.h"
#include "server/models/version_policy.h"
#include "server/net/listen.h"
#include "server/serve/supervisor.h"
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- policies ---- */

START_TEST(policies_choose_versions)
{
    static const char *const right[] = {"all", "latest:1", "latest:1024", "1", "1,3", "3,1,2"},
                             *const wrong[] = {"",         "none",     "latest",    "latest:",
                                               "latest:0", "latest:x", "latest:1x", "latest:1025",
                                               ",",        "1,",       "1,,2",      "0",
                                               "1;2",      "a,1",      "1,a",       ":"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        ck_assert_msg(version_policy_is(right[i]), "%s", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ck_assert_msg(!version_policy_is(wrong[i]), "%s", wrong[i]);
    static const struct {
        const char *policy;
        size_t count;
        unsigned long long first;
    } cases[] = {{"all", 4, 1},      {"latest:1", 1, 9}, {"latest:2", 2, 4},
                 {"latest:8", 4, 1}, {"2,4,7", 2, 2},    {"5", 0, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        static const unsigned long long number[] = {1, 2, 4, 9};
        unsigned long long first = 0;
        size_t count = 0;
        for (size_t k = 4; k-- > 0;)
            if (version_policy_wants(cases[i].policy, number[k], 3 - k)) {
                first = number[k];
                count++;
            }
        ck_assert_uint_eq(count, cases[i].count);
        ck_assert_uint_eq(first, cases[i].first);
    }
}
END_TEST

/* ---- framing ---- */

static const char *verdict_of(const char *name, const char *value, size_t value_len)
{
    struct framing framing = {0};
    framing_line(&framing, "POST", "/predict", "HTTP/1.1", false);
    /* name and value lie as a head has them, the colon a NUL by then */
    char field[256] = "Host\0x";
    framing_header(&framing, field, 4, field + 5, 1);
    size_t name_len = strlen(name), len = value_len ? value_len : strlen(value);
    memcpy(field, name, name_len + 1);
    memcpy(field + name_len + 1, value, len + 1);
    framing_header(&framing, field, name_len, field + name_len + 1, len);
    return framing_verdict(&framing);
}

START_TEST(framing_that_is_doubtful_is_refused)
{
    static const struct {
        const char *name, *value;
        size_t len;
        const char *words; /* NULL: it may pass */
    } cases[] = {
        {"Content-Length", "10", 0, NULL},
        {"X-9-Lives", "a", 0, NULL},
        {"Content-Lengtg", "x", 0, NULL},
        {"Content-Length", "", 0, "Content-Length is not a number of bytes"},
        {"Content-Length", "1x", 0, "Content-Length is not a number of bytes"},
        {"Content-Length", "1/", 0, "Content-Length is not a number of bytes"},
        {"Content-Length", "18446744073709551615", 0, "Content-Length is not a number of bytes"},
        {"Content-Length", "18446744073709551616", 0, "Content-Length is not a number of bytes"},
        {"Content-Length", "99999999999999999999", 0, "Content-Length is not a number of bytes"},
        {"X", "a\0b", 3, "a header value holds a control character"},
        {"X", "a\rb", 0, "a header value holds a control character"},
        {"X", "a\nb", 0, "a header value holds a control character"},
        {"X", "a\1b", 0, "a header value holds a control character"},
        {"X y", "a", 0, "a header name is not a token"},
        {"X\xc3", "a", 0, "a header name is not a token"},
        {"", "a", 0, "a header name is not a token"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *verdict = verdict_of(cases[i].name, cases[i].value, cases[i].len);
        ck_assert_msg(cases[i].words ? verdict && strcmp(verdict, cases[i].words) == 0 : !verdict,
                      "%s: %s: %s", cases[i].name, cases[i].value,
                      verdict ? verdict : "it may pass");
    }
}
END_TEST

/* Where a field lies tells whether libmicrohttpd has put it together of several lines. */
START_TEST(a_head_of_several_places_is_refused)
{
    enum { FAR = 70 * 1024 };
    static char text[2 * FAR];
    static const struct {
        size_t value_at;
        const char *between;
        const char *words;
    } cases[] = {
        {12, "\0", NULL},
        {15, "\0 \t ", NULL},
        {15, "\0 x ", "a header line is folded"},
        {10, "", "a header line is folded"},  /* within the name */
        {FAR, "", "a header line is folded"}, /* in a copy elsewhere */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct framing framing = {0};
        framing_line(&framing, "GET", "/", "HTTP/1.1", false);
        memset(text, 0, sizeof text);
        memcpy(text, "Host", 5);
        memcpy(text + 6, "X-Long", 6);
        framing_header(&framing, text, 4, text + 5, 0);
        memcpy(text + 12, cases[i].between, 4 * (cases[i].value_at == 15));
        memcpy(text + cases[i].value_at + (cases[i].value_at == 12), "v", 1);
        framing_header(&framing, text + 6, 6, text + cases[i].value_at + (cases[i].value_at == 12),
                       1);
        const char *verdict = framing_verdict(&framing);
        ck_assert_msg(cases[i].words ? verdict && strcmp(verdict, cases[i].words) == 0 : !verdict,
                      "%zu: %s", i, verdict ? verdict : "it may pass");
    }
}
END_TEST

/* What is followed lies in one piece of memory, in the order of the head. */
START_TEST(a_head_with_a_gap_is_torn)
{
    enum { FAR = 70 * 1024 };
    static char text[2 * FAR];
    for (size_t way = 0; way < 3; way++) {
        static const char head[] = "GET\0/\0HTTP/1.1\0\0Host\0h";
        size_t at = way == 1 ? FAR : 0; /* of what follows the target */
        struct framing framing = {0};
        memset(text, 0, sizeof text);
        memcpy(text, head, 6);
        memcpy(text + at + 6, head + 6, sizeof head - 6);
        framing_line(&framing, text, text + 4, text + at + 6, true);
        if (way == 2)
            text[at + 15] = 'x';
        framing_header(&framing, text + at + 16, 4, text + at + 21, 1);
        const char *verdict = framing_verdict(&framing);
        if (way)
            ck_assert_str_eq(verdict, "the head holds a NUL, or a field without a name");
        else
            ck_assert_msg(!verdict, "%s", verdict);
    }
}
END_TEST

START_TEST(a_target_without_controls_is_wanted)
{
    static const struct {
        const char *target, *name, *value;
        bool is_right;
    } cases[] = {{"/a", "b", "c d", true},    {"/a", "b c", NULL, true},
                 {"/a b", "b", "c", false},   {"/a", "b\x1f", "c", false},
                 {"/a", "b", "c\n", false},   {"/a", "b", "c\x7f", false},
                 {"/a\x7f", "b", "c", false}, {"/a", "b", "", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct framing framing = {0};
        char host[] = "Host\0h";
        framing_line(&framing, "GET", cases[i].target, "HTTP/1.1", false);
        framing_argument(&framing, cases[i].name, cases[i].value);
        framing_header(&framing, host, 4, host + 5, 1);
        const char *verdict = framing_verdict(&framing);
        ck_assert_msg(cases[i].is_right ? !verdict
                                        : verdict && strstr(verdict, "the request target holds"),
                      "%zu: %s", i, verdict ? verdict : "it may pass");
    }
}
END_TEST

/* ---- supervisors ---- */

START_TEST(a_supervisor_is_told)
{
    char dir[] = "/tmp/relud-notify-XXXXXX";
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char state[32], far[200];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int is_abstract = 0; is_abstract < 2; is_abstract++) {
        char path[64];
        int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        snprintf(path, sizeof path, "%s%s/n", is_abstract ? "@" : "", dir);
        memset(at.sun_path, 0, sizeof at.sun_path);
        memcpy(at.sun_path, path, strlen(path));
        if (is_abstract)
            at.sun_path[0] = '\0';
        ck_assert_int_eq(bind(fd, (struct sockaddr *)&at,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path))),
                         0);
        setenv("NOTIFY_SOCKET", path, 1);
        supervisor_connect();
        supervisor_notify("READY=1");
        ssize_t got = recv(fd, state, sizeof state, MSG_DONTWAIT);
        ck_assert_msg(got == 7 && memcmp(state, "READY=1", 7) == 0, "%s", path);
        scarce_begin(SCARCE_SYSTEM, 1);
        supervisor_connect(); /* without a socket nothing is said */
        ck_assert(scarce_end());
        supervisor_notify("READY=1");
        ck_assert_int_lt(recv(fd, state, sizeof state, MSG_DONTWAIT), 0);
        close(fd);
        unlink(path);
    }
    memset(far, 'a', sizeof far);
    far[0] = '/', far[199] = '\0';
    const char *const none[] = {"", "/", "relative", far, "/nonexistent/socket"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) { /* nobody to tell */
        setenv("NOTIFY_SOCKET", none[i], 1);
        supervisor_connect();
        supervisor_notify("READY=1");
    }
    unsetenv("NOTIFY_SOCKET");
    supervisor_notify("READY=1");
    rmdir(dir);
}
END_TEST

/* Sockets of these kinds as descriptors 3, 4, …, named so; in a child, whose exit status is what `check` says. */
static int hand_over(const char *kinds, const char *names, const char *count, bool is_ours,
                     int (*check)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        char number[16];
        int fd[8];
        for (size_t i = 0; kinds[i]; i++) {
            int domain = kinds[i] == 'u' ? AF_UNIX : kinds[i] == '6' ? AF_INET6 : AF_INET;
            int made = kinds[i] == 'f' ? dup(STDERR_FILENO) : socket(domain, SOCK_STREAM, 0);
            if (kinds[i] == '4' || kinds[i] == '6')
                listen(made, 1);
            if (kinds[i] == 'u') {
                struct sockaddr_un at = {.sun_family = AF_UNIX};
                bind(made, (struct sockaddr *)&at, sizeof(sa_family_t));
                listen(made, 1);
            }
            fd[i] = dup2(made, 20 + (int)i);
        }
        for (size_t i = 0; kinds[i]; i++)
            dup2(fd[i], 3 + (int)i);
        snprintf(number, sizeof number, "%d", is_ours ? (int)getpid() : 1);
        setenv("LISTEN_PID", number, 1);
        setenv("LISTEN_FDS", count, 1);
        if (names)
            setenv("LISTEN_FDNAMES", names, 1);
        _exit(check());
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* 16 times what is for everybody, and what is for administrators; 99 for an error. */
static int taken(void)
{
    int listen_fd, admin_fd;
    struct relud_error error = {0};
    if (!supervisor_sockets(&listen_fd, &admin_fd, &error))
        return error.text[0] ? 99 : 98;
    return 16 * (listen_fd + 1) + admin_fd + 1;
}

START_TEST(sockets_are_handed_over)
{
    ck_assert_int_eq(hand_over("4", NULL, "1", true, taken), 16 * 4);
    ck_assert_int_eq(hand_over("6", "web", "1", true, taken), 16 * 4);
    ck_assert_int_eq(hand_over("44", "admin:web", "2", true, taken), 16 * 5 + 4);
    ck_assert_int_eq(hand_over("44", "web:admin", "2", true, taken), 16 * 4 + 5);
    ck_assert_int_eq(hand_over("44", "web:other", "2", true, taken), 16 * 4);
    ck_assert_int_eq(hand_over("44", "web", "2", true, taken), 16 * 4);
    ck_assert_int_eq(hand_over("44", "admix:administrator", "2", true, taken), 16 * 4);
    ck_assert_int_eq(hand_over("4", NULL, "1", false, taken), 0); /* it is another's */
    ck_assert_int_eq(hand_over("4", NULL, "0", true, taken), 0);
    ck_assert_int_eq(hand_over("u", NULL, "1", true, taken), 99);
    ck_assert_int_eq(hand_over("f", NULL, "1", true, taken), 99);
    ck_assert_int_eq(hand_over("n", NULL, "1", true, taken), 99); /* it does not listen */
    ck_assert_int_eq(hand_over("4", NULL, "17", true, taken), 99);
    setenv("LISTEN_PID", "1", 1);
    ck_assert_int_eq(taken(), 0); /* LISTEN_FDS is missing */
    unsetenv("LISTEN_PID");
    ck_assert_int_eq(taken(), 0);
}
END_TEST

/* ---- addresses ---- */

static bool listens(void *address, struct relud_error *why)
{
    char shown[128];
    int fd = listen_open("--listen", address, shown, sizeof shown, why);
    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

START_TEST(addresses_are_listened_on_or_refused)
{
    static char right[] = "127.0.0.1:0";
    char far[400], shown[128];
    memset(far, 'a', sizeof far);
    strcpy(far + 390, ":80");
    const struct {
        const char *address, *words;
    } cases[] = {{"", "ADDR:PORT is needed"},
                 {"127.0.0.1:70000", "'70000' is not a port from 0 to 65535"},
                 {far, "the host has more than 255 bytes"},
                 {"192.0.2.1:0", "--listen 192.0.2.1:0: "}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        ck_assert_int_lt(listen_open("--listen", cases[i].address, shown, sizeof shown, &error), 0);
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s", error.text);
    }
    static const char *const good[] = {"127.0.0.1:0", ":0"};
    for (size_t i = 0; i < 2; i++) {
        struct relud_error error = {0};
        int fd = listen_open("--listen", good[i], shown, sizeof shown, &error);
        ck_assert_msg(fd >= 0, "%s", error.text);
        ck_assert_ptr_nonnull(strrchr(shown, ':'));
        if (i == 0) { /* taken now */
            char again[128];
            ck_assert_int_lt(listen_open("--listen", shown, again, sizeof again, &error), 0);
            ck_assert_ptr_nonnull(strstr(error.text, "Address already in use"));
        }
        close(fd);
    }
    listen_show(-1, shown, sizeof shown);
    ck_assert_str_eq(shown, "?:?");
    scarce_each(SCARCE_SYSTEM, RELUD_IO, listens, right);
}
END_TEST

START_TEST(hosts_that_are_none_are_refused)
{
    struct address address;
    struct relud_error error = {0};
    ck_assert(address_read("http://no-such-host.invalid:1/", &address, &error));
    ck_assert_int_lt(connect_to(&address, 1, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.text, "no-such-host.invalid: "));
    ck_assert(address_read("http://127.0.0.1:1/", &address, &error));
    scarce_begin(SCARCE_SYSTEM, 1);
    int fd = connect_to(&address, 1, &error);
    scarce_end();
    ck_assert_int_lt(fd, 0);
    ck_assert_ptr_nonnull(strstr(error.text, "Too many open files"));
}
END_TEST

/* ---- the rest ---- */

START_TEST(texts_grow_or_say_that_they_did_not)
{
    struct text text = {0};
    char wide[400], again[400];
    memset(wide, 'w', sizeof wide - 1);
    wide[399] = '\0';
    text_put(&text, "");
    ck_assert(text.at && text.len == 0);
    text_print(&text, "%s", wide);
    text_count(&text, 0);
    text_count(&text, 1234567890);
    ck_assert_uint_eq(text.len, 399 + 1 + 10);
    ck_assert_ptr_null(text_room(&text, SIZE_MAX / 2 + 1));
    ck_assert(text.is_short);
    text_free(&text);
    scarce_begin(SCARCE_MEMORY, 1);
    text_print(&text, "%s", wide);
    scarce_end();
    ck_assert(text.is_short && text.len == 0);
    text_free(&text);
    for (int i = 0; i < 4; i++) {
        text = (struct text){0};
        scarce_begin(SCARCE_MEMORY, 1);
        if (i == 0)
            text_put(&text, "a");
        else if (i == 1)
            text_json(&text, "a");
        else if (i == 2)
            text_float(&text, 1);
        else
            text_count(&text, 1);
        scarce_end();
        ck_assert(text.is_short && text.len == 0);
    }
    snprintf(again, sizeof again, "%s", wide);
    ck_assert_str_eq(again, wide);
}
END_TEST

START_TEST(percentiles_of_nothing_and_of_the_longest)
{
    static struct latency latency;
    ck_assert_int_eq(latency_percentile(&latency, 50), 0);
    ck_assert(latency_mean_ns(&latency) == 0);
    latency_add(&latency, -5);
    latency_add(&latency, INT64_MAX);
    ck_assert_int_eq(latency_percentile(&latency, 1), 0);
    ck_assert_int_eq(latency_percentile(&latency, 101), INT64_MAX);
}
END_TEST

START_TEST(cpus_are_at_least_one_whatever_the_system_tells)
{
    size_t cpus = cpus_allowed();
    ck_assert_uint_ge(cpus, 1);
    bool is_reached = true;
    for (long nth = 1; is_reached; nth++) {
        scarce_begin(SCARCE_FILES, nth);
        size_t fewer = cpus_allowed();
        is_reached = scarce_end();
        ck_assert_uint_ge(fewer, 1);
    }
}
END_TEST

/* A log line is one line, in its form and at its level. */
static void check_log(bool is_json, enum log_level level, const char *wanted)
{
    int fd[2], saved = dup(STDERR_FILENO);
    char line[1024];
    ck_assert_int_eq(pipe(fd), 0);
    dup2(fd[1], STDERR_FILENO);
    log_setup(LOG_LEVEL_WARN, is_json);
    log_line(level, "one %d\ntwo \"%s\"", 1, "x");
    dup2(saved, STDERR_FILENO);
    close(fd[1]), close(saved);
    ssize_t len = read(fd[0], line, sizeof line - 1);
    close(fd[0]);
    line[len > 0 ? len : 0] = '\0';
    ck_assert_msg(wanted ? strstr(line, wanted) != NULL : !*line, "%s", line);
    log_setup(LOG_LEVEL_INFO, false);
}

START_TEST(a_log_line_is_one_line)
{
    check_log(false, LOG_LEVEL_WARN, "relud: one 1\\ntwo \"x\"\n");
    check_log(true, LOG_LEVEL_ERROR,
              "\",\"level\":\"error\",\"message\":\"one 1\\\\ntwo \\\"x\\\"\"}\n");
    check_log(false, LOG_LEVEL_INFO, NULL);
    int saved = dup(STDERR_FILENO); /* a log that cannot be written holds up nobody */
    close(STDERR_FILENO);
    log_line(LOG_LEVEL_ERROR, "lost");
    dup2(saved, STDERR_FILENO);
    close(saved);
}
END_TEST

static bool has_team(void *parts, struct relud_error *why)
{
    struct thread_team *team = thread_team_new(*(const size_t *)parts);
    if (!team)
        relud_fail(why, RELUD_NO_MEMORY, "no team");
    thread_team_free(team);
    return team != NULL;
}

START_TEST(a_team_is_whole_or_none)
{
    size_t parts = 3;
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, has_team, &parts);
    scarce_begin(SCARCE_SYSTEM, 2);
    struct thread_team *team = thread_team_new(3);
    ck_assert(scarce_end());
    ck_assert_ptr_null(team);
    thread_team_free(NULL);
}
END_TEST

RUN_SUITE("parts", policies_choose_versions, framing_that_is_doubtful_is_refused,
          a_head_of_several_places_is_refused, a_head_with_a_gap_is_torn,
          a_target_without_controls_is_wanted, a_supervisor_is_told, sockets_are_handed_over,
          addresses_are_listened_on_or_refused, hosts_that_are_none_are_refused,
          texts_grow_or_say_that_they_did_not, percentiles_of_nothing_and_of_the_longest,
          cpus_are_at_least_one_whatever_the_system_tells, a_log_line_is_one_line,
          a_team_is_whole_or_none)
