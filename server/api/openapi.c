/* GET /openapi.json: the file server/api/openapi.json, whose marks are replaced by what depends on
 * the models served, the activations and the settings. The program holds it compressed. */
#include "server/api/admin.h"

#include "server/api/openapi_examples.h"
#include "server/base/content_coding.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

__asm__(".pushsection .rodata\n"
        "openapi_begin: .incbin \"build/generated/openapi.json.gz\"\n"
        "openapi_end: .balign 4\n"
        "openapi_len: .long openapi_end - openapi_begin\n"
        ".popsection\n");
extern const char openapi_begin[];
extern const uint32_t openapi_len;

/* Writes "enum": [...] with text_of(served) for each model served, each text once. */
static void write_enum(struct request *request, const struct catalog *catalog,
                       const char *(*text_of)(const struct served_model *))
{
    struct text *out = &request->out;
    const char *comma = "\"enum\": [";
    for (size_t i = 0; i < catalog->items; i++) {
        const struct served_model *served = catalog->item[i].served;
        bool is_known = !served;
        if (!long_work_go_on(request))
            return;
        for (size_t k = 0; k < i && !is_known; k++)
            is_known = catalog->item[k].served &&
                       strcmp(text_of(catalog->item[k].served), text_of(served)) == 0;
        if (is_known)
            continue;
        text_put(out, comma);
        text_json(out, text_of(served));
        comma = ", ";
    }
    text_put(out, "]");
}

static const char *name_of(const struct served_model *served)
{
    return served->name;
}

static const char *version_of(const struct served_model *served)
{
    return served->version;
}

/* Writes the names of all inputs. */
static void write_inputs(struct request *request, const struct catalog *catalog)
{
    enum { INPUTS_MAX = 256 };
    struct text *out = &request->out;
    const struct relud_tensor_info *all[INPUTS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < catalog->items; i++) {
        const struct served_model *served = catalog->item[i].served;
        for (size_t k = 0; served && k < served->info->inputs; k++) {
            bool is_known = false;
            for (size_t j = 0; j < count && !is_known; j++)
                is_known = strcmp(all[j]->name, served->info->input[k].name) == 0;
            if (is_known)
                continue;
            if (count == INPUTS_MAX) {
                text_put(out, "\"minLength\": 1");
                return;
            }
            all[count++] = &served->info->input[k];
        }
        if (!long_work_go_on(request))
            return;
    }
    text_put(out, "\"enum\": [");
    for (size_t j = 0; j < count; j++) {
        text_put(out, j ? ", " : "");
        text_json(out, all[j]->name);
    }
    text_put(out, "]");
}

/* Describes a row: an array of numbers, with its length, if that is the same for all models. Any
 * value, if columns have names, or may be words or missing. */
static void write_row(struct text *out, const struct catalog *catalog)
{
    size_t features = 0;
    for (size_t i = 0; catalog && i < catalog->items; i++) {
        const struct served_model *served = catalog->item[i].served;
        if (served && (served->columns.len || served->info->feature)) {
            text_put(out, "\"examples\": []");
            return;
        }
    }
    text_put(out, "\"type\": \"array\", \"items\": {\"type\": \"number\", \"format\": \"float\", "
                  "\"exclusiveMinimum\": -3.4028235677973366e+38, "
                  "\"exclusiveMaximum\": 3.4028235677973366e+38}");
    if (!catalog)
        return;
    text_put(out, ", ");
    for (size_t i = 0; i < catalog->items; i++) {
        const struct served_model *served = catalog->item[i].served;
        if (served && features && served->info->features != features) {
            text_put(out, "\"minItems\": 1");
            return;
        }
        if (served)
            features = served->info->features;
    }
    text_print(out, "\"minItems\": %zu, \"maxItems\": %zu", features, features);
}

/* Writes the names in the table of activations. */
static void write_activations(struct text *out)
{
    const struct relud_activation *activation;
    text_put(out, "\"enum\": [");
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        const struct relud_activation_info *info = relud_activation_info(activation);
        text_print(out, "%s\"%s\"", i ? ", " : "", info->name);
        if (info->alias)
            text_print(out, ", \"%s\"", info->alias);
    }
    text_put(out, "]");
}

/* True if an earlier row of the table has a parameter of the same name. */
static bool is_repeated(size_t index, const char *name)
{
    for (size_t i = 0; i < index; i++) {
        const struct relud_activation_info *info = relud_activation_info(relud_activation_at(i));
        for (size_t k = 0; k < info->parameters; k++)
            if (strcmp(info->parameter[k].name, name) == 0)
                return true;
    }
    return false;
}

static void write_parameter(struct text *out, const struct relud_parameter_info *parameter)
{
    text_print(out, "\"%s\": ", parameter->name);
    if (parameter->kind == RELUD_PARAMETER_WEIGHT) {
        /* Not described as an array: clients in Java would send an empty one if it is not set. */
        text_put(out,
                 "{\"description\": \"A slope, or one for each place of the last dimension\"}");
        return;
    }
    /* A choice may be null, too; but of an enum with null clients in Python make three classes. */
    text_put(out, parameter->choices ? "{\"type\": \"string\", \"enum\": ["
                                     : "{\"type\": [\"number\", \"null\"], \"format\": \"float\"}");
    for (size_t i = 0; parameter->choices && parameter->choices[i]; i++)
        text_print(out, "%s\"%s\"", i ? ", " : "", parameter->choices[i]);
    text_put(out, parameter->choices ? "]}" : "");
}

