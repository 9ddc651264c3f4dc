/* Requests and answers that take long, and what they may do to others. */
#include "tests/http/certificates.h"
#include "tests/http/server.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum { CRAFTED_BYTES = 15 << 20 };

/* Floats whose bytes say "HTTP/1.1 " again and again, at every offset. */
static char *crafted_floats(void)
{
    static const char words[] = "HTTP/1.1 ";
    char *bytes = malloc(CRAFTED_BYTES);
    for (size_t i = 0; i < CRAFTED_BYTES; i++)
        bytes[i] = words[i % (sizeof words - 1)];
    return bytes;
}

static char *crafted_request(size_t *len)
{
    char head[256], *floats = crafted_floats();
    *len = (size_t)snprintf(head, sizeof head,
                            "POST /relu?activation=identity HTTP/1.1\r\nHost: x\r\nAccept: "
                            "application/octet-stream\r\nContent-Type: "
                            "application/octet-stream\r\nContent-Length: %d\r\nConnection: "
                            "close\r\n\r\n",
                            CRAFTED_BYTES);
    char *request = malloc(*len + CRAFTED_BYTES);
    memcpy(request, head, *len);
    memcpy(request + *len, floats, CRAFTED_BYTES);
    *len += CRAFTED_BYTES;
    free(floats);
    return request;
}

/* The answer's end must be what was sent. */
static void check_crafted(const char *answer, size_t len)
{
    char *floats = crafted_floats();
    ck_assert_msg(len > CRAFTED_BYTES && memcmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0,
                  "%zu: %.60s", len, answer);
    ck_assert(memcmp(answer + len - CRAFTED_BYTES, floats, CRAFTED_BYTES) == 0);
    free(floats);
}

/* A reader whose window is small, and who takes odd amounts: sends end anywhere. */
START_TEST(A3_an_answer_that_looks_like_a_page_reaches_a_slow_reader)
{
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    size_t len;
    char *request = crafted_request(&len), *answer = malloc(CRAFTED_BYTES + 4096);
    for (size_t turn = 0; turn < 8; turn++) { /* where its sends end is the kernel's choice */
        size_t got = 0;
        int small = 20000, fd = server_connect(&server);
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
        send_all(fd, request, len);
        for (ssize_t some = 1; some > 0; got += some > 0 ? (size_t)some : 0)
            some = recv(fd, answer + got, got % 3 ? 7001 : 4099, 0);
        check_crafted(answer, got);
        close(fd);
    }
    free(request);
    free(answer);
    server_stop(&server);
}
END_TEST

