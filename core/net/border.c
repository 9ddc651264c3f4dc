/* How far a row is from the border of the region in which the net is linear. Each kink is a linear
 * function of the row there, so its distance is its value by the length of its slopes. */
#include "core/net/explainer.h"
#include "core/net/kinks.h"
#include "core/net/model_private.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A search for the border around one row. */
struct search {
    struct relud_explainer *explainer;
    const struct relud_watch *watch;
    struct relud_border *border;
    bool *is_needed; /* [values]: the target is made of it */
    /* [features]: the unit each is measured in, or 0 if it does not move; how far it can go down
     * and up within the region; and the slopes of the row's class. */
    double *unit, *least, *most, *slope;
    bool is_endless; /* a slope is not a finite number */
};

static const struct network *network_of(const struct search *search)
{
    return &search->explainer->model->network;
}

/* ---- what is searched ---- */

static void find_needed(const struct search *search, size_t value)
{
    if (search->is_needed[value])
        return;
    search->is_needed[value] = true;
    for (; value > STEP_INPUT; value--) {
        const struct step *step = &network_of(search)->step[value - 1];
        for (size_t k = 0; search->is_needed[value] && k < step->operands; k++)
            if (!step->operand[k].constant)
                search->is_needed[step->operand[k].value] = true;
    }
}

/* True if a value is not the same all over the region. An index does not move. */
static bool value_moves(const struct value_facts *facts, size_t value)
{
    if (facts->shape[value] == SHAPE_CONSTANT)
        return false;
    for (size_t i = facts->place[value]; i < facts->place[value + 1]; i++)
        if (facts->origin[i] == FACTS_NO_FEATURE || !facts->is_index[facts->origin[i]])
            return true;
    return false;
}

static bool may_have_kinks(const struct relud_explainer *explainer, const struct step *step)
{
    bool is_any = false;
    for (size_t k = 0; k < step->operands; k++)
        is_any |=
            !step->operand[k].constant && value_moves(&explainer->facts, step->operand[k].value);
    return is_any;
}

static bool refuse(const struct search *search, size_t step, const char *why,
                   struct relud_error *error)
{
    return relud_fail(error, RELUD_UNSUPPORTED, "step %zu (%s) %s", step + 1,
                      search->explainer->model->info.step[step], why);
}

static bool check_steps(const struct search *search, struct relud_error *error)
{
    const struct relud_explainer *explainer = search->explainer;
    for (size_t i = 0; i < network_of(search)->steps; i++) {
        const struct step *step = &network_of(search)->step[i];
        if (!search->is_needed[i + 1] || !may_have_kinks(explainer, step))
            continue;
        if (explainer->facts.shape[i + 1] > SHAPE_LINEAR)
            return refuse(search, i, "is not made of straight lines: it has no border", error);
        if (step_kinks(step) == SIZE_MAX)
            return refuse(search, i, "has borders that cannot be told", error);
    }
    return true;
}

static void set_units(const struct search *search)
{
    const struct relud_explainer *explainer = search->explainer;
    const struct relud_model_info *info = &explainer->model->info;
    const struct relud_training *training = info->training;
    bool has_std = training && training->std && training->features == info->features;
    for (size_t f = 0; f < info->features; f++) {
        bool moves = !explainer->facts.is_index[f] && isfinite(explainer->row[f]);
        search->unit[f] = !moves ? 0 : has_std ? (double)training->std[f] : 1;
        search->least[f] = -INFINITY;
        search->most[f] = INFINITY;
    }
}

/* ---- the border ---- */

static void set_nearest(const struct search *search, double value, const double *slope,
                        double square)
{
    struct relud_border *border = search->border;
    border->distance = fabs(value) / sqrt(square);
    for (size_t f = 0; border->way && f < search->explainer->model->info.features; f++)
        border->way[f] = search->unit[f] == 0
                             ? 0
                             : -value * slope[f] * search->unit[f] * search->unit[f] / square;
}

/* Takes up a border whose function has that value for the row and these slopes. */
static void add_border(struct search *search, double value, const double *slope)
{
    double square = 0;
    for (size_t f = 0; f < search->explainer->model->info.features; f++) {
        if (slope[f] == 0 || search->unit[f] == 0)
            continue;
        double by = -value / slope[f], length = slope[f] * search->unit[f];
        square += length * length;
        search->most[f] = by >= 0 ? fmin(search->most[f], by) : search->most[f];
        search->least[f] = by <= 0 ? fmax(search->least[f], by) : search->least[f];
    }
    search->is_endless |= !isfinite(square);
    if (square > 0 && fabs(value) / sqrt(square) < search->border->distance)
        set_nearest(search, value, slope, square);
}

/* Computes the slopes of a kink by the features. False: the watch ended it. */
static bool pull_kink(const struct search *search, const struct step *step,
                      const struct kink_at *kink)
{
    struct relud_explainer *explainer = search->explainer;
    size_t last = STEP_INPUT;
    double ignored;
    explainer_clear(explainer);
    for (size_t t = 0; t < kink->terms; t++) {
        const struct operand *of = &step->operand[kink->term[t].operand];
        if (of->constant)
            continue;
        explainer_slope(explainer, of->value)[kink->term[t].index] += kink->term[t].by;
        last = of->value > last ? of->value : last;
    }
    return explainer_pull(explainer, last, &ignored, search->watch);
}

