#include "server/train_options.h"

#include "server/model_path.h"
#include "server/options.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1 << 20 };

#define AT(field) offsetof(struct train_options, field)
static const struct option table[] = {
    {"data", OPTION_TEXT, AT(data), "", "FILE", 0, 0,
     "IDX, npy, CSV, TSV or JSON, also .gz: rows to train on"},
    {"labels", OPTION_TEXT, AT(labels), "", "FILE", 0, 0, "their targets, where they stand apart"},
    {"target", OPTION_TEXT, AT(target), "", "COLUMN", 0, 0,
     "name or number of the column to learn, several with commas for a regression; none: the last"},
    {"layers", OPTION_TEXT, AT(layers), "", "A,B,C", 0, 0,
     "features, units of each hidden layer, outputs: 784,256,10"},
    {"activation", OPTION_TEXT, AT(activation), "relu", "NAME[,...]", 0, 0,
     "of all hidden layers, or one for each; elu:alpha=0.5 sets a parameter, prelu:channels learns "
     "a "
     "slope for each unit"},
    {"out", OPTION_TEXT, AT(out), "", "DIR", 0, 0, "the model directory to write"},
    {"task", OPTION_CHOICE, AT(task), "auto", "auto|classification|regression", 0, 0,
     "auto: by the target"},
    {"missing", OPTION_CHOICE, AT(missing), "error", "error|mean", 0, 0,
     "what becomes of empty cells"},
    {"validation", OPTION_TEXT, AT(validation), "", "SHARE|FILE", 0, 0,
     "rows that choose the best epoch: a share of the data such as 0.1, or a file"},
    {"validation-labels", OPTION_TEXT, AT(validation_labels), "", "FILE", 0, 0, "their targets"},
    {"test", OPTION_TEXT, AT(test), "", "FILE", 0, 0,
     "rows that are only counted at the end and choose nothing"},
    {"test-labels", OPTION_TEXT, AT(test_labels), "", "FILE", 0, 0, "their targets"},
    {"epochs", OPTION_COUNT, AT(epochs), "20", 0, 1, 1000000, "times that every row is seen"},
    {"batch", OPTION_COUNT, AT(batch), "64", 0, 1, 65536, "rows of a step"},
    {"optimizer", OPTION_CHOICE, AT(optimizer), "sgd", "sgd|adam", 0, 0,
     "torch.optim's, by their formulas"},
    {"lr", OPTION_REAL, AT(lr), "0", "RATE", 0, 1e6,
     "learning rate; 0: 0.01 for sgd, 0.001 for adam"},
    {"momentum", OPTION_REAL, AT(momentum), "0.9", "M", 0, 0.9999, "of sgd"},
    {"nesterov", OPTION_FLAG, AT(nesterov), "", 0, 0, 0, "Nesterov's momentum"},
    {"weight-decay", OPTION_REAL, AT(weight_decay), "0", "D", 0, 1000, "added to gradients"},
    {"schedule", OPTION_TEXT, AT(schedule), "constant", "S", 0, 0,
     "constant, cosine (to 0), step[:EPOCHS[:FACTOR]] (a third of the epochs, 0.1)"},
    {"warmup", OPTION_REAL, AT(warmup), "0", "EPOCHS", 0, 1000000,
     "the rate rises in a line this long"},
    {"dropout", OPTION_REAL, AT(dropout), "0", "SHARE", 0, 0.99,
     "of hidden units left out of a step"},
    {"init", OPTION_CHOICE, AT(init), "auto", "auto|he|xavier|lecun", 0, 0,
     "of weights; auto: by the activation"},
    {"standardize", OPTION_FLAG, AT(standardize), "", 0, 0, 0,
     "features less their mean, by their deviation; the model does it when it serves"},
    {"scale", OPTION_REAL, AT(scale), "0", "X", -1e30, 1e30,
     "features times this; 0: 1/255 for bytes, else 1"},
    {"shift", OPTION_REAL, AT(shift), "0", "X", -1e30, 1e30, "and this added"},
    {"augment", OPTION_TEXT, AT(augment), "", "shift:N", 0, 0,
     "every image is moved by up to N pixels each way at random"},
    {"patience", OPTION_COUNT, AT(patience), "0", 0, 0, 1000000,
     "end after so many epochs without a better validation; 0: never"},
    {"seed", OPTION_COUNT, AT(seed), "1", 0, 0, 9007199254740992.0,
     "the same seed, settings and data: the same bits of every weight"},
    {"threads", OPTION_COUNT, AT(threads), "0", 0, 0, 1024,
     "0: as many as CPUs are allowed; they change nothing but the time"},
    {"isa", OPTION_CHOICE, AT(isa), "best", "best|scalar|avx2|avx512", 0, 0,
     "the instruction set to use, for comparing them"},
    {"resume", OPTION_FLAG, AT(resume), "", 0, 0, 0,
     "go on with what was interrupted; the bits are those of one run"},
    {"overwrite", OPTION_FLAG, AT(overwrite), "", 0, 0, 0, "replace the model in DIR"},
    {"name", OPTION_TEXT, AT(name), "", "NAME", 0, 0, "of the model; none: DIR's"},
    {"description", OPTION_TEXT, AT(description), "", "TEXT", 0, 0, "one line about the model"},
};
static const struct options all = {table, sizeof table / sizeof *table, NULL};

