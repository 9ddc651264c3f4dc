/* Requests that are open at the same time: more of them than buffers are kept for, and bodies that
 * unpack to more than there is room for beside them. Long listings, of many models and of wide
 * ones. And what is not there where options leave it out: limits of time, pages. */
#include "tests/http/server.h"
#include "tests/unit/files.h"

#include "server/base/content_coding.h"

#define HEAD(path) "POST " path " HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n"
#define BODY       "{\"input\":1}"

/* Until a line of /metrics says so. */
static void wait_for(const struct server *server, const char *line)
{
    const struct reply *reply = server_get(server, "/metrics");
    for (int i = 0; i < 6000 && !strstr(reply->body, line); i++) {
        usleep(10000);
        reply = server_get(server, "/metrics");
    }
    ck_assert_msg(strstr(reply->body, line) != NULL, "never %s", line);
}

START_TEST(many_requests_are_open_at_a_time)
{
    enum { MANY = 300 };
    struct server server = server_start((const char *const[]){DIGITS, "--workers", "1", NULL});
    int fd[MANY];
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < MANY; i++) {
            fd[i] = server_connect(&server);
            send_all(fd[i], HEAD("/relu") "{", strlen(HEAD("/relu") "{"));
        }
        wait_for(&server, "\nrelud_inflight_requests 301\n");
        for (size_t i = 0; i < MANY; i++)
            send_all(fd[i], &BODY[1], strlen(BODY) - 1);
        for (size_t i = 0; i < MANY; i++) {
            char *answer = receive(fd[i], 1);
            ck_assert_msg(strstr(answer, "\"output\":1}") != NULL, "%s", answer);
            free(answer);
            close(fd[i]);
        }
        wait_for(&server, "\nrelud_inflight_requests 1\n");
    }
    server_stop(&server);
}
END_TEST

/* Its packed bytes fit beside another's, what it unpacks to does not. */
START_TEST(a_body_that_unpacks_to_more_than_fits_now_is_429)
{
    enum { PLAIN = 60000 };
    static const char begun[] = "POST /relu HTTP/1.1\r\nHost: x\r\nContent-Length: 50000\r\n\r\n{";
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--max-inflight-bytes", "100000", NULL});
    char *plain = malloc(PLAIN);
    memset(plain, ' ', PLAIN);
    memcpy(plain, BODY, strlen(BODY));
    struct text packed = {0};
    ck_assert(coding_pack(CODING_GZIP, plain, PLAIN, &packed, NULL));
    const char *gzip = "Content-Encoding: gzip";
    ck_assert_int_eq(server_ask(&server, "/relu", NULL, packed.at, packed.len, gzip)->code, 200);
    int fd = server_connect(&server);
    send_all(fd, begun, strlen(begun));
    wait_for(&server, "\nrelud_inflight_bytes 50000\n");
    const struct reply *reply = server_ask(&server, "/relu", NULL, packed.at, packed.len, gzip);
    ck_assert_int_eq(reply->code, 429);
    ck_assert_ptr_nonnull(strstr(reply->body, "too many bytes are in flight here"));
    ck_assert_ptr_nonnull(strstr(reply->headers, "Retry-After: 1\r\n"));
    close(fd);
    wait_for(&server, "\nrelud_inflight_bytes 0\n");
    ck_assert_int_eq(server_ask(&server, "/relu", NULL, packed.at, packed.len, gzip)->code, 200);
    text_free(&packed);
    free(plain);
    server_stop(&server);
}
END_TEST

/* A model of one feature and `width` answers. */
static void write_model(const char *root, const char *name, size_t width)
{
    char dir[128], json[256], header[128];
    float *weight = calloc(width, sizeof *weight);
    snprintf(dir, sizeof dir, "%s/%s", root, name);
    ck_assert_int_eq(mkdir(dir, 0700), 0);
    snprintf(json, sizeof json,
             "{\"format\":\"relud-model/1\",\"name\":\"%s\",\"layers\":[{\"weight\":\"w\"}]}",
             name);
    snprintf(header, sizeof header,
             "{\"w\":{\"dtype\":\"F32\",\"shape\":[%zu,1],\"data_offsets\":[0,%zu]}}", width,
             width * sizeof *weight);
    write_file(dir, "model.json", json, strlen(json));
    write_tensors(dir, header, weight, width * sizeof *weight);
    free(weight);
}

/* Long work, as a body of many bytes is: it must not make a difference to the answer. */
START_TEST(listings_of_many_models_and_of_wide_ones_are_whole)
{
    for (size_t wide = 0; wide < 2; wide++) {
        size_t models = wide ? 2 : 40;
        char root[64], name[16];
        strcpy(root, new_directory());
        for (size_t i = 0; i < models; i++) {
            snprintf(name, sizeof name, "m%zu", i);
            write_model(root, name, wide ? 40000 : 1);
        }
        struct server server = server_start(
            (const char *const[]){root, "--admin-listen", "127.0.0.1:0", "--workers", "1", NULL});
        const struct reply *reply =
            server_admin_post(&server, "/v2/repository/index", "{}"); /* with a body */
        ck_assert_int_eq(reply->code, 200);
        ck_assert_uint_eq(count_of(reply->body, "\"READY\""), models);
        reply = server_get(&server, "/metrics");
        ck_assert_int_eq(reply->code, 200);
        ck_assert_uint_eq(count_of(reply->body, "\nrelud_model_info{"), models);
        /* no body, whatever is said of it */
        reply = server_ask(&server, "/metrics", NULL, NULL, 0, "Content-Encoding: gzip");
        ck_assert_int_eq(reply->code, 200);
        ck_assert_uint_eq(count_of(reply->body, "\nrelud_model_info{"), models);
        reply = server_get(&server, "/openapi.json");
        ck_assert_int_eq(reply->code, 200);
        ck_assert_ptr_nonnull(strstr(reply->body, "\"openapi\""));
        server_stop(&server);
        remove_folder(root);
    }
}
END_TEST

START_TEST(without_a_limit_of_time_and_without_pages)
{
    struct server server = server_start(
        (const char *const[]){DIGITS, "--workers", "1", "--request-timeout-ms", "0", NULL});
    ck_assert_int_eq(server_post(&server, "/relu", BODY)->code, 200);
    ck_assert_int_eq(
        server_ask(&server, "/relu", NULL, BODY, strlen(BODY), "X-Request-Timeout-Ms: 60000")->code,
        200);
    char *answer = server_raw(&server,
                              "OPTIONS /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
                              "Origin: https://a.example\r\n"
                              "Access-Control-Request-Method: POST\r\n\r\n",
                              0);
    ck_assert_msg(strncmp(answer, "HTTP/1.1 404", 12) == 0 && !strstr(answer, "Access-Control-"),
                  "%s", answer);
    free(answer);
    server_stop(&server);
}
END_TEST

RUN_SUITE("visits", many_requests_are_open_at_a_time,
          a_body_that_unpacks_to_more_than_fits_now_is_429,
          listings_of_many_models_and_of_wide_ones_are_whole,
          without_a_limit_of_time_and_without_pages)
