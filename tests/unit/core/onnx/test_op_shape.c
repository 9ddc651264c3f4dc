/* Operations that make constants and shapes. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"

static const struct onnx_case constants[] = {
    {"c=Constant() value=f[4]{1,2,3,4}; y=Add(x,c)", 17, "1 1 1 1", "2 3 4 5"},
    {"c=Constant() value_float=2.0; y=Mul(x,c)", 17, "1 2 3 4", "2 4 6 8"},
    {"c=Constant() value_floats=[1.0,2.0,3.0,4.0]; y=Mul(x,c)", 17, "1 1 1 2", "1 2 3 8"},
    {"c=Constant() value_int=2; y=Mul(x,c)", 17, "1 2 3 4", "2 4 6 8"},
    {"c=Constant() value_ints=[1,2,3,4]; y=Mul(x,c)", 17, "1 1 1 2", "1 2 3 8"},
    {"c=Constant() value='a'; y=Mul(x,c)", 17, NULL, "its value is no tensor"},
    {"c=Constant() value=1; y=Mul(x,c)", 17, NULL, "its value is no tensor"},
    {"c=Constant() value=#5; y=Mul(x,c)", 17, NULL, "its value is no tensor"},
    {"c=Constant() value=f[-1]{1}; y=Mul(x,c)", 17, NULL, "dimension 0 is -1: that cannot be"},
    {"c=Constant() value=f[2]{1,2,3}; y=Mul(x,c)", 17, NULL, "the data does not fit the dims"},
    {"c=Constant() value=f[1,1,1,1,1,1,1,1,1]{1}; y=Mul(x,c)", 17, NULL,
     "has 9 dimensions; at most 8 are read"},
    {"c=Constant() value_string='a'; y=Mul(x,c)", 17, NULL,
     "a constant of a kind that is not read"},
    {"c=Constant(); y=Mul(x,c)", 17, NULL, "a constant of a kind that is not read"},
    {"c=Constant() value_floats=[]; y=Mul(x,c)", 17, NULL, "an empty list"},
    {"c=Constant() value_ints=[]; y=Mul(x,c)", 17, NULL, "an empty list"},
    {"c=Constant() value_float=@; y=Mul(x,c)", 17, NULL,
     "attribute 'value_float' refers to a function's"},
    {"c=Constant() value_float=1; y=Mul(x,c)", 17, NULL,
     "attribute 'value_float' is not of the type"},
    {"c=Constant() value_int=1.0; y=Mul(x,c)", 17, NULL,
     "attribute 'value_int' is not of the type"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=f[1]{2}; y=Mul(x,c)", 17, "1 2 3 4", "2 4 6 8"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=i[1]{3}; y=Mul(x,c)", 17, "1 2 3 4", "3 6 9 12"},
    {"s=i[2]{1,4}; c=ConstantOfShape(s); y=Add(x,c)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=f[2]{1,2}; y=Mul(x,c)", 17, NULL,
     "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value='a'; y=Mul(x,c)", 17, NULL, "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=#5; y=Mul(x,c)", 17, NULL, "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=f[-1]{1}; y=Mul(x,c)", 17, NULL,
     "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=1; y=Mul(x,c)", 17, NULL, "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=f[1,1,1,1,1,1,1,1,1]{1}; y=Mul(x,c)", 17, NULL,
     "no tensor of one number"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=f[1]{nan}; y=Mul(x,c)", 17, NULL, "element 0 is NaN"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=i[1]{1,2}; y=Mul(x,c)", 17, NULL,
     "the data does not fit the dims"},
    {"s=i[1]{4}; c=ConstantOfShape(s) value=s[1]{}; y=Mul(x,c)", 17, NULL,
     "it is STRING: that is no number"},
    {"c=ConstantOfShape(); y=Mul(x,c)", 17, NULL, "its shape is missing, or too long"},
    /* the same numbers in each row */
    {"s=Shape(x); c=ConstantOfShape(s) value=f[1]{3}; y=Mul(x,c)", 17, "1 2 3 4 5 6 7 8",
     "3 6 9 12 15 18 21 24"},
    {"s=Shape(x) end=1; k=i[1]{1}; d=Concat(s,k) axis=0; c=ConstantOfShape(d) value=f[1]{1}; "
     "y=Concat(c,x) axis=1",
     17, "1 2 3 4 5 6 7 8", "1 1 2 3 4 1 5 6 7 8"},
    {"s=Shape(x) end=1; k=i[1]{2}; d=Concat(s,k) axis=0; c=ConstantOfShape(d) value=i[1]{5}; "
     "y=Cast(c) to=1; z=Relu(x); >y:f; >z:f",
     17, "1 2 3 4", "5 5 1 2 3 4"},
    {"s=Shape(x) end=1; c=ConstantOfShape(s) value=f[1]{1}; y=ReduceSum(c) axes=[0]; m=Mul(x,y); "
     ">m:f",
     11, NULL, "it reduces along the batch"},
    {"s=Shape(x) end=1; k=i[1]{1}; d=Concat(k,s) axis=0; c=ConstantOfShape(d); y=Mul(x,c)", 17,
     NULL, "it combines numbers along the batch"},
    {"s=Shape(x) end=1; k=i[1]{2000000}; d=Concat(s,k) axis=0; c=ConstantOfShape(d); r=Relu(c); "
     "y=Slice(r) starts=[0] ends=[4] axes=[1]; z=Add(x,y); >z:f",
     9, NULL, "a row would be 2000000 numbers wide"},
    {"w=f[1,4]{1,2,3,4}; s=Shape(x); e=Expand(w,s); y=Add(x,e)", 17, "0 0 0 0 1 1 1 1",
     "1 2 3 4 2 3 4 5"},
    {"w=f[2]{8,9}; n=Shape(x) end=1; k=i[1]{2}; s=Concat(n,k) axis=0; e=Expand(w,s); "
     "y=Concat(e,x) axis=1",
     17, "1 2 3 4 5 6 7 8", "8 9 1 2 3 4 8 9 5 6 7 8"},
    {"w=f[3,4]{1,2,3,4,1,2,3,4,1,2,3,4}; s=Shape(x); e=Expand(w,s); y=Add(x,e)", 17, NULL,
     "it expands along the batch"},
    {"x:f[N,2]; v:f[2]; s=Shape(x); e=Expand(v,s); y=Concat(e,x) axis=1", 17, "1 2 3 4 5 6 7 8",
     "3 4 1 2 7 8 5 6"},
    {"s=i[9]{1,1,1,1,1,1,1,1,1}; c=ConstantOfShape(s); y=Mul(x,c)", 17, NULL, "or too long"},
    {"s=i[1]{-1}; c=ConstantOfShape(s); y=Mul(x,c)", 17, NULL, "dimension 0 is 0: that is nothing"},
    {"s=i[2]{40000,40000}; c=ConstantOfShape(s); y=Mul(x,c)", 17, NULL,
     "dimension 1 is 40000: that is too much"},
    {"s=i[2]{4000,4000}; c=ConstantOfShape(s); y=Mul(x,c)", 17, NULL,
     "more numbers on the way than relud allows"},
    {"s=f[1]{4}; c=ConstantOfShape(s); y=Mul(x,c)", 17, NULL,
     "input 0 is not a constant list of whole numbers"},
    {"s=i[0]{}; c=ConstantOfShape(s) value=f[1]{3}; y=Mul(x,c)", 17, "1 2 3 4", "3 6 9 12"},
    {"s=i[0]{}; a=i[1]{1}; c=Concat(s,a) axis=0; k=ConstantOfShape(c) value=f[1]{3}; y=Mul(x,k)",
     17, "1 2 3 4", "3 6 9 12"},
    {"s=i[0]{}; a=i[1]{1}; c=Add(s,a); k=ConstantOfShape(c); y=Mul(x,k)", 17, NULL,
     "input 0 is an empty list"},
    {"s=i[0]{}; c=Cast(s) to=1; y=Mul(x,c)", 17, NULL, "what is cast is empty"},
    {"s=i[0]{}; y=Mul(x,s)", 17, NULL, "is an empty list"},
    {"s=i[0]{}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"a=i{1}; b=i{7}; d=i{2}; r=Range(a,b,d); k=Cast(r) to=1; t=f[1]{9}; c=Concat(k,t) axis=0; "
     "y=Mul(x,c)",
     17, "1 1 1 1", "1 3 5 9"},
    {"a=f{1}; b=f{0}; d=f{-.25}; r=Range(a,b,d); y=Mul(x,r)", 17, "1 1 1 1", "1 .75 .5 .25"},
    {"a=i{1}; b=i{0}; d=i{1}; r=Range(a,b,d); t=i[1]{4}; c=Concat(r,t) axis=0; k=Cast(c) to=1; "
     "y=Mul(x,k)",
     17, "1 2 3 4", "4 8 12 16"},
    {"a=f{1}; b=f{0}; d=f{0}; r=Range(a,b,d); y=Mul(x,r)", 17, NULL, "it makes -inf numbers"},
    {"a=f[2]{1,2}; r=Range(a,a,a); y=Mul(x,r)", 17, NULL, "a bound is no single number"},
    {"s=Shape(x) end=1; i=i{0}; b=Gather(s,i); d=i{1}; r=Range(i,b,d); y=Mul(x,r)", 17, NULL,
     "it counts the rows " BATCH},
    {"f=f{2.7}; i=i{1}; c=CastLike(f,i); y=Mul(x,c)", 19, "1 2 3 4", "2 4 6 8"},
    {"f=f{2.7}; i=i{1}; c=CastLike(i,f); y=Mul(x,c)", 19, "1 2 3 4", "1 2 3 4"},
    {"i=i{1}; c=CastLike(x,i); y=Mul(c,c)", 19, "1.5 2.5 -3.5 4", "1 4 9 16"},
    {"w=f[2,3]{1,2,3,4,5,6}; s=Size(w); c=Cast(s) to=1; y=Mul(x,c)", 17, "1 2 3 4", "6 12 18 24"},
    {"s=Size(x); u=i[1]{1}; d=Reshape(s,u); y=Reshape(x,d)", 17, "1 2 3 4", "1 2 3 4"},
    /* whole numbers stay such */
    {"a=i[2]{2,1}; b=i[2]{1,4}; g=Greater(a,b); m=Max(a,b); s=Where(g,a,m); y=Reshape(x,s)", 17,
     NULL, "it reshapes " BATCH},
    {"a=i[2]{0,2}; o=i[2]{-1,-1}; e=Equal(a,o); m=i[2]{-1,4}; s=Where(e,o,m); y=Reshape(x,s)", 17,
     "1 2 3 4", "1 2 3 4"},
};

