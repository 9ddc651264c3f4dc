#include "core/onnx/file.h"

#include "core/base/json_string.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *onnx_type_name(uint64_t type)
{
    static const char *const names[] = {"UNDEFINED",  "FLOAT",   "UINT8",  "INT8",   "UINT16",
                                        "INT16",      "INT32",   "INT64",  "STRING", "BOOL",
                                        "FLOAT16",    "DOUBLE",  "UINT32", "UINT64", "COMPLEX64",
                                        "COMPLEX128", "BFLOAT16"};
    return type < sizeof names / sizeof *names ? names[type] : "of a newer type";
}

bool onnx_text_is(struct onnx_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

bool onnx_text_same(struct onnx_text a, struct onnx_text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

int onnx_shown(struct onnx_text text, size_t most)
{
    return (int)json_string_cut(text.at, text.len, most);
}

bool onnx_text_is_clean(struct onnx_text text)
{
    for (size_t i = 0, len; i < text.len; i += len) {
        len = utf8_len(text.at + i, text.len - i);
        if (len == 0 || (unsigned char)text.at[i] < 0x20)
            return false;
    }
    return true;
}

/* ---- errors ---- */

static bool __attribute__((format(printf, 3, 4)))
fail(const struct onnx_file *onnx, const unsigned char *at, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    size_t offset = (size_t)(at - onnx->start);
    relud_fail(onnx->error, RELUD_BAD_MODEL, "%s: byte %zu: %s", onnx->name, offset, words);
    if (onnx->error)
        onnx->error->offset = offset;
    return false;
}

static bool no_memory(const struct onnx_file *onnx)
{
    return relud_fail(onnx->error, RELUD_NO_MEMORY, "%s: out of memory", onnx->name);
}

/* True if the message `what` was read to its end without an error. */
static bool is_whole(const struct onnx_file *onnx, const struct wire *wire, const char *what)
{
    if (wire->wrong)
        return fail(onnx, wire->at, "%s: %s", what, wire->wrong);
    return true;
}

static bool want_bytes(const struct onnx_file *onnx, const struct wire_field *field,
                       const struct wire *wire, const char *what)
{
    if (field->type != WIRE_BYTES)
        return fail(onnx, wire->at, "%s: field %u is of wire type %d, not a message or text", what,
                    (unsigned)field->number, (int)field->type);
    return true;
}

static bool want_number(const struct onnx_file *onnx, const struct wire_field *field,
                        const struct wire *wire, const char *what)
{
    if (field->type != WIRE_VARINT)
        return fail(onnx, wire->at, "%s: field %u is of wire type %d, not a number", what,
                    (unsigned)field->number, (int)field->type);
    return true;
}

static bool read_text(const struct onnx_file *onnx, const struct wire_field *field,
                      const struct wire *wire, const char *what, struct onnx_text *text)
{
    if (!want_bytes(onnx, field, wire, what))
        return false;
    *text = (struct onnx_text){(const char *)field->bytes.at, field->bytes.len};
    if (text->len > ONNX_NAME_BYTES)
        return fail(onnx, field->bytes.at, "%s: a name of %zu bytes; at most %d are read", what,
                    text->len, ONNX_NAME_BYTES);
    if (!onnx_text_is_clean(*text))
        return fail(onnx, field->bytes.at,
                    "%s: a name with a byte that is not UTF-8, or a control character", what);
    return true;
}

/* ---- tensors ---- */

static bool read_dims(struct onnx_file *onnx, struct onnx_tensor *tensor)
{
    struct wire wire = wire_open(tensor->message), packed = {0};
    uint64_t dim;
    tensor->count = 1;
    while (wire_next_number(&wire, &packed, 1, WIRE_VARINT, &dim)) {
        if (dim > (uint64_t)1 << 40 || (dim && tensor->count > ((size_t)1 << 40) / dim))
            return fail(onnx, tensor->message.at,
                        "tensor '%.*s': dimension %zu is %lld: that cannot be",
                        ONNX_NAME(tensor->name), tensor->rank, (long long)dim);
        if (tensor->rank < ONNX_RANK_MAX)
            tensor->shape[tensor->rank] = (size_t)dim;
        tensor->rank++;
        tensor->count *= (size_t)dim;
    }
    return is_whole(onnx, &wire, "a tensor's dims");
}

bool onnx_tensor_open(struct onnx_file *onnx, struct wire_slice message, struct onnx_tensor *tensor)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    *tensor = (struct onnx_tensor){.message = message, .name = {"", 0}};
    while (wire_next(&wire, &field)) {
        if (field.number == 2 && want_number(onnx, &field, &wire, "a tensor"))
            tensor->type = field.value;
        else if (field.number == 8) {
            if (!read_text(onnx, &field, &wire, "a tensor", &tensor->name))
                return false;
        } else if (field.number == 9 && want_bytes(onnx, &field, &wire, "a tensor")) {
            tensor->raw = field.bytes;
            tensor->has_raw = true;
        } else if (field.number == 14 && want_number(onnx, &field, &wire, "a tensor")) {
            tensor->is_external = field.value == 1;
        } else if (field.number == 2 || field.number == 9 || field.number == 14) {
            return false;
        }
    }
    return is_whole(onnx, &wire, "a tensor") && read_dims(onnx, tensor);
}

/* ---- nodes ---- */

static bool read_branches(struct onnx_file *onnx, struct arena *arena, struct onnx_node *node);

/* Counts the fields with this number. False and an error if there are more than `most`. */
static bool count_fields(struct onnx_file *onnx, struct wire_slice message, uint32_t number,
                         size_t most, const char *what, size_t *count)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    *count = 0;
    while (wire_find(&wire, number, &field)) {
        if (field.type != WIRE_BYTES)
            return want_bytes(onnx, &field, &wire, what);
        if (++*count > most)
            return fail(onnx, field.bytes.at, "more than %zu %s", most, what);
    }
    return is_whole(onnx, &wire, what);
}

