#include "core/format/model_chain.h"

#include <stdlib.h>

static bool is_by_constant(const struct step *step, enum element element)
{
    return step->kind == STEP_ELEMENT && step->element == element && !step->operand[0].constant &&
           step->operand[1].constant;
}

static bool fail_shape(struct relud_error *error, size_t index, const char *why)
{
    return relud_fail(error, RELUD_UNSUPPORTED,
                      "the net is no chain of layers (step %zu %s), which is what model.json says: "
                      "serve the .onnx file itself",
                      index, why);
}

/* Takes "x, or a constant where x is NaN". Returns how many steps it took. */
static size_t take_imputation(struct chain *chain)
{
    const struct network *network = chain->network;
    const struct step *test = network->step, *choice = test + 1;
    if (network->steps < 3 || test->kind != STEP_ELEMENT || test->element != ELEMENT_EQUAL ||
        choice->kind != STEP_ELEMENT || choice->element != ELEMENT_WHERE)
        return 0;
    const struct operand *a = test->operand, *b = choice->operand;
    bool is_imputation = !a[0].constant && a[0].value == STEP_INPUT && !a[1].constant &&
                         a[1].value == STEP_INPUT && !b[0].constant && b[0].value == 1 &&
                         !b[1].constant && b[1].value == STEP_INPUT && b[2].constant;
    chain->missing = is_imputation ? &b[2] : NULL;
    return is_imputation ? 2 : 0;
}

/* Reads the input's steps if they have a form that model.json can express: missing values imputed,
 * then x scaled and shifted, or (x - mean) / std. */
static void read_input(struct chain *chain)
{
    const struct network *network = chain->network;
    const struct step *step = network->step;
    size_t steps = network->steps;
    chain->scale = 1;
    chain->first = take_imputation(chain);
    step += chain->first;
    steps -= chain->first;
    if (steps > 1 && is_by_constant(step, ELEMENT_MUL) && step->operand[1].len == 1) {
        chain->scale = (double)*step->operand[1].constant;
        chain->first++;
        if (steps > 2 && is_by_constant(step + 1, ELEMENT_ADD) && step[1].operand[1].len == 1) {
            chain->shift = (double)*step[1].operand[1].constant;
            chain->first++;
        }
        return;
    }
    if (steps > 1 && is_by_constant(step, ELEMENT_SUB)) {
        chain->mean = &step->operand[1];
        chain->first++;
        step++;
        steps--;
    }
    if (steps > 1 && is_by_constant(step, ELEMENT_DIV)) {
        chain->std = &step->operand[1];
        chain->first++;
    }
}

/* Takes a product and a sum by constants from step i on, either of which may be missing. Returns
 * how many steps it took. */
static size_t take_affine(const struct network *network, size_t i, struct item *item)
{
    size_t taken = 0;
    if (i < network->steps && is_by_constant(&network->step[i], ELEMENT_MUL)) {
        item->scale = &network->step[i].operand[1];
        taken++;
    }
    if (i + taken < network->steps && is_by_constant(&network->step[i + taken], ELEMENT_ADD)) {
        item->shift = &network->step[i + taken].operand[1];
        taken++;
    }
    return taken;
}

/* Takes the next item from step i on. Returns how many steps it took; 0 if they are no layer. A
 * product right after a linear layer is refused: when the file is read again, it would be folded
 * into that layer and give different bits. */
static size_t take_item(const struct chain *chain, size_t i, struct item *item)
{
    const struct network *network = chain->network;
    const struct step *step = &network->step[i];
    const struct item *before = chain->items ? &chain->item[chain->items - 1] : NULL;
    size_t taken = 0;
    *item = (struct item){0};
    if (step->parts != 1)
        return 0;
    if (step->kind == STEP_LINEAR) {
        item->step = step;
        taken = 1;
    } else if (step->kind == STEP_NORMALIZE && !step->is_root_mean_square) {
        item->type = ITEM_LAYER_NORM;
        item->step = step;
        taken = 1 + take_affine(network, i + 1, item);
    } else if (!before || before->type != ITEM_LINEAR || before->activate) {
        item->type = ITEM_BATCH_NORM;
        taken = take_affine(network, i, item);
    }
    const struct step *next = taken && i + taken < network->steps ? step + taken : NULL;
    if (!next || next->kind != STEP_ACTIVATE || next->parts != 1)
        return taken;
    item->activate = next;
    return taken + 1;
}

bool model_chain_read(struct chain *chain, const relud_model *model, struct relud_error *error)
{
    const struct network *network = model_network(model);
    *chain = (struct chain){.network = network, .inputs = model_inputs(model)};
    if (chain->inputs)
        chain->first = chain->inputs->steps;
    else
        read_input(chain);
    for (size_t i = chain->first; i < network->steps; i++)
        if (network->step[i].operand[0].value != i)
            return fail_shape(error, i, "reads what an earlier one made");
    if (network->results != 1 || network->result[0].value != network->steps ||
        chain->first == network->steps)
        return fail_shape(error, network->steps, "is not the one answer");
    chain->item = calloc(network->steps + 1, sizeof *chain->item);
    if (!chain->item)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    for (size_t i = chain->first, taken; i < network->steps; i += taken, chain->items++) {
        taken = take_item(chain, i, &chain->item[chain->items]);
        if (taken == 0)
            return fail_shape(error, i, "is neither a layer nor its activation");
    }
    return true;
}
