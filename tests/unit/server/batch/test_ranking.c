/* The greatest classes one after the other, against the slow and obvious way; and the library's long work under a watch. */
#include "tests/unit/patience.h"
#include "tests/unit/suite.h"

#include "server/batch/ranking.h"
#include <math.h>
#include <relud/relud.h>

/* The first that is not taken: NaN before all, then the greatest, the lower index on a tie. */
static size_t slow_next(const float *values, size_t count, const bool *taken)
{
    size_t best = count;
    for (size_t i = 0; i < count; i++)
        if (!taken[i] && (best == count || (isnan(values[i]) && !isnan(values[best])) ||
                          (!isnan(values[best]) && values[i] > values[best])))
            best = i;
    return best;
}

START_TEST(A2_classes_are_ranked_as_one_by_one)
{
    static const float few[] = {0, -0.0f, 1, 1, -1, NAN, INFINITY, -INFINITY, 0.5f, 1e-30f};
    enum { MOST = 200 };
    float values[MOST];
    uint32_t room[MOST];
    uint64_t state = 1;
    for (size_t count = 1; count <= MOST; count++) {
        bool taken[MOST] = {false};
        struct ranking ranking;
        for (size_t i = 0; i < count; i++)
            values[i] = count % 2 ? few[random_next(&state) % 10] : random_normal(&state);
        ranking_begin(&ranking, values, count, room, NULL);
        ck_assert_uint_eq(ranking_first(values, count), slow_next(values, count, taken));
        for (size_t k = 0; k < count; k++) {
            size_t wanted = slow_next(values, count, taken), next = ranking_next(&ranking);
            if (next != wanted)
                ck_abort_msg("%zu of %zu: %zu where %zu is wanted", k, count, next, wanted);
            taken[wanted] = true;
        }
        ck_assert_uint_eq(ranking.len, 0);
    }
}
END_TEST

static bool run(const struct relud_activation *activation, bool is_gradient, const float *x,
                float *y, size_t rows, size_t width, const struct relud_watch *watch)
{
    const struct relud_activation_params params = relud_activation_defaults(activation);
    return (is_gradient ? relud_activation_gradient_watched
                        : relud_activate_watched)(activation, &params, x, y, rows, width, watch);
}

START_TEST(A2_activations_under_a_watch_have_the_same_bits_and_end_when_it_says)
{
    static const size_t shapes[][2] = {{1, 40000}, {1, 8192}, {1, 8193}, {3, 9001}, {5000, 7}};
    enum { MOST = 40000, QUESTIONS_MIN = 3 };
    float *x = malloc(MOST * sizeof *x), *whole = malloc(MOST * sizeof *x),
          *watched = malloc(MOST * sizeof *x);
    uint64_t state = 2;
    for (size_t i = 0; i < MOST; i++)
        x[i] = i % 1001 ? 4 * random_normal(&state) : i % 2 ? NAN : -0.0f;
    for (size_t a = 0; relud_activation_at(a); a++)
        for (size_t s = 0; s < 2 * (sizeof shapes / sizeof *shapes); s++) {
            const struct relud_activation *activation = relud_activation_at(a);
            size_t rows = shapes[s / 2][0], width = shapes[s / 2][1];
            struct patience patient = {0};
            const struct relud_watch watch = watch_of(&patient);
            ck_assert(run(activation, s % 2, x, whole, rows, width, NULL));
            ck_assert(run(activation, s % 2, x, watched, rows, width, &watch));
            if (memcmp(whole, watched, rows * width * sizeof *x) != 0)
                ck_abort_msg("%s: other bits", relud_activation_info(activation)->name);
            if (rows * width > 16384)
                ck_assert_uint_ge(patient.asked, QUESTIONS_MIN);
            for (size_t last = 1; last <= patient.asked; last += 1 + last / 2) {
                struct patience impatient = {.no = last};
                const struct relud_watch end = watch_of(&impatient);
                ck_assert(!run(activation, s % 2, x, watched, rows, width, &end));
                ck_assert_uint_eq(impatient.asked, last);
            }
        }
    free(x);
    free(whole);
    free(watched);
}
END_TEST

START_TEST(A2_npy_under_a_watch_is_the_same)
{
    enum { ROWS = 300, COLUMNS = 100, BYTES = ROWS * COLUMNS * 4 };
    char *npy = malloc(1024 + BYTES);
    float *whole = malloc(BYTES), *watched = malloc(BYTES);
    for (int is_fortran = 0; is_fortran < 2; is_fortran++) {
        struct patience patient = {0};
        const struct relud_watch watch = watch_of(&patient);
        struct relud_npy opened = {0};
        struct relud_error error;
        const size_t shape[] = {ROWS, COLUMNS};
        size_t head = relud_npy_head(shape, 2, npy);
        if (is_fortran)
            memcpy(strstr(npy + 10, "False"), "True ", 5);
        for (size_t i = 0; i < ROWS * COLUMNS; i++)
            memcpy(npy + head + 4 * i, &(float){(float)i}, 4);
        ck_assert_msg(relud_npy_open(npy, head + BYTES, &opened, &error), "%s", error.text);
        relud_npy_values(&opened, whole);
        ck_assert(relud_npy_values_watched(&opened, watched, &watch));
        ck_assert_mem_eq(whole, watched, BYTES);
        ck_assert_uint_ge(patient.asked, 3);
        patient = (struct patience){.no = 2};
        ck_assert(!relud_npy_values_watched(&opened, watched, &watch));
        ck_assert_uint_eq(patient.asked, 2);
    }
    free(npy);
    free(whole);
    free(watched);
}
END_TEST

RUN_SUITE("ranking", A2_classes_are_ranked_as_one_by_one,
          A2_activations_under_a_watch_have_the_same_bits_and_end_when_it_says,
          A2_npy_under_a_watch_is_the_same)
