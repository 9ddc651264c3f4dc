/* Tables in JSON: rows and columns by name, pandas' split form, bare arrays. */
#include "tests/unit/suite.h"

#include "tests/scarce.h"

#include <relud/text.h>
#include <stdio.h>

enum { VALUES_MAX = 64 };

static const char *const names[] = {"b", "a\"", "\xc3\xa9"};
static struct relud_json_columns columns;

struct table_case {
    const char *text;
    const char *numbers; /* in the columns' order; NULL: refused */
    const char *words;   /* the rest, or in the error */
};

#define B "\"b\":"
#define A "\"a\\\"\":"
#define E "\"\\u00e9\":"

static const struct table_case cases[] = {
    /* rows */
    {"{\"inputs\":[{" B "1," A "2," E "3}]}", "1 2 3", "{\"inputs\":0}"},
    {"{\"inputs\":[{" A "2," E "3," B "1},{ " E " 6 , " B "4," A "5 } ],\"k\":7}", "1 2 3 4 5 6",
     "{\"inputs\":0,\"k\":7}"},
    {"{\"inputs\":[[1,2,3],{" A "5," B "4," E "6}]}", "1 2 3 4 5 6", "{\"inputs\":0}"},
    {"{\"inputs\":[{" B "1," A "2," E "3},[4,5,6]]}", "1 2 3 4 5 6", "{\"inputs\":0}"},
    {"{\"inputs\":[{\"x\":[1,2,3]}]}", "1 2 3", "{\"inputs\":0}"},
    {"{\"records\":[{" B "1," A "2," E "3}]}", "1 2 3", "{\"records\":0}"},
    {"{\"inputs\":[{" B "1," A "2}]}", NULL, "inputs[0]: column \"\xc3\xa9\" is missing"},
    {"{\"inputs\":[{}]}", NULL, "inputs[0]: column \"b\" is missing"},
    {"{\"inputs\":[{" B "1," A "2," E "3},{" A "1}]}", NULL, "inputs[1]: column \"b\" is missing"},
    {"{\"inputs\":[{" B "1," A "2," E "3,\"id\":7}]}", NULL,
     "inputs[0]: the model has no column \"id\"; its 3 begin with \"b\""},
    {"{\"inputs\":[{" B "1," B "2," A "2," E "3}]}", NULL, "inputs[0]: column \"b\" stands twice"},
    {"{\"inputs\":[{" B "1," A "\"2\"," E "3}]}", NULL, "'\"2\"' is no number"},
    {"{\"inputs\":[{" B "null," A "2," E "3}]}", NULL, "inputs[0].b: 'null' is no number"},
    {"{\"inputs\":[{" B "true," A "2," E "3}]}", NULL, "is no number"},
    {"{\"inputs\":[{" B "[1]," A "2," E "3}]}", "1 2 3", "{\"inputs\":0}"},
    {"{\"inputs\":[{" B "[]," A "2," E "3}]}", NULL, "inputs[0].b"},
    {"{\"inputs\":[{" B "[1,2]," A "2," E "3}]}", NULL,
     "inputs[0].b has more than 1 number; 1 are"},
    {"{\"inputs\":[{" B "1e99," A "2," E "3}]}", NULL, "inputs[0].b: '1e99' is not finite"},
    {"{\"inputs\":[{" B "NaN," A "2," E "3}]}", NULL, "not a finite number"},
    {"{\"inputs\":[{" B "1," A "2," E "3},{\"x\":[1,2,3]}]}", "1 2 3 1 2 3", "{\"inputs\":0}"},
    {"{\"inputs\":[{" B "1," A "2," E "3},7]}", NULL,
     "inputs[1]: a number where others are arrays"},
    {"{\"inputs\":[[1,2],{" B "1," A "2," E "3}]}", NULL, "inputs[1]: an object where others are"},
    {"{\"inputs\":[1,{" B "1," A "2," E "3}]}", NULL,
     "inputs[1]: an object where others are numbers at byte 13"},
    {"{\"inputs\":[[[1]],{" B "1," A "2," E "3}]}", NULL,
     "inputs[1]: an object where others are arrays at byte 17"},
    {"{\"inputs\":[{" B "1," A "2," E "3,}]}", NULL, "at byte"},
    {"{\"inputs\":[{\"b\" 1}]}", NULL, "inputs[0]: '1' stands where a colon is wanted at byte 16"},
    {"{\"inputs\":[{" B "1 " A "2," E "3}]}", NULL, "where a comma or } is wanted"},
    {"{\"inputs\":[{" B "1," A "2," E "3", NULL, "ends too early"},
    /* columns */
    {"{\"inputs\":{" B "[1,4]," A "[2,5]," E "[3,6]}}", "1 2 3 4 5 6", "{\"inputs\":0}"},
    {"{\"inputs\":{ " E "[ 3 , 6 ] , " B "[[1],[ 4 ]]," A "[2,5] } }", "1 2 3 4 5 6",
     "{\"inputs\":0 }"},
    {"{\"inputs\":{" B "1," A "2," E "3}}", "1 2 3", "{\"inputs\":0}"},
    {"{\"inputs\":{\"x\":[[1,2,3]]}}", "1 2 3", "{\"inputs\":0}"},
    {"{\"inputs\":{" B "[1,4]," A "[2,5]}}", NULL, "inputs: column \"\xc3\xa9\" is missing"},
    {"{\"inputs\":{" B "[1,4]," A "[2]," E "[3,6]}}", NULL,
     "inputs.a\\\" has 1 rows where the first column has 2"},
    {"{\"inputs\":{" B "[1]," A "[2,5]," E "[3,6]}}", NULL, "has 2 rows where the first"},
    {"{\"inputs\":{" B "[1]," A "[2]," E "[3],\"id\":[7]}}", NULL,
     "the model has no column \"id\""},
    {"{\"inputs\":{" B "[1]," B "[2]," E "[3]}}", NULL, "inputs: column \"b\" stands twice"},
    {"{\"inputs\":{" B "[]," A "[2]," E "[3]}}", NULL, "inputs.b is an empty array"},
    {"{\"inputs\":{" B "[1,null]," A "[2,5]," E "[3,6]}}", NULL,
     "inputs.b[1]: 'null' is no number"},
    {"{\"inputs\":{" B "[[1,2]]," A "[2]," E "[3]}}", NULL,
     "inputs.b[0] has more than 1 number; 1 are wanted"},
    {"{\"inputs\":{" B "[1 4]," A "[2,5]," E "[3,6]}}", NULL,
     "inputs.b[1]: '4' stands where a comma or ] is wanted at byte 18"},
    {"{\"inputs\":{" B "[1,4]," A "[2,", NULL, "ends too early"},
    {"{\"inputs\":{}}", NULL, "column \"b\" is missing"},
    /* split */
    {"{\"split\":{\"columns\":[\"a\\\"\",\"b\",\"\xc3\xa9\"],\"index\":[0,1],\"data\":[[2,1,3],[5,"
     "4,6]]}}",
     "1 2 3 4 5 6", "{\"split\":0}"},
    {"{\"k\":1,\"split\":{\"data\":[[3,2,1]],\"columns\":[\"\\u00e9\",\"a\\\"\",\"b\"]} }", "1 2 3",
     "{\"k\":1,\"split\":0 }"},
    {"{\"split\":{\"data\":[[1,2,3]]}}", "1 2 3", "{\"split\":0}"},
    {"{\"split\":{\"columns\":null,\"data\":[[1,2,3]]}}", "1 2 3", "{\"split\":0}"},
    {"{\"split\":{\"columns\":[\"b\",\"a\\\"\"],\"data\":[[1,2]]}}", NULL,
     "split.columns: column \"\xc3\xa9\" is missing"},
    {"{\"split\":{\"columns\":[\"b\",\"a\\\"\",\"b\"],\"data\":[[1,2,3]]}}", NULL,
     "split.columns: column \"b\" stands twice"},
    {"{\"split\":{\"columns\":[0,1,2],\"data\":[[1,2,3]]}}", NULL, "the model has no column \"0\""},
    {"{\"split\":{\"columns\":[\"b\",\"a\\\"\"],\"data\":[[1,2,3]]}}", NULL,
     "split.columns has 2 names; data has 3 columns"},
    {"{\"split\":{\"columns\":[\"b\",\"a\\\"\",\"\xc3\xa9\",\"b\"],\"data\":[[1,2,3]]}}", NULL,
     "split.columns has more names than data has columns, 3"},
    {"{\"split\":{\"columns\":[\"b\",\"a\\\"\",\"\xc3\xa9\",\"b\"],\"data\":[[1,2,3,4]]}}", NULL,
     "split.columns: column \"b\" stands twice"},
    {"{\"split\":{\"columns\":7,\"data\":[[1,2,3]]}}", NULL, "must be an array of names"},
    {"{\"split\":{\"columns\":[\"b\"],\"data\":[1]}}", NULL, "data is not rows of numbers"},
    {"{\"split\":{\"columns\":[\"b\"]}}", NULL, "split.data is missing"},
    {"{\"split\":[[1,2,3]]}", NULL, "split must be an object of columns and data"},
    {"{\"split\":{\"data\":[[1,2,\"3\"]]}}", NULL, "split.data[0][2]: '\"3\"' is no number"},
    {"{\"split\":{\"data\":[[1,2,3]]},\"inputs\":[[1,2,3]]}", NULL,
     "\"split\" and \"inputs\" together"},
    /* nothing under another name */
    {"{\"records\":[],\"inputs\":[[1,2,3]],\"split\":null}", "1 2 3",
     "{\"records\":[],\"inputs\":0,\"split\":null}"},
    {"{\"inputs\":[[1,2,3]],\"records\":[ ]}", "1 2 3", "{\"inputs\":0,\"records\":[ ]}"},
    {"{\"records\":[],\"inputs\":[]}", NULL, "inputs is an empty array at byte 14"},
    {"{\"records\":[],\"records\":[]}", NULL, "twice"},
    /* bare */
    {"[[1,2,3],[4,5,6]]", "1 2 3 4 5 6", "{\"inputs\":0}"},
    {" [{" A "2," B "1," E "3}] \n", "1 2 3", "{\"inputs\":0}"},
    {"[[1,2,3]] 7", NULL, "more stands behind the array"},
    {"[[1,2,3]", NULL, "ends too early"},
};

