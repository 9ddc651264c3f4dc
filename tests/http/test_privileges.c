/* What a running server may not do, tried from within, and whom it runs as. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

#include "server/privileges.h"
#include <fcntl.h>
#include <pthread.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>

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

static bool can_tell_a_supervisor(void)
{
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    return fd >= 0 && close(fd) == 0;
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
} tries[] = {
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
        for (size_t i = 0; i < sizeof tries / sizeof *tries; i++)
            if (tries[i].is_possible() != tries[i].is_allowed)
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
    int wrong = try_all("seccomp");
    unlink("/tmp/relud-test-kept");
    ck_assert_msg(wrong != 100, "this kernel has no seccomp");
    ck_assert_msg(wrong == 0, "%s", wrong <= 9 ? tries[wrong - 1].what : "it ended");
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

RUN_SUITE("privileges", a_confined_process_only_serves, the_server_is_confined,
          root_becomes_the_user_named, keys_reach_no_core_dump)
