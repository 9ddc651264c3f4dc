/* What SageMaker, MLflow and Vertex AI ask of a container: /ping, /invocations, their environment. The net is y = a + 10 b + 100 c, so
 * that columns in another order would show. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"
#include <sys/stat.h>

#define CSV    "Content-Type: text/csv"
#define WANTED "{\"predictions\":[[321],[654]]}\n"

static char model_dir[64];

/* "names": of its columns, or "". */
static void make_model(const char *dir, const char *names)
{
    static const char head[] =
        "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[0,12]}}";
    const float weights[] = {1, 10, 100};
    char text[1024];
    int len = snprintf(
        text, sizeof text,
        "{\"format\":\"relud-model/1\",\"name\":\"net\",\"input\":{\"name\":\"x\","
        "\"features\":3},\"layers\":[{\"weight\":\"w\"}]%s%s%s}",
        *names ? ",\"training\":{\"features\":{\"names\":" : "", names,
        *names ? ",\"mean\":[0,0,0],\"std\":[1,1,1],\"min\":[0,0,0],\"max\":[9,9,9]}}" : "");
    write_file(dir, "model.json", text, (size_t)len);
    write_tensors(dir, head, weights, sizeof weights);
}

static struct server serve_net(const char *names)
{
    snprintf(model_dir, sizeof model_dir, "%s", new_directory());
    make_model(model_dir, names);
    return server_start((const char *const[]){model_dir, "--workers", "1", NULL});
}

struct invocation {
    const char *body, *header; /* header NULL: JSON */
    long code;
    const char *words;
};

static void check_all(const struct server *server, const char *path, const struct invocation *cases,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct reply *reply =
            server_ask(server, path, NULL, cases[i].body, strlen(cases[i].body), cases[i].header);
        ck_assert_msg(reply->code == cases[i].code && strstr(reply->body, cases[i].words),
                      "%s: %ld %s; %ld and %s are wanted", cases[i].body, reply->code, reply->body,
                      cases[i].code, cases[i].words);
    }
}