static const struct relud_json_member others[] = {{"records", RELUD_JSON_NAMED_ROWS},
                                                  {"split", RELUD_JSON_SPLIT}};

static struct relud_json_array array_of(float *values)
{
    return (struct relud_json_array){.values = values,
                                     .capacity = VALUES_MAX,
                                     .form = RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS,
                                     .name = "x",
                                     .columns = &columns,
                                     .other = others,
                                     .others = 2,
                                     .may_be_bare = true};
}

static void check_numbers(const char *text, const struct relud_json_array *array,
                          const char *numbers)
{
    size_t count = 0;
    for (char *end; *numbers; numbers = end + (*end == ' '), count++)
        if (count >= array->count || array->values[count] != strtof(numbers, &end))
            ck_abort_msg("%s: number %zu of %zu is not %s", text, count, array->count, numbers);
    ck_assert_uint_eq(array->count, count);
    ck_assert_uint_eq(array->rank, 2);
    ck_assert_uint_eq(array->shape[0], count / 3);
    ck_assert_uint_eq(array->shape[1], 3);
}

START_TEST(P10_tables_are_read_by_the_names_of_their_columns)
{
    float values[VALUES_MAX];
    char rest[256];
    ck_assert(relud_json_columns_open(&columns, names, NULL, 3));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct table_case *c = &cases[i];
        struct relud_json_array array = array_of(values);
        struct relud_error error = {0};
        bool is_read =
            relud_json_read(c->text, strlen(c->text), "inputs", &array, rest, sizeof rest, &error);
        ck_assert_msg(is_read == (c->numbers != NULL), "%s: %s", c->text, error.text);
        ck_assert_msg(strstr(is_read ? rest : error.text, c->words) != NULL, "%s: %s; %s is wanted",
                      c->text, is_read ? rest : error.text, c->words);
        if (is_read)
            check_numbers(c->text, &array, c->numbers);
    }
    relud_json_columns_close(&columns);
}
END_TEST