static const struct onnx_case shapes[] = {
    {"s=Shape(x); y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=Shape(x) start=1; c=Cast(s) to=1; y=Mul(x,c)", 17, "1 2 3 4", "4 8 12 16"},
    {"s=Shape(x) start=-1 end=9; y=Mul(x,s)", 17, "1 2 3 4", "4 8 12 16"},
    {"w=f[3,2]{1,2,3,4,5,6}; s=Shape(w) end=-1; y=Mul(x,s)", 17, "1 2 3 4", "3 6 9 12"},
    {"x:f[4]; s=Shape(x); y=Mul(x,s)", 17, "1 2 3 4", "4 8 12 16"},
    {"s=Shape(x) start=-9; y=Mul(x,s)", 17, NULL, "dimensions of 4 and 2 do not go together"},
    {"s=Shape(x) start=2; y=Mul(x,s)", 17, NULL, "input 1 is an empty list"},
    {"s=Shape(x) start=1.5; y=Mul(x,s)", 17, NULL, "attribute 'start' is not of the type"},
    {"s=Shape(x) end='a'; y=Mul(x,s)", 17, NULL, "attribute 'end' is not of the type"},
    {"s=Shape(); y=Mul(x,s)", 17, NULL, "input 0 is missing"},
    {"y=Identity(,x)", 17, NULL, "input 0 is missing"},
    {"y=Identity(x)", 17, "1 2 3 4", "1 2 3 4"},
    /* Dropout */
    {"d,m=Dropout(x); c=Cast(m) to=1; y=Mul(d,c)", 17, "1 2 3 4", "1 2 3 4"},
    {"r=f{0.5}; t=b{0}; y=Dropout(x,r,t)", 17, "1 2 3 4", "1 2 3 4"},
    {"r=f{0.5}; t=b{1}; y=Dropout(x,r,t)", 11, "1 2 3 4", "1 2 3 4"},
    {"r=f{0.5}; t=b{1}; y=Dropout(x,r,t)", 17, NULL,
     "training_mode is on: export the model in eval mode"},
    {"r=f{0.5}; t=f{0}; y=Dropout(x,r,t)", 17, NULL, "training_mode is on"},
    {"r=f{0.5}; y=Dropout(x,r,t)", 17, NULL, "it reads 't', which nothing makes"},
    {"y=Dropout(,x)", 17, NULL, "input 0 is missing"},
    /* Cast */
    {"y=Cast(x) to=1", 17, "1.5 -1.5 2 0", "1.5 -1.5 2 0"},
    {"y=Cast(x) to=7", 17, "1.5 -1.5 2 0", "1 -1 2 0"},
    {"y=Cast(x) to=9", 17, "1.5 -1.5 2 0", "1 1 1 0"},
    {"a=Cast(x) to=7; y=Cast(a) to=6", 17, "1.5 -1.5 2 0", "1 -1 2 0"},
    {"a=Cast(x) to=7; y=Cast(a) to=9", 17, "1.5 -0.5 2 0", "1 0 1 0"},
    {"c=i[4]{1,2,3,4}; f=Cast(c) to=1; y=Add(x,f)", 17, "1 1 1 1", "2 3 4 5"},
    {"c=i[4]{1,2,3,4}; f=Cast(c) to=6; y=Add(x,f)", 17, "1 1 1 1", "2 3 4 5"},
    {"c=f[4]{1.5,2,3,4}; f=Cast(c) to=11; y=Add(x,f)", 17, "1 1 1 1", "2.5 3 4 5"},
    {"c=f[4]{1.5,-1.5,2,0}; w=Cast(c) to=7; y=Add(x,w)", 17, "1 1 1 1", "2 0 3 1"},
    {"c=f[4]{1.5,-1.5,2,0}; w=Cast(c) to=9; y=Add(x,w)", 17, "1 1 1 1", "2 2 2 1"},
    {"c=f[1]{1e30}; w=Cast(c) to=7; y=Add(x,w)", 17, NULL, "1e+30 as a whole number"},
    {"c=f[1]{-1e30}; w=Cast(c) to=7; y=Add(x,w)", 17, NULL, "-1e+30 as a whole number"},
    {"s=Shape(x); f=Cast(s) to=1; y=Mul(x,f)", 17, NULL, "what is cast is not constant"},
    {"y=Cast(x) to=8", 17, NULL, "to type 8 (STRING)"},
    {"y=Cast(x) to=99", 17, NULL, "to type 99 (of a newer type)"},
    {"y=Cast(x)", 17, NULL, "to type 0 (UNDEFINED)"},
    {"y=Cast(x) to=1.0", 17, NULL, "attribute 'to' is not of the type"},
    {"y=Cast(,x) to=1", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case reshapes[] = {
    {"s=i[2]{-1,2}; y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[2]{0,4}; y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[2]{-1,0}; y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[3]{0,2,2}; t=Reshape(x,s); y=Transpose(t) perm=[0,2,1]", 17, "1 2 3 4 5 6 7 8",
     "1 3 2 4 5 7 6 8"},
    {"x:f[2,4]; s=i[2]{2,4}; y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[2,4]; s=i[2]{1,8}; y=Reshape(x,s)", 17, "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8"},
    {"w=f[2,2]{1,2,3,4}; t=Transpose(w); s=i[1]{4}; r=Reshape(t,s); y=Add(x,r)", 17, "0 0 0 0",
     "1 3 2 4"},
    {"w=f[4]{1,2,3,4}; s=i[2]{-1,4}; r=Reshape(w,s); y=Add(x,r)", 17, "0 0 0 0", "1 2 3 4"},
    {"s=i[2]{0,3}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[2]{0,8}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[3]{0,4,2}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[3]{0,3,-1}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[2]{3,4}; y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[2]{0,4}; y=Reshape(x,s) allowzero=1", 17, NULL, "it reshapes " BATCH},
    {"s=i[2]{-1,0}; y=Reshape(x,s) allowzero=1", 17, NULL, "dimension 1 of its shape is 0"},
    {"a=i[1]{-1}; b=Shape(x) end=1; s=Concat(a,b) axis=0; y=Reshape(x,s)", 17, NULL,
     "it reshapes " BATCH},
    /* multiples of the batch */
    {"b=Shape(x); m=i[2]{0,1}; s=Mul(b,m); y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"b=Shape(x); m=i[2]{0,1}; s=Mul(b,m); y=Reshape(x,s) allowzero=1", 17, NULL,
     "it reshapes " BATCH},
    {"b=Shape(x); m=i[2]{-1,1}; s=Mul(b,m); y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"b=Shape(x); m=i[2]{-2,1}; s=Mul(b,m); y=Reshape(x,s)", 17, NULL, "it reshapes " BATCH},
    {"s=i[3]{0,4,0}; y=Reshape(x,s)", 17, NULL, "dimension 2 of its shape is 0"},
    {"s=i[3]{0,-1,-1}; y=Reshape(x,s)", 17, NULL, "dimension 2 of its shape is -1"},
    {"s=i[2]{0,-2}; y=Reshape(x,s)", 17, NULL, "dimension 1 of its shape is -2"},
    {"w=f[4]{1,2,3,4}; s=i[1]{8}; r=Reshape(w,s); y=Add(x,r)", 17, NULL,
     "its shape holds more than the 4 numbers there are"},
    {"w=f[4]{1,2,3,4}; s=i[2]{4,2}; r=Reshape(w,s); y=Add(x,r)", 17, NULL,
     "its shape holds more than the 4 numbers there are"},
    {"w=f[4]{1,2,3,4}; s=i[2]{3,-1}; r=Reshape(w,s); y=Add(x,r)", 17, NULL,
     "4 numbers do not divide by 3"},
    {"w=f[4]{1,2,3,4}; s=i[1]{2}; r=Reshape(w,s); y=Add(x,r)", 17, NULL,
     "4 numbers into a shape of 2"},
    {"s=i[9]{0,1,1,1,1,1,1,1,1}; y=Reshape(x,s)", 17, NULL, "its shape is missing, or too long"},
    {"y=Reshape(x)", 17, NULL, "its shape is missing, or too long"},
    {"s=i[1,2]{-1,4}; y=Reshape(x,s)", 17, NULL, "input 1 is not a constant list of whole numbers"},
    {"y=Reshape(x,x)", 17, NULL, "input 1 is not a constant list of whole numbers"},
    {"y=Reshape(x,q)", 17, NULL, "it reads 'q', which nothing makes"},
    {"s=i[2]{0,4}; y=Reshape(x,s) allowzero=1.5", 17, NULL,
     "attribute 'allowzero' is not of the type"},
    {"y=Reshape(,x)", 17, NULL, "input 0 is missing"},
    /* Flatten */
    {"x:f[N,2,2]; y=Flatten(x)", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[N,2,2]; y=Flatten(x) axis=-1", 17, "1 2 3 4", "1 2 3 4"},
    {"w=f[2,2]{1,2,3,4}; f=Flatten(w) axis=0; y=Add(x,f)", 17, "0 0 0 0", "1 2 3 4"},
    {"y=Flatten(x) axis=0", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"y=Flatten(x) axis=3", 17, NULL, "axis 3 of a tensor of 2 dimensions"},
    {"y=Flatten(x) axis=-3", 17, NULL, "axis -3 of a tensor of 2 dimensions"},
    {"y=Flatten(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=Flatten(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case axes[] = {
    {"x:f[N,1,4]; y=Squeeze(x)", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[N,1,4]; y=Squeeze(x) axes=[1]", 11, "1 2 3 4", "1 2 3 4"},
    {"x:f[N,1,4]; a=i[1]{-2}; y=Squeeze(x,a)", 17, "1 2 3 4", "1 2 3 4"},
    {"w=f[1,4]{1,2,3,4}; q=Squeeze(w); y=Add(x,q)", 17, "0 0 0 0", "1 2 3 4"},
    {"w=f[1,4]{1,2,3,4}; q=Squeeze(w) axes=[0]; y=Add(x,q)", 11, "0 0 0 0", "1 2 3 4"},
    {"y=Squeeze(x) axes=[0]", 11, NULL, "it squeezes " BATCH},
    {"y=Squeeze(x) axes=[1]", 11, NULL, "axis 1 is 4 long"},
    {"y=Squeeze(x) axes=[1,-1]", 11, NULL, "axis -1 is named twice"},
    {"y=Squeeze(x) axes=[2]", 11, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"a=f[1]{1}; y=Squeeze(x,a)", 17, NULL, "input 1 is not a constant list"},
    {"y=Squeeze(,x)", 17, NULL, "input 0 is missing"},
    {"u=Unsqueeze(x) axes=[1]; y=Flatten(u)", 11, "1 2 3 4", "1 2 3 4"},
    {"a=i[1]{1}; u=Unsqueeze(x,a); y=Flatten(u)", 17, "1 2 3 4", "1 2 3 4"},
    {"w=f[4]{1,2,3,4}; u=Unsqueeze(w) axes=[0]; y=Add(x,u)", 11, "0 0 0 0", "1 2 3 4"},
    {"y=Unsqueeze(x) axes=[0]", 11, NULL, "the batch is axis 1 of output 'y'"},
    {"y=Unsqueeze(x) axes=[2,3,4,5,6,7,8]", 11, NULL, "9 dimensions; at most 8 are taken"},
    {"y=Unsqueeze(x) axes=[5]", 11, NULL, "axis 5 of a tensor of 3 dimensions"},
    {"a=f[1]{1}; y=Unsqueeze(x,a)", 17, NULL, "input 1 is not a constant list"},
    {"y=Unsqueeze(,x)", 17, NULL, "input 0 is missing"},
    /* Transpose */
    {"y=Transpose(x) perm=[0,1]", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[N,2,2]; y=Transpose(x) perm=[0,-1,1]", 17, "1 2 3 4", "1 3 2 4"},
    {"w=f[1,2,2]{1,2,3,4}; t=Transpose(w); s=i[1]{4}; r=Reshape(t,s); y=Add(x,r)", 17, "0 0 0 0",
     "1 3 2 4"},
    {"w=i[2,2]{1,2,3,4}; t=Transpose(w); c=Cast(t) to=1; f=Flatten(c) axis=0; y=Add(x,f)", 17,
     "0 0 0 0", "1 3 2 4"},
    {"y=Transpose(x)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"y=Transpose(x) perm=[0]", 17, NULL, "perm has 1 axes of 2"},
    {"y=Transpose(x) perm=[0,0]", 17, NULL, "axis 0 is named twice"},
    {"y=Transpose(x) perm=[0,2]", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=Transpose(,x)", 17, NULL, "input 0 is missing"},
    /* Expand */
    {"s=i[2]{1,4}; y=Expand(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[1]{4}; y=Expand(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"x:f[N,1]; s=i[2]{1,3}; y=Expand(x,s)", 17, "7", "7 7 7"},
    {"x:f[2,1]; s=i[2]{2,3}; y=Expand(x,s)", 17, "7", "7 7 7"},
    {"x:f[N,1]; s=Shape(x); y=Expand(x,s)", 17, "7", "7"},
    {"w=f[4]{1,2,3,4}; s=i[2]{1,1}; e=Expand(w,s); y=Add(x,e)", 17, "0 0 0 0", "1 2 3 4"},
    {"w=f[1]{2}; s=i[2]{1,4}; e=Expand(w,s); y=Add(x,e)", 17, "0 0 0 1", "2 2 2 3"},
    {"w=f[1]{2}; s=Shape(x) end=1; e=Expand(w,s); y=Add(x,e)", 17, NULL,
     "it combines numbers " BATCH},
    {"s=i[3]{1,1,4}; y=Expand(x,s)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"s=i[3]{2,1,4}; e=Expand(x,s); t=Transpose(e) perm=[1,0,2]; y=Flatten(t)", 17, "1 2 3 4",
     "1 2 3 4 1 2 3 4"},
    /* axes before the batch's */
    {"u=Unsqueeze(x) axes=[0]; v=Unsqueeze(x) axes=[0]; c=Concat(u,v) axis=0; "
     "y=ReduceMean(c) axes=[0] keepdims=0",
     11, "1 2 3 4 5 6 7 8", "1 2 3 4 5 6 7 8"},
    {"u=Unsqueeze(x) axes=[0]; n=Neg(u); c=Concat(u,n) axis=0; y=ReduceMax(c) axes=[0] keepdims=0",
     11, "1 -2 3 -4", "1 2 3 4"},
    {"u=Unsqueeze(x) axes=[0]; y=Squeeze(u) axes=[0]", 11, "1 2 3 4", "1 2 3 4"},
    /* rows of several tensors behind each other, as QDA and attention have them */
    {"x:f[N,2]; n=Neg(x); c=Concat(x,n) axis=0; s=i[3]{2,-1,2}; r=Reshape(c,s); "
     "t=Transpose(r) perm=[1,0,2]; y=Flatten(t)",
     17, "1 2 3 4", "1 2 -1 -2 3 4 -3 -4"},
    {"x:f[N,2,1]; t=Transpose(x) perm=[1,0,2]; s=i[2]{-1,1}; r=Reshape(t,s); m=Mul(r,r); "
     "b=Shape(x) end=1; k=i[1]{2}; d=Concat(k,b) axis=0; q=Reshape(m,d); y=Transpose(q)",
     17, "1 2 3 4", "1 4 9 16"},
    {"x:f[N,2]; c=Concat(x,x) axis=0; y=Add(c,x)", 17, NULL, "it combines numbers " BATCH},
    {"x:f[N,2]; k=f[1,2]{1,2}; y=Concat(x,k) axis=0", 17, NULL, "it puts tensors together " BATCH},
    {"x:f[N,2]; c=Concat(x,x) axis=0; s=i[2]{-1,4}; y=Reshape(c,s)", 17, NULL,
     "it reshapes " BATCH},
    /* a constant spread over a batch that is not the first axis */
    {"k=f[2,1,1]{5,6}; b=Shape(x); z=i[1]{2}; d=Concat(z,b) axis=0; o=ConstantOfShape(q) "
     "value=i[1]{1}; "
     "q=Shape(d); m=i{-1}; n=Mul(o,m); e=Equal(d,n); w=Where(e,o,d); g=Expand(k,w); "
     "y=ReduceSum(h) axes=[0] keepdims=0; h=Mul(g,x)",
     11, "1 2 3 4", "11 22 33 44"},
    {"u=Unsqueeze(x) axes=[0]; y=Squeeze(u) axes=[1]", 11, NULL, "it squeezes " BATCH},
    {"u=Unsqueeze(x) axes=[0]; y=ReduceMean(u) axes=[1]", 11, NULL, "it reduces " BATCH},
    {"u=Unsqueeze(x) axes=[0]; f=Flatten(u); y=Flatten(f) axis=0", 11, NULL, "axis 1 of output"},
    {"u=Unsqueeze(x) axes=[0]; y=Flatten(u) axis=2", 11, "1 2 3 4", "1 2 3 4"},
    {"t=Transpose(x); y=Flatten(t) axis=2", 11, NULL, "it flattens " BATCH},
    {"u=Unsqueeze(x) axes=[0]; s=i[2]{-1,4}; y=Reshape(u,s)", 11, "1 2 3 4", "1 2 3 4"},
    {"u=Unsqueeze(x) axes=[0]; s=i[2]{1,4}; y=Reshape(u,s)", 11, NULL, "it reshapes " BATCH},
    {"t=Transpose(x); s=i[3]{2,2,-1}; r=Reshape(t,s); a=ReduceSum(r) axes=[1] keepdims=0; "
     "y=Transpose(a)",
     11, "1 2 3 4", "3 7"},
    {"t=Transpose(x); s=i[3]{2,1,-1}; y=Reshape(t,s)", 11, NULL,
     "the batch is axis 2 of output 'y', behind"},
    {"t=Transpose(x); b=Shape(x); z=i[1]{0}; n=Gather(b,z); m=i[1]{-1}; s=Concat(m,n) axis=0; "
     "r=Reshape(t,s); y=Transpose(r)",
     11, "1 2 3 4", "1 2 3 4"},
    {"t=Transpose(x); b=Shape(x); z=i[1]{0}; n=Gather(b,z); m=i[1]{-1}; s=Concat(n,m) axis=0; "
     "y=Reshape(t,s)",
     11, NULL, "it reshapes " BATCH},
    {"u=Unsqueeze(x) axes=[0]; g=i[1]{0}; y=Gather(u,g) axis=1", 11, NULL, "it takes parts " BATCH},
    {"u=Unsqueeze(x) axes=[0]; g=i{0}; y=Gather(u,g) axis=0", 11, "1 2 3 4", "1 2 3 4"},
    {"u=Unsqueeze(x) axes=[0]; y=Add(u,x)", 11, NULL, "the batch is axis 1 of output 'y'"},
    {"t=Transpose(x); y=Add(t,x)", 11, NULL, "it combines numbers " BATCH},
    {"t=Transpose(x); c=f[4,1]{1,2,3,4}; p=Mul(t,c); y=Transpose(p)", 11, "1 1 1 2", "1 2 3 8"},
    {"t=Transpose(x); p=Softmax(t) axis=0; y=Transpose(p)", 13, "0 0 0 0", ".25 .25 .25 .25"},
    {"t=Transpose(x); p=Softmax(t) axis=1; y=Transpose(p)", 13, NULL, "it reduces " BATCH},
    {"s=i[2]{1,0}; y=Expand(x,s)", 17, NULL, "dimension 1 cannot become 0"},
    {"s=i[2]{1,3}; y=Expand(x,s)", 17, NULL, "dimension 1 cannot become 3"},
    {"s=i[2]{5,4}; y=Expand(x,s)", 17, NULL, "dimension 0 cannot become 5"},
    {"s=i[9]{1,1,1,1,1,1,1,1,1}; y=Expand(x,s)", 17, NULL, "its shape is missing, or too long"},
    {"y=Expand(x)", 17, NULL, "its shape is missing, or too long"},
    {"y=Expand(x,x)", 17, NULL, "input 1 is not a constant list"},
    {"y=Expand(,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(constants_are_what_they_say)
{
    onnx_check_all(constants, sizeof constants / sizeof *constants);
}
END_TEST

START_TEST(shapes_and_types_are_known_while_loading)
{
    onnx_check_all(shapes, sizeof shapes / sizeof *shapes);
}
END_TEST

START_TEST(a_reshape_leaves_the_batch_alone)
{
    onnx_check_all(reshapes, sizeof reshapes / sizeof *reshapes);
}
END_TEST

START_TEST(axes_come_go_and_change_places)
{
    onnx_check_all(axes, sizeof axes / sizeof *axes);
}
END_TEST

RUN_SUITE("onnx_op_shape", constants_are_what_they_say, shapes_and_types_are_known_while_loading,
          a_reshape_leaves_the_batch_alone, axes_come_go_and_change_places)
