/* Tensors of several inputs in JSON: by their names they become parts of rows. */
#include "tests/unit/suite.h"

#include "core/base/words.h"

#include <relud/relud.h>
#include <stdio.h>
#include <string.h>

enum { INPUTS = 4, FEATURES = 6, VALUES_MAX = 48, REST = 512, UNTOUCHED = -7 };

static const char *const names[INPUTS] = {"age", "city", "h\"", "item"};
static const size_t first[INPUTS + 1] = {0, 1, 2, 5, 6};
static const char *const cities[] = {"Rome", "Oslo", "S\xc3\xa3o Paulo"};

static struct arena arena;
static struct relud_json_columns columns;
static struct relud_words words;
static struct relud_feature at[FEATURES];
static const struct relud_features feature = {
    .at = at, .len = FEATURES, .has_words = true, .has_imputed = true};

static void set_up(void)
{
    struct relud_error error = {0};
    ck_assert(words_make(&words, &arena, cities, 3, &error));
    at[0].is_imputed = true;
    at[1].words = &words;
    ck_assert(relud_json_columns_open(&columns, names, first, INPUTS));
}

static void tear_down(void)
{
    relud_json_columns_close(&columns);
    arena_reset(&arena);
}

struct tensors_case {
    const char *text;
    const char *numbers; /* the rows; _ was not touched; NULL: refused */
    const char *words;   /* the rest, or in the error */
};

#define AGE "{\"name\":\"age\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":[31,30]}"
#define CITY                                                                                       \
    "{\"name\":\"city\",\"shape\":[2,1],\"datatype\":\"BYTES\",\"data\":[\"Oslo\",\"Rome\"]}"
#define HIST            "{\"data\":[[1,2,3],[4,5,6]],\"name\":\"h\\\"\",\"shape\":[2,3],\"datatype\":\"FP32\"}"
#define ITEM            "{\"name\":\"item\",\"data\":[8,9],\"datatype\":\"FP32\",\"shape\":[2]}"
#define ONE(name, data) "{\"inputs\":[{\"name\":\"" name "\",\"data\":" data "}]}"

