#include "server/gate.h"

#include <string.h>
#include <strings.h>

/* tchar of RFC 9110 §5.6.2. */
static bool is_token_char(unsigned char c)
{
    static const char others[128] = {
        ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
        ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1,  ['~'] = 1,
    };
    unsigned letter = (c | 0x20u) - 'a', digit = c - (unsigned)'0';
    return letter < 26 || digit < 10 || (c < sizeof others && others[c]);
}

bool gate_is_token(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_token_char((unsigned char)text[i]))
            return false;
    return len > 0;
}

static bool is_named(const char *name, size_t len, const char *wanted)
{
    return len == strlen(wanted) && strncasecmp(name, wanted, len) == 0;
}

/* 1*DIGIT of RFC 9110 §8.6 and nothing else: no sign, no list, no blanks. */
static bool read_length(const char *value, size_t len, uint64_t *length)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)value[i] - '0';
        if (digit > 9 || sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    *length = sum;
    return len > 0 && sum != GATE_LENGTH_UNKNOWN;
}

/* Does the value follow its name, a colon's byte and blanks between? A line that was folded (RFC 9112 §5.2) does not: libmicrohttpd
 * 0.9.75 hangs what follows the fold on the name, in a copy elsewhere, and makes `Content-: 1` and ` Length` a Content-Length. */
static bool is_in_one_line(const char *name, size_t name_len, const char *value)
{
    enum { LINE_MAX = 64 * 1024 };
    uintptr_t end = (uintptr_t)name + name_len, at = (uintptr_t)value;
    if (at <= end || at - end > LINE_MAX)
        return false;
    size_t between = at - end;
    for (size_t i = 1; i < between; i++)
        if (name[name_len + i] != ' ' && name[name_len + i] != '\t')
            return false;
    return true;
}

/* uri-host [":" port] of RFC 9110 §7.2, by its characters; empty where a target has no authority. */
static bool is_host(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_token_char((unsigned char)value[i]) && !strchr("()[]:,;=", value[i]))
            return false;
    return true;
}

/* No blank, no control character: which of the words were the target would be anyone's guess (RFC 9112 §3.2). */
static bool is_target(const char *target)
{
    for (; *target; target++)
        if ((unsigned char)*target <= ' ' || *target == 0x7f)
            return false;
    return true;
}

void gate_header(struct gate *gate, const char *name, size_t name_len, const char *value,
                 size_t value_len)
{
    if (!gate_is_token(name, name_len))
        gate->is_name_bad = true;
    if (!is_in_one_line(name, name_len, value))
        gate->is_folded = true;
    for (size_t i = 0; i < value_len; i++)
        if (value[i] == '\0' || value[i] == '\r' || value[i] == '\n')
            gate->is_value_bad = true;
    if (is_named(name, name_len, "Content-Length")) {
        gate->content_lengths++;
        if (!read_length(value, value_len, &gate->content_length))
            gate->is_length_bad = true;
    } else if (is_named(name, name_len, "Transfer-Encoding")) {
        gate->transfer_encodings++;
        if (!is_named(value, value_len, "chunked"))
            gate->is_encoding_bad = true;
    } else if (is_named(name, name_len, "Host")) {
        gate->hosts++;
        if (!is_host(value, value_len))
            gate->is_host_bad = true;
    }
}

const char *gate_verdict(const struct gate *gate, const char *method, const char *target,
                         const char *version)
{
    bool is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    if (!is_1_1 && strcmp(version, "HTTP/1.0") != 0)
        return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (!gate_is_token(method, strlen(method)))
        return "the method is not a token";
    if (!is_target(target))
        return "the request target holds a blank or a control character";
    if (gate->is_name_bad)
        return "a header name is not a token";
    if (gate->is_folded)
        return "a header line is folded";
    if (gate->is_value_bad)
        return "a header value holds a control character";
    if (gate->content_lengths > 1)
        return "more than one Content-Length";
    if (gate->transfer_encodings > 1)
        return "more than one Transfer-Encoding";
    if (gate->hosts > 1)
        return "more than one Host";
    if (is_1_1 && gate->hosts == 0)
        return "a Host header is required";
    if (gate->is_host_bad)
        return "Host is not the name of a host";
    if (gate->content_lengths && gate->transfer_encodings)
        return "Content-Length together with Transfer-Encoding";
    if (gate->is_length_bad)
        return "Content-Length is not a number of bytes";
    if (gate->is_encoding_bad)
        return "a Transfer-Encoding other than chunked";
    if (gate->transfer_encodings && !is_1_1)
        return "Transfer-Encoding in HTTP/1.0";
    return NULL;
}

uint64_t gate_body_length(const struct gate *gate)
{
    if (gate->transfer_encodings)
        return GATE_LENGTH_UNKNOWN;
    return gate->content_lengths ? gate->content_length : 0;
}
