/* A request's head: reads the header fields that we use (RFC 9110 §5.3, §5.5). Blanks around a
 * value do not belong to it. Several lines of a list field are joined to one. Several lines of
 * another field are an error. */
#include "server/http/http_private.h"

#include "server/net/stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kind {
    ONE,   /* one value: two lines are an error */
    LIST,  /* values with commas between them: two lines are joined */
    TOKEN, /* only passed on to logs: two lines count as empty */
};

static const struct {
    const char *name;
    size_t len;
    enum kind kind;
} fields[FIELDS] = {
#define ROW(field, name, kind) [field] = {name, sizeof(name) - 1, kind}
    ROW(FIELD_ACCEPT, "Accept", LIST),
    ROW(FIELD_ACCEPT_ENCODING, "Accept-Encoding", LIST),
    ROW(FIELD_ASKED_FIELDS, "Access-Control-Request-Headers", LIST),
    ROW(FIELD_ASKED_METHOD, "Access-Control-Request-Method", ONE),
    ROW(FIELD_AUTHORIZATION, "Authorization", ONE),
    ROW(FIELD_CONNECTION, "Connection", LIST),
    ROW(FIELD_CONTENT_ENCODING, "Content-Encoding", LIST),
    ROW(FIELD_CONTENT_TYPE, "Content-Type", ONE),
    ROW(FIELD_EXPECT, "Expect", LIST),
    ROW(FIELD_INFERENCE_LENGTH, "Inference-Header-Content-Length", ONE),
    ROW(FIELD_ORIGIN, "Origin", ONE),
    ROW(FIELD_TRACEPARENT, "traceparent", TOKEN),
    ROW(FIELD_USER_AGENT, "User-Agent", TOKEN),
    ROW(FIELD_API_KEY, "X-Api-Key", ONE),
    ROW(FIELD_REQUEST_ID, "X-Request-Id", ONE),
    ROW(FIELD_TIMEOUT, "X-Request-Timeout-Ms", ONE),
#undef ROW
};

static size_t find(const char *name, size_t len)
{
    size_t field = 0;
    while (field < FIELDS &&
           (fields[field].len != len || strncasecmp(fields[field].name, name, len) != 0))
        field++;
    return field;
}

/* Returns the value without the blanks after it; the library has already skipped those before it.
 * We may write to the library's buffer until the request is over. The library keeps the lengths of
 * its values, so a NUL in place of a blank changes nothing for it. */
static const char *trim(const char *value, size_t len)
{
    size_t end = len;
    while (end && (value[end - 1] == ' ' || value[end - 1] == '\t'))
        end--;
    if (end < len)
        *(char *)(uintptr_t)(value + end) = '\0';
    return value;
}

/* "a" and "b" become "a, b". */
static void join(struct http_request *http_request, struct head *head, enum field field,
                 const char *value)
{
    const char *before = head->value[field];
    size_t len = strlen(before), more = strlen(value);
    char *joined = malloc(len + 2 + more + 1);
    if (!joined) {
        head->is_short = true;
        return;
    }
    memcpy(joined, before, len);
    memcpy(joined + len, ", ", 2);
    memcpy(joined + len + 2, value, more + 1);
    free(http_request->joined[field]);
    head->value[field] = http_request->joined[field] = joined;
}

static void take_field(struct http_request *http_request, struct head *head, const char *name,
                       size_t name_len, const char *value)
{
    size_t field = find(name, name_len);
    if (field == FIELDS)
        return;
    if (!head->value[field])
        head->value[field] = value;
    else if (fields[field].kind == LIST)
        join(http_request, head, (enum field)field, value);
    else if (fields[field].kind == TOKEN)
        head->value[field] = "";
    else
        head->doubled = fields[field].name;
}

