/* Whatever is wrong with a request: the right code, a JSON error that names the place, and the connection or the server
 * none the worse. */
#include "tests/http/server.h"

#include <relud/relud.h>

static struct server server;

static void start(void)
{
    server = server_start(
        (const char *const[]){DIGITS, "--max-rows", "100", "--idle-timeout-ms", "60000", NULL});
}

static void stop(void)
{
    server_stop(&server);
}

static const struct {
    const char *path, *body;
    long code;
    const char *words; /* in the error */
} cases[] = {
    /* not JSON */
    {"/predict", "", 400, "a JSON object {\"inputs\": …} is wanted at byte 0"},
    {"/predict", "[1,2]", 400, "a JSON object"},
    {"/predict", "{", 400, "ends too early"},
    {"/predict", "{\"inputs\"", 400, "ends too early"},
    {"/predict", "{\"inputs\":", 400, "inputs: the text ends too early"},
    {"/predict", "{\"inputs\":[1,2", 400, "inputs[2]: the text ends too early"},
    {"/predict", "{\"inputs\":[[1,2]", 400, "ends too early"},
    {"/predict", "{\"inputs\":[1]}x", 400, "more text behind the end"},
    {"/predict", "{\"inputs\":[1]}{}", 400, "more text behind the end"},
    {"/predict", "{\"inputs\":[01]}", 400, "inputs[0]: '01' is not a JSON number at byte 11"},
    {"/predict", "{\"inputs\":[[0,0,0],[1,2,1.]]}", 400,
     "inputs[1][2]: '1.' is not a JSON number at byte 24"},
    {"/predict", "{\"inputs\":[.5]}", 400, "inputs[0]: '.5' is not a JSON number"},
    {"/predict", "{\"inputs\":[+1]}", 400, "inputs[0]: '+1' is not a JSON number"},
    {"/predict", "{\"inputs\":[1e]}", 400, "inputs[0]: '1e' is not a JSON number"},
    {"/predict", "{\"inputs\":[0x10]}", 400, "'x10' stands where a comma or ] is wanted"},
    {"/predict", "{\"inputs\":[1 2]}", 400, "inputs[1]: '2' stands where a comma or ] is wanted"},
    {"/predict", "{\"inputs\":[1,]}", 400,
     "inputs[1]: what stands here is not a JSON number at byte 13"},
    {"/predict", "{\"inputs\":[,1]}", 400, "inputs[0]: what stands here is not a JSON number"},
    {"/predict", "{\"inputs\":[1],}", 400, "a string is wanted"},
    {"/predict", "{inputs:[1]}", 400, "a string is wanted"},
    {"/predict", "{\"inputs\":[1],\"inputs\":[1]}", 400, "stands twice"},
    {"/predict", "{\"inputs\":[1],\"in\\u0070uts\":[1]}", 400, "stands twice"},
    {"/predict", "{\"model\":\"a\",\"m\\u006fdel\":\"b\",\"inputs\":[1]}", 400, "stands twice"},
    {"/predict", "{\"inputs\":[1],\"model\":\"\xff\"}", 400, "not UTF-8"},
    {"/predict", "{\"inputs\":[1],\"model\":\"\xc0\xaf\"}", 400, "not UTF-8"},
    {"/predict", "{\"inputs\":[1],\"model\":\"a\nb\"}", 400, "control character"},
    {"/predict", "{\"inputs\":[1],\"model\":\"\\u0000\"}", 400, "\\u0000"},
    {"/predict", "{\"inputs\":[1],\"model\":\"\\ud800\"}", 400, "surrogate"},
    {"/predict", "{\"inputs\":[1],\"model\":\"\\x\"}", 400, "escape"},
    {"/predict", "{\"inputs\":[1],\"model\":nul}", 400, "a value is wanted"},
    {"/predict", "\xef\xbb\xbf{\"inputs\":[1]}", 400, "a JSON object"},
    /* not finite */
    {"/predict", "{\"inputs\":[[1,2,NaN]]}", 400, "inputs[0][2]: 'NaN' is not JSON"},
    {"/predict", "{\"inputs\":[-Infinity]}", 400, "inputs[0]: '-Infinity' is not JSON"},
    {"/predict", "{\"inputs\":[0,1e999]}", 400, "inputs[1]: '1e999' is not finite as float32"},
    {"/predict", "{\"inputs\":[3.5e38]}", 400, "inputs[0]: '3.5e38' is not finite as float32"},
    /* not what is wanted */
    {"/predict", "{}", 400, "inputs is missing"},
    {"/predict", "{\"input\":[1]}", 400, "inputs is missing"},
    {"/predict", "{\"inputs\":5}", 400, "inputs is a number"},
    {"/predict", "{\"inputs\":[]}", 400, "inputs is an empty array"},
    {"/predict", "{\"inputs\":[[1],[]]}", 400, "inputs[1] is an empty array"},
    {"/predict", "{\"inputs\":[1,2,3]}", 400, "inputs has 3 numbers; model 'digits' wants 784"},
    {"/predict", "{\"inputs\":[[1,2,3],[4,5,6]]}", 400,
     "inputs[0] has 3 numbers; model 'digits' wants 784"},
    {"/predict", "{\"inputs\":[[1,2,3],[4,5]]}", 400,
     "inputs[1] has 2 numbers where inputs[0] has 3"},
    {"/predict", "{\"inputs\":[[[1]]]}", 400,
     "inputs[0] has 1 numbers in shape [1,1]; model 'digits' wants 784"},
    {"/predict", "{\"inputs\":[[1],2]}", 400, "inputs[1]: a number where others are arrays"},
    {"/predict", "{\"inputs\":[1,[2]]}", 400, "inputs[1]: an array where others are numbers"},
    {"/predict", "{\"inputs\":[\"1\"]}", 400, "inputs[0]: '\"1\"' is no number"},
    {"/predict", "{\"inputs\":[null]}", 400, "inputs[0]: 'null' is no number"},
    {"/predict", "{\"inputs\":[1],\"model\":\"nope\"}", 404, "there is no model 'nope'"},
    {"/predict", "{\"inputs\":[1],\"model\":\"../../etc\"}", 404, "there is no model"},
    {"/predict", "{\"inputs\":[1],\"version\":\"9\"}", 404, "of version 9"},
    {"/predict", "{\"inputs\":[1],\"model\":7}", 400, "model must be a string"},
    {"/predict", "{\"inputs\":[1],\"topk\":7}", 400,
     "unknown member 'topk'; known here: inputs, model"},
    {"/predict", "{\"inputs\":[1],\"Model\":\"digits\"}", 400, "unknown member 'Model'"},
    {"/predict", "{\"inputs\":[1],\"top_k\":0}", 400, "top_k must be a whole number from 1"},
    {"/predict", "{\"inputs\":[1],\"top_k\":1.5}", 400, "top_k must be a whole number from 1"},
    {"/predict", "{\"inputs\":[1],\"activations\":1}", 400, "activations must be true or false"},
    /* /relu */
    {"/relu", "{}", 400, "input is missing"},
    {"/relu", "{\"input\":[]}", 400, "input is an empty array"},
    {"/relu", "{\"input\":1,\"activation\":\"ReLU\"}", 400, "there is no activation 'ReLU'"},
    {"/relu", "{\"input\":1,\"alpha\":2}", 400,
     "unknown member 'alpha'; known here: input, activation, gradient"},
    {"/relu", "{\"input\":1,\"activation\":\"elu\",\"alpha\":\"x\"}", 400,
     "alpha must be a number"},
    {"/relu", "{\"input\":1,\"activation\":\"elu\",\"alpha\":1e39}", 400, "alpha is not finite"},
    {"/relu", "{\"input\":1,\"activation\":\"gelu\",\"approximate\":\"erf\"}", 400,
     "is not one of none, tanh"},
    {"/relu", "{\"input\":[1,2,3],\"activation\":\"prelu\",\"weight\":[1,2]}", 400,
     "weight has 2 slopes; 1 or 3"},
    {"/relu", "{\"input\":[3e38],\"activation\":\"selu\"}", 200, "\"output\":[3.152103e38]"},
    {"/relu", "{\"input\":[[0,3.4e38]],\"activation\":\"selu\"}", 400,
     "output[0][1] is not finite"},
    {"/relu", "{\"input\":[[1,2],[3]]}", 400, "input[1] has 1 number where input[0] has 2"},
    /* nowhere */
    {"/nothing", "{}", 404, "nothing is at /nothing"},
    {"/predict/../relu", "{}", 404, "nothing is at"},
    {"/%2570redict", "{}", 404, "nothing is at /%2570redict"},
    {"/%70redict", "{}", 400, "inputs is missing"},
};