START_TEST(A3_so_it_does_over_tls)
{
    char dir[64], cert[96], key[96];
    struct certificate own = certificate_new("first", NULL);
    strcpy(dir, new_directory());
    certificate_write(&own, dir);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    struct server server =
        server_start((const char *const[]){DIGITS, "--tls-cert", cert, "--tls-key", key, NULL});
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    size_t len, got = 0;
    char *request = crafted_request(&len), *answer = malloc(CRAFTED_BYTES + 4096);
    int small = 20000;
    setsockopt(client.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (size_t sent = 0; sent < len;) {
        ssize_t some = gnutls_record_send(client.session, request + sent, len - sent);
        ck_assert_int_gt(some, 0);
        sent += (size_t)some;
    }
    for (ssize_t some = 1; some > 0 || some == GNUTLS_E_AGAIN; got += some > 0 ? (size_t)some : 0)
        some = gnutls_record_recv(client.session, answer + got, 5003);
    check_crafted(answer, got);
    tls_disconnect(&client);
    server_stop(&server);
    certificate_free(&own);
    certificates_remove(dir);
    free(request);
    free(answer);
}
END_TEST

START_TEST(A3_pages_and_answers_take_turns_on_a_connection)
{
    struct server server = server_on_digits();
    static const char ask[] =
        "POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nContent-Length: 31\r\n\r\n"
        "{\"id\":\"HTTP/1.1 400 Bad\",\"i\":1}"
        "GET /%48TTP/1.1%20 HTTP/1.1\r\nHost: x\r\n\r\n"
        "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 \r\n";
    char *answer = server_raw(&server, ask, 0);
    ck_assert_uint_eq(count_of(answer, "X-Request-Id: "), 2); /* ours */
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 400 Bad Request\r\n"), 2);
    ck_assert_uint_eq(count_of(answer, "HTTP/1.1 404 Not Found\r\n"), 1);
    ck_assert_uint_eq(count_of(answer, "<html>"), 0);
    ck_assert_ptr_nonnull(strstr(answer, "{\"error\":\"the request is malformed\"}\n"));
    free(answer);
    server_stop(&server);
}
END_TEST

/* ---- whoever asks for little, beside whatever takes long ---- */

enum { CLASSES = 5000, BYTES_NPY = (1700 * 1024) };

/* A net of 2 features and 5000 classes in a directory of its own; static. */
static const char *wide_model(void)
{
    static char dir[64];
    static const char json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"wide\",\"input\":{\"features\":2},"
        "\"layers\":[{\"weight\":\"w\"}],\"output\":{\"task\":\"classification\"}}";
    static float weight[CLASSES * 2];
    char head[128];
    for (size_t i = 0; i < CLASSES; i++)
        weight[2 * i] = (float)(i * 7919 % CLASSES) / CLASSES;
    snprintf(head, sizeof head,
             "{\"w\":{\"dtype\":\"F32\",\"shape\":[%d,2],\"data_offsets\":[0,%zu]}}", CLASSES,
             sizeof weight);
    strcpy(dir, new_directory());
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, head, weight, sizeof weight);
    return dir;
}

static char *rows_body(size_t rows, const char *more)
{
    char *body = malloc(16 * rows + 128);
    size_t len = (size_t)sprintf(body, "{\"model\":\"wide\"%s,\"inputs\":[", more);
    for (size_t i = 0; i < rows; i++)
        len += (size_t)sprintf(body + len, i ? ",[%zu,1]" : "[%zu,1]", i % 9);
    strcpy(body + len, "]}");
    return body;
}

/* A .npy of that many bytes, each a number. */
static char *npy_of_bytes(size_t count, size_t *len)
{
    char *npy = malloc(count + 128);
    int head =
        sprintf(npy + 10, "{'descr': '|u1', 'fortran_order': False, 'shape': (%zu,), }", count);
    memcpy(npy, "\x93NUMPY\x01", 8);
    npy[8] = (char)head;
    npy[9] = 0;
    for (size_t i = 0; i < count; i++)
        npy[10 + (size_t)head + i] = (char)(i % 251);
    *len = 10 + (size_t)head + count;
    return npy;
}

/* Asks for /healthz again and again until it is told to stop. */
struct prober {
    const struct server *server;
    _Atomic bool is_stopping;
    _Atomic size_t answers;
};

static void *probe(void *at)
{
    struct prober *prober = at;
    static const char ask[] = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    int fd = server_connect(prober->server);
    while (!prober->is_stopping) {
        send_all(fd, ask, sizeof ask - 1);
        char *answer = receive(fd, 1);
        prober->answers += count_of(answer, "HTTP/1.1 200 ");
        free(answer);
    }
    close(fd);
    return NULL;
}

/* How many probes a request's work lets through does not depend on the machine: as much as it slows the one, it slows the other. What
 * else runs there may take the probes' share for a moment, so a case is asked again; work in one piece lets through one or two, each time. */
