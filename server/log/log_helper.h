/* A process that writes log lines to a file, so that neither a slow disk nor a pipe without a
 * reader ever holds up a worker. Each worker has its own pipe to it, and drops the lines that the
 * pipe does not take.
 *
 * The process is forked before the service gives up its rights. It keeps the right to open the file
 * again (after logrotate has moved it), which the service loses. It has the file's name and its
 * pipes but no keys and no sockets. It ends with the service. */
#ifndef SERVER_LOG_LOG_HELPER_H
#define SERVER_LOG_LOG_HELPER_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

enum { LOG_HELPER_LINE_MAX = 4096 }; /* PIPE_BUF: a longer line could be torn */

struct log_helper {
    int *pipe; /* [pipes], to write to, non-blocking; NULL: no helper runs */
    size_t pipes;
    int control;
};

/* Opens the file for appending, or takes standard output for "-", and starts the process. A new
 * file gets mode 0640. The process becomes `user`, unless that is "". It counts lines that it
 * cannot write as dropped (server/log/log.h). Returns false and sets *error, which names the file,
 * on failure. */
bool log_helper_start(struct log_helper *helper, const char *path, const char *user, size_t pipes,
                      struct relud_error *error);
/* Makes the process open the file again by its name. Any thread may call this. */
void log_helper_reopen(const struct log_helper *helper);
/* Closes the pipes, so that the process writes what is left in them and ends. Waits up to `ms`
 * milliseconds for that. */
void log_helper_stop(struct log_helper *helper, int ms);

#endif
