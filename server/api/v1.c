#include "server/api/v1.h"

#include "server/api/explanations.h"
#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/base/clock.h"
#include "server/base/json_in.h"
#include "server/batch/prediction.h"
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */

/* Reads the other members; border only where rows are explained. TensorFlow Serving reads
 * signature_name, which must name the only signature, and ignores the rest: context, or the
 * parameters that Vertex AI sends. */
static bool read_members(struct request *request, const char *rest)
{
    struct relud_error error = {0};
    struct json_in *document = json_in_open(rest, &error);
    const char *signature = NULL;
    bool is_right = document && json_in_text(document, "signature_name", &signature, &error) &&
                    (!request->explain.is_wanted ||
                     json_in_bool(document, "border", &request->explain.has_border, &error));
    if (is_right && signature && *signature && strcmp(signature, "serving_default") != 0)
        is_right = relud_fail(&error, RELUD_BAD_INPUT,
                              "Serving signature name: \"%s\" not found in signature def; there "
                              "is \"serving_default\"",
                              signature);
    if (!is_right)
        rows_io_fail(request, &error);
    json_in_close(document);
    return is_right;
}

/* True if there are no members besides the array, as in most requests. */
static bool is_bare(const char *rest)
{
    return strcmp(rest, "{\"instances\":0}") == 0 || strcmp(rest, "{\"instances\": 0}") == 0;
}

/* Reads the rows of the body. False, and answered, if they are wrong. */
static bool read_rows(struct request *request, const struct served_model *served, const char *body,
                      size_t len, struct relud_json_array *array, bool has_examples)
{
    char rest[ROWS_IO_REST_BYTES];
    struct relud_error error;
    if (!body_reader_json(request, body, len, has_examples ? "examples" : "instances", array, rest,
                          sizeof rest, &error)) {
        if (error.code == RELUD_NOT_FINITE)
            prediction_count_nonfinite(request, served, NONFINITE_INPUT);
        rows_io_fail(request, &error);
        return false;
    }
    if (!array->is_present) {
        request_fail(request, 400,
                     has_examples ? "Missing 'examples' key"
                                  : "Missing 'inputs' or 'instances' key");
        return false;
    }
    request->infer.is_column = array->member != 0;
    return is_bare(rest) || read_members(request, rest);
}

/* row_bytes: the most bytes that a row takes in the response, beside its explanation. */
static enum read_verdict read_body(struct request *request, const struct served_model *served,
                                   const char *body, size_t len, bool has_examples,
                                   size_t row_bytes)
{
    int64_t begin_ns = clock_ns();
    static const struct relud_json_member inputs = {"inputs", RELUD_JSON_NAMED};
    struct relud_json_array array = {.capacity = rows_io_named_floats(request, served, body, len),
                                     .form = RELUD_JSON_NAMED_ROWS,
                                     .name = served->row_name,
                                     .columns = &served->columns,
                                     .feature = served->info->feature,
                                     .other = &inputs,
                                     .others = has_examples ? 0 : 1};
    size_t rows;
    array.values = body_reader_rows(request, array.capacity);
    if (!array.values)
        return request_verdict(request);
    if (!read_rows(request, served, body, len, &array, has_examples))
        return request_verdict(request);
    request->explain.is_by_name &= array.is_by_name;
    const char *name = has_examples ? "examples" : array.member ? "inputs" : "instances";
    if (!prediction_find_rows(request, served, name, array.shape, array.rank, false, &rows) ||
        !explanations_are_allowed(request, served, rows) ||
        !prediction_is_allowed(request, served, rows,
                               row_bytes + explanations_row_bytes(request, served)) ||
        !rows_check_array(request, served, name, &array))
        return request_verdict(request);
    return prediction_submit(request, served, rows, begin_ns);
}

static enum read_verdict read_prediction(struct request *request, const char *body, size_t len,
                                         bool is_explained)
{
    const struct explain_member explain = {.is_wanted = is_explained};
    const struct served_model *served = prediction_model(request);
    if (!served || !explanations_choose(request, served, &explain, true))
        return READ_ANSWERED;
    return read_body(request, served, body, len, false,
                     served->info->outputs * PREDICTION_NUMBER_BYTES +
                         served_model_names_bytes(served) + 8);
}

enum read_verdict v1_predict_read(struct request *request, const char *body, size_t len)
{
    return read_prediction(request, body, len, false);
}

enum read_verdict v1_explain_read(struct request *request, const char *body, size_t len)
{
    return read_prediction(request, body, len, true);
}

