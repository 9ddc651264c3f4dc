#include "core/net/derivative.h"

#include "core/kernels/activation.h"
#include "core/kernels/functions.h"
#include <math.h>
#include <string.h>

/* ---- shapes ---- */

static enum value_shape most(enum value_shape a, enum value_shape b)
{
    return a > b ? a : b;
}

/* Of a product, or of a quotient, which is one with the reciprocal of the second. */
static enum value_shape shape_of_product(enum value_shape a, enum value_shape b)
{
    bool is_linear = a == SHAPE_CONSTANT || b == SHAPE_CONSTANT;
    return is_linear ? most(a, b) : most(most(a, b), SHAPE_SMOOTH);
}

static enum value_shape shape_of_element(enum element element, const enum value_shape *of)
{
    switch (element) {
    case ELEMENT_NEG:
    case ELEMENT_ABS:
        return of[0];
    case ELEMENT_ADD:
    case ELEMENT_SUB:
    case ELEMENT_MIN:
    case ELEMENT_MAX:
        return most(of[0], of[1]);
    case ELEMENT_WHERE:
        return most(of[1], of[2]);
    case ELEMENT_MUL:
        return shape_of_product(of[0], of[1]);
    case ELEMENT_DIV:
        return of[1] == SHAPE_CONSTANT ? of[0] : most(most(of[0], of[1]), SHAPE_SMOOTH);
    case ELEMENT_MOD:
    case ELEMENT_FMOD:
        return of[1] == SHAPE_CONSTANT ? of[0] : SHAPE_UNKNOWN;
    case ELEMENT_POW:
        return most(most(of[0], of[1]), SHAPE_SMOOTH);
    case ELEMENT_FLOOR:
    case ELEMENT_CEIL:
    case ELEMENT_ROUND:
    case ELEMENT_TRUNC:
    case ELEMENT_SIGN:
    case ELEMENT_NOT:
    case ELEMENT_TRUTH:
    case ELEMENT_IS_NAN:
    case ELEMENT_LESS:
    case ELEMENT_LESS_EQUAL:
    case ELEMENT_GREATER:
    case ELEMENT_GREATER_EQUAL:
    case ELEMENT_EQUAL:
    case ELEMENT_AND:
    case ELEMENT_OR:
    case ELEMENT_XOR:
        return SHAPE_CONSTANT;
    default:
        return most(of[0], SHAPE_SMOOTH);
    }
}

static enum value_shape shape_of_reduction(enum reduction reduction, enum value_shape of)
{
    switch (reduction) {
    case REDUCE_SUM:
    case REDUCE_MEAN:
    case REDUCE_MAX:
    case REDUCE_MIN:
    case REDUCE_L1:
        return of;
    case REDUCE_SUM_SQUARE:
    case REDUCE_L2:
        return most(of, SHAPE_SMOOTH);
    case REDUCE_PROD:
        return SHAPE_UNKNOWN;
    default:
        return SHAPE_CONSTANT; /* an index */
    }
}

enum value_shape step_shape(const struct step *step, const enum value_shape *operand)
{
    enum value_shape all = SHAPE_CONSTANT;
    for (size_t i = 0; i < step->operands; i++)
        all = most(all, operand[i]);
    if (step->kind == STEP_LOOKUP)
        return SHAPE_LINEAR;
    if (all == SHAPE_CONSTANT)
        return all;
    switch (step->kind) {
    case STEP_ACTIVATE:
        return relud_activation_info(step->activation)->is_piecewise_linear
                   ? all
                   : most(all, SHAPE_SMOOTH);
    case STEP_ELEMENT:
        return shape_of_element(step->element, operand);
    case STEP_REDUCE:
        return shape_of_reduction(step->reduction, all);
    case STEP_NORMALIZE:
        return most(all, SHAPE_SMOOTH);
    case STEP_TOP:
        return step->is_index ? SHAPE_CONSTANT : all;
    default:
        return all;
    }
}

/* ---- linear and activation ---- */

