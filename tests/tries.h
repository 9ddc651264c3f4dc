/* Ways out of a confined process: each must be refused before the kernel acts on it. Used in a test
 * (tests/http/test_privileges.c) and in a running server (tests/tries.c). */
#ifndef TESTS_TRIES_H
#define TESTS_TRIES_H

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

/* Calls that serving needs, some only with certain arguments. They are not tried with senseless
 * arguments. */
static const long tries_served[] = {
    SYS_read,
    SYS_write,
    SYS_close,
    SYS_fstat,
    SYS_newfstatat,
    SYS_statx,
    SYS_lseek,
    SYS_mmap,
    SYS_mprotect,
    SYS_munmap,
    SYS_brk,
    SYS_mremap,
    SYS_madvise,
    SYS_membarrier,
    SYS_mbind,
    SYS_rt_sigaction,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_sigaltstack,
    SYS_ioctl,
    SYS_pread64,
    SYS_readv,
    SYS_writev,
    SYS_fsync,
    SYS_fdatasync,
    SYS_openat,
    SYS_faccessat,
    SYS_readlinkat,
    SYS_getdents64,
    SYS_getcwd,
    SYS_pipe2,
    SYS_eventfd2,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_ppoll,
    SYS_sched_yield,
    SYS_sched_getaffinity,
    SYS_getcpu,
    SYS_nanosleep,
    SYS_clock_nanosleep,
    SYS_clock_gettime,
    SYS_clock_getres,
    SYS_gettimeofday,
    SYS_getpid,
    SYS_gettid,
    SYS_getppid,
    SYS_getuid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getegid,
    SYS_getrusage,
    SYS_times,
    SYS_uname,
    SYS_sysinfo,
    SYS_getrandom,
    SYS_fcntl,
    SYS_sendto,
    SYS_recvfrom,
    SYS_shutdown,
    SYS_getsockname,
    SYS_getpeername,
    SYS_socketpair,
    SYS_setsockopt,
    SYS_getsockopt,
    SYS_accept,
    SYS_accept4,
    SYS_clone,
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_set_robust_list,
    SYS_rseq,
    SYS_restart_syscall,
    SYS_tgkill,
    SYS_prlimit64,
#ifdef __x86_64__
    SYS_open,
    SYS_stat,
    SYS_lstat,
    SYS_access,
    SYS_readlink,
    SYS_poll,
    SYS_epoll_wait,
    SYS_time,
    SYS_getrlimit,
    335,
    336, /* uretprobe, uprobe: for the kernel itself; seccomp does not see them (Linux 6.14) */
#endif
};

struct tries {
    unsigned refused, passed;
    char first[160]; /* the first call that passed */
};

static inline void tries_count(struct tries *tries, const char *what, long result)
{
    if (result == -1 && (errno == EPERM || errno == EACCES || errno == ENOSYS)) {
        tries->refused++;
        return;
    }
    if (!tries->passed++)
        snprintf(tries->first, sizeof tries->first, "%s: %ld, %s", what, result,
                 result == -1 ? strerror(errno) : "done");
}

#define TRY(what, call) tries_count(tries, what, (long)(call))

/* Tries every system call number that exists or may exist, with meaningless arguments. */
static inline void tries_numbers(struct tries *tries)
{
    enum { NUMBERS = 1200 };
    char what[40];
    for (long number = 0; number < NUMBERS; number++) {
        bool is_served = false;
        for (size_t i = 0; i < sizeof tries_served / sizeof *tries_served; i++)
            is_served |= tries_served[i] == number;
        if (is_served)
            continue;
        snprintf(what, sizeof what, "system call %ld", number);
        TRY(what, syscall(number, -1L, -1L, -1L, -1L, -1L, -1L));
    }
#if defined(__x86_64__) && defined(__LP64__)
    for (long number = 0; number < NUMBERS; number++) {
        snprintf(what, sizeof what, "x32's system call %ld", number);
        TRY(what, syscall(0x40000000L | number, -1L, -1L, -1L, -1L, -1L, -1L));
    }
#endif
}

#ifdef __x86_64__
static sigjmp_buf tries_escape;

static inline void tries_on_fault(int number)
{
    (void)number;
    siglongjmp(tries_escape, 1);
}

