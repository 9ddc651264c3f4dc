/* Changes the user that the process runs as. */
#ifndef SERVER_BASE_USER_H
#define SERVER_BASE_USER_H

#include <relud/error.h>
#include <stdbool.h>

/* Becomes that user for good, with its groups. `user` is "NAME" or "UID", or either followed by
 * ":GROUP"; root is refused. Only root can become another user; a process that already runs as that
 * user stays as it is. Returns false and sets *error on failure. The process may then have changed
 * some of its ids, so it must end. */
bool user_become(const char *user, struct relud_error *error);

#endif
