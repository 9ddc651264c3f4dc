/* POST /v2/models/M/infer: tensors as JSON, or as bytes after the JSON (the binary tensor data
 * extension). */
#include "server/api/v2.h"

#include "server/api/rows_io.h"
#include "server/base/clock.h"
#include "server/base/json_in.h"
#include "server/batch/prediction.h"
#include <stdlib.h>
#include <string.h>

/* A day; a longer timeout sets no limit. */
#define TIMEOUT_US_MAX 86400000000u

/* A request while it is read. */
struct infer_request {
    struct request *request;
    const struct served_model *served;
    size_t shape[RELUD_JSON_DEPTH_MAX];
    size_t rank, count; /* count: the product of shape */
    enum relud_dtype dtype;
    bool has_bytes; /* the tensor is in the `bytes` bytes after the JSON */
    size_t bytes;
    bool wants_binary; /* for outputs that do not say it themselves */
    size_t timeout_us; /* 0: none */
};

static bool fail(struct infer_request *asked, const char *words, const char *what)
{
    request_fail(asked->request, 400, words, what);
    return false;
}

/* ---- the JSON part ---- */

/* Checks parameters: it must be an object. Members that Triton reserves are refused; unknown
 * members are ignored. */
static bool check_parameters(struct infer_request *asked, const json_node *parameters)
{
    if (parameters && !json_node_is_object(parameters))
        return fail(asked, "%s must be an object", "parameters");
    for (const json_node *item = json_node_first(parameters); item; item = json_node_next(item)) {
        if (strncmp(json_node_name(item), "triton_", 7) == 0)
            return fail(asked, "parameter '%s' is reserved", json_node_name(item));
        if (strncmp(json_node_name(item), "shared_memory", 13) == 0)
            return fail(asked, "%s is not served here", "shared memory");
    }
    return true;
}

static bool read_bool(struct infer_request *asked, const json_node *parameters, const char *key,
                      bool *value)
{
    const json_node *item = json_node_member(parameters, key);
    if (item && !json_node_bool(item, value))
        return fail(asked, "%s must be true or false", key);
    return true;
}

/* Reads a whole number from 0; false, and answered, for anything else. */
static bool read_count(struct infer_request *asked, const json_node *node, const char *what,
                       size_t *count)
{
    double number = 0;
    if (!json_node_whole(node, 0, 9e15, &number))
        return fail(asked, "%s must be a whole number from 0", what);
    *count = (size_t)number;
    return true;
}

static bool read_shape(struct infer_request *asked, const json_node *shape)
{
    if (!shape || !json_node_is_array(shape))
        return fail(asked, "inputs[0].%s must be an array of whole numbers", "shape");
    asked->count = 1;
    for (const json_node *item = json_node_first(shape); item; item = json_node_next(item)) {
        size_t size = 0;
        if (asked->rank == RELUD_JSON_DEPTH_MAX)
            return fail(asked, "inputs[0].%s has too many dimensions", "shape");
        if (!read_count(asked, item, "each number of inputs[0].shape", &size))
            return false;
        if (size && asked->count > SIZE_MAX / 16 / size)
            return fail(asked, "the product of inputs[0].%s is too large", "shape");
        asked->shape[asked->rank++] = size;
        asked->count *= size;
    }
    return true;
}

/* inputs: NULL or an array of objects, which body_reader_json has checked. */
static bool read_input(struct infer_request *asked, const json_node *inputs)
{
    const struct relud_model_info *info = asked->served->info;
    if (!inputs || json_node_count(inputs) != 1)
        return fail(asked, "inputs must be an array with one tensor, '%s'", info->input->name);
    const json_node *input = json_node_first(inputs);
    const char *name = json_node_text(json_node_member(input, "name"));
    const char *datatype = json_node_text(json_node_member(input, "datatype"));
    const json_node *parameters = json_node_member(input, "parameters");
    if (!name)
        return fail(asked, "inputs[0].%s is missing", "name");
    if (strcmp(name, info->input->name) != 0) {
        request_fail(asked->request, 400, "model '%s' has no input '%s'; it has '%s'",
                     asked->served->name, name, info->input->name);
        return false;
    }
    if (!datatype)
        return fail(asked, "inputs[0].%s is missing", "datatype");
    asked->dtype = relud_dtype_of(datatype);
    if (asked->dtype == RELUD_DTYPES)
        return fail(asked,
                    "inputs[0].datatype '%.20s' is not taken; FP32 is, and what converts to it",
                    datatype);
    if (!read_shape(asked, json_node_member(input, "shape")) ||
        !check_parameters(asked, parameters))
        return false;
    const json_node *bytes = json_node_member(parameters, "binary_data_size");
    asked->has_bytes = bytes != NULL;
    return !bytes || read_count(asked, bytes, "binary_data_size", &asked->bytes);
}

