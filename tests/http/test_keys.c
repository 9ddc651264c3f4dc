/* API keys: every route without one, with a wrong one, with one of too few rights; reloading; no word too many. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include "server/keys.h"

/* printf KEY | sha256sum */
#define APP_HASH                                                                                   \
    "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683" /* "key" */
#define ADMIN_HASH                                                                                 \
    "sha256:8c6976e5b5410415bde908bd4dee15dfb167a9c873fc4bb8a81f6f2ab448a918" /* "admin" */
#define METRICS_HASH                                                                               \
    "sha256:3e23e8160039594a33894f6564e1b1348bbd7a0088d42c4acb73eeaed59c009d" /* "b" */

static const char keys_text[] = "# who may ask\n"
                                "app infer " APP_HASH "\n\n"
                                "boss infer,admin " ADMIN_HASH " # may load models\n"
                                "scraper metrics " METRICS_HASH "\n";

static struct server serve_with_keys(const char *dir, const char *text)
{
    char path[128];
    write_file(dir, "model.json", text, strlen(text));
    snprintf(path, sizeof path, "%s/model.json", dir);
    return server_start((const char *const[]){DIGITS, "--workers", "1", "--api-keys", path, NULL});
}

static int code_of(const struct server *server, const char *path, const char *body,
                   const char *header)
{
    return (int)server_ask(server, path, NULL, body, body ? strlen(body) : 0, header)->code;
}

START_TEST(each_route_wants_its_right)
{
    static const struct {
        const char *path, *body;
        int none, app, admin, metrics;
    } cases[] = {
        {"/healthz", NULL, 200, 200, 200, 200},
        {"/readyz", NULL, 200, 200, 200, 200},
        {"/v2/health/live", NULL, 200, 200, 200, 200},
        {"/", NULL, 200, 200, 200, 200},
        {"/openapi.json", NULL, 200, 200, 200, 200},
        {"/metrics", NULL, 401, 403, 200, 200},
        {"/relu", "{\"input\":1}", 401, 200, 200, 403},
        {"/predict", "{}", 401, 400, 400, 403},
        {"/v2/models/digits", NULL, 401, 200, 200, 403},
        {"/v2/models/digits/infer", "{}", 401, 400, 400, 403},
        {"/v1/models/digits:predict", "{}", 401, 400, 400, 403},
        {"/v2/repository/index", "{}", 401, 403, 200, 403},
        {"/v2/logging", "{\"log_verbose_level\":0}", 401, 403, 200, 403},
        {"/nowhere", NULL, 404, 404, 404, 404},
    };
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, keys_text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = cases[i].path, *body = cases[i].body;
        ck_assert_msg(code_of(&server, path, body, NULL) == cases[i].none, "%s without a key",
                      path);
        ck_assert_msg(code_of(&server, path, body, "Authorization: Bearer key") == cases[i].app,
                      "%s as app", path);
        ck_assert_msg(code_of(&server, path, body, "X-Api-Key: admin") == cases[i].admin,
                      "%s as admin", path);
        ck_assert_msg(code_of(&server, path, body, "authorization: bearer b") == cases[i].metrics,
                      "%s as scraper", path);
    }
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

/* The answer is the same words whatever is wrong with the key, comes before the body, and names the scheme. */
START_TEST(a_wrong_key_learns_nothing)
{
    static const char *const wrong[] = {
        "Authorization: Bearer ke",
        "Authorization: Bearer keyy",
        "Authorization: Bearer KEY",
        "Authorization: Basic a2V5",
        "Authorization: Bearer",
        "X-Api-Key: nope",
        "Authorization: Bearer sha256:2c70e12b7a0646f92279f427c7b38e73"};
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, keys_text);
    char first[512] = "";
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct reply *reply =
            server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, wrong[i]);
        ck_assert_int_eq(reply->code, 401);
        ck_assert_ptr_nonnull(strstr(reply->headers, "WWW-Authenticate: Bearer\r\n"));
        if (i == 0)
            snprintf(first, sizeof first, "%s", reply->body);
        ck_assert_str_eq(reply->body, first);
    }
    char *answer = server_raw(&server,
                              "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
                              "Expect: 100-continue\r\n\r\n",
                              1);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 401 ", 13), 0);
    free(answer);
    /* who tries many is told to wait; who has a key is not */
    int waits = 0;
    for (int i = 0; i < 60; i++)
        waits += code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: guess") == 429;
    ck_assert_int_gt(waits, 10);
    ck_assert_int_eq(code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: key"), 200);
    const struct reply *metrics = server_ask(&server, "/metrics", NULL, NULL, 0, "X-Api-Key: b");
    ck_assert_ptr_nonnull(strstr(metrics->body, "relud_rejected_total{reason=\"key\"} 68\n"));
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

START_TEST(keys_come_and_go_with_sighup)
{
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, "app infer " APP_HASH "\n");
    ck_assert_int_eq(code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: key"), 200);
    static const char next[] = "boss admin " ADMIN_HASH "\n", broken[] = "boss admin\n";
    write_file(dir, "model.json", next, strlen(next));
    kill(server.pid, SIGHUP);
    for (int i = 0;
         i < 60000 && code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: admin") != 200; i++)
        usleep(1000);
    ck_assert_int_ne(code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: key"), 200);
    write_file(dir, "model.json", broken, strlen(broken)); /* changes nothing */
    kill(server.pid, SIGHUP);
    char log[4096] = "";
    for (size_t len = 0; !strstr(log, "the keys stay as they were") && len < sizeof log - 1;) {
        ssize_t got = read(server.log, log + len, sizeof log - 1 - len);
        ck_assert_int_gt(got, 0);
        len += (size_t)got;
        log[len] = '\0';
    }
    ck_assert_int_eq(code_of(&server, "/relu", "{\"input\":1}", "X-Api-Key: admin"), 200);
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

START_TEST(each_wrong_file_is_refused_with_its_line)
{
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"", "keys: there is no key in it"},
        {"# nothing\n", "there is no key in it"},
        {"app\n", "line 1: LABEL SCOPES sha256:HEX is wanted"},
        {"\napp infer\n", "line 2: LABEL SCOPES"},
        {"app infer " APP_HASH " more\n", "line 1: LABEL SCOPES"},
        {"app infer,root " APP_HASH "\n", "line 1: the scopes are infer, admin and metrics"},
        {"app , " APP_HASH "\n", "line 1: the scopes are"},
        {"app infer secret-key\n", "line 1: sha256: and 64 hexadecimal digits are wanted"},
        {"app infer sha256:12\n", "64 hexadecimal digits"},
        {"app infer " APP_HASH "0\n", "64 hexadecimal digits"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        struct keys *keys = keys_parse(cases[i].text, strlen(cases[i].text), "keys", &error);
        ck_assert_msg(!keys && strstr(error.text, cases[i].words), "%zu: '%s'", i, error.text);
        ck_assert_ptr_null(strstr(error.text, "secret"));
    }
    runs("serve " DIGITS " --api-keys /nonexistent", 1, "/nonexistent: No such file");
}
END_TEST

RUN_SUITE("keys", each_route_wants_its_right, a_wrong_key_learns_nothing,
          keys_come_and_go_with_sighup, each_wrong_file_is_refused_with_its_line)
