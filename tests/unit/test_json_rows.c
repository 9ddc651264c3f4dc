/* Number arrays out of JSON, and the small document that is left. What each wrong text is answered with stands in
 * tests/http/test_errors.c. */
#include "tests/unit/suite.h"

#include <relud/relud.h>
#include <stdio.h>

enum { REST = 4096 };

/* Reads from memory that ends where the text ends: a sanitizer sees every step beyond it. */
static bool read_exactly(const char *text, size_t len, struct relud_json_array *array, char *rest,
                         struct relud_error *error)
{
    char *exact = malloc(len ? len : 1);
    memcpy(exact, text, len);
    free(array->values);
    array->capacity = len / 2 + 1;
    array->values = malloc(array->capacity * sizeof(float));
    bool is_read = relud_json_read(exact, len, "inputs", array, rest, REST, error);
    free(exact);
    return is_read;
}

static void reads(const char *text, size_t rank, const size_t *shape, const float *values,
                  const char *left)
{
    struct relud_json_array array = {.values = NULL};
    struct relud_error error = {0};
    char rest[REST];
    bool is_read = read_exactly(text, strlen(text), &array, rest, &error);
    ck_assert_msg(is_read, "%s: %s", text, error.text);
    ck_assert_str_eq(rest, left);
    ck_assert(array.is_present);
    ck_assert_uint_eq(array.rank, rank);
    size_t count = 1;
    for (size_t d = 0; d < rank; d++) {
        ck_assert_uint_eq(array.shape[d], shape[d]);
        count *= shape[d];
    }
    ck_assert_uint_eq(array.count, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(bits_of(array.values[i]), bits_of(values[i]));
    free(array.values);
}

START_TEST(arrays_of_every_rank_are_read)
{
    const float numbers[] = {1, -2.5f, 0, 1e10f, -0.0f, 0.1f};
    reads("{\"inputs\":1}", 0, NULL, numbers, "{\"inputs\":0}");
    reads(" { \"inputs\" : 1 } \r\n\t", 0, NULL, numbers, "{\"inputs\":0}");
    reads("{\"inputs\":[1]}", 1, (const size_t[]){1}, numbers, "{\"inputs\":0}");
    reads("{\"inputs\":[1,-2.5,0,1e10,-0.0,0.1]}", 1, (const size_t[]){6}, numbers,
          "{\"inputs\":0}");
    reads("{\"inputs\":[ 1 ,\n-2.5 , 0,1E+10,-0,1e-1 ]}", 1, (const size_t[]){6}, numbers,
          "{\"inputs\":0}");
    reads("{\"inputs\":[[1,-2.5,0],[1e10,-0.0,0.1]]}", 2, (const size_t[]){2, 3}, numbers,
          "{\"inputs\":0}");
    reads("{\"inputs\":[[[1],[-2.5]],[[0],[1e10]],[[-0e9],[0.1]]]}", 3, (const size_t[]){3, 2, 1},
          numbers, "{\"inputs\":0}");
    const float zeros[11] = {[9] = 7};
    reads("{\"inputs\":[0,0,0,0,0,0,0,0,0,7,0]}", 1, (const size_t[]){11}, zeros, "{\"inputs\":0}");
    reads("{\"inputs\":[0,0,0,0]}", 1, (const size_t[]){4}, zeros, "{\"inputs\":0}");
}
END_TEST

START_TEST(the_other_members_are_left)
{
    const float one[] = {1};
    const size_t shape[] = {1};
    reads("{\"a\":{\"b\":[1,\"x\",null]},\"inputs\":[1],\"top_k\": 3 }", 1, shape, one,
          "{\"a\":{\"b\":[1,\"x\",null]},\"inputs\":0,\"top_k\":3}");
    reads("{\"in\\u0070uts\":[1],\"m\":\"\xc3\xa9\\ud83d\\ude00\"}", 1, shape, one,
          "{\"inputs\":0,\"m\":\"\xc3\xa9\\ud83d\\ude00\"}");
    struct relud_json_array array = {.values = NULL};
    struct relud_error error;
    char rest[REST];
    ck_assert(read_exactly("{\"x\":{}}", 8, &array, rest, &error));
    ck_assert(!array.is_present);
    ck_assert_str_eq(rest, "{\"x\":{}}");
    free(array.values);
}
END_TEST

/* No beginning of a document is a document, and none is read beyond its end. */
START_TEST(every_beginning_is_refused)
{
    static const char whole[] = "{\"model\":\"d\\u00e9\xc3\xa9\",\"inputs\":[[0,0,0,0,0,255,0."
                                "12345678,-1.5e-7],[1,2,3,4,5,6,7,8]],"
                                "\"top_k\":1234567,\"x\":[true,false,null,{}]}";
    struct relud_json_array array = {.values = NULL};
    struct relud_error error;
    char rest[REST];
    for (size_t len = 0; len < strlen(whole); len++)
        if (read_exactly(whole, len, &array, rest, &error))
            ck_abort_msg("%.*s", (int)len, whole);
    ck_assert(read_exactly(whole, strlen(whole), &array, rest, &error));
    free(array.values);
}
END_TEST

/* Turned bytes: read or refused, and what is read lies within its bounds. */
START_TEST(turned_bytes_do_no_harm)
{
    static const char whole[] = "{\"inputs\":[[0,0,0,0,12,-3.5,1e3],[1,2,3,4,5,6,0.25]],\"model\":"
                                "\"a\\u00e9b\",\"v\":[1,[2]]}";
    struct relud_json_array array = {.values = NULL};
    struct relud_error error;
    char rest[REST], text[sizeof whole];
    uint64_t state = 9;
    for (int i = 0; i < 300000; i++) {
        memcpy(text, whole, sizeof whole);
        for (uint64_t turns = 1 + random_next(&state) % 3; turns; turns--)
            text[random_next(&state) % strlen(whole)] =
                random_next(&state) % 2 ? (char)random_next(&state)
                                        : "[]{},:\"0123456789eE.-\\u"[random_next(&state) % 23];
        bool is_read = read_exactly(text, strlen(whole), &array, rest, &error);
        size_t count = 1;
        for (size_t d = 0; is_read && array.is_present && d < array.rank; d++)
            count *= array.shape[d];
        if (is_read && array.is_present && (count != array.count || count > array.capacity))
            ck_abort_msg("%s", text);
        if (is_read && !relud_json_check(rest, strlen(rest), &error))
            ck_abort_msg("%s leaves %s: %s", text, rest, error.text);
    }
    free(array.values);
}
END_TEST

START_TEST(room_that_is_too_small_is_said)
{
    float few[2];
    struct relud_json_array array = {.values = few, .capacity = 2};
    struct relud_error error;
    char rest[16];
    static const char three[] = "{\"inputs\":[1,2,3]}", zeros[] = "{\"inputs\":[0,0,0,0,0,0]}",
                      much[] = "{\"inputs\":[1],\"model\":\"abcdef\"}";
    ck_assert(!relud_json_read(three, strlen(three), "inputs", &array, rest, sizeof rest, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
    ck_assert(!relud_json_read(zeros, strlen(zeros), "inputs", &array, rest, sizeof rest, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
    ck_assert(!relud_json_read(much, strlen(much), "inputs", &array, rest, sizeof rest, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
}
END_TEST

START_TEST(strings_are_written_as_json)
{
    char out[128];
    static const char text[] = "a\"\\\n\x01\x7f\xff\xc3\xa9";
    size_t len = relud_json_string(text, strlen(text), out);
    out[len] = '\0';
    ck_assert_str_eq(out, "\"a\\\"\\\\\\n\\u0001\\u007f\xef\xbf\xbd\xc3\xa9\"");
    ck_assert_uint_eq(relud_json_string("", 0, out), 2);
}
END_TEST

RUN_SUITE("json_rows", arrays_of_every_rank_are_read, the_other_members_are_left,
          every_beginning_is_refused, turned_bytes_do_no_harm, room_that_is_too_small_is_said,
          strings_are_written_as_json)
