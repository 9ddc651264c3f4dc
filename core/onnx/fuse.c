/* Replaces compositions of steps by one step: exporters write them for activations and layer
 * normalization that they have no operation for. The search starts at the last step of a
 * composition, which was just made, and finds the others below it. network_build drops steps that
 * nothing reads any more. Constants may differ slightly (exporters round √2 in many ways), and the
 * order of operands may differ. */
#include "core/onnx/graph.h"

#include <math.h>
#include <string.h>

struct search {
    struct onnx_graph *graph;
    struct onnx_value *value; /* the result of the whole composition */
    size_t x;                 /* the value that is tried as the activation's input */
};

static const struct step *step_at(const struct search *search, size_t value)
{
    return value == STEP_INPUT ? NULL : &search->graph->source->step[value - 1];
}

static bool is_near(float a, double b)
{
    return fabs((double)a - b) <= 1e-5 * fabs(b);
}

static const struct step *element_at(const struct search *search, size_t value,
                                     enum element element)
{
    const struct step *step = step_at(search, value);
    return step && step->kind == STEP_ELEMENT && step->element == element ? step : NULL;
}

/* The step, if it is that activation and its first parameter is about `first`; else NULL. */
static const struct step *activation_at(const struct search *search, size_t value, const char *name,
                                        float first)
{
    const struct step *step = step_at(search, value);
    if (!step || step->kind != STEP_ACTIVATE || step->activation != relud_activation_find(name))
        return NULL;
    return fabsf(step->params.values[0] - first) < 1e-6f ? step : NULL;
}

static bool is_scalar(const struct operand *operand)
{
    return operand->constant && operand->len == 1;
}

/* ---- products and sums of x and one other value ---- */

struct terms {
    float factor; /* a product is factor · x^x_power · other^other_power */
    int x_power;
    bool has_other;
    size_t other; /* may be STEP_INPUT, the net's input */
    int other_power;
    /* A sum is constant + x_factor · x + other_factor · other. */
    float constant, x_factor, other_factor;
    bool is_beyond; /* it has more parts than that */
};

static void add_factor(const struct search *search, size_t value, int power, int depth,
                       struct terms *terms);

static void add_operand(const struct search *search, const struct operand *operand, int power,
                        int depth, struct terms *terms)
{
    if (is_scalar(operand))
        terms->factor *= power > 0 ? *operand->constant : 1 / *operand->constant;
    else if (operand->constant)
        terms->is_beyond = true;
    else
        add_factor(search, operand->value, power, depth + 1, terms);
}

static void add_factor(const struct search *search, size_t value, int power, int depth,
                       struct terms *terms)
{
    const struct step *step = depth < 8 ? step_at(search, value) : NULL;
    enum element element = step && step->kind == STEP_ELEMENT ? step->element : ELEMENTS;
    if (value == search->x) {
        terms->x_power += power;
    } else if (element == ELEMENT_MUL || element == ELEMENT_DIV) {
        add_operand(search, &step->operand[0], power, depth, terms);
        add_operand(search, &step->operand[1], element == ELEMENT_MUL ? power : -power, depth,
                    terms);
    } else if (element == ELEMENT_NEG) {
        terms->factor = -terms->factor;
        add_operand(search, &step->operand[0], power, depth, terms);
    } else if (element == ELEMENT_POW && is_scalar(&step->operand[1]) &&
               step->operand[0].value == search->x &&
               (*step->operand[1].constant == 2 || *step->operand[1].constant == 3)) {
        terms->x_power += power * (int)*step->operand[1].constant;
    } else {
        terms->is_beyond |= terms->has_other;
        terms->has_other = true;
        terms->other = value;
        terms->other_power = power;
    }
}

static struct terms product_of(const struct search *search, size_t value)
{
    struct terms terms = {.factor = 1};
    add_factor(search, value, 1, 0, &terms);
    return terms;
}

