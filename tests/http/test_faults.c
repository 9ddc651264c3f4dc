/* The commands with one call failing, the first, the second, and so on until none fails any more, and with all failing from there
 * on: each ends by itself, with one clear line, and leaves a whole model or none. RELUD_FAULT_KINDS names the kinds of calls
 * (memory,files,calls), RELUD_FAULT_STEP the step between the calls that memory is refused to. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

#include <sys/stat.h>

#define TABLE "1,2,0\n2,1,1\n3,5,0\n4,0,1\n5,1,1\n6,9,0\n7,2,1\n8,8,0\n"

static char dir[64];

static const struct fault {
    const char *kind;
    bool goes_on; /* all from the nth on fail */
} faults[] = {{"memory", false}, {"memory", true}, {"files", false},
              {"files", true},   {"calls", false}, {"calls", true}};
enum { FAULTS = sizeof faults / sizeof *faults };

static bool is_wanted(const struct fault *fault)
{
    const char *kinds = getenv("RELUD_FAULT_KINDS");
    return !kinds || strstr(kinds, fault->kind);
}

static long step_of(const struct fault *fault)
{
    const char *step = strcmp(fault->kind, "memory") == 0 ? getenv("RELUD_FAULT_STEP") : NULL;
    return step ? strtol(step, NULL, 10) : 1;
}

/* Whether the program ended before its nth call. */
static bool has_missed(const char *path)
{
    struct stat file;
    return stat(path, &file) == 0 && file.st_size > 0;
}

static void set_failing(const struct fault *fault, long nth, const char *missed)
{
    char text[32];
    snprintf(text, sizeof text, "%ld", nth);
    setenv("RELUD_FAIL", fault->kind, 1);
    setenv("RELUD_FAIL_NTH", text, 1);
    setenv("RELUD_FAIL_MISSED", missed, 1);
    if (fault->goes_on)
        setenv("RELUD_FAIL_ON", "1", 1);
    else
        unsetenv("RELUD_FAIL_ON");
}

/* `words` with the directory for each %s, the nth call failing; false when there was no such call. */
static bool run_failing(const struct fault *fault, long nth, const char *words)
{
    char missed[128];
    snprintf(missed, sizeof missed, "%s/missed", dir);
    set_failing(fault, nth, missed);
    char command[1024], line[1200];
    snprintf(command, sizeof command, words, dir, dir, dir);
    /* only the program is preloaded, not the shell */
    snprintf(line, sizeof line, "LD_PRELOAD=%s exec %s %s 2>&1", getenv("RELUD_FAULTS"),
             relud_path(), command);
    FILE *pipe = popen(line, "r");
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    int status = pclose(pipe);
    unsetenv("RELUD_FAIL");
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) <= 2, "%s %ld: %s: status %x\n%s",
                  fault->kind, nth, command, status, output);
    if (WEXITSTATUS(status))
        ck_assert_msg(strstr(output, "relud: ") != NULL, "%s %ld: %s says nothing\n%s", fault->kind,
                      nth, command, output);
    return !has_missed(missed);
}

/* Every step-th call, until there are no more. */
static void fail_all(const struct fault *fault, const char *words, const char *clean)
{
    long nth = 1, most = 200000, step = step_of(fault);
    for (; nth < most; nth += step) {
        bool has_failed = run_failing(fault, nth, words);
        if (clean) {
            char model[128], command[256];
            snprintf(model, sizeof model, "%s/m/model.json", dir);
            if (access(model, F_OK) == 0) {
                snprintf(command, sizeof command, "check %s/m", dir);
                runs(command, 0, "ok (");
            }
            snprintf(command, sizeof command, clean, dir);
            ck_assert_int_eq(system(command), 0);
        }
        if (!has_failed)
            break;
    }
    ck_assert_int_lt(nth, most);
    ck_assert_int_gt(nth, step);
}

