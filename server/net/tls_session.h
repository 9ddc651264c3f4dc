/* One TLS connection to a client, over a non-blocking socket. The calls behave like recv and send
 * on such a socket: they never wait, and return -1 with errno EAGAIN instead. */
#ifndef SERVER_NET_TLS_SESSION_H
#define SERVER_NET_TLS_SESSION_H

#include <sys/types.h>
#include <sys/uio.h>

struct tls;
struct tls_session;

/* Opens a session with the newest certificate of `tls`, which must live longer. The socket stays
 * the caller's. Returns NULL on failure, for example when memory runs out. Any thread may call
 * this. */
struct tls_session *tls_session_open(struct tls *tls, int fd);
void tls_session_free(struct tls_session *session); /* NULL is fine */

enum tls_progress {
    TLS_SHAKEN, /* done: bytes can be sent and received */
    TLS_READS,  /* call again when the socket is readable */
    TLS_WRITES, /* call again when the socket is writable */
    TLS_FAILED,
};
enum tls_progress tls_session_shake(struct tls_session *session);

/* Receives up to len bytes. Fewer than len means that nothing more has come yet. 0 means that the
 * peer has ended its side. */
ssize_t tls_session_recv(struct tls_session *session, void *bytes, size_t len);

/* Sends the parts one after the other. Returns how many bytes were sent; the rest must be offered
 * again, unchanged. */
ssize_t tls_session_send(struct tls_session *session, const struct iovec *parts, size_t len);

/* Tells the peer that we send nothing more. */
void tls_session_end(struct tls_session *session);

#endif
