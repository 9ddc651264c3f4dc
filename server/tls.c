#include "server/tls.h"

#include "server/log.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Forward secrecy and authenticated encryption only: the intermediate list of Mozilla's server side TLS, less finite field DHE,
 * which costs a server more than it gains. */
static const char suites[] =
    "SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2:-KX-ALL:+ECDHE-ECDSA:+ECDHE-RSA"
    ":-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:-MAC-ALL:+AEAD:%SERVER_PRECEDENCE";

enum { EXPIRY_WARNING_DAYS = 14, DAY_S = 86400 };

struct tls_identity {
    struct tls_identity *older;
    gnutls_certificate_credentials_t credentials;
    size_t sessions;
    bool asks_client;
};

struct tls {
    const struct tls_files *files;
    gnutls_priority_t priority;
    gnutls_datum_t ticket_key;
    pthread_mutex_t mutex;       /* of the list and its counts; taken once a handshake */
    struct tls_identity *newest; /* the first of the list; what counts for new sessions */
};

/* ---- the files ---- */

static bool can_read(const char *option, const char *path, struct relud_error *error)
{
    return access(path, R_OK) == 0 ||
           relud_fail(error, RELUD_IO, "%s %.200s: %s", option, path, strerror(errno));
}

/* Called within a handshake: nonzero ends it. */
static int verify_client(gnutls_session_t session)
{
    gnutls_typed_vdata_st purpose = {.type = GNUTLS_DT_KEY_PURPOSE_OID,
                                     .data = (unsigned char *)(uintptr_t)GNUTLS_KP_TLS_WWW_CLIENT};
    unsigned status = 0;
    int failure = gnutls_certificate_verify_peers(session, &purpose, 1, &status);
    if (failure >= 0 && status == 0)
        return 0;
    log_debug("tls: a client's certificate was refused (%s, status 0x%x)", gnutls_strerror(failure),
              status);
    return -1;
}

/* Tells the operator before the clients do. */
static void check_expiry(const struct tls_identity *identity, const char *path)
{
    gnutls_x509_crt_t *chain = NULL;
    unsigned len = 0;
    if (gnutls_certificate_get_x509_crt(identity->credentials, 0, &chain, &len) < 0)
        return;
    time_t end = len ? gnutls_x509_crt_get_expiration_time(chain[0]) : 0, now = time(NULL);
    long days = (long)(end - now) / DAY_S;
    if (len && end <= now)
        log_warn("--tls-cert %s: the certificate has expired", path);
    else if (len && days < EXPIRY_WARNING_DAYS)
        log_warn("--tls-cert %s: the certificate expires in %ld days", path, days);
    else if (len)
        log_info("--tls-cert %s: valid for %ld days", path, days);
    for (unsigned i = 0; i < len; i++)
        gnutls_x509_crt_deinit(chain[i]);
    gnutls_free(chain);
}

static void free_identity(struct tls_identity *identity)
{
    if (identity->credentials)
        gnutls_certificate_free_credentials(identity->credentials);
    free(identity);
}

static bool read_files(struct tls_identity *identity, const struct tls_files *files,
                       struct relud_error *error)
{
    if (!can_read("--tls-cert", files->cert, error) || !can_read("--tls-key", files->key, error) ||
        (files->client_ca && !can_read("--tls-client-ca", files->client_ca, error)))
        return false;
    if (gnutls_certificate_allocate_credentials(&identity->credentials) < 0)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    int failure = gnutls_certificate_set_x509_key_file(identity->credentials, files->cert,
                                                       files->key, GNUTLS_X509_FMT_PEM);
    if (failure < 0)
        return relud_fail(error, RELUD_BAD_INPUT, "--tls-cert %.200s, --tls-key %.200s: %s",
                          files->cert, files->key, gnutls_strerror(failure));
    if (!files->client_ca)
        return true;
    identity->asks_client = true;
    gnutls_certificate_set_verify_function(identity->credentials, verify_client);
    int found = gnutls_certificate_set_x509_trust_file(identity->credentials, files->client_ca,
                                                       GNUTLS_X509_FMT_PEM);
    return found > 0 ||
           relud_fail(error, RELUD_BAD_INPUT, "--tls-client-ca %.200s: %s", files->client_ca,
                      found < 0 ? gnutls_strerror(found) : "no certificate is in it");
}

