/* Writes the exposition text. Every metric and its name is in this file. */
#include "server/metrics/metrics_private.h"

#include "server/log/log.h"
#include <dirent.h>
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static const char *const endpoint_names[ENDPOINTS] = {
    [ENDPOINT_OTHER] = "other",
    [ENDPOINT_ROOT] = "root",
    [ENDPOINT_RELU] = "relu",
    [ENDPOINT_PREDICT] = "predict",
    [ENDPOINT_HEALTH] = "healthz",
    [ENDPOINT_READY] = "readyz",
    [ENDPOINT_METRICS] = "metrics",
    [ENDPOINT_OPENAPI] = "openapi",
    [ENDPOINT_V2_INFER] = "v2_infer",
    [ENDPOINT_V2_INFO] = "v2",
    [ENDPOINT_V1_PREDICT] = "v1_predict",
    [ENDPOINT_V1_INFO] = "v1",
    [ENDPOINT_REPOSITORY] = "repository",
};
static const char *const stage_names[STAGES] = {"decode", "queue", "forward", "encode"};
static const char *const rejected_names[REJECTED_REASONS] = {
    "inflight_bytes", "inflight_rows", "model_rows", "deadline", "gone", "key"};
static const char *const nonfinite_names[NONFINITE_WHERES] = {"input", "output"};

/* The arguments of metrics_write. */
struct exposition {
    struct metrics *metrics;
    const struct metrics_served *served;
    size_t served_len;
    const struct metrics_loads *loads;
    size_t loads_len;
    struct text *out;
    bool is_openmetrics;
    const struct relud_watch *watch;
};

/* Writes the lines before a metric's samples. The family of a counter is named without _total in
 * OpenMetrics, and with it in the older format. OpenMetrics also has a line for the unit that a
 * name ends in. */
static void family(const struct exposition *w, const char *name, const char *type, const char *help)
{
    static const char *const units[] = {"seconds", "bytes", "ratio"};
    bool is_counter = strcmp(type, "counter") == 0;
    const char *suffix = is_counter && !w->is_openmetrics ? "_total" : "";
    text_print(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, suffix, help, name, suffix, type);
    for (size_t i = 0; w->is_openmetrics && i < sizeof units / sizeof *units; i++) {
        size_t len = strlen(name), unit_len = strlen(units[i]);
        if (len > unit_len && strcmp(name + len - unit_len, units[i]) == 0)
            text_print(w->out, "# UNIT %s %s\n", name, units[i]);
    }
}

/* Writes a label. Both formats want \, " and line ends in its value to be escaped. */
static void label(struct text *out, const char *key, const char *value)
{
    text_print(out, "%s=\"", key);
    for (; *value; value++) {
        if (*value == '\\' || *value == '"' || *value == '\n')
            text_put_n(out, "\\", 1);
        text_put_n(out, *value == '\n' ? "n" : value, 1);
    }
    text_put_n(out, "\"", 1);
}

/* Writes a bucket's bound. OpenMetrics 1.0 (Canonical Numbers) wants it as Go's %g prints it,
 * followed by .0 if that has neither a point nor an exponent. */
static void put_bound(const struct exposition *w, double bound)
{
    char number[32];
    snprintf(number, sizeof number, "%.6g", bound);
    text_put(w->out, number);
    if (w->is_openmetrics && !strpbrk(number, ".e"))
        text_put(w->out, ".0");
}

static void model_labels(const struct exposition *w, size_t model, bool has_version)
{
    w->watch->go_on(w->watch->user);
    label(w->out, "model", w->served[model].name);
    if (has_version) {
        text_put_n(w->out, ",", 1);
        label(w->out, "version", w->served[model].version);
    }
}

static uint64_t sum_over(const struct exposition *w, size_t offset)
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

