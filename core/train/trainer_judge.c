/* Judges a training: whether it has diverged, whether the net is better than the baseline, and what
 * may be the cause if not. */
#include "core/train/trainer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* An epoch has diverged when its loss is so many times the first epoch's and the baseline's. */
#define DIVERGED_RATIO 10.0
/* Features beyond this, after scaling, are a likely cause of divergence. Standardized features
 * rarely are. */
#define LARGE_FEATURE 10.0F

enum { HINT_BYTES = 320, NAME_SHOWN = 60 };

struct measures trainer_baseline(const struct trainer *trainer, const struct relud_dataset *data,
                                 const uint32_t *row, size_t count)
{
    struct measures sums = {.rows = count};
    for (size_t i = 0; i < count; i++) {
        bool is_right;
        sums.loss += train_targets_loss(&trainer->targets, data, row ? row[i] : i, &is_right);
        sums.right += is_right;
    }
    return sums;
}

/* ---- the cause ---- */

/* The feature that is largest after scaling, if it is too large to learn from as it is. */
static bool find_large_feature(const struct trainer *trainer, size_t *feature)
{
    const struct train_input *input = &trainer->input;
    float most = LARGE_FEATURE;
    bool is_found = false;
    if (input->is_standardized || trainer->data->bytes)
        return false;
    for (size_t f = 0; f < input->features; f++) {
        float low = fabsf(input->min[f] * input->scale + input->shift);
        float high = fabsf(input->max[f] * input->scale + input->shift);
        if (fmaxf(low, high) <= most || relud_words_of(input->feature, f))
            continue;
        most = fmaxf(low, high);
        *feature = f;
        is_found = true;
    }
    return is_found;
}

static bool hint_at_scale(const struct trainer *trainer, char hint[HINT_BYTES])
{
    const struct train_input *input = &trainer->input;
    size_t f;
    if (!find_large_feature(trainer, &f))
        return false;
    char name[NAME_SHOWN + 16];
    if (trainer->data->name)
        relud_line(name, sizeof name, "'%s'", trainer->data->name[f]);
    else
        snprintf(name, sizeof name, "%zu", f + 1);
    snprintf(hint, HINT_BYTES,
             "--standardize the features: feature %s goes from %g to %g; or try a lower --lr than "
             "%g",
             name, (double)input->min[f], (double)input->max[f], trainer->config->lr);
    return true;
}

static void hint_at_divergence(const struct trainer *trainer, char hint[HINT_BYTES])
{
    if (!hint_at_scale(trainer, hint))
        snprintf(hint, HINT_BYTES, "try a lower --lr than %g", trainer->config->lr);
}

bool trainer_fail_diverged(struct trainer *trainer, size_t epoch, size_t batch)
{
    char hint[HINT_BYTES];
    hint_at_divergence(trainer, hint);
    trainer->is_diverged = true;
    return relud_fail(trainer->error, RELUD_NOT_FINITE,
                      "epoch %zu, batch %zu: the loss is no number any more: it has diverged; %s",
                      epoch, batch, hint);
}

bool trainer_check_loss(struct trainer *trainer, const struct relud_epoch *epoch)
{
    char hint[HINT_BYTES];
    double baseline = measures_loss(&trainer->baseline);
    double first = epoch->epoch > 1 ? trainer->checkpoint.epoch[0].loss : epoch->loss;
    if (epoch->loss <= DIVERGED_RATIO * fmax(first, baseline))
        return true;
    hint_at_divergence(trainer, hint);
    trainer->is_diverged = true;
    return relud_fail(trainer->error, RELUD_NOT_FINITE,
                      "epoch %zu: the loss is %.4g, where the first epoch had %.4g: it has "
                      "diverged; %s",
                      epoch->epoch, epoch->loss, first, hint);
}

/* ---- the result ---- */

static bool is_worse(const struct trainer *trainer, const struct measures *net,
                     const struct measures *baseline)
{
    if (measures_loss(net) <= measures_loss(baseline))
        return false;
    return trainer->config->task == RELUD_TASK_REGRESSION || net->right <= baseline->right;
}

bool trainer_is_worse(const struct trainer *trainer, const struct measures *net,
                      const struct measures *baseline)
{
    return net->rows && is_worse(trainer, net, baseline);
}

void trainer_fail_worse(struct trainer *trainer, const struct measures *net,
                        const struct measures *baseline, bool is_held)
{
    const struct checkpoint *checkpoint = &trainer->checkpoint;
    bool is_regression = trainer->config->task == RELUD_TASK_REGRESSION;
    char hint[HINT_BYTES] = "", before[RELUD_ERROR_TEXT_MAX / 2] = "";
    size_t best = checkpoint->best_epoch;
    bool is_by_heart =
        is_held && best && checkpoint->epoch[best - 1].loss < measures_loss(&trainer->baseline);
    if (trainer->is_diverged)
        relud_line(before, sizeof before, "%s; ", trainer->error->text);
    else if (is_by_heart)
        snprintf(hint, sizeof hint,
                 "it knows the rows to train on better than others: fewer units, --weight-decay or "
                 "more rows may help");
    else if (!hint_at_scale(trainer, hint))
        snprintf(hint, sizeof hint, "more --epochs or another --lr than %g may help",
                 trainer->config->lr);
    relud_fail(
        trainer->error, RELUD_NOT_LEARNED,
        "%sthe net is worse than %s: its loss on %zu %s rows is %.4g, that of the %s %.4g%s%s",
        before, is_regression ? "the targets' mean" : "always the most frequent class", net->rows,
        is_held ? "validation" : "training", measures_loss(net),
        is_regression ? "mean" : "classes' shares", measures_loss(baseline), *hint ? "; " : "",
        hint);
}
