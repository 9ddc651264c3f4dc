/* TLS handshakes under way, where connections come in: off the workers, which have others to serve. */
#ifndef SERVER_HANDSHAKES_H
#define SERVER_HANDSHAKES_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;
struct tls_session;
struct handshake;

/* One has ended; fd and session are the callee's now. The session is NULL where it failed. */
typedef void handshake_end_fn(int fd, void *user, struct tls_session *session);

struct handshakes {
    struct tls *tls;
    int epoll_fd;                   /* readable when one of them can go on */
    struct handshake *first, *last; /* in the order of their beginnings */
    int64_t limit_ns;               /* how long one may take */
    handshake_end_fn *on_end;
};

bool handshakes_open(struct handshakes *handshakes, struct tls *tls, int64_t limit_ns,
                     handshake_end_fn *on_end, struct relud_error *error);
void handshakes_close(struct handshakes *handshakes); /* fails those that are left */

/* Begins one on a new connection, `user` is given to on_end. */
void handshakes_begin(struct handshakes *handshakes, int fd, void *user);
/* Goes on with those that can, and fails those that have taken too long. */
void handshakes_run(struct handshakes *handshakes);
/* Until the next one has taken too long, in milliseconds; -1: there are none. */
int handshakes_pause_ms(const struct handshakes *handshakes);

#endif
