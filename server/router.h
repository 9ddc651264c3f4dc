/* The table of routes: verb, path, what reads the request and what writes the answer. */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include "server/exchange.h"
#include <stddef.h>

struct route {
    const char *verb; /* "GET" also answers HEAD */
    const char *path;
    enum endpoint endpoint;
    /* Reads the whole body: answers, or puts rows into the turn and becomes EXCHANGE_WAITING. False when the
     * turn is full: nothing has happened, call again after the next turn. */
    bool (*read)(struct exchange *exchange, const char *body, size_t len);
    /* Writes the answer once the job is done; NULL where read() always answers. */
    void (*write)(struct exchange *exchange);
};

/* The route for verb and path (without query; one trailing slash is ignored). Where there is none, the exchange is
 * answered with 404, 405 or, for OPTIONS, 204, and NULL returned. */
const struct route *router_find(struct exchange *exchange, const char *verb, const char *path);

#endif