/* Wherever the reading pauses, the same comes of it; and each text cut short is refused. */
START_TEST(P10_tables_are_read_in_pieces)
{
    ck_assert(relud_json_columns_open(&columns, names, NULL, 3));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct table_case *c = &cases[i];
        size_t len = strlen(c->text), calls = 0;
        if (!c->numbers)
            continue;
        float values[VALUES_MAX];
        char rest[256];
        struct relud_json_array array = array_of(values);
        struct relud_json_pause pause = {.bytes = 1};
        struct relud_error error = {0};
        while (!relud_json_read_piece(c->text, len, "inputs", &array, &pause, rest, sizeof rest,
                                      &error)) {
            ck_assert_msg(pause.at > 0 && ++calls < len, "%s: %s", c->text, error.text);
            array = array_of(values);
        }
        check_numbers(c->text, &array, c->numbers);
        ck_assert_str_eq(rest, c->words);
        while (len > 1 && strchr(" \n", c->text[len - 1]))
            len--;
        for (size_t cut = 0; cut < len; cut++) {
            char *part = malloc(cut + 1); /* a sanitizer sees what reads beyond */
            memcpy(part, c->text, cut);
            array = array_of(values);
            if (relud_json_read(part, cut, "inputs", &array, rest, sizeof rest, &error))
                ck_abort_msg("%.*s: is taken", (int)cut, c->text);
            free(part);
        }
    }
    relud_json_columns_close(&columns);
}
END_TEST

