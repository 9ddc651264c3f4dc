/* relud compare: runs the rows of a file through two models and counts how their answers differ. */
#include "server/cli/commands.h"

#include "server/cli/row_source.h"
#include "server/cli/table_options.h"
#include "server/cli/thread_team.h"
#include "server/log/complain.h"
#include "server/models/path.h"
#include <math.h>
#include <relud/relud.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_AT_ONCE = 256 };

struct wanted {
    const char *model[2], *data;
    int is_json, header, decimal;
    double tolerance; /* NaN: none is asked for */
};

/* What one thread has for itself. */
struct part {
    relud_scratch *scratch[2];
    float *x, *y[2]; /* [ROWS_AT_ONCE][features], [][outputs] */
    struct relud_comparison found;
    bool is_failed;
    struct relud_error error; /* if it is */
};

struct run {
    const struct wanted *wanted;
    relud_model *model[2];
    const struct relud_model_info *info; /* of the first */
    struct row_source source;
    size_t parts;
    struct part *part; /* [parts] */
};

static void compare_some(void *user, size_t index, size_t parts)
{
    const struct run *run = user;
    struct part *part = &run->part[index];
    size_t step = parts * ROWS_AT_ONCE;
    for (size_t row = index * ROWS_AT_ONCE; row < run->source.rows; row += step) {
        size_t left = run->source.rows - row, rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        const float *x = row_source_read(&run->source, row, rows, part->x, &part->error);
        part->is_failed = x == NULL;
        if (part->is_failed)
            return;
        for (size_t i = 0; i < 2; i++)
            relud_predict(part->scratch[i], x, rows, part->y[i]);
        relud_comparison_add(&part->found, run->model[0], run->model[1], part->y[0], part->y[1],
                             rows, row);
    }
}

