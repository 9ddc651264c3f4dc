/* Signals: what they reload takes no more memory each time and is gone when it is replaced; how an end is asked for; and files that are
 * no files. */
#include "tests/http/certificates.h"
#include "tests/http/program.h"

#include "server/base/clock.h"
#include <fcntl.h>
#include <sys/stat.h>

#define BODY "{\"input\":[1,-2]}"
#define HEAD "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 16\r\n\r\n"

static char dir[64];

static void remove_all(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", dir);
    ck_assert_int_eq(system(command), 0);
}

/* ---- A4: reloads ---- */

static long resident_kb(const struct server *server)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)server->pid);
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fscanf(file, "%*s %ld", &pages), 1);
    fclose(file);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* How often the bytes stand in the memory of the server; -1 where this user may not look at it. */
static long count_in_memory(const struct server *server, const void *bytes, size_t len)
{
    char path[64], line[512];
    long found = 0;
    snprintf(path, sizeof path, "/proc/%d/mem", (int)server->pid);
    int memory = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof path, "/proc/%d/maps", (int)server->pid);
    FILE *maps = fopen(path, "r");
    if (memory < 0 || !maps)
        return -1;
    while (fgets(line, sizeof line, maps)) {
        unsigned long long begin, end;
        char rights[8];
        if (sscanf(line, "%llx-%llx %7s", &begin, &end, rights) != 3 || rights[0] != 'r' ||
            rights[1] != 'w' || end - begin > 1u << 30)
            continue;
        char *copy = malloc(end - begin);
        ssize_t got = pread(memory, copy, end - begin, (off_t)begin);
        for (const char *at = copy;
             got > 0 && (at = memmem(at, (size_t)(copy + got - at), bytes, len)); at++)
            found++;
        free(copy);
    }
    fclose(maps);
    close(memory);
    return found;
}

/* Idle workers go over to what is new within a turn; this waits for them. */
static void wait_until_gone(const struct server *server, const char *what, const void *bytes,
                            size_t len)
{
    long found = count_in_memory(server, bytes, len);
    for (int i = 0; i < 600 && found > 0; i++) {
        usleep(100000);
        found = count_in_memory(server, bytes, len);
    }
    ck_assert_msg(found <= 0, "%s stands in memory %ld times", what, found);
}

/* Hashes of the keys "key", which comes first and goes, and "admin" and "b", which take turns. */
static const unsigned char first_hash[32] = {
    0x2c, 0x70, 0xe1, 0x2b, 0x7a, 0x06, 0x46, 0xf9, 0x22, 0x79, 0xf4, 0x27, 0xc7, 0xb3, 0x8e, 0x73,
    0x34, 0xd8, 0xe5, 0x38, 0x9c, 0xff, 0x16, 0x7a, 0x1d, 0xc3, 0x0e, 0x73, 0xf8, 0x26, 0xb6, 0x83};
static const char *const lines[] = {
    "a infer sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n",
    "a infer sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918\n",
    "a infer sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d\n"};
static const char *const headers[] = {"X-Api-Key: key", "X-Api-Key: admin", "X-Api-Key: b"};

/* 500 lines of other keys behind it: a set takes some memory. */
static void write_keys(const char *line)
{
    static char text[1 << 16];
    size_t len = (size_t)sprintf(text, "%s", line);
    for (int i = 0; i < 500; i++)
        len += (size_t)sprintf(text + len, "other%d infer sha256:%064d\n", i, i);
    char from[128], to[128];
    write_file(dir, "part", text, len);
    snprintf(from, sizeof from, "%s/part", dir);
    snprintf(to, sizeof to, "%s/keys", dir);
    ck_assert_int_eq(rename(from, to), 0);
}

static void wait_key(const struct server *server, const char *header)
{
    long code;
    do
        code = server_ask(server, "/relu", NULL, BODY, strlen(BODY), header)->code;
    while (code == 401 || code == 429);
    ck_assert_int_eq(code, 200);
}

