/* Cross-origin requests of web pages (Fetch standard §3.3): which origins may read answers. */
#ifndef SERVER_CORS_H
#define SERVER_CORS_H

#include <relud/error.h>
#include <stdbool.h>

/* Origins with commas between them, such as https://app.example, or *. False and *error, naming --cors-origin, for what is
 * no origin. */
bool cors_check(const char *origins, struct relud_error *error);
/* What Access-Control-Allow-Origin may say to a page of this origin: it, "*", or NULL: nothing. */
const char *cors_allow(const char *origins, const char *origin);

#endif
