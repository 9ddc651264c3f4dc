/* relud inspect: what is in a model, and with data what its units do. */
#include "server/commands.h"

#include "server/model_path.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_AT_ONCE = 256 };

static void print_tensor(const char *what, const struct relud_tensor_info *tensor)
{
    printf("%s  %s: %zu numbers", what, tensor->name, tensor->width);
    for (size_t i = 0; tensor->rank > 1 && i < tensor->rank; i++)
        printf("%s%zu%s", i ? ", " : " [", tensor->shape[i], i + 1 == tensor->rank ? "]" : "");
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

static void print_features(const struct relud_training *training)
{
    enum { SHOWN_MAX = 64 };
    if (training->features > SHOWN_MAX) {
        printf("  features   mean, deviation, range and histogram of each are in model.json\n");
        return;
    }
    printf("\nfeature %12s %12s %12s %12s  over the training rows\n", "mean", "std", "min", "max");
    for (size_t i = 0; i < training->features; i++)
        printf("%7zu %12.5g %12.5g %12.5g %12.5g  %s\n", i, (double)training->mean[i],
               (double)training->std[i], (double)training->min[i], (double)training->max[i],
               training->feature ? training->feature[i] : "");
}

static void print_training(const struct relud_training *training)
{
    printf("\ntrained: the best of %zu epochs was %zu\n", training->epochs, training->best_epoch);
    if (training->recipe)
        printf("  recipe     %s\n", training->recipe);
    print_measures("training", training->rows, training->loss, training->accuracy);
    print_measures("validation", training->validation_rows, training->validation_loss,
                   training->validation_accuracy);
    print_measures("test", training->test_rows, training->test_loss, training->test_accuracy);
    if (training->features)
        print_features(training);
}

static void print_model(const relud_model *model, const struct model_path *path)
{
    static const char *const tasks[] = {"none", "classification", "regression"};
    const struct relud_model_info *info = relud_model_info(model);
    printf("%s version %s (%s)\n", info->name ? info->name : path->name, path->version,
           info->format);
    if (info->description)
        printf("%s\n", info->description);
    print_tensor("input ", &info->input);
    for (size_t i = 0; i < info->results; i++)
        print_tensor("output", &info->result[i]);
    printf("task    %s\n", tasks[info->task]);
    printf("size    %zu parameters, %.1f MB in memory; kernels for %s\n\n", info->parameters,
           (double)info->bytes * 1e-6, relud_isa_name(relud_isa_best()));
    printf("layer  %8s %8s  %-12s %-5s weight\n", "inputs", "outputs", "activation", "bias");
    for (size_t i = 0; i < info->layers; i++) {
        const struct relud_layer_info *layer = relud_model_layer(model, i);
        printf("%5zu  %8zu %8zu  %-12s %-5s %s\n", i, layer->inputs, layer->outputs,
               layer->activation, layer->weight ? layer->has_bias ? "yes" : "no" : "-",
               layer->weight ? layer->weight : "(none: an activation by itself)");
    }
    if (info->operations) {
        printf("\noperations read: %s\nsteps they became (what they make and of what; numbers a "
               "row)\n",
               info->operations);
        for (size_t i = 0; i < info->steps; i++)
            printf("%5s%zu  %s\n", "#", i, info->step[i]);
    }
    printf("\nplans (microseconds a row as measured now; \"sparse to N\": rows with at most N "
           "non-zeros)\n");
    for (size_t i = 0; i < info->layers; i++)
        if (relud_model_layer(model, i)->weight)
            printf("%5zu  %s\n", i, relud_model_layer(model, i)->plan);
    if (info->training)
        print_training(info->training);
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

static bool inspect(const char *name, const char *data_path, struct relud_error *error)
{
    struct model_path path;
    if (!model_path_find(name, &path, error))
        return false;
    relud_model *model = relud_model_load(path.dir, NULL, error);
    struct relud_rows data = {0};
    bool is_done = model != NULL;
    if (is_done && data_path)
        is_done = relud_rows_read(data_path, relud_model_info(model)->features, &data, error);
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
    const char *name = NULL, *data = NULL;
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--data") == 0 && i + 1 < argc) {
            data = argv[++i];
        } else if (argv[i][0] == '-' || name) {
            fprintf(stderr, "relud: inspect: '%s' is not understood (see relud help inspect)\n",
                    argv[i]);
            return 2;
        } else {
            name = argv[i];
        }
    }
    if (!name) {
        fprintf(stderr, "relud: inspect: a MODEL is wanted\n");
        return 2;
    }
    struct relud_error error;
    if (inspect(name, data, &error))
        return 0;
    fprintf(stderr, "relud: inspect: %s\n", error.text);
    return 1;
}
