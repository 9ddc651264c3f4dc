/* Explanations: contributions that add up to the output, and slopes that the net itself shows. */
#include "tests/unit/random_net.h"

#include "tests/unit/models.h"

enum { ROWS = 12, FEATURES_MAX = 16, OUTPUTS_MAX = 32 };

/* Nets that are linear around a row: layers, branches, and operations that choose or place. */
static const char *const linear[] = {
    "x:f[N,6]; w=f[6,200]{#}; b=f[200]{#}; h=Gemm(x,w,b); r=Relu(h); v=f[200,7]{#}; c=f[7]{#}; "
    "y=Gemm(r,v,c); >y:f[N,7]",
    "x:f[N,6]; w=f[6,20]{#}; h=MatMul(x,w); r=LeakyRelu(h) alpha=0.1; s=HardSigmoid(h) "
    "alpha=0.16666667 beta=0.5; "
    "lo=f{-1}; hi=f{1}; t=Clip(h,lo,hi); a=Add(r,s); u=Sub(a,t); v=f[20,3]{#}; y=MatMul(u,v); "
    ">y:f[N,3]",
    "x:f[N,6]; w=f[6,20]{#}; h=MatMul(x,w); r=Shrink(h) lambd=0.5 bias=0.5; q=Shrink(h) lambd=0.5; "
    "t=ThresholdedRelu(h) alpha=0.3; m=Max(r,t); n=Min(q,h); y=Concat(m,n) axis=1; >y:f[N,40]",
    "x:f[N,6]; k=i[3]{0,2,3}; t=Reshape(x,k); w=f[3,5]{#}; h=MatMul(t,w); f=Flatten(h); n=Neg(f); "
    "a=Abs(f); c=f[10]{#}; d=Div(n,c); e=Add(a,c); y=Concat(d,e) axis=1; >y:f[N,20]",
    "x:f[N,6]; z=f{0}; g=Greater(x,z); t=f[6]{#}; p=Mul(x,t); y=Where(g,p,t); >y:f[N,6]",
    "x:f[N,6]; g=Cast(x) to=6; f=Cast(g) to=1; y=Mul(x,f); >y:f[N,6]",
    "x:f[N,6]; i=i[3]{4,0,0}; g=Gather(x,i) axis=1; a=i{1}; c=CumSum(x,a) exclusive=1; "
    "r=CumSum(x,a) reverse=1; y=Concat(g,c,r) axis=1; >y:f[N,15]",
    "x:f[N,6]; k=i[1]{3}; t,i=TopK(x,k) axis=1; s=ReduceSum(x) keepdims=1; m=ReduceMean(x) "
    "axes=[1]; "
    "b=ReduceMax(x) axes=[1]; l=ReduceL1(x) axes=[1]; y=Concat(t,m,b,l) axis=1; >y:f[N,6]",
};

/* Nets that are not. */
static const char *const smooth[] = {
    "x:f[N,6]; w=f[6,9]{#}; h=MatMul(x,w); s=Sigmoid(h); v=f[9,2]{#}; y=MatMul(s,v); >y:f[N,2]",
    "x:f[N,6]; w=f[6,9]{#}; h=MatMul(x,w); s=Softmax(h); v=f[9,2]{#}; y=MatMul(s,v); >y:f[N,2]",
    "x:f[N,6]; w=f[6,9]{#}; h=MatMul(x,w); s=LogSoftmax(h); v=f[9,2]{#}; y=MatMul(s,v); >y:f[N,2]",
    "x:f[N,6]; g=f[6]{#}; b=f[6]{#}; h=LayerNormalization(x,g,b) epsilon=0.5; y=Mul(h,x); "
    ">y:f[N,6]",
    "x:f[N,6]; y=Mul(x,x); >y:f[N,6]",
    "x:f[N,6]; a=Abs(x); c=f{2}; b=Add(a,c); r=Reciprocal(b); q=Sqrt(b); l=Log(b); d=Div(x,b); "
    "y=Concat(r,q,l,d) axis=1; >y:f[N,24]",
    "x:f[N,6]; e=Exp(x); f=Erf(x); s=Sin(x); c=Cos(x); y=Concat(e,f,s,c) axis=1; >y:f[N,24]",
    "x:f[N,6]; t=Tanh(x); h=f{0.4}; u=Mul(t,h); a=Asin(u); b=Acos(u); c=Atanh(u); d=Tan(u); "
    "y=Concat(a,b,c,d) axis=1; >y:f[N,24]",
    "x:f[N,6]; s=Sinh(x); c=Cosh(x); t=Atan(x); a=Asinh(x); y=Concat(s,c,t,a) axis=1; >y:f[N,24]",
    "x:f[N,6]; q=Mul(x,x); e=f{3}; b=Add(q,e); a=Acosh(b); p=Pow(b,e); m=Pow(b,x); "
    "y=Concat(a,p,m) axis=1; >y:f[N,18]",
    "x:f[N,6]; q=ReduceSumSquare(x) axes=[1]; l=ReduceL2(x) axes=[1]; y=Concat(q,l) axis=1; "
    ">y:f[N,2]",
};

