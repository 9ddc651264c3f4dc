/* ONNX operations with weights: Gemm, MatMul, BatchNormalization. */
#include "core/kernels/batch_norm.h"
#include "core/onnx/graph.h"

#include <math.h>
#include <string.h>

/* The step that made the value, if it is of that kind; else NULL. */
static const struct step *maker(const struct onnx_graph *graph, const struct onnx_value *value,
                                enum step_kind kind)
{
    if (value->kind != ONNX_ROWS || value->value == STEP_INPUT)
        return NULL;
    const struct step *step = &graph->source->step[value->value - 1];
    return step->kind == kind ? step : NULL;
}

/* ---- matrices ---- */

static const char *name_of(struct onnx_graph *graph, const struct onnx_value *value)
{
    struct onnx_text name = value->name.len ? value->name : graph->node->output[0];
    return arena_copy_text(graph->source->arena, name.at, name.len);
}

static bool is_finite(const struct onnx_value *constant)
{
    for (size_t i = 0; i < constant->width; i++) {
        float value; /* floats may be at any alignment */
        memcpy(&value, (const char *)constant->floats + i * sizeof value, sizeof value);
        if (!isfinite(value))
            return false;
    }
    return true;
}

bool onnx_multiply(struct onnx_graph *graph, const struct onnx_value *x, const struct onnx_value *w,
                   bool is_out_in, float alpha, const struct onnx_value *bias,
                   struct onnx_value *out)
{
    size_t inputs = w->shape[w->rank - 2 + is_out_in], outputs = w->shape[w->rank - 1 - is_out_in];
    size_t shape[ONNX_RANK_MAX];
    if (x->rank && onnx_is_batch(x, x->rank - 1))
        return onnx_fail_mixing(graph, "it multiplies");
    if (x->rank == 0 || x->shape[x->rank - 1] != inputs)
        return onnx_fail(graph, "a row of %zu numbers meets a matrix of %zu inputs",
                         x->rank ? x->shape[x->rank - 1] : 1, inputs);
    struct step step = {.kind = STEP_LINEAR, .parts = x->width / inputs};
    step.weights =
        (struct weights){inputs, outputs, w->floats, is_out_in == w->is_turned, NULL, NULL};
    step.name = name_of(graph, w);
    struct onnx_value made = {0};
    memcpy(shape, x->shape, sizeof shape);
    shape[x->rank - 1] = outputs;
    if (!step.name)
        return onnx_no_memory(graph);
    if (w->kind != ONNX_FLOATS)
        return onnx_fail(graph, "its matrix is not of floats");
    if (!is_finite(w))
        return onnx_fail(graph, "its matrix is not finite");
    if (alpha != 1) {
        float *scale = arena_take_array(&graph->source->temporary, outputs, sizeof *scale);
        if (!scale)
            return onnx_no_memory(graph);
        for (size_t n = 0; n < outputs; n++)
            scale[n] = alpha;
        step.weights.scale = scale;
    }
    if (bias && !(step.weights.bias = onnx_constant(graph, bias, "the bias")))
        return false;
    if (!onnx_shape(graph, &made, x->rank, shape) || !onnx_emit(graph, &step, x, 1, &made))
        return false;
    *out = made;
    return true;
}

static bool swap_last_axes(struct onnx_graph *graph, const struct onnx_value *x,
                           struct onnx_value *out)
{
    size_t order[ONNX_RANK_MAX];
    for (size_t i = 0; i < x->rank; i++)
        order[i] = i;
    order[x->rank - 1] = x->rank - 2;
    order[x->rank - 2] = x->rank - 1;
    return onnx_transpose(graph, x, order, out);
}

/* w · x with the constant on the left, computed as the transpose of xᵀ · wᵀ. */
static bool multiply_from_left(struct onnx_graph *graph, const struct onnx_value *w,
                               const struct onnx_value *x, struct onnx_value *out)
{
    struct onnx_value turned;
    return swap_last_axes(graph, x, &turned) &&
           onnx_multiply(graph, &turned, w, true, 1, NULL, &turned) &&
           swap_last_axes(graph, &turned, out);
}

/* ---- stacks of matrices ---- */

static void insert_axis(struct onnx_value *x, size_t axis)
{
    memmove(x->shape + axis + 1, x->shape + axis, (x->rank - axis) * sizeof *x->shape);
    x->shape[axis] = 1;
    x->rank++;
    x->batch_axis += x->batch_axis >= axis;
}