static void write_histogram(const struct exposition *w, const char *name, const char *labels,
                            const struct bounds *bounds, struct histogram *histogram)
{
    uint64_t count = 0;
    for (size_t i = 0; i <= bounds->len; i++) {
        count += counter_get(&histogram->bucket[i]);
        text_print(w->out, "%s_bucket{%s,le=\"", name, labels);
        if (i == bounds->len)
            text_put(w->out, "+Inf");
        else
            put_bound(w, (double)bounds->at[i] * bounds->unit);
        text_print(w->out, "\"} %llu\n", (unsigned long long)count);
    }
    text_print(w->out, "%s_sum{%s} %.9g\n%s_count{%s} %llu\n", name, labels,
               (double)counter_get(&histogram->sum) * bounds->unit, name, labels,
               (unsigned long long)count);
}

static void write_requests(const struct exposition *w)
{
    family(w, "relud_requests", "counter", "Requests answered, by endpoint and status code.");
    for (size_t e = 0; e < ENDPOINTS; e++)
        for (size_t c = 0; c < METRICS_CODES_MAX; c++) {
            uint64_t count = sum_over(w, offsetof(struct metrics_shard, requests[e][c]));
            if (!count && !(c == 0 && e != ENDPOINT_OTHER))
                continue;
            char code[16] = "other";
            if (c < METRICS_CODES_MAX - 1 && metrics_codes[c])
                snprintf(code, sizeof code, "%u", metrics_codes[c]);
            text_print(w->out, "relud_requests_total{endpoint=\"%s\",code=\"%s\"} %llu\n",
                       endpoint_names[e], code, (unsigned long long)count);
        }
}

static void write_durations(const struct exposition *w)
{
    char labels[64];
    family(w, "relud_request_duration_seconds", "histogram",
           "From a request's headers to its answer queued, by endpoint.");
    for (size_t e = 0; e < ENDPOINTS; e++) {
        struct histogram sum = {0};
        for (size_t i = 0; i < w->metrics->shards; i++)
            add_histogram(&sum, &w->metrics->shard[i].duration[e]);
        snprintf(labels, sizeof labels, "endpoint=\"%s\"", endpoint_names[e]);
        write_histogram(w, "relud_request_duration_seconds", labels, &metrics_duration_bounds,
                        &sum);
    }
    family(w, "relud_stage_duration_seconds", "histogram",
           "What a prediction's time went into: reading, waiting for the turn, the net, writing.");
    for (size_t s = 0; s < STAGES; s++) {
        struct histogram sum = {0};
        for (size_t i = 0; i < w->metrics->shards; i++)
            add_histogram(&sum, &w->metrics->shard[i].stage[s]);
        snprintf(labels, sizeof labels, "stage=\"%s\"", stage_names[s]);
        write_histogram(w, "relud_stage_duration_seconds", labels, &metrics_stage_bounds, &sum);
    }
}

/* How many elements, from served[first] on, are versions of the same model. */
static size_t versions_of(const struct exposition *w, size_t first)
{
    size_t len = 1;
    while (first + len < w->served_len &&
           strcmp(w->served[first].name, w->served[first + len].name) == 0)
        len++;
    return len;
}

/* Writes one histogram for each model: the sum over its versions. */
static void write_batch_rows(const struct exposition *w)
{
    family(w, "relud_batch_rows", "histogram", "Rows in one forward pass.");
    for (size_t m = 0, len; m < w->served_len; m += len) {
        struct histogram sum = {0};
        struct text labels = {0};
        len = versions_of(w, m);
        for (size_t v = m; v < m + len; v++)
            for (size_t i = 0; w->served[v].series && i < w->metrics->shards; i++)
                add_histogram(&sum, &w->served[v].series->shard[i].batch_rows);
        label(&labels, "model", w->served[m].name);
        text_put_n(&labels, "", 1);
        if (text_is_whole(&labels))
            write_histogram(w, "relud_batch_rows", labels.at, &metrics_rows_bounds, &sum);
        text_free(&labels);
    }
}

static void write_nonfinite(const struct exposition *w)
{
    family(w, "relud_nonfinite", "counter",
           "Requests refused or marked because a number was not finite, going in or coming out.");
    for (size_t m = 0, len; m < w->served_len; m += len) {
        len = versions_of(w, m);
        for (size_t k = 0; k < NONFINITE_WHERES; k++) {
            uint64_t count = 0;
            for (size_t v = m; v < m + len; v++)
                if (w->served[v].series)
                    count += metrics_series_sum(w->served[v].series,
                                                offsetof(struct metrics_model, nonfinite[k]));
            text_put(w->out, "relud_nonfinite_total{");
            model_labels(w, m, false);
            text_print(w->out, ",where=\"%s\"} %llu\n", nonfinite_names[k],
                       (unsigned long long)count);
        }
    }
}

