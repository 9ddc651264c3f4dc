/* What a server starts with: the good beside the bad, and which model answers where none is named. */
#include "tests/unit/repositories.h"

/* ---- A7: what is wrong at the start ---- */

START_TEST(A7_what_is_good_is_served_beside_what_is_not)
{
    static const struct {
        const char *file, *text, *served, *missing, *why;
    } cases[] = {
        {"m/3/model.onnx", "no net", ALL, "m:3", "model.onnx"}, /* the one before it serves */
        {"m/2/model.onnx", "no net", "m:1 plain:1 r:1 r:3", "m:2", "model.onnx"},
        {"r/3/model.json", "{", "m:2 plain:1 r:1", "r:3", "model.json"},
        {"r/versions.json", "{", "m:2 plain:1", "r:", "versions.json"},
        {"r/versions.json", "{\"policy\":\"7\"}", "m:2 plain:1", "r:", "no version that 7 selects"},
        {"plain.onnx", "", "m:2 r:1 r:3", "plain:1", "plain.onnx"},
        {"bad/1/model.json", "{", ALL, "bad:1", "model.json"},
    };
    struct relud_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        make_repository();
        put_text_file(cases[i].file, cases[i].text);
        struct repository *repository = open_repository(&error);
        ck_assert_msg(repository != NULL, "%s", error.text);
        ck_assert_str_eq(served(repository), cases[i].served);
        misses(repository, cases[i].missing, cases[i].why);
        repository_refresh(repository); /* nothing has changed, and nothing does */
        ck_assert_str_eq(served(repository), cases[i].served);
        misses(repository, cases[i].missing, cases[i].why);
        repository_free(repository);
        const struct repository_options strict = {.is_strict = true};
        ck_assert_ptr_null(open_paths(&(const char *){root}, 1, &strict, &error));
        ck_assert_msg(strstr(error.text, cases[i].why) != NULL, "%s", error.text);
        drop("");
    }
}
END_TEST

START_TEST(A7_what_is_mended_is_served)
{
    struct relud_error error = {0};
    make_repository();
    put_text_file("m/2/model.onnx", "no net");
    put_text_file("m/3/model.onnx", "no net");
    put_text_file("r/versions.json", "{");
    put_text_file("bad/1/model.json", "{");
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), "m:1 plain:1");
    drop("m/2"); /* what is gone and did not answer is not missed any more */
    repository_refresh(repository);
    misses(repository, "bad:1", "model.json");
    drop("bad/1/model.json");
    put_net("bad/1/model.onnx", "y=Relu(x)");
    repository_refresh(repository);
    misses(repository, "m:3", "model.onnx");
    put_net("m/3/model.onnx", "y=Relu(x)");
    put_text_file("r/versions.json", "{}");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "bad:1 m:3 plain:1 r:3");
    ck_assert_str_eq(missing(repository), "");
    repository_free(repository);
    drop("");
}
END_TEST

/* latest:2 has two that answer where there are two; versions that are named have no substitute. */
START_TEST(A7_an_older_version_takes_the_place_of_one_that_does_not_load)
{
    static const struct {
        const char *policy, *served;
    } cases[] = {{"latest:1", "m:3"},    {"latest:2", "m:2 m:3"}, {"latest:9", "m:1 m:2 m:3"},
                 {"all", "m:1 m:2 m:3"}, {"1,4", "m:1"},          {"3,5", "m:3"}};
    struct relud_error error = {0};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char path[256];
        make_repository();
        put_net("m/3/model.onnx", "y=Relu(x)");
        put_text_file("m/4/model.onnx", "no net");
        put_text_file("m/5/model.json", "{");
        path_of("m", path);
        const struct repository_options options = {.policy = cases[i].policy};
        struct repository *repository = open_paths(&(const char *){path}, 1, &options, &error);
        ck_assert_msg(repository != NULL, "%s", error.text);
        ck_assert_str_eq(served(repository), cases[i].served);
        repository_free(repository);
        drop("");
    }
}
END_TEST

