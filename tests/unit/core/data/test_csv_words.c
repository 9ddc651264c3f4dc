/* Files of rows for a model that knows words: tables, records and columns. */
#include "tests/unit/suite.h"
#include "tests/unit/tables.h"

#include "core/base/words.h"
#include <math.h>

static const char *const cities[] = {"Bern", "New \"York\"", "Rome", "7", "NA"};
static const char *const plans[] = {"free", "paid"};
static const char *const names[] = {"age", "city", "plan"};

static struct arena arena;
static struct relud_words city, plan;
static struct relud_feature at[3];
static struct relud_features features;
static struct relud_rows_options model;

/* A number, a word, and a word that may be missing: it is then "paid". */
static void setup(void)
{
    struct relud_error error;
    ck_assert(words_make(&city, &arena, cities, 5, &error) &&
              words_make(&plan, &arena, plans, 2, &error));
    plan.missing = 1;
    at[1] = (struct relud_feature){.words = &city};
    at[2] = (struct relud_feature){.words = &plan, .is_imputed = true};
    features = (struct relud_features){.at = at, .len = 3, .has_words = true, .has_imputed = true};
    model = (struct relud_rows_options){.features = 3, .name = names, .feature = &features};
}

static void teardown(void)
{
    arena_reset(&arena);
}

static bool dataset_of(const char *text, size_t len, const struct relud_dataset_options *options,
                       struct relud_dataset *data, struct relud_error *error)
{
    put_file(text, len);
    bool is_read = relud_dataset_read(path, options, data, error);
    drop_file();
    return is_read;
}

#define KNOWS(text, note, ...) reads(text, sizeof(text) - 1, model, 3, VALUES(__VA_ARGS__), note)
#define DENIES(text, words)    refuses(text, sizeof(text) - 1, model, words)

START_TEST(words_of_tables_are_indices)
{
    KNOWS("age,city,plan\n31,Rome,free\n 9 , Bern ,paid\n", "", 31, 2, 0, 9, 0, 1);
    KNOWS("plan;age;id;city\npaid;1;x;\"New \"\"York\"\"\"\n", "columns left out: 'id'", 1, 1, 1);
    KNOWS("age,city,plan\n31,\"Rome\",\"free\"\n", "", 31, 2, 0);
    /* "7" and "NA" are words where they are categories */
    KNOWS("age,city,plan\n7,7,free\n7,NA,free\n", "", 7, 3, 0, 7, 4, 0);
    /* what is missing */
    KNOWS("age,city,plan\n1,Rome,\n2,Rome,None\n3,Rome,NaN\n", "", 1, 2, 1, 2, 2, 1, 3, 2, 1);
    KNOWS("age,city\n1,Rome\n", "", 1, 2, 1); /* the header is known by the others */
    KNOWS("7,city,age\n1,Rome,3\n", "columns left out: '7'", 3, 2, 1);
    /* without a header, by their places */
    KNOWS("31,Rome,free\n32,Bern,\n", "", 31, 2, 0, 32, 0, 1);
    city.takes_unknown = true;
    KNOWS("age,city,plan\n31,Rom,free\n", "", 31, 5, 0);
    KNOWS("31,Rom,free\n", "", 31, 5, 0);
    KNOWS("31,Rom\xc3\xa9,free\n", "", 31, 5, 0);
    DENIES("31,Rom\xc3,free\n", "line 1, column 2: 'Rom\\xc3' is not UTF-8");
    DENIES("age,city,plan\n31,\"\xed\xa0\x80\",free\n", "line 2, column 2: '");
    city.takes_unknown = false;
}
END_TEST

START_TEST(wrong_words_are_named)
{
    DENIES("age,city,plan\n1,Rome,free\n31,Rom,free\n",
           "line 3, column 2: 'Rom' is no category; did you mean 'Rome'?");
    DENIES("age,city,plan\n31,Oslo,free\n", "'Oslo' is no category; the 5 begin with 'Bern'");
    DENIES("31,Rom,free\n", "line 1, column 2: 'Rom' is no category; did you mean 'Rome'?");
    DENIES("age,city,plan\n31,8,free\n", "line 2, column 2: '8' is no category");
    DENIES("age,city,plan\n31,,free\n", "line 2, column 2: '' is missing");
    DENIES("age,city,plan\n,Rome,free\n", "line 2, column 1: '' is missing");
    DENIES("age,city,plan\nx,Rome,free\n", "line 2, column 1: 'x' is not a number");
    DENIES("age,plan\n1,free\n", "line 1: there is no column 'city'");
    DENIES("age,city,city,plan\n1,Rome,Rome,free\n", "columns 2 and 3 are both called 'city'");
    DENIES("age,city,plan\n31,\"Ro\"\"me\",free\n", "is no category");
    DENIES("age,city,plan\n31,Ro\xff,free\n", "line 2, column 2: 'Ro");
    char *text = malloc(3 << 20);
    size_t len = (size_t)sprintf(text, "age,city,plan\n31,\"");
    memset(text + len, '"', 2 << 20);
    len += 2 << 20;
    len += (size_t)sprintf(text + len, "\",free\n");
    refuses(text, len, model, "is no category");
    free(text);
}
END_TEST

