/* How many features an input has whose last axis the file leaves free: as many as the first weight
 * that it meets has inputs. Only operations that keep the last axis may lie between. */
#include "core/kernels/activation.h"
#include "core/onnx/graph.h"

#include <string.h>

/* Opens the tensor of the node being read, a Constant. False if it has none. */
static bool tensor_of(struct onnx_graph *graph, struct onnx_tensor *tensor)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, "value");
    struct wire_field field;
    if (!attribute)
        return false;
    struct wire wire = wire_open(attribute->message);
    return wire_find(&wire, 5, &field) && field.type == WIRE_BYTES &&
           onnx_tensor_open(&graph->file, field.bytes, tensor);
}

/* The first two dimensions of a constant, read from its header, also through operations that
 * exporters put behind weights. False if it is no constant of one or two dimensions. */
static bool shape_of(struct onnx_graph *graph, struct onnx_text name, size_t shape[2], size_t *rank)
{
    enum { DEPTH_MAX = 8 };
    bool is_turned = false;
    for (int depth = 0; depth < DEPTH_MAX && name.len; depth++) {
        const struct onnx_value *value = onnx_find(graph, name);
        const struct onnx_node *maker = value->maker;
        struct onnx_tensor made;
        const struct onnx_tensor *tensor = value->tensor;
        graph->node = maker;
        if (maker && onnx_text_is(maker->op, "Constant") && tensor_of(graph, &made))
            tensor = &made;
        if (tensor) {
            *rank = tensor->rank;
            if (*rank != 1 && *rank != 2)
                return false;
            shape[0] = tensor->shape[is_turned && *rank == 2];
            shape[1] = tensor->shape[!is_turned && *rank == 2];
            return true;
        }
        bool is_transpose = maker && onnx_text_is(maker->op, "Transpose");
        if (!maker || maker->inputs == 0 ||
            !(is_transpose || onnx_text_is(maker->op, "Identity") ||
              onnx_text_is(maker->op, "Cast") || onnx_text_is(maker->op, "DequantizeLinear")))
            return false;
        is_turned ^= is_transpose;
        name = maker->input[0];
    }
    return false;
}

/* The length of a list of numbers; 0 if the attribute is missing or is none. */
static size_t list_length(struct onnx_graph *graph, const char *name)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    enum { FLOATS = 7 };
    size_t count = 0;
    uint64_t number;
    if (!attribute)
        return 0;
    struct wire wire = wire_open(attribute->message), packed = {0};
    while (wire_next_number(&wire, &packed, FLOATS, WIRE_32, &number))
        count++;
    return wire.wrong ? 0 : count;
}

/* A whole number; 0 if the attribute is missing or is none. */
static long long whole_of(struct onnx_graph *graph, const char *name)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    struct wire_field field;
    if (!attribute)
        return 0;
    struct wire wire = wire_open(attribute->message);
    return wire_find(&wire, 3, &field) && field.type == WIRE_VARINT ? (long long)field.value : 0;
}

/* How many features a node of ai.onnx.ml has by its attributes; 0: they do not say. */
static size_t listed_features(struct onnx_graph *graph, const struct onnx_node *node)
{
    size_t scales = list_length(graph, "scale"), offsets = list_length(graph, "offset");
    size_t weights = list_length(graph, "coefficients"), rows = list_length(graph, "intercepts");
    size_t imputed = list_length(graph, "imputed_value_floats");
    if (onnx_text_is(node->op, "LinearRegressor") && whole_of(graph, "targets") > 0)
        rows = (size_t)whole_of(graph, "targets");
    if (weights)
        return weights / (rows ? rows : 1);
    size_t most = scales > offsets ? scales : offsets;
    most = most > imputed ? most : imputed;
    return most > 1 ? most : 0; /* a single number is for every feature */
}

/* True if the node works number by number, or otherwise keeps the last axis. */
static bool keeps_features(struct onnx_graph *graph, const struct onnx_node *node, size_t rank)
{
    static const char *const keeping[] = {
        "Cast",   "Dropout", "Identity",  "Softmax", "LogSoftmax", "Normalizer", "LpNormalization",
        "Scaler", "Imputer", "Binarizer", NULL};
    for (size_t i = 0; keeping[i]; i++)
        if (onnx_text_is(node->op, keeping[i]))
            return true;
    for (const struct onnx_op *op = onnx_element_ops; op->name; op++)
        if (onnx_text_is(node->op, op->name) && onnx_text_is(node->domain, op->domain))
            return true;
    if (onnx_text_is(node->op, "Flatten"))
        return rank == 2 && !onnx_attribute(graph, "axis");
    return onnx_activation_of(node->op) != NULL;
}

/* The features that the node's weight has, if it reads its input's last axis; else 0. */
static size_t weighed_features(struct onnx_graph *graph, const struct onnx_node *node, size_t rank)
{
    size_t shape[2], dimensions;
    bool is_gemm = onnx_text_is(node->op, "Gemm") && rank == 2;
    bool is_norm = onnx_text_is(node->op, "BatchNormalization") && rank == 2;
    bool turns = is_gemm && whole_of(graph, "transB");
    if (node->domain.len)
        return listed_features(graph, node);
    if ((!is_gemm && !is_norm && !onnx_text_is(node->op, "MatMul")) || node->inputs < 2 ||
        (is_gemm && whole_of(graph, "transA")))
        return 0;
    return shape_of(graph, node->input[1], shape, &dimensions) ? shape[turns && dimensions == 2]
                                                               : 0;
}

size_t onnx_count_features(struct onnx_graph *graph, const struct onnx_port *input,
                           struct onnx_text *from)
{
    size_t features = 0;
    for (size_t i = 0; i < graph->values; i++)
        graph->value[i].has_features = false;
    onnx_find(graph, input->name)->has_features = true;
    for (size_t i = 0; i < graph->file.nodes && features == 0; i++) {
        const struct onnx_node *node = &graph->file.node[i];
        bool is_first = node->inputs && onnx_find(graph, node->input[0])->has_features;
        bool is_any = is_first;
        for (size_t k = 1; k < node->inputs; k++)
            is_any |= node->input[k].len && onnx_find(graph, node->input[k])->has_features;
        if (!is_any || !onnx_is_needed(graph, node))
            continue;
        graph->node = node;
        features = is_first ? weighed_features(graph, node, input->rank) : 0;
        graph->node = node;
        *from = node->inputs > 1 ? node->input[1] : node->name.len ? node->name : node->op;
        for (size_t k = 0; k < node->outputs && keeps_features(graph, node, input->rank); k++)
            if (node->output[k].len)
                onnx_find(graph, node->output[k])->has_features = true;
    }
    graph->node = NULL;
    return features;
}
