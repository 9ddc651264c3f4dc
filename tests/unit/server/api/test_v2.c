/* The Open Inference Protocol V2, request by request: what is right, and what is wrong by its words. */
#include "tests/unit/requests.h"

#define INFER            "POST /v2/models/m/infer"
#define INPUT(rest)      "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\"," rest "}]}"
#define RIGHT            "\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1,2]"
#define MORE(rest)       "{\"inputs\":[{" RIGHT "}]," rest "}"
#define OUTPUT(rest)     MORE("\"outputs\":[{\"name\":\"y\"" rest "}]")
#define PARAMETERS(rest) "{\"inputs\":[{" RIGHT ",\"parameters\":{" rest "}}]}"
#define BYTES                                                                                      \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"parameters\":{\"binary_" \
    "data_size\":8}}]}"

#define FOUR                                                                                       \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"parameters\":{\"binary_" \
    "data_size\":4}}]}"

#define NOTHING                                                                                    \
    "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[0,2],\"parameters\":{\"binary_" \
    "data_size\":0}}]}"

static const struct request_case inferences[] = {
    ASK(INFER, "{\"inputs\":[{" RIGHT "}]}", 200, "\"data\":[1,2,3]"),
    ASK(INFER, MORE("\"id\":\"an id\""), 200, "\"id\":\"an id\""),
    ASK(INFER, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2],\"data\":[1,2]}]}",
        200, "\"data\":[1,2,3]"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BOOL\",\"shape\":[1,2],\"data\":[true,false]}]"
        "}",
        200, "\"data\":[1,0,1]"),
    ASK("POST /v2/models/r/infer",
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2],\"data\":[1,2]}]}", 200,
        "\"data\":[2,4]"),
    ASK("POST /v2/models/two/infer",
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,4],\"data\":[1,2,3,4,5,6,"
        "7,8]"
        "}]}",
        200, "\"data\":[10,26]"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"classification\":2}"), 200,
        "\"datatype\":\"BYTES\",\"shape\":[1,2],\"data\":[\"3:2:c\",\"2:1:b\"]"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"classification\":9}"), 200,
        "\"data\":[\"3:2:c\",\"2:1:b\",\"1:0:a\"]"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"classification\":1,\"binary_data\":true}"), 200,
        "\5\0\0\0003:2:c" + 4),
    ASK("POST /v2/models/two/infer",
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,4],\"data\":[1,2,2,4,5,6,"
        "7,8]"
        "}],\"outputs\":[{\"name\":\"a\",\"parameters\":{\"classification\":1}}]}",
        200, "\"data\":[\"4:3\",\"8:3\"]"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"binary_data\":true}"), 200,
        "\"parameters\":{\"binary_data_size\":12}}]}"),
    ASK(INFER, MORE("\"parameters\":{\"binary_data_output\":true}"), 200,
        "\"binary_data_size\":12}"),
    ASK(INFER, MORE("\"outputs\":[{\"name\":\"probabilities\"}]"), 200,
        "\"name\":\"probabilities\""),
    ASK(INFER, MORE("\"parameters\":{\"timeout\":9000000000000000}"), 200, "\"data\":[1,2,3]"),
    ASK_WITH(INFER, BYTES "\0\0\x80\x3f\0\0\0\x40", 200, "\"data\":[1,2,3]",
             .len = sizeof BYTES - 1 + 8, .length = "93"),
    /* the tensor */
    ASK(INFER, "{\"inputs\":1}", 400, "inputs must be an array of tensors at byte 10"),
    ASK(INFER, "{\"inputs\":[]}", 400, "inputs must be an array with one tensor"),
    ASK(INFER, "{}", 400, "inputs must be an array with one tensor"),
    ASK(INFER, "{\"inputs\":[1]}", 400, "inputs[0] must be an object"),
    ASK(INFER, "{\"inputs\":[{}]}", 400, "inputs[0].name is missing"),
    ASK(INFER, "{\"inputs\":[{\"name\":\"z\"}]}", 400, "model 'm' has no input 'z'; it has 'x'"),
    ASK(INFER, "{\"inputs\":[{\"name\":\"x\"}]}", 400, "inputs[0].datatype is missing"),
    ASK(INFER, "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"BYTES\"}]}", 400,
        "datatype 'BYTES' is not taken"),
    ASK(INFER, INPUT("\"data\":[1,2]"), 400, "inputs[0].shape must be an array of whole numbers"),
    ASK(INFER, INPUT("\"shape\":1,\"data\":[1,2]"), 400, "inputs[0].shape must be an array"),
    ASK(INFER, INPUT("\"shape\":[1,-2],\"data\":[1,2]"), 400, "must be a whole number from 0"),
    ASK(INFER, INPUT("\"shape\":[1,2.5],\"data\":[1,2]"), 400, "must be a whole number from 0"),
    ASK(INFER, INPUT("\"shape\":[1,\"2\"],\"data\":[1,2]"), 400, "must be a whole number from 0"),
    ASK(INFER, INPUT("\"shape\":[1e16],\"data\":[1,2]"), 400, "must be a whole number from 0"),
    ASK(INFER, INPUT("\"shape\":[8000000000000000,8000000000000000],\"data\":[1,2]"), 400,
        "the product of inputs[0].shape is too large"),
    ASK(INFER,
        INPUT("\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,2],"
              "\"data\":"
              "[1,2]"),
        400, "too many dimensions"),
    ASK(INFER, INPUT("\"shape\":[],\"data\":[1]"), 400,
        "input 'x' has shape []; model 'm' wants [-1,2]"),
    ASK(INFER, INPUT("\"shape\":[0,2],\"data\":[]"), 400, "inputs[0].data is an empty array"),
    ASK(INFER, INPUT("\"shape\":[2,2,2],\"data\":[1,2,3,4,5,6,7,8]"), 400, "has shape [2,2,2]"),
    ASK(INFER, INPUT("\"shape\":[1,3],\"data\":[1,2,3]"), 400, "has shape [1,3]"),
    ASK(INFER, INPUT("\"shape\":[2,2],\"data\":[1,2]"), 400, "2"),
    ASK(INFER, INPUT("\"shape\":[1,2]"), 400, "data"),
    ASK(INFER, INPUT("\"shape\":[1,2],\"data\":[1,x]"), 400, "not a JSON number"),
    ASK(INFER, INPUT("\"shape\":[1,2],\"data\":[1,1e99]"), 400, "is not finite as float32"),
    ASK(INFER, "{\"inputs\":[{" RIGHT "}", 400, "at byte"),
    /* parameters */
    ASK(INFER, MORE("\"parameters\":1"), 400, "parameters must be an object"),
    ASK(INFER, MORE("\"parameters\":{\"triton_x\":1}"), 400, "parameter 'triton_x' is reserved"),
    ASK(INFER, MORE("\"parameters\":{\"binary_data_output\":1}"), 400,
        "binary_data_output must be true or false"),
    ASK(INFER, MORE("\"parameters\":{\"timeout\":-1}"), 400,
        "timeout must be a whole number from 0"),
    ASK(INFER, PARAMETERS("\"shared_memory_region\":\"r\""), 400,
        "shared memory is not served here"),
    ASK(INFER, PARAMETERS("\"binary_data_size\":\"8\""), 400,
        "binary_data_size must be a whole number from 0"),
    ASK(INFER, MORE("\"id\":1"), 400, "id must be a string"),
    ASK(INFER,
        MORE("\"id\":"
             "\"01234567890123456789012345678901234567890123456789012345678901234567890123456789012"
             "345"
             "67890123456789012345678901234567890123456789\""),
        400, "id is longer than 128 bytes"),
    /* outputs */
    ASK(INFER, MORE("\"outputs\":1"), 400, "outputs must be an array"),
    ASK(INFER, MORE("\"outputs\":[{}]"), 400, "each of outputs must be an object with a name"),
    ASK(INFER, MORE("\"outputs\":[{\"name\":\"z\"}]"), 400, "the model has no output 'z'"),
    ASK(INFER, MORE("\"outputs\":[{\"name\":\"y\"},{\"name\":\"y\"}]"), 400,
        "output 'y' stands twice"),
    ASK(INFER, MORE("\"outputs\":[{\"name\":\"y\"},{\"name\":\"probabilities\"}]"), 200,
        "\"name\":\"probabilities\""),
    ASK(INFER, OUTPUT(",\"parameters\":1"), 400, "parameters must be an object"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"classification\":0}"), 400,
        "classification must be at least 1"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"classification\":1.5}"), 400,
        "classification must be a whole number"),
    ASK(INFER, OUTPUT(",\"parameters\":{\"binary_data\":\"yes\"}"), 400,
        "binary_data must be true or false"),
    /* bytes behind it */
    ASK_WITH(INFER, BYTES, 400, "8", .length = NULL),
    ASK_WITH(INFER, BYTES "\0\0\x80\x3f", 400,
             "binary_data_size is 8; 4 bytes stand behind the JSON", .len = sizeof BYTES - 1 + 4,
             .length = "93"),
    ASK_WITH(INFER, FOUR "\0\0\x80\x3f", 400, "has 4 bytes; its shape wants 2 numbers of 4",
             .len = sizeof FOUR - 1 + 4, .length = "93"),
    ASK_WITH(INFER, NOTHING, 400, "input 'x' has shape [0,2]", .length = "93"),
    ASK_WITH(INFER, BYTES, 400, "Inference-Header-Content-Length 'x' is not a number of bytes",
             .length = "x"),
    ASK_WITH(INFER, BYTES, 400, "Inference-Header-Content-Length '1x' is not a number of bytes",
             .length = "1x"),
    ASK_WITH(INFER, BYTES, 400, "Inference-Header-Content-Length ':' is not a number of bytes",
             .length = ":"),
    ASK_WITH(INFER, BYTES, 400, "'1234567890123456789' is not a number of bytes",
             .length = "1234567890123456789"),
    ASK_WITH(INFER, BYTES, 400, "Inference-Header-Content-Length 999 is more than the body has",
             .length = "999"),
    /* whom it is for */
    ASK("POST /v2/models/none/infer", "{}", 404, "there is no model 'none'"),
    ASK("POST /v2/models/m/versions/9/infer", "{}", 404, "there is no model 'm' of version 9"),
    ASK("POST /v2/models/m/versions/1/infer", "{}", 404, "there is no model 'm' of version 1"),
    ASK("POST /v2/models/bad/infer", "{}", 503, "model 'bad' is not ready"),
    ASK("POST /v2/models/bad/versions/1/infer", "{}", 503, "format must be"),
    ASK("POST /v2/models//infer", "{}", 404, "nothing is at"),
    ASK("POST /v2/models/..%2fm/infer", "{}", 404, "there is no model at"),
};