START_TEST(A2_who_asks_for_little_is_served_beside_whatever_takes_long)
{
    enum { ANSWERS_MIN = 12, TRIES = 3 };
    char *many = rows_body(160, ",\"top_k\":5000"), *outputs = rows_body(800, "");
    size_t npy_len;
    char *npy = npy_of_bytes(BYTES_NPY, &npy_len);
    const struct {
        const char *path, *body, *header;
        size_t len;
    } cases[] = {
        {"/predict", many, NULL, strlen(many)},
        {"/predict", outputs, "Accept-Encoding: gzip", strlen(outputs)},
        {"/relu?activation=mish", npy,
         "Content-Type: application/x-npy\r\nAccept: application/json", npy_len},
        {"/relu?activation=softmax", npy,
         "Content-Type: application/x-npy\r\nAccept: application/json\r\nAccept-Encoding: gzip",
         npy_len},
    };
    const char *dir = wide_model();
    struct server server = server_start((const char *const[]){DIGITS, dir, "--workers", "1", NULL});
    struct prober prober = {.server = &server};
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, probe, &prober), 0);
    while (prober.answers == 0)
        sched_yield();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t answers = 0;
        for (int tries = 0; tries < TRIES && answers < ANSWERS_MIN; tries++) {
            size_t before = prober.answers;
            const struct reply *reply = server_ask(&server, cases[i].path, NULL, cases[i].body,
                                                   cases[i].len, cases[i].header);
            answers = prober.answers - before;
            ck_assert_msg(reply->code == 200, "%zu: %ld %.200s", i, reply->code, reply->body);
        }
        ck_assert_msg(answers >= ANSWERS_MIN, "%s %zu: only %zu probes were answered meanwhile",
                      cases[i].path, i, answers);
    }
    prober.is_stopping = true;
    pthread_join(thread, NULL);
    server_stop(&server);
    remove_directory(dir);
    free(many);
    free(outputs);
    free(npy);
}
END_TEST

START_TEST(A2_the_bound_on_an_answer_counts_all_of_it)
{
    static const struct {
        const char *path, *format;
        size_t rows;
        long code;
    } cases[] = {
        {"/predict", "{\"model\":\"wide\",\"top_k\":5000,\"inputs\":[%s]}", 800, 413},
        {"/predict", "{\"model\":\"wide\",\"top_k\":5000,\"inputs\":[%s]}", 20, 200},
        {"/predict", "{\"model\":\"wide\",\"top_k\":1,\"inputs\":[%s]}", 600, 200},
        {"/predict", "{\"model\":\"wide\",\"activations\":true,\"inputs\":[%s]}", 600, 413},
        {"/v1/models/wide:classify", "{\"examples\":[%s]}", 800, 413},
        {"/v2/models/wide/infer",
         "{\"inputs\":[{\"name\":\"input\",\"datatype\":\"FP32\",\"shape\":[800,2],\"data\":[%s]}],"
         "\"outputs\":[{\"name\":\"output\",\"parameters\":{\"classification\":5000}}]}",
         800, 413},
    };
    const char *dir = wide_model();
    struct server server = server_start((const char *const[]){DIGITS, dir, "--workers", "1", NULL});
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char rows[16 * 1024] = "", *body;
        bool is_named = strstr(cases[i].path, "classify");
        for (size_t r = 0, len = 0; r < cases[i].rows; r++)
            len += (size_t)sprintf(rows + len, "%s%s", r ? "," : "",
                                   is_named ? "{\"input\":[1,2]}" : "[1,2]");
        ck_assert_int_gt(asprintf(&body, cases[i].format, rows), 0);
        const struct reply *reply = server_post(&server, cases[i].path, body);
        ck_assert_msg(reply->code == cases[i].code, "%zu: %ld %.300s", i, reply->code, reply->body);
        ck_assert(reply->code != 413 || strstr(reply->body, "the answer"));
        free(body);
    }
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

static long metric(const struct server *server, const char *name)
{
    const char *at = strstr(server_get(server, "/metrics")->body, name);
    ck_assert_msg(at != NULL, "no %s", name);
    return atol(at + strlen(name));
}