/* Allocates a list of `count` elements in the arena and stores its address in *list. An empty list
 * is not NULL either. */
static bool take_list(struct onnx_file *onnx, struct arena *arena, size_t count, size_t size,
                      void *list)
{
    void *at = arena_take_array(arena, count + 1, size);
    memcpy(list, &at, sizeof at);
    if (!at)
        return no_memory(onnx);
    return true;
}

static bool read_attribute(struct onnx_file *onnx, struct wire_slice message,
                           struct onnx_attribute *attribute)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    *attribute = (struct onnx_attribute){{"", 0}, message};
    while (wire_next(&wire, &field))
        if (field.number == 1 &&
            !read_text(onnx, &field, &wire, "an attribute's name", &attribute->name))
            return false;
    return is_whole(onnx, &wire, "an attribute");
}

static bool read_node_field(struct onnx_file *onnx, struct onnx_node *node,
                            const struct wire_field *field, const struct wire *wire)
{
    switch (field->number) {
    case 1:
        return read_text(onnx, field, wire, "a node's input", &node->input[node->inputs++]);
    case 2:
        return read_text(onnx, field, wire, "a node's output", &node->output[node->outputs++]);
    case 3: /* used only in errors, so any bytes are allowed */
        node->name = (struct onnx_text){(const char *)field->bytes.at, field->bytes.len};
        return want_bytes(onnx, field, wire, "a node's name");
    case 4:
        return read_text(onnx, field, wire, "a node's op_type", &node->op);
    case 5:
        return read_attribute(onnx, field->bytes, &node->attribute[node->attributes++]);
    case 7:
        return read_text(onnx, field, wire, "a node's domain", &node->domain);
    default:
        return true;
    }
}

static bool read_node(struct onnx_file *onnx, struct wire_slice message, struct arena *arena,
                      struct onnx_node *node)
{
    size_t inputs, outputs, attributes;
    *node = (struct onnx_node){.name = {"", 0}, .op = {"", 0}, .domain = {"", 0}};
    if (!count_fields(onnx, message, 1, ONNX_NAMES_MAX, "inputs of a node", &inputs) ||
        !count_fields(onnx, message, 2, ONNX_NAMES_MAX, "outputs of a node", &outputs) ||
        !count_fields(onnx, message, 5, ONNX_NAMES_MAX, "attributes of a node", &attributes) ||
        !take_list(onnx, arena, inputs, sizeof *node->input, &node->input) ||
        !take_list(onnx, arena, outputs, sizeof *node->output, &node->output) ||
        !take_list(onnx, arena, attributes, sizeof *node->attribute, &node->attribute))
        return false;
    struct wire wire = wire_open(message);
    struct wire_field field;
    while (wire_next(&wire, &field))
        if (!read_node_field(onnx, node, &field, &wire))
            return false;
    if (onnx_text_is(node->domain, "ai.onnx"))
        node->domain = (struct onnx_text){"", 0};
    return is_whole(onnx, &wire, "a node") &&
           (node->domain.len || !onnx_text_is(node->op, "If") || read_branches(onnx, arena, node));
}

/* ---- ports ---- */

