/* ONNX operations that repeat numbers or put constants around them: Pad, Tile, Trilu. */
#include "core/onnx/graph.h"

#include <string.h>

enum { LENGTH_MAX = 1 << 20 };

/* For each element of an axis of the result, which one of x's it is. FILLED: the constant. */
static const size_t FILLED = (size_t)-1;

/* Makes the tensor of that shape whose element at [i0, i1, …] is x's at [from[0][i0], …]. */
static bool extend(struct onnx_graph *graph, const struct onnx_value *x, const size_t *shape,
                   size_t *const *from, const struct onnx_value *fill, struct onnx_value *out)
{
    struct onnx_value pair[2] = {*x, *fill}, about = {0}, joined = {.rank = 1};
    size_t at[ONNX_RANK_MAX] = {0},
           *piece = arena_take_array(graph->source->arena, 2, sizeof(size_t));
    bool is_filled = false;
    if (!piece)
        return onnx_no_memory(graph);
    if (!onnx_unturn(graph, &pair[0]) || !onnx_shape(graph, &about, x->rank, shape))
        return false;
    uint32_t *map = onnx_new_map(graph, about.width);
    if (!map)
        return false;
    for (size_t i = 0; i < about.width; i++) {
        size_t place = 0;
        for (size_t k = 0; k < x->rank && place != FILLED; k++)
            place = from[k][at[k]] == FILLED ? FILLED : place * x->shape[k] + from[k][at[k]];
        is_filled |= place == FILLED;
        map[i] = (uint32_t)(place == FILLED ? x->width : place);
        for (size_t k = x->rank; k-- > 0; at[k] = 0)
            if (++at[k] < shape[k])
                break;
    }
    if (!is_filled)
        return onnx_gather(graph, &pair[0], map, x->rank, shape, out);
    struct step step = {.kind = STEP_JOIN, .piece = piece};
    piece[0] = x->width;
    piece[1] = 1;
    joined.width = joined.shape[0] = x->width + 1;
    if (!onnx_emit(graph, &step, pair, 2, &joined) ||
        !onnx_gather(graph, &joined, map, x->rank, shape, out))
        return false;
    out->batch_axis = x->batch_axis;
    return true;
}

static size_t *new_axis(struct onnx_graph *graph, size_t length)
{
    size_t *axis = length <= LENGTH_MAX
                       ? arena_take_array(&graph->source->temporary, length + 1, sizeof *axis)
                       : NULL;
    if (!axis && length <= LENGTH_MAX)
        onnx_no_memory(graph);
    else if (!axis)
        onnx_fail(graph, "an axis of %zu", length);
    return axis;
}

/* ---- Pad ---- */

enum mode { MODE_CONSTANT, MODE_EDGE, MODE_REFLECT, MODE_WRAP, MODES };

/* The element of an axis of `len` that lies at `at`, which may be outside. */
static size_t padded(enum mode mode, long long at, long long len)
{
    if (at >= 0 && at < len)
        return (size_t)at;
    if (mode == MODE_CONSTANT)
        return FILLED;
    if (mode == MODE_EDGE)
        return at < 0 ? 0 : (size_t)(len - 1);
    long long period = mode == MODE_WRAP ? len : len > 1 ? 2 * (len - 1) : 1;
    at = (at % period + period) % period;
    return (size_t)(at < len ? at : period - at);
}

/* pads[2][rank]: before and after each axis; an attribute before opset 11, an input since then. */
static bool read_pads(struct onnx_graph *graph, const struct onnx_value *x,
                      long long pads[2][ONNX_RANK_MAX])
{
    long long many[ONNX_LIST_MAX];
    const struct onnx_value *list, *axes = NULL;
    size_t count;
    if (!onnx_wholes(graph, "pads", many, &count) || !onnx_list_input(graph, 1, &list) ||
        !onnx_list_input(graph, 3, &axes))
        return false;
    const long long *from = list ? list->wholes : many;
    count = list ? list->width : count;
    size_t named = axes ? axes->width : x->rank;
    if (count != 2 * named || named > ONNX_RANK_MAX || (list && list->is_batch))
        return onnx_fail(graph, "%zu pads for %zu axes", count, named);
    memset(pads, 0, 2 * sizeof *pads);
    for (size_t i = 0; i < count; i++) {
        size_t axis = i % named;
        if (axes && !onnx_axis(graph, axes->wholes[axis], x->rank, &axis))
            return false;
        if (from[i] > LENGTH_MAX || from[i] < -LENGTH_MAX)
            return onnx_fail(graph, "a pad of %lld", from[i]);
        pads[i / named][axis] = from[i];
    }
    return true;
}

