/* What becomes of a row: probabilities where other results lie behind the scores, watched or not; shares that need no softmax;
 * rows wider than the scratch wants. */
#include "tests/unit/onnx_case.h"

#include "tests/unit/models.h"
#include "tests/unit/patience.h"

#define SCORES "w=f[4,2]{1,-2,3,4,0.5,6,-7,8}; z=MatMul(x,w); "
#define COLUMNS                                                                                    \
    SCORES "p=Softmax(z); o=i[1]{0}; b=i[1]{1}; d=i[1]{2}; f=Slice(p,o,b,b); g=Slice(p,b,d,b); "   \
           "c=s[2]{'cat','dog'}; a=ArgMax(p) axis=1; l=Gather(c,a); >f:f[N,1]; >g:f[N,1]; >l:s[N]"
#define CLASSES        HEAD "\"output\":{\"task\":\"classification\"}}"
#define LABELS(labels) HEAD "\"output\":{\"task\":\"classification\",\"labels\":[" labels "]}}"

static relud_model *load_beside(const char *json, const char *net, struct relud_error *error)
{
    char dir[64], path[128];
    struct buffer bytes = onnx_of(net, 17);
    strcpy(dir, new_directory());
    write_file(dir, "model.json", json, strlen(json));
    write_file(dir, "model.onnx", bytes.at, bytes.len);
    relud_model *model = relud_model_load(dir, NULL, error);
    free(bytes.at);
    snprintf(path, sizeof path, "%s/model.onnx", dir);
    unlink(path);
    remove_directory(dir);
    return model;
}

static relud_model *load_classes(const char *net)
{
    struct relud_error error = {0};
    relud_model *model = load_beside(CLASSES, net, &error);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    return model;
}

static void predict(relud_model *model, size_t most, const float *x, size_t rows, float *y)
{
    struct relud_error error = {0};
    relud_scratch *scratch = relud_scratch_new(model, most, &error);
    ck_assert_msg(scratch != NULL, "%s", error.text);
    relud_predict(scratch, x, rows, y);
    relud_scratch_free(scratch);
}

/* Under a watch that goes on the same bits; under one that does not the work ends at that question. */
static void check_watched(const relud_model *model, const float *y, size_t rows, const float *p,
                          float *again, size_t floats)
{
    struct patience all = {0};
    struct relud_watch watch = watch_of(&all);
    ck_assert(relud_probabilities_watched(model, y, rows, again, &watch));
    ck_assert_int_eq(memcmp(p, again, floats * sizeof *p), 0);
    ck_assert_uint_gt(all.asked, 1);
    for (size_t no = 1; no <= all.asked; no++) {
        struct patience some = {.no = no};
        watch = watch_of(&some);
        ck_assert(!relud_probabilities_watched(model, y, rows, again, &watch));
        ck_assert_uint_eq(some.asked, no);
    }
}

START_TEST(other_results_behind_the_scores_change_no_probability)
{
    static const struct {
        const char *alone, *behind;
    } cases[] = {
        {SCORES ">z:f[N,2]", SCORES "t=Tanh(x); >z:f[N,2]; >t:f[N,4]"},
        {SCORES "p=Softmax(z); >p:f[N,2]", SCORES "p=Softmax(z); >p:f[N,2]; >z:f[N,2]"},
        {"w=f[4,1]{1,-2,3,4}; z=MatMul(x,w); >z:f[N,1]",
         "w=f[4,1]{1,-2,3,4}; z=MatMul(x,w); >z:f[N,1]; t=Tanh(x); >t:f[N,4]"},
        {"w=f[4,1]{1,-2,3,4}; z=MatMul(x,w); p=Sigmoid(z); >p:f[N,1]",
         "w=f[4,1]{1,-2,3,4}; z=MatMul(x,w); p=Sigmoid(z); >p:f[N,1]; >z:f[N,1]"},
    };
    enum { ROWS = 2100 };
    static float x[ROWS * 4], y[ROWS * 6], p[2][ROWS * 2], again[ROWS * 2];
    uint64_t state = 7;
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = random_normal(&state);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t k = 0; k < 2; k++) {
            relud_model *model = load_classes(k ? cases[i].behind : cases[i].alone);
            ck_assert_uint_eq(relud_model_info(model)->classes, 2);
            ck_assert_uint_eq(relud_model_info(model)->results, 1 + k);
            predict(model, ROWS, x, ROWS, y);
            relud_probabilities(model, y, ROWS, p[k]);
            check_watched(model, y, ROWS, p[k], again, ROWS * 2);
            relud_model_release(model);
        }
        for (size_t r = 0; r < ROWS; r++)
            if (!(fabsf(p[0][2 * r] + p[0][2 * r + 1] - 1) < 1e-6f))
                ck_abort_msg("%s: row %zu", cases[i].alone, r);
        ck_assert_msg(memcmp(p[0], p[1], sizeof p[0]) == 0, "%s", cases[i].behind);
    }
}
END_TEST

