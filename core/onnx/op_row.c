/* ONNX operations over whole axes: softmax, reductions, sums on the way, normalization. The axes
 * are first moved to the end, so that a step works on contiguous pieces. */
#include "core/onnx/graph.h"

#include <float.h>
#include <string.h>

/* Moves the marked axes to the end and keeps their order. order[] says how, for axes_back. *inner
 * is the product of their sizes. */
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
    if (x->kind == ONNX_ROWS && x->is_batched && is_axis[x->batch_axis])
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

/* Before opset 13, softmax goes over all axes from `axis` (default 1) on together. Since then it
 * goes over `axis` alone (default: the last). */
static bool read_softmax(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x;
    struct onnx_value moved;
    bool is_old = graph->file.opset < 13, is_axis[ONNX_RANK_MAX] = {false};
    long long number = is_old ? 1 : -1;
    size_t axis, order[ONNX_RANK_MAX], inner;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number))
        return false;
    if (is_old && number == (long long)x->rank) /* no axis is left: each number alone */
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

/* Reads the axes, an attribute or an input depending on the opset. Without axes: all of them, or
 * none with noop_with_empty_axes. */
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

bool onnx_reduce(struct onnx_graph *graph, const struct onnx_value *x, const bool *is_axis,
                 enum reduction reduction, bool keeps, struct onnx_value *out)
{
    struct onnx_value moved, made = {0};
    size_t order[ONNX_RANK_MAX], inner;
    if (!axes_last(graph, x, is_axis, &moved, order, &inner))
        return false;
    size_t batch = x->batch_axis;
    made.width = x->width / inner;
    for (size_t i = 0; i < x->rank; i++) {
        if (keeps || !is_axis[i])
            made.shape[made.rank++] = is_axis[i] ? 1 : x->shape[i];
        else if (i < x->batch_axis)
            batch--;
    }
    struct step step = {
        .kind = STEP_REDUCE, .reduction = reduction, .reduce_width = x->width, .parts = made.width};
    if (!onnx_emit(graph, &step, &moved, 1, &made))
        return false;
    made.batch_axis = batch;
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
        graph, (is_noop || onnx_reduce(graph, x, is_axis, rows[row].reduction, keeps != 0, &out)),
        &out);
}

/* Makes *out the logarithm of a sum, of exponentials where is_exp. Those are of x less its maximum,
 * so that they do not overflow; an infinite maximum counts as the greatest float32. */
static bool reduce_log(struct onnx_graph *graph, const struct onnx_value *x, const bool *is_axis,
                       bool is_exp, struct onnx_value *out)
{
    static const struct relud_activation_params finite = {.values = {-FLT_MAX, FLT_MAX}};
    struct onnx_value most, sum = *x;
    if (is_exp && (!onnx_reduce(graph, x, is_axis, REDUCE_MAX, true, &most) ||
                   !onnx_activate(graph, "hardtanh", &finite, &most, &most) ||
                   !onnx_element(graph, ELEMENT_SUB, x, &most, NULL, &sum) ||
                   !onnx_element(graph, ELEMENT_EXP, &sum, NULL, NULL, &sum)))
        return false;
    return onnx_reduce(graph, &sum, is_axis, REDUCE_SUM, true, &sum) &&
           onnx_element(graph, ELEMENT_LOG, &sum, NULL, NULL, out) &&
           (!is_exp || onnx_element(graph, ELEMENT_ADD, out, &most, NULL, out));
}

static bool read_reduce_log(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x;
    struct onnx_value out;
    long long keeps = 1;
    bool is_axis[ONNX_RANK_MAX] = {false}, is_noop;
    size_t rank = 0, batch;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "keepdims", &keeps) ||
        !reduce_axes(graph, x, is_axis, &is_noop))
        return false;
    if (is_noop)
        return onnx_fail(graph, "noop_with_empty_axes, on which versions of ONNX differ");
    if (!reduce_log(graph, x, is_axis, onnx_text_is(node->op, "ReduceLogSumExp"), &out))
        return false;
    batch = out.batch_axis;
    for (size_t i = 0; !keeps && i < x->rank; i++) {
        if (!is_axis[i])
            out.shape[rank++] = out.shape[i];
        else if (i < batch)
            out.batch_axis--;
    }
    out.rank = keeps ? x->rank : rank;
    return onnx_answer(graph, true, &out);
}

