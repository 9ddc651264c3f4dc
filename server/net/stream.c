#include "server/net/stream.h"

#include "server/net/tls_session.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* At most 96 MB of address space; only touched pages take memory. */
enum { STREAMS_MAX = 1 << 22 };

/* A connection has one owner at a time. Its members are atomic because the number of a descriptor
 * passes from one thread to another. */
struct stream {
    _Atomic(struct tls_session *) session; /* NULL: no TLS */
    _Atomic uint32_t received;
    _Atomic uint8_t sender; /* enum stream_sender */
    _Atomic uint8_t interim;
    _Atomic uint8_t ends_as; /* enum stream_ending */
    _Atomic bool is_kept_open;
    _Atomic uint16_t refusal; /* an HTTP status, or 0 */
    _Atomic uint16_t head;    /* bytes of the current line, or STREAM_NO_HEAD */
    _Atomic bool is_over;
    _Atomic size_t ahead; /* bytes read ahead that stream_recv has not told of */
    _Atomic bool is_full; /* the last stream_recv gave all that was asked for */
};

static struct stream *streams; /* [streams_len], by descriptor */
static size_t streams_len;

bool stream_open(struct relud_error *error)
{
    struct rlimit limit = {.rlim_cur = STREAMS_MAX};
    getrlimit(RLIMIT_NOFILE, &limit);
    size_t len = limit.rlim_cur < STREAMS_MAX ? (size_t)limit.rlim_cur : STREAMS_MAX;
    void *at = mmap(NULL, len * sizeof *streams, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return relud_fail(error, RELUD_NO_MEMORY, "no address space for connections: %s",
                          strerror(errno));
    streams = at;
    streams_len = len;
    return true;
}

/* NULL if fd is negative or lies beyond the table, so that it is no connection of the server's. */
static struct stream *stream_of(int fd)
{
    return (size_t)fd < streams_len ? &streams[fd] : NULL;
}

static struct tls_session *session_of(int fd)
{
    struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->session, memory_order_relaxed) : NULL;
}

bool stream_set(int fd, struct tls_session *session)
{
    struct stream *stream = stream_of(fd);
    if (!stream)
        return false;
    atomic_store_explicit(&stream->received, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->sender, STREAM_LIBRARY, memory_order_relaxed);
    atomic_store_explicit(&stream->interim, 0, memory_order_relaxed);
    stream->ends_as = STREAM_CLOSES;
    atomic_store_explicit(&stream->ahead, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->is_full, false, memory_order_relaxed);
    atomic_store_explicit(&stream->refusal, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->head, 0, memory_order_relaxed);
    atomic_store_explicit(&stream->is_over, false, memory_order_relaxed);
    tls_session_free(atomic_exchange(&stream->session, session));
    return true;
}

void stream_forget(int fd)
{
    stream_set(fd, NULL);
    stream_set_sender(fd, STREAM_FOREIGN);
}

enum stream_sender stream_sender(int fd)
{
    const struct stream *stream = stream_of(fd);
    return stream ? (enum stream_sender)atomic_load_explicit(&stream->sender, memory_order_relaxed)
                  : STREAM_FOREIGN;
}

void stream_set_sender(int fd, enum stream_sender sender)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        atomic_store_explicit(&stream->sender, (uint8_t)sender, memory_order_relaxed);
}

size_t stream_interim(int fd)
{
    const struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->interim, memory_order_relaxed) : 0;
}

void stream_set_interim(int fd, size_t len)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        atomic_store_explicit(&stream->interim, (uint8_t)(len < UINT8_MAX ? len : UINT8_MAX),
                              memory_order_relaxed);
}

void stream_note_refusal(int fd, unsigned status)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        atomic_store_explicit(&stream->refusal, (uint16_t)status, memory_order_relaxed);
}

unsigned stream_take_refusal(int fd)
{
    struct stream *stream = stream_of(fd);
    unsigned status = stream ? atomic_load_explicit(&stream->refusal, memory_order_relaxed) : 0;
    if (status)
        stream_note_refusal(fd, 0);
    return status;
}

size_t stream_head(int fd)
{
    const struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->head, memory_order_relaxed) : STREAM_NO_HEAD;
}

void stream_set_head(int fd, size_t line_bytes)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        atomic_store_explicit(&stream->head, (uint16_t)line_bytes, memory_order_relaxed);
}

