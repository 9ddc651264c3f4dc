/* Turns an ONNX file into steps: chooses the outputs to serve, marks what they need, reads the
 * inputs and every needed operation in order, and sets the results. */
#include "core/onnx/onnx.h"

#include "core/kernels/activation.h"
#include "core/onnx/vocabulary.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* BUDGET: how many numbers a graph may make while it is read, besides those for the file's own
 * data: about 32 MB of floats. */
enum { BUDGET = 8 << 20, PORTS_MAX = 64 };

enum { OP_LISTS = 14 };
static const struct onnx_op *const op_lists[OP_LISTS] = {
    onnx_branch_ops,    onnx_constant_ops, onnx_einsum_ops, onnx_element_ops, onnx_extend_ops,
    onnx_layer_ops,     onnx_lookup_ops,   onnx_ml_ops,     onnx_part_ops,    onnx_pick_ops,
    onnx_quantized_ops, onnx_row_ops,      onnx_shape_ops,  onnx_words_ops,
};

/* ---- unknown operations ---- */

/* The Levenshtein distance of two short words. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    enum { WORD_MAX = 40 };
    size_t row[WORD_MAX + 1];
    if (b_len > WORD_MAX)
        return WORD_MAX;
    for (size_t k = 0; k <= b_len; k++)
        row[k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            size_t least = corner + (a[i - 1] != b[k - 1]);
            corner = row[k];
            least = row[k] + 1 < least ? row[k] + 1 : least;
            row[k] = row[k - 1] + 1 < least ? row[k - 1] + 1 : least;
        }
    }
    return row[b_len];
}

/* Fails and lists the operations that relud has in the node's domain. */
static bool fail_domain(struct onnx_graph *graph, const struct onnx_node *node)
{
    char list[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < OP_LISTS; i++)
        for (const struct onnx_op *op = op_lists[i]; op->name; op++)
            if (onnx_text_is(node->domain, op->domain) && len < sizeof list)
                len += (size_t)snprintf(list + len, sizeof list - len, "%s%s",
                                        len ? ", " : ", which are ", op->name);
    return onnx_fail(graph, "no operation of domain '%.*s' that relud has%s",
                     ONNX_NAME(node->domain), list);
}

/* Makes *nearest this name if it is nearer to the operation's name than *least. */
static void offer(const struct onnx_node *node, const char *name, const char **nearest,
                  size_t *least)
{
    size_t far = distance(name, strlen(name), node->op.at, node->op.len);
    if (far < *least) {
        *least = far;
        *nearest = name;
    }
}

/* Fails for operations of nets that relud does not serve; false if it is none of those. */
static bool fail_known(struct onnx_graph *graph, const struct onnx_node *node)
{
    static const struct {
        const char *part, *what;
    } families[] = {
        {"Conv", "a convolution: relud serves feed-forward nets"},
        {"Pool", "pooling: relud serves feed-forward nets"},
        {"LSTM", "a recurrent layer: relud serves feed-forward nets"},
        {"GRU", "a recurrent layer: relud serves feed-forward nets"},
        {"RNN", "a recurrent layer: relud serves feed-forward nets"},
        {"Attention", "attention as one operation: export it as the products that it is"},
        {"Loop", "a loop: export the net without it, as by torch.onnx.export(dynamo=True)"},
        {"Scan", "a loop: export the net without it, as by torch.onnx.export(dynamo=True)"},
        {"Sequence", "sequences of tensors: export with the optimizer on (optimize=True)"},
        {"NonZero", "an answer whose size depends on the numbers, which no row has"},
        {"Random", "random numbers: the same row would have different answers"},
    };
    for (size_t i = 0; i < sizeof families / sizeof *families; i++)
        for (size_t at = 0; at + strlen(families[i].part) <= node->op.len; at++)
            if (memcmp(node->op.at + at, families[i].part, strlen(families[i].part)) == 0) {
                onnx_fail(graph, "%s", families[i].what);
                return true;
            }
    return false;
}

