/* ONNX files behind HTTP: several outputs, shapes and labels in every dialect, names. */
#include "tests/http/server.h"
#include "tests/unit/files.h"

#define ONNX   "tests/data/onnx/"
#define FAULTS "tests/data/faults/"
#define ROW    "[0.5,-1,2,0.25,-0.125,3,1,-2,0,0.75,1.5,-0.5]"

/* "outputs":[[a,b,c,d,e]] of /predict, in pieces. */
static void split_outputs(const struct reply *reply, char number[8][32], size_t wanted)
{
    const char *at = strstr(reply->body, "\"outputs\":[[");
    size_t count = 0;
    ck_assert_msg(at != NULL, "%s", reply->body);
    at += strlen("\"outputs\":[[");
    for (; count < 8 && sscanf(at, "%31[^],]", number[count]) == 1; count++) {
        at += strlen(number[count]);
        if (*at++ == ']')
            break;
    }
    ck_assert_uint_eq(count + 1, wanted);
}

static void says(const struct reply *reply, const char *format, char number[8][32])
{
    char wanted[512];
    snprintf(wanted, sizeof wanted, format, number[0], number[1], number[2], number[3], number[4]);
    ck_assert_int_eq(reply->code, 200);
    ck_assert_msg(strstr(reply->body, wanted) != NULL, "'%s' is not in %s", wanted, reply->body);
}

START_TEST(several_outputs_have_their_names_in_v2_and_v1)
{
    struct server server = server_start((const char *const[]){ONNX "heads.onnx", NULL});
    char number[8][32];
    split_outputs(server_post(&server, "/predict", "{\"inputs\":[" ROW "]}"), number, 5);
    says(server_post(&server, "/v1/models/heads:predict", "{\"instances\":[" ROW "]}"),
         "{\"predictions\":[{\"5\":[%s,%s,%s,%s],\"7\":[%s]}]}", number);
    says(server_post(&server, "/v1/models/heads:predict", "{\"inputs\":[" ROW "]}"),
         "{\"outputs\":{\"5\":[[%s,%s,%s,%s]],\"7\":[[%s]]}}", number);
    says(server_post(
             &server, "/v2/models/heads/infer",
             "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[1,12],\"data\":" ROW
             "}]}"),
         "\"outputs\":[{\"name\":\"5\",\"datatype\":\"FP32\",\"shape\":[1,4],\"data\":[%s,%s,%s,%s]"
         "},"
         "{\"name\":\"7\",\"datatype\":\"FP32\",\"shape\":[1,1],\"data\":[%s]}]",
         number);
    says(server_post(
             &server, "/v2/models/heads/infer",
             "{\"inputs\":[{\"name\":\"x\",\"datatype\":\"FP32\",\"shape\":[2,12],\"data\":[" ROW
             "," ROW "]}],\"outputs\":[{\"name\":\"5\"}]}"),
         "\"shape\":[2,4],\"data\":[%1$s,%2$s,%3$s,%4$s,%1$s,%2$s,%3$s,%4$s]}]", number);
    const struct reply *reply = server_get(&server, "/v2/models/heads");
    ck_assert_ptr_nonnull(
        strstr(reply->body, "{\"name\":\"7\",\"datatype\":\"FP32\",\"shape\":[-1,1]}"));
    reply = server_get(&server, "/v1/models/heads/metadata");
    ck_assert_ptr_nonnull(strstr(reply->body, "\"7\":{\"dtype\":\"DT_FLOAT\""));
    server_stop(&server);
}
END_TEST

START_TEST(a_scikit_learn_pipeline_answers_with_its_labels)
{
    struct server server = server_start((const char *const[]){ONNX "sklearn_words.onnx", NULL});
    const struct reply *reply =
        server_post(&server, "/predict", "{\"inputs\":" ROW ",\"top_k\":3}");
    ck_assert_int_eq(reply->code, 200);
    ck_assert_ptr_nonnull(strstr(reply->body, "\"label\":\"ash\""));
    ck_assert_ptr_nonnull(strstr(reply->body, "\"label\":\"cedar\""));
    reply = server_post(&server, "/v1/models/sklearn_words:classify",
                        "{\"examples\":[{\"X\":" ROW "}]}");
    ck_assert_msg(strstr(reply->body, "[\"beech\",") != NULL, "%s", reply->body);
    server_stop(&server);
}
END_TEST

