/* What an ONNX graph says as a whole: names, its input, its outputs, its classes; and where its numbers lie. */
#include "tests/unit/onnx_case.h"

static const struct onnx_case graphs[] = {
    /* names */
    {"w=f{1}; w=f{2}; y=Mul(x,w)", 17, NULL, "'w' is made twice"},
    {"w=f{1}; w=Relu(x); y=Mul(x,w)", 17, NULL, "'w' is made twice"},
    {"x:f[N,4]; x=f{1}; y=Relu(x)", 17, NULL, "the answer does not depend on any input"},
    {"x=Relu(y); y=Relu(x)", 17, NULL,
     "node 'Relu' (Relu): it reads 'y', which nothing before it makes"},
    {"x=Constant() value_float=1.0; y=Relu(x)", 17, NULL, "'x' is made twice"},
    {"w=s[1]{}; y=Mul(x,w)", 17, NULL, "'w' is a tensor of type STRING"},
    {"w=f[0]{}; y=Mul(x,w)", 17, NULL, "'w' is empty"},
    {"y=Add(x,a_name_of_more_than_sixty_letters_that_is_cut_off_where_it_is_)", 17, NULL,
     "it reads 'a_name_of_more_than_sixty_letters_that_is_cut_off_where_it_i', which"},
    {"y=AnOperationOfMoreThanThirtyLettersAltogether(x)", 17, NULL,
     "(AnOperationOfMoreThanThirtyLet): relud has no such operation (opset 17): it serves "
     "feed-forward"},
    {"a_node_whose_name_has_more_than_forty_letters=Foo(x); "
     "y=Relu(a_node_whose_name_has_more_than_forty_letters)",
     17, NULL, "(Foo): relud has no such operation"},
    {"y=Rellu(x)", 17, NULL, "the nearest is Relu"},
    {"y=Relu@a.domain(x)", 17, NULL, "no operation of domain 'a.domain' that relud has"},
    /* the input */
    {"x:f[N,4]; z:f[N,4]; y=Add(x,z)", 17, NULL,
     "inputs 'x' and 'z': relud serves nets of one input"},
    {"x:f[N,4]; z:f[N,4]; y=Relu(z)", 17, "1 -2 3 -4", "1 0 3 0"},
    {"x:f[N,4]; w:f[4]; w=f[4]{1,2,3,4}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4"},
    {"x:f; y=Relu(x)", 17, NULL, "input 'x' has no shape"},
    {"x:s[N,4]; y=Relu(x)", 17, NULL, "input 'x' is of type STRING; numbers are wanted"},
    {"x:f[N,M]; y=Relu(x)", 17, NULL, "dimension 1 of input 'x' is free: only the batch may be"},
    {"x:f[N,0]; y=Relu(x)", 17, NULL, "dimension 1 is 0: that is nothing"},
    {"x:f[N,2000000000]; y=Relu(x)", 17, NULL, "dimension 1 is 2000000000: that is too much"},
    {"x:f[N,2000000]; y=Relu(x)", 17, NULL,
     "a row would be 2000000 numbers wide; at most 1048576 are taken"},
    {"x:f[N,600000]; a=Relu(x); b=Neg(x); >a:f; >b:f", 17, NULL,
     "the outputs together are wider than a row may be"},
    {"x:f[N]; y=Relu(x)", 17, "1 -2", "1 0"},
    {"x:f[]; y=Relu(x)", 17, "1 -2", "1 0"},
    {"x:i[N,4]; y=Relu(x)", 17, "1 -2 3 -4", "1 0 3 0"},
    {"x:f[2,2]; p=Flatten(x) axis=0; y=Relu(p)", 17, "1 -2 3 -4", "1 0 3 0"},
    /* the outputs */
    {"y=Relu(x); >y:f; >y:f", 17, NULL, "output 'y' is listed twice"},
    {"y=Relu(x); >z:f", 17, NULL, "the answer does not depend on any input"},
    {"y=Relu(x); >y:f; >z:f", 17, NULL, "nothing makes output 'z'"},
    {"y=Relu(x); c=Constant() value_float=1.0; >y:f; >c:f", 17, NULL,
     "output 'c' does not depend on the input"},
    {"y=Relu(x); c=f{1}; >y:f; >c:f", 17, NULL, "output 'c' does not depend on the input"},
    {"y=Relu(x); >y", 17, NULL, "no output is a tensor of numbers"},
    {"y=Relu(x); >y:0", 17, "1 -2 3 -4", "1 0 3 0"},
    {"a=ArgMax(x) axis=1; >a:i[N,1]", 17, "1 -2 3 -4", "2"},
    {"y=Relu(x); a=ArgMax(x) axis=1; >a:i[N,1]; >y:f", 17, "1 -2 3 -4", "1 0 3 0"},
    {"a=Relu(x); b=Neg(x); >b:f; >a:f", 17, "1 -2 3 -4", "-1 2 -3 4 1 0 3 0"},
    {"x:f[N,2]; s=i[1]{-1}; y=Reshape(x,s)", 17, "1 2", "1 2"},
    /* lists of attributes */
    {"y=Transpose(x) perm=[0,1,0]", 17, NULL, "perm has 3 axes of 2"},
    {"y=Transpose(x) perm=[1.0,0]", 17, NULL, "perm has 1 axes of 2"},
};

