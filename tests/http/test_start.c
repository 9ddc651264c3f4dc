/* What a server says of models that it cannot serve, and which one answers where none is named. */
#include "tests/http/program.h"
#include "tests/unit/files.h"

#include <fcntl.h>
#include <sys/stat.h>

static char root[64];

/* A model of two numbers at root/name/version; without a whole file where it is to be broken. */
static void put(const char *name, const char *version, bool is_whole)
{
    static const char json[] = "{\"format\":\"relud-model/1\",\"name\":\"tiny\","
                               "\"input\":{\"name\":\"x\",\"features\":2},"
                               "\"layers\":[{\"weight\":\"w\"}]}";
    static const float weight[4] = {1, 0, 0, 1};
    char dir[128];
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    mkdir(dir, 0755);
    snprintf(dir, sizeof dir, "%s/%s/%s", root, name, version);
    mkdir(dir, 0755);
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                  weight, is_whole ? sizeof weight : 7);
    write_file(dir, "model.json", json, strlen(json));
}

static void open_root(void)
{
    strcpy(root, new_directory());
}

static void remove_root(void)
{
    remove_folder(root);
}

static struct server start(const char *option, const char *value)
{
    return server_start((const char *const[]){root, option, value, NULL});
}

static void has(const struct reply *reply, int code, const char *words)
{
    ck_assert_msg(reply->code == code && strstr(reply->body, words), "%ld %s; %d %s is wanted",
                  reply->code, reply->body, code, words);
}

/* ---- A7 ---- */

START_TEST(A7_a_broken_model_is_told_everywhere_and_the_others_serve)
{
    open_root();
    put("good", "1", true);
    put("old", "1", true);
    put("old", "2", false);
    put("bad", "3", false);
    struct server server = start("--workers", "1");
    has(server_post(&server, "/v1/models/good:predict", "{\"instances\":[[1,2]]}"), 200, "[[1,2]]");
    has(server_post(&server, "/v1/models/old:predict", "{\"instances\":[[1,2]]}"), 200, "[[1,2]]");
    has(server_post(&server, "/v1/models/bad:predict", "{\"instances\":[[1,2]]}"), 503,
        "model 'bad' is not ready: ");
    const struct reply *reply = server_post(&server, "/v2/repository/index", "");
    has(reply, 200, "{\"name\":\"bad\",\"version\":\"3\",\"state\":\"UNAVAILABLE\",\"reason\":\"");
    has(reply, 200, "{\"name\":\"old\",\"version\":\"1\",\"state\":\"READY\"");
    has(reply, 200, "{\"name\":\"old\",\"version\":\"2\",\"state\":\"UNAVAILABLE\",\"reason\":\"");
    reply = server_get(&server, "/metrics");
    has(reply, 200, "\nrelud_model_ready{model=\"bad\",version=\"3\"} 0\n");
    has(reply, 200, "\nrelud_model_ready{model=\"old\",version=\"1\"} 1\n");
    has(reply, 200, "\nrelud_model_ready{model=\"old\",version=\"2\"} 0\n");
    has(reply, 200, "\nrelud_model_loads_total{model=\"bad\",result=\"failure\"} 1\n");
    /* one that serves is enough, and what is missing is named */
    reply = server_get(&server, "/readyz");
    has(reply, 200, "{\"status\":\"ready\",\"missing\":[{\"model\":\"bad\",\"version\":\"3\",");
    has(reply, 200, "{\"model\":\"old\",\"version\":\"2\",\"reason\":\"");
    has(server_get(&server, "/v2/health/ready"), 200, "\"ready\":true");
    server_stop(&server);
    char words[256];
    snprintf(words, sizeof words, "serve %s --listen 127.0.0.1:0 --strict-start", root);
    runs(words, 1, "relud: serve: ");
    ck_assert_uint_eq(count_of(output, "bad/3/model.safetensors: "), 1); /* each is said once */
    ck_assert_uint_eq(count_of(output, "old/2/model.safetensors: "), 1);
    remove_root();
}
END_TEST

