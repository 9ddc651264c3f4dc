/* Raw float32 and .npy bodies: the same numbers as in JSON, and the same bits back. */
#include "tests/http/server.h"

#include <math.h>
#include <relud/relud.h>

enum { FEATURES = 784, OUTPUTS = 10, ROWS = 32 };
#define FLOATS     "Content-Type: application/octet-stream"
#define NPY        "Content-Type: application/x-npy"
#define FLOATS_OUT "Accept: application/octet-stream"
#define NPY_OUT    "Accept: application/x-npy"

static float pixels[ROWS * FEATURES]; /* of tests/data/digits-32.json */
static float logits[ROWS * OUTPUTS];  /* as the server answers them in JSON */
static char npy_bytes[sizeof pixels + RELUD_NPY_HEAD_MAX];

static void read_json(const char *text, size_t len, const char *key, float *values, size_t count)
{
    struct relud_json_array array = {.values = malloc((len / 2 + 1) * sizeof(float)),
                                     .capacity = len / 2 + 1};
    char rest[65536];
    struct relud_error error;
    ck_assert_msg(relud_json_read(text, len, key, &array, rest, sizeof rest, &error), "%s",
                  error.text);
    ck_assert_uint_eq(array.count, count);
    memcpy(values, array.values, count * sizeof *values);
    free(array.values);
}

static void prepare(const struct server *server)
{
    char *digits = read_text("tests/data/digits-32.json");
    read_json(digits, strlen(digits), "inputs", pixels, ROWS * FEATURES);
    struct reply *reply = server_post(server, "/predict", digits);
    ck_assert_int_eq(reply->code, 200);
    read_json(reply->body, reply->len, "outputs", logits, ROWS * OUTPUTS);
    free(digits);
}

static size_t make_npy(const size_t *shape, size_t rank, const void *numbers, size_t bytes)
{
    size_t head = relud_npy_head(shape, rank, npy_bytes);
    memcpy(npy_bytes + head, numbers, bytes);
    return head + bytes;
}

/* POSTs bytes with two header fields. */
static struct reply *ask(const struct server *server, const char *path, const void *bytes,
                         size_t len, const char *type, const char *accept)
{
    char fields[256];
    snprintf(fields, sizeof fields, "%s%s%s", type, accept ? "\r\n" : "", accept ? accept : "");
    return server_ask(server, path, "POST", bytes, len, fields);
}

START_TEST(binary_rows_give_the_bits_of_json_rows)
{
    struct server server = server_on_digits();
    prepare(&server);
    struct reply *reply = ask(&server, "/predict", pixels, sizeof pixels, FLOATS, FLOATS_OUT);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->headers, "Content-Type: application/octet-stream\r\n"));
    ck_assert_uint_eq(reply->len, sizeof logits);
    ck_assert_mem_eq(reply->body, logits, sizeof logits);
    /* one row; JSON back */
    float row[OUTPUTS];
    reply = ask(&server, "/predict?model=digits&version=1&top_k=2", pixels + 5 * FEATURES,
                FEATURES * sizeof(float), FLOATS, NULL);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(count_of(reply->body, "\"label\""), 2);
    read_json(reply->body, reply->len, "outputs", row, OUTPUTS);
    ck_assert_mem_eq(row, logits + 5 * OUTPUTS, sizeof row);
    /* JSON in, floats out */
    char *digit = read_text("tests/data/digit-7.json");
    reply = ask(&server, "/predict", digit, strlen(digit), "X-Nothing: 1", FLOATS_OUT);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(reply->len, sizeof row);
    free(digit);
    server_stop(&server);
}
END_TEST

START_TEST(npy_goes_in_and_comes_out)
{
    struct server server = server_on_digits();
    prepare(&server);
    size_t len = make_npy((const size_t[]){ROWS, FEATURES}, 2, pixels, sizeof pixels);
    struct reply *reply = ask(&server, "/predict", npy_bytes, len, NPY, NPY_OUT);
    ck_assert_int_eq(reply->code, 200);
    struct relud_npy npy;
    struct relud_error error;
    ck_assert_msg(relud_npy_open(reply->body, reply->len, &npy, &error), "%s", error.text);
    ck_assert_uint_eq(npy.rank, 2);
    ck_assert_uint_eq(npy.shape[0], ROWS);
    ck_assert_uint_eq(npy.shape[1], OUTPUTS);
    ck_assert_mem_eq(npy.elements, logits, sizeof logits);
    /* images as bytes, [rows][28][28] */
    unsigned char images[ROWS * FEATURES];
    for (size_t i = 0; i < sizeof images; i++)
        images[i] = (unsigned char)pixels[i];
    len = make_npy((const size_t[]){ROWS, 28, 28}, 3, images, sizeof images);
    char *type = strstr(npy_bytes + 10, "<f4");
    memcpy(type, "|u1", 3);
    reply = ask(&server, "/predict", npy_bytes, len, NPY, FLOATS_OUT);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_mem_eq(reply->body, logits, sizeof logits);
    /* one flat row, JSON back */
    len = make_npy((const size_t[]){FEATURES}, 1, pixels, FEATURES * sizeof(float));
    reply = ask(&server, "/predict", npy_bytes, len, NPY, NULL);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"predictions\""));
    server_stop(&server);
}
END_TEST

