/* POST /predict: rows in, the net's outputs out. */
#include "server/api/native.h"

#include "server/api/explanations.h"
#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/base/clock.h"
#include "server/base/json_in.h"
#include "server/batch/prediction.h"
#include "server/batch/ranking.h"
#include <stdlib.h>
#include <string.h>

#define KNOWN "inputs, model, version, top_k, activations, explain, border"

struct wanted {
    const char *model, *version;
    size_t top_k;
    bool is_layered;
    struct explain_member explain;
    struct json_in *document; /* of the members in the body; NULL: there are none */
};

static bool read_members(struct json_in *document, struct wanted *wanted, struct relud_error *error)
{
    json_in_member(document, "inputs"); /* the reader left a 0 in the array's place */
    return json_in_text(document, "model", &wanted->model, error) &&
           json_in_text(document, "version", &wanted->version, error) &&
           json_in_count(document, "top_k", 1, 1u << 20, &wanted->top_k, error) &&
           json_in_bool(document, "activations", &wanted->is_layered, error) &&
           explanations_read(json_in_member(document, "explain"),
                             json_in_member(document, "border"), &wanted->explain, error) &&
           json_in_end(document, KNOWN, error);
}

/* True if there are no members besides the array, as in most requests. */
static bool is_bare(const char *rest)
{
    return strcmp(rest, "{\"inputs\":0}") == 0 || strcmp(rest, "{\"inputs\": 0}") == 0;
}

/* Reads the members that the query has, before the rows: the names of columns are those of the
 * model. The caller closes *query, to which the texts belong. Answers, and
 * returns false, if they are wrong. */
static bool read_query(struct request *request, struct wanted *wanted, struct json_in **query)
{
    char rest[ROWS_IO_REST_BYTES];
    struct relud_error error = {0};
    if (request->query_len == 0)
        return true;
    *query =
        rows_io_read_query(request, "inputs", rest, &error) ? json_in_open(rest, &error) : NULL;
    if (*query && read_members(*query, wanted, &error))
        return true;
    rows_io_fail(request, &error);
    return false;
}

/* Finds the model that a JSON request names; answers if there is none. */
static const struct served_model *choose(struct request *request, const char *rest,
                                         struct wanted *wanted)
{
    if (is_bare(rest))
        return prediction_choose(request, wanted->model, wanted->version);
    struct relud_error error = {0};
    wanted->document = json_in_open(rest, &error);
    if (wanted->document && read_members(wanted->document, wanted, &error))
        return prediction_choose(request, wanted->model, wanted->version);
    rows_io_fail(request, &error);
    return NULL;
}

/* Raw floats have no shape: they are any number of whole rows. */
static bool find_rows(struct request *request, const struct served_model *served,
                      struct relud_json_array *array, size_t *rows)
{
    size_t features = served->info->features;
    if (request->media_in != MEDIA_FLOATS)
        return prediction_find_rows(request, served, "inputs", array->shape, array->rank, true,
                                    rows);
    *rows = array->count / features;
    if (array->count % features == 0) {
        array->shape[0] = *rows;
        array->shape[1] = features;
        array->rank = 2;
        return true;
    }
    request_fail(request, 400, "the body has %zu float32 numbers; model '%s' wants rows of %zu",
                 array->count, served->name, features);
    return false;
}

/* Refuses what only JSON can answer; and numbers that are not finite, which a binary body may hold,
 * and values that are missing where the model does not impute them. */
static bool is_fit(struct request *request, const struct served_model *served,
                   const struct relud_json_array *array, const struct wanted *wanted)
{
    if (wanted->is_layered && request->media_out != MEDIA_JSON) {
        request_fail(request, 400, "activations are given as JSON only");
        return false;
    }
    return rows_check_array(request, served, "inputs", array);
}

/* The most bytes that a row takes in the response. */
static size_t row_bytes(const struct request *request, const struct served_model *served,
                        size_t top_k)
{
    size_t classes = top_k < served->info->classes ? top_k : served->info->classes;
    size_t floats = turn_answer_floats(served, 1, request->is_layered);
    if (request->media_out != MEDIA_JSON && request->media_out != MEDIA_CSV)
        return floats * sizeof(float);
    return floats * PREDICTION_NUMBER_BYTES + classes * prediction_class_bytes(served) +
           3 * (served->info->layers + 4) + explanations_row_bytes(request, served) +
           served->unusual_bytes;
}

/* Reads the rows of a body of any type, and into rest the members beside those of JSON. `named` is
 * the model whose columns they may name, or NULL. */
