/* JSON where it goes wrong at its edges: the end of the text, strings that are hardly any, forms that are mixed. */
#include "tests/unit/json_texts.h"
#include "tests/unit/scarcity.h"

#include <math.h>
#include <stdio.h>

static void check_refused(enum relud_json_form form, const char *key, size_t capacity,
                          const char *text, size_t len, const char *words)
{
    char *exact = malloc(len);
    memcpy(exact, text, len);
    array = (struct relud_json_array){
        .values = values, .capacity = capacity, .form = form, .name = "x"};
    bool is_read = read_json(exact, len, key);
    free(exact);
    ck_assert_msg(!is_read && strstr(error.text, words), "%.*s: '%s'; '%s' is wanted", (int)len,
                  text, is_read ? "read" : error.text, words);
}

#define B64(text) "{\"inputs\":[{\"b64\":\"" text "\"}]}"

START_TEST(arrays_in_other_forms_are_refused_with_their_place)
{
    static const struct {
        enum relud_json_form form;
        const char *text, *words;
    } cases[] = {
        {RELUD_JSON_PLAIN, "{\"inputs\":[nan]}",
         "inputs[0]: 'nan' is not JSON, and not a finite number"},
        {RELUD_JSON_PLAIN, "{\"inputs\":[na", "inputs[0]: 'na' is not JSON, and not"},
        {RELUD_JSON_PLAIN, "{\"inputs\":[nx", "inputs[0]: 'nx' is no number"},
        {RELUD_JSON_PLAIN, "{\"inputs\":[-", "inputs[0]: '-' is not a JSON number"},
        {RELUD_JSON_PLAIN, "{\"inputs\":[1\x7f]}", "inputs[1]"},
        {RELUD_JSON_NAMED, "{\"inputs\":", "inputs: the text ends too early"},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"x\"",
         "inputs: what stands here stands where a colon is wanted"},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"x\" 7}}", "inputs: '7' stands where a colon is wanted"},
        {RELUD_JSON_NAMED, "{\"inputs\":{7", "a string is wanted"},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"x\":[7,8];}}", "inputs: } is wanted behind \"x\""},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"x\":[7,8];}]}",
         "inputs[0]: } is wanted behind \"x\""},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"x\":7,8}]}",
         "inputs[0]: } is wanted behind \"x\""},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"x\":7,8}}", "inputs: } is wanted behind \"x\""},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"x\":[{\"x\":7}]}]}", "inputs[0][0]"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"x\":{\"x\":7}}]}", "inputs[0]: "},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[7,{\"b64\":\"AADgQA==\"}]}",
         "inputs[1]: bytes where others are nested otherwise"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\"", "stands where a colon is wanted"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\" 7", "'7' stands where a colon is wanted"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\":\"AADgQA==\",\"a\":1}]}",
         "inputs[0]: what stands here stands behind \"b64\", where } is wanted"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\":\"AADgQA==\"}7]}",
         "inputs[1]: '7' stands where a comma or ] is wanted"},
        {RELUD_JSON_NAMED_ROWS, B64("AAD[QA=="), "inputs[0].b64 is not base64"},
        {RELUD_JSON_NAMED_ROWS, B64("AAD{QA=="), "inputs[0].b64 is not base64"},
        {RELUD_JSON_NAMED_ROWS, B64("AAD@QA=="), "inputs[0].b64 is not base64"},
        {RELUD_JSON_NAMED_ROWS, B64("AAD:QA=="), "inputs[0].b64 is not base64"},
        {RELUD_JSON_NAMED_ROWS, B64("AAD\\\\QA=="), "inputs[0].b64 is not base64"},
        {RELUD_JSON_NAMED_ROWS, B64("AADgQAAA"),
         "inputs[0].b64 is not float32 numbers of 4 bytes each"},
        {RELUD_JSON_TENSOR, "{\"inputs\":", "inputs must be an array of tensors"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[", "inputs[0] must be an object"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[t", "inputs[0].data[0]: 't' is no number"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[truf]}]}",
         "inputs[0].data[0]: 'truf' is no number"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[true 7]}]}",
         "inputs[0].data[1]: '7' stands where a comma or ] is wanted"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"datatype\":\"UINT8\",\"data\":256}]}",
         "inputs[0].data: '256' is no UINT8: those are whole numbers from 0 to 255 at byte 38"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"datatype\":\"UINT8\",\"data\":[255,2.5e-1x]}]}",
         "inputs[0].data[1]: '2.5e-1x' is no UINT8"},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[{\"b64\":\"\"}]}]}",
         "inputs[0].data[0]: what stands here is no number"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(cases[i].form, "inputs", VALUES_MAX, cases[i].text, strlen(cases[i].text),
                      cases[i].words);
}
END_TEST

START_TEST(no_more_numbers_than_there_is_room_for)
{
    static const struct {
        enum relud_json_form form;
        const char *text;
    } cases[] = {{RELUD_JSON_PLAIN, "{\"inputs\":[1,2]}"},
                 {RELUD_JSON_NAMED_ROWS, B64("AADgQAAAAEE=")},
                 {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[true,false]}]}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_refused(cases[i].form, "inputs", 1, cases[i].text, strlen(cases[i].text),
                      "has more than 1 numbers");
    array = (struct relud_json_array){.values = values, .capacity = 1};
    ck_assert(relud_json_read("{\"inputs\":7}", 12, "inputs", &array, rest, sizeof rest, &error));
    ck_assert(!relud_json_read("{\"inputs\":7}", 12, "inputs", &array, rest, 2, &error));
    ck_assert_msg(strstr(error.text, "no room for the members besides inputs") != NULL, "%s",
                  error.text);
    ck_assert(!relud_json_read("{\"inputs\":7,\"a\":1}", 18, "inputs", &array, rest, 8, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "the members besides inputs take more than 7 bytes"));
}
END_TEST