/* The mean or the maximum of each channel, over all axes behind it. */
static bool read_global_pool(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x;
    struct onnx_value out;
    bool is_axis[ONNX_RANK_MAX] = {false};
    bool is_mean = onnx_text_is(node->op, "GlobalAveragePool");
    if (!onnx_wanted(graph, 0, &x))
        return false;
    if (x->rank < 3)
        return onnx_fail(graph, "a tensor of %zu dimensions", x->rank);
    for (size_t i = 2; i < x->rank; i++)
        is_axis[i] = true;
    return onnx_answer(
        graph, onnx_reduce(graph, x, is_axis, is_mean ? REDUCE_MEAN : REDUCE_MAX, true, &out),
        &out);
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
    if (!onnx_reduce(graph, x, is_axis, reduction, keeps != 0, &out))
        return false;
    out.is_whole = true;
    return onnx_answer(graph, true, &out);
}

/* ---- sums on the way, and the greatest ---- */

static bool read_cumsum(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *list;
    struct onnx_value moved;
    long long is_exclusive = 0, is_reverse = 0;
    size_t axis, order[ONNX_RANK_MAX], inner;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &list) ||
        !onnx_list_input(graph, 1, &list) || !onnx_whole(graph, "exclusive", &is_exclusive) ||
        !onnx_whole(graph, "reverse", &is_reverse))
        return false;
    if (list->width != 1 || list->is_batch)
        return onnx_fail(graph, "its axis is not a single number");
    if (!onnx_axis(graph, list->wholes[0], x->rank, &axis))
        return false;
    is_axis[axis] = true;
    if (!axes_last(graph, x, is_axis, &moved, order, &inner))
        return false;
    struct step step = {.kind = STEP_CUMULATE, .parts = moved.width / inner};
    step.is_exclusive = is_exclusive != 0;
    step.is_reverse = is_reverse != 0;
    struct onnx_value out = moved;
    bool is_whole = x->kind == ONNX_WHOLES || x->is_whole;
    if (!onnx_emit(graph, &step, &moved, 1, &out) || !axes_back(graph, &out, order, &out))
        return false;
    out.is_whole = out.kind == ONNX_ROWS && is_whole;
    return onnx_answer(graph, true, &out);
}

/* A row of n numbers costs up to n K moves. */
enum { TOP_MAX = 4096 };

/* K is an attribute before opset 10, an input since then. */
static bool top_count(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                      size_t *count)
{
    const struct onnx_value *list = NULL;
    long long k = 0;
    if (graph->file.opset < 10 ? !onnx_whole(graph, "k", &k) : !onnx_list_input(graph, 1, &list))
        return false;
    if (list && (list->width != 1 || list->is_batch))
        return onnx_fail(graph, "K is not a single number");
    k = list ? list->wholes[0] : k;
    if (k < 1 || (unsigned long long)k > x->shape[axis])
        return onnx_fail(graph, "the %lld greatest of %zu numbers", k, x->shape[axis]);
    if (k > TOP_MAX)
        return onnx_fail(graph, "the %lld greatest; at most %d are taken", k, TOP_MAX);
    *count = (size_t)k;
    return true;
}

/* Values and indices are a step each, made only if they are named. They are sorted, also where the
 * file does not ask for it. */
static bool read_topk(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value moved;
    long long number = -1, is_largest = 1;
    size_t axis, count = 0, order[ONNX_RANK_MAX], inner, shape[ONNX_RANK_MAX];
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number) ||
        !onnx_whole(graph, "largest", &is_largest) || !onnx_axis(graph, number, x->rank, &axis) ||
        !top_count(graph, x, axis, &count))
        return false;
    is_axis[axis] = true;
    if (!axes_last(graph, x, is_axis, &moved, order, &inner))
        return false;
    struct step step = {.kind = STEP_TOP, .parts = moved.width / inner, .is_least = !is_largest};
    step.reduce_width = moved.width;
    memcpy(shape, moved.shape, sizeof shape);
    shape[x->rank - 1] = count;
    for (size_t i = 0; i < 2; i++) {
        struct onnx_value out = {0};
        step.is_index = i == 1;
        if (!onnx_has_output(graph, i))
            continue;
        if (!onnx_shape(graph, &out, x->rank, shape) || !onnx_emit(graph, &step, &moved, 1, &out) ||
            !axes_back(graph, &out, order, &out))
            return false;
        out.is_whole = out.kind == ONNX_ROWS && (i == 1 || x->is_whole);
        onnx_give(graph, i, &out);
    }
    return true;
}