static void add_term(const struct search *search, const struct operand *operand, float sign,
                     int depth, struct terms *terms)
{
    const struct step *step =
        operand->constant || depth >= 8 ? NULL : step_at(search, operand->value);
    enum element element = step && step->kind == STEP_ELEMENT ? step->element : ELEMENTS;
    if (operand->constant) {
        terms->constant += operand->len == 1 ? sign * *operand->constant : 0;
        terms->is_beyond |= operand->len != 1;
    } else if (operand->value == search->x) {
        terms->x_factor += sign;
    } else if (element == ELEMENT_ADD || element == ELEMENT_SUB) {
        add_term(search, &step->operand[0], sign, depth + 1, terms);
        add_term(search, &step->operand[1], element == ELEMENT_ADD ? sign : -sign, depth + 1,
                 terms);
    } else if (element == ELEMENT_NEG) {
        add_term(search, &step->operand[0], -sign, depth + 1, terms);
    } else if (element == ELEMENT_MUL && is_scalar(&step->operand[0])) {
        add_term(search, &step->operand[1], sign * *step->operand[0].constant, depth + 1, terms);
    } else if (element == ELEMENT_MUL && is_scalar(&step->operand[1])) {
        add_term(search, &step->operand[0], sign * *step->operand[1].constant, depth + 1, terms);
    } else {
        terms->is_beyond |= terms->has_other;
        terms->has_other = true;
        terms->other = operand->value;
        terms->other_factor = sign;
    }
}

static struct terms sum_of(const struct search *search, size_t value)
{
    struct terms terms = {0};
    struct operand operand = {.value = value};
    add_term(search, &operand, 1, 0, &terms);
    return terms;
}

/* True if the value is factor · x; sets *factor. */
static bool is_multiple(const struct search *search, size_t value, float *factor)
{
    struct terms terms = product_of(search, value);
    *factor = terms.factor;
    return !terms.is_beyond && !terms.has_other && terms.x_power == 1;
}

/* True if the step's operand is x. STEP_INPUT may be x, too. */
static bool is_x(const struct search *search, const struct step *step)
{
    return step && step->operand[0].value == search->x;
}

/* ---- the compositions ---- */

/* True for max(0, min(6, x + 3)). */
static bool is_clamp_of_three(const struct search *search, size_t value)
{
    const struct step *clamp = activation_at(search, value, "relu6", 0);
    struct terms sum = clamp ? sum_of(search, clamp->operand[0].value) : (struct terms){0};
    return clamp && !sum.is_beyond && !sum.has_other && sum.constant == 3 && sum.x_factor == 1;
}

/* True for √(2/π) (x + 0.044715 x³), also with x factored out. */
static bool is_gelu_cubic(const struct search *search, size_t value)
{
    struct terms all = product_of(search, value);
    if (all.is_beyond || !all.has_other || all.other_power != 1 ||
        !is_near(all.factor, 0.79788456080286541) || (all.x_power != 0 && all.x_power != 1))
        return false;
    struct terms sum = sum_of(search, all.other);
    struct terms power = sum.has_other ? product_of(search, sum.other) : (struct terms){0};
    float first = all.x_power ? sum.constant : sum.x_factor;
    float none = all.x_power ? sum.x_factor : sum.constant;
    return sum.has_other && !sum.is_beyond && !power.is_beyond && !power.has_other && first == 1 &&
           none == 0 && power.x_power == 3 - all.x_power &&
           is_near(power.factor * sum.other_factor, 0.044715);
}

/* True if the product is x/2 (1 + erf(x/√2)) or x/2 (1 + tanh(…)). *is_tanh says which. */
static bool is_gelu(const struct search *search, const struct terms *product, bool *is_tanh)
{
    struct terms sum = sum_of(search, product->other);
    float factor = 0;
    if (sum.is_beyond || !sum.has_other || sum.x_factor != 0 || product->x_power != 1 ||
        product->other_power != 1 || !is_near(product->factor * sum.constant, 0.5) ||
        !is_near(fabsf(product->factor * sum.other_factor), 0.5))
        return false;
    bool is_turned = product->factor * sum.other_factor < 0; /* written as 1 - erf(-x/√2) */
    const struct step *erf = element_at(search, sum.other, ELEMENT_ERF);
    const struct step *tanh = activation_at(search, sum.other, "tanh", 0);
    *is_tanh = tanh != NULL;
    if (erf)
        return is_multiple(search, erf->operand[0].value, &factor) &&
               is_near(is_turned ? -factor : factor, 0.70710678118654752);
    return tanh && !is_turned && is_gelu_cubic(search, tanh->operand[0].value);
}

static bool is_mish(const struct search *search, size_t value)
{
    const struct step *tanh = activation_at(search, value, "tanh", 0);
    return tanh && is_x(search, activation_at(search, tanh->operand[0].value, "softplus", 1));
}

/* The name of the activation that a product of one other value and, possibly, x is. NULL if there
 * is none. */
