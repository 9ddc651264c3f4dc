/* Builds steps from operations: folds constants and broadcasts shapes. */
#include "core/onnx/graph.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_AT_FIRST = 64, OPERANDS_MAX = ONNX_NAMES_MAX };

/* ---- appending steps ---- */

static bool make_room(struct onnx_graph *graph)
{
    struct model_source *source = graph->source;
    if (source->steps < graph->steps_max)
        return true;
    size_t more = graph->steps_max ? 2 * graph->steps_max : STEPS_AT_FIRST;
    struct step *step = arena_take_array(source->arena, more, sizeof *step);
    if (!step)
        return onnx_no_memory(graph);
    if (source->steps)
        memcpy(step, source->step, source->steps * sizeof *step);
    source->step = step;
    graph->steps_max = more;
    return true;
}

/* True if the step only chooses among numbers: a NaN may be one that is never chosen. */
static bool is_choice(const struct step *step)
{
    return step->kind == STEP_ELEMENT && step->element == ELEMENT_WHERE;
}

/* True if whole numbers make whole numbers. */
static bool keeps_whole(const struct step *step)
{
    switch (step->kind) {
    case STEP_GATHER:
    case STEP_JOIN:
    case STEP_CUMULATE:
        return true;
    case STEP_REDUCE:
        return step->reduction != REDUCE_MEAN && step->reduction != REDUCE_L2;
    case STEP_ELEMENT:
        return step->element == ELEMENT_NEG || step->element == ELEMENT_ABS ||
               (step->element >= ELEMENT_FLOOR && step->element <= ELEMENT_IS_NAN) ||
               (step->element >= ELEMENT_ADD && step->element <= ELEMENT_WHERE &&
                step->element != ELEMENT_DIV && step->element != ELEMENT_POW);
    default:
        return false;
    }
}

/* Makes constants that were computed of whole numbers such again, as far as float32 has them. */
static bool make_whole(struct onnx_graph *graph, const struct step *step,
                       const struct onnx_value *x, size_t count, struct onnx_value *out)
{
    const float *from = out->floats;
    bool is_whole = keeps_whole(step);
    for (size_t i = step->element == ELEMENT_WHERE && step->kind == STEP_ELEMENT; i < count; i++)
        is_whole &= x[i].kind == ONNX_WHOLES;
    for (size_t i = 0; is_whole && i < out->width; i++)
        is_whole = fabsf(from[i]) < 0x1p24f;
    if (!is_whole)
        return true;
    long long *wholes = arena_take_array(&graph->source->temporary, out->width, sizeof *wholes);
    if (!wholes)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < out->width; i++)
        wholes[i] = (long long)from[i];
    out->kind = ONNX_WHOLES;
    out->wholes = wholes;
    out->floats = NULL;
    return true;
}

/* Evaluates a step now, on one row, because all its operands are constant. */
static bool fold(struct onnx_graph *graph, struct step *step, const struct onnx_value *x,
                 size_t count, struct onnx_value *out)
{
    const float *from[OPERANDS_MAX];
    float *to = arena_take_array(&graph->source->temporary, out->width, sizeof *to);
    out->is_turned = false;
    for (size_t i = 0; i < count; i++) {
        from[i] = onnx_passing_constant(graph, &x[i], "an input");
        if (!from[i])
            return false;
        step->operand[i].constant = from[i];
    }
    if (!to)
        return onnx_no_memory(graph);
    if (step->kind == STEP_LINEAR) {
        struct relud_model_options options = {0};
        if (!linear_pack(&step->linear, &graph->source->temporary, &step->weights, &options,
                         graph->file.error))
            return false;
    }
    step_run(step, RELUD_ISA_SCALAR, from, to, 1);
    bool is_moving = step->kind == STEP_GATHER || step->kind == STEP_JOIN || is_choice(step);
    for (size_t i = 0; !is_moving && i < out->width; i++)
        if (to[i] != to[i])
            return onnx_fail(graph, "its constants make NaN");
    out->kind = ONNX_FLOATS;
    out->floats = to;
    return make_whole(graph, step, x, count, out);
}

/* True if an infinite constant among the operands does not make the result infinite or NaN. */
static bool may_be_infinite(const struct step *step)
{
    return step->kind == STEP_ELEMENT &&
           (step->element == ELEMENT_MIN || step->element == ELEMENT_MAX ||
            (step->element >= ELEMENT_LESS && step->element <= ELEMENT_EQUAL));
}

