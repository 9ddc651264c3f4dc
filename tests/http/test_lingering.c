/* Answers that come before a body is read whole, to clients that write before they read. */
#include "tests/http/certificates.h"
#include "tests/http/server.h"

enum { BIG = 40 << 20 };

/* Sends `len` bytes of nothing, as a chunk each time where it is to be so; how many the server took. */
static size_t send_big(int fd, size_t len, bool is_chunked)
{
    static char block[65536 + 16];
    size_t sent = 0;
    memset(block, 'x', sizeof block);
    memcpy(block, "10000\r\n", 7);
    memcpy(block + 7 + 65536, "\r\n", 2);
    const char *from = is_chunked ? block : block + 7;
    size_t each = is_chunked ? 7 + 65536 + 2 : 65536;
    for (; sent < len; sent += 65536)
        for (size_t part = 0; part < each;) {
            ssize_t some = send(fd, from + part, each - part, MSG_NOSIGNAL);
            if (some <= 0)
                return sent;
            part += (size_t)some;
        }
    return sent;
}

/* All that comes, and that it ends with the server's end and not with a reset; the caller frees it. */
static char *read_to_the_end(int fd)
{
    size_t len = 0, cap = 1 << 20;
    char *bytes = calloc(1, cap);
    for (;;) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
        ssize_t got = recv(fd, bytes + len, cap - 1 - len, 0);
        ck_assert_msg(got >= 0, "%s behind %s", strerror(errno), bytes);
        if (got == 0)
            return bytes;
        len += (size_t)got;
        ck_assert_uint_lt(len, cap - 1);
    }
}

