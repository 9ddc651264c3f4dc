/* POST /v2/models/M/infer: tensors as JSON, or behind the JSON as bytes (the binary tensor data extension). */
#include "server/api_v2.h"

#include "server/clock.h"
#include "server/json_in.h"
#include "server/native.h"
#include "server/prediction.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A day: more is no limit. */
#define TIMEOUT_US_MAX 86400000000u

/* A request on its way in. */
struct request {
    struct exchange *exchange;
    const struct entry *entry;
    size_t shape[RELUD_JSON_DEPTH_MAX];
    size_t rank, count; /* count: the product of shape */
    enum relud_dtype dtype;
    bool has_bytes; /* the tensor is behind the JSON, this long */
    size_t bytes;
    bool wants_binary; /* outputs that say nothing else */
    size_t timeout_us; /* 0: none */
};

static bool fail(struct request *request, const char *words, const char *what)
{
    exchange_fail(request->exchange, 400, words, what);
    return false;
}

/* ---- the JSON part ---- */

/* parameters: an object, of which members Triton keeps for itself are refused. */
static bool check_parameters(struct request *request, const json_node *parameters)
{
    if (parameters && !json_node_is_object(parameters))
        return fail(request, "%s must be an object", "parameters");
    for (const json_node *item = json_node_first(parameters); item; item = json_node_next(item)) {
        if (strncmp(json_node_name(item), "triton_", 7) == 0)
            return fail(request, "parameter '%.60s' is reserved", json_node_name(item));
        if (strncmp(json_node_name(item), "shared_memory", 13) == 0)
            return fail(request, "%s is not served here", "shared memory");
        if (json_node_is_object(item) || json_node_is_array(item))
            return fail(request, "parameter '%.60s' must be a string, number or boolean",
                        json_node_name(item));
    }
    return true;
}

static bool read_bool(struct request *request, const json_node *parameters, const char *key,
                      bool *value)
{
    const json_node *item = json_node_member(parameters, key);
    return !item || json_node_bool(item, value) || fail(request, "%s must be true or false", key);
}

/* A whole number from 0; false, and answered, for anything else. */
static bool read_count(struct request *request, const json_node *node, const char *what,
                       size_t *count)
{
    double number = -1;
    if (!json_node_number(node, &number) || number < 0 || number > 9e15 || number != floor(number))
        return fail(request, "%s must be a whole number from 0", what);
    *count = (size_t)number;
    return true;
}

static bool read_shape(struct request *request, const json_node *shape)
{
    if (!shape || !json_node_is_array(shape))
        return fail(request, "inputs[0].%s must be an array of whole numbers", "shape");
    request->count = 1;
    for (const json_node *item = json_node_first(shape); item; item = json_node_next(item)) {
        size_t size = 0;
        if (request->rank == RELUD_JSON_DEPTH_MAX)
            return fail(request, "inputs[0].%s has too many dimensions", "shape");
        if (!read_count(request, item, "each number of inputs[0].shape", &size))
            return false;
        if (size && request->count > SIZE_MAX / 16 / size)
            return fail(request, "the product of inputs[0].%s is too large", "shape");
        request->shape[request->rank++] = size;
        request->count *= size;
    }
    return true;
}

