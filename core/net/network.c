/* Builds networks and runs them. Values share scratch memory: the place of a value becomes free
 * after the last step that reads it, so a deep net needs little more scratch than a shallow one. */
#include "core/net/network.h"

#include "core/kernels/plan.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Special places of values. PLACE_NONE: the value has no place (yet). PLACE_Y: the value lies in y,
 * the memory of the answer. */
#define PLACE_NONE ((size_t)-1)
#define PLACE_Y    ((size_t)-2)

enum { OPERANDS_MAX = 1024, UNIT = 16 /* floats; places begin at cache lines */ };

size_t network_width(const struct network *network, size_t value)
{
    return value == STEP_INPUT ? network->features : network->step[value - 1].width;
}

/* ---- steps that are needed ---- */

/* Sets readers[value] to the number of operands and results that use the value. Steps whose own
 * value is unused do not count. */
static void count_readers(const struct network *network, size_t *readers)
{
    memset(readers, 0, (network->steps + 1) * sizeof *readers);
    for (size_t i = 0; i < network->results; i++)
        readers[network->result[i].value]++;
    for (size_t i = network->steps; i-- > 0;) {
        const struct step *step = &network->step[i];
        for (size_t k = 0; readers[i + 1] && k < step->operands; k++)
            if (!step->operand[k].constant)
                readers[step->operand[k].value]++;
    }
}

/* Removes the steps whose value is unused and renumbers the rest. `readers` is scratch memory for
 * steps + 1 numbers. */
static void drop_unneeded(struct network *network, size_t *readers)
{
    count_readers(network, readers);
    size_t kept = 0, *number = readers; /* each count is replaced by the new number */
    number[STEP_INPUT] = STEP_INPUT;
    for (size_t i = 0; i < network->steps; i++) {
        struct step *step = &network->step[i];
        if (readers[i + 1] == 0)
            continue;
        for (size_t k = 0; k < step->operands; k++)
            if (!step->operand[k].constant)
                step->operand[k].value = number[step->operand[k].value];
        network->step[kept++] = *step;
        number[i + 1] = kept;
    }
    for (size_t i = 0; i < network->results; i++)
        network->result[i].value = number[network->result[i].value];
    network->steps = kept;
}

/* ---- places ---- */

struct places {
    size_t *last; /* [values]: the last step that reads the value; `steps` for results */
    /* [values]: the parts of scratch in use, in floats per row, sorted by `from`. */
    struct span {
        size_t from, to;
    } * taken;
    size_t spans;
};

static size_t take_place(struct places *places, size_t width)
{
    size_t at = 0, i = 0;
    width = (width + UNIT - 1) / UNIT * UNIT;
    while (i < places->spans && places->taken[i].from < at + width)
        at = places->taken[i++].to;
    memmove(&places->taken[i + 1], &places->taken[i],
            (places->spans++ - i) * sizeof *places->taken);
    places->taken[i] = (struct span){at, at + width};
    return at;
}

static void leave_place(struct places *places, size_t at)
{
    size_t i = 0;
    while (i < places->spans && places->taken[i].from != at)
        i++;
    if (i < places->spans)
        memmove(&places->taken[i], &places->taken[i + 1],
                (--places->spans - i) * sizeof *places->taken);
}

static void note_last_readers(const struct network *network, size_t *last)
{
    for (size_t i = 0; i < network->steps; i++)
        for (size_t k = 0; k < network->step[i].operands; k++)
            if (!network->step[i].operand[k].constant)
                last[network->step[i].operand[k].value] = i;
    for (size_t i = 0; i < network->results; i++)
        last[network->result[i].value] = network->steps;
}

/* True if step i may write over its first operand: no later step reads the operand, and it is as
 * wide as the result. */
static bool is_in_place(const struct network *network, const size_t *last, size_t i)
{
    const struct step *step = &network->step[i];
    const struct operand *first = step->operand;
    return step_may_be_in_place(step) && !first->constant && first->value != STEP_INPUT &&
           last[first->value] == i && network_width(network, first->value) == step->width;
}

