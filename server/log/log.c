#include "server/log/log.h"

#include "server/base/text.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* The words are printable, so JSON escapes only quotes and backslashes in them and at most doubles
 * their length. */
enum { WORDS_BYTES = RELUD_ERROR_TEXT_MAX + 512, LINE_BYTES = 2 * WORDS_BYTES + 128 };
/* A pipe takes a write of at most PIPE_BUF bytes as a whole or not at all. */
_Static_assert(LINE_BYTES <= PIPE_BUF, "a line is one write");

static _Atomic int level_max = LOG_LEVEL_INFO;
static _Atomic uint64_t own_dropped, *dropped = &own_dropped;
static bool is_json_form;

void log_setup(enum log_level level, bool is_json)
{
    level_max = level;
    is_json_form = is_json;
}

enum log_level log_level(void)
{
    return (enum log_level)level_max;
}

void log_set_level(enum log_level level)
{
    level_max = level;
}

static int json_line(char *line, size_t size, enum log_level level, const char *words)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    char quoted[2 * WORDS_BYTES + 3];
    quoted[relud_json_string(words, strlen(words), quoted)] = '\0';
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    struct tm utc;
    gmtime_r(&now.tv_sec, &utc);
    char stamp[32];
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", &utc);
    return snprintf(line, size, "{\"time\":\"%s.%03ldZ\",\"level\":\"%s\",\"message\":%s}\n", stamp,
                    now.tv_nsec / 1000000, names[level], quoted);
}

uint64_t log_dropped(void)
{
    return *dropped;
}

void log_count_dropped(uint64_t lines)
{
    *dropped += lines;
}

_Atomic uint64_t *log_share_dropped(void)
{
    void *at =
        mmap(NULL, sizeof *dropped, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    uint64_t so_far = *dropped;
    dropped = at;
    *dropped = so_far;
    return dropped;
}

/* Writes a line if stderr takes it at once, else counts it as dropped. Only one thread at a time
 * may poll and write: if two threads saw the same free room, the second write would block. stderr
 * is not made non-blocking, because other processes may share it. It may be a pipe, a socket, a
 * terminal or a file. */
static void put_line(const char *line, size_t len)
{
    static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;
    struct pollfd poll_fd = {.fd = STDERR_FILENO, .events = POLLOUT};
    int found;
    ssize_t written = 0;
    pthread_mutex_lock(&one_at_a_time);
    do
        found = poll(&poll_fd, 1, 0);
    while (found < 0 && errno == EINTR);
    if (found == 1 && poll_fd.revents & POLLOUT)
        do
            written = write(STDERR_FILENO, line, len);
        while (written < 0 && errno == EINTR);
    if (written != (ssize_t)len)
        (*dropped)++;
    pthread_mutex_unlock(&one_at_a_time);
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_level())
        return;
    char words[WORDS_BYTES];
    va_list args;
    va_start(args, format);
    /* relud_vline makes one line of it, whatever bytes a client sent. */
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    char line[LINE_BYTES];
    int len = is_json_form ? json_line(line, sizeof line, level, words)
                           : snprintf(line, sizeof line, "relud: %s\n", words);
    if (len > 0)
        put_line(line, (size_t)len);
}