START_TEST(A7_where_nothing_can_be_served_the_start_fails)
{
    static const char *const wrong[][3] = {
        {"bad/1/model.json", "{", "model.json"},
        {"bad.onnx", "no net", "bad.onnx"},
        {"README", "nothing", "is in it"},
    };
    struct relud_error error = {0};
    const struct repository_options may = {.may_be_empty = true};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        make_repository();
        drop("m"), drop("r"), drop("plain.onnx");
        put_text_file(wrong[i][0], wrong[i][1]);
        ck_assert_ptr_null(open_repository(&error));
        ck_assert_msg(strstr(error.text, wrong[i][2]) != NULL, "%s", error.text);
        struct repository *repository = open_paths(&(const char *){root}, 1, &may, &error);
        ck_assert_msg(repository != NULL, "%s", error.text);
        ck_assert_str_eq(served(repository), "");
        put_net("late/1/model.onnx", "y=Relu(x)");
        repository_refresh(repository);
        ck_assert_str_eq(served(repository), "late:1");
        repository_free(repository);
        drop("");
    }
    ck_assert_ptr_null(open_paths(&(const char *){"/nonexistent"}, 1, &may, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/nonexistent: No such file"));
}
END_TEST

/* Which of two models of one name was meant is not for relud to say: on the command line an error; of a repository, the first. */
START_TEST(A7_a_name_that_comes_twice)
{
    struct relud_error error = {0};
    char net[256], m[256];
    make_repository();
    put_net("other/m.onnx", "y=Relu(x)");
    path_of("other/m.onnx", net);
    path_of("m", m);
    ck_assert_ptr_null(open_paths((const char *const[]){m, net}, 2, NULL, &error));
    ck_assert_msg(strstr(error.text, "model 'm' of version 1 is served already") != NULL, "%s",
                  error.text);
    put_net("m.onnx", "y=Relu(x)"); /* beside the folder m */
    drop("other");
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), ALL);
    struct catalog *catalog = repository_take(repository);
    const struct catalog_model *model = catalog_model(catalog, "m");
    ck_assert_uint_eq(model->passed_len, 2); /* a number that is too long is in it */
    ck_assert_ptr_nonnull(strstr(model->passed[1].folder, "m.onnx"));
    catalog_release(catalog);
    drop("m"); /* the other takes its place */
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "m:1 plain:1 r:1 r:3");
    repository_free(repository);
    drop("");
}
END_TEST

/* ---- F17: what answers where no model is named ---- */

static void answers_unnamed(struct repository *repository, const char *name)
{
    struct catalog *catalog = repository_take(repository);
    const char *found = catalog->unnamed ? catalog->unnamed->name : "none";
    ck_assert_msg(strcmp(found, name) == 0, "%s; %s is wanted", found, name);
    catalog_release(catalog);
}

START_TEST(F17_the_default_model_or_the_only_one_answers)
{
    struct relud_error error = {0};
    make_repository();
    struct repository *repository = open_repository(&error);
    answers_unnamed(repository, "none");
    repository_free(repository);
    struct repository_options options = {.default_model = "r"};
    repository = open_paths(&(const char *){root}, 1, &options, &error);
    answers_unnamed(repository, "r");
    ck_assert(repository_unload(repository, "r", &error)); /* no other one in its place */
    answers_unnamed(repository, "none");
    repository_free(repository);
    options.default_model = "late";
    repository = open_paths(&(const char *){root}, 1, &options, &error);
    answers_unnamed(repository, "none");
    put_net("late/1/model.onnx", "y=Relu(x)");
    repository_refresh(repository);
    answers_unnamed(repository, "late");
    repository_free(repository);
    drop("late");
    options.is_strict = true;
    ck_assert_ptr_null(open_paths(&(const char *){root}, 1, &options, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "--default-model: there is no model 'late'"));
    drop("m"), drop("r");
    repository = open_repository(&error);
    answers_unnamed(repository, "plain");
    put_text_file("bad/1/model.json", "{"); /* one that never served makes nothing doubtful */
    repository_refresh(repository);
    answers_unnamed(repository, "plain");
    repository_free(repository);
    drop("");
}
END_TEST

RUN_SUITE("repository_start", A7_what_is_good_is_served_beside_what_is_not,
          A7_what_is_mended_is_served,
          A7_an_older_version_takes_the_place_of_one_that_does_not_load,
          A7_where_nothing_can_be_served_the_start_fails, A7_a_name_that_comes_twice,
          F17_the_default_model_or_the_only_one_answers)
