/* The bytes of connections: in the clear, or by TLS where the connection has a session. A descriptor has one owner at a time. */
#ifndef SERVER_STREAM_H
#define SERVER_STREAM_H

#include <relud/error.h>
#include <stdbool.h>
#include <sys/socket.h>
#include <sys/types.h>

struct tls_session;

/* Before the first session: room for those of as many descriptors as the process may have. */
bool stream_open(struct relud_error *error);

/* From here on the descriptor's bytes go by this session, which is taken over and lives until the next call; NULL: in the clear. False:
 * there is no room for it, and it is still the caller's. */
bool stream_set(int fd, struct tls_session *session);

/* Like recv, sendmsg and shutdown; the flags are for connections in the clear. */
ssize_t stream_recv(int fd, void *bytes, size_t len, int flags);
ssize_t stream_send(int fd, const struct msghdr *message, int flags);
int stream_end(int fd, int how);

/* Sends what the peer takes at once. */
void stream_say(int fd, const char *bytes, size_t len);

#endif
