/* The bytes of connections: in the clear, or by TLS where the connection has a session. A descriptor has one owner at a time. */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <relud/error.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct tls_session;

/* Before the first connection: room for as many descriptors as the process may have. */
bool stream_open(struct relud_error *error);

/* The descriptor is a new connection, whose bytes go by this session (taken over, and living until the next call), or in the clear
 * where it is NULL; or it is one no more. False: there is no room for it, and the session is still the caller's. */
bool stream_set(int fd, struct tls_session *session);

/* Bytes that have been read from the connection, modulo 2^32: whoever wants to know whether more have come need not ask the kernel. */
uint32_t stream_received(int fd);

/* Like recv, sendmsg and shutdown; the flags are for connections in the clear. */
ssize_t stream_recv(int fd, void *bytes, size_t len, int flags);
ssize_t stream_send(int fd, const struct msghdr *message, int flags);
int stream_end(int fd, int how);

/* Sends what the peer takes at once. */
void stream_say(int fd, const char *bytes, size_t len);

#endif
