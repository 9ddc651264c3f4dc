/* Nets of several inputs, which lie side by side in the row. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"

static const struct onnx_case inputs[] = {
    {"x:f[N,2]; z:f[N,2]; y=Sub(x,z)", 17, "1 2 3 5 1 1 1 1", "-2 -3 0 0"},
    {"z:f[N,2]; x:f[N,2]; y=Sub(x,z)", 17, "1 2 3 5", "2 3"},
    {"x:f[N,2]; z:f[N]; u=i[1]{1}; a=Unsqueeze(z,u); y=Mul(x,a)", 17, "1 2 3 5 7 2", "3 6 10 14"},
    {"x:f[N,2]; z:f[2]; y=Mul(x,z)", 17, "1 2 3 5 1 1 1 1", "3 10 1 1"},
    {"x:f[N,2]; z:f[]; y=Mul(x,z)", 17, "1 2 3", "3 6"},
    {"a:f[N,1]; b:i[N,1]; c:d[N,1]; y=Concat(a,b,c) axis=1", 17, "1 2 3 4 5 6", "1 2 3 4 5 6"},
    {"a:f[N,1]; b:f[N,1]; c:f[N,1]; y=Concat(c,a,b) axis=1", 17, "1 2 3", "3 1 2"},
    {"a:f[N,1]; b:f[N,1]; c=Concat(a,b,a) axis=1; y,z=Split(c) axis=1 split=[1,2]; >z:f", 17, "1 2",
     "2 1"},
    {"a:f[N,2]; b:f[N,1]; c=Constant() value=f[1,1]{7}; y=Concat(b,c,a) axis=1", 17, "1 2 3",
     "3 7 1 2"},
    {"a:f[N,2]; b:f[N,2,2]; u=i[1]{2}; c=Unsqueeze(a,u); y=Concat(b,c) axis=2", 17, "1 2 3 4 5 6",
     "3 4 1 5 6 2"},
    /* two towers */
    {"u:f[N,2]; i:f[N,2]; w=f[2,2]{1,0,0,2}; a=MatMul(u,w); b=MatMul(i,w); c=Mul(a,b); "
     "y=ReduceSum(c) axes=[1] keepdims=0",
     11, "1 2 3 4 0 1 1 1", "35 4"},
    {"u:f[N,2]; i:f[N,2]; c=Concat(u,i) axis=1; w=f[4,1]{1,2,3,4}; y=MatMul(c,w)", 17, "1 1 1 2",
     "14"},
    /* free lengths, found by the weights of each */
    {"a:f[N,P]; b:f[N,Q]; v=f[1,2]{1,2}; w=f[2,2]{1,2,3,4}; c=MatMul(a,v); d=MatMul(b,w); "
     "y=Add(c,d)",
     17, "1 1 1", "5 8"},
    {"a:f[N,P]; b:f[N,Q]; v=f[1,2]{1,2}; c=MatMul(a,v); y=Add(c,b)", 17, NULL,
     "dimension 1 of input 'b' is free"},
    /* fixed batches: one of the dimensions of the others, a vector of one number each */
    {"x:f[3,2]; z:f[3]; u=i[1]{1}; a=Unsqueeze(z,u); y=Mul(x,a)", 17, "1 2 3", "3 6"},
    {"x:f[1,2]; z:f[N,2]; y=Add(x,z)", 17, "1 2 3 4", "4 6"},
    {"x:f[1,2]; z:f[3,2]; y=Add(x,z)", 17, "1 2 3 4 5 6 7 8", "4 6 6 8 8 10"},
    {"x:f[2]; z:f[2]; y=Add(x,z)", 17, "1 2 3 4", "4 6"},
    {"x:f[3,2]; z:f[N,2]; p=Transpose(x); y=Flatten(p)", 17, "1 2 3 4 5 6", "1 3 5 2 4 6"},
    {"x:f[3,2]; z:f[N,2]; p=Transpose(x); q=Transpose(z); y=Concat(p,q) axis=1", 17, NULL,
     "the batch is axis 1 of output 'y', behind other numbers"},
    /* what nothing needs, what is wrong */
    {"x:f[N,2]; z:f[N,9]; v:f[N,1]; y=Mul(x,v)", 17, "1 2 3", "3 6"},
    {"x:f[N,2]; z:f; y=Add(x,z)", 17, NULL, "input 'z' has no shape of up to 8 dimensions"},
    {"x:f[N,2]; x:f[N,2]; y=Relu(x)", 17, NULL, "input 'x' is listed twice"},
    {"x:f[N,2]; z:c[N,2]; y=Add(x,z)", 17, NULL, "input 'z' is of type COMPLEX64"},
    {"x:f[N,2]; z:f[N,M]; y=Add(x,z)", 17, NULL, "dimension 1 of input 'z' is free"},
    {"x:f[N,600000]; z:f[N,600000]; a=ReduceSum(x); b=ReduceSum(z); y=Add(a,b)", 17, NULL,
     "a row would be 1200000 numbers wide"},
};

