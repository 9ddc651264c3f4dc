/* TLS: the same answers and errors as in the clear, old versions refused, certificates changed under open connections, and clients
 * that must show one. */
#include "tests/http/certificates.h"
#include "tests/http/program.h"

#define ASK(path) "GET " path " HTTP/1.1\r\nHost: x\r\n\r\n"

static char cert_path[160], key_path[160];

/* A certificate of its own in a directory of its own, whose name is put into `dir`[64]. */
static struct certificate own_certificate(char *dir)
{
    struct certificate own = certificate_new("first", NULL);
    strcpy(dir, new_directory());
    certificate_write(&own, dir);
    return own;
}

static void drop_certificate(const struct certificate *own, const char *dir)
{
    certificate_free(own);
    certificates_remove(dir);
}

static struct server serve_tls(const char *dir, const char *const *more)
{
    snprintf(cert_path, sizeof cert_path, "%s/cert.pem", dir);
    snprintf(key_path, sizeof key_path, "%s/key.pem", dir);
    const char *words[16] = {DIGITS, "--tls-cert", cert_path, "--tls-key", key_path};
    for (size_t i = 5; more && *more; i++)
        words[i] = *more++;
    return server_start(words);
}

START_TEST(answers_are_those_of_the_clear)
{
    char *digit = read_text("tests/data/digit-7.json"), *request;
    char dir[64];
    struct certificate own = own_certificate(dir);
    struct server clear = server_on_digits(), server = serve_tls(dir, NULL);
    const struct reply *reply = server_post(&clear, "/predict", digit);
    ck_assert_int_gt(asprintf(&request,
                              "POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: "
                              "application/json\r\nContent-Length: %zu\r\n\r\n%s",
                              strlen(digit), digit),
                     0);
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    ck_assert_int_eq(client.failure, 0);
    ck_assert_int_eq(gnutls_protocol_get_version(client.session), GNUTLS_TLS1_3);
    for (int i = 0; i < 3; i++) { /* on one connection */
        const char *answer = tls_talk(&client, request, "}]]}\n");
        ck_assert_str_eq(strstr(answer, "\r\n\r\n") + 4, reply->body);
    }
    tls_disconnect(&client);
    server_stop(&clear);
    server_stop(&server);
    drop_certificate(&own, dir);
    free(digit);
    free(request);
}
END_TEST

START_TEST(errors_are_the_same_json)
{
    char dir[64];
    static char lengthy[50000] = "GET /";
    struct certificate own = own_certificate(dir);
    memset(lengthy + 5, 'a', sizeof lengthy - 6);
    struct server ordinary = serve_tls(dir, NULL),
                  hasty =
                      serve_tls(dir, (const char *const[]){"--header-timeout-ms", "2000", NULL});
    const struct {
        const struct server *server;
        const char *request, *status, *says;
    } cases[] = {
        {&ordinary, "GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "404",
         "nowhere"},
        {&ordinary, "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400", "Host"},
        {&ordinary, lengthy, "414", "request line is too long"}, /* a page of the library's own */
        {&hasty, "GET /readyz HT", "408", "too long here"},      /* a deadline's */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_client client = tls_connect(cases[i].server, "NORMAL", NULL);
        const char *answer = tls_talk(&client, cases[i].request, NULL);
        ck_assert_msg(strncmp(answer, "HTTP/1.1 ", 9) == 0 &&
                          strncmp(answer + 9, cases[i].status, 3) == 0 &&
                          strstr(answer, "\r\nContent-Type: application/json\r\n") &&
                          strstr(answer, "{\"error\":\"") && strstr(answer, cases[i].says) &&
                          count_of(answer, "HTTP/1.1 ") == 1,
                      "%s is wanted: %s", cases[i].status, answer);
        tls_disconnect(&client);
    }
    server_stop(&ordinary);
    server_stop(&hasty);
    drop_certificate(&own, dir);
}
END_TEST

