#include "server/batch/prediction.h"

#include "server/batch/body_reader.h"
#include "server/batch/nonfinite.h"
#include <stdio.h>
#include <string.h>

/* Sets target->model. If there is none of that name, sets code and error and returns false. */
static bool find_model(const struct catalog *catalog, const char *name, const char *origin,
                       struct prediction_target *target)
{
    target->model = catalog_model(catalog, name);
    target->served = NULL;
    target->code = 404;
    return target->model ||
           relud_fail(&target->error, RELUD_BAD_INPUT, "there is no model '%s'%s", name, origin);
}

/* Finds the given version of target->model, or the best one if version is NULL. */
static void find_version(const struct catalog *catalog, const char *version,
                         struct prediction_target *target)
{
    const struct catalog_model *model = target->model;
    const struct catalog_item *item = version ? catalog_item(catalog, model, version) : NULL;
    target->version = version;
    target->served = version ? item ? item->served : NULL : model->best;
    target->code = target->served ? 200 : version && !item ? 404 : 503;
    const char *reason = item         ? item->reason
                         : model->len ? catalog->item[model->first + model->len - 1].reason
                                      : model->reason;
    if (target->code == 404)
        relud_fail(&target->error, RELUD_BAD_INPUT, "there is no model '%s' of version %s",
                   model->name, version);
    else if (target->code == 503)
        relud_fail(&target->error, RELUD_BAD_INPUT, "model '%s'%s%s is not ready%s%s", model->name,
                   version ? " of version " : "", version ? version : "", *reason ? ": " : "",
                   reason);
}

void prediction_find(const struct request *request, struct prediction_target *target)
{
    const struct catalog *catalog = request->service->turn.catalog;
    const char *version = request->version[0] ? request->version : NULL;
    if (!find_model(catalog, request->model, "", target))
        return;
    if (request->label[0] && !(version = catalog_label(target->model, request->label)))
        relud_fail(&target->error, RELUD_BAD_INPUT, "model '%s' has no label '%s'",
                   target->model->name, request->label);
    else
        find_version(catalog, version, target);
}

static const struct served_model *served_or_fail(struct request *request,
                                                 const struct prediction_target *target)
{
    if (!target->served)
        request_fail(request, target->code, "%s", target->error.text);
    return target->served;
}

const struct served_model *prediction_look(struct request *request)
{
    struct prediction_target target;
    prediction_find(request, &target);
    return served_or_fail(request, &target);
}

const struct served_model *prediction_model(struct request *request)
{
    return request->served = prediction_look(request);
}

/* Answers 400: several models are ready, and the request names none. */
static void fail_open(struct request *request, const struct catalog *catalog)
{
    char names[400] = "";
    size_t len = 0;
    for (size_t i = 0; i < catalog->models && len < sizeof names; i++)
        if (catalog->model[i].best)
            len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", len ? ", " : "",
                                    catalog->model[i].name);
    if (len >= sizeof names)
        memcpy(names + sizeof names - sizeof "…", "…", sizeof "…");
    request_fail(request, 400, "\"model\" is missing, and several are served: %s", names);
}

const struct served_model *prediction_choose(struct request *request, const char *model,
                                             const char *version)
{
    const struct catalog *catalog = request->service->turn.catalog;
    if (!model && !version && catalog->unnamed)
        return request->served = catalog->unnamed;
    const char *name = model ? model : catalog->default_model;
    if (!name && catalog->unnamed)
        name = catalog->unnamed->name;
    if (name) {
        struct prediction_target target;
        if (find_model(catalog, name, model ? "" : ", which --default-model names", &target))
            find_version(catalog, version, &target);
        return request->served = served_or_fail(request, &target);
    }
    if (catalog->ready)
        fail_open(request, catalog);
    else
        request_fail(request, catalog->models ? 503 : 404, "no model is %s",
                     catalog->models ? "ready" : "served here");
    return NULL;
}

/* True if shape[rank] may be one row of the model. Dimensions of 1 are ignored. If both the row and
 * the model's input are nested, their dimensions must agree: an image with its channels last is not
 * one with its channels first. */
