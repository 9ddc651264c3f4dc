#include "server/cli/train_options.h"

#include "server/cli/commands.h"
#include "server/cli/table_options.h"
#include "server/models/path.h"
#include "server/settings/options.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH_MAX = 1 << 20, STEPS_MAX = 20000, EPOCHS_MIN = 5 };

/* The defaults of the kinds of data. docs/training.md tells where they come from. */
enum kind { OTHER, TABLE_OF_CLASSES, TABLE_OF_NUMBERS }; /* a table has a header */
static const struct {
    size_t epochs, steps_min;
    double dropout, weight_decay;
} defaults[] = {[OTHER] = {20, 500, 0, 0},
                [TABLE_OF_CLASSES] = {30, 2000, 0.2, 0.003},
                [TABLE_OF_NUMBERS] = {30, 2000, 0.1, 0.03}};

#define AT(field) offsetof(struct train_options, field)
static const struct option table[] = {
    {"layers", OPTION_TEXT, AT(layers), "", "A,B,C", 0, 0,
     "Build a net of these widths: the features, the units of each hidden layer and the outputs. "
     "An example is 784,256,10."},
    {"hidden", OPTION_TEXT, AT(hidden), "", "A,B|none", 0, 0,
     "Build a net with hidden layers of these units. The data say how many features and outputs it "
     "has. none makes a net without hidden layers. Use this option or --layers. Without both it "
     "is 64,32."},
    {"activation", OPTION_TEXT, AT(activation), "relu", "NAME[,...]", 0, 0,
     "Use this activation in all hidden layers, or one for each of them. elu:alpha=0.5 sets a "
     "parameter. prelu:channels learns a slope for each unit."},
    {"init", OPTION_CHOICE, AT(init), "auto", "auto|he|xavier|lecun", 0, 0,
     "Draw the first weights in this way. auto decides by the activation."},
    {"dropout", OPTION_REAL, AT(dropout), "auto", "SHARE", 0, 0.99,
     "Leave this share of the hidden units out of each step. For a table with a header, auto is "
     "0.2 if it learns classes and 0.1 if numbers; for other data it is 0."},

    {"data", OPTION_TEXT, AT(data), "", "FILE", 0, 0,
     "Train on the rows of this IDX, npy, npz, CSV, TSV or JSON file (also .gz)."},
    {"labels", OPTION_TEXT, AT(labels), "", "FILE", 0, 0,
     "Read the targets from this file, if the data do not hold them."},
    {"target", OPTION_TEXT, AT(target), "", "COLUMN", 0, 0,
     "Learn this column, given by name or number. Several columns with commas between them make a "
     "regression. Without this option it is the last column."},
    {"drop", OPTION_TEXT, AT(drop), "", "COLUMN,...", 0, 0,
     "Leave these columns out, given by name or number."},
    {"keep", OPTION_TEXT, AT(keep), "", "COLUMN,...", 0, 0,
     "Learn from these columns too, given by name or number, though they are constant or count the "
     "rows. Other columns of that kind are left out of a table with a header."},
    {"task", OPTION_CHOICE, AT(task), "auto", "auto|classification|regression", 0, 0,
     "Choose the task. auto decides by the target."},
    {"categorical", OPTION_TEXT, AT(categorical), "", "COLUMN,...", 0, 0,
     "Take the numbers in these columns, given by name or number, for categories. Columns of text "
     "are categories anyway."},
    {"numeric", OPTION_TEXT, AT(numeric), "", "COLUMN,...", 0, 0,
     "Refuse texts in these columns, given by name or number."},
    {"missing", OPTION_CHOICE, AT(missing), "auto", "auto|error|mean", 0, 0,
     "Choose what happens to empty cells. auto and mean put the column's mean, or its most "
     "frequent category, there, also when the model is asked; auto does so in columns only that "
     "have empty cells here."},
    {"unknown", OPTION_CHOICE, AT(unknown), "error", "error|zero", 0, 0,
     "Choose what happens to a category that is not in these data when the model is asked. zero "
     "takes it for none of them."},
    {"na-values", OPTION_TEXT, AT(na_values), "", "WORD[,...]", 0, 0,
     "Take these words for empty cells, besides those that pandas knows. An example is -,?"},
    TABLE_OPTIONS,
    {"validation", OPTION_TEXT, AT(validation), "", "SHARE|FILE", 0, 0,
     "Choose the best epoch by these rows: a share of the data, such as 0.1, or a file."},
    {"validation-labels", OPTION_TEXT, AT(validation_labels), "", "FILE", 0, 0,
     "Read the targets of --validation from this file."},
    {"test", OPTION_TEXT, AT(test), "", "FILE", 0, 0,
     "Measure the finished model on these rows. They have no influence on it."},
    {"test-labels", OPTION_TEXT, AT(test_labels), "", "FILE", 0, 0,
     "Read the targets of --test from this file."},
    {"standardize", OPTION_FLAG, AT(standardize), "", 0, 0, 0,
     "Subtract each feature's mean and divide by its deviation. The model does the same when it "
     "serves. A table with a header is standardized unless --scale or --shift is given."},
    {"scale", OPTION_REAL, AT(scale), "0", "X", -1e30, 1e30,
     "Multiply features by this number. 0 means 1/255 for bytes and 1 for all others."},
    {"shift", OPTION_REAL, AT(shift), "0", "X", -1e30, 1e30,
     "Add this number to features after --scale."},
    {"augment", OPTION_TEXT, AT(augment), "", "shift:N", 0, 0,
     "Move every image at random by up to N pixels in each direction."},

    {"epochs", OPTION_COUNT, AT(epochs), "0", 0, 0, 1000000,
     "Go through all rows this many times. 0 means 20 times, and 30 times for a table with a "
     "header: more often if that is fewer than 500 steps, or 2000 for such a table, and less "
     "often, "
     "but at least 5 times, if it is more than 20000 steps."},
    {"batch", OPTION_COUNT, AT(batch), "64", 0, 1, 65536, "Use this many rows in one step."},
    {"optimizer", OPTION_CHOICE, AT(optimizer), "auto", "auto|sgd|adam", 0, 0,
     "Use this optimizer. Its formulas are those of torch.optim. auto is adam for a table with a "
     "header, unless --nesterov is given, and sgd for other data."},
    {"lr", OPTION_REAL, AT(lr), "0", "RATE", 0, 1e6,
     "Set the learning rate. 0 means 0.01 for sgd and 0.001 for adam."},
    {"momentum", OPTION_REAL, AT(momentum), "0.9", "M", 0, 0.9999, "Set the momentum of sgd."},
    {"nesterov", OPTION_FLAG, AT(nesterov), "", 0, 0, 0, "Use Nesterov's momentum with sgd."},
    {"weight-decay", OPTION_REAL, AT(weight_decay), "auto", "D", 0, 1000,
     "Add the weights times this number to their gradients. For a table with a header, auto "
     "is 0.003 if it learns classes and 0.03 if numbers; for other data it is 0."},
    {"schedule", OPTION_TEXT, AT(schedule), "constant", "SCHEDULE", 0, 0,
     "Change the learning rate by constant, cosine (down to 0) or step[:EPOCHS[:FACTOR]]. Without "
     "them EPOCHS is a third of --epochs and FACTOR is 0.1."},
    {"warmup", OPTION_REAL, AT(warmup), "0", "EPOCHS", 0, 1000000,
     "Raise the learning rate in a straight line during these first epochs."},
    {"patience", OPTION_COUNT, AT(patience), "0", 0, 0, 1000000,
     "Stop after this many epochs without a better validation. 0 means never."},
    {"seed", OPTION_COUNT, AT(seed), "1", 0, 0, 9007199254740992.0,
     "Set the seed. The same seed, settings and data give the same bits in every weight."},
    {"threads", OPTION_COUNT, AT(threads), "0", 0, 0, 1024,
     "Use this many threads. 0 means one for each CPU that is allowed. They change nothing but "
     "the time."},
    {"isa", OPTION_CHOICE, AT(isa), "best", "best|scalar|avx2|avx512", 0, 0,
     "Use this instruction set. It serves to compare them."},

    {"out", OPTION_TEXT, AT(out), "", "DIR", 0, 0, "Write the model to this directory."},
    {"resume", OPTION_FLAG, AT(resume), "", 0, 0, 0,
     "Continue an interrupted training. The model gets the same bits as without the interruption."},
    {"overwrite", OPTION_FLAG, AT(overwrite), "", 0, 0, 0, "Replace the model that is in --out."},
    {"force", OPTION_FLAG, AT(force), "", 0, 0, 0,
     "Write the model even if it is worse than always answering the mean, or the most frequent "
     "class."},
    {"name", OPTION_TEXT, AT(name), "", "NAME", 0, 0,
     "Give the model this name. Without this option it is the directory's name."},
    {"description", OPTION_TEXT, AT(description), "", "TEXT", 0, 0,
     "Store this line about the model in it."},
};
static const struct option_group groups[] = {
    {"layers", "Net"}, {"data", "Data"}, {"epochs", "Learning"}, {"out", "Result"}, {NULL, NULL},
};
const struct options train_options = {table, sizeof table / sizeof *table, "", groups};

