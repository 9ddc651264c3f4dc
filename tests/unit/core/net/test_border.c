/* Borders of linear regions: going there and a little farther. */
#include "tests/unit/random_net.h"

#include "tests/unit/models.h"

enum { ROWS = 150, FEATURES_MAX = 16, OUTPUTS_MAX = 40 };

/* With Max and Where, a border may have no effect: it is that of a branch not taken. */
static const char *const nets[] = {
    "x:f[N,6]; w=f[6,80]{#}; b=f[80]{#}; h=Gemm(x,w,b); r=Relu(h); v=f[80,7]{#}; c=f[7]{#}; "
    "y=Gemm(r,v,c); >y:f[N,7]",
    "x:f[N,6]; w=f[6,20]{#}; h=MatMul(x,w); r=LeakyRelu(h) alpha=0.1; v=f[20,18]{#}; "
    "g=MatMul(r,v); s=Relu(g); u=f[18,5]{#}; y=MatMul(s,u); >y:f[N,5]",
    "x:f[N,6]; w=f[6,20]{#}; h=MatMul(x,w); s=HardSigmoid(h) alpha=0.16666667 beta=0.5; "
    "lo=f{-1}; hi=f{1}; t=Clip(h,lo,hi); u=Sub(s,t); v=f[20,3]{#}; y=MatMul(u,v); >y:f[N,3]",
    "x:f[N,6]; w=f[6,20]{#}; h=MatMul(x,w); r=Shrink(h) lambd=0.5 bias=0.5; q=Shrink(h) lambd=0.5; "
    "t=ThresholdedRelu(h) alpha=0.3; m=Max(r,t); n=Min(q,h); y=Concat(m,n) axis=1; >y:f[N,40]",
    "x:f[N,6]; k=i[3]{0,2,3}; t=Reshape(x,k); w=f[3,5]{#}; h=MatMul(t,w); f=Flatten(h); "
    "a=Abs(f); c=f[10]{#}; d=Div(a,c); z=f{1.5}; g=Greater(d,z); y=Where(g,f,d); >y:f[N,10]",
    "x:f[N,6]; i=i[4]{4,0,0,5}; g=Gather(x,i) axis=1; a=i{1}; c=CumSum(g,a); "
    "m=ReduceMax(c) axes=[1]; l=ReduceL1(g) axes=[1]; y=Concat(m,l) axis=1; >y:f[N,2]",
};

struct border_test {
    const struct relud_model_info *info;
    relud_model *model;
    relud_explainer *explainer;
    relud_scratch *scratch;
    size_t features;
};

static void open_test(struct border_test *test, relud_model *model)
{
    struct relud_error error;
    *test = (struct border_test){.model = model, .info = relud_model_info(model)};
    test->features = test->info->features;
    test->explainer = relud_explainer_new(model, &error);
    test->scratch = relud_scratch_new(model, 1, &error);
    ck_assert(test->explainer && test->scratch);
}

static void close_test(struct border_test *test)
{
    relud_explainer_free(test->explainer);
    relud_scratch_free(test->scratch);
    relud_model_release(test->model);
}

static void random_row(float *x, size_t features, uint64_t *state)
{
    for (size_t f = 0; f < features; f++)
        x[f] = random_normal(state);
}

/* Of all outputs by all features, as explanations of the row show them. */
static void find_slopes(const struct border_test *test, const float *x, double *slope)
{
    struct relud_explanation explanation;
    struct relud_error error;
    ck_assert(relud_explain_row(test->explainer, x, NULL));
    for (size_t o = 0; o < test->info->outputs; o++, slope += test->features) {
        ck_assert(relud_explain_output(test->explainer, o, slope, &explanation, NULL, &error));
        for (size_t f = 0; f < test->features; f++)
            slope[f] /= (double)x[f];
    }
}

static bool is_other_region(const struct border_test *test, const float *x, const float *other)
{
    double a[FEATURES_MAX * OUTPUTS_MAX], b[FEATURES_MAX * OUTPUTS_MAX];
    find_slopes(test, x, a);
    find_slopes(test, other, b);
    for (size_t i = 0; i < test->features * test->info->outputs; i++)
        if (fabs(a[i] - b[i]) > 1e-9 * (1 + fabs(a[i])))
            return true;
    return false;
}

