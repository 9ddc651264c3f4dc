/* Tables that ids of the input are looked up in: embeddings and one-hot. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"
#define TABLE "w=f[3,2]{1,2,3,4,5,6}; "

static const struct onnx_case embeddings[] = {
    {"x:i[N]; " TABLE "y=Gather(w,x)", 17, "0 2 1", "1 2 5 6 3 4"},
    {"x:i[N,2]; " TABLE "y=Gather(w,x)", 17, "0 2", "1 2 5 6"},
    {"x:i[N,2]; " TABLE "y=Gather(w,x) axis=-2", 17, "0 2", "1 2 5 6"},
    {"x:i[N]; w=f[3]{7,8,9}; y=Gather(w,x)", 17, "2 0", "9 7"},
    {"x:i[N]; w=h[2,2]{0x3c00,0,0,0x4000}; y=Gather(w,x)", 17, "1 0", "0 2 1 0"},
    {"x:i[N]; w=i[2,2]{1,2,3,4}; g=Gather(w,x); y=Cast(g) to=1", 17, "1 0", "3 4 1 2"},
    {"x:i[N]; t=f[2,3]{1,3,5,2,4,6}; w=Transpose(t); y=Gather(w,x)", 17, "2", "5 6"},
    {"x:u8[N,1]; " TABLE "g=Gather(w,x); y=Flatten(g)", 17, "2", "5 6"},
    /* two tables, one shared, towers */
    {"u:i[N]; i:i[N]; " TABLE
     "v=f[2,2]{0,1,1,0}; a=Gather(w,u); b=Gather(v,i); y=Concat(a,b) axis=1",
     17, "2 0 0 1", "5 6 0 1 1 2 1 0"},
    {"u:i[N]; i:i[N]; " TABLE "a=Gather(w,u); b=Gather(w,i); c=Mul(a,b); y=ReduceSum(c) axes=[1] "
     "keepdims=0",
     11, "2 0 1 1", "17 25"},
    /* a bag of ids */
    {"x:i[N,3]; " TABLE "g=Gather(w,x); y=ReduceSum(g) axes=[1] keepdims=0", 11, "0 1 1", "7 10"},
    {"x:i[N,2]; " TABLE "g=Gather(w,x); y=ReduceMean(g) axes=[1] keepdims=0", 11, "0 2", "3 4"},
    /* a part of the input */
    {"s=i[1]{1}; e=i[1]{2}; a=i[1]{1}; c=Slice(x,s,e,a); i=Cast(c) to=7; " TABLE "g=Gather(w,i); "
     "y=Flatten(g)",
     17, "9.5 2 9.5 9.5", "5 6"},
    {"k=i{3}; c=Gather(x,k) axis=1; i=Cast(c) to=6; " TABLE "y=Gather(w,i)", 17, "9 9 9 1", "3 4"},
    {"x:i[N,3]; a,b=Split(x) axis=1 split=[1,2]; " TABLE "g=Gather(w,b); y=Flatten(g)", 11, "9 0 2",
     "1 2 5 6"},
    {"x:i[N,2]; s=i[2]{-1,1}; r=Reshape(x,s); " TABLE "y=Gather(w,r)", 17, "0 2", "1 2 5 6"},
    {"x:i[N,1]; q=Squeeze(x) axes=[1]; " TABLE "y=Gather(w,q)", 11, "2", "5 6"},
    {"a:i[N,1]; b:i[N,1]; c=Concat(b,a) axis=1; i=Identity(c); " TABLE
     "g=Gather(w,i); y=Flatten(g)",
     17, "1 2", "5 6 3 4"},
    {"a:i[N,1]; k=i[1,1]{1}; c=Concat(a,k) axis=1; " TABLE "g=Gather(w,c); y=Flatten(g)", 17, "2",
     "5 6 3 4"},
    /* with a constant */
    {"x:i[N]; o=i{1}; i=Add(x,o); " TABLE "y=Gather(w,i)", 17, "1 0", "5 6 3 4"},
    {"x:i[N]; o=i{1}; i=Add(o,x); " TABLE "y=Gather(w,i)", 17, "1", "5 6"},
    {"x:i[N]; o=i{1}; i=Sub(x,o); " TABLE "y=Gather(w,i)", 17, "1 3 0", "1 2 5 6 5 6"},
    {"x:i[N,2]; o=i[2]{0,1}; i=Add(x,o); w=f[3]{1,2,3}; y=Gather(w,i)", 17, "0 1 1 0", "1 3 2 2"},
    {"x:i[N,2]; o=i[2]{-1,1}; i=Add(x,o); w=f[3]{1,2,3}; y=Gather(w,i)", 17, "1 1 0 0", "1 3 3 2"},
    {"x:i[N]; o=i{3}; i=Add(x,o); " TABLE "y=Gather(w,i)", 17, NULL, "index 3 of 3"},
    {"x:i[N]; o=i{4}; i=Sub(x,o); " TABLE "y=Gather(w,i)", 17, NULL, "index -4 of 3"},
    {"x:i[N]; o=i{9}; i=Sub(o,x); " TABLE "y=Gather(w,i)", 17, NULL, "are computed from the input"},
    {"x:f[N]; o=f{0.5}; s=Add(x,o); i=Cast(s) to=7; " TABLE "y=Gather(w,i)", 17, NULL,
     "are computed from the input"},
    {"x:i[N]; i=Mul(x,x); " TABLE "y=Gather(w,i)", 17, NULL,
     "node 'Gather' (Gather): its indices are computed from the input: relud takes numbers of the "
     "input, with a constant added, and what is in range by its operation"},
    {"x:i[N]; i=Add(x,x); " TABLE "y=Gather(w,i)", 17, NULL, "are computed from the input"},
    /* in range by what makes them */
    {"x:f[N]; o=f{1}; g=Greater(x,o); i=Cast(g) to=7; " TABLE "y=Gather(w,i)", 17, "1 2",
     "1 2 3 4"},
    {"x:f[N,3]; i=ArgMax(x) axis=1 keepdims=0; " TABLE "y=Gather(w,i)", 17, "1 3 2", "3 4"},
    {"i=ArgMax(x) axis=1 keepdims=0; " TABLE "y=Gather(w,i)", 17, NULL, "index 3 of 3"},
    /* a count of truths, and an index that is wrapped as Keras does */
    {"x:f[N,2]; z=f{0}; g=Greater(x,z); c=Cast(g) to=7; i=ReduceSum(c) axes=[1] keepdims=0; " TABLE
     "y=Gather(w,i)",
     11, "-1 1 1 1 -1 -1", "3 4 5 6 1 2"},
    {"x:f[N,3]; z=f{0}; g=Greater(x,z); c=Cast(g) to=7; i=ReduceSum(c) axes=[1] keepdims=0; " TABLE
     "y=Gather(w,i)",
     11, NULL, "index 3 of 3"},
    {"x:i[N]; z=i{0}; n=i{3}; g=Less(x,z); a=Add(x,n); i=Where(g,a,x); " TABLE "y=Gather(w,i)", 17,
     "0 2", "1 2 5 6"},
    {"x:i[N]; z=i{1}; n=i{3}; g=Less(x,z); a=Add(x,n); i=Where(g,a,x); " TABLE "y=Gather(w,i)", 17,
     NULL, "its indices are computed from the input"},
    {"x:f[N,3]; i=ArgMax(x) axis=1; " TABLE "y=GatherND(w,i)", 17, "1 3 2", "3 4"},
    {"x:i[N]; l=i{0}; h=i{2}; i=Clip(x,l,h); " TABLE "y=Gather(w,i)", 17, "-5 9", "1 2 5 6"},
    {"x:i[N]; l=i{0}; h=i{3}; i=Clip(x,l,h); " TABLE "y=Gather(w,i)", 17, NULL, "index 3 of 3"},
    {"x:i[N]; m=i[2]{2,-1}; i=Gather(m,x); " TABLE "y=Gather(w,i)", 17, "0 1", "5 6 5 6"},
    {"x:i[N]; m=i[2]{2,-4}; i=Gather(m,x); " TABLE "y=Gather(w,i)", 17, NULL, "index -4 of 3"},
    {"x:i[N]; m=f[2]{2,0.5}; i=Gather(m,x); " TABLE "y=Gather(w,i)", 17, NULL,
     "are computed from the input"},
    /* tables */
    {"x:i[N]; w=f[2,2]{1,2,3,4}; y=Gather(w,x) axis=1", 17, NULL,
     "an embedding along axis 1; those along axis 0 are read"},
    {"x:f[N,2]; i:i[N]; y=Gather(x,i)", 17, NULL,
     "it looks up what the input says in what varies with the input: only constant tables"},
    {"x:i[N]; s=Shape(x); w=Concat(s,s) axis=0; y=Gather(w,x)", 17, NULL,
     "only constant tables are read"},
    {"x:i[N]; n=i[1]{16777217}; w=ConstantOfShape(n); y=Gather(w,x)", 17, NULL,
     "the graph makes more numbers on the way"},
    {"x:i[N]; w=f[2]{1,inf}; y=Gather(w,x)", 17, NULL, "element 1 is not finite"},
};

