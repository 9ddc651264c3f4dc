/* Quantized weights become floats; quantized values are refused. */
#include "tests/unit/onnx_case.h"

#define FLOAT_MODEL "relud computes in float32: export the float model"

static const struct onnx_case constants[] = {
    {"q=u8[4]{0,3,128,255}; s=f{2}; z=u8{128}; w=DequantizeLinear(q,s,z); y=Add(x,w)", 17,
     "0 0 0 1", "-256 -250 0 255"},
    {"q=i8[4]{-1,3,127,-128}; s=f[1]{0.5}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, "0 0 0 0",
     "-0.5 1.5 63.5 -64"},
    {"q=i32[4]{1,-3,1000000,0}; s=f{0.1}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, "0 0 0 0",
     "0.1 -0.3 100000 0"},
    {"x:f[N,2]; q=i8[2,2]{1,2,3,4}; s=f[2]{1,10}; z=i8[2]{0,1}; w=DequantizeLinear(q,s,z); "
     "y=MatMul(x,w)",
     17, "1 1", "4 40"},
    {"x:f[N,2]; q=i8[2,2]{1,2,3,4}; s=f[2]{1,10}; w=DequantizeLinear(q,s) axis=0; y=MatMul(x,w)",
     17, "1 1", "31 42"},
    {"x:f[N,2]; q=i8[2,2]{1,2,3,4}; s=f[2]{1,10}; z=i8{1}; w=DequantizeLinear(q,s,z) axis=-2; "
     "y=Gemm(x,w) transB=1",
     17, "1 1", "1 50"},
    {"x:f[N,M]; q=i8[2,1]{1,2}; s=f{2}; w=DequantizeLinear(q,s); y=MatMul(x,w)", 17, "1 1", "6"},
    {"q=i8[4]{1,2,3,4}; s=f[3]{1,2,3}; w=DequantizeLinear(q,s) axis=0; y=Add(x,w)", 17, NULL,
     "3 scales and 0 zero points for an axis of 4"},
    {"q=i8[4]{1,2,3,4}; s=f{1}; z=i8[3]{1,2,3}; w=DequantizeLinear(q,s,z) axis=0; y=Add(x,w)", 17,
     NULL, "1 scales and 3 zero points for an axis of 4"},
    {"q=i8[4]{1,2,3,4}; s=f[4]{1,2,3,4}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "axis 1 of a tensor of 1 dimensions"},
    /* by blocks */
    {"q=i8[4]{1,2,3,4}; s=f[2]{1,10}; w=DequantizeLinear(q,s) axis=0 block_size=2; y=Add(x,w)", 21,
     "0 0 0 0", "1 2 30 40"},
    {"q=i8[4]{1,2,3,4}; s=f[2]{1,10}; z=i8[2]{0,1}; w=DequantizeLinear(q,s,z) axis=-1 "
     "block_size=3; "
     "y=Add(x,w)",
     21, "0 0 0 0", "1 2 3 30"},
    {"q=i8[2,4]{1,2,3,4,5,6,7,8}; s=f[1,4]{1,10,100,1000}; w=DequantizeLinear(q,s) axis=0 "
     "block_size=2; r=ReduceSum(w) axes=[0] keepdims=0; y=Add(x,r)",
     12, "0 0 0 0", "6 80 1000 12000"},
    {"q=i8[4]{1,2,3,4}; s=f[3]{1,1,1}; w=DequantizeLinear(q,s) axis=0 block_size=2; y=Add(x,w)", 21,
     NULL, "its scales are not one for each 2 along axis 0"},
    {"q=i8[4]{1,2,3,4}; s=f{1}; w=DequantizeLinear(q,s) axis=0 block_size=2; y=Add(x,w)", 21, NULL,
     "its scales are not one for each 2"},
    {"q=i8[4]{1,2,3,4}; s=f[2]{1,1}; z=i8[1]{0}; w=DequantizeLinear(q,s,z) axis=0 block_size=2; "
     "y=Add(x,w)",
     21, NULL, "its scales are not one for each 2"},
    {"q=i8[4]{1,2,3,4}; s=f[2]{1,1}; w=DequantizeLinear(q,s) axis=1 block_size=2; y=Add(x,w)", 21,
     NULL, "axis 1 of a tensor of 1 dimensions"},
    {"q=i8[4]{1,2,3,4}; s=f[2]{1,1}; w=DequantizeLinear(q,s) axis=0 block_size=-1; y=Add(x,w)", 21,
     NULL, "its scales are not one for each -1"},
    {"q=i[4]{1,2,3,5000000000}; s=f{1}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "it dequantizes numbers of more than 32 bits"},
    {"q=i32[4]{1,2,3,400}; s=f{3e38}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "an element is not finite"},
    {"q=i8[4]{1,2,3,4}; s=f{inf}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "the scale: element 0 is infinite"},
    {"q=f[4]{1,2,3,4}; s=f{1}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "it dequantizes what are no constant whole numbers"},
    {"q=Shape(x); s=f{1}; w=DequantizeLinear(q,s); y=Add(x,w)", 17, NULL,
     "it dequantizes what are no constant whole numbers"},
    {"q=i8[4]{1,2,3,4}; s=f{1}; z=f{1}; w=DequantizeLinear(q,s,z); y=Add(x,w)", 17, NULL,
     "it dequantizes what are no constant whole numbers"},
    {"q=i8[4]{1,2,3,4}; s=f{1}; w=DequantizeLinear(q,s) axis=1.0; y=Add(x,w)", 17, NULL,
     "attribute 'axis' is not of the type"},
    {"q=i8[4]{1,2,3,4}; s=f{1}; w=DequantizeLinear(q,s) block_size=1.0; y=Add(x,w)", 21, NULL,
     "attribute 'block_size' is not of the type"},
    {"q=i8[4]{1,2,3,4}; w=DequantizeLinear(q); y=Add(x,w)", 17, NULL, "input 1 is missing"},
    {"x:f[4]; q=i8[4]{1,2,3,4}; y=DequantizeLinear(q,x) axis=0", 17, NULL,
     "the scale is not constant"},
    {"y=DequantizeLinear(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case values[] = {
    {"q,s,z=DynamicQuantizeLinear(x); y=Identity(q)", 17, NULL, FLOAT_MODEL},
    {"x:i8[N,4]; w=i8[4,1]{1,2,3,4}; y=MatMulInteger(x,w)", 17, NULL, FLOAT_MODEL},
    {"s=f{1}; q=QuantizeLinear(x,s); y=DequantizeLinear(q,s)", 17, NULL, FLOAT_MODEL},
    {"x:u8[N,4]; s=f{1}; y=DequantizeLinear(x,s)", 17, NULL, FLOAT_MODEL},
    {"x:u8[N,4]; y=QLinearMatMul(x)", 17, NULL, FLOAT_MODEL},
    {"y=QGemm@com.microsoft(x)", 17, NULL, FLOAT_MODEL},
};

START_TEST(constants_are_dequantized)
{
    onnx_check_all(constants, sizeof constants / sizeof *constants);
}
END_TEST

START_TEST(quantized_values_are_refused)
{
    onnx_check_all(values, sizeof values / sizeof *values);
}
END_TEST

RUN_SUITE("onnx_op_quantized", constants_are_dequantized, quantized_values_are_refused)
