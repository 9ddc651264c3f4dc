#include "server/models/served_model.h"

#include "server/log/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t served_model_names_bytes(const struct served_model *served)
{
    size_t bytes = 0;
    for (size_t i = 0; served->info->results > 1 && i < served->info->results; i++)
        /* escaped, in quotes, with separators */
        bytes += 6 * strlen(served->info->result[i].name) + 8;
    return bytes;
}

bool served_model_may_leave_out(const struct served_model *served, size_t input)
{
    const struct relud_tensor_info *tensor = &served->info->input[input];
    for (size_t f = tensor->first; f < tensor->first + tensor->width; f++)
        if (!relud_is_imputed(served->info->feature, f))
            return false;
    return true;
}

bool served_model_is_probabilities(const struct served_model *served, size_t output)
{
    return output == served->info->results;
}

const char *served_model_output_name(const struct served_model *served, size_t output)
{
    return served_model_is_probabilities(served, output) ? SERVED_MODEL_PROBABILITIES_NAME
                                                         : served->info->result[output].name;
}

size_t served_model_output_width(const struct served_model *served, size_t output)
{
    return served_model_is_probabilities(served, output) ? served->info->classes
                                                         : served->info->result[output].width;
}

void served_model_write_dims(struct text *out, const struct relud_tensor_info *tensor)
{
    for (size_t i = 0; i < tensor->rank; i++) {
        text_put(out, ",");
        text_count(out, tensor->shape[i]);
    }
}

void served_model_write_output_dims(struct text *out, const struct served_model *served,
                                    size_t output)
{
    if (!served_model_is_probabilities(served, output)) {
        served_model_write_dims(out, &served->info->result[output]);
        return;
    }
    text_put(out, ",");
    text_count(out, served->info->classes);
}

static bool has_output(const struct served_model *served, const char *name)
{
    for (size_t i = 0; i < served->info->results; i++)
        if (strcmp(served->info->result[i].name, name) == 0)
            return true;
    return false;
}

/* Moves the text out of `head`. Returns false if memory ran out on the way. */
static bool take(struct text *head, char **to)
{
    text_put_n(head, "", 1);
    *to = head->at;
    bool is_whole = text_is_whole(head);
    *head = (struct text){0};
    return is_whole;
}

static bool make_heads(struct served_model *served, struct relud_error *error)
{
    struct text head = {0};
    text_put(&head, "{\"model\":");
    text_json(&head, served->name);
    text_put(&head, ",\"version\":");
    text_json(&head, served->version);
    text_put(&head, ",\"outputs\":");
    bool is_whole = take(&head, &served->prediction_head);
    text_put(&head, "{\"model_name\":");
    text_json(&head, served->name);
    text_put(&head, ",\"model_version\":");
    text_json(&head, served->version);
    is_whole &= take(&head, &served->infer_head);
    for (size_t i = 0; i < served->outputs; i++) {
        text_put(&head, "{\"name\":");
        text_json(&head, served_model_output_name(served, i));
        text_put(&head, ",\"datatype\":\"FP32\",\"shape\":[");
        is_whole &= take(&head, &served->tensor_head[i]);
    }
    served->class_head = calloc(served->info->classes + 1, sizeof *served->class_head);
    is_whole &= served->class_head != NULL;
    for (size_t i = 0; is_whole && i < served->info->classes; i++) {
        text_put(&head, "{");
        if (served->info->labels) { /* without labels, classes have only a number */
            text_put(&head, "\"label\":");
            text_json(&head, served->info->labels[i]);
            text_put(&head, ",");
        }
        text_print(&head, "\"index\":%zu,\"probability\":", i);
        if (head.len > served->class_head_len_max)
            served->class_head_len_max = head.len;
        is_whole = take(&head, &served->class_head[i]);
    }
    return is_whole || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static bool make_scratch(struct served_model *served, const struct served_model_options *options,
                         struct relud_error *error)
{
    served->scratch = calloc(options->workers, sizeof(relud_scratch *));
    if (!served->scratch)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (; served->workers < options->workers; served->workers++) {
        relud_scratch *scratch = relud_scratch_new(served->model, options->batch_rows_max, error);
        if (!scratch)
            return false;
        served->scratch[served->workers] = scratch;
    }
    return true;
}

static void served_model_free(struct served_model *served)
{
    for (size_t i = 0; i < served->workers; i++)
        relud_scratch_free(served->scratch[i]);
    free(served->scratch);
    for (size_t i = 0; served->class_head && i < served->info->classes; i++)
        free(served->class_head[i]);
    free(served->class_head);
    free(served->prediction_head);
    free(served->infer_head);
    for (size_t i = 0; i < SERVED_MODEL_OUTPUTS_MAX; i++)
        free(served->tensor_head[i]);
    relud_json_columns_close(&served->columns);
    relud_json_columns_close(&served->inputs);
    free(served->input_name);
    free(served->input_first);
    free(served->index_feature);
    metrics_series_release(served->series);
    unit_watch_free(served->unit_watch);
    drift_watch_free(served->drift_watch);
    relud_model_release(served->model);
    free(served);
}

/* A name in the file that differs from the model's name is logged: its author calls it so. */
static void set_name(struct served_model *served, const struct served_model_source *source)
{
    const char *own = served->info->name;
    bool is_own = own && !source->is_named;
    snprintf(served->name, sizeof served->name, "%s", is_own ? own : source->name);
    snprintf(served->version, sizeof served->version, "%s", source->version);
    if (own && strcmp(own, served->name) != 0)
        log_info("%s: has the name '%s'; in a repository the folder's name is used, '%s'",
                 source->dir, own, served->name);
}

/* Prepares to read rows whose features are given by name. */
static bool name_columns(struct served_model *served, struct relud_error *error)
{
    const struct relud_model_info *info = served->info;
    const char *const *name = relud_model_feature_names(served->model);
    served->input_name = calloc(info->inputs, sizeof *served->input_name);
    served->input_first = calloc(info->inputs + 1, sizeof *served->input_first);
    for (size_t i = 0; served->input_name && served->input_first && i < info->inputs; i++) {
        served->input_name[i] = info->input[i].name;
        served->input_first[i + 1] = info->input[i].first + info->input[i].width;
    }
    bool has_parts = info->inputs > 1, is_open = served->input_name && served->input_first;
    is_open = is_open &&
              relud_json_columns_open(&served->inputs, served->input_name, served->input_first,
                                      info->inputs) &&
              (has_parts ? relud_json_columns_open(&served->columns, served->input_name,
                                                   served->input_first, info->inputs)
                         : relud_json_columns_open(&served->columns, name, NULL,
                                                   name ? info->features : 0));
    if (!is_open)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    served->row = *info->input;
    if (has_parts)
        served->row = (struct relud_tensor_info){.name = "input",
                                                 .datatype = "FP32",
                                                 .width = info->features,
                                                 .rank = 1,
                                                 .shape = {info->features}};
    served->row_name = has_parts ? NULL : info->input->name;
    for (size_t i = 0; i < served->columns.len; i++)
        if (strcmp(served->columns.name[i], info->input->name) == 0)
            served->row_name = NULL;
    return true;
}

static bool list_indices(struct served_model *served, struct relud_error *error)
{
    const struct relud_features *feature = served->info->feature;
    if (!feature || !feature->has_indices)
        return true;
    served->index_feature = calloc(feature->len, sizeof *served->index_feature);
    if (!served->index_feature)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t f = 0; f < feature->len; f++)
        if (feature->at[f].indices)
            served->index_feature[served->indices++] = f;
    return true;
}

