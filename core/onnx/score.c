/* Follows the scores of an ONNX classifier's labels backwards to a value of the net. */
#include "core/onnx/score.h"

bool onnx_is_one_of(const struct onnx_node *node, const char *const *names)
{
    for (size_t i = 0; names[i]; i++)
        if (onnx_text_is(node->op, names[i]))
            return true;
    return false;
}

/* True for a softmax along the last axis, the classes. Before opset 13 it is taken over all axes
 * from its own on, and those before the last have one element each. */
static bool is_along_classes(struct onnx_graph *graph, const struct score *score)
{
    bool is_old = graph->file.opset < 13;
    long long number = is_old ? 1 : -1;
    size_t axis;
    if (!onnx_whole(graph, "axis", &number))
        return false;
    if (number == -1 || !score->rank)
        return number == -1;
    return onnx_axis(graph, number, score->rank, &axis) &&
           (axis + 1 == score->rank || (is_old && axis >= graph->is_batched));
}

/* Passes a Reshape, Squeeze or Flatten. False if the classes may no longer be the last axis. */
static bool pass_shape(struct onnx_graph *graph, const struct onnx_node *node, struct score *score)
{
    struct labels list = {0};
    long long axis = 1;
    bool is_list = node->inputs > 1 && labels_of_constant(graph, node->input[1], &list);
    if (score->width == 1) /* one number a row, in any shape */
        return true;
    if (onnx_text_is(node->op, "Flatten")) { /* into two axes */
        bool is_plain = onnx_whole(graph, "axis", &axis) && axis == 1 && score->rank > 1;
        score->rank = 2;
        return is_plain;
    }
    if (onnx_text_is(node->op, "Squeeze")) { /* removes axes of one element */
        is_list = is_list || labels_of_attribute(graph, node, "", "axes", &list);
        score->rank = is_list && list.count < score->rank ? score->rank - list.count : 0;
        return true;
    }
    score->rank = list.count;
    if (!is_list || !list.whole || list.count == 0)
        return false;
    long long last = list.whole[list.count - 1];
    return last == (long long)score->width || (last == -1 && list.count == 2 && !list.whole[0]);
}

static bool read_behind(struct onnx_graph *graph, struct onnx_text name, int depth,
                        struct score *score)
{
    static const char *const same[] = {"Identity", "Cast", NULL},
                             *const shapes[] = {"Reshape", "Flatten", "Squeeze", NULL},
                             *const shares[] = {"Softmax", "LogSoftmax", NULL},
                             *const curves[] = {"Exp", "Log", NULL};
    const struct onnx_value *value = onnx_find(graph, name);
    const struct onnx_node *node = value->maker;
    if (value->kind == ONNX_ROWS && value->value != STEP_INPUT) {
        *score = (struct score){.value = value->value, .width = value->width, .rank = value->rank};
        return value->width == 1 || value->shape[value->rank - 1] == value->width;
    }
    if (!node || node->inputs == 0 || depth == LABELS_DEPTH_MAX ||
        !read_behind(graph, node->input[0], depth + 1, score))
        return false;
    graph->node = node;
    if (onnx_is_one_of(node, same)) {
        long long to = ONNX_FLOAT; /* whole numbers make different scores equal */
        bool is_read = onnx_text_is(node->op, "Identity") || onnx_whole(graph, "to", &to);
        const struct onnx_tensor of = {.type = (uint64_t)to};
        return is_read && onnx_tensor_is_float(&of);
    }
    if (onnx_is_one_of(node, shapes))
        return pass_shape(graph, node, score);
    if (onnx_text_is(node->op, "Sigmoid")) {
        score->is_bent |= score->is_sigmoid;
        score->is_sigmoid = true;
        return true;
    }
    score->is_bent = true;
    return onnx_is_one_of(node, curves) ||
           (onnx_is_one_of(node, shares) && is_along_classes(graph, score));
}

bool score_read(struct onnx_graph *graph, struct onnx_text name, struct score *score)
{
    return read_behind(graph, name, 0, score);
}

bool score_is_of_classes(struct onnx_graph *graph, const struct labels *labels,
                         const struct score *score)
{
    size_t axis;
    if (!labels->has_axis || !score->rank)
        return !labels->has_axis || labels->axis == -1;
    return onnx_axis(graph, labels->axis, score->rank, &axis) && axis + 1 == score->rank;
}