/* ---- layers ---- */

/* Reads a list such as 784,256,10 into width[max]; *count says how many there are. */
static bool read_list(const char *name, const char *text, size_t *width, size_t max, size_t *count,
                      struct relud_error *error)
{
    const char *at = text;
    for (*count = 0;; at++) {
        char *end;
        unsigned long number = strtoul(at, &end, 10);
        if (!isdigit((unsigned char)*at) || number < 1 || number > WIDTH_MAX ||
            (*end && *end != ','))
            return relud_fail(error, RELUD_BAD_INPUT,
                              "--%s: '%s' is not a list of numbers from 1 to %d with commas "
                              "between them, such as %s",
                              name, text, WIDTH_MAX, *name == 'l' ? "784,256,10" : "32,16");
        if (*count == max)
            return relud_fail(error, RELUD_BAD_INPUT, "--%s: at most %d layers are possible", name,
                              RELUD_TRAIN_LAYERS_MAX);
        width[(*count)++] = number;
        at = end;
        if (!*at)
            return true;
    }
}

/* Reads --layers, or --hidden: the layer of the outputs then has no units yet. */
static bool read_widths(struct train_options *options, struct relud_error *error)
{
    struct relud_train_config *config = &options->config;
    size_t width[RELUD_TRAIN_LAYERS_MAX + 1], count = 0;
    bool is_hidden = *options->hidden;
    bool is_read = is_hidden ? strcmp(options->hidden, "none") == 0 ||
                                   read_list("hidden", options->hidden, width,
                                             RELUD_TRAIN_LAYERS_MAX - 1, &count, error)
                             : read_list("layers", options->layers, width,
                                         RELUD_TRAIN_LAYERS_MAX + 1, &count, error);
    if (!is_read)
        return false;
    if (!is_hidden && count < 2)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--layers: at least two numbers are needed, the features and one layer, "
                          "such as 784,10");
    options->features = is_hidden ? 0 : width[0];
    for (size_t i = !is_hidden; i < count; i++)
        config->layer[config->layers++].units = width[i];
    config->layers += is_hidden;
    return true;
}

