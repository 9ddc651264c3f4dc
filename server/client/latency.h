/* A histogram of durations with the same relative precision everywhere, as HdrHistogram's: each
 * power of two is cut into 128, so a percentile is at most 1/128 too high. It belongs to one
 * thread. */
#ifndef SERVER_CLIENT_LATENCY_H
#define SERVER_CLIENT_LATENCY_H

#include <stdint.h>

enum { LATENCY_CUTS = 128, LATENCY_POWERS = 40, LATENCY_BUCKETS = LATENCY_CUTS * LATENCY_POWERS };

struct latency {
    uint64_t bucket[LATENCY_BUCKETS];
    uint64_t count;
    int64_t max_ns; /* exact */
    double sum_ns;
};

/* Durations below 0 count as 0. Those beyond the last bucket (38 hours) count in it. */
void latency_add(struct latency *latency, int64_t ns);
/* The duration that `percent` of all do not exceed; 0 when there are none. */
int64_t latency_percentile(const struct latency *latency, double percent);
double latency_mean_ns(const struct latency *latency);

#endif
