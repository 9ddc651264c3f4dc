/* relud predict: runs the rows of a file through a net, without a server. */
#include "server/cli/commands.h"

#include "server/api/explanations.h"
#include "server/api/rows_io.h"
#include "server/base/text.h"
#include "server/batch/ranking.h"
#include "server/cli/row_source.h"
#include "server/cli/table_options.h"
#include "server/cli/thread_team.h"
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
    size_t top_k, threads;
    int header, decimal;
    const char *explain; /* "best", a label or an index; "": nothing is explained */
    bool border;
};

/* What one thread has for itself. */
struct part {
    relud_scratch *scratch;
    float *x, *y; /* [ROWS_AT_ONCE][features], [][outputs] */
    struct text out;
    bool is_failed;
    struct relud_error error;         /* if it is */
    struct explanations explanations; /* if they are wanted */
    float *p;                         /* [classes] */
    uint32_t *room;                   /* [classes], to rank them */
};

/* The state of one run. */
struct run {
    const struct predict *wanted;
    relud_model *model;
    const struct relud_model_info *info;
    struct row_source source;
    size_t explained; /* the class or output to explain, or EXPLANATIONS_BEST */
    size_t row;       /* where the rows begin that the parts work on now, ROWS_AT_ONCE each */
    size_t parts;
    struct part *part; /* [parts] */
};

/* Writes `,"predictions":[{"label":"7","index":7,"probability":0.99}]`. */
static void write_predictions(const struct run *run, struct part *part, const float *y)
{
    const struct relud_model_info *info = run->info;
    struct ranking ranking;
    relud_probabilities(run->model, y, 1, part->p);
    ranking_begin(&ranking, part->p, info->classes, part->room, NULL);
    text_put(&part->out, ",\"predictions\":[");
    for (size_t k = 0; k < run->wanted->top_k && k < info->classes; k++) {
        size_t best = ranking_next(&ranking);
        text_put(&part->out, k ? ",{" : "{");
        if (info->labels) {
            text_put(&part->out, "\"label\":");
            text_json(&part->out, info->labels[best]);
            text_put(&part->out, ",");
        }
        text_print(&part->out, "\"index\":%zu,\"probability\":", best);
        rows_io_write_one(&part->out, part->p[best], NONFINITE_NULL);
        text_put(&part->out, "}");
    }
    text_put(&part->out, "]");
}

static bool is_explained(const struct predict *wanted)
{
    return *wanted->explain || wanted->border;
}

/* Writes `,"explanation":{…}`. */
static bool write_explanation(const struct run *run, struct part *part, const float *x,
                              const float *y)
{
    if (!is_explained(run->wanted))
        return true;
    text_put(&part->out, ",\"explanation\":");
    return explanations_put(&part->explanations, &part->out, x, y, run->explained, NULL,
                            &part->error);
}

