#include "server/intake.h"

#include "server/clock.h"
#include "server/log.h"
#include "server/tls_session.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

/* SHORTAGE_MS: how long to leave the backlog alone when the kernel has no descriptor or memory for us. FINISH_NS: how long handshakes may
 * take yet when no more connections come. */
enum { SHORTAGE_MS = 100, TAKEN_MAX = 1024, FINISH_NS = 1000000000 };

static void wake(const struct intake *intake)
{
    uint64_t one = 1;
    while (write(intake->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* The emptiest seat, the first of several; NULL when all are full. */
static struct intake_seat *find_seat(const struct intake *intake)
{
    struct intake_seat *found = NULL;
    size_t least = intake->each_max;
    for (size_t i = 0; i < intake->seats; i++) {
        size_t taken = intake->seat[i].taken;
        if (taken < least) {
            least = taken;
            found = &intake->seat[i];
        }
    }
    return found;
}

/* The pipe holds thousands of these; a worker that has not looked for so long is waited for. */
static bool send_message(const struct intake_seat *seat, struct intake_message message)
{
    ssize_t sent;
    do
        sent = write(seat->write_fd, &message, sizeof message);
    while (sent < 0 && errno == EINTR);
    return sent == sizeof message;
}

static void turn_away(struct intake_seat *seat, int fd, struct tls_session *session)
{
    tls_session_free(session);
    close(fd);
    intake_leave(seat);
}

static void give(struct intake_seat *seat, int fd, bool is_admin, struct tls_session *session)
{
    if (!send_message(seat, (struct intake_message){fd, is_admin, session}))
        turn_away(seat, fd, session);
}

static void on_handshake_end(int fd, void *user, struct tls_session *session)
{
    struct intake_door *door = user;
    if (session)
        give(door->seat, fd, door->is_admin, session);
    else
        turn_away(door->seat, fd, NULL);
}

/* A new connection: to its worker, or to shake hands first. */
static void let_in(struct intake *intake, struct intake_seat *seat, int fd, bool is_admin)
{
    seat->taken++;
    if (intake->handshakes.tls)
        handshakes_begin(&intake->handshakes, fd, &seat->door[is_admin]);
    else
        give(seat, fd, is_admin, NULL);
}

/* Takes what waits in the backlog while there are seats, TAKEN_MAX connections at the most. Returns how long to
 * leave the rest alone, in milliseconds. */
static int take_all(struct intake *intake, int listen_fd)
{
    for (size_t taken = 0; taken < TAKEN_MAX; taken++) {
        struct intake_seat *seat = find_seat(intake);
        if (!seat)
            break;
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            let_in(intake, seat, fd, listen_fd == intake->admin_fd);
            continue;
        }
        if (errno == EAGAIN)
            break;
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("no new connections for a while: %s", strerror(errno));
            return SHORTAGE_MS;
        }
        /* anything else is that one connection's own end */
    }
    return 0;
}

static int take_both(struct intake *intake)
{
    int pause_ms = take_all(intake, intake->listen_fd);
    if (intake->admin_fd >= 0 && pause_ms == 0)
        pause_ms = take_all(intake, intake->admin_fd);
    return pause_ms;
}

static void close_sockets(struct intake *intake)
{
    if (intake->listen_fd >= 0)
        close(intake->listen_fd);
    if (intake->admin_fd >= 0)
        close(intake->admin_fd);
    intake->listen_fd = intake->admin_fd = -1;
}

static void finish_handshakes(struct handshakes *handshakes)
{
    int64_t end_ns = clock_ns() + FINISH_NS;
    while (handshakes->first && clock_ns() < end_ns) {
        struct pollfd poll_fd = {.fd = handshakes->epoll_fd, .events = POLLIN};
        poll(&poll_fd, 1, 10);
        handshakes_run(handshakes);
    }
    handshakes_close(handshakes);
}

/* 0 when it is over. */
static int millis_until(int64_t at_ns)
{
    int64_t left_ns = at_ns ? at_ns - clock_ns() : 0;
    return left_ns > 0 ? (int)(left_ns / 1000000) + 1 : 0;
}

static void *run(void *at)
{
    struct intake *intake = at;
    int64_t rest_ns = 0; /* until then the backlog is left alone */
    bool has_tls = intake->handshakes.tls;
    while (!intake->is_stopping) {
        intake->is_full = true; /* said before the look, so that no leaving goes unheard */
        bool is_full = !find_seat(intake);
        intake->is_full = is_full;
        int pause_ms = millis_until(rest_ns);
        struct pollfd poll_fd[] = {
            {.fd = intake->wake_fd, .events = POLLIN},
            {.fd = is_full || pause_ms ? -1 : intake->listen_fd, .events = POLLIN},
            {.fd = is_full || pause_ms ? -1 : intake->admin_fd, .events = POLLIN},
            {.fd = has_tls ? intake->handshakes.epoll_fd : -1, .events = POLLIN},
        };
        int handshake_ms = has_tls ? handshakes_pause_ms(&intake->handshakes) : -1;
        bool is_rest_first = pause_ms && (handshake_ms < 0 || pause_ms < handshake_ms);
        poll(poll_fd, 4, is_rest_first ? pause_ms : handshake_ms);
        if (poll_fd[0].revents) {
            uint64_t count;
            while (read(intake->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
                ;
        }
        if (has_tls)
            handshakes_run(&intake->handshakes);
        if (millis_until(rest_ns) == 0) {
            pause_ms = take_both(intake);
            rest_ns = pause_ms ? clock_ns() + (int64_t)pause_ms * 1000000 : 0;
        }
    }
    take_both(intake);     /* who is in the backlog has been told that the connection stands */
    close_sockets(intake); /* at once: who comes between is told so, too, and is cut */
    if (has_tls)
        finish_handshakes(&intake->handshakes);
    return NULL;
}

static bool open_seat(struct intake *intake, struct intake_seat *seat)
{
    int pipe_fd[2];
    if (pipe2(pipe_fd, O_CLOEXEC) != 0)
        return false;
    *seat = (struct intake_seat){.intake = intake,
                                 .read_fd = pipe_fd[0],
                                 .write_fd = pipe_fd[1],
                                 .door = {{seat, false}, {seat, true}}};
    return fcntl(seat->read_fd, F_SETFL, O_NONBLOCK) == 0;
}

bool intake_init(struct intake *intake, size_t seats, size_t each_max, struct relud_error *error)
{
    *intake = (struct intake){.each_max = each_max, .listen_fd = -1, .admin_fd = -1};
    intake->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    intake->seat = calloc(seats, sizeof *intake->seat);
    if (!intake->seat)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    while (intake->seats < seats && open_seat(intake, &intake->seat[intake->seats]))
        intake->seats++;
    return (intake->seats == seats && intake->wake_fd >= 0) ||
           relud_fail(error, RELUD_IO, "the workers' pipes: %s", strerror(errno));
}

bool intake_use_tls(struct intake *intake, struct tls *tls, size_t limit_ms,
                    struct relud_error *error)
{
    return handshakes_open(&intake->handshakes, tls, (int64_t)limit_ms * 1000000, on_handshake_end,
                           error);
}

bool intake_start(struct intake *intake, int listen_fd, int admin_fd, struct relud_error *error)
{
    intake->listen_fd = listen_fd;
    intake->admin_fd = admin_fd;
    int failure = pthread_create(&intake->thread, NULL, run, intake);
    intake->is_started = failure == 0;
    return intake->is_started ||
           relud_fail(error, RELUD_IO, "no thread for connections: %s", strerror(failure));
}

void intake_stop(struct intake *intake)
{
    if (intake->is_started) {
        intake->is_stopping = true;
        wake(intake);
        pthread_join(intake->thread, NULL);
        intake->is_started = false;
    }
    close_sockets(intake);
}

void intake_reset(struct intake *intake)
{
    if (!intake->seat)
        return;
    intake_stop(intake);
    if (intake->handshakes.tls)
        handshakes_close(&intake->handshakes);
    if (intake->wake_fd >= 0)
        close(intake->wake_fd);
    for (size_t i = 0; i < intake->seats; i++) {
        close(intake->seat[i].read_fd);
        close(intake->seat[i].write_fd);
    }
    free(intake->seat);
    intake->seat = NULL;
}

void intake_call_all(struct intake *intake)
{
    for (size_t i = 0; i < intake->seats; i++)
        send_message(&intake->seat[i], (struct intake_message){.fd = -1});
}

bool intake_take(struct intake_seat *seat, struct intake_message *message)
{
    return read(seat->read_fd, message, sizeof *message) == sizeof *message;
}

void intake_leave(struct intake_seat *seat)
{
    seat->taken--;
    if (seat->intake->is_full)
        wake(seat->intake);
}
