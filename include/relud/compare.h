/* How the answers of two models to the same rows differ. Answers are exact: no difference is
 * noise. */
#ifndef RELUD_COMPARE_H
#define RELUD_COMPARE_H

#include <relud/error.h>
#include <relud/model.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The greatest difference of a row's outputs falls into one of these: exactly 0 but of other bits
 * (-0, another NaN); up to 1e-7, 1e-6, … 1; more, or a number beside a NaN or infinity. */
enum { RELUD_DIFFERENCES = 10 };
double relud_difference_bound(size_t index); /* 0, 1e-7, …, 1, INFINITY */

/* Counts over rows; all 0 before the first. */
struct relud_comparison {
    unsigned long long rows;
    unsigned long long same_bits;   /* rows whose outputs are the same to the bit */
    unsigned long long other_class; /* of classifications: rows whose class is another */
    unsigned long long by_difference[RELUD_DIFFERENCES]; /* rows without the same bits */
    double difference;      /* the greatest of all outputs; INFINITY for a number beside a NaN */
    unsigned long long row; /* the first one with it, counted from 0; and its output: */
    size_t output;
    unsigned long long other_row; /* the first one of another class, if there is one */
};

/* True if the two can be compared: they take the same columns and words in the same order, and give
 * as many numbers, and the same classes. Else *error: RELUD_UNSUPPORTED. */
bool relud_comparison_check(const relud_model *a, const relud_model *b, struct relud_error *error);

/* Counts the answers a_y[rows][outputs] of one and b_y of the other; `first` is the number of the
 * first row. */
void relud_comparison_add(struct relud_comparison *comparison, const relud_model *a,
                          const relud_model *b, const float *a_y, const float *b_y, size_t rows,
                          unsigned long long first);

/* Adds the counts of other rows. */
void relud_comparison_merge(struct relud_comparison *comparison,
                            const struct relud_comparison *from);

#ifdef __cplusplus
}
#endif

#endif
