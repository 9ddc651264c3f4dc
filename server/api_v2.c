#include "server/api_v2.h"

#include "server/prediction.h"
#include <stdio.h>
#include <string.h>

static bool answer(struct exchange *exchange)
{
    text_put(&exchange->out, "\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}

bool v2_server_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&exchange->out,
             "{\"name\":\"relud\",\"version\":\"" RELUD_VERSION "\",\"extensions\":["
             "\"classification\",\"model_repository\",\"schedule_policy\",\"model_configuration\","
             "\"binary_tensor_data\",\"parameters\",\"statistics\",\"logging\"]}");
    return answer(exchange);
}

/* ---- health: the code is for tritonclient, the body for KServe's client ---- */

bool v2_live_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&exchange->out, "{\"live\":true}");
    return answer(exchange);
}

bool v2_ready_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    if (exchange->service->state->is_draining) {
        text_put(&exchange->out, "{\"live\":true,\"ready\":false,\"error\":\"draining\"}\n");
        exchange->retry_after_s = 1;
        exchange_answer(exchange, 503, MEDIA_JSON_TYPE);
        return true;
    }
    text_put(&exchange->out, "{\"live\":true,\"ready\":true}");
    return answer(exchange);
}

bool v2_model_ready_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct entry *entry = prediction_entry(exchange);
    exchange->entry = NULL; /* no prediction is counted */
    if (!entry && exchange->code != 503)
        return true;
    char reason[512] = "";
    if (!entry) /* `{"error":"…"}` becomes a member of what KServe's client reads */
        snprintf(reason, sizeof reason, "%.*s", (int)(exchange->out.len - 3), exchange->out.at + 1);
    exchange->out.len = 0;
    text_put(&exchange->out, "{\"name\":");
    text_json(&exchange->out, exchange->model);
    text_put(&exchange->out, entry ? ",\"ready\":true}" : ",\"ready\":false,");
    if (entry)
        return answer(exchange);
    text_print(&exchange->out, "%s}\n", reason);
    exchange_answer(exchange, 503, MEDIA_JSON_TYPE);
    return true;
}

/* ---- what a model is ---- */

/* `["1","3"]`: the versions that answer. */
static void write_versions(struct text *out, const struct catalog *catalog,
                           const struct catalog_model *model)
{
    const char *comma = "[";
    for (size_t i = model->first; i < model->first + model->len; i++) {
        if (!catalog->item[i].entry)
            continue;
        text_put(out, comma);
        text_json(out, catalog->item[i].version);
        comma = ",";
    }
    text_put(out, "]");
}

bool v2_model_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = exchange->service->turn.catalog;
    const struct entry *entry = prediction_entry(exchange);
    exchange->entry = NULL;
    if (!entry)
        return true;
    struct text *out = &exchange->out;
    text_put(out, "{\"name\":");
    text_json(out, entry->name);
    text_put(out, ",\"versions\":");
    write_versions(out, catalog, catalog_model(catalog, entry->name));
    text_put(out, ",\"platform\":\"relud_mlp\",\"inputs\":[{\"name\":");
    text_json(out, entry->info->input_name);
    text_put(out, ",\"datatype\":\"FP32\",\"shape\":[-1");
    entry_write_dims(out, &entry->info->input);
    text_put(out, "]}],\"outputs\":[");
    for (size_t i = 0; i < entry->outputs; i++) {
        text_put(out, i ? "," : "");
        text_put(out, entry->tensor_head[i]);
        text_put(out, "-1");
        entry_write_output_dims(out, entry, i);
        text_put(out, "]}");
    }
    text_put(out, "]}");
    return answer(exchange);
}

static void write_policy(struct text *out, const char *policy)
{
    if (strcmp(policy, "all") == 0)
        text_put(out, "{\"all\":{}}");
    else if (strncmp(policy, "latest:", 7) == 0)
        text_print(out, "{\"latest\":{\"num_versions\":%s}}", policy + 7);
    else
        text_print(out, "{\"specific\":{\"versions\":[%s]}}", policy);
}

bool v2_config_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct config *config = exchange->service->config;
    const struct entry *entry = prediction_entry(exchange);
    exchange->entry = NULL;
    if (!entry)
        return true;
    struct text *out = &exchange->out;
    text_put(out, "{\"name\":");
    text_json(out, entry->name);
    text_print(out,
               ",\"platform\":\"relud_mlp\",\"backend\":\"relud\",\"max_batch_size\":%zu,"
               "\"version_policy\":",
               config->request_rows_max);
    write_policy(out, catalog_model(exchange->service->turn.catalog, entry->name)->policy);
    text_put(out, ",\"input\":[{\"name\":");
    text_json(out, entry->info->input_name);
    text_print(out, ",\"data_type\":\"TYPE_FP32\",\"dims\":[%zu]}],\"output\":[",
               entry->info->features);
    for (size_t i = 0; i < entry->outputs; i++) {
        text_put(out, i ? ",{\"name\":" : "{\"name\":");
        text_json(out, entry_output_name(entry, i));
        text_print(out, ",\"data_type\":\"TYPE_FP32\",\"dims\":[%zu],\"label_filename\":\"\"}",
                   entry_output_width(entry, i));
    }
    text_print(out,
               "],\"dynamic_batching\":{\"max_queue_delay_microseconds\":%zu},"
               "\"model_transaction_policy\":{\"decoupled\":false},"
               "\"response_cache\":{\"enable\":false}}",
               config->batch_delay_us);
    return answer(exchange);
}

