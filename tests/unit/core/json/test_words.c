/* Words among the numbers of rows: as arrays, records, columns and in pandas' split form, whole and
 * in pieces; and what is no word. */
#include "tests/unit/suite.h"

#include "core/base/words.h"
#include <math.h>
#include <relud/text.h>
#include <stdio.h>

enum { VALUES_MAX = 64, WIDTH = 4 };

static struct arena arena;
static struct relud_words city, land;
static struct relud_feature feature[WIDTH];
static struct relud_features features = {.at = feature, .len = WIDTH, .has_words = true};
static struct relud_json_columns columns;
static const char *const names[] = {"n", "city", "land", "m"};
static const struct relud_json_member others[] = {{"split", RELUD_JSON_SPLIT}};

static void set_up(void)
{
    static const char *const cities[] = {"Rome", "Oslo", "S\xc3\xa3o Paulo"};
    static const char *const lands[] = {"it", "no"};
    struct relud_error error = {0};
    ck_assert(words_make(&city, &arena, cities, 3, &error));
    ck_assert(words_make(&land, &arena, lands, 2, &error));
    land.takes_unknown = true;
    city.missing = 1;
    feature[1] = (struct relud_feature){.words = &city, .is_imputed = true};
    feature[2].words = &land;
    feature[3].is_imputed = features.has_imputed = true;
    ck_assert(relud_json_columns_open(&columns, names, NULL, WIDTH));
}

static void tear_down(void)
{
    relud_json_columns_close(&columns);
    arena_reset(&arena);
    memset(feature, 0, sizeof feature);
}

static struct relud_json_array array_of(float *values)
{
    return (struct relud_json_array){.values = values,
                                     .capacity = VALUES_MAX,
                                     .form = RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS,
                                     .name = "x",
                                     .columns = &columns,
                                     .feature = &features,
                                     .other = others,
                                     .others = 1};
}

/* Reads the text a few bytes at a time, or with bytes = 0 at once. */
static bool read(const char *text, size_t bytes, struct relud_json_array *array,
                 struct relud_error *error)
{
    char rest[128];
    struct relud_json_pause pause = {.bytes = bytes};
    *error = (struct relud_error){0};
    for (;;) {
        bool is_read = relud_json_read_piece(text, strlen(text), "inputs", array,
                                             bytes ? &pause : NULL, rest, sizeof rest, error);
        if (is_read || error->code != RELUD_OK)
            return is_read;
        ck_assert(bytes && pause.at > 0);
    }
}

START_TEST(words_are_read_in_every_form)
{
    static const char *const texts[] = {
        "{\"inputs\":[[7,\"Oslo\",\"no\",8],[9,\"S\\u00e3o Paulo\",\"xx\",1]]}",
        "{\"inputs\":[{\"m\":8,\"city\":\"Oslo\",\"n\":7,\"land\":\"no\"},"
        "{\"n\":9,\"land\":\"xx\",\"city\":\"S\xc3\xa3o Paulo\",\"m\":1}]}",
        "{\"inputs\":{\"land\":[\"n\\u006f\",\"it \"],\"m\":[8,1],\"n\":[7,9],"
        "\"city\":[\"Oslo\",\"S\xc3\xa3o Paulo\"]}}",
        "{\"split\":{\"columns\":[\"land\",\"n\",\"city\",\"m\"],\"index\":[0,1],"
        "\"data\":[[\"no\",7,\"Oslo\",8],[\"\",9,\"S\xc3\xa3o Paulo\",1]]}}",
        "{\"inputs\":[{\"land\":\"no\",\"n\":7,\"m\":8},{\"land\":\"-\",\"n\":9,\"m\":1,"
        "\"city\":\"S\xc3\xa3o Paulo\"}]}",
        "{\"inputs\":[[7,null,\"no\",8],[9,\"S\xc3\xa3o Paulo\",\"It\",1]]}",
        "{\"inputs\":[ [ 7 , \"Oslo\" , \"no\" , 8 ] , [9,\"S\xc3\xa3o Paulo\" , \"\", 1]]}",
    };
    static const float wanted[] = {7, 1, 1, 8, 9, 2, 2, 1};
    set_up();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t bytes = 0; bytes < strlen(texts[i]); bytes += 1 + bytes / 8) {
            float values[VALUES_MAX];
            struct relud_error error;
            struct relud_json_array array = array_of(values);
            ck_assert_msg(read(texts[i], bytes, &array, &error), "%s: %s", texts[i], error.text);
            ck_assert_uint_eq(array.count, 8);
            ck_assert_uint_eq(array.shape[0], 2);
            ck_assert_msg(memcmp(values, wanted, sizeof wanted) == 0, "%s, %zu", texts[i], bytes);
            ck_assert(!array.has_missing);
        }
    tear_down();
}
END_TEST

