/* ONNX operations that encode categories, words or numbers: OneHotEncoder, LabelEncoder,
 * CategoryMapper, and what compares and replaces words. */
#include "core/onnx/labels.h"
#include "core/onnx/vocabulary.h"

#include <math.h>
#include <string.h>

/* ---- lists in attributes ---- */

/* Categories, or what stands for them. */
struct list {
    size_t count;
    const char *const *text; /* [count], or NULL */
    const float *number;     /* [count], or NULL */
    bool is_whole;
};

/* Takes whole numbers that float32 tells from all others. */
static bool take_wholes(struct onnx_graph *graph, const char *name, const long long *whole,
                        struct list *list)
{
    float *number = arena_take_array(graph->source->arena, list->count, sizeof *number);
    if (!number)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < list->count; i++) {
        number[i] = (float)whole[i];
        if (whole[i] >= ONNX_INDICES_MAX || whole[i] <= -ONNX_INDICES_MAX)
            return onnx_fail(graph,
                             "'%s': %lld: rows are of float32, which has whole numbers below "
                             "2^24",
                             name, whole[i]);
    }
    list->number = number;
    list->is_whole = true;
    return true;
}

/* Reads the tensor in an attribute. */
static bool take_tensor(struct onnx_graph *graph, const char *name, struct list *list)
{
    struct onnx_tensor tensor;
    struct onnx_value value = {.kind = ONNX_FLOATS};
    struct wire wire = wire_open(onnx_attribute(graph, name)->message);
    struct wire_field field;
    struct labels labels = {0};
    if (!wire_find(&wire, 5, &field) || field.type != WIRE_BYTES ||
        !onnx_tensor_open(&graph->file, field.bytes, &tensor) || tensor.count == 0)
        return onnx_fail(graph, "'%s' is no tensor", name);
    list->count = value.width = tensor.count;
    if (onnx_tensor_is_float(&tensor)) {
        value.floats =
            onnx_tensor_floats(&graph->file, &graph->external, &tensor, &graph->source->temporary);
        list->number = value.floats ? onnx_constant(graph, &value, name) : NULL;
        return list->number != NULL;
    }
    if (!labels_of_tensor(graph, &tensor, &labels))
        return graph->is_short ? onnx_no_memory(graph)
                               : onnx_fail(graph, "'%s' has words that are no UTF-8", name);
    list->text = labels.text;
    return labels.text || take_wholes(graph, name, labels.whole, list);
}

/* Reads the list that is in one of these attributes; a name may be NULL. An empty list: none is
 * there. */
static bool read_list(struct onnx_graph *graph, const char *texts, const char *wholes,
                      const char *floats, const char *tensor, struct list *list)
{
    struct labels labels = {0};
    *list = (struct list){0};
    const char *name = texts && onnx_attribute(graph, texts)     ? texts
                       : wholes && onnx_attribute(graph, wholes) ? wholes
                                                                 : NULL;
    if (floats && onnx_attribute(graph, floats)) {
        list->count = 0;
        return onnx_numbers(graph, floats, &list->number, &list->count);
    }
    if (!name && tensor && onnx_attribute(graph, tensor))
        return take_tensor(graph, tensor, list);
    if (!name)
        return true;
    if (!labels_of_attribute(graph, graph->node, name == texts ? name : "",
                             name == wholes ? name : "", &labels))
        return graph->is_short
                   ? onnx_no_memory(graph)
                   : onnx_fail(graph, "'%s' is empty, or has words that are no UTF-8", name);
    list->count = labels.count;
    list->text = labels.text;
    return labels.text || take_wholes(graph, name, labels.whole, list);
}

/* ---- looking categories up ---- */

