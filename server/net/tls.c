#include "server/net/tls.h"

#include "server/log/log.h"
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Only suites with forward secrecy and authenticated encryption: Mozilla's "intermediate" list for
 * servers, without finite-field DHE, which costs a server more than it gains. */
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
    /* Protects the list and its counts. Locked when a session begins and when it ends. */
    pthread_mutex_t mutex;
    struct tls_identity *newest; /* the first of the list; new sessions use it */
};

/* ---- the files ---- */

enum { PEM_BYTES_MAX = 4 << 20 };

static bool read_pem(const char *option, const char *path, struct relud_file *file,
                     struct relud_error *error)
{
    struct relud_error inner;
    return relud_file_read(path, PEM_BYTES_MAX, file, &inner) ||
           relud_fail(error, inner.code, "%s %s", option, inner.text);
}

static gnutls_datum_t bytes_of(const struct relud_file *file)
{
    return (gnutls_datum_t){.data = (unsigned char *)file->bytes, .size = (unsigned)file->len};
}

/* GnuTLS calls this during a handshake; a nonzero result ends it. */
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

/* Logs when the certificate expires, so that the operator learns of it before the clients do. */
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

static void drop_all(struct tls_identity *first)
{
    while (first) {
        struct tls_identity *next = first->older;
        free_identity(first);
        first = next;
    }
}

static bool read_pair(struct tls_identity *identity, const struct tls_files *files,
                      struct relud_error *error)
{
    struct relud_file cert = {0}, key = {0};
    bool is_read = read_pem("--tls-cert", files->cert, &cert, error) &&
                   read_pem("--tls-key", files->key, &key, error);
    if (is_read) {
        gnutls_datum_t cert_bytes = bytes_of(&cert), key_bytes = bytes_of(&key);
        int failure = gnutls_certificate_set_x509_key_mem(identity->credentials, &cert_bytes,
                                                          &key_bytes, GNUTLS_X509_FMT_PEM);
        is_read =
            failure >= 0 || relud_fail(error, RELUD_BAD_INPUT, "--tls-cert %s, --tls-key %s: %s",
                                       files->cert, files->key, gnutls_strerror(failure));
    }
    relud_file_free(&cert);
    relud_file_wipe(&key);
    return is_read;
}

static bool read_client_ca(struct tls_identity *identity, const char *path,
                           struct relud_error *error)
{
    struct relud_file file = {0};
    if (!read_pem("--tls-client-ca", path, &file, error))
        return false;
    gnutls_datum_t bytes = bytes_of(&file);
    identity->asks_client = true;
    gnutls_certificate_set_verify_function(identity->credentials, verify_client);
    int found =
        gnutls_certificate_set_x509_trust_mem(identity->credentials, &bytes, GNUTLS_X509_FMT_PEM);
    relud_file_free(&file);
    return found > 0 || relud_fail(error, RELUD_BAD_INPUT, "--tls-client-ca %s: %s", path,
                                   found < 0 ? gnutls_strerror(found) : "no certificate is in it");
}

static bool read_files(struct tls_identity *identity, const struct tls_files *files,
                       struct relud_error *error)
{
    if (gnutls_certificate_allocate_credentials(&identity->credentials) < 0)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    return read_pair(identity, files, error) &&
           (!files->client_ca || read_client_ca(identity, files->client_ca, error));
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

/* ---- shared by all sessions ---- */

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
    drop_all(tls->newest);
    if (tls->priority)
        gnutls_priority_deinit(tls->priority);
    if (tls->ticket_key.data) {
        gnutls_memset(tls->ticket_key.data, 0, tls->ticket_key.size);
        gnutls_free(tls->ticket_key.data);
    }
    pthread_mutex_destroy(&tls->mutex);
    free(tls);
}

/* Removes the identities that no session uses, except the newest, from the list and returns them
 * for drop_all. Call this with the mutex held. */
static struct tls_identity *take_unused(struct tls *tls)
{
    struct tls_identity *unused = NULL;
    for (struct tls_identity **link = &tls->newest->older; *link;) {
        struct tls_identity *identity = *link;
        if (identity->sessions) {
            link = &identity->older;
            continue;
        }
        *link = identity->older;
        identity->older = unused;
        unused = identity;
    }
    return unused;
}

bool tls_reload(struct tls *tls, struct relud_error *error)
{
    struct tls_identity *identity = open_identity(tls->files, error);
    if (!identity)
        return false;
    pthread_mutex_lock(&tls->mutex);
    identity->older = tls->newest;
    tls->newest = identity;
    struct tls_identity *unused = take_unused(tls);
    pthread_mutex_unlock(&tls->mutex);
    drop_all(unused);
    return true;
}

/* ---- one session ---- */

/* No session tickets if client certificates are required: a ticket would admit a client whose CA
 * has been removed since. */
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

bool tls_begin(struct tls *tls, struct gnutls_session_int *session, struct tls_identity **identity)
{
    pthread_mutex_lock(&tls->mutex);
    *identity = tls->newest;
    tls->newest->sessions++;
    pthread_mutex_unlock(&tls->mutex);
    return set_up(tls, *identity, session);
}

void tls_end(struct tls *tls, struct tls_identity *identity)
{
    if (!identity)
        return;
    pthread_mutex_lock(&tls->mutex);
    identity->sessions--;
    struct tls_identity *unused = take_unused(tls);
    pthread_mutex_unlock(&tls->mutex);
    drop_all(unused);
}
