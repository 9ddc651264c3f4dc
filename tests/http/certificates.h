/* Certificates made for one test, and a TLS client that shows one or none. */
#ifndef TESTS_CERTIFICATES_H
#define TESTS_CERTIFICATES_H

#include "tests/http/server.h"
#include "tests/unit/files.h"
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <time.h>

struct certificate {
    gnutls_x509_crt_t crt;
    gnutls_x509_privkey_t key;
};

/* A certificate for `name`, signed by `ca`. If ca is NULL, it is a CA and signs itself. */
static inline struct certificate certificate_new(const char *name, const struct certificate *ca)
{
    static unsigned char serial = 1;
    struct certificate made;
    gnutls_x509_privkey_init(&made.key);
    gnutls_x509_privkey_generate2(made.key, GNUTLS_PK_EC,
                                  GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0, NULL, 0);
    gnutls_x509_crt_init(&made.crt);
    gnutls_x509_crt_set_version(made.crt, 3);
    gnutls_x509_crt_set_serial(made.crt, &serial, 1);
    serial++;
    gnutls_x509_crt_set_activation_time(made.crt, time(NULL) - 3600);
    gnutls_x509_crt_set_expiration_time(made.crt, time(NULL) + 86400);
    gnutls_x509_crt_set_dn_by_oid(made.crt, GNUTLS_OID_X520_COMMON_NAME, 0, name,
                                  (unsigned)strlen(name));
    gnutls_x509_crt_set_key(made.crt, made.key);
    gnutls_x509_crt_set_ca_status(made.crt, ca == NULL);
    gnutls_x509_crt_set_key_usage(made.crt,
                                  ca ? GNUTLS_KEY_DIGITAL_SIGNATURE
                                     : GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_DIGITAL_SIGNATURE);
    int failure = gnutls_x509_crt_sign2(made.crt, ca ? ca->crt : made.crt, ca ? ca->key : made.key,
                                        GNUTLS_DIG_SHA256, 0);
    ck_assert_msg(failure == 0, "%s", gnutls_strerror(failure));
    return made;
}

static inline void certificate_free(const struct certificate *certificate)
{
    gnutls_x509_crt_deinit(certificate->crt);
    gnutls_x509_privkey_deinit(certificate->key);
}

/* Writes cert.pem and key.pem in `dir`; each appears there complete, by a rename. */
static inline void certificate_write(const struct certificate *certificate, const char *dir)
{
    gnutls_datum_t text[2];
    gnutls_x509_crt_export2(certificate->crt, GNUTLS_X509_FMT_PEM, &text[0]);
    gnutls_x509_privkey_export2(certificate->key, GNUTLS_X509_FMT_PEM, &text[1]);
    static const char *const names[] = {"cert.pem", "key.pem"};
    for (size_t i = 0; i < 2; i++) {
        char from[160], to[160];
        write_file(dir, "part", text[i].data, text[i].size);
        snprintf(from, sizeof from, "%s/part", dir);
        snprintf(to, sizeof to, "%s/%s", dir, names[i]);
        ck_assert_int_eq(rename(from, to), 0);
        gnutls_free(text[i].data);
    }
}

static inline void certificates_remove(const char *dir)
{
    char path[160];
    static const char *const names[] = {"cert.pem", "key.pem"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

struct tls_client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
    int fd;
    int failure; /* of the handshake; 0: it succeeded */
};

/* If the server has closed, the bytes count as sent, since the server's last words are still to be
 * read. */
static inline ssize_t tls_push(gnutls_transport_ptr_t fd, const void *bytes, size_t len)
{
    ssize_t sent = send((int)(intptr_t)fd, bytes, len, MSG_NOSIGNAL);
    return sent < 0 && (errno == EPIPE || errno == ECONNRESET) ? (ssize_t)len : sent;
}

/* Connects with GnuTLS's priority string. `own` (may be NULL) is shown to a server that asks. Any
 * server certificate is accepted. */
static inline struct tls_client tls_connect(const struct server *server, const char *priority,
                                            const struct certificate *own)
{
    struct tls_client client = {.fd = server_connect(server)};
    gnutls_certificate_allocate_credentials(&client.credentials);
    if (own)
        gnutls_certificate_set_x509_key(client.credentials,
                                        (gnutls_x509_crt_t *)(uintptr_t)&own->crt, 1, own->key);
    gnutls_init(&client.session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    gnutls_credentials_set(client.session, GNUTLS_CRD_CERTIFICATE, client.credentials);
    ck_assert_int_eq(gnutls_priority_set_direct(client.session, priority, NULL), 0);
    gnutls_transport_set_int(client.session, client.fd);
    gnutls_transport_set_push_function(client.session, tls_push);
    gnutls_handshake_set_timeout(client.session, 60000);
    gnutls_record_set_timeout(client.session, 60000);
    do
        client.failure = gnutls_handshake(client.session);
    while (client.failure == GNUTLS_E_AGAIN || client.failure == GNUTLS_E_INTERRUPTED);
    return client;
}

static inline void tls_disconnect(struct tls_client *client)
{
    gnutls_deinit(client->session);
    gnutls_certificate_free_credentials(client->credentials);
    close(client->fd);
}

/* Sends the bytes and reads up to `end` (NULL: to the connection's end). The result is static, and
 * "" if nothing arrived. */
static inline const char *tls_talk(struct tls_client *client, const char *bytes, const char *end)
{
    static char answer[1 << 16];
    size_t got = 0;
    ssize_t some = 1;
    for (size_t len = strlen(bytes); len && some > 0;
         len -= some > 0 ? (size_t)some : 0, bytes += some)
        some = gnutls_record_send(client->session, bytes, len);
    answer[0] = '\0';
    while (some > 0 || some == GNUTLS_E_AGAIN || some == GNUTLS_E_INTERRUPTED) {
        some = gnutls_record_recv(client->session, answer + got, sizeof answer - 1 - got);
        got += some > 0 ? (size_t)some : 0;
        answer[got] = '\0';
        if (end && strstr(answer, end))
            break;
    }
    return answer;
}

/* The common name in the server's certificate; static. */
static inline const char *tls_server_name(const struct tls_client *client)
{
    static char name[64];
    size_t size = sizeof name;
    unsigned count = 0;
    const gnutls_datum_t *chain = gnutls_certificate_get_peers(client->session, &count);
    gnutls_x509_crt_t crt;
    ck_assert_uint_ge(count, 1);
    gnutls_x509_crt_init(&crt);
    gnutls_x509_crt_import(crt, chain, GNUTLS_X509_FMT_DER);
    gnutls_x509_crt_get_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);
    gnutls_x509_crt_deinit(crt);
    return name;
}

#endif
