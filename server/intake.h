/* Where connections come in: one thread accepts them all and gives each to the worker that holds the fewest. Where every
 * worker accepts for itself, the one that wakes first takes a whole burst, and the others idle beside it. */
#ifndef SERVER_INTAKE_H
#define SERVER_INTAKE_H

#include "server/handshakes.h"

#include <pthread.h>
#include <relud/relud.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct intake;
struct tls_session;

/* What goes through a seat's pipe, each byte of it set: there are none between the members. */
struct intake_message {
    int fd;                      /* -1: nothing but a call to look around */
    int is_admin;                /* it came in by the admin address */
    struct tls_session *session; /* whose hands are shaken; the receiver's. NULL: in the clear */
};

/* One worker's connections: sent through a pipe, and counted from before that until they are closed. */
struct intake_seat {
    struct intake *intake;
    int read_fd, write_fd; /* readable when a connection has come */
    _Atomic size_t taken;
    struct intake_door {
        struct intake_seat *seat;
        bool is_admin;
    } door
        [2]; /* how a connection that shakes hands has come in: by the public address, by the admin one */
};

struct intake {
    struct intake_seat *seat;
    size_t seats, each_max;  /* workers, and connections of one */
    int listen_fd, admin_fd; /* admin_fd -1: there is no admin address */
    int wake_fd;             /* an eventfd: a place is free, or it is time to stop */
    pthread_t thread;
    _Atomic bool is_full, is_stopping;
    bool is_started;
    struct handshakes handshakes; /* its tls is NULL where there are none */
};

bool intake_init(struct intake *intake, size_t seats, size_t each_max, struct relud_error *error);
/* Before intake_start: connections are to speak TLS, and to have shaken hands within limit_ms. */
bool intake_use_tls(struct intake *intake, struct tls *tls, size_t limit_ms,
                    struct relud_error *error);
/* Accepts from listen_fd and admin_fd (both non-blocking, taken, closed by intake_stop; admin_fd may be -1). When every
 * worker is full, the others wait in the kernel's backlog. */
bool intake_start(struct intake *intake, int listen_fd, int admin_fd, struct relud_error *error);
/* No new connections from here on: what comes later is refused. Handshakes under way have another second, which is waited for here. */
void intake_stop(struct intake *intake);
/* After the workers have ended. */
void intake_reset(struct intake *intake);

/* Makes every worker's wait end. From any thread, between intake_init and intake_reset. */
void intake_call_all(struct intake *intake);

/* For the worker: the next message; its connection is non-blocking and the worker's to close. False: there is none. */
bool intake_take(struct intake_seat *seat, struct intake_message *message);
/* For the worker: one of its connections has closed. */
void intake_leave(struct intake_seat *seat);

#endif
