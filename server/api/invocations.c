/* POST /invocations, the path that SageMaker, MLflow and Vertex AI use for predictions: rows in any
 * of their forms, answered as MLflow does. (GET /ping is ready_read.) */
#include "server/api/invocations.h"

#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/api/v1.h"
#include "server/base/clock.h"
#include "server/base/json_in.h"
#include "server/batch/prediction.h"

#define KNOWN                                                                                      \
    "instances, inputs, dataframe_split, dataframe_records, and params, parameters, "              \
    "signature_name, which are ignored"

/* Other names that the array of rows may have than instances. */
static const struct relud_json_member others[] = {
    {"inputs", RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS},
    {"dataframe_split", RELUD_JSON_SPLIT},
    {"dataframe_records", RELUD_JSON_NAMED_ROWS},
};
enum { OTHERS = sizeof others / sizeof *others };

static const char *member_name(const struct relud_json_array *array)
{
    return array->member ? others[array->member - 1].name : "instances";
}

/* The model is named only in the query, if at all. */
static const struct served_model *choose(struct request *request)
{
    char rest[ROWS_IO_REST_BYTES];
    const char *model = NULL, *version = NULL;
    struct relud_error error = {0};
    struct json_in *document =
        rows_io_read_query(request, "instances", rest, &error) ? json_in_open(rest, &error) : NULL;
    if (document)
        json_in_member(document, "instances");
    bool is_right = document && json_in_text(document, "model", &model, &error) &&
                    json_in_text(document, "version", &version, &error) &&
                    json_in_end(document, "model, version", &error);
    const struct served_model *served =
        is_right ? prediction_choose(request, model, version) : NULL;
    if (!is_right)
        rows_io_fail(request, &error);
    json_in_close(document);
    return served;
}

static bool check_members(const char *rest, struct relud_error *error)
{
    static const char *const passed[] = {"instances", "params", "parameters", "signature_name"};
    struct json_in *document = json_in_open(rest, error);
    for (size_t i = 0; document && i < sizeof passed / sizeof *passed; i++)
        json_in_member(document, passed[i]);
    for (size_t i = 0; document && i < OTHERS; i++)
        json_in_member(document, others[i].name);
    bool is_right = document && json_in_end(document, KNOWN, error);
    json_in_close(document);
    return is_right;
}

static bool read_json(struct request *request, const struct served_model *served, const char *body,
                      size_t len, struct relud_json_array *array, struct relud_error *error)
{
    char rest[ROWS_IO_REST_BYTES];
    array->form = RELUD_JSON_NAMED_ROWS;
    array->name = served->row_name;
    array->columns = &served->columns;
    array->feature = served->info->feature;
    array->other = others;
    array->others = OTHERS;
    array->may_be_bare = true;
    if (!body_reader_json(request, body, len, "instances", array, rest, sizeof rest, error))
        return false;
    if (array->is_present)
        return check_members(rest, error);
    return relud_fail(error, RELUD_BAD_INPUT, "rows are missing: an array of them is wanted, or %s",
                      KNOWN);
}

/* Reads the rows of a body of any type. */
static bool read_rows(struct request *request, const struct served_model *served, const char *body,
                      size_t len, struct relud_json_array *array, struct relud_error *error)
{
    if (request->media_in == MEDIA_JSON)
        return read_json(request, served, body, len, array, error);
    if (request->media_in == MEDIA_CSV)
        return rows_io_read_table(request, served, body, len, array, error);
    bool is_read = rows_io_read_binary(request, served, body, len, array, error);
    size_t features = served->info->features;
    if (request->media_in == MEDIA_FLOATS && array->count % features == 0) {
        array->shape[0] = array->count / features; /* any number of whole rows */
        array->shape[1] = features;
        array->rank = 2;
    }
    return is_read;
}

/* The most bytes that a row takes in the response. */
static size_t row_bytes(const struct request *request, const struct served_model *served)
{
    const struct relud_model_info *info = served->info;
    if (request->media_out != MEDIA_JSON && request->media_out != MEDIA_CSV)
        return info->outputs * sizeof(float);
    return info->outputs * PREDICTION_NUMBER_BYTES + served_model_names_bytes(served) + 8;
}

enum read_verdict invocations_read(struct request *request, const char *body, size_t len)
{
    int64_t begin_ns = clock_ns();
    const struct served_model *served = rows_io_open(request, true) ? choose(request) : NULL;
    if (!served)
        return READ_ANSWERED;
    struct relud_json_array array = {.capacity = rows_io_named_floats(request, served, body, len)};
    array.values = body_reader_rows(request, array.capacity);
    if (!array.values)
        return request_verdict(request);
    struct relud_error error = {0};
    size_t rows;
    if (!read_rows(request, served, body, len, &array, &error)) {
        if (error.code == RELUD_NOT_FINITE)
            prediction_count_nonfinite(request, served, NONFINITE_INPUT);
        rows_io_fail(request, &error);
        return READ_ANSWERED;
    }
    const char *name = request->media_in == MEDIA_JSON ? member_name(&array) : "inputs";
    bool is_instances = request->media_in == MEDIA_JSON && array.member == 0 && !array.is_bare;
    if (!prediction_find_rows(request, served, name, array.shape, array.rank, !is_instances,
                              &rows) ||
        !prediction_is_allowed(request, served, rows, row_bytes(request, served)))
        return READ_ANSWERED;
    if (!rows_check_array(request, served, name, &array))
        return READ_ANSWERED;
    return prediction_submit(request, served, rows, begin_ns);
}

void invocations_write(struct request *request)
{
    const struct turn_job *job = &request->job;
    if (request->media_out == MEDIA_JSON) {
        v1_predict_write(request);
        return;
    }
    if (!prediction_check_output(request))
        return;
    const size_t shape[2] = {job->rows, job->served->info->outputs};
    rows_io_write_rows(request, job->y, shape);
}
