/* ONNX operations that take parts of tensors or join tensors. */
#include "core/onnx/lookup.h"

#include <string.h>

/* ---- taking parts ---- */

/* x[…, index[i], …] along one axis, for `count` indices. */
static bool take(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                 const long long *index, size_t count, struct onnx_value *out)
{
    size_t shape[ONNX_RANK_MAX], inner = onnx_product(x, axis + 1, x->rank);
    size_t outer = onnx_product(x, 0, axis), at = 0;
    memcpy(shape, x->shape, sizeof shape);
    shape[axis] = count;
    struct onnx_value about = {0};
    if (!onnx_shape(graph, &about, x->rank, shape))
        return false;
    uint32_t *map = onnx_new_map(graph, about.width);
    if (!map)
        return false;
    for (size_t o = 0; o < outer; o++)
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < inner; k++)
                map[at++] = (uint32_t)((o * x->shape[axis] + (size_t)index[i]) * inner + k);
    return onnx_gather(graph, x, map, x->rank, shape, out);
}

/* Fails if the axis is the batch: its parts would be rows. */
static bool may_take(struct onnx_graph *graph, const struct onnx_value *x, size_t axis)
{
    if (onnx_is_batch(x, axis))
        return onnx_fail_mixing(graph, "it takes parts");
    return true;
}

/* Takes the elements first, first + step, … of an axis. */
static bool take_range(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                       long long first, long long step, size_t count, struct onnx_value *out)
{
    long long *index = arena_take_array(&graph->source->temporary, count + 1, sizeof *index);
    if (!index)
        return onnx_no_memory(graph);
    if (count == 0 && x->kind == ONNX_WHOLES && x->rank == 1)
        return onnx_empty_list(graph, out);
    if (count == 0)
        return onnx_fail(graph, "axis %zu would be empty", axis);
    for (size_t i = 0; i < count; i++)
        index[i] = first + (long long)i * step;
    return take(graph, x, axis, index, count, out);
}

static bool read_gather(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *indices;
    struct onnx_value out;
    long long number = 0, *index;
    size_t axis, rank = 0, shape[2 * ONNX_RANK_MAX];
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &indices) ||
        !onnx_whole(graph, "axis", &number) || !onnx_axis(graph, number, x->rank, &axis))
        return false;
    if (indices->kind == ONNX_ROWS && axis)
        return onnx_fail(graph, "an embedding along axis %zu; those along axis 0 are read", axis);
    if (indices->kind == ONNX_ROWS)
        return onnx_answer(graph, onnx_embed(graph, x, indices, &out), &out);
    if (!may_take(graph, x, axis))
        return false;
    if (indices->kind != ONNX_WHOLES)
        return onnx_fail(graph, "its indices are no whole numbers");
    index = arena_take_array(&graph->source->temporary, indices->width, sizeof *index);
    if (!index)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < indices->width; i++) {
        long long len = (long long)x->shape[axis], at = indices->wholes[i];
        index[i] = at < 0 ? at + len : at;
        if (index[i] < 0 || index[i] >= len)
            return onnx_fail(graph, "index %lld of %lld", at, len);
    }
    if (!take(graph, x, axis, index, indices->width, &out))
        return false;
    for (size_t i = 0; i < x->rank; i++) {
        if (i != axis)
            shape[rank++] = x->shape[i];
        for (size_t k = 0; i == axis && k < indices->rank; k++)
            shape[rank++] = indices->shape[k];
    }
    if (out.batch_axis > axis)
        out.batch_axis = out.batch_axis + indices->rank - 1;
    return onnx_answer(graph, onnx_shape(graph, &out, rank, shape), &out);
}

/* Slices one axis by NumPy's rules for bounds beyond the ends. A slice of the batch is allowed only
 * if it takes the whole batch, whatever its size. */
static bool slice_axis(struct onnx_graph *graph, struct onnx_value *x, size_t axis, long long start,
                       long long end, long long step)
{
    long long len = (long long)x->shape[axis];
    if (step == 0)
        return onnx_fail(graph, "a step of 0");
    if (onnx_is_batch(x, axis) && start == 0 && step == 1 && end >= INT32_MAX)
        return true;
    if (!may_take(graph, x, axis))
        return false;
    start = start < 0 ? (start < -len ? -1 : start + len) : start;
    end = end < 0 ? (end < -len ? -1 : end + len) : end;
    long long least = step > 0 ? 0 : -1, most = step > 0 ? len : len - 1;
    start = start < least ? least : start > most ? most : start;
    end = end < least ? least : end > most ? most : end;
    long long span = step > 0 ? end - start : start - end;
    long long size = step > 0 ? step : step == INT64_MIN ? INT64_MAX : -step;
    size_t count = span > 0 ? (size_t)((span - 1) / size + 1) : 0;
    return take_range(graph, x, axis, start, count > 1 ? step : 1, count, x);
}

static bool read_slice(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const char *const names[] = {"starts", "ends", "axes", "steps"};
    const struct onnx_value *x, *input;
    long long list[4][ONNX_RANK_MAX], many[ONNX_LIST_MAX];
    size_t count[4] = {0};
    if (!onnx_wanted(graph, 0, &x))
        return false;
    for (size_t i = 0; i < 4; i++) {
        if (!onnx_wholes(graph, names[i], many, &count[i]) ||
            !onnx_list_input(graph, i + 1, &input))
            return false;
        const long long *from = input ? input->wholes : many;
        count[i] = input ? input->width : count[i];
        if (count[i] > ONNX_RANK_MAX || (input && input->is_batch))
            return onnx_fail(graph, "%s that are not known", names[i]);
        memcpy(list[i], from, count[i] * sizeof *from);
    }
    if (count[0] != count[1] || (count[2] && count[2] != count[0]) ||
        (count[3] && count[3] != count[0]))
        return onnx_fail(graph, "%zu starts, %zu ends, %zu axes, %zu steps", count[0], count[1],
                         count[2], count[3]);
    struct onnx_value out = *x;
    for (size_t i = 0; i < count[0]; i++) {
        size_t axis;
        if (!onnx_axis(graph, count[2] ? list[2][i] : (long long)i, x->rank, &axis) ||
            !slice_axis(graph, &out, axis, list[0][i], list[1][i], count[3] ? list[3][i] : 1))
            return false;
    }
    return onnx_answer(graph, true, &out);
}