/* Reads NAME[:PARAMETER=VALUE]... or prelu:channels, which is a slope for each unit. */
static bool read_activation(struct relud_train_layer *layer, char *text, struct relud_error *error)
{
    static const char channels[] = "prelu:channels";
    layer->has_slope_per_unit = strcmp(text, channels) == 0;
    if (layer->has_slope_per_unit)
        *strchr(text, ':') = '\0';
    return relud_activation_read(text, &layer->activation, &layer->params, error);
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
        is_read =
            count <= RELUD_TRAIN_LAYERS_MAX
                ? read_activation(&one[count++], word, error)
                : relud_fail(error, RELUD_BAD_INPUT,
                             "--activation: there are more activations than layers are possible");
    free(text);
    if (is_read && hidden == 0 && strcmp(options->activation, "relu") != 0)
        is_read = relud_fail(error, RELUD_BAD_INPUT, "--activation: there is no hidden layer");
    if (is_read && count != 1 && count != hidden && count != config->layers)
        is_read = relud_fail(error, RELUD_BAD_INPUT,
                             "--activation: %zu activations are given for %zu hidden layers", count,
                             hidden);
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
    unsigned long epochs = 0; /* fit_epochs makes it a third of the epochs */
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
                                  "--schedule: '%s' is not constant, cosine or "
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
           relud_fail(error, RELUD_BAD_INPUT, "--augment: '%s' is not shift:N with N from 1 to 999",
                      text);
}