START_TEST(a_graph_has_one_input_and_what_depends_on_it)
{
    onnx_check_all(graphs, sizeof graphs / sizeof *graphs);
}
END_TEST

static void check_many(const char *prefix, const char *each, size_t count, const char *suffix,
                       const char *words)
{
    char *text = malloc(strlen(prefix) + count * (strlen(each) + 8) + strlen(suffix) + 1);
    size_t len = (size_t)sprintf(text, "%s", prefix);
    for (size_t i = 0; i < count; i++)
        len += (size_t)sprintf(text + len, each, i);
    sprintf(text + len, "%s", suffix);
    onnx_check(&(struct onnx_case){text, 17, NULL, words});
    free(text);
}

START_TEST(there_are_not_too_many_of_anything)
{
    check_many("y=Relu(x)", "; >o%zu:f", 65, "", "65 outputs; at most 64 are taken");
    check_many("y=Relu(x)", "; >o%zu:f", 17, "", "17 outputs; at most 16 are served");
    check_many("y=Transpose(x) perm=[", "%zu,", 1025, "]",
               "attribute 'perm' has more than 1024 numbers");
    check_many("y=Squeeze(x) axes=[", "%zu,", 1025, "]", "'axes' has more than 1024 numbers");
    check_many("y=ReduceSum(x) axes=[", "%zu,", 1025, "]", "'axes' has more than 1024 numbers");
    check_many("y=Slice(x) starts=[", "%zu,", 1025, "]", "'starts' has more than 1024 numbers");
    check_many("y,z=Split(x) split=[", "%zu,", 1025, "]", "'split' has more than 1024 numbers");
    check_many("c=Constant() value_ints=[", "%zu,", 1025, "]; y=Mul(x,c)",
               "'value_ints' has more than 1024 numbers");
}
END_TEST

/* ---- where numbers lie ---- */

static const struct onnx_case tensors[] = {
    {"w=f[4]<1,2,3,4>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4"},
    {"w=d[4]<1,2,3,4.5>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4.5"},
    {"w=d[4]{1,2,3,4.5}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4.5"},
    {"w=h[2]{0x3c00,0xc000}; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=h[2]<0x3c00,0xc000>; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=bf[2]{0x3f80,0xc000}; x:f[N,2]; y=Mul(x,w)", 17, "1 1", "1 -2"},
    {"w=u8[4]<1,2,3,255>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 255"},
    {"w=i8[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=u16[4]<1,2,3,65535>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 65535"},
    {"w=i16[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=i32[4]<1,2,3,-1>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=i32[4]{1,2,3,-1}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 -1"},
    {"w=u32[4]{1,2,3,4000000000}; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4e9"},
    {"w=u64[4]<1,2,3,4000000000>; y=Mul(x,w)", 17, "1 1 1 1", "1 2 3 4e9"},
    {"w=b[4]<1,0,1,0>; y=Mul(x,w)", 17, "1 1 1 1", "1 0 1 0"},
    {"w=f[4]{1,2,3}; y=Mul(x,w)", 17, NULL,
     "the data does not fit the dims; 4 elements (FLOAT) are wanted, 3 are there"},
    {"w=f[1000000]{1}; y=Mul(x,w)", 17, NULL, "1000000 elements (FLOAT) are wanted, 1 are there"},
    {"w=f[4]<1,2,3>; y=Mul(x,w)", 17, NULL, "12 bytes of data; its 4 elements (FLOAT) take 16"},
    {"w=f[2]{1,nan}; x:f[N,2]; y=Mul(x,w)", 17, NULL,
     "tensor 'w': element 1 is not finite as float32"},
    {"w=d[2]{1,1e300}; x:f[N,2]; y=Mul(x,w)", 17, NULL, "element 1 is not finite as float32"},
    {"w=f[1]{nan}; y=Mul(x,w)", 17, NULL, "element 0 is not finite as float32"},
};

