#include "server/client/tls_client.h"

#include <errno.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>

struct tls_client {
    gnutls_session_t session;
    gnutls_certificate_credentials_t credentials;
};

static int shake_hands(struct tls_client *client, int fd, unsigned patience_ms)
{
    int result = gnutls_certificate_allocate_credentials(&client->credentials);
    if (result >= 0)
        result = gnutls_init(&client->session, GNUTLS_CLIENT | GNUTLS_NO_SIGNAL);
    if (result >= 0)
        result = gnutls_set_default_priority(client->session);
    if (result >= 0)
        result =
            gnutls_credentials_set(client->session, GNUTLS_CRD_CERTIFICATE, client->credentials);
    if (result < 0)
        return result;
    gnutls_transport_set_int(client->session, fd);
    gnutls_handshake_set_timeout(client->session, patience_ms);
    do /* until the timeout, which is another error */
        result = gnutls_handshake(client->session);
    while (result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED);
    return result;
}

struct tls_client *tls_client_open(int fd, unsigned patience_ms, struct relud_error *error)
{
    struct tls_client *client = calloc(1, sizeof *client);
    int result = client ? shake_hands(client, fd, patience_ms) : GNUTLS_E_MEMORY_ERROR;
    if (result >= 0)
        return client;
    relud_fail(error, RELUD_IO, "TLS: %s", gnutls_strerror(result));
    tls_client_close(client);
    return NULL;
}

void tls_client_close(struct tls_client *client)
{
    if (!client)
        return;
    if (client->session)
        gnutls_deinit(client->session);
    if (client->credentials)
        gnutls_certificate_free_credentials(client->credentials);
    free(client);
}

/* Turns the library's errors into the system's. A message between records, such as a session
 * ticket, is neither data nor the end. */
static ssize_t as_system(ssize_t result)
{
    if (result >= 0)
        return result;
    errno = result == GNUTLS_E_AGAIN ? EAGAIN : result == GNUTLS_E_INTERRUPTED ? EINTR : EPROTO;
    return -1;
}

ssize_t tls_client_send(struct tls_client *client, const void *bytes, size_t len)
{
    return as_system(gnutls_record_send2(client->session, bytes, len, 0, 0));
}

ssize_t tls_client_recv(struct tls_client *client, void *bytes, size_t size)
{
    return as_system(gnutls_record_recv(client->session, bytes, size));
}
