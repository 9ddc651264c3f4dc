/* libFuzzer on whole requests, from the path to the answer, without HTTP: every route of every dialect over four small models. The
 * input is a byte of options, letters of more options, a path with a query, a NUL, and the body. A question that a net answers is asked
 * twice: what a worker keeps of the first request must not change the second answer. */
#include "tests/fuzz/fuzz.h"

#include "tests/service.h"
#include <sys/stat.h>

static const char model_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"m\",\"input\":{\"name\":\"x\",\"features\":2},"
    "\"layers\":[{\"weight\":\"w\",\"activation\":\"relu\"}],"
    "\"output\":{\"name\":\"y\",\"task\":\"classification\",\"labels\":[\"a\",\"b\",\"c\"]}}";
static const char tensors_header[] =
    "{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]}}";

/* A model of words, ids and numbers, of which two may be missing. */
static const char words_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"w\",\"inputs\":["
    "{\"name\":\"c\",\"categories\":[\"Rome\",\"Oslo\"],\"missing\":\"Oslo\"},"
    "{\"name\":\"d\",\"categories\":[\"\",\"\u00e9\"],\"unknown\":\"zero\"},"
    "{\"name\":\"i\",\"embedding\":\"e\"},{\"name\":\"n\",\"shape\":[2],\"missing\":1}],"
    "\"layers\":[{\"weight\":\"w\"}]}";
static const char words_header[] =
    "{\"e\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]},"
    "\"w\":{\"dtype\":\"F32\",\"shape\":[1,7],\"data_offsets\":[12,40]}}";

/* Several inputs of numbers, all of which may be missing except the ids: whole rows have a name, too. */
static const char numbers_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"t\",\"inputs\":["
    "{\"name\":\"a\",\"shape\":[2],\"missing\":3},{\"name\":\"b\",\"missing\":1,\"mean\":2},"
    "{\"name\":\"i\",\"type\":\"INT32\",\"embedding\":\"e\"},"
    "{\"name\":\"s\",\"shape\":[2,1],\"type\":\"FP64\",\"missing\":0}],"
    "\"layers\":[{\"weight\":\"w\"}]}";
static const char numbers_header[] =
    "{\"e\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]},"
    "\"w\":{\"dtype\":\"F32\",\"shape\":[1,6],\"data_offsets\":[12,36]}}";

/* Columns only: a word, an id and a number, with names that JSON escapes. */
static const char columns_json[] =
    "{\"format\":\"relud-model/1\",\"name\":\"s\",\"inputs\":["
    "{\"name\":\"a b\",\"categories\":[\"x\",\"\\\"\"],\"embedding\":\"v\"},"
    "{\"name\":\"é\",\"embedding\":\"e\"},{\"name\":\"\\\\\",\"missing\":0}],"
    "\"layers\":[{\"weight\":\"w\"}]}";
static const char columns_header[] =
    "{\"e\":{\"dtype\":\"F32\",\"shape\":[3,1],\"data_offsets\":[0,12]},"
    "\"v\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[12,20]},"
    "\"w\":{\"dtype\":\"F32\",\"shape\":[1,3],\"data_offsets\":[20,32]}}";

static void write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    FUZZ_ASSERT(file && fwrite(bytes, 1, len, file) == len);
    fclose(file);
}

/* Writes dir/name/model.json and .safetensors. */
static void write_model(const char *dir, const char *name, const char *json, const char *header,
                        const float *numbers, size_t count)
{
    char path[64];
    unsigned char tensors[512] = {0};
    size_t len = strlen(header), at = 8 + (len + 7) / 8 * 8;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FUZZ_ASSERT(mkdir(path, 0700) == 0 && at + count * sizeof *numbers <= sizeof tensors);
    memset(tensors + 8, ' ', at - 8);
    tensors[0] = (unsigned char)(at - 8);
    memcpy(tensors + 8, header, len);
    memcpy(tensors + at, numbers, count * sizeof *numbers);
    write_file(path, "model.json", json, strlen(json));
    write_file(path, "model.safetensors", tensors, at + count * sizeof *numbers);
}

