/* Turns signals that ask for the end or for a reload into events. One thread waits for them. */
#ifndef SERVER_BASE_SIGNALS_H
#define SERVER_BASE_SIGNALS_H

#include <stdbool.h>
#include <stdint.h>

enum signals_event { SIGNALS_NOTHING, SIGNALS_STOP, SIGNALS_RELOAD, SIGNALS_CALL };

/* Installs the handlers. SIGTERM and SIGINT ask for the end, SIGHUP asks for a reload. SIGUSR1 does
 * nothing but interrupt system calls, and SIGPIPE is ignored.
 *
 * Before signals_listen is called, a SIGTERM or SIGINT ends the process at once with status 0:
 * nothing is open yet that must be closed in order. */
void signals_open(void);
void signals_listen(void);

/* Waits up to `ms` milliseconds for an event. Only one thread may call this. SIGNALS_NOTHING means
 * that the time is up or that the wait was interrupted. SIGNALS_STOP comes once for each SIGTERM or
 * SIGINT that signals_count_stop counts. */
enum signals_event signals_wait(int64_t ms);
/* Makes signals_wait return SIGNALS_CALL, once for all calls since it last did. Any thread may call
 * this. */
void signals_call(void);

/* Called by a handler of SIGTERM or SIGINT: true if this signal counts as a request to end. The
 * first one does; a later one does if at least a second has passed since the first. The sender may
 * send one request twice, to the process and to its group, as timeout(1) does.
 * Async-signal-safe. */
bool signals_count_stop(void);

#endif
