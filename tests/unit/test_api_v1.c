/* TensorFlow Serving's REST API and our own /predict and /relu, request by request. */
#include "tests/unit/requests.h"

#define FLOATS .content_type = "application/octet-stream"
#define NPY    .content_type = "application/x-npy"

static const struct request_case v1[] = {
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]]}", 200, "{\"predictions\":[[1,2,3]]}"),
    ASK("POST /v1/models/m:predict", "{\"instances\": [[1,2],[3,4]]}", 200, "[[1,2,3],[3,4,7]]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[{\"x\":[1,2]}]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":{\"x\":[[1,2]]}}", 200,
        "{\"outputs\":[[1,2,3]]}"),
    ASK("POST /v1/models/r:predict", "{\"instances\":[1,2]}", 200, "{\"predictions\":[[2],[4]]}"),
    ASK("POST /v1/models/m/versions/2:predict", "{\"signature_name\":\"\",\"instances\":[[1,2]]}",
        200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict",
        "{\"signature_name\":\"serving_default\",\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/two:predict", "{\"instances\":[[1,2,3,4],[5,6,7,8]]}", 200,
        "{\"predictions\":[{\"a\":[1,2,3,4],\"b\":[10]},{\"a\":[5,6,7,8],\"b\":[26]}]}"),
    ASK("POST /v1/models/two:predict", "{\"inputs\":[[1,2,3,4],[5,6,7,8]]}", 200,
        "{\"outputs\":{\"a\":[[1,2,3,4],[5,6,7,8]],\"b\":[[10],[26]]}}"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[0,0]},{\"x\":[0,0]}]}", 200,
        "{\"result\":[[[\"a\",0.33333334],[\"b\",0.33333334],[\"c\",0.33333334]],[[\"a\","),
    ASK("POST /v1/models/m:classify", "{\"context\":{\"x\":1},\"examples\":[{\"x\":[0,0]}]}", 200,
        "[\"c\",0.33333334]"),
    ASK("POST /v1/models/r:regress", "{\"examples\":[{\"x\":1},{\"x\":2}]}", 200,
        "{\"result\":[2,4]}"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2,3]]}", 400,
        "instances[0] has 3 numbers; model 'm' wants 2"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":[[1,2,3]]}", 400,
        "inputs[0] has 3 numbers; model 'm' wants 2"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[1,2]}", 400,
        "instances must be an array of rows of 2 numbers"),
    ASK("POST /v1/models/m:predict", "{\"instances\":7}", 400,
        "instances must be an array of rows of 2 numbers"),
    ASK("POST /v1/models/r:predict", "{\"instances\":[[[1]]]}", 400,
        "instances must be an array of rows of 1 numbers"),
    ASK("POST /v1/models/m:predict", "{\"examples\":[[1,2]]}", 400,
        "Missing 'inputs' or 'instances' key"),
    ASK("POST /v1/models/m:classify", "{\"instances\":[[1,2]]}", 400, "Missing 'examples' key"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[1]}]}", 400,
        "examples[0] has 1 number"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"signature_name\":\"other\"}", 400,
        "Serving signature name: \\\"other\\\" not found"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"signature_name\":1}", 400,
        "signature_name must be a string"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"other\":1}", 400,
        "unknown member 'other'; known here: instances or inputs"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[1,2]}],\"other\":1}", 400,
        "known here: examples, context"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,1e99]]}", 400, "is not finite as float32"),
    ASK("POST /v1/models/m:predict", "{", 400, "ends too early"),
    ASK("POST /v1/models/r:classify", "{\"examples\":[{\"x\":1}]}", 400,
        "model 'r' is no classification"),
    ASK("POST /v1/models/m:regress", "{\"examples\":[{\"x\":[1,2]}]}", 400,
        "model 'm' has 3 outputs; a regression has one"),
    ASK("POST /v1/models/none:predict", "{}", 404, "there is no model 'none'"),
    ASK("POST /v1/models/none:classify", "{}", 404, "there is no model 'none'"),
    ASK("POST /v1/models/none:regress", "{}", 404, "there is no model 'none'"),
    /* status and metadata */
    ASK("GET /v1/models/m", NULL, 200,
        "\"ready\":true,\"model_version_status\":[{\"version\":\"2\",\"state\":\"AVAILABLE\","
        "\"status\":{\"error_code\":\"OK\""),
    ASK("GET /v1/models/m/versions/2", NULL, 200, "\"version\":\"2\""),
    ASK("GET /v1/models/m/versions/9", NULL, 404, "Could not find any versions of model m"),
    ASK("GET /v1/models/m/labels/stable", NULL, 404, "Could not find any versions of model m"),
    ASK("POST /v1/models/m/labels/stable:predict", "{}", 404, "model 'm' has no label 'stable'"),
    ASK("GET /v1/models/none", NULL, 404, "Could not find any versions of model none"),
    ASK("GET /v1/models/bad", NULL, 503,
        "\"state\":\"END\",\"status\":{\"error_code\":\"INTERNAL\""),
    ASK("GET /v1/models/bad/versions/1", NULL, 503, "\"ready\":false"),
    ASK("GET /v1/models/m/metadata", NULL, 200, "\"outputs\":{\"y\":{\"dtype\":\"DT_FLOAT\""),
    ASK("GET /v1/models/two/metadata", NULL, 200, "\"name\":\"b:0\""),
    ASK("GET /v1/models/none/metadata", NULL, 404, "there is no model 'none'"),
};

