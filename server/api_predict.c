/* POST /predict: rows in, the net's answer out. */
#include "server/api_native.h"

#include "server/clock.h"
#include "server/json_in.h"
#include "server/native.h"
#include "server/prediction.h"
#include <stdlib.h>
#include <string.h>

#define KNOWN "inputs, model, version, top_k, activations"

struct wanted {
    const char *model, *version;
    size_t top_k;
    bool is_layered;
};

static bool read_members(struct json_in *document, struct wanted *wanted, struct relud_error *error)
{
    double ignored = 0; /* the array's place, held by a 0 */
    return json_in_number(document, "inputs", &ignored, error) &&
           json_in_text(document, "model", &wanted->model, error) &&
           json_in_text(document, "version", &wanted->version, error) &&
           json_in_count(document, "top_k", 1, 1u << 20, &wanted->top_k, error) &&
           json_in_bool(document, "activations", &wanted->is_layered, error) &&
           json_in_end(document, KNOWN, error);
}

/* No members besides the array, as most requests have it. */
static bool is_bare(const char *rest)
{
    return strcmp(rest, "{\"inputs\":0}") == 0 || strcmp(rest, "{\"inputs\": 0}") == 0;
}

/* Finds the model that the request is for; answers when there is none. */
static const struct entry *choose(struct exchange *exchange, const char *rest,
                                  struct wanted *wanted)
{
    const struct catalog *catalog = exchange->service->turn.catalog;
    struct json_in *document = NULL;
    if (!is_bare(rest)) {
        struct relud_error error = {0};
        document = json_in_open(rest, &error);
        if (!document || !read_members(document, wanted, &error)) {
            native_fail(exchange, &error);
            json_in_close(document);
            return NULL;
        }
    }
    const struct entry *entry = catalog_find(catalog, wanted->model, wanted->version);
    if (!entry && !catalog->first && !wanted->model)
        exchange_fail(exchange, catalog->models ? 503 : 404, "no model is %s",
                      catalog->models ? "ready" : "served here");
    else if (!entry && wanted->version)
        exchange_fail(exchange, 404, "there is no model '%.64s' of version %.24s",
                      wanted->model ? wanted->model : catalog->first->name, wanted->version);
    else if (!entry && catalog_model(catalog, wanted->model))
        exchange_fail(exchange, 503, "model '%.64s' is not ready", wanted->model);
    else if (!entry)
        exchange_fail(exchange, 404, "there is no model '%.64s'", wanted->model);
    json_in_close(document);
    return exchange->entry = entry;
}

/* [features] or [rows][features]; anything else is answered, naming the place. */
static bool read_shape(struct exchange *exchange, const struct entry *entry,
                       struct relud_json_array *array, size_t *rows)
{
    size_t features = entry->info->features;
    if (exchange->media_in == MEDIA_FLOATS && array->count % features != 0) {
        exchange_fail(exchange, 400,
                      "the body has %zu float32 numbers; model '%s' wants rows of %zu",
                      array->count, entry->name, features);
        return false;
    }
    if (exchange->media_in == MEDIA_FLOATS ||
        (exchange->media_in == MEDIA_NPY && array->rank > 2)) { /* images, say */
        array->shape[0] = array->rank > 2 ? array->shape[0] : array->count / features;
        array->shape[1] = array->count / array->shape[0];
        array->rank = 2;
    }
    if (array->rank == 0 || array->rank > 2) {
        exchange_fail(exchange, 400,
                      "inputs is %s; an array of rows of %zu numbers, or one such row, is wanted",
                      array->rank == 0 ? "a number" : "nested too deep", features);
        return false;
    }
    *rows = array->rank == 2 ? array->shape[0] : 1;
    size_t width = array->shape[array->rank - 1];
    if (width == features)
        return true;
    exchange_fail(exchange, 400, "%s has %zu numbers; model '%s' wants %zu",
                  array->rank == 2 ? "inputs[0]" : "inputs", width, entry->name, features);
    return false;
}

/* What JSON's reader sees on its way, and what only JSON can answer. */
static bool is_binary_fit(struct exchange *exchange, const struct entry *entry,
                          const struct relud_json_array *array, const struct wanted *wanted)
{
    if (wanted->is_layered && exchange->media_out != MEDIA_JSON) {
        exchange_fail(exchange, 400, "activations are given as JSON only");
        return false;
    }
    if (exchange->media_in == MEDIA_JSON ||
        native_check_finite(exchange, "inputs", array->values, array->shape, array->rank,
                            array->count))
        return true;
    prediction_count_nonfinite(exchange, entry, NONFINITE_INPUT);
    return false;
}