static bool fail_unknown(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct relud_activation *activation;
    const char *nearest = "Gemm";
    size_t least = node->op.len / 2 + 1;
    for (size_t i = 0; i < OP_LISTS; i++)
        for (const struct onnx_op *op = op_lists[i]; op->name; op++)
            offer(node, op->name, &nearest, &least);
    for (size_t i = 0; (activation = relud_activation_at(i)); i++)
        if (*activation_onnx(activation)->op)
            offer(node, activation_onnx(activation)->op, &nearest, &least);
    if (node->domain.len)
        return fail_domain(graph, node);
    if (fail_known(graph, node))
        return false;
    if (least < node->op.len / 2 + 1)
        return onnx_fail(graph, "relud has no such operation (opset %llu); the nearest is %s",
                         (unsigned long long)graph->file.opset, nearest);
    return onnx_fail(graph,
                     "relud has no such operation (opset %llu): it serves feed-forward nets, of "
                     "Gemm, MatMul and what works row by row",
                     (unsigned long long)graph->file.opset);
}

bool onnx_run_node(struct onnx_graph *graph, const struct onnx_node *node)
{
    graph->node = node;
    for (size_t i = 0; i < OP_LISTS; i++)
        for (const struct onnx_op *op = op_lists[i]; op->name; op++)
            if (onnx_text_is(node->op, op->name) && onnx_text_is(node->domain, op->domain))
                return op->read ? op->read(graph, node) : op->read_element(graph, op->element);
    const struct relud_activation *activation =
        node->domain.len == 0 ? onnx_activation_of(node->op) : NULL;
    return activation ? onnx_read_activation(graph, activation) : fail_unknown(graph, node);
}

/* ---- names ---- */

/* Adds a name that the file defines. Defining a name twice is an error. */
static bool declare(struct onnx_graph *graph, struct onnx_text name, struct onnx_value **value)
{
    size_t before = graph->values;
    *value = onnx_find(graph, name);
    if (graph->values == before)
        return onnx_fail(graph, "'%.*s' is made twice", ONNX_NAME(name));
    return true;
}

static bool declare_all(struct onnx_graph *graph)
{
    const struct onnx_file *file = &graph->file;
    struct onnx_value *value;
    graph->node = NULL;
    for (size_t i = 0; i < file->tensors; i++) {
        if (!declare(graph, file->tensor[i].name, &value))
            return false;
        value->tensor = &file->tensor[i];
    }
    for (size_t i = 0; i < file->nodes; i++)
        for (size_t k = 0; k < file->node[i].outputs; k++) {
            if (file->node[i].output[k].len == 0)
                continue;
            if (!declare(graph, file->node[i].output[k], &value))
                return false;
            value->maker = &file->node[i];
        }
    return onnx_sort_nodes(graph);
}

static bool set_up(struct onnx_graph *graph)
{
    const struct onnx_file *file = &graph->file;
    struct arena *arena = &graph->source->temporary;
    size_t names = file->tensors + file->inputs + file->outputs + file->made_deep + 2;
    for (size_t i = 0; i < file->nodes; i++)
        names += file->node[i].inputs + file->node[i].outputs;
    graph->values = 0;
    graph->slots = 2 * names + 1;
    graph->value = arena_take_array(arena, names, sizeof *graph->value);
    graph->slot = arena_take_array(arena, graph->slots, sizeof *graph->slot);
    graph->source->steps = 0;
    graph->source->feature = NULL;
    graph->source->numbers = NULL;
    graph->reader = NULL;
    graph->renaming = NULL;
    graph->budget = BUDGET + graph->source->file[0].len / 4 * 3;
    graph->mixes_rows = false;
    if (!graph->value || !graph->slot)
        return onnx_no_memory(graph);
    return true;
}

/* ---- what is needed ---- */

static const struct onnx_node *maker_of(struct onnx_graph *graph, struct onnx_text name)
{
    return onnx_find(graph, name)->maker;
}

/* A ZipMap turns probabilities into dictionaries: return the name of its input, the
 * probabilities. */
static struct onnx_text tensor_behind(struct onnx_graph *graph, struct onnx_text name)
{
    const struct onnx_node *node = maker_of(graph, name);
    return node && onnx_text_is(node->op, "ZipMap") && node->inputs ? node->input[0] : name;
}

static bool is_float_port(struct onnx_graph *graph, const struct onnx_port *port)
{
    if (!port->is_tensor) {
        const struct onnx_node *node = maker_of(graph, port->name);
        return node && onnx_text_is(node->op, "ZipMap");
    }
    const struct onnx_tensor of = {.type = port->type};
    return port->type == 0 || onnx_tensor_is_float(&of);
}

