#include "server/base/signals.h"

#include "server/base/clock.h"
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_NS = 1000000000 };

/* Signals are caught by handlers instead of being blocked and waited for: OpenBLAS starts a thread
 * before main(), our mask does not reach that thread, and a signal that it receives must count,
 * too. */
static sem_t events;
static _Atomic int64_t first_stop_ns;
static _Atomic unsigned stops;
static unsigned stops_told;
static _Atomic bool is_listening, is_reload_wanted, is_called;

bool signals_count_stop(void)
{
    int64_t now_ns = clock_ns(), first_ns = 0;
    return atomic_compare_exchange_strong(&first_stop_ns, &first_ns, now_ns) ||
           now_ns - first_ns >= AGAIN_NS;
}

static void on_stop(int number)
{
    (void)number;
    if (!is_listening)
        _exit(0);
    if (!signals_count_stop())
        return;
    stops++;
    sem_post(&events);
}

static void on_reload(int number)
{
    (void)number;
    is_reload_wanted = true;
    sem_post(&events);
}

static void on_wake(int number)
{
    (void)number;
}

void signals_open(void)
{
    sem_init(&events, 0, 0);
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = SA_RESTART},
                     reload = {.sa_handler = on_reload, .sa_flags = SA_RESTART},
                     wake = {.sa_handler = on_wake}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGHUP, &reload, NULL);
    sigaction(SIGUSR1, &wake, NULL);
    sigaction(SIGPIPE, &ignore, NULL);
}

void signals_listen(void)
{
    is_listening = true;
}

void signals_call(void)
{
    is_called = true;
    sem_post(&events);
}

enum signals_event signals_wait(int64_t ms)
{
    struct timespec until = clock_after(ms);
    do {
        if (stops > stops_told) {
            stops_told++;
            return SIGNALS_STOP;
        }
        if (atomic_exchange(&is_called, false))
            return SIGNALS_CALL;
        if (atomic_exchange(&is_reload_wanted, false))
            return SIGNALS_RELOAD;
    } while (sem_clockwait(&events, CLOCK_MONOTONIC, &until) == 0);
    return SIGNALS_NOTHING;
}
