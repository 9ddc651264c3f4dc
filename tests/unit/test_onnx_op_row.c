/* Operations over whole axes. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"
#define ONES  "s=f[4]{1,1,1,1}; "

static const struct onnx_case softmaxes[] = {
    {"y=Softmax(x)", 17, "0 0 0 1.0986123", "0.16666667 0.16666667 0.16666667 0.5"},
    {"y=LogSoftmax(x)", 17, "0 0 0 0", "-1.3862944 -1.3862944 -1.3862944 -1.3862944"},
    {"x:f[N,2,2]; y=Softmax(x) axis=1", 17, "0 0 0 1.0986123", "0.5 0.25 0.5 0.75"},
    {"x:f[N,2,2]; y=Softmax(x) axis=2", 17, "0 0 0 1.0986123", "0.5 0.5 0.25 0.75"},
    {"x:f[N,2,2]; y=Softmax(x)", 12, "0 0 0 1.0986123", "0.16666667 0.16666667 0.16666667 0.5"},
    {"y=Softmax(x) axis=2", 12, "0 0 0 1", "1 1 1 1"},
    {"c=f[1,4]{0,0,0,0}; s=Softmax(c); y=Add(x,s)", 17, "0 0 0 1", "0.25 0.25 0.25 1.25"},
    {"y=Softmax(x) axis=0", 17, NULL, "it reduces " BATCH},
    {"y=Softmax(x) axis=0", 12, NULL, "it reduces " BATCH},
    {"y=Softmax(x) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=Softmax(x) axis=3", 12, NULL, "axis 3 of a tensor of 2 dimensions"},
    {"y=Softmax(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=Softmax(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case reductions[] = {
    {"y=ReduceSum(x) axes=[1]", 11, "1 2 3 4", "10"},
    {"y=ReduceMean(x) axes=[-1] keepdims=0", 11, "1 2 3 4", "2.5"},
    {"a=i[1]{1}; y=ReduceSum(x,a)", 17, "1 2 3 4", "10"},
    {"y=ReduceMax(x) axes=[1]", 11, "1 2 3 -4", "3"},
    {"y=ReduceMin(x) axes=[1]", 11, "1 2 3 -4", "-4"},
    {"y=ReduceProd(x) axes=[1]", 11, "1 2 3 -4", "-24"},
    {"y=ReduceSumSquare(x) axes=[1]", 11, "1 2 3 -4", "30"},
    {"y=ReduceL1(x) axes=[1]", 11, "1 2 3 -4", "10"},
    {"y=ReduceL2(x) axes=[1]", 11, "1 1 1 -1", "2"},
    {"x:f[N,2,2]; y=ReduceSum(x) axes=[1]", 11, "1 2 3 4", "4 6"},
    {"x:f[N,2,2]; y=ReduceSum(x) axes=[1] keepdims=0", 11, "1 2 3 4", "4 6"},
    {"x:f[4]; y=ReduceSum(x)", 17, "1 2 3 4", "10"},
    {"y=ReduceSum(x) noop_with_empty_axes=1", 17, "1 2 3 4", "1 2 3 4"},
    {"c=f[2,2]{1,2,3,4}; s=ReduceSum(c) keepdims=0; y=Mul(x,s)", 17, "1 2 3 4", "10 20 30 40"},
    {"s=Shape(x) start=1; p=ReduceProd(s) keepdims=0; y=Mul(x,p)", 17, "1 2 3 4", "4 8 12 16"},
    {"s=Shape(x); p=ReduceProd(s) keepdims=0; y=Mul(x,p)", 17, NULL, "an input is not constant"},
    {"y=ReduceSum(x)", 17, NULL, "it reduces " BATCH},
    {"y=ReduceSum(x) axes=[0]", 11, NULL, "it reduces " BATCH},
    {"y=ReduceSum(x) axes=[2]", 11, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=ReduceSum(x) axes=[1,1]", 11, NULL, "axis 1 is named twice"},
    {"y=ReduceSum(x,x)", 17, NULL, "input 1 is not a constant list"},
    {"y=ReduceSum(x) keepdims=1.0", 17, NULL, "attribute 'keepdims' is not of the type"},
    {"y=ReduceSum(x) noop_with_empty_axes=1.0", 17, NULL,
     "attribute 'noop_with_empty_axes' is not"},
    {"y=ReduceSum(,x)", 17, NULL, "input 0 is missing"},
    {"y=ArgMax(x) axis=1", 17, "1 4 4 -1", "1"},
    {"y=ArgMax(x) axis=1 select_last_index=1", 17, "1 4 4 -1", "2"},
    {"y=ArgMin(x) axis=1 keepdims=0", 17, "1 -1 4 -1", "1"},
    {"y=ArgMin(x) axis=-1 select_last_index=1", 17, "1 -1 4 -1", "3"},
    {"a=ArgMax(x) axis=1; t=i{2}; y=Div(a,t)", 17, "0 0 0 1", "1"},
    {"y=ArgMax(x)", 17, NULL, "it reduces " BATCH},
    {"y=ArgMax(x) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=ArgMax(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=ArgMax(x) axis=1 keepdims=1.0", 17, NULL, "attribute 'keepdims' is not of the type"},
    {"y=ArgMax(x) axis=1 select_last_index=1.0", 17, NULL, "attribute 'select_last_index' is not"},
    {"y=ArgMax(,x) axis=1", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case normalizations[] = {
    {ONES "y=LayerNormalization(x,s) epsilon=1.0e-12", 17, "1 -1 1 -1", "1 -1 1 -1"},
    {ONES "b=f[4]{1,2,3,4}; y=LayerNormalization(x,s,b) epsilon=1.0e-12", 17, "1 -1 1 -1",
     "2 1 4 3"},
    {ONES "n,m,v=LayerNormalization(x,s) epsilon=1.0e-12; y=Concat(m,v) axis=1", 17, "4 0 4 0",
     "2 0.5"},
    {ONES "n,,v=LayerNormalization(x,s) epsilon=1.0e-12; y=Identity(v)", 17, "4 0 4 0", "0.5"},
    {"x:f[N,2,2]; s=f[2,2]{1,2,3,4}; y=LayerNormalization(x,s) axis=1 epsilon=1.0e-12", 17,
     "1 -1 1 -1", "1 -2 3 -4"},
    {ONES "y=RMSNormalization(x,s) epsilon=1.0e-12", 23, "2 -2 2 -2", "1 -1 1 -1"},
    {ONES "y=LayerNormalization(x,s) axis=0", 17, NULL, "it normalises " BATCH},
    {ONES "y=LayerNormalization(x,s) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {ONES "y=LayerNormalization(x,s) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {ONES "y=LayerNormalization(x,s) epsilon=1", 17, NULL,
     "attribute 'epsilon' is not of the type"},
    {ONES "y=LayerNormalization(x,s,q)", 17, NULL, "it reads 'q', which nothing before it makes"},
    {"s=f[3]{1,1,1}; y=LayerNormalization(x,s)", 17, NULL,
     "dimensions of 4 and 3 do not go together"},
    {ONES "b=f[3]{1,1,1}; y=LayerNormalization(x,s,b)", 17, NULL,
     "dimensions of 4 and 3 do not go"},
    {"y=LayerNormalization(x)", 17, NULL, "input 1 is missing"},
    {ONES "y=LayerNormalization(,s,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(softmax_is_over_its_axis)
{
    onnx_check_all(softmaxes, sizeof softmaxes / sizeof *softmaxes);
}
END_TEST

START_TEST(reductions_are_over_their_axes)
{
    onnx_check_all(reductions, sizeof reductions / sizeof *reductions);
}
END_TEST

START_TEST(rows_are_normalised)
{
    onnx_check_all(normalizations, sizeof normalizations / sizeof *normalizations);
}
END_TEST

RUN_SUITE("onnx_op_row", softmax_is_over_its_axis, reductions_are_over_their_axes,
          rows_are_normalised)
