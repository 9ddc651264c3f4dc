/* Connections to a server, in the clear or by TLS, for the commands that are clients. */
#ifndef SERVER_CLIENT_CONNECT_H
#define SERVER_CLIENT_CONNECT_H

#include "server/base/address.h"
#include "server/client/tls_client.h"
#include <sys/types.h>

/* Returns a connected socket whose waits end after patience_s seconds, or -1 and sets *error. */
int connect_to(const struct address *address, int patience_s, struct relud_error *error);

/* Like send(2), without a signal when the other end has gone, and recv(2); by TLS when tls is not
 * NULL. The program's own recv and send are those that libmicrohttpd calls
 * (server/http/sockets.c); a client's bytes do not pass through them. */
ssize_t connect_send(int fd, struct tls_client *tls, const void *bytes, size_t len);
ssize_t connect_recv(int fd, struct tls_client *tls, void *bytes, size_t size);

#endif