static double pull_linear(const struct step *step, struct pull *pull)
{
    const struct linear *linear = &step->linear;
    double rest = 0;
    for (size_t part = 0; part < step->parts && !pull->is_ended; part++) {
        const double *slope = pull->slope + part * linear->outputs;
        size_t first = part * linear->inputs;
        const float *x = pull->skips_zeros ? pull->x[0] + first : NULL;
        pull->is_ended = !linear_pull(linear, slope, x, pull->to[0] + first, pull->watch);
        for (size_t n = 0; n < linear->outputs; n++)
            rest += slope[n] * (double)linear->bias[n];
    }
    return rest;
}

/* What a piecewise linear activation has beside slope · x, where the slope is not 0: minus `shrink`
 * towards 0, and plus `lift`. */
struct offset {
    double shrink, lift;
};

static struct offset find_offset(const struct step *step)
{
    const char *name = relud_activation_info(step->activation)->name;
    return (struct offset){.shrink =
                               strcmp(name, "softshrink") == 0 ? (double)step->params.values[0] : 0,
                           .lift = strcmp(name, "hardsigmoid") == 0 ? 0.5 : 0};
}

/* f(x) - slope · x. */
static double offset_at(const struct offset *offset, float x, float y, float slope)
{
    if (slope == 0)
        return (double)y;
    return offset->lift - (x > 0 ? offset->shrink : -offset->shrink);
}

static bool is_any(const double *slope, size_t count)
{
    size_t i = 0;
    while (i < count && slope[i] == 0)
        i++;
    return i < count;
}

/* The Jacobian of softmax is diag(y) - y·yᵀ; that of log_softmax 1 - 1·exp(y)ᵀ. */
static void pull_softmax(const struct pull *pull, size_t first, size_t width, bool is_log)
{
    const float *y = pull->y + first;
    const double *slope = pull->slope + first;
    double sum = 0;
    if (!is_any(slope, width))
        return;
    for (size_t i = 0; i < width; i++)
        sum += is_log ? slope[i] : slope[i] * (double)y[i];
    for (size_t i = 0; i < width; i++)
        pull->to[0][first + i] +=
            is_log ? slope[i] - exp_of((double)y[i]) * sum : (double)y[i] * (slope[i] - sum);
}

static double pull_activation(const struct step *step, const struct pull *pull)
{
    const struct relud_activation_info *info = relud_activation_info(step->activation);
    const struct offset offset = find_offset(step);
    size_t width = step->width / step->parts;
    double rest = 0;
    if (info->is_rowwise) {
        for (size_t part = 0; part < step->parts; part++)
            pull_softmax(pull, part * width, width, strcmp(info->name, "log_softmax") == 0);
        return 0;
    }
    activation_gradient(pull->isa, step->activation, &step->params, pull->x[0], pull->room,
                        step->parts, width);
    for (size_t i = 0; i < step->width; i++) {
        if (pull->slope[i] == 0)
            continue;
        pull->to[0][i] += pull->slope[i] * (double)pull->room[i];
        if (info->is_piecewise_linear)
            rest += pull->slope[i] * offset_at(&offset, pull->x[0][i], pull->y[i], pull->room[i]);
    }
    return rest;
}

/* ---- element ---- */

static double slope_of_one(enum element element, double x, double y)
{
    switch (element) {
    case ELEMENT_NEG:
        return -1;
    case ELEMENT_ABS:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case ELEMENT_SQRT:
        return 0.5 / sqrt(x);
    case ELEMENT_RECIPROCAL:
        return -1 / (x * x);
    case ELEMENT_EXP:
        return exp_of(x);
    case ELEMENT_LOG:
        return 1 / x;
    case ELEMENT_ERF:
        return 1.1283791670955126 * exp_of(-x * x); /* 2 / sqrt(pi) */
    case ELEMENT_SIN:
        return cos_of((float)x);
    case ELEMENT_COS:
        return -sin_of((float)x);
    case ELEMENT_TAN:
        return 1 + y * y;
    case ELEMENT_ASIN:
        return 1 / sqrt(1 - x * x);
    case ELEMENT_ACOS:
        return -1 / sqrt(1 - x * x);
    case ELEMENT_ATAN:
        return 1 / (1 + x * x);
    case ELEMENT_SINH:
        return cosh_of((float)x);
    case ELEMENT_COSH:
        return sinh_of((float)x);
    case ELEMENT_ASINH:
        return 1 / sqrt(1 + x * x);
    case ELEMENT_ACOSH:
        return 1 / sqrt(x * x - 1);
    case ELEMENT_ATANH:
        return 1 / (1 - x * x);
    default:
        return 0;
    }
}