bool onnx_multiply_values(struct onnx_graph *graph, const struct onnx_value *a,
                          const struct onnx_value *b, struct onnx_value *out)
{
    struct onnx_value left = *a, right = *b;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (a->rank < 2 || b->rank < 2 || a->rank == ONNX_RANK_MAX || b->rank == ONNX_RANK_MAX)
        return onnx_fail(graph, "tensors of %zu and %zu dimensions", a->rank, b->rank);
    if (onnx_is_batch(a, a->rank - 1) || onnx_is_batch(b, b->rank - 2))
        return onnx_fail_mixing(graph, "it multiplies");
    if (a->shape[a->rank - 1] != b->shape[b->rank - 2])
        return onnx_fail(graph, "a row of %zu numbers meets a matrix of %zu inputs",
                         a->shape[a->rank - 1], b->shape[b->rank - 2]);
    if (!swap_last_axes(graph, b, &right) || !onnx_unturn(graph, &left) ||
        !onnx_unturn(graph, &right))
        return false;
    insert_axis(&left, left.rank - 1);
    insert_axis(&right, right.rank - 2);
    if (!onnx_element(graph, ELEMENT_MUL, &left, &right, NULL, &left))
        return false;
    is_axis[left.rank - 1] = true;
    return onnx_reduce(graph, &left, is_axis, REDUCE_SUM, false, out);
}

/* The index-th matrix of a tensor with more than two dimensions. */
static bool matrix_at(struct onnx_graph *graph, const struct onnx_value *x, size_t index,
                      struct onnx_value *out)
{
    size_t width = x->shape[x->rank - 2] * x->shape[x->rank - 1], stacked = x->rank - 2;
    uint32_t *map = onnx_new_map(graph, width);
    if (!map)
        return false;
    for (size_t i = 0; i < width; i++)
        map[i] = (uint32_t)(index * width + i);
    if (!onnx_gather(graph, x, map, 2, x->shape + stacked, out))
        return false;
    /* A batch among the stacked axes is none of the matrix's. */
    out->batch_axis = x->batch_axis >= stacked ? x->batch_axis - stacked : ONNX_RANK_MAX;
    return true;
}

/* Broadcasts the axes before the last two of both tensors against each other. */
static bool align_stacks(struct onnx_graph *graph, struct onnx_value *a, struct onnx_value *b)
{
    struct onnx_value *both[2] = {a, b};
    size_t stack[ONNX_RANK_MAX], own[2], rank = a->rank > b->rank ? a->rank : b->rank;
    for (size_t i = 0; i < 2; i++) {
        if (!onnx_unturn(graph, both[i]))
            return false;
        while (both[i]->rank < rank)
            insert_axis(both[i], 0);
    }
    for (size_t i = 0; i + 2 < rank; i++) {
        if (a->shape[i] != b->shape[i] && a->shape[i] != 1 && b->shape[i] != 1)
            return onnx_fail(graph, "stacks of %zu and %zu matrices", a->shape[i], b->shape[i]);
        for (size_t k = 0; k < 2; k++)
            if (onnx_is_batch(both[k], i) && both[!k]->shape[i] != 1)
                return onnx_fail_mixing(graph, "it multiplies");
        stack[i] = a->shape[i] == 1 ? b->shape[i] : a->shape[i];
    }
    for (size_t i = 0; i < 2; i++) {
        memcpy(own, both[i]->shape + rank - 2, sizeof own);
        memcpy(stack + rank - 2, own, sizeof own);
        if (!onnx_expand(graph, both[i], rank, stack, both[i]))
            return false;
    }
    return true;
}

/* Multiplies a stack of matrices by a constant stack: one linear step per matrix. */
static bool multiply_stacks(struct onnx_graph *graph, const struct onnx_value *from,
                            const struct onnx_value *by, struct onnx_value *out)
{
    enum { STACK_MAX = 64 };
    struct onnx_value product[STACK_MAX] = {{.rank = 0}}, left = {0}, right = {0}, made = {0};
    struct onnx_value stack[2] = {*from, *by}, *a = &stack[0], *b = &stack[1];
    if (!align_stacks(graph, a, b))
        return false;
    size_t count = onnx_product(a, 0, a->rank - 2);
    if (count > STACK_MAX)
        return onnx_multiply_values(graph, from, by, out);
    struct step step = {.kind = STEP_JOIN};
    size_t *pieces = arena_take_array(graph->source->arena, count, sizeof *pieces);
    if (!pieces)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++) {
        if (!matrix_at(graph, a, i, &left) || !matrix_at(graph, b, i, &right) ||
            !(b->kind == ONNX_FLOATS
                  ? onnx_multiply(graph, &left, &right, false, 1, NULL, &product[i])
                  : multiply_from_left(graph, &left, &right, &product[i])))
            return false;
        pieces[i] = product[i].width;
        made.width += product[i].width;
    }
    step.piece = pieces;
    made.rank = a->rank;
    memcpy(made.shape, a->shape, sizeof made.shape);
    made.shape[a->rank - 1] = b->shape[b->rank - 1];
    if (!onnx_emit(graph, &step, product, count, &made))
        return false;
    made.batch_axis = a->kind == ONNX_ROWS ? a->batch_axis : b->batch_axis;
    *out = made;
    return true;
}

