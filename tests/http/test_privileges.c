/* What a running server may not do, tried from within, and whom it runs as. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

#include "server/serve/privileges.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "tests/tries.h"

static void *nothing(void *at)
{
    return at;
}

/* Each try answers whether it went well. */
static bool can_read(void)
{
    int fd = open("Makefile", O_RDONLY);
    return fd >= 0 && close(fd) == 0;
}

static bool can_start_threads(void)
{
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
}

/* By a socket that was connected before. */
static int supervisor_pair[2];

static bool can_tell_a_supervisor(void)
{
    return send(supervisor_pair[0], "READY=1", 7, MSG_NOSIGNAL) == 7;
}

static bool can_make_files(void)
{
    return open("/tmp/relud-test-made", O_WRONLY | O_CREAT, 0600) >= 0;
}

static bool can_write_files(void)
{
    return open("/dev/null", O_WRONLY) >= 0 || open("/dev/null", O_RDWR) >= 0;
}

static bool can_remove_files(void)
{
    return unlink("/tmp/relud-test-kept") == 0;
}

static bool can_run_programs(void)
{
    pid_t pid = fork();
    return pid >= 0 || execl("/bin/true", "true", NULL) == 0 || errno != EPERM;
}

static bool can_connect(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool can_trace(void)
{
    char byte;
    struct iovec here = {&byte, 1};
    return syscall(SYS_process_vm_readv, getpid(), &here, 1, &here, 1, 0) >= 0;
}

static const struct {
    const char *what;
    bool (*is_possible)(void);
    bool is_allowed;
} rights[] = {
    {"read files", can_read, true},
    {"start threads", can_start_threads, true},
    {"tell a supervisor", can_tell_a_supervisor, true},
    {"make files", can_make_files, false},
    {"write files", can_write_files, false},
    {"remove files", can_remove_files, false},
    {"run programs", can_run_programs, false},
    {"connect", can_connect, false},
    {"read another's memory", can_trace, false},
};

/* In a child: there is no way back. Its exit status is the first wrong try's number. */
static int try_all(const char *enforcer)
{
    char how[64];
    pid_t pid = fork();
    if (pid == 0) {
        privileges_confine(how);
        if (!strstr(how, enforcer))
            _exit(100);
        for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
            if (rights[i].is_possible() != rights[i].is_allowed)
                _exit((int)i + 1);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 200;
}

START_TEST(a_confined_process_only_serves)
{
    int fd = open("/tmp/relud-test-kept", O_WRONLY | O_CREAT, 0600);
    ck_assert_int_ge(fd, 0);
    close(fd);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, supervisor_pair), 0);
    int wrong = try_all("seccomp");
    unlink("/tmp/relud-test-kept");
    ck_assert_msg(wrong != 100, "this kernel has no seccomp");
    ck_assert_msg(wrong == 0, "%s", wrong <= 9 ? rights[wrong - 1].what : "it ended");
}
END_TEST

/* ---- every way out ---- */

START_TEST(S1_every_way_out_of_a_confined_process_is_refused)
{
    char how[64], memory[64];
    struct tries *tries =
        mmap(NULL, sizeof *tries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0), status;
    struct sockaddr_in here = {.sin_family = AF_INET};
    ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof here), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    pid_t pid = fork();
    if (pid == 0) {
        privileges_confine(how);
        tries_all(tries, listener);
        snprintf(memory, sizeof memory, "/proc/%d/mem", (int)getppid());
        if (strstr(how, "Landlock"))
            TRY("another process's memory", open(memory, O_RDONLY));
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_msg(tries->passed == 0, "%u passed; %s", tries->passed, tries->first);
    ck_assert_uint_gt(tries->refused, 1000);
    close(listener);
}
END_TEST

