/* The response's fields for browsers and caches (Fetch standard §3.3, Resource Timing §4.5.1, RFC
 * 9110 §12.5.5). */
#include "server/http/http_private.h"

#include "server/http/cors.h"
#include <stdio.h>
#include <string.h>

/* The fields of our own requests, and those that libraries and tracers add to a page's requests by
 * themselves: W3C Trace Context and Baggage, B3, X-Ray, Sentry, Datadog, Jaeger. */
#define ALLOWED_FIELDS                                                                             \
    "Accept, Accept-Language, Authorization, B3, Baggage, Cache-Control, Content-Encoding, "       \
    "Content-Language, Content-Type, If-Modified-Since, If-None-Match, "                           \
    "Inference-Header-Content-Length, Pragma, Sentry-Trace, Traceparent, Tracestate, "             \
    "Uber-Trace-Id, X-Amzn-Trace-Id, X-Api-Key, X-B3-Flags, X-B3-ParentSpanId, X-B3-Sampled, "     \
    "X-B3-SpanId, X-B3-TraceId, X-Correlation-Id, X-Datadog-Origin, X-Datadog-Parent-Id, "         \
    "X-Datadog-Sampling-Priority, X-Datadog-Trace-Id, X-Request-Id, X-Request-Timeout-Ms, "        \
    "X-Requested-With"

/* What a page's script may read besides the response's body and type. */
#define EXPOSED_FIELDS                                                                             \
    "Allow, Content-Encoding, Content-Length, Date, Inference-Header-Content-Length, "             \
    "Relud-Digest, Retry-After, Server-Timing, Vary, WWW-Authenticate, X-Request-Id"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == ',';
}

/* True if name[len] is in the list. */
static bool is_listed(const char *list, const char *name, size_t len)
{
    while (*list) {
        size_t item = strcspn(list, ",");
        if (item == len && strncasecmp(list, name, len) == 0)
            return true;
        list += item + strspn(list + item, ", ");
    }
    return false;
}

/* Allows the fields above and those that the preflight names. Unknown fields are ignored here, so
 * they do no harm. */
static void add_allowed(const struct request *request, struct MHD_Response *response)
{
    enum { MORE_MAX = 1024 };
    char text[sizeof ALLOWED_FIELDS + MORE_MAX] = ALLOWED_FIELDS;
    size_t len = sizeof ALLOWED_FIELDS - 1;
    const char *asked = request->asked_fields ? request->asked_fields : "";
    while (*asked) {
        size_t name = strcspn(asked, ", \t");
        bool is_new = framing_is_token(asked, name) && !is_listed(text, asked, name);
        if (is_new && len + 2 + name < sizeof text)
            len += (size_t)snprintf(text + len, sizeof text - len, ", %.*s", (int)name, asked);
        asked += name;
        while (is_blank(*asked))
            asked++;
    }
    MHD_add_response_header(response, "Access-Control-Allow-Headers", text);
}

/* Tells browsers what a page of that origin may do with the response. */
static void add_cors(const struct request *request, struct MHD_Response *response)
{
    const char *origins = request->service->config->cors_origins;
    const char *allowed = *origins && request->origin ? cors_allow(origins, request->origin) : NULL;
    if (!allowed)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", allowed);
    MHD_add_response_header(response, "Access-Control-Expose-Headers", EXPOSED_FIELDS);
    MHD_add_response_header(response, "Timing-Allow-Origin", allowed);
    if (!request->is_preflight || request->code != 204)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    add_allowed(request, response);
    MHD_add_response_header(response, "Access-Control-Max-Age", "600");
}

/* Adds one list of the request fields on which the response depends, for caches. Caches do not keep
 * responses to POST; these say it only if they are compressed. */
static void add_vary(const struct request *request, struct MHD_Response *response,
                     enum coding coding)
{
    char list[128] = "";
    const struct route *route = request->route;
    bool is_kept = route && strcmp(route->verb, "GET") == 0;
    bool is_chosen =
        is_kept && (route->endpoint == ENDPOINT_METRICS || route->endpoint == ENDPOINT_ROOT);
    bool has_cors = *request->service->config->cors_origins;
    if (!is_kept && !has_cors && coding == CODING_NONE)
        return;
    snprintf(list, sizeof list, "%s%s%s%s", is_chosen ? ", Accept" : "",
             is_kept || coding != CODING_NONE ? ", Accept-Encoding" : "",
             has_cors ? ", Origin" : "",
             has_cors && request->is_preflight
                 ? ", Access-Control-Request-Method, Access-Control-Request-Headers"
                 : "");
    MHD_add_response_header(response, "Vary", list + 2);
}

void http_request_add_fields(const struct request *request, struct MHD_Response *response,
                             enum coding coding)
{
    add_cors(request, response);
    add_vary(request, response, coding);
}
