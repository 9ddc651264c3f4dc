/* Writes the log to stderr, as `relud: …` or JSON. Each line is one write(2), so that lines of
 * several threads do not mix. A line that cannot be written at once is dropped and counted; nobody
 * waits for it. Any thread may log. */
#ifndef SERVER_LOG_LOG_H
#define SERVER_LOG_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Call this before any thread starts. */
void log_setup(enum log_level level, bool is_json);
enum log_level log_level(void);
void log_set_level(enum log_level level); /* at any time */
uint64_t log_dropped(void);               /* lines dropped since the start */
void log_count_dropped(uint64_t lines);   /* adds lines that the access log dropped */
/* Moves the count of dropped lines into memory that is shared with processes forked from now on,
 * and returns its address; NULL if there is no memory. Call this before any thread starts. */
_Atomic uint64_t *log_share_dropped(void);
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
