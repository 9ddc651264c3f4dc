/* scikit-learn's steps. What they answer where the schemas are silent was taken from onnxruntime. */
#include "tests/unit/onnx_case.h"

#define ML    "@ai.onnx.ml"
#define BATCH "along the batch: rows would depend on each other"

static const struct onnx_case steps[] = {
    {"y=Normalizer" ML "(x) norm='L2'", 17, "3 0 0 4 0 0 0 0 -1 0 0 0",
     "0.6 0 0 0.8 0 0 0 0 -1 0 0 0"},
    {"y=Normalizer" ML "(x) norm='L1'", 17, "1 -2 0 1 0 0 0 0", "0.25 -0.5 0 0.25 0 0 0 0"},
    {"y=Normalizer" ML "(x) norm='MAX'", 17, "1 2 0 0 -1 -2 -3 -4 0 0 0 0",
     "0.5 1 0 0 1 2 3 4 0 0 0 0"},
    {"y=Normalizer" ML "(x)", 17, "1 2 0 0", "0.5 1 0 0"},
    {"y=Normalizer" ML "(x) norm='L3'", 17, NULL, "norm is none of MAX, L1, L2"},
    {"y=Normalizer" ML "(x) norm=1", 17, NULL, "attribute 'norm' is not of the type"},
    {"i=i[2]{3,0}; y=ArrayFeatureExtractor" ML "(x,i)", 17, "1 2 3 4 5 6 7 8", "4 1 8 5"},
    {"i=i{1}; y=ArrayFeatureExtractor" ML "(x,i)", 17, "1 2 3 4", "2"},
    {"x:f[N,2,2]; i=i[1]{1}; y=ArrayFeatureExtractor" ML "(x,i)", 17, "1 2 3 4", "2 4"},
    {"i=i[1]{4}; y=ArrayFeatureExtractor" ML "(x,i)", 17, NULL, "column 4 of 4"},
    {"i=i[1]{-1}; y=ArrayFeatureExtractor" ML "(x,i)", 17, NULL, "column -1 of 4"},
    {"a=ArgMax(x) axis=1; y=ArrayFeatureExtractor" ML "(x,a)", 17, NULL, "vary with the input"},
    {"a=ArgMax(x) axis=1; c=f[4]{5,6,7,8}; e=ArrayFeatureExtractor" ML "(c,a); s=i[2]{-1,1}; "
     "y=Reshape(e,s)",
     17, "1 2 3 4 4 3 2 1", "8 5"},
    {"a=ArgMax(x) axis=1; c=f[4]{5,6,7,8}; y=ArrayFeatureExtractor" ML "(c,a)", 17, NULL,
     "the batch is axis 1 of output 'y'"},
    {"a=ArgMax(x) axis=1; t=Transpose(x); b=Concat(t,t) axis=0; i=ArgMax(b) axis=0; "
     "c=i[8]{1,2,3,4,5,6,"
     "7,8}; e=ArrayFeatureExtractor" ML "(c,i); y=Transpose(e)",
     17, "1 2 3 4", "4"},
    {"x:f[N]; i=i[1]{0}; y=ArrayFeatureExtractor" ML "(x,i)", 17, NULL, "it takes parts " BATCH},
    {"s=Shape(x) end=1; y=ArrayFeatureExtractor" ML "(x,s)", 17, NULL, "vary with the input"},
    {"y=ArrayFeatureExtractor" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"y=ArrayFeatureExtractor" ML "(x)", 17, NULL, "input 1 is missing"},
    {"y=Binarizer" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"y=Imputer" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"y=Normalizer" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"y=Imputer" ML "(x) imputed_value_floats=[5.0] replaced_value_float=1", 17, NULL,
     "attribute 'replaced_value_float' is not of the type"},
    /* a single number is one column */
    {"c=f{7}; i=i[1]{0}; e=ArrayFeatureExtractor" ML "(c,i); y=Add(x,e)", 17, "1 2 3 4",
     "8 9 10 11"},
    {"c=f{7}; i=i[1]{1}; e=ArrayFeatureExtractor" ML "(c,i); y=Add(x,e)", 17, NULL,
     "column 1 of 1"},
    {"c=f{7}; e=Imputer" ML "(c) imputed_value_floats=[5.0] replaced_value_float=7.0; y=Add(x,e)",
     17, "1 2 3 4", "6 7 8 9"},
    {"c=f{7}; n=Normalizer" ML "(c); y=Mul(x,n)", 17, NULL, "a single number has no row"},
    {"y=Binarizer" ML "(x) threshold=1.5", 17, "1 2 1.5 -3", "0 1 0 0"},
    {"y=Binarizer" ML "(x)", 17, "1 0 -0 -3", "1 0 0 0"},
    {"y=Binarizer" ML "(x) threshold=nan", 17, NULL, "attribute 'threshold' is NaN"},
    {"y=Imputer" ML "(x) imputed_value_floats=[9.0] replaced_value_float=nan", 17, "1 nan 3 nan",
     "1 9 3 9"},
    {"y=Imputer" ML "(x) imputed_value_floats=[5.0,6.0,7.0,8.0] replaced_value_float=-1.0", 17,
     "1 -1 3 -1", "1 6 3 8"},
    {"y=Imputer" ML "(x) imputed_value_floats=[5.0,6.0]", 17, NULL,
     "2 imputed values for 4 columns"},
    {"y=Imputer" ML "(x)", 17, NULL, "'imputed_value_floats' is missing"},
    {"y=Imputer" ML "(x) imputed_value_floats=[nan]", 17, NULL, "number 0 is not finite"},
};

