/* Tables with words and gaps as people have them: train, evaluate, predict, inspect and serve take the same columns. */
#include "tests/http/folder.h"
#include "tests/http/program.h"
#include "tests/http/server.h"

/* 300 rows: a name that tells nothing, a city and a plan that do, gaps in plan and age, a boolean. */
static void write_people(void)
{
    static const char *const cities[] = {"Bern", "New York", "Rome"};
    static const char *const plans[] = {"free", "paid", "NA"};
    char text[32768] = "name,city,age,plan,hollow,pays\n";
    uint64_t state = 3;
    for (int i = 0; i < 300; i++) {
        size_t city = random_below(&state, 3), plan = random_below(&state, 12) / 5;
        size_t age = 20 + random_below(&state, 40);
        bool is_hollow = random_below(&state, 2);
        char years[8] = "";
        if (i % 29)
            snprintf(years, sizeof years, "%zu", age);
        sprintf(text + strlen(text), "p%d,%s,%s,%s,%s,%s\n", i * 7 % 1000, cities[city], years,
                plans[plan], is_hollow ? "true" : "false",
                city == 2 || (plan == 1 && age > 40) ? "much" : "little");
    }
    write_file(dir, "people.csv", text, strlen(text));
}

#define LEARN "train --data %1$s/people.csv --target pays --hidden 16 --standardize "

START_TEST(one_command_learns_words_and_gaps)
{
    enter();
    write_people();
    runs(in(LEARN "--out %1$s/m --epochs 60 --lr 0.05 --validation 0.2"), 0,
         "left out (nearly every row has a word of its own): 'name' (--keep keeps columns); "
         "booleans are read as 1 and 0: 'hollow'; "
         "categories: 'city' (3), 'plan' (2); missing cells "
         "are filled: 'age' (11, by ");
    ck_assert_ptr_nonnull(strstr(output, "), 'plan' ("));
    ck_assert_ptr_nonnull(strstr(output, "m: written (145 parameters"));
    runs(in("evaluate %1$s/m %1$s/people.csv --target pays"), 0, "accuracy               9");
    runs(in("inspect %1$s/m"), 0, "input   city: 3 categories, Bern, New York, Rome\n");
    ck_assert_ptr_nonnull(strstr(output, "may be missing: features 1-2"));
    ck_assert_ptr_nonnull(
        strstr(output, " 0       a word            -            -            -  city"));
    write_file(dir, "row.json", "[{\"city\":\"Rome\",\"hollow\":1,\"plan\":null}]", 40);
    runs(in("predict %1$s/m %1$s/row.json"), 0, "\"label\":\"much\"");
    write_file(dir, "row.csv", "hollow,city\n0,Rome\n", 19);
    runs(in("predict %1$s/m %1$s/row.csv"), 0, "\"label\":\"much\"");
    write_file(dir, "row.csv", "hollow,city\n0,Roma\n", 19);
    runs(in("predict %1$s/m %1$s/row.csv"), 1,
         "line 2, column 2: 'Roma' is no category; did you mean 'Rome'?");
    leave();
}
END_TEST

START_TEST(many_epochs_are_told_in_few_lines)
{
    size_t lines = 0;
    enter();
    write_people();
    runs(in(LEARN "--out %1$s/m --epochs 410"), 0, "epoch 410/410: ");
    for (const char *at = output; (at = strstr(at, "\nepoch ")); at++)
        lines++;
    ck_assert_uint_le(lines, 200); /* 20, and one for each half second */
    ck_assert_ptr_nonnull(strstr(output, "epoch 1/410: "));
    ck_assert_ptr_nonnull(strstr(output, "epoch 200/410: "));
    leave();
}
END_TEST

START_TEST(the_same_bits_for_any_threads)
{
    enter();
    write_people();
    runs(in(LEARN "--out %1$s/a --force --epochs 5 --threads 1"), 0, "written");
    runs(in(LEARN "--out %1$s/b --force --epochs 5 --threads 3"), 0, "written");
    runs(in(LEARN "--out %1$s/c --force --epochs 5 --isa scalar"), 0, "written");
    for (const char *other = "bc"; *other; other++) {
        char command[256];
        snprintf(command, sizeof command, "cmp %s/a/model.safetensors %s/%c/model.safetensors", dir,
                 dir, *other);
        ck_assert_int_eq(system(command), 0);
    }
    leave();
}
END_TEST

