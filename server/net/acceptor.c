#include "server/net/acceptor.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include "server/net/tls_session.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* SHORTAGE_MS: how long the backlog is left alone when the kernel has no descriptor or memory for
 * us. TAKEN_MAX: connections accepted in a row from one socket. FINISH_NS: how long handshakes may
 * still take after acceptor_stop. */
enum { SHORTAGE_MS = 100, TAKEN_MAX = 1024, FINISH_NS = 1000000000 };

static void wake(const struct acceptor *acceptor)
{
    uint64_t one = 1;
    while (write(acceptor->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* The queue with the fewest connections, the first of several; NULL if all are full. */
static struct worker_queue *find_queue(const struct acceptor *acceptor)
{
    struct worker_queue *found = NULL;
    size_t least = acceptor->each_max;
    for (size_t i = 0; i < acceptor->queues; i++) {
        size_t taken = acceptor->queue[i].taken;
        if (taken < least) {
            least = taken;
            found = &acceptor->queue[i];
        }
    }
    return found;
}

/* Sends a message to a worker. This blocks only if the pipe is full, which takes thousands of
 * messages that the worker has not read. */
static bool send_message(const struct worker_queue *queue, struct acceptor_message message)
{
    ssize_t sent;
    do
        sent = write(queue->write_fd, &message, sizeof message);
    while (sent < 0 && errno == EINTR);
    return sent == sizeof message;
}

static void turn_away(struct worker_queue *queue, int fd, struct tls_session *session)
{
    tls_session_free(session);
    close(fd);
    acceptor_leave(queue);
}

static void give(struct worker_queue *queue, int fd, bool is_admin, struct tls_session *session)
{
    if (!send_message(queue, (struct acceptor_message){fd, is_admin, session}))
        turn_away(queue, fd, session);
}

static void on_handshake_end(int fd, void *user, struct tls_session *session)
{
    struct worker_door *door = user;
    if (session)
        give(door->queue, fd, door->is_admin, session);
    else
        turn_away(door->queue, fd, NULL);
}

/* Passes a new connection to its worker, or begins its TLS handshake first. */
static void let_in(struct acceptor *acceptor, struct worker_queue *queue, int fd, bool is_admin)
{
    queue->taken++;
    if (acceptor->handshakes.tls)
        handshakes_begin(&acceptor->handshakes, fd, &queue->door[is_admin]);
    else
        give(queue, fd, is_admin, NULL);
}

/* Accepts what waits in the backlog, at most TAKEN_MAX connections, while a worker has room.
 * Returns for how many milliseconds to leave the rest alone. */
static int take_all(struct acceptor *acceptor, int listen_fd)
{
    for (size_t taken = 0; taken < TAKEN_MAX; taken++) {
        struct worker_queue *queue = find_queue(acceptor);
        if (!queue)
            break;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            let_in(acceptor, queue, fd, listen_fd == acceptor->admin_fd);
            continue;
        }
        if (errno == EAGAIN)
            break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("no connections can be accepted for now: %s", strerror(errno));
            return SHORTAGE_MS;
        }
        /* any other error concerns only that one connection */
    }
    return 0;
}

static int take_both(struct acceptor *acceptor)
{
    int pause_ms = take_all(acceptor, acceptor->listen_fd);
    if (acceptor->admin_fd >= 0 && pause_ms == 0)
        pause_ms = take_all(acceptor, acceptor->admin_fd);
    return pause_ms;
}

static void close_sockets(struct acceptor *acceptor)
{
    if (acceptor->listen_fd >= 0)
        close(acceptor->listen_fd);
    if (acceptor->admin_fd >= 0)
        close(acceptor->admin_fd);
    acceptor->listen_fd = acceptor->admin_fd = -1;
}

static void finish_handshakes(struct handshakes *handshakes)
{
    int64_t end_ns = clock_ns() + FINISH_NS;
    while (handshakes->list.first && clock_ns() < end_ns) {
        struct pollfd poll_fd = {.fd = handshakes->epoll_fd, .events = POLLIN};
        poll(&poll_fd, 1, 10);
        handshakes_run(handshakes);
    }
    handshakes_close(handshakes);
}

/* The milliseconds from now until at_ns; 0 if at_ns is past, or 0. */
static int millis_until(int64_t at_ns)
{
    int64_t left_ns = at_ns ? at_ns - clock_ns() : 0;
    return left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
}

static void *run(void *at)
{
    struct acceptor *acceptor = at;
    int64_t rest_ns = 0; /* until then the backlog is left alone */
    bool has_tls = acceptor->handshakes.tls;
    while (!acceptor->is_stopping) {
        /* Set before looking for room: a worker that makes room after the look sees the flag and
         * wakes us. */
        acceptor->is_full = true;
        bool is_full = !find_queue(acceptor);
        acceptor->is_full = is_full;
        int pause_ms = millis_until(rest_ns);
        struct pollfd poll_fd[] = {
            {.fd = acceptor->wake_fd, .events = POLLIN},
            {.fd = is_full || pause_ms ? -1 : acceptor->listen_fd, .events = POLLIN},
            {.fd = is_full || pause_ms ? -1 : acceptor->admin_fd, .events = POLLIN},
            {.fd = has_tls ? acceptor->handshakes.epoll_fd : -1, .events = POLLIN},
        };
        int handshake_ms = has_tls ? handshakes_pause_ms(&acceptor->handshakes) : -1;
        bool is_rest_first = pause_ms && (handshake_ms < 0 || pause_ms < handshake_ms);
        poll(poll_fd, 4, is_rest_first ? pause_ms : handshake_ms);
        if (poll_fd[0].revents) {
            uint64_t count;
            while (read(acceptor->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
                ;
        }
        if (has_tls)
            handshakes_run(&acceptor->handshakes);
        if (millis_until(rest_ns) == 0) {
            pause_ms = take_both(acceptor);
            rest_ns = pause_ms ? clock_ns() + (int64_t)pause_ms * 1000000 : 0;
        }
    }
    /* Clients in the backlog are connected already, so they are served. */
    take_both(acceptor);
    /* Without delay: a client that connects between these two lines is cut off. */
    close_sockets(acceptor);
    if (has_tls)
        finish_handshakes(&acceptor->handshakes);
    return NULL;
}

static bool open_queue(struct acceptor *acceptor, struct worker_queue *queue)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return false;
    *queue = (struct worker_queue){.acceptor = acceptor,
                                   .read_fd = pipe_fd[0],
                                   .write_fd = pipe_fd[1],
                                   .door = {{queue, false}, {queue, true}}};
    return fcntl(queue->read_fd, F_SETFL, O_NONBLOCK) == 0;
}

bool acceptor_init(struct acceptor *acceptor, size_t queues, size_t each_max,
                   struct relud_error *error)
{
    *acceptor = (struct acceptor){.each_max = each_max, .listen_fd = -1, .admin_fd = -1};
    acceptor->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    acceptor->queue = calloc(queues, sizeof *acceptor->queue);
    if (!acceptor->queue)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    while (acceptor->queues < queues && open_queue(acceptor, &acceptor->queue[acceptor->queues]))
        acceptor->queues++;
    return (acceptor->queues == queues && acceptor->wake_fd >= 0) ||
           relud_fail(error, RELUD_IO, "the workers' pipes cannot be made: %s", strerror(errno));
}

bool acceptor_use_tls(struct acceptor *acceptor, struct tls *tls, size_t limit_ms,
                      struct relud_error *error)
{
    return handshakes_open(&acceptor->handshakes, tls, (int64_t)limit_ms * 1000000,
                           on_handshake_end, error);
}

bool acceptor_start(struct acceptor *acceptor, int listen_fd, int admin_fd,
                    struct relud_error *error)
{
    acceptor->listen_fd = listen_fd;
    acceptor->admin_fd = admin_fd;
    int failure = pthread_create(&acceptor->thread, NULL, run, acceptor);
    acceptor->is_started = failure == 0;
    return acceptor->is_started ||
           relud_fail(error, RELUD_IO, "the thread that accepts connections does not start: %s",
                      strerror(failure));
}

void acceptor_stop(struct acceptor *acceptor)
{
    if (acceptor->is_started) {
        acceptor->is_stopping = true;
        wake(acceptor);
        pthread_join(acceptor->thread, NULL);
        acceptor->is_started = false;
    }
    close_sockets(acceptor);
}

void acceptor_reset(struct acceptor *acceptor)
{
    if (!acceptor->queue)
        return;
    acceptor_stop(acceptor);
    if (acceptor->handshakes.tls)
        handshakes_close(&acceptor->handshakes);
    if (acceptor->wake_fd >= 0)
        close(acceptor->wake_fd);
    for (size_t i = 0; i < acceptor->queues; i++) {
        close(acceptor->queue[i].read_fd);
        close(acceptor->queue[i].write_fd);
    }
    free(acceptor->queue);
    acceptor->queue = NULL;
}

void acceptor_call_all(struct acceptor *acceptor)
{
    for (size_t i = 0; i < acceptor->queues; i++)
        send_message(&acceptor->queue[i], (struct acceptor_message){.fd = -1});
}

bool acceptor_take(struct worker_queue *queue, struct acceptor_message *message)
{
    return read(queue->read_fd, message, sizeof *message) == sizeof *message;
}

void acceptor_leave(struct worker_queue *queue)
{
    queue->taken--;
    if (queue->acceptor->is_full)
        wake(queue->acceptor);
}
