#include "core/train/trainer.h"

#include "core/base/float_env.h"
#include "core/base/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHECKPOINT_SECONDS = 10,
    ALIGN_ROWS = 16 /* a thread's share of the rows: whole cache lines of x_turned */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* ---- one batch ---- */

struct batch {
    struct trainer *trainer;
    const struct relud_dataset *data;
    const uint32_t *row; /* [learner.rows] of data; NULL: rows `first`, first + 1, … */
    size_t first, epoch;
    struct learner_batch learner;
};

static struct target target_of(const struct relud_dataset *data, size_t row)
{
    struct target target = {0};
    if (data->outputs)
        target.numbers = data->targets + row * data->outputs;
    else
        target.class = data->classes[row];
    return target;
}

/* Draws how far an image is moved in this epoch. */
static void draw_shift(const struct batch *batch, size_t row, int *dy, int *dx)
{
    const struct relud_train_config *config = batch->trainer->config;
    uint64_t state = random_state(config->seed, RANDOM_SHIFT, batch->epoch, row);
    size_t ways = 2 * config->augment_shift + 1;
    *dy = (int)random_below(&state, ways) - (int)config->augment_shift;
    *dx = (int)random_below(&state, ways) - (int)config->augment_shift;
}

/* Does one thread's share of the rows' part. */
static void do_rows(void *arg, size_t part, size_t parts)
{
    struct batch *batch = arg;
    struct trainer *trainer = batch->trainer;
    size_t rows = batch->learner.rows, width = trainer->input.width;
    size_t each = ((rows + parts - 1) / parts + ALIGN_ROWS - 1) / ALIGN_ROWS * ALIGN_ROWS;
    size_t begin = part * each < rows ? part * each : rows;
    size_t end = begin + each < rows ? begin + each : rows;
    uint64_t env = float_env_enter(); /* set for each thread */
    for (size_t r = begin; r < end; r++) {
        size_t row = batch->row ? batch->row[r] : batch->first + r;
        int dy = 0, dx = 0;
        if (batch->learner.is_training && trainer->config->augment_shift)
            draw_shift(batch, row, &dy, &dx);
        train_input_row(&trainer->input, batch->data, row, dy, dx, trainer->moved[part],
                        trainer->learner.layer[0].x + r * width);
        trainer->target[r] = target_of(batch->data, row);
    }
    learner_rows(&trainer->learner, &batch->learner, begin, end,
                 batch->learner.is_training ? trainer->tally + part * trainer->learner.layers
                                            : NULL);
    float_env_leave(env);
}

static void do_weights(void *arg, size_t part, size_t parts)
{
    const struct batch *batch = arg;
    struct trainer *trainer = batch->trainer;
    uint64_t env = float_env_enter();
    learner_weights(&trainer->learner, &trainer->optimizer, batch->learner.rows, part, parts);
    float_env_leave(env);
}

static void share(const struct trainer *trainer, void (*work)(void *arg, size_t part, size_t parts),
                  void *arg)
{
    const struct relud_team *team = &trainer->config->team;
    if (trainer->parts > 1)
        team->run(team->self, work, arg);
    else
        work(arg, 0, 1);
}

static void add_measures(const struct batch *batch, struct measures *sums)
{
    for (size_t r = 0; r < batch->learner.rows; r++) {
        sums->loss += batch->trainer->loss[r];
        sums->right += batch->trainer->is_right[r];
    }
    sums->rows += batch->learner.rows;
}

static struct batch batch_of(struct trainer *trainer, const struct relud_dataset *data,
                             bool is_training)
{
    return (struct batch){.trainer = trainer,
                          .data = data,
                          .learner = {.target = trainer->target,
                                      .loss = trainer->loss,
                                      .is_right = trainer->is_right,
                                      .is_training = is_training}};
}

/* Computes loss and accuracy without training: of the rows row[count] of data, or of its first
 * `count` rows. */
static struct measures evaluate(struct trainer *trainer, const struct relud_dataset *data,
                                const uint32_t *row, size_t count)
{
    struct measures sums = {0};
    struct batch batch = batch_of(trainer, data, false);
    size_t most = trainer->learner.batch;
    for (size_t i = 0; i < count; i += most) {
        batch.row = row ? row + i : NULL;
        batch.first = i;
        batch.learner.rows = count - i < most ? count - i : most;
        share(trainer, do_rows, &batch);
        add_measures(&batch, &sums);
    }
    return sums;
}

