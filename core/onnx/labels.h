/* Lists of class labels in ONNX files. Each function returns false if there is no usable list; if
 * memory ran out, graph->is_short is set, too. Results are in the model's memory. */
#ifndef CORE_ONNX_LABELS_H
#define CORE_ONNX_LABELS_H

#include "core/onnx/graph.h"

/* How an output of labels follows from an output of scores. */
struct labels {
    size_t count;      /* 0: no list; the label is the index of the greatest score */
    const char **text; /* [count], or NULL */
    long long *whole;  /* [count], or NULL */
    bool is_written;   /* count is 0 and the file casts the index to text, so it is a class name */
    bool is_binary;    /* there is one score; the index is 1 if it is high */
    bool is_reversed;  /* is_binary: the index is 1 if the score is low instead */
    float bound;       /* is_binary: the index changes where the score passes this */
    bool has_axis;     /* the index is that of the greatest score along `axis` */
    long long axis;    /* has_axis: may count from the end, below 0 */
    struct onnx_text scores;
};

/* Allocates count + 1 elements of `size` bytes. */
void *labels_take(struct onnx_graph *graph, size_t count, size_t size);
/* Reads the list from one of two attributes of a node, of texts or of whole numbers. */
bool labels_of_attribute(struct onnx_graph *graph, const struct onnx_node *node,
                         const char *strings, const char *ints, struct labels *labels);
bool labels_of_tensor(struct onnx_graph *graph, const struct onnx_tensor *tensor,
                      struct labels *labels);
/* Reads the list from a value that does not depend on the input: an initializer, or the output of a
 * Constant. */
bool labels_of_constant(struct onnx_graph *graph, struct onnx_text name, struct labels *labels);
/* Makes the list 0, 1, …, count - 1. */
bool labels_of_places(struct onnx_graph *graph, struct labels *labels, size_t count);

#endif
