/* Operations with weights. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"
#define W     "w=f[4,2]{1,0,0,1,1,0,0,1}; "
#define NORM  "s=f[2]{2,2}; b=f[2]{1,0}; m=f[2]{0,1}; v=f[2]{4,4}; "

static const struct onnx_case products[] = {
    {W "y=MatMul(x,w)", 17, "1 2 3 4", "4 6"},
    {"w=f[4]{1,2,3,4}; y=MatMul(x,w)", 17, "1 1 1 1", "10"},
    {"x:f[4]; " W "y=MatMul(x,w)", 17, "1 2 3 4", "4 6"},
    {"x:f[N,2,2]; w=f[2,2]{0,1,1,0}; y=MatMul(x,w)", 17, "1 2 3 4", "2 1 4 3"},
    {"x:f[N,2,2]; w=f[2,2]{0,1,1,0}; y=MatMul(w,x)", 17, "1 2 3 4", "3 4 1 2"},
    {"x:f[2,2]; w=f[2,2]{0,1,1,0}; y=MatMul(w,x)", 17, "1 2 3 4", "3 4 1 2"},
    {"x:f[2,1,2]; w=f[2,2,1]{1,1,2,2}; y=MatMul(x,w)", 17, "1 2 3 4", "3 14"},
    {"x:f[2,2,1]; w=f[2,1,2]{1,1,2,2}; y=MatMul(w,x)", 17, "1 2 3 4", "3 14"},
    {"c=f[1,4]{1,2,3,4}; " W "p=MatMul(c,w); f=f[2,4]{1,0,0,0,0,1,0,0}; q=MatMul(p,f); y=Add(x,q)",
     17, "0 0 0 0", "4 6 0 0"},
    {W "p=MatMul(x,w); b=f[2]{1,2}; y=Add(p,b)", 17, "1 2 3 4", "5 8"},
    {W "p=MatMul(x,w); b=f[1,2]{1,2}; y=Add(b,p)", 17, "1 2 3 4", "5 8"},
    {W "p=MatMul(x,w); b=f{1}; y=Add(p,b)", 17, "1 2 3 4", "5 7"},
    {"w=f[3,2]{1,2,3,4,5,6}; y=MatMul(x,w)", 17, NULL,
     "a row of 4 numbers meets a matrix of 3 inputs"},
    {"w=f[3]{1,2,3}; y=MatMul(x,w)", 17, NULL, "a row of 4 numbers meets a matrix of 3 inputs"},
    {"w=i[4,1]{1,2,3,4}; y=MatMul(x,w)", 17, NULL, "its matrix is not of floats"},
    {"y=MatMul(x,x)", 17, NULL, "it multiplies " BATCH},
    {"w=f{2}; y=MatMul(x,w)", 17, NULL, "it multiplies by a single number"},
    {"w=f{2}; y=MatMul(w,x)", 17, NULL, "it multiplies by a single number"},
    {"x:f[N]; w=f[1]{3}; y=MatMul(x,w)", 17, "2", "6"},
    {"x:f[N]; w=f[1,2]{3,4}; y=MatMul(x,w)", 17, "2", "6 8"},
    {"x:f[N]; w=f[2,1]{3,4}; y=MatMul(w,x)", 17, NULL, "tensors of 2 and 1 dimensions"},
    {"w=f[2,2,4]{1,2,3,4,5,6,7,8,9,8,7,6,5,4,3,2}; y=MatMul(w,x)", 17, NULL,
     "it multiplies " BATCH},
    {"x:f[N,40000,1]; s=i[2]{1,40000}; w=ConstantOfShape(s); y=MatMul(x,w)", 17, NULL,
     "dimension 2 is 40000: that is too much"},
    {"w=f[4]{1,2,3,4}; y=MatMul(w,x)", 17, NULL, "it multiplies " BATCH},
    {"x:f[N,2,2]; w=f[2]{1,2}; y=MatMul(w,x)", 17, "1 2 3 4", "7 10"},
    {"x:f[N,2,1]; w=f[2]{1,2}; y=MatMul(w,x)", 17, "1 2 3 4", "5 11"},
    {"x:f[2,2]; w=f[2]{1,2}; y=MatMul(w,x)", 17, "1 2 3 4", "7 10"},
    {"x:f[4]; w=f[4]{1,2,3,4}; y=MatMul(w,x)", 17, "1 1 1 2", "14"},
    {"x:f[4]; w=f[4]{1,2,3,4}; y=MatMul(x,w)", 17, "1 1 1 2", "14"},
    {"x:f[4]; w=f[3]{1,2,3}; y=MatMul(w,x)", 17, NULL,
     "a row of 4 numbers meets a matrix of 3 inputs"},
    {"x:f[N,2,2]; w=f[3]{1,2,3}; y=MatMul(w,x)", 17, NULL,
     "a row of 2 numbers meets a matrix of 3"},
    {"x:f[N,2,2]; w=i[2]{1,2}; y=MatMul(w,x)", 17, NULL, "its matrix is not of floats"},
    {"w=f[1,4,1]{1,2,3,4}; y=MatMul(x,w)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"w=f[1,4,1]{1,2,3,4}; p=MatMul(x,w); a=i[1]{0}; y=Squeeze(p,a)", 17, "1 1 1 2", "14"},
    {"x:f[N,2,2]; w=f[1,2,2]{1,2,3,4}; y=MatMul(x,w)", 17, "1 0 0 1", "1 2 3 4"},
    {"x:f[N,2,2]; w=f[1,2,2]{1,2,3,4}; y=MatMul(w,x)", 17, "1 0 1 1", "3 2 7 4"},
    {"x:f[N,2,2]; w=f[2,2,2]{1,2,3,4,1,2,3,4}; y=MatMul(x,w)", 17, NULL, "it multiplies " BATCH},
    {"w=f[2,2]{1,2,3,4}; y=MatMul(w,x)", 17, NULL, "it multiplies " BATCH},
    {"x:f[2,1,2]; w=f[3,2,1]{1,1,2,2,3,3}; y=MatMul(x,w)", 17, NULL, "stacks of 2 and 3 matrices"},
    {"x:f[2,1,2]; w=f[1,2,2,1]{1,1,2,2}; y=MatMul(x,w)", 17, "1 2 3 4", "3 14"},
    {"x:f[3,1,1]; s=i[3]{65,1,1}; w=ConstantOfShape(s) value=f[1]{1}; e=Expand(x,t); "
     "t=i[3]{1,1,1}; "
     "y=MatMul(x,w)",
     17, NULL, "stacks of 3 and 65 matrices"},
    {"x:f[N,1,1,2]; s=i[3]{65,2,1}; w=ConstantOfShape(s) value=f[1]{1}; m=MatMul(x,w); "
     "y=ReduceSum(m) axes=[1]",
     11, "1 2", "195"},
    {"x:f[N,1,1,2]; w=f[2,2,1]{1,1,2,3}; y=MatMul(x,w)", 17, "1 2 3 4", "3 8 7 18"},
    {"x:f[N,2,1,2]; w=f[1,2,1]{1,2}; y=MatMul(x,w)", 17, "1 2 3 4", "5 11"},
    {"x:f[N,1,2,1]; w=f[2,1,2]{1,2,3,4}; y=MatMul(w,x)", 17, "1 2", "5 11"},
    /* both vary */
    {"x:f[N,2,2]; y=MatMul(x,x)", 17, "1 2 3 4", "7 10 15 22"},
    {"x:f[N,2,1]; z:f[N,1,2]; y=MatMul(x,z)", 17, "1 2 3 4", "3 4 6 8"},
    {"x:f[N,1,2]; z:f[N,2,2]; y=MatMul(x,z)", 17, "1 2 1 2 3 4", "7 10"},
    {"x:f[N,2,2]; z:f[N,3,2]; y=MatMul(x,z)", 17, NULL, "a row of 2 numbers meets a matrix of 3"},
    {"x:f[2]; y=MatMul(x,x)", 17, "1 2", "5"},
    {"x:f[2]; z:f[2,2]; y=MatMul(x,z)", 17, "1 2 1 2 3 4", "7 10"},
    {"x:f[2]; z:f[2,2]; y=MatMul(z,x)", 17, "1 2 1 2 3 4", "5 11"},
    /* the batch among the axes */
    {"t=Transpose(x); w=f[2,4]{1,0,1,0,0,1,0,1}; p=MatMul(w,t); y=Transpose(p)", 17,
     "1 2 3 4 1 1 1 1", "4 6 2 2"},
    {"a=i[1]{0}; u=Unsqueeze(x,a); w=f[2,4,1]{1,0,0,0,0,0,0,1}; p=MatMul(u,w); "
     "y=ReduceSum(p,a) keepdims=0",
     17, "1 2 3 4 5 6 7 8", "5 13"},
    {"x:f[2,1,2]; w=f[2,3,1]{1,1,2,2,3,3}; y=MatMul(x,w)", 17, NULL,
     "a row of 2 numbers meets a matrix of 3"},
    {"y=MatMul(x)", 17, NULL, "input 1 is missing"},
    {"y=MatMul(,x)", 17, NULL, "input 0 is missing"},
    {"x:f[N,3000]; s=i[2]{3000,3000}; w=ConstantOfShape(s) value=f[1]{1}; y=MatMul(x,w)", 17, NULL,
     "more numbers on the way than relud allows"},
};

