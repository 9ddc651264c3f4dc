/* Rows unlike those trained on: marked in the answer, counted, and compared. */
#include "tests/http/inputs.h"

#include <time.h>

#define USUAL                                                                                      \
    "{\"island\":\"Biscoe\",\"bill_length_mm\":46,\"bill_depth_mm\":14,"                           \
    "\"flipper_length_mm\":211,\"body_mass_g\":4600,\"sex\":\"female\"}"
#define IN_KILOGRAMS                                                                               \
    "{\"island\":\"Biscoe\",\"bill_length_mm\":46,\"bill_depth_mm\":14,"                           \
    "\"flipper_length_mm\":null,\"body_mass_g\":4.6,\"sex\":\"female\"}"
#define PENGUINS "/predict?model=penguins"
#define VERSION  "{model=\"penguins\",version=\"1\"} "

static struct server serve_bundled(void)
{
    return server_start((const char *const[]){"deploy/models", "--workers", "1", NULL});
}

static const char *post(const struct server *server, const char *path, const char *body)
{
    const struct reply *reply = server_post(server, path, body);
    ck_assert_msg(reply->code == 200, "%s: %ld %s", path, reply->code, reply->body);
    return reply->body;
}

START_TEST(a_row_that_training_never_saw_is_marked_and_counted)
{
    struct server server = serve_bundled();
    ck_assert_ptr_null(
        strstr(post(&server, PENGUINS, "{\"inputs\":[" USUAL "," USUAL "]}"), "unusual"));
    ck_assert_ptr_nonnull(
        strstr(post(&server, PENGUINS, "{\"inputs\":[" USUAL "," IN_KILOGRAMS "," USUAL "]}"),
               ",\"unusual\":[[],[\"body_mass_g\"],[]]}"));
    post(&server, "/v1/models/penguins:predict", "{\"instances\":[" IN_KILOGRAMS "]}");
    post(&server, "/invocations?model=penguins", "{\"instances\":[" IN_KILOGRAMS "," USUAL "]}");
    const char *metrics = server_get(&server, "/metrics")->body;
    ck_assert_ptr_nonnull(strstr(metrics, "relud_unusual_rows_total" VERSION "3\n"));
    /* without names: by number, and no more than 16 of them */
    char body[8192] = "{\"inputs\":[[";
    for (int i = 0; i < 784; i++)
        strcat(body, i ? ",256" : "256");
    strcat(body, "]],\"model\":\"digits\"}");
    ck_assert_ptr_nonnull(strstr(post(&server, "/predict", body),
                                 ",\"unusual\":[[0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15]]}"));
    server_stop(&server);
}
END_TEST

START_TEST(drift_compares_each_feature_with_those_trained_on)
{
    struct server server = serve_bundled();
    const char *before = server_get(&server, "/v2/models/penguins/drift")->body;
    ck_assert_ptr_nonnull(strstr(before, "{\"model\":\"penguins\",\"version\":\"1\",\"rows\":0,"
                                         "\"scale\":1,\"shifted\":0,\"features\":[{\"feature\":"
                                         "\"island\",\"psi\":null,\"shift\":null,\"outside\":null,"
                                         "\"missing\":null,\"is_shifted\":false},"));
    const char *metrics = server_get(&server, "/metrics")->body;
    ck_assert_ptr_nonnull(strstr(metrics, "relud_drift_rows_total" VERSION "0\n"));
    ck_assert_ptr_null(strstr(metrics, "relud_feature_psi_max{"));
    post(&server, PENGUINS, "{\"inputs\":[" USUAL "," IN_KILOGRAMS "]}");
    const struct reply *reply = server_get(&server, "/v2/models/penguins/versions/1/drift");
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"rows\":2,"));
    ck_assert_ptr_nonnull(strstr(reply->body, "\"answers\":{\"rows\":2,\"confidence\":0."));
    const char *flipper = strstr(reply->body, "{\"feature\":\"flipper_length_mm\",");
    ck_assert_ptr_nonnull(flipper);
    ck_assert_ptr_nonnull(strstr(flipper,
                                 "\"outside\":0,\"missing\":0.5,\"is_shifted\":false},{\"feature\":"
                                 "\"body_mass_g\","));
    ck_assert_ptr_nonnull(strstr(flipper,
                                 "\"outside\":0.5,\"missing\":0,\"is_shifted\":false},{\"feature\":"
                                 "\"sex\","));
    metrics = server_get(&server, "/metrics")->body;
    ck_assert_ptr_nonnull(strstr(metrics, "relud_drift_rows_total" VERSION "2\n"));
    ck_assert_ptr_nonnull(strstr(metrics, "relud_shifted_features" VERSION "0\n"));
    ck_assert_ptr_null(strstr(metrics, "\nrelud_feature_psi_max{")); /* of so few rows */
    ck_assert_ptr_nonnull(strstr(metrics, "\nrelud_answer_confidence" VERSION "0."));
    ck_assert_ptr_nonnull(strstr(metrics, "\nrelud_answer_entropy" VERSION "0."));
    server_stop(&server);
}
END_TEST

/* The same row again and again: what is far from the mean is found, what is near it is not. */
START_TEST(a_feature_in_other_units_is_found)
{
    struct server server = serve_bundled();
    bool is_found = false;
    time_t end = time(NULL) + 200; /* a look that is interrupted is followed by a long pause */
    while (!is_found && time(NULL) < end) {
        for (size_t i = 0; i < 20; i++)
            post(&server, PENGUINS, "{\"inputs\":[" IN_KILOGRAMS "]}");
        const char *seen = server_get(&server, "/v2/models/penguins/drift")->body;
        const char *mass = strstr(seen, "{\"feature\":\"body_mass_g\",");
        ck_assert_ptr_nonnull(mass);
        is_found = strstr(mass, "\"is_shifted\":true},{\"feature\":\"sex\"") != NULL;
        ck_assert_ptr_null(strstr(seen, "\"is_shifted\":true},{\"feature\":\"bill_depth_mm\""));
    }
    ck_assert(is_found);
    ck_assert_ptr_null(
        strstr(server_get(&server, "/metrics")->body, "relud_shifted_features" VERSION "0\n"));
    server_stop(&server);
}
END_TEST

START_TEST(a_model_that_knows_no_rows_has_no_drift)
{
    struct server server = serve();
    const struct reply *reply = server_get(&server, "/v2/models/mixed/drift");
    ck_assert_msg(reply->code == 404 && strstr(reply->body, "does not know the rows"), "%ld %s",
                  reply->code, reply->body);
    ck_assert_int_eq(server_get(&server, "/v2/models/none/drift")->code, 404);
    const char *metrics = server_get(&server, "/metrics")->body;
    ck_assert_ptr_null(strstr(metrics, "relud_drift_rows_total{"));
    stop(&server);
}
END_TEST

RUN_SUITE("drift", a_row_that_training_never_saw_is_marked_and_counted,
          drift_compares_each_feature_with_those_trained_on, a_feature_in_other_units_is_found,
          a_model_that_knows_no_rows_has_no_drift)
