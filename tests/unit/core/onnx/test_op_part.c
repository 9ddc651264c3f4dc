/* Operations that take parts of tensors and put tensors together. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"

static const struct onnx_case gathers[] = {
    {"i=i{1}; y=Gather(x,i) axis=1", 17, "5 6 7 8", "6"},
    {"i=i[2]{3,-1}; y=Gather(x,i) axis=1", 17, "5 6 7 8", "8 8"},
    {"x:f[N,2,2]; i=i[1]{1}; y=Gather(x,i) axis=-2", 17, "5 6 7 8", "7 8"},
    {"s=Shape(x); i=i[2]{0,1}; g=Gather(s,i); y=Reshape(x,g)", 17, "5 6 7 8", "5 6 7 8"},
    {"s=Shape(x); i=i{1}; g=Gather(s,i); y=Mul(x,g)", 17, "5 6 7 8", "20 24 28 32"},
    {"s=i[2]{3,4}; i=i[1]{1}; g=Gather(s,i); y=Mul(x,g)", 17, "5 6 7 8", "20 24 28 32"},
    {"c=f[2,2]{1,2,3,4}; i=i[2]{1,0}; g=Gather(c,i); f=Flatten(g) axis=0; y=Add(x,f)", 17,
     "0 0 0 0", "3 4 1 2"},
    {"i=i[1]{4}; y=Gather(x,i) axis=1", 17, NULL, "index 4 of 4"},
    {"i=i[1]{-5}; y=Gather(x,i) axis=1", 17, NULL, "index -5 of 4"},
    {"i=i[1]{0}; y=Gather(x,i)", 17, NULL, "it takes parts " BATCH},
    {"i=i[1]{7}; y=Gather(x,i)", 17, NULL, "it takes parts " BATCH},
    {"x:f[2,2]; i=i{1}; y=Gather(x,i)", 17, "5 6 7 8", "7 8"},
    {"x:f[2,2]; i=i{2}; y=Gather(x,i)", 17, NULL, "index 2 of 2"},
    {"x:f[N,40000,2]; s=i[1]{40000}; i=ConstantOfShape(s) value=i[1]{1}; y=Gather(x,i) axis=2", 17,
     NULL, "dimension 2 is 40000: that is too much"},
    {"y=Gather(x,x) axis=1", 17, NULL, "an embedding along axis 1; those along axis 0 are read"},
    {"i=i[1,1,1,1,1,1,1,1]{0}; y=Gather(x,i) axis=1", 17, NULL,
     "a tensor of 9 dimensions; at most 8 are taken"},
    {"i=i[1]{0}; y=Gather(x,i) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"i=i[1]{0}; y=Gather(x,i) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=Gather(x) axis=1", 17, NULL, "input 1 is missing"},
    {"y=Gather(,x) axis=1", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case slices[] = {
    {"y=Slice(x) starts=[1] ends=[3] axes=[1]", 9, "5 6 7 8", "6 7"},
    {"y=Slice(x) starts=[0,1] ends=[2147483647,3]", 9, "5 6 7 8 1 2 3 4", "6 7 2 3"},
    {"s=i[1]{1}; e=i[1]{4}; a=i[1]{-1}; t=i[1]{2}; y=Slice(x,s,e,a,t)", 17, "5 6 7 8", "6 8"},
    {"s=i[1]{-1}; e=i[1]{-9}; a=i[1]{1}; t=i[1]{-1}; y=Slice(x,s,e,a,t)", 17, "5 6 7 8", "8 7 6 5"},
    {"s=i[1]{9}; e=i[1]{1}; a=i[1]{1}; t=i[1]{-1}; y=Slice(x,s,e,a,t)", 17, "5 6 7 8", "8 7"},
    {"s=i[1]{-9}; e=i[1]{-2}; a=i[1]{1}; y=Slice(x,s,e,a)", 17, "5 6 7 8", "5 6"},
    {"s=i[1]{3}; e=i[1]{-99}; a=i[1]{1}; t=i[1]{-9223372036854775808}; y=Slice(x,s,e,a,t)", 17,
     "5 6 7 8", "8"},
    {"s=i[1]{0}; e=i[1]{9223372036854775807}; a=i[1]{0}; y=Slice(x,s,e,a)", 17, "5 6 7 8",
     "5 6 7 8"},
    {"x:f[2,2]; s=i[1]{0}; e=i[1]{1}; a=i[1]{0}; y=Slice(x,s,e,a)", 17, "5 6 7 8", "5 6"},
    {"x:f[2,2]; s=i[1]{0}; e=i[1]{2}; a=i[1]{0}; y=Slice(x,s,e,a)", 17, "5 6 7 8", "5 6 7 8"},
    {"c=Shape(x); s=i[1]{1}; e=i[1]{2}; g=Slice(c,s,e); y=Mul(x,g)", 17, "1 2 3 4", "4 8 12 16"},
    /* rows of the batch: all of them, or none of ours */
    {"x:f[2,2]; y=Slice(x) starts=[0] ends=[9223372036854775807] axes=[0]", 9, "5 6 7 8",
     "5 6 7 8"},
    {"x:f[3,2]; y=Slice(x) starts=[1] ends=[3] axes=[0]", 9, "1 2 3 4 5 6", "3 4 5 6"},
    {"x:f[3,2]; y=Slice(x) starts=[-1] ends=[2147483647] axes=[0]", 9, "1 2 3 4 5 6", "5 6"},
    {"y=Slice(x) starts=[0] ends=[1] axes=[0]", 9, NULL, "it takes parts " BATCH},
    {"y=Slice(x) starts=[0] ends=[9] axes=[0]", 9, NULL, "it takes parts " BATCH},
    {"y=Slice(x) starts=[1] ends=[9223372036854775807] axes=[0]", 9, NULL, "it takes parts " BATCH},
    {"y=Slice(x) starts=[-1] ends=[0] axes=[0]", 9, NULL, "it takes parts " BATCH},
    {"y=Slice(x) starts=[0] ends=[-9] axes=[1]", 9, NULL, "axis 1 would be empty"},
    {"s=i[1]{0}; e=i[1]{-2}; a=i[1]{0}; t=i[1]{-1}; y=Slice(x,s,e,a,t)", 17, NULL,
     "it takes parts " BATCH},
    {"s=i[1]{0}; e=i[1]{1}; a=i[1]{0}; t=i[1]{2}; y=Slice(x,s,e,a,t)", 17, NULL,
     "it takes parts " BATCH},
    {"s=i[1]{0}; e=i[1]{4}; a=i[1]{1}; t=i[1]{0}; y=Slice(x,s,e,a,t)", 17, NULL, "a step of 0"},
    {"y=Slice(x) starts=[3] ends=[3] axes=[1]", 9, NULL, "axis 1 would be empty"},
    {"y=Slice(x) starts=[3] ends=[3,4] axes=[1]", 9, NULL, "1 starts, 2 ends, 1 axes, 0 steps"},
    {"y=Slice(x) starts=[3] ends=[4] axes=[0,1]", 9, NULL, "1 starts, 1 ends, 2 axes, 0 steps"},
    {"y=Slice(x) starts=[3] ends=[4] axes=[1] steps=[1,1]", 9, NULL,
     "1 starts, 1 ends, 1 axes, 2 steps"},
    {"y=Slice(x) starts=[1,1,1,1,1,1,1,1,1] ends=[1]", 9, NULL, "starts that are not known"},
    {"s=Shape(x) end=1; y=Slice(x,s,s)", 17, NULL, "starts that are not known"},
    {"s=i[1]{0}; y=Slice(x,s,x)", 17, NULL, "input 2 is not a constant list"},
    {"y=Slice(x) starts=[0] ends=[4] axes=[2]", 9, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=Slice(,x) starts=[0] ends=[4]", 9, NULL, "input 0 is missing"},
};

