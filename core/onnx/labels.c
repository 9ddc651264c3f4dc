/* Reads lists of class labels from attributes, initializers and constants, as texts or numbers. */
#include "core/onnx/labels.h"

#include "core/base/json_string.h"
#include <relud/text.h>
#include <string.h>

/* True for UTF-8 without NUL, which JSON can express. */
static bool is_label(struct onnx_text text)
{
    for (size_t i = 0, len; i < text.len; i += len)
        if (text.at[i] == '\0' || (len = utf8_len(text.at + i, text.len - i)) == 0)
            return false;
    return true;
}

void *labels_take(struct onnx_graph *graph, size_t count, size_t size)
{
    void *at = arena_take_array(graph->source->arena, count + 1, size);
    graph->is_short |= !at;
    return at;
}

static bool take_text(struct onnx_graph *graph, struct wire_slice bytes, const char **text)
{
    struct onnx_text label = {(const char *)bytes.at, bytes.len};
    *text = NULL;
    if (!is_label(label))
        return false;
    *text = arena_copy_text(graph->source->arena, label.at, label.len);
    graph->is_short |= !*text;
    return *text != NULL;
}

/* Reads the texts in a field of a message. False if one of them cannot be a label. */
static bool texts_of(struct onnx_graph *graph, struct wire_slice message, uint32_t number,
                     struct labels *labels)
{
    struct wire wire = wire_open(message);
    struct wire_field field;
    size_t most = 0;
    while (wire_find(&wire, number, &field))
        most++;
    labels->text = labels_take(graph, most, sizeof *labels->text);
    wire = wire_open(message);
    labels->count = 0;
    while (labels->text && wire_find(&wire, number, &field))
        if (field.type != WIRE_BYTES ||
            !take_text(graph, field.bytes, &labels->text[labels->count++]))
            return false;
    return labels->text && labels->count;
}

static bool wholes_of(struct onnx_graph *graph, struct wire_slice message, struct labels *labels)
{
    struct wire wire = wire_open(message), packed = {0};
    uint64_t value;
    labels->whole = labels_take(graph, message.len, sizeof *labels->whole);
    labels->count = 0;
    while (labels->whole && wire_next_number(&wire, &packed, 8, WIRE_VARINT, &value))
        labels->whole[labels->count++] = (long long)value;
    return labels->whole && labels->count;
}

/* Sets is_short if the error is that memory ran out. */
static void note_shortage(struct onnx_graph *graph)
{
    graph->is_short |= graph->file.error->code == RELUD_NO_MEMORY;
}

bool labels_of_tensor(struct onnx_graph *graph, const struct onnx_tensor *tensor,
                      struct labels *labels)
{
    enum { STRING_DATA = 6 };
    if (tensor->type == ONNX_STRING)
        return texts_of(graph, tensor->message, STRING_DATA, labels) &&
               labels->count == tensor->count;
    labels->count = tensor->count;
    if (onnx_tensor_is_whole(tensor)) {
        labels->whole = labels_take(graph, tensor->count, sizeof *labels->whole);
        const long long *wholes =
            onnx_tensor_wholes(&graph->file, &graph->external, tensor, &graph->source->temporary);
        note_shortage(graph);
        if (wholes && labels->whole)
            memcpy(labels->whole, wholes, tensor->count * sizeof *wholes);
        return wholes && labels->whole;
    }
    if (!onnx_tensor_is_float(tensor))
        return false;
    const char *floats =
        onnx_tensor_floats(&graph->file, &graph->external, tensor, &graph->source->temporary);
    note_shortage(graph);
    if (!floats)
        return false;
    labels->text = labels_take(graph, tensor->count, sizeof *labels->text);
    for (size_t i = 0; !graph->is_short && i < tensor->count; i++) {
        char text[RELUD_FLOAT_TEXT_MAX];
        float value;
        memcpy(&value, floats + i * sizeof value, sizeof value);
        labels->text[i] =
            arena_copy_text(graph->source->arena, text, relud_float_to_text(value, text));
        graph->is_short |= !labels->text[i];
    }
    return !graph->is_short;
}

bool labels_of_constant(struct onnx_graph *graph, struct onnx_text name, struct labels *labels)
{
    const struct onnx_value *value = onnx_find(graph, name);
    if (value->tensor)
        return labels_of_tensor(graph, value->tensor, labels);
    const struct onnx_node *node = value->maker;
    if (!node || !onnx_text_is(node->op, "Constant"))
        return false;
    graph->node = node;
    const struct onnx_attribute *strings = onnx_attribute(graph, "value_strings"),
                                *ints = onnx_attribute(graph, "value_ints"),
                                *whole = onnx_attribute(graph, "value");
    struct wire wire = wire_open(whole ? whole->message : (struct wire_slice){0});
    struct wire_field field;
    struct onnx_tensor tensor;
    if (strings)
        return texts_of(graph, strings->message, 9, labels);
    if (ints)
        return wholes_of(graph, ints->message, labels);
    return whole && wire_find(&wire, 5, &field) && field.type == WIRE_BYTES &&
           onnx_tensor_open(&graph->file, field.bytes, &tensor) &&
           labels_of_tensor(graph, &tensor, labels);
}

/* ---- attributes ---- */

bool labels_of_attribute(struct onnx_graph *graph, const struct onnx_node *node,
                         const char *strings, const char *ints, struct labels *labels)
{
    graph->node = node;
    const struct onnx_attribute *texts = onnx_attribute(graph, strings),
                                *wholes = onnx_attribute(graph, ints);
    return (texts && texts_of(graph, texts->message, 9, labels)) ||
           (wholes && wholes_of(graph, wholes->message, labels));
}

size_t onnx_classlabels(struct onnx_graph *graph, const struct onnx_node *node)
{
    struct labels labels = {0};
    return labels_of_attribute(graph, node, "classlabels_strings", "classlabels_ints", &labels)
               ? labels.count
               : 0;
}

bool labels_of_places(struct onnx_graph *graph, struct labels *labels, size_t count)
{
    labels->whole = labels_take(graph, count, sizeof *labels->whole);
    for (size_t i = 0; labels->whole && i < count; i++)
        labels->whole[i] = (long long)i;
    labels->count = count;
    return labels->whole != NULL;
}
