#include "server/batch/request.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void complete(struct request *request, unsigned code, const char *type)
{
    request->code = code;
    request->type = type;
    if (code == 503 && !request->retry_after_s)
        request->retry_after_s = 1;
}

void request_answer(struct request *request, unsigned code, const char *type)
{
    if (request->is_too_large) {
        text_free(&request->out);
        request_fail(request, 413, "the answer would have more than %zu bytes",
                     TURN_ANSWER_BYTES_MAX);
        return;
    }
    if (!text_is_whole(&request->out)) {
        text_free(&request->out);
        request_fail(request, 503, "out of memory for the answer");
        return;
    }
    complete(request, code, type);
}

enum read_verdict request_answer_json(struct request *request, const char *end)
{
    text_put(&request->out, end);
    request_answer(request, 200, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
}

void request_fail(struct request *request, unsigned code, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    request->out.len = 0;
    request->out.is_short = false;
    text_put(&request->out, "{\"error\":");
    text_json(&request->out, words);
    text_put(&request->out, "}\n");
    complete(request, code, MEDIA_JSON_TYPE);
}

void request_release(struct request *request)
{
    long_work_leave(request);
    turn_release(&request->service->turn, &request->job);
}

void request_limit(struct request *request, int64_t timeout_ns)
{
    int64_t at_ns = request->begin_ns + timeout_ns;
    if (request->deadline_ns == 0 || at_ns < request->deadline_ns)
        request->deadline_ns = at_ns;
}

bool request_is_late(const struct request *request, int64_t now_ns)
{
    return request->job.deadline_ns == TURN_GONE ||
           (request->deadline_ns && now_ns >= request->deadline_ns);
}

static bool is_before_pass(const struct turn_job *job)
{
    return job->served && (job->is_late || !job->is_done);
}

bool request_refuse_late(struct request *request, int64_t now_ns)
{
    if (!request_is_late(request, now_ns))
        return false;
    if (request->is_refused_late)
        return true;
    request->is_refused_late = true;
    request->infer_header_len = 0;
    if (request->job.deadline_ns == TURN_GONE) {
        counter_add(&request->service->shard->rejected[REJECTED_GONE], 1);
        request_fail(request, 499, "the client has gone"); /* nobody reads it, but it is counted */
        return true;
    }
    counter_add(&request->service->shard->rejected[REJECTED_DEADLINE], 1);
    request_fail(request, 504, "the request's time of %.5g ms is over before its %s",
                 (double)(request->deadline_ns - request->begin_ns) * 1e-6,
                 is_before_pass(&request->job) ? "forward pass" : "answer");
    return true;
}

unsigned request_code_of(enum relud_code code)
{
    switch (code) {
    case RELUD_TOO_LARGE:
        return 413;
    case RELUD_NO_MEMORY:
        return 503;
    case RELUD_IO:
        return 500;
    default:
        return 400;
    }
}
