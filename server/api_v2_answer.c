/* The answer to POST /v2/models/M/infer: outputs as JSON, or as bytes behind it. */
#include "server/api_v2.h"

#include "server/native.h"
#include "server/prediction.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* An output's numbers as they will be sent. */
struct part {
    const float *values;
    size_t rows, width, classes;
};

/* The best that is not taken yet: NaN before all, the lower index on a tie. */
static size_t next_best(const float *values, size_t count, const unsigned char *taken)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (!taken[i] && (best == count || values[i] > values[best] ||
                          (isnan(values[i]) && !isnan(values[best]))))
            best = i;
    return best;
}

/* The classification extension: "8.42:3:three" for each row's best, as JSON or each behind its length. */
static void write_classes(const struct entry *entry, const struct part *part, bool is_binary,
                          struct text *out)
{
    unsigned char *taken = malloc(part->width);
    struct text word = {0};
    out->is_short |= !taken;
    for (size_t row = 0; taken && row < part->rows; row++) {
        const float *values = part->values + row * part->width;
        memset(taken, 0, part->width);
        for (size_t k = 0; k < part->classes; k++) {
            size_t best = next_best(values, part->width, taken);
            taken[best] = 1;
            word.len = 0;
            text_float(&word, values[best]);
            text_print(&word, ":%zu", best);
            if (entry->info->labels && part->width == entry->info->classes)
                text_print(&word, ":%s", entry->info->labels[best]);
            text_put_n(&word, "", 1);
            if (!text_is_whole(&word)) {
                out->is_short = true;
                break;
            }
            unsigned len = (unsigned)word.len - 1;
            const char bytes[4] = {(char)len, (char)(len >> 8), (char)(len >> 16),
                                   (char)(len >> 24)};
            if (is_binary) {
                text_put_n(out, bytes, sizeof bytes);
                text_put_n(out, word.at, len);
            } else {
                text_put(out, row || k ? "," : "");
                text_json(out, word.at);
            }
        }
    }
    free(taken);
    text_free(&word);
}

/* Where the numbers of an output lie together, row after row. */
struct sources {
    float *probabilities; /* [rows][classes], or NULL */
    float *
        results; /* of several results one after another, or NULL: there is one, in the answer itself */
};

static const float *values_of(const struct turn_job *job, const struct sources *sources,
                              size_t output)
{
    const float *at = sources->results;
    if (entry_is_probabilities(job->entry, output))
        return sources->probabilities;
    if (!at)
        return job->y;
    for (size_t i = 0; i < output; i++)
        at += job->rows * job->entry->info->result[i].width;
    return at;
}

/* One of outputs; its bytes, where it has them, go to the end of `behind`. */
static void write_output(struct exchange *exchange, size_t index, const struct sources *sources,
                         struct text *behind)
{
    const struct turn_job *job = &exchange->job;
    const struct entry *entry = job->entry;
    size_t output = exchange->infer.wanted[index].output;
    bool is_binary = exchange->infer.wanted[index].is_binary;
    struct part part = {.values = values_of(job, sources, output),
                        .rows = job->rows,
                        .width = entry_output_width(entry, output),
                        .classes = exchange->infer.wanted[index].classes};
    size_t before = behind->len;
    if (!part.values) /* memory ran out, which has been said */
        return;
    struct text *out = &exchange->out;
    if (part.classes > part.width)
        part.classes = part.width;
    text_put(out, index ? "," : "");
    if (part.classes) {
        text_put(out, "{\"name\":");
        text_json(out, entry_output_name(entry, output));
        text_put(out, ",\"datatype\":\"BYTES\",\"shape\":[");
    } else {
        text_put(out, entry->tensor_head[output]);
    }
    text_count(out, part.rows);
    if (part.classes) {
        text_put(out, ",");
        text_count(out, part.classes);
    } else {
        entry_write_output_dims(out, entry, output);
    }
    text_put(out, "]");
    if (!is_binary)
        text_put(out, part.classes ? ",\"data\":[" : ",\"data\":");
    if (part.classes)
        write_classes(entry, &part, is_binary, is_binary ? behind : out);
    else if (is_binary)
        native_put_floats(behind, part.values, part.rows * part.width);
    else
        native_write_row(out, part.values, part.rows * part.width,
                         (enum nonfinite)exchange->service->config->nonfinite);
    if (is_binary) {
        text_put(out, ",\"parameters\":{\"binary_data_size\":");
        text_count(out, behind->len - before);
    }
    text_put(out, is_binary ? "}}" : part.classes ? "]}" : "}");
}

/* False where memory ran out. */
static bool make_sources(const struct exchange *exchange, struct sources *sources)
{
    const struct turn_job *job = &exchange->job;
    const struct relud_model_info *info = job->entry->info;
    *sources = (struct sources){0};
    for (size_t i = 0; i < exchange->infer.wanted_len; i++)
        if (entry_is_probabilities(job->entry, exchange->infer.wanted[i].output)) {
            sources->probabilities = malloc(job->rows * info->classes * sizeof(float));
            if (!sources->probabilities)
                return false;
            relud_probabilities(job->entry->model, job->y, job->rows, sources->probabilities);
        }
    if (info->results == 1)
        return true;
    float *to = sources->results = malloc(job->rows * info->outputs * sizeof *to);
    const float *from = job->y;
    for (size_t i = 0; to && i < info->results; from += info->result[i++].width)
        for (size_t r = 0; r < job->rows; r++, to += info->result[i].width)
            memcpy(to, from + r * info->outputs, info->result[i].width * sizeof *to);
    return to != NULL;
}

void v2_infer_write(struct exchange *exchange)
{
    const struct exchange_infer *infer = &exchange->infer;
    struct text *out = &exchange->out, behind = {0};
    if (!prediction_check_output(exchange))
        return;
    struct sources sources;
    bool is_made = make_sources(exchange, &sources);
    text_put(out, exchange->job.entry->infer_head);
    if (infer->has_id) {
        text_put(out, ",\"id\":");
        text_json(out, infer->id);
    }
    text_put(out, ",\"outputs\":[");
    for (size_t i = 0; i < infer->wanted_len; i++) {
        if (is_made)
            write_output(exchange, i, &sources, &behind);
        else
            out->is_short = true; /* for want of memory */
    }
    text_put(out, "]}");
    if (behind.len) {
        exchange->infer_header_len = out->len;
        text_put_n(out, behind.at, behind.len);
    }
    out->is_short |= behind.is_short;
    exchange_answer(exchange, 200, behind.len ? MEDIA_FLOATS_TYPE : MEDIA_JSON_TYPE);
    text_free(&behind);
    free(sources.probabilities);
    free(sources.results);
}
