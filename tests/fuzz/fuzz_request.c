/* libFuzzer on whole requests, from the path to the answer, without HTTP: every route of every dialect over a small model. The
 * input is a line of options, a path with a query, a NUL, and the body. */
#include "tests/fuzz/fuzz.h"

#include "tests/service.h"

static const char model_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"m\",\"input\":{\"name\":\"x\",\"features\":2},"
    "\"layers\":[{\"weight\":\"w\",\"activation\":\"relu\"}],"
    "\"output\":{\"name\":\"y\",\"task\":\"classification\",\"labels\":[\"a\",\"b\",\"c\"]}}";
static const char tensors_header[] =
    "{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}   ";

static void write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    FUZZ_ASSERT(file && fwrite(bytes, 1, len, file) == len);
    fclose(file);
}

static struct test_service *service(void)
{
    static struct test_service test;
    static int is_open;
    if (is_open)
        return &test;
    char dir[] = "/tmp/relud-fuzz-XXXXXX";
    unsigned char tensors[8 + sizeof tensors_header - 1 + 24] = {sizeof tensors_header - 1};
    const float weight[] = {1, -1, 0.5f, 2, -3, 1};
    memcpy(tensors + 8, tensors_header, sizeof tensors_header - 1);
    memcpy(tensors + 8 + sizeof tensors_header - 1, weight, sizeof weight);
    FUZZ_ASSERT(mkdtemp(dir));
    write_file(dir, "model.json", model_json, sizeof model_json - 1);
    write_file(dir, "model.safetensors", tensors, sizeof tensors);
    test_service_open(&test, dir, NULL);
    is_open = 1;
    return &test;
}

static void answer(struct request *request, const char *body, size_t len)
{
    FUZZ_ASSERT(test_service_answer(request, body, len));
    FUZZ_ASSERT(request->code >= 200 && request->code < 600 && request->code != 500);
    if (request->code >= 400)
        FUZZ_ASSERT(relud_json_check(request->out.at, request->out.len - 1, NULL));
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    static const char *const types[] = {NULL, "application/json", "application/octet-stream",
                                        "application/x-npy"};
    struct test_service *test = service();
    const unsigned char *end = len > 1 ? memchr(bytes + 1, '\0', len - 1) : NULL;
    if (!end || len > 65536)
        return 0;
    char *path = fuzz_copy(bytes + 1, (size_t)(end - bytes - 1), 1), *query = strchr(path, '?');
    size_t body_len = len - (size_t)(end + 1 - bytes);
    char *body = fuzz_copy(end + 1, body_len, 0);
    char inference_len[8];
    struct request request = {.service = &test->service,
                              .content_type = types[bytes[0] & 3],
                              .accept = types[bytes[0] >> 2 & 3],
                              .content_encoding = bytes[0] & 16 ? "gzip" : NULL,
                              .is_admin = bytes[0] & 128};
    snprintf(inference_len, sizeof inference_len, "%d", bytes[0] >> 1);
    if (bytes[0] & 32)
        request.inference_header_length = inference_len;
    if (query) {
        *query = '\0';
        test_service_query(&request, query + 1);
    }
    request.route = router_find(&request, bytes[0] & 64 ? "GET" : "POST", path);
    /* Loading and unloading want the loader's thread, which does not run here. */
    if (request.route && request.route->endpoint != ENDPOINT_REPOSITORY)
        answer(&request, body, body_len);
    text_free(&request.out);
    free(path);
    free(body);
    return 0;
}
