#include "server/deadline.h"

#include "server/stream.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A round of looks at all connections takes ROUND_NS, in slices of so many at a time. One that is late takes as long as dozens that
 * are not: a slice ends behind a few. */
enum { ROUND_NS = 500000000, SLICE = 32, LATE_MAX = 6 };

/* A reader slower than this is not waited for. */
enum { ANSWER_BYTES_PER_SECOND_MIN = 4096 };

static const char late_answer[] = "HTTP/1.1 408 Request Timeout\r\n"
                                  "Content-Type: application/json\r\n"
                                  "Content-Length: 42\r\n"
                                  "Connection: close\r\n\r\n"
                                  "{\"error\":\"the request took too long here\"}";
_Static_assert(sizeof "{\"error\":\"the request took too long here\"}" - 1 == 42, "Content-Length");

void deadline_add(struct deadline_list *list, struct deadline *deadline, int fd, int64_t now_ns)
{
    *deadline = (struct deadline){.fd = fd, .next = list->first};
    if (list->first)
        list->first->before = deadline;
    list->first = deadline;
    list->len++;
    deadline->at_ns = now_ns + list->limits.header_ns;
}

void deadline_remove(struct deadline_list *list, struct deadline *deadline)
{
    if (deadline->before)
        deadline->before->next = deadline->next;
    else
        list->first = deadline->next;
    if (deadline->next)
        deadline->next->before = deadline->before;
    if (list->swept == deadline)
        list->swept = deadline->next;
    list->len--;
}

/* What the kernel knows of the connection; all zero where it says nothing. */
static struct tcp_info info_of(int fd)
{
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        memset(&info, 0, sizeof info);
    return info;
}

void deadline_enter(struct deadline_list *list, struct deadline *deadline,
                    enum deadline_phase phase, int64_t now_ns)
{
    deadline->phase = phase;
    deadline->received = stream_received(deadline->fd);
    deadline->is_looked_at = false;
    switch (phase) {
    case DEADLINE_FRESH:
    case DEADLINE_HEADER:
        deadline->at_ns = now_ns + list->limits.header_ns;
        break;
    case DEADLINE_IDLE:
    case DEADLINE_ANSWER:
        /* bytes_seen is taken at a sweep: a system call for every request would cost more */
        deadline->bytes_seen = 0;
        deadline->at_ns = now_ns + list->limits.idle_ns;
        break;
    case DEADLINE_BODY:
        deadline->at_ns = now_ns + list->limits.body_ns;
        break;
    case DEADLINE_WAIT:
        deadline->at_ns = INT64_MAX;
        break;
    }
}