/* ---- layers ---- */

static bool read_widths(struct train_options *options, struct relud_error *error)
{
    struct relud_train_config *config = &options->config;
    const char *at = options->layers;
    for (size_t i = 0;; i++) {
        char *end;
        unsigned long width = strtoul(at, &end, 10);
        if (!isdigit((unsigned char)*at) || width < 1 || width > WIDTH_MAX || (*end && *end != ','))
            return relud_fail(
                error, RELUD_BAD_INPUT,
                "--layers: '%.60s': numbers from 1 to %d with commas between them are "
                "wanted, such as 784,256,10",
                options->layers, WIDTH_MAX);
        if (i > RELUD_TRAIN_LAYERS_MAX)
            return relud_fail(error, RELUD_BAD_INPUT, "--layers: more than %d layers",
                              RELUD_TRAIN_LAYERS_MAX);
        if (i == 0)
            options->features = width;
        else
            config->layer[config->layers++].units = width;
        if (!*end)
            break;
        at = end + 1;
    }
    return config->layers || relud_fail(error, RELUD_BAD_INPUT,
                                        "--layers: the features and at least one layer are wanted");
}

/* PARAMETER=VALUE of an activation, or "channels" for PReLU's slopes. */
static bool read_parameter(struct relud_train_layer *layer, const char *text,
                           struct relud_error *error)
{
    const struct relud_activation_info *info = relud_activation_info(layer->activation);
    const char *equals = strchr(text, '=');
    size_t len = equals ? (size_t)(equals - text) : 0;
    for (size_t i = 0; i < info->parameters; i++) {
        const struct relud_parameter_info *parameter = &info->parameter[i];
        if (parameter->kind == RELUD_PARAMETER_WEIGHT && strcmp(text, "channels") == 0) {
            layer->has_slope_per_unit = true;
            return true;
        }
        if (!equals || strlen(parameter->name) != len || strncmp(parameter->name, text, len) != 0)
            continue;
        for (size_t c = 0; parameter->choices && parameter->choices[c]; c++)
            if (strcmp(parameter->choices[c], equals + 1) == 0) {
                layer->params.values[i] = (float)c;
                return true;
            }
        char *end;
        layer->params.values[i] = strtof(equals + 1, &end);
        if (!parameter->choices && end != equals + 1 && !*end && isfinite(layer->params.values[i]))
            return true;
    }
    return relud_fail(error, RELUD_BAD_INPUT, "--activation: %s: '%.60s' is none of its parameters",
                      info->name, text);
}

/* NAME[:PARAMETER]... */
static bool read_activation(struct relud_train_layer *layer, char *text, struct relud_error *error)
{
    char *rest = NULL, *word = strtok_r(text, ":", &rest);
    layer->activation = word ? relud_activation_find(word) : NULL;
    if (!layer->activation)
        return relud_fail(error, RELUD_BAD_INPUT, "--activation: there is no '%.60s'",
                          word ? word : "");
    layer->params = relud_activation_defaults(layer->activation);
    while ((word = strtok_r(NULL, ":", &rest)))
        if (!read_parameter(layer, word, error))
            return false;
    return true;
}