#define PAIR "coefficients=[1.0,0.0,0.0,0.0,-1.0,0.0,0.0,0.0] intercepts=[-0.5,0.5]"

static const struct onnx_case models[] = {
    /* labels that the net computes with */
    {"l,p=LinearClassifier" ML "(x) classlabels_ints=[5,7] " PAIR "; s=i[2]{-1,1}; r=Reshape(l,s); "
     "c=Cast(r) to=1; y=Concat(c,p) axis=1",
     17, "1 0 0 0 0 0 0 0", "5 .5 -.5 7 -.5 .5"},
    {"l,p=LinearClassifier" ML "(x) classlabels_ints=[5,7] coefficients=[1.0,0.0,0.0,0.0] "
     "intercepts=[0.0] post_transform='LOGISTIC'; c=Cast(l) to=1; s=i[2]{-1,1}; y=Reshape(c,s)",
     17, "1 0 0 0 -1 0 0 0 0 0 0 0", "7 5 5"},
    {"l,p=LinearClassifier" ML "(x) classlabels_ints=[5,7] " PAIR "; >l:i[N]", 17,
     "1 0 0 0 0 0 0 0", "5 7"},
    {"l,p=LinearClassifier" ML "(x) classlabels_strings=['a','b'] " PAIR "; s=i[2]{-1,1}; "
     "y=Reshape(l,s)",
     17, NULL, "its labels are words, and the net computes with them"},
    {"y=LinearRegressor" ML "(x) coefficients=[1.0,2.0,3.0,4.0] intercepts=[0.5]", 17,
     "1 1 1 1 0 0 0 0", "10.5 0.5"},
    {"y=LinearRegressor" ML "(x) coefficients=[1.0,2.0,3.0,4.0]", 17, "1 1 1 1", "10"},
    {"x:f[N,2]; y=LinearRegressor" ML
     "(x) targets=2 coefficients=[1.0,2.0,3.0,4.0] intercepts=[0.5,-0.5]",
     17, "1 2", "5.5 10.5"},
    {"y=LinearRegressor" ML "(x) coefficients=[1.0] post_transform='SOFTMAX'", 17, NULL,
     "post_transform is 'SOFTMAX'; NONE is read"},
    {"y=LinearRegressor" ML "(x) coefficients=[1.0,2.0]", 17, NULL,
     "a row of 4 numbers meets a matrix of 2 inputs"},
    {"y=LinearRegressor" ML "(x) targets=3 coefficients=[1.0,2.0]", 17, NULL,
     "2 coefficients and 0 intercepts for 3 outputs"},
    {"y=LinearRegressor" ML "(x)", 17, NULL, "0 coefficients and 0 intercepts for 1 outputs"},
    {"y=LinearRegressor" ML "(x) coefficients=[1.0,2.0,3.0,4.0] intercepts=[0.5,1.0]", 17, NULL,
     "4 coefficients and 2 intercepts for 1 outputs"},
    {"y=LinearRegressor" ML "(,x) coefficients=[1.0]", 17, NULL, "input 0 is missing"},
    {"y=LinearRegressor" ML "(x) targets='a'", 17, NULL, "attribute 'targets' is not of the type"},
    {"y=LinearRegressor" ML "(x) post_transform=1", 17, NULL,
     "attribute 'post_transform' is not of the type"},
    {"x:f[N,2,2]; y=LinearRegressor" ML "(x) coefficients=[1.0,2.0]", 17, NULL,
     "a tensor of 3 dimensions; rows are wanted"},
    {"c=f{7}; l=LinearRegressor" ML "(c) coefficients=[1.0,2.0]; y=Add(x,l)", 17, NULL,
     "a row of 1 numbers meets a matrix of 2 inputs"},
    {"x:f[N]; y=LinearRegressor" ML "(x) coefficients=[2.0]", 17, "3", "6"},
    {"x:f[N,2]; l,y=LinearClassifier" ML "(x) classlabels_ints=[1,2,3] coefficients=[1.0,0.0] "
     "intercepts=[0.0] post_transform='LOGISTIC'; >y:f[N,3]",
     17, NULL, "1 intercepts for 3 classes"},
    {"x:f[N,2]; l,y=LinearClassifier" ML "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0] "
     "intercepts=[0.0] post_transform=1; >y:f[N,2]",
     17, NULL, "attribute 'post_transform' is not of the type"},
    {"x:f[2]; l,y=LinearClassifier" ML "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0] "
     "intercepts=[0.0] post_transform='LOGISTIC'; >y:f[2]",
     17, "0 9", "0.5 0.5"},
    {"y=LinearRegressor" ML "(x) targets=-1 coefficients=[1.0]", 17, NULL, "for 0 outputs"},
    {"y=LinearRegressor" ML "(x) coefficients=[nan,1.0,1.0,1.0]", 17, NULL,
     "attribute 'coefficients': number 0 is not finite"},
    {"x:f[N,2]; l,y=LinearClassifier" ML
     "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0,0.0,1.0] "
     "intercepts=[0.0,1.0]; >y:f[N,2]",
     17, "3 4", "3 5"},
    {"x:f[N,2]; l,y=LinearClassifier" ML
     "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0,0.0,1.0] "
     "intercepts=[0.0,0.0] post_transform='LOGISTIC'; >y:f[N,2]",
     17, "0 100", "0.5 1"},
    {"x:f[N,2]; l,y=LinearClassifier" ML "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0] "
     "intercepts=[0.0]; >y:f[N,2]",
     17, NULL, "for one row of coefficients LOGISTIC is read"},
    {"x:f[N,2]; l,y=LinearClassifier" ML
     "(x) classlabels_ints=[1,2,3] coefficients=[1.0,0.0,0.0,1.0] "
     "intercepts=[0.0,1.0]; >y:f[N,2]",
     17, NULL, "2 intercepts for 3 classes"},
    {"x:f[N,2]; l,y=LinearClassifier" ML
     "(x) classlabels_ints=[1,2] coefficients=[1.0,0.0,0.0,1.0] "
     "intercepts=[0.0,1.0] post_transform='PROBIT'; >y:f[N,2]",
     17, NULL, "post_transform is 'PROBIT'"},
    {"y=TreeEnsembleRegressor" ML "(x)", 17, NULL,
     "(TreeEnsembleRegressor): no operation of domain 'ai.onnx.ml' that relud has, which are "
     "ArrayFeatureExtractor, Binarizer, FeatureVectorizer, Imputer, LinearClassifier, "
     "LinearRegressor, Normalizer, "
     "Scaler"},
};

