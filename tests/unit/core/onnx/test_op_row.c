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
    {"x:f[N,2,2]; p=GlobalAveragePool(x); y=Flatten(p)", 17, "1 2 3 5", "1.5 4"},
    {"x:f[N,2,2]; p=GlobalMaxPool(x); y=Flatten(p)", 17, "1 2 3 5", "2 5"},
    {"y=GlobalMaxPool(x)", 17, NULL, "a tensor of 2 dimensions"},
    {"y=ReduceSum(x) noop_with_empty_axes=1", 17, "1 2 3 4", "1 2 3 4"},
    {"c=f[2,2]{1,2,3,4}; s=ReduceSum(c) keepdims=0; y=Mul(x,s)", 17, "1 2 3 4", "10 20 30 40"},
    {"s=Shape(x) start=1; p=ReduceProd(s) keepdims=0; y=Mul(x,p)", 17, "1 2 3 4", "4 8 12 16"},
    {"s=Shape(x) start=2; p=ReduceProd(s) keepdims=0; y=Mul(x,p)", 17, NULL,
     "input 0 is an empty list"},
    {"s=Shape(x) start=2; p=Softmax(s); y=Mul(x,p)", 17, NULL, "input 0 is an empty list"},
    {"s=Shape(x) start=2; k=i[1]{0}; p=Gather(s,k); y=Mul(x,p)", 17, NULL, "is an empty list"},
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
    {ONES "y=LayerNormalization(x,s,q)", 17, NULL, "it reads 'q', which nothing makes"},
    {"s=f[3]{1,1,1}; y=LayerNormalization(x,s)", 17, NULL,
     "dimensions of 4 and 3 do not go together"},
    {ONES "b=f[3]{1,1,1}; y=LayerNormalization(x,s,b)", 17, NULL,
     "dimensions of 4 and 3 do not go"},
    {"y=LayerNormalization(x)", 17, NULL, "input 1 is missing"},
    {ONES "y=LayerNormalization(,s,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case logarithms[] = {
    {"y=ReduceLogSum(x) axes=[1]", 17, "1 2 3 4", "2.30258509"},
    {"a=i[1]{1}; y=ReduceLogSum(x,a) keepdims=0", 18, "1 2 3 -6 1 2 3 -7", "-inf nan"},
    {"x:f[N,2,2]; y=ReduceLogSum(x) axes=[1]", 17, "1 2 3 4", "1.38629436 1.79175947"},
    {"x:f[N,2,2]; y=ReduceLogSum(x) axes=[2] keepdims=0", 17, "1 2 3 4", "1.09861229 1.94591015"},
    {"y=ReduceLogSumExp(x) axes=[1]", 17, "1 2 3 4", "4.44018970"},
    {"y=ReduceLogSumExp(x) axes=[1]", 17, "1000 1000 0 -1000", "1000.69315"},
    {"y=ReduceLogSumExp(x) axes=[1]", 17, "inf 1 2 -inf -inf -inf -inf -inf nan 1 1 1",
     "inf -inf nan"},
    {"x:f[N,2,2]; a=i[2]{1,2}; y=ReduceLogSumExp(x,a) keepdims=0", 18, "0 0 0 0", "1.38629436"},
    {"x:f[N,2,2]; a=i[1]{-1}; y=ReduceLogSumExp(x,a) keepdims=0", 18, "0 0 1 1",
     "0.69314718 1.69314718"},
    {"c=f[1,2]{1,3}; l=ReduceLogSumExp(c) keepdims=0; y=Add(x,l)", 17, "0 0 0 1",
     "3.12692801 3.12692801 3.12692801 4.12692801"},
    {"y=ReduceLogSum(x)", 17, NULL, "it reduces " BATCH},
    {"y=ReduceLogSumExp(x)", 17, NULL, "it reduces " BATCH},
    {"y=ReduceLogSum(x) noop_with_empty_axes=1", 18, NULL, "noop_with_empty_axes, on which"},
    {"y=ReduceLogSum(x) keepdims=1.0", 17, NULL, "attribute 'keepdims' is not of the type"},
    {"y=ReduceLogSumExp(,x)", 17, NULL, "input 0 is missing"},
    {"y=LpNormalization(x)", 17, "3 0 4 0 0 0 0 0", "0.6 0 0.8 0 0 0 0 0"},
    {"y=LpNormalization(x) p=1", 17, "1 -2 3 -4", "0.1 -0.2 0.3 -0.4"},
    {"x:f[N,2,2]; y=LpNormalization(x) axis=1", 17, "3 0 4 2", "0.6 0 0.8 1"},
    {"y=LpNormalization(x) p=3", 17, NULL, "p is 3, neither 1 nor 2"},
    {"y=LpNormalization(x) axis=0", 17, NULL, "it reduces " BATCH},
    {"y=LpNormalization(x) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"y=LpNormalization(x) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"y=LpNormalization(x) p=1.0", 17, NULL, "attribute 'p' is not of the type"},
    {"y=LpNormalization(,x)", 17, NULL, "input 0 is missing"},
};

