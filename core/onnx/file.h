/* The parts of an ONNX file, or of a branch of If in it: its nodes, tensors and ports, checked
 * against limits but not yet interpreted. Everything points into the file; the lists are in the
 * arena. Field numbers are those of onnx.proto. */
#ifndef CORE_ONNX_FILE_H
#define CORE_ONNX_FILE_H

#include "core/base/arena.h"
#include "core/onnx/wire.h"
#include <relud/error.h>
#include <relud/file.h>

enum {
    ONNX_NODES_MAX = 10000,
    ONNX_TENSORS_MAX = 10000,
    ONNX_PORTS_MAX = 10000, /* graph inputs or outputs; old files list every weight as an input */
    ONNX_NAMES_MAX = 1024,  /* inputs, outputs or attributes of one node */
    ONNX_NAME_BYTES = 1024,
    ONNX_RANK_MAX = 8,
    ONNX_DEPTH_MAX = 8, /* branches within branches of If */
    ONNX_OPSET_MIN = 7,
    ONNX_OPSET_MAX = 28, /* opset of onnx 1.23; operators read here mean the same since 13 */
};

/* TensorProto.DataType. */
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
/* A type's name, such as "FLOAT"; "of a newer type" if it is unknown. */
const char *onnx_type_name(uint64_t type);

/* A name: UTF-8 without control characters, at most ONNX_NAME_BYTES long, not NUL-terminated. */
struct onnx_text {
    const char *at;
    size_t len;
};
bool onnx_text_is(struct onnx_text text, const char *word);
/* True if the text is UTF-8 without control characters, so that it may appear in responses and log
 * lines. */
bool onnx_text_is_clean(struct onnx_text text);
bool onnx_text_same(struct onnx_text a, struct onnx_text b);

/* How many bytes of the text to show: at most `most`, cut between characters. */
int onnx_shown(struct onnx_text text, size_t most);
/* A name as the two arguments of "%.*s". */
#define ONNX_NAME(text) onnx_shown(text, 60), (text).at

struct onnx_tensor {
    struct onnx_text name;
    uint64_t type;
    /* rank may be more than ONNX_RANK_MAX; shape then has the first dimensions. count is the
     * product of all dimensions. */
    size_t rank, shape[ONNX_RANK_MAX], count;
    struct wire_slice message; /* the whole TensorProto; holds the numbers if raw_data does not */
    bool has_raw, is_external;
    struct wire_slice raw;
};

struct onnx_attribute {
    struct onnx_text name;
    struct wire_slice message;
};

struct onnx_node {
    struct onnx_text name, op, domain; /* the name may have any bytes; domain is "" for "ai.onnx" */
    size_t inputs, outputs, attributes;
    struct onnx_text *input, *output; /* "" for one that is left out */
    struct onnx_attribute *attribute;
    /* Only of If: then_branch and else_branch, which may be NULL. The names that they read are
     * among the node's inputs, so what makes them comes before it. */
    const struct onnx_file *branch[2];
};

struct onnx_port {
    struct onnx_text name;
    bool is_tensor, has_shape;
    uint64_t type;
    size_t rank;
    long long shape[ONNX_RANK_MAX]; /* -1: any size */
};

struct onnx_file {
    const char *name; /* the file's path, for errors */
    struct relud_error *error;
    const unsigned char *start;
    uint64_t opset; /* of the default domain; 0: not given */
    size_t nodes, tensors, inputs, outputs;
    bool has_sparse; /* there are sparse initializers, which are ignored */
    struct onnx_node *node;
    struct onnx_tensor *tensor;
    struct onnx_port *input, *output;
    size_t depth;     /* 0; in a branch of If: that of the graph around it, and 1 */
    size_t made_deep; /* how many names the branches in it make */
};

/* Reads the file's structure. Errors begin with `name` and give the part and the byte offset. */
bool onnx_file_open(struct onnx_file *onnx, const struct relud_file *file, const char *name,
                    struct arena *arena, struct relud_error *error);

/* Reads a TensorProto. Checks the shape but not the numbers. */
bool onnx_tensor_open(struct onnx_file *onnx, struct wire_slice message,
                      struct onnx_tensor *tensor);

#endif
