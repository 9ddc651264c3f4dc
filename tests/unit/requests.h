/* Requests to a service without HTTP, over a repository of small models:
 *   m    x[2] to y[3], classes a, b and c; versions 1 and 2, of which 2 is served
 *   r    x[1] to y[1]
 *   two  x[4] to a[4] and b[1]
 *   shaped  x[2,3] to y[6]
 *   bad  what is no model */
#ifndef TESTS_UNIT_REQUESTS_H
#define TESTS_UNIT_REQUESTS_H

#include "tests/service.h"
#include "tests/unit/files.h"
#include "tests/unit/onnx_text.h"
#include "tests/unit/scarcity.h"
#include <sys/stat.h>
#include <unistd.h>

struct request_case {
    const char *ask;  /* "POST /v2/models/m/infer?a=b" */
    const char *body; /* NULL: none */
    unsigned code;
    const char *words;                          /* must be in the response */
    size_t len;                                 /* of the body; 0: up to its NUL */
    const char *content_type, *accept, *length; /* length: Inference-Header-Content-Length */
    bool is_not_admin;
};

#define ASK(which, text, wanted, in_it)                                                            \
    {                                                                                              \
        .ask = which, .body = text, .code = wanted, .words = in_it                                 \
    }
/* The same, with other fields set. */
#define ASK_WITH(which, text, wanted, in_it, ...)                                                  \
    {                                                                                              \
        .ask = which, .body = text, .code = wanted, .words = in_it, __VA_ARGS__                    \
    }

static inline void requests_put(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    for (char *at = path + strlen(dir) + 1; (at = strchr(at, '/')); at++) {
        *at = '\0';
        mkdir(path, 0700);
        *at = '/';
    }
    struct buffer all = {.at = (unsigned char *)(uintptr_t)bytes, .len = len};
    write_bytes(path, &all);
}

static inline void requests_put_text(const char *dir, const char *name, const char *text)
{
    requests_put(dir, name, text, strlen(text));
}

static inline void requests_put_onnx(const char *dir, const char *name, const char *net)
{
    struct buffer bytes = onnx_of(net, 11);
    requests_put(dir, name, bytes.at, bytes.len);
    free(bytes.at);
}

static struct test_service requests_service;
static char requests_dir[] = "/tmp/relud-requests-XXXXXX";

/* Opens the service over the repository. `bad` is added when the other models are already
 * served. */
static inline void requests_open(void)
{
    char *dir = requests_dir;
    struct test_service *test = &requests_service;
    struct relud_error error;
    static const char m_json[] =
        "{\"format\":\"relud-model/1\",\"name\":\"m\",\"output\":{\"name\":\"y\",\"task\":"
        "\"classification\",\"labels\":[\"a\",\"b\",\"c\"]}}";
    ck_assert_ptr_nonnull(mkdtemp(dir));
    for (int version = 1; version <= 2; version++) {
        char name[32];
        snprintf(name, sizeof name, "m/%d/model.json", version);
        requests_put_text(dir, name, m_json);
        snprintf(name, sizeof name, "m/%d/model.onnx", version);
        requests_put_onnx(dir, name, "x:f[N,2]; w=f[2,3]{1,0,1,0,1,1}; y=MatMul(x,w)");
    }
    requests_put_onnx(dir, "r/1/model.onnx", "x:f[N,1]; w=f[1,1]{2}; y=MatMul(x,w)");
    requests_put_onnx(dir, "two/1/model.onnx", "a=Relu(x); b=ReduceSum(x) axes=[1]; >a:f; >b:f");
    requests_put_onnx(dir, "shaped/1/model.onnx", "x:f[N,2,3]; y=Flatten(x) axis=1");
    test_service_open(test, dir, "m");
    requests_put_text(dir, "bad/1/model.json", "{}");
    ck_assert(!repository_load(test->loader.repository, "bad", NULL, &error));
}

static inline void requests_close(void)
{
    test_service_close(&requests_service);
    remove_folder(requests_dir);
}

/* Sends the request. It then holds the response, whose text the caller frees. False if there is no
 * response. */
static inline bool requests_ask(const struct request_case *with, struct request *request)
{
    char verb[8], path[256];
    int len = (int)strcspn(with->ask, " ");
    const char *body = with->body ? with->body : "";
    snprintf(verb, sizeof verb, "%.*s", len, with->ask);
    snprintf(path, sizeof path, "%s", with->ask + len + 1);
    char *query = strchr(path, '?');
    *request = (struct request){.service = &requests_service.service,
                                .content_type = with->content_type,
                                .accept = with->accept,
                                .inference_header_length = with->length,
                                .is_admin = !with->is_not_admin};
    if (query)
        *query++ = '\0';
    test_service_query(request, query ? query : path + strlen(path));
    request->route = router_find(request, verb, path);
    return !request->route ||
           test_service_answer(request, body, with->len ? with->len : strlen(body));
}

static inline bool requests_has(const struct request *request, const char *words)
{
    return !*words || memmem(request->out.at, request->out.len, words, strlen(words)) != NULL;
}

/* Checks each case's response. If it is 200, the case is repeated with each piece of memory
 * refused: the response must then be the same, 503, or none. */
static inline void requests_check(const struct request_case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct request request;
        bool is_answered = requests_ask(&cases[i], &request), is_reached = true;
        ck_assert_msg(is_answered && request.code == cases[i].code &&
                          requests_has(&request, cases[i].words),
                      "%s %.100s: %u %.*s; %u and '%s' are wanted", cases[i].ask,
                      cases[i].body ? cases[i].body : "", request.code, (int)request.out.len,
                      request.out.at, cases[i].code, cases[i].words);
        text_free(&request.out);
        for (long nth = 1; is_reached && cases[i].code == 200; nth++) {
            scarce_begin(SCARCE_MEMORY, nth);
            is_answered = requests_ask(&cases[i], &request);
            is_reached = scarce_end();
            bool is_same = request.code == 200 && requests_has(&request, cases[i].words);
            ck_assert_msg(!is_answered || is_same || request.code == 503,
                          "%s: without piece %ld of memory: %u %.*s", cases[i].ask, nth,
                          request.code, (int)request.out.len, request.out.at);
            text_free(&request.out);
        }
    }
}

/* Each test has a service of its own. */
#define RUN_REQUESTS(name, ...) RUN_SUITE_BETWEEN(name, requests_open, requests_close, __VA_ARGS__)

#endif
