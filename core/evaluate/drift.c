#include <relud/drift.h>

#include "core/base/float_env.h"
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A number falls into a cell: below what was seen in training, one of the bins, or above. A missing
 * one is counted, and is then the mean, as it was in training. */
enum { CELLS = 12, BINS = CELLS - 2, MISSING = CELLS, COUNTS = CELLS + 1, RANKS = 254 };

/* What was seen of a feature, and what of it speaks for another mean. */
struct feature {
    uint16_t count[COUNTS];
    int8_t rank[CELLS]; /* of a cell: -127 … 127 for the lowest to the highest mean rank */
    float slope, start; /* z = start + slope · rank */
    float gain[2];      /* upwards and downwards: t / ln(a), so that it is raised at 1 */
    float sum[2];
    float away; /* sum of (x - mean) / std over the counted rows */
    bool is_shifted[2];
};

struct relud_drift {
    const struct relud_training *training;
    size_t features;
    unsigned long long rows;
    size_t counted; /* rows in the counts */
    double slack;   /* what z must be beyond 0 */
    struct feature feature[];
};

/* How far the mean may be off without a sign, in deviations. */
static const double slack = 0.125;

/* ---- before any row ---- */

static double count_trained(const struct relud_training *training, size_t f)
{
    const float *bin = training->histogram + f * BINS;
    double count = 0;
    for (size_t i = 0; i < BINS; i++)
        count += (double)bin[i];
    return count;
}

/* How many of them are in a cell, if `outside` are in each of the two outer ones. */
static double trained_in(const struct relud_training *training, size_t f, size_t cell,
                         double outside)
{
    bool is_outside = cell == 0 || cell == CELLS - 1;
    return is_outside ? outside : (double)training->histogram[f * BINS + cell - 1];
}

/* The share of the rows trained on in each cell. Beyond their range, and up to a bin that none of
 * them fell into, new rows may lie: with n rows at most 10 / n of them, in all but 5 of 100,000
 * cases. */
static void find_expected(const struct relud_training *training, size_t f, double share[CELLS])
{
    const double beyond = 10;
    double all = count_trained(training, f) + 2 * beyond;
    for (size_t c = 0; c < CELLS; c++)
        share[c] = trained_in(training, f, c, beyond) / all;
}

/* E exp(t (sign · z - slack)), under the rows trained on. */
static double growth(const struct feature *feature, const double *share, double sign, double t)
{
    double sum = 0;
    for (size_t c = 0; c < CELLS; c++) {
        double z = (double)feature->start + (double)feature->slope * feature->rank[c];
        sum += share[c] * exp(t * (sign * z - slack));
    }
    return sum;
}

/* The t above 0 at which growth is 1, from below: it falls first, then rises. */
static double root_of_growth(const struct feature *feature, const double *share, double sign)
{
    double low = 0, high = 1e-3;
    while (growth(feature, share, sign, high) < 1 && high < 1e3)
        high *= 2;
    for (size_t i = 0; i < 60; i++) {
        double middle = (low + high) / 2;
        *(growth(feature, share, sign, middle) < 1 ? &low : &high) = middle;
    }
    return low;
}

static void set_ranks(struct feature *feature, const double *share)
{
    double before = 0, mean = 0, square = 0;
    for (size_t c = 0; c < CELLS; c++) {
        double middle = before + share[c] / 2;
        before += share[c];
        feature->rank[c] = (int8_t)lrint(RANKS * (middle - 0.5));
    }
    for (size_t c = 0; c < CELLS; c++)
        mean += share[c] * feature->rank[c];
    for (size_t c = 0; c < CELLS; c++)
        square += share[c] * (feature->rank[c] - mean) * (feature->rank[c] - mean);
    feature->slope = square > 0 ? (float)(1 / sqrt(square)) : 0;
    feature->start = (float)-mean * feature->slope;
}

static void open_feature(struct relud_drift *drift, size_t f)
{
    struct feature *feature = &drift->feature[f];
    double share[CELLS];
    find_expected(drift->training, f, share);
    set_ranks(feature, share);
    double alarm = log(2 * (double)drift->features * RELUD_DRIFT_FALSE_ALARM_ROWS);
    for (size_t way = 0; way < 2; way++)
        feature->gain[way] = (float)(root_of_growth(feature, share, way ? -1 : 1) / alarm);
}

relud_drift *relud_drift_new(const relud_model *model, struct relud_error *error)
{
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_training *training = info->training;
    if (!training || training->features != info->features || !training->histogram ||
        training->bins != BINS || training->rows == 0) {
        relud_fail(error, RELUD_UNSUPPORTED, "the model does not know the rows it was trained on");
        return NULL;
    }
    struct relud_drift *drift = calloc(1, sizeof *drift + info->features * sizeof *drift->feature);
    if (!drift) {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory");
        return NULL;
    }
    drift->training = training;
    drift->features = info->features;
    drift->slack = slack + 4 / sqrt((double)training->rows);
    for (size_t f = 0; f < info->features; f++)
        open_feature(drift, f);
    return drift;
}

relud_drift *relud_drift_copy(const relud_drift *drift)
{
    size_t bytes = sizeof *drift + drift->features * sizeof *drift->feature;
    relud_drift *copy = malloc(bytes);
    return copy ? memcpy(copy, drift, bytes) : NULL;
}

void relud_drift_free(relud_drift *drift)
{
    free(drift);
}

/* ---- rows ---- */