static const char *find_product(const struct search *search, struct relud_activation_params *params)
{
    struct terms of = product_of(search, search->value->value);
    bool is_one = is_near(of.factor, 1), is_upright = of.other_power == 1;
    float beta;
    if (of.is_beyond || !of.has_other)
        return NULL;
    const struct step *sigmoid = activation_at(search, of.other, "sigmoid", 0);
    const struct step *softplus = activation_at(search, of.other, "softplus", 1);
    if (is_one && is_upright && of.x_power == 1 && sigmoid &&
        is_multiple(search, sigmoid->operand[0].value, &beta)) {
        params->values[0] = beta;
        return "silu";
    }
    if (is_upright && of.x_power == 0 && softplus &&
        is_multiple(search, softplus->operand[0].value, &beta) && is_near(of.factor * beta, 1)) {
        params->values[0] = beta;
        params->values[1] = 20;
        return "softplus";
    }
    if (is_one && is_upright && of.x_power == 1 && is_mish(search, of.other))
        return "mish";
    if (is_one && is_upright && of.x_power == 1 &&
        is_x(search, activation_at(search, of.other, "hardsigmoid", 0)))
        return "hardswish";
    if (is_upright && is_near(of.factor, 1.0 / 6) && (of.x_power == 0 || of.x_power == 1) &&
        is_clamp_of_three(search, of.other))
        return of.x_power ? "hardswish" : "hardsigmoid";
    if (is_one && of.other_power == -1 && of.x_power == 1) {
        struct terms sum = sum_of(search, of.other);
        if (!sum.is_beyond && sum.constant == 1 && sum.x_factor == 0 && sum.has_other &&
            sum.other_factor == 1 && is_x(search, element_at(search, sum.other, ELEMENT_ABS)))
            return "softsign";
    }
    bool is_tanh;
    if (is_gelu(search, &of, &is_tanh)) {
        params->values[0] = is_tanh ? 1 : 0;
        return "gelu";
    }
    return NULL;
}

static const char *find_activation(const struct search *search,
                                   struct relud_activation_params *params)
{
    const struct step *root = step_at(search, search->value->value);
    if (root->element == ELEMENT_LOG)
        return is_x(search, activation_at(search, root->operand[0].value, "sigmoid", 0))
                   ? "logsigmoid"
                   : NULL;
    if (root->element == ELEMENT_ADD || root->element == ELEMENT_SUB) {
        struct terms sum = sum_of(search, search->value->value);
        return !sum.is_beyond && sum.constant == 0 && sum.x_factor == 1 && sum.has_other &&
                       sum.other_factor == -1 &&
                       is_x(search, activation_at(search, sum.other, "tanh", 0))
                   ? "tanhshrink"
                   : NULL;
    }
    return find_product(search, params);
}

/* ---- layer normalization ---- */

/* If the value repeats one number over each of *parts equal pieces of the row, returns the value
 * with these numbers; else STEP_INPUT. */
static size_t spread_from(const struct search *search, size_t value, size_t *parts)
{
    const struct step *step = step_at(search, value);
    if (!step || step->kind != STEP_GATHER || step->width % step->gather_width)
        return STEP_INPUT;
    *parts = step->gather_width;
    for (size_t i = 0; i < step->width; i++)
        if (step->map[i] != i / (step->width / *parts))
            return STEP_INPUT;
    return step->operand[0].value;
}

static const struct step *mean_at(const struct search *search, size_t value, size_t parts)
{
    const struct step *step = step_at(search, value);
    return step && step->kind == STEP_REDUCE && step->reduction == REDUCE_MEAN &&
                   step->parts == parts
               ? step
               : NULL;
}

/* True for d / sqrt(mean(d²) + epsilon) with d = x - mean(x). Sets *step and search->x. */
static bool find_normalization(struct search *search, struct step *step)
{
    const struct step *root = element_at(search, search->value->value, ELEMENT_DIV);
    size_t parts = 1, other = 1;
    if (!root || root->operand[0].constant || root->operand[1].constant)
        return false;
    size_t d = root->operand[0].value, under = spread_from(search, root->operand[1].value, &parts);
    const struct step *root_of = element_at(search, under, ELEMENT_SQRT);
    const struct step *sum =
        root_of ? element_at(search, root_of->operand[0].value, ELEMENT_ADD) : NULL;
    if (!sum || !is_scalar(&sum->operand[1]))
        return false;
    const struct step *mean = mean_at(search, sum->operand[0].value, parts);
    const struct step *less = element_at(search, d, ELEMENT_SUB);
    if (!mean || !less || less->operand[0].constant || less->operand[1].constant)
        return false;
    const struct step *square = step_at(search, mean->operand[0].value);
    bool is_square = square && square->kind == STEP_ELEMENT && square->operand[0].value == d &&
                     ((square->element == ELEMENT_POW && is_scalar(&square->operand[1]) &&
                       *square->operand[1].constant == 2) ||
                      (square->element == ELEMENT_MUL && square->operand[1].value == d));
    size_t average = spread_from(search, less->operand[1].value, &other);
    const struct step *mean_of_x = mean_at(search, average, parts);
    search->x = less->operand[0].value;
    *step =
        (struct step){.kind = STEP_NORMALIZE, .parts = parts, .epsilon = *sum->operand[1].constant};
    return is_square && other == parts && is_x(search, mean_of_x);
}

