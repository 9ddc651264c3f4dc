/* One TLS connection of the server's, over a non-blocking socket. Calls are like recv and send of such a socket: never wait, and set
 * errno to EAGAIN where that would be needed. */
#ifndef SERVER_TLS_SESSION_H
#define SERVER_TLS_SESSION_H

#include <sys/types.h>
#include <sys/uio.h>

struct tls;
struct tls_session;

/* With the newest certificate of `tls`, which must outlive it; the socket stays the caller's. NULL: out of memory. Any thread. */
struct tls_session *tls_session_open(struct tls *tls, int fd);
void tls_session_free(struct tls_session *session); /* NULL is fine */

enum tls_progress {
    TLS_SHAKEN, /* bytes may go */
    TLS_READS,  /* to be called again when the socket has something to read */
    TLS_WRITES, /* when it can be written to */
    TLS_FAILED,
};
enum tls_progress tls_session_shake(struct tls_session *session);

/* Up to len bytes: all that there are, so that fewer than len means that nothing more has come. 0: the peer has said that it is
 * done. */
ssize_t tls_session_recv(struct tls_session *session, void *bytes, size_t len);

/* The parts one after the other. What was not sent must be offered again, as it is. */
ssize_t tls_session_send(struct tls_session *session, const struct iovec *parts, size_t len);

/* Tells the peer that nothing more comes. */
void tls_session_end(struct tls_session *session);

#endif
