/* POST /relu: one activation, with its gradient if requested, of a number or of arrays nested to
 * any depth. */
#include "server/api/native.h"

#include "server/api/rows_check.h"
#include "server/api/rows_io.h"
#include "server/base/clock.h"
#include "server/base/json_in.h"
#include <stdio.h>
#include <string.h>

enum { SLOPES_MAX = 16 * 1024 };

struct wanted {
    const struct relud_activation *activation;
    struct relud_activation_params params;
    bool is_gradient;
    float slopes[SLOPES_MAX]; /* PReLU's, if the request gives them */
};

static bool read_choice(struct json_in *document, const struct relud_parameter_info *parameter,
                        float *value, struct relud_error *error)
{
    const char *word = NULL;
    if (!json_in_text(document, parameter->name, &word, error))
        return false;
    if (!word)
        return true;
    char known[128] = "";
    for (size_t i = 0; parameter->choices[i]; i++) {
        if (strcmp(parameter->choices[i], word) == 0) {
            *value = (float)i;
            return true;
        }
        size_t len = strlen(known);
        snprintf(known + len, sizeof known - len, "%s%s", i ? ", " : "", parameter->choices[i]);
    }
    return relud_fail(error, RELUD_BAD_INPUT, "%s: '%s' is not one of %s", parameter->name, word,
                      known);
}

static bool read_parameter(struct json_in *document, const struct relud_parameter_info *parameter,
                           struct wanted *wanted, float *value, struct relud_error *error)
{
    if (parameter->kind == RELUD_PARAMETER_CHOICE)
        return read_choice(document, parameter, value, error);
    if (parameter->kind == RELUD_PARAMETER_WEIGHT) {
        if (!json_in_has(document, parameter->name))
            return true;
        wanted->params.weight = wanted->slopes;
        return json_in_floats(document, parameter->name, wanted->slopes, SLOPES_MAX,
                              &wanted->params.weight_len, error);
    }
    double number = (double)*value;
    if (!json_in_number(document, parameter->name, &number, error))
        return false;
    *value = (float)number;
    return true;
}

static bool read_members(struct json_in *document, struct wanted *wanted, struct relud_error *error)
{
    const char *name = "relu";
    json_in_member(document, "input"); /* the reader left a 0 in the array's place */
    if (!json_in_text(document, "activation", &name, error) ||
        !json_in_bool(document, "gradient", &wanted->is_gradient, error))
        return false;
    wanted->activation = relud_activation_find(name);
    if (!wanted->activation) {
        struct relud_guess guess = {.word = name};
        char guessed[RELUD_GUESS_TEXT_MAX];
        relud_activation_guess(&guess);
        return relud_fail(error, RELUD_BAD_INPUT, "there is no activation '%s'%s", name,
                          relud_guess_text(&guess, "", guessed));
    }
    wanted->params = relud_activation_defaults(wanted->activation);
    const struct relud_activation_info *info = relud_activation_info(wanted->activation);
    char known[160] = "input, activation, gradient";
    for (size_t i = 0; i < info->parameters; i++) {
        size_t len = strlen(known);
        snprintf(known + len, sizeof known - len, ", %s", info->parameter[i].name);
        if (!read_parameter(document, &info->parameter[i], wanted, &wanted->params.values[i],
                            error))
            return false;
    }
    return json_in_end(document, known, error);
}

static bool read_rest(const char *rest, struct wanted *wanted, struct relud_error *error)
{
    if (strcmp(rest, "{\"input\":0}") == 0) {
        wanted->activation = relud_activation_find("relu");
        wanted->params = relud_activation_defaults(wanted->activation);
        return true;
    }
    struct json_in *document = json_in_open(rest, error);
    bool is_read = document && read_members(document, wanted, error);
    json_in_close(document);
    return is_read;
}

