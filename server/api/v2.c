#include "server/api/v2.h"

#include "server/api/admin.h"

#include "server/batch/prediction.h"
#include <string.h>

enum read_verdict v2_server_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    text_put(&request->out,
             "{\"name\":\"relud\",\"version\":\"" RELUD_VERSION "\",\"extensions\":["
             "\"classification\",\"model_repository\",\"schedule_policy\",\"model_configuration\","
             "\"binary_tensor_data\",\"parameters\",\"statistics\",\"logging\"]}");
    return request_answer_json(request, "\n");
}

/* ---- health: tritonclient reads the status code, KServe's client the body ---- */

enum read_verdict v2_live_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    return request_answer_json(request, "{\"live\":true}\n");
}

enum read_verdict v2_ready_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const char *why_not = ready_why_not(request);
    if (why_not) {
        text_put(&request->out, "{\"live\":true,\"ready\":false,\"error\":");
        text_json(&request->out, why_not);
        text_put(&request->out, "}\n");
        request_answer(request, 503, MEDIA_JSON_TYPE);
        return READ_ANSWERED;
    }
    return request_answer_json(request, "{\"live\":true,\"ready\":true}\n");
}

enum read_verdict v2_model_ready_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    struct prediction_target target;
    prediction_find(request, &target);
    if (target.code == 404) {
        request_fail(request, 404, "%s", target.error.text);
        return READ_ANSWERED;
    }
    text_put(&request->out, "{\"name\":");
    text_json(&request->out, request->model);
    if (target.served)
        return request_answer_json(request, ",\"ready\":true}\n");
    text_put(&request->out, ",\"ready\":false,\"error\":");
    text_json(&request->out, target.error.text);
    text_put(&request->out, "}\n");
    request_answer(request, 503, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
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

static void write_stats(struct text *out, const struct served_model *served)
{
    const struct metrics_series *series = served->series;
    uint64_t successes = SUM(successes), last_ms = 0;
    for (size_t i = 0; i < series->shards; i++) {
        uint64_t ms = counter_get(&series->shard[i].last_ms);
        last_ms = ms > last_ms ? ms : last_ms;
    }
    text_put(out, "{\"name\":");
    text_json(out, served->name);
    text_put(out, ",\"version\":");
    text_json(out, served->version);
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
               served->info->bytes);
}

enum read_verdict v2_stats_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = request->service->turn.catalog;
    struct text *out = &request->out;
    const char *comma = "{\"model_stats\":[";
    if (request->model[0] && !prediction_look(request))
        return READ_ANSWERED;
    for (size_t i = 0; i < catalog->items; i++) {
        const struct catalog_item *item = &catalog->item[i];
        if (!item->served || (request->model[0] && strcmp(item->name, request->model) != 0) ||
            (request->version[0] && strcmp(item->version, request->version) != 0))
            continue;
        text_put(out, comma);
        write_stats(out, item->served);
        comma = ",";
    }
    text_put(out, *comma == '{' ? "{\"model_stats\":[]}" : "]}");
    return request_answer_json(request, "\n");
}
