/* Attributes of ONNX operations as writers leave them: zeros that are not written, numbers that are none; and new opsets. */
#include "tests/unit/onnx_case.h"

#include "core/onnx/file.h"

#define W "w=f[4,2]{1,0,0,1,1,0,0,1}; "

/* AttributeType: 1 FLOAT, 2 INT, 3 STRING, 6 FLOATS, 7 INTS. */
static const struct onnx_case zeros[] = {
    {W "y=Gemm(x,w) transB=~2", 17, "1 2 3 4", "4 6"},
    {W "y=Gemm(x,w) transB=~ transA=~2", 17, "1 2 3 4", "4 6"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c) beta=~1", 17, "1 2 3 4", "4 6"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c) alpha=~1", 17, "1 2 3 4", "1 2"},
    {"y=LeakyRelu(x) alpha=~1", 17, "-1 -2 3 4", "-0 -0 3 4"},
    {"y=Elu(x) alpha=~1", 17, "-1 -2 3 4", "-0 -0 3 4"},
    {"y=Clip(x) min=~1 max=6.0", 10, "-1 2 7 4", "0 2 6 4"},
    {"y=ThresholdedRelu(x) alpha=~1", 17, "-1 2 7 4", "0 2 7 4"},
    {"x:f[N,2,2]; y=Softmax(x) axis=~2", 17, NULL, "along the batch"},
    {"x:f[N,2,2]; s=i[2]{0,-1}; y=Reshape(x,s) allowzero=~2", 17, "1 2 3 4", "1 2 3 4"},
    {"y=ReduceSum(x) keepdims=~2", 11, NULL, "along the batch"},
    {"a=i[1]{1}; y=ReduceSum(x,a) keepdims=~2", 17, "1 2 3 4", "10"},
    {"c=Constant() value_int=~2; y=Gather(x,c) axis=1", 17, "5 2 3 4", "5"},
    {"c=Constant() value_float=~1; y=Max(x,c)", 17, "-5 2 3 4", "0 2 3 4"},
    {"c=Constant() value_ints=~7; y=Max(x,c)", 17, NULL, "an empty list"},
    {"y=Squeeze(x) axes=~7", 11, "1 2 3 4", "1 2 3 4"},
    {"y=ArgMax(x) axis=1 keepdims=1 select_last_index=~2", 17, "4 2 3 4", "0"},
    {"y=Gelu(x) approximate=~3", 20, NULL, "approximate is neither none nor tanh"},
    {"s=f[2,2]{1,2,3,4}; t=Transpose(s) perm=~7; x:f[N,2]; y=MatMul(x,t)", 17, "1 1", "3 7"},
    /* what is there, or said to be there, is of another type */
    {W "y=Gemm(x,w) transB=~1", 17, NULL, "attribute 'transB' is not of the type"},
    {W "y=Gemm(x,w) alpha=~2", 17, NULL, "attribute 'alpha' is not of the type"},
    {W "y=Gemm(x,w) alpha=[1.0]", 17, NULL, "attribute 'alpha' is not of the type"},
    {"y=Squeeze(x) axes=1", 11, NULL, "attribute 'axes' is not of the type"},
    {"y=Squeeze(x) axes=~2", 11, NULL, "attribute 'axes' is not of the type"},
    {"y=Scaler@ai.onnx.ml(x) scale=1.0", 17, NULL, "attribute 'scale' is not of the type"},
    {"y=Transpose(x) perm=@", 17, NULL, "attribute 'perm' refers to a function's"},
};

START_TEST(F19_what_a_writer_leaves_out_is_zero)
{
    onnx_check_all(zeros, sizeof zeros / sizeof *zeros);
}
END_TEST

