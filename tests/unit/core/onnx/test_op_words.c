/* Encoders of categories. A row holds a word as its index among the words of its feature. */
#include "tests/unit/onnx_case.h"

#define ML      "@ai.onnx.ml"
#define ENCODER "LabelEncoder" ML
#define HOT     "OneHotEncoder" ML
#define ABC     "cats_strings=['a','b','c']"

static const struct onnx_case words[] = {
    /* one-hot */
    {"x:s[N,1]; y=" HOT "(x) " ABC, 17, "0 2 3", "1 0 0 0 0 1 0 0 0"},
    {"x:s[N]; y=" HOT "(x) " ABC " zeros=1", 17, "1", "0 1 0"},
    {"x:s[N,2]; y=" HOT "(x) " ABC " zeros=0", 17, "0 2", "1 0 0 0 0 1"},
    {"x:s[2]; y=" HOT "(x) " ABC " zeros=~2", 17, "0 2", "1 0 0 0 0 1"},
    {"x:s[N,3]; k=i[1]{2}; g=Gather(x,k) axis=1; y=" HOT "(g) " ABC, 17, NULL,
     "input 'x' is text whose words nothing tells"},
    {"a:s[N,1]; b:f[N,1]; h=" HOT "(a) " ABC "; s=i[2]{-1,3}; r=Reshape(h,s); "
     "y=Concat(b,r) axis=1",
     17, "1 7", "7 0 1 0"},
    /* label encoders: with a default, all other words are right */
    {"x:s[N,1]; y=" ENCODER "(x) keys_strings=['b','a'] values_floats=[0.5,7.0]", 17, "0 1",
     "0.5 7"},
    {"x:s[N,1]; y=" ENCODER "(x) keys_strings=['b','a'] values_floats=[0.5,7.0] default_float=9.0",
     17, "0 1 2", "0.5 7 9"},
    {"x:s[N,1]; y=" ENCODER "(x) keys_strings=['b','a'] values_int64s=[5,-7] default_int64=9", 17,
     "0 1 2", "5 -7 9"},
    {"x:s[N]; y=" ENCODER "(x) keys_tensor=s[2]{'a','b'} values_tensor=f[2]{1,2} "
     "default_tensor=f[1]{5}",
     17, "0 1 2", "1 2 5"},
    {"x:s[N]; y=" ENCODER "(x) keys_tensor=s[2]{'a','b'} values_tensor=i[2]{1,2}", 17, "0 1",
     "1 2"},
    {"x:s[N]; y=" ENCODER "(x) classes_strings=['a','b'] default_int64=-1", 17, "0 1 2", "0 1 -1"},
    {"x:s[N,2]; y=CategoryMapper" ML "(x) cats_strings=['a','b'] cats_int64s=[3,4] default_int64=0",
     17, "0 1 2 0", "3 4 0 3"},
    {"x:s[N]; e=" ENCODER "(x) keys_strings=['a','b'] values_int64s=[1,0]; w=f[2,2]{1,2,3,4}; "
     "y=Gather(w,e)",
     17, "0 1", "3 4 1 2"},
    {"x:s[N]; e=" ENCODER "(x) keys_strings=['a','b'] values_int64s=[1,0] default_int64=-1; "
     "w=f[3]{1,2,3}; y=Gather(w,e)",
     17, "0 1 2", "2 1 3"},
    {"x:s[N]; e=" ENCODER "(x) keys_strings=['a','b'] values_int64s=[1,2]; w=f[2]{1,2}; "
     "y=Gather(w,e)",
     17, NULL, "index 2 of 2"},
    /* moved words, words of several readers: those of the first one come first */
    {"x:s[N,2]; i=Identity(x); c=Cast(i) to=8; p,q=Split(c) axis=1 split=[1,1]; "
     "r=Concat(q,p) axis=1; k=i{0}; g=ArrayFeatureExtractor" ML "(r,k); y=" HOT "(g) " ABC
     "; z=" ENCODER "(p) keys_strings=['u','v'] values_floats=[1.0,2.0]; >y:f; >z:f",
     11, "0 2 1 1", "0 0 1 1 0 1 0 2"},
    {"x:s[N]; a=" ENCODER "(x) keys_strings=['a','b'] values_floats=[1.0,2.0] default_float=0.0; "
     "b=" ENCODER "(x) keys_strings=['c','b'] values_floats=[10.0,20.0] default_float=30.0; "
     "y=Add(a,b)",
     17, "0 1 2 3", "31 22 10 30"},
    {"x:s[N]; a=" ENCODER "(x) keys_strings=['a','b'] values_floats=[1.0,2.0]; "
     "b=" ENCODER "(x) keys_strings=['b','c'] values_floats=[10.0,20.0]; y=Add(a,b)",
     17, "0", "12"},
    {"x:s[N]; a=" ENCODER "(x) keys_strings=['a'] values_floats=[1.0]; "
     "b=" ENCODER "(x) keys_strings=['b'] values_floats=[10.0]; y=Add(a,b)",
     17, NULL, "no word of input 'x' suits all that read it"},
    /* compared and replaced */
    {"x:s[N]; w=s[1]{'a'}; e=Equal(x,w); y=Cast(e) to=1", 17, "0 1", "1 0"},
    {"x:s[N,2]; w=s{'a'}; e=Equal(w,x); n=Not(e); y=Cast(n) to=1", 17, "0 1", "0 1"},
    {"x:s[N,1]; w=s[1]{''}; f=s[1]{'b'}; e=Equal(x,w); r=Where(e,f,x); y=" HOT "(r) " ABC, 17,
     "0 1 2 3 4", "0 1 0 1 0 0 0 1 0 0 0 1 0 0 0"},
    {"x:s[N,1]; z=i[1]{0}; f=" ENCODER "(z) keys_int64s=[0] values_strings=['q']; "
     "m=" ENCODER "(x) keys_strings=['','?'] values_int64s=[1,1] default_int64=0; "
     "c=Cast(m) to=9; r=Where(c,f,x); y=" ENCODER "(r) keys_strings=['p','q'] "
     "values_floats=[1.0,2.0]",
     17, "0 1 2 3", "2 2 1 2"},
    {"x:s[N]; r=" ENCODER "(x) keys_strings=['a','b'] values_strings=['c','d'] default_string='e'; "
     "y=" ENCODER "(r) keys_strings=['c','d','e'] values_floats=[1.0,2.0,3.0]",
     17, "0 1 2 3", "1 2 3 3"},
    {"x:s[N]; r=" ENCODER "(x) keys_strings=['a','b'] values_strings=['b','a']; "
     "y=" ENCODER "(r) keys_strings=['a','b'] values_floats=[1.0,2.0]",
     17, "0 1", "2 1"},
    {"x:s[N]; r=" ENCODER "(x) keys_tensor=s[1]{'a'} values_tensor=s[1]{'b'} "
     "default_tensor=s[1]{'c'}; y=" ENCODER "(r) keys_strings=['b','c'] values_floats=[1.0,2.0]",
     17, "0 1 3", "1 2 2"},
};

