/* Optional members that are null are as absent ones, in every dialect; required ones that are null are missing. */
#include "tests/unit/requests.h"

#define INFER  "POST /v2/models/m/infer"
#define TENSOR "\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1,2]"
#define INDEX  "POST /v2/repository/index"
#define LOAD   "POST /v2/repository/models/m/load"
#define BYTES                                                                                      \
    "{\"id\":null,\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":"     \
    "null,"                                                                                        \
    "\"parameters\":{\"binary_data_size\":8,\"shared_memory_region\":null}}],\"outputs\":null}"

static const struct request_case optional[] = {
    /* V2, as serializers of classes write it */
    ASK(INFER,
        "{\"id\":null,\"parameters\":null,\"inputs\":[{" TENSOR ",\"parameters\":null}],"
        "\"outputs\":null}",
        200, "{\"model_name\":\"m\",\"model_version\":\"2\",\"outputs\":["),
    ASK(INFER,
        "{\"inputs\":[{" TENSOR "}],\"raw_input_contents\":null,\"outputs\":[{\"name\":\"y\","
        "\"parameters\":null,\"datatype\":null,\"shape\":null}]}",
        200, "\"data\":[1,2,3]"),
    ASK(INFER,
        "{\"inputs\":[{" TENSOR ",\"parameters\":{\"content_type\":null,\"headers\":null}}],"
        "\"parameters\":{\"priority\":null,\"timeout\":null,\"sequence_id\":null,"
        "\"binary_data_output\":null,\"triton_x\":null,\"shared_memory_region\":null}}",
        200, "\"data\":[1,2,3]"),
    ASK(INFER,
        "{\"inputs\":[{" TENSOR
        "}],\"outputs\":[{\"name\":\"y\",\"parameters\":{\"binary_data\":null,"
        "\"classification\":null}}]}",
        200, "\"data\":[1,2,3]"),
    ASK_WITH(INFER, BYTES "\0\0\x80\x3f\0\0\0\x40", 200, "\"data\":[1,2,3]",
             .len = sizeof BYTES - 1 + 8, .length = "158"),
    /* parameters that are not known here are passed over, whatever they are */
    ASK(INFER,
        "{\"inputs\":[{" TENSOR
        ",\"parameters\":{\"headers\":{\"a\":[1]}}}],\"parameters\":{\"a\":{},"
        "\"b\":[[]],\"c\":1,\"d\":\"e\",\"f\":false}}",
        200, "\"data\":[1,2,3]"),
    /* V1 */
    ASK("POST /v1/models/m:predict", "{\"signature_name\":null,\"instances\":[[1,2]]}", 200,
        "{\"predictions\":[[1,2,3]]}"),
    ASK("POST /v1/models/m:predict",
        "{\"instances\":[[1,2]],\"inputs\":null,\"model_version\":null}", 200,
        "{\"predictions\":[[1,2,3]]}"),
    ASK("POST /v1/models/m:predict", "{\"instances\":null,\"inputs\":[[1,2]]}", 200,
        "{\"outputs\":[[1,2,3]]}"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":null,\"instances\":[[1,2]],\"parameters\":null}",
        200, "{\"predictions\":[[1,2,3]]}"),
    ASK("POST /v1/models/r:regress", "{\"context\":null,\"examples\":[{\"x\":1}]}", 200,
        "{\"results\":[2]}"),
    ASK("POST /v1/models/m:classify",
        "{\"signature_name\":null,\"context\":null,\"examples\":[{\"x\":[0,0]}]}", 200,
        "{\"results\":[[[\"a\","),
    /* native */
    ASK("POST /predict",
        "{\"model\":null,\"version\":null,\"inputs\":[1,2],\"top_k\":null,\"activations\":null,"
        "\"explain\":null}",
        200, "\"outputs\":[[1,2,3]],\"predictions\":[[{\"label\":\"c\""),
    ASK("POST /relu", "{\"activation\":null,\"input\":[-1,2],\"gradient\":null,\"alpha\":null}",
        200, "{\"activation\":\"relu\",\"output\":[0,2]}"),
    ASK("POST /relu", "{\"activation\":\"elu\",\"input\":[2],\"alpha\":null}", 200,
        "\"output\":[2]"),
    ASK("POST /relu", "{\"activation\":\"prelu\",\"input\":[-4],\"weight\":null}", 200,
        "\"output\":[-1]"),
    ASK("POST /relu", "{\"activation\":\"gelu\",\"input\":[0],\"approximate\":null}", 200,
        "\"output\":[0]"),
    /* administrators */
    ASK(INDEX, "{\"ready\":null}", 200, "\"name\":\"bad\""),
    ASK(INDEX, "null", 200,
        "{\"name\":\"m\",\"version\":\"2\",\"state\":\"READY\",\"reason\":\"\"}"),
    ASK(INDEX, "{\"ready\":true}", 200,
        "[{\"name\":\"m\",\"version\":\"2\",\"state\":\"READY\",\"reason\":\"\"},{"),
    ASK(INDEX, "{}", 200, "\"state\":\"UNAVAILABLE\",\"reason\":\""),
    ASK("POST /v2/logging",
        "{\"log_info\":null,\"log_warning\":null,\"log_error\":null,\"log_file\":null,"
        "\"log_format\":null,\"log_verbose_level\":null}",
        200, "\"log_error\":true"),
    ASK("POST /v2/trace/setting", "{\"trace_level\":null,\"trace_rate\":null}", 200,
        "\"trace_level\":[\"OFF\"]"),
};

