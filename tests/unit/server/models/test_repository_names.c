/* What a model and a version are called: by links, by folders, by their own files. */
#include "tests/unit/repositories.h"

/* ---- F12: the name that was written ---- */

START_TEST(F12_a_link_has_the_name_that_was_written)
{
    static const char *const written[][2] = {
        {"link", "link:1"},        {"link/", "link:1"}, {"link/model.onnx", "link:1"},
        {"fraud.onnx", "fraud:1"}, {"link/.", "a0b1"},  {"in/model.onnx", "in:1"}};
    struct relud_error error = {0};
    char from[256];
    make_repository();
    put_net("a0b1/model.onnx", "y=Relu(x)");
    put_net("c2d3/model.onnx", "y=Neg(x)");
    put_text_file("in/none", "");
    path_of("link", from);
    ck_assert_int_eq(symlink("a0b1", from), 0);
    path_of("fraud.onnx", from);
    ck_assert_int_eq(symlink("a0b1/model.onnx", from), 0);
    path_of("in/model.onnx", from);
    ck_assert_int_eq(symlink("../a0b1/model.onnx", from), 0);
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        char path[256], next[256];
        path_of(written[i][0], path);
        struct repository *repository = open_paths(&(const char *){path}, 1, NULL, &error);
        ck_assert_msg(repository != NULL, "%s", error.text);
        ck_assert_msg(strncmp(served(repository), written[i][1], strlen(written[i][1])) == 0,
                      "%s: %s", written[i][0], served(repository));
        if (i == 0) { /* another model behind it: the name stays, as it would after a restart */
            path_of("next", next);
            ck_assert_int_eq(symlink("c2d3", next), 0);
            ck_assert_int_eq(rename(next, path), 0);
            ck_assert_uint_eq(repository_refresh(repository), 1);
            ck_assert_str_eq(served(repository), "link:1");
            ck_assert_int_eq(symlink("a0b1", next), 0);
            ck_assert_int_eq(rename(next, path), 0);
        }
        repository_free(repository);
    }
    drop("");
}
END_TEST

/* A link that leads nowhere for a moment takes nothing away. */
START_TEST(F12_a_link_to_nothing_is_missing_and_not_gone)
{
    struct relud_error error = {0};
    char path[256];
    make_repository();
    put_net("hidden/a/model.onnx", "y=Relu(x)");
    path_of("link", path);
    ck_assert_int_eq(symlink("hidden/a", path), 0);
    drop("m"), drop("r"), drop("plain.onnx");
    struct repository *repository = open_repository(&error);
    ck_assert_msg(strstr(served(repository), "link:1") != NULL, "%s", served(repository));
    drop("hidden");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "link:1");
    unlink(path);
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "");
    repository_free(repository);
    drop("");
}
END_TEST

/* ---- F14: folders and the versions they mean ---- */

/* "v1: a version is …": the first that was passed over of that model, from its nth on. */
static void passes_over(struct repository *repository, const char *name, size_t nth,
                        const char *folder, const char *why)
{
    struct catalog *catalog = repository_take(repository);
    const struct catalog_model *model = catalog_model(catalog, name);
    ck_assert_msg(model && model->passed_len > nth, "%s: nothing %zu is passed over", name, nth);
    ck_assert_str_eq(model->passed[nth].folder, folder);
    ck_assert_msg(strstr(model->passed[nth].reason, why) != NULL, "%s: %s", folder,
                  model->passed[nth].reason);
    catalog_release(catalog);
}

START_TEST(F14_leading_zeros_do_not_count)
{
    struct relud_error error = {0};
    make_repository();
    drop("m"), drop("r");
    put_net("m/001/model.onnx", "y=Relu(x)");
    put_net("m/0000000000000000000000000010/model.onnx", "y=Relu(x)");
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), "m:10 plain:1");
    ck_assert(repository_load(repository, "m", "all", &error));
    ck_assert_str_eq(served(repository), "m:1 m:10 plain:1");
    repository_free(repository);
    drop("");
}
END_TEST