static const struct onnx_case numbers[] = {
    {"x:i[N,1]; y=" HOT "(x) cats_int64s=[3,5,-1]", 17, "3 5 -1 4", "1 0 0 0 1 0 0 0 1 0 0 0"},
    {"x:f[N,1]; y=" HOT "(x) cats_int64s=[3,5]", 17, "3.7 5 2.9", "1 0 0 1 0 0"},
    {"x:i[N,2]; y=" HOT "(x) cats_int64s=[3,5] zeros=0", 17, "3 5 4 3", "1 0 0 1 nan nan 1 0"},
    {"x:i[N,1]; y=" HOT "(x) cats_int64s=[0,1] zeros=0", 17, "1 2", "0 1 nan nan"},
    {"x:i[N,1]; z=" HOT "(x) cats_int64s=[7,9,10] zeros=0; s=i[2]{-1,3}; r=Reshape(z,s); "
     "y=Softmax(r)",
     17, "9 8", "0.2119416 0.5761169 0.2119416 nan nan nan"},
    {"x:i[N]; y=" ENCODER "(x) keys_int64s=[10,20] values_floats=[0.5,7.0] default_float=9.0", 17,
     "10 20 30", "0.5 7 9"},
    {"x:i[N]; y=" ENCODER "(x) keys_int64s=[10,20] values_floats=[0.5,7.0]", 17, "10 20 30",
     "0.5 7 nan"},
    {"x:f[N]; y=" ENCODER "(x) keys_floats=[0.5,1.5] values_int64s=[7,8] default_int64=0", 17,
     "0.5 1.5 2", "7 8 0"},
    {"x:i[N]; y=" ENCODER "(x) keys_tensor=i[2]{4,5} values_tensor=d[2]{1,2} "
     "default_tensor=d[1]{3}",
     17, "4 5 6", "1 2 3"},
    {"x:i[N]; a=Add(x,x); y=" HOT "(a) cats_int64s=[0,1] zeros=0", 17, "0 1", "1 0 nan nan"},
    {"c=i[1]{5}; e=" ENCODER "(c) keys_int64s=[4,5] values_floats=[1.0,3.0]; y=Mul(x,e)", 17,
     "1 2 3 4", "3 6 9 12"},
    {"a:f[N,1]; b:i[N,2]; y=FeatureVectorizer" ML "(a,b) inputdimensions=[1,2]", 17, "1 2 3",
     "1 2 3"},
    {"a:f[N]; b:f[N,2,2]; y=FeatureVectorizer" ML "(b,a)", 17, "1 2 3 4 5", "2 3 4 5 1"},
};

