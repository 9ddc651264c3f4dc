/* Layers of model.json besides linear ones, by PyTorch's meaning in eval mode; and tensors that no layer uses. */
#include "tests/unit/models.h"

#include "tests/unit/scarcity.h"
#include <math.h>

#define NORMS "tests/data/faults/F18-norms"
#define LIN   "{\"weight\":\"w\",\"bias\":\"b\"}"
#define BN(more)                                                                                   \
    "{\"type\":\"batch_norm\",\"running_mean\":\"n.running_mean\",\"running_var\":\"n.running_"    \
    "var\"" more "}"
#define NO_NORM "\"unused\":[\"v\",\"n.running_mean\",\"n.num_batches_tracked\"]"
#define F(name, shape, from, to)                                                                   \
    "\"" name "\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"

/* w[2,3], b[2], n.running_mean[2], n.running_var[2], n.num_batches_tracked, v[3] */
#define HEADER                                                                                     \
    "{" F("w", "[2,3]", "0", "24") "," F("b", "[2]", "24", "32") "," F(                            \
        "n.running_mean", "[2]", "32",                                                             \
        "40") "," F("n.running_var", "[2]", "40",                                                  \
                    "48") ","                                                                      \
                          "\"n.num_batches_tracked\":{\"dtype\":\"I64\",\"shape\":[],\"data_"      \
                          "offsets\":[48,56]}," F("v", "[3]", "56", "68") "}"
static const float numbers[] = {1, 2, 3, 4, 5, 6, 0.5f, -0.5f, 1, 2, 4, 16, 0, 0, 1, 2, 3};

static void predict(relud_model *model, const float *x, size_t rows, float *y)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, rows, &error);
    relud_predict(scratch, x, rows, y);
    relud_scratch_free(scratch);
}