static const struct invocation named[] = {
    {"{\"instances\":[[1,2,3],[4,5,6]]}", NULL, 200, WANTED},
    {"{\"instances\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}],\"parameters\":{}}", NULL, 200, WANTED},
    {"{\"instances\":[{\"c\":3,\"a\":1,\"b\":2},{\"b\":5,\"c\":6,\"a\":4}]}", NULL, 200, WANTED},
    {"{\"inputs\":[[1,2,3],[4,5,6]],\"params\":{\"k\":[1]}}", NULL, 200, WANTED},
    {"{\"inputs\":[1,2,3]}", NULL, 200, "{\"predictions\":[[321]]}\n"},
    {"{\"inputs\":{\"x\":[[1,2,3],[4,5,6]]}}", NULL, 200, WANTED},
    {"{\"inputs\":{\"c\":[3,6],\"b\":[[2],[5]],\"a\":[1,4]}}", NULL, 200, WANTED},
    {"{\"dataframe_records\":[{\"c\":3,\"a\":1,\"b\":2},{\"b\":5,\"c\":6,\"a\":4}]}", NULL, 200,
     WANTED},
    {"{\"dataframe_split\":{\"columns\":[\"c\",\"a\",\"b\"],\"index\":[7,8],\"data\":[[3,1,2],[6,4,"
     "5]]}}",
     NULL, 200, WANTED},
    {"{\"dataframe_split\":{\"data\":[[1,2,3],[4,5,6]]}}", NULL, 200, WANTED},
    {"[[1,2,3],[4,5,6]]", NULL, 200, WANTED},
    {"[{\"c\":3,\"a\":1,\"b\":2},[4,5,6]]", NULL, 200, WANTED},
    {"[1,2,3]", NULL, 200, "{\"predictions\":[[321]]}\n"},
    {"[1,2,3]", "Content-Type: application/json; format=pandas-split", 200, "[321]"},
    {"1,2,3\n4,5,6\n", CSV, 200, WANTED},
    {"1,2,3\r\n4,5,6", CSV, 200, WANTED},
    {"a,b,c\n1,2,3\n4,5,6\n", CSV, 200, WANTED},
    {"c,a,b\n3,1,2\n6,4,5\n", CSV "; charset=utf-8", 200, WANTED},
    {"\"c\";\"a\";\"b\"\n3;1;2\n6;4;5\n", CSV, 200, WANTED},
    {"\xef\xbb\xbf"
     "c,a,b\n3,1,2\n6,4,5\n",
     CSV, 200, WANTED},
    {"c,a,b\n3,1,2\n6,4,5\n", CSV "; header=present", 200, WANTED},
    {"1,2,3\n4,5,6\n", CSV "; header=absent", 200, WANTED},
    {"1,2,3\n4,5,6\n", CSV "\r\nAccept: text/csv", 200, "321\n654\n"},
    {"[[1,2,3],[4,5,6]]", "Accept: text/csv", 200, "321\n654\n"},
    /* names decide */
    {"{\"dataframe_records\":[{\"a\":1,\"b\":2}]}", NULL, 400,
     "dataframe_records[0]: column \\\"c\\\" is missing"},
    {"{\"dataframe_records\":[{\"a\":1,\"b\":2,\"c\":3,\"id\":7}]}", NULL, 400,
     "the model has no column \\\"id\\\""},
    {"{\"dataframe_records\":[{\"a\":1,\"b\":2,\"c\":null}]}", NULL, 400,
     "[0].c: 'null' is no number"},
    {"{\"dataframe_split\":{\"columns\":[\"a\",\"b\"],\"data\":[[1,2]]}}", NULL, 400,
     "\\\"c\\\" is missing"},
    {"{\"dataframe_split\":{\"columns\":[0,1,2],\"data\":[[1,2,3]]}}", NULL, 400,
     "no column \\\"0\\\""},
    {"c,a\n3,1\n", CSV, 400, "b"},
    {"c,a,b,id\n3,1,2,7\n", CSV, 400, "id"},
    {"c,a,q\n3,1,2\n", CSV, 400, "b"},
    {"c,1,2\n", CSV, 400, "c"},
    {"1,2\n", CSV, 400, "rows of 2 numbers; 3 are wanted"},
    {"1,,3\n", CSV, 400, "missing"},
    {"", CSV, 400, "no rows"},
    {"a,b,c\n", CSV, 400, "no rows"},
    /* what is wrong */
    {"{\"instances\":[[1,2]]}", NULL, 400, "instances[0] has 2 numbers; model 'net' wants 3"},
    {"{\"instances\":[1,2,3]}", NULL, 400, "instances[0] is a number; model 'net' wants rows of 3"},
    {"{\"instances\":[[1,2,3]],\"inputs\":[[1,2,3]]}", NULL, 400, "together"},
    {"{\"instances\":[[1,2,3]],\"instance\":1}", NULL, 400, "unknown member 'instance'"},
    {"{\"features\":[[1,2,3]]}", NULL, 400, "rows are missing"},
    {"{}", NULL, 400, "rows are missing"},
    {"7", NULL, 400, "JSON object"},
    {"", NULL, 400, "error"},
    {"<x/>", "Content-Type: text/xml", 415, "text/csv"},
    {"[[1,2,3]]", "Accept: text/html", 406, "text/csv"},
};

START_TEST(P10_invocations_take_every_form_that_platforms_send)
{
    struct server server = serve_net("[\"a\",\"b\",\"c\"]");
    check_all(&server, "/invocations", named, sizeof named / sizeof *named);
    const float rows[] = {1, 2, 3, 4, 5, 6};
    const struct reply *reply =
        server_ask(&server, "/invocations?model=net&version=1", NULL, (const char *)rows,
                   sizeof rows, "Content-Type: application/octet-stream");
    ck_assert_msg(reply->code == 200 && strcmp(reply->body, WANTED) == 0, "%s", reply->body);
    ck_assert_int_eq(server_post(&server, "/invocations?model=none", "[[1,2,3]]")->code, 404);
    ck_assert_int_eq(server_post(&server, "/invocations?top_k=1", "[[1,2,3]]")->code, 400);
    ck_assert_int_eq(server_get(&server, "/invocations")->code, 405);
    /* V1 rows and columns by name, too */
    reply = server_post(&server, "/v1/models/net:predict", named[2].body);
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "[[321],[654]]"), "%s", reply->body);
    reply = server_post(&server, "/v1/models/net:predict", named[6].body);
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "[[321],[654]]"), "%s", reply->body);
    server_stop(&server);
    remove_directory(model_dir);
}
END_TEST

