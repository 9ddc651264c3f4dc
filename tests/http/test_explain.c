/* Explanations over HTTP and by the command: the same rows have the same ones everywhere. */
#include "tests/http/inputs.h"
#include "tests/http/program.h"

#include <cjson/cJSON.h>
#include <math.h>

#define PENGUIN                                                                                    \
    "{\"island\":\"Biscoe\",\"bill_length_mm\":46,\"bill_depth_mm\":14,"                           \
    "\"flipper_length_mm\":211,\"body_mass_g\":4600,\"sex\":\"female\"}"
#define OTHER                                                                                      \
    "{\"sex\":\"male\",\"island\":\"Dream\",\"bill_length_mm\":null,\"bill_depth_mm\":18.5,"       \
    "\"flipper_length_mm\":190,\"body_mass_g\":3700}"
#define PENGUINS "/predict?model=penguins"

static struct server serve_bundled(void)
{
    return server_start((const char *const[]){"deploy/models", NULL});
}

static cJSON *ask(const struct server *server, const char *path, const char *body)
{
    const struct reply *reply = server_ask(server, path, NULL, body, strlen(body), NULL);
    ck_assert_msg(reply->code == 200, "%s: %ld %s", path, reply->code, reply->body);
    cJSON *answer = cJSON_Parse(reply->body);
    ck_assert_ptr_nonnull(answer);
    return answer;
}

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItem(object, name);
    ck_assert_msg(cJSON_IsNumber(item), "%s", name);
    return item->valuedouble;
}

static const cJSON *explanation_of(const cJSON *answer, int row)
{
    return cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "explanations"), row);
}

/* bias + contributions is output, to the bit. Returns output. */
static double check_sum(const cJSON *explanation)
{
    double sum = number(explanation, "bias");
    const cJSON *item;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(explanation, "contributions")) sum +=
        item->valuedouble;
    ck_assert_double_eq(sum, number(explanation, "output"));
    return sum;
}

/* The text of what `path` answers to `body`, from "explanations" on. */
static const char *explanations(const struct server *server, const char *path, const char *body)
{
    static char text[1 << 16];
    const struct reply *reply = server_ask(server, path, NULL, body, strlen(body), NULL);
    ck_assert_msg(reply->code == 200, "%s: %ld %s", path, reply->code, reply->body);
    const char *at = strstr(reply->body, "\"explanations\":[");
    ck_assert_msg(at && strlen(at) < sizeof text, "%s", reply->body);
    return strcpy(text, at);
}

START_TEST(contributions_and_bias_are_the_best_score)
{
    struct server server = serve_bundled();
    cJSON *answer = ask(&server, PENGUINS, "{\"inputs\":[" PENGUIN "," OTHER "],\"explain\":true}");
    for (int row = 0; row < 2; row++) {
        const cJSON *explanation = explanation_of(answer, row);
        const cJSON *scores = cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "outputs"), row);
        const cJSON *best = cJSON_GetArrayItem(
            cJSON_GetArrayItem(cJSON_GetObjectItem(answer, "predictions"), row), 0);
        int index = (int)number(explanation, "index");
        ck_assert_int_eq(index, (int)number(best, "index"));
        ck_assert_str_eq(cJSON_GetObjectItem(explanation, "label")->valuestring,
                         cJSON_GetObjectItem(best, "label")->valuestring);
        ck_assert(cJSON_IsTrue(cJSON_GetObjectItem(explanation, "exact")));
        ck_assert_double_eq_tol(check_sum(explanation),
                                cJSON_GetArrayItem(scores, index)->valuedouble, 1e-5);
    }
    /* what is missing contributes nothing */
    const cJSON *named = cJSON_GetObjectItem(explanation_of(answer, 1), "contributions");
    ck_assert_double_eq(number(named, "bill_length_mm"), 0);
    ck_assert_int_eq(cJSON_GetArraySize(named), 6);
    cJSON_Delete(answer);
    server_stop(&server);
}
END_TEST

