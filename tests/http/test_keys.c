/* API keys: every route without one, with a wrong one, with one of too few rights; reloading; no word too many. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include "server/api/router.h"
#include "server/base/keys.h"

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
        {"/ping", NULL, 200, 200, 200, 200},
        {"/invocations", "{}", 401, 400, 400, 403},
        {"/v2/models/digits", NULL, 401, 200, 200, 403},
        {"/v2/models/digits/ready", NULL, 401, 200, 200, 403},
        {"/v2/models/none/ready", NULL, 401, 404, 404, 403},
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
START_TEST(S5_a_wrong_key_learns_that_it_is_not_known)
{
    static const char *const wrong[] = {
        "Authorization: Bearer ke",
        "Authorization: Bearer keyy",
        "Authorization: Bearer KEY",
        "Authorization: bearer   nope",
        "X-Api-Key: nope",
        "Authorization: Bearer key key",
        "Authorization: Bearer sha256:2c70e12b7a0646f92279f427c7b38e73"};
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, keys_text);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const struct reply *reply =
            server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, wrong[i]);
        ck_assert_int_eq(reply->code, 401);
        ck_assert_ptr_nonnull(strstr(reply->headers, "WWW-Authenticate: Bearer\r\n"));
        ck_assert_str_eq(reply->body, "{\"error\":\"this key is not known\"}\n");
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

/* Blanks around a field's value are none of the key. */
START_TEST(P7_a_key_has_no_blanks_around_it)
{
    static const char *const fields[] = {"X-Api-Key: key ", "X-Api-Key:\tkey\t \t", "X-Api-Key:key",
                                         "Authorization: Bearer key ",
                                         "Authorization:\t Bearer   key \t"};
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, keys_text);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char request[256];
        snprintf(request, sizeof request,
                 "POST /relu HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n"
                 "Content-Length: 11 \r\n\r\n{\"input\":1}",
                 fields[i]);
        char *answer = server_raw(&server, request, 0);
        ck_assert_msg(strncmp(answer, "HTTP/1.1 200 ", 13) == 0, "%s: %s", fields[i], answer);
        free(answer);
    }
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

START_TEST(S5_a_missing_key_is_asked_for)
{
    static const char *const missing[] = {NULL,
                                          "Authorization: Basic a2V5",
                                          "Authorization: Bearer",
                                          "Authorization: Bearer ",
                                          "Authorization;",
                                          "X-Api-Key;",
                                          "Authorization: key",
                                          "Api-Key: key"};
    const char *dir = new_directory();
    struct server server = serve_with_keys(dir, keys_text);
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++) {
        const struct reply *reply =
            server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, missing[i]);
        ck_assert_int_eq(reply->code, 401);
        ck_assert_ptr_nonnull(strstr(reply->headers, "WWW-Authenticate: Bearer\r\n"));
        ck_assert_str_eq(reply->body, "{\"error\":\"a key is wanted: Authorization: Bearer KEY, or "
                                      "X-Api-Key: KEY\"}\n");
    }
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

/* ---- what a stranger learns of the models ---- */

/* A model of one feature in DIR/MODEL/1, or what is none. */
static void write_hidden(const char *dir, const char *model, bool is_bad)
{
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"input\":{\"name\":\"hidden_input\",\"features\":1},"
        "\"output\":{\"name\":\"hidden_output\",\"task\":\"classification\","
        "\"labels\":[\"hidden_a\",\"hidden_b\"]},\"layers\":[{\"weight\":\"w\"}]}";
    const float weight[] = {1, 2};
    char path[192];
    snprintf(path, sizeof path, "%s/%s", dir, model);
    mkdir(path, 0755);
    snprintf(path, sizeof path, "%s/%s/1", dir, model);
    mkdir(path, 0755);
    write_file(path, "model.json", json, is_bad ? 2 : strlen(json));
    write_tensors(path, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}",
                  weight, sizeof weight);
}

/* The route's path with this model in it, of version 1. */
static void fill_path(char path[256], const char *pattern, const char *model)
{
    size_t len = 0;
    while (*pattern && len < 200) {
        const char *value = *pattern != '{'     ? NULL
                            : pattern[1] == 'm' ? model
                            : pattern[1] == 'v' ? "1"
                                                : "stable";
        if (value)
            len += (size_t)snprintf(path + len, 256 - len, "%s", value);
        else
            path[len++] = *pattern;
        pattern = value ? strchr(pattern, '}') + 1 : pattern + 1;
    }
    path[len] = '\0';
}

/* The whole answer, but for its moment's lines and the model's name; the caller frees it. Who tries many keys is told to wait, and does. */
static char *ask_as_stranger(const struct server *server, const char *verb, const char *path,
                             const char *more, const char *model)
{
    static const char *const fields[] = {"\r\nDate: ", "\r\nServer-Timing: ", "\r\nX-Request-Id: "};
    char request[512], *answer;
    bool has_body = strcmp(verb, "POST") == 0;
    snprintf(request, sizeof request,
             "%s %s HTTP/1.1\r\nHost: x\r\n%sConnection: close\r\n%s\r\n%s", verb, path, more,
             has_body ? "Content-Length: 2\r\n" : "", has_body ? "{}" : "");
    for (int tries = 0; tries < 6000; tries++) {
        answer = server_raw(server, request, 0);
        if (strncmp(answer, "HTTP/1.1 429", 12) != 0)
            break;
        free(answer);
        usleep(10000);
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        char *at = strstr(answer, fields[i]), *end = at ? strstr(at + 2, "\r\n") : NULL;
        if (end)
            memmove(at, end, strlen(end) + 1);
    }
    for (char *at = answer; (at = strstr(at, model)); at++)
        memcpy(at, "the_model_", strlen(model));
    return answer;
}

