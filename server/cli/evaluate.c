/* relud evaluate: runs the rows of a file through a net and measures its answers against the
 * targets of the same rows. */
#include "server/cli/commands.h"

#include "server/cli/evaluate_report.h"
#include "server/cli/table_options.h"
#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_ONCE = 256, NUMBER_BYTES = 24 };

struct wanted {
    const char *activation;
    struct relud_model_options options;
    const char *model, *data;
    char *target, *labels;
    size_t top_k; /* 0: not asked for */
    int is_json;
    int header, decimal;
};

/* The state of one run. */
struct run {
    const struct wanted *wanted;
    relud_model *model;
    const struct relud_model_info *info;
    struct relud_dataset data;
    struct relud_dataset
        known;          /* what the model knows of its rows: filled by hand, has no memory */
    const char **label; /* [classes] */
    char (*number)[NUMBER_BYTES]; /* [classes]: the labels of a model without labels; or NULL */
    relud_scratch *scratch;
    float *x; /* [ROWS_AT_ONCE][features]; only used for bytes */
    float *y; /* [ROWS_AT_ONCE][outputs] */
    float *p; /* [ROWS_AT_ONCE][classes] */
    struct text out;
};

/* ---- what the model knows ---- */

/* True if the label is a number as train writes it: its targets were numbers. */
static bool is_number(const char *label)
{
    float value;
    char again[RELUD_FLOAT_TEXT_MAX];
    size_t len = strlen(label);
    return len && relud_text_to_float(label, len, &value) == len && isfinite(value) &&
           relud_float_to_text(value, again) == len && memcmp(again, label, len) == 0;
}

static bool know_labels(struct run *run, struct relud_error *error)
{
    const struct relud_model_info *info = run->info;
    run->label = calloc(info->classes + 1, sizeof *run->label);
    if (!info->labels)
        run->number = calloc(info->classes + 1, sizeof *run->number);
    if (!run->label || (!info->labels && !run->number))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    run->known.has_number_labels = true;
    for (size_t i = 0; i < info->classes; i++) {
        if (!info->labels)
            snprintf(run->number[i], NUMBER_BYTES, "%zu", i);
        run->label[i] = info->labels ? info->labels[i] : run->number[i];
        run->known.has_number_labels &= is_number(run->label[i]);
    }
    run->known.labels = info->classes;
    run->known.label = run->label;
    return true;
}

/* A model that names no task is taken as a regression: its answers are compared as numbers. */
static bool know(struct run *run, struct relud_error *error)
{
    const struct relud_model_info *info = run->info;
    const struct wanted *wanted = run->wanted;
    run->known.features = info->features;
    run->known.name = relud_model_feature_names(run->model);
    if (info->training && info->training->target && !*wanted->target) {
        run->known.target_name = info->training->target;
        run->known.target_columns = info->training->target_columns;
    }
    if (info->task == RELUD_TASK_CLASSIFICATION) {
        if (wanted->top_k > info->classes)
            return relud_fail(error, RELUD_BAD_INPUT, "--top-k %zu is more than the %zu classes",
                              wanted->top_k, info->classes);
        return know_labels(run, error);
    }
    run->known.outputs = info->outputs;
    if (wanted->top_k)
        return relud_fail(error, RELUD_BAD_INPUT, "--top-k needs a model that is a classification");
    if (info->task == RELUD_TASK_NONE)
        complain("evaluate: %s names no task: its answers are compared with the targets as numbers "
                 "(a model.json with \"output\":{\"task\":\"classification\"} makes it one)",
                 wanted->model);
    return true;
}

/* ---- the measures ---- */

static bool fail_answer(const struct run *run, size_t row, const float *y,
                        struct relud_error *error)
{
    size_t i = 0;
    while (i + 1 < run->info->outputs && isfinite(y[i]))
        i++;
    return relud_fail(error, RELUD_NOT_FINITE,
                      "%s: row %zu (the first one is 0): the net answers %s at output %zu",
                      run->wanted->data, row, isnan(y[i]) ? "NaN" : "infinity", i);
}

