/* A disk that does not answer, at the start and later: the service goes on, and its end comes in time. RELUD_FAULTS names the library
 * that makes an open of a certain path wait for ever. */
#include "tests/http/folder.h"
#include "tests/http/server.h"

#include "server/base/clock.h"
#include <sys/stat.h>

#define DRAIN_SECONDS "1"

/* Everything but the program itself is started as it is. */
static void make_stuck(const char *part)
{
    ck_assert_ptr_nonnull(getenv("RELUD_FAULTS"));
    setenv("LD_PRELOAD", getenv("RELUD_FAULTS"), 1);
    setenv("RELUD_FAIL", "stuck", 1);
    setenv("RELUD_FAIL_PATH", part, 1);
}

static void make_answering(void)
{
    unsetenv("LD_PRELOAD");
    unsetenv("RELUD_FAIL");
}

/* A copy of the bundled model at dir/name. */
static void copy_model(const char *name)
{
    char command[512];
    snprintf(command, sizeof command,
             "mkdir -p %s/%s && cp deploy/models/digits/1/model.safetensors %s/%s && "
             "sed 's/\"digits\"/\"m\"/' deploy/models/digits/1/model.json >%s/%s/model.json",
             dir, name, dir, name, dir, name);
    ck_assert_int_eq(system(command), 0);
}

/* Starts `relud serve` with these words, waits until it waits for the stuck file, and sends the signal; the exit status. A minute is for
 * a busy machine: the drain takes none of it. */
