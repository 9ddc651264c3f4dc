#include "server/http/deadline.h"

#include "server/batch/turn.h"
#include "server/net/stream.h"
#include <linux/tcp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A round checks all connections in ROUND_NS, in slices of 32. A late connection costs as much as
 * dozens of others, so a slice ends after LATE_MAX of them. */
enum { ROUND_NS = 500000000, SLICE = 32, LATE_MAX = 6 };

/* A client that reads a response more slowly than this is ended. */
enum { ANSWER_BYTES_PER_SECOND_MIN = 4096 };

/* After so many checks in a row in which a body does not proceed, although more of it has arrived,
 * the library cannot take it. */
enum { STUCK_LOOKS = 3 };

static const char stuck_answer[] = "HTTP/1.1 400 Bad Request\r\n"
                                   "Content-Type: application/json\r\n"
                                   "Content-Length: 50\r\n"
                                   "Connection: close\r\n\r\n"
                                   "{\"error\":\"a line of the chunked body is too long\"}";
_Static_assert(sizeof "{\"error\":\"a line of the chunked body is too long\"}" - 1 == 50,
               "Content-Length");

static const char late_answer[] = "HTTP/1.1 408 Request Timeout\r\n"
                                  "Content-Type: application/json\r\n"
                                  "Content-Length: 42\r\n"
                                  "Connection: close\r\n\r\n"
                                  "{\"error\":\"the request took too long here\"}";
_Static_assert(sizeof "{\"error\":\"the request took too long here\"}" - 1 == 42, "Content-Length");

void deadline_add(struct deadline_list *list, struct deadline *deadline, int fd, int64_t now_ns)
{
    *deadline = (struct deadline){.fd = fd, .at_ns = now_ns + list->limits.header_ns};
    list_prepend(&list->list, deadline);
    list->len++;
}

void deadline_remove(struct deadline_list *list, struct deadline *deadline)
{
    list_remove(&list->list, deadline);
    if (list->swept == deadline)
        list->swept = deadline->node.next;
    list->len--;
}

/* What the kernel knows of the connection; all zero if it tells nothing. */
static struct tcp_info info_of(int fd)
{
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t len = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        memset(&info, 0, sizeof info);
    return info;
}

void deadline_enter(struct deadline_list *list, struct deadline *deadline, enum request_state state,
                    int64_t now_ns)
{
    deadline->state = state;
    deadline->received = stream_received(deadline->fd);
    deadline->is_looked_at = false;
    deadline->unread_looks = 0;
    switch (request_state_table[state].limit) {
    case LIMIT_NONE:
        deadline->at_ns = INT64_MAX;
        break;
    case LIMIT_HEADER:
        deadline->at_ns = now_ns + list->limits.header_ns;
        break;
    case LIMIT_BODY:
        deadline->at_ns = now_ns + list->limits.body_ns;
        break;
    case LIMIT_IDLE:
    case LIMIT_READER:
        /* bytes_seen is filled at a check: a system call for every request would cost more */
        deadline->bytes_seen = 0;
        deadline->at_ns = now_ns + list->limits.idle_ns;
        break;
    }
}

static bool has_unread(int fd)
{
    int unread = 0;
    return ioctl(fd, FIONREAD, &unread) == 0 && unread > 0;
}

enum { CLOSE_WAIT = 8 }; /* TCP_CLOSE_WAIT of the kernel's net/tcp_states.h */

/* The client will send no more, and everything has been read. libmicrohttpd 0.9.75 overlooks an end
 * (FIN) that comes together with a request's last bytes, and would keep the connection for ever. */
static bool is_left(int fd, const struct tcp_info *info)
{
    return info->tcpi_state == CLOSE_WAIT && !has_unread(fd) && !stream_ahead(fd);
}

/* Checks a connection that has no whole request. The kernel is asked only if something has arrived
 * since it was last asked; the library does see an end that comes alone. */
