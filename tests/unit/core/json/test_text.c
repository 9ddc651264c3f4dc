#include "tests/unit/json_texts.h"

#include <stdio.h>

START_TEST(raw_zero_bytes_are_refused)
{
    check_error("{\"inputs\":[1,\0]}", 16, RELUD_BAD_JSON,
                "inputs[1]: what stands here is not a JSON number at byte 13");
    check_error("{\"a\":\"\0\"}", 9, RELUD_BAD_JSON,
                "a raw control character in a string at byte 6");
    check_error("{}\0", 3, RELUD_BAD_JSON, "more text behind the end of the JSON value at byte 2");
}
END_TEST

START_TEST(utf8_is_checked_to_the_letter)
{
    static const struct {
        const char *bytes;
        bool is_right;
    } cases[] = {
        {"\x7f", true},
        {"\xc2\x80", true},
        {"\xdf\xbf", true},
        {"\xe0\xa0\x80", true},
        {"\xed\x9f\xbf", true},
        {"\xee\x80\x80", true},
        {"\xef\xbf\xbf", true},
        {"\xf0\x90\x80\x80", true},
        {"\xf4\x8f\xbf\xbf", true},
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xc2", false},
        {"\xc2\x41", false},
        {"\xe0\x80\x80", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xed\xbf\xbf", false},
        {"\xe2\x82", false},
        {"\xe2\x28\xa1", false},
        {"\xf0\x80\x80\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf0\x90\x80", false},
        {"\xf4\x90\x80\x80", false},
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xfe", false},
    };
    char text[64];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int before = 0; before < 17; before++) {
            int len = snprintf(text, sizeof text, "{\"%.*s%s\":0}", before, "abcdefghijklmnopq",
                               cases[i].bytes);
            ck_assert_msg(read_text(text, (size_t)len) == cases[i].is_right,
                          "case %zu behind %d bytes", i, before);
        }
}
END_TEST

START_TEST(every_control_character_must_be_escaped)
{
    char text[] = "{\"0123456789\":\"abc\"}";
    for (size_t at = 2; at < 18; at++)
        for (int c = 1; c < 0x20; c++) {
            if (at >= 12 && at < 15)
                continue;
            char copy[sizeof text];
            memcpy(copy, text, sizeof text);
            copy[at] = (char)c;
            ck_assert(!read_text(copy, strlen(copy)));
        }
}
END_TEST

START_TEST(thirty_two_levels_are_enough)
{
    char text[512];
    for (int depth = 31; depth <= 34; depth++) {
        static const struct {
            const char *format, *inside;
            char open, close;
        } cases[] = {
            {"{\"inputs\":%s1%s}", "", '[', ']'},
            {"{\"a\":%s1%s}", "", '[', ']'},
            {"{\"a\":%s1%s}", "\"k\":", '{', '}'},
        };
        for (size_t i = 0; i < 3; i++) {
            char open[256] = "", close[64] = "";
            for (int d = 0; d < depth; d++) {
                size_t len = strlen(open);
                snprintf(open + len, sizeof open - len, "%c%s", cases[i].open, cases[i].inside);
                close[d] = cases[i].close;
            }
            snprintf(text, sizeof text, cases[i].format, open, close);
            ck_assert_msg(read_text(text, strlen(text)) == (depth <= 32), "depth %d of %zu: %s",
                          depth, i, error.text);
            if (depth > 32)
                ck_assert_ptr_nonnull(strstr(error.text, "nested deeper than 32 levels"));
        }
    }
}
END_TEST

START_TEST(a_million_brackets_need_no_stack)
{
    size_t len = 1000000;
    char *text = malloc(len);
    memset(text, '[', len);
    memcpy(text, "{\"a\":", 5);
    ck_assert(!relud_json_read(text, len, "inputs", &array, rest, sizeof rest, &error));
    memcpy(text, "{\"inputs\":", 10);
    ck_assert(!relud_json_read(text, len, "inputs", &array, rest, sizeof rest, &error));
    memset(text, '[', len);
    ck_assert(!relud_json_check(text, len, &error));
    free(text);
}
END_TEST