/* Returns false, and sets part->error, if the row cannot be explained. */
static bool write_row(const struct run *run, struct part *part, size_t row, const float *x,
                      const float *y)
{
    size_t outputs = run->info->outputs;
    switch ((enum format)run->wanted->format) {
    case FORMAT_NPY:
        text_put_n(&part->out, (const char *)y, outputs * sizeof *y);
        break;
    case FORMAT_CSV:
        for (size_t i = 0; i < outputs; i++) {
            text_put(&part->out, i ? "," : "");
            text_float(&part->out, y[i]);
        }
        text_put(&part->out, "\n");
        break;
    case FORMAT_JSON:
        text_put(&part->out, row ? ",\n" : "[");
        __attribute__((fallthrough));
    case FORMAT_JSONL:
        text_print(&part->out, "{\"row\":%zu,\"output\":", row);
        rows_io_write_row(&part->out, y, outputs, NONFINITE_NULL);
        if (run->info->task == RELUD_TASK_CLASSIFICATION)
            write_predictions(run, part, y);
        if (!write_explanation(run, part, x, y))
            return false;
        text_put(&part->out, run->wanted->format == FORMAT_JSON ? "}" : "}\n");
    }
    return true;
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

/* Predicts some rows and writes their text. Part of a team's work. */
static void predict_some(void *user, size_t index, size_t parts)
{
    const struct run *run = user;
    struct part *part = &run->part[index];
    size_t row = run->row + index * ROWS_AT_ONCE;
    (void)parts;
    if (row >= run->source.rows)
        return;
    size_t left = run->source.rows - row, rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
    const float *x = row_source_read(&run->source, row, rows, part->x, &part->error);
    part->is_failed = x == NULL;
    if (part->is_failed)
        return;
    relud_predict(part->scratch, x, rows, part->y);
    for (size_t i = 0; i < rows && !part->is_failed; i++)
        part->is_failed = !write_row(run, part, row + i, x + i * run->info->features,
                                     part->y + i * run->info->outputs);
}

static bool predict_rows(struct run *run, const struct relud_team *team, struct relud_error *error)
{
    struct text *first = &run->part[0].out;
    if (run->wanted->format == FORMAT_NPY) {
        char head[RELUD_NPY_HEAD_MAX];
        const size_t shape[] = {run->source.rows, run->info->outputs};
        text_put_n(first, head, relud_npy_head(shape, 2, head));
    }
    for (run->row = 0; run->row < run->source.rows; run->row += run->parts * ROWS_AT_ONCE) {
        team->run(team->self, predict_some, run);
        for (size_t i = 0; i < run->parts; i++) {
            if (run->part[i].is_failed)
                *error = run->part[i].error;
            if (run->part[i].is_failed || !flush_text(&run->part[i].out, error))
                return false;
        }
    }
    if (run->wanted->format == FORMAT_JSON)
        text_put(first, "]\n");
    return first->len == 0 || flush_text(first, error);
}

/* ---- the parts ---- */

static bool open_parts(struct run *run, struct relud_error *error)
{
    const struct relud_model_info *info = run->info;
    size_t pieces = (run->source.rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    run->parts = thread_team_parts(run->wanted->threads, pieces,
                                   ROWS_AT_ONCE * (info->outputs + info->features));
    run->part = calloc(run->parts, sizeof *run->part);
    bool is_open = run->part != NULL;
    for (size_t i = 0; is_open && i < run->parts; i++) {
        struct part *part = &run->part[i];
        part->scratch = relud_scratch_new(run->model, ROWS_AT_ONCE, error);
        part->x = malloc(ROWS_AT_ONCE * info->features * sizeof *part->x);
        part->y = malloc(ROWS_AT_ONCE * info->outputs * sizeof *part->y);
        part->p = malloc((info->classes + 1) * sizeof *part->p);
        part->room = malloc((info->classes + 1) * sizeof *part->room);
        is_open = part->scratch && part->x && part->y && part->p && part->room &&
                  (!is_explained(run->wanted) ||
                   explanations_open(&part->explanations, run->model, true));
        part->explanations.has_border = run->wanted->border;
    }
    return is_open || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void close_parts(struct run *run)
{
    for (size_t i = 0; run->part && i < run->parts; i++) {
        relud_scratch_free(run->part[i].scratch);
        text_free(&run->part[i].out);
        explanations_close(&run->part[i].explanations);
        free(run->part[i].x);
        free(run->part[i].y);
        free(run->part[i].p);
        free(run->part[i].room);
    }
    free(run->part);
}

static bool predict_by_parts(struct run *run, struct relud_error *error)
{
    struct thread_team *team = thread_team_new(run->parts);
    if (!team)
        return relud_fail(error, RELUD_NO_MEMORY, "%zu threads could not be started", run->parts);
    const struct relud_team hook = thread_team_hook(team);
    bool is_done = predict_rows(run, &hook, error);
    thread_team_free(team);
    return is_done;
}

/* Finds what is to be explained. */
static bool find_explained(struct run *run, struct relud_error *error)
{
    const char *explain = run->wanted->explain;
    int format = run->wanted->format;
    run->explained = EXPLANATIONS_BEST;
    if (!is_explained(run->wanted))
        return true;
    if (format != FORMAT_JSON && format != FORMAT_JSONL)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--explain and --border want --format jsonl or json");
    if (!*explain || strcmp(explain, "best") == 0 ||
        explanations_find_label(run->info, explain, &run->explained, error))
        return true;
    if (strspn(explain, "0123456789") < strlen(explain) || strlen(explain) > 9)
        return false;
    run->explained = strtoul(explain, NULL, 10);
    return explanations_check_index(run->info, run->explained, error);
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
    bool is_done = find_explained(&run, error) &&
                   row_source_open(&run.source, "predict", wanted->data, &options, error) &&
                   open_parts(&run, error) && predict_by_parts(&run, error);
    close_parts(&run);
    row_source_close(&run.source);
    relud_model_release(model);
    return is_done;
}

#define AT(field) offsetof(struct predict, field)
static const struct option table[] = {
    {"format", OPTION_CHOICE, AT(format), "jsonl", "jsonl|json|csv|npy", 0, 0,
     "Write the answers in this format."},
    {"top-k", OPTION_COUNT, AT(top_k), "1", 0, 1, 1u << 20,
     "List this many classes for each row, the most probable one first."},
    {"explain", OPTION_TEXT, AT(explain), "", "best|LABEL|INDEX", 0, 0,
     "Say of each row what each of its numbers contributes: to the best class or, where there are "
     "no classes, to every output; or to the class of this label or index."},
    {"border", OPTION_FLAG, AT(border), "", 0, 0, 0,
     "Explain, and say how far each row is from where its explanation ends, and what smallest "
     "change of one number changes its class."},
    {"threads", OPTION_COUNT, AT(threads), "0", 0, 0, 1024,
     "Use this many threads. 0 means one for each CPU that is allowed. They do not change the "
     "answers."},
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
