/* ONNX operations that make constants and shapes, or give the same numbers another shape. Most of
 * them run only once, when the model is loaded. */
#include "core/onnx/graph.h"

#include <string.h>

/* ---- constants ---- */

static bool read_constant(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    struct onnx_value out = {0};
    struct arena *arena = &graph->source->temporary;
    const struct onnx_attribute *tensor = onnx_attribute(graph, "value");
    if (tensor) {
        struct wire wire = wire_open(tensor->message);
        struct wire_field field;
        struct onnx_tensor *made = arena_take(arena, sizeof *made);
        if (!made)
            return onnx_no_memory(graph);
        if (!wire_find(&wire, 5, &field) || field.type != WIRE_BYTES)
            return onnx_fail(graph, "its value is no tensor");
        if (!onnx_tensor_open(&graph->file, field.bytes, made))
            return false;
        onnx_find(graph, graph->node->output[0])->tensor = made; /* read when it is first needed */
        return true;
    }
    if (onnx_attribute(graph, "value_float") || onnx_attribute(graph, "value_floats")) {
        bool is_one = onnx_attribute(graph, "value_float") != NULL;
        float *one = arena_take(arena, sizeof *one);
        const float *many;
        if (!one)
            return onnx_no_memory(graph);
        if (!onnx_any_number(graph, "value_float", one) ||
            !onnx_numbers(graph, "value_floats", &many, &out.width))
            return false;
        out.kind = ONNX_FLOATS;
        out.floats = is_one ? one : many;
    } else if (onnx_attribute(graph, "value_int") || onnx_attribute(graph, "value_ints")) {
        long long *wholes = arena_take_array(arena, ONNX_LIST_MAX, sizeof *wholes);
        if (!wholes)
            return onnx_no_memory(graph);
        if (!onnx_wholes(graph, "value_ints", wholes, &out.width) ||
            !onnx_whole(graph, "value_int", wholes))
            return false;
        out.kind = ONNX_WHOLES;
        out.wholes = wholes;
    } else {
        return onnx_fail(graph, "a constant of a kind that is not read");
    }
    out.rank = onnx_attribute(graph, "value_floats") || onnx_attribute(graph, "value_ints");
    out.width = out.rank ? out.width : 1;
    out.shape[0] = out.width;
    if (out.width == 0)
        return onnx_fail(graph, "an empty list");
    return onnx_answer(graph, true, &out);
}

/* Makes the list of x's dimensions. The batch's dimension is marked as a multiple of the batch
 * size. */
static bool read_shape(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long start = 0, end;
    if (!onnx_wanted(graph, 0, &x))
        return false;
    end = (long long)x->rank;
    if (!onnx_whole(graph, "start", &start) || !onnx_whole(graph, "end", &end))
        return false;
    long long rank = (long long)x->rank;
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end > rank ? rank : end;
    if (start < 0 || start >= end)
        return onnx_fail(graph, "axes %lld to %lld of %lld", start, end, rank);
    size_t count = (size_t)(end - start);
    long long *wholes = arena_take_array(&graph->source->temporary, count, sizeof *wholes);
    bool *is_batch = arena_take_array(&graph->source->temporary, count, sizeof *is_batch);
    if (!wholes || !is_batch)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++) {
        wholes[i] = (long long)x->shape[(size_t)start + i];
        is_batch[i] = x->kind == ONNX_ROWS && x->is_batched && start + (long long)i == 0;
    }
    struct onnx_value out = {.kind = ONNX_WHOLES, .rank = 1, .shape = {count}, .width = count};
    out.wholes = wholes;
    out.is_batch = is_batch[0] ? is_batch : NULL;
    return onnx_answer(graph, true, &out);
}

/* True if the list says that axis 0, and no other, is the batch. */
static bool is_of_batch(const struct onnx_graph *graph, const struct onnx_value *list)
{
    if (!graph->is_batched || !list->is_batch || !list->is_batch[0])
        return false;
    for (size_t i = 1; i < list->width; i++)
        if (list->is_batch[i])
            return false;
    return true;
}

