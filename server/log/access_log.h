/* The access log: one line for each request, in nginx's combined format with more fields, or as
 * JSON. Each worker collects its lines and passes them, at the end of a turn, to a process that
 * writes them (server/log/log_helper.h). Workers never wait for that process: a line that it does
 * not take is dropped and counted in relud_log_dropped_total. Lines never contain a key, a query
 * string or a body. */
#ifndef SERVER_LOG_ACCESS_LOG_H
#define SERVER_LOG_ACCESS_LOG_H

#include "server/base/text.h"
#include "server/log/log_helper.h"
#include <stdint.h>
#include <time.h>

/* The lines of one worker. */
struct access_lines {
    int fd;
    bool is_json;
    uint64_t share; /* share of the requests to log, in units of 2^-64; UINT64_MAX: all */
    uint64_t random;
    /* Lines that the helper has not taken yet. The first may be the rest of a line. */
    struct text out;
    time_t second; /* the second that `stamp` shows */
    char stamp[32];
};

struct access_log {
    struct log_helper helper;
    struct access_lines *lines; /* [workers]; NULL: no access log */
    size_t workers;
};

/* The facts about one request. The strings are borrowed; NULL or "" means unknown. */
struct access_request {
    const char *client, *method, *path, *protocol, *user_agent;
    const char *traceparent; /* a W3C Trace Context header; a wrong one is ignored */
    const char *id, *key;    /* the key's label */
    const char *model, *version;
    unsigned status;
    uint64_t bytes_in, bytes_out; /* of the bodies, as transferred */
    size_t rows;
    int64_t duration_ns;
    bool is_aborted; /* the client left before the whole response was sent */
};

/* Opens the file with the current rights and starts the helper process, which then becomes `user`
 * (if that is not ""). `share` is the share of requests to log, from 0 to 1. Call this before the
 * process gives up its rights. Returns false and sets *error on failure. */
bool access_log_open(struct access_log *log, const char *path, const char *user, bool is_json,
                     double share, size_t workers, struct relud_error *error);
/* Passes on the lines that are left and waits up to a second for the helper to write them. */
void access_log_close(struct access_log *log);

/* True if the next request is to be logged. */
bool access_log_wants(struct access_lines *lines);
/* Adds a line to the worker's buffer. Drops and counts the line if the buffer is full. */
void access_log_write(struct access_lines *lines, const struct access_request *request);
/* Passes the buffered lines to the helper, as many as its pipe takes. Called at the end of a
 * turn. */
void access_log_flush(struct access_lines *lines);

#endif
