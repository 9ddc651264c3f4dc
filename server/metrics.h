/* Counters and histograms, one shard per worker: a worker adds to its own without lock or locked instruction,
 * whoever answers /metrics reads all. Called by all, calls nobody. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "server/text.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The endpoint label: a route's, so that no client can make new ones. */
enum endpoint {
    ENDPOINT_OTHER,
    ENDPOINT_ROOT,
    ENDPOINT_RELU,
    ENDPOINT_PREDICT,
    ENDPOINT_HEALTH,
    ENDPOINT_READY,
    ENDPOINT_METRICS,
    ENDPOINTS
};
enum stage { STAGE_DECODE, STAGE_QUEUE, STAGE_FORWARD, STAGE_ENCODE, STAGES };
enum nonfinite_where { NONFINITE_INPUT, NONFINITE_OUTPUT, NONFINITE_WHERES };

#define HISTOGRAM_BUCKETS_MAX 24
#define METRICS_CODES_MAX     24

/* Written by one thread, read by any. */
typedef _Atomic uint64_t counter;

static inline void counter_add(counter *c, uint64_t n)
{
    atomic_store_explicit(c, atomic_load_explicit(c, memory_order_relaxed) + n,
                          memory_order_relaxed);
}
static inline uint64_t counter_get(counter *c)
{
    return atomic_load_explicit(c, memory_order_relaxed);
}

struct histogram {
    counter bucket[HISTOGRAM_BUCKETS_MAX]; /* not cumulative; the last one is +Inf */
    counter sum;                           /* nanoseconds, or rows */
};

struct metrics_model {
    struct histogram batch_rows;
    counter rows;
    counter nonfinite[NONFINITE_WHERES];
};

struct metrics_shard {
    counter requests[ENDPOINTS][METRICS_CODES_MAX];
    struct histogram duration[ENDPOINTS];
    struct histogram stage[STAGES];
    counter connections_opened, connections_closed;
    counter requests_begun, requests_ended;
    counter bytes_begun, bytes_ended; /* request bodies held */
    counter turns;
    struct metrics_model *model; /* [models] */
};

/* What a model's series are called. */
struct metrics_model_name {
    const char *name, *version, *format, *math;
};

struct metrics {
    size_t shards, models;
    struct metrics_shard *shard;
    const struct metrics_model_name *model_name; /* [models], borrowed */
    int64_t start_unix_s;
    double load_seconds;
};

bool metrics_init(struct metrics *metrics, size_t shards, size_t models,
                  const struct metrics_model_name *names);
void metrics_reset(struct metrics *metrics);

void metrics_request(struct metrics_shard *shard, enum endpoint endpoint, unsigned code,
                     int64_t duration_ns);
void metrics_stage(struct metrics_shard *shard, enum stage stage, int64_t ns);
void metrics_batch(struct metrics_shard *shard, size_t model, size_t rows);

/* The exposition text: Prometheus 0.0.4, or OpenMetrics 1.0. is_ready is what /readyz says. */
void metrics_write(struct metrics *metrics, struct text *out, bool is_openmetrics, bool is_ready);

#endif
