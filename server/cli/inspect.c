/* relud inspect: shows what is in a model and, with data, what its units do. */
#include "server/cli/commands.h"

#include "server/base/cpus.h"
#include "server/cli/row_source.h"
#include "server/cli/table_options.h"
#include "server/cli/thread_team.h"
#include "server/log/complain.h"
#include "server/models/path.h"
#include "server/settings/activation_option.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_ONCE = 256 };

static void print_tensor(const char *what, const struct relud_tensor_info *tensor)
{
    printf("%s  %s: %zu number%s", what, tensor->name, tensor->width, tensor->width > 1 ? "s" : "");
    for (size_t i = 0; tensor->rank > 1 && i < tensor->rank; i++)
        printf("%s%zu%s", i ? ", " : " [", tensor->shape[i], i + 1 == tensor->rank ? "]" : "");
    puts("");
}

/* "input  city: 3 categories, Bern, Oslo, Rome": those of an input of words, the first ones. */
static void print_words(const struct relud_tensor_info *tensor, const struct relud_words *words)
{
    enum { SHOWN_MAX = 8, WORD_MAX = 40 };
    printf("input   %s: %zu categories", tensor->name, words->count);
    for (size_t i = 0; i < words->count && i < SHOWN_MAX; i++)
        printf(", %.*s", WORD_MAX, words->word[i]);
    printf("%s%s\n", words->count > SHOWN_MAX ? ", ..." : "",
           words->takes_unknown ? "; others are taken" : "");
}

static void print_input(const struct relud_model_info *info, const struct relud_tensor_info *tensor)
{
    const struct relud_words *words = relud_words_of(info->feature, tensor->first);
    size_t indices = relud_indices_of(info->feature, tensor->first);
    if (words && tensor->width == 1)
        print_words(tensor, words);
    else if (relud_is_boolean(info->feature, tensor->first) && tensor->width == 1)
        printf("input   %s: true or false\n", tensor->name);
    else if (indices && tensor->width == 1)
        printf("input   %s: a whole number from 0 to %zu\n", tensor->name, indices - 1);
    else
        print_tensor("input ", tensor);
}

/* "may be missing: features 0-3, 7": those that the net imputes. */
static void print_imputed(const struct relud_model_info *info)
{
    const char *before = "may be missing: features ";
    for (size_t f = 0, first; relud_has_imputed(info->feature) && f < info->features; f++) {
        if (!relud_is_imputed(info->feature, f))
            continue;
        for (first = f; f + 1 < info->features && relud_is_imputed(info->feature, f + 1);)
            f++;
        printf("%s%zu", before, first);
        if (f > first)
            printf("-%zu", f);
        before = ", ";
    }
    if (relud_has_imputed(info->feature))
        puts("");
}

static void print_measures(const char *what, size_t rows, double loss, double accuracy)
{
    if (rows == 0)
        return;
    printf("  %-10s %zu rows, loss %.4f", what, rows, loss);
    if (!isnan(accuracy))
        printf(", accuracy %.2f %%", accuracy * 100);
    puts("");
}

/* A word's index has no mean and no range. */
static void print_features(const struct relud_training *training,
                           const struct relud_features *features)
{
    enum { SHOWN_MAX = 64 };
    if (training->features > SHOWN_MAX) {
        printf(
            "  features   model.json holds the mean, deviation, range and histogram of each one\n");
        return;
    }
    printf("\nfeature %12s %12s %12s %12s  over the training rows\n", "mean", "std", "min", "max");
    for (size_t i = 0; i < training->features; i++) {
        const char *name = training->feature ? training->feature[i] : "";
        if (relud_words_of(features, i))
            printf("%7zu %12s %12s %12s %12s  %s\n", i, "a word", "-", "-", "-", name);
        else
            printf("%7zu %12.5g %12.5g %12.5g %12.5g  %s\n", i, (double)training->mean[i],
                   (double)training->std[i], (double)training->min[i], (double)training->max[i],
                   name);
    }
}

static void print_training(const struct relud_model_info *info)
{
    const struct relud_training *training = info->training;
    printf("\ntrained: the best of %zu epochs was %zu\n", training->epochs, training->best_epoch);
    if (training->recipe)
        printf("  recipe     %s\n", training->recipe);
    print_measures("training", training->rows, training->loss, training->accuracy);
    print_measures("validation", training->validation_rows, training->validation_loss,
                   training->validation_accuracy);
    print_measures("test", training->test_rows, training->test_loss, training->test_accuracy);
    if (training->features)
        print_features(training, info->feature);
}

