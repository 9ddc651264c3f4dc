/* Comparisons of answers, by hand. */
#include "tests/unit/suite.h"

#include <math.h>
#include <relud/relud.h>

static relud_model *penguins(void)
{
    struct relud_error error;
    relud_model *model = relud_model_load("deploy/models/penguins/1", NULL, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    return model;
}

START_TEST(bits_classes_and_differences_are_counted)
{
    relud_model *model = penguins();
    static const float a[] = {1, 2, 3, 1, 2, 3, 0, 2, 3, 5, 2, 3, 1, 2, NAN};
    static const float b[] = {1, 2, 3, 1, 2, 3.0000005f, -0.0f, 2, 3, 1, 2, 3, 1, 2, 3};
    struct relud_comparison whole = {.rows = 0}, parts = {.rows = 0};
    relud_comparison_add(&whole, model, model, a, b, 5, 100);
    ck_assert_uint_eq(whole.rows, 5);
    ck_assert_uint_eq(whole.same_bits, 1);
    ck_assert_uint_eq(whole.other_class, 2);
    ck_assert_uint_eq(whole.other_row, 103);
    ck_assert_uint_eq(whole.by_difference[0], 1);
    ck_assert_uint_eq(whole.by_difference[2], 1);
    ck_assert_uint_eq(whole.by_difference[9], 2); /* 4 and a NaN */
    ck_assert(isinf(whole.difference));
    ck_assert_uint_eq(whole.row, 104);
    ck_assert_uint_eq(whole.output, 2);
    /* in any parts, in any order */
    for (size_t i = 5; i-- > 0;) {
        struct relud_comparison one = {.rows = 0};
        relud_comparison_add(&one, model, model, a + 3 * i, b + 3 * i, 1, 100 + i);
        relud_comparison_merge(&parts, &one);
    }
    ck_assert_mem_eq(&parts, &whole, sizeof whole);
    relud_model_release(model);
}
END_TEST

START_TEST(nets_of_other_shapes_are_not_compared)
{
    struct relud_error error;
    relud_model *model = penguins();
    relud_model *other = relud_model_load("deploy/models/digits/1", NULL, &error);
    ck_assert(relud_comparison_check(model, model, &error));
    ck_assert(!relud_comparison_check(model, other, &error));
    ck_assert_str_eq(error.text, "a row has 6 numbers for one and 784 for the other");
    relud_model_release(model);
    relud_model_release(other);
}
END_TEST

RUN_SUITE("comparison", bits_classes_and_differences_are_counted,
          nets_of_other_shapes_are_not_compared)
