/* Tables and arrays as users have them, through the commands and over HTTP; byte order marks in every file that is read. */
#include "tests/http/folder.h"
#include "tests/http/program.h"
#include "tests/http/server.h"

#define NPY "Content-Type: application/x-npy"
#define JSON_HASH                                                                                  \
    "sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683" /* "key" */

static char output_before[1 << 16];

static void put(const char *name, const char *text)
{
    write_file(dir, name, text, strlen(text));
}

/* Rows whose class follows from which column is the greater one: the columns must not be taken for each other. */
static void put_weather(void)
{
    char text[4096] = "temp,pressure,y\n", *at = text + strlen(text);
    for (int i = 0; i < 60; i++)
        at += sprintf(at, "%d.5,%d,%s\n", i * 7 % 20, i * 11 % 23, i * 7 % 20 > 9 ? "hot" : "cold");
    put("train.csv", text);
    runs(in("train --data %1$s/train.csv --layers 2,4,2 --force --epochs 2 --out %1$s/m"), 0,
         "written");
}

static void says_the_same(const char *command)
{
    runs(command, 0, "\"row\":2");
    ck_assert_msg(strstr(output, output_before) != NULL, "%s:\n%s\nfor\n%s", command, output,
                  output_before);
}

START_TEST(F2_predict_and_inspect_find_columns_by_name)
{
    enter();
    put_weather();
    put("same.csv", "temp,pressure\n1.5,2\n12,3\n4,20\n");
    put("other.csv", "id,pressure,temp,y\na,2,1.5,hot\nb,3,12,cold\nc,20,4,hot\n");
    put("short.csv", "temp,y\n1,cold\n");
    put("case.csv", "temp,Pressure\n1,2\n");
    put("bare.csv", "1.5,2\n12,3\n4,20\n");
    runs(in("predict %1$s/m %1$s/same.csv"), 0, "\"row\":2");
    strcpy(output_before, output);
    ck_assert_ptr_null(strstr(output, "left out"));
    says_the_same(in("predict %1$s/m %1$s/bare.csv"));
    says_the_same(in("predict %1$s/m < %1$s/same.csv"));
    runs(in("predict %1$s/m %1$s/other.csv"), 0,
         "/other.csv: columns left out: 'id', 'y'\n"); /* on stderr */
    says_the_same(in("predict %1$s/m %1$s/other.csv 2>/dev/null"));
    says_the_same(in("predict %1$s/m < %1$s/other.csv 2>/dev/null"));
    runs(in("predict %1$s/m < %1$s/other.csv"), 0, "predict: standard input: columns left out:");
    runs(in("predict %1$s/m %1$s/short.csv"), 1,
         "line 1: there is no column 'pressure' among the 2");
    runs(in("predict %1$s/m %1$s/case.csv"), 1, "did you mean column 2, 'Pressure'?");
    runs(in("inspect %1$s/m --data %1$s/same.csv"), 0, "over 3 rows");
    strcpy(output_before, strstr(output, "over 3 rows"));
    runs(in("inspect %1$s/m --data %1$s/other.csv"), 0, output_before);
    ck_assert_ptr_nonnull(strstr(output, "relud: inspect: "));
    ck_assert_ptr_nonnull(strstr(output, "columns left out: 'id', 'y'\n"));
    runs(in("inspect %1$s/m --data %1$s/short.csv"), 1, "there is no column 'pressure'");
    /* the rows that choose the epoch, in another order */
    put("valid.csv", "y,id,pressure,temp\nhot,1,2,15\ncold,2,4,3\n");
    runs(in("train --data %1$s/train.csv --layers 2,4,2 --force --epochs 1 --out %1$s/n "
            "--validation "
            "%1$s/valid.csv --test %1$s/valid.csv"),
         0, "valid.csv: columns left out: 'id'");
    ck_assert_uint_eq(count_of(output, "columns left out: 'id'"), 2);
    leave();
}
END_TEST