static const struct onnx_case numbers[] = {
    {"y=LeakyRelu(x) alpha=nan", 17, NULL, "attribute 'alpha' is NaN"},
    {"y=LeakyRelu(x) alpha=inf", 17, NULL, "attribute 'alpha' is infinite"},
    {"y=LeakyRelu(x) alpha=-inf", 17, NULL, "attribute 'alpha' is infinite"},
    {"y=Elu(x) alpha=nan", 17, NULL, "attribute 'alpha' is NaN"},
    {"y=Celu(x) alpha=inf", 17, NULL, "attribute 'alpha' is infinite"},
    {"y=ThresholdedRelu(x) alpha=inf", 17, NULL, "attribute 'alpha' is infinite"},
    {"y=Swish(x) alpha=nan", 24, NULL, "attribute 'alpha' is NaN"},
    {"y=Selu(x) gamma=inf", 17, NULL, "attribute 'gamma' is infinite"},
    {"y=Selu(x) alpha=nan", 17, NULL, "attribute 'alpha' is NaN"},
    {"y=HardSigmoid(x) beta=nan", 17, NULL, "attribute 'beta' is NaN"},
    {"y=Shrink(x) lambd=inf", 17, NULL, "attribute 'lambd' is infinite"},
    {"y=Shrink(x) bias=nan", 17, NULL, "attribute 'bias' is NaN"},
    {W "y=Gemm(x,w) alpha=nan", 17, NULL, "attribute 'alpha' is NaN"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c) beta=inf", 17, NULL, "attribute 'beta' is infinite"},
    {"s=f[4]{1,1,1,1}; y=LayerNormalization(x,s) epsilon=nan", 17, NULL,
     "attribute 'epsilon' is NaN"},
    {"s=f[4]{1,1,1,1}; y=LayerNormalization(x,s) epsilon=-1.0", 17, NULL,
     "attribute 'epsilon' is negative"},
    {"x:f[N,1]; s=f[1]{1}; y=BatchNormalization(x,s,s,s,s) epsilon=inf", 17, NULL,
     "attribute 'epsilon' is infinite"},
    {"y=Scaler@ai.onnx.ml(x) offset=[inf]", 17, NULL, "attribute 'offset': number 0 is not finite"},
    {"c=Constant() value_float=nan; y=Add(x,c)", 17, NULL, "an input: element 0 is NaN"},
    {"c=Constant() value_floats=[1.0,inf]; x:f[N,2]; y=Add(x,c)", 17, NULL,
     "attribute 'value_floats': number 1 is not finite"},
    /* bounds: infinite is none, on its own side */
    {"y=Clip(x) min=nan max=1.0", 10, NULL, "attribute 'min' is NaN"},
    {"y=Clip(x) max=nan", 10, NULL, "attribute 'max' is NaN"},
    {"y=Clip(x) min=inf", 10, NULL, "min is inf"},
    {"y=Clip(x) max=-inf", 10, NULL, "max is -inf"},
    {"y=Clip(x) min=-inf max=1.0", 10, "-9 0 1 2", "-9 0 1 1"},
    {"y=Clip(x) min=0.0 max=inf", 10, "-9 0 1 2", "0 0 1 2"},
    {"y=Clip(x) min=-inf max=inf", 10, "-9 0 1 2", "-9 0 1 2"},
    {"m=f{nan}; y=Clip(x,m)", 17, NULL, "min: element 0 is NaN"},
    {"m=f{-inf}; n=f{1}; y=Clip(x,m,n)", 17, "-9 0 1 2", "-9 0 1 1"},
    {"m=f{inf}; y=Clip(x,m)", 17, NULL, "min is inf"},
    {"m=f{-inf}; y=Clip(x,,m)", 17, NULL, "max is -inf"},
    {"c=Constant() value_float=inf; n=Neg(c); y=Clip(x,n,c)", 17, "-9 0 1 2", "-9 0 1 2"},
    /* constants that are no bounds */
    {"m=f{inf}; y=Add(x,m)", 17, NULL, "an input: element 0 is infinite"},
    {"m=f{-inf}; y=Mul(x,m)", 17, NULL, "an input: element 0 is infinite"},
    {"m=f{inf}; y=Div(x,m)", 17, NULL, "an input: element 0 is infinite"},
    {"m=f[1]{inf}; y=PRelu(x,m)", 17, NULL, "the slope: element 0 is infinite"},
    {"x:f[N,1]; w=f[1,1]{inf}; y=MatMul(x,w)", 17, NULL, "its matrix is not finite"},
    {"x:f[N,1]; w=f[1,1]{1}; c=f[1]{inf}; y=Gemm(x,w,c)", 17, NULL, "the bias: element 0 is inf"},
    {"x:f[N,1]; s=f[1]{1}; v=f[1]{inf}; y=BatchNormalization(x,s,s,s,v)", 17, NULL,
     "var: element 0 is infinite"},
    {"m=f{-inf}; z=f{0}; c=Greater(x,z); y=Where(c,x,m); >c:b; >m2:f[N,4]; m2=Max(x,m)", 17,
     "1 2 3 4", "1 2 3 4"},
};

