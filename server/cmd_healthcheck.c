/* relud healthcheck: one GET /readyz, for containers that hold no curl. */
#include "server/commands.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { PATIENCE_S = 3 };

static int connect_to(const char *host, const char *port)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0)
        return -1;
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = PATIENCE_S};
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        }
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            close(fd);
            fd = -1;
        }
    }
    freeaddrinfo(found);
    return fd;
}

int cmd_healthcheck(int argc, char **argv)
{
    char host[128] = "127.0.0.1";
    const char *port = "8080";
    if (argc > 2) {
        fprintf(stderr, "relud: healthcheck: one ADDR:PORT is wanted\n");
        return 2;
    }
    if (argc > 1) {
        const char *colon = strrchr(argv[1], ':');
        size_t len = colon ? (size_t)(colon - argv[1]) : 0;
        if (!colon || len >= sizeof host) {
            fprintf(stderr, "relud: healthcheck: %.100s: ADDR:PORT is wanted\n", argv[1]);
            return 2;
        }
        if (len) {
            memcpy(host, argv[1], len);
            host[len] = '\0';
        }
        port = colon + 1;
    }
    static const char request[] =
        "GET /readyz HTTP/1.1\r\nHost: relud\r\nConnection: close\r\n\r\n";
    char answer[16] = "";
    int fd = connect_to(host, port);
    bool is_ready =
        fd >= 0 &&
        send(fd, request, sizeof request - 1, MSG_NOSIGNAL) == (ssize_t)sizeof request - 1 &&
        recv(fd, answer, sizeof answer - 1, MSG_WAITALL) > 0 &&
        strncmp(answer, "HTTP/1.1 200", 12) == 0;
    if (fd >= 0)
        close(fd);
    if (!is_ready)
        fprintf(stderr, "relud: healthcheck: %s:%s is not ready\n", host, port);
    return is_ready ? 0 : 1;
}
