/* relud train's command line, and what it means. */
#ifndef SERVER_CLI_TRAIN_OPTIONS_H
#define SERVER_CLI_TRAIN_OPTIONS_H

#include "server/base/text.h"
#include <relud/relud.h>

enum { MISSING_AUTO, MISSING_ERROR, MISSING_MEAN };
enum { OPTIMIZER_AUTO, OPTIMIZER_SGD, OPTIMIZER_ADAM };

struct train_options {
    char *data, *labels, *target, *layers, *hidden, *activation, *out;
    char *validation, *validation_labels, *test, *test_labels;
    char *schedule, *augment, *name, *description, *na_values, *drop, *keep;
    char *categorical, *numeric;
    int task, missing, unknown, optimizer, init, isa, header, decimal;
    size_t epochs, batch, patience, seed, threads;
    double lr, momentum, weight_decay, warmup, dropout, scale, shift;
    bool nesterov, standardize, resume, overwrite, force;
    /* What the options mean, except the threads and the checkpoint. The layers' widths are
     * `features` and config.layer. With --hidden, `features` and the last layer's units are 0
     * until train_options_fit. */
    size_t features;
    bool has_validation_file; /* else --validation is a share of the data, or absent */
    struct relud_train_config config;
    struct text recipe;
};

/* Returns false and sets *error for wrong usage. */
bool train_options_read(struct train_options *options, int argc, char **argv,
                        struct relud_error *error);
/* Sets what depends on the data: the task, the scale of grey values, the units of the last layer,
 * the optimizer and its rates, the epochs, and the recipe, which holds them. False and *error
 * without memory. */
bool train_options_fit(struct train_options *options, const struct relud_dataset *data,
                       struct relud_error *error);
void train_options_free(struct train_options *options);

#endif
