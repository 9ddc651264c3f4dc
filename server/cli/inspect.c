/* relud inspect: shows what is in a model and, with data, what its units do. */
#include "server/cli/commands.h"

#include "server/cli/table_options.h"
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

static bool run_data(relud_model *model, const struct relud_rows *data, struct relud_error *error)
{
    const struct relud_model_info *info = relud_model_info(model);
    relud_health *health = relud_health_new(model, error);
    relud_scratch *scratch = relud_scratch_new(model, ROWS_AT_ONCE, error);
    float *y = malloc(ROWS_AT_ONCE * info->outputs * sizeof *y);
    float **out = calloc(info->layers, sizeof *out);
    bool is_ready = health && scratch && y && out;
    for (size_t i = 0; is_ready && i < info->layers; i++)
        is_ready = (out[i] = malloc(ROWS_AT_ONCE * relud_model_layer(model, i)->outputs *
                                    sizeof(float))) != NULL;
    if (!is_ready)
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t row = 0; is_ready && row < data->rows; row += ROWS_AT_ONCE) {
        size_t rows = data->rows - row < ROWS_AT_ONCE ? data->rows - row : ROWS_AT_ONCE;
        relud_predict_layers(scratch, data->values + row * data->features, rows, y, out);
        relud_health_add(health, out, rows);
    }
    if (is_ready)
        print_health(model, health, data->rows);
    for (size_t i = 0; out && i < info->layers; i++)
        free(out[i]);
    free(out);
    free(y);
    relud_scratch_free(scratch);
    relud_health_free(health);
    return is_ready;
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
    struct relud_rows data = {0};
    bool is_done = model != NULL;
    if (is_done && data_path) {
        const struct relud_rows_options options = {
            .features = relud_model_info(model)->features,
            .name = relud_model_feature_names(model),
            .feature = relud_model_info(model)->feature,
            .table = table_of(wanted->header, wanted->decimal),
        };
        is_done = relud_rows_read_with(data_path, &options, &data, error);
        table_note_print("inspect", data_path, data.note);
    }
    if (is_done)
        print_model(model, &path);
    if (is_done && data_path)
        is_done = run_data(model, &data, error);
    relud_rows_free(&data);
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
