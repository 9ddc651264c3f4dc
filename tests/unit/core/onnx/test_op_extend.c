/* Tensors with more around them, or more than once. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"
#define PADS  "p=i[4]{0,1,0,2}; "

static const struct onnx_case pads[] = {
    {PADS "y=Pad(x,p)", 17, "1 2 3 4", "0 1 2 3 4 0 0"},
    {PADS "v=f{9}; y=Pad(x,p,v)", 17, "1 2 3 4", "9 1 2 3 4 9 9"},
    {PADS "y=Pad(x,p) mode='edge'", 17, "1 2 3 4", "1 1 2 3 4 4 4"},
    {PADS "y=Pad(x,p) mode='reflect'", 17, "1 2 3 4", "2 1 2 3 4 3 2"},
    {PADS "y=Pad(x,p) mode='wrap'", 19, "1 2 3 4", "4 1 2 3 4 1 2"},
    {"p=i[4]{0,-1,0,-2}; y=Pad(x,p)", 17, "1 2 3 4", "2"},
    {"p=i[2]{1,0}; a=i[1]{-1}; y=Pad(x,p,,a)", 18, "1 2 3 4", "0 1 2 3 4"},
    {"y=Pad(x) pads=[0,1,0,0] value=7.0", 10, "1 2 3 4", "7 1 2 3 4"},
    {"c=i[2]{1,2}; p=i[2]{0,2}; s=Pad(c,p); k=Cast(s) to=1; y=Mul(x,k)", 17, "1 1 1 1", "1 2 0 0"},
    {"p=i[4]{1,0,0,0}; y=Pad(x,p)", 17, NULL, "it pads " BATCH},
    {"p=i[4]{0,-2,0,-2}; y=Pad(x,p)", 17, NULL, "dimension 1 is 0: that is nothing"},
    {"p=i[3]{0,-2,0}; y=Pad(x,p)", 17, NULL, "3 pads for 2 axes"},
    {PADS "y=Pad(x,p) mode='round'", 17, NULL, "mode 'round'"},
    {"p=i[4]{0,1,0,9999999}; y=Pad(x,p)", 17, NULL, "a pad of 9999999"},
    {PADS "v=f[2]{9,9}; y=Pad(x,p,v)", 17, NULL, "a value that is no single number"},
};

static const struct onnx_case tiles[] = {
    {"t=i[2]{1,2}; y=Tile(x,t)", 17, "1 2 3 4", "1 2 3 4 1 2 3 4"},
    {"x:f[N,2,2]; t=i[3]{1,2,1}; y=Tile(x,t)", 17, "1 2 3 4", "1 2 3 4 1 2 3 4"},
    {"t=i[2]{2,1}; y=Tile(x,t)", 17, NULL, "it repeats " BATCH},
    {"t=i[2]{1,0}; y=Tile(x,t)", 17, NULL, "axis 1 0 times"},
    {"t=i[1]{1}; y=Tile(x,t)", 17, NULL, "1 repeats for 2 axes"},
    {"w=f[2,2]{1,2,3,4}; u=Trilu(w); f=Flatten(u) axis=0; y=Mul(x,f)", 17, "1 1 1 1", "1 2 0 4"},
    {"x:f[N,2,2]; y=Trilu(x) upper=0", 17, "1 2 3 4", "1 0 3 4"},
    {"x:f[N,2,2]; k=i{1}; y=Trilu(x,k)", 17, "1 2 3 4", "0 2 0 0"},
    {"x:f[N,2,2]; k=i{-1}; y=Trilu(x,k) upper=0", 17, "1 2 3 4", "0 0 3 0"},
    {"y=Trilu(x)", 17, NULL, "it takes a triangle " BATCH},
    {"x:f[4]; y=Trilu(x)", 17, NULL, "a tensor of 1 dimensions"},
    {"x:f[N,2,2]; k=i{99999999}; y=Trilu(x,k)", 17, NULL, "k is 99999999"},
};

START_TEST(pads_lie_around)
{
    onnx_check_all(pads, sizeof pads / sizeof *pads);
}
END_TEST

START_TEST(tiles_and_triangles)
{
    onnx_check_all(tiles, sizeof tiles / sizeof *tiles);
}
END_TEST

RUN_SUITE("onnx_op_extend", pads_lie_around, tiles_and_triangles)