START_TEST(P3_an_optional_member_that_is_null_is_absent)
{
    requests_check(optional, sizeof optional / sizeof *optional);
}
END_TEST

static const struct request_case required[] = {
    ASK(INFER, "{\"inputs\":null}", 400, "inputs must be an array with one tensor"),
    ASK(INFER, "{\"inputs\":[null]}", 400, "inputs[0] must be an object"),
    ASK(INFER, "{\"inputs\":[{\"name\":null}]}", 400, "inputs[0].name is missing"),
    ASK(INFER, "{\"inputs\":[{\"name\":\"x\",\"datatype\":null}]}", 400,
        "inputs[0].datatype is missing"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":null,\"data\":[1,2]}]}", 400,
        "inputs[0].shape must be an array"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,null],\"data\":[1,2]}]}",
        400, "must be a whole number from 0"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":null}]}", 400,
        "inputs[0].data is missing"),
    ASK(INFER,
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[1,null]}]}",
        400, "inputs[0].data[1]: 'null' is no number"),
    ASK(INFER, "{\"inputs\":[{" TENSOR "}],\"outputs\":[null]}", 400,
        "each of outputs must be an object with a name"),
    ASK(INFER, "{\"inputs\":[{" TENSOR "}],\"outputs\":[{\"name\":null}]}", 400,
        "each of outputs must be an object with a name"),
    ASK(INFER, "null", 400, "a JSON object"),
    ASK(INFER, "{\"id\":nul,\"inputs\":[]}", 400, "a value is wanted"),
    ASK("POST /v1/models/m:predict", "{\"instances\":null}", 400,
        "Missing 'inputs' or 'instances' key"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[null]}", 400, "'null' is no number"),
    ASK("POST /v1/models/m:predict", "{\"instances\":null,\"instances\":[[1,2]]}", 400,
        "stands twice"),
    ASK("POST /v1/models/r:regress", "{\"examples\":null}", 400, "Missing 'examples' key"),
    ASK("POST /predict", "{\"inputs\":null}", 400, "inputs is missing"),
    ASK("POST /predict", "{\"inputs\":[1,null]}", 400, "inputs[1]: 'null' is no number"),
    ASK("POST /relu", "{\"input\":null}", 400, "input is missing"),
    ASK("POST /relu", "{\"activation\":\"prelu\",\"input\":[-4],\"weight\":[null]}", 400,
        "weight must be a number or an array of numbers"),
};

START_TEST(P3_a_required_member_that_is_null_is_missing)
{
    requests_check(required, sizeof required / sizeof *required);
}
END_TEST

/* Of loading: what is in the load job that the loader gets. */
START_TEST(P3_a_load_whose_members_are_null_is_a_plain_load)
{
    static const struct {
        const char *body, *policy;
    } cases[] = {
        {"null", ""},
        {"{\"parameters\":null}", ""},
        {"{\"parameters\":{\"config\":null,\"file:1/model.json\":null}}", ""},
        {"{\"parameters\":{\"config\":\"{\\\"version_policy\\\":null}\"}}", ""},
        {"{\"parameters\":{\"config\":\"{\\\"version_policy\\\":{\\\"latest\\\":null,\\\"all\\\":{}"
         "}}\"}}",
         "all"},
        {"{\"parameters\":{\"config\":\"{\\\"version_policy\\\":{\\\"latest\\\":{\\\"num_"
         "versions\\\":"
         "null}}}\"}}",
         "latest:1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct request request = {.service = &requests_service.service, .is_admin = true};
        request.route = router_find(&request, "POST", "/v2/repository/models/m/load");
        ck_assert_msg(request.route->read(&request, cases[i].body, strlen(cases[i].body)) ==
                          READ_LOADING,
                      "%s: %.*s", cases[i].body, (int)request.out.len, request.out.at);
        ck_assert_str_eq(request.load_job->policy, cases[i].policy);
        request.load_job->is_right = true;
        request.route->write(&request);
        ck_assert_uint_eq(request.code, 200);
        text_free(&request.out);
    }
}
END_TEST

RUN_REQUESTS("nulls", P3_an_optional_member_that_is_null_is_absent,
             P3_a_required_member_that_is_null_is_missing,
             P3_a_load_whose_members_are_null_is_a_plain_load)