/* ---- one epoch ---- */

static void clear_tallies(struct trainer *trainer)
{
    for (size_t p = 0; p < trainer->parts; p++)
        for (size_t i = 0; i < trainer->learner.layers; i++)
            memset(trainer->tally[p * trainer->learner.layers + i].zeros, 0,
                   trainer->learner.layer[i].outputs * sizeof(uint32_t));
}

/* Adds up the threads' counts: how many units of each layer are dead, and the share of zeros. */
static void add_tallies(const struct trainer *trainer, struct relud_epoch *epoch, size_t rows)
{
    for (size_t i = 0; i < trainer->learner.layers; i++) {
        const struct learner_layer *layer = &trainer->learner.layer[i];
        bool is_relu_like = relud_activation_info(layer->activation)->is_relu_like;
        double zeros = 0;
        for (size_t n = 0; n < layer->outputs; n++) {
            uint64_t unit = 0;
            for (size_t p = 0; p < trainer->parts; p++)
                unit += trainer->tally[p * trainer->learner.layers + i].zeros[n];
            zeros += (double)unit;
            epoch->layer[i].dead += is_relu_like && unit == rows;
        }
        epoch->layer[i].zero_ratio = zeros / (double)rows / (double)layer->outputs;
    }
}

/* Trains on every row once. False if progress() asked to stop or the loss diverged. */
static bool run_batches(struct trainer *trainer, struct relud_epoch *epoch, struct measures *sums,
                        relud_progress_fn *progress, void *user)
{
    const struct relud_train_config *config = trainer->config;
    size_t count = trainer->trained, steps = (count + config->batch - 1) / config->batch;
    struct batch batch = batch_of(trainer, trainer->data, true);
    batch.epoch = epoch->epoch;
    for (size_t s = 0; s < steps; s++) {
        size_t first = s * config->batch, step = (epoch->epoch - 1) * steps + s;
        batch.row = trainer->order + first;
        batch.learner.rows = count - first < config->batch ? count - first : config->batch;
        batch.learner.step = step;
        share(trainer, do_rows, &batch);
        add_measures(&batch, sums);
        if (!isfinite(sums->loss))
            return trainer_fail_diverged(trainer, epoch->epoch, s + 1);
        epoch->lr = optimizer_rate(config, step, config->epochs * steps, steps);
        optimizer_begin(&trainer->optimizer, epoch->lr);
        share(trainer, do_weights, &batch);
        struct relud_progress at = {epoch->epoch,
                                    config->epochs,
                                    first + batch.learner.rows,
                                    count,
                                    measures_loss(sums),
                                    measures_accuracy(trainer, sums),
                                    NULL,
                                    false};
        if (progress && !progress(user, &at))
            return false;
    }
    return true;
}

/* Compares the rows held back: higher accuracy is better, then lower loss. Without such rows, the
 * later epoch counts as better, unless its loss is above the baseline's and not the lowest. */
static bool is_better(const struct relud_epoch *epoch, const struct relud_epoch *best,
                      double baseline)
{
    if (!best)
        return true;
    if (epoch->validation_rows == 0)
        return epoch->loss <= baseline || epoch->loss < best->loss;
    if (isnan(epoch->validation_loss) || isnan(best->validation_loss))
        return isnan(best->validation_loss) && !isnan(epoch->validation_loss);
    if (!isnan(epoch->validation_accuracy) &&
        epoch->validation_accuracy != best->validation_accuracy)
        return epoch->validation_accuracy > best->validation_accuracy;
    return epoch->validation_loss < best->validation_loss;
}

static struct measures evaluate_held(struct trainer *trainer,
                                     const struct relud_dataset *validation)
{
    return validation
               ? evaluate(trainer, validation, NULL, validation->rows)
               : evaluate(trainer, trainer->data, trainer->rows + trainer->trained, trainer->held);
}

