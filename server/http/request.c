/* One request from its headers to its response. libmicrohttpd calls http_request_on_request
 * repeatedly for it: once with the headers, once or more with pieces of the body, then without a
 * body until a response is queued. */
#include "server/http/http_private.h"

#include "server/base/clock.h"
#include "server/base/url.h"
#include "server/batch/prediction.h"
#include "server/batch/server_timing.h"
#include "server/log/log.h"
#include "server/net/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUFFERS_KEPT_MAX = 256,
    BUFFER_KEPT_BYTES_MAX = 64 * 1024,
};

/* ---- pools ---- */

static struct http_request *take_request(struct http *http)
{
    struct http_request *http_request = http->free_requests;
    if (http_request)
        http->free_requests = http_request->next;
    else
        http_request = malloc(sizeof *http_request);
    struct buffer *buffer = http->free_buffers;
    if (buffer) {
        http->free_buffers = buffer->next;
        http->free_buffers_len--;
    } else {
        buffer = calloc(1, sizeof *buffer);
    }
    if (!http_request || !buffer) {
        free(http_request);
        free(buffer);
        return NULL;
    }
    memset(http_request, 0, sizeof *http_request);
    buffer->http = http;
    http_request->http = http;
    http_request->buffer = buffer;
    http_request->request.service = http->service;
    http_request->request.out = (struct text){.at = buffer->at, .cap = buffer->cap};
    http_request->request.begin_ns = clock_ns();
    counter_add(&http->service->shard->requests_begun, 1);
    return http_request;
}

/* The free callback of a response: the library has sent it, or given up. */
static void give_buffer(void *cls)
{
    struct buffer *buffer = cls;
    struct http *http = buffer->http;
    http->answer_bytes -= buffer->counted;
    buffer->counted = 0;
    if (http->free_buffers_len >= BUFFERS_KEPT_MAX || buffer->cap > BUFFER_KEPT_BYTES_MAX) {
        free(buffer->at);
        free(buffer);
        return;
    }
    buffer->next = http->free_buffers;
    http->free_buffers = buffer;
    http->free_buffers_len++;
}

static void give_request(struct http_request *http_request)
{
    struct http *http = http_request->http;
    if (http_request->request.load_job)
        load_job_release(http_request->request.load_job);
    head_forget(http_request);
    if (http_request->buffer) {
        http_request->buffer->at = http_request->request.out.at;
        http_request->buffer->cap = http_request->request.out.cap;
        give_buffer(http_request->buffer);
    }
    counter_add(&http->service->shard->requests_ended, 1);
    http_request->next = http->free_requests;
    http->free_requests = http_request;
}

void http_request_free_pools(struct http *http)
{
    while (http->free_requests) {
        struct http_request *next = http->free_requests->next;
        free(http->free_requests);
        http->free_requests = next;
    }
    while (http->free_buffers) {
        struct buffer *next = http->free_buffers->next;
        free(http->free_buffers->at);
        free(http->free_buffers);
        http->free_buffers = next;
    }
}

/* ---- the state ---- */

void http_request_enter(struct http_request *http_request, enum request_event event, int64_t now_ns)
{
    struct http *http = http_request->http;
    struct deadline *deadline = &http_request->link->deadline;
    const struct request_state_row *from = &request_state_table[deadline->state];
    enum request_state next = from->next[event];
    if (next == REQUEST_NEVER) { /* a mistake in relud: the request ends, and says so */
        log_error("a request in %s got the event %s, and is ended", from->name,
                  request_event_names[event]);
        stream_end(deadline->fd, SHUT_RDWR);
        next = REQUEST_SENDING;
    }
    if (next == deadline->state)
        return;
    /* The library saw the client's end before we did. */
    if (next == REQUEST_DONE && from->is_waiting)
        counter_add(&http->service->shard->rejected[REJECTED_GONE], 1);
    if (from->has_hold && !request_state_table[next].has_hold) {
        request_release(&http_request->request);
        http_request_drop_body(http_request);
    }
    deadline_enter(&http->deadlines, deadline, next, now_ns);
}

/* ---- the head ---- */

/* Sixteen hexadecimal digits of splitmix64 (Steele, Lea, Flood 2014): unique enough to find a line
 * in a log. */
static void make_id(struct http *http, char *id)
{
    uint64_t z = http->id_state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    for (size_t i = 0; i < 16; i++)
        id[i] = "0123456789abcdef"[z >> (60 - 4 * i) & 15];
    id[16] = '\0';
}

/* ---- the answer ---- */

