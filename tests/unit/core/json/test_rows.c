#include "tests/unit/json_texts.h"

#include <cjson/cJSON.h>
#include <stdio.h>

/* ---- what is right ---- */

START_TEST(arrays_of_every_rank_are_read_in_order)
{
    static const struct {
        const char *text;
        size_t rank, shape[3], count;
    } cases[] = {
        {"{\"inputs\":7}", 0, {0}, 1},
        {"{\"inputs\":[7]}", 1, {1}, 1},
        {"{\"inputs\":[7,8,9]}", 1, {3}, 3},
        {"{\"inputs\":[[7,8,9]]}", 2, {1, 3}, 3},
        {"{\"inputs\":[[7],[8],[9]]}", 2, {3, 1}, 3},
        {"{\"inputs\":[[[7,8],[9,10]],[[11,12],[13,14]]]}", 3, {2, 2, 2}, 8},
        {"\n{ \"inputs\" :\t[ [ 7 , 8 ] ,\r\n [ 9,10 ] ] } ", 2, {2, 2}, 4},
        {"{\"\\u0069nputs\":[7, 8, 9, 10]}", 1, {4}, 4},
        {"{\"\\u0069nputs\":[70e-1, 8.0, 0.9E1]}", 1, {3}, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(read_text(cases[i].text, strlen(cases[i].text)), "%s: %s", cases[i].text,
                      error.text);
        ck_assert(array.is_present);
        ck_assert_uint_eq(array.rank, cases[i].rank);
        ck_assert_uint_eq(array.count, cases[i].count);
        for (size_t d = 0; d < array.rank; d++)
            ck_assert_uint_eq(array.shape[d], cases[i].shape[d]);
        for (size_t v = 0; v < array.count; v++)
            ck_assert_float_eq(values[v], (float)(7 + v));
        ck_assert_msg(relud_json_check(rest, strlen(rest), &error), "%s: %s", rest, error.text);
        ck_assert_uint_eq(strspn(strrchr(rest, '0'), "0 }"), strlen(strrchr(rest, '0')));
    }
}
END_TEST

START_TEST(the_rest_is_handed_on)
{
    static const struct {
        const char *text, *rest;
        bool is_present;
    } cases[] = {
        {"{}", "{}", false},
        {" { \"a\" : 1 }\n", "{ \"a\" : 1 }", false},
        {"{\"a\": 1, \"inputs\":\n[1, 2] }", "{\"a\": 1, \"inputs\":\n0 }", true},
        {"{\"a\":1,\"inputs\":[1,2],\"b\":[true, null]}",
         "{\"a\":1,\"inputs\":0,\"b\":[true, null]}", true},
        {"{\"inputs\":1,\"a\\\"\\u00e4\":\"\\ud83d\\ude00\"}",
         "{\"inputs\":0,\"a\\\"\\u00e4\":\"\\ud83d\\ude00\"}", true},
        {"{\"Inputs\":[],\"input\":{\"inputs\":[[1],2]}}",
         "{\"Inputs\":[],\"input\":{\"inputs\":[[1],2]}}", false},
        {"{\"a\":1e999,\"b\":-0.5E+3,\"c\":false}", "{\"a\":1e999,\"b\":-0.5E+3,\"c\":false}",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ck_assert_msg(read_text(cases[i].text, strlen(cases[i].text)), "%s: %s", cases[i].text,
                      error.text);
        ck_assert_int_eq(array.is_present, cases[i].is_present);
        ck_assert_str_eq(rest, cases[i].rest);
    }
}
END_TEST

/* One text in a form; what comes of it. */
struct form_case {
    enum relud_json_form form, other_form;
    const char *text, *rest; /* rest NULL: it is refused */
    size_t rank, count;
};

START_TEST(other_forms_are_read)
{
    static const struct form_case cases[] = {
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{\"x\":[[7,8],[9,10]]}}", "{\"inputs\":0}", 2, 4},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{ \"\\u0078\" : [7,8] } }", "{\"inputs\":0 }", 1, 2},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":[[7,8],[9,10]]}", "{\"inputs\":0}", 2, 4},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{\"y\":[7,8]}}", NULL, 0, 0},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{\"x\":[7,8],\"y\":1}}", NULL, 0, 0},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{\"x\":[7,8]", NULL, 0, 0},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{}}", NULL, 0, 0},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":[{\"x\":[7,8]}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"x\":[7,8]}, {\"x\" : [9,10] }]}",
         "{\"inputs\":0}", 2, 4},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"x\":7},{\"x\":8}]}", "{\"inputs\":0}", 1, 2},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[[7,8]]}", "{\"inputs\":0}", 2, 2},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"x\":[7,8]},{\"x\":[9]}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"x\":[{\"x\":7}]}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":{\"x\":[7,8]}}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AADgQAAAAEE=\"}, [9,10]]}",
         "{\"inputs\":0}", 2, 4},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"x\":{\"b64\" : \"AADgQAAAAEE\" } }]}",
         "{\"inputs\":0}", 2, 2},
        {RELUD_JSON_NAMED, 0, "{\"inputs\":{\"b64\":\"AADgQA==\"}}", "{\"inputs\":0}", 1, 1},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AADgQAAAAEE=\"},[9]]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[[9],{\"b64\":\"AADgQAAAAEE=\"}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"\"}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AADgQAA\"}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AAD*QA==\"}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AADAfw==\"}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":7}]}", NULL, 0, 0},
        {RELUD_JSON_NAMED_ROWS, 0, "{\"inputs\":[{\"b64\":\"AADgQA==\"", NULL, 0, 0},
        {RELUD_JSON_PLAIN, 0, "{\"inputs\":[{\"b64\":\"AADgQA==\"}]}", NULL, 0, 0},
        {RELUD_JSON_PLAIN, 0, "{\"inputs\":[{\"x\":[7,8]}]}", NULL, 0, 0},
        {RELUD_JSON_TENSOR, 0,
         "{\"id\":\"1\",\"inputs\":[{\"name\":\"x\",\"data\":[[7,8],9,[[10]]],\"shape\":[2,2]}]}",
         "{\"id\":\"1\",\"inputs\":[{\"name\":\"x\",\"data\":0,\"shape\":[2,2]}]}", 1, 4},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[{\"data\":7}]}", "{\"inputs\":[{\"data\":0}]}", 1, 1},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[{\"name\":\"x\"}]}", "{\"inputs\":[{\"name\":\"x\"}]}",
         0, 0},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[{\"data\":[7]},{\"data\":[8]}]}", NULL, 0, 0},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[7]}", NULL, 0, 0},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":{\"data\":[7]}}", NULL, 0, 0},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[{\"data\":[7,tru]}]}", NULL, 0, 0},
        {RELUD_JSON_TENSOR, 0, "{\"inputs\":[{\"data\":[7", NULL, 0, 0},
        {RELUD_JSON_PLAIN, RELUD_JSON_NAMED, "{\"other\":{\"x\":[7,8]}}", "{\"other\":0}", 1, 2},
        {RELUD_JSON_PLAIN, RELUD_JSON_NAMED, "{\"other\":[7],\"inputs\":[7]}", NULL, 0, 0},
        {RELUD_JSON_PLAIN, RELUD_JSON_NAMED, "{\"other\":[7],\"other\":[7]}", NULL, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct form_case *c = &cases[i];
        const struct relud_json_member other = {"other", c->other_form};
        array = (struct relud_json_array){.values = values,
                                          .capacity = VALUES_MAX,
                                          .form = c->form,
                                          .name = "x",
                                          .other = &other,
                                          .others = 1};
        bool is_right = read_json(c->text, strlen(c->text), "inputs");
        ck_assert_msg(is_right == (c->rest != NULL), "%s: %s", c->text, error.text);
        if (!is_right)
            continue;
        ck_assert_str_eq(rest, c->rest);
        ck_assert_uint_eq(array.rank, c->rank);
        ck_assert_uint_eq(array.count, c->count);
        for (size_t v = 0; v < array.count; v++)
            ck_assert_float_eq(values[v], (float)(7 + v));
    }
}
END_TEST

START_TEST(booleans_of_a_tensor_are_1_and_0)
{
    const char *text = "{\"inputs\":[{\"data\":[true,[false],true]}]}";
    array = (struct relud_json_array){
        .values = values, .capacity = VALUES_MAX, .form = RELUD_JSON_TENSOR};
    ck_assert(read_json(text, strlen(text), "inputs"));
    ck_assert_uint_eq(array.count, 3);
    ck_assert(values[0] == 1 && values[1] == 0 && values[2] == 1);
    array.capacity = 2;
    ck_assert(!relud_json_read(text, strlen(text), "inputs", &array, rest, sizeof rest, &error));
}
END_TEST

START_TEST(the_rest_is_bounded)
{
    const char *text = "{\"inputs\":1,\"ab\":[1,2]}", *wanted = "{\"inputs\":0,\"ab\":[1,2]}";
    size_t len = strlen(wanted);
    for (size_t capacity = 0; capacity <= len + 2; capacity++) {
        char *exact = malloc(capacity);
        array = (struct relud_json_array){.values = values, .capacity = VALUES_MAX};
        bool is_right =
            relud_json_read(text, strlen(text), "inputs", &array, exact, capacity, &error);
        ck_assert_int_eq(is_right, capacity > len);
        if (is_right)
            ck_assert_str_eq(exact, wanted);
        else
            ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
        free(exact);
    }
}
END_TEST

START_TEST(where_the_array_begins_is_told)
{
    const char *text = "{\"a\":[1], \"inputs\" : [[1,2]]}";
    ck_assert(read_text(text, strlen(text)));
    ck_assert_uint_eq(array.offset, (size_t)(strstr(text, "[[") - text));
}
END_TEST

/* ---- what is wrong ---- */

START_TEST(errors_name_the_path_and_the_byte)
{
    static const struct {
        const char *text;
        enum relud_code code;
        const char *words;
    } cases[] = {
        /* numbers */
        {"{\"inputs\":[[1,2],[3,01]]}", RELUD_BAD_JSON,
         "inputs[1][1]: '01' is not a JSON number at byte 20 (leading zero)"},
        {"{\"inputs\":[+1]}", RELUD_BAD_JSON,
         "inputs[0]: '+1' is not a JSON number at byte 11 (plus sign)"},
        {"{\"inputs\":[.5]}", RELUD_BAD_JSON,
         "inputs[0]: '.5' is not a JSON number at byte 11 (no digit before the point)"},
        {"{\"inputs\":[1,1.]}", RELUD_BAD_JSON,
         "inputs[1]: '1.' is not a JSON number at byte 13 (no digit behind the point)"},
        {"{\"inputs\":[1e+]}", RELUD_BAD_JSON,
         "inputs[0]: '1e+' is not a JSON number at byte 11 (no digit in the exponent)"},
        {"{\"inputs\":[-]}", RELUD_BAD_JSON, "inputs[0]: '-' is not a JSON number at byte 11"},
        {"{\"inputs\":[0x10]}", RELUD_BAD_JSON,
         "inputs[1]: 'x10' stands where a comma or ] is wanted at byte 12"},
        {"{\"inputs\":[1 2]}", RELUD_BAD_JSON,
         "inputs[1]: '2' stands where a comma or ] is wanted at byte 13"},
        {"{\"inputs\":[1,,2]}", RELUD_BAD_JSON,
         "inputs[1]: what stands here is not a JSON number at byte 13"},
        {"{\"inputs\":[1,]}", RELUD_BAD_JSON,
         "inputs[1]: what stands here is not a JSON number at byte 13"},
        {"{\"inputs\":[0,0,0,0,]}", RELUD_BAD_JSON,
         "inputs[4]: what stands here is not a JSON number at byte 19"},
        {"{\"inputs\":[\xc3\xa4]}", RELUD_BAD_JSON,
         "inputs[0]: what stands here is not a JSON number at byte 11"},
        {"{\"inputs\":[1,2,3,4,5,1e999,6]}", RELUD_NOT_FINITE,
         "inputs[5]: '1e999' is not finite as float32 at byte 21"},
        {"{\"inputs\":[[-3.5e38]]}", RELUD_NOT_FINITE,
         "inputs[0][0]: '-3.5e38' is not finite as float32 at byte 12"},
        {"{\"inputs\":3.41e38}", RELUD_NOT_FINITE,
         "inputs: '3.41e38' is not finite as float32 at byte 10"},
        {"{\"inputs\":[[1,2,NaN]]}", RELUD_NOT_FINITE,
         "inputs[0][2]: 'NaN' is not JSON, and not a finite number at byte 16"},
        {"{\"inputs\":[Infinity]}", RELUD_NOT_FINITE,
         "inputs[0]: 'Infinity' is not JSON, and not a finite number at byte 11"},
        {"{\"inputs\":[-Infinity]}", RELUD_NOT_FINITE,
         "inputs[0]: '-Infinity' is not JSON, and not a finite number at byte 11"},
        /* other values */
        {"{\"inputs\":[1,\"2\"]}", RELUD_BAD_INPUT, "inputs[1]: '\"2\"' is no number at byte 13"},
        {"{\"inputs\":[[true]]}", RELUD_BAD_INPUT, "inputs[0][0]: 'true' is no number at byte 12"},
        {"{\"inputs\":true}", RELUD_BAD_INPUT, "inputs: 'true' is no number at byte 10"},
        {"{\"inputs\":[{}]}", RELUD_BAD_INPUT,
         "inputs[0]: what stands here is no number at byte 11"},
        /* shapes */
        {"{\"inputs\":[]}", RELUD_BAD_INPUT, "inputs is an empty array at byte 11"},
        {"{\"inputs\":[[1],[ ]]}", RELUD_BAD_INPUT, "inputs[1] is an empty array at byte 17"},
        {"{\"inputs\":[[1,2,3],[4,5]]}", RELUD_BAD_INPUT,
         "inputs[1] has 2 numbers where inputs[0] has 3 at byte 23"},
        {"{\"inputs\":[[1,2],[4]]}", RELUD_BAD_INPUT,
         "inputs[1] has 1 number where inputs[0] has 2 at byte 19"},
        {"{\"inputs\":[[[1],[2]],[[3]]]}", RELUD_BAD_INPUT,
         "inputs[1] has 1 element where inputs[0] has 2 at byte 25"},
        {"{\"inputs\":[[[1],[2]],[[3],[4,5]]]}", RELUD_BAD_INPUT,
         "inputs[1][1] has 2 numbers where inputs[0][0] has 1 at byte 30"},
        {"{\"inputs\":[[1],2]}", RELUD_BAD_INPUT,
         "inputs[1]: a number where others are arrays at byte 15"},
        {"{\"inputs\":[1,[2]]}", RELUD_BAD_INPUT,
         "inputs[1]: an array where others are numbers at byte 13"},
        {"{\"inputs\":[[[1]],[[[2]]]]}", RELUD_BAD_INPUT,
         "inputs[1][0][0]: an array where others are numbers at byte 19"},
        /* the object around it */
        {"", RELUD_BAD_JSON, "a JSON object {\"inputs\": …} is wanted at byte 0"},
        {"[[1,2]]", RELUD_BAD_JSON, "a JSON object {\"inputs\": …} is wanted at byte 0"},
        {" 5", RELUD_BAD_JSON, "a JSON object {\"inputs\": …} is wanted at byte 1"},
        {"\xef\xbb\xbf{}", RELUD_BAD_JSON,
         "a JSON object {\"inputs\": …} is wanted at byte 0 (not a byte order mark)"},
        {"{} {}", RELUD_BAD_JSON, "more text behind the end of the JSON value at byte 3"},
        {"{\"inputs\":1}x", RELUD_BAD_JSON,
         "more text behind the end of the JSON value at byte 12"},
        {"{\"inputs\":[1]]}", RELUD_BAD_JSON, "a comma or } is wanted at byte 13"},
        {"{\"inputs\":1,}", RELUD_BAD_JSON, "a string is wanted at byte 12"},
        {"{\"inputs\" 1}", RELUD_BAD_JSON, "a colon is wanted at byte 10"},
        {"{inputs:1}", RELUD_BAD_JSON, "a string is wanted at byte 1"},
        {"{\"a\":01}", RELUD_BAD_JSON, "a value is wanted at byte 5 (leading zero)"},
        {"{\"a\":[1 2]}", RELUD_BAD_JSON, "a comma or ] is wanted at byte 8"},
        {"{\"a\":[1,]}", RELUD_BAD_JSON, "a value is wanted at byte 8"},
        {"{\"a\":tru}", RELUD_BAD_JSON, "a value is wanted at byte 5"},
        {"{\"a\":'b'}", RELUD_BAD_JSON, "a value is wanted at byte 5"},
        {"{\"a\":1,/**/\"b\":2}", RELUD_BAD_JSON, "a string is wanted at byte 7"},
        /* names that stand twice */
        {"{\"inputs\":1,\"inputs\":1}", RELUD_BAD_JSON,
         "member \"inputs\" stands twice at byte 12"},
        {"{\"inputs\":1,\"in\\u0070uts\":1}", RELUD_BAD_JSON,
         "member \"inputs\" stands twice at byte 12"},
        {"{\"a\":1,\"b\":2,\"a\":3}", RELUD_BAD_JSON, "member \"a\" stands twice at byte 13"},
        {"{\"a\":1,\"\\u0061\":3}", RELUD_BAD_JSON, "member \"\\u0061\" stands twice at byte 7"},
        {"{\"p\":{\"q\":[{\"\xc3\xa4\":1,\"\\u00E4\":2}]}}", RELUD_BAD_JSON,
         "member \"\\u00E4\" stands twice at byte 19"},
        {"{\"\xf0\x9f\x98\x80\":1,\"\\ud83d\\ude00\":2}", RELUD_BAD_JSON,
         "member \"\\ud83d\\ude00\" stands twice at byte 10"},
        {"{\"\\n\\/\":1,\"\\u000a/\":2}", RELUD_BAD_JSON,
         "member \"\\u000a/\" stands twice at byte 10"},
        {"{\"\":1,\"\":2}", RELUD_BAD_JSON, "member \"\" stands twice at byte 6"},
        /* strings */
        {"{\"a\":\"x\ny\"}", RELUD_BAD_JSON, "a raw control character in a string at byte 7"},
        {"{\"a\":\"\\x\"}", RELUD_BAD_JSON, "an escape that JSON does not have at byte 6"},
        {"{\"a\":\"\\u12g4\"}", RELUD_BAD_JSON, "\\u without four hexadecimal digits at byte 6"},
        {"{\"a\":\"b\\u0000\"}", RELUD_BAD_JSON,
         "\\u0000, which no string here may hold, at byte 7"},
        {"{\"a\":\"\\ud800\"}", RELUD_BAD_JSON, "half a surrogate pair at byte 6"},
        {"{\"a\":\"\\udc00\\ud800\"}", RELUD_BAD_JSON, "half a surrogate pair at byte 6"},
        {"{\"a\":\"\\ud800\\u0041\"}", RELUD_BAD_JSON, "half a surrogate pair at byte 6"},
        {"{\"a\":\"0123456789\xff\"}", RELUD_BAD_JSON, "a byte that is not UTF-8 at byte 16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_error(cases[i].text, strlen(cases[i].text), cases[i].code, cases[i].words);
}
END_TEST

START_TEST(a_text_cut_anywhere_is_refused)
{
    const char *text = "{\"a\":{\"b\":[1,true,null,\"\\ud83d\\ude00\xc3\xa4\"],\"c\":-1.5e-3},"
                       "\"inputs\":[[0,0,0,0,255,17],"
                       "[0.1, 0.25,1e-7,-12345.678,1,0.123456789012345678]],\"z\":false}";
    size_t len = strlen(text);
    ck_assert_msg(read_text(text, len), "%s", error.text);
    for (size_t cut = 0; cut < len; cut++) {
        ck_assert_msg(!read_text(text, cut), "%.*s", (int)cut, text);
        ck_assert_int_ne(error.code, RELUD_OK);
        ck_assert_uint_le(error.offset, cut);
        ck_assert(!check_text(text, cut) || cut == 0);
    }
}
END_TEST

/* ---- size ---- */

START_TEST(the_values_are_bounded)
{
    for (size_t capacity = 0; capacity < 6; capacity++) {
        const char *text = "{\"inputs\":[[0,0],[0,0]]}";
        float *exact = malloc(capacity * sizeof *exact);
        struct relud_json_array bounded = {.values = exact, .capacity = capacity};
        bool is_right =
            relud_json_read(text, strlen(text), "inputs", &bounded, rest, sizeof rest, &error);
        ck_assert_int_eq(is_right, capacity >= 4);
        if (!is_right)
            ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
        free(exact);
    }
}
END_TEST

START_TEST(half_as_many_floats_as_bytes_suffice)
{
    size_t zeros = 4 * 1024 * 1024, len = 2 * zeros + 12;
    char *text = malloc(len + 1);
    strcpy(text, "{\"inputs\":[");
    for (size_t i = 0; i < zeros; i++)
        memcpy(text + 11 + 2 * i, "0,", 2);
    memcpy(text + 11 + 2 * zeros - 1, "]}", 3);
    len = strlen(text);
    struct relud_json_array big = {.values = malloc((len / 2 + 1) * sizeof(float)),
                                   .capacity = len / 2 + 1};
    ck_assert_msg(relud_json_read(text, len, "inputs", &big, rest, sizeof rest, &error), "%s",
                  error.text);
    ck_assert_uint_eq(big.count, zeros);
    size_t others = 0;
    for (size_t i = 0; i < zeros; i++)
        others += bits_of(big.values[i]) != 0;
    ck_assert_uint_eq(others, 0);
    free(big.values);
    free(text);
}
END_TEST

/* ---- slow twins ---- */

static size_t print_blanks(uint64_t *state, char *out)
{
    size_t len = 0;
    while (random_next(state) % 8 == 0)
        out[len++] = " \n\t\r"[random_next(state) % 4];
    return len;
}

static size_t print_number(uint64_t *state, char *out)
{
    uint64_t r = random_next(state);
    double value = (double)(int64_t)random_next(state) * 0x1p-63;
    switch (r % 8) {
    case 0:
        return (size_t)sprintf(out, "%d", (int)(r >> 8 & 255));
    case 1:
        return (size_t)sprintf(out, "%.*f", 1 + (int)(r >> 8 & 15), value * 1000);
    case 2:
        return (size_t)sprintf(out, "%.*e", (int)(r >> 8 & 31), value);
    case 3:
        return (size_t)sprintf(out, "%.17g", value);
    case 4:
        return (size_t)sprintf(out, "%.*fE+%d", (int)(r >> 8 & 7), value, (int)(r >> 16 & 31));
    default:
        strcpy(out, r >> 8 & 1 ? "0" : "0.0");
        return strlen(out);
    }
}

/* An array of random numbers, written in random ways. */
static size_t print_array(uint64_t *state, size_t rank, const size_t *shape, const char *comma,
                          char *out)
{
    char *at = out;
    if (rank == 0)
        return print_number(state, out);
    *at++ = '[';
    for (size_t i = 0; i < shape[0]; i++) {
        if (i)
            at = stpcpy(at, comma);
        if (*comma == '\0')
            *at++ = i ? ',' : ' ', at += print_blanks(state, at);
        at += print_array(state, rank - 1, shape + 1, comma, at);
    }
    *at++ = ']';
    return (size_t)(at - out);
}

static size_t count_equal(const cJSON *tree, size_t count)
{
    if (cJSON_IsNumber(tree))
        return count + (bits_of((float)tree->valuedouble) == bits_of(values[count]));
    for (const cJSON *child = tree->child; child; child = child->next)
        count = count_equal(child, count);
    return count;
}

START_TEST(arrays_are_read_as_cjson_reads_them)
{
    uint64_t state = 1;
    static char text[VALUES_MAX * 64];
    for (int i = 0; i < 4000; i++) {
        size_t rank = 1 + random_next(&state) % 3, shape[3];
        for (size_t d = 0; d < rank; d++)
            shape[d] = 1 + random_next(&state) % 12;
        static const char *const commas[] = {",", ", ", ""};
        size_t len = (size_t)sprintf(text, "{\"inputs\":");
        len += print_array(&state, rank, shape, commas[random_next(&state) % 3], text + len);
        strcpy(text + len++, "}");
        ck_assert_msg(read_text(text, len), "%s: %s", error.text, text);
        ck_assert_uint_eq(array.rank, rank);
        ck_assert_mem_eq(array.shape, shape, rank * sizeof *shape);
        cJSON *tree = cJSON_ParseWithLength(text, len);
        ck_assert_uint_eq(count_equal(cJSON_GetObjectItemCaseSensitive(tree, "inputs"), 0),
                          array.count);
        cJSON_Delete(tree);
    }
}
END_TEST

/* cJSON takes more than JSON, but nothing less. */
START_TEST(what_is_read_is_json_to_others_too)
{
    static const char text[] =
        "{\"a\":[1,-2.5e3,true,null,{\"b\":\"c\\n\\u00e4\"}],\"inputs\":[[1,0.25,3],[0,0, 1e-5]]}";
    static const char bytes[] = "{}[]:,\"\\eE+-.0123456789 truefalsn\n\t\x01\xc3\xa4";
    uint64_t state = 2;
    int taken = 0;
    for (int i = 0; i < 100000; i++) {
        char copy[sizeof text + 1];
        memcpy(copy, text, sizeof text);
        for (uint64_t changes = 1 + random_next(&state) % 3; changes; changes--)
            copy[random_next(&state) % (sizeof text - 1)] =
                bytes[random_next(&state) % (sizeof bytes - 1)];
        if (!read_text(copy, sizeof text - 1))
            continue;
        taken++;
        ck_assert_msg(check_text(copy, sizeof text - 1), "%s", copy);
        cJSON *tree = cJSON_ParseWithLengthOpts(copy, sizeof text, NULL, true);
        cJSON *others = cJSON_Parse(rest);
        ck_assert_msg(tree && others, "%s", copy);
        cJSON *inputs = cJSON_GetObjectItemCaseSensitive(tree, "inputs");
        ck_assert_int_eq(inputs != NULL, array.is_present);
        if (array.is_present) {
            ck_assert_uint_eq(count_equal(inputs, 0), array.count);
            cJSON_ReplaceItemInObjectCaseSensitive(tree, "inputs", cJSON_CreateNumber(0));
        }
        char *one = cJSON_PrintUnformatted(tree), *other = cJSON_PrintUnformatted(others);
        ck_assert_str_eq(one, other);
        free(one);
        free(other);
        cJSON_Delete(tree);
        cJSON_Delete(others);
    }
    ck_assert_int_gt(taken, 1000);
}
END_TEST

RUN_SUITE("json_rows", arrays_of_every_rank_are_read_in_order, the_rest_is_handed_on,
          other_forms_are_read, booleans_of_a_tensor_are_1_and_0, the_rest_is_bounded,
          where_the_array_begins_is_told, errors_name_the_path_and_the_byte,
          a_text_cut_anywhere_is_refused, the_values_are_bounded,
          half_as_many_floats_as_bytes_suffice, arrays_are_read_as_cjson_reads_them,
          what_is_read_is_json_to_others_too)
