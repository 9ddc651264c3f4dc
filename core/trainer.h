/* A training on its way: core/trainer.c has the epochs, core/trainer_model.c makes a model of what was learned. */
#ifndef CORE_TRAINER_H
#define CORE_TRAINER_H

#include "core/checkpoint.h"
#include "core/learner.h"
#include "core/train_input.h"
#include <math.h>
#include <relud/train.h>

struct trainer {
    const struct relud_train_config *config;
    const struct relud_dataset *data;
    struct relud_error *error;
    struct arena arena;
    struct learner learner;
    struct optimizer optimizer;
    struct train_input input;
    struct checkpoint checkpoint; /* best parameters and epochs so far, too */
    uint32_t *rows; /* of data: first those that are trained on, then those that are held back */
    size_t trained, held;
    uint32_t *order; /* [trained]: an epoch's */
    /* of one batch */
    struct target *target;
    double *loss;
    bool *is_right;
    size_t parts;                /* threads */
    struct learner_tally *tally; /* [parts][layers] */
    float **moved;               /* [parts][features] */
    bool is_diverged;
};

/* Sums over rows. */
struct measures {
    size_t rows, right;
    double loss;
};

static inline double measures_loss(const struct measures *measures)
{
    return measures->rows ? measures->loss / (double)measures->rows : NAN;
}
/* NaN for regressions. */
static inline double measures_accuracy(const struct trainer *trainer,
                                       const struct measures *measures)
{
    bool is_counted = measures->rows && trainer->config->task != RELUD_TASK_REGRESSION;
    return is_counted ? (double)measures->right / (double)measures->rows : NAN;
}

/* core/trainer_check.c: false and *error where settings and data do not fit. */
bool trainer_check(const struct trainer *trainer, const struct relud_dataset *validation,
                   const struct relud_dataset *test);
/* Settings, shapes and a hash of all rows, for the checkpoint. */
bool trainer_write_settings(struct trainer *trainer, const struct relud_dataset *validation);

/* The model of the parameters as they are, with this left in it. */
relud_model *trainer_model(const struct trainer *trainer, const struct relud_training *training);

#endif
