/* Tests whether this libmicrohttpd calls the handler of a complete, unanswered request again at its
 * next run. Its header promises that; 0.9.75 and 1.0.1 do it. With a version that does not, waiting
 * connections are suspended instead. */
#include "server/http/daemon.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct probe {
    unsigned complete_calls; /* calls of the handler with the whole request and no response yet */
    bool is_begun;
};

static enum MHD_Result on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_len, void **slot)
{
    (void)connection, (void)url, (void)method, (void)version, (void)upload;
    struct probe *probe = cls;
    *slot = probe;
    if (!probe->is_begun)
        probe->is_begun = true;
    else if (*upload_len)
        *upload_len = 0;
    else
        probe->complete_calls++;
    return MHD_YES;
}

bool http_calls_again(void)
{
    static const char request[] = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}";
    struct probe probe = {0};
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    struct MHD_Daemon *daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET, 0, NULL,
                                                 NULL, on_request, &probe, MHD_OPTION_END);
    bool calls_again = false;
    struct sockaddr_in from = {.sin_family = AF_INET};
    if (daemon && write(pair[0], request, sizeof request - 1) == (ssize_t)sizeof request - 1 &&
        MHD_add_connection(daemon, pair[1], (const struct sockaddr *)&from, sizeof from) ==
            MHD_YES) {
        pair[1] = -1; /* it now belongs to the daemon */
        for (int run = 0; run < 8 && probe.complete_calls == 0; run++)
            MHD_run(daemon);
        unsigned first = probe.complete_calls;
        MHD_run(daemon);
        MHD_run(daemon);
        calls_again = first > 0 && probe.complete_calls >= first + 2;
    }
    if (daemon)
        MHD_stop_daemon(daemon);
    close(pair[0]);
    if (pair[1] >= 0)
        close(pair[1]);
    return calls_again;
}
