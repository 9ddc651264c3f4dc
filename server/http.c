#include "server/http_inside.h"

#include "server/clock.h"
#include "server/log.h"
#include "server/stream.h"
#include "server/tls_session.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Request line, headers and read buffer of one connection share this; the body's first pieces are read into what
 * is left. The library clears it after every request, so more is not better: 32 KB holds the digits model's
 * usual bodies in one piece. */
enum { CONNECTION_MEMORY_BYTES = 32 * 1024 };

/* Did this connection come in by the admin address? */
static bool take_admin(struct http *http, int fd)
{
    for (size_t i = 0; i < http->admins_len; i++)
        if (http->admin_fd[i] == fd) {
            http->admin_fd[i] = http->admin_fd[--http->admins_len];
            return true;
        }
    return false;
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http *http = cls;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        struct link *link = calloc(1, sizeof *link);
        *slot = link;
        http->added_len -= http->added_len > 0;
        counter_add(&http->service->shard->connections, 1);
        if (link && info) {
            link->is_admin = take_admin(http, info->connect_fd);
            deadline_add(&http->deadlines, &link->deadline, info->connect_fd, clock_ns());
        }
        return;
    }
    struct link *link = *slot;
    counter_add(&http->service->shard->connections, (uint64_t)-1);
    if (info) {
        http_page_forget(info->connect_fd);
        stream_set(info->connect_fd, NULL);
    }
    if (link)
        deadline_remove(&http->deadlines, &link->deadline);
    free(link);
    *slot = NULL;
    intake_leave(http->seat);
}

/* The URL is decoded by whoever needs it: %00 and %2f must not become something else on the way. */
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
    vsnprintf(words, sizeof words, format, args);
    log_debug("libmicrohttpd: %s", words);
}

/* Connections are accepted and counted by the intake: none is refused here. */
static bool start_daemon(struct http *http)
{
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    http->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, visit_on_request, http, MHD_OPTION_EXTERNAL_LOGGER,
        on_library_message, NULL, MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, http, MHD_OPTION_NOTIFY_COMPLETED,
        visit_on_completed, http, MHD_OPTION_UNESCAPE_CALLBACK, keep_escaped, NULL,
#if MHD_VERSION >= 0x01000000
        MHD_OPTION_CLIENT_DISCIPLINE_LVL, 1,
#endif
        MHD_OPTION_END);
    return http->daemon != NULL;
}

static bool make_constant(struct http *http)
{
    static char words[] = "{\"model\":\"digits\",\"version\":\"1\",\"outputs\":[[-7.3218765,-10."
                          "987654,-2.1234567,1.7654321,"
                          "-15.345678,-6.1234567,-20.123457,12.345678,-5.4321098,-1.2345678]],"
                          "\"predictions\":[[{\"label\":"
                          "\"7\",\"index\":7,\"probability\":0.9999738}]]}\n";
    http->constant =
        MHD_create_response_from_buffer(sizeof words - 1, words, MHD_RESPMEM_PERSISTENT);
    return http->constant &&
           MHD_add_response_header(http->constant, "Content-Type", MEDIA_JSON_TYPE) == MHD_YES &&
           MHD_add_response_header(http->constant, "X-Request-Id", "constant") == MHD_YES;
}

