/* What an ONNX graph says as a whole: names, its input, its outputs, its classes. */
#include "tests/unit/onnx_case.h"

static const struct onnx_case graphs[] = {
    /* names */
    {"w=f{1}; w=f{2}; y=Mul(x,w)", 17, NULL, "'w' is made twice"},
    {"w=f{1}; w=Relu(x); y=Mul(x,w)", 17, NULL, "'w' is made twice"},
    {"x:f[N,4]; x=f{1}; y=Relu(x)", 17, NULL, "the answer does not depend on any input"},
    {"x=Relu(y); y=Relu(x)", 17, NULL, "which is made of what this node makes"},
    {"y=Relu(y)", 17, NULL, "it reads 'y', which is made of what this node makes"},
    {"a=Add(x,c); b=Relu(a); c=Neg(b); y=Relu(x)", 17, NULL, "is made of what this node makes"},
    {"y=Relu(b); b=Neg(a); a=Neg(x)", 17, "1 -2 3 -4", "1 0 3 0"},
    {"y=Add(a,b); c=Neg(a); b=Neg(c); a=Relu(x)", 17, "1 -2 3 -4", "2 0 6 0"},
    {"y=Add(x,b); b=Mul(c,c); c=Constant() value_float=3.0", 17, "1 2 3 4", "10 11 12 13"},
    {"x:f[2,2]; y=Flatten(p); p=Relu(q); q=Transpose(x)", 17, "1 -2 3 -4", "1 3 0 0"},
    {"x=Constant() value_float=1.0; y=Relu(x)", 17, NULL, "'x' is made twice"},
    {"w=s[1]{}; y=Mul(x,w)", 17, NULL, "'w' is a tensor of type STRING"},
    {"w=f[0]{}; y=Mul(x,w)", 17, NULL, "'w' is empty"},
    {"y=Add(x,a_name_of_more_than_sixty_letters_that_is_cut_off_where_it_is_)", 17, NULL,
     "it reads 'a_name_of_more_than_sixty_letters_that_is_cut_off_where_it_i', which"},
    {"y=LSTM(x)", 17, NULL,
     "node 'LSTM' (LSTM): a recurrent layer: relud serves feed-forward nets"},
    {"y=SplitToSequence(x)", 17, NULL, "export with the optimizer on (optimize=True)"},
    {"y=MaxPool(x)", 17, NULL, "pooling: relud serves feed-forward nets"},
    {"y=AnOperationOfMoreThanThirtyLettersAltogether(x)", 17, NULL,
     "(AnOperationOfMoreThanThirtyLet): relud has no such operation (opset 17): it serves "
     "feed-forward"},
    {"a_node_whose_name_has_more_than_forty_letters=Foo(x); "
     "y=Relu(a_node_whose_name_has_more_than_forty_letters)",
     17, NULL, "(Foo): relud has no such operation"},
    {"y=Rellu(x)", 17, NULL, "the nearest is Relu"},
    {"y=Relu@a.domain(x)", 17, NULL, "no operation of domain 'a.domain' that relud has"},
    {"y=Softmax(x) axis=-3", 17, NULL, "axis -3 of a tensor of 2 dimensions"},
    /* the input */
    {"x:f[N,4]; z:f[N,4]; y=Relu(z)", 17, "1 -2 3 -4", "1 0 3 0"},
    {"x:f[N,4]; w:f[4]; w=f[4]{1,2,3,4}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4"},
    {"x:f; y=Relu(x)", 17, NULL, "input 'x' has no shape"},
    {"x:c[N,4]; y=Relu(x)", 17, NULL,
     "input 'x' is of type COMPLEX64; numbers or words are wanted"},
    {"x:f[N,M]; y=Relu(x)", 17, NULL, "dimension 1 of input 'x' is free: only the batch may be"},
    {"x:f[N,M]; w=f[2,1]{1,2}; y=MatMul(x,w)", 17, "1 2 3 4", "5 11"},
    {"x:f[N,M]; w=f[1,2]{1,2}; y=Gemm(x,w) transB=1", 17, "1 2 3 4", "5 11"},
    {"x:f[N,M]; w=f[2]{1,2}; y=MatMul(x,w)", 17, "1 2", "5"},
    {"x:f[N,M]; t=f[1,2]{1,2}; w=Transpose(t); y=MatMul(x,w)", 17, "1 2", "5"},
    {"x:f[N,M]; w=Constant() value=f[2,1]{1,2}; i=Identity(w); y=MatMul(x,i)", 17, "1 2", "5"},
    {"x:f[N,M]; r=Relu(x); m=f[2]{1,0}; s=Sub(r,m); d=Dropout(s); f=Flatten(d); w=f[2,1]{1,2}; "
     "y=MatMul(f,w)",
     17, "1 2", "4"},
    {"x:f[N,3,M]; w=f[2,1]{1,2}; y=MatMul(x,w)", 17, "1 2 3 4 5 6", "5 11 17"},
    {"x:f[N,M]; s=f[2]{1,2}; z=f[2]{0,0}; o=f[2]{1,1}; y=BatchNormalization(x,s,z,z,o) "
     "epsilon=0.0",
     17, "1 2", "1 4"},
    {"x:f[N,M]; y=Scaler@ai.onnx.ml(x) offset=[1.0,2.0] scale=[2.0]", 17, "1 3", "0 2"},
    {"x:f[N,M]; s=Scaler@ai.onnx.ml(x) offset=[1.0]; y=LinearRegressor@ai.onnx.ml(s) targets=2 "
     "coefficients=[1.0,2.0,3.0,4.0]",
     17, "1 2", "2 4"},
    {"x:f[N,M]; y=Imputer@ai.onnx.ml(x) imputed_value_floats=[5.0,6.0] replaced_value_float=0.0",
     17, "0 0", "5 6"},
    {"x:f[L]; w=f[2,2]{1,2,3,4}; y=MatMul(x,w)", 17, "1 1", "4 6"},
    {"x:f[L]; w=f[2,2]{1,2,3,4}; r=Relu(x); y=MatMul(r,w)", 17, "1 -1", "1 2"},
    {"x:f[N]; a=i[1]{1}; u=Unsqueeze(x,a); w=f[1,2]{1,2}; y=MatMul(u,w)", 17, "1 2", "1 2 2 4"},
    {"x:f[N,M,4]; w=f[4,1]{1,2,3,4}; y=MatMul(x,w)", 17, NULL, "dimension 1 of input 'x' is free"},
    {"x:f[N,M]; w=f[2,1]{1,2}; v=f[3,1]{1,2,3}; a=MatMul(x,w); b=MatMul(x,v); y=Add(a,b)", 17, NULL,
     "a row of 2 numbers meets a matrix of 3 inputs"},
    {"x:f[N,M]; w=f[2,2]{1,2,3,4}; y=Gemm(x,w) transA=1", 17, NULL, "dimension 1 of input 'x'"},
    {"x:f[N,M]; w=Constant() value_float=1.0; y=MatMul(x,w)", 17, NULL, "dimension 1 of input 'x'"},
    {"x:f[N,M]; w=Constant() value=1; y=MatMul(x,w)", 17, NULL, "dimension 1 of input 'x'"},
    {"x:f[N,M]; w=f[2,1]{1,2}; y=Gemm(x,w) transA=1.0", 17, NULL, "attribute 'transA' is not of"},
    {"x:f[N,M]; y=MatMul(x,x)", 17, NULL, "dimension 1 of input 'x' is free"},
    {"x:f[N,M]; y=MatMul(x)", 17, NULL, "dimension 1 of input 'x' is free"},
    {"x:f[N,M]; w=f[2,1,1]{1,2}; y=MatMul(x,w)", 17, NULL, "dimension 1 of input 'x' is free"},
    {"x:f[N,0]; y=Relu(x)", 17, NULL, "dimension 1 is 0: that is nothing"},
    {"x:f[N,2000000000]; y=Relu(x)", 17, NULL, "dimension 1 is 2000000000: that is too much"},
    {"x:f[N,2000000]; y=Relu(x)", 17, NULL,
     "a row would be 2000000 numbers wide; at most 1048576 are taken"},
    {"x:f[N,600000]; a=Relu(x); b=Neg(x); >a:f; >b:f", 17, NULL,
     "the outputs together are wider than a row may be"},
    {"x:f[N]; y=Relu(x)", 17, "1 -2", "1 0"},
    {"x:f[]; y=Relu(x)", 17, "1 -2", "1 0"},
    {"x:i[N,4]; y=Relu(x)", 17, "1 -2 3 -4", "1 0 3 0"},
    {"x:f[2,2]; p=Flatten(x) axis=0; y=Relu(p)", 17, "1 -2 3 -4", "1 0 3 0"},
    /* the outputs */
    {"y=Relu(x); >y:f; >y:f", 17, NULL, "output 'y' is listed twice"},
    {"y=Relu(x); >y:f; >; >", 17, NULL, "output '' is listed twice"},
    {"y=Relu(x); >z:f", 17, NULL, "the answer does not depend on any input"},
    {"y=Relu(x); >y:f; >z:f", 17, NULL, "nothing makes output 'z'"},
    {"y=Relu(x); c=Constant() value_float=1.0; >y:f; >c:f", 17, "1 -2 3 -4", "1 0 3 0"},
    {"y=Relu(x); c=f{1}; >c:f; >y:f", 17, "1 -2 3 -4", "1 0 3 0"},
    {"y=Relu(x); s=Shape(x); c=Cast(s) to=1; >c:f; >y:f", 17, NULL, "what is cast is not constant"},
    {"y=Relu(x); s=Shape(x) start=1; c=Cast(s) to=1; >c:f", 17, NULL,
     "output 'c' does not depend on the input"},
    {"y=Relu(x); >y", 17, NULL, "no output is a tensor of numbers"},
    {"y=Relu(x); >y:0", 17, "1 -2 3 -4", "1 0 3 0"},
    {"a=ArgMax(x) axis=1; >a:i[N,1]", 17, "1 -2 3 -4", "2"},
    {"y=Relu(x); a=ArgMax(x) axis=1; >a:i[N,1]; >y:f", 17, "1 -2 3 -4", "1 0 3 0"},
    {"a=Relu(x); b=Neg(x); >b:f; >a:f", 17, "1 -2 3 -4", "-1 2 -3 4 1 0 3 0"},
    {"x:f[N,2]; s=i[1]{-1}; y=Reshape(x,s)", 17, "1 2", "1 2"},
    /* lists of attributes */
    {"y=Transpose(x) perm=[0,1,0]", 17, NULL, "perm has 3 axes of 2"},
    {"y=Transpose(x) perm=[1.0,0]", 17, NULL, "perm has 1 axes of 2"},
    /* numbers on the way: those of a value, those of a constant, more than there can be */
    {"s=i[1]{3000000}; c=ConstantOfShape(s); n=Neg(c); y=Add(x,n)", 17, NULL,
     "node 'Neg' (Neg): the graph makes more numbers on the way than relud allows"},
    {"s=i[1]{2500000}; c=ConstantOfShape(s); n=Neg(c); y=Add(x,n)", 17, NULL,
     "node 'Neg' (Neg): the graph makes more numbers on the way than relud allows"},
    {"s=i[2]{40000,1}; t=i[2]{1,40000}; c=ConstantOfShape(s); d=ConstantOfShape(t); n=Add(c,d); "
     "y=Add(x,n)",
     17, NULL, "node 'Add' (Add): dimension 1 is 40000: that is too much"},
};

