/* Operations of the domain ai.onnx.ml that work row by row: scikit-learn's preprocessing and linear
 * models. If an operator's schema leaves something open, relud does what onnxruntime does. */
#include "core/onnx/labels.h"
#include "core/onnx/lookup.h"

#include <string.h>

/* (x - offset) · scale, by column. */
static bool read_scaler(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    const float *offset, *scale;
    size_t offsets, scales;
    if (!onnx_wanted(graph, 0, &x) || !onnx_numbers(graph, "offset", &offset, &offsets) ||
        !onnx_numbers(graph, "scale", &scale, &scales))
        return false;
    size_t columns = x->rank ? x->shape[x->rank - 1] : 1;
    if ((offsets > 1 && offsets != columns) || (scales > 1 && scales != columns))
        return onnx_fail(graph, "%zu offsets and %zu scales for %zu columns", offsets, scales,
                         columns);
    out = *x;
    for (size_t i = 0; i < 2; i++) {
        struct onnx_value by = onnx_scalar(i ? scale : offset);
        by.width = i ? scales : offsets;
        by.rank = by.width > 1;
        by.shape[0] = by.width;
        if (by.width && !onnx_element(graph, i ? ELEMENT_MUL : ELEMENT_SUB, &out, &by, NULL, &out))
            return false;
    }
    return onnx_answer(graph, true, &out);
}

/* x[index] for each row's indices, of a constant list x. onnxruntime gives the shape [1, all]. */
static bool look_up_each(struct onnx_graph *graph, const struct onnx_value *x,
                         const struct onnx_value *index, struct onnx_value *out)
{
    struct onnx_value table = *x, made;
    const size_t shape[2] = {1, index->width};
    bool has_batch = index->is_batched;
    if (has_batch && onnx_product(index, 0, index->batch_axis) != 1)
        return onnx_fail_mixing(graph, "it flattens");
    if (!onnx_shape(graph, &table, 1, &x->width) || !onnx_embed(graph, &table, index, &made) ||
        !onnx_shape(graph, &made, 2, shape))
        return false;
    made.batch_axis = 1;
    *out = made;
    return true;
}

/* x[…, index]. SelectKBest, PolynomialFeatures and others select columns this way. */
static bool read_array_feature_extractor(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *indices;
    struct onnx_value out;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &indices))
        return false;
    if (indices->kind == ONNX_ROWS && x->kind != ONNX_ROWS && x->width && x->rank < 3 &&
        x->width == (x->rank ? x->shape[x->rank - 1] : 1))
        return onnx_answer(graph, look_up_each(graph, x, indices, &out), &out);
    if (indices->kind != ONNX_WHOLES || indices->is_batch)
        return onnx_fail(graph, "its indices vary with the input");
    size_t rank = x->rank ? x->rank : 1, columns = x->rank ? x->shape[x->rank - 1] : 1;
    size_t shape[ONNX_RANK_MAX] = {1}, rows = x->width / columns;
    if (onnx_is_batch(x, rank - 1))
        return onnx_fail_mixing(graph, "it takes parts");
    memcpy(shape, x->shape, x->rank * sizeof *shape);
    shape[rank - 1] = indices->width;
    uint32_t *map = onnx_new_map(graph, rows * indices->width);
    if (!map)
        return false;
    for (size_t r = 0, at = 0; r < rows; r++)
        for (size_t i = 0; i < indices->width; i++) {
            long long index = indices->wholes[i];
            if (index < 0 || index >= (long long)columns)
                return onnx_fail(graph, "column %lld of %zu", index, columns);
            map[at++] = (uint32_t)(r * columns + (size_t)index);
        }
    return onnx_answer(graph, onnx_gather(graph, x, map, rank, shape, &out), &out);
}

/* 1 above the threshold, 0 otherwise. */
static bool read_binarizer(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    float threshold = 0;
    struct onnx_value by = onnx_scalar(&threshold);
    return onnx_answer(graph,
                       onnx_wanted(graph, 0, &x) && onnx_number(graph, "threshold", &threshold) &&
                           onnx_element(graph, ELEMENT_GREATER, x, &by, NULL, &out),
                       &out);
}

/* Puts the inputs' columns side by side. */
static bool read_feature_vectorizer(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *input;
    long long wanted[ONNX_LIST_MAX];
    size_t count = node->inputs, dimensions;
    struct onnx_value *x = arena_take_array(&graph->source->temporary, count + 1, sizeof *x);
    size_t *piece = arena_take_array(graph->source->arena, count + 1, sizeof *piece);
    struct onnx_value out = {.rank = 2, .shape = {1}};
    if (!x || !piece)
        return onnx_no_memory(graph);
    if (!onnx_wholes(graph, "inputdimensions", wanted, &dimensions))
        return false;
    if (count == 0 || (dimensions && dimensions != count))
        return onnx_fail(graph, "%zu inputdimensions for %zu inputs", dimensions, count);
    for (size_t i = 0; i < count; i++) {
        if (!onnx_wanted(graph, i, &input))
            return false;
        x[i] = *input;
        piece[i] = x[i].width;
        out.width = out.shape[1] += x[i].width;
        if (dimensions && wanted[i] != (long long)x[i].width)
            return onnx_fail(graph, "input %zu has %zu numbers a row instead of %lld", i,
                             x[i].width, wanted[i]);
        if (!onnx_is_batch(&x[i], 0) || x[i].shape[0] != 1)
            return onnx_fail_mixing(graph, "it puts tensors together");
    }
    struct step step = {.kind = STEP_JOIN, .piece = piece};
    return onnx_answer(graph, onnx_emit(graph, &step, x, count, &out), &out);
}