static const struct onnx_case refused[] = {
    {"x:s[N,2]; y=Relu(x)", 17, NULL, "it computes with words, or puts words and numbers together"},
    {"x:s[N,1]; z:f[N,1]; y=Concat(x,z) axis=1", 17, NULL, "puts words and numbers together"},
    {"x:s[N,1]; w=s[1,1]{'a'}; c=Concat(x,w) axis=1; y=" HOT "(c) " ABC, 17, NULL,
     "an input is text"},
    {"x:s[N]; y=Cast(x) to=1", 17, NULL, "it reads words as numbers"},
    {"x:f[N]; s=Cast(x) to=8; y=" HOT "(s) " ABC, 17, NULL, "to type 8 (STRING)"},
    {"x:s[N]; w=f[2]{1,2}; y=Gather(w,x)", 17, NULL, "it computes with words"},
    {"x:s[N]; y=Identity(x); >y:s", 17, NULL, "input 'x' is text whose words nothing tells"},
    {"x:s[N]; y=Identity(x); z=" ENCODER "(x) keys_strings=['a'] values_int64s=[1]; >y:s; >z:i", 17,
     NULL, "output 'y' is text; numbers are served"},
    {"x:s[N]; z:f[N]; y=Relu(z); s=Shape(x); c=Cast(s) to=1; m=ReduceSum(c); >y:f", 11, "1", "1"},
    {"w=s[1]{'a'}; y=Mul(x,w)", 17, NULL, "it computes with words"},
    {"w=s[1]{'a\xff'}; y=Mul(x,w)", 17, NULL, "tensor of type STRING whose words are missing"},
    {"x:s[N]; w=s[2]{'a','b'}; e=Equal(x,w); y=Cast(e) to=1", 17, NULL,
     "a word may be compared to a constant one"},
    {"x:s[N]; z:s[N]; e=Equal(x,z); y=Cast(e) to=1", 17, NULL, "it computes with words"},
    {"x:s[N]; w=s[1]{'a'}; y=Less(x,w)", 17, NULL, "it computes with words"},
    {"x:s[N]; z:f[N]; k=f{1}; g=Greater(z,k); w=s[1]{'a'}; r=Where(g,w,x); y=" HOT "(r) " ABC, 17,
     NULL, "it chooses among words, other than one constant for some of them"},
    {"x:s[N]; z:s[N]; w=s[1]{'a'}; e=Equal(z,w); r=Where(e,w,x); y=" HOT "(r) " ABC, 17, NULL,
     "it chooses among words"},
    {"x:s[N]; w=s[1]{'a'}; e=Equal(x,w); n=Not(e); r=Where(n,w,x); y=" HOT "(r) " ABC, 17, NULL,
     "it chooses among words"},
    {"x:s[N]; y=" HOT "(x)", 17, NULL, "neither cats_strings nor cats_int64s tell its categories"},
    {"x:s[N]; y=" HOT "(x) cats_strings=['a','b','a']", 17, NULL, "'a'"},
    {"x:s[N]; y=" HOT "(x) cats_strings=['a\xff']", 17, NULL, "has words that are no UTF-8"},
    {"x:s[N]; y=" HOT "(x) cats_strings=['a\\0']", 17, NULL, "has words that are no UTF-8"},
    {"x:s[N]; y=" HOT "(x) cats_strings=[]", 17, NULL, "'cats_strings' is empty"},
    {"x:s[N]; y=" HOT "(x) cats_int64s=[1]", 17, NULL, "it looks words up among numbers"},
    {"x:i[N]; y=" HOT "(x) cats_strings=['a']", 17, NULL, "it looks numbers up among words"},
    {"x:i[N]; y=" HOT "(x) cats_int64s=[1,16777216]", 17, NULL,
     "'cats_int64s': 16777216: rows are of float32, which has whole numbers below 2^24"},
    {"x:i[N]; y=" HOT "(x) cats_int64s=[-16777216]", 17, NULL, "whole numbers below 2^24"},
    {"x:i[N]; y=" HOT "(x) cats_int64s=[1] zeros='a'", 17, NULL, "'zeros' is not of the type"},
    {"x:s[N]; y=" ENCODER "(x) keys_strings=['a','b'] values_floats=[1.0]", 17, NULL,
     "2 keys and 1 values"},
    {"x:s[N]; y=" ENCODER "(x) values_floats=[1.0]", 17, NULL, "0 keys and 1 values"},
    {"x:s[N]; y=" ENCODER "(x) keys_strings=['a'] values_int64s=[16777216]", 17, NULL,
     "'values_int64s': 16777216"},
    {"x:s[N]; y=" ENCODER "(x) keys_strings=['a'] values_int64s=[1] default_int64=99999999", 17,
     NULL, "'default_int64' is 99999999: float32 has"},
    {"x:s[N]; y=" ENCODER "(x) keys_strings=['a'] values_floats=[nan]", 17, NULL, "is not finite"},
    {"x:s[N]; y=" ENCODER "(x) keys_strings=['a'] values_floats=[1.0] default_float=inf", 17, NULL,
     "attribute 'default_float' is infinite"},
    {"x:s[N]; y=" ENCODER "(x) keys_tensor=s[1]{'a'} values_tensor=f[1]{1} "
     "default_tensor=s[1]{'b'}",
     17, NULL, "'default_tensor' is of another type than its values"},
    {"x:s[N]; y=" ENCODER "(x) keys_tensor=1 values_tensor=f[1]{1}", 17, NULL,
     "'keys_tensor' is no tensor"},
    {"x:s[N]; y=" ENCODER "(x) keys_tensor=s[1]{'\xff'} values_tensor=f[1]{1}", 17, NULL,
     "'keys_tensor' has words that are no UTF-8"},
    {"x:i[N]; w=" ENCODER "(x) keys_int64s=[1] values_strings=['a']; y=" HOT "(w) " ABC, 17, NULL,
     "it makes words of numbers"},
    {"x:f[N]; c=i[1]{5}; w=" ENCODER "(c) keys_int64s=[1] values_strings=['a']; y=Add(x,w)", 17,
     NULL, "5 is none of its keys"},
    {"x:s[N]; w=" ENCODER "(x) keys_int64s=[1] values_strings=['a']; y=" HOT "(w) " ABC, 17, NULL,
     "it makes words of numbers"},
    {"c=i[1]{5}; e=" ENCODER "(c) keys_int64s=[4] values_floats=[1.0]; y=Mul(x,e)", 17, NULL,
     "its constants make NaN"},
    {"w=s[1]{'a'}; e=" HOT "(w) " ABC "; y=Mul(x,e)", 17, NULL, "its words are constant"},
    {"x:s[N]; y=CategoryMapper" ML "(x) cats_strings=['a','b'] cats_int64s=[3]", 17, NULL,
     "2 keys and 1 values"},
    {"x:i[N]; w=CategoryMapper" ML "(x) cats_strings=['a'] cats_int64s=[3]; y=" HOT "(w) " ABC, 17,
     NULL, "it makes words of numbers"},
    {"y=CategoryMapper" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"y=" ENCODER "(,x) keys_int64s=[1] values_floats=[1.0]", 17, NULL, "input 0 is missing"},
    {"y=" HOT "(,x)", 17, NULL, "input 0 is missing"},
    {"a:f[N,1]; b:f[N,2]; y=FeatureVectorizer" ML "(a,b) inputdimensions=[1,3]", 17, NULL,
     "input 1 has 2 numbers a row instead of 3"},
    {"a:f[N,1]; y=FeatureVectorizer" ML "(a) inputdimensions=[1,3]", 17, NULL,
     "2 inputdimensions for 1 inputs"},
    {"y=FeatureVectorizer" ML "(,x)", 17, NULL, "input 0 is missing"},
    {"c=f[1,1]{1}; y=FeatureVectorizer" ML "(x,c)", 17, NULL, "it puts tensors together along"},
};

