/* A list of allowed calls, found by tracing the tests; a list of forbidden calls would miss those
 * of every new kernel. Where the number of a call does not say what it does, the filter checks its
 * arguments. It cannot check arguments that lie in memory, so calls that depend on those are
 * refused altogether.
 *
 * sendmsg is such a call: its address lies in memory. A listening socket that was shut down can
 * become a client again, and MSG_FASTOPEN then connects it without connect(). So sendmsg is
 * refused, and sendto may have no address. */
#include "server/serve/syscalls.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

/* Allowed with any arguments. Since 5.11 the kernel caches these results, so the filter costs
 * nothing for them. */
static const char *const allowed[] = {
    /* connections */
    "accept4", "accept", "recvfrom", "recv", "getpeername", "getsockname", "shutdown",
    "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "poll", "ppoll", "ppoll_time64",
    "pipe2", "eventfd2",
    /* bytes of open files: sockets, pipes, models, logs */
    "read", "readv", "pread64", "write", "writev", "close", "lseek", "_llseek", "fsync",
    "fdatasync",
    /* names and kinds of files */
    "stat", "lstat", "fstat", "newfstatat", "statx", "stat64", "lstat64", "fstat64", "fstatat64",
    "access", "faccessat", "readlink", "readlinkat", "getdents64", "getcwd",
    /* memory */
    "brk", "munmap", "mremap", "madvise", "membarrier", "mbind",
    /* threads and time */
    "futex", "futex_time64", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity",
    "getcpu", "restart_syscall", "nanosleep", "clock_nanosleep", "clock_nanosleep_time64",
    "clock_gettime", "clock_gettime64", "clock_getres", "clock_getres_time64", "gettimeofday",
    "time",
    /* signals to this process, and its end */
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "sigaltstack", "exit",
    "exit_group",
    /* facts about the process and the machine */
    "getpid", "gettid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getuid32",
    "geteuid32", "getgid32", "getegid32", "getrusage", "times", "uname", "sysinfo", "getrandom"};

/* These fail with ENOSYS, so that glibc uses another call instead: one whose arguments can be
 * checked, or one that is in the list above. */
static const char *const unknown[] = {"clone3", "openat2", "faccessat2", "epoll_pwait2",
                                      "close_range"};

#define EQUAL(at, value)                                                                           \
    {                                                                                              \
        at, SCMP_CMP_EQ, (scmp_datum_t)(value), 0                                                  \
    }
#define BITS(at, mask, value)                                                                      \
    {                                                                                              \
        at, SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value)                        \
    }
#define NONE_OF(at, mask) BITS(at, mask, 0)

/* Flags that open may not have: files are opened only to read, and without a signal for input
 * (O_ASYNC). O_TMPFILE needs no flag here, because it must be opened to write. */
enum { NOT_READING = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_ASYNC | O_PATH };

/* clone may only make a thread of this process, in the same namespaces. */
#define THREAD_FLAGS (CLONE_THREAD | CLONE_VM | CLONE_SIGHAND)
#define NOT_THREAD                                                                                 \
    ((unsigned)CLONE_PTRACE | CLONE_VFORK | CLONE_PIDFD | CLONE_NEWNS | CLONE_NEWCGROUP |          \
     CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_IO)

/* Allowed with these arguments only. Flags are checked bit by bit, because the kernel ignores what
 * a caller leaves in the upper half of the register. */