/* A column of two numbers: a row of the split form has an array for it. */
START_TEST(columns_of_several_numbers_are_read_in_the_split_form)
{
    static const char *const wide[] = {"pair", "city", "land"};
    static const size_t first[] = {0, 2, 3, 4};
    static const float wanted[] = {7, 8, 1, 0, 9, 10, 0, 1};
    static const struct {
        const char *text, *words; /* words: of the error */
    } cases[] = {
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8],\"Oslo\"],[\"no\",[9,1e1],\"Rome\"]"
         "]",
         NULL},
        {"[\"land\",\"pair\",\"city\"],\"data\": [ [ \"it\" , [ 7 , 8 ] , \"Oslo\" ] , "
         "[[\"no\"],[[9],[10]],"
         "\"Rome\"] ] ",
         NULL},
        {"[\"city\",\"pair\",\"land\"],\"data\":[[null,[7,8],\"it\"],[\"Rome\",[9,10],\"no\"]]",
         NULL},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",7,8,\"Oslo\"]]",
         "split.data[0].pair has 1 number; 2 are wanted"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8,9],\"Oslo\"]]",
         "split.data[0].pair has more than 2 numbers; 2 are wanted"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8],\"Osla\"]]",
         "split.data[0].city: 'Osla' is no category"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8]]]",
         "split.data[0] has 2 values; 3 are wanted"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8],\"Oslo\",1]]",
         "split.data[0] has more than 3 values; 3 are wanted"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[]]", "split.data[0].land"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8],\"Oslo\"],7]",
         "split.data[1]: a number where others are arrays"},
        {"[\"land\",\"pair\"],\"data\":[[\"it\",[7,8],\"Oslo\"]]",
         "split.columns has 2 names; data has 3 columns"},
        {"[\"land\",\"pair\",\"pair\"],\"data\":[[\"it\",[7,8],\"Oslo\"]]",
         "column \"pair\" stands twice"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8},\"Oslo\"]]",
         "stands where a comma or ] is wanted"},
        {"[\"land\",\"pair\",\"city\"],\"data\":[[\"it\",[7,8],\"Oslo\"}]",
         "stands where a comma or ] is wanted"},
    };
    set_up();
    relud_json_columns_close(&columns);
    ck_assert(relud_json_columns_open(&columns, wide, first, 3));
    feature[1] = (struct relud_feature){0};
    feature[2] = (struct relud_feature){.words = &city, .is_imputed = true};
    feature[3] = (struct relud_feature){.words = &land};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[256];
        snprintf(text, sizeof text, "{\"split\":{\"columns\":%s}}", cases[i].text);
        for (size_t bytes = 0; bytes < strlen(text); bytes += 1 + bytes / 8) {
            float values[VALUES_MAX];
            struct relud_error error;
            struct relud_json_array array = array_of(values);
            bool is_read = read(text, bytes, &array, &error);
            ck_assert_msg(is_read == !cases[i].words, "%s: %s", text, error.text);
            if (is_read)
                ck_assert_msg(array.count == 8 && memcmp(values, wanted, sizeof wanted) == 0, "%s",
                              text);
            else
                ck_assert_msg(strstr(error.text, cases[i].words), "%s: %s", text, error.text);
        }
    }
    tear_down();
}
END_TEST