START_TEST(a_graph_has_inputs_and_what_depends_on_them)
{
    onnx_check_all(graphs, sizeof graphs / sizeof *graphs);
}
END_TEST

static void check_many(const char *prefix, const char *each, size_t count, const char *suffix,
                       const char *words)
{
    char *text = malloc(strlen(prefix) + count * (strlen(each) + 8) + strlen(suffix) + 1);
    size_t len = (size_t)sprintf(text, "%s", prefix);
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, each, i);
    sprintf(text + len, "%s", suffix);
    onnx_check(&(struct onnx_case){text, 17, NULL, words});
    free(text);
}

START_TEST(there_are_not_too_many_of_anything)
{
    check_many("y=Relu(x)", "; >o%zu:f", 65, "", "65 outputs; at most 64 are taken");
    check_many("y=Relu(x)", "; >o%zu:f", 17, "", "17 outputs; at most 16 are served");
    check_many("y=Transpose(x) perm=[", "%zu,", 1025, "]",
               "attribute 'perm' has more than 1024 numbers");
    check_many("y=Squeeze(x) axes=[", "%zu,", 1025, "]", "'axes' has more than 1024 numbers");
    check_many("y=ReduceSum(x) axes=[", "%zu,", 1025, "]", "'axes' has more than 1024 numbers");
    check_many("y=Slice(x) starts=[", "%zu,", 1025, "]", "'starts' has more than 1024 numbers");
    check_many("y,z=Split(x) split=[", "%zu,", 1025, "]", "'split' has more than 1024 numbers");
    check_many("c=Constant() value_ints=[", "%zu,", 1025, "]; y=Mul(x,c)",
               "'value_ints' has more than 1024 numbers");
    check_many("s=i[2]{1,4000000}; w=ConstantOfShape(s); c=Concat(w", ",w", 300,
               ") axis=1; y=Mul(x,c)", "dimension 1 is 1204000000: that is too much");
}
END_TEST

