#include "server/log/access_log.h"

#include "server/log/log.h"
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WAITING_BYTES_MAX = 128 * 1024, /* buffered lines that the helper has not taken */
    FLUSH_BYTES = 32 * 1024,
    PATH_MAX_SHOWN = 256,
    AGENT_MAX_SHOWN = 128,
    TRACE_ID_LEN = 32,
};
/* A byte that a client chose may become four bytes in text (\xHH) and six in JSON (\u00HH). */
_Static_assert(6 * (128 + AGENT_MAX_SHOWN + PATH_MAX_SHOWN) + 512 <= LOG_HELPER_LINE_MAX,
               "a line is one write");

bool access_log_open(struct access_log *log, const char *path, const char *user, bool is_json,
                     double share, size_t workers, struct relud_error *error)
{
    log->lines = calloc(workers, sizeof *log->lines);
    if (!log->lines)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    log->workers = workers;
    if (!log_helper_start(&log->helper, path, user, workers, error)) {
        free(log->lines);
        log->lines = NULL;
        return false;
    }
    for (size_t i = 0; i < workers; i++)
        log->lines[i] =
            (struct access_lines){.fd = log->helper.pipe[i],
                                  .is_json = is_json,
                                  .share = share < 1 ? (uint64_t)ldexp(share, 64) : UINT64_MAX,
                                  .random = i + 1};
    return true;
}

void access_log_close(struct access_log *log)
{
    enum { PATIENCE_MS = 1000 };
    for (size_t i = 0; log->lines && i < log->workers; i++) {
        access_log_flush(&log->lines[i]);
        text_free(&log->lines[i].out);
    }
    log_helper_stop(&log->helper, PATIENCE_MS);
    free(log->lines);
    log->lines = NULL;
}

/* The random numbers are splitmix64's (Steele, Lea, Flood 2014). */
bool access_log_wants(struct access_lines *lines)
{
    if (lines->share == UINT64_MAX)
        return true;
    uint64_t z = lines->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) < lines->share;
}

/* ---- parts of a line ---- */

static bool is_known(const char *text)
{
    return text && *text;
}

/* Appends at most `most` bytes of the text, and "..." if it is longer. As in nginx, a quote, a
 * backslash or a byte that is not printable ASCII becomes \xHH. */
static void put_escaped(struct text *out, const char *text, size_t most)
{
    static const char digits[] = "0123456789ABCDEF";
    size_t len = strnlen(text, most), plain = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\')
            continue;
        const char hex[] = {'\\', 'x', digits[c >> 4], digits[c & 15]};
        text_put_n(out, text + plain, i - plain);
        text_put_n(out, hex, sizeof hex);
        plain = i + 1;
    }
    text_put_n(out, text + plain, len - plain);
    if (text[len])
        text_put_n(out, "...", 3);
}

/* Appends ,"name":"text" with at most `most` bytes of the text, and "..." if it is longer. An empty
 * text adds nothing. */
static void put_member(struct text *out, const char *name, const char *text, size_t most)
{
    char part[PATH_MAX_SHOWN + 4];
    if (!is_known(text))
        return;
    size_t len = strnlen(text, most);
    memcpy(part, text, len);
    memcpy(part + len, text[len] ? "..." : "", text[len] ? 4 : 1);
    text_put_n(out, ",\"", 2);
    text_put(out, name);
    text_put_n(out, "\":", 2);
    text_json(out, part);
}

/* Appends one field of nginx's format, or "-" if it is empty. */
static void put_part(struct text *out, const char *text, size_t most)
{
    if (is_known(text))
        put_escaped(out, text, most);
    else
        text_put_n(out, "-", 1);
}

static void put_three(struct text *out, unsigned number)
{
    const char digits[] = {(char)('0' + number / 100 % 10), (char)('0' + number / 10 % 10),
                           (char)('0' + number % 10)};
    text_put_n(out, digits, sizeof digits);
}

static void put_ms(struct text *out, int64_t ns)
{
    uint64_t us = ns > 0 ? (uint64_t)ns / 1000 : 0;
    text_count(out, us / 1000);
    text_put_n(out, ".", 1);
    put_three(out, (unsigned)(us % 1000));
}

/* Appends the time. The date and the seconds are formatted only when the second has changed. */
static void put_time(struct access_lines *lines)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != lines->second) {
        struct tm utc;
        gmtime_r(&now.tv_sec, &utc);
        strftime(lines->stamp, sizeof lines->stamp,
                 lines->is_json ? "%Y-%m-%dT%H:%M:%S" : "%d/%b/%Y:%H:%M:%S +0000", &utc);
        lines->second = now.tv_sec;
    }
    text_put(&lines->out, lines->stamp);
    if (!lines->is_json)
        return;
    text_put_n(&lines->out, ".", 1);
    put_three(&lines->out, (unsigned)(now.tv_nsec / 1000000));
    text_put_n(&lines->out, "Z", 1);
}