START_TEST(nothing_is_written_behind_the_room)
{
    static const char *const texts[] = {
        "{\"inputs\":[[7,\"Oslo\",\"no\",8],[9,\"Rome\",\"no\",1]]}",
        "{\"inputs\":[[7,null,\"no\",null],[9,null,\"no\",null]]}",
        "{\"inputs\":[{\"n\":7,\"land\":\"no\"},{\"n\":7,\"city\":\"Rome\",\"land\":\"no\",\"m\":8}"
        "]}",
        "{\"inputs\":{\"n\":[7,9],\"city\":[null,\"Oslo\"],\"land\":[\"no\",\"it\"],\"m\":[null,8]}"
        "}",
        "{\"split\":{\"columns\":[\"n\",\"city\",\"land\",\"m\"],"
        "\"data\":[[7,\"Oslo\",\"no\",8],[9,\"Rome\",\"no\",1]]}}",
    };
    set_up();
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t room = 0; room < 8; room++)
            for (size_t bytes = 0; bytes < strlen(texts[i]); bytes += 1 + bytes / 8) {
                float values[VALUES_MAX];
                struct relud_error error;
                struct relud_json_array array = array_of(values);
                array.capacity = room;
                for (size_t k = 0; k < VALUES_MAX; k++)
                    values[k] = 1234;
                ck_assert_msg(!read(texts[i], bytes, &array, &error), "%s, %zu", texts[i], room);
                ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
                for (size_t k = room; k < VALUES_MAX; k++)
                    ck_assert_msg(values[k] == 1234, "%s, %zu: %zu", texts[i], room, k);
            }
    tear_down();
}
END_TEST

static bool count_calls(void *user)
{
    ++*(size_t *)user;
    return true;
}

/* Two bytes may stand for a thousand numbers: the watch is called for these, too. */
START_TEST(short_texts_of_many_numbers_are_watched)
{
    enum { WIDE = 1000, ROWS = 1000 };
    static const char *const texts[] = {"{\"inputs\":[", "{}", "{\"inputs\":{\"c0\":[", "1"};
    static char column[WIDE][8], text[32 + 3 * ROWS];
    static const char *name[WIDE];
    static struct relud_feature wide[WIDE];
    static float values[ROWS * WIDE];
    const struct relud_features all = {.at = wide, .len = WIDE, .has_imputed = true};
    struct relud_json_columns many;
    for (size_t f = 0; f < WIDE; f++) {
        snprintf(column[f], sizeof column[f], "c%zu", f);
        name[f] = column[f];
        wide[f].is_imputed = true;
    }
    ck_assert(relud_json_columns_open(&many, name, NULL, WIDE));
    for (size_t i = 0; i < 2; i++) {
        char *at = stpcpy(text, texts[2 * i]), rest[32];
        for (size_t row = 0; row < ROWS; row++)
            at = stpcpy(stpcpy(at, row ? "," : ""), texts[2 * i + 1]);
        strcpy(at, i ? "]}}" : "]}");
        size_t calls = 0;
        const struct relud_watch watch = {.go_on = count_calls, .user = &calls};
        struct relud_json_pause pause = {.bytes = 48 * 1024, .watch = &watch};
        struct relud_error error;
        struct relud_json_array array = array_of(values);
        array.capacity = ROWS * WIDE;
        array.columns = &many;
        array.feature = &all;
        bool is_read = relud_json_read_piece(text, strlen(text), "inputs", &array, &pause, rest,
                                             sizeof rest, &error);
        ck_assert_int_eq(is_read, i == 0); /* a column may not be left out for all rows */
        ck_assert_uint_ge(calls, 10);
    }
    relud_json_columns_close(&many);
}
END_TEST

START_TEST(missing_numbers_are_left_to_the_net)
{
    float values[VALUES_MAX];
    struct relud_error error;
    struct relud_json_array array = array_of(values);
    set_up();
    ck_assert(
        read("{\"inputs\":[{\"n\":1,\"land\":\"it\"},[2,null,\"no\",null]]}", 0, &array, &error));
    ck_assert(values[1] == 1 && isnan(values[3]) && values[5] == 1 && isnan(values[7]));
    ck_assert(array.has_missing);
    tear_down();
}
END_TEST

