/* The TLS handshakes in progress. They run in the acceptor's thread, so that workers can serve
 * meanwhile. */
#ifndef SERVER_NET_HANDSHAKES_H
#define SERVER_NET_HANDSHAKES_H

#include "server/base/list.h"
#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;
struct tls_session;

/* Called when a handshake has ended. fd and session then belong to the callee. session is NULL if
 * the handshake failed. */
typedef void handshake_end_fn(int fd, void *user, struct tls_session *session);

struct handshakes {
    struct tls *tls;
    int epoll_fd;     /* readable when a handshake can continue */
    struct list list; /* the oldest first */
    int64_t limit_ns; /* the time limit of a handshake */
    handshake_end_fn *on_end;
};

bool handshakes_open(struct handshakes *handshakes, struct tls *tls, int64_t limit_ns,
                     handshake_end_fn *on_end, struct relud_error *error);
void handshakes_close(struct handshakes *handshakes); /* fails the handshakes that are left */

/* Begins a handshake on a new connection. on_end gets `user`; it may be called before this
 * returns. */
void handshakes_begin(struct handshakes *handshakes, int fd, void *user);
/* Continues the handshakes that can continue, and fails those that have taken too long. */
void handshakes_run(struct handshakes *handshakes);
/* The milliseconds until the next handshake has taken too long; -1 if there is none. */
int handshakes_pause_ms(const struct handshakes *handshakes);

#endif