START_TEST(inputs_lie_side_by_side)
{
    onnx_check_all(inputs, sizeof inputs / sizeof *inputs);
}
END_TEST

static relud_model *load(const char *net)
{
    struct buffer bytes = onnx_of(net, 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    return model;
}

START_TEST(inputs_are_described)
{
    static const struct {
        const char *type, *datatype;
    } types[] = {{"f", "FP32"},    {"u8", "UINT8"},  {"i8", "INT8"},    {"u16", "UINT16"},
                 {"i16", "INT16"}, {"i32", "INT32"}, {"i", "INT64"},    {"b", "BOOL"},
                 {"h", "FP16"},    {"d", "FP64"},    {"u32", "UINT32"}, {"u64", "UINT64"},
                 {"bf", "BF16"}};
    relud_model *model = load("a:f[N,2,3]; unused:f[N]; b:i[N]; c:b[4]; d=Cast(b) to=1; "
                              "e=Cast(c) to=1; f=Neg(a); >d:f; >e:f; >f:f");
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_tensor_info *input = info->input;
    ck_assert_uint_eq(info->features, 11);
    ck_assert_uint_eq(info->inputs, 3);
    ck_assert_str_eq(input[0].name, "a");
    ck_assert_str_eq(input[0].datatype, "FP32");
    ck_assert_uint_eq(input[0].rank, 2);
    ck_assert_uint_eq(input[0].shape[1], 3);
    ck_assert_str_eq(input[1].name, "b");
    ck_assert_str_eq(input[1].datatype, "INT64");
    ck_assert_uint_eq(input[1].first, 6);
    ck_assert_uint_eq(input[1].rank, 1);
    ck_assert_uint_eq(input[1].shape[0], 1);
    ck_assert_str_eq(input[2].datatype, "BOOL");
    ck_assert_uint_eq(input[2].first, 7);
    ck_assert_uint_eq(input[2].width, 4);
    ck_assert_uint_eq(info->notes, 1);
    ck_assert_str_eq(info->note[0], "input 'unused' is left out: no output needs it");
    relud_model_release(model);
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        char net[64];
        snprintf(net, sizeof net, "x:%s[N,2]; y=Cast(x) to=1", types[i].type);
        model = load(net);
        ck_assert_str_eq(relud_model_info(model)->input->datatype, types[i].datatype);
        relud_model_release(model);
    }
}
END_TEST

/* Slices of inputs that are joined in the row's order are the row. */
START_TEST(moved_inputs_are_one_step_or_none)
{
    relud_model *model = load("a:f[N,1]; b:f[N,2]; c:f[N,1]; d=Concat(a,b) axis=1; "
                              "e=Concat(d,c) axis=1; y=Relu(e)");
    ck_assert_uint_eq(relud_model_info(model)->steps, 1);
    relud_model_release(model);
    model = load("a:f[N,1]; b:f[N,2]; c:f[N,1]; d=Concat(c,b) axis=1; e=Concat(d,a) axis=1; "
                 "y=Relu(e)");
    ck_assert_uint_eq(relud_model_info(model)->steps, 2);
    ck_assert_str_eq(relud_model_info(model)->step[0], "take of input: 4");
    relud_model_release(model);
}
END_TEST

START_TEST(there_are_not_too_many_inputs)
{
    enum { INPUTS = 1025 };
    char *text = malloc(INPUTS * 40), *at = text;
    for (int i = 0; i < INPUTS; i++)
        at += sprintf(at, "i%d:f[N,1]; ", i);
    at += sprintf(at, "n0=Neg(i0); ");
    for (int i = 1; i < INPUTS; i++)
        at += sprintf(at, "n%d=Add(n%d,i%d); ", i, i - 1, i);
    sprintf(at, ">n%d:f", INPUTS - 1);
    onnx_check(&(struct onnx_case){text, 17, NULL, "more than 1024 inputs"});
    free(text);
}
END_TEST

RUN_SUITE("onnx_inputs", inputs_lie_side_by_side, inputs_are_described,
          moved_inputs_are_one_step_or_none, there_are_not_too_many_inputs)
