/* Nets into model.json and model.safetensors: which are chains of layers, and that they come back with the same bits. */
#include "tests/unit/onnx_case.h"

#include "tests/unit/models.h"

enum { ROWS = 9, WIDTH_MAX = 16 };

#define LINEAR        "w=f[4,2]{1,2,3,4,5,6,7,8}; y=MatMul(%s,w)"
#define BEHIND(value) "w=f[4,2]{1,2,3,4,5,6,7,8}; y=MatMul(" value ",w)"
#define NO_LAYER      "is neither a layer nor its activation)"

static const struct {
    const char *net, *says; /* what model.json has */
} saved[] = {
    {"c=f{0.5}; h=Mul(x,c); " BEHIND("h"), "\"scale\": 0.5, \"shift\": 0}"},
    {"c=f{0.5}; h=Mul(x,c); d=f{-3}; g=Add(h,d); " BEHIND("g"), "\"scale\": 0.5, \"shift\": -3}"},
    {"c=f{0.5}; h=Mul(x,c); d=f[4]{1,2,3,4}; g=Add(h,d); " BEHIND("g"),
     "\"scale\": 0.5, \"shift\": 0}"},
    {"d=f[4]{1,2,3,4}; h=Sub(x,d); " BEHIND("h"),
     "\"mean\": \"input.mean\", \"std\": \"input.std\""},
    {"d=f[4]{1,2,3,4}; h=Div(x,d); " BEHIND("h"),
     "\"mean\": \"input.mean\", \"std\": \"input.std\""},
    {"d=f{7}; h=Div(x,d); " BEHIND("h"), "\"mean\": \"input.mean\", \"std\": \"input.std\""},
    {"m=f{7}; d=f{3}; h=Sub(x,m); g=Div(h,d); " BEHIND("g"),
     "\"mean\": \"input.mean\", \"std\": \"input.std\""},
    {"d=f{7}; h=Add(x,d); y=Relu(h)", "\"type\": \"batch_norm\""},
    {"d=f[4]{1,2,3,4}; y=Mul(x,d)", "\"type\": \"batch_norm\""},
    {"d=f[4]{1,2,3,4}; y=Add(x,d)", "\"type\": \"batch_norm\""},
    {"d=f[4]{1,2,3,4}; h=Add(x,d); e=f[4]{4,3,2,1}; y=Mul(h,e)", "\"type\": \"batch_norm\""},
    {"d=f[4]{1,2,3,4}; h=Add(x,d); y=LeakyRelu(h) alpha=0.25",
     "{\"type\": \"leaky_relu\", \"negative_slope\": 0.25}"},
    {"s=f[4]{1,1,1,1}; b=f[4]{0,0,0,0}; y=LayerNormalization(x,s,b)", "\"type\": \"layer_norm\""},
    {"s=f[4]{1,2,3,4}; y=LayerNormalization(x,s)", "\"type\": \"layer_norm\""},
    {"s=f[4]{1,2,3,4}; h=LayerNormalization(x,s); y=Tanh(h)", "\"activation\": \"tanh\""},
    {"d=f[4]{1,2,3,4}; y=Add(x,d); z=Tanh(y); >y:f[N,4]", "\"type\": \"batch_norm\""},
};

static const struct {
    const char *net, *words;
} refused[] = {
    {"c=f{1}; y=Sub(c,x)", "(step 0 " NO_LAYER},
    {"c=f{1}; h=Sub(c,x); y=Tanh(h)", "(step 0 " NO_LAYER},
    {"s=f[4]{1,2,3,4}; h=LayerNormalization(x,s); y=Add(h,x)", "(step 2 " NO_LAYER},
    {"c=f{2}; h=Relu(x); y=Pow(c,h)", "reads what an earlier one made"},
    {"h=Relu(x); y=Add(h,x)", NO_LAYER},
    {"h=Relu(x); y=Add(x,h)", "reads what an earlier one made"},
    {"w=f[4,2]{1,2,3,4,5,6,7,8}; h=MatMul(x,w); d=f[2]{3,4}; y=Div(h,d)", "(step 1 " NO_LAYER},
    {"x:f[N,2,2]; y=Softmax(x) axis=2", "(step 0 " NO_LAYER},
    {"w=f[4,4]{1,2,3,4,5,6,7,8,1,2,3,4,5,6,7,8}; h=MatMul(x,w); s=i[3]{0,2,2}; g=Reshape(h,s); "
     "y=Softmax(g) axis=2; >y:f[N,2,2]",
     "(step 1 " NO_LAYER},
    {"s=f[4]{1,2,3,4}; y=RMSNormalization(x,s)", "(step 0 " NO_LAYER},
    {"y=Identity(x)", "(step 0 is not the one answer)"},
    {"y=Relu(x); z=Tanh(y); >y:f[N,4]; >z:f[N,4]", "is not the one answer"},
    {"y=Relu(x); z=Tanh(y); >y:f[N,4]", "(step 0 " NO_LAYER},
    {"h=Relu(x); y=Concat(h,h) axis=1", NO_LAYER},
};

