#include "server/net/tls_session.h"

#include "server/log/log.h"
#include "server/net/tls.h"
#include <errno.h>
#include <gnutls/gnutls.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* The most bytes in one record (RFC 8446 §5.1). */
enum { RECORD_BYTES_MAX = 1 << 14 };

struct tls_session {
    gnutls_session_t gnutls;
    struct tls *tls;
    struct tls_identity *identity;
    int fd;
    bool is_pending; /* a record is encrypted and not all sent */
    bool is_dry;     /* the socket had nothing more to read */
    bool is_heard;   /* the current tls_session_recv has bytes for its caller */
};

/* These make the system call itself: the program's recv is the one for libmicrohttpd
 * (server/http/sockets.c). */
static ssize_t pull(gnutls_transport_ptr_t at, void *bytes, size_t len)
{
    struct tls_session *session = at;
    ssize_t got = syscall(SYS_recvfrom, session->fd, bytes, len, 0, NULL, NULL);
    /* Report the end of the data only in the next call. GnuTLS would end the session now, and the
     * response could not be sent. */
    if (got == 0 && session->is_heard) {
        errno = EAGAIN;
        got = -1;
    }
    session->is_dry = got < 0 && errno == EAGAIN;
    return got;
}

static int pull_timeout(gnutls_transport_ptr_t at, unsigned ms)
{
    struct pollfd poll_fd = {.fd = ((struct tls_session *)at)->fd, .events = POLLIN};
    return poll(&poll_fd, 1, (int)ms);
}

static ssize_t push(gnutls_transport_ptr_t at, const giovec_t *parts, int len)
{
    const struct tls_session *session = at;
    return writev(session->fd, (const struct iovec *)parts, len);
}

struct tls_session *tls_session_open(struct tls *tls, int fd)
{
    struct tls_session *session = calloc(1, sizeof *session);
    if (!session)
        return NULL;
    session->tls = tls;
    if (gnutls_init(&session->gnutls, GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL) < 0 ||
        !tls_begin(tls, session->gnutls, &session->identity)) {
        tls_session_free(session);
        return NULL;
    }
    session->fd = fd;
    gnutls_transport_set_ptr(session->gnutls, session);
    gnutls_transport_set_pull_function(session->gnutls, pull);
    gnutls_transport_set_pull_timeout_function(session->gnutls, pull_timeout);
    gnutls_transport_set_vec_push_function(session->gnutls, push);
    return session;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    if (session->gnutls)
        gnutls_deinit(session->gnutls);
    tls_end(session->tls, session->identity);
    free(session);
}

enum tls_progress tls_session_shake(struct tls_session *session)
{
    int result;
    do
        result = gnutls_handshake(session->gnutls);
    while (result == GNUTLS_E_INTERRUPTED);
    if (result == GNUTLS_E_SUCCESS)
        return TLS_SHAKEN;
    if (result == GNUTLS_E_AGAIN)
        return gnutls_record_get_direction(session->gnutls) ? TLS_WRITES : TLS_READS;
    log_debug("tls: a handshake failed: %s", gnutls_strerror(result));
    gnutls_alert_send_appropriate(session->gnutls, result);
    return TLS_FAILED;
}

/* Translates GnuTLS's error to errno and returns -1. */
static ssize_t fail(ssize_t result)
{
    errno = result == GNUTLS_E_AGAIN ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t tls_session_recv(struct tls_session *session, void *bytes, size_t len)
{
    /* The most records without data in one call, for example key updates. */
    enum { OTHERS_MAX = 64 };
    size_t got = 0;
    ssize_t result = 1;
    session->is_heard = false;
    for (int others = 0; got < len && others < OTHERS_MAX;) {
        result = gnutls_record_recv(session->gnutls, (char *)bytes + got, len - got);
        if (result > 0) {
            got += (size_t)result;
            session->is_heard = true;
        } else if (result == GNUTLS_E_INTERRUPTED ||
                   (result == GNUTLS_E_AGAIN && !session->is_dry)) {
            others++;
        } else {
            break;
        }
    }
    return got || result == 0 ? (ssize_t)got : fail(result);
}

/* Sends the rest of an encrypted record if there is one, else a new record. */
static ssize_t send_record(struct tls_session *session, const void *bytes, size_t len)
{
    ssize_t result;
    do
        result = session->is_pending ? gnutls_record_send(session->gnutls, NULL, 0)
                                     : gnutls_record_send(session->gnutls, bytes, len);
    while (result == GNUTLS_E_INTERRUPTED);
    session->is_pending = result == GNUTLS_E_AGAIN;
    return result;
}

/* Returns the bytes after the first `skip`. They are copied to `room`, up to a record's worth, only
 * if a part does not fill a record by itself and more parts follow. */
static struct iovec next_bytes(const struct iovec *parts, size_t len, size_t skip,
                               char room[RECORD_BYTES_MAX])
{
    struct iovec bytes = {.iov_base = room};
    for (size_t i = 0; i < len; skip -= parts[i++].iov_len) {
        if (skip >= parts[i].iov_len)
            continue;
        char *from = (char *)parts[i].iov_base + skip;
        size_t some = parts[i].iov_len - skip;
        if (bytes.iov_len == 0 && (some >= RECORD_BYTES_MAX || i + 1 == len))
            return (struct iovec){.iov_base = from, .iov_len = some};
        if (some > RECORD_BYTES_MAX - bytes.iov_len)
            some = RECORD_BYTES_MAX - bytes.iov_len;
        memcpy(room + bytes.iov_len, from, some);
        bytes.iov_len += some;
        if (bytes.iov_len == RECORD_BYTES_MAX)
            break;
        skip = parts[i].iov_len;
    }
    return bytes;
}

ssize_t tls_session_send(struct tls_session *session, const struct iovec *parts, size_t len)
{
    char room[RECORD_BYTES_MAX];
    size_t sum = 0, sent = 0;
    ssize_t result = 0;
    for (size_t i = 0; i < len; i++)
        sum += parts[i].iov_len;
    while (sent < sum) {
        struct iovec bytes = next_bytes(parts, len, sent, room);
        result = send_record(session, bytes.iov_base, bytes.iov_len);
        if (result < 0)
            break;
        sent += (size_t)result;
    }
    /* A pending record also held bytes that the caller no longer offers. */
    if (sent > sum)
        sent = sum;
    return sent || sum == 0 ? (ssize_t)sent : fail(result);
}

void tls_session_end(struct tls_session *session)
{
    (void)!gnutls_bye(session->gnutls, GNUTLS_SHUT_WR);
}
