/* Measures of answers: constants computed by hand, by scikit-learn's definitions, and slow twins
 * over many random rows. */
#include "tests/unit/scarcity.h"

#include <math.h>
#include <relud/relud.h>

static relud_classification_sums *sums_of(size_t classes, size_t rows, size_t top_k)
{
    struct relud_error error;
    relud_classification_sums *sums = relud_classification_new(classes, rows, top_k, &error);
    ck_assert_ptr_nonnull(sums);
    return sums;
}

static struct relud_classification measure(relud_classification_sums *sums)
{
    struct relud_classification measures;
    struct relud_error error;
    ck_assert(relud_classification_measure(sums, &measures, &error));
    return measures;
}

/* sklearn.metrics of y_true = [0, 1, 2, 2, 1], y_pred = [0, 2, 2, 2, 0]: confusion_matrix
 * [[1,0,0],[1,0,1],[0,0,2]], precision [1/2, 0/0, 2/3], recall [1, 0, 1], f1 [2/3, 0, 4/5];
 * log_loss = -(ln .75 + ln .25 + ln .5 + ln .875 + ln .125) / 5; top_k_accuracy_score(k=2) = 4/5. */
START_TEST(a_classification_by_hand)
{
    static const float p[5][3] = {{.75f, .125f, .125f},
                                  {.125f, .25f, .625f},
                                  {.25f, .25f, .5f},
                                  {.0625f, .0625f, .875f},
                                  {.625f, .125f, .25f}};
    static const size_t target[] = {0, 1, 2, 2, 1};
    relud_classification_sums *sums = sums_of(3, 5, 2);
    for (size_t r = 0; r < 5; r++)
        relud_classification_add(sums, p[r], target[r], -log((double)p[r][target[r]]));
    struct relud_classification of = measure(sums);
    ck_assert_uint_eq(of.rows, 5);
    ck_assert_uint_eq(of.classes, 3);
    ck_assert_double_eq(of.accuracy, 3 / 5.0);
    ck_assert_double_eq(of.top_k_accuracy, 4 / 5.0);
    ck_assert_double_eq_tol(of.log_loss, 0.916019309687195, 1e-15);
    ck_assert_double_eq(of.confidence, (.75 + .625 + .5 + .875 + .625) / 5);
    /* Bins of 1/15: .5 alone (right), .625 twice (both wrong), .75 alone, .875 alone (right). */
    ck_assert_double_eq_tol(of.calibration_error, (.5 + 1.25 + .25 + .125) / 5, 1e-15);
    static const struct relud_class_measures wanted[] = {
        {1, 2, 1, 1 / 2.0, 1, 2 / 3.0}, {2, 0, 0, NAN, 0, 0}, {2, 3, 2, 2 / 3.0, 1, 4 / 5.0}};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(of.of[i].rows, wanted[i].rows);
        ck_assert_uint_eq(of.of[i].answers, wanted[i].answers);
        ck_assert_uint_eq(of.of[i].right, wanted[i].right);
        ck_assert(isnan(wanted[i].precision) ? isnan(of.of[i].precision)
                                             : of.of[i].precision == wanted[i].precision);
        ck_assert_double_eq(of.of[i].recall, wanted[i].recall);
        ck_assert_double_eq(of.of[i].f1, wanted[i].f1);
    }
    ck_assert_uint_eq(of.confusions, 2);
    ck_assert_uint_eq(of.confusion[0].target, 1);
    ck_assert_uint_eq(of.confusion[0].answer, 0);
    ck_assert_uint_eq(of.confusion[0].rows, 1);
    ck_assert_uint_eq(of.confusion[1].target, 1);
    ck_assert_uint_eq(of.confusion[1].answer, 2);
    ck_assert_uint_eq(measure(sums).confusions, 2); /* it may be asked again */
    relud_classification_free(sums);
}
END_TEST