START_TEST(F23_numbers_that_are_none_are_refused_by_name)
{
    onnx_check_all(numbers, sizeof numbers / sizeof *numbers);
}
END_TEST

/* An attribute as it lies in the file: a value of another wire type, lists packed and not whole, remarks. */
START_TEST(an_attribute_is_read_by_its_wire_type)
{
    static const struct {
        const char *op, *domain, *name, *bytes;
        size_t len;
        const char *out, *words; /* the answer to -1 2 3 4, or the refusal */
    } cases[] = {
        {"LeakyRelu", "", "alpha", "\x15\0\0\0\x3f", 5, "-0.5 2 3 4", NULL},
        {"LeakyRelu", "", "alpha", "\x15\0\0\0\x3f\x6a\x01x", 8, "-0.5 2 3 4", NULL},
        {"LeakyRelu", "", "alpha", "\x10\x01", 2, NULL, "'alpha' is not of the type it should be"},
        {"Transpose", "", "perm", "\x40\0\x40\1", 4, "-1 2 3 4", NULL},
        {"Transpose", "", "perm", "\x42\2\0\1", 4, "-1 2 3 4", NULL},
        {"Transpose", "", "perm", "\x42\1\x80", 3, NULL, "attribute 'perm': a number is cut off"},
        {"Transpose", "", "perm", "\x45\0\0\0\0", 5, NULL,
         "'perm' is not of the type it should be"},
        {"Scaler", "ai.onnx.ml", "scale", "\x3a\4\0\0\0\x40", 6, "-2 4 6 8", NULL},
        {"Scaler", "ai.onnx.ml", "scale", "\x3a\3\0\0\0", 5, NULL,
         "attribute 'scale': a number is cut off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer attribute = {0}, node = {0}, graph = {0}, model = {0};
        const char *x = "x:f[N,4]", *y = "y:f";
        put_text(&attribute, 1, cases[i].name);
        put(&attribute, cases[i].bytes, cases[i].len);
        put_text(&node, 1, "x");
        put_text(&node, 2, "y");
        put_text(&node, 4, cases[i].op);
        put_text(&node, 7, cases[i].domain);
        put_message(&node, 5, &attribute);
        put_message(&graph, 1, &node);
        struct buffer port = onnx_text_port(&x);
        put_message(&graph, 11, &port);
        port = onnx_text_port(&y);
        put_message(&graph, 12, &port);
        put_field(&model, 8, "\x10\x11", 2);
        put_message(&model, 7, &graph);
        struct relud_error error = {0};
        relud_model *made = onnx_load(&model, &error);
        free(model.at);
        ck_assert_msg(cases[i].words ? !made && strstr(error.text, cases[i].words) : made != NULL,
                      "case %zu: '%s'", i, made ? "taken" : error.text);
        if (made)
            onnx_check_answer(&(struct onnx_case){cases[i].op, 17, "-1 2 3 4", cases[i].out}, made);
        relud_model_release(made);
    }
}
END_TEST

/* The operators that relud reads mean the same from opset 13 to the newest that is known. */
START_TEST(F19_newer_opsets_are_read_as_far_as_they_are_known)
{
    static const char net[] = "w=f[4,2]{1,0,0,1,1,0,0,1}; c=f[2]{1,-9}; h=Gemm(x,w,c); y=Relu(h)";
    for (uint64_t opset = 13; opset <= ONNX_OPSET_MAX; opset++)
        onnx_check(&(struct onnx_case){net, opset, "1 2 3 4", "5 0"});
    onnx_check(&(struct onnx_case){net, ONNX_OPSET_MAX + 1, NULL, "opset 29 is not known here"});
    onnx_check(&(struct onnx_case){net, 6, NULL, "7 to 28 are read: export with opset_version=18"});
}
END_TEST

RUN_SUITE("onnx_attributes", F19_what_a_writer_leaves_out_is_zero,
          an_attribute_is_read_by_its_wire_type, F23_numbers_that_are_none_are_refused_by_name,
          F19_newer_opsets_are_read_as_far_as_they_are_known)
