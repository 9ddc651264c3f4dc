#include "server/api_v1.h"

#include "server/clock.h"
#include "server/json_in.h"
#include "server/native.h"
#include "server/prediction.h"
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

/* signature_name must be the only one there is; context is for TF Serving's logs. */
static bool read_members(struct exchange *exchange, const char *rest, bool has_examples)
{
    struct relud_error error = {0};
    struct json_in *document = json_in_open(rest, &error);
    const char *signature = NULL;
    bool is_right = document && json_in_text(document, "signature_name", &signature, &error);
    if (is_right && signature && *signature && strcmp(signature, "serving_default") != 0)
        is_right = relud_fail(&error, RELUD_BAD_INPUT,
                              "Serving signature name: \"%.60s\" not found in signature def; there "
                              "is \"serving_default\"",
                              signature);
    if (is_right) {
        json_in_member(document, has_examples ? "examples" : "instances");
        json_in_member(document, has_examples ? "context" : "inputs");
        is_right = json_in_end(document,
                               has_examples ? "examples, context, signature_name"
                                            : "instances or inputs, signature_name",
                               &error);
    }
    if (!is_right)
        native_fail(exchange, &error);
    json_in_close(document);
    return is_right;
}

/* No members besides the array, as most requests have it. */
static bool is_bare(const char *rest)
{
    return strcmp(rest, "{\"instances\":0}") == 0 || strcmp(rest, "{\"instances\": 0}") == 0;
}

/* Rows of the model's features; a single feature may stand without brackets. */
static bool find_rows(struct exchange *exchange, const struct entry *entry,
                      const struct relud_json_array *array, const char *key, size_t *rows)
{
    size_t features = entry->info->features;
    *rows = array->rank ? array->shape[0] : 1;
    if ((array->rank == 2 && array->shape[1] == features) || (array->rank == 1 && features == 1))
        return true;
    if (array->rank == 2)
        exchange_fail(exchange, 400, "%s[0] has %zu numbers; model '%s' wants %zu", key,
                      array->shape[1], entry->name, features);
    else
        exchange_fail(exchange, 400, "%s must be an array of rows of %zu numbers", key, features);
    return false;
}

/* False, and answered, when they are wrong; unanswered, where more of them is to be read in the next turn. */
static bool read_rows(struct exchange *exchange, const struct entry *entry, const char *body,
                      size_t len, struct relud_json_array *array, bool has_examples)
{
    char rest[NATIVE_REST_BYTES];
    struct relud_error error;
    enum reading_result result =
        reading_json(exchange, body, len, has_examples ? "examples" : "instances", array, rest,
                     sizeof rest, &error);
    if (result == READING_LATER)
        return false;
    if (result == READING_FAILED) {
        if (error.code == RELUD_NOT_FINITE)
            prediction_count_nonfinite(exchange, entry, NONFINITE_INPUT);
        native_fail(exchange, &error);
        return false;
    }
    if (!array->is_present) {
        exchange_fail(exchange, 400,
                      has_examples ? "Missing 'examples' key"
                                   : "Missing 'inputs' or 'instances' key");
        return false;
    }
    exchange->infer.is_column = array->is_other;
    return is_bare(rest) || read_members(exchange, rest, has_examples);
}

static bool read_body(struct exchange *exchange, const struct entry *entry, const char *body,
                      size_t len, bool has_examples)
{
    int64_t begin_ns = clock_ns();
    struct relud_json_array array = {.capacity = len / 2 + 1,
                                     .form = RELUD_JSON_NAMED_ROWS,
                                     .name = entry->info->input_name,
                                     .other_form = RELUD_JSON_NAMED,
                                     .other = has_examples ? NULL : "inputs"};
    size_t rows;
    array.values = turn_rows(&exchange->service->turn, &exchange->job, array.capacity);
    if (!array.values)
        return false;
    if (!read_rows(exchange, entry, body, len, &array, has_examples) ||
        !find_rows(exchange, entry, &array,
                   has_examples     ? "examples"
                   : array.is_other ? "inputs"
                                    : "instances",
                   &rows) ||
        !prediction_is_allowed(exchange, entry, rows))
        return exchange->step != EXCHANGE_NEW;
    return prediction_submit(exchange, entry, rows, begin_ns);
}

