/* Einsum: the transposition and sum of one tensor, or the product of a tensor with a constant. An
 * equation gives each axis a letter; the same letter is the same axis, and letters that the output
 * does not have are summed over. */
#include "core/onnx/graph.h"

#include <string.h>

/* The letters of a tensor's axes. The axes of an ellipsis have the letters 1 to 8, counted so that
 * the last one is 8. */
struct term {
    char letter[ONNX_RANK_MAX];
    size_t count;
};

enum { STACK_MAX = 64 };

static size_t place_of(const struct term *term, char letter)
{
    const char *at = memchr(term->letter, letter, term->count);
    return at ? (size_t)(at - term->letter) : ONNX_RANK_MAX;
}

static bool has(const struct term *term, char letter)
{
    return place_of(term, letter) < ONNX_RANK_MAX;
}

/* ---- the equation ---- */

static bool add_letter(struct onnx_graph *graph, struct term *term, char letter)
{
    if (term->count == ONNX_RANK_MAX)
        return onnx_fail(graph, "its equation has more than %d axes", ONNX_RANK_MAX);
    term->letter[term->count++] = letter;
    return true;
}

/* Reads a term up to a comma, an arrow or the end. `ellipsis` is how many axes "..." stands for; if
 * it is SIZE_MAX, it is what is left of `rank`. */
static bool read_term(struct onnx_graph *graph, struct onnx_text *text, size_t rank,
                      size_t ellipsis, struct term *term)
{
    size_t letters = 0, ellipses = 0;
    *term = (struct term){.count = 0};
    for (size_t i = 0; i < text->len && text->at[i] != ',' && text->at[i] != '-'; i++)
        letters += text->at[i] != ' ' && text->at[i] != '.';
    if (ellipsis == SIZE_MAX)
        ellipsis = rank > letters ? rank - letters : 0;
    for (; text->len && *text->at != ',' && *text->at != '-'; text->at++, text->len--) {
        char letter = *text->at;
        bool is_letter = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
        bool is_ellipsis = text->len >= 3 && memcmp(text->at, "...", 3) == 0;
        if (letter == ' ')
            continue;
        if (!is_letter && !is_ellipsis)
            return onnx_fail(graph, "its equation has a character that is no letter");
        if (is_ellipsis && ellipses++)
            return onnx_fail(graph, "its equation has two ellipses for one tensor");
        if (is_letter && !add_letter(graph, term, letter))
            return false;
        for (size_t i = 0; is_ellipsis && i < ellipsis; i++)
            if (!add_letter(graph, term, (char)(ONNX_RANK_MAX + 1 - ellipsis + i)))
                return false;
        text->at += is_ellipsis ? 2 : 0;
        text->len -= is_ellipsis ? 2 : 0;
    }
    return true;
}

/* Without an arrow the output has the ellipsis, then the letters that occur once, by the
 * alphabet. */
static bool output_of(struct onnx_graph *graph, const struct term *in, size_t inputs,
                      struct term *out)
{
    *out = (struct term){.count = 0};
    for (int letter = 1; letter <= 'z'; letter++) {
        size_t uses = 0;
        for (size_t i = 0; i < inputs; i++)
            for (size_t k = 0; k < in[i].count; k++)
                uses += in[i].letter[k] == (char)letter;
        if ((letter <= ONNX_RANK_MAX ? uses > 0 : uses == 1) &&
            !add_letter(graph, out, (char)letter))
            return false;
    }
    return true;
}

static bool read_equation(struct onnx_graph *graph, const struct onnx_value *x, size_t inputs,
                          struct term *in, struct term *out)
{
    struct onnx_text text = {"", 0};
    size_t ellipsis = 0;
    if (!onnx_word(graph, "equation", &text))
        return false;
    for (size_t i = 0; i < inputs; i++) {
        if (i && text.len && *text.at == ',')
            text.at++, text.len--;
        else if (i)
            return onnx_fail(graph, "its equation has fewer terms than there are inputs");
        if (!read_term(graph, &text, x[i].rank, SIZE_MAX, &in[i]))
            return false;
        if (in[i].count != x[i].rank)
            return onnx_fail(graph, "its equation gives input %zu %zu axes; it has %zu", i,
                             in[i].count, x[i].rank);
        for (size_t k = 0; k < in[i].count; k++)
            if (in[i].letter[k] <= ONNX_RANK_MAX) {
                size_t len = (size_t)(ONNX_RANK_MAX + 1 - in[i].letter[k]);
                ellipsis = len > ellipsis ? len : ellipsis;
            }
    }
    if (text.len == 0)
        return output_of(graph, in, inputs, out);
    if (text.len < 2 || memcmp(text.at, "->", 2) != 0)
        return onnx_fail(graph, "its equation has more terms than there are inputs");
    text.at += 2, text.len -= 2;
    if (!read_term(graph, &text, 0, ellipsis, out))
        return false;
    for (size_t i = 0; i < out->count; i++)
        if (place_of(out, out->letter[i]) != i)
            return onnx_fail(graph, "its output has a letter twice");
    for (size_t i = 0; i < out->count; i++)
        if (!has(&in[0], out->letter[i]) && (inputs < 2 || !has(&in[1], out->letter[i])))
            return onnx_fail(graph, "its output has a letter that no input has");
    return text.len == 0 || onnx_fail(graph, "its equation has two outputs");
}

