/* HTTP by libmicrohttpd, in external-epoll mode: one daemon per worker, turned by that worker alone. Only
 * server/http*.c include microhttpd.h. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include "server/exchange.h"
#include <stdbool.h>
#include <stdint.h>

struct http;
struct intake_seat;

/* Serves the connections that come by the seat. service and seat must outlive it. */
struct http *http_open(struct service *service, struct intake_seat *seat, bool is_suspending,
                       struct relud_error *error);
/* Sends what is answered, reads what has come, waits up to wait_us for it. */
void http_run(struct http *http, int64_t wait_us);
/* True when something is left that needs no waiting: a request that found the turn full. */
bool http_is_pressed(const struct http *http);
/* At each turn: ends connections that are late, as far as they are due to be looked at. */
void http_sweep(struct http *http);
int64_t http_sweep_pause_ns(const struct http *http); /* how long none is due */
/* Connections between requests end, the others after their answer. */
void http_drain(struct http *http);
size_t http_connections(const struct http *http);
void http_close(struct http *http);

/* True when this libmicrohttpd calls the handler of a complete, unanswered request again at each run, so that
 * waiting connections need not be suspended (tried once, on a socket pair). */
bool http_calls_again(void);

#endif
