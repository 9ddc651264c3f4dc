/* What relud train's options mean once the data are known. */
#include "server/cli/train_options.h"

#include "server/cli/commands.h"
#include "server/settings/options.h"
#include "tests/unit/suite.h"
#include <stdio.h>
#include <string.h>

static bool read_words(struct train_options *options, char *text, struct relud_error *error)
{
    char *word[64] = {"train"}, *rest = NULL;
    int words = 1; /* after the name of the command */
    for (char *at = strtok_r(text, " ", &rest); at; at = strtok_r(NULL, " ", &rest))
        word[words++] = at;
    return train_options_read(options, words, word, error);
}

static void reads(struct train_options *options, char *text)
{
    struct relud_error error = {0};
    ck_assert_msg(read_words(options, text, &error), "%s", error.text);
}

START_TEST(the_data_say_how_wide_the_net_is_and_how_long_it_learns)
{
    static const struct {
        size_t rows, outputs, labels, units, epochs;
        const char *text;
    } cases[] = {
        {150, 0, 3, 3, 167, "--hidden 32,16"},
        {150, 0, 2, 1, 500, "--hidden 32,16 --batch 1000"}, /* one logit */
        {150, 2, 0, 2, 250, "--hidden 32,16 --validation 0.2"},
        {1600, 1, 0, 1, 20, "--hidden 32,16"},
        {60000, 1, 0, 1, 20, "--hidden 32,16"},
        {80000, 1, 0, 1, 16, "--hidden 32,16"},
        {60000000, 1, 0, 1, 5, "--hidden 32,16"},
        {60000000, 1, 0, 1, 7, "--hidden 32,16 --epochs 7"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct train_options options;
        struct relud_error error = {0};
        char text[128], words[32];
        snprintf(text, sizeof text, "--data d --out o %s", cases[i].text);
        reads(&options, text);
        ck_assert_uint_eq(options.config.layers, 3);
        const struct relud_dataset data = {.rows = cases[i].rows,
                                           .features = 7,
                                           .outputs = cases[i].outputs,
                                           .labels = cases[i].labels};
        ck_assert(train_options_fit(&options, &data, &error));
        ck_assert_uint_eq(options.features, 7);
        ck_assert_uint_eq(options.config.layer[1].units, 16);
        ck_assert_uint_eq(options.config.layer[2].units, cases[i].units);
        ck_assert_msg(options.config.epochs == cases[i].epochs, "%zu: %zu", i,
                      options.config.epochs);
        snprintf(words, sizeof words, " --epochs %zu ", cases[i].epochs);
        ck_assert_ptr_nonnull(strstr(options.recipe.at, words));
        ck_assert_ptr_nonnull(strstr(options.recipe.at, "--hidden 32,16 --activation"));
        train_options_free(&options);
    }
}
END_TEST

/* What is not said depends on the data: a table with a header is learned by other rules. */
START_TEST(a_table_with_a_header_has_defaults_of_its_own)
{
    static const char *const name[] = {"x"};
    static const unsigned char bytes[1] = {0};
    static const char adam[] = "--optimizer adam --lr 0.001 --momentum 0.9 --weight-decay 0.03 ",
                      sgd[] = "--optimizer sgd --lr 0.01 --momentum 0.9 --weight-decay 0 ";
    static const struct {
        const char *text;
        bool has_names, has_bytes;
        const char *learned;
        double dropout;
        size_t classes;
    } cases[] = {
        {"", true, false, adam, 0.1, 0},
        {"", true, false, "--optimizer adam --lr 0.001 --momentum 0.9 --weight-decay 0.003 ", 0.2,
         3},
        {"", false, false, sgd, 0, 0},
        {"", true, true, sgd, 0, 0}, /* images */
        {"--optimizer auto --dropout auto --weight-decay auto", true, false, adam, 0.1, 0},
        {"--optimizer adam", false, false,
         "--optimizer adam --lr 0.001 --momentum 0.9 --weight-decay 0 ", 0, 0},
        {"--optimizer sgd", true, false,
         "--optimizer sgd --lr 0.01 --momentum 0.9 --weight-decay 0.03 ", 0.1, 0},
        {"--nesterov", true, false,
         "--optimizer sgd --lr 0.01 --momentum 0.9 --nesterov --weight-decay 0.03 ", 0.1, 0},
        {"--dropout 0 --weight-decay 0 --lr 0.3", true, false,
         "--optimizer adam --lr 0.3 --momentum 0.9 --weight-decay 0 ", 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct train_options options;
        struct relud_error error = {0};
        char text[128];
        snprintf(text, sizeof text, "--data d --out o %s", cases[i].text);
        reads(&options, text);
        const struct relud_dataset data = {.rows = 100,
                                           .features = 1,
                                           .outputs = cases[i].classes == 0,
                                           .labels = cases[i].classes,
                                           .name = cases[i].has_names ? name : NULL,
                                           .bytes = cases[i].has_bytes ? bytes : NULL};
        ck_assert(train_options_fit(&options, &data, &error));
        ck_assert_msg(strstr(options.recipe.at, cases[i].learned) != NULL, "%zu: %s", i,
                      options.recipe.at);
        ck_assert(options.config.dropout == cases[i].dropout);
        ck_assert_int_eq(options.config.optimizer == RELUD_OPTIMIZER_ADAM,
                         strstr(cases[i].learned, "adam") != NULL);
        ck_assert_uint_eq(options.config.epochs,
                          cases[i].has_names && !cases[i].has_bytes ? 1000 : 250);
        ck_assert_uint_eq(options.config.layer[0].units, 64);
        ck_assert_uint_eq(options.config.layer[1].units, 32);
        train_options_free(&options);
    }
}
END_TEST

START_TEST(wrong_hidden_layers_are_refused)
{
    static const char *const cases[][2] = {
        {"--data d --out o --hidden 4,x", "--hidden: '4,x' is not a list of numbers from 1"},
        {"--data d --out o --hidden 4,", "such as 32,16"},
        {"--data d --out o --hidden 4 --layers 2,2",
         "--layers and --hidden cannot be used together"},
        {"--data d --out o --hidden none --activation tanh", "there is no hidden layer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct train_options options;
        struct relud_error error = {0};
        char text[128];
        snprintf(text, sizeof text, "%s", cases[i][0]);
        ck_assert(!read_words(&options, text, &error));
        ck_assert_msg(strstr(error.text, cases[i][1]) != NULL, "%s", error.text);
        train_options_free(&options);
    }
}
END_TEST

START_TEST(the_recipe_holds_each_option_but_those_that_shape_no_weight)
{
    char text[] = "--data d --layers 4,3,2 --out o --target y --drop u,v --keep w --missing mean "
                  "--categorical p,q --numeric 3 --unknown zero --na-values - "
                  "--header yes --decimal , --validation 0.5 --epochs 20 --nesterov --standardize "
                  "--augment shift:1";
    static const char others[] = " hidden force data labels validation-labels test test-labels "
                                 "threads isa out resume overwrite name description ";
    struct train_options options;
    reads(&options, text);
    ck_assert_str_eq(
        options.recipe.at,
        "--target y --drop u,v --keep w --categorical p,q --numeric 3 --layers 4,3,2 --activation "
        "relu --task auto --missing mean --unknown zero --na-values - "
        "--header yes --decimal , --validation 0.5 --epochs 20 --batch 64 --optimizer auto "
        "--lr 0 --momentum 0.9 --nesterov --weight-decay auto --schedule constant --warmup 0 "
        "--dropout auto --init auto --standardize --scale 0 --shift 0 --augment shift:1 --patience "
        "0 "
        "--seed 1");
    for (size_t i = 0; i < train_options.len; i++) {
        char name[64], word[64];
        snprintf(name, sizeof name, " %s ", train_options.option[i].name);
        snprintf(word, sizeof word, "--%s", train_options.option[i].name);
        ck_assert_msg((strstr(options.recipe.at, word) != NULL) != (strstr(others, name) != NULL),
                      "%s", word);
    }
    train_options_free(&options);
}
END_TEST

RUN_SUITE("train_options", the_recipe_holds_each_option_but_those_that_shape_no_weight,
          the_data_say_how_wide_the_net_is_and_how_long_it_learns,
          a_table_with_a_header_has_defaults_of_its_own, wrong_hidden_layers_are_refused)
