#include "core/onnx/labels.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- errors ---- */

bool onnx_fail(struct onnx_graph *graph, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    const struct onnx_node *node = graph->node;
    if (!node)
        return relud_fail(graph->file.error, RELUD_UNSUPPORTED, "%s: %s", graph->file.name, words);
    struct onnx_text name = node->name.len || !node->outputs ? node->name : node->output[0];
    return relud_fail(graph->file.error, RELUD_UNSUPPORTED, "%s: node '%.*s' (%.*s): %s",
                      graph->file.name, onnx_shown(name, 40), name.at, onnx_shown(node->op, 30),
                      node->op.at, words);
}

bool onnx_fail_mixing(struct onnx_graph *graph, const char *what)
{
    graph->mixes_rows = true;
    return onnx_fail(graph, "%s along the batch: rows would depend on each other", what);
}

bool onnx_is_batch(const struct onnx_value *x, size_t axis)
{
    return x->kind == ONNX_ROWS && x->is_batched && axis == x->batch_axis;
}

bool onnx_no_memory(struct onnx_graph *graph)
{
    return relud_fail(graph->file.error, RELUD_NO_MEMORY, "%s: out of memory", graph->file.name);
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

bool onnx_empty_list(struct onnx_graph *graph, struct onnx_value *value)
{
    long long *none = arena_take(&graph->source->temporary, sizeof *none);
    value->kind = ONNX_WHOLES;
    value->rank = 1;
    value->shape[0] = value->width = 0;
    value->wholes = none;
    value->is_batch = NULL;
    return none ? true : onnx_no_memory(graph);
}

/* Reads an initializer's numbers, when they are first needed. */
static bool read_tensor(struct onnx_graph *graph, struct onnx_value *value)
{
    const struct onnx_tensor *tensor = value->tensor;
    struct arena *arena = &graph->source->temporary;
    if (tensor->rank > ONNX_RANK_MAX)
        return onnx_fail(graph, "'%.*s' has %zu dimensions; at most %d are read",
                         ONNX_NAME(value->name), tensor->rank, ONNX_RANK_MAX);
    value->rank = tensor->rank;
    value->width = tensor->count;
    memcpy(value->shape, tensor->shape, sizeof value->shape);
    if (tensor->count == 0 && tensor->rank == 1 && onnx_tensor_is_whole(tensor))
        return onnx_empty_list(graph, value);
    if (tensor->count == 0)
        return onnx_fail(graph, "'%.*s' is empty", ONNX_NAME(value->name));
    if (onnx_tensor_is_float(tensor)) {
        value->floats = onnx_tensor_floats(&graph->file, &graph->external, tensor, arena);
        value->kind = ONNX_FLOATS;
        return value->floats != NULL;
    }
    if (tensor->type == ONNX_STRING) {
        struct labels labels = {0};
        value->kind = ONNX_TEXTS;
        if (labels_of_tensor(graph, tensor, &labels)) {
            value->texts = labels.text;
            return true;
        }
        return graph->is_short
                   ? onnx_no_memory(graph)
                   : onnx_fail(
                         graph,
                         "'%.*s' is a tensor of type STRING whose words are missing, or no UTF-8",
                         ONNX_NAME(value->name));
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
    return index >= graph->node->inputs || graph->node->input[index].len == 0 ||
           onnx_read_value(graph, graph->node->input[index], found);
}

bool onnx_read_value(struct onnx_graph *graph, struct onnx_text name,
                     const struct onnx_value **found)
{
    struct onnx_value *value = onnx_find(graph, name);
    if (value->kind == ONNX_NOTHING && value->tensor && !read_tensor(graph, value))
        return false;
    if (value->kind == ONNX_NOTHING)
        return onnx_fail(graph, "it reads '%.*s', which nothing makes%s", ONNX_NAME(name),
                         graph->file.has_sparse ? " (sparse initializers are not read)" : "");
    *found = value;
    return true;
}

/* True if the operation makes something of a list without numbers; others compute with none. */
static bool takes_empty(struct onnx_text op)
{
    static const char *const those[] = {"Cast",    "Concat",    "Flatten", "Identity",
                                        "Reshape", "Shape",     "Slice",   "Split",
                                        "Squeeze", "Unsqueeze", "Expand",  "ConstantOfShape"};
    for (size_t i = 0; i < sizeof those / sizeof *those; i++)
        if (onnx_text_is(op, those[i]))
            return true;
    return false;
}

bool onnx_wanted(struct onnx_graph *graph, size_t index, const struct onnx_value **value)
{
    if (!onnx_input(graph, index, value))
        return false;
    if (!*value)
        return onnx_fail(graph, "input %zu is missing", index);
    if ((*value)->width == 0 && (*value)->kind == ONNX_WHOLES && !takes_empty(graph->node->op))
        return onnx_fail(graph, "input %zu is an empty list", index);
    return true;
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

/* How AttributeProto stores a kind of value: its field, its wire type, and its number in
 * AttributeType. */
struct kind {
    uint32_t field;
    enum wire_type wire;
    uint64_t type;
    bool may_be_packed;
};
static const struct kind number_kind = {2, WIRE_32, 1, false},
                         whole_kind = {3, WIRE_VARINT, 2, false},
                         word_kind = {4, WIRE_BYTES, 3, false},
                         numbers_kind = {7, WIRE_32, 6, true},
                         wholes_kind = {8, WIRE_VARINT, 7, true};

/* Checks that an attribute is of that kind. Writers of proto3 leave out a value that is 0 or empty,
 * so the value's field may be missing. *value gets the last field of that kind, or 0. */
static bool check_kind(struct onnx_graph *graph, const struct onnx_attribute *attribute,
                       const struct kind *kind, struct wire_field *value)
{
    enum { VALUES_FROM = 2, VALUES_TO = 11, TYPE = 20, REFERENCE = 21 };
    struct wire wire = wire_open(attribute->message);
    struct wire_field field;
    uint64_t type = 0;
    bool is_there = false, is_other = false, is_wrong = false;
    *value = (struct wire_field){.bytes = {(const unsigned char *)"", 0}};
    while (wire_next(&wire, &field)) {
        if (field.number == REFERENCE)
            return onnx_fail(graph, "attribute '%.*s' refers to a function's",
                             ONNX_NAME(attribute->name));
        if (field.number == kind->field) {
            *value = field;
            is_there = true;
            is_wrong |=
                field.type != kind->wire && !(kind->may_be_packed && field.type == WIRE_BYTES);
        } else if (field.number == TYPE) {
            type = field.value;
        } else if (field.number >= VALUES_FROM && field.number <= VALUES_TO) {
            is_other = true;
        }
    }
    if (is_wrong || (type ? type != kind->type : is_other && !is_there))
        return onnx_fail(graph, "attribute '%.*s' is not of the type it should be",
                         ONNX_NAME(attribute->name));
    return true;
}

/* Reads an attribute with one value. If the attribute is missing, *is_there is false. */
static bool read_one(struct onnx_graph *graph, const char *name, const struct kind *kind,
                     struct wire_field *value, bool *is_there)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    *is_there = attribute != NULL;
    return !attribute || check_kind(graph, attribute, kind, value);
}

bool onnx_whole(struct onnx_graph *graph, const char *name, long long *value)
{
    struct wire_field field;
    bool is_there;
    if (!read_one(graph, name, &whole_kind, &field, &is_there))
        return false;
    if (is_there)
        *value = (long long)field.value;
    return true;
}

bool onnx_any_number(struct onnx_graph *graph, const char *name, float *value)
{
    struct wire_field field;
    bool is_there;
    if (!read_one(graph, name, &number_kind, &field, &is_there))
        return false;
    if (is_there) {
        uint32_t bits = (uint32_t)field.value;
        memcpy(value, &bits, sizeof *value);
    }
    return true;
}

bool onnx_bound(struct onnx_graph *graph, const char *name, float *value)
{
    if (!onnx_any_number(graph, name, value))
        return false;
    if (isnan(*value))
        return onnx_fail(graph, "attribute '%s' is NaN", name);
    return true;
}

bool onnx_number(struct onnx_graph *graph, const char *name, float *value)
{
    if (!onnx_bound(graph, name, value))
        return false;
    if (!isfinite(*value))
        return onnx_fail(graph, "attribute '%s' is infinite", name);
    return true;
}

bool onnx_word(struct onnx_graph *graph, const char *name, struct onnx_text *word)
{
    struct wire_field field;
    bool is_there;
    if (!read_one(graph, name, &word_kind, &field, &is_there))
        return false;
    if (is_there)
        *word = (struct onnx_text){(const char *)field.bytes.at, field.bytes.len};
    return true;
}

bool onnx_wholes(struct onnx_graph *graph, const char *name, long long *values, size_t *count)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    struct wire_field last;
    uint64_t value;
    *count = 0;
    if (!attribute)
        return true;
    if (!check_kind(graph, attribute, &wholes_kind, &last))
        return false;
    struct wire wire = wire_open(attribute->message), packed = {0};
    while (wire_next_number(&wire, &packed, wholes_kind.field, wholes_kind.wire, &value)) {
        if (*count == ONNX_LIST_MAX)
            return onnx_fail(graph, "attribute '%s' has more than %d numbers", name, ONNX_LIST_MAX);
        values[(*count)++] = (long long)value;
    }
    if (wire.wrong)
        return onnx_fail(graph, "attribute '%s': %s", name, wire.wrong);
    return true;
}

bool onnx_numbers(struct onnx_graph *graph, const char *name, const float **values, size_t *count)
{
    const struct onnx_attribute *attribute = onnx_attribute(graph, name);
    struct wire_field last;
    uint64_t value;
    *count = 0;
    *values = NULL;
    if (!attribute)
        return true;
    if (!check_kind(graph, attribute, &numbers_kind, &last))
        return false;
    float *made = arena_take_array(graph->source->arena, attribute->message.len / 4 + 1, 4);
    if (!made)
        return onnx_no_memory(graph);
    struct wire wire = wire_open(attribute->message), packed = {0};
    while (wire_next_number(&wire, &packed, numbers_kind.field, numbers_kind.wire, &value)) {
        uint32_t bits = (uint32_t)value;
        memcpy(&made[*count], &bits, sizeof bits);
        if (!isfinite(made[*count]))
            return onnx_fail(graph, "attribute '%s': number %zu is not finite", name, *count);
        ++*count;
    }
    if (wire.wrong)
        return onnx_fail(graph, "attribute '%s': %s", name, wire.wrong);
    *values = made;
    return true;
}

/* ---- constants ---- */

static const float *constant_in(struct onnx_graph *graph, struct arena *arena,
                                const struct onnx_value *value, const char *what)
{
    if (value->kind == ONNX_ROWS || value->is_batch) {
        onnx_fail(graph, "%s is not constant", what);
        return NULL;
    }
    if (value->kind == ONNX_TEXTS) {
        onnx_fail(graph, "%s is text", what);
        return NULL;
    }
    if (value->width == 0) {
        onnx_fail(graph, "%s is empty", what);
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
    size_t rows = value->rank ? value->shape[0] : 1, columns = value->width / rows;
    if (value->kind == ONNX_FLOATS && !value->is_turned)
        memcpy(made, bytes, value->width * sizeof *made);
    for (size_t r = 0; value->is_turned && r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            memcpy(&made[r * columns + c], bytes + (c * rows + r) * sizeof *made, sizeof *made);
    for (size_t i = 0; value->kind == ONNX_WHOLES && i < value->width; i++)
        made[i] = (float)value->wholes[i];
    return made;
}

const float *onnx_any_constant(struct onnx_graph *graph, const struct onnx_value *value,
                               const char *what)
{
    return constant_in(graph, graph->source->arena, value, what);
}

const float *onnx_bounding_constant(struct onnx_graph *graph, const struct onnx_value *value,
                                    const char *what)
{
    const float *made = onnx_any_constant(graph, value, what);
    for (size_t i = 0; made && i < value->width; i++)
        if (isnan(made[i])) {
            onnx_fail(graph, "%s: element %zu is NaN", what, i);
            return NULL;
        }
    return made;
}

const float *onnx_constant(struct onnx_graph *graph, const struct onnx_value *value,
                           const char *what)
{
    const float *made = onnx_bounding_constant(graph, value, what);
    for (size_t i = 0; made && i < value->width; i++)
        if (isinf(made[i])) {
            onnx_fail(graph, "%s: element %zu is infinite", what, i);
            return NULL;
        }
    return made;
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
