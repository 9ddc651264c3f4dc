#include "server/client/connect.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

int connect_to(const struct address *address, int patience_s, struct relud_error *error)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    int failure = getaddrinfo(address->host, address->port, &hints, &found), fd = -1;
    if (failure != 0) {
        relud_fail(error, RELUD_IO, "%s: %s", address->host, gai_strerror(failure));
        return -1;
    }
    for (const struct addrinfo *at = found; at && fd < 0; at = at->ai_next) {
        fd = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct timeval patience = {.tv_sec = patience_s};
        if (fd >= 0) {
            setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
        }
        if (fd >= 0 && connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
            int why = errno;
            close(fd);
            fd = -1;
            errno = why;
        }
    }
    freeaddrinfo(found);
    if (fd < 0)
        relud_fail(error, RELUD_IO, "%s:%s: %s", address->host, address->port, strerror(errno));
    return fd;
}

ssize_t connect_send(int fd, struct tls_client *tls, const void *bytes, size_t len)
{
    return tls ? tls_client_send(tls, bytes, len) : sendto(fd, bytes, len, MSG_NOSIGNAL, NULL, 0);
}

ssize_t connect_recv(int fd, struct tls_client *tls, void *bytes, size_t size)
{
    return tls ? tls_client_recv(tls, bytes, size) : recvfrom(fd, bytes, size, 0, NULL, NULL);
}