/* The next line, within a minute; "" where there is none. */
static void read_report(int fd, char line[512])
{
    size_t len = 0;
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    while (len < 511 && poll(&poll_fd, 1, 60000) == 1 && read(fd, line + len, 1) == 1 &&
           line[len] != '\n')
        len++;
    line[len] = '\0';
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { IS_SANITIZED = true }; /* a sanitizer makes calls of its own */
#else
enum { IS_SANITIZED = false };
#endif

START_TEST(S2_every_way_out_of_a_running_server_is_refused)
{
    char library[512], line[512];
    if (IS_SANITIZED)
        return;
    const char *program = relud_path(), *slash = strrchr(program, '/');
    snprintf(library, sizeof library, "%.*stests/tries.so", slash ? (int)(slash + 1 - program) : 0,
             program);
    int report[2];
    ck_assert_int_eq(pipe(report), 0);
    snprintf(line, sizeof line, "%d", report[1]);
    setenv("RELUD_TRIES_FD", line, 1);
    setenv("LD_PRELOAD", library, 1);
    struct server server =
        server_start((const char *const[]){DIGITS, "--sandbox", "on", "--workers", "1", NULL});
    unsetenv("LD_PRELOAD");
    static const char *const where[] = {"a worker: ", "an older thread: "};
    for (size_t i = 0; i < 2; i++) {
        read_report(report[0], line);
        ck_assert_msg(strncmp(line, where[i], strlen(where[i])) == 0, "%s", line);
        ck_assert_msg(strstr(line, " 0 passed"), "%s", line);
        ck_assert_uint_gt(strtoul(line + strlen(where[i]), NULL, 10), 1000);
    }
    server_stop(&server);
}
END_TEST

/* A line of /proc/PID/status, behind its name. */
static const char *status_of(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    static char *text;
    free(text);
    text = read_text(path);
    const char *at = strstr(text, name);
    ck_assert_ptr_nonnull(at);
    return at + strlen(name) + strspn(at + strlen(name), ":\t ");
}

START_TEST(the_server_is_confined)
{
    struct server server = server_start((const char *const[]){DIGITS, "--sandbox", "on", NULL});
    ck_assert_int_eq(*status_of(server.pid, "\nNoNewPrivs"), '1');
    ck_assert_int_eq(*status_of(server.pid, "\nSeccomp"), '2');
    /* DAC_READ_SEARCH at the most */
    ck_assert_uint_eq(strtoull(status_of(server.pid, "\nCapEff"), NULL, 16) & ~4ull, 0);
    ck_assert_int_eq(server_post(&server, "/relu", "{\"input\":1}")->code, 200);
    server_stop(&server);
    server = server_start((const char *const[]){DIGITS, "--sandbox", "off", NULL});
    ck_assert_int_eq(*status_of(server.pid, "\nSeccomp"), '0');
    server_stop(&server);
}
END_TEST

START_TEST(root_becomes_the_user_named)
{
    static const struct {
        const char *user, *says;
    } wrong[] = {{"no-such-user", "there is no such user"},
                 {"nobody:no-such-group", "there is no group"},
                 {"root", "that is root"},
                 {"0:0", "that is root"}};
    char words[256];
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        snprintf(words, sizeof words, "serve " DIGITS " --listen 127.0.0.1:0 --user %s",
                 wrong[i].user);
        runs(words, 2, wrong[i].says);
    }
    if (geteuid() != 0) {
        runs("serve " DIGITS " --listen 127.0.0.1:0 --user 65533", 1, "only root can");
        return;
    }
    struct stat root;
    ck_assert_int_eq(stat("/", &root), 0);
    if (!(root.st_mode & S_IXOTH)) /* a chroot of root's own: others can read nothing there */
        return;
    /* A folder that the user may read. */
    char dir[64];
    strcpy(dir, new_directory());
    chmod(dir, 0755);
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"m\",\"input\":{\"features\":1},"
        "\"layers\":[{\"weight\":\"w\"}]}";
    float weight = 2;
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,4]}}",
                  &weight, sizeof weight);
    struct server server = server_start((const char *const[]){dir, "--user", "65533:65532", NULL});
    ck_assert_int_eq(strtol(status_of(server.pid, "\nUid"), NULL, 10), 65533);
    ck_assert_int_eq(strtol(status_of(server.pid, "\nGid"), NULL, 10), 65532);
    ck_assert_uint_eq(strtoull(status_of(server.pid, "\nCapEff"), NULL, 16), 0);
    ck_assert_uint_eq(strtoull(status_of(server.pid, "\nCapPrm"), NULL, 16), 0);
    const char *groups = status_of(server.pid, "\nGroups");
    ck_assert(*groups == '\n' || strncmp(groups, "65532", 5) == 0);
    ck_assert_int_eq(server_post(&server, "/predict", "{\"inputs\":[[3]]}")->code, 200);
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

START_TEST(keys_reach_no_core_dump)
{
    char dir[64], path[128];
    static const char keys[] =
        "app infer sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n";
    strcpy(dir, new_directory());
    write_file(dir, "model.json", keys, strlen(keys));
    snprintf(path, sizeof path, "%s/model.json", dir);
    const struct rlimit all = {RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);
    struct server server = server_start((const char *const[]){DIGITS, "--api-keys", path, NULL});
    kill(server.pid, SIGSEGV);
    int status;
    ck_assert_int_eq(waitpid(server.pid, &status, 0), server.pid);
    close(server.log);
    ck_assert(WIFSIGNALED(status));
    ck_assert(!WCOREDUMP(status));
    remove_directory(dir);
}
END_TEST

RUN_SUITE("privileges", a_confined_process_only_serves,
          S1_every_way_out_of_a_confined_process_is_refused,
          S2_every_way_out_of_a_running_server_is_refused, the_server_is_confined,
          root_becomes_the_user_named, keys_reach_no_core_dump)