/* Makes the index of each number of x among the keys; keys->count if it is none of them. */
static bool find_keys(struct onnx_graph *graph, const struct onnx_value *x, const struct list *keys,
                      struct onnx_value *out)
{
    size_t count = keys->count, *piece = arena_take_array(graph->source->arena, 2, sizeof *piece);
    float *halves = arena_take_array(&graph->source->temporary, x->width, sizeof *halves);
    struct onnx_value key = {
        .kind = ONNX_FLOATS, .rank = 1, .shape = {count}, .width = count, .floats = keys->number};
    struct onnx_value half = {.kind = ONNX_FLOATS, .width = x->width, .floats = halves};
    struct onnx_value pair[2], joined = {.width = x->width * (count + 1)}, made = {0};
    struct step join = {.kind = STEP_JOIN, .piece = piece, .parts = x->width};
    struct step find = {.kind = STEP_REDUCE,
                        .reduction = REDUCE_ARGMAX,
                        .parts = x->width,
                        .reduce_width = joined.width};
    if (!piece || !halves)
        return onnx_no_memory(graph);
    piece[0] = count;
    piece[1] = 1;
    for (size_t i = 0; i < x->width; i++) /* less than a key that is found, more than the others */
        halves[i] = 0.5F;
    pair[1] = half;
    return onnx_repeat(graph, x, count, &pair[0]) &&
           onnx_element(graph, ELEMENT_EQUAL, &pair[0], &key, NULL, &pair[0]) &&
           onnx_emit(graph, &join, pair, 2, &joined) &&
           onnx_shape(graph, &made, x->rank, x->shape) &&
           onnx_emit(graph, &find, &joined, 1, &made) && (*out = made, true);
}

/* True if the keys are 0, 1, … and x is made of features: those are limited to the keys. */
static bool limit_to_keys(struct onnx_graph *graph, const struct onnx_value *x,
                          const struct list *keys)
{
    struct relud_error *error = graph->file.error, ignored = {0};
    struct onnx_origin origin;
    bool are_features = x->kind == ONNX_ROWS;
    for (size_t i = 0; i < keys->count; i++)
        if (keys->number[i] != (float)i)
            return false;
    graph->file.error = &ignored; /* what is no feature is searched for among the keys */
    for (size_t i = 0; are_features && i < x->width; i++)
        are_features = onnx_find_origin(graph, x->value, i, &origin) &&
                       origin.feature != ONNX_NO_FEATURE && origin.low == 0;
    graph->file.error = error;
    for (size_t i = 0; are_features && i < x->width; i++)
        if (!onnx_find_origin(graph, x->value, i, &origin) ||
            !onnx_limit_feature(graph, origin.feature, keys->count))
            return false;
    return are_features;
}

/* Tells which numbers the features of x must be: the keys. */
static bool note_keys(struct onnx_graph *graph, const struct onnx_value *x, const struct list *keys)
{
    struct model_source *source = graph->source;
    struct relud_error *error = graph->file.error, ignored = {0};
    struct onnx_origin origin;
    if (x->kind != ONNX_ROWS)
        return true;
    if (!source->numbers)
        source->numbers = arena_take_array(source->arena, graph->features, sizeof *source->numbers);
    if (!source->numbers)
        return onnx_no_memory(graph);
    graph->file.error = &ignored; /* computed numbers may be anything */
    for (size_t i = 0; i < x->width; i++)
        if (onnx_find_origin(graph, x->value, i, &origin) && origin.low == 0 &&
            origin.feature != ONNX_NO_FEATURE)
            source->numbers[origin.feature] = (struct model_numbers){keys->number, keys->count};
    graph->file.error = error;
    return true;
}

/* Looks each number of x up among the keys. Without a default, a number that is no key is an error:
 * at the edge where the keys are 0, 1, …, else as a NaN. row[keys + 1]: the last is the default. */
