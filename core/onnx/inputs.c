/* The graph's inputs. Those that an answer needs lie side by side in the net's row, in the order of
 * the file; each is a slice of it. */
#include "core/onnx/graph.h"

#include <string.h>

enum { INPUTS_MAX = 1024 };

/* Finds the graph inputs that are no initializers and that the wanted outputs need. */
static bool find_inputs(struct onnx_graph *graph)
{
    const struct onnx_file *file = &graph->file;
    graph->inputs = 0;
    graph->input =
        arena_take_array(&graph->source->temporary, file->inputs + 1, sizeof(struct onnx_port *));
    if (!graph->input)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < file->inputs; i++) {
        const struct onnx_value *value = onnx_find(graph, file->input[i].name);
        for (size_t k = 0; k < graph->inputs; k++)
            if (onnx_text_same(graph->input[k]->name, file->input[i].name))
                return onnx_fail(graph, "input '%.*s' is listed twice",
                                 ONNX_NAME(file->input[i].name));
        if (value->is_needed && !value->tensor)
            graph->input[graph->inputs++] = &file->input[i];
        else if (!value->tensor &&
                 !model_source_note(graph->source, "input '%.*s' is left out: no output needs it",
                                    ONNX_NAME(file->input[i].name)))
            return false;
        if (graph->inputs > INPUTS_MAX)
            return onnx_fail(graph, "more than %d inputs", INPUTS_MAX);
    }
    if (graph->inputs == 0)
        return onnx_fail(graph, "the answer does not depend on any input");
    return true;
}

/* True if another input has as many rows as the vector has numbers: it has one number for each. */
static bool is_beside_rows(const struct onnx_graph *graph, const struct onnx_port *vector)
{
    for (size_t i = 0; i < graph->inputs; i++)
        if (graph->input[i]->rank > 1 && graph->input[i]->shape[0] == vector->shape[0])
            return true;
    return false;
}

static bool check_port(struct onnx_graph *graph, const struct onnx_port *port)
{
    struct onnx_tensor of = {.type = port->type};
    if (!port->is_tensor || !port->has_shape)
        return onnx_fail(graph, "input '%.*s' has no shape of up to %d dimensions",
                         ONNX_NAME(port->name), ONNX_RANK_MAX);
    if (!onnx_tensor_is_float(&of) && !onnx_tensor_is_whole(&of) && port->type != ONNX_STRING)
        return onnx_fail(graph, "input '%.*s' is of type %s; numbers or words are wanted",
                         ONNX_NAME(port->name), onnx_type_name(port->type));
    if (onnx_find(graph, port->name)->maker)
        return onnx_fail(graph, "'%.*s' is made twice", ONNX_NAME(port->name));
    return true;
}

/* Notes how many rows the file wants at a time. Inputs of different numbers of rows are no rows. */
static bool count_rows(struct onnx_graph *graph, const struct onnx_port *port, bool is_first)
{
    long long rows = port->shape[0];
    if (is_first || graph->batch == rows) {
        graph->batch = rows;
        return true;
    }
    if (rows > 0 && graph->batch > 0)
        return onnx_fail_mixing(graph, "it has inputs of different lengths");
    graph->batch = -1;
    return true;
}

/* Gives an input its shape. *has_batch tells whether an input with a batch came before. */
static bool shape_input(struct onnx_graph *graph, const struct onnx_port *port, bool *has_batch)
{
    struct onnx_tensor of = {.type = port->type};
    struct onnx_value *value = onnx_find(graph, port->name);
    size_t shape[ONNX_RANK_MAX];
    struct onnx_text weight;
    if (!check_port(graph, port))
        return false;
    bool is_free = port->rank && port->shape[port->rank - 1] < 0;
    size_t features = is_free ? onnx_count_features(graph, port, &weight) : 0;
    /* A vector whose length is known is one row, not a batch of single numbers. */
    bool is_vector =
        port->rank == 1 && ((port->shape[0] > 0 && !is_beside_rows(graph, port)) || features);
    bool is_batched = graph->is_batched && port->rank > 0 && !is_vector;
    for (size_t i = 0; i < port->rank; i++) {
        bool is_features = features && i == port->rank - 1;
        if (port->shape[i] < 0 && !(is_batched && i == 0) && !is_features)
            return onnx_fail(graph, "dimension %zu of input '%.*s' is free: only the batch may be",
                             i, ONNX_NAME(port->name));
        shape[i] = is_batched && i == 0 ? 1 : is_features ? features : (size_t)port->shape[i];
    }
    if (features && !model_source_note(graph->source,
                                       "input '%.*s' is taken to have %zu numbers a row, as '%.*s' "
                                       "has",
                                       ONNX_NAME(port->name), features, ONNX_NAME(weight)))
        return false;
    if (!onnx_shape(graph, value, port->rank, shape))
        return false;
    value->is_whole = onnx_tensor_is_whole(&of);
    value->is_text = port->type == ONNX_STRING;
    value->is_batched = is_batched;
    if (!graph->is_batched || !is_batched)
        return true;
    bool is_first = !*has_batch;
    *has_batch = true;
    return count_rows(graph, port, is_first);
}