/* The figures of the net that learned are those of the model that was written. */
START_TEST(the_written_model_is_the_net_that_learned)
{
    char loss[64];
    enter();
    write_people();
    runs(in(LEARN "--out %1$s/m --epochs 90 --test %1$s/people.csv --unknown zero"), 0,
         "; test loss ");
    snprintf(loss, sizeof loss, "log loss              %.6s", strstr(output, "; test loss ") + 12);
    runs(in("evaluate %1$s/m %1$s/people.csv --target pays"), 0, loss);
    write_file(dir, "row.csv", "hollow,city\n0,Oslo\n", 19);
    runs(in("predict %1$s/m %1$s/row.csv"), 0, "\"output\"");
    leave();
}
END_TEST

START_TEST(a_table_of_words_is_served)
{
    char model[128];
    enter();
    write_people();
    runs(in(LEARN "--out %1$s/m --epochs 60 --lr 0.05"), 0, "written");
    snprintf(model, sizeof model, "%s/m", dir);
    struct server server = server_start((const char *const[]){model, NULL});
    static const char csv[] = "hollow,city\n0,Rome\n0,\"Rome\"\n";
    const struct reply *reply =
        server_ask(&server, "/predict", NULL, csv, sizeof csv - 1, "Content-Type: text/csv");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "\"label\":\"much\""), "%s",
                  reply->body);
    static const char wrong[] = "hollow,city\n0,Rome\n0,Berne\n";
    reply =
        server_ask(&server, "/predict", NULL, wrong, sizeof wrong - 1, "Content-Type: text/csv");
    ck_assert_msg(
        reply->code == 400 &&
            strstr(reply->body, "line 3, column 2: 'Berne' is no category; did you mean 'Bern'?"),
        "%s", reply->body);
    reply = server_post(&server, "/predict", "{\"inputs\":[{\"city\":\"Rome\",\"hollow\":0}]}");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "\"label\":\"much\""), "%s",
                  reply->body);
    server_stop(&server);
    leave();
}
END_TEST

START_TEST(each_mistake_is_one_clear_line)
{
    static const char *const cases[][2] = {
        {"--categorical town", "--categorical: there is no column 'town' among the 6"},
        {"--categorical pays", "--categorical: column 'pays' is the target"},
        {"--numeric city", "line 2, column 2: '"},
        {"--numeric city --categorical city", "both --categorical and --numeric name it"},
        {"--missing error", "is missing"},
        {"--unknown maybe", "--unknown"},
        {"--scale 2", "cannot be used with"},
    };
    enter();
    write_people();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char words[2048];
        snprintf(words, sizeof words, "%s%s", in(LEARN "--out %1$s/m "), cases[i][0]);
        ck_assert_int_ne(run(words), 0);
        ck_assert_msg(strstr(output, cases[i][1]) != NULL, "%s: %s", cases[i][0], output);
    }
    runs(in("train --data %1$s/people.csv --target pays --hidden 16 --scale 0.1 --out %1$s/m"), 1,
         "a table with categories is scaled by --standardize");
    leave();
}
END_TEST

START_TEST(the_bundled_table_model_is_made_again)
{
    char command[256];
    FILE *pipe;
    snprintf(command, sizeof command, "RELUD=%s deploy/models/penguins/train 2>&1", relud_path());
    pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    output[fread(output, 1, sizeof output - 1, pipe)] = '\0';
    ck_assert_int_eq(pclose(pipe), 0);
    ck_assert_msg(strstr(output, "model.json: the same bits as before") &&
                      strstr(output, "model.safetensors: the same bits as before"),
                  "%s", output);
    struct server server = server_start((const char *const[]){"deploy/models/penguins", NULL});
    const struct reply *reply =
        server_post(&server, "/predict",
                    "{\"inputs\":[{\"island\":\"Biscoe\",\"flipper_length_mm\":217,"
                    "\"bill_length_mm\":null,\"body_mass_g\":5000}]}");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "\"label\":\"Gentoo\""), "%s",
                  reply->body);
    server_stop(&server);
}
END_TEST

RUN_SUITE("train_words", one_command_learns_words_and_gaps, many_epochs_are_told_in_few_lines,
          the_same_bits_for_any_threads, the_written_model_is_the_net_that_learned,
          a_table_of_words_is_served, each_mistake_is_one_clear_line,
          the_bundled_table_model_is_made_again)