/* ---- searching ---- */

static bool replace(struct search *search, const struct step *step)
{
    struct onnx_value from = {.kind = ONNX_ROWS, .value = search->x};
    from.is_batched = search->value->is_batched;
    from.batch_axis = search->value->batch_axis;
    from.batch_outer = search->value->batch_outer;
    from.width = search->value->width;
    return onnx_emit(search->graph, step, &from, 1, search->value);
}

/* Goes down from the last step and tries every value on the way as x. Compositions are only a few
 * steps deep. */
static bool try_below(struct search *search, size_t value, int depth, struct step *step)
{
    const struct step *at = step_at(search, value);
    if (!at || (at->kind != STEP_ELEMENT && at->kind != STEP_ACTIVATE))
        return false;
    for (size_t i = 0; i < at->operands; i++) {
        if (at->operand[i].constant)
            continue;
        search->x = at->operand[i].value;
        struct relud_activation_params params = {.weight = NULL};
        const char *name = find_activation(search, &params);
        if (name) {
            *step = (struct step){
                .kind = STEP_ACTIVATE, .activation = relud_activation_find(name), .params = params};
            return true;
        }
    }
    for (size_t i = 0; depth < 3 && i < at->operands; i++)
        if (!at->operand[i].constant && (i == 0 || at->operand[i].value != at->operand[0].value) &&
            try_below(search, at->operand[i].value, depth + 1, step))
            return true;
    return false;
}

/* Turns x·W + b, where b has one number for each output, into one linear step with a bias. */
static bool fuse_bias(struct onnx_graph *graph, struct onnx_value *value)
{
    const struct step *sum = &graph->source->step[value->value - 1];
    for (size_t i = 0; i < 2; i++) {
        const struct operand *x = &sum->operand[i], *b = &sum->operand[!i];
        const struct step *layer =
            x->constant || x->value == STEP_INPUT ? NULL : &graph->source->step[x->value - 1];
        if (!layer || layer->kind != STEP_LINEAR || layer->weights.bias || !b->constant)
            continue;
        size_t outputs = layer->weights.outputs;
        float *bias = arena_take_array(graph->source->arena, outputs, sizeof *bias);
        if (!bias)
            return onnx_no_memory(graph);
        bool is_periodic = true;
        for (size_t k = 0, n = 0; k < (b->len == 1 ? outputs : b->len); k++) {
            float at = b->constant[b->len == 1 ? 0 : k];
            is_periodic &= k < outputs || (bias[n] == at && !signbit(bias[n]) == !signbit(at));
            bias[n] = at;
            n = n + 1 < outputs ? n + 1 : 0;
        }
        if (!is_periodic)
            continue;
        struct step step = *layer;
        struct onnx_value from = {.kind = ONNX_ROWS, .value = layer->operand[0].value};
        from.is_batched = value->is_batched;
        from.batch_axis = value->batch_axis;
        from.batch_outer = value->batch_outer;
        step.weights.bias = bias;
        return onnx_emit(graph, &step, &from, 1, value);
    }
    return true;
}

bool onnx_fuse(struct onnx_graph *graph, struct onnx_value *value)
{
    struct search search = {.graph = graph, .value = value};
    const struct step *root = &graph->source->step[value->value - 1];
    struct step step;
    size_t before = value->value;
    if (root->element == ELEMENT_ADD && !fuse_bias(graph, value))
        return false;
    if (value->value != before)
        return true;
    bool is_root = root->element == ELEMENT_MUL || root->element == ELEMENT_DIV ||
                   root->element == ELEMENT_ADD || root->element == ELEMENT_SUB ||
                   root->element == ELEMENT_LOG;
    if (is_root &&
        (find_normalization(&search, &step) || try_below(&search, value->value, 0, &step)))
        return replace(&search, &step);
    return true;
}