struct http *http_open(struct service *service, struct intake_seat *seat, bool is_suspending,
                       struct relud_error *error)
{
    const struct config *config = service->config;
    struct http *http = calloc(1, sizeof *http);
    if (!http) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    http->service = service;
    http->seat = seat;
    http->is_suspending = is_suspending;
    http->is_called_again = http_calls_again();
    service->reading.is_whole = !http->is_called_again;
    http->deadlines.limits = (struct deadline_limits){
        .header_ns = (int64_t)config->header_timeout_ms * 1000000,
        .body_ns = (int64_t)config->body_timeout_ms * 1000000,
        .idle_ns = (int64_t)config->idle_timeout_ms * 1000000,
    };
    if (config->constant) /* its requests do not keep the list */
        http->deadlines.limits.header_ns = INT64_MAX / 2;
    if (getrandom(&http->id_state, sizeof http->id_state, 0) != sizeof http->id_state)
        http->id_state = (uint64_t)clock_ns();
    service->turn.on_done = is_suspending ? visit_on_done : NULL;
    if ((config->constant && !make_constant(http)) || !start_daemon(http)) {
        relud_fail(error, RELUD_IO, "libmicrohttpd does not start: %s", strerror(errno));
        free(http);
        return NULL;
    }
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(http->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    http->epoll_fd = info ? info->epoll_fd : -1;
    return http;
}

/* New connections that one turn takes in: thousands that come at once are not to hold up who is there already, nor are those that
 * come in a long pass to wait for many more. One costs some thirty microseconds. */
static int64_t messages_now(const struct http *http)
{
    enum { LEAST = 8, NS_EACH = 64000 };
    return LEAST + (clock_ns() - http->ran_ns) / NS_EACH;
}

/* Makes connections of what the intake has sent. Some versions of the library do so at once, others at the next run. */
static void take_messages(struct http *http, int64_t most)
{
    struct intake_message message;
    for (; most > 0 && http->admins_len < HTTP_ADMINS_MAX && intake_take(http->seat, &message);
         most--) {
        if (message.fd < 0)
            continue;
        if (!stream_set(message.fd, message.session)) {
            tls_session_free(message.session);
            close(message.fd);
            intake_leave(http->seat);
            continue;
        }
        struct sockaddr_storage from = {.ss_family = AF_INET};
        socklen_t from_len = sizeof from;
        getpeername(message.fd, (struct sockaddr *)&from,
                    &from_len); /* one that has left is seen soon */
        if (message.is_admin)
            http->admin_fd[http->admins_len++] = message.fd;
        http->added_len++;
        MHD_add_connection(http->daemon, message.fd, (struct sockaddr *)&from, from_len);
    }
}

/* Of those that were added and not announced the library had no memory for: it has closed them without a word. Their TLS sessions stay
 * until their descriptors' numbers come again. */
static void leave_lost(struct http *http)
{
    for (; http->added_len; http->added_len--)
        intake_leave(http->seat);
    http->admins_len = 0;
}

/* True when the intake has sent something. */
static bool wait_for_work(struct http *http, int64_t wait_us)
{
    MHD_UNSIGNED_LONG_LONG library_ms;
    if (MHD_get_timeout(http->daemon, &library_ms) == MHD_YES && library_ms < 1000000 &&
        (int64_t)library_ms * 1000 < wait_us)
        wait_us = (int64_t)library_ms * 1000;
    if (wait_us == 0)
        return false;
    struct pollfd poll_fd[] = {
        {.fd = http->epoll_fd, .events = POLLIN},
        {.fd = http->seat->read_fd, .events = POLLIN},
    };
    struct timespec wait = {.tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000};
    return ppoll(poll_fd, 2, &wait, NULL) > 0 && poll_fd[1].revents;
}

void http_run(struct http *http, int64_t wait_us)
{
    http->is_pressed = false;
    int64_t messages = messages_now(http);
    bool has_message = wait_us > 0 && wait_for_work(http, wait_us);
    if (has_message || http->seat->taken > http->deadlines.len)
        take_messages(http, messages);
    if (http->errands)
        visit_resume_errands(http);
    MHD_run(http->daemon);
    if (http->added_len)
        leave_lost(http);
    http->ran_ns = clock_ns();
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
    deadline_end_idle(&http->deadlines, clock_ns());
}

size_t http_connections(const struct http *http)
{
    return http->deadlines.len;
}

void http_close(struct http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon); /* completes every request: visits go to the pool */
    if (http->constant)
        MHD_destroy_response(http->constant);
    visit_free_pools(http);
    free(http);
}
