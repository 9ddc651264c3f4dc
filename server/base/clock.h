/* The server's only clock: monotonic nanoseconds. Wall-clock jumps do not affect deadlines or
 * metrics. */
#ifndef SERVER_BASE_CLOCK_H
#define SERVER_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline int64_t clock_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The time `ms` milliseconds from now on the same clock, for calls that take an absolute time. */
static inline struct timespec clock_after(int64_t ms)
{
    int64_t until_ns = clock_ns() + ms * 1000000;
    return (struct timespec){.tv_sec = (time_t)(until_ns / 1000000000),
                             .tv_nsec = (long)(until_ns % 1000000000)};
}

#endif
