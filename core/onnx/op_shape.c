/* ONNX operations that tell shapes, or give the same numbers another shape. Most of them run only
 * once, when the model is loaded. */
#include "core/onnx/graph.h"

#include <string.h>

/* ---- sizes ---- */

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
    start = start < -rank ? 0 : start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end > rank ? rank : end;
    struct onnx_value out = {.kind = ONNX_WHOLES, .rank = 1};
    if (start >= 0 && start == end)
        return onnx_answer(graph, onnx_empty_list(graph, &out), &out);
    if (start < 0 || start >= end)
        return onnx_fail(graph, "axes %lld to %lld of %lld", start, end, rank);
    size_t count = (size_t)(end - start);
    bool any = false;
    long long *wholes = arena_take_array(&graph->source->temporary, count, sizeof *wholes);
    bool *is_batch = arena_take_array(&graph->source->temporary, count, sizeof *is_batch);
    if (!wholes || !is_batch)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++) {
        wholes[i] = (long long)x->shape[(size_t)start + i];
        is_batch[i] = onnx_is_batch(x, (size_t)start + i);
        any |= is_batch[i];
    }
    out.shape[0] = out.width = count;
    out.wholes = wholes;
    out.is_batch = any ? is_batch : NULL;
    return onnx_answer(graph, true, &out);
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
static bool cast(struct onnx_graph *graph, const struct onnx_value *x, long long to)
{
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

static bool read_cast(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long to = 0;
    return onnx_wanted(graph, 0, &x) && onnx_whole(graph, "to", &to) && cast(graph, x, to);
}

/* A cast to the type of another tensor. */
static bool read_cast_like(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *like;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &like))
        return false;
    bool is_text = like->is_text || like->kind == ONNX_TEXTS;
    bool is_whole = like->kind == ONNX_WHOLES || like->is_whole;
    return cast(graph, x, is_text ? ONNX_STRING : is_whole ? ONNX_INT64 : ONNX_FLOAT);
}

static bool read_size(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    long long *size = arena_take(&graph->source->temporary, sizeof *size);
    bool *is_batch = arena_take(&graph->source->temporary, sizeof *is_batch);
    if (!size || !is_batch)
        return onnx_no_memory(graph);
    if (!onnx_wanted(graph, 0, &x))
        return false;
    *size = (long long)x->width;
    *is_batch = x->kind == ONNX_ROWS && x->is_batched;
    struct onnx_value out = {.kind = ONNX_WHOLES, .width = 1, .wholes = size};
    out.is_batch = *is_batch ? is_batch : NULL;
    return onnx_answer(graph, true, &out);
}

/* ---- changing the shape ---- */

/* Gives x another shape; the numbers stay where they are. The shape must have no 0 and no more
 * elements than x. In a batched graph, shape[batch] counts only the elements of one row. */