START_TEST(a_million_members_are_refused_or_checked_quickly)
{
    size_t members = 1000000, room = members * 16 + 64;
    char *text = malloc(room), *at = text;
    *at++ = '{';
    for (size_t i = 0; i < members; i++)
        at += sprintf(at, "%s\"k%zu\":0", i ? "," : "", i * 7919 % members);
    *at++ = '}';
    size_t len = (size_t)(at - text);
    ck_assert(!relud_json_read(text, len, "inputs", &array, rest, sizeof rest, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
    ck_assert_msg(relud_json_check(text, len, &error), "%s", error.text);
    at[-1] = ',';
    at += sprintf(at, "\"k5\":0}");
    ck_assert(!relud_json_check(text, (size_t)(at - text), &error));
    free(text);
}
END_TEST

START_TEST(long_names_are_refused_quickly)
{
    size_t len = 8 * 1024 * 1024;
    char *text = malloc(len);
    memset(text, 'a', len);
    memcpy(text, "{\"", 2);
    memcpy(text + len / 2, "\":0,\"", 5);
    memcpy(text + len - 4, "\":0}", 4);
    ck_assert(!relud_json_read(text, len, "inputs", &array, rest, sizeof rest, &error));
    ck_assert_int_eq(error.code, RELUD_TOO_LARGE);
    ck_assert_msg(relud_json_check(text, len, &error), "%s", error.text);
    free(text);
}
END_TEST

START_TEST(any_value_can_be_checked)
{
    static const char *const right[] = {
        "1", " \"a\" ", "null", "[]", "{}", "[[],{},[{}]]", "{\"a\":{\"a\":1}}"};
    static const char *const wrong[] = {"",
                                        " ",
                                        "nul",
                                        "[1,]",
                                        "{\"a\"}",
                                        "[1]]",
                                        "01",
                                        "1 2",
                                        "\"",
                                        "[\"a\":1]",
                                        "{\"a\":1,\"a\":1}",
                                        "\"\\ud800\"",
                                        "NaN",
                                        "\xef\xbb\xbf[]",
                                        "[1}"};
    for (size_t i = 0; i < sizeof right / sizeof *right; i++)
        ck_assert_msg(check_text(right[i], strlen(right[i])), "%s: %s", right[i], error.text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        ck_assert_msg(!check_text(wrong[i], strlen(wrong[i])), "%s", wrong[i]);
        ck_assert_int_eq(error.code, RELUD_BAD_JSON);
    }
    ck_assert(!relud_json_check("x", 1, NULL));
}
END_TEST

START_TEST(texts_are_written_as_json_strings)
{
    static const struct {
        const char *text, *json;
    } cases[] = {
        {"", "\"\""},
        {"a/b", "\"a/b\""},
        {"\"\\\b\f\n\r\t", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\\u007f\""},
        {"\xc3\xa4\xf0\x9f\x98\x80", "\"\xc3\xa4\xf0\x9f\x98\x80\""},
        {"a\xff\xc3z", "\"a\xef\xbf\xbd\xef\xbf\xbdz\""},
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = strlen(cases[i].text);
        char *out = malloc(6 * len + 2);
        size_t out_len = relud_json_string(cases[i].text, len, out);
        ck_assert_uint_eq(out_len, strlen(cases[i].json));
        ck_assert_mem_eq(out, cases[i].json, out_len);
        ck_assert(check_text(out, out_len));
        free(out);
    }
    char zero[8];
    ck_assert_uint_eq(relud_json_string("\0", 1, zero), 8);
    ck_assert_mem_eq(zero, "\"\\u0000\"", 8);
}
END_TEST

RUN_SUITE("json_text", raw_zero_bytes_are_refused, utf8_is_checked_to_the_letter,
          every_control_character_must_be_escaped, thirty_two_levels_are_enough,
          a_million_brackets_need_no_stack, a_million_members_are_refused_or_checked_quickly,
          long_names_are_refused_quickly, any_value_can_be_checked,
          texts_are_written_as_json_strings)
