#include "core/base/json_string.h"

#include <relud/text.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t utf8_len(const char *text, size_t left)
{
    const unsigned char *at = (const unsigned char *)text;
    unsigned char a = at[0];
    if (a < 0x80)
        return 1;
    size_t len = a < 0xc2 ? 0 : a < 0xe0 ? 2 : a < 0xf0 ? 3 : a < 0xf5 ? 4 : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    bool is_overlong = (a == 0xe0 && at[1] < 0xa0) || (a == 0xf0 && at[1] < 0x90);
    bool is_surrogate = a == 0xed && at[1] > 0x9f, is_beyond = a == 0xf4 && at[1] > 0x8f;
    return is_overlong || is_surrogate || is_beyond ? 0 : len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The value of the four hexadecimal digits at `at`, or -1 if there are not four. */
static int hex4(const char *at, const char *end)
{
    int value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static const char too_early[] = "the text ends inside a string";

/* Returns the byte after the escape at `at`. On failure returns the place of the fault (`at`, or
 * `end` if the text stops) and sets *why. */
static const char *escape_end(const char *at, const char *end, const char **why)
{
    if (end - at < 2) {
        *why = too_early;
        return end;
    }
    if (at[1] != 'u') {
        bool is_known = at[1] && strchr("\"\\/bfnrt", at[1]);
        *why = is_known ? NULL : "an escape that JSON does not have";
        return is_known ? at + 2 : at;
    }
    int unit = hex4(at + 2, end);
    if (unit <= 0) {
        *why = unit ? "\\u without four hexadecimal digits"
                    : "\\u0000, which no string here may hold,";
        return at;
    }
    if (unit < 0xd800 || unit > 0xdfff)
        return at + 6;
    bool is_followed = unit < 0xdc00 && end - at >= 12 && at[6] == '\\' && at[7] == 'u';
    int low = is_followed ? hex4(at + 8, end) : -1;
    if (low < 0xdc00 || low > 0xdfff) {
        *why = "half a surrogate pair";
        return at;
    }
    return at + 12;
}

/* True if the eight bytes are all ASCII characters that need no escape. The tests for a byte below
 * n and for a zero byte are Mycroft's; they are exact while all bytes are below 0x80. */
static bool is_plain(const char *at)
{
    const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    uint64_t quotes = bytes ^ ones * '"', slashes = bytes ^ ones * '\\';
    uint64_t below = bytes - ones * 0x20;
    return ((bytes | below | (quotes - ones) | (slashes - ones)) & tops) == 0;
}

const char *json_string_end(const char *at, const char *end, const char **why)
{
    *why = NULL;
    while (at < end && *at != '"') {
        if (end - at >= 8 && is_plain(at)) {
            at += 8;
            continue;
        }
        unsigned char c = (unsigned char)*at;
        if (c >= 0x20 && c < 0x80 && c != '\\') {
            at++;
        } else if (c == '\\') {
            at = escape_end(at, end, why);
        } else if (c < 0x20) {
            *why = "a raw control character in a string";
        } else {
            size_t len = utf8_len(at, (size_t)(end - at));
            at += len;
            *why = len ? NULL : "a byte that is not UTF-8";
        }
        if (*why)
            return at;
    }
    if (at == end)
        *why = too_early;
    return at;
}

/* Decodes the next code point of well-formed UTF-8, and moves *at past it. */
static uint32_t next_code(const char **at, const char *end)
{
    const char *s = *at;
    size_t len = utf8_len(s, (size_t)(end - s));
    uint32_t code = len == 1 ? (uint32_t)*s : (unsigned char)*s & (0xffu >> (len + 1));
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)s[i] & 0x3f);
    *at += len;
    return code;
}

/* The same in a string that json_string_end has accepted. */
static uint32_t next_char(const char **at, const char *end)
{
    const char *s = *at;
    if (*s != '\\')
        return next_code(at, end);
    if (s[1] == 'u') {
        uint32_t unit = (uint32_t)hex4(s + 2, end);
        bool is_pair = unit >= 0xd800 && unit < 0xdc00;
        *at += is_pair ? 12 : 6;
        return is_pair ? 0x10000 + ((unit - 0xd800) << 10) + ((uint32_t)hex4(s + 8, end) - 0xdc00)
                       : unit;
    }
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found = strchr(from, s[1]);
    *at += 2;
    return (uint32_t)(found ? to[found - from] : s[1]);
}

int json_string_compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
    const char *a_end = a + a_len, *b_end = b + b_len;
    while (a < a_end && b < b_end) {
        uint32_t one = next_char(&a, a_end), other = next_char(&b, b_end);
        if (one != other)
            return one < other ? -1 : 1;
    }
    return (a < a_end) - (b < b_end);
}

int json_string_compare_text(const char *a, size_t a_len, const char *text, size_t text_len)
{
    const char *a_end = a + a_len, *text_end = text + text_len;
    while (a < a_end && text < text_end) {
        uint32_t one = next_char(&a, a_end), other = next_code(&text, text_end);
        if (one != other)
            return one < other ? -1 : 1;
    }
    return (a < a_end) - (text < text_end);
}

size_t utf8_put(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    static const unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
    size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    out[0] = (char)(heads[more] | code >> 6 * more);
    for (size_t i = 1; i <= more; i++)
        out[i] = (char)(0x80 | (code >> 6 * (more - i) & 0x3f));
    return more + 1;
}

size_t json_string_next(const char **at, const char *end, char *out)
{
    return utf8_put(out, next_char(at, end));
}

size_t json_string_cut(const char *at, size_t len, size_t most)
{
    if (len <= most)
        return len;
    while (most > 0 && (at[most] & 0xc0) == 0x80)
        most--;
    return most;
}

size_t relud_text_utf8(const char *text, size_t len)
{
    size_t at = 0, unit;
    while (at < len && (unit = utf8_len(text + at, len - at)))
        at += unit;
    return at;
}

size_t relud_json_string(const char *text, size_t len, char *out)
{
    static const char names[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt",
                      hex[] = "0123456789abcdef";
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        size_t unit = utf8_len(text + i, len - i);
        const char *name = c ? strchr(names, c) : NULL;
        if (unit == 0) { /* not UTF-8: write U+FFFD */
            memcpy(at, "\xef\xbf\xbd", 3);
            at += 3;
            unit = 1;
        } else if (name) {
            *at++ = '\\';
            *at++ = escapes[name - names];
        } else if (c < 0x20 || c == 0x7f) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4];
            at[5] = hex[c & 15];
            at += 6;
        } else {
            memcpy(at, text + i, unit);
            at += unit;
        }
        i += unit;
    }
    *at++ = '"';
    return (size_t)(at - out);
}