/* Replaces one value, usually NaN, by a number for each column. */
static bool read_imputer(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value is, out;
    const float *imputed;
    size_t count;
    float replaced = 0;
    if (!onnx_wanted(graph, 0, &x) ||
        !onnx_numbers(graph, "imputed_value_floats", &imputed, &count) ||
        !onnx_any_number(graph, "replaced_value_float", &replaced))
        return false;
    size_t columns = x->rank ? x->shape[x->rank - 1] : 1;
    if (count == 0)
        return onnx_fail(graph, "attribute 'imputed_value_floats' is missing");
    if (count != 1 && count != columns)
        return onnx_fail(graph, "%zu imputed values for %zu columns", count, columns);
    struct onnx_value by = onnx_scalar(imputed), from = onnx_scalar(&replaced);
    by.width = count;
    by.rank = count > 1;
    by.shape[0] = count;
    bool is_nan = replaced != replaced;
    bool is_made = is_nan ? onnx_element(graph, ELEMENT_EQUAL, x, x, NULL, &is) &&
                                onnx_element(graph, ELEMENT_WHERE, &is, x, &by, &out)
                          : onnx_element(graph, ELEMENT_EQUAL, x, &from, NULL, &is) &&
                                onnx_element(graph, ELEMENT_WHERE, &is, &by, x, &out);
    return onnx_answer(graph, is_made, &out);
}

/* Divides each row by its norm. A row whose norm is 0 stays as it is. */
static bool read_normalizer(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const struct {
        const char *name;
        enum reduction reduction;
    } norms[] = {{"MAX", REDUCE_MAX}, {"L1", REDUCE_L1}, {"L2", REDUCE_L2}};
    const struct onnx_value *x;
    struct onnx_value out;
    struct onnx_text word = {"MAX", 3};
    size_t row = 0, rows = sizeof norms / sizeof *norms;
    if (!onnx_wanted(graph, 0, &x) || !onnx_word(graph, "norm", &word))
        return false;
    while (row < rows && !onnx_text_is(word, norms[row].name))
        row++;
    if (row == rows)
        return onnx_fail(graph, "norm is none of MAX, L1, L2");
    if (x->rank == 0)
        return onnx_fail(graph, "a single number has no row");
    return onnx_answer(
        graph, onnx_divide_by_norm(graph, x, x->rank - 1, norms[row].reduction, &out), &out);
}

/* ---- linear models ---- */

/* x · coefficientsᵀ + intercepts, for `rows` outputs. */
static bool combine(struct onnx_graph *graph, size_t rows, struct onnx_value *out)
{
    const struct onnx_value *x;
    const float *coefficients, *intercepts;
    size_t count, shifts;
    if (!onnx_wanted(graph, 0, &x) || !onnx_numbers(graph, "coefficients", &coefficients, &count) ||
        !onnx_numbers(graph, "intercepts", &intercepts, &shifts))
        return false;
    if (x->rank > 2)
        return onnx_fail(graph, "a tensor of %zu dimensions; rows are wanted", x->rank);
    if (rows == 0 || count == 0 || count % rows || (shifts && shifts != rows))
        return onnx_fail(graph, "%zu coefficients and %zu intercepts for %zu outputs", count,
                         shifts, rows);
    struct onnx_value w = {.kind = ONNX_FLOATS, .rank = 2, .width = count, .floats = coefficients};
    struct onnx_value bias = {
        .kind = ONNX_FLOATS, .rank = 1, .width = shifts, .floats = intercepts};
    w.shape[0] = rows;
    w.shape[1] = count / rows;
    bias.shape[0] = shifts;
    return onnx_multiply(graph, x, &w, true, 1, shifts ? &bias : NULL, out);
}

static bool read_linear_regressor(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    struct onnx_value out;
    struct onnx_text post = {"NONE", 4};
    long long targets = 1;
    if (!onnx_whole(graph, "targets", &targets) || !onnx_word(graph, "post_transform", &post))
        return false;
    if (!onnx_text_is(post, "NONE"))
        return onnx_fail(graph, "post_transform is '%.*s'; NONE is read", ONNX_NAME(post));
    return onnx_answer(graph, combine(graph, targets > 0 ? (size_t)targets : 0, &out), &out);
}

