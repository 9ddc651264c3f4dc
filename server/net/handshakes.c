#include "server/net/handshakes.h"

#include "server/base/clock.h"
#include "server/net/tls_session.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

struct handshake {
    struct list_node node;
    int fd;
    uint32_t events; /* the epoll events it waits for; 0: not in the epoll set */
    struct tls_session *session;
    int64_t end_ns;
    void *user;
};

bool handshakes_open(struct handshakes *handshakes, struct tls *tls, int64_t limit_ns,
                     handshake_end_fn *on_end, struct relud_error *error)
{
    *handshakes = (struct handshakes){.tls = tls, .limit_ns = limit_ns, .on_end = on_end};
    handshakes->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    return handshakes->epoll_fd >= 0 || relud_fail(error, RELUD_IO, "epoll: %s", strerror(errno));
}

static void end(struct handshakes *handshakes, struct handshake *handshake, bool is_shaken)
{
    list_remove(&handshakes->list, handshake);
    if (handshake->events)
        epoll_ctl(handshakes->epoll_fd, EPOLL_CTL_DEL, handshake->fd, NULL);
    if (!is_shaken) {
        tls_session_free(handshake->session);
        handshake->session = NULL;
    }
    handshakes->on_end(handshake->fd, handshake->user, handshake->session);
    free(handshake);
}

/* Fails the handshakes whose time has run out by now_ns. */
static void end_late(struct handshakes *handshakes, int64_t now_ns)
{
    for (struct handshake *at = handshakes->list.first, *next; at && at->end_ns <= now_ns;
         at = next) {
        next = at->node.next;
        end(handshakes, at, false);
    }
}

void handshakes_close(struct handshakes *handshakes)
{
    end_late(handshakes, INT64_MAX);
    close(handshakes->epoll_fd);
    handshakes->tls = NULL;
}

static bool wait_for(const struct handshakes *handshakes, struct handshake *handshake,
                     uint32_t events)
{
    if (handshake->events == events)
        return true;
    struct epoll_event event = {.events = events, .data = {.ptr = handshake}};
    int change = handshake->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    handshake->events = events;
    return epoll_ctl(handshakes->epoll_fd, change, handshake->fd, &event) == 0;
}

static void go_on(struct handshakes *handshakes, struct handshake *handshake)
{
    enum tls_progress progress = tls_session_shake(handshake->session);
    if (progress == TLS_SHAKEN)
        end(handshakes, handshake, true);
    else if (progress == TLS_FAILED ||
             !wait_for(handshakes, handshake, progress == TLS_READS ? EPOLLIN : EPOLLOUT))
        end(handshakes, handshake, false);
}

void handshakes_begin(struct handshakes *handshakes, int fd, void *user)
{
    struct handshake *handshake = calloc(1, sizeof *handshake);
    struct tls_session *session = handshake ? tls_session_open(handshakes->tls, fd) : NULL;
    if (!session) {
        free(handshake);
        handshakes->on_end(fd, user, NULL);
        return;
    }
    *handshake = (struct handshake){
        .fd = fd, .session = session, .user = user, .end_ns = clock_ns() + handshakes->limit_ns};
    /* A flight of handshake messages must not wait until the last one is acknowledged. */
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    list_append(&handshakes->list, handshake);
    if (!wait_for(handshakes, handshake, EPOLLIN)) /* the client speaks first */
        end(handshakes, handshake, false);
}

void handshakes_run(struct handshakes *handshakes)
{
    enum { EVENTS_MAX = 16 };
    struct epoll_event event[EVENTS_MAX];
    int count = epoll_wait(handshakes->epoll_fd, event, EVENTS_MAX, 0);
    for (int i = 0; i < count; i++)
        go_on(handshakes, event[i].data.ptr);
    end_late(handshakes, clock_ns());
}

int handshakes_pause_ms(const struct handshakes *handshakes)
{
    const struct handshake *oldest = handshakes->list.first;
    if (!oldest)
        return -1;
    int64_t left_ns = oldest->end_ns - clock_ns();
    return left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
}
