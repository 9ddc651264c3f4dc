/* Columns of training tables that are left out, and those that hold booleans. */
#include "tests/unit/files.h"
#include "tests/unit/suite.h"

#include <relud/relud.h>

static bool read_text(const char *text, struct relud_dataset_options options,
                      struct relud_dataset *data, struct relud_error *error)
{
    char path[128];
    const char *dir = new_directory();
    snprintf(path, sizeof path, "%s/model.json", dir);
    write_file(dir, "model.json", text, strlen(text));
    options.leaves_out = options.has_booleans = true;
    if (!options.task)
        options.task = RELUD_TASK_REGRESSION;
    bool is_read = relud_dataset_read(path, &options, data, error);
    remove_directory(dir);
    return is_read;
}

struct wanted {
    const char *text, *drop, *keep;
    size_t features;
    const char *names; /* of the features, with blanks between them */
    float last;        /* feature of the last row */
    const char *note;  /* all of it */
};

static void check(const struct wanted *wanted)
{
    struct relud_dataset data;
    struct relud_error error;
    char names[256] = "";
    ck_assert_msg(
        read_text(wanted->text,
                  (struct relud_dataset_options){.drop = wanted->drop, .keep = wanted->keep}, &data,
                  &error),
        "%s: %s", wanted->text, error.text);
    for (size_t f = 0; data.name && f < data.features; f++)
        sprintf(names + strlen(names), "%s%s", f ? " " : "", data.name[f]);
    ck_assert_str_eq(names, wanted->names);
    ck_assert_msg(data.features == wanted->features, "%s: %zu", wanted->text, data.features);
    ck_assert_float_eq(data.values[data.rows * data.features - 1], wanted->last);
    ck_assert_str_eq(data.note, wanted->note);
    relud_dataset_free(&data);
}

