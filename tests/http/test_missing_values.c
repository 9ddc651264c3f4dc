/* Values that are missing: null, an empty cell, a NaN, a column that is left out. Where the net imputes them they are right in every
 * dialect, and give the bits of the value that the net puts in their place. Elsewhere they are errors. */
#include "tests/http/program.h"
#include "tests/http/server.h"
#include "tests/unit/files.h"
#include "tests/unit/onnx_text.h"
#include <math.h>
#include <sys/stat.h>

#define CSV    "Content-Type: text/csv"
#define FLOATS "Content-Type: application/octet-stream"

/* y = a + 10 b + 100 c; a is 7 and c is 9 where they are missing, and b must be there. */
static const char net[] = "x:f[N,3]; i=i[2]{0,2}; p=Gather(x,i) axis=1; e=Equal(p,p); k=f[2]{7,9};"
                          "z=Where(e,p,k); j=i[1]{1}; q=Gather(x,j) axis=1; m=Concat(z,q) axis=1;"
                          "w=f[3,1]{1,100,10}; y=MatMul(m,w)";

static char dir[64];

static void write_text(const char *name, const char *text)
{
    write_file(dir, name, text, strlen(text));
}

static struct server serve(const char *onnx)
{
    static const char json[] =
        "{\"format\":\"relud-model/"
        "1\",\"name\":\"gaps\",\"training\":{\"features\":{\"names\":[\"a\",\"b\",\"c\"],"
        "\"mean\":[0,0,0],\"std\":[1,1,1],\"min\":[0,0,0],\"max\":[9,9,9]}}}";
    snprintf(dir, sizeof dir, "%s", new_directory());
    write_file(dir, "model.json", json, sizeof json - 1);
    struct buffer bytes = onnx_of(onnx, 13);
    write_file(dir, "model.onnx", (const char *)bytes.at, bytes.len);
    free(bytes.at);
    return server_start((const char *const[]){dir, "--workers", "1", NULL});
}

static void stop(struct server *server)
{
    server_stop(server);
    remove_folder(dir);
}

struct ask {
    const char *path, *body, *header; /* header NULL: JSON */
    long code;
    const char *words;
};

static void check(const struct server *server, const struct ask *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct reply *reply = server_ask(server, cases[i].path, NULL, cases[i].body,
                                               strlen(cases[i].body), cases[i].header);
        ck_assert_msg(reply->code == cases[i].code && strstr(reply->body, cases[i].words),
                      "%s %s: %ld %s; %ld and %s are wanted", cases[i].path, cases[i].body,
                      reply->code, reply->body, cases[i].code, cases[i].words);
    }
}

#define V2(data)                                                                                   \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,3],\"data\":[" data "]}]}"

/* Rows [1,2,-] and [-,5,6]: 1 + 20 + 900 and 7 + 50 + 600. */
static const struct ask imputed[] = {
    {"/predict", "{\"inputs\":[[1,2,null],[null,5,6]]}", NULL, 200, "[[921],[657]]"},
    {"/predict", "{\"inputs\":[null,5,6]}", NULL, 200, "[[657]]"},
    {"/predict", "{\"inputs\":[{\"b\":2,\"a\":1},{\"c\":6,\"b\":5,\"a\":null}]}", NULL, 200,
     "[[921],[657]]"},
    {"/predict", "{\"inputs\":{\"c\":[null,6],\"a\":[1,null],\"b\":[2,5]}}", NULL, 200,
     "[[921],[657]]"},
    {"/predict", "a,b,c\n1,2,\nNA,5,6\n", CSV, 200, "[[921],[657]]"},
    {"/predict", "c,b\n3,2\n6,5\n", CSV, 200, "[[327],[657]]"},
    {"/predict", "1,2,\n,5,6\n", CSV, 200, "[[921],[657]]"},
    {"/invocations", "{\"instances\":[[1,2,null],{\"c\":6,\"b\":5}]}", NULL, 200, "[[921],[657]]"},
    {"/invocations", "{\"dataframe_records\":[{\"b\":2,\"a\":1},{\"c\":6,\"b\":5,\"a\":null}]}",
     NULL, 200, "[[921],[657]]"},
    {"/invocations",
     "{\"dataframe_split\":{\"columns\":[\"c\",\"b\",\"a\"],\"data\":[[null,2,1],[6,5,null]]}}",
     NULL, 200, "[[921],[657]]"},
    {"/invocations", "b,c\n2,\n5,6\n", CSV, 200, "[[927],[657]]"},
    {"/v1/models/gaps:predict", "{\"instances\":[[1,2,null],[null,5,6]]}", NULL, 200,
     "[[921],[657]]"},
    {"/v1/models/gaps:predict", "{\"inputs\":{\"b\":[2,5],\"c\":[null,6],\"a\":[1,null]}}", NULL,
     200, "[[921],[657]]"},
    {"/v2/models/gaps/infer", V2("1,2,null,null,5,6"), NULL, 200, "\"data\":[921,657]"},
    {"/v2/models/gaps/infer", V2("[1,2,null],[null,5,6]"), NULL, 200, "\"data\":[921,657]"},
};

