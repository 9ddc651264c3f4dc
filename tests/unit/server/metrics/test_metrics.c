/* /metrics in both of its formats, whatever has happened before. */
#include "tests/unit/exposition.h"
#include "tests/unit/requests.h"

#define OPENMETRICS "application/openmetrics-text; version=1.0.0; charset=utf-8"

/* What Prometheus 2 and 3 send by themselves, and others. */
static const struct {
    const char *accept;
    bool is_openmetrics;
} askers[] = {
    {NULL, false},
    {"*/*", false},
    {"text/plain", false},
    {"application/openmetrics-text", true},
    {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
     "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
     true},
    {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;"
     "q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
     "application/openmetrics-text;version=0.0.1;q=0.4,text/"
     "plain;version=1.0.0;escaping=allow-utf-8;"
     "q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
     true},
};

static void check_all(size_t least)
{
    for (size_t i = 0; i < sizeof askers / sizeof *askers; i++) {
        const struct request_case ask =
            ASK_WITH("GET /metrics", NULL, 200, "", .accept = askers[i].accept);
        struct request request;
        ck_assert(requests_ask(&ask, &request));
        ck_assert_uint_eq(request.code, 200);
        ck_assert_str_eq(request.type, askers[i].is_openmetrics
                                           ? OPENMETRICS
                                           : "text/plain; version=0.0.4; charset=utf-8");
        text_put_n(&request.out, "", 1);
        ck_assert_uint_ge(exposition_check(request.out.at, askers[i].is_openmetrics), least);
        text_free(&request.out);
    }
}

/* Before any request, and after answers and errors of every dialect, with several models, a bad one, and numbers not finite. */
START_TEST(P1_metrics_are_valid_before_and_after_requests)
{
    static const char *const asks[][2] = {
        {"POST /predict", "{\"model\":\"m\",\"inputs\":[[1,2],[3,4]]}"},
        {"POST /predict", "{\"model\":\"m\",\"inputs\":[1e39,2]}"},
        {"POST /predict", "{\"model\":\"m\",\"inputs\":[3e38,3e38]}"},
        {"POST /predict", "{"},
        {"POST /relu", "{\"input\":[1]}"},
        {"POST /v1/models/two:predict", "{\"instances\":[[1,2,3,4]]}"},
        {"POST /v1/models/bad:predict", "{\"instances\":[[1,2,3,4]]}"},
        {"POST /v2/models/r/infer",
         "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[1]}]}"},
        {"GET /v2/models/none", NULL},
        {"GET /nowhere", NULL},
    };
    check_all(100);
    for (size_t i = 0; i < sizeof asks / sizeof *asks; i++) {
        const struct request_case ask = ASK(asks[i][0], asks[i][1], 0, "");
        struct request request;
        ck_assert(requests_ask(&ask, &request));
        metrics_request(requests_service.service.shard,
                        request.route ? request.route->endpoint : ENDPOINT_OTHER, request.code,
                        (int64_t)i * 400000000); /* to 4 s: every kind of bucket */
        text_free(&request.out);
    }
    check_all(110);
}
END_TEST

START_TEST(P1_units_bounds_and_counters_have_openmetrics_form)
{
    static const char *const words[] = {
        "# UNIT relud_request_duration_seconds seconds\n",
        "# UNIT process_resident_memory_bytes bytes\n",
        "relud_request_duration_seconds_bucket{endpoint=\"predict\",le=\"5e-05\"} 0\n",
        "relud_request_duration_seconds_bucket{endpoint=\"predict\",le=\"2.5\"} 0\n",
        "relud_request_duration_seconds_bucket{endpoint=\"predict\",le=\"1.0\"} 0\n",
        "relud_request_duration_seconds_bucket{endpoint=\"predict\",le=\"10.0\"} 0\n",
        "relud_stage_duration_seconds_bucket{stage=\"forward\",le=\"1e-06\"} 0\n",
        "relud_batch_rows_bucket{model=\"m\",le=\"16384.0\"} 0\n",
        "# TYPE relud_requests counter\nrelud_requests_total{",
        "\n# EOF\n",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const struct request_case ask =
            ASK_WITH("GET /metrics", NULL, 200, words[i], .accept = "application/openmetrics-text");
        struct request request;
        ck_assert(requests_ask(&ask, &request));
        ck_assert_msg(requests_has(&request, words[i]), "%s", words[i]);
        text_free(&request.out);
    }
}
END_TEST

RUN_REQUESTS("metrics", P1_metrics_are_valid_before_and_after_requests,
             P1_units_bounds_and_counters_have_openmetrics_form)