#define GIVEN "\"outputs\":[[321],[654]]"

/* /predict takes rows by name as well. */
START_TEST(predict_takes_rows_by_name)
{
    static const struct invocation cases[] = {
        {"{\"inputs\":[{\"c\":3,\"a\":1,\"b\":2},{\"b\":5,\"c\":6,\"a\":4}]}", NULL, 200, GIVEN},
        {"{\"inputs\":[{\"c\":3,\"a\":1,\"b\":2},[4,5,6]]}", NULL, 200, GIVEN},
        {"{\"inputs\":{\"c\":[3,6],\"b\":[[2],[5]],\"a\":[1,4]}}", NULL, 200, GIVEN},
        {"{\"inputs\":{\"c\":3,\"b\":2,\"a\":1},\"model\":\"net\"}", NULL, 200,
         "\"outputs\":[[321]]"},
        {"{\"inputs\":{\"x\":[[1,2,3],[4,5,6]]}}", NULL, 200, GIVEN},
        {"{\"inputs\":[{\"x\":[1,2,3]},{\"x\":[4,5,6]}]}", NULL, 200, GIVEN},
        {"{\"inputs\":[{\"c\":3,\"a\":1,\"b\":2}]}", "Accept: text/csv", 200, "321\n"},
        {"c,a,b\n3,1,2\n6,4,5\n", CSV, 200, GIVEN},
        {"1,2,3\n4,5,6\n", CSV, 200, GIVEN},
        {"1,2,3\n4,5,6\n", CSV "\r\nAccept: text/csv", 200, "321\n654\n"},
        {"{\"inputs\":[{\"a\":1,\"b\":2}]}", NULL, 400, "inputs[0]: column \\\"c\\\" is missing"},
        {"{\"inputs\":[{\"a\":1,\"b\":2,\"c\":3,\"a\":1}]}", NULL, 400, "stands twice"},
        {"{\"inputs\":{\"a\":[1,2],\"b\":[2],\"c\":[3]}}", NULL, 400, "b"},
        {"{\"inputs\":[{\"a\":1,\"b\":2,\"d\":3}]}", NULL, 400, "no column \\\"d\\\""},
        {"{\"inputs\":[{\"a\":1,\"b\":2,\"c\":null}]}", NULL, 400, "[0].c: 'null' is no number"},
        {"{\"inputs\":[{\"a\":1,\"b\":2,\"c\":\"3\"}]}", NULL, 400, "inputs[0].c"},
        {"c,a,b,id\n3,1,2,7\n", CSV, 400, "id"},
        {"1,nan,3\n", CSV, 400, "nan"},
        {"{\"inputs\":[[1,2,3]]}", "Accept: text/html", 406, "text/csv"},
    };
    struct server server = serve_net("[\"a\",\"b\",\"c\"]");
    check_all(&server, "/predict", cases, sizeof cases / sizeof *cases);
    check_all(&server, "/predict?model=net&version=1", cases, 3);
    ck_assert_int_eq(server_post(&server, "/predict?model=none", cases[0].body)->code, 404);
    const struct reply *reply = server_post(&server, "/predict?topk=2", cases[0].body);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "topk"), "%s", reply->body);
    server_stop(&server);
    remove_directory(model_dir);
}
END_TEST