static const struct ask refused[] = {
    {"/predict", "{\"inputs\":[[1,null,3]]}", NULL, 400,
     "inputs[0][1] is missing, and the model does not impute it"},
    {"/predict", "{\"inputs\":[{\"a\":1,\"c\":3}]}", NULL, 400, "column \\\"b\\\" is missing"},
    {"/predict", "{\"inputs\":[{\"a\":1,\"b\":null,\"c\":3}]}", NULL, 400, "'null' is no number"},
    {"/predict", "{\"inputs\":[{\"a\":null,\"b\":1,\"a\":3}]}", NULL, 400, "stands twice"},
    {"/predict", "{\"inputs\":[{\"a\":1,\"b\":1,\"d\":3}]}", NULL, 400, "no column \\\"d\\\""},
    {"/predict", "{\"inputs\":[{}]}", NULL, 400, "column \\\"b\\\" is missing"},
    {"/predict", "{\"inputs\":{\"a\":[1,2],\"b\":[1,null]}}", NULL, 400, "'null' is no number"},
    {"/predict", "{\"inputs\":{\"a\":[1,2],\"b\":[1,2]}}", NULL, 400,
     "column \\\"c\\\" is missing"},
    {"/predict", "{\"inputs\":[[1,2,nul]]}", NULL, 400, "no number"},
    {"/predict", "{\"inputs\":[[1,2,NaN]]}", NULL, 400, "is not JSON"},
    {"/predict", "{\"inputs\":[null,[1,2,3]]}", NULL, 400, "inputs[1]"},
    {"/predict", "{\"inputs\":[[1,2,3],null]}", NULL, 400,
     "inputs[1]: null where others are arrays"},
    {"/predict", "{\"inputs\":null}", NULL, 400, "missing"},
    {"/predict", "a,b,c\n1,,3\n", CSV, 400, "missing"},
    {"/predict", "a,c\n1,3\n", CSV, 400, "b"},
    {"/predict", "d,e,f\n1,2,3\n", CSV, 400, "b"},
    {"/invocations",
     "{\"dataframe_split\":{\"columns\":[\"b\",\"a\",\"c\"],\"data\":[[null,2,1]]}}", NULL, 400,
     "[0][1] is missing"},
    {"/v1/models/gaps:predict", "{\"instances\":[[1,null,3]]}", NULL, 400,
     "instances[0][1] is missing"},
    {"/v2/models/gaps/infer", V2("1,2,null,4,null,6"), NULL, 400, "x[1][1] is missing"},
    {"/relu", "{\"input\":[1,null]}", NULL, 400, "'null' is no number"},
};

