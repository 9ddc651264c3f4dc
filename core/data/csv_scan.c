#include "core/data/csv_scan.h"

#include "core/base/json_string.h"
#include "core/base/random.h"
#include "core/base/words.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A column with more numbers than texts holds words if there are so few different ones. */
enum { FEW = 16, SLOTS = 4096 };
_Static_assert(2 * CSV_CATEGORIES_MAX < SLOTS, "the table of words has room");

struct word {
    const char *text; /* in scan->scratch, NUL-terminated */
    size_t len, rows;
};

/* The different words of a column, in the order in which they come. */
struct set {
    struct word word[CSV_CATEGORIES_MAX];
    uint16_t slot[SLOTS]; /* the word's place + 1; 0: free */
    size_t count;
};

/* What the user says of a column. */
enum { TOLD_WORDS = 1, TOLD_NUMBERS = 2, TOLD_KEPT = 4 };

struct csv_scan_column {
    unsigned told;                                    /* TOLD_… */
    size_t numbers, booleans, names, others, missing; /* cells; others look like numbers */
    const char *hint;                                 /* on the first of the others */
    struct set *set;                                  /* NULL: all cells are missing */
    enum csv_refusal refusal;
};

/* ---- the words of a column ---- */

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = len;
    for (size_t i = 0; i < len; i++)
        hash = random_mix(hash ^ (unsigned char)text[i]);
    return hash;
}

/* Counts the word. False and *error: it is not UTF-8, or there is no memory. */
static bool add_word(struct csv_table *table, size_t c, struct csv_scan_column *column)
{
    const struct csv_cell *cell = &table->text.cell[c];
    char text[2 * CSV_WORD_BYTES_MAX];
    if (!column->set && !(column->set = calloc(1, sizeof *column->set)))
        return csv_no_memory(table->source);
    if (column->refusal)
        return true;
    size_t len = cell->len <= sizeof text ? csv_unquote(cell, text) : sizeof text;
    struct set *set = column->set;
    if (len > CSV_WORD_BYTES_MAX) {
        column->refusal = CSV_LONG;
        return true;
    }
    size_t slot = hash_of(text, len) % SLOTS;
    for (; set->slot[slot]; slot = (slot + 1) % SLOTS) {
        struct word *word = &set->word[set->slot[slot] - 1];
        if (word->len == len && memcmp(word->text, text, len) == 0) {
            word->rows++;
            return true;
        }
    }
    for (size_t at = 0, step; at < len; at += step)
        if (!(step = utf8_len(text + at, len - at)))
            return csv_fail_cell(table, c, "is not UTF-8 (save the file as that)", "");
    if (set->count == CSV_CATEGORIES_MAX) {
        column->refusal = CSV_MANY;
        return true;
    }
    struct word *word = &set->word[set->count++];
    *word = (struct word){arena_copy_text(&table->options->scan->scratch, text, len), len, 1};
    set->slot[slot] = (uint16_t)set->count;
    return word->text || csv_no_memory(table->source);
}

/* ---- rows ---- */

/* Marks the features that are named in `list`. */
static bool mark(struct csv_table *table, const char *option, const char *list, unsigned told)
{
    for (const char *word = list; word && *word;) {
        size_t len = strcspn(word, ",");
        bool is_named = false;
        size_t c = csv_find_column(table, word, len, &is_named);
        int shown = (int)json_string_cut(word, len, 60);
        char guessed[RELUD_GUESS_TEXT_MAX];
        if (c == CSV_NONE)
            return rows_fail(table->source, "%s: there is no column '%.*s' among the %zu%s", option,
                             shown, word, table->columns, csv_guess(table, word, len, guessed));
        if (table->feature[c] == CSV_NONE)
            return rows_fail(table->source, "%s: column '%.*s' is %s", option, shown, word,
                             table->target[c] == CSV_DROPPED ? "left out by --drop" : "the target");
        unsigned *all = &table->options->scan->column[table->feature[c]].told;
        *all |= told;
        if ((*all & TOLD_WORDS) && (*all & TOLD_NUMBERS))
            return rows_fail(table->source,
                             "column '%.*s': both --categorical and --numeric name it", shown,
                             word);
        word += len + (word[len] == ',');
    }
    return true;
}

bool csv_scan_begin(struct csv_table *table)
{
    struct csv_scan *scan = table->options->scan;
    size_t features = table->csv->features;
    csv_scan_close(scan); /* a table may begin again */
    scan->features = features;
    scan->column = calloc(features + 1, sizeof *scan->column);
    scan->feature = arena_take_array(scan->arena, features + 1, sizeof *scan->feature);
    scan->refusal = arena_take_array(scan->arena, features + 1, 1);
    scan->missing = arena_take_array(scan->arena, features + 1, sizeof *scan->missing);
    if (!scan->column || !scan->feature || !scan->refusal || !scan->missing)
        return csv_no_memory(table->source);
    return mark(table, "--categorical", scan->categorical, TOLD_WORDS) &&
           mark(table, "--numeric", scan->numeric, TOLD_NUMBERS) &&
           mark(table, "--keep", scan->keep, TOLD_KEPT);
}

