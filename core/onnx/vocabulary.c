#include "core/onnx/vocabulary.h"

#include "core/base/words.h"
#include <string.h>

/* An element that a reader reads: a feature, whose words were renamed on the way. */
struct element_of {
    size_t feature, value; /* value: where the way back begins, and its element */
    size_t at;
};

struct onnx_reader {
    struct onnx_reader *next;
    struct onnx_answers answers;
    struct relud_words known;
    size_t value; /* of the lookup */
    size_t elements;
    struct element_of *element;
    float *first; /* [elements]: where the table of each element begins; NULL for one element */
};

struct onnx_renaming {
    struct onnx_renaming *next;
    size_t value;
    struct relud_words from;
    const char *const *to; /* [from.count] */
    const char *rest;      /* for all other words; NULL: they stay */
    bool is_strict;        /* there may be no other words */
};

/* ---- the way from an element to its feature ---- */

static const struct onnx_renaming *renaming_at(const struct onnx_graph *graph, size_t value)
{
    const struct onnx_renaming *renaming = graph->renaming;
    while (renaming && renaming->value != value)
        renaming = renaming->next;
    return renaming;
}

/* Goes from an element of a text to the one that it was made from. */
static void step_back(const struct onnx_graph *graph, size_t *value, size_t *at)
{
    const struct step *step = &graph->source->step[*value - 1];
    const struct operand *from = &step->operand[0];
    if (step->kind == STEP_GATHER)
        *at = step->map[*at];
    else if (step->kind == STEP_JOIN)
        from = onnx_joined(step, at);
    *value = from->value;
}

enum { RENAMINGS_MAX = 16 };

static bool find_feature(struct onnx_graph *graph, size_t value, size_t at, size_t *feature)
{
    size_t renamings = 0;
    for (; value != STEP_INPUT; step_back(graph, &value, &at)) {
        renamings += renaming_at(graph, value) != NULL;
        if (!onnx_spend(graph, 1))
            return false;
        if (renamings > RENAMINGS_MAX)
            return onnx_fail(graph, "its words are renamed more than %d times", RENAMINGS_MAX);
    }
    *feature = at;
    return true;
}

/* What a word of the feature is called where the element is read; NULL stands for a word that is
 * not known. The renaming that is nearest to the input is the first. False: it may not be there. */
static bool rename_word(const struct onnx_graph *graph, const struct element_of *element,
                        const char **word)
{
    const struct onnx_renaming *chain[RENAMINGS_MAX], *found;
    size_t value = element->value, at = element->at, count = 0;
    for (; value != STEP_INPUT; step_back(graph, &value, &at))
        if ((found = renaming_at(graph, value)))
            chain[count++] = found;
    while (count-- > 0) {
        const struct relud_words *from = &chain[count]->from;
        size_t index = *word ? relud_words_find(from, *word, strlen(*word)) : from->count;
        if (index == from->count && chain[count]->is_strict)
            return false;
        *word = index < from->count  ? chain[count]->to[index]
                : chain[count]->rest ? chain[count]->rest
                                     : *word;
    }
    return true;
}

/* ---- readers ---- */

static bool hash_words(struct onnx_graph *graph, struct relud_words *words, struct arena *arena,
                       const char *const *word, size_t count)
{
    if (words_make(words, arena, word, count, graph->file.error))
        return true;
    return graph->file.error->code == RELUD_NO_MEMORY
               ? onnx_no_memory(graph)
               : onnx_fail(graph, "%s", graph->file.error->text);
}

/* Adds to each word's index where the table of its element begins. */
static bool add_places(struct onnx_graph *graph, struct onnx_reader *reader, struct onnx_value *x)
{
    x->is_text = false;
    if (x->width == 1)
        return true;
    reader->first = arena_take_array(graph->source->arena, x->width, sizeof *reader->first);
    if (!reader->first)
        return onnx_no_memory(graph);
    struct onnx_value operand[2] = {*x, *x}, made = *x;
    operand[1].kind = ONNX_FLOATS;
    operand[1].floats = reader->first;
    struct step step = {.kind = STEP_ELEMENT, .element = ELEMENT_ADD};
    if (!onnx_emit(graph, &step, operand, 2, &made))
        return false;
    graph->source->step[made.value - 1].operand[1].constant = reader->first;
    *x = made;
    return true;
}

