/* model.json's "inputs": numbers, words and ids side by side, and what it may not say of them. */
#include "tests/unit/models.h"

#include <math.h>

/* m: 3 numbers; e: 2 rows of 2; i: 4 rows of 1; w: 2 answers of 2 + 3 + 2 + 1 numbers. */
static const char header[] = "{" /**/
                             "\"m\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},"
                             "\"e\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[8,24]},"
                             "\"i\":{\"dtype\":\"F32\",\"shape\":[4,1],\"data_offsets\":[24,40]},"
                             "\"w\":{\"dtype\":\"F32\",\"shape\":[1,8],\"data_offsets\":[40,72]}}";
static const float numbers[] = {10, 20, /* e */ 1, 2,    3,    4,    /* i */ 5, 6,   7, 8, /* w */
                                1,  10, 100,       1000, 1e4f, 1e5f, 1e6f,      1e7f};

#define ALL(pair, city, land, movie)                                                               \
    HEAD "\"inputs\":[{\"name\":\"pair\"," pair "},{\"name\":\"city\"," city                       \
         "},{\"name\":\"land\"," land "},{\"name\":\"movie\"," movie                               \
         "}],\"layers\":[{\"weight\":\"w\"}]}"
#define PAIR  "\"shape\":[2],\"missing\":\"m\""
#define CITY  "\"categories\":[\"Rome\",\"Oslo\",\"Lima\"]"
#define LAND  "\"categories\":[\"it\",\"no\"],\"embedding\":\"e\""
#define MOVIE "\"embedding\":\"i\""

static relud_model *load(const char *json, struct relud_error *error)
{
    return load_model(json, header, numbers, sizeof numbers, error);
}

static float answer(relud_model *model, const float *x)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, 4, &error);
    float y;
    relud_predict(scratch, x, 1, &y);
    relud_scratch_free(scratch);
    return y;
}

