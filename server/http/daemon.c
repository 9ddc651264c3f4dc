#include "server/http/http_private.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include "server/net/stream.h"
#include "server/net/tls_session.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* The request line, headers and read buffer of one connection share this memory; the first pieces
 * of the body are read into what is left. The library clears it after every request, so a larger
 * one would cost time. 32 KB hold the digits model's usual bodies in one piece. */
enum { CONNECTION_MEMORY_BYTES = 32 * 1024 };

/* True if this connection came in at the admin address. */
static bool take_admin(struct http *http, int fd)
{
    for (size_t i = 0; i < http->admins_len; i++)
        if (http->admin_fd[i] == fd) {
            http->admin_fd[i] = http->admin_fd[--http->admins_len];
            return true;
        }
    return false;
}

/* The times are those of nginx and Apache; the bytes are what a fast line transfers in them. */
static const struct lingering_limits lingering_limits = {.all_ns = INT64_C(30000000000),
                                                         .quiet_ns = INT64_C(5000000000),
                                                         .hurried_ns = INT64_C(200000000),
                                                         .bytes = (uint64_t)1 << 30,
                                                         .clients = 1024};

static void leave(void *at)
{
    struct http *http = at;
    counter_add(&http->service->shard->connections, (uint64_t)-1);
    acceptor_leave(http->queue);
}

/* Makes the library notice that this connection has ended: when it reads from a STREAM_IS_DEAF
 * connection, it sees an end. Suspending and resuming makes it read. If its buffer is full it does
 * not read, and its own timeout of one second ends the connection. */
static void on_late(struct deadline *deadline)
{
    struct http_connection *link = (struct http_connection *)deadline; /* its first member */
    MHD_set_connection_option(link->connection, MHD_CONNECTION_OPTION_TIMEOUT, 1u);
    MHD_suspend_connection(link->connection);
    MHD_resume_connection(link->connection);
}

static const struct sockaddr *address_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    return info ? info->client_addr : NULL;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct http_connection *link = calloc(1, sizeof *link);
        *slot = link;
        http->added_len -= http->added_len > 0;
        counter_add(&http->service->shard->connections, 1);
        if (link && info) {
            link->connection = connection;
            link->is_admin = take_admin(http, info->connect_fd);
            if (http->service->access)
                http_log_connection(link, address_of(connection));
            deadline_add(&http->deadlines, &link->deadline, info->connect_fd, clock_ns());
        }
        return;
    }
    struct http_connection *link = *slot;
    bool is_lingering = false;
    if (info)
        http_say_close(info->connect_fd); /* the library does not always call shutdown before */
    if (link && http->service->access)
        http_log_refusal(http, link);
    if (info) {
        int fd = info->connect_fd;
        is_lingering =
            stream_ends_as(fd) != STREAM_CLOSES && lingering_take(&http->lingering, fd, clock_ns());
        stream_forget(fd);
        if (is_lingering)
            stream_keep_open(fd);
    }
    if (link)
        deadline_remove(&http->deadlines, &link->deadline);
    free(link);
    *slot = NULL;
    if (!is_lingering)
        leave(http);
}

/* The code that needs the URL decodes it: %00 and %2f must not change their meaning on the way. */
static size_t keep_escaped(void *cls, struct MHD_Connection *connection, char *text)
{
    (void)cls, (void)connection;
    return strlen(text);
}

static void __attribute__((format(printf, 2, 0)))
on_library_message(void *cls, const char *format, va_list args)
{
    (void)cls;
    char words[256];
    relud_vline(words, sizeof words, format, args);
    log_debug("libmicrohttpd: %s", words);
    http_note_complaint(words);
}

/* Connections are accepted and counted by the acceptor, so the library has no limit of its own. */
static bool start_daemon(struct http *http)
{
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, http_request_on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
        on_library_message, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED,
        http_request_on_completed, http, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
#if MHD_VERSION >= 0x01000000
        MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
        MHD_OPTION_END);
    return http->daemon != NULL;
}