/* Writes a family with one number for each version of a model: the sum over the workers of the
 * counter at `offset`. */
static void write_sums(const struct exposition *w, const char *name, const char *type,
                       const char *help, const char *sample, size_t offset)
{
    family(w, name, type, help);
    for (size_t m = 0; m < w->served_len; m++) {
        if (!w->served[m].series)
            continue;
        text_print(w->out, "%s{", sample);
        model_labels(w, m, true);
        text_print(w->out, "} %llu\n",
                   (unsigned long long)metrics_series_sum(w->served[m].series, offset));
    }
}

/* The number of a layer that write_layers writes. */
enum unit_number { UNIT_ZEROS, UNIT_DEAD, UNIT_SATURATED };

static void write_layers(const struct exposition *w, const char *name, const char *help,
                         enum unit_number number)
{
    family(w, name, "gauge", help);
    for (size_t m = 0; m < w->served_len; m++)
        for (size_t i = 0; i < w->served[m].layers; i++) {
            const struct metrics_layer *layer = &w->served[m].layer[i];
            if ((number == UNIT_DEAD && !layer->is_relu_like) ||
                (number == UNIT_SATURATED && !layer->is_saturating))
                continue;
            text_print(w->out, "%s{", name);
            model_labels(w, m, true);
            text_print(w->out, ",layer=\"%zu\"} ", i);
            if (number == UNIT_ZEROS)
                text_print(w->out, "%.9g\n", layer->zero_ratio);
            else
                text_print(w->out, "%zu\n", number == UNIT_DEAD ? layer->dead : layer->saturated);
        }
}

static void write_units(const struct exposition *w)
{
    family(w, "relud_observed_rows", "counter",
           "Rows looked at for the next three, since the version was loaded.");
    for (size_t m = 0; m < w->served_len; m++) {
        if (!w->served[m].series)
            continue;
        text_put(w->out, "relud_observed_rows_total{");
        model_labels(w, m, true);
        text_print(w->out, "} %llu\n", (unsigned long long)w->served[m].observed_rows);
    }
    write_layers(w, "relud_activation_zero_ratio", "Share of the layer's answers that were 0.",
                 UNIT_ZEROS);
    write_layers(w, "relud_dead_units", "Units of a ReLU-like layer that were never but 0.",
                 UNIT_DEAD);
    write_layers(w, "relud_saturated_units",
                 "Units of a saturating layer that never left the outer hundredths of its range.",
                 UNIT_SATURATED);
}

/* Writes a number of the drift for each version that has it. */
static void write_seen(const struct exposition *w, const char *name, const char *help,
                       double (*number)(const struct drift_seen *seen))
{
    family(w, name, "gauge", help);
    for (size_t m = 0; m < w->served_len; m++) {
        double value = number(&w->served[m].drift);
        if (isnan(value))
            continue;
        text_print(w->out, "%s{", name);
        model_labels(w, m, true);
        text_print(w->out, "} %.9g\n", value);
    }
}

static double shifted_of(const struct drift_seen *seen)
{
    return seen->has_features ? (double)seen->shifted : (double)NAN;
}

static double psi_max_of(const struct drift_seen *seen)
{
    const unsigned long long enough = 500; /* of fewer rows it is mostly chance */
    return seen->has_features && seen->rows >= enough ? seen->psi_max : (double)NAN;
}

static double confidence_of(const struct drift_seen *seen)
{
    return seen->has_answers ? seen->answers.confidence : (double)NAN;
}

static double entropy_of(const struct drift_seen *seen)
{
    return seen->has_answers ? seen->answers.entropy : (double)NAN;
}

