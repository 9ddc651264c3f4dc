/* ONNX operations that pick or replace elements one by one. With constant indices numbers are
 * moved. An index that varies with the row is compared with every place that it may have. */
#include "core/onnx/lookup.h"

#include <string.h>

/* ---- indices that vary ---- */

/* Checks the indices, each 0 … places - 1 or from the end, and makes them all count from 0. */
static bool read_places(struct onnx_graph *graph, const struct onnx_value *index, size_t places,
                        struct onnx_value *out)
{
    static const float zero = 0;
    size_t below;
    if (!onnx_check_indices(graph, index, places, &below))
        return false;
    *out = *index;
    if (below == 0)
        return true;
    float *all = arena_take(graph->source->arena, sizeof *all);
    if (!all)
        return onnx_no_memory(graph);
    *all = (float)places;
    struct onnx_value none = onnx_scalar(&zero), more = onnx_scalar(all), is_less, wrapped;
    return onnx_element(graph, ELEMENT_LESS, index, &none, NULL, &is_less) &&
           onnx_element(graph, ELEMENT_ADD, index, &more, NULL, &wrapped) &&
           onnx_element(graph, ELEMENT_WHERE, &is_less, &wrapped, index, out);
}

/* The constants 0, 1, …, count - 1 along an axis of `rank`. */
static bool count_up(struct onnx_graph *graph, size_t count, size_t rank, size_t axis,
                     struct onnx_value *out)
{
    float *place = arena_take_array(graph->source->arena, count, sizeof *place);
    size_t shape[ONNX_RANK_MAX];
    if (!place)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++)
        place[i] = (float)i;
    for (size_t i = 0; i < rank; i++)
        shape[i] = i == axis ? count : 1;
    *out = (struct onnx_value){.kind = ONNX_FLOATS, .floats = place};
    return onnx_shape(graph, out, rank, shape);
}

/* True if rows stay rows: the axis is no batch, and both tensors have the same batch. */
static bool are_rows_alike(struct onnx_graph *graph, const struct onnx_value *x,
                           const struct onnx_value *index, size_t axis)
{
    bool has_batch = x->kind == ONNX_ROWS && x->is_batched;
    bool is_alike = !has_batch || index->kind != ONNX_ROWS || !index->is_batched ||
                    (x->batch_axis == index->batch_axis && x->batch_outer == index->batch_outer);
    size_t batch = has_batch ? x->batch_axis : index->batch_axis;
    bool is_batched = has_batch || (index->kind == ONNX_ROWS && index->is_batched);
    if (is_batched && (!is_alike || batch == axis || x->shape[batch] != index->shape[batch]))
        return onnx_fail_mixing(graph, "it picks elements");
    return true;
}

static bool check_shapes(struct onnx_graph *graph, const struct onnx_value *x,
                         const struct onnx_value *index, size_t axis)
{
    if (index->rank != x->rank)
        return onnx_fail(graph, "indices of %zu dimensions for %zu", index->rank, x->rank);
    if (x->rank == ONNX_RANK_MAX)
        return onnx_fail(graph, "tensors of %zu dimensions", x->rank);
    if (!are_rows_alike(graph, x, index, axis))
        return false;
    for (size_t i = 0; i < x->rank; i++)
        if (i != axis && index->shape[i] > x->shape[i])
            return onnx_fail(graph, "axis %zu has %zu indices for %zu elements", i, index->shape[i],
                             x->shape[i]);
    return true;
}

/* For each index all elements that it may pick, along a new last axis. */
static bool spread_choices(struct onnx_graph *graph, const struct onnx_value *x,
                           const struct onnx_value *index, size_t axis, struct onnx_value *out)
{
    size_t shape[ONNX_RANK_MAX], stride[ONNX_RANK_MAX];
    struct onnx_value from = *x;
    for (size_t i = 0; i < x->rank; i++) {
        shape[i] = index->shape[i];
        stride[i] = i == axis ? 0 : onnx_product(x, i + 1, x->rank);
    }
    shape[x->rank] = x->shape[axis];
    stride[x->rank] = onnx_product(x, axis + 1, x->rank);
    return onnx_unturn(graph, &from) &&
           onnx_gather_by_strides(graph, &from, x->rank + 1, shape, stride, out);
}

