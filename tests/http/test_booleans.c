/* A table with booleans: what it was learned from, every dialect may ask. */
#include "tests/http/folder.h"
#include "tests/http/program.h"
#include "tests/http/server.h"

/* 200 rows of numbers and booleans, which are written in three ways; `kind` follows `hollow`. */
static void write_shapes(void)
{
    char text[16384] = "width,hollow,ok,old,kind\n";
    uint64_t state = 4;
    for (int i = 0; i < 200; i++) {
        size_t hollow = random_below(&state, 2), ok = random_below(&state, 2);
        size_t old = random_below(&state, 2);
        sprintf(text + strlen(text), "%zu,%s,%s,%s,%s\n", random_below(&state, 10),
                hollow ? "yes" : "No", ok ? "TRUE" : "false", old ? "T" : "F",
                hollow ? "light" : "heavy");
    }
    write_file(dir, "shapes.csv", text, strlen(text));
}

#define LEARN "train --data %1$s/shapes.csv --hidden 8 --epochs 60 --lr 0.01 --out %1$s/m "

START_TEST(what_it_was_trained_on_can_be_predicted)
{
    enter();
    write_shapes();
    runs(in(LEARN), 0, "booleans are read as 1 and 0: 'hollow', 'ok', 'old'\n");
    runs(in("predict %1$s/m %1$s/shapes.csv"), 0, "{\"row\":199,");
    runs(in("evaluate %1$s/m %1$s/shapes.csv"), 0, "accuracy              100.00 %");
    runs(in("inspect %1$s/m --data %1$s/shapes.csv"), 0, "input   hollow: true or false\n");
    static const struct {
        const char *text, *says;
    } wrong[] = {
        {"width,hollow,ok,old\n1,maybe,T,F\n", "line 2, column 2: 'maybe' is not a number"},
        {"width,hollow,ok,old\nT,1,T,F\n",
         "line 2, column 1: 'T' is not a number (write booleans as 1 and 0)"},
        {"[[1,\"maybe\",1,0]]", "'\"maybe\"' is neither true nor false"},
        {"[{\"width\":1,\"hollow\":trve,\"ok\":1,\"old\":0}]", "is neither true nor false"},
        {"[{\"width\":true,\"hollow\":1,\"ok\":1,\"old\":0}]", "'true' is no number"},
        {"[[1,1,1,1],[true,1,1,1]]", "inputs[1][0]: 'true' is no number"},
        {"[true,1,1,1]", "is no number"},
        {"[[1,1,1,[true]]]", "inputs[0][3]"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        write_file(dir, "rows", wrong[i].text, strlen(wrong[i].text));
        runs(in("predict %1$s/m %1$s/rows"), 1, wrong[i].says);
    }
    /* Without names of columns, and scaled by hand. */
    runs(in("predict %1$s/m --header no %1$s/none"), 1, "No such file");
    write_file(dir, "bare.csv", "3,yes,true,T\n4,no,1,0\n", 22);
    runs(in("predict %1$s/m --header no %1$s/bare.csv"), 0, "{\"row\":1,");
    runs(in(LEARN "--overwrite --scale 0.1"), 0, "written");
    runs(in("predict %1$s/m %1$s/shapes.csv"), 1, "(write booleans as 1 and 0)");
    leave();
}
END_TEST

/* The same row, in every form that takes rows by name, and as arrays. */
START_TEST(every_dialect_takes_booleans)
{
    static const struct {
        const char *path, *type, *body;
    } asked[] = {
        {"/predict", NULL, "{\"inputs\":[{\"old\":0,\"hollow\":1,\"width\":6,\"ok\":1}]}"},
        {"/predict", NULL,
         "{\"inputs\":[{\"old\":false,\"hollow\":true,\"width\":6,\"ok\":\"True\"}]}"},
        {"/predict", NULL,
         "{\"inputs\":{\"old\":[\"F\"],\"hollow\":[true],\"ok\":[1],\"width\":[6]}}"},
        {"/predict", NULL, "{\"inputs\":[[6,true,true,\"no\"]]}"},
        {"/predict", "Content-Type: text/csv", "ok,width,old,hollow\nTRUE,6,F,yes\n"},
        {"/v1/models/m:predict", NULL,
         "{\"instances\":[{\"width\":6,\"hollow\":true,\"ok\":\"yes\",\"old\":false}]}"},
        {"/v1/models/m:predict", NULL,
         "{\"inputs\":{\"width\":[6],\"hollow\":[\"T\"],\"ok\":[true],\"old\":[0]}}"},
        {"/v1/models/m:predict", NULL, "{\"instances\":[[6,true,\"T\",false]]}"},
        {"/invocations", "Content-Type: text/csv", "ok,width,old,hollow\nTRUE,6,F,yes\n"},
        {"/invocations", NULL,
         "{\"dataframe_records\":[{\"ok\":true,\"width\":6,\"old\":false,\"hollow\":\"yes\"}]}"},
        {"/invocations", NULL,
         "{\"dataframe_split\":{\"columns\":[\"ok\",\"width\",\"old\",\"hollow\"],"
         "\"data\":[[true,6,\"no\",1]]}}"},
        {"/invocations", NULL, "{\"instances\":[[6,true,true,false]]}"},
        {"/invocations", NULL,
         "{\"inputs\":{\"width\":[6],\"hollow\":[true],\"ok\":[true],\"old\":[\"F\"]}}"},
        {"/v2/models/m/infer", NULL,
         "{\"inputs\":[{\"name\":\"width\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[6]},"
         "{\"name\":\"ok\",\"datatype\":\"BOOL\",\"shape\":[1,1],\"data\":[true]},"
         "{\"name\":\"old\",\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[0]},"
         "{\"name\":\"hollow\",\"datatype\":\"BOOL\",\"shape\":[1,1],\"data\":[1]}]}"},
        {"/v2/models/m/infer", NULL,
         "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,4],"
         "\"data\":[6,1,1,0]}]}"},
    };
    char model[128], first[64] = "";
    enter();
    write_shapes();
    runs(in(LEARN), 0, "written");
    snprintf(model, sizeof model, "%s/m", dir);
    struct server server = server_start((const char *const[]){model, NULL});
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const struct reply *reply = server_ask(&server, asked[i].path, NULL, asked[i].body,
                                               strlen(asked[i].body), asked[i].type);
        ck_assert_msg(reply->code == 200, "%zu: %s", i, reply->body);
        if (i == 0)
            snprintf(first, sizeof first, "%.*s]", (int)strcspn(strstr(reply->body, "[[") + 1, "]"),
                     strstr(reply->body, "[[") + 1);
        /* V2 has the number in a list of its own. */
        ck_assert_msg(strstr(reply->body, first) != NULL, "%zu: %s has no %s", i, reply->body,
                      first);
    }
    const struct reply *reply = server_get(&server, "/v2/models/m");
    ck_assert_ptr_nonnull(strstr(reply->body, "{\"name\":\"hollow\",\"datatype\":\"BOOL\""));
    reply = server_get(&server, "/openapi.json");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"hollow\":true"));
    reply = server_post(&server, "/predict", "{\"inputs\":[[6,true,true,\"x\"]]}");
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "is neither true nor false"), "%s",
                  reply->body);
    server_stop(&server);
    leave();
}
END_TEST