static int stop_while_starting(const char *const *words, int number)
{
    const char *argv[16] = {relud_path(), "serve", "--listen", "127.0.0.1:0"};
    for (size_t i = 0; words[i]; i++)
        argv[4 + i] = words[i];
    pid_t pid = fork();
    if (pid == 0) {
        execv(argv[0], (char *const *)(uintptr_t)argv);
        _exit(127);
    }
    char path[64], call[64] = "";
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    for (bool is_waiting = false; !is_waiting; usleep(1000)) {
        /* the handler stands, and no thread runs any more */
        FILE *status = fopen(path, "r");
        char line[256];
        bool is_caught = false, is_asleep = false;
        while (status && fgets(line, sizeof line, status)) {
            unsigned long long mask;
            is_caught |= sscanf(line, "SigCgt: %llx", &mask) == 1 && (mask & 1u << (SIGTERM - 1));
            is_asleep |= sscanf(line, "State: %60s", call) == 1 && *call == 'S';
        }
        if (status)
            fclose(status);
        is_waiting = is_caught && is_asleep;
    }
    kill(pid, SIGHUP); /* is kept for later, and ends nothing */
    kill(pid, number);
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

START_TEST(A5_a_stop_while_models_load_at_the_start_is_heard)
{
    enter();
    copy_model("m/1");
    make_stuck("/m/1/model.safetensors");
    ck_assert_int_eq(stop_while_starting((const char *const[]){dir, NULL}, SIGTERM), 0);
    ck_assert_int_eq(stop_while_starting((const char *const[]){dir, NULL}, SIGINT), 0);
    make_stuck("/m/versions.json");
    write_file(dir, "m/versions.json", "{}", 2);
    ck_assert_int_eq(stop_while_starting((const char *const[]){dir, NULL}, SIGTERM), 0);
    make_answering();
    leave();
}
END_TEST

START_TEST(A5_a_stop_while_keys_certificates_or_settings_are_read_is_heard)
{
    static const char *const options[] = {"--api-keys", "--tls-cert"};
    char path[128];
    enter();
    write_file(dir, "slow", "x", 1);
    snprintf(path, sizeof path, "%s/slow", dir);
    make_stuck(path);
    for (size_t i = 0; i < 2; i++) {
        const char *const words[] = {DIGITS, options[i], path, i ? "--tls-key" : NULL, path, NULL};
        ck_assert_int_eq(stop_while_starting(words, SIGTERM), 0);
    }
    make_answering();
    leave();
}
END_TEST

/* While a file is waited for. */
static void is_served_and_stopped(struct server *server)
{
    ck_assert_int_eq(server_get(server, "/healthz")->code, 200);
    ck_assert_int_eq(server_get(server, "/readyz")->code, 200);
    int64_t begin_ns = clock_ns();
    kill(server->pid, SIGTERM);
    ck_assert_int_eq(server_wait(server), 0);
    ck_assert_int_lt((clock_ns() - begin_ns) / 1000000000, 30);
}

START_TEST(A5_a_stop_while_models_load_later_is_heard)
{
    enter();
    copy_model("m/1");
    make_stuck("/m/2/model.json");
    struct server server = server_start((const char *const[]){
        dir, "--admin-listen", "127.0.0.1:0", "--drain-seconds", DRAIN_SECONDS, NULL});
    copy_model("m/2");
    kill(server.pid, SIGHUP);
    const struct reply *reply;
    do
        reply = server_post(&server, "/v2/repository/index", "");
    while (!strstr(reply->body, "LOADING"));
    is_served_and_stopped(&server);
    make_answering();
    leave();
}
END_TEST

/* The client that asked for it is cut when the drain is over. */
START_TEST(A5_a_load_that_a_client_waits_for_ends_with_the_drain)
{
    static const char ask[] = "POST /v2/repository/models/m/load HTTP/1.1\r\nHost: x\r\n"
                              "Content-Length: 0\r\n\r\n";
    enter();
    copy_model("m/1");
    make_stuck("/m/2/model.json");
    struct server server =
                      server_start((const char *const[]){dir, "--admin-listen", "127.0.0.1:0",
                                                         "--drain-seconds", DRAIN_SECONDS, NULL}),
                  admin = server;
    copy_model("m/2");
    admin.port = server.admin_port;
    int fd = server_connect(&admin);
    send_all(fd, ask, strlen(ask));
    while (!strstr(server_post(&server, "/v2/repository/index", "")->body, "LOADING"))
        ;
    is_served_and_stopped(&server);
    close(fd);
    make_answering();
    leave();
}
END_TEST

/* And a key that is withdrawn does not wait for a model that loads: they are read by two threads. */
START_TEST(A5_keys_are_reloaded_while_a_model_loads)
{
    static const char
        first[] = /* of "key" */
        "a infer,admin sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n",
        second[] = /* of "admin" */
        "a infer,admin sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918\n";
    char keys[128];
    enter();
    copy_model("r/m/1");
    write_file(dir, "keys", first, strlen(first));
    snprintf(keys, sizeof keys, "%s/keys", dir);
    make_stuck("/m/2/model.json");
    char path[128];
    snprintf(path, sizeof path, "%s/r", dir);
    struct server server = server_start(
        (const char *const[]){path, "--api-keys", keys, "--drain-seconds", DRAIN_SECONDS, NULL});
    copy_model("r/m/2");
    kill(server.pid, SIGHUP);
    while (!strstr(server_ask(&server, "/v2/repository/index", NULL, "", 0, "X-Api-Key: key")->body,
                   "LOADING"))
        ;
    write_file(dir, "keys", second, strlen(second));
    kill(server.pid, SIGHUP);
    const struct reply *reply;
    do
        reply = server_ask(&server, "/v2/models", NULL, NULL, 0, "X-Api-Key: admin");
    while (reply->code == 401 || reply->code == 429);
    ck_assert_int_eq(reply->code, 200);
    is_served_and_stopped(&server);
    make_answering();
    leave();
}
END_TEST

RUN_SUITE("stuck", A5_a_stop_while_models_load_at_the_start_is_heard,
          A5_a_stop_while_keys_certificates_or_settings_are_read_is_heard,
          A5_a_stop_while_models_load_later_is_heard,
          A5_a_load_that_a_client_waits_for_ends_with_the_drain,
          A5_keys_are_reloaded_while_a_model_loads)