struct walk {
    struct http_request *http_request;
    struct head *head;
};

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
    struct walk *walk = cls;
    struct request *request = &walk->http_request->request;
    struct framing *framing = &walk->head->framing;
    if (kind == MHD_GET_ARGUMENT_KIND) {
        framing_argument(framing, name, value);
        if (request->query_len < REQUEST_QUERY_MAX)
            request->query[request->query_len] = (struct request_parameter){name, value};
        request->query_len++;
        return MHD_YES;
    }
    framing_header(framing, name, name_len, value ? value : name + name_len + 1, value_len);
    take_field(walk->http_request, walk->head, name, name_len, value ? trim(value, value_len) : "");
    return MHD_YES;
}

/* A client's id is returned only if it is short and printable, since it must not end a header
 * line. */
static void take_id(struct request *request, const char *value)
{
    size_t len = value ? strlen(value) : 0;
    if (len == 0 || len > REQUEST_ID_MAX)
        return;
    for (size_t i = 0; i < len; i++)
        if (value[i] < 0x20 || value[i] > 0x7e)
            return;
    memcpy(request->id, value, len + 1);
}

/* X-Request-Timeout-Ms: whole milliseconds, from 1 to a day. */
static bool take_timeout(struct request *request, const char *value)
{
    enum { MS_MAX = 86400000 };
    int64_t ms = 0;
    for (; *value && ms <= MS_MAX; value++) {
        if (*value < '0' || *value > '9')
            return false;
        ms = 10 * ms + (*value - '0');
    }
    if (ms < 1 || ms > MS_MAX)
        return false;
    request_limit(request, ms * 1000000);
    return true;
}

/* Passes the values on to the request and the log. */
static void hand_on(struct http_request *http_request, struct head *head)
{
    struct request *request = &http_request->request;
    const char *const *value = head->value;
    request->accept = value[FIELD_ACCEPT];
    request->accept_encoding = value[FIELD_ACCEPT_ENCODING];
    request->content_type = value[FIELD_CONTENT_TYPE];
    request->content_encoding = value[FIELD_CONTENT_ENCODING];
    request->inference_header_length = value[FIELD_INFERENCE_LENGTH];
    request->origin = value[FIELD_ORIGIN];
    request->is_preflight = value[FIELD_ASKED_METHOD] != NULL;
    request->asked_fields = value[FIELD_ASKED_FIELDS];
    http_request->log.user_agent = value[FIELD_USER_AGENT];
    http_request->log.traceparent = value[FIELD_TRACEPARENT];
    if (!head->framing.is_1_1 ||
        (value[FIELD_CONNECTION] && strcasestr(value[FIELD_CONNECTION], "close")))
        stream_expect_close(http_request->link->deadline.fd);
    take_id(request, value[FIELD_REQUEST_ID]);
    if (value[FIELD_TIMEOUT])
        head->is_timeout_bad = !take_timeout(request, value[FIELD_TIMEOUT]);
}

void head_read(struct http_request *http_request, struct head *head, const char *url,
               const char *method, const char *version)
{
    struct walk walk = {http_request, head};
    framing_line(&head->framing, method, url, version, *MHD_get_version() == '0');
    MHD_get_connection_values_n(http_request->connection, MHD_HEADER_KIND | MHD_GET_ARGUMENT_KIND,
                                on_field, &walk);
    hand_on(http_request, head);
}

bool head_is_refused(struct http_request *http_request, struct head *head)
{
    struct request *request = &http_request->request;
    const char *fault = framing_verdict(&head->framing);
    if (fault)
        request_fail(request, framing_code(&head->framing), "%s", fault);
    else if (head->doubled)
        request_fail(request, 400, "more than one %s", head->doubled);
    else if (head->is_short)
        request_fail(request, 503, "out of memory for the request's head");
    return request->code != 0;
}

void head_forget(struct http_request *http_request)
{
    for (size_t i = 0; i < FIELDS; i++) {
        free(http_request->joined[i]);
        http_request->joined[i] = NULL;
    }
}