/* The names are those of one model's columns: which one must be known before the rows are read. */
START_TEST(names_of_columns_are_of_the_model_that_the_query_names)
{
    static const struct invocation body_names[] = {
        {"{\"inputs\":[[1,2,3],[4,5,6]],\"model\":\"second\"}", NULL, 200, GIVEN},
        {"{\"inputs\":[{\"c\":3,\"a\":1,\"b\":2}],\"model\":\"second\"}", NULL, 400,
         "?model=second"},
        {"{\"model\":\"second\",\"inputs\":{\"c\":3,\"a\":1,\"b\":2}}", NULL, 400, "?model=second"},
    };
    static const struct invocation query_names[] = {
        {"{\"inputs\":[{\"c\":3,\"a\":1,\"b\":2},{\"b\":5,\"c\":6,\"a\":4}]}", NULL, 200, GIVEN},
        {"{\"model\":\"second\",\"inputs\":{\"c\":3,\"a\":1,\"b\":2}}", NULL, 200, "[[321]]"},
        {"{\"model\":\"first\",\"inputs\":{\"c\":3,\"a\":1,\"b\":2}}", NULL, 400, "?model=first"},
        {"c,a,b\n3,1,2\n6,4,5\n", CSV, 200, GIVEN},
    };
    char path[256];
    snprintf(model_dir, sizeof model_dir, "%s", new_directory());
    static const char *const names[] = {"first", "second"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", model_dir, names[i]);
        mkdir(path, 0700);
        snprintf(path, sizeof path, "%s/%s/1", model_dir, names[i]);
        mkdir(path, 0700);
        make_model(path, i ? "[\"a\",\"b\",\"c\"]" : "[\"c\",\"b\",\"a\"]");
    }
    struct server server = server_start(
        (const char *const[]){model_dir, "--workers", "1", "--default-model", "first", NULL});
    check_all(&server, "/predict", body_names, sizeof body_names / sizeof *body_names);
    check_all(&server, "/predict?model=second", query_names,
              sizeof query_names / sizeof *query_names);
    server_stop(&server);
    server = server_start((const char *const[]){model_dir, "--workers", "1", NULL});
    const struct reply *reply = server_post(&server, "/predict", query_names[0].body);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "?model=NAME"), "%s", reply->body);
    reply = server_ask(&server, "/predict", NULL, query_names[3].body, strlen(query_names[3].body),
                       CSV);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "\\\"model\\\" is missing"), "%s",
                  reply->body);
    server_stop(&server);
    remove_folder(model_dir);
}
END_TEST

/* A model that does not name its columns takes rows as they stand, and no names in their place. */
START_TEST(P10_without_names_nothing_is_guessed)
{
    static const struct invocation cases[] = {
        {"[[1,2,3],[4,5,6]]", NULL, 200, WANTED},
        {"1,2,3\n4,5,6\n", CSV, 200, WANTED},
        {"{\"dataframe_split\":{\"columns\":[0,1,2],\"data\":[[1,2,3],[4,5,6]]}}", NULL, 200,
         WANTED},
        {"{\"dataframe_records\":[{\"a\":1,\"b\":2,\"c\":3}]}", NULL, 400,
         "does not name its columns"},
        {"{\"inputs\":{\"a\":[1],\"b\":[2],\"c\":[3]}}", NULL, 400, "does not name its columns"},
    };
    struct server server = serve_net("");
    check_all(&server, "/invocations", cases, sizeof cases / sizeof *cases);
    server_stop(&server);
    remove_directory(model_dir);
}
END_TEST

/* Long bodies are read a piece a turn while short requests come: all get their answers. */
START_TEST(P10_long_tables_are_read_beside_short_requests)
{
    enum { ROWS = 40000 };
    struct server server = serve_net("[\"a\",\"b\",\"c\"]");
    static char csv[ROWS * 8 + 64], records[ROWS * 32 + 64], columns[ROWS * 8 + 64], both[1 << 22];
    char *at = stpcpy(csv, "c,b,a\n"), *to = stpcpy(records, "["), *by = stpcpy(columns, "");
    for (int i = 0; i < ROWS; i++) {
        at += sprintf(at, "%d,2,1\n", i % 10);
        to += sprintf(to, "%s{\"b\":2,\"c\":%d,\"a\":1}", i ? "," : "", i % 10);
    }
    stpcpy(to, "]");
    by = stpcpy(by, "{\"inputs\":{\"c\":[");
    for (int i = 0; i < ROWS; i++)
        by += sprintf(by, "%s%d", i ? "," : "", i % 10);
    for (int k = 0; k < 2; k++) {
        by = stpcpy(by, k ? "],\"b\":[" : "],\"a\":[");
        for (int i = 0; i < ROWS; i++)
            by += sprintf(by, "%s%d", i ? "," : "", 1 + k);
    }
    stpcpy(by, "]}}");
    const char *bodies[] = {csv, records, columns};
    for (size_t i = 0; i < 3; i++) {
        int fd = server_connect(&server);
        int len = snprintf(both, sizeof both,
                           "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\n"
                           "Accept: text/csv\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
                           i ? "application/json" : "text/csv", strlen(bodies[i]), bodies[i]);
        send_all(fd, both, (size_t)len);
        for (int k = 0; k < 200; k++)
            ck_assert_int_eq(server_post(&server, "/invocations", "[[1,2,3]]")->code, 200);
        char *answer = receive(fd, 0), *body = strstr(answer, "\r\n\r\n");
        close(fd);
        ck_assert_msg(body && strstr(answer, "200 OK"), "%.300s", answer);
        body += 4;
        for (int row = 0; row < ROWS; row++) {
            char *end;
            if (strtol(body, &end, 10) != 21 + 100 * (row % 10) || *end != '\n')
                ck_abort_msg("body %zu, row %d: %.20s", i, row, body);
            body = end + 1;
        }
        free(answer);
    }
    server_stop(&server);
    remove_directory(model_dir);
}
END_TEST

