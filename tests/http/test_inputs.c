/* A model of words, numbers, ids of an embedding and a wide input, in every dialect: the same rows
 * have the same bits, and what is wrong is named. */
#include "tests/http/folder.h"
#include "tests/http/server.h"

#include <math.h>
#include <stdarg.h>

#define CSV    "Content-Type: text/csv"
#define FLOATS "Content-Type: application/octet-stream"
#define INFER  "/v2/models/mixed/infer"

/* age 1, city one-hot 3, job 2 of 3 words, item 2 of 5 ids, history 3: 11 numbers to 2. */
static const char model_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"mixed\",\"inputs\":["
    "{\"name\":\"age\",\"missing\":30.5,\"mean\":31,\"std\":7},"
    "{\"name\":\"city\",\"categories\":[\"Rome\",\"Oslo\",\"S\\u00e3o Paulo\"]},"
    "{\"name\":\"job\",\"categories\":[\"nurse\",\"a "
    "\\\"cook\\\"\",\"smith\"],\"embedding\":\"job\","
    "\"unknown\":\"zero\",\"missing\":\"smith\"},"
    "{\"name\":\"item\",\"embedding\":\"item\"},"
    "{\"name\":\"history\",\"shape\":[3]}],"
    "\"layers\":[{\"weight\":\"w\",\"activation\":\"tanh\"},{\"weight\":\"v\"}]}";
static const char header[] =
    "{\"job\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},"
    "\"item\":{\"dtype\":\"F32\",\"shape\":[5,2],\"data_offsets\":[24,64]},"
    "\"w\":{\"dtype\":\"F32\",\"shape\":[4,11],\"data_offsets\":[64,240]},"
    "\"v\":{\"dtype\":\"F32\",\"shape\":[2,4],\"data_offsets\":[240,272]}}";

static struct server serve(void)
{
    float numbers[68];
    unsigned bits = 1;
    for (size_t i = 0; i < 68; i++)
        numbers[i] = (float)((int)((bits = bits * 1664525u + 1013904223u) >> 16) - 32768) / 50000;
    enter();
    write_file(dir, "model.json", model_json, sizeof model_json - 1);
    write_tensors(dir, header, numbers, sizeof numbers);
    return server_start((const char *const[]){dir, "--workers", "1", NULL});
}

static void stop(struct server *server)
{
    server_stop(server);
    leave();
}

/* ---- the same rows in every form ---- */

enum { INPUTS = 5, ROWS = 6, BODY = 8192 };

static const char *const names[INPUTS] = {"age", "city", "job", "item", "history"};
static const size_t widths[INPUTS] = {1, 1, 1, 1, 3};
/* Values as JSON has them, and as CSV does. */
static const char *const rows[ROWS][INPUTS] = {
    {"31", "\"Rome\"", "\"nurse\"", "0", "1,2,3"},
    {"30.5", "\"Oslo\"", "\"smith\"", "4", "0.1,-2,3e2"},
    {"18", "\"S\\u00e3o Paulo\"", "\"pilot\"", "2", "0,0,0"},
    {"null", "\"Oslo\"", "\"a \\\"cook\\\"\"", "1", "-1.5,7,1e-3"},
    {"null", "\"Rome\"", "\"\"", "3", "5,4,3"},
    {"99.25", "\"S\xc3\xa3o Paulo\"", "\"nurse\"", "4", "-0.0,1e10,2"},
};

struct body {
    char at[BODY];
    size_t len;
};

static void add(struct body *body, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    body->len += (size_t)vsnprintf(body->at + body->len, BODY - body->len, format, args);
    va_end(args);
    ck_assert_uint_lt(body->len, BODY);
}

static void add_value(struct body *body, size_t row, size_t input)
{
    add(body, widths[input] > 1 ? "[%s]" : "%s", rows[row][input]);
}