static const struct onnx_case one_hot[] = {
    {"x:i[N]; d=i{3}; v=f[2]{0,1}; y=OneHot(x,d,v)", 17, "0 2 -1 3 -4",
     "1 0 0 0 0 1 0 0 1 0 0 0 0 0 0"},
    {"x:i[N,2]; d=i[1]{2}; v=f[2]{5,7}; y=OneHot(x,d,v)", 17, "0 1", "7 5 5 7"},
    {"x:i[N,2]; d=f{2}; v=f[2]{0,1}; y=OneHot(x,d,v) axis=1", 17, "0 0", "1 1 0 0"},
    {"x:f[N]; d=i{2}; v=i[2]{0,1}; y=OneHot(x,d,v)", 17, "1.5", "0 1"},
    {"x:i[N]; d=i{2}; v=f[2]{0,1}; y=OneHot(x,d,v) axis=0", 17, NULL,
     "the batch is axis 1 of output 'y'"},
    {"x:i[N]; d=i{2}; v=f[2]{0,1}; y=OneHot(x,d,v) axis=2", 17, NULL, "axis 2 of a tensor of 2"},
    {"x:i[N]; d=i{0}; v=f[2]{0,1}; y=OneHot(x,d,v)", 17, NULL, "a depth of 0"},
    {"x:i[N]; d=i{16777216}; v=f[2]{0,1}; y=OneHot(x,d,v)", 17, NULL, "a depth of 1.67772e+07"},
    {"x:i[N]; d=i{2000000}; v=f[2]{0,1}; y=OneHot(x,d,v)", 17, NULL, "2000000 numbers wide"},
    {"x:i[N]; d=i[2]{2,2}; v=f[2]{0,1}; y=OneHot(x,d,v)", 17, NULL, "2 depths and 2 values"},
    {"x:i[N]; d=i{2}; v=f[1]{1}; y=OneHot(x,d,v)", 17, NULL, "1 depths and 1 values"},
    {"x:i[N]; v=f[2]{0,1}; y=OneHot(x,x,v)", 17, NULL, "the depth is not constant"},
    {"x:f[N,2]; d=i{2}; i:i[N]; y=OneHot(i,d,x)", 17, NULL, "a value is not constant"},
    {"x:i[N]; d=i{2}; y=OneHot(x,d)", 17, NULL, "input 2 is missing"},
    {"x:i[N]; y=OneHot(x)", 17, NULL, "input 1 is missing"},
    {"x:i[N]; y=OneHot(,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(ids_are_looked_up)
{
    onnx_check_all(embeddings, sizeof embeddings / sizeof *embeddings);
}
END_TEST

START_TEST(ids_are_marked_by_their_place)
{
    onnx_check_all(one_hot, sizeof one_hot / sizeof *one_hot);
}
END_TEST

/* The server checks ids before the forward pass, by what the model says of them. */
START_TEST(a_feature_knows_the_rows_of_its_smallest_table)
{
    struct buffer bytes =
        onnx_of("x:f[N,3]; i:i[N,2]; " TABLE "v=f[2,1]{1,2}; one=i{1}; "
                "a,b=Split(i) axis=1; c=Gather(w,a); d=Gather(v,a); e=Sub(b,one); "
                "f=Gather(w,e); >x:f; >c:f; >d:f; >f:f",
                11);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert(info->feature->has_indices);
    ck_assert_uint_eq(info->feature->at[0].indices, 0);
    ck_assert_uint_eq(info->feature->at[3].indices, 2);
    ck_assert_uint_eq(info->feature->at[4].indices, 4);
    ck_assert_str_eq(info->step[3], "embedding w of #1: 2");
    relud_model_release(model);
}
END_TEST

RUN_SUITE("onnx_op_lookup", ids_are_looked_up, ids_are_marked_by_their_place,
          a_feature_knows_the_rows_of_its_smallest_table)
