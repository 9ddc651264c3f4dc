/* relud train: from rows and targets to a model directory that is ready to serve. */
#include "server/commands.h"

#include "server/cpus.h"
#include "server/curve.h"
#include "server/team.h"
#include "server/train_options.h"
#include "server/train_out.h"
#include "server/train_progress.h"
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct train {
    struct train_options options;
    struct relud_dataset data, validation, test;
    struct train_progress progress;
    struct train_out out;
    struct team *team;
};

/* The signal that asks for the end; a second one ends it at once. */
static volatile sig_atomic_t stop_signal;

static void on_stop(int number)
{
    stop_signal = number;
}

static void set_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop, .sa_flags = (int)SA_RESETHAND},
                     ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file that may not grow is an error like a full disk */
    sigaction(SIGPIPE, &ignore, NULL);
}

static bool on_progress(void *user, const struct relud_progress *at)
{
    struct train *train = user;
    train_progress_show(&train->progress, at);
    return !stop_signal;
}

/* ---- data ---- */

static bool check_features(const struct train_options *options, const struct relud_dataset *data,
                           struct relud_error *error)
{
    return data->features == options->features ||
           relud_fail(error, RELUD_BAD_INPUT,
                      "--layers begins with %zu, but %.150s has %zu features", options->features,
                      options->data, data->features);
}

static bool read_data(struct train *train, struct relud_error *error)
{
    const struct train_options *options = &train->options;
    const struct relud_train_config *config = &options->config;
    struct relud_dataset_options wanted = {
        .labels_path = *options->labels ? options->labels : NULL,
        .target = *options->target ? options->target : NULL,
        .task = (enum relud_task)options->task,
        .units = config->layer[config->layers - 1].units,
        .fill_missing = options->missing,
    };
    if (!relud_dataset_read(options->data, &wanted, &train->data, error) ||
        !check_features(options, &train->data, error))
        return false;
    wanted.like = &train->data;
    wanted.labels_path = *options->validation_labels ? options->validation_labels : NULL;
    if (options->has_validation_file &&
        !relud_dataset_read(options->validation, &wanted, &train->validation, error))
        return false;
    wanted.labels_path = *options->test_labels ? options->test_labels : NULL;
    return !*options->test || relud_dataset_read(options->test, &wanted, &train->test, error);
}

/* ---- the result ---- */

static void print_share(const char *what, size_t rows, double loss, double accuracy)
{
    if (rows == 0)
        return;
    printf("; %s loss %.4f", what, loss);
    if (!isnan(accuracy))
        printf(", accuracy %.2f %%", accuracy * 100);
    printf(" of %zu rows", rows);
}

/* A signal that came after the last epoch has stopped nothing. */
static bool is_complete(const struct train *train, const relud_model *model)
{
    const struct relud_training *training = relud_model_info(model)->training;
    const struct relud_train_config *config = &train->options.config;
    return training->epochs == config->epochs ||
           (config->patience && training->epochs - training->best_epoch >= config->patience);
}

static void print_result(const struct train *train, const relud_model *model, bool is_stopped)
{
    const struct relud_training *training = relud_model_info(model)->training;
    printf("%s: written%s (%zu parameters, epoch %zu of %zu", train->out.dir,
           is_stopped ? ", the best so far" : "", relud_model_info(model)->parameters,
           training->best_epoch, training->epochs);
    print_share("validation", training->validation_rows, training->validation_loss,
                training->validation_accuracy);
    print_share("test", training->test_rows, training->test_loss, training->test_accuracy);
    puts(")");
}

/* NULL: a model without one is called by its directory. */
static const char *name_of(const struct train *train)
{
    return *train->options.name ? train->options.name : NULL;
}

static bool save(struct train *train, const relud_model *model, struct relud_error *error)
{
    struct text curve = {0};
    const char *name = name_of(train);
    curve_write(&curve, name ? name : train->out.dir, train->progress.epoch,
                train->progress.epochs);
    text_put_n(&curve, "", 1);
    bool is_whole = text_is_whole(&curve) && !train->progress.is_short;
    bool is_saved = is_whole ? train_out_save(&train->out, model, name, curve.at, error)
                             : relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    text_free(&curve);
    return is_saved;
}

/* ---- all of it ---- */

static bool start_team(struct train *train, struct relud_error *error)
{
    size_t threads = train->options.threads ? train->options.threads : cpus_allowed();
    if (threads == 1)
        return true;
    train->team = team_new(threads);
    if (!train->team)
        return relud_fail(error, RELUD_NO_MEMORY, "%zu threads could not be started", threads);
    train->options.config.team = team_hook(train->team);
    return true;
}

/* error->code is RELUD_OK where nothing went wrong. */
static relud_model *run(struct train *train, struct relud_error *error)
{
    struct train_options *options = &train->options;
    if (!train_out_open(&train->out, options->out, options->resume, options->overwrite, error))
        return NULL;
    relud_model *model = NULL;
    if (read_data(train, error) && start_team(train, error)) {
        train_options_fit(options, &train->data);
        train_out_begin(&train->out, options->resume);
        options->config.checkpoint = train->out.checkpoint;
        options->config.name = name_of(train);
        train_progress_init(&train->progress, &options->config);
        set_signals();
        *error = (struct relud_error){0};
        model = relud_train(&options->config, &train->data,
                            options->has_validation_file ? &train->validation : NULL,
                            *options->test ? &train->test : NULL, on_progress, train, error);
        train_progress_end(&train->progress);
    }
    return model;
}

static void end(struct train *train)
{
    team_free(train->team);
    train_progress_free(&train->progress);
    relud_dataset_free(&train->data);
    relud_dataset_free(&train->validation);
    relud_dataset_free(&train->test);
    train_options_free(&train->options);
}

int cmd_train(int argc, char **argv)
{
    struct train train = {0};
    struct relud_error error = {0}, unsaved;
    if (!train_options_read(&train.options, argc, argv, &error)) {
        fprintf(stderr, "relud: train: %s (see relud help train)\n", error.text);
        train_options_free(&train.options);
        return 2;
    }
    relud_model *model = run(&train, &error);
    bool is_saved = model && save(&train, model, &unsaved);
    if (error.code != RELUD_OK)
        fprintf(stderr, "relud: train: %s%s\n", error.text,
                is_saved ? "; the best epoch before it is written" : "");
    if (model && !is_saved)
        fprintf(stderr, "relud: train: %s\n", unsaved.text);
    bool is_stopped = is_saved && stop_signal && !is_complete(&train, model);
    if (is_saved)
        print_result(&train, model, is_stopped);
    train_out_close(&train.out, is_stopped || !is_saved || error.code == RELUD_IO);
    relud_model_release(model);
    end(&train);
    if (is_stopped)
        return 128 + stop_signal;
    return is_saved && error.code == RELUD_OK ? 0 : 1;
}
