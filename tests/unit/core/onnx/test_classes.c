/* What ONNX files say of classes, in all the ways in which they do; and what they do not say. */
#include "tests/unit/onnx_case.h"
#include <locale.h>

#define MATRIX  "w=f[4,3]{1,0,0,0,1,0,0,0,1,0,0,0}; z=MatMul(x,w); "
#define SOFT    MATRIX "p=Softmax(z); >p:f[N,3]; "
#define COLUMN  "w=f[4,1]{1,0,0,0}; z=MatMul(x,w); "
#define SIGM    COLUMN "p=Sigmoid(z); >p:f[N,1]; "
#define ML      "@ai.onnx.ml"
#define WORDS   "c=s[3]{'cat','dog','ant'}; "
#define EXTRACT "e=ArrayFeatureExtractor" ML "(c,a); "
#define PLACE   "a=ArgMax(z) axis=1; "
#define LOOKUP  "l=Gather(c,a); >l:s[N]; "
#define NAMED   WORDS PLACE LOOKUP
#define CHOICE  "h=f{0.5}; g=Greater(p,h); y=i{9}; n=i{3}; "
#define ABOVE(v, bound)                                                                            \
    "h=f{" bound "}; g=Greater(" v ",h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]"
#define SERVED ">p:f[N,1]; "
#define LOGITS ">z:f[N,1]; "
#define CUBE   "x:f[N,1,3]; z=Neg(x); >z:f[N,1,3]; "
#define TEXTS  "t=Cast(a) to=8; >t:s[N]; "
#define PARTS                                                                                      \
    "o=i[1]{0}; b=i[1]{1}; d=i[1]{2}; e=i[1]{3}; f=Slice(p,o,b,b); g=Slice(p,b,d,b); "             \
    "h=Slice(p,d,e,b); "

struct told {
    const char *net, *labels; /* "cat dog ant"; "-": classes without labels; NULL: no classes */
    const char *x, *p;        /* a row, and its probabilities; or NULL */
};

