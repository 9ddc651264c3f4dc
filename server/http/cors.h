/* Cross-origin requests of web pages (Fetch standard §3.3): which origins may read responses. */
#ifndef SERVER_HTTP_CORS_H
#define SERVER_HTTP_CORS_H

#include <relud/error.h>
#include <stdbool.h>

/* Checks a list of origins, separated by commas, such as https://app.example, or *. False and
 * *error, which names --cors-origin, if an item is no origin. */
bool cors_check(const char *origins, struct relud_error *error);
/* The value of Access-Control-Allow-Origin for a page of this origin: the origin, "*", or NULL if
 * it must get none. */
const char *cors_allow(const char *origins, const char *origin);

#endif