struct explain_test {
    relud_model *model;
    const struct relud_model_info *info;
    relud_scratch *scratch;
    relud_explainer *explainer;
};

static void open_test(struct explain_test *test, relud_model *model)
{
    struct relud_error error;
    *test = (struct explain_test){.model = model, .info = relud_model_info(model)};
    test->scratch = relud_scratch_new(model, 1, &error);
    test->explainer = relud_explainer_new(model, &error);
    ck_assert_uint_le(test->info->features, FEATURES_MAX);
    ck_assert(test->scratch && test->explainer);
}

static void close_test(struct explain_test *test)
{
    relud_explainer_free(test->explainer);
    relud_scratch_free(test->scratch);
    relud_model_release(test->model);
}

static float answer(const struct explain_test *test, const float *x, size_t output)
{
    float y[64];
    ck_assert_uint_le(test->info->outputs, 64);
    relud_predict(test->scratch, x, 1, y);
    return y[output];
}

static struct relud_explanation explain(const struct explain_test *test, const float *x,
                                        size_t output, double *contribution)
{
    struct relud_explanation explanation;
    struct relud_error error;
    ck_assert(relud_explain_row(test->explainer, x, NULL));
    bool is_explained =
        relud_explain_output(test->explainer, output, contribution, &explanation, NULL, &error);
    ck_assert_msg(is_explained, "%s", error.text);
    return explanation;
}

static void random_row(float *x, size_t features, uint64_t *state)
{
    for (size_t f = 0; f < features; f++)
        x[f] = random_unit(state) < 0.2f ? 0 : random_normal(state);
}

/* The slope that the net shows, by going a little way to both sides. NAN if it is not the same on
 * both: a border of the region is near. */
static double shown_slope(const struct explain_test *test, const float *x, size_t output, size_t f)
{
    const float step = 1.0f / 64;
    float at[FEATURES_MAX];
    memcpy(at, x, test->info->features * sizeof *x);
    double here = (double)answer(test, at, output);
    at[f] = x[f] + step;
    double after = (double)answer(test, at, output);
    at[f] = x[f] - step;
    double before = (double)answer(test, at, output);
    bool is_straight = fabs(after - 2 * here + before) < 1e-5 * (1 + fabs(here));
    return is_straight ? (after - before) / (2 * (double)step) : (double)NAN;
}

static void check_sum(const struct relud_explanation *explanation, const double *contribution,
                      size_t features, double wanted, double tolerance)
{
    double sum = explanation->bias;
    for (size_t f = 0; f < features; f++)
        sum += contribution[f];
    ck_assert_double_eq(sum, explanation->output);
    ck_assert_double_eq_tol(sum, wanted, tolerance * (1 + fabs(wanted)));
    ck_assert_double_eq_tol(explanation->error, wanted - sum, 1e-12 * (1 + fabs(wanted)));
}

START_TEST(contributions_are_the_slopes_of_the_region_times_the_row)
{
    uint64_t state = 11;
    for (size_t n = 0; n < sizeof linear / sizeof *linear; n++) {
        struct explain_test test;
        open_test(&test, load_net(linear[n]));
        size_t features = test.info->features, compared = 0;
        for (size_t i = 0; i < ROWS * test.info->outputs; i++) {
            float x[FEATURES_MAX];
            double contribution[FEATURES_MAX];
            size_t output = i % test.info->outputs;
            random_row(x, features, &state);
            struct relud_explanation explanation = explain(&test, x, output, contribution);
            ck_assert(explanation.is_exact);
            check_sum(&explanation, contribution, features, (double)answer(&test, x, output), 2e-5);
            for (size_t f = 0; f < features; f++) {
                double slope = shown_slope(&test, x, output, f), wanted = slope * (double)x[f];
                if (isnan(slope))
                    continue;
                compared++;
                if (fabs(contribution[f] - wanted) > 2e-3 * (1 + fabs(wanted)))
                    ck_abort_msg("%s: output %zu, feature %zu: %g instead of %g", linear[n], output,
                                 f, contribution[f], wanted);
            }
        }
        ck_assert_uint_gt(compared, ROWS * test.info->outputs * features / 3);
        close_test(&test);
    }
}
END_TEST