static bool look_up_numbers(struct onnx_graph *graph, const struct onnx_value *x,
                            const struct list *keys, struct onnx_answers *answers, float *row,
                            bool has_axis, struct onnx_value *out)
{
    struct onnx_value index = *x, made = {.is_whole = answers->is_whole};
    size_t shape[ONNX_RANK_MAX + 1];
    bool is_limited = !answers->has_default && limit_to_keys(graph, x, keys);
    if (!is_limited && ((!answers->has_default && !note_keys(graph, x, keys)) ||
                        !find_keys(graph, x, keys, &index)))
        return false;
    for (size_t i = 0; !answers->has_default && i < answers->width; i++)
        row[keys->count * answers->width + i] = NAN;
    memcpy(shape, x->shape, sizeof x->shape);
    shape[x->rank] = answers->width;
    struct step step = {.kind = STEP_LOOKUP,
                        .parts = x->width,
                        .table = row,
                        .table_rows = keys->count + !is_limited};
    return onnx_shape(graph, &made, x->rank + has_axis, shape) &&
           onnx_emit(graph, &step, &index, 1, &made) && (*out = made, true);
}

/* Looks x up among the keys, whatever they are. row[keys + 1][answers->width]. */
static bool look_up(struct onnx_graph *graph, const struct onnx_value *x, const struct list *keys,
                    struct onnx_answers *answers, float *row, bool has_axis, struct onnx_value *out)
{
    answers->word = keys->text;
    answers->count = keys->count;
    answers->row = row;
    if (x->kind == ONNX_TEXTS)
        return onnx_fail(graph, "its words are constant");
    if (x->is_text != (keys->text != NULL))
        return onnx_fail(graph, x->is_text ? "it looks words up among numbers"
                                           : "it looks numbers up among words");
    return x->is_text ? onnx_read_words(graph, x, answers, has_axis, out)
                      : look_up_numbers(graph, x, keys, answers, row, has_axis, out);
}

/* ---- OneHotEncoder ---- */

/* A table of one-hot rows has the square of their number, so many categories become their index
 * first, then a step that needs no table. */
static bool encode_many(struct onnx_graph *graph, const struct onnx_value *x,
                        const struct list *keys, bool has_default, struct onnx_value *out)
{
    struct onnx_answers answers = {.width = 1, .has_default = has_default, .is_whole = true};
    struct onnx_value index, made = {.is_whole = true};
    size_t shape[ONNX_RANK_MAX + 1];
    float *row = arena_take_array(graph->source->arena, keys->count + 1, sizeof *row);
    if (!row)
        return onnx_no_memory(graph);
    for (size_t i = 0; i <= keys->count; i++)
        row[i] = (float)i;
    struct step step = {.kind = STEP_LOOKUP, .parts = x->width, .table_rows = keys->count + 1};
    memcpy(shape, x->shape, sizeof x->shape);
    shape[x->rank] = keys->count;
    return look_up(graph, x, keys, &answers, row, true, &index) &&
           onnx_shape(graph, &made, x->rank + 1, shape) &&
           onnx_emit(graph, &step, &index, 1, &made) && (*out = made, true);
}

/* An unknown category is all zeros with `zeros`; without, it is an error. */
static bool read_one_hot_encoder(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    enum { TABLE_MAX = 64 };
    const struct onnx_value *input;
    struct onnx_value x, out;
    struct list keys;
    long long zeros = 1;
    if (!onnx_wanted(graph, 0, &input) || !onnx_whole(graph, "zeros", &zeros) ||
        !read_list(graph, "cats_strings", "cats_int64s", NULL, NULL, &keys))
        return false;
    if (keys.count == 0)
        return onnx_fail(graph, "neither cats_strings nor cats_int64s tell its categories");
    x = *input;
    bool is_whole = x.is_text || x.is_whole || (x.kind != ONNX_ROWS && x.kind != ONNX_FLOATS);
    if (!is_whole && !onnx_element(graph, ELEMENT_TRUNC, &x, NULL, NULL, &x))
        return false;
    if (keys.count > TABLE_MAX)
        return onnx_answer(graph, encode_many(graph, &x, &keys, zeros != 0, &out), &out);
    float *row = arena_take_array(graph->source->arena, (keys.count + 1) * keys.count, sizeof *row);
    if (!row)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < keys.count; i++)
        row[i * keys.count + i] = 1;
    struct onnx_answers answers = {.width = keys.count, .has_default = zeros != 0};
    return onnx_answer(graph, look_up(graph, &x, &keys, &answers, row, true, &out), &out);
}

