/* safetensors headers: each thing that may be wrong is named. */
#include "tests/unit/models.h"
#include "tests/unit/scarcity.h"

#include <math.h>

#define T(rest)         "{\"w\":{" rest "}}"
#define SHAPED(shape)   T("\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[0,32]")
#define PLACED(offsets) T("\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":" offsets)

static const struct {
    const char *header, *words;
} refusals[] = {
    {"{\"a\\u0000\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}",
     "a tensor's name must not hold \\u0000, \\uffff or half of a surrogate pair"},
    {T("\"shape\":[8],\"data_offsets\":[0,32]"), "tensor 'w': dtype must be a string"},
    {T("\"dtype\":1,\"shape\":[8],\"data_offsets\":[0,32]"), "tensor 'w': dtype must be a string"},
    {T("\"dtype\":\"F32\",\"colour\":1"), "tensor 'w': shape must be an array"},
    {T("\"dtype\":\"F32\",\"data_offsets\":[0,32]"), "tensor 'w': shape must be an array"},
    {SHAPED("8"), "tensor 'w': shape must be an array"},
    {SHAPED("[\"8\"]"), "shape holds something other than whole numbers"},
    {SHAPED("[9007199254740993]"), "its shape takes"},
    {SHAPED("[1e300]"), "shape holds something other than whole numbers"},
    {SHAPED("[1,1,1,1,1,1,1,1,8]"), "tensor 'w' has 9 dimensions"},
    {T("\"dtype\":\"F32\",\"shape\":[8]"), "data_offsets must be two whole numbers"},
    {PLACED("1"), "data_offsets must be two whole numbers"},
    {PLACED("[]"), "data_offsets must be two whole numbers"},
    {PLACED("[0]"), "data_offsets must be two whole numbers"},
    {PLACED("[0,32,1]"), "data_offsets must be two whole numbers"},
    {PLACED("[\"0\",32]"), "data_offsets must be two whole numbers"},
    {PLACED("[0,\"32\"]"), "data_offsets must be two whole numbers"},
    {"{\"__metadata__\":1}", "32 bytes of data, but the tensors take 0"},
    {T("\"dtype\":\"F4\",\"shape\":[2,3],\"data_offsets\":[0,32]"), "tensor 'w' is F4; F32"},
    {"{}", "32 bytes of data, but the tensors take 0"},
};

START_TEST(each_wrong_header_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct relud_error error = {0};
        ck_assert_ptr_null(load_model(MODEL, refusals[i].header, data, sizeof data, &error));
        ck_assert_msg(strstr(error.text, refusals[i].words) != NULL, "'%s'; '%s' is wanted",
                      error.text, refusals[i].words);
    }
    struct relud_error error;
    ck_assert_ptr_null(load_model(MODEL, "{}", "", 0, &error)); /* right, but empty */
    ck_assert_ptr_nonnull(strstr(error.text, "there is no tensor 'w', which layers[0].weight"));
}
END_TEST

static void refuses_file(const void *bytes, size_t len, const char *words)
{
    char dir[64];
    struct relud_error error = {0};
    strcpy(dir, new_directory());
    write_file(dir, "model.json", MODEL, strlen(MODEL));
    write_file(dir, "model.safetensors", bytes, len);
    ck_assert_ptr_null(relud_model_load(dir, NULL, &error));
    ck_assert_msg(strstr(error.text, words) != NULL, "'%s'; '%s' is wanted", error.text, words);
    remove_directory(dir);
}

START_TEST(lengths_that_cannot_be_are_refused)
{
    refuses_file("\0\0\0\0\0\0\0", 7, "7 bytes are too few for a safetensors file");
    refuses_file("\0\0\0\0\0\0\0\1{}", 10, "a header of 72057594037927936 bytes; at most");
    refuses_file("\3\0\0\0\0\0\0\0{}", 10, "a header of 3 bytes in a file of 10");
}
END_TEST

/* Tensors that share a beginning are told apart by their length; those of nothing lie anywhere in between. */
START_TEST(tensors_lie_one_behind_the_other)
{
    const float x[] = {1, 10, 100}, wanted[] = {321.5f, 653.5f};
    static const char without[] = HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}],\"unused\":["
                                       "\"e\",\"f\",\"o\"]}";
    answers(without,
            "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
            "\"e\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[24,24]},"
            "\"f\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[0,0]},"
            "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
            "\"__metadata__\":{\"a\":\"b\"}}",
            data, sizeof data, x, wanted);
    /* not aligned: one byte goes before */
    unsigned char bytes[1 + sizeof data];
    bytes[0] = 7;
    memcpy(bytes + 1, data, sizeof data);
    for (int shift = 0; shift < 4; shift++) {
        char header[512];
        snprintf(header, sizeof header,
                 "{\"o\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},\"w\":{\"dtype\":"
                 "\"F32\","
                 "\"shape\":[2,3],\"data_offsets\":[1,25]},\"b\":{\"dtype\":\"F32\",\"shape\":[2],"
                 "\"data_offsets\":[25,33]}}%*s",
                 shift, "");
        answers(without, header, bytes, sizeof bytes, x, wanted);
    }
    /* an empty tensor of a type that is converted */
    struct relud_error error;
    ck_assert_ptr_null(
        load_model(MODEL,
                   "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]},"
                   "\"v\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
                   "\"b\":{\"dtype\":\"F16\",\"shape\":[0],\"data_offsets\":[32,32]}}",
                   data, sizeof data, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "tensor 'b' has 0 elements"));
}
END_TEST