static bool is_nested_alike(const struct relud_tensor_info *input, const size_t *shape, size_t rank)
{
    size_t own[RELUD_RANK_MAX], own_rank = 0, at = 0, given = 0;
    for (size_t d = 0; d < input->rank; d++)
        if (input->shape[d] != 1)
            own[own_rank++] = input->shape[d];
    for (size_t d = 0; d < rank; d++)
        given += shape[d] != 1;
    if (own_rank < 2 || given < 2)
        return true;
    for (size_t d = 0; d < rank; d++)
        if (shape[d] != 1 && (at == own_rank || own[at++] != shape[d]))
            return false;
    return at == own_rank;
}

static size_t product(const size_t *shape, size_t rank)
{
    size_t count = 1;
    for (size_t d = 0; d < rank; d++)
        count *= shape[d];
    return count;
}

static bool is_input_shape(const struct relud_tensor_info *input, const size_t *shape, size_t rank)
{
    return rank == input->rank && memcmp(shape, input->shape, rank * sizeof *shape) == 0;
}

const char *prediction_shape(const char *first, const size_t *shape, size_t rank,
                             struct shape_text *text)
{
    size_t size = sizeof text->at, len = (size_t)snprintf(text->at, size, "[%s", first);
    for (size_t d = 0; d < rank && len < size; d++)
        len += (size_t)snprintf(text->at + len, size - len, len > 1 ? ",%zu" : "%zu", shape[d]);
    if (len < size)
        snprintf(text->at + len, size - len, "]");
    return text->at;
}

static void fail_rows(struct request *request, const struct served_model *served, const char *name,
                      const size_t *shape, size_t rank, bool may_be_bare)
{
    const struct relud_tensor_info *input = &served->row;
    size_t features = served->info->features, count = rank > 1 ? product(shape + 1, rank - 1) : 1;
    struct shape_text found = {""}, wanted;
    if (rank > 1)
        prediction_shape("", shape + 1, rank - 1, &found);
    if (rank == 0)
        request_fail(request, 400, "%s is a number; model '%s' wants rows of %zu numbers", name,
                     served->name, features);
    else if (rank == 1 && may_be_bare)
        request_fail(request, 400, "%s has %zu numbers; model '%s' wants %zu", name, shape[0],
                     served->name, features);
    else if (rank == 1)
        request_fail(request, 400, "%s[0] is a number; model '%s' wants rows of %zu numbers", name,
                     served->name, features);
    else if (count == features)
        request_fail(request, 400, "%s[0] has shape %s; model '%s' wants %s, or %zu in a row", name,
                     found.at, served->name,
                     prediction_shape("", input->shape, input->rank, &wanted), features);
    else if (rank > 2)
        request_fail(request, 400, "%s[0] has %zu numbers in shape %s; model '%s' wants %zu", name,
                     count, found.at, served->name, features);
    else
        request_fail(request, 400, "%s[0] has %zu numbers; model '%s' wants %zu", name, count,
                     served->name, features);
}

size_t prediction_count_rows(const struct relud_tensor_info *tensor, const size_t *shape,
                             size_t rank, bool may_be_bare)
{
    if (rank == 1 && tensor->width == 1)
        return shape[0];
    if (rank > 1 && product(shape + 1, rank - 1) == tensor->width &&
        is_nested_alike(tensor, shape + 1, rank - 1))
        return shape[0];
    bool is_one =
        rank == 1 ? shape[0] == tensor->width : rank > 1 && is_input_shape(tensor, shape, rank);
    return may_be_bare && is_one;
}

bool prediction_find_rows(struct request *request, const struct served_model *served,
                          const char *name, const size_t *shape, size_t rank, bool may_be_bare,
                          size_t *rows)
{
    *rows = prediction_count_rows(&served->row, shape, rank, may_be_bare);
    if (*rows == 0)
        fail_rows(request, served, name, shape, rank, may_be_bare);
    return *rows > 0;
}

/* Each worker has an equal share of the limit `most`. */
static bool fits(const struct service *service, uint64_t waiting, size_t rows, size_t most)
{
    size_t share = most / service->metrics->shards;
    return waiting == 0 || waiting + rows <= (share ? share : 1);
}