START_TEST(an_explanation_is_the_same_alone_in_a_batch_and_in_every_form)
{
    struct server server = serve_bundled();
    char alone[4096], wanted[8192];
    const char *begin =
        strlen("\"explanations\":[") +
        explanations(&server, PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":\"Adelie\"}");
    strcpy(alone, begin);
    strstr(alone, "]}")[0] = '\0';
    const char *batch = explanations(
        &server, PENGUINS, "{\"explain\":0,\"inputs\":[" OTHER "," PENGUIN "," OTHER "]}");
    ck_assert_msg(strstr(batch, alone) != NULL, "%s\nis not in\n%s", alone, batch);
    strcpy(wanted, explanations(&server, PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":true}"));
    ck_assert_str_eq(
        explanations(&server, "/v1/models/penguins:explain", "{\"instances\":[" PENGUIN "]}"),
        wanted);
    ck_assert_str_eq(explanations(&server, "/v1/models/penguins/versions/1:explain",
                                  "{\"inputs\":{\"island\":[\"Biscoe\"],\"bill_length_mm\":[46],"
                                  "\"bill_depth_mm\":[14],\"flipper_length_mm\":[211],"
                                  "\"body_mass_g\":[4600],\"sex\":[\"female\"]}}"),
                     wanted);
    strstr(wanted, "]}")[0] = '\0';
    enter();
    write_file(dir, "rows.json", "[" PENGUIN "]", strlen("[" PENGUIN "]"));
    runs(in("predict --explain best deploy/models/penguins %1$s/rows.json"), 0,
         wanted + strlen("\"explanations\":["));
    runs(in("predict --explain Gentoo --format json deploy/models/penguins %1$s/rows.json"), 0,
         wanted + strlen("\"explanations\":["));
    leave();
    server_stop(&server);
}
END_TEST

START_TEST(rows_without_names_have_contributions_in_their_order)
{
    struct server server = serve_bundled();
    char body[4096] = "{\"model\":\"digits\",\"explain\":\"7\",";
    FILE *digit = fopen("tests/data/digit-7.json", "r");
    ck_assert_ptr_nonnull(digit);
    ck_assert_int_eq(fgetc(digit), '{');
    size_t len = strlen(body);
    body[len + fread(body + len, 1, sizeof body - 1 - len, digit)] = '\0';
    fclose(digit);
    cJSON *answer = ask(&server, "/predict", body);
    ck_assert(cJSON_IsArray(cJSON_GetObjectItem(explanation_of(answer, 0), "contributions")));
    ck_assert_double_eq_tol(check_sum(explanation_of(answer, 0)), 13.413154, 1e-5);
    cJSON_Delete(answer);
    const char *csv = "sex,island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g\n"
                      "female,Biscoe,46,14,211,4600\n";
    const struct reply *reply =
        server_ask(&server, "/predict?model=penguins&explain=true", NULL, csv, strlen(csv),
                   "Content-Type: text/csv\r\nAccept: application/json");
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"contributions\":{\"island\":1.24"));
    server_stop(&server);
}
END_TEST

/* In V2 it is a parameter, and an output of texts. The worker remembers the envelope of the last
 * request: it must not remember too much. */