/* Nothing but what can be read is left out, converted models included. */
START_TEST(F2_names_are_kept_by_convert)
{
    enter();
    put_weather();
    put("other.csv", "pressure,temp\n2,1.5\n3,12\n20,4\n");
    runs(in("predict %1$s/m %1$s/other.csv"), 0, "\"row\":2");
    strcpy(output_before, output);
    runs(in("convert %1$s/m %1$s/c"), 0, "");
    says_the_same(in("predict %1$s/c %1$s/other.csv"));
    leave();
}
END_TEST

START_TEST(F3_the_options_say_what_the_first_line_is)
{
    enter();
    put_weather();
    put("mixed.csv", "1,x\n1.5,2\n");
    put("first.csv", ".5,05\n12,3\n4,20\n");
    put("comma.csv", "temp;pressure\n1,5;2\n12;3\n4;20\n");
    runs(in("predict %1$s/m %1$s/mixed.csv"), 1,
         "line 1, column 2: 'x' is no number, but column 1 has '1': --header yes or no says");
    runs(in("predict %1$s/m %1$s/mixed.csv --header no"), 1,
         "line 1, column 2: 'x' is not a number");
    runs(in("predict %1$s/m %1$s/mixed.csv --header yes"), 1, "there is no column 'temp'");
    runs(in("predict %1$s/m %1$s/first.csv"), 0, "\"row\":2");
    runs(in("predict %1$s/m %1$s/first.csv --header perhaps"), 2, "auto|yes|no");
    runs(in("predict %1$s/m %1$s/comma.csv"), 1, "--decimal , reads it");
    runs(in("predict %1$s/m %1$s/comma.csv --decimal ,"), 0, "\"row\":2");
    runs(in("predict %1$s/m %1$s/comma.csv --decimal=, --header=yes"), 0, "\"row\":2");
    runs(in("inspect %1$s/m --data %1$s/comma.csv --decimal ,"), 0, "over 3 rows");
    runs(in("inspect %1$s/m --data %1$s/mixed.csv --header no"), 1, "'x' is not a number");
    put("t.csv", "1;2;a\n1,5;3;b\n-;4;a\n");
    runs(
        in("train --data %1$s/t.csv --layers 2,3,2 --force --epochs 1 --out %1$s/t --missing mean"),
        1, "line 2, column 1: '1,5' is not a number");
    runs(in("train --data %1$s/t.csv --layers 2,3,2 --force --epochs 1 --out %1$s/t --missing mean "
            "--decimal ,"),
         1,
         "line 3, column 1: '-' is not a number (a missing value is an empty cell or NA; train "
         "reads others by --na-values)");
    runs(in("train --data %1$s/t.csv --layers 2,3,2 --force --epochs 1 --out %1$s/t --missing mean "
            "--decimal , --na-values -"),
         0, "written");
    runs(in("inspect %1$s/t"), 0, "--missing mean --na-values - --decimal ,");
    leave();
}
END_TEST

/* ---- byte order marks ---- */

#define MARK "\xef\xbb\xbf"

static void put_marked(const char *name, const char *from)
{
    char *text = read_text(from), *marked = malloc(strlen(text) + 4);
    sprintf(marked, MARK "%s", text);
    put(name, marked);
    free(text), free(marked);
}

