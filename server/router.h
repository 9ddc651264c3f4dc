/* Which function answers which path. */
#ifndef SERVER_ROUTER_H
#define SERVER_ROUTER_H

#include "server/exchange.h"

struct route {
    const char *verb,
        *path; /* {model}, {version} and {label} in path stand for one segment's part each */
    enum endpoint endpoint;
    /* Reads the complete body: answers, or puts rows into the turn, or sends an errand. False when the turn is full, or a
     * piece of a long body is read: it is called again after the next turn. */
    bool (*read)(struct exchange *exchange, const char *body, size_t len);
    void (*write)(struct exchange *exchange); /* writes the answer when the job or errand is done */
};

/* Whether its requests put rows into the turn. */
static inline bool route_is_prediction(const struct route *route)
{
    return route->endpoint == ENDPOINT_PREDICT || route->endpoint == ENDPOINT_V2_INFER ||
           route->endpoint == ENDPOINT_V1_PREDICT;
}

/* The route for it; NULL, and the exchange is answered (404, 405, or OPTIONS). */
const struct route *router_find(struct exchange *exchange, const char *verb, const char *path);

#endif