static bool gather_varying(struct onnx_graph *graph, const struct onnx_value *x,
                           const struct onnx_value *index, size_t axis, struct onnx_value *out)
{
    static const float zero = 0;
    size_t places = x->shape[axis], rank = x->rank;
    struct onnx_value at, many, place, is, choices, none = onnx_scalar(&zero);
    bool is_axis[ONNX_RANK_MAX] = {false}, is_whole = x->kind == ONNX_WHOLES || x->is_whole;
    is_axis[rank] = true;
    if (!read_places(graph, index, places, &at) || !onnx_repeat(graph, &at, places, &many) ||
        !count_up(graph, places, rank + 1, rank, &place) ||
        !onnx_element(graph, ELEMENT_EQUAL, &many, &place, NULL, &is) ||
        !spread_choices(graph, x, index, axis, &choices) ||
        !onnx_element(graph, ELEMENT_WHERE, &is, &choices, &none, &choices) ||
        !onnx_reduce(graph, &choices, is_axis, REDUCE_SUM, false, out))
        return false;
    out->is_whole = is_whole;
    return true;
}

/* ---- constant indices ---- */

/* Walks over the elements of a shape: the next at[]. */
static void step_on(size_t *at, const size_t *shape, size_t rank)
{
    for (size_t k = rank; k-- > 0;) {
        if (++at[k] < shape[k])
            return;
        at[k] = 0;
    }
}

static size_t place_in(const struct onnx_value *x, const size_t *at)
{
    size_t place = 0;
    for (size_t i = 0; i < x->rank; i++)
        place = place * x->shape[i] + at[i];
    return place;
}

static bool read_index(struct onnx_graph *graph, long long index, size_t places, size_t *at)
{
    long long len = (long long)places;
    if (index < -len || index >= len)
        return onnx_fail(graph, "index %lld of %lld", index, len);
    *at = (size_t)(index < 0 ? index + len : index);
    return true;
}

/* map[i]: the element of x that the i-th index names. */
static uint32_t *map_elements(struct onnx_graph *graph, const struct onnx_value *x,
                              const struct onnx_value *index, size_t axis)
{
    size_t at[ONNX_RANK_MAX] = {0}, from[ONNX_RANK_MAX];
    uint32_t *map = onnx_new_map(graph, index->width);
    for (size_t i = 0; map && i < index->width; i++) {
        memcpy(from, at, sizeof from);
        if (!read_index(graph, index->wholes[i], x->shape[axis], &from[axis]))
            return NULL;
        map[i] = (uint32_t)place_in(x, from);
        step_on(at, index->shape, index->rank);
    }
    return map;
}

static bool read_gather_elements(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *index;
    struct onnx_value out, from;
    long long number = 0;
    size_t axis;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &index) ||
        !onnx_whole(graph, "axis", &number) || !onnx_axis(graph, number, x->rank, &axis) ||
        !check_shapes(graph, x, index, axis))
        return false;
    if (index->kind == ONNX_ROWS)
        return onnx_answer(graph, gather_varying(graph, x, index, axis, &out), &out);
    if (index->kind != ONNX_WHOLES || index->is_batch)
        return onnx_fail(graph, "its indices are no whole numbers");
    from = *x;
    uint32_t *map = onnx_unturn(graph, &from) ? map_elements(graph, x, index, axis) : NULL;
    return onnx_answer(
        graph, map && onnx_gather(graph, &from, map, index->rank, index->shape, &out), &out);
}

/* How many of x's axes an index of ScatterND or GatherND names: the indices' last dimension. */
static bool named_axes(struct onnx_graph *graph, const struct onnx_value *x,
                       const struct onnx_value *index, size_t *count)
{
    size_t named = index->rank ? index->shape[index->rank - 1] : 0;
    *count = named ? named : 1;
    if (index->kind != ONNX_WHOLES || index->is_batch)
        return onnx_fail(graph, "its indices vary with the input");
    if (named == 0 || named > x->rank)
        return onnx_fail(graph, "its indices name %zu axes of %zu", named, x->rank);
    if (x->kind == ONNX_ROWS && x->is_batched && x->batch_axis < *count)
        return onnx_fail_mixing(graph, "it picks elements");
    return true;
}

