/* ONNX operations on single numbers: arithmetic and activations. Names, attributes and defaults are
 * those of the operator schemas (onnx.ai/onnx/operators). */
#include "core/kernels/activation.h"
#include "core/onnx/vocabulary.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- arithmetic ---- */

static bool read_unary(struct onnx_graph *graph, enum element element)
{
    const struct onnx_value *x;
    struct onnx_value out;
    return onnx_answer(
        graph, onnx_wanted(graph, 0, &x) && onnx_element(graph, element, x, NULL, NULL, &out),
        &out);
}

/* Arithmetic of constant whole numbers, from which graphs compute shapes: sums, differences,
 * products, quotients, and comparisons. It keeps track of which results are multiples of the batch
 * size, which is equal to no number below 1. */
static bool whole_pair(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                       const struct onnx_value *b, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    const struct onnx_value *longer = a->width >= b->width ? a : b;
    if ((a->width != b->width && a->width != 1 && b->width != 1) || !a->width || !b->width)
        return onnx_fail(graph, "lists of %zu and %zu whole numbers", a->width, b->width);
    long long *wholes = arena_take_array(arena, longer->width, sizeof *wholes);
    bool *is_batch = arena_take_array(arena, longer->width, sizeof *is_batch), any = false;
    if (!wholes || !is_batch)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < longer->width; i++) {
        size_t left = a->width == 1 ? 0 : i, right = b->width == 1 ? 0 : i;
        long long p = a->wholes[left], q = b->wholes[right];
        bool is_left = a->is_batch && a->is_batch[left],
             is_right = b->is_batch && b->is_batch[right];
        bool is_linear = element == ELEMENT_MUL     ? !(is_left && is_right)
                         : element == ELEMENT_DIV   ? !is_right && (!is_left || (q && p % q == 0))
                         : element == ELEMENT_EQUAL ? is_left == is_right || (is_left ? q : p) < 1
                                                    : is_left == is_right;
        if (!is_linear || (element == ELEMENT_DIV && (q == 0 || q == -1)) || llabs(p) > 1 << 30 ||
            llabs(q) > 1 << 30)
            return onnx_fail(graph, element == ELEMENT_EQUAL
                                        ? "it depends on the number of rows"
                                        : "it makes a shape in a way that is not known");
        wholes[i] = element == ELEMENT_ADD   ? p + q
                    : element == ELEMENT_SUB ? p - q
                    : element == ELEMENT_MUL ? p * q
                    : element == ELEMENT_DIV ? p / q
                                             : is_left == is_right && p == q;
        any |= is_batch[i] = element != ELEMENT_EQUAL && (is_left || is_right);
    }
    *out = *longer;
    out->wholes = wholes;
    out->is_batch = any ? is_batch : NULL;
    return true;
}

static bool read_binary(struct onnx_graph *graph, enum element element)
{
    const struct onnx_value *a, *b;
    struct onnx_value out;
    if (!onnx_wanted(graph, 0, &a) || !onnx_wanted(graph, 1, &b))
        return false;
    if (a->is_text || b->is_text)
        return onnx_answer(graph, onnx_compare_words(graph, element, a, b, &out), &out);
    bool is_list = a->width == b->width || a->width == 1 || b->width == 1;
    bool is_shape =
        a->kind == ONNX_WHOLES && b->kind == ONNX_WHOLES && is_list &&
        (element == ELEMENT_ADD || element == ELEMENT_SUB || element == ELEMENT_MUL ||
         element == ELEMENT_DIV || (element == ELEMENT_EQUAL && (a->is_batch || b->is_batch)));
    return onnx_answer(graph,
                       (is_shape ? whole_pair(graph, element, a, b, &out)
                                 : onnx_element(graph, element, a, b, NULL, &out)),
                       &out);
}

/* Combines all inputs with the element, from the first to the last. */
static bool combine_inputs(struct onnx_graph *graph, enum element element, struct onnx_value *out)
{
    const struct onnx_value *x;
    if (!onnx_wanted(graph, 0, &x))
        return false;
    *out = *x;
    for (size_t i = 1; i < graph->node->inputs; i++)
        if (!onnx_wanted(graph, i, &x) || !onnx_element(graph, element, out, x, NULL, out))
            return false;
    return true;
}

static bool read_variadic(struct onnx_graph *graph, enum element element)
{
    struct onnx_value out;
    return onnx_answer(graph, combine_inputs(graph, element, &out), &out);
}

