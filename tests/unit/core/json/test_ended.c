/* JSON that nobody wants any more: its reading ends wherever the watch says so, and comes to the same where it does not. And what is
 * longer than a piece may be without a number's or a name's end in it. */
#include "tests/unit/json_texts.h"
#include "tests/unit/patience.h"

#include <stdio.h>

enum { LONG_BYTES = 70 * 1024, PIECE_BYTES = 4096, MANY = 20000, REST_LONG = 256 * 1024 };

static const char *const names[] = {"a", "b"};
static struct relud_json_columns columns;
static const struct relud_json_member split = {"split", RELUD_JSON_SPLIT};

/* `before`, so many times the middle, `behind`; the caller's to free. */
static char *text_of(const char *before, const char *middle, size_t times, const char *behind)
{
    size_t len = strlen(middle);
    char *text = malloc(strlen(before) + len * times + strlen(behind) + 1);
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < times; i++)
        at = stpcpy(at, middle);
    strcpy(at, behind);
    return text;
}

static float *room;
static char *others;

/* In one go, with the watch. */
static bool read_watched(const char *text, size_t len, enum relud_json_form form,
                         struct patience *patience)
{
    const struct relud_watch watch = watch_of(patience);
    struct relud_json_pause pause = {.bytes = PIECE_BYTES, .watch = patience ? &watch : NULL};
    array = (struct relud_json_array){.values = room,
                                      .capacity = len / 2 + 3,
                                      .form = form,
                                      .name = "x",
                                      .columns = &columns,
                                      .other = &split,
                                      .others = 1,
                                      .may_be_bare = true};
    memset(&error, 0, sizeof error);
    return relud_json_read_piece(text, len, "inputs", &array, patience ? &pause : NULL, others,
                                 REST_LONG, &error);
}

/* It asks at least so often, and ends at each of the questions. */
static void check_ends(const char *text, enum relud_json_form form, size_t questions)
{
    size_t len = strlen(text), count;
    room = malloc((len / 2 + 3) * sizeof *room);
    others = malloc(REST_LONG);
    ck_assert_msg(read_watched(text, len, form, NULL), "%.60s: %s", text, error.text);
    count = array.count;
    float *wanted = malloc(count * sizeof *wanted);
    memcpy(wanted, room, count * sizeof *wanted);
    struct patience never = {0};
    ck_assert_msg(read_watched(text, len, form, &never), "%.60s: %s", text, error.text);
    ck_assert_uint_eq(array.count, count);
    ck_assert_mem_eq(room, wanted, count * sizeof *wanted);
    ck_assert_msg(never.asked >= questions, "%.60s: only %zu questions", text, never.asked);
    for (size_t last = 1; last <= never.asked; last++) {
        struct patience patience = {.no = last};
        bool is_read = read_watched(text, len, form, &patience);
        ck_assert_msg(!is_read && error.code == RELUD_IO &&
                          strstr(error.text, "not wanted any more"),
                      "%.60s: question %zu of %zu: '%s'", text, last, never.asked, error.text);
        ck_assert_uint_le(patience.asked, last + 2); /* hardly anything is done after it */
    }
    free(wanted);
    free(others);
    free(room);
}

