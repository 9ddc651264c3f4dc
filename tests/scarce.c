#include "tests/scarce.h"

#include "core/base/arena.h"
#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_bool is_on;
static atomic_long calls;
static enum scarce kind;
static long fails_at;
static bool is_for_good;

void scarce_begin_for_good(enum scarce what, long nth)
{
    scarce_begin(what, nth);
    is_for_good = true;
}

void scarce_begin(enum scarce what, long nth)
{
    kind = what;
    is_for_good = false;
    fails_at = nth;
    calls = 0;
    is_on = true;
}

bool scarce_end(void)
{
    is_on = false;
    return calls >= fails_at;
}

static bool fails(enum scarce what, int code)
{
    if (!is_on || kind != what)
        return false;
    long call = ++calls;
    if (call != fails_at && !(is_for_good && call > fails_at))
        return false;
    errno = code;
    return true;
}

/* The linker's --wrap: the program calls __wrap_NAME, and __real_NAME is the real function. */
#define WRAP(what, code, failure, type, name, parameters, ...)                                     \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        return fails(what, code) ? (failure) : __real_##name(__VA_ARGS__);                         \
    }
#define MEMORY(type, name, parameters, ...)                                                        \
    WRAP(SCARCE_MEMORY, ENOMEM, NULL, type, name, parameters, __VA_ARGS__)
#define FILES(failure, type, name, parameters, ...)                                                \
    WRAP(SCARCE_FILES, EIO, failure, type, name, parameters, __VA_ARGS__)
#define SYSTEM(type, name, parameters, ...)                                                        \
    WRAP(SCARCE_SYSTEM, EMFILE, -1, type, name, parameters, __VA_ARGS__)

MEMORY(void *, malloc, (size_t size), size)
MEMORY(void *, calloc, (size_t count, size_t size), count, size)
MEMORY(void *, realloc, (void *at, size_t size), at, size)
MEMORY(void *, aligned_alloc, (size_t align, size_t size), align, size)
MEMORY(char *, strdup, (const char *text), text)
MEMORY(FILE *, open_memstream, (char **at, size_t *len), at, len)
MEMORY(void *, arena_take, (struct arena * arena, size_t bytes), arena, bytes)
MEMORY(void *, arena_take_array, (struct arena * arena, size_t count, size_t size), arena, count,
       size)
MEMORY(char *, arena_copy_text, (struct arena * arena, const char *text, size_t len), arena, text,
       len)
WRAP(SCARCE_MEMORY, ENOMEM, MAP_FAILED, void *, mmap,
     (void *at, size_t len, int protection, int flags, int fd, off_t offset), at, len, protection,
     flags, fd, offset)

FILES(NULL, FILE *, fopen, (const char *path, const char *mode), path, mode)
FILES(NULL, DIR *, opendir, (const char *path), path)
FILES(-1, int, fstat, (int fd, struct stat *about), fd, about)
FILES(-1, ssize_t, read, (int fd, void *bytes, size_t len), fd, bytes, len)
FILES(EOF, int, fflush, (FILE * file), file)
FILES(-1, int, fsync, (int fd), fd)
FILES(-1, int, rename, (const char *from, const char *to), from, to)
FILES(-1, int, mkdir, (const char *path, mode_t mode), path, mode)

/* A failing fclose closes the file all the same. */
int __real_fclose(FILE *file);
int __wrap_fclose(FILE *file);
int __wrap_fclose(FILE *file)
{
    bool is_failing = fails(SCARCE_FILES, EIO);
    int failure = __real_fclose(file);
    return is_failing ? EOF : failure;
}

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    va_list args;
    va_start(args, flags);
    int mode = flags & O_CREAT ? va_arg(args, int) : 0;
    va_end(args);
    return fails(SCARCE_FILES, EIO) ? -1 : __real_open(path, flags, mode);
}

SYSTEM(int, socket, (int domain, int type, int protocol), domain, type, protocol)
SYSTEM(int, pipe2, (int fd[2], int flags), fd, flags)
SYSTEM(int, eventfd, (unsigned count, int flags), count, flags)
SYSTEM(int, epoll_create1, (int flags), flags)
WRAP(SCARCE_SYSTEM, EAGAIN, EAGAIN, int, pthread_create,
     (pthread_t * thread, const pthread_attr_t *attributes, void *(*run)(void *), void *with),
     thread, attributes, run, with)

/* Makes cJSON use our malloc, so that its allocations fail, too. */
__attribute__((constructor)) static void give_to_cjson(void)
{
    cJSON_InitHooks(&(cJSON_Hooks){.malloc_fn = malloc, .free_fn = free});
}

int __real_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...);
int __wrap_asprintf(char **text, const char *format, ...)
{
    va_list args;
    if (fails(SCARCE_MEMORY, ENOMEM))
        return -1;
    va_start(args, format);
    int len = vasprintf(text, format, args);
    va_end(args);
    return len;
}
