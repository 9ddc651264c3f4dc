/* Inside explanations: one row's values, and the slopes of something by each of them. */
#ifndef CORE_NET_EXPLAINER_H
#define CORE_NET_EXPLAINER_H

#include "core/net/value_facts.h"
#include <relud/explain.h>

struct relud_explainer {
    relud_model *model;
    struct value_facts facts;
    float *value;  /* of the last run; the values lie side by side, as facts.place says */
    double *slope; /* by each value */
    /* [features]: the row to explain, where an integral begins, and a point on its way. */
    float *row, *base, *way;
    double *gather;    /* [features]: the integral */
    double *looked_up; /* [features]: what its row of a table contributes */
    float *room;       /* for step_pull */
    float share;       /* of a table's row that a lookup gives: 1, but on the way of an integral */
    bool needs_all_slopes; /* by features that are 0, too */
};

/* Where a value lies, and its slopes. */
static inline float *explainer_value(const struct relud_explainer *explainer, size_t value)
{
    return explainer->value + explainer->facts.place[value];
}
static inline double *explainer_slope(const struct relud_explainer *explainer, size_t value)
{
    return explainer->slope + explainer->facts.place[value];
}

/* x[operands] = where the step's operands lie. */
void explainer_point_at_operands(const struct relud_explainer *explainer, const struct step *step,
                                 const float **x);

/* Computes all values of x[features]. share: what is left of a table's rows. False: the watch ended
 * it. */
bool explainer_run(struct relud_explainer *explainer, const float *x, float share,
                   const struct relud_watch *watch);

/* What is explained: a number of a value. */
struct explainer_target {
    size_t value, index;
};

/* The target that the output stands for: where it is a probability, the score before it. */
struct explainer_target explainer_find_target(const struct network *network, size_t output);

static inline double explainer_output(const struct relud_explainer *explainer,
                                      struct explainer_target target)
{
    return (double)explainer_value(explainer, target.value)[target.index];
}

/* Sets all slopes to 0. */
void explainer_clear(struct relud_explainer *explainer);

/* From the slopes by the values up to `value`, adds up those by what they are made of, for the
 * values of the last run. *rest becomes what no feature contributes. False: the watch ended it. */
bool explainer_pull(struct relud_explainer *explainer, size_t value, double *rest,
                    const struct relud_watch *watch);

/* The same for the slopes of the target alone. */
bool explainer_pull_target(struct relud_explainer *explainer, struct explainer_target target,
                           double *bias, const struct relud_watch *watch);

#endif
