/* ONNX models from a line of text: statements between semicolons, like
 *   x:f[N,4]; w=f[4,2]{1,2,3,4,5,6,7,8}; y=MatMul(x,w); z,t=Split(y) axis=1 split=[1,1]; >z:f[N,1]
 *
 * A statement is a graph input, an initializer in its typed field ({…}) or in raw_data (<…>), a
 * node (Op@domain(…)) with attributes, or a graph output. Without any input there is x:f[N,4];
 * without any output there is y.
 *
 * Types: f d h bf, i i8 i16 i32, u8 u16 u32 u64, b, s, or a number.
 *
 * Attributes: 1, 1.0, 'word', [1,2], [1.0], ['a','b'], a tensor f[1]{2}, @ for a reference to a
 * function's attribute, (y=Relu(x); >y) for a graph. ~7 is an attribute of AttributeType 7 without a value, as writers of proto3
 * leave out a 0; ~ has no type, either. #5 is a number in field 5, whatever that field should hold.
 * In words \0 is a NUL. */
#ifndef TESTS_UNIT_ONNX_TEXT_H
#define TESTS_UNIT_ONNX_TEXT_H

#include "tests/unit/suite.h"

#include "tests/unit/onnx_bytes.h"
#include <ctype.h>

enum { ONNX_TEXT_LIST = 16 };

static const struct onnx_text_type {
    const char *name;
    uint64_t number, field; /* field: of its numbers in a TensorProto */
    size_t bytes;
} onnx_text_types[] = {{"f", 1, 4, 4},   {"u8", 2, 5, 1},  {"i8", 3, 5, 1},    {"u16", 4, 5, 2},
                       {"i16", 5, 5, 2}, {"i32", 6, 5, 4}, {"i", 7, 7, 8},     {"s", 8, 6, 1},
                       {"b", 9, 5, 1},   {"h", 10, 5, 2},  {"d", 11, 10, 8},   {"u32", 12, 11, 4},
                       {"c", 14, 4, 8},  {"bf", 16, 5, 2}, {"u64", 13, 11, 8}, {NULL, 0, 0, 0}};

static inline void put_text(struct buffer *to, uint32_t number, const char *text)
{
    put_field(to, number, text, strlen(text));
}

static inline void put_number(struct buffer *to, uint32_t number, uint64_t value)
{
    put_varint(to, number << 3 | WIRE_VARINT);
    put_varint(to, value);
}

/* Puts the message into a field of another message and frees it. */
static inline void put_message(struct buffer *to, uint32_t number, struct buffer *message)
{
    put_field(to, number, message->at, message->len);
    free(message->at);
    *message = (struct buffer){0};
}

static inline bool onnx_text_takes(const char **at, const char *what)
{
    while (**at == ' ')
        ++*at;
    bool is_there = strncmp(*at, what, strlen(what)) == 0;
    *at += is_there ? strlen(what) : 0;
    return is_there;
}

static inline void onnx_text_wants(const char **at, const char *what)
{
    ck_assert_msg(onnx_text_takes(at, what), "'%s' is wanted at '%s'", what, *at);
}

/* Reads a word of letters, digits, points, slashes and underscores. */
static inline const char *onnx_text_word(const char **at, char word[64])
{
    size_t len = 0;
    while (**at == ' ')
        ++*at;
    while (isalnum((unsigned char)**at) || **at == '_' || **at == '.' || **at == '/') {
        ck_assert_uint_lt(len, 63);
        word[len++] = *(*at)++;
    }
    word[len] = '\0';
    return word;
}

static inline struct onnx_text_type onnx_text_type_of(const char **at)
{
    char word[64];
    const struct onnx_text_type *type = onnx_text_types;
    onnx_text_word(at, word);
    while (type->name && strcmp(type->name, word) != 0)
        type++;
    if (type->name)
        return *type;
    ck_assert_msg(isdigit((unsigned char)word[0]), "no type '%s'", word);
    return (struct onnx_text_type){"", strtoull(word, NULL, 10), 4, 4};
}

static inline void onnx_text_put_little(struct buffer *to, uint64_t bits, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        put(to, &(unsigned char){(unsigned char)(bits >> (8 * i))}, 1);
}

/* Reads one number of that type and returns it as it lies in memory. */
static inline uint64_t onnx_text_bits(const char **at, const struct onnx_text_type *type)
{
    char *end;
    uint64_t bits = 0;
    if (type->number == 11) {
        double value = strtod(*at, &end);
        memcpy(&bits, &value, sizeof value);
    } else if (type->field == 4) {
        float value = strtof(*at, &end);
        memcpy(&bits, &value, sizeof value);
    } else {
        bits = (uint64_t)strtoll(*at, &end, 0);
    }
    ck_assert_msg(end > *at, "a number is wanted at '%s'", *at);
    *at = end;
    return bits;
}

