/* What every unit test program shares: a main that runs its cases, and randomness that repeats. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include "core/random.h"
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static inline uint32_t bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* About normally distributed, mean 0, deviation 1. */
static inline float random_normal(uint64_t *state)
{
    double sum = -6;
    for (int i = 0; i < 12; i++)
        sum += (double)(random_next(state) >> 11) * 0x1p-53;
    return (float)sum;
}

/* Every ck_assert writes a mark to a file: in loops over many thousands, test with `if` and ck_abort_msg. */

/* Runs the tests given, each between open() and close() where there are such; 0 when all passed. Cases that go over
 * millions of values get five minutes: a busy or
 * sanitized run is slow, not wrong. */
static inline int run_suite(const char *name, const TTest *const *tests, size_t count,
                            void (*open)(void), void (*close)(void))
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 300);
    if (open)
        tcase_add_checked_fixture(all, open, close);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_SUITE(name, ...) RUN_SUITE_BETWEEN(name, NULL, NULL, __VA_ARGS__)

#define RUN_SUITE_BETWEEN(name, open, close, ...)                                                  \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return run_suite(name, tests, sizeof tests / sizeof *tests, open, close);                  \
    }

#endif
