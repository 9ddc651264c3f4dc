/* A repository on disk that changes, is wrong, or cannot be read: what is served goes on being served. */
#include "tests/unit/repositories.h"
#include "tests/unit/scarcity.h"

#include "server/models/loader.h"

START_TEST(changes_on_disk_are_followed)
{
    struct relud_error error = {0};
    make_repository();
    struct repository *repository = open_repository(&error);
    ck_assert_msg(repository != NULL, "%s", error.text);
    ck_assert_str_eq(served(repository), ALL);
    ck_assert_uint_eq(repository_refresh(repository), 0); /* nothing has changed */
    put_net("m/3/model.onnx", "y=Neg(x)");
    put_net("new/1/model.onnx", "y=Neg(x)");
    put_text_file("wrong/1/model.json", "{");
    ck_assert_uint_eq(repository_refresh(repository), 2);
    ck_assert_str_eq(served(repository), "m:3 new:1 plain:1 r:1 r:3");
    put_text_file("m/4/model.onnx", "no net"); /* the one before goes on */
    ck_assert_uint_eq(repository_refresh(repository), 0);
    ck_assert_str_eq(served(repository), "m:3 new:1 plain:1 r:1 r:3");
    ck_assert_uint_eq(repository_refresh(repository), 0); /* it is not tried again */
    drop("m/4"), drop("new"), drop("m/3");
    ck_assert_uint_eq(repository_refresh(repository), 1); /* version 2 comes back */
    ck_assert_str_eq(served(repository), ALL);
    drop("m");
    repository_refresh(repository);
    ck_assert_str_eq(served(repository), "plain:1 r:1 r:3");
    repository_free(repository);
    drop("");
}
END_TEST

START_TEST(models_are_loaded_and_unloaded_by_name)
{
    struct relud_error error = {0};
    make_repository();
    struct repository *repository = open_repository(&error);
    ck_assert(repository_unload(repository, "m", &error));
    ck_assert_str_eq(served(repository), "plain:1 r:1 r:3");
    repository_refresh(repository); /* until it is asked for */
    ck_assert_str_eq(served(repository), "plain:1 r:1 r:3");
    ck_assert(repository_load(repository, "m", "all", &error));
    ck_assert_str_eq(served(repository), "m:1 m:2 plain:1 r:1 r:3");
    ck_assert(repository_load(repository, "r", "latest:1", &error)); /* goes before versions.json */
    ck_assert_str_eq(served(repository), "m:1 m:2 plain:1 r:3");
    ck_assert(!repository_load(repository, "m", "7", &error));
    ck_assert_msg(strstr(error.text, "there is no version that 7 selects") != NULL, "%s",
                  error.text);
    ck_assert(!repository_load(repository, "none", NULL, &error));
    ck_assert_int_eq(error.code, RELUD_BAD_INPUT);
    ck_assert(!repository_unload(repository, "none", &error));
    put_net("late/1/model.onnx", "y=Neg(x)");
    ck_assert(repository_load(repository, "late", NULL, &error));
    ck_assert_str_eq(served(repository), "late:1 m:1 m:2 plain:1 r:3");
    repository_free(repository);
    drop("");
}
END_TEST

