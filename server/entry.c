#include "server/entry.h"

#include "server/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *entry_label(const struct entry *entry, size_t class, char number[24])
{
    if (entry->info->labels)
        return entry->info->labels[class];
    snprintf(number, 24, "%zu", class);
    return number;
}

bool entry_is_probabilities(const struct entry *entry, size_t output)
{
    return output == entry->info->results;
}

const char *entry_output_name(const struct entry *entry, size_t output)
{
    return entry_is_probabilities(entry, output) ? ENTRY_PROBABILITIES_NAME
                                                 : entry->info->result[output].name;
}

size_t entry_output_width(const struct entry *entry, size_t output)
{
    return entry_is_probabilities(entry, output) ? entry->info->classes
                                                 : entry->info->result[output].width;
}

void entry_write_dims(struct text *out, const struct relud_tensor_info *tensor)
{
    for (size_t i = 0; i < tensor->rank; i++) {
        text_put(out, ",");
        text_count(out, tensor->shape[i]);
    }
}

void entry_write_output_dims(struct text *out, const struct entry *entry, size_t output)
{
    if (!entry_is_probabilities(entry, output)) {
        entry_write_dims(out, &entry->info->result[output]);
        return;
    }
    text_put(out, ",");
    text_count(out, entry->info->classes);
}

static bool has_output(const struct entry *entry, const char *name)
{
    for (size_t i = 0; i < entry->info->results; i++)
        if (strcmp(entry->info->result[i].name, name) == 0)
            return true;
    return false;
}

/* Takes the text out of `head`; false when memory ran out on the way. */
static bool take(struct text *head, char **to)
{
    text_put_n(head, "", 1);
    *to = head->at;
    bool is_whole = text_is_whole(head);
    *head = (struct text){0};
    return is_whole;
}

static bool make_heads(struct entry *entry, struct relud_error *error)
{
    struct text head = {0};
    text_put(&head, "{\"model\":");
    text_json(&head, entry->name);
    text_put(&head, ",\"version\":");
    text_json(&head, entry->version);
    text_put(&head, ",\"outputs\":");
    bool is_whole = take(&head, &entry->prediction_head);
    text_put(&head, "{\"model_name\":");
    text_json(&head, entry->name);
    text_put(&head, ",\"model_version\":");
    text_json(&head, entry->version);
    is_whole &= take(&head, &entry->infer_head);
    for (size_t i = 0; i < entry->outputs; i++) {
        text_put(&head, "{\"name\":");
        text_json(&head, entry_output_name(entry, i));
        text_put(&head, ",\"datatype\":\"FP32\",\"shape\":[");
        is_whole &= take(&head, &entry->tensor_head[i]);
    }
    entry->class_head = calloc(entry->info->classes + 1, sizeof *entry->class_head);
    is_whole &= entry->class_head != NULL;
    for (size_t i = 0; is_whole && i < entry->info->classes; i++) {
        char number[24];
        text_put(&head, "{\"label\":");
        text_json(&head, entry_label(entry, i, number));
        text_print(&head, ",\"index\":%zu,\"probability\":", i);
        if (head.len > entry->class_head_len_max)
            entry->class_head_len_max = head.len;
        is_whole = take(&head, &entry->class_head[i]);
    }
    return is_whole || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static bool make_scratch(struct entry *entry, const struct entry_options *options,
                         struct relud_error *error)
{
    entry->scratch = calloc(options->workers, sizeof(relud_scratch *));
    if (!entry->scratch)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (; entry->workers < options->workers; entry->workers++) {
        relud_scratch *scratch = relud_scratch_new(entry->model, options->batch_rows_max, error);
        if (!scratch)
            return false;
        entry->scratch[entry->workers] = scratch;
    }
    return true;
}

static void entry_free(struct entry *entry)
{
    for (size_t i = 0; i < entry->workers; i++)
        relud_scratch_free(entry->scratch[i]);
    free(entry->scratch);
    for (size_t i = 0; entry->class_head && i < entry->info->classes; i++)
        free(entry->class_head[i]);
    free(entry->class_head);
    free(entry->prediction_head);
    free(entry->infer_head);
    for (size_t i = 0; i < ENTRY_OUTPUTS_MAX; i++)
        free(entry->tensor_head[i]);
    metrics_series_release(entry->series);
    insight_free(entry->insight);
    relud_model_release(entry->model);
    free(entry);
}

struct entry *entry_open(const char *dir, const char *name, const char *version,
                         const struct entry_options *options, struct metrics_series *series,
                         struct relud_error *error)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    static _Atomic uint64_t serials;
    entry->references = 1;
    entry->serial = ++serials;
    entry->model = relud_model_load(dir, &options->model, error);
    if (!entry->model) {
        entry_free(entry);
        return NULL;
    }
    entry->info = relud_model_info(entry->model);
    snprintf(entry->name, sizeof entry->name, "%s", entry->info->name ? entry->info->name : name);
    snprintf(entry->version, sizeof entry->version, "%s", version);
    bool has_probabilities = entry->info->task == RELUD_TASK_CLASSIFICATION &&
                             !has_output(entry, ENTRY_PROBABILITIES_NAME);
    entry->outputs = entry->info->results + has_probabilities;
    entry->series = series ? metrics_series_retain(series)
                           : metrics_series_new(options->workers, options->batch_rows_max);
    if (!entry->series)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    entry->insight = insight_new(entry->model, options->workers, error);
    if (!entry->series || !entry->insight || !make_scratch(entry, options, error) ||
        !make_heads(entry, error)) {
        entry_free(entry);
        return NULL;
    }
    for (size_t i = 0; i < entry->info->notes; i++)
        log_warn("%s: %s", dir, entry->info->note[i]);
    return entry;
}

struct entry *entry_retain(struct entry *entry)
{
    entry->references++;
    return entry;
}

void entry_release(struct entry *entry)
{
    if (entry && --entry->references == 0)
        entry_free(entry);
}
