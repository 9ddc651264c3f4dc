/* A library for LD_PRELOAD that lets calls of the program fail. RELUD_FAIL names their kind:
 *
 *   memory   malloc, calloc, realloc, aligned_alloc, mmap
 *   files    open, fopen, rename, fsync, mkdir
 *   calls    read, write, accept4, socket, pipe2, eventfd, pthread_create, poll, ppoll
 *
 * The RELUD_FAIL_NTH-th such call fails, counted from 1; with RELUD_FAIL_ON all later ones fail as
 * well. With RELUD_FAIL=stuck, opening a path that contains RELUD_FAIL_PATH never returns, as on a
 * disk that does not answer.
 *
 * Calls of libraries never fail: how those behave without memory is not our affair. Calls before
 * main never fail, either: in `make coverage` the counters open their file there. If the program
 * ends before the call that should fail, a byte is written to the file RELUD_FAIL_MISSED; otherwise
 * that file is empty. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

static atomic_long calls;
static long nth;
static char kind;
static const char *stuck_path;
static bool goes_on;
static int missed_fd = -1;  /* opened at the start: later the program may be confined */
static const void *program; /* where the program begins in memory */
static int (*program_main)(int, char **, char **);

static void begin(void)
{
    const char *what = getenv("RELUD_FAIL"), *number = getenv("RELUD_FAIL_NTH");
    Dl_info entry;
    stuck_path = what && *what == 's' ? getenv("RELUD_FAIL_PATH") : NULL;
    if (!what || !number || !dladdr((const void *)getauxval(AT_ENTRY), &entry))
        return;
    program = entry.dli_fbase;
    nth = strtol(number, NULL, 10);
    goes_on = getenv("RELUD_FAIL_ON");
    kind = *what;
    const char *path = getenv("RELUD_FAIL_MISSED");
    missed_fd = path ? openat(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600) : -1;
}

static int main_that_may_fail(int argc, char **argv, char **environment)
{
    begin();
    return program_main(argc, argv, environment);
}

/* The program's first instructions call this. */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void),
                      void (*fini)(void), void (*loader_fini)(void), void *stack)
{
    int (*next)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void),
                void (*)(void), void *);
    *(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
    program_main = main;
    return next(main_that_may_fail, argc, argv, init, fini, loader_fini, stack);
}

__attribute__((destructor)) static void end(void)
{
    if (missed_fd >= 0 && calls < nth)
        /* Not our own write(); and a confined program may do this. */
        syscall(SYS_write, missed_fd, "!", 1);
}

static bool fails(char of, const void *caller)
{
    Dl_info from;
    if (kind != of || !dladdr(caller, &from) || from.dli_fbase != program)
        return false;
    long call = ++calls;
    return goes_on ? call >= nth : call == nth;
}

#define CALLER __builtin_return_address(0)
#define NEXT(type, name, ...)                                                                      \
    static type (*next)(__VA_ARGS__);                                                              \
    if (!next)                                                                                     \
    *(void **)&next = dlsym(RTLD_NEXT, name)

#define FAIL_MEMORY(value)                                                                         \
    if (fails('m', CALLER)) {                                                                      \
        errno = ENOMEM;                                                                            \
        return value;                                                                              \
    }
#define FAIL_FILE(value)                                                                           \
    if (fails('f', CALLER)) {                                                                      \
        errno = ENOSPC;                                                                            \
        return value;                                                                              \
    }

/* The C library's own names: dlsym("malloc") would itself call malloc. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *at, size_t size);
void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size)
{
    FAIL_MEMORY(NULL)
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size)
{
    FAIL_MEMORY(NULL)
    return __libc_calloc(count, size);
}
void *realloc(void *at, size_t size)
{
    FAIL_MEMORY(NULL)
    return __libc_realloc(at, size);
}
void *aligned_alloc(size_t align, size_t size)
{
    FAIL_MEMORY(NULL)
    return __libc_memalign(align, size);
}
void *mmap(void *at, size_t len, int protection, int flags, int fd, off_t offset)
{
    NEXT(void *, "mmap", void *, size_t, int, int, int, off_t);
    FAIL_MEMORY(MAP_FAILED)
    return next(at, len, protection, flags, fd, offset);
}

int open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = va_arg(args, int);
    va_end(args);
    while (stuck_path && strstr(path, stuck_path))
        pause(); /* signals are handled, and the wait continues */
    FAIL_FILE(-1)
    return openat(AT_FDCWD, path, flags, mode);
}
FILE *fopen(const char *path, const char *mode)
{
    NEXT(FILE *, "fopen", const char *, const char *);
    FAIL_FILE(NULL)
    return next(path, mode);
}
int rename(const char *from, const char *to)
{
    FAIL_FILE(-1)
    return renameat(AT_FDCWD, from, AT_FDCWD, to);
}
int fsync(int fd)
{
    NEXT(int, "fsync", int);
    FAIL_FILE(-1)
    return next(fd);
}
int mkdir(const char *path, mode_t mode)
{
    NEXT(int, "mkdir", const char *, mode_t);
    FAIL_FILE(-1)
    return next(path, mode);
}

/* These calls fail as the kernel lets them fail: because of signals, a bad disk, or a lack of
 * descriptors or threads. */
#define FAIL_CALL(why, value)                                                                      \
    if (fails('c', CALLER)) {                                                                      \
        errno = why;                                                                               \
        return value;                                                                              \
    }
#define CALL(type, name, why, value, parameters, arguments)                                        \
    type name parameters                                                                           \
    {                                                                                              \
        static type(*next) parameters;                                                             \
        if (!next)                                                                                 \
            *(void **)&next = dlsym(RTLD_NEXT, #name);                                             \
        FAIL_CALL(why, value)                                                                      \
        return next arguments;                                                                     \
    }
CALL(ssize_t, read, EIO, -1, (int fd, void *at, size_t len), (fd, at, len))
CALL(ssize_t, write, EINTR, -1, (int fd, const void *at, size_t len), (fd, at, len))
CALL(int, accept4, EMFILE, -1, (int fd, struct sockaddr *at, socklen_t *len, int flags),
     (fd, at, len, flags))
CALL(int, socket, EMFILE, -1, (int domain, int type, int protocol), (domain, type, protocol))
CALL(int, pipe2, EMFILE, -1, (int fd[2], int flags), (fd, flags))
CALL(int, eventfd, EMFILE, -1, (unsigned count, int flags), (count, flags))
CALL(int, poll, EINTR, -1, (struct pollfd * fd, nfds_t fds, int ms), (fd, fds, ms))
CALL(int, ppoll, EINTR, -1,
     (struct pollfd * fd, nfds_t fds, const struct timespec *wait, const sigset_t *mask),
     (fd, fds, wait, mask))
CALL(int, pthread_create, EAGAIN, EAGAIN,
     (pthread_t * thread, const pthread_attr_t *about, void *(*run)(void *), void *user),
     (thread, about, run, user))
