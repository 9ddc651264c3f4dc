#include "server/cli/train_progress.h"

#include "server/base/clock.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BAR = 20, DRAW_NS = 100000000, LINE_NS = 500000000, HINT_BYTES = 160 };
#define DEAD_SHARE_MAX 0.2

void train_progress_init(struct train_progress *progress, const struct relud_train_config *config)
{
    *progress = (struct train_progress){
        .config = config, .is_terminal = isatty(STDERR_FILENO), .begin_ns = clock_ns()};
}

void train_progress_free(struct train_progress *progress)
{
    free(progress->epoch);
}

static void keep(struct train_progress *progress, const struct relud_epoch *epoch)
{
    if (progress->epochs == progress->epochs_cap) {
        size_t cap = progress->epochs_cap ? 2 * progress->epochs_cap : 32;
        struct relud_epoch *more = realloc(progress->epoch, cap * sizeof *more);
        if (!more) {
            progress->is_short = true;
            return;
        }
        progress->epoch = more;
        progress->epochs_cap = cap;
    }
    progress->epoch[progress->epochs++] = *epoch;
}

static void print_measures(const char *head, double loss, double accuracy)
{
    fprintf(stderr, loss < 1e5 ? "%sloss %.4f" : "%sloss %.4g", head, loss);
    if (!isnan(accuracy))
        fprintf(stderr, ", accuracy %.2f %%", accuracy * 100);
}

/* Prints 1234567 as 1,234,567. */
static void print_grouped(double number)
{
    char text[32];
    int len = snprintf(text, sizeof text, "%.0f", fmin(fmax(number, 0), 1e15));
    for (int i = 0; i < len; i++)
        fprintf(stderr, "%s%c", i && (len - i) % 3 == 0 ? "," : "", text[i]);
}

static void draw_bar(struct train_progress *progress, const struct relud_progress *at)
{
    int64_t now = clock_ns();
    if (now - progress->drawn_ns < DRAW_NS)
        return;
    progress->drawn_ns = now;
    double done = (double)(at->epoch - progress->first_epoch) * (double)at->rows + (double)at->row;
    double all = (double)(at->epochs - progress->first_epoch + 1) * (double)at->rows;
    double seconds = (double)(now - progress->begin_ns) * 1e-9,
           left = seconds * (all - done) / done;
    fprintf(stderr, "\r\033[Kepoch %zu/%zu ", at->epoch, at->epochs);
    size_t filled = at->row * BAR / at->rows;
    for (size_t i = 0; i < BAR; i++)
        fputs(i < filled ? "█" : "░", stderr);
    print_measures("  ", at->loss, at->accuracy);
    fputs("  ", stderr);
    print_grouped(done / seconds);
    fprintf(stderr, " rows/s  %d:%02d left", (int)(left / 60), (int)fmod(left, 60));
    fflush(stderr);
}

/* What may be the cause of dead units: features as they are, or the learning rate. */
static const char *hint_at_dead(const struct relud_train_config *config, char hint[HINT_BYTES])
{
    bool is_unscaled = !config->standardize && config->scale == 1 && config->shift == 0;
    snprintf(hint, HINT_BYTES, "%sa lower --lr than %g%s or --activation leaky_relu may help",
             is_unscaled ? "--standardize, if the features are far from 1; " : "", config->lr,
             config->init == RELUD_INIT_AUTO || config->init == RELUD_INIT_HE ? "" : ", --init he");
    return hint;
}

/* Warns of units that gave 0 for every row of an epoch. Their gradient is 0, so they stay dead. */
static void warn_dead(struct train_progress *progress, const struct relud_epoch *epoch)
{
    char hint[HINT_BYTES];
    for (size_t i = 0; i < progress->config->layers; i++) {
        size_t units = progress->config->layer[i].units, dead = epoch->layer[i].dead;
        if (progress->is_warned[i] || (double)dead <= DEAD_SHARE_MAX * (double)units)
            continue;
        progress->is_warned[i] = true;
        fprintf(
            stderr,
            "relud: train: layer %zu: %zu of %zu units (%.0f %%) are dead: they gave 0 for every "
            "row of epoch %zu and learn nothing more; %s\n",
            i, dead, units, 100.0 * (double)dead / (double)units, epoch->epoch,
            hint_at_dead(progress->config, hint));
    }
}

static void print_epoch(const struct train_progress *progress, const struct relud_progress *at)
{
    const struct relud_epoch *epoch = at->ended;
    fprintf(stderr, "%sepoch %zu/%zu: ", progress->is_terminal ? "\r\033[K" : "", epoch->epoch,
            at->epochs);
    print_measures("", epoch->loss, epoch->accuracy);
    if (epoch->validation_rows) {
        print_measures("; validation ", epoch->validation_loss, epoch->validation_accuracy);
        fputs(epoch->is_best ? " (best)" : "", stderr);
    }
    for (size_t i = 0; i + 1 < progress->config->layers; i++)
        fprintf(stderr, "; layer %zu: %.1f %% zeros, %.1f %% dead", i,
                epoch->layer[i].zero_ratio * 100,
                100.0 * (double)epoch->layer[i].dead / (double)progress->config->layer[i].units);
    fputs("; ", stderr);
    print_grouped(epoch->rows_per_second);
    fprintf(stderr, " rows/s%s\n", at->is_restored ? " (restored)" : "");
}

/* Of many epochs a line is printed for the first, for each twentieth part, and after each half
 * second. */
static bool is_told(struct train_progress *progress, const struct relud_progress *at)
{
    enum { LINES = 20, ALL_MAX = 3 * LINES };
    size_t epoch = at->ended->epoch, every = at->epochs > ALL_MAX ? at->epochs / LINES : 1;
    int64_t now = clock_ns();
    if (epoch > 1 && epoch % every && epoch < at->epochs && now - progress->told_ns < LINE_NS)
        return false;
    progress->told_ns = now;
    return true;
}

void train_progress_show(struct train_progress *progress, const struct relud_progress *at)
{
    if (!at->is_restored && !progress->first_epoch) {
        progress->first_epoch = at->epoch;
        progress->begin_ns = clock_ns();
    }
    if (!at->ended) {
        if (progress->is_terminal)
            draw_bar(progress, at);
        return;
    }
    keep(progress, at->ended);
    if (is_told(progress, at))
        print_epoch(progress, at);
    warn_dead(progress, at->ended);
}

void train_progress_end(const struct train_progress *progress)
{
    if (progress->is_terminal)
        fputs("\r\033[K", stderr);
}
