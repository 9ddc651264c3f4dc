#include "server/exchange.h"

#include "server/deadline.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void exchange_answer(struct exchange *exchange, unsigned code, const char *type)
{
    if (!text_is_whole(&exchange->out)) {
        text_free(&exchange->out);
        exchange_fail(exchange, 503, "out of memory for the answer");
        return;
    }
    exchange->code = code;
    exchange->type = type;
    exchange->step = EXCHANGE_ANSWERED;
}

void exchange_fail(struct exchange *exchange, unsigned code, const char *format, ...)
{
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    exchange->out.len = 0;
    exchange->out.is_short = false;
    text_put(&exchange->out, "{\"error\":");
    text_json(&exchange->out, words);
    text_put(&exchange->out, "}\n");
    exchange->code = code;
    exchange->type = MEDIA_JSON_TYPE;
    exchange->step = EXCHANGE_ANSWERED;
    if (code == 503 && !exchange->retry_after_s)
        exchange->retry_after_s = 1;
}

void exchange_release(struct exchange *exchange)
{
    reading_leave(exchange);
    turn_release(&exchange->service->turn, &exchange->job);
}

void exchange_limit(struct exchange *exchange, int64_t timeout_ns)
{
    int64_t at_ns = exchange->begin_ns + timeout_ns;
    if (exchange->deadline_ns == 0 || at_ns < exchange->deadline_ns)
        exchange->deadline_ns = at_ns;
}

bool exchange_refuse_late(struct exchange *exchange, int64_t now_ns)
{
    if (exchange->job.deadline_ns == DEADLINE_GONE) {
        counter_add(&exchange->service->shard->rejected[REJECTED_GONE], 1);
        exchange_fail(exchange, 499,
                      "the client has gone"); /* nobody reads it, but it is counted */
        return true;
    }
    if (exchange->deadline_ns == 0 || now_ns < exchange->deadline_ns)
        return false;
    counter_add(&exchange->service->shard->rejected[REJECTED_DEADLINE], 1);
    exchange_fail(exchange, 504, "the request's time of %.3g ms is over before its forward pass",
                  (double)(exchange->deadline_ns - exchange->begin_ns) * 1e-6);
    return true;
}

unsigned exchange_code_of(enum relud_code code)
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
