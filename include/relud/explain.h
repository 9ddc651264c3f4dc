/* Why a net gives an answer: what each number of the row contributes to one output. */
#ifndef RELUD_EXPLAIN_H
#define RELUD_EXPLAIN_H

#include <relud/error.h>
#include <relud/model.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Working memory for explanations of one model: one for each thread. */
typedef struct relud_explainer relud_explainer;

/* Holds a reference to the model. NULL: out of memory. */
relud_explainer *relud_explainer_new(relud_model *model, struct relud_error *error);
void relud_explainer_free(relud_explainer *explainer); /* may be NULL */

/* What belongs to the contributions to an output. */
struct relud_explanation {
    /* The bias and the contributions, added up in their order. Where the net ends in softmax,
     * log_softmax or sigmoid, it is the score before that: the logit. */
    double output;
    double bias; /* what no feature contributes */
    /* What the net itself gives, minus `output`: by rounding where it is exact; otherwise by the
     * integral, too (the completeness of Sundararajan et al. 2017). */
    double error;
    /* Around the row, the net is linear: a contribution is the feature times its slope there, and
     * nothing else. It holds for nets of linear steps and activations like ReLU. For others the
     * contributions are integrated gradients, from the mean of the rows trained on, or from 0 where
     * it is not known; the bias is then the output at that point. */
    bool is_exact;
};

/* Takes up the row x[features], which is copied. The watch may be NULL; false if it has ended the
 * work. */
bool relud_explain_row(relud_explainer *explainer, const float *x, const struct relud_watch *watch);

/* contribution[features] = what each number of the row contributes to that output (below
 * info->outputs). A word or an id contributes by its place in the table. A missing number, for
 * which the net has a value, contributes 0, and the value counts for the bias; so does what a step
 * function such as floor makes of a number. Everything is summed in double, in a fixed order, so
 * the bits depend on the row alone. False and *error: RELUD_UNSUPPORTED names a step without a
 * derivative; RELUD_NOT_FINITE if the row's output is not a finite number, or that of a point on
 * the way of the integral. Also false if the watch, which may be NULL, has ended the work: the code
 * of *error is 0 then. */
bool relud_explain_output(relud_explainer *explainer, size_t output, double *contribution,
                          struct relud_explanation *explanation, const struct relud_watch *watch,
                          struct relud_error *error);

/* Where the region around the row ends in which the net is linear, and so the explanation holds.
 * Features are measured in standard deviations of the rows trained on, where these are known. A
 * feature that is an index, is missing or was the same in all rows trained on does not move. */
struct relud_border {
    double distance; /* Euclidean, to the nearest point of the border; INFINITY: there is none */
    double *way;     /* NULL, or [features], the caller's: row + way is that point */
    /* Of a classification: the smallest move of one feature within the region to another class. */
    bool has_change;
    size_t feature, to_class;
    double by; /* in the feature's own unit: at row[feature] + by the classes are level */
};

/* About how many nanoseconds relud_explain_border takes for a row of the model at most. */
double relud_explain_border_ns(const relud_model *model);

/* Finds the border for the row that was taken up and that output (below info->outputs). row_class:
 * of a classification, the class that the row has. Only border->way must be set before. False and
 * *error: RELUD_UNSUPPORTED names a step that is not linear around a row, or whose lines cannot be
 * told; RELUD_NOT_FINITE if a slope is not a finite number. Also false if the watch, which may be
 * NULL, has ended the work: the code of *error is 0 then. */
bool relud_explain_border(relud_explainer *explainer, size_t output, size_t row_class,
                          struct relud_border *border, const struct relud_watch *watch,
                          struct relud_error *error);

#ifdef __cplusplus
}
#endif

#endif
