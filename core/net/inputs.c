#include "core/net/inputs.h"

#include "core/net/chain.h"
#include <math.h>
#include <string.h>

/* The steps: the numbers of all inputs are gathered and made ready at once; each table looks up a
 * row; the numbers and the rows are joined; and where inputs of both kinds alternate, a last step
 * puts them into order. */
struct adding {
    struct model_source *source;
    struct model_inputs *inputs;
    size_t numbers; /* of a row */
    size_t tables;
    size_t width; /* before the first layer */
};

static bool no_memory(const struct adding *adding)
{
    return relud_fail(adding->source->error, RELUD_NO_MEMORY, "out of memory for the inputs");
}

size_t inputs_steps_max(size_t inputs)
{
    enum { STEPS_OF_NUMBERS = 5, JOIN_AND_ORDER = 2 };
    return inputs + STEPS_OF_NUMBERS + JOIN_AND_ORDER;
}

size_t input_encoded_width(const struct model_input *input)
{
    return input->encoding == INPUT_NUMBERS   ? input->about.width
           : input->encoding == INPUT_ONE_HOT ? input->words->count
                                              : input->table_width;
}

static bool has_table(const struct model_input *input)
{
    return input->encoding != INPUT_NUMBERS;
}

static bool measure(struct adding *adding)
{
    size_t features = 0;
    for (size_t i = 0; i < adding->inputs->count; i++) {
        const struct model_input *input = &adding->inputs->input[i];
        features += input->about.width;
        adding->width += input_encoded_width(input);
        if (has_table(input))
            adding->tables++;
        else
            adding->numbers += input->about.width;
        if (features > MODEL_WIDTH_MAX || adding->width > MODEL_WIDTH_MAX)
            return relud_fail(adding->source->error, RELUD_BAD_MODEL,
                              "the inputs up to '%s' make more than %d numbers", input->about.name,
                              MODEL_WIDTH_MAX);
    }
    adding->source->info.features = features;
    return true;
}

/* ---- what the source tells of them ---- */

static void tell_feature(struct model_input *input, struct relud_feature *feature)
{
    feature->words = input->words;
    if (input->words)
        input->words->takes_unknown = input->unknown != INPUT_UNKNOWN_ERROR;
    else if (input->encoding == INPUT_EMBEDDING)
        feature->indices = input->table_rows;
}

static bool tell(const struct adding *adding)
{
    struct model_source *source = adding->source;
    const struct model_inputs *inputs = adding->inputs;
    struct relud_tensor_info *about = model_source_inputs(source, inputs->count);
    if (!about || !model_source_features(source))
        return false;
    for (size_t i = 0, first = 0; i < inputs->count; i++) {
        about[i] = inputs->input[i].about;
        tell_feature(&inputs->input[i], &source->feature[first]);
        first += about[i].width;
    }
    source->inputs = inputs;
    return true;
}

/* ---- numbers ---- */

/* Which feature each of the numbers is. NULL: out of memory. */
static uint32_t *number_map(const struct adding *adding)
{
    uint32_t *map = arena_take_array(adding->source->arena, adding->numbers, sizeof *map);
    size_t at = 0, feature = 0;
    for (size_t i = 0; map && i < adding->inputs->count; i++) {
        const struct model_input *input = &adding->inputs->input[i];
        for (size_t k = 0; k < input->about.width; k++, feature++)
            if (!has_table(input))
                map[at++] = (uint32_t)feature;
    }
    return map;
}

enum { MISSING, MEAN, STD, VECTORS };

/* One vector of all the numbers, with `none` where an input has nothing to say. NULL with true: no
 * input has. */
static bool join_vectors(const struct adding *adding, int which, const float **joined)
{
    static const float none[VECTORS] = {[MISSING] = NAN, [MEAN] = 0, [STD] = 1};
    float *to = arena_take_array(adding->source->arena, adding->numbers, sizeof *to);
    bool is_any = false;
    if (!to)
        return no_memory(adding);
    for (size_t i = 0, at = 0; i < adding->inputs->count; i++) {
        const struct model_input *input = &adding->inputs->input[i];
        const float *from = which == MISSING ? input->missing
                            : which == MEAN  ? input->mean
                                             : input->std;
        for (size_t k = 0; !has_table(input) && k < input->about.width; k++)
            to[at++] = from ? from[k] : none[which];
        is_any |= !has_table(input) && from;
    }
    *joined = is_any ? to : NULL;
    return true;
}