static struct tls_identity *open_identity(const struct tls_files *files, struct relud_error *error)
{
    struct tls_identity *identity = calloc(1, sizeof *identity);
    if (!identity) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    if (read_files(identity, files, error)) {
        check_expiry(identity, files->cert);
        return identity;
    }
    free_identity(identity);
    return NULL;
}

/* ---- what all sessions share ---- */

struct tls *tls_open(const struct tls_files *files, struct relud_error *error)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (!tls) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    tls->files = files;
    pthread_mutex_init(&tls->mutex, NULL);
    int failure = gnutls_priority_init(&tls->priority, suites, NULL);
    if (failure >= 0)
        failure = gnutls_session_ticket_key_generate(&tls->ticket_key);
    if (failure < 0)
        relud_fail(error, RELUD_UNSUPPORTED, "TLS: %s", gnutls_strerror(failure));
    else if ((tls->newest = open_identity(files, error)))
        return tls;
    tls_free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    while (tls->newest) {
        struct tls_identity *older = tls->newest->older;
        free_identity(tls->newest);
        tls->newest = older;
    }
    if (tls->priority)
        gnutls_priority_deinit(tls->priority);
    if (tls->ticket_key.data) {
        gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
        gnutls_free(tls->ticket_key.data);
    }
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

/* Those that no session has any more, but for the newest. Only here: a session may still be about to go when tls_end is called
 * for it. */
static void free_unused(struct tls *tls)
{
    for (struct tls_identity **link = &tls->newest->older; *link;) {
        struct tls_identity *identity = *link;
        if (identity->sessions) {
            link = &identity->older;
            continue;
        }
        *link = identity->older;
        free_identity(identity);
    }
}

bool tls_reload(struct tls *tls, struct relud_error *error)
{
    struct tls_identity *identity = open_identity(tls->files, error);
    if (!identity)
        return false;
    pthread_mutex_lock(&tls->mutex);
    free_unused(tls);
    identity->older = tls->newest;
    tls->newest = identity;
    pthread_mutex_unlock(&tls->mutex);
    return true;
}

/* ---- one session ---- */

/* A ticket would let a client in again after its CA is out, so there is none where certificates are asked for. */
static bool set_up(const struct tls *tls, const struct tls_identity *identity,
                   gnutls_session_t session)
{
    const gnutls_datum_t http = {.data = (unsigned char *)(uintptr_t) "http/1.1", .size = 8};
    gnutls_certificate_server_set_request(session, identity->asks_client ? GNUTLS_CERT_REQUIRE
                                                                         : GNUTLS_CERT_IGNORE);
    return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, identity->credentials) >= 0 &&
           gnutls_priority_set(session, tls->priority) >= 0 &&
           gnutls_alpn_set_protocols(session, &http, 1, 0) >= 0 &&
           (identity->asks_client ||
            gnutls_session_ticket_enable_server(session, &tls->ticket_key) >= 0);
}

struct tls_identity *tls_begin(struct tls *tls, struct gnutls_session_int *session)
{
    pthread_mutex_lock(&tls->mutex);
    struct tls_identity *identity = tls->newest;
    identity->sessions++;
    pthread_mutex_unlock(&tls->mutex);
    if (set_up(tls, identity, session))
        return identity;
    tls_end(tls, identity);
    return NULL;
}

void tls_end(struct tls *tls, struct tls_identity *identity)
{
    if (!identity)
        return;
    pthread_mutex_lock(&tls->mutex);
    identity->sessions--;
    pthread_mutex_unlock(&tls->mutex);
}
