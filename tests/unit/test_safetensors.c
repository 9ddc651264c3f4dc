/* safetensors headers: each thing that may be wrong is named. */
#include "tests/unit/models.h"

#include <math.h>

#define T(rest)         "{\"w\":{" rest "}}"
#define SHAPED(shape)   T("\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[0,32]")
#define PLACED(offsets) T("\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":" offsets)

static const struct {
    const char *header, *words;
} refusals[] = {
    {T("\"shape\":[8],\"data_offsets\":[0,32]"), "tensor 'w': dtype must be a string"},
    {T("\"dtype\":1,\"shape\":[8],\"data_offsets\":[0,32]"), "tensor 'w': dtype must be a string"},
    {T("\"dtype\":\"F32\",\"colour\":1"), "tensor 'w': unknown key 'colour'"},
    {T("\"dtype\":\"F32\",\"data_offsets\":[0,32]"), "tensor 'w': shape must be an array"},
    {SHAPED("8"), "tensor 'w': shape must be an array"},
    {SHAPED("[\"8\"]"), "shape holds something other than whole numbers"},
    {SHAPED("[9007199254740993]"), "its shape takes"},
    {SHAPED("[1e300]"), "shape holds something other than whole numbers"},
    {SHAPED("[1,1,1,1,1,1,1,1,8]"), "more than 8 dimensions"},
    {T("\"dtype\":\"F32\",\"shape\":[8]"), "data_offsets must be two whole numbers"},
    {PLACED("1"), "data_offsets must be two whole numbers"},
    {PLACED("[]"), "data_offsets must be two whole numbers"},
    {PLACED("[0]"), "data_offsets must be two whole numbers"},
    {PLACED("[0,32,1]"), "data_offsets must be two whole numbers"},
    {PLACED("[\"0\",32]"), "data_offsets must be two whole numbers"},
    {PLACED("[0,\"32\"]"), "data_offsets must be two whole numbers"},
    {"{\"__metadata__\":1}", "__metadata__ must be an object"},
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
    answers(MODEL,
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
        answers(MODEL, header, bytes, sizeof bytes, x, wanted);
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

RUN_SUITE("safetensors", each_wrong_header_is_refused_with_its_reason,
          lengths_that_cannot_be_are_refused, tensors_lie_one_behind_the_other)
