/* Models that come, change and go while they are served. */
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#define LOAD   "/v2/repository/models/m/load"
#define UNLOAD "/v2/repository/models/m/unload"
#define INDEX  "/v2/repository/index"

static char root[64];

/* A model that answers a row of two numbers with `factor` times them. Its files come by rename, whole. */
static void write_model(const char *model, int version, float factor)
{
    static const char json[] = "{\"format\":\"relud-model/1\",\"name\":\"m\","
                               "\"input\":{\"name\":\"x\",\"features\":2},"
                               "\"layers\":[{\"weight\":\"w\"}]}";
    const float weight[4] = {factor, 0, 0, factor};
    char dir[128], from[192], to[192];
    snprintf(dir, sizeof dir, "%s/%s", root, model);
    mkdir(dir, 0755);
    snprintf(dir, sizeof dir, "%s/%s/%d", root, model, version);
    mkdir(dir, 0755);
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}",
                  weight, sizeof weight);
    write_file(dir, "model.json.new", json, strlen(json));
    snprintf(from, sizeof from, "%s/model.json.new", dir);
    snprintf(to, sizeof to, "%s/model.json", dir);
    ck_assert_int_eq(rename(from, to), 0);
}

static void open_root(void)
{
    snprintf(root, sizeof root, "%s", new_directory());
}

static void remove_tree(const char *part)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", root, part);
    remove_folder(path);
}

static struct server start(const char *option, const char *value)
{
    return server_start(
        (const char *const[]){root, "--admin-listen", "127.0.0.1:0", option, value, NULL});
}

/* What the model makes of a 1, or minus the status code. */
static double factor_at(const struct server *server, const char *path)
{
    const struct reply *reply = server_post(server, path, "{\"instances\":[[1,0]]}");
    const char *at = strstr(reply->body, "[[");
    return reply->code == 200 && at ? strtod(at + 2, NULL) : -(double)reply->code;
}

static double factor_of(const struct server *server)
{
    return factor_at(server, "/v1/models/m:predict");
}

/* Waits until the model's factor is that; the disk is looked at by another thread. */
static void wait_factor(const struct server *server, double factor)
{
    for (int i = 0; i < 6000 && factor_of(server) != factor; i++)
        usleep(10000);
    ck_assert_double_eq(factor_of(server), factor);
}

