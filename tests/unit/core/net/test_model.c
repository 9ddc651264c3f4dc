/* Model files: what loads, and what is refused with which words. */
#include "tests/unit/models.h"

#include <math.h>

START_TEST(a_layer_answers_in_every_type_and_layout)
{
    const float x[] = {1, 10, 100}, wanted[] = {321.5f, 653.5f};
    answers(MODEL, TENSORS, data, sizeof data, x, wanted);
    const uint16_t f16[] = {0x3c00, 0x4000, 0x4200, 0x4400, 0x4500, 0x4600, 0x3800, 0xb800};
    answers(MODEL,
            "{\"w\":{\"dtype\":\"F16\",\"shape\":[2,3],\"data_offsets\":[0,12]},\"b\":{\"dtype\":"
            "\"F16\",\"shape\":[2],\"data_offsets\":[12,16]}}",
            f16, sizeof f16, x, wanted);
    const uint16_t bf16[] = {0x3f80, 0x4000, 0x4040, 0x4080, 0x40a0, 0x40c0, 0x3f00, 0xbf00};
    answers(MODEL,
            "{\"w\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[0,12]},\"b\":{\"dtype\":"
            "\"BF16\",\"shape\":[2],\"data_offsets\":[12,16]}}",
            bf16, sizeof bf16, x, wanted);
    const double f64[] = {1, 2, 3, 4, 5, 6, 0.5, -0.5};
    answers(MODEL,
            "{\"w\":{\"dtype\":\"F64\",\"shape\":[2,3],\"data_offsets\":[0,48]},\"b\":{\"dtype\":"
            "\"F64\",\"shape\":[2],\"data_offsets\":[48,64]}}",
            f64, sizeof f64, x, wanted);
    const float across[] = {1, 4, 2, 5, 3, 6, 0.5f, -0.5f};
    answers(HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\",\"weight_layout\":\"in_out\"}]}",
            "{\"w\":{\"dtype\":\"F32\",\"shape\":[3,2],\"data_offsets\":[0,24]},\"b\":{\"dtype\":"
            "\"F32\",\"shape\":[2],\"data_offsets\":[24,32]}}",
            across, sizeof across, x, wanted);
    answers(HEAD
            "\"input\":{\"scale\":2,\"shift\":1},\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}]}",
            TENSORS, data, sizeof data, x, (const float[]){648.5f, 1322.5f});
    answers(HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\",\"activation\":{\"type\":"
                 "\"hardtanh\",\"max_val\":400}}]}",
            TENSORS, data, sizeof data, x, (const float[]){321.5f, 400});
}
END_TEST

