/* Drift against slow twins, and what it finds and leaves alone. */
#include "tests/unit/models.h"

#include <math.h>
#include <relud/relud.h>

enum { FEATURES = 30, TRAINED = 20000, BINS = 10 };

/* Of many kinds: normal, even, steep, two values, and one that is nearly always 0. */
static float draw(size_t f, uint64_t *state)
{
    float u = random_unit(state);
    switch (f % 5) {
    case 0:
        return 50 + 10 * random_normal(state);
    case 1:
        return 3 * u;
    case 2:
        return -logf(u + 1e-6f);
    case 3:
        return u < 0.3f;
    default:
        return u < 0.01f ? 5 * random_unit(state) : 0;
    }
}

static float trained[TRAINED][FEATURES];
static double mean[FEATURES], deviation[FEATURES];
static float least[FEATURES], most[FEATURES], histogram[FEATURES][BINS];

static void measure(size_t rows)
{
    memset(histogram, 0, sizeof histogram);
    for (size_t f = 0; f < FEATURES; f++) {
        double sum = 0, square = 0;
        least[f] = most[f] = trained[0][f];
        for (size_t r = 0; r < rows; r++) {
            float x = trained[r][f];
            sum += (double)x;
            least[f] = x < least[f] ? x : least[f];
            most[f] = x > most[f] ? x : most[f];
        }
        mean[f] = sum / (double)rows;
        for (size_t r = 0; r < rows; r++)
            square += ((double)trained[r][f] - mean[f]) * ((double)trained[r][f] - mean[f]);
        deviation[f] = sqrt(square / (double)rows);
        for (size_t r = 0; r < rows; r++) {
            double part =
                ((double)trained[r][f] - (double)least[f]) / ((double)most[f] - (double)least[f]);
            size_t bin = (size_t)(part * BINS);
            histogram[f][bin < BINS ? bin : BINS - 1]++;
        }
    }
}

static void put_numbers(FILE *out, const char *name, const float *value, size_t count)
{
    fprintf(out, "\"%s\":[", name);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%.9g", i ? "," : "", (double)value[i]);
    fprintf(out, "],");
}

