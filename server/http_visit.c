/* One request from its headers to its answer. libmicrohttpd calls visit_on_request again and again for it: once
 * with the headers, once or more with pieces of the body, then without a body until an answer is queued. */
#include "server/http_inside.h"

#include "server/clock.h"
#include "server/coding.h"
#include "server/cors.h"
#include "server/prediction.h"
#include "server/timing.h"
#include "server/url.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    BUFFERS_KEPT_MAX = 256,
    BUFFER_KEPT_BYTES_MAX = 64 * 1024,
    PACKED_BYTES_MIN =
        200, /* a smaller answer is sent as it is, even where the client would unpack it */
};

/* ---- pools ---- */

static struct visit *take_visit(struct http *http)
{
    struct visit *visit = http->visits;
    if (visit)
        http->visits = visit->next;
    else
        visit = malloc(sizeof *visit);
    struct buffer *buffer = http->buffers;
    if (buffer) {
        http->buffers = buffer->next;
        http->buffers_len--;
    } else {
        buffer = calloc(1, sizeof *buffer);
    }
    if (!visit || !buffer) {
        free(visit);
        free(buffer);
        return NULL;
    }
    memset(visit, 0, sizeof *visit);
    buffer->http = http;
    visit->http = http;
    visit->buffer = buffer;
    visit->exchange.service = http->service;
    visit->exchange.out = (struct text){.at = buffer->at, .cap = buffer->cap};
    visit->exchange.begin_ns = clock_ns();
    counter_add(&http->service->shard->requests_begun, 1);
    return visit;
}

/* The library has sent it (or given up): the free callback of a response. */
static void give_buffer(void *cls)
{
    struct buffer *buffer = cls;
    struct http *http = buffer->http;
    http->answer_bytes -= buffer->counted;
    buffer->counted = 0;
    if (http->buffers_len >= BUFFERS_KEPT_MAX || buffer->cap > BUFFER_KEPT_BYTES_MAX) {
        free(buffer->at);
        free(buffer);
        return;
    }
    buffer->next = http->buffers;
    http->buffers = buffer;
    http->buffers_len++;
}

static void give_visit(struct visit *visit)
{
    struct http *http = visit->http;
    exchange_release(&visit->exchange);
    errand_release(visit->exchange.errand);
    visit_drop_body(visit);
    if (visit->buffer) {
        visit->buffer->at = visit->exchange.out.at;
        visit->buffer->cap = visit->exchange.out.cap;
        give_buffer(visit->buffer);
    }
    if (visit->exchange.step == EXCHANGE_WAITING) /* the library has seen it first */
        counter_add(&http->service->shard->rejected[REJECTED_GONE], 1);
    counter_add(&http->service->shard->requests_ended, 1);
    visit->next = http->visits;
    http->visits = visit;
}

void visit_free_pools(struct http *http)
{
    while (http->visits) {
        struct visit *next = http->visits->next;
        free(http->visits);
        http->visits = next;
    }
    while (http->buffers) {
        struct buffer *next = http->buffers->next;
        free(http->buffers->at);
        free(http->buffers);
        http->buffers = next;
    }
}

/* ---- headers ---- */

struct header_walk {
    struct visit *visit;
    struct gate gate;
    const char *authorization, *api_key;
    bool expects_continue, is_timeout_bad;
};

static bool is_field(const char *name, size_t len, const char *wanted, size_t wanted_len)
{
    return len == wanted_len && strncasecmp(name, wanted, len) == 0;
}
#define IS_FIELD(name, len, wanted) is_field(name, len, wanted, sizeof(wanted) - 1)