/* map[index][inner]: the elements of x that each index names. */
static uint32_t *map_blocks(struct onnx_graph *graph, const struct onnx_value *x,
                            const struct onnx_value *index, size_t count)
{
    size_t inner = onnx_product(x, count, x->rank), blocks = index->width / count;
    uint32_t *map = onnx_new_map(graph, blocks * inner);
    for (size_t i = 0; map && i < blocks; i++) {
        size_t place = 0, at = 0;
        for (size_t k = 0; k < count; k++) {
            if (!read_index(graph, index->wholes[i * count + k], x->shape[k], &at))
                return NULL;
            place = place * x->shape[k] + at;
        }
        for (size_t k = 0; k < inner; k++)
            map[i * inner + k] = (uint32_t)(place * inner + k);
    }
    return map;
}

static bool read_gather_nd(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *index;
    struct onnx_value from, out;
    long long batches = 0;
    size_t count, rank = 0, shape[2 * ONNX_RANK_MAX];
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &index) ||
        !onnx_whole(graph, "batch_dims", &batches))
        return false;
    if (batches)
        return onnx_fail(graph, "batch_dims is %lld; 0 is read", batches);
    if (index->kind == ONNX_ROWS && index->rank && index->shape[index->rank - 1] == 1 &&
        !onnx_is_batch(index, index->rank - 1)) { /* rows of a table */
        from = *index;
        from.rank--;
        return onnx_answer(graph, onnx_embed(graph, x, &from, &out), &out);
    }
    if (!named_axes(graph, x, index, &count))
        return false;
    for (size_t i = 0; i + 1 < index->rank; i++)
        shape[rank++] = index->shape[i];
    size_t before = rank;
    for (size_t i = count; i < x->rank; i++)
        shape[rank++] = x->shape[i];
    from = *x;
    uint32_t *map = onnx_unturn(graph, &from) ? map_blocks(graph, x, index, count) : NULL;
    if (!map || !onnx_gather(graph, &from, map, rank, shape, &out))
        return false;
    out.batch_axis = before + x->batch_axis - count;
    return onnx_answer(graph, true, &out);
}

/* ---- replacing ---- */

/* x with updates[i] in the place of its element map[i]. */
static bool replace(struct onnx_graph *graph, const struct onnx_value *x,
                    const struct onnx_value *updates, const uint32_t *map, struct onnx_value *out)
{
    struct onnx_value pair[2] = {*x, *updates}, joined = {.width = x->width + updates->width};
    size_t *piece = arena_take_array(graph->source->arena, 2, sizeof *piece);
    uint32_t *from = onnx_new_map(graph, x->width);
    struct step step = {.kind = STEP_JOIN, .piece = piece};
    if (!piece || !from)
        return from ? onnx_no_memory(graph) : false;
    piece[0] = x->width;
    piece[1] = updates->width;
    for (size_t i = 0; i < x->width; i++)
        from[i] = (uint32_t)i;
    for (size_t i = 0; i < updates->width; i++)
        from[map[i]] = (uint32_t)(x->width + i);
    joined.rank = 1;
    joined.shape[0] = joined.width;
    size_t batch = x->kind == ONNX_ROWS && x->is_batched ? x->batch_axis : updates->batch_axis;
    if (!onnx_unturn(graph, &pair[0]) || !onnx_unturn(graph, &pair[1]) ||
        !onnx_emit(graph, &step, pair, 2, &joined) ||
        !onnx_gather(graph, &joined, from, x->rank, x->shape, out))
        return false;
    out->batch_axis = batch;
    return true;
}

/* Combines each element of x with the updates that map[] names it for, one after another: in round
 * r with its r-th update, or with the number that changes nothing. */
