/* A repository on disk that changes, is wrong, or cannot be read: what is served goes on being served. */
#include "tests/unit/onnx_text.h"
#include "tests/unit/scarcity.h"

#include "server/keeper.h"
#include "server/log.h"
#include "server/repository.h"
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define NET "{\"format\":\"relud-model/1\",\"name\":\"%s\"}"

static char root[64];

static void path_of(const char *name, char path[256])
{
    snprintf(path, 256, "%s/%s", root, name);
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
}

static void put_text_file(const char *name, const char *text)
{
    char path[256];
    struct buffer bytes = {.at = (unsigned char *)(uintptr_t)text, .len = strlen(text)};
    path_of(name, path);
    write_bytes(path, &bytes);
}

static void put_net(const char *name, const char *text)
{
    char path[256];
    struct buffer bytes = onnx_of(text, 17);
    path_of(name, path);
    write_bytes(path, &bytes);
    free(bytes.at);
}

static void drop(const char *name)
{
    char command[300];
    snprintf(command, sizeof command, "rm -rf %s/%s", root, name);
    ck_assert_int_eq(system(command), 0);
}

/* m of versions 1 and 2, r with labels, plain.onnx by itself; and things that are no models. */
static void make_repository(void)
{
    strcpy(root, "/tmp/relud-repository-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(root));
    log_setup(LOG_LEVEL_ERROR, false);
    put_net("m/1/model.onnx", "y=Relu(x)");
    put_net("m/2/model.onnx", "y=Neg(x)");
    put_net("r/1/model.onnx", "y=Softmax(x)");
    put_net("r/3/model.onnx", "y=Softmax(x)");
    put_text_file("r/versions.json", "{\"policy\":\"all\",\"labels\":{\"stable\":1}}");
    put_net("plain.onnx", "y=Abs(x)");
    put_text_file("README", "nothing");
    put_text_file("m/notes/model.txt", "nothing");
    put_text_file("m/1234567890123456789/model.txt", "nothing");
    put_text_file(".hidden/1/model.json", "{");
}

static struct repository *open_repository(struct relud_error *error)
{
    const char *path = root;
    const struct repository_options options = {.entry = {.workers = 1, .batch_rows_max = 4},
                                               .policy = "latest:1"};
    return repository_open(&path, 1, &options, error);
}

/* "m:2 plain:1 r:1 r:3": what answers, by name and version. */
static const char *served(struct repository *repository)
{
    static char text[512];
    struct catalog *catalog = repository_take(repository);
    size_t len = 0;
    text[0] = '\0';
    for (size_t i = 0; i < catalog->items; i++)
        if (catalog->item[i].entry)
            len += (size_t)snprintf(text + len, sizeof text - len, "%s%s:%s", len ? " " : "",
                                    catalog->item[i].name, catalog->item[i].version);
    catalog_release(catalog);
    return text;
}

#define ALL "m:2 plain:1 r:1 r:3"

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
    ck_assert_msg(strstr(error.text, "no version of 7 is there") != NULL, "%s", error.text);
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
        {"{\"policy\":\"some\"}", "versions.json: policy 'some' is none of latest:N, all, 1,3"},
        {"{\"policy\":\"1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1\"}",
         "versions.json: policy"},
        {"{\"policy\":\"9\"}", "no version of 9 is there"},
        {"{\"labels\":{\"a\":0}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":1e15}}", "versions.json: labels is"},
        {"{\"labels\":{\"a\":\"1\"}}", "versions.json: labels is"},
        {"{\"labels\":{\"a/b\":1}}", "versions.json: labels is"},
        {"{\"labels\":[1]}", "versions.json: labels is"},
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

START_TEST(versions_of_a_model_have_one_name)
{
    struct relud_error error = {0};
    char json[128];
    make_repository();
    snprintf(json, sizeof json, NET, "m");
    put_text_file("other/1/model.json", json);
    put_net("other/1/model.onnx", "y=Relu(x)");
    ck_assert_ptr_null(open_repository(&error));
    ck_assert_msg(strstr(error.text, "a model 'm' of version") != NULL, "%s", error.text);
    drop("other");
    struct repository *repository = open_repository(&error);
    snprintf(json, sizeof json, NET, "another");
    put_net("m/3/model.onnx", "y=Relu(x)");
    put_text_file("m/3/model.json", json);
    ck_assert(!repository_load(repository, "m", NULL, &error));
    ck_assert_msg(strstr(error.text, "calls itself 'another'; 'm' is wanted") != NULL, "%s",
                  error.text);
    ck_assert_str_eq(served(repository), ALL);
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

/* ---- errands ---- */

START_TEST(errands_are_run_or_refused)
{
    struct relud_error error = {0};
    struct keeper keeper;
    make_repository();
    struct repository *repository = open_repository(&error);
    scarce_begin(SCARCE_SYSTEM, 1);
    bool is_started = keeper_start(&keeper, repository, 0, NULL, NULL, &error);
    scarce_end();
    ck_assert(!is_started);
    ck_assert_ptr_nonnull(strstr(error.text, "no thread for loading models"));
    keeper_stop(&keeper);
    scarce_begin(SCARCE_MEMORY, 1);
    struct errand *none = errand_new(ERRAND_LOAD, "m");
    scarce_end();
    ck_assert_ptr_null(none);
    ck_assert_msg(keeper_start(&keeper, repository, 1, NULL, NULL, &error), "%s", error.text);
    struct errand *errand[3];
    for (size_t i = 0; i < 3; i++) {
        errand[i] = errand_new(i == 1 ? ERRAND_UNLOAD : ERRAND_LOAD, i == 2 ? "none" : "m");
        keeper_submit(&keeper, errand[i]);
    }
    keeper_refresh(&keeper);
    keeper_stop(&keeper); /* those that were not run are told so */
    for (size_t i = 0; i < 3; i++) {
        ck_assert(errand[i]->is_done && (errand[i]->is_right || errand[i]->error.text[0]));
        errand_release(errand[i]);
    }
    repository_free(repository);
    drop("");
}
END_TEST

RUN_SUITE("repository", changes_on_disk_are_followed, models_are_loaded_and_unloaded_by_name,
          wrong_settings_are_refused_and_change_nothing, versions_of_a_model_have_one_name,
          a_repository_is_open_or_not, what_cannot_be_looked_at_is_not_gone,
          errands_are_run_or_refused)