/* A model of 30 features that knows the rows in `trained`. */
static relud_model *model_of(size_t rows)
{
    static const char header[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,30],\"data_offsets\":[0,120]}}";
    static const float weight[FEATURES];
    float means[FEATURES], deviations[FEATURES];
    char *json = NULL;
    size_t len = 0;
    struct relud_error error;
    measure(rows);
    for (size_t f = 0; f < FEATURES; f++) {
        means[f] = (float)mean[f];
        deviations[f] = (float)deviation[f];
    }
    FILE *out = open_memstream(&json, &len);
    fprintf(out, HEAD "\"training\":{\"train\":{\"rows\":%zu},\"features\":{", rows);
    put_numbers(out, "mean", means, FEATURES);
    put_numbers(out, "std", deviations, FEATURES);
    put_numbers(out, "min", least, FEATURES);
    put_numbers(out, "max", most, FEATURES);
    put_numbers(out, "histogram", histogram[0], (size_t)FEATURES * BINS);
    fprintf(out, "\"bins\":10}},\"layers\":[{\"weight\":\"w\"}]}");
    fclose(out);
    relud_model *model = load_model(json, header, weight, sizeof weight, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    free(json);
    return model;
}

static relud_model *train(uint64_t *state)
{
    for (size_t r = 0; r < TRAINED; r++)
        for (size_t f = 0; f < FEATURES; f++)
            trained[r][f] = draw(f, state);
    return model_of(TRAINED);
}

static relud_drift *open_drift(const relud_model *model)
{
    struct relud_error error;
    relud_drift *drift = relud_drift_new(model, &error);
    ck_assert_msg(drift != NULL, "%s", error.text);
    return drift;
}

static void draw_row(float *x, uint64_t *state)
{
    for (size_t f = 0; f < FEATURES; f++)
        x[f] = draw(f, state);
}

/* The index as its definition says, from the rows themselves. */
static double psi_twin(float (*x)[FEATURES], size_t rows, size_t f)
{
    double edge[BINS + 1], p[BINS + 2] = {0}, q[BINS + 2] = {0}, psi = 0, present = 0;
    for (size_t i = 0; i <= BINS; i++)
        edge[i] = (double)least[f] + ((double)most[f] - (double)least[f]) * (double)i / BINS;
    for (size_t r = 0; r < rows; r++) {
        double value = (double)x[r][f];
        size_t cell = 0;
        if (isnan(value))
            value = (double)(float)mean[f];
        if (value > (double)most[f])
            cell = BINS + 1;
        else if (value >= (double)least[f])
            while (cell < BINS && value >= edge[cell])
                cell++;
        p[cell]++;
        present++;
    }
    for (size_t i = 0; i < BINS; i++)
        q[i + 1] = (double)histogram[f][i] / TRAINED;
    for (size_t c = 0; c < BINS + 2; c++) {
        double a = fmax(p[c] / present, 1e-4), b = fmax(q[c], 1e-4);
        psi += (a - b) * log(a / b);
    }
    return psi;
}

START_TEST(the_index_is_what_its_definition_says)
{
    enum { ROWS = 4000 };
    static float x[ROWS][FEATURES];
    uint64_t state = 1;
    relud_model *model = train(&state);
    relud_drift *drift = open_drift(model);
    for (size_t r = 0; r < ROWS; r++) {
        draw_row(x[r], &state);
        x[r][0] = r % 10 == 0 ? NAN : x[r][0] + 8;
        x[r][6] = x[r][6] * 1.5f - 1;
        x[r][3] = 1 - x[r][3];
    }
    for (size_t r = 0; r < ROWS; r += 40)
        relud_drift_add(drift, x[r], 40);
    ck_assert_uint_eq(relud_drift_rows(drift), ROWS);
    for (size_t f = 0; f < FEATURES; f++) {
        struct relud_feature_drift found = relud_drift_feature(drift, f);
        ck_assert_double_eq_tol(found.psi, psi_twin(x, ROWS, f), 1e-6);
        ck_assert(f == 0 || f == 3 || f == 6 ? found.psi > 0.25 : found.psi < 0.1);
    }
    struct relud_feature_drift first = relud_drift_feature(drift, 0);
    ck_assert_double_eq_tol(first.missing, 0.1, 1e-12);
    ck_assert_double_eq_tol(first.shift, 0.9 * 0.8, 0.05);
    ck_assert(relud_drift_feature(drift, 6).outside > 0.3);
    relud_drift_free(drift);
    relud_model_release(model);
}
END_TEST

/* A quarter of a deviation, up or down, in a normal feature. */
START_TEST(a_shift_of_a_quarter_of_a_deviation_is_found_within_5000_rows)
{
    uint64_t state = 2;
    relud_model *model = train(&state);
    for (int run = 0; run < 40; run++) {
        relud_drift *drift = open_drift(model);
        float x[FEATURES], by = run % 2 ? 2.5f : -2.5f;
        size_t shifted = (size_t)(run % 6) * 5, rows = 0;
        while (!relud_drift_feature(drift, shifted).is_shifted && rows < 5000) {
            draw_row(x, &state);
            x[shifted] += by;
            relud_drift_add(drift, x, 1);
            rows++;
        }
        ck_assert_uint_lt(rows, 5000);
        for (size_t f = 0; f < FEATURES; f++)
            ck_assert(f == shifted || !relud_drift_feature(drift, f).is_shifted);
        /* it goes as it came */
        for (rows = 0; relud_drift_feature(drift, shifted).is_shifted && rows < 20000; rows++) {
            draw_row(x, &state);
            relud_drift_add(drift, x, 1);
        }
        ck_assert_uint_lt(rows, 20000);
        relud_drift_free(drift);
    }
    relud_model_release(model);
}
END_TEST

START_TEST(rows_like_those_trained_on_raise_nothing)
{
    uint64_t state = 3;
    relud_model *model = train(&state);
    relud_drift *drift = open_drift(model);
    for (size_t r = 0; r < 300000; r++) {
        float x[FEATURES];
        draw_row(x, &state);
        relud_drift_add(drift, x, 1);
        for (size_t f = 0; r % 10 == 9 && f < FEATURES;
             f++) /* it does not go as fast as it comes */
            if (relud_drift_feature(drift, f).is_shifted)
                ck_abort_msg("feature %zu, row %zu", f, r);
    }
    for (size_t f = 0; f < FEATURES; f++) {
        struct relud_feature_drift found = relud_drift_feature(drift, f);
        ck_assert_double_lt(found.psi, 0.05);
        ck_assert_double_lt(fabs(found.shift), 0.1);
    }
    relud_drift_free(drift);
    relud_model_release(model);
}
END_TEST

/* The counts are of the last rows: what came before 20,000 others is no longer in them. */
START_TEST(old_rows_are_forgotten)
{
    uint64_t state = 4;
    relud_model *model = train(&state);
    relud_drift *drift = open_drift(model);
    float x[FEATURES];
    ck_assert(isnan(relud_drift_feature(drift, 0).psi));
    for (size_t r = 0; r < 10000; r++) {
        draw_row(x, &state);
        x[5] = -1000;
        relud_drift_add(drift, x, 1);
    }
    ck_assert_double_eq(relud_drift_feature(drift, 5).outside, 1);
    for (size_t r = 0; r < 100000; r++) {
        draw_row(x, &state);
        relud_drift_add(drift, x, 1);
    }
    ck_assert_double_lt(relud_drift_feature(drift, 5).outside, 1e-3);
    ck_assert_uint_eq(relud_drift_rows(drift), 110000);
    relud_drift_free(drift);
    relud_model_release(model);
}
END_TEST

/* 0 to 255 for 0 to 1, and the other way. */
START_TEST(another_scale_is_recognised)
{
    uint64_t state = 5;
    for (size_t r = 0; r < TRAINED; r++)
        for (size_t f = 0; f < FEATURES; f++)
            trained[r][f] = f % 3 ? random_unit(&state) : 0;
    for (size_t f = 0; f < FEATURES; f += 3)
        trained[7][f] = 0.5f;
    relud_model *model = model_of(TRAINED);
    static const double scales[] = {1, 255, 1.0 / 255, 1.5, 100};
    for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
        relud_drift *drift = open_drift(model);
        for (size_t r = 0; r < 500; r++) {
            float x[FEATURES];
            for (size_t f = 0; f < FEATURES; f++)
                x[f] = f % 3 ? (float)scales[i] * random_unit(&state) : 0;
            relud_drift_add(drift, x, 1);
        }
        double wanted = scales[i] == 1.5 ? 1 : scales[i];
        ck_assert_double_eq_tol(relud_drift_scale(drift), wanted, 0.05 * wanted);
        relud_drift_free(drift);
    }
    relud_model_release(model);
}
END_TEST

