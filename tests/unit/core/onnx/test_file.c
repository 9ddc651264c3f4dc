/* ONNX files as they are written: whatever is wrong with a message is refused with its name. */
#include "tests/unit/onnx_case.h"

#include "core/onnx/wire.h"

/* ---- fields ---- */

static bool is_walked(const char *bytes, size_t len, const char **wrong)
{
    struct wire wire = wire_open((struct wire_slice){(const unsigned char *)bytes, len});
    struct wire_field field;
    while (wire_next(&wire, &field))
        ;
    *wrong = wire.wrong;
    ck_assert(!wire_next(&wire, &field)); /* it stays at its end */
    return !wire.wrong;
}

START_TEST(fields_are_walked_or_refused)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *wrong; /* NULL: all is well */
    } cases[] = {
        {"", 0, NULL},
        {"\x08\x01", 2, NULL},
        {"\x0d\x01\x02\x03\x04", 5, NULL},
        {"\x09\x01\x02\x03\x04\x05\x06\x07\x08", 9, NULL},
        {"\x0a\x02hi", 4, NULL},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, NULL},
        {"\x08", 1, "a number is cut off"},
        {"\x08\x80", 2, "a number is cut off"},
        {"\x80", 1, "a number is cut off"},
        {"\x0d\x01\x02\x03", 4, "a number is cut off"},
        {"\x09\x01\x02\x03\x04\x05\x06\x07", 8, "a number is cut off"},
        {"\x0a", 1, "a number is cut off"},
        {"\x0a\x02h", 3, "a length that goes past the end"},
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 11, "a number of more than 64 bits"},
        {"\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01", 12, "a number of more than 64 bits"},
        {"\x00\x01", 2, "a field number that there cannot be"},
        {"\x88\x80\x80\x80\x80\x01\x01", 7, "a field number that there cannot be"},
        {"\x0b", 1, "a wire type that there is not"},
        {"\x0f", 1, "a wire type that there is not"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *wrong;
        ck_assert_int_eq(is_walked(cases[i].bytes, cases[i].len, &wrong), !cases[i].wrong);
        if (cases[i].wrong)
            ck_assert_str_eq(wrong, cases[i].wrong);
    }
}
END_TEST

/* Packed or one by one, and in any mixture. */
START_TEST(lists_of_numbers_are_packed_or_not)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum wire_type type;
        uint64_t sum;
        const char *wrong;
    } cases[] = {
        {"\x08\x01\x0a\x02\x02\x03\x10\x63\x08\x04", 10, WIRE_VARINT, 10, NULL},
        {"\x0a\x00\x08\x07", 4, WIRE_VARINT, 7, NULL},
        {"\x0a\x08\x01\x00\x00\x00\x02\x00\x00\x00", 10, WIRE_32, 3, NULL},
        {"\x0a\x08\x09\x00\x00\x00\x00\x00\x00\x00", 10, WIRE_64, 9, NULL},
        {"\x0a\x03\x01\x00\x00", 5, WIRE_32, 0, "a number is cut off"},
        {"\x0a\x01\x80", 3, WIRE_VARINT, 0, "a number is cut off"},
        {"\x0d\x01\x00\x00\x00", 5, WIRE_VARINT, 0, "a number of another wire type"},
        {"\x08", 1, WIRE_VARINT, 0, "a number is cut off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct wire packed = {0}, wire = wire_open((struct wire_slice){
                                      (const unsigned char *)cases[i].bytes, cases[i].len});
        uint64_t value, sum = 0;
        while (wire_next_number(&wire, &packed, 1, cases[i].type, &value))
            sum += value;
        ck_assert_uint_eq(sum, cases[i].sum);
        ck_assert_int_eq(wire.wrong != NULL, cases[i].wrong != NULL);
        if (cases[i].wrong)
            ck_assert_str_eq(wire.wrong, cases[i].wrong);
    }
}
END_TEST

/* ---- messages ---- */

enum { DEPTH_MAX = 6 };

/* A model of an opset and these bytes, which are a message in a message …: in field path[0] of the model and so on. */
static struct buffer model_around(const uint32_t *path, const void *bytes, size_t len)
{
    struct buffer inner = {0}, model = {0}, version = {0};
    size_t depth = 0;
    put(&inner, bytes, len);
    while (depth < DEPTH_MAX && path[depth])
        depth++;
    while (depth-- > 0) {
        struct buffer outer = {0};
        put_message(&outer, path[depth], &inner);
        inner = outer;
    }
    put_number(&version, 2, 17);
    put_message(&model, 8, &version);
    put(&model, inner.at, inner.len);
    free(inner.at);
    return model;
}