/* Counts what the cell is. Numbers are kept as words, too: a text may come later. */
static bool scan_cell(struct csv_table *table, size_t c, struct csv_scan_column *column)
{
    const struct csv_cell *cell = &table->text.cell[c];
    const struct relud_table *form = &table->options->table;
    float value;
    if (column->told & TOLD_NUMBERS)
        return true;
    if (csv_is_missing(cell, form)) {
        column->missing++;
        return true;
    }
    if (csv_number(cell, form, &value))
        column->numbers++;
    else if (csv_boolean(cell, &value))
        column->booleans++;
    else if (csv_kind_of(cell, form) == CSV_NAME)
        column->names++;
    else if (column->others++ == 0)
        column->hint = csv_hint(cell, form);
    return add_word(table, c, column);
}

bool csv_scan_row(struct csv_table *table)
{
    struct csv_scan *scan = table->options->scan;
    for (size_t c = 0; c < table->columns; c++)
        if (table->feature[c] != CSV_NONE && !scan_cell(table, c, &scan->column[table->feature[c]]))
            return false;
    return true;
}

/* ---- what the columns are ---- */

/* A column of texts that are numbers in another form, as 1,5 or 3 %, holds no words; reading it as
 * numbers tells so. Dates may be words. */
static bool are_words(const struct csv_scan_column *column)
{
    bool has_text = column->names || column->others;
    if (column->told & TOLD_WORDS)
        return column->set != NULL;
    if (!has_text || column->told & TOLD_NUMBERS)
        return false;
    if (!column->names && *column->hint && !strstr(column->hint, "date"))
        return false;
    return column->names + column->others > column->numbers ||
           (!column->refusal && column->set->count <= FEW);
}

static enum csv_refusal refusal_of(const struct csv_scan_column *column)
{
    size_t rows = column->numbers + column->booleans + column->names + column->others;
    size_t count = column->set->count;
    bool is_asked = column->told & (TOLD_WORDS | TOLD_KEPT);
    if (column->refusal || is_asked || rows < 2)
        return column->refusal;
    return count == rows || (count > FEW && 2 * count > rows) ? CSV_DIFFERENT : CSV_LEARNED;
}

static int compare_words(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    return strcmp(x->text, y->text);
}

/* Makes the feature's words, in the order of their bytes. Of equally frequent ones the first
 * replaces a missing one. */
static bool make_words(struct csv_table *table, size_t f)
{
    struct csv_scan *scan = table->options->scan;
    struct set *set = scan->column[f].set;
    struct relud_words *words = arena_take(scan->arena, sizeof *words);
    const char **text = arena_take_array(scan->arena, set->count, sizeof *text);
    struct relud_error error;
    size_t most = 0;
    if (!words || !text)
        return csv_no_memory(table->source);
    qsort(set->word, set->count, sizeof *set->word, compare_words);
    for (size_t i = 0; i < set->count; i++) {
        text[i] = arena_copy_text(scan->arena, set->word[i].text, set->word[i].len);
        if (!text[i])
            return csv_no_memory(table->source);
        most = set->word[i].rows > set->word[most].rows ? i : most;
    }
    if (!words_make(words, scan->arena, text, set->count, &error))
        return error.code == RELUD_NO_MEMORY ? csv_no_memory(table->source)
                                             : rows_fail(table->source, "%s", error.text);
    words->takes_unknown = scan->takes_unknown;
    if (scan->fills && (scan->fills_everywhere || scan->column[f].missing))
        words->missing = most;
    scan->feature[f] =
        (struct relud_feature){.words = words, .is_imputed = words->missing != RELUD_WORDS_NONE};
    scan->missing[f] = scan->column[f].missing;
    return true;
}

static bool fail_refused(const struct csv_table *table, size_t f, enum csv_refusal refusal)
{
    static const char *const why[] = {
        [CSV_DIFFERENT] = "nearly every row has a word of its own",
        [CSV_MANY] = "more than 1000 different words",
        [CSV_LONG] = "a word of more than 1024 bytes",
    };
    size_t c = 0;
    char shown[CSV_SHOWN_MAX];
    while (table->feature[c] != f)
        c++;
    const char *name = table->has_header ? table->column[c] : "";
    return rows_fail(table->source, "column %zu%s%s%s: %s: --drop leaves it out", c + 1,
                     *name ? ", '" : "", csv_shown(name, strlen(name), shown), *name ? "'" : "",
                     why[refusal]);
}

bool csv_scan_end(struct csv_table *table)
{
    struct csv_scan *scan = table->options->scan;
    for (size_t f = 0; f < scan->features; f++) {
        struct csv_scan_column *column = &scan->column[f];
        if (!are_words(column))
            continue;
        enum csv_refusal refusal = refusal_of(column);
        bool is_asked = column->told & (TOLD_WORDS | TOLD_KEPT) || !table->has_header;
        if (refusal && is_asked)
            return fail_refused(table, f, refusal);
        scan->refusal[f] = (unsigned char)refusal;
        if (!refusal && !make_words(table, f))
            return false;
    }
    return true;
}

void csv_scan_close(struct csv_scan *scan)
{
    for (size_t f = 0; scan->column && f < scan->features; f++)
        free(scan->column[f].set);
    free(scan->column);
    scan->column = NULL;
    arena_reset(&scan->scratch);
}
