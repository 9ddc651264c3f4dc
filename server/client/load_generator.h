/* Sends HTTP requests on many connections from one thread, and measures how long the answers take.
 *
 * Closed loop: each connection asks again as soon as it is answered. That is the most that the
 * server can do.
 *
 * Open loop: requests are due at a fixed rate, whatever the server does. Each is timed from when it
 * was due, not from when a connection became free to send it, so a server that stalls cannot slow
 * the requests that would have shown it ("coordinated omission", Tene 2013). */
#ifndef SERVER_CLIENT_LOAD_GENERATOR_H
#define SERVER_CLIENT_LOAD_GENERATOR_H

#include "server/client/connect.h"
#include "server/client/latency.h"

struct load_plan {
    const struct address *address;
    const char *const *request; /* [requests], whole HTTP requests, sent in turn */
    const size_t *request_len;
    size_t requests;
    bool is_head; /* the requests are HEAD: their answers have no bodies */
    size_t connections;
    double rate; /* requests a second; 0: closed loop */
    double warmup_s, seconds;
    bool is_same_wanted; /* the answers with 2xx to one request must have the same body */
};

enum { LOAD_CODES = 600 };

struct load_result {
    struct latency latency; /* of the answers with 2xx */
    struct latency refused; /* of all other answers: a refusal should come soon, too */
    double seconds;         /* how long was measured */
    uint64_t answers;       /* in that time, with 2xx or not */
    uint64_t failed;        /* not 2xx */
    uint64_t broken; /* connections that ended within a request, or answers that were not HTTP */
    uint64_t unanswered; /* due in the open loop, but not answered five seconds after the end */
    uint64_t bytes_in;
    uint64_t different; /* with another body than the first 2xx answer to the same request */
    uint64_t code[LOAD_CODES];
};

/* Returns false and sets *error when a connection cannot be made or memory runs out. */
bool load_run(const struct load_plan *plan, struct load_result *result, struct relud_error *error);

#endif