static bool read_activations(struct train_options *options, struct relud_error *error)
{
    struct relud_train_config *config = &options->config;
    struct relud_train_layer one[RELUD_TRAIN_LAYERS_MAX + 1] = {0};
    size_t count = 0, hidden = config->layers - 1;
    char *text = strdup(options->activation), *rest = NULL;
    bool is_read = text || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (char *word = text ? strtok_r(text, ",", &rest) : NULL; is_read && word;
         word = strtok_r(NULL, ",", &rest))
        is_read = count <= RELUD_TRAIN_LAYERS_MAX
                      ? read_activation(&one[count++], word, error)
                      : relud_fail(error, RELUD_BAD_INPUT, "--activation: too many");
    free(text);
    if (is_read && hidden == 0 && count == 1 && strcmp(options->activation, "relu") != 0)
        is_read = relud_fail(error, RELUD_BAD_INPUT, "--activation: there is no hidden layer");
    if (is_read && count != 1 && count != hidden && count != config->layers)
        is_read = relud_fail(error, RELUD_BAD_INPUT,
                             "--activation: %zu of them for %zu hidden layers", count, hidden);
    for (size_t i = 0; is_read && i < (count == config->layers && count > 1 ? count : hidden);
         i++) {
        size_t units = config->layer[i].units;
        config->layer[i] = one[count == 1 ? 0 : i];
        config->layer[i].units = units;
    }
    return is_read;
}

/* ---- the rest ---- */

static bool read_schedule(struct train_options *options, struct relud_error *error)
{
    struct relud_train_config *config = &options->config;
    const char *text = options->schedule;
    unsigned long epochs = options->epochs / 3 ? options->epochs / 3 : 1;
    config->step_factor = 0.1;
    if (strcmp(text, "constant") == 0)
        return true;
    if (strcmp(text, "cosine") == 0) {
        config->schedule = RELUD_SCHEDULE_COSINE;
        return true;
    }
    char *end = NULL;
    bool is_right = strncmp(text, "step", 4) == 0 && (text[4] == '\0' || text[4] == ':');
    if (is_right && text[4]) {
        epochs = strtoul(text + 5, &end, 10);
        is_right = isdigit((unsigned char)text[5]) && epochs && (*end == '\0' || *end == ':');
    }
    if (is_right && end && *end == ':') {
        const char *factor = end + 1;
        config->step_factor = strtod(factor, &end);
        is_right = end != factor && !*end && config->step_factor > 0 && config->step_factor <= 1;
    }
    config->schedule = RELUD_SCHEDULE_STEP;
    config->step_epochs = epochs;
    return is_right || relud_fail(error, RELUD_BAD_INPUT,
                                  "--schedule: '%.60s' is not constant, cosine or "
                                  "step[:EPOCHS[:FACTOR]]",
                                  text);
}

static bool read_augment(struct train_options *options, struct relud_error *error)
{
    const char *text = options->augment;
    if (!*text)
        return true;
    char *end = NULL;
    unsigned long shift = strncmp(text, "shift:", 6) == 0 ? strtoul(text + 6, &end, 10) : 0;
    options->config.augment_shift = shift;
    return (end && isdigit((unsigned char)text[6]) && !*end && shift > 0 && shift < 1000) ||
           relud_fail(error, RELUD_BAD_INPUT, "--augment: '%.60s' is not shift:N, N from 1", text);
}

/* A share of the rows, or else a file. */
static bool read_validation(struct train_options *options, struct relud_error *error)
{
    char *end;
    double share = strtod(options->validation, &end);
    options->has_validation_file = *options->validation && *end;
    if (!*options->validation || *end)
        return true;
    options->config.validation_share = share;
    if (*options->validation_labels)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--validation-labels: the validation rows are a share of the data");
    return (share > 0 && share < 1) ||
           relud_fail(error, RELUD_BAD_INPUT,
                      "--validation: a share from above 0 to below 1, or a "
                      "file, is wanted");
}

/* What would otherwise be silently without effect. */
static bool check_together(const struct train_options *options, struct relud_error *error)
{
    if (options->standardize && (options->scale != 0 || options->shift != 0))
        return relud_fail(error, RELUD_BAD_INPUT, "--standardize excludes --scale and --shift");
    if (options->nesterov && (options->optimizer || options->momentum == 0))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--nesterov wants --optimizer sgd and a momentum");
    if (options->scale != 0 && (float)options->scale == 0)
        return relud_fail(error, RELUD_BAD_INPUT, "--scale: %g is 0 in float32", options->scale);
    if (options->patience && !*options->validation)
        return relud_fail(error, RELUD_BAD_INPUT, "--patience wants --validation");
    return true;
}