START_TEST(F8_files_may_begin_with_a_byte_order_mark)
{
    char model[160], config[160], keys[160];
    enter();
    ck_assert_int_eq(
        system(in("mkdir -p %1$s/digits/1 && cp deploy/models/digits/1/model.safetensors "
                  "%1$s/digits/1")),
        0);
    put_marked("digits/1/model.json", "deploy/models/digits/1/model.json");
    put("digits/versions.json", MARK "{\"policy\":\"all\",\"labels\":{\"stable\":1}}");
    put("config.json", MARK "{\"listen\":\"127.0.0.1:0\",\"workers\":1}");
    put("keys", MARK "app infer " JSON_HASH "\n");
    snprintf(model, sizeof model, "%s/digits", dir);
    snprintf(config, sizeof config, "%s/config.json", dir);
    snprintf(keys, sizeof keys, "%s/keys", dir);
    struct server server =
        server_start((const char *const[]){model, "--config", config, "--api-keys", keys, NULL});
    char *digit = read_text("tests/data/digit-7.json");
    struct reply *reply =
        server_ask(&server, "/v1/models/digits/labels/stable", NULL, NULL, 0, "X-Api-Key: key");
    ck_assert_msg(reply->code == 200, "%ld: %s", reply->code, reply->body);
    reply = server_ask(&server, "/predict", NULL, digit, strlen(digit), "X-Api-Key: key");
    ck_assert_msg(reply->code == 200 && strstr(reply->body, "\"label\":\"7\""), "%s", reply->body);
    free(digit);
    server_stop(&server);
    /* UTF-16 is told, wherever it stands */
    static const char wide[] = "\xff\xfe{\0}\0";
    write_file(dir, "digits/1/model.json", wide, sizeof wide - 1);
    write_file(dir, "config.json", wide, sizeof wide - 1);
    write_file(dir, "keys", wide, sizeof wide - 1);
    runs(in("check %1$s/digits/1"), 1, "a JSON value is wanted at byte 0 (in UTF-8, not UTF-16)");
    runs(in("serve " DIGITS " --config %1$s/config.json"), 2, "(in UTF-8, not UTF-16)");
    runs(in("serve " DIGITS " --api-keys %1$s/keys --listen 127.0.0.1:0"), 1,
         "keys: UTF-16 text (save it as UTF-8)");
    leave();
}
END_TEST

/* RFC 8259 §8.1: what is sent has none; it is refused, and named, on every way in. */
START_TEST(F8_a_body_with_a_byte_order_mark_is_told)
{
    static const struct {
        const char *path, *body;
    } cases[] = {
        {"/predict", "{\"inputs\":[1]}"},
        {"/relu", "{\"input\":[1]}"},
        {"/v1/models/digits:predict", "{\"instances\":[[1,2,3]]}"},
        {"/v1/models/digits:classify", "{\"examples\":[{\"pixels\":[1]}]}"},
        {"/v2/models/digits/infer", "{\"inputs\":[]}"},
    };
    struct server server = server_on_digits();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char body[128];
        snprintf(body, sizeof body, MARK "%s", cases[i].body);
        struct reply *reply = server_post(&server, cases[i].path, body);
        ck_assert_msg(reply->code == 400 && strstr(reply->body, "(not a byte order mark)"),
                      "%s: %ld %s", cases[i].path, reply->code, reply->body);
        memcpy(body, "\xff\xfe", 2);
        reply = server_ask(&server, cases[i].path, NULL, body, 64, NULL);
        ck_assert_msg(reply->code == 400 && strstr(reply->body, "(in UTF-8, not UTF-16)"),
                      "%s: %ld %s", cases[i].path, reply->code, reply->body);
    }
    server_stop(&server);
}
END_TEST

/* ---- arrays over HTTP ---- */

/* {"descr": type, …} and the numbers, of float32 rows in either order of each. */
static size_t make_npy(char *to, const float *rows, size_t count, size_t features, bool is_fortran,
                       bool is_big)
{
    char head[128];
    int len =
        snprintf(head, sizeof head, "{'descr': '%cf4', 'fortran_order': %s, 'shape': (%zu, %zu), }",
                 is_big ? '>' : '<', is_fortran ? "True" : "False", count, features);
    memcpy(to, "\x93NUMPY\1", 8);
    to[8] = (char)len, to[9] = 0;
    memcpy(to + 10, head, (size_t)len);
    char *at = to + 10 + len;
    for (size_t i = 0; i < count * features; i++, at += 4) {
        size_t place = is_fortran ? i % count * features + i / count : i;
        memcpy(at, &rows[place], 4);
        if (is_big)
            for (size_t k = 0; k < 2; k++) {
                char c = at[k];
                at[k] = at[3 - k], at[3 - k] = c;
            }
    }
    return (size_t)(at - to);
}

