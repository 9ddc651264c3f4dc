/* Tables that a number or a word of the input is looked up in: embeddings and encoders. */
#ifndef CORE_ONNX_LOOKUP_H
#define CORE_ONNX_LOOKUP_H

#include "core/onnx/graph.h"

#define ONNX_NO_FEATURE ((size_t)-1)

/* float32 has every whole number below this. */
enum { ONNX_INDICES_MAX = 1 << 24 };

/* What an element of a value is. */
struct onnx_origin {
    size_t feature;   /* the number of the row that it is, plus `low`; or ONNX_NO_FEATURE */
    double low, high; /* without a feature: it is a whole number from low to high, or NaN */
};

/* Follows element `at` of a value of the steps back. False and an error if it is neither. */
bool onnx_find_origin(struct onnx_graph *graph, size_t value, size_t at,
                      struct onnx_origin *origin);
/* The operand of a join that has the element *at, which becomes its place in it. */
const struct operand *onnx_joined(const struct step *step, size_t *at);
/* Lets the feature be a whole number from 0 and below `indices` only. */
bool onnx_limit_feature(struct onnx_graph *graph, size_t feature, size_t indices);

/* Checks where each index comes from, limits the features to `rows`, and counts in *below how far
 * an index may lie below 0. */
bool onnx_check_indices(struct onnx_graph *graph, const struct onnx_value *index, size_t rows,
                        size_t *below);

/* Gather along axis 0 of a constant by an index that varies: looks each number up in the table's
 * rows. Negative indices count from the end, as far as the index may be negative. */
bool onnx_embed(struct onnx_graph *graph, const struct onnx_value *table,
                const struct onnx_value *index, struct onnx_value *out);

/* Repeats each number of x `count` times, along a new last axis. */
bool onnx_repeat(struct onnx_graph *graph, const struct onnx_value *x, size_t count,
                 struct onnx_value *out);

#endif
