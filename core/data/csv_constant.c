/* Leaves out columns from which nothing can be learned, and notes what was made of columns. */
#include "core/data/csv_scan.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum reason { USEFUL, CONSTANT, COUNT, DIFFERENT, MANY, LONG, REASONS };

/* ---- the note ---- */

/* Adds words to the note. Once it is full it ends in an ellipsis. */
static void note(struct csv *csv, const char *words)
{
    size_t room = sizeof csv->note, len = strlen(csv->note);
    if (len + strlen(words) + 8 < room)
        snprintf(csv->note + len, room - len, "%s", words);
    else if (len + 5 < room && (len < 3 || strcmp(csv->note + len - 3, "...") != 0))
        snprintf(csv->note + len, room - len, " ...");
}

static void note_column(struct csv *csv, size_t feature, const char *before)
{
    char shown[CSV_SHOWN_MAX], words[2 * CSV_SHOWN_MAX + 32];
    const char *name = csv->name ? csv->name[feature] : "";
    if (*name)
        snprintf(words, sizeof words, "%s'%s'", before, csv_shown(name, strlen(name), shown));
    else
        snprintf(words, sizeof words, "%scolumn %zu", before, csv->place[feature] + 1);
    note(csv, words);
}

/* Notes the features of one kind, each with words behind it, which tell() writes. It returns false
 * for a feature of another kind. */
static void note_kind(struct csv *csv, const char *head,
                      bool (*tell)(const struct csv *csv, size_t f, char *words, size_t size))
{
    bool is_any = false;
    char words[CSV_SHOWN_MAX + 64];
    for (size_t f = 0; f < csv->features; f++) {
        *words = '\0';
        if (!tell(csv, f, words, sizeof words))
            continue;
        if (!is_any && *csv->note)
            note(csv, "; ");
        if (!is_any)
            note(csv, head);
        note_column(csv, f, is_any ? ", " : "");
        note(csv, words);
        is_any = true;
    }
}

static bool tell_boolean(const struct csv *csv, size_t f, char *words, size_t size)
{
    (void)words, (void)size;
    return csv->seen && csv->seen[f] & CSV_SEEN_BOOLEAN;
}

unsigned char *csv_take_booleans(struct csv *csv)
{
    unsigned char *seen = csv->seen, any = 0;
    for (size_t f = 0; seen && f < csv->features; f++)
        any |= seen[f] &= CSV_SEEN_BOOLEAN;
    csv->seen = any ? NULL : seen; /* csv_close frees it */
    return any ? seen : NULL;
}

static bool tell_words(const struct csv *csv, size_t f, char *words, size_t size)
{
    if (!csv->feature || !csv->feature[f].words)
        return false;
    snprintf(words, size, " (%zu)", csv->feature[f].words->count);
    return true;
}

static bool tell_gaps(const struct csv *csv, size_t f, char *words, size_t size)
{
    const struct relud_words *of = csv->feature ? csv->feature[f].words : NULL;
    size_t gaps = csv->gaps ? csv->gaps[f] : 0;
    char shown[CSV_SHOWN_MAX];
    if (gaps && of)
        snprintf(words, size, " (%zu, by '%s')", gaps,
                 csv_shown(of->word[of->missing], strlen(of->word[of->missing]), shown));
    else if (gaps)
        snprintf(words, size, " (%zu, by %.4g)", gaps, (double)csv->means[f]);
    return gaps > 0;
}

void csv_note_columns(struct csv *csv)
{
    char skipped[80];
    note_kind(csv, "booleans are read as 1 and 0: ", tell_boolean);
    note_kind(csv, "categories: ", tell_words);
    note_kind(csv, "missing cells are filled: ", tell_gaps);
    snprintf(skipped, sizeof skipped, "%srows left out, without a target: %zu",
             *csv->note ? "; " : "", csv->skipped);
    if (csv->skipped)
        note(csv, skipped);
}

/* ---- which ---- */

