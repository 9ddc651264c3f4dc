#include "core/net/chain.h"

bool chain_begin(struct model_source *source, size_t steps_max)
{
    source->step = arena_take_array(source->arena, steps_max, sizeof *source->step);
    source->result = arena_take(source->arena, sizeof *source->result);
    return source->step && source->result;
}

struct step *chain_add(struct model_source *source, enum step_kind kind, size_t width)
{
    struct step *step = &source->step[source->steps];
    *step = (struct step){.kind = kind, .parts = 1, .width = width};
    step->operands = kind == STEP_ELEMENT ? 2 : 1;
    step->operand = arena_take_array(source->arena, step->operands, sizeof *step->operand);
    if (!step->operand)
        return NULL;
    step->operand[0].value = source->steps++;
    return step;
}

bool chain_add_element(struct model_source *source, enum element element, size_t width,
                       const float *by, size_t len)
{
    struct step *step = chain_add(source, STEP_ELEMENT, width);
    if (!step)
        return false;
    step->element = element;
    step->operand[1] = (struct operand){.constant = by, .len = len};
    return true;
}

bool chain_add_imputation(struct model_source *source, size_t width, const float *instead)
{
    struct step *test = chain_add(source, STEP_ELEMENT, width);
    struct step *choice = test ? chain_add(source, STEP_ELEMENT, width) : NULL;
    struct operand *operand = choice ? arena_take_array(source->arena, 3, sizeof *operand) : NULL;
    if (!operand)
        return false;
    test->element = ELEMENT_EQUAL;
    test->operand[1] = test->operand[0];
    operand[0] = choice->operand[0];
    operand[1] = test->operand[0];
    operand[2] = (struct operand){.constant = instead, .len = width};
    choice->element = ELEMENT_WHERE;
    choice->operands = 3;
    choice->operand = operand;
    return true;
}

bool chain_add_scaling(struct model_source *source, size_t width, float scale, float shift)
{
    float *by = arena_take_array(source->arena, 2, sizeof *by);
    if (!by)
        return false;
    by[0] = scale, by[1] = shift;
    bool is_scaled = scale != 1 || shift != 0;
    return (!is_scaled || chain_add_element(source, ELEMENT_MUL, width, by, 1)) &&
           (shift == 0 || chain_add_element(source, ELEMENT_ADD, width, by + 1, 1));
}

bool chain_add_standardization(struct model_source *source, size_t width, const float *mean,
                               const float *divisor)
{
    return chain_add_element(source, ELEMENT_SUB, width, mean, width) &&
           chain_add_element(source, ELEMENT_DIV, width, divisor, width);
}

void chain_end(struct model_source *source)
{
    source->info.outputs = source->step[source->steps - 1].width;
    source->info.results = 1;
    *source->result = (struct network_result){source->steps, source->info.outputs};
}
