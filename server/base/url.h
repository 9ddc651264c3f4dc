/* Decodes parts of a URL (RFC 3986), which arrive as the client wrote them. */
#ifndef SERVER_BASE_URL_H
#define SERVER_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes %XX (and + to a blank, if is_query) into out[cap], which ends with a NUL. Returns false
 * if the result does not fit, if two hexadecimal digits do not follow a %, or for %00. */
bool url_decode(const char *text, bool is_query, char *out, size_t cap);

/* Does the same for a path. A path is decoded only once (§6.2.2.2). %2F stays as it is, because an
 * escaped slash does not separate segments. */
bool url_decode_path(const char *text, char *out, size_t cap);

const char *url_path_of_absolute(const char *target);
/* The path of a request target: http://host/path (absolute-form) means the same as /path (RFC 9112
 * §3.2.2). */
static inline const char *url_path(const char *target)
{
    return *target == '/' ? target : url_path_of_absolute(target);
}

#endif