/* ---- LabelEncoder, CategoryMapper ---- */

/* What an encoder says: values for keys, and for what is no key if `has_default`. The schemas have
 * defaults of their own (-1, "_Unused"), which no net was trained with: they count as none. */
struct encoder {
    struct list keys, values;
    bool has_default;
    float number;
    struct onnx_text text;
};

static bool read_default(struct onnx_graph *graph, const char *whole, const char *number,
                         const char *text, const char *tensor, struct encoder *to)
{
    long long read = 0;
    struct list list;
    bool is_float = to->values.number && !to->values.is_whole;
    const char *name = to->values.text ? text : is_float ? number : whole;
    to->text = (struct onnx_text){"", 0};
    if (tensor && onnx_attribute(graph, tensor)) {
        if (!read_list(graph, NULL, NULL, NULL, tensor, &list))
            return false;
        if (!list.text != !to->values.text)
            return onnx_fail(graph, "'%s' is of another type than its values", tensor);
        to->has_default = true;
        to->number = list.number ? *list.number : 0;
        to->text.at = list.text ? *list.text : "";
        to->text.len = strlen(to->text.at);
        return true;
    }
    to->has_default = onnx_attribute(graph, name) != NULL;
    if (to->values.text)
        return onnx_word(graph, text, &to->text);
    if (is_float)
        return onnx_number(graph, number, &to->number);
    if (!onnx_whole(graph, whole, &read))
        return false;
    if (read >= ONNX_INDICES_MAX || read <= -ONNX_INDICES_MAX)
        return onnx_fail(graph, "'%s' is %lld: float32 has whole numbers below 2^24", whole, read);
    to->number = (float)read;
    return true;
}

/* Makes the words of words: of constants a constant, of the input's the same feature with other
 * names. */
static bool encode_as_words(struct onnx_graph *graph, const struct onnx_value *x,
                            const struct encoder *encoder, struct onnx_value *out)
{
    const struct list *keys = &encoder->keys;
    struct arena *arena = graph->source->arena;
    const char **made = arena_take_array(arena, x->width, sizeof *made);
    const char *rest = arena_copy_text(arena, encoder->text.at, encoder->text.len);
    if (!made || !rest)
        return onnx_no_memory(graph);
    if (x->is_text && keys->text)
        return onnx_rename_words(graph, x, keys->text, encoder->values.text, keys->count,
                                 encoder->has_default ? rest : NULL, !encoder->has_default, out);
    if (x->kind != ONNX_WHOLES || !keys->number)
        return onnx_fail(graph, "it makes words of numbers");
    if (!onnx_spend(graph, x->width * keys->count))
        return false;
    for (size_t i = 0; i < x->width; i++) {
        made[i] = encoder->has_default ? rest : NULL;
        for (size_t k = keys->count; k-- > 0;)
            if (keys->number[k] == (float)x->wholes[i])
                made[i] = encoder->values.text[k];
        if (!made[i])
            return onnx_fail(graph, "%lld is none of its keys", x->wholes[i]);
    }
    *out = *x;
    out->kind = ONNX_TEXTS;
    out->wholes = NULL;
    out->texts = made;
    return true;
}

static bool encode(struct onnx_graph *graph, const struct encoder *encoder)
{
    const struct onnx_value *x;
    const struct list *keys = &encoder->keys, *values = &encoder->values;
    struct onnx_value out;
    if (!onnx_wanted(graph, 0, &x))
        return false;
    if (keys->count == 0 || keys->count != values->count)
        return onnx_fail(graph, "%zu keys and %zu values", keys->count, values->count);
    if (values->text)
        return onnx_answer(graph, encode_as_words(graph, x, encoder, &out), &out);
    float *row = arena_take_array(graph->source->arena, keys->count + 1, sizeof *row);
    if (!row)
        return onnx_no_memory(graph);
    memcpy(row, values->number, keys->count * sizeof *row);
    row[keys->count] = encoder->number;
    struct onnx_answers answers = {
        .width = 1, .has_default = encoder->has_default, .is_whole = values->is_whole};
    return onnx_answer(graph, look_up(graph, x, keys, &answers, row, false, &out), &out);
}