static bool has_unread(int fd)
{
    int unread = 0;
    return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

/* The peer will send no more, and nothing of it is unread. libmicrohttpd 0.9.75 overlooks an end that comes together
 * with a request's last bytes, and would keep the connection for ever. */
static bool is_left(int fd, const struct tcp_info *info)
{
    enum { CLOSE_WAIT = 8 }; /* TCP_CLOSE_WAIT of the kernel's net/tcp_states.h */
    return info->tcpi_state == CLOSE_WAIT && !has_unread(fd);
}

/* Of this connection no whole request is there. The kernel is asked only where something has come since it was asked last: an end
 * that comes alone is not overlooked. */
static void watch(struct deadline_list *list, struct deadline *deadline, int64_t now_ns)
{
    uint32_t received = stream_received(deadline->fd);
    if (!deadline->is_looked_at || deadline->looked_at != received) {
        struct tcp_info info = info_of(deadline->fd);
        deadline->is_looked_at = true;
        deadline->looked_at = received;
        if (is_left(deadline->fd, &info)) {
            stream_end(deadline->fd, SHUT_RDWR); /* without a word: nothing is late */
            deadline->at_ns = INT64_MAX;
            return;
        }
    }
    if (deadline->phase == DEADLINE_IDLE && received != deadline->received)
        deadline_enter(list, deadline, DEADLINE_HEADER, now_ns);
}

/* As long as the client takes enough of it in each idle time, an answer may last. The 1 tells "nothing taken" from "not
 * yet looked at". */
static void watch_answer(const struct deadline_list *list, struct deadline *deadline,
                         int64_t now_ns)
{
    uint64_t taken = info_of(deadline->fd).tcpi_bytes_acked + 1;
    uint64_t enough = ANSWER_BYTES_PER_SECOND_MIN * (uint64_t)list->limits.idle_ns / 1000000000;
    if (deadline->bytes_seen && taken - deadline->bytes_seen < enough)
        return;
    deadline->bytes_seen = taken;
    deadline->at_ns = now_ns + list->limits.idle_ns;
}

/* libmicrohttpd does not look at a connection that waits for its handler. An end (FIN) may be half of one, and the answer
 * wanted; a reset is no such thing. */
static void watch_waiting(const struct deadline *deadline)
{
    enum { CLOSED = 7 }; /* TCP_CLOSE of the kernel's net/tcp_states.h */
    if (info_of(deadline->fd).tcpi_state == CLOSED)
        *deadline->waiting_ns = DEADLINE_GONE;
}

static void end(struct deadline *deadline)
{
    bool is_begun = deadline->phase == DEADLINE_HEADER || deadline->phase == DEADLINE_BODY ||
                    (deadline->phase == DEADLINE_FRESH && stream_received(deadline->fd) > 0);
    if (is_begun) /* a client that takes no answer gets none */
        stream_say(deadline->fd, late_answer, sizeof late_answer - 1);
    stream_end(deadline->fd, SHUT_RDWR);
    deadline->at_ns = INT64_MAX;
}

/* Some microseconds where nothing happens; up to fifty where all have sent something, or several are late. How many it looked at; the
 * round's last slice counts as a whole one. */
static size_t look_at_slice(struct deadline_list *list, int64_t now_ns)
{
    if (!list->swept)
        list->round_len = list->len;
    struct deadline *at = list->swept ? list->swept : list->first;
    size_t looked = 0;
    for (size_t late = 0; at && looked < SLICE && late < LATE_MAX; looked++, at = at->next) {
        if (at->phase != DEADLINE_ANSWER && at->at_ns != INT64_MAX)
            watch(list, at, now_ns);
        if (at->phase == DEADLINE_ANSWER && (at->bytes_seen == 0 || at->at_ns <= now_ns))
            watch_answer(list, at, now_ns);
        if (at->phase == DEADLINE_WAIT)
            watch_waiting(at);
        if (at->at_ns <= now_ns) {
            end(at);
            late++;
        }
    }
    list->swept = at;
    return at ? looked : SLICE;
}

static int64_t slice_ns(const struct deadline_list *list)
{
    size_t len = list->len > list->round_len ? list->len : list->round_len;
    return ROUND_NS / (int64_t)(1 + len / SLICE);
}

int64_t deadline_pause_ns(const struct deadline_list *list)
{
    return list->is_behind ? 0 : slice_ns(list);
}

void deadline_sweep(struct deadline_list *list, int64_t now_ns)
{
    int64_t pause_ns = slice_ns(list);
    if (now_ns - list->swept_ns >
        ROUND_NS) /* after a long pass: one round, not all that were missed */
        list->swept_ns = now_ns - ROUND_NS;
    list->is_behind = false;
    while (now_ns - list->swept_ns >= pause_ns && !list->is_behind) {
        size_t looked = look_at_slice(list, now_ns);
        list->swept_ns += pause_ns * (int64_t)looked / SLICE;
        list->is_behind = looked < SLICE; /* others first */
    }
}

void deadline_end_idle(struct deadline_list *list, int64_t now_ns)
{
    enum { QUIET_NS = 200000000 };
    for (struct deadline *at = list->first; at; at = at->next) {
        bool is_idle = at->phase == DEADLINE_IDLE, is_fresh = at->phase == DEADLINE_FRESH;
        int64_t limit_ns = is_idle ? list->limits.idle_ns : list->limits.header_ns;
        if ((is_idle || is_fresh) && now_ns - (at->at_ns - limit_ns) >= QUIET_NS &&
            (is_idle || (stream_received(at->fd) == 0 && !has_unread(at->fd))))
            stream_end(at->fd, SHUT_RD);
    }
}