static bool read_mean(struct onnx_graph *graph, const struct onnx_node *node)
{
    struct onnx_value out;
    float count = (float)node->inputs;
    struct onnx_value divisor = onnx_scalar(&count);
    return onnx_answer(graph,
                       combine_inputs(graph, ELEMENT_ADD, &out) &&
                           onnx_element(graph, ELEMENT_DIV, &out, &divisor, NULL, &out),
                       &out);
}

/* 1 - erf(x). ONNX has no such operation, but tf2onnx writes it for Keras's gelu. */
static bool read_erfc(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    static const float one = 1;
    const struct onnx_value *x;
    struct onnx_value out, from = onnx_scalar(&one);
    return onnx_answer(graph,
                       onnx_wanted(graph, 0, &x) &&
                           onnx_element(graph, ELEMENT_ERF, x, NULL, NULL, &out) &&
                           onnx_element(graph, ELEMENT_SUB, &from, &out, NULL, &out),
                       &out);
}

/* The remainder of a division. With fmod it has the dividend's sign, otherwise the divisor's, which
 * ONNX defines for whole numbers only. */
static bool read_mod(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x[2];
    struct onnx_value out;
    long long is_fmod = 0;
    bool is_whole = true;
    if (!onnx_whole(graph, "fmod", &is_fmod))
        return false;
    for (size_t i = 0; i < 2; i++) {
        if (!onnx_wanted(graph, i, &x[i]))
            return false;
        is_whole &= x[i]->kind == ONNX_WHOLES || (x[i]->kind == ONNX_ROWS && x[i]->is_whole);
    }
    if (!is_fmod && !is_whole)
        return onnx_fail(graph, "fmod is 0, which ONNX allows for whole numbers only");
    enum element element = is_fmod ? ELEMENT_FMOD : ELEMENT_MOD;
    return onnx_answer(graph, onnx_element(graph, element, x[0], x[1], NULL, &out), &out);
}

/* 1 for an infinity of a sign that is detected, else 0. With neither sign it is x > inf, which is
 * never so. */
static bool read_isinf(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    long long finds_negative = 1, finds_positive = 1;
    if (!onnx_wanted(graph, 0, &x) || !onnx_whole(graph, "detect_negative", &finds_negative) ||
        !onnx_whole(graph, "detect_positive", &finds_positive))
        return false;
    float bound = finds_positive || !finds_negative ? INFINITY : -INFINITY;
    struct onnx_value at = onnx_scalar(&bound);
    out = *x;
    if (finds_negative && finds_positive && !onnx_element(graph, ELEMENT_ABS, x, NULL, NULL, &out))
        return false;
    enum element element = finds_negative || finds_positive ? ELEMENT_EQUAL : ELEMENT_GREATER;
    return onnx_answer(graph, onnx_element(graph, element, &out, &at, NULL, &out), &out);
}

/* True if all elements of a constant condition are the same; *is_true gets which. */
static bool is_decided(struct onnx_graph *graph, const struct onnx_value *condition, bool *is_true)
{
    if (condition->kind == ONNX_ROWS || condition->is_batch)
        return false;
    const float *at = onnx_passing_constant(graph, condition, "the condition");
    for (size_t i = 0; at && i < condition->width; i++)
        if ((at[i] != 0) != (at[0] != 0))
            return false;
    *is_true = at && at[0] != 0;
    return at != NULL;
}

/* Chooses between lists of dimensions, of which some are multiples of the batch size. */
static bool choose_wholes(struct onnx_graph *graph, const struct onnx_value *condition,
                          const struct onnx_value *const *x, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    const struct onnx_value *longest = x[0]->width >= x[1]->width ? x[0] : x[1];
    longest = condition->width > longest->width ? condition : longest;
    size_t width = longest->width;
    long long *wholes = arena_take_array(arena, width, sizeof *wholes);
    bool *is_batch = arena_take_array(arena, width, sizeof *is_batch), any = false;
    const float *test = onnx_passing_constant(graph, condition, "the condition");
    if (!wholes || !is_batch || !test)
        return test ? onnx_no_memory(graph) : false;
    for (size_t i = 0; i < 2; i++)
        if (x[i]->width != width && x[i]->width != 1)
            return onnx_fail(graph, "lists of %zu and %zu whole numbers", x[i]->width, width);
    if (condition->width != width && condition->width != 1)
        return onnx_fail(graph, "%zu conditions for %zu numbers", condition->width, width);
    for (size_t i = 0; i < width; i++) {
        const struct onnx_value *from = x[test[condition->width == 1 ? 0 : i] == 0];
        size_t at = from->width == 1 ? 0 : i;
        wholes[i] = from->wholes[at];
        any |= is_batch[i] = from->is_batch && from->is_batch[at];
    }
    *out = (struct onnx_value){.kind = ONNX_WHOLES, .wholes = wholes};
    out->is_batch = any ? is_batch : NULL;
    return onnx_shape(graph, out, longest->rank, longest->shape);
}