static bool give_shape(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                       const size_t *shape, size_t batch)
{
    struct onnx_value out = *x;
    out.batch_axis = batch;
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

/* A dimension of Reshape's list: 0 copies x's. */
static long long wanted_dim(const struct onnx_value *x, const struct onnx_value *list, size_t i,
                            bool copies)
{
    long long dim = list->wholes[i];
    return dim == 0 && copies && i < x->rank ? (long long)x->shape[i] : dim;
}

/* True if the dimension may be the batch, or a multiple of it. */
static bool may_be_batch(const struct onnx_graph *graph, const struct onnx_value *x,
                         const struct onnx_value *list, size_t i, bool copies)
{
    long long dim = list->wholes[i];
    bool is_copy = dim == 0 && copies && i == x->batch_axis;
    if (list->is_batch && list->is_batch[i])
        return dim > 0 || is_copy;
    return dim == -1 || is_copy || (dim > 0 && graph->batch > 0 && dim % graph->batch == 0);
}

/* Elements of a row that lie before its batch. */
static size_t before_batch(const struct onnx_value *x)
{
    return onnx_product(x, 0, x->batch_axis) * (x->batch_outer ? x->batch_outer : 1);
}

/* Finds the batch in Reshape's list: the dimension that is made of x's; or the first that may be it
 * and has as many elements before it as x's; or the one that is not told. */
static bool find_batch(struct onnx_graph *graph, const struct onnx_value *x,
                       const struct onnx_value *list, bool copies, size_t *place)
{
    size_t wanted = before_batch(x), before = 1;
    for (*place = 0; list->is_batch && *place < list->width; ++*place)
        if (list->is_batch[*place] && may_be_batch(graph, x, list, *place, copies))
            return true;
    for (*place = 0; *place < list->width; ++*place) {
        long long dim = wanted_dim(x, list, *place, copies);
        if (before == wanted && may_be_batch(graph, x, list, *place, copies))
            return true;
        if (dim < 1 || (size_t)dim > wanted || (before *= (size_t)dim) > wanted)
            break;
    }
    for (*place = 0; *place < list->width; ++*place)
        if (list->wholes[*place] == -1 && !(list->is_batch && list->is_batch[*place]))
            return true;
    return onnx_fail_mixing(graph, "it reshapes");
}

/* How many of the batch's elements belong to one row; 0: what the other dimensions leave. */
static size_t batch_share(const struct onnx_graph *graph, const struct onnx_value *x,
                          const struct onnx_value *list, size_t place)
{
    long long dim = list->wholes[place];
    bool is_multiple = list->is_batch && list->is_batch[place];
    if (dim == 0)
        return x->shape[place];
    return dim < 0 ? 0 : is_multiple ? (size_t)dim : (size_t)(dim / graph->batch);
}

/* `known`: the product that does not divide x's numbers; 0: the shape holds more than those. */
static bool fail_reshape(struct onnx_graph *graph, const struct onnx_value *x, size_t known)
{
    if (x->kind == ONNX_ROWS && x->is_batched)
        return onnx_fail_mixing(graph, "it reshapes");
    if (known)
        return onnx_fail(graph, "%zu numbers do not divide by %zu", x->width, known);
    return onnx_fail(graph, "its shape holds more than the %zu numbers there are", x->width);
}

static bool read_reshape(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *list;
    long long zero_is_zero = 0;
    size_t shape[ONNX_RANK_MAX] = {0}, unknown = ONNX_RANK_MAX, known = 1, batch = ONNX_RANK_MAX;
    if (!onnx_wanted(graph, 0, &x) || !onnx_list_input(graph, 1, &list) ||
        !onnx_whole(graph, "allowzero", &zero_is_zero))
        return false;
    size_t rank = list ? list->width : 0;
    bool has_batch = x->kind == ONNX_ROWS && x->is_batched;
    if (!list || rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "its shape is missing, or too long");
    if (has_batch && !find_batch(graph, x, list, !zero_is_zero, &batch))
        return false;
    for (size_t i = 0; i < rank; i++) {
        long long dim = wanted_dim(x, list, i, !zero_is_zero);
        if (i != batch && list->is_batch && list->is_batch[i])
            return onnx_fail_mixing(graph, "it reshapes");
        shape[i] = i == batch ? batch_share(graph, x, list, i) : dim > 0 ? (size_t)dim : 0;
        if (shape[i] == 0 && (unknown < ONNX_RANK_MAX || list->wholes[i] != -1))
            return onnx_fail(graph, "dimension %zu of its shape is %lld", i, list->wholes[i]);
        if (shape[i] == 0)
            unknown = i;
        else if (shape[i] > x->width || (known *= shape[i]) > x->width)
            return fail_reshape(graph, x, 0);
    }
    if (unknown < ONNX_RANK_MAX) {
        if (x->width % known)
            return fail_reshape(graph, x, known);
        shape[unknown] = x->width / known;
    }
    if (!has_batch)
        return give_shape(graph, x, rank, shape, 0);
    struct onnx_value from = *x;
    size_t before = 1, wanted = before_batch(x);
    for (size_t i = 0; i < batch; i++)
        before *= shape[i];
    size_t outer = before ? wanted / before : 0;
    if (outer == 0 || wanted % before || shape[batch] % outer)
        return onnx_fail_mixing(graph, "it reshapes");
    from.batch_outer = outer > 1 ? outer : 0;
    return give_shape(graph, &from, rank, shape, batch);
}

/* Into two axes. The batch stays whole if nothing lies before it in its own. */
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
    size_t shape[2] = {onnx_product(x, 0, axis), onnx_product(x, axis, x->rank)}, batch = 0;
    if (x->kind == ONNX_ROWS && x->is_batched) {
        batch = x->batch_axis >= axis;
        if (onnx_product(x, batch ? axis : 0, x->batch_axis) != 1)
            return onnx_fail_mixing(graph, "it flattens");
    }
    return give_shape(graph, x, 2, shape, batch);
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
    size_t count = 0, shape[ONNX_RANK_MAX], rank = 0, batch = 0;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !axes_of(graph, &axes, &count) ||
        !onnx_axes(graph, axes, count, x->rank, is_axis))
        return false;
    for (size_t i = 0; i < x->rank; i++) {
        bool is_batch = onnx_is_batch(x, i);
        batch = is_batch ? rank : batch;
        if (is_batch && is_axis[i])
            return onnx_fail_mixing(graph, "it squeezes");
        if (is_axis[i] && x->shape[i] != 1)
            return onnx_fail(graph, "axis %zu is %zu long", i, x->shape[i]);
        if (!is_axis[i] && (count || x->shape[i] != 1 || is_batch))
            shape[rank++] = x->shape[i];
    }
    return give_shape(graph, x, rank, shape, batch);
}