/* The table's column without a name, which tells something, is called by its number. */
/* What is neither 1 nor 0 would be a guess. */
START_TEST(other_numbers_are_no_booleans)
{
    static const struct {
        const char *path, *type, *body, *words;
    } asked[] = {
        {"/predict", NULL, "{\"inputs\":[[6,2,1,0]]}",
         "inputs[0][1] is 2; true or false is wanted"},
        {"/predict", NULL, "{\"inputs\":[{\"old\":0,\"hollow\":0.5,\"width\":6,\"ok\":1}]}",
         "is 0.5; true or false is wanted, or 1 or 0: column \\\"hollow\\\""},
        {"/predict", NULL, "{\"inputs\":{\"old\":[-1],\"hollow\":[0],\"width\":[6],\"ok\":[1]}}",
         "is -1; true or false"},
        {"/predict", "Content-Type: text/csv", "ok,width,old,hollow\n1,6,F,7\n", " 7"},
        {"/v2/models/m/infer", NULL,
         "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[1,4],"
         "\"data\":[6,1,0.5,0]}]}",
         "is 0.5; true or false"},
        {"/v1/models/m:predict", NULL, "{\"instances\":[[6,1e30,true,false]]}", "is 1e30; true or"},
    };
    char model[128];
    enter();
    write_shapes();
    runs(in(LEARN), 0, "written");
    snprintf(model, sizeof model, "%s/m", dir);
    struct server server = server_start((const char *const[]){model, NULL});
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        const struct reply *reply = server_ask(&server, asked[i].path, NULL, asked[i].body,
                                               strlen(asked[i].body), asked[i].type);
        ck_assert_msg(reply->code == 400 && strstr(reply->body, asked[i].words), "%zu: %s", i,
                      reply->body);
    }
    server_stop(&server);
    write_file(dir, "wrong.csv", "ok,width,old,hollow\n1,6,0.5,1\n", 30);
    runs(in("predict %1$s/m %1$s/wrong.csv"), 1, "0.5 is neither 1 nor 0");
    leave();
}
END_TEST

START_TEST(a_column_without_a_name_is_found_again)
{
    char text[8192] = ",x,kind\n";
    enter();
    for (int i = 0; i < 200; i++)
        sprintf(text + strlen(text), "%d.5,%d,%s\n", i * 7 % 31, i % 3,
                i * 7 % 31 > 15 ? "much" : "little");
    write_file(dir, "t.csv", text, strlen(text));
    runs(in("train --data %1$s/t.csv --out %1$s/m"), 0, "written");
    runs(in("train --data %1$s/t.csv --categorical x --out %1$s/w"), 0, "written");
    runs(in("evaluate %1$s/m %1$s/t.csv"), 0, "accuracy");
    runs(in("evaluate %1$s/w %1$s/t.csv"), 0, "accuracy");
    runs(in("predict %1$s/w %1$s/t.csv"), 0, "{\"row\":199,");
    leave();
}
END_TEST

RUN_SUITE("booleans", what_it_was_trained_on_can_be_predicted, every_dialect_takes_booleans,
          other_numbers_are_no_booleans, a_column_without_a_name_is_found_again)