static relud_model *load(const char *path, enum relud_isa isa)
{
    struct relud_error error;
    struct relud_model_options options = {.isa = isa};
    relud_model *model = relud_model_load(path, &options, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    return model;
}

/* PyTorch's values: tests/data/faults/F18-norms.py. */
START_TEST(F18_norms_answer_as_pytorch_does)
{
    static const float x[] = {1, -2, 0.5f, -0.25f, 3, 4},
                       wanted[] = {0.988700867f, 0.702453971f, 0.73043412f, 0.463216692f};
    float y[4];
    relud_model *model = load(NORMS, RELUD_ISA_BEST);
    predict(model, x, 2, y);
    for (size_t i = 0; i < 4; i++)
        ck_assert_msg(fabsf(y[i] - wanted[i]) < 1e-6f, "%zu: %.9g", i, (double)y[i]);
    ck_assert_uint_eq(relud_model_info(model)->features, 3);
    ck_assert_uint_eq(relud_model_info(model)->notes, 0);
    relud_model_release(model);
}
END_TEST

/* Alone, in batches, on every instruction set, and written and read again: the same bits. */
START_TEST(F18_norms_keep_the_bits)
{
    enum { ROWS = 37 };
    static float x[3 * ROWS], y[3][2 * ROWS], alone[2];
    char dir[64];
    uint64_t state = 3;
    struct relud_error error;
    for (size_t i = 0; i < 3 * ROWS; i++)
        x[i] = i % 7 == 0 ? -0.0f : random_normal(&state);
    relud_model *model = load(NORMS, RELUD_ISA_BEST), *scalar = load(NORMS, RELUD_ISA_SCALAR);
    strcpy(dir, new_directory());
    ck_assert_msg(relud_model_save(model, dir, "again", &error), "%s", error.text);
    relud_model *again = load(dir, RELUD_ISA_BEST);
    remove_directory(dir);
    predict(model, x, ROWS, y[0]);
    predict(scalar, x, ROWS, y[1]);
    predict(again, x, ROWS, y[2]);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
    ck_assert_mem_eq(y[0], y[2], sizeof y[0]);
    for (size_t r = 0; r < ROWS; r++) {
        predict(model, x + 3 * r, 1, alone);
        ck_assert_mem_eq(alone, y[0] + 2 * r, sizeof alone);
    }
    relud_model_release(model);
    relud_model_release(scalar);
    relud_model_release(again);
}
END_TEST

static const struct {
    const char *layers, *more;
    float y[3]; /* for 1, 1, 1 */
} served[] = {
    {LIN "," BN(",\"eps\":0"), ",\"unused\":[\"v\"]", {2.75f, 3.125f}},
    {LIN "," BN(",\"eps\":0,\"weight\":\"b\",\"bias\":\"n.running_mean\""),
     ",\"unused\":[\"v\"]",
     {2.375f, 0.4375f}},
    {"{\"type\":\"linear\",\"weight\":\"w\",\"bias\":\"b\",\"activation\":\"relu\"},{\"type\":"
     "\"dropout\"}," BN(",\"eps\":0,\"activation\":\"relu\""),
     ",\"unused\":[\"v\"]",
     {2.75f, 3.125f}},
    {"{\"type\":\"layer_norm\",\"weight\":\"v\",\"bias\":\"v\"}," LIN "," BN(",\"eps\":0"),
     "",
     {6.75f, 7.375f}},
    {"{\"type\":\"dropout\",\"p\":0.1,\"activation\":{\"type\":\"threshold\",\"threshold\":1,"
     "\"value\":0}}," LIN,
     ",\"input\":{\"features\":3},\"unused\":[\"v\",\"n.running_mean\",\"n.running_var\",\"n.num_"
     "batches_tracked\",\"old\"]",
     {0.5f, -0.5f}},
    /* one norm behind the other; without factors; by means that are called otherwise */
    {LIN "," BN(",\"eps\":0") "," BN(",\"eps\":0"), ",\"unused\":[\"v\"]", {0.875f, 0.28125f}},
    {"{\"type\":\"layer_norm\"}," LIN,
     ",\"input\":{\"features\":3},\"unused\":[\"v\",\"n.running_mean\",\"n.running_var\",\"n.num_"
     "batches_tracked\"]",
     {0.5f, -0.5f}},
    {LIN ",{\"type\":\"batch_norm\",\"running_mean\":\"b\",\"running_var\":\"n.running_var\","
         "\"eps\":0}",
     "," NO_NORM,
     {3, 3.75f}},
    {LIN ",{\"type\":\"batch_norm\",\"running_mean\":\"n.running_var\",\"running_var\":\"n.running_"
         "var\",\"eps\":0}",
     "," NO_NORM,
     {1.25f, -0.375f}},
};

static const struct {
    const char *layers, *more, *words;
} refused[] = {
    {LIN, "",
     "no layer uses the tensors 'n.num_batches_tracked', 'n.running_mean', 'n.running_var', 'v': "
     "write a layer of type batch_norm for them, or name what is to be left out under \"unused\""},
    {LIN "," BN(""), "", "no layer uses tensor 'v': write the layer that does"},
    {LIN, ",\"unused\":[\"v\",\"n.running_mean\",\"n.running_var\"]",
     "tensor 'n.num_batches_tracked'"},
    {LIN, ",\"unused\":[\"w\"]", "unused[0]: tensor 'w' is used by a layer"},
    {LIN, ",\"unused\":1", "unused must be an array of names of tensors"},
    {LIN, ",\"unused\":[1]", "unused[0] must be the name of a tensor"},
    {"{\"type\":\"conv\"}", "",
     "layers[0].type 'conv' is none of linear, batch_norm, layer_norm, dropout"},
    {"{\"type\":\"batchnorm\"}", "", "did you mean"},
    {"{\"type\":1}", "", "layers[0].type must be a string"},
    {"{\"type\":\"batch_norm\",\"running_mean\":\"v\"}", "", "layers[0].running_var is missing"},
    {"{\"type\":\"batch_norm\",\"running_var\":\"v\"}", "", "layers[0].running_mean is missing"},
    {"{\"type\":\"batch_norm\",\"weight_layout\":\"in_out\"}", "",
     "unknown key 'layers[0].weight_layout'"},
    {"{\"type\":\"linear\",\"weight\":\"w\",\"eps\":1}", "", "unknown key 'layers[0].eps'"},
    {"{\"type\":\"dropout\",\"p\":\"a\"}", "", "layers[0].p must be a number"},
    {"{\"type\":\"linear\"}", "", "layers[0].weight is missing"},
    {LIN "," BN(",\"eps\":-1"), "", "layers[1].eps must not be negative"},
    {LIN "," BN(",\"eps\":1e39"), "", "layers[1].eps must be a number that float32 can hold"},
    {LIN "," BN(",\"weight\":\"v\""), "",
     "tensor 'v' has 3 elements in 1 dimensions; layers[1].weight wants [2]"},
    {LIN ",{\"type\":\"batch_norm\",\"running_mean\":\"v\",\"running_var\":\"n.running_var\"}", "",
     "layers[1].running_mean wants [2]"},
    {"{\"type\":\"batch_norm\",\"running_mean\":\"w\",\"running_var\":\"n.running_var\"}", "",
     "tensor 'w' has 6 elements in 2 dimensions; layers[0].running_mean wants one dimension"},
    {LIN ",{\"type\":\"batch_norm\",\"running_mean\":\"n.running_mean\",\"running_var\":\"b\","
         "\"eps\":0}",
     "", "tensor 'b': element 1 of layers[1] gives no finite factor"},
    {"{\"type\":\"layer_norm\"}," LIN, "",
     "input.features is missing, and layers[0] does not tell it"},
    {"{\"type\":\"dropout\",\"activation\":\"relu\"}," LIN, "",
     "input.features is missing, and layers[0]"},
    {"{\"type\":\"dropout\"}", "", "its layers do nothing"},
    {"{\"type\":\"layer_norm\",\"weight\":\"nope\"}", "",
     "no tensor 'nope', which layers[0].weight wants"},
    {"{\"type\":\"layer_norm\",\"weight\":\"v\",\"bias\":\"b\"}", "", "layers[0].bias wants [3]"},
};

static bool loads(void *path, struct relud_error *error)
{
    relud_model *model = relud_model_load(path, NULL, error);
    relud_model_release(model);
    return model != NULL;
}

START_TEST(F18_each_layer_does_what_it_says)
{
    static const float x[] = {1, 1, 1};
    for (size_t i = 0; i < sizeof served / sizeof *served; i++) {
        char json[1024], dir[64];
        float y[3];
        snprintf(json, sizeof json, HEAD "\"layers\":[%s]%s}", served[i].layers, served[i].more);
        strcpy(dir, new_directory());
        write_file(dir, "model.json", json, strlen(json));
        write_tensors(dir, HEADER, numbers, sizeof numbers);
        relud_model *model = load(dir, RELUD_ISA_BEST);
        predict(model, x, 1, y);
        for (size_t k = 0; k < relud_model_info(model)->outputs; k++)
            ck_assert_msg(fabsf(y[k] - served[i].y[k]) < 1e-6f, "%s: %g", served[i].layers,
                          (double)y[k]);
        relud_model_release(model);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, loads, dir);
        remove_directory(dir);
    }
}
END_TEST

