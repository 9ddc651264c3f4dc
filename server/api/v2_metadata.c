/* GET /v2/models/M and /v2/models/M/config: what a model is. */
#include "server/api/v2.h"

#include "server/batch/prediction.h"
#include <string.h>

/* Writes `["1","3"]`: the versions that are ready. */
static void write_versions(struct text *out, const struct catalog *catalog,
                           const struct catalog_model *model)
{
    const char *comma = "[";
    for (size_t i = model->first; i < model->first + model->len; i++) {
        if (!catalog->item[i].served)
            continue;
        text_put(out, comma);
        text_json(out, catalog->item[i].version);
        comma = ",";
    }
    text_put(out, "]");
}

/* ---- columns ---- */

enum {
    COLUMNS_MAX = 1024,    /* wider tables are left out: one answer is written in one go */
    CATEGORIES_MAX = 1024, /* of one column that are listed; of more there is only the number */
    CATEGORIES_BYTES = 256 * 1024, /* of all columns */
};

/* True if the features from `first` to below `end` are alike. */
static bool are_alike(const struct relud_features *feature, size_t first, size_t end)
{
    for (size_t f = first; f < end; f++)
        if (feature->at[f].words != feature->at[first].words ||
            feature->at[f].indices != feature->at[first].indices ||
            feature->at[f].is_imputed != feature->at[first].is_imputed)
            return false;
    return true;
}

/* Writes the categories, or how many there are. *left: how many bytes of them may be listed. */
static void write_words(struct text *out, const struct relud_words *words, size_t *left)
{
    size_t bytes = 0;
    for (size_t i = 0; i < words->count && words->count <= CATEGORIES_MAX; i++)
        bytes += strlen(words->word[i]) + 3; /* quotes and a comma */
    bool is_listed = words->count <= CATEGORIES_MAX && bytes <= *left;
    if (!is_listed)
        text_print(out, ",\"category_count\":%zu", words->count);
    for (size_t i = 0; is_listed && i < words->count; i++) {
        text_put(out, i ? "," : ",\"categories\":[");
        text_json(out, words->word[i]);
    }
    *left -= is_listed ? bytes : 0;
    text_put(out, is_listed ? "]" : "");
    text_put(out, words->takes_unknown ? ",\"unknown\":true" : "");
}

/* Writes the range that training saw, if it was kept and says something. */
static void write_range(struct text *out, const struct relud_model_info *info, size_t feature)
{
    const struct relud_training *training = info->training;
    bool is_number = !info->feature ||
                     (!info->feature->at[feature].words && !info->feature->at[feature].indices);
    if (!is_number || !training || training->features != info->features || !training->min)
        return;
    text_put(out, ",\"min\":");
    text_float(out, training->min[feature]);
    text_put(out, ",\"max\":");
    text_float(out, training->max[feature]);
}

/* Writes what a value of the column may be: of all its features alike, or of this one. */
static void write_column(struct text *out, const struct served_model *served, const char *name,
                         size_t feature, size_t width, size_t *left)
{
    const struct relud_features *features = served->info->feature;
    text_put(out, "{\"name\":");
    text_json(out, name);
    if (width == 1)
        write_range(out, served->info, feature);
    if (features && features->at[feature].words)
        write_words(out, features->at[feature].words, left);
    if (features && features->at[feature].indices && !features->at[feature].is_boolean)
        text_print(out, ",\"indices\":%zu", features->at[feature].indices);
    text_put(out, relud_is_imputed(features, feature) ? ",\"missing\":true}" : "}");
}

/* Writes what is known of the columns that have names, and of the inputs. */
static void write_columns(struct text *out, const struct served_model *served)
{
    const struct relud_model_info *info = served->info;
    const char *const *name = relud_model_feature_names(served->model);
    const struct relud_json_columns *columns =
        served->columns.len ? &served->columns : &served->inputs;
    size_t left = CATEGORIES_BYTES;
    const char *comma = "";
    if (columns->len > COLUMNS_MAX || (!served->columns.len && !info->feature))
        return;
    text_put(out, ",\"parameters\":{\"columns\":[");
    for (size_t i = 0; i < columns->len; i++) {
        size_t first = columns->first ? columns->first[i] : i;
        size_t end = columns->first ? columns->first[i + 1] : i + 1;
        bool is_one = !info->feature || !name || are_alike(info->feature, first, end);
        if (is_one && !name && info->feature && !are_alike(info->feature, first, end))
            continue; /* its parts have no names */
        for (size_t f = first; f < (is_one ? first + 1 : end); f++, comma = ",") {
            text_put(out, comma);
            write_column(out, served, is_one ? columns->name[i] : name[f], f,
                         is_one ? end - first : 1, &left);
        }
    }
    text_put(out, "]}");
}