static bool are_finite(const float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(values[i]))
            return false;
    return true;
}

/* Calls add for pieces of rows with their answers run->y, in order. */
static bool run_rows(struct run *run,
                     bool (*add)(struct run *run, void *sums, size_t first, size_t rows,
                                 struct relud_error *error),
                     void *sums, struct relud_error *error)
{
    const struct relud_dataset *data = &run->data;
    for (size_t row = 0; row < data->rows; row += ROWS_AT_ONCE) {
        size_t rows = data->rows - row < ROWS_AT_ONCE ? data->rows - row : ROWS_AT_ONCE;
        for (size_t i = 0; data->bytes && i < rows * data->features; i++)
            run->x[i] = (float)data->bytes[row * data->features + i];
        relud_predict(run->scratch, data->bytes ? run->x : data->values + row * data->features,
                      rows, run->y);
        if (!add(run, sums, row, rows, error))
            return false;
    }
    return true;
}

static bool add_classes(struct run *run, void *sums, size_t first, size_t rows,
                        struct relud_error *error)
{
    size_t classes = run->info->classes;
    relud_probabilities(run->model, run->y, rows, run->p);
    for (size_t r = 0; r < rows; r++) {
        const float *y = run->y + r * run->info->outputs, *p = run->p + r * classes;
        size_t target = run->data.classes[first + r];
        if (!are_finite(p, classes))
            return fail_answer(run, first + r, y, error);
        relud_classification_add(sums, p, target, relud_log_loss(run->model, y, target));
    }
    return true;
}

static bool evaluate_classes(struct run *run, struct relud_error *error)
{
    struct relud_classification measures;
    size_t top_k = run->wanted->top_k ? run->wanted->top_k : 1;
    relud_classification_sums *sums =
        relud_classification_new(run->info->classes, run->data.rows, top_k, error);
    bool is_done = sums && run_rows(run, add_classes, sums, error) &&
                   relud_classification_measure(sums, &measures, error);
    if (is_done)
        evaluate_report_classes(&run->out, &measures, run->label, run->wanted->top_k,
                                run->wanted->is_json);
    relud_classification_free(sums);
    return is_done;
}

static bool add_numbers(struct run *run, void *sums, size_t first, size_t rows,
                        struct relud_error *error)
{
    size_t outputs = run->info->outputs;
    for (size_t r = 0; r < rows; r++)
        if (!are_finite(run->y + r * outputs, outputs))
            return fail_answer(run, first + r, run->y + r * outputs, error);
    relud_regression_add(sums, run->y, run->data.targets + first * outputs, rows, outputs);
    return true;
}

static bool evaluate_numbers(struct run *run, struct relud_error *error)
{
    size_t outputs = run->info->outputs;
    struct relud_regression *of = calloc(outputs, sizeof *of);
    bool is_done = of != NULL;
    if (!is_done)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    is_done = is_done && run_rows(run, add_numbers, of, error);
    if (is_done) {
        relud_regression_measure(of, run->data.targets, run->data.rows, outputs);
        evaluate_report_numbers(&run->out, of, outputs, run->data.rows, run->wanted->is_json);
    }
    free(of);
    return is_done;
}

/* ---- all of it ---- */

static bool read_data(struct run *run, struct relud_error *error)
{
    const struct wanted *wanted = run->wanted;
    const struct relud_dataset_options options = {
        .labels_path = *wanted->labels ? wanted->labels : NULL,
        .target = *wanted->target ? wanted->target : NULL,
        .has_booleans = true,
        .units = run->info->outputs,
        .table = table_of(wanted->header, wanted->decimal),
        .like = &run->known,
        .takes_indices = true,
        .feature = run->info->feature,
    };
    if (!relud_dataset_read(wanted->data, &options, &run->data, error))
        return false;
    table_note_print("evaluate", wanted->data, run->data.note);
    return true;
}

