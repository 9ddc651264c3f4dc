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
    ASK("POST /v1/models/m:classify", "{\"context\":{\"x\":1},\"examples\":[{\"x\":[0,0]}]}", 200,
        "[\"c\",0.33333334]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2,3]]}", 400,
        "instances[0] has 3 numbers; model 'm' wants 2"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":[[1,2,3]]}", 400,
        "inputs[0] has 3 numbers; model 'm' wants 2"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[1,2]}", 400,
        "instances[0] is a number; model 'm' wants rows of 2 numbers"),
    ASK("POST /v1/models/m:predict", "{\"instances\":7}", 400,
        "instances is a number; model 'm' wants rows of 2 numbers"),
    ASK("POST /v1/models/r:predict", "{\"instances\":[[[1]]]}", 200, "{\"predictions\":[[2]]}"),
    ASK("POST /v1/models/m:predict", "{\"examples\":[[1,2]]}", 400,
        "Missing 'inputs' or 'instances' key"),
    ASK("POST /v1/models/m:classify", "{\"instances\":[[1,2]]}", 400, "Missing 'examples' key"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[1]}]}", 400,
        "examples[0] has 1 number"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"signature_name\":\"other\"}", 400,
        "Serving signature name: \\\"other\\\" not found"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"signature_name\":1}", 400,
        "signature_name must be a string"),
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

/* ClassificationResponse and RegressionResponse by the name that TensorFlow Serving's code writes. */
START_TEST(P2_classify_and_regress_answer_results)
{
    static const struct request_case cases[] = {
        ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[0,0]},{\"x\":[0,0]}]}", 200,
            "{\"results\":[[[\"a\",0.33333334],[\"b\",0.33333334],[\"c\",0.33333334]],[[\"a\","),
        ASK("POST /v1/models/m/versions/2:classify", "{\"examples\":[{\"x\":[0,0]}]}", 200,
            "{\"results\":[["),
        ASK("POST /v1/models/r:regress", "{\"examples\":[{\"x\":1},{\"x\":2}]}", 200,
            "{\"results\":[2,4]}"),
    };
    requests_check(cases, sizeof cases / sizeof *cases);
}
END_TEST

START_TEST(tensorflows_requests_are_answered_or_refused)
{
    requests_check(v1, sizeof v1 / sizeof *v1);
}
END_TEST

#define CSV .content_type = "text/csv"
static const struct request_case invocations[] = {
    ASK("GET /ping", NULL, 200, "{\"status\":\"ready\""),
    ASK("POST /invocations", "{\"instances\":[[1,2]]}", 200, "{\"predictions\":[[1,2,3]]}"),
    ASK("POST /invocations", "[[1,2],[3,4]]", 200, "{\"predictions\":[[1,2,3],[3,4,7]]}"),
    ASK("POST /invocations", "{\"dataframe_split\":{\"columns\":[0,1],\"data\":[[1,2]]}}", 200,
        "[[1,2,3]]"),
    ASK_WITH("POST /invocations", "1,2\n3,4\n", 200, "[[1,2,3],[3,4,7]]", CSV),
    ASK_WITH("POST /invocations", "p q\n1 2\n3 4\n", 200, "[[1,2,3],[3,4,7]]", CSV),
    ASK_WITH("POST /invocations", "1,2,\n3,4,\n", 200, "[[1,2,3],[3,4,7]]", CSV),
    ASK_WITH("POST /invocations", "1,2,\n3,4\n", 400, "line", CSV),
    ASK_WITH("POST /invocations", "1,2\n3,4\n", 200, "1,2,3\n3,4,7\n", CSV, .accept = "text/csv"),
    ASK_WITH("POST /invocations", "[[1,2]]", 200, "\x93NUMPY", .accept = "application/x-npy"),
    ASK("POST /invocations?model=two", "[[1,2,3,4]]", 200,
        "{\"predictions\":[{\"a\":[1,2,3,4],\"b\":[10]}]}"),
    ASK_WITH("POST /invocations?model=two", "1,2,3,4", 200, "1,2,3,4,10\n", CSV,
             .accept = "text/csv"),
    ASK("POST /invocations?model=r", "{\"inputs\":[1,2]}", 200, "{\"predictions\":[[2],[4]]}"),
    ASK("POST /invocations?model=bad", "[[1]]", 503, "ready"),
    ASK("POST /invocations?model=none", "[[1]]", 404, "there is no model 'none'"),
    ASK("POST /invocations?model=m&version=9", "[[1]]", 404, "of version 9"),
    ASK("POST /invocations", "[[1,1e99]]", 400, "is not finite"),
    ASK_WITH("POST /invocations", "1,1e99", 400, "float32", CSV),
    ASK_WITH("POST /invocations", "abcd", 400, "1 numbers", FLOATS),
    ASK_WITH("POST /invocations", "\0\0\xc0\x7f\0\0\0\x40", 400, "is not finite", .len = 8, FLOATS),
    ASK_WITH("POST /predict", "1,2", 200, "\"outputs\":[[1,2,3]]", CSV),
    ASK_WITH("POST /predict?model=r", "1\n2\n", 200, "2\n4\n", CSV, .accept = "text/csv"),
    ASK_WITH("POST /relu", "1,2", 415, "Content-Type text/csv is not read here", CSV),
};

