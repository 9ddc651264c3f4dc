/* Parts of a URL (RFC 3986), which arrive as the client wrote them. */
#ifndef SERVER_URL_H
#define SERVER_URL_H

#include <stdbool.h>
#include <stddef.h>

/* Decodes %41 (and, where is_query, + as a blank) into out[cap], NUL-terminated. False when it does not fit, where % is
 * not followed by two hexadecimal digits, and for %00. */
bool url_decode(const char *text, bool is_query, char *out, size_t cap);

/* The path of a request target: absolute-form, http://host/path, is the same as /path (RFC 9112 §3.2.2). */
const char *url_path(const char *target);

#endif
