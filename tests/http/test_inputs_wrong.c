/* Words, numbers, ids and a wide input: what is right in one way or another, and what is wrong. */
#include "tests/http/inputs.h"

static const struct ask taken[] = {
    {"/predict", RECORD(""), NULL, 200, "outputs"}, /* age and job are imputed */
    {"/predict", RECORD(",\"age\":null,\"job\":null"), NULL, 200, "outputs"},
    {INFER, V2(CITY "," ITEM "," HISTORY), NULL, 200, "\"shape\":[1,2]"},
    {INFER, V2(CITY "," ITEM "," AGE "," HISTORY "," JOB), NULL, 200, "\"shape\":[1,2]"},
    {INFER, V2(CITY "," ITEM "," TENSOR("history", "FP32", "[3]", "[1,2,3]")), NULL, 200, "[1,2]"},
    {INFER, V2(CITY "," ITEM "," TENSOR("age", "FP32", "[1]", "[null]") "," HISTORY), NULL, 200,
     ""},
    /* an id is read as float32 first, as all numbers are: these are 1 and 4 */
    {"/predict", ROW("31", "\"Rome\"", "\"x\"", "0.99999999999", "1,2,3"), NULL, 200, "outputs"},
    {"/predict", ROW("31", "\"Rome\"", "\"x\"", "4.00000001", "1,2,3"), NULL, 200, "outputs"},
    {"/predict", ROW("31", "\"Rome\"", "\"x\"", "1e0", "1,2,3"), NULL, 200, "outputs"},
    {"/predict", ROW("31", "\"Rome\"", "\"x\"", "-0.0", "1,2,3"), NULL, 200, "outputs"},
    {"/predict", ROW("16777217", "\"Rome\"", "\"x\"", "1", "1,2,3"), NULL, 200, "outputs"},
};

