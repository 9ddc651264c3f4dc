/* ONNX operations that look numbers of the input up in a table: embeddings and one-hot. */
#include "core/onnx/lookup.h"

#include <math.h>
#include <string.h>

/* ---- embeddings ---- */

bool onnx_check_indices(struct onnx_graph *graph, const struct onnx_value *index, size_t rows,
                        size_t *below)
{
    struct onnx_origin origin;
    *below = 0;
    for (size_t i = 0; i < index->width; i++) {
        if (!onnx_find_origin(graph, index->value, i, &origin))
            return false;
        bool is_feature = origin.feature != ONNX_NO_FEATURE;
        if (origin.low < -(double)rows || origin.high >= (double)rows)
            return onnx_fail(graph, "index %.0f of %zu",
                             origin.low < -(double)rows ? origin.low : origin.high, rows);
        if (origin.low < 0 && *below < (size_t)-origin.low)
            *below = (size_t)-origin.low;
        if (is_feature &&
            !onnx_limit_feature(graph, origin.feature, (size_t)((double)rows - origin.low)))
            return false;
    }
    return true;
}

/* Makes the table with its last `below` rows before the first one, for indices from -below on. */
static const float *extend(struct onnx_graph *graph, const float *table, size_t rows, size_t n,
                           size_t below)
{
    if (!table || below == 0)
        return table;
    if (!onnx_spend(graph, (rows + below) * n))
        return NULL;
    float *made = arena_take_array(graph->source->arena, (rows + below) * n, sizeof *made);
    if (!made) {
        onnx_no_memory(graph);
        return NULL;
    }
    memcpy(made, table + (rows - below) * n, below * n * sizeof *made);
    memcpy(made + below * n, table, rows * n * sizeof *made);
    return made;
}

bool onnx_embed(struct onnx_graph *graph, const struct onnx_value *table,
                const struct onnx_value *index, struct onnx_value *out)
{
    size_t rows = table->rank ? table->shape[0] : 1, n = table->width / rows, below, rank = 0;
    size_t shape[2 * ONNX_RANK_MAX];
    struct onnx_value at = *index, made = {.is_whole = table->kind == ONNX_WHOLES};
    if (table->kind == ONNX_ROWS || table->is_batch)
        return onnx_fail(graph, "it looks up what the input says in what varies with the input: "
                                "only constant tables are read");
    if (rows > ONNX_INDICES_MAX)
        return onnx_fail(graph, "a table of %zu rows; at most %d are taken", rows,
                         ONNX_INDICES_MAX);
    if (!onnx_check_indices(graph, index, rows, &below))
        return false;
    if (below) {
        float *shift = arena_take(graph->source->arena, sizeof *shift);
        if (!shift)
            return onnx_no_memory(graph);
        *shift = (float)below;
        struct onnx_value by = onnx_scalar(shift);
        if (!onnx_element(graph, ELEMENT_ADD, index, &by, NULL, &at))
            return false;
    }
    struct step step = {.kind = STEP_LOOKUP, .parts = index->width, .table_rows = rows + below};
    step.table = extend(graph, onnx_constant(graph, table, "the table"), rows, n, below);
    if (!step.table)
        return false;
    if (table->name.len && table->kind == ONNX_FLOATS &&
        !(step.name = arena_copy_text(graph->source->arena, table->name.at, table->name.len)))
        return onnx_no_memory(graph);
    for (size_t i = 0; i < index->rank; i++)
        shape[rank++] = index->shape[i];
    for (size_t i = 1; i < table->rank; i++)
        shape[rank++] = table->shape[i];
    return onnx_shape(graph, &made, rank, shape) && onnx_emit(graph, &step, &at, 1, &made) &&
           (*out = made, true);
}

/* ---- one-hot ---- */