START_TEST(F1_the_steps_of_scikit_learn_go_row_by_row)
{
    onnx_check_all(steps, sizeof steps / sizeof *steps);
}
END_TEST

START_TEST(F1_linear_models_are_layers)
{
    onnx_check_all(models, sizeof models / sizeof *models);
}
END_TEST

/* A row alone and among others, on every instruction set: the same bits. */
START_TEST(F1_their_bits_do_not_depend_on_the_batch)
{
    enum { ROWS = 33, WIDTH = 7 };
    struct buffer bytes = onnx_of(
        "x:f[N,7]; n=Normalizer" ML "(x) norm='L2'; i=i[5]{6,0,2,4,5}; e=ArrayFeatureExtractor" ML
        "(n,i); l,y=LinearClassifier" ML
        "(e) classlabels_ints=[1,2,3] coefficients=[0.1,0.2,-0.3,1.4,"
        "0.5,0.6,-0.7,0.8,0.9,1.1,-1.2,0.3,0.7,0.2,0.9] intercepts=[0.1,0.2,0.3] "
        "post_transform='SOFTMAX'; >y:f[N,3]",
        17);
    struct relud_error error = {0};
    static const enum relud_isa isas[] = {RELUD_ISA_SCALAR, RELUD_ISA_BEST};
    float x[ROWS * WIDTH], y[2][ROWS * 3], alone[3];
    char path[] = "/tmp/relud-onnx-XXXXXX.onnx";
    int fd = mkstemps(path, 5);
    ck_assert_int_eq(write(fd, bytes.at, bytes.len), (long)bytes.len);
    close(fd);
    free(bytes.at);
    uint64_t state = 7;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i] = random_normal(&state);
    for (size_t k = 0; k < 2; k++) {
        struct relud_model_options options = {.isa = isas[k]};
        relud_model *model = relud_model_load(path, &options, &error);
        ck_assert_msg(model != NULL, "%s", error.text);
        relud_scratch *scratch = relud_scratch_new(model, ROWS, &error);
        relud_predict(scratch, x, ROWS, y[k]);
        for (size_t r = 0; r < ROWS; r++) {
            relud_predict(scratch, x + r * WIDTH, 1, alone);
            ck_assert_mem_eq(alone, y[k] + 3 * r, sizeof alone);
        }
        relud_scratch_free(scratch);
        relud_model_release(model);
    }
    unlink(path);
    ck_assert_mem_eq(y[0], y[1], sizeof y[0]);
}
END_TEST

RUN_SUITE("onnx_op_ml", F1_the_steps_of_scikit_learn_go_row_by_row, F1_linear_models_are_layers,
          F1_their_bits_do_not_depend_on_the_batch)
