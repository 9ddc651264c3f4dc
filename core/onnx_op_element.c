/* ONNX operations that work number by number: arithmetic and activations. Names, attributes and defaults are those of the
 * operator schemas (onnx.ai/onnx/operators). */
#include "core/onnx_graph.h"

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

/* Whole numbers among themselves are shapes in the making: sums, differences, products, quotients. */
static bool whole_pair(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                       const struct onnx_value *b, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    const struct onnx_value *longer = a->width >= b->width ? a : b;
    if (a->width != b->width && a->width != 1 && b->width != 1)
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
        bool is_linear = element == ELEMENT_MUL   ? !(is_left && is_right)
                         : element == ELEMENT_DIV ? !is_right && (!is_left || (q && p % q == 0))
                                                  : is_left == is_right;
        if (!is_linear || (element == ELEMENT_DIV && (q == 0 || q == -1)) || llabs(p) > 1 << 30 ||
            llabs(q) > 1 << 30)
            return onnx_fail(graph, "it makes a shape in a way that is not known");
        wholes[i] = element == ELEMENT_ADD   ? p + q
                    : element == ELEMENT_SUB ? p - q
                    : element == ELEMENT_MUL ? p * q
                                             : p / q;
        any |= is_batch[i] = is_left || is_right;
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
    bool is_shape = a->kind == ONNX_WHOLES && b->kind == ONNX_WHOLES &&
                    (element == ELEMENT_ADD || element == ELEMENT_SUB || element == ELEMENT_MUL ||
                     element == ELEMENT_DIV);
    return onnx_answer(graph,
                       (is_shape ? whole_pair(graph, element, a, b, &out)
                                 : onnx_element(graph, element, a, b, NULL, &out)),
                       &out);
}

/* Sum, Mean, Min, Max of any number of inputs. */
static bool read_variadic(struct onnx_graph *graph, enum element element, bool is_mean)
{
    const struct onnx_value *x;
    struct onnx_value out;
    if (!onnx_wanted(graph, 0, &x))
        return false;
    out = *x;
    for (size_t i = 1; i < graph->node->inputs; i++)
        if (!onnx_wanted(graph, i, &x) || !onnx_element(graph, element, &out, x, NULL, &out))
            return false;
    if (is_mean) {
        float count = (float)graph->node->inputs;
        struct onnx_value divisor = onnx_scalar(&count);
        if (!onnx_element(graph, ELEMENT_DIV, &out, &divisor, NULL, &out))
            return false;
    }
    return onnx_answer(graph, true, &out);
}

#define UNARY(function, element)                                                                   \
    static bool function(struct onnx_graph *graph, const struct onnx_node *node)                   \
    {                                                                                              \
        (void)node;                                                                                \
        return read_unary(graph, element);                                                         \
    }
#define BINARY(function, element)                                                                  \
    static bool function(struct onnx_graph *graph, const struct onnx_node *node)                   \
    {                                                                                              \
        (void)node;                                                                                \
        return read_binary(graph, element);                                                        \
    }
#define VARIADIC(function, element, is_mean)                                                       \
    static bool function(struct onnx_graph *graph, const struct onnx_node *node)                   \
    {                                                                                              \
        (void)node;                                                                                \
        return read_variadic(graph, element, is_mean);                                             \
    }
UNARY(read_neg, ELEMENT_NEG)
UNARY(read_abs, ELEMENT_ABS)
UNARY(read_sqrt, ELEMENT_SQRT)
UNARY(read_reciprocal, ELEMENT_RECIPROCAL)
UNARY(read_exp, ELEMENT_EXP)
UNARY(read_log, ELEMENT_LOG)
UNARY(read_erf, ELEMENT_ERF)
UNARY(read_floor, ELEMENT_FLOOR)
UNARY(read_ceil, ELEMENT_CEIL)
UNARY(read_round, ELEMENT_ROUND)
UNARY(read_sign, ELEMENT_SIGN)
UNARY(read_not, ELEMENT_NOT)
BINARY(read_add, ELEMENT_ADD)
BINARY(read_sub, ELEMENT_SUB)
BINARY(read_mul, ELEMENT_MUL)
BINARY(read_div, ELEMENT_DIV)
BINARY(read_pow, ELEMENT_POW)
BINARY(read_less, ELEMENT_LESS)
BINARY(read_less_equal, ELEMENT_LESS_EQUAL)
BINARY(read_greater, ELEMENT_GREATER)
BINARY(read_greater_equal, ELEMENT_GREATER_EQUAL)
BINARY(read_equal, ELEMENT_EQUAL)
BINARY(read_and, ELEMENT_AND)
BINARY(read_or, ELEMENT_OR)
BINARY(read_xor, ELEMENT_XOR)
VARIADIC(read_sum, ELEMENT_ADD, false)
VARIADIC(read_mean, ELEMENT_ADD, true)
VARIADIC(read_min, ELEMENT_MIN, false)
VARIADIC(read_max, ELEMENT_MAX, false)

/* 1 - erf(x): no operation of ONNX's own, but tf2onnx writes it for Keras's gelu. */
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

static bool read_where(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *a, *b, *c;
    struct onnx_value out;
    return onnx_answer(graph,
                       onnx_wanted(graph, 0, &a) && onnx_wanted(graph, 1, &b) &&
                           onnx_wanted(graph, 2, &c) &&
                           onnx_element(graph, ELEMENT_WHERE, a, b, c, &out),
                       &out);
}

/* ---- activations ---- */

