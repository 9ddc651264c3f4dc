#include "core/activation.h"

#include "core/activation_loops.h"
#include "core/train_loops.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The functions that are not one loop. */
enum { FORM_GELU = LOOPS, FORM_PRELU, FORM_RRELU, FORM_SOFTMAX, FORM_LOG_SOFTMAX };

struct relud_activation {
    struct relud_activation_info info;
    int form; /* an enum activation_loop, or one of the forms above */
};

static const char *const gelu_forms[] = {"none", "tanh", NULL};

#define NUMBER(key, default)                                                                       \
    {                                                                                              \
        .name = key, .kind = RELUD_PARAMETER_NUMBER, .value = default                              \
    }
/* The one table. Names, parameters and defaults are torch.nn's; `lambda` is its lambd; silu's beta is the essay's Swish. */
static const struct relud_activation table[] = {
    {{.name = "relu", .is_relu_like = true}, LOOP_relu},
    {{.name = "leaky_relu", .parameters = 1, .parameter = {NUMBER("negative_slope", 0.01f)}},
     LOOP_leaky_relu},
    {{.name = "prelu",
      .parameters = 1,
      .parameter = {{.name = "weight", .kind = RELUD_PARAMETER_WEIGHT, .value = 0.25f}}},
     FORM_PRELU},
    {{.name = "rrelu",
      .parameters = 2,
      .parameter = {NUMBER("lower", 0.125f), NUMBER("upper", 1.0f / 3)}},
     FORM_RRELU},
    {{.name = "elu", .parameters = 1, .parameter = {NUMBER("alpha", 1)}}, LOOP_elu},
    {{.name = "selu"}, LOOP_selu},
    {{.name = "celu", .parameters = 1, .parameter = {NUMBER("alpha", 1)}}, LOOP_celu},
    {{.name = "silu", .alias = "swish", .parameters = 1, .parameter = {NUMBER("beta", 1)}},
     LOOP_silu},
    {{.name = "gelu",
      .parameters = 1,
      .parameter =
          {{.name = "approximate", .kind = RELUD_PARAMETER_CHOICE, .choices = gelu_forms}}},
     FORM_GELU},
    {{.name = "mish"}, LOOP_mish},
    {{.name = "sigmoid", .is_saturating = true}, LOOP_sigmoid},
    {{.name = "tanh", .is_saturating = true}, LOOP_tanh},
    {{.name = "softplus",
      .parameters = 2,
      .parameter = {NUMBER("beta", 1), NUMBER("threshold", 20)}},
     LOOP_softplus},
    {{.name = "softsign", .is_saturating = true}, LOOP_softsign},
    {{.name = "logsigmoid"}, LOOP_logsigmoid},
    {{.name = "hardswish"}, LOOP_hardswish},
    {{.name = "hardsigmoid", .is_saturating = true}, LOOP_hardsigmoid},
    {{.name = "hardtanh",
      .parameters = 2,
      .parameter = {NUMBER("min_val", -1), NUMBER("max_val", 1)},
      .is_saturating = true},
     LOOP_hardtanh},
    {{.name = "relu6", .is_relu_like = true, .is_saturating = true}, LOOP_hardtanh},
    {{.name = "threshold",
      .parameters = 2,
      .parameter = {NUMBER("threshold", 0), NUMBER("value", 0)},
      .is_relu_like = true},
     LOOP_threshold},
    {{.name = "tanhshrink"}, LOOP_tanhshrink},
    {{.name = "softshrink", .parameters = 1, .parameter = {NUMBER("lambda", 0.5f)}},
     LOOP_softshrink},
    {{.name = "hardshrink", .parameters = 1, .parameter = {NUMBER("lambda", 0.5f)}},
     LOOP_hardshrink},
    {{.name = "softmax", .is_rowwise = true}, FORM_SOFTMAX},
    {{.name = "log_softmax", .is_rowwise = true}, FORM_LOG_SOFTMAX},
    {{.name = "identity"}, LOOP_identity},
};
enum { ACTIVATIONS = sizeof table / sizeof *table };

const struct relud_activation *relud_activation_find(const char *name)
{
    for (size_t i = 0; i < ACTIVATIONS; i++)
        if (strcmp(table[i].info.name, name) == 0 ||
            (table[i].info.alias && strcmp(table[i].info.alias, name) == 0))
            return &table[i];
    return NULL;
}

const struct relud_activation *relud_activation_at(size_t index)
{
    return index < ACTIVATIONS ? &table[index] : NULL;
}

const struct relud_activation_info *relud_activation_info(const struct relud_activation *activation)
{
    return &activation->info;
}

struct relud_activation_params relud_activation_defaults(const struct relud_activation *activation)
{
    struct relud_activation_params params = {.weight = NULL};
    for (size_t i = 0; i < activation->info.parameters; i++)
        params.values[i] = activation->info.parameter[i].value;
    return params;
}

static const struct activation_loops *loops_of(enum relud_isa isa)
{
#if defined(__x86_64__)
    if (isa == RELUD_ISA_AVX512)
        return &activation_avx512;
    if (isa == RELUD_ISA_AVX2)
        return &activation_avx2;
#endif
    (void)isa;
    return &activation_scalar;
}