START_TEST(words_of_json_are_indices)
{
    KNOWS("[[31,\"Rome\",\"free\"],[32,\"Bern\",null]]", "", 31, 2, 0, 32, 0, 1);
    KNOWS("[{\"city\":\"Rome\",\"age\":31,\"plan\":\"free\"}]", "", 31, 2, 0);
    KNOWS("{\"city\":\"Rome\",\"age\":31}", "", 31, 2, 1);
    KNOWS("{\"city\":\"Rome\",\"age\":31}\n{\"age\":32,\"city\":\"7\"}\n", "", 31, 2, 1, 32, 3, 1);
    KNOWS("{\"inputs\":{\"city\":[\"Rome\",\"Bern\"],\"age\":[1,2],\"plan\":[\"free\",\"paid\"]}}",
          "", 1, 2, 0, 2, 0, 1);
    DENIES("[[31,\"Rom\",\"free\"]]", "inputs[0][1]: 'Rom' is no category; did you mean 'Rome'?");
    DENIES("[[31,7,\"free\"]]", "inputs[0][1]");
    DENIES("[[\"31\",\"Rome\",\"free\"]]", "inputs[0][0]");
    DENIES("{\"inputs\":[[31,\"Rom\",\"free\"]]}", "inputs[0][1]: 'Rom' is no category");
    DENIES("{\"city\":\"Rome\",\"agee\":31}", "agee");
    DENIES("{\"city\":\"Rome\"}", "age");
}
END_TEST

START_TEST(indices_are_checked)
{
    at[0].indices = 3;
    features.has_indices = true;
    KNOWS("0,Rome,free\n2,Rome,free\n", "", 0, 2, 0, 2, 2, 0);
    DENIES("0,Rome,free\n3,Rome,free\n", "row 1, column 0: 3 is no whole number from 0 to 2");
    DENIES("[[-1,\"Rome\",\"free\"]]", "row 0, column 0: -1 is no whole number from 0 to 2");
    DENIES("[[1.5,\"Rome\",\"free\"]]", "1.5 is no whole number");
    /* a data set for the model, too */
    static const struct relud_feature id[] = {{.indices = 3}, {0}};
    static const struct relud_features ids = {.at = id, .len = 2, .has_indices = true};
    struct relud_error error;
    struct relud_dataset data;
    const struct relud_dataset_options options = {.feature = &ids};
    ck_assert(dataset_of("2,7.5,1\n0,1,2\n", 14, &options, &data, &error));
    relud_dataset_free(&data);
    ck_assert(!dataset_of("2,7.5,1\n3,1,2\n", 14, &options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "row 1, column 0: 3 is no whole number from 0 to 2"));
    ck_assert(!dataset_of("[[0.5,7,1],[0,1,2]]", 19, &options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "row 0, column 0: 0.5 is no whole number"));
    ck_assert(!dataset_of("\0\0\x08\2\0\0\0\2\0\0\0\3\2\1\0\3\1\0", 18, &options, &data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "row 1, column 0: 3 is no whole number"));
    at[0].indices = 0;
}
END_TEST

/* A line of four bytes that leaves out what is imputed stands for many numbers. */
START_TEST(a_table_has_at_most_so_many_numbers)
{
    enum { WIDE = 1000, ROWS = 40 };
    static char column[WIDE][8], text[32 + 4 * ROWS] = "c1,c2\n";
    static const char *name[WIDE];
    static struct relud_feature wide[WIDE];
    const struct relud_features all = {.at = wide, .len = WIDE, .has_imputed = true};
    for (size_t f = 0; f < WIDE; f++) {
        snprintf(column[f], sizeof column[f], "c%zu", f);
        name[f] = column[f];
        wide[f].is_imputed = true;
    }
    for (size_t row = 0; row < ROWS; row++)
        strcat(text, "1,2\n");
    for (size_t most = (ROWS - 1) * WIDE; most <= ROWS * WIDE; most += WIDE / 2) {
        struct relud_rows rows = {.rows = 0};
        struct relud_error error = {0};
        size_t pieces = 0;
        const struct relud_rows_options options = {
            .features = WIDE, .name = name, .feature = &all, .most = most};
        relud_table_reader *reader = relud_table_open(text, strlen(text), &options);
        ck_assert_ptr_nonnull(reader);
        bool is_right;
        do
            is_right = relud_table_read(reader, 2 * WIDE, &rows, &error);
        while (++pieces && is_right && rows.rows == 0);
        ck_assert_uint_ge(pieces, ROWS / 3);
        ck_assert_int_eq(is_right, most == ROWS * WIDE);
        ck_assert_int_eq(error.code, is_right ? RELUD_OK : RELUD_TOO_LARGE);
        ck_assert(is_right || strstr(error.text, "numbers"));
        relud_table_close(reader);
        relud_rows_free(&rows);
    }
}
END_TEST