static const struct told told[] = {
    /* scikit-learn without a ZipMap: lists of whole numbers, texts, booleans, through casts and reshapes */
    {SOFT "c=i32[3]{10,20,30}; a=ArgMax(p) axis=1; " EXTRACT "s=i[1]{-1}; r=Reshape(e,s); "
          "l=Cast(r) to=7; m=Cast(l) to=7; >m:i[N]",
     "10 20 30", "1 2 3 0", NULL},
    {SOFT "c=i[3]{-5,0,7}; a=ArgMax(p) axis=1; " EXTRACT "l=Identity(e); >l:i[N]", "-5 0 7", NULL,
     NULL},
    {SOFT WORDS "a=ArgMax(p) axis=1; " EXTRACT "s=i[1]{-1}; l=Reshape(e,s); >l:s[N]", "cat dog ant",
     "0 0 0 0", "0.33333334 0.33333334 0.33333334"},
    {SOFT "c=f[3]{1,2.5,3}; a=ArgMax(p) axis=1; " EXTRACT "l=Identity(e); >l:s[N]", "1 2.5 3", NULL,
     NULL},
    {SOFT "c=i[3]{0,1,1}; " PLACE "e=Gather(c,a); l=Cast(e) to=9; >l:b[N]", "false true true", NULL,
     NULL},
    /* the place of the greatest of the scores before the softmax, and lists that a Constant gives */
    {SOFT "c=Constant() value_strings=['a','b','c']; a=ArgMax(z) axis=-1; l=Gather(c,a); >l:s[N]",
     "a b c", NULL, NULL},
    {SOFT "c=Constant() value_ints=[7,8,9]; a=ArgMax(z) axis=1 keepdims=0; l=Gather(c,a); >l:i[N]",
     "7 8 9", NULL, NULL},
    {SOFT
     "c=Constant() value=i[3]{7,8,9}; a=ArgMax(z) axis=1; q=Squeeze(a); l=Gather(c,q); >l:i[N]",
     "7 8 9", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; l=LabelEncoder" ML "(a) keys_int64s=[2,0,1] "
          "values_strings=['two','none','one']; >l:s[N]",
     "none one two", NULL, NULL},
    {SOFT "c=i[3]{4,5,6}; a=ArgMax(z) axis=1; e=Gather(c,a); l=LabelEncoder" ML
          "(e) keys_int64s=[4,5,6] values_strings=['d','e','f']; >l:s[N]",
     "d e f", NULL, NULL},
    {SOFT WORDS "a=ArgMax(z) axis=1; e=Gather(c,a); l=LabelEncoder" ML
                "(e) keys_strings=['ant','cat','dog'] values_int64s=[3,1,2]; >l:i[N]",
     "1 2 3", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; l=LabelEncoder" ML
          "(a) keys_tensor=i[3]{0,1,2} values_tensor=s[3]{'x','y','z'}; >l:s[N]",
     "x y z", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; l=LabelEncoder" ML "(a) classes_strings=['x','y','z']; >l:s[N]",
     "x y z", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; l=Cast(a) to=8; >l:s[N]", "0 1 2", NULL, NULL},
    /* the scores themselves are served: probabilities or not */
    {MATRIX WORDS "a=ArgMax(z) axis=1; l=Gather(c,a); >l:s[N]; >z:f[N,3]", "cat dog ant", "0 0 0 0",
     "0.33333334 0.33333334 0.33333334"},
    {MATRIX "s=Sigmoid(z); i=i[1]{1}; t=ReduceSum(s,i); p=Div(s,t); " WORDS
            "a=ArgMax(s) axis=1; l=Gather(c,a); >l:s[N]; >p:f[N,3]",
     "cat dog ant", "0 0 0 0", "0.33333334 0.33333334 0.33333334"},
    {SIGM "o=f{1}; n=Sub(o,p); q=Concat(n,p) axis=1; c=i[2]{3,9}; a=ArgMax(q) axis=1; "
          "l=Gather(c,a); >l:i[N]; >q:f[N,2]",
     NULL, NULL, NULL}, /* two results: p is the first */
    {COLUMN
     "p=Sigmoid(z); o=f{1}; n=Sub(o,p); q=Concat(n,p) axis=1; c=i[2]{3,9}; a=ArgMax(q) axis=1; "
     "l=Gather(c,a); >l:i[N]; >q:f[N,2]",
     "3 9", "0 0 0 0", "0.5 0.5"},
    {COLUMN "m=f{-1}; n=Mul(z,m); q=Concat(n,z) axis=1; c=i[2]{3,9}; a=ArgMax(q) axis=1; "
            "l=Gather(c,a); >l:i[N]; >q:f[N,2]",
     "3 9", "1 0 0 0", "0.11920292 0.88079708"},
    /* one score and two classes */
    {SIGM "h=f{0.5}; g=Greater(p,h); i=Cast(g) to=7; c=s[2]{'no','yes'}; l=Gather(c,i); >l:s[N]",
     "no yes", "0 0 0 0", "0.5 0.5"},
    {SIGM "h=f{0.5}; g=Less(p,h); i=Cast(g) to=7; c=s[2]{'yes','no'}; l=Gather(c,i); >l:s[N]",
     "no yes", NULL, NULL},
    {SIGM "h=f{0.5}; g=GreaterOrEqual(p,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", "3 9", NULL,
     NULL},
    {SIGM "h=f{0}; g=Less(z,h); y=s{'low'}; n=s{'high'}; l=Where(g,y,n); >l:s[N]", "low high", NULL,
     NULL},
    /* one output a class */
    {MATRIX "p=Softmax(z); o=i[1]{0}; b=i[1]{1}; d=i[1]{2}; e=i[1]{3}; f=Slice(p,o,b,b); "
            "g=Slice(p,b,d,b); h=Slice(p,d,e,b); >f:f[N,1]; >g:f[N,1]; >h:f[N,1]; " WORDS
            "a=ArgMax(p) axis=1; l=Gather(c,a); >l:s[N]",
     "cat dog ant", "0 0 0 0", "0.33333334 0.33333334 0.33333334"},
    {MATRIX "p=Softmax(z); o=i[1]{0}; b=i[1]{1}; d=i[1]{2}; e=i[1]{3}; f=Slice(p,o,b,b); "
            "g=Slice(p,b,d,b); h=Slice(p,d,e,b); >g:f[N,1]; >f:f[N,1]; >h:f[N,1]; " WORDS
            "a=ArgMax(p) axis=1; l=Gather(c,a); >l:s[N]",
     NULL, NULL, NULL}, /* in another order */
    /* linear models */
    {"l,y=LinearClassifier" ML
     "(x) classlabels_strings=['a','b'] coefficients=[1.0,0.0,0.0,0.0,0.0,1.0,"
     "0.0,0.0] intercepts=[0.0,0.0] post_transform='SOFTMAX'; >l:s[N]; >y:f[N,2]",
     "a b", "0 0 0 0", "0.5 0.5"},
    {"l,y=LinearClassifier" ML "(x) classlabels_ints=[4,2] coefficients=[1.0,0.0,0.0,0.0] "
     "intercepts=[0.0] post_transform='LOGISTIC'; >l:i[N]; >y:f[N,2]",
     "4 2", "1 0 0 0", "0.26894143 0.73105860"},
    /* one score of two that are opposite */
    {"l,z=LinearClassifier" ML
     "(x) classlabels_ints=[4,2] coefficients=[-1.0,0.0,0.0,0.0,1.0,0.0,0.0,0.0] "
     "intercepts=[0.5,-0.5]; i=i{1}; y=ArrayFeatureExtractor" ML "(z,i); >l:i[N]; >y:f[N,1]",
     "4 2", "0.5 0 0 0", "0.5 0.5"},
    {"l,z=LinearClassifier" ML
     "(x) classlabels_ints=[4,2] coefficients=[-1.0,0.0,0.0,0.0,1.0,0.5,0.0,0.0] "
     "intercepts=[0.5,-0.5]; i=i{1}; y=ArrayFeatureExtractor" ML "(z,i); >l:i[N]; >y:f[N,1]",
     NULL, NULL, NULL},
    /* ZipMap */
    {MATRIX "p=Softmax(z); m=ZipMap" ML "(p) classlabels_int64s=[5,6,7]; >m", "5 6 7", NULL, NULL},
    {MATRIX "p=Softmax(z); m=ZipMap" ML "(p) classlabels_strings=['a','b','c']; >m", "a b c", NULL,
     NULL},
    {MATRIX "p=Softmax(z); m=ZipMap" ML "(p) classlabels_strings=['a','b']; >m", "-", NULL, NULL},
    {COLUMN "p=Sigmoid(z); m=ZipMap" ML "(p) classlabels_strings=['a','b']; >m", "a b", "0 0 0 0",
     "0.5 0.5"},
    /* what is not said is not made up */
    {SOFT, "-", NULL, NULL},
    {SOFT "l=ArgMax(p) axis=1; >l:i[N]", "-", NULL, NULL},
    {SOFT "c=i[2]{1,2}; a=ArgMax(p) axis=1; l=Gather(c,a); >l:i[N]", "-", NULL, NULL},
    {SOFT WORDS
     "v=f[4,3]{0,1,0,1,0,0,0,0,1,0,0,0}; q=MatMul(x,v); a=ArgMax(q) axis=1; l=Gather(c,a); "
     ">l:s[N]; >q:f[N,3]",
     "-", NULL, NULL}, /* of other scores */
    {SOFT WORDS "n=Neg(p); a=ArgMax(n) axis=1; l=Gather(c,a); >l:s[N]", "-", NULL, NULL},
    {SOFT WORDS "a=ArgMin(p) axis=1; l=Gather(c,a); >l:s[N]", "-", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; l=LabelEncoder" ML "(a) keys_int64s=[0,1] values_strings=['a','b'] "
          "default_string='rest'; >l:s[N]",
     "-", NULL, NULL},
    {SOFT "c=s[3]{'a','b'}; a=ArgMax(z) axis=1; l=Gather(c,a); >l:s[N]", "-", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=1; c=Cast(a) to=8; d=s[3]{'a','b','c'}; l=Gather(d,c); >l:s[N]", "-",
     NULL, NULL},
    {MATRIX "l=ArgMax(z) axis=1; >l:i[N]; >z:f[N,3]", NULL, NULL, NULL},
    {SIGM, NULL, NULL, NULL},
    /* a bound that is not ours */
    {SIGM "h=f{0.3}; g=Greater(p,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM "h=f{0.5}; g=Greater(z,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM "h=f{0}; g=Greater(p,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM "h=f[2]{0.5,1}; g=Greater(p,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL,
     NULL},
};

/* What is said in a way that cannot be followed: classes have no labels, or there are none. */
static const struct told unsaid[] = {
    /* LabelEncoder: a label that is no key, keys of another type, no keys, keys that are no tensor */
    {SOFT "c=i[3]{4,5,6}; " PLACE "e=Gather(c,a); l=LabelEncoder" ML
          "(e) keys_int64s=[4,5] values_strings=['d','e']; >l:s[N]",
     "-", NULL, NULL},
    {SOFT "c=i[3]{0,1,2}; " PLACE "e=Gather(c,a); l=LabelEncoder" ML
          "(e) keys_strings=['0','1','2'] values_strings=['d','e','f']; >l:s[N]",
     "-", NULL, NULL},
    {SOFT WORDS PLACE "e=Gather(c,a); l=LabelEncoder" ML
                      "(e) keys_int64s=[0,1,2] values_strings=['d','e','f']; >l:s[N]",
     "-", NULL, NULL},
    {SOFT WORDS PLACE "e=Gather(c,a); l=LabelEncoder" ML
                      "(e) classes_strings=['d','e','f']; >l:s[N]",
     "-", NULL, NULL},
    {SOFT PLACE "l=LabelEncoder" ML "(a) keys_int64s=[] values_strings=['d']; >l:s[N]", "-", NULL,
     NULL},
    {SOFT PLACE "l=LabelEncoder" ML "(a) keys_tensor='a' values_strings=['d']; >l:s[N]", "-", NULL,
     NULL},
    {SOFT PLACE "l=LabelEncoder" ML "(a) keys_tensor=#5 values_strings=['d']; >l:s[N]", "-", NULL,
     NULL},
    {SOFT PLACE "l=LabelEncoder" ML
                "(a) keys_tensor=i[-1]{0,1,2} values_strings=['x','y','z']; >l:s[N]",
     "-", NULL, NULL},
    /* lists that are none of labels */
    {SOFT "c=s[3]{'a','b','c\\0d'}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=s[3]{'a','b','\xff'}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=c[3]{1,2,3}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=f[3]{1,2}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=i[3]{1,2}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "k=s[3]{'a','b','c'}; c=Identity(k); " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value_float=1.0; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value='a'; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value=#5; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value=i[-1]{7,8,9}; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value_strings=[]; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value_strings=#9; " PLACE LOOKUP, "-", NULL, NULL},
    {SOFT "c=Constant() value_ints=[]; " PLACE LOOKUP, "-", NULL, NULL},
    {MATRIX "p=Softmax(z); m=ZipMap" ML "(p) classlabels_strings=#9; >m", "-", NULL, NULL},
    /* operations that lack what they look up, or look up twice */
    {SOFT WORDS "l=Gather(c); >l:s[N]", "-", NULL, NULL},
    {SOFT "l=ArgMax(,z) axis=1; m=Cast(l) to=8; >m:s[N]", "-", NULL, NULL},
    {SOFT PLACE "c=i[3]{2,1,0}; b=Gather(c,a); d=s[3]{'a','b','c'}; l=Gather(d,b); >l:s[N]", "-",
     NULL, NULL},
    {SOFT PLACE "l=Cast(a) to='s'; >l:s[N]", "-", NULL, NULL},
    {SOFT WORDS "a=ArgMax(z); " LOOKUP, "-", NULL, NULL}, /* of the batch */
    {SOFT WORDS "a=ArgMax(z) axis='s'; " LOOKUP, "-", NULL, NULL},
    {SOFT "l=LinearClassifier" ML "(x) classlabels_strings=['a','b','c']; >l:s[N]", "-", NULL,
     NULL},
    {SOFT "m,l=LinearClassifier" ML "(x) classlabels_strings=['a','b','c']; >l:s[N]", "-", NULL,
     NULL},
    {SOFT WORDS "k=Constant() value_ints=[1]; a=ArgMax(k) axis=1; " LOOKUP, "-", NULL, NULL},
    {SOFT WORDS "a=ArgMax(x) axis=1; " LOOKUP, "-", NULL, NULL},
    /* one score and two classes */
    {SIGM "g=Greater(p); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM "h=f{0.5}; g=Greater(,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "l=Where(g,y); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "a=ArgMax(p) axis=1; l=Where(a,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "c=i[2]{1,0}; e=Gather(c,g); l=Where(e,y,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "k=i[2]{8,9}; l=Where(g,k,n); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "k=i[2]{8,9}; l=Where(g,y,k); >l:i[N]", NULL, NULL, NULL},
    {SIGM CHOICE "k=s{'low'}; l=Where(g,y,k); >l:i[N]", NULL, NULL, NULL},
    {SOFT CHOICE "l=Where(g,y,n); >l:i[N]", "-", NULL, NULL},
};

/* Scores that are served in another form than that of which the label is the greatest: their order must be the same. */
static const struct told orders[] = {
    {MATRIX WORDS "q=Softmax(z); a=ArgMax(q) axis=1; " LOOKUP ">z:f[N,3]", "cat dog ant", NULL,
     NULL},
    {MATRIX NAMED "e=Exp(z); >e:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "s=Sigmoid(z); e=Log(s); >e:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "e=Log(z); >e:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "m=ReduceMax(z) axes=[1]; d=Sub(z,m); >d:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "m=Normalizer" ML "(z) norm='L1'; >m:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "m=Normalizer" ML "(z) norm='L2'; >m:f[N,3]", "cat dog ant", NULL, NULL},
    {MATRIX NAMED "e=Exp(z); m=ReduceMax(e) axes=[1]; k=f{0.1}; n=Add(m,k); d=Div(e,n); >d:f[N,3]",
     "cat dog ant", NULL, NULL},
    {MATRIX NAMED "e=Abs(z); m=ReduceSum(e) axes=[1]; k=f{0.1}; n=Max(m,k); d=Div(z,n); >d:f[N,3]",
     "cat dog ant", NULL, NULL},
    {"x:f[4]; z=Neg(x); p=Softmax(z) axis=0; >p:f[4]; c=s[4]{'a','b','c','d'}; a=ArgMax(z) "
     "axis=0; " LOOKUP,
     "a b c d", "0 0 0 0", "0.25 0.25 0.25 0.25"}, /* a row, no batch */
    /* a divisor below 0 turns it round */
    {MATRIX NAMED "m=ReduceSum(z) axes=[1]; d=Div(z,m); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "m=Normalizer" ML "(z) norm='MAX'; >m:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "e=Abs(z); m=ReduceSum(e) axes=[1]; k=f{-9}; n=Add(m,k); d=Div(z,n); >d:f[N,3]",
     NULL, NULL, NULL},
    {MATRIX NAMED "k=i[1]{0}; m=Gather(x,k) axis=1; d=Div(z,m); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "k=i[1]{0}; m=Gather(z,k) axis=1; n=Floor(m); d=Div(z,n); >d:f[N,3]", NULL, NULL,
     NULL},
    {MATRIX NAMED "m=ArgMin(z) axis=1 select_last_index=1; d=Div(z,m); >d:f[N,3]", NULL, NULL,
     NULL},
    {MATRIX NAMED
     "e=Exp(z); m=ReduceMax(e) axes=[1]; k=f{1}; n=Add(m,k); n1=Add(n,k); n2=Add(n1,k); "
     "n3=Add(n2,k); n4=Add(n3,k); n5=Add(n4,k); n6=Add(n5,k); d=Div(z,n6); >d:f[N,3]",
     NULL, NULL, NULL}, /* a long way off */
    /* so do others, or they change single columns */
    {MATRIX NAMED "m=ReduceMax(z) axes=[1]; d=Mul(z,m); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "k=f{1}; d=Sub(k,z); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "k=f[3]{0,1,2}; d=Sub(z,k); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "r=Relu(z); d=Sub(z,r); >d:f[N,3]", NULL, NULL, NULL},
    {MATRIX NAMED "k=i[3]{2,1,0}; r=Gather(z,k) axis=1; d=Sub(z,r); >d:f[N,3]", NULL, NULL, NULL},
    {"x:f[N,3]; w=f[3,3]{1,0,0,0,1,0,0,0,1}; z=MatMul(x,w); " NAMED "d=Sub(z,x); >d:f[N,3]", NULL,
     NULL, NULL},
    {MATRIX NAMED "r=Relu(z); >r:f[N,3]", NULL, NULL, NULL},
    {"x:f[N,2,3]; z=Neg(x); p=Softmax(z); >p:f[N,2,3]; " NAMED, NULL, NULL, NULL},
    /* the input itself has no scores */
    {"y=Identity(x); z=Neg(x); " NAMED ">y:f[N,4]; >z:f[N,4]", NULL, NULL, NULL},
    {"y=Identity(x); " WORDS "a=ArgMax(x) axis=1; " LOOKUP ">y:f[N,4]", NULL, NULL, NULL},
    {">x:f[N,4]", NULL, NULL, NULL},
    /* one output a class: of the same scores, all of their columns, one each */
    {MATRIX "p=Softmax(z); " PARTS ">f:f[N,1]; >g:f[N,1]; >h:f[N,1]; n=Neg(z); " WORDS
            "a=ArgMax(n) axis=1; " LOOKUP,
     NULL, NULL, NULL},
    {MATRIX "p=Softmax(z); " PARTS ">f:f[N,1]; >g:f[N,1]; " NAMED, NULL, NULL, NULL},
    {MATRIX "p=Softmax(z); " PARTS "i=Slice(p,o,d,b); >i:f[N,2]; >g:f[N,1]; >h:f[N,1]; " NAMED,
     NULL, NULL, NULL},
    {MATRIX "p=Softmax(z); q=Exp(z); " PARTS
            "i=Slice(q,b,d,b); >f:f[N,1]; >i:f[N,1]; >h:f[N,1]; " NAMED,
     NULL, NULL, NULL},
    {COLUMN "p=Sigmoid(z); " CHOICE "l=Where(g,y,n); o=i[1]{0}; b=i[1]{1}; q=Slice(p,o,b,b); "
            ">l:i[N]; >q:f[N,1]",
     NULL, NULL, NULL},
};

/* One score: what relud decides on is what the file decides on. */
static const struct told cuts[] = {
    /* the same logit, or its sigmoid, whether served or only for the label */
    {COLUMN LOGITS ABOVE("z", "0"), "3 9", "0 0 0 0", "0.5 0.5"},
    {COLUMN "s=Sigmoid(z); " LOGITS ABOVE("s", "0.5"), "3 9", "1 0 0 0", "0.26894143 0.7310586"},
    {COLUMN "s=Sigmoid(z); c=Cast(s) to=11; " LOGITS ABOVE("c", "0.5"), "3 9", NULL, NULL},
    {COLUMN "k=i[1]{-1}; r=Reshape(z,k); s=Sigmoid(r); " LOGITS ABOVE("s", "0.5"), "3 9", NULL,
     NULL},
    {COLUMN "s=Sigmoid(z); r=Squeeze(s); " LOGITS ABOVE("r", "0.5"), "3 9", NULL, NULL},
    {COLUMN "p=Sigmoid(z); " LOGITS SERVED ABOVE("p", "0.5"), "3 9", NULL, NULL},
    {COLUMN "p=Sigmoid(z); " SERVED LOGITS ABOVE("z", "0"), "3 9", NULL, NULL},
    {SIGM "s=Sigmoid(z); " ABOVE("s", "0.5"), "3 9", NULL, NULL},
    {SIGM "s=Sigmoid(p); e=Identity(z); " ABOVE("e", "0"), "3 9", NULL, NULL},
    {COLUMN "q=Sigmoid(z); p=Sigmoid(q); " SERVED ABOVE("p", "0.5"), "3 9", NULL, NULL},
    {"x:f[N,1]; p=Sigmoid(x); " SERVED ABOVE("p", "0.5"), "3 9", "1", "0.26894143 0.7310586"},
    {COLUMN "p=Relu(z); s=Sigmoid(p); " SERVED ABOVE("s", "0.5"), "3 9", NULL, NULL},
    /* another function of it is served */
    {COLUMN "p=Exp(z); " SERVED ABOVE("z", "0"), NULL, NULL, NULL},
    {COLUMN "p=Log(z); " SERVED ABOVE("z", "0"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); p=Log(s); " SERVED ABOVE("s", "0.5"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); p=Log(s); " SERVED ABOVE("z", "0"), NULL, NULL, NULL},
    {COLUMN "q=Sigmoid(z); p=Sigmoid(q); " SERVED ABOVE("q", "0.5"), NULL, NULL, NULL},
    {COLUMN "p=Softmax(z); " SERVED ABOVE("z", "0"), "-", NULL, NULL},
    {COLUMN "m=ReduceMax(z) axes=[1]; p=Sub(z,m); " SERVED ABOVE("z", "0"), NULL, NULL, NULL},
    /* another function of it is compared */
    {COLUMN "s=Sigmoid(z); " LOGITS ABOVE("s", "0"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); " LOGITS ABOVE("z", "0.5"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); r=Sigmoid(s); " LOGITS ABOVE("r", "0.5"), NULL, NULL, NULL},
    {COLUMN "e=Exp(z); " LOGITS ABOVE("e", "0"), NULL, NULL, NULL},
    {COLUMN "e=Log(z); " LOGITS ABOVE("e", "0"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); e=Log(s); " LOGITS ABOVE("e", "0"), NULL, NULL, NULL},
    {COLUMN "s=Sigmoid(z); e=Exp(s); " LOGITS ABOVE("e", "0.5"), NULL, NULL, NULL},
    {COLUMN "s=Softmax(z); " LOGITS ABOVE("s", "0"), NULL, NULL, NULL},
    {COLUMN "s=LogSoftmax(z); " LOGITS ABOVE("s", "0"), NULL, NULL, NULL},
    {COLUMN "e=Cast(z) to=7; " LOGITS ABOVE("e", "0"), NULL, NULL, NULL},
    {COLUMN "e=Cast(z) to='s'; " LOGITS ABOVE("e", "0"), NULL, NULL, NULL},
    /* scores that crowd at the bound: sigmoid rounds many of them to 0.5 */
    {COLUMN "p=Exp(z); " SERVED ABOVE("p", "0"), NULL, NULL, NULL},
    {COLUMN "p=Softplus(z); " SERVED ABOVE("p", "0"), NULL, NULL, NULL},
    /* bounds that are no numbers */
    {COLUMN "h=s{'0'}; g=Greater(z,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]; " LOGITS, "3 9",
     NULL, NULL},
    {COLUMN "h=s{'high'}; g=Greater(z,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]; " LOGITS, NULL,
     NULL, NULL},
    {COLUMN "h=s{'0,5'}; g=Greater(z,h); y=i{9}; n=i{3}; l=Where(g,y,n); >l:i[N]; " LOGITS, NULL,
     NULL, NULL},
};

/* The label is the place of the greatest along the classes, the last axis, and along no other. */
static const struct told axes[] = {
    {SOFT "a=ArgMax(z) axis=-1; " TEXTS, "0 1 2", NULL, NULL},
    {SOFT "k=i[2]{-1,3}; r=Reshape(z,k); a=ArgMax(r) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {SOFT "k=i[2]{0,-1}; r=Reshape(z,k); a=ArgMax(r) axis=-1; " TEXTS, "0 1 2", NULL, NULL},
    {SOFT "r=Flatten(z); a=ArgMax(r) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {SOFT "q=Softmax(z) axis=1; e=Exp(q); a=ArgMax(e) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {SOFT "q=LogSoftmax(z); f=Cast(q) to=11; a=ArgMax(f) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "o=i[1]{1}; r=Squeeze(z,o); a=ArgMax(r) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "r=Squeeze(z) axes=[1]; a=ArgMax(r) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "r=Squeeze(z); a=ArgMax(r) axis=-1; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "a=ArgMax(z) axis=2; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "r=Flatten(z); a=ArgMax(r) axis=1; " TEXTS, "0 1 2", NULL, NULL},
    /* the batch, an axis of one element, none */
    {SOFT "a=ArgMax(z) axis=-2; " TEXTS, "-", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=0; " TEXTS, "-", NULL, NULL},
    {SOFT WORDS "a=ArgMax(z) axis=-2; " LOOKUP, "-", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=2; " TEXTS, "-", NULL, NULL},
    {SOFT "a=ArgMax(z) axis=-3; " TEXTS, "-", NULL, NULL},
    {CUBE "a=ArgMax(z) axis=1; " TEXTS, NULL, NULL, NULL},
    {CUBE "r=Squeeze(z); a=ArgMax(r) axis=1; " TEXTS, NULL, NULL, NULL},
    {"x:f[N,2,3]; z=Neg(x); a=ArgMax(z) axis=2; " TEXTS ">z:f[N,2,3]", NULL, NULL, NULL},
    {SOFT "k=i[2]{-1,1}; r=Reshape(z,k); a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "k=i[1]{-1}; r=Reshape(z,k); a=ArgMax(r) axis=-1; " TEXTS, "-", NULL, NULL},
    {SOFT "k=i[2]{3,-1}; r=Reshape(z,k); a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "k=f[2]{-1,3}; r=Reshape(z,k); a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "k=Shape(z); r=Reshape(z,k); a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "r=Reshape(z); a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "r=Flatten(z) axis=0; a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "r=Flatten(z) axis=2; a=ArgMax(r) axis=1; " TEXTS, "-", NULL, NULL},
    {"x:f[3]; z=Neg(x); r=Flatten(z); a=ArgMax(r) axis=1; " TEXTS ">z:f[3]", NULL, NULL, NULL},
    {SOFT "q=Softmax(z) axis=0; a=ArgMax(q) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "q=Softmax(z) axis='s'; a=ArgMax(q) axis=1; " TEXTS, "-", NULL, NULL},
    {SOFT "q=Cast(z) to=7; a=ArgMax(q) axis=1; " TEXTS, "-", NULL, NULL},
    {CUBE "r=Squeeze(z); q=Softmax(r); a=ArgMax(q) axis=-1; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "r=Squeeze(z); q=Softmax(r) axis=1; a=ArgMax(q) axis=-1; " TEXTS, NULL, NULL, NULL},
};

/* Before opset 13, a softmax is over all axes from its own on. */
static const struct told old_axes[] = {
    {CUBE "q=Softmax(z); a=ArgMax(q) axis=2; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "q=Softmax(z) axis=-2; a=ArgMax(q) axis=2; " TEXTS, "0 1 2", NULL, NULL},
    {CUBE "q=Softmax(z) axis=0; a=ArgMax(q) axis=2; " TEXTS, NULL, NULL, NULL},
    {CUBE "q=Softmax(z) axis=3; a=ArgMax(q) axis=2; " TEXTS, NULL, NULL, NULL},
};

static void check_labels(const struct told *with, const struct relud_model_info *info)
{
    char text[128] = "";
    ck_assert_msg(info->task == (with->labels ? RELUD_TASK_CLASSIFICATION : RELUD_TASK_NONE), "%s",
                  with->net);
    if (!with->labels)
        return;
    for (size_t i = 0; info->labels && i < info->classes; i++) {
        strcat(text, i ? " " : "");
        strcat(text, info->labels[i]);
    }
    ck_assert_msg(strcmp(text, info->labels ? with->labels : "") == 0 &&
                      (info->labels || strcmp(with->labels, "-") == 0),
                  "%s: '%s' instead of '%s'", with->net, text, with->labels);
}

static void check_probabilities(const struct told *with, relud_model *model)
{
    float x[8], wanted[8], y[8], p[8];
    struct relud_error error;
    if (!with->p)
        return;
    onnx_numbers_of(with->x, x, 8);
    size_t count = onnx_numbers_of(with->p, wanted, 8);
    ck_assert_uint_eq(count, relud_model_info(model)->classes);
    relud_scratch *scratch = relud_scratch_new(model, 1, &error);
    relud_predict(scratch, x, 1, y);
    relud_probabilities(model, y, 1, p);
    relud_scratch_free(scratch);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(fabsf(p[i] - wanted[i]) < 1e-6f, "%s: %zu: %.9g", with->net, i, (double)p[i]);
}

/* All of them; then again with each piece of memory refused once. */
static void check_all(const struct told *with, size_t count, uint64_t opset)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/relud-classes-%d.onnx", (int)getpid());
    for (size_t i = 0; i < count; i++) {
        struct buffer bytes = onnx_of(with[i].net, opset);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        ck_assert_msg(model != NULL, "%s: %s", with[i].net, error.text);
        check_labels(&with[i], relud_model_info(model));
        check_probabilities(&with[i], model);
        relud_model_release(model);
        write_bytes(path, &bytes);
        free(bytes.at);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, onnx_loads, path);
    }
    unlink(path);
}

START_TEST(F1_a_label_is_what_the_file_says)
{
    check_all(told, sizeof told / sizeof *told, 17);
}
END_TEST

START_TEST(F1_a_label_that_cannot_be_followed_is_none)
{
    check_all(unsaid, sizeof unsaid / sizeof *unsaid, 17);
}
END_TEST

START_TEST(F1_labels_are_for_scores_of_the_same_order)
{
    check_all(orders, sizeof orders / sizeof *orders, 17);
}
END_TEST

START_TEST(F1_labels_of_one_score_are_cut_where_relud_cuts)
{
    check_all(cuts, sizeof cuts / sizeof *cuts, 17);
}
END_TEST

START_TEST(F1_labels_are_of_the_last_axis)
{
    check_all(axes, sizeof axes / sizeof *axes, 17);
    check_all(old_axes, sizeof old_axes / sizeof *old_axes, 12);
}
END_TEST

/* Where a comma is the decimal point, if such a locale is installed. */
START_TEST(F1_a_bound_is_a_number_in_every_locale)
{
    struct buffer bytes = onnx_of(COLUMN "s=Sigmoid(z); " LOGITS ABOVE("s", "0.5"), 17);
    struct relud_error error = {0};
    setlocale(LC_ALL, "de_DE.UTF-8");
    relud_model *model = onnx_load(&bytes, &error);
    setlocale(LC_ALL, "C");
    free(bytes.at);
    ck_assert_ptr_nonnull(model);
    ck_assert_int_eq(relud_model_info(model)->task, RELUD_TASK_CLASSIFICATION);
    relud_model_release(model);
}
END_TEST

/* A chain of operations that change nothing, behind the label or before its scores. */
static void check_chain(bool is_of_label, int links, const char *labels)
{
    char net[4096] = SOFT WORDS, link[64];
    strcat(net, is_of_label ? PLACE "e=Gather(c,a); k0=Identity(e); " : "k0=Identity(z); ");
    for (int k = 1; k < links; k++) {
        snprintf(link, sizeof link, "k%d=Identity(k%d); ", k, k - 1);
        strcat(net, link);
    }
    if (is_of_label)
        snprintf(link, sizeof link, "l=Identity(k%d); >l:s[N]", links - 1);
    else
        snprintf(link, sizeof link, "a=ArgMax(k%d) axis=1; " LOOKUP, links - 1);
    strcat(net, link);
    check_all(&(struct told){net, labels, NULL, NULL}, 1, 17);
}

START_TEST(F1_a_label_is_followed_a_bounded_way)
{
    check_chain(true, 30, "cat dog ant");
    check_chain(true, 40, "-");
    check_chain(false, 30, "cat dog ant");
    check_chain(false, 40, "-");
}
END_TEST

RUN_SUITE("onnx_classes", F1_a_label_is_what_the_file_says,
          F1_a_label_that_cannot_be_followed_is_none, F1_labels_are_for_scores_of_the_same_order,
          F1_labels_of_one_score_are_cut_where_relud_cuts, F1_labels_are_of_the_last_axis,
          F1_a_bound_is_a_number_in_every_locale, F1_a_label_is_followed_a_bounded_way)