static const struct onnx_case sums_on_the_way[] = {
    {"a=i{1}; y=CumSum(x,a)", 17, "1 2 3 4 5 6 7 8", "1 3 6 10 5 11 18 26"},
    {"a=i[1]{-1}; y=CumSum(x,a) exclusive=1", 17, "1 2 3 4", "0 1 3 6"},
    {"a=i{1}; y=CumSum(x,a) reverse=1", 17, "1 2 3 4", "10 9 7 4"},
    {"a=i{1}; y=CumSum(x,a) reverse=1 exclusive=1", 17, "1 2 3 4", "9 7 4 0"},
    {"x:f[N,2,2]; a=i{1}; y=CumSum(x,a)", 17, "1 2 3 4", "1 2 4 6"},
    {"x:f[N,2,2]; a=i{2}; y=CumSum(x,a)", 17, "1 2 3 4", "1 3 3 7"},
    {"x:f[2,2]; a=i{0}; y=CumSum(x,a)", 17, "1 2 3 4", "1 2 4 6"},
    {"x:i[N,4]; a=i{1}; s=CumSum(x,a); c=i{2}; y=Div(s,c)", 17, "1 2 3 4", "0 1 3 5"},
    {"c=f[4]{1,2,3,4}; a=i{0}; s=CumSum(c,a); y=Mul(x,s)", 17, "1 1 1 2", "1 3 6 20"},
    {"a=i{0}; y=CumSum(x,a)", 17, NULL, "it reduces " BATCH},
    {"a=i{2}; y=CumSum(x,a)", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"a=i[2]{1,1}; y=CumSum(x,a)", 17, NULL, "its axis is not a single number"},
    {"y=CumSum(x,x)", 17, NULL, "input 1 is not a constant list of whole numbers"},
    {"y=CumSum(x)", 17, NULL, "input 1 is missing"},
    {"y=CumSum(,x)", 17, NULL, "input 0 is missing"},
    {"a=i{1}; y=CumSum(x,a) exclusive=1.0", 17, NULL, "attribute 'exclusive' is not of the type"},
    {"a=i{1}; y=CumSum(x,a) reverse=1.0", 17, NULL, "attribute 'reverse' is not of the type"},
    {"k=i[1]{2}; y,i=TopK(x,k)", 17, "1 4 3 4 4 4 4 4", "4 4 4 4"},
    {"k=i[1]{3}; v,y=TopK(x,k)", 17, "1 4 3 4 -1 nan 5 nan", "1 3 2 1 3 2"},
    {"k=i[1]{2}; v,i=TopK(x,k) largest=0; f=Cast(i) to=1; y=Concat(v,f) axis=1", 17, "4 1 3 1",
     "1 1 1 3"},
    {"k=i[1]{4}; y,i=TopK(x,k) sorted=0", 17, "1 3 2 4", "4 3 2 1"},
    {"x:f[N,2,2]; k=i[1]{1}; y,i=TopK(x,k) axis=1", 17, "1 4 3 2", "3 4"},
    {"y,i=TopK(x) k=2", 9, "1 4 3 4", "4 4"},
    {"c=f[4]{3,1,4,2}; k=i[1]{4}; v,i=TopK(c,k); y=Add(x,v)", 17, "0 0 0 1", "4 3 2 2"},
    {"k=i[1]{5}; y,i=TopK(x,k)", 17, NULL, "the 5 greatest of 4 numbers"},
    {"k=i[1]{0}; y,i=TopK(x,k)", 17, NULL, "the 0 greatest of 4 numbers"},
    {"x:f[N,5000]; k=i[1]{4097}; y,i=TopK(x,k)", 17, NULL,
     "the 4097 greatest; at most 4096 are taken"},
    {"k=i[2]{1,2}; y,i=TopK(x,k)", 17, NULL, "K is not a single number"},
    {"k=i[1]{1}; y,i=TopK(x,k) axis=0", 17, NULL, "it reduces " BATCH},
    {"k=i[1]{1}; y,i=TopK(x,k) axis=2", 17, NULL, "axis 2 of a tensor of 2 dimensions"},
    {"k=i[1]{1}; y,i=TopK(x,k) axis=1.0", 17, NULL, "attribute 'axis' is not of the type"},
    {"k=i[1]{1}; y,i=TopK(x,k) largest=1.0", 17, NULL, "attribute 'largest' is not of the type"},
    {"y,i=TopK(x,x)", 17, NULL, "input 1 is not a constant list of whole numbers"},
    {"y,i=TopK(x) k=1.0", 9, NULL, "attribute 'k' is not of the type"},
    {"y,i=TopK(,x)", 17, NULL, "input 0 is missing"},
};

