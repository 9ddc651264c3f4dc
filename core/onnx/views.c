/* Views of the input: values whose numbers are the row's own, moved. What moves the numbers of
 * views makes one more view, so slices of many inputs that are joined again cost nothing. */
#include "core/onnx/graph.h"

/* The step that makes a view; NULL for the input itself, which is a view, too. */
static const struct step *step_of(const struct onnx_graph *graph, size_t value)
{
    return value == STEP_INPUT ? NULL : &graph->source->step[value - 1];
}

static bool is_view(const struct onnx_graph *graph, const struct onnx_value *x)
{
    const struct step *step = x->kind == ONNX_ROWS ? step_of(graph, x->value) : NULL;
    return x->kind == ONNX_ROWS &&
           (!step || (step->kind == STEP_GATHER && step->operand[0].value == STEP_INPUT));
}

/* The feature that a view's element is. */
static uint32_t feature_of(const struct onnx_graph *graph, const struct onnx_value *x, size_t at)
{
    const struct step *step = step_of(graph, x->value);
    return step ? step->map[at] : (uint32_t)at;
}

static void join_views(const struct onnx_graph *graph, const struct step *step,
                       const struct onnx_value *x, size_t count, uint32_t *map)
{
    for (size_t part = 0; part < step->parts; part++)
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < step->piece[i]; k++)
                *map++ = feature_of(graph, &x[i], part * step->piece[i] + k);
}

bool onnx_compose_views(struct onnx_graph *graph, struct step *step, const struct onnx_value *x,
                        size_t count, bool *is_input)
{
    *is_input = false;
    if (step->kind != STEP_GATHER && step->kind != STEP_JOIN)
        return true;
    for (size_t i = 0; i < count; i++)
        if (!is_view(graph, &x[i]))
            return true;
    uint32_t *map = onnx_new_map(graph, step->width);
    if (!map)
        return false;
    if (step->kind == STEP_JOIN)
        join_views(graph, step, x, count, map);
    else
        for (size_t i = 0; i < step->width; i++)
            map[i] = feature_of(graph, x, step->map[i]);
    *is_input = step->width == graph->features;
    for (size_t i = 0; i < step->width; i++)
        *is_input &= map[i] == i;
    step->kind = STEP_GATHER;
    step->map = map;
    step->parts = step->operands = 1;
    step->gather_width = graph->features;
    step->operand[0] = (struct operand){.value = STEP_INPUT, .len = graph->features};
    return true;
}
