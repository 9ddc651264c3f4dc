/* Where the index of a table comes from, and which whole numbers it may be. An index must be a
 * number of the input, which the server checks, or one that is in range by how it is computed. */
#include "core/onnx/lookup.h"

#include <math.h>

static bool fail_computed(struct onnx_graph *graph)
{
    return onnx_fail(graph, "its indices are computed from the input: relud takes numbers of the "
                            "input, with a constant added, and what is in range by its operation");
}

/* Ends a search at an element that is one of the numbers. NaNs stand for no index. */
static bool end_at_numbers(struct onnx_graph *graph, const float *numbers, size_t count,
                           size_t stride, double offset, struct onnx_origin *origin)
{
    float low = INFINITY, high = -INFINITY;
    if (!onnx_spend(graph, count))
        return false;
    for (size_t i = 0; i < count; i++) {
        float number = numbers[i * stride];
        if (number != floorf(number) && number == number)
            return fail_computed(graph);
        low = number < low ? number : low;
        high = number > high ? number : high;
    }
    *origin = (struct onnx_origin){ONNX_NO_FEATURE, (double)low + offset, (double)high + offset};
    return low <= high || fail_computed(graph);
}

static bool makes_truth(const struct step *step)
{
    return step->kind == STEP_ELEMENT &&
           ((step->element >= ELEMENT_LESS && step->element <= ELEMENT_XOR) ||
            (step->element >= ELEMENT_NOT && step->element <= ELEMENT_IS_NAN));
}

/* True if all numbers of the value are 0 or 1. */
static bool is_truth_at(const struct onnx_graph *graph, size_t value)
{
    while (value != STEP_INPUT) {
        const struct step *step = &graph->source->step[value - 1];
        if (makes_truth(step))
            return true;
        bool keeps = step->kind == STEP_GATHER ||
                     (step->kind == STEP_ELEMENT && step->element == ELEMENT_TRUNC);
        if (!keeps)
            return false;
        value = step->operand[0].value;
    }
    return false;
}

/* Ends a search at a step whose numbers are from `low` to `high` whatever the input is. */
static bool end_at_step(struct onnx_graph *graph, const struct step *step, size_t at, double offset,
                        struct onnx_origin *origin)
{
    size_t n = step->width / step->parts;
    if (step->kind == STEP_LOOKUP)
        return end_at_numbers(graph, step->table + at % n, step->table_rows, n, offset, origin);
    double low = 0, high = 1;
    bool is_hardtanh =
        step->kind == STEP_ACTIVATE && step->activation == relud_activation_find("hardtanh");
    bool is_place = (step->kind == STEP_REDUCE && step->reduction >= REDUCE_ARGMAX) ||
                    (step->kind == STEP_TOP && step->is_index);
    bool is_truth = makes_truth(step);
    bool is_count = step->kind == STEP_REDUCE && step->reduction == REDUCE_SUM &&
                    is_truth_at(graph, step->operand[0].value);
    if (is_count) { /* of truths */
        size_t most = step->reduce_width / step->parts;
        high = (double)most;
    } else if (is_hardtanh) {
        low = (double)step->params.values[0];
        high = (double)step->params.values[1];
    } else if (is_place) {
        size_t last = step->reduce_width / step->parts - 1;
        high = (double)last;
    } else if (!is_truth) {
        return fail_computed(graph);
    }
    *origin = (struct onnx_origin){ONNX_NO_FEATURE, low + offset, high + offset};
    return true;
}

const struct operand *onnx_joined(const struct step *step, size_t *at)
{
    size_t n = step->width / step->parts, part = *at / n, rest = *at % n, i = 0;
    for (; rest >= step->piece[i]; i++)
        rest -= step->piece[i];
    *at = part * step->piece[i] + rest;
    return &step->operand[i];
}

/* Passes x + constant or x - constant; NULL if the step is none. */
static const struct operand *added(const struct step *step, size_t at, double *offset)
{
    bool is_sum = step->element == ELEMENT_ADD, is_left = step->operand[0].constant != NULL;
    const struct operand *by = &step->operand[!is_left];
    if ((!is_sum && (step->element != ELEMENT_SUB || is_left)) || !by->constant)
        return NULL;
    double number = (double)by->constant[by->len == 1 ? 0 : at];
    *offset += is_sum ? number : -number;
    return number == floor(number) ? &step->operand[is_left] : NULL;
}

/* Passes Where(x < 0, x + constant, x), which wraps indices from the end: the x, or NULL.
 * onnx_embed takes those below 0 itself. */
static const struct operand *wrapped(const struct onnx_graph *graph, const struct step *step)
{
    const struct operand *x = &step->operand[2];
    if (step->element != ELEMENT_WHERE || step->operand[0].constant || step->operand[1].constant ||
        x->constant || step->operand[0].value == STEP_INPUT || step->operand[1].value == STEP_INPUT)
        return NULL;
    const struct step *test = &graph->source->step[step->operand[0].value - 1],
                      *sum = &graph->source->step[step->operand[1].value - 1];
    bool is_test = test->kind == STEP_ELEMENT && test->element == ELEMENT_LESS &&
                   !test->operand[0].constant && test->operand[0].value == x->value &&
                   test->operand[1].constant && test->operand[1].len == 1 &&
                   *test->operand[1].constant == 0;
    bool is_sum = sum->kind == STEP_ELEMENT && sum->element == ELEMENT_ADD &&
                  !sum->operand[0].constant && sum->operand[0].value == x->value &&
                  sum->operand[1].constant;
    return is_test && is_sum ? x : NULL;
}

bool onnx_find_origin(struct onnx_graph *graph, size_t value, size_t at, struct onnx_origin *origin)
{
    double offset = 0;
    while (value != STEP_INPUT) {
        const struct step *step = &graph->source->step[value - 1];
        const struct operand *from = NULL;
        if (!onnx_spend(graph, 1))
            return false;
        if (step->kind == STEP_GATHER) {
            from = &step->operand[0];
            at = step->map[at];
        } else if (step->kind == STEP_JOIN) {
            from = onnx_joined(step, &at);
        } else if (step->kind == STEP_ELEMENT && step->element == ELEMENT_TRUNC) {
            from = &step->operand[0];
        } else if (step->kind == STEP_ELEMENT && element_operands(step->element) == 2) {
            from = added(step, at, &offset);
        } else if (step->kind == STEP_ELEMENT && element_operands(step->element) == 3) {
            from = wrapped(graph, step);
        }
        if (!from)
            return end_at_step(graph, step, at, offset, origin);
        if (from->constant)
            return end_at_numbers(graph, &from->constant[from->len == 1 ? 0 : at], 1, 1, offset,
                                  origin);
        value = from->value;
    }
    *origin = (struct onnx_origin){at, offset, offset};
    return true;
}

bool onnx_limit_feature(struct onnx_graph *graph, size_t feature, size_t indices)
{
    if (!model_source_features(graph->source))
        return false;
    size_t *limit = &graph->source->feature[feature].indices;
    *limit = *limit && *limit < indices ? *limit : indices;
    return true;
}
