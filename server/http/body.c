/* A request's body on its way in: counting its bytes, gathering pieces, decompressing it. Also the
 * response on its way out: compressing it, and counting the bytes of large ones. */
#include "server/http/http_private.h"

#include "server/base/clock.h"
#include "server/batch/body_reader.h"
#include "server/net/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Each worker has an equal share of the bytes that may be in flight. */
static uint64_t bytes_most(const struct http *http)
{
    return http->service->config->inflight_bytes_max / http->service->metrics->shards;
}

static void count(struct http_request *http_request, uint64_t bytes)
{
    http_request->http->inflight_bytes += bytes;
    http_request->counted += bytes;
    counter_add(&http_request->http->service->shard->bytes_begun, bytes);
}

/* Half as much is kept free: while a body is read, its rows lie beside its text. */
bool http_request_count_bytes(struct http_request *http_request, uint64_t bytes)
{
    const struct http *http = http_request->http;
    uint64_t beside = (http_request->counted + bytes) / 2;
    if (http->inflight_bytes > http_request->counted &&
        http->inflight_bytes + bytes + beside > bytes_most(http))
        return false;
    count(http_request, bytes);
    return true;
}

/* Once a body is read, its bytes count for its rows, which may be more. */
static void count_rows(struct http_request *http_request)
{
    const struct turn_job *job = &http_request->request.job;
    uint64_t bytes = job->rows * job->served->info->features * sizeof *job->x;
    if (bytes > http_request->counted)
        count(http_request, bytes - http_request->counted);
}

/* True if a long body should not be read yet: so much is read that some of it must be computed
 * first. */
static bool is_full(const struct http *http)
{
    const struct service *service = http->service;
    return http->inflight_bytes > bytes_most(http) && service->turn.jobs_waiting &&
           !service->long_work.is_under_way && !service->long_work.is_whole;
}

void http_request_refuse_bytes(struct request *request)
{
    counter_add(&request->service->shard->rejected[REJECTED_INFLIGHT_BYTES], 1);
    request_fail(request, 429, "too many bytes are in flight here; try again soon");
    request->retry_after_s = 1;
}

void http_request_count_answer(struct http_request *http_request)
{
    enum { GREAT_BYTES = 64 * 1024 };
    struct http *http = http_request->http;
    size_t bytes = http_request->request.out.len;
    if (bytes <= GREAT_BYTES)
        return;
    if (http->answer_bytes && http->answer_bytes + bytes > bytes_most(http)) {
        text_free(&http_request->request.out);
        http_request->request.infer_header_len = 0;
        http_request->coding = CODING_NONE;
        http_request_refuse_bytes(&http_request->request);
        return;
    }
    http->answer_bytes += bytes;
    http_request->buffer->counted = bytes;
}

static void free_body(struct http_request *http_request)
{
    free(http_request->body);
    free(http_request->plain);
    http_request->body = http_request->plain = NULL;
    http_request->body_len = http_request->body_cap = http_request->plain_len = 0;
}

void http_request_drop_body(struct http_request *http_request)
{
    counter_add(&http_request->http->service->shard->bytes_ended, http_request->counted);
    http_request->http->inflight_bytes -= http_request->counted;
    http_request->counted = 0;
    free_body(http_request);
}

static struct http_request *http_request_of(struct request *request)
{
    return (struct http_request *)request; /* its first member */
}

/* Decompresses a body; false, and answered, if that fails. */
static bool unpack(struct http_request *http_request, const char *body, size_t len)
{
    struct request *request = &http_request->request;
    size_t max = http_request->http->service->config->body_bytes_max;
    enum coding coding = coding_of(request->content_encoding);
    const struct relud_watch watch = long_work_watch(request);
    struct relud_error error;
    if (coding == CODING_OTHER)
        request_fail(request, 415, "Content-Encoding %s is not read here; gzip and deflate are",
                     request->content_encoding);
    else if (!coding_unpack(coding, body, len, max, &http_request->plain, &http_request->plain_len,
                            &watch, &error))
        request_fail(request, request_code_of(error.code), "%s", error.text);
    else if (!http_request_count_bytes(http_request, http_request->plain_len))
        http_request_refuse_bytes(request);
    return !request->code;
}