/* Chooses the outputs to serve: those of floats, or, if there are none, all tensors. */
static bool choose_outputs(struct onnx_graph *graph, const struct onnx_port **wanted, size_t *count)
{
    struct onnx_file *file = &graph->file;
    *count = 0;
    if (file->outputs > PORTS_MAX)
        return onnx_fail(graph, "%zu outputs; at most %d are taken", file->outputs, PORTS_MAX);
    for (size_t pass = 0; pass < 2 && *count == 0; pass++)
        for (size_t i = 0; i < file->outputs; i++) {
            bool is_float = is_float_port(graph, &file->output[i]);
            if (pass == 0 ? is_float : file->output[i].is_tensor)
                wanted[(*count)++] = &file->output[i];
        }
    if (*count > RELUD_RESULTS_MAX)
        return onnx_fail(graph, "%zu outputs; at most %d are served", *count, RELUD_RESULTS_MAX);
    if (*count == 0)
        return onnx_fail(graph, "no output is a tensor of numbers");
    for (size_t i = 0; i < file->outputs; i++) {
        bool is_wanted = false;
        for (size_t k = 0; k < *count; k++)
            is_wanted |= wanted[k] == &file->output[i];
        for (size_t k = 0; k < i; k++)
            if (onnx_text_same(file->output[i].name, file->output[k].name))
                return onnx_fail(graph, "output '%.*s' is listed twice",
                                 ONNX_NAME(file->output[i].name));
        if (!is_wanted &&
            !model_source_note(
                graph->source, "output '%.*s' (%s) is left out", ONNX_NAME(file->output[i].name),
                file->output[i].is_tensor ? onnx_type_name(file->output[i].type) : "no tensor"))
            return false;
    }
    return true;
}

/* Marks the values that the wanted outputs need, from the outputs backwards. */
static void mark_needed(struct onnx_graph *graph, const struct onnx_port *const *wanted,
                        size_t count)
{
    for (size_t i = 0; i < count; i++)
        onnx_find(graph, tensor_behind(graph, wanted[i]->name))->is_needed = true;
    for (size_t i = graph->file.nodes; i-- > 0;) {
        const struct onnx_node *node = &graph->file.node[i];
        bool is_needed = false;
        for (size_t k = 0; k < node->outputs; k++)
            is_needed |= node->output[k].len && onnx_find(graph, node->output[k])->is_needed;
        for (size_t k = 0; is_needed && k < node->inputs; k++)
            if (node->input[k].len)
                onnx_find(graph, node->input[k])->is_needed = true;
    }
}

bool onnx_is_needed(struct onnx_graph *graph, const struct onnx_node *node)
{
    for (size_t i = 0; i < node->outputs; i++)
        if (node->output[i].len && onnx_find(graph, node->output[i])->is_needed)
            return true;
    return false;
}

/* ---- results ---- */

/* Leaves out the outputs that are the same for every row, if there are others: no row has a share
 * of them. */
static bool leave_constants(struct onnx_graph *graph, const struct onnx_port **wanted,
                            size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        struct onnx_text name = wanted[i]->name;
        const struct onnx_value *value = onnx_find(graph, tensor_behind(graph, name));
        if (value->kind == ONNX_NOTHING && !value->tensor)
            return onnx_fail(graph, "nothing makes output '%.*s'", ONNX_NAME(name));
        if (value->kind == ONNX_ROWS)
            wanted[kept++] = wanted[i];
        else if (!model_source_note(graph->source,
                                    "output '%.*s' is left out: it does not depend on the input",
                                    ONNX_NAME(name)))
            return false;
    }
    if (kept == 0)
        return onnx_fail(graph, "output '%.*s' does not depend on the input",
                         ONNX_NAME(wanted[0]->name));
    *count = kept;
    return true;
}

static bool set_results(struct onnx_graph *graph, const struct onnx_port *const *wanted,
                        size_t count)
{
    struct model_source *source = graph->source;
    struct relud_tensor_info *info = arena_take_array(source->arena, count, sizeof *info);
    source->result = arena_take_array(source->arena, count, sizeof *source->result);
    if (!info || !source->result)
        return onnx_no_memory(graph);
    source->info.outputs = 0;
    for (size_t i = 0; i < count; i++) {
        struct onnx_text name = wanted[i]->name;
        const struct onnx_value *value = onnx_find(graph, tensor_behind(graph, name));
        const char *copy = arena_copy_text(source->arena, name.at, name.len);
        if (!copy)
            return onnx_no_memory(graph);
        if (value->is_text)
            return onnx_fail(graph, "output '%.*s' is text; numbers are served", ONNX_NAME(name));
        if (value->is_batched && (value->batch_axis || value->batch_outer)) {
            graph->mixes_rows = true;
            return onnx_fail(graph,
                             "the batch is axis %zu of output '%.*s'%s: transpose it to be "
                             "the first",
                             value->batch_axis, ONNX_NAME(name),
                             value->batch_outer ? ", behind other numbers" : "");
        }
        onnx_say_tensor(&info[i], value, copy);
        source->result[i] = (struct network_result){value->value, value->width};
        source->info.outputs += value->width;
        if (source->info.outputs > MODEL_WIDTH_MAX)
            return onnx_fail(graph, "the outputs together are wider than a row may be");
    }
    source->info.results = count;
    source->info.result = info;
    return true;
}