START_TEST(A7_strict_start_by_flag_environment_and_file)
{
    static const struct {
        const char *environment, *file, *flag;
        int status; /* 0: it serves */
    } cases[] = {{"1", "{}", "", 1},
                 {"on", "{}", "", 1},
                 {"TRUE", "{}", "", 1},
                 {"off", "{}", "", 0},
                 {"", "{}", "", 0},
                 {"0", "{\"strict-start\":true}", "", 0},
                 {NULL, "{}", "", 0},
                 {NULL, "{\"strict-start\":true}", "", 1},
                 {NULL, "{\"strict-start\":false}", "", 0},
                 {NULL, "{\"strict-start\":\"on\"}", "", 1},
                 {"off", "{}", "--strict-start", 1},
                 {"maybe", "{}", "", 2}};
    open_root();
    put("good", "1", true);
    put("bad", "1", false);
    char file[128], words[512];
    write_file(root, "settings", "", 0);
    snprintf(file, sizeof file, "%s/settings", root);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        write_file(root, "settings", cases[i].file, strlen(cases[i].file));
        unsetenv("RELUD_STRICT_START");
        if (cases[i].environment)
            setenv("RELUD_STRICT_START", cases[i].environment, 1);
        if (cases[i].status) {
            snprintf(words, sizeof words, "serve %s --config %s --listen 127.0.0.1:0 %s", root,
                     file, cases[i].flag);
            int status = run(words);
            ck_assert_msg(status == cases[i].status, "case %zu: %d\n%s", i, status, output);
            continue;
        }
        struct server server = start("--config", file);
        server_stop(&server);
    }
    unsetenv("RELUD_STRICT_START");
    remove_root();
}
END_TEST

/* What is broken has no names for who has no key, and no model at all is another thing. */
START_TEST(A7_nothing_to_serve_is_not_ready)
{
    static const char keys[] = /* of "admin" */
        "boss admin sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918\n";
    char path[128], words[256];
    open_root();
    put("bad", "1", false);
    snprintf(words, sizeof words, "serve %s --listen 127.0.0.1:0", root);
    runs(words, 1, "bad/1/model.safetensors: "); /* nobody could change that */
    snprintf(words, sizeof words, "serve %s/bad/1 --listen 127.0.0.1:0", root);
    runs(words, 1, "bad/1/model.safetensors: ");
    struct server server = start("--admin-listen", "127.0.0.1:0");
    has(server_get(&server, "/readyz"), 503, "{\"error\":\"no model is ready; model bad: ");
    has(server_get(&server, "/v2/health/ready"), 503, "\"ready\":false");
    has(server_get(&server, "/healthz"), 200, "ok");
    has(server_post(&server, "/predict", "{\"inputs\":[1,2]}"), 503, "no model is ready");
    put("bad", "1", true);
    ck_assert_int_eq(server_admin_post(&server, "/v2/repository/models/bad/load", "")->code, 200);
    has(server_get(&server, "/readyz"), 200, "{\"status\":\"ready\"}\n");
    server_stop(&server);
    write_file(root, "keys", keys, strlen(keys));
    snprintf(path, sizeof path, "%s/keys", root);
    put("bad", "2", false);
    server = start("--api-keys", path);
    has(server_get(&server, "/readyz"), 200, "{\"status\":\"ready\"}\n");
    has(server_ask(&server, "/readyz", NULL, NULL, 0, "X-Api-Key: admin"), 200,
        "\"model\":\"bad\"");
    server_stop(&server);
    put("bad", "1", false);
    server = start("--api-keys", path); /* who has an administrator's key may load */
    ck_assert_str_eq(server_get(&server, "/readyz")->body, "{\"error\":\"no model is ready\"}\n");
    server_stop(&server);
    remove_root();
}
END_TEST

/* ---- F14 ---- */