/* ---- the model ---- */

enum read_verdict v2_model_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct catalog *catalog = request->service->turn.catalog;
    const struct served_model *served = prediction_look(request);
    if (!served)
        return READ_ANSWERED;
    struct text *out = &request->out;
    text_put(out, "{\"name\":");
    text_json(out, served->name);
    text_put(out, ",\"versions\":");
    write_versions(out, catalog, catalog_model(catalog, served->name));
    text_put(out, ",\"platform\":\"relud_mlp\",\"inputs\":[");
    for (size_t i = 0; i < served->info->inputs; i++) {
        const struct relud_tensor_info *input = &served->info->input[i];
        text_put(out, i ? ",{\"name\":" : "{\"name\":");
        text_json(out, input->name);
        text_print(out, ",\"datatype\":\"%s\",\"shape\":[-1", input->datatype);
        served_model_write_dims(out, input);
        text_put(out, "]}");
    }
    text_put(out, "],\"outputs\":[");
    for (size_t i = 0; i < served->outputs; i++) {
        text_put(out, i ? "," : "");
        text_put(out, served->tensor_head[i]);
        text_put(out, "-1");
        served_model_write_output_dims(out, served, i);
        text_put(out, "]}");
    }
    text_put(out, "]");
    write_columns(out, served);
    return request_answer_json(request, "}\n");
}

static void write_policy(struct text *out, const char *policy)
{
    if (strcmp(policy, "all") == 0)
        text_put(out, "{\"all\":{}}");
    else if (strncmp(policy, "latest:", 7) == 0)
        text_print(out, "{\"latest\":{\"num_versions\":%s}}", policy + 7);
    else
        text_print(out, "{\"specific\":{\"versions\":[%s]}}", policy);
}

enum read_verdict v2_config_read(struct request *request, const char *body, size_t len)
{
    (void)body, (void)len;
    const struct config *config = request->service->config;
    const struct served_model *served = prediction_look(request);
    if (!served)
        return READ_ANSWERED;
    struct text *out = &request->out;
    text_put(out, "{\"name\":");
    text_json(out, served->name);
    text_print(out,
               ",\"platform\":\"relud_mlp\",\"backend\":\"relud\",\"max_batch_size\":%zu,"
               "\"version_policy\":",
               config->request_rows_max);
    write_policy(out, catalog_model(request->service->turn.catalog, served->name)->policy);
    text_put(out, ",\"input\":[");
    for (size_t i = 0; i < served->info->inputs; i++) {
        const struct relud_tensor_info *input = &served->info->input[i];
        const char *type = strcmp(input->datatype, "BYTES") == 0 ? "STRING" : input->datatype;
        text_put(out, i ? ",{\"name\":" : "{\"name\":");
        text_json(out, input->name);
        text_print(out, ",\"data_type\":\"TYPE_%s\",\"dims\":[%zu]%s}", type, input->width,
                   served->info->inputs > 1 && served_model_may_leave_out(served, i)
                       ? ",\"optional\":true"
                       : "");
    }
    text_put(out, "],\"output\":[");
    for (size_t i = 0; i < served->outputs; i++) {
        text_put(out, i ? ",{\"name\":" : "{\"name\":");
        text_json(out, served_model_output_name(served, i));
        text_print(out, ",\"data_type\":\"TYPE_FP32\",\"dims\":[%zu],\"label_filename\":\"\"}",
                   served_model_output_width(served, i));
    }
    text_print(out,
               "],\"dynamic_batching\":{\"max_queue_delay_microseconds\":%zu},"
               "\"model_transaction_policy\":{\"decoupled\":false},"
               "\"response_cache\":{\"enable\":false}}",
               config->batch_delay_us);
    return request_answer_json(request, "\n");
}