/* ONNX's name, relud's name, and its parameters: where they are attributes of ours, in our order. */
static const struct activation_row {
    const char *op, *name;
    struct {
        const char *attribute;
        float value; /* the schema's default */
    } parameter[RELUD_PARAMETERS_MAX];
} activations[] = {
    {"Relu", "relu", {{NULL, 0}}},           {"LeakyRelu", "leaky_relu", {{"alpha", 0.01f}}},
    {"Elu", "elu", {{"alpha", 1}}},          {"Celu", "celu", {{"alpha", 1}}},
    {"Sigmoid", "sigmoid", {{NULL, 0}}},     {"Tanh", "tanh", {{NULL, 0}}},
    {"Softplus", "softplus", {{NULL, 0}}},   {"Softsign", "softsign", {{NULL, 0}}},
    {"HardSwish", "hardswish", {{NULL, 0}}}, {"Mish", "mish", {{NULL, 0}}},
    {"Swish", "silu", {{"alpha", 1}}},       {"ThresholdedRelu", "threshold", {{"alpha", 1}}},
};

static bool read_activation(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct activation_row *row = activations;
    const struct onnx_value *x;
    struct onnx_value out;
    while (!onnx_text_is(node->op, row->op))
        row++;
    struct relud_activation_params params =
        relud_activation_defaults(relud_activation_find(row->name));
    for (size_t i = 0; i < RELUD_PARAMETERS_MAX && row->parameter[i].attribute; i++) {
        params.values[i] = row->parameter[i].value;
        if (!onnx_number(graph, row->parameter[i].attribute, &params.values[i]))
            return false;
    }
    return onnx_answer(
        graph, onnx_wanted(graph, 0, &x) && onnx_activate(graph, row->name, &params, x, &out),
        &out);
}

#define SELU_ALPHA 1.67326319217681884765625f
#define SELU_GAMMA 1.05070102214813232421875f

/* gamma * elu(x, alpha); selu where those are the usual ones. */
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

/* max(0, min(1, alpha x + beta)); PyTorch's has 1/6 and 1/2. */
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

/* The slope is broadcast to x: one for all, one for each unit of the last axis, or any other constant or value. */
static bool read_prelu(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x, *slope;
    struct onnx_value out, low;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &slope))
        return false;
    bool is_by_unit = x->rank > 0 && slope->kind != ONNX_ROWS && slope->rank > 0 &&
                      slope->width == x->shape[x->rank - 1] &&
                      slope->shape[slope->rank - 1] == slope->width && x->width == slope->width &&
                      slope->rank <= x->rank;
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

/* A bound as an attribute (opset < 11) or an input; absent: none. */
static bool clip_bound(struct onnx_graph *graph, size_t index, const char *name, float *bound,
                       bool *is_there)
{
    const struct onnx_value *value;
    if (graph->file.opset < 11) {
        *is_there = onnx_attribute(graph, name) != NULL;
        return onnx_number(graph, name, bound);
    }
    if (!onnx_input(graph, index, &value))
        return false;
    *is_there = value != NULL;
    if (!value)
        return true;
    const float *at = onnx_constant(graph, value, name);
    if (at)
        *bound = *at;
    return at && (value->width == 1 || onnx_fail(graph, "%s is not a single number", name));
}

/* NumPy's order: min(max(x, low), high), so that high wins where they cross. */
static bool read_clip(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    const struct onnx_value *x;
    float low = -INFINITY, high = INFINITY;
    bool has_low, has_high;
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

/* Shrink: x + bias below -lambd, x - bias above lambd, else 0. */
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
    {"Abs", "", read_abs},
    {"Add", "", read_add},
    {"And", "", read_and},
    {"Ceil", "", read_ceil},
    {"Celu", "", read_activation},
    {"Clip", "", read_clip},
    {"Div", "", read_div},
    {"Elu", "", read_activation},
    {"Equal", "", read_equal},
    {"Erf", "", read_erf},
    {"Erfc", "", read_erfc},
    {"Exp", "", read_exp},
    {"Floor", "", read_floor},
    {"Gelu", "", read_gelu},
    {"Greater", "", read_greater},
    {"GreaterOrEqual", "", read_greater_equal},
    {"HardSigmoid", "", read_hardsigmoid},
    {"HardSwish", "", read_activation},
    {"LeakyRelu", "", read_activation},
    {"Less", "", read_less},
    {"LessOrEqual", "", read_less_equal},
    {"Log", "", read_log},
    {"Max", "", read_max},
    {"Mean", "", read_mean},
    {"Min", "", read_min},
    {"Mish", "", read_activation},
    {"Mul", "", read_mul},
    {"Neg", "", read_neg},
    {"Not", "", read_not},
    {"Or", "", read_or},
    {"PRelu", "", read_prelu},
    {"Pow", "", read_pow},
    {"Reciprocal", "", read_reciprocal},
    {"Relu", "", read_activation},
    {"Round", "", read_round},
    {"Selu", "", read_selu},
    {"Shrink", "", read_shrink},
    {"Sigmoid", "", read_activation},
    {"Sign", "", read_sign},
    {"Softplus", "", read_activation},
    {"Softsign", "", read_activation},
    {"Sqrt", "", read_sqrt},
    {"Sub", "", read_sub},
    {"Sum", "", read_sum},
    {"Swish", "", read_activation},
    {"Tanh", "", read_activation},
    {"ThresholdedRelu", "", read_activation},
    {"Where", "", read_where},
    {"Xor", "", read_xor},
    {NULL, NULL, NULL},
};