static bool open_parts(struct run *run, struct relud_error *error)
{
    size_t pieces = (run->source.rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    run->parts =
        thread_team_parts(0, pieces, ROWS_AT_ONCE * (run->info->features + 2 * run->info->outputs));
    run->part = calloc(run->parts, sizeof *run->part);
    bool is_open = run->part != NULL;
    for (size_t i = 0; is_open && i < run->parts; i++) {
        struct part *part = &run->part[i];
        part->x = malloc(ROWS_AT_ONCE * run->info->features * sizeof *part->x);
        for (size_t m = 0; m < 2; m++) {
            part->scratch[m] = relud_scratch_new(run->model[m], ROWS_AT_ONCE, error);
            part->y[m] = malloc(ROWS_AT_ONCE * run->info->outputs * sizeof *part->y[m]);
        }
        is_open = part->x && part->y[0] && part->y[1] && part->scratch[0] && part->scratch[1];
    }
    return is_open || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void close_parts(struct run *run)
{
    for (size_t i = 0; run->part && i < run->parts; i++) {
        for (size_t m = 0; m < 2; m++) {
            relud_scratch_free(run->part[i].scratch[m]);
            free(run->part[i].y[m]);
        }
        free(run->part[i].x);
    }
    free(run->part);
}

static bool compare_rows(struct run *run, struct relud_comparison *all, struct relud_error *error)
{
    struct thread_team *team = thread_team_new(run->parts);
    if (!team)
        return relud_fail(error, RELUD_NO_MEMORY, "%zu threads could not be started", run->parts);
    const struct relud_team hook = thread_team_hook(team);
    hook.run(hook.self, compare_some, run);
    thread_team_free(team);
    for (size_t i = 0; i < run->parts; i++) {
        if (run->part[i].is_failed)
            *error = run->part[i].error;
        if (run->part[i].is_failed)
            return false;
        relud_comparison_merge(all, &run->part[i].found);
    }
    return true;
}

/* ---- what is printed ---- */

static double share_of(unsigned long long count, const struct relud_comparison *all)
{
    return all->rows ? 100.0 * (double)count / (double)all->rows : 0;
}

static void print_text(const struct run *run, const struct relud_comparison *all)
{
    printf("rows         %llu\nsame bits    %llu (%.6g %%)\n", all->rows, all->same_bits,
           share_of(all->same_bits, all));
    if (run->info->classes) {
        printf("other class  %llu (%.6g %%)", all->other_class, share_of(all->other_class, all));
        if (all->other_class)
            printf(", the first in row %llu", all->other_row);
        printf("\n");
    }
    printf("difference   ");
    if (all->difference > 0)
        printf("%.6g at most, in row %llu, output %zu\n", all->difference, all->row, all->output);
    else
        printf("0\n");
    for (size_t i = 0; i < RELUD_DIFFERENCES; i++) {
        if (!all->by_difference[i])
            continue;
        if (i == RELUD_DIFFERENCES - 1)
            printf("  above %g: %llu\n", relud_difference_bound(i - 1), all->by_difference[i]);
        else
            printf("  up to %g: %llu\n", relud_difference_bound(i), all->by_difference[i]);
    }
}

/* An infinite difference is null. */
static void print_json(const struct run *run, const struct relud_comparison *all)
{
    printf("{\"rows\":%llu,\"same_bits\":%llu", all->rows, all->same_bits);
    if (run->info->classes)
        printf(",\"other_class\":%llu", all->other_class);
    if (all->other_class)
        printf(",\"other_row\":%llu", all->other_row);
    if (isfinite(all->difference))
        printf(",\"difference\":%.17g", all->difference);
    else
        printf(",\"difference\":null");
    if (all->difference > 0)
        printf(",\"row\":%llu,\"output\":%zu", all->row, all->output);
    printf(",\"by_difference\":[");
    for (size_t i = 0; i < RELUD_DIFFERENCES; i++) {
        printf("%s{\"up_to\":", i ? "," : "");
        if (i == RELUD_DIFFERENCES - 1)
            printf("null");
        else
            printf("%g", relud_difference_bound(i));
        printf(",\"rows\":%llu}", all->by_difference[i]);
    }
    printf("]}\n");
}

static bool is_within(const struct wanted *wanted, const struct relud_comparison *all,
                      struct relud_error *error)
{
    if (isnan(wanted->tolerance))
        return true;
    if (all->other_class)
        return relud_fail(error, RELUD_BAD_INPUT, "%llu rows have another class", all->other_class);
    return all->difference <= wanted->tolerance ||
           relud_fail(error, RELUD_BAD_INPUT, "a difference is %g, above %g", all->difference,
                      wanted->tolerance);
}

/* ---- all of it ---- */

static bool load(struct run *run, struct relud_error *error)
{
    for (size_t i = 0; i < 2; i++) {
        struct model_path path;
        if (!model_path_find(run->wanted->model[i], &path, error))
            return false;
        run->model[i] = relud_model_load(path.dir, NULL, error);
        if (!run->model[i])
            return false;
    }
    run->info = relud_model_info(run->model[0]);
    return relud_comparison_check(run->model[0], run->model[1], error);
}

static bool read_rows(struct run *run, struct relud_error *error)
{
    const struct relud_rows_options options = {
        .features = run->info->features,
        .name = relud_model_feature_names(run->model[0]),
        .feature = run->info->feature,
        .table = table_of(run->wanted->header, run->wanted->decimal),
    };
    return row_source_open(&run->source, "compare", run->wanted->data, &options, error);
}

static bool compare(const struct wanted *wanted, struct relud_error *error)
{
    struct run run = {.wanted = wanted};
    struct relud_comparison all = {.rows = 0};
    bool is_done = load(&run, error) && read_rows(&run, error) && open_parts(&run, error) &&
                   compare_rows(&run, &all, error);
    if (is_done) {
        (wanted->is_json ? print_json : print_text)(&run, &all);
        is_done = (fflush(stdout) == 0 && !ferror(stdout)) ||
                  relud_fail(error, RELUD_IO, "standard output could not be written");
    }
    is_done = is_done && is_within(wanted, &all, error);
    close_parts(&run);
    row_source_close(&run.source);
    relud_model_release(run.model[0]);
    relud_model_release(run.model[1]);
    return is_done;
}

#define AT(field) offsetof(struct wanted, field)
static const struct option table[] = {
    {"tolerance", OPTION_REAL, AT(tolerance), "auto", "D", 0, 1e300,
     "Exit with status 1 if a row has another class, or an output differs by more than this. "
     "auto: differences are only shown."},
    {"format", OPTION_CHOICE, AT(is_json), "text", "text|json", 0, 0,
     "Print the counts in this format."},
    TABLE_OPTIONS,
};
const struct options compare_options = {table, sizeof table / sizeof *table, "A B DATA", NULL};

int cmd_compare(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct relud_error error;
    const char *word[3] = {NULL, NULL, NULL};
    struct option_words words = {.at = word, .max = 3};
    bool is_read = options_set_defaults(&compare_options, &wanted, &error) &&
                   options_read(&compare_options, argc, argv, &wanted, &words, &error);
    wanted.model[0] = word[0];
    wanted.model[1] = word[1];
    wanted.data = word[2];
    bool is_done = is_read && compare(&wanted, &error);
    options_free(&compare_options, &wanted);
    if (!is_read)
        return options_refuse("compare", &error);
    if (!is_done)
        complain("compare: %s", error.text);
    return is_done ? 0 : 1;
}
