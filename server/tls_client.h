/* A client's side of TLS, for the commands that are clients: whoever the server says it is. */
#ifndef SERVER_TLS_CLIENT_H
#define SERVER_TLS_CLIENT_H

#include <relud/error.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_client;

/* Shakes hands on a connected, blocking socket, which stays the caller's. NULL and *error when that fails or takes longer than
 * patience_ms. */
struct tls_client *tls_client_open(int fd, unsigned patience_ms, struct relud_error *error);
void tls_client_close(struct tls_client *client); /* NULL is fine */

/* As send(2) and recv(2) on the socket, blocking or not: -1 with errno EAGAIN is to be repeated with the same bytes. */
ssize_t tls_client_send(struct tls_client *client, const void *bytes, size_t len);
ssize_t tls_client_recv(struct tls_client *client, void *bytes, size_t size);

#endif