enum read_verdict v1_classify_read(struct request *request, const char *body, size_t len)
{
    const struct served_model *served = prediction_model(request);
    if (served && served->info->task != RELUD_TASK_CLASSIFICATION) {
        request_fail(request, 400, "model '%s' is no classification", served->name);
        return READ_ANSWERED;
    }
    if (!served)
        return READ_ANSWERED;
    return read_body(request, served, body, len, true,
                     served->info->classes * prediction_class_bytes(served) + 8);
}

enum read_verdict v1_regress_read(struct request *request, const char *body, size_t len)
{
    const struct served_model *served = prediction_model(request);
    if (served && served->info->outputs != 1) {
        request_fail(request, 400, "model '%s' has %zu outputs; a regression has one", served->name,
                     served->info->outputs);
        return READ_ANSWERED;
    }
    if (!served)
        return READ_ANSWERED;
    return read_body(request, served, body, len, true, PREDICTION_NUMBER_BYTES);
}

/* ---- responses ---- */

static void finish(struct request *request)
{
    request_answer_json(request, "}\n");
}

static enum nonfinite nonfinite_of(const struct request *request)
{
    return (enum nonfinite)request->service->config->nonfinite;
}

/* Writes one result of one row. */
static void write_result(struct request *request, size_t row, size_t offset, size_t width)
{
    const struct turn_job *job = &request->job;
    rows_io_answer_row(request, job->y + row * job->served->info->outputs + offset, width);
}

/* Writes several results by their names: {"a":[…],"b":[…]} for each row, or
 * {"a":[[…],…],"b":[[…],…]} by columns. */
static void write_results(struct request *request)
{
    enum { PIECE = 64 };
    const struct relud_model_info *info = request->job.served->info;
    struct text *out = &request->out;
    bool is_column = request->infer.is_column;
    size_t rows = request->job.rows, outer = is_column ? 1 : rows, inner = is_column ? rows : 1;
    for (size_t r = 0; r < outer; r++) {
        text_put(out, is_column ? "{" : r ? ",{" : "[{");
        for (size_t i = 0, offset = 0; i < info->results; offset += info->result[i++].width) {
            text_put(out, i ? "," : "");
            text_json(out, info->result[i].name);
            text_put(out, is_column ? ":[" : ":");
            for (size_t k = 0; k < inner; k++) {
                text_put(out, k ? "," : "");
                if ((r + k) % PIECE == PIECE - 1 && !long_work_go_on(request))
                    return;
                write_result(request, is_column ? k : r, offset, info->result[i].width);
            }
            text_put(out, is_column ? "]" : "");
        }
        text_put(out, "}");
    }
    text_put(out, is_column ? "" : "]");
}

void v1_predict_write(struct request *request)
{
    const struct turn_job *job = &request->job;
    const size_t shape[2] = {job->rows, job->served->info->outputs};
    if (!prediction_check_output(request))
        return;
    text_put(&request->out, request->infer.is_column ? "{\"outputs\":" : "{\"predictions\":");
    if (job->served->info->results > 1)
        write_results(request);
    else
        rows_io_answer_tensor(request, job->y, shape, 2);
    if (request->explain.is_wanted) {
        text_put(&request->out, ",\"explanations\":");
        if (!explanations_write(request, false))
            return;
    }
    finish(request);
}

/* p[classes] is scratch memory of the caller. */
static void write_classes(struct request *request, float *p)
{
    enum { PIECE = 512 };
    const struct turn_job *job = &request->job;
    const struct served_model *served = job->served;
    const struct relud_watch watch = long_work_watch(request);
    struct text *out = &request->out;
    for (size_t row = 0; row < job->rows; row++) {
        if (!relud_probabilities_watched(served->model, job->y + row * served->info->outputs, 1, p,
                                         &watch))
            return;
        text_put(out, row ? ",[" : "[");
        for (size_t i = 0; i < served->info->classes; i++) {
            if (i % PIECE == PIECE - 1 && !long_work_go_on(request))
                return;
            text_put(out, i ? ",[" : "[");
            text_json(out, served->info->labels ? served->info->labels[i] : "");
            text_put(out, ",");
            rows_io_write_one(out, p[i], nonfinite_of(request));
            text_put(out, "]");
        }
        text_put(out, "]");
    }
}

void v1_classify_write(struct request *request)
{
    if (!prediction_check_output(request))
        return;
    float *p = malloc(request->job.served->info->classes * sizeof *p);
    if (!p) {
        request_fail(request, 503, "out of memory");
        return;
    }
    text_put(&request->out, "{\"results\":[");
    write_classes(request, p);
    free(p);
    text_put(&request->out, "]");
    finish(request);
}

