/* The finder of words, against a slow search through all of them. */
#include "core/base/words.h"
#include "tests/unit/suite.h"

#include <relud/relud.h>
#include <stdio.h>
#include <string.h>

enum { MANY = 100000 };

static struct arena arena;

static const char *const cities[] = {"Rome",
                                     "Oslo",
                                     "",
                                     "Rom",
                                     "a\"b",
                                     "a\\b",
                                     "\n",
                                     "S\xc3\xa3o Paulo",
                                     "\xf0\x9f\x98\x80 and a long tail of it"};
enum { CITIES = sizeof cities / sizeof *cities };

static void make(struct relud_words *words, const char *const *word, size_t count)
{
    struct relud_error error = {0};
    ck_assert_msg(words_make(words, &arena, word, count, &error), "%s", error.text);
}

START_TEST(each_word_is_found_and_no_other)
{
    struct relud_words words;
    for (size_t count = 1; count <= CITIES; count++) {
        make(&words, cities, count);
        ck_assert(!words.takes_unknown && words.missing == RELUD_WORDS_NONE);
        for (size_t i = 0; i < CITIES; i++)
            ck_assert_uint_eq(relud_words_find(&words, cities[i], strlen(cities[i])),
                              i < count ? i : count);
        ck_assert_uint_eq(relud_words_find(&words, "rome", 4), count);
        ck_assert_uint_eq(relud_words_find(&words, "Rome ", 5), count);
        ck_assert_uint_eq(relud_words_find(&words, "Rome\0", 5), count);
    }
    arena_reset(&arena);
}
END_TEST

/* As relud_json_string writes it, as escapes of each character, and not as something else. */
START_TEST(words_in_json_are_found_through_their_escapes)
{
    struct relud_words words;
    make(&words, cities, CITIES);
    for (size_t i = 0; i < CITIES; i++) {
        char text[400];
        size_t len = relud_json_string(cities[i], strlen(cities[i]), text);
        ck_assert_uint_eq(relud_words_find_json(&words, text + 1, len - 2), i);
        len = 0;
        for (const char *at = cities[i]; *at && (unsigned char)*at < 0x80; at++)
            len += (size_t)sprintf(text + len, "\\u%04x", *at);
        if (len == 6 * strlen(cities[i]))
            ck_assert_uint_eq(relud_words_find_json(&words, text, len), i);
    }
    static const char smile[] = "\\ud83d\\uDE00 and a long tail of it", paulo[] = "S\\u00e3o Paulo";
    ck_assert_uint_eq(relud_words_find_json(&words, smile, sizeof smile - 1), 8);
    ck_assert_uint_eq(relud_words_find_json(&words, paulo, sizeof paulo - 1), 7);
    ck_assert_uint_eq(relud_words_find_json(&words, "a\\/b", 4), CITIES);
    char longer[600];
    memset(longer, 'x', sizeof longer);
    memcpy(longer, "\\n", 2);
    ck_assert_uint_eq(relud_words_find_json(&words, longer, sizeof longer), CITIES);
    ck_assert_uint_eq(relud_words_find_json(&words, longer, 30), CITIES);
    arena_reset(&arena);
}
END_TEST

START_TEST(a_hundred_thousand_words_have_slots)
{
    static char text[MANY][32];
    static const char *word[MANY];
    struct relud_words words;
    for (size_t i = 0; i < MANY; i++) {
        snprintf(text[i], sizeof text[i], "word %zu", i * i % 1000003);
        word[i] = text[i];
    }
    make(&words, word, MANY / 2);
    for (size_t i = 0; i < MANY / 2; i++)
        ck_assert_uint_eq(relud_words_find(&words, word[i], strlen(word[i])), i);
    for (size_t i = MANY / 2; i < MANY; i += 7) {
        size_t found = relud_words_find(&words, word[i], strlen(word[i]));
        ck_assert(found == words.count || strcmp(word[found], word[i]) == 0);
    }
    arena_reset(&arena);
}
END_TEST

/* What people have in columns: numbers in a row, with the same letters before them, and
 * one letter many times. */
START_TEST(words_that_are_much_alike_have_slots)
{
    static const char *const before[] = {"",         "k",          "id-",      "user",
                                         "zzzzzzzz", "city name ", "00000000", "-"};
    static char text[MANY][32];
    static const char *word[MANY];
    struct relud_words words;
    for (size_t k = 0; k < sizeof before / sizeof *before; k++) {
        for (size_t i = 0; i < MANY; i++) {
            snprintf(text[i], sizeof text[i], "%s%zu", before[k], i);
            word[i] = text[i];
        }
        make(&words, word, MANY);
        for (size_t i = 0; i < MANY; i += 3)
            ck_assert_uint_eq(relud_words_find(&words, word[i], strlen(word[i])), i);
        arena_reset(&arena);
    }
    size_t count = 0;
    for (char letter = 'a'; letter <= 'z'; letter++)
        for (size_t len = 2; len < 31; len++)
            for (size_t other = 0; other < len; other++) { /* one letter of them is another */
                memset(text[count], letter, len);
                text[count][len] = '\0';
                text[count][other] = '!';
                word[count] = text[count];
                count++;
            }
    make(&words, word, count);
    for (size_t i = 0; i < count; i++)
        ck_assert_uint_eq(relud_words_find(&words, word[i], strlen(word[i])), i);
    arena_reset(&arena);
}
END_TEST

START_TEST(lists_that_tell_nothing_are_refused)
{
    static const char *const twice[] = {"a", "b", "a"};
    struct relud_words words;
    struct relud_error error = {0};
    ck_assert(!words_make(&words, &arena, twice, 3, &error));
    ck_assert_str_eq(error.text, "the category 'a' stands twice");
    ck_assert(!words_make(&words, &arena, twice, 0, &error));
    ck_assert_str_eq(error.text, "0 categories; from 1 to 1048576 are taken");
    ck_assert(!words_make(&words, &arena, twice, (size_t)WORDS_MAX + 1, &error));
    arena_reset(&arena);
}
END_TEST

RUN_SUITE("words", each_word_is_found_and_no_other, words_in_json_are_found_through_their_escapes,
          a_hundred_thousand_words_have_slots, words_that_are_much_alike_have_slots,
          lists_that_tell_nothing_are_refused)