/* Makes the input's value: its slice of the row. */
static bool cut_input(struct onnx_graph *graph, struct onnx_value *value, size_t first)
{
    struct onnx_value whole = {.kind = ONNX_ROWS,
                               .is_batched = value->is_batched,
                               .is_whole = value->is_whole,
                               .is_text = value->is_text,
                               .width = graph->features};
    uint32_t *map = onnx_new_map(graph, value->width);
    if (!map)
        return false;
    for (size_t i = 0; i < value->width; i++)
        map[i] = (uint32_t)(first + i);
    struct step step = {.kind = STEP_GATHER, .map = map, .gather_width = graph->features};
    return onnx_emit(graph, &step, &whole, 1, value);
}

bool onnx_set_inputs(struct onnx_graph *graph)
{
    bool has_batch = false;
    if (!find_inputs(graph))
        return false;
    graph->features = 0;
    for (size_t i = 0; i < graph->inputs; i++) {
        if (!shape_input(graph, graph->input[i], &has_batch))
            return false;
        graph->features += onnx_find(graph, graph->input[i]->name)->width;
        if (graph->features > MODEL_WIDTH_MAX)
            return onnx_fail(graph, "a row would be %zu numbers wide; at most %d are taken",
                             graph->features, MODEL_WIDTH_MAX);
    }
    graph->is_batched = has_batch;
    graph->source->info.features = graph->features;
    for (size_t i = 0, first = 0; i < graph->inputs; i++) {
        struct onnx_value *value = onnx_find(graph, graph->input[i]->name);
        if (!cut_input(graph, value, first))
            return false;
        first += value->width;
    }
    return true;
}

/* A type's name in the Open Inference Protocol. */
static const char *datatype_of(uint64_t type)
{
    static const char *const names[] = {
        [ONNX_FLOAT] = "FP32",    [ONNX_UINT8] = "UINT8",   [ONNX_INT8] = "INT8",
        [ONNX_UINT16] = "UINT16", [ONNX_INT16] = "INT16",   [ONNX_INT32] = "INT32",
        [ONNX_INT64] = "INT64",   [ONNX_STRING] = "BYTES",  [ONNX_BOOL] = "BOOL",
        [ONNX_FLOAT16] = "FP16",  [ONNX_DOUBLE] = "FP64",   [ONNX_UINT32] = "UINT32",
        [ONNX_UINT64] = "UINT64", [ONNX_BFLOAT16] = "BF16",
    };
    return type < sizeof names / sizeof *names ? names[type] : NULL;
}

void onnx_say_tensor(struct relud_tensor_info *info, const struct onnx_value *value,
                     const char *name)
{
    size_t from = value->is_batched && value->shape[0] == 1;
    *info = (struct relud_tensor_info){.name = name, .width = value->width};
    for (size_t i = from; i < value->rank; i++)
        info->shape[info->rank++] = value->shape[i];
    if (info->rank == 0)
        info->shape[info->rank++] = value->width;
}

bool onnx_say_inputs(struct onnx_graph *graph)
{
    struct relud_tensor_info *told = model_source_inputs(graph->source, graph->inputs);
    for (size_t i = 0; told && i < graph->inputs; i++) {
        struct onnx_text name = graph->input[i]->name;
        const char *copy = arena_copy_text(graph->source->arena, name.at, name.len);
        if (!copy)
            return onnx_no_memory(graph);
        onnx_say_tensor(&told[i], onnx_find(graph, name), copy);
        told[i].datatype = datatype_of(graph->input[i]->type);
    }
    return told != NULL;
}