START_TEST(A4_a_thousand_reloads_of_keys_take_no_memory_and_leave_no_hash)
{
    enum { WARM_UP = 100, RELOADS = 1000 };
    char path[128];
    strcpy(dir, new_directory());
    snprintf(path, sizeof path, "%s/keys", dir);
    write_keys(lines[0]);
    struct server server =
        server_start((const char *const[]){DIGITS, "--workers", "2", "--api-keys", path, NULL});
    wait_key(&server, headers[0]);
    ck_assert_int_ne(count_in_memory(&server, first_hash, sizeof first_hash), 0);
    long warm_kb = 0;
    for (int i = 0; i < WARM_UP + RELOADS; i++) {
        write_keys(lines[1 + i % 2]);
        kill(server.pid, SIGHUP);
        wait_key(&server, headers[1 + i % 2]);
        if (i == WARM_UP)
            warm_kb = resident_kb(&server);
    }
    warm_kb -= resident_kb(&server);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* they keep what is freed */
    ck_assert_int_lt(-warm_kb, 1024);
    wait_until_gone(&server, "the hash of a key that is gone", first_hash, sizeof first_hash);
    wait_until_gone(&server, "the line of a key that is gone", lines[0] + 15, 64);
#endif
    /* what is wrong is refused again and again, and changes nothing */
    for (int i = 0; i < 200; i++) {
        write_file(dir, "keys", "a infer nonsense\n", i % 2 ? 17 : 0);
        kill(server.pid, SIGHUP);
    }
    wait_key(&server, headers[1 + (WARM_UP + RELOADS - 1) % 2]);
    server_stop(&server);
    remove_all();
}
END_TEST

/* A P-256 key's number as GnuTLS holds it: its bytes in the order of this machine, and that of the file. */
static void export_number(const struct certificate *certificate, unsigned char number[2][32])
{
    gnutls_datum_t x, y, k;
    gnutls_ecc_curve_t curve;
    ck_assert_int_eq(gnutls_x509_privkey_export_ecc_raw(certificate->key, &curve, &x, &y, &k), 0);
    memset(number, 0, 64);
    size_t len = k.size < 32 ? k.size : 32;
    memcpy(number[0] + 32 - len, k.data + k.size - len, len);
    for (size_t i = 0; i < 32; i++)
        number[1][i] = number[0][31 - i];
    gnutls_free(x.data), gnutls_free(y.data), gnutls_free(k.data);
}

static void wait_certificate(const struct server *server, const char *name)
{
    bool is_there = false;
    while (!is_there) {
        struct tls_client client = tls_connect(server, "NORMAL", NULL);
        ck_assert_int_eq(client.failure, 0);
        is_there = strcmp(tls_server_name(&client), name) == 0;
        tls_disconnect(&client);
    }
}

START_TEST(A4_a_thousand_reloads_of_certificates_take_no_memory_and_leave_no_key)
{
    enum { WARM_UP = 100, RELOADS = 1000 };
    static const char *const names[] = {"even", "odd"};
    unsigned char number[2][32];
    char cert[128], key[128];
    strcpy(dir, new_directory());
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    struct certificate first = certificate_new("first", NULL),
                       turns[2] = {certificate_new(names[0], NULL),
                                   certificate_new(names[1], NULL)};
    export_number(&first, number);
    certificate_write(&first, dir);
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "2", "--tls-cert", cert, "--tls-key", key,
                              "--tls-client-ca", cert, "--idle-timeout-ms", "86400000", NULL});
    struct tls_client open = tls_connect(&server, "NORMAL", &first);
    ck_assert_str_eq(tls_server_name(&open), "first");
    long found = count_in_memory(&server, number[0], 32);
    ck_assert(found < 0 || found + count_in_memory(&server, number[1], 32) > 0);
    long warm_kb = 0;
    for (int i = 0; i < WARM_UP + RELOADS; i++) {
        certificate_write(&turns[i % 2], dir);
        kill(server.pid, SIGHUP);
        if (i % 10 == 9 || i == WARM_UP) /* a handshake takes its time */
            wait_certificate(&server, names[i % 2]);
        if (i == WARM_UP)
            warm_kb = resident_kb(&server);
    }
    wait_certificate(&server, names[(WARM_UP + RELOADS - 1) % 2]);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    ck_assert_int_lt(resident_kb(&server) - warm_kb, 1024);
#endif
    /* its session goes on with the first, and the last one that goes takes the key with it */
    ck_assert_ptr_nonnull(
        strstr(tls_talk(&open, "GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n", "}"), "200 OK"));
    tls_disconnect(&open);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    for (size_t i = 0; i < 2; i++)
        wait_until_gone(&server, "the key of a certificate that is gone", number[i], 32);