static bool read_input(struct request *request, const json_node *inputs)
{
    const struct relud_model_info *info = request->entry->info;
    if (!inputs || !json_node_is_array(inputs) || json_node_count(inputs) != 1)
        return fail(request, "inputs must be an array with one tensor, '%s'", info->input_name);
    const json_node *input = json_node_first(inputs);
    if (!json_node_is_object(input))
        return fail(request, "%s must be an object", "inputs[0]");
    const char *name = json_node_text(json_node_member(input, "name"));
    const char *datatype = json_node_text(json_node_member(input, "datatype"));
    const json_node *parameters = json_node_member(input, "parameters");
    if (!name)
        return fail(request, "inputs[0].%s is missing", "name");
    if (strcmp(name, info->input_name) != 0) {
        exchange_fail(request->exchange, 400, "model '%s' has no input '%.60s'; it has '%s'",
                      request->entry->name, name, info->input_name);
        return false;
    }
    if (!datatype)
        return fail(request, "inputs[0].%s is missing", "datatype");
    request->dtype = relud_dtype_of(datatype);
    if (request->dtype == RELUD_DTYPES)
        return fail(request,
                    "inputs[0].datatype '%.20s' is not taken; FP32 is, and what converts to it",
                    datatype);
    if (!read_shape(request, json_node_member(input, "shape")) ||
        !check_parameters(request, parameters))
        return false;
    const json_node *bytes = json_node_member(parameters, "binary_data_size");
    request->has_bytes = bytes != NULL;
    return !bytes || read_count(request, bytes, "binary_data_size", &request->bytes);
}

static bool want(struct request *request, const json_node *output)
{
    struct exchange_infer *infer = &request->exchange->infer;
    const char *name = json_node_text(json_node_member(output, "name"));
    const json_node *parameters = json_node_member(output, "parameters");
    size_t at = 0;
    if (!name)
        return fail(request, "each of outputs must be an object with %s", "a name");
    while (at < request->entry->outputs && strcmp(name, entry_output_name(request->entry, at)) != 0)
        at++;
    if (at == request->entry->outputs)
        return fail(request, "the model has no output '%.60s'", name);
    for (size_t i = 0; i < infer->wanted_len; i++)
        if (infer->wanted[i].output == at)
            return fail(request, "output '%.60s' stands twice", name);
    size_t classes = 0;
    const json_node *classification = json_node_member(parameters, "classification");
    bool is_binary = request->wants_binary;
    if (!check_parameters(request, parameters) ||
        (classification && !read_count(request, classification, "classification", &classes)) ||
        !read_bool(request, parameters, "binary_data", &is_binary))
        return false;
    if (classification && classes == 0)
        return fail(request, "%s must be at least 1", "classification");
    infer->wanted[infer->wanted_len].output = at;
    infer->wanted[infer->wanted_len].is_binary = is_binary;
    infer->wanted[infer->wanted_len++].classes = classes;
    return true;
}

static void want_all(struct request *request)
{
    struct exchange_infer *infer = &request->exchange->infer;
    for (infer->wanted_len = 0; infer->wanted_len < request->entry->outputs; infer->wanted_len++) {
        infer->wanted[infer->wanted_len].output = infer->wanted_len;
        infer->wanted[infer->wanted_len].is_binary = request->wants_binary;
        infer->wanted[infer->wanted_len].classes = 0;
    }
}

static bool read_outputs(struct request *request, const json_node *outputs)
{
    request->exchange->infer.wanted_len = 0;
    if (outputs && !json_node_is_array(outputs))
        return fail(request, "%s must be an array", "outputs");
    for (const json_node *output = json_node_first(outputs); output;
         output = json_node_next(output))
        if (!want(request, output))
            return false;
    if (request->exchange->infer.wanted_len == 0)
        want_all(request);
    return true;
}

static bool read_id(struct request *request, const json_node *id)
{
    struct exchange_infer *infer = &request->exchange->infer;
    const char *text = json_node_text(id);
    infer->has_id = text != NULL;
    if (id && !text)
        return fail(request, "%s must be a string", "id");
    if (text && strlen(text) >= sizeof infer->id)
        return fail(request, "%s is longer than 128 bytes", "id");
    if (text)
        memcpy(infer->id, text, strlen(text) + 1);
    return true;
}

