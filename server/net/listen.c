#include "server/net/listen.h"

#include "server/base/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024 };

static int open_one(const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return -1;
    int on = 1, off = 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (info->ai_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    if (bind(fd, info->ai_addr, info->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    int failure = errno;
    close(fd);
    errno = failure;
    return -1;
}

void listen_show(int fd, char *shown, size_t shown_size)
{
    struct sockaddr_storage bound;
    socklen_t len = sizeof bound;
    char host[INET6_ADDRSTRLEN] = "?", port[8] = "?";
    if (getsockname(fd, (struct sockaddr *)&bound, &len) == 0)
        getnameinfo((struct sockaddr *)&bound, len, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV);
    address_print(shown, shown_size, host, port);
}

int listen_open(const char *option, const char *address, char *shown, size_t shown_size,
                struct relud_error *error)
{
    char host[ADDRESS_HOST_SIZE], port[ADDRESS_PORT_SIZE];
    if (!address_read_listen(option, address, host, port, error))
        return -1;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int failure = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
    if (failure) {
        relud_fail(error, RELUD_BAD_INPUT, "%s %s: %s", option, address, gai_strerror(failure));
        return -1;
    }
    int fd = -1;
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next)
        fd = open_one(at);
    int refusal = errno;
    freeaddrinfo(found);
    if (fd < 0)
        relud_fail(error, RELUD_IO, "%s %s: %s", option, address, strerror(refusal));
    else
        listen_show(fd, shown, shown_size);
    return fd;
}
