/* If: a constant condition decides which branch is read. Where the condition varies with the row,
 * both branches are computed for each row, and the condition chooses between their numbers. */
#include "core/onnx/graph.h"

#include <string.h>

/* The value of a name that the branch makes. False and an error if the name is taken. */
static bool declare(struct onnx_graph *graph, struct onnx_text name, struct onnx_value **value)
{
    *value = onnx_find(graph, name);
    if ((*value)->kind != ONNX_NOTHING || (*value)->tensor || (*value)->maker)
        return onnx_fail(graph, "'%.*s' is made twice", ONNX_NAME(name));
    return true;
}

static bool declare_all(struct onnx_graph *graph, const struct onnx_file *branch)
{
    struct onnx_value *value;
    for (size_t i = 0; i < branch->tensors; i++) {
        if (!declare(graph, branch->tensor[i].name, &value))
            return false;
        value->tensor = &branch->tensor[i];
    }
    for (size_t i = 0; i < branch->nodes; i++)
        for (size_t k = 0; k < branch->node[i].outputs; k++) {
            if (branch->node[i].output[k].len == 0)
                continue;
            if (!declare(graph, branch->node[i].output[k], &value))
                return false;
            value->maker = &branch->node[i];
        }
    return true;
}

static void forget(struct onnx_graph *graph, struct onnx_text name)
{
    struct onnx_value *value = onnx_find(graph, name);
    if (name.len)
        *value = (struct onnx_value){.name = value->name};
}

/* Computes the branch; out[] gets its outputs. Its names mean nothing afterwards, so the other
 * branch may use them, too. */
static bool run_branch(struct onnx_graph *graph, const struct onnx_file *branch,
                       struct onnx_value *out)
{
    const struct onnx_node *node = graph->node;
    const struct onnx_value *value;
    if (!branch || branch->outputs != node->outputs)
        return onnx_fail(graph, "a branch is missing, or gives other outputs than the node");
    if (!declare_all(graph, branch))
        return false;
    for (size_t i = 0; i < branch->nodes; i++)
        if (!onnx_run_node(graph, &branch->node[i]))
            return false;
    graph->node = node;
    for (size_t i = 0; i < branch->outputs; i++) {
        if (!onnx_read_value(graph, branch->output[i].name, &value))
            return false;
        out[i] = *value;
    }
    for (size_t i = 0; i < branch->tensors; i++)
        forget(graph, branch->tensor[i].name);
    for (size_t i = 0; i < branch->nodes; i++)
        for (size_t k = 0; k < branch->node[i].outputs; k++)
            forget(graph, branch->node[i].output[k]);
    return true;
}

/* condition ? yes : no, for each row. */
static bool choose(struct onnx_graph *graph, const struct onnx_value *condition,
                   const struct onnx_value *yes, const struct onnx_value *no,
                   struct onnx_value *out)
{
    struct onnx_value test = *condition;
    const struct onnx_value *varying = yes->kind == ONNX_ROWS ? yes : no;
    if (yes->rank != no->rank || memcmp(yes->shape, no->shape, yes->rank * sizeof *yes->shape) != 0)
        return onnx_fail(graph, "its condition depends on the row, and its branches give different "
                                "shapes");
    test.rank = yes->rank;
    for (size_t i = 0; i < test.rank; i++)
        test.shape[i] = 1;
    test.batch_axis = varying->kind == ONNX_ROWS && varying->is_batched ? varying->batch_axis : 0;
    test.batch_outer = test.batch_axis || varying->is_batched ? varying->batch_outer : 0;
    return onnx_element(graph, ELEMENT_WHERE, &test, yes, no, out);
}

static bool read_if(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *condition;
    struct onnx_value test, made;
    if (!onnx_wanted(graph, 0, &condition))
        return false;
    test = *condition;
    if (test.width != 1 || test.is_text)
        return onnx_fail(graph, "its condition is %zu values a row; one number is wanted",
                         test.width);
    struct onnx_value *out =
        arena_take_array(&graph->source->temporary, 2 * node->outputs + 1, sizeof *out);
    if (!out)
        return onnx_no_memory(graph);
    if (test.kind != ONNX_ROWS) {
        const float *at = onnx_passing_constant(graph, &test, "its condition");
        if (!at || !run_branch(graph, node->branch[*at == 0], out))
            return false;
        for (size_t i = 0; i < node->outputs; i++)
            onnx_give(graph, i, &out[i]);
        return true;
    }
    if (!run_branch(graph, node->branch[0], out) ||
        !run_branch(graph, node->branch[1], out + node->outputs))
        return false;
    for (size_t i = 0; i < node->outputs; i++) {
        if (!choose(graph, &test, &out[i], &out[node->outputs + i], &made))
            return false;
        onnx_give(graph, i, &made);
    }
    return true;
}

const struct onnx_op onnx_branch_ops[] = {
    {"If", "", .read = read_if},
    {0},
};