START_TEST(tensorflows_requests_are_answered_or_refused)
{
    requests_check(v1, sizeof v1 / sizeof *v1);
}
END_TEST

static const struct request_case predictions[] = {
    ASK("POST /predict", "{\"inputs\":[1,2]}", 200,
        "{\"model\":\"m\",\"version\":\"2\",\"outputs\":[[1,2,3]]"),
    ASK("POST /predict", "{\"inputs\": [[1,2],[3,4]]}", 200, "[[1,2,3],[3,4,7]]"),
    ASK("POST /predict", "{\"inputs\":[[0,0],[1,0]],\"model\":\"m\",\"top_k\":9}", 200,
        "\"predictions\":[[{\"label\":\"a\",\"index\":0,\"probability\":0.33333334},{\"label\":"
        "\"b\""),
    ASK("POST /predict", "{\"inputs\":[[1,2],[3,4]],\"activations\":true}", 200,
        "\"activations\":[[[1,2,3]],[[3,4,7]]]"),
    ASK("POST /predict", "{\"inputs\":[1],\"model\":\"r\",\"version\":\"1\"}", 200,
        "\"outputs\":[[2]]"),
    ASK_WITH("POST /predict", "\0\0\x80\x3f\0\0\0\x40", 200, "\"outputs\":[[1,2,3]]", .len = 8,
             FLOATS),
    ASK_WITH("POST /predict?model=m&top_k=2", "\0\0\x80\x3f\0\0\0\x40", 200, "\"index\":1",
             .len = 8, FLOATS),
    ASK_WITH("POST /predict?model=r&version=1", "\0\0\x80\x3f\0\0\0\x40", 200,
             "\"outputs\":[[2],[4]]", .len = 8, FLOATS),
    ASK_WITH("POST /predict", "{\"inputs\":[1,2]}", 200, "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40" + 3,
             .accept = "application/octet-stream"),
    ASK_WITH("POST /predict", "{\"inputs\":[1,2]}", 200, "\x93NUMPY",
             .accept = "application/x-npy"),
    ASK_WITH("POST /predict", "{\"inputs\":[1,2],\"activations\":true}", 400,
             "activations are given as JSON only", .accept = "application/x-npy"),
    ASK_WITH("POST /predict", "{\"inputs\":[1,2]}", 415, "Content-Type image/png is not read here",
             .content_type = "image/png"),
    ASK_WITH("POST /predict", "{\"inputs\":[1,2]}", 406, "Accept image/png cannot be answered",
             .accept = "image/png"),
    ASK_WITH("POST /predict", "", 400, "the body has 0 bytes; float32 numbers", FLOATS),
    ASK_WITH("POST /predict", "abc", 400, "the body has 3 bytes; float32 numbers", FLOATS),
    ASK_WITH("POST /predict", "abcd", 400,
             "the body has 1 float32 numbers; model 'm' wants rows of 2", FLOATS),
    ASK_WITH("POST /predict", "\0\0\xc0\x7f\0\0\0\x40", 400, "inputs[0][0]", .len = 8, FLOATS),
    ASK_WITH("POST /predict", "abcd", 400, "npy: the magic word", NPY),
    ASK_WITH("POST /predict?model=m&model=m", "\0\0\0\0\0\0\0\0", 400, "stands twice", .len = 8,
             FLOATS),
    ASK_WITH("POST /predict?%ff%=1", "\0\0\0\0\0\0\0\0", 400, "cannot be decoded", .len = 8,
             FLOATS),
    ASK_WITH("POST /predict?model=%", "\0\0\0\0\0\0\0\0", 400,
             "the query's parameter model cannot be decoded", .len = 8, FLOATS),
    ASK_WITH("POST /predict?model", "\0\0\0\0\0\0\0\0", 404, "there is no model ''", .len = 8,
             FLOATS),
    ASK_WITH("POST /predict?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", "\0\0\0\0\0\0\0\0", 400,
             "the query has 17 parameters; at most 16 are read", .len = 8, FLOATS),
    ASK("POST /predict", "{\"inputs\":1}", 400, "inputs is a number; an array of rows of 2"),
    ASK("POST /predict", "{\"inputs\":[[[1,2]]]}", 400, "inputs is nested too deep"),
    ASK("POST /predict", "{\"inputs\":[1,2,3]}", 400, "inputs has 3 numbers; model 'm' wants 2"),
    ASK("POST /predict", "{\"inputs\":[[1]]}", 400, "inputs[0] has 1 numbers; model 'm' wants 2"),
    ASK("POST /predict", "{\"inputs\":[1,1e99]}", 400, "is not finite as float32"),
    ASK("POST /predict", "{\"inputs\":[3e38,3e38]}", 400,
        "outputs[0][2] is not finite: inputs[0] is out of the range"),
    ASK("POST /predict", "{}", 400, "inputs is missing"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"model\":1}", 400, "model must be a string"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"version\":1}", 400, "version must be a string"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"top_k\":\"1\"}", 400, "top_k must be a number"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"top_k\":1048577}", 400,
        "top_k must be a whole number from 1 to 1048576"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"model\":\"none\"}", 404, "there is no model 'none'"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"version\":\"9\"}", 404,
        "there is no model 'm' of version 9"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"model\":\"r\",\"version\":\"9\"}", 404,
        "there is no model 'r' of version 9"),
    ASK("POST /predict", "{\"inputs\":[1,2],\"model\":\"bad\"}", 503, "model 'bad' is not ready"),
};