/* ---- normalization ---- */

bool onnx_divide_by_norm(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                         enum reduction reduction, struct onnx_value *out)
{
    static const float zero = 0, one = 1;
    struct onnx_value norm, is, none = onnx_scalar(&zero), unit = onnx_scalar(&one);
    bool is_axis[ONNX_RANK_MAX] = {false};
    is_axis[axis] = true;
    return onnx_reduce(graph, x, is_axis, reduction, true, &norm) &&
           onnx_element(graph, ELEMENT_EQUAL, &norm, &none, NULL, &is) &&
           onnx_element(graph, ELEMENT_WHERE, &is, &unit, &norm, &norm) &&
           onnx_element(graph, ELEMENT_DIV, x, &norm, NULL, out);
}

static bool read_lp_normalization(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    long long number = -1, p = 2;
    size_t axis;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number) ||
        !onnx_whole(graph, "p", &p) || !onnx_axis(graph, number, x->rank, &axis))
        return false;
    if (p != 1 && p != 2)
        return onnx_fail(graph, "p is %lld, neither 1 nor 2", p);
    enum reduction reduction = p == 1 ? REDUCE_L1 : REDUCE_L2;
    return onnx_answer(graph, onnx_divide_by_norm(graph, x, axis, reduction, &out), &out);
}

/* Normalizes over the axes from `axis` on, then multiplies by Scale and adds B. The outputs Mean
 * and InvStdDev are computed only if they are named. */
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
    if (step.epsilon < 0)
        return onnx_fail(graph, "attribute 'epsilon' is negative");
    if (x->kind == ONNX_ROWS && x->is_batched && axis <= x->batch_axis)
        return onnx_fail_mixing(graph, "it normalises");
    step.parts = onnx_product(x, 0, axis);
    struct onnx_value out = *x;
    bool is_axis[ONNX_RANK_MAX] = {false};
    for (size_t i = axis; i < x->rank; i++)
        is_axis[i] = true;
    if (onnx_has_output(graph, 1) || onnx_has_output(graph, 2)) {
        /* InvStdDev = 1 / sqrt(mean((x - Mean)²) + epsilon) */
        struct onnx_value mean, spread, epsilon = onnx_scalar(&step.epsilon);
        if (!onnx_reduce(graph, x, is_axis, REDUCE_MEAN, true, &mean) ||
            !onnx_element(graph, ELEMENT_SUB, x, &mean, NULL, &spread) ||
            !onnx_element(graph, ELEMENT_MUL, &spread, &spread, NULL, &spread) ||
            !onnx_reduce(graph, &spread, is_axis, REDUCE_MEAN, true, &spread) ||
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
    {"ArgMax", "", .read = read_arg},
    {"ArgMin", "", .read = read_arg},
    {"CumSum", "", .read = read_cumsum},
    {"GlobalAveragePool", "", .read = read_global_pool},
    {"GlobalMaxPool", "", .read = read_global_pool},
    {"LayerNormalization", "", .read = read_layer_normalization},
    {"LogSoftmax", "", .read = read_softmax},
    {"LpNormalization", "", .read = read_lp_normalization},
    {"ReduceL1", "", .read = read_reduce},
    {"ReduceL2", "", .read = read_reduce},
    {"ReduceLogSum", "", .read = read_reduce_log},
    {"ReduceLogSumExp", "", .read = read_reduce_log},
    {"ReduceMax", "", .read = read_reduce},
    {"ReduceMean", "", .read = read_reduce},
    {"ReduceMin", "", .read = read_reduce},
    {"ReduceProd", "", .read = read_reduce},
    {"ReduceSum", "", .read = read_reduce},
    {"ReduceSumSquare", "", .read = read_reduce},
    {"RMSNormalization", "", .read = read_layer_normalization},
    {"Softmax", "", .read = read_softmax},
    {"TopK", "", .read = read_topk},
    {0},
};