static inline void onnx_text_put_quoted(const char **at, struct buffer *to, uint32_t field)
{
    char word[64];
    size_t len = 0;
    for (; **at != '\''; ++*at) {
        ck_assert_msg(**at != '\0', "a word has no end");
        bool is_nul = strncmp(*at, "\\0", 2) == 0;
        ck_assert_uint_lt(len, sizeof word);
        word[len++] = is_nul ? '\0' : **at;
        *at += is_nul;
    }
    ++*at;
    put_field(to, field, word, len);
}

/* Reads TYPE[dims]{numbers}, or s[dims]{'words'}. */
static inline struct buffer onnx_text_tensor(const char **at, const char *name)
{
    struct buffer tensor = {0}, numbers = {0};
    struct onnx_text_type type = onnx_text_type_of(at);
    char *end;
    if (onnx_text_takes(at, "["))
        do {
            put_number(&tensor, 1, (uint64_t)strtoll(*at, &end, 10));
            *at = end;
        } while (!onnx_text_takes(at, "]") && onnx_text_takes(at, ","));
    put_number(&tensor, 2, type.number);
    bool is_raw = onnx_text_takes(at, "<");
    if (!is_raw)
        onnx_text_wants(at, "{");
    while (!onnx_text_takes(at, is_raw ? ">" : "}")) {
        if (onnx_text_takes(at, "'")) {
            onnx_text_put_quoted(at, &tensor, (uint32_t)type.field);
            onnx_text_takes(at, ",");
            continue;
        }
        uint64_t bits = onnx_text_bits(at, &type);
        if (is_raw || type.field == 4 || type.field == 10)
            onnx_text_put_little(&numbers, bits, type.bytes);
        else
            put_varint(&numbers, bits);
        onnx_text_takes(at, ",");
    }
    if (numbers.len)
        put_message(&tensor, is_raw ? 9 : (uint32_t)type.field, &numbers);
    put_text(&tensor, 8, name);
    return tensor;
}

/* Reads name:TYPE[dims]. */
static inline struct buffer onnx_text_port(const char **at)
{
    struct buffer port = {0}, of = {0}, tensor = {0}, shape = {0}, dim = {0};
    char word[64];
    put_text(&port, 1, onnx_text_word(at, word));
    if (!onnx_text_takes(at, ":"))
        return port;
    put_number(&tensor, 1, onnx_text_type_of(at).number);
    if (onnx_text_takes(at, "[")) {
        while (!onnx_text_takes(at, "]")) {
            bool is_negative = onnx_text_takes(at, "-");
            ck_assert_msg(*onnx_text_word(at, word), "a size is wanted at '%s'", *at);
            long long size = strtoll(word, NULL, 10);
            if (isdigit((unsigned char)word[0]))
                put_number(&dim, 1, (uint64_t)(is_negative ? -size : size));
            else
                put_text(&dim, 2, word);
            put_message(&shape, 1, &dim);
            onnx_text_takes(at, ",");
        }
        put_message(&tensor, 2, &shape);
    }
    put_message(&of, 1, &tensor);
    put_message(&port, 2, &of);
    return port;
}

/* Reads a number into the field of floats or that of whole numbers. */
static inline void onnx_text_attribute_number(const char **at, struct buffer *to,
                                              uint32_t float_field, uint32_t whole_field)
{
    size_t len = strspn(*at, "-+.0123456789einfax");
    bool is_float = memchr(*at, '.', len) || memchr(*at, 'n', len);
    char *end;
    if (is_float) {
        float value = strtof(*at, &end);
        put_varint(to, float_field << 3 | WIRE_32);
        put(to, &value, sizeof value);
    } else {
        put_number(to, whole_field, (uint64_t)strtoll(*at, &end, 0));
    }
    ck_assert_msg(end > *at, "a number is wanted at '%s'", *at);
    *at = end;
}

static inline void onnx_text_statement(const char **at, struct buffer *graph, bool has[13]);