static relud_model *load_net(const char *net, struct relud_error *error)
{
    struct buffer bytes = onnx_of(net, 23);
    relud_model *model = onnx_load(&bytes, error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error->text);
    return model;
}

static void predict(relud_model *model, const float *x, float *y)
{
    struct relud_error error;
    relud_scratch *scratch = relud_scratch_new(model, ROWS, &error);
    relud_predict(scratch, x, ROWS, y);
    relud_scratch_free(scratch);
}

static char *text_of(const char *dir, const char *name)
{
    char path[128];
    struct relud_error error;
    struct relud_file file;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    ck_assert_msg(relud_file_read(path, 1 << 20, &file, &error), "%s", error.text);
    char *text = strndup(file.bytes, file.len);
    relud_file_free(&file);
    return text;
}

START_TEST(a_chain_comes_back_with_the_same_bits)
{
    float x[ROWS * WIDTH_MAX], y[2][ROWS * WIDTH_MAX];
    uint64_t state = 1;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = i % 5 == 0 ? -0.0f : random_normal(&state);
    for (size_t i = 0; i < sizeof saved / sizeof *saved; i++) {
        char dir[64];
        struct relud_error error = {0};
        relud_model *model = load_net(saved[i].net, &error);
        size_t outputs = relud_model_info(model)->outputs;
        strcpy(dir, new_directory());
        ck_assert_msg(relud_model_save(model, dir, "m", &error), "%s: %s", saved[i].net,
                      error.text);
        char *json = text_of(dir, "model.json");
        ck_assert_msg(strstr(json, saved[i].says) != NULL, "%s: %s", saved[i].net, json);
        relud_model *again = relud_model_load(dir, NULL, &error);
        ck_assert_msg(again != NULL, "%s: %s: %s", saved[i].net, json, error.text);
        predict(model, x, y[0]);
        predict(again, x, y[1]);
        if (memcmp(y[0], y[1], ROWS * outputs * sizeof(float)) != 0)
            ck_abort_msg("%s: other bits from %s", saved[i].net, json);
        free(json);
        relud_model_release(model);
        relud_model_release(again);
        remove_directory(dir);
    }
}
END_TEST

/* Without a factor and without a shift. */
START_TEST(a_bare_norm_comes_back_bare)
{
    static const char layers[] = "\"layers\": [\n  {\"type\": \"layer_norm\", \"eps\": 0.5}]";
    char dir[64];
    struct relud_error error = {0};
    relud_model *model = load_model(
        HEAD "\"input\":{\"features\":3},\"layers\":[{\"type\":\"layer_norm\",\"eps\":0.5}]}", "{}",
        "", 0, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    strcpy(dir, new_directory());
    ck_assert_msg(relud_model_save(model, dir, "m", &error), "%s", error.text);
    relud_model_release(model);
    char *json = text_of(dir, "model.json");
    ck_assert_msg(strstr(json, layers) != NULL, "%s", json);
    free(json);
    ck_assert(onnx_loads(dir, &error));
    remove_directory(dir);
}
END_TEST

START_TEST(what_is_no_chain_is_refused)
{
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        char dir[64];
        struct relud_error error = {0};
        relud_model *model = load_net(refused[i].net, &error);
        strcpy(dir, new_directory());
        bool is_saved = relud_model_save(model, dir, "m", &error);
        ck_assert_msg(!is_saved && error.code == RELUD_UNSUPPORTED &&
                          strstr(error.text, refused[i].words),
                      "%s: '%s'", refused[i].net, error.text);
        ck_assert_int_eq(rmdir(dir), 0); /* nothing lies there */
        relud_model_release(model);
    }
}
END_TEST

static void check_no_place(const relud_model *model, const char *dir, const char *words)
{
    struct relud_error error = {0};
    ck_assert(!relud_model_save(model, dir, "m", &error));
    ck_assert_int_eq(error.code, RELUD_IO);
    ck_assert_msg(strstr(error.text, words) != NULL, "%s", error.text);
}

START_TEST(where_a_model_cannot_be_is_refused)
{
    char dir[64], path[128], way[5000];
    struct relud_error error = {0};
    relud_model *model = load_net("c=f[4]{1,2,3,4}; y=Add(x,c)", &error);
    strcpy(dir, new_directory());
    write_file(dir, "file", "", 0);
    snprintf(path, sizeof path, "%s/file", dir);
    check_no_place(model, path, "/file: is there, and no directory");
    snprintf(path, sizeof path, "%s/link", dir);
    ck_assert_int_eq(symlink("nowhere", path), 0);
    check_no_place(model, path, "/link: No such file or directory");
    memset(way, '/', sizeof way);
    way[sizeof way - 1] = '\0';
    check_no_place(model, way, "the path is too long");
    way[4096 - sizeof "/model.json"] = '\0'; /* model.json fits, model.safetensors does not */
    check_no_place(model, way, "the path is too long");
    relud_model_release(model);
    remove_folder(dir);
}
END_TEST

RUN_SUITE("model_save", a_chain_comes_back_with_the_same_bits, a_bare_norm_comes_back_bare,
          what_is_no_chain_is_refused, where_a_model_cannot_be_is_refused)