static bool check_names(const struct train_options *options, struct relud_error *error)
{
    static const struct {
        const char *what;
        size_t at;
    } wanted[] = {
        {"--data FILE", AT(data)}, {"--layers A,B,C", AT(layers)}, {"--out DIR", AT(out)}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!**(char *const *)((const char *)options + wanted[i].at))
            return relud_fail(error, RELUD_BAD_INPUT, "%s is wanted", wanted[i].what);
    if (*options->labels && *options->target)
        return relud_fail(error, RELUD_BAD_INPUT, "--labels and --target exclude each other");
    if ((*options->test_labels && !*options->test) ||
        (*options->validation_labels && !*options->validation))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--test-labels and --validation-labels want --test "
                          "and --validation");
    return !*options->name || model_path_is_name(options->name) ||
           relud_fail(
               error, RELUD_BAD_INPUT,
               "--name: '%.80s': 1 to 64 of A-Z a-z 0-9 . _ - and space are wanted, without a "
               "leading dot",
               options->name);
}

/* As a shell takes it for one word. */
static void put_word(struct text *out, const char *word)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.,:=_+-/";
    bool is_plain = strspn(word, plain) == strlen(word);
    text_put(out, is_plain ? " " : " '");
    for (; *word; word++) {
        char one[2] = {*word, '\0'};
        text_put(out, *word == '\'' ? "'\\''" : one);
    }
    text_put(out, is_plain ? "" : "'");
}

/* Everything that shapes the weights, as it could be typed again. */
static bool write_recipe(struct train_options *options, struct relud_error *error)
{
    static const char *const passed_over[] = {
        "data",   "labels",  "out", "validation-labels", "test",       "test-labels", "name",
        "resume", "threads", "isa", "overwrite",         "description"};
    for (size_t i = 0; i < all.len; i++) {
        char value[64];
        const char *text = option_text(options, &table[i], value, sizeof value);
        bool is_wanted = *text;
        for (size_t k = 0; k < sizeof passed_over / sizeof *passed_over; k++)
            is_wanted = is_wanted && strcmp(table[i].name, passed_over[k]) != 0;
        if (strcmp(table[i].name, "validation") == 0)
            is_wanted = is_wanted && !options->has_validation_file;
        if (!is_wanted)
            continue;
        text_print(&options->recipe, "%s--%s", options->recipe.len ? " " : "", table[i].name);
        if (table[i].kind != OPTION_FLAG)
            put_word(&options->recipe, text);
    }
    text_put_n(&options->recipe, "", 1);
    return text_is_whole(&options->recipe) || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void fill_config(struct train_options *options)
{
    struct relud_train_config *config = &options->config;
    if (options->lr == 0)
        options->lr = options->optimizer == RELUD_OPTIMIZER_ADAM ? 0.001 : 0.01;
    config->epochs = options->epochs;
    config->batch = options->batch;
    config->optimizer = (enum relud_optimizer)options->optimizer;
    config->lr = options->lr;
    config->momentum = options->momentum;
    config->nesterov = options->nesterov;
    config->weight_decay = options->weight_decay;
    config->warmup_epochs = options->warmup;
    config->dropout = options->dropout;
    config->init = (enum relud_init)options->init;
    config->standardize = options->standardize;
    config->scale = (float)options->scale;
    config->shift = (float)options->shift;
    config->patience = options->patience;
    config->seed = options->seed;
    config->isa = (enum relud_isa)options->isa;
    config->is_resumed = options->resume;
}

bool train_options_read(struct train_options *options, int argc, char **argv,
                        struct relud_error *error)
{
    *options = (struct train_options){0};
    if (!options_set_defaults(&all, options, error))
        return false;
    for (int i = 1; i < argc;) {
        struct option_word word;
        if (!options_next(&all, argc, argv, &i, &word, error))
            return false;
        if (word.word)
            return relud_fail(error, RELUD_BAD_INPUT, "'%.80s' is not understood", word.word);
        if (!option_set(options, word.option, word.origin, word.value, error))
            return false;
    }
    fill_config(options);
    if (!read_validation(options, error) || !check_names(options, error) ||
        !read_widths(options, error) || !read_activations(options, error) ||
        !read_schedule(options, error) || !read_augment(options, error))
        return false;
    return check_together(options, error) && write_recipe(options, error);
}

void train_options_fit(struct train_options *options, const struct relud_dataset *data)
{
    struct relud_train_config *config = &options->config;
    config->task = data->outputs ? RELUD_TASK_REGRESSION : RELUD_TASK_CLASSIFICATION;
    if (config->scale == 0)
        config->scale = data->bytes ? (float)(1 / 255.0) : 1;
    config->recipe = options->recipe.at;
    config->description = *options->description ? options->description : NULL;
}

void train_options_free(struct train_options *options)
{
    options_free(&all, options);
    text_free(&options->recipe);
}

void train_options_print_help(void)
{
    options_print_help(&all);
}