static bool accumulate(struct onnx_graph *graph, const struct onnx_value *x,
                       const struct onnx_value *updates, const uint32_t *map, enum element element,
                       struct onnx_value *out)
{
    enum { ROUNDS_MAX = 64 };
    struct arena *arena = graph->source->arena;
    float *nothing = arena_take(arena, sizeof *nothing);
    size_t *piece = arena_take_array(arena, 2, sizeof *piece), rounds = 0;
    uint32_t *used = arena_take_array(&graph->source->temporary, x->width, sizeof *used);
    if (!nothing || !piece || !used)
        return onnx_no_memory(graph);
    *nothing = element == ELEMENT_MUL;
    struct onnx_value pair[2] = {*updates, onnx_scalar(nothing)}, by;
    struct onnx_value joined = {.rank = 1, .width = updates->width + 1};
    struct step step = {.kind = STEP_JOIN, .piece = piece};
    piece[0] = updates->width;
    piece[1] = 1;
    joined.shape[0] = joined.width;
    if (!onnx_unturn(graph, &pair[0]) || !onnx_emit(graph, &step, pair, 2, &joined))
        return false;
    for (size_t i = 0; i < updates->width; i++)
        rounds = ++used[map[i]] > rounds ? used[map[i]] : rounds;
    if (rounds > ROUNDS_MAX)
        return onnx_fail(graph, "%zu updates of one element; at most %d are taken", rounds,
                         ROUNDS_MAX);
    *out = *x;
    for (size_t r = 0; r < rounds; r++) {
        uint32_t *from = onnx_new_map(graph, x->width);
        if (!from)
            return false;
        for (size_t i = 0; i < x->width; i++) {
            from[i] = (uint32_t)updates->width;
            used[i] = 0;
        }
        for (size_t i = 0; i < updates->width; i++)
            if (used[map[i]]++ == r)
                from[map[i]] = (uint32_t)i;
        if (!onnx_gather(graph, &joined, from, x->rank, x->shape, &by))
            return false;
        if (x->kind == ONNX_ROWS && x->is_batched) {
            by.batch_axis = x->batch_axis;
            by.batch_outer = x->batch_outer;
        }
        if (!onnx_element(graph, element, out, &by, NULL, out))
            return false;
    }
    return true;
}

/* The updates along the axis one after another: where an index is the place, the update. */
static bool scatter_varying(struct onnx_graph *graph, const struct onnx_value *x,
                            const struct onnx_value *index, const struct onnx_value *updates,
                            size_t axis, enum element element, struct onnx_value *out)
{
    enum { UPDATES_MAX = 64 };
    size_t shape[ONNX_RANK_MAX], stride[ONNX_RANK_MAX];
    struct onnx_value at, place, one, is, by, all = *updates;
    if (index->shape[axis] > UPDATES_MAX)
        return onnx_fail(graph, "%zu updates by indices that vary; at most %d are taken",
                         index->shape[axis], UPDATES_MAX);
    for (size_t i = 0; i < x->rank; i++)
        if (i != axis && index->shape[i] != x->shape[i])
            return onnx_fail(graph, "axis %zu has %zu indices for %zu elements", i, index->shape[i],
                             x->shape[i]);
    if (!read_places(graph, index, x->shape[axis], &at) ||
        !count_up(graph, x->shape[axis], x->rank, axis, &place) || !onnx_unturn(graph, &all))
        return false;
    memcpy(shape, index->shape, sizeof shape);
    shape[axis] = 1;
    for (size_t i = 0; i < x->rank; i++)
        stride[i] = onnx_product(index, i + 1, index->rank);
    *out = *x;
    for (size_t k = 0; k < index->shape[axis]; k++) {
        uint32_t *map = onnx_new_map(graph, index->width / index->shape[axis]);
        size_t walk[ONNX_RANK_MAX] = {0};
        for (size_t i = 0; map && i < index->width / index->shape[axis]; i++) {
            size_t from = k * stride[axis];
            for (size_t d = 0; d < x->rank; d++)
                from += walk[d] * stride[d];
            map[i] = (uint32_t)from;
            step_on(walk, shape, x->rank);
        }
        if (!map || !onnx_gather(graph, &at, map, x->rank, shape, &one) ||
            !onnx_gather(graph, &all, map, x->rank, shape, &by) ||
            !onnx_element(graph, ELEMENT_EQUAL, &one, &place, NULL, &is) ||
            (element != ELEMENT_WHERE && !onnx_element(graph, element, out, &by, NULL, &by)) ||
            !onnx_element(graph, ELEMENT_WHERE, &is, &by, out, out))
            return false;
    }
    return true;
}