/* The lower of equal classes is the answer; a row more than there is room for is left out. */
START_TEST(ties_and_edges)
{
    static const float half[] = {.5f, .5f}, sure[] = {0, 1}, none[] = {0, 0};
    relud_classification_sums *sums = sums_of(2, 4, 1);
    relud_classification_add(sums, half, 0, 0);
    relud_classification_add(sums, half, 1, 0);
    relud_classification_add(sums, sure, 1, 0);
    relud_classification_add(sums, none, 0, 0); /* in the first bin */
    relud_classification_add(sums, half, 0, 100);
    struct relud_classification of = measure(sums);
    ck_assert_uint_eq(of.rows, 4);
    ck_assert_double_eq(of.accuracy, 3 / 4.0);
    ck_assert_double_eq(of.top_k_accuracy, of.accuracy);
    ck_assert_double_eq(of.log_loss, 0);
    ck_assert_double_eq(of.calibration_error, 1 / 4.0);
    relud_classification_free(sums);
    relud_classification_free(NULL);
    struct relud_error error;
    ck_assert_ptr_null(relud_classification_new(2, (size_t)1 << 32, 1, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
}
END_TEST

static bool measure_two(void *with, struct relud_error *error)
{
    const float *p = with;
    struct relud_classification of;
    relud_classification_sums *sums = relud_classification_new(2, 1, 1, error);
    if (sums)
        relud_classification_add(sums, p, 1, 0);
    bool is_measured = sums && relud_classification_measure(sums, &of, error);
    relud_classification_free(sums);
    return is_measured;
}

START_TEST(memory_may_run_out)
{
    float p[] = {1, 0};
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, measure_two, p);
}
END_TEST

/* ---- the slow twin of a classification ---- */

enum { ROWS = 700, CLASSES = 6 };

static size_t rank_of(const float *p, size_t target)
{
    size_t rank = 0;
    for (size_t i = 0; i < CLASSES; i++)
        rank += i != target && (p[i] > p[target] || (p[i] == p[target] && i < target));
    return rank;
}

static double twin_of_calibration(float (*p)[CLASSES], const size_t *target)
{
    double error = 0;
    for (int bin = 1; bin <= RELUD_CALIBRATION_BINS; bin++) {
        double rows = 0, right = 0, confidence = 0;
        for (size_t r = 0; r < ROWS; r++) {
            double most = 0;
            for (size_t i = 0; i < CLASSES; i++)
                most = fmax(most, (double)p[r][i]);
            if (most * 15 <= bin - 1 || most * 15 > bin)
                continue;
            rows++;
            confidence += most;
            right += rank_of(p[r], target[r]) == 0;
        }
        if (rows > 0)
            error += rows / ROWS * fabs(right / rows - confidence / rows);
    }
    return error;
}

START_TEST(a_classification_is_its_twin)
{
    static float p[ROWS][CLASSES];
    static size_t target[ROWS], matrix[CLASSES][CLASSES];
    uint64_t state = 7;
    for (size_t top_k = 1; top_k <= CLASSES; top_k++) {
        relud_classification_sums *sums = sums_of(CLASSES, ROWS, top_k);
        double in_top_k = 0, loss = 0;
        memset(matrix, 0, sizeof matrix);
        for (size_t r = 0; r < ROWS; r++) {
            float sum = 0;
            for (size_t i = 0; i < CLASSES; i++) /* few values, so that many are equal */
                sum += p[r][i] = (float)(1 + random_next(&state) % 4);
            for (size_t i = 0; i < CLASSES; i++)
                p[r][i] /= sum;
            target[r] = random_next(&state) % (CLASSES - 1); /* the last class has no rows */
            size_t answer = 0;
            while (rank_of(p[r], answer) != 0)
                answer++;
            matrix[target[r]][answer]++;
            in_top_k += rank_of(p[r], target[r]) < top_k;
            loss += (double)r;
            relud_classification_add(sums, p[r], target[r], (double)r);
        }
        struct relud_classification of = measure(sums);
        ck_assert_double_eq(of.top_k_accuracy, in_top_k / ROWS);
        ck_assert_double_eq(of.log_loss, loss / ROWS);
        ck_assert_double_eq_tol(of.calibration_error, twin_of_calibration(p, target), 1e-12);
        size_t right = 0, pairs = 0, counted = 0;
        for (size_t t = 0; t < CLASSES; t++) {
            size_t rows = 0, answers = 0;
            right += matrix[t][t];
            for (size_t a = 0; a < CLASSES; a++) {
                rows += matrix[t][a];
                answers += matrix[a][t];
                pairs += t != a && matrix[t][a];
            }
            ck_assert_uint_eq(of.of[t].rows, rows);
            ck_assert_uint_eq(of.of[t].answers, answers);
            ck_assert_uint_eq(of.of[t].right, matrix[t][t]);
        }
        ck_assert_double_eq(of.accuracy, (double)right / ROWS);
        ck_assert(isnan(of.of[CLASSES - 1].recall));
        ck_assert_uint_eq(of.confusions, pairs);
        for (size_t i = 0; i < of.confusions; i++) {
            const struct relud_confusion *c = &of.confusion[i];
            ck_assert_uint_eq(c->rows, matrix[c->target][c->answer]);
            ck_assert(i == 0 || c[-1].rows >= c->rows);
            counted += c->rows;
        }
        ck_assert_uint_eq(counted + right, ROWS);
        relud_classification_free(sums);
    }
}
END_TEST

/* ---- regressions ---- */

/* sklearn: y_true = [3, -0.5, 2, 7], y_pred = [2.5, 0, 2, 8]: r2_score 0.9486081370449679,
 * mean_squared_error 0.375, mean_absolute_error 0.5 (the examples of its documentation). The mean
 * is 2.875: squares 29.1875, absolutes .125 + 3.375 + .875 + 4.125 = 8.5. */
START_TEST(a_regression_by_hand)
{
    static const float y[] = {2.5f, 0, 2, 8}, target[] = {3, -0.5f, 2, 7};
    struct relud_regression of = {0};
    relud_regression_add(&of, y, target, 4, 1);
    relud_regression_measure(&of, target, 4, 1);
    ck_assert_double_eq_tol(of.net.r2, 0.9486081370449679, 1e-15);
    ck_assert_double_eq(of.net.rmse, sqrt(0.375));
    ck_assert_double_eq(of.net.mae, 0.5);
    ck_assert_double_eq(of.mean, 2.875);
    ck_assert_double_eq(of.baseline.r2, 0);
    ck_assert_double_eq(of.baseline.rmse, sqrt(29.1875 / 4));
    ck_assert_double_eq(of.baseline.mae, 8.5 / 4);
}
END_TEST

/* 0.1f has no exact sum: the mean of equal numbers must be the number all the same. */
START_TEST(equal_targets_have_no_r2)
{
    float y[7], target[7];
    for (size_t r = 0; r < 7; r++)
        y[r] = 0.2f, target[r] = 0.1f;
    struct relud_regression of = {0};
    relud_regression_add(&of, y, target, 7, 1);
    relud_regression_measure(&of, target, 7, 1);
    ck_assert(isnan(of.net.r2));
    ck_assert(isnan(of.baseline.r2));
    ck_assert_double_eq(of.baseline.rmse, 0);
    ck_assert_double_eq(of.mean, (double)0.1f);
}
END_TEST

/* Row by row, in pieces or at once: the same bits; and each output is its own regression. */
START_TEST(a_regression_is_its_twin)
{
    enum { OUTPUTS = 3 };
    static float y[ROWS * OUTPUTS], target[ROWS * OUTPUTS], y1[ROWS], target1[ROWS];
    uint64_t state = 11;
    for (size_t i = 0; i < ROWS * OUTPUTS; i++) {
        target[i] = random_normal(&state) * 1000;
        y[i] = target[i] + random_normal(&state);
    }
    struct relud_regression whole[OUTPUTS] = {0};
    relud_regression_add(whole, y, target, ROWS, OUTPUTS);
    relud_regression_measure(whole, target, ROWS, OUTPUTS);
    for (size_t piece = 1; piece < 300; piece += 37) {
        struct relud_regression parts[OUTPUTS] = {0};
        for (size_t r = 0; r < ROWS; r += piece)
            relud_regression_add(parts, y + r * OUTPUTS, target + r * OUTPUTS,
                                 r + piece < ROWS ? piece : ROWS - r, OUTPUTS);
        relud_regression_measure(parts, target, ROWS, OUTPUTS);
        ck_assert_mem_eq(parts, whole, sizeof whole);
    }
    for (size_t i = 0; i < OUTPUTS; i++) {
        double sum = 0, squares = 0, spread = 0, away = 0;
        for (size_t r = 0; r < ROWS; r++) {
            y1[r] = y[r * OUTPUTS + i], target1[r] = target[r * OUTPUTS + i];
            sum += (double)target1[r];
            away += fabs((double)target1[r] - (double)y1[r]);
            squares += pow((double)target1[r] - (double)y1[r], 2);
        }
        for (size_t r = 0; r < ROWS; r++)
            spread += pow((double)target1[r] - sum / ROWS, 2);
        struct relud_regression one = {0};
        relud_regression_add(&one, y1, target1, ROWS, 1);
        relud_regression_measure(&one, target1, ROWS, 1);
        ck_assert_mem_eq(&one, &whole[i], sizeof one);
        ck_assert_double_eq_tol(one.net.r2, 1 - squares / spread, 1e-12);
        ck_assert_double_eq_tol(one.net.rmse, sqrt(squares / ROWS), 1e-12);
        ck_assert_double_eq_tol(one.net.mae, away / ROWS, 1e-12);
        ck_assert_double_eq_tol(one.baseline.rmse, sqrt(spread / ROWS), 1e-9);
    }
}
END_TEST

RUN_SUITE("evaluate", a_classification_by_hand, ties_and_edges, memory_may_run_out,
          a_classification_is_its_twin, a_regression_by_hand, equal_targets_have_no_r2,
          a_regression_is_its_twin)
