/* A request's answer depends on that request alone: every pair of requests, good and bad, in both orders. */
#include "tests/unit/requests.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define V2           "POST /v2/models/m/infer"
#define TENSOR(rest) "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2]" rest "}]}"
#define NAMED(rest)  "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2]" rest "}],"
#define SIZE8        ",\"parameters\":{\"binary_data_size\":8}"
#define EIGHT        "\0\0\x80\x3f\0\0\0\x40"
/* JSON and so many bytes behind it. */
#define BYTES(json, bytes)                                                                         \
    .body = json bytes, .len = sizeof(json bytes) - 1, .length_of_json = sizeof(json) - 1

static const struct pair_case {
    const char *ask, *body;
    size_t len, length_of_json; /* length_of_json: Inference-Header-Content-Length; 0: none */
    const char *content_type, *accept;
} cases[] = {
    /* V2 with numbers */
    {.ask = V2, .body = TENSOR(",\"data\":[1,2]")},
    {.ask = V2, .body = TENSOR(",\"data\":[3,4]")},
    {.ask = V2, .body = TENSOR(",\"data\":[1]")},
    {.ask = V2, .body = TENSOR(",\"data\":[1,2,3]")},
    {.ask = V2, .body = TENSOR(",\"data\":[1,1e39]")},
    {.ask = V2, .body = TENSOR(",\"data\":0")},
    {.ask = V2, .body = TENSOR(",\"data\":[]")},
    {.ask = V2, .body = TENSOR("")},
    {.ask = V2, .body = TENSOR(SIZE8)},
    {.ask = V2, .body = TENSOR(SIZE8 ",\"data\":[1,2]")},
    {.ask = V2, .body = TENSOR(SIZE8 ",\"data\":0")},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"id\":\"one\"}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"id\":\"two\"}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"id\":3}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"outputs\":[{\"name\":\"y\"}]}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"outputs\":[{\"name\":\"z\"}]}"},
    {.ask = V2,
     .body = NAMED(",\"data\":[1,2]") "\"outputs\":[{\"name\":\"y\"},{\"name\":\"y\"}]}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"parameters\":{\"binary_data_output\":true}}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"parameters\":{\"timeout\":1}}"},
    {.ask = V2, .body = NAMED(",\"data\":[1,2]") "\"parameters\":{\"triton_x\":1}}"},
    {.ask = V2, .body = "{"},
    {.ask = V2, .body = "{}"},
    {.ask = V2, .body = ""},
    /* V2 with bytes */
    {.ask = V2, BYTES(TENSOR(SIZE8), EIGHT)},
    {.ask = V2, BYTES(TENSOR(SIZE8), "\0\0\x80\x40\0\0\0\x41")},
    {.ask = V2, BYTES(TENSOR(SIZE8), "\0\0\xc0\x7f\0\0\0\x40")}, /* NaN */
    {.ask = V2, BYTES(TENSOR(SIZE8), "\0\0\x80\x3f")},
    {.ask = V2, BYTES(TENSOR(SIZE8), EIGHT EIGHT)},
    {.ask = V2, BYTES(TENSOR(SIZE8 ",\"data\":0"), EIGHT)},
    {.ask = V2, BYTES(TENSOR(SIZE8 ",\"data\":[1]"), EIGHT)},
    {.ask = V2, BYTES(TENSOR(SIZE8 ",\"data\":[1,2]"), EIGHT)},
    {.ask = V2, BYTES(TENSOR(",\"data\":0"), EIGHT)},
    {.ask = V2, BYTES(TENSOR(",\"data\":[1,2]"), EIGHT)},
    {.ask = V2, BYTES(TENSOR(",\"data\":0" SIZE8), EIGHT)},
    {.ask = V2, BYTES(TENSOR(",\"data\":[[1]]" SIZE8), EIGHT)},
    {.ask = V2, BYTES(TENSOR(" " SIZE8), EIGHT)}, /* the same, with a blank */
    {.ask = V2, BYTES(NAMED(SIZE8) "\"id\":\"one\"}", EIGHT)},
    {.ask = V2, BYTES(NAMED(SIZE8) "\"parameters\":{\"binary_data_output\":true}}", EIGHT)},
    /* the same envelopes for other models and versions */
    {.ask = "POST /v2/models/m/versions/2/infer", .body = TENSOR(",\"data\":[1,2]")},
    {.ask = "POST /v2/models/m/versions/1/infer", .body = TENSOR(",\"data\":[1,2]")},
    {.ask = "POST /v2/models/r/infer", .body = TENSOR(",\"data\":[1,2]")},
    {.ask = "POST /v2/models/r/infer", BYTES(TENSOR(SIZE8), EIGHT)},
    {.ask = "POST /v2/models/two/infer", .body = TENSOR(",\"data\":[1,2]")},
    {.ask = "POST /v2/models/two/infer", BYTES(TENSOR(SIZE8), EIGHT)},
    {.ask = "POST /v2/models/bad/infer", .body = TENSOR(",\"data\":[1,2]")},
    {.ask = "POST /v2/models/none/infer", .body = TENSOR(",\"data\":[1,2]")},
    /* V1 */
    {.ask = "POST /v1/models/m:predict", .body = "{\"instances\":[[1,2]]}"},
    {.ask = "POST /v1/models/m:predict", .body = "{\"instances\":[[1,2],[3,4]]}"},
    {.ask = "POST /v1/models/m:predict", .body = "{\"instances\":[[1]]}"},
    {.ask = "POST /v1/models/m:predict", .body = "{\"inputs\":[[1,2]]}"},
    {.ask = "POST /v1/models/m:predict", .body = "{\"inputs\":[[1,2],[3]]}"},
    {.ask = "POST /v1/models/m:predict", .body = "{\"instances\":0}"},
    {.ask = "POST /v1/models/m:predict",
     .body = "{\"signature_name\":\"no\",\"instances\":[[1,2]]}"},
    {.ask = "POST /v1/models/m:classify", .body = "{\"examples\":[{\"x\":[1,2]}]}"},
    {.ask = "POST /v1/models/m:classify", .body = "{\"examples\":[{\"z\":[1,2]}]}"},
    {.ask = "POST /v1/models/r:regress", .body = "{\"examples\":[{\"x\":[1]}]}"},
    /* native */
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2]]}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2]],\"top_k\":3}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2]],\"activations\":true}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2]],\"top_k\":0}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"version\":\"1\",\"inputs\":[[1,2]]}"},
    {.ask = "POST /predict", .body = "{\"model\":\"r\",\"inputs\":[1]}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2],[3]]}"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":0}"},
    {.ask = "POST /predict?model=m",
     .body = EIGHT,
     .len = 8,
     .content_type = "application/octet-stream"},
    {.ask = "POST /predict?model=m",
     .body = EIGHT,
     .len = 7,
     .content_type = "application/octet-stream"},
    {.ask = "POST /predict",
     .body = "{\"model\":\"m\",\"inputs\":[[1,2]]}",
     .accept = "application/x-npy"},
    {.ask = "POST /predict", .body = "{\"model\":\"m\",\"inputs\":[[1,2]]}", .accept = "image/png"},
    {.ask = "POST /relu", .body = "{\"input\":[-1,2]}"},
    {.ask = "POST /relu", .body = "{\"input\":-1,\"activation\":\"elu\",\"alpha\":2}"},
    {.ask = "POST /relu", .body = "{\"input\":-1,\"activation\":\"elu\"}"},
    {.ask = "POST /relu", .body = "{\"input\":-1,\"alpha\":2}"},
    {.ask = "POST /relu", .body = "{\"input\":[-1,2],\"gradient\":true}"},
    {.ask = "POST /relu", .body = "{\"input\":[[1],2]}"},
    {.ask = "POST /relu", .body = "{}"},
    {.ask = "POST /relu", .body = EIGHT, .len = 8, .content_type = "application/octet-stream"},
    {.ask = "GET /v2/models/m/ready"},
    {.ask = "GET /v2/models/none/ready"},
    {.ask = "GET /nowhere"},
};
enum { CASES = sizeof cases / sizeof *cases, ANSWER_BYTES_MAX = 1024 };