/* The integral of a wrong slope would not add up to the difference. */
START_TEST(integrated_gradients_add_up_to_the_output)
{
    uint64_t state = 12;
    for (size_t n = 0; n < sizeof smooth / sizeof *smooth; n++) {
        struct explain_test test;
        open_test(&test, load_net(smooth[n]));
        size_t features = test.info->features;
        for (size_t i = 0; i < ROWS * test.info->outputs; i++) {
            float x[FEATURES_MAX], zeros[FEATURES_MAX] = {0};
            double contribution[FEATURES_MAX];
            size_t output = i % test.info->outputs;
            random_row(x, features, &state);
            struct relud_explanation explanation = explain(&test, x, output, contribution);
            ck_assert(!explanation.is_exact);
            double wanted = (double)answer(&test, x, output);
            ck_assert_double_eq(explanation.bias, (double)answer(&test, zeros, output));
            if (fabs(explanation.error) > 1e-3 * (1 + fabs(wanted)))
                ck_abort_msg("%s: output %zu: %g is left", smooth[n], output, explanation.error);
            check_sum(&explanation, contribution, features, wanted, 1e-3);
        }
        close_test(&test);
    }
}
END_TEST

/* x·y belongs to x and y alike. */
START_TEST(a_product_belongs_to_both_factors)
{
    struct explain_test test;
    open_test(&test, load_net("x:f[N,1]; z:f[N,1]; y=Mul(x,z); >y:f[N,1]"));
    double contribution[2];
    explain(&test, (const float[]){3, 5}, 0, contribution);
    ck_assert_double_eq_tol(contribution[0], 7.5, 1e-5);
    ck_assert_double_eq_tol(contribution[1], 7.5, 1e-5);
    close_test(&test);
}
END_TEST

/* softmax, log_softmax and sigmoid at the end: what is explained is the score. */
START_TEST(a_probability_is_explained_by_its_score)
{
    static const char *const ends[] = {"Softmax", "LogSoftmax", "Sigmoid"};
    for (size_t i = 0; i < 3; i++) {
        char net[200];
        struct explain_test test;
        double contribution[3];
        snprintf(net, sizeof net,
                 "x:f[N,3]; w=f[3,2]{1,2,3,4,5,6}; b=f[2]{7,8}; h=Gemm(x,w,b); y=%s(h); >y:f[N,2]",
                 ends[i]);
        open_test(&test, load_net(net));
        struct relud_explanation explanation =
            explain(&test, (const float[]){1, 0, -2}, 1, contribution);
        ck_assert(explanation.is_exact);
        ck_assert_double_eq(explanation.output, 2 - 12 + 8);
        ck_assert_double_eq(explanation.bias, 8);
        ck_assert_double_eq(contribution[0], 2);
        ck_assert_double_eq(contribution[1], 0);
        ck_assert_double_eq(contribution[2], -12);
        close_test(&test);
    }
}
END_TEST