/* A constant condition decides at once, if the other tensor and the condition do not change the
 * shape: then the other one need not be finite. */
static bool read_where(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *condition, *x[2];
    struct onnx_value out;
    bool is_true = false;
    if (!onnx_wanted(graph, 0, &condition) || !onnx_wanted(graph, 1, &x[0]) ||
        !onnx_wanted(graph, 2, &x[1]))
        return false;
    if (is_decided(graph, condition, &is_true)) {
        const struct onnx_value *taken = x[!is_true], *other = x[is_true];
        if (condition->width == 1 && condition->rank <= taken->rank && other->width == 1 &&
            other->rank <= taken->rank)
            return onnx_answer(graph, true, taken);
    }
    if (condition->kind != ONNX_ROWS && x[0]->kind == ONNX_WHOLES && x[1]->kind == ONNX_WHOLES &&
        (x[0]->is_batch || x[1]->is_batch))
        return onnx_answer(graph, choose_wholes(graph, condition, x, &out), &out);
    return onnx_answer(graph,
                       x[1]->is_text
                           ? onnx_replace_words(graph, condition, x[0], x[1], &out)
                           : onnx_element(graph, ELEMENT_WHERE, condition, x[0], x[1], &out),
                       &out);
}

/* ---- activations ---- */

const struct relud_activation *onnx_activation_of(struct onnx_text op)
{
    const struct relud_activation *activation;
    for (size_t i = 0; op.len && (activation = relud_activation_at(i)); i++)
        if (onnx_text_is(op, activation_onnx(activation)->op))
            return activation;
    return NULL;
}

bool onnx_read_activation(struct onnx_graph *graph, const struct relud_activation *activation)
{
    const struct activation_onnx *onnx = activation_onnx(activation);
    struct relud_activation_params params = relud_activation_defaults(activation);
    const struct onnx_value *x;
    struct onnx_value out;
    for (size_t i = 0; i < RELUD_PARAMETERS_MAX && onnx->parameter[i].attribute; i++) {
        params.values[i] = onnx->parameter[i].value;
        if (!onnx_number(graph, onnx->parameter[i].attribute, &params.values[i]))
            return false;
    }
    return onnx_answer(
        graph, onnx_wanted(graph, 0, &x) && onnx_apply(graph, activation, &params, x, &out), &out);
}

#define SELU_ALPHA 1.67326319217681884765625f
#define SELU_GAMMA 1.05070102214813232421875f

/* gamma * elu(x, alpha); the activation selu if both have their default values. */
static bool read_selu(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    float alpha = SELU_ALPHA, gamma = SELU_GAMMA;
    if (!onnx_wanted(graph, 0, &x) || !onnx_number(graph, "alpha", &alpha) ||
        !onnx_number(graph, "gamma", &gamma))
        return false;
    if (fabsf(alpha - SELU_ALPHA) < 1e-6f && fabsf(gamma - SELU_GAMMA) < 1e-6f)
        return onnx_answer(graph, onnx_activate(graph, "selu", NULL, x, &out), &out);
    struct relud_activation_params params = {.values = {alpha}};
    struct onnx_value scale = onnx_scalar(&gamma);
    return onnx_answer(graph,
                       onnx_activate(graph, "elu", &params, x, &out) &&
                           onnx_element(graph, ELEMENT_MUL, &out, &scale, NULL, &out),
                       &out);
}

/* max(0, min(1, alpha x + beta)). With 1/6 and 1/2 it is PyTorch's hardsigmoid. */
static bool read_hardsigmoid(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    float alpha = 0.2f, beta = 0.5f;
    struct relud_activation_params unit = {.values = {0, 1}};
    if (!onnx_wanted(graph, 0, &x) || !onnx_number(graph, "alpha", &alpha) ||
        !onnx_number(graph, "beta", &beta))
        return false;
    struct onnx_value slope = onnx_scalar(&alpha), shift = onnx_scalar(&beta);
    if (fabsf(alpha - 1.0f / 6) < 1e-6f && beta == 0.5f)
        return onnx_answer(graph, onnx_activate(graph, "hardsigmoid", NULL, x, &out), &out);
    return onnx_answer(graph,
                       onnx_element(graph, ELEMENT_MUL, x, &slope, NULL, &out) &&
                           onnx_element(graph, ELEMENT_ADD, &out, &shift, NULL, &out) &&
                           onnx_activate(graph, "hardtanh", &unit, &out, &out),
                       &out);
}