static void write_drift(const struct exposition *w)
{
    family(w, "relud_drift_rows", "counter",
           "Rows compared with those trained on, since the version was loaded.");
    for (size_t m = 0; m < w->served_len; m++)
        if (w->served[m].drift.has_features) {
            text_put(w->out, "relud_drift_rows_total{");
            model_labels(w, m, true);
            text_print(w->out, "} %llu\n", w->served[m].drift.rows);
        }
    write_seen(w, "relud_shifted_features",
               "Features whose mean is not that of the rows trained on.", shifted_of);
    write_seen(w, "relud_feature_psi_max",
               "Greatest population stability index of a feature, over the last rows.", psi_max_of);
    write_seen(w, "relud_answer_confidence", "Mean of the highest probability, over the last rows.",
               confidence_of);
    write_seen(w, "relud_answer_entropy",
               "Mean entropy of the probabilities in nats, over the last rows.", entropy_of);
    write_sums(w, "relud_unusual_rows", "counter",
               "Rows with a number outside of what was seen in training.",
               "relud_unusual_rows_total", offsetof(struct metrics_model, unusual_rows));
}

static void write_models(const struct exposition *w, bool is_ready)
{
    write_batch_rows(w);
    write_sums(w, "relud_rows", "counter", "Rows predicted.", "relud_rows_total",
               offsetof(struct metrics_model, rows));
    write_sums(w, "relud_waiting_rows", "gauge", "Rows that wait for their forward pass.",
               "relud_waiting_rows", offsetof(struct metrics_model, waiting_rows));
    write_nonfinite(w);
    family(w, "relud_model_info", "gauge", "What is served; always 1.");
    for (size_t m = 0; m < w->served_len; m++) {
        if (!w->served[m].series)
            continue;
        text_put(w->out, "relud_model_info{");
        model_labels(w, m, true);
        text_put(w->out, ",");
        label(w->out, "format", w->served[m].format);
        text_put(w->out, ",");
        label(w->out, "math", w->served[m].math);
        text_put(w->out, "} 1\n");
    }
    family(w, "relud_model_ready", "gauge", "1 while the version answers.");
    for (size_t m = 0; m < w->served_len; m++) {
        text_put(w->out, "relud_model_ready{");
        model_labels(w, m, true);
        text_print(w->out, "} %d\n", is_ready && w->served[m].series ? 1 : 0);
    }
    family(w, "relud_model_loads", "counter", "Versions loaded, and attempts that failed.");
    for (size_t m = 0; m < w->loads_len; m++)
        for (int failed = 0; failed < 2; failed++) {
            text_put(w->out, "relud_model_loads_total{");
            label(w->out, "model", w->loads[m].name);
            text_print(w->out, ",result=\"%s\"} %llu\n", failed ? "failure" : "success",
                       (unsigned long long)(failed ? w->loads[m].failed_loads : w->loads[m].loads));
        }
}

/* Counts the open descriptors. Returns false if /proc does not show them. */
static bool count_fds(size_t *count)
{
    DIR *dir = opendir("/proc/self/fd");
    if (!dir)
        return false;
    *count = 0;
    while (readdir(dir))
        ++*count;
    closedir(dir);
    *count -= *count > 3 ? 3 : *count; /* ".", ".." and the directory itself */
    return true;
}

static void write_number(const struct exposition *w, const char *name, const char *help,
                         double number)
{
    family(w, name, "gauge", help);
    text_print(w->out, "%s %.0f\n", name, number);
}

static void write_memory(const struct exposition *w)
{
    unsigned long virtual_pages = 0, resident_pages = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    bool is_read = statm && fscanf(statm, "%lu %lu", &virtual_pages, &resident_pages) == 2;
    double page = (double)sysconf(_SC_PAGESIZE);
    if (statm)
        fclose(statm);
    if (!is_read)
        return;
    write_number(w, "process_resident_memory_bytes", "Resident memory.",
                 (double)resident_pages * page);
    write_number(w, "process_virtual_memory_bytes", "Virtual memory.",
                 (double)virtual_pages * page);
}

/* Writes the process metrics that Prometheus's own client libraries have, with the same names and
 * meanings. A number that the system does not give is left out. */
