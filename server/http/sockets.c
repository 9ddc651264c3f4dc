/* Replaces the system calls that libmicrohttpd uses: bytes may go through TLS, and a page of the
 * library's own is replaced (server/http/error_pages.c). For descriptors that are no connections of
 * ours they do what the system does.
 *
 * We do not use the library's own TLS. In 0.9.75 a handshake that waits for the client keeps the
 * event loop from sleeping, and handshakes would take time from the workers. So ours are done where
 * connections are accepted (server/net/handshakes.c), and the library does not know of them. */
#include "server/http/http_private.h"

#include "server/net/stream.h"
#include <sys/socket.h>

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    ssize_t got = stream_recv(fd, bytes, len, flags);
    if (got > 0 && *MHD_get_version() == '0')
        http_mend_head(fd, bytes, (size_t)got);
    return got;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    return http_page_send(fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(fd, &message, flags);
}

int close(int fd)
{
    return stream_close(fd);
}

int shutdown(int fd, int how)
{
    if (how != SHUT_RD)
        http_say_close(fd);
    return stream_end(fd, how);
}
