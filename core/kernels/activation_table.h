/* The one table of activations. The service, the readers of models and of ONNX files, openapi.json,
 * the benchmarks and the tests go by it. A new activation is written in four places:
 *
 *   1. its formula, value and gradient: core/kernels/activation_formulas.h
 *   2. its row: here
 *   3. its definition, slow and obvious: tests/unit/activation_twin.h; values of a function that
 *      PyTorch has may stand in tests/unit/torch_values.h instead
 *   4. its line for people: docs/activations.md
 *
 * A forgotten one fails the build or tests/unit/test_activation_table.c, which name the place.
 *
 * FORMULA(name, ...) has a formula of its own. FORM(form, name, ...) is computed as activation.c
 * says. Names, parameters and defaults are torch.nn's, or the paper's where PyTorch has no such
 * function; `lambda` is PyTorch's lambd, silu's beta is from Swish (Ramachandran et al. 2017).
 *
 * MODULE(name) is torch.nn's class.
 * PIECEWISE(count, ...): it is made of straight lines, which meet AT(x), or at AT_PARAMETER(i,
 * sign), which is parameter i times the sign. STRAIGHT: it is one line.
 * OPERATOR(name) is ONNX's operator. ATTRIBUTES are the operator's names and defaults of the
 * PARAMETERS, in their order. An operator that differs in more than that has a reader of its own
 * in core/onnx. */
#ifndef CORE_KERNELS_ACTIVATION_TABLE_H
#define CORE_KERNELS_ACTIVATION_TABLE_H

/* clang-format off */
#define ACTIVATIONS(FORMULA, FORM) \
    FORMULA(relu, MODULE("ReLU"), OPERATOR("Relu"), RELU_LIKE, PIECEWISE(1, AT(0))) \
    FORMULA(leaky_relu, MODULE("LeakyReLU"), OPERATOR("LeakyRelu"), ATTRIBUTES({"alpha", 0.01f}), \
            PIECEWISE(1, AT(0)), \
            PARAMETERS(1, NUMBER("negative_slope", 0.01f))) \
    FORM(FORM_PRELU, prelu, MODULE("PReLU"), OPERATOR("PRelu"), PIECEWISE(1, AT(0)), \
            PARAMETERS(1, SLOPES("weight", 0.25f))) \
    FORM(FORM_RRELU, rrelu, MODULE("RReLU"), NO_OPERATOR, PIECEWISE(1, AT(0)), \
         PARAMETERS(2, NUMBER("lower", 0.125f), NUMBER("upper", 1.0f / 3))) \
    FORMULA(elu, MODULE("ELU"), OPERATOR("Elu"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(1, NUMBER("alpha", 1))) \
    FORMULA(selu, MODULE("SELU"), OPERATOR("Selu")) \
    FORMULA(celu, MODULE("CELU"), OPERATOR("Celu"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(1, NUMBER("alpha", 1))) \
    FORMULA(silu, MODULE("SiLU"), ALIAS("swish"), OPERATOR("Swish"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(1, NUMBER("beta", 1))) \
    FORMULA(gelu, MODULE("GELU"), OPERATOR("Gelu"), \
            PARAMETERS(1, CHOICE("approximate", "none", "tanh"))) \
    FORMULA(mish, MODULE("Mish"), OPERATOR("Mish")) \
    FORMULA(sigmoid, MODULE("Sigmoid"), OPERATOR("Sigmoid"), SATURATING) \
    FORMULA(tanh, MODULE("Tanh"), OPERATOR("Tanh"), SATURATING) \
    FORMULA(softplus, MODULE("Softplus"), OPERATOR("Softplus"), \
            PARAMETERS(2, NUMBER("beta", 1), NUMBER("threshold", 20))) \
    FORMULA(squareplus, NO_OPERATOR, PARAMETERS(1, NUMBER("b", 4))) \
    FORMULA(softsign, MODULE("Softsign"), OPERATOR("Softsign"), SATURATING) \
    FORMULA(logsigmoid, MODULE("LogSigmoid"), NO_OPERATOR) \
    FORMULA(hardswish, MODULE("Hardswish"), OPERATOR("HardSwish")) \
    FORMULA(hardsigmoid, MODULE("Hardsigmoid"), OPERATOR("HardSigmoid"), SATURATING, \
            PIECEWISE(2, AT(-3), AT(3))) \
    FORMULA(hardtanh, MODULE("Hardtanh"), OPERATOR("Clip"), \
            PARAMETERS(2, NUMBER("min_val", -1), NUMBER("max_val", 1)), SATURATING, \
            PIECEWISE(2, AT_PARAMETER(0, 1), AT_PARAMETER(1, 1))) \
    FORM(FORM_RELU6, relu6, MODULE("ReLU6"), OPERATOR("Clip"), RELU_LIKE, SATURATING, \
         PIECEWISE(2, AT(0), AT(6))) \
    FORMULA(threshold, MODULE("Threshold"), OPERATOR("ThresholdedRelu"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(2, NUMBER("threshold", 0), NUMBER("value", 0)), RELU_LIKE, \
            PIECEWISE(1, AT_PARAMETER(0, 1))) \
    FORMULA(tanhshrink, MODULE("Tanhshrink"), NO_OPERATOR) \
    FORMULA(softshrink, MODULE("Softshrink"), OPERATOR("Shrink"), \
            PIECEWISE(2, AT_PARAMETER(0, -1), AT_PARAMETER(0, 1)), \
            PARAMETERS(1, NUMBER("lambda", 0.5f))) \
    FORMULA(hardshrink, MODULE("Hardshrink"), OPERATOR("Shrink"), \
            PIECEWISE(2, AT_PARAMETER(0, -1), AT_PARAMETER(0, 1)), \
            PARAMETERS(1, NUMBER("lambda", 0.5f))) \
    FORM(FORM_SOFTMAX, softmax, MODULE("Softmax"), OPERATOR("Softmax"), ROWWISE) \
    FORM(FORM_LOG_SOFTMAX, log_softmax, MODULE("LogSoftmax"), OPERATOR("LogSoftmax"), ROWWISE) \
    FORMULA(identity, MODULE("Identity"), OPERATOR("Identity"), STRAIGHT)
/* clang-format on */

#endif