START_TEST(numbers_of_every_type_are_read)
{
    onnx_check_all(tensors, sizeof tensors / sizeof *tensors);
}
END_TEST

static void put_entry(struct buffer *tensor, const char *key, const char *value)
{
    struct buffer entry = {0};
    put_text(&entry, 1, key);
    put_number(&entry, 3, 0); /* what is not known is passed over */
    put_text(&entry, 2, value);
    put_message(tensor, 13, &entry);
}

/* y = x + a + b, a[4] and b[4] in `file` beside the model, at these places; NULL: not said. */
static struct buffer model_with_data(const char *file, const char *offset, const char *length)
{
    struct buffer made = onnx_of("s=Add(x,a); y=Add(s,b)", 17), graph = {0}, tensor = {0};
    for (int i = 0; i < 2; i++) {
        put_number(&tensor, 1, 4);
        put_number(&tensor, 2, 1);
        put_text(&tensor, 8, i ? "b" : "a");
        put_number(&tensor, 14, 1);
        put_entry(&tensor, "location", file);
        put_entry(&tensor, "checksum", "00");
        if (offset)
            put_entry(&tensor, "offset", offset);
        if (length)
            put_entry(&tensor, "length", length);
        put_message(&graph, 5, &tensor);
    }
    /* a message that comes twice is one: the tensors go into the graph that is there */
    struct wire wire = wire_open((struct wire_slice){made.at, made.len});
    struct wire_field field;
    ck_assert(wire_find(&wire, 7, &field));
    put(&graph, field.bytes.at, field.bytes.len);
    made.len = (size_t)(field.bytes.at - made.at) - 1;
    while (made.at[made.len] != (7 << 3 | WIRE_BYTES))
        made.len--;
    put_message(&made, 7, &graph);
    return made;
}

START_TEST(data_lies_beside_the_model)
{
    static const struct {
        const char *file, *offset, *length, *words;
    } cases[] = {
        {"data", "16", "16", NULL},
        {"data", "16", NULL, NULL},
        {"half", NULL, NULL, NULL},
        {"data", "32", "16", "offset 32 and length 16 do not lie within the 32 bytes of data"},
        {"data", "33", NULL, "offset 33 and length  do not lie within"},
        {"data", "24", "16", "do not lie within"},
        {"data", "-1", "16", "offset -1 and length 16 do not lie"},
        {"data", "0x10", "16", "offset 0x10 and"},
        {"data", "", "16", "offset  and length 16"},
        {"data", "16", "1e9", "length 1e9 do not"},
        {"data", "16", "99999999999999999999999", "do not lie within the 32 bytes"},
        {"data", "0", "8", "8 bytes of data; its 4 elements (FLOAT) take 16"},
        {"nothing", "0", "16", "nothing"},
        {"a\\b", "0", "16", "only files beside the model are read"},
        {"", "0", "16", "only files beside the model are read"},
    };
    const float data[] = {1, 2, 3, 4, 10, 20, 30, 40}, x[4] = {0};
    float y[4];
    char dir[] = "/tmp/relud-onnx-XXXXXX", path[128];
    ck_assert_ptr_nonnull(mkdtemp(dir));
    struct buffer whole = {.at = (unsigned char *)(uintptr_t)data, .len = sizeof data};
    snprintf(path, sizeof path, "%s/data", dir);
    write_bytes(path, &whole);
    whole.len /= 2;
    snprintf(path, sizeof path, "%s/half", dir);
    write_bytes(path, &whole);
    snprintf(path, sizeof path, "%s/net.onnx", dir);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer made = model_with_data(cases[i].file, cases[i].offset, cases[i].length);
        struct relud_error error = {0};
        write_bytes(path, &made);
        free(made.at);
        relud_model *model = relud_model_load(path, NULL, &error);
        if (cases[i].words) {
            ck_assert_msg(!model && strstr(error.text, cases[i].words), "'%s' does not say '%s'",
                          error.text, cases[i].words);
            continue;
        }
        ck_assert_msg(model != NULL, "%s", error.text);
        relud_scratch *scratch = relud_scratch_new(model, 1, &error);
        relud_predict(scratch, x, 1, y);
        for (size_t k = 0; k < 4; k++)
            ck_assert(y[k] == 2 * data[cases[i].offset ? 4 + k : k]);
        relud_scratch_free(scratch);
        relud_model_release(model);
        scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, onnx_loads, path);
        scarce_each(SCARCE_FILES, RELUD_IO, onnx_loads, path);
    }
    static const char *const names[] = {"net.onnx", "data", "half"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        ck_assert_int_eq(unlink(path), 0);
    }
    ck_assert_int_eq(rmdir(dir), 0);
}
END_TEST