static bool want(struct infer_request *asked, const json_node *output)
{
    struct request_infer *infer = &asked->request->infer;
    const char *name = json_node_text(json_node_member(output, "name"));
    const json_node *parameters = json_node_member(output, "parameters");
    size_t at = 0;
    if (!name)
        return fail(asked, "each of outputs must be an object with %s", "a name");
    while (at < asked->served->outputs &&
           strcmp(name, served_model_output_name(asked->served, at)) != 0)
        at++;
    if (at == asked->served->outputs)
        return fail(asked, "the model has no output '%s'", name);
    for (size_t i = 0; i < infer->wanted_len; i++)
        if (infer->wanted[i].output == at)
            return fail(asked, "output '%s' stands twice", name);
    size_t classes = 0;
    const json_node *classification = json_node_member(parameters, "classification");
    bool is_binary = asked->wants_binary;
    if (!check_parameters(asked, parameters) ||
        (classification && !read_count(asked, classification, "classification", &classes)) ||
        !read_bool(asked, parameters, "binary_data", &is_binary))
        return false;
    if (classification && classes == 0)
        return fail(asked, "%s must be at least 1", "classification");
    infer->wanted[infer->wanted_len].output = at;
    infer->wanted[infer->wanted_len].is_binary = is_binary;
    infer->wanted[infer->wanted_len++].classes = classes;
    return true;
}

static void want_all(struct infer_request *asked)
{
    struct request_infer *infer = &asked->request->infer;
    for (infer->wanted_len = 0; infer->wanted_len < asked->served->outputs; infer->wanted_len++) {
        infer->wanted[infer->wanted_len].output = infer->wanted_len;
        infer->wanted[infer->wanted_len].is_binary = asked->wants_binary;
        infer->wanted[infer->wanted_len].classes = 0;
    }
}

static bool read_outputs(struct infer_request *asked, const json_node *outputs)
{
    asked->request->infer.wanted_len = 0;
    if (outputs && !json_node_is_array(outputs))
        return fail(asked, "%s must be an array", "outputs");
    for (const json_node *output = json_node_first(outputs); output;
         output = json_node_next(output))
        if (!want(asked, output))
            return false;
    if (asked->request->infer.wanted_len == 0)
        want_all(asked);
    return true;
}

static bool read_id(struct infer_request *asked, const json_node *id)
{
    struct request_infer *infer = &asked->request->infer;
    const char *text = json_node_text(id);
    infer->has_id = text != NULL;
    if (id && !text)
        return fail(asked, "%s must be a string", "id");
    if (text && strlen(text) >= sizeof infer->id)
        return fail(asked, "%s is longer than 128 bytes", "id");
    if (text)
        memcpy(infer->id, text, strlen(text) + 1);
    return true;
}

/* Reads the JSON document without its numbers. */
static bool parse_envelope(struct infer_request *asked, const char *text)
{
    struct relud_error error = {0};
    struct json_in *document = json_in_open(text, &error);
    if (!document) {
        rows_io_fail(asked->request, &error);
        return false;
    }
    const json_node *parameters = json_in_member(document, "parameters");
    const json_node *timeout = json_node_member(parameters, "timeout");
    bool is_right = check_parameters(asked, parameters) &&
                    read_bool(asked, parameters, "binary_data_output", &asked->wants_binary) &&
                    (!timeout || read_count(asked, timeout, "timeout", &asked->timeout_us)) &&
                    read_id(asked, json_in_member(document, "id")) &&
                    read_input(asked, json_in_member(document, "inputs")) &&
                    read_outputs(asked, json_in_member(document, "outputs"));
    json_in_close(document);
    return is_right;
}

/* Most of a client's requests differ only in their numbers. So each worker keeps what it parsed
 * last. That saves 2.5 of about 5 us if the tensor comes as bytes, and of 17 us if it comes as
 * JSON. What is kept depends only on the text and the served model. */
static _Thread_local struct memo {
    uint64_t serial; /* of the served model; 0: nothing is kept */
    size_t len;
    char text[1024]; /* the JSON without numbers, as relud_json_read leaves it */
    bool is_whole;   /* the client's JSON was this text, byte for byte: it need not be read again */
    struct infer_request asked;
    struct request_infer infer;
} memo;

