#include "core/kernels/activation.h"

#include "core/base/float_env.h"
#include "core/base/nan.h"
#include "core/base/watch.h"
#include "core/kernels/train_loops.h"
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The functions that are not one loop. */
enum { FORM_PRELU = LOOPS, FORM_RRELU, FORM_RELU6, FORM_SOFTMAX, FORM_LOG_SOFTMAX };

/* Where two of an activation's lines meet. */
struct kink {
    int parameter; /* or -1 */
    float at;      /* a number, or the sign of the parameter */
};

struct relud_activation {
    struct relud_activation_info info;
    struct activation_onnx onnx;
    size_t kinks;
    struct kink kink[ACTIVATION_KINKS_MAX];
    int form; /* an enum activation_loop, or one of the forms above */
};

/* ---- the words of the table's rows ---- */

#define FORMULA(row, ...)     {.info.name = #row, .form = LOOP_##row, __VA_ARGS__},
#define FORM(which, row, ...) {.info.name = #row, .form = which, __VA_ARGS__},

#define ALIAS(name)  .info.alias = name
#define MODULE(name) .info.module = name
#define RELU_LIKE    .info.is_relu_like = true
#define SATURATING   .info.is_saturating = true
#define STRAIGHT     .info.is_piecewise_linear = true
#define AT(x)                                                                                      \
    {                                                                                              \
        -1, x                                                                                      \
    }
#define AT_PARAMETER(i, sign)                                                                      \
    {                                                                                              \
        i, sign                                                                                    \
    }
#define ROWWISE                .info.is_rowwise = true
#define OPERATOR(name)         .onnx.op = name
#define NO_OPERATOR            .onnx.op = ""
#define ATTRIBUTES(...)        .onnx.parameter = {__VA_ARGS__}
#define PARAMETERS(count, ...) .info.parameters = count, .info.parameter = {__VA_ARGS__}
#define NUMBER(key, default)   PARAMETER(key, NUMBER, .value = default)
#define SLOPES(key, default)   PARAMETER(key, WEIGHT, .value = default)
#define CHOICE(key, ...)       PARAMETER(key, CHOICE, .choices = CHOICES(__VA_ARGS__))
#define CHOICES(...)           ((const char *const[]){__VA_ARGS__, NULL})
#define PIECEWISE(count, ...)  STRAIGHT, .kinks = count, .kink = {__VA_ARGS__}
#define PARAMETER(key, kind_of, what)                                                              \
    {                                                                                              \
        .name = key, .kind = RELUD_PARAMETER_##kind_of, what                                       \
    }

static const struct relud_activation table[] = {ACTIVATIONS(FORMULA, FORM)};
enum { ROWS = sizeof table / sizeof *table };

const struct relud_activation *relud_activation_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++)
        if (strcmp(table[i].info.name, name) == 0 ||
            (table[i].info.alias && strcmp(table[i].info.alias, name) == 0))
            return &table[i];
    return NULL;
}

void relud_activation_guess(struct relud_guess *guess)
{
    for (size_t i = 0; i < ROWS; i++) {
        relud_guess_offer(guess, table[i].info.name);
        relud_guess_offer(guess, table[i].info.alias);
    }
}

const struct relud_activation *relud_activation_at(size_t index)
{
    return index < ROWS ? &table[index] : NULL;
}

const struct relud_activation_info *relud_activation_info(const struct relud_activation *activation)
{
    return &activation->info;
}

const struct activation_onnx *activation_onnx(const struct relud_activation *activation)
{
    return &activation->onnx;
}

size_t activation_kinks(const struct relud_activation *activation,
                        const struct relud_activation_params *params, float *at)
{
    for (size_t i = 0; i < activation->kinks; i++) {
        const struct kink *kink = &activation->kink[i];
        at[i] = kink->parameter < 0 ? kink->at : kink->at * params->values[kink->parameter];
    }
    return activation->kinks;
}