static bool add_numbers(const struct adding *adding)
{
    struct model_source *source = adding->source;
    const float *vector[VECTORS] = {NULL};
    for (int i = 0; i < VECTORS; i++)
        if (!join_vectors(adding, i, &vector[i]))
            return false;
    if (adding->tables) {
        struct step *step = chain_add(source, STEP_GATHER, adding->numbers);
        if (!step || !(step->map = number_map(adding)))
            return no_memory(adding);
        step->gather_width = source->info.features;
    }
    return ((!vector[MISSING] || chain_add_imputation(source, adding->numbers, vector[MISSING])) &&
            (!vector[MEAN] ||
             chain_add_standardization(source, adding->numbers, vector[MEAN], vector[STD]))) ||
           no_memory(adding);
}

/* ---- tables ---- */

static bool add_table(const struct adding *adding, const struct model_input *input, size_t feature)
{
    struct step *step = chain_add(adding->source, STEP_LOOKUP, input_encoded_width(input));
    uint32_t *map = arena_take(adding->source->arena, sizeof *map);
    if (!step || !map)
        return no_memory(adding);
    *map = (uint32_t)feature;
    step->operand[0].value = STEP_INPUT;
    step->map = map;
    step->gather_width = adding->source->info.features;
    bool takes_unknown = input->words && input->unknown != INPUT_UNKNOWN_ERROR;
    if (input->encoding == INPUT_ONE_HOT) {
        step->table_rows = input->words->count + takes_unknown;
        step->other = (size_t)(input->unknown >= 0 ? input->unknown + 1 : 0);
        return true;
    }
    size_t rows = input->table_rows + takes_unknown, width = input->table_width;
    float *table = arena_take_array(adding->source->arena, rows, width * sizeof *table);
    if (!table)
        return no_memory(adding);
    memcpy(table, input->table, input->table_rows * width * sizeof *table);
    if (takes_unknown && input->unknown >= 0) /* else its row stays zeros */
        memcpy(table + input->table_rows * width, input->table + (size_t)input->unknown * width,
               width * sizeof *table);
    step->name = input->table_name;
    step->table = table;
    step->table_rows = rows;
    return true;
}

/* ---- together ---- */

/* Joins the numbers, if there are any, and the tables' rows, which the last `tables` steps make. */
static bool add_join(const struct adding *adding)
{
    struct model_source *source = adding->source;
    size_t parts = adding->tables + (adding->numbers > 0), made = source->steps;
    if (parts < 2)
        return true;
    struct step *step = chain_add(source, STEP_JOIN, adding->width);
    struct operand *operand = arena_take_array(source->arena, parts, sizeof *operand);
    size_t *piece = arena_take_array(source->arena, parts, sizeof *piece), at = 0;
    if (!step || !operand || !piece)
        return no_memory(adding);
    if (adding->numbers) {
        operand[0].value = made - adding->tables;
        piece[at++] = adding->numbers;
    }
    for (; at < parts; at++) {
        operand[at].value = made - (parts - 1 - at);
        piece[at] = source->step[operand[at].value - 1].width;
    }
    step->operands = parts;
    step->operand = operand;
    step->piece = piece;
    return true;
}

/* Puts what was joined into the order of the inputs, unless it is in it. */
static bool add_order(const struct adding *adding)
{
    uint32_t *map = arena_take_array(adding->source->arena, adding->width, sizeof *map);
    size_t number = 0, row = adding->numbers, at = 0;
    bool is_ordered = true;
    if (!map)
        return no_memory(adding);
    for (size_t i = 0; i < adding->inputs->count; i++) {
        const struct model_input *input = &adding->inputs->input[i];
        size_t *from = has_table(input) ? &row : &number;
        for (size_t k = 0; k < input_encoded_width(input); k++, at++) {
            map[at] = (uint32_t)(*from)++;
            is_ordered &= map[at] == at;
        }
    }
    struct step *step = is_ordered ? NULL : chain_add(adding->source, STEP_GATHER, adding->width);
    if (!is_ordered && !step)
        return no_memory(adding);
    if (step) {
        step->map = map;
        step->gather_width = adding->width;
    }
    return true;
}

bool inputs_add(struct model_source *source, struct model_inputs *inputs, size_t *width)
{
    struct adding adding = {.source = source, .inputs = inputs};
    if (inputs->count > INPUTS_MAX)
        return relud_fail(source->error, RELUD_BAD_MODEL, "%zu inputs; at most %d are taken",
                          inputs->count, INPUTS_MAX);
    if (!measure(&adding) || !tell(&adding) || (adding.numbers && !add_numbers(&adding)))
        return false;
    for (size_t i = 0, feature = 0; i < inputs->count; i++) {
        const struct model_input *input = &inputs->input[i];
        if (has_table(input) && !add_table(&adding, input, feature))
            return false;
        feature += input->about.width;
    }
    if (!add_join(&adding) || !add_order(&adding))
        return false;
    inputs->steps = source->steps;
    *width = adding.width;
    return true;
}
