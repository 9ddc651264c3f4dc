#include "server/stream.h"

#include "server/tls_session.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* 64 MB of address space, of which only what is used is ever memory. */
enum { STREAMS_MAX = 1 << 22 };

/* Of one owner at a time; atomic because a descriptor's number passes from one thread to another. */
struct stream {
    _Atomic(struct tls_session *) session; /* NULL: in the clear */
    _Atomic uint32_t received;
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

/* NULL for what is none of the server's connections, or never will be. */
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
    tls_session_free(atomic_exchange(&stream->session, session));
    return true;
}

uint32_t stream_received(int fd)
{
    struct stream *stream = stream_of(fd);
    return stream ? atomic_load_explicit(&stream->received, memory_order_relaxed) : 0;
}

ssize_t stream_recv(int fd, void *bytes, size_t len, int flags)
{
    struct stream *stream = stream_of(fd);
    struct tls_session *session = session_of(fd);
    ssize_t got = session ? tls_session_recv(session, bytes, len)
                          : syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
    if (stream && got > 0)
        atomic_store_explicit(&stream->received, stream_received(fd) + (uint32_t)got,
                              memory_order_relaxed);
    return got;
}

ssize_t stream_send(int fd, const struct msghdr *message, int flags)
{
    struct tls_session *session = session_of(fd);
    return session ? tls_session_send(session, message->msg_iov, message->msg_iovlen)
                   : syscall(SYS_sendmsg, fd, message, flags);
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