/* Writes the parameters of all activations as members. */
static void write_parameters(struct text *out)
{
    const struct relud_activation *activation;
    const char *comma = "";
    for (size_t i = 0; (activation = relud_activation_at(i)); i++) {
        const struct relud_activation_info *info = relud_activation_info(activation);
        for (size_t k = 0; k < info->parameters; k++) {
            if (is_repeated(i, info->parameter[k].name))
                continue;
            text_put(out, comma);
            write_parameter(out, &info->parameter[k]);
            comma = ", ";
        }
    }
}

/* Describes a number in a response: it may be null if --nonfinite says so. */
static void write_number(struct text *out, const struct config *config)
{
    bool is_null = (enum nonfinite)config->nonfinite == NONFINITE_NULL;
    text_put(out, is_null ? "\"type\": [\"number\", \"null\"], \"format\": \"float\""
                          : "\"type\": \"number\", \"format\": \"float\"");
}

static bool has_several_results(const struct catalog *catalog)
{
    for (size_t i = 0; catalog && i < catalog->items; i++)
        if (catalog->item[i].served && catalog->item[i].served->info->results > 1)
            return true;
    return false;
}

/* Describes V1's result for a row, or, if is_column, for all rows: an array of numbers, or, if a
 * model has several outputs, an object. */
static void write_result(struct text *out, const struct catalog *catalog,
                         const struct config *config, bool is_column)
{
    if (has_several_results(catalog)) {
        text_put(out, "\"description\": \"Numbers, or an object of them by the outputs' names\"");
        return;
    }
    text_put(out, "\"type\": \"array\", \"items\": {");
    if (is_column)
        text_put(out, "\"$ref\": \"#/components/schemas/Numbers\"");
    else
        write_number(out, config);
    text_put(out, "}");
}

static bool is_mark(const char *mark, size_t len, const char *name)
{
    return len > strlen(name) && memcmp(mark + 1, name, strlen(name)) == 0;
}

static void write_mark(struct request *request, const struct catalog *catalog, const char *mark,
                       size_t len)
{
    const struct config *config = request->service->config;
    struct text *out = &request->out;
    if (is_mark(mark, len, "x-relud-activations"))
        write_activations(out);
    else if (is_mark(mark, len, "x-relud-parameters"))
        write_parameters(out);
    else if (is_mark(mark, len, "x-relud-number"))
        write_number(out, config);
    else if (is_mark(mark, len, "x-relud-result"))
        write_result(out, catalog, config, false);
    else if (is_mark(mark, len, "x-relud-columns"))
        write_result(out, catalog, config, true);
    else if (is_mark(mark, len, "x-relud-row"))
        write_row(out, catalog);
    else if (!catalog) /* no model is ready, or the caller may not know */
        text_put_n(out, mark, len);
    else if (is_mark(mark, len, "x-relud-example-predict"))
        openapi_write_examples(out, catalog, EXAMPLE_PREDICT);
    else if (is_mark(mark, len, "x-relud-example-invocation"))
        openapi_write_examples(out, catalog, EXAMPLE_INVOCATION);
    else if (is_mark(mark, len, "x-relud-example-v1"))
        openapi_write_examples(out, catalog, EXAMPLE_V1);
    else if (is_mark(mark, len, "x-relud-example-v2"))
        openapi_write_examples(out, catalog, EXAMPLE_V2);
    else if (is_mark(mark, len, "x-relud-models"))
        write_enum(request, catalog, name_of);
    else if (is_mark(mark, len, "x-relud-versions"))
        write_enum(request, catalog, version_of);
    else
        write_inputs(request, catalog);
}

/* Writes text[len] with its marks replaced. */
static void write_marked(struct request *request, const char *text, size_t len)
{
    static const char begin_mark[] = "\"x-relud-", end_mark[] = "true";
    const struct catalog *newest = request->service->turn.catalog;
    const struct catalog *catalog = newest->ready && !request->is_stranger ? newest : NULL;
    const char *at = text, *text_end = text + len;
    for (const char *mark;
         (mark = memmem(at, (size_t)(text_end - at), begin_mark, sizeof begin_mark - 1));) {
        const char *end = memmem(mark, (size_t)(text_end - mark), end_mark, sizeof end_mark - 1);
        end += sizeof end_mark - 1;
        text_put_n(&request->out, at, (size_t)(mark - at));
        write_mark(request, catalog, mark, (size_t)(end - mark));
        at = end;
    }
    text_put_n(&request->out, at, (size_t)(text_end - at));
}

enum read_verdict openapi_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    char *text = NULL;
    size_t text_len = 0;
    struct relud_error error;
    if (coding_unpack(CODING_GZIP, openapi_begin, openapi_len, TURN_ANSWER_BYTES_MAX, &text,
                      &text_len, NULL, &error))
        write_marked(request, text, text_len);
    else
        request->out.is_short = true; /* only memory can be missing */
    free(text);
    request_answer(request, 200, MEDIA_JSON_TYPE);
    return READ_ANSWERED;
}