START_TEST(what_teaches_nothing_is_left_out)
{
    static const struct wanted cases[] = {
        {"id,a,t\n0,5,1.5\n1,7,2\n2,5,3\n", NULL, NULL, 1, "a", 5,
         "left out (it counts the rows): 'id' (--keep keeps columns)"},
        {"a,id,u,t\n5,1,3,1.5\n7,2,3,2\n5,3,3,3\n", NULL, NULL, 1, "a", 5,
         "left out (constant): 'u'; left out (it counts the rows): 'id' (--keep keeps columns)"},
        {"a,id,u,t\n5,1,3,1.5\n7,2,3,2\n5,3,3,3\n", NULL, "id", 2, "a id", 3,
         "left out (constant): 'u' (--keep keeps columns)"},
        {"a,id,u,t\n5,1,3,1.5\n7,2,3,2\n5,3,3,3\n", NULL, "3,2", 3, "a id u", 3, ""},
        {",a,t\n1,5,1.5\n2,7,2\n", NULL, NULL, 1, "a", 7,
         "left out (it counts the rows): column 1 (--keep keeps columns)"},
        {",a,t\n1,5,1.5\n2,7,2\n", NULL, "1", 2, " a", 7, ""},
        /* pandas' index of rows that were mixed has no name */
        {",a,t\n41,5,1.5\n7,7,2\n", NULL, NULL, 1, "a", 7,
         "left out (it counts the rows): column 1 (--keep keeps columns)"},
        {",a,t\n41,5,1.5\n7.5,7,2\n", NULL, NULL, 2, " a", 7, ""},
        {",a,t\n7,5,1.5\n7,7,2\n7,8,2\n8,7,2\n", NULL, NULL, 2, " a", 7, ""},
        {"id,a,t\n41,5,1.5\n7,7,2\n", NULL, NULL, 2, "id a", 7, ""},
        /* Neither of these counts the rows. */
        {"a,b,c,t\n0,2,1,1.5\n2,3,0,2\n4,4,-1,3\n", NULL, NULL, 3, "a b c", -1, ""},
        {"a,b,t\n0,0,1.5\n1,1,2\n2,1,3\n", NULL, NULL, 1, "b", 1,
         "left out (it counts the rows): 'a' (--keep keeps columns)"},
        {"a,b,t\n1,5,1.5\n", NULL, NULL, 2, "a b", 5, ""}, /* one row tells nothing */
        /* Without a header a row is known by its places. */
        {"1,5,3,1.5\n2,7,3,2\n", NULL, NULL, 3, "", 3,
         "of no use (constant): column 3; of no use (it counts the rows): column 1 (--drop leaves "
         "columns out)"},
        {"1,5,3,1.5\n2,7,3,2\n", "1,3", NULL, 1, "", 7, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}
END_TEST

START_TEST(columns_are_dropped_by_name_or_number)
{
    static const struct wanted cases[] = {
        {"a,b,c,t\n5,x,3,1.5\n7,y,4,2\n", "b", NULL, 2, "a c", 4, ""},
        {"a,b,c,t\n5,x,3,1.5\n7,y,4,2\n", "2,c", NULL, 1, "a", 7, ""},
        {"a,b,c,t\n5,8,3,x\n7,9,4,y\n", "t,b", NULL, 1, "a", 7, ""}, /* c is then the last */
        {"5,x,1.5\n7,y,2\n", "2", NULL, 1, "", 7, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}
END_TEST

START_TEST(booleans_are_one_and_zero)
{
    static const struct wanted cases[] = {
        {"a,b,t\n5,true,1.5\n7,false,2\n", NULL, NULL, 2, "a b", 0,
         "booleans are read as 1 and 0: 'b'"},
        {"a,b,c,t\nNO,TRUE,T,1.5\nyes,False,F,2\nYes,\"True\", T ,2\n", NULL, NULL, 3, "a b c", 1,
         "booleans are read as 1 and 0: 'a', 'b', 'c'"},
        {"a,b,t\n5,1,1.5\n7,no,2\n8,0,3\n", NULL, NULL, 2, "a b", 0,
         "booleans are read as 1 and 0: 'b'"},
        {"a,b,t\n5,yes,1.5\n7,yes,2\n", NULL, NULL, 1, "a", 7,
         "left out (constant): 'b' (--keep keeps columns)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check(&cases[i]);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const struct {
        const char *text, *drop, *keep, *says;
    } cases[] = {
        {"a,b,t\n5,red,1.5\n", NULL, NULL,
         "line 2, column 2: 'red' is not a number (categories must become numbers, such as a "
         "column "
         "of 0 and 1 for each); --drop 'b' leaves the column out"},
        {"1,5,1.5\n2,2026-01-31,1\n", NULL, NULL, "; --drop '2' leaves the column out"},
        {"a,b,t\n5,3,1.5\n6,t,2\n", NULL, NULL,
         "line 3, column 2: 't' is not a number (categories"},
        {"a,b,t\n5,3,1.5\n6,yes,2\n", NULL, NULL,
         "line 3, column 2: 'yes' where the column has booleans and numbers other than 0 and 1"},
        {"a,b,t\n5,F,1.5\n6,0.5,2\n", NULL, NULL,
         "line 3, column 2: '0.5' where the column has booleans and"},
        {"a,b,t\n5,,1.5\n6,7,2\n", NULL, NULL, "line 2, column 2: '' is missing"},
        {"a,b,t\n5,3,1.5\n6,7,2\n", "c", NULL, "--drop: there is no column 'c' among the 3"},
        {"a,b,t\n5,3,1.5\n6,7,2\n", "a,b", NULL, "no column is left for the features"},
        {"a,b,t\n5,3,1.5\n6,7,2\n", "a,b,t", NULL, "no column is left for the features"},
        {"a,b,t\n1,3,1.5\n2,3,2\n", NULL, NULL,
         "no column is left for the features: each is constant or counts the rows, or"},
        {"a,b,t\n1,3,1.5\n2,3,2\n", NULL, "c", "--keep: there is no feature 'c'"},
        {"[[1,2,3],[4,5,6]]", "1", NULL, "--drop and --keep need a table as text, such as CSV"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_dataset data;
        struct relud_error error = {0};
        ck_assert_msg(
            !read_text(cases[i].text,
                       (struct relud_dataset_options){.drop = cases[i].drop, .keep = cases[i].keep},
                       &data, &error),
            "%s", cases[i].text);
        ck_assert_msg(strstr(error.text, cases[i].says) != NULL, "%s: %s", cases[i].text,
                      error.text);
    }
    struct relud_dataset data;
    struct relud_error error = {0};
    ck_assert(!read_text("a,b,t\n5,3,1.5\n",
                         (struct relud_dataset_options){.target = "b", .drop = "b"}, &data,
                         &error));
    ck_assert_ptr_nonnull(strstr(error.text, "column 'b' is the target, but --drop names it"));
}
END_TEST

/* Rows of validation or test lose the same columns, whatever theirs are. */
START_TEST(other_rows_lose_the_same_columns)
{
    struct relud_dataset data, more;
    struct relud_error error;
    struct relud_dataset_options options = {.drop = "3"};
    ck_assert_msg(read_text("id,a,b,c,t\n1,5,x,T,1.5\n2,7,y,F,2\n", options, &data, &error), "%s",
                  error.text);
    ck_assert_uint_eq(data.features, 2);
    options.like = &data;
    ck_assert_msg(read_text("t,c,a,id,b\n1.5,yes,5,9,x\n4,yes,5,9,zz\n", options, &more, &error),
                  "%s", error.text);
    ck_assert_uint_eq(more.features, 2);
    ck_assert(more.values[0] == 5 && more.values[1] == 1 && more.targets[1] == 4);
    ck_assert_str_eq(more.note, "columns left out: 'id', 'b'; booleans are read as 1 and 0: 'c'");
    relud_dataset_free(&more);
    relud_dataset_free(&data);
    options.like = NULL;
    ck_assert(read_text("1,5,x,1.5\n2,7,y,2\n", options, &data, &error));
    options.like = &data;
    ck_assert(read_text("9,9,z,1.5\n", options, &more, &error));
    ck_assert(more.features == 2 && more.values[1] == 9);
    relud_dataset_free(&more);
    relud_dataset_free(&data);
}
END_TEST

/* A square of features may be an image, whose border is often constant. */
START_TEST(images_keep_all_their_places)
{
    char text[4096] = "";
    struct relud_dataset data;
    struct relud_error error;
    for (int f = 0; f < 64; f++)
        sprintf(text + strlen(text), "p%d,", f);
    strcat(text, "t\n");
    for (int r = 0; r < 3; r++) {
        for (int f = 0; f < 64; f++)
            strcat(text, f == 30 + r ? "9," : "0,");
        sprintf(text + strlen(text), "%d.5\n", r);
    }
    ck_assert_msg(read_text(text, (struct relud_dataset_options){0}, &data, &error), "%s",
                  error.text);
    ck_assert(data.features == 64 && data.height == 8);
    ck_assert_str_eq(data.note, "");
    relud_dataset_free(&data);
}
END_TEST

/* More columns than a note has room for. */
START_TEST(a_long_note_is_cut)
{
    char text[16384] = "a";
    struct relud_dataset data;
    struct relud_error error;
    for (int f = 0; f < 200; f++)
        sprintf(text + strlen(text), ",a_constant_column_%d", f);
    strcat(text, ",t\n5");
    for (int r = 0; r < 2; r++) {
        for (int f = 0; f < 200; f++)
            strcat(text, ",7");
        strcat(text, r ? ",2\n" : ",1.5\n6");
    }
    ck_assert_msg(read_text(text, (struct relud_dataset_options){0}, &data, &error), "%s",
                  error.text);
    ck_assert_uint_eq(data.features, 1);
    ck_assert_uint_lt(strlen(data.note), sizeof data.note);
    ck_assert_str_eq(data.note + strlen(data.note) - 4, " ...");
    relud_dataset_free(&data);
}
END_TEST

RUN_SUITE("csv_columns", what_teaches_nothing_is_left_out, columns_are_dropped_by_name_or_number,
          booleans_are_one_and_zero, what_is_wrong_is_named, other_rows_lose_the_same_columns,
          images_keep_all_their_places, a_long_note_is_cut)
