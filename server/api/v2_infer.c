/* POST /v2/models/M/infer: tensors as JSON, or as bytes after the JSON (the binary tensor data
 * extension). */
#include "server/api/v2_infer.h"

#include "server/api/explanations.h"
#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/base/clock.h"
#include "server/batch/prediction.h"
#include <stdlib.h>
#include <string.h>

/* A day; a longer timeout sets no limit. */
#define TIMEOUT_US_MAX 86400000000u

bool infer_fail(struct infer_request *asked, const char *words, const char *what)
{
    request_fail(asked->request, 400, words, what);
    return false;
}

/* ---- the JSON part ---- */

bool infer_check_parameters(struct infer_request *asked, const json_node *parameters)
{
    if (parameters && !json_node_is_object(parameters))
        return infer_fail(asked, "%s must be an object", "parameters");
    for (const json_node *item = json_node_first(parameters); item; item = json_node_next(item)) {
        if (strncmp(json_node_name(item), "triton_", 7) == 0)
            return infer_fail(asked, "parameter '%s' is reserved", json_node_name(item));
        if (strncmp(json_node_name(item), "shared_memory", 13) == 0)
            return infer_fail(asked, "%s is not served here", "shared memory");
    }
    return true;
}

static bool read_bool(struct infer_request *asked, const json_node *parameters, const char *key,
                      bool *value)
{
    const json_node *item = json_node_member(parameters, key);
    if (item && !json_node_bool(item, value))
        return infer_fail(asked, "%s must be true or false", key);
    return true;
}

bool infer_read_count(struct infer_request *asked, const json_node *node, const char *what,
                      size_t *count)
{
    double number = 0;
    if (!json_node_whole(node, 0, 9e15, &number))
        return infer_fail(asked, "%s must be a whole number from 0", what);
    *count = (size_t)number;
    return true;
}

static bool want(struct infer_request *asked, const json_node *output)
{
    struct request_infer *infer = &asked->request->infer;
    const char *name = json_node_text(json_node_member(output, "name"));
    const json_node *parameters = json_node_member(output, "parameters");
    size_t at = 0;
    if (!name)
        return infer_fail(asked, "each of outputs must be an object with %s", "a name");
    while (at < asked->served->outputs &&
           strcmp(name, served_model_output_name(asked->served, at)) != 0)
        at++;
    if (at == asked->served->outputs)
        return infer_fail(asked, "the model has no output '%s'", name);
    for (size_t i = 0; i < infer->wanted_len; i++)
        if (infer->wanted[i].output == at)
            return infer_fail(asked, "output '%s' stands twice", name);
    size_t classes = 0;
    const json_node *classification = json_node_member(parameters, "classification");
    bool is_binary = asked->wants_binary;
    if (!infer_check_parameters(asked, parameters) ||
        (classification && !infer_read_count(asked, classification, "classification", &classes)) ||
        !read_bool(asked, parameters, "binary_data", &is_binary))
        return false;
    if (classification && classes == 0)
        return infer_fail(asked, "%s must be at least 1", "classification");
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
        return infer_fail(asked, "%s must be an array", "outputs");
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
        return infer_fail(asked, "%s must be a string", "id");
    if (text && strlen(text) >= sizeof infer->id)
        return infer_fail(asked, "%s is longer than 128 bytes", "id");
    if (text)
        memcpy(infer->id, text, strlen(text) + 1);
    return true;
}

/* Where inputs have names, contributions go by them. */
static bool read_explain(struct infer_request *asked, const json_node *parameters)
{
    struct explain_member member = {0};
    struct relud_error error;
    if (!explanations_read(json_node_member(parameters, "explain"),
                           json_node_member(parameters, "border"), &member, &error))
        return infer_fail(asked, "%s", error.text);
    return explanations_choose(asked->request, asked->served, &member,
                               asked->served->info->inputs > 1);
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
    bool is_right = infer_check_parameters(asked, parameters) &&
                    read_bool(asked, parameters, "binary_data_output", &asked->wants_binary) &&
                    (!timeout || infer_read_count(asked, timeout, "timeout", &asked->timeout_us)) &&
                    read_explain(asked, parameters) &&
                    read_id(asked, json_in_member(document, "id")) &&
                    infer_read_inputs(asked, json_in_member(document, "inputs")) &&
                    read_outputs(asked, json_in_member(document, "outputs"));
    json_in_close(document);
    return is_right;
}

/* Most of a client's requests differ only in their numbers. So each worker keeps what it parsed
 * last. That saves 2.5 of about 5 us if the tensor comes as bytes, and of 17 us if it comes as
 * JSON. What is kept depends only on the text and the served model. */
