/* relud train: learns from rows and targets and writes a model directory that is ready to serve. */
#include "server/base/signals.h"
#include "server/cli/commands.h"

#include "server/base/cpus.h"
#include "server/cli/learning_curve.h"
#include "server/cli/table_options.h"
#include "server/cli/thread_team.h"
#include "server/cli/train_options.h"
#include "server/cli/train_out.h"
#include "server/cli/train_progress.h"
#include "server/log/complain.h"
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
    struct thread_team *team;
};

/* The signal that asked for the end. A second one ends the program at once. */
static volatile sig_atomic_t stop_signal;

static void on_stop(int number)
{
    if (!signals_count_stop())
        return;
    if (stop_signal) {
        signal(number, SIG_DFL);
        raise(number); /* when this handler returns */
    }
    stop_signal = number;
}

static void set_signals(void)
{
    struct sigaction stop = {.sa_handler = on_stop}, ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    sigaction(SIGXFSZ, &ignore, NULL); /* a file-size limit then is an error like a full disk */
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
    return *options->hidden || data->features == options->features ||
           relud_fail(error, RELUD_BAD_INPUT, "--layers begins with %zu, but %s has %zu features",
                      options->features, options->data, data->features);
}

static bool read_data(struct train *train, struct relud_error *error)
{
    const struct train_options *options = &train->options;
    const struct relud_train_config *config = &options->config;
    struct relud_dataset_options wanted = {
        .labels_path = *options->labels ? options->labels : NULL,
        .target = *options->target ? options->target : NULL,
        .drop = *options->drop ? options->drop : NULL,
        .keep = *options->keep ? options->keep : NULL,
        .leaves_out = true,
        .has_booleans = true,
        .task = (enum relud_task)options->task,
        .units = config->layer[config->layers - 1].units,
        .has_words = true,
        .categorical = options->categorical,
        .numeric = options->numeric,
        .takes_unknown = options->unknown,
        .fill_missing = options->missing != MISSING_ERROR,
        .fills_gaps_only =
            options->missing == MISSING_AUTO && options->scale == 0 && options->shift == 0,
        .table = table_of(options->header, options->decimal),
    };
    wanted.table.missing = *options->na_values ? options->na_values : NULL;
    if (!relud_dataset_read(options->data, &wanted, &train->data, error) ||
        !check_features(options, &train->data, error))
        return false;
    table_note_print("train", options->data, train->data.note);
    wanted.like = &train->data;
    wanted.labels_path = *options->validation_labels ? options->validation_labels : NULL;
    if (options->has_validation_file &&
        !relud_dataset_read(options->validation, &wanted, &train->validation, error))
        return false;
    table_note_print("train", options->validation, train->validation.note);
    wanted.labels_path = *options->test_labels ? options->test_labels : NULL;
    if (*options->test && !relud_dataset_read(options->test, &wanted, &train->test, error))
        return false;
    table_note_print("train", options->test, train->test.note);
    return true;
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

/* True when all epochs were run: a signal that came after the last one stopped nothing. */
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

/* NULL when no name was given: the model is then called by its directory. */
static const char *name_of(const struct train *train)
{
    return *train->options.name ? train->options.name : NULL;
}

static bool save(struct train *train, const relud_model *model, struct relud_error *error)
{
    struct text curve = {0};
    const char *name = name_of(train);
    learning_curve_write(&curve, name ? name : train->out.dir, train->progress.epoch,
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
    train->team = thread_team_new(threads);
    if (!train->team)
        return relud_fail(error, RELUD_NO_MEMORY, "%zu threads could not be started", threads);
    train->options.config.team = thread_team_hook(train->team);
    return true;
}

/* Sets error->code to RELUD_OK when nothing went wrong. */
static relud_model *run(struct train *train, struct relud_error *error)
{
    struct train_options *options = &train->options;
    if (!train_out_open(&train->out, options->out, options->resume, options->overwrite, error))
        return NULL;
    relud_model *model = NULL;
    if (read_data(train, error) && start_team(train, error) &&
        train_options_fit(options, &train->data, error)) {
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
    thread_team_free(train->team);
    train_progress_free(&train->progress);
    relud_dataset_free(&train->data);
    relud_dataset_free(&train->validation);
    relud_dataset_free(&train->test);
    train_options_free(&train->options);
}

static const char *ending_of(const struct relud_error *error, bool is_saved)
{
    if (error->code == RELUD_NOT_LEARNED)
        return is_saved ? "; it is written all the same" : "; --force writes it all the same";
    return is_saved ? "; the best epoch before that is saved" : "";
}

int cmd_train(int argc, char **argv)
{
    struct train train = {0};
    struct relud_error error = {0}, unsaved;
    if (!train_options_read(&train.options, argc, argv, &error)) {
        train_options_free(&train.options);
        return options_refuse("train", &error);
    }
    relud_model *model = run(&train, &error);
    bool is_refused = error.code == RELUD_NOT_LEARNED && !train.options.force;
    bool is_saved = model && !is_refused && save(&train, model, &unsaved);
    if (error.code != RELUD_OK)
        complain("train: %s%s", error.text, ending_of(&error, is_saved));
    if (model && !is_saved && !is_refused)
        complain("train: %s", unsaved.text);
    bool is_stopped =
        model && (is_saved || is_refused) && stop_signal && !is_complete(&train, model);
    bool may_resume = is_stopped || (!is_saved && !is_refused) || error.code == RELUD_IO;
    if (is_saved)
        print_result(&train, model, is_stopped);
    train_out_close(&train.out, may_resume);
    relud_model_release(model);
    end(&train);
    if (is_stopped)
        return 128 + stop_signal;
    return is_saved && (error.code == RELUD_OK || error.code == RELUD_NOT_LEARNED) ? 0 : 1;
}