static bool read_constant_of_shape(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const float zero;
    const struct onnx_value *list;
    const struct onnx_attribute *attribute = onnx_attribute(graph, "value");
    struct onnx_value one = onnx_scalar(&zero), out;
    size_t shape[ONNX_RANK_MAX];
    if (!onnx_list_input(graph, 0, &list))
        return false;
    if (!list || list->width > ONNX_RANK_MAX)
        return onnx_fail(graph, "its shape is missing, or too long");
    bool is_spread = is_of_batch(graph, list);
    if (list->is_batch && !is_spread)
        return onnx_fail_mixing(graph, "it makes numbers");
    for (size_t i = 0; i < list->width; i++)
        shape[i] = list->wholes[i] < 1 ? 0 : (size_t)list->wholes[i];
    if (attribute) {
        struct wire wire = wire_open(attribute->message);
        struct wire_field field;
        struct onnx_tensor tensor;
        if (!wire_find(&wire, 5, &field) || field.type != WIRE_BYTES ||
            !onnx_tensor_open(&graph->file, field.bytes, &tensor) || tensor.count != 1 ||
            tensor.rank > ONNX_RANK_MAX)
            return onnx_fail(graph, "its value is no tensor of one number");
        struct arena *arena = &graph->source->temporary;
        one.kind = onnx_tensor_is_whole(&tensor) ? ONNX_WHOLES : ONNX_FLOATS;
        one.floats = NULL;
        if (one.kind == ONNX_WHOLES)
            one.wholes = onnx_tensor_wholes(&graph->file, &graph->external, &tensor, arena);
        else
            one.floats = onnx_tensor_floats(&graph->file, &graph->external, &tensor, arena);
        if (!one.wholes && !one.floats)
            return false;
    }
    return onnx_answer(graph,
                       onnx_expand(graph, &one, list->width, shape, &out) &&
                           (!is_spread || onnx_spread(graph, &out, &out)),
                       &out);
}

/* ---- operations that keep the numbers ---- */

static bool read_identity(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    if (!onnx_wanted(graph, 0, &x))
        return false;
    return onnx_answer(graph, true, x);
}

static bool read_dropout(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *trains = NULL, *x;
    if (graph->file.opset >= 12 && !onnx_input(graph, 2, &trains))
        return false;
    if (trains && (trains->kind != ONNX_WHOLES || trains->wholes[0]))
        return onnx_fail(graph, "training_mode is on: export the model in eval mode");
    if (!onnx_wanted(graph, 0, &x))
        return false;
    onnx_give(graph, 0, x);
    static const float one = 1;
    struct onnx_value mask = onnx_scalar(&one);
    if (!onnx_has_output(graph, 1))
        return true;
    if (!onnx_expand(graph, &mask, x->rank, x->shape, &mask))
        return false;
    onnx_give(graph, 1, &mask);
    return true;
}

/* Everything is computed in float32, so a cast from float to float does nothing. A cast to whole
 * numbers drops the fraction. */
static bool read_cast(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long to = 0;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "to", &to))
        return false;
    struct onnx_tensor wanted = {.type = (uint64_t)to};
    struct onnx_value out = *x;
    if ((x->is_text || x->kind == ONNX_TEXTS) && to == ONNX_STRING)
        return onnx_answer(graph, true, x);
    if (x->is_text || x->kind == ONNX_TEXTS)
        return onnx_fail(graph, "it reads words as numbers");
    bool is_float = onnx_tensor_is_float(&wanted);
    if (!is_float && !onnx_tensor_is_whole(&wanted))
        return onnx_fail(graph, "to type %lld (%s)", to, onnx_type_name((uint64_t)to));
    if (x->kind == ONNX_WHOLES && is_float) {
        out.floats = onnx_constant(graph, x, "what is cast");
        out.kind = ONNX_FLOATS;
        out.wholes = NULL;
        if (!out.floats)
            return false;
    } else if (x->kind == ONNX_FLOATS && !is_float) {
        const float *floats = onnx_constant(graph, x, "what is cast");
        long long *wholes = arena_take_array(&graph->source->temporary, x->width, sizeof *wholes);
        if (!floats || !wholes)
            return floats ? onnx_no_memory(graph) : false;
        for (size_t i = 0; i < x->width; i++) {
            if (!(floats[i] > -1e15f && floats[i] < 1e15f))
                return onnx_fail(graph, "%g as a whole number", (double)floats[i]);
            wholes[i] = to == ONNX_BOOL ? floats[i] != 0 : (long long)floats[i];
        }
        out.kind = ONNX_WHOLES;
        out.wholes = wholes;
    } else if (x->kind == ONNX_ROWS && !is_float && !(x->is_whole && to != ONNX_BOOL) &&
               !onnx_element(graph, to == ONNX_BOOL ? ELEMENT_TRUTH : ELEMENT_TRUNC, x, NULL, NULL,
                             &out)) {
        return false;
    }
    out.is_whole = out.kind == ONNX_ROWS && !is_float;
    return onnx_answer(graph, true, &out);
}

/* ---- changing the shape ---- */

/* Gives x another shape; the numbers stay where they are. The shape must have no 0 and no more
 * elements than x. In a batched graph, shape[0] counts only the elements of one row. */
