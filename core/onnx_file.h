/* An ONNX file as it is written: its nodes, tensors and ports, within limits, and nothing said yet about what they mean.
 * Everything is slices of the file; lists are in the arena. Field numbers are onnx.proto's. */
#ifndef CORE_ONNX_FILE_H
#define CORE_ONNX_FILE_H

#include "core/arena.h"
#include "core/file.h"
#include "core/onnx_wire.h"
#include <relud/error.h>

enum {
    ONNX_NODES_MAX = 10000,
    ONNX_TENSORS_MAX = 10000,
    ONNX_PORTS_MAX = 10000, /* graph inputs and outputs: old files list every weight there */
    ONNX_NAMES_MAX = 1024,  /* inputs and outputs of a node, and its attributes */
    ONNX_NAME_BYTES = 1024,
    ONNX_RANK_MAX = 8,
    ONNX_OPSET_MIN = 7,
    ONNX_OPSET_MAX = 24,
};

/* TensorProto.DataType */
enum onnx_type {
    ONNX_FLOAT = 1,
    ONNX_UINT8,
    ONNX_INT8,
    ONNX_UINT16,
    ONNX_INT16,
    ONNX_INT32,
    ONNX_INT64,
    ONNX_STRING,
    ONNX_BOOL,
    ONNX_FLOAT16,
    ONNX_DOUBLE,
    ONNX_UINT32,
    ONNX_UINT64,
    ONNX_BFLOAT16 = 16,
};
/* "FLOAT"; "type 99". */
const char *onnx_type_name(uint64_t type);

/* UTF-8 without control characters, of at most ONNX_NAME_BYTES; not NUL-terminated. */
struct onnx_text {
    const char *at;
    size_t len;
};
bool onnx_text_is(struct onnx_text text, const char *word);
/* Whether it may stand in answers and lines: UTF-8 without control characters. */
bool onnx_text_is_clean(struct onnx_text text);
bool onnx_text_same(struct onnx_text a, struct onnx_text b);

/* How much of a text is shown: at most so many bytes. */
int onnx_shown(struct onnx_text text, size_t most);
/* A name in a line, as two arguments for "%.*s". */
#define ONNX_NAME(text) onnx_shown(text, 60), (text).at

struct onnx_tensor {
    struct onnx_text name;
    uint64_t type;
    size_t rank, shape[ONNX_RANK_MAX], count; /* count: the product */
    struct wire_slice message;                /* numbers that are not in raw_data are found there */
    bool has_raw, is_external;
    struct wire_slice raw;
};

struct onnx_attribute {
    struct onnx_text name;
    struct wire_slice message;
};

struct onnx_node {
    struct onnx_text name, op, domain; /* domain "" for "ai.onnx" */
    size_t inputs, outputs, attributes;
    struct onnx_text *input, *output; /* "" where one is left out */
    struct onnx_attribute *attribute;
};

struct onnx_port {
    struct onnx_text name;
    bool is_tensor, has_shape;
    uint64_t type;
    size_t rank;
    long long shape[ONNX_RANK_MAX]; /* -1: free */
};

struct onnx_file {
    const char *name; /* the file's, for errors */
    struct relud_error *error;
    const unsigned char *start;
    uint64_t opset; /* of the default domain; 0: not given */
    struct onnx_text producer;
    size_t nodes, tensors, inputs, outputs;
    struct onnx_node *node;
    struct onnx_tensor *tensor;
    struct onnx_port *input, *output;
};

/* Errors begin with `name` and say which message, and the byte. */
bool onnx_file_open(struct onnx_file *onnx, const struct file *file, const char *name,
                    struct arena *arena, struct relud_error *error);

/* A TensorProto: the shape checked, not the numbers. */
bool onnx_tensor_open(struct onnx_file *onnx, struct wire_slice message,
                      struct onnx_tensor *tensor);

#endif