START_TEST(F9_bodies_in_either_order_have_the_same_answer)
{
    enum { ROWS = 70, FEATURES = 784 };
    static float rows[ROWS * FEATURES];
    static char bytes[sizeof rows + 256];
    for (size_t i = 0; i < ROWS * FEATURES; i++)
        rows[i] = (float)(i * 7919 % 255);
    struct server server = server_on_digits();
    size_t len = make_npy(bytes, rows, ROWS, FEATURES, false, false), wanted_len = 0;
    struct reply *reply = server_ask(&server, "/predict", "POST", bytes, len, NPY);
    ck_assert_int_eq(reply->code, 200);
    char *wanted = malloc(wanted_len = reply->len);
    memcpy(wanted, reply->body, wanted_len);
    for (int i = 1; i < 4; i++) {
        len = make_npy(bytes, rows, ROWS, FEATURES, i & 1, i & 2);
        reply = server_ask(&server, "/predict", "POST", bytes, len, NPY);
        ck_assert_int_eq(reply->code, 200);
        ck_assert_uint_eq(reply->len, wanted_len);
        ck_assert_mem_eq(reply->body, wanted, wanted_len);
    }
    free(wanted);
    static const float six[] = {-1, 2, -3, 4, -5, 6};
    len = make_npy(bytes, six, 2, 3, true, true);
    reply = server_ask(&server, "/relu", "POST", bytes, len, NPY);
    ck_assert_str_eq(reply->body, "{\"activation\":\"relu\",\"output\":[[0,2,0],[4,0,6]]}\n");
    memcpy(strstr(bytes + 10, ">f4"), ">c4", 3);
    reply = server_ask(&server, "/relu", "POST", bytes, len, NPY);
    ck_assert_int_eq(reply->code, 400);
    ck_assert_ptr_nonnull(strstr(reply->body, "npy: elements of type '>c4' are not read\""));
    server_stop(&server);
}
END_TEST

START_TEST(F9_archives_and_arrays_are_rows_for_the_commands)
{
    enter();
    put("t.csv", "a,b,c,y\n1,2,3,0\n4,5,6,1\n");
    runs(in("train --data %1$s/t.csv --layers 3,2,2 --force --epochs 1 --out %1$s/m"), 0,
         "written");
    runs(in("predict %1$s/m tests/data/faults/F9-fortran.npy"), 0, "\"row\":1");
    strcpy(output_before, output);
    runs(in("predict %1$s/m tests/data/faults/F9-stored.npz"), 0, output_before);
    runs(in("predict %1$s/m tests/data/faults/F9-deflated.npz"), 0, output_before);
    runs(in("predict %1$s/m < tests/data/faults/F9-stored.npz"), 0, output_before);
    runs(in("predict %1$s/m tests/data/faults/F9-several.npz"), 1, "x_train, y_train");
    runs(in("inspect %1$s/m --data tests/data/faults/F9-stored.npz"), 0, "over 2 rows");
    runs(in("train --data tests/data/faults/F9-stored.npz --target 1 --layers 2,2,2 --force "
            "--epochs 1 "
            "--out "
            "%1$s/n"),
         0, "written");
    leave();
}
END_TEST

RUN_SUITE("tables", F2_predict_and_inspect_find_columns_by_name, F2_names_are_kept_by_convert,
          F3_the_options_say_what_the_first_line_is, F8_files_may_begin_with_a_byte_order_mark,
          F8_a_body_with_a_byte_order_mark_is_told, F9_bodies_in_either_order_have_the_same_answer,
          F9_archives_and_arrays_are_rows_for_the_commands)
