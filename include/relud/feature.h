/* What the numbers of a row may be: any number, the index of a word, the index of an embedding; and
 * whether one may be missing. A row is always floats, whatever its inputs are. */
#ifndef RELUD_FEATURE_H
#define RELUD_FEATURE_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words ---- */

#define RELUD_WORDS_NONE ((size_t)-1)

/* The words that an input of text may be: its categories. A row holds the index of the word. Never
 * changes after it was made: threads may share it. */
struct relud_words {
    size_t count;            /* below 2^24, so that float32 has each index exactly */
    const char *const *word; /* [count], UTF-8, all different */
    bool takes_unknown;      /* any other word is right, too; its index is `count` */
    /* The index of a missing value, at most `count`; RELUD_WORDS_NONE: no value may be missing. */
    size_t missing;

    /* The rest finds words; it is private. */
    const struct relud_words_slot *slot;
    const unsigned *shift;
    size_t slots, shifts, longest;
};

/* The index of the word text[len], or words->count if there is none. Its time depends on `len`
 * alone. */
size_t relud_words_find(const struct relud_words *words, const char *text, size_t len);
/* The same for the inside of a JSON string, between its quotes, with its escapes. The string must
 * be valid. */
size_t relud_words_find_json(const struct relud_words *words, const char *inside, size_t len);

/* Writes why text[len], which is none of the words, is wrong: "'Rme' is no category; did you mean
 * 'Rome'?". Returns `why`. */
#define RELUD_WORDS_TEXT_MAX 256
const char *relud_words_explain(const struct relud_words *words, const char *text, size_t len,
                                char why[RELUD_WORDS_TEXT_MAX]);

/* ---- features ---- */

/* A number of the row. */
struct relud_feature {
    const struct relud_words *words; /* NULL: a number */
    /* 0: any number. Else a whole number from 0 and below this: the index of a row of a table. */
    size_t indices;
    /* The net, or words->missing, has a value for a missing one. A missing number is a NaN in the
     * row (ONNX's Imputer, torch.where(x.isnan(), value, x)). */
    bool is_imputed;
    /* A BOOL, with 2 indices: 1 and 0 may also be written as true and false, yes and no, T and F.
     */
    bool is_boolean;
};

/* All numbers of a row. */
struct relud_features {
    const struct relud_feature *at; /* [len] */
    size_t len;
    bool has_words, has_indices, has_imputed, has_booleans; /* some of them */
};

static inline bool relud_has_imputed(const struct relud_features *features)
{
    return features && features->has_imputed;
}

/* True if feature f may be missing. `features` may be NULL, which stands for plain numbers. */
static inline bool relud_is_imputed(const struct relud_features *features, size_t f)
{
    return features && f < features->len && features->at[f].is_imputed;
}

/* True if feature f is a BOOL. */
static inline bool relud_is_boolean(const struct relud_features *features, size_t f)
{
    return features && f < features->len && features->at[f].is_boolean;
}

/* The words of feature f, or NULL if it is a number. */
static inline const struct relud_words *relud_words_of(const struct relud_features *features,
                                                       size_t f)
{
    return features && f < features->len ? features->at[f].words : NULL;
}

/* The number of indices that feature f may be, or 0: any number. */
static inline size_t relud_indices_of(const struct relud_features *features, size_t f)
{
    return features && f < features->len ? features->at[f].indices : 0;
}

#ifdef __cplusplus
}
#endif

#endif