bool onnx_read_words(struct onnx_graph *graph, const struct onnx_value *x,
                     const struct onnx_answers *answers, bool has_axis, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    struct onnx_reader *reader = arena_take(arena, sizeof *reader);
    struct element_of *element = arena_take_array(arena, x->width, sizeof *element);
    size_t shape[ONNX_RANK_MAX + 1];
    struct onnx_value numbers = *x, made = {.is_whole = answers->is_whole};
    if (!reader || !element)
        return onnx_no_memory(graph);
    *reader = (struct onnx_reader){.answers = *answers, .elements = x->width, .element = element};
    if (!hash_words(graph, &reader->known, arena, answers->word, answers->count))
        return false;
    for (size_t i = 0; i < x->width; i++) {
        element[i] = (struct element_of){.value = x->value, .at = i};
        if (!find_feature(graph, x->value, i, &element[i].feature))
            return false;
    }
    if (!add_places(graph, reader, &numbers))
        return false;
    memcpy(shape, x->shape, sizeof x->shape);
    shape[x->rank] = answers->width;
    struct step step = {.kind = STEP_LOOKUP,
                        .parts = x->width,
                        .table = answers->row,
                        .table_rows = answers->count + answers->has_default};
    if (!onnx_shape(graph, &made, x->rank + has_axis, shape) ||
        !onnx_emit(graph, &step, &numbers, 1, &made))
        return false;
    reader->value = made.value;
    struct onnx_reader **end = &graph->reader;
    while (*end)
        end = &(*end)->next;
    *end = reader;
    *out = made;
    return true;
}

bool onnx_rename_words(struct onnx_graph *graph, const struct onnx_value *x,
                       const char *const *from, const char *const *to, size_t count,
                       const char *rest, bool is_strict, struct onnx_value *out)
{
    struct arena *arena = &graph->source->temporary;
    struct onnx_renaming *renaming = arena_take(arena, sizeof *renaming);
    struct onnx_value made = *x;
    if (!renaming)
        return onnx_no_memory(graph);
    if (!hash_words(graph, &renaming->from, arena, from, count))
        return false;
    made.is_text = false;
    if (!onnx_activate(graph, "identity", NULL, &made, &made))
        return false;
    made.is_text = true;
    renaming->value = made.value;
    renaming->to = to;
    renaming->rest = rest;
    renaming->is_strict = is_strict;
    renaming->next = graph->renaming;
    graph->renaming = renaming;
    *out = made;
    return true;
}

bool onnx_words_of_test(struct onnx_graph *graph, const struct onnx_value *test,
                        const struct onnx_value *x, const char *const **word, size_t *count)
{
    const struct onnx_reader *reader = graph->reader;
    size_t value = test->kind == ONNX_ROWS ? test->value : STEP_INPUT;
    while (value != STEP_INPUT && graph->source->step[value - 1].kind == STEP_ELEMENT &&
           graph->source->step[value - 1].element == ELEMENT_TRUTH)
        value = graph->source->step[value - 1].operand[0].value;
    while (reader && reader->value != value)
        reader = reader->next;
    if (!reader || !reader->answers.has_default || reader->answers.width != 1 ||
        reader->elements != x->width || reader->answers.row[reader->answers.count] != 0)
        return false;
    for (size_t i = 0; i < reader->answers.count; i++)
        if (reader->answers.row[i] != 1)
            return false;
    for (size_t i = 0; i < x->width; i++)
        if (reader->element[i].value != x->value || reader->element[i].at != i)
            return false;
    *word = reader->answers.word;
    *count = reader->answers.count;
    return true;
}

/* ---- the words of each feature ---- */

/* The row of the reader's answers to a word, or, of NULL, to one that is not known. False: it has
 * no answer. */
static bool find_answer(const struct onnx_graph *graph, const struct onnx_reader *reader,
                        const struct element_of *element, const char *word, size_t *row)
{
    *row = reader->known.count;
    if (!rename_word(graph, element, &word))
        return false;
    if (word)
        *row = relud_words_find(&reader->known, word, strlen(word));
    return *row < reader->known.count || reader->answers.has_default;
}

/* Words that are collected, each once, with a hash table of their places plus 1. */
struct collection {
    const char **word;
    size_t *slot, words, slots;
};

static void collect(struct collection *to, const char *word)
{
    uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
    for (const char *at = word; *at; at++)
        hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
    size_t at = (size_t)(hash ^ hash >> 32) % to->slots;
    for (; to->slot[at]; at = (at + 1) % to->slots)
        if (strcmp(to->word[to->slot[at] - 1], word) == 0)
            return;
    to->word[to->words++] = word;
    to->slot[at] = to->words;
}

/* Collects the words that an element's reader knows, as they are called in the input: the renamed
 * ones first, then its own. If `to` is NULL, only counts them. */
static size_t collect_of(const struct onnx_graph *graph, const struct onnx_reader *reader,
                         const struct element_of *element, struct collection *to)
{
    size_t value = element->value, at = element->at, count = reader->answers.count;
    for (; value != STEP_INPUT; step_back(graph, &value, &at)) {
        const struct onnx_renaming *renaming = renaming_at(graph, value);
        count += renaming ? renaming->from.count : 0;
        for (size_t i = 0; to && renaming && i < renaming->from.count; i++)
            collect(to, renaming->from.word[i]);
    }
    for (size_t i = 0; to && i < reader->answers.count; i++)
        collect(to, reader->answers.word[i]);
    return count;
}

/* One place where a feature is read. */
struct use {
    const struct onnx_reader *reader;
    const struct element_of *element;
};