static void add_arrays(struct body *body, size_t first, size_t count)
{
    for (size_t r = first; r < first + count; r++)
        for (size_t i = 0; i < INPUTS; i++)
            add(body, "%s%s%s",
                i           ? ","
                : r > first ? ",["
                            : "[",
                rows[r][i], i + 1 == INPUTS ? "]" : "");
}

/* Backwards in odd rows: the order says nothing. */
static void add_records(struct body *body, size_t first, size_t count)
{
    for (size_t r = first; r < first + count; r++) {
        add(body, r > first ? ",{" : "{");
        for (size_t k = 0; k < INPUTS; k++) {
            size_t i = r % 2 ? INPUTS - 1 - k : k;
            add(body, "%s\"%s\":", k ? "," : "", names[i]);
            add_value(body, r, i);
        }
        add(body, "}");
    }
}

static void add_columns(struct body *body, size_t first, size_t count)
{
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 3) % INPUTS;
        add(body, "%s\"%s\":[", k ? "," : "", names[i]);
        for (size_t r = first; r < first + count; r++) {
            add(body, r > first ? "," : "");
            add_value(body, r, i);
        }
        add(body, "]");
    }
}

static void predict_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    add_arrays(body, first, count);
    add(body, "]}");
}

static void predict_records(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void predict_columns(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":{");
    add_columns(body, first, count);
    add(body, "}}");
}

static void instances(struct body *body, size_t first, size_t count)
{
    add(body, "{\"instances\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void instances_of_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "{\"instances\":[");
    add_arrays(body, first, count);
    add(body, "]}");
}

static void dataframe_records(struct body *body, size_t first, size_t count)
{
    add(body, "{\"dataframe_records\":[");
    add_records(body, first, count);
    add(body, "]}");
}

static void bare_arrays(struct body *body, size_t first, size_t count)
{
    add(body, "[");
    add_arrays(body, first, count);
    add(body, "]");
}

/* V2 with the tensors in another order, some of them nested, and the name behind the data. */
static void tensors(struct body *body, size_t first, size_t count)
{
    add(body, "{\"inputs\":[");
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 2) % INPUTS;
        bool is_words = i == 1 || i == 2;
        add(body, "%s{\"datatype\":\"%s\",\"shape\":[%zu", k ? "," : "",
            is_words ? "BYTES" : "FP64", count);
        add(body, i == 0 ? "],\"data\":[" : ",%zu],\"data\":[", widths[i]);
        for (size_t r = first; r < first + count; r++)
            add(body, i == 2 ? "%s[%s]" : "%s%s", r > first ? "," : "", rows[r][i]);
        add(body, "],\"name\":\"%s\"}", names[i]);
    }
    add(body, "]}");
}

static void add_bytes(struct body *body, const void *bytes, size_t len)
{
    ck_assert_uint_lt(body->len + len, BODY);
    memcpy(body->at + body->len, bytes, len);
    body->len += len;
}

/* The word inside of a JSON string as UTF-8, with its length before it. */
static void add_word(struct body *body, const char *json)
{
    char word[64];
    uint32_t len = 0;
    for (const char *at = json + 1; at[1]; at++) {
        if (memcmp(at, "\\u00e3", 6) == 0) {
            memcpy(word + len, "\xc3\xa3", 2);
            len += 2;
            at += 5;
        } else if (*at != '\\') {
            word[len++] = *at;
        }
    }
    add_bytes(body, &len, sizeof len);
    add_bytes(body, word, len);
}

static size_t header_len;