START_TEST(v2_has_explanations_as_an_output)
{
    static const char infer[] = "/v2/models/penguins/infer";
    static const char inputs[] =
        "\"inputs\":[{\"name\":\"island\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":["
        "\"Biscoe\"]},"
        "{\"name\":\"bill_length_mm\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[46]},"
        "{\"name\":\"bill_depth_mm\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[14]},"
        "{\"name\":\"flipper_length_mm\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[211]},"
        "{\"name\":\"body_mass_g\",\"datatype\":\"FP32\",\"shape\":[1],\"data\":[4600]},"
        "{\"name\":\"sex\",\"datatype\":\"BYTES\",\"shape\":[1],\"data\":[\"female\"]}]";
    struct server server = serve_bundled();
    char wanted[8192], body[2048];
    strcpy(wanted, explanations(&server, PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":true}"));
    strstr(wanted, "]}")[0] = '\0';
    for (int round = 0; round < 4; round++) {
        bool is_wanted = round != 2;
        snprintf(body, sizeof body, "{%s%s}", is_wanted ? "\"parameters\":{\"explain\":true}," : "",
                 inputs);
        cJSON *answer = ask(&server, infer, body);
        const cJSON *outputs = cJSON_GetObjectItem(answer, "outputs");
        const cJSON *last = cJSON_GetArrayItem(outputs, cJSON_GetArraySize(outputs) - 1);
        const char *name = cJSON_GetObjectItem(last, "name")->valuestring;
        ck_assert_int_eq(strcmp(name, "explanations") == 0, is_wanted);
        if (is_wanted) {
            ck_assert_str_eq(cJSON_GetObjectItem(last, "datatype")->valuestring, "BYTES");
            ck_assert_str_eq(cJSON_GetArrayItem(cJSON_GetObjectItem(last, "data"), 0)->valuestring,
                             wanted + strlen("\"explanations\":["));
        }
        cJSON_Delete(answer);
    }
    snprintf(body, sizeof body, "{\"parameters\":{\"explain\":\"Gento\"},%s}", inputs);
    const struct reply *reply = server_ask(&server, infer, NULL, body, strlen(body), NULL);
    ck_assert_msg(reply->code == 400 && strstr(reply->body, "did you mean 'Gentoo'?"), "%ld %s",
                  reply->code, reply->body);
    server_stop(&server);
}
END_TEST

/* Two outputs without classes, behind tanh: both are explained, by an integral. */
START_TEST(every_output_is_explained_where_there_are_no_classes)
{
    static const char body[] =
        "{\"explain\":true,\"inputs\":[{\"age\":31,\"city\":\"Rome\",\"job\":"
        "\"nurse\",\"item\":0,\"history\":[1,2,3]}]}";
    struct server server = serve();
    cJSON *answer = ask(&server, "/predict", body);
    const cJSON *both = explanation_of(answer, 0);
    ck_assert_int_eq(cJSON_GetArraySize(both), 2);
    for (int i = 0; i < 2; i++) {
        const cJSON *one = cJSON_GetArrayItem(both, i);
        ck_assert_int_eq((int)number(one, "index"), i);
        ck_assert(cJSON_IsFalse(cJSON_GetObjectItem(one, "exact")));
        ck_assert_double_lt(fabs(number(one, "error")), 1e-4);
        ck_assert_ptr_null(cJSON_GetObjectItem(one, "label"));
        const cJSON *named = cJSON_GetObjectItem(one, "contributions");
        ck_assert_int_eq(cJSON_GetArraySize(named), 7);
        ck_assert(number(named, "job") != 0 && number(named, "history.2") != 0);
        check_sum(one);
    }
    cJSON_Delete(answer);
    stop(&server);
}
END_TEST

/* The row at the smallest change is between two classes: 1 % beyond it has the other one. */
START_TEST(the_border_tells_what_would_change_the_class)
{
    static const char body[] =
        "{\"inputs\":[{\"island\":\"Biscoe\",\"bill_length_mm\":46,\"bill_depth_mm\":%.9g,"
        "\"flipper_length_mm\":205,\"body_mass_g\":%.9g,\"sex\":\"female\"}],"
        "\"explain\":true,\"border\":true}";
    struct server server = serve_bundled();
    char text[1024], wanted[8192];
    size_t changes = 0;
    for (int i = 0; i < 40; i++) {
        double depth = 16.5 + i * 0.05, mass = 4200;
        snprintf(text, sizeof text, body, depth, mass);
        cJSON *answer = ask(&server, PENGUINS, text);
        const cJSON *explanation = explanation_of(answer, 0);
        const cJSON *change = cJSON_GetObjectItem(explanation, "change");
        const cJSON *feature = cJSON_GetObjectItem(change, "feature");
        ck_assert_double_gt(number(explanation, "border_distance"), 0);
        ck_assert(cJSON_IsNull(change) || feature);
        if (!feature || strcmp(feature->valuestring, "bill_depth_mm") != 0) {
            cJSON_Delete(answer);
            continue;
        }
        changes++;
        ck_assert_double_eq_tol(number(change, "value"), depth + number(change, "by"), 1e-5);
        for (int beyond = 0; beyond < 2; beyond++) {
            snprintf(text, sizeof text, body, depth + number(change, "by") * (beyond ? 1.01 : 0.99),
                     mass);
            cJSON *other = ask(&server, PENGUINS, text);
            ck_assert_double_eq(number(explanation_of(other, 0), "index"),
                                number(beyond ? change : explanation, "index"));
            cJSON_Delete(other);
        }
        cJSON_Delete(answer);
    }
    ck_assert_uint_gt(changes, 0);
    strcpy(wanted, explanations(&server, PENGUINS,
                                "{\"inputs\":[" PENGUIN "],\"explain\":true,\"border\":true}"));
    ck_assert_ptr_nonnull(strstr(wanted, "\"border_distance\":"));
    ck_assert_str_eq(explanations(&server, "/v1/models/penguins:explain",
                                  "{\"instances\":[" PENGUIN "],\"border\":true}"),
                     wanted);
    strstr(wanted, "]}")[0] = '\0';
    enter();
    write_file(dir, "rows.json", "[" PENGUIN "]", strlen("[" PENGUIN "]"));
    runs(in("predict --border deploy/models/penguins %1$s/rows.json"), 0,
         wanted + strlen("\"explanations\":["));
    leave();
    server_stop(&server);
}
END_TEST

START_TEST(what_cannot_be_explained_is_refused)
{
    static const struct ask cases[] = {
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":\"Adele\"}", NULL, 400,
         "the model has no label 'Adele'; did you mean 'Adelie'?"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":3}", NULL, 400,
         "the model has 3 classes; there is no index 3"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":-1}", NULL, 400,
         "explain must be true, a label or an index"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":[0]}", NULL, 400, "explain must be true"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":1.5}", NULL, 400, "explain must be true"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":false}", NULL, 200, "Gentoo"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":null}", NULL, 200, "Gentoo"},
        {PENGUINS "&explain=true", "Biscoe,46,14,211,4600,female\n",
         "Content-Type: text/csv\r\nAccept: text/csv", 400, "explanations are given as JSON only"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"border\":true}", NULL, 200, "border_distance"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"explain\":true,\"border\":1}", NULL, 400,
         "border must be true or false"},
        {PENGUINS, "{\"inputs\":[" PENGUIN "],\"border\":false}", NULL, 200, "Gentoo"},
        {"/v1/models/penguins:explain", "{\"instances\":[" PENGUIN "],\"border\":1}", NULL, 400,
         "border must be"},
        {"/v1/models/none:explain", "{\"instances\":[[1]]}", NULL, 404, "none"},
    };
    struct server server = serve_bundled();
    check(&server, cases, sizeof cases / sizeof *cases);
    server_stop(&server);
    runs("predict --explain 3 deploy/models/penguins /dev/null", 1, "there is no index 3");
    runs("predict --explain best --format csv deploy/models/penguins /dev/null", 1,
         "--explain and --border want --format jsonl or json");
}
END_TEST

RUN_SUITE("explain", contributions_and_bias_are_the_best_score,
          an_explanation_is_the_same_alone_in_a_batch_and_in_every_form,
          rows_without_names_have_contributions_in_their_order, v2_has_explanations_as_an_output,
          every_output_is_explained_where_there_are_no_classes,
          the_border_tells_what_would_change_the_class, what_cannot_be_explained_is_refused)