static bool read_unsqueeze(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    const long long *axes = NULL;
    size_t count = 0, shape[ONNX_RANK_MAX], from = 0, batch = 0;
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!onnx_wanted(graph, 0, &x) || !axes_of(graph, &axes, &count))
        return false;
    size_t rank = x->rank + count;
    if (rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "%zu dimensions; at most %d are taken", rank, ONNX_RANK_MAX);
    if (!onnx_axes(graph, axes, count, rank, is_axis))
        return false;
    for (size_t i = 0; i < rank; i++) {
        batch = !is_axis[i] && from == x->batch_axis ? i : batch;
        shape[i] = is_axis[i] ? 1 : x->shape[from++];
    }
    return give_shape(graph, x, rank, shape, batch);
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
    bool has_batch = x->kind == ONNX_ROWS && x->is_batched;
    size_t spread = 0;
    bool is_spread =
        !x->is_batched && list->width == rank && onnx_is_of_batch(graph, list, &spread);
    for (size_t i = 0; i < rank; i++) {
        size_t own = i + x->rank >= rank ? x->shape[i + x->rank - rank] : 1;
        size_t at = i + list->width >= rank ? i + list->width - rank : ONNX_RANK_MAX;
        long long wanted = at < ONNX_RANK_MAX ? list->wholes[at] : 1;
        bool is_batch = at < ONNX_RANK_MAX && list->is_batch && list->is_batch[at];
        bool is_own = has_batch && i == rank - x->rank + x->batch_axis; /* the batch of x */
        if (is_own && (is_batch || wanted == graph->batch))
            wanted = 1;
        else if (is_batch && !(is_spread && own == 1))
            return onnx_fail_mixing(graph, "it expands");
        if (wanted < 1 || (wanted != 1 && own != 1 && (size_t)wanted != own) ||
            (is_own && wanted != 1)) {
            graph->mixes_rows |= is_own;
            return onnx_fail(graph, "dimension %zu cannot become %lld", i, wanted);
        }
        shape[i] = own == 1 ? (size_t)wanted : own;
    }
    if (!onnx_expand(graph, x, rank, shape, &out) ||
        (is_spread && out.kind != ONNX_ROWS && !onnx_spread(graph, &out, spread, &out)))
        return false;
    out.is_batched |= is_spread;
    out.batch_axis = is_spread ? spread : out.batch_axis;
    return onnx_answer(graph, true, &out);
}

const struct onnx_op onnx_shape_ops[] = {
    {"Cast", "", .read = read_cast},
    {"CastLike", "", .read = read_cast_like},
    {"Dropout", "", .read = read_dropout},
    {"Expand", "", .read = read_expand},
    {"Flatten", "", .read = read_flatten},
    {"Identity", "", .read = read_identity},
    {"Reshape", "", .read = read_reshape},
    {"Shape", "", .read = read_shape},
    {"Size", "", .read = read_size},
    {"Squeeze", "", .read = read_squeeze},
    {"Transpose", "", .read = read_transpose},
    {"Unsqueeze", "", .read = read_unsqueeze},
    {0},
};