/* The turn has no room for the request's rows now. It waits, unless the client will send no more
 * and may have gone: then it is answered with 429. */
static enum request_event stay(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    http_request->http->is_pressed = true;
    if (!http_request->link->deadline.is_half_closed)
        return EVENT_AGAIN;
    counter_add(&request->service->shard->rejected[REJECTED_INFLIGHT_ROWS], 1);
    request_fail(request, 429, "too many rows are being read and computed; try again soon");
    request->retry_after_s = 1;
    request->is_last = true;
    return EVENT_ANSWERED;
}

static void read_plain(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    request->is_body_ours = http_request->read_body == http_request->body ||
                            http_request->read_body == http_request->plain;
    http_request->verdict =
        request->route->read(request, http_request->read_body, http_request->read_len);
}

/* Long work: decompresses and reads the body, and compresses the response if there is one
 * already. */
static void read_long(struct request *request)
{
    struct http_request *http_request = http_request_of(request);
    if (coding_of(request->content_encoding) != CODING_NONE && http_request->read_len) {
        if (!http_request->plain &&
            !unpack(http_request, http_request->read_body, http_request->read_len)) {
            http_request->verdict = READ_ANSWERED;
            return;
        }
        http_request->read_body = http_request->plain;
        http_request->read_len = http_request->plain_len;
    }
    read_plain(http_request);
    if (http_request->verdict == READ_ANSWERED)
        http_request_pack(http_request);
}

/* True if a listing of the catalog may take long, because of many models or wide layers. */
static bool is_listing_long(const struct request *request)
{
    enum { ITEMS = 32, UNITS = 1 << 16 };
    const struct catalog *catalog = request->service->turn.catalog;
    switch (request->route->endpoint) {
    case ENDPOINT_METRICS:
    case ENDPOINT_OPENAPI:
    case ENDPOINT_V2_INFO:
    case ENDPOINT_REPOSITORY:
        return catalog->items > ITEMS || catalog->units > UNITS;
    default:
        return false;
    }
}

/* True if reading the body may take long. It is then not read in the library's own buffer. A short
 * body may stand for many numbers where a row may leave out what the net imputes: {} is a row. */
static bool is_long(const struct http_request *http_request, size_t len)
{
    enum { SHORT_BYTES = 64 * 1024, SHORT_FLOATS = 1 << 22 /* if every byte was a row */ };
    const struct request *request = &http_request->request;
    size_t imputed = request->service->turn.catalog->imputed;
    return len > SHORT_BYTES || len * imputed > SHORT_FLOATS ||
           (len && coding_of(request->content_encoding) != CODING_NONE) ||
           (!request->route->write && is_listing_long(request));
}

/* Answers 504 or 499 if nobody waits for the answer any more. Work that is under way is brought to
 * its end first, since it may still write to the answer; and the error is sent as it is. */
static bool refuse_late(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    int64_t now_ns = clock_ns();
    if (!request_is_late(request, now_ns))
        return false;
    long_work_leave(request);
    http_request->coding = CODING_NONE;
    return request_refuse_late(request, now_ns);
}

/* True if rows are in the turn, or a load job has begun: what is late is found there. */
static bool is_begun(const struct http_request *http_request)
{
    return http_request->verdict == READ_SUBMITTED || http_request->verdict == READ_LOADING;
}

/* Reads the body, or goes on reading it. */
static enum request_event read_some(struct http_request *http_request, size_t len)
{
    struct request *request = &http_request->request;
    if (refuse_late(http_request))
        return EVENT_LATE;
    if (!is_long(http_request, len)) {
        read_plain(http_request);
    } else if (is_full(http_request->http)) {
        long_work_leave(request); /* others go first: answers of what is computed, too */
        http_request->http->is_pressed = true;
        return EVENT_AGAIN;
    } else if (!long_work_run(request, read_long)) {
        http_request->http->is_pressed = true;
        return EVENT_AGAIN;
    } else if (!is_begun(http_request) && refuse_late(http_request)) {
        return EVENT_LATE;
    }
    switch (http_request->verdict) {
    case READ_SUBMITTED:
        count_rows(http_request);
        return EVENT_SUBMITTED;
    case READ_LOADING:
        return EVENT_LOADING;
    case READ_ANSWERED:
        return EVENT_ANSWERED;
    case READ_AGAIN:
        break;
    }
    request->served = NULL; /* it may go with the next catalog; the next read finds it anew */
    return stay(http_request);
}