static int compare_floats(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

/* True for a column without a name that has another whole number in each row: the index of a table
 * whose rows were mixed, as pandas writes it. Without memory it is taken for none. */
static bool is_index(const struct csv *csv, size_t feature)
{
    bool may_be =
        csv->name && !*csv->name[feature] && !(csv->feature && csv->feature[feature].words);
    float *sorted = may_be ? malloc(csv->rows * sizeof *sorted) : NULL;
    for (size_t r = 0; sorted && r < csv->rows; r++) {
        sorted[r] = csv->values[r * csv->features + feature];
        may_be &= sorted[r] == floorf(sorted[r]);
    }
    if (sorted)
        qsort(sorted, csv->rows, sizeof *sorted, compare_floats);
    for (size_t r = 1; sorted && r < csv->rows; r++)
        may_be &= sorted[r] != sorted[r - 1];
    may_be &= sorted != NULL;
    free(sorted);
    return may_be;
}

static enum reason reason_of(const struct csv *csv, size_t feature)
{
    float first = csv->values[feature];
    bool is_word = csv->feature && csv->feature[feature].words;
    bool is_constant = true, is_count = !is_word && (first == 0 || first == 1);
    for (size_t r = 1; r < csv->rows && (is_constant || is_count); r++) {
        float value = csv->values[r * csv->features + feature];
        is_constant &= value == first;
        is_count &= value == (float)r + first;
    }
    return is_constant ? CONSTANT : is_count || is_index(csv, feature) ? COUNT : USEFUL;
}

/* True if the feature's column has this name, or this number from 1 on. */
static bool is_called(const struct csv *csv, size_t feature, const char *word, size_t len)
{
    char number[24];
    size_t digits = (size_t)snprintf(number, sizeof number, "%zu", csv->place[feature] + 1);
    if (digits == len && memcmp(number, word, len) == 0)
        return true;
    const char *name = csv->name ? csv->name[feature] : "";
    return *name && strlen(name) == len && memcmp(name, word, len) == 0;
}

/* Sets reason[f] of each feature that `keep` names to USEFUL. */
static bool keep_named(const struct rows_source *source, const struct csv *csv, const char *keep,
                       enum reason *reason)
{
    for (const char *word = keep; word && *word;) {
        size_t len = strcspn(word, ","), f = 0;
        while (f < csv->features && !is_called(csv, f, word, len))
            f++;
        if (f == csv->features)
            return rows_fail(source, "--keep: there is no feature '%.*s'",
                             (int)(len < 60 ? len : 60), word);
        reason[f] = USEFUL;
        word += len + (word[len] == ',');
    }
    return true;
}

/* Without names, a row's numbers are known by their places, as in an image. */
static bool has_places(const struct csv *csv)
{
    size_t bytes = 0, side = 8;
    while (side * side < csv->features)
        side++;
    for (size_t f = 0; csv->name && f < csv->features; f++)
        bytes += strlen(csv->name[f]);
    return !csv->name || bytes > CSV_NAMES_BYTES_MAX ||
           (side * side == csv->features && !csv->feature);
}

/* ---- leaving out ---- */

static void note_left(struct csv *csv, const enum reason *reason, enum reason which,
                      const char *what, bool is_out)
{
    bool is_any = false;
    char head[96];
    for (size_t f = 0; f < csv->features; f++) {
        if (reason[f] != which)
            continue;
        snprintf(head, sizeof head, "%s%s (%s): ", *csv->note ? "; " : "",
                 is_out ? "left out" : "of no use", what);
        if (!is_any)
            note(csv, head);
        note_column(csv, f, is_any ? ", " : "");
        is_any = true;
    }
}

/* Closes the gaps that the features left out leave. */
static void close_gaps(struct csv *csv, const enum reason *reason, size_t left)
{
    size_t features = csv->features;
    float *to = csv->values;
    for (size_t r = 0; r < csv->rows; r++)
        for (size_t f = 0; f < features; f++)
            if (reason[f] == USEFUL)
                *to++ = csv->values[r * features + f];
    for (size_t f = 0, n = 0; f < features; f++) {
        if (reason[f] != USEFUL)
            continue;
        csv->name[n] = csv->name[f];
        csv->place[n] = csv->place[f];
        if (csv->means)
            csv->means[n] = csv->means[f];
        if (csv->gaps)
            csv->gaps[n] = csv->gaps[f];
        if (csv->seen)
            csv->seen[n] = csv->seen[f];
        if (csv->feature)
            csv->feature[n] = csv->feature[f];
        n++;
    }
    csv->features = left;
}

bool csv_leave_out(const struct rows_source *source, struct csv *csv, const char *keep,
                   const unsigned char *refusal)
{
    static const char *const why[REASONS] = {
        [CONSTANT] = "constant",
        [COUNT] = "it counts the rows",
        [DIFFERENT] = "nearly every row has a word of its own",
        [MANY] = "more than 1000 different words",
        [LONG] = "it has words of more than 1024 bytes",
    };
    static const enum reason refused[] = {
        [CSV_DIFFERENT] = DIFFERENT, [CSV_MANY] = MANY, [CSV_LONG] = LONG};
    bool is_fixed = has_places(csv);
    size_t left = 0;
    enum reason *reason = calloc(csv->features + 1, sizeof *reason);
    if (!reason)
        return csv_no_memory(source);
    for (size_t f = 0; f < csv->features; f++)
        reason[f] = refusal && refusal[f] ? refused[refusal[f]]
                    : csv->rows > 1       ? reason_of(csv, f)
                                          : USEFUL;
    bool is_right = keep_named(source, csv, keep, reason);
    for (size_t f = 0; f < csv->features; f++)
        left += reason[f] == USEFUL;
    bool is_any = is_right && left < csv->features && !(is_fixed && csv->name);
    if (is_any && !is_fixed && left == 0)
        is_right = rows_fail(source, "no column is left for the features: each is constant or "
                                     "counts the rows, or nearly every row has a word of its own; "
                                     "--keep names those to keep");
    if (is_any && is_right) {
        for (enum reason which = CONSTANT; which < REASONS; which++)
            note_left(csv, reason, which, why[which], !is_fixed);
        note(csv, is_fixed ? " (--drop leaves columns out)" : " (--keep keeps columns)");
    }
    if (is_any && is_right && !is_fixed)
        close_gaps(csv, reason, left);
    free(reason);
    return is_right;
}
