#include "server/log.h"

#include "server/text.h"
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { WORDS_BYTES = 512, LINE_BYTES = 6 * WORDS_BYTES + 128 };
/* What a pipe has room for, it takes whole. */
_Static_assert(LINE_BYTES <= PIPE_BUF, "a line is one write");

static _Atomic int level_max = LOG_LEVEL_INFO;
static _Atomic uint64_t dropped;
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
    char quoted[6 * WORDS_BYTES + 3];
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
    return dropped;
}

/* Room is looked for and taken by one thread at a time: where two saw the same, one would wait. stderr stays as it is, since
 * others may hold it, too; it may be a pipe, a socket, a terminal or a file. */
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
        dropped++;
    pthread_mutex_unlock(&one_at_a_time);
}

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_level())
        return;
    char words[WORDS_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    for (char *at = words; *at; at++) /* one event is one line, whatever a client put into it */
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    char line[LINE_BYTES];
    int len = is_json_form ? json_line(line, sizeof line, level, words)
                           : snprintf(line, sizeof line, "relud: %s\n", words);
    if (len > 0)
        put_line(line, (size_t)len);
}