/* Treats a vector on the right as a matrix of one column, and removes that axis afterwards. */
static bool multiply_by_vector(struct onnx_graph *graph, const struct onnx_value *x,
                               const struct onnx_value *vector, struct onnx_value *out)
{
    struct onnx_value column = *vector;
    column.rank = 2;
    column.shape[1] = 1;
    if (!onnx_multiply(graph, x, &column, false, 1, NULL, out))
        return false;
    out->rank--;
    return true;
}

/* Treats a vector on the left as a matrix of one row, and removes that axis afterwards. */
static bool multiply_vector(struct onnx_graph *graph, const struct onnx_value *vector,
                            const struct onnx_value *x, struct onnx_value *out)
{
    struct onnx_value row = *vector, product = {0};
    if (x->rank == 1)
        return multiply_by_vector(graph, x, vector, out);
    row.rank = 2;
    row.shape[0] = 1;
    row.shape[1] = vector->width;
    if (!multiply_from_left(graph, &row, x, &product))
        return false;
    *out = product;
    out->rank = x->rank - 1;
    out->shape[out->rank - 1] = product.shape[out->rank];
    if (product.batch_axis == out->rank)
        out->batch_axis--;
    return true;
}

/* A constant stack of one matrix is that matrix, if the other tensor has as many axes. */
static void unstack(struct onnx_value *constant, const struct onnx_value *other)
{
    size_t stacked = constant->rank > 2 ? constant->rank - 2 : 0;
    if (constant->kind != ONNX_FLOATS || constant->rank > other->rank ||
        onnx_product(constant, 0, stacked) != 1)
        return;
    memmove(constant->shape, constant->shape + stacked, 2 * sizeof *constant->shape);
    constant->rank -= stacked;
}

/* Two vectors, or a vector and matrices, that both vary: the vectors become matrices meanwhile. */
static bool multiply_varying(struct onnx_graph *graph, struct onnx_value *a, struct onnx_value *b,
                             struct onnx_value *out)
{
    bool is_row = a->rank == 1, is_column = b->rank == 1;
    if (onnx_is_batch(a, a->rank - 1) || (is_column && onnx_is_batch(b, 0)))
        return onnx_fail_mixing(graph, "it multiplies");
    if (is_row)
        insert_axis(a, 0);
    if (is_column) {
        b->shape[1] = 1;
        b->rank = 2;
    }
    if (!onnx_multiply_values(graph, a, b, out))
        return false;
    if (is_row) { /* the axis before the last */
        size_t axis = out->rank - 2;
        out->shape[axis] = out->shape[axis + 1];
        out->batch_axis -= out->batch_axis > axis;
        out->rank--;
    }
    out->rank -= is_column;
    return true;
}

static bool multiply(struct onnx_graph *graph, struct onnx_value *a, struct onnx_value *b,
                     struct onnx_value *out)
{
    if (b->kind == ONNX_ROWS)
        unstack(a, b);
    if (a->kind == ONNX_ROWS)
        unstack(b, a);
    if (a->rank == 0 || b->rank == 0)
        return onnx_fail(graph, "it multiplies by a single number");
    if (a->kind == ONNX_ROWS && b->kind == ONNX_ROWS)
        return multiply_varying(graph, a, b, out);
    if (b->kind != ONNX_ROWS && b->rank == 1)
        return multiply_by_vector(graph, a, b, out);
    if (b->kind != ONNX_ROWS && b->rank == 2)
        return onnx_multiply(graph, a, b, false, 1, NULL, out);
    if (a->kind != ONNX_ROWS && a->rank == 1)
        return multiply_vector(graph, a, b, out);
    if (a->kind != ONNX_ROWS && a->rank == 2 && b->rank >= 2)
        return multiply_from_left(graph, a, b, out);
    if (a->rank < 2 || b->rank < 2)
        return onnx_fail(graph, "tensors of %zu and %zu dimensions", a->rank, b->rank);
    return multiply_stacks(graph, a, b, out);
}

