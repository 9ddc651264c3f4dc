/* relud train's command line, and what it means. */
#ifndef SERVER_TRAIN_OPTIONS_H
#define SERVER_TRAIN_OPTIONS_H

#include "server/text.h"
#include <relud/relud.h>

struct train_options {
    char *data, *labels, *target, *layers, *activation, *out;
    char *validation, *validation_labels, *test, *test_labels;
    char *schedule, *augment, *name, *description;
    int task, missing, optimizer, init, isa;
    size_t epochs, batch, patience, seed, threads;
    double lr, momentum, weight_decay, warmup, dropout, scale, shift;
    bool nesterov, standardize, resume, overwrite;
    /* what they mean, but for the threads and the checkpoint; layer widths in `features` and the layers */
    size_t features;
    bool has_validation_file; /* else: none, or a share of the data */
    struct relud_train_config config;
    struct text recipe;
};

/* False and *error for wrong usage. */
bool train_options_read(struct train_options *options, int argc, char **argv,
                        struct relud_error *error);
/* After the data are known: the task, and how grey values are scaled. */
void train_options_fit(struct train_options *options, const struct relud_dataset *data);
void train_options_free(struct train_options *options);
void train_options_print_help(void);

#endif
