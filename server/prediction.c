#include "server/prediction.h"

#include "server/native.h"

const struct entry *prediction_entry(struct exchange *exchange)
{
    const struct catalog *catalog = exchange->service->turn.catalog;
    const struct catalog_model *model = catalog_model(catalog, exchange->model);
    const char *version = exchange->version[0] ? exchange->version : NULL;
    if (!model) {
        exchange_fail(exchange, 404, "there is no model '%s'", exchange->model);
        return NULL;
    }
    if (exchange->label[0] && !(version = catalog_label(model, exchange->label))) {
        exchange_fail(exchange, 404, "model '%s' has no label '%s'", model->name, exchange->label);
        return NULL;
    }
    const struct catalog_item *item = version ? catalog_item(catalog, model, version) : NULL;
    const struct entry *entry = version ? item ? item->entry : NULL : model->best;
    if (entry)
        return exchange->entry = entry;
    if (version && !item)
        exchange_fail(exchange, 404, "there is no model '%s' of version %s", model->name, version);
    else
        exchange_fail(exchange, 503, "model '%s'%s%s is not ready%s%s", model->name,
                      version ? " of version " : "", version ? version : "",
                      item && item->reason[0] ? ": " : "", item ? item->reason : "");
    return NULL;
}

/* Each worker has an equal share of the bound. */
static bool fits(const struct service *service, uint64_t waiting, size_t rows, size_t most)
{
    size_t share = most / service->metrics->shards;
    return waiting == 0 || waiting + rows <= (share ? share : 1);
}

bool prediction_has_room(struct exchange *exchange, const struct entry *entry, size_t rows)
{
    struct service *service = exchange->service;
    const struct config *config = service->config;
    enum rejected reason = REJECTED_REASONS;
    if (!fits(service, service->turn.rows_waiting, rows, config->inflight_rows_max))
        reason = REJECTED_INFLIGHT_ROWS;
    else if (entry && config->model_rows_max &&
             !fits(service, counter_get(&entry->series->shard[service->turn.worker].waiting_rows),
                   rows, config->model_rows_max))
        reason = REJECTED_MODEL_ROWS;
    else
        return true;
    counter_add(&service->shard->rejected[reason], 1);
    exchange_fail(exchange, 429, "too many rows%s%s wait for their forward pass; try again soon",
                  reason == REJECTED_MODEL_ROWS ? " of model " : "",
                  reason == REJECTED_MODEL_ROWS ? entry->name : "");
    exchange->retry_after_s = 1;
    return false;
}

bool prediction_is_allowed(struct exchange *exchange, const struct entry *entry, size_t rows)
{
    size_t rows_max = exchange->service->config->request_rows_max;
    size_t floats = turn_answer_floats(entry, rows, exchange->is_layered);
    if (rows > rows_max)
        exchange_fail(exchange, 413, "inputs has %zu rows; at most %zu are taken at once", rows,
                      rows_max);
    else if (floats > TURN_ANSWER_FLOATS_MAX)
        exchange_fail(exchange, 413,
                      "the answer would hold %zu numbers; at most %zu are given at once", floats,
                      TURN_ANSWER_FLOATS_MAX);
    else
        return prediction_has_room(exchange, entry, rows);
    return false;
}

bool prediction_submit(struct exchange *exchange, const struct entry *entry, size_t rows,
                       int64_t begin_ns)
{
    exchange->job.deadline_ns = exchange->deadline_ns;
    if (turn_submit(&exchange->service->turn, &exchange->job, entry, rows, exchange->is_layered) !=
        TURN_TAKEN)
        return false;
    exchange->step = EXCHANGE_WAITING;
    exchange->decode_ns = exchange->pieces_ns + exchange->job.submit_ns - begin_ns;
    metrics_stage(exchange->service->shard, STAGE_DECODE, exchange->decode_ns);
    return true;
}

void prediction_count_nonfinite(struct exchange *exchange, const struct entry *entry,
                                enum nonfinite_where where)
{
    if (entry)
        counter_add(&entry->series->shard[exchange->service->turn.worker].nonfinite[where], 1);
}

bool prediction_check_output(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    size_t outputs = job->entry->info->outputs;
    size_t bad = native_find_nonfinite(job->y, job->rows * outputs);
    if (bad == job->rows * outputs)
        return true;
    prediction_count_nonfinite(exchange, job->entry, NONFINITE_OUTPUT);
    if ((enum nonfinite)exchange->service->config->nonfinite != NONFINITE_ERROR)
        return true;
    exchange_fail(exchange, 400,
                  "outputs[%zu][%zu] is not finite: inputs[%zu] is out of the range of float32 for "
                  "this net",
                  bad / outputs, bad % outputs, bad / outputs);
    return false;
}
