/* Makes the table that finds words: a perfect hash, in which each word has a slot of its own. */
#ifndef CORE_BASE_WORDS_H
#define CORE_BASE_WORDS_H

#include "core/base/arena.h"
#include <relud/error.h>
#include <relud/feature.h>

enum { WORDS_MAX = 1 << 20 };

/* Makes *words of word[count], which must live as long as the arena, and of which each is UTF-8.
 * Unknown and missing words are errors then; the caller may change that. False and *error: a word
 * that stands twice, more than WORDS_MAX words, none, or no memory. */
bool words_make(struct relud_words *words, struct arena *arena, const char *const *word,
                size_t count, struct relud_error *error);

#endif
