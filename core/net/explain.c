/* Explanations: the net run forwards with all its values kept, then backwards in double from one
 * output. */
#include "core/net/explainer.h"
#include "core/net/model_private.h"
#include <math.h>
#include <string.h>

/* slope · x; a missing number has no slope. */
static double product(double slope, float x)
{
    return slope == 0 ? 0 : slope * (double)x;
}

static bool explain_exactly(struct relud_explainer *explainer, struct explainer_target target,
                            double *contribution, struct relud_explanation *explanation,
                            const struct relud_watch *watch)
{
    if (!explainer_pull_target(explainer, target, &explanation->bias, watch))
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
    return explainer_run(explainer, x, (float)share, watch);
}

/* Adds up the integral in `parts` parts. */
static bool integrate(struct relud_explainer *explainer, struct explainer_target target,
                      size_t parts, float *x, const struct relud_watch *watch)
{
    size_t features = explainer->model->info.features;
    memset(explainer->gather, 0, features * sizeof *explainer->gather);
    for (size_t i = 0; i < parts * POINTS; i++) {
        size_t part = i / POINTS;
        double ignored, share = ((double)part + point[i % POINTS]) / (double)parts;
        double by = weight[i % POINTS] / (double)parts;
        if (!run_at(explainer, x, share, watch) ||
            !explainer_pull_target(explainer, target, &ignored, watch))
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
static bool explain_by_integral(struct relud_explainer *explainer, struct explainer_target target,
                                float *x, double *contribution,
                                struct relud_explanation *explanation,
                                const struct relud_watch *watch)
{
    enum { PARTS_MAX = 32 };
    const double tolerance = 1e-5;
    size_t features = explainer->model->info.features;
    double output = explainer_output(explainer, target), left = INFINITY;
    memset(explainer->gather, 0, features * sizeof *explainer->gather);
    if (!run_at(explainer, x, 0, watch))
        return false;
    explanation->bias = explainer_output(explainer, target);
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
    return explainer_run(explainer, explainer->row, 1, watch); /* for the next output */
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
    struct explainer_target target = explainer_find_target(&explainer->model->network, output);
    enum value_shape shape = explainer->facts.shape[target.value];
    double own = explainer_output(explainer, target);
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
        if (contribution[f] != 0) /* a chain of sums takes its time */
            explanation->output += contribution[f];
    explanation->error = own - explanation->output;
    return isfinite(explanation->output) ||
           relud_fail(error, RELUD_NOT_FINITE,
                      "the output is not a finite number everywhere on the integral's way");
}
