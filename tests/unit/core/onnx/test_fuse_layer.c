/* Layers that exporters write in several operations, made into the one step they are; and what looks alike and must not. */
#include "tests/unit/onnx_case.h"

#define MEAN "m=ReduceMean(x) axes=[1]; "
#define ROOT "e=f{0.25}; a=Add(v,e); r=Sqrt(a); y=Div(d,r)"

/* (x - mean) / sqrt(variance + 1/4) is a normalisation; what differs somewhere is not. */
static const struct {
    struct onnx_case net;
    bool is_normalization;
} normalizations[] = {
    {{MEAN "d=Sub(x,m); t=f{2}; q=Pow(d,t); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-1.03279556 -0.516397779 0 1.54919334"},
     true},
    {{MEAN "d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-1.03279556 -0.516397779 0 1.54919334"},
     true},
    {{"x:f[N,2,2]; m=ReduceMean(x) axes=[2]; d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) "
      "axes=[2]; " ROOT,
      11, "1 2 3 6", "-0.707106781 0.707106781 -0.948683298 0.948683298"},
     true},
    {{MEAN "d=Sub(x,m); q=Mul(d,x); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-1.03279556 -0.516397779 0 1.54919334"},
     false},
    {{MEAN "d=Sub(x,m); q=Abs(d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-1.51185789 -0.755928946 0 2.26778684"},
     false},
    {{MEAN "d=Sub(x,m); t=f{3}; q=Pow(d,t); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-0.917662935 -0.458831468 0 1.3764944"},
     false},
    {{MEAN "d=Sub(x,m); t=f[4]{2,2,2,4}; q=Pow(d,t); v=ReduceMean(q) axes=[1]; " ROOT, 11,
      "1 2 3 6", "-0.428845014 -0.214422507 0 0.643267521"},
     false},
    {{MEAN "d=Sub(x,m); q=Mul(d,d); v=ReduceSum(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-0.529812943 -0.264906471 0 0.794719414"},
     false},
    {{MEAN "d=Add(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "0.634441269 0.793051586 0.951661903 1.42749285"},
     false},
    {{"m=f{2}; d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-0.458831468 0 0.458831468 1.83532587"},
     false},
    {{"m=f{2}; d=Sub(m,x); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "0.458831468 0 -0.458831468 -1.83532587"},
     false},
    {{"m=ReduceMax(x) axes=[1]; d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11,
      "1 2 3 6", "-1.40028008 -1.12022407 -0.84016805 0"},
     false},
    {{"m=Tanh(x); d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "0.0854314614 0.371235186 0.718461425 1.79172771"},
     false},
    {{MEAN "d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; e=f{0.25}; a=Add(e,v); r=Sqrt(a); "
           "y=Div(d,r)",
      11, "1 2 3 6", "-1.03279556 -0.516397779 0 1.54919334"},
     false},
    {{MEAN "d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; e=f[4]{1,1,1,4}; a=Add(v,e); "
           "r=Sqrt(a); y=Div(d,r)",
      11, "1 2 3 6", "-0.942809042 -0.471404521 0 1.09544512"},
     false},
    {{MEAN "d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) axes=[1]; e=f{0.25}; r=Add(v,e); y=Div(d,r)",
      11, "1 2 3 6", "-0.533333333 -0.266666667 0 0.8"},
     false},
    {{"x:f[N,2,2]; m=ReduceMean(x) axes=[1,2]; d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) "
      "axes=[2]; " ROOT,
      11, "1 2 3 6", "-1.20604538 -0.603022689 0 1.3764944"},
     false},
    {{"x:f[N,2,2]; m=ReduceMean(x) axes=[1]; d=Sub(x,m); q=Mul(d,d); v=ReduceMean(q) "
      "axes=[1]; " ROOT,
      11, "1 2 3 6", "-0.894427191 -0.9701425 0.894427191 0.9701425"},
     false},
    {{"m=ReduceMean(x) axes=[1]; g=Relu(x); d=Sub(g,m); q=Mul(d,d); v=ReduceMean(q) "
      "axes=[1]; " ROOT,
      11, "1 2 3 6", "-1.03279556 -0.516397779 0 1.54919334"},
     false},
    {{"r=Relu(x); y=Div(r,x)", 11, "1 2 3 6", "1 1 1 1"}, false},
    {{"i=i[3]{0,1,2}; g=Gather(x,i) axis=1; d=Relu(g); y=Div(d,g)", 11, "1 2 3 6", "1 1 1"}, false},
    {{"x:f[N,1]; w=f[1,4]{1,2,3,4}; d=Mul(x,w); e=f{0.25}; a=Add(x,e); r=Sqrt(a); y=Div(d,r)", 11,
      "2", "1.33333333 2.66666667 4 5.33333333"},
     false},
    {{"x:f[N,1]; w=f[1,4]{1,2,3,4}; d=Mul(x,w); v=Relu(x); e=f{0.25}; a=Add(v,e); r=Sqrt(a); "
      "y=Div(d,r)",
      11, "2", "1.33333333 2.66666667 4 5.33333333"},
     false},
    {{MEAN "d=Sub(x,m); v=ReduceMean(x) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-1.10940039 -0.554700196 0 1.66410059"},
     false},
    {{MEAN "d=Sub(x,m); q=Relu(d); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6", "-2 -1 0 3"},
     false},
    {{MEAN "d=Sub(x,m); q=Mul(x,x); v=ReduceMean(q) axes=[1]; " ROOT, 11, "1 2 3 6",
      "-0.560112034 -0.280056017 0 0.84016805"},
     false},
};

START_TEST(a_normalisation_is_known_or_left_alone)
{
    for (size_t i = 0; i < sizeof normalizations / sizeof *normalizations; i++) {
        struct buffer bytes = onnx_of(normalizations[i].net.net, normalizations[i].net.opset);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        free(bytes.at);
        ck_assert_msg(model != NULL, "%s: %s", normalizations[i].net.net, error.text);
        const struct relud_model_info *info = relud_model_info(model);
        bool is_one = info->steps == 1 && strstr(info->step[0], "layer_norm");
        ck_assert_msg(is_one == normalizations[i].is_normalization, "%s: %zu steps, the last %s",
                      normalizations[i].net.net, info->steps, info->step[info->steps - 1]);
        onnx_check_answer(&normalizations[i].net, model);
        relud_model_release(model);
    }
}
END_TEST

#define W "w=f[4,2]{1,0,0,1,1,0,0,1}; p=MatMul(x,w); "

/* x·W + b, where b is one number for each output, is a layer with a bias. */
static const struct {
    struct onnx_case net;
    bool is_layer;
} biases[] = {
    {{W "b=f[2]{1,2}; y=Add(p,b)", 17, "1 2 3 4", "5 8"}, true},
    {{W "b=f[1,2]{1,2}; y=Add(b,p)", 17, "1 2 3 4", "5 8"}, true},
    {{W "b=f{1}; y=Add(p,b)", 17, "1 2 3 4", "5 7"}, true},
    {{"x:f[N,2,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); b=f[2]{1,2}; y=Add(p,b)", 17, "1 2 3 4",
      "2 4 4 6"},
     true},
    {{"x:f[N,2,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); b=f[2,2]{1,2,1,2}; y=Add(p,b)", 17, "1 2 3 4",
      "2 4 4 6"},
     true},
    {{"x:f[N,2,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); b=f[2,1]{1,2}; y=Add(p,b)", 17, "1 2 3 4",
      "2 3 5 6"},
     false},
    {{"x:f[N,2,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); b=f[2,2]{0,2,-0.0,2}; y=Add(p,b)", 17,
      "1 2 3 4", "1 4 3 6"},
     false},
    {{W "b=f[2]{1,2}; q=Add(p,b); y=Add(q,b)", 17, "1 2 3 4", "6 10"}, false},
    {{W "y=Add(p,p)", 17, "1 2 3 4", "8 12"}, false},
    {{"x:f[N,1,2]; w=f[2,2]{1,0,0,1}; p=MatMul(x,w); b=f[2,2]{1,2,3,4}; y=Add(p,b)", 17, "1 2",
      "2 4 4 6"},
     false},
};

START_TEST(a_bias_goes_into_its_layer)
{
    for (size_t i = 0; i < sizeof biases / sizeof *biases; i++) {
        struct buffer bytes = onnx_of(biases[i].net.net, biases[i].net.opset);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        free(bytes.at);
        ck_assert_msg(model != NULL, "%s: %s", biases[i].net.net, error.text);
        bool is_layer =
            relud_model_info(model)->steps == 1 && relud_model_layer(model, 0)->has_bias;
        ck_assert_msg(is_layer == biases[i].is_layer, "%s", biases[i].net.net);
        onnx_check_answer(&biases[i].net, model);
        relud_model_release(model);
    }
}
END_TEST

RUN_SUITE("onnx_fuse_layer", a_normalisation_is_known_or_left_alone, a_bias_goes_into_its_layer)