static bool read_all(const char *text, size_t len, const struct relud_watch *watch,
                     struct relud_error *error)
{
    struct relud_rows_options options = model;
    options.most = 3000;
    options.watch = watch;
    struct relud_rows rows = {.rows = 0};
    relud_table_reader *reader = relud_table_open(text, len, &options);
    *error = (struct relud_error){0};
    ck_assert_ptr_nonnull(reader);
    bool is_right;
    do
        is_right = relud_table_read(reader, len + 1, &rows, error);
    while (is_right && rows.rows == 0);
    relud_table_close(reader);
    relud_rows_free(&rows);
    return is_right;
}

static bool ends_after(void *user)
{
    size_t *left = user;
    return *left && --*left;
}

/* One record, one comment, or what lies between them, may be as long as the text. */
START_TEST(long_parts_of_a_table_are_watched_or_refused)
{
    enum { BYTES = 1 << 20, MANY_CALLS = 1 << 20 };
    static const char head[] = "age,city,plan\n", row[] = "31,Rome,free\n";
    static const struct {
        const char *before, *part, *behind, *words; /* words: of the error */
    } parts[] = {
        {"", "\n", "age,city,plan\n31,Rome,free\n", NULL},
        {"", "  \n", "age,city,plan\n31,Rome,free\n", NULL},
        {"", "#\n", "age,city,plan\n31,Rome,free\n", NULL},
        {head, "\r\n", row, NULL},
        {head, " ", "31,Rome,free\n", NULL},
        {"#", "x,", "\nage,city,plan\n31,Rome,free\n", NULL},
        {"age,city,plan\n31,Rome,\"", "\"\"", "\"\n", "line 2, column 3: a cell of more than"},
        {"age,city,plan\n31,Rome,", "y", "\n", "line 2, column 3: a cell of more than"},
        {head, "1,", "\n", "line 2 has more than 1030 columns"},
        {"", "a,", "\n31,Rome,free\n", "line 1 has more than 1030 columns"},
        {"31,\"", "\"\"", "\",free\n", "line 1, column 2: a cell of more than"},
    };
    char *text = malloc(2 * BYTES);
    ck_assert_ptr_nonnull(text);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        char *end = stpcpy(text, parts[i].before);
        while (end < text + BYTES)
            end = stpcpy(end, parts[i].part);
        size_t len = (size_t)(stpcpy(end, parts[i].behind) - text), calls = MANY_CALLS;
        const struct relud_watch watch = {.go_on = ends_after, .user = &calls};
        struct relud_error error;
        bool is_read = read_all(text, len, &watch, &error);
        ck_assert_msg(is_read == !parts[i].words, "case %zu: %s", i, error.text);
        ck_assert_msg(is_read || strstr(error.text, parts[i].words), "case %zu: %s", i, error.text);
        size_t asked = MANY_CALLS - calls;
        ck_assert_msg(asked >= 1 || !is_read, "case %zu: %zu calls", i, asked);
        for (size_t nth = 1; nth <= asked; nth += 1 + asked / 4) {
            calls = nth;
            ck_assert(!read_all(text, len, &watch, &error));
            ck_assert_msg(error.code == RELUD_IO, "case %zu: %s", i, error.text);
        }
    }
    free(text);
}
END_TEST

START_TEST(arrays_of_numbers_say_no_words)
{
    static const char idx[] = "\0\0\x08\2\0\0\0\2\0\0\0\3\1\0\0\2\1\1",
                      idx_target[] = "\0\0\x08\2\0\0\0\1\0\0\0\4\1\0\0\1";
    char npy[RELUD_NPY_HEAD_MAX + 12];
    size_t len = relud_npy_head((const size_t[]){1, 3}, 2, npy);
    memset(npy + len, 0, 12);
    DENIES(idx, "an array of numbers, where column 1 wants words: give CSV");
    refuses(npy, len + 12, model, "an array of numbers, where column 1 wants words");
    const struct relud_dataset like = {.features = 3, .feature = &features};
    const struct relud_dataset_options each[] = {{.feature = &features}, {.like = &like}};
    for (size_t i = 0; i < 2; i++) {
        struct relud_error error;
        struct relud_dataset data;
        ck_assert(!dataset_of(idx_target, sizeof idx_target - 1, &each[i], &data, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "where column 1 wants words"));
        ck_assert(!dataset_of("[[1,0,0,1]]", 11, &each[i], &data, &error));
        ck_assert_ptr_nonnull(strstr(error.text, "where column 1 wants words"));
    }
}
END_TEST

RUN_SUITE_BETWEEN("csv_words", setup, teardown, words_of_tables_are_indices, wrong_words_are_named,
                  words_of_json_are_indices, indices_are_checked, arrays_of_numbers_say_no_words,
                  a_table_has_at_most_so_many_numbers, long_parts_of_a_table_are_watched_or_refused)