/* A word contributes its row of the table, a missing number nothing: its value is in the bias. */
START_TEST(words_and_missing_numbers_have_a_contribution)
{
    static const float numbers[] = {/* table */ 1, 2,    3,           4, /* w */ 1, 10,
                                    100,           1000, /* b */ 0.5f};
    static const char json[] =
        HEAD "\"inputs\":[{\"name\":\"city\",\"type\":\"BYTES\",\"categories\":[\"Bern\",\"Rome\"],"
             "\"embedding\":\"t\"},{\"name\":\"age\",\"missing\":30},{\"name\":\"size\"}],"
             "\"layers\":[{\"weight\":\"w\",\"bias\":\"b\"}]}";
    static const char header[] =
        "{\"t\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[1,4],\"data_offsets\":[16,32]},"
        "\"b\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[32,36]}}";
    struct relud_error error;
    struct explain_test test;
    relud_model *model = load_model(json, header, numbers, sizeof numbers, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    open_test(&test, model);
    double contribution[3];
    struct relud_explanation explanation =
        explain(&test, (const float[]){1, NAN, 2}, 0, contribution);
    ck_assert(explanation.is_exact);
    ck_assert_double_eq(contribution[0], 3 + 40);
    ck_assert_double_eq(contribution[1], 0);
    ck_assert_double_eq(contribution[2], 2000);
    ck_assert_double_eq(explanation.bias, 0.5 + 3000);
    explanation = explain(&test, (const float[]){0, 31, 2}, 0, contribution);
    ck_assert_double_eq(contribution[0], 1 + 20);
    ck_assert_double_eq(contribution[1], 3100);
    ck_assert_double_eq(explanation.bias, 0.5);
    close_test(&test);
}
END_TEST

/* Also behind casts, slices and joins; and not to an integral's way, where it would be no index. */
START_TEST(a_row_of_a_table_belongs_to_the_feature_that_chooses_it)
{
    static const struct {
        const char *net;
        float x[4];
        size_t output, feature;
        double wanted;
    } cases[] = {
        {"x:f[N,4]; k=i{3}; c=Gather(x,k) axis=1; i=Cast(c) to=6; w=f[3,2]{1,2,3,4,5,6}; "
         "y=Gather(w,i); >y:f[N,2]",
         {9, 9, 9, 1},
         1,
         3,
         4},
        {"a:i[N,1]; b:i[N,1]; c=Concat(b,a) axis=1; w=f[3,2]{1,2,3,4,5,6}; g=Gather(w,c); "
         "y=Flatten(g); >y:f[N,4]",
         {1, 2},
         0,
         1,
         5},
        {"x:f[N,2]; k=i{1}; c=Gather(x,k) axis=1; i=Cast(c) to=6; w=f[3,2]{1,2,3,4,0.5,6}; "
         "g=Gather(w,i); y=Tanh(g); >y:f[N,2]",
         {9, 2},
         0,
         1,
         0.46211716},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct explain_test test;
        double contribution[FEATURES_MAX];
        open_test(&test, load_net(cases[i].net));
        struct relud_explanation explanation =
            explain(&test, cases[i].x, cases[i].output, contribution);
        for (size_t f = 0; f < test.info->features; f++)
            ck_assert_double_eq_tol(contribution[f], f == cases[i].feature ? cases[i].wanted : 0,
                                    1e-5);
        ck_assert_double_eq(explanation.bias, 0);
        close_test(&test);
    }
}
END_TEST

START_TEST(the_instruction_set_does_not_change_a_bit)
{
    enum { PIXELS = 784 };
    double wanted[PIXELS], contribution[PIXELS];
    float x[PIXELS];
    uint64_t state = 13;
    for (size_t f = 0; f < PIXELS; f++)
        x[f] = random_unit(&state) < 0.7f ? 0 : 255 * random_unit(&state);
    for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
        const struct relud_model_options options = {.isa = (enum relud_isa)isa};
        struct relud_error error;
        struct relud_explanation explanation;
        relud_model *model = relud_model_load("deploy/models/digits/1", &options, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        relud_explainer *explainer = relud_explainer_new(model, &error);
        ck_assert(relud_explain_row(explainer, x, NULL));
        ck_assert(relud_explain_output(explainer, 3, contribution, &explanation, NULL, &error));
        if (isa == RELUD_ISA_SCALAR)
            memcpy(wanted, contribution, sizeof wanted);
        ck_assert_mem_eq(wanted, contribution, sizeof wanted);
        relud_explainer_free(explainer);
        relud_model_release(model);
    }
}
END_TEST

static bool stop(void *user)
{
    return ++*(int *)user < 2;
}

START_TEST(what_cannot_be_explained_says_why)
{
    struct relud_explanation explanation;
    struct relud_error error = {0};
    struct explain_test test;
    double contribution[6];
    const float x[6] = {1, 2, 3, 4, 5, 6}, endless[6] = {INFINITY};
    open_test(&test, load_net("x:f[N,6]; p=ReduceProd(x) axes=[1]; y=Relu(p); >y:f[N,1]"));
    ck_assert(relud_explain_row(test.explainer, x, NULL));
    ck_assert(!relud_explain_output(test.explainer, 0, contribution, &explanation, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_UNSUPPORTED);
    ck_assert_msg(strstr(error.text, "step 1 (prod of input") != NULL, "%s", error.text);
    close_test(&test);
    open_test(&test, load_net("x:f[N,6]; y=Log(x); >y:f[N,6]")); /* not at 0, where it begins */
    ck_assert(relud_explain_row(test.explainer, x, NULL));
    ck_assert(!relud_explain_output(test.explainer, 0, contribution, &explanation, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_NOT_FINITE);
    close_test(&test);
    open_test(&test, load_net(linear[0]));
    ck_assert(relud_explain_row(test.explainer, endless, NULL));
    ck_assert(!relud_explain_output(test.explainer, 0, contribution, &explanation, NULL, &error));
    ck_assert_int_eq(error.code, RELUD_NOT_FINITE);
    int asked = 0;
    const struct relud_watch watch = {stop, &asked};
    ck_assert(relud_explain_row(test.explainer, x, NULL));
    ck_assert(!relud_explain_output(test.explainer, 0, contribution, &explanation, &watch, &error));
    ck_assert_int_eq(error.code, 0);
    ck_assert_int_eq(asked, 2);
    close_test(&test);
}
END_TEST

RUN_SUITE("explain", contributions_are_the_slopes_of_the_region_times_the_row,
          integrated_gradients_add_up_to_the_output, a_product_belongs_to_both_factors,
          a_probability_is_explained_by_its_score, words_and_missing_numbers_have_a_contribution,
          a_row_of_a_table_belongs_to_the_feature_that_chooses_it,
          the_instruction_set_does_not_change_a_bit, what_cannot_be_explained_says_why)