/* Whose end comes with the request, or soon after: it is the end of what is asked, not of what is answered. */
START_TEST(a_half_closed_client_gets_its_answer)
{
    char dir[64];
    struct certificate own = own_certificate(dir);
    struct server server = serve_tls(dir, NULL);
    for (int i = 0; i < 50; i++) {
        struct tls_client client = tls_connect(&server, "NORMAL", NULL);
        ck_assert_int_gt(gnutls_record_send(client.session, ASK("/readyz"), strlen(ASK("/readyz"))),
                         0);
        if (i % 2)
            gnutls_bye(client.session, GNUTLS_SHUT_WR);
        shutdown(client.fd, SHUT_WR);
        const char *answer = tls_talk(&client, "", "}");
        ck_assert_msg(strstr(answer, "200 OK"), "client %d: '%s'", i, answer);
        tls_disconnect(&client);
    }
    server_stop(&server);
    drop_certificate(&own, dir);
}
END_TEST

/* Reads the body of an answer, `len` bytes, a little at a time. */
static char *read_body(struct tls_client *client, size_t len)
{
    enum { PIECE = 4096 };
    char *bytes = calloc(1, len + (1 << 16)), *body = NULL;
    for (size_t got = 0; !body || got < (size_t)(body - bytes) + len;) {
        ssize_t some = gnutls_record_recv(client->session, bytes + got, PIECE);
        if (some == GNUTLS_E_AGAIN || some == GNUTLS_E_INTERRUPTED)
            continue;
        ck_assert_msg(some > 0, "an end behind %zu bytes", got);
        got += (size_t)some;
        if (!body && (body = memmem(bytes, got, "\r\n\r\n", 4)))
            body += 4;
    }
    memmove(bytes, body, len);
    return bytes;
}