START_TEST(F18_what_no_layer_uses_and_what_is_wrong_is_named)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char json[1024];
        struct relud_error error = {0};
        snprintf(json, sizeof json, HEAD "\"layers\":[%s]%s}", refused[i].layers, refused[i].more);
        ck_assert_ptr_null(load_model(json, HEADER, numbers, sizeof numbers, &error));
        ck_assert_msg(strstr(error.text, refused[i].words) != NULL, "%s: '%s'; '%s' is wanted",
                      json, error.text, refused[i].words);
    }
}
END_TEST

/* A row has from 1 to 1048576 floats, whichever tensor says it. */
START_TEST(tensors_that_are_too_wide_or_empty_are_refused)
{
    enum { WIDE = (1 << 20) + 1 };
    static const struct {
        const char *layer, *shape, *words;
        size_t count;
    } cases[] = {
        {"{\"weight\":\"t\"}", "[1048577,1]", "layers[0].weight wants two, each from 1 to 1048576",
         WIDE},
        {"{\"weight\":\"t\"}", "[1,1048577]", "layers[0].weight wants two, each from 1 to 1048576",
         WIDE},
        {"{\"type\":\"layer_norm\",\"weight\":\"t\"}", "[1048577]",
         "tensor 't' has 1048577 elements in 1 dimensions; layers[0].weight wants one dimension of "
         "1 to 1048576",
         WIDE},
        {"{\"type\":\"layer_norm\",\"weight\":\"t\"}", "[0]", "tensor 't' has 0 elements", 0},
    };
    uint16_t *zeros = calloc(WIDE, sizeof *zeros);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[256], head[256];
        struct relud_error error = {0};
        size_t bytes = cases[i].count * sizeof *zeros;
        snprintf(json, sizeof json, HEAD "\"layers\":[%s]}", cases[i].layer);
        snprintf(head, sizeof head,
                 "{\"t\":{\"dtype\":\"F16\",\"shape\":%s,\"data_offsets\":[0,%zu]}}",
                 cases[i].shape, bytes);
        ck_assert_ptr_null(load_model(json, head, zeros, bytes, &error));
        ck_assert_msg(strstr(error.text, cases[i].words) != NULL, "%s: '%s'", cases[i].shape,
                      error.text);
    }
    free(zeros);
}
END_TEST

/* Six names are enough to see what is meant; long ones are cut. */
START_TEST(F18_of_many_tensors_that_no_layer_uses_some_are_named)
{
    char head[2048], json[256], name[140];
    struct relud_error error = {0};
    size_t len = (size_t)sprintf(head, "{" F("w", "[2,3]", "0", "24"));
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    for (size_t i = 0; i < 7; i++)
        len += (size_t)sprintf(
            head + len, ",\"%zu%s\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[%zu,%zu]}",
            i, i == 5 ? name : "", 24 + 4 * i, 28 + 4 * i);
    strcpy(head + len, "}");
    snprintf(json, sizeof json, HEAD "\"layers\":[{\"weight\":\"w\"}]}");
    ck_assert_ptr_null(load_model(json, head, numbers, 24 + 7 * 4, &error));
    ck_assert_msg(strstr(error.text, "no layer uses the tensors '0', '1', '2', '3', '4', '5xxx") &&
                      strstr(error.text, "and more: write the layer that does") &&
                      !strstr(error.text, "'6'") && strlen(error.text) < 400,
                  "%s", error.text);
}
END_TEST

RUN_SUITE("model_layers", tensors_that_are_too_wide_or_empty_are_refused,
          F18_of_many_tensors_that_no_layer_uses_some_are_named, F18_norms_answer_as_pytorch_does,
          F18_norms_keep_the_bits, F18_each_layer_does_what_it_says,
          F18_what_no_layer_uses_and_what_is_wrong_is_named)
