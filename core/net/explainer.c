#include "core/net/explainer.h"

#include "core/base/float_env.h"
#include "core/base/watch.h"
#include "core/net/model_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- making one ---- */

/* An integral begins at the mean of the rows trained on. An index has no mean. */
static void set_base(struct relud_explainer *explainer)
{
    const struct relud_model_info *info = &explainer->model->info;
    const struct relud_training *training = info->training;
    bool has_mean = training && training->mean && training->features == info->features;
    for (size_t f = 0; f < info->features; f++)
        explainer->base[f] = has_mean && isfinite(training->mean[f]) ? training->mean[f] : 0;
}

static bool allocate(struct relud_explainer *explainer)
{
    const struct relud_model_info *info = &explainer->model->info;
    struct value_facts *facts = &explainer->facts;
    size_t features = info->features;
    if (!facts_find(facts, &explainer->model->network, info->feature))
        return false;
    size_t numbers = facts->place[facts->values];
    explainer->value = calloc(numbers + 1, sizeof *explainer->value);
    explainer->slope = calloc(numbers + 1, sizeof *explainer->slope);
    explainer->row = calloc(3 * features + facts->widest + 1, sizeof *explainer->row);
    explainer->gather = calloc(2 * features + 1, sizeof *explainer->gather);
    if (!explainer->value || !explainer->slope || !explainer->row || !explainer->gather)
        return false;
    explainer->base = explainer->row + features;
    explainer->way = explainer->base + features;
    explainer->room = explainer->way + features;
    explainer->looked_up = explainer->gather + features;
    return true;
}

relud_explainer *relud_explainer_new(relud_model *model, struct relud_error *error)
{
    struct relud_explainer *explainer = calloc(1, sizeof *explainer);
    if (explainer)
        explainer->model = relud_model_retain(model);
    if (!explainer || !allocate(explainer)) {
        relud_explainer_free(explainer);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for an explanation");
        return NULL;
    }
    set_base(explainer);
    return explainer;
}

void relud_explainer_free(relud_explainer *explainer)
{
    if (!explainer)
        return;
    relud_model_release(explainer->model);
    facts_free(&explainer->facts);
    free(explainer->value);
    free(explainer->slope);
    free(explainer->row);
    free(explainer->gather);
    free(explainer);
}

/* ---- forwards ---- */

void explainer_point_at_operands(const struct relud_explainer *explainer, const struct step *step,
                                 const float **x)
{
    for (size_t k = 0; k < step->operands; k++)
        x[k] = step->operand[k].constant ? step->operand[k].constant
                                         : explainer_value(explainer, step->operand[k].value);
}

/* Leaves a share of the rows of a table that features have chosen. */
static void shrink_rows(const struct relud_explainer *explainer, const struct step *step, float *y)
{
    size_t n = step->width / step->parts;
    for (size_t part = 0; part < step->parts; part++) {
        size_t feature = facts_origin_of_lookup(&explainer->facts, step, part);
        for (size_t k = 0; feature != FACTS_NO_FEATURE && k < n; k++)
            y[part * n + k] *= explainer->share;
    }
}

static void run_step(struct relud_explainer *explainer, size_t index)
{
    const struct network *network = &explainer->model->network;
    const struct step *step = &network->step[index];
    const float *x[STEP_OPERANDS];
    float *y = explainer_value(explainer, index + 1);
    if (step->kind == STEP_JOIN) {
        for (size_t part = 0; part < step->parts; part++)
            for (size_t k = 0; k < step->operands; k++) {
                const struct operand *of = &step->operand[k];
                const float *from =
                    of->constant ? of->constant : explainer_value(explainer, of->value);
                memcpy(y, from + part * step->piece[k], step->piece[k] * sizeof *y);
                y += step->piece[k];
            }
        return;
    }
    explainer_point_at_operands(explainer, step, x);
    step_run(step, network->isa, x, y, 1);
    if (step->kind == STEP_LOOKUP && explainer->share != 1)
        shrink_rows(explainer, step, y);
}

bool explainer_run(struct relud_explainer *explainer, const float *x, float share,
                   const struct relud_watch *watch)
{
    uint64_t env = float_env_enter();
    bool goes_on = true;
    explainer->share = share;
    memcpy(explainer->value, x, explainer->model->info.features * sizeof *x);
    for (size_t i = 0; goes_on && i < explainer->model->network.steps; i++) {
        run_step(explainer, i);
        goes_on = watch_go_on(watch);
    }
    float_env_leave(env);
    return goes_on;
}

bool relud_explain_row(relud_explainer *explainer, const float *x, const struct relud_watch *watch)
{
    memcpy(explainer->row, x, explainer->model->info.features * sizeof *x);
    return explainer_run(explainer, explainer->row, 1, watch);
}

/* ---- backwards ---- */