static const struct {
    const char *json, *header, *words;
} refusals[] = {
    {"", TENSORS, "model.json: the text ends too early"},
    {"{", TENSORS, "ends too early"},
    {"[]", TENSORS, "a JSON object is wanted"},
    {"{}", TENSORS, "format must be \"relud-model/1\""},
    {"{\"format\":\"relud-model/2\"}", TENSORS, "format must be"},
    {HEAD "\"x\":1}", TENSORS, "unknown key 'x'"},
    {HEAD "\"layers\":[]}", TENSORS, "at least one layer"},
    {HEAD "\"layers\":[{}]}", TENSORS, "layers[0].weight is missing"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"colour\":1}]}", TENSORS,
     "unknown key 'layers[0].colour'"},
    {HEAD "\"layers\":[{\"weight\":\"nope\"}]}", TENSORS,
     "there is no tensor 'nope', which layers[0].weight wants"},
    {HEAD "\"layers\":[{\"weight\":\"b\"}]}", TENSORS, "tensor 'b' has 1 dimensions"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"bias\":\"w\"}]}", TENSORS,
     "tensor 'w' has 6 elements in 2 dimensions; layers[0].bias wants [2]"},
    {HEAD "\"layers\":[{\"weight\":\"w\"},{\"weight\":\"w\"}]}", TENSORS,
     "layers[1].weight takes 3 inputs; the layer before gives 2"},
    {HEAD "\"input\":{\"features\":4},\"layers\":[{\"weight\":\"w\"}]}", TENSORS,
     "takes 3 inputs; input.features gives 4"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"activation\":\"ReLU\"}]}", TENSORS,
     "there is no activation 'ReLU'"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"activation\":{\"type\":\"elu\",\"beta\":1}}]}", TENSORS,
     "unknown key 'layers[0].activation.beta'"},
    {HEAD "\"layers\":[{\"weight\":\"w\",\"weight_layout\":\"x\"}]}", TENSORS,
     "neither out_in nor in_out"},
    {HEAD "\"output\":{\"task\":\"guess\"},\"layers\":[{\"weight\":\"w\"}]}", TENSORS,
     "neither classification nor regression"},
    {HEAD
     "\"output\":{\"task\":\"classification\",\"labels\":[\"a\"]},\"layers\":[{\"weight\":\"w\"}]}",
     TENSORS, "has 1 labels; 2 are wanted"},
    {HEAD "\"input\":{\"mean\":\"b\"},\"layers\":[{\"weight\":\"w\"}]}", TENSORS,
     "must be given together"},
    {"{\"format\":\"relud-model/1\",\"name\":\"../x\",\"layers\":[]}", TENSORS,
     "name must be 1 to 64"},
    {MODEL, "{", "model.safetensors: the text ends too early"},
    {MODEL, "[1]", "a JSON object is wanted"},
    {MODEL, "{\"w\":1}", "tensor 'w' must be an object"},
    {MODEL, "{\"w\":{\"dtype\":\"F31\",\"shape\":[8],\"data_offsets\":[0,32]}}",
     "tensor 'w' has 1 dimensions"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[-8],\"data_offsets\":[0,32]}}",
     "whole numbers from 0"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[1.5],\"data_offsets\":[0,32]}}",
     "whole numbers from 0"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,32]}}",
     "product overflows"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[32,0]}}", "run backwards"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,99]}}",
     "there are only 32 bytes"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[0,32]}}",
     "its shape takes 28 bytes, data_offsets give 32"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[7],\"data_offsets\":[4,32]}}", "a hole"},
    {MODEL,
     "{\"w\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]},\"v\":{\"dtype\":\"F32\","
     "\"shape\":[8],\"data_offsets\":[0,32]}}",
     "an overlap"},
    {MODEL, "{\"w\":{\"dtype\":\"F32\",\"shape\":[6],\"data_offsets\":[0,24]}}",
     "32 bytes of data, but the tensors take 24"},
    {MODEL,
     "{\"w\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]},\"\\u0077\":{\"dtype\":"
     "\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}",
     "stands twice"},
    {MODEL,
     "{\"__metadata__\":{\"a\":1},\"w\":{\"dtype\":\"F32\",\"shape\":[8],\"data_offsets\":[0,32]}}",
     "tensor 'w' has 1 dimensions"},
    {MODEL,
     "{\"w\":{\"dtype\":\"I32\",\"shape\":[2,3],\"data_offsets\":[0,24]},\"b\":{\"dtype\":\"F32\","
     "\"shape\":[2],\"data_offsets\":[24,32]}}",
     "tensor 'w' is I32; F32, F16, BF16 or F64"},
};

START_TEST(each_broken_model_is_refused_with_its_reason)
{
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct relud_error error = {0};
        relud_model *model =
            load_model(refusals[i].json, refusals[i].header, data, sizeof data, &error);
        ck_assert_msg(!model && strstr(error.text, refusals[i].words), "%zu: '%s'; '%s' is wanted",
                      i, error.text, refusals[i].words);
    }
}
END_TEST

START_TEST(a_caller_may_want_no_error)
{
    char torn[128];
    const char *dir = new_directory();
    snprintf(torn, sizeof torn, "%s/torn.onnx", dir);
    write_file(dir, "torn.onnx", "\x08\x09\x3a\x7f", 4);
    const char *const paths[] = {"/nonexistent", "README.md", "tests/data/digit-7.json", torn};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        ck_assert_msg(relud_model_load(paths[i], NULL, NULL) == NULL, "%s is loaded", paths[i]);
    unlink(torn);
    remove_directory(dir);
}
END_TEST

START_TEST(weights_that_are_not_finite_are_refused)
{
    float bad[8];
    memcpy(bad, data, sizeof bad);
    bad[4] = NAN;
    struct relud_error error;
    ck_assert_ptr_null(load_model(MODEL, TENSORS, bad, sizeof bad, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "tensor 'w': element 4 is not finite as float32"));
}
END_TEST

