#include "core/onnx_graph.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

bool onnx_fail(struct onnx_graph *graph, const char *format, ...)
{
    char words[160];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    const struct onnx_node *node = graph->node;
    if (!node)
        return relud_fail(graph->file.error, RELUD_UNSUPPORTED, "%.70s: %s", graph->file.name,
                          words);
    struct onnx_text name = node->name.len || !node->outputs ? node->name : node->output[0];
    return relud_fail(graph->file.error, RELUD_UNSUPPORTED, "%.70s: node '%.*s' (%.*s): %s",
                      graph->file.name, onnx_shown(name, 40), name.at, onnx_shown(node->op, 30),
                      node->op.at, words);
}

bool onnx_fail_mixing(struct onnx_graph *graph, const char *what)
{
    graph->mixes_rows = true;
    return onnx_fail(graph, "%s along the batch: rows would depend on each other", what);
}

bool onnx_no_memory(struct onnx_graph *graph)
{
    return relud_fail(graph->file.error, RELUD_NO_MEMORY, "%.70s: out of memory", graph->file.name);
}

bool onnx_spend(struct onnx_graph *graph, size_t count)
{
    if (count > graph->budget)
        return onnx_fail(graph, "the graph makes more numbers on the way than relud allows");
    graph->budget -= count;
    return true;
}

/* ---- names ---- */

static size_t hash_of(struct onnx_text name)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (unsigned char)name.at[i]) * 0x100000001b3u;
    return (size_t)(hash ^ hash >> 32);
}

struct onnx_value *onnx_find(struct onnx_graph *graph, struct onnx_text name)
{
    size_t at = hash_of(name) % graph->slots;
    for (; graph->slot[at]; at = (at + 1) % graph->slots)
        if (onnx_text_same(graph->value[graph->slot[at] - 1].name, name))
            return &graph->value[graph->slot[at] - 1];
    graph->slot[at] = ++graph->values;
    graph->value[graph->values - 1] = (struct onnx_value){.name = name};
    return &graph->value[graph->values - 1];
}

/* An initializer's numbers are read when they are first wanted. */
static bool read_tensor(struct onnx_graph *graph, struct onnx_value *value)
{
    const struct onnx_tensor *tensor = value->tensor;
    struct arena *arena = &graph->source->temporary;
    value->rank = tensor->rank;
    value->width = tensor->count;
    memcpy(value->shape, tensor->shape, sizeof value->shape);
    if (tensor->count == 0)
        return onnx_fail(graph, "'%.*s' is empty", ONNX_NAME(value->name));
    if (onnx_tensor_is_float(tensor)) {
        value->floats = onnx_tensor_floats(&graph->file, &graph->external, tensor, arena);
        value->kind = ONNX_FLOATS;
        return value->floats != NULL;
    }
    if (!onnx_tensor_is_whole(tensor))
        return onnx_fail(graph, "'%.*s' is a tensor of type %s", ONNX_NAME(value->name),
                         onnx_type_name(tensor->type));
    value->wholes = onnx_tensor_wholes(&graph->file, &graph->external, tensor, arena);
    value->kind = ONNX_WHOLES;
    return value->wholes != NULL;
}

bool onnx_input(struct onnx_graph *graph, size_t index, const struct onnx_value **found)
{
    *found = NULL;
    if (index >= graph->node->inputs || graph->node->input[index].len == 0)
        return true;
    struct onnx_value *value = onnx_find(graph, graph->node->input[index]);
    if (value->kind == ONNX_NOTHING && value->tensor && !read_tensor(graph, value))
        return false;
    if (value->kind == ONNX_NOTHING)
        return onnx_fail(graph, "it reads '%.*s', which nothing before it makes",
                         ONNX_NAME(graph->node->input[index]));
    *found = value;
    return true;
}

bool onnx_wanted(struct onnx_graph *graph, size_t index, const struct onnx_value **value)
{
    if (!onnx_input(graph, index, value))
        return false;
    return *value || onnx_fail(graph, "input %zu is missing", index);
}

