/* A client's side of TLS, for the commands that are clients. It does not check who the server
 * is. */
#ifndef SERVER_CLIENT_TLS_CLIENT_H
#define SERVER_CLIENT_TLS_CLIENT_H

#include <relud/error.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_client;

/* Shakes hands on a connected, blocking socket, which stays the caller's. NULL and *error when
 * that fails or takes longer than patience_ms. */
struct tls_client *tls_client_open(int fd, unsigned patience_ms, struct relud_error *error);
void tls_client_close(struct tls_client *client); /* NULL is fine */

/* Like send(2) and recv(2), on a blocking or non-blocking socket. Repeat the call with the same
 * bytes after -1 with EAGAIN. */
ssize_t tls_client_send(struct tls_client *client, const void *bytes, size_t len);
ssize_t tls_client_recv(struct tls_client *client, void *bytes, size_t size);

#endif