static size_t class_of(const struct border_test *test, const float *x)
{
    float y[OUTPUTS_MAX];
    size_t best = 0;
    if (!test->info->classes)
        return 0;
    relud_predict(test->scratch, x, 1, y);
    if (test->info->scores == 1)
        return y[0] > 0.5f;
    for (size_t c = 1; c < test->info->scores; c++)
        best = y[c] > y[best] ? c : best;
    return best;
}

static struct relud_border find_border(const struct border_test *test, const float *x, double *way)
{
    struct relud_border border = {.way = way};
    struct relud_error error;
    ck_assert(relud_explain_row(test->explainer, x, NULL));
    bool is_found =
        relud_explain_border(test->explainer, 0, class_of(test, x), &border, NULL, &error);
    ck_assert_msg(is_found, "%s", error.text);
    return border;
}

static void go(const struct border_test *test, const float *x, const double *way, double share,
               float *to)
{
    for (size_t f = 0; f < test->features; f++)
        to[f] = (float)((double)x[f] + share * way[f]);
}

/* Somewhere at that distance. */
static void random_way(double *way, size_t features, double distance, uint64_t *state)
{
    double square = 0;
    for (size_t f = 0; f < features; f++) {
        way[f] = (double)random_normal(state);
        square += way[f] * way[f];
    }
    for (size_t f = 0; f < features; f++)
        way[f] *= distance / sqrt(square);
}

START_TEST(the_slopes_change_beyond_the_border_and_nowhere_nearer)
{
    uint64_t state = 5;
    size_t near = 0, all = 0;
    for (size_t n = 0; n < sizeof nets / sizeof *nets; n++) {
        struct border_test test;
        open_test(&test, load_net(nets[n]));
        for (size_t i = 0; i < ROWS; i++, all++) {
            float x[FEATURES_MAX], to[FEATURES_MAX];
            double way[FEATURES_MAX], length = 0;
            random_row(x, test.features, &state);
            struct relud_border border = find_border(&test, x, way);
            for (size_t f = 0; f < test.features; f++)
                length += way[f] * way[f];
            ck_assert_double_eq_tol(sqrt(length), border.distance, 1e-12 * (1 + border.distance));
            if (border.distance < 1e-3) { /* float32 rounds it away */
                near++;
                continue;
            }
            go(&test, x, way, 0.99, to);
            if (is_other_region(&test, x, to))
                ck_abort_msg("%s: row %zu: another region before %g", nets[n], i, border.distance);
            go(&test, x, way, 1.01, to);
            if (!strstr(nets[n], "Max") && !strstr(nets[n], "Where") &&
                !is_other_region(&test, x, to))
                ck_abort_msg("%s: row %zu: no border at %g", nets[n], i, border.distance);
            for (size_t k = 0; k < 10; k++) {
                random_way(way, test.features, border.distance, &state);
                go(&test, x, way, 0.99, to);
                ck_assert(!is_other_region(&test, x, to));
            }
        }
        close_test(&test);
    }
    ck_assert_uint_lt(near, all / 10);
}
END_TEST

static size_t class_at(const struct border_test *test, const float *x, size_t feature, double by,
                       bool *is_other)
{
    float to[FEATURES_MAX];
    memcpy(to, x, test->features * sizeof *x);
    to[feature] = (float)((double)x[feature] + by);
    if (is_other)
        *is_other = is_other_region(test, x, to);
    return class_of(test, to);
}

/* No shorter move of one feature changes the class, except beyond a border. */
static void check_shorter_moves(const struct border_test *test, const float *x, double by)
{
    size_t class = class_of(test, x);
    for (size_t f = 0; f < test->features; f++)
        for (int i = -10; i <= 10; i++) {
            bool is_other;
            size_t now = class_at(test, x, f, 0.099 * i * by, &is_other);
            ck_assert(now == class || is_other);
        }
}