void v1_regress_write(struct request *request)
{
    const struct turn_job *job = &request->job;
    if (!prediction_check_output(request))
        return;
    text_put(&request->out, "{\"results\":");
    rows_io_answer_row(request, job->y, job->rows);
    finish(request);
}

/* ---- status and metadata ---- */

static const char *state_of(const struct catalog_item *item)
{
    if (item->served)
        return "AVAILABLE";
    return item->state == CATALOG_LOADING ? "LOADING" : "END";
}

static void write_status(struct text *out, const struct catalog_item *item)
{
    text_put(out, "{\"version\":");
    text_json(out, item->version);
    text_print(out, ",\"state\":\"%s\",\"status\":{\"error_code\":\"%s\",\"error_message\":",
               state_of(item), item->served || !item->reason[0] ? "OK" : "INTERNAL");
    text_json(out, item->served ? "" : item->reason);
    text_put(out, "}}");
}

/* One object has the members of both TensorFlow Serving and KServe, so that the clients of each
 * find theirs. */
enum read_verdict v1_status_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = request->service->turn.catalog;
    struct text *out = &request->out;
    struct prediction_target target;
    prediction_find(request, &target);
    if (target.code == 404) {
        request_fail(request, 404, "Could not find any versions of model %s", request->model);
        return READ_ANSWERED;
    }
    const struct catalog_model *model = target.model;
    bool is_ready = target.served != NULL;
    const char *comma = "";
    text_put(out, "{\"name\":");
    text_json(out, model->name);
    text_print(out, ",\"ready\":%s,\"model_version_status\":[", is_ready ? "true" : "false");
    for (size_t i = model->first; i < model->first + model->len; i++) {
        if (target.version && strcmp(catalog->item[i].version, target.version) != 0)
            continue;
        text_put(out, comma);
        write_status(out, &catalog->item[i]);
        comma = ",";
    }
    text_put(out, "]}\n");
    request_answer(request, is_ready ? 200 : 503, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
}

/* The type by TensorFlow's name. */
static const char *type_of(const char *datatype)
{
    static const char *const types[][2] = {
        {"FP32", "DT_FLOAT"},    {"FP64", "DT_DOUBLE"},  {"FP16", "DT_HALF"},
        {"BF16", "DT_BFLOAT16"}, {"BYTES", "DT_STRING"}, {"BOOL", "DT_BOOL"},
        {"INT8", "DT_INT8"},     {"INT16", "DT_INT16"},  {"INT32", "DT_INT32"},
        {"INT64", "DT_INT64"},   {"UINT8", "DT_UINT8"},  {"UINT16", "DT_UINT16"},
        {"UINT32", "DT_UINT32"}, {"UINT64", "DT_UINT64"}};
    size_t i = 0;
    while (i + 1 < sizeof types / sizeof *types && strcmp(types[i][0], datatype) != 0)
        i++;
    return types[i][1];
}

static void write_tensor(struct text *out, const struct relud_tensor_info *tensor)
{
    text_json(out, tensor->name);
    text_print(out,
               ":{\"dtype\":\"%s\",\"tensor_shape\":{\"dim\":[{\"size\":\"-1\",\"name\":\"\"},"
               "{\"size\":\"%zu\",\"name\":\"\"}],\"unknown_rank\":false},\"name\":",
               type_of(tensor->datatype), tensor->width);
    struct text place = {0};
    text_print(&place, "%s:0", tensor->name);
    text_put_n(&place, "", 1);
    if (text_is_whole(&place))
        text_json(out, place.at);
    else
        out->is_short = true;
    text_free(&place);
    text_put(out, "}");
}

enum read_verdict v1_metadata_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct served_model *served = prediction_look(request);
    if (!served)
        return READ_ANSWERED;
    struct text *out = &request->out;
    text_put(out, "{\"model_spec\":{\"name\":");
    text_json(out, served->name);
    text_put(out, ",\"signature_name\":\"\",\"version\":");
    text_json(out, served->version);
    text_put(out, "},\"metadata\":{\"signature_def\":{\"signature_def\":{\"serving_default\":{"
                  "\"inputs\":{");
    for (size_t i = 0; i < served->info->inputs; i++) {
        text_put(out, i ? "," : "");
        write_tensor(out, &served->info->input[i]);
    }
    text_put(out, "},\"outputs\":{");
    for (size_t i = 0; i < served->info->results; i++) {
        text_put(out, i ? "," : "");
        write_tensor(out, &served->info->result[i]);
    }
    return request_answer_json(
        request, "},\"method_name\":\"tensorflow/serving/predict\",\"defaults\":{}}}}}}\n");
}
