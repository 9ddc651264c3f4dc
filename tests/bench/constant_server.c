/* The ceiling of the benchmarks: relud's acceptor, streams and libmicrohttpd set up as relud sets
 * them up, and every request answered with the same bytes, its body unread. What relud itself adds
 * to them is the distance from here. Usage: constant_server ADDR:PORT. Runs until SIGTERM, with as
 * many event loops as CPUs are allowed. */
#include "server/base/cpus.h"
#include "server/base/media_type.h"
#include "server/base/signals.h"
#include "server/log/complain.h"
#include "server/net/acceptor.h"
#include "server/net/listen.h"
#include "server/net/stream.h"
#include <limits.h>
#include <malloc.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { LOOPS_MAX = 64, CONNECTIONS_MAX = 16384, CONNECTION_MEMORY_BYTES = 32 * 1024 };

struct loop {
    struct MHD_Daemon *daemon;
    struct worker_queue *queue;
    pthread_t thread;
    int epoll_fd;
};

static struct MHD_Response *constant;
static struct acceptor acceptor;
static struct loop loop[LOOPS_MAX];

static bool make_constant(void)
{
    static char words[] = "{\"model\":\"digits\",\"version\":\"1\",\"outputs\":[[-7.3218765,-10."
                          "987654,-2.1234567,1.7654321,"
                          "-15.345678,-6.1234567,-20.123457,12.345678,-5.4321098,-1.2345678]],"
                          "\"predictions\":[[{\"label\":"
                          "\"7\",\"index\":7,\"probability\":0.9999738}]]}\n";
    constant = MHD_create_response_from_buffer(sizeof words - 1, words, MHD_RESPMEM_PERSISTENT);
    return constant &&
           MHD_add_response_header(constant, "Content-Type", MEDIA_JSON_TYPE) == MHD_YES &&
           MHD_add_response_header(constant, "X-Request-Id", "constant") == MHD_YES;
}

static int descriptor_of(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **slot)
{
    static char begun;
    (void)cls, (void)url, (void)method, (void)version, (void)upload;
    if (!*slot) {
        *slot = &begun;
        return MHD_YES;
    }
    if (*upload_len) {
        *upload_len = 0;
        return MHD_YES;
    }
    *slot = NULL;
    stream_set_sender(descriptor_of(connection), STREAM_ANSWER);
    return MHD_queue_response(connection, 200, constant);
}

static void on_completed(void *cls, struct MHD_Connection *connection, void **slot,
                         enum MHD_RequestTerminationCode why)
{
    (void)cls, (void)slot, (void)why;
    stream_set_sender(descriptor_of(connection), STREAM_LIBRARY);
}

static void on_connection(void *cls, struct MHD_Connection *connection, void **slot,
                          enum MHD_ConnectionNotificationCode code)
{
    struct loop *its_loop = cls;
    (void)slot;
    if (code != MHD_CONNECTION_NOTIFY_CLOSED)
        return;
    stream_forget(descriptor_of(connection));
    acceptor_leave(its_loop->queue);
}

static void take_connections(struct loop *its_loop)
{
    struct acceptor_message message;
    while (acceptor_take(its_loop->queue, &message)) {
        struct sockaddr_storage from = {.ss_family = AF_INET};
        socklen_t from_len = sizeof from;
        if (message.fd < 0 || !stream_set(message.fd, NULL))
            continue;
        getpeername(message.fd, (struct sockaddr *)&from, &from_len);
        MHD_add_connection(its_loop->daemon, message.fd, (struct sockaddr *)&from, from_len);
    }
}

static void *run(void *at)
{
    struct loop *its_loop = at;
    for (;;) {
        struct pollfd wait[] = {{.fd = its_loop->epoll_fd, .events = POLLIN},
                                {.fd = its_loop->queue->read_fd, .events = POLLIN}};
        MHD_UNSIGNED_LONG_LONG library_ms;
        bool is_urgent =
            MHD_get_timeout(its_loop->daemon, &library_ms) == MHD_YES && library_ms == 0;
        if (poll(wait, 2, is_urgent ? 0 : 1000) > 0 && wait[1].revents)
            take_connections(its_loop);
        MHD_run(its_loop->daemon);
    }
    return NULL;
}

static bool start(struct loop *its_loop, struct worker_queue *queue)
{
    unsigned flags =
        MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_ERROR_LOG | MHD_ALLOW_SUSPEND_RESUME;
    its_loop->queue = queue;
    its_loop->daemon = MHD_start_daemon(
        flags, 0, NULL, NULL, on_request, its_loop, MHD_OPTION_CONNECTION_LIMIT, (unsigned)INT_MAX,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY_BYTES,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, its_loop, MHD_OPTION_NOTIFY_COMPLETED,
        on_completed, its_loop, MHD_OPTION_END);
    if (!its_loop->daemon)
        return false;
    its_loop->epoll_fd = MHD_get_daemon_info(its_loop->daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd;
    return pthread_create(&its_loop->thread, NULL, run, its_loop) == 0;
}

static bool open_all(const char *address, struct relud_error *error)
{
    size_t loops = cpus_allowed() < LOOPS_MAX ? cpus_allowed() : LOOPS_MAX;
    char shown[128];
    if (!stream_open(error) || !acceptor_init(&acceptor, loops, CONNECTIONS_MAX, error))
        return false;
    int listen_fd = listen_open("constant_server", address, shown, sizeof shown, error);
    if (listen_fd < 0)
        return false;
    if (!make_constant())
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; i < loops; i++)
        if (!start(&loop[i], &acceptor.queue[i]))
            return relud_fail(error, RELUD_IO, "libmicrohttpd does not start");
    if (!acceptor_start(&acceptor, listen_fd, -1, error))
        return false;
    printf("listening on http://%s\n", shown);
    return fflush(stdout) == 0;
}

int main(int argc, char **argv)
{
    struct relud_error error;
    if (argc != 2) {
        fputs("usage: constant_server ADDR:PORT\n", stderr);
        return 2;
    }
    mallopt(M_MMAP_THRESHOLD, 1 << 20); /* as relud serve does */
    mallopt(M_TRIM_THRESHOLD, 4 << 20);
    signals_open();
    if (!open_all(argv[1], &error)) {
        complain("constant_server: %s", error.text);
        return 1;
    }
    signals_listen();
    while (signals_wait(1000) != SIGNALS_STOP)
        ;
    _exit(0);
}
