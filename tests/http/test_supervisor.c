/* What systemd does with a service: it waits for READY=1, hands over sockets, and starts a successor on the same one. */
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include <fcntl.h>
#include <sys/un.h>

/* A listening socket on a free port. */
static int open_listener(int *port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, len), 0);
    ck_assert_int_eq(listen(fd, 128), 0);
    ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    *port = ntohs(at.sin_port);
    return fd;
}

static int open_notify(const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    strcpy(at.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    return fd;
}

static void hears(int fd, const char *wanted)
{
    char got[64];
    ssize_t len = recv(fd, got, sizeof got - 1, 0);
    ck_assert_int_gt(len, 0);
    got[len] = '\0';
    ck_assert_str_eq(got, wanted);
}

/* As systemd starts it: descriptors from 3 on, their number, names and for whom in the environment. */
static pid_t start(const int *fd, int fds, const char *names)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    char text[32];
    int high[2];
    for (int i = 0; i < fds; i++) /* out of the way of 3 and 4 first */
        high[i] = fcntl(fd[i], F_DUPFD, 50);
    for (int i = 0; i < fds; i++)
        dup2(high[i], 3 + i);
    snprintf(text, sizeof text, "%d", (int)getpid());
    setenv("LISTEN_PID", text, 1);
    snprintf(text, sizeof text, "%d", fds);
    setenv("LISTEN_FDS", text, 1);
    setenv("LISTEN_FDNAMES", names, 1);
    int nothing = open("/dev/null", O_WRONLY);
    dup2(nothing, STDERR_FILENO);
    execl(relud_path(), "relud", "serve", DIGITS, "--workers", "1", (char *)NULL);
    _exit(127);
}

static int exit_of(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

START_TEST(it_says_when_it_is_ready_and_when_it_stops)
{
    char path[128];
    const char *dir = new_directory();
    snprintf(path, sizeof path, "%s/notify", dir);
    int notify = open_notify(path);
    setenv("NOTIFY_SOCKET", path, 1);
    struct server server = server_on_digits();
    hears(notify, "READY=1");
    ck_assert_int_eq(server_get(&server, "/readyz")->code, 200);
    kill(server.pid, SIGTERM);
    hears(notify, "STOPPING=1");
    ck_assert_int_eq(server_wait(&server), 0);
    unsetenv("NOTIFY_SOCKET");
    close(notify);
    unlink(path);
    rmdir(dir);
}
END_TEST

/* Clients that connect anew for every request while one instance takes over from another, again and again: nobody is
 * refused, nobody goes without an answer. */
START_TEST(a_successor_takes_the_socket_over)
{
    enum { RESTARTS = 5, EACH = 60 };
    char path[128];
    const char *dir = new_directory();
    snprintf(path, sizeof path, "%s/notify", dir);
    int notify = open_notify(path), sockets[2], admin_port;
    struct server server = {0};
    sockets[0] = open_listener(&server.port);
    sockets[1] = open_listener(&admin_port);
    setenv("NOTIFY_SOCKET", path, 1);
    pid_t now = start(sockets, 2, "http:admin");
    hears(notify, "READY=1");
    struct server admin = {.port = admin_port, .admin_port = admin_port};
    ck_assert_int_eq(server_admin_post(&admin, "/v2/repository/index", "{}")->code, 200);
    for (int i = 0; i < RESTARTS; i++) {
        pid_t next = start(sockets, 2, "http:admin");
        hears(notify, "READY=1");
        kill(now, SIGTERM);
        for (int k = 0; k < EACH; k++)
            ck_assert_int_eq(server_get(&server, "/healthz")->code, 200);
        hears(notify, "STOPPING=1");
        ck_assert_int_eq(exit_of(now), 0);
        now = next;
    }
    kill(now, SIGTERM);
    ck_assert_int_eq(exit_of(now), 0);
    unsetenv("NOTIFY_SOCKET");
    close(notify), close(sockets[0]), close(sockets[1]);
    unlink(path);
    rmdir(dir);
}
END_TEST

START_TEST(what_is_no_listening_socket_is_refused)
{
    int fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    ck_assert_int_eq(exit_of(start(&fd, 1, "")), 2);
    close(fd);
    int plain = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(exit_of(start(&plain, 1, "x")), 2);
    close(plain);
}
END_TEST

RUN_SUITE("supervisor", it_says_when_it_is_ready_and_when_it_stops,
          a_successor_takes_the_socket_over, what_is_no_listening_socket_is_refused)