/* If there is only one result, it is computed in y itself, and so are the values that it is made
 * from in place. */
static void place_in_y(struct network *network, const size_t *last)
{
    size_t value = network->result[0].value;
    if (network->results != 1 || value == STEP_INPUT)
        return;
    network->place[value] = PLACE_Y;
    while (is_in_place(network, last, value - 1)) {
        value = network->step[value - 1].operand[0].value;
        network->place[value] = PLACE_Y;
    }
}

static void find_places(struct network *network, struct places *places)
{
    for (size_t v = 0; v <= network->steps; v++)
        network->place[v] = PLACE_NONE;
    note_last_readers(network, places->last);
    place_in_y(network, places->last);
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i];
        size_t *place = &network->place[i + 1];
        if (*place == PLACE_NONE && is_in_place(network, places->last, i))
            *place = network->place[step->operand[0].value];
        else if (*place == PLACE_NONE)
            *place = take_place(places, step->width);
        for (size_t s = 0; s < places->spans; s++)
            if (places->taken[s].to > network->scratch)
                network->scratch = places->taken[s].to;
        for (size_t k = 0; k < step->operands; k++) {
            size_t value = step->operand[k].value;
            if (!step->operand[k].constant && value != STEP_INPUT && places->last[value] == i &&
                network->place[value] != *place)
                leave_place(places, network->place[value]);
        }
    }
}

/* ---- layers ---- */

static void find_layers(struct network *network, const size_t *readers)
{
    const struct step *joined = NULL; /* an activation that belongs to its linear step's layer */
    for (size_t i = 0; i < network->steps; i++) {
        const struct step *step = &network->step[i], *next = step + 1;
        bool is_followed = i + 1 < network->steps && next->kind == STEP_ACTIVATE &&
                           next->operand[0].value == i + 1 && readers[i + 1] == 1;
        struct network_layer layer = {.last = i + 1};
        if (step->kind == STEP_LINEAR) {
            layer.linear = step;
            layer.activate = joined = is_followed ? next : NULL;
            layer.last += is_followed;
        } else if (step->kind == STEP_ACTIVATE && step != joined) {
            layer.activate = step;
        } else {
            continue;
        }
        network->layer[network->layers++] = layer;
    }
}

/* ---- building ---- */

static bool pack_layers(struct network *network, struct arena *arena,
                        const struct relud_model_options *options, struct relud_error *error)
{
    for (size_t i = 0; i < network->steps; i++) {
        struct step *step = &network->step[i];
        if (step->kind != STEP_LINEAR)
            continue;
        if (!linear_pack(&step->linear, arena, &step->weights, options, error) ||
            !plan_make(&step->linear, arena, error))
            return false;
        step->weights = (struct weights){0}; /* they point to memory that is freed after loading */
    }
    return true;
}

bool network_build(struct network *network, struct arena *arena, size_t features, struct step *step,
                   size_t steps, const struct network_result *result, size_t results,
                   const struct relud_model_options *options, struct relud_error *error)
{
    *network = (struct network){.features = features,
                                .isa = options->isa,
                                .steps = steps,
                                .step = step,
                                .results = results};
    if (network->isa == RELUD_ISA_BEST)
        network->isa = relud_isa_best();
    if (network->isa > relud_isa_best())
        return relud_fail(error, RELUD_UNSUPPORTED, "this CPU has no %s that gives the same bits",
                          relud_isa_name(network->isa));
    network->place = arena_take_array(arena, steps + 1, sizeof *network->place);
    network->layer = arena_take_array(arena, steps + 1, sizeof *network->layer);
    network->result = arena_take_array(arena, results, sizeof *network->result);
    size_t *readers = calloc(steps + 1, sizeof *readers);
    struct places places = {calloc(steps + 1, sizeof *places.last),
                            calloc(steps + 2, sizeof *places.taken), 0};
    bool is_built = network->place && network->layer && network->result && readers && places.last &&
                    places.taken;
    if (is_built) {
        memcpy(network->result, result, results * sizeof *result);
        drop_unneeded(network, readers);
        for (size_t i = 0; i < results; i++)
            network->outputs += result[i].width;
        count_readers(network, readers);
        find_layers(network, readers);
        find_places(network, &places);
        is_built = pack_layers(network, arena, options, error);
    } else {
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for %zu steps", steps);
    }
    free(readers);
    free(places.last);
    free(places.taken);
    return is_built;
}

