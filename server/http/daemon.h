/* HTTP by libmicrohttpd in external-epoll mode: one daemon per worker, used by that worker's thread
 * alone. In server/, only http_private.h and probe.c include microhttpd.h. */
#ifndef SERVER_HTTP_DAEMON_H
#define SERVER_HTTP_DAEMON_H

#include "server/batch/request.h"
#include <stdbool.h>
#include <stdint.h>

struct http;
struct worker_queue;

/* Serves the connections that arrive in the queue; service and queue must outlive it.
 * is_suspending: connections that wait for their rows are suspended. NULL and *error on failure. */
struct http *http_open(struct service *service, struct worker_queue *queue, bool is_suspending,
                       struct relud_error *error);
/* Runs one turn of HTTP: waits up to wait_us for work, then reads requests and sends responses. */
void http_run(struct http *http, int64_t wait_us);
/* True if work is left that needs no waiting, e.g. a request that found the turn full. */
bool http_is_pressed(const struct http *http);
/* To be called at each turn: ends connections that are late, among those that are due to be
 * checked. */
void http_sweep(struct http *http);
int64_t http_sweep_pause_ns(const struct http *http); /* how long until the next check is due */
/* Ends idle connections now, and the others after their next response. */
void http_drain(struct http *http);
size_t http_connections(const struct http *http);
void http_close(struct http *http);

/* True if this libmicrohttpd calls the handler of a complete, unanswered request again at each run.
 * Waiting connections then need not be suspended. Tried out on a socket pair. */
bool http_calls_again(void);

#endif