/* As many labels as the scores tell apart: of the first result, or of one result a class. */
START_TEST(labels_are_counted_by_the_scores)
{
    static const struct {
        const char *json, *net, *words;
    } cases[] = {
        {LABELS("\"a\",\"b\""), SCORES "t=Tanh(x); >z:f[N,2]; >t:f[N,4]", NULL},
        {LABELS("\"a\",\"b\",\"c\",\"d\",\"e\",\"f\""), SCORES "t=Tanh(x); >z:f[N,2]; >t:f[N,4]",
         "output.labels has 6 labels; 2 are wanted"},
        {LABELS("\"a\",\"b\""), COLUMNS, NULL},
        {LABELS("\"a\""), COLUMNS, "output.labels has 1 labels; 2 are wanted"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct relud_error error = {0};
        relud_model *model = load_beside(cases[i].json, cases[i].net, &error);
        if (cases[i].words) {
            ck_assert_msg(!model && strstr(error.text, cases[i].words), "%s: '%s'", cases[i].json,
                          error.text);
            continue;
        }
        ck_assert_msg(model != NULL, "%s: %s", cases[i].net, error.text);
        const struct relud_model_info *info = relud_model_info(model);
        ck_assert_uint_eq(info->results, 2);
        ck_assert_uint_eq(info->classes, 2);
        ck_assert_str_eq(info->labels[1], "b");
        relud_model_release(model);
    }
}
END_TEST

/* By what they are, not by what made them; and rows without an answer say nothing. */
START_TEST(shares_are_probabilities_as_they_are)
{
    const float x[] = {1, 2, 3, -4};
    float y[4], p[4];
    relud_model *model =
        load_classes("a=Abs(x); i=i[1]{1}; s=ReduceSum(a,i); y=Div(a,s)"); /* of zeros: NaN */
    predict(model, 1, x, 1, y);
    relud_probabilities(model, y, 1, p);
    ck_assert_mem_eq(p, y, sizeof p);
    ck_assert_float_eq(p[3], 0.4f);
    relud_model_release(model);
    model = load_classes("a=Abs(x); c=f{2}; y=Add(a,c)"); /* of zeros: 2 */
    predict(model, 1, x, 1, y);
    relud_probabilities(model, y, 1, p);
    ck_assert_float_eq(y[3], 6);
    ck_assert_float_eq_tol(p[3], 0.643914f, 1e-6f);
    relud_model_release(model);
}
END_TEST

START_TEST(a_net_that_answers_neither_zeros_nor_ones_is_refused)
{
    onnx_check(&(struct onnx_case){"a=Abs(x); n=Neg(a); c=f{-1}; m=Add(n,c); y=Sqrt(m)", 17, NULL,
                                   "the net answers a row of ones with NaN at output 0"});
    onnx_check(&(struct onnx_case){"c=f{1}; d=Sub(x,c); y=Reciprocal(d)", 17, "1 2 3 5",
                                   "inf 1 0.5 0.25"}); /* of zeros: -1 */
}
END_TEST

/* 200,000 floats between a narrow beginning and a narrow end: 64 rows of them are more than the scratch wants. */
START_TEST(wide_rows_go_by_few_at_a_time_with_the_same_bits)
{
    enum { ROWS = 64 };
    float x[ROWS * 4], y[ROWS], alone;
    uint64_t state = 3;
    struct relud_error error = {0};
    struct buffer bytes =
        onnx_of("a=Concat(x,x,x,x,x,x,x,x,x,x) axis=1; b=Concat(a,a,a,a,a,a,a,a,a,a) axis=1; "
                "c=Concat(b,b,b,b,b,b,b,b,b,b) axis=1; d=Concat(c,c,c,c,c,c,c,c,c,c) axis=1; "
                "e=Concat(d,d,d,d,d) axis=1; g=Tanh(e); y=ReduceMean(g) axes=[1]; >y:f[N,1]",
                17);
    relud_model *model = onnx_load(&bytes, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    free(bytes.at);
    for (size_t i = 0; i < sizeof x / sizeof *x; i++)
        x[i] = random_normal(&state);
    predict(model, ROWS, x, ROWS, y);
    for (size_t r = 0; r < ROWS; r++) {
        predict(model, r % 2, x + 4 * r, 1, &alone); /* made for no row, or for one */
        ck_assert_msg(bits_of(alone) == bits_of(y[r]), "row %zu", r);
    }
    relud_model_release(model);
}
END_TEST

/* A step of more operands than a line has room for. */
START_TEST(the_words_of_a_step_have_an_end)
{
    char net[1024] = "t=Tanh(x); y=Concat(x";
    struct relud_error error = {0};
    for (size_t i = 0; i < 60; i++)
        strcat(net, i % 2 ? ",t" : ",x");
    strcat(net, ") axis=1");
    struct buffer bytes = onnx_of(net, 17);
    relud_model *model = onnx_load(&bytes, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    free(bytes.at);
    const struct relud_model_info *info = relud_model_info(model);
    const char *words = info->step[info->steps - 1];
    ck_assert_msg(strncmp(words, "join of input, input, #0, ", 26) == 0, "%s", words);
    ck_assert_msg(strcmp(words + strlen(words) - 5, ": 244") == 0, "%s", words);
    ck_assert_uint_lt(strlen(words), 256);
    relud_model_release(model);
}
END_TEST

/* Names of the rows that a model learned from count where the rows are as wide as its own. */
START_TEST(names_of_other_features_are_not_the_models)
{
    static const char *const features[] = {
        "\"mean\":[1,2,3],\"std\":[1,2,3],\"min\":[1,2,3],\"max\":[1,2,3],\"names\":[\"a\",\"b\","
        "\"c\"]",
        "\"mean\":[1,2],\"std\":[1,2],\"min\":[1,2],\"max\":[1,2],\"names\":[\"a\",\"b\"]"};
    for (size_t i = 0; i < 2; i++) {
        char json[512];
        struct relud_error error = {0};
        snprintf(json, sizeof json,
                 HEAD "\"training\":{\"features\":{%s}},\"layers\":[{\"weight\":\"w\",\"bias\":"
                      "\"b\"}]}",
                 features[i]);
        relud_model *model = load_model(json, TENSORS, data, sizeof data, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        const char *const *names = relud_model_feature_names(model);
        ck_assert_int_eq(names != NULL, i == 0);
        ck_assert(!names || strcmp(names[2], "c") == 0);
        relud_model_release(model);
    }
}
END_TEST

RUN_SUITE("model_answers", other_results_behind_the_scores_change_no_probability,
          shares_are_probabilities_as_they_are, labels_are_counted_by_the_scores,
          a_net_that_answers_neither_zeros_nor_ones_is_refused,
          wide_rows_go_by_few_at_a_time_with_the_same_bits, the_words_of_a_step_have_an_end,
          names_of_other_features_are_not_the_models)