/* Version 1 has the words alone; their places are the numbers. */
static bool read_label_encoder(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    struct encoder encoder = {0};
    struct list *keys = &encoder.keys, *values = &encoder.values;
    bool is_first = onnx_attribute(graph, "classes_strings") != NULL;
    if (!read_list(graph, is_first ? "classes_strings" : "keys_strings", "keys_int64s",
                   "keys_floats", "keys_tensor", keys) ||
        !read_list(graph, "values_strings", "values_int64s", "values_floats", "values_tensor",
                   values))
        return false;
    if (is_first) {
        float *place = arena_take_array(graph->source->arena, keys->count, sizeof *place);
        if (!place)
            return onnx_no_memory(graph);
        for (size_t i = 0; i < keys->count; i++)
            place[i] = (float)i;
        *values = (struct list){.count = keys->count, .number = place, .is_whole = true};
    }
    return read_default(graph, "default_int64", "default_float", "default_string", "default_tensor",
                        &encoder) &&
           encode(graph, &encoder);
}

/* Words to numbers, or numbers to words: what x is decides. */
static bool read_category_mapper(struct onnx_graph *graph, const struct onnx_node *node)
{
    (void)node;
    struct encoder encoder = {0};
    struct list words, numbers;
    const struct onnx_value *x;
    if (!onnx_wanted(graph, 0, &x) || !read_list(graph, "cats_strings", NULL, NULL, NULL, &words) ||
        !read_list(graph, NULL, "cats_int64s", NULL, NULL, &numbers))
        return false;
    encoder.keys = x->is_text ? words : numbers;
    encoder.values = x->is_text ? numbers : words;
    return read_default(graph, "default_int64", "default_int64", "default_string", NULL,
                        &encoder) &&
           encode(graph, &encoder);
}

/* ---- comparing and replacing words ---- */

bool onnx_compare_words(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                        const struct onnx_value *b, struct onnx_value *out)
{
    const struct onnx_value *x = a->is_text ? a : b, *with = a->is_text ? b : a;
    static const float row[2] = {1, 0};
    if (element != ELEMENT_EQUAL || with->kind != ONNX_TEXTS || with->width != 1 ||
        with->rank > x->rank)
        return onnx_fail(graph, "it computes with words: a word may be compared to a constant one");
    struct onnx_answers answers = {
        .word = with->texts, .count = 1, .width = 1, .row = row, .has_default = true};
    return onnx_read_words(graph, x, &answers, false, out);
}

bool onnx_replace_words(struct onnx_graph *graph, const struct onnx_value *test,
                        const struct onnx_value *by, const struct onnx_value *x,
                        struct onnx_value *out)
{
    const char *const *from;
    size_t count;
    if (by->kind != ONNX_TEXTS || by->width != 1 || by->rank > x->rank ||
        !onnx_words_of_test(graph, test, x, &from, &count))
        return onnx_fail(graph, "it chooses among words, other than one constant for some of them");
    const char **to = arena_take_array(&graph->source->temporary, count, sizeof *to);
    if (!to)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < count; i++)
        to[i] = by->texts[0];
    return onnx_rename_words(graph, x, from, to, count, NULL, false, out);
}

const struct onnx_op onnx_words_ops[] = {
    {"CategoryMapper", "ai.onnx.ml", .read = read_category_mapper},
    {"LabelEncoder", "ai.onnx.ml", .read = read_label_encoder},
    {"OneHotEncoder", "ai.onnx.ml", .read = read_one_hot_encoder},
    {0},
};
