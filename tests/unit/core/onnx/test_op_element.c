/* Operations that work number by number. */
#include "tests/unit/onnx_case.h"

#define BATCH   "along the batch: rows would depend on each other"
#define UNKNOWN "it makes a shape in a way that is not known"

/* Values from the C library, in double. */
static const struct onnx_case functions[] = {
    {"y=Sin(x)", 17, "0 1 -2 1e8", "0 0.841470985 -0.909297427 0.931639027"},
    {"y=Cos(x)", 17, "0 1 -2 1e8", "1 0.540302306 -0.416146837 -0.363385089"},
    {"y=Tan(x)", 17, "0 1 -2 inf", "0 1.55740772 2.18503986 nan"},
    {"y=Asin(x)", 17, "0 1 -0.5 2", "0 1.57079633 -0.523598776 nan"},
    {"y=Acos(x)", 17, "0 1 -1 -2", "1.57079633 0 3.14159265 nan"},
    {"y=Atan(x)", 17, "0 1 -3 inf", "0 0.785398163 -1.24904577 1.57079633"},
    {"y=Sinh(x)", 17, "0 1 -2 100", "0 1.17520119 -3.62686041 inf"},
    {"y=Cosh(x)", 17, "0 1 -2 100", "1 1.54308063 3.76219569 inf"},
    {"y=Asinh(x)", 17, "0 1 -2 -inf", "0 0.881373587 -1.44363548 -inf"},
    {"y=Acosh(x)", 17, "1 2 0.5 inf", "0 1.3169579 nan inf"},
    {"y=Atanh(x)", 17, "0 0.5 -1 2", "0 0.549306144 -inf nan"},
    {"y=IsNaN(x)", 17, "0 nan inf -1", "0 1 0 0"},
    {"y=IsInf(x)", 17, "inf nan -inf -1", "1 0 1 0"},
    {"y=IsInf(x) detect_negative=0", 17, "inf nan -inf -1", "1 0 0 0"},
    {"y=IsInf(x) detect_positive=0", 17, "inf nan -inf -1", "0 0 1 0"},
    {"y=IsInf(x) detect_positive=0 detect_negative=0", 17, "inf nan -inf -1", "0 0 0 0"},
    {"c=f[4]{2,2,2,0.75}; y=Mod(x,c) fmod=1", 17, "3.5 -3.5 4 -1", "1.5 -1.5 0 -0.25"},
    {"y=Mod(x,x) fmod=1", 17, "1 0 inf nan", "0 nan nan nan"},
    {"x:i[N,4]; c=i[4]{3,-3,3,-3}; y=Mod(x,c)", 17, "4 4 -4 -4", "1 -2 2 -1"},
    {"x:i[N,4]; c=i{3}; y=Mod(x,c) fmod=1", 17, "4 -4 3 -3", "1 -1 0 0"},
    {"i=Cast(x) to=7; c=i{2}; y=Mod(i,c)", 17, "1 2.5 -3 4", "1 0 1 0"},
    {"c=i{2}; y=Mod(x,c)", 17, NULL, "fmod is 0, which ONNX allows for whole numbers only"},
    {"x:i[N,4]; c=f{2}; y=Mod(x,c)", 17, NULL, "fmod is 0, which ONNX allows for whole numbers"},
    {"y=Mod(x,x) fmod=1.0", 17, NULL, "attribute 'fmod' is not of the type"},
    {"y=Mod(x)", 17, NULL, "input 1 is missing"},
    {"y=IsInf(,x)", 17, NULL, "input 0 is missing"},
    {"y=IsInf(x) detect_negative=1.0", 17, NULL, "attribute 'detect_negative' is not"},
    {"y=IsInf(x) detect_positive=1.0", 17, NULL, "attribute 'detect_positive' is not"},
    {"x:i[N,4]; c=i{1}; y=BitShift(x,c) direction='LEFT'", 17, NULL, "no such operation"},
};

