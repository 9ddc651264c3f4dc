/* Finds the route, and so the functions, that answers a path. */
#ifndef SERVER_API_ROUTER_H
#define SERVER_API_ROUTER_H

#include "server/batch/request.h"

/* The right that a route requires when keys are set. */
enum route_scope {
    ROUTE_INFER, /* the default of a row that names no scope */
    ROUTE_OPEN,  /* needs no key; the response must name no model to a stranger */
    ROUTE_METRICS,
    ROUTE_ADMIN,
};

struct route {
    /* {model}, {version} and {label} in path each match one part of a segment. */
    const char *verb, *path;
    enum endpoint endpoint;
    /* Reads the complete body, and says what it has done. */
    enum read_verdict (*read)(struct request *request, const char *body, size_t len);
    /* NULL, or writes the response when the job or load_job is done. */
    void (*write)(struct request *request);
    enum route_scope scope;
};

/* True if requests of this route put rows into the turn. */
static inline bool route_is_prediction(const struct route *route)
{
    return route->endpoint == ENDPOINT_PREDICT || route->endpoint == ENDPOINT_V2_INFER ||
           route->endpoint == ENDPOINT_V1_PREDICT;
}

/* The route at `index` in the table's order; NULL after the last one. */
const struct route *router_route(size_t index);

/* Finds the route for the verb and the path, which may have escapes, and fills in the request's
 * model, version and label. If there is none, answers (404, 405, or 204 to OPTIONS) and returns
 * NULL. */
const struct route *router_find(struct request *request, const char *verb, const char *target);

#endif