static const struct onnx_case gemms[] = {
    {W "y=Gemm(x,w)", 17, "1 2 3 4", "4 6"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c)", 17, "1 2 3 4", "5 8"},
    {W "c=f[1,2]{1,2}; y=Gemm(x,w,c) alpha=2.0", 17, "1 2 3 4", "9 14"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c) beta=2.0", 17, "1 2 3 4", "6 10"},
    {W "c=f[2]{1,2}; y=Gemm(x,w,c) beta=0.0", 17, "1 2 3 4", "4 6"},
    {W "c=f{1}; y=Gemm(x,w,c)", 17, "1 2 3 4", "5 7"},
    {W "c=f[1]{1}; y=Gemm(x,w,c)", 17, "1 2 3 4", "5 7"},
    {W "c=i[2]{1,2}; y=Gemm(x,w,c)", 17, "1 2 3 4", "5 8"},
    {W "p=MatMul(x,w); y=Gemm(x,w,p)", 17, "1 2 3 4", "8 12"},
    {"w=f[2,4]{1,0,1,0,0,1,0,1}; y=Gemm(x,w) transB=1", 17, "1 2 3 4", "4 6"},
    {"x:f[2,2]; w=f[2,2]{1,0,0,1}; y=Gemm(x,w) transA=1", 17, "1 2 3 4", "1 3 2 4"},
    {"t=f[2,4]{1,0,1,0,0,1,0,1}; w=Transpose(t); y=Gemm(x,w)", 17, "1 2 3 4", "4 6"},
    {W "c=f[2,1]{1,2}; y=Gemm(x,w,c)", 17, NULL, "it combines numbers " BATCH},
    {W "c=f[3]{1,2,3}; y=Gemm(x,w,c) beta=2.0", 17, NULL,
     "dimensions of 2 and 3 do not go together"},
    {"w=f[4]{1,2,3,4}; y=Gemm(x,w)", 17, NULL,
     "tensors of 2 and 1 dimensions; matrices are wanted"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Gemm(x,w)", 17, NULL,
     "tensors of 3 and 2 dimensions; matrices"},
    {"x:f[2,2]; y=Gemm(x,x) alpha=2.0", 17, "1 2 3 4", "14 20 30 44"},
    {"x:f[2,2]; y=Gemm(x,x,x) transB=1 transA=1 beta=2.0", 17, "1 2 3 4", "9 19 16 30"},
    {"t=Transpose(x); " W "y=Gemm(t,w) transA=1", 17, "1 2 3 4", "4 6"},
    {"y=Gemm(x,x)", 17, NULL, "it multiplies " BATCH},
    {W "y=Gemm(x,w) transA=1", 17, NULL, "it multiplies " BATCH},
    {W "y=Gemm(x,w) transB=1", 17, NULL, "a row of 4 numbers meets a matrix of 2 inputs"},
    {W "y=Gemm(x,w) transA=1.0", 17, NULL, "attribute 'transA' is not of the type"},
    {W "y=Gemm(x,w) transB=1.0", 17, NULL, "attribute 'transB' is not of the type"},
    {W "y=Gemm(x,w) alpha=1", 17, NULL, "attribute 'alpha' is not of the type"},
    {W "y=Gemm(x,w) beta=1", 17, NULL, "attribute 'beta' is not of the type"},
    {W "y=Gemm(x,w,q)", 17, NULL, "it reads 'q', which nothing makes"},
    {"y=Gemm(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case normalizations[] = {
    {"x:f[N,2,2]; s=f[2]{1,2}; b=f[2]{0,1}; y=InstanceNormalization(x,s,b)", 17, "1 3 5 9",
     "-1 1 -1 3"},
    {"x:f[N,4,1]; s=f[4]{1,1,1,2}; b=f[4]{0,0,0,1}; y=GroupNormalization(x,s,b) num_groups=2", 21,
     "1 3 5 9", "-1 1 -1 3"},
    {"x:f[N,4,1]; s=f[2]{1,2}; b=f[2]{0,1}; y=GroupNormalization(x,s,b) num_groups=2", 18,
     "1 3 5 9", "-1 1 -1 3"},
    {"s=f[4]{1,1,1,2}; b=f[4]{0,0,0,1}; y=GroupNormalization(x,s,b) num_groups=2", 21, "1 3 5 9",
     "-1 1 -1 3"},
    {"s=f[3]{1,1,1}; y=GroupNormalization(x,s,s) num_groups=2", 21, NULL,
     "3 scales and 3 biases for 4 channels in 2 groups"},
    {"s=f[4]{1,1,1,1}; y=GroupNormalization(x,s,s) num_groups=3", 21, NULL, "for 4 channels in 3"},
    {"s=f[4]{1,1,1,1}; y=GroupNormalization(x,s,s)", 21, NULL, "for 4 channels in 0 groups"},
    {"t=Transpose(x); s=f[1]{1}; y=GroupNormalization(t,s,s) num_groups=1", 21, NULL,
     "it normalises " BATCH},
    {"s=f[4]{1,1,1,1}; y=InstanceNormalization(x,x,s)", 21, NULL, "the scale is not constant"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,s,b,m,v) epsilon=0.0", 17, "1 2", "2 1"},
    {"x:f[N,2,1]; " NORM "y=BatchNormalization(x,s,b,m,v) epsilon=0.0", 17, "1 2", "2 1"},
    {"x:f[2]; " NORM "y=BatchNormalization(x,s,b,m,v) epsilon=0.0", 17, "1 2", "2 1"},
    {W NORM "p=MatMul(x,w); y=BatchNormalization(p,s,b,m,v) epsilon=0.0", 17, "1 2 3 4", "5 5"},
    {W NORM "c=f[2]{1,2}; p=Gemm(x,w,c) alpha=2.0; y=BatchNormalization(p,s,b,m,v) epsilon=0.0", 17,
     "1 2 3 4", "10 13"},
    {"x:f[N,2]; r=Relu(x); " NORM "y=BatchNormalization(r,s,b,m,v) epsilon=0.0", 17, "1 -2",
     "2 -1"},
    {"x:f[N,1,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); s=f[1]{2}; y=BatchNormalization(p,s,s,s,s) "
     "epsilon=0.0",
     17, "2 4", "2 4.8284271"},
    {"x:f[N,2]; c=f[1,2]{1,2}; " NORM "n=BatchNormalization(c,s,b,m,v) epsilon=0.0; y=Add(x,n)", 17,
     "0 0", "2 1"},
    {"x:f[N,2,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); f=Flatten(p); s=f[4]{1,1,2,1}; "
     "b=f[4]{0,0,0,1}; v=f[4]{1,1,1,4}; y=BatchNormalization(f,s,b,b,v) epsilon=0.0",
     17, "1 2 3 4", "1 2 6 2.5"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,s,b,m,v) training_mode=1", 17, NULL,
     "training_mode is 1: export the model in eval mode"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,s,b,m,v) training_mode=1.0", 17, NULL,
     "attribute 'training_mode' is not"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,s,b,m,v) epsilon=1", 17, NULL,
     "attribute 'epsilon' is not"},
    {"x:f[N,3]; " NORM "y=BatchNormalization(x,s,b,m,v)", 17, NULL, "scale has 2 elements"},
    {"x:f[N,2]; " NORM "a=f[3]{1,1,1}; y=BatchNormalization(x,s,b,a,v)", 17, NULL,
     "mean has 3 elements"},
    {"x:f[N]; s=f[1]{1}; y=BatchNormalization(x,s,s,s,s)", 17, NULL, "it normalises " BATCH},
    {"x:f[]; s=f[1]{1}; y=BatchNormalization(x,s,s,s,s)", 17, NULL, "scale has 1 elements"},
    {"x:f[N,2]; " NORM "z=f[2]{0,0}; y=BatchNormalization(x,s,b,m,z) epsilon=0.0", 17, NULL,
     "channel 0: the variance makes it infinite"},
    {"x:f[N,1]; s=f[1]{1e-30}; b=f[1]{1}; m=f[1]{3e38}; v=f[1]{1e-40}; "
     "y=BatchNormalization(x,b,b,m,s) epsilon=0.0",
     17, NULL, "channel 0: the variance makes it infinite"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,x,b,m,v)", 17, NULL, "scale is not constant"},
    {"x:f[N,2]; " NORM "y=BatchNormalization(x,s,b,m)", 17, NULL, "input 4 is missing"},
    {"y=Scaler@ai.onnx.ml(x) offset=[1.0,1.0,1.0,2.0] scale=[2.0]", 17, "1 2 3 4", "0 2 4 4"},
    {"y=Scaler@ai.onnx.ml(x) offset=[1.0] scale=[1.0,1.0,1.0,2.0]", 17, "1 2 3 4", "0 1 2 6"},
    {"y=Scaler@ai.onnx.ml(x)", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[]; y=Scaler@ai.onnx.ml(x) scale=[2.0]", 17, "3", "6"},
    {"y=Scaler@ai.onnx.ml(x) offset=[1.0,2.0]", 17, NULL, "2 offsets and 0 scales for 4 columns"},
    {"y=Scaler@ai.onnx.ml(x) scale=[1.0,2.0]", 17, NULL, "0 offsets and 2 scales for 4 columns"},
    {"y=Scaler@ai.onnx.ml(x) offset=[inf]", 17, NULL, "attribute 'offset': number 0 is not finite"},
    {"y=Scaler@ai.onnx.ml(x) scale=[nan]", 17, NULL, "attribute 'scale': number 0 is not finite"},
    {"y=Scaler@ai.onnx.ml(,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(matrices_are_multiplied)
{
    onnx_check_all(products, sizeof products / sizeof *products);
}
END_TEST

START_TEST(gemm_is_alpha_a_b_and_beta_c)
{
    onnx_check_all(gemms, sizeof gemms / sizeof *gemms);
}
END_TEST

START_TEST(constants_normalise)
{
    onnx_check_all(normalizations, sizeof normalizations / sizeof *normalizations);
}
END_TEST

RUN_SUITE("onnx_op_layer", matrices_are_multiplied, gemm_is_alpha_a_b_and_beta_c,
          constants_normalise)