/* Every prefix of both files, and every bit of the tensor file turned: refused or loaded, never worse. */
START_TEST(truncated_and_flipped_files_do_no_harm)
{
    struct relud_error error;
    const char *dir = new_directory();
    write_tensors(dir, TENSORS, data, sizeof data);
    for (size_t len = 0; len < strlen(MODEL); len++) {
        write_file(dir, "model.json", MODEL, len);
        ck_assert_ptr_null(relud_model_load(dir, NULL, &error));
    }
    write_file(dir, "model.json", MODEL, strlen(MODEL));
    size_t len = 8 + strlen(TENSORS) + sizeof data;
    unsigned char *whole = malloc(len);
    memset(whole, 0, 8);
    whole[0] = (unsigned char)strlen(TENSORS);
    memcpy(whole + 8, TENSORS, strlen(TENSORS));
    memcpy(whole + 8 + strlen(TENSORS), data, sizeof data);
    for (size_t cut = 0; cut < len; cut++) {
        write_file(dir, "model.safetensors", whole, cut);
        ck_assert_ptr_null(relud_model_load(dir, NULL, &error));
    }
    for (size_t bit = 0; bit < len * 8; bit++) {
        whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
        write_file(dir, "model.safetensors", whole, len);
        relud_model_release(relud_model_load(dir, NULL, &error));
        whole[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    free(whole);
    remove_directory(dir);
    ck_assert_ptr_null(relud_model_load(dir, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_IO);
}
END_TEST

START_TEST(probabilities_know_the_last_layer)
{
    static const struct {
        const char *activation;
        float wanted; /* of class 0 */
    } cases[] = {{"identity", 0.26894143f}, {"softmax", 0.26894143f}, {"log_softmax", 0.26894143f}};
    const float weight[] = {0, 1}, x[] = {1};
    for (size_t i = 0; i < 3; i++) {
        char json[256];
        struct relud_error error;
        snprintf(json, sizeof json,
                 HEAD "\"output\":{\"task\":\"classification\"},\"layers\":[{\"weight\":\"w\","
                      "\"activation\":\"%s\"}]}",
                 cases[i].activation);
        relud_model *model =
            load_model(json, "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,1],\"data_offsets\":[0,8]}}",
                       weight, 8, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        relud_scratch *scratch = relud_scratch_new(model, 1, &error);
        float y[2], p[2];
        relud_predict(scratch, x, 1, y);
        relud_probabilities(model, y, 1, p);
        ck_assert_float_eq_tol(p[0], cases[i].wanted, 1e-6f);
        relud_scratch_free(scratch);
        relud_model_release(model);
    }
}
END_TEST

/* log_loss of logits is torch's cross_entropy: log(1 + e^-2) for scores 1 and 3 and class 1. Great
 * scores lose nothing; probabilities that the net makes itself count from 2^-23 on. */
START_TEST(the_loss_knows_the_last_layer)
{
    static const struct {
        const char *activation;
        size_t outputs;
        float y[3];
        double wanted[2]; /* for classes 0 and 1 */
    } cases[] = {
        {"identity", 2, {1, 3}, {2.1269280110429727, 0.1269280110429727}},
        {"identity", 2, {-500, 500}, {1000, 0}},
        {"identity", 2, {-INFINITY, 0}, {15.942385152878742, 0}},
        {"log_softmax", 2, {-1.5f, -0.25f}, {1.501929081345373, 0.2519290813453729}},
        {"softmax", 2, {0.25f, 0.75f}, {1.3862943611198906, 0.2876820724517809}},
        {"softmax", 2, {0, 1}, {15.942385152878742, 0}},
        {"identity", 1, {2}, {2.1269280110429727, 0.1269280110429727}},
        {"identity", 1, {-800}, {0, 800}},
        {"sigmoid", 1, {0.75f}, {1.3862943611198906, 0.2876820724517809}},
        {"sigmoid", 1, {1}, {15.942385152878742, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[256], tensors[128];
        const float weight[] = {1, 1};
        struct relud_error error;
        snprintf(json, sizeof json,
                 HEAD "\"output\":{\"task\":\"classification\"},\"layers\":[{\"weight\":\"w\","
                      "\"activation\":\"%s\"}]}",
                 cases[i].activation);
        snprintf(tensors, sizeof tensors,
                 "{\"w\":{\"dtype\":\"F32\",\"shape\":[%zu,1],\"data_offsets\":[0,%zu]}}",
                 cases[i].outputs, cases[i].outputs * 4);
        relud_model *model = load_model(json, tensors, weight, cases[i].outputs * 4, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        for (size_t target = 0; target < 2; target++)
            ck_assert_double_eq_tol(relud_log_loss(model, cases[i].y, target),
                                    cases[i].wanted[target], 1e-9);
        ck_assert(isnan(relud_log_loss(model, (const float[]){NAN, NAN}, 1)));
        relud_model_release(model);
    }
}
END_TEST

RUN_SUITE("model", a_layer_answers_in_every_type_and_layout,
          each_broken_model_is_refused_with_its_reason, a_caller_may_want_no_error,
          weights_that_are_not_finite_are_refused, truncated_and_flipped_files_do_no_harm,
          probabilities_know_the_last_layer, the_loss_knows_the_last_layer)