static const struct ask refused[] = {
    /* words */
    {"/predict", ROW("31", "\"Rme\"", "\"nurse\"", "0", "1,2,3"), NULL, 400,
     "inputs[1][1]: 'Rme' is no category; did you mean 'Rome'?"},
    {"/predict", RECORD(",\"age\":\"31\""), NULL, 400, "inputs[0].age: '\\\"31\\\"' is no number"},
    {"/predict", "{\"inputs\":{\"city\":[\"Rome\",\"Berlin\"]}}", NULL, 400,
     "inputs.city[1]: 'Berlin' is no category; the 3 begin with 'Rome'"},
    {"/predict", ROW("31", "0", "\"nurse\"", "0", "1,2,3"), NULL, 400,
     "inputs[1][1]: '0' stands where a word is wanted, as \\\"Rome\\\""},
    {"/predict", ROW("31", "null", "\"nurse\"", "0", "1,2,3"), NULL, 400,
     "'null' stands where a word is wanted"},
    {"/predict", ROW("31", "\"Ro\xff\"", "\"nurse\"", "0", "1,2,3"), NULL, 400, "is not UTF-8"},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "\"0\"", "1,2,3"), NULL, 400,
     "inputs[1][3]: '\\\"0\\\"' is no number"},
    {"/predict", "{\"inputs\":[[31,0,0,0,1,2,3]]}", NULL, 400, "inputs[0][1]"},
    {"/predict", "{\"inputs\":[{\"b64\":\"AAAAAA==\"}]}", NULL, 400, "words are wanted"},
    {"/predict", "................................", FLOATS, 400,
     "model 'mixed' wants words in columns \\\"city\\\", \\\"job\\\", which numbers cannot say; "
     "send JSON or CSV"},
    {"/predict", "x", "Content-Type: application/x-npy", 400, "send JSON or CSV"},
    {"/invocations", "................", FLOATS, 400, "send JSON or CSV"},
    {INFER, "................................", "Inference-Header-Content-Length: 0", 400,
     "send JSON or CSV"},
    /* names */
    {"/predict", RECORD(",\"city\":\"Oslo\""), NULL, 400, "column \\\"city\\\" stands twice"},
    {"/predict", RECORD(",\"town\":\"Oslo\""), NULL, 400, "no column \\\"town\\\""},
    {"/predict", "{\"inputs\":[{\"city\":\"Rome\",\"history\":[1,2,3]}]}", NULL, 400,
     "inputs[0]: column \\\"item\\\" is missing"},
    {"/predict", RECORD(",\"age\":[1,2]"), NULL, 400, "inputs[0].age has more than 1 number"},
    {"/predict", "{\"inputs\":[{\"city\":\"Rome\",\"item\":1,\"history\":[1,2]}]}", NULL, 400,
     "inputs[0].history has 2 numbers; 3 are wanted"},
    {"/predict", "{\"inputs\":{\"city\":[\"Rome\",\"Oslo\"],\"item\":[1]}}", NULL, 400,
     "inputs.item has 1 rows where the first column has 2"},
    {"/predict", "{\"inputs\":[[31,\"Rome\",\"nurse\",0,1,2]]}", NULL, 400, "inputs[0] has 6"},
    {"/invocations",
     "{\"dataframe_split\":{\"data\":[[31]],\"columns\":[\"age\",\"city\",\"job\",\"item\",\"x\"]}"
     "}",
     NULL, 400, "columns must stand before it"},
    /* ids */
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "5", "1,2,3"), NULL, 400,
     "inputs[1][3] is 5; an index is wanted, a whole number from 0 to 4: column \\\"item\\\""},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "3.5", "1,2,3"), NULL, 400,
     "inputs[1][3] is 3.5; an index"},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "-1", "1,2,3"), NULL, 400, "is -1; an index"},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "1e30", "1,2,3"), NULL, 400, "an index"},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "16777217", "1,2,3"), NULL, 400,
     "is 16777216; an index"},
    {"/predict", ROW("31", "\"Rome\"", "\"nurse\"", "null", "1,2,3"), NULL, 400,
     "inputs[1][3] is missing, and the model does not impute it: column \\\"item\\\""},
    {"/v1/models/mixed:predict",
     "{\"instances\":[{\"city\":\"Rome\",\"item\":9,\"history\":[1,2,3]}]}", NULL, 400,
     "instances[0][3] is 9; an index"},
    {"/invocations",
     "{\"dataframe_records\":[{\"city\":\"Rome\",\"item\":-1,\"history\":[1,2,3]}]}", NULL, 400,
     "dataframe_records[0][3] is -1; an index"},
    {INFER, V2(CITY "," HISTORY "," TENSOR("item", "FP32", "[1]", "[7]")), NULL, 400,
     "item[0][0] is 7; an index is wanted, a whole number from 0 to 4"},
    {INFER, V2(CITY "," TENSOR("history", "FP32", "[1,3]", "[1,null,3]") "," ITEM), NULL, 400,
     "history[0][1] is missing"},
    /* tensors */
    {INFER, V2(CITY "," ITEM), NULL, 400,
     "input 'history' is missing; model 'mixed' wants a tensor for each of its 5"},
    {INFER, V2(CITY "," HISTORY "," ITEM "," CITY), NULL, 400, "input 'city' stands twice"},
    {INFER, V2(CITY "," HISTORY "," ITEM "," TENSOR("ctiy", "BYTES", "[1]", "[\"x\"]")), NULL, 400,
     "model 'mixed' has no input 'ctiy'; it has 'age', 'city', 'job', 'item', 'history'; did you "
     "mean 'city'?"},
    {INFER, V2(TENSOR("input", "FP32", "[1,7]", "[1,2,3,4,5,6,7]")), NULL, 400, "no input 'input'"},
    {INFER, V2(TENSOR("city", "FP32", "[1]", "[\"Rome\"]") "," ITEM "," HISTORY), NULL, 400,
     "input 'city' holds words: datatype BYTES is wanted, not FP32"},
    {INFER, V2(TENSOR("city", "FP32", "[1]", "[1]") "," ITEM "," HISTORY), NULL, 400,
     "inputs[0].data[0]: '1' stands where a word is wanted, as \\\"Rome\\\""},
    {INFER, V2(TENSOR("city", "BYTES", "[1]", "[\"Rme\"]") "," ITEM "," HISTORY), NULL, 400,
     "inputs[0].data[0]: 'Rme' is no category; did you mean 'Rome'?"},
    {INFER, V2(TENSOR("item", "BYTES", "[1]", "[1]") "," CITY "," HISTORY), NULL, 400,
     "input 'item' holds numbers: datatype 'BYTES' is not taken; INT64 is"},
    {INFER, V2(CITY "," ITEM "," TENSOR("history", "FP32", "[1,2]", "[1,2]")), NULL, 400,
     "input 'history' has shape [1,2]; model 'mixed' wants [-1,3]"},
    {INFER, V2(CITY "," ITEM "," TENSOR("history", "FP32", "[2,3]", "[1,2,3,4,5,6]")), NULL, 400,
     "input 'history' has 2 rows where 'city' has 1"},
    {INFER, V2(CITY "," ITEM "," TENSOR("history", "FP32", "[1,3]", "[1,2]")), NULL, 400,
     "inputs[2].data has 2 numbers; its shape wants 3"},
    {INFER, V2(CITY "," ITEM "," TENSOR("history", "FP32", "[1,3]", "null")), NULL, 400,
     "inputs[2].data is missing"},
    {INFER, V2(TENSOR("item", "UINT8", "[1]", "[256]")), NULL, 400, "inputs[0].data[0]: '256'"},
};