START_TEST(what_is_no_word_is_named)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"inputs\":[[7,\"Osla\",\"no\",8]]}",
         "inputs[0][1]: 'Osla' is no category; did you mean 'Oslo'? at byte 14"},
        {"{\"inputs\":[[7,\"Rio\",\"no\",8]]}",
         "inputs[0][1]: 'Rio' is no category; the 3 begin with 'Rome' at byte 14"},
        {"{\"inputs\":[[7,\"\",\"no\",8]]}", "inputs[0][1]: '' is no category"},
        {"{\"inputs\":[{\"n\":1,\"m\":1,\"city\":\"rome\"}]}",
         "inputs[0].city: 'rome' is no category; did you mean 'Rome'?"},
        {"{\"inputs\":{\"city\":[\"Rome\",\"x\"]}}", "inputs.city[1]: 'x' is no category"},
        {"{\"inputs\":[[7,3,\"no\",8]]}",
         "inputs[0][1]: '3' stands where a word is wanted, as \"Rome\" at byte 14"},
        {"{\"inputs\":[{\"city\":1}]}", "inputs[0].city: '1' stands where a word is wanted"},
        {"{\"inputs\":[[7,true,\"no\",8]]}", "inputs[0][1]: 'true' "},
        {"{\"inputs\":[[7,[\"Rome\"],\"no\",8]]}", "inputs[0][1]"},
        {"{\"inputs\":[[\"7\",\"Rome\",\"no\",8]]}",
         "inputs[0][0]: '\"7\"' is no number at byte 12"},
        {"{\"inputs\":[{\"n\":\"7\"}]}", "inputs[0].n: '\"7\"' is no number"},
        {"{\"inputs\":[[7,\"Rome\",null,8]]}",
         "inputs[0][2]: 'null' stands where a word is wanted"},
        {"{\"inputs\":[{\"land\":null}]}", "inputs[0].land: 'null' stands where a word is wanted"},
        {"{\"inputs\":[[7,\"Rome\",\"no\"]]}", NULL},
        {"{\"inputs\":[[7,\"Rome\",\"no\",8],[7,\"Rome\",\"no\"]]}", "inputs[1] has 3 numbers"},
        {"{\"inputs\":[[7,\"Rom\\x\",\"no\",8]]}", "an escape that JSON does not have"},
        {"{\"inputs\":[[7,\"Rom\xff\",\"no\",8]]}", "a byte that is not UTF-8"},
        {"{\"inputs\":[[7,\"Rome", "the text ends"},
        {"{\"inputs\":[{\"b64\":\"AACAPwAAgD8AAIA/AACAPw==\"}]}", "bytes where words are wanted"},
        {"{\"inputs\":\"Rome\"}", "inputs"},
        {"{\"split\":{\"data\":[[7,\"Rome\",\"no\",8]],\"columns\":[\"n\",\"city\",\"land\",\"m\"]}"
         "}",
         "split.data: columns must stand before it, as some of them are words"},
        {"{\"split\":{\"columns\":[\"n\",\"city\",\"land\"],\"data\":[[7,\"Rome\",\"no\",8]]}}",
         "split.columns has 3 names; data has 4 columns"},
        {"{\"split\":{\"columns\":[\"n\",\"n\",\"land\",\"m\"],\"data\":[[7,\"Rome\",\"no\",8]]}}",
         "split.columns: column \"n\" stands twice"},
        {"{\"split\":{\"columns\":[\"city\",\"n\",\"land\",\"m\"],\"data\":[[7,\"Rome\",\"no\",8]]}"
         "}",
         "split.data[0][0]: '7' stands where a word is wanted"},
    };
    set_up();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float values[VALUES_MAX];
        struct relud_error error;
        struct relud_json_array array = array_of(values);
        bool is_read = read(cases[i].text, 0, &array, &error);
        ck_assert_msg(is_read == !cases[i].words, "%s: %s", cases[i].text, error.text);
        ck_assert_msg(is_read || strstr(error.text, cases[i].words), "%s: '%s'; '%s' is wanted",
                      cases[i].text, error.text, cases[i].words);
    }
    tear_down();
}
END_TEST

/* A word of a megabyte is none of the categories, whatever else it is. */
START_TEST(long_words_are_cut_off)
{
    enum { LONG = 1 << 20 };
    char *text = malloc(LONG + 64);
    float values[VALUES_MAX];
    struct relud_error error;
    struct relud_json_array array = array_of(values);
    set_up();
    size_t len = (size_t)sprintf(text, "{\"inputs\":[[7,\"");
    memset(text + len, 'x', LONG);
    strcpy(text + len + LONG, "\",\"no\",8]]}");
    ck_assert(!read(text, 0, &array, &error));
    ck_assert_msg(strstr(error.text, "a name of more than 65536 bytes") != NULL, "%s", error.text);
    free(text);
    tear_down();
}
END_TEST

