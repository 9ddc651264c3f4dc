/* Timing for the micro benchmarks: medians of runs that take turns. */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { BENCH_RUNS = 15 };

static inline double bench_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static inline int bench_by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Runs each contestant in turn, BENCH_RUNS times, about `seconds` each; median seconds of one call into out. */
static inline void bench_in_turn(void (*const *run)(void *), void *const *user, size_t contestants,
                                 double seconds, double *out)
{
    enum { MOST = 8 };
    double times[MOST][BENCH_RUNS];
    long repeats[MOST];
    for (size_t i = 0; i < contestants; i++) {
        double begin = bench_now();
        run[i](user[i]);
        double once = bench_now() - begin;
        repeats[i] = once < seconds ? (long)(seconds / (once + 1e-9)) + 1 : 1;
        if (repeats[i] > 1000000)
            repeats[i] = 1000000;
    }
    for (int r = 0; r < BENCH_RUNS; r++)
        for (size_t i = 0; i < contestants; i++) {
            double begin = bench_now();
            for (long k = 0; k < repeats[i]; k++)
                run[i](user[i]);
            times[i][r] = (bench_now() - begin) / (double)repeats[i];
        }
    for (size_t i = 0; i < contestants; i++) {
        qsort(times[i], BENCH_RUNS, sizeof(double), bench_by_size);
        out[i] = times[i][BENCH_RUNS / 2];
    }
}

/* Appends "name=value" to the file that BENCH_VALUES names, for tests/bench/run; the name is printed as by printf. */
static inline void __attribute__((format(printf, 2, 3)))
bench_value(double value, const char *format, ...)
{
    const char *path = getenv("BENCH_VALUES");
    FILE *file = path ? fopen(path, "a") : NULL;
    if (!file)
        return;
    va_list args;
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fprintf(file, "=%.6g\n", value);
    fclose(file);
}

static inline float bench_noise(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (float)(*state >> 40) * 0x1p-23f - 1;
}

#endif
