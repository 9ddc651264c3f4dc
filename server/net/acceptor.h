/* The acceptor: one thread accepts all connections and gives each to the worker that has the
 * fewest. If every worker accepted for itself, the first to wake would take a whole burst while the
 * others stayed idle. */
#ifndef SERVER_NET_ACCEPTOR_H
#define SERVER_NET_ACCEPTOR_H

#include "server/net/handshakes.h"

#include <pthread.h>
#include <relud/relud.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct acceptor;
struct tls_session;

/* The message sent through a queue's pipe. Its members leave no padding between them, so every byte
 * of it is set. */
struct acceptor_message {
    int fd;                      /* -1: no connection, only wakes the worker */
    int is_admin;                /* the connection came in on the admin address */
    struct tls_session *session; /* after its handshake; the receiver's to free. NULL: no TLS */
};

/* The connections of one worker. They come through a pipe. `taken` counts them from before they are
 * sent until they are closed. */
struct worker_queue {
    struct acceptor *acceptor;
    int read_fd, write_fd; /* read_fd is readable when a message has come */
    _Atomic size_t taken;
    /* The `user` of a handshake; the index is is_admin, true on the admin address. */
    struct worker_door {
        struct worker_queue *queue;
        bool is_admin;
    } door[2];
};

struct acceptor {
    struct worker_queue *queue;
    size_t queues, each_max; /* workers; the most connections of each */
    int listen_fd, admin_fd; /* admin_fd is -1 if there is no admin address */
    int wake_fd;             /* an eventfd: a worker has room again, or it is time to stop */
    pthread_t thread;
    _Atomic bool is_full, is_stopping;
    bool is_started;
    struct handshakes handshakes; /* its tls is NULL if TLS is off */
};

/* Makes the queues of the workers, each for at most each_max connections. Returns false and sets
 * *error on failure. */
bool acceptor_init(struct acceptor *acceptor, size_t queues, size_t each_max,
                   struct relud_error *error);
/* Turns TLS on. A handshake may take at most limit_ms. Call this before acceptor_start. */
bool acceptor_use_tls(struct acceptor *acceptor, struct tls *tls, size_t limit_ms,
                      struct relud_error *error);
/* Starts to accept from listen_fd and admin_fd (-1: none). Both must be non-blocking; they belong
 * to the acceptor, and acceptor_stop closes them. While every worker is full, new connections wait
 * in the kernel's backlog. */
bool acceptor_start(struct acceptor *acceptor, int listen_fd, int admin_fd,
                    struct relud_error *error);
/* Stops accepting: clients that come later are refused. Waits up to a second for handshakes in
 * progress. */
void acceptor_stop(struct acceptor *acceptor);
/* Frees everything. Call this after the workers have ended. */
void acceptor_reset(struct acceptor *acceptor);

/* Wakes every worker. Any thread may call this between acceptor_init and acceptor_reset. */
void acceptor_call_all(struct acceptor *acceptor);

/* Called by the worker: takes the next message. Its connection is non-blocking, and the worker
 * closes it. Returns false if there is no message. */
bool acceptor_take(struct worker_queue *queue, struct acceptor_message *message);
/* Called by the worker when one of its connections has closed. */
void acceptor_leave(struct worker_queue *queue);

#endif
