/* A model of words, numbers, ids of an embedding and a wide input, and one without words beside
 * it. */
#ifndef TESTS_HTTP_INPUTS_H
#define TESTS_HTTP_INPUTS_H

#include "tests/http/folder.h"
#include "tests/http/server.h"

#include <stdarg.h>
#include <sys/stat.h>

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

static inline struct server serve(void)
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

/* Two numbers, ids of five rows, and a number that may be missing: no words. */
static const char ids_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"ids\",\"inputs\":[{\"name\":\"pair\",\"shape\":[2]},"
    "{\"name\":\"item\",\"embedding\":\"item\"},{\"name\":\"more\",\"missing\":7}],"
    "\"layers\":[{\"weight\":\"u\"}]}";
static const char ids_header[] =
    "{\"item\":{\"dtype\":\"F32\",\"shape\":[5,1],\"data_offsets\":[0,20]},"
    "\"u\":{\"dtype\":\"F32\",\"shape\":[1,4],\"data_offsets\":[20,36]}}";

static inline void make_directory(const char *path)
{
    ck_assert_int_eq(mkdir(path, 0700), 0);
}

/* Serves `mixed`, which answers if no model is named, `ids` and `digits`. */
static inline struct server serve_several(void)
{
    static const float numbers[] = {0, 1, 2, 3, 4, /* u */ 1, 10, 100, 1000};
    struct server server = serve();
    char path[160];
    server_stop(&server);
    make_directory(in("%1$s/all"));
    make_directory(in("%1$s/all/mixed"));
    make_directory(in("%1$s/all/ids"));
    ck_assert_int_eq(
        system(in("mv %1$s/model.* %1$s/all/mixed && cp -r deploy/models/digits %1$s/all")), 0);
    snprintf(path, sizeof path, "%s/all/ids", dir);
    write_file(path, "model.json", ids_json, sizeof ids_json - 1);
    write_tensors(path, ids_header, numbers, sizeof numbers);
    snprintf(path, sizeof path, "%s/all", dir);
    return server_start((const char *const[]){path, "--default-model", "mixed", NULL});
}

static inline void stop(struct server *server)
{
    server_stop(server);
    leave();
}

/* ---- bodies ---- */

enum { BODY = 8192 };

struct body {
    char at[BODY];
    size_t len;
};

static inline void add(struct body *body, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    body->len += (size_t)vsnprintf(body->at + body->len, BODY - body->len, format, args);
    va_end(args);
    ck_assert_uint_lt(body->len, BODY);
}

static inline void add_bytes(struct body *body, const void *bytes, size_t len)
{
    ck_assert_uint_lt(body->len + len, BODY);
    memcpy(body->at + body->len, bytes, len);
    body->len += len;
}

/* ---- tables of requests ---- */

struct ask {
    const char *path, *body, *header; /* header NULL: JSON */
    long code;
    const char *words;
};

static inline void check(const struct server *server, const struct ask *cases, size_t count)
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

#endif
