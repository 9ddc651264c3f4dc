/* Explanations: the net run forwards with all its values kept, then backwards in double from one
 * output. */
#include <relud/explain.h>

#include "core/base/float_env.h"
#include "core/base/watch.h"
#include "core/net/model_private.h"
#include "core/net/value_facts.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct relud_explainer {
    relud_model *model;
    struct value_facts facts;
    float *value;  /* of the last run; the values lie side by side, as facts.place says */
    double *slope; /* of an output, by each value */
    /* [features]: the row to explain, where an integral begins, and a point on its way. */
    float *row, *base, *way;
    double *gather;    /* [features]: the integral */
    double *looked_up; /* [features]: what its row of a table contributes */
    float *room;       /* for step_pull */
    float share;       /* of a table's row that a lookup gives: 1, but on the way of an integral */
};

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

static float *value_at(const struct relud_explainer *explainer, size_t value)
{
    return explainer->value + explainer->facts.place[value];
}

static double *slope_at(const struct relud_explainer *explainer, size_t value)
{
    return explainer->slope + explainer->facts.place[value];
}

static void point_at_operands(const struct relud_explainer *explainer, const struct step *step,
                              const float **x)
{
    for (size_t k = 0; k < step->operands; k++)
        x[k] = step->operand[k].constant ? step->operand[k].constant
                                         : value_at(explainer, step->operand[k].value);
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
    float *y = value_at(explainer, index + 1);
    if (step->kind == STEP_JOIN) {
        for (size_t part = 0; part < step->parts; part++)
            for (size_t k = 0; k < step->operands; k++) {
                const struct operand *of = &step->operand[k];
                const float *from = of->constant ? of->constant : value_at(explainer, of->value);
                memcpy(y, from + part * step->piece[k], step->piece[k] * sizeof *y);
                y += step->piece[k];
            }
        return;
    }
    point_at_operands(explainer, step, x);
    step_run(step, network->isa, x, y, 1);
    if (step->kind == STEP_LOOKUP && explainer->share != 1)
        shrink_rows(explainer, step, y);
}

/* Computes all values. False: the watch ended it. */
static bool run(struct relud_explainer *explainer, const float *x, float share,
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
    return run(explainer, explainer->row, 1, watch);
}

/* ---- backwards ---- */

/* What is explained: a number of a value. */
struct target {
    size_t value, index;
};

/* The target that the output stands for: where it is a probability, the score before it. */
static struct target find_target(const struct network *network, size_t output)
{
    size_t r = 0;
    while (output >= network->result[r].width)
        output -= network->result[r++].width;
    struct target target = {network->result[r].value, output};
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
    const float *y = value_at(explainer, (size_t)(step - explainer->model->network.step) + 1);
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
            const float *x = of->constant ? of->constant : value_at(explainer, of->value);
            for (size_t i = part * step->piece[k]; i < (part + 1) * step->piece[k]; i++, slope++) {
                if (*slope == 0)
                    continue;
                if (is_constant)
                    rest += *slope * (double)x[i];
                else
                    slope_at(explainer, of->value)[i] += *slope;
            }
        }
    return rest;
}

/* Returns what no feature contributes. *goes_on becomes false if the watch ended it. */
static double pull_step(struct relud_explainer *explainer, size_t index,
                        const struct relud_watch *watch, bool *goes_on)
{
    const struct network *network = &explainer->model->network;
    const struct step *step = &network->step[index];
    const double *slope = slope_at(explainer, index + 1);
    const float *x[STEP_OPERANDS], *y = value_at(explainer, index + 1);
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
    point_at_operands(explainer, step, x);
    for (size_t k = 0; k < step->operands; k++) {
        const struct operand *of = &step->operand[k];
        to[k] = facts_shape_in(&explainer->facts, of) == SHAPE_CONSTANT
                    ? NULL
                    : slope_at(explainer, of->value);
    }
    struct pull pull = {.isa = network->isa,
                        .x = x,
                        .y = y,
                        .slope = slope,
                        .to = to,
                        .skips_zeros = step->kind == STEP_LINEAR &&
                                       explainer->facts.skips_zeros[step->operand[0].value],
                        .room = explainer->room,
                        .watch = watch};
    rest = step_pull(step, &pull);
    *goes_on = !pull.is_ended;
    return rest;
}

/* Fills in the slopes of the target by all values, for the values of the last run. *bias becomes
 * what no feature contributes, of a target that is linear. False: the watch ended it. */
static bool pull_back(struct relud_explainer *explainer, struct target target, double *bias,
                      const struct relud_watch *watch)
{
    size_t features = explainer->model->info.features;
    memset(explainer->slope, 0,
           explainer->facts.place[explainer->facts.values] * sizeof *explainer->slope);
    memset(explainer->looked_up, 0, features * sizeof *explainer->looked_up);
    slope_at(explainer, target.value)[target.index] = 1;
    *bias = 0;
    uint64_t env = float_env_enter();
    bool goes_on = true;
    for (size_t i = target.value; goes_on && i-- > 0;) {
        *bias += pull_step(explainer, i, watch, &goes_on);
        goes_on = goes_on && watch_go_on(watch);
    }
    float_env_leave(env);
    return goes_on;
}

/* ---- explanations ---- */

static double output_of(const struct relud_explainer *explainer, struct target target)
{
    return (double)value_at(explainer, target.value)[target.index];
}

/* slope · x; a missing number has no slope. */
static double product(double slope, float x)
{
    return slope == 0 ? 0 : slope * (double)x;
}

static bool explain_exactly(struct relud_explainer *explainer, struct target target,
                            double *contribution, struct relud_explanation *explanation,
                            const struct relud_watch *watch)
{
    if (!pull_back(explainer, target, &explanation->bias, watch))
        return false;
    for (size_t f = 0; f < explainer->model->info.features; f++)
        contribution[f] = product(explainer->slope[f], explainer->row[f]) + explainer->looked_up[f];
    return true;
}

