/* Sends and receives the bytes of connections, through TLS if the connection has a session. A
 * descriptor has one owner at a time. */
#ifndef SERVER_NET_STREAM_H
#define SERVER_NET_STREAM_H

#include <relud/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct tls_session;

/* Allocates room for as many descriptors as the process may have. Call this before the first
 * connection. */
bool stream_open(struct relud_error *error);

/* Marks the descriptor as a new connection. Its bytes go through `session`, which then belongs to
 * the connection until stream_forget; NULL means no TLS. Returns false if the table has no room for
 * the descriptor; the session is then still the caller's. */
bool stream_set(int fd, struct tls_session *session);
/* Marks the descriptor as no connection and frees its session. Its number may come again. */
void stream_forget(int fd);

/* Who produced the bytes that are being sent on a connection. */
enum stream_sender {
    STREAM_FOREIGN, /* not a connection of the server's */
    STREAM_LIBRARY, /* no response of ours is queued: the HTTP library sends its own bytes */
    STREAM_ANSWER,  /* a response of ours is queued and not all sent */
    STREAM_SILENT,  /* our error page replaced the library's and was sent: nothing follows it */
};
enum stream_sender stream_sender(int fd);
void stream_set_sender(int fd, enum stream_sender sender);
/* The bytes of an interim response (100 Continue) that are still to be sent; at most 255 are
 * kept. */
size_t stream_interim(int fd);
void stream_set_interim(int fd, size_t len);

/* The status of an error response that was sent in place of a response of ours, for the access log.
 * note stores it; take returns it once, and 0 from then on. */
void stream_note_refusal(int fd, unsigned status);
unsigned stream_take_refusal(int fd);

/* While a request's head comes in, the number of bytes of the current line that the library has;
 * STREAM_NO_HEAD otherwise. */
enum { STREAM_NO_HEAD = UINT16_MAX };
size_t stream_head(int fd);
void stream_set_head(int fd, size_t line_bytes);

/* True if the client has ended the connection, if it failed, or if the library is to close it after
 * a response (stream_expect_close). */
bool stream_is_over(int fd);
void stream_expect_close(int fd);

/* The number of bytes read from the connection, modulo 2^32. A caller can tell by it whether more
 * have come, without asking the kernel. */
uint32_t stream_received(int fd);

/* What happens to a connection that we end while its client may still send
 * (server/net/lingering.h). */
enum stream_ending {
    STREAM_CLOSES,
    STREAM_LINGERS, /* the server goes on reading when the library closes it */
    STREAM_IS_DEAF, /* like STREAM_LINGERS, but the library already reads the end of the data */
};
void stream_end_as(int fd, enum stream_ending how);
enum stream_ending stream_ends_as(int fd);
/* stream_keep_open: someone else now owns the descriptor, so the library's next close() of it does
 * nothing. stream_close is the close() that the library calls. */
void stream_keep_open(int fd);
int stream_close(int fd);
/* Closes the descriptor in any case. Needed because close() itself is stream_close
 * (server/http/sockets.c). */
int stream_let_go(int fd);

/* Like recv, sendmsg and shutdown. `flags` matters only without TLS, and in stream_send only for a
 * message of one part: several parts go by writev, because a confined process may not call sendmsg
 * (server/serve/syscalls.c). SIGPIPE must be ignored. */
ssize_t stream_recv(int fd, void *bytes, size_t len, int flags);
ssize_t stream_send(int fd, const struct msghdr *message, int flags);
int stream_end(int fd, int how);

/* Reads bytes that the library has not asked for yet to where they belong. The next calls of
 * stream_recv tell of so many bytes more, before those that they read, and leave the memory for
 * them as it is. Otherwise as stream_recv. To be called only after stream_recv has told of all
 * bytes that came this way before.
 *
 * Reads nothing (EAGAIN) unless the last stream_recv gave all that was asked for. After less, the
 * library waits for the kernel to announce more, which it does not do for what we have taken. Nor
 * does it read ahead through TLS, where a client's end comes before the bytes are told of. */
ssize_t stream_read_ahead(int fd, void *bytes, size_t len);
/* How many bytes stream_recv will still tell of. */
size_t stream_ahead(int fd);

/* Sends as many of the bytes as the peer takes at once. */
void stream_say(int fd, const char *bytes, size_t len);

#endif
