/* The bound on the time of explanations. */
#include "tests/unit/echo.h"

#include "server/api/explanations.h"

static unsigned code_of(struct test_service *test, struct request_explain explain, size_t rows)
{
    struct request request = {.service = &test->service, .explain = explain};
    bool is_allowed = explanations_are_allowed(&request, test->served, rows);
    ck_assert(is_allowed == (request.code == 0));
    text_free(&request.out);
    return request.code;
}

/* A hundred passes an explanation; the net has three outputs and no classes. */
START_TEST(rows_that_take_too_long_to_explain_are_refused)
{
    const struct request_explain every = {.is_wanted = true, .index = EXPLANATIONS_BEST},
                                 one = {.is_wanted = true, .index = 1}, none = {0};
    struct test_service test;
    open_echo(&test);
    set_cost(test.served->model, 10000, SIZE_MAX);
    ck_assert_uint_eq(code_of(&test, one, 2000), 0);
    ck_assert_uint_eq(code_of(&test, one, 2001), 413);
    ck_assert_uint_eq(code_of(&test, every, 666), 0);
    ck_assert_uint_eq(code_of(&test, every, 667), 413);
    ck_assert_uint_eq(code_of(&test, none, 65536), 0);
    set_cost(test.served->model, 1e9, SIZE_MAX); /* one row always may be explained */
    ck_assert_uint_eq(code_of(&test, every, 1), 0);
    ck_assert_uint_eq(code_of(&test, every, 2), 413);
    test_service_close(&test);
}
END_TEST

RUN_SUITE("explanations", rows_that_take_too_long_to_explain_are_refused)
