/* The response to POST /v2/models/M/infer: outputs as JSON, or as bytes after it. */
#include "server/api/v2.h"

#include "server/api/explanations.h"
#include "server/api/rows_io.h"
#include "server/batch/prediction.h"
#include "server/batch/ranking.h"
#include <stdlib.h>
#include <string.h>

/* An output's numbers as they will be sent. */
struct part {
    const float *values;
    size_t rows, width, classes;
};

/* Writes one class as text: as a JSON string, or as bytes with their length before them. */
static void write_class(const struct served_model *served, const struct part *part, float value,
                        size_t class, bool is_binary, struct text *word, struct text *out)
{
    word->len = 0;
    text_float(word, value);
    text_put_n(word, ":", 1);
    text_count(word, class);
    if (served->info->labels && part->width == served->info->classes) {
        text_put_n(word, ":", 1);
        text_put(word, served->info->labels[class]);
    }
    text_put_n(word, "", 1);
    if (!text_is_whole(word)) {
        out->is_short = true;
        return;
    }
    unsigned len = (unsigned)word->len - 1;
    const char bytes[4] = {(char)len, (char)(len >> 8), (char)(len >> 16), (char)(len >> 24)};
    if (!is_binary) {
        text_json(out, word->at);
        return;
    }
    text_put_n(out, bytes, sizeof bytes);
    text_put_n(out, word->at, len);
}

/* The classification extension: writes "8.42:3:three" for the best classes of each row. */
static void write_classes(struct request *request, const struct part *part, bool is_binary,
                          struct text *out)
{
    enum { PIECE = 256 };
    uint32_t *room = malloc(part->width * sizeof *room);
    struct text word = {0};
    size_t written = 0;
    const struct relud_watch watch = long_work_watch(request);
    out->is_short |= !room;
    for (size_t row = 0; room && row < part->rows; row++) {
        const float *values = part->values + row * part->width;
        struct ranking ranking;
        ranking_begin(&ranking, values, part->width, room, &watch);
        for (size_t k = 0; k < part->classes; k++) {
            if (++written % PIECE == 0 && !long_work_go_on(request))
                break;
            size_t best = ranking_next(&ranking);
            if (!is_binary && (row || k))
                text_put_n(out, ",", 1);
            write_class(request->job.served, part, values[best], best, is_binary, &word, out);
        }
        if (!text_is_whole(out) || !long_work_go_on(request))
            break;
    }
    free(room);
    text_free(&word);
}

/* The numbers of each output, row after row. */
struct sources {
    float *probabilities; /* [rows][classes], or NULL */
    /* One result after another; NULL: there is one result, which is in the job's y. */
    float *results;
};

static const float *values_of(const struct turn_job *job, const struct sources *sources,
                              size_t output)
{
    const float *at = sources->results;
    if (served_model_is_probabilities(job->served, output))
        return sources->probabilities;
    if (!at)
        return job->y;
    for (size_t i = 0; i < output; i++)
        at += job->rows * job->served->info->result[i].width;
    return at;
}