/* ---- statistics ---- */

static void write_duration(struct text *out, const char *name, uint64_t count, uint64_t ns)
{
    text_print(out, "\"%s\":{\"count\":%llu,\"ns\":%llu}", name, (unsigned long long)count,
               (unsigned long long)ns);
}

static void write_batches(struct text *out, const struct metrics_series *series)
{
    const char *comma = "";
    for (size_t rows = 1; rows <= series->batch_rows_max; rows++) {
        uint64_t passes = 0, forward_ns = 0, jobs = 0, decode_ns = 0, encode_ns = 0;
        for (size_t i = 0; i < series->shards; i++) {
            struct metrics_batch *batch = &series->shard[i].batch[rows];
            passes += counter_get(&batch->passes);
            forward_ns += counter_get(&batch->forward_ns);
            jobs += counter_get(&batch->jobs);
            decode_ns += counter_get(&batch->decode_ns);
            encode_ns += counter_get(&batch->encode_ns);
        }
        if (passes == 0)
            continue;
        text_print(out, "%s{\"batch_size\":%zu,", comma, rows);
        write_duration(out, "compute_input", jobs, decode_ns);
        text_put(out, ",");
        write_duration(out, "compute_infer", passes, forward_ns);
        text_put(out, ",");
        write_duration(out, "compute_output", jobs, encode_ns);
        text_put(out, "}");
        comma = ",";
    }
}

#define SUM(field) metrics_series_sum(series, offsetof(struct metrics_model, field))

static void write_stats(struct text *out, const struct entry *entry)
{
    const struct metrics_series *series = entry->series;
    uint64_t successes = SUM(successes), last_ms = 0;
    for (size_t i = 0; i < series->shards; i++) {
        uint64_t ms = counter_get(&series->shard[i].last_ms);
        last_ms = ms > last_ms ? ms : last_ms;
    }
    text_put(out, "{\"name\":");
    text_json(out, entry->name);
    text_put(out, ",\"version\":");
    text_json(out, entry->version);
    text_print(out,
               ",\"last_inference\":%llu,\"inference_count\":%llu,\"execution_count\":%llu,"
               "\"inference_stats\":{",
               (unsigned long long)last_ms, (unsigned long long)SUM(rows),
               (unsigned long long)SUM(passes));
    write_duration(out, "success", successes, SUM(success_ns));
    text_put(out, ",");
    write_duration(out, "fail", SUM(failures), SUM(failure_ns));
    text_put(out, ",");
    write_duration(out, "queue", successes, SUM(queue_ns));
    text_put(out, ",");
    write_duration(out, "compute_input", successes, SUM(decode_ns));
    text_put(out, ",");
    write_duration(out, "compute_infer", successes, SUM(forward_ns));
    text_put(out, ",");
    write_duration(out, "compute_output", successes, SUM(encode_ns));
    text_put(out, ",");
    write_duration(out, "cache_hit", 0, 0);
    text_put(out, ",");
    write_duration(out, "cache_miss", 0, 0);
    text_put(out, "},\"response_stats\":{},\"batch_stats\":[");
    write_batches(out, series);
    text_print(out, "],\"memory_usage\":[{\"type\":\"CPU\",\"id\":0,\"byte_size\":%zu}]}",
               entry->info->bytes);
}

bool v2_stats_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = exchange->service->turn.catalog;
    struct text *out = &exchange->out;
    const char *comma = "{\"model_stats\":[";
    if (exchange->model[0] && !prediction_entry(exchange))
        return true;
    exchange->entry = NULL;
    for (size_t i = 0; i < catalog->items; i++) {
        const struct catalog_item *item = &catalog->item[i];
        if (!item->entry || (exchange->model[0] && strcmp(item->name, exchange->model) != 0) ||
            (exchange->version[0] && strcmp(item->version, exchange->version) != 0))
            continue;
        text_put(out, comma);
        write_stats(out, item->entry);
        comma = ",";
    }
    text_put(out, *comma == '{' ? "{\"model_stats\":[]}" : "]}");
    return answer(exchange);
}