/* Two classes by one score: 6 features, 8 units. */
static relud_model *load_binary(void)
{
    static const char json[] =
        HEAD "\"output\":{\"task\":\"classification\",\"labels\":[\"no\",\"yes\"]},\"layers\":[{"
             "\"weight\":\"w\",\"activation\":\"leaky_relu\"},"
             "{\"weight\":\"v\",\"activation\":\"sigmoid\"}]}";
    static const char header[] =
        "{\"v\":{\"dtype\":\"F32\",\"shape\":[1,8],\"data_offsets\":[192,224]},"
        "\"w\":{\"dtype\":\"F32\",\"shape\":[8,6],\"data_offsets\":[0,192]}}";
    float numbers[56];
    uint64_t state = 9;
    struct relud_error error;
    for (size_t i = 0; i < 56; i++)
        numbers[i] = random_normal(&state);
    relud_model *model = load_model(json, header, numbers, sizeof numbers, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    return model;
}

START_TEST(the_class_changes_beyond_the_smallest_change_and_not_before)
{
    static const char *const classifiers[] = {
        "x:f[N,6]; w=f[6,10]{#}; b=f[10]{#}; h=Gemm(x,w,b); r=Relu(h); v=f[10,4]{#}; c=f[4]{#}; "
        "z=Gemm(r,v,c); y=Softmax(z); >y:f[N,4]",
        NULL, /* load_binary */
        "x:f[N,6]; w=f[6,3]{#}; b=f[3]{#}; z=Gemm(x,w,b); y=Softmax(z); >y:f[N,3]",
    };
    uint64_t state = 6;
    size_t changes = 0;
    for (size_t n = 0; n < sizeof classifiers / sizeof *classifiers; n++) {
        struct border_test test;
        open_test(&test, classifiers[n] ? load_net(classifiers[n]) : load_binary());
        ck_assert_uint_ge(test.info->classes, 2);
        for (size_t i = 0; i < 5 * ROWS; i++) {
            float x[FEATURES_MAX];
            bool is_other;
            random_row(x, test.features, &state);
            size_t class = class_of(&test, x);
            struct relud_border border = find_border(&test, x, NULL);
            if (!border.has_change || fabs(border.by) < 1e-3)
                continue;
            changes++;
            double before = border.by * 0.99, after = border.by * 1.01;
            ck_assert_uint_eq(class_at(&test, x, border.feature, before, &is_other), class);
            ck_assert(!is_other);
            ck_assert_uint_eq(class_at(&test, x, border.feature, after, &is_other),
                              border.to_class);
            if (i % 10 == 0)
                check_shorter_moves(&test, x, border.by);
        }
        close_test(&test);
    }
    ck_assert_uint_ge(changes, 1000);
}
END_TEST

/* A linear net has no border, and a class is as far as its slopes say. */
START_TEST(a_linear_net_has_no_border)
{
    struct border_test test;
    open_test(&test,
              load_net("x:f[N,2]; w=f[2,2]{1,0,3,0}; z=MatMul(x,w); y=Softmax(z); >y:f[N,2]"));
    struct relud_border border = find_border(&test, (const float[]){1, 2}, NULL);
    ck_assert(isinf(border.distance));
    ck_assert(border.has_change);
    ck_assert_uint_eq(border.feature, 1);
    ck_assert_uint_eq(border.to_class, 1);
    ck_assert_double_eq_tol(border.by, -7.0 / 3, 1e-12);
    close_test(&test);
}
END_TEST

/* What stands for a word, is missing, or never varied, does not move; lengths are in deviations. */
START_TEST(features_move_in_their_deviations)
{
    struct relud_error error;
    struct border_test test;
    float x[784];
    double way[784], length = 0;
    uint64_t state = 8;
    open_test(&test, relud_model_load("deploy/models/digits/1", NULL, &error));
    const struct relud_training *training = test.info->training;
    for (size_t f = 0; f < 784; f++)
        x[f] = random_unit(&state) < 0.7f ? 0 : floorf(255 * random_unit(&state));
    struct relud_border border = find_border(&test, x, way);
    for (size_t f = 0; f < 784; f++) {
        double deviations = training->std[f] > 0 ? way[f] / (double)training->std[f] : 0;
        ck_assert(training->std[f] > 0 || way[f] == 0);
        length += deviations * deviations;
    }
    ck_assert_double_gt(border.distance, 0);
    ck_assert_double_eq_tol(sqrt(length), border.distance, 1e-12);
    close_test(&test);
    open_test(&test, load_net("x:f[N,2]; k=i{1}; c=Gather(x,k) axis=1; i=Cast(c) to=6; "
                              "t=f[2,2]{1,2,3,4}; g=Gather(t,i); s=f{0.5}; a=Mul(x,s); "
                              "b=Add(a,g); y=Relu(b); >y:f[N,2]"));
    border = find_border(&test, (const float[]){-20, 1}, way);
    ck_assert_double_eq_tol(border.distance, 14, 1e-12);
    ck_assert_double_eq_tol(way[0], 14, 1e-12);
    ck_assert_double_eq(way[1], 0);
    close_test(&test);
}
END_TEST

START_TEST(the_instruction_set_does_not_change_a_bit)
{
    enum { PIXELS = 784 };
    float x[PIXELS];
    double way[2][PIXELS];
    struct relud_border border[2];
    uint64_t state = 10;
    for (size_t f = 0; f < PIXELS; f++)
        x[f] = random_unit(&state) < 0.7f ? 0 : floorf(255 * random_unit(&state));
    for (int isa = RELUD_ISA_SCALAR; isa <= (int)relud_isa_best(); isa++) {
        const struct relud_model_options options = {.isa = (enum relud_isa)isa};
        struct relud_error error;
        struct border_test test;
        size_t now = isa != (int)RELUD_ISA_SCALAR;
        open_test(&test, relud_model_load("deploy/models/digits/1", &options, &error));
        border[now] = find_border(&test, x, way[now]);
        ck_assert_double_eq(border[now].distance, border[0].distance);
        ck_assert_int_eq(border[now].has_change, border[0].has_change);
        ck_assert_double_eq(border[now].by, border[0].by);
        ck_assert_mem_eq(way[now], way[0], sizeof way[0]);
        close_test(&test);
    }
}
END_TEST

static bool stop(void *user)
{
    return ++*(int *)user < 2;
}

START_TEST(what_has_no_border_says_why)
{
    static const struct {
        const char *net, *why;
    } cases[] = {
        {"x:f[N,6]; s=Tanh(x); y=Relu(s); >y:f[N,6]", "step 1 (tanh of input"},
        {"x:f[N,6]; s=Floor(x); y=Add(x,s); >y:f[N,6]", "step 1 (floor of input"},
        {"x:f[N,6]; k=i[1]{3}; y,i=TopK(x,k) axis=1; >y:f[N,3]", "step 1 (top"},
    };
    const float x[6] = {1, 2, 3, 4, 5, 6};
    struct relud_border border = {.way = NULL};
    struct relud_error error = {0};
    struct border_test test;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_test(&test, load_net(cases[i].net));
        ck_assert(relud_explain_row(test.explainer, x, NULL));
        ck_assert(!relud_explain_border(test.explainer, 0, 0, &border, NULL, &error));
        ck_assert_int_eq(error.code, RELUD_UNSUPPORTED);
        ck_assert_msg(strstr(error.text, cases[i].why) != NULL, "%s", error.text);
        close_test(&test);
    }
    int asked = 0;
    const struct relud_watch watch = {stop, &asked};
    open_test(&test, load_net(nets[0]));
    ck_assert(relud_explain_row(test.explainer, x, NULL));
    ck_assert(!relud_explain_border(test.explainer, 0, 0, &border, &watch, &error));
    ck_assert_int_eq(error.code, 0);
    close_test(&test);
}
END_TEST

RUN_SUITE("border", the_slopes_change_beyond_the_border_and_nowhere_nearer,
          the_class_changes_beyond_the_smallest_change_and_not_before, a_linear_net_has_no_border,
          features_move_in_their_deviations, the_instruction_set_does_not_change_a_bit,
          what_has_no_border_says_why)
