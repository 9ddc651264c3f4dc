/* relud bench's load against servers that do what they should not: every answer and every broken connection is counted. */
#include "tests/unit/scarcity.h"

#include "server/client/load_generator.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
#define ASK       "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

static int port;

/* Serves one connection: after each request the next of the answers, the last one again and again; then closes. */
static void serve(int fd, const char *const *answers, size_t turns)
{
    char bytes[4096];
    size_t seen = 0;
    for (size_t turn = 0; turn < turns;) {
        ssize_t got = recv(fd, bytes + seen, sizeof bytes - seen, 0);
        if (got <= 0)
            break;
        seen += (size_t)got;
        if (!memmem(bytes, seen, "\r\n\r\n", 4))
            continue;
        const char *answer = answers[turn++];
        seen = 0;
        if (write(fd, answer, strlen(answer)) < 0)
            break;
        if (!answers[turn] && turns > 100)
            turn--;
    }
    close(fd);
}

/* A child that serves one connection after the other; its number. */
static pid_t serve_all(const char *const *answers, size_t turns)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    ck_assert_int_eq(listen(fd, 64), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    port = ntohs(at.sin_port);
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        for (int client; (client = accept(fd, NULL, NULL)) >= 0;)
            serve(client, answers, turns);
        _exit(0);
    }
    close(fd);
    return pid;
}

static void end_server(pid_t pid)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

static struct load_result run_for(double seconds, const char *const *answers, size_t turns,
                                  double rate, bool is_same_wanted)
{
    static const char *const requests[] = {ASK};
    static const size_t lens[] = {sizeof ASK - 1};
    struct address address;
    struct relud_error error = {0};
    char url[64];
    pid_t pid = serve_all(answers, turns);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    ck_assert_msg(address_read(url, &address, &error), "%s", error.text);
    const struct load_plan plan = {.address = &address,
                                   .request = requests,
                                   .request_len = lens,
                                   .requests = 1,
                                   .connections = 1,
                                   .rate = rate,
                                   .seconds = seconds,
                                   .is_same_wanted = is_same_wanted};
    struct load_result result;
    ck_assert_msg(load_run(&plan, &result, &error), "%s", error.text);
    end_server(pid);
    return result;
}

/* The load of a tenth of a second, or of longer if a busy machine has done too little by then. */
static struct load_result run_load(const char *const *answers, size_t turns, double rate,
                                   bool is_same_wanted)
{
    const size_t enough = turns > 1 ? 3 : 1;
    for (double seconds = 0.1;; seconds *= 2) {
        struct load_result result = run_for(seconds, answers, turns, rate, is_same_wanted);
        bool is_enough =
            result.answers + result.broken >= enough && (rate == 0 || result.unanswered == 0);
        if (is_enough || seconds > 5)
            return result;
    }
}

START_TEST(good_answers_are_counted)
{
    static const char *const always[] = {OK_ANSWER, NULL};
    struct load_result result = run_load(always, 1000000, 0, true);
    ck_assert(result.answers > 0 && result.code[200] == result.answers);
    ck_assert(result.failed == 0 && result.broken == 0 && result.different == 0);
    ck_assert_uint_eq(result.latency.count, result.answers);
    result = run_load(always, 1000000, 200, true);
    ck_assert(result.answers > 0 && result.unanswered == 0);
}
END_TEST

START_TEST(errors_and_changed_answers_are_counted)
{
    static const char *const refused[] = {"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", NULL};
    static const char *const changing[] = {OK_ANSWER,
                                           "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n",
                                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno", NULL};
    struct load_result result = run_load(refused, 1000000, 0, true);
    ck_assert(result.answers > 0 && result.failed == result.answers && result.different == 0);
    ck_assert_uint_eq(result.code[503], result.answers);
    result = run_load(changing, 1000000, 0, true);
    ck_assert(result.different > 0 && result.failed >= 1);
}
END_TEST

START_TEST(connections_that_end_are_made_anew)
{
    static const char *const closing[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok", NULL};
    static const char *const to_close[] = {"HTTP/1.1 200 OK\r\n\r\nok", NULL};
    static const char *const short_one[] = {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", NULL};
    static const char *const no_http[] = {"SSH-2.0-nothing here for you\r\n\r\n", NULL};
    static const char *const twice[] = {OK_ANSWER OK_ANSWER, NULL};
    static const char *const once[] = {OK_ANSWER, NULL};
    struct load_result result = run_load(closing, 1, 0, false);
    ck_assert(result.answers > 0 && result.broken == 0);
    result = run_load(to_close, 1, 0, false);
    ck_assert(result.answers > 0 && result.broken == 0);
    result = run_load(short_one, 1, 0, false);
    ck_assert(result.answers == 0 && result.broken > 0);
    result = run_load(no_http, 1, 0, false);
    ck_assert(result.answers == 0 && result.broken > 0);
    result = run_load(twice, 1, 0, false);
    ck_assert(result.answers == 0 && result.broken > 0);
    result = run_load(once, 1, 0, false); /* the server closes behind each answer, unannounced */
    ck_assert(result.answers > 0);
}
END_TEST

struct planned {
    struct load_plan plan;
};

static bool runs(void *with, struct relud_error *why)
{
    struct load_result result;
    return load_run(&((const struct planned *)with)->plan, &result, why);
}

START_TEST(a_load_that_cannot_be_is_refused)
{
    static const char *const always[] = {OK_ANSWER, NULL}, *const requests[] = {ASK};
    static const size_t lens[] = {sizeof ASK - 1};
    struct address address;
    struct relud_error error = {0};
    char url[64];
    pid_t pid = serve_all(always, 1000000);
    snprintf(url, sizeof url, "http://127.0.0.1:%d/", port);
    ck_assert(address_read(url, &address, &error));
    struct planned planned = {{.address = &address,
                               .request = requests,
                               .request_len = lens,
                               .requests = 1,
                               .connections = 1,
                               .seconds = 0.01}};
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, runs, &planned);
    scarce_each(SCARCE_SYSTEM, RELUD_OK, runs, &planned);
    end_server(pid);
    ck_assert(!runs(&planned, &error)); /* nobody is there any more */
    ck_assert_msg(strstr(error.text, "Connection refused") != NULL, "%s", error.text);
}
END_TEST

RUN_SUITE("load_generator", good_answers_are_counted, errors_and_changed_answers_are_counted,
          connections_that_end_are_made_anew, a_load_that_cannot_be_is_refused)
