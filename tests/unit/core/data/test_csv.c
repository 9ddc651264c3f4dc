/* Tables as text: columns by name, headers, separators, comments. */
#include "tests/unit/tables.h"

/* ---- F2: columns by name ---- */

static const char *const temp_pressure[] = {"temp", "pressure"};
static const struct relud_rows_options by_name = {.features = 2, .name = temp_pressure};
#define NAMED(text, note, ...) reads(text, sizeof(text) - 1, by_name, 2, VALUES(__VA_ARGS__), note)
#define UNNAMED(text, words)   refuses(text, sizeof(text) - 1, by_name, words)

START_TEST(F2_columns_are_found_by_name)
{
    NAMED("temp,pressure\n1,2\n3,4\n", "", 1, 2, 3, 4);
    NAMED("pressure,temp\n2,1\n4,3\n", "", 1, 2, 3, 4);
    NAMED("id;pressure;temp;y\nx1;2;1;hot\nx2;4;3;cold\n", "columns left out: 'id', 'y'", 1, 2, 3,
          4);
    NAMED("\"pressure\"\t \"temp\" \n2\t1\n", "", 1, 2);
    NAMED(",pressure,temp\n0,2,1\n1,4,3\n", "columns left out: ''", 1, 2, 3, 4); /* pandas' index */
    NAMED("a,a,temp,pressure\n1,2,3,4\n", "columns left out: 'a', 'a'", 3, 4);
    NAMED("7,pressure,temp\n0,2,1\n", "columns left out: '7'", 1, 2); /* the names are all there */
    NAMED("1,2\n3,4\n", "", 1, 2, 3, 4); /* without a header: by their places */
    NAMED("[[1,2],[3,4]]", "", 1, 2, 3, 4);
}
END_TEST

START_TEST(F2_what_is_not_there_is_named)
{
    UNNAMED("temp,y\n1,2\n", "line 1: there is no column 'pressure' among the 2");
    UNNAMED("# a comment\ntemp,y\n1,2\n", "line 2: there is no column 'pressure'");
    UNNAMED("Temp,pressure\n1,2\n", "there is no column 'temp'; did you mean column 1, 'Temp'?");
    UNNAMED("temp,\"pressure \"\n1,2\n", "did you mean column 2, 'pressure '?");
    UNNAMED("temp,Pres_sure\n1,2\n", "did you mean column 2, 'Pres_sure'?");
    static const char *const upper[] = {"X Max"};
    struct relud_rows_options x_max = {.features = 1, .name = upper};
    refuses("x_max,y\n1,2\n", 12, x_max, "no column 'X Max'; did you mean column 1, 'x_max'?");
    UNNAMED("temp,x,temp,pressure\n1,2,3,4\n", "columns 1 and 3 are both called 'temp'");
    UNNAMED("1,2,3\n", "rows of 3 numbers; 2 are wanted: a header would tell");
    UNNAMED("temp,caf\xe9,pressure\n1,2,3\n", "line 1, column 2: a name that is not UTF-8");
    UNNAMED("pressure,temp,y\n2,x,hot\n", "line 2, column 2: 'x' is not a number");
    UNNAMED("pressure,temp\n2,1\n3\n", "line 3 has 1 columns where line 1 has 2");
    /* without names the header says nothing, but the number of columns must be right */
    struct relud_rows_options three = {.features = 3};
    reads("a,a,c\n1,2,3\n", 12, three, 3, VALUES(1, 2, 3), "");
    refuses("a,b\n1,2\n", 8, three, "rows of 2 numbers; 3 are wanted");
}
END_TEST

