#include "server/metrics.h"

#include <dirent.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static const char *const endpoint_names[ENDPOINTS] = {
    [ENDPOINT_OTHER] = "other",     [ENDPOINT_ROOT] = "root",      [ENDPOINT_RELU] = "relu",
    [ENDPOINT_PREDICT] = "predict", [ENDPOINT_HEALTH] = "healthz", [ENDPOINT_READY] = "readyz",
    [ENDPOINT_METRICS] = "metrics",
};
static const char *const stage_names[STAGES] = {"decode", "queue", "forward", "encode"};
static const char *const nonfinite_names[NONFINITE_WHERES] = {"input", "output"};

/* Every code the service answers with; the last slot takes any other. */
static const unsigned codes[METRICS_CODES_MAX - 1] = {200, 204, 400, 401, 403, 404, 405,
                                                      406, 408, 411, 413, 414, 415, 417,
                                                      429, 431, 500, 501, 503, 504, 505};

/* Upper bounds: nanoseconds for time, rows for batches. */
static const uint64_t duration_bounds[] = {
    50000,     100000,     250000,     500000,     1000000,    2500000,
    5000000,   10000000,   25000000,   50000000,   100000000,  250000000,
    500000000, 1000000000, 2500000000, 5000000000, 10000000000};
static const uint64_t stage_bounds[] = {1000,    2500,     5000,      10000,     25000,
                                        50000,   100000,   250000,    500000,    1000000,
                                        2500000, 10000000, 100000000, 1000000000};
static const uint64_t rows_bounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096, 16384};

struct bounds {
    const uint64_t *at;
    size_t len;
    double unit; /* multiplies into the base unit */
};
#define BOUNDS(array, unit)                                                                        \
    {                                                                                              \
        array, sizeof array / sizeof *array, unit                                                  \
    }
static const struct bounds for_duration = BOUNDS(duration_bounds, 1e-9);
static const struct bounds for_stage = BOUNDS(stage_bounds, 1e-9);
static const struct bounds for_rows = BOUNDS(rows_bounds, 1);

_Static_assert(sizeof duration_bounds / sizeof *duration_bounds < HISTOGRAM_BUCKETS_MAX,
               "+Inf fits");
_Static_assert(sizeof stage_bounds / sizeof *stage_bounds < HISTOGRAM_BUCKETS_MAX, "+Inf fits");

bool metrics_init(struct metrics *metrics, size_t shards, size_t models,
                  const struct metrics_model_name *names)
{
    *metrics = (struct metrics){.shards = shards, .models = models, .model_name = names};
    metrics->start_unix_s = time(NULL);
    metrics->shard = calloc(shards, sizeof *metrics->shard);
    for (size_t i = 0; metrics->shard && i < shards; i++) {
        metrics->shard[i].model = calloc(models ? models : 1, sizeof *metrics->shard[i].model);
        if (!metrics->shard[i].model) {
            metrics_reset(metrics);
            return false;
        }
    }
    return metrics->shard != NULL;
}

void metrics_reset(struct metrics *metrics)
{
    for (size_t i = 0; metrics->shard && i < metrics->shards; i++)
        free(metrics->shard[i].model);
    free(metrics->shard);
    metrics->shard = NULL;
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
    while (slot < METRICS_CODES_MAX - 1 && codes[slot] != code)
        slot++;
    counter_add(&shard->requests[endpoint][slot], 1);
    observe(&shard->duration[endpoint], &for_duration, positive(duration_ns));
}

void metrics_stage(struct metrics_shard *shard, enum stage stage, int64_t ns)
{
    observe(&shard->stage[stage], &for_stage, positive(ns));
}

void metrics_batch(struct metrics_shard *shard, size_t model, size_t rows)
{
    observe(&shard->model[model].batch_rows, &for_rows, rows);
    counter_add(&shard->model[model].rows, rows);
}

/* ---- writing ---- */

struct writer {
    struct metrics *metrics;
    struct text *out;
    bool is_openmetrics;
};

/* OpenMetrics names a counter's family without _total; the old format with it. */
static void family(const struct writer *w, const char *name, const char *type, const char *help)
{
    bool is_counter = strcmp(type, "counter") == 0;
    const char *suffix = is_counter && !w->is_openmetrics ? "_total" : "";
    text_print(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
}

/* Label values: the characters the format wants escaped, escaped. */
static void label(struct text *out, const char *key, const char *value)
{
    text_print(out, "%s=\"", key);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"')
            text_put_n(out, "\\", 1);
        text_put_n(out, *value == '\n' ? " " : value, 1);
    }
    text_put_n(out, "\"", 1);
}

static void model_labels(const struct writer *w, size_t model, bool has_version)
{
    label(w->out, "model", w->metrics->model_name[model].name);
    if (has_version) {
        text_put_n(w->out, ",", 1);
        label(w->out, "version", w->metrics->model_name[model].version);
    }
}