static void print_model(const relud_model *model, const struct model_path *path)
{
    static const char *const tasks[] = {"none", "classification", "regression"};
    const struct relud_model_info *info = relud_model_info(model);
    printf("%s version %s (%s)\n", info->name ? info->name : path->name, path->version,
           info->format);
    if (info->description)
        printf("%s\n", info->description);
    for (size_t i = 0; i < info->inputs; i++)
        print_input(info, &info->input[i]);
    print_imputed(info);
    for (size_t i = 0; i < info->results; i++)
        print_tensor("output", &info->result[i]);
    printf("task    %s\n", tasks[info->task]);
    printf("size    %zu parameters, %.1f MB in memory; kernels for %s\n\n", info->parameters,
           (double)info->bytes * 1e-6, relud_isa_name(relud_isa_best()));
    printf("layer  %8s %8s  %-12s %-5s weight\n", "inputs", "outputs", "activation", "bias");
    size_t steps_of_layers = 0;
    for (size_t i = 0; i < info->layers; i++) {
        const struct relud_layer_info *layer = relud_model_layer(model, i);
        if (layer->weight)
            steps_of_layers++;
        if (strcmp(layer->activation, "identity") != 0)
            steps_of_layers++;
        printf("%5zu  %8zu %8zu  %-12s %-5s %s\n", i, layer->inputs, layer->outputs,
               layer->activation, layer->weight ? layer->has_bias ? "yes" : "no" : "-",
               layer->weight ? layer->weight : "(none: an activation by itself)");
    }
    if (info->operations)
        printf("\noperations read: %s\n", info->operations);
    if (info->operations || info->steps > steps_of_layers) {
        printf("%s (what each one makes from what, and its numbers per row)\n",
               info->operations ? "steps they became" : "\nsteps");
        for (size_t i = 0; i < info->steps; i++)
            printf("%5s%zu  %s\n", "#", i, info->step[i]);
    }
    printf("\nplans (microseconds per row, measured just now; \"sparse to N\" is for rows with at "
           "most N "
           "non-zeros)\n");
    for (size_t i = 0; i < info->layers; i++)
        if (relud_model_layer(model, i)->weight)
            printf("%5zu  %s\n", i, relud_model_layer(model, i)->plan);
    if (info->training)
        print_training(info);
    for (size_t i = 0; i < info->notes; i++)
        printf("note: %s\n", info->note[i]);
}

static void print_health(const relud_model *model, const relud_health *health, size_t rows)
{
    printf("\nover %zu rows\nlayer  %10s %12s %12s\n", rows, "zeros", "dead", "saturated");
    for (size_t i = 0; i < relud_model_info(model)->layers; i++) {
        const struct relud_layer_info *layer = relud_model_layer(model, i);
        struct relud_layer_health of = relud_health_layer(health, i);
        char dead[32] = "-", saturated[32] = "-";
        if (layer->is_relu_like)
            snprintf(dead, sizeof dead, "%zu of %zu", of.dead, layer->outputs);
        if (layer->is_saturating)
            snprintf(saturated, sizeof saturated, "%zu of %zu", of.saturated, layer->outputs);
        printf("%5zu  %9.1f%% %12s %12s\n", i, of.zero_ratio * 100, dead, saturated);
    }
}

/* What one thread has for itself. */
struct part {
    relud_scratch *scratch;
    relud_health *health;
    float *x, *y,
        **out; /* [ROWS_AT_ONCE][features], [][outputs], [layers][][outputs of the layer] */
    bool is_failed;
    struct relud_error error; /* if it is */
};

struct run {
    relud_model *model;
    const struct row_source *source;
    size_t parts;
    struct part *part; /* [parts] */
};

/* Runs every parts-th piece of the rows. Part of a team's work. */
static void run_some(void *user, size_t index, size_t parts)
{
    const struct run *run = user;
    struct part *part = &run->part[index];
    for (size_t row = index * ROWS_AT_ONCE; row < run->source->rows && !part->is_failed;
         row += parts * ROWS_AT_ONCE) {
        size_t left = run->source->rows - row, rows = left < ROWS_AT_ONCE ? left : ROWS_AT_ONCE;
        const float *x = row_source_read(run->source, row, rows, part->x, &part->error);
        part->is_failed = x == NULL;
        if (!x)
            return;
        relud_predict_layers(part->scratch, x, rows, part->y, part->out);
        relud_health_add(part->health, part->out, rows);
    }
}

