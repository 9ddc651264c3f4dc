/* relud compare: two models on the rows of a file. */
#include "tests/http/folder.h"
#include "tests/http/program.h"

#define PENGUINS "deploy/models/penguins"

/* Writes a version of the penguins' model with another last bias. */
static void write_other(void)
{
    ck_assert_int_eq(system(in("cp " PENGUINS "/1/model.* %1$s")), 0);
    FILE *file = fopen(in("%1$s/model.safetensors"), "r+b");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fseek(file, -4, SEEK_END), 0);
    const float value = 0.5f;
    ck_assert_uint_eq(fwrite(&value, sizeof value, 1, file), 1);
    fclose(file);
    ck_assert_int_eq(system(in("cut -d, -f2-7 " PENGUINS "/penguins.csv > %1$s/rows.csv")), 0);
}

START_TEST(a_model_has_the_same_bits_as_itself)
{
    enter();
    write_other();
    runs(in("compare " PENGUINS " " PENGUINS " --tolerance 0 %1$s/rows.csv"), 0,
         "same bits    344 (100 %)\nother class  0 (0 %)\ndifference   0\n");
    leave();
}
END_TEST

START_TEST(what_differs_is_counted)
{
    enter();
    write_other();
    runs(in("compare " PENGUINS " %1$s %1$s/rows.csv"), 0,
         "rows         344\nsame bits    0 (0 %)\n");
    runs(in("compare --format json " PENGUINS " %1$s %1$s/rows.csv"), 0,
         "{\"rows\":344,\"same_bits\":0,\"other_class\":");
    ck_assert_ptr_nonnull(strstr(output, ",\"output\":2,\"by_difference\":[{\"up_to\":0,"));
    runs(in("compare --tolerance 0.001 " PENGUINS " %1$s %1$s/rows.csv"), 1, "compare: ");
    leave();
}
END_TEST

/* A version whose model.json was changed by that sed is not compared with the penguins. */
static void check_refused(const char *change, const char *why)
{
    char words[512];
    write_other();
    snprintf(words, sizeof words, "sed -i '%s' %s/model.json", change, dir);
    ck_assert_int_eq(system(words), 0);
    runs(in("compare " PENGUINS " %1$s /dev/null"), 1, why);
}

START_TEST(what_cannot_be_compared_says_why)
{
    runs("compare " PENGUINS " deploy/models/digits /dev/null", 1,
         "compare: a row has 6 numbers for one and 784 for the other");
    enter();
    check_refused("s/Adelie/Adele/", "class 0 is 'Adelie' for one and 'Adele' for the other");
    check_refused("s/\"Biscoe\", \"Dream\"/\"Dream\", \"Biscoe\"/", "the words of number 0");
    check_refused("s/body_mass_g/mass/", "number 4 of a row is 'body_mass_g' for one and 'mass'");
    check_refused("s/\"missing\": 43.978104, //", "number 1 of a row may be missing for one");
    leave();
    runs("compare " PENGUINS " /nowhere /dev/null", 1, "/nowhere");
    runs("compare " PENGUINS, 2, "compare: B is missing");
    runs("compare " PENGUINS " " PENGUINS " /nowhere", 1, "/nowhere");
}
END_TEST

RUN_SUITE("compare", a_model_has_the_same_bits_as_itself, what_differs_is_counted,
          what_cannot_be_compared_says_why)