static bool read_rows(struct request *request, const struct served_model *named, const char *body,
                      size_t len, struct relud_json_array *array, char rest[ROWS_IO_REST_BYTES],
                      struct relud_error *error)
{
    if (request->media_in == MEDIA_CSV)
        return rows_io_read_table(request, named, body, len, array, error);
    if (request->media_in != MEDIA_JSON)
        return rows_io_read_binary(request, named, body, len, array, error);
    array->form = RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS;
    array->name = named ? named->row_name : "";
    array->columns = named ? &named->columns : NULL;
    array->feature = named ? named->info->feature : NULL;
    if (!body_reader_json(request, body, len, "inputs", array, rest, ROWS_IO_REST_BYTES, error))
        return false;
    return array->is_present || relud_fail(error, RELUD_BAD_INPUT,
                                           "inputs is missing: {\"inputs\": [[…], …]} is wanted");
}

/* Answers 400: names of columns, and words, say nothing before the model is known. */
static void fail_names(struct request *request, const char *model)
{
    request_fail(request, 400,
                 "inputs has names or words, so the model must be known before them: name it in "
                 "the query, ?model=%s",
                 model);
}

static bool has_words(const struct served_model *served)
{
    return served && served->info->feature && served->info->feature->has_words;
}

/* Rows with names or words were read by those of `named`. Answers, and returns false, if another
 * model is to compute them. */
static bool check_names(struct request *request, const struct served_model *served,
                        const struct served_model *named, const struct relud_json_array *array)
{
    if (served == named || (!array->is_by_name && !has_words(served)))
        return true;
    fail_names(request, served->name);
    return false;
}

/* Reads rows that were not rows of *named once more, without its words: they may be numbers, for a
 * model that is named behind them. Sets *named to NULL then. */
static bool read_plainly(struct request *request, const struct served_model **named,
                         const char *body, size_t len, struct relud_json_array *array,
                         char rest[ROWS_IO_REST_BYTES])
{
    struct relud_error ignored = {0};
    struct wanted wanted = {.top_k = 1};
    bool is_other = false;
    if (request->media_in != MEDIA_JSON || request->query_len || !has_words(*named) ||
        !read_rows(request, NULL, body, len, array, rest, &ignored))
        return false;
    struct json_in *document = json_in_open(rest, &ignored);
    if (document && read_members(document, &wanted, &ignored))
        is_other = wanted.model && strcmp(wanted.model, (*named)->name) != 0;
    json_in_close(document);
    if (is_other)
        *named = NULL;
    return is_other;
}

static enum read_verdict read_body(struct request *request, struct wanted *wanted, const char *body,
                                   size_t len, int64_t begin_ns)
{
    const struct served_model *named = request->service->turn.catalog->unnamed, *served;
    bool is_json = request->media_in == MEDIA_JSON;
    if ((!is_json || wanted->model || wanted->version) &&
        !(named = prediction_choose(request, wanted->model, wanted->version)))
        return READ_ANSWERED;
    struct relud_json_array array = {.capacity = rows_io_named_floats(request, named, body, len)};
    array.values = body_reader_rows(request, array.capacity);
    if (!array.values)
        return request_verdict(request);
    char rest[ROWS_IO_REST_BYTES];
    struct relud_error error;
    if (!read_rows(request, named, body, len, &array, rest, &error) &&
        !read_plainly(request, &named, body, len, &array, rest)) {
        if (error.code == RELUD_NOT_FINITE)
            prediction_count_nonfinite(request, named, NONFINITE_INPUT);
        if (!named && array.is_by_name)
            fail_names(request, "NAME");
        else
            rows_io_fail(request, &error);
        return READ_ANSWERED;
    }
    size_t rows = 0;
    served = is_json ? choose(request, rest, wanted) : named;
    request->is_layered = wanted->is_layered;
    if (!served || !check_names(request, served, named, &array) ||
        !find_rows(request, served, &array, &rows) ||
        !explanations_choose(request, served, &wanted->explain,
                             array.is_by_name || request->media_in == MEDIA_CSV) ||
        !explanations_are_allowed(request, served, rows) ||
        !prediction_is_allowed(request, served, rows, row_bytes(request, served, wanted->top_k)) ||
        !is_fit(request, served, &array, wanted))
        return READ_ANSWERED;
    request->top_k = wanted->top_k;
    return prediction_submit(request, served, rows, begin_ns);
}

enum read_verdict predict_read(struct request *request, const char *body, size_t len)
{
    if (!rows_io_open(request, true))
        return READ_ANSWERED;
    int64_t begin_ns = clock_ns();
    struct wanted wanted = {.top_k = 1};
    struct json_in *query = NULL;
    enum read_verdict verdict = READ_ANSWERED;
    if (read_query(request, &wanted, &query))
        verdict = read_body(request, &wanted, body, len, begin_ns);
    if (query)
        json_in_close(query);
    if (wanted.document)
        json_in_close(wanted.document);
    return verdict;
}