static const struct tensors_case cases[] = {
    {"{\"inputs\":[" AGE "," CITY "," HIST "," ITEM "]}", "31 1 1 2 3 8 30 0 4 5 6 9",
     "{\"inputs\":[{\"name\":\"age\",\"datatype\":\"INT64\",\"shape\":[2],\"data\":0},"
     "{\"name\":\"city\",\"shape\":[2,1],\"datatype\":\"BYTES\",\"data\":0},"
     "{\"data\":0,\"name\":\"h\\\"\",\"shape\":[2,3],\"datatype\":\"FP32\"},"
     "{\"name\":\"item\",\"data\":0,\"datatype\":\"FP32\",\"shape\":[2]}]}"},
    {"{\"id\":\"7\",\"inputs\":[ " HIST ", " ITEM ", " CITY "," AGE "],\"outputs\":[]}",
     "31 1 1 2 3 8 30 0 4 5 6 9", ",\"outputs\":[]}"},
    {"{\"inputs\":[" ITEM ",{\"name\":\"age\",\"parameters\":{\"binary_data_size\":8}}]}",
     "_ _ _ _ _ 8 _ _ _ _ _ 9", "{\"binary_data_size\":8}}]}"},
    {ONE("h\\u0022", "[[[1],2],3]"), "_ _ 1 2 3 _", "\"data\":0}]}"},
    {ONE("h\\u0022", "[1,2,3,4]"), "_ _ 1 2 3 _ _ _ 4 _ _ _", ""},
    {ONE("age", "null"), "", "\"data\":null}]}"},
    {ONE("age", "7"), "7 _ _ _ _ _", ""},
    {ONE("age", "[null,7]"), "nan _ _ _ _ _ 7 _ _ _ _ _", ""},
    {ONE("age", "[true,false]"), "1 _ _ _ _ _ 0 _ _ _ _ _", ""},
    {ONE("city", "\"Oslo\""), "_ 1 _ _ _ _", ""},
    {ONE("city", "[[\"S\\u00e3o Paulo\"],[\"Rome\"]]"), "_ 2 _ _ _ _ _ 0 _ _ _ _", ""},
    /* a whole row, and names that are none */
    {ONE("all", "[1,\"Rome\",3,4,5,6]"), "1 0 3 4 5 6", ""},
    {ONE("other", "[1,[\"x\"],null]"), "", "{\"inputs\":[{\"name\":\"other\",\"data\":0}]}"},
    {ONE("other", "[1,[\"x\",]]"), NULL, "at byte"},
    {"{\"inputs\":[{\"data\":[1,2]}]}", "", "{\"inputs\":[{\"data\":0}]}"},
    {"{\"inputs\":[{\"name\":7,\"data\":[1,2]}]}", "", "{\"name\":7,\"data\":0}"},
    /* more than there is room for: counted, not kept */
    {ONE("age", "[1,2,3,4,5,6,7,8,9,10]"),
     "1 _ _ _ _ _ 2 _ _ _ _ _ 3 _ _ _ _ _ 4 _ _ _ _ _ 5 _ _ _ _ _ 6 _ _ _ _ _ 7 _ _ _ _ _ 8 _", ""},
    /* what is wrong */
    {ONE("city", "[\"Rme\"]"), NULL,
     "inputs[0].data[0]: 'Rme' is no category; did you mean 'Rome'? at byte 34, of input 'city'"},
    {ONE("city", "[\"Rome\",0]"), NULL,
     "inputs[0].data[1]: '0' stands where a word is wanted, as \"Rome\""},
    {ONE("city", "[\"Rome\",null]"), NULL, "'null' stands where a word is wanted"},
    {ONE("city", "[\"Ro\xff\"]"), NULL, "a byte that is not UTF-8"},
    {ONE("age", "[\"Rome\"]"), NULL, "inputs[0].data[0]: '\"Rome\"' is no number"},
    {ONE("age", "[1e99]"), NULL, "inputs[0].data[0]: '1e99' is not finite"},
    {"{\"inputs\":[{\"data\":[\"x\"],\"datatype\":\"UINT8\",\"name\":\"age\"}]}", NULL,
     "is no number"},
    {"{\"inputs\":[{\"data\":[256],\"datatype\":\"UINT8\",\"name\":\"age\"}]}", NULL, "UINT8"},
    {"{\"inputs\":[" AGE "," AGE "," AGE "," AGE "," AGE "," AGE "]}", NULL,
     "inputs[5].data: at most 5 tensors are wanted"},
    {"{\"inputs\":[" AGE ",7]}", NULL, "inputs[1] must be an object"},
};

static struct relud_json_array array_of(float *values, struct relud_json_tensor *tensor)
{
    for (size_t i = 0; i < VALUES_MAX; i++)
        values[i] = UNTOUCHED;
    return (struct relud_json_array){.values = values,
                                     .capacity = 44,
                                     .form = RELUD_JSON_TENSOR,
                                     .name = "all",
                                     .columns = &columns,
                                     .feature = &feature,
                                     .tensor = tensor,
                                     .tensors_max = INPUTS + 1};
}

static void check_rows(const char *text, const float *values, const char *numbers)
{
    char found[1024] = "";
    size_t last = VALUES_MAX, len = 0;
    while (last > 0 && values[last - 1] == UNTOUCHED)
        last--;
    size_t end = strlen(numbers) ? (last + FEATURES - 1) / FEATURES * FEATURES : last;
    for (size_t i = 0; i < (end > 44 ? 44 : end); i++)
        len += (size_t)(values[i] == UNTOUCHED
                            ? sprintf(found + len, "%s_", i ? " " : "")
                            : sprintf(found + len, "%s%g", i ? " " : "", (double)values[i]));
    ck_assert_msg(strcmp(found, numbers) == 0, "%s: %s; %s are wanted", text, found, numbers);
}

START_TEST(tensors_are_parts_of_rows)
{
    set_up();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct tensors_case *c = &cases[i];
        float values[VALUES_MAX];
        struct relud_json_tensor tensor[INPUTS + 1];
        char rest[REST];
        struct relud_json_array array = array_of(values, tensor);
        struct relud_error error = {0};
        bool is_read =
            relud_json_read(c->text, strlen(c->text), "inputs", &array, rest, sizeof rest, &error);
        ck_assert_msg(is_read == (c->numbers != NULL), "%s: %s", c->text, error.text);
        ck_assert_msg(strstr(is_read ? rest : error.text, c->words) != NULL, "%s: %s; %s is wanted",
                      c->text, is_read ? rest : error.text, c->words);
        if (is_read)
            check_rows(c->text, values, c->numbers);
    }
    tear_down();
}
END_TEST

