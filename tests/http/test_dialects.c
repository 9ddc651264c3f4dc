/* The Open Inference Protocol V2 and TensorFlow Serving's REST API: the same bits in all of them, and what is wrong is
 * said in their form. */
#include "tests/http/server.h"

#include <relud/relud.h>
#include <zlib.h>

#define INFER   "/v2/models/digits/infer"
#define PREDICT "/v1/models/digits:predict"
#define TENSOR  "\"name\":\"pixels\",\"datatype\":\"FP32\""
#define LENGTH  "Inference-Header-Content-Length: "

enum { PIXELS = 784, ROWS = 3, CLASSES = 10, WIDE = 1 << 17 };

static float x[ROWS * PIXELS];
static char text[WIDE];

static void make_rows(void)
{
    unsigned state = 7;
    for (size_t i = 0; i < ROWS * PIXELS; i++) {
        state = state * 1664525 + 1013904223;
        x[i] = state >> 30 ? 0 : (float)(state >> 8 & 0xffff) / 256;
    }
}

/* `rows` rows of the numbers, with this before, between and behind the rows. */
static char *put_rows(char *at, size_t rows, const char *before, const char *between,
                      const char *behind)
{
    for (size_t r = 0; r < rows; r++) {
        at = stpcpy(at, r ? between : before);
        at += relud_floats_to_text(x + r * PIXELS, PIXELS, at);
    }
    return stpcpy(at, behind);
}

static const struct reply *send_text(const struct server *server, const char *path,
                                     const char *begin, const char *before, const char *between,
                                     const char *behind)
{
    put_rows(stpcpy(text, begin), ROWS, before, between, behind);
    return server_post(server, path, text);
}

/* The answer's numbers under `key`: ROWS * CLASSES of them must be `wanted`'s bits. */
static void check_text(const struct reply *reply, const char *key, enum relud_json_form form,
                       const float *wanted)
{
    static float y[WIDE];
    static char rest[WIDE];
    struct relud_error error;
    struct relud_json_array array = {.values = y, .capacity = WIDE, .form = form};
    ck_assert_msg(reply->code == 200, "%ld %.200s", reply->code, reply->body);
    ck_assert_msg(relud_json_read(reply->body, reply->len, key, &array, rest, sizeof rest, &error),
                  "%s", error.text);
    ck_assert_uint_eq(array.count, ROWS * CLASSES);
    ck_assert_mem_eq(y, wanted, sizeof(float[ROWS * CLASSES]));
}

/* A V2 request with bytes behind its JSON. */
static const struct reply *send_bytes(const struct server *server, const char *json,
                                      const void *bytes, size_t len, const char *more)
{
    char length[128];
    size_t json_len = strlen(json);
    memcpy(text, json, json_len);
    memcpy(text + json_len, bytes, len);
    snprintf(length, sizeof length, LENGTH "%zu", json_len);
    return server_ask(server, INFER, NULL, text, json_len + len, more ? more : length);
}

static void check_bytes(const struct reply *reply, const float *wanted)
{
    const char *at = strstr(reply->headers, LENGTH);
    ck_assert_msg(reply->code == 200 && at, "%ld %.200s", reply->code, reply->body);
    size_t json_len = strtoul(at + strlen(LENGTH), NULL, 10);
    ck_assert_uint_ge(reply->len, json_len + sizeof(float[ROWS * CLASSES]));
    ck_assert_mem_eq(reply->body + json_len, wanted, sizeof(float[ROWS * CLASSES]));
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Type: application/octet-stream\r\n"));
}

