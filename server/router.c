#include "server/router.h"

#include "server/api_admin.h"
#include "server/api_native.h"
#include "server/api_v1.h"
#include "server/api_v2.h"
#include "server/url.h"
#include <string.h>

#define V1         "/v1/models/{model}"
#define V2         "/v2/models/{model}"
#define AT_VERSION "/versions/{version}"
#define AT_LABEL   "/labels/{label}"

static const struct route routes[] = {
    {"POST", "/predict", ENDPOINT_PREDICT, predict_read, predict_write},
    {"POST", "/relu", ENDPOINT_RELU, relu_read, NULL},
    {"GET", "/healthz", ENDPOINT_HEALTH, health_read, NULL},
    {"GET", "/health", ENDPOINT_HEALTH, health_read, NULL},
    {"GET", "/readyz", ENDPOINT_READY, ready_read, NULL},
    {"GET", "/metrics", ENDPOINT_METRICS, metrics_read, NULL},
    {"GET", "/", ENDPOINT_ROOT, root_read, NULL},
    {"GET", "/openapi.json", ENDPOINT_OPENAPI, openapi_read, NULL},

    {"POST", V2 "/infer", ENDPOINT_V2_INFER, v2_infer_read, v2_infer_write},
    {"POST", V2 AT_VERSION "/infer", ENDPOINT_V2_INFER, v2_infer_read, v2_infer_write},
    {"GET", "/v2", ENDPOINT_V2_INFO, v2_server_read, NULL},
    {"GET", "/v2/health/live", ENDPOINT_HEALTH, v2_live_read, NULL},
    {"GET", "/v2/health/ready", ENDPOINT_READY, v2_ready_read, NULL},
    {"GET", "/v2/models", ENDPOINT_V2_INFO, models_read, NULL},
    {"GET", "/v2/models/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL},
    {"GET", V2, ENDPOINT_V2_INFO, v2_model_read, NULL},
    {"GET", V2 AT_VERSION, ENDPOINT_V2_INFO, v2_model_read, NULL},
    {"GET", V2 "/ready", ENDPOINT_READY, v2_model_ready_read, NULL},
    {"GET", V2 AT_VERSION "/ready", ENDPOINT_READY, v2_model_ready_read, NULL},
    {"GET", V2 "/config", ENDPOINT_V2_INFO, v2_config_read, NULL},
    {"GET", V2 AT_VERSION "/config", ENDPOINT_V2_INFO, v2_config_read, NULL},
    {"GET", V2 "/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL},
    {"GET", V2 AT_VERSION "/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL},
    {"GET", V2 "/activations", ENDPOINT_V2_INFO, v2_activations_read, NULL},
    {"GET", V2 AT_VERSION "/activations", ENDPOINT_V2_INFO, v2_activations_read, NULL},
    {"POST", "/v2/repository/index", ENDPOINT_REPOSITORY, v2_index_read, NULL},
    {"POST", "/v2/repository/models/{model}/load", ENDPOINT_REPOSITORY, v2_load_read,
     v2_errand_write},
    {"POST", "/v2/repository/models/{model}/unload", ENDPOINT_REPOSITORY, v2_unload_read,
     v2_errand_write},
    {"GET", "/v2/logging", ENDPOINT_V2_INFO, v2_logging_read, NULL},
    {"POST", "/v2/logging", ENDPOINT_V2_INFO, v2_logging_change, NULL},
    {"GET", "/v2/trace/setting", ENDPOINT_V2_INFO, v2_trace_read, NULL},
    {"GET", V2 "/trace/setting", ENDPOINT_V2_INFO, v2_trace_read, NULL},
    {"POST", "/v2/trace/setting", ENDPOINT_V2_INFO, v2_trace_change, NULL},
    {"POST", V2 "/trace/setting", ENDPOINT_V2_INFO, v2_trace_change, NULL},

    {"POST", V1 ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write},
    {"POST", V1 AT_VERSION ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write},
    {"POST", V1 AT_LABEL ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write},
    {"POST", V1 ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write},
    {"POST", V1 AT_VERSION ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write},
    {"POST", V1 AT_LABEL ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write},
    {"POST", V1 ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write},
    {"POST", V1 AT_VERSION ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write},
    {"POST", V1 AT_LABEL ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write},
    {"GET", "/v1/models", ENDPOINT_V1_INFO, models_read, NULL},
    {"GET", V1, ENDPOINT_V1_INFO, v1_status_read, NULL},
    {"GET", V1 AT_VERSION, ENDPOINT_V1_INFO, v1_status_read, NULL},
    {"GET", V1 AT_LABEL, ENDPOINT_V1_INFO, v1_status_read, NULL},
    {"GET", V1 "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL},
    {"GET", V1 AT_VERSION "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL},
    {"GET", V1 AT_LABEL "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL},
};
enum { ROUTES = sizeof routes / sizeof *routes };

/* What the variable parts of a path hold, as the client wrote them. */
struct parts {
    struct part {
        const char *at;
        size_t len;
    } model, version, label;
};

/* Does path[len] have the pattern's form? */
static bool is_match(const char *pattern, const char *path, size_t len, struct parts *parts)
{
    const char *end = path + len;
    while (*pattern) {
        if (*pattern != '{') {
            if (path == end || *path++ != *pattern++)
                return false;
            continue;
        }
        struct part *part = pattern[1] == 'm'   ? &parts->model
                            : pattern[1] == 'v' ? &parts->version
                                                : &parts->label;
        pattern = strchr(pattern, '}') + 1;
        part->at = path;
        while (path < end && *path != '/' && *path != ':')
            path++;
        part->len = (size_t)(path - part->at);
        if (part->len == 0)
            return false;
    }
    return path == end;
}

/* A part that cannot be decoded, or is too long, is nothing's name. */
static bool take_part(const struct part *part, char *out, size_t size)
{
    char raw[3 * MODEL_NAME_BYTES];
    if (!part->at)
        return true;
    if (part->len >= sizeof raw)
        return false;
    memcpy(raw, part->at, part->len);
    raw[part->len] = '\0';
    return url_decode(raw, false, out, size);
}

static bool take_parts(struct exchange *exchange, const struct parts *parts)
{
    if (!parts->model.at)
        return true;
    return take_part(&parts->model, exchange->model, sizeof exchange->model) &&
           model_path_is_name(exchange->model) &&
           take_part(&parts->version, exchange->version, sizeof exchange->version) &&
           take_part(&parts->label, exchange->label, sizeof exchange->label);
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
    bool has_get = false, has_post = false;
    for (size_t i = 0; i < ROUTES; i++) {
        struct parts parts = {0};
        if (!is_match(routes[i].path, path, len, &parts))
            continue;
        if (is_verb(&routes[i], verb)) {
            if (take_parts(exchange, &parts))
                return &routes[i];
            exchange_fail(exchange, 404, "there is no model at %.200s", path);
            return NULL;
        }
        found = &routes[i];
        has_get |= strcmp(found->verb, "GET") == 0;
        has_post |= strcmp(found->verb, "POST") == 0;
    }
    if (!found) {
        exchange_fail(exchange, 404, "nothing is at %.200s", path);
        return NULL;
    }
    exchange->allow = has_get && has_post ? "GET, HEAD, POST, OPTIONS"
                      : has_get           ? "GET, HEAD, OPTIONS"
                                          : "POST, OPTIONS";
    if (strcmp(verb, "OPTIONS") == 0)
        exchange_answer(exchange, 204, NULL);
    else
        exchange_fail(exchange, 405, "%.200s wants %s, not %.20s", path, found->verb, verb);
    return NULL;
}