static bool read_dim(struct onnx_file *onnx, struct wire_slice message, long long *dim)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    *dim = -1; /* a named dimension or none: any size */
    while (wire_find(&wire, 1, &field)) {
        if (!want_number(onnx, &field, &wire, "a dimension"))
            return false;
        *dim = (long long)field.value;
        if (*dim < -1 || *dim > (long long)1 << 40)
            return fail(onnx, message.at, "a dimension of %lld", *dim);
    }
    return is_whole(onnx, &wire, "a dimension");
}

static bool read_shape(struct onnx_file *onnx, struct wire_slice message, struct onnx_port *port)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    port->has_shape = true;
    port->rank = 0;
    while (wire_find(&wire, 1, &field)) {
        if (!want_bytes(onnx, &field, &wire, "a shape"))
            return false;
        long long dim;
        if (!read_dim(onnx, field.bytes, &dim))
            return false;
        if (port->rank == ONNX_RANK_MAX) {
            port->has_shape = false; /* more dimensions than relud reads */
            return true;
        }
        port->shape[port->rank++] = dim;
    }
    return is_whole(onnx, &wire, "a shape");
}

/* Reads a TypeProto and the Tensor in it. */
static bool read_type(struct onnx_file *onnx, struct wire_slice message, struct onnx_port *port)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    while (wire_find(&wire, 1, &field)) {
        if (!want_bytes(onnx, &field, &wire, "a type"))
            return false;
        port->is_tensor = true;
        struct wire tensor = wire_open(field.bytes);
        while (wire_next(&tensor, &field)) {
            if (field.number == 1 && want_number(onnx, &field, &tensor, "a tensor type"))
                port->type = field.value;
            else if (field.number == 1)
                return false;
            if (field.number == 2 && (!want_bytes(onnx, &field, &tensor, "a tensor type") ||
                                      !read_shape(onnx, field.bytes, port)))
                return false;
        }
        if (!is_whole(onnx, &tensor, "a tensor type"))
            return false;
    }
    return is_whole(onnx, &wire, "a type");
}

static bool read_port(struct onnx_file *onnx, struct wire_slice message, struct onnx_port *port)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    *port = (struct onnx_port){.name = {"", 0}};
    while (wire_next(&wire, &field)) {
        if (field.number == 1 && !read_text(onnx, &field, &wire, "an input or output", &port->name))
            return false;
        if (field.number == 2 && (!want_bytes(onnx, &field, &wire, "an input or output") ||
                                  !read_type(onnx, field.bytes, port)))
            return false;
    }
    return is_whole(onnx, &wire, "an input or output");
}

/* ---- graph and model ---- */

static bool read_graph(struct onnx_file *onnx, struct wire_slice message, struct arena *arena)
{
    size_t nodes, tensors, inputs, outputs;
    if (!count_fields(onnx, message, 1, ONNX_NODES_MAX, "nodes", &nodes) ||
        !count_fields(onnx, message, 5, ONNX_TENSORS_MAX, "initializers", &tensors) ||
        !count_fields(onnx, message, 11, ONNX_PORTS_MAX, "graph inputs", &inputs) ||
        !count_fields(onnx, message, 12, ONNX_PORTS_MAX, "graph outputs", &outputs) ||
        !take_list(onnx, arena, nodes, sizeof *onnx->node, &onnx->node) ||
        !take_list(onnx, arena, tensors, sizeof *onnx->tensor, &onnx->tensor) ||
        !take_list(onnx, arena, inputs, sizeof *onnx->input, &onnx->input) ||
        !take_list(onnx, arena, outputs, sizeof *onnx->output, &onnx->output))
        return false;
    struct wire wire = wire_open(message);
    struct wire_field field;
    while (wire_next(&wire, &field)) {
        bool is_read = true;
        if (field.number == 1)
            is_read = read_node(onnx, field.bytes, arena, &onnx->node[onnx->nodes++]);
        else if (field.number == 5)
            is_read = onnx_tensor_open(onnx, field.bytes, &onnx->tensor[onnx->tensors++]);
        else if (field.number == 11)
            is_read = read_port(onnx, field.bytes, &onnx->input[onnx->inputs++]);
        else if (field.number == 12)
            is_read = read_port(onnx, field.bytes, &onnx->output[onnx->outputs++]);
        onnx->has_sparse |= field.number == 15;
        if (!is_read)
            return false;
    }
    return is_whole(onnx, &wire, "the graph");
}

/* ---- branches of If ---- */

/* How many names a branch reads, and how many it makes. */
static void count_names(const struct onnx_file *branch, size_t *read, size_t *made)
{
    *read += branch->outputs;
    *made += branch->tensors + branch->made_deep;
    for (size_t i = 0; i < branch->nodes; i++) {
        *read += branch->node[i].inputs;
        *made += branch->node[i].outputs;
    }
}

