/* Einsum: transpositions, sums and products with constants. */
#include "tests/unit/onnx_case.h"

#define BATCH "along the batch: rows would depend on each other"
#define LAST  "the batch is axis 1 of output 'y': transpose it to be the first"

static const struct onnx_case products[] = {
    {"w=f[2,4]{1,0,1,0,0,1,0,1}; y=Einsum(x,w) equation='bi,oi->bo'", 17, "1 2 3 4", "4 6"},
    {"w=f[4,2]{1,0,0,1,1,0,0,1}; y=Einsum(x,w) equation='ij,jk->ik'", 17, "1 2 3 4", "4 6"},
    {"w=f[4,2]{1,0,0,1,1,0,0,1}; y=Einsum(x,w) equation=' i j , j k '", 17, "1 2 3 4", "4 6"},
    {"w=f[4,2]{1,0,0,1,1,0,0,1}; y=Einsum(w,x) equation='io,bi->bo'", 17, "1 2 3 4", "4 6"},
    {"w=f[4,2]{1,0,0,1,1,0,0,1}; y=Einsum(x,w) equation='...i,io->...o'", 17, "1 2 3 4", "4 6"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='...i,io->...o'", 17, "1 0 0 1",
     "1 2 3 4"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='bti,oi->bto'", 17, "1 0 0 1",
     "1 3 2 4"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='bti,io->bot'", 17, "1 0 0 1",
     "1 3 2 4"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='bij,ij->b'", 17, "1 1 1 2", "14"},
    {"x:f[N,2,2]; w=f[2,2,2]{1,2,3,4,5,6,7,8}; y=Einsum(x,w) equation='bij,jio->bo'", 17, "1 0 1 0",
     "4 6"},
    {"x:f[N,2,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='bij,ji->b'", 17, "0 1 0 0", "3"},
    {"w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='bi,i->b'", 17, "1 1 1 2", "14"},
    {"w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='bi,i->bi'", 17, "1 1 1 2", "1 2 3 8"},
    {"w=i[4]{1,2,3,4}; y=Einsum(x,w) equation='bi,i->bi'", 17, "1 1 1 2", "1 2 3 8"},
    {"x:f[N,2]; w=f[2]{1,2}; y=Einsum(x,w) equation='bi,o->bio'", 17, "1 3", "1 2 3 6"},
    {"x:f[N,2]; w=f[2]{1,2}; y=Einsum(x,w) equation='bi,o->boi'", 17, "1 3", "1 3 2 6"},
    {"x:f[N,2]; w=f[2]{1,2}; y=Einsum(x,w) equation='bi,o->bo'", 17, "1 3", "4 8"},
    {"x:f[N,2]; w=f[2,3]{1,2,3,4,5,6}; y=Einsum(x,w) equation='bi,ij->bi'", 17, "1 3", "6 45"},
    /* a stack of matrices, one for each head */
    {"x:f[N,2,2]; w=f[2,2,1]{1,2,3,4}; y=Einsum(x,w) equation='bhi,hio->bho'", 17, "1 2 3 4",
     "5 25"},
    {"x:f[N,2,2]; w=f[2,1,2]{1,2,3,4}; y=Einsum(x,w) equation='bih,hoi->boh'", 17, "1 2 3 4",
     "7 22"},
    {"x:f[2,1,2]; w=f[2,2,1]{1,2,3,4}; y=Einsum(x,w) equation='bij,bjk->bik'", 17, "1 2 3 4",
     "5 25"},
    {"x:f[4]; w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='i,i'", 17, "1 1 1 2", "14"},
    {"c=f[1,2]{1,2}; w=f[2,4]{1,2,3,4,5,6,7,8}; p=Einsum(c,w) equation='ij,jk->ik'; y=Add(x,p)", 17,
     "0 0 0 1", "11 14 17 21"},
    {"w=f[4,2]{1,2,3,4,5,6,7,8}; y=Einsum(x,w) equation='ij,kj->ik'", 17, NULL,
     "axes of 4 and 2 have one letter"},
    {"w=f[1,4]{1,2,3,4}; y=Einsum(w,x) equation='ab,bc->ac'", 17, NULL, "it multiplies " BATCH},
    {"w=f[4,1]{1,2,3,4}; y=Einsum(x,w) equation='bi,io->ob'", 17, NULL, LAST},
    {"w=f[4,2]{1,0,0,1,1,0,0,1}; p=Einsum(x,w) equation='bi,io->ob'; y=Transpose(p)", 17, "1 2 3 4",
     "4 6"},
    {"w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='bi,i->ib'", 17, NULL, LAST},
    {"w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='bi,i->i'", 17, NULL, "it reduces " BATCH},
    {"w=i[4,1]{1,2,3,4}; y=Einsum(x,w) equation='bi,io->bo'", 17, NULL,
     "its matrix is not of floats"},
    {"x:f[N,65,1]; s=i[3]{65,1,1}; w=ConstantOfShape(s); y=Einsum(x,w) equation='bhi,hio->bho'", 17,
     NULL, "a stack of 65 matrices; at most 64 are taken"},
};

/* Of two tensors that both vary. */
static const struct onnx_case varying[] = {
    {"y=Einsum(x,x) equation='bi,bi->b'", 17, "1 2 3 4", "30"},
    {"y=Einsum(x,x) equation='bi,bi->bi'", 17, "1 2 3 4", "1 4 9 16"},
    {"x:f[N,2]; z:f[N,2]; y=Einsum(x,z) equation='bi,bj->bij'", 17, "1 2 3 4", "3 4 6 8"},
    {"x:f[N,2]; z:f[N,2]; y=Einsum(x,z) equation='bi,bj->bji'", 17, "1 2 3 4", "3 6 4 8"},
    {"x:f[N,2]; z:f[N,2,2]; y=Einsum(x,z) equation='bi,bij->bj'", 17, "1 2 1 2 3 4", "7 10"},
    {"x:f[N,2,2]; y=Einsum(x,x) equation='bij,bkj->bik'", 17, "1 2 3 4", "5 11 11 25"},
    {"y=Einsum(x,x) equation='bi,ci->bc'", 17, NULL, "it combines numbers " BATCH},
    {"y=Einsum(x,x) equation='bi,bj->ij'", 17, NULL, "it reduces " BATCH},
};

static const struct onnx_case equations[] = {
    {"x:f[N,2,2]; y=Einsum(x) equation='bij->bji'", 17, "1 2 3 4", "1 3 2 4"},
    {"x:f[N,2,2]; y=Einsum(x) equation='bij->bj'", 17, "1 2 3 4", "4 6"},
    {"x:f[N,2,2]; y=Einsum(x) equation='...ij->...ji'", 17, "1 2 3 4", "1 3 2 4"},
    {"y=Einsum(x) equation='bi->b'", 17, "1 2 3 4", "10"},
    {"x:f[2,2]; y=Einsum(x) equation='ba'", 17, "1 2 3 4", "1 3 2 4"},
    {"x:f[2,2]; y=Einsum(x) equation='ab->'", 17, "1 2 3 4", "10"},
    {"y=Einsum(x) equation='bi->ib'", 17, NULL, LAST},
    {"y=Einsum(x) equation='bi->i'", 17, NULL, "it reduces " BATCH},
    {"x:f[N,2,2]; y=Einsum(x) equation='bii->bi'", 17, "1 2 3 4", "1 4"},
    {"x:f[N,2,2]; y=Einsum(x) equation='bii->b'", 17, "1 2 3 4", "5"},
    {"x:f[N,2,2]; y=Einsum(x) equation='bii'", 17, "1 2 3 4", "5"},
    {"x:f[N,2,2,2]; y=Einsum(x) equation='biji->bj'", 17, "1 2 3 4 5 6 7 8", "7 11"},
    {"x:f[N,2]; w=f[2,2]{1,2,3,4}; y=Einsum(x,w) equation='bi,ii->bi'", 17, "1 2", "1 8"},
    {"x:f[2,2]; y=Einsum(x) equation='ii->i'", 17, "1 2 3 4", "1 4"},
    {"x:f[N,2,3]; y=Einsum(x) equation='bii->bi'", 17, NULL, "axes of 2 and 3 have one letter"},
    {"x:f[N,1]; y=Einsum(x) equation='bb->b'", 17, NULL, "it takes a diagonal " BATCH},
    {"y=Einsum(x) equation='bi->bb'", 17, NULL, "its output has a letter twice"},
    {"y=Einsum(x) equation='bi->bo'", 17, NULL, "its output has a letter that no input has"},
    {"y=Einsum(x) equation='bij->bj'", 17, NULL, "gives input 0 3 axes; it has 2"},
    {"y=Einsum(x) equation='b->b'", 17, NULL, "gives input 0 1 axes; it has 2"},
    {"y=Einsum(x) equation='b1->b'", 17, NULL, "a character that is no letter"},
    {"y=Einsum(x) equation='b.i->b'", 17, NULL, "a character that is no letter"},
    {"y=Einsum(x) equation='......->b'", 17, NULL, "two ellipses for one tensor"},
    {"y=Einsum(x) equation='bi,ij->bj'", 17, NULL, "more terms than there are inputs"},
    {"y=Einsum(x) equation='bi-'", 17, NULL, "more terms than there are inputs"},
    {"y=Einsum(x) equation='bi->b->b'", 17, NULL, "its equation has two outputs"},
    {"y=Einsum(x) equation='abcdefghi->a'", 17, NULL, "its equation has more than 8 axes"},
    {"w=f[4]{1,2,3,4}; y=Einsum(x,w) equation='bi->b'", 17, NULL,
     "fewer terms than there are inputs"},
    {"y=Einsum(x)", 17, NULL, "gives input 0 0 axes; it has 2"},
    {"y=Einsum(x) equation=1", 17, NULL, "attribute 'equation' is not of the type"},
    {"y=Einsum(,x) equation='bi,bj->bij'", 17, NULL, "input 0 is missing"},
    {"y=Einsum(x,x,x) equation='bi,bi,bi->bi'", 17, NULL, "3 tensors; one or two are taken"},
};

START_TEST(products_are_of_the_letters_shared)
{
    onnx_check_all(products, sizeof products / sizeof *products);
}
END_TEST

START_TEST(both_tensors_may_vary)
{
    onnx_check_all(varying, sizeof varying / sizeof *varying);
}
END_TEST

START_TEST(an_equation_names_axes)
{
    onnx_check_all(equations, sizeof equations / sizeof *equations);
}
END_TEST

RUN_SUITE("onnx_op_einsum", products_are_of_the_letters_shared, both_tensors_may_vary,
          an_equation_names_axes)