START_TEST(reading_ends_where_nobody_wants_it_any_more)
{
    static const struct {
        enum relud_json_form form;
        const char *before, *middle;
        size_t times;
        const char *behind;
        size_t questions;
    } cases[] = {
        {RELUD_JSON_PLAIN, "{\"inputs\":[0", ",1.5", MANY, "]}", 15},
        {RELUD_JSON_PLAIN, "[[0,1]", ",[1,2.5]", MANY, "]", 30},
        {RELUD_JSON_PLAIN, "{\"inputs\":[", " ", 2 * LONG_BYTES, "1,2]}", 3},
        {RELUD_JSON_PLAIN, "{\"inputs\":[[1,2]", "\n", LONG_BYTES, ",[3,4]]}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{", "\t", 2 * LONG_BYTES, "\"b\":[1],\"a\":[2]}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{", "\t", 2 * LONG_BYTES, "\"x\":[[1,2]]}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"b\"", " ", 2 * LONG_BYTES, ":[1],\"a\":[2]}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"b\":", "\r", 2 * LONG_BYTES, "[1],\"a\":[2]}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"b\":[1],\"a\":[2]", "\n", 2 * LONG_BYTES, "}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"b\":[[1", "\n", 2 * LONG_BYTES, "]],\"a\":[2]}}", 2},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"a\":1", " ", 2 * LONG_BYTES, ",\"b\":2}]}", 2},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\":", " ", 2 * LONG_BYTES,
         "\"AADgQAAAAEE=\"}]}", 2},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"x\":[1,2]", " ", 2 * LONG_BYTES, "}]}", 2},
        {RELUD_JSON_PLAIN, "[1,2]", "\n", 2 * LONG_BYTES, "", 2},
        {RELUD_JSON_PLAIN, "", " ", 2 * LONG_BYTES, "{\"inputs\":[1]}", 2},
        {RELUD_JSON_PLAIN, "{\"inputs\":[1],\"a\":", " ", 2 * LONG_BYTES, "1}", 2},
        {RELUD_JSON_PLAIN, "{\"split\":{\"data\":[[1,2]],\"columns\":[\"b\"", " ", 2 * LONG_BYTES,
         ",\"a\"]}}", 4},
        {RELUD_JSON_PLAIN, "{\"split\":{\"data\":[[1,2]],\"columns\":[", " ", LONG_BYTES,
         "\"b\",\"a\"],\"index\":[\"0\"]}}", 2},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"b\":[", " ", 2 * LONG_BYTES, "1],\"a\":[2]}}", 3},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"a\":1,\"b\":2}", ",{\"b\":2,\"a\":1}", MANY, "]}",
         60},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"b64\":\"", "AADgQAAAAEEAAABB", LONG_BYTES / 8,
         "\"}]}", 2},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[true", ",false", MANY,
         "],\"datatype\":\"BOOL\"}]}", 30},
        {RELUD_JSON_TENSOR, "{\"inputs\":[{\"data\":[0", ",255", MANY,
         "],\"datatype\":\"UINT8\"}]}", 20},
        {RELUD_JSON_PLAIN, "{\"split\":{\"columns\":[\"b\",\"a\"],\"data\":[[0,1]", ",[1,2.5]",
         MANY, "]}}", 30},
        {RELUD_JSON_PLAIN, "{\"inputs\":1,\"a\":[0", ",1", 5000, "]}", 2},
    };
    ck_assert(relud_json_columns_open(&columns, names, NULL, 2));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_of(cases[i].before, cases[i].middle, cases[i].times, cases[i].behind);
        check_ends(text, cases[i].form, cases[i].questions);
        free(text);
    }
    relud_json_columns_close(&columns);
}
END_TEST

/* Where it is read in pieces. */
START_TEST(no_number_and_no_name_is_endless)
{
    static const struct {
        enum relud_json_form form;
        const char *before, *middle, *behind;
        enum relud_code code;
        const char *words;
    } cases[] = {
        {RELUD_JSON_PLAIN, "{\"inputs\":[1.", "0", ",2]}", RELUD_TOO_LARGE,
         "inputs[0]: a number of more than 65536 characters at byte 11"},
        {RELUD_JSON_PLAIN, "{\"inputs\":[1,2", " ", ",3]}", RELUD_OK, ""},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"", "a", "\":1}]}", RELUD_TOO_LARGE,
         "a name of more than 65536 bytes at byte 65548"},
        {RELUD_JSON_NAMED_ROWS, "{\"inputs\":[{\"\x01", "a", "\":1}]}", RELUD_BAD_JSON,
         "a raw control character in a string at byte 13"},
        {RELUD_JSON_NAMED, "{\"inputs\":{\"", "a", "\":1}}", RELUD_TOO_LARGE,
         "a name of more than 65536 bytes at byte 65547"},
    };
    ck_assert(relud_json_columns_open(&columns, names, NULL, 2));
    others = malloc(REST_LONG);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = text_of(cases[i].before, cases[i].middle, LONG_BYTES, cases[i].behind);
        size_t len = strlen(text);
        struct patience never = {0};
        room = malloc((len / 2 + 3) * sizeof *room);
        bool is_read = read_watched(text, len, cases[i].form, &never);
        ck_assert_msg(is_read == !cases[i].words[0], "%zu: %s", i, error.text);
        ck_assert_str_eq(error.text, cases[i].words);
        ck_assert_int_eq(error.code, cases[i].code);
        free(room);
        free(text);
    }
    free(others);
    relud_json_columns_close(&columns);
}
END_TEST

/* A NUL is no part of a number, however far the next comma is. */
START_TEST(a_zero_byte_ends_a_number_of_a_long_text)
{
    char *text = text_of("{\"inputs\":[1.", "0", 2 * LONG_BYTES, "]}");
    size_t len = strlen(text);
    struct patience never = {0};
    room = malloc((len / 2 + 3) * sizeof *room);
    others = malloc(REST_LONG);
    text[6000] = '\0';
    ck_assert(!read_watched(text, len, RELUD_JSON_PLAIN, &never));
    ck_assert_str_eq(
        error.text, "inputs[1]: what stands here stands where a comma or ] is wanted at byte 6000");
    free(others);
    free(room);
    free(text);
}
END_TEST

RUN_SUITE("json_ended", reading_ends_where_nobody_wants_it_any_more,
          no_number_and_no_name_is_endless, a_zero_byte_ends_a_number_of_a_long_text)
