/* Measures of a classification. Each row's answer is kept as a pair of target and answer; the
 * pairs are sorted at the end, so the memory grows with the rows and not with the square of the
 * classes. */
#include <relud/evaluate.h>

#include "core/base/float_env.h"
#include <math.h>
#include <stdlib.h>

struct bin {
    size_t rows, right;
    double confidence; /* sum */
};

struct relud_classification_sums {
    size_t classes, top_k, max_rows, rows;
    size_t in_top_k;
    double loss, confidence; /* sums */
    struct bin bin[RELUD_CALIBRATION_BINS];
    uint64_t *pair;                    /* [max_rows]: target << 32 | answer */
    struct relud_class_measures *of;   /* [classes] */
    struct relud_confusion *confusion; /* made by relud_classification_measure */
};

relud_classification_sums *relud_classification_new(size_t classes, size_t max_rows, size_t top_k,
                                                    struct relud_error *error)
{
    if (classes > UINT32_MAX || max_rows > UINT32_MAX) {
        relud_fail(error, RELUD_TOO_LARGE, "more than %lu classes or rows",
                   (unsigned long)UINT32_MAX);
        return NULL;
    }
    relud_classification_sums *sums = calloc(1, sizeof *sums);
    if (sums) {
        sums->classes = classes;
        sums->max_rows = max_rows;
        sums->top_k = top_k;
        sums->pair = calloc(max_rows + 1, sizeof *sums->pair);
        sums->of = calloc(classes + 1, sizeof *sums->of);
    }
    if (!sums || !sums->pair || !sums->of) {
        relud_classification_free(sums);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    return sums;
}

void relud_classification_free(relud_classification_sums *sums)
{
    if (!sums)
        return;
    free(sums->pair);
    free(sums->of);
    free(sums->confusion);
    free(sums);
}

/* Bin i holds the confidences in (i / 15, (i + 1) / 15]; 0 is in the first one. */
static struct bin *bin_of(relud_classification_sums *sums, double confidence)
{
    double at = ceil(confidence * RELUD_CALIBRATION_BINS) - 1;
    size_t last = RELUD_CALIBRATION_BINS - 1;
    return &sums->bin[at < 0 ? 0 : at > (double)last ? last : (size_t)at];
}

void relud_classification_add(relud_classification_sums *sums, const float *p, size_t target,
                              double loss)
{
    if (sums->rows == sums->max_rows || target >= sums->classes)
        return;
    uint64_t env = float_env_enter();
    size_t answer = 0, before = 0; /* classes that come before the target */
    for (size_t i = 0; i < sums->classes; i++) {
        if (p[i] > p[answer])
            answer = i;
        before += p[i] > p[target] || (i < target && p[i] == p[target]);
    }
    struct bin *bin = bin_of(sums, (double)p[answer]);
    bin->rows++;
    bin->right += answer == target;
    bin->confidence += (double)p[answer];
    sums->confidence += (double)p[answer];
    sums->loss += loss;
    sums->in_top_k += before < sums->top_k;
    sums->of[target].rows++;
    sums->of[answer].answers++;
    sums->of[target].right += answer == target;
    sums->pair[sums->rows++] = (uint64_t)target << 32 | answer;
    float_env_leave(env);
}

/* ---- the measures ---- */

static double ratio(double part, size_t whole)
{
    return whole ? part / (double)whole : NAN;
}

static double calibration_error(const relud_classification_sums *sums)
{
    double error = 0;
    for (size_t i = 0; i < RELUD_CALIBRATION_BINS; i++)
        error += fabs((double)sums->bin[i].right - sums->bin[i].confidence);
    return error / (double)sums->rows; /* |accuracy - confidence| · rows of the bin, summed */
}

static int compare_pairs(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static int compare_confusions(const void *a, const void *b)
{
    const struct relud_confusion *x = a, *y = b;
    if (x->rows != y->rows)
        return x->rows < y->rows ? 1 : -1;
    if (x->target != y->target)
        return x->target < y->target ? -1 : 1;
    return (x->answer > y->answer) - (x->answer < y->answer);
}

/* Counts equal pairs. With a NULL list it only counts how many different ones there are. */
static size_t count_confusions(const relud_classification_sums *sums, struct relud_confusion *list)
{
    size_t count = 0;
    for (size_t r = 0, next; r < sums->rows; r = next) {
        uint64_t pair = sums->pair[r];
        for (next = r + 1; next < sums->rows && sums->pair[next] == pair;)
            next++;
        if (pair >> 32 == (uint32_t)pair)
            continue;
        if (list)
            list[count] =
                (struct relud_confusion){(uint32_t)(pair >> 32), (uint32_t)pair, next - r};
        count++;
    }
    return count;
}

bool relud_classification_measure(relud_classification_sums *sums,
                                  struct relud_classification *measures, struct relud_error *error)
{
    uint64_t env = float_env_enter();
    size_t right = 0;
    for (size_t i = 0; i < sums->classes; i++) {
        struct relud_class_measures *of = &sums->of[i];
        right += of->right;
        of->precision = ratio((double)of->right, of->answers);
        of->recall = ratio((double)of->right, of->rows);
        of->f1 = ratio(2 * (double)of->right, of->rows + of->answers);
    }
    qsort(sums->pair, sums->rows, sizeof *sums->pair, compare_pairs);
    size_t confusions = count_confusions(sums, NULL);
    free(sums->confusion);
    sums->confusion = calloc(confusions + 1, sizeof *sums->confusion);
    if (sums->confusion) {
        count_confusions(sums, sums->confusion);
        qsort(sums->confusion, confusions, sizeof *sums->confusion, compare_confusions);
        *measures = (struct relud_classification){
            .rows = sums->rows,
            .classes = sums->classes,
            .top_k = sums->top_k,
            .accuracy = ratio((double)right, sums->rows),
            .top_k_accuracy = ratio((double)sums->in_top_k, sums->rows),
            .log_loss = ratio(sums->loss, sums->rows),
            .confidence = ratio(sums->confidence, sums->rows),
            .calibration_error = calibration_error(sums),
            .of = sums->of,
            .confusions = confusions,
            .confusion = sums->confusion,
        };
    }
    float_env_leave(env);
    return sums->confusion || relud_fail(error, RELUD_NO_MEMORY, "out of memory");
}