static void add_number(struct MHD_Response *response, const char *field, size_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    MHD_add_response_header(response, field, text);
}

static struct MHD_Response *make_response(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    http_request_pack(http_request);
    enum coding coding = http_request->coding;
    struct buffer *buffer = http_request->buffer;
    buffer->at = request->out.at;
    buffer->cap = request->out.cap;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        request->out.len, buffer->at, give_buffer, buffer);
    if (!response)
        return NULL;
    http_request_log_answer(http_request);
    http_request->buffer = NULL;
    request->out = (struct text){0};
    if (request->type)
        MHD_add_response_header(response, "Content-Type", request->type);
    if (request->allow)
        MHD_add_response_header(response, "Allow", request->allow);
    if (request->retry_after_s)
        add_number(response, "Retry-After", request->retry_after_s);
    http_request_add_fields(request, response, coding);
    if (request->is_challenge)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (request->infer_header_len)
        add_number(response, "Inference-Header-Content-Length", request->infer_header_len);
    if (coding != CODING_NONE)
        MHD_add_response_header(response, "Content-Encoding", coding_name(coding));
    MHD_add_response_header(response, "X-Request-Id", request->id);
    if (request->decode_ns) {
        char line[SERVER_TIMING_MAX];
        server_timing_line(request, line);
        MHD_add_response_header(response, "Server-Timing", line);
    }
    if (request->is_last || request->service->state->is_draining) {
        MHD_add_response_header(response, "Connection", "close");
        stream_expect_close(http_request->link->deadline.fd);
        stream_end_as(http_request->link->deadline.fd,
                      STREAM_LINGERS); /* the client may still be sending */
    }
    return response;
}

static enum MHD_Result send_answer(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    http_request_count_answer(http_request);
    struct MHD_Response *response = make_response(http_request);
    enum MHD_Result result = MHD_NO; /* ends the connection: there is no memory to say more */
    if (response) {
        result = MHD_queue_response(http_request->connection, request->code, response);
        stream_set_sender(http_request->link->deadline.fd, STREAM_ANSWER);
        MHD_destroy_response(response);
    } else {
        http_note_no_memory();
    }
    int64_t now_ns = clock_ns();
    http_request_enter(http_request, EVENT_SENT, now_ns);
    metrics_request(http_request->http->service->shard,
                    request->route ? request->route->endpoint : ENDPOINT_OTHER, request->code,
                    now_ns - request->begin_ns);
    return result;
}

/* ---- the steps ---- */

/* True if a body that will not be read should be received and dropped. This is done for small
 * bodies: the connection lives on, and a client that writes everything before it reads gets its
 * answer. */
static bool is_worth_discarding(const struct http_request *http_request, bool expects_continue)
{
    size_t most = 2 * http_request->http->service->config->body_bytes_max;
    return !expects_continue && (http_request->body_length == FRAMING_LENGTH_UNKNOWN ||
                                 http_request->body_length <= most);
}

/* Refuses what can be refused before the body is read. */
static void check_head(struct http_request *http_request, const struct head *head)
{
    struct http *http = http_request->http;
    struct request *request = &http_request->request;
    size_t body_max = http->service->config->body_bytes_max;
    bool has_length =
        http_request->body_length && http_request->body_length != FRAMING_LENGTH_UNKNOWN;
    if (authorize_is_on(request))
        authorize_check(request, &http->throttle, head->value[FIELD_AUTHORIZATION],
                        head->value[FIELD_API_KEY]);
    if (request->code)
        return;
    if (has_length && http_request->body_length > body_max)
        request_fail(request, 413, "the body has %llu bytes; at most %zu are taken",
                     (unsigned long long)http_request->body_length, body_max);
    else if (head->is_timeout_bad)
        request_fail(request, 400,
                     "X-Request-Timeout-Ms wants whole milliseconds from 1 to 86400000");
    else if (has_length && !http_request_count_bytes(http_request, http_request->body_length))
        http_request_refuse_bytes(request);
    else if (route_is_prediction(request->route))
        prediction_has_room(request, NULL, 1);
}

/* Answers a preflight for an unknown path with 204, so that the page gets 404 from the request
 * itself. Refusing the preflight would tell the page only that it may not ask. */
static void allow_preflight(struct request *request)
{
    if (request->code != 404 || !request->is_preflight || !request->origin ||
        !*request->service->config->cors_origins)
        return;
    request->out.len = 0;
    request_answer(request, 204, NULL);
}

/* Answers without reading the body, or the rest of it. */
static enum MHD_Result refuse(struct http_request *http_request)
{
    http_request->request.is_last = true;
    http_request_enter(http_request, EVENT_ANSWERED, 0);
    return send_answer(http_request);
}

