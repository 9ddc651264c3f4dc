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
        return onnx_fail(graph, "block_size is %lld: scales by block are not read", block);
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
        if (x->wholes[i] != (int32_t)x->wholes[i] || less != (int32_t)less)
            return onnx_fail(graph, "it dequantizes numbers of more than 32 bits");
        made[i] = (float)(x->wholes[i] - less) * scales[scale->width == 1 ? 0 : at];
        if (!isfinite(made[i]))
            return onnx_fail(graph, "element %zu is not finite", i);
    }
    struct onnx_value out = *x;
    out.kind = ONNX_FLOATS;
    out.wholes = NULL;
    out.floats = made;
    return onnx_answer(graph, true, &out);
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