/* --validation is a share of the rows, or else a file. */
static bool read_validation(struct train_options *options, struct relud_error *error)
{
    char *end;
    double share = strtod(options->validation, &end);
    options->has_validation_file = *options->validation && *end;
    if (!*options->validation || *end)
        return true;
    options->config.validation_share = share;
    if (*options->validation_labels)
        return relud_fail(
            error, RELUD_BAD_INPUT,
            "--validation-labels needs a file in --validation, which is a share of the data");
    return (share > 0 && share < 1) ||
           relud_fail(error, RELUD_BAD_INPUT, "--validation: a share must be above 0 and below 1");
}

/* Refuses options that would have no effect together. */
static bool check_together(const struct train_options *options, struct relud_error *error)
{
    if (options->standardize && (options->scale != 0 || options->shift != 0))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--standardize cannot be used with --scale or --shift");
    if (options->nesterov && (options->optimizer == OPTIMIZER_ADAM || options->momentum == 0))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--nesterov needs --optimizer sgd and a --momentum above 0");
    if (options->scale != 0 && (float)options->scale == 0)
        return relud_fail(error, RELUD_BAD_INPUT, "--scale: %g is 0 in float32", options->scale);
    if (options->patience && !*options->validation)
        return relud_fail(error, RELUD_BAD_INPUT, "--patience needs --validation");
    return true;
}

static bool check_names(const struct train_options *options, struct relud_error *error)
{
    static const struct {
        const char *what;
        size_t at;
    } wanted[] = {{"--data FILE", AT(data)}, {"--out DIR", AT(out)}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!**(char *const *)((const char *)options + wanted[i].at))
            return relud_fail(error, RELUD_BAD_INPUT, "%s is missing", wanted[i].what);
    if (*options->layers && *options->hidden)
        return relud_fail(error, RELUD_BAD_INPUT, "--layers and --hidden cannot be used together");
    if (*options->labels && *options->target)
        return relud_fail(error, RELUD_BAD_INPUT, "--labels and --target cannot be used together");
    if ((*options->test_labels && !*options->test) ||
        (*options->validation_labels && !*options->validation))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "--test-labels needs --test, and --validation-labels needs "
                          "--validation");
    return !*options->name || model_path_is_name(options->name) ||
           relud_fail(
               error, RELUD_BAD_INPUT,
               "--name: '%s' is not a name; a name has 1 to 64 characters of A-Z a-z 0-9 . _ - "
               "and space, and does not begin with a dot",
               options->name);
}

/* Writes a word so that a shell reads it as one. */
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

/* True if the recipe leaves the option out though it has a value. */
static bool is_left_out(const struct train_options *options, const struct option *option,
                        const char *text)
{
    if (strcmp(option->name, "validation") == 0)
        return options->has_validation_file;
    if (strcmp(option->name, "epochs") == 0)
        return options->epochs == 0;
    static const char *const usual[] = {"header", "decimal", "missing", "unknown"};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
        if (strcmp(option->name, usual[i]) == 0)
            return strcmp(text, option->value) == 0;
    return false;
}

/* Writes all options that shape the weights, as they could be typed again. Checkpoints hold the
 * text and are compared by it, so its order is its own and does not follow the help's. */
static bool write_recipe(struct train_options *options, struct relud_error *error)
{
    static const char *const names[] = {
        "target",   "drop",       "keep",        "categorical",  "numeric",  "layers",
        "hidden",   "activation", "task",        "missing",      "unknown",  "na-values",
        "header",   "decimal",    "validation",  "epochs",       "batch",    "optimizer",
        "lr",       "momentum",   "nesterov",    "weight-decay", "schedule", "warmup",
        "dropout",  "init",       "standardize", "scale",        "shift",    "augment",
        "patience", "seed"};
    options->recipe.len = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char value[64];
        const struct option *option = options_find(&train_options, names[i]);
        const char *text = option_text(options, option, value, sizeof value);
        if (!*text || is_left_out(options, option, text))
            continue;
        text_print(&options->recipe, "%s--%s", options->recipe.len ? " " : "", option->name);
        if (option->kind != OPTION_FLAG)
            put_word(&options->recipe, text);
    }
    text_put_n(&options->recipe, "", 1);
    return text_is_whole(&options->recipe) || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