static bool read_matmul(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *a, *b;
    struct onnx_value left, right, out = {0};
    if (!onnx_wanted(graph, 0, &a) || !onnx_wanted(graph, 1, &b))
        return false;
    left = *a, right = *b;
    return onnx_answer(graph, multiply(graph, &left, &right, &out), &out);
}

/* True if C can be a linear step's bias: one number per column. */
static bool is_bias(const struct onnx_value *c, size_t outputs)
{
    return c->kind == ONNX_FLOATS && c->rank > 0 && c->width == outputs &&
           c->shape[c->rank - 1] == outputs;
}

/* alpha A·B + beta C. */
static bool read_gemm(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *a, *b, *c;
    struct onnx_value left, right, out = {0}, added;
    long long turns_a = 0, turns_b = 0;
    float alpha = 1, beta = 1;
    if (!onnx_wanted(graph, 0, &a) || !onnx_wanted(graph, 1, &b) || !onnx_input(graph, 2, &c) ||
        !onnx_whole(graph, "transA", &turns_a) || !onnx_whole(graph, "transB", &turns_b) ||
        !onnx_number(graph, "alpha", &alpha) || !onnx_number(graph, "beta", &beta))
        return false;
    if (a->rank != 2 || b->rank != 2)
        return onnx_fail(graph, "tensors of %zu and %zu dimensions; matrices are wanted", a->rank,
                         b->rank);
    left = *a, right = *b;
    if (turns_a && !swap_last_axes(graph, a, &left))
        return false;
    bool is_layer = b->kind != ONNX_ROWS;
    if (!is_layer && turns_b && !swap_last_axes(graph, b, &right))
        return false;
    size_t outputs = b->shape[turns_b ? 0 : 1];
    bool has_bias = is_layer && c && beta == 1 && is_bias(c, outputs);
    struct onnx_value by = onnx_scalar(&alpha);
    if (is_layer ? !onnx_multiply(graph, &left, b, turns_b != 0, alpha, has_bias ? c : NULL, &out)
                 : !multiply(graph, &left, &right, &out) ||
                       (alpha != 1 && !onnx_element(graph, ELEMENT_MUL, &out, &by, NULL, &out)))
        return false;
    if (c && !has_bias && beta != 0) {
        struct onnx_value factor = onnx_scalar(&beta);
        added = *c;
        if ((beta != 1 && !onnx_element(graph, ELEMENT_MUL, c, &factor, NULL, &added)) ||
            !onnx_element(graph, ELEMENT_ADD, &out, &added, NULL, &out))
            return false;
    }
    return onnx_answer(graph, true, &out);
}

/* ---- normalization by constants ---- */

/* x · scale + shift along axis 1, with scale[channels] and shift[channels]. */
static bool scale_channels(struct onnx_graph *graph, const struct onnx_value *x, const float *scale,
                           const float *shift, size_t channels, struct onnx_value *out)
{
    size_t axis = x->rank > 1 ? 1 : 0;
    struct onnx_value by = onnx_scalar(scale), plus = onnx_scalar(shift);
    by.width = plus.width = channels;
    by.rank = plus.rank = x->rank - axis;
    for (size_t i = 0; i < by.rank; i++)
        by.shape[i] = plus.shape[i] = i == 0 ? channels : 1;
    return onnx_element(graph, ELEMENT_MUL, x, &by, NULL, out) &&
           onnx_element(graph, ELEMENT_ADD, out, &plus, NULL, out);
}

/* (x - mean) / sqrt(var + epsilon) · scale + B. Folded into a linear step right before it, if there
 * is one. */