static void end_epoch(struct trainer *trainer, const struct relud_dataset *validation,
                      struct relud_epoch *epoch)
{
    struct checkpoint *checkpoint = &trainer->checkpoint;
    struct measures held = evaluate_held(trainer, validation);
    epoch->validation_rows = held.rows;
    epoch->validation_loss = measures_loss(&held);
    epoch->validation_accuracy = measures_accuracy(trainer, &held);
    const struct relud_epoch *best =
        checkpoint->best_epoch ? &checkpoint->epoch[checkpoint->best_epoch - 1] : NULL;
    epoch->is_best = is_better(epoch, best, measures_loss(&trainer->baseline));
    if (epoch->is_best) {
        checkpoint->best_epoch = epoch->epoch;
        memcpy(checkpoint->best, trainer->learner.parameters,
               trainer->learner.parameters_len * sizeof(float));
    }
    checkpoint->epoch[checkpoint->epochs++] = *epoch;
    checkpoint_take(checkpoint);
}

static bool is_out_of_patience(const struct trainer *trainer, const struct relud_epoch *epoch)
{
    size_t patience = trainer->config->patience;
    return patience && epoch->epoch - trainer->checkpoint.best_epoch >= patience;
}

static bool report(relud_progress_fn *progress, void *user, const struct trainer *trainer,
                   const struct relud_epoch *epoch, bool is_restored)
{
    struct relud_progress at = {epoch->epoch,
                                trainer->config->epochs,
                                trainer->trained,
                                trainer->trained,
                                epoch->loss,
                                epoch->accuracy,
                                epoch,
                                is_restored};
    return !progress || progress(user, &at);
}

static bool are_finite(const struct learner *learner)
{
    for (size_t i = 0; i < learner->parameters_len; i++)
        if (!isfinite(learner->parameters[i]))
            return false;
    return true;
}

/* Runs the next epoch. False if none should follow: progress() asked to stop, the training diverged
 * or ran out of patience. */
static bool run_epoch(struct trainer *trainer, const struct relud_dataset *validation,
                      relud_progress_fn *progress, void *user)
{
    struct relud_epoch epoch = {.epoch = trainer->checkpoint.epochs + 1};
    struct measures sums = {0};
    double begin = now();
    random_order(random_state(trainer->config->seed, RANDOM_ORDER, epoch.epoch, 0), trainer->order,
                 trainer->trained);
    for (size_t i = 0; i < trainer->trained; i++)
        trainer->order[i] = trainer->rows[trainer->order[i]];
    clear_tallies(trainer);
    if (!run_batches(trainer, &epoch, &sums, progress, user))
        return false;
    if (!are_finite(&trainer->learner))
        return trainer_fail_diverged(trainer, epoch.epoch,
                                     (trainer->trained - 1) / trainer->config->batch + 1);
    epoch.seconds = now() - begin;
    epoch.rows_per_second = (double)sums.rows / epoch.seconds;
    epoch.loss = measures_loss(&sums);
    epoch.accuracy = measures_accuracy(trainer, &sums);
    if (!trainer_check_loss(trainer, &epoch))
        return false;
    add_tallies(trainer, &epoch, sums.rows);
    end_epoch(trainer, validation, &epoch);
    return report(progress, user, trainer, &epoch, false) && !is_out_of_patience(trainer, &epoch);
}

/* Runs the remaining epochs. Ends early if run_epoch says so or a checkpoint cannot be written; the
 * latter and a divergence set *error. */
static void run_epochs(struct trainer *trainer, const struct relud_dataset *validation,
                       relud_progress_fn *progress, void *user)
{
    const char *path = trainer->config->checkpoint;
    const struct checkpoint *checkpoint = &trainer->checkpoint;
    double saved = now();
    bool is_going = true;
    for (size_t i = 0; i < checkpoint->epochs; i++)
        report(progress, user, trainer, &checkpoint->epoch[i], true);
    if (checkpoint->epochs)
        is_going = !is_out_of_patience(trainer, &checkpoint->epoch[checkpoint->epochs - 1]);
    while (is_going && checkpoint->epochs < trainer->config->epochs) {
        is_going = run_epoch(trainer, validation, progress, user);
        bool is_due = !is_going || now() - saved > CHECKPOINT_SECONDS;
        if (path && is_due && checkpoint->epochs && !trainer->is_diverged) {
            is_going = checkpoint_save(checkpoint, path, trainer->error) && is_going;
            saved = now();
        }
    }
}