static const struct rule {
    const char *name;
    unsigned count;
    struct scmp_arg_cmp argument[2];
} rules[] = {
    {"open", 1, {NONE_OF(1, NOT_READING)}},
    {"openat", 1, {NONE_OF(2, NOT_READING)}},
    {"mmap", 1, {NONE_OF(2, PROT_EXEC)}},
    {"mmap2", 1, {NONE_OF(2, PROT_EXEC)}},
    {"mprotect", 1, {NONE_OF(2, PROT_EXEC)}},
    {"sendto", 2, {NONE_OF(3, MSG_FASTOPEN), EQUAL(4, 0)}},
    {"send", 1, {NONE_OF(3, MSG_FASTOPEN)}},
    /* a stream pair, which can never get another peer */
    {"socketpair", 2, {EQUAL(0, AF_UNIX), BITS(1, 0xf, SOCK_STREAM)}},
    {"setsockopt", 2, {EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_NODELAY)}},
    {"setsockopt", 2, {EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_CORK)}},
    {"getsockopt", 2, {EQUAL(1, IPPROTO_TCP), EQUAL(2, TCP_INFO)}},
    {"getsockopt", 2, {EQUAL(1, SOL_SOCKET), EQUAL(2, SO_ERROR)}},
    {"getsockopt", 2, {EQUAL(1, SOL_SOCKET), EQUAL(2, SO_TYPE)}},
    {"getsockopt", 2, {EQUAL(1, SOL_SOCKET), EQUAL(2, SO_DOMAIN)}},
    {"getsockopt", 2, {EQUAL(1, SOL_SOCKET), EQUAL(2, SO_ACCEPTCONN)}},
    {"fcntl", 1, {EQUAL(1, F_GETFL)}},
    {"fcntl", 1, {EQUAL(1, F_GETFD)}},
    {"fcntl", 2, {EQUAL(1, F_SETFD), BITS(2, FD_CLOEXEC, FD_CLOEXEC)}},
    {"fcntl", 2, {EQUAL(1, F_SETFL), NONE_OF(2, O_ASYNC)}},
    {"fcntl64", 1, {EQUAL(1, F_GETFL)}},
    {"fcntl64", 2, {EQUAL(1, F_SETFL), NONE_OF(2, O_ASYNC)}},
    {"ioctl", 1, {EQUAL(1, FIONREAD)}},
    {"ioctl", 1, {EQUAL(1, TCGETS)}},
    {"prlimit64", 1, {EQUAL(0, 0)}},
    {"getrlimit", 0, {{0}}},
    {"ugetrlimit", 0, {{0}}},
#if !defined(__s390__) /* there the flags are clone's second argument */
    {"clone", 1, {BITS(0, NOT_THREAD | THREAD_FLAGS, THREAD_FLAGS)}},
#endif
};

static bool add(scmp_filter_ctx filter, uint32_t action, const char *name, unsigned count,
                const struct scmp_arg_cmp *argument)
{
    int number = seccomp_syscall_resolve_name(name);
    if (number == __NR_SCMP_ERROR) /* this libseccomp does not know the call */
        return true;
    /* A negative number means that this machine has no such call. */
    return seccomp_rule_add_array(filter, action, number, count, argument) >= 0 || number < 0;
}

static bool fill(scmp_filter_ctx filter)
{
    const struct scmp_arg_cmp here = EQUAL(0, getpid());
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (!add(filter, SCMP_ACT_ALLOW, allowed[i], 0, NULL))
            return false;
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        if (!add(filter, SCMP_ACT_ERRNO(ENOSYS), unknown[i], 0, NULL))
            return false;
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++)
        if (!add(filter, SCMP_ACT_ALLOW, rules[i].name, rules[i].count, rules[i].argument))
            return false;
    return add(filter, SCMP_ACT_ALLOW, "tgkill", 1, &here);
}

bool syscalls_allow_serving(bool is_logged)
{
    const uint32_t refused = SCMP_ACT_ERRNO(EPERM);
    scmp_filter_ctx filter = seccomp_init(refused);
    if (!filter)
        return false;
    /* Calls with another architecture's numbers (i386's, x32's) fail as well, instead of ending the
     * process. CTL_OPTIMIZE 2 makes the filter a tree, which needs few comparisons for each
     * call. */
    bool is_applied = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) >= 0 &&
                      seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, refused) >= 0 &&
                      fill(filter);
    seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    if (is_logged)
        seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
    is_applied = is_applied && seccomp_load(filter) >= 0;
    seccomp_release(filter);
    return is_applied;
}
