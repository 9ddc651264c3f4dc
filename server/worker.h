/* One worker: a thread with its own event loop, its own turn, its own shard of the metrics. Workers share
 * nothing that is written on the way of a request. */
#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/exchange.h"
#include "server/intake.h"
#include <pthread.h>

struct http;

struct worker {
    struct service service;
    struct http *http;
    struct intake_seat *seat;
    pthread_t thread;
    _Atomic bool is_stopping; /* end when no connection is left */
    _Atomic bool is_ended;
};

/* service is filled in but for its turn; number counts the workers from 0; seat is where its connections come in. */
bool worker_open(struct worker *worker, size_t number, struct intake_seat *seat, bool is_suspending,
                 struct relud_error *error);
bool worker_start(struct worker *worker, struct relud_error *error);
/* Makes the loop look at is_stopping now; from any thread. */
void worker_wake(struct worker *worker);
/* After the thread has ended, or where it never started. */
void worker_close(struct worker *worker);

#endif
