/* What the access log is told of a request: gathered while the request lives, written when it is
 * over. Also the lines of the service's own log about a request. */
#include "server/http/http_private.h"

#include "server/base/clock.h"
#include "server/log/log.h"
#include "server/net/stream.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* nginx's code for a request whose client left before the response. */
enum { CLIENT_LEFT = 499 };

void http_log_connection(struct http_connection *link, const struct sockaddr *from)
{
    const void *address = NULL;
    if (from && from->sa_family == AF_INET)
        address = &((const struct sockaddr_in *)(const void *)from)->sin_addr;
    else if (from && from->sa_family == AF_INET6)
        address = &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
    if (!address || !inet_ntop(from->sa_family, address, link->client, sizeof link->client))
        link->client[0] = '\0';
}

void http_request_log_begin(struct http_request *http_request, const char *method, const char *url,
                            const char *version)
{
    struct access_lines *lines = http_request->http->service->access;
    http_request->log.method = method;
    http_request->log.path = url;
    http_request->log.protocol = version;
    http_request->log.is_wanted = lines && access_log_wants(lines);
}

/* One line of the body is enough: errors have only one. */
static void say_refusal(const struct http_request *http_request)
{
    const struct request *request = &http_request->request;
    const char *text = request->out.len ? request->out.at : "";
    size_t len = request->out.len;
    const char *end = len ? memchr(text, '\n', len) : NULL;
    log_debug("request %s: %.32s %.256s: %u: %.*s", request->id, http_request->log.method,
              http_request->log.path, request->code, (int)(end ? end - text : (ptrdiff_t)len),
              text);
}

void http_request_log_answer(struct http_request *http_request)
{
    const struct request *request = &http_request->request;
    struct http_request_log *log = &http_request->log;
    if (request->code >= 400 && log_level() == LOG_LEVEL_DEBUG)
        say_refusal(http_request);
    if (!log->is_wanted)
        return;
    const struct served_model *served = request->job.served;
    log->status = request->code;
    log->bytes_out = strcmp(log->method, "HEAD") == 0 ? 0 : request->out.len;
    log->rows = request->job.rows;
    snprintf(log->model, sizeof log->model, "%s", served ? served->name : request->model);
    snprintf(log->version, sizeof log->version, "%s", served ? served->version : request->version);
}

void http_request_log_end(struct http_request *http_request, bool is_complete)
{
    const struct request *request = &http_request->request;
    const struct http_request_log *log = &http_request->log;
    unsigned refusal = stream_take_refusal(http_request->link->deadline.fd);
    if (!log->is_wanted)
        return;
    unsigned status = log->status ? log->status : refusal ? refusal : CLIENT_LEFT;
    const struct access_request line = {
        .client = http_request->link->client,
        .method = log->method,
        .path = log->path,
        .protocol = log->protocol,
        .user_agent = log->user_agent,
        .traceparent = log->traceparent,
        .id = request->id,
        .key = request->key,
        .model = log->model,
        .version = log->version,
        .status = status,
        .bytes_in = http_request->body_seen,
        .bytes_out = log->bytes_out,
        .rows = log->rows,
        .duration_ns = clock_ns() - request->begin_ns,
        .is_aborted = !is_complete,
    };
    access_log_write(http_request->http->service->access, &line);
}

void http_log_refusal(struct http *http, const struct http_connection *link)
{
    unsigned status = stream_take_refusal(link->deadline.fd);
    const struct access_request line = {.client = link->client, .status = status};
    if (status && http->service->access && access_log_wants(http->service->access))
        access_log_write(http->service->access, &line);
}