START_TEST(where_the_net_imputes_a_value_may_be_missing_in_every_dialect)
{
    struct server server = serve(net);
    check(&server, imputed, sizeof imputed / sizeof *imputed);
    check(&server, refused, sizeof refused / sizeof *refused);
    const struct reply *model = server_get(&server, "/v2/models/gaps");
    ck_assert_msg(
        strstr(model->body,
               "\"parameters\":{\"columns\":[{\"name\":\"a\",\"min\":0,\"max\":9,\"missing\":true},"
               "{\"name\":\"b\",\"min\":0,\"max\":9},{\"name\":\"c\""),
        "%s", model->body);
    float rows[] = {1, 2, NAN, -NAN, 5, 6};
    const struct reply *reply =
        server_ask(&server, "/predict", NULL, (const char *)rows, sizeof rows, FLOATS);
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "[[921],[657]]"), "%s", reply->body);
    rows[4] = NAN;
    reply = server_ask(&server, "/predict", NULL, (const char *)rows, sizeof rows, FLOATS);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "inputs[1][1] is missing"), "%s",
                  reply->body);
    rows[4] = 5;
    rows[2] = INFINITY;
    reply = server_ask(&server, "/predict", NULL, (const char *)rows, sizeof rows, FLOATS);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "inputs[0][2] is not finite"), "%s",
                  reply->body);
    stop(&server);
}
END_TEST

/* The features are read at another place as well, so that a NaN would reach the answer. */
START_TEST(a_net_that_reads_the_value_elsewhere_does_not_impute_it)
{
    static const char *const nets[] = {
        "x:f[N,3]; e=Equal(x,x); k=f[3]{7,8,9}; z=Where(e,x,k); s=Add(z,x); w=f[3,1]{1,10,100}; "
        "y=MatMul(s,w)",
        "x:f[N,3]; e=Equal(x,x); k=f[3]{7,8,9}; z=Where(e,k,x); w=f[3,1]{1,10,100}; y=MatMul(z,w)",
        "x:f[N,3]; w=f[3,1]{1,10,100}; y=MatMul(x,w)",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        struct server server = serve(nets[i]);
        ck_assert_int_eq(server_post(&server, "/predict", "{\"inputs\":[1,2,null]}")->code, 400);
        ck_assert_int_eq(server_post(&server, "/predict", "{\"inputs\":[{\"a\":1,\"b\":2}]}")->code,
                         400);
        stop(&server);
    }
}
END_TEST

/* Not(x == x), and where with the operands the other way round, is what exporters make of isnan. */
START_TEST(isnan_and_where_impute)
{
    struct server server = serve("x:f[N,3]; e=Equal(x,x); n=Not(e); k=f[3]{7,8,9}; z=Where(n,k,x);"
                                 "w=f[3,1]{1,10,100}; y=MatMul(z,w)");
    const struct reply *reply = server_post(&server, "/predict", "{\"inputs\":[{}]}");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "[[987]]"), "%s", reply->body);
    reply = server_post(&server, "/predict", "{\"inputs\":[[null,2,3]]}");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "[[327]]"), "%s", reply->body);
    stop(&server);
}
END_TEST

/* A long body is read a piece a turn, and some of its columns are not there at all. */
START_TEST(long_tables_with_gaps_are_read_in_pieces)
{
    enum { ROWS = 60000 };
    static char body[ROWS * 24];
    struct server server = serve(net);
    for (int form = 0; form < 2; form++) {
        char *at = stpcpy(body, "{\"inputs\":[");
        for (int i = 0; i < ROWS; i++) {
            at = stpcpy(at, i ? "," : "");
            at += form == 0 ? sprintf(at, "[null,%d,6]", i % 10)
                            : sprintf(at, "{\"b\":%d,\"c\":6}", i % 10);
        }
        stpcpy(at, "]}");
        const struct reply *reply =
            server_ask(&server, "/predict", NULL, body, strlen(body), "Accept: text/csv");
        ck_assert_msg(reply->code == 200, "%.200s", reply->body);
        const char *line = reply->body;
        for (int i = 0; i < ROWS; i++) {
            char *end;
            ck_assert_int_eq(strtol(line, &end, 10), 7 + 10 * (i % 10) + 600);
            line = end + 1;
        }
    }
    stop(&server);
}
END_TEST

START_TEST(predict_reads_tables_with_gaps)
{
    char words[512];
    struct server server = serve(net);
    write_text("rows.csv", "a,b,c\n1,2,\n,5,6\n");
    snprintf(words, sizeof words, "predict %s %s/rows.csv --format csv", dir, dir);
    runs(words, 0, "921\n657\n");
    write_text("rows.csv", "a,b,c\n1,,3\n");
    runs(words, 1, "missing");
    snprintf(words, sizeof words, "inspect %s", dir);
    runs(words, 0, "may be missing: features 0, 2\n");
    stop(&server);
}
END_TEST