START_TEST(no_command_falls_over)
{
    ck_assert_ptr_nonnull(getenv("RELUD_FAULTS"));
    strcpy(dir, new_directory());
    write_file(dir, "model.json", TABLE, strlen(TABLE));
    for (const struct fault *fault = faults; fault < faults + FAULTS; fault++) {
        if (!is_wanted(fault))
            continue;
        fail_all(fault, "check tests/data/onnx/gelu.onnx", NULL);
        fail_all(fault, "predict tests/data/onnx/relu.onnx tests/data/onnx/x.npy", NULL);
        fail_all(fault, "inspect tests/data/onnx/relu.onnx --data tests/data/onnx/x.npy", NULL);
        fail_all(fault, "evaluate tests/data/onnx/relu.onnx tests/data/onnx/x.npy --target 1",
                 NULL);
        fail_all(fault, "convert tests/data/onnx/relu.onnx %s/m", "rm -rf %s/m");
        fail_all(
            fault,
            "train --data %s/model.json --layers 2,4,2 --standardize --validation 0.25 --epochs 3 "
            "--threads 2 --out %s/m",
            "rm -rf %1$s/m %1$s/m.part");
    }
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}
END_TEST

/* A server whose nth call fails: port 0 when it ended, with a reason, before it listened. */
static struct server serve_failing(const struct fault *fault, long nth, const char *missed)
{
    char log[8192] = "";
    int pipe_fd[2];
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], STDERR_FILENO);
        close(pipe_fd[0]);
        set_failing(fault, nth, missed);
        setenv("LD_PRELOAD", getenv("RELUD_FAULTS"), 1);
        execl(relud_path(), "relud", "serve", DIGITS, "--listen", "127.0.0.1:0", "--workers", "2",
              (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    struct server server = {.pid = pid, .log = pipe_fd[0]};
    for (size_t len = 0; len < sizeof log - 1;) {
        ssize_t got = read(server.log, log + len, sizeof log - 1 - len);
        if (got <= 0)
            break;
        len += (size_t)got;
        log[len] = '\0';
        const char *found = strstr(log, "listening on http://127.0.0.1:");
        if (found && strchr(found, '\n')) {
            server.port = atoi(found + strlen("listening on http://127.0.0.1:"));
            return server;
        }
    }
    int status = server_wait(&server);
    ck_assert_msg(status == 1 || status == 2, "%s %ld: serve: status %d\n%s", fault->kind, nth,
                  status, log);
    ck_assert_msg(strstr(log, "relud: serve: ") != NULL, "%s %ld: serve says nothing", fault->kind,
                  nth);
    return server;
}

/* 200, or 503, or, where not even that could be said, nothing: the connection ended. */
static bool asks(const struct server *server, const char *request)
{
    int fd = server_connect(server);
    send_all(fd, request, strlen(request));
    char answer[16] = "";
    ssize_t got = recv(fd, answer, 12, MSG_WAITALL);
    close(fd);
    ck_assert_msg(got <= 0 || strncmp(answer, "HTTP/1.1 200", 12) == 0 ||
                      strncmp(answer, "HTTP/1.1 503", 12) == 0,
                  "an answer of %.12s", answer);
    return strncmp(answer, "HTTP/1.1 200", 12) == 0;
}

/* Whatever fails: the server ends with a reason before it listens, or answers the next request where that one call failed, and where
 * none succeeds any more it still comes to a clean end. Of `calls` only single ones fail: the kernel does not stay like that. */
START_TEST(the_server_goes_on)
{
    static const char relu[] =
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 19\r\nConnection: "
        "close\r\n\r\n{\"input\":[1,-2,3]}\n",
                      metrics[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    char *digit = read_text("tests/data/digit-7.json"), *predict = malloc(strlen(digit) + 256);
    char missed[128];
    sprintf(
        predict,
        "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\nConnection: close\r\n\r\n%s",
        strlen(digit), digit);
    strcpy(dir, new_directory());
    snprintf(missed, sizeof missed, "%s/missed", dir);
    for (const struct fault *fault = faults; fault < faults + FAULTS - 1; fault++)
        for (long nth = 1; is_wanted(fault); nth += step_of(fault)) {
            struct server server = serve_failing(fault, nth, missed);
            if (!server.port)
                continue;
            for (int i = 0; i < 2; i++) {
                asks(&server, predict);
                asks(&server, relu);
                asks(&server, metrics);
            }
            /* the call may fail in the first of these */
            ck_assert_msg(fault->goes_on || asks(&server, predict) || asks(&server, predict),
                          "%s %ld: the next request fails", fault->kind, nth);
            kill(server.pid, SIGTERM);
            ck_assert_msg(server_wait(&server) == 0, "%s %ld: no clean end", fault->kind, nth);
            if (has_missed(missed))
                break;
        }
    unlink(missed);
    rmdir(dir);
    free(digit), free(predict);
}
END_TEST

RUN_SUITE("faults", no_command_falls_over, the_server_goes_on)