START_TEST(sums_are_taken_on_the_way)
{
    onnx_check_all(sums_on_the_way, sizeof sums_on_the_way / sizeof *sums_on_the_way);
}
END_TEST

/* The twin takes the first of the greatest that are left, again and again. */
START_TEST(the_greatest_are_sorted_as_its_twin_does)
{
    enum { WIDTH = 100, COUNT = 37, ROWS = 50 };
    struct buffer bytes =
        onnx_of("x:f[N,100]; k=i[1]{37}; v,i=TopK(x,k); w,j=TopK(x,k) largest=0; >v:f; >w:f", 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    static float x[ROWS * WIDTH], y[ROWS * 2 * COUNT];
    uint32_t random = 1;
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        random = random * 1664525 + 1013904223;
        x[i] = (float)(random >> 26) - 20; /* few values, so many are equal */
    }
    relud_scratch *scratch = relud_scratch_new(model, ROWS, &error);
    relud_predict(scratch, x, ROWS, y);
    relud_scratch_free(scratch);
    relud_model_release(model);
    for (size_t r = 0; r < ROWS; r++)
        for (int sign = 1; sign >= -1; sign -= 2) {
            bool is_taken[WIDTH] = {false};
            for (size_t k = 0; k < COUNT; k++) {
                size_t best = WIDTH;
                for (size_t i = 0; i < WIDTH; i++)
                    if (!is_taken[i] && (best == WIDTH || (float)sign * x[r * WIDTH + i] >
                                                              (float)sign * x[r * WIDTH + best]))
                        best = i;
                is_taken[best] = true;
                ck_assert(y[(2 * r + (sign < 0)) * COUNT + k] == x[r * WIDTH + best]);
            }
        }
}
END_TEST

START_TEST(logarithms_of_sums_do_not_overflow)
{
    onnx_check_all(logarithms, sizeof logarithms / sizeof *logarithms);
}
END_TEST

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

RUN_SUITE("onnx_op_row", softmax_is_over_its_axis, sums_are_taken_on_the_way,
          the_greatest_are_sorted_as_its_twin_does, logarithms_of_sums_do_not_overflow,
          reductions_are_over_their_axes, rows_are_normalised)