/* Several inputs: {"pair": [1, 2], "id": 3}. */
START_TEST(a_row_may_be_an_object_of_parts)
{
    static const char *const parts[] = {"pair", "id", "square"};
    static const size_t first[] = {0, 2, 3, 7};
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"{\"inputs\":[{\"pair\":[1,2],\"id\":3,\"square\":[[4,5],[6,7]]}]}", NULL},
        {"{\"inputs\":[{\"square\":[4,5,6,7],\"id\":[3],\"pair\":[[1],[2]]}]}", NULL},
        {"{\"inputs\":{\"square\":[[4,5,6,7]],\"id\":[3],\"pair\":[[1,2]]}}", NULL},
        {"{\"inputs\":{\"square\":[[[4,5],[6,7]]],\"id\":[[3]],\"pair\":[[1,2]]}}", NULL},
        {"{\"inputs\":[{\"pair\":[1],\"id\":3,\"square\":[4,5,6,7]}]}",
         "inputs[0].pair has 1 number; 2 are wanted"},
        {"{\"inputs\":[{\"pair\":[1,2,3],\"id\":3,\"square\":[4,5,6,7]}]}",
         "inputs[0].pair has more than 2 numbers; 2 are wanted"},
        {"{\"inputs\":[{\"pair\":1,\"id\":3}]}", "inputs[0].pair has 1 number; 2 are wanted"},
        {"{\"inputs\":[{\"pair\":[1,2],\"id\":3}]}", "inputs[0]: column \"square\" is missing"},
        {"{\"inputs\":[{\"pair\":[],\"id\":3}]}", "inputs[0].pair"},
        {"{\"inputs\":[{\"pair\":[1,2],\"pair\":[1,2]}]}", "column \"pair\" stands twice"},
        {"{\"inputs\":[{\"pair.0\":1}]}", "the model has no column \"pair.0\""},
        {"{\"inputs\":[{\"pair\":[1;2]}]}", "where a comma or ] is wanted"},
        {"{\"inputs\":[{\"pair\":[1,2", "ends too early"},
        {"{\"inputs\":{\"pair\":[[1,2],[1,2]],\"id\":[3],\"square\":[[4,5,6,7]]}}",
         "inputs.id has 1 rows where the first column has 2"},
        {"{\"split\":{\"columns\":[\"pair\",\"id\",\"square\"],\"data\":[[1,2,3]]}}",
         "split.data[0].pair has 1 number; 2 are wanted"},
    };
    ck_assert(relud_json_columns_open(&columns, parts, first, 3));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float values[VALUES_MAX];
        struct relud_error error;
        struct relud_json_array array = array_of(values);
        array.feature = NULL;
        bool is_read = read(cases[i].text, 0, &array, &error);
        ck_assert_msg(is_read == !cases[i].words, "%s: %s", cases[i].text, error.text);
        ck_assert_msg(is_read || strstr(error.text, cases[i].words), "%s: '%s'; '%s' is wanted",
                      cases[i].text, error.text, cases[i].words);
        for (size_t k = 0; is_read && k < 7; k++)
            ck_assert_float_eq(values[k], (float)k + 1);
    }
    relud_json_columns_close(&columns);
    char deep[200] = "{\"inputs\":[{\"pair\":";
    ck_assert(relud_json_columns_open(&columns, parts, first, 3));
    memset(deep + strlen(deep), '[', 40);
    float values[VALUES_MAX];
    struct relud_error error;
    struct relud_json_array array = array_of(values);
    array.feature = NULL;
    ck_assert(!read(deep, 0, &array, &error));
    ck_assert_msg(strstr(error.text, "nested too deeply") != NULL, "%s", error.text);
    relud_json_columns_close(&columns);
}
END_TEST

RUN_SUITE("json_words", words_are_read_in_every_form, nothing_is_written_behind_the_room,
          short_texts_of_many_numbers_are_watched, missing_numbers_are_left_to_the_net,
          columns_of_several_numbers_are_read_in_the_split_form, what_is_no_word_is_named,
          long_words_are_cut_off, a_row_may_be_an_object_of_parts)