static uint64_t sum_over(const struct writer *w, size_t offset)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < w->metrics->shards; i++)
        sum += counter_get((counter *)((char *)&w->metrics->shard[i] + offset));
    return sum;
}

static void add_histogram(struct histogram *sum, struct histogram *part)
{
    for (size_t i = 0; i < HISTOGRAM_BUCKETS_MAX; i++)
        counter_add(&sum->bucket[i], counter_get(&part->bucket[i]));
    counter_add(&sum->sum, counter_get(&part->sum));
}

static void write_histogram(const struct writer *w, const char *name, const char *labels,
                            const struct bounds *bounds, struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= bounds->len; i++) {
        count += counter_get(&histogram->bucket[i]);
        text_print(w->out, "%s_bucket{%s,le=\"", name, labels);
        if (i == bounds->len)
            text_put(w->out, "+Inf");
        else
            text_print(w->out, "%.9g%s", (double)bounds->at[i] * bounds->unit,
                       w->is_openmetrics && bounds->unit * (double)bounds->at[i] >= 1 ? ".0" : "");
        text_print(w->out, "\"} %llu\n", (unsigned long long)count);
    }
    text_print(w->out, "%s_sum{%s} %.9g\n%s_count{%s} %llu\n", name, labels,
               (double)counter_get(&histogram->sum) * bounds->unit, name, labels,
               (unsigned long long)count);
}

static void write_requests(const struct writer *w)
{
    family(w, "relud_requests", "counter", "Requests answered, by endpoint and status code.");
    for (size_t e = 0; e < ENDPOINTS; e++)
        for (size_t c = 0; c < METRICS_CODES_MAX; c++) {
            uint64_t count = sum_over(w, offsetof(struct metrics_shard, requests[e][c]));
            if (!count && !(c == 0 && e != ENDPOINT_OTHER))
                continue;
            char code[16] = "other";
            if (c < METRICS_CODES_MAX - 1 && codes[c])
                snprintf(code, sizeof code, "%u", codes[c]);
            text_print(w->out, "relud_requests_total{endpoint=\"%s\",code=\"%s\"} %llu\n",
                       endpoint_names[e], code, (unsigned long long)count);
        }
}

static void write_durations(const struct writer *w)
{
    char labels[64];
    family(w, "relud_request_duration_seconds", "histogram",
           "From a request's headers to its answer queued, by endpoint.");
    for (size_t e = 0; e < ENDPOINTS; e++) {
        struct histogram sum = {0};
        for (size_t i = 0; i < w->metrics->shards; i++)
            add_histogram(&sum, &w->metrics->shard[i].duration[e]);
        snprintf(labels, sizeof labels, "endpoint=\"%s\"", endpoint_names[e]);
        write_histogram(w, "relud_request_duration_seconds", labels, &for_duration, &sum);
    }
    family(w, "relud_stage_duration_seconds", "histogram",
           "What a prediction's time went into: reading, waiting for the turn, the net, writing.");
    for (size_t s = 0; s < STAGES; s++) {
        struct histogram sum = {0};
        for (size_t i = 0; i < w->metrics->shards; i++)
            add_histogram(&sum, &w->metrics->shard[i].stage[s]);
        snprintf(labels, sizeof labels, "stage=\"%s\"", stage_names[s]);
        write_histogram(w, "relud_stage_duration_seconds", labels, &for_stage, &sum);
    }
}

static void write_models(const struct writer *w, bool is_ready)
{
    struct metrics *metrics = w->metrics;
    family(w, "relud_batch_rows", "histogram", "Rows in one forward pass.");
    for (size_t m = 0; m < metrics->models; m++) {
        struct histogram sum = {0};
        for (size_t i = 0; i < metrics->shards; i++)
            add_histogram(&sum, &metrics->shard[i].model[m].batch_rows);
        struct text labels = {0};
        label(&labels, "model", metrics->model_name[m].name);
        text_put_n(&labels, "", 1);
        if (text_is_whole(&labels))
            write_histogram(w, "relud_batch_rows", labels.at, &for_rows, &sum);
        text_free(&labels);
    }
    family(w, "relud_rows", "counter", "Rows predicted.");
    for (size_t m = 0; m < metrics->models; m++) {
        uint64_t rows = 0;
        for (size_t i = 0; i < metrics->shards; i++)
            rows += counter_get(&metrics->shard[i].model[m].rows);
        text_put(w->out, "relud_rows_total{");
        model_labels(w, m, true);
        text_print(w->out, "} %llu\n", (unsigned long long)rows);
    }
    family(w, "relud_nonfinite", "counter",
           "Requests refused or marked because a number was not finite, going in or coming out.");
    for (size_t m = 0; m < metrics->models; m++)
        for (size_t k = 0; k < NONFINITE_WHERES; k++) {
            uint64_t count = 0;
            for (size_t i = 0; i < metrics->shards; i++)
                count += counter_get(&metrics->shard[i].model[m].nonfinite[k]);
            text_put(w->out, "relud_nonfinite_total{");
            model_labels(w, m, false);
            text_print(w->out, ",where=\"%s\"} %llu\n", nonfinite_names[k],
                       (unsigned long long)count);
        }
    family(w, "relud_model_info", "gauge", "What is served; always 1.");
    for (size_t m = 0; m < metrics->models; m++) {
        text_put(w->out, "relud_model_info{");
        model_labels(w, m, true);
        text_put(w->out, ",");
        label(w->out, "format", metrics->model_name[m].format);
        text_put(w->out, ",");
        label(w->out, "math", metrics->model_name[m].math);
        text_put(w->out, "} 1\n");
    }
    family(w, "relud_model_ready", "gauge", "1 while the model answers.");
    for (size_t m = 0; m < metrics->models; m++) {
        text_put(w->out, "relud_model_ready{");
        model_labels(w, m, true);
        text_print(w->out, "} %d\n", is_ready ? 1 : 0);
    }
}

