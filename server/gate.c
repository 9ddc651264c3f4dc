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

enum { HEAD_BYTES_MAX = 64 * 1024 };

/* Nothing but what separates, from `end` to `next`; NUL is what the library puts in place of a colon, a line's end and the like. */
static bool is_next(const char *end, const char *next)
{
    uintptr_t from = (uintptr_t)end, to = (uintptr_t)next;
    if (to <= from || to - from > HEAD_BYTES_MAX)
        return false;
    for (size_t i = 0; i < to - from; i++)
        if (end[i] && !strchr(" \t\r\n", end[i]))
            return false;
    return true;
}

static void follow(struct gate *gate, const char *part, size_t len)
{
    if (!gate->is_followed)
        return;
    if (gate->end && !is_next(gate->end, part))
        gate->is_torn = true;
    gate->end = part + len;
}

static void follow_version(struct gate *gate)
{
    if (gate->version)
        follow(gate, gate->version, strlen(gate->version));
    gate->version = NULL;
}

/* Does the value follow its name, a colon's byte and blanks between? A line that was folded (RFC 9112 §5.2) does not: libmicrohttpd
 * 0.9.75 hangs what follows the fold on the name, in a copy elsewhere, and makes `Content-: 1` and ` Length` a Content-Length. */
static bool is_in_one_line(const char *name, size_t name_len, const char *value)
{
    uintptr_t end = (uintptr_t)name + name_len, at = (uintptr_t)value;
    if (at <= end || at - end > HEAD_BYTES_MAX)
        return false;
    for (size_t i = 1; i < at - end; i++)
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

/* No control character, nor a blank: which of the words were the target would be anyone's guess (RFC 9112 §3.2). */
static bool is_target(const char *part, char first)
{
    for (; *part; part++)
        if ((unsigned char)*part < (unsigned char)first || *part == 0x7f)
            return false;
    return true;
}

void gate_line(struct gate *gate, const char *method, const char *target, const char *version,
               bool is_followed)
{
    gate->is_followed = is_followed;
    gate->version = version;
    gate->is_method_bad = !gate_is_token(method, strlen(method));
    gate->is_target_bad = !is_target(target, ' ' + 1);
    gate->is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    gate->is_version_bad = !gate->is_1_1 && strcmp(version, "HTTP/1.0") != 0;
    follow(gate, method, strlen(method));
    follow(gate, target, strlen(target));
}

void gate_argument(struct gate *gate, const char *name, const char *value)
{
    if (!is_target(name, ' ') || (value && !is_target(value, ' ')))
        gate->is_target_bad = true;
    follow(gate, name, strlen(name));
    if (value)
        follow(gate, value, strlen(value));
}

void gate_header(struct gate *gate, const char *name, size_t name_len, const char *value,
                 size_t value_len)
{
    follow_version(gate);
    follow(gate, name, name_len);
    follow(gate, value, value_len);
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

const char *gate_verdict(struct gate *gate)
{
    follow_version(gate);
    if (gate->end) /* an empty line */
        follow(gate, gate->end + 2, 0);
    if (gate->is_version_bad)
        return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (gate->is_method_bad)
        return "the method is not a token";
    if (gate->is_target_bad)
        return "the request target holds a blank or a control character";
    if (gate->is_torn)
        return "the head holds a NUL, or a field without a name";
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
    if (gate->is_1_1 && gate->hosts == 0)
        return "a Host header is required";
    if (gate->is_host_bad)
        return "Host is not the name of a host";
    if (gate->content_lengths && gate->transfer_encodings)
        return "Content-Length together with Transfer-Encoding";
    if (gate->is_length_bad)
        return "Content-Length is not a number of bytes";
    if (gate->is_encoding_bad)
        return "a Transfer-Encoding other than chunked";
    if (gate->transfer_encodings && !gate->is_1_1)
        return "Transfer-Encoding in HTTP/1.0";
    return NULL;
}

uint64_t gate_body_length(const struct gate *gate)
{
    if (gate->transfer_encodings)
        return GATE_LENGTH_UNKNOWN;
    return gate->content_lengths ? gate->content_length : 0;
}