/* As many nodes as a file may have, the last one first: the search for an order has no recursion. */
START_TEST(nodes_may_come_in_any_order)
{
    enum { NODES = 9999 };
    char *text = malloc(NODES * 24), *at = text;
    struct relud_error error = {0};
    at += sprintf(at, "y=Neg(n%d)", NODES - 1);
    for (int i = NODES - 1; i > 1; i--)
        at += sprintf(at, "; n%d=Neg(n%d)", i, i - 1);
    strcpy(at, "; n1=Relu(x)");
    struct buffer bytes = onnx_of(text, 17);
    free(text);
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    onnx_check_answer(&(struct onnx_case){"deep", 17, "1 -2 3 -4", "1 0 3 0"}, model);
    relud_model_release(model);
}
END_TEST

/* More steps than there is room for at first. */
START_TEST(a_net_may_be_deep)
{
    char text[2048] = "n0=Neg(x)";
    size_t len = strlen(text);
    for (int i = 1; i < 100; i++)
        len += (size_t)sprintf(text + len, "; n%d=Neg(n%d)", i, i - 1);
    strcpy(text + len, "; >n99:f");
    onnx_check_all(&(struct onnx_case){text, 17, "1 -2 3 -4", "1 -2 3 -4"}, 1);
}
END_TEST