static size_t open_fds(void)
{
    size_t count = 0;
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return 0;
    while (readdir(dir))
        count++;
    closedir(dir);
    return count > 3 ? count - 3 : 0; /* ".", ".." and the directory itself */
}

/* The names and meanings of Prometheus's own client libraries. */
static void write_process(const struct writer *w)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    unsigned long virtual_pages = 0, resident_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm) {
        if (fscanf(statm, "%lu %lu", &virtual_pages, &resident_pages) != 2)
            virtual_pages = resident_pages = 0;
        fclose(statm);
    }
    double page = (double)sysconf(_SC_PAGESIZE);
    struct rlimit files = {0};
    getrlimit(RLIMIT_NOFILE, &files);
    family(w, "process_cpu_seconds", "counter", "User and system time spent.");
    text_print(w->out, "process_cpu_seconds_total %.6f\n", cpu);
    family(w, "process_resident_memory_bytes", "gauge", "Resident memory.");
    text_print(w->out, "process_resident_memory_bytes %.0f\n", (double)resident_pages * page);
    family(w, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    text_print(w->out, "process_virtual_memory_bytes %.0f\n", (double)virtual_pages * page);
    family(w, "process_start_time_seconds", "gauge", "Start, in seconds since the epoch.");
    text_print(w->out, "process_start_time_seconds %lld\n", (long long)w->metrics->start_unix_s);
    family(w, "process_open_fds", "gauge", "Open file descriptors.");
    text_print(w->out, "process_open_fds %zu\n", open_fds());
    family(w, "process_max_fds", "gauge", "The limit of open file descriptors.");
    text_print(w->out, "process_max_fds %llu\n", (unsigned long long)files.rlim_cur);
}

static void gauge_difference(const struct writer *w, const char *name, const char *help,
                             size_t more, size_t less)
{
    uint64_t ended = sum_over(w, less); /* read first, so that the difference is never negative */
    uint64_t begun = sum_over(w, more);
    family(w, name, "gauge", help);
    text_print(w->out, "%s %llu\n", name, (unsigned long long)(begun > ended ? begun - ended : 0));
}

void metrics_write(struct metrics *metrics, struct text *out, bool is_openmetrics, bool is_ready)
{
    struct writer w = {metrics, out, is_openmetrics};
    write_requests(&w);
    write_durations(&w);
    write_models(&w, is_ready);
    gauge_difference(&w, "relud_inflight_requests", "Requests begun and not yet answered.",
                     offsetof(struct metrics_shard, requests_begun),
                     offsetof(struct metrics_shard, requests_ended));
    gauge_difference(&w, "relud_inflight_bytes", "Bytes of request bodies held for open requests.",
                     offsetof(struct metrics_shard, bytes_begun),
                     offsetof(struct metrics_shard, bytes_ended));
    gauge_difference(&w, "relud_connections", "Open connections.",
                     offsetof(struct metrics_shard, connections_opened),
                     offsetof(struct metrics_shard, connections_closed));
    family(&w, "relud_worker_connections", "gauge", "Open connections of each worker.");
    for (size_t i = 0; i < metrics->shards; i++) {
        struct metrics_shard *shard = &metrics->shard[i];
        uint64_t closed = counter_get(&shard->connections_closed); /* first: never negative */
        uint64_t opened = counter_get(&shard->connections_opened);
        text_print(out, "relud_worker_connections{worker=\"%zu\"} %llu\n", i,
                   (unsigned long long)(opened > closed ? opened - closed : 0));
    }
    family(&w, "relud_turns", "counter", "Turns of the event loops that computed something.");
    text_print(out, "relud_turns_total %llu\n",
               (unsigned long long)sum_over(&w, offsetof(struct metrics_shard, turns)));
    family(&w, "relud_build_info", "gauge", "The version that runs; always 1.");
    text_print(out, "relud_build_info{version=\"%s\",isa=\"%s\"} 1\n", relud_version(),
               relud_isa_name(relud_isa_best()));
    write_process(&w);
    if (is_openmetrics)
        text_put(out, "# EOF\n");
}
