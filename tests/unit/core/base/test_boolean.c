#include "core/base/boolean.h"

#include "tests/unit/suite.h"
#include <string.h>

START_TEST(words_and_letters_are_booleans)
{
    static const struct {
        const char *text;
        int is; /* 1, 0, or -1: none */
    } cases[] = {{"true", 1}, {"TRUE", 1},   {"True", 1}, {"yes", 1},   {"Yes", 1},   {"T", 1},
                 {"no", 0},   {"NO", 0},     {"F", 0},    {"false", 0}, {"FALSE", 0}, {"t", -1},
                 {"f", -1},   {"", -1},      {"1", -1},   {"0", -1},    {"y", -1},    {"N", -1},
                 {"tru", -1}, {"truee", -1}, {"no ", -1}, {"on", -1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float value = 7;
        bool is_any = boolean_read(cases[i].text, strlen(cases[i].text), &value);
        ck_assert_msg(is_any == (cases[i].is >= 0), "'%s'", cases[i].text);
        ck_assert_msg(!is_any || value == (float)cases[i].is, "'%s'", cases[i].text);
    }
    float value;
    ck_assert(boolean_read("true!", 4, &value) && value == 1);
    ck_assert(!boolean_read("no", 1, &value));
}
END_TEST

RUN_SUITE("boolean", words_and_letters_are_booleans)