static void refuses_bytes(const struct buffer *bytes, const char *words)
{
    struct relud_error error = {0};
    relud_model *model = onnx_load(bytes, &error);
    ck_assert_msg(!model && strstr(error.text, words), "'%s' does not say '%s'", error.text, words);
    ck_assert_int_ne(error.code, RELUD_OK);
}

#define NO_TEXT   "not a message or text"
#define NO_NUMBER "not a number"

START_TEST(each_message_says_what_is_wrong_with_it)
{
    static const struct {
        uint32_t path[DEPTH_MAX];
        const char *bytes;
        size_t len;
        const char *words;
    } cases[] = {
        {{0}, "\x38\x01", 2, "the model: field 7 is of wire type 0, " NO_TEXT},
        {{0}, "\x40\x01", 2, "the model: field 8 is of wire type 0, " NO_TEXT},
        {{0}, "\x3a\x00\x3a\x00", 4, "2 graphs; one is wanted"},
        {{0}, "\x3a", 1, "the model: a number is cut off"},
        {{8}, "\x08\x01", 2, "an opset's domain: field 1 is of wire type 0"},
        {{8}, "\x0a", 1, "an opset: a number is cut off"},
        {{7}, "\x08\x01", 2, "nodes: field 1 is of wire type 0, " NO_TEXT},
        {{7}, "\x28\x01", 2, "initializers: field 5 is of wire type 0"},
        {{7}, "\x58\x01", 2, "graph inputs: field 11 is of wire type 0"},
        {{7}, "\x60\x01", 2, "graph outputs: field 12 is of wire type 0"},
        {{7}, "\x13", 1, "nodes: a wire type that there is not"},
        {{7, 1}, "\x08\x01", 2, "inputs of a node: field 1 is of wire type 0"},
        {{7, 1}, "\x10\x01", 2, "outputs of a node: field 2 is of wire type 0"},
        {{7, 1}, "\x28\x01", 2, "attributes of a node: field 5 is of wire type 0"},
        {{7, 1}, "\x18\x01", 2, "a node's name: field 3 is of wire type 0"},
        {{7, 1}, "\x20\x01", 2, "a node's op_type: field 4 is of wire type 0"},
        {{7, 1}, "\x38\x01", 2, "a node's domain: field 7 is of wire type 0"},
        {{7, 1}, "\x0a\x01\xff", 3, "a node's input: a name with a byte"},
        {{7, 1}, "\x12\x02\xc3(", 4, "a node's output: a name with a byte that is not UTF-8"},
        {{7, 1}, "\x22\x01\n", 3, "a node's op_type: a name with a byte that is not UTF-8, or a "},
        {{7, 1, 5}, "\x08\x01", 2, "an attribute's name: field 1 is of wire type 0"},
        {{7, 1, 5}, "\x0a", 1, "an attribute: a number is cut off"},
        {{7, 5}, "\x12\x00", 2, "a tensor: field 2 is of wire type 2, " NO_NUMBER},
        {{7, 5}, "\x40\x01", 2, "a tensor: field 8 is of wire type 0"},
        {{7, 5}, "\x48\x01", 2, "a tensor: field 9 is of wire type 0"},
        {{7, 5}, "\x72\x00", 2, "a tensor: field 14 is of wire type 2, " NO_NUMBER},
        {{7, 5}, "\x12", 1, "a tensor: a number is cut off"},
        {{7, 5}, "\x0a\x01\x80", 3, "a tensor's dims: a number is cut off"},
        {{7, 5}, "\x08\x80\x80\x80\x80\x80\x40", 7, "dimension 0 is 2199023255552: that cannot be"},
        {{7, 11}, "\x08\x01", 2, "an input or output: field 1 is of wire type 0"},
        {{7, 11}, "\x10\x01", 2, "an input or output: field 2 is of wire type 0"},
        {{7, 12}, "\x0a", 1, "an input or output: a number is cut off"},
        {{7, 11, 2}, "\x08\x01", 2, "a type: field 1 is of wire type 0"},
        {{7, 11, 2}, "\x0a", 1, "a type: a number is cut off"},
        {{7, 11, 2, 1}, "\x0a\x00", 2, "a tensor type: field 1 is of wire type 2, " NO_NUMBER},
        {{7, 11, 2, 1}, "\x10\x01", 2, "a tensor type: field 2 is of wire type 0"},
        {{7, 11, 2, 1}, "\x08", 1, "a tensor type: a number is cut off"},
        {{7, 11, 2, 1, 2}, "\x08\x01", 2, "a shape: field 1 is of wire type 0"},
        {{7, 11, 2, 1, 2}, "\x0a", 1, "a shape: a number is cut off"},
        {{7, 11, 2, 1, 2, 1}, "\x0a\x00", 2, "a dimension: field 1 is of wire type 2, " NO_NUMBER},
        {{7, 11, 2, 1, 2, 1},
         "\x08\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
         10,
         "a dimension of 9223372036854775807"},
        {{7, 11, 2, 1, 2, 1},
         "\x08\xfe\xff\xff\xff\xff\xff\xff\xff\xff\x01",
         11,
         "a dimension of -2"},
        {{7, 11, 2, 1, 2, 1}, "\x08", 1, "a dimension: a number is cut off"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer bytes = model_around(cases[i].path, cases[i].bytes, cases[i].len);
        refuses_bytes(&bytes, cases[i].words);
        free(bytes.at);
    }
    struct buffer none = {0}, graph = {0};
    put_text(&none, 2, "a producer");
    ck_assert_ptr_null(onnx_load(&none, NULL)); /* without a place for the error, too */
    refuses_bytes(&none, "there is no graph in it: not an ONNX model");
    put_message(&none, 7, &graph);
    refuses_bytes(&none, "it names no opset");
    free(none.at);
}
END_TEST

START_TEST(there_are_limits)
{
    static const struct {
        uint32_t path[DEPTH_MAX], field;
        size_t count;
        const char *words;
    } cases[] = {
        {{7, 0}, 1, 10001, "more than 10000 nodes"},
        {{7, 0}, 5, 10001, "more than 10000 initializers"},
        {{7, 0}, 11, 10001, "more than 10000 graph inputs"},
        {{7, 0}, 12, 10001, "more than 10000 graph outputs"},
        {{7, 1, 0}, 1, 1025, "more than 1024 inputs of a node"},
        {{7, 1, 0}, 2, 1025, "more than 1024 outputs of a node"},
        {{7, 1, 0}, 5, 1025, "more than 1024 attributes of a node"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct buffer many = {0};
        for (size_t k = 0; k < cases[i].count; k++)
            put_field(&many, cases[i].field, "", 0);
        struct buffer bytes = model_around(cases[i].path, many.at, many.len);
        refuses_bytes(&bytes, cases[i].words);
        free(many.at), free(bytes.at);
    }
    char name[1026];
    struct buffer node = {0};
    memset(name, 'a', 1025);
    name[1025] = '\0';
    put_text(&node, 1, name);
    struct buffer bytes = model_around((const uint32_t[DEPTH_MAX]){7, 1}, node.at, node.len);
    refuses_bytes(&bytes, "a node's input: a name of 1025 bytes; at most 1024 are read");
    free(node.at), free(bytes.at);
}
END_TEST

/* What is not known is passed over; ai.onnx is the default domain's other name. */
START_TEST(other_fields_and_domains_are_passed_over)
{
    struct buffer made = onnx_of("y=Relu@ai.onnx(x)", 6), version = {0};
    struct relud_error error = {0};
    put_text(&version, 1, "ai.onnx");
    put_number(&version, 2, 17);
    put_message(&made, 8, &version);
    put_text(&version, 1, "com.example");
    put_number(&version, 2, 1);
    put_message(&made, 8, &version);
    put_text(&made, 2, "a producer");
    put_number(&made, 99, 1);
    relud_model *model = onnx_load(&made, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    relud_model_release(model);
    free(made.at);
}
END_TEST

/* A field of the graph that is put into a net that is served, or refused with those words. */
static void with_field(const char *net, bool is_of_graph, uint32_t number, const void *bytes,
                       size_t len, const char *words)
{
    struct buffer made = onnx_of(net, 17), more = {0};
    struct relud_error error = {0};
    put_field(&more, number, bytes, len);
    if (is_of_graph) { /* a message that comes twice is one: put into the graph that is there */
        struct wire wire = wire_open((struct wire_slice){made.at, made.len});
        struct wire_field field;
        struct buffer whole = {0};
        while (wire_next(&wire, &field))
            if (field.number == 7)
                put(&more, field.bytes.at, field.bytes.len);
        put_number(&whole, 1, 8);
        put_field(&whole, 8, "\x10\x11", 2);
        put_message(&whole, 7, &more);
        free(made.at);
        made = whole;
    } else {
        put(&made, more.at, more.len);
        free(more.at);
    }
    relud_model *model = onnx_load(&made, &error);
    ck_assert_msg(words ? !model && strstr(error.text, words) : model != NULL, "field %u: %s",
                  number, error.text);
    relud_model_release(model);
    free(made.at);
}

/* Metadata, remarks, names of nodes, tensors and inputs that nothing reads. */
START_TEST(F22_what_an_onnx_file_says_beside_is_no_reason_to_refuse)
{
    static const char net[] = "y=Relu(x)";
    static const char odd[] = "\xff\n\0\xc3(";
    with_field(net, false, 2, odd, 5, NULL);                         /* producer_name */
    with_field(net, false, 3, odd, 5, NULL);                         /* producer_version */
    with_field(net, false, 4, odd, 5, NULL);                         /* domain */
    with_field(net, false, 6, odd, 5, NULL);                         /* doc_string */
    with_field(net, false, 14, "\x0a\x01\xff\x12\x01\x00", 6, NULL); /* metadata_props */
    with_field(net, false, 20, odd, 5, NULL);                        /* training_info */
    with_field(net, false, 25, odd, 5, NULL);                        /* functions */
    with_field(net, true, 2, odd, 5, NULL);                          /* the graph's name */
    with_field(net, true, 10, odd, 5, NULL);                         /* doc_string */
    with_field(net, true, 13, odd, 5, NULL);                         /* value_info */
    with_field(net, true, 14, odd, 5, NULL);                         /* quantization_annotation */
    with_field(net, true, 15, "", 0, NULL);                          /* sparse_initializer */
    with_field("w=f{1}; y=Add(x,v)", true, 15, "", 0, "(sparse initializers are not read)");
    with_field(net, true, 1, "\x1a\x02\xff\n\x22\x04What\x32\x01\xff", 13, NULL); /* a node */
    with_field("y=Conv(x)", true, 1, "\x1a\x02\xff\n\x22\x04What", 10, "(Conv): a convolution");
    /* an initializer of nine dimensions, of a type that is not known, and an input like it */
    static const char dims[] =
        "\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01\x08\x01"
        "\x10\x63\x42\x01w";
    with_field(net, true, 5, dims, sizeof dims - 1, NULL);
    with_field("y=Add(x,w)", true, 5, dims, sizeof dims - 1, "'w' has 9 dimensions; at most 8");
    with_field("x:f[N,1,1,1,1,1,1,1,1]; y=Relu(x)", true, 2, "", 0,
               "input 'x' has no shape of up to 8 dimensions");
    with_field("z:f[N,1,1,1,1,1,1,1,1]; x:f[N,4]; y=Relu(x)", true, 2, "", 0, NULL);
    with_field("y=Mul(x,w)", true, 5, "\x08\x02\x10\x01\x42\x01w\x22\x07\0\0\0\0\0\0\0", 16,
               "'w': a number is cut off; 2 elements (FLOAT) are wanted, 1 are there");
    with_field("z:f[N,4]; y=Relu(v)", true, 11, "\x0a\x01v", 3,
               "input 'v' has no shape of up to 8");
    /* a node that makes nothing, and the name of one that fails */
    with_field("y=Relu(x)", true, 1, "\x0a\x01y\x22\x04What", 9, NULL);
    with_field("y=Relu(x); v=Add(y,u); >v:f", true, 1, "\x1a\x04n\xff\n\x01\x22\x04What\x12\x01u",
               15, "node 'n\\xff\\n\\x01' (What)");
}
END_TEST

/* scikit-learn's operators alone want no opset of the default domain. */
START_TEST(F22_an_opset_that_no_operator_is_of_may_be_absent)
{
    struct buffer made = onnx_of("y=Scaler@ai.onnx.ml(x) scale=[2.0]", 17), whole = {0},
                  version = {0};
    struct relud_error error = {0};
    struct wire wire = wire_open((struct wire_slice){made.at, made.len});
    struct wire_field field;
    put_number(&whole, 1, 8);
    put_text(&version, 1, "ai.onnx.ml");
    put_number(&version, 2, 1);
    put_message(&whole, 8, &version);
    while (wire_next(&wire, &field))
        if (field.number == 7)
            put_field(&whole, 7, field.bytes.at, field.bytes.len);
    relud_model *model = onnx_load(&whole, &error);
    ck_assert_msg(model != NULL, "%s", error.text);
    relud_model_release(model);
    free(made.at);
    free(whole.at);
}
END_TEST

RUN_SUITE("onnx_file", F22_what_an_onnx_file_says_beside_is_no_reason_to_refuse,
          F22_an_opset_that_no_operator_is_of_may_be_absent, fields_are_walked_or_refused,
          lists_of_numbers_are_packed_or_not, each_message_says_what_is_wrong_with_it,
          there_are_limits, other_fields_and_domains_are_passed_over)