/* ---- reading ---- */

/* Lists the needed operations in order of first use, as in "Gemm 2, Relu 1". */
static bool count_operations(struct onnx_graph *graph)
{
    enum { TEXT_BYTES = 1024 };
    char text[TEXT_BYTES] = "";
    size_t len = 0;
    for (size_t i = 0; i < graph->file.nodes && len + 80 < TEXT_BYTES; i++) {
        const struct onnx_node *node = &graph->file.node[i];
        size_t count = 0, first = 0;
        if (!onnx_is_needed(graph, node))
            continue;
        while (!onnx_text_same(graph->file.node[first].op, node->op) ||
               !onnx_is_needed(graph, &graph->file.node[first]))
            first++;
        for (size_t k = i; first == i && k < graph->file.nodes; k++)
            count += onnx_text_same(graph->file.node[k].op, node->op) &&
                     onnx_is_needed(graph, &graph->file.node[k]);
        if (count)
            len += (size_t)snprintf(text + len, TEXT_BYTES - len, "%s%.*s %zu", len ? ", " : "",
                                    ONNX_NAME(node->op), count);
    }
    graph->source->info.operations = arena_copy_text(graph->source->arena, text, len);
    if (!graph->source->info.operations)
        return onnx_no_memory(graph);
    return true;
}

static bool read_graph(struct onnx_graph *graph, const struct onnx_port **wanted, size_t *count)
{
    graph->source->info.notes = 0;
    if (!set_up(graph) || !declare_all(graph) || !choose_outputs(graph, wanted, count))
        return false;
    mark_needed(graph, wanted, *count);
    if (!onnx_set_inputs(graph))
        return false;
    for (size_t i = 0; i < graph->file.nodes; i++)
        if (onnx_is_needed(graph, &graph->file.node[i]) &&
            !onnx_run_node(graph, &graph->file.node[i]))
            return false;
    graph->node = NULL;
    return onnx_set_words(graph) && onnx_say_inputs(graph) &&
           leave_constants(graph, wanted, count) && set_results(graph, wanted, *count);
}

/* The folder of a path; "." if the path has none. */
static const char *folder_of(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_copy_text(arena, path, slash > path ? (size_t)(slash - path) : 1)
                 : arena_copy_text(arena, ".", 1);
}

bool onnx_read(struct model_source *source, const char *path)
{
    struct onnx_graph *graph = arena_take(&source->temporary, sizeof *graph);
    struct relud_file *file = graph ? model_source_file(source, path) : NULL;
    if (!file)
        return graph ? false : relud_fail(source->error, RELUD_NO_MEMORY, "out of memory");
    graph->source = source;
    graph->external =
        (struct onnx_external){.source = source, .dir = folder_of(source->arena, path)};
    if (!graph->external.dir)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", path);
    if (!onnx_file_open(&graph->file, file, path, &source->temporary, source->error))
        return false;
    size_t count;
    const struct onnx_port **wanted =
        arena_take_array(&source->temporary, graph->file.outputs + 1, sizeof(struct onnx_port *));
    if (!wanted)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", path);
    source->info.format = "onnx";
    graph->is_batched = true;
    bool is_read = read_graph(graph, wanted, &count);
    /* The net mixes the first axis of a fixed input: read the whole input as one row. */
    if (!is_read && graph->mixes_rows && graph->batch > 0) {
        graph->is_batched = false;
        is_read =
            read_graph(graph, wanted, &count) &&
            model_source_note(source, "a row is the whole input: the net joins its first axis");
    }
    if (!is_read || !count_operations(graph))
        return false;
    return onnx_read_classes(graph, wanted);
}