/* Tries i386's system calls by its interrupt. A kernel without them sends SIGSEGV. */
static inline void tries_i386(struct tries *tries)
{
    enum { I386_GETPID = 20, I386_SOCKETCALL = 102 };
    static const long numbers[] = {I386_GETPID, I386_SOCKETCALL};
    struct sigaction act = {.sa_handler = tries_on_fault}, old;
    sigaction(SIGSEGV, &act, &old);
    for (size_t i = 0; i < 2; i++) {
        volatile long result = -EPERM;
        if (!sigsetjmp(tries_escape, 1))
            __asm__ volatile("int $0x80"
                             : "=a"(result)
                             : "a"(numbers[i])
                             : "memory", "r8", "r9", "r10", "r11");
        errno = result < 0 ? (int)-result : 0;
        TRY("i386's system call", result < 0 ? -1 : result);
    }
    sigaction(SIGSEGV, &old, NULL);
}
#endif

static inline void tries_files(struct tries *tries)
{
    static const int flags[] = {O_WRONLY,
                                O_RDWR,
                                O_ACCMODE,
                                O_CREAT,
                                O_TRUNC,
                                O_APPEND,
                                O_PATH,
                                O_ASYNC,
                                O_WRONLY | O_CREAT,
                                O_RDWR | O_TMPFILE,
                                O_CREAT | O_EXCL,
                                O_WRONLY | O_TRUNC};
    char what[40];
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        snprintf(what, sizeof what, "openat, flags %#o", (unsigned)flags[i]);
        TRY(what, syscall(SYS_openat, AT_FDCWD, "/tmp", flags[i], 0600));
        TRY(what, syscall(SYS_openat, AT_FDCWD, "/dev/null", flags[i] | 1L << 40, 0600));
#ifdef __x86_64__
        TRY(what, syscall(SYS_open, "/dev/null", flags[i], 0600));
#endif
    }
    TRY("mmap to execute",
        syscall(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    TRY("mmap to execute", syscall(SYS_mmap, 0, 4096, PROT_WRITE | PROT_EXEC | 1L << 40,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    TRY("mprotect to execute", syscall(SYS_mprotect, &tries_served, 4096, PROT_READ | PROT_EXEC));
    static const int commands[] = {F_DUPFD,    F_DUPFD_CLOEXEC, F_SETOWN,     F_SETSIG,
                                   F_SETLEASE, F_NOTIFY,        F_SETPIPE_SZ, F_ADD_SEALS,
                                   F_SETLK,    F_SETLKW,        F_OFD_SETLK,  F_SETOWN_EX};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        TRY("fcntl", syscall(SYS_fcntl, 2, commands[i], 0));
    TRY("fcntl, O_ASYNC", syscall(SYS_fcntl, 2, F_SETFL, O_ASYNC));
    static const unsigned long requests[] = {
        TIOCSTI, TIOCLINUX, FIOASYNC, FIONBIO, SIOCGIFCONF, SIOCGIFADDR, FIOSETOWN, TIOCSCTTY, 0};
    for (size_t i = 0; i < sizeof requests / sizeof *requests; i++)
        TRY("ioctl", syscall(SYS_ioctl, 2, requests[i], 0));
}

/* listener: a listening socket that may be lost, or -1. */
static inline void tries_network(struct tries *tries, int listener)
{
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(9)};
    struct sockaddr none = {.sa_family = AF_UNSPEC};
    struct sockaddr_un path = {.sun_family = AF_UNIX, .sun_path = "/dev/log"};
    struct iovec part = {"x", 1};
    struct msghdr message = {
        .msg_name = &to, .msg_namelen = sizeof to, .msg_iov = &part, .msg_iovlen = 1};
    struct mmsghdr messages = {.msg_hdr = message};
    int on = 1, pair[2];
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int domain = 0; domain < 46; domain++) {
        TRY("socket, stream", syscall(SYS_socket, domain, SOCK_STREAM, 0));
        TRY("socket, datagrams", syscall(SYS_socket, domain, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        TRY("socket, raw", syscall(SYS_socket, domain, SOCK_RAW, 0));
        if (domain != AF_UNIX)
            TRY("socketpair", syscall(SYS_socketpair, domain, SOCK_STREAM, 0, pair));
    }
    TRY("socketpair of datagrams", syscall(SYS_socketpair, AF_UNIX, SOCK_DGRAM, 0, pair));
    TRY("socketpair of packets",
        syscall(SYS_socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    if (listener >= 0)
        shutdown(listener, SHUT_RDWR);
    static const int flags[] = {0, MSG_FASTOPEN, MSG_FASTOPEN | MSG_DONTWAIT | MSG_NOSIGNAL,
                                MSG_ZEROCOPY};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        TRY("sendto an address", syscall(SYS_sendto, listener, "x", 1, flags[i], &to, sizeof to));
        TRY("sendto an address, odd flags",
            syscall(SYS_sendto, listener, "x", 1, flags[i] | 1L << 40, &to, sizeof to));
        TRY("sendto a path", syscall(SYS_sendto, listener, "x", 1, flags[i], &path, sizeof path));
        TRY("sendmsg", syscall(SYS_sendmsg, listener, &message, flags[i]));
        TRY("sendmmsg", syscall(SYS_sendmmsg, listener, &messages, 1, flags[i]));
    }
    TRY("sendto, MSG_FASTOPEN", syscall(SYS_sendto, listener, "x", 1, MSG_FASTOPEN, NULL, 0));
    TRY("connect", syscall(SYS_connect, listener, &to, sizeof to));
    TRY("connect to nobody", syscall(SYS_connect, listener, &none, sizeof none));
    TRY("bind", syscall(SYS_bind, listener, &to, sizeof to));
    TRY("listen", syscall(SYS_listen, listener, 1));
    static const int tcp[] = {TCP_FASTOPEN_CONNECT, TCP_FASTOPEN,   TCP_REPAIR,      TCP_ULP,
                              TCP_MD5SIG,           TCP_CONGESTION, TCP_USER_TIMEOUT};
    static const int any[] = {SO_ATTACH_FILTER, SO_ATTACH_BPF, SO_ATTACH_REUSEPORT_CBPF,
                              SO_REUSEADDR,     SO_REUSEPORT,  SO_MARK,
                              SO_BINDTODEVICE,  SO_PRIORITY,   SO_ZEROCOPY,
                              SO_LINGER,        SO_BROADCAST};
    for (size_t i = 0; i < sizeof tcp / sizeof *tcp; i++)
        TRY("setsockopt of TCP",
            syscall(SYS_setsockopt, listener, IPPROTO_TCP, tcp[i], &on, sizeof on));
    for (size_t i = 0; i < sizeof any / sizeof *any; i++)
        TRY("setsockopt", syscall(SYS_setsockopt, listener, SOL_SOCKET, any[i], &on, sizeof on));
    TRY("setsockopt of IP", syscall(SYS_setsockopt, listener, IPPROTO_IP, 1, &on, sizeof on));
    TRY("getsockopt, the peer's process",
        syscall(SYS_getsockopt, listener, SOL_SOCKET, 77, &on, &on));
}

static inline void tries_processes(struct tries *tries)
{
    static const unsigned long flags[] = {SIGCHLD,
                                          CLONE_VM | CLONE_VFORK | SIGCHLD,
                                          CLONE_NEWUSER | SIGCHLD,
                                          CLONE_PIDFD | SIGCHLD,
                                          CLONE_VM | SIGCHLD,
                                          CLONE_VM | CLONE_SIGHAND | SIGCHLD,
                                          CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_NEWNET,
                                          CLONE_NEWNS,
                                          0};
    static const int prctls[] = {PR_SET_DUMPABLE,     PR_SET_PTRACER,
                                 PR_SET_KEEPCAPS,     PR_CAP_AMBIENT,
                                 PR_SET_SECCOMP,      PR_SET_MM,
                                 PR_SET_PDEATHSIG,    PR_SET_CHILD_SUBREAPER,
                                 PR_SET_NO_NEW_PRIVS, PR_SET_SPECULATION_CTRL};
    long parent = getppid(), self = getpid();
    struct rlimit limit;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        TRY("clone", syscall(SYS_clone, flags[i], 0, 0, 0, 0));
    for (size_t i = 0; i < sizeof prctls / sizeof *prctls; i++)
        TRY("prctl", syscall(SYS_prctl, prctls[i], 1, 0, 0, 0));
    TRY("tgkill of the parent", syscall(SYS_tgkill, parent, parent, 0));
    TRY("tgkill of the first process", syscall(SYS_tgkill, 1, 1, 0));
    TRY("tgkill, odd", syscall(SYS_tgkill, self | 1L << 40, self, 0));
    TRY("kill of the parent", syscall(SYS_kill, parent, 0));
    TRY("kill of the group", syscall(SYS_kill, 0, 0));
    TRY("kill of all", syscall(SYS_kill, -1, 0));
    TRY("kill of oneself", syscall(SYS_kill, self, 0));
    TRY("the parent's limits", syscall(SYS_prlimit64, parent, RLIMIT_NOFILE, NULL, &limit));
    TRY("the first process's limits", syscall(SYS_prlimit64, 1, RLIMIT_NOFILE, NULL, &limit));
}

static inline void tries_all(struct tries *tries, int listener)
{
    tries_numbers(tries);
#ifdef __x86_64__
    tries_i386(tries);
#endif
    tries_files(tries);
    tries_network(tries, listener);
    tries_processes(tries);
}

#endif