START_TEST(F14_what_is_no_version_is_told)
{
    static const char *const folders[][3] = {
        {"0", "model.onnx", "a version is a whole number, 1 or more"},
        {"1.0", "model.onnx", "a version is a whole number, 1 or more"},
        {"1234567890123456789", "model.onnx", "at most 18 digits"},
        {"7", "net.onnx", "neither model.json nor model.onnx"},
        {"new.onnx", NULL, "is called model.onnx"},
        {"v1", "model.onnx", "a version is a whole number, 1 or more"},
    };
    struct relud_error error = {0};
    char name[256];
    make_repository();
    drop("m/1234567890123456789");
    for (size_t i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "m/%s%s%s", folders[i][0], folders[i][1] ? "/" : "",
                 folders[i][1] ? folders[i][1] : "");
        put_net(name, "y=Relu(x)");
    }
    put_net("m/.8/model.onnx", "y=Relu(x)"); /* on its way in: no word */
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), ALL);
    for (size_t i = 0; i < 6; i++)
        passes_over(repository, "m", i, folders[i][0], folders[i][2]);
    drop("m/v1");
    put_net("r/v2/model.onnx", "y=Relu(x)");
    repository_refresh(repository);
    passes_over(repository, "r", 0, "v2", "whole number");
    repository_free(repository);
    drop("");
}
END_TEST

/* A model with no version at all is one that is missing. */
START_TEST(F14_a_model_without_a_version_is_told)
{
    struct relud_error error = {0};
    char name[256];
    make_repository();
    put_net("z/v1/model.onnx", "y=Relu(x)");
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), ALL);
    misses(repository, "z:", "there is no version; 'v1': a version is a whole number");
    passes_over(repository, "z", 0, "v1", "whole number");
    drop("z");
    snprintf(name, sizeof name, "z+z/1/model.onnx"); /* no model's name */
    put_net(name, "y=Relu(x)");
    repository_refresh(repository);
    misses(repository, "z+z:", "a model's name has at most 64 letters");
    repository_free(repository);
    drop("");
}
END_TEST

START_TEST(F14_two_folders_of_one_version_are_an_error)
{
    struct relud_error error = {0};
    make_repository();
    put_net("m/02/model.onnx", "y=Abs(x)");
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), "m:1 plain:1 r:1 r:3"); /* which 2 was meant? */
    misses(repository, "m:2", "the folders '02' and '2' both mean version 2");
    repository_free(repository);
    drop("m/02");
    repository = open_repository(&error);
    put_net("m/002/model.onnx", "y=Abs(x)"); /* while it is served: it goes on */
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), ALL);
    ck_assert(!repository_load(repository, "m", NULL, &error));
    ck_assert_msg(strstr(error.text, "'002' and '2' both mean version 2") != NULL, "%s",
                  error.text);
    drop("m/002");
    repository_refresh(repository);
    ck_assert_str_eq(missing(repository), "");
    repository_free(repository);
    drop("");
}
END_TEST

/* ---- F15: in a repository the folder is the name ---- */

START_TEST(F15_the_folder_is_the_name)
{
    struct relud_error error = {0};
    char json[128];
    make_repository();
    snprintf(json, sizeof json, NET, "tiny");
    put_text_file("m/1/model.json", json);
    put_text_file("m/2/model.json", json);
    put_net("m-canary/2/model.onnx", "y=Neg(x)");
    put_text_file("m-canary/2/model.json", json);
    struct repository *repository = open_repository(&error);
    ck_assert_str_eq(served(repository), "m:2 m-canary:2 plain:1 r:1 r:3");
    ck_assert(repository_load(repository, "m", "all", &error));
    ck_assert(!repository_load(repository, "tiny", NULL, &error));
    snprintf(json, sizeof json, NET, "another"); /* another name in each version is as well */
    put_text_file("m/1/model.json", json);
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "m:1 m:2 m-canary:2 plain:1 r:1 r:3");
    repository_free(repository);
    drop("");
}
END_TEST

RUN_SUITE("repository_names", F12_a_link_has_the_name_that_was_written,
          F12_a_link_to_nothing_is_missing_and_not_gone, F14_leading_zeros_do_not_count,
          F14_what_is_no_version_is_told, F14_a_model_without_a_version_is_told,
          F14_two_folders_of_one_version_are_an_error, F15_the_folder_is_the_name)