bool v1_predict_read(struct exchange *exchange, const char *body, size_t len)
{
    const struct entry *entry = prediction_entry(exchange);
    return !entry || read_body(exchange, entry, body, len, false);
}

bool v1_classify_read(struct exchange *exchange, const char *body, size_t len)
{
    const struct entry *entry = prediction_entry(exchange);
    if (entry && entry->info->task != RELUD_TASK_CLASSIFICATION) {
        exchange_fail(exchange, 400, "model '%s' is no classification", entry->name);
        return true;
    }
    return !entry || read_body(exchange, entry, body, len, true);
}

bool v1_regress_read(struct exchange *exchange, const char *body, size_t len)
{
    const struct entry *entry = prediction_entry(exchange);
    if (entry && entry->info->outputs != 1) {
        exchange_fail(exchange, 400, "model '%s' has %zu outputs; a regression has one",
                      entry->name, entry->info->outputs);
        return true;
    }
    return !entry || read_body(exchange, entry, body, len, true);
}

/* ---- answers ---- */

static void finish(struct exchange *exchange)
{
    text_put(&exchange->out, "}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
}

static enum nonfinite nonfinite_of(const struct exchange *exchange)
{
    return (enum nonfinite)exchange->service->config->nonfinite;
}

/* One result of one row. */
static void write_result(struct exchange *exchange, size_t row, size_t offset, size_t width)
{
    const struct turn_job *job = &exchange->job;
    native_write_row(&exchange->out, job->y + row * job->entry->info->outputs + offset, width,
                     nonfinite_of(exchange));
}

/* Several results have names: {"a":[…],"b":[…]} for each row, or {"a":[[…],…],"b":[[…],…]} by columns. */
static void write_results(struct exchange *exchange)
{
    const struct relud_model_info *info = exchange->job.entry->info;
    struct text *out = &exchange->out;
    bool is_column = exchange->infer.is_column;
    size_t rows = exchange->job.rows, outer = is_column ? 1 : rows, inner = is_column ? rows : 1;
    for (size_t r = 0; r < outer; r++) {
        text_put(out, is_column ? "{" : r ? ",{" : "[{");
        for (size_t i = 0, offset = 0; i < info->results; offset += info->result[i++].width) {
            text_put(out, i ? "," : "");
            text_json(out, info->result[i].name);
            text_put(out, is_column ? ":[" : ":");
            for (size_t k = 0; k < inner; k++) {
                text_put(out, k ? "," : "");
                write_result(exchange, is_column ? k : r, offset, info->result[i].width);
            }
            text_put(out, is_column ? "]" : "");
        }
        text_put(out, "}");
    }
    text_put(out, is_column ? "" : "]");
}

void v1_predict_write(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    const size_t shape[2] = {job->rows, job->entry->info->outputs};
    if (!prediction_check_output(exchange))
        return;
    text_put(&exchange->out, exchange->infer.is_column ? "{\"outputs\":" : "{\"predictions\":");
    if (job->entry->info->results > 1)
        write_results(exchange);
    else
        native_write_tensor(&exchange->out, job->y, shape, 2, nonfinite_of(exchange));
    finish(exchange);
}

void v1_classify_write(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    const struct entry *entry = job->entry;
    size_t classes = entry->info->classes;
    struct text *out = &exchange->out;
    float *p = prediction_check_output(exchange) ? malloc(classes * sizeof *p) : NULL;
    if (!p) {
        if (exchange->step != EXCHANGE_ANSWERED)
            exchange_fail(exchange, 503, "out of memory");
        return;
    }
    text_put(out, "{\"result\":[");
    for (size_t row = 0; row < job->rows; row++) {
        relud_probabilities(entry->model, job->y + row * entry->info->outputs, 1, p);
        text_put(out, row ? ",[" : "[");
        for (size_t i = 0; i < classes; i++) {
            char number[24];
            text_put(out, i ? ",[" : "[");
            text_json(out, entry_label(entry, i, number));
            text_put(out, ",");
            native_write_one(out, p[i], nonfinite_of(exchange));
            text_put(out, "]");
        }
        text_put(out, "]");
    }
    free(p);
    text_put(out, "]");
    finish(exchange);
}

void v1_regress_write(struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    if (!prediction_check_output(exchange))
        return;
    text_put(&exchange->out, "{\"result\":");
    native_write_row(&exchange->out, job->y, job->rows, nonfinite_of(exchange));
    finish(exchange);
}

/* ---- status and metadata ---- */

static const char *state_of(const struct catalog_item *item)
{
    if (item->entry)
        return "AVAILABLE";
    return item->state == CATALOG_LOADING ? "LOADING" : "END";
}

static void write_status(struct text *out, const struct catalog_item *item)
{
    text_put(out, "{\"version\":");
    text_json(out, item->version);
    text_print(out, ",\"state\":\"%s\",\"status\":{\"error_code\":\"%s\",\"error_message\":",
               state_of(item), item->entry || !item->reason[0] ? "OK" : "INTERNAL");
    text_json(out, item->entry ? "" : item->reason);
    text_put(out, "}}");
}

/* TF Serving's members and KServe's in one object: each family of clients finds its own. */
bool v1_status_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = exchange->service->turn.catalog;
    const struct catalog_model *model = catalog_model(catalog, exchange->model);
    const char *version = exchange->version[0] ? exchange->version : NULL;
    struct text *out = &exchange->out;
    if (model && exchange->label[0])
        version = catalog_label(model, exchange->label);
    if (!model || (exchange->label[0] && !version) ||
        (version && !catalog_item(catalog, model, version))) {
        exchange_fail(exchange, 404, "Could not find any versions of model %s", exchange->model);
        return true;
    }
    bool is_ready =
        version ? catalog_item(catalog, model, version)->entry != NULL : model->best != NULL;
    const char *comma = "";
    text_put(out, "{\"name\":");
    text_json(out, model->name);
    text_print(out, ",\"ready\":%s,\"model_version_status\":[", is_ready ? "true" : "false");
    for (size_t i = model->first; i < model->first + model->len; i++) {
        if (version && strcmp(catalog->item[i].version, version) != 0)
            continue;
        text_put(out, comma);
        write_status(out, &catalog->item[i]);
        comma = ",";
    }
    text_put(out, "]}\n");
    if (!is_ready)
        exchange->retry_after_s = 1;
    exchange_answer(exchange, is_ready ? 200 : 503, MEDIA_JSON_TYPE);
    return true;
}

