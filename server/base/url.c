#include "server/base/url.h"

#include <string.h>
#include <strings.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

enum part { PART, PATH, QUERY };

static bool decode(const char *text, enum part part, char *out, size_t cap)
{
    size_t len = 0;
    for (; *text; text++) {
        char c = part == QUERY && *text == '+' ? ' ' : *text;
        if (c == '%') {
            int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);
            if (low < 0 || high + low == 0)
                return false;
            bool is_kept = part == PATH && high * 16 + low == '/';
            c = is_kept ? '%' : (char)(high * 16 + low);
            text += is_kept ? 0 : 2;
        }
        if (len + 1 >= cap)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

bool url_decode(const char *text, bool is_query, char *out, size_t cap)
{
    return decode(text, is_query ? QUERY : PART, out, cap);
}

bool url_decode_path(const char *text, char *out, size_t cap)
{
    return decode(text, PATH, out, cap);
}

const char *url_path_of_absolute(const char *target)
{
    size_t scheme_len = strncasecmp(target, "http://", 7) == 0    ? 7
                        : strncasecmp(target, "https://", 8) == 0 ? 8
                                                                  : 0;
    if (!scheme_len)
        return target;
    const char *path = strchr(target + scheme_len, '/');
    return path ? path : "/";
}