static enum MHD_Result begin(struct http_request *http_request, const char *url, const char *method,
                             const char *version)
{
    struct http *http = http_request->http;
    struct request *request = &http_request->request;
    struct head head = {0};
    http_request_log_begin(http_request, method, url, version);
    http_request_enter(http_request, EVENT_HEAD, request->begin_ns);
    stream_set_head(http_request->link->deadline.fd, STREAM_NO_HEAD);
    size_t timeout_ms = http->service->config->request_timeout_ms;
    if (timeout_ms)
        request_limit(request, (int64_t)timeout_ms * 1000000);
    head_read(http_request, &head, url, method, version);
    if (!request->id[0])
        make_id(http, request->id);
    if (head_is_refused(http_request, &head))
        return refuse(http_request);
    http_request->body_length = framing_body_length(&head.framing);
    request->is_admin = http_request->link->is_admin;
    request->route = router_find(request, method, url_path(url));
    if (request->route)
        check_head(http_request, &head);
    else if (strcmp(method, "OPTIONS") == 0)
        allow_preflight(request);
    bool has_body = http_request->body_length != 0;
    if (request->code && has_body &&
        !is_worth_discarding(http_request, head.value[FIELD_EXPECT] != NULL))
        return refuse(http_request);
    return MHD_YES;
}

/* Asks whether the load job is done, or its client has gone. */
static void look_at_load(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    if (request->load_job->is_done) {
        http_request_enter(http_request, EVENT_RESULT, 0);
        request->route->write(request);
    } else if (request_refuse_late(request, clock_ns())) {
        http_request_enter(http_request, EVENT_LATE, 0);
    }
}

/* Asks whether the rows are computed, or too late for it. */
static void look_at_batch(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    if (request->job.is_late && request_refuse_late(request, request->job.begin_ns))
        http_request_enter(http_request, EVENT_LATE, 0);
    else if (request->job.is_done)
        http_request_enter(http_request, EVENT_RESULT, 0);
}

/* The body is whole: brings the request as far as it goes in this turn. */
static enum MHD_Result go_on(struct http_request *http_request)
{
    const struct request *request = &http_request->request;
    enum request_state state = http_request_state(http_request);
    if (state == REQUEST_BODY && request->code) /* it was refused while its body came */
        http_request_enter(http_request, EVENT_ANSWERED, 0);
    else if (state == REQUEST_BODY || state == REQUEST_QUEUED_TO_READ)
        http_request_read_body(http_request, http_request->body ? http_request->body : "",
                               http_request->body_len);
    else if (state == REQUEST_IN_BATCH)
        look_at_batch(http_request);
    else if (state == REQUEST_LOADING_MODEL)
        look_at_load(http_request);
    bool is_unwritten = !request->code || request->is_in_line;
    if (http_request_state(http_request) == REQUEST_WRITING &&
        (!is_unwritten || http_request_write_answer(http_request)))
        return send_answer(http_request);
    http_request_wait(http_request);
    return MHD_YES;
}

/* ---- what the library calls ---- */

enum MHD_Result http_request_on_request(void *cls, struct MHD_Connection *connection,
                                        const char *url, const char *method, const char *version,
                                        const char *upload, size_t *upload_len, void **slot)
{
    struct http *http = cls;
    struct http_request *http_request = *slot;
    if (http_request) {
        if (*upload_len)
            return http_request_take_piece(http_request, upload, upload_len);
        return http_request_state(http_request) == REQUEST_SENDING ? MHD_YES : go_on(http_request);
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!info->socket_context || !(http_request = take_request(http))) {
        http_note_no_memory();
        return MHD_NO;
    }
    *slot = http_request;
    http_request->connection = connection;
    http_request->link = info->socket_context;
    return begin(http_request, url, method, version);
}

void http_request_on_completed(void *cls, struct MHD_Connection *connection, void **slot,
                               enum MHD_RequestTerminationCode why)
{
    (void)cls;
    struct http_request *http_request = *slot;
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    if (stream_sender(info->connect_fd) == STREAM_ANSWER)
        stream_set_sender(info->connect_fd, STREAM_LIBRARY);
    if (!http_request)
        return;
    http_request_forget_ahead(http_request, http_request->ahead);
    http_request_log_end(http_request, why == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    stream_set_head(http_request->link->deadline.fd, 0);
    http_request_enter(http_request, EVENT_ENDED, clock_ns());
    give_request(http_request);
    *slot = NULL;
}