START_TEST(P10_invocations_are_answered_or_refused)
{
    requests_check(invocations, sizeof invocations / sizeof *invocations);
}
END_TEST

static const struct request_case taken[] = {
    /* members that TensorFlow Serving passes over, wherever they stand */
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"parameters\":{}}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict",
        "{\"parameters\":{\"a\":[1,{\"b\":null}]},\"instances\":[[1,2]],\"other\":1}", 200,
        "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":[[1,2]],\"id\":\"7\"}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[0,0]}],\"other\":1}", 200, "\"a\""),
    ASK("POST /v1/models/r:regress", "{\"parameters\":null,\"examples\":[{\"x\":1}]}", 200, "[2]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"inputs\":[[1,2]]}", 400, "together"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[1,2]],\"a\":1,\"a\":2}", 400, "twice"),
    /* any nesting whose row has as many numbers */
    ASK("POST /v1/models/m:predict", "{\"instances\":[[[1],[2]],[[3],[4]]]}", 200,
        "[[1,2,3],[3,4,7]]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[{\"x\":[[1,2]]}]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict", "{\"inputs\":{\"x\":[[[1],[2]]]}}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[{\"b64\":\"AACAPwAAAEA=\"}]}", 200,
        "[[1,2,3]]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[{\"x\":{\"b64\":\"AACAPwAAAEA=\"}}]}", 200,
        "[[1,2,3]]"),
    ASK("POST /v1/models/m:classify", "{\"examples\":[{\"x\":[[0],[0]]}]}", 200, "0.33333334"),
    ASK("POST /v1/models/two:predict", "{\"instances\":[[[1,2],[3,4]]]}", 200, "[1,2,3,4]"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[[1,2,3]]]}", 400,
        "instances[0] has 3 numbers in shape [1,3]; model 'm' wants 2"),
    ASK("POST /v1/models/m:predict", "{\"instances\":[[[1],[2]],[[3]]]}", 400,
        "instances[1] has 1 element where instances[0] has 2"),
    ASK("POST /predict", "{\"inputs\":[[[1],[2]],[[3],[4]]]}", 200, "[[1,2,3],[3,4,7]]"),
    ASK("POST /predict", "{\"inputs\":[1,2,3],\"model\":\"r\"}", 200, "[[2],[4],[6]]"),
    /* rows of two rows are not four numbers */
    ASK("POST /predict", "{\"inputs\":[[1,2],[3,4]],\"model\":\"two\"}", 400,
        "inputs[0] has 2 numbers; model 'two' wants 4"),
    /* where the model says how rows are nested, they are */
    ASK("POST /v1/models/shaped:predict", "{\"instances\":[[1,2,3,4,5,6]]}", 200, "[1,2,3,4,5,6]"),
    ASK("POST /v1/models/shaped:predict", "{\"instances\":[[[1,2,3],[4,5,6]]]}", 200,
        "[1,2,3,4,5,6]"),
    ASK("POST /v1/models/shaped:predict", "{\"instances\":[[[[1,2,3]],[[4,5,6]]]]}", 200,
        "[1,2,3,4,5,6]"),
    ASK("POST /v1/models/shaped:predict", "{\"instances\":[[[1,2],[3,4],[5,6]]]}", 400,
        "instances[0] has shape [3,2]; model 'shaped' wants [2,3], or 6 in a row"),
    ASK("POST /predict", "{\"inputs\":[[1,2,3],[4,5,6]],\"model\":\"shaped\"}", 200,
        "[1,2,3,4,5,6]"),
    ASK("POST /v2/models/shaped/infer",
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,3,2],\"data\":[1,2,3,4,5,"
        "6]}]"
        "}",
        400, "has shape [1,3,2]; model 'shaped' wants [-1,2,3]"),
    ASK("POST /v2/models/m/infer",
        "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,2,1],\"data\":[1,2,3,4]}]"
        "}",
        200, "\"data\":[1,2,3,3,4,7]"),
    /* paths */
    ASK("POST /v1/models/m%3Apredict", "{\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m%3apredict", "{\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/%6d/versions/%32%3Apredict", "{\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("POST /v1/models/m/versions/02:predict", "{\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("GET /v1/models/m/versions/002", NULL, 200, "\"version\":\"2\""),
    ASK("GET /v2/models/m/versions/02", NULL, 200, "\"name\":\"m\""),
    ASK("POST /predict", "{\"inputs\":[1,2],\"version\":\"02\"}", 200, "\"version\":\"2\""),
    ASK("POST /V1/Models/m:PREDICT", "{\"instances\":[[1,2]]}", 200, "[[1,2,3]]"),
    ASK("GET /v1/models/M", NULL, 404, "Could not find any versions of model M"),
    ASK("POST /v1/models/m%253Apredict", "{\"instances\":[[1,2]]}", 405, "wants GET, not POST"),
    ASK("POST /v1/models/%2e%2e%2Fm:predict", "{}", 404, "there is no model at"),
    ASK("POST /v1%2Fmodels/m:predict", "{}", 404, "nothing is at"),
    ASK("POST /v1/models/m%00:predict", "{}", 404, "nothing is at"),
    ASK("POST /v1/models/m%3", "{}", 404, "nothing is at"),
    ASK("GET /v1/models/m%3Apredict", NULL, 405, "wants POST, not GET"),
};

START_TEST(P8_v1_takes_what_tensorflow_serving_takes)
{
    requests_check(taken, sizeof taken / sizeof *taken);
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
    ASK("POST /predict", "{\"inputs\":1}", 400, "inputs is a number; model 'm' wants rows of 2"),
    ASK("POST /predict", "{\"inputs\":[[[1,2]]]}", 200, "\"outputs\":[[1,2,3]]"),
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
    ASK("POST /relu", "{\"input\":[1,-10],\"activation\":\"silu\",\"beta\":3e38,\"gradient\":true}",
        400, "gradient[1] is not finite"),
    ASK_WITH("POST /relu?%67radient=true", "\0\0\x80\x3f\0\0\x80\xbf", 200, "\"gradient\":[1,0]",
             .len = 8, FLOATS),
    ASK_WITH("POST /relu?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", "\0\0\x80\x3f", 400,
             "the query has 17 parameters; at most 16 are read", .len = 4, FLOATS),
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
            "{\"results\":[null]}"),
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

/* TF Serving's words for the versions of a model, and for one of them. */
START_TEST(the_state_of_every_version_is_told)
{
    struct catalog_item items[] = {
        {.name = "c", .version = "1", .state = CATALOG_LOADING},
        {.name = "c", .version = "2", .state = CATALOG_UNAVAILABLE, .reason = "a \"reason\""},
        {.name = "c", .version = "3", .state = CATALOG_UNAVAILABLE},
        {.name = "c",
         .version = "4",
         .served = (struct served_model *)(uintptr_t)requests_service.served},
    };
    struct catalog_model model = {.name = "c", .len = 3};
    struct catalog catalog = {.model = &model, .models = 1, .item = items, .items = 4};
    struct request_case cases[] = {
        ASK("GET /v1/models/c", NULL, 503,
            "{\"name\":\"c\",\"ready\":false,\"model_version_status\":["
            "{\"version\":\"1\",\"state\":\"LOADING\",\"status\":{\"error_code\":\"OK\",\"error_"
            "message\":\"\"}},"
            "{\"version\":\"2\",\"state\":\"END\",\"status\":{\"error_code\":\"INTERNAL\","
            "\"error_message\":\"a \\\"reason\\\"\"}},"
            "{\"version\":\"3\",\"state\":\"END\",\"status\":{\"error_code\":\"OK\",\"error_"
            "message\":\"\"}}]}"),
        ASK("GET /v1/models/c/versions/3", NULL, 503,
            "\"model_version_status\":[{\"version\":\"3\",\"state\":\"END\",\"status\":{\"error_"
            "code\":\"OK\","
            "\"error_message\":\"\"}}]}"),
        ASK("GET /v1/models/c/versions/4", NULL, 200,
            "\"ready\":true,\"model_version_status\":[{\"version\":\"4\",\"state\":\"AVAILABLE\","
            "\"status\":{"
            "\"error_code\":\"OK\",\"error_message\":\"\"}}]}"),
    };
    struct turn *turn = &requests_service.service.turn;
    struct catalog *before = turn->catalog;
    turn->catalog = &catalog;
    requests_check(cases, 2);
    model.len = 4;
    requests_check(cases + 2, 1);
    turn->catalog = before;
}
END_TEST

RUN_REQUESTS("api_v1", P2_classify_and_regress_answer_results,
             tensorflows_requests_are_answered_or_refused,
             P8_v1_takes_what_tensorflow_serving_takes, P10_invocations_are_answered_or_refused,
             predictions_are_answered_or_refused, activations_are_answered_or_refused,
             a_request_has_so_many_slopes, what_is_not_finite_goes_out_as_it_is_wanted,
             no_more_rows_than_are_allowed, the_state_of_every_version_is_told)