/* Computes unusual_bytes: 16 of the longest names, each character of which may be escaped. */
static size_t unusual_bytes_of(const struct served_model *served)
{
    const char *const *name = relud_model_feature_names(served->model);
    size_t longest = RELUD_FLOAT_TEXT_MAX, features = served->info->features;
    for (size_t f = 0; name && f < features; f++) {
        size_t len = 6 * strlen(name[f]) + 2;
        longest = len > longest ? len : longest;
    }
    size_t most = features < SERVED_MODEL_UNUSUAL_MAX ? features : SERVED_MODEL_UNUSUAL_MAX;
    return served->info->training ? most * (longest + 1) + 3 : 0;
}

struct served_model *served_model_open(const struct served_model_source *source,
                                       const struct served_model_options *options,
                                       struct metrics_series *series, struct relud_error *error)
{
    struct served_model *served = calloc(1, sizeof *served);
    if (!served) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    static _Atomic uint64_t serials;
    served->references = 1;
    served->serial = ++serials;
    served->model = relud_model_load(source->dir, &options->model, error);
    if (!served->model) {
        served_model_free(served);
        return NULL;
    }
    served->info = relud_model_info(served->model);
    set_name(served, source);
    bool has_probabilities = served->info->task == RELUD_TASK_CLASSIFICATION &&
                             !has_output(served, SERVED_MODEL_PROBABILITIES_NAME);
    served->outputs = served->info->results + has_probabilities;
    served->series = series ? metrics_series_retain(series)
                            : metrics_series_new(options->workers, options->batch_rows_max);
    served->drift_watch = drift_watch_new(served->model);
    if (!served->series || !served->drift_watch)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    served->unit_watch = unit_watch_new(served->model, options->workers, error);
    if (!served->series || !served->drift_watch || !served->unit_watch ||
        !make_scratch(served, options, error) || !make_heads(served, error) ||
        !name_columns(served, error) || !list_indices(served, error)) {
        served_model_free(served);
        return NULL;
    }
    served->unusual_bytes = unusual_bytes_of(served);
    for (size_t i = 0; i < served->info->notes; i++)
        log_warn("%s: %s", source->dir, served->info->note[i]);
    return served;
}

struct served_model *served_model_retain(struct served_model *served)
{
    served->references++;
    return served;
}

void served_model_release(struct served_model *served)
{
    if (served && --served->references == 0)
        served_model_free(served);
}
