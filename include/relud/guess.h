/* "Did you mean …?": the name that was probably meant by a word that is no name. */
#ifndef RELUD_GUESS_H
#define RELUD_GUESS_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define RELUD_GUESS_TEXT_MAX 96

/* Begin with {.word = what was typed}, offer every name that would have been right, and end with
 * relud_guess_text. */
struct relud_guess {
    const char *word; /* borrowed */
    const char *name; /* the nearest name so far, borrowed; NULL: none is near */
    size_t distance;  /* its edit distance (Damerau 1964) */
};

/* Offers a name, which must live as long as the guess; NULL is passed over. It is near if few
 * letters must be inserted, left out, replaced or swapped with a neighbour (one in a word of
 * three, two of six, a third of longer words), or if it begins with the word. Upper and lower
 * case count as the same, and so do '-' and '_'. Of equally near names the first one stays. */
void relud_guess_offer(struct relud_guess *guess, const char *name);

/* Writes the end of a message: "; did you mean 'PREFIXname'?", or "" if no name is near. Returns
 * `text`. */
const char *relud_guess_text(const struct relud_guess *guess, const char *prefix,
                             char text[RELUD_GUESS_TEXT_MAX]);

#ifdef __cplusplus
}
#endif

#endif