bool onnx_has_output(const struct onnx_graph *graph, size_t index)
{
    return index < graph->node->outputs && graph->node->output[index].len > 0;
}

void onnx_give(struct onnx_graph *graph, size_t index, const struct onnx_value *value)
{
    if (!onnx_has_output(graph, index))
        return;
    struct onnx_value *to = onnx_find(graph, graph->node->output[index]);
    struct onnx_value kept = *to;
    *to = *value;
    to->name = kept.name;
    to->is_needed = kept.is_needed;
    to->maker = kept.maker;
    to->tensor = NULL;
}

bool onnx_answer(struct onnx_graph *graph, bool is_made, const struct onnx_value *value)
{
    if (is_made)
        onnx_give(graph, 0, value);
    return is_made;
}

/* ---- attributes ---- */

const struct onnx_attribute *onnx_attribute(const struct onnx_graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->node->attributes; i++)
        if (onnx_text_is(graph->node->attribute[i].name, name))
            return &graph->node->attribute[i];
    return NULL;
}

/* The last field of that number in an attribute's message; false where there is none of that wire type. */
static bool attribute_field(struct onnx_graph *graph, const char *name, uint32_t number,
                            enum wire_type type, struct wire_field *found, bool *is_there)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    struct wire_field field;
    *is_there = false;
    if (!attribute)
        return true;
    struct wire wire = wire_open(attribute->message);
    while (wire_find(&wire, number, &field))
        if (field.type == type) {
            *found = field;
            *is_there = true;
        }
    wire = wire_open(attribute->message);
    if (wire_find(&wire, 21, &field))
        return onnx_fail(graph, "attribute '%s' refers to a function's", name);
    return *is_there || onnx_fail(graph, "attribute '%s' is not of the type it should be", name);
}

bool onnx_whole(struct onnx_graph *graph, const char *name, long long *value)
{
    struct wire_field field;
    bool is_there;
    if (!attribute_field(graph, name, 3, WIRE_VARINT, &field, &is_there))
        return false;
    if (is_there)
        *value = (long long)field.value;
    return true;
}

bool onnx_number(struct onnx_graph *graph, const char *name, float *value)
{
    struct wire_field field;
    bool is_there;
    if (!attribute_field(graph, name, 2, WIRE_32, &field, &is_there))
        return false;
    if (is_there) {
        uint32_t bits = (uint32_t)field.value;
        memcpy(value, &bits, sizeof *value);
    }
    return true;
}

bool onnx_word(struct onnx_graph *graph, const char *name, struct onnx_text *word)
{
    struct wire_field field;
    bool is_there;
    if (!attribute_field(graph, name, 4, WIRE_BYTES, &field, &is_there))
        return false;
    if (is_there)
        *word = (struct onnx_text){(const char *)field.bytes.at, field.bytes.len};
    return true;
}

bool onnx_wholes(struct onnx_graph *graph, const char *name, long long *values, size_t *count)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    uint64_t value;
    *count = 0;
    if (!attribute)
        return true;
    struct wire wire = wire_open(attribute->message), packed = {0};
    while (wire_next_number(&wire, &packed, 8, WIRE_VARINT, &value)) {
        if (*count == ONNX_LIST_MAX)
            return onnx_fail(graph, "attribute '%s' has more than %d numbers", name, ONNX_LIST_MAX);
        values[(*count)++] = (long long)value;
    }
    return !wire.wrong || onnx_fail(graph, "attribute '%s': %s", name, wire.wrong);
}

bool onnx_numbers(struct onnx_graph *graph, const char *name, const float **values, size_t *count)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    uint64_t value;
    *count = 0;
    *values = NULL;
    if (!attribute)
        return true;
    float *made = arena_take_array(graph->source->arena, attribute->message.len / 4 + 1, 4);
    if (!made)
        return onnx_no_memory(graph);
    struct wire wire = wire_open(attribute->message), packed = {0};
    while (wire_next_number(&wire, &packed, 7, WIRE_32, &value)) {
        uint32_t bits = (uint32_t)value;
        memcpy(&made[(*count)++], &bits, sizeof bits);
    }
    *values = made;
    return !wire.wrong || onnx_fail(graph, "attribute '%s': %s", name, wire.wrong);
}

