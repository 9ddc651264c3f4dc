#include <relud/guess.h>

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LETTERS_MAX = 64 };

static int letter(char c)
{
    return c == '_' ? '-' : tolower((unsigned char)c);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The optimal string alignment distance (insert, delete, replace, swap neighbours), computed row by
 * row. Only the last three rows are kept. */
static size_t edit_distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][LETTERS_MAX + 1];
    for (size_t k = 0; k <= b_len; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i - 1) % 3], *swapped = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            bool is_same = letter(a[i - 1]) == letter(b[k - 1]);
            row[k] = least(above[k - 1] + !is_same, 1 + least(above[k], row[k - 1]));
            if (i > 1 && k > 1 && letter(a[i - 1]) == letter(b[k - 2]) &&
                letter(a[i - 2]) == letter(b[k - 1]))
                row[k] = least(row[k], swapped[k - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

static bool begins_with(const char *name, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (letter(name[i]) != letter(word[i]))
            return false;
    return true;
}

void relud_guess_offer(struct relud_guess *guess, const char *name)
{
    size_t len = strlen(guess->word), name_len = name ? strlen(name) : 0;
    if (len == 0 || name_len == 0 || len > LETTERS_MAX || name_len > LETTERS_MAX)
        return;
    enum { BEGINNING_MIN = 3 };
    size_t most = len <= 3 ? 1 : len <= 6 ? 2 : len / 3;
    size_t distance = edit_distance(guess->word, len, name, name_len);
    bool is_near = distance <= most && distance < least(len, name_len);
    if (!is_near && len >= BEGINNING_MIN && len < name_len && begins_with(name, guess->word, len)) {
        is_near = true;
        distance = most + 1; /* a name close in spelling beats one with the same beginning */
    }
    if (is_near && (!guess->name || distance < guess->distance)) {
        guess->name = name;
        guess->distance = distance;
    }
}

const char *relud_guess_text(const struct relud_guess *guess, const char *prefix,
                             char text[RELUD_GUESS_TEXT_MAX])
{
    *text = '\0';
    if (guess->name)
        snprintf(text, RELUD_GUESS_TEXT_MAX, "; did you mean '%s%s'?", prefix, guess->name);
    return text;
}