static bool read_split(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x, *input;
    long long number = 0, sizes[ONNX_LIST_MAX], first = 0;
    size_t axis, count;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "axis", &number) ||
        !onnx_wholes(graph, "split", sizes, &count) || !onnx_list_input(graph, 1, &input) ||
        !onnx_axis(graph, number, x->rank, &axis) || !may_take(graph, x, axis))
        return false;
    const long long *size = input ? input->wholes : sizes;
    struct onnx_value from = *x;
    count = input ? input->width : count;
    long long len = (long long)from.shape[axis], each = (len + (long long)node->outputs - 1);
    each /= (long long)node->outputs;
    if (count && count != node->outputs)
        return onnx_fail(graph, "%zu sizes for %zu outputs", count, node->outputs);
    for (size_t i = 0; i < node->outputs; i++) {
        struct onnx_value out;
        long long some = count ? size[i] : each < len - first ? each : len - first;
        if (some < 1 || some > len - first)
            return onnx_fail(graph, "part %zu of %lld goes past %lld", i, some, len);
        if (!take_range(graph, &from, axis, first, 1, (size_t)some, &out))
            return false;
        onnx_give(graph, i, &out);
        first += some;
    }
    if (first != len)
        return onnx_fail(graph, "its parts make %lld of %lld", first, len);
    return true;
}

/* ---- joining ---- */

static bool concat_wholes(struct onnx_graph *graph, const struct onnx_value *x, size_t count,
                          size_t width, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    long long *wholes = arena_take_array(arena, width, sizeof *wholes);
    bool *is_batch = arena_take_array(arena, width, sizeof *is_batch), any = false;
    if (!wholes || !is_batch)
        return onnx_no_memory(graph);
    size_t at = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < x[i].width; k++) {
            is_batch[at] = x[i].is_batch && x[i].is_batch[k];
            any |= is_batch[at];
            wholes[at++] = x[i].wholes[k];
        }
    *out = (struct onnx_value){.kind = ONNX_WHOLES, .rank = 1, .shape = {width}, .width = width};
    out->wholes = wholes;
    out->is_batch = any ? is_batch : NULL;
    return true;
}

static bool read_concat(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *input;
    size_t count = node->inputs, axis, sum = 0, whole = 0;
    size_t batch = ONNX_RANK_MAX, outer = 0, batches = 0;
    long long number = 0;
    struct arena *arena = graph->source->arena;
    struct onnx_value *x = arena_take_array(&graph->source->temporary, count + 1, sizeof *x);
    size_t *piece = arena_take_array(arena, count + 1, sizeof *piece), shape[ONNX_RANK_MAX];
    struct onnx_value out = {0};
    if (!x || !piece)
        return onnx_no_memory(graph);
    if (count == 0)
        return onnx_fail(graph, "nothing to put together");
    if (!onnx_whole(graph, "axis", &number))
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!onnx_wanted(graph, i, &input))
            return false;
        x[i] = *input;
        whole += input->kind == ONNX_WHOLES && input->rank == 1;
        if (i && x[i].rank != x[0].rank)
            return onnx_fail(graph, "tensors of %zu and %zu dimensions", x[0].rank, x[i].rank);
        if (input->kind == ONNX_ROWS && input->is_batched && batch != ONNX_RANK_MAX &&
            (batch != input->batch_axis || outer != input->batch_outer))
            return onnx_fail_mixing(graph, "it puts tensors together");
        if (input->kind != ONNX_ROWS || !input->is_batched)
            continue;
        batch = input->batch_axis;
        outer = input->batch_outer;
        batches += input->shape[batch] == x[0].shape[batch];
    }
    if (!onnx_axis(graph, number, x[0].rank, &axis))
        return false;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < x[0].rank; k++)
            if (k != axis && x[i].shape[k] != x[0].shape[k])
                return k == batch ? onnx_fail_mixing(graph, "it puts constants together")
                                  : onnx_fail(graph, "input %zu differs in axis %zu: %zu and %zu",
                                              i, k, x[0].shape[k], x[i].shape[k]);
        sum += x[i].shape[axis];
        piece[i] = onnx_product(&x[i], axis, x[i].rank);
    }
    if (whole == count)
        return onnx_answer(graph, concat_wholes(graph, x, count, sum, &out), &out);
    if (axis == batch && batches != count)
        return onnx_fail_mixing(graph, "it puts tensors together");
    memcpy(shape, x[0].shape, sizeof shape);
    shape[axis] = sum;
    struct step step = {.kind = STEP_JOIN, .piece = piece, .parts = onnx_product(&x[0], 0, axis)};
    if (!onnx_shape(graph, &out, x[0].rank, shape) || !onnx_emit(graph, &step, x, count, &out))
        return false;
    if (axis == batch && count > 1) /* all rows of the first tensor, then all of the next */
        out.batch_outer = count * (outer ? outer : 1);
    return onnx_answer(graph, true, &out);
}

const struct onnx_op onnx_part_ops[] = {
    {"Concat", "", .read = read_concat},
    {"Gather", "", .read = read_gather},
    {"Slice", "", .read = read_slice},
    {"Split", "", .read = read_split},
    {0},
};