/* Serves with these variables set. */
static struct server serve_with(const char *const (*variables)[2], const char *const *words)
{
    for (size_t i = 0; variables[i][0]; i++)
        setenv(variables[i][0], variables[i][1], 1);
    struct server server = server_start(words);
    for (size_t i = 0; variables[i][0]; i++)
        unsetenv(variables[i][0]);
    return server;
}

START_TEST(P10_vertex_chooses_its_routes)
{
    static const char *const variables[][2] = {
        {"AIP_HTTP_PORT", "1"}, /* a flag goes before it */
        {"AIP_HEALTH_ROUTE", "/v1/endpoints/7/deployedModels/8"},
        {"AIP_PREDICT_ROUTE", "/v1/endpoints/7/deployedModels/8:predict"},
        {NULL, NULL}};
    struct server server = serve_with(variables, (const char *const[]){DIGITS, NULL});
    ck_assert_int_eq(server_get(&server, variables[1][1])->code, 200);
    const struct reply *reply = server_post(&server, variables[2][1], "{\"instances\":[[1]]}");
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "wants 784"), "%s", reply->body);
    ck_assert_int_eq(server_post(&server, "/invocations", "{\"instances\":[[1]]}")->code, 400);
    ck_assert_int_eq(server_get(&server, "/ping")->code, 200);
    ck_assert_int_eq(server_get(&server, "/v1/models/digits")->code, 200);
    server_stop(&server);
}
END_TEST

/* Its port is not one of ours to choose: what the program says about a wrong one, and where it listens. */
START_TEST(P10_platforms_choose_the_port)
{
    static const char *const names[] = {"AIP_HTTP_PORT", "SAGEMAKER_BIND_TO_PORT"};
    for (size_t i = 0; i < 2; i++) {
        setenv(names[i], "70000", 1);
        runs("serve " DIGITS, 2, "'70000' is not a port from 1 to 65535");
        setenv(names[i], "8080x", 1);
        runs("serve " DIGITS, 2, names[i]);
        unsetenv(names[i]);
    }
    setenv("AIP_PREDICT_ROUTE", "predict", 1);
    runs("serve " DIGITS, 2, "AIP_PREDICT_ROUTE: 'predict' does not begin with /");
    unsetenv("AIP_PREDICT_ROUTE");
}
END_TEST

/* `docker run IMAGE serve`, with the model where SageMaker lays it. */
START_TEST(P10_sagemaker_lays_the_model_in_its_place)
{
    const char *dir = new_directory();
    make_model(dir, "");
    const char *const variables[][2] = {{"SM_MODEL_DIR", dir}, {NULL, NULL}};
    struct server server = serve_with(variables, (const char *const[]){NULL});
    ck_assert_int_eq(server_get(&server, "/ping")->code, 200);
    ck_assert_str_eq(server_post(&server, "/invocations", "[[1,2,3],[4,5,6]]")->body, WANTED);
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

RUN_SUITE("invocations", predict_takes_rows_by_name,
          names_of_columns_are_of_the_model_that_the_query_names,
          P10_invocations_take_every_form_that_platforms_send, P10_without_names_nothing_is_guessed,
          P10_long_tables_are_read_beside_short_requests, P10_vertex_chooses_its_routes,
          P10_platforms_choose_the_port, P10_sagemaker_lays_the_model_in_its_place)
