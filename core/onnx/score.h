/* The scores that an ONNX file makes its labels from. */
#ifndef CORE_ONNX_SCORE_H
#define CORE_ONNX_SCORE_H

#include "core/onnx/labels.h"

enum { LABELS_DEPTH_MAX = 32 }; /* nodes that are followed from a label, and from its scores */

/* What the file's label is made from: a value of the net, or a function of it that keeps order. */
struct score {
    size_t value;    /* of the net; more than one class: they are its last axis */
    size_t width;    /* of the value */
    size_t rank;     /* of the tensor that the file names; 0: not known */
    bool is_sigmoid; /* the file decides on the value's sigmoid */
    bool is_bent;    /* it decides on another function of it: no known place cuts two classes */
};

/* True if the node's operation is one of the names; NULL ends them. */
bool onnx_is_one_of(const struct onnx_node *node, const char *const *names);
/* Finds what the tensor was computed from by functions that keep the order of the classes; no
 * served output needs those functions, so they are none of the net's steps. False if nothing is
 * known. */
bool score_read(struct onnx_graph *graph, struct onnx_text name, struct score *score);
/* True if the label is the greatest along the classes, and not along the batch, say. */
bool score_is_of_classes(struct onnx_graph *graph, const struct labels *labels,
                         const struct score *score);

#endif
