/* Tables with text that are learned: which columns become words, and what is left out. */
#include "tests/unit/suite.h"
#include "tests/unit/tables.h"

#include <math.h>

static const struct relud_dataset_options usual = {.task = RELUD_TASK_REGRESSION,
                                                   .leaves_out = true,
                                                   .has_booleans = true,
                                                   .has_words = true,
                                                   .fill_missing = true,
                                                   .fills_gaps_only = true};

/* Writes the features: "a:number b:x|y? c:number?"; a mark tells that it may be missing. */
static void describe(const struct relud_dataset *data, char text[1024])
{
    *text = '\0';
    for (size_t f = 0; f < data->features; f++) {
        const struct relud_words *words = relud_words_of(data->feature, f);
        bool is_imputed =
            words ? words->missing != RELUD_WORDS_NONE : data->means && !isnan(data->means[f]);
        sprintf(text + strlen(text), "%s%s:%s", f ? " " : "", data->name ? data->name[f] : "",
                words ? "" : "number");
        for (size_t i = 0; words && i < words->count; i++)
            sprintf(text + strlen(text), "%s%s", i ? "|" : "", words->word[i]);
        strcat(text, is_imputed ? "?" : "");
    }
}

struct wanted {
    const char *text, *categorical, *numeric, *keep;
    const char *features, *note;
    float last; /* feature of the last row */
};