START_TEST(bytes_are_read_in_every_spelling)
{
    static const struct {
        const char *text;
        float wanted;
    } cases[] = {{B64("AADgQA=="), 7},
                 {B64("AADgQA"), 7},
                 {B64("zczMPQ=="), 0.1f},
                 {B64("\\/\\/8AAA=="), 0x1.fffep-134f},
                 {B64("//8AAA=="), 0x1.fffep-134f},
                 {B64("++++Pg=="), 0.37292465f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        array = (struct relud_json_array){
            .values = values, .capacity = VALUES_MAX, .form = RELUD_JSON_NAMED_ROWS, .name = "x"};
        bool is_read = read_json(cases[i].text, strlen(cases[i].text), "inputs");
        ck_assert_msg(is_read && array.count == 1 &&
                          fabsf(values[0] - cases[i].wanted) <= 1e-6f * cases[i].wanted,
                      "%s: %s %g", cases[i].text, is_read ? "" : error.text, (double)values[0]);
    }
    static const char two[] = "{\"inputs\":[{\"b64\":\"AADgQA==\"},{\"b64\":\"AAAAQQ==\"}]}";
    array = (struct relud_json_array){
        .values = values, .capacity = VALUES_MAX, .form = RELUD_JSON_NAMED_ROWS, .name = "x"};
    ck_assert(read_json(two, sizeof two - 1, "inputs"));
    ck_assert(array.rank == 2 && array.shape[0] == 2 && array.shape[1] == 1 && values[1] == 8);
}
END_TEST

/* Wherever the text ends: before the type, in it, behind it. */
START_TEST(a_tensor_cut_anywhere_is_refused)
{
    static const char *const texts[] = {
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"UINT8\",\"data\":[[1,2],3]}]}",
        "{\"inputs\":[{\"data\":[[1,2],3] , \"p\" : {\"a\":[\"]\"]} , \"datatype\" : \"UINT8\" }]}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t len = strlen(texts[i]), cut = 0; cut <= len; cut++) {
            char *exact = malloc(cut + 1);
            memcpy(exact, texts[i], cut);
            array = (struct relud_json_array){
                .values = values, .capacity = VALUES_MAX, .form = RELUD_JSON_TENSOR};
            bool is_read = read_json(exact, cut, "inputs");
            ck_assert_msg(is_read == (cut == len), "%.*s: %s", (int)cut, exact, error.text);
            ck_assert(is_read ? array.dtype == RELUD_UINT8 && array.count == 3
                              : error.text[0] && error.offset <= cut);
            free(exact);
        }
}
END_TEST

/* What stands behind the array is blanks, and more of them than there is room for. */
START_TEST(no_more_is_looked_at_than_there_is_room_for)
{
    static const char *const texts[] = {"{\"inputs\":[7]}", "[7]"};
    char text[100];
    for (size_t i = 0; i < 2; i++) {
        size_t len = strlen(texts[i]);
        memset(text, ' ', sizeof text);
        memcpy(text, texts[i], len);
        array = (struct relud_json_array){.values = values, .capacity = 50, .may_be_bare = true};
        ck_assert(relud_json_read(text, len + 20, "inputs", &array, rest, 40, &error));
        ck_assert_str_eq(rest, "{\"inputs\":0}");
        ck_assert(!relud_json_read(text, len + 50, "inputs", &array, rest, 40, &error));
        ck_assert_ptr_nonnull(
            strstr(error.text, "the members besides inputs take more than 39 bytes"));
        ck_assert(error.code == RELUD_TOO_LARGE && error.offset <= len + 40);
        ck_assert(!relud_json_read(text, len, "inputs", &array, rest, 4, &error));
        ck_assert_msg(error.code == RELUD_TOO_LARGE, "%s", error.text);
    }
    ck_assert_str_eq(error.text, "no room for the members besides inputs");
}
END_TEST

/* A name that is longer than a message may be, many levels down. */
START_TEST(places_are_cut_not_overrun)
{
    char key[161], text[400];
    memset(key, 'k', 160);
    key[160] = '\0';
    size_t len = (size_t)sprintf(text, "{\"%s\":", key);
    for (int i = 0; i < 20; i++)
        text[len++] = '[';
    text[len++] = 'x';
    check_refused(RELUD_JSON_PLAIN, key, VALUES_MAX, text, len, "kkkk");
    ck_assert_uint_lt(strlen(error.text), sizeof error.text);
    len = (size_t)sprintf(text, "{\"inputs\":");
    for (int i = 0; i < 32; i++)
        text[len++] = '[';
    memcpy(text + len, "{\"b64\":\"AADgQA==\"}", 18);
    check_refused(RELUD_JSON_NAMED_ROWS, "inputs", VALUES_MAX, text, len + 18, "is no number");
    char most[2 * RELUD_ERROR_TEXT_MAX];
    memset(most, 'k', sizeof most - 1);
    most[sizeof most - 1] = '\0';
    check_refused(RELUD_JSON_PLAIN, most, VALUES_MAX, "\xef\xbb\xbf{}", 5, "kkkk");
    ck_assert_uint_lt(strlen(error.text), sizeof error.text);
    ck_assert_ptr_null(
        strstr(error.text, "byte order mark")); /* a remark stands whole or not at all */
}
END_TEST

START_TEST(texts_that_end_early_or_hold_what_is_no_string_are_refused)
{
    static const struct {
        const char *text;
        size_t len; /* 0: to the NUL */
        const char *words;
    } cases[] = {
        {"\xfe\xff\0[\0]", 6, "a JSON value is wanted at byte 0 (in UTF-8, not UTF-16)"},
        {"-", 0, "a value is wanted"},
        {"1.", 0, "no digit behind the point"},
        {"-.5", 0, "no digit before the point"},
        {"1e", 0, "no digit in the exponent"},
        {"1x", 0, "more text behind the end of the JSON value"},
        {"01", 0, "leading zero"},
        {"+1", 0, "plus sign"},
        {"[1", 0, "ends too early"},
        {"[1;", 0, "a comma or ] is wanted"},
        {"{\"a\":1;", 0, "a comma or } is wanted"},
        {"{\"a\"", 0, "ends too early"},
        {"{\"a\" 1", 0, "a colon is wanted"},
        {"\"a", 0, "the text ends inside a string"},
        {"\"\\", 0, "the text ends inside a string"},
        {"\"\\u12", 0, "\\u without four hexadecimal digits"},
        {"\"\\u12g4\"", 0, "\\u without four hexadecimal digits"},
        {"\"\\\0\"", 4, "an escape that JSON does not have"},
        {"\"\\ud800aaaaaaaaaa\"", 0, "half a surrogate pair"},
        {"\"\\ud800\\naaaaaaaa\"", 0, "half a surrogate pair"},
        {"\"\\ud800\\ue000\"", 0, "half a surrogate pair"},
        {"\"\\ud800\\u0041\"", 0, "half a surrogate pair"},
        {"\"\\udc00\"", 0, "half a surrogate pair"},
        {"\"\x01\"", 0, "a raw control character in a string"},
        {"\"\xc3(\"", 0, "a byte that is not UTF-8"},
        {"{\"\\uff21\":1,\"\xef\xbc\xa1\":2}", 0, "stands twice"},
        {"{\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
         "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4_\xc3\xa4z\":1,"
         "\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3"
         "\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4"
         "\xc3\xa4\xc3\xa4_\xc3\xa4z\":2}",
         0, "\xc3\xa4_\" stands twice"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool is_right =
            check_text(cases[i].text, cases[i].len ? cases[i].len : strlen(cases[i].text));
        ck_assert_msg(!is_right && strstr(error.text, cases[i].words), "%s: '%s'; '%s' is wanted",
                      cases[i].text, is_right ? "right" : error.text, cases[i].words);
    }
    ck_assert(!relud_json_check("[1", 2, NULL)); /* nobody wants to know why */
}
END_TEST

static bool checks(void *text, struct relud_error *why)
{
    return relud_json_check(text, strlen(text), why);
}

START_TEST(many_members_take_memory_that_may_not_be_there)
{
    char text[4096] = "{\"a\":1";
    for (int i = 0; i < 300; i++)
        sprintf(text + strlen(text), ",\"m%d\":1", i);
    strcat(text, "}");
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, checks, text);
    check_refused(RELUD_JSON_PLAIN, "inputs", VALUES_MAX, text, strlen(text),
                  "more than 256 members");
}
END_TEST

/* Nineteen digits do not tell on which side of a half they are; it is double's nearest that is rounded, to even. */
START_TEST(numbers_of_a_thousand_digits_are_rounded_right)
{
    static const struct {
        const char *head;
        size_t zeros;
        float wanted[2]; /* with a 0 behind the zeros, and with a 1 */
    } cases[] = {
        {"1.000000059604644775390625", 0, {1, 1}},
        {"1.000000059604644775390625", 2000, {1, 1}},
        {"-1.000000059604644775390625", 2000, {-1, -1}},
        {"1.000000178813934326171875", 900, {0x1.000004p0f, 0x1.000004p0f}},
        {"1.000000178813934326171874", 900, {0x1.000004p0f, 0x1.000004p0f}},
        /* half way between the double that is half way between two floats, and the next */
        {"1.00000005960464488641292746251565404236316680908203125", 0, {1, 1.00000012f}},
        {"1.00000005960464488641292746251565404236316680908203125", 700, {1, 1.00000012f}},
        {"1.00000005960464488641292746251565404236316680908203125", 2000, {1, 1.00000012f}},
        {"-1.00000005960464488641292746251565404236316680908203125", 2000, {-1, -1.00000012f}},
        {"0.500000029802322443206463731257827021181583404541015625", 700, {0.5f, 0.50000006f}},
        {"0.500000029802322443206463731257827021181583404541015625", 2000, {0.5f, 0.50000006f}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int digit = 0; digit <= 1; digit++) {
            char text[2100];
            float value = 0;
            size_t len = (size_t)sprintf(text, "%s", cases[i].head);
            memset(text + len, '0', cases[i].zeros);
            len += cases[i].zeros;
            text[len++] = (char)('0' + digit);
            ck_assert_uint_eq(relud_text_to_float(text, len, &value), len);
            ck_assert_msg(value == cases[i].wanted[digit], "%zu, %d: %a", i, digit, (double)value);
        }
}
END_TEST

RUN_SUITE("json_edges", arrays_in_other_forms_are_refused_with_their_place,
          no_more_numbers_than_there_is_room_for, bytes_are_read_in_every_spelling,
          places_are_cut_not_overrun, texts_that_end_early_or_hold_what_is_no_string_are_refused,
          many_members_take_memory_that_may_not_be_there, a_tensor_cut_anywhere_is_refused,
          no_more_is_looked_at_than_there_is_room_for,
          numbers_of_a_thousand_digits_are_rounded_right)