/* A client's id is given back only when it is short and printable: nothing of it may end a header line. */
static void take_id(struct exchange *exchange, const char *value, size_t len)
{
    if (len == 0 || len > EXCHANGE_ID_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        if (value[i] < 0x20 || value[i] > 0x7e)
            return;
    memcpy(exchange->id, value, len);
    exchange->id[len] = '\0';
}

/* X-Request-Timeout-Ms: whole milliseconds from 1. */
static bool take_timeout(struct exchange *exchange, const char *value, size_t len)
{
    enum { MS_MAX = 86400000 };
    int64_t ms = 0;
    for (size_t i = 0; i < len && ms <= MS_MAX; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        ms = 10 * ms + (value[i] - '0');
    }
    if (ms < 1 || ms > MS_MAX)
        return false;
    exchange_limit(exchange, ms * 1000000);
    return true;
}

static enum MHD_Result on_header(void *cls, enum MHD_ValueKind kind, const char *name,
                                 size_t name_len, const char *value, size_t value_len)
{
    struct header_walk *walk = cls;
    struct exchange *exchange = &walk->visit->exchange;
    if (kind == MHD_GET_ARGUMENT_KIND) {
        gate_argument(&walk->gate, name, value);
        if (exchange->query_len < EXCHANGE_QUERY_MAX)
            exchange->query[exchange->query_len] = (struct exchange_parameter){name, value};
        exchange->query_len++;
        return MHD_YES;
    }
    gate_header(&walk->gate, name, name_len, value ? value : name + name_len + 1, value_len);
    if (IS_FIELD(name, name_len, "Accept"))
        exchange->accept = value;
    else if (IS_FIELD(name, name_len, "Content-Type"))
        exchange->content_type = value;
    else if (IS_FIELD(name, name_len, "Content-Encoding"))
        exchange->content_encoding = value;
    else if (IS_FIELD(name, name_len, "Accept-Encoding"))
        exchange->accept_encoding = value;
    else if (IS_FIELD(name, name_len, "Inference-Header-Content-Length"))
        exchange->inference_header_length = value ? value : "";
    else if (IS_FIELD(name, name_len, "X-Request-Id"))
        take_id(exchange, value ? value : "", value_len);
    else if (IS_FIELD(name, name_len, "Origin"))
        exchange->origin = value;
    else if (IS_FIELD(name, name_len, "Access-Control-Request-Method"))
        exchange->is_preflight = true;
    else if (IS_FIELD(name, name_len, "Authorization"))
        walk->authorization = value;
    else if (IS_FIELD(name, name_len, "X-Api-Key"))
        walk->api_key = value;
    else if (IS_FIELD(name, name_len, "X-Request-Timeout-Ms"))
        walk->is_timeout_bad |= !take_timeout(exchange, value ? value : "", value_len);
    else if (IS_FIELD(name, name_len, "Expect"))
        walk->expects_continue = true;
    return MHD_YES;
}

/* Sixteen hexadecimal digits of splitmix64 (Steele, Lea, Flood 2014): unique enough to find a line in a log. */
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

/* The answer in the coding that the client likes best; as it is, where that is not worth it. */
static enum coding pack(struct exchange *exchange)
{
    enum coding coding = coding_choose(exchange->accept_encoding);
    struct text packed = {0};
    if (coding == CODING_NONE || exchange->out.len < PACKED_BYTES_MIN)
        return CODING_NONE;
    if (!coding_pack(coding, exchange->out.at, exchange->out.len, &packed)) {
        text_free(&packed);
        return CODING_NONE;
    }
    text_free(&exchange->out);
    exchange->out = packed;
    return coding;
}

/* Fetch standard §3.3.3. Answers differ by the page that asks, so caches are told. */
static void add_cors(const struct exchange *exchange, struct MHD_Response *response)
{
    const char *origins = exchange->service->config->cors_origins;
    if (!*origins)
        return;
    MHD_add_response_header(response, "Vary", "Origin");
    const char *allowed = exchange->origin ? cors_allow(origins, exchange->origin) : NULL;
    if (!allowed)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Origin", allowed);
    MHD_add_response_header(response, "Access-Control-Expose-Headers",
                            "X-Request-Id, Server-Timing, Retry-After, "
                            "Inference-Header-Content-Length");
    if (!exchange->is_preflight || exchange->code != 204)
        return;
    MHD_add_response_header(response, "Access-Control-Allow-Methods", "GET, HEAD, POST");
    MHD_add_response_header(response, "Access-Control-Allow-Headers",
                            "Authorization, Content-Type, X-Api-Key, X-Request-Id, "
                            "X-Request-Timeout-Ms, Inference-Header-Content-Length");
    MHD_add_response_header(response, "Access-Control-Max-Age", "600");
}

static struct MHD_Response *make_response(struct visit *visit)
{
    struct exchange *exchange = &visit->exchange;
    enum coding coding = exchange->accept_encoding ? pack(exchange) : CODING_NONE;
    struct buffer *buffer = visit->buffer;
    buffer->at = exchange->out.at;
    buffer->cap = exchange->out.cap;
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback_cls(
        exchange->out.len, buffer->at, give_buffer, buffer);
    if (!response)
        return NULL;
    visit->buffer = NULL;
    exchange->out = (struct text){0};
    if (exchange->type)
        MHD_add_response_header(response, "Content-Type", exchange->type);
    if (exchange->allow)
        MHD_add_response_header(response, "Allow", exchange->allow);
    if (exchange->retry_after_s)
        add_number(response, "Retry-After", exchange->retry_after_s);
    add_cors(exchange, response);
    if (exchange->is_challenge)
        MHD_add_response_header(response, "WWW-Authenticate", "Bearer");
    if (exchange->infer_header_len)
        add_number(response, "Inference-Header-Content-Length", exchange->infer_header_len);
    if (coding != CODING_NONE) {
        MHD_add_response_header(response, "Content-Encoding", coding_name(coding));
        MHD_add_response_header(response, "Vary", "Accept-Encoding");
    }
    MHD_add_response_header(response, "X-Request-Id", exchange->id);
    if (exchange->decode_ns) {
        char line[TIMING_LINE_MAX];
        timing_line(exchange, line);
        MHD_add_response_header(response, "Server-Timing", line);
    }
    if (exchange->is_last || exchange->service->state->is_draining)
        MHD_add_response_header(response, "Connection", "close");
    return response;
}

static enum MHD_Result send_answer(struct visit *visit)
{
    struct exchange *exchange = &visit->exchange;
    visit_count_answer(visit);
    struct MHD_Response *response = make_response(visit);
    enum MHD_Result result = MHD_NO; /* ends the connection: there is no memory to say more */
    if (response) {
        result = MHD_queue_response(visit->connection, exchange->code, response);
        MHD_destroy_response(response);
    }
    exchange->step = EXCHANGE_SENT;
    int64_t now_ns = clock_ns();
    exchange_release(exchange);
    visit_drop_body(visit);
    deadline_enter(&visit->http->deadlines, &visit->link->deadline, DEADLINE_ANSWER, now_ns);
    metrics_request(visit->http->service->shard,
                    exchange->route ? exchange->route->endpoint : ENDPOINT_OTHER, exchange->code,
                    now_ns - exchange->begin_ns);
    return result;
}

static void write_prediction(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    struct metrics_shard *shard = exchange->service->shard;
    int64_t begin_ns = clock_ns();
    exchange->route->write(exchange);
    exchange->encode_ns = clock_ns() - begin_ns;
    metrics_stage(shard, STAGE_QUEUE, job->begin_ns - job->submit_ns);
    metrics_stage(shard, STAGE_ENCODE, exchange->encode_ns);
    struct metrics_model *model = &job->entry->series->shard[exchange->service->turn.worker];
    metrics_job(model, job->batch_rows, exchange->decode_ns, job->begin_ns - job->submit_ns,
                exchange->encode_ns);
    metrics_model_request(model, exchange->code == 200,
                          begin_ns + exchange->encode_ns - exchange->begin_ns);
}

/* ---- the steps ---- */

/* A body that will not be read is let pass while it is small, so that the connection lives on and the client, which
 * may not read before it has written, gets its answer. */
static bool is_worth_discarding(const struct visit *visit, bool expects_continue)
{
    size_t most = 2 * visit->http->service->config->body_bytes_max;
    return !expects_continue &&
           (visit->body_length == GATE_LENGTH_UNKNOWN || visit->body_length <= most);
}

/* What can be refused before the body is read. */
static void check_head(struct visit *visit, const struct header_walk *walk)
{
    struct http *http = visit->http;
    struct exchange *exchange = &visit->exchange;
    size_t body_max = http->service->config->body_bytes_max;
    bool has_length = visit->body_length && visit->body_length != GATE_LENGTH_UNKNOWN;
    access_check(exchange, &http->throttle, walk->authorization, walk->api_key);
    if (exchange->step == EXCHANGE_ANSWERED)
        return;
    if (has_length && visit->body_length > body_max)
        exchange_fail(exchange, 413, "the body has %llu bytes; at most %zu are taken",
                      (unsigned long long)visit->body_length, body_max);
    else if (walk->is_timeout_bad)
        exchange_fail(exchange, 400,
                      "X-Request-Timeout-Ms wants whole milliseconds from 1 to 86400000");
    else if (has_length && !visit_count_bytes(visit, visit->body_length))
        visit_refuse_bytes(exchange);
    else if (route_is_prediction(exchange->route))
        prediction_has_room(exchange, NULL, 1);
}

static enum MHD_Result begin(struct visit *visit, const char *url, const char *method,
                             const char *version)
{
    struct http *http = visit->http;
    struct exchange *exchange = &visit->exchange;
    struct header_walk walk = {.visit = visit};
    gate_line(&walk.gate, method, url, version, *MHD_get_version() == '0');
    size_t timeout_ms = http->service->config->request_timeout_ms;
    if (timeout_ms)
        exchange_limit(exchange, (int64_t)timeout_ms * 1000000);
    MHD_get_connection_values_n(visit->connection, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND,
                                on_header, &walk);
    if (!exchange->id[0])
        make_id(http, exchange->id);
    const char *refusal = gate_verdict(&walk.gate);
    if (refusal) {
        exchange_fail(exchange, 400, "%s", refusal);
        exchange->is_last = true;
        return send_answer(visit);
    }
    visit->body_length = gate_body_length(&walk.gate);
    exchange->is_admin = visit->link->is_admin;
    exchange->route = router_find(exchange, method, url_path(url));
    if (exchange->route)
        check_head(visit, &walk);
    bool has_body = visit->body_length != 0;
    if (exchange->step == EXCHANGE_ANSWERED && has_body &&
        !is_worth_discarding(visit, walk.expects_continue)) {
        exchange->is_last = true;
        return send_answer(visit);
    }
    deadline_enter(&http->deadlines, &visit->link->deadline, DEADLINE_BODY, exchange->begin_ns);
    return MHD_YES;
}

static enum MHD_Result finish(struct visit *visit)
{
    struct exchange *exchange = &visit->exchange;
    if (exchange->step == EXCHANGE_NEW)
        visit_read_body(visit, visit->body ? visit->body : "", visit->body_len);
    if (exchange->step == EXCHANGE_WAITING && exchange->job.is_late)
        exchange_refuse_late(exchange, exchange->job.begin_ns);
    else if (exchange->step == EXCHANGE_WAITING && exchange->job.is_done)
        write_prediction(exchange);
    if (exchange->step == EXCHANGE_WAITING && exchange->errand && exchange->errand->is_done)
        exchange->route->write(exchange);
    if (exchange->step == EXCHANGE_ANSWERED)
        return send_answer(visit);
    visit_wait(visit);
    return MHD_YES;
}

/* ---- what the library calls ---- */

/* Benchmarks only: the cost of the stack with nothing in it. */
static enum MHD_Result answer_constant(struct http *http, struct MHD_Connection *connection,
                                       size_t *upload_len, void **slot)
{
    static char mark; /* a POST that has begun */
    if (!*slot) {
        *slot = &mark;
        return MHD_YES;
    }
    if (*upload_len) {
        *upload_len = 0;
        return MHD_YES;
    }
    *slot = NULL;
    return MHD_queue_response(connection, 200, http->constant);
}

enum MHD_Result visit_on_request(void *cls, struct MHD_Connection *connection, const char *url,
                                 const char *method, const char *version, const char *upload,
                                 size_t *upload_len, void **visit_slot)
{
    struct http *http = cls;
    if (http->constant && strcmp(method, "POST") == 0)
        return answer_constant(http, connection, upload_len, visit_slot);
    struct visit *visit = *visit_slot;
    if (visit) {
        if (*upload_len)
            return visit_take_piece(visit, upload, upload_len);
        return visit->exchange.step == EXCHANGE_SENT ? MHD_YES : finish(visit);
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (!info || !info->socket_context || !(visit = take_visit(http)))
        return MHD_NO;
    *visit_slot = visit;
    visit->connection = connection;
    visit->link = info->socket_context;
    return begin(visit, url, method, version);
}

void visit_on_completed(void *cls, struct MHD_Connection *connection, void **visit_slot,
                        enum MHD_RequestTerminationCode why)
{
    (void)connection, (void)why;
    struct http *http = cls;
    struct visit *visit = *visit_slot;
    if (!visit || http->constant)
        return;
    deadline_enter(&http->deadlines, &visit->link->deadline, DEADLINE_IDLE, clock_ns());
    give_visit(visit);
    *visit_slot = NULL;
}