START_TEST(predictions_are_answered_or_refused)
{
    requests_check(predictions, sizeof predictions / sizeof *predictions);
}
END_TEST

static const struct request_case activations[] = {
    ASK("POST /relu", "{\"input\":-1}", 200, "{\"activation\":\"relu\",\"output\":0}"),
    ASK("POST /relu", "{\"input\":[[[-1,2]]],\"gradient\":true}", 200,
        "\"output\":[[[0,2]]],\"gradient\":[[[0,1]]]}"),
    ASK("POST /relu", "{\"input\":[-1,2],\"activation\":\"prelu\",\"weight\":0.5}", 200,
        "\"output\":[-0.5,2]"),
    ASK("POST /relu", "{\"input\":[-1,-2],\"activation\":\"prelu\",\"weight\":[0.5,2]}", 200,
        "\"output\":[-0.5,-4]"),
    ASK("POST /relu", "{\"input\":[-4],\"activation\":\"prelu\"}", 200, "\"output\":[-1]"),
    ASK("POST /relu", "{\"input\":[0],\"activation\":\"gelu\",\"approximate\":\"tanh\"}", 200,
        "\"output\":[0]"),
    ASK("POST /relu", "{\"input\":[0],\"activation\":\"gelu\"}", 200, "\"output\":[0]"),
    ASK("POST /relu", "{\"input\":[-1],\"activation\":\"leaky_relu\",\"negative_slope\":0.5}", 200,
        "\"output\":[-0.5]"),
    ASK_WITH("POST /relu?activation=leaky_relu&negative_slope=0.5", "\0\0\x80\xbf", 200,
             "\"output\":[-0.5]", .len = 4, FLOATS),
    ASK_WITH("POST /relu", "{\"input\":[1]}", 200, "\x80\x3f",
             .accept = "application/octet-stream"),
    ASK_WITH("POST /relu", "{\"input\":[1],\"gradient\":true}", 400,
             "gradients are given as JSON only", .accept = "application/octet-stream"),
    ASK_WITH("POST /relu",
             "{\"input\":[3.4e38],\"activation\":\"leaky_relu\",\"negative_slope\":3}", 200,
             "\x7f\x7f", .accept = "application/octet-stream"),
    ASK_WITH("POST /relu",
             "{\"input\":[-3.4e38],\"activation\":\"leaky_relu\",\"negative_slope\":3}", 400,
             "output[0] is not finite", .accept = "application/octet-stream"),
    ASK_WITH("POST /relu", "\0\0\xc0\x7f", 400, "input[0]", .len = 4, FLOATS),
    ASK_WITH("POST /relu", "{\"input\":1}", 415, "is not read here", .content_type = "image/png"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"none\"}", 400,
        "there is no activation 'none'"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":1}", 400, "activation must be a string"),
    ASK("POST /relu", "{\"input\":[1],\"gradient\":1}", 400, "gradient must be true or false"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"gelu\",\"approximate\":1}", 400,
        "approximate must be a string"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"gelu\",\"approximate\":\"x\"}", 400,
        "approximate: 'x' is not one of none, tanh"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"elu\",\"alpha\":\"x\"}", 400,
        "alpha must be a number"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"prelu\",\"weight\":\"x\"}", 400,
        "weight must be a number or an array of numbers"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"prelu\",\"weight\":[\"x\"]}", 400,
        "weight must be a number or an array"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"prelu\",\"weight\":[]}", 400,
        "weight is empty"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"prelu\",\"weight\":[1,1e39]}", 400,
        "weight[1] is not finite as float32"),
    ASK("POST /relu", "{\"input\":[1],\"activation\":\"prelu\",\"weight\":[1,2]}", 400,
        "weight has 2 slopes; 1 or 1"),
    ASK("POST /relu", "{\"input\":[1],\"other\":1}", 400, "unknown member 'other'"),
    ASK("POST /relu", "{}", 400, "input is missing"),
};

