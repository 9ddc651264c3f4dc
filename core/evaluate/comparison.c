#include <relud/compare.h>

#include "core/base/float_env.h"
#include <math.h>
#include <string.h>

double relud_difference_bound(size_t index)
{
    static const double bound[RELUD_DIFFERENCES] = {0,    1e-7, 1e-6, 1e-5, 1e-4,
                                                    1e-3, 1e-2, 0.1,  1,    INFINITY};
    return bound[index];
}

/* ---- may they be compared? ---- */

static bool check_names(const relud_model *a, const relud_model *b, size_t features,
                        struct relud_error *error)
{
    const char *const *of = relud_model_feature_names(a), *const *to = relud_model_feature_names(b);
    for (size_t f = 0; of && to && f < features; f++)
        if (strcmp(of[f], to[f]) != 0)
            return relud_fail(error, RELUD_UNSUPPORTED,
                              "number %zu of a row is '%.60s' for one and '%.60s' for the other", f,
                              of[f], to[f]);
    return true;
}

/* True if both take the same words, in the same order, or none. */
static bool are_words_alike(const struct relud_words *a, const struct relud_words *b)
{
    size_t alike = 0;
    if (!a || !b)
        return a == b;
    while (alike < a->count && alike < b->count && strcmp(a->word[alike], b->word[alike]) == 0)
        alike++;
    return alike == a->count && alike == b->count && a->takes_unknown == b->takes_unknown &&
           a->missing == b->missing;
}

static bool check_features(const struct relud_features *a, const struct relud_features *b,
                           size_t features, struct relud_error *error)
{
    for (size_t f = 0; f < features; f++) {
        if (!are_words_alike(relud_words_of(a, f), relud_words_of(b, f)))
            return relud_fail(error, RELUD_UNSUPPORTED,
                              "the words of number %zu of a row are not the same, or not in the "
                              "same order",
                              f);
        if (relud_is_imputed(a, f) != relud_is_imputed(b, f))
            return relud_fail(error, RELUD_UNSUPPORTED,
                              "number %zu of a row may be missing for one of the two only", f);
    }
    return true;
}

static bool check_labels(const struct relud_model_info *a, const struct relud_model_info *b,
                         struct relud_error *error)
{
    for (size_t c = 0; a->labels && b->labels && c < a->classes; c++)
        if (strcmp(a->labels[c], b->labels[c]) != 0)
            return relud_fail(error, RELUD_UNSUPPORTED,
                              "class %zu is '%.60s' for one and '%.60s' for the other", c,
                              a->labels[c], b->labels[c]);
    return true;
}

bool relud_comparison_check(const relud_model *a, const relud_model *b, struct relud_error *error)
{
    const struct relud_model_info *of = relud_model_info(a), *to = relud_model_info(b);
    if (of->features != to->features)
        return relud_fail(error, RELUD_UNSUPPORTED,
                          "a row has %zu numbers for one and %zu for the other", of->features,
                          to->features);
    if (of->outputs != to->outputs)
        return relud_fail(error, RELUD_UNSUPPORTED, "one has %zu outputs and the other %zu",
                          of->outputs, to->outputs);
    if (of->classes != to->classes)
        return relud_fail(error, RELUD_UNSUPPORTED, "one has %zu classes and the other %zu",
                          of->classes, to->classes);
    if (of->scores != to->scores)
        return relud_fail(error, RELUD_UNSUPPORTED,
                          "one tells classes apart by %zu scores and the other by %zu", of->scores,
                          to->scores);
    return check_names(a, b, of->features, error) &&
           check_features(of->feature, to->feature, of->features, error) &&
           check_labels(of, to, error);
}

/* ---- counting ---- */

/* The first one of the highest probability. */
static size_t class_of(const relud_model *model, const float *y)
{
    const struct relud_model_info *info = relud_model_info(model);
    float p[2];
    size_t best = 0;
    if (info->scores == 1) {
        relud_probabilities(model, y, 1, p);
        return p[1] > p[0];
    }
    for (size_t c = 1; c < info->scores; c++)
        best = y[c] > y[best] ? c : best;
    return best;
}

static double difference_of(float a, float b)
{
    bool is_same = a == b || (isnan(a) && isnan(b));
    double difference = fabs((double)a - (double)b);
    return is_same ? 0 : isnan(difference) ? (double)INFINITY : difference;
}

static void add_row(struct relud_comparison *comparison, const float *a_y, const float *b_y,
                    size_t outputs, unsigned long long row)
{
    double most = 0;
    size_t bucket = 0;
    for (size_t i = 0; i < outputs; i++) {
        double difference = difference_of(a_y[i], b_y[i]);
        most = difference > most ? difference : most;
        if (difference > comparison->difference) {
            comparison->difference = difference;
            comparison->row = row;
            comparison->output = i;
        }
    }
    while (most > relud_difference_bound(bucket))
        bucket++;
    comparison->by_difference[bucket]++;
}

void relud_comparison_add(struct relud_comparison *comparison, const relud_model *a,
                          const relud_model *b, const float *a_y, const float *b_y, size_t rows,
                          unsigned long long first)
{
    const struct relud_model_info *info = relud_model_info(a);
    size_t outputs = info->outputs;
    uint64_t env = float_env_enter();
    for (size_t r = 0; r < rows; r++, a_y += outputs, b_y += outputs) {
        comparison->rows++;
        if (memcmp(a_y, b_y, outputs * sizeof *a_y) == 0) {
            comparison->same_bits++;
            continue;
        }
        add_row(comparison, a_y, b_y, outputs, first + r);
        if (!info->classes || class_of(a, a_y) == class_of(b, b_y))
            continue;
        if (!comparison->other_class++)
            comparison->other_row = first + r;
    }
    float_env_leave(env);
}

void relud_comparison_merge(struct relud_comparison *comparison,
                            const struct relud_comparison *from)
{
    bool is_first = from->difference == comparison->difference && from->row < comparison->row;
    comparison->rows += from->rows;
    comparison->same_bits += from->same_bits;
    for (size_t i = 0; i < RELUD_DIFFERENCES; i++)
        comparison->by_difference[i] += from->by_difference[i];
    if (from->difference > comparison->difference || is_first) {
        comparison->difference = from->difference;
        comparison->row = from->row;
        comparison->output = from->output;
    }
    if (from->other_class && (!comparison->other_class || from->other_row < comparison->other_row))
        comparison->other_row = from->other_row;
    comparison->other_class += from->other_class;
}
