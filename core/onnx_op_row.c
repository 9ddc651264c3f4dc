/* ONNX operations over whole axes: softmax, reductions, layer normalisation. The axes are moved to the end first, so that
 * a step sees pieces that lie together. */
#include "core/onnx_graph.h"

#include <string.h>

/* x with the marked axes last, in their order; order[] is what was done. `inner` is their product. */
static bool axes_last(struct onnx_graph *graph, const struct onnx_value *x, const bool *is_axis,
                      struct onnx_value *out, size_t *order, size_t *inner)
{
    size_t count = 0;
    *inner = 1;
    for (size_t pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < x->rank; i++)
            if (is_axis[i] == (pass == 1)) {
                order[count++] = i;
                *inner *= pass ? x->shape[i] : 1;
            }
    if (x->is_batched && x->rank && is_axis[0])
        return onnx_fail_mixing(graph, "it reduces");
    return onnx_transpose(graph, x, order, out);
}

static bool axes_back(struct onnx_graph *graph, const struct onnx_value *x, const size_t *order,
                      struct onnx_value *out)
{
    size_t inverse[ONNX_RANK_MAX] = {0};
    for (size_t i = 0; i < x->rank; i++)
        inverse[order[i]] = i;
    return onnx_transpose(graph, x, inverse, out);
}

/* ---- softmax ---- */

/* Before opset 13 all axes from `axis` (1) on are one; since then it is that axis (the last) alone. */
static bool read_softmax(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x;
    struct onnx_value moved;
    bool is_old = graph->file.opset < 13, is_axis[ONNX_RANK_MAX] = {false};
    long long number = is_old ? 1 : -1;
    size_t axis, order[ONNX_RANK_MAX], inner;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number))
        return false;
    if (is_old && number == (long long)x->rank) /* nothing from there on: each number alone */
        axis = x->rank;
    else if (!onnx_axis(graph, number, x->rank, &axis))
        return false;
    for (size_t i = axis; i < (is_old ? x->rank : axis + 1); i++)
        is_axis[i] = true;
    if (!axes_last(graph, x, is_axis, &moved, order, &inner))
        return false;
    struct step step = {.kind = STEP_ACTIVATE, .parts = moved.width / inner};
    step.activation =
        relud_activation_find(onnx_text_is(node->op, "LogSoftmax") ? "log_softmax" : "softmax");
    struct onnx_value out = moved;
    return onnx_answer(
        graph, onnx_emit(graph, &step, &moved, 1, &out) && axes_back(graph, &out, order, &out),
        &out);
}

/* ---- reductions ---- */

/* Axes as an attribute or an input, whichever this opset has; none: all, or with noop_with_empty_axes nothing. */
static bool reduce_axes(struct onnx_graph *graph, const struct onnx_value *x, bool *is_axis,
                        bool *is_noop)
{
    static const char *const name = "axes";
    long long list[ONNX_LIST_MAX], noop = 0;
    const struct onnx_value *input;
    size_t count;
    if (!onnx_wholes(graph, name, list, &count) || !onnx_list_input(graph, 1, &input) ||
        !onnx_whole(graph, "noop_with_empty_axes", &noop))
        return false;
    const long long *axes = list;
    if (input) {
        axes = input->wholes;
        count = input->width;
    }
    *is_noop = count == 0 && noop;
    if (count)
        return onnx_axes(graph, axes, count, x->rank, is_axis);
    for (size_t i = 0; i < x->rank; i++)
        is_axis[i] = true;
    return true;
}

/* x reduced over the marked axes, which stay as 1 or go. */
static bool reduce(struct onnx_graph *graph, const struct onnx_value *x, const bool *is_axis,
                   enum reduction reduction, bool keeps, struct onnx_value *out)
{
    struct onnx_value moved, made = {0};
    size_t order[ONNX_RANK_MAX], inner, shape[ONNX_RANK_MAX], rank = 0;
    if (!axes_last(graph, x, is_axis, &moved, order, &inner))
        return false;
    for (size_t i = 0; i < x->rank; i++)
        if (keeps || !is_axis[i])
            shape[rank++] = is_axis[i] ? 1 : x->shape[i];
    struct step step = {.kind = STEP_REDUCE,
                        .reduction = reduction,
                        .reduce_width = x->width,
                        .parts = x->width / inner};
    if (!onnx_shape(graph, &made, rank, shape) || !onnx_emit(graph, &step, &moved, 1, &made))
        return false;
    *out = made;
    return true;
}