static bool read_batch_normalization(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const char *const names[] = {"X", "scale", "B", "mean", "var"};
    const struct onnx_value *in[5];
    const float *of[5] = {NULL};
    long long trains = 0;
    float epsilon = 1e-5f;
    if (!onnx_whole(graph, "training_mode", &trains) || !onnx_number(graph, "epsilon", &epsilon))
        return false;
    if (trains)
        return onnx_fail(graph, "training_mode is 1: export the model in eval mode");
    for (size_t i = 0; i < 5; i++)
        if (!onnx_wanted(graph, i, &in[i]) ||
            (i && !(of[i] = onnx_constant(graph, in[i], names[i]))))
            return false;
    const struct onnx_value *x = in[0];
    size_t channels = in[1]->width;
    for (size_t i = 1; i < 5; i++)
        if (x->rank == 0 || in[i]->width != x->shape[x->rank > 1 ? 1 : 0])
            return onnx_fail(graph, "%s has %zu elements", names[i], in[i]->width);
    if (onnx_is_batch(x, x->rank > 1 ? 1 : 0))
        return onnx_fail_mixing(graph, "it normalises");
    float *scale = arena_take_array(graph->source->arena, channels, sizeof *scale);
    float *shift = arena_take_array(graph->source->arena, channels, sizeof *shift);
    if (!scale || !shift)
        return onnx_no_memory(graph);
    const struct step *layer = maker(graph, x, STEP_LINEAR);
    bool is_layer = layer && x->rank == 2 && layer->parts * channels == x->width;
    struct batch_norm norm = {channels, of[1], of[2], of[3], of[4], epsilon};
    size_t channel = 0;
    if (!batch_norm_fold(&norm, is_layer ? layer->weights.bias : NULL, scale, shift, &channel))
        return onnx_fail(graph, "channel %zu: the variance makes it infinite", channel);
    for (size_t i = 0; is_layer && layer->weights.scale && i < channels; i++)
        scale[i] *= layer->weights.scale[i];
    struct onnx_value out = *x;
    if (!is_layer)
        return onnx_answer(graph, scale_channels(graph, x, scale, shift, channels, &out), &out);
    struct step step = *layer;
    struct onnx_value from = *x;
    from.width = layer->operand[0].len;
    from.value = layer->operand[0].value;
    step.weights.scale = scale;
    step.weights.bias = shift;
    return onnx_answer(graph, onnx_emit(graph, &step, &from, 1, &out), &out);
}

/* Normalizes groups of each row's channels, then scales: by channel, or by group in opset 18. */
static bool normalize_groups(struct onnx_graph *graph, const struct onnx_value *x, size_t groups)
{
    const struct onnx_value *scale, *bias;
    struct step step = {.kind = STEP_NORMALIZE, .epsilon = 1e-5f};
    struct onnx_value out = *x;
    if (!onnx_wanted(graph, 1, &scale) || !onnx_wanted(graph, 2, &bias) ||
        !onnx_number(graph, "epsilon", &step.epsilon))
        return false;
    size_t channels = x->rank > 1 ? x->shape[1] : 0;
    bool is_by_group = scale->width == groups && groups != channels;
    if (x->rank < 2 || groups == 0 || channels % groups || scale->width != bias->width ||
        (scale->width != channels && !is_by_group) || step.epsilon < 0)
        return onnx_fail(graph, "%zu scales and %zu biases for %zu channels in %zu groups",
                         scale->width, bias->width, channels, groups);
    if (x->kind == ONNX_ROWS && x->is_batched && x->batch_axis)
        return onnx_fail_mixing(graph, "it normalises");
    step.parts = x->shape[0] * groups;
    const float *by = onnx_constant(graph, scale, "the scale");
    const float *plus = by ? onnx_constant(graph, bias, "the bias") : NULL;
    float *scales = arena_take_array(graph->source->arena, channels, sizeof *scales);
    float *shifts = arena_take_array(graph->source->arena, channels, sizeof *shifts);
    if (!plus || !scales || !shifts)
        return plus ? onnx_no_memory(graph) : false;
    for (size_t i = 0; i < channels; i++) {
        scales[i] = by[is_by_group ? i / (channels / groups) : i];
        shifts[i] = plus[is_by_group ? i / (channels / groups) : i];
    }
    return onnx_answer(graph,
                       onnx_emit(graph, &step, x, 1, &out) &&
                           scale_channels(graph, &out, scales, shifts, channels, &out),
                       &out);
}

static bool read_instance_normalization(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    return onnx_wanted(graph, 0, &x) && normalize_groups(graph, x, x->rank > 1 ? x->shape[1] : 0);
}

static bool read_group_normalization(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long groups = 0;
    return onnx_wanted(graph, 0, &x) && onnx_whole(graph, "num_groups", &groups) &&
           normalize_groups(graph, x, groups > 0 ? (size_t)groups : 0);
}

const struct onnx_op onnx_layer_ops[] = {
    {"BatchNormalization", "", .read = read_batch_normalization},
    {"Gemm", "", .read = read_gemm},
    {"GroupNormalization", "", .read = read_group_normalization},
    {"InstanceNormalization", "", .read = read_instance_normalization},
    {"MatMul", "", .read = read_matmul},
    {0},
};