/* More than the kernel keeps for a client: records are sent in parts, and gone on with. */
START_TEST(a_great_answer_waits_for_its_reader)
{
    enum { NUMBERS = 800000 };
    char dir[64], head[128];
    struct certificate own = own_certificate(dir);
    struct server clear = server_on_digits(), server = serve_tls(dir, NULL);
    char *body = malloc(NUMBERS * 10 + 16);
    size_t len = (size_t)sprintf(body, "{\"input\":[");
    for (size_t i = 0; i < NUMBERS; i++)
        len += (size_t)sprintf(body + len, "%zu.5,", i);
    len += (size_t)sprintf(body + len - 1, "]}") - 1;
    const struct reply *reply = server_ask(&clear, "/relu", NULL, body, len, NULL);
    ck_assert_int_eq(reply->code, 200);
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    sprintf(head, "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
    for (int i = 0; i < 2; i++) {
        const char *parts[] = {head, body};
        for (size_t part = 0; part < 2; part++)
            for (size_t sent = 0, all = strlen(parts[part]); sent < all;) {
                ssize_t some = gnutls_record_send(client.session, parts[part] + sent, all - sent);
                ck_assert_int_gt(some, 0);
                sent += (size_t)some;
            }
        char *answer = read_body(&client, reply->len);
        ck_assert_mem_eq(answer, reply->body, reply->len);
        free(answer);
    }
    tls_disconnect(&client);
    server_stop(&clear);
    server_stop(&server);
    drop_certificate(&own, dir);
    free(body);
}
END_TEST

START_TEST(only_good_tls_is_spoken)
{
    char dir[64];
    struct certificate own = own_certificate(dir);
    struct server server = serve_tls(dir, NULL);
    static const struct {
        const char *priority;
        bool is_spoken;
    } cases[] = {
        {"NORMAL:-VERS-ALL:+VERS-TLS1.3", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.1:%VERIFY_ALLOW_SIGN_WITH_SHA1", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", false},
        {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_client client = tls_connect(&server, cases[i].priority, NULL);
        ck_assert_msg((client.failure == 0) == cases[i].is_spoken, "%s: %s", cases[i].priority,
                      gnutls_strerror(client.failure));
        tls_disconnect(&client);
    }
    char *answer = server_raw(&server, ASK("/readyz"), 0); /* in the clear */
    ck_assert_ptr_null(strstr(answer, "200"));
    free(answer);
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    ck_assert_ptr_nonnull(strstr(tls_talk(&client, ASK("/readyz"), "ready"), "200 OK"));
    tls_disconnect(&client);
    char words[128];
    snprintf(words, sizeof words, "healthcheck https://127.0.0.1:%d", server.port);
    runs(words, 0, "");
    snprintf(words, sizeof words, "healthcheck 127.0.0.1:%d", server.port);
    runs(words, 1, "is not ready");
    setenv("RELUD_LISTEN", words + strlen("healthcheck "), 1);
    setenv("RELUD_TLS_CERT", "the server's", 1);
    runs("healthcheck", 0, "");
    unsetenv("RELUD_LISTEN"), unsetenv("RELUD_TLS_CERT");
    char bench[160];
    snprintf(bench, sizeof bench,
             "bench https://127.0.0.1:%d/predict --body tests/data/digit-7.json --seconds 1 "
             "--warmup 0 --connections 4 --same",
             server.port);
    runs(bench, 0, "answers");
    server_stop(&server);
    drop_certificate(&own, dir);
}
END_TEST

START_TEST(a_new_certificate_drops_no_connection)
{
    char dir[64];
    strcpy(dir, new_directory());
    struct certificate first = certificate_new("first", NULL),
                       second = certificate_new("second", NULL);
    certificate_write(&first, dir);
    struct server server = serve_tls(dir, NULL);
    struct tls_client old = tls_connect(&server, "NORMAL", NULL);
    ck_assert_str_eq(tls_server_name(&old), "first");
    certificate_write(&second, dir);
    kill(server.pid, SIGHUP);
    bool is_second = false;
    for (int i = 0; i < 6000 && !is_second; i++) {
        struct tls_client fresh = tls_connect(&server, "NORMAL", NULL);
        is_second = strcmp(tls_server_name(&fresh), "second") == 0;
        ck_assert_ptr_nonnull(strstr(tls_talk(&fresh, ASK("/readyz"), "ready"), "200 OK"));
        tls_disconnect(&fresh);
    }
    ck_assert(is_second);
    ck_assert_ptr_nonnull(strstr(tls_talk(&old, ASK("/readyz"), "ready"), "200 OK"));
    write_file(dir, "cert.pem", "nothing", 7); /* one that is wrong changes nothing */
    kill(server.pid, SIGHUP);
    for (int i = 0; i < 20; i++) {
        struct tls_client fresh = tls_connect(&server, "NORMAL", NULL);
        ck_assert_str_eq(tls_server_name(&fresh), "second");
        tls_disconnect(&fresh);
    }
    ck_assert_ptr_nonnull(strstr(tls_talk(&old, ASK("/readyz"), "ready"), "200 OK"));
    tls_disconnect(&old);
    server_stop(&server);
    certificate_free(&first);
    certificate_free(&second);
    certificates_remove(dir);
}
END_TEST

START_TEST(clients_show_a_certificate_where_one_is_wanted)
{
    char dir[64], ca_dir[64], ca_path[160];
    strcpy(dir, new_directory());
    strcpy(ca_dir, new_directory());
    snprintf(ca_path, sizeof ca_path, "%s/cert.pem", ca_dir);
    struct certificate own = certificate_new("server", NULL), ca = certificate_new("ca", NULL),
                       other_ca = certificate_new("other", NULL),
                       friend = certificate_new("friend", &ca),
                       stranger = certificate_new("stranger", &other_ca);
    certificate_write(&own, dir);
    certificate_write(&ca, ca_dir);
    struct server server = serve_tls(dir, (const char *const[]){"--tls-client-ca", ca_path, NULL});
    const struct {
        const struct certificate *own;
        bool is_let_in;
    } cases[] = {
        {&friend, true}, {NULL, false}, {&stranger, false}, {&own, false}, {&friend, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls_client client = tls_connect(&server, "NORMAL", cases[i].own);
        const char *answer = client.failure ? "" : tls_talk(&client, ASK("/readyz"), "ready");
        ck_assert_msg((strstr(answer, "200 OK") != NULL) == cases[i].is_let_in, "case %zu: %s", i,
                      answer);
        ck_assert(cases[i].is_let_in || !*answer); /* not a byte */
        tls_disconnect(&client);
    }
    server_stop(&server);
    struct certificate *all[] = {&own, &ca, &other_ca, &friend, &stranger};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        certificate_free(all[i]);
    certificates_remove(dir);
    certificates_remove(ca_dir);
}
END_TEST

START_TEST(wrong_files_are_named)
{
    char dir[64], other_dir[64], words[512];
    strcpy(dir, new_directory());
    strcpy(other_dir, new_directory());
    struct certificate first = certificate_new("first", NULL),
                       second = certificate_new("second", NULL);
    certificate_write(&first, dir);
    certificate_write(&second, other_dir);
#define SERVE "serve " DIGITS " --listen 127.0.0.1:0 "
    runs(SERVE "--tls-cert nowhere.pem", 2, "--tls-cert and --tls-key must be given together");
    runs(SERVE "--tls-client-ca nowhere.pem", 2, "--tls-client-ca needs both");
    runs(SERVE "--tls-cert nowhere.pem --tls-key k", 1,
         "relud: serve: --tls-cert nowhere.pem: No such file");
    snprintf(words, sizeof words, SERVE "--tls-cert %s/cert.pem --tls-key %s/key.pem", dir,
             other_dir);
    runs(words, 2, "do not match");
    snprintf(words, sizeof words, SERVE "--tls-cert %s/cert.pem --tls-key Makefile", dir);
    runs(words, 2, "--tls-key Makefile");
    snprintf(words, sizeof words,
             SERVE "--tls-cert %s/cert.pem --tls-key %s/key.pem --tls-client-ca Makefile", dir,
             dir);
    runs(words, 2, "--tls-client-ca Makefile");
    certificate_free(&first);
    certificate_free(&second);
    certificates_remove(dir);
    certificates_remove(other_dir);
}
END_TEST

/* Processor time that the server has used, in seconds. */
static double cpu_seconds(pid_t pid)
{
    char path[64], *at;
    unsigned long user = 0, kernel = 0;
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    char *stat = read_text(path);
    ck_assert_ptr_nonnull(at = strrchr(stat, ')'));
    ck_assert_int_eq(
        sscanf(at, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel), 2);
    free(stat);
    return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

/* It may wait for its client, but not in a loop; and it ends. */
START_TEST(a_handshake_that_stalls_costs_nothing)
{
    static const unsigned char begun[] = {22, 3, 1, 2, 0, 1}; /* a record of 512 bytes: its first */
    char dir[64];
    struct certificate own = own_certificate(dir);
    struct server server =
        serve_tls(dir, (const char *const[]){"--header-timeout-ms", "1000", NULL});
    int stalled = server_connect(&server), silent = server_connect(&server);
    ck_assert_int_eq(send(stalled, begun, sizeof begun, 0), sizeof begun);
    struct tls_client client = tls_connect(&server, "NORMAL", NULL);
    ck_assert_ptr_nonnull(strstr(tls_talk(&client, ASK("/readyz"), "ready"), "200 OK"));
    double before = cpu_seconds(server.pid);
    char byte;
    ck_assert_int_le(recv(stalled, &byte, 1, 0), 0); /* up to its end */
    ck_assert_int_le(recv(silent, &byte, 1, 0), 0);
    double used = cpu_seconds(server.pid) - before;
    ck_assert_msg(used < 0.3, "%.2f s of work while nothing was to do", used);
    tls_disconnect(&client);
    close(stalled);
    close(silent);
    server_stop(&server);
    drop_certificate(&own, dir);
}
END_TEST

RUN_SUITE("tls", a_half_closed_client_gets_its_answer, a_great_answer_waits_for_its_reader,
          a_handshake_that_stalls_costs_nothing, answers_are_those_of_the_clear,
          errors_are_the_same_json, only_good_tls_is_spoken, a_new_certificate_drops_no_connection,
          clients_show_a_certificate_where_one_is_wanted, wrong_files_are_named)