bool predict_read(struct exchange *exchange, const char *body, size_t len)
{
    if (!native_open(exchange))
        return true;
    int64_t begin_ns = clock_ns();
    struct turn *turn = &exchange->service->turn;
    struct relud_json_array array = {.capacity = native_floats(exchange, len)};
    array.values = turn_rows(turn, &exchange->job, array.capacity);
    if (!array.values)
        return false;
    char rest[NATIVE_REST_BYTES];
    struct relud_error error;
    enum reading_result result = native_read(exchange, "inputs", body, len, &array, rest, &error);
    if (result == READING_LATER)
        return false;
    if (result == READING_FAILED) {
        if (error.code == RELUD_NOT_FINITE)
            prediction_count_nonfinite(exchange, exchange->service->turn.catalog->first,
                                       NONFINITE_INPUT);
        native_fail(exchange, &error);
        return true;
    }
    if (!array.is_present) {
        exchange_fail(exchange, 400, "inputs is missing: {\"inputs\": [[…], …]} is wanted");
        return true;
    }
    struct wanted wanted = {.top_k = 1};
    const struct entry *entry = choose(exchange, rest, &wanted);
    size_t rows = 0;
    exchange->is_layered = wanted.is_layered;
    if (!entry || !read_shape(exchange, entry, &array, &rows) ||
        !prediction_is_allowed(exchange, entry, rows) ||
        !is_binary_fit(exchange, entry, &array, &wanted))
        return true;
    exchange->top_k = wanted.top_k;
    return prediction_submit(exchange, entry, rows, begin_ns);
}

static void write_classes(struct exchange *exchange, const struct entry *entry, float *p,
                          size_t top_k)
{
    struct text *out = &exchange->out;
    for (size_t k = 0; k < top_k; k++) {
        size_t best = native_best_class(p, entry->info->classes);
        text_put(out, k ? "," : "");
        text_put(out, entry->class_head[best]);
        native_write_one(out, p[best], (enum nonfinite)exchange->service->config->nonfinite);
        text_put_n(out, "}", 1);
        p[best] = -1;
    }
}

static void write_predictions(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    const struct entry *entry = job->entry;
    size_t classes = entry->info->classes, outputs = entry->info->outputs;
    size_t top_k = exchange->top_k < classes ? exchange->top_k : classes;
    float few[256], *p = classes <= 256 ? few : malloc(classes * sizeof *p);
    if (!p || !text_room(&exchange->out, job->rows * top_k * (entry->class_head_len_max + 20))) {
        exchange->out.is_short = true;
        if (p != few)
            free(p);
        return;
    }
    text_put(&exchange->out, ",\"predictions\":[");
    for (size_t row = 0; row < job->rows; row++) {
        text_put(&exchange->out, row ? ",[" : "[");
        relud_probabilities(entry->model, job->y + row * outputs, 1, p);
        write_classes(exchange, entry, p, top_k);
        text_put_n(&exchange->out, "]", 1);
    }
    text_put_n(&exchange->out, "]", 1);
    if (p != few)
        free(p);
}

static void write_layers(struct exchange *exchange, enum nonfinite nonfinite)
{
    const struct turn_job *job = &exchange->job;
    text_put(&exchange->out, ",\"activations\":[");
    for (size_t row = 0; row < job->rows; row++) {
        text_put(&exchange->out, row ? ",[" : "[");
        for (size_t i = 0; i < job->entry->info->layers; i++) {
            size_t width = relud_model_layer(job->entry->model, i)->outputs;
            if (i)
                text_put_n(&exchange->out, ",", 1);
            native_write_row(&exchange->out, job->layer_out[i] + row * width, width, nonfinite);
        }
        text_put_n(&exchange->out, "]", 1);
    }
    text_put_n(&exchange->out, "]", 1);
}

void predict_write(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    const struct relud_model_info *info = job->entry->info;
    enum nonfinite nonfinite = (enum nonfinite)exchange->service->config->nonfinite;
    if (!prediction_check_output(exchange))
        return;
    const size_t shape[2] = {job->rows, info->outputs};
    if (exchange->media_out != MEDIA_JSON) {
        native_write_binary(exchange, job->y, shape, 2);
        return;
    }
    struct text *out = &exchange->out;
    text_put(out, job->entry->prediction_head);
    native_write_tensor(out, job->y, shape, 2, nonfinite);
    if (info->task == RELUD_TASK_CLASSIFICATION)
        write_predictions(exchange);
    if (exchange->is_layered)
        write_layers(exchange, nonfinite);
    text_put(out, "}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
}