#endif
    server_stop(&server);
    certificate_free(&first), certificate_free(&turns[0]), certificate_free(&turns[1]);
    remove_all();
}
END_TEST

/* ---- A5: files that are no files ---- */

static void refuses(const char *words, int status, const char *says)
{
    char command[1024];
    snprintf(command, sizeof command, "serve --listen 127.0.0.1:0 %s </dev/null", words);
    runs(command, status, says);
}

START_TEST(A5_what_is_no_regular_file_is_refused_at_once)
{
    static const char *const options[] = {"%s --api-keys %s",
                                          "%s --tls-cert %s --tls-key /dev/null", "%s --config %s"};
    char fifo[128], large[128], words[512], path[256];
    strcpy(dir, new_directory());
    snprintf(fifo, sizeof fifo, "%s/fifo", dir);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    snprintf(large, sizeof large, "%s/large", dir);
    write_file(dir, "large", "", 0);
    ck_assert_int_eq(truncate(large, (off_t)8 << 30), 0);
    const struct {
        const char *path, *says;
    } cases[] = {{fifo, "not a regular file"},          {"/dev/zero", "not a regular file"},
                 {"/dev/stdin", "not a regular file"},  {dir, "Is a directory"},
                 {large, "8589934592 bytes; at most "}, {"/nonexistent", "No such file"}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
            snprintf(words, sizeof words, options[i], DIGITS, cases[k].path);
            refuses(words, i == 2 ? 2 : 1, cases[k].says);
            ck_assert_ptr_nonnull(strstr(output, cases[k].path));
        }
    /* as a model's own files, and as versions.json */
    static const char *const names[] = {"m/model.json", "n/model.onnx", "v/versions.json"};
    snprintf(path, sizeof path, "mkdir -p %s/m %s/n && cp -r " DIGITS " %s/v", dir, dir, dir);
    ck_assert_int_eq(system(path), 0);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(mkfifo(path, 0600), 0);
        snprintf(words, sizeof words, "%s/%.1s", dir, names[i]);
        refuses(words, 1, "not a regular file");
        unlink(path);
        ck_assert_int_eq(symlink("/dev/zero", path), 0);
        refuses(words, 1, "not a regular file");
    }
    remove_all();
}
END_TEST

/* ---- A6: wishes to end ---- */

/* A connection whose request has begun; its answer is complete once the body is. */
static int begin_request(const struct server *server)
{
    int fd = server_connect(server);
    send_all(fd, HEAD BODY, strlen(HEAD));
    while (!strstr(server_get(server, "/metrics")->body, "\nrelud_inflight_requests 2\n"))
        ; /* that one, and the look at the metrics */
    return fd;
}

static void end_request(int fd)
{
    send_all(fd, BODY, strlen(BODY));
    char *answer = receive(fd, 0);
    ck_assert_msg(strstr(answer, " 200 OK") && strstr(answer, "[1,0]"), "'%s'", answer);
    free(answer);
    close(fd);
}

/* Refused from then on: it drains. */
static void wait_drain(const struct server *server)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)server->port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int failure = 0; failure == 0;) {
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        failure = connect(fd, (struct sockaddr *)&to, sizeof to);
        close(fd);
    }
}

START_TEST(A6_signals_close_together_are_one_wish)
{
    static const int signals[][3] = {{SIGTERM, SIGTERM, SIGTERM},
                                     {SIGINT, SIGTERM, SIGINT},
                                     {SIGTERM, SIGINT, SIGHUP},
                                     {SIGHUP, SIGTERM, SIGHUP},
                                     {SIGINT, SIGINT, SIGINT}};
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct server server = server_start(
            (const char *const[]){DIGITS, "--drain-seconds", "60", "--workers", "2", NULL});
        int fd = begin_request(&server);
        for (size_t k = 0; k < 3; k++)
            kill(server.pid, signals[i][k]);
        wait_drain(&server);
        kill(server.pid, SIGHUP); /* reloads nothing any more, and ends nothing */
        end_request(fd);
        ck_assert_int_eq(server_wait(&server), 0);
    }
}
END_TEST