struct explainer_target explainer_find_target(const struct network *network, size_t output)
{
    size_t r = 0;
    while (output >= network->result[r].width)
        output -= network->result[r++].width;
    struct explainer_target target = {network->result[r].value, output};
    while (target.value != STEP_INPUT) {
        const struct step *step = &network->step[target.value - 1];
        const char *name =
            step->kind == STEP_ACTIVATE ? relud_activation_info(step->activation)->name : "";
        if (strcmp(name, "softmax") != 0 && strcmp(name, "log_softmax") != 0 &&
            strcmp(name, "sigmoid") != 0)
            break;
        target.value = step->operand[0].value;
    }
    return target;
}

/* Gives what the rows of a table contribute to the features that chose them. Returns what cannot be
 * given to one. */
static double pull_lookup(struct relud_explainer *explainer, const struct step *step,
                          const double *slope)
{
    size_t n = step->width / step->parts;
    const float *y =
        explainer_value(explainer, (size_t)(step - explainer->model->network.step) + 1);
    double rest = 0;
    for (size_t part = 0; part < step->parts; part++) {
        double sum = 0;
        for (size_t k = part * n; k < (part + 1) * n; k++)
            sum += slope[k] == 0 ? 0 : slope[k] * (double)y[k];
        size_t feature = facts_origin_of_lookup(&explainer->facts, step, part);
        if (feature == FACTS_NO_FEATURE)
            rest += sum;
        else
            explainer->looked_up[feature] += sum;
    }
    return rest;
}

static double pull_join(struct relud_explainer *explainer, const struct step *step,
                        const double *slope)
{
    double rest = 0;
    for (size_t part = 0; part < step->parts; part++)
        for (size_t k = 0; k < step->operands; k++) {
            const struct operand *of = &step->operand[k];
            bool is_constant = facts_shape_in(&explainer->facts, of) == SHAPE_CONSTANT;
            const float *x = of->constant ? of->constant : explainer_value(explainer, of->value);
            for (size_t i = part * step->piece[k]; i < (part + 1) * step->piece[k]; i++, slope++) {
                if (*slope == 0)
                    continue;
                if (is_constant)
                    rest += *slope * (double)x[i];
                else
                    explainer_slope(explainer, of->value)[i] += *slope;
            }
        }
    return rest;
}

/* A contribution of 0 needs no slope, and neither does a zero whose own slope is 0. */
static bool skips_zeros(const struct relud_explainer *explainer, const struct step *step)
{
    enum idle_zeros zeros =
        step->kind == STEP_LINEAR ? explainer->facts.zeros[step->operand[0].value] : ZEROS_COUNT;
    return zeros == ZEROS_WITHOUT_SLOPE ||
           (zeros == ZEROS_WITHOUT_SHARE && !explainer->needs_all_slopes);
}

/* Returns what no feature contributes. *goes_on becomes false if the watch ended it. */
static double pull_step(struct relud_explainer *explainer, size_t index,
                        const struct relud_watch *watch, bool *goes_on)
{
    const struct network *network = &explainer->model->network;
    const struct step *step = &network->step[index];
    const double *slope = explainer_slope(explainer, index + 1);
    const float *x[STEP_OPERANDS], *y = explainer_value(explainer, index + 1);
    double *to[STEP_OPERANDS], rest = 0;
    if (explainer->facts.shape[index + 1] == SHAPE_CONSTANT) {
        for (size_t i = 0; i < step->width; i++)
            rest += slope[i] == 0 ? 0 : slope[i] * (double)y[i];
        return rest;
    }
    if (step->kind == STEP_LOOKUP)
        return pull_lookup(explainer, step, slope);
    if (step->kind == STEP_JOIN)
        return pull_join(explainer, step, slope);
    explainer_point_at_operands(explainer, step, x);
    for (size_t k = 0; k < step->operands; k++) {
        const struct operand *of = &step->operand[k];
        to[k] = facts_shape_in(&explainer->facts, of) == SHAPE_CONSTANT
                    ? NULL
                    : explainer_slope(explainer, of->value);
    }
    struct pull pull = {.isa = network->isa,
                        .x = x,
                        .y = y,
                        .slope = slope,
                        .to = to,
                        .skips_zeros = skips_zeros(explainer, step),
                        .room = explainer->room,
                        .watch = watch};
    rest = step_pull(step, &pull);
    *goes_on = !pull.is_ended;
    return rest;
}

void explainer_clear(struct relud_explainer *explainer)
{
    memset(explainer->slope, 0,
           explainer->facts.place[explainer->facts.values] * sizeof *explainer->slope);
    memset(explainer->looked_up, 0, explainer->model->info.features * sizeof *explainer->looked_up);
}

bool explainer_pull(struct relud_explainer *explainer, size_t value, double *rest,
                    const struct relud_watch *watch)
{
    uint64_t env = float_env_enter();
    bool goes_on = true;
    *rest = 0;
    for (size_t i = value; goes_on && i-- > 0;) {
        *rest += pull_step(explainer, i, watch, &goes_on);
        goes_on = goes_on && watch_go_on(watch);
    }
    float_env_leave(env);
    return goes_on;
}

bool explainer_pull_target(struct relud_explainer *explainer, struct explainer_target target,
                           double *bias, const struct relud_watch *watch)
{
    explainer_clear(explainer);
    explainer_slope(explainer, target.value)[target.index] = 1;
    return explainer_pull(explainer, target.value, bias, watch);
}
