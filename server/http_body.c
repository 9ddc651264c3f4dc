/* A request's body on its way in: counted, gathered where it comes in pieces, unpacked where it is packed. And the bytes
 * of answers on their way out. */
#include "server/http_inside.h"

#include "server/clock.h"
#include "server/coding.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each worker's share of the bytes that may be in flight. */
static uint64_t bytes_most(const struct http *http)
{
    return http->service->config->inflight_bytes_max / http->service->metrics->shards;
}

bool visit_count_bytes(struct visit *visit, uint64_t bytes)
{
    struct http *http = visit->http;
    uint64_t most = bytes_most(http);
    if (http->inflight_bytes > visit->counted && http->inflight_bytes + bytes > most)
        return false;
    http->inflight_bytes += bytes;
    visit->counted += bytes;
    counter_add(&http->service->shard->bytes_begun, bytes);
    return true;
}

void visit_refuse_bytes(struct exchange *exchange)
{
    counter_add(&exchange->service->shard->rejected[REJECTED_INFLIGHT_BYTES], 1);
    exchange_fail(exchange, 429, "too many bytes are in flight here; try again soon");
    exchange->retry_after_s = 1;
}

void visit_count_answer(struct visit *visit)
{
    enum { GREAT_BYTES = 64 * 1024 };
    struct http *http = visit->http;
    size_t bytes = visit->exchange.out.len;
    if (bytes <= GREAT_BYTES)
        return;
    if (http->answer_bytes && http->answer_bytes + bytes > bytes_most(http)) {
        text_free(&visit->exchange.out);
        visit->exchange.infer_header_len = 0;
        visit_refuse_bytes(&visit->exchange);
        return;
    }
    http->answer_bytes += bytes;
    visit->buffer->counted = bytes;
}

static void free_body(struct visit *visit)
{
    free(visit->body);
    free(visit->plain);
    visit->body = visit->plain = NULL;
    visit->body_len = visit->body_cap = visit->plain_len = 0;
}

void visit_drop_body(struct visit *visit)
{
    counter_add(&visit->http->service->shard->bytes_ended, visit->counted);
    visit->http->inflight_bytes -= visit->counted;
    visit->counted = 0;
    free_body(visit);
}

/* Unpacks a body that came packed; false, and answered, where that fails. */
static bool unpack(struct visit *visit, const char *body, size_t len)
{
    struct exchange *exchange = &visit->exchange;
    size_t max = visit->http->service->config->body_bytes_max;
    enum coding coding = coding_of(exchange->content_encoding);
    struct relud_error error;
    if (coding == CODING_OTHER)
        exchange_fail(exchange, 415,
                      "Content-Encoding %.60s is not read here; gzip and deflate are",
                      exchange->content_encoding);
    else if (!coding_unpack(coding, body, len, max, &visit->plain, &visit->plain_len, &error))
        exchange_fail(exchange, exchange_code_of(error.code), "%s", error.text);
    else if (!visit_count_bytes(visit, visit->plain_len))
        visit_refuse_bytes(exchange);
    return exchange->step == EXCHANGE_NEW;
}

void visit_read_body(struct visit *visit, const char *body, size_t len)
{
    struct exchange *exchange = &visit->exchange;
    exchange->job.owner = visit;
    if (coding_of(exchange->content_encoding) != CODING_NONE && len) {
        if (!visit->plain && !unpack(visit, body, len))
            return;
        body = visit->plain;
        len = visit->plain_len;
    }
    if (exchange_refuse_late(exchange, clock_ns()))
        return;
    if (!exchange->route->read(exchange, body, len))
        visit->http->is_pressed = true;
    if (exchange->step == EXCHANGE_ANSWERED && exchange->entry)
        metrics_model_request(&exchange->entry->series->shard[exchange->service->turn.worker],
                              false, clock_ns() - exchange->begin_ns);
    exchange->entry = NULL; /* it may go with the next catalog */
    if (exchange->step != EXCHANGE_NEW)
        free_body(visit); /* it counts on: its rows take its place */
}

static bool gather(struct visit *visit, const char *piece, size_t len)
{
    size_t need = visit->body_len + len;
    if (need > visit->body_cap) {
        size_t cap = visit->body_cap ? 2 * visit->body_cap : 64 * 1024;
        if (visit->body_length != GATE_LENGTH_UNKNOWN)
            cap = (size_t)visit->body_length;
        while (cap < need)
            cap *= 2;
        char *body = realloc(visit->body, cap);
        if (!body)
            return false;
        visit->body = body;
        visit->body_cap = cap;
    }
    memcpy(visit->body + visit->body_len, piece, len);
    visit->body_len = need;
    return true;
}

/* A client that sends on and on does not get to where the library would send the answer. */
static enum MHD_Result cut(const struct visit *visit)
{
    char line[80];
    unsigned code = visit->exchange.code;
    snprintf(line, sizeof line, "HTTP/1.1 %u %s", code, MHD_get_reason_phrase_for(code));
    http_say_error(visit->link->deadline.fd, line,
                   code == 413 ? "the body is too long"
                               : "the request is refused, and its body does not end");
    return MHD_NO;
}

enum MHD_Result visit_take_piece(struct visit *visit, const char *piece, size_t *piece_len)
{
    struct exchange *exchange = &visit->exchange;
    size_t len = *piece_len, body_max = visit->http->service->config->body_bytes_max;
    *piece_len = 0;
    visit->body_seen += len;
    if (exchange->step == EXCHANGE_ANSWERED) /* discarding, within reason */
        return visit->body_seen <= 2 * body_max ? MHD_YES : cut(visit);
    if (visit->body_length == GATE_LENGTH_UNKNOWN && !visit_count_bytes(visit, len)) {
        visit_drop_body(visit);
        visit_refuse_bytes(exchange);
        exchange->is_last = true;
        return MHD_YES;
    }
    if (visit->body_seen > body_max) {
        visit_drop_body(visit);
        exchange_fail(exchange, 413, "the body has more than %zu bytes", body_max);
        exchange->is_last = true;
        return MHD_YES;
    }
    if (visit->body_len == 0 &&
        len == visit->body_length) { /* all of it, in the library's own buffer */
        visit_read_body(visit, piece, len);
        if (exchange->step != EXCHANGE_NEW)
            return MHD_YES;
    }
    if (!gather(visit, piece, len))
        exchange_fail(exchange, 503, "out of memory for the body");
    return MHD_YES;
}