static bool make_room(struct run *run, struct relud_error *error)
{
    const struct relud_model_info *info = run->info;
    run->scratch = relud_scratch_new(run->model, ROWS_AT_ONCE, error);
    run->x = malloc(ROWS_AT_ONCE * info->features * sizeof *run->x);
    run->y = malloc(ROWS_AT_ONCE * info->outputs * sizeof *run->y);
    run->p = malloc((ROWS_AT_ONCE * info->classes + 1) * sizeof *run->p);
    return (run->scratch && run->x && run->y && run->p) ||
           relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

/* Nothing is printed until all of it is known. */
static bool print(struct run *run, struct relud_error *error)
{
    if (!text_is_whole(&run->out))
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    return fwrite(run->out.at, 1, run->out.len, stdout) == run->out.len ||
           relud_fail(error, RELUD_IO, "standard output could not be written");
}

static bool evaluate(const struct wanted *wanted, struct relud_error *error)
{
    struct model_path path;
    struct run run = {.wanted = wanted};
    if (!model_path_find(wanted->model, &path, error))
        return false;
    run.model = relud_model_load(path.dir, &wanted->options, error);
    if (!run.model)
        return false;
    run.info = relud_model_info(run.model);
    bool is_done = know(&run, error) && read_data(&run, error) && make_room(&run, error);
    is_done = is_done &&
              (run.known.outputs ? evaluate_numbers(&run, error) : evaluate_classes(&run, error));
    is_done = is_done && print(&run, error);
    text_free(&run.out);
    free(run.x);
    free(run.y);
    free(run.p);
    relud_scratch_free(run.scratch);
    relud_dataset_free(&run.data);
    free(run.label);
    free(run.number);
    relud_model_release(run.model);
    return is_done;
}

#define AT(field) offsetof(struct wanted, field)
static const struct option table[] = {
    {"target", OPTION_TEXT, AT(target), "", "COLUMN", 0, 0,
     "Compare the answers with this column, given by name or number. Several columns with commas "
     "between them are the targets of a regression with several outputs. Without this option it "
     "is the last column."},
    {"labels", OPTION_TEXT, AT(labels), "", "FILE", 0, 0,
     "Read the targets from this file, if the data do not hold them."},
    {"top-k", OPTION_COUNT, AT(top_k), "0", "K", 0, 1u << 20,
     "Show also the share of rows whose class is among the K most probable ones. 0 leaves it out."},
    {"format", OPTION_CHOICE, AT(is_json), "text", "text|json", 0, 0,
     "Print the measures in this format."},
    ACTIVATION_OPTION,
    TABLE_OPTIONS,
};
const struct options evaluate_options = {table, sizeof table / sizeof *table, "MODEL DATA", NULL};

static bool read_command_line(struct wanted *wanted, int argc, char **argv,
                              struct relud_error *error)
{
    const char *word[2] = {NULL, NULL};
    struct option_words words = {.at = word, .max = 2};
    if (!options_set_defaults(&evaluate_options, wanted, error) ||
        !options_read(&evaluate_options, argc, argv, wanted, &words, error) ||
        !activation_option_read(wanted->activation, &wanted->options, error))
        return false;
    wanted->model = word[0];
    wanted->data = word[1];
    return !*wanted->labels || !*wanted->target ||
           relud_fail(error, RELUD_BAD_INPUT, "--labels and --target cannot be used together");
}

int cmd_evaluate(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct relud_error error;
    bool is_read = read_command_line(&wanted, argc, argv, &error);
    bool is_done = is_read && evaluate(&wanted, &error);
    options_free(&evaluate_options, &wanted);
    if (!is_read)
        return options_refuse("evaluate", &error);
    if (!is_done)
        complain("evaluate: %s", error.text);
    return is_done ? 0 : 1;
}