struct relud_activation_params relud_activation_defaults(const struct relud_activation *activation)
{
    struct relud_activation_params params = {.weight = NULL};
    for (size_t i = 0; i < activation->info.parameters; i++)
        params.values[i] = activation->info.parameter[i].value;
    return params;
}

const struct activation_loops *activation_loops_of(enum relud_isa isa)
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

/* The row's greatest number, and the sum of exp(x[n] - most), which goes to y unless that is NULL.
 * False where the watch ended it, as below. */
static bool exp_row(const struct activation_loops *loops, const float *x, float *y, size_t width,
                    const struct relud_watch *watch, float *most, float *sum)
{
    float lanes[SUM_LANES] = {0};
    *most = *sum = 0;
    for (size_t at = 0, some; at < width; at += some) {
        some = watch_piece(watch, width - at);
        float part = loops->row_max(x + at, some);
        *most = at && *most > part ? *most : part;
        if (some < width && !watch_go_on(watch))
            return false;
    }
    for (size_t at = 0, some; at < width; at += some) {
        some = watch_piece(watch, width - at);
        *sum = loops->row_exp(*most, x + at, y ? y + at : NULL, some, lanes);
        if (some < width && !watch_go_on(watch))
            return false;
    }
    return true;
}

typedef void element_loop(const float *p, const float *x, float *y, size_t n);

/* A loop over y[n] = f(x[n]). */
static bool run_loop(element_loop *loop, const float *p, const float *x, float *y, size_t n,
                     const struct relud_watch *watch)
{
    for (size_t at = 0, some; at < n; at += some) {
        some = watch_piece(watch, n - at);
        loop(p, x + at, y + at, some);
        if (!watch_go_on(watch))
            return false;
    }
    return true;
}

static bool softmax_row(const struct activation_loops *loops, const float *x, float *y,
                        size_t width, const struct relud_watch *watch)
{
    float most, sum;
    return exp_row(loops, x, y, width, watch, &most, &sum) &&
           run_loop(loops->softmax_quotient, &sum, y, y, width, watch);
}

static bool log_softmax_row(const struct activation_loops *loops, const float *x, float *y,
                            size_t width, const struct relud_watch *watch)
{
    float most, sum;
    if (!exp_row(loops, x, NULL, width, watch, &most, &sum))
        return false;
    float less[] = {most, loops->row_log(sum)};
    return run_loop(loops->softmax_logarithm, less, x, y, width, watch);
}

/* The diagonal of the Jacobian: s(1 - s) for softmax, 1 - s for its logarithm. */
static bool softmax_gradient_row(const struct activation_loops *loops, bool is_log, const float *x,
                                 float *g, size_t width, const struct relud_watch *watch)
{
    return softmax_row(loops, x, g, width, watch) &&
           run_loop(is_log ? loops->softmax_log_slope : loops->softmax_slope, NULL, g, g, width,
                    watch);
}

/* ---- dispatch ---- */

/* The loop of an element-wise function, and its parameters as the loop wants them. */
static int loop_of(const struct relud_activation *activation,
                   const struct relud_activation_params *params, float *p)
{
    memcpy(p, params->values, sizeof params->values);
    if (activation->form == LOOP_gelu)
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
    if (activation->form == FORM_RELU6) {
        p[0] = 0;
        p[1] = 6;
        return LOOP_hardtanh;
    }
    return activation->form;
}

static bool run_row(const struct activation_loops *loops, const struct relud_activation *activation,
                    const struct relud_activation_params *params, bool is_gradient, const float *x,
                    float *y, size_t width, const struct relud_watch *watch)
{
    bool is_log = activation->form == FORM_LOG_SOFTMAX;
    if (activation->form == FORM_PRELU) {
        (is_gradient ? loops->slopes_gradient : loops->slopes)(params->weight, x, y, width);
        return true;
    }
    if (is_gradient)
        return softmax_gradient_row(loops, is_log, x, y, width, watch);
    return (is_log ? log_softmax_row : softmax_row)(loops, x, y, width, watch);
}

