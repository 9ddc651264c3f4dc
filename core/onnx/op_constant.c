/* ONNX operations that make constants. */
#include "core/onnx/graph.h"

#include <math.h>
#include <string.h>

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

bool onnx_is_of_batch(const struct onnx_graph *graph, const struct onnx_value *list, size_t *axis)
{
    size_t count = 0;
    if (!graph->is_batched || !list->is_batch)
        return false;
    for (size_t i = 0; i < list->width; i++) {
        *axis = list->is_batch[i] ? i : *axis;
        count += list->is_batch[i];
    }
    return count == 1;
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
    size_t batch = 0;
    bool is_spread = onnx_is_of_batch(graph, list, &batch);
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
                           (!is_spread || onnx_spread(graph, &out, batch, &out)),
                       &out);
}

/* start, start + delta, … up to the limit, which is not reached. */
static bool read_range(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    enum { RANGE_MAX = 1 << 20 };
    const struct onnx_value *in[3];
    const float *of[3];
    bool is_whole = true;
    for (size_t i = 0; i < 3; i++) {
        if (!onnx_wanted(graph, i, &in[i]))
            return false;
        if (in[i]->is_batch)
            return onnx_fail_mixing(graph, "it counts the rows");
        if (in[i]->width != 1 || !(of[i] = onnx_constant(graph, in[i], "a bound")))
            return in[i]->width == 1 ? false : onnx_fail(graph, "a bound is no single number");
        is_whole &= in[i]->kind == ONNX_WHOLES;
    }
    double many = ceil(((double)*of[1] - (double)*of[0]) / (double)*of[2]);
    struct onnx_value out = {.kind = is_whole ? ONNX_WHOLES : ONNX_FLOATS, .rank = 1};
    if (is_whole && *of[2] != 0 && many <= 0)
        return onnx_answer(graph, onnx_empty_list(graph, &out), &out);
    if (*of[2] == 0 || !(many >= 1 && many <= RANGE_MAX))
        return onnx_fail(graph, "it makes %g numbers; 1 to %d are taken", many, RANGE_MAX);
    size_t count = (size_t)many;
    float *floats = arena_take_array(&graph->source->temporary, count, sizeof *floats);
    long long *wholes = arena_take_array(&graph->source->temporary, count, sizeof *wholes);
    if (!floats || !wholes)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++) {
        wholes[i] = is_whole ? in[0]->wholes[0] + (long long)i * in[2]->wholes[0] : 0;
        floats[i] = *of[0] + (float)i * *of[2];
    }
    out.wholes = is_whole ? wholes : NULL;
    out.floats = is_whole ? NULL : floats;
    return onnx_answer(graph, onnx_spend(graph, count) && onnx_shape(graph, &out, 1, &count), &out);
}

const struct onnx_op onnx_constant_ops[] = {
    {"Constant", "", .read = read_constant},
    {"ConstantOfShape", "", .read = read_constant_of_shape},
    {"Range", "", .read = read_range},
    {0},
};
