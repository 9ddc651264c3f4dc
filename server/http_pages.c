/* libmicrohttpd answers some errors itself, before any handler is called: headers over the memory limit, a malformed
 * request line or chunk, a version it does not speak. Its pages are HTML (0.9.75 sends the head of some twice) and nothing
 * in its interface changes them. So the program defines the two functions the library sends with: what leaves unchanged
 * is our answers, known by their X-Request-Id; a page of the library's own is replaced by the contract's JSON.
 *
 * Wrong would be to guess: the only heads without that field are the library's own and 100 Continue. */
#include "server/http_inside.h"

#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static const char *reason_of(int code)
{
    switch (code) {
    case 413:
        return "the body is too long";
    case 414:
        return "the request line is too long";
    case 431:
        return "the request's headers are too long";
    case 505:
        return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    default:
        return code >= 500 ? "the request could not be handled" : "the request is malformed";
    }
}

/* The connection whose page went out last: the rest of that page, and its second head, are dropped. */
static _Thread_local int page_fd = -1;

void http_page_forget(int fd)
{
    if (page_fd == fd)
        page_fd = -1;
}

static bool begins(const char *bytes, size_t len, const char *with)
{
    size_t with_len = strlen(with);
    return len >= with_len && memcmp(bytes, with, with_len) == 0;
}

static bool is_page_head(const char *bytes, size_t len)
{
    return begins(bytes, len, "HTTP/1.1 ") && !begins(bytes, len, "HTTP/1.1 100 ") &&
           !memmem(bytes, len, "X-Request-Id:", 13);
}

/* Sends the page's replacement, once. */
static void send_replacement(int fd, const char *head)
{
    char answer[512], body[128];
    if (page_fd == fd)
        return;
    page_fd = fd;
    int code = atoi(head + 9);
    int line = (int)strcspn(head, "\r\n");
    int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", reason_of(code));
    len = snprintf(answer, sizeof answer,
                   "%.*s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: "
                   "close\r\n\r\n%s",
                   line < 80 ? line : 80, head, len, body);
    struct iovec part = {answer, (size_t)len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    syscall(SYS_sendmsg, fd, &message,
            MSG_NOSIGNAL | MSG_DONTWAIT); /* a client that takes none gets none */
}

/* True when the bytes are a page's, and have been dealt with. */
static bool is_replaced(int fd, const char *bytes, size_t len)
{
    if (is_page_head(bytes, len)) {
        char head[96];
        size_t some = len < sizeof head - 1 ? len : sizeof head - 1;
        memcpy(head, bytes, some);
        head[some] = '\0';
        send_replacement(fd, head);
        return true;
    }
    return page_fd == fd;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct iovec *first = message->msg_iov;
    if (message->msg_iovlen && is_replaced(fd, first->iov_base, first->iov_len)) {
        size_t sum = 0;
        for (size_t i = 0; i < message->msg_iovlen; i++)
            sum += message->msg_iov[i].iov_len;
        return (ssize_t)sum;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    if (is_replaced(fd, bytes, len))
        return (ssize_t)len;
    return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}
