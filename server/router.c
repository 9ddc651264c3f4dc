#include "server/router.h"

#include "server/api_admin.h"
#include "server/api_native.h"
#include <string.h>

static const struct route routes[] = {
    {"POST", "/predict", ENDPOINT_PREDICT, predict_read, predict_write},
    {"POST", "/relu", ENDPOINT_RELU, relu_read, NULL},
    {"GET", "/healthz", ENDPOINT_HEALTH, health_read, NULL},
    {"GET", "/health", ENDPOINT_HEALTH, health_read, NULL},
    {"GET", "/readyz", ENDPOINT_READY, ready_read, NULL},
    {"GET", "/metrics", ENDPOINT_METRICS, metrics_read, NULL},
    {"GET", "/", ENDPOINT_ROOT, root_read, NULL},
};
enum { ROUTES = sizeof routes / sizeof *routes };

static const char *allow_of(const struct route *route)
{
    return strcmp(route->verb, "GET") == 0 ? "GET, HEAD, OPTIONS" : "POST, OPTIONS";
}

static bool is_verb(const struct route *route, const char *verb)
{
    return strcmp(route->verb, verb) == 0 ||
           (strcmp(verb, "HEAD") == 0 && strcmp(route->verb, "GET") == 0);
}

const struct route *router_find(struct exchange *exchange, const char *verb, const char *path)
{
    size_t len = strlen(path);
    if (len > 1 && path[len - 1] == '/')
        len--;
    const struct route *found = NULL;
    for (size_t i = 0; i < ROUTES; i++) {
        if (strlen(routes[i].path) != len || memcmp(routes[i].path, path, len) != 0)
            continue;
        if (is_verb(&routes[i], verb))
            return &routes[i];
        found = &routes[i];
    }
    if (!found) {
        exchange_fail(exchange, 404, "nothing is at %.200s", path);
        return NULL;
    }
    exchange->allow = allow_of(found);
    if (strcmp(verb, "OPTIONS") == 0)
        exchange_answer(exchange, 204, NULL);
    else
        exchange_fail(exchange, 405, "%s wants %s, not %.20s", found->path, found->verb, verb);
    return NULL;
}