/* ---- forward ---- */

size_t network_scratch_floats(const struct network *network, size_t rows)
{
    return rows * network->scratch;
}

static const float *value_at(const struct network_pass *pass, size_t value)
{
    size_t place = pass->network->place[value];
    if (value == STEP_INPUT)
        return pass->x;
    return place == PLACE_Y ? pass->y : pass->scratch + place * pass->rows;
}

void network_gather_results(const struct network_pass *pass)
{
    const struct network *network = pass->network;
    float *y = pass->y;
    if (network->results == 1 && network->place[network->result[0].value] == PLACE_Y)
        return;
    for (size_t i = 0; i < network->results; i++) {
        size_t width = network->result[i].width;
        const float *from = value_at(pass, network->result[i].value);
        for (size_t r = 0; r < pass->rows; r++)
            memcpy(y + r * network->outputs, from + r * width, width * sizeof *y);
        y += width;
    }
}

/* Where the value of step `index` is written. */
static float *place_of(const struct network_pass *pass, size_t index)
{
    size_t place = pass->network->place[index + 1];
    return place == PLACE_Y ? pass->y : pass->scratch + place * pass->rows;
}

void network_run_part(const struct network_pass *pass, size_t index,
                      const struct network_part *part)
{
    const struct network *network = pass->network;
    const struct step *step = &network->step[index];
    const float *x[OPERANDS_MAX];
    for (size_t k = 0; k < step->operands; k++) {
        const struct operand *of = &step->operand[k];
        x[k] = of->constant
                   ? of->constant
                   : value_at(pass, of->value) + part->row * network_width(network, of->value);
    }
    float *y = place_of(pass, index) + part->row * step->width;
    if (part->panels) {
        struct linear linear = linear_part(&step->linear, part->panel, part->panels);
        linear_forward(&linear, x[0], y, part->rows * step->parts);
    } else {
        step_run(step, network->isa, x, y, part->rows);
    }
}

static void forward_some(const struct network_pass *pass, float *const *layer_out, size_t done)
{
    const struct network *network = pass->network;
    const struct network_part whole = {.rows = pass->rows};
    size_t layer = 0;
    for (size_t i = 0; i < network->steps; i++) {
        network_run_part(pass, i, &whole);
        if (layer < network->layers && network->layer[layer].last == i + 1) {
            size_t width = network->step[i].width;
            if (layer_out && layer_out[layer])
                memcpy(layer_out[layer] + done * width, place_of(pass, i),
                       pass->rows * width * sizeof(float));
            layer++;
        }
    }
    network_gather_results(pass);
}

double network_linear_ns(const struct network *network, size_t rows)
{
    double ns = 0;
    for (size_t i = 0; i < network->steps; i++)
        if (network->step[i].kind == STEP_LINEAR)
            ns += linear_row_ns(&network->step[i].linear, rows) * (double)network->step[i].parts;
    return ns;
}

void network_forward(const struct network *network, const struct network_rows *rows,
                     size_t rows_max, float *scratch)
{
    size_t end = rows->first + rows->rows;
    for (size_t row = rows->first; row < end; row += rows_max) {
        struct network_pass pass = {.network = network,
                                    .x = rows->x + row * network->features,
                                    .y = rows->y + row * network->outputs,
                                    .scratch = scratch,
                                    .rows = end - row < rows_max ? end - row : rows_max};
        forward_some(&pass, rows->layer_out, row);
    }
}
