#include "server/api/router.h"

#include "server/api/admin.h"
#include "server/api/invocations.h"
#include "server/api/native.h"
#include "server/api/v1.h"
#include "server/api/v2.h"
#include "server/base/url.h"
#include <string.h>

#define V1         "/v1/models/{model}"
#define V2         "/v2/models/{model}"
#define AT_VERSION "/versions/{version}"
#define AT_LABEL   "/labels/{label}"

static const struct route routes[] = {
    {"POST", "/predict", ENDPOINT_PREDICT, predict_read, predict_write, ROUTE_INFER},
    {"POST", "/relu", ENDPOINT_RELU, relu_read, NULL, ROUTE_INFER},
    {"GET", "/healthz", ENDPOINT_HEALTH, health_read, NULL, ROUTE_OPEN},
    {"GET", "/health", ENDPOINT_HEALTH, health_read, NULL, ROUTE_OPEN},
    {"GET", "/readyz", ENDPOINT_READY, ready_read, NULL, ROUTE_OPEN},
    {"GET", "/metrics", ENDPOINT_METRICS, metrics_read, NULL, ROUTE_METRICS},
    {"GET", "/", ENDPOINT_ROOT, root_read, NULL, ROUTE_OPEN},
    {"GET", "/ping", ENDPOINT_READY, ready_read, NULL, ROUTE_OPEN},
    {"POST", "/invocations", ENDPOINT_PREDICT, invocations_read, invocations_write, ROUTE_INFER},
    {"GET", "/openapi.json", ENDPOINT_OPENAPI, openapi_read, NULL, ROUTE_OPEN},

    {"POST", V2 "/infer", ENDPOINT_V2_INFER, v2_infer_read, v2_infer_write, ROUTE_INFER},
    {"POST", V2 AT_VERSION "/infer", ENDPOINT_V2_INFER, v2_infer_read, v2_infer_write, ROUTE_INFER},
    {"GET", "/v2", ENDPOINT_V2_INFO, v2_server_read, NULL, ROUTE_INFER},
    {"GET", "/v2/health/live", ENDPOINT_HEALTH, v2_live_read, NULL, ROUTE_OPEN},
    {"GET", "/v2/health/ready", ENDPOINT_READY, v2_ready_read, NULL, ROUTE_OPEN},
    {"GET", "/v2/models", ENDPOINT_V2_INFO, models_read, NULL, ROUTE_INFER},
    {"GET", "/v2/models/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL, ROUTE_INFER},
    {"GET", V2, ENDPOINT_V2_INFO, v2_model_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION, ENDPOINT_V2_INFO, v2_model_read, NULL, ROUTE_INFER},
    {"GET", V2 "/ready", ENDPOINT_READY, v2_model_ready_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION "/ready", ENDPOINT_READY, v2_model_ready_read, NULL, ROUTE_INFER},
    {"GET", V2 "/config", ENDPOINT_V2_INFO, v2_config_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION "/config", ENDPOINT_V2_INFO, v2_config_read, NULL, ROUTE_INFER},
    {"GET", V2 "/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION "/stats", ENDPOINT_V2_INFO, v2_stats_read, NULL, ROUTE_INFER},
    {"GET", V2 "/activations", ENDPOINT_V2_INFO, v2_activations_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION "/activations", ENDPOINT_V2_INFO, v2_activations_read, NULL, ROUTE_INFER},
    {"GET", V2 "/drift", ENDPOINT_V2_INFO, v2_drift_read, NULL, ROUTE_INFER},
    {"GET", V2 AT_VERSION "/drift", ENDPOINT_V2_INFO, v2_drift_read, NULL, ROUTE_INFER},
    {"POST", "/v2/repository/index", ENDPOINT_REPOSITORY, v2_index_read, NULL, ROUTE_ADMIN},
    {"POST", "/v2/repository/models/{model}/load", ENDPOINT_REPOSITORY, v2_load_read,
     v2_load_job_write, ROUTE_ADMIN},
    {"POST", "/v2/repository/models/{model}/unload", ENDPOINT_REPOSITORY, v2_unload_read,
     v2_load_job_write, ROUTE_ADMIN},
    {"GET", "/v2/logging", ENDPOINT_V2_INFO, v2_logging_read, NULL, ROUTE_INFER},
    {"POST", "/v2/logging", ENDPOINT_V2_INFO, v2_logging_change, NULL, ROUTE_INFER},
    {"GET", "/v2/trace/setting", ENDPOINT_V2_INFO, v2_trace_read, NULL, ROUTE_INFER},
    {"GET", V2 "/trace/setting", ENDPOINT_V2_INFO, v2_trace_read, NULL, ROUTE_INFER},
    {"POST", "/v2/trace/setting", ENDPOINT_V2_INFO, v2_trace_change, NULL, ROUTE_INFER},
    {"POST", V2 "/trace/setting", ENDPOINT_V2_INFO, v2_trace_change, NULL, ROUTE_INFER},

    {"POST", V1 ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write, ROUTE_INFER},
    {"POST", V1 AT_VERSION ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write,
     ROUTE_INFER},
    {"POST", V1 AT_LABEL ":predict", ENDPOINT_V1_PREDICT, v1_predict_read, v1_predict_write,
     ROUTE_INFER},
    {"POST", V1 ":explain", ENDPOINT_V1_PREDICT, v1_explain_read, v1_predict_write, ROUTE_INFER},
    {"POST", V1 AT_VERSION ":explain", ENDPOINT_V1_PREDICT, v1_explain_read, v1_predict_write,
     ROUTE_INFER},
    {"POST", V1 AT_LABEL ":explain", ENDPOINT_V1_PREDICT, v1_explain_read, v1_predict_write,
     ROUTE_INFER},
    {"POST", V1 ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write, ROUTE_INFER},
    {"POST", V1 AT_VERSION ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write,
     ROUTE_INFER},
    {"POST", V1 AT_LABEL ":classify", ENDPOINT_V1_PREDICT, v1_classify_read, v1_classify_write,
     ROUTE_INFER},
    {"POST", V1 ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write, ROUTE_INFER},
    {"POST", V1 AT_VERSION ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write,
     ROUTE_INFER},
    {"POST", V1 AT_LABEL ":regress", ENDPOINT_V1_PREDICT, v1_regress_read, v1_regress_write,
     ROUTE_INFER},
    {"GET", "/v1/models", ENDPOINT_V1_INFO, models_read, NULL, ROUTE_INFER},
    {"GET", V1, ENDPOINT_V1_INFO, v1_status_read, NULL, ROUTE_INFER},
    {"GET", V1 AT_VERSION, ENDPOINT_V1_INFO, v1_status_read, NULL, ROUTE_INFER},
    {"GET", V1 AT_LABEL, ENDPOINT_V1_INFO, v1_status_read, NULL, ROUTE_INFER},
    {"GET", V1 "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL, ROUTE_INFER},
    {"GET", V1 AT_VERSION "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL, ROUTE_INFER},
    {"GET", V1 AT_LABEL "/metadata", ENDPOINT_V1_INFO, v1_metadata_read, NULL, ROUTE_INFER},
};
enum { ROUTES = sizeof routes / sizeof *routes };

enum { PATH_BYTES_MAX = 1024 }; /* longer than any route's path, even with the longest model name */

/* The variable parts found in a path. */
struct parts {
    struct part {
        const char *at;
        size_t len;
    } model, version, label;
};

/* The words of TensorFlow Serving's paths may be written in capitals. */
static bool is_letter(char wanted, char found, bool is_any_case)
{
    return found == wanted ||
           (is_any_case && found >= 'A' && found <= 'Z' && (found | 0x20) == wanted);
}

/* True if path[len] matches the pattern; sets the parts that vary. */
static bool is_match(const char *pattern, const char *path, size_t len, struct parts *parts)
{
    const char *end = path + len;
    bool is_any_case = strncmp(pattern, "/v1/", 4) == 0;
    while (*pattern) {
        if (*pattern != '{') {
            if (path == end || !is_letter(*pattern++, *path++, is_any_case))
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

/* Copies a part. False if it is too long to be a name. */
static bool take_part(const struct part *part, char *out, size_t size)
{
    if (!part->at)
        return true;
    if (part->len >= size)
        return false;
    memcpy(out, part->at, part->len);
    out[part->len] = '\0';
    return true;
}

/* Version 01 is version 1. */
static bool take_version(const struct part *part, char *out, size_t size)
{
    struct part version = *part;
    for (; version.len > 1 && *version.at == '0'; version.at++)
        version.len--;
    return take_part(&version, out, size);
}

static bool take_parts(struct request *request, const struct parts *parts)
{
    if (!parts->model.at)
        return true;
    return take_part(&parts->model, request->model, sizeof request->model) &&
           model_path_is_name(request->model) &&
           take_version(&parts->version, request->version, sizeof request->version) &&
           take_part(&parts->label, request->label, sizeof request->label);
}

/* Replaces a path that Vertex AI has configured by ours. Paths with a model in them are never
 * replaced. */
static const char *take_alias(const struct request *request, const char *path)
{
    const struct config *config = request->service->config;
    if (strncmp(path, "/v1/models/", 11) == 0 || strncmp(path, "/v2/", 4) == 0)
        return path;
    if (config->health_route && strcmp(path, config->health_route) == 0)
        return "/ping";
    if (config->predict_route && strcmp(path, config->predict_route) == 0)
        return "/invocations";
    return path;
}

static bool is_verb(const struct route *route, const char *verb)
{
    return strcmp(route->verb, verb) == 0 ||
           (strcmp(verb, "HEAD") == 0 && strcmp(route->verb, "GET") == 0);
}

const struct route *router_route(size_t index)
{
    return index < ROUTES ? &routes[index] : NULL;
}

const struct route *router_find(struct request *request, const char *verb, const char *target)
{
    char decoded[PATH_BYTES_MAX];
    const char *path = strchr(target, '%') ? decoded : target;
    if (path == decoded && !url_decode_path(target, decoded, sizeof decoded)) {
        request_fail(request, 404, "nothing is at %s", target);
        return NULL;
    }
    path = take_alias(request, path);
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
            if (take_parts(request, &parts))
                return &routes[i];
            request_fail(request, 404, "there is no model at %s", target);
            return NULL;
        }
        found = &routes[i];
        has_get |= strcmp(found->verb, "GET") == 0;
        has_post |= strcmp(found->verb, "POST") == 0;
    }
    bool is_server = strcmp(target, "*") == 0 && strcmp(verb, "OPTIONS") == 0; /* RFC 9110 §9.3.7 */
    if (!found && !is_server) {
        request_fail(request, 404, "nothing is at %s", target);
        return NULL;
    }
    has_get |= is_server;
    has_post |= is_server;
    request->allow = has_get && has_post ? "GET, HEAD, POST, OPTIONS"
                     : has_get           ? "GET, HEAD, OPTIONS"
                                         : "POST, OPTIONS";
    if (strcmp(verb, "OPTIONS") == 0)
        request_answer(request, 204, NULL);
    else
        request_fail(request, 405, "%s wants %s, not %.20s", target, found->verb, verb);
    return NULL;
}