/* Reads the trace id from a traceparent header, which has the form VERSION-TRACE_ID-PARENT_ID-FLAGS
 * in lower-case hexadecimal digits (W3C Trace Context §3.2). The id is "" if the header is wrong or
 * the id is all zeros. */
static void read_trace_id(const char *traceparent, char id[TRACE_ID_LEN + 1])
{
    enum { BEGIN = 3, LEN_MIN = 55 };
    id[0] = '\0';
    if (!traceparent || strnlen(traceparent, LEN_MIN) < LEN_MIN || traceparent[2] != '-' ||
        strspn(traceparent + BEGIN, "0123456789abcdef") != TRACE_ID_LEN ||
        traceparent[BEGIN + TRACE_ID_LEN] != '-' ||
        strspn(traceparent + BEGIN, "0") == TRACE_ID_LEN)
        return;
    memcpy(id, traceparent + BEGIN, TRACE_ID_LEN);
    id[TRACE_ID_LEN] = '\0';
}

/* ---- lines ---- */

static void put_json(struct access_lines *lines, const struct access_request *request,
                     const char *trace_id)
{
    struct text *out = &lines->out;
    text_put(out, "{\"time\":\"");
    put_time(lines);
    text_put_n(out, "\"", 1);
    put_member(out, "id", request->id, 128);
    put_member(out, "client", request->client, 64);
    put_member(out, "key", request->key, 64);
    put_member(out, "method", request->method, 32);
    put_member(out, "path", request->path, PATH_MAX_SHOWN);
    put_member(out, "protocol", request->protocol, 16);
    text_put(out, ",\"status\":");
    text_count(out, request->status);
    text_put(out, ",\"bytes_in\":");
    text_count(out, request->bytes_in);
    text_put(out, ",\"bytes_out\":");
    text_count(out, request->bytes_out);
    text_put(out, ",\"duration_ms\":");
    put_ms(out, request->duration_ns);
    if (request->rows) {
        text_put(out, ",\"rows\":");
        text_count(out, request->rows);
    }
    put_member(out, "model", request->model, 64);
    put_member(out, "version", request->version, 32);
    put_member(out, "trace_id", trace_id, TRACE_ID_LEN);
    put_member(out, "user_agent", request->user_agent, AGENT_MAX_SHOWN);
    if (request->is_aborted)
        text_put(out, ",\"aborted\":true");
    text_put_n(out, "}\n", 2);
}

/* Appends a line in nginx's combined format, followed by the fields that it lacks as NAME=VALUE. */
static void put_text(struct access_lines *lines, const struct access_request *request,
                     const char *trace_id)
{
    struct text *out = &lines->out;
    put_part(out, request->client, 64);
    text_put_n(out, " - ", 3);
    put_part(out, request->key, 64);
    text_put_n(out, " [", 2);
    put_time(lines);
    text_put_n(out, "] \"", 3);
    put_part(out, request->method, 32);
    text_put_n(out, " ", 1);
    put_part(out, request->path, PATH_MAX_SHOWN);
    text_put_n(out, " ", 1);
    put_part(out, request->protocol, 16);
    text_put_n(out, "\" ", 2);
    text_count(out, request->status);
    text_put_n(out, " ", 1);
    text_count(out, request->bytes_out);
    text_put_n(out, " \"-\" \"", 6);
    put_part(out, request->user_agent, AGENT_MAX_SHOWN);
    text_put(out, "\" id=\"");
    put_part(out, request->id, 128);
    text_put(out, "\" in=");
    text_count(out, request->bytes_in);
    text_put(out, " ms=");
    put_ms(out, request->duration_ns);
    text_put(out, " rows=");
    text_count(out, request->rows);
    text_put(out, " model=\"");
    put_part(out, request->model, 64);
    text_put_n(out, "/", 1);
    put_part(out, request->version, 32);
    text_put(out, "\" trace=");
    put_part(out, trace_id, TRACE_ID_LEN);
    text_put(out, request->is_aborted ? " aborted\n" : "\n");
}

void access_log_write(struct access_lines *lines, const struct access_request *request)
{
    char trace_id[TRACE_ID_LEN + 1];
    size_t len = lines->out.len;
    if (len > WAITING_BYTES_MAX) {
        log_count_dropped(1);
        return;
    }
    read_trace_id(request->traceparent, trace_id);
    (lines->is_json ? put_json : put_text)(lines, request, trace_id);
    if (lines->out.is_short) {
        lines->out.len = len;
        lines->out.is_short = false;
        log_count_dropped(1);
    }
    if (lines->out.len > FLUSH_BYTES && len <= FLUSH_BYTES)
        access_log_flush(lines);
}

void access_log_flush(struct access_lines *lines)
{
    if (lines->out.len == 0)
        return;
    ssize_t written = write(lines->fd, lines->out.at, lines->out.len);
    if (written <= 0)
        return;
    lines->out.len -= (size_t)written;
    memmove(lines->out.at, lines->out.at + written, lines->out.len);
}