START_TEST(F14_what_is_passed_over_stands_in_the_log_and_in_the_index)
{
    char words[256];
    open_root();
    put("m", "001", true);
    put("m", "v2", true);
    put("n", "v1", true);
    struct server server = start("--workers", "1");
    has(server_post(&server, "/v1/models/m/versions/1:predict", "{\"instances\":[[1,2]]}"), 200,
        "[[1,2]]");
    const struct reply *reply = server_post(&server, "/v2/repository/index", "");
    has(reply, 200,
        "{\"name\":\"m\",\"version\":\"v2\",\"state\":\"UNAVAILABLE\",\"reason\":\"skipped: a "
        "version is a whole number, 1 or more\"}");
    has(reply, 200, "{\"name\":\"n\",\"version\":\"\",\"state\":\"UNAVAILABLE\",\"reason\":\"");
    has(server_get(&server, "/readyz"), 200, "{\"model\":\"n\",\"reason\":\"");
    has(server_get(&server, "/metrics"), 200, "\nrelud_model_ready{model=\"n\",version=\"\"} 0\n");
    ck_assert_int_eq(server_get(&server, "/v1/models/n")->code, 503);
    reply = server_post(&server, "/v2/repository/index", "{\"ready\":true}");
    ck_assert_ptr_null(strstr(reply->body, "v2"));
    server_stop(&server);
    snprintf(words, sizeof words, "serve %s --listen 127.0.0.1:0 --strict-start", root);
    runs(words, 1, "model m: 'v2' is skipped: a version is a whole number, 1 or more");
    snprintf(words, sizeof words, "check %s", root);
    runs(words, 1, "'v2' is skipped: a version is a whole number, 1 or more");
    ck_assert_ptr_nonnull(strstr(output, "m/001: ok (m version 1: "));
    remove_root();
}
END_TEST

/* ---- F17 ---- */

struct form {
    const char *name, *path, *body;
    size_t len;
    const char *header;
};

/* Two rows of 2 in each form that /predict takes. */
static const struct form forms[] = {
    {"JSON", "/predict", "{\"inputs\":[[1,2],[3,4]]}", 24, NULL},
    {"JSON, with members", "/predict", "{\"inputs\":[[1,2],[3,4]],\"top_k\":1}", 34, NULL},
    {"a bare row", "/predict", "{\"inputs\":[1,2]}", 16, NULL},
    {"a version", "/predict", "{\"inputs\":[1,2],\"version\":\"1\"}", 30, NULL},
    {"float32", "/predict", "\0\0\x80\x3f\0\0\0\x40", 8, "Content-Type: application/octet-stream"},
    {"float32, with a query", "/predict?top_k=1", "\0\0\x80\x3f\0\0\0\x40", 8,
     "Content-Type: application/octet-stream"},
};

static void answers(const struct server *server, int code, const char *words)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct form *form = &forms[i];
        const struct reply *reply =
            server_ask(server, form->path, NULL, form->body, form->len, form->header);
        ck_assert_msg(reply->code == code && strstr(reply->body, words),
                      "%s: %ld %s; %d '%s' is wanted", form->name, reply->code, reply->body, code,
                      words);
    }
}

START_TEST(F17_of_several_models_one_must_be_named)
{
    open_root();
    put("alpha", "1", true);
    struct server server = start("--admin-listen", "127.0.0.1:0");
    answers(&server, 200, "{\"model\":\"alpha\"");
    put("beta", "1", true);
    ck_assert_int_eq(server_admin_post(&server, "/v2/repository/models/beta/load", "")->code, 200);
    answers(&server, 400, "\\\"model\\\" is missing, and several are served: alpha, beta");
    has(server_post(&server, "/predict", "{\"inputs\":[1,2],\"model\":\"beta\"}"), 200,
        "{\"model\":\"beta\"");
    has(server_post(&server, "/predict", "{\"inputs\":[1,2],\"model\":\"gamma\"}"), 404, "gamma");
    has(server_ask(&server, "/predict?model=beta", NULL, forms[4].body, 8, forms[4].header), 200,
        "{\"model\":\"beta\"");
    server_stop(&server);
    remove_root();
}
END_TEST