START_TEST(words_are_looked_up)
{
    onnx_check_all(words, sizeof words / sizeof *words);
}
END_TEST

START_TEST(numbers_are_categories_too)
{
    onnx_check_all(numbers, sizeof numbers / sizeof *numbers);
}
END_TEST

START_TEST(what_words_cannot_do_is_refused)
{
    onnx_check_all(refused, sizeof refused / sizeof *refused);
}
END_TEST

static void check_words(const char *net, size_t feature, const char *wanted, bool takes_unknown)
{
    struct buffer bytes = onnx_of(net, 17);
    struct relud_error error = {0};
    char text[256] = "";
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    const struct relud_model_info *info = relud_model_info(model);
    const struct relud_words *words_of = relud_words_of(info->feature, feature);
    ck_assert_ptr_nonnull(words_of);
    for (size_t i = 0; i < words_of->count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s ", words_of->word[i]);
    ck_assert_str_eq(text, wanted);
    ck_assert_int_eq(words_of->takes_unknown, takes_unknown);
    relud_model_release(model);
}

START_TEST(a_feature_has_the_words_that_all_its_readers_know)
{
    check_words("x:s[N]; y=" HOT "(x) " ABC, 0, "a b c ", true);
    check_words("x:s[N]; y=" HOT "(x) " ABC " zeros=0", 0, "a b c ", false);
    check_words("x:s[N]; w=s[1]{''}; f=s[1]{'b'}; e=Equal(x,w); r=Where(e,f,x); y=" HOT "(r) " ABC
                " zeros=0",
                0, " a b c ", false);
    check_words("x:s[N]; r=" ENCODER "(x) keys_strings=['u','v'] values_strings=['a','b'] "
                "default_string='c'; y=" HOT "(r) " ABC " zeros=0",
                0, "u v a b c ", true);
    check_words("x:s[N]; a=" ENCODER "(x) keys_strings=['a','b'] values_floats=[1.0,2.0] "
                "default_float=0.0; b=" ENCODER "(x) keys_strings=['c','b'] "
                "values_floats=[1.0,2.0]; y=Add(a,b)",
                0, "b c ", false);
}
END_TEST

/* Beyond 64 categories there is no table: it would have the square of their number. */
START_TEST(many_categories_need_no_table)
{
    enum { COUNT = 5000 };
    static char net[2][32 * COUNT];
    for (size_t k = 0; k < 2; k++) {
        size_t len = (size_t)sprintf(net[k], "x:%s[N,2]; h=" HOT "(x) cats_%s=[", k ? "s" : "i",
                                     k ? "strings" : "int64s");
        for (int i = 0; i < COUNT; i++)
            len += (size_t)sprintf(net[k] + len, k ? "'w%d'," : "%d,", 3 * i);
        sprintf(net[k] + len, "]; a=ArgMax(h) axis=2; c=Cast(a) to=1; s=ReduceSum(h) axes=[2]; "
                              "m=Mul(c,s); d=Concat(m,s) axis=1; y=Flatten(d)");
    }
    const struct onnx_case cases[] = {
        {net[0], 11, "3 14997 0 4", "1 4999 1 1 0 0 1 0"},
        {net[1], 11, "1 4999 0 5000", "1 4999 1 1 0 0 1 0"},
    };
    onnx_check_all(cases, 2);
}
END_TEST

RUN_SUITE("onnx_op_words", words_are_looked_up, numbers_are_categories_too,
          what_words_cannot_do_is_refused, a_feature_has_the_words_that_all_its_readers_know,
          many_categories_need_no_table)