static inline struct buffer onnx_text_attribute(const char **at)
{
    struct buffer attribute = {0}, tensor, graph = {0};
    bool has[13];
    char name[64];
    put_text(&attribute, 1, onnx_text_word(at, name));
    onnx_text_wants(at, "=");
    if (onnx_text_takes(at, "~")) {
        if (isdigit((unsigned char)**at))
            put_number(&attribute, 20, (uint64_t)(*(*at)++ - '0'));
    } else if (onnx_text_takes(at, "#")) {
        ck_assert_msg(isdigit((unsigned char)**at), "a field is wanted at '%s'", *at);
        put_number(&attribute, (uint32_t)(*(*at)++ - '0'), 1);
    } else if (onnx_text_takes(at, "@")) {
        put_text(&attribute, 21, "of_the_function");
    } else if (onnx_text_takes(at, "(")) {
        do
            onnx_text_statement(at, &graph, has);
        while (onnx_text_takes(at, ";"));
        onnx_text_wants(at, ")");
        put_message(&attribute, 6, &graph);
    } else if (onnx_text_takes(at, "'")) {
        onnx_text_put_quoted(at, &attribute, 4);
    } else if (onnx_text_takes(at, "[")) {
        while (!onnx_text_takes(at, "]")) {
            if (onnx_text_takes(at, "'"))
                onnx_text_put_quoted(at, &attribute, 9);
            else
                onnx_text_attribute_number(at, &attribute, 7, 8);
            onnx_text_takes(at, ",");
        }
    } else if (isalpha((unsigned char)**at) && strncmp(*at, "inf", 3) != 0 &&
               strncmp(*at, "nan", 3) != 0) {
        tensor = onnx_text_tensor(at, "");
        put_message(&attribute, 5, &tensor);
    } else {
        onnx_text_attribute_number(at, &attribute, 2, 3);
    }
    return attribute;
}

/* Reads what follows the names of the outputs: Op@domain(inputs) attributes. */
static inline struct buffer onnx_text_node(const char **at, char outputs[][64], size_t count)
{
    struct buffer node = {0}, attribute;
    char word[64];
    for (size_t i = 0; i < count; i++)
        put_text(&node, 2, outputs[i]);
    put_text(&node, 4, onnx_text_word(at, word));
    put_text(&node, 3, word);
    if (onnx_text_takes(at, "@"))
        put_text(&node, 7, onnx_text_word(at, word));
    onnx_text_wants(at, "(");
    if (!onnx_text_takes(at, ")")) {
        do
            put_text(&node, 1, onnx_text_word(at, word));
        while (onnx_text_takes(at, ","));
        onnx_text_wants(at, ")");
    }
    while (onnx_text_takes(at, "") && **at && **at != ';' && **at != ')') {
        attribute = onnx_text_attribute(at);
        put_message(&node, 5, &attribute);
    }
    return node;
}

/* True if a tensor follows: a type and its shape or numbers, not an operation. */
static inline bool onnx_text_is_tensor(const char *at)
{
    at += strspn(at, " ");
    return strchr("[{<", at[strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789")]) != NULL;
}

static inline void onnx_text_statement(const char **at, struct buffer *graph, bool has[13])
{
    char name[ONNX_TEXT_LIST][64];
    size_t names = 0;
    struct buffer made;
    bool is_output = onnx_text_takes(at, ">");
    const char *begin = *at;
    if (!is_output) {
        do {
            ck_assert_uint_lt(names, ONNX_TEXT_LIST);
            onnx_text_word(at, name[names++]);
        } while (onnx_text_takes(at, ","));
    }
    uint32_t field = is_output ? 12 : 11;
    if (is_output || **at == ':') {
        *at = begin;
        made = onnx_text_port(at);
    } else {
        onnx_text_wants(at, "=");
        field = onnx_text_is_tensor(*at) ? 5 : 1;
        made = field == 5 ? onnx_text_tensor(at, name[0]) : onnx_text_node(at, name, names);
    }
    put_message(graph, field, &made);
    has[field] = true;
}

/* Makes the whole file's bytes. The caller frees them. */
static inline struct buffer onnx_of(const char *text, uint64_t opset)
{
    struct buffer model = {0}, version = {0}, graph = {0};
    bool has[13] = {false};
    const char *more[] = {"x:f[N,4]", ">y:f"};
    for (const char *at = text; *at;) {
        onnx_text_statement(&at, &graph, has);
        if (!onnx_text_takes(&at, ";"))
            ck_assert_msg(!*at, "the end or ; is wanted at '%s'", at);
        at += strspn(at, " ");
    }
    for (size_t i = 0; i < 2; i++)
        if (!has[11 + i])
            onnx_text_statement(&more[i], &graph, has);
    put_number(&model, 1, 8);
    put_number(&version, 2, opset);
    put_message(&model, 8, &version);
    put_message(&model, 7, &graph);
    return model;
}

#endif
