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
    ENDPOINT_OPENAPI,
    ENDPOINT_V2_INFER,
    ENDPOINT_V2_INFO,
    ENDPOINT_V1_PREDICT,
    ENDPOINT_V1_INFO,
    ENDPOINT_REPOSITORY,
    ENDPOINTS
};
enum stage { STAGE_DECODE, STAGE_QUEUE, STAGE_FORWARD, STAGE_ENCODE, STAGES };
enum rejected {
    REJECTED_INFLIGHT_BYTES,
    REJECTED_INFLIGHT_ROWS,
    REJECTED_MODEL_ROWS,
    REJECTED_DEADLINE,
    REJECTED_GONE,
    REJECTED_KEY,
    REJECTED_REASONS
};
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

/* What passes of one number of rows took. */
struct metrics_batch {
    counter passes, forward_ns;
    counter jobs, decode_ns, encode_ns; /* of the jobs whose largest pass it was */
};

/* One worker's part in a model's version. */
struct metrics_model {
    struct histogram batch_rows;
    counter rows;
    counter waiting_rows; /* for their pass, now: up and down */
    counter nonfinite[NONFINITE_WHERES];
    counter passes, forward_ns;
    counter successes, success_ns, failures, failure_ns; /* requests */
    counter decode_ns, queue_ns, encode_ns;
    counter last_ms;             /* since the epoch: the last pass */
    struct metrics_batch *batch; /* [batch_rows_max + 1] */
};

/* What a model's version has done, for as long as it is known, through all reloads. */
struct metrics_series {
    _Atomic size_t references;
    size_t shards, batch_rows_max;
    struct metrics_model *shard; /* [shards], one per worker */
};

struct metrics_series *metrics_series_new(size_t shards, size_t batch_rows_max);
struct metrics_series *metrics_series_retain(struct metrics_series *series);
void metrics_series_release(struct metrics_series *series); /* NULL is fine */
/* The sum over all workers of the counter at that offset in struct metrics_model. */
uint64_t metrics_series_sum(const struct metrics_series *series, size_t offset);

struct metrics_shard {
    counter requests[ENDPOINTS][METRICS_CODES_MAX];
    struct histogram duration[ENDPOINTS];
    struct histogram stage[STAGES];
    counter connections; /* open now: up by 1, down by -1 */
    counter requests_begun, requests_ended;
    counter bytes_begun, bytes_ended; /* request bodies held */
    counter turns;
    counter rejected[REJECTED_REASONS];
};

/* What a layer's units have done. */
struct metrics_layer {
    double zero_ratio;
    size_t dead, saturated;
    bool is_relu_like, is_saturating;
};

/* A version of a model, for metrics_write. */
struct metrics_served {
    const char *name, *version, *format, *math; /* format and math NULL: nothing is loaded */
    const struct metrics_series *series;        /* NULL likewise */
    struct metrics_layer *layer;                /* [layers], over observed_rows */
    size_t layers;
    uint64_t observed_rows;
};

/* A model, likewise. */
struct metrics_loads {
    const char *name;
    uint64_t loads, failed_loads;
};

struct metrics {
    size_t shards;
    struct metrics_shard *shard;
    int64_t start_unix_s;
};

bool metrics_init(struct metrics *metrics, size_t shards);
void metrics_reset(struct metrics *metrics);

void metrics_request(struct metrics_shard *shard, enum endpoint endpoint, unsigned code,
                     int64_t duration_ns);
void metrics_stage(struct metrics_shard *shard, enum stage stage, int64_t ns);
void metrics_batch(struct metrics_model *model, size_t rows, int64_t forward_ns);
/* A prediction's job that was answered: what it took, and the rows of its largest pass. */
void metrics_job(struct metrics_model *model, size_t batch_rows, int64_t decode_ns,
                 int64_t queue_ns, int64_t encode_ns);
/* The whole request, by whether it was answered with 200. */
void metrics_model_request(struct metrics_model *model, bool is_success, int64_t ns);

/* The exposition text: Prometheus 0.0.4, or OpenMetrics 1.0. is_ready is what /readyz says. */
void metrics_write(struct metrics *metrics, const struct metrics_served *served, size_t served_len,
                   const struct metrics_loads *loads, size_t loads_len, struct text *out,
                   bool is_openmetrics, bool is_ready);

#endif