bool http_request_read_body(struct http_request *http_request, const char *body, size_t len)
{
    struct request *request = &http_request->request;
    request->job.owner = http_request;
    http_request->read_body = body;
    http_request->read_len = len;
    enum request_event event = read_some(http_request, len);
    http_request_enter(http_request, event, 0);
    if (event == EVENT_AGAIN)
        return false;
    if (request->code && request->served)
        metrics_model_request(&request->served->series->shard[request->service->turn.worker], false,
                              clock_ns() - request->begin_ns);
    request->served = NULL; /* it may be freed with the next catalog */
    if (!request->job.is_lent)
        free_body(http_request); /* its bytes stay counted: now for its rows */
    return true;
}

/* ---- the answer ---- */

void http_request_pack(struct http_request *http_request)
{
    enum { PACKED_BYTES_MIN = 200 }; /* a smaller response is sent as it is */
    struct request *request = &http_request->request;
    if (http_request->is_packed || !request->accept_encoding)
        return;
    const struct relud_watch watch = long_work_watch(request);
    enum coding coding = coding_choose(request->accept_encoding);
    struct text packed = {0};
    http_request->is_packed = true;
    if (coding == CODING_NONE || request->out.len < PACKED_BYTES_MIN)
        return;
    if (!coding_pack(coding, request->out.at, request->out.len, &packed, &watch)) {
        text_free(&packed);
        return;
    }
    text_free(&request->out);
    request->out = packed;
    http_request->coding = coding;
}

static void write_long(struct request *request)
{
    int64_t begin_ns = clock_ns();
    request->route->write(request);
    request->encode_ns = long_work_spent_ns(request, begin_ns);
    http_request_pack(http_request_of(request));
}

static void count_answer(const struct request *request)
{
    const struct turn_job *job = &request->job;
    struct metrics_shard *shard = request->service->shard;
    metrics_stage(shard, STAGE_QUEUE, job->begin_ns - job->submit_ns);
    metrics_stage(shard, STAGE_ENCODE, request->encode_ns);
    struct metrics_model *model = &job->served->series->shard[request->service->turn.worker];
    metrics_job(model, job->batch_rows, request->decode_ns, job->begin_ns - job->submit_ns,
                request->encode_ns);
    metrics_model_request(model, request->code == 200, clock_ns() - request->begin_ns);
}

/* True if the answer may take long to write: much text, explanations, or many numbers in the rows,
 * which are looked at once more. */
static bool is_answer_long(const struct request *request)
{
    enum { SHORT_BYTES = 128 * 1024, SHORT_NUMBERS = 256 * 1024 };
    const struct turn_job *job = &request->job;
    return request->answer_bytes > SHORT_BYTES || request->explain.is_wanted ||
           job->rows * job->served->info->features > SHORT_NUMBERS;
}

bool http_request_write_answer(struct http_request *http_request)
{
    struct request *request = &http_request->request;
    if (!is_answer_long(request)) {
        int64_t begin_ns = clock_ns();
        request->route->write(request);
        request->encode_ns = clock_ns() - begin_ns;
    } else if (!refuse_late(http_request)) {
        if (!request->is_in_line)
            request->long_ns = 0;
        if (!long_work_run(request, write_long)) {
            http_request->http->is_pressed = true;
            return false;
        }
        refuse_late(http_request);
    }
    count_answer(request);
    return true;
}

/* ---- the body comes ---- */

/* Great bodies lie on huge pages: the kernel clears and maps each page of 4 KB by itself, which
 * took longer than receiving its bytes. What does not fill one at the end stays on small pages:
 * memory that no body uses would count for no limit. */
static char *new_body(size_t cap)
{
    enum { HUGE_PAGE = 2 << 20 };
    if (cap < HUGE_PAGE)
        return malloc(cap);
    void *body = NULL;
    if (posix_memalign(&body, HUGE_PAGE, cap) != 0)
        return NULL;
    madvise(body, cap / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE); /* some kernels have none */
    return body;
}