static void append_names(const struct onnx_file *branch, struct onnx_node *node)
{
    for (size_t i = 0; i < branch->nodes; i++)
        for (size_t k = 0; k < branch->node[i].inputs; k++)
            node->input[node->inputs++] = branch->node[i].input[k];
    for (size_t i = 0; i < branch->outputs; i++)
        node->input[node->inputs++] = branch->output[i].name;
}

static bool read_branches(struct onnx_file *onnx, struct arena *arena, struct onnx_node *node)
{
    static const char *const names[2] = {"then_branch", "else_branch"};
    enum { GRAPH = 6 };
    node->inputs = node->inputs ? node->inputs : 1; /* a condition that is left out */
    size_t read = node->inputs;
    struct onnx_text *own = node->input;
    for (size_t i = 0; i < node->attributes; i++)
        for (size_t k = 0; k < 2; k++) {
            struct wire wire = wire_open(node->attribute[i].message);
            struct wire_field field;
            struct onnx_file *branch;
            if (node->branch[k] || !onnx_text_is(node->attribute[i].name, names[k]) ||
                !wire_find(&wire, GRAPH, &field) || field.type != WIRE_BYTES)
                continue;
            if (onnx->depth == ONNX_DEPTH_MAX)
                return fail(onnx, field.bytes.at, "branches within branches, more than %d deep",
                            ONNX_DEPTH_MAX);
            if (!take_list(onnx, arena, 1, sizeof *branch, &branch))
                return false;
            *branch = (struct onnx_file){.name = onnx->name, .error = onnx->error};
            branch->start = onnx->start;
            branch->opset = onnx->opset;
            branch->depth = onnx->depth + 1;
            if (!read_graph(branch, field.bytes, arena))
                return false;
            count_names(branch, &read, &onnx->made_deep);
            node->branch[k] = branch;
        }
    if (!take_list(onnx, arena, read, sizeof *node->input, &node->input))
        return false;
    memcpy(node->input, own, node->inputs * sizeof *own);
    for (size_t k = 0; k < 2; k++)
        if (node->branch[k])
            append_names(node->branch[k], node);
    return true;
}

static bool read_opset(struct onnx_file *onnx, struct wire_slice message)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    struct onnx_text domain = {"", 0};
    uint64_t version = 0;
    while (wire_next(&wire, &field)) {
        if (field.number == 1 && !read_text(onnx, &field, &wire, "an opset's domain", &domain))
            return false;
        if (field.number == 2)
            version = field.value;
    }
    if (domain.len == 0 || onnx_text_is(domain, "ai.onnx"))
        onnx->opset = version;
    return is_whole(onnx, &wire, "an opset");
}

static bool read_model(struct onnx_file *onnx, struct wire_slice message, struct arena *arena)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    struct wire_slice graph = {0};
    size_t graphs = 0;
    bool has_other_opset = false;
    while (wire_next(&wire, &field)) {
        bool is_read = true;
        if ((field.number == 7 || field.number == 8) &&
            !want_bytes(onnx, &field, &wire, "the model"))
            return false;
        if (field.number == 7)
            graph = field.bytes, graphs++;
        else if (field.number == 8)
            is_read = read_opset(onnx, field.bytes), has_other_opset |= onnx->opset == 0;
        if (!is_read)
            return false;
    }
    if (!is_whole(onnx, &wire, "the model"))
        return false;
    if (graphs != 1)
        return fail(onnx, message.at,
                    graphs ? "%zu graphs; one is wanted"
                           : "there is no graph in it: not an ONNX model",
                    graphs);
    if (onnx->opset == 0 && !has_other_opset)
        return fail(onnx, message.at, "it names no opset");
    if (onnx->opset == 0) /* the graph has no operators of the default domain */
        onnx->opset = ONNX_OPSET_MAX;
    if (onnx->opset < ONNX_OPSET_MIN || onnx->opset > ONNX_OPSET_MAX)
        return relud_fail(
            onnx->error, RELUD_UNSUPPORTED,
            "%s: opset %llu is not known here; %d to %d are read: export with opset_version=18",
            onnx->name, (unsigned long long)onnx->opset, ONNX_OPSET_MIN, ONNX_OPSET_MAX);
    return read_graph(onnx, graph, arena);
}

bool onnx_file_open(struct onnx_file *onnx, const struct relud_file *file, const char *name,
                    struct arena *arena, struct relud_error *error)
{
    struct wire_slice message = {(const unsigned char *)file->bytes, file->len};
    *onnx = (struct onnx_file){.name = name, .error = error, .start = message.at};
    return read_model(onnx, message, arena);
}
