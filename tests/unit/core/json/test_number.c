/* V2's types: each number by the range of its tensor's datatype, exactly. */
#include "tests/unit/requests.h"

#include "core/json/number.h"

static const struct {
    enum relud_dtype dtype;
    const char *fit, *misfit; /* with blanks between them */
} ranges[] = {
    {RELUD_UINT8, "0 -0 00 7 255 255.0 2550e-1 1e2 1E+2 2.5e2 0.0 0e99999999999",
     "256 -1 1.5 1e3 255.5 254.9999999999999999999 -0.1"},
    {RELUD_INT8, "127 -128 -128.00 0.1e1", "128 -129 127.1 1e-1 0.99999999999999999999"},
    {RELUD_UINT16, "65535 0", "65536 -1 0.5"},
    {RELUD_INT16, "32767 -32768", "32768 -32769"},
    {RELUD_UINT32, "4294967295 4294967295.0", "4294967296 -1 4294967295.5"},
    {RELUD_INT32, "2147483647 -2147483648 21474836470e-1", "2147483648 -2147483649 2147483647.5"},
    {RELUD_UINT64, "18446744073709551615 0 1e19 1.8446744073709551615e19",
     "18446744073709551616 -1 1e20 1e300 99999999999999999999999 1e99999999999999999999"},
    {RELUD_INT64, "9223372036854775807 -9223372036854775808 1 1.0",
     "9223372036854775808 -9223372036854775809 1.5 1e19 16777216.5 1e-99999999999999999999"},
    {RELUD_BOOL, "0 1 1.0 0.0 10e-1", "7 2 -1 0.5"},
    {RELUD_FP16, "65504 -65504 65519.9 0.1 1e-30", "65520 -65520 70000 1e38"},
    {RELUD_BF16, "3.38e38 -3.38e38 1.5", "3.4e38 -3.4e38"},
    {RELUD_FP32, "3.4e38 1.5 -0.1", ""},
    {RELUD_FP64, "3.4e38 1.5 -0.1", ""},
};

static void check_words(enum relud_dtype dtype, const char *words, bool is_fit)
{
    for (size_t len; *words; words += len + (words[len] == ' ')) {
        float value = 0;
        len = strcspn(words, " ");
        relud_text_to_float(words, len, &value);
        ck_assert_msg(json_number_fits(dtype, words, len, value) == is_fit, "%s: %.*s",
                      relud_dtype_name(dtype), (int)len, words);
    }
}

START_TEST(P9_a_type_has_its_numbers_exactly)
{
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        check_words(ranges[i].dtype, ranges[i].fit, true);
        check_words(ranges[i].dtype, ranges[i].misfit, false);
    }
}
END_TEST

#define INFER "POST /v2/models/m/infer"
#define TENSOR(type, data)                                                                         \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"" type "\",\"shape\":[1,2],\"data\":" data "}]}"
/* The type behind the data. */
#define BEHIND(data, rest)                                                                         \
    "{\"inputs\":[{\"name\":\"x\",\"shape\":[1,2],\"data\":" data "," rest "}]}"

static const struct request_case texts[] = {
    ASK(INFER, TENSOR("UINT8", "[0,255]"), 200, "\"data\":[0,255,255]"),
    ASK(INFER, TENSOR("UINT8", "[1,256]"), 400,
        "inputs[0].data[1]: '256' is no UINT8: those are whole numbers from 0 to 255 at byte"),
    ASK(INFER, TENSOR("UINT8", "[[1, 2.5]]"), 400, "inputs[0].data[0][1]: '2.5' is no UINT8"),
    ASK(INFER, TENSOR("UINT8", "[[-1],[2]]"), 400, "inputs[0].data[0][0]: '-1' is no UINT8"),
    ASK(INFER, TENSOR("INT8", "[-128,-129]"), 400, "inputs[0].data[1]: '-129' is no INT8"),
    ASK(INFER, TENSOR("INT32", "[2147483647,2147483648]"), 400, "[1]: '2147483648' is no INT32"),
    ASK(INFER, TENSOR("INT64", "[1.0,2e0]"), 200, "\"data\":[1,2,3]"),
    ASK(INFER, TENSOR("INT64", "[1,1.5]"), 400, "inputs[0].data[1]: '1.5' is no INT64"),
    ASK(INFER, TENSOR("INT64", "[1,9223372036854775808]"), 400, "is no INT64"),
    ASK(INFER, TENSOR("UINT64", "[18446744073709551615,-1]"), 400, "data[1]: '-1' is no UINT64"),
    ASK(INFER, TENSOR("BOOL", "[true,false]"), 200, "\"data\":[1,0,1]"),
    ASK(INFER, TENSOR("BOOL", "[1,0]"), 200, "\"data\":[1,0,1]"),
    ASK(INFER, TENSOR("BOOL", "[true,7]"), 400,
        "inputs[0].data[1]: '7' is no BOOL: those are true, false, 0 and 1"),
    ASK(INFER, TENSOR("FP32", "[true,1]"), 400, "'true' is no number; only BOOL has it"),
    ASK(INFER, TENSOR("UINT8", "[1,false]"), 400,
        "data[1]: 'false' is no number; only BOOL has it"),
    ASK(INFER, TENSOR("FP16", "[1,65504]"), 200, "\"data\":[1,65504,65505]"),
    ASK(INFER, TENSOR("FP16", "[1,70000]"), 400, "data[1]: '70000' is no FP16"),
    ASK(INFER, TENSOR("FP64", "[1,1e39]"), 400, "data[1]: '1e39' is not finite as float32"),
    ASK(INFER, BEHIND("[1,256]", "\"datatype\":\"UINT8\""), 400, "data[1]: '256' is no UINT8"),
    ASK(INFER, BEHIND("[[1,2]]", "\"parameters\":{\"a\":[\"]\"]},\"datatype\":\"UINT8\""), 200,
        "\"data\":[1,2,3]"),
    ASK(INFER, BEHIND("[1,2.5]", "\"parameters\":{\"datatype\":\"FP32\"},\"datatype\":\"INT8\""),
        400, "data[1]: '2.5' is no INT8"),
    ASK(INFER, BEHIND("[1,2.5]", "\"datatype\":\"FP32\""), 200, "\"data\":[1,2.5,3.5]"),
    ASK(INFER, BEHIND("[true,2]", "\"datatype\":\"BOOL\""), 400, "data[1]: '2' is no BOOL"),
    ASK(INFER, BEHIND("[1,2]", "\"dat\\u0061type\":\"UINT8\""), 200, "\"data\":[1,2,3]"),
    ASK(INFER, BEHIND("[1,2]", "\"datatype\":5"), 400, "inputs[0].datatype is missing"),
    ASK(INFER, BEHIND("[1,2]", "\"datatype\""), 400, "a colon"),
    ASK(INFER, BEHIND("[1,[2]", "\"datatype\":\"UINT8\""), 400, "at byte"),
};