/* The document without its numbers. */
static bool parse_envelope(struct request *request, const char *text)
{
    struct relud_error error = {0};
    struct json_in *document = json_in_open(text, &error);
    if (!document) {
        native_fail(request->exchange, &error);
        return false;
    }
    const json_node *parameters = json_in_member(document, "parameters");
    const json_node *timeout = json_node_member(parameters, "timeout");
    bool is_right = check_parameters(request, parameters) &&
                    read_bool(request, parameters, "binary_data_output", &request->wants_binary) &&
                    (!timeout || read_count(request, timeout, "timeout", &request->timeout_us)) &&
                    read_id(request, json_in_member(document, "id")) &&
                    read_input(request, json_in_member(document, "inputs")) &&
                    read_outputs(request, json_in_member(document, "outputs"));
    json_in_close(document);
    return is_right;
}

/* A client's requests mostly differ in nothing but their numbers: what a worker parsed last is kept. */
static _Thread_local struct memo {
    uint64_t serial; /* of the entry it was for; 0: nothing is kept */
    size_t len;
    char text[1024];
    struct request request;
    struct exchange_infer infer;
} memo;

static bool recall(struct request *request, const char *text, size_t len)
{
    struct exchange *exchange = request->exchange;
    if (memo.serial != request->entry->serial || memo.len != len ||
        memcmp(memo.text, text, len) != 0)
        return false;
    *request = memo.request;
    request->exchange = exchange;
    request->entry = exchange->entry;
    exchange->infer = memo.infer;
    return true;
}

static bool read_envelope(struct request *request, const char *text)
{
    size_t len = strlen(text);
    if (recall(request, text, len))
        return true;
    if (!parse_envelope(request, text))
        return false;
    if (len < sizeof memo.text) {
        memo.serial = request->entry->serial;
        memo.len = len;
        memcpy(memo.text, text, len);
        memo.request = *request;
        memo.infer = request->exchange->infer;
    }
    return true;
}

/* ---- the numbers ---- */

/* How much of the body is JSON; false, and answered, when Inference-Header-Content-Length does not say. */
static bool read_header_len(struct request *request, size_t body_len, size_t *header_len)
{
    const char *text = request->exchange->inference_header_length;
    char *end;
    *header_len = body_len;
    if (!text)
        return true;
    unsigned long long number = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || strlen(text) > 18)
        return fail(request, "Inference-Header-Content-Length '%.30s' is not a number of bytes",
                    text);
    if (number > body_len)
        return fail(request, "Inference-Header-Content-Length %.30s is more than the body has",
                    text);
    *header_len = (size_t)number;
    return true;
}

/* The tensor's shape must be rows of the model's features, or one such row. */
static bool find_rows(struct request *request, size_t *rows)
{
    size_t features = request->entry->info->features;
    char shape[RELUD_JSON_DEPTH_MAX * 21 + 3] = "[";
    *rows = request->rank > 1 || features == 1 ? request->shape[0] : 1;
    if (request->rank && *rows && request->count % features == 0 &&
        request->count / features == *rows)
        return true;
    size_t len = 1;
    for (size_t i = 0; i < request->rank; i++)
        len += (size_t)snprintf(shape + len, sizeof shape - len, i ? ",%zu" : "%zu",
                                request->shape[i]);
    exchange_fail(request->exchange, 400, "input '%s' has shape %s]; model '%s' wants [-1,%zu]",
                  request->entry->info->input_name, shape, request->entry->name, features);
    return false;
}

/* `len` bytes of the tensor into values. */
static bool read_bytes(struct request *request, const char *bytes, size_t len, float *values)
{
    struct exchange *exchange = request->exchange;
    size_t each = relud_dtype_bytes(request->dtype);
    if (len % each != 0 || len / each != request->count) {
        exchange_fail(exchange, 400, "input '%s' has %zu bytes; its shape wants %zu numbers of %zu",
                      request->entry->info->input_name, len, request->count, each);
        return false;
    }
    relud_dtype_read(request->dtype, bytes, request->count, values);
    if (native_check_finite(exchange, request->entry->info->input_name, values, request->shape,
                            request->rank, request->count))
        return true;
    prediction_count_nonfinite(exchange, request->entry, NONFINITE_INPUT);
    return false;
}

