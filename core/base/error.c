/* Formats error and log lines. A line may contain bytes from a client or a file. It must not garble
 * a terminal or a log, so control characters and invalid UTF-8 are escaped. It must show the reason
 * even after a very long path, so the middle of the longest part is cut first. */
#include "core/base/json_string.h"
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ellipsis[] = "…";
enum { ELLIPSIS_BYTES = sizeof ellipsis - 1 };

/* The whole text is formatted before it is cut. Two paths and some words fit; anything beyond that
 * loses its end. */
enum { WHOLE_BYTES = 3 * 4096 };

/* ---- control characters ---- */

/* Returns the length of the printable character at `at`, where `left` bytes remain. Returns 0 if
 * the byte must be escaped: it belongs to a control character or is not valid UTF-8. */
static size_t printable_len(const char *at, size_t left)
{
    unsigned char first = (unsigned char)*at;
    if (first < 0x20 || first == 0x7f || (first == 0xc2 && left > 1 && (unsigned char)at[1] < 0xa0))
        return 0;
    return utf8_len(at, left);
}

static size_t escape_byte(unsigned char byte, char to[4])
{
    static const char digits[] = "0123456789abcdef";
    const char *word = byte == '\n' ? "\\n" : byte == '\t' ? "\\t" : byte == '\r' ? "\\r" : NULL;
    if (word) {
        memcpy(to, word, 2);
        return 2;
    }
    to[0] = '\\';
    to[1] = 'x';
    to[2] = digits[byte >> 4];
    to[3] = digits[byte & 15];
    return 4;
}

/* Copies the text to `to`, which has room for 4 * len bytes, and escapes what is not printable.
 * Returns the new length. */
static size_t escape(const char *text, size_t len, char *to)
{
    size_t out = 0;
    for (size_t i = 0; i < len;) {
        size_t some = printable_len(text + i, len - i);
        if (some == 0) {
            out += escape_byte((unsigned char)text[i++], to + out);
            continue;
        }
        memcpy(to + out, text + i, some);
        out += some;
        i += some;
    }
    return out;
}

/* ---- length ---- */

/* Finds the longest of the parts that ": " separates. Returns where it begins and sets
 * *part_len. */
static size_t longest_part(const char *text, size_t len, size_t *part_len)
{
    size_t best = 0, begin = 0;
    *part_len = 0;
    for (size_t i = 0; i <= len; i++) {
        bool is_end = i == len || (text[i] == ':' && i + 1 < len && text[i + 1] == ' ');
        if (!is_end)
            continue;
        if (i - begin > *part_len) {
            *part_len = i - begin;
            best = begin;
        }
        begin = i + 2;
    }
    return best;
}

static bool is_inside_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Replaces the middle of the longest part by an ellipsis to make the text `over` bytes shorter. At
 * least LEAST_KEPT bytes of that part stay, so the text may remain too long. In a path, folders are
 * cut before the file's name. Returns the new length. */
static size_t cut_longest(char *text, size_t len, size_t over)
{
    enum { LEAST_KEPT = 16 };
    size_t part_len, begin = longest_part(text, len, &part_len), end = begin + part_len;
    size_t gone = over + ELLIPSIS_BYTES;
    if (gone + LEAST_KEPT > part_len)
        gone = part_len > LEAST_KEPT ? part_len - LEAST_KEPT : 0;
    if (gone <= ELLIPSIS_BYTES)
        return len;
    size_t from = begin + (part_len - gone) / 2, name = end;
    while (name > begin && text[name - 1] != '/')
        name--;
    if (name > begin && name - 1 < from + gone && name - 1 - begin >= gone)
        from = name - 1 - gone;
    size_t to = from + gone;
    while (from > begin && is_inside_character(text[from]))
        from--;
    while (to < end && is_inside_character(text[to]))
        to++;
    memcpy(text + from, ellipsis, ELLIPSIS_BYTES);
    memmove(text + from + ELLIPSIS_BYTES, text + to, len - to);
    return len - (to - from) + ELLIPSIS_BYTES;
}

static size_t shorten(char *text, size_t len, size_t most)
{
    while (len > most) {
        size_t less = cut_longest(text, len, len - most);
        if (less >= len)
            break;
        len = less;
    }
    if (len > most)
        len = json_string_cut(text, len, most);
    return len;
}

static bool is_printable(const char *text, size_t len)
{
    for (size_t i = 0, some; i < len; i += some)
        if (!(some = printable_len(text + i, len - i)))
            return false;
    return true;
}

static size_t fit_escaped(const char *text, size_t len, char *line, size_t most)
{
    char escaped[4 * WHOLE_BYTES];
    len = shorten(escaped, escape(text, len, escaped), most);
    memcpy(line, escaped, len);
    return len;
}

size_t relud_vline(char *line, size_t size, const char *format, va_list args)
{
    char whole[WHOLE_BYTES];
    int wanted = vsnprintf(whole, sizeof whole, format, args);
    if (size == 0)
        return 0;
    size_t len = wanted < 0 ? 0 : (size_t)wanted < sizeof whole ? (size_t)wanted : sizeof whole - 1;
    if (is_printable(whole, len)) {
        len = shorten(whole, len, size - 1);
        memcpy(line, whole, len);
    } else {
        len = fit_escaped(whole, len, line, size - 1);
    }
    line[len] = '\0';
    return len;
}

size_t relud_line(char *line, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t len = relud_vline(line, size, format, args);
    va_end(args);
    return len;
}

bool relud_fail(struct relud_error *error, enum relud_code code, const char *format, ...)
{
    if (!error)
        return false;
    va_list args;
    va_start(args, format);
    relud_vline(error->text, sizeof error->text, format, args);
    va_end(args);
    error->code = code;
    error->offset = 0;
    return false;
}

const char *relud_version(void)
{
    return RELUD_VERSION;
}