static bool recall(struct infer_request *asked, const char *text, size_t len)
{
    struct request *request = asked->request;
    if (memo.serial != asked->served->serial || memo.len != len ||
        memcmp(memo.text, text, len) != 0)
        return false;
    *asked = memo.asked;
    asked->request = request;
    asked->served = request->served;
    request->infer = memo.infer;
    return true;
}

/* Reads `text`, what relud_json_read left. is_whole: it is all that the client sent, byte for
 * byte. */
static bool read_envelope(struct infer_request *asked, const char *text, bool is_whole)
{
    size_t len = strlen(text);
    if (recall(asked, text, len)) {
        memo.is_whole |= is_whole;
        return true;
    }
    if (!parse_envelope(asked, text))
        return false;
    if (len < sizeof memo.text) {
        memo.serial = asked->served->serial;
        memo.len = len;
        memcpy(memo.text, text, len);
        memo.is_whole = is_whole;
        memo.asked = *asked;
        memo.infer = asked->request->infer;
    }
    return true;
}

/* ---- the numbers ---- */

/* How much of the body is JSON. False, and answered, if Inference-Header-Content-Length is
 * wrong. */
static bool read_header_len(struct infer_request *asked, size_t body_len, size_t *header_len)
{
    const char *text = asked->request->inference_header_length;
    char *end;
    *header_len = body_len;
    if (!text)
        return true;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || strlen(text) > 18)
        return fail(asked, "Inference-Header-Content-Length '%.30s' is not a number of bytes",
                    text);
    if (number > body_len)
        return fail(asked, "Inference-Header-Content-Length %.30s is more than the body has", text);
    *header_len = (size_t)number;
    return true;
}

/* Finds the rows: the tensor's shape must be rows of the model's features, or one such row. */
static bool find_rows(struct infer_request *asked, size_t *rows)
{
    const struct relud_model_info *info = asked->served->info;
    struct shape_text found, wanted;
    *rows = prediction_count_rows(asked->served, asked->shape, asked->rank, true);
    if (*rows)
        return true;
    request_fail(asked->request, 400, "input '%s' has shape %s; model '%s' wants %s",
                 info->input->name, prediction_shape("", asked->shape, asked->rank, &found),
                 asked->served->name,
                 prediction_shape("-1", info->input->shape, info->input->rank, &wanted));
    return false;
}

/* Checks that each byte of a BOOL tensor is 0 or 1. For other types every bit pattern is a
 * number. */
static bool check_booleans(struct infer_request *asked, const char *bytes)
{
    enum { PIECE = 128 * 1024 };
    char place[RELUD_JSON_DEPTH_MAX * 22 + 80];
    size_t bad = 0;
    while (bad < asked->count && (unsigned char)bytes[bad] < 2)
        if (++bad % PIECE == 0 && !long_work_go_on(asked->request))
            return false; /* the request has ended */
    if (bad == asked->count)
        return true;
    rows_io_place(place, sizeof place, asked->served->info->input->name, asked->shape, asked->rank,
                  bad);
    request_fail(asked->request, 400, "%s is %d; a BOOL is 0 or 1", place,
                 (unsigned char)bytes[bad]);
    return false;
}

/* Converts the tensor's `len` bytes to values. */
static bool read_bytes(struct infer_request *asked, const char *bytes, size_t len, float *values)
{
    struct request *request = asked->request;
    size_t each = relud_dtype_bytes(asked->dtype);
    if (len % each != 0 || len / each != asked->count) {
        request_fail(request, 400, "input '%s' has %zu bytes; its shape wants %zu numbers of %zu",
                     asked->served->info->input->name, len, asked->count, each);
        return false;
    }
    if (asked->dtype == RELUD_BOOL && !check_booleans(asked, bytes))
        return false;
    if (!body_reader_elements(request, asked->dtype, bytes, asked->count, values))
        return false; /* the request has ended */
    return rows_io_check_input(request, asked->served, asked->served->info->input->name, values,
                               asked->shape, asked->rank, asked->count);
}

/* Inference-Header-Content-Length is 0: the whole body is rows of float32, and every output is
 * wanted as bytes. */
static bool read_raw(struct infer_request *asked, const char *body, size_t len, float *values)
{
    asked->dtype = RELUD_FP32;
    asked->rank = 2;
    asked->shape[1] = asked->served->info->features;
    asked->shape[0] = len / sizeof(float) / asked->shape[1];
    asked->shape[0] += asked->shape[0] == 0;
    asked->count = asked->shape[0] * asked->shape[1];
    asked->wants_binary = true;
    asked->request->infer.has_id = false;
    want_all(asked);
    return read_bytes(asked, body, len, values);
}