START_TEST(a_row_has_the_same_bits_in_every_dialect)
{
    static const char binary[] =
        "{\"inputs\":[{" TENSOR ",\"shape\":[3,784],\"parameters\":{\"binary_data_size\":9408}}],"
        "\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"binary_data\":true}}]}";
    static const char doubles[] =
        "{\"inputs\":[{\"name\":\"pixels\",\"datatype\":\"FP64\",\"shape\":[3,784],\"parameters\":"
        "{\"binary_data_size\":18816}}],\"parameters\":{\"binary_data_output\":true},"
        "\"outputs\":[{\"name\":\"logits\"}]}";
    static double wide[ROWS * PIXELS];
    float wanted[ROWS * CLASSES];
    struct server server = server_on_digits();
    make_rows();
    const struct reply *reply =
        server_ask(&server, "/predict", NULL, (char *)x, sizeof x,
                   "Content-Type: application/octet-stream\r\nAccept: application/octet-stream");
    ck_assert_uint_eq(reply->len, sizeof wanted);
    memcpy(wanted, reply->body, sizeof wanted);

#define V2_BEGIN "{\"inputs\":[{" TENSOR ",\"shape\":[3,784],\"data\":["
#define V2_END   "]}],\"outputs\":[{\"name\":\"logits\"}]}"
    static const struct {
        const char *path, *key, *begin, *before, *between, *behind;
        enum relud_json_form form;
    } cases[] = {
        {"/predict", "outputs", "{\"inputs\":[", "[", "],[", "]]}", RELUD_JSON_PLAIN},
        {INFER, "outputs", V2_BEGIN, "[", "],[", "]" V2_END, RELUD_JSON_TENSOR},
        {INFER, "outputs", V2_BEGIN, "", ",", V2_END, RELUD_JSON_TENSOR},
        {INFER, "outputs", V2_BEGIN, "[[", ",", "]]" V2_END, RELUD_JSON_TENSOR},
        {"/v2/models/digits/versions/1/infer", "outputs", V2_BEGIN, "", ",", V2_END,
         RELUD_JSON_TENSOR},
        {PREDICT, "predictions", "{\"instances\":[", "[", "],[", "]]}", RELUD_JSON_PLAIN},
        {PREDICT, "predictions", "{\"instances\":[", "{\"pixels\":[", "]},{\"pixels\":[", "]}]}",
         RELUD_JSON_PLAIN},
        {PREDICT, "outputs", "{\"inputs\":[", "[", "],[", "]]}", RELUD_JSON_PLAIN},
        {"/v1/models/digits/versions/1:predict", "outputs",
         "{\"signature_name\":\"serving_default\",\"inputs\":{\"pixels\":[", "[", "],[", "]]}}",
         RELUD_JSON_PLAIN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        reply = send_text(&server, cases[i].path, cases[i].begin, cases[i].before, cases[i].between,
                          cases[i].behind);
        check_text(reply, cases[i].key, cases[i].form, wanted);
    }
    check_bytes(send_bytes(&server, binary, x, sizeof x, NULL), wanted);
    for (size_t i = 0; i < ROWS * PIXELS; i++)
        wide[i] = x[i];
    check_bytes(send_bytes(&server, doubles, wide, sizeof wide, NULL), wanted);
    reply = server_ask(&server, INFER, NULL, (char *)x, sizeof x, LENGTH "0");
    check_bytes(reply, wanted);
    server_stop(&server);
}
END_TEST

/* `rows` images of the numbers as 28 x 28 (and a channel), between `before` and `behind`. */
static void put_images(const char *before, bool has_channel, const char *behind)
{
    char *at = stpcpy(text, before);
    for (size_t i = 0; i < ROWS * PIXELS; i++) {
        at = stpcpy(at, i % PIXELS == 0 ? (i ? ",[[" : "[[") : i % 28 == 0 ? ",[" : ",");
        at = stpcpy(at, has_channel ? "[" : "");
        at += relud_floats_to_text(x + i, 1, at);
        at = stpcpy(at, has_channel ? "]" : "");
        at = stpcpy(at, i % 28 == 27 ? "]" : "");
        at = stpcpy(at, i % PIXELS == PIXELS - 1 ? "]" : "");
    }
    strcpy(at, behind);
}

START_TEST(P8_images_are_rows_in_every_dialect)
{
    static const struct {
        const char *path, *key, *before, *behind;
    } cases[] = {
        {"/predict", "outputs", "{\"inputs\":[", "]}"},
        {PREDICT, "predictions", "{\"parameters\":{},\"instances\":[", "]}"},
        {PREDICT, "outputs", "{\"inputs\":{\"pixels\":[", "]}}"},
        {"/v1/models/digits/versions/01%3Apredict", "predictions", "{\"instances\":[", "]}"},
        {INFER, "outputs", "{\"inputs\":[{" TENSOR ",\"shape\":[3,28,28],\"data\":[",
         "]}],\"outputs\":[{\"name\":\"logits\"}]}"},
    };
    float wanted[ROWS * CLASSES];
    struct server server = server_on_digits();
    make_rows();
    const struct reply *reply =
        server_ask(&server, "/predict", NULL, (char *)x, sizeof x,
                   "Content-Type: application/octet-stream\r\nAccept: application/octet-stream");
    ck_assert_uint_eq(reply->len, sizeof wanted);
    memcpy(wanted, reply->body, sizeof wanted);
    for (size_t i = 0; i < 2 * (sizeof cases / sizeof *cases); i++) {
        size_t k = i / 2;
        put_images(cases[k].before, i % 2, cases[k].behind);
        check_text(server_post(&server, cases[k].path, text), cases[k].key,
                   strcmp(cases[k].path, INFER) == 0 ? RELUD_JSON_TENSOR : RELUD_JSON_PLAIN,
                   wanted);
    }
    reply = server_post(&server, PREDICT, "{\"instances\":[[[1,2],[3,4]]]}");
    ck_assert_int_eq(reply->code, 400);
    ck_assert_ptr_nonnull(
        strstr(reply->body, "instances[0] has 4 numbers in shape [2,2]; model 'digits' wants 784"));
    server_stop(&server);
}
END_TEST

/* Packs as zlib does with these window bits; returns the length. */
static size_t pack(const void *bytes, size_t len, int bits, char *out, size_t cap)
{
    z_stream stream = {.next_in = (Bytef *)(uintptr_t)bytes,
                       .avail_in = (uInt)len,
                       .next_out = (Bytef *)out,
                       .avail_out = (uInt)cap};
    ck_assert_int_eq(deflateInit2(&stream, 9, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    ck_assert_int_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

START_TEST(packed_bodies_are_unpacked_within_the_limit)
{
    static const char request[] = "{\"input\":[-1,2.5]}";
    struct server server =
        server_start((const char *const[]){DIGITS, "--max-body", "100000", NULL});
    char packed[4096];
    for (int bits = 15; bits <= 31; bits += 16) {
        const char *header = bits == 15 ? "Content-Encoding: deflate" : "Content-Encoding: gzip";
        size_t len = pack(request, strlen(request), bits, packed, sizeof packed);
        const struct reply *reply = server_ask(&server, "/relu", NULL, packed, len, header);
        ck_assert_msg(reply->code == 200, "%ld %s", reply->code, reply->body);
        ck_assert_ptr_nonnull(strstr(reply->body, "[0,2.5]"));
        for (size_t cut = 1; cut < len; cut++)
            ck_assert_int_eq(server_ask(&server, "/relu", NULL, packed, cut, header)->code, 400);
        packed[len] = 'x';
        ck_assert_int_eq(server_ask(&server, "/relu", NULL, packed, len + 1, header)->code, 400);
        ck_assert_int_eq(server_ask(&server, "/relu", NULL, request, strlen(request), header)->code,
                         400);
        char *zeros = calloc(1, 1000000); /* becomes a thousandth */
        len = pack(zeros, 1000000, bits, packed, sizeof packed);
        free(zeros);
        reply = server_ask(&server, "/relu", NULL, packed, len, header);
        ck_assert_msg(reply->code == 413, "%ld %s", reply->code, reply->body);
    }
    ck_assert_int_eq(
        server_ask(&server, "/relu", NULL, request, strlen(request), "Content-Encoding: br")->code,
        415);
    const struct reply *reply =
        server_ask(&server, "/v2/models/digits", NULL, NULL, 0, "Accept-Encoding: gzip");
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Encoding: gzip\r\n"));
    server_stop(&server);
}
END_TEST

START_TEST(wrong_json_requests_get_400_in_the_dialects_form)
{
#define V2(shape, data) "{\"inputs\":[{" TENSOR ",\"shape\":" shape ",\"data\":" data "}]}"
    static const struct {
        const char *path, *body;
        long code;
    } cases[] = {
        {INFER, "", 400},
        {INFER, "{", 400},
        {INFER, "[]", 400},
        {INFER, "{}", 400},
        {INFER, "{\"inputs\":[]}", 400},
        {INFER, "{\"inputs\":[{}]}", 400},
        {INFER, V2("[1,784]", "[1,2]"), 400},
        {INFER, V2("[2]", "[1,2]"), 400},
        {INFER, V2("[0,784]", "[]"), 400},
        {INFER, V2("[-1,784]", "[1]"), 400},
        {INFER, V2("[1.5]", "[1]"), 400},
        {INFER, V2("\"1\"", "[1]"), 400},
        {INFER, V2("[4294967296,4294967296,4294967296]", "[1]"), 400},
        {INFER, V2("[1,1]", "[1,[NaN]]"), 400},
        {INFER, V2("[1,1]", "[1e999]"), 400},
        {INFER, V2("[1,1]", "\"AAAA\""), 400},
        {INFER, "{\"inputs\":[{\"name\":\"y\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}",
         400},
        {INFER,
         "{\"inputs\":[{\"name\":\"pixels\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[1]}]}",
         400},
        {INFER, "{\"inputs\":[{\"name\":\"pixels\",\"shape\":[1],\"data\":[1]}]}", 400},
        {INFER, "{\"inputs\":[{" TENSOR ",\"data\":[1]}]}", 400},
        {INFER, "{\"inputs\":[{" TENSOR ",\"shape\":[1]}]}", 400},
        {INFER,
         "{\"inputs\":[{" TENSOR
         ",\"shape\":[1],\"parameters\":{\"shared_memory_region\":\"r\"}}]}",
         400},
        {INFER, "{\"id\":7,\"inputs\":[{" TENSOR ",\"shape\":[1],\"data\":[1]}]}", 400},
        {INFER,
         "{\"parameters\":{\"triton_x\":1},\"inputs\":[{" TENSOR ",\"shape\":[1],\"data\":[1]}]}",
         400},
        {INFER,
         "{\"outputs\":[{\"name\":\"nope\"}],\"inputs\":[{" TENSOR ",\"shape\":[1],\"data\":[1]}]}",
         400},
        {INFER, "{\"outputs\":{},\"inputs\":[{" TENSOR ",\"shape\":[1],\"data\":[1]}]}", 400},
        {INFER,
         "{\"outputs\":[{\"name\":\"logits\",\"parameters\":{\"classification\":0}}],\"inputs\":["
         "{" TENSOR ",\"shape\":[1],\"data\":[1]}]}",
         400},
        {"/v2/models/nope/infer", "{}", 404},
        {"/v2/models/digits/versions/2/infer", "{}", 404},
        {"/v2/models/digits/versions/x/infer", "{}", 404},
        {PREDICT, "", 400},
        {PREDICT, "{}", 400},
        {PREDICT, "{\"instances\":[]}", 400},
        {PREDICT, "{\"instances\":[[]]}", 400},
        {PREDICT, "{\"instances\":7}", 400},
        {PREDICT, "{\"instances\":[1,2]}", 400},
        {PREDICT, "{\"instances\":[[1,2]]}", 400},
        {PREDICT, "{\"instances\":[{\"y\":[1]}]}", 400},
        {PREDICT, "{\"instances\":[[1]],\"inputs\":[[1]]}", 400},
        {PREDICT, "{\"instances\":[{\"b64\":\"AAAA\"}]}", 400},
        {PREDICT, "{\"inputs\":{\"pixels\":[[1]],\"y\":[[1]]}}", 400},
        {PREDICT, "{\"instances\":[[NaN]]}", 400},
        {PREDICT, "{\"instances\":[[1]],\"signature_name\":\"x\"}", 400},
        {PREDICT, "{\"instances\":[[1]],\"x\":1}", 400},
        {"/v1/models/digits:classify", "{\"instances\":[[1]]}", 400},
        {"/v1/models/digits:regress", "{\"examples\":[[1]]}", 400},
        {"/v1/models/nope:predict", "{}", 404},
        {"/v1/models/digits:explain", "{}", 400},
        {"/v1/models/digits:generate", "{}", 404},
        {"/v1/models/digits/labels/nope:predict", "{}", 404},
    };
    struct server server = server_on_digits();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply *reply = server_post(&server, cases[i].path, cases[i].body);
        ck_assert_msg(reply->code == cases[i].code, "%s %s: %ld %s", cases[i].path, cases[i].body,
                      reply->code, reply->body);
        ck_assert_msg(strncmp(reply->body, "{\"error\":\"", 10) == 0, "%s", reply->body);
        ck_assert_msg(strstr(reply->headers, "Content-Type: application/json\r\n") != NULL, "%s",
                      reply->headers);
    }
    server_stop(&server);
}
END_TEST

START_TEST(wrong_binary_requests_get_400)
{
#define BINARY(size, shape)                                                                        \
    "{\"inputs\":[{" TENSOR ",\"shape\":" shape ",\"parameters\":{\"binary_data_size\":" size "}}" \
    "]}"
    static const struct {
        const char *json;
        size_t bytes;
        const char *length; /* NULL: the right one */
    } cases[] = {
        {BINARY("3136", "[1,784]"), 3135, NULL},
        {BINARY("3136", "[1,784]"), 3137, NULL},
        {BINARY("3136", "[1,784]"), 0, NULL},
        {BINARY("3132", "[1,784]"), 3132, NULL},
        {BINARY("3136", "[2,784]"), 3136, NULL},
        {BINARY("-1", "[1,784]"), 3136, NULL},
        {BINARY("1e300", "[1,784]"), 3136, NULL},
        {BINARY("\"3136\"", "[1,784]"), 3136, NULL},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "-1"},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "99999999"},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "99999999999999999999999"},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "x"},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "1"},
        {BINARY("3136", "[1,784]"), 3136, LENGTH "0"},
        {BINARY("3136", "[1,784]"), 3136, "X-Nothing: 1"},
        {"{\"inputs\":[{" TENSOR ",\"shape\":[1,1],\"data\":[1],\"parameters\":{"
         "\"binary_data_size\":4}}]}",
         4, NULL},
        {"{\"inputs\":[{" TENSOR ",\"shape\":[1,1],\"data\":[1]}]}", 4, NULL},
    };
    struct server server = server_on_digits();
    make_rows();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct reply *reply =
            send_bytes(&server, cases[i].json, x, cases[i].bytes, cases[i].length);
        ck_assert_msg(reply->code == 400, "%zu: %ld %.200s", i, reply->code, reply->body);
        ck_assert_msg(strncmp(reply->body, "{\"error\":\"", 10) == 0, "%s", reply->body);
    }
    x[5] = 1.0f / 0.0f;
    const struct reply *reply = send_bytes(&server, BINARY("3136", "[1,784]"), x, 3136, NULL);
    ck_assert_int_eq(reply->code, 400);
    ck_assert_ptr_nonnull(strstr(reply->body, "pixels[0][5] is not finite"));
    reply = server_get(&server, "/v2/models/digits/stats");
    ck_assert_msg(strstr(reply->body, "\"fail\":{\"count\":18,") != NULL, "%s", reply->body);
    server_stop(&server);
}
END_TEST

RUN_SUITE("dialects", a_row_has_the_same_bits_in_every_dialect, P8_images_are_rows_in_every_dialect,
          packed_bodies_are_unpacked_within_the_limit,
          wrong_json_requests_get_400_in_the_dialects_form, wrong_binary_requests_get_400)
