#include "server/client/latency.h"

#include <stddef.h>

/* Below 128 ns there is one bucket for each nanosecond. Above, each power of two has 128, chosen
 * by the leading eight bits. */
static size_t bucket_of(uint64_t ns)
{
    if (ns < LATENCY_CUTS)
        return ns;
    unsigned shift = 63 - (unsigned)__builtin_clzll(ns) - 7;
    size_t bucket = (size_t)(shift + 1) * LATENCY_CUTS + (ns >> shift) - LATENCY_CUTS;
    return bucket < LATENCY_BUCKETS ? bucket : LATENCY_BUCKETS - 1;
}

static int64_t last_of(size_t bucket)
{
    if (bucket < LATENCY_CUTS)
        return (int64_t)bucket;
    size_t shift = bucket / LATENCY_CUTS - 1;
    return (int64_t)(((bucket % LATENCY_CUTS + LATENCY_CUTS + 1) << shift) - 1);
}

void latency_add(struct latency *latency, int64_t ns)
{
    if (ns < 0)
        ns = 0;
    latency->bucket[bucket_of((uint64_t)ns)]++;
    latency->count++;
    latency->sum_ns += (double)ns;
    if (ns > latency->max_ns)
        latency->max_ns = ns;
}

int64_t latency_percentile(const struct latency *latency, double percent)
{
    double wanted = (double)latency->count * percent / 100;
    uint64_t seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latency->bucket[i];
        if (seen && (double)seen >= wanted)
            return last_of(i) < latency->max_ns ? last_of(i) : latency->max_ns;
    }
    return latency->max_ns;
}

double latency_mean_ns(const struct latency *latency)
{
    return latency->count ? latency->sum_ns / (double)latency->count : 0;
}