/* ---- constants ---- */

static const float *constant_in(struct onnx_graph *graph, struct arena *arena,
                                const struct onnx_value *value, const char *what)
{
    if (value->kind == ONNX_ROWS || value->is_batch) {
        onnx_fail(graph, "%s is not constant", what);
        return NULL;
    }
    if (!onnx_spend(graph, value->width))
        return NULL;
    float *made = arena_take_array(arena, value->width, sizeof *made);
    if (!made) {
        onnx_no_memory(graph);
        return NULL;
    }
    const char *bytes = value->floats;
    size_t rows = value->rank ? value->shape[0] : 1, columns = value->width / (rows ? rows : 1);
    if (value->kind == ONNX_FLOATS && !value->is_turned)
        memcpy(made, bytes, value->width * sizeof *made);
    for (size_t r = 0; value->is_turned && r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(&made[r * columns + c], bytes + (c * rows + r) * sizeof *made, sizeof *made);
    for (size_t i = 0; value->kind == ONNX_WHOLES && i < value->width; i++)
        made[i] = (float)value->wholes[i];
    return made;
}

const float *onnx_constant(struct onnx_graph *graph, const struct onnx_value *value,
                           const char *what)
{
    return constant_in(graph, graph->source->arena, value, what);
}

const float *onnx_passing_constant(struct onnx_graph *graph, const struct onnx_value *value,
                                   const char *what)
{
    return constant_in(graph, &graph->source->temporary, value, what);
}

bool onnx_list_input(struct onnx_graph *graph, size_t index, const struct onnx_value **value)
{
    if (!onnx_input(graph, index, value))
        return false;
    if (*value && ((*value)->kind != ONNX_WHOLES || (*value)->rank > 1))
        return onnx_fail(graph, "input %zu is not a constant list of whole numbers", index);
    return true;
}

bool onnx_axis(struct onnx_graph *graph, long long axis, size_t rank, size_t *index)
{
    if (axis < -(long long)rank || axis >= (long long)rank)
        return onnx_fail(graph, "axis %lld of a tensor of %zu dimensions", axis, rank);
    *index = (size_t)(axis < 0 ? axis + (long long)rank : axis);
    return true;
}

bool onnx_axes(struct onnx_graph *graph, const long long *axes, size_t count, size_t rank,
               bool *is_axis)
{
    for (size_t i = 0; i < rank; i++)
        is_axis[i] = false;
    for (size_t i = 0; i < count; i++) {
        size_t index = 0;
        if (!onnx_axis(graph, axes[i], rank, &index))
            return false;
        if (is_axis[index])
            return onnx_fail(graph, "axis %lld is named twice", axes[i]);
        is_axis[index] = true;
    }
    return true;
}

struct onnx_value onnx_scalar(const float *value)
{
    return (struct onnx_value){.kind = ONNX_FLOATS, .width = 1, .floats = value};
}

/* ---- shapes ---- */

enum { CONSTANT_MAX = 1 << 30 };

bool onnx_shape(struct onnx_graph *graph, struct onnx_value *value, size_t rank,
                const size_t *shape)
{
    size_t width = 1, kept[ONNX_RANK_MAX];
    if (rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "a tensor of %zu dimensions; at most %d are taken", rank,
                         ONNX_RANK_MAX);
    for (size_t i = 0; i < rank; i++) {
        if (shape[i] == 0 || shape[i] > CONSTANT_MAX || width > CONSTANT_MAX / shape[i])
            return onnx_fail(graph, "dimension %zu is %zu: that is %s", i, shape[i],
                             shape[i] ? "too much" : "nothing");
        width *= kept[i] = shape[i];
    }
    memcpy(value->shape, kept, rank * sizeof *kept);
    value->rank = rank;
    value->width = width;
    return true;
}

size_t onnx_product(const struct onnx_value *value, size_t from, size_t to)
{
    size_t product = 1;
    for (size_t i = from; i < to; i++)
        product *= value->shape[i];
    return product;
}