START_TEST(wrong_settings_are_refused_and_change_nothing)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"{", "ends too early"},
        {"{\"policy\":1}", "policy must be a string"},
        {"{\"policy\":\"some\"}",
         "versions.json: policy 'some' is not one of latest:N, all, or a list such as 1,3"},
        {"{\"policy\":\"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\"}",
         "versions.json: policy"},
        {"{\"policy\":\"9\"}", "there is no version that 9 selects"},
        {"{\"labels\":{\"a\":0}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":1e15}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":\"1\"}}", "versions.json: labels is"},
        {"{\"labels\":{\"a/b\":1}}", "versions.json: labels is"},
        {"{\"labels\":[1]}", "versions.json: labels is"},
        {"{\"labels\":1}", "versions.json: labels is"},
        {"{\"polcy\":\"all\"}", "unknown member 'polcy'"},
    };
    struct relud_error error = {0};
    char many[2048] = "{\"labels\":{\"l\":1";
    make_repository();
    struct repository *repository = open_repository(&error);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_text_file("r/versions.json", cases[i].json);
        ck_assert(!repository_load(repository, "r", NULL, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s: %s", cases[i].json,
                      error.text);
        repository_refresh(repository);
        ck_assert_str_eq(served(repository), ALL);
        struct catalog *catalog = repository_take(repository);
        const struct catalog_model *model = catalog_model(catalog, "r");
        const char *label = catalog_label(model, "stable");
        /* a policy that is right, and wants what is not there, has no labels beside it here */
        bool is_settled = strcmp(cases[i].json, "{\"policy\":\"9\"}") == 0;
        ck_assert_msg(is_settled ? !label : label && strcmp(label, "1") == 0, "%s", cases[i].json);
        ck_assert_str_ne(model->reason, "");
        catalog_release(catalog);
        put_text_file("r/versions.json", "{\"policy\":\"all\",\"labels\":{\"stable\":1}}");
        repository_refresh(repository);
    }
    for (int i = 0; i < 64; i++)
        sprintf(many + strlen(many), ",\"l%d\":1", i);
    strcat(many, "}}");
    put_text_file("r/versions.json", many);
    ck_assert(!repository_load(repository, "r", NULL, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "at most 64 of them"));
    put_text_file("r/versions.json", "{}");
    ck_assert(repository_load(repository, "r", NULL, &error));
    ck_assert_str_eq(served(repository), "m:2 plain:1 r:3");
    repository_free(repository);
    drop("");
}
END_TEST

/* Outside of a repository model.json's name counts, and all versions must agree about it. */
START_TEST(versions_of_a_model_have_one_name)
{
    struct relud_error error = {0};
    char json[128], path[256];
    make_repository();
    snprintf(json, sizeof json, NET, "own");
    put_text_file("m/1/model.json", json);
    put_text_file("m/2/model.json", json);
    path_of("m", path);
    struct repository *repository = open_paths(&(const char *){path}, 1, NULL, &error);
    ck_assert_msg(repository != NULL, "%s", error.text);
    ck_assert_str_eq(served(repository), "own:2");
    snprintf(json, sizeof json, NET, "another");
    put_net("m/3/model.onnx", "y=Relu(x)");
    put_text_file("m/3/model.json", json);
    ck_assert(!repository_load(repository, "own", NULL, &error));
    ck_assert_msg(strstr(error.text, "has the name 'another'; 'own' is expected") != NULL, "%s",
                  error.text);
    ck_assert_str_eq(served(repository), "own:2");
    repository_free(repository);
    drop("");
}
END_TEST

/* ---- without memory, without files ---- */

static bool opens(void *with, struct relud_error *why)
{
    (void)with;
    struct repository *repository = open_repository(why);
    repository_free(repository);
    return repository != NULL;
}

START_TEST(a_repository_is_open_or_not)
{
    make_repository();
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, opens, NULL);
    scarce_each(SCARCE_FILES, RELUD_OK, opens, NULL);
    drop("");
}
END_TEST

/* Whatever gives out while files that have not changed are looked at, what was served goes on. */
START_TEST(what_cannot_be_looked_at_is_not_gone)
{
    static const enum scarce kinds[] = {SCARCE_FILES, SCARCE_MEMORY};
    struct relud_error error = {0};
    make_repository();
    struct repository *repository = open_repository(&error);
    for (size_t k = 0; k < 4; k++) /* one call, or all from there on */
        for (long nth = 1, is_reached = 1; is_reached; nth++) {
            (k < 2 ? scarce_begin : scarce_begin_for_good)(kinds[k % 2], nth);
            repository_refresh(repository);
            is_reached = scarce_end();
            ck_assert_msg(strcmp(served(repository), ALL) == 0, "call %ld: %s", nth,
                          served(repository));
        }
    for (size_t k = 0; k < 2; k++)
        for (long nth = 1, is_reached = 1; is_reached; nth++) {
            scarce_begin(kinds[k], nth);
            bool is_loaded = repository_load(repository, "m", NULL, &error);
            is_reached = scarce_end();
            ck_assert(is_loaded || error.text[0]);
            ck_assert_msg(strcmp(served(repository), ALL) == 0, "call %ld: %s", nth,
                          served(repository));
        }
    for (long nth = 1, is_reached = 1; is_reached; nth++) {
        put_net("new/1/model.onnx", "y=Neg(x)");
        scarce_begin(SCARCE_MEMORY, nth);
        repository_refresh(repository);
        is_reached = scarce_end();
        ck_assert_ptr_nonnull(strstr(served(repository), "m:2"));
        drop("new");
        repository_refresh(repository);
        ck_assert_msg(strcmp(served(repository), ALL) == 0, "call %ld: %s", nth,
                      served(repository));
    }
    repository_free(repository);
    drop("");
}
END_TEST

