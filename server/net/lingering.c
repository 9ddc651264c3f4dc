#include "server/net/lingering.h"

#include "server/net/stream.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SWEEP_NS INT64_C(250000000)
enum { EVENTS_MAX = 16, PIECE_BYTES = 256 * 1024 };

struct lingerer {
    struct list_node node;
    int fd;
    uint64_t bytes; /* bytes dropped so far */
    int64_t begin_ns, heard_ns;
};

bool lingering_open(struct lingering *lingering, const struct lingering_limits *limits,
                    void (*on_end)(void *user), void *user)
{
    *lingering = (struct lingering){.epoll_fd = epoll_create1(EPOLL_CLOEXEC),
                                    .limits = *limits,
                                    .on_end = on_end,
                                    .user = user};
    return lingering->epoll_fd >= 0;
}

static void end(struct lingering *lingering, struct lingerer *lingerer)
{
    list_remove(&lingering->list, lingerer);
    lingering->len--;
    stream_let_go(lingerer->fd);
    free(lingerer);
    lingering->on_end(lingering->user);
}

void lingering_close(struct lingering *lingering)
{
    for (struct lingerer *at = lingering->list.first, *next; at; at = next) {
        next = at->node.next;
        end(lingering, at);
    }
    if (lingering->epoll_fd >= 0)
        close(lingering->epoll_fd);
    lingering->epoll_fd = -1;
}

bool lingering_take(struct lingering *lingering, int fd, int64_t now_ns)
{
    struct lingerer *lingerer = malloc(sizeof *lingerer);
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data = {.ptr = lingerer}};
    if (!lingerer || epoll_ctl(lingering->epoll_fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        free(lingerer);
        return false;
    }
    syscall(SYS_shutdown, fd, SHUT_WR);
    *lingerer = (struct lingerer){.fd = fd, .begin_ns = now_ns, .heard_ns = now_ns};
    list_append(&lingering->list, lingerer);
    if (++lingering->len > lingering->limits.clients)
        end(lingering, lingering->list.first);
    return true;
}

/* MSG_TRUNC lets the kernel discard TCP's bytes without copying them (tcp(7)). */
static void drop(struct lingering *lingering, struct lingerer *lingerer, int64_t now_ns)
{
    static char nowhere[PIECE_BYTES]; /* never written to, so it takes no memory */
    ssize_t got = syscall(SYS_recvfrom, lingerer->fd, nowhere, sizeof nowhere,
                          MSG_TRUNC | MSG_DONTWAIT, NULL, NULL);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    lingerer->heard_ns = now_ns;
    if (got > 0)
        lingerer->bytes += (uint64_t)got;
    if (got <= 0 || lingerer->bytes > lingering->limits.bytes)
        end(lingering, lingerer);
}

static void end_late(struct lingering *lingering, int64_t now_ns)
{
    const struct lingering_limits *limits = &lingering->limits;
    int64_t quiet_ns = lingering->is_hurried ? limits->hurried_ns : limits->quiet_ns;
    for (struct lingerer *at = lingering->list.first, *next; at; at = next) {
        next = at->node.next;
        if (now_ns - at->begin_ns > limits->all_ns || now_ns - at->heard_ns > quiet_ns)
            end(lingering, at);
    }
}

void lingering_run(struct lingering *lingering, int64_t now_ns)
{
    struct epoll_event event[EVENTS_MAX];
    int count = epoll_wait(lingering->epoll_fd, event, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++)
        drop(lingering, event[i].data.ptr, now_ns);
    if (now_ns - lingering->swept_ns > SWEEP_NS / (lingering->is_hurried ? 10 : 1)) {
        lingering->swept_ns = now_ns;
        end_late(lingering, now_ns);
    }
}