bool onnx_emit(struct onnx_graph *graph, const struct step *step, const struct onnx_value *x,
               size_t count, struct onnx_value *out)
{
    struct model_source *source = graph->source;
    struct step made = *step;
    bool varies = false;
    made.width = out->width;
    made.parts = made.parts ? made.parts : 1;
    made.operands = count;
    made.operand = arena_take_array(source->arena, count, sizeof *made.operand);
    if (!made.operand)
        return onnx_no_memory(graph);
    out->is_batched = false;
    out->tensor = NULL;
    out->wholes = NULL;
    out->is_batch = NULL;
    bool moves = step->kind == STEP_GATHER || step->kind == STEP_JOIN, is_whole = moves;
    size_t texts = 0;
    for (size_t i = 0; i < count; i++) {
        made.operand[i].len = x[i].width;
        varies |= x[i].kind == ONNX_ROWS;
        texts += x[i].is_text || x[i].kind == ONNX_TEXTS;
        is_whole &= x[i].kind == ONNX_WHOLES || (x[i].kind == ONNX_ROWS && x[i].is_whole);
        if (x[i].kind != ONNX_ROWS || !x[i].is_batched)
            continue;
        out->is_batched = true;
        out->batch_axis = x[i].batch_axis;
        out->batch_outer = x[i].batch_outer;
    }
    if (texts && (!moves || texts < count || !varies))
        return onnx_fail(graph, "it computes with words, or puts words and numbers together");
    out->is_text = texts > 0;
    out->is_whole |= is_whole;
    if (!onnx_spend(graph, out->width))
        return false;
    if (varies && out->width > MODEL_WIDTH_MAX)
        return onnx_fail(graph, "a row would be %zu numbers wide; at most %d are taken", out->width,
                         MODEL_WIDTH_MAX);
    if (!varies)
        return fold(graph, &made, x, count, out);
    for (size_t i = 0; i < count; i++) {
        made.operand[i].value = x[i].value;
        if (x[i].kind == ONNX_ROWS)
            continue;
        made.operand[i].constant = is_choice(&made) ? onnx_any_constant(graph, &x[i], "an input")
                                   : may_be_infinite(&made)
                                       ? onnx_bounding_constant(graph, &x[i], "an input")
                                       : onnx_constant(graph, &x[i], "an input");
        if (!made.operand[i].constant)
            return false;
    }
    bool is_input;
    if (!onnx_compose_views(graph, &made, x, count, &is_input) || !make_room(graph))
        return false;
    out->kind = ONNX_ROWS;
    out->floats = NULL;
    out->value = STEP_INPUT;
    if (is_input)
        return true;
    source->step[source->steps++] = made;
    out->value = source->steps;
    return true;
}

bool onnx_spread(struct onnx_graph *graph, const struct onnx_value *x, size_t axis,
                 struct onnx_value *out)
{
    struct model_source *source = graph->source;
    struct operand *operand = arena_take(source->arena, sizeof *operand);
    size_t *piece = arena_take(source->arena, sizeof *piece);
    if (!operand || !piece)
        return onnx_no_memory(graph);
    *piece = operand->len = x->width;
    operand->constant = onnx_constant(graph, x, "what is spread");
    if (x->width > MODEL_WIDTH_MAX)
        return onnx_fail(graph, "a row would be %zu numbers wide", x->width);
    if (!operand->constant || !make_room(graph))
        return false;
    source->step[source->steps++] = (struct step){.kind = STEP_JOIN,
                                                  .operands = 1,
                                                  .operand = operand,
                                                  .width = x->width,
                                                  .parts = 1,
                                                  .piece = piece};
    const struct onnx_value from = *x; /* which may be *out */
    *out = (struct onnx_value){.kind = ONNX_ROWS,
                               .is_batched = true,
                               .batch_axis = axis,
                               .is_whole = from.kind == ONNX_WHOLES,
                               .value = source->steps};
    return onnx_shape(graph, out, from.rank, from.shape);
}

/* ---- moving numbers ---- */

uint32_t *onnx_new_map(struct onnx_graph *graph, size_t width)
{
    if (!onnx_spend(graph, width))
        return NULL;
    uint32_t *map = arena_take_array(graph->source->arena, width, sizeof *map);
    if (!map)
        onnx_no_memory(graph);
    return map;
}