static const struct onnx_case arithmetic[] = {
    {"y=Neg(x)", 17, "1 -2 0 3", "-1 2 0 -3"},
    {"y=Abs(x)", 17, "1 -2 0 3", "1 2 0 3"},
    {"y=Sqrt(x)", 17, "1 4 9 -1", "1 2 3 nan"},
    {"y=Reciprocal(x)", 17, "1 2 -4 0", "1 0.5 -0.25 inf"},
    {"y=Exp(x)", 17, "0 1 -1 100", "1 2.71828183 0.36787944 inf"},
    {"y=Log(x)", 17, "1 2 0 -1", "0 0.69314718 -inf nan"},
    {"y=Erf(x)", 17, "0 1 -1 5", "0 0.84270079 -0.84270079 1"},
    {"y=Erfc(x)", 17, "0 1 -1 5", "1 0.15729921 1.84270079 0"},
    {"y=Floor(x)", 17, "1.5 -1.5 2 0", "1 -2 2 0"},
    {"y=Ceil(x)", 17, "1.5 -1.5 2 0", "2 -1 2 0"},
    {"y=Round(x)", 17, "0.5 1.5 -2.5 2.6", "0 2 -2 3"},
    {"y=Sign(x)", 17, "1.5 -1.5 2 0", "1 -1 1 0"},
    {"y=Not(x)", 17, "0 1 2 0", "1 0 0 1"},
    {"c=f[4]{2,2,0,2}; y=Add(x,c)", 17, "1 2 3 4", "3 4 3 6"},
    {"c=f{2}; y=Sub(c,x)", 17, "1 2 3 4", "1 0 -1 -2"},
    {"c=f[4]{2,2,1,2}; y=Div(x,c)", 17, "1 2 3 4", "0.5 1 3 2"},
    {"c=f[4]{0,2,3,0.5}; y=Pow(x,c)", 17, "1 2 3 4", "1 4 27 2"},
    {"c=f{2}; y=Less(x,c)", 17, "1 2 3 4", "1 0 0 0"},
    {"c=f{2}; y=LessOrEqual(x,c)", 17, "1 2 3 4", "1 1 0 0"},
    {"c=f{2}; y=Greater(x,c)", 17, "1 2 3 4", "0 0 1 1"},
    {"c=f{2}; y=GreaterOrEqual(x,c)", 17, "1 2 3 4", "0 1 1 1"},
    {"c=f{2}; y=Equal(x,c)", 17, "1 2 3 4", "0 1 0 0"},
    {"c=b[4]{1,0,1,0}; y=And(x,c)", 17, "1 1 0 0", "1 0 0 0"},
    {"c=b[4]{1,0,1,0}; y=Or(x,c)", 17, "1 1 0 0", "1 1 1 0"},
    {"c=b[4]{1,0,1,0}; y=Xor(x,c)", 17, "1 1 0 0", "0 1 1 0"},
    {"c=f[4]{2,2,0,2}; y=Sum(x,c,c)", 17, "1 2 3 4", "5 6 3 8"},
    {"y=Sum(x)", 17, "1 2 3 4", "1 2 3 4"},
    {"c=f{4}; y=Mean(x,c)", 17, "1 2 3 4", "2.5 3 3.5 4"},
    {"c=f{2}; y=Min(x,c)", 17, "1 2 3 4", "1 2 2 2"},
    {"c=f{2}; y=Max(x,c)", 17, "1 2 3 4", "2 2 3 4"},
    {"c=f[4]{1,2,3,4}; z=f{0}; g=Greater(x,z); y=Where(g,x,c)", 17, "5 -5 5 0", "5 2 5 4"},
    {"x:i[N,4]; c=i{2}; y=Div(x,c)", 17, "1 -3 4 5", "0 -1 2 2"},
    {"x:i[N,4]; c=i{2}; y=Pow(x,c)", 17, "1 -3 4 5", "1 9 16 25"},
    /* NaN where it is not chosen */
    {"n=f{nan}; z=f{0}; g=Greater(x,z); y=Where(g,x,n)", 17, "1 2 3 4 1 -2 3 4",
     "1 2 3 4 1 nan 3 4"},
    {"n=f{nan}; g=b{0}; y=Where(g,n,x)", 17, "1 2 3 4", "1 2 3 4"},
    {"n=f{nan}; g=b[1]{1}; y=Where(g,x,n)", 17, "1 2 3 4", "1 2 3 4"},
    {"n=Constant() value_float=nan; g=b[4]{1,1,1,1}; y=Where(g,x,n)", 17, "1 2 3 4", "1 2 3 4"},
    {"s=i[1]{4}; n=ConstantOfShape(s) value=f[1]{nan}; z=f{0}; g=Greater(x,z); y=Where(g,x,n)", 17,
     "1 2 3 4", "1 2 3 4"},
    {"n=f{nan}; o=f{2}; g=b{1}; c=Where(g,o,n); y=Mul(x,c)", 17, "1 2 3 4", "2 4 6 8"},
    {"n=f{nan}; o=f{2}; g=b[4]{1,0,1,1}; c=Where(g,o,n); y=Mul(x,c)", 17, NULL,
     "an input: element 1 is NaN"},
    {"n=f{nan}; g=b{0}; y=Where(g,x,n)", 17, NULL, "the net answers a row of ones with NaN"},
    {"n=f{nan}; y=Max(x,n)", 17, NULL, "an input: element 0 is NaN"},
    {"n=f{nan}; y=Equal(x,n)", 17, NULL, "an input: element 0 is NaN"},
    {"n=f{nan}; m=Neg(n); y=Add(x,m)", 17, NULL, "its constants make NaN"},
    {"x:f[N,1]; w=f[1,1]{nan}; y=MatMul(x,w)", 17, NULL, "its matrix is not finite"},
    {"y=Neg(,x)", 17, NULL, "input 0 is missing"},
    {"y=Mul(x)", 17, NULL, "input 1 is missing"},
    {"y=Mul(,x)", 17, NULL, "input 0 is missing"},
    {"y=Sum(,x)", 17, NULL, "input 0 is missing"},
    {"y=Sum(x,,x)", 17, NULL, "input 1 is missing"},
    {"y=Erfc(,x)", 17, NULL, "input 0 is missing"},
    {"y=Where(,x,x)", 17, NULL, "input 0 is missing"},
    {"y=Where(x,,x)", 17, NULL, "input 1 is missing"},
    {"y=Where(x,x)", 17, NULL, "input 2 is missing"},
    {"c=f[3]{1,2,3}; y=Sum(x,c)", 17, NULL, "dimensions of 4 and 3 do not go together"},
    {"c=f[2,4]{1,2,3,4,5,6,7,8}; y=Mul(x,c)", 17, NULL, "it combines numbers " BATCH},
    {"c=f[1,1,4]{1,2,3,4}; y=Mul(x,c)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"a=f{1}; b=f{0}; c=Div(b,b); y=Add(x,c)", 17, NULL, "its constants make NaN"},
    {"a=f[1,1,1,1,1,1,1,1]{1}; y=Add(a,x)", 17, NULL, "the batch is axis 6 of output 'y'"},
};

/* Whole numbers among themselves: sizes in the making. */
static const struct onnx_case sizes[] = {
    {"s=Shape(x) start=1; t=i[1]{2}; h=Div(s,t); y=Mul(x,h)", 17, "1 2 3 4", "2 4 6 8"},
    {"s=i[4]{1,2,3,4}; t=i[1]{2}; h=Add(t,s); y=Mul(x,h)", 17, "1 1 1 1", "3 4 5 6"},
    {"s=i[4]{1,2,3,4}; t=i[4]{1,1,1,2}; h=Sub(s,t); y=Mul(x,h)", 17, "1 1 1 1", "0 1 2 2"},
    {"a=i[1]{2}; b=i[1]{3}; c=Pow(a,b); y=Mul(x,c)", 17, "1 2 3 4", "8 16 24 32"},
    {"a=i[1]{2}; b=f[1]{3}; c=Mul(a,b); y=Mul(x,c)", 17, "1 2 3 4", "6 12 18 24"},
    {"b=Shape(x) end=1; t=i[1]{2}; m=Mul(b,t); s=Concat(m,t) axis=0; y=Reshape(x,s)", 17, "1 2 3 4",
     "1 2 3 4"},
    {"b=Shape(x) end=1; t=i[1]{2}; m=Mul(t,b); d=Div(m,t); f=i[1]{4}; s=Concat(d,f) axis=0; "
     "y=Reshape(x,s)",
     17, "1 2 3 4", "1 2 3 4"},
    {"b=Shape(x); t=i{1}; s=Mul(b,t); y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"b=Shape(x); t=i{1}; s=Mul(t,b); y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"b=Shape(x); t=i[2]{2,1}; m=Mul(b,t); s=Div(m,t); y=Reshape(x,s)", 17, "1 2 3 4", "1 2 3 4"},
    {"b=Shape(x) end=1; m=Add(b,b); t=i[1]{2}; s=Concat(m,t) axis=0; y=Reshape(x,s)", 17, "1 2 3 4",
     "1 2 3 4"},
    {"a=i[2]{1,2}; b=i[3]{1,2,3}; c=Add(a,b); y=Mul(x,c)", 17, NULL,
     "dimensions of 2 and 3 do not go together"},
    {"b=Shape(x) end=1; m=Mul(b,b); y=Mul(x,m)", 17, NULL, UNKNOWN},
    {"b=Shape(x) end=1; t=i[1]{2}; m=Div(b,t); y=Mul(x,m)", 17, NULL, UNKNOWN},
    {"b=Shape(x) end=1; t=i[1]{0}; m=Div(b,t); y=Mul(x,m)", 17, NULL, UNKNOWN},
    {"b=Shape(x) end=1; t=i[1]{2}; m=Div(t,b); y=Mul(x,m)", 17, NULL, UNKNOWN},
    {"b=Shape(x) end=1; t=i[1]{2}; m=Add(b,t); y=Mul(x,m)", 17, NULL, UNKNOWN},
    {"a=i[1]{2}; b=i[1]{0}; c=Div(a,b); y=Mul(x,c)", 17, NULL, UNKNOWN},
    {"a=i[1]{2}; b=i[1]{-1}; c=Div(a,b); y=Mul(x,c)", 17, NULL, UNKNOWN},
    {"a=i[1]{2000000000}; b=i[1]{1}; c=Add(a,b); y=Mul(x,c)", 17, NULL, UNKNOWN},
    {"a=i[1]{1}; b=i[1]{-2000000000}; c=Mul(a,b); y=Mul(x,c)", 17, NULL, UNKNOWN},
};

static const struct onnx_case activations[] = {
    {"y=Relu(x)", 17, "1 -2 0 3", "1 0 0 3"},
    {"y=LeakyRelu(x)", 17, "1 -2 0 3", "1 -0.02 0 3"},
    {"y=LeakyRelu(x) alpha=0.5", 17, "1 -2 0 3", "1 -1 0 3"},
    {"y=ThresholdedRelu(x)", 17, "1 -2 0 3", "0 0 0 3"},
    {"y=Swish(x) alpha=2.0", 24, "0 0 0 1", "0 0 0 0.88079708"},
    {"c=f[4]{1,-2,0,3}; r=Relu(c); y=Add(x,r)", 17, "1 1 1 1", "2 1 1 4"},
    {"y=LeakyRelu(x) alpha=1", 17, NULL, "attribute 'alpha' is not of the type"},
    {"y=Relu(,x)", 17, NULL, "input 0 is missing"},
    {"y=Selu(x)", 17, "1 -1 0 2", "1.05070102 -1.11133075 0 2.10140204"},
    {"y=Selu(x) alpha=1.0 gamma=2.0", 17, "1 -1 0 2", "2 -1.26424110 0 4"},
    {"y=Selu(x) gamma=2.0", 17, "1 0 0 2", "2 0 0 4"},
    {"y=Selu(x) alpha=1", 17, NULL, "attribute 'alpha' is not of the type"},
    {"y=Selu(x) gamma=1", 17, NULL, "attribute 'gamma' is not of the type"},
    {"y=Selu(,x)", 17, NULL, "input 0 is missing"},
    {"y=HardSigmoid(x)", 17, "1 -1 10 -10", "0.7 0.3 1 0"},
    {"y=HardSigmoid(x) alpha=0.16666667", 17, "1.5 -1.5 3 -3", "0.75 0.25 1 0"},
    {"y=HardSigmoid(x) alpha=0.16666667 beta=0.0", 17, "3 -1 12 0", "0.5 0 1 0"},
    {"y=HardSigmoid(x) alpha=1", 17, NULL, "attribute 'alpha' is not of the type"},
    {"y=HardSigmoid(x) beta=1", 17, NULL, "attribute 'beta' is not of the type"},
    {"y=HardSigmoid(,x)", 17, NULL, "input 0 is missing"},
    {"y=Gelu(x)", 20, "1 -1 0 9", "0.84134475 -0.15865525 0 9"},
    {"y=Gelu(x) approximate='tanh'", 20, "1 -1 0 9", "0.84119199 -0.15880801 0 9"},
    {"y=Gelu(x) approximate='fast'", 20, NULL, "approximate is neither none nor tanh"},
    {"y=Gelu(x) approximate=1", 20, NULL, "attribute 'approximate' is not of the type"},
    {"y=Gelu(,x)", 20, NULL, "input 0 is missing"},
    {"y=Shrink(x)", 17, "1 -1 0.25 -0.25", "1 -1 0 0"},
    {"y=Shrink(x) bias=0.5", 17, "1 -1 0.25 -0.25", "0.5 -0.5 0 0"},
    {"y=Shrink(x) lambd=2.0", 17, "1 -1 3 -3", "0 0 3 -3"},
    {"y=Shrink(x) bias=0.25", 17, NULL, "bias 0.25 is neither 0 nor lambd"},
    {"y=Shrink(x) bias=1", 17, NULL, "attribute 'bias' is not of the type"},
    {"y=Shrink(x) lambd=1", 17, NULL, "attribute 'lambd' is not of the type"},
    {"y=Shrink(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case slopes_and_bounds[] = {
    {"s=f{0.5}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -1 0 -2"},
    {"s=f[4]{1,0.5,1,0.25}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -1 0 -1"},
    {"s=f[1,4]{1,0.5,1,0.25}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -1 0 -1"},
    {"s=i[1]{2}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -4 0 -8"},
    {"y=PRelu(x,x)", 17, "1 -2 0 -4", "1 4 0 16"},
    {"x:f[N,2,2]; s=f[2,1]{0.5,2}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -1 0 -8"},
    {"x:f[N,2,2]; s=f[2]{0.5,2}; y=PRelu(x,s)", 17, "-1 -2 0 -4", "-0.5 -4 0 -8"},
    {"x:f[4]; s=f{0.5}; y=PRelu(x,s)", 17, "1 -2 0 -4", "1 -1 0 -2"},
    {"x:f[N,1]; s=f[1]{0.5}; y=PRelu(x,s)", 17, "-2", "-1"},
    {"c=f{-3}; s=f{0.5}; p=PRelu(c,s); y=Add(x,p)", 17, "1 2 3 4", "-0.5 0.5 1.5 2.5"},
    {"c=f{-3}; s=f[4]{1,0.5,1,2}; p=PRelu(c,s); y=Add(x,p)", 17, "0 0 0 0", "-3 -1.5 -3 -6"},
    {"c=f[4]{-1,-2,0,4}; s=f[1,4]{1,0.5,1,2}; p=PRelu(c,s); y=Add(x,p)", 17, "0 0 0 0",
     "-1 -1 0 4"},
    {"s=f[1,1,4]{1,2,3,4}; y=PRelu(x,s)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"s=f[4,1]{1,2,3,4}; y=PRelu(x,s)", 17, NULL, "it combines numbers " BATCH},
    {"s=f[1,1,1]{0.5}; y=PRelu(x,s)", 17, NULL, "the batch is axis 1 of output 'y'"},
    {"s=Shape(x) end=1; y=PRelu(x,s)", 17, NULL, "the slope is not constant"},
    {"y=PRelu(x)", 17, NULL, "input 1 is missing"},
    {"y=PRelu(,x)", 17, NULL, "input 0 is missing"},
    {"y=Clip(x) min=0.0", 10, "1 -2 0 9", "1 0 0 9"},
    {"y=Clip(x) min=0.0 max=6.0", 10, "1 -2 0 9", "1 0 0 6"},
    {"y=Clip(x) min=-1.0 max=1.0", 10, "1 -2 0 9", "1 -1 0 1"},
    {"y=Clip(x) min=-1.0", 10, "1 -2 0 9", "1 -1 0 9"},
    {"y=Clip(x) max=1.0", 10, "1 -2 0 9", "1 -2 0 1"},
    {"y=Clip(x)", 10, "1 -2 0 9", "1 -2 0 9"},
    {"y=Clip(x) min=1.0 max=-1.0", 10, "1 -2 0 9", "-1 -1 -1 -1"},
    {"y=Clip(x) min=inf", 10, NULL, "min is inf"},
    {"y=Clip(x) max=-inf", 10, NULL, "max is -inf"},
    {"a=f{inf}; y=Clip(x,a)", 17, NULL, "min is inf"},
    {"y=Clip(x) min=0", 10, NULL, "attribute 'min' is not of the type"},
    {"y=Clip(x) max=0", 10, NULL, "attribute 'max' is not of the type"},
    {"a=f{0}; y=Clip(x,a)", 17, "1 -2 0 9", "1 0 0 9"},
    {"a=f{0}; b=f{inf}; y=Clip(x,a,b)", 17, "1 -2 0 9", "1 0 0 9"},
    {"a=f{-inf}; b=f{2}; y=Clip(x,a,b)", 17, "1 -2 0 9", "1 -2 0 2"},
    {"a=f{-1}; b=f{inf}; y=Clip(x,a,b)", 17, "1 -2 0 9", "1 -1 0 9"},
    {"b=i{2}; y=Clip(x,,b)", 17, "1 -2 0 9", "1 -2 0 2"},
    {"a=f[2]{0,1}; y=Clip(x,a)", 17, NULL, "min is not a single number"},
    {"a=f[2]{0,1}; y=Clip(x,,a)", 17, NULL, "max is not a single number"},
    {"y=Clip(x,x)", 17, NULL, "min is not constant"},
    {"y=Clip(x,q)", 17, NULL, "it reads 'q', which nothing makes"},
    {"y=Clip(x,,q)", 17, NULL, "it reads 'q', which nothing makes"},
    {"y=Clip(,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(arithmetic_is_done)
{
    onnx_check_all(arithmetic, sizeof arithmetic / sizeof *arithmetic);
}
END_TEST

START_TEST(functions_have_their_values)
{
    onnx_check_all(functions, sizeof functions / sizeof *functions);
}
END_TEST

START_TEST(sizes_are_reckoned_while_loading)
{
    onnx_check_all(sizes, sizeof sizes / sizeof *sizes);
}
END_TEST

START_TEST(activations_have_their_parameters)
{
    onnx_check_all(activations, sizeof activations / sizeof *activations);
}
END_TEST

START_TEST(slopes_and_bounds_are_constants)
{
    onnx_check_all(slopes_and_bounds, sizeof slopes_and_bounds / sizeof *slopes_and_bounds);
}
END_TEST

/* where(IsNaN(x), constants, x), whichever way round: a missing value is imputed. */
START_TEST(isnan_tells_what_is_imputed)
{
    static const char *const nets[] = {
        "n=IsNaN(x); c=f[4]{1,2,3,4}; y=Where(n,c,x)",
        "n=IsNaN(x); m=Not(n); c=f[4]{1,2,3,4}; y=Where(m,x,c)",
        "n=IsNaN(x); c=f[4]{1,2,3,4}; w=Where(n,c,x); y=Add(w,x)",
        "n=IsNaN(x); c=f[4]{1,2,3,4}; y=Where(n,x,c)",
    };
    for (size_t i = 0; i < sizeof nets / sizeof *nets; i++) {
        struct buffer bytes = onnx_of(nets[i], 17);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        free(bytes.at);
        ck_assert_msg(model != NULL, "%s: %s", nets[i], error.text);
        ck_assert_msg((relud_has_imputed(relud_model_info(model)->feature)) == (i < 2), "%s",
                      nets[i]);
        relud_model_release(model);
    }
    onnx_check(&(struct onnx_case){nets[0], 17, "nan 7 nan nan", "1 7 3 4"});
}
END_TEST

RUN_SUITE("onnx_op_element", arithmetic_is_done, functions_have_their_values,
          isnan_tells_what_is_imputed, sizes_are_reckoned_while_loading,
          activations_have_their_parameters, slopes_and_bounds_are_constants)
