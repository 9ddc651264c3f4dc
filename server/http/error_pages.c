/* libmicrohttpd answers some errors itself, before it calls a handler or while a body arrives:
 * headers over the memory limit, a malformed request line or chunk, an unknown HTTP version. Its
 * pages are HTML (0.9.75 sends the head of some twice), and its interface cannot change them. So
 * everything that it sends passes through here (server/http/sockets.c). While one of our responses
 * is queued, the bytes are sent unchanged. While none is queued, the bytes are the library's own,
 * and a page among them is replaced by our JSON error.
 *
 * The connection's state (enum stream_sender) tells whose bytes they are; it is set when a response
 * is queued and when it has been sent. The bytes are examined only to distinguish the library's own
 * 100 Continue from its pages. */
#include "server/http/http_private.h"

#include "server/net/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERIM "HTTP/1.1 100 "

/* Per worker, since each has its own thread: the status of the last error that the library
 * reported, or 0; and whether the worker is about to close all connections. */
static _Thread_local unsigned complaint;
static _Thread_local bool is_stopping;

static const char *reason_of(int code)
{
    switch (code) {
    case 413:
        return "the body is too long";
    case 414:
        return "the request line is too long";
    case 431:
        return "the request's headers, or its query's members, are too many or too long";
    case 505:
        return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    default:
        return code >= 500 ? "the request could not be handled" : "the request is malformed";
    }
}

static bool begins(const char *bytes, size_t len, const char *with)
{
    size_t with_len = strlen(with);
    return len >= with_len && memcmp(bytes, with, with_len) == 0;
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
    stream_end_as(fd, STREAM_LINGERS);
    stream_note_refusal(fd, (unsigned)strtoul(line + strlen("HTTP/1.1 "), NULL, 10));
}

/* Sends the page's status line with our words as the body. */
static void replace_page(int fd, const char *bytes, size_t len)
{
    char head[81] = "HTTP/1.1 400 Bad Request";
    if (begins(bytes, len, "HTTP/1.1 ")) {
        size_t some = len < sizeof head - 1 ? len : sizeof head - 1;
        memcpy(head, bytes, some);
        head[some] = '\0';
        head[strcspn(head, "\r\n")] = '\0';
    }
    http_say_error(fd, head, reason_of(atoi(head + 9)));
    complaint = 0;
    stream_set_sender(fd, STREAM_SILENT);
}

ssize_t http_page_send(int fd, const struct msghdr *message, int flags)
{
    enum stream_sender sender = stream_sender(fd);
    if (sender == STREAM_ANSWER || sender == STREAM_FOREIGN || message->msg_iovlen == 0)
        return stream_send(fd, message, flags);
    const struct iovec *first = message->msg_iov;
    size_t sum = 0, interim = stream_interim(fd);
    for (size_t i = 0; i < message->msg_iovlen; i++)
        sum += message->msg_iov[i].iov_len;
    if (sender == STREAM_LIBRARY && !interim && begins(first->iov_base, first->iov_len, INTERIM))
        interim = sum;
    if (sender == STREAM_LIBRARY && interim) {
        ssize_t sent = stream_send(fd, message, flags);
        if (sent > 0)
            stream_set_interim(fd, interim > (size_t)sent ? interim - (size_t)sent : 0);
        return sent;
    }
    if (sender == STREAM_LIBRARY)
        replace_page(fd, first->iov_base, first->iov_len);
    return (ssize_t)sum;
}

void http_note_complaint(const char *words)
{
    unsigned status;
    if (sscanf(words, "Error processing request (HTTP response code is %u", &status) == 1 &&
        status >= 400 && status < 600)
        complaint = status;
}

void http_note_no_memory(void)
{
    complaint = 503;
}

void http_note_stop(void)
{
    is_stopping = true;
}

void http_say_close(int fd)
{
    char line[64];
    if (is_stopping || stream_sender(fd) != STREAM_LIBRARY || stream_ends_as(fd) != STREAM_CLOSES ||
        stream_is_over(fd) || stream_received(fd) == 0)
        return;
    unsigned status = complaint ? complaint : 400;
    complaint = 0;
    snprintf(line, sizeof line, "HTTP/1.1 %u %s", status, MHD_get_reason_phrase_for(status));
    http_say_error(fd, line, reason_of((int)status));
}