static const struct onnx_case splits[] = {
    {"a,b=Split(x) axis=1 split=[1,3]; y=Concat(b,a) axis=1", 11, "1 2 3 4", "2 3 4 1"},
    {"s=i[2]{3,1}; a,b=Split(x,s) axis=-1; y=Concat(b,a) axis=1", 17, "1 2 3 4", "4 1 2 3"},
    {"a,b=Split(x) axis=1; y=Concat(b,a) axis=1", 17, "1 2 3 4", "3 4 1 2"},
    {"a,b,c=Split(x) axis=1; y=Concat(b,a) axis=1", 17, NULL, "part 2 of 0 goes past 4"},
    {"a,b=Split(x) axis=1 split=[1,3,1]; y=Concat(b,a) axis=1", 11, NULL, "3 sizes for 2 outputs"},
    {"a,b=Split(x) axis=1 split=[0,4]; y=Concat(b,a) axis=1", 11, NULL, "part 0 of 0 goes past 4"},
    {"a,b=Split(x) axis=1 split=[1,4]; y=Concat(b,a) axis=1", 11, NULL, "part 1 of 4 goes past 4"},
    {"a,b=Split(x) axis=1 split=[1,2]; y=Concat(b,a) axis=1", 11, NULL, "its parts make 3 of 4"},
    {"y=Split(x)", 17, NULL, "it takes parts " BATCH},
    {"a,b=Split(x) split=[1,3]; y=Concat(b,a) axis=1", 11, NULL, "it takes parts " BATCH},
    {"x:f[4,1]; a,b=Split(x) split=[1,3]; y=Concat(b,a) axis=0", 11, "1 2 3 4", "2 3 4 1"},
    {"y=Split(x) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=Split(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=Split(x,x) axis=1", 17, NULL, "input 1 is not a constant list"},
    {"y=Split(,x) axis=1", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case concats[] = {
    {"y=Concat(x,x) axis=1", 17, "1 2 3 4", "1 2 3 4 1 2 3 4"},
    {"c=f[1,2]{8,9}; y=Concat(c,x) axis=-1", 17, "1 2 3 4", "8 9 1 2 3 4"},
    {"x:f[N,2,2]; y=Concat(x,x) axis=2", 17, "1 2 3 4", "1 2 1 2 3 4 3 4"},
    {"a=f[2]{1,2}; b=f[2]{3,4}; c=Concat(a,b) axis=0; y=Add(x,c)", 17, "0 0 0 0", "1 2 3 4"},
    {"a=i[2]{1,2}; b=f[2]{3,4}; c=Concat(a,b) axis=0; y=Add(x,c)", 17, "0 0 0 0", "1 2 3 4"},
    {"a=i[1,2]{1,2}; b=f[1,2]{3,4}; c=Concat(a,b) axis=1; y=Add(x,c)", 17, "0 0 0 0", "1 2 3 4"},
    {"a=i[1]{-1}; b=i[2]{2,2}; s=Concat(a,b) axis=0; r=Reshape(x,s); y=ReduceSum(r) axes=[2]", 11,
     "1 2 3 4", "3 7"},
    {"s=Shape(x); a=i[1]{1}; t=Concat(s,a) axis=0; y=Reshape(x,t)", 17, "1 2 3 4 5 6 7 8",
     "1 2 3 4 5 6 7 8"},
    {"c=Concat() axis=0; y=Mul(x,c)", 17, NULL, "nothing to put together"},
    {"y=Concat(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=Concat(x,) axis=1", 17, NULL, "input 1 is missing"},
    {"c=f[4]{1,2,3,4}; y=Concat(x,c) axis=1", 17, NULL, "tensors of 2 and 1 dimensions"},
    {"y=Concat(x,x) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"a=i{1}; c=Concat(a,a) axis=0; y=Mul(x,c)", 17, NULL, "axis 0 of a tensor of 0 dimensions"},
    {"c=f[2,1]{1,2}; y=Concat(x,c) axis=1", 17, NULL, "it puts constants together " BATCH},
    {"a=f[2,1]{1,2}; b=f[1,1]{3}; c=Concat(a,b) axis=1; y=Mul(x,c)", 17, NULL,
     "input 1 differs in axis 0: 2 and 1"},
    {"x:f[N,2,2]; c=f[1,3,1]{1,2,3}; y=Concat(x,c) axis=2", 17, NULL,
     "input 1 differs in axis 1: 2 and 3"},
    {"y=Concat(x,x) axis=0", 17, NULL, "the batch is axis 0 of output 'y', behind"},
};

START_TEST(gathers_take_what_they_name)
{
    onnx_check_all(gathers, sizeof gathers / sizeof *gathers);
}
END_TEST

START_TEST(slices_are_numpys)
{
    onnx_check_all(slices, sizeof slices / sizeof *slices);
}
END_TEST

START_TEST(splits_make_all_of_it)
{
    onnx_check_all(splits, sizeof splits / sizeof *splits);
}
END_TEST

START_TEST(tensors_are_put_together)
{
    onnx_check_all(concats, sizeof concats / sizeof *concats);
}
END_TEST

RUN_SUITE("onnx_op_part", gathers_take_what_they_name, slices_are_numpys, splits_make_all_of_it,
          tensors_are_put_together)
