/* Models of several inputs, of words among them, in each dialect: what is answered, also with each piece of memory refused. */
#include "tests/unit/requests.h"

enum { WIDE = 40 }; /* inputs: more than a worker keeps room for */

#define HEAD(size)                                                                                 \
    "{\"inputs\":[{\"name\":\"c\",\"datatype\":\"BYTES\",\"shape\":[2],\"parameters\":{\"binary_"  \
    "data_size\":" size "}},{\"name\":\"i\",\"datatype\":\"INT32\",\"shape\":[2,1],\"parameters\"" \
    ":{\"binary_data_size\":8}}]}"
#define WORDS  "\4\0\0\0Rome\4\0\0\0Oslo"
#define IDS    "\1\0\0\0\2\0\0\0"
#define ANSWER "[1,0,6,9,0,1,7,9]"
#define ROWS   "[[1,0,6,9],[0,1,7,9]]"
#define INFER  "POST /v2/models/words/infer"
/* A request whose words are these `all` bytes, of which the JSON says `size`. */
#define BINARY(size, all, code, words)                                                             \
    ASK_WITH(INFER, HEAD(size) all IDS, code, words,                                               \
             .len = sizeof HEAD(size) - 1 + sizeof all - 1 + sizeof IDS - 1, .length = "175")

static const struct request_case cases[] = {
    ASK("POST /predict?model=words", "{\"inputs\":[[\"Rome\",1,null],{\"i\":2,\"c\":\"Oslo\"}]}",
        200, ROWS),
    ASK("POST /predict?model=words",
        "{\"inputs\":{\"n\":[null,null],\"i\":[1,2],\"c\":[\"Rome\",\"\\u004fslo\"]}}", 200, ROWS),
    ASK_WITH("POST /predict?model=words", "i,c\n1,Rome\n2,\"Oslo\"\n", 200, ROWS,
             .content_type = "text/csv"),
    ASK_WITH("POST /predict?model=words", "i,c\n1,Rome\n2,\"Oslo\"\n", 200, "1,0,6,9\n0,1,7,9\n",
             .content_type = "text/csv", .accept = "text/csv"),
    ASK("POST /v1/models/words:predict",
        "{\"instances\":[{\"c\":\"Rome\",\"i\":1},{\"c\":\"Oslo\",\"i\":2}]}", 200, ROWS),
    ASK("POST /v1/models/words:predict",
        "{\"inputs\":{\"c\":[\"Rome\",\"Oslo\"],\"i\":[1,2],\"n\":[[9],[9]]}}", 200, ROWS),
    ASK("POST /invocations?model=words",
        "{\"dataframe_split\":{\"columns\":[\"i\",\"c\",\"n\"],\"data\":[[1,\"Rome\",null],[2,"
        "\"Oslo\",9]]}}",
        200, ROWS),
    ASK("POST /invocations?model=words",
        "{\"dataframe_records\":[{\"c\":\"Rome\",\"i\":1},{\"c\":\"Oslo\",\"i\":2}]}", 200, ROWS),
    ASK(INFER,
        "{\"inputs\":[{\"data\":[1,2],\"name\":\"i\",\"datatype\":\"INT64\",\"shape\":[2]},"
        "{\"name\":\"c\",\"datatype\":\"BYTES\",\"shape\":[2,1],\"data\":[[\"Rome\"],[\"Oslo\"]]}]"
        "}",
        200, ANSWER),
    BINARY("16", WORDS, 200, ANSWER),
    BINARY("16", WORDS, 200, ANSWER), /* as the one before: what the worker keeps */
    /* lengths that lie */
    BINARY("16", "\5\0\0\0Rome\4\0\0\0Oslo", 400, "c[0] 'Rome\?' is no category"),
    BINARY("16", "\3\0\0\0Rome\4\0\0\0Oslo", 400, "c[0] 'Rom' is no category; did you mean 'Rome'"),
    BINARY("16", "\4\0\0\0Rome\5\0\0\0Oslo", 400, "c[1] is longer than the input's bytes"),
    BINARY("16", "\4\0\0\0Rome\3\0\0\0Oslo", 400, "c[1] 'Osl' is no category"),
    BINARY("16", "\xff\xff\xff\xffRome\4\0\0\0Oslo", 400, "c[0] is longer than the input's bytes"),
    BINARY("16", "\x0c\0\0\0Rome\4\0\0\0Oslo", 400, "c[0] 'Rome"),
    BINARY(" 8", "\4\0\0\0Rome", 400, "c[1] is missing: the input's bytes end before it"),
    BINARY(" 7", "\4\0\0\0Rom", 400, "input 'c' has 7 bytes; its shape wants 2 words"),
    BINARY("18", WORDS "ab", 400, "input 'c' has 2 bytes behind its 2 words"),
    BINARY("16", "\4\0\0\0Ro\xc3\x28\4\0\0\0Oslo", 400, "c[0] is not UTF-8"),
    /* what is no row of the table of embeddings */
    ASK("POST /predict?model=words", "{\"inputs\":[[\"Rome\",3,1]]}", 400,
        "inputs[0][1] is 3; an index is wanted, a whole number from 0 to 2"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"i\",\"datatype\":\"INT64\",\"shape\":[1],\"data\":[16777217]},"
        "{\"name\":\"c\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"Rome\"]}]}",
        400, "an index is wanted, a whole number from 0 to 2"),
};