START_TEST(P10_names_that_are_not_each_another_name_nothing)
{
    static const char *const same[] = {"a", "b", "a"};
    ck_assert(relud_json_columns_open(&columns, same, NULL, 3));
    ck_assert_uint_eq(columns.len, 0);
    relud_json_columns_close(&columns);
    ck_assert(relud_json_columns_open(&columns, NULL, NULL, 0));
    ck_assert_uint_eq(columns.len, 0);
    ck_assert(relud_json_columns_open(&columns, names, NULL, 0));
    ck_assert(columns.len == 0 && !columns.by_name);
    scarce_begin(SCARCE_MEMORY, 1);
    ck_assert(!relud_json_columns_open(&columns, names, NULL, 3));
    ck_assert(scarce_end() && !columns.by_name);
}
END_TEST

/* Each text has one number more than there is room for. */
START_TEST(P10_no_more_numbers_than_there_is_room_for)
{
    static const struct {
        const char *text;
        size_t capacity;
        const char *words; /* NULL: it is read */
    } limits[] = {
        {"{\"inputs\":[{" B "1," A "2," E "3}]}", 3, NULL},
        {"{\"inputs\":[{" B "1," A "2," E "3}]}", 2, "inputs has more than 2 numbers at byte 11"},
        {"{\"inputs\":[{" B "1," A "2," E "3},{" B "1," A "2," E "3}]}", 5,
         "inputs has more than 5 numbers at byte 38"},
        {"{\"inputs\":{" B "1," A "2," E "3}}", 3, NULL},
        {"{\"inputs\":{" B "1," A "2," E "3}}", 2, "inputs has more than 2 numbers at byte 10"},
        {"{\"inputs\":{" B "[1,4]," A "[2,5]," E "[3,6]}}", 3,
         "inputs has more than 3 numbers at byte 18"},
        {"{\"split\":{\"data\":[[1,2,3]],\"columns\":[\"a\\\"\",\"b\",\"\xc3\xa9\"]}}", 9, NULL},
        {"{\"split\":{\"data\":[[1,2,3]],\"columns\":[\"a\\\"\",\"b\",\"\xc3\xa9\"]}}", 8,
         "split.columns are more than there is room for at byte 37"},
    };
    float values[VALUES_MAX];
    char rest[64];
    ck_assert(relud_json_columns_open(&columns, names, NULL, 3));
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        struct relud_error error = {0};
        struct relud_json_array array = array_of(values);
        array.capacity = limits[i].capacity;
        bool is_read = relud_json_read(limits[i].text, strlen(limits[i].text), "inputs", &array,
                                       rest, sizeof rest, &error);
        ck_assert_msg(is_read == !limits[i].words, "%s: %s", limits[i].text, error.text);
        ck_assert_str_eq(error.text, is_read ? "" : limits[i].words);
        ck_assert(is_read || error.code == RELUD_TOO_LARGE);
    }
    relud_json_columns_close(&columns);
}
END_TEST