struct answer {
    unsigned code;
    size_t len, infer_header_len;
    char type[40], text[ANSWER_BYTES_MAX];
};

static void ask_case(const struct pair_case *with, struct answer *answer)
{
    struct request request;
    char length[24];
    snprintf(length, sizeof length, "%zu", with->length_of_json);
    const struct request_case ask = {.ask = with->ask,
                                     .body = with->body,
                                     .len = with->len,
                                     .content_type = with->content_type,
                                     .accept = with->accept,
                                     .length = with->length_of_json ? length : NULL};
    *answer = (struct answer){0};
    if (!requests_ask(&ask, &request))
        return;
    answer->code = request.code;
    answer->len = request.out.len;
    answer->infer_header_len = request.infer_header_len;
    snprintf(answer->type, sizeof answer->type, "%s", request.type ? request.type : "");
    if (request.out.len < ANSWER_BYTES_MAX)
        memcpy(answer->text, request.out.at, request.out.len);
    text_free(&request.out);
}

static void wait_for(pid_t pid)
{
    int status;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
}

struct pair {
    const struct pair_case *first;
    size_t second; /* of cases */
    const struct answer *alone;
    bool is_other; /* than alone */
};

static void *ask_pair(void *at)
{
    struct pair *pair = at;
    const struct pair_case *second = &cases[pair->second];
    const struct answer *alone = &pair->alone[pair->second];
    struct answer before, answer;
    ask_case(pair->first, &before);
    ask_case(second, &answer);
    if (memcmp(&answer, alone, sizeof answer) == 0)
        return NULL;
    pair->is_other = true;
    printf("%s %s, after %s %s: %u %s; alone %u %s\n", second->ask, second->body, pair->first->ask,
           pair->first->body, answer.code, answer.text, alone->code, alone->text);
    fflush(stdout);
    return NULL;
}

