/* Words of the input. A row holds a word as its index among the words of its feature, and those are
 * all words that the net's readers know. They are known only when the whole graph is read, so a
 * reader's table is made then; until then it has the reader's own order. */
#ifndef CORE_ONNX_VOCABULARY_H
#define CORE_ONNX_VOCABULARY_H

#include "core/onnx/lookup.h"

/* What a reader answers to each word that it knows. */
struct onnx_answers {
    const char *const *word; /* [count] */
    size_t count, width;
    /* [count + has_default][width]; the last row answers all other words. Without a default those
     * are errors. */
    const float *row;
    bool has_default, is_whole;
};

/* Looks each element of the text x up; `out` gets x's shape, and an axis of `width` if has_axis. */
bool onnx_read_words(struct onnx_graph *graph, const struct onnx_value *x,
                     const struct onnx_answers *answers, bool has_axis, struct onnx_value *out);
/* The text x, where to[i] takes the place of the word from[i], and `rest`, if it is not NULL, that
 * of all other words. is_strict: there may be no other words. */
bool onnx_rename_words(struct onnx_graph *graph, const struct onnx_value *x,
                       const char *const *from, const char *const *to, size_t count,
                       const char *rest, bool is_strict, struct onnx_value *out);
/* If the value is 1 for some words of the text x and 0 for all others, gives those words. */
bool onnx_words_of_test(struct onnx_graph *graph, const struct onnx_value *test,
                        const struct onnx_value *x, const char *const **word, size_t *count);
/* 1 where a word is the constant one, else 0; only ELEMENT_EQUAL is taken. */
bool onnx_compare_words(struct onnx_graph *graph, enum element element, const struct onnx_value *a,
                        const struct onnx_value *b, struct onnx_value *out);
/* The constant `by` where the test of x is true, else x. */
bool onnx_replace_words(struct onnx_graph *graph, const struct onnx_value *test,
                        const struct onnx_value *by, const struct onnx_value *x,
                        struct onnx_value *out);
/* Makes the words of all features that are text, and the readers' tables. */
bool onnx_set_words(struct onnx_graph *graph);

#endif
