#include "server/metrics/metrics_private.h"

#include <stdlib.h>
#include <time.h>

const unsigned metrics_codes[METRICS_CODES_MAX - 1] = {200, 204, 400, 401, 403, 404, 405, 406,
                                                       408, 411, 413, 414, 415, 417, 429, 431,
                                                       499, 500, 501, 503, 504, 505};

/* The buckets' upper bounds: nanoseconds for times, rows for batches. */
static const uint64_t duration_bounds[] = {
    50000,     100000,     250000,     500000,     1000000,    2500000,
    5000000,   10000000,   25000000,   50000000,   100000000,  250000000,
    500000000, 1000000000, 2500000000, 5000000000, 10000000000};
static const uint64_t stage_bounds[] = {1000,    2500,     5000,      10000,     25000,
                                        50000,   100000,   250000,    500000,    1000000,
                                        2500000, 10000000, 100000000, 1000000000};
static const uint64_t rows_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384};

#define BOUNDS(array, unit)                                                                        \
    {                                                                                              \
        array, sizeof array / sizeof *array, unit                                                  \
    }
const struct bounds metrics_duration_bounds = BOUNDS(duration_bounds, 1e-9);
const struct bounds metrics_stage_bounds = BOUNDS(stage_bounds, 1e-9);
const struct bounds metrics_rows_bounds = BOUNDS(rows_bounds, 1);

_Static_assert(sizeof duration_bounds / sizeof *duration_bounds < HISTOGRAM_BUCKETS_MAX,
               "+Inf fits");
_Static_assert(sizeof stage_bounds / sizeof *stage_bounds < HISTOGRAM_BUCKETS_MAX, "+Inf fits");

bool metrics_init(struct metrics *metrics, size_t shards)
{
    *metrics = (struct metrics){.shards = shards, .start_unix_s = time(NULL)};
    metrics->shard = calloc(shards, sizeof *metrics->shard);
    return metrics->shard != NULL;
}

void metrics_reset(struct metrics *metrics)
{
    free(metrics->shard);
    metrics->shard = NULL;
}

static void series_free(struct metrics_series *series)
{
    for (size_t i = 0; i < series->shards; i++)
        free(series->shard[i].batch);
    free(series->shard);
    free(series);
}

struct metrics_series *metrics_series_new(size_t shards, size_t batch_rows_max)
{
    struct metrics_series *series = calloc(1, sizeof *series);
    if (!series)
        return NULL;
    series->references = 1;
    series->batch_rows_max = batch_rows_max;
    series->shard = calloc(shards, sizeof *series->shard);
    bool is_whole = series->shard != NULL;
    for (; is_whole && series->shards < shards; series->shards++) {
        struct metrics_batch *batch = calloc(batch_rows_max + 1, sizeof *batch);
        series->shard[series->shards].batch = batch;
        is_whole = batch != NULL;
    }
    if (is_whole)
        return series;
    series_free(series);
    return NULL;
}

struct metrics_series *metrics_series_retain(struct metrics_series *series)
{
    series->references++;
    return series;
}

void metrics_series_release(struct metrics_series *series)
{
    if (series && --series->references == 0)
        series_free(series);
}

uint64_t metrics_series_sum(const struct metrics_series *series, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < series->shards; i++)
        sum += counter_get((counter *)((char *)&series->shard[i] + offset));
    return sum;
}

static void observe(struct histogram *histogram, const struct bounds *bounds, uint64_t value)
{
    size_t i = 0;
    while (i < bounds->len && value > bounds->at[i])
        i++;
    counter_add(&histogram->bucket[i], 1);
    counter_add(&histogram->sum, value);
}

static uint64_t positive(int64_t ns)
{
    return ns > 0 ? (uint64_t)ns : 0;
}

void metrics_request(struct metrics_shard *shard, enum endpoint endpoint, unsigned code,
                     int64_t duration_ns)
{
    size_t slot = 0;
    while (slot < METRICS_CODES_MAX - 1 && metrics_codes[slot] != code)
        slot++;
    counter_add(&shard->requests[endpoint][slot], 1);
    observe(&shard->duration[endpoint], &metrics_duration_bounds, positive(duration_ns));
}

void metrics_stage(struct metrics_shard *shard, enum stage stage, int64_t ns)
{
    observe(&shard->stage[stage], &metrics_stage_bounds, positive(ns));
}

void metrics_batch(struct metrics_model *model, size_t rows, int64_t forward_ns)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    observe(&model->batch_rows, &metrics_rows_bounds, rows);
    counter_add(&model->rows, rows);
    counter_add(&model->passes, 1);
    counter_add(&model->forward_ns, positive(forward_ns));
    counter_add(&model->batch[rows].passes, 1);
    counter_add(&model->batch[rows].forward_ns, positive(forward_ns));
    atomic_store_explicit(&model->last_ms,
                          (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000,
                          memory_order_relaxed);
}

void metrics_job(struct metrics_model *model, size_t batch_rows, int64_t decode_ns,
                 int64_t queue_ns, int64_t encode_ns)
{
    struct metrics_batch *batch = &model->batch[batch_rows];
    counter_add(&model->decode_ns, positive(decode_ns));
    counter_add(&model->queue_ns, positive(queue_ns));
    counter_add(&model->encode_ns, positive(encode_ns));
    counter_add(&batch->jobs, 1);
    counter_add(&batch->decode_ns, positive(decode_ns));
    counter_add(&batch->encode_ns, positive(encode_ns));
}

void metrics_model_request(struct metrics_model *model, bool is_success, int64_t ns)
{
    counter_add(is_success ? &model->successes : &model->failures, 1);
    counter_add(is_success ? &model->success_ns : &model->failure_ns, positive(ns));
}
