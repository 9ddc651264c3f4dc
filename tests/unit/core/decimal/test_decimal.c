#include "tests/unit/suite.h"

#include <math.h>
#include <regex.h>
#include <relud/relud.h>
#include <stdbool.h>
#include <stdio.h>

/* ---- writing ---- */

static const char *text_of(float value)
{
    static char text[RELUD_FLOAT_TEXT_MAX + 1];
    size_t len = relud_float_to_text(value, text);
    if (len > RELUD_FLOAT_TEXT_MAX)
        ck_abort_msg("%.9g takes %zu bytes", (double)value, len);
    text[len] = '\0';
    return text;
}

START_TEST(numbers_are_written_as_people_write_them)
{
    static const struct {
        float value;
        const char *text;
    } cases[] = {
        {0.0f, "0"},
        {-0.0f, "-0.0"},
        {1, "1"},
        {-1, "-1"},
        {0.1f, "0.1"},
        {-2.5f, "-2.5"},
        {100, "100"},
        {1000, "1000"},
        {1200, "1200"},
        {12000, "12000"},
        {120000, "120000"},
        {1000000, "1000000"},
        {9999998976, "9999999000"},
        {1e10f, "1e10"},
        {3.4028235e38f, "3.4028235e38"},
        {1e-45f, "1e-45"},
        {1.17549435e-38f, "1.1754944e-38"},
        {0.001f, "0.001"},
        {0.00123f, "0.00123"},
        {0.0123f, "0.0123"},
        {0.0001f, "0.0001"},
        {1e-5f, "1e-5"},
        {0.3f, "0.3"},
        {16777216, "16777216"},
        {33554432, "33554432"},
        {0.999999940395355f, "0.99999994"},
        {7.038531e-26f,
         "7.0385307e-26"}, /* 7.038531e-26 would be read as its neighbour, by way of a double */
        {-0.00012345678f, "-0.00012345678"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(text_of(cases[i].value), cases[i].text);
    ck_assert_str_eq(text_of(NAN), "NaN");
    ck_assert_str_eq(text_of(INFINITY), "Infinity");
    ck_assert_str_eq(text_of(-INFINITY), "-Infinity");
}
END_TEST

/* The slow twin of shortness: the first %.*e that reads back. */
static int shortest_digits(float value)
{
    char text[32];
    for (int digits = 1; digits < 10; digits++) {
        snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
        if ((float)strtod(text, NULL) == value)
            return digits;
    }
    return 10;
}

/* Significant digits, without the zeros before and behind. */
static int digits_of(const char *text)
{
    int len = 0, last = 0;
    for (; *text && *text != 'e'; text++)
        if (*text >= '0' && *text <= '9' && (len || *text != '0')) {
            len++;
            if (*text != '0')
                last = len;
        }
    return last;
}

START_TEST(no_shorter_decimal_reads_back)
{
    uint64_t state = 1;
    for (int i = 0; i < 200000; i++) {
        float value = float_of((uint32_t)random_next(&state));
        if (!isfinite(value) || value == 0)
            continue;
        const char *text = text_of(value);
        ck_assert_msg(digits_of(text) <= shortest_digits(value), "%.9g is written %s",
                      (double)value, text);
    }
}
END_TEST

START_TEST(floats_read_back_to_the_same_bits)
{
    uint64_t state = 2;
    char text[RELUD_FLOAT_TEXT_MAX];
    for (int i = 0; i < 1 << 24; i++) {
        uint32_t bits = (uint32_t)random_next(&state);
        if (i < 512) /* every exponent's first and last */
            bits = (uint32_t)i << 23 | (uint32_t)(i % 3 ? 0 : 0x7fffff);
        float value = float_of(bits), back = 0;
        if (!isfinite(value))
            continue;
        size_t len = relud_float_to_text(value, text);
        size_t taken = relud_text_to_float(text, len, &back);
        if (taken != len || bits_of(back) != bits)
            ck_abort_msg("%08x: %.*s", bits, (int)len, text);
    }
}
END_TEST

START_TEST(rows_are_joined_by_commas)
{
    const float values[] = {1, -0.5f, 1e20f};
    char out[3 * (RELUD_FLOAT_TEXT_MAX + 1)];
    size_t len = relud_floats_to_text(values, 3, out);
    ck_assert_uint_eq(len, strlen("1,-0.5,1e20"));
    ck_assert_mem_eq(out, "1,-0.5,1e20", len);
    ck_assert_uint_eq(relud_floats_to_text(values, 0, out), 0);
}
END_TEST

/* A number of a row is the same text at every place of it, beside any others; and nothing is written
 * behind the room for the row. `make floats` does it for each number there is. */
START_TEST(a_number_of_a_row_is_written_as_it_is_alone)
{
    enum { LONGEST = 40, ROUNDS = 3000, ROOM = LONGEST * (RELUD_FLOAT_TEXT_MAX + 1), GUARD = 64 };
    static const float special[] = {0,        -0.0f,         1,          -2,
                                    0.5f,     1e-4f,         9.9999e-5f, 1e10f,
                                    9.999e9f, -1e-45f,       3e-39f,     3.4028235e38f,
                                    INFINITY, -INFINITY,     NAN,        8388609,
                                    16777218, 7.038531e-26f, 123456.7f,  -0.1f};
    enum { SPECIAL = sizeof special / sizeof *special };
    uint64_t state = 11;
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t count = round % (LONGEST + 1), bytes = count * (RELUD_FLOAT_TEXT_MAX + 1);
        float values[LONGEST];
        char out[ROOM + GUARD], wanted[ROOM + GUARD] = "", *end = wanted;
        for (size_t i = 0; i < count; i++) {
            uint32_t bits = (uint32_t)random_next(&state);
            memcpy(&values[i], &bits, sizeof bits);
            if (random_below(&state, 3) == 0)
                values[i] = special[random_below(&state, SPECIAL)];
            end = stpcpy(stpcpy(end, i ? "," : ""), text_of(values[i]));
        }
        memset(out, '#', sizeof out);
        size_t len = relud_floats_to_text(values, count, out);
        ck_assert_uint_eq(len, (size_t)(end - wanted));
        ck_assert_mem_eq(out, wanted, len);
        for (size_t i = bytes; i < sizeof out; i++)
            ck_assert_int_eq(out[i], '#');
    }
}
END_TEST

/* ---- reading ---- */

/* What the contract says: a correctly rounded double, then float32. */
static void check_reading(const char *text)
{
    size_t len = strlen(text);
    char *exact = malloc(len); /* no byte more than the text: a sanitizer sees reads beyond it */
    memcpy(exact, text, len);
    float value = 0, wanted = (float)strtod(text, NULL);
    size_t taken = relud_text_to_float(exact, len, &value);
    free(exact);
    char far[2048]; /* where more text follows, another way is taken */
    float again = 0;
    memset(far, ',', sizeof far);
    memcpy(far, text, len);
    size_t taken_again = relud_text_to_float(far, len + 64, &again);
    if (taken != len || taken_again != len || bits_of(value) != bits_of(wanted) ||
        bits_of(again) != bits_of(wanted))
        ck_abort_msg("%.80s: took %zu of %zu, %a instead of %a", text, taken, len, (double)value,
                     (double)wanted);
}

START_TEST(hard_decimals_read_as_strtod_reads_them)
{
    static const char *const cases[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "0e999999999999999999999",
        "1e999999999999999999999999",
        "-1e999999999999999999",
        "1e-999999999999999999",
        "9007199254740993",
        "9007199254740992.5",
        "9007199254740993e-10",
        "16777217",
        "16777217.0000000000000000000000001",
        "3.4028235677973366e38",
        "3.4028235677973365e38",
        "3.40282356779733642748073463979561713664e38",
        "1.401298464324817e-45",
        "7.006492321624085e-46",
        "7.006492321624086e-46",
        "7.0064923216240853546186479164495806564013097093825788587853914e-46",
        "1.17549435082228750797e-38",
        "1."
        "1754943508222875079687365372222456778186655567720875215087517062784172594547271728515625e-"
        "38",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000001",
        "1.00000005960464477539062500",
        "1.0000000596046447753906250000000000000000000000001",
        "1.00000005960464477539062499999999999999999999999",
        "8.5e15",
        "1E5",
        "1e+5",
        "1E-5",
        "12345678",
        "123456789",
        "1234567.123456789",
        "0.1234567891",
        "99999999.99999999",
        "1e38",
        "1e39",
        "1e-65",
        "1e-66"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_reading(cases[i]);
}
END_TEST

/* RELUD_TEST_DECIMALS=10000000 for the long form. */
START_TEST(random_decimals_read_as_strtod_reads_them)
{
    uint64_t state = 3;
    char text[64];
    long decimals = getenv("RELUD_TEST_DECIMALS") ? atol(getenv("RELUD_TEST_DECIMALS")) : 1500000;
    for (long i = 0; i < decimals; i++) {
        uint64_t r = random_next(&state);
        int digits = 1 + (int)(r % 22), point = (int)(r >> 8) % (digits + 1), len = 0;
        if (r >> 20 & 1)
            text[len++] = '-';
        for (int d = 0; d < digits; d++) {
            if (d == point && d > 0)
                text[len++] = '.';
            char digit = (char)('0' + random_next(&state) % 10);
            text[len++] = d == 0 && point != 1 && digit == '0' ? '1' : digit;
        }
        text[len] = '\0';
        if (r >> 21 & 1)
            sprintf(text + len, "e%d", (int)(r >> 32) % 130 - 65);
        check_reading(text);
    }
}
END_TEST

/* Decimals next to half way between two floats or two doubles: where rounding goes wrong first. */
START_TEST(half_ways_read_as_strtod_reads_them)
{
    uint64_t state = 4;
    char text[1200];
    for (int i = 0; i < 100000; i++) {
        float value = float_of((uint32_t)random_next(&state) & 0x7fffffffu);
        if (!isfinite(value))
            continue;
        double half = ((double)value + (double)nextafterf(value, INFINITY)) / 2;
        if (i % 2)
            half = nextafter(half, i % 4 == 1 ? 0 : INFINITY);
        static const int digits[] = {17, 18, 19, 20, 25, 40, 800};
        for (size_t d = 0; d < (i % 100 ? 6 : 7); d++) {
            snprintf(text, sizeof text, "%.*e", digits[d], half);
            check_reading(text);
        }
    }
}
END_TEST

START_TEST(a_million_digits_are_read_in_one_go)
{
    size_t len = 1000000;
    char *text = malloc(len + 16);
    memset(text, '7', len);
    strcpy(text + len, "e-999990");
    text[1] = '.';
    float value;
    ck_assert_uint_eq(relud_text_to_float(text, len, &value), len);
    ck_assert_float_eq(value, 7.77777777777f);
    memset(text, '0', len);
    text[0] = '0', text[1] = '.';
    memcpy(text + len - 1, "5e999999", 8);
    ck_assert_uint_eq(relud_text_to_float(text, len + 7, &value), len + 7);
    ck_assert_float_eq(value, 50); /* 5e-999998 · 10^999999 */
    free(text);
}
END_TEST

START_TEST(what_is_not_a_json_number_is_not_taken)
{
    static const char *const cases[] = {
        "",    "-",  "+1",  ".5",       "1.",        "01",  "-01", "00",    "1.e5",  "1e",
        "1e+", "e5", "NaN", "Infinity", "-Infinity", "--1", " 1",  "0x10x", "1.2.3", "1e5.5"};
    static const size_t taken[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 3};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float value = 42;
        char padded[64];
        for (int pad = 0; pad < 2; pad++) { /* near the end of the text, and far from it */
            snprintf(padded, sizeof padded, "%s%s", cases[i],
                     pad ? "                              " : "");
            size_t got = relud_text_to_float(padded, strlen(padded), &value);
            ck_assert_msg(got == taken[i], "'%s' took %zu", padded, got);
        }
    }
}
END_TEST

/* The slow twin of the grammar: RFC 8259 §6 as a regular expression. */
START_TEST(numbers_are_what_the_grammar_says)
{
    const char *number = "^-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?$";
    regex_t grammar;
    ck_assert_int_eq(regcomp(&grammar, number, REG_EXTENDED | REG_NOSUB), 0);
    uint64_t state = 5;
    for (int i = 0; i < 400000; i++) {
        char text[96];
        size_t len = 1 + random_next(&state) % 14;
        for (size_t c = 0; c < len; c++)
            text[c] = "00011234567899..eE+--"[random_next(&state) % 21];
        text[len] = '\0';
        bool is_number = regexec(&grammar, text, 0, NULL, 0) == 0;
        for (size_t padding = 0; padding <= 60;
             padding += 60) { /* at the end of a text, and far from it */
            float value;
            memset(text + len, ',', padding);
            size_t taken = relud_text_to_float(text, len + padding, &value);
            if ((taken == len) != is_number || taken > len)
                ck_abort_msg("%.*s is %s number: took %zu", (int)len, text, is_number ? "a" : "no",
                             taken);
        }
    }
    regfree(&grammar);
}
END_TEST

/* In a long array the next number's place is found before this one is read; whatever its form, it is the one that stands there. */
START_TEST(numbers_of_an_array_are_those_that_stand_alone)
{
    static const char *const forms[] = {"0",          "-0",
                                        "1e-70",      "-7e-90",
                                        "0.000e-60",  "0e39",
                                        "0.5e2",      "1.5E+37",
                                        "3.4e38",     "12e-3",
                                        "1e-46",      "1.25",
                                        "-1234.5",    "123456789012345678",
                                        "1e-65",      "0.1e-300",
                                        "9e-400",     "7e-45",
                                        "00e1",       "1e39",
                                        "9.9E300",    "1e400",
                                        "-1.0e+0039", "1.",
                                        "12345678e31"};
    enum { BEFORE = 40, BEHIND = 20 };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        char text[400] = "{\"inputs\":[1.5", rest[64];
        float values[200], wanted = 0;
        struct relud_json_array array = {.values = values, .capacity = 200};
        struct relud_error error = {0};
        for (int k = 0; k < BEFORE; k++)
            strcat(text, k % 2 ? ",2.5" : ",1.5");
        sprintf(text + strlen(text), ",%s", forms[i]);
        for (int k = 0; k < BEHIND; k++)
            strcat(text, ",7.25");
        strcat(text, "]}");
        bool is_number =
            relud_text_to_float(forms[i], strlen(forms[i]), &wanted) == strlen(forms[i]);
        bool is_read =
            relud_json_read(text, strlen(text), "inputs", &array, rest, sizeof rest, &error);
        ck_assert_msg(is_read == (is_number && isfinite(wanted)), "%s: %s", forms[i], error.text);
        if (is_read) {
            ck_assert_uint_eq(array.count, 1 + BEFORE + 1 + BEHIND);
            ck_assert_uint_eq(bits_of(values[BEFORE + 1]), bits_of(wanted));
            ck_assert(values[BEFORE] == 2.5f && values[BEFORE + 2] == 7.25f);
        } else {
            ck_assert_int_eq(error.code, is_number ? RELUD_NOT_FINITE : RELUD_BAD_JSON);
            ck_assert_int_eq(strncmp(error.text, "inputs[41]: ", 12), 0);
        }
    }
}
END_TEST

RUN_SUITE("decimal", numbers_are_written_as_people_write_them, no_shorter_decimal_reads_back,
          floats_read_back_to_the_same_bits, rows_are_joined_by_commas,
          a_number_of_a_row_is_written_as_it_is_alone, hard_decimals_read_as_strtod_reads_them,
          random_decimals_read_as_strtod_reads_them, half_ways_read_as_strtod_reads_them,
          a_million_digits_are_read_in_one_go, what_is_not_a_json_number_is_not_taken,
          numbers_of_an_array_are_those_that_stand_alone, numbers_are_what_the_grammar_says)
