#include "core/net/kinks.h"

#include "core/kernels/activation.h"
#include <stdint.h>

static size_t kinks_of_activation(const struct step *step)
{
    float at[ACTIVATION_KINKS_MAX];
    return step->width * activation_kinks(step->activation, &step->params, at);
}

static size_t kinks_of_element(const struct step *step)
{
    switch (step->element) {
    case ELEMENT_NEG:
    case ELEMENT_ADD:
    case ELEMENT_SUB:
    case ELEMENT_MUL:
    case ELEMENT_DIV:
    case ELEMENT_WHERE: /* what it goes by has kinks of its own */
    case ELEMENT_NOT:
    case ELEMENT_AND:
    case ELEMENT_OR:
    case ELEMENT_XOR:
    case ELEMENT_IS_NAN:
        return 0;
    case ELEMENT_ABS:
    case ELEMENT_SIGN:
    case ELEMENT_TRUTH:
    case ELEMENT_MIN:
    case ELEMENT_MAX:
    case ELEMENT_LESS:
    case ELEMENT_LESS_EQUAL:
    case ELEMENT_GREATER:
    case ELEMENT_GREATER_EQUAL:
    case ELEMENT_EQUAL:
        return step->width;
    default:
        return SIZE_MAX;
    }
}

size_t step_kinks(const struct step *step)
{
    switch (step->kind) {
    case STEP_ACTIVATE:
        return kinks_of_activation(step);
    case STEP_ELEMENT:
        return kinks_of_element(step);
    case STEP_REDUCE:
        if (step->reduction == REDUCE_SUM || step->reduction == REDUCE_MEAN)
            return 0;
        return step->reduction == REDUCE_MAX || step->reduction == REDUCE_MIN ||
                       step->reduction == REDUCE_L1
                   ? step->reduce_width
                   : SIZE_MAX;
    case STEP_NORMALIZE:
    case STEP_TOP:
        return SIZE_MAX;
    default:
        return 0;
    }
}

static void add_term(struct kink_at *kink, size_t operand, size_t index, double by)
{
    kink->term[kink->terms].operand = operand;
    kink->term[kink->terms].index = index;
    kink->term[kink->terms++].by = by;
}

/* Of the greatest or least number of each part: each other one may become it. */
static void find_kink_of_reduction(const struct step *step, const float *x, const float *y,
                                   size_t index, struct kink_at *kink)
{
    size_t n = step->reduce_width / step->parts, first = index / n * n, chosen = first;
    add_term(kink, 0, index, 1);
    if (step->reduction == REDUCE_L1)
        return;
    while (chosen + 1 < first + n && x[chosen] != y[index / n])
        chosen++;
    kink->value -= (double)x[chosen];
    if (chosen != index)
        add_term(kink, 0, chosen, -1);
    else
        kink->terms = 0;
}

struct kink_at step_kink(const struct step *step, const float *const *x, const float *y,
                         size_t index)
{
    struct kink_at kink = {.terms = 0};
    float at[ACTIVATION_KINKS_MAX];
    if (step->kind == STEP_ACTIVATE) {
        size_t each = activation_kinks(step->activation, &step->params, at);
        kink.value = (double)x[0][index / each] - (double)at[index % each];
        add_term(&kink, 0, index / each, 1);
        return kink;
    }
    kink.value = (double)x[0][step->operand[0].constant && step->operand[0].len == 1 ? 0 : index];
    if (step->kind == STEP_REDUCE) {
        find_kink_of_reduction(step, x[0], y, index, &kink);
        return kink;
    }
    add_term(&kink, 0, index, 1);
    if (step->operands > 1) {
        const struct operand *with = &step->operand[1];
        kink.value -= (double)x[1][with->constant && with->len == 1 ? 0 : index];
        add_term(&kink, 1, index, -1);
    }
    return kink;
}