/* As timeout(1) does: the signal comes to the process, and at once to its group. */
START_TEST(A6_timeout_1_lets_a_request_end)
{
    setpgid(0, 0);
    struct server server =
        server_start((const char *const[]){DIGITS, "--drain-seconds", "60", NULL});
    int fd = begin_request(&server);
    signal(SIGTERM, SIG_IGN); /* ours, as timeout does */
    kill(server.pid, SIGTERM);
    kill(0, SIGTERM);
    wait_drain(&server);
    end_request(fd);
    ck_assert_int_eq(server_wait(&server), 0);
}
END_TEST

START_TEST(A6_a_second_wish_a_second_later_ends_at_once)
{
    for (int delay = 0; delay < 2; delay++) { /* while draining, and in the grace before it */
        struct server server = server_start((const char *const[]){DIGITS, "--drain-seconds", "3600",
                                                                  "--drain-delay-seconds",
                                                                  delay ? "3600" : "0", NULL});
        int fd = begin_request(&server), status;
        int64_t begin_ns = clock_ns();
        kill(server.pid, SIGTERM);
        while (waitpid(server.pid, &status, WNOHANG) == 0) {
            kill(server.pid, SIGINT);
            usleep(10000);
        }
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", (unsigned)status);
        ck_assert_int_ge(clock_ns() - begin_ns, 1000000000);
        close(fd), close(server.log);
    }
}
END_TEST

/* A training that timeout(1) stops has written the best so far. */
START_TEST(A6_two_signals_leave_a_training_its_model)
{
    enum { ROWS = 64 };
    char table[ROWS * 16] = "", path[128], out[128], line[64];
    strcpy(dir, new_directory());
    for (int i = 0; i < ROWS; i++)
        sprintf(table + strlen(table), "%d.5,%d,%d\n", i, i * i % 7, i % 2);
    write_file(dir, "table.csv", table, strlen(table));
    snprintf(path, sizeof path, "%s/table.csv", dir);
    snprintf(out, sizeof out, "%s/m", dir);
    int pipe_fd[2];
    ck_assert_int_eq(pipe(pipe_fd), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipe_fd[1], STDERR_FILENO);
        dup2(pipe_fd[1], STDOUT_FILENO);
        close(pipe_fd[0]);
        execl(relud_path(), "relud", "train", "--data", path, "--layers", "2,4,2", "--epochs",
              "1000000", "--force", "--out", out, (char *)NULL);
        _exit(127);
    }
    close(pipe_fd[1]);
    ck_assert_int_gt(read(pipe_fd[0], line, sizeof line), 0); /* an epoch is done */
    kill(pid, SIGTERM);
    kill(pid, SIGTERM);
    while (read(pipe_fd[0], line, sizeof line) > 0)
        ;
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 128 + SIGTERM, "status %x",
                  (unsigned)status);
    close(pipe_fd[0]);
    char words[256];
    snprintf(words, sizeof words, "check %s", out);
    runs(words, 0, "ok (");
    remove_all();
}
END_TEST

/* ---- A9 ---- */

/* nginx's upstream pool and AWS's balancer let go after 60 s: ours must not be the first, or as soon. */
START_TEST(A9_a_proxy_lets_go_of_an_idle_connection_first)
{
    runs("help serve", 0, "--idle-timeout-ms N");
    const char *line = strstr(output, "--idle-timeout-ms N");
    const char *next = strstr(line, "\n    --"), *value = strstr(line, "(default: 75000)");
    ck_assert_msg(value && next && value < next, "%.400s", line);
    char *text = read_text("docs/operations.md");
    ck_assert_ptr_nonnull(strstr(text, "`--idle-timeout-ms` is 75,000"));
    free(text);
}
END_TEST

RUN_SUITE("lifecycle", A4_a_thousand_reloads_of_keys_take_no_memory_and_leave_no_hash,
          A4_a_thousand_reloads_of_certificates_take_no_memory_and_leave_no_key,
          A5_what_is_no_regular_file_is_refused_at_once, A6_signals_close_together_are_one_wish,
          A6_timeout_1_lets_a_request_end, A6_a_second_wish_a_second_later_ends_at_once,
          A6_two_signals_leave_a_training_its_model, A9_a_proxy_lets_go_of_an_idle_connection_first)