bool prediction_has_room(struct request *request, const struct served_model *served, size_t rows)
{
    struct service *service = request->service;
    const struct config *config = service->config;
    enum rejected reason = REJECTED_REASONS;
    if (!fits(service, service->turn.rows_waiting, rows, config->inflight_rows_max))
        reason = REJECTED_INFLIGHT_ROWS;
    else if (served && config->model_rows_max &&
             !fits(service, counter_get(&served->series->shard[service->turn.worker].waiting_rows),
                   rows, config->model_rows_max))
        reason = REJECTED_MODEL_ROWS;
    else
        return true;
    counter_add(&service->shard->rejected[reason], 1);
    request_fail(request, 429, "too many rows%s%s wait for their forward pass; try again soon",
                 reason == REJECTED_MODEL_ROWS ? " of model " : "",
                 reason == REJECTED_MODEL_ROWS ? served->name : "");
    request->retry_after_s = 1;
    return false;
}

size_t prediction_class_bytes(const struct served_model *served)
{
    return served->class_head_len_max + PREDICTION_NUMBER_BYTES + 8;
}

bool prediction_is_allowed(struct request *request, const struct served_model *served, size_t rows,
                           size_t row_bytes)
{
    size_t rows_max = request->service->config->request_rows_max;
    size_t floats = turn_answer_floats(served, rows, request->is_layered);
    if (rows > rows_max)
        request_fail(request, 413, "inputs has %zu rows; at most %zu are taken at once", rows,
                     rows_max);
    else if (floats > TURN_ANSWER_FLOATS_MAX)
        request_fail(request, 413,
                     "the answer would hold %zu numbers; at most %zu are given at once", floats,
                     TURN_ANSWER_FLOATS_MAX);
    else if (rows && row_bytes > TURN_ANSWER_BYTES_MAX / rows)
        request_fail(request, 413,
                     "the answer may have %zu bytes for each of %zu rows; at most %zu are given "
                     "at once",
                     row_bytes, rows, TURN_ANSWER_BYTES_MAX);
    else {
        request->answer_bytes = rows * row_bytes;
        return prediction_has_room(request, served, rows);
    }
    return false;
}

enum read_verdict prediction_submit(struct request *request, const struct served_model *served,
                                    size_t rows, int64_t begin_ns)
{
    if (request_refuse_late(request, begin_ns)) /* it became late during a pause */
        return READ_ANSWERED;
    request->job.deadline_ns = request->deadline_ns;
    if (turn_submit(&request->service->turn, &request->job, served, rows, request->is_layered) !=
        TURN_TAKEN) /* only "not now" is possible: the size was checked before */
        return READ_AGAIN;
    request->decode_ns = long_work_spent_ns(request, begin_ns);
    metrics_stage(request->service->shard, STAGE_DECODE, request->decode_ns);
    return READ_SUBMITTED;
}

void prediction_count_nonfinite(struct request *request, const struct served_model *served,
                                enum nonfinite_where where)
{
    if (served)
        counter_add(&served->series->shard[request->service->turn.worker].nonfinite[where], 1);
}

/* Counts the rows with a number outside of what was seen in training. */
static void find_unusual(struct request *request)
{
    const struct turn_job *job = &request->job;
    size_t features = job->served->info->features, piece = 1 + 128 * 1024 / features;
    bool is_known = job->served->info->training; /* what was seen */
    for (size_t row = 0; is_known && row < job->rows; row++) {
        size_t first;
        request->unusual_rows +=
            relud_drift_unusual(job->served->model, job->x + row * features, &first, 1) > 0;
        if (row % piece == piece - 1 && !long_work_go_on(request))
            return;
    }
    counter_add(&job->served->series->shard[request->service->turn.worker].unusual_rows,
                request->unusual_rows);
}

bool prediction_check_output(struct request *request)
{
    const struct turn_job *job = &request->job;
    find_unusual(request);
    size_t outputs = job->served->info->outputs;
    size_t bad = nonfinite_find_watched(request, job->y, job->rows * outputs);
    if (bad == job->rows * outputs)
        return true;
    prediction_count_nonfinite(request, job->served, NONFINITE_OUTPUT);
    if ((enum nonfinite)request->service->config->nonfinite != NONFINITE_ERROR)
        return true;
    request_fail(request, 400,
                 "outputs[%zu][%zu] is not finite: inputs[%zu] is out of the range of float32 for "
                 "this net",
                 bad / outputs, bad % outputs, bad / outputs);
    return false;
}