static bool open_part(const struct run *run, struct part *part, struct relud_error *error)
{
    const struct relud_model_info *info = relud_model_info(run->model);
    part->scratch = relud_scratch_new(run->model, ROWS_AT_ONCE, error);
    part->health = relud_health_new(run->model, error);
    part->x = malloc(ROWS_AT_ONCE * info->features * sizeof *part->x);
    part->y = malloc(ROWS_AT_ONCE * info->outputs * sizeof *part->y);
    part->out = calloc(info->layers + 1, sizeof *part->out);
    bool is_open = part->scratch && part->health && part->x && part->y && part->out;
    for (size_t i = 0; is_open && i < info->layers; i++) {
        size_t width = relud_model_layer(run->model, i)->outputs;
        part->out[i] = malloc(ROWS_AT_ONCE * width * sizeof(float));
        is_open = part->out[i] != NULL;
    }
    return is_open || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void close_part(const struct run *run, struct part *part)
{
    for (size_t i = 0; part->out && i < relud_model_info(run->model)->layers; i++)
        free(part->out[i]);
    free(part->out);
    free(part->x);
    free(part->y);
    relud_scratch_free(part->scratch);
    relud_health_free(part->health);
}

/* One for each CPU, but no more than there is work for, and than a gigabyte has room for. */
static size_t count_parts(const struct run *run)
{
    const struct relud_model_info *info = relud_model_info(run->model);
    size_t numbers_max = (size_t)1 << 28, numbers = info->features + info->outputs;
    size_t parts = cpus_allowed(), pieces = (run->source->rows + ROWS_AT_ONCE - 1) / ROWS_AT_ONCE;
    for (size_t i = 0; i < info->layers; i++)
        numbers += relud_model_layer(run->model, i)->outputs;
    size_t fit = numbers_max / (ROWS_AT_ONCE * numbers);
    parts = parts < pieces ? parts : pieces;
    parts = parts < fit ? parts : fit;
    return parts ? parts : 1;
}

/* Adds up what the parts have counted. */
static bool merge(const struct run *run, struct relud_error *error)
{
    for (size_t i = 0; i < run->parts; i++) {
        if (run->part[i].is_failed) {
            *error = run->part[i].error;
            return false;
        }
        if (i)
            relud_health_merge(run->part[0].health, run->part[i].health);
    }
    return true;
}

static bool run_data(relud_model *model, const struct row_source *source, struct relud_error *error)
{
    struct run run = {.model = model, .source = source};
    run.parts = count_parts(&run);
    run.part = calloc(run.parts, sizeof *run.part);
    struct thread_team *team = thread_team_new(run.parts);
    bool is_ready = run.part && team;
    if (!is_ready)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = 0; is_ready && i < run.parts; i++)
        is_ready = open_part(&run, &run.part[i], error);
    if (is_ready) {
        const struct relud_team hook = thread_team_hook(team);
        hook.run(hook.self, run_some, &run);
    }
    bool is_done = is_ready && merge(&run, error);
    if (is_done)
        print_health(model, run.part[0].health, source->rows);
    for (size_t i = 0; run.part && i < run.parts; i++)
        close_part(&run, &run.part[i]);
    free(run.part);
    thread_team_free(team);
    return is_done;
}

struct wanted {
    const char *activation;
    struct relud_model_options options;
    char *data;
    int header, decimal;
};

#define AT(field) offsetof(struct wanted, field)
static const struct option table[] = {
    {"data", OPTION_TEXT, AT(data), "", "FILE", 0, 0,
     "Run the rows of this JSON, CSV, npy, npz or IDX file (also .gz) and show what the units do "
     "with them."},
    ACTIVATION_OPTION,
    TABLE_OPTIONS,
};
const struct options inspect_options = {table, sizeof table / sizeof *table, "MODEL", NULL};

static bool inspect(const char *name, const struct wanted *wanted, struct relud_error *error)
{
    const char *data_path = *wanted->data ? wanted->data : NULL;
    struct model_path path;
    if (!model_path_find(name, &path, error))
        return false;
    relud_model *model = relud_model_load(path.dir, &wanted->options, error);
    struct row_source source = {.rows = 0};
    bool is_done = model != NULL;
    if (is_done && data_path) {
        const struct relud_rows_options options = {
            .features = relud_model_info(model)->features,
            .name = relud_model_feature_names(model),
            .feature = relud_model_info(model)->feature,
            .table = table_of(wanted->header, wanted->decimal),
        };
        is_done = row_source_open(&source, "inspect", data_path, &options, error);
    }
    if (is_done)
        print_model(model, &path);
    if (is_done && data_path)
        is_done = run_data(model, &source, error);
    row_source_close(&source);
    relud_model_release(model);
    return is_done;
}

int cmd_inspect(int argc, char **argv)
{
    struct wanted wanted = {0};
    struct relud_error error;
    const char *name = NULL;
    struct option_words words = {.at = &name, .max = 1};
    bool is_read = options_set_defaults(&inspect_options, &wanted, &error) &&
                   options_read(&inspect_options, argc, argv, &wanted, &words, &error) &&
                   activation_option_read(wanted.activation, &wanted.options, &error);
    bool is_done = is_read && inspect(name, &wanted, &error);
    options_free(&inspect_options, &wanted);
    if (!is_read)
        return options_refuse("inspect", &error);
    if (!is_done)
        complain("inspect: %s", error.text);
    return is_done ? 0 : 1;
}