/* Inference-Header-Content-Length 0: the whole body is rows of float32, and every output is wanted as bytes. */
static bool read_raw(struct request *request, const char *body, size_t len, float *values)
{
    request->dtype = RELUD_FP32;
    request->rank = 2;
    request->shape[1] = request->entry->info->features;
    request->shape[0] = len / sizeof(float) / request->shape[1];
    request->shape[0] += request->shape[0] == 0;
    request->count = request->shape[0] * request->shape[1];
    request->wants_binary = true;
    request->exchange->infer.has_id = false;
    want_all(request);
    return read_bytes(request, body, len, values);
}

/* The JSON, with the numbers in it. False, too, and unanswered, where more of it is to be read in the next turn. */
static bool read_json(struct request *request, const char *body, size_t len,
                      struct relud_json_array *array)
{
    struct exchange *exchange = request->exchange;
    struct relud_error error;
    char rest[NATIVE_REST_BYTES];
    enum reading_result result =
        reading_json(exchange, body, len, "inputs", array, rest, sizeof rest, &error);
    if (result == READING_DONE)
        return read_envelope(request, rest);
    if (result == READING_LATER)
        return false;
    if (error.code == RELUD_NOT_FINITE)
        prediction_count_nonfinite(exchange, request->entry, NONFINITE_INPUT);
    native_fail(exchange, &error);
    return false;
}

static bool read_tensor(struct request *request, const char *body, size_t header_len, size_t len,
                        float *values, size_t capacity)
{
    struct exchange *exchange = request->exchange;
    struct relud_json_array array = {
        .values = values, .capacity = capacity, .form = RELUD_JSON_TENSOR};
    size_t behind = len - header_len;
    bool is_recalled = behind && memo.request.has_bytes && recall(request, body, header_len);
    if (!is_recalled && !read_json(request, body, header_len, &array))
        return false;
    if (array.is_present && request->has_bytes)
        return fail(request, "inputs[0] has %s and binary_data_size", "data");
    if (!array.is_present && !request->has_bytes)
        return fail(request, "inputs[0].%s is missing", "data");
    if (behind > request->bytes) {
        exchange_fail(exchange, 400, "%zu bytes stand behind the JSON; %zu belong to an input",
                      behind, request->bytes);
        return false;
    }
    if (behind < request->bytes) {
        exchange_fail(exchange, 400, "binary_data_size is %zu; %zu bytes stand behind the JSON",
                      request->bytes, behind);
        return false;
    }
    if (request->has_bytes)
        return read_bytes(request, body + header_len, behind, values);
    if (array.count == request->count)
        return true;
    exchange_fail(exchange, 400, "inputs[0].data has %zu numbers; its shape wants %zu", array.count,
                  request->count);
    return false;
}

bool v2_infer_read(struct exchange *exchange, const char *body, size_t len)
{
    int64_t begin_ns = clock_ns();
    struct request request = {.exchange = exchange, .entry = prediction_entry(exchange)};
    size_t header_len, rows;
    if (!request.entry || !read_header_len(&request, len, &header_len))
        return true;
    size_t behind = len - header_len, capacity = header_len / 2 + 1; /* a digit and a comma */
    if (capacity < behind)
        capacity = behind; /* bytes may be numbers */
    float *values = turn_rows(&exchange->service->turn, &exchange->job, capacity);
    if (!values)
        return false;
    bool is_read = exchange->inference_header_length && header_len == 0
                       ? read_raw(&request, body, len, values)
                       : read_tensor(&request, body, header_len, len, values, capacity);
    if (!is_read || !find_rows(&request, &rows) ||
        !prediction_is_allowed(exchange, request.entry, rows))
        return exchange->step != EXCHANGE_NEW;
    if (request.timeout_us && request.timeout_us < TIMEOUT_US_MAX)
        exchange_limit(exchange, (int64_t)request.timeout_us * 1000);
    if (exchange_refuse_late(exchange, clock_ns()))
        return true;
    return prediction_submit(exchange, request.entry, rows, begin_ns);
}
