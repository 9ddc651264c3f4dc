/* Log lines on stderr, `relud: …` or JSON. One write(2) a line, so that threads do not mix theirs; a line that
 * cannot be written at once is dropped and counted, never waited for. Called by all, calls nobody. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Before any thread starts. */
void log_setup(enum log_level level, bool is_json);
enum log_level log_level(void);
void log_set_level(enum log_level level); /* at any time */
uint64_t log_dropped(void);               /* lines since the start */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