static bool gather_wholes(struct onnx_graph *graph, const struct onnx_value *x, const uint32_t *map,
                          struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    long long *wholes = arena_take_array(arena, out->width, sizeof *wholes);
    bool *is_batch = x->is_batch ? arena_take_array(arena, out->width, sizeof *is_batch) : NULL;
    bool any = false;
    if (!wholes || (x->is_batch && !is_batch))
        return onnx_no_memory(graph);
    for (size_t i = 0; i < out->width; i++) {
        wholes[i] = x->wholes[map[i]];
        if (is_batch)
            any |= is_batch[i] = x->is_batch[map[i]];
    }
    out->kind = ONNX_WHOLES;
    out->wholes = wholes;
    out->is_batch = any ? is_batch : NULL;
    out->is_batched = false;
    return true;
}

bool onnx_gather(struct onnx_graph *graph, const struct onnx_value *x, const uint32_t *map,
                 size_t rank, const size_t *shape, struct onnx_value *out)
{
    struct onnx_value made = {0};
    if (!onnx_shape(graph, &made, rank, shape))
        return false;
    struct step step = {.kind = STEP_GATHER, .map = map, .gather_width = x->width};
    bool is_made = x->kind == ONNX_WHOLES ? gather_wholes(graph, x, map, &made)
                                          : onnx_emit(graph, &step, x, 1, &made);
    *out = made;
    return is_made;
}

bool onnx_gather_by_strides(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                            const size_t *shape, const size_t *stride, struct onnx_value *out)
{
    size_t at[ONNX_RANK_MAX] = {0}, place = 0;
    struct onnx_value about = {0};
    if (!onnx_shape(graph, &about, rank, shape))
        return false;
    uint32_t *map = onnx_new_map(graph, about.width);
    if (!map)
        return false;
    for (size_t i = 0; i < about.width; i++) {
        map[i] = (uint32_t)place;
        for (size_t k = rank; k-- > 0;) {
            place += stride[k];
            if (++at[k] < shape[k])
                break;
            place -= stride[k] * shape[k];
            at[k] = 0;
        }
    }
    return onnx_gather(graph, x, map, rank, shape, out);
}

bool onnx_transpose(struct onnx_graph *graph, const struct onnx_value *x, const size_t *order,
                    struct onnx_value *out)
{
    size_t shape[ONNX_RANK_MAX], stride[ONNX_RANK_MAX], last = 0, batch = 0;
    bool is_same = true, stays = true; /* stays: only axes of one element move */
    for (size_t i = 0; i < x->rank; i++) {
        shape[i] = x->shape[order[i]];
        stride[i] = onnx_product(x, order[i] + 1, x->rank);
        is_same &= order[i] == i;
        stays &= shape[i] == 1 || order[i] >= last;
        last = shape[i] == 1 ? last : order[i];
        batch = order[i] == x->batch_axis ? i : batch;
    }
    const struct onnx_value from = *x; /* which may be *out */
    *out = from;
    if (is_same)
        return true;
    x = &from;
    if (x->kind == ONNX_ROWS && stays) {
        out->batch_axis = batch;
        return onnx_shape(graph, out, x->rank, shape);
    }
    if (x->kind == ONNX_FLOATS && x->rank == 2) { /* a layer's weights may be in either order */
        out->is_turned = !x->is_turned;
        out->shape[0] = x->shape[1];
        out->shape[1] = x->shape[0];
        return true;
    }
    if (!onnx_gather_by_strides(graph, x, x->rank, shape, stride, out))
        return false;
    out->batch_axis = batch;
    return true;
}

bool onnx_unturn(struct onnx_graph *graph, struct onnx_value *value)
{
    if (value->is_turned) {
        value->floats = onnx_passing_constant(graph, value, "it");
        value->is_turned = false;
    }
    return value->kind != ONNX_FLOATS || value->floats;
}

bool onnx_expand(struct onnx_graph *graph, const struct onnx_value *x, size_t rank,
                 const size_t *shape, struct onnx_value *out)
{
    size_t stride[ONNX_RANK_MAX] = {0}, more = rank - x->rank;
    bool is_same = more == 0;
    for (size_t i = 0; i < x->rank; i++) {
        stride[more + i] = x->shape[i] == 1 ? 0 : onnx_product(x, i + 1, x->rank);
        is_same &= x->shape[i] == shape[more + i];
    }
    const struct onnx_value from = *x; /* which may be *out */
    *out = from;
    if (is_same)
        return true;
    if (!onnx_gather_by_strides(graph, &from, rank, shape, stride, out))
        return false;
    out->batch_axis = from.batch_axis + more;
    return true;
}

