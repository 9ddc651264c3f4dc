#include "server/batch/server_timing.h"

#include <string.h>

/* snprintf would cost more than the forward pass of a row. */
static char *put_number(char *at, uint64_t number, size_t places)
{
    char digits[24];
    size_t len = 0;
    do
        digits[len++] = (char)('0' + number % 10);
    while ((number /= 10) || len <= places);
    while (len) {
        if (len == places)
            *at++ = '.';
        *at++ = digits[--len];
    }
    return at;
}

#define PUT(at, words) ((char *)memcpy(at, words, sizeof(words) - 1) + sizeof(words) - 1)

static char *put_ms(char *at, int64_t ns)
{
    return put_number(at, ns > 0 ? (uint64_t)ns / 1000 : 0, 3);
}

void server_timing_line(const struct request *request, char line[SERVER_TIMING_MAX])
{
    const struct turn_job *job = &request->job;
    char *at = put_ms(PUT(line, "decode;dur="), request->decode_ns);
    if (job->served) {
        at = put_ms(PUT(at, ", queue;dur="), job->begin_ns - job->submit_ns);
        at = put_ms(PUT(at, ", forward;dur="), job->forward_ns);
    }
    at = put_ms(PUT(at, ", encode;dur="), request->encode_ns);
    if (job->served) {
        at = put_number(PUT(at, ", batch;desc=\""), job->batch_rows, 0);
        at = PUT(at, " rows\"");
    }
    *at = '\0';
}
