#include "server/serve/supervisor.h"

#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, SOCKETS_MAX = 16 };

static int notify_fd = -1;

void supervisor_connect(void)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    size_t len = path ? strlen(path) : 0;
    if (len < 2 || len >= sizeof to.sun_path || (*path != '/' && *path != '@'))
        return;
    memcpy(to.sun_path, path, len);
    if (*path == '@') /* an abstract socket */
        to.sun_path[0] = '\0';
    notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    if (notify_fd >= 0 && connect(notify_fd, (struct sockaddr *)&to, size) != 0) {
        close(notify_fd);
        notify_fd = -1;
    }
}

void supervisor_notify(const char *state)
{
    /* A supervisor that does not read must not hold us up. */
    if (notify_fd >= 0)
        (void)!sendto(notify_fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, NULL, 0);
}

/* Finds the name number `index` in a list with colons between the names. Returns its length, 0 if
 * there is none. */
static size_t name_of(const char *names, size_t index, const char **name)
{
    for (; names && index; index--)
        names = strchr(names, ':') ? strchr(names, ':') + 1 : NULL;
    *name = names;
    return names ? strcspn(names, ":") : 0;
}

static bool take(int fd, struct relud_error *error)
{
    int is_listening = 0, domain = AF_UNSPEC;
    socklen_t len = sizeof is_listening, domain_len = sizeof domain;
    /* if fd is no socket, the variables keep their values */
    (void)getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &len);
    (void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_len);
    if (!is_listening || (domain != AF_INET && domain != AF_INET6))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "LISTEN_FDS: descriptor %d is no listening TCP socket", fd);
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    return true;
}

bool supervisor_sockets(int *listen_fd, int *admin_fd, struct relud_error *error)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS"),
               *names = getenv("LISTEN_FDNAMES");
    *listen_fd = *admin_fd = -1;
    if (!pid || !count || strtol(pid, NULL, 10) != (long)getpid())
        return true;
    size_t sockets = strtoul(count, NULL, 10);
    if (sockets > SOCKETS_MAX)
        return relud_fail(error, RELUD_BAD_INPUT, "LISTEN_FDS: more than %d sockets", SOCKETS_MAX);
    for (size_t i = 0; i < sockets; i++) {
        int fd = FIRST_FD + (int)i;
        const char *name;
        size_t len = name_of(names, i, &name);
        int *slot = len == 5 && strncmp(name, "admin", 5) == 0 ? admin_fd : listen_fd;
        if (!take(fd, error))
            return false;
        if (*slot < 0)
            *slot = fd;
        else
            close(fd);
    }
    unsetenv("LISTEN_PID");
    unsetenv("LISTEN_FDS");
    unsetenv("LISTEN_FDNAMES");
    return true;
}
