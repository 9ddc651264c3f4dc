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

/* More descriptors have no session: 32 MB of address space, of which only what is used is ever memory. */
enum { SESSIONS_MAX = 1 << 22 };

static _Atomic(struct tls_session *)
    *sessions; /* [sessions_len], by descriptor; NULL: no TLS at all */
static size_t sessions_len;

bool stream_open(struct relud_error *error)
{
    struct rlimit limit = {.rlim_cur = SESSIONS_MAX};
    getrlimit(RLIMIT_NOFILE, &limit);
    sessions_len = limit.rlim_cur < SESSIONS_MAX ? (size_t)limit.rlim_cur : SESSIONS_MAX;
    void *at = mmap(NULL, sessions_len * sizeof *sessions, PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED)
        return relud_fail(error, RELUD_NO_MEMORY, "no address space for TLS sessions: %s",
                          strerror(errno));
    sessions = at;
    return true;
}

bool stream_set(int fd, struct tls_session *session)
{
    if (!sessions)
        return !session;
    if ((size_t)fd >= sessions_len)
        return !session;
    tls_session_free(atomic_exchange(&sessions[fd], session));
    return true;
}

static struct tls_session *session_of(int fd)
{
    return sessions && (size_t)fd < sessions_len
               ? atomic_load_explicit(&sessions[fd], memory_order_relaxed)
               : NULL;
}

ssize_t stream_recv(int fd, void *bytes, size_t len, int flags)
{
    struct tls_session *session = session_of(fd);
    return session ? tls_session_recv(session, bytes, len)
                   : syscall(SYS_recvfrom, fd, bytes, len, flags, NULL, NULL);
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