START_TEST(what_is_right_in_other_words_is_taken)
{
    struct server server = serve();
    check(&server, taken, sizeof taken / sizeof *taken);
    stop(&server);
}
END_TEST

START_TEST(what_is_wrong_is_named)
{
    struct server server = serve();
    check(&server, refused, sizeof refused / sizeof *refused);
    stop(&server);
}
END_TEST

/* ---- tensors of bytes that are wrong ---- */

struct wrong_bytes {
    const char *city, *item; /* descriptions */
    const char *bytes;
    size_t len;
    const char *words;
};

#define IS(type, shape, size)                                                                      \
    "\"datatype\":\"" type "\",\"shape\":" shape ",\"parameters\":{\"binary_data_size\":" size "}"
#define ID "\1\0\0\0"

static const struct wrong_bytes wrong[] = {
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\4\0\0\0Rome" ID, 12, NULL},
    {IS("BYTES", "[1]", "7"), IS("INT32", "[1]", "4"), "\3\0\0\0Rme" ID, 11,
     "city[0] 'Rme' is no category; did you mean 'Rome'?"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\5\0\0\0Rome" ID, 12,
     "city[0] is longer than the input's bytes"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\xff\xff\xff\xffRome" ID, 12,
     "city[0] is longer than the input's bytes"},
    {IS("BYTES", "[1]", "9"), IS("INT32", "[1]", "4"), "\4\0\0\0Rome." ID, 13,
     "input 'city' has 1 bytes behind its 1 words"},
    {IS("BYTES", "[1]", "3"), IS("INT32", "[1]", "4"), "\4\0\0" ID, 7,
     "input 'city' has 3 bytes; its shape wants 1 words"},
    {IS("BYTES", "[1,2]", "8"), IS("INT32", "[1]", "4"), "\4\0\0\0Rome" ID, 12, "has shape [1,2]"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\4\0\0\0R\xffme" ID, 12,
     "city[0] is not UTF-8"},
    {IS("BYTES", "[1]", "4"), IS("INT32", "[1]", "4"), "\0\0\0\0" ID, 8,
     "city[0] '' is no category"},
    {IS("FP32", "[1]", "4"), IS("INT32", "[1]", "4"), "\0\0\0\0" ID, 8,
     "input 'city' holds words: datatype BYTES is wanted, not FP32"},
    {IS("BYTES", "[1]", "8"), IS("BYTES", "[1]", "4"), "\4\0\0\0Rome" ID, 12,
     "input 'item' holds numbers: datatype 'BYTES' is not taken"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\4\0\0\0Rome\5\0\0\0", 12,
     "item[0][0] is 5; an index is wanted, a whole number from 0 to 4"},
    {IS("BYTES", "[1]", "8"), IS("FP32", "[1]", "4"), "\4\0\0\0Rome\0\0\x60\x40", 12,
     "item[0][0] is 3.5; an index"},
    {IS("BYTES", "[1]", "8"), IS("FP32", "[1]", "4"), "\4\0\0\0Rome\0\0\xc0\x7f", 12,
     "item[0][0] is missing"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "5"), "\4\0\0\0Rome" ID "x", 13,
     "input 'item' has 5 bytes; its shape wants 1 numbers of 4"},
    {IS("BYTES", "[1]", "8"), IS("BOOL", "[1]", "1"), "\4\0\0\0Rome\2", 9,
     "item[0] is 2; a BOOL is 0 or 1"},
    {IS("BYTES", "[1]", "8"), IS("INT32", "[1]", "4"), "\4\0\0\0Rome" ID "more", 16,
     "16 bytes stand behind the JSON; 12 belong"},
};