bool onnx_repeat(struct onnx_graph *graph, const struct onnx_value *x, size_t count,
                 struct onnx_value *out)
{
    size_t shape[ONNX_RANK_MAX + 1], width = x->width * count;
    memcpy(shape, x->shape, sizeof x->shape);
    shape[x->rank] = count;
    uint32_t *map = width <= MODEL_WIDTH_MAX
                        ? onnx_new_map(graph, width)
                        : (onnx_fail(graph, "a row would be %zu numbers wide", width), NULL);
    for (size_t i = 0; map && i < width; i++)
        map[i] = (uint32_t)(i / count);
    return map && onnx_gather(graph, x, map, x->rank + 1, shape, out);
}

/* Moves the last axis to `axis`. */
static bool move_last(struct onnx_graph *graph, struct onnx_value *x, size_t axis)
{
    size_t order[ONNX_RANK_MAX], from = 0;
    for (size_t i = 0; i < x->rank; i++)
        order[i] = i == axis ? x->rank - 1 : from++;
    return onnx_transpose(graph, x, order, x);
}

/* 1 where x, with its last axis new, is 0, 1, …, depth - 1; negative numbers count from the end. */
static bool mark_places(struct onnx_graph *graph, const struct onnx_value *x, size_t depth,
                        struct onnx_value *out)
{
    struct arena *arena = graph->source->arena;
    float *zero = arena_take(arena, sizeof *zero), *all = arena_take(arena, sizeof *all);
    float *place = arena_take_array(arena, depth, sizeof *place);
    if (!zero || !all || !place)
        return onnx_no_memory(graph);
    *all = (float)depth;
    for (size_t i = 0; i < depth; i++)
        place[i] = (float)i;
    struct onnx_value none = onnx_scalar(zero), more = onnx_scalar(all), is_less, wrapped, many;
    struct onnx_value places = {
        .kind = ONNX_FLOATS, .rank = 1, .shape = {depth}, .width = depth, .floats = place};
    return onnx_element(graph, ELEMENT_LESS, x, &none, NULL, &is_less) &&
           onnx_element(graph, ELEMENT_ADD, x, &more, NULL, &wrapped) &&
           onnx_element(graph, ELEMENT_WHERE, &is_less, &wrapped, x, &wrapped) &&
           onnx_repeat(graph, &wrapped, depth, &many) &&
           onnx_element(graph, ELEMENT_EQUAL, &many, &places, NULL, out);
}

/* Numbers outside of -depth … depth - 1 have no place: all of their numbers are the off value. */
static bool read_one_hot(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *depth, *values;
    struct onnx_value out;
    long long number = -1;
    size_t axis;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &depth) ||
        !onnx_wanted(graph, 2, &values) || !onnx_whole(graph, "axis", &number) ||
        !onnx_axis(graph, number, x->rank + 1, &axis))
        return false;
    if (depth->width != 1 || values->width != 2)
        return onnx_fail(graph, "%zu depths and %zu values; 1 and 2 are wanted", depth->width,
                         values->width);
    const float *deep = onnx_constant(graph, depth, "the depth");
    const float *value = deep ? onnx_constant(graph, values, "a value") : NULL;
    if (!value)
        return false;
    if (!(*deep >= 1 && *deep < ONNX_INDICES_MAX))
        return onnx_fail(graph, "a depth of %g", (double)*deep);
    struct onnx_value off = onnx_scalar(value), on = onnx_scalar(value + 1), whole = *x;
    bool is_plain = value[0] == 0 && value[1] == 1;
    bool is_whole = x->kind == ONNX_WHOLES || x->is_whole;
    return onnx_answer(graph,
                       (is_whole || onnx_element(graph, ELEMENT_TRUNC, x, NULL, NULL, &whole)) &&
                           mark_places(graph, &whole, (size_t)*deep, &out) &&
                           move_last(graph, &out, axis) &&
                           (is_plain || onnx_element(graph, ELEMENT_WHERE, &out, &on, &off, &out)),
                       &out);
}

const struct onnx_op onnx_lookup_ops[] = {
    {"OneHot", "", .read = read_one_hot},
    {0},
};
