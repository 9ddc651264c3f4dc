/* What all unit test programs share: a main that runs the tests, and repeatable randomness. */
#ifndef TESTS_SUITE_H
#define TESTS_SUITE_H

#include "core/base/random.h"
#include <check.h>
#include <stdbool.h>
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

/* Every ck_assert writes a mark to a file. In loops of many thousands, use `if` and ck_abort_msg
 * instead. */

/* Runs the tests, each between open() and close() if these are given. Returns EXIT_SUCCESS if all
 * passed. A test may take five minutes, since some go over millions of values and a busy or
 * sanitized run is slow. With is_shared all tests run in this process, and open() and close() run
 * once, around all of them. */
static inline int run_suite(const char *name, const TTest *const *tests, size_t count,
                            void (*open)(void), void (*close)(void), bool is_shared)
{
    Suite *suite = suite_create(name);
    TCase *all = tcase_create(name);
    tcase_set_timeout(all, 300);
    if (is_shared)
        tcase_add_unchecked_fixture(all, open, close);
    else if (open)
        tcase_add_checked_fixture(all, open, close);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(all, tests[i]);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    if (is_shared)
        srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#define RUN_SUITE(name, ...)                      RUN_TESTS(name, NULL, NULL, false, __VA_ARGS__)
#define RUN_SUITE_BETWEEN(name, open, close, ...) RUN_TESTS(name, open, close, false, __VA_ARGS__)
#define RUN_SUITE_WITHIN(name, open, close, ...)  RUN_TESTS(name, open, close, true, __VA_ARGS__)

#define RUN_TESTS(name, open, close, is_shared, ...)                                               \
    int main(void)                                                                                 \
    {                                                                                              \
        const TTest *const tests[] = {__VA_ARGS__};                                                \
        return run_suite(name, tests, sizeof tests / sizeof *tests, open, close, is_shared);       \
    }

#endif