/* Reads the JSON and the numbers in it. */
static bool read_json(struct infer_request *asked, const char *body, size_t len,
                      struct relud_json_array *array)
{
    struct request *request = asked->request;
    struct relud_error error;
    char rest[ROWS_IO_REST_BYTES];
    if (body_reader_json(request, body, len, "inputs", array, rest, sizeof rest, &error)) {
        /* without numbers the text is left as sent, from its first brace to its last */
        bool is_whole = !array->is_present && strlen(rest) == len;
        return read_envelope(asked, rest, is_whole);
    }
    if (error.code == RELUD_NOT_FINITE)
        prediction_count_nonfinite(request, asked->served, NONFINITE_INPUT);
    rows_io_fail(request, &error);
    return false;
}

static bool read_tensor(struct infer_request *asked, const char *body, size_t header_len,
                        size_t len, float *values, size_t capacity)
{
    struct request *request = asked->request;
    struct relud_json_array array = {.values = values,
                                     .capacity = capacity,
                                     .form = RELUD_JSON_TENSOR,
                                     .feature = asked->served->info->feature};
    size_t behind = len - header_len;
    bool is_recalled = memo.is_whole && recall(asked, body, header_len);
    if (!is_recalled && !read_json(asked, body, header_len, &array))
        return false;
    if (array.is_present && asked->has_bytes)
        return fail(asked, "inputs[0] has %s and binary_data_size", "data");
    if (!array.is_present && !asked->has_bytes)
        return fail(asked, "inputs[0].%s is missing", "data");
    if (behind > asked->bytes) {
        request_fail(request, 400, "%zu bytes stand behind the JSON; %zu belong to an input",
                     behind, asked->bytes);
        return false;
    }
    if (behind < asked->bytes) {
        request_fail(request, 400, "binary_data_size is %zu; %zu bytes stand behind the JSON",
                     asked->bytes, behind);
        return false;
    }
    if (asked->has_bytes)
        return read_bytes(asked, body + header_len, behind, values);
    if (array.count == asked->count)
        return !array.has_missing ||
               rows_io_check_input(request, asked->served, asked->served->info->input->name, values,
                                   asked->shape, asked->rank, asked->count);
    request_fail(request, 400, "inputs[0].data has %zu numbers; its shape wants %zu", array.count,
                 asked->count);
    return false;
}

/* The most bytes that a row takes in the response, with all wanted outputs. */
static size_t row_bytes(const struct request *request)
{
    const struct request_infer *infer = &request->infer;
    size_t bytes = 0;
    for (size_t i = 0; i < infer->wanted_len; i++) {
        size_t width = served_model_output_width(request->served, infer->wanted[i].output);
        size_t classes = infer->wanted[i].classes < width ? infer->wanted[i].classes : width;
        bytes += classes                      ? classes * prediction_class_bytes(request->served)
                 : infer->wanted[i].is_binary ? width * sizeof(float)
                                              : width * PREDICTION_NUMBER_BYTES;
    }
    return bytes;
}

enum read_verdict v2_infer_read(struct request *request, const char *body, size_t len)
{
    int64_t begin_ns = clock_ns();
    struct infer_request asked = {.request = request, .served = prediction_model(request)};
    size_t header_len, rows;
    if (!asked.served || !read_header_len(&asked, len, &header_len))
        return READ_ANSWERED;
    size_t behind = len - header_len, capacity = header_len / 2 + 1; /* a digit and a comma */
    if (capacity < behind)
        capacity = behind; /* each byte may be one number */
    float *values = body_reader_rows(request, capacity);
    if (!values)
        return request_verdict(request);
    bool is_read = request->inference_header_length && header_len == 0
                       ? read_raw(&asked, body, len, values)
                       : read_tensor(&asked, body, header_len, len, values, capacity);
    if (!is_read || !find_rows(&asked, &rows) ||
        !prediction_is_allowed(request, asked.served, rows, row_bytes(request)))
        return request_verdict(request);
    if (asked.timeout_us && asked.timeout_us < TIMEOUT_US_MAX)
        request_limit(request, (int64_t)asked.timeout_us * 1000);
    if (request_refuse_late(request, clock_ns()))
        return READ_ANSWERED;
    return prediction_submit(request, asked.served, rows, begin_ns);
}
