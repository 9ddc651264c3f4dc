/* TLS 1.2 and 1.3 by GnuTLS: the server's certificate and key, the CAs of clients' certificates,
 * and reloading both. Each new session (server/net/tls_session.c) gets its certificate and settings
 * here. */
#ifndef SERVER_NET_TLS_H
#define SERVER_NET_TLS_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

struct gnutls_session_int; /* a gnutls_session_t points to this */

/* The certificate, key and client CAs of one reading of the files. A session keeps those that it
 * began with. */
struct tls_identity;

struct tls_files {
    const char *cert, *key; /* PEM; `cert` also holds the chain, after the certificate */
    const char *client_ca;  /* PEM; NULL: clients need no certificate */
};

/* Returns NULL and sets *error, which names the file, if a file cannot be read or the certificate
 * and key do not belong together. `files` must live longer. */
struct tls *tls_open(const struct tls_files *files, struct relud_error *error);
void tls_free(struct tls *tls);
/* Reads the files again, for sessions that begin from now on. Returns false and sets *error on
 * failure; new sessions then use the old files. Any thread may call this. */
bool tls_reload(struct tls *tls, struct relud_error *error);

/* Sets the certificate, versions and suites of a session that has not begun its handshake. Returns
 * false on failure: the session cannot be used. In both cases *identity must be given to tls_end
 * once the session is freed. Any thread may call this. */
bool tls_begin(struct tls *tls, struct gnutls_session_int *session, struct tls_identity **identity);
/* Releases an identity; NULL is fine. When the last session of a replaced identity ends, the
 * identity and its key are freed. */
void tls_end(struct tls *tls, struct tls_identity *identity);

#endif