START_TEST(wrong_bytes_are_named)
{
    struct server server = serve();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct body body = {.len = 0};
        char length[64];
        add(&body, V2("{\"name\":\"city\",%s},{\"name\":\"item\",%s}," HISTORY), wrong[i].city,
            wrong[i].item);
        snprintf(length, sizeof length, "Inference-Header-Content-Length: %zu", body.len);
        add_bytes(&body, wrong[i].bytes, wrong[i].len);
        for (int again = 0; again < 2; again++) { /* what was parsed is kept */
            const struct reply *reply = server_ask(&server, INFER, NULL, body.at, body.len, length);
            ck_assert_msg(reply->code == (wrong[i].words ? 400 : 200) &&
                              strstr(reply->body, wrong[i].words ? wrong[i].words : "data"),
                          "%zu: %ld %s; %s is wanted", i, reply->code, reply->body, wrong[i].words);
        }
    }
    stop(&server);
}
END_TEST

/* A word of 1 MB is none of the categories, whichever way it comes. */
START_TEST(a_word_of_a_megabyte_is_refused)
{
    enum { LONG = 1 << 20, MORE = 512 };
    struct server server = serve();
    char *word = malloc(LONG + 1), *body = malloc(LONG + MORE), length[64];
    memset(word, 'x', LONG);
    word[LONG] = '\0';
    int len = sprintf(body, RECORD(",\"job\":\"%s\""), word);
    const struct reply *reply = server_ask(&server, "/predict", NULL, body, (size_t)len, NULL);
    ck_assert_msg(reply->code == 413 || reply->code == 200, "%ld %.200s", reply->code, reply->body);
    static const char *const starts[] = {"job", "city"};
    for (size_t i = 0; i < 2; i++) {
        size_t at = (size_t)sprintf(
            body,
            V2("{\"name\":\"%s\",\"datatype\":\"BYTES\",\"shape\":[1],\"parameters\":"
               "{\"binary_data_size\":%d}},%s," ITEM "," HISTORY),
            starts[i], LONG + 4, i ? JOB : CITY);
        snprintf(length, sizeof length, "Inference-Header-Content-Length: %zu", at);
        uint32_t size = LONG;
        memcpy(body + at, &size, 4);
        memcpy(body + at + 4, word, LONG);
        reply = server_ask(&server, INFER, NULL, body, at + 4 + LONG, length);
        ck_assert_msg(reply->code == (i ? 400 : 200) &&
                          strstr(reply->body, i ? "is no category" : "data"),
                      "%ld %.200s", reply->code, reply->body);
        body[at + 4 + LONG / 2] = '\xff'; /* words of any kind are UTF-8 */
        reply = server_ask(&server, INFER, NULL, body, at + 4 + LONG, length);
        ck_assert_msg(reply->code == 400 && strstr(reply->body, "is not UTF-8"), "%ld %.200s",
                      reply->code, reply->body);
    }
    free(word);
    free(body);
    stop(&server);
}
END_TEST

RUN_SUITE("inputs_wrong", what_is_right_in_other_words_is_taken, what_is_wrong_is_named,
          wrong_bytes_are_named, a_word_of_a_megabyte_is_refused)