/* ---- one tensor ---- */

/* Makes the axes of one letter one axis, of the elements whose indices along them are the same. */
static bool take_diagonals(struct onnx_graph *graph, struct onnx_value *x, struct term *in)
{
    size_t shape[ONNX_RANK_MAX], stride[ONNX_RANK_MAX] = {0}, batch = 0;
    struct term made = {.count = 0};
    for (size_t i = 0; i < in->count; i++) {
        size_t place = place_of(&made, in->letter[i]);
        bool is_new = place == ONNX_RANK_MAX;
        if (is_new)
            place = made.count++;
        else if (onnx_is_batch(x, i) || (x->is_batched && batch == place))
            return onnx_fail_mixing(graph, "it takes a diagonal");
        else if (shape[place] != x->shape[i])
            return onnx_fail(graph, "axes of %zu and %zu have one letter", shape[place],
                             x->shape[i]);
        made.letter[place] = in->letter[i];
        shape[place] = x->shape[i];
        stride[place] += onnx_product(x, i + 1, x->rank);
        batch = onnx_is_batch(x, i) ? place : batch;
    }
    if (made.count == in->count)
        return true;
    *in = made;
    struct onnx_value out;
    if (!onnx_unturn(graph, x) ||
        !onnx_gather_by_strides(graph, x, made.count, shape, stride, &out))
        return false;
    *x = out;
    x->batch_axis = batch;
    return true;
}

/* Sums x over the letters that neither `out` nor `other` has. */
static bool sum_rest(struct onnx_graph *graph, struct onnx_value *x, struct term *in,
                     const struct term *other, const struct term *out)
{
    bool is_axis[ONNX_RANK_MAX] = {false}, is_any = false;
    size_t kept = 0;
    for (size_t i = 0; i < in->count; i++) {
        is_axis[i] = !has(out, in->letter[i]) && !(other && has(other, in->letter[i]));
        is_any |= is_axis[i];
    }
    if (!is_any)
        return true;
    for (size_t i = 0; i < in->count; i++)
        if (!is_axis[i])
            in->letter[kept++] = in->letter[i];
    in->count = kept;
    return onnx_reduce(graph, x, is_axis, REDUCE_SUM, false, x);
}

/* Puts x's axes into the order of `out`, whose letters are the same. */
static bool put_in_order(struct onnx_graph *graph, struct onnx_value *x, const struct term *in,
                         const struct term *out)
{
    size_t order[ONNX_RANK_MAX];
    struct onnx_value made;
    for (size_t i = 0; i < out->count; i++)
        order[i] = place_of(in, out->letter[i]);
    if (!onnx_transpose(graph, x, order, &made))
        return false;
    *x = made;
    return true;
}

/* ---- products ---- */

/* x's axes in the order of `out`, with axes of size 1 for the letters that it does not have. */
static bool align(struct onnx_graph *graph, struct onnx_value *x, const struct term *in,
                  const struct term *out)
{
    struct term own = {.count = 0};
    size_t shape[ONNX_RANK_MAX];
    char batch = x->is_batched ? in->letter[x->batch_axis] : 0;
    for (size_t i = 0; i < out->count; i++) {
        size_t place = place_of(in, out->letter[i]);
        shape[i] = place < ONNX_RANK_MAX ? x->shape[place] : 1;
        if (place < ONNX_RANK_MAX)
            own.letter[own.count++] = out->letter[i];
    }
    if (!put_in_order(graph, x, in, &own) || !onnx_unturn(graph, x) ||
        !onnx_shape(graph, x, out->count, shape))
        return false;
    if (x->is_batched)
        x->batch_axis = place_of(out, batch);
    return true;
}

