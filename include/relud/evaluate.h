/* Measures of a net's answers against the targets of the same rows: of a classification the
 * accuracy, the log loss, the confusions, precision, recall, F1 and the calibration; of a
 * regression R², RMSE and MAE. All sums are in double and in the order of the rows, so a measure
 * does not depend on how many rows are added at a time. */
#ifndef RELUD_EVALUATE_H
#define RELUD_EVALUATE_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- classifications ---- */

enum { RELUD_CALIBRATION_BINS = 15 };

/* A ratio whose denominator is 0 is NaN. */
struct relud_class_measures {
    size_t rows;      /* whose target is the class */
    size_t answers;   /* rows that are answered with it */
    size_t right;     /* both */
    double precision; /* right / answers */
    double recall;    /* right / rows */
    double f1;        /* 2 right / (rows + answers) */
};

/* Rows of one class that are answered with another one. */
struct relud_confusion {
    uint32_t target, answer;
    size_t rows; /* at least 1 */
};

struct relud_classification {
    size_t rows, classes, top_k;
    double accuracy;       /* the share of rows whose most probable class is the target */
    double top_k_accuracy; /* the share whose target is among the top_k most probable classes */
    double log_loss;       /* the mean of the rows' losses */
    double confidence;     /* the mean of the rows' greatest probabilities */
    /* The expected calibration error (Guo et al. 2017): the rows are put into 15 bins by their
     * greatest probability, ((i - 1) / 15, i / 15]; it is the sum over the bins of
     * |accuracy - confidence| in the bin, times the bin's share of the rows. */
    double calibration_error;
    const struct relud_class_measures *of; /* [classes] */
    size_t confusions;
    const struct relud_confusion *confusion; /* [confusions], the most rows first, then by class */
};

typedef struct relud_classification_sums relud_classification_sums;

/* Sums for up to max_rows rows. top_k is at least 1. NULL and *error: out of memory, or more
 * classes or rows than 32 bits count. */
relud_classification_sums *relud_classification_new(size_t classes, size_t max_rows, size_t top_k,
                                                    struct relud_error *error);
void relud_classification_free(relud_classification_sums *sums); /* may be NULL */
/* Adds a row: its finite probabilities p[classes], the class that is its target, and its loss
 * (relud_log_loss). Of equal probabilities the lower class counts as the greater one. */
void relud_classification_add(relud_classification_sums *sums, const float *p, size_t target,
                              double loss);
/* *measures of the rows that were added, at least one; its arrays live as long as the sums.
 * False and *error: out of memory. */
bool relud_classification_measure(relud_classification_sums *sums,
                                  struct relud_classification *measures, struct relud_error *error);

/* ---- regressions ---- */

struct relud_error_measures {
    double r2;   /* the coefficient of determination; NaN if all targets are the same number */
    double rmse; /* the root of the mean squared error */
    double mae;  /* the mean absolute error */
};

/* Of one output. All zeros, then relud_regression_add for all rows, then
 * relud_regression_measure. */
struct relud_regression {
    double squares, absolutes; /* the sums of squared and of absolute errors */
    struct relud_error_measures net;
    double mean;                          /* of the targets */
    struct relud_error_measures baseline; /* of answering this mean always; its r2 is 0 */
};

/* Adds answers y[rows][outputs] to targets[rows][outputs], all finite, into of[outputs]. */
void relud_regression_add(struct relud_regression *of, const float *y, const float *targets,
                          size_t rows, size_t outputs);
/* Makes of[outputs] whole from all targets[rows][outputs]; rows is at least 1. */
void relud_regression_measure(struct relud_regression *of, const float *targets, size_t rows,
                              size_t outputs);

#ifdef __cplusplus
}
#endif

#endif
