/* Whether the rows of today are like those that a model was trained on, feature by feature. */
#ifndef RELUD_DRIFT_H
#define RELUD_DRIFT_H

#include <relud/error.h>
#include <relud/model.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What was seen of the last rows: between RELUD_DRIFT_ROWS and twice as many once there were so
 * many, the older half counting half. Memory is fixed: 72 bytes a feature. */
typedef struct relud_drift relud_drift;
enum { RELUD_DRIFT_ROWS = 5000 };

/* Of one feature. All numbers are NaN before the first row. A missing number counts as the mean of
 * the rows trained on, as it did in training. */
struct relud_feature_drift {
    /* Population stability index against the rows trained on: the sum of (p - q) ln(p / q) over the
     * histogram's bins and what is below and above them; shares under 1e-4 count as 1e-4. Under 0.1
     * is little, over 0.25 much (Siddiqi 2006); by chance it is about 11 / n of n rows. */
    double psi;
    /* Of the mean, in standard deviations of the rows trained on; a number counts for at most
     * 10,000 of them. NaN: they were all the same. */
    double shift;
    double outside; /* share of the numbers below the least or above the greatest one seen then */
    double missing; /* share of the rows without it */
    /* The mean is another one, by a sequential test. It stays until as much speaks against it.
     * Rows like those trained on raise it for one feature of all at most once in
     * RELUD_DRIFT_FALSE_ALARM_ROWS rows on average, as relud_drift_add says. */
    bool is_shifted;
};

/* A week at a thousand rows a second. */
#define RELUD_DRIFT_FALSE_ALARM_ROWS 6.048e8

/* NULL and *error: RELUD_UNSUPPORTED if the model does not know the rows it was trained on
 * (info->training with a histogram of its features), or RELUD_NO_MEMORY. Borrows the model. */
relud_drift *relud_drift_new(const relud_model *model, struct relud_error *error);
/* NULL: out of memory. */
relud_drift *relud_drift_copy(const relud_drift *drift);
void relud_drift_free(relud_drift *drift); /* may be NULL */

/* Takes up rows x[rows][features]. A NaN is a missing number.
 *
 * The sequential test is a cumulative sum (Page 1954) for each feature and direction, over the
 * number's mean rank among the rows trained on, z, of mean 0 and deviation 1: S becomes max(0, S +
 * z - 1/8 - 4 / sqrt(n)), with n rows trained on, whose mean may itself be off by that. It is
 * raised at S = ln(a) / t, where t > 0 solves E exp(t (z - 1/8)) = 1: then rows like those trained
 * on raise it at most once in `a` rows on average (Lorden 1971), and a shift of 1/4 is found in
 * some hundred to thousand rows where n is large. */
void relud_drift_add(relud_drift *drift, const float *x, size_t rows);

unsigned long long relud_drift_rows(const relud_drift *drift); /* taken up so far */
struct relud_feature_drift relud_drift_feature(const relud_drift *drift, size_t feature);

/* If most numbers come as the same multiple of those trained on, as 0 to 255 for 0 to 1: about that
 * multiple. Else 1. Only where no number trained on was negative. */
double relud_drift_scale(const relud_drift *drift);

/* Lists the features of a row that are outside of what was seen in training: feature[most], in
 * ascending order. Returns how many there are, also beyond `most`; 0 if the model does not know. A
 * missing number is not outside. */
size_t relud_drift_unusual(const relud_model *model, const float *x, size_t *feature, size_t most);

/* What a classification answers: to the last rows, counted as for relud_drift. */
typedef struct relud_answers relud_answers;

struct relud_answers_seen {
    unsigned long long rows; /* taken up so far */
    /* Means over the last rows, NaN before the first: of the highest probability, and of the
     * entropy of all of them in nats, from 0 to ln(classes). */
    double confidence, entropy;
};

/* NULL and *error: RELUD_UNSUPPORTED if the model is no classification, or RELUD_NO_MEMORY. Borrows
 * the model. */
relud_answers *relud_answers_new(const relud_model *model, struct relud_error *error);
void relud_answers_free(relud_answers *answers); /* may be NULL */

/* Takes up answers y[rows][outputs]. An answer that is not finite counts as a row only. */
void relud_answers_add(relud_answers *answers, const float *y, size_t rows);

/* share[classes] = how many of the last rows had that class as their most probable one, by all of
 * them; may be NULL. */
struct relud_answers_seen relud_answers_read(const relud_answers *answers, double *share);

#ifdef __cplusplus
}
#endif

#endif
