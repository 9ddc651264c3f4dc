/* Examples of requests in /openapi.json, which are right as they stand: the first category of each
 * input of words, true of booleans, and row 0 of each table. */
#include "server/api/openapi_examples.h"

#include <string.h>

enum { MODELS_MAX = 16, FEATURES_MAX = 64 }; /* of more there are no examples */

/* Writes a right value of the feature: of a number the mean that it had in training. */
static void write_value(struct text *out, const struct served_model *served, size_t feature)
{
    const struct relud_training *training = served->info->training;
    const struct relud_words *words = relud_words_of(served->info->feature, feature);
    bool is_index = served->info->feature && served->info->feature->at[feature].indices;
    bool has_mean =
        !is_index && training && training->features == served->info->features && training->mean;
    if (words)
        text_json(out, words->word[0]);
    else if (relud_is_boolean(served->info->feature, feature))
        text_put(out, "true");
    else
        text_float(out, has_mean ? training->mean[feature] : 0);
}

static void write_values(struct text *out, const struct served_model *served, size_t first,
                         size_t end)
{
    for (size_t f = first; f < end; f++) {
        text_put(out, f > first ? "," : "");
        write_value(out, served, f);
    }
}

/* Writes a row: an object, where the columns have names, else an array. */
static void write_row(struct text *out, const struct served_model *served)
{
    const struct relud_json_columns *columns = &served->columns;
    if (columns->len == 0) {
        text_put(out, "[");
        write_values(out, served, 0, served->info->features);
        text_put(out, "]");
        return;
    }
    for (size_t i = 0; i < columns->len; i++) {
        size_t first = columns->first ? columns->first[i] : i;
        size_t end = columns->first ? columns->first[i + 1] : i + 1;
        text_put(out, i ? "," : "{");
        text_json(out, columns->name[i]);
        text_put(out, end - first > 1 ? ":[" : ":");
        write_values(out, served, first, end);
        text_put(out, end - first > 1 ? "]" : "");
    }
    text_put(out, "}");
}

static void write_tensors(struct text *out, const struct served_model *served)
{
    for (size_t i = 0; i < served->info->inputs; i++) {
        const struct relud_tensor_info *input = &served->info->input[i];
        text_put(out, i ? ",{\"name\":" : "{\"name\":");
        text_json(out, input->name);
        text_print(out, ",\"datatype\":\"%s\",\"shape\":[1", input->datatype);
        served_model_write_dims(out, input);
        text_put(out, "],\"data\":[");
        write_values(out, served, input->first, input->first + input->width);
        text_put(out, "]}");
    }
}

/* Writes one request. False if none can be shown. */
static bool write_request(struct text *out, const struct served_model *served,
                          enum openapi_example kind, bool is_default)
{
    const struct relud_features *features = served->info->feature;
    bool is_by_name =
        served->columns.len || (features && (features->has_words || features->has_booleans));
    /* names of columns and words are those of the default model, unless the query names another */
    if ((kind == EXAMPLE_PREDICT && !is_default && is_by_name) ||
        (kind == EXAMPLE_INVOCATION && !is_default))
        return false;
    text_json(out, served->name);
    text_put(out, kind == EXAMPLE_V1 || kind == EXAMPLE_INVOCATION ? ":{\"value\":{\"instances\":["
                                                                   : ":{\"value\":{\"inputs\":[");
    if (kind == EXAMPLE_V2)
        write_tensors(out, served);
    else
        write_row(out, served);
    text_put(out, "]");
    if (kind == EXAMPLE_PREDICT && !is_default) {
        text_put(out, ",\"model\":");
        text_json(out, served->name);
    }
    text_put(out, "}}");
    return true;
}

void openapi_write_examples(struct text *out, const struct catalog *catalog,
                            enum openapi_example kind)
{
    size_t written = 0;
    text_put(out, "\"examples\": {");
    for (size_t i = 0; i < catalog->models && written < MODELS_MAX; i++) {
        const struct served_model *served = catalog->model[i].best;
        if (!served || served->info->features > FEATURES_MAX)
            continue;
        size_t begin = out->len;
        text_put(out, written ? "," : "");
        if (write_request(out, served, kind, served == catalog->unnamed))
            written++;
        else
            out->len = begin;
    }
    text_put(out, "}");
}
