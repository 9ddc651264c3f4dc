/* relud predict: runs the rows of a file through a net, without a server. */
#include "server/cli/commands.h"

#include "server/api/rows_io.h"
#include "server/base/text.h"
#include "server/batch/ranking.h"
#include "server/cli/table_options.h"
#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum format { FORMAT_JSONL, FORMAT_JSON, FORMAT_CSV, FORMAT_NPY };
enum { ROWS_AT_ONCE = 256 };

struct predict {
    const char *activation;
    struct relud_model_options options;
    const char *model, *data;
    int format; /* enum format */
    size_t top_k;
    int header, decimal;
};

/* The state of one run. */
struct run {
    const struct predict *wanted;
    const relud_model *model;
    const struct relud_model_info *info;
    struct text out;
    float *p;       /* [classes] */
    uint32_t *room; /* [classes], to rank them */
};

/* Writes `,"predictions":[{"label":"7","index":7,"probability":0.99}]`. */
static void write_predictions(struct run *run, const float *y)
{
    const struct relud_model_info *info = run->info;
    struct ranking ranking;
    relud_probabilities(run->model, y, 1, run->p);
    ranking_begin(&ranking, run->p, info->classes, run->room, NULL);
    text_put(&run->out, ",\"predictions\":[");
    for (size_t k = 0; k < run->wanted->top_k && k < info->classes; k++) {
        size_t best = ranking_next(&ranking);
        text_put(&run->out, k ? ",{" : "{");
        if (info->labels) {
            text_put(&run->out, "\"label\":");
            text_json(&run->out, info->labels[best]);
            text_put(&run->out, ",");
        }
        text_print(&run->out, "\"index\":%zu,\"probability\":", best);
        rows_io_write_one(&run->out, run->p[best], NONFINITE_NULL);
        text_put(&run->out, "}");
    }
    text_put(&run->out, "]");
}

static void write_row(struct run *run, size_t row, const float *y)
{
    size_t outputs = run->info->outputs;
    switch ((enum format)run->wanted->format) {
    case FORMAT_NPY:
        text_put_n(&run->out, (const char *)y, outputs * sizeof *y);
        break;
    case FORMAT_CSV:
        for (size_t i = 0; i < outputs; i++) {
            text_put(&run->out, i ? "," : "");
            text_float(&run->out, y[i]);
        }
        text_put(&run->out, "\n");
        break;
    case FORMAT_JSON:
        text_put(&run->out, row ? ",\n" : "[");
        __attribute__((fallthrough));
    case FORMAT_JSONL:
        text_print(&run->out, "{\"row\":%zu,\"output\":", row);
        rows_io_write_row(&run->out, y, outputs, NONFINITE_NULL);
        if (run->info->task == RELUD_TASK_CLASSIFICATION)
            write_predictions(run, y);
        text_put(&run->out, run->wanted->format == FORMAT_JSON ? "}" : "}\n");
    }
}

static bool flush_text(struct text *out, struct relud_error *error)
{
    if (!text_is_whole(out))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    if (fwrite(out->at, 1, out->len, stdout) != out->len)
        return relud_fail(error, RELUD_IO, "standard output could not be written");
    out->len = 0;
    return true;
}

static bool predict_rows(struct run *run, relud_scratch *scratch, const struct relud_rows *data,
                         float *y, struct relud_error *error)
{
    if (run->wanted->format == FORMAT_NPY) {
        char head[RELUD_NPY_HEAD_MAX];
        const size_t shape[] = {data->rows, run->info->outputs};
        text_put_n(&run->out, head, relud_npy_head(shape, 2, head));
    }
    for (size_t row = 0; row < data->rows; row += ROWS_AT_ONCE) {
        size_t rows = data->rows - row < ROWS_AT_ONCE ? data->rows - row : ROWS_AT_ONCE;
        relud_predict(scratch, data->values + row * data->features, rows, y);
        for (size_t i = 0; i < rows; i++)
            write_row(run, row + i, y + i * run->info->outputs);
        if (!flush_text(&run->out, error))
            return false;
    }
    if (run->wanted->format == FORMAT_JSON)
        text_put(&run->out, "]\n");
    return run->out.len == 0 || flush_text(&run->out, error);
}

static bool predict(const struct predict *wanted, struct relud_error *error)
{
    struct model_path path;
    if (!model_path_find(wanted->model, &path, error))
        return false;
    relud_model *model = relud_model_load(path.dir, &wanted->options, error);
    if (!model)
        return false;
    struct run run = {.wanted = wanted, .model = model, .info = relud_model_info(model)};
    const struct relud_rows_options options = {
        .features = run.info->features,
        .name = relud_model_feature_names(model),
        .feature = run.info->feature,
        .table = table_of(wanted->header, wanted->decimal),
    };
    struct relud_rows data = {0};
    relud_scratch *scratch = relud_scratch_new(model, ROWS_AT_ONCE, error);
    float *y = malloc(ROWS_AT_ONCE * run.info->outputs * sizeof *y);
    run.p = malloc((run.info->classes + 1) * sizeof *run.p);
    run.room = malloc((run.info->classes + 1) * sizeof *run.room);
    bool is_done = scratch && y && run.p && run.room;
    if (!is_done)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    is_done = is_done && relud_rows_read_with(wanted->data, &options, &data, error);
    if (is_done)
        table_note_print("predict", wanted->data, data.note);
    is_done = is_done && predict_rows(&run, scratch, &data, y, error);
    relud_rows_free(&data);
    text_free(&run.out);
    free(run.p);
    free(run.room);
    free(y);
    relud_scratch_free(scratch);
    relud_model_release(model);
    return is_done;
}

#define AT(field) offsetof(struct predict, field)
static const struct option table[] = {
    {"format", OPTION_CHOICE, AT(format), "jsonl", "jsonl|json|csv|npy", 0, 0,
     "Write the answers in this format."},
    {"top-k", OPTION_COUNT, AT(top_k), "1", 0, 1, 1u << 20,
     "List this many classes for each row, the most probable one first."},
    ACTIVATION_OPTION,
    TABLE_OPTIONS,
};
const struct options predict_options = {table, sizeof table / sizeof *table, "MODEL [FILE]", NULL};

int cmd_predict(int argc, char **argv)
{
    struct predict wanted = {0};
    struct relud_error error;
    const char *word[2] = {NULL, "-"};
    struct option_words words = {.at = word, .max = 2};
    bool is_read = options_set_defaults(&predict_options, &wanted, &error) &&
                   options_read(&predict_options, argc, argv, &wanted, &words, &error) &&
                   activation_option_read(wanted.activation, &wanted.options, &error);
    wanted.model = word[0];
    wanted.data = word[1];
    bool is_done = is_read && predict(&wanted, &error);
    options_free(&predict_options, &wanted);
    if (!is_read)
        return options_refuse("predict", &error);
    if (!is_done)
        complain("predict: %s", error.text);
    return is_done ? 0 : 1;
}