/* The array has no name of its own then. */
START_TEST(P10_a_column_may_be_called_as_the_input_is)
{
    static const char *const texts[] = {"{\"inputs\":[{\"y\":2,\"x\":1},{\"x\":3,\"y\":4}]}",
                                        "{\"inputs\":{\"y\":[2,4],\"x\":[1,3]}}"};
    static const char *const of_input[] = {"x", "y"};
    float values[VALUES_MAX];
    char rest[64];
    struct relud_error error = {0};
    ck_assert(relud_json_columns_open(&columns, of_input, NULL, 2));
    for (size_t i = 0; i < 2; i++) {
        struct relud_json_array array = array_of(values);
        array.name = NULL;
        ck_assert_msg(relud_json_read(texts[i], strlen(texts[i]), "inputs", &array, rest,
                                      sizeof rest, &error),
                      "%s", error.text);
        ck_assert(array.rank == 2 && array.shape[0] == 2 && array.shape[1] == 2);
        for (size_t v = 0; v < 4; v++)
            ck_assert_float_eq(values[v], (float)(v + 1));
    }
    relud_json_columns_close(&columns);
}
END_TEST

START_TEST(P10_without_names_the_split_form_is_taken_as_it_stands)
{
    static const char text[] = "{\"split\":{\"columns\":[\"q\",0],\"data\":[[1,2]]}}";
    float values[VALUES_MAX];
    char rest[64];
    struct relud_error error = {0};
    struct relud_json_array array = array_of(values);
    array.columns = NULL;
    ck_assert(relud_json_read(text, strlen(text), "inputs", &array, rest, sizeof rest, &error));
    ck_assert(array.count == 2 && values[0] == 1 && values[1] == 2);
}
END_TEST

/* A name is text, and what looks like an escape in it is none; in the request it has escapes. */
START_TEST(names_with_backslashes_are_found)
{
    static const char *const slashes[] = {"n", "a\\u0062", "tab\t"};
    static const char text[] = "{\"inputs\":[{\"a\\\\u0062\":1,\"tab\\t\":2,\"n\":3}]}";
    float values[VALUES_MAX];
    char rest[64];
    struct relud_error error = {0};
    ck_assert(relud_json_columns_open(&columns, slashes, NULL, 3));
    struct relud_json_array array = array_of(values);
    ck_assert_msg(relud_json_read(text, strlen(text), "inputs", &array, rest, sizeof rest, &error),
                  "%s", error.text);
    check_numbers(text, &array, "3 1 2");
    relud_json_columns_close(&columns);
}
END_TEST

RUN_SUITE("json_table", P10_tables_are_read_by_the_names_of_their_columns,
          P10_tables_are_read_in_pieces, P10_names_that_are_not_each_another_name_nothing,
          P10_no_more_numbers_than_there_is_room_for, P10_a_column_may_be_called_as_the_input_is,
          P10_without_names_the_split_form_is_taken_as_it_stands, names_with_backslashes_are_found)