static void write_class(struct request *request, const struct served_model *served, const float *p,
                        size_t class)
{
    struct text *out = &request->out;
    text_put(out, served->class_head[class]);
    rows_io_write_one(out, p[class], (enum nonfinite)request->service->config->nonfinite);
    text_put_n(out, "}", 1);
}

static void write_classes(struct request *request, const struct served_model *served,
                          const float *p, uint32_t *room, size_t top_k)
{
    enum { PIECE = 256 };
    if (top_k == 1) {
        write_class(request, served, p, ranking_first(p, served->info->classes));
        return;
    }
    const struct relud_watch watch = long_work_watch(request);
    struct ranking ranking;
    ranking_begin(&ranking, p, served->info->classes, room, &watch);
    for (size_t k = 0; k < top_k; k++) {
        if (k % PIECE == PIECE - 1 && !long_work_go_on(request))
            return;
        if (k)
            text_put_n(&request->out, ",", 1);
        write_class(request, served, p, ranking_next(&ranking));
    }
}

/* p[classes] and room[classes] are scratch memory of the caller. */
static void write_predictions(struct request *request, float *p, uint32_t *room)
{
    const struct turn_job *job = &request->job;
    const struct served_model *served = job->served;
    size_t classes = served->info->classes, outputs = served->info->outputs;
    size_t top_k = request->top_k < classes ? request->top_k : classes;
    const struct relud_watch watch = long_work_watch(request);
    text_put(&request->out, ",\"predictions\":[");
    for (size_t row = 0; row < job->rows; row++) {
        text_put(&request->out, row ? ",[" : "[");
        if (!relud_probabilities_watched(served->model, job->y + row * outputs, 1, p, &watch))
            return;
        write_classes(request, served, p, room, top_k);
        text_put_n(&request->out, "]", 1);
    }
    text_put_n(&request->out, "]", 1);
}

static void answer_predictions(struct request *request)
{
    enum { FEW = 256 };
    float few[FEW], *p = few;
    uint32_t room[FEW], *many = NULL;
    size_t classes = request->job.served->info->classes;
    if (classes > FEW) { /* p and room share one allocation */
        many = malloc(classes * (sizeof *p + sizeof *room));
        p = (float *)(many ? many + classes : NULL);
    }
    if (p)
        write_predictions(request, p, many ? many : room);
    else
        request->out.is_short = true;
    free(many);
}

static void write_layers(struct request *request)
{
    const struct turn_job *job = &request->job;
    text_put(&request->out, ",\"activations\":[");
    for (size_t row = 0; row < job->rows; row++) {
        text_put(&request->out, row ? ",[" : "[");
        if (!long_work_go_on(request))
            return;
        for (size_t i = 0; i < job->served->info->layers; i++) {
            size_t width = relud_model_layer(job->served->model, i)->outputs;
            if (i)
                text_put_n(&request->out, ",", 1);
            rows_io_answer_row(request, job->layer_out[i] + row * width, width);
        }
        text_put_n(&request->out, "]", 1);
    }
    text_put_n(&request->out, "]", 1);
}

/* Writes each row's unusual features, by name where the model names them. */
static void write_unusual(struct request *request)
{
    const struct turn_job *job = &request->job;
    const char *const *name = relud_model_feature_names(job->served->model);
    struct text *out = &request->out;
    text_put(out, ",\"unusual\":[");
    for (size_t row = 0; row < job->rows; row++) {
        size_t feature[SERVED_MODEL_UNUSUAL_MAX];
        size_t count =
            relud_drift_unusual(job->served->model, job->x + row * job->served->info->features,
                                feature, SERVED_MODEL_UNUSUAL_MAX);
        if (!long_work_go_on(request))
            return;
        text_put(out, row ? ",[" : "[");
        for (size_t i = 0; i < count && i < SERVED_MODEL_UNUSUAL_MAX; i++) {
            text_put(out, i ? "," : "");
            text_name(out, name, feature[i]);
        }
        text_put(out, "]");
    }
    text_put(out, "]");
}

void predict_write(struct request *request)
{
    const struct turn_job *job = &request->job;
    const struct relud_model_info *info = job->served->info;
    if (!prediction_check_output(request))
        return;
    const size_t shape[2] = {job->rows, info->outputs};
    if (request->media_out != MEDIA_JSON) {
        rows_io_write_rows(request, job->y, shape);
        return;
    }
    struct text *out = &request->out;
    text_put(out, job->served->prediction_head);
    rows_io_answer_tensor(request, job->y, shape, 2);
    if (info->task == RELUD_TASK_CLASSIFICATION)
        answer_predictions(request);
    if (request->is_layered)
        write_layers(request);
    if (request->unusual_rows)
        write_unusual(request);
    if (request->explain.is_wanted) {
        text_put(out, ",\"explanations\":");
        if (!explanations_write(request, false))
            return;
    }
    request_answer_json(request, "}\n");
}
