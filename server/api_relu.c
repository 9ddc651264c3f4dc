/* POST /relu: one activation, with its gradient when asked, on a number or on arrays nested to any depth. */
#include "server/api_native.h"

#include "server/clock.h"
#include "server/json_in.h"
#include "server/native.h"
#include <stdio.h>
#include <string.h>

enum { SLOPES_MAX = 16 * 1024 };

struct wanted {
    const struct relud_activation *activation;
    struct relud_activation_params params;
    bool is_gradient;
    float slopes[SLOPES_MAX]; /* PReLU's, when the request gives them */
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
    return relud_fail(error, RELUD_BAD_INPUT, "%s: '%.40s' is not one of %s", parameter->name, word,
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
    double ignored = 0; /* the array's place, held by a 0 */
    const char *name = "relu";
    if (!json_in_number(document, "input", &ignored, error) ||
        !json_in_text(document, "activation", &name, error) ||
        !json_in_bool(document, "gradient", &wanted->is_gradient, error))
        return false;
    wanted->activation = relud_activation_find(name);
    if (!wanted->activation)
        return relud_fail(error, RELUD_BAD_INPUT, "there is no activation '%.60s'", name);
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

/* False, and answered, when a value is not finite and --nonfinite says error. */
static bool is_writable(struct exchange *exchange, const char *name, const float *values,
                        const struct relud_json_array *array)
{
    return exchange->service->config->nonfinite != NONFINITE_ERROR ||
           native_check_finite(exchange, name, values, array->shape, array->rank, array->count);
}

static bool write_tensor(struct exchange *exchange, const char *name, const float *values,
                         const struct relud_json_array *array)
{
    if (!is_writable(exchange, name, values, array))
        return false;
    text_print(&exchange->out, ",\"%s\":", name);
    native_write_tensor(&exchange->out, values, array->shape, array->rank,
                        (enum nonfinite)exchange->service->config->nonfinite);
    return true;
}

static void answer(struct exchange *exchange, const struct wanted *wanted,
                   const struct relud_json_array *array, float *gradient)
{
    size_t width = array->rank ? array->shape[array->rank - 1] : 1;
    size_t rows = array->count / width, slopes = wanted->params.weight_len;
    const struct relud_activation_info *info = relud_activation_info(wanted->activation);
    if (wanted->params.weight && slopes != 1 && slopes != width) {
        exchange_fail(exchange, 400,
                      "weight has %zu slopes; 1 or %zu, the last dimension of input, are wanted",
                      slopes, width);
        return;
    }
    if (wanted->is_gradient)
        relud_activation_gradient(wanted->activation, &wanted->params, array->values, gradient,
                                  rows, width);
    relud_activate(wanted->activation, &wanted->params, array->values, array->values, rows, width);
    if (exchange->media_out != MEDIA_JSON) {
        if (is_writable(exchange, "output", array->values, array))
            native_write_binary(exchange, array->values, array->shape, array->rank);
        return;
    }
    text_print(&exchange->out, "{\"activation\":\"%s\"", info->name);
    if (!write_tensor(exchange, "output", array->values, array) ||
        (wanted->is_gradient && !write_tensor(exchange, "gradient", gradient, array)))
        return;
    text_put(&exchange->out, "}\n");
    exchange_answer(exchange, 200, MEDIA_JSON_TYPE);
}

bool relu_read(struct exchange *exchange, const char *body, size_t len)
{
    if (!native_open(exchange))
        return true;
    int64_t begin_ns = clock_ns();
    struct relud_json_array array = {.capacity = native_floats(exchange, len)};
    array.values = turn_rows(&exchange->service->turn, &exchange->job, 2 * array.capacity);
    if (!array.values)
        return false;
    char rest[NATIVE_REST_BYTES];
    struct wanted wanted;
    wanted.is_gradient = false;
    struct relud_error error;
    enum reading_result result = native_read(exchange, "input", body, len, &array, rest, &error);
    if (result == READING_LATER)
        return false;
    if (result == READING_FAILED) {
        native_fail(exchange, &error);
    } else if (!array.is_present) {
        exchange_fail(exchange, 400,
                      "input is missing: {\"input\": …} with a number or nested arrays is wanted");
    } else if (!read_rest(rest, &wanted, &error)) {
        native_fail(exchange, &error);
    } else if (wanted.is_gradient && exchange->media_out != MEDIA_JSON) {
        exchange_fail(exchange, 400, "gradients are given as JSON only");
    } else if (exchange->media_in == MEDIA_JSON ||
               native_check_finite(exchange, "input", array.values, array.shape, array.rank,
                                   array.count)) {
        int64_t read_ns = clock_ns();
        exchange->decode_ns = exchange->pieces_ns + read_ns - begin_ns;
        answer(exchange, &wanted, &array, array.values + array.count);
        exchange->encode_ns = clock_ns() - read_ns;
    }
    return true;
}