/* V2 with tensors of bytes; history stays JSON if is_mixed. */
static void add_binary(struct body *body, size_t first, size_t count, bool is_mixed)
{
    struct body behind = {.len = 0};
    add(body, "{\"inputs\":[");
    for (size_t k = 0; k < INPUTS; k++) {
        size_t i = (k + 1) % INPUTS, begin = behind.len;
        bool is_words = i == 1 || i == 2, is_json = is_mixed && i > 2;
        add(body, "%s{\"name\":\"%s\",\"shape\":[%zu,%zu],\"datatype\":\"%s\",", k ? "," : "",
            names[i], count, widths[i],
            is_words ? "BYTES"
            : i == 3 ? "INT64"
                     : "FP32");
        if (is_json)
            add(body, "\"data\":[");
        for (size_t r = first; r < first + count; r++) {
            float numbers[3] = {NAN, 0, 0};
            sscanf(rows[r][i], "%f,%f,%f", &numbers[0], &numbers[1], &numbers[2]);
            int64_t id = (int64_t)numbers[0];
            if (is_json)
                add(body, "%s%s", r > first ? "," : "", rows[r][i]);
            else if (is_words)
                add_word(&behind, rows[r][i]);
            else
                add_bytes(&behind, i == 3 ? (void *)&id : numbers,
                          i == 3 ? sizeof id : widths[i] * sizeof *numbers);
        }
        if (is_json)
            add(body, "]}");
        else
            add(body, "\"parameters\":{\"binary_data_size\":%zu}}", behind.len - begin);
    }
    add(body, "]}");
    header_len = body->len;
    add_bytes(body, behind.at, behind.len);
}

static void binary(struct body *body, size_t first, size_t count)
{
    add_binary(body, first, count, false);
}

static void mixed(struct body *body, size_t first, size_t count)
{
    add_binary(body, first, count, true);
}

struct form {
    const char *path;
    void (*write)(struct body *body, size_t first, size_t count);
    const char *key; /* of the numbers in the answer */
};

static const struct form forms[] = {
    {"/predict", predict_arrays, "\"outputs\":"},
    {"/predict", predict_records, "\"outputs\":"},
    {"/predict", predict_columns, "\"outputs\":"},
    {"/v1/models/mixed:predict", instances, "\"predictions\":"},
    {"/v1/models/mixed:predict", instances_of_arrays, "\"predictions\":"},
    {"/v1/models/mixed:predict", predict_columns, "\"outputs\":"},
    {"/invocations", instances, "\"predictions\":"},
    {"/invocations", predict_records, "\"predictions\":"},
    {"/invocations", predict_columns, "\"predictions\":"},
    {"/invocations", dataframe_records, "\"predictions\":"},
    {"/invocations", bare_arrays, "\"predictions\":"},
    {INFER, tensors, "\"data\":"},
    {INFER, binary, "\"data\":"},
    {INFER, mixed, "\"data\":"},
};

/* The numbers behind the key, one comma between them. */
static void numbers_of(const struct reply *reply, const char *key, char *numbers)
{
    const char *at = strstr(reply->body, key);
    ck_assert_msg(at != NULL, "%s", reply->body);
    for (at += strlen(key); *at && !strchr("\"}", *at); at++)
        if (!strchr("[] \n", *at))
            *numbers++ = *at;
    while (numbers[-1] == ',')
        numbers--;
    *numbers = '\0';
}

static void ask_form(const struct server *server, const struct form *form, size_t first,
                     size_t count, char *numbers)
{
    struct body body = {.len = 0};
    char length[64];
    header_len = 0;
    form->write(&body, first, count);
    snprintf(length, sizeof length, "Inference-Header-Content-Length: %zu", header_len);
    const struct reply *reply =
        server_ask(server, form->path, NULL, body.at, body.len, header_len ? length : NULL);
    ck_assert_msg(reply->code == 200, "%s %s: %ld %s", form->path, body.at, reply->code,
                  reply->body);
    numbers_of(reply, form->key, numbers);
}

START_TEST(rows_have_the_same_bits_in_every_dialect)
{
    struct server server = serve();
    char wanted[1024], all[ROWS][1024], numbers[1024], joined[8192] = "";
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        ask_form(&server, &forms[f], 0, ROWS, numbers);
        if (f == 0)
            strcpy(wanted, numbers);
        ck_assert_msg(strcmp(numbers, wanted) == 0, "form %zu: %s; %s is wanted", f, numbers,
                      wanted);
        for (size_t r = 0; r < ROWS; r++) {
            ask_form(&server, &forms[f], r, 1, numbers);
            if (f == 0)
                strcpy(all[r], numbers);
            ck_assert_msg(strcmp(numbers, all[r]) == 0, "form %zu row %zu: %s; %s is wanted", f, r,
                          numbers, all[r]);
        }
    }
    for (size_t r = 0; r < ROWS; r++)
        sprintf(joined + strlen(joined), "%s%s", r ? "," : "", all[r]);
    ck_assert_str_eq(joined, wanted);
    stop(&server);
}
END_TEST

