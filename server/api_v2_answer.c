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

/* One of outputs; its bytes, where it has them, go to the end of `behind`. */
static void write_output(struct exchange *exchange, size_t index, const float *probabilities,
                         struct text *behind)
{
    const struct turn_job *job = &exchange->job;
    const struct entry *entry = job->entry;
    enum entry_output output = exchange->infer.wanted[index].output;
    bool is_binary = exchange->infer.wanted[index].is_binary;
    struct part part = {.values = output == ENTRY_PROBABILITIES ? probabilities : job->y,
                        .rows = job->rows,
                        .width = entry_output_width(entry, output),
                        .classes = exchange->infer.wanted[index].classes};
    size_t before = behind->len;
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
    text_put(out, ",");
    text_count(out, part.classes ? part.classes : part.width);
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

/* p[rows][classes] where an output is made of it; NULL otherwise, or where memory ran out. */
static float *make_probabilities(const struct exchange *exchange)
{
    const struct turn_job *job = &exchange->job;
    for (size_t i = 0; i < exchange->infer.wanted_len; i++)
        if (exchange->infer.wanted[i].output == ENTRY_PROBABILITIES) {
            float *p = malloc(job->rows * job->entry->info->classes * sizeof *p);
            if (p)
                relud_probabilities(job->entry->model, job->y, job->rows, p);
            return p;
        }
    return NULL;
}

void v2_infer_write(struct exchange *exchange)
{
    const struct exchange_infer *infer = &exchange->infer;
    struct text *out = &exchange->out, behind = {0};
    if (!prediction_check_output(exchange))
        return;
    float *p = make_probabilities(exchange);
    text_put(out, exchange->job.entry->infer_head);
    if (infer->has_id) {
        text_put(out, ",\"id\":");
        text_json(out, infer->id);
    }
    text_put(out, ",\"outputs\":[");
    for (size_t i = 0; i < infer->wanted_len; i++) {
        if (infer->wanted[i].output == ENTRY_PROBABILITIES && !p)
            out->is_short = true; /* for want of memory */
        else
            write_output(exchange, i, p, &behind);
    }
    text_put(out, "]}");
    if (behind.len) {
        exchange->infer_header_len = out->len;
        text_put_n(out, behind.at, behind.len);
    }
    out->is_short |= behind.is_short;
    exchange_answer(exchange, 200, behind.len ? MEDIA_FLOATS_TYPE : MEDIA_JSON_TYPE);
    text_free(&behind);
    free(p);
}