/* A column of which a part was missing in training, and became the mean there: as now. */
START_TEST(missing_numbers_are_as_in_training)
{
    uint64_t state = 8;
    for (size_t r = 0; r < TRAINED; r++)
        for (size_t f = 0; f < FEATURES; f++)
            trained[r][f] =
                random_unit(&state) < 0.3f ? 0.99999f : -logf(random_unit(&state) + 1e-6f);
    relud_model *model = model_of(TRAINED);
    relud_drift *drift = open_drift(model);
    for (size_t r = 0; r < 20000; r++) {
        float x[FEATURES];
        for (size_t f = 0; f < FEATURES; f++)
            x[f] = random_unit(&state) < 0.3f ? NAN : -logf(random_unit(&state) + 1e-6f);
        relud_drift_add(drift, x, 1);
    }
    for (size_t f = 0; f < FEATURES; f++) {
        struct relud_feature_drift found = relud_drift_feature(drift, f);
        ck_assert(!found.is_shifted);
        ck_assert_double_lt(found.psi, 0.02);
        ck_assert_double_eq_tol(found.missing, 0.3, 0.03);
    }
    relud_drift_free(drift);
    relud_model_release(model);
}
END_TEST

/* A number that is legal, but beyond all others. */
START_TEST(one_number_does_not_spoil_the_mean)
{
    uint64_t state = 9;
    relud_model *model = train(&state);
    relud_drift *drift = open_drift(model);
    float x[FEATURES];
    draw_row(x, &state);
    x[0] = 3e38f;
    x[3] = -3e38f;
    relud_drift_add(drift, x, 1);
    ck_assert(isfinite(relud_drift_feature(drift, 0).shift));
    for (size_t r = 0; r < 100000; r++) {
        draw_row(x, &state);
        relud_drift_add(drift, x, 1);
    }
    ck_assert_double_lt(fabs(relud_drift_feature(drift, 0).shift), 0.1);
    ck_assert_double_lt(fabs(relud_drift_feature(drift, 3).shift), 0.1);
    relud_drift_free(drift);
    relud_model_release(model);
}
END_TEST