static void write_process(const struct exposition *w)
{
    struct rusage usage;
    struct rlimit files;
    size_t fds;
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
    family(w, "process_cpu_seconds", "counter", "User and system time spent.");
    text_print(w->out, "process_cpu_seconds_total %.6f\n", cpu);
    write_memory(w);
    write_number(w, "process_start_time_seconds", "Start, in seconds since the epoch.",
                 (double)w->metrics->start_unix_s);
    if (count_fds(&fds))
        write_number(w, "process_open_fds", "Open file descriptors.", (double)fds);
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        write_number(w, "process_max_fds", "The limit of open file descriptors.",
                     (double)files.rlim_cur);
}

static void gauge_difference(const struct exposition *w, const char *name, const char *help,
                             size_t more, size_t less)
{
    uint64_t ended = sum_over(w, less); /* Read first, so that the difference is never negative. */
    uint64_t begun = sum_over(w, more);
    family(w, name, "gauge", help);
    text_print(w->out, "%s %llu\n", name, (unsigned long long)(begun > ended ? begun - ended : 0));
}

void metrics_write(struct metrics *metrics, const struct metrics_served *served, size_t served_len,
                   const struct metrics_loads *loads, size_t loads_len, struct text *out,
                   bool is_openmetrics, bool is_ready, const struct relud_watch *watch)
{
    struct exposition w = {metrics,   served, served_len,     loads,
                           loads_len, out,    is_openmetrics, watch};
    write_requests(&w);
    write_durations(&w);
    write_models(&w, is_ready);
    write_units(&w);
    write_drift(&w);
    gauge_difference(&w, "relud_inflight_requests", "Requests begun and not yet answered.",
                     offsetof(struct metrics_shard, requests_begun),
                     offsetof(struct metrics_shard, requests_ended));
    gauge_difference(
        &w, "relud_inflight_bytes",
        "Bytes of the bodies of open requests, or of their rows once read if those are more.",
        offsetof(struct metrics_shard, bytes_begun), offsetof(struct metrics_shard, bytes_ended));
    family(&w, "relud_connections", "gauge", "Open connections.");
    text_print(out, "relud_connections %llu\n",
               (unsigned long long)sum_over(&w, offsetof(struct metrics_shard, connections)));
    family(&w, "relud_worker_connections", "gauge", "Open connections of each worker.");
    for (size_t i = 0; i < metrics->shards; i++)
        text_print(out, "relud_worker_connections{worker=\"%zu\"} %llu\n", i,
                   (unsigned long long)counter_get(&metrics->shard[i].connections));
    family(
        &w, "relud_rejected", "counter",
        "Requests refused for want of capacity (429), time (504), a client (499) or a key (401).");
    for (size_t i = 0; i < REJECTED_REASONS; i++)
        text_print(out, "relud_rejected_total{reason=\"%s\"} %llu\n", rejected_names[i],
                   (unsigned long long)sum_over(&w, offsetof(struct metrics_shard, rejected[i])));
    family(&w, "relud_turns", "counter", "Turns of the event loops that computed something.");
    text_print(out, "relud_turns_total %llu\n",
               (unsigned long long)sum_over(&w, offsetof(struct metrics_shard, turns)));
    family(&w, "relud_worker_help_seconds", "counter",
           "Time that a worker has spent on the passes of others, while it had none of its own.");
    for (size_t i = 0; i < metrics->shards; i++)
        text_print(out, "relud_worker_help_seconds_total{worker=\"%zu\"} %.6f\n", i,
                   (double)counter_get(&metrics->shard[i].helped_ns) * 1e-9);
    family(&w, "relud_log_dropped", "counter",
           "Lines of the log and the access log that were not taken at once.");
    text_print(out, "relud_log_dropped_total %llu\n", (unsigned long long)log_dropped());
    family(&w, "relud_inexact_kernels", "counter",
           "Instruction sets whose kernels failed their self-test at the start; none is used.");
    text_print(out, "relud_inexact_kernels_total %zu\n", relud_inexact_kernels());
    family(&w, "relud_build_info", "gauge", "The version that runs; always 1.");
    text_print(out, "relud_build_info{version=\"%s\",isa=\"%s\"} 1\n", relud_version(),
               relud_isa_name(relud_isa_best()));
    write_process(&w);
    if (is_openmetrics)
        text_put(out, "# EOF\n");
}