/* The product of two tensors that vary: of all their numbers, then summed. */
static bool multiply_values(struct onnx_graph *graph, struct onnx_value *a, const struct term *left,
                            struct onnx_value *b, const struct term *right, const struct term *out,
                            struct onnx_value *made)
{
    struct term all = *out;
    bool is_axis[ONNX_RANK_MAX] = {false}, is_any = false;
    for (size_t i = 0; i < left->count; i++) {
        if (has(out, left->letter[i]))
            continue;
        if (all.count == ONNX_RANK_MAX)
            return onnx_fail(graph, "its equation has more than %d axes", ONNX_RANK_MAX);
        is_axis[all.count] = is_any = true;
        all.letter[all.count++] = left->letter[i];
    }
    return align(graph, a, left, &all) && align(graph, b, right, &all) &&
           onnx_element(graph, ELEMENT_MUL, a, b, NULL, made) &&
           (!is_any || onnx_reduce(graph, made, is_axis, REDUCE_SUM, false, made));
}

/* What the letters of a product are for: rows are x's own, stacks are in x, w and the output, sums
 * are in x and w, columns are w's own. */
struct letters {
    struct term rows, stacks, sums, columns;
};

static void sort_letters(const struct term *x, const struct term *w, const struct term *out,
                         struct letters *made)
{
    *made = (struct letters){0};
    for (size_t i = 0; i < x->count; i++) {
        char letter = x->letter[i];
        struct term *to = !has(w, letter)    ? &made->rows
                          : has(out, letter) ? &made->stacks
                                             : &made->sums;
        to->letter[to->count++] = letter;
    }
    for (size_t i = 0; i < w->count; i++)
        if (!has(x, w->letter[i]))
            made->columns.letter[made->columns.count++] = w->letter[i];
}

static struct term joined(const struct term *a, const struct term *b, const struct term *c)
{
    struct term all = *a;
    for (size_t i = 0; i < b->count && all.count < ONNX_RANK_MAX; i++)
        all.letter[all.count++] = b->letter[i];
    for (size_t i = 0; i < c->count && all.count < ONNX_RANK_MAX; i++)
        all.letter[all.count++] = c->letter[i];
    return all;
}

/* x[rows…, index, sums] as [rows…, sums], of x[rows…, stacks · sums]. */
static bool slice_of(struct onnx_graph *graph, const struct onnx_value *x, size_t index,
                     size_t sums, struct onnx_value *out)
{
    size_t shape[ONNX_RANK_MAX], inner = x->shape[x->rank - 1], width = x->width / inner * sums;
    uint32_t *map = onnx_new_map(graph, width);
    if (!map)
        return false;
    for (size_t i = 0; i < width; i++)
        map[i] = (uint32_t)(i / sums * inner + index * sums + i % sums);
    memcpy(shape, x->shape, sizeof shape);
    shape[x->rank - 1] = sums;
    return onnx_gather(graph, x, map, x->rank, shape, out);
}

/* x[rows…, stacks · sums] times w[stacks, sums · columns]: one linear step for each matrix of the
 * stack. */
static bool multiply_each(struct onnx_graph *graph, const struct onnx_value *x,
                          const struct onnx_value *w, size_t sums, struct onnx_value *out)
{
    struct onnx_value product[STACK_MAX] = {{.rank = 0}}, left, right, flat = *w;
    size_t stacks = w->shape[0], columns = w->shape[1] / sums, shape[ONNX_RANK_MAX];
    struct step step = {.kind = STEP_JOIN, .parts = x->width / x->shape[x->rank - 1]};
    if (stacks > STACK_MAX)
        return onnx_fail(graph, "a stack of %zu matrices; at most %d are taken", stacks, STACK_MAX);
    size_t *piece = arena_take_array(graph->source->arena, stacks, sizeof *piece);
    if (!piece)
        return onnx_no_memory(graph);
    flat.rank = 1;
    flat.shape[0] = w->width;
    for (size_t i = 0; i < stacks; i++) {
        if (!slice_of(graph, x, i, sums, &left) ||
            !slice_of(graph, &flat, i, sums * columns, &right))
            return false;
        right.rank = 2;
        right.shape[0] = sums;
        right.shape[1] = columns;
        right.name = w->name;
        if (!onnx_multiply(graph, &left, &right, false, 1, NULL, &product[i]))
            return false;
        piece[i] = columns;
    }
    step.piece = piece;
    memcpy(shape, x->shape, sizeof shape);
    shape[x->rank - 1] = stacks * columns;
    struct onnx_value made = {0};
    if (!onnx_shape(graph, &made, x->rank, shape) ||
        !onnx_emit(graph, &step, product, stacks, &made))
        return false;
    *out = made;
    return true;
}

static size_t size_of(const struct onnx_value *x, const struct term *in, const struct term *of)
{
    size_t product = 1;
    for (size_t i = 0; i < of->count; i++)
        product *= x->shape[place_of(in, of->letter[i])];
    return product;
}

