/* Elements that are picked or replaced one by one. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"

static const struct onnx_case constants[] = {
    {"x:f[1,4]; i=i[1,3]{3,0,-1}; y=GatherElements(x,i) axis=1", 17, "1 2 3 4", "4 1 4"},
    {"x:f[N,2,2]; t=Transpose(x) perm=[1,2,0]; i=i[3,2]{0,1,1,1,-1,0}; g=GatherND(t,i); "
     "y=Transpose(g)",
     17, "1 2 3 4", "2 4 3"},
    {"x:f[N,2,2]; t=Transpose(x) perm=[1,0,2]; i=i[1,1]{1}; g=GatherND(t,i); y=Flatten(g) axis=2",
     17, "1 2 3 4", "3 4"},
    {"w=f[2,2]{1,2,3,4}; i=i[4,2]{0,0,1,1,0,1,1,0}; g=GatherND(w,i); y=Mul(x,g)", 17, "1 1 1 1",
     "1 4 2 3"},
    {"x:f[1,4]; i=i[1,2]{3,0}; u=f[1,2]{7,8}; y=ScatterElements(x,i,u) axis=1", 17, "1 2 3 4",
     "8 2 3 7"},
    {"t=Transpose(x); i=i[2,1]{1,-1}; n=Neg(t); s=i[1]{0}; e=i[1]{2}; p=Slice(n,s,e,s); "
     "r=ScatterND(t,i,p); y=Transpose(r)",
     17, "1 2 3 4", "1 -1 3 -2"},
    {"w=f[4]{0,0,0,0}; i=i[2,1]{1,3}; u=f[2]{5,6}; s=ScatterND(w,i,u); y=Add(x,s)", 17, "1 2 3 4",
     "1 7 3 10"},
    {"i=i[1,2]{0,1}; y=GatherND(x,i)", 17, NULL, "it picks elements " BATCH},
    {"i=i[1,3]{0,1,1}; y=GatherND(x,i)", 17, NULL, "its indices name 3 axes of 2"},
    {"x:f[4]; i=i[1,1]{4}; y=GatherND(x,i)", 17, NULL, "index 4 of 4"},
    {"x:f[4]; i=i[1,1]{-5}; y=GatherND(x,i)", 17, NULL, "index -5 of 4"},
    {"x:f[4]; i=i[1,1]{1}; y=GatherND(x,i) batch_dims=1", 17, NULL, "batch_dims is 1; 0 is read"},
    {"x:f[4]; i=i[1]{4}; y=GatherElements(x,i)", 17, NULL, "index 4 of 4"},
    {"i=i[4]{0,0,0,0}; y=GatherElements(x,i) axis=1", 17, NULL, "indices of 1 dimensions for 2"},
    {"i=i[1,4]{0,0,0,0}; y=GatherElements(x,i) axis=0", 17, NULL, "it picks elements " BATCH},
    {"x:f[1,2,2]; i=i[1,3,2]{0,0,0,0,0,0}; y=GatherElements(x,i) axis=2", 17, NULL,
     "axis 1 has 3 indices for 2 elements"},
    {"x:f[4]; i=i[3]{0,0,2}; u=f[3]{1,5,3}; y=ScatterElements(x,i,u) reduction='add'", 17,
     "1 2 3 4", "7 2 6 4"},
    {"x:f[4]; i=i[3,1]{0,0,2}; u=f[3]{1,5,3}; y=ScatterND(x,i,u) reduction='mul'", 17, "1 2 3 4",
     "5 2 9 4"},
    {"x:f[4]; i=i[1]{0}; u=f[1]{1}; y=ScatterElements(x,i,u) reduction='max'", 18, NULL,
     "reduction is 'max'; none, add and mul are read"},
    {"x:f[4]; i=i[2]{0,1}; u=f[1]{1}; y=ScatterElements(x,i,u)", 17, NULL,
     "2 indices for 1 updates"},
    {"x:f[4]; i=i[2,1]{0,1}; u=f[1]{1}; y=ScatterND(x,i,u)", 17, NULL,
     "1 numbers are put into the places of 2"},
};

static const struct onnx_case varying[] = {
    {"k=i[1]{2}; v,i=TopK(x,k); n=Neg(x); y=GatherElements(n,i) axis=1", 17, "1 4 3 2", "-4 -3"},
    {"x:f[N,2]; z:i[N,2]; y=GatherElements(x,z) axis=1", 17, "5 6 1 0 7 8 1 1", "6 5 8 8"},
    {"x:f[N,2]; z:i[N,1]; o=i{1}; d=Sub(z,o); y=GatherElements(x,d) axis=1", 17, "5 6 0 5 6 1",
     "6 5"},
    /* what is not picked may be no number */
    {"x:f[N,2]; z:i[N,1]; l=Log(x); y=GatherElements(l,z) axis=1", 17, "-1 1 1", "0"},
    {"x:f[N,2]; z:i[N,1]; y=GatherElements(x,z) axis=0", 17, NULL, "it picks elements " BATCH},
    {"z=Exp(x); i=Cast(z) to=7; y=GatherElements(x,i) axis=1", 17, NULL,
     "its indices are computed from the input"},
    {"a=ArgMax(x) axis=1; z=f[1,4]{0,0,0,0}; s=Shape(x); e=Expand(z,s); o=f[1,1]{1}; n=Shape(a); "
     "u=Expand(o,n); y=ScatterElements(e,a,u) axis=1",
     17, "1 4 3 2", "0 1 0 0"},
    {"x:f[N,2]; z:i[N,2]; y=ScatterElements(x,z,x) axis=1 reduction='add'", 18, "1 2 0 0 1 2 1 0",
     "4 2 3 3"},
    {"k=i[1]{2}; v,i=TopK(x,k); n=Neg(v); y=ScatterElements(x,i,n) axis=1", 17, "1 4 3 2",
     "1 -4 -3 2"},
};

START_TEST(constant_indices_move_numbers)
{
    onnx_check_all(constants, sizeof constants / sizeof *constants);
}
END_TEST

START_TEST(each_row_has_its_indices)
{
    onnx_check_all(varying, sizeof varying / sizeof *varying);
}
END_TEST

RUN_SUITE("onnx_op_pick", constant_indices_move_numbers, each_row_has_its_indices)