static bool search_step(struct search *search, size_t index)
{
    const struct relud_explainer *explainer = search->explainer;
    const struct step *step = &network_of(search)->step[index];
    const float *x[STEP_OPERANDS], *y = explainer_value(explainer, index + 1);
    size_t kinks = step_kinks(step);
    if (kinks)
        explainer_point_at_operands(explainer, step, x);
    for (size_t k = 0; k < kinks; k++) {
        struct kink_at kink = step_kink(step, x, y, k);
        if (!isfinite(kink.value))
            continue;
        if (!pull_kink(search, step, &kink))
            return false;
        add_border(search, kink.value, explainer_slope(explainer, STEP_INPUT));
    }
    return true;
}

/* ---- another class ---- */

/* Takes up that the row's class is ahead of another by so much, with these slopes. */
static void add_class(const struct search *search, size_t class, double ahead, const double *slope)
{
    struct relud_border *border = search->border;
    for (size_t f = 0; f < search->explainer->model->info.features; f++) {
        double unit = search->unit[f], by = -ahead / slope[f];
        bool is_number = isfinite((float)((double)search->explainer->row[f] + by));
        if (slope[f] == 0 || unit == 0 || !is_number || by < search->least[f] ||
            by > search->most[f])
            continue;
        if (border->has_change &&
            fabs(by) / unit >= fabs(border->by) / search->unit[border->feature])
            continue;
        border->has_change = true;
        border->feature = f;
        border->to_class = class;
        border->by = by;
    }
}

/* One score: the classes are level at 0 or, where the net itself makes a probability of it and no
 * sigmoid was left out, at 0.5. */
static bool search_other_side(const struct search *search, size_t class)
{
    struct relud_explainer *explainer = search->explainer;
    struct explainer_target target = explainer_find_target(network_of(search), 0);
    bool is_probability =
        explainer->model->is_sigmoid_done && target.value == network_of(search)->result[0].value;
    double ignored, ahead = explainer_output(explainer, target) - (is_probability ? 0.5 : 0);
    if (!explainer_pull_target(explainer, target, &ignored, search->watch))
        return false;
    add_class(search, !class, ahead, explainer_slope(explainer, STEP_INPUT));
    return true;
}

static double score_of(const struct search *search, size_t class)
{
    return explainer_output(search->explainer, explainer_find_target(network_of(search), class));
}

static bool search_other_classes(const struct search *search, size_t best, size_t classes)
{
    struct relud_explainer *explainer = search->explainer;
    size_t features = explainer->model->info.features;
    double ignored;
    for (size_t i = 0; i <= classes; i++) { /* the row's own, then all */
        size_t class = i ? i - 1 : best;
        if (i && class == best)
            continue;
        if (!explainer_pull_target(explainer, explainer_find_target(network_of(search), class),
                                   &ignored, search->watch))
            return false;
        double *slope = explainer_slope(explainer, STEP_INPUT);
        if (!i) {
            memcpy(search->slope, slope, features * sizeof *slope);
            continue;
        }
        for (size_t f = 0; f < features; f++)
            slope[f] = search->slope[f] - slope[f];
        add_class(search, class, score_of(search, best) - score_of(search, class), slope);
    }
    return true;
}

/* ---- all of it ---- */

static bool run_search(struct search *search, size_t class)
{
    const struct relud_explainer *explainer = search->explainer;
    const struct relud_model_info *info = &explainer->model->info;
    for (size_t i = 0; i < network_of(search)->steps; i++)
        if (search->is_needed[i + 1] && may_have_kinks(explainer, &network_of(search)->step[i]) &&
            !search_step(search, i))
            return false;
    if (!info->classes)
        return true;
    return info->scores == 1 ? search_other_side(search, class)
                             : search_other_classes(search, class, info->scores);
}

double relud_explain_border_ns(const relud_model *model)
{
    /* Each kink and class is a pass backwards, in double, of one row that reads all weights. */
    const double times = 3;
    double passes = (double)model->info.scores;
    for (size_t i = 0; i < model->network.steps; i++) {
        size_t kinks = step_kinks(&model->network.step[i]);
        passes += kinks == SIZE_MAX ? 0 : (double)kinks;
    }
    double row_ns = network_linear_ns(&model->network, 1);
    return passes * times * (row_ns > model->info.row_ns ? row_ns : model->info.row_ns);
}

bool relud_explain_border(relud_explainer *explainer, size_t output, size_t row_class,
                          struct relud_border *border, const struct relud_watch *watch,
                          struct relud_error *error)
{
    size_t features = explainer->model->info.features;
    struct search search = {.explainer = explainer,
                            .watch = watch,
                            .border = border,
                            .is_needed = calloc(explainer->facts.values + 1, sizeof(bool)),
                            .unit = calloc(4 * features + 1, sizeof(double))};
    bool is_found = false;
    *border = (struct relud_border){.distance = INFINITY, .way = border->way};
    error->code = 0;
    if (search.unit && search.is_needed) {
        search.least = search.unit + features;
        search.most = search.least + features;
        search.slope = search.most + features;
        set_units(&search);
        find_needed(&search, explainer_find_target(network_of(&search), output).value);
        for (size_t c = 0; c < explainer->model->info.scores; c++)
            find_needed(&search, explainer_find_target(network_of(&search), c).value);
        explainer->needs_all_slopes = true;
        is_found = check_steps(&search, error) && run_search(&search, row_class);
        if (is_found && search.is_endless)
            is_found = relud_fail(error, RELUD_NOT_FINITE, "a slope is not a finite number");
        explainer->needs_all_slopes = false;
    } else
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for an explanation");
    free(search.unit);
    free(search.is_needed);
    return is_found;
}
