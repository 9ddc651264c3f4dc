#include "server/http/framing.h"

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

bool framing_is_token(const char *text, size_t len)
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
    return len > 0 && sum != FRAMING_LENGTH_UNKNOWN;
}

enum { HEAD_BYTES_MAX = 64 * 1024 };

/* True if only separators lie between `end` and `next`. The library writes NUL over colons, line
 * ends and the like. */
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

static void follow(struct framing *framing, const char *part, size_t len)
{
    if (!framing->is_followed)
        return;
    if (framing->end && !is_next(framing->end, part))
        framing->is_torn = true;
    framing->end = part + len;
}

static void follow_version(struct framing *framing)
{
    if (framing->version)
        follow(framing, framing->version, strlen(framing->version));
    framing->version = NULL;
}

/* True if the value follows its name, with one byte (the colon) and blanks between them. It does
 * not if the line was folded (RFC 9112 §5.2): libmicrohttpd 0.9.75 appends what follows the fold to
 * the name, in a copy elsewhere, and turns `Content-: 1` and ` Length` into a Content-Length. */
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

/* uri-host [":" port] of RFC 9110 §7.2, checked by its characters; empty if a target has no
 * authority. */
static bool is_host(const char *value, size_t len)
{
    while (len && (value[len - 1] == ' ' || value[len - 1] == '\t'))
        len--;
    for (size_t i = 0; i < len; i++)
        if (!is_token_char((unsigned char)value[i]) && !strchr("()[]:,;=", value[i]))
            return false;
    return true;
}

/* True if no character is below `first`, and none is DEL. With a blank in the request line, nobody
 * could tell which words are the target (RFC 9112 §3.2). */
static bool is_target(const char *part, char first)
{
    for (; *part; part++)
        if ((unsigned char)*part < (unsigned char)first || *part == 0x7f)
            return false;
    return true;
}

void framing_line(struct framing *framing, const char *method, const char *target,
                  const char *version, bool is_followed)
{
    framing->is_followed = is_followed;
    framing->version = version;
    framing->is_method_bad = !framing_is_token(method, strlen(method));
    framing->is_target_bad = !is_target(target, ' ' + 1);
    framing->is_1_1 = strcmp(version, "HTTP/1.1") == 0;
    framing->is_version_bad = !framing->is_1_1 && strcmp(version, "HTTP/1.0") != 0;
    follow(framing, method, strlen(method));
    follow(framing, target, strlen(target));
}

void framing_argument(struct framing *framing, const char *name, const char *value)
{
    if (!is_target(name, ' ') || (value && !is_target(value, ' ')))
        framing->is_target_bad = true;
    follow(framing, name, strlen(name));
    if (value)
        follow(framing, value, strlen(value));
}

void framing_header(struct framing *framing, const char *name, size_t name_len, const char *value,
                    size_t value_len)
{
    follow_version(framing);
    follow(framing, name, name_len);
    follow(framing, value, value_len);
    if (!framing_is_token(name, name_len))
        framing->is_name_bad = true;
    if (!is_in_one_line(name, name_len, value))
        framing->is_folded = true;
    for (size_t i = 0; i < value_len; i++)
        if ((unsigned char)value[i] < ' ' && value[i] != '\t')
            framing->is_value_bad = true;
    if (is_named(name, name_len, "Content-Length")) {
        framing->content_lengths++;
        if (!read_length(value, value_len, &framing->content_length))
            framing->is_length_bad = true;
    } else if (is_named(name, name_len, "Transfer-Encoding")) {
        framing->transfer_encodings++;
        if (!is_named(value, value_len, "chunked"))
            framing->is_encoding_bad = true;
    } else if (is_named(name, name_len, "Host")) {
        framing->hosts++;
        if (!is_host(value, value_len))
            framing->is_host_bad = true;
    }
}

const char *framing_verdict(struct framing *framing)
{
    follow_version(framing);
    if (framing->end) /* an empty line */
        follow(framing, framing->end + 2, 0);
    if (framing->is_version_bad)
        return "only HTTP/1.0 and HTTP/1.1 are spoken here";
    if (framing->is_method_bad)
        return "the method is not a token";
    if (framing->is_target_bad)
        return "the request target holds a blank or a control character";
    if (framing->is_torn)
        return "the head holds a NUL, or a field without a name";
    if (framing->is_name_bad)
        return "a header name is not a token";
    if (framing->is_folded)
        return "a header line is folded";
    if (framing->is_value_bad)
        return "a header value holds a control character";
    if (framing->content_lengths > 1)
        return "more than one Content-Length";
    if (framing->transfer_encodings > 1)
        return "more than one Transfer-Encoding";
    if (framing->hosts > 1)
        return "more than one Host";
    if (framing->is_1_1 && framing->hosts == 0)
        return "a Host header is required";
    if (framing->is_host_bad)
        return "Host is not the name of a host";
    if (framing->content_lengths && framing->transfer_encodings)
        return "Content-Length together with Transfer-Encoding";
    if (framing->is_length_bad)
        return "Content-Length is not a number of bytes";
    if (framing->is_encoding_bad)
        return "a Transfer-Encoding other than chunked";
    if (framing->transfer_encodings && !framing->is_1_1)
        return "Transfer-Encoding in HTTP/1.0";
    return NULL;
}

unsigned framing_code(const struct framing *framing)
{
    return framing->is_version_bad ? 505 : 400;
}

uint64_t framing_body_length(const struct framing *framing)
{
    if (framing->transfer_encodings)
        return FRAMING_LENGTH_UNKNOWN;
    return framing->content_lengths ? framing->content_length : 0;
}
