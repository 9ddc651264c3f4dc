/* A worker: a thread with its own event loop, its own turn and its own shard of the metrics. On the
 * way of a request, workers share nothing that is written. */
#ifndef SERVER_SERVE_WORKER_H
#define SERVER_SERVE_WORKER_H

#include "server/batch/request.h"
#include "server/net/acceptor.h"
#include <pthread.h>

struct http;

struct worker {
    struct service service;
    struct http *http;
    struct worker_queue *queue;
    pthread_t thread;
    _Atomic bool is_stopping; /* ends the thread once no connection is left */
    _Atomic bool is_ended;
};

/* Opens a worker. All members of its service but the turn must be set. `number` counts workers from
 * 0; connections come through `queue`. Returns false and sets *error on failure. */
bool worker_open(struct worker *worker, size_t number, struct worker_queue *queue,
                 bool is_suspending, struct relud_error *error);
bool worker_start(struct worker *worker, struct relud_error *error);
/* Makes the loop look at is_stopping now. Any thread may call this. */
void worker_wake(struct worker *worker);
/* Frees the worker. Call this after the thread has ended, or if it was never started. */
void worker_close(struct worker *worker);

#endif
