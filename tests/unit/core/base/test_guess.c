/* "Did you mean …?": what is near, and what is not. */
#include "tests/unit/suite.h"

#include <relud/guess.h>

static const char *guess_of(const char *word)
{
    static const char *const names[] = {"serve", "predict", "max-batch", "max-body",
                                        "lr",    "on",      "relu6",     NULL};
    struct relud_guess guess = {.word = word};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        relud_guess_offer(&guess, names[i]);
    return guess.name ? guess.name : "";
}

START_TEST(U2_near_names_are_guessed_and_far_ones_are_not)
{
    static const char *const cases[][2] = {
        {"serv", "serve"},
        {"sevre", "serve"},
        {"SERVE", "serve"},
        {"preditc", "predict"},
        {"pre", "predict"},
        {"max_batch", "max-batch"},
        {"maxbody", "max-body"},
        {"max-b", "max-batch"},
        {"relu", "relu6"},
        {"l", ""},
        {"of", "on"},
        {"xy", ""},
        {"", ""},
        {"banana", ""},
        {"a-word-that-is-longer-than-any-name-there-is-and-would-not-fit-anywhere", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        ck_assert_str_eq(guess_of(cases[i][0]), cases[i][1]);
    char text[RELUD_GUESS_TEXT_MAX];
    struct relud_guess guess = {.word = "lsiten"};
    ck_assert_str_eq(relud_guess_text(&guess, "--", text), "");
    relud_guess_offer(&guess, "listen");
    ck_assert_str_eq(relud_guess_text(&guess, "--", text), "; did you mean '--listen'?");
}
END_TEST

RUN_SUITE("guess", U2_near_names_are_guessed_and_far_ones_are_not)