/* ---- classes ---- */

static void check_labels(const char *net, size_t classes, const char *first, const char *last)
{
    struct buffer bytes = onnx_of(net, 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->classes, classes);
    ck_assert_int_eq(info->labels != NULL, first != NULL);
    if (first) {
        ck_assert_str_eq(info->labels[0], first);
        ck_assert_str_eq(info->labels[classes - 1], last);
    }
    relud_model_release(model);
}

START_TEST(a_zipmap_says_what_its_columns_are)
{
    static const char *const more = "s=Softmax(x); y=ZipMap@ai.onnx.ml(s) ";
    char net[256];
    snprintf(net, sizeof net, "%sclasslabels_strings=['a','b','c','d']; >y", more);
    check_labels(net, 4, "a", "d");
    snprintf(net, sizeof net, "%sclasslabels_int64s=[-10,0,5,123]; >y", more);
    check_labels(net, 4, "-10", "123");
    snprintf(net, sizeof net, "%sclasslabels_int64s=[1,2]; >y", more);
    check_labels(net, 4, NULL, NULL);
    snprintf(net, sizeof net, "%sclasslabels_strings=['a','b\xff','c','d']; >y", more);
    check_labels(net, 4, NULL, NULL);
    snprintf(net, sizeof net, "%s; >y", more);
    check_labels(net, 4, NULL, NULL);
    check_labels("y=LogSoftmax(x)", 4, NULL, NULL);
    check_labels("x:f[N,1]; y=Softmax(x)", 2, NULL, NULL);
    check_labels("x:f[N,2,2]; y=Softmax(x)", 0, NULL, NULL);
    check_labels("y=Relu(x)", 0, NULL, NULL);
    check_labels("y=Identity(x)", 0, NULL, NULL);
    onnx_check(
        &(struct onnx_case){"y=ZipMap@ai.onnx.ml(); >y", 17, NULL, "does not depend on any"});
    onnx_check_all(
        &(struct onnx_case){"s=Softmax(x); y=ZipMap@ai.onnx.ml(s) classlabels_int64s=[1,2,3,4]; >y",
                            17, "0 0 0 0", "0.25 0.25 0.25 0.25"},
        1);
}
END_TEST

START_TEST(what_is_left_out_is_noted)
{
    struct buffer bytes = onnx_of("y=Relu(x); a=ArgMax(x) axis=1; >y:f; >a:i; >b", 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->notes, 2);
    ck_assert_str_eq(info->note[0], "output 'a' (INT64) is left out");
    ck_assert_str_eq(info->note[1], "output 'b' (no tensor) is left out");
    ck_assert_str_eq(info->operations, "Relu 1");
    relud_model_release(model);
    bytes = onnx_of(
        "x:f[N,M]; z:f[N,4]; weight=f[2,1]{1,2}; c=f{1}; y=MatMul(x,weight); >c:f; >y:f", 17);
    model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    info = relud_model_info(model);
    ck_assert_uint_eq(info->notes, 3);
    ck_assert_str_eq(info->note[0], "input 'z' is left out: no output needs it");
    ck_assert_str_eq(info->note[1], "input 'x' is taken to have 2 numbers a row, as 'weight' has");
    ck_assert_str_eq(info->note[2], "output 'c' is left out: it does not depend on the input");
    ck_assert_uint_eq(info->results, 1);
    ck_assert_uint_eq(info->features, 2);
    relud_model_release(model);
    bytes = onnx_of("d=Relu(x); e=Neg(d); y=Relu(x); >y:f", 17);
    model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    ck_assert_str_eq(relud_model_info(model)->operations, "Relu 1");
    relud_model_release(model);
}
END_TEST

RUN_SUITE("onnx_graph", a_graph_has_inputs_and_what_depends_on_them,
          there_are_not_too_many_of_anything, nodes_may_come_in_any_order, a_net_may_be_deep,
          a_zipmap_says_what_its_columns_are, what_is_left_out_is_noted)
