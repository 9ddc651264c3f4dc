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
 * OPERATOR(name) is ONNX's operator. ATTRIBUTES are the operator's names and defaults of the
 * PARAMETERS, in their order. An operator that differs in more than that has a reader of its own
 * in core/onnx. */
#ifndef CORE_KERNELS_ACTIVATION_TABLE_H
#define CORE_KERNELS_ACTIVATION_TABLE_H

/* clang-format off */
#define ACTIVATIONS(FORMULA, FORM) \
    FORMULA(relu, OPERATOR("Relu"), RELU_LIKE) \
    FORMULA(leaky_relu, OPERATOR("LeakyRelu"), ATTRIBUTES({"alpha", 0.01f}), \
            PARAMETERS(1, NUMBER("negative_slope", 0.01f))) \
    FORM(FORM_PRELU, prelu, OPERATOR("PRelu"), PARAMETERS(1, SLOPES("weight", 0.25f))) \
    FORM(FORM_RRELU, rrelu, NO_OPERATOR, \
         PARAMETERS(2, NUMBER("lower", 0.125f), NUMBER("upper", 1.0f / 3))) \
    FORMULA(elu, OPERATOR("Elu"), ATTRIBUTES({"alpha", 1}), PARAMETERS(1, NUMBER("alpha", 1))) \
    FORMULA(selu, OPERATOR("Selu")) \
    FORMULA(celu, OPERATOR("Celu"), ATTRIBUTES({"alpha", 1}), PARAMETERS(1, NUMBER("alpha", 1))) \
    FORMULA(silu, ALIAS("swish"), OPERATOR("Swish"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(1, NUMBER("beta", 1))) \
    FORMULA(gelu, OPERATOR("Gelu"), PARAMETERS(1, CHOICE("approximate", "none", "tanh"))) \
    FORMULA(mish, OPERATOR("Mish")) \
    FORMULA(sigmoid, OPERATOR("Sigmoid"), SATURATING) \
    FORMULA(tanh, OPERATOR("Tanh"), SATURATING) \
    FORMULA(softplus, OPERATOR("Softplus"), \
            PARAMETERS(2, NUMBER("beta", 1), NUMBER("threshold", 20))) \
    FORMULA(squareplus, NO_OPERATOR, PARAMETERS(1, NUMBER("b", 4))) \
    FORMULA(softsign, OPERATOR("Softsign"), SATURATING) \
    FORMULA(logsigmoid, NO_OPERATOR) \
    FORMULA(hardswish, OPERATOR("HardSwish")) \
    FORMULA(hardsigmoid, OPERATOR("HardSigmoid"), SATURATING) \
    FORMULA(hardtanh, OPERATOR("Clip"), \
            PARAMETERS(2, NUMBER("min_val", -1), NUMBER("max_val", 1)), SATURATING) \
    FORM(FORM_RELU6, relu6, OPERATOR("Clip"), RELU_LIKE, SATURATING) \
    FORMULA(threshold, OPERATOR("ThresholdedRelu"), ATTRIBUTES({"alpha", 1}), \
            PARAMETERS(2, NUMBER("threshold", 0), NUMBER("value", 0)), RELU_LIKE) \
    FORMULA(tanhshrink, NO_OPERATOR) \
    FORMULA(softshrink, OPERATOR("Shrink"), PARAMETERS(1, NUMBER("lambda", 0.5f))) \
    FORMULA(hardshrink, OPERATOR("Shrink"), PARAMETERS(1, NUMBER("lambda", 0.5f))) \
    FORM(FORM_SOFTMAX, softmax, OPERATOR("Softmax"), ROWWISE) \
    FORM(FORM_LOG_SOFTMAX, log_softmax, OPERATOR("LogSoftmax"), ROWWISE) \
    FORMULA(identity, OPERATOR("Identity"))
/* clang-format on */

#endif
