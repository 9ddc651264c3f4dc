/* A running training. core/train/trainer.c runs the epochs, core/train/trainer_judge.c judges them,
 * core/train/trainer_model.c makes a model of the result. */
#ifndef CORE_TRAIN_TRAINER_H
#define CORE_TRAIN_TRAINER_H

#include "core/train/checkpoint.h"
#include "core/train/learner.h"
#include "core/train/train_input.h"
#include "core/train/train_targets.h"
#include <math.h>
#include <relud/train.h>

/* Sums over rows. */
struct measures {
    size_t rows, right;
    double loss;
};

struct trainer {
    const struct relud_train_config *config;
    const struct relud_dataset *data;
    struct relud_error *error;
    struct arena arena;
    struct learner learner;
    struct optimizer optimizer;
    struct train_input input;
    struct train_targets targets;
    struct checkpoint checkpoint; /* also has the best parameters and the epochs so far */
    /* Row numbers of data: first the `trained` rows to train on, then the `held` rows that are held
     * back. */
    uint32_t *rows;
    size_t trained, held;
    uint32_t *order; /* [trained]: the rows in the order of the current epoch */
    /* [batch] each, for the current batch */
    struct target *target;
    double *loss;
    bool *is_right;
    size_t parts;                /* number of threads */
    struct learner_tally *tally; /* [parts][layers] */
    float **moved;               /* [parts][features]: scratch of train_input_row */
    struct measures baseline;    /* of the rows to train on */
    bool is_diverged;
};

static inline double measures_loss(const struct measures *measures)
{
    return measures->rows ? measures->loss / (double)measures->rows : NAN;
}
/* NaN for a regression. */
static inline double measures_accuracy(const struct trainer *trainer,
                                       const struct measures *measures)
{
    bool is_counted = measures->rows && trainer->config->task != RELUD_TASK_REGRESSION;
    return is_counted ? (double)measures->right / (double)measures->rows : NAN;
}

/* In core/train/trainer_begin.c. Prepares everything up to the first epoch, or up to where the
 * checkpoint goes on. False and *error on failure. */
bool trainer_begin(struct trainer *trainer, const struct relud_dataset *validation);

/* In core/train/trainer_judge.c. What an answer that is the same for every row gives for row[count]
 * of data, or for its first `count` rows. */
struct measures trainer_baseline(const struct trainer *trainer, const struct relud_dataset *data,
                                 const uint32_t *row, size_t count);
/* The loss of this batch is not finite, or a weight after it. Sets is_diverged and *error, which
 * names the likely cause; returns false. */
bool trainer_fail_diverged(struct trainer *trainer, size_t epoch, size_t batch);
/* The same if the epoch's loss is finite but far above the first epoch's and the baseline's. */
bool trainer_check_loss(struct trainer *trainer, const struct relud_epoch *epoch);
/* True if the net has a higher loss than the baseline, and tells no more rows' classes. */
bool trainer_is_worse(const struct trainer *trainer, const struct measures *net,
                      const struct measures *baseline);
/* Sets *error to say so. is_held: the rows were not trained on. */
void trainer_fail_worse(struct trainer *trainer, const struct measures *net,
                        const struct measures *baseline, bool is_held);

/* In core/train/trainer_check.c. False and *error if settings and data do not fit each other. */
bool trainer_check(const struct trainer *trainer, const struct relud_dataset *validation,
                   const struct relud_dataset *test);
/* Writes checkpoint.settings: the recipe, the shapes and a hash of all rows. False and *error
 * without memory. */
bool trainer_write_settings(struct trainer *trainer, const struct relud_dataset *validation);

/* Makes a model of the current parameters; a copy of *training goes into it. NULL and *error on
 * failure. */
relud_model *trainer_model(const struct trainer *trainer, const struct relud_training *training);

#endif
