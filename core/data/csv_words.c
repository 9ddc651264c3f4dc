/* Reads the cells of a table whose column holds words: a word becomes its index. */
#include "core/data/csv.h"

#include "core/base/json_string.h"
#include <math.h>
#include <relud/guess.h>
#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool csv_words_begin(struct csv_table *table)
{
    const struct relud_features *feature = table->options->feature;
    size_t longest = 0;
    if (!feature || !feature->has_words)
        return true;
    for (size_t f = 0; f < feature->len; f++)
        if (feature->at[f].words && feature->at[f].words->longest > longest)
            longest = feature->at[f].words->longest;
    table->word_bytes = 2 * longest; /* each byte of it may be a quote, which is doubled */
    table->word = malloc(table->word_bytes + 1);
    return table->word || csv_no_memory(table->source);
}

size_t csv_word_find(const struct csv_table *table, const struct csv_cell *cell,
                     const struct relud_words *words)
{
    if (!cell->is_quoted || !memchr(cell->at, '"', cell->len))
        return relud_words_find(words, cell->at, cell->len);
    if (cell->len > table->word_bytes)
        return words->count;
    return relud_words_find(words, table->word, csv_unquote(cell, table->word));
}

static bool fail_unknown(const struct csv_table *table, size_t column,
                         const struct relud_words *words)
{
    enum { GUESSED_MAX = 512 }; /* as in core/json/words.c */
    char word[CSV_SHOWN_MAX], first[CSV_SHOWN_MAX], guessed[RELUD_GUESS_TEXT_MAX];
    char hint[CSV_SHOWN_MAX + 64];
    const struct csv_cell *cell = &table->text.cell[column];
    struct relud_guess guess = {.word = csv_shown(cell->at, cell->len, word)};
    for (size_t i = 0; i < words->count && i < GUESSED_MAX; i++)
        relud_guess_offer(&guess, words->word[i]);
    relud_guess_text(&guess, "", guessed);
    snprintf(hint, sizeof hint, "; the %zu begin with '%s'", words->count,
             csv_shown(words->word[0], strlen(words->word[0]), first));
    return csv_fail_cell(table, column, "is no category", *guessed ? guessed : hint);
}

float csv_missing_value(const struct relud_features *feature, size_t f)
{
    const struct relud_words *words = relud_words_of(feature, f);
    return words ? (float)words->missing : NAN;
}

bool csv_read_word(const struct csv_table *table, size_t column, const struct relud_words *words,
                   float *value)
{
    const struct csv_cell *cell = &table->text.cell[column];
    size_t index = csv_word_find(table, cell, words);
    *value = (float)index;
    if (index < words->count)
        return true;
    if (csv_is_missing(cell, &table->options->table)) {
        *value = (float)words->missing;
        return words->missing != RELUD_WORDS_NONE || csv_fail_cell(table, column, "is missing", "");
    }
    if (!words->takes_unknown)
        return fail_unknown(table, column, words);
    return relud_text_utf8(cell->at, cell->len) == cell->len ||
           csv_fail_cell(table, column, "is not UTF-8", " (save the file as that)");
}
