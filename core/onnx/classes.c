/* Finds the classes of an ONNX classifier. scikit-learn's converters write the predicted label as
 * an output of its own: the index of the greatest score, looked up in a constant list. PyTorch
 * users may do the same by hand. relud does not compute that output. It follows it backwards to the
 * list and to the scores; the list then names the scores' columns. */
#include "core/onnx/score.h"

#include <relud/text.h>
#include <string.h>

enum { NEAR = 8 };

/* ---- from labels to scores ---- */

static bool resolve(struct onnx_graph *graph, struct onnx_text name, int depth,
                    struct labels *labels);

static bool is_same_text(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

/* Translates one label as LabelEncoder does: to the value with the same key. False if no key
 * matches. */
static bool encode(const struct labels *from, size_t index, const struct labels *keys,
                   const struct labels *values, struct labels *to)
{
    for (size_t k = 0; k < keys->count; k++) {
        bool is_key = keys->text && from->text     ? is_same_text(keys->text[k], from->text[index])
                      : keys->whole && from->whole ? keys->whole[k] == from->whole[index]
                                                   : false;
        if (!is_key)
            continue;
        if (values->text)
            to->text[index] = values->text[k];
        else
            to->whole[index] = values->whole[k];
        return true;
    }
    return false; /* a default value stands for several labels, so it names no class */
}

/* Reads a LabelEncoder's keys and values: lists in attributes, or tensors (version 4). */
static bool read_encoder(struct onnx_graph *graph, const struct onnx_node *node,
                         struct labels *keys, struct labels *values)
{
    const char *const names[2][3] = {{"keys_strings", "keys_int64s", "keys_tensor"},
                                     {"values_strings", "values_int64s", "values_tensor"}};
    for (size_t i = 0; i < 2; i++) {
        struct labels *to = i ? values : keys;
        if (labels_of_attribute(graph, node, names[i][0], names[i][1], to))
            continue;
        graph->node = node;
        const struct onnx_attribute *attribute = onnx_attribute(graph, names[i][2]);
        struct wire wire = wire_open(attribute ? attribute->message : (struct wire_slice){0});
        struct wire_field field;
        struct onnx_tensor tensor;
        if (!attribute || !wire_find(&wire, 5, &field) || field.type != WIRE_BYTES ||
            !onnx_tensor_open(&graph->file, field.bytes, &tensor) ||
            !labels_of_tensor(graph, &tensor, to))
            return false;
    }
    return keys->count == values->count;
}

static bool resolve_encoder(struct onnx_graph *graph, const struct onnx_node *node, int depth,
                            struct labels *labels)
{
    struct labels keys = {0}, values = {0}, from = {0};
    if (!resolve(graph, node->input[0], depth + 1, &from))
        return false;
    graph->node = node;
    if (onnx_attribute(graph, "classes_strings")) { /* version 1: the texts by index */
        *labels = from;
        return from.count == 0 && labels_of_attribute(graph, node, "classes_strings", "", labels);
    }
    if (!read_encoder(graph, node, &keys, &values) ||
        (from.count == 0 && !labels_of_places(graph, &from, keys.count)))
        return false;
    *labels = from;
    labels->text = values.text ? labels_take(graph, from.count, sizeof *labels->text) : NULL;
    labels->whole = values.text ? NULL : labels_take(graph, from.count, sizeof *labels->whole);
    for (size_t i = 0; i < from.count; i++)
        if ((!labels->text && !labels->whole) || !encode(&from, i, &keys, &values, labels))
            return false;
    return true;
}

/* Resolves list[index], written as ArrayFeatureExtractor or Gather. */
static bool resolve_lookup(struct onnx_graph *graph, const struct onnx_node *node, int depth,
                           struct labels *labels)
{
    struct labels list = {0};
    if (node->inputs < 2 || !resolve(graph, node->input[1], depth + 1, labels) || labels->count ||
        labels->is_written || !labels_of_constant(graph, node->input[0], &list))
        return false;
    labels->count = list.count;
    labels->text = list.text;
    labels->whole = list.whole;
    return true;
}

/* Resolves a comparison such as score > bound; its result is the index 0 or 1. */
static bool resolve_comparison(struct onnx_graph *graph, const struct onnx_node *node,
                               struct labels *labels)
{
    static const char *const lows[] = {"Less", "LessOrEqual", NULL};
    struct labels bound = {0};
    if (node->inputs < 2 || !labels_of_constant(graph, node->input[1], &bound) || bound.count != 1)
        return false;
    labels->is_binary = true;
    labels->is_reversed = onnx_is_one_of(node, lows);
    labels->scores = node->input[0];
    if (!bound.text) {
        labels->bound = (float)bound.whole[0];
        return true;
    }
    size_t len = strlen(bound.text[0]);
    return len > 0 && relud_text_to_float(bound.text[0], len, &labels->bound) == len;
}

/* Resolves Where(comparison, one label, other label). */
static bool resolve_choice(struct onnx_graph *graph, const struct onnx_node *node, int depth,
                           struct labels *labels)
{
    struct labels yes = {0}, no = {0};
    if (node->inputs < 3 || !resolve(graph, node->input[0], depth + 1, labels) ||
        !labels->is_binary || labels->count || !labels_of_constant(graph, node->input[1], &yes) ||
        !labels_of_constant(graph, node->input[2], &no) || yes.count != 1 || no.count != 1 ||
        !yes.text != !no.text || !labels_of_places(graph, labels, 2))
        return false;
    if (yes.text) {
        labels->whole = NULL;
        labels->text = labels_take(graph, 2, sizeof *labels->text);
        if (!labels->text)
            return false;
        labels->text[0] = no.text[0];
        labels->text[1] = yes.text[0];
    } else {
        labels->whole[0] = no.whole[0];
        labels->whole[1] = yes.whole[0];
    }
    return true;
}

/* Follows an output of labels backwards to its list and its scores. False if it has no known
 * form. */
static bool resolve(struct onnx_graph *graph, struct onnx_text name, int depth,
                    struct labels *labels)
{
    static const char *const same[] = {"Identity",  "Cast",    "Reshape", "Squeeze",
                                       "Unsqueeze", "Flatten", NULL},
                             *const comparisons[] = {"Greater", "GreaterOrEqual", "Less",
                                                     "LessOrEqual", NULL},
                             *const lookups[] = {"ArrayFeatureExtractor", "Gather", NULL},
                             *const classifiers[] = {"LinearClassifier", NULL};
    const struct onnx_node *node = onnx_find(graph, name)->maker;
    if (!node || node->inputs == 0 || depth > LABELS_DEPTH_MAX)
        return false;
    if (onnx_is_one_of(node, same)) {
        long long to = 0;
        if (!resolve(graph, node->input[0], depth + 1, labels))
            return false;
        graph->node = node;
        labels->is_written |=
            onnx_text_is(node->op, "Cast") && onnx_whole(graph, "to", &to) && to == ONNX_STRING;
        return true;
    }
    if (onnx_text_is(node->op, "ArgMax")) {
        graph->node = node;
        labels->scores = node->input[0];
        labels->has_axis = true;
        return onnx_whole(graph, "axis", &labels->axis);
    }
    if (onnx_is_one_of(node, classifiers) && node->outputs > 1 &&
        onnx_text_same(node->output[0], name)) {
        labels->scores = node->output[1];
        return labels_of_attribute(graph, node, "classlabels_strings", "classlabels_ints", labels);
    }
    if (onnx_is_one_of(node, lookups))
        return resolve_lookup(graph, node, depth, labels);
    if (onnx_is_one_of(node, comparisons))
        return resolve_comparison(graph, node, labels);
    if (onnx_text_is(node->op, "LabelEncoder"))
        return resolve_encoder(graph, node, depth, labels);
    return onnx_text_is(node->op, "Where") && resolve_choice(graph, node, depth, labels);
}

/* ---- scores ---- */

static bool is_activation(const struct step *step, const char *const *names)
{
    for (size_t i = 0; step->kind == STEP_ACTIVATE && names[i]; i++)
        if (step->activation == relud_activation_find(names[i]))
            return true;
    return false;
}

static bool is_never_negative(const struct onnx_graph *graph, size_t value, int depth);

static bool are_never_negative(const struct onnx_graph *graph, const struct step *step,
                               size_t first, int depth)
{
    for (size_t i = first; i < step->operands; i++) {
        const struct operand *operand = &step->operand[i];
        for (size_t k = 0; operand->constant && k < operand->len; k++)
            if (operand->constant[k] < 0)
                return false;
        if (!operand->constant && !is_never_negative(graph, operand->value, depth))
            return false;
    }
    return true;
}

/* True if no number of the value is below 0, as far as the nearest steps show. */
static bool is_never_negative(const struct onnx_graph *graph, size_t value, int depth)
{
    static const char *const positive[] = {"sigmoid", "softmax", "softplus", "relu", NULL};
    if (value == STEP_INPUT || depth == 0)
        return false;
    const struct step *step = &graph->source->step[value - 1];
    bool is_size = step->kind == STEP_REDUCE
                       ? step->reduction >= REDUCE_SUM_SQUARE && step->reduction <= REDUCE_L2
                       : step->kind == STEP_ELEMENT &&
                             (step->element == ELEMENT_EXP || step->element == ELEMENT_ABS);
    if (is_size || is_activation(step, positive))
        return true;
    bool is_choice = step->kind == STEP_ELEMENT && step->element == ELEMENT_WHERE;
    bool is_alike = step->kind == STEP_GATHER || step->kind == STEP_REDUCE ||
                    (step->kind == STEP_ELEMENT &&
                     (step->element == ELEMENT_ADD || step->element == ELEMENT_MAX));
    return (is_choice || is_alike) && are_never_negative(graph, step, is_choice, depth - 1);
}

/* If this value's step keeps the order of the columns, returns the value it was made from; else
 * STEP_INPUT. */
static size_t ordered_from(const struct onnx_graph *graph, size_t value)
{
    static const char *const keeping[] = {"softmax", "log_softmax", "sigmoid", "logsigmoid", NULL};
    const struct step *step = &graph->source->step[value - 1];
    if (step->parts == 1 && is_activation(step, keeping))
        return step->operand[0].value;
    if (step->kind != STEP_ELEMENT)
        return STEP_INPUT;
    if (step->element == ELEMENT_EXP || step->element == ELEMENT_LOG)
        return step->operand[0].value;
    /* Subtracting one number from the whole row keeps the order. Dividing by one does so only if it
     * is not negative. */
    bool is_quotient = step->element == ELEMENT_DIV;
    if ((!is_quotient && step->element != ELEMENT_SUB) || step->operand[0].constant ||
        step->operand[1].constant)
        return STEP_INPUT;
    size_t by = step->operand[1].value;
    const struct step *spread = by != STEP_INPUT ? &graph->source->step[by - 1] : NULL;
    bool is_one = spread && spread->kind == STEP_GATHER && spread->gather_width == 1;
    return is_one && (!is_quotient || is_never_negative(graph, by, NEAR)) ? step->operand[0].value
                                                                          : STEP_INPUT;
}

/* True if both values come from the same value, or one from the other, by steps that keep the order
 * of the columns. */
static bool is_ordered_alike(const struct onnx_graph *graph, size_t a, size_t b)
{
    for (size_t left = a; left != STEP_INPUT; left = ordered_from(graph, left))
        for (size_t right = b; right != STEP_INPUT; right = ordered_from(graph, right))
            if (left == right)
                return true;
    return false;
}

/* If the results are the columns 0, 1, … of one value, one each, returns that value; else
 * STEP_INPUT. */
static size_t columns_of(const struct onnx_graph *graph)
{
    const struct model_source *source = graph->source;
    size_t whole = STEP_INPUT;
    for (size_t i = 0; i < source->info.results; i++) {
        size_t value = source->result[i].value;
        const struct step *step = value == STEP_INPUT ? NULL : &source->step[value - 1];
        if (!step || step->kind != STEP_GATHER || step->width != 1 || step->map[0] != i ||
            step->gather_width != source->info.results || (i && step->operand[0].value != whole))
            return STEP_INPUT;
        whole = step->operand[0].value;
    }
    return source->info.results > 1 ? whole : STEP_INPUT;
}

/* ---- the model's classes ---- */

static const char *text_of_whole(struct onnx_graph *graph, long long value, bool is_bool)
{
    char text[24];
    size_t len = sizeof text;
    unsigned long long rest = value < 0 ? 0 - (unsigned long long)value : (unsigned long long)value;
    if (is_bool)
        return arena_copy_text(graph->source->arena, value ? "true" : "false", value ? 4 : 5);
    do
        text[--len] = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        text[--len] = '-';
    return arena_copy_text(graph->source->arena, text + len, sizeof text - len);
}

/* The labels as texts for the model. NULL if there are not exactly `classes` of them. */
static const char **label_texts(struct onnx_graph *graph, struct labels *labels, size_t classes,
                                bool is_bool)
{
    if (labels->count == 0 && !labels_of_places(graph, labels, classes)) /* is_written */
        return NULL;
    if (labels->count != classes)
        return NULL;
    const char **text = labels_take(graph, classes, sizeof *text);
    for (size_t i = 0; text && i < classes; i++) {
        size_t from = labels->is_binary && labels->is_reversed ? classes - 1 - i : i;
        text[i] =
            labels->text ? labels->text[from] : text_of_whole(graph, labels->whole[from], is_bool);
        graph->is_short |= !text[i];
    }
    return graph->is_short ? NULL : text;
}

/* Reads a ZipMap: it names its columns, and they are probabilities. */
static bool read_zipmap(struct onnx_graph *graph, const struct onnx_port *wanted)
{
    struct relud_model_info *info = &graph->source->info;
    const struct onnx_node *node = onnx_find(graph, wanted->name)->maker;
    struct labels labels = {0};
    if (!node || !onnx_text_is(node->op, "ZipMap"))
        return false;
    size_t width = info->result[0].width, classes = width < 2 ? 2 : width;
    info->task = RELUD_TASK_CLASSIFICATION;
    info->classes = classes;
    graph->source->has_probabilities = true;
    if (labels_of_attribute(graph, node, "classlabels_strings", "classlabels_int64s", &labels))
        info->labels = label_texts(graph, &labels, classes, false);
    return true;
}

/* True if the file decides between two classes where relud does. relud decides at a probability of
 * 0.5: of the served value, if its step is a sigmoid (fill_head in core/net/model.c), or else of
 * its sigmoid. So the file must decide on the same logit, at 0, or on that logit's sigmoid, at 0.5.
 * Of equal probabilities relud takes the first class. A file may take the other one there, and so
 * may one that compares a logit so near 0 that its sigmoid is rounded to 0.5. Scores that are never
 * below 0 crowd there, so they are no logits. */
static bool decides_alike(const struct onnx_graph *graph, size_t first, const struct score *score,
                          float bound)
{
    static const char *const sigmoid[] = {"sigmoid", NULL};
    if (first == STEP_INPUT || score->is_bent)
        return false;
    const struct step *ours = &graph->source->step[first - 1],
                      *theirs = &graph->source->step[score->value - 1];
    bool is_built = !score->is_sigmoid && is_activation(theirs, sigmoid);
    size_t our_logit = is_activation(ours, sigmoid) ? ours->operand[0].value : first,
           their_logit = is_built ? theirs->operand[0].value : score->value;
    if (our_logit != their_logit)
        return false;
    if (score->is_sigmoid || is_built)
        return bound == 0.5f;
    return bound == 0 && !is_never_negative(graph, their_logit, NEAR);
}

/* True if the value is the second of two scores that are each other's opposite. Then there is one
 * score, and the class is the second where it is above 0. */
static bool is_opposite(const struct onnx_graph *graph, size_t value, size_t scores)
{
    const struct step *one = value == STEP_INPUT ? NULL : &graph->source->step[value - 1];
    const struct step *two = scores == STEP_INPUT ? NULL : &graph->source->step[scores - 1];
    if (!one || !two || one->kind != STEP_GATHER || one->width != 1 || one->map[0] != 1 ||
        one->operand[0].value != scores || two->kind != STEP_LINEAR || two->width != 2 ||
        two->weights.outputs != 2 || two->weights.scale)
        return false;
    const struct weights *w = &two->weights;
    for (size_t i = 0; i < w->inputs; i++) {
        float pair[2];
        for (size_t k = 0; k < 2; k++)
            memcpy(&pair[k],
                   (const char *)w->weight +
                       (w->is_in_out ? 2 * i + k : k * w->inputs + i) * sizeof(float),
                   sizeof(float));
        if (pair[0] != -pair[1])
            return false;
    }
    return !w->bias || w->bias[0] == -w->bias[1];
}

/* Uses an output of labels if its scores order the classes as the served output does. */
static bool read_label_output(struct onnx_graph *graph, const struct onnx_port *port)
{
    struct relud_model_info *info = &graph->source->info;
    struct labels labels = {.scores = {"", 0}};
    struct score score;
    size_t first = graph->source->result[0].value, width = info->result[0].width;
    if (!port->is_tensor || !resolve(graph, port->name, 0, &labels) || !labels.scores.len ||
        (labels.count == 0 && !labels.is_written) || !score_read(graph, labels.scores, &score) ||
        !score_is_of_classes(graph, &labels, &score))
        return false;
    bool is_columns = is_ordered_alike(graph, columns_of(graph), score.value);
    bool is_one = width == 1 && !is_columns && !labels.is_binary && !score.is_sigmoid &&
                  is_opposite(graph, first, score.value);
    if (is_one) {
        labels.is_binary = true;
        score.value = first;
    }
    if (labels.is_binary != (width == 1 && !is_columns))
        return false;
    if (labels.is_binary ? !decides_alike(graph, first, &score, labels.bound)
                         : !is_columns && !is_ordered_alike(graph, first, score.value))
        return false;
    size_t classes = is_columns ? info->results : width < 2 ? 2 : width;
    const char **texts = label_texts(graph, &labels, classes, port->type == ONNX_BOOL);
    if (!texts)
        return false;
    info->task = RELUD_TASK_CLASSIFICATION;
    info->classes = classes;
    info->scores = is_columns ? classes : 0;
    info->labels = texts;
    return true;
}

bool onnx_read_classes(struct onnx_graph *graph, const struct onnx_port *const *wanted)
{
    struct relud_error *error = graph->file.error, ignored = {0};
    struct model_source *source = graph->source;
    size_t value = source->result[0].value;
    const struct step *last = value == STEP_INPUT ? NULL : &source->step[value - 1];
    bool is_known = false;
    graph->file.error = &ignored; /* an unknown form is no error: the net has no classes */
    if (!read_zipmap(graph, wanted[0]))
        for (size_t i = 0; i < graph->file.outputs && !is_known; i++)
            is_known = read_label_output(graph, &graph->file.output[i]);
    graph->file.error = error;
    bool is_softmax = last && last->kind == STEP_ACTIVATE && last->parts == 1 &&
                      (last->activation == relud_activation_find("softmax") ||
                       last->activation == relud_activation_find("log_softmax"));
    if (source->info.task != RELUD_TASK_CLASSIFICATION && is_softmax) {
        size_t width = source->info.result[0].width;
        source->info.task = RELUD_TASK_CLASSIFICATION;
        source->info.classes = width < 2 ? 2 : width;
    }
    if (graph->is_short)
        return onnx_no_memory(graph);
    return true;
}