/* Writes one of the outputs. If it is binary, its bytes are appended to `behind`. */
static void write_output(struct request *request, size_t index, const struct sources *sources,
                         struct text *behind)
{
    const struct turn_job *job = &request->job;
    const struct served_model *served = job->served;
    size_t output = request->infer.wanted[index].output;
    bool is_binary = request->infer.wanted[index].is_binary;
    struct part part = {.values = values_of(job, sources, output),
                        .rows = job->rows,
                        .width = served_model_output_width(served, output),
                        .classes = request->infer.wanted[index].classes};
    size_t before = behind->len;
    struct text *out = &request->out;
    if (!part.values) { /* cannot be, as make_sources was true */
        out->is_short = true;
        return;
    }
    if (part.classes > part.width)
        part.classes = part.width;
    text_put(out, index ? "," : "");
    if (part.classes) {
        text_put(out, "{\"name\":");
        text_json(out, served_model_output_name(served, output));
        text_put(out, ",\"datatype\":\"BYTES\",\"shape\":[");
    } else {
        text_put(out, served->tensor_head[output]);
    }
    text_count(out, part.rows);
    if (part.classes) {
        text_put(out, ",");
        text_count(out, part.classes);
    } else {
        served_model_write_output_dims(out, served, output);
    }
    text_put(out, "]");
    if (!is_binary)
        text_put(out, part.classes ? ",\"data\":[" : ",\"data\":");
    if (part.classes)
        write_classes(request, &part, is_binary, is_binary ? behind : out);
    else if (is_binary)
        rows_io_put_floats(request, behind, part.values, part.rows * part.width);
    else
        rows_io_answer_row(request, part.values, part.rows * part.width);
    if (is_binary) {
        text_put(out, ",\"parameters\":{\"binary_data_size\":");
        text_count(out, behind->len - before);
    }
    text_put(out, is_binary ? "}}" : part.classes ? "]}" : "}");
}

/* False if memory ran out. */
static bool make_sources(struct request *request, struct sources *sources)
{
    const struct turn_job *job = &request->job;
    const struct relud_model_info *info = job->served->info;
    const struct relud_watch watch = long_work_watch(request);
    *sources = (struct sources){0};
    for (size_t i = 0; i < request->infer.wanted_len; i++)
        if (served_model_is_probabilities(job->served, request->infer.wanted[i].output)) {
            sources->probabilities = malloc(job->rows * info->classes * sizeof(float));
            if (!sources->probabilities)
                return false;
            relud_probabilities_watched(job->served->model, job->y, job->rows,
                                        sources->probabilities, &watch);
        }
    if (info->results == 1)
        return true;
    float *to = sources->results = malloc(job->rows * info->outputs * sizeof *to);
    const float *from = job->y;
    for (size_t i = 0; to && i < info->results; from += info->result[i++].width)
        for (size_t r = 0; r < job->rows; r++, to += info->result[i].width) {
            memcpy(to, from + r * info->outputs, info->result[i].width * sizeof *to);
            if (r % 64 == 63 && !long_work_go_on(request))
                return true; /* the request has ended */
        }
    return to != NULL;
}

/* Completes the response, with the bytes behind its JSON. */
static void finish(struct request *request, const struct text *behind)
{
    struct text *out = &request->out;
    text_put(out, "]}");
    if (behind->len) {
        request->infer_header_len = out->len;
        rows_io_put_bytes(request, out, behind->at, behind->len);
    }
    out->is_short |= behind->is_short;
    request_answer(request, 200, behind->len ? MEDIA_FLOATS_TYPE : MEDIA_JSON_TYPE);
}

/* An output of texts: the explanation of each row as JSON. False, and answered, if the model cannot
 * be explained. */
static bool write_explanations(struct request *request)
{
    struct text *out = &request->out;
    text_print(out, "%s{\"name\":\"explanations\",\"datatype\":\"BYTES\",\"shape\":[%zu],\"data\":",
               request->infer.wanted_len ? "," : "", request->job.rows);
    bool is_written = explanations_write(request, true);
    text_put(out, "}");
    return is_written;
}

void v2_infer_write(struct request *request)
{
    const struct request_infer *infer = &request->infer;
    struct text *out = &request->out, behind = {0};
    if (!prediction_check_output(request))
        return;
    struct sources sources;
    bool is_made = make_sources(request, &sources);
    text_put(out, request->job.served->infer_head);
    if (infer->has_id) {
        text_put(out, ",\"id\":");
        text_json(out, infer->id);
    }
    text_put(out, ",\"outputs\":[");
    for (size_t i = 0; i < infer->wanted_len; i++) {
        if (is_made)
            write_output(request, i, &sources, &behind);
        else
            out->is_short = true; /* memory ran out */
    }
    if (!request->explain.is_wanted || write_explanations(request))
        finish(request, &behind);
    text_free(&behind);
    free(sources.probabilities);
    free(sources.results);
}