/* ---- the end ---- */

/* Compares the net with the baseline, on the rows that were held back if there are any. A net that
 * beat it while it learned is not run over all rows to train on again. */
static void judge(struct trainer *trainer, const struct relud_dataset *validation)
{
    const struct checkpoint *checkpoint = &trainer->checkpoint;
    struct measures held = evaluate_held(trainer, validation), baseline = trainer->baseline;
    if (held.rows) {
        baseline = validation ? trainer_baseline(trainer, validation, NULL, validation->rows)
                              : trainer_baseline(trainer, trainer->data,
                                                 trainer->rows + trainer->trained, trainer->held);
    } else if (checkpoint->best_epoch &&
               checkpoint->epoch[checkpoint->best_epoch - 1].loss <= measures_loss(&baseline)) {
        return;
    }
    struct measures net =
        held.rows ? held : evaluate(trainer, trainer->data, trainer->rows, trainer->trained);
    if (trainer_is_worse(trainer, &net, &baseline))
        trainer_fail_worse(trainer, &net, &baseline, held.rows > 0);
}

/* Makes the model of the best parameters and records how they were trained. */
static relud_model *end(struct trainer *trainer, const struct relud_dataset *validation,
                        const struct relud_dataset *test)
{
    struct checkpoint *checkpoint = &trainer->checkpoint;
    const struct train_input *input = &trainer->input;
    struct measures tested = {0};
    struct relud_training training = {.recipe = trainer->config->recipe,
                                      .rows = trainer->trained,
                                      .epochs = checkpoint->epochs,
                                      .best_epoch = checkpoint->best_epoch,
                                      .loss = NAN,
                                      .accuracy = NAN,
                                      .validation_rows =
                                          validation ? validation->rows : trainer->held,
                                      .validation_loss = NAN,
                                      .validation_accuracy = NAN};
    if (checkpoint->best_epoch) {
        const struct relud_epoch *best = &checkpoint->epoch[checkpoint->best_epoch - 1];
        memcpy(trainer->learner.parameters, checkpoint->best,
               trainer->learner.parameters_len * sizeof(float));
        learner_refresh(&trainer->learner);
        training.loss = best->loss;
        training.accuracy = best->accuracy;
        training.validation_loss = best->validation_loss;
        training.validation_accuracy = best->validation_accuracy;
    }
    judge(trainer, validation);
    if (test)
        tested = evaluate(trainer, test, NULL, test->rows);
    training.test_rows = tested.rows;
    training.test_loss = measures_loss(&tested);
    training.test_accuracy = measures_accuracy(trainer, &tested);
    training.target_columns = trainer->data->target_name ? trainer->data->target_columns : 0;
    training.target = trainer->data->target_name;
    if (input->histogram) {
        training.features = input->features;
        training.feature = trainer->data->name;
        training.mean = input->mean, training.std = input->std;
        training.min = input->min, training.max = input->max;
        training.bins = input->bins;
        training.histogram = input->histogram;
    }
    return trainer_model(trainer, &training);
}

relud_model *relud_train(const struct relud_train_config *config, const struct relud_dataset *data,
                         const struct relud_dataset *validation, const struct relud_dataset *test,
                         relud_progress_fn *progress, void *user, struct relud_error *error)
{
    struct relud_error own = {0};
    struct trainer *trainer = calloc(1, sizeof *trainer);
    relud_model *model = NULL;
    uint64_t env = float_env_enter();
    if (!trainer) {
        float_env_leave(env);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    *trainer = (struct trainer){.config = config, .data = data, .error = &own};
    bool is_run = trainer_check(trainer, validation, test) && trainer_begin(trainer, validation);
    if (is_run)
        run_epochs(trainer, validation, progress, user);
    /* If the first epoch diverged, there are no parameters worth keeping. */
    if (is_run && (!trainer->is_diverged || trainer->checkpoint.best_epoch))
        model = end(trainer, validation, test);
    if (error)
        *error = own;
    arena_reset(&trainer->arena);
    free(trainer);
    float_env_leave(env);
    return model;
}