/* *element gets ELEMENT_WHERE where an update takes the place of the element. */
static bool read_reduction(struct onnx_graph *graph, enum element *element)
{
    struct onnx_text word = {"none", 4};
    if (!onnx_word(graph, "reduction", &word))
        return false;
    *element = onnx_text_is(word, "add")   ? ELEMENT_ADD
               : onnx_text_is(word, "mul") ? ELEMENT_MUL
                                           : ELEMENT_WHERE;
    return *element != ELEMENT_WHERE || onnx_text_is(word, "none") ||
           onnx_fail(graph, "reduction is '%.*s'; none, add and mul are read", ONNX_NAME(word));
}

static bool put_updates(struct onnx_graph *graph, const struct onnx_value *x,
                        const struct onnx_value *updates, const uint32_t *map, enum element element,
                        struct onnx_value *out)
{
    return element == ELEMENT_WHERE ? replace(graph, x, updates, map, out)
                                    : accumulate(graph, x, updates, map, element, out);
}

static bool read_scatter_elements(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *index, *updates;
    struct onnx_value out;
    long long number = 0;
    enum element element;
    size_t axis;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &index) ||
        !onnx_wanted(graph, 2, &updates) || !onnx_whole(graph, "axis", &number) ||
        !read_reduction(graph, &element) || !onnx_axis(graph, number, x->rank, &axis) ||
        !check_shapes(graph, x, index, axis) || !check_shapes(graph, x, updates, axis))
        return false;
    if (updates->width != index->width)
        return onnx_fail(graph, "%zu indices for %zu updates", index->width, updates->width);
    if (index->kind == ONNX_ROWS)
        return onnx_answer(graph, scatter_varying(graph, x, index, updates, axis, element, &out),
                           &out);
    if (index->kind != ONNX_WHOLES || index->is_batch)
        return onnx_fail(graph, "its indices are no whole numbers");
    uint32_t *map = map_elements(graph, x, index, axis);
    return onnx_answer(graph, map && put_updates(graph, x, updates, map, element, &out), &out);
}

static bool read_scatter_nd(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *index, *updates;
    struct onnx_value out;
    enum element element;
    size_t count;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &index) ||
        !onnx_wanted(graph, 2, &updates) || !read_reduction(graph, &element) ||
        !named_axes(graph, x, index, &count))
        return false;
    size_t before = index->rank - 1;
    if (updates->kind == ONNX_ROWS && updates->is_batched &&
        (updates->batch_axis < before || updates->batch_outer != x->batch_outer ||
         (x->kind == ONNX_ROWS && x->is_batched &&
          updates->batch_axis - before + count != x->batch_axis)))
        return onnx_fail_mixing(graph, "it puts elements");
    uint32_t *map = map_blocks(graph, x, index, count);
    if (!map)
        return false;
    if (updates->width != index->width / count * onnx_product(x, count, x->rank))
        return onnx_fail(graph, "%zu numbers are put into the places of %zu", updates->width,
                         index->width / count * onnx_product(x, count, x->rank));
    if (!put_updates(graph, x, updates, map, element, &out))
        return false;
    if (x->kind != ONNX_ROWS && updates->kind == ONNX_ROWS)
        out.batch_axis = updates->batch_axis - before + count;
    return onnx_answer(graph, true, &out);
}

const struct onnx_op onnx_pick_ops[] = {
    {"GatherElements", "", .read = read_gather_elements},
    {"GatherND", "", .read = read_gather_nd},
    {"ScatterElements", "", .read = read_scatter_elements},
    {"ScatterND", "", .read = read_scatter_nd},
    {0},
};