static void watch(struct deadline_list *list, struct deadline *deadline, int64_t now_ns)
{
    uint32_t received = stream_received(deadline->fd);
    bool is_still = deadline->state == REQUEST_BODY && deadline->is_looked_at &&
                    deadline->looked_at == received && has_unread(deadline->fd);
    deadline->unread_looks = is_still ? (unsigned char)(deadline->unread_looks + 1) : 0;
    if (deadline->unread_looks == STUCK_LOOKS)
        deadline->at_ns = now_ns;
    if (!deadline->is_looked_at || deadline->looked_at != received) {
        struct tcp_info info = info_of(deadline->fd);
        deadline->is_looked_at = true;
        deadline->looked_at = received;
        if (is_left(deadline->fd, &info)) {
            stream_end(deadline->fd, SHUT_RDWR); /* silently: nothing is late */
            deadline->at_ns = INT64_MAX;
            return;
        }
    }
    if (deadline->state == REQUEST_DONE && received != deadline->received)
        deadline_enter(list, deadline, request_state_table[REQUEST_DONE].next[EVENT_BYTES], now_ns);
}

/* Extends the limit of a response as long as the client reads enough in each idle time. The 1
 * distinguishes "nothing read" from "not checked yet". */
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

/* libmicrohttpd does not look at a connection that waits for its handler. After an end (FIN) the
 * client may still want the answer; after a reset it does not. */
static void watch_waiting(struct deadline *deadline)
{
    enum { CLOSED = 7 }; /* TCP_CLOSE of the kernel's net/tcp_states.h */
    unsigned state = info_of(deadline->fd).tcpi_state;
    if (state == CLOSED)
        *deadline->waiting_ns = TURN_GONE;
    deadline->is_half_closed |= state == CLOSE_WAIT;
}

static void end(const struct deadline_list *list, struct deadline *deadline)
{
    bool is_begun = request_state_table[deadline->state].is_begun ||
                    (deadline->state == REQUEST_FRESH && stream_received(deadline->fd) > 0);
    deadline->at_ns = INT64_MAX;
    if (!is_begun) {
        stream_end(deadline->fd, SHUT_RDWR);
        return;
    }
    /* a client that does not accept the answer at once gets none */
    bool is_stuck = deadline->unread_looks >= STUCK_LOOKS;
    if (is_stuck)
        stream_say(deadline->fd, stuck_answer, sizeof stuck_answer - 1);
    else
        stream_say(deadline->fd, late_answer, sizeof late_answer - 1);
    stream_note_refusal(deadline->fd, is_stuck ? 400 : 408);
    stream_end(deadline->fd, SHUT_WR);
    stream_end_as(deadline->fd, STREAM_IS_DEAF);
    list->on_late(deadline);
}

/* Checks one slice. Takes some microseconds when nothing happens, up to fifty when all connections
 * have sent something or several are late. Returns how many it checked; the round's last slice
 * counts as a whole one. */
static size_t look_at_slice(struct deadline_list *list, int64_t now_ns)
{
    if (!list->swept)
        list->round_len = list->len;
    struct deadline *at = list->swept ? list->swept : list->list.first;
    size_t looked = 0;
    for (size_t late = 0; at && looked < SLICE && late < LATE_MAX; looked++, at = at->node.next) {
        if (at->state != REQUEST_SENDING && at->at_ns != INT64_MAX)
            watch(list, at, now_ns);
        if (at->state == REQUEST_SENDING && (at->bytes_seen == 0 || at->at_ns <= now_ns))
            watch_answer(list, at, now_ns);
        if (request_state_table[at->state].is_waiting)
            watch_waiting(at);
        if (at->at_ns <= now_ns) {
            end(list, at);
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
    /* after a long pass: one round, not all the missed ones */
    if (now_ns - list->swept_ns > ROUND_NS)
        list->swept_ns = now_ns - ROUND_NS;
    list->is_behind = false;
    while (now_ns - list->swept_ns >= pause_ns && !list->is_behind) {
        size_t looked = look_at_slice(list, now_ns);
        list->swept_ns += pause_ns * (int64_t)looked / SLICE;
        list->is_behind = looked < SLICE; /* other work comes first */
    }
}

void deadline_end_idle(struct deadline_list *list, int64_t now_ns)
{
    enum { QUIET_NS = 200000000 };
    for (struct deadline *at = list->list.first; at; at = at->node.next) {
        bool is_idle = at->state == REQUEST_DONE, is_fresh = at->state == REQUEST_FRESH;
        int64_t limit_ns = is_idle ? list->limits.idle_ns : list->limits.header_ns;
        if ((is_idle || is_fresh) && now_ns - (at->at_ns - limit_ns) >= QUIET_NS &&
            (is_idle || (stream_received(at->fd) == 0 && !has_unread(at->fd))))
            stream_end(at->fd, SHUT_RD);
    }
}
