/* TLS 1.2 and 1.3 by GnuTLS: the certificate that is shown, whose clients' certificates are asked for, and the reload of both. This file
 * gives each new session (server/tls_session.c) what it works with. */
#ifndef SERVER_TLS_H
#define SERVER_TLS_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

struct gnutls_session_int; /* a gnutls_session_t points to it */

/* Certificate, key and client CAs as they were read at one time. A session keeps the one that it began with. */
struct tls_identity;

struct tls_files {
    const char *cert, *key; /* PEM; the certificate's chain follows it */
    const char *client_ca;  /* PEM; NULL: clients need no certificate */
};

/* NULL and *error, naming the file, where one cannot be read or they do not belong together. files must outlive it. */
struct tls *tls_open(const struct tls_files *files, struct relud_error *error);
void tls_free(struct tls *tls);
/* Reads the files anew, for the sessions that begin from now on. False and *error: they go on with the old ones. Any thread. */
bool tls_reload(struct tls *tls, struct relud_error *error);

/* Gives a session that has not begun its handshake certificate, versions and suites; the identity is to be ended with it. NULL: this
 * session cannot be served. Any thread. */
struct tls_identity *tls_begin(struct tls *tls, struct gnutls_session_int *session);
void tls_end(struct tls *tls, struct tls_identity *identity); /* NULL is fine */

#endif