static bool read_gelu(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    struct onnx_text word = {"none", 4};
    if (!onnx_wanted(graph, 0, &x) || !onnx_word(graph, "approximate", &word))
        return false;
    bool is_tanh = onnx_text_is(word, "tanh");
    if (!is_tanh && !onnx_text_is(word, "none"))
        return onnx_fail(graph, "approximate is neither none nor tanh");
    struct relud_activation_params params = {.values = {is_tanh ? 1 : 0}};
    return onnx_answer(graph, onnx_activate(graph, "gelu", &params, x, &out), &out);
}

/* The slope is broadcast to x. A constant with one slope, or one for each unit, becomes the
 * activation prelu; any other slope becomes element-wise steps. */
static bool read_prelu(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *slope;
    struct onnx_value out, low;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &slope))
        return false;
    bool is_by_unit = x->rank > 0 && slope->rank > 0 && slope->width == x->shape[x->rank - 1] &&
                      slope->shape[slope->rank - 1] == slope->width && x->width == slope->width;
    if (slope->kind != ONNX_ROWS && slope->rank <= x->rank && (slope->width == 1 || is_by_unit)) {
        struct relud_activation_params params = {.weight = onnx_constant(graph, slope, "the slope"),
                                                 .weight_len = slope->width};
        return onnx_answer(graph, params.weight && onnx_activate(graph, "prelu", &params, x, &out),
                           &out);
    }
    float zero = 0;
    struct onnx_value none = onnx_scalar(&zero);
    return onnx_answer(graph,
                       onnx_element(graph, ELEMENT_MUL, x, slope, NULL, &low) &&
                           onnx_element(graph, ELEMENT_GREATER, x, &none, NULL, &out) &&
                           onnx_element(graph, ELEMENT_WHERE, &out, x, &low, &out),
                       &out);
}

/* Reads a bound: an attribute before opset 11, an input since then. There is no bound if it is
 * missing or infinite on its own side. */
static bool clip_bound(struct onnx_graph *graph, size_t index, const char *name, float *bound,
                       bool *is_there)
{
    const struct onnx_value *value;
    float none = *bound;
    if (graph->file.opset < 11) {
        if (!onnx_bound(graph, name, bound))
            return false;
        *is_there = onnx_attribute(graph, name) && *bound != none;
    } else {
        if (!onnx_input(graph, index, &value))
            return false;
        const float *at = value ? onnx_bounding_constant(graph, value, name) : bound;
        if (!at)
            return false;
        if (value && value->width != 1)
            return onnx_fail(graph, "%s is not a single number", name);
        *bound = *at;
        *is_there = value && *bound != none;
    }
    if (isinf(*bound) && *bound != none)
        return onnx_fail(graph, "%s is %g", name, (double)*bound);
    return true;
}

/* min(max(x, low), high), in NumPy's order: if the bounds cross, high wins. */
static bool read_clip(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    float low = -INFINITY, high = INFINITY;
    bool has_low = false, has_high = false;
    if (!onnx_wanted(graph, 0, &x) || !clip_bound(graph, 1, "min", &low, &has_low) ||
        !clip_bound(graph, 2, "max", &high, &has_high))
        return false;
    struct onnx_value out = *x, bound;
    struct relud_activation_params params = {.values = {low, high}};
    if (low == 0 && !(high < 3e38f))
        return onnx_answer(graph, onnx_activate(graph, "relu", NULL, x, &out), &out);
    if (low == 0 && high == 6)
        return onnx_answer(graph, onnx_activate(graph, "relu6", NULL, x, &out), &out);
    if (has_low && has_high && low <= high && isfinite(low) && isfinite(high))
        return onnx_answer(graph, onnx_activate(graph, "hardtanh", &params, x, &out), &out);
    if (has_low) {
        bound = onnx_scalar(&low);
        if (!onnx_element(graph, ELEMENT_MAX, &out, &bound, NULL, &out))
            return false;
    }
    if (has_high) {
        bound = onnx_scalar(&high);
        if (!onnx_element(graph, ELEMENT_MIN, &out, &bound, NULL, &out))
            return false;
    }
    return onnx_answer(graph, true, &out);
}

