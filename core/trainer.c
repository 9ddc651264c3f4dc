#include "core/trainer.h"

#include "core/random.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CHECKPOINT_SECONDS = 10,
    ALIGN_ROWS = 16 /* a thread's rows: whole cache lines of turned rows */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool no_memory(const struct trainer *trainer)
{
    return relud_fail(trainer->error, RELUD_NO_MEMORY, "out of memory");
}

/* ---- one batch ---- */

struct batch {
    struct trainer *trainer;
    const struct relud_dataset *data;
    const uint32_t *row; /* [learner.rows] of data; NULL: first … */
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

/* How far an image is moved in this epoch. */
static void draw_shift(const struct batch *batch, size_t row, int *dy, int *dx)
{
    const struct relud_train_config *config = batch->trainer->config;
    uint64_t state = random_state(config->seed, RANDOM_SHIFT, batch->epoch, row);
    size_t ways = 2 * config->augment_shift + 1;
    *dy = (int)random_below(&state, ways) - (int)config->augment_shift;
    *dx = (int)random_below(&state, ways) - (int)config->augment_shift;
}

/* A thread's share of the rows' part. */
static void do_rows(void *arg, size_t part, size_t parts)
{
    struct batch *batch = arg;
    struct trainer *trainer = batch->trainer;
    size_t rows = batch->learner.rows, features = trainer->input.features;
    size_t each = ((rows + parts - 1) / parts + ALIGN_ROWS - 1) / ALIGN_ROWS * ALIGN_ROWS;
    size_t begin = part * each < rows ? part * each : rows;
    size_t end = begin + each < rows ? begin + each : rows;
    for (size_t r = begin; r < end; r++) {
        size_t row = batch->row ? batch->row[r] : batch->first + r;
        int dy = 0, dx = 0;
        if (batch->learner.is_training && trainer->config->augment_shift)
            draw_shift(batch, row, &dy, &dx);
        train_input_row(&trainer->input, batch->data, row, dy, dx, trainer->moved[part],
                        trainer->learner.layer[0].x + r * features);
        trainer->target[r] = target_of(batch->data, row);
    }
    learner_rows(&trainer->learner, &batch->learner, begin, end,
                 batch->learner.is_training ? trainer->tally + part * trainer->learner.layers
                                            : NULL);
}

static void do_weights(void *arg, size_t part, size_t parts)
{
    const struct batch *batch = arg;
    struct trainer *trainer = batch->trainer;
    learner_weights(&trainer->learner, &trainer->optimizer, batch->learner.rows, part, parts);
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

/* Rows as they are: row[count] of data, or its first `count`. */
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

/* Over all threads: what each layer's units did. */
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

static bool fail_diverged(struct trainer *trainer, size_t epoch, size_t batch)
{
    trainer->is_diverged = true;
    return relud_fail(
        trainer->error, RELUD_NOT_FINITE,
        "epoch %zu, batch %zu: the loss is no number any more: it has diverged; try a "
        "lower --lr%s",
        epoch, batch,
        trainer->config->standardize || trainer->data->bytes ? ""
                                                             : ", or --standardize the features");
}

/* Trains on every row once; false when it was stopped or has diverged. */
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
            return fail_diverged(trainer, epoch->epoch, s + 1);
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

/* Higher accuracy, then lower loss, of what was held back; without that, what is later. */
static bool is_better(const struct relud_epoch *epoch, const struct relud_epoch *best)
{
    if (!best || epoch->validation_rows == 0)
        return true;
    if (isnan(epoch->validation_loss) || isnan(best->validation_loss))
        return isnan(best->validation_loss) && !isnan(epoch->validation_loss);
    if (!isnan(epoch->validation_accuracy) &&
        epoch->validation_accuracy != best->validation_accuracy)
        return epoch->validation_accuracy > best->validation_accuracy;
    return epoch->validation_loss < best->validation_loss;
}

static void end_epoch(struct trainer *trainer, const struct relud_dataset *validation,
                      struct relud_epoch *epoch)
{
    struct checkpoint *checkpoint = &trainer->checkpoint;
    struct measures held = validation ? evaluate(trainer, validation, NULL, validation->rows)
                                      : evaluate(trainer, trainer->data,
                                                 trainer->rows + trainer->trained, trainer->held);
    epoch->validation_rows = held.rows;
    epoch->validation_loss = measures_loss(&held);
    epoch->validation_accuracy = measures_accuracy(trainer, &held);
    const struct relud_epoch *best =
        checkpoint->best_epoch ? &checkpoint->epoch[checkpoint->best_epoch - 1] : NULL;
    epoch->is_best = is_better(epoch, best);
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

/* The next epoch; false when it is the last for whatever reason. */
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
        return fail_diverged(trainer, epoch.epoch,
                             (trainer->trained - 1) / trainer->config->batch + 1);
    epoch.seconds = now() - begin;
    epoch.rows_per_second = (double)sums.rows / epoch.seconds;
    epoch.loss = measures_loss(&sums);
    epoch.accuracy = measures_accuracy(trainer, &sums);
    add_tallies(trainer, &epoch, sums.rows);
    end_epoch(trainer, validation, &epoch);
    return report(progress, user, trainer, &epoch, false) && !is_out_of_patience(trainer, &epoch);
}

/* All epochs that are left, until one stops or diverges, or the disk refuses a checkpoint, which *error then says. */
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

/* ---- beginning ---- */

/* Which rows are held back. */
static bool split_rows(struct trainer *trainer, const struct relud_dataset *validation)
{
    size_t rows = trainer->data->rows;
    trainer->rows = arena_take_array(&trainer->arena, rows, sizeof *trainer->rows);
    trainer->order = arena_take_array(&trainer->arena, rows, sizeof *trainer->order);
    if (!trainer->rows || !trainer->order)
        return no_memory(trainer);
    if (!validation)
        trainer->held = (size_t)(trainer->config->validation_share * (double)rows + 0.5);
    if (trainer->held == 0 && !validation && trainer->config->validation_share > 0)
        return relud_fail(trainer->error, RELUD_BAD_INPUT,
                          "a validation share of %g of %zu rows is no row",
                          trainer->config->validation_share, rows);
    if (trainer->held >= rows)
        return relud_fail(trainer->error, RELUD_BAD_INPUT, "no rows are left to train on");
    trainer->trained = rows - trainer->held;
    if (trainer->held)
        random_order(random_state(trainer->config->seed, RANDOM_SPLIT, 0, 0), trainer->rows, rows);
    else
        for (size_t i = 0; i < rows; i++)
            trainer->rows[i] = (uint32_t)i;
    return true;
}

static bool take_memory(struct trainer *trainer)
{
    struct arena *arena = &trainer->arena;
    size_t batch = trainer->learner.batch, layers = trainer->learner.layers;
    trainer->target = arena_take_array(arena, batch, sizeof *trainer->target);
    trainer->loss = arena_take_array(arena, batch, sizeof *trainer->loss);
    trainer->is_right = arena_take_array(arena, batch, sizeof *trainer->is_right);
    trainer->tally = arena_take_array(arena, trainer->parts * layers, sizeof *trainer->tally);
    trainer->moved = arena_take_array(arena, trainer->parts, sizeof *trainer->moved);
    bool is_whole =
        trainer->target && trainer->loss && trainer->is_right && trainer->tally && trainer->moved;
    for (size_t p = 0; is_whole && p < trainer->parts; p++)
        is_whole = (trainer->moved[p] =
                        arena_take_array(arena, trainer->input.features, sizeof(float))) != NULL;
    for (size_t i = 0; is_whole && i < trainer->parts * layers; i++)
        is_whole =
            (trainer->tally[i].zeros = arena_take_array(
                 arena, trainer->learner.layer[i % layers].outputs, sizeof(uint32_t))) != NULL;
    return is_whole || no_memory(trainer);
}

static bool begin(struct trainer *trainer, const struct relud_dataset *validation)
{
    const struct relud_train_config *config = trainer->config;
    struct train_input *input = &trainer->input;
    struct checkpoint *checkpoint = &trainer->checkpoint;
    trainer->parts = config->team.run && config->team.parts > 1 ? config->team.parts : 1;
    if (!split_rows(trainer, validation) ||
        !learner_init(&trainer->learner, &trainer->arena, trainer->data->features, config,
                      trainer->error) ||
        !train_input_init(input, &trainer->arena, config, trainer->data, trainer->rows,
                          trainer->trained, trainer->learner.loops, trainer->error) ||
        !take_memory(trainer) || !trainer_write_settings(trainer, validation))
        return false;
    optimizer_init(&trainer->optimizer, config, trainer->learner.loops);
    checkpoint->learner = &trainer->learner;
    checkpoint->optimizer = &trainer->optimizer;
    checkpoint->epochs_max = config->epochs;
    return checkpoint_init(checkpoint, &trainer->arena, trainer->error) &&
           (!config->is_resumed || checkpoint_read(checkpoint, config->checkpoint, trainer->error));
}

/* ---- the end ---- */

/* The best parameters, and what is known of them. */
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
    if (test)
        tested = evaluate(trainer, test, NULL, test->rows);
    training.test_rows = tested.rows;
    training.test_loss = measures_loss(&tested);
    training.test_accuracy = measures_accuracy(trainer, &tested);
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
    if (!trainer) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    *trainer = (struct trainer){.config = config, .data = data, .error = &own};
    bool is_run = trainer_check(trainer, validation, test) && begin(trainer, validation);
    if (is_run)
        run_epochs(trainer, validation, progress, user);
    /* Parameters that gave no number are not worth keeping. */
    if (is_run && (!trainer->is_diverged || trainer->checkpoint.best_epoch))
        model = end(trainer, validation, test);
    if (error)
        *error = own;
    arena_reset(&trainer->arena);
    free(trainer);
    return model;
}