START_TEST(the_highest_version_serves_and_a_policy_may_want_others)
{
    open_root();
    write_model("m", 1, 1);
    write_model("m", 3, 3);
    write_model("m", 12, 12);
    struct server server = start("--versions", "latest:2");
    ck_assert_double_eq(factor_of(&server), 12);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/versions/3:predict"), 3);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/versions/1:predict"), -404);
    ck_assert_ptr_nonnull(strstr(server_get(&server, "/v2/models/m")->body, "[\"3\",\"12\"]"));
    ck_assert_int_eq(server_admin_post(&server, LOAD,
                                       "{\"parameters\":{\"config\":\"{\\\"version_policy\\\":{"
                                       "\\\"specific\\\":{\\\"versions\\\":[1,3]}}}\"}}")
                         ->code,
                     200);
    ck_assert_double_eq(factor_of(&server), 3);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/versions/1:predict"), 1);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/versions/12:predict"), -404);
    server_stop(&server);
    char path[128];
    static const char settings[] =
        "{\"policy\":\"all\",\"labels\":{\"stable\":1,\"canary\":12,\"gone\":99}}";
    snprintf(path, sizeof path, "%s/m", root);
    write_file(path, "versions.json", settings, strlen(settings));
    server = start("--versions", "latest:1");
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/labels/stable:predict"), 1);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/labels/canary:predict"), 12);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/labels/gone:predict"), -404);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/labels/none:predict"), -404);
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(only_the_admin_address_loads_and_unloads)
{
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--workers", "2");
    ck_assert_int_eq(server_post(&server, LOAD, "")->code, 403);
    ck_assert_int_eq(server_post(&server, UNLOAD, "")->code, 403);
    ck_assert_int_eq(server_post(&server, "/v2/logging", "{}")->code, 403);
    ck_assert_double_eq(factor_of(&server), 1);
    ck_assert_int_eq(server_admin_post(&server, UNLOAD, "{\"parameters\":{}}")->code, 200);
    ck_assert_double_eq(factor_of(&server), -503);
    ck_assert_int_eq(server_get(&server, "/v2/models/m/ready")->code, 503);
    ck_assert_int_eq(server_get(&server, "/v1/models/m")->code, 503);
    ck_assert_int_eq(server_post(&server, "/predict", "{\"inputs\":[1,0]}")->code, 503);
    ck_assert_ptr_nonnull(strstr(server_post(&server, INDEX, "")->body,
                                 "\"state\":\"UNAVAILABLE\",\"reason\":\"unloaded\""));
    ck_assert_str_eq(server_post(&server, INDEX, "{\"ready\":true}")->body, "[]\n");
    ck_assert_int_eq(server_admin_post(&server, LOAD, "")->code, 200);
    ck_assert_double_eq(factor_of(&server), 1);
    write_model("other", 1, 5); /* calls itself m: the folder is the name */
    ck_assert_int_eq(server_admin_post(&server, "/v2/repository/models/other/load", "")->code, 200);
    ck_assert_double_eq(factor_at(&server, "/v1/models/other:predict"), 5);
    ck_assert_double_eq(factor_of(&server), 1);
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(names_are_no_paths)
{
    static const char *const names[] = {"nope",  "..",      "%2e%2e", "..%2f..%2fetc", "%00",
                                        "a%2fb", ".hidden", "%zz",    "a%0ab"};
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--workers", "1");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        static const char *const forms[] = {"/v2/models/%s/infer", "/v1/models/%s:predict",
                                            "/v2/repository/models/%s/load"};
        for (size_t k = 0; k < 3; k++) {
            char path[128];
            snprintf(path, sizeof path, forms[k], names[i]);
            const struct reply *reply = server_admin_post(&server, path, "{}");
            ck_assert_msg(reply->code == 404, "%s: %ld %s", path, reply->code, reply->body);
        }
    }
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(a_name_may_hold_blanks)
{
    static const char json[] = "{\"format\":\"relud-model/1\",\"input\":{\"features\":2},"
                               "\"layers\":[{\"weight\":\"w\"}]}";
    char dir[128];
    open_root();
    write_model("my model", 1, 4);
    snprintf(dir, sizeof dir, "%s/my model/1", root);
    write_file(dir, "model.json", json, strlen(json));
    struct server server = start("--workers", "1");
    ck_assert_double_eq(factor_at(&server, "/v1/models/my%20model:predict"), 4);
    ck_assert_int_eq(server_get(&server, "/v2/models/my%20model/")->code, 200);
    ck_assert_int_eq(server_admin_post(&server, "/v2/repository/models/my%20model/load", "")->code,
                     200);
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(answers_that_are_not_finite_follow_the_policy_in_every_dialect)
{
    static const struct {
        const char *path, *body;
    } asked[] = {{"/predict", "{\"inputs\":[10,1]}"},
                 {"/v1/models/m:predict", "{\"instances\":[[10,1]]}"},
                 {"/v2/models/m/infer", "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\","
                                        "\"shape\":[1,2],\"data\":[10,1]}]}"}};
    static const struct {
        const char *policy, *shown; /* shown NULL: 400 */
    } policies[] = {{"error", NULL}, {"null", "[null,3e38]"}, {"token", "[Infinity,3e38]"}};
    open_root();
    write_model("m", 1, 3e38f);
    for (size_t p = 0; p < 3; p++) {
        struct server server = start("--nonfinite", policies[p].policy);
        for (size_t i = 0; i < 3; i++) {
            const struct reply *reply = server_post(&server, asked[i].path, asked[i].body);
            const char *shown = policies[p].shown;
            ck_assert_msg(reply->code == (shown ? 200 : 400) &&
                              strstr(reply->body, shown ? shown : "outputs[0][0] is not finite"),
                          "%s %s: %ld %s", policies[p].policy, asked[i].path, reply->code,
                          reply->body);
        }
        ck_assert_ptr_nonnull(strstr(server_get(&server, "/metrics")->body,
                                     "\nrelud_nonfinite_total{model=\"m\",where=\"output\"} 3\n"));
        server_stop(&server);
    }
    remove_tree("");
}
END_TEST

START_TEST(a_bad_version_leaves_the_old_one_serving)
{
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--workers", "2");
    char dir[128];
    snprintf(dir, sizeof dir, "%s/m/2", root);
    write_model("m", 2, 2);
    write_tensors(dir, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}", "",
                  0);
    const struct reply *reply = server_admin_post(&server, LOAD, "");
    ck_assert_int_eq(reply->code, 400);
    ck_assert_double_eq(factor_of(&server), 1);
    reply = server_post(&server, INDEX, "");
    ck_assert_msg(
        strstr(reply->body,
               "{\"name\":\"m\",\"version\":\"1\",\"state\":\"READY\",\"reason\":\"\"}") &&
            strstr(reply->body, "\"version\":\"2\",\"state\":\"UNAVAILABLE\",\"reason\":\""),
        "%s", reply->body);
    reply = server_get(&server, "/metrics");
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\nrelud_model_loads_total{model=\"m\",result=\"failure\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(reply->body, "\nrelud_model_ready{model=\"m\",version=\"2\"} 0\n"));
    kill(server.pid, SIGHUP); /* what failed is not tried again while it is the same */
    write_model("m", 2, 2);
    kill(server.pid, SIGHUP);
    wait_factor(&server, 2);
    ck_assert_double_eq(factor_at(&server, "/v1/models/m/versions/1:predict"), -404);
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(what_changes_on_disk_is_seen)
{
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--poll-seconds", "1");
    write_model("m", 2, 2);
    wait_factor(&server, 2);
    remove_tree("m/2");
    wait_factor(&server, 1);
    remove_tree("m");
    wait_factor(&server, -404);
    ck_assert_int_eq(server_post(&server, "/predict", "{\"inputs\":[1,0]}")->code, 404);
    write_model("m", 7, 7);
    wait_factor(&server, 7);
    server_stop(&server);
    remove_tree("");
}
END_TEST

/* ---- reloads under load ---- */

struct load {
    const struct server *server;
    _Atomic bool is_over;
    unsigned answers, wrong;
    char first_wrong[512];
};

/* Asks again and again on one connection: every answer must be the old or the new model's. */
static void *ask_on(void *at)
{
    static const char request[] = "POST /v1/models/m:predict HTTP/1.1\r\nHost: x\r\n"
                                  "Content-Length: 23\r\n\r\n{\"instances\":[[1,0.1]]}";
    struct load *load = at;
    int fd = server_connect(load->server);
    while (!load->is_over) {
        send_all(fd, request, strlen(request));
        char *answer = receive(fd, 1);
        const char *body = strstr(answer, "\r\n\r\n");
        bool is_right = body && (strcmp(body + 4, "{\"predictions\":[[1,0.1]]}\n") == 0 ||
                                 strcmp(body + 4, "{\"predictions\":[[2,0.2]]}\n") == 0);
        if (!is_right && load->wrong++ == 0)
            snprintf(load->first_wrong, sizeof load->first_wrong, "%s", answer);
        load->answers++;
        free(answer);
        if (!body)
            break;
    }
    close(fd);
    return NULL;
}

static double resident_mb(const struct server *server)
{
    const char *at =
        strstr(server_get(server, "/metrics")->body, "\nprocess_resident_memory_bytes ");
    return strtod(at + strlen("\nprocess_resident_memory_bytes "), NULL) / (1 << 20);
}

/* RELUD_TEST_RELOADS says how many (100; the figure in docs/performance.md is of 1,000). */
/* Reads on in the log until it says so. */
static void wait_log(const struct server *server, const char *words)
{
    static char log[1 << 16];
    size_t len = 0;
    do {
        ssize_t got = read(server->log, log + len, sizeof log - 1 - len);
        ck_assert_msg(got > 0, "%s: '%s' is wanted", log, words);
        len += (size_t)got;
        log[len] = '\0';
    } while (!strstr(log, words));
}

START_TEST(U5_a_reload_says_which_version_is_live)
{
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--poll-seconds", "0");
    write_model("m", 2, 2);
    kill(server.pid, SIGHUP);
    wait_log(&server, "relud: model m: version 2 is live; before, it was version 1\n");
    write_model("m", 2, 4);
    ck_assert_int_eq(server_admin_post(&server, LOAD, "{}")->code, 200);
    wait_log(&server, "relud: model m: version 2 is live, loaded again\n");
    ck_assert_int_eq(server_admin_post(&server, UNLOAD, "{}")->code, 200);
    wait_log(&server, "relud: model m: no version is live; before, it was version 2\n");
    server_stop(&server);
    remove_tree("");
}
END_TEST

START_TEST(reloads_under_load_lose_nothing)
{
    enum { CLIENTS = 4 };
    const char *wanted = getenv("RELUD_TEST_RELOADS");
    int reloads = wanted ? atoi(wanted) : 100;
    pthread_t thread[CLIENTS];
    struct load load[CLIENTS];
    open_root();
    write_model("m", 1, 1);
    struct server server = start("--workers", "2");
    for (size_t i = 0; i < CLIENTS; i++) {
        load[i] = (struct load){.server = &server};
        ck_assert_int_eq(pthread_create(&thread[i], NULL, ask_on, &load[i]), 0);
    }
    double begin_mb = 0;
    for (int i = 0; i < reloads; i++) {
        write_model("m", 1, i % 2 ? 1 : 2);
        const struct reply *reply = server_admin_post(&server, LOAD, "");
        ck_assert_msg(reply->code == 200, "%s", reply->body);
        ck_assert_double_eq(factor_of(&server), i % 2 ? 1 : 2);
        if (i == reloads / 10)
            begin_mb = resident_mb(&server);
    }
    double grown_mb = resident_mb(&server) - begin_mb;
    unsigned answers = 0;
    for (size_t i = 0; i < CLIENTS; i++) {
        load[i].is_over = true;
        pthread_join(thread[i], NULL);
        ck_assert_msg(load[i].wrong == 0, "%u wrong, the first: %s", load[i].wrong,
                      load[i].first_wrong);
        answers += load[i].answers;
    }
    if (wanted)
        printf("%d reloads, %u answers beside them, %.2f MB more\n", reloads, answers, grown_mb);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* they keep what is freed */
    ck_assert_double_lt(grown_mb, 2);
#endif
    server_stop(&server);
    remove_tree("");
}
END_TEST

/* Everything that SIGHUP looks at in turn: a model's files, its versions, its settings, what is wrong, what comes and goes. */
START_TEST(A4_a_thousand_reloads_of_models_and_settings_take_no_memory)
{
    enum { WARM_UP = 100, RELOADS = 1000 };
    static const char *const settings[] = {
        "{\"policy\":\"latest:1\",\"labels\":{\"stable\":1}}",
        "{\"policy\":\"all\",\"labels\":{\"stable\":2,\"canary\":1}}", "{\"labels\":1}"};
    char dir[128];
    open_root();
    write_model("m", 1, 1);
    write_model("m", 2, 2);
    struct server server = start("--workers", "2");
    snprintf(dir, sizeof dir, "%s/m", root);
    double warm_mb = 0;
    for (int i = 0; i < WARM_UP + RELOADS; i++) {
        write_model("m", 2, (float)(3 + i % 7));
        write_file(dir, "versions.json", settings[i % 3], strlen(settings[i % 3]));
        if (i % 5 == 0)
            write_model("guest", 1, 1);
        else if (i % 5 == 3)
            remove_tree("guest");
        write_file(dir, "v1.onnx", "x", (size_t)i % 2);
        kill(server.pid, SIGHUP);
        if (i % 3 < 2) /* the third leaves all as it is */
            wait_factor(&server, 3 + i % 7);
        if (i == WARM_UP)
            warm_mb = resident_mb(&server);
    }
    double grown_mb = resident_mb(&server) - warm_mb;
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    ck_assert_msg(grown_mb < 1, "%.2f MB more", grown_mb);
#endif
    server_stop(&server);
    remove_tree("");
}
END_TEST

RUN_SUITE("repository", U5_a_reload_says_which_version_is_live,
          the_highest_version_serves_and_a_policy_may_want_others,
          only_the_admin_address_loads_and_unloads, names_are_no_paths, a_name_may_hold_blanks,
          answers_that_are_not_finite_follow_the_policy_in_every_dialect,
          a_bad_version_leaves_the_old_one_serving, what_changes_on_disk_is_seen,
          reloads_under_load_lose_nothing,
          A4_a_thousand_reloads_of_models_and_settings_take_no_memory)