static bool make_room(struct http_request *http_request, size_t need)
{
    size_t cap = http_request->body_cap ? 2 * http_request->body_cap : 64 * 1024;
    bool is_known = http_request->body_length != FRAMING_LENGTH_UNKNOWN;
    if (need <= http_request->body_cap)
        return true;
    if (is_known)
        cap = (size_t)http_request->body_length;
    while (cap < need)
        cap *= 2;
    char *body = is_known ? new_body(cap) : realloc(http_request->body, cap);
    if (!body)
        return false;
    http_request->body = body;
    http_request->body_cap = cap;
    return true;
}

static bool gather(struct http_request *http_request, const char *piece, size_t len)
{
    if (!make_room(http_request, http_request->body_len + len))
        return false;
    memcpy(http_request->body + http_request->body_len, piece, len);
    http_request->body_len += len;
    return true;
}

/* Reads more of a long body to where it belongs: the library would take it in pieces of its own
 * buffer, one a turn. */
static void read_ahead(struct http_request *http_request)
{
    enum { MOST = 1 << 20 /* bytes, about 0.2 ms */, HURRIED = 128 * 1024, LEAST = 64 * 1024 };
    const struct turn *turn = &http_request->http->service->turn;
    size_t most = turn_has_short(turn, clock_ns()) ? HURRIED : MOST;
    size_t left = (size_t)http_request->body_length - http_request->body_len;
    if (http_request->body_length == FRAMING_LENGTH_UNKNOWN || left < LEAST ||
        http_request->body_len > http_request->body_length)
        return;
    ssize_t got =
        stream_read_ahead(http_request->link->deadline.fd,
                          http_request->body + http_request->body_len, left < most ? left : most);
    if (got <= 0)
        return; /* the library will see why */
    http_request->body_len += (size_t)got;
    http_request->ahead = (size_t)got;
    http_request->http->ahead += (size_t)got;
}

void http_request_forget_ahead(struct http_request *http_request, size_t len)
{
    http_request->ahead -= len;
    http_request->http->ahead -= len;
}

/* Ends the connection with an error. While a client keeps sending, the library would never send the
 * response. */
static enum MHD_Result cut(const struct http_request *http_request)
{
    char line[80];
    unsigned code = http_request->request.code;
    snprintf(line, sizeof line, "HTTP/1.1 %u %s", code, MHD_get_reason_phrase_for(code));
    http_say_error(http_request->link->deadline.fd, line,
                   code == 413 ? "the body is too long"
                               : "the request is refused, and its body does not end");
    return MHD_NO;
}

enum MHD_Result http_request_take_piece(struct http_request *http_request, const char *piece,
                                        size_t *piece_len)
{
    struct request *request = &http_request->request;
    size_t len = *piece_len, body_max = http_request->http->service->config->body_bytes_max;
    size_t ahead = http_request->ahead < len ? http_request->ahead : len;
    *piece_len = 0;
    http_request->body_seen += len;
    http_request_forget_ahead(http_request, ahead);
    if (request->code) /* the body is dropped, up to a limit */
        return http_request->body_seen <= 2 * body_max ? MHD_YES : cut(http_request);
    if (http_request->body_length == FRAMING_LENGTH_UNKNOWN &&
        !http_request_count_bytes(http_request, len)) {
        http_request_drop_body(http_request);
        http_request_refuse_bytes(request);
        request->is_last = true;
        return MHD_YES;
    }
    if (http_request->body_seen > body_max) {
        http_request_drop_body(http_request);
        request_fail(request, 413, "the body has more than %zu bytes", body_max);
        request->is_last = true;
        return MHD_YES;
    }
    if (http_request->body_len == 0 && len == http_request->body_length &&
        !is_long(http_request, len) && /* the whole body is in the library's own buffer */
        http_request_read_body(http_request, piece, len))
        return MHD_YES;
    if (!gather(http_request, piece + ahead, len - ahead))
        request_fail(request, 503, "out of memory for the body");
    if (!request->code && http_request->ahead == 0)
        read_ahead(http_request);
    return MHD_YES;
}
