/* What libmicrohttpd calls the system with, defined by the program: bytes may go by TLS, and a page of the library's own is replaced
 * (server/http_pages.c). Other callers, with descriptors of their own, get what the system does.
 *
 * The library has TLS of its own. In 0.9.75 a handshake that waits for the client keeps the event loop from sleeping, and
 * handshakes are work for whoever serves; so ours are done where connections come in (server/handshakes.c), and the library
 * never knows. */
#include "server/http_inside.h"

#include "server/stream.h"
#include <sys/socket.h>

ssize_t recv(int fd, void *bytes, size_t len, int flags)
{
    return stream_recv(fd, bytes, len, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct iovec *first = message->msg_iov;
    if (message->msg_iovlen && http_page_replace(fd, first->iov_base, first->iov_len)) {
        size_t sum = 0;
        for (size_t i = 0; i < message->msg_iovlen; i++)
            sum += message->msg_iov[i].iov_len;
        return (ssize_t)sum;
    }
    return stream_send(fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    const struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    return sendmsg(fd, &message, flags);
}

int shutdown(int fd, int how)
{
    return stream_end(fd, how);
}