static bool give_shape(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                       const size_t *shape)
{
    struct onnx_value out = *x;
    if (!onnx_unturn(graph, &out))
        return false;
    memcpy(out.shape, shape, rank * sizeof *shape);
    out.rank = rank;
    size_t width = onnx_product(&out, 0, rank);
    if (width != x->width)
        return x->is_batched ? onnx_fail_mixing(graph, "it reshapes")
                             : onnx_fail(graph, "%zu numbers into a shape of %zu", x->width, width);
    return onnx_answer(graph, true, &out);
}

/* Interprets the first dimension in a Reshape of a batch: *share gets how much of it belongs to one
 * row; 0: to be computed from the other dimensions. */
static bool batch_share(struct onnx_graph *graph, const struct onnx_value *x, long long dim,
                        bool is_batch, bool copies_zero, size_t *share)
{
    *share = 0;
    if (dim == 0 && copies_zero)
        *share = x->shape[0];
    else if (is_batch && dim > 0)
        *share = (size_t)dim;
    else if (dim > 0 && graph->batch > 0 && dim % graph->batch == 0)
        *share = (size_t)(dim / graph->batch);
    else if (is_batch || dim != -1)
        return onnx_fail_mixing(graph, "it reshapes");
    return true;
}

static bool read_reshape(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *list;
    long long zero_is_zero = 0;
    size_t shape[ONNX_RANK_MAX], unknown = ONNX_RANK_MAX, known = 1;
    if (!onnx_wanted(graph, 0, &x) || !onnx_list_input(graph, 1, &list) ||
        !onnx_whole(graph, "allowzero", &zero_is_zero))
        return false;
    size_t rank = list ? list->width : 0;
    if (!list || rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "its shape is missing, or too long");
    for (size_t i = 0; i < rank; i++) {
        long long dim = list->wholes[i];
        bool is_batch = list->is_batch && list->is_batch[i], copies = dim == 0 && !zero_is_zero;
        if (x->is_batched && i == 0) {
            if (!batch_share(graph, x, dim, is_batch, copies, &shape[0]))
                return false;
        } else if (is_batch) {
            return onnx_fail_mixing(graph, "it reshapes");
        } else {
            shape[i] = copies && i < x->rank ? x->shape[i] : dim > 0 ? (size_t)dim : 0;
        }
        if (shape[i] == 0 && (unknown < ONNX_RANK_MAX || dim != -1))
            return onnx_fail(graph, "dimension %zu of its shape is %lld", i, dim);
        if (shape[i] == 0)
            unknown = i;
        else if (shape[i] > x->width || (known *= shape[i]) > x->width)
            return x->is_batched
                       ? onnx_fail_mixing(graph, "it reshapes")
                       : onnx_fail(graph, "its shape holds more than the %zu numbers there are",
                                   x->width);
    }
    if (unknown < ONNX_RANK_MAX) {
        if (x->width % known)
            return x->is_batched
                       ? onnx_fail_mixing(graph, "it reshapes")
                       : onnx_fail(graph, "%zu numbers do not divide by %zu", x->width, known);
        shape[unknown] = x->width / known;
    }
    return give_shape(graph, x, rank, shape);
}

static bool read_flatten(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long number = 1;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number))
        return false;
    long long rank = (long long)x->rank;
    if (number < -rank || number > rank)
        return onnx_fail(graph, "axis %lld of a tensor of %zu dimensions", number, x->rank);
    size_t axis = (size_t)(number < 0 ? number + rank : number);
    size_t shape[2] = {onnx_product(x, 0, axis), onnx_product(x, axis, x->rank)};
    if (x->is_batched && axis == 0)
        return onnx_fail_mixing(graph, "it flattens");
    return give_shape(graph, x, 2, shape);
}

/* Reads the axes: an attribute before opset 13, an input since then. */
static bool axes_of(struct onnx_graph *graph, const long long **axes, size_t *count)
{
    const struct onnx_value *input;
    long long *list = arena_take_array(&graph->source->temporary, ONNX_LIST_MAX, sizeof *list);
    if (!list)
        return onnx_no_memory(graph);
    if (!onnx_wholes(graph, "axes", list, count) || !onnx_list_input(graph, 1, &input))
        return false;
    *axes = input ? input->wholes : list;
    *count = input ? input->width : *count;
    return true;
}