/* The points and weights of Gauss and Legendre's rule of eight, on 0 … 1. */
enum { POINTS = 8 };
static const double point[POINTS] = {0.019855071751231884, 0.10166676129318664, 0.2372337950418355,
                                     0.4082826787521751,   0.5917173212478249,  0.7627662049581645,
                                     0.8983332387068134,   0.9801449282487681};
static const double weight[POINTS] = {0.05061426814518813, 0.11119051722668724, 0.15685332293894365,
                                      0.18134189168918100, 0.18134189168918100, 0.15685332293894365,
                                      0.11119051722668724, 0.05061426814518813};

/* True if the feature goes from `base` to the row on an integral's way. An index does not: its row
 * of a table grows from 0 instead. */
static bool is_on_way(const struct relud_explainer *explainer, size_t f)
{
    return !explainer->facts.is_index[f] && !isnan(explainer->row[f]);
}

static bool run_at(struct relud_explainer *explainer, float *x, double share,
                   const struct relud_watch *watch)
{
    for (size_t f = 0; f < explainer->model->info.features; f++) {
        double base = (double)explainer->base[f], row = (double)explainer->row[f];
        x[f] = is_on_way(explainer, f) ? (float)(base + share * (row - base)) : explainer->row[f];
    }
    return run(explainer, x, (float)share, watch);
}

/* Adds up the integral in `parts` parts. */
static bool integrate(struct relud_explainer *explainer, struct target target, size_t parts,
                      float *x, const struct relud_watch *watch)
{
    size_t features = explainer->model->info.features;
    memset(explainer->gather, 0, features * sizeof *explainer->gather);
    for (size_t i = 0; i < parts * POINTS; i++) {
        size_t part = i / POINTS;
        double ignored, share = ((double)part + point[i % POINTS]) / (double)parts;
        double by = weight[i % POINTS] / (double)parts;
        if (!run_at(explainer, x, share, watch) || !pull_back(explainer, target, &ignored, watch))
            return false;
        for (size_t f = 0; f < features; f++) {
            double way = (double)explainer->row[f] - (double)explainer->base[f];
            if (is_on_way(explainer, f))
                explainer->gather[f] += by * explainer->slope[f] * way;
            explainer->gather[f] += by * explainer->looked_up[f] / share;
        }
    }
    return true;
}

/* Integrated gradients (Sundararajan et al. 2017), with twice as many parts until they account for
 * the difference between the row and the base. x[features] is scratch memory. */
static bool explain_by_integral(struct relud_explainer *explainer, struct target target, float *x,
                                double *contribution, struct relud_explanation *explanation,
                                const struct relud_watch *watch)
{
    enum { PARTS_MAX = 32 };
    const double tolerance = 1e-5;
    size_t features = explainer->model->info.features;
    double output = output_of(explainer, target), left = INFINITY;
    memset(explainer->gather, 0, features * sizeof *explainer->gather);
    if (!run_at(explainer, x, 0, watch))
        return false;
    explanation->bias = output_of(explainer, target);
    double enough = tolerance * fmax(1, fabs(output - explanation->bias));
    for (size_t parts = 1; left > enough && parts <= PARTS_MAX; parts *= 2) {
        if (!integrate(explainer, target, parts, x, watch))
            return false;
        double sum = explanation->bias;
        for (size_t f = 0; f < features; f++)
            sum += explainer->gather[f];
        left = fabs(output - sum);
    }
    memcpy(contribution, explainer->gather, features * sizeof *contribution);
    return run(explainer, explainer->row, 1, watch); /* for the next output */
}

/* The first step that has no derivative, among those that the target needs: an operand of an
 * unknown shape leads to it. */
static bool refuse_step(const struct relud_explainer *explainer, size_t value,
                        struct relud_error *error)
{
    const struct network *network = &explainer->model->network;
    for (bool is_first = false; !is_first;) {
        const struct step *step = &network->step[value - 1];
        is_first = true;
        for (size_t k = 0; k < step->operands && is_first; k++)
            if (facts_shape_in(&explainer->facts, &step->operand[k]) == SHAPE_UNKNOWN) {
                value = step->operand[k].value;
                is_first = false;
            }
    }
    return relud_fail(error, RELUD_UNSUPPORTED, "step %zu (%s) cannot be explained", value,
                      explainer->model->info.step[value - 1]);
}

bool relud_explain_output(relud_explainer *explainer, size_t output, double *contribution,
                          struct relud_explanation *explanation, const struct relud_watch *watch,
                          struct relud_error *error)
{
    struct target target = find_target(&explainer->model->network, output);
    enum value_shape shape = explainer->facts.shape[target.value];
    double own = output_of(explainer, target);
    *explanation = (struct relud_explanation){.is_exact = shape <= SHAPE_LINEAR};
    error->code = 0;
    if (shape == SHAPE_UNKNOWN)
        return refuse_step(explainer, target.value, error);
    if (!isfinite(own))
        return relud_fail(error, RELUD_NOT_FINITE, "the output is not a finite number");
    bool is_explained = explanation->is_exact
                            ? explain_exactly(explainer, target, contribution, explanation, watch)
                            : explain_by_integral(explainer, target, explainer->way, contribution,
                                                  explanation, watch);
    if (!is_explained)
        return false;
    explanation->output = explanation->bias;
    for (size_t f = 0; f < explainer->model->info.features; f++)
        explanation->output += contribution[f];
    explanation->error = own - explanation->output;
    return isfinite(explanation->output) ||
           relud_fail(error, RELUD_NOT_FINITE,
                      "the output is not a finite number everywhere on the integral's way");
}