START_TEST(P9_numbers_of_another_type_are_named)
{
    requests_check(texts, sizeof texts / sizeof *texts);
}
END_TEST

START_TEST(P9_a_byte_of_bool_is_0_or_1)
{
#define BOOLS                                                                                      \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BOOL\",\"shape\":[2,2],\"parameters\":"           \
    "{\"binary_data_size\":4}}]}"
    static const struct request_case cases[] = {
        ASK_WITH(INFER, BOOLS "\1\0\0\1", 200, "\"data\":[1,0,1,0,1,1]",
                 .len = sizeof BOOLS - 1 + 4, .length = "93"),
        ASK_WITH(INFER, BOOLS "\1\0\0\7", 400, "x[1][1] is 7; a BOOL is 0 or 1",
                 .len = sizeof BOOLS - 1 + 4, .length = "93"),
        ASK_WITH(INFER, BOOLS "\1\xff\0\1", 400, "x[0][1] is 255; a BOOL is 0 or 1",
                 .len = sizeof BOOLS - 1 + 4, .length = "93"),
    };
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

/* Read a piece at a time, with the type before the data and behind it: the same errors at the same places. */
START_TEST(P9_pieces_are_checked_as_the_whole_is)
{
    enum { NUMBERS = 3000 };
    char *text = malloc(NUMBERS * 5 + 200), rest[300];
    float *values = malloc(sizeof *values * (NUMBERS * 3));
    for (int is_behind = 0; is_behind < 2; is_behind++)
        for (int bad = 0; bad < NUMBERS; bad += 371) {
            char *at = stpcpy(text, is_behind ? "{\"inputs\":[{\"data\":["
                                              : "{\"inputs\":[{\"datatype\":\"UINT8\",\"data\":[");
            for (int i = 0; i < NUMBERS; i++)
                at += sprintf(at, "%s%d", i ? ", " : "", i == bad ? 300 : i % 256);
            strcpy(at, is_behind ? "],\"datatype\":\"UINT8\"}]}" : "]}]}");
            struct relud_json_array array = {
                .values = values, .capacity = NUMBERS * 3, .form = RELUD_JSON_TENSOR};
            struct relud_json_pause pause = {.bytes = 100};
            struct relud_error error = {0};
            char words[64];
            bool is_read;
            size_t pieces = 0;
            do
                is_read = relud_json_read_piece(text, strlen(text), "inputs", &array, &pause, rest,
                                                sizeof rest, &error);
            while (!is_read && pause.at && ++pieces);
            snprintf(words, sizeof words, "inputs[0].data[%d]: '300' is no UINT8", bad);
            ck_assert_msg(!is_read && strstr(error.text, words), "%zu pieces: %s", pieces,
                          error.text);
            ck_assert(bad == 0 || pieces > 0);
        }
    free(values);
    free(text);
}
END_TEST

RUN_REQUESTS("json_number", P9_a_type_has_its_numbers_exactly, P9_numbers_of_another_type_are_named,
             P9_a_byte_of_bool_is_0_or_1, P9_pieces_are_checked_as_the_whole_is)