START_TEST(what_was_never_seen_is_unusual)
{
    uint64_t state = 6;
    relud_model *model = train(&state);
    size_t feature[3] = {9, 9, 9};
    float x[FEATURES];
    memcpy(x, trained[0], sizeof x);
    ck_assert_uint_eq(relud_drift_unusual(model, x, feature, 3), 0);
    x[2] = most[2];
    x[3] = NAN;
    ck_assert_uint_eq(relud_drift_unusual(model, x, feature, 3), 0);
    x[2] = nextafterf(most[2], 1e9f);
    x[17] = -INFINITY;
    ck_assert_uint_eq(relud_drift_unusual(model, x, feature, 3), 2);
    ck_assert_uint_eq(feature[0], 2);
    ck_assert_uint_eq(feature[1], 17);
    ck_assert_uint_eq(relud_drift_unusual(model, x, feature, 1), 2);
    relud_model_release(model);
}
END_TEST

/* Three classes: shares, confidence and entropy of known probabilities, and of the last rows. */
START_TEST(answers_are_counted)
{
    relud_model *model = relud_model_load("deploy/models/penguins/1", NULL, NULL);
    struct relud_error error;
    relud_answers *answers = relud_answers_new(model, &error);
    ck_assert_ptr_nonnull(answers);
    double share[3];
    ck_assert(isnan(relud_answers_read(answers, NULL).confidence));
    const float half = logf(0.5f), quarter = logf(0.25f);
    const float y[] = {half,    quarter, quarter, quarter, half,    quarter,
                       quarter, quarter, half,    half,    quarter, quarter};
    relud_answers_add(answers, y, 4);
    relud_answers_add(answers, (const float[]){NAN, 0, 0}, 1);
    struct relud_answers_seen seen = relud_answers_read(answers, share);
    ck_assert_uint_eq(seen.rows, 5);
    ck_assert_double_eq_tol(seen.confidence, 0.5, 1e-6);
    ck_assert_double_eq_tol(seen.entropy, 1.5 * log(2), 1e-6);
    ck_assert_double_eq(share[0], 0.5);
    ck_assert_double_eq(share[1], 0.25);
    for (size_t i = 0; i < 100000; i++)
        relud_answers_add(answers, y + 3, 1);
    relud_answers_read(answers, share);
    ck_assert_double_gt(share[1], 0.999);
    relud_answers_free(answers);
    relud_model_release(model);
    model = train(&(uint64_t){7});
    ck_assert_ptr_null(relud_answers_new(model, &error));
    ck_assert_int_eq(error.code, RELUD_UNSUPPORTED);
    relud_model_release(model);
}
END_TEST

START_TEST(a_model_that_knows_no_rows_is_refused)
{
    static const char header[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,2],\"data_offsets\":[0,8]}}";
    struct relud_error error;
    size_t feature;
    relud_model *model = load_model(HEAD "\"layers\":[{\"weight\":\"w\"}]}", header,
                                    (const float[]){1, 2}, 8, &error);
    ck_assert_ptr_nonnull(model);
    ck_assert_ptr_null(relud_drift_new(model, &error));
    ck_assert_int_eq(error.code, RELUD_UNSUPPORTED);
    ck_assert_uint_eq(relud_drift_unusual(model, (const float[]){1e9f, 0}, &feature, 1), 0);
    relud_model_release(model);
}
END_TEST

RUN_SUITE("drift", the_index_is_what_its_definition_says,
          a_shift_of_a_quarter_of_a_deviation_is_found_within_5000_rows,
          rows_like_those_trained_on_raise_nothing, old_rows_are_forgotten,
          another_scale_is_recognised, missing_numbers_are_as_in_training,
          one_number_does_not_spoil_the_mean, what_was_never_seen_is_unusual, answers_are_counted,
          a_model_that_knows_no_rows_is_refused)