START_TEST(relu_keeps_the_shape)
{
    struct server server = server_on_digits();
    const float x[] = {-1, 0, 2.5f, -0.0f, 3, -4};
    const float relu[] = {0, 0, 2.5f, -0.0f, 3, 0}, leaky[] = {-0.5f, 0, 2.5f, -0.0f, 3, -2};
    struct reply *reply = ask(&server, "/relu", x, sizeof x, FLOATS, FLOATS_OUT);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_mem_eq(reply->body, relu, sizeof relu);
    reply = ask(&server, "/relu?activation=leaky_relu&negative_slope=0.5", x, sizeof x, FLOATS,
                FLOATS_OUT);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_mem_eq(reply->body, leaky, sizeof leaky);
    size_t len = make_npy((const size_t[]){1, 3, 2}, 3, x, sizeof x);
    reply = ask(&server, "/relu", npy_bytes, len, NPY, NULL);
    ck_assert_str_eq(reply->body,
                     "{\"activation\":\"relu\",\"output\":[[[0,0],[2.5,-0.0],[3,0]]]}\n");
    len = make_npy((const size_t[]){6}, 0, x, sizeof *x); /* a single number */
    reply = ask(&server, "/relu", npy_bytes, len, NPY, NPY_OUT);
    struct relud_npy npy;
    ck_assert(relud_npy_open(reply->body, reply->len, &npy, NULL));
    ck_assert_uint_eq(npy.rank, 0);
    server_stop(&server);
}
END_TEST

