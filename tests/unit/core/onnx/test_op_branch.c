/* If: branches that a constant or the row decides between. */
#include "tests/unit/onnx_case.h"

static const struct onnx_case constants[] = {
    {"c=b{1}; y=If(c) then_branch=(t=Neg(x); >t) else_branch=(e=Abs(x); >e)", 17, "1 -2 3 4",
     "-1 2 -3 -4"},
    {"c=b{0}; y=If(c) then_branch=(t=Neg(x); >t) else_branch=(e=Abs(x); >e)", 17, "1 -2 3 4",
     "1 2 3 4"},
    /* the branch that is not taken may be one that relud does not read */
    {"c=b[1]{1}; y=If(c) then_branch=(t=Neg(x); >t) else_branch=(e=Loop(x); >e)", 17, "1 -2 3 4",
     "-1 2 -3 -4"},
    /* what TorchScript writes for squeeze(1) */
    {"x:f[N,1]; s=Shape(x); i=i{1}; d=Gather(s,i); c=Equal(d,i); "
     "y=If(c) then_branch=(a=i[1]{1}; t=Squeeze(x,a); >t) else_branch=(e=Identity(x); >e)",
     17, "1 2 3", "1 2 3"},
    {"c=b{1}; y,z=If(c) then_branch=(w=f[4]{1,2,3,4}; t=Add(x,w); >t; >x) "
     "else_branch=(e=Abs(x); >e; >e); >y:f; >z:f",
     17, "0 0 0 1", "1 2 3 5 0 0 0 1"},
    {"c=b{1}; d=b{0}; y=If(c) then_branch=(i=If(d) then_branch=(t=Neg(x); >t) "
     "else_branch=(u=Abs(x); >u); >i) else_branch=(e=Neg(x); >e)",
     17, "1 -2 3 4", "1 2 3 4"},
    {"y=If(c) then_branch=(t=Neg(q); >t) else_branch=(>x); q=Relu(x); c=b{1}", 17, "1 -2 3 4",
     "-1 0 -3 -4"},
};

static const struct onnx_case rows[] = {
    {"x:f[1,2]; z=f{0}; i=i{0}; j=i{0}; r=Gather(x,i); e=Gather(r,j); c=Greater(e,z); "
     "y=If(c) then_branch=(t=Neg(x); >t) else_branch=(n=Abs(x); >n)",
     17, "1 -2 -1 -2", "-1 2 1 2"},
    {"x:f[N,1]; z=f{0}; c=Greater(x,z); y=If(c) then_branch=(t=Neg(x); >t) "
     "else_branch=(k=f[1,1]{7}; >k)",
     17, "1 -2", "-1 7"},
    /* both branches may use the same names */
    {"x:f[N,1]; z=f{0}; c=Greater(x,z); y=If(c) then_branch=(t=Neg(x); >t) "
     "else_branch=(t=Abs(x); >t)",
     17, "1 -2", "-1 2"},
    /* what is not chosen may be infinite or NaN */
    {"x:f[N,1]; z=f{0}; c=Greater(x,z); y=If(c) then_branch=(t=Log(x); >t) else_branch=(>x)", 17,
     "1 -2", "0 -2"},
};

static const struct onnx_case refused[] = {
    {"z=f{0}; c=Greater(x,z); y=If(c) then_branch=(>x) else_branch=(>x)", 17, NULL,
     "its condition is 4 values a row; one number is wanted"},
    {"x:f[N,1]; z=f{0}; c=Greater(x,z); y=If(c) then_branch=(>x) else_branch=(k=f[1,2]{1,2}; >k)",
     17, NULL, "its branches give different shapes"},
    {"c=b{1}; y=If(c) else_branch=(>x)", 17, NULL, "a branch is missing"},
    {"c=b{1}; y=If(c) then_branch=1 else_branch=(>x)", 17, NULL, "a branch is missing"},
    {"c=b{1}; y=If(c) then_branch=(>x; >x) else_branch=(>x)", 17, NULL, "other outputs than"},
    {"c=b{1}; y=If(c) then_branch=(x=Neg(x); >x) else_branch=(>x)", 17, NULL, "'x' is made twice"},
    {"c=b{1}; y=If(c) then_branch=(t=Neg(x); t=Neg(x); >t) else_branch=(>x)", 17, NULL,
     "'t' is made twice"},
    {"c=b{1}; y=If(c) then_branch=(t=Neg(q); >t) else_branch=(>x)", 17, NULL,
     "reads 'q', which nothing makes"},
    {"c=b{1}; y=If(c) then_branch=(>q) else_branch=(>x)", 17, NULL, "'q', which nothing makes"},
    {"c=b{1}; y=If(c) then_branch=(t=Neg(y); >t) else_branch=(>x)", 17, NULL,
     "it reads 'y', which is made of what this node makes"},
    {"s=Shape(x) end=1; o=i[1]{1}; c=Equal(s,o); y=If(c) then_branch=(>x) else_branch=(>x)", 17,
     NULL, "it depends on the number of rows"},
    {"y=If() then_branch=(>x) else_branch=(>x)", 17, NULL, "input 0 is missing"},
};

START_TEST(a_constant_decides_which_branch_is_read)
{
    onnx_check_all(constants, sizeof constants / sizeof *constants);
}
END_TEST

START_TEST(each_row_takes_its_branch)
{
    onnx_check_all(rows, sizeof rows / sizeof *rows);
}
END_TEST

START_TEST(other_conditions_are_refused)
{
    onnx_check_all(refused, sizeof refused / sizeof *refused);
}
END_TEST

/* Branches in branches, deeper than is read: each node holds the next. */
START_TEST(branches_are_as_deep_as_the_limit)
{
    for (int depth = 1; depth < 40; depth++) {
        char net[4096] = "c=b{1}; y=If(c) ";
        for (int i = 1; i < depth; i++)
            strcat(net, "else_branch=(>x) then_branch=(q=If(c) ");
        strcat(net, "else_branch=(>x) then_branch=(>x)");
        for (int i = 1; i < depth; i++)
            strcat(net, "; >q)");
        struct buffer bytes = onnx_of(net, 17);
        struct relud_error error = {0};
        relud_model *model = onnx_load(&bytes, &error);
        /* `q` is made again within itself from the third on */
        if (depth > 8)
            ck_assert_ptr_nonnull(strstr(error.text, "more than 8 deep"));
        relud_model_release(model);
        free(bytes.at);
    }
}
END_TEST

RUN_SUITE("onnx_op_branch", a_constant_decides_which_branch_is_read, each_row_takes_its_branch,
          other_conditions_are_refused, branches_are_as_deep_as_the_limit)