/* words as they stand in the answer's JSON string, or as they are. */
static void check_error(const struct reply *reply, long code, const char *words, const char *what)
{
    char quoted[1024];
    size_t len = relud_json_string(words, strlen(words), quoted);
    quoted[len - 1] = '\0';
    if (reply->code != code || !(strstr(reply->body, quoted + 1) || strstr(reply->body, words)))
        ck_abort_msg("%.100s: %ld %s; %ld and '%s' are wanted", what, reply->code, reply->body,
                     code, words);
    if (code != 200 && (strncmp(reply->body, "{\"error\":\"", 10) != 0 ||
                        !strstr(reply->headers, "Content-Type: application/json\r\n")))
        ck_abort_msg("%.100s: not a JSON error: %s%s", what, reply->headers, reply->body);
}

START_TEST(each_wrong_body_gets_its_error)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply *reply = server_post(&server, cases[i].path, cases[i].body);
        check_error(reply, cases[i].code, cases[i].words, cases[i].body);
    }
    const struct reply *reply = server_get(&server, "/healthz");
    ck_assert_int_eq(reply->code, 200);
}
END_TEST

START_TEST(depth_is_limited_to_32)
{
    char body[256];
    for (int depth = 31; depth <= 34; depth++) {
        char *at = stpcpy(body, "{\"input\":");
        for (int i = 0; i < depth; i++)
            *at++ = '[';
        *at++ = '1';
        for (int i = 0; i < depth; i++)
            *at++ = ']';
        strcpy(at, "}");
        const struct reply *reply = server_post(&server, "/relu", body);
        ck_assert_int_eq(reply->code, depth <= 32 ? 200 : 400);
        if (depth > 32)
            ck_assert_ptr_nonnull(strstr(reply->body, "nested deeper than 32 levels"));
        else
            ck_assert_uint_eq(count_of(reply->body, "["), (size_t)depth);
    }
    size_t deep = 1000000;
    char *much = malloc(deep + 16);
    memset(much, '[', deep);
    memcpy(much, "{\"x\":", 5);
    const struct reply *reply = server_ask(&server, "/relu", NULL, much, deep, NULL);
    ck_assert_int_eq(reply->code, 400);
    free(much);
}
END_TEST

