#include "server/url.h"

#include <string.h>
#include <strings.h>

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool url_decode(const char *text, bool is_query, char *out, size_t cap)
{
    size_t len = 0;
    for (; *text; text++) {
        char c = is_query && *text == '+' ? ' ' : *text;
        if (c == '%') {
            int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]);
            if (low < 0 || high + low == 0)
                return false;
            c = (char)(high * 16 + low);
            text += 2;
        }
        if (len + 1 >= cap)
            return false;
        out[len++] = c;
    }
    out[len] = '\0';
    return true;
}

const char *url_path(const char *target)
{
    size_t scheme_len = strncasecmp(target, "http://", 7) == 0    ? 7
                        : strncasecmp(target, "https://", 8) == 0 ? 8
                                                                  : 0;
    if (!scheme_len)
        return target;
    const char *path = strchr(target + scheme_len, '/');
    return path ? path : "/";
}