/* One after another in the header, before w and b. */
START_TEST(F22_what_is_not_used_is_no_reason_to_refuse)
{
    static const char *const odd[] = {
        "\"__metadata__\":{\"by\":\"a\\u0000b\"}",
        "\"__metadata__\":{\"a\\u0000b\":\"\\\\u0000\"}",
        "\"__metadata__\":{\"path\":\"\\udcff\",\"other\":\"\\ud83d\",\"pair\":\"\\ud83d\\ude00\"}",
        "\"__metadata__\":{\"epoch\":7,\"more\":[{\"lr\":1e-3},null]}",
        "\"__metadata__\":null",
        "\"__metadata__\":[]",
    };
    static const float x[] = {1, 2, 3}, wanted[] = {14.5f, 31.5f};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        char header[512];
        snprintf(header, sizeof header,
                 "{%s,\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32],"
                 "\"quantized\":\"\\u0000\"},"
                 "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
                 odd[i]);
        answers(MODEL, header, data, sizeof data, x, wanted);
    }
}
END_TEST

static bool loads(void *dir, struct relud_error *error)
{
    relud_model *model = relud_model_load(dir, NULL, error);
    relud_model_release(model);
    return model != NULL;
}

/* Types that are not known, many dimensions: of tensors that model.json leaves out. */
START_TEST(F22_a_tensor_that_is_left_out_may_be_anything)
{
    static const char json[] =
        HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}],\"unused\":[\"q\",\"r\"]}";
    static const float more[] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f, 7, 8}, x[] = {1, 2, 3},
                       wanted[] = {14.5f, 31.5f};
    answers(json,
            "{\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[24,32]},"
            "\"q\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[32,36]},"
            "\"r\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,1,1],\"data_offsets\":[36,40]},"
            "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}",
            more, sizeof more, x, wanted);
}
END_TEST

/* Of a type that is not known, without memory for its name. */
START_TEST(a_file_is_read_whole_or_not)
{
    static const char json[] =
        HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}],\"unused\":[\"q\"]}",
                      header[] =
                          "{\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[24,28]},"
                          "\"q\":{\"dtype\":\"F4\",\"shape\":[8],\"data_offsets\":[28,32]},"
                          "\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}";
    char dir[64];
    strcpy(dir, new_directory());
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, header, data, sizeof data);
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads, dir);
    scarce_each(SCARCE_FILES, RELUD_IO, loads, dir);
    remove_directory(dir);
}
END_TEST

/* The same in model.json, where a description is for people alone; labels and names are not. */
START_TEST(F22_a_description_may_hold_anything)
{
    static const char layers[] = "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}]";
    struct relud_error error;
    char json[512];
    snprintf(json, sizeof json, "%s\"description\":\"a\\u0000b\\udc00\",%s}", HEAD, layers);
    relud_model *model = load_model(json, TENSORS, data, sizeof data, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    ck_assert_str_eq(relud_model_info(model)->description, "a\xef\xbf\xbd"
                                                           "b\xef\xbf\xbd");
    relud_model_release(model);
    static const struct {
        const char *member, *words;
    } used[] = {
        {"\"output\":{\"task\":\"classification\",\"labels\":[\"a\",\"b\\u0000\"]}",
         "output.labels[1] must not hold \\u0000"},
        {"\"output\":{\"name\":\"\\ud800\"}", "output.name must not hold \\u0000 or half"},
        {"\"\\u0000\":1", "unknown key"},
    };
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) {
        snprintf(json, sizeof json, "%s%s,%s}", HEAD, used[i].member, layers);
        ck_assert_ptr_null(load_model(json, TENSORS, data, sizeof data, &error));
        ck_assert_msg(strstr(error.text, used[i].words) != NULL, "%s", error.text);
    }
}
END_TEST

RUN_SUITE("safetensors", F22_what_is_not_used_is_no_reason_to_refuse,
          F22_a_tensor_that_is_left_out_may_be_anything, F22_a_description_may_hold_anything,
          a_file_is_read_whole_or_not, each_wrong_header_is_refused_with_its_reason,
          lengths_that_cannot_be_are_refused, tensors_lie_one_behind_the_other)