/* ---- softmax ---- */

static void softmax_row(const struct activation_loops *loops, const float *x, float *y,
                        size_t width)
{
    float sum = loops->row_exp(loops->row_max(x, width), x, y, width);
    loops->softmax_quotient(&sum, y, y, width);
}

static void log_softmax_row(const struct activation_loops *loops, const float *x, float *y,
                            size_t width)
{
    float most = loops->row_max(x, width), sum = loops->row_exp(most, x, NULL, width);
    float less[] = {most, loops->row_log(sum)};
    loops->softmax_logarithm(less, x, y, width);
}

/* The diagonal of the Jacobian: s(1 - s) for softmax, 1 - s for its logarithm. */
static void softmax_gradient_row(const struct activation_loops *loops, bool is_log, const float *x,
                                 float *g, size_t width)
{
    softmax_row(loops, x, g, width);
    (is_log ? loops->softmax_log_slope : loops->softmax_slope)(NULL, g, g, width);
}

/* ---- dispatch ---- */

/* The loop of an element-wise function, and its parameters as the loop wants them. */
static int loop_of(const struct relud_activation *activation,
                   const struct relud_activation_params *params, float *p)
{
    memcpy(p, params->values, sizeof params->values);
    if (activation->form == FORM_GELU)
        return p[0] != 0 ? LOOP_gelu_tanh : LOOP_gelu;
    if (activation->form == FORM_RRELU) {
        p[0] = (p[0] + p[1]) / 2;
        return LOOP_leaky_relu;
    }
    if (activation->form == FORM_PRELU) {
        if (params->weight)
            p[0] = params->weight[0];
        return LOOP_leaky_relu;
    }
    if (strcmp(activation->info.name, "relu6") == 0) {
        p[0] = 0;
        p[1] = 6;
    }
    return activation->form;
}

static void run(enum relud_isa isa, const struct relud_activation *activation,
                const struct relud_activation_params *params, bool is_gradient, const float *x,
                float *y, size_t rows, size_t width)
{
    const struct activation_loops *loops = loops_of(isa);
    bool is_softmax = activation->form == FORM_SOFTMAX,
         is_log = activation->form == FORM_LOG_SOFTMAX;
    bool is_by_column = activation->form == FORM_PRELU && params->weight_len > 1;
    if (!is_softmax && !is_log && !is_by_column) {
        float p[RELUD_PARAMETERS_MAX];
        int loop = loop_of(activation, params, p);
        (is_gradient ? loops->gradient : loops->value)[loop](p, x, y, rows * width);
        return;
    }
    for (size_t r = 0; r < rows; r++) {
        const float *from = x + r * width;
        float *to = y + r * width;
        if (is_by_column)
            (is_gradient ? loops->slopes_gradient : loops->slopes)(params->weight, from, to, width);
        else if (is_gradient)
            softmax_gradient_row(loops, is_log, from, to, width);
        else if (is_log)
            log_softmax_row(loops, from, to, width);
        else
            softmax_row(loops, from, to, width);
    }
}

void activation_forward(enum relud_isa isa, const struct relud_activation *activation,
                        const struct relud_activation_params *params, const float *x, float *y,
                        size_t rows, size_t width)
{
    run(isa, activation, params, false, x, y, rows, width);
}

void activation_gradient(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         size_t rows, size_t width)
{
    run(isa, activation, params, true, x, g, rows, width);
}

/* With s = softmax(x): s (g - Σ g s) for softmax, g - s Σ g for its logarithm. */
static void softmax_backward_row(const struct activation_loops *loops, bool is_log, const float *x,
                                 float *g, float *s, size_t width)
{
    float sum = 0;
    softmax_row(loops, x, s, width);
    for (size_t i = 0; i < width; i++)
        sum += is_log ? g[i] : g[i] * s[i];
    for (size_t i = 0; i < width; i++)
        g[i] = is_log ? g[i] - s[i] * sum : s[i] * (g[i] - sum);
}

void activation_backward(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         float *scratch, size_t rows, size_t width)
{
    bool is_softmax = activation->form == FORM_SOFTMAX,
         is_log = activation->form == FORM_LOG_SOFTMAX;
    if (is_softmax || is_log) {
        for (size_t r = 0; r < rows; r++)
            softmax_backward_row(loops_of(isa), is_log, x + r * width, g + r * width, scratch,
                                 width);
        return;
    }
    run(isa, activation, params, true, x, scratch, rows, width);
    train_loops_of(isa)->multiply(g, scratch, rows * width);
}

void relud_activate(const struct relud_activation *activation,
                    const struct relud_activation_params *params, const float *x, float *y,
                    size_t rows, size_t width)
{
    run(relud_isa_best(), activation, params, false, x, y, rows, width);
}

void relud_activation_gradient(const struct relud_activation *activation,
                               const struct relud_activation_params *params, const float *x,
                               float *g, size_t rows, size_t width)
{
    run(relud_isa_best(), activation, params, true, x, g, rows, width);
}