START_TEST(F17_the_default_model_answers)
{
    char path[128], words[256];
    open_root();
    put("alpha", "1", true);
    put("beta", "1", true);
    struct server server = start("--default-model", "beta");
    answers(&server, 200, "{\"model\":\"beta\"");
    has(server_post(&server, "/predict", "{\"inputs\":[1,2],\"model\":\"alpha\"}"), 200,
        "{\"model\":\"alpha\"");
    server_stop(&server);
    setenv("RELUD_DEFAULT_MODEL", "beta", 1);
    server = start("--workers", "1");
    answers(&server, 200, "{\"model\":\"beta\"");
    server_stop(&server);
    unsetenv("RELUD_DEFAULT_MODEL");
    write_file(root, "settings", "{\"default-model\":\"alpha\"}", 25);
    snprintf(path, sizeof path, "%s/settings", root);
    server = start("--config", path);
    answers(&server, 200, "{\"model\":\"alpha\"");
    server_stop(&server);
    server = start("--default-model", "gamma");
    answers(&server, 404, "there is no model 'gamma', which --default-model names");
    put("gamma", "1", false); /* there, and broken: no other one stands in */
    kill(server.pid, SIGHUP);
    while (!strstr(server_post(&server, "/predict", "{\"inputs\":[1,2]}")->body, "not ready: "))
        ;
    answers(&server, 503, "gamma/1/model.safetensors: tensor 'w' ends at 16");
    server_stop(&server);
    snprintf(words, sizeof words,
             "serve %s --listen 127.0.0.1:0 --default-model delta --strict-start", root);
    runs(words, 1, "relud: serve: ");
    ck_assert_ptr_nonnull(strstr(output, "--default-model: there is no model 'delta'"));
    remove_root();
}
END_TEST

/* ---- U6 ---- */

START_TEST(U6_no_model_is_wrong_usage_and_an_empty_repository_may_be_meant)
{
    static const char *const options[][2] = {{"--admin-listen", "127.0.0.1:0"},
                                             {"--poll-seconds", "1"}};
    char words[256];
    runs("serve", 2, "no MODEL is given");
    runs("serve --admin-listen 127.0.0.1:0", 2, "no MODEL is given");
    open_root();
    snprintf(words, sizeof words, "serve %s --listen 127.0.0.1:0", root);
    runs(words, 1, "neither a model.json nor a model.onnx");
    for (size_t i = 0; i < 2; i++) {
        struct server server = start(options[i][0], options[i][1]);
        has(server_get(&server, "/readyz"), 503, "{\"error\":\"no model is ready\"}");
        has(server_get(&server, "/healthz"), 200, "ok");
        has(server_get(&server, "/openapi.json"), 200, "openapi");
        has(server_post(&server, "/v2/repository/index", ""), 200, "[]");
        has(server_post(&server, "/relu", "{\"input\":[-1,2]}"), 200, "[0,2]");
        answers(&server, 404, "no model is served here");
        put("m", "1", true);
        if (i == 0)
            has(server_admin_post(&server, "/v2/repository/models/m/load", ""), 200, "{}");
        while (server_get(&server, "/readyz")->code == 503)
            ;
        answers(&server, 200, "{\"model\":\"m\"");
        server_stop(&server);
        remove_root();
        mkdir(root, 0755);
    }
    remove_root();
}
END_TEST

RUN_SUITE("start", A7_a_broken_model_is_told_everywhere_and_the_others_serve,
          A7_strict_start_by_flag_environment_and_file, A7_nothing_to_serve_is_not_ready,
          F14_what_is_passed_over_stands_in_the_log_and_in_the_index,
          F17_of_several_models_one_must_be_named, F17_the_default_model_answers,
          U6_no_model_is_wrong_usage_and_an_empty_repository_may_be_meant)