static void fill_config(struct train_options *options)
{
    struct relud_train_config *config = &options->config;
    config->batch = options->batch;
    config->momentum = options->momentum;
    config->nesterov = options->nesterov;
    config->warmup_epochs = options->warmup;
    config->init = (enum relud_init)options->init;
    config->standardize = options->standardize;
    config->scale = (float)options->scale;
    config->shift = (float)options->shift;
    config->patience = options->patience;
    config->seed = options->seed;
    config->isa = (enum relud_isa)options->isa;
    config->is_resumed = options->resume;
}

/* Without --layers and --hidden, a net of usual size for a table. */
static bool choose_hidden(struct train_options *options, struct relud_error *error)
{
    if (*options->layers || *options->hidden)
        return true;
    free(options->hidden);
    options->hidden = strdup("64,32");
    return options->hidden || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}

bool train_options_read(struct train_options *options, int argc, char **argv,
                        struct relud_error *error)
{
    *options = (struct train_options){0};
    struct option_words none = {0};
    if (!options_set_defaults(&train_options, options, error) ||
        !options_read(&train_options, argc, argv, options, &none, error))
        return false;
    fill_config(options);
    if (!choose_hidden(options, error) || !read_validation(options, error) ||
        !check_names(options, error) || !read_widths(options, error) ||
        !read_activations(options, error) || !read_schedule(options, error) ||
        !read_augment(options, error))
        return false;
    return check_together(options, error) && write_recipe(options, error);
}

/* Sets what is auto. */
static void settle(struct train_options *options, enum kind kind)
{
    struct relud_train_config *config = &options->config;
    if (options->optimizer == OPTIMIZER_AUTO)
        options->optimizer = kind != OTHER && !options->nesterov ? OPTIMIZER_ADAM : OPTIMIZER_SGD;
    bool is_adam = options->optimizer == OPTIMIZER_ADAM;
    if (options->lr == 0)
        options->lr = is_adam ? 0.001 : 0.01;
    if (isnan(options->dropout))
        options->dropout = defaults[kind].dropout;
    if (isnan(options->weight_decay))
        options->weight_decay = defaults[kind].weight_decay;
    config->optimizer = is_adam ? RELUD_OPTIMIZER_ADAM : RELUD_OPTIMIZER_SGD;
    config->lr = options->lr;
    config->dropout = options->dropout;
    config->weight_decay = options->weight_decay;
}

/* Without --epochs, small data are gone through more often than large data. */
static void fit_epochs(struct train_options *options, const struct relud_dataset *data,
                       enum kind kind)
{
    struct relud_train_config *config = &options->config;
    size_t held = (size_t)(config->validation_share * (double)data->rows + 0.5);
    size_t rows = data->rows > held ? data->rows - held : 1;
    size_t steps = (rows - 1) / options->batch + 1, most = STEPS_MAX / steps;
    size_t least = (defaults[kind].steps_min - 1) / steps + 1, epochs = defaults[kind].epochs;
    if (options->epochs == 0)
        options->epochs = least > epochs      ? least
                          : most > epochs     ? epochs
                          : most < EPOCHS_MIN ? EPOCHS_MIN
                                              : most;
    config->epochs = options->epochs;
    if (config->schedule == RELUD_SCHEDULE_STEP && config->step_epochs == 0)
        config->step_epochs = config->epochs / 3 ? config->epochs / 3 : 1;
}

bool train_options_fit(struct train_options *options, const struct relud_dataset *data,
                       struct relud_error *error)
{
    struct relud_train_config *config = &options->config;
    struct relud_train_layer *last = &config->layer[config->layers - 1];
    if (*options->hidden) {
        options->features = data->features;
        last->units = data->outputs ? data->outputs : data->labels == 2 ? 1 : data->labels;
    }
    enum kind kind = !data->name || data->bytes ? OTHER
                     : data->outputs            ? TABLE_OF_NUMBERS
                                                : TABLE_OF_CLASSES;
    if (kind != OTHER && options->scale == 0 && options->shift == 0)
        config->standardize = options->standardize = true;
    settle(options, kind);
    fit_epochs(options, data, kind);
    if (!write_recipe(options, error))
        return false;
    config->task = data->outputs ? RELUD_TASK_REGRESSION : RELUD_TASK_CLASSIFICATION;
    if (config->scale == 0)
        config->scale = data->bytes ? (float)(1 / 255.0) : 1;
    config->recipe = options->recipe.at;
    config->description = *options->description ? options->description : NULL;
    return true;
}

void train_options_free(struct train_options *options)
{
    options_free(&train_options, options);
    text_free(&options->recipe);
}
