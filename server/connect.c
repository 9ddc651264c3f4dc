#include "server/connect.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static bool fail(struct relud_error *error, const char *text)
{
    return relud_fail(error, RELUD_BAD_INPUT, "%.200s: http://HOST:PORT/PATH is wanted", text);
}

bool address_read(const char *text, struct address *address, struct relud_error *error)
{
    const char *at = text;
    address->is_tls = strncasecmp(at, "https://", 8) == 0;
    if (address->is_tls || strncasecmp(at, "http://", 7) == 0)
        at += address->is_tls ? 8 : 7;
    const char *slash = at + strcspn(at, "/?#"), *port = NULL;
    const char *host = at, *host_end;
    if (*at == '[') {
        host_end = memchr(at, ']', (size_t)(slash - at));
        if (!host_end)
            return fail(error, text);
        host++;
        at = host_end + 1;
    } else {
        host_end = memchr(at, ':', (size_t)(slash - at));
        if (!host_end)
            host_end = slash;
        at = host_end;
    }
    size_t host_len = (size_t)(host_end - host), port_len = 0;
    if (at < slash && *at == ':') {
        port = at + 1;
        port_len = (size_t)(slash - port);
    } else if (at < slash) {
        return fail(error, text);
    }
    if (host_len >= sizeof address->host || port_len >= sizeof address->port ||
        (port && (port_len == 0 || strspn(port, "0123456789") < port_len)))
        return fail(error, text);
    snprintf(address->host, sizeof address->host, "%.*s", host_len ? (int)host_len : 9,
             host_len ? host : "127.0.0.1");
    snprintf(address->port, sizeof address->port, "%.*s", port ? (int)port_len : 3,
             port              ? port
             : address->is_tls ? "443"
                               : "80");
    size_t path_len = strcspn(slash, "#");
    if (path_len >= sizeof address->path - 1)
        return fail(error, text);
    snprintf(address->path, sizeof address->path, "%s%.*s", *slash == '/' ? "" : "/", (int)path_len,
             slash);
    return true;
}

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