START_TEST(text_becomes_words)
{
    static const struct wanted cases[] = {
        {"a,b,y\n5,red,1.5\n6,blue,2\n7,red,3\n", NULL, NULL, NULL, "a:number b:blue|red",
         "categories: 'b' (2)", 1},
        {"a,b,y\n5,\"a \"\"b\"\", c\",1.5\n6,x,2\n7,x,3\n", NULL, NULL, NULL,
         "a:number b:a \"b\", c|x", "categories: 'b' (2)", 1},
        /* a table that is begun again, as only its first lines end in a separator */
        {"a,b,y,\n5,red,1.5,\n6,blue,2\n7,red,3\n", "b", NULL, NULL, "a:number b:blue|red",
         "categories: 'b' (2)", 1},
        /* booleans beside other words are words; alone they are numbers */
        {"a,b,y\nT,no,1.5\nF,yes,2\nT,maybe,3\nT,no,3\n", NULL, NULL, NULL,
         "a:number b:maybe|no|yes",
         "booleans are read as 1 and 0: 'a'; categories: 'b' "
         "(3)",
         1},
        /* a few texts and numbers in one column */
        {"doors,y\n2,1.5\n3,2\n5more,3\n2,3\n", NULL, NULL, NULL, "doors:2|3|5more",
         "categories: 'doors' (3)", 0},
        {"age,y\n25-34,1.5\n35-44,2\n75+,3\n75+,4\n", NULL, NULL, NULL, "age:25-34|35-44|75+",
         "categories: 'age' (3)", 2},
        /* as the user says */
        {"a,b,y\n5,1,1.5\n6,2,2\n7,1,3\n", "b", NULL, NULL, "a:number b:1|2", "categories: 'b' (2)",
         0},
        {"a,b,y\n5,1,1.5\n6,2,2\n7,1,3\n", "1,2", NULL, NULL, "a:5|6|7 b:1|2",
         "categories: 'a' (3), 'b' (2)", 0},
        /* what is missing */
        {"a,b,c,y\n5,red,1,1.5\n,,4,2\n8,blue,2,3\n8,red,2,NA\n8,blue,3,3\n", NULL, NULL, NULL,
         "a:number? b:blue|red? c:number",
         "categories: 'b' (2); missing cells are filled: 'a' (1, by 7), 'b' (1, by 'blue'); rows "
         "left out, without a target: 1",
         3},
        {"a,b,y\n5,,1.5\n6,,2\n8,,3\n", NULL, NULL, NULL, "a:number",
         "left out (constant): 'b' (--keep keeps columns)", 8},
        /* what teaches nothing */
        {"name,b,y\nAda,1,1.5\nBob,3,2\nCy,3,3\n", NULL, NULL, NULL, "b:number",
         "left out (nearly every row has a word of its own): 'name' (--keep keeps columns)", 3},
        {"name,b,y\nAda,1,1.5\nBob,3,2\nCy,3,3\n", NULL, NULL, "name", "name:Ada|Bob|Cy b:number",
         "categories: 'name' (3)", 3},
        {"name,b,y\nAda,1,1.5\nBob,3,2\nCy,3,3\n", "name", NULL, NULL, "name:Ada|Bob|Cy b:number",
         "categories: 'name' (3)", 3},
        {"a,b,y\nx,1,1.5\nx,3,2\nx,3,3\n", NULL, NULL, NULL, "b:number",
         "left out (constant): 'a' (--keep keeps columns)", 3},
        /* without a header */
        {"5,red,1.5\n6,blue,2\n7,red,3\n", NULL, NULL, NULL, ":number :blue|red",
         "categories: column 2 (2)", 1},
        {"red,u,1.5\nblue,u,2\nred,v,3\n", NULL, NULL, NULL, ":blue|red :u|v",
         "categories: column 1 (2), column 2 (2)", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_dataset data;
        struct relud_error error;
        char features[1024];
        struct relud_dataset_options options = usual;
        options.categorical = cases[i].categorical;
        options.numeric = cases[i].numeric;
        options.keep = cases[i].keep;
        options.table.header = *cases[i].text >= '5' && *cases[i].text <= 'r' &&
                                       (*cases[i].text == '5' || *cases[i].text == 'r')
                                   ? RELUD_HEADER_NO
                                   : RELUD_HEADER_AUTO;
        ck_assert_msg(learns(cases[i].text, options, &data, &error), "%s: %s", cases[i].text,
                      error.text);
        describe(&data, features);
        ck_assert_str_eq(features, cases[i].features);
        ck_assert_str_eq(data.note, cases[i].note);
        ck_assert_float_eq(data.values[data.rows * data.features - 1], cases[i].last);
        relud_dataset_free(&data);
    }
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    static const struct wanted cases[] = {
        {"a,colour,y\n5,red,1.5\n6,blue,2\n", "color", NULL, NULL,
         "--categorical: there is no column 'color' among the 3; did you mean 'colour'?", "", 0},
        {"a,b,y\n5,red,1.5\n6,blue,2\n", "y", NULL, NULL, "--categorical: column 'y' is the target",
         "", 0},
        {"a,b,y\n5,red,1.5\n6,blue,2\n", NULL, "b", NULL, "line 2, column 2: 'red' is not a number",
         "", 0},
        {"a,b,y\n5,red,1.5\n6,blue,2\n", "b", "2", NULL,
         "column '2': both --categorical and --numeric name it", "", 0},
        {"a,a,y\n5,red,1.5\n6,red,2\n", NULL, NULL, NULL,
         "line 1: columns 1 and 2 are both called 'a'", "", 0},
        {"a,b,y\n5,caf\xe9,1.5\n6,x,2\n", NULL, NULL, NULL,
         "line 2, column 2: 'caf\\xe9' is not UTF-8", "", 0},
        /* numbers in another form are no words */
        {"a,b;y\n5;\"1,5\";1.5\n6;\"2,5\";2\n", NULL, NULL, NULL, "columns", "", 0},
        {"a;b;y\n5;1,5;1.5\n6;2,5;2\n7;2,5;2\n", NULL, NULL, NULL, "(a decimal comma? --decimal ,",
         "", 0},
        {"a;b;y\n5;3 %;1.5\n6;4 %;2\n7;4 %;2\n", NULL, NULL, NULL, "leave % out", "", 0},
        /* only text, of which nothing can be learned */
        {"a,b,y\np,q,1.5\nr,s,2\nt,u,3\n", NULL, NULL, NULL, "no column is left for the features",
         "", 0},
        {"p,q,1.5\nr,s,2\nt,u,3\n", NULL, NULL, NULL,
         "column 1: nearly every row has a word of its own: --drop leaves it out", "", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_dataset data;
        struct relud_error error = {0};
        struct relud_dataset_options options = usual;
        options.categorical = cases[i].categorical;
        options.numeric = cases[i].numeric;
        options.table.header = *cases[i].text == 'p' ? RELUD_HEADER_NO : RELUD_HEADER_AUTO;
        ck_assert_msg(!learns(cases[i].text, options, &data, &error), "%s", cases[i].text);
        ck_assert_msg(strstr(error.text, cases[i].features) != NULL, "%s: %s; %s is wanted",
                      cases[i].text, error.text, cases[i].features);
    }
}
END_TEST

/* A number in one row among texts, or a text among many numbers: the user must say. */
START_TEST(a_stray_text_is_an_error)
{
    char text[4096] = "a,b,y\n";
    struct relud_dataset data;
    struct relud_error error = {0};
    for (int i = 0; i < 40; i++)
        sprintf(text + strlen(text), "%d,%d,%d.5\n", i * i, i % 7, i);
    strcat(text, "lots,3,1\n");
    ck_assert(!learns(text, usual, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 42, column 1: 'lots' is not a number; "
                                             "--categorical 'a' makes categories of the column, "
                                             "--drop 'a' leaves it out"));
    struct relud_dataset_options options = usual;
    options.categorical = "a";
    ck_assert_msg(learns(text, options, &data, &error), "%s", error.text);
    ck_assert_uint_eq(relud_words_of(data.feature, 0)->count, 41);
    relud_dataset_free(&data);
}
END_TEST

static char *many_words(size_t rows, size_t words, size_t bytes)
{
    char *text = malloc(64 + rows * (bytes + 32)), *at = text;
    at += sprintf(at, "a,b,y\n");
    for (size_t i = 0; i < rows; i++) {
        at += sprintf(at, "%zu,w%zu", i * 3 % 13, i % words);
        memset(at, 'x', bytes);
        at += bytes;
        at += sprintf(at, ",%zu.5\n", i % 5);
    }
    return text;
}

START_TEST(too_many_and_too_long_words_are_left_out)
{
    struct relud_dataset data;
    struct relud_error error = {0};
    struct relud_dataset_options asked = usual;
    asked.categorical = "b";
    static const struct {
        size_t rows, words, bytes;
        const char *why;
    } cases[] = {
        {250000, 100000, 0, "more than 1000 different words"},
        {4, 2, 1 << 20, "words of more than 1024 bytes"},
        {2002, 1001, 0, "more than 1000 different words"},
        {4, 2, 1023, "words of more than 1024 bytes"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = many_words(cases[i].rows, cases[i].words, cases[i].bytes);
        ck_assert_msg(learns(text, usual, &data, &error), "%s", error.text);
        ck_assert_uint_eq(data.features, 1);
        ck_assert_ptr_nonnull(strstr(data.note, cases[i].why));
        relud_dataset_free(&data);
        ck_assert(!learns(text, asked, &data, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "column 2, 'b': "));
        free(text);
    }
    char *text = many_words(2000, 1000, 0);
    ck_assert_msg(learns(text, usual, &data, &error), "%s", error.text);
    ck_assert_uint_eq(relud_words_of(data.feature, 1)->count, 1000);
    relud_dataset_free(&data);
    free(text);
}
END_TEST

/* Rows to choose the epoch by have the words of those to train on. */
START_TEST(other_rows_have_the_same_words)
{
    struct relud_dataset data, more;
    struct relud_error error = {0};
    struct relud_dataset_options options = usual;
    ck_assert(learns("a,b,y\n5,red,1.5\n6,,2\n7,red,3\n8,blue,4\n", options, &data, &error));
    options.like = &data;
    ck_assert_msg(learns("b,y,a\nblue,1,5\n,2,5\nred,3,5\n", options, &more, &error), "%s",
                  error.text);
    ck_assert(more.values[1] == 0 && more.values[3] == 1 && more.values[5] == 1);
    relud_dataset_free(&more);
    ck_assert(!learns("b,y,a\nbleu,1,5\n", options, &more, &error));
    ck_assert_ptr_nonnull(
        strstr(error.text, "line 2, column 1: 'bleu' is no category; did you mean 'blue'?"));
    ck_assert(!learns("b,y,a\nblue,1,\n", options, &more, &error)); /* none was missing */
    ck_assert_ptr_nonnull(strstr(error.text, "line 2, column 3: '' is missing"));
    ck_assert(!learns("b,y,a\nblue,,1\n", options, &more, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "line 2, column 2: '' where a target is wanted"));
    relud_dataset_free(&data);
    options = usual;
    options.takes_unknown = true;
    ck_assert(learns("a,b,y\n5,red,1.5\n7,red,3\n8,blue,4\n", options, &data, &error));
    options.like = &data;
    ck_assert_msg(learns("a,b,y\n5,green,1\n", options, &more, &error), "%s", error.text);
    ck_assert(more.values[1] == 2);
    relud_dataset_free(&more);
    relud_dataset_free(&data);
}
END_TEST

static bool is_learned_at(void *with, struct relud_error *error)
{
    struct relud_dataset data;
    bool is_read = relud_dataset_read(with, &usual, &data, error);
    if (is_read)
        relud_dataset_free(&data);
    return is_read;
}

START_TEST(without_memory_nothing_is_learned)
{
    static const char text[] = "a,b,y\n5,red,1.5\n,,2\n7,red,3\n8,\"b\"\"\",4\n";
    put_file(text, sizeof text - 1);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_learned_at, path);
    drop_file();
}
END_TEST

RUN_SUITE("csv_scan", text_becomes_words, what_is_wrong_is_named, a_stray_text_is_an_error,
          too_many_and_too_long_words_are_left_out, other_rows_have_the_same_words,
          without_memory_nothing_is_learned)