static struct test_service *service(void)
{
    static struct test_service test;
    static int is_open;
    if (is_open)
        return &test;
    char dir[] = "/tmp/relud-fuzz-XXXXXX";
    static const float weight[] = {1, -1, 0.5f, 2, -3, 1},
                       words[] = {1, 2, 3, 1, 2, 4, 8, 16, 32, 64};
    FUZZ_ASSERT(mkdtemp(dir));
    write_model(dir, "m", model_json, tensors_header, weight, 6);
    write_model(dir, "w", words_json, words_header, words, 10);
    write_model(dir, "s", columns_json, columns_header, words, 8);
    write_model(dir, "t", numbers_json, numbers_header, words, 9);
    test_service_open(&test, dir, "m");
    is_open = 1;
    return &test;
}

static bool is_of_a_net(const char *path)
{
    return strncmp(path, "/predict", 8) == 0 || strncmp(path, "/invocations", 12) == 0 ||
           strstr(path, "/infer") || strstr(path, ":predict");
}

static void answer(struct request *request, const char *body, size_t len)
{
    FUZZ_ASSERT(test_service_answer(request, body, len));
    FUZZ_ASSERT(request->code >= 200 && request->code < 600 && request->code != 500);
    if (request->code >= 400)
        FUZZ_ASSERT(relud_json_check(request->out.at, request->out.len - 1, NULL));
}

/* Asks the same once more. */
static void answer_again(const struct request *asked, const struct request *before,
                         const char *body, size_t len)
{
    struct request again = *asked;
    answer(&again, body, len);
    FUZZ_ASSERT(again.code == before->code && again.out.len == before->out.len &&
                memcmp(again.out.at, before->out.at, again.out.len) == 0);
    text_free(&again.out);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len)
{
    static const char *const types[] = {NULL, "application/json", "application/octet-stream",
                                        "application/x-npy"};
    struct test_service *test = service();
    const unsigned char *end = len > 1 ? memchr(bytes + 1, '\0', len - 1) : NULL;
    if (!end || len > 65536)
        return 0;
    char *line = fuzz_copy(bytes + 1, (size_t)(end - bytes - 1), 1), *query = strchr(line, '?');
    const char *path = line + strcspn(line, "/");
    bool sends_csv = memchr(line, 'c', (size_t)(path - line)) != NULL,
         wants_csv = memchr(line, 'a', (size_t)(path - line)) != NULL;
    size_t body_len = len - (size_t)(end + 1 - bytes);
    char *body = fuzz_copy(end + 1, body_len, 0);
    char inference_len[24];
    struct request request = {.service = &test->service,
                              .content_type = sends_csv ? "text/csv" : types[bytes[0] & 3],
                              .accept = wants_csv ? "text/csv" : types[bytes[0] >> 2 & 3],
                              .content_encoding = bytes[0] & 16 ? "gzip" : NULL,
                              .is_admin = bytes[0] & 128};
    const char *tail =
        memmem(body, body_len, "}]}", 3); /* the end of a JSON with bytes behind it */
    snprintf(inference_len, sizeof inference_len, "%zu",
             tail && bytes[0] & 1 ? (size_t)(tail + 3 - body) : (size_t)bytes[0] >> 1);
    if (memchr(line, 'z', (size_t)(path - line)))
        request.inference_header_length = "0";
    else if (bytes[0] & 32)
        request.inference_header_length = inference_len;
    if (query) {
        *query = '\0';
        test_service_query(&request, query + 1);
    }
    request.route = router_find(&request, bytes[0] & 64 ? "GET" : "POST", path);
    const struct request asked = request;
    /* Loading and unloading want the loader's thread, which does not run here. */
    if (request.route && request.route->endpoint != ENDPOINT_REPOSITORY) {
        answer(&request, body, body_len);
        if (is_of_a_net(path))
            answer_again(&asked, &request, body, body_len);
    }
    text_free(&request.out);
    free(line);
    free(body);
    return 0;
}