/* Finds the places where the feature is read. False: out of memory or budget, or there are none. */
static bool find_uses(struct onnx_graph *graph, size_t feature, struct onnx_text input,
                      struct use **uses, size_t *count)
{
    size_t elements = 0;
    *count = 0;
    for (struct onnx_reader *reader = graph->reader; reader; reader = reader->next)
        for (size_t e = 0; e < reader->elements; e++, elements++)
            *count += reader->element[e].feature == feature;
    if (*count == 0)
        return onnx_fail(graph, "input '%.*s' is text whose words nothing tells", ONNX_NAME(input));
    struct use *at = arena_take_array(&graph->source->temporary, *count, sizeof *at);
    *uses = at;
    if (!at)
        return onnx_no_memory(graph);
    for (struct onnx_reader *reader = graph->reader; reader; reader = reader->next)
        for (size_t e = 0; e < reader->elements; e++)
            if (reader->element[e].feature == feature)
                *at++ = (struct use){reader, &reader->element[e]};
    return onnx_spend(graph, elements);
}

/* True if each place has an answer to the word, or, of NULL, to one that is not known. */
static bool are_answered(const struct onnx_graph *graph, const struct use *use, size_t uses,
                         const char *word)
{
    size_t row;
    for (size_t k = 0; k < uses; k++)
        if (!find_answer(graph, use[k].reader, use[k].element, word, &row))
            return false;
    return true;
}

/* Collects all words of the feature, then keeps those that each place has an answer for. */
static bool collect_all(struct onnx_graph *graph, const struct use *use, size_t uses,
                        struct collection *words)
{
    size_t most = 0, kept = 0;
    for (size_t i = 0; i < uses; i++)
        most += collect_of(graph, use[i].reader, use[i].element, NULL);
    if (!onnx_spend(graph, most) || !onnx_spend(graph, most * uses / 8))
        return false;
    *words = (struct collection){.slots = 2 * most};
    words->word = arena_take_array(graph->source->arena, most, sizeof *words->word);
    words->slot = arena_take_array(&graph->source->temporary, words->slots, sizeof *words->slot);
    if (!words->word || !words->slot)
        return onnx_no_memory(graph);
    for (size_t i = 0; i < uses; i++)
        collect_of(graph, use[i].reader, use[i].element, words);
    for (size_t i = 0; i < words->words; i++) {
        if (are_answered(graph, use, uses, words->word[i]))
            words->word[kept++] = words->word[i];
    }
    words->words = kept;
    return true;
}

static bool make_words(struct onnx_graph *graph, size_t feature, struct onnx_text input)
{
    struct use *use = NULL;
    size_t uses;
    struct collection words;
    struct relud_words *made = arena_take(graph->source->arena, sizeof *made);
    if (!made)
        return onnx_no_memory(graph);
    if (!find_uses(graph, feature, input, &use, &uses) || !collect_all(graph, use, uses, &words))
        return false;
    if (words.words == 0)
        return onnx_fail(graph, "no word of input '%.*s' suits all that read it", ONNX_NAME(input));
    if (!hash_words(graph, made, graph->source->arena, words.word, words.words))
        return false;
    made->takes_unknown = are_answered(graph, use, uses, NULL);
    graph->source->feature[feature].words = made;
    return true;
}

/* Makes the table of a reader: for each element, the answers to the words of its feature. */
static bool make_table(struct onnx_graph *graph, struct onnx_reader *reader)
{
    size_t rows = 0, width = reader->answers.width;
    for (size_t e = 0; e < reader->elements; e++) {
        const struct relud_words *words = graph->source->feature[reader->element[e].feature].words;
        if (reader->first)
            reader->first[e] = (float)rows;
        rows += words->count + words->takes_unknown;
    }
    if (rows > ONNX_INDICES_MAX)
        return onnx_fail(graph, "a table of %zu words; at most %d are taken", rows,
                         ONNX_INDICES_MAX);
    if (!onnx_spend(graph, rows * width))
        return false;
    float *table = arena_take_array(graph->source->arena, rows * width, sizeof *table), *to = table;
    if (!table)
        return onnx_no_memory(graph);
    for (size_t e = 0; e < reader->elements; e++) {
        const struct relud_words *words = graph->source->feature[reader->element[e].feature].words;
        for (size_t i = 0; i < words->count + words->takes_unknown; i++, to += width) {
            size_t row;
            find_answer(graph, reader, &reader->element[e],
                        i < words->count ? words->word[i] : NULL, &row);
            memcpy(to, reader->answers.row + row * width, width * sizeof *to);
        }
    }
    struct step *step = &graph->source->step[reader->value - 1];
    step->table = table;
    step->table_rows = rows;
    return true;
}

bool onnx_set_words(struct onnx_graph *graph)
{
    graph->node = NULL;
    for (size_t i = 0, feature = 0; i < graph->inputs; i++) {
        const struct onnx_port *port = graph->input[i];
        size_t end = feature + onnx_find(graph, port->name)->width;
        for (; feature < end; feature++)
            if (port->type == ONNX_STRING &&
                (!model_source_features(graph->source) || !make_words(graph, feature, port->name)))
                return false;
    }
    for (struct onnx_reader *reader = graph->reader; reader; reader = reader->next)
        if (!make_table(graph, reader))
            return false;
    return true;
}
