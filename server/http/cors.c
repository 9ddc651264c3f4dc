#include "server/http/cors.h"

#include <string.h>

/* Browsers send scheme://host[:port] and nothing after it. */
static bool is_origin(const char *text, size_t len)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < 2; i++) {
        size_t head = strlen(schemes[i]);
        if (len <= head || strncmp(text, schemes[i], head) != 0)
            continue;
        for (size_t k = head; k < len; k++)
            if (text[k] <= ' ' || text[k] == '/' || text[k] == '*' || text[k] == 0x7f)
                return false;
        return true;
    }
    return false;
}

bool cors_check(const char *origins, struct relud_error *error)
{
    for (size_t len; *origins; origins += len + (origins[len] == ',')) {
        len = strcspn(origins, ",");
        if (!(len == 1 && *origins == '*') && !is_origin(origins, len))
            return relud_fail(error, RELUD_BAD_INPUT,
                              "--cors-origin: '%.*s' is neither * nor scheme://host[:port]",
                              (int)(len < 80 ? len : 80), origins);
    }
    return true;
}

const char *cors_allow(const char *origins, const char *origin)
{
    size_t wanted = strlen(origin);
    bool is_any = false;
    for (size_t len; *origins; origins += len + (origins[len] == ',')) {
        len = strcspn(origins, ",");
        if (len == wanted && strncmp(origins, origin, len) == 0)
            return origin;
        is_any |= len == 1 && *origins == '*';
    }
    return is_any ? "*" : NULL;
}
