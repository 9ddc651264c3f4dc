#include "server/log.h"

#include "server/text.h"
#include <relud/relud.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static _Atomic int level_max = LOG_LEVEL_INFO;
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
    char quoted[6 * 512 + 3];
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

void log_line(enum log_level level, const char *format, ...)
{
    if (level > log_level())
        return;
    char words[512];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    for (char *at = words; *at; at++) /* one event is one line, whatever a client put into it */
        if ((unsigned char)*at < 0x20)
            *at = ' ';
    char line[sizeof words * 6 + 128];
    int len = is_json_form ? json_line(line, sizeof line, level, words)
                           : snprintf(line, sizeof line, "relud: %s\n", words);
    if (len > 0 && write(STDERR_FILENO, line, (size_t)len) < 0)
        return; /* nothing can be said about a log that cannot be written */
}