/* A net trained on a table with gaps, filled by the means of its columns, serves such tables by the same means. */
START_TEST(what_was_filled_in_training_is_imputed_in_serving)
{
    enum { ROWS = 40 };
    static char table[ROWS * 32];
    char words[512], first[sizeof output];
    snprintf(dir, sizeof dir, "%s", new_directory());
    char *at = stpcpy(table, "a,b,y\n");
    for (int i = 0; i < ROWS; i++)
        at += i % 4 ? sprintf(at, "%d,%d,%d\n", i, i % 7, 2 * i)
                    : sprintf(at, ",%d,%d\n", i % 7, 2 * i);
    write_text("table.csv", table);
    snprintf(words, sizeof words,
             "train --data %s/table.csv --target y --layers 2,4,1 --force --missing mean --epochs "
             "3 --out "
             "%s/net",
             dir, dir);
    runs(words, 0, "");
    snprintf(words, sizeof words, "inspect %s/net", dir);
    runs(words, 0, "may be missing: features 0-1\n");
    /* 20 is the mean of a's thirty numbers. */
    write_text("gaps.csv", "b,a\n3,\n5,7\n");
    write_text("whole.csv", "a,b\n20,3\n7,5\n");
    snprintf(words, sizeof words, "predict %s/net %s/gaps.csv --format csv", dir, dir);
    runs(words, 0, "");
    memcpy(first, output, sizeof output);
    snprintf(words, sizeof words, "predict %s/net %s/whole.csv --format csv", dir, dir);
    runs(words, 0, "");
    ck_assert_str_eq(first, output);
    remove_folder(dir);
}
END_TEST

/* model.json says it as well: an ONNX file that imputes is converted, with the same bits. */
START_TEST(convert_keeps_what_is_imputed)
{
    char words[512], first[sizeof output];
    static const char *const nets[] = {
        "x:f[N,3]; e=Equal(x,x); k=f[3]{7,8,9}; z=Where(e,x,k); w=f[3,1]{1,10,100}; y=MatMul(z,w)",
        "x:f[N,3]; e=Equal(x,x); k=f[3]{7,8,9}; z=Where(e,x,k); m=f[3]{1,2,3}; d=f[3]{2,3,4}; "
        "c=Sub(z,m); s=Div(c,d);"
        "w=f[3,1]{1,10,100}; y=MatMul(s,w)",
        "x:f[N,3]; e=Equal(x,x); k=f[1]{7}; z=Where(e,x,k); t=f[1]{0.5}; s=Mul(z,t); "
        "w=f[3,1]{1,10,100}; y=MatMul(s,w)",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        snprintf(dir, sizeof dir, "%s", new_directory());
        struct buffer bytes = onnx_of(nets[i], 13);
        write_file(dir, "net.onnx", (const char *)bytes.at, bytes.len);
        free(bytes.at);
        write_text("rows.csv", "1,2,\n,5,6\n,,\n1.5,2.5,3.5\n");
        snprintf(words, sizeof words, "convert %s/net.onnx %s/net", dir, dir);
        runs(words, 0, "written");
        snprintf(words, sizeof words, "predict %s/net.onnx %s/rows.csv --format csv", dir, dir);
        runs(words, 0, "");
        memcpy(first, output, sizeof output);
        snprintf(words, sizeof words, "predict %s/net %s/rows.csv --format csv", dir, dir);
        runs(words, 0, "");
        ck_assert_str_eq(first, output);
        snprintf(words, sizeof words, "inspect %s/net", dir);
        runs(words, 0, "may be missing: features 0-2\n");
        remove_folder(dir);
    }
}
END_TEST

RUN_SUITE("missing_values", what_was_filled_in_training_is_imputed_in_serving,
          convert_keeps_what_is_imputed,
          where_the_net_imputes_a_value_may_be_missing_in_every_dialect,
          a_net_that_reads_the_value_elsewhere_does_not_impute_it, isnan_and_where_impute,
          long_tables_with_gaps_are_read_in_pieces, predict_reads_tables_with_gaps)