static const struct early {
    const char *head;
    unsigned code;
    bool is_chunked;
} earlies[] = {
    {"POST /predict HTTP/1.1\r\nHost: x\r\nX-Api-Key: key\r\nContent-Length: 41943040\r\n\r\n", 413,
     false},
    {"POST /relu HTTP/1.1\r\nHost: x\r\nX-Api-Key: key\r\nTransfer-Encoding: chunked\r\n\r\n", 413,
     true},
    {"PUT /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 41943040\r\n\r\n", 405, false},
    {"POST /predict HTTP/1.0\r\nX-Api-Key: key\r\nContent-Length: 41943040\r\n\r\n", 413, false},
    {"POST /nowhere HTTP/1.1\r\nHost: x\r\nContent-Length: 41943040\r\n\r\n", 404, false},
    {"POST /nowhere HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 404, true},
    {"PUT /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 405, true},
    {"POST /predict HTTP/1.1\r\nHost: x\r\nX-Api-Key: no\r\nContent-Length: 41943040\r\n\r\n", 401,
     false},
    {"POST /predict HTTP/1.1\r\nHost: x\r\nX-Api-Key: no\r\nTransfer-Encoding: chunked\r\n\r\n",
     401, true},
    {"POST /v2/repository/index HTTP/1.1\r\nHost: x\r\nX-Api-Key: key\r\nContent-Length: "
     "41943040\r\n\r\n",
     403, false},
    /* framing, and what libmicrohttpd answers itself */
    {"POST /predict HTTP/1.1\r\nHost: x\r\nHost: y\r\nContent-Length: 41943040\r\n\r\n", 400,
     false},
    {"POST /predict HTTP/1.1\r\nContent-Length: 41943040\r\n\r\n", 400, false},
    {"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 400, false},
    {"POST /predict HTTP/1.1\r\nHost: x\r\nX-Api-Key: key\r\nTransfer-Encoding: "
     "chunked\r\n\r\nxyz\r\n",
     400, true},
    {"POST /predict HTTP/1.1\r\nHost: x\r\nX-Long: ", 431, false},
    {"GET /", 414, false},
};

static void check_earlies(const struct server *server)
{
    for (size_t i = 0; i < sizeof earlies / sizeof *earlies; i++) {
        const struct early *early = &earlies[i];
        int fd = server_connect(server);
        char status[32];
        send_all(fd, early->head, strlen(early->head));
        size_t sent = send_big(fd, BIG, early->is_chunked);
        ck_assert_msg(sent == BIG, "%s: %zu bytes were taken", early->head, sent);
        char *answer = read_to_the_end(fd);
        snprintf(status, sizeof status, "HTTP/1.1 %u ", early->code);
        bool is_right = strncmp(answer, status, strlen(status)) == 0 ||
                        (early->code == 401 && strncmp(answer, "HTTP/1.1 429 ", 13) == 0);
        ck_assert_msg(is_right && strstr(answer, "{\"error\":"), "%s: %s", early->head, answer);
        ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
        ck_assert_ptr_nonnull(strstr(answer, "Connection: close\r\n"));
        free(answer);
        close(fd);
    }
}

static const char keys_text[] =
    "app infer sha256:2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683\n";

static size_t connections_of(const struct server *server)
{
    const char *at = strstr(server_get(server, "/metrics")->body, "\nrelud_connections ");
    ck_assert_ptr_nonnull(at);
    return strtoul(at + strlen("\nrelud_connections "), NULL, 10);
}

START_TEST(A8_a_client_that_writes_before_it_reads_gets_its_answer)
{
    char dir[64], keys[128];
    strcpy(dir, new_directory());
    write_file(dir, "keys", keys_text, strlen(keys_text));
    snprintf(keys, sizeof keys, "%s/keys", dir);
    struct server server =
        server_start((const char *const[]){DIGITS, "--workers", "1", "--api-keys", keys, NULL});
    check_earlies(&server);
    const struct reply *reply =
        server_ask(&server, "/relu", NULL, "{\"input\":1}", 11, "X-Api-Key: key");
    ck_assert_int_eq(reply->code, 200);
    server_stop(&server);
    remove_folder(dir);
}
END_TEST

/* 429 for bytes in flight: another request holds all there may be. */
START_TEST(A8_a_request_that_is_refused_for_want_of_room_gets_its_answer)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--max-inflight-bytes", "16777216", NULL});
    int holder = server_connect(&server);
    const char *head = "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 16777216\r\n\r\n";
    send_all(holder, head, strlen(head));
    for (int tries = 0; tries < 6000; tries++) {
        if (strstr(server_get(&server, "/metrics")->body, "\nrelud_inflight_bytes 16777216\n"))
            break;
        usleep(10000);
    }
    int fd = server_connect(&server);
    head = "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
    send_all(fd, head, strlen(head));
    ck_assert_uint_eq(send_big(fd, BIG, true), BIG);
    char *answer = read_to_the_end(fd);
    ck_assert_int_eq(strncmp(answer, "HTTP/1.1 429 ", 13), 0);
    free(answer);
    close(fd);
    close(holder);
    server_stop(&server);
}
END_TEST

/* It has sent a little, is told 408, does not listen, and sends all. */
START_TEST(A8_a_client_that_was_too_slow_gets_its_answer)
{
    static const char *const begun[] = {
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 41943040\r\n",
        "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 16000000\r\n\r\n{\"input\":",
        "POST /relu HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"};
    struct server server = server_start((const char *const[]){
        DIGITS, "--workers", "1", "--header-timeout-ms", "200", "--body-timeout-ms", "200", NULL});
    for (size_t i = 0; i < 3; i++) {
        int fd = server_connect(&server);
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        send_all(fd, begun[i], strlen(begun[i]));
        ck_assert_int_eq(poll(&poll_fd, 1, 60000), 1);
        ck_assert_uint_eq(send_big(fd, BIG, false), BIG);
        char *answer = read_to_the_end(fd);
        ck_assert_msg(strncmp(answer, "HTTP/1.1 408 ", 13) == 0, "%s: %s", begun[i], answer);
        ck_assert_uint_eq(count_of(answer, "HTTP/1.1 "), 1);
        free(answer);
        close(fd);
    }
    server_stop(&server);
}
END_TEST

static ssize_t push_all(gnutls_transport_ptr_t fd, const void *bytes, size_t len)
{
    return send((int)(intptr_t)fd, bytes, len, MSG_NOSIGNAL);
}

/* Over TLS as in the clear: the answer, close_notify, and no reset. */
START_TEST(A8_a_client_of_tls_that_writes_before_it_reads_gets_its_answer)
{
    static char block[16384], answer[4096];
    char dir[64], cert[160], key[160];
    struct certificate own = certificate_new("first", NULL);
    strcpy(dir, new_directory());
    certificate_write(&own, dir);
    snprintf(cert, sizeof cert, "%s/cert.pem", dir);
    snprintf(key, sizeof key, "%s/key.pem", dir);
    struct server server = server_start((const char *const[]){
        DIGITS, "--workers", "1", "--tls-cert", cert, "--tls-key", key, NULL});
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    ck_assert_int_eq(client.failure, 0);
    /* this client knows when the server takes no more */
    gnutls_transport_set_push_function(client.session, push_all);
    const char *head = "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: 41943040\r\n\r\n";
    ck_assert_int_eq(gnutls_record_send(client.session, head, strlen(head)), (int)strlen(head));
    for (size_t sent = 0; sent < BIG; sent += sizeof block)
        ck_assert_int_eq(gnutls_record_send(client.session, block, sizeof block), sizeof block);
    size_t len = 0;
    for (ssize_t got; len < sizeof answer - 1; len += (size_t)got) {
        do
            got = gnutls_record_recv(client.session, answer + len, sizeof answer - 1 - len);
        while (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED);
        ck_assert_msg(got >= 0, "%s behind %s", gnutls_strerror((int)got), answer);
        if (got == 0)
            break;
    }
    ck_assert_msg(strncmp(answer, "HTTP/1.1 413 ", 13) == 0, "%s", answer);
    tls_disconnect(&client);
    server_stop(&server);
    certificate_free(&own);
    certificates_remove(dir);
}
END_TEST

/* It counts as a connection until it is closed, and that is soon. */
START_TEST(A8_a_lingering_connection_counts_and_ends)
{
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    enum { SILENT = 5 };
    int fd[SILENT];
    for (size_t i = 0; i < SILENT; i++) {
        fd[i] = server_connect(&server);
        send_all(fd[i], earlies[0].head, strlen(earlies[0].head));
        free(read_to_the_end(fd[i]));
    }
    ck_assert_uint_eq(connections_of(&server), SILENT + 1);
    close(fd[0]);
    for (int tries = 0; tries < 6000 && connections_of(&server) > SILENT; tries++)
        usleep(10000);
    ck_assert_uint_le(connections_of(&server), SILENT);
    for (int tries = 0; tries < 6000 && connections_of(&server) > 1; tries++)
        usleep(10000);
    ck_assert_uint_eq(connections_of(&server), 1);
    for (size_t i = 1; i < SILENT; i++)
        close(fd[i]);
    server_stop(&server);
}
END_TEST

/* Nor does one that is silent keep the program from its end. */
START_TEST(A8_a_drain_waits_for_no_silent_client)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--drain-seconds", "60", NULL});
    int fd = server_connect(&server);
    send_all(fd, earlies[0].head, strlen(earlies[0].head));
    free(read_to_the_end(fd));
    kill(server.pid, SIGTERM);
    char log[4096] = "";
    size_t len = 0;
    for (ssize_t got; (got = read(server.log, log + len, sizeof log - 1 - len)) > 0;)
        len += (size_t)got;
    ck_assert_ptr_null(strstr(log, "connections were cut"));
    ck_assert_int_eq(server_wait(&server), 0);
    close(fd);
}
END_TEST

RUN_SUITE("lingering", A8_a_client_that_writes_before_it_reads_gets_its_answer,
          A8_a_request_that_is_refused_for_want_of_room_gets_its_answer,
          A8_a_client_of_tls_that_writes_before_it_reads_gets_its_answer,
          A8_a_client_that_was_too_slow_gets_its_answer, A8_a_lingering_connection_counts_and_ends,
          A8_a_drain_waits_for_no_silent_client)
