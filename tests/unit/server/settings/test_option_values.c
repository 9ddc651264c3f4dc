/* Options of every kind as values, and as the words that give them. */
#include "tests/unit/suite.h"

#include "server/settings/options.h"

START_TEST(a_value_is_written_as_it_could_be_typed)
{
    struct values {
        char *text, *list, *lines;
        size_t count;
        double real;
        int choice;
        bool flag;
    } values = {0}, again = {0};
    static const struct option table[] = {
        {"text", OPTION_TEXT, offsetof(struct values, text), "", "TEXT", 0, 0, ""},
        {"list", OPTION_LIST, offsetof(struct values, list), "", "A,B", 0, 0, ""},
        {"lines", OPTION_LINES, offsetof(struct values, lines), "", "LINE", 0, 0, ""},
        {"count", OPTION_COUNT, offsetof(struct values, count), "7", NULL, 0, 1e16, ""},
        {"real", OPTION_REAL, offsetof(struct values, real), "0", "X", -1, 1, ""},
        {"choice", OPTION_CHOICE, offsetof(struct values, choice), "a", "a|bb|c", 0, 0, ""},
        {"flag", OPTION_FLAG, offsetof(struct values, flag), "", NULL, 0, 0, ""}};
    static const struct options options = {table, sizeof table / sizeof *table, "", NULL};
    struct option_words none = {0};
    struct relud_error error = {0};
    static char *words[] = {"relud",    "--text",
                            "t",        "--list=a",
                            "--list",   "b,c",
                            "--lines",  "x,y",
                            "--lines",  "z",
                            "--real",   "0.30000000000000004",
                            "--count",  "1000000000000001",
                            "--choice", "bb",
                            "--flag"};
    ck_assert(options_set_defaults(&options, &values, &error));
    ck_assert(options_set_defaults(&options, &again, &error));
    ck_assert_msg(
        options_read(&options, sizeof words / sizeof *words, words, &values, &none, &error), "%s",
        error.text);
    static const char *const wanted[] = {
        "t", "a,b,c", "x,y\nz", "1000000000000001", "0.30000000000000004", "bb"};
    char buffer[64];
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        ck_assert_str_eq(option_text(&values, &table[i], buffer, sizeof buffer), wanted[i]);
        ck_assert(option_set(&again, &table[i], table[i].name, wanted[i], &error));
    }
    ck_assert(again.real == values.real && again.choice == 1 && again.count == values.count);
    ck_assert_str_eq(again.lines, values.lines);
    ck_assert(option_set(&again, &table[4], "real", "-0.1", &error));
    ck_assert_str_eq(option_text(&again, &table[4], buffer, sizeof buffer), "-0.1");
    options_free(&options, &values);
    options_free(&options, &again);
}
END_TEST

RUN_SUITE("option_values", a_value_is_written_as_it_could_be_typed)