START_TEST(great_bodies_and_many_rows_are_refused)
{
    size_t len = 17 << 20;
    char *body = malloc(len + 1);
    memset(body, ' ', len);
    body[len] = '\0';
    const struct reply *reply = server_ask(&server, "/predict", NULL, body, len, NULL);
    check_error(reply, 413, "the body has 17825792 bytes; at most 16777216 are taken", "17 MB");
    reply = server_ask(&server, "/predict", NULL, body, len, "Expect: ");
    check_error(reply, 413, "at most 16777216 are taken", "17 MB without Expect");
    reply = server_ask(&server, "/predict", NULL, body, len, "Transfer-Encoding: chunked");
    check_error(reply, 413, "more than 16777216 bytes", "17 MB in chunks");
    int fd = server_connect(&server); /* and who sends more than twice as much, before the end */
    static const char head[] =
        "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n7000000\r\n";
    send_all(fd, head, sizeof head - 1);
    send_all(fd, body, len - (1 << 20));
    send_all(fd, body, len - (1 << 20));
    send_all(fd, body, 1);
    char *answer = receive(fd, 1);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 413 ", 13) == 0, "%s", answer);
    free(answer);
    close(fd);
    memcpy(body, "{\"inputs\":[", 11); /* 16 MB of numbers are taken, without growing for ever */
    len = 16 << 20;
    for (size_t i = 11; i + 2 < len; i += 2)
        memcpy(body + i, "0,", 2);
    memcpy(body + len - 3, "0]}", 3);
    body[len - 4] = ',';
    reply = server_ask(&server, "/predict", NULL, body, len, NULL);
    ck_assert_int_eq(reply->code, 400);
    ck_assert_ptr_nonnull(strstr(reply->body, "numbers; model 'digits' wants 784"));
    char *at = stpcpy(body, "{\"inputs\":[");
    for (int row = 0; row < 101; row++) {
        at = stpcpy(at, row ? ",[0" : "[0");
        for (int k = 1; k < 784; k++)
            at = stpcpy(at, ",0");
        at = stpcpy(at, "]");
    }
    strcpy(at, "]}");
    reply = server_post(&server, "/predict", body);
    check_error(reply, 413, "inputs has 101 rows; at most 100 are taken at once", "101 rows");
    free(body);
}
END_TEST