struct http *http_open(struct service *service, struct worker_queue *queue, bool is_suspending,
                       struct relud_error *error)
{
    const struct config *config = service->config;
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    http->service = service;
    http->queue = queue;
    http->deadlines.on_late = on_late;
    http->is_suspending = is_suspending;
    http->is_called_again = http_calls_again();
    service->long_work.is_whole = !http->is_called_again;
    http->deadlines.limits = (struct deadline_limits){
        .header_ns = (int64_t)config->header_timeout_ms * 1000000,
        .body_ns = (int64_t)config->body_timeout_ms * 1000000,
        .idle_ns = (int64_t)config->idle_timeout_ms * 1000000,
    };
    if (getrandom(&http->id_state, sizeof http->id_state, 0) != sizeof http->id_state)
        http->id_state = (uint64_t)clock_ns();
    service->turn.on_done = is_suspending ? http_request_on_done : NULL;
    if (!lingering_open(&http->lingering, &lingering_limits, leave, http)) {
        relud_fail(error, RELUD_IO, "the event loop does not start: %s", strerror(errno));
        free(http);
        return NULL;
    }
    if (!start_daemon(http)) {
        relud_fail(error, RELUD_IO, "libmicrohttpd does not start: %s", strerror(errno));
        lingering_close(&http->lingering);
        free(http);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->epoll_fd = info ? info->epoll_fd : -1;
    return http;
}

/* How many new connections one run takes in. The limit keeps thousands of new ones from delaying
 * the existing ones. It grows with the time since the last run, so that those that arrive during a
 * long pass need not wait for many more runs. One costs about thirty microseconds. */
static int64_t messages_now(const struct http *http)
{
    enum { LEAST = 8, NS_EACH = 64000 };
    return LEAST + (clock_ns() - http->ran_ns) / NS_EACH;
}

/* Adds the connections that the acceptor has sent. Some versions of the library announce them at
 * once, others at the next run. */
static void take_messages(struct http *http, int64_t most)
{
    struct acceptor_message message;
    for (; most > 0 && http->admins_len < HTTP_ADMINS_MAX && acceptor_take(http->queue, &message);
         most--) {
        if (message.fd < 0)
            continue;
        if (!stream_set(message.fd, message.session)) {
            tls_session_free(message.session);
            close(message.fd);
            acceptor_leave(http->queue);
            continue;
        }
        struct sockaddr_storage from = {.ss_family = AF_INET};
        socklen_t from_len = sizeof from;
        getpeername(message.fd, (struct sockaddr *)&from,
                    &from_len); /* a client that has left is noticed soon */
        if (message.is_admin)
            http->admin_fd[http->admins_len++] = message.fd;
        http->added_len++;
        MHD_add_connection(http->daemon, message.fd, (struct sockaddr *)&from, from_len);
    }
}

/* Counts off connections that were added but never announced: the library had no memory for them
 * and closed them silently. Their TLS sessions remain until their descriptor numbers are used
 * again. */
static void leave_lost(struct http *http)
{
    for (; http->added_len; http->added_len--)
        acceptor_leave(http->queue);
    http->admins_len = 0;
}

/* Waits for work. True if the acceptor has sent something. */
static bool wait_for_work(struct http *http, int64_t wait_us)
{
    MHD_UNSIGNED_LONG_LONG library_ms;
    if (MHD_get_timeout(http->daemon, &library_ms) == MHD_YES && library_ms < 1000000 &&
        (int64_t)library_ms * 1000 < wait_us)
        wait_us = (int64_t)library_ms * 1000;
    if (wait_us == 0)
        return false;
    const struct turn *turn = &http->service->turn;
    enum { OFFERED_US = 100 }; /* other workers hold the last pieces of their passes, for now */
    if (turn->crew && !crew_may_sleep(turn->crew, turn->worker) && wait_us > OFFERED_US)
        wait_us = OFFERED_US;
    struct pollfd poll_fd[] = {
        {.fd = http->epoll_fd, .events = POLLIN},
        {.fd = http->queue->read_fd, .events = POLLIN},
        {.fd = http->lingering.len ? http->lingering.epoll_fd : -1, .events = POLLIN},
        {.fd = turn->crew ? crew_fd(turn->crew, turn->worker) : -1, .events = POLLIN},
    };
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    bool is_ready = ppoll(poll_fd, 4, &wait, NULL) > 0;
    if (turn->crew)
        crew_is_awake(turn->crew, turn->worker, is_ready && poll_fd[3].revents);
    return is_ready && poll_fd[1].revents;
}

void http_run(struct http *http, int64_t wait_us)
{
    /* The library tells of 16 KB or more in each run, and at most 1 MB is read ahead. */
    enum { AHEAD_RUNS = 72 };
    http->is_pressed = false;
    int64_t messages = messages_now(http);
    bool has_message = wait_us > 0 && wait_for_work(http, wait_us);
    if (has_message || http->queue->taken > http->deadlines.len)
        take_messages(http, messages);
    if (http->loading)
        http_request_resume_loaded(http);
    MHD_run(http->daemon);
    for (int runs = 0; http->ahead && runs < AHEAD_RUNS; runs++)
        MHD_run(http->daemon);
    if (http->added_len)
        leave_lost(http);
    http->ran_ns = clock_ns();
    if (http->lingering.len)
        lingering_run(&http->lingering, http->ran_ns);
}

bool http_is_pressed(const struct http *http)
{
    return http->is_pressed;
}

void http_sweep(struct http *http)
{
    deadline_sweep(&http->deadlines, clock_ns());
}

int64_t http_sweep_pause_ns(const struct http *http)
{
    return deadline_pause_ns(&http->deadlines);
}

void http_drain(struct http *http)
{
    http->lingering.is_hurried = true;
    deadline_end_idle(&http->deadlines, clock_ns());
}

size_t http_connections(const struct http *http)
{
    return http->deadlines.len + http->lingering.len;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    http_note_stop();
    MHD_stop_daemon(http->daemon); /* completes every request: free_requests go to the pool */
    lingering_close(&http->lingering);
    http_request_free_pools(http);
    free(http);
}
