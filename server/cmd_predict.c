/* relud predict: rows from a file through the net, without a server. */
#include "server/commands.h"

#include "server/model_path.h"
#include "server/native.h"
#include "server/text.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum format { FORMAT_JSONL, FORMAT_JSON, FORMAT_CSV, FORMAT_NPY };
enum { ROWS_AT_ONCE = 256 };

struct predict {
    const char *model, *data;
    enum format format;
    size_t top_k;
};

/* What one run holds. */
struct run {
    const struct predict *wanted;
    const relud_model *model;
    const struct relud_model_info *info;
    struct text out;
    float *p; /* [classes] */
};

/* `,"predictions":[{"label":"7","index":7,"probability":0.99}]`. */
static void write_predictions(struct run *run, const float *y)
{
    const struct relud_model_info *info = run->info;
    relud_probabilities(run->model, y, 1, run->p);
    text_put(&run->out, ",\"predictions\":[");
    for (size_t k = 0; k < run->wanted->top_k && k < info->classes; k++) {
        size_t best = native_best_class(run->p, info->classes);
        char number[24];
        snprintf(number, sizeof number, "%zu", best);
        text_put(&run->out, k ? ",{\"label\":" : "{\"label\":");
        text_json(&run->out, info->labels ? info->labels[best] : number);
        text_print(&run->out, ",\"index\":%zu,\"probability\":", best);
        native_write_one(&run->out, run->p[best], NONFINITE_NULL);
        text_put(&run->out, "}");
        run->p[best] = -1;
    }
    text_put(&run->out, "]");
}

static void write_row(struct run *run, size_t row, const float *y)
{
    size_t outputs = run->info->outputs;
    switch (run->wanted->format) {
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
        native_write_row(&run->out, y, outputs, NONFINITE_NULL);
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
    relud_model *model = relud_model_load(path.dir, NULL, error);
    if (!model)
        return false;
    struct run run = {.wanted = wanted, .model = model, .info = relud_model_info(model)};
    struct relud_rows data = {0};
    relud_scratch *scratch = relud_scratch_new(model, ROWS_AT_ONCE, error);
    float *y = malloc(ROWS_AT_ONCE * run.info->outputs * sizeof *y);
    run.p = malloc((run.info->classes + 1) * sizeof *run.p);
    bool is_done = scratch && y && run.p;
    if (!is_done)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    is_done = is_done && relud_rows_read(wanted->data, run.info->features, &data, error) &&
              predict_rows(&run, scratch, &data, y, error);
    relud_rows_free(&data);
    text_free(&run.out);
    free(run.p);
    free(y);
    relud_scratch_free(scratch);
    relud_model_release(model);
    return is_done;
}

static bool read_flag(struct predict *wanted, const char *flag, const char *value)
{
    static const char *const formats[] = {"jsonl", "json", "csv", "npy"};
    if (strcmp(flag, "--top-k") == 0) {
        char *end;
        wanted->top_k = strtoul(value, &end, 10);
        return *value >= '1' && *value <= '9' && !*end;
    }
    for (size_t i = 0; strcmp(flag, "--format") == 0 && i < 4; i++)
        if (strcmp(value, formats[i]) == 0) {
            wanted->format = (enum format)i;
            return true;
        }
    return false;
}

int cmd_predict(int argc, char **argv)
{
    struct predict wanted = {.top_k = 1};
    for (int i = 1; i < argc; i++) {
        bool is_flag = strncmp(argv[i], "--", 2) == 0;
        bool is_right =
            is_flag ? i + 1 < argc && read_flag(&wanted, argv[i], argv[i + 1]) : !wanted.data;
        if (!is_right) {
            fprintf(stderr, "relud: predict: '%s' is not understood (see relud help predict)\n",
                    argv[i]);
            return 2;
        }
        if (is_flag)
            i++;
        else if (!wanted.model)
            wanted.model = argv[i];
        else
            wanted.data = argv[i];
    }
    if (!wanted.model) {
        fprintf(stderr, "relud: predict: a MODEL is wanted\n");
        return 2;
    }
    if (!wanted.data)
        wanted.data = "-";
    struct relud_error error;
    if (predict(&wanted, &error))
        return 0;
    fprintf(stderr, "relud: predict: %s\n", error.text);
    return 1;
}