/* What the worker keeps of the last request is not for these: each is another, and its envelope is parsed. */
START_TEST(an_envelope_takes_memory_that_may_not_be_there)
{
    bool is_reached = true, is_refused = false;
    for (long nth = 1; is_reached; nth++) {
        char body[200], id[32];
        struct request request;
        snprintf(id, sizeof id, "\"id\":\"%ld\"", nth);
        snprintf(body, sizeof body, "{\"inputs\":[{%s}],%s}", RIGHT, id);
        const struct request_case with = {.ask = INFER, .body = body};
        scarce_begin(SCARCE_MEMORY, nth);
        bool is_answered = requests_ask(&with, &request);
        is_reached = scarce_end();
        bool is_right = request.code == 200 && requests_has(&request, id) &&
                        requests_has(&request, "\"data\":[1,2,3]");
        ck_assert_msg(!is_answered || is_right || request.code == 503, "%ld: %u %.*s", nth,
                      request.code, (int)request.out.len, request.out.at);
        is_refused |= is_answered && requests_has(&request, "out of memory for the request");
        ck_assert(is_reached || is_right);
        text_free(&request.out);
    }
    ck_assert(is_refused);
}
END_TEST

/* More than the worker keeps: it is parsed each time; and blanks around what has no numbers make other bytes of it. */
START_TEST(a_long_envelope_is_answered_as_a_short_one)
{
    char body[2000];
    snprintf(body, sizeof body, "{\"inputs\":[{%s}],\"parameters\":{\"a\":\"%01500d\"}}", RIGHT, 0);
    const struct request_case cases[] = {
        ASK(INFER, body, 200, "\"data\":[1,2,3]"),
        ASK(INFER, body, 200, "\"data\":[1,2,3]"),
        ASK_WITH(INFER, " " BYTES "\0\0\x80\x3f\0\0\0\x40", 200, "\"data\":[1,2,3]",
                 .len = sizeof BYTES + 8, .length = "94"),
        ASK_WITH(INFER, BYTES " \0\0\0\x40\0\0\0\x40", 200, "\"data\":[2,2,4]",
                 .len = sizeof BYTES + 8, .length = "94"),
        ASK_WITH(INFER, BYTES "\0\0\x80\x3f\0\0\0\x40", 200, "\"data\":[1,2,3]",
                 .len = sizeof BYTES - 1 + 8, .length = "93"),
    };
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(inferences_are_answered_or_refused)
{
    requests_check(inferences, sizeof inferences / sizeof *inferences);
}
END_TEST

static const struct request_case others[] = {
    ASK("GET /v2", NULL, 200, "\"name\":\"relud\""),
    ASK("GET /v2/", NULL, 200, "\"name\":\"relud\""),
    ASK("GET /v2/health/live", NULL, 200, "{\"live\":true}"),
    ASK("GET /v2/health/ready", NULL, 200, "\"ready\":true"),
    ASK("HEAD /v2/health/ready", NULL, 200, "\"ready\":true"),
    ASK("GET /v2/models/m/ready", NULL, 200, "{\"name\":\"m\",\"ready\":true}"),
    ASK("GET /v2/models/bad/ready", NULL, 503,
        "{\"name\":\"bad\",\"ready\":false,\"error\":\"model 'bad' is not ready"),
    ASK("GET /v2/models/none/ready", NULL, 404, "there is no model 'none'"),
    ASK("GET /v2/models/m", NULL, 200, "\"versions\":[\"2\"]"),
    ASK("GET /v2/models/two", NULL, 200, "\"outputs\":[{\"name\":\"a\""),
    ASK("GET /v2/models/none", NULL, 404, "there is no model 'none'"),
    ASK("GET /v2/models/m/config", NULL, 200,
        "\"version_policy\":{\"latest\":{\"num_versions\":1}}"),
    ASK("GET /v2/models/two/config", NULL, 200,
        "{\"name\":\"b\",\"data_type\":\"TYPE_FP32\",\"dims\":[1]"),
    ASK("GET /v2/models/none/config", NULL, 404, "there is no model 'none'"),
    ASK("GET /v2/models/stats", NULL, 200, "\"model_stats\":[{\"name\":\"m\""),
    ASK("GET /v2/models/m/stats", NULL, 200, "\"model_stats\":[{\"name\":\"m\",\"version\":\"2\""),
    ASK("GET /v2/models/m/versions/2/stats", NULL, 200, "\"version\":\"2\""),
    ASK("GET /v2/models/bad/versions/1/stats", NULL, 503, "model 'bad' of version 1 is not ready"),
    ASK("GET /v2/models/none/stats", NULL, 404, "there is no model 'none'"),
    ASK("GET /openapi.json", NULL, 200, "\"enum\": [\"m\", \"r\", \"shaped\", \"two\"]"),
    ASK("PUT /v2", NULL, 405, "/v2 wants GET, not PUT"),
    ASK("OPTIONS /v2", NULL, 204, ""),
    ASK("DELETE /v2/logging", NULL, 405, "not DELETE"),
    /* trace: there is none */
    ASK("GET /v2/trace/setting", NULL, 200, "\"trace_level\":[\"OFF\"]"),
    ASK("GET /v2/models/m/trace/setting", NULL, 200, "\"trace_level\":[\"OFF\"]"),
    ASK("GET /v2/models/none/trace/setting", NULL, 404, "there is no model 'none'"),
    ASK("POST /v2/trace/setting", "{\"trace_level\":[\"OFF\"]}", 200, "\"trace_level\":[\"OFF\"]"),
    ASK("POST /v2/trace/setting", "{}", 200, "\"trace_level\":[\"OFF\"]"),
    ASK("POST /v2/trace/setting", "{\"trace_level\":[\"TIMESTAMPS\"]}", 501,
        "traces are not written"),
    ASK("POST /v2/trace/setting", "{\"trace_level\":[1]}", 501, "traces are not written"),
    ASK("POST /v2/trace/setting", "[", 400, "ends too early"),
    ASK_WITH("POST /v2/trace/setting", "{}", 403, "this is for administrators",
             .is_not_admin = true),
    /* logging */
    ASK("GET /v2/logging", NULL, 200,
        "\"log_info\":true,\"log_warning\":true,\"log_error\":true,\"log_verbose_level\":0"),
    ASK("POST /v2/logging", "{\"log_verbose_level\":1}", 200, "\"log_verbose_level\":1"),
    ASK("POST /v2/logging", "{\"log_info\":false,\"log_verbose_level\":0}", 200,
        "\"log_info\":false,\"log_warning\":true"),
    ASK("POST /v2/logging", "{\"log_warning\":false}", 200, "\"log_warning\":false"),
    ASK("POST /v2/logging", "{\"log_warnings\":true}", 200, "\"log_warning\":true"),
    ASK("POST /v2/logging",
        "{\"log_info\":true,\"log_error\":true,\"log_file\":\"\",\"log_format\":\"default\"}", 200,
        "\"log_info\":true"),
    ASK("POST /v2/logging", "{\"log_info\":1}", 400, "log_info must be true or false"),
    ASK("POST /v2/logging", "{\"log_warning\":1}", 400, "log_warning must be true or false"),
    ASK("POST /v2/logging", "{\"log_error\":false}", 400,
        "log_error must be true: errors are always logged"),
    ASK("POST /v2/logging", "{\"log_error\":1}", 400, "log_error must be true"),
    ASK("POST /v2/logging", "{\"log_verbose_level\":-1}", 400,
        "log_verbose_level must be a number from 0"),
    ASK("POST /v2/logging", "{\"log_verbose_level\":\"1\"}", 400,
        "log_verbose_level must be a number from 0"),
    ASK("POST /v2/logging", "{\"log_file\":\"f\"}", 400, "log_file must be"),
    ASK("POST /v2/logging", "{\"log_file\":1}", 400, "log_file must be"),
    ASK("POST /v2/logging", "{\"log_format\":\"json\"}", 400, "log_format must be"),
    ASK("POST /v2/logging", "{\"log_format\":1}", 400, "log_format must be"),
    ASK("POST /v2/logging", "{\"colour\":1}", 400, "unknown setting 'colour'"),
    ASK("POST /v2/logging", "[]", 400, "this is not a JSON object"),
    ASK_WITH("POST /v2/logging", "{}", 403, "this is for administrators", .is_not_admin = true),
    /* the repository, as far as no load job is run */
    ASK("POST /v2/repository/index", NULL, 200,
        "{\"name\":\"m\",\"version\":\"2\",\"state\":\"READY\",\"reason\":\"\"}"),
    ASK("POST /v2/repository/index", "{\"ready\":false}", 200,
        "{\"name\":\"bad\",\"version\":\"1\",\"state\":\"UNAVAILABLE\",\"reason\":"),
    ASK("POST /v2/repository/index", "{\"ready\":true}", 200,
        "[{\"name\":\"m\",\"version\":\"2\",\"state\":\"READY\",\"reason\":\"\"},{\"name\":\"r\""),
    ASK("POST /v2/repository/index", "{\"ready\":1}", 400, "ready must be true or false"),
    ASK("POST /v2/repository/index", "{\"red\":true}", 400,
        "unknown member 'red'; known here: ready"),
    ASK("POST /v2/repository/index", "{", 400, "ends too early"),
    ASK_WITH("POST /v2/repository/models/m/load", "{}", 403, "this is for administrators",
             .is_not_admin = true),
    ASK("POST /v2/repository/models/m/load", "[]", 400, "this is not a JSON object"),
    ASK("POST /v2/repository/models/m/load", "{\"parameters\":1}", 400,
        "parameters must be an object"),
    ASK("POST /v2/repository/models/m/load", "{\"parameters\":{\"file:1/model.json\":\"\"}}", 400,
        "files are not taken by this call"),
    ASK("POST /v2/repository/models/m/load", "{\"parameters\":{\"other\":1,\"config\":1}}", 400,
        "config must be a string of JSON"),
    ASK("POST /v2/repository/models/m/load", "{\"parameters\":{\"config\":\"{\"}}", 400,
        "ends too early"),
#define CONFIG(policy) "{\"parameters\":{\"config\":\"{\\\"version_policy\\\":" policy "}\"}}"
    ASK("POST /v2/repository/models/m/load", CONFIG("{}"), 400,
        "version_policy is none of latest, all and specific"),
    ASK("POST /v2/repository/models/m/load", CONFIG("{\\\"latest\\\":{\\\"num_versions\\\":0}}"),
        400, "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load", CONFIG("{\\\"latest\\\":{\\\"num_versions\\\":1025}}"),
        400, "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load",
        CONFIG("{\\\"latest\\\":{\\\"num_versions\\\":\\\"1\\\"}}"), 400,
        "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load", CONFIG("{\\\"specific\\\":{}}"), 400,
        "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load", CONFIG("{\\\"specific\\\":{\\\"versions\\\":[0]}}"),
        400, "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load", CONFIG("{\\\"specific\\\":{\\\"versions\\\":[1e15]}}"),
        400, "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load",
        CONFIG("{\\\"specific\\\":{\\\"versions\\\":[\\\"1\\\"]}}"), 400,
        "version_policy is none of"),
    ASK("POST /v2/repository/models/m/load",
        CONFIG(
            "{\\\"specific\\\":{\\\"versions\\\":[100000000000000,100000000000000,100000000000000,"
            "1]}}"),
        400, "version_policy is none of"),
};

/* Versions and their number are whole, and no texts. */
#define LOAD(policy)                                                                               \
    ASK("POST /v2/repository/models/m/load", CONFIG(policy), 400, "version_policy is none of")
static const struct request_case fractions[] = {
    LOAD("{\\\"latest\\\":{\\\"num_versions\\\":1.5}}"),
    LOAD("{\\\"latest\\\":{\\\"num_versions\\\":-1}}"),
    LOAD("{\\\"latest\\\":{\\\"num_versions\\\":1e999}}"),
    LOAD("{\\\"latest\\\":{\\\"num_versions\\\":true}}"),
    LOAD("{\\\"specific\\\":{\\\"versions\\\":[1,2.5]}}"),
    LOAD("{\\\"specific\\\":{\\\"versions\\\":[1.5,2]}}"),
    LOAD("{\\\"specific\\\":{\\\"versions\\\":[-1]}}"),
    ASK("POST /v2/logging", "{\"log_verbose_level\":1.5}", 400, "log_verbose_level must be"),
};

START_TEST(F10_what_counts_is_a_whole_number)
{
    requests_check(fractions, sizeof fractions / sizeof *fractions);
}
END_TEST

START_TEST(what_there_is_besides_is_answered)
{
    requests_check(others, sizeof others / sizeof *others);
}
END_TEST

START_TEST(a_body_for_administrators_is_a_small_one)
{
    size_t len = (1 << 20) + 1;
    char *body = malloc(len);
    memset(body, ' ', len);
    const struct request_case great =
        ASK_WITH("POST /v2/logging", body, 413, "1048577 bytes; 1048576 are taken", .len = len);
    requests_check(&great, 1);
    free(body);
}
END_TEST

/* Loading with a policy of each kind, and unloading, by way of the load job that the loader gets. */
START_TEST(loads_carry_their_policy)
{
    static const struct {
        const char *body, *policy;
    } cases[] = {
        {"", ""},
        {"{\"parameters\":{}}", ""},
        {"{\"parameters\":{\"config\":\"{}\"}}", ""},
        {CONFIG("{\\\"all\\\":{}}"), "all"},
        {CONFIG("{\\\"latest\\\":{}}"), "latest:1"},
        {CONFIG("{\\\"latest\\\":{\\\"num_versions\\\":3}}"), "latest:3"},
        {CONFIG("{\\\"specific\\\":{\\\"versions\\\":[1,3]}}"), "1,3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request request = {.service = &requests_service.service, .is_admin = true};
        request.route = router_find(&request, "POST", "/v2/repository/models/m/load");
        ck_assert_int_eq(request.route->read(&request, cases[i].body, strlen(cases[i].body)),
                         READ_LOADING);
        ck_assert_str_eq(request.load_job->policy, cases[i].policy);
        request.load_job->is_right = i & 1;
        relud_fail(&request.load_job->error, i & 2 ? RELUD_BAD_INPUT : RELUD_BAD_MODEL, "why");
        request.route->write(&request);
        ck_assert_uint_eq(request.code, i & 1 ? 200 : i & 2 ? 404 : 400);
        text_free(&request.out);
    }
}
END_TEST

/* A service that is leaving says so, and one that knows no models has a description all the same. */
START_TEST(a_service_that_leaves_is_not_ready)
{
    const struct request_case ready =
        ASK("GET /v2/health/ready", NULL, 503, "\"error\":\"draining\"");
    requests_service.state.is_draining = true;
    requests_check(&ready, 1);
    requests_service.state.is_draining = false;
}
END_TEST

RUN_REQUESTS("api_v2", F10_what_counts_is_a_whole_number, inferences_are_answered_or_refused,
             an_envelope_takes_memory_that_may_not_be_there,
             a_long_envelope_is_answered_as_a_short_one, what_there_is_besides_is_answered,
             a_body_for_administrators_is_a_small_one, loads_carry_their_policy,
             a_service_that_leaves_is_not_ready)