START_TEST(many_members_are_refused_quickly)
{
    char *body = malloc(1 << 20), *at = stpcpy(body, "{\"inputs\":[1]");
    for (int i = 0; i < 50000; i++)
        at += sprintf(at, ",\"k%d\":%d", i, i);
    strcpy(at, "}");
    const struct reply *reply = server_post(&server, "/predict", body);
    check_error(reply, 413, "more than 256 members", "50,000 members");
    at = stpcpy(body, "{\"inputs\":[1],\"model\":\"");
    memset(at, 'a', 100000);
    strcpy(at + 100000, "\"}");
    reply = server_post(&server, "/predict", body);
    check_error(reply, 413, "take more than", "a long name");
    free(body);
}
END_TEST

START_TEST(verbs_and_types_are_checked)
{
    const struct reply *reply = server_get(&server, "/predict");
    check_error(reply, 405, "/predict wants POST, not GET", "GET /predict");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Allow: POST, OPTIONS\r\n"));
    reply = server_post(&server, "/healthz", "{}");
    check_error(reply, 405, "/healthz wants GET, not POST", "POST /healthz");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Allow: GET, HEAD, OPTIONS\r\n"));
    reply = server_ask(&server, "/relu", "DELETE", NULL, 0, NULL);
    ck_assert_int_eq(reply->code, 405);
    reply = server_ask(&server, "/relu", "TRACE", NULL, 0, NULL);
    ck_assert_int_eq(reply->code, 405);
    reply = server_ask(&server, "/relu", "OPTIONS", NULL, 0, NULL);
    ck_assert_int_eq(reply->code, 204);
    ck_assert_ptr_nonnull(strstr(reply->headers, "Allow: POST, OPTIONS\r\n"));
    reply = server_ask(&server, "/healthz", "HEAD", NULL, 0, NULL);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(reply->len, 0);
    reply = server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, "Content-Type: text/csv");
    (void)
        reply; /* two Content-Type fields: either answer is fair, the next is the one that counts */
    static const char csv[] =
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Type: text/csv\r\nContent-Length: 1\r\n\r\n1";
    char *answer = server_raw(&server, csv, 1);
    ck_assert_ptr_nonnull(strstr(answer, " 415 "));
    free(answer);
    static const char picky[] = "POST /relu HTTP/1.1\r\nHost: x\r\nAccept: "
                                "image/png\r\nContent-Length: 11\r\n\r\n{\"input\":1}";
    answer = server_raw(&server, picky, 1);
    ck_assert_ptr_nonnull(strstr(answer, " 406 "));
    free(answer);
    static const char form[] =
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        "Content-Length: 11\r\n\r\n{\"input\":1}";
    answer = server_raw(&server, form, 1); /* what curl -d says it sends */
    ck_assert_ptr_nonnull(strstr(answer, " 200 "));
    free(answer);
}
END_TEST

/* The server lives through all cases: one for all tests, started before and stopped after. */
RUN_SUITE_WITHIN("errors", start, stop, each_wrong_body_gets_its_error, depth_is_limited_to_32,
                 great_bodies_and_many_rows_are_refused, many_members_are_refused_quickly,
                 verbs_and_types_are_checked)