START_TEST(what_was_found_is_told)
{
    set_up();
    static const char text[] = "{\"inputs\":[{\"name\":\"none\"}," HIST "," CITY
                               ",{\"name\":\"all\",\"data\":[1]},{\"name\":\"x\",\"data\":[1]}]}";
    static const struct relud_json_tensor wanted[] = {
        {.index = 1, .column = 2, .count = 6},
        {.index = 2, .column = 1, .count = 2},
        {.index = 3, .column = INPUTS, .count = 1},
        {.index = 4, .column = RELUD_JSON_NO_COLUMN, .count = 0}};
    float values[VALUES_MAX];
    struct relud_json_tensor tensor[INPUTS + 1];
    char rest[REST];
    struct relud_json_array array = array_of(values, tensor);
    struct relud_error error = {0};
    /* without a watch a pause is no pause here */
    struct relud_json_pause pause = {.bytes = 1};
    ck_assert_msg(relud_json_read_piece(text, strlen(text), "inputs", &array, &pause, rest,
                                        sizeof rest, &error),
                  "%s", error.text);
    ck_assert_uint_eq(array.tensors, 4);
    for (size_t i = 0; i < array.tensors; i++) {
        ck_assert_uint_eq(tensor[i].index, wanted[i].index);
        ck_assert_uint_eq(tensor[i].column, wanted[i].column);
        ck_assert_uint_eq(tensor[i].count, wanted[i].count);
        ck_assert(strchr("[", text[tensor[i].offset]) && text[tensor[i].end - 1] == ']');
    }
    ck_assert(array.is_present && !array.has_missing);
    tear_down();
}
END_TEST

/* Long tensors are moved to their rows in pieces, and a watch may end them. */
static bool ends(void *user)
{
    return ++*(size_t *)user < 3;
}

START_TEST(long_tensors_are_watched)
{
    enum { ROWS = 20000 };
    set_up();
    size_t room = (size_t)ROWS * 64, len = 0, calls = 0;
    char *text = malloc(room), rest[REST];
    float *values = calloc((size_t)ROWS * FEATURES, sizeof *values);
    len += (size_t)sprintf(text, "{\"inputs\":[{\"name\":\"h\\\"\",\"data\":[");
    for (size_t i = 0; i < 3 * (size_t)ROWS; i++)
        len += (size_t)sprintf(text + len, i ? ",%zu" : "%zu", i);
    len += (size_t)sprintf(text + len, "]},{\"name\":\"city\",\"data\":[");
    for (size_t i = 0; i < ROWS; i++)
        len += (size_t)sprintf(text + len, "%s\"%s\"", i ? "," : "", cities[i % 3]);
    len += (size_t)sprintf(text + len, "]}]}");
    struct relud_json_tensor tensor[INPUTS + 1];
    struct relud_json_array array = array_of(values, tensor);
    array.capacity = (size_t)ROWS * FEATURES;
    struct relud_error error = {0};
    ck_assert(relud_json_read(text, len, "inputs", &array, rest, sizeof rest, &error));
    for (size_t row = 8; row < ROWS; row++) {
        const float *x = values + row * FEATURES;
        ck_assert(x[1] == (float)(row % 3) && x[0] == 0 && x[5] == 0);
        for (size_t i = 0; i < 3; i++)
            ck_assert(x[2 + i] == (float)(3 * row + i));
    }
    struct relud_watch watch = {ends, &calls};
    struct relud_json_pause pause = {.bytes = 4096, .watch = &watch};
    ck_assert(
        !relud_json_read_piece(text, len, "inputs", &array, &pause, rest, sizeof rest, &error));
    ck_assert(error.code == RELUD_IO && calls >= 3);
    free(text);
    free(values);
    tear_down();
}
END_TEST

RUN_SUITE("json_tensors", tensors_are_parts_of_rows, what_was_found_is_told,
          long_tensors_are_watched)