static void write_tensor(struct text *out, const char *name, size_t width)
{
    text_json(out, name);
    text_print(
        out,
        ":{\"dtype\":\"DT_FLOAT\",\"tensor_shape\":{\"dim\":[{\"size\":\"-1\",\"name\":\"\"},"
        "{\"size\":\"%zu\",\"name\":\"\"}],\"unknown_rank\":false},\"name\":",
        width);
    struct text place = {0};
    text_print(&place, "%s:0", name);
    text_put_n(&place, "", 1);
    if (text_is_whole(&place))
        text_json(out, place.at);
    else
        out->is_short = true;
    text_free(&place);
    text_put(out, "}");
}

bool v1_metadata_read(struct exchange *exchange, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct entry *entry = prediction_entry(exchange);
    exchange->entry = NULL;
    if (!entry)
        return true;
    struct text *out = &exchange->out;
    text_put(out, "{\"model_spec\":{\"name\":");
    text_json(out, entry->name);
    text_put(out, ",\"signature_name\":\"\",\"version\":");
    text_json(out, entry->version);
    text_put(out, "},\"metadata\":{\"signature_def\":{\"signature_def\":{\"serving_default\":{"
                  "\"inputs\":{");
    write_tensor(out, entry->info->input_name, entry->info->features);
    text_put(out, "},\"outputs\":{");
    for (size_t i = 0; i < entry->info->results; i++) {
        text_put(out, i ? "," : "");
        write_tensor(out, entry->info->result[i].name, entry->info->result[i].width);
    }
    text_put(out, "},\"method_name\":\"tensorflow/serving/predict\",\"defaults\":{}}}}}}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
    return true;
}