/* ---- what is right in one way or another, and what is wrong ---- */

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

#define ROW(age, city, job, item, history)                                                         \
    "{\"inputs\":[[31,\"Rome\",\"nurse\",0,1,2,3],[" age "," city "," job "," item "," history "]" \
    "]"                                                                                            \
    "}"
#define RECORD(members)                                                                            \
    "{\"inputs\":[{\"city\":\"Rome\",\"item\":1,\"history\":[1,2,3]" members "}]}"
#define TENSOR(name, type, shape, data)                                                            \
    "{\"name\":\"" name "\",\"datatype\":\"" type "\",\"shape\":" shape ",\"data\":" data "}"
#define AGE     TENSOR("age", "FP32", "[1]", "[31]")
#define CITY    TENSOR("city", "BYTES", "[1]", "[\"Rome\"]")
#define JOB     TENSOR("job", "BYTES", "[1]", "[\"nurse\"]")
#define ITEM    TENSOR("item", "INT32", "[1]", "[1]")
#define HISTORY TENSOR("history", "FP32", "[1,3]", "[1,2,3]")
#define V2(...) "{\"inputs\":[" __VA_ARGS__ "]}"

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

START_TEST(metadata_tells_all_inputs)
{
    static const char *const wanted[][2] = {
        {"/v2/models/mixed", "{\"name\":\"age\",\"datatype\":\"FP32\",\"shape\":[-1,1]},"
                             "{\"name\":\"city\",\"datatype\":\"BYTES\",\"shape\":[-1,1]}"},
        {"/v2/models/mixed", "{\"name\":\"history\",\"datatype\":\"FP32\",\"shape\":[-1,3]}"},
        {"/v2/models/mixed",
         "\"parameters\":{\"columns\":[{\"name\":\"age\",\"missing\":true},{\"name\":\"city\","
         "\"categories\":[\"Rome\",\"Oslo\",\"S\xc3\xa3o "
         "Paulo\"]},{\"name\":\"job\",\"categories\":"
         "[\"nurse\",\"a \\\"cook\\\"\",\"smith\"],\"unknown\":true,\"missing\":true},"
         "{\"name\":\"item\",\"indices\":5},{\"name\":\"history\"}]}"},
        {"/v2/models/mixed/config",
         "{\"name\":\"job\",\"data_type\":\"TYPE_STRING\",\"dims\":[1],\"optional\":true}"},
        {"/v2/models/mixed/config",
         "{\"name\":\"history\",\"data_type\":\"TYPE_FP32\",\"dims\":[3]}"},
        {"/v1/models/mixed/metadata", "\"city\":{\"dtype\":\"DT_STRING\""},
        {"/v1/models/mixed/metadata", "\"item\":{\"dtype\":\"DT_INT64\""},
        {"/openapi.json", "mixed"},
    };
    struct server server = serve();
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct reply *reply = server_get(&server, wanted[i][0]);
        ck_assert_msg(reply->code == 200 && strstr(reply->body, wanted[i][1]), "%s: %ld %s; %s",
                      wanted[i][0], reply->code, reply->body, wanted[i][1]);
    }
    stop(&server);
}
END_TEST

RUN_SUITE("inputs", rows_have_the_same_bits_in_every_dialect, what_is_right_in_other_words_is_taken,
          what_is_wrong_is_named, wrong_bytes_are_named, a_word_of_a_megabyte_is_refused,
          metadata_tells_all_inputs)