/* Of whoever goes away in the midst of it nothing stays. */
START_TEST(A2_lost_clients_give_all_back)
{
    enum { CLIENTS = 6 };
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    size_t npy_len;
    char *npy = npy_of_bytes(BYTES_NPY, &npy_len), head[256];
    int head_len = snprintf(head, sizeof head,
                            "POST /relu?activation=mish HTTP/1.1\r\nHost: x\r\nContent-Type: "
                            "application/x-npy\r\nAccept: application/json\r\nAccept-Encoding: "
                            "gzip\r\nContent-Length: %zu\r\n\r\n",
                            npy_len);
    for (size_t i = 0; i < CLIENTS; i++) {
        int fd = server_connect(&server);
        send_all(fd, head, (size_t)head_len);
        send_all(fd, npy, npy_len);
        struct linger reset = {.l_onoff = i % 2, .l_linger = 0}; /* every other one by a FIN */
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    while (metric(&server, "\nrelud_inflight_requests ") > 1 ||
           metric(&server, "\nrelud_connections ") > 1)
        sched_yield();
    ck_assert_int_eq(metric(&server, "\nrelud_inflight_bytes "), 0);
    const struct reply *reply = server_post(&server, "/relu", "{\"input\":[-1,2]}");
    ck_assert_str_eq(reply->body, "{\"activation\":\"relu\",\"output\":[0,2]}\n");
    free(npy);
    server_stop(&server);
}
END_TEST

/* The client has sent all and says so; the server is to end, too: the answer comes whole. */
START_TEST(A2_half_closed_clients_and_a_drain_get_their_long_answers)
{
    for (int is_drain = 0; is_drain < 2; is_drain++) {
        struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
        size_t npy_len, got = 0;
        char *npy = npy_of_bytes(BYTES_NPY, &npy_len), head[256], *answer = malloc(8 << 20);
        int fd = server_connect(&server);
        int head_len = snprintf(head, sizeof head,
                                "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Type: "
                                "application/x-npy\r\nAccept: application/json\r\n"
                                "Content-Length: %zu\r\nConnection: close\r\n\r\n",
                                npy_len);
        send_all(fd, head, (size_t)head_len);
        send_all(fd, npy, npy_len);
        if (is_drain)
            kill(server.pid, SIGTERM);
        else
            shutdown(fd, SHUT_WR);
        for (ssize_t some = 1; some > 0; got += some > 0 ? (size_t)some : 0)
            some = recv(fd, answer + got, (8 << 20) - got - 1, 0);
        answer[got] = '\0';
        ck_assert_msg(strncmp(answer, "HTTP/1.1 200 ", 13) == 0, "%.200s", answer);
        ck_assert_str_eq(answer + got - 3, "]}\n");
        ck_assert_uint_eq(got - (size_t)(strstr(answer, "\r\n\r\n") + 4 - answer),
                          strtoul(strstr(answer, "Content-Length: ") + 16, NULL, 10));
        close(fd);
        if (is_drain)
            ck_assert_int_eq(server_wait(&server), 0);
        else
            server_stop(&server);
        free(npy);
        free(answer);
    }
}
END_TEST

START_TEST(A2_a_deadline_counts_until_the_answer_is_written)
{
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    size_t len;
    char *npy = npy_of_bytes(BYTES_NPY, &len);
    const struct reply *reply = server_ask(
        &server, "/relu?activation=mish", NULL, npy, len,
        "Content-Type: application/x-npy\r\nAccept: application/json\r\nX-Request-Timeout-Ms: 5");
    ck_assert_int_eq(reply->code, 504);
    ck_assert_str_eq(reply->body,
                     "{\"error\":\"the request's time of 5 ms is over before its answer\"}\n");
    ck_assert_int_eq(metric(&server, "relud_rejected_total{reason=\"deadline\"} "), 1);
    free(npy);
    server_stop(&server);
}
END_TEST

/* Wherever a deadline falls, in reading, computing, writing or packing, its answer is the error alone, as it is. */
START_TEST(A2_whenever_a_long_request_is_late_its_answer_is_plain)
{
    const char *dir = wide_model();
    struct server server = server_start((const char *const[]){DIGITS, dir, "--workers", "1", NULL});
    char *outputs = rows_body(400, "");
    size_t late = 0, behind_pass = 0; /* late at all; late in writing or packing */
    bool is_answered = false;
    for (size_t ms = 1; !is_answered; ms += ms < 200 ? 3 : ms) {
        char header[100];
        snprintf(header, sizeof header, "Accept-Encoding: gzip\r\nX-Request-Timeout-Ms: %zu", ms);
        const struct reply *reply =
            server_ask(&server, "/predict", NULL, outputs, strlen(outputs), header);
        bool is_packed = strstr(reply->headers, "Content-Encoding: gzip") != NULL;
        is_answered = reply->code == 200;
        ck_assert_msg(is_answered || reply->code == 504, "%ld", reply->code);
        ck_assert(is_packed == is_answered);
        if (is_answered)
            break;
        const char *begin = "{\"error\":\"the request's time of ";
        ck_assert_msg(strncmp(reply->body, begin, strlen(begin)) == 0 &&
                          strlen(reply->body) == reply->len &&
                          strcmp(strchr(reply->body, '}'), "}\n") == 0,
                      "%s", reply->body);
        const char *forward = strstr(reply->headers, "forward;dur=");
        behind_pass += forward && strtod(forward + strlen("forward;dur="), NULL) > 0;
        late++;
    }
    ck_assert_uint_ge(behind_pass, 1);
    ck_assert_int_eq(metric(&server, "relud_rejected_total{reason=\"deadline\"} "), (long)late);
    ck_assert_int_eq(metric(&server, "\nrelud_inflight_bytes "), 0);
    free(outputs);
    server_stop(&server);
    remove_directory(dir);
}
END_TEST

/* What filled the memory for rows once, by asking for twice what is there: seventeen of them took the service away. */
START_TEST(A1_a_body_that_never_fits_is_413)
{
    enum { TIMES = 17 };
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--max-body", "2097152", NULL});
    size_t len;
    char *npy = npy_of_bytes(BYTES_NPY, &len), *digit = read_text("tests/data/digit-7.json");
    for (size_t i = 0; i < TIMES; i++) {
        const struct reply *reply =
            server_ask(&server, "/relu?gradient=true", NULL, npy, len,
                       "Content-Type: application/x-npy\r\nAccept: application/json");
        ck_assert_int_eq(reply->code, 413);
        ck_assert_ptr_nonnull(strstr(reply->body, "at most"));
    }
    const struct reply *reply =
        server_ask(&server, "/relu", NULL, npy, len,
                   "Content-Type: application/x-npy\r\nAccept: application/octet-stream");
    ck_assert_int_eq(reply->code, 200);
    ck_assert_uint_eq(reply->len, 4 * (size_t)BYTES_NPY);
    ck_assert_int_eq(server_post(&server, "/predict", digit)->code, 200);
    ck_assert_int_eq(metric(&server, "\nrelud_inflight_bytes "), 0);
    free(npy);
    free(digit);
    server_stop(&server);
}
END_TEST

RUN_SUITE("long", A1_a_body_that_never_fits_is_413,
          A2_who_asks_for_little_is_served_beside_whatever_takes_long,
          A2_the_bound_on_an_answer_counts_all_of_it, A2_lost_clients_give_all_back,
          A2_half_closed_clients_and_a_drain_get_their_long_answers,
          A2_a_deadline_counts_until_the_answer_is_written,
          A2_whenever_a_long_request_is_late_its_answer_is_plain,
          A3_an_answer_that_looks_like_a_page_reaches_a_slow_reader, A3_so_it_does_over_tls,
          A3_pages_and_answers_take_turns_on_a_connection)