/* ---- classes ---- */

static void check_labels(const char *net, size_t classes, const char *first, const char *last)
{
    struct buffer bytes = onnx_of(net, 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s: %s", net, error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->classes, classes);
    ck_assert_int_eq(info->labels != NULL, first != NULL);
    if (first) {
        ck_assert_str_eq(info->labels[0], first);
        ck_assert_str_eq(info->labels[classes - 1], last);
    }
    relud_model_release(model);
}

START_TEST(a_zipmap_says_what_its_columns_are)
{
    static const char *const more = "s=Softmax(x); y=ZipMap@ai.onnx.ml(s) ";
    char net[256];
    snprintf(net, sizeof net, "%sclasslabels_strings=['a','b','c','d']; >y", more);
    check_labels(net, 4, "a", "d");
    snprintf(net, sizeof net, "%sclasslabels_int64s=[-10,0,5,123]; >y", more);
    check_labels(net, 4, "-10", "123");
    snprintf(net, sizeof net, "%sclasslabels_int64s=[1,2]; >y", more);
    check_labels(net, 4, NULL, NULL);
    snprintf(net, sizeof net, "%sclasslabels_strings=['a','b\n','c','d']; >y", more);
    check_labels(net, 4, NULL, NULL);
    snprintf(net, sizeof net, "%s; >y", more);
    check_labels(net, 4, NULL, NULL);
    check_labels("y=LogSoftmax(x)", 4, NULL, NULL);
    check_labels("x:f[N,1]; y=Softmax(x)", 2, NULL, NULL);
    check_labels("x:f[N,2,2]; y=Softmax(x)", 0, NULL, NULL);
    check_labels("y=Relu(x)", 0, NULL, NULL);
    check_labels("y=Identity(x)", 0, NULL, NULL);
    onnx_check(
        &(struct onnx_case){"y=ZipMap@ai.onnx.ml(); >y", 17, NULL, "does not depend on any"});
    onnx_check_all(
        &(struct onnx_case){"s=Softmax(x); y=ZipMap@ai.onnx.ml(s) classlabels_int64s=[1,2,3,4]; >y",
                            17, "0 0 0 0", "0.25 0.25 0.25 0.25"},
        1);
}
END_TEST

START_TEST(what_is_left_out_is_noted)
{
    struct buffer bytes = onnx_of("y=Relu(x); a=ArgMax(x) axis=1; >y:f; >a:i; >b", 17);
    struct relud_error error = {0};
    relud_model *model = onnx_load(&bytes, &error);
    free(bytes.at);
    ck_assert_msg(model != NULL, "%s", error.text);
    const struct relud_model_info *info = relud_model_info(model);
    ck_assert_uint_eq(info->notes, 2);
    ck_assert_str_eq(info->note[0], "output 'a' (INT64) is left out");
    ck_assert_str_eq(info->note[1], "output 'b' (no tensor) is left out");
    ck_assert_str_eq(info->operations, "Relu 1");
    relud_model_release(model);
}
END_TEST

RUN_SUITE("onnx_graph", a_graph_has_one_input_and_what_depends_on_it,
          there_are_not_too_many_of_anything, numbers_of_every_type_are_read,
          data_lies_beside_the_model, a_zipmap_says_what_its_columns_are, what_is_left_out_is_noted)