static size_t cell_of(const struct relud_drift *drift, size_t f, float x)
{
    const struct relud_training *training = drift->training;
    if (x < training->min[f])
        return 0;
    if (x > training->max[f])
        return CELLS - 1;
    double low = (double)training->min[f], span = (double)training->max[f] - low;
    size_t bin = span > 0 ? (size_t)(((double)x - low) / span * BINS) : 0;
    return 1 + (bin < BINS ? bin : BINS - 1);
}

/* A step of the test in one direction. The sum ends at 1, so that it comes back as fast as it
 * went. */
static void test_step(struct feature *feature, size_t way, double beyond)
{
    float sum = feature->sum[way] + (float)beyond * feature->gain[way];
    sum = sum < 0 ? 0 : sum > 1 ? 1 : sum;
    feature->sum[way] = sum;
    feature->is_shifted[way] = sum >= 1 || (feature->is_shifted[way] && sum > 0);
}

static void add_number(struct relud_drift *drift, size_t f, float x)
{
    const double most = 1e4; /* one number must not spoil the mean for long */
    struct feature *feature = &drift->feature[f];
    double mean = (double)drift->training->mean[f], std = (double)drift->training->std[f];
    if (isnan(x)) {
        feature->count[MISSING]++;
        x = drift->training->mean[f];
    }
    size_t cell = cell_of(drift, f, x);
    double z = (double)feature->start + (double)feature->slope * feature->rank[cell];
    double away = std > 0 ? ((double)x - mean) / std : 0;
    feature->count[cell]++;
    feature->away += (float)fmax(-most, fmin(most, away));
    test_step(feature, 0, z - drift->slack);
    test_step(feature, 1, -z - drift->slack);
}

/* Lets what was counted count half. */
static void halve(struct relud_drift *drift)
{
    for (size_t f = 0; f < drift->features; f++) {
        struct feature *feature = &drift->feature[f];
        for (size_t c = 0; c < COUNTS; c++)
            feature->count[c] /= 2;
        feature->away /= 2;
    }
    drift->counted /= 2;
}

void relud_drift_add(relud_drift *drift, const float *x, size_t rows)
{
    uint64_t env = float_env_enter();
    for (size_t r = 0; r < rows; r++, x += drift->features) {
        if (drift->counted == 2 * RELUD_DRIFT_ROWS)
            halve(drift);
        for (size_t f = 0; f < drift->features; f++)
            add_number(drift, f, x[f]);
        drift->counted++;
        drift->rows++;
    }
    float_env_leave(env);
}

unsigned long long relud_drift_rows(const relud_drift *drift)
{
    return drift->rows;
}

/* ---- what was seen ---- */

static double count_all(const struct feature *feature)
{
    double count = 0;
    for (size_t c = 0; c < CELLS; c++)
        count += feature->count[c];
    return count;
}

struct relud_feature_drift relud_drift_feature(const relud_drift *drift, size_t f)
{
    const struct feature *feature = &drift->feature[f];
    double all = count_all(feature), trained = fmax(count_trained(drift->training, f), 1);
    bool is_shifted = feature->is_shifted[0] || feature->is_shifted[1];
    if (all == 0)
        return (struct relud_feature_drift){NAN, NAN, NAN, NAN, is_shifted};
    struct relud_feature_drift found = {
        .psi = 0,
        .shift = drift->training->std[f] > 0 ? (double)feature->away / all : (double)NAN,
        .outside = (feature->count[0] + feature->count[CELLS - 1]) / all,
        .missing = feature->count[MISSING] / all,
        .is_shifted = is_shifted,
    };
    for (size_t c = 0; c < CELLS; c++) {
        double p = fmax(feature->count[c] / all, 1e-4);
        double q = fmax(trained_in(drift->training, f, c, 0) / trained, 1e-4);
        found.psi += (p - q) * log(p / q);
    }
    return found;
}

/* The mean of a feature's numbers in the counted rows. */
static double mean_now(const struct relud_drift *drift, size_t f)
{
    const struct relud_training *training = drift->training;
    double all = count_all(&drift->feature[f]);
    double shift = all > 0 ? (double)drift->feature[f].away / all : 0;
    return (double)training->mean[f] + shift * (double)training->std[f];
}

double relud_drift_scale(const relud_drift *drift)
{
    const struct relud_training *training = drift->training;
    double now = 0, then = 0, alike = 0;
    for (size_t f = 0; f < drift->features; f++) {
        if (training->min[f] < 0)
            return 1;
        now += mean_now(drift, f);
        then += (double)training->mean[f];
    }
    double ratio = then > 0 ? now / then : 1;
    if (!(ratio > 0) || (ratio > 0.2 && ratio < 5))
        return 1;
    for (size_t f = 0; f < drift->features; f++) {
        double mean = (double)training->mean[f], own = mean > 0 ? mean_now(drift, f) / mean : 0;
        alike += own > ratio / 2 && own < ratio * 2 ? mean : 0;
    }
    return alike > 0.8 * then ? ratio : 1;
}

size_t relud_drift_unusual(const relud_model *model, const float *x, size_t *feature, size_t most)
{
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_training *training = info->training;
    size_t count = 0;
    if (!training || training->features != info->features || !training->min || !training->max)
        return 0;
    const float *min = training->min, *max = training->max;
    int is_any = 0;
    for (size_t f = 0; f < info->features; f++) /* the compiler makes vectors of it */
        is_any |= (x[f] < min[f]) | (x[f] > max[f]);
    for (size_t f = 0; is_any && f < info->features; f++)
        if (x[f] < min[f] || x[f] > max[f]) {
            if (count < most)
                feature[count] = f;
            count++;
        }
    return count;
}