/* The rows that choose the epoch may have their columns elsewhere, the target among them. */
START_TEST(F2_other_rows_are_found_by_name_too)
{
    struct relud_dataset data, more;
    struct relud_error error = {0};
    struct relud_dataset_options options = {.units = 2};
    ck_assert_msg(learns("a,b,y\n1,2,no\n3,4,yes\n", options, &data, &error), "%s", error.text);
    options.like = &data;
    ck_assert_msg(learns("y,id,b,a\nyes,7,20,10\nno,8,40,30\n", options, &more, &error), "%s",
                  error.text);
    ck_assert_uint_eq(more.features, 2);
    ck_assert(more.values[0] == 10 && more.values[1] == 20 && more.values[2] == 30);
    ck_assert(more.classes[0] == 1 && more.classes[1] == 0);
    ck_assert_str_eq(more.note, "columns left out: 'id'");
    relud_dataset_free(&more);
    ck_assert_msg(learns("5,6,yes\n", options, &more, &error), "%s", error.text);
    ck_assert(more.values[0] == 5 && more.classes[0] == 1);
    relud_dataset_free(&more);
    ck_assert(!learns("a,b,c,z\n1,2,3,yes\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "there is no column 'y' among the 4"));
    ck_assert(!learns("a,c,y\n1,2,yes\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "there is no column 'b' among the 3"));
    /* without its target's name the table has it where the option says; that is no feature then */
    options.target = "a";
    ck_assert(!learns("a,b,z\n1,2,yes\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "column 'a' is a target and a feature"));
    options.target = NULL;
    options.table.header = RELUD_HEADER_NO; /* then there are no names to go by */
    ck_assert_msg(learns("5,6,yes\n", options, &more, &error), "%s", error.text);
    ck_assert(more.values[1] == 6 && more.classes[0] == 1);
    relud_dataset_free(&more);
    relud_dataset_free(&data);
    /* each of several targets must be there */
    options =
        (struct relud_dataset_options){.units = 2, .target = "y,z", .task = RELUD_TASK_REGRESSION};
    ck_assert_msg(learns("a,y,z\n1,2,3\n", options, &data, &error), "%s", error.text);
    options.like = &data;
    ck_assert_msg(learns("z,a,y\n1,2,3\n", options, &more, &error), "%s", error.text);
    ck_assert(more.values[0] == 2 && more.targets[0] == 3 && more.targets[1] == 1);
    relud_dataset_free(&more);
    ck_assert(!learns("a,y,x\n1,2,3\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "there is no column 'z' among the 3"));
    relud_dataset_free(&data);
    options = (struct relud_dataset_options){.units = 2};
    /* names that are learned tell the columns apart */
    ck_assert(!learns("a,a,y\n1,2,no\n3,4,yes\n", options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "columns 1 and 2 are both called 'a'"));
    options.table.header = RELUD_HEADER_YES;
    ck_assert(!learns(",,y\n1,2,no\n3,4,yes\n", options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 1: columns 1 and 2 have no name"));
    options.table.header = RELUD_HEADER_AUTO;
    ck_assert(!learns("caf\xe9,b,y\n1,2,no\n3,4,yes\n", options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "column 1: a name that is not UTF-8"));
    ck_assert_msg(learns("\"a\"\"b\",b,y\n1,2,no\n3,4,yes\n", options, &data, &error), "%s",
                  error.text);
    ck_assert_str_eq(data.name[0], "a\"b");
    relud_dataset_free(&data);
}
END_TEST

/* Names that are too many for the note end in dots, and no later one follows them. */
START_TEST(F2_the_note_is_cut_where_it_is_full)
{
    char text[4096] = "temp,pressure", row[256] = "\n1,2";
    struct relud_rows rows;
    struct relud_error error = {0};
    for (int i = 0; i < 50; i++) {
        sprintf(text + strlen(text), ",a name of some length %02d", i);
        strcat(row, ",0");
    }
    strcat(strcat(text, ",z"), row);
    strcat(text, ",0\n");
    put_file(text, strlen(text));
    ck_assert_msg(relud_rows_read_with(path, &by_name, &rows, &error), "%s", error.text);
    drop_file();
    size_t len = strlen(rows.note);
    ck_assert_ptr_eq(strstr(rows.note, "columns left out: 'a name of some length 00', 'a"),
                     rows.note);
    ck_assert_str_eq(rows.note + len - 6, "', ...");
    ck_assert_ptr_null(strstr(rows.note, "'z'"));
    relud_rows_free(&rows);
}
END_TEST

/* ---- F3: a header, or a row? ---- */

START_TEST(F3_a_first_row_with_numbers_is_no_header)
{
    READS(".5,1\n3,4\n", 2, 0.5f, 1, 3, 4);
    READS("05,1\n3,4\n", 2, 5, 1, 3, 4);
    READS("1e5,+1\n3,4\n", 2, 1e5f, 1, 3, 4);
    READS("\"1\",\"2\"\n3,4\n", 2, 1, 2, 3, 4);
    READS("a b,c-d\n3,4\n", 2, 3, 4);
    READS("2nd,1st_floor\n3,4\n", 2, 3, 4);
    READS("#,n\n3,4\n", 2, 3, 4);
    READS(",n\n3,4\n", 2, 3, 4);
    reads("0,1,2\n3,4,5\n", 12, plain, 3, VALUES(0, 1, 2, 3, 4, 5), /* or pandas' columns? */
          "line 1 counts from 0 and was read as a row; --header yes makes names of it");
    READS("0,1\n3,4\n", 2, 0, 1, 3, 4); /* two columns count by chance */
    REFUSES("a,,,NA\n1,2,3,4\n", "line 1, column 1: 'a' is no number, but column 4 has 'NA'");
    REFUSES("nan,0.5\n3,4\n", "line 1, column 1: 'nan' is missing");
    REFUSES("0.5,NA\n3,4\n", "line 1, column 2: 'NA' is missing");
    REFUSES("n/a,0.5\n3,4\n", "line 1, column 1: 'n/a' is missing");
    REFUSES("1,2,x\n3,4,5\n", "line 1, column 3: 'x' is no number, but column 1 has '1'");
    REFUSES("a,NA\n3,4\n", "line 1, column 1: 'a' is no number, but column 2 has 'NA'");
    REFUSES("a,,b,\"\"\n1,2,3,4\n", "line 1, column 4: a second column without a name");
    REFUSES("1,5;0,5\n1;2\n", "line 1, column 1: '1,5' is not a number (a decimal comma?");
    REFUSES("1,234;5\n1;2\n", "line 1, column 1: '1,234' is not a number");
    REFUSES("2020-01-01,2020-02-01\n1,2\n", "line 1, column 1: '2020-01-01' is not a number");
    REFUSES("True,False\n1,2\n", "line 1, column 1: 'True' is not a number (write booleans");
    REFUSES("inf,-Infinity\n1,2\n", "line 1, column 1: 'inf' is not a number (rows are finite)");
    REFUSES("-,-\n1,2\n", "line 1, column 1: '-' is not a number");
    REFUSES("1e999,2\n", "line 1, column 1: '1e999' is more than float32 can hold");
}
END_TEST

START_TEST(F3_the_option_says_which)
{
    struct relud_rows_options yes = {.table.header = RELUD_HEADER_YES},
                              no = {.table.header = RELUD_HEADER_NO};
    reads("2019,2020\n1,2\n", 14, yes, 2, VALUES(1, 2), "");
    reads("1,x\n1,2\n", 8, yes, 2, VALUES(1, 2), "");
    reads(",\n1,2\n", 6, yes, 2, VALUES(1, 2), "");
    refuses("a,b\n", 4, yes, "no rows behind the header");
    refuses("a,b\n1,2\n", 8, no, "line 1, column 1: 'a' is not a number");
    reads("1,2\n3,4\n", 8, no, 2, VALUES(1, 2, 3, 4), "");
    reads("0,1,2\n3,4,5\n", 12, no, 3, VALUES(0, 1, 2, 3, 4, 5), "");
    reads("# a,b\n1,2\n", 10, no, 2, VALUES(1, 2), "");
    static const char *const years[] = {"2020", "2019"};
    struct relud_rows_options named = {.features = 2, .name = years};
    reads("2019,2020\n1,2\n", 14, named, 2, VALUES(2, 1), ""); /* a header: its names are known */
    named.table.header = RELUD_HEADER_NO;
    reads("2019,2020\n1,2\n", 14, named, 2, VALUES(2019, 2020, 1, 2), "");
}
END_TEST

START_TEST(F3_training_loses_no_row_either)
{
    struct relud_dataset data;
    struct relud_error error = {0};
    struct relud_dataset_options options = {.units = 2};
    ck_assert_msg(learns(".5,1,a\n2,3,b\n", options, &data, &error), "%s", error.text);
    ck_assert_uint_eq(data.rows, 2);
    relud_dataset_free(&data);
    ck_assert(!learns("1,x,a\n2,3,b\n", options, &data, &error));
    ck_assert_ptr_nonnull(
        strstr(error.text, "line 1, column 2: 'x' is no number, but column 1 has '1': --header"));
    options.table.header = RELUD_HEADER_YES;
    ck_assert_msg(learns("1,2,3\n2,3,b\n4,5,c\n", options, &data, &error), "%s", error.text);
    ck_assert_uint_eq(data.rows, 2);
    ck_assert_str_eq(data.name[1], "2");
    relud_dataset_free(&data);
    /* a target that is found by its name is in a header */
    options = (struct relud_dataset_options){.units = 2, .target = "y"};
    ck_assert_msg(learns("0,1,y\n2,3,b\n4,5,c\n", options, &data, &error), "%s", error.text);
    ck_assert_uint_eq(data.rows, 2);
    relud_dataset_free(&data);
}
END_TEST

/* ---- F5: separators ---- */

START_TEST(F5_separators_are_found)
{
    READS("a|b\n1|2\n", 2, 1, 2);
    READS("a b\n1 2\n", 2, 1, 2);
    READS("  1   2.5\n 10  20\n", 2, 1, 2.5f, 10, 20);
    READS("1.000000000000000000e+00 2.000000000000000000e+00\n", 2, 1, 2); /* numpy.savetxt */
    READS("a \t b\n1 \t 2\n", 2, 1, 2);
    READS("a b \n1 2 \n3 4\t \n", 2, 1, 2, 3, 4);
    READS("\"a b\" \"c\"\n1 2\n3 4\n", 2, 1, 2, 3, 4);
    READS("grey value\n1\n2\n", 1, 1, 2); /* one column whose name has a blank */
    READS("grey value,b\n1,2\n", 2, 1, 2);
    READS("a;b,c\n1;2\n", 2, 1, 2);
}
END_TEST

/* A character in a name or a text is no separator because it stands in two lines as often. */
START_TEST(F5_separators_are_those_that_the_lines_agree_on)
{
    NAMED("temp,pressure,h;i\n1,2,a;b\n3,4,c\n", "columns left out: 'h;i'", 1, 2, 3, 4);
    NAMED("temp,pressure,h;i\n1,2,a;b\n", "columns left out: 'h;i'", 1,
          2); /* the commas are more */
    NAMED("temp|pressure|\"f,g\"|h;i\n1|2|x|a;b\n", "columns left out: 'f,g', 'h;i'", 1, 2);
    REFUSES("1,5;2,5;3,5\n1,5;2,5;3,5\n",
            "line 1, column 1: '1,5' is not a number (a decimal comma?");
    REFUSES("a b c\n1 2 3\n4 5\n", "line 3 has 2 columns where line 1 has 3");
}
END_TEST

START_TEST(F5_comments_come_first)
{
    READS("# from a program\n# of mine\n\na,b\n1,2\n", 2, 1, 2);
    READS("# x, y and z\n1,2\n", 2, 1, 2);
    NAMED("#pressure,temp\n2,1\n", "", 1, 2); /* a header that is a comment: numpy.savetxt's */
    NAMED("# made by me\n# pressure temp\n2 1\n4 3\n", "", 1, 2, 3, 4);
    NAMED("#id\tpressure\ttemp\n1\t2\t1\n", "columns left out: 'id'", 1, 2);
    NAMED("# a, comment\npressure,temp\n2,1\n", "", 1, 2);
    REFUSES("1,2\n# 3,4\n", "line 2, column 1: '# 3' is not a number");
    REFUSES("# nothing else\n", "no rows");
    READS("# one\n1\n2\n", 1, 1, 2);
    READS("# one\n1,2\n", 2, 1, 2);
    READS("# 3 , 4\n1,2\n", 2, 1, 2);
    READS("#\n1,2\n", 2, 1, 2);
    /* quotes in words */
    READS("# \"quoted\" words, and \"more\n1,2\n3,4\n", 2, 1, 2, 3, 4);
    READS("# \"quoted\" words\n1,2\n3,4\n", 2, 1, 2, 3, 4);
    READS("# a, \"b\n1,2\n3,\"4\"\n", 2, 1, 2, 3, 4);
    NAMED("# \"pressure\", \"temp\"\n2,1\n", "", 1, 2);
    struct relud_dataset data;
    struct relud_error error = {0};
    ck_assert_msg(
        learns("# a, \"b\n1,x\"\n2,y\n", (struct relud_dataset_options){.units = 2}, &data, &error),
        "%s", error.text);
    ck_assert(data.rows == 2 && !data.name);
    ck_assert_str_eq(data.label[0], "x\"");
    relud_dataset_free(&data);
    char text[400] = "# a";
    for (int i = 0; i < 100; i++)
        strcat(text, ",b");
    strcat(text, "\n1,2\n");
    reads(text, strlen(text), plain, 2, VALUES(1, 2), "");
}
END_TEST

START_TEST(F5_a_separator_at_the_end_is_no_column)
{
    READS("a,b,\n1,2,\n3,4,\n", 2, 1, 2, 3, 4);
    READS("1;2;\n3;4;\n", 2, 1, 2, 3, 4);
    READS("a,b,\n1,2\n", 2, 1, 2);
    READS("a,b\n1,2,\n", 2, 1, 2);
    READS("5,6,\n1,2,", 2, 5, 6, 1, 2);
    REFUSES("a,b\n1,2,\"\"\n", "line 2 has 3 columns where line 1 has 2");
    REFUSES("1,2,\n3,4,5\n", "line 1, column 3: '' is missing");
    REFUSES("1,2,\n3,4\n", "line 1, column 3: '' is missing");
    REFUSES("a,b\n1,2,3\n", "line 2 has 3 columns where line 1 has 2");
    struct relud_rows_options three = {.features = 3};
    refuses("1,2,\n", 5, three, "line 1, column 3: '' is missing");
    struct relud_rows_options two = {.features = 2};
    reads("1,2,\n", 5, two, 2, VALUES(1, 2), "");
    struct relud_dataset data;
    struct relud_error error = {0};
    ck_assert_msg(learns("a,b,y,\n1,2,no,\n3,4,yes,\n", (struct relud_dataset_options){.units = 2},
                         &data, &error),
                  "%s", error.text);
    ck_assert(data.features == 2 && data.labels == 2);
    relud_dataset_free(&data);
}
END_TEST

START_TEST(F5_what_was_looked_for_is_told)
{
#define LOOKED "; none of comma, semicolon, tab, | and blank parts the columns"
    struct relud_rows_options two = {.features = 2};
    refuses("a:b\n1:2\n", 8, plain, "line 2, column 1: '1:2' is not a number" LOOKED);
    refuses("1:2\n3:4\n", 8, two, "line 1, column 1: '1:2' is not a number" LOOKED);
    refuses("1\n2\n", 4, two, "rows of 1 numbers; 2 are wanted" LOOKED);
    UNNAMED("temp:pressure\n1:2\n", "line 1: there is no column 'temp' among the 1" LOOKED);
    /* who is told the separator, or wants one column, knows; and so ends the line */
    static const char told[] = "sep=;\na:b\n1:2\n", one[] = "a\nx\n";
    struct relud_rows_options single = {.features = 1};
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(told, sizeof told - 1);
    ck_assert(!relud_rows_read_with(path, &plain, &rows, &error));
    drop_file();
    ck_assert_msg(strstr(error.text, "line 3, column 1: '1:2' is not a number") &&
                      !strstr(error.text, LOOKED),
                  "%s", error.text);
    put_file(one, sizeof one - 1);
    ck_assert(!relud_rows_read_with(path, &single, &rows, &error));
    drop_file();
    ck_assert_msg(strstr(error.text, "line 2, column 1: 'x' is not a number") &&
                      !strstr(error.text, LOOKED),
                  "%s", error.text);
    struct relud_dataset data;
    ck_assert(
        !learns("a^b^y\n1^2^no\n", (struct relud_dataset_options){.units = 2}, &data, &error));
    ck_assert_msg(strstr(error.text, "line 1, 'a^b^y': no column is left for the features" LOOKED),
                  "%s", error.text);
}
END_TEST

/* ---- neighbours ---- */

START_TEST(F2_a_table_has_so_many_targets)
{
    enum { TARGETS_MAX = 1024 };
    struct relud_dataset data;
    struct relud_error error = {0};
    char *text = malloc(16384), *target = malloc(8192);
    size_t len = 0, target_len = 0;
    for (int i = 1; i <= TARGETS_MAX + 1; i++) {
        len += (size_t)sprintf(text + len, "%d,", i);
        target_len += (size_t)sprintf(target + target_len, i == 1 ? "%d" : ",%d", i);
    }
    strcpy(text + len, "0\n");
    struct relud_dataset_options options = {
        .units = TARGETS_MAX, .target = target, .task = RELUD_TASK_REGRESSION};
    ck_assert(!learns(text, options, &data, &error));
    ck_assert_msg(strstr(error.text, "more than 1024 targets") != NULL, "%s", error.text);
    *strrchr(target, ',') = '\0'; /* one less is read */
    ck_assert_msg(learns(text, options, &data, &error), "%s", error.text);
    ck_assert(data.features == 2 && data.outputs == TARGETS_MAX);
    ck_assert(data.values[0] == TARGETS_MAX + 1 && data.targets[1023] == TARGETS_MAX);
    relud_dataset_free(&data);
    free(text), free(target);
}
END_TEST

START_TEST(F2_tables_of_every_size_are_read)
{
    READS("7", 1, 7);
    READS("a\n7\n8", 1, 7, 8);
    REFUSES("", "no rows");
    REFUSES("\xef\xbb\xbf", "no rows");
    REFUSES("\n\r\n \t\n", "no rows");
    REFUSES("a,b\n", "no rows behind the header");
    enum { COLUMNS = 200000 };
    char *text = malloc(COLUMNS * 20), *names = malloc(COLUMNS * 8);
    const char **name = malloc(COLUMNS * sizeof *name);
    size_t len = 0;
    for (size_t c = 0; c < COLUMNS; c++) { /* the columns the other way round */
        len += (size_t)sprintf(text + len, "n%zu%c", COLUMNS - c, c + 1 < COLUMNS ? ',' : '\n');
        sprintf(names + 8 * c, "n%zu", c + 1);
        name[c] = names + 8 * c;
    }
    for (size_t c = 0; c < COLUMNS; c++)
        len += (size_t)sprintf(text + len, "%zu%c", COLUMNS - c, c + 1 < COLUMNS ? ',' : '\n');
    struct relud_rows_options options = {.features = COLUMNS, .name = name};
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(text, len);
    ck_assert_msg(relud_rows_read_with(path, &options, &rows, &error), "%s", error.text);
    for (size_t c = 0; c < COLUMNS; c++)
        if (rows.values[c] != (float)(c + 1))
            ck_abort_msg("column %zu", c);
    relud_rows_free(&rows);
    drop_file();
    free(text), free(names), free(name);
}
END_TEST

RUN_SUITE("csv", F2_columns_are_found_by_name, F2_what_is_not_there_is_named,
          F2_other_rows_are_found_by_name_too, F2_the_note_is_cut_where_it_is_full,
          F3_a_first_row_with_numbers_is_no_header, F3_the_option_says_which,
          F3_training_loses_no_row_either, F5_separators_are_found,
          F5_separators_are_those_that_the_lines_agree_on, F5_comments_come_first,
          F5_a_separator_at_the_end_is_no_column, F5_what_was_looked_for_is_told,
          F2_a_table_has_so_many_targets, F2_tables_of_every_size_are_read)