START_TEST(activations_are_answered_or_refused)
{
    requests_check(activations, sizeof activations / sizeof *activations);
}
END_TEST

START_TEST(a_request_has_so_many_slopes)
{
    enum { SLOPES = 16 * 1024 + 1 };
    char *body = malloc(2 * SLOPES + 100),
         *at = stpcpy(body, "{\"input\":1,\"activation\":\"prelu\",\"weight\":[1");
    for (int i = 1; i < SLOPES; i++)
        at = stpcpy(at, ",1");
    stpcpy(at, "]}");
    const struct request_case many =
        ASK("POST /relu", body, 413, "weight has more than 16384 numbers");
    requests_check(&many, 1);
    free(body);
}
END_TEST

/* Values that are not finite, as --nonfinite says. */
START_TEST(what_is_not_finite_goes_out_as_it_is_wanted)
{
    static const struct request_case nulls[] = {
        ASK("POST /predict", "{\"inputs\":[3e38,3e38]}", 200, "\"outputs\":[[3e38,3e38,null]]"),
        ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[3e38,3e38]}]}", 200,
            "[[\"a\",null],[\"b\",null],[\"c\",null"),
        ASK("POST /v1/models/r:regress", "{\"examples\":[{\"x\":3e38}]}", 200,
            "{\"result\":[null]}"),
        ASK("POST /v2/models/m/infer",
            "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[3e38,"
            "3e38]}]}",
            200, "\"data\":[3e38,3e38,null]"),
        ASK("POST /relu",
            "{\"input\":[-3.4e38],\"activation\":\"leaky_relu\",\"negative_slope\":3}", 200,
            "\"output\":[null]"),
    };
    static const struct request_case errors[] = {
        ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[3e38,3e38]}]}", 400,
            "outputs[0][2] is not finite"),
        ASK("POST /v1/models/m:predict", "{\"instances\":[[3e38,3e38]]}", 400,
            "outputs[0][2] is not finite"),
        ASK("POST /v1/models/r:regress", "{\"examples\":[{\"x\":3e38}]}", 400,
            "outputs[0][0] is not finite"),
        ASK("POST /v2/models/m/infer",
            "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[3e38,"
            "3e38]}]}",
            400, "outputs[0][2] is not finite"),
        ASK("POST /relu",
            "{\"input\":[-3.4e38],\"activation\":\"leaky_relu\",\"negative_slope\":3}", 400,
            "output[0] is not finite"),
    };
    requests_check(errors, sizeof errors / sizeof *errors);
    requests_service.config.nonfinite = NONFINITE_NULL;
    requests_check(nulls, sizeof nulls / sizeof *nulls);
}
END_TEST

START_TEST(no_more_rows_than_are_allowed)
{
    static const struct request_case cases[] = {
        ASK("POST /predict", "{\"inputs\":[[1,2],[3,4],[5,6]]}", 413,
            "inputs has 3 rows; at most 2 are taken at once"),
        ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2],[3,4],[5,6]]}", 413,
            "3 rows; at most 2"),
        ASK("POST /v2/models/m/infer",
            "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[3,2],\"data\":[1,2,3,4,"
            "5,6]}]}",
            413, "3 rows; at most 2"),
    };
    requests_service.config.request_rows_max = 2;
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

RUN_REQUESTS("api_v1", tensorflows_requests_are_answered_or_refused,
             predictions_are_answered_or_refused, activations_are_answered_or_refused,
             a_request_has_so_many_slopes, what_is_not_finite_goes_out_as_it_is_wanted,
             no_more_rows_than_are_allowed)
