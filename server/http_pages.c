/* libmicrohttpd answers some errors itself, before any handler is called: headers over the memory limit, a malformed
 * request line or chunk, a version it does not speak. Its pages are HTML (0.9.75 sends the head of some twice) and nothing
 * in its interface changes them. So the program defines the functions the library sends with: what leaves unchanged
 * is our answers, known by their X-Request-Id; a page of the library's own is replaced by the contract's JSON.
 *
 * Wrong would be to guess: the only heads without that field are the library's own and 100 Continue. */
#include "server/http_inside.h"

#include <gnutls/gnutls.h>
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

/* Where bytes leave: a TLS session, or else a socket. */
struct way {
    int fd;
    const struct gnutls_session_int *session;
};

/* The connection whose page went out last: the rest of that page, and its second head, are dropped. */
static _Thread_local struct way page_way = {-1, NULL};

static bool is_page_way(struct way way)
{
    return way.session ? way.session == page_way.session : way.fd == page_way.fd;
}

void http_page_forget(int fd, const struct gnutls_session_int *session)
{
    if (is_page_way((struct way){fd, session}))
        page_way = (struct way){-1, NULL};
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

/* The page's answer in `answer`[512]; its length. */
static size_t write_replacement(const char *head, char *answer)
{
    char body[128];
    int code = atoi(head + 9);
    int line = (int)strcspn(head, "\r\n");
    int len = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", reason_of(code));
    return (size_t)snprintf(
        answer, 512,
        "%.*s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: "
        "close\r\n\r\n%s",
        line < 80 ? line : 80, head, len, body);
}

/* True when the bytes are a page's, of which nothing more is to go out. Where its replacement is due, once, it is in `answer`[512] and
 * *answer_len is its length, 0 otherwise. */
static bool is_replaced(struct way way, const char *bytes, size_t len, char *answer,
                        size_t *answer_len)
{
    *answer_len = 0;
    if (!is_page_head(bytes, len))
        return is_page_way(way);
    char head[96];
    size_t some = len < sizeof head - 1 ? len : sizeof head - 1;
    memcpy(head, bytes, some);
    head[some] = '\0';
    if (!is_page_way(way))
        *answer_len = write_replacement(head, answer);
    page_way = (struct way){way.session ? -1 : way.fd, way.session};
    return true;
}

/* A client that takes no replacement gets none. */
static bool is_replaced_on_socket(int fd, const char *bytes, size_t len)
{
    char answer[512];
    struct iovec part = {.iov_base = answer};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    bool is_page = is_replaced((struct way){.fd = fd}, bytes, len, answer, &part.iov_len);
    if (part.iov_len)
        syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return is_page;
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    const struct iovec *first = message->msg_iov;
    if (message->msg_iovlen && is_replaced_on_socket(fd, first->iov_base, first->iov_len)) {
        size_t sum = 0;
        for (size_t i = 0; i < message->msg_iovlen; i++)
            sum += message->msg_iov[i].iov_len;
        return (ssize_t)sum;
    }
    return syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t send(int fd, const void *bytes, size_t len, int flags)
{
    if (is_replaced_on_socket(fd, bytes, len))
        return (ssize_t)len;
    return syscall(SYS_sendto, fd, bytes, len, flags, NULL, 0);
}

/* As the library's own: no padding, no flags. */
ssize_t gnutls_record_send(gnutls_session_t session, const void *bytes, size_t len)
{
    char answer[512];
    size_t answer_len;
    if (!is_replaced((struct way){.fd = -1, .session = session}, bytes, len, answer, &answer_len))
        return gnutls_record_send2(session, bytes, len, 0, 0);
    if (answer_len)
        tls_say(session, answer, answer_len);
    return (ssize_t)len;
}