static void add_model(const char *name, const char *net)
{
    char path[64];
    struct relud_error error = {0};
    snprintf(path, sizeof path, "%s/1/model.onnx", name);
    requests_put_onnx(requests_dir, path, net);
    ck_assert_msg(repository_load(requests_service.loader.repository, name, NULL, &error), "%s",
                  error.text);
}

static void open_models(void)
{
    char net[4096], inputs[1024] = "";
    size_t len = 0;
    requests_open();
    add_model(
        "words",
        "c:s[N,1]; i:i[N,1]; n:f[N,1]; h=OneHotEncoder@ai.onnx.ml(c) "
        "cats_strings=['Rome','Oslo'] zeros=0; s=i[2]{-1,2}; r=Reshape(h,s); e=f[3,1]{5,6,7}; "
        "g=Gather(e,i); t=i[2]{-1,1}; a=Reshape(g,t); "
        "m=Imputer@ai.onnx.ml(n) imputed_value_floats=[9.0] "
        "replaced_value_float=nan; y=Concat(r,a,m) axis=1");
    for (size_t i = 0; i < WIDE; i++) {
        len += (size_t)snprintf(net + len, sizeof net - len, "a%zu:f[N,1]; ", i);
        snprintf(inputs + strlen(inputs), sizeof inputs - strlen(inputs), "%sa%zu", i ? "," : "",
                 i);
    }
    snprintf(net + len, sizeof net - len, "y=Concat(%s) axis=1", inputs);
    add_model("wide", net);
}

START_TEST(words_and_ids_are_answered_in_each_dialect)
{
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

/* Forty tensors, the last first: some as JSON, some as bytes behind it. */
START_TEST(many_tensors_are_answered)
{
    char body[8192], length[24], wanted[512] = "\"data\":[";
    float numbers[WIDE];
    for (size_t bytes = 0; bytes <= WIDE; bytes += WIDE / 2) {
        size_t len = (size_t)snprintf(body, sizeof body, "{\"inputs\":["),
               at = strlen("\"data\":[");
        for (size_t i = WIDE; i-- > 0;) {
            len += (size_t)snprintf(body + len, sizeof body - len,
                                    "{\"name\":\"a%zu\",\"datatype\":\"FP32\",\"shape\":[1],", i);
            if (i < bytes)
                len +=
                    (size_t)snprintf(body + len, sizeof body - len,
                                     "\"parameters\":{\"binary_data_size\":4}}%s", i ? "," : "]}");
            else
                len += (size_t)snprintf(body + len, sizeof body - len, "\"data\":[%zu]}%s", i,
                                        i ? "," : "]}");
            if (i < bytes)
                numbers[bytes - 1 - i] = (float)i;
        }
        snprintf(length, sizeof length, "%zu", len);
        memcpy(body + len, numbers, bytes * sizeof *numbers);
        for (size_t i = 0; i < WIDE; i++)
            at += (size_t)snprintf(wanted + at, sizeof wanted - at, "%zu%s", i,
                                   i + 1 < WIDE ? "," : "]");
        const struct request_case with[] = {ASK_WITH("POST /v2/models/wide/infer", body, 200,
                                                     wanted, .len = len + bytes * sizeof *numbers,
                                                     .length = bytes ? length : NULL)};
        requests_check(with, 1);
    }
}
END_TEST

RUN_SUITE_BETWEEN("inputs", open_models, requests_close, words_and_ids_are_answered_in_each_dialect,
                  many_tensors_are_answered)
