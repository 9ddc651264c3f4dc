/* Puts an ONNX graph's nodes into an order in which they can be computed. ONNX wants files to have
 * such an order, but tools that edit graphs write others, and ONNX Runtime takes them. */
#include "core/onnx/graph.h"

#include <string.h>

enum state { FRESH, ENTERED, LEFT };

/* A search in depth. A node is entered, then left when all that make its inputs are left. */
struct search {
    enum state *state; /* [nodes] */
    size_t *next;      /* [nodes]: the input to look at next */
    size_t *open;      /* [opens]: the nodes that are entered, each for the one before it */
    size_t *left;      /* [lefts]: the nodes that are left, in the order found */
    size_t opens, lefts;
};

static bool take_memory(struct search *search, struct arena *arena, size_t nodes)
{
    search->state = arena_take_array(arena, nodes + 1, sizeof *search->state);
    search->next = arena_take_array(arena, nodes + 1, sizeof *search->next);
    search->open = arena_take_array(arena, nodes + 1, sizeof *search->open);
    search->left = arena_take_array(arena, nodes + 1, sizeof *search->left);
    return search->state && search->next && search->open && search->left;
}

/* Looks at the inputs of the node entered last. Enters the first maker that is fresh, or leaves the
 * node. */
static bool go_on(struct onnx_graph *graph, struct search *search)
{
    size_t at = search->open[search->opens - 1];
    const struct onnx_node *first = graph->file.node, *node = &first[at];
    while (search->next[at] < node->inputs) {
        struct onnx_text name = node->input[search->next[at]++];
        const struct onnx_node *maker = name.len ? onnx_find(graph, name)->maker : NULL;
        if (!maker || search->state[maker - first] == LEFT)
            continue;
        graph->node = node;
        if (search->state[maker - first] == ENTERED)
            return onnx_fail(graph, "it reads '%.*s', which is made of what this node makes",
                             ONNX_NAME(name));
        search->state[maker - first] = ENTERED;
        search->open[search->opens++] = (size_t)(maker - first);
        return true;
    }
    search->state[at] = LEFT;
    search->left[search->lefts++] = at;
    search->opens--;
    return true;
}

/* Moves the nodes, and sets the makers to their new places. */
static bool move_nodes(struct onnx_graph *graph, const size_t *order)
{
    struct onnx_file *file = &graph->file;
    struct onnx_node *sorted =
        arena_take_array(&graph->source->temporary, file->nodes, sizeof *sorted);
    if (!sorted)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < file->nodes; i++) {
        sorted[i] = file->node[order[i]];
        for (size_t k = 0; k < sorted[i].outputs; k++)
            if (sorted[i].output[k].len)
                onnx_find(graph, sorted[i].output[k])->maker = &sorted[i];
    }
    file->node = sorted;
    return true;
}

bool onnx_sort_nodes(struct onnx_graph *graph)
{
    struct search search = {0};
    size_t nodes = graph->file.nodes;
    bool is_sorted = true;
    if (!take_memory(&search, &graph->source->temporary, nodes))
        return onnx_no_memory(graph);
    for (size_t i = 0; i < nodes; i++) {
        if (search.state[i] == FRESH) {
            search.state[i] = ENTERED;
            search.open[search.opens++] = i;
        }
        while (search.opens)
            if (!go_on(graph, &search))
                return false;
    }
    graph->node = NULL;
    for (size_t i = 0; i < nodes; i++)
        is_sorted &= search.left[i] == i;
    return is_sorted || move_nodes(graph, search.left);
}