/* Reads an answer to `times` times all pixels from the connection, and nothing behind it. */
static void check_answer(int fd, size_t times)
{
    static char head[2048], body[sizeof logits];
    size_t len = 0;
    while (len < 4 || memcmp(head + len - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_uint_lt(len, sizeof head - 1);
        ck_assert_int_eq(recv(fd, head + len++, 1, 0), 1);
    }
    head[len] = '\0';
    ck_assert_msg(strncmp(head, "HTTP/1.1 200 ", 13) == 0, "%s", head);
    for (size_t i = 0; i < times; i++) {
        ck_assert_int_eq(recv(fd, body, sizeof body, MSG_WAITALL), sizeof body);
        ck_assert_mem_eq(body, logits, sizeof body);
    }
}

START_TEST(wrong_binary_bodies_are_refused)
{
    static const float bad = NAN;
    struct server server = server_on_digits();
    prepare(&server);
    float odd[2 * FEATURES];
    memcpy(odd, pixels, sizeof odd);
    odd[FEATURES + 3] = bad;
    size_t whole = make_npy((const size_t[]){ROWS, FEATURES}, 2, pixels, sizeof pixels);
    char *unsure = malloc(whole), *huge = malloc(whole);
    memcpy(unsure, npy_bytes, whole);
    memcpy(strstr(unsure + 10, "False"), "Nope ", 5);
    memcpy(huge, npy_bytes, whole);
    memcpy(strstr(huge + 10, "(32, 784)"), "(9e9,9e9)", 9);
    const struct {
        const char *path;
        const void *bytes;
        size_t len;
        const char *type, *accept;
        long code;
        const char *words;
    } cases[] = {
        {"/predict", pixels, 0, FLOATS, NULL, 400, "0 bytes"},
        {"/predict", pixels, 3135, FLOATS, NULL, 400, "3135 bytes; float32"},
        {"/predict", pixels, 3140, FLOATS, NULL, 400,
         "785 float32 numbers; model 'digits' wants rows of 784"},
        {"/predict", odd, sizeof odd, FLOATS, NULL, 400, "inputs[1][3] is not finite"},
        {"/relu", odd, sizeof odd, FLOATS, NULL, 400, "input[787] is not finite"},
        {"/predict?model=nets", pixels, 3136, FLOATS, NULL, 404, "no model 'nets'"},
        {"/predict?models=digits", pixels, 3136, FLOATS, NULL, 400, "models"},
        {"/predict?top_k=1&top_k=2", pixels, 3136, FLOATS, NULL, 400, "stands twice"},
        {"/predict?top_k=%zz", pixels, 3136, FLOATS, NULL, 400, "cannot be decoded"},
        {"/predict?activations=true", pixels, 3136, FLOATS, FLOATS_OUT, 400, "as JSON only"},
        {"/relu?gradient=true", pixels, 3136, FLOATS, NPY_OUT, 400, "as JSON only"},
        {"/predict?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", pixels, 3136, FLOATS, NULL, 400,
         "17 parameters"},
        {"/predict", pixels, 3136, "Content-Type: image/png", NULL, 415, "image/png"},
        {"/predict", pixels, 3136, FLOATS, "Accept: text/html", 406, "text/html"},
        {"/predict", "x", 1, NPY, NULL, 400, "magic"},
        {"/predict", npy_bytes, 60, NPY, NULL, 400, "head is not whole"},
        {"/predict", npy_bytes, whole - 1, NPY, NULL, 400, "100351 bytes of numbers"},
        {"/predict", unsure, whole, NPY, NULL, 400, "of fortran_order"},
        {"/predict", huge, whole, NPY, NULL, 400, "npy:"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct reply *reply = ask(&server, cases[i].path, cases[i].bytes, cases[i].len,
                                  cases[i].type, cases[i].accept);
        ck_assert_msg(reply->code == cases[i].code && strstr(reply->body, cases[i].words),
                      "%zu %s: %ld %s", i, cases[i].path, reply->code, reply->body);
    }
    free(unsure);
    free(huge);
    server_stop(&server);
}
END_TEST

/* Long bodies are read straight to where they stay (stream_read_ahead): in pieces of any size, with the next request right behind, with an
 * error amid them, each answer has its own rows' bits. */
START_TEST(long_bodies_come_in_any_pieces)
{
    enum { TIMES = 12 };
    static const size_t pieces[] = {1, 100, 4000, 33000, 70001, 250000, SIZE_MAX};
    struct server server = server_on_digits();
    prepare(&server);
    size_t head_max = 400, body_len = TIMES * sizeof pixels, len = 0;
    char *bytes = malloc(2 * (head_max + body_len + sizeof pixels));
    for (int again = 0; again < 2; again++) { /* a long one, a short one, and so on */
        for (size_t times = TIMES; times; times = times > 1 ? 1 : 0) {
            len += (size_t)snprintf(bytes + len, head_max,
                                    "POST /predict HTTP/1.1\r\nHost: a\r\n" FLOATS "\r\n" FLOATS_OUT
                                    "\r\nContent-Length: %zu\r\n\r\n",
                                    times * sizeof pixels);
            for (size_t i = 0; i < times; i++, len += sizeof pixels)
                memcpy(bytes + len, pixels, sizeof pixels);
        }
    }
    for (size_t p = 0; p < sizeof pieces / sizeof *pieces; p++) {
        int fd = server_connect(&server);
        for (size_t at = 0, some; at < len; at += some) {
            some = at < 3000 && pieces[p] < 100 ? 1 : pieces[p] < 100 ? 20000 : pieces[p];
            some = len - at < some ? len - at : some;
            send_all(fd, bytes + at, some);
        }
        for (int again = 0; again < 2; again++)
            for (size_t times = TIMES; times; times = times > 1 ? 1 : 0)
                check_answer(fd, times);
        close(fd);
    }
    for (int times = 0; times < 100; times++) { /* some bytes, then all others at once */
        int fd = server_connect(&server);
        send_all(fd, bytes, 4000);
        send_all(fd, bytes + 4000, len - 4000);
        for (int again = 0; again < 2; again++)
            for (size_t rows = TIMES; rows; rows = rows > 1 ? 1 : 0)
                check_answer(fd, rows);
        close(fd);
    }
    free(bytes);
    server_stop(&server);
}
END_TEST

/* The client says its end behind the last byte: the answer comes all the same. */
START_TEST(a_long_body_may_be_the_last_thing_said)
{
    enum { TIMES = 12 };
    struct server server = server_on_digits();
    prepare(&server);
    char head[300];
    int head_len = snprintf(head, sizeof head,
                            "POST /predict HTTP/1.1\r\nHost: a\r\n" FLOATS "\r\n" FLOATS_OUT
                            "\r\nContent-Length: %zu\r\n\r\n",
                            TIMES * sizeof pixels);
    for (int again = 0; again < 40; again++) {
        int fd = server_connect(&server);
        send_all(fd, head, (size_t)head_len);
        for (size_t i = 0; i < TIMES; i++)
            send_all(fd, (const char *)pixels, sizeof pixels);
        ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);
        check_answer(fd, TIMES);
        close(fd);
    }
    server_stop(&server);
}
END_TEST

RUN_SUITE("binary", binary_rows_give_the_bits_of_json_rows, npy_goes_in_and_comes_out,
          relu_keeps_the_shape, long_bodies_come_in_any_pieces,
          a_long_body_may_be_the_last_thing_said, wrong_binary_bodies_are_refused)