static bool read_reduce(struct onnx_graph *graph, const struct onnx_node *node)
{
    static const struct {
        const char *op;
        enum reduction reduction;
    } rows[] = {{"ReduceSum", REDUCE_SUM},   {"ReduceMean", REDUCE_MEAN},
                {"ReduceMax", REDUCE_MAX},   {"ReduceMin", REDUCE_MIN},
                {"ReduceProd", REDUCE_PROD}, {"ReduceSumSquare", REDUCE_SUM_SQUARE},
                {"ReduceL1", REDUCE_L1},     {"ReduceL2", REDUCE_L2}};
    const struct onnx_value *x;
    long long keeps = 1;
    bool is_axis[ONNX_RANK_MAX] = {false}, is_noop;
    size_t row = 0;
    while (!onnx_text_is(node->op, rows[row].op))
        row++;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "keepdims", &keeps) ||
        !reduce_axes(graph, x, is_axis, &is_noop))
        return false;
    struct onnx_value out = *x;
    return onnx_answer(
        graph, (is_noop || reduce(graph, x, is_axis, rows[row].reduction, keeps != 0, &out)), &out);
}

static bool read_arg(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x;
    struct onnx_value out;
    long long number = 0, keeps = 1, is_last = 0;
    bool is_axis[ONNX_RANK_MAX] = {false}, is_max = onnx_text_is(node->op, "ArgMax");
    size_t axis;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number) ||
        !onnx_whole(graph, "keepdims", &keeps) ||
        !onnx_whole(graph, "select_last_index", &is_last) ||
        !onnx_axis(graph, number, x->rank, &axis))
        return false;
    is_axis[axis] = true;
    enum reduction reduction = is_max ? (is_last ? REDUCE_ARGMAX_LAST : REDUCE_ARGMAX)
                                      : (is_last ? REDUCE_ARGMIN_LAST : REDUCE_ARGMIN);
    if (!reduce(graph, x, is_axis, reduction, keeps != 0, &out))
        return false;
    out.is_whole = true;
    return onnx_answer(graph, true, &out);
}

/* ---- layer normalisation ---- */

/* Over the axes from `axis` on, then times Scale and plus B; Mean and InvStdDev are not given. */
static bool read_layer_normalization(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x, *scale, *bias;
    long long number = -1;
    size_t axis;
    struct step step = {.kind = STEP_NORMALIZE, .epsilon = 1e-5f};
    step.is_root_mean_square = onnx_text_is(node->op, "RMSNormalization");
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &scale) ||
        !onnx_input(graph, 2, &bias) || !onnx_whole(graph, "axis", &number) ||
        !onnx_number(graph, "epsilon", &step.epsilon) || !onnx_axis(graph, number, x->rank, &axis))
        return false;
    if (x->is_batched && axis == 0)
        return onnx_fail_mixing(graph, "it normalises");
    step.parts = onnx_product(x, 0, axis);
    struct onnx_value out = *x;
    bool is_axis[ONNX_RANK_MAX] = {false};
    for (size_t i = axis; i < x->rank; i++)
        is_axis[i] = true;
    if (onnx_has_output(graph, 1) || onnx_has_output(graph, 2)) {
        /* InvStdDev = 1 / sqrt(mean((x - Mean)²) + epsilon) */
        struct onnx_value mean, spread, epsilon = onnx_scalar(&step.epsilon);
        if (!reduce(graph, x, is_axis, REDUCE_MEAN, true, &mean) ||
            !onnx_element(graph, ELEMENT_SUB, x, &mean, NULL, &spread) ||
            !onnx_element(graph, ELEMENT_MUL, &spread, &spread, NULL, &spread) ||
            !reduce(graph, &spread, is_axis, REDUCE_MEAN, true, &spread) ||
            !onnx_element(graph, ELEMENT_ADD, &spread, &epsilon, NULL, &spread) ||
            !onnx_element(graph, ELEMENT_SQRT, &spread, NULL, NULL, &spread) ||
            !onnx_element(graph, ELEMENT_RECIPROCAL, &spread, NULL, NULL, &spread))
            return false;
        onnx_give(graph, 1, &mean);
        onnx_give(graph, 2, &spread);
    }
    return onnx_answer(graph,
                       onnx_emit(graph, &step, x, 1, &out) &&
                           onnx_element(graph, ELEMENT_MUL, &out, scale, NULL, &out) &&
                           (!bias || onnx_element(graph, ELEMENT_ADD, &out, bias, NULL, &out)),
                       &out);
}

const struct onnx_op onnx_row_ops[] = {
    {"ArgMax", "", read_arg},
    {"ArgMin", "", read_arg},
    {"LayerNormalization", "", read_layer_normalization},
    {"LogSoftmax", "", read_softmax},
    {"RMSNormalization", "", read_layer_normalization},
    {"ReduceL1", "", read_reduce},
    {"ReduceL2", "", read_reduce},
    {"ReduceMax", "", read_reduce},
    {"ReduceMean", "", read_reduce},
    {"ReduceMin", "", read_reduce},
    {"ReduceProd", "", read_reduce},
    {"ReduceSum", "", read_reduce},
    {"ReduceSumSquare", "", read_reduce},
    {"Softmax", "", read_softmax},
    {NULL, NULL, NULL},
};