enum { MEMO_TENSORS = 64, MEMO_BYTES = 4096 };
static _Thread_local struct memo {
    uint64_t serial; /* of the served model; 0: nothing is kept */
    size_t len;
    char text[MEMO_BYTES]; /* the JSON without numbers, as relud_json_read leaves it */
    bool is_whole; /* the client's JSON was this text, byte for byte: it need not be read again */
    struct infer_request asked;
    struct infer_input input[MEMO_TENSORS];
    struct request_infer infer;
    struct request_explain explain;
} memo;

static bool recall(struct infer_request *asked, const char *text, size_t len)
{
    const struct infer_request now = *asked;
    if (memo.serial != asked->served->serial || memo.len != len ||
        memcmp(memo.text, text, len) != 0)
        return false;
    *asked = memo.asked;
    asked->request = now.request;
    asked->served = now.served;
    asked->input = now.input;
    memcpy(asked->input, memo.input, infer_tensors(now.served) * sizeof *memo.input);
    asked->request->infer = memo.infer;
    asked->request->explain = memo.explain;
    return true;
}

/* Reads `text`, what relud_json_read left. is_whole: it is all that the client sent, byte for
 * byte. */
static bool read_envelope(struct infer_request *asked, const char *text, bool is_whole)
{
    size_t len = strlen(text), tensors = infer_tensors(asked->served);
    if (recall(asked, text, len)) {
        memo.is_whole |= is_whole;
        return true;
    }
    if (!parse_envelope(asked, text))
        return false;
    if (len < sizeof memo.text && tensors <= MEMO_TENSORS) {
        memo.serial = asked->served->serial;
        memo.len = len;
        memcpy(memo.text, text, len);
        memo.is_whole = is_whole;
        memo.asked = *asked;
        memcpy(memo.input, asked->input, tensors * sizeof *memo.input);
        memo.infer = asked->request->infer;
        memo.explain = asked->request->explain;
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
        return infer_fail(asked, "Inference-Header-Content-Length '%.30s' is not a number of bytes",
                          text);
    if (number > body_len)
        return infer_fail(asked, "Inference-Header-Content-Length %.30s is more than the body has",
                          text);
    *header_len = (size_t)number;
    return true;
}

/* Inference-Header-Content-Length is 0: the whole body is rows of float32, and every output is
 * wanted as bytes. */
static bool read_raw(struct infer_request *asked, const char *body, size_t len, float *values)
{
    struct relud_error error;
    size_t features = asked->served->info->features, rows = len / sizeof(float) / features;
    struct infer_input *input = &asked->input[infer_whole(asked->served)];
    if (!rows_check_wants_numbers(asked->served, &error)) {
        rows_io_fail(asked->request, &error);
        return false;
    }
    asked->rows = rows + (rows == 0);
    *input = (struct infer_input){.is_there = true,
                                  .has_bytes = true,
                                  .dtype = RELUD_FP32,
                                  .bytes = len,
                                  .shape = {asked->rows, features},
                                  .rank = 2,
                                  .count = asked->rows * features};
    asked->given = asked->with_bytes = 1;
    asked->bytes = len;
    asked->wants_binary = true;
    asked->request->infer.has_id = false;
    want_all(asked);
    return infer_check_bytes(asked) && infer_read_bytes(asked, body, values) &&
           infer_finish(asked, values, false);
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

/* Checks that each tensor has its numbers, in the JSON or behind it. */
static bool check_data(struct infer_request *asked, const struct relud_json_array *array)
{
    struct request *request = asked->request;
    for (size_t i = 0; i < array->tensors; i++) {
        const struct relud_json_tensor *found = &array->tensor[i];
        const struct infer_input *input = &asked->input[found->column];
        if (input->has_bytes)
            request_fail(request, 400, "inputs[%zu] has data and binary_data_size", found->index);
        else if (found->count != input->count)
            request_fail(request, 400, "inputs[%zu].data has %zu %s; its shape wants %zu",
                         found->index, found->count,
                         input->dtype == RELUD_DTYPES ? "words" : "numbers", input->count);
        else
            continue;
        return false;
    }
    if (array->tensors + asked->with_bytes == asked->given)
        return true;
    for (size_t i = 0; i < infer_tensors(asked->served); i++) {
        const struct infer_input *input = &asked->input[i];
        bool is_found = !input->is_there || input->has_bytes;
        for (size_t k = 0; !is_found && k < array->tensors; k++)
            is_found = array->tensor[k].column == i;
        if (is_found)
            continue;
        request_fail(request, 400, "inputs[%zu].data is missing", input->index);
        break;
    }
    return false;
}

static bool read_tensors(struct infer_request *asked, const char *body, size_t header_len,
                         size_t len, struct relud_json_array *array)
{
    struct request *request = asked->request;
    size_t behind = len - header_len, features = asked->served->info->features;
    bool is_recalled = memo.is_whole && recall(asked, body, header_len);
    if ((!is_recalled && !read_json(asked, body, header_len, array)) || !check_data(asked, array))
        return false;
    if (behind > asked->bytes)
        request_fail(request, 400, "%zu bytes stand behind the JSON; %zu belong to an input",
                     behind, asked->bytes);
    else if (behind < asked->bytes)
        request_fail(request, 400, "binary_data_size is %zu; %zu bytes stand behind the JSON",
                     asked->bytes, behind);
    else if (asked->with_bytes && !infer_check_bytes(asked))
        ;
    else if (asked->rows > array->capacity / features)
        request_fail(request, 413, "the rows have %zu numbers each; at most %zu are taken at once",
                     features, array->capacity);
    else
        return (!asked->with_bytes || infer_read_bytes(asked, body + header_len, array->values)) &&
               infer_finish(asked, array->values, !asked->with_bytes && !array->has_missing);
    return false;
}

/* The most bytes that a row takes in the response, with all wanted outputs. */
static size_t row_bytes(const struct request *request)
{
    const struct request_infer *infer = &request->infer;
    /* in a string, each quote of the explanations takes two bytes */
    size_t bytes = 2 * explanations_row_bytes(request, request->served);
    for (size_t i = 0; i < infer->wanted_len; i++) {
        size_t width = served_model_output_width(request->served, infer->wanted[i].output);
        size_t classes = infer->wanted[i].classes < width ? infer->wanted[i].classes : width;
        bytes += classes                      ? classes * prediction_class_bytes(request->served)
                 : infer->wanted[i].is_binary ? width * sizeof(float)
                                              : width * PREDICTION_NUMBER_BYTES;
    }
    return bytes;
}

/* Reads the body. found[infer_tensors] is scratch memory. False, and perhaps answered, if there is
 * no room or it is wrong. */
static bool read_body(struct infer_request *asked, const char *body, size_t header_len, size_t len,
                      struct relud_json_tensor *found)
{
    struct request *request = asked->request;
    const struct served_model *served = asked->served;
    struct relud_json_array array = {.capacity = infer_floats(asked, header_len, len - header_len),
                                     .form = RELUD_JSON_TENSOR,
                                     .name = infer_whole_name(served),
                                     .columns = &served->inputs,
                                     .feature = served->info->feature,
                                     .tensor = found,
                                     .tensors_max = infer_tensors(served)};
    array.values = body_reader_rows(request, array.capacity);
    if (!array.values)
        return false;
    return request->inference_header_length && header_len == 0
               ? read_raw(asked, body, len, array.values)
               : read_tensors(asked, body, header_len, len, &array);
}

enum read_verdict v2_infer_read(struct request *request, const char *body, size_t len)
{
    enum { FEW = 32 };
    struct infer_input few[FEW];
    struct relud_json_tensor few_found[FEW], *found = few_found;
    int64_t begin_ns = clock_ns();
    struct infer_request asked = {
        .request = request, .served = prediction_model(request), .input = few};
    size_t header_len, tensors = asked.served ? infer_tensors(asked.served) : 0;
    if (!asked.served || !read_header_len(&asked, len, &header_len))
        return READ_ANSWERED;
    void *many = NULL;
    if (tensors > FEW) { /* both share one allocation */
        many = malloc(tensors * (sizeof *asked.input + sizeof *found));
        asked.input = many;
        found = many ? (struct relud_json_tensor *)(asked.input + tensors) : NULL;
    }
    if (asked.input)
        memset(asked.input, 0, tensors * sizeof *asked.input);
    else
        request_fail(request, 503, "out of memory");
    bool is_read = asked.input && read_body(&asked, body, header_len, len, found);
    free(many);
    if (!is_read || !explanations_are_allowed(request, asked.served, asked.rows) ||
        !prediction_is_allowed(request, asked.served, asked.rows, row_bytes(request)))
        return request_verdict(request);
    if (asked.timeout_us && asked.timeout_us < TIMEOUT_US_MAX)
        request_limit(request, (int64_t)asked.timeout_us * 1000);
    if (request_refuse_late(request, clock_ns()))
        return READ_ANSWERED;
    return prediction_submit(request, asked.served, asked.rows, begin_ns);
}