static void check_as_stranger(const struct server *server, const char *verb,
                              const struct route *route, const char *more)
{
    static const char *const models[] = {"hidden_net", "hidden_bad", "absent_net"};
    char path[256], *answer[3];
    for (size_t i = 0; i < 3; i++) {
        fill_path(path, route->path, models[i]);
        answer[i] = ask_as_stranger(server, verb, path, more, models[i]);
        ck_assert_msg(!strstr(answer[i], "hidden"), "%s %s: %s", verb, path, answer[i]);
    }
    for (size_t i = 0; i < 2; i++)
        ck_assert_msg(strcmp(answer[i], answer[2]) == 0, "%s %s: %s\n%s\n%s", verb, route->path,
                      models[i], answer[i], answer[2]);
    bool is_refused = strncmp(answer[0], "HTTP/1.1 401 ", 13) == 0;
    if (strcmp(verb, route->verb) == 0)
        ck_assert_msg(is_refused == (route->scope != ROUTE_OPEN), "%s: %s", path, answer[0]);
    for (size_t i = 0; i < 3; i++)
        free(answer[i]);
}

START_TEST(S4_nothing_names_a_model_to_who_has_no_key)
{
    static const char *const open[] = {
        "/",       "/health",         "/healthz",         "/openapi.json",
        "/readyz", "/v2/health/live", "/v2/health/ready", "/ping"};
    char dir[64], keys_dir[64], keys[128];
    strcpy(dir, new_directory());
    strcpy(keys_dir, new_directory());
    write_hidden(dir, "hidden_net", false);
    write_file(keys_dir, "model.json", keys_text, strlen(keys_text));
    snprintf(keys, sizeof keys, "%s/model.json", keys_dir);
    struct server server = server_start((const char *const[]){
        dir, "--workers", "4", "--api-keys", keys, "--admin-listen", "127.0.0.1:0", NULL});
    write_hidden(dir, "hidden_bad", true);
    ck_assert_int_ne(
        server_admin_post(&server, "/v2/repository/models/hidden_bad/load", "{}")->code, 200);
    for (size_t i = 0; router_route(i); i++) {
        const struct route *route = router_route(i);
        bool is_open = false;
        for (size_t k = 0; k < sizeof open / sizeof *open; k++)
            is_open |= strcmp(route->path, open[k]) == 0;
        ck_assert_msg(is_open == (route->scope == ROUTE_OPEN), "%s", route->path);
        check_as_stranger(&server, route->verb, route, "");
        check_as_stranger(&server, "OPTIONS", route, "");
        check_as_stranger(&server, "DELETE", route, "");
        check_as_stranger(&server, "HEAD", route, "");
        if (is_open) {
            check_as_stranger(&server, route->verb, route, "Authorization: Bearer nope\r\n");
            check_as_stranger(&server, route->verb, route, "Accept: text/html\r\n");
        }
    }
    /* by key, or by the admin address, they are named */
    const struct reply *reply = server_ask(&server, "/", NULL, NULL, 0, "X-Api-Key: key");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"hidden_net\""));
    reply = server_ask(&server, "/openapi.json", NULL, NULL, 0, "X-Api-Key: key");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"hidden_net\""));
    reply = server_ask(&server, "/openapi.json", NULL, NULL, 0, "X-Api-Key: b"); /* metrics alone */
    ck_assert_ptr_null(strstr(reply->body, "\"hidden_net\""));
    ck_assert_int_eq(code_of(&server, "/v2/models/hidden_net/ready", NULL, "X-Api-Key: key"), 200);
    ck_assert_int_eq(code_of(&server, "/v2/models/hidden_bad/ready", NULL, "X-Api-Key: key"), 503);
    ck_assert_int_eq(code_of(&server, "/v2/models/absent_net/ready", NULL, "X-Api-Key: key"), 404);
    struct server admin = server;
    admin.port = server.admin_port;
    ck_assert_ptr_nonnull(strstr(server_get(&admin, "/")->body, "\"hidden_net\""));
    server_stop(&server);
    remove_folder(dir);
    remove_directory(keys_dir);
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
        {"app\n", "line 1: a line has the form LABEL SCOPES sha256:HEX"},
        {"\napp infer\n", "line 2: a line has the form LABEL SCOPES"},
        {"app infer " APP_HASH " more\n", "line 1: a line has the form LABEL SCOPES"},
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

RUN_SUITE("keys", each_route_wants_its_right, S5_a_wrong_key_learns_that_it_is_not_known,
          S5_a_missing_key_is_asked_for, P7_a_key_has_no_blanks_around_it,
          S4_nothing_names_a_model_to_who_has_no_key, keys_come_and_go_with_sighup,
          each_wrong_file_is_refused_with_its_line)