/* The product as a linear layer: x as [rows…, stacks · sums], w as [stacks, sums · columns]. */
static bool multiply(struct onnx_graph *graph, struct onnx_value *x, const struct term *in,
                     struct onnx_value *w, const struct term *by, const struct term *out)
{
    struct letters letters;
    sort_letters(in, by, out, &letters);
    struct term left = joined(&letters.rows, &letters.stacks, &letters.sums);
    struct term right = joined(&letters.stacks, &letters.sums, &letters.columns);
    struct term made = joined(&letters.rows, &letters.stacks, &letters.columns);
    size_t stacks = size_of(x, in, &letters.stacks), sums = size_of(x, in, &letters.sums);
    size_t columns = size_of(w, by, &letters.columns), shape[ONNX_RANK_MAX];
    for (size_t i = 0; i < made.count; i++) {
        size_t place = place_of(in, made.letter[i]);
        shape[i] = place < ONNX_RANK_MAX ? x->shape[place] : w->shape[place_of(by, made.letter[i])];
    }
    if (!put_in_order(graph, x, in, &left) || !put_in_order(graph, w, by, &right))
        return false;
    bool is_matrix = letters.stacks.count == 0 && w->rank == 2 && letters.sums.count == 1;
    if ((!is_matrix && !onnx_unturn(graph, w)) || !onnx_unturn(graph, x))
        return false;
    /* Only the axes after the rows are made one. */
    size_t rows = letters.rows.count;
    x->shape[rows] = stacks * sums;
    x->rank = rows + 1;
    w->rank = 2;
    w->shape[0] = letters.stacks.count ? stacks : sums;
    w->shape[1] = letters.stacks.count ? sums * columns : columns;
    struct onnx_value product;
    if (!(letters.stacks.count ? multiply_each(graph, x, w, sums, &product)
                               : onnx_multiply(graph, x, w, false, 1, NULL, &product)))
        return false;
    *x = product;
    return onnx_shape(graph, x, made.count, shape) && put_in_order(graph, x, &made, out);
}

static bool multiply_two(struct onnx_graph *graph, struct onnx_value *x, struct term *in,
                         const struct term *out)
{
    size_t first = x[1].kind == ONNX_ROWS; /* the one that varies */
    struct onnx_value *a = &x[first], *b = &x[!first];
    struct term *left = &in[first], *right = &in[!first];
    bool has_sum = false;
    bool is_product = b->kind != ONNX_ROWS; /* of a tensor with a constant */
    for (size_t i = 0; i < left->count; i++) {
        size_t place = place_of(right, left->letter[i]);
        if (place == ONNX_RANK_MAX)
            continue;
        if (is_product && onnx_is_batch(a, i))
            return onnx_fail_mixing(graph, "it multiplies");
        if (b->shape[place] != a->shape[i])
            return onnx_fail(graph, "axes of %zu and %zu have one letter", a->shape[i],
                             b->shape[place]);
        has_sum |= !has(out, left->letter[i]);
    }
    if (!sum_rest(graph, a, left, right, out) || !sum_rest(graph, b, right, left, out))
        return false;
    if (!is_product)
        return multiply_values(graph, a, left, b, right, out, &x[0]);
    if (has_sum && b->kind != ONNX_FLOATS)
        return onnx_fail(graph, "its matrix is not of floats");
    if (has_sum)
        return multiply(graph, a, left, b, right, out) && (x[0] = *a, true);
    return align(graph, a, left, out) && align(graph, b, right, out) &&
           onnx_element(graph, ELEMENT_MUL, a, b, NULL, &x[0]);
}

static bool read_einsum(struct onnx_graph *graph, const struct onnx_node *node)
{
    struct onnx_value x[2];
    struct term in[2] = {{.count = 0}}, out = {.count = 0};
    const struct onnx_value *input;
    if (node->inputs == 0 || node->inputs > 2)
        return onnx_fail(graph, "%zu tensors; one or two are taken", node->inputs);
    for (size_t i = 0; i < node->inputs; i++) {
        if (!onnx_wanted(graph, i, &input))
            return false;
        x[i] = *input;
    }
    if (!read_equation(graph, x, node->inputs, in, &out))
        return false;
    for (size_t i = 0; i < node->inputs; i++)
        if (!take_diagonals(graph, &x[i], &in[i]))
            return false;
    bool is_made = node->inputs == 2
                       ? multiply_two(graph, x, in, &out)
                       : sum_rest(graph, x, in, NULL, &out) && put_in_order(graph, x, in, &out);
    return onnx_answer(graph, is_made, &x[0]);
}

const struct onnx_op onnx_einsum_ops[] = {
    {"Einsum", "", .read = read_einsum},
    {0},
};