START_TEST(rows_of_numbers_words_and_ids_are_answered)
{
    static const struct {
        const char *json;
        float x[5], encoded[8];
    } cases[] = {
        {ALL(PAIR, CITY, LAND, MOVIE), {1, 2, 0, 0, 0}, {1, 2, 1, 0, 0, 1, 2, 5}},
        {ALL(PAIR, CITY, LAND, MOVIE), {NAN, NAN, 1, 1, 3}, {10, 20, 0, 1, 0, 3, 4, 8}},
        {ALL("\"shape\":[2],\"mean\":1,\"std\":\"m\",\"missing\":\"m\"", CITY, LAND, MOVIE),
         {11, NAN, 2, 0, 1},
         {1, 0.95f, 0, 0, 1, 1, 2, 6}},
        {ALL(PAIR ",\"std\":2", CITY ",\"unknown\":\"zero\"", LAND, MOVIE),
         {2, 4, 3, 1, 0},
         {1, 2, 0, 0, 0, 3, 4, 5}},
        {ALL(PAIR, CITY ",\"unknown\":1", LAND ",\"unknown\":0", MOVIE),
         {1, 0, 3, 2, 0},
         {1, 0, 0, 1, 0, 1, 2, 5}},
        {ALL(PAIR, CITY, LAND ",\"unknown\":\"zero\"", MOVIE),
         {1, 0, 0, 2, 0},
         {1, 0, 1, 0, 0, 0, 0, 5}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        relud_model *model = load(cases[i].json, &error);
        ck_assert_msg(model != NULL, "%zu: %s", i, error.text);
        float y = answer(model, cases[i].x), wanted = 0;
        for (size_t k = 0; k < 8; k++)
            wanted = fmaf(cases[i].encoded[k], numbers[10 + k], wanted);
        ck_assert_msg(y == wanted, "%zu: %.9g, %.9g is wanted", i, (double)y, (double)wanted);
        relud_model_release(model);
    }
}
END_TEST

START_TEST(inputs_tell_what_they_take)
{
    struct relud_error error = {0};
    relud_model *model =
        load(ALL(PAIR, CITY ",\"unknown\":\"zero\",\"missing\":\"Lima\"", LAND, MOVIE), &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->inputs, 4);
    ck_assert_uint_eq(info->features, 5);
    static const char *const types[] = {"FP32", "BYTES", "BYTES", "INT64"};
    static const size_t first[] = {0, 2, 3, 4};
    for (size_t i = 0; i < 4; i++) {
        ck_assert_str_eq(info->input[i].datatype, types[i]);
        ck_assert_uint_eq(info->input[i].first, first[i]);
    }
    const struct relud_features *features = info->feature;
    ck_assert(features->has_words && features->has_indices && features->has_imputed);
    ck_assert(features->at[0].is_imputed && features->at[1].is_imputed);
    ck_assert(features->at[2].is_imputed && features->at[2].words->missing == 2);
    ck_assert(features->at[2].words->takes_unknown && !features->at[3].words->takes_unknown);
    ck_assert(!features->at[3].is_imputed && !features->at[4].is_imputed);
    ck_assert_uint_eq(features->at[4].indices, 4);
    const char *const *names = relud_model_feature_names(model);
    static const char *const wanted[] = {"pair.0", "pair.1", "city", "land", "movie"};
    for (size_t f = 0; f < 5; f++)
        ck_assert_str_eq(names[f], wanted[f]);
    ck_assert(isnan(answer(model, (const float[]){1, 2, 0, 0, 4})));
    ck_assert(isnan(answer(model, (const float[]){1, 2, 0, 0, 0.5f})));
    ck_assert(isnan(answer(model, (const float[]){1, 2, 0, 2, 0})));
    relud_model_release(model);
}
END_TEST

START_TEST(a_saved_net_has_the_same_inputs_and_bits)
{
    static const char *const nets[] = {
        ALL(PAIR, CITY, LAND, MOVIE),
        ALL("\"shape\":[1,2],\"mean\":\"m\",\"std\":3", CITY ",\"missing\":\"Oslo\"",
            LAND ",\"unknown\":1", MOVIE),
        ALL("\"shape\":[2],\"mean\":0.1,\"missing\":\"m\"", CITY ",\"unknown\":\"zero\"",
            LAND ",\"unknown\":\"zero\"", "\"type\":\"INT32\"," MOVIE),
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        struct relud_error error = {0};
        relud_model *model = load(nets[i], &error);
        ck_assert_msg(model != NULL, "%zu: %s", i, error.text);
        const char *dir = new_directory();
        ck_assert_msg(relud_model_save(model, dir, "m", &error), "%s", error.text);
        relud_model *again = relud_model_load(dir, NULL, &error);
        ck_assert_msg(again != NULL, "%zu: %s", i, error.text);
        remove_directory(dir);
        const struct relud_model_info *one = relud_model_info(model),
                                      *other = relud_model_info(again);
        ck_assert_uint_eq(one->inputs, other->inputs);
        for (size_t k = 0; k < one->inputs; k++) {
            ck_assert_str_eq(one->input[k].name, other->input[k].name);
            ck_assert_str_eq(one->input[k].datatype, other->input[k].datatype);
            ck_assert_uint_eq(one->input[k].rank, other->input[k].rank);
        }
        for (size_t city = 0; city < 4; city++)
            for (size_t land = 0; land < 3; land++) {
                const float x[] = {NAN, 0.3f, (float)city, (float)land, 2};
                float y = answer(model, x), z = answer(again, x);
                ck_assert(memcmp(&y, &z, sizeof y) == 0);
            }
        relud_model_release(model);
        relud_model_release(again);
    }
}
END_TEST

#define INPUTS(what) HEAD "\"inputs\":" what ",\"layers\":[{\"weight\":\"w\"}]}"
#define CITIES(what) ALL(PAIR, what, LAND, MOVIE)

START_TEST(what_model_json_says_wrong_of_inputs_is_named)
{
    static const struct {
        const char *json, *words;
    } refusals[] = {
        {INPUTS("{}"), "inputs must be an array of 1 to 1000 inputs"},
        {INPUTS("[]"), "inputs must be an array"},
        {INPUTS("[1]"), "inputs[0] must be an object"},
        {INPUTS("[{}]"), "inputs[0].name is missing"},
        {INPUTS("[{\"name\":\"\"}]"), "inputs[0].name is missing"},
        {INPUTS("[{\"name\":\"a\"},{\"name\":\"a\"}]"), "inputs[1].name 'a' stands twice"},
        {INPUTS("[{\"name\":\"a\",\"colour\":1}]"), "unknown key 'inputs[0].colour'"},
        {INPUTS("[{\"name\":\"a\"}]"),
         "'w' is [1, 8], so layers[0].weight takes 8 inputs; inputs gives 1"},
        {HEAD "\"input\":{},\"inputs\":[{\"name\":\"a\"}],\"layers\":[{\"weight\":\"w\"}]}",
         "input and inputs together"},
        {ALL("\"shape\":2", CITY, LAND, MOVIE), "inputs[0].shape must be an array"},
        {ALL("\"shape\":[0]", CITY, LAND, MOVIE), "inputs[0].shape must be an array"},
        {ALL("\"shape\":[1048576,2]", CITY, LAND, MOVIE), "inputs[0].shape must be an array"},
        {ALL("\"shape\":[2],\"missing\":\"e\"", CITY, LAND, MOVIE), "inputs[0].missing wants [2]"},
        {ALL("\"shape\":[2],\"missing\":\"x\"", CITY, LAND, MOVIE), "no tensor 'x'"},
        {ALL("\"shape\":[2],\"missing\":[1]", CITY, LAND, MOVIE),
         "inputs[0].missing must be a number or"},
        {ALL("\"shape\":[2],\"mean\":1e99", CITY, LAND, MOVIE),
         "inputs[0].mean must be a number that"},
        {ALL("\"shape\":[2],\"std\":0", CITY, LAND, MOVIE), "inputs[0].std is 0, a divisor"},
        {ALL("\"unknown\":\"zero\"", CITY, LAND, MOVIE),
         "inputs[0].unknown says nothing of numbers"},
        {ALL("\"type\":\"BYTES\"", CITY, LAND, MOVIE),
         "inputs[0].type 'BYTES': BYTES need categories"},
        {ALL("\"type\":\"FP8\"", CITY, LAND, MOVIE), "inputs[0].type 'FP8': FP32, FP64"},
        {CITIES("\"categories\":[]"), "inputs[1].categories must be an array of at least one"},
        {CITIES("\"categories\":\"Rome\""), "inputs[1].categories must be an array"},
        {CITIES("\"categories\":[1]"), "inputs[1].categories[0] must be a string"},
        {CITIES("\"categories\":[\"a\\u0000\"]"), "inputs[1].categories[0] must be a string"},
        {CITIES("\"categories\":[\"a\",\"b\",\"a\"]"),
         "inputs[1].categories: the category 'a' stands twice"},
        {CITIES(CITY ",\"type\":\"FP32\""), "inputs[1].type 'FP32': categories are BYTES"},
        {CITIES(CITY ",\"mean\":1"), "inputs[1].mean says nothing of words"},
        {CITIES(CITY ",\"shape\":[1]"), "inputs[1].shape says nothing of words"},
        {CITIES(CITY ",\"missing\":\"rome\""),
         "inputs[1].missing: 'rome' is none of the categories"},
        {CITIES(CITY ",\"missing\":1"), "inputs[1].missing must be a string"},
        {CITIES(CITY ",\"unknown\":3"),
         "inputs[1].unknown must be \"error\", \"zero\" or the index of"},
        {CITIES(CITY ",\"unknown\":\"ignore\""), "inputs[1].unknown must be"},
        {ALL(PAIR, CITY, "\"categories\":[\"it\"],\"embedding\":\"e\"", MOVIE),
         "inputs[2].embedding has 2 rows for 1 categories"},
        {ALL(PAIR, CITY, LAND, "\"embedding\":\"m\""), "inputs[3].embedding wants a tensor of two"},
        {ALL(PAIR, CITY, LAND, "\"embedding\":\"x\""),
         "no tensor 'x', which inputs[3].embedding wants"},
        {ALL(PAIR, CITY, LAND, "\"embedding\":1"), "inputs[3].embedding must be a string"},
        {ALL(PAIR, CITY, LAND, MOVIE ",\"missing\":1"), "inputs[3].missing says nothing of ids"},
    };
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct relud_error error = {0};
        relud_model *model = load(refusals[i].json, &error);
        ck_assert_msg(!model && strstr(error.text, refusals[i].words), "%s: '%s'; '%s' is wanted",
                      refusals[i].json, error.text, refusals[i].words);
    }
}
END_TEST

RUN_SUITE("inputs", rows_of_numbers_words_and_ids_are_answered, inputs_tell_what_they_take,
          a_saved_net_has_the_same_inputs_and_bits, what_model_json_says_wrong_of_inputs_is_named)