static bool read_squeeze(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    const long long *axes = NULL;
    size_t count = 0, shape[ONNX_RANK_MAX], rank = 0;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !axes_of(graph, &axes, &count) ||
        !onnx_axes(graph, axes, count, x->rank, is_axis))
        return false;
    for (size_t i = 0; i < x->rank; i++) {
        bool is_batch = x->is_batched && i == 0;
        if (is_batch && is_axis[i])
            return onnx_fail_mixing(graph, "it squeezes");
        if (is_axis[i] && x->shape[i] != 1)
            return onnx_fail(graph, "axis %zu is %zu long", i, x->shape[i]);
        if (!is_axis[i] && (count || x->shape[i] != 1 || is_batch))
            shape[rank++] = x->shape[i];
    }
    return give_shape(graph, x, rank, shape);
}

static bool read_unsqueeze(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    const long long *axes = NULL;
    size_t count = 0, shape[ONNX_RANK_MAX], from = 0;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !axes_of(graph, &axes, &count))
        return false;
    size_t rank = x->rank + count;
    if (rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "%zu dimensions; at most %d are taken", rank, ONNX_RANK_MAX);
    if (!onnx_axes(graph, axes, count, rank, is_axis))
        return false;
    if (x->is_batched && is_axis[0])
        return onnx_fail_mixing(graph, "it puts an axis before the batch's");
    for (size_t i = 0; i < rank; i++)
        shape[i] = is_axis[i] ? 1 : x->shape[from++];
    return give_shape(graph, x, rank, shape);
}

static bool read_transpose(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long perm[ONNX_LIST_MAX];
    size_t count, order[ONNX_RANK_MAX];
    bool is_axis[ONNX_RANK_MAX] = {false};
    struct onnx_value out;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wholes(graph, "perm", perm, &count))
        return false;
    for (size_t i = 0; count == 0 && i < x->rank; i++)
        order[i] = x->rank - 1 - i;
    if (count && (count != x->rank || !onnx_axes(graph, perm, count, x->rank, is_axis)))
        return count == x->rank ? false
                                : onnx_fail(graph, "perm has %zu axes of %zu", count, x->rank);
    for (size_t i = 0; i < count; i++)
        order[i] = (size_t)(perm[i] < 0 ? perm[i] + (long long)x->rank : perm[i]);
    return onnx_answer(graph, onnx_transpose(graph, x, order, &out), &out);
}

static bool read_expand(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *list = NULL;
    struct onnx_value out;
    size_t shape[ONNX_RANK_MAX];
    if (!onnx_wanted(graph, 0, &x) || !onnx_list_input(graph, 1, &list))
        return false;
    if (!list || list->width > ONNX_RANK_MAX)
        return onnx_fail(graph, "its shape is missing, or too long");
    size_t rank = list->width > x->rank ? list->width : x->rank;
    if (x->is_batched && rank > x->rank)
        return onnx_fail_mixing(graph, "it expands");
    bool is_spread = !x->is_batched && list->width == rank && is_of_batch(graph, list);
    for (size_t i = 0; i < rank; i++) {
        size_t own = i + x->rank >= rank ? x->shape[i + x->rank - rank] : 1;
        size_t at = i + list->width >= rank ? i + list->width - rank : ONNX_RANK_MAX;
        long long wanted = at < ONNX_RANK_MAX ? list->wholes[at] : 1;
        bool is_batch = at < ONNX_RANK_MAX && list->is_batch && list->is_batch[at];
        if (x->is_batched && i == 0 && (is_batch || wanted == graph->batch))
            wanted = 1;
        else if (is_batch && !(is_spread && own == 1))
            return onnx_fail_mixing(graph, "it expands");
        if (wanted < 1 || (wanted != 1 && own != 1 && (size_t)wanted != own) ||
            (x->is_batched && i == 0 && wanted != 1))
            return onnx_fail(graph, "dimension %zu cannot become %lld", i, wanted);
        shape[i] = own == 1 ? (size_t)wanted : own;
    }
    if (!onnx_expand(graph, x, rank, shape, &out) ||
        (is_spread && out.kind != ONNX_ROWS && !onnx_spread(graph, &out, &out)))
        return false;
    out.is_batched |= is_spread;
    return onnx_answer(graph, true, &out);
}

const struct onnx_op onnx_shape_ops[] = {
    {"Cast", "", .read = read_cast},
    {"Constant", "", .read = read_constant},
    {"ConstantOfShape", "", .read = read_constant_of_shape},
    {"Dropout", "", .read = read_dropout},
    {"Expand", "", .read = read_expand},
    {"Flatten", "", .read = read_flatten},
    {"Identity", "", .read = read_identity},
    {"Reshape", "", .read = read_reshape},
    {"Shape", "", .read = read_shape},
    {"Squeeze", "", .read = read_squeeze},
    {"Transpose", "", .read = read_transpose},
    {"Unsqueeze", "", .read = read_unsqueeze},
    {0},
};