bool stream_is_over(int fd)
{
    const struct stream *stream = stream_of(fd);
    return !stream || atomic_load_explicit(&stream->is_over, memory_order_relaxed);
}

void stream_expect_close(int fd)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        atomic_store_explicit(&stream->is_over, true, memory_order_relaxed);
}

uint32_t stream_received(int fd)
{
    struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->received, memory_order_relaxed) : 0;
}

void stream_end_as(int fd, enum stream_ending how)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        stream->ends_as = (uint8_t)how;
}

enum stream_ending stream_ends_as(int fd)
{
    struct stream *stream = stream_of(fd);
    return stream ? (enum stream_ending)atomic_load_explicit(&stream->ends_as, memory_order_relaxed)
                  : STREAM_CLOSES;
}

void stream_keep_open(int fd)
{
    struct stream *stream = stream_of(fd);
    if (stream)
        stream->is_kept_open = true;
}

#if defined(__SANITIZE_THREAD__)
/* ThreadSanitizer's close: it must learn that the number is free again. */
int __interceptor_close(int fd);
#endif

int stream_let_go(int fd)
{
#if defined(__SANITIZE_THREAD__)
    return __interceptor_close(fd);
#else
    return (int)syscall(SYS_close, fd);
#endif
}

int stream_close(int fd)
{
    struct stream *stream = stream_of(fd);
    if (stream && atomic_exchange_explicit(&stream->is_kept_open, false, memory_order_relaxed))
        return 0;
    return stream_let_go(fd);
}

static ssize_t receive(int fd, void *bytes, size_t len, int flags)
{
    struct stream *stream = stream_of(fd);
    struct tls_session *session = session_of(fd);
    ssize_t got = session ? tls_session_recv(session, bytes, len)
                          : syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
    if (stream && got > 0)
        atomic_store_explicit(&stream->received, stream_received(fd) + (uint32_t)got,
                              memory_order_relaxed);
    if (stream && (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)))
        atomic_store_explicit(&stream->is_over, true, memory_order_relaxed);
    return got;
}

/* Tells of bytes that were read ahead, and reads more behind them. */
static ssize_t tell(struct stream *stream, int fd, char *bytes, size_t len, int flags)
{
    size_t ahead = stream_ahead(fd), told = ahead < len ? ahead : len;
    atomic_store_explicit(&stream->ahead, ahead - told, memory_order_relaxed);
    ssize_t more = told < len ? receive(fd, bytes + told, len - told, flags) : 0;
    return (ssize_t)told + (more > 0 ? more : 0);
}

ssize_t stream_recv(int fd, void *bytes, size_t len, int flags)
{
    struct stream *stream = stream_of(fd);
    if (stream_ends_as(fd) == STREAM_IS_DEAF)
        return 0;
    ssize_t got =
        stream_ahead(fd) ? tell(stream, fd, bytes, len, flags) : receive(fd, bytes, len, flags);
    if (stream)
        atomic_store_explicit(&stream->is_full, got == (ssize_t)len, memory_order_relaxed);
    return got;
}

size_t stream_ahead(int fd)
{
    const struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->ahead, memory_order_relaxed) : 0;
}

ssize_t stream_read_ahead(int fd, void *bytes, size_t len)
{
    struct stream *stream = stream_of(fd);
    if (!stream || session_of(fd) ||
        !atomic_load_explicit(&stream->is_full, memory_order_relaxed)) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t got = receive(fd, bytes, len, MSG_DONTWAIT);
    if (got > 0)
        atomic_store_explicit(&stream->ahead, (size_t)got, memory_order_relaxed);
    return got;
}

ssize_t stream_send(int fd, const struct msghdr *message, int flags)
{
    struct tls_session *session = session_of(fd);
    const struct iovec *part = message->msg_iov;
    if (session)
        return tls_session_send(session, part, message->msg_iovlen);
    if (message->msg_iovlen == 1)
        return syscall(SYS_sendto, fd, part->iov_base, part->iov_len, flags, NULL, 0);
    return writev(fd, part, (int)message->msg_iovlen);
}

int stream_end(int fd, int how)
{
    struct tls_session *session = session_of(fd);
    if (session && how != SHUT_RD)
        tls_session_end(session);
    return (int)syscall(SYS_shutdown, fd, how);
}

void stream_say(int fd, const char *bytes, size_t len)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    stream_send(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}
