/* ONNX operations of quantized nets. Quantized weights are constants, so they become float32 when
 * the model is loaded. Quantized values are not computed with: what they round to is up to each
 * runtime. */
#include "core/onnx/graph.h"

#include <math.h>
#include <string.h>

static bool refuse_quantized(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    return onnx_fail(graph, "relud computes in float32: export the float model, as it was before "
                            "its values were quantized");
}

/* The constant `value` holds one number, or one for each element of x along the axis. */
static bool fits(const struct onnx_value *x, const struct onnx_value *value, size_t axis)
{
    return value->width == 1 ||
           (value->rank == 1 && axis < x->rank && value->width == x->shape[axis]);
}

static bool dequantize(struct onnx_graph *graph, long long x, long long zero, float scale,
                       float *made)
{
    if (x != (int32_t)x || zero != (int32_t)zero)
        return onnx_fail(graph, "it dequantizes numbers of more than 32 bits");
    *made = (float)(x - zero) * scale;
    return isfinite(*made) || onnx_fail(graph, "an element is not finite");
}

static bool give_floats(struct onnx_graph *graph, const struct onnx_value *x, const float *made)
{
    struct onnx_value out = *x;
    out.kind = ONNX_FLOATS;
    out.wholes = NULL;
    out.floats = made;
    return onnx_answer(graph, true, &out);
}

/* Each `block` elements along the axis have a scale and a zero point of their own. */
static bool dequantize_blocks(struct onnx_graph *graph, const struct onnx_value *x,
                              const struct onnx_value *scale, const struct onnx_value *zero,
                              long long number, long long block)
{
    size_t axis, blocks;
    if (!onnx_axis(graph, number, x->rank, &axis))
        return false;
    blocks = block < 1 ? 0 : (x->shape[axis] + (size_t)block - 1) / (size_t)block;
    bool fits = blocks && scale->rank == x->rank && (!zero || zero->width == scale->width);
    for (size_t i = 0; fits && i < x->rank; i++)
        fits = scale->shape[i] == (i == axis ? blocks : x->shape[i]);
    if (!fits)
        return onnx_fail(graph, "its scales are not one for each %lld along axis %zu", block, axis);
    const float *scales = onnx_constant(graph, scale, "the scale");
    float *made = arena_take_array(&graph->source->temporary, x->width, sizeof *made);
    if (!scales || !made)
        return scales ? onnx_no_memory(graph) : false;
    size_t inner = onnx_product(x, axis + 1, x->rank), length = x->shape[axis];
    for (size_t i = 0; i < x->width; i++) {
        size_t outer = i / inner / length, place = i / inner % length / (size_t)block;
        size_t at = (outer * blocks + place) * inner + i % inner;
        if (!dequantize(graph, x->wholes[i], zero ? zero->wholes[at] : 0, scales[at], &made[i]))
            return false;
    }
    return give_floats(graph, x, made);
}

/* (x - zero point) scale, for a constant x. */
static bool read_dequantize(struct onnx_graph *graph, const struct onnx_node *node)
{
    const struct onnx_value *x, *scale, *zero;
    long long number = 1, block = 0;
    size_t axis = 0;
    if (!onnx_wanted(graph, 0, &x) || !onnx_wanted(graph, 1, &scale) ||
        !onnx_input(graph, 2, &zero) || !onnx_whole(graph, "axis", &number) ||
        !onnx_whole(graph, "block_size", &block))
        return false;
    if (x->kind == ONNX_ROWS)
        return refuse_quantized(graph, node);
    if (x->kind != ONNX_WHOLES || x->is_batch || (zero && zero->kind != ONNX_WHOLES))
        return onnx_fail(graph, "it dequantizes what are no constant whole numbers");
    if (block)
        return dequantize_blocks(graph, x, scale, zero, number, block);
    bool is_one = scale->width == 1 && (!zero || zero->width == 1);
    if (!is_one && !onnx_axis(graph, number, x->rank, &axis))
        return false;
    if (!fits(x, scale, axis) || (zero && !fits(x, zero, axis)))
        return onnx_fail(graph, "%zu scales and %zu zero points for an axis of %zu", scale->width,
                         zero ? zero->width : 0, is_one ? 1 : x->shape[axis]);
    const float *scales = onnx_constant(graph, scale, "the scale");
    float *made = arena_take_array(&graph->source->temporary, x->width, sizeof *made);
    if (!scales || !made)
        return scales ? onnx_no_memory(graph) : false;
    size_t inner = is_one ? x->width : onnx_product(x, axis + 1, x->rank);
    for (size_t i = 0; i < x->width; i++) {
        size_t at = is_one ? 0 : i / inner % x->shape[axis];
        long long less = zero ? zero->wholes[zero->width == 1 ? 0 : at] : 0;
        if (!dequantize(graph, x->wholes[i], less, scales[scale->width == 1 ? 0 : at], &made[i]))
            return false;
    }
    return give_floats(graph, x, made);
}

const struct onnx_op onnx_quantized_ops[] = {
    {"DequantizeLinear", "", .read = read_dequantize},
    {"DynamicQuantizeLinear", "", .read = refuse_quantized},
    {"MatMulInteger", "", .read = refuse_quantized},
    {"QLinearMatMul", "", .read = refuse_quantized},
    {"QuantizeLinear", "", .read = refuse_quantized},
    {"DynamicQuantizeMatMul", "com.microsoft", .read = refuse_quantized},
    {"MatMulIntegerToFloat", "com.microsoft", .read = refuse_quantized},
    {"QGemm", "com.microsoft", .read = refuse_quantized},
    {0},
};