/* ---- load_jobs ---- */

START_TEST(load_jobs_are_run_or_refused)
{
    struct relud_error error = {0};
    struct model_loader loader;
    make_repository();
    struct repository *repository = open_repository(&error);
    scarce_begin(SCARCE_SYSTEM, 1);
    bool is_started = model_loader_start(&loader, repository, 0, NULL, NULL, &error);
    scarce_end();
    ck_assert(!is_started);
    ck_assert_ptr_nonnull(strstr(error.text, "the thread that loads models does not start"));
    ck_assert(model_loader_stop(&loader, 0));
    scarce_begin(SCARCE_MEMORY, 1);
    struct load_job *none = load_job_new(LOAD_JOB_LOAD, "m");
    scarce_end();
    ck_assert_ptr_null(none);
    ck_assert_msg(model_loader_start(&loader, repository, 1, NULL, NULL, &error), "%s", error.text);
    struct load_job *load_job[3];
    for (size_t i = 0; i < 3; i++) {
        load_job[i] = load_job_new(i == 1 ? LOAD_JOB_UNLOAD : LOAD_JOB_LOAD, i == 2 ? "none" : "m");
        model_loader_submit(&loader, load_job[i]);
    }
    model_loader_refresh(&loader);
    ck_assert(model_loader_stop(&loader, 60000)); /* those that were not run are told so */
    for (size_t i = 0; i < 3; i++) {
        ck_assert(load_job[i]->is_done && (load_job[i]->is_right || load_job[i]->error.text[0]));
        load_job_release(load_job[i]);
    }
    repository_free(repository);
    drop("");
}
END_TEST

START_TEST(F10_labels_and_versions_are_whole_numbers)
{
    static const struct {
        const char *json, *words;
    } cases[] = {
        {"{\"labels\":{\"a\":1.5}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":-1}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":1e300}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":1e999}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":true}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":1,\"a\":3}}", "a"},
        {"{\"policy\":\"latest:1.5\"}", "versions.json: policy 'latest:1.5' is not one of"},
        {"{\"policy\":\"1.5\"}", "versions.json: policy '1.5' is not one of"},
        {"{\"policy\":\"1, 3\"}", "versions.json: policy '1, 3' is not one of"},
        {"{\"policy\":\"99999999999999999999\"}", "versions.json: policy '999"},
    };
    struct relud_error error = {0};
    make_repository();
    struct repository *repository = open_repository(&error);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put_text_file("r/versions.json", cases[i].json);
        ck_assert_msg(!repository_load(repository, "r", NULL, &error), "%s", cases[i].json);
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s: %s", cases[i].json,
                      error.text);
    }
    put_text_file("r/versions.json",
                  "\xef\xbb\xbf{\"labels\":{\"a\":1e0}}"); /* a whole number, too */
    ck_assert_msg(repository_load(repository, "r", NULL, &error), "%s", error.text);
    repository_free(repository);
    drop("");
}
END_TEST

RUN_SUITE("repository", changes_on_disk_are_followed, models_are_loaded_and_unloaded_by_name,
          wrong_settings_are_refused_and_change_nothing, versions_of_a_model_have_one_name,
          a_repository_is_open_or_not, what_cannot_be_looked_at_is_not_gone,
          load_jobs_are_run_or_refused, F10_labels_and_versions_are_whole_numbers)
