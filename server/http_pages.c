/* libmicrohttpd answers some errors itself, before any handler is called: headers over the memory limit, a malformed
 * request line or chunk, a version it does not speak. Its pages are HTML (0.9.75 sends the head of some twice) and nothing
 * in its interface changes them. So a look is taken at all it sends (server/http_calls.c): what leaves unchanged
 * is our answers, known by their X-Request-Id; a page of the library's own is replaced by the contract's JSON.
 *
 * Wrong would be to guess: the only heads without that field are the library's own and 100 Continue. */
#include "server/http_inside.h"

#include "server/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

void http_say_error(int fd, const char *line, const char *words)
{
    char body[128], answer[512];
    int body_len = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", words);
    int len = snprintf(answer, sizeof answer,
                       "%.80s\r\nContent-Type: application/json\r\nContent-Length: "
                       "%d\r\nConnection: close\r\n\r\n%s",
                       line, body_len, body);
    stream_say(fd, answer, (size_t)len);
}

bool http_page_replace(int fd, const char *bytes, size_t len)
{
    if (!is_page_head(bytes, len))
        return fd == page_fd;
    char head[81]; /* its first line */
    size_t some = len < sizeof head - 1 ? len : sizeof head - 1;
    memcpy(head, bytes, some);
    head[some] = '\0';
    head[strcspn(head, "\r\n")] = '\0';
    if (fd != page_fd)
        http_say_error(fd, head, reason_of(atoi(head + 9)));
    page_fd = fd;
    return true;
}