/* Makes two columns from the probability p: 1 - p and p. */
static bool pair(struct onnx_graph *graph, const struct onnx_value *p, struct onnx_value *out)
{
    static const float one = 1;
    struct onnx_value parts[2], unit = onnx_scalar(&one);
    parts[1] = *p;
    size_t *piece = arena_take_array(graph->source->arena, 2, sizeof *piece);
    if (!piece)
        return onnx_no_memory(graph);
    piece[0] = piece[1] = 1;
    struct step step = {.kind = STEP_JOIN, .piece = piece, .parts = p->width};
    struct onnx_value made = {.rank = p->rank, .width = 2 * p->width};
    memcpy(made.shape, p->shape, sizeof made.shape);
    made.shape[p->rank - 1] = 2;
    if (!onnx_element(graph, ELEMENT_SUB, &unit, p, NULL, &parts[0]) ||
        !onnx_emit(graph, &step, parts, 2, &made))
        return false;
    *out = made;
    return true;
}

/* Makes the label of each row from the scores: the class of the greatest, or, of one score, the
 * second class above 0. Only labels that are whole numbers are computed. */
static bool label_rows(struct onnx_graph *graph, const struct onnx_node *node,
                       const struct onnx_value *scores, struct onnx_value *out)
{
    static const float zero = 0;
    struct labels labels = {0};
    struct onnx_value none = onnx_scalar(&zero), index, table = {.kind = ONNX_WHOLES};
    bool is_axis[ONNX_RANK_MAX] = {false};
    if (!labels_of_attribute(graph, node, "classlabels_strings", "classlabels_ints", &labels))
        return graph->is_short ? onnx_no_memory(graph) : onnx_fail(graph, "it has no labels");
    if (!labels.whole)
        return onnx_fail(graph, "its labels are words, and the net computes with them");
    is_axis[scores->rank - 1] = true;
    table.wholes = labels.whole;
    if (scores->shape[scores->rank - 1] == 1) {
        if (!onnx_element(graph, ELEMENT_GREATER, scores, &none, NULL, &index))
            return false;
        index.rank--;
    } else if (!onnx_reduce(graph, scores, is_axis, REDUCE_ARGMAX, false, &index)) {
        return false;
    }
    return onnx_shape(graph, &table, 1, &labels.count) && onnx_embed(graph, &table, &index, out);
}

/* Computes the second output: scores or probabilities; the first output, the label, only if the net
 * computes with it. core/onnx/classes.c finds the classes. */
static bool read_linear_classifier(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const float *intercepts;
    struct onnx_value out = {0}, label;
    struct onnx_text post = {"NONE", 4};
    size_t rows, classes = onnx_classlabels(graph, node);
    if (graph->is_short)
        return onnx_no_memory(graph);
    if (!onnx_numbers(graph, "intercepts", &intercepts, &rows) ||
        !onnx_word(graph, "post_transform", &post))
        return false;
    bool is_logistic = onnx_text_is(post, "LOGISTIC"), is_softmax = onnx_text_is(post, "SOFTMAX");
    bool is_pair = rows == 1 && classes == 2;
    if (!is_logistic && ((!is_softmax && !onnx_text_is(post, "NONE")) || is_pair))
        return onnx_fail(graph, "post_transform is '%.*s'; %s read", ONNX_NAME(post),
                         is_pair ? "for one row of coefficients LOGISTIC is"
                                 : "NONE, LOGISTIC and SOFTMAX are");
    if (!is_pair && rows != classes)
        return onnx_fail(graph, "%zu intercepts for %zu classes", rows, classes);
    if (!combine(graph, rows, &out))
        return false;
    if (onnx_has_output(graph, 0) && onnx_find(graph, node->output[0])->is_needed) {
        if (!label_rows(graph, node, &out, &label))
            return false;
        onnx_give(graph, 0, &label);
    }
    if ((is_logistic && !onnx_activate(graph, "sigmoid", NULL, &out, &out)) ||
        (is_softmax && !onnx_activate(graph, "softmax", NULL, &out, &out)) ||
        (is_pair && !pair(graph, &out, &out)))
        return false;
    onnx_give(graph, 1, &out);
    return true;
}

const struct onnx_op onnx_ml_ops[] = {
    {"ArrayFeatureExtractor", "ai.onnx.ml", .read = read_array_feature_extractor},
    {"Binarizer", "ai.onnx.ml", .read = read_binarizer},
    {"FeatureVectorizer", "ai.onnx.ml", .read = read_feature_vectorizer},
    {"Imputer", "ai.onnx.ml", .read = read_imputer},
    {"LinearClassifier", "ai.onnx.ml", .read = read_linear_classifier},
    {"LinearRegressor", "ai.onnx.ml", .read = read_linear_regressor},
    {"Normalizer", "ai.onnx.ml", .read = read_normalizer},
    {"Scaler", "ai.onnx.ml", .read = read_scaler},
    {0},
};