/* A child and a thread start with what a worker starts with: nothing. */
START_TEST(S3_no_answer_depends_on_the_request_before)
{
    struct answer *alone = mmap(NULL, CASES * sizeof *alone, PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned seen_200 = 0, seen_400 = 0;
    ck_assert_ptr_ne(alone, MAP_FAILED);
    for (size_t i = 0; i < CASES; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            ask_case(&cases[i], &alone[i]);
            _exit(0);
        }
        wait_for(pid);
        ck_assert_uint_ne(alone[i].code, 0);
        seen_200 += alone[i].code == 200;
        seen_400 += alone[i].code == 400;
    }
    ck_assert_uint_gt(seen_200, 20);
    ck_assert_uint_gt(seen_400, 20);
    for (size_t i = 0; i < CASES; i++) {
        struct pair pair = {.first = &cases[i], .alone = alone};
        pid_t pid = fork();
        if (pid == 0) {
            for (pair.second = 0; pair.second < CASES; pair.second++) {
                pthread_t thread;
                if (pthread_create(&thread, NULL, ask_pair, &pair) != 0 ||
                    pthread_join(thread, NULL) != 0)
                    _exit(2);
            }
            _exit(pair.is_other);
        }
        wait_for(pid);
    }
}
END_TEST

/* All of them on one worker, in an order that meets each pair, and each thing kept with each. */
START_TEST(S3_no_answer_depends_on_all_requests_before)
{
    static struct answer first[CASES], again;
    for (size_t i = 0; i < CASES; i++)
        ask_case(&cases[i], &first[i]);
    for (size_t step = 1; step < CASES; step++)
        for (size_t i = 0, at = 0; i < CASES; i++, at = (at + step) % CASES) {
            ask_case(&cases[at], &again);
            ck_assert_msg(memcmp(&again, &first[at], sizeof again) == 0,
                          "%s %s: %u %s; first %u %s", cases[at].ask, cases[at].body, again.code,
                          again.text, first[at].code, first[at].text);
        }
}
END_TEST

RUN_REQUESTS("independence", S3_no_answer_depends_on_the_request_before,
             S3_no_answer_depends_on_all_requests_before)
