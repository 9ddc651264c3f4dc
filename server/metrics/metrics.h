/* Counters and histograms, one shard per worker. A worker adds to its own shard without locks or
 * locked instructions; the worker that answers /metrics reads all shards. */
#ifndef SERVER_METRICS_METRICS_H
#define SERVER_METRICS_METRICS_H

#include "server/base/text.h"
#include "server/metrics/drift_watch.h"
#include <relud/watch.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* The endpoint label. A route determines it, so clients cannot create new label values. */
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

/* Only one thread writes a counter; any thread may read it. */
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
    counter bucket[HISTOGRAM_BUCKETS_MAX]; /* not cumulative; +Inf follows the last bound */
    counter sum;                           /* nanoseconds, or rows */
};

/* The cost of all forward passes that had one particular number of rows. */
struct metrics_batch {
    counter passes, forward_ns;
    counter jobs, decode_ns, encode_ns; /* of the jobs whose largest pass had this many rows */
};

/* One worker's counts for one version of a model. */
struct metrics_model {
    struct histogram batch_rows;
    counter rows;
    counter waiting_rows; /* rows waiting for their pass now: goes up and down */
    counter unusual_rows; /* with a number outside of what was seen in training */
    counter nonfinite[NONFINITE_WHERES];
    counter passes, forward_ns;
    counter successes, success_ns, failures, failure_ns; /* requests */
    counter decode_ns, queue_ns, encode_ns;
    counter last_ms;             /* time of the last pass, in ms since the epoch */
    struct metrics_batch *batch; /* [batch_rows_max + 1], by rows */
};

/* The counts of one version of a model. They are kept through all reloads for as long as the
 * version is known. Reference-counted. */
struct metrics_series {
    _Atomic size_t references;
    size_t shards, batch_rows_max;
    struct metrics_model *shard; /* [shards], one per worker */
};

/* Returns NULL if memory runs out. The caller owns one reference. */
struct metrics_series *metrics_series_new(size_t shards, size_t batch_rows_max);
struct metrics_series *metrics_series_retain(struct metrics_series *series);
void metrics_series_release(struct metrics_series *series); /* NULL is fine */
/* The sum over all workers of the counter at `offset` in struct metrics_model. */
uint64_t metrics_series_sum(const struct metrics_series *series, size_t offset);

struct metrics_shard {
    counter requests[ENDPOINTS][METRICS_CODES_MAX];
    struct histogram duration[ENDPOINTS];
    struct histogram stage[STAGES];
    counter connections; /* open now: goes up and down */
    counter requests_begun, requests_ended;
    counter bytes_begun, bytes_ended; /* bytes of request bodies taken into memory, and released */
    counter turns;
    counter helped_ns; /* spent on pieces of other workers' passes */
    counter rejected[REJECTED_REASONS];
};

/* What the units of one layer have done. */
struct metrics_layer {
    double zero_ratio;
    size_t dead, saturated;
    bool is_relu_like, is_saturating;
};

/* What metrics_write needs to know about one version of a model. */
struct metrics_served {
    const char *name, *version, *format, *math; /* format, math: NULL if not loaded */
    const struct metrics_series *series;        /* NULL if not loaded */
    struct metrics_layer *layer;                /* [layers], counted over observed_rows */
    size_t layers;
    uint64_t observed_rows;
    struct drift_seen drift;
};

/* How often the versions of one model were loaded, for metrics_write. */
struct metrics_loads {
    const char *name;
    uint64_t loads, failed_loads;
};

struct metrics {
    size_t shards;
    struct metrics_shard *shard;
    int64_t start_unix_s;
};

/* Returns false if memory runs out. */
bool metrics_init(struct metrics *metrics, size_t shards);
void metrics_reset(struct metrics *metrics);

/* Counts an answered request. Times here are in nanoseconds; a negative one counts as 0. */
void metrics_request(struct metrics_shard *shard, enum endpoint endpoint, unsigned code,
                     int64_t duration_ns);
void metrics_stage(struct metrics_shard *shard, enum stage stage, int64_t ns);
/* Counts one forward pass of `rows` rows, at most batch_rows_max. */
void metrics_batch(struct metrics_model *model, size_t rows, int64_t forward_ns);
/* Counts an answered job of a prediction: what its stages took, and the rows of its largest
 * pass. */
void metrics_job(struct metrics_model *model, size_t batch_rows, int64_t decode_ns,
                 int64_t queue_ns, int64_t encode_ns);
/* Counts a whole request; is_success means that it was answered with 200. */
void metrics_model_request(struct metrics_model *model, bool is_success, int64_t ns);

/* Appends the exposition text to `out`: Prometheus 0.0.4, or OpenMetrics 1.0. Versions of one model
 * must be next to each other in `served`. is_ready is what /readyz says. The watch must not be
 * NULL; it may pause the work, but its false is ignored and the text is complete. */
void metrics_write(struct metrics *metrics, const struct metrics_served *served, size_t served_len,
                   const struct metrics_loads *loads, size_t loads_len, struct text *out,
                   bool is_openmetrics, bool is_ready, const struct relud_watch *watch);

#endif