/* False, and answered, if a value is not finite and --nonfinite is error. */
static bool is_writable(struct request *request, const char *name, const float *values,
                        const struct relud_json_array *array)
{
    return request->service->config->nonfinite != NONFINITE_ERROR ||
           rows_check_finite(request, name, values, array->shape, array->rank, array->count);
}

static bool write_tensor(struct request *request, const char *name, const float *values,
                         const struct relud_json_array *array)
{
    if (!is_writable(request, name, values, array))
        return false;
    text_print(&request->out, ",\"%s\":", name);
    rows_io_answer_tensor(request, values, array->shape, array->rank);
    return true;
}

static void answer(struct request *request, const struct wanted *wanted,
                   const struct relud_json_array *array, float *gradient)
{
    size_t width = array->rank ? array->shape[array->rank - 1] : 1;
    size_t rows = array->count / width, slopes = wanted->params.weight_len;
    const struct relud_activation_info *info = relud_activation_info(wanted->activation);
    if (wanted->params.weight && slopes != 1 && slopes != width) {
        request_fail(request, 400,
                     "weight has %zu slopes; 1 or %zu, the last dimension of input, are wanted",
                     slopes, width);
        return;
    }
    const struct relud_watch watch = long_work_watch(request);
    if ((wanted->is_gradient &&
         !relud_activation_gradient_watched(wanted->activation, &wanted->params, array->values,
                                            gradient, rows, width, &watch)) ||
        !relud_activate_watched(wanted->activation, &wanted->params, array->values, array->values,
                                rows, width, &watch))
        return; /* the request has ended */
    if (request->media_out != MEDIA_JSON) {
        if (is_writable(request, "output", array->values, array))
            rows_io_write_binary(request, array->values, array->shape, array->rank);
        return;
    }
    text_print(&request->out, "{\"activation\":\"%s\"", info->name);
    if (!write_tensor(request, "output", array->values, array) ||
        (wanted->is_gradient && !write_tensor(request, "gradient", gradient, array)))
        return;
    request_answer_json(request, "}\n");
}

/* True if room for a gradient is needed after the numbers. For a binary body the query tells that
 * before the body is read. */
static bool may_have_gradient(const struct request *request)
{
    bool may_have = request->media_in == MEDIA_JSON || request->query_len > REQUEST_QUERY_MAX;
    for (size_t i = 0; i < request->query_len && !may_have; i++)
        may_have = request->query[i].name[0] == 'g' || request->query[i].name[0] == '%';
    return may_have;
}

enum read_verdict relu_read(struct request *request, const char *body, size_t len)
{
    if (!rows_io_open(request, false))
        return READ_ANSWERED;
    int64_t begin_ns = clock_ns();
    struct relud_json_array array = {.capacity = rows_io_floats(request, body, len)};
    array.values = body_reader_rows(request, (may_have_gradient(request) ? 2 : 1) * array.capacity);
    if (!array.values)
        return request_verdict(request);
    char rest[ROWS_IO_REST_BYTES];
    struct wanted wanted;
    wanted.is_gradient = false;
    struct relud_error error;
    if (!rows_io_read(request, "input", body, len, &array, rest, &error)) {
        rows_io_fail(request, &error);
    } else if (!array.is_present) {
        request_fail(request, 400,
                     "input is missing: {\"input\": …} with a number or nested arrays is wanted");
    } else if (!read_rest(rest, &wanted, &error)) {
        rows_io_fail(request, &error);
    } else if (wanted.is_gradient && request->media_out != MEDIA_JSON) {
        request_fail(request, 400, "gradients are given as JSON only");
    } else if (request->media_in == MEDIA_JSON ||
               rows_check_finite(request, "input", array.values, array.shape, array.rank,
                                 array.count)) {
        request->decode_ns = long_work_spent_ns(request, begin_ns);
        answer(request, &wanted, &array, array.values + array.count);
        request->encode_ns = long_work_spent_ns(request, begin_ns) - request->decode_ns;
    }
    return request_verdict(request);
}