/* A repository as Triton lays it out, and one of plain files. */
START_TEST(onnx_files_lie_in_repositories)
{
    char repository[] = "/tmp/relud-onnx-XXXXXX", command[512];
    ck_assert_ptr_nonnull(mkdtemp(repository));
    snprintf(command, sizeof command,
             "cd %s && mkdir -p triton/1 && cp $OLDPWD/" ONNX "relu.onnx triton/1/model.onnx && "
             "cp $OLDPWD/" ONNX "gelu.onnx plain.onnx && mkdir -p named/1 && "
             "cp $OLDPWD/" ONNX "silu.onnx named/1/model.onnx && "
             "echo '{\"format\":\"relud-model/1\",\"name\":\"trees\",\"output\":{\"task\":"
             "\"classification\",\"labels\":[\"a\",\"b\",\"c\",\"d\"]}}' >named/1/model.json",
             repository);
    ck_assert_int_eq(system(command), 0);
    struct server server = server_start((const char *const[]){repository, NULL});
    ck_assert_int_eq(server_get(&server, "/v2/models/triton/ready")->code, 200);
    ck_assert_int_eq(server_get(&server, "/v2/models/plain/ready")->code, 200);
    const struct reply *reply =
        server_post(&server, "/predict", "{\"model\":\"named\",\"inputs\":" ROW ",\"top_k\":4}");
    ck_assert_msg(strstr(reply->body, "\"label\":\"d\"") != NULL, "%s", reply->body);
    server_stop(&server);
    remove_folder(repository);
}
END_TEST

/* In every dialect and in `relud predict`: the file's own labels, or none. */
START_TEST(F1_an_index_is_never_given_out_as_a_label)
{
    static const struct {
        const char *file, *infer, *label, *class;
    } files[] = {
        {FAULTS "F1-text-labels.onnx", "probabilities", "\"label\":\"fish\",\"index\":2,",
         ":2:fish\""},
        {FAULTS "F1-columns.onnx", "i9", "\"label\":\"9\",\"index\":1,", ":0\""},
        {FAULTS "F1-logistic.onnx", "output_probability", "\"label\":\"fish\",\"index\":2,",
         ":2:fish\""},
        {ONNX "softmax.onnx", "", "[{\"index\":", ""},
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char body[512], command[256], name[64];
        struct server server = server_start((const char *const[]){files[i].file, NULL});
        const char *row = i == 3 ? ROW : "[1,2,0,0]";
        snprintf(body, sizeof body, "{\"inputs\":[%s]}", row);
        struct reply *reply = server_post(&server, "/predict", body);
        ck_assert_msg(strstr(reply->body, files[i].label) != NULL, "%s: %s", files[i].file,
                      reply->body);
        ck_assert_msg(i < 3 || !strstr(reply->body, "label"), "%s", reply->body);
        const char *stem = strrchr(files[i].file, '/') + 1;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(stem, "."), stem);
        snprintf(command, sizeof command, "/v1/models/%s:classify", name);
        snprintf(body, sizeof body, "{\"examples\":[{\"%s\":%s}]}", i == 3 ? "x" : "X", row);
        reply = server_post(&server, command, body);
        ck_assert_int_eq(reply->code, 200);
        ck_assert_msg(strstr(reply->body, i == 3   ? "[\"\",0."
                                          : i == 1 ? "[\"9\",0."
                                                   : "[\"fish\",0.") != NULL,
                      "%s", reply->body);
        snprintf(command, sizeof command, "/v2/models/%s/infer", name);
        snprintf(body, sizeof body,
                 "{\"inputs\":[{\"name\":\"X\",\"shape\":[1,4],\"datatype\":\"FP32\",\"data\":%s}],"
                 "\"outputs\":[{\"name\":\"%s\",\"parameters\":{\"classification\":1}}]}",
                 row, files[i].infer);
        reply = i == 3 ? NULL : server_post(&server, command, body);
        ck_assert_msg(!reply || strstr(reply->body, files[i].class), "%s",
                      reply ? reply->body : "");
        server_stop(&server);
    }
}
END_TEST

RUN_SUITE("onnx over http", F1_an_index_is_never_given_out_as_a_label,
          several_outputs_have_their_names_in_v2_and_v1,
          a_scikit_learn_pipeline_answers_with_its_labels, onnx_files_lie_in_repositories)