/* ---- element-wise ---- */

/* Finds the shape of operands that are broadcast against each other. Their batches must be the same
 * axis, and an operand without a batch must have size 1 there. */
static bool broadcast(struct onnx_graph *graph, const struct onnx_value *x, size_t count,
                      size_t *rank, size_t *shape)
{
    size_t batch = ONNX_RANK_MAX, outer = 0;
    *rank = 0;
    for (size_t i = 0; i < count; i++)
        *rank = x[i].rank > *rank ? x[i].rank : *rank;
    for (size_t k = 0; k < *rank; k++)
        shape[k] = 1;
    for (size_t i = 0; i < count; i++) {
        size_t at = *rank - x[i].rank + x[i].batch_axis;
        if (x[i].kind != ONNX_ROWS || !x[i].is_batched)
            continue;
        if (batch != ONNX_RANK_MAX && (batch != at || outer != x[i].batch_outer))
            return onnx_fail_mixing(graph, "it combines numbers");
        batch = at;
        outer = x[i].batch_outer;
    }
    for (size_t i = 0; i < count; i++) {
        bool has_batch = x[i].kind == ONNX_ROWS && x[i].is_batched;
        for (size_t k = 0; k < x[i].rank; k++) {
            size_t at = *rank - x[i].rank + k, *dim = &shape[at], own = x[i].shape[k];
            if (at == batch && !has_batch && own != 1)
                return onnx_fail_mixing(graph, "it combines numbers");
            if (own != *dim && own != 1 && *dim != 1)
                return onnx_fail(graph, "dimensions of %zu and %zu do not go together", *dim, own);
            if (own != 1)
                *dim = own;
        }
    }
    return true;
}

bool onnx_element(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                  const struct onnx_value *b, const struct onnx_value *c, struct onnx_value *out)
{
    struct onnx_value x[3] = {*a, b ? *b : *a, c ? *c : *a};
    size_t count = element_operands(element), rank = 0, shape[ONNX_RANK_MAX] = {0};
    struct step step = {.kind = STEP_ELEMENT, .element = element};
    struct onnx_value made = {0};
    if (!broadcast(graph, x, count, &rank, shape) || !onnx_shape(graph, &made, rank, shape))
        return false;
    bool varies = false, is_whole = true;
    for (size_t i = 0; i < count; i++) {
        varies |= x[i].kind == ONNX_ROWS;
        is_whole &= x[i].kind == ONNX_WHOLES || (x[i].kind == ONNX_ROWS && x[i].is_whole);
    }
    for (size_t i = 0; i < count; i++) /* single constants are not expanded */
        if ((x[i].width > 1 || x[i].kind == ONNX_ROWS || !varies) &&
            !onnx_expand(graph, &x[i], rank, shape, &x[i]))
            return false;
    if (!onnx_emit(graph, &step, x, count, &made) ||
        (made.kind == ONNX_ROWS && !onnx_fuse(graph, &made)))
        return false;
    if (is_whole && made.kind == ONNX_ROWS && element == ELEMENT_DIV)
        return onnx_element(graph, ELEMENT_TRUNC, &made, NULL, NULL, out);
    *out = made;
    out->is_whole = is_whole || (x[0].is_whole && element == ELEMENT_POW);
    return true;
}

bool onnx_apply(struct onnx_graph *graph, const struct relud_activation *activation,
                const struct relud_activation_params *params, const struct onnx_value *x,
                struct onnx_value *out)
{
    struct step step = {.kind = STEP_ACTIVATE, .activation = activation};
    step.params = params ? *params : relud_activation_defaults(activation);
    struct onnx_value made = {.rank = x->rank, .width = x->width};
    memcpy(made.shape, x->shape, sizeof made.shape);
    if (!onnx_emit(graph, &step, x, 1, &made))
        return false;
    *out = made;
    return true;
}

bool onnx_activate(struct onnx_graph *graph, const char *name,
                   const struct relud_activation_params *params, const struct onnx_value *x,
                   struct onnx_value *out)
{
    return onnx_apply(graph, relud_activation_find(name), params, x, out);
}