static bool run(enum relud_isa isa, const struct relud_activation *activation,
                const struct relud_activation_params *params, bool is_gradient, const float *x,
                float *y, size_t rows, size_t width, const struct relud_watch *watch)
{
    const struct activation_loops *loops = activation_loops_of(isa);
    bool is_by_column = activation->form == FORM_PRELU && params->weight_len > 1;
    if (activation->form != FORM_SOFTMAX && activation->form != FORM_LOG_SOFTMAX && !is_by_column) {
        float p[RELUD_PARAMETERS_MAX];
        int loop = loop_of(activation, params, p);
        return run_loop((is_gradient ? loops->gradient : loops->value)[loop], p, x, y, rows * width,
                        watch);
    }
    for (size_t r = 0, done = 0; r < rows; r++) {
        if (!run_row(loops, activation, params, is_gradient, x + r * width, y + r * width, width,
                     watch))
            return false;
        if ((done += width) >= WATCH_FLOATS) {
            done = 0;
            if (!watch_go_on(watch))
                return false;
        }
    }
    return true;
}

void activation_forward(enum relud_isa isa, const struct relud_activation *activation,
                        const struct relud_activation_params *params, const float *x, float *y,
                        size_t rows, size_t width)
{
    run(isa, activation, params, false, x, y, rows, width, NULL);
}

void activation_gradient(enum relud_isa isa, const struct relud_activation *activation,
                         const struct relud_activation_params *params, const float *x, float *g,
                         size_t rows, size_t width)
{
    run(isa, activation, params, true, x, g, rows, width, NULL);
}

/* With s = softmax(x): s (g - Σ g s) for softmax, g - s Σ g for its logarithm. */
static void softmax_backward_row(const struct activation_loops *loops, bool is_log, const float *x,
                                 float *g, float *s, size_t width)
{
    float sum = 0;
    softmax_row(loops, x, s, width, NULL);
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
            softmax_backward_row(activation_loops_of(isa), is_log, x + r * width, g + r * width,
                                 scratch, width);
        return;
    }
    run(isa, activation, params, true, x, scratch, rows, width, NULL);
    train_loops_of(isa)->multiply(g, scratch, rows * width);
}

/* What leaves the library. */
static bool run_best(const struct relud_activation *activation,
                     const struct relud_activation_params *params, bool is_gradient, const float *x,
                     float *y, size_t rows, size_t width, const struct relud_watch *watch)
{
    uint64_t env = float_env_enter();
    bool is_whole =
        run(relud_isa_best(), activation, params, is_gradient, x, y, rows, width, watch) &&
        watch_nan_unify(y, rows * width, watch);
    float_env_leave(env);
    return is_whole;
}

bool relud_activate_watched(const struct relud_activation *activation,
                            const struct relud_activation_params *params, const float *x, float *y,
                            size_t rows, size_t width, const struct relud_watch *watch)
{
    return run_best(activation, params, false, x, y, rows, width, watch);
}

bool relud_activation_gradient_watched(const struct relud_activation *activation,
                                       const struct relud_activation_params *params, const float *x,
                                       float *g, size_t rows, size_t width,
                                       const struct relud_watch *watch)
{
    return run_best(activation, params, true, x, g, rows, width, watch);
}

void relud_activate(const struct relud_activation *activation,
                    const struct relud_activation_params *params, const float *x, float *y,
                    size_t rows, size_t width)
{
    relud_activate_watched(activation, params, x, y, rows, width, NULL);
}

void relud_activation_gradient(const struct relud_activation *activation,
                               const struct relud_activation_params *params, const float *x,
                               float *g, size_t rows, size_t width)
{
    relud_activation_gradient_watched(activation, params, x, g, rows, width, NULL);
}