/* Shrink: x + bias below -lambd, x - bias above lambd, 0 between. */
static bool read_shrink(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    struct onnx_value out;
    float lambda = 0.5f, bias = 0;
    if (!onnx_wanted(graph, 0, &x) || !onnx_number(graph, "lambd", &lambda) ||
        !onnx_number(graph, "bias", &bias))
        return false;
    struct relud_activation_params params = {.values = {lambda}};
    if (bias == 0 || bias == lambda)
        return onnx_answer(
            graph, onnx_activate(graph, bias == 0 ? "hardshrink" : "softshrink", &params, x, &out),
            &out);
    return onnx_fail(graph, "bias %g is neither 0 nor lambd", (double)bias);
}

const struct onnx_op onnx_element_ops[] = {
    {"Abs", "", .read_element = read_unary, .element = ELEMENT_ABS},
    {"Acos", "", .read_element = read_unary, .element = ELEMENT_ACOS},
    {"Acosh", "", .read_element = read_unary, .element = ELEMENT_ACOSH},
    {"Add", "", .read_element = read_binary, .element = ELEMENT_ADD},
    {"And", "", .read_element = read_binary, .element = ELEMENT_AND},
    {"Asin", "", .read_element = read_unary, .element = ELEMENT_ASIN},
    {"Asinh", "", .read_element = read_unary, .element = ELEMENT_ASINH},
    {"Atan", "", .read_element = read_unary, .element = ELEMENT_ATAN},
    {"Atanh", "", .read_element = read_unary, .element = ELEMENT_ATANH},
    {"Ceil", "", .read_element = read_unary, .element = ELEMENT_CEIL},
    {"Clip", "", .read = read_clip},
    {"Cos", "", .read_element = read_unary, .element = ELEMENT_COS},
    {"Cosh", "", .read_element = read_unary, .element = ELEMENT_COSH},
    {"Div", "", .read_element = read_binary, .element = ELEMENT_DIV},
    {"Equal", "", .read_element = read_binary, .element = ELEMENT_EQUAL},
    {"Erf", "", .read_element = read_unary, .element = ELEMENT_ERF},
    {"Erfc", "", .read = read_erfc},
    {"Exp", "", .read_element = read_unary, .element = ELEMENT_EXP},
    {"Floor", "", .read_element = read_unary, .element = ELEMENT_FLOOR},
    {"Gelu", "", .read = read_gelu},
    {"Greater", "", .read_element = read_binary, .element = ELEMENT_GREATER},
    {"GreaterOrEqual", "", .read_element = read_binary, .element = ELEMENT_GREATER_EQUAL},
    {"HardSigmoid", "", .read = read_hardsigmoid},
    {"IsInf", "", .read = read_isinf},
    {"IsNaN", "", .read_element = read_unary, .element = ELEMENT_IS_NAN},
    {"Less", "", .read_element = read_binary, .element = ELEMENT_LESS},
    {"LessOrEqual", "", .read_element = read_binary, .element = ELEMENT_LESS_EQUAL},
    {"Log", "", .read_element = read_unary, .element = ELEMENT_LOG},
    {"Max", "", .read_element = read_variadic, .element = ELEMENT_MAX},
    {"Mean", "", .read = read_mean},
    {"Min", "", .read_element = read_variadic, .element = ELEMENT_MIN},
    {"Mod", "", .read = read_mod},
    {"Mul", "", .read_element = read_binary, .element = ELEMENT_MUL},
    {"Neg", "", .read_element = read_unary, .element = ELEMENT_NEG},
    {"Not", "", .read_element = read_unary, .element = ELEMENT_NOT},
    {"Or", "", .read_element = read_binary, .element = ELEMENT_OR},
    {"PRelu", "", .read = read_prelu},
    {"Pow", "", .read_element = read_binary, .element = ELEMENT_POW},
    {"Reciprocal", "", .read_element = read_unary, .element = ELEMENT_RECIPROCAL},
    {"Round", "", .read_element = read_unary, .element = ELEMENT_ROUND},
    {"Selu", "", .read = read_selu},
    {"Shrink", "", .read = read_shrink},
    {"Sign", "", .read_element = read_unary, .element = ELEMENT_SIGN},
    {"Sin", "", .read_element = read_unary, .element = ELEMENT_SIN},
    {"Sinh", "", .read_element = read_unary, .element = ELEMENT_SINH},
    {"Sqrt", "", .read_element = read_unary, .element = ELEMENT_SQRT},
    {"Sub", "", .read_element = read_binary, .element = ELEMENT_SUB},
    {"Sum", "", .read_element = read_variadic, .element = ELEMENT_ADD},
    {"Tan", "", .read_element = read_unary, .element = ELEMENT_TAN},
    {"Where", "", .read = read_where},
    {"Xor", "", .read_element = read_binary, .element = ELEMENT_XOR},
    {0},
};