/* The slopes of a function of two numbers, or of WHERE. */
static void slopes_of_many(enum element element, const double *x, double y, double *slope)
{
    slope[0] = slope[1] = slope[2] = 0;
    switch (element) {
    case ELEMENT_ADD:
        slope[0] = slope[1] = 1;
        break;
    case ELEMENT_SUB:
        slope[0] = 1;
        slope[1] = -1;
        break;
    case ELEMENT_MUL:
        slope[0] = x[1];
        slope[1] = x[0];
        break;
    case ELEMENT_DIV:
        slope[0] = 1 / x[1];
        slope[1] = -x[0] / (x[1] * x[1]);
        break;
    case ELEMENT_POW:
        slope[0] = x[1] == 0 ? 0 : x[1] * (double)pow_of((float)x[0], (float)(x[1] - 1));
        slope[1] = y == 0 ? 0 : y * log_of(x[0]);
        break;
    case ELEMENT_MOD:
    case ELEMENT_FMOD:
        slope[0] = 1;
        break;
    case ELEMENT_MIN:
    case ELEMENT_MAX:
        slope[y == x[0] ? 0 : 1] = 1;
        break;
    case ELEMENT_WHERE:
        slope[x[0] != 0 ? 1 : 2] = 1;
        break;
    default:
        break;
    }
}

/* What a linear element adds by itself: its constant operands, and the steps of a remainder. */
static double rest_of_element(enum element element, const struct pull *pull, const double *x,
                              const double *slope, size_t operands, double y)
{
    double rest = 0;
    if (element == ELEMENT_MOD || element == ELEMENT_FMOD)
        return y - x[0];
    if (element == ELEMENT_MUL || element == ELEMENT_DIV)
        return 0;
    for (size_t k = 0; k < operands; k++)
        if (!pull->to[k] && slope[k] != 0)
            rest += slope[k] * x[k];
    return rest;
}

/* A value times, or divided by, a constant: what most nets begin with. */
static void pull_scaling(const struct step *step, const struct pull *pull)
{
    const struct operand *by = &step->operand[1];
    bool is_product = step->element == ELEMENT_MUL;
    double one = is_product ? (double)*by->constant : 1 / (double)*by->constant;
    for (size_t i = 0; i < step->width; i++) {
        double each = (double)by->constant[by->len == 1 ? 0 : i];
        double factor = by->len == 1 ? one : is_product ? each : 1 / each;
        pull->to[0][i] += pull->slope[i] * factor;
    }
}

static double pull_element(const struct step *step, const struct pull *pull)
{
    double rest = 0;
    bool is_product = step->element == ELEMENT_MUL || step->element == ELEMENT_DIV;
    if (is_product && step->operand[1].constant && pull->to[0]) {
        pull_scaling(step, pull);
        return 0;
    }
    for (size_t i = 0; i < step->width; i++) {
        double x[3] = {0}, slope[3] = {0}, y = (double)pull->y[i];
        if (pull->slope[i] == 0)
            continue;
        for (size_t k = 0; k < step->operands; k++) {
            const struct operand *of = &step->operand[k];
            x[k] = (double)pull->x[k][of->constant && of->len == 1 ? 0 : i];
        }
        if (step->operands == 1)
            slope[0] = slope_of_one(step->element, x[0], y);
        else
            slopes_of_many(step->element, x, y, slope);
        for (size_t k = 0; k < step->operands; k++)
            if (pull->to[k])
                pull->to[k][i] += pull->slope[i] * slope[k];
        rest += pull->slope[i] * rest_of_element(step->element, pull, x, slope, step->operands, y);
    }
    return rest;
}

/* ---- the others ---- */