static bool read_pad(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const char *const modes[MODES] = {"constant", "edge", "reflect", "wrap"};
    const struct onnx_value *x, *value = NULL;
    struct onnx_value out, fill;
    struct onnx_text word = {"constant", 8};
    float *number = arena_take(graph->source->arena, sizeof *number);
    long long pads[2][ONNX_RANK_MAX] = {{0}};
    size_t shape[ONNX_RANK_MAX], *from[ONNX_RANK_MAX], mode = 0;
    if (!number)
        return onnx_no_memory(graph);
    if (!onnx_wanted(graph, 0, &x) || !onnx_word(graph, "mode", &word) ||
        !onnx_number(graph, "value", number) ||
        (graph->file.opset >= 11 && !onnx_input(graph, 2, &value)) || !read_pads(graph, x, pads))
        return false;
    while (mode < MODES && !onnx_text_is(word, modes[mode]))
        mode++;
    if (mode == MODES || (value && value->width != 1))
        return onnx_fail(graph, "mode '%.*s', or a value that is no single number",
                         ONNX_NAME(word));
    static const long long zero = 0;
    fill = value ? *value : onnx_scalar(number);
    if (!value && x->kind == ONNX_WHOLES)
        fill = (struct onnx_value){.kind = ONNX_WHOLES, .width = 1, .wholes = &zero};
    for (size_t i = 0; i < x->rank; i++) {
        long long len = (long long)x->shape[i], length = len + pads[0][i] + pads[1][i];
        if (onnx_is_batch(x, i) && (pads[0][i] || pads[1][i]))
            return onnx_fail_mixing(graph, "it pads");
        shape[i] = length < 1 ? 0 : (size_t)length;
        if (!(from[i] = new_axis(graph, shape[i])))
            return false;
        for (size_t k = 0; k < shape[i]; k++)
            from[i][k] = padded((enum mode)mode, (long long)k - pads[0][i], len);
    }
    return onnx_answer(graph, extend(graph, x, shape, from, &fill, &out), &out);
}

/* ---- Tile ---- */

static bool read_tile(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *list;
    struct onnx_value out;
    size_t shape[ONNX_RANK_MAX], *from[ONNX_RANK_MAX];
    if (!onnx_wanted(graph, 0, &x) || !onnx_list_input(graph, 1, &list))
        return false;
    if (!list || list->width != x->rank)
        return onnx_fail(graph, "%zu repeats for %zu axes", list ? list->width : 0, x->rank);
    for (size_t i = 0; i < x->rank; i++) {
        long long times = list->wholes[i];
        if ((onnx_is_batch(x, i) && times != 1) || (list->is_batch && list->is_batch[i]))
            return onnx_fail_mixing(graph, "it repeats");
        if (times < 1 || times > LENGTH_MAX)
            return onnx_fail(graph, "axis %zu %lld times", i, times);
        shape[i] = x->shape[i] * (size_t)times;
        if (!(from[i] = new_axis(graph, shape[i])))
            return false;
        for (size_t k = 0; k < shape[i]; k++)
            from[i][k] = k % x->shape[i];
    }
    return onnx_answer(graph, extend(graph, x, shape, from, x, &out), &out);
}

/* ---- Trilu ---- */

/* Keeps one triangle of each matrix; the other one becomes zeros. */
static bool read_trilu(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const float zero = 0;
    const struct onnx_value *x, *list;
    struct onnx_value out, none = onnx_scalar(&zero), mask = {.kind = ONNX_FLOATS};
    long long is_upper = 1, k = 0;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "upper", &is_upper) ||
        !onnx_list_input(graph, 1, &list))
        return false;
    if (x->rank < 2 || (list && (list->width != 1 || list->is_batch)))
        return onnx_fail(graph, "a tensor of %zu dimensions, or a k of several numbers", x->rank);
    k = list ? list->wholes[0] : 0;
    size_t rows = x->shape[x->rank - 2], columns = x->shape[x->rank - 1];
    if (onnx_is_batch(x, x->rank - 2) || onnx_is_batch(x, x->rank - 1))
        return onnx_fail_mixing(graph, "it takes a triangle");
    if (k > LENGTH_MAX || k < -LENGTH_MAX || !onnx_spend(graph, rows * columns))
        return k > LENGTH_MAX || k < -LENGTH_MAX ? onnx_fail(graph, "k is %lld", k) : false;
    float *kept = arena_take_array(graph->source->arena, rows * columns, sizeof *kept);
    if (!kept)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < rows * columns; i++) {
        long long off = (long long)(i % columns) - (long long)(i / columns);
        kept[i] = is_upper ? off >= k : off <= k;
    }
    mask.floats = kept;
    return onnx_answer(graph,
                       onnx_shape(graph, &mask, 2, x->shape + x->rank - 2) &&
                           onnx_element(graph, ELEMENT_WHERE, &mask, x, &none, &out),
                       &out);
}

const struct onnx_op onnx_extend_ops[] = {
    {"Pad", "", .read = read_pad},
    {"Tile", "", .read = read_tile},
    {"Trilu", "", .read = read_trilu},
    {0},
};