/* The slope of a reduction by x; is_chosen: x is the number that a maximum or minimum took. */
static double slope_of_reduction(enum reduction reduction, double x, double y, size_t n,
                                 bool is_chosen)
{
    switch (reduction) {
    case REDUCE_SUM:
        return 1;
    case REDUCE_MEAN:
        return 1 / (double)n;
    case REDUCE_L1:
        return x > 0 ? 1 : x < 0 ? -1 : 0;
    case REDUCE_SUM_SQUARE:
        return 2 * x;
    case REDUCE_L2:
        return y == 0 ? 0 : x / y;
    default:
        return is_chosen;
    }
}

static void pull_reduction(const struct step *step, const struct pull *pull)
{
    size_t n = step->reduce_width / step->parts;
    for (size_t part = 0; part < step->parts; part++) {
        const float *x = pull->x[0] + part * n;
        float y = pull->y[part];
        bool is_taken = false;
        for (size_t i = 0; pull->slope[part] != 0 && i < n; i++) {
            bool is_chosen = !is_taken && x[i] == y;
            is_taken |= is_chosen;
            pull->to[0][part * n + i] +=
                pull->slope[part] *
                slope_of_reduction(step->reduction, (double)x[i], (double)y, n, is_chosen);
        }
    }
}

/* With s the deviation: (slope - mean(slope) - y · mean(slope · y)) / s (Ba et al. 2016). */
static void pull_normalize(const struct step *step, const struct pull *pull)
{
    size_t n = step->width / step->parts;
    for (size_t part = 0; part < step->parts; part++) {
        const float *x = pull->x[0] + part * n, *y = pull->y + part * n;
        const double *slope = pull->slope + part * n;
        double mean = 0, square = 0, by_one = 0, by_y = 0;
        if (!is_any(slope, n))
            continue;
        for (size_t i = 0; i < n && !step->is_root_mean_square; i++)
            mean += (double)x[i] / (double)n;
        for (size_t i = 0; i < n; i++) {
            square += ((double)x[i] - mean) * ((double)x[i] - mean) / (double)n;
            by_one += slope[i] / (double)n;
            by_y += slope[i] * (double)y[i] / (double)n;
        }
        double deviation = sqrt(square + (double)step->epsilon);
        for (size_t i = 0; i < n; i++)
            pull->to[0][part * n + i] +=
                (slope[i] - (step->is_root_mean_square ? 0 : by_one) - (double)y[i] * by_y) /
                deviation;
    }
}

static void pull_cumulate(const struct step *step, const struct pull *pull)
{
    size_t n = step->width / step->parts;
    for (size_t part = 0; part < step->parts; part++) {
        double sum = 0;
        for (size_t k = n; k-- > 0;) { /* from the last one that was summed up to the first */
            size_t at = part * n + (step->is_reverse ? n - 1 - k : k);
            double before = sum;
            sum += pull->slope[at];
            pull->to[0][at] += step->is_exclusive ? before : sum;
        }
    }
}

static void pull_top(const struct step *step, const struct pull *pull)
{
    struct step places = *step;
    size_t n = step->reduce_width / step->parts, count = step->width / step->parts;
    places.is_index = true;
    step_run(&places, pull->isa, pull->x, pull->room, 1);
    for (size_t i = 0; i < step->width; i++)
        pull->to[0][i / count * n + (size_t)pull->room[i]] += pull->slope[i];
}

double step_pull(const struct step *step, struct pull *pull)
{
    switch (step->kind) {
    case STEP_LINEAR:
        return pull_linear(step, pull);
    case STEP_ACTIVATE:
        return pull_activation(step, pull);
    case STEP_ELEMENT:
        return pull_element(step, pull);
    case STEP_GATHER:
        for (size_t i = 0; i < step->width; i++)
            pull->to[0][step->map[i]] += pull->slope[i];
        return 0;
    case STEP_REDUCE:
        pull_reduction(step, pull);
        return 0;
    case STEP_NORMALIZE:
        pull_normalize(step, pull);
        return 0;
    case STEP_CUMULATE:
        pull_cumulate(step, pull);
        return 0;
    case STEP_TOP:
        pull_top(step, pull);
        return 0;
    case STEP_JOIN:
    case STEP_LOOKUP:
        break;
    }
    return 0;
}
