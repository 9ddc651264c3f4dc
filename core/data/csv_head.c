/* Reads a table's first record: decides whether it is a header and which column is which feature or
 * target. */
#include "core/data/csv.h"

#include "core/base/json_string.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* Keeps the current record's cells as the columns' names. */
static bool take_names(struct csv_table *table)
{
    struct csv *csv = table->csv;
    size_t bytes = 0;
    for (size_t c = 0; c < table->columns; c++)
        bytes += table->text.cell[c].len + 1;
    csv->names = malloc(bytes + 1);
    table->column = calloc(table->columns + 1, sizeof *table->column);
    if (!csv->names || !table->column)
        return csv_no_memory(table->source);
    char *at = csv->names;
    *at++ = '\0'; /* a name for what has no column */
    for (size_t c = 0; c < table->columns; c++) {
        table->column[c] = at;
        at += csv_unquote(&table->text.cell[c], at);
        *at++ = '\0';
    }
    return true;
}

struct named {
    const char *name;
    size_t column;
};

static int compare_names(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->column > y->column) - (x->column < y->column);
}

/* The names, [columns], sorted; equal names keep the order of their columns. The caller frees them.
 * NULL and *error without memory. */
static struct named *sorted_names(const struct csv_table *table)
{
    struct named *sorted = malloc((table->columns + 1) * sizeof *sorted);
    if (!sorted) {
        csv_no_memory(table->source);
        return NULL;
    }
    for (size_t c = 0; c < table->columns; c++)
        sorted[c] = (struct named){table->column[c], c};
    qsort(sorted, table->columns, sizeof *sorted, compare_names);
    return sorted;
}

/* The index in `sorted` of the first column with this name; `columns` if there is none. */
static size_t find_name(const struct named *sorted, size_t columns, const char *name)
{
    size_t low = 0, high = columns;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(sorted[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < columns && strcmp(sorted[low].name, name) == 0 ? low : columns;
}

/* The same for a feature. One whose column has no name is called "column 3" by the model. */
static size_t find_feature(const struct named *sorted, size_t columns, const char *name)
{
    static const char numbered[] = "column ";
    size_t at = find_name(sorted, columns, name), len = strlen(numbered);
    bool is_numbered = strncmp(name, numbered, len) == 0 && name[len] &&
                       strspn(name + len, "0123456789") == strlen(name + len);
    return at == columns && is_numbered ? find_name(sorted, columns, "") : at;
}

/* True if two names differ only in case, blanks and the marks _ - and dot. Used to suggest a name
 * for a misspelled one. */
static bool is_alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, " \t_-.");
        b += strspn(b, " \t_-.");
        char x = *a >= 'A' && *a <= 'Z' ? (char)(*a | 0x20) : *a;
        char y = *b >= 'A' && *b <= 'Z' ? (char)(*b | 0x20) : *b;
        if (x != y)
            return false;
        if (!x)
            return true;
    }
}

static bool fail_name(const struct csv_table *table, const char *name)
{
    char shown[CSV_SHOWN_MAX], other[CSV_SHOWN_MAX];
    csv_shown(name, strlen(name), shown);
    for (size_t c = 0; c < table->columns; c++)
        if (is_alike(table->column[c], name))
            return rows_fail(table->source,
                             "line %zu: there is no column '%s'; did you mean column %zu, '%s'?",
                             csv_line(table->source, table->head), shown, c + 1,
                             csv_shown(table->column[c], strlen(table->column[c]), other));
    return rows_fail(table->source, "line %zu: there is no column '%s' among the %zu%s",
                     csv_line(table->source, table->head), shown, table->columns,
                     csv_unparted(table));
}

static bool fail_twice(const struct csv_table *table, size_t a, size_t b)
{
    char shown[CSV_SHOWN_MAX];
    const char *name = table->column[a];
    if (!*name)
        return rows_fail(table->source, "line %zu: columns %zu and %zu have no name",
                         csv_line(table->source, table->head), a + 1, b + 1);
    return rows_fail(table->source, "line %zu: columns %zu and %zu are both called '%s'",
                     csv_line(table->source, table->head), a + 1, b + 1,
                     csv_shown(name, strlen(name), shown));
}

/* ---- a header, or a row? ---- */

/* Counts, by kind, the cells of the feature columns, and notes the first column of a kind. A word
 * that a feature may be counts as a number: it is no name. */
struct look {
    size_t numbers, names, empty;
    size_t maybe; /* names where words are wanted: one may be a word that is not known */
    size_t number, name, second_empty;
};

/* True if the cell is a word that a row may have there, if features are taken by their places. */
static bool is_word(const struct csv_table *table, const struct csv_cell *cell, size_t feature)
{
    const struct relud_words *words = relud_words_of(table->options->feature, feature);
    return words && csv_word_find(table, cell, words) < words->count;
}

static struct look look_at(const struct csv_table *table)
{
    struct look look = {0};
    for (size_t c = 0, f = 0; c < table->columns; c++) {
        const struct csv_cell *cell = &table->text.cell[c];
        if (table->target && table->target[c] != CSV_NONE)
            continue;
        if (is_word(table, cell, f++)) {
            look.number = look.numbers++ ? look.number : c;
            continue;
        }
        switch (csv_kind_of(cell, &table->options->table)) {
        case CSV_NAME:
            if (relud_words_of(table->options->feature, f - 1))
                look.maybe++;
            else
                look.name = look.names++ ? look.name : c;
            break;
        case CSV_MISSING:
            if (cell->len == 0) {
                look.second_empty = ++look.empty == 2 ? c : look.second_empty;
                break;
            }
            __attribute__((fallthrough));
        default:
            look.number = look.numbers++ ? look.number : c;
        }
    }
    return look;
}

static bool are_names(const struct look *look)
{
    return look->names + look->maybe > 0 && !look->numbers && look->empty < 2;
}

static bool fail_mixture(const struct csv_table *table, const struct look *look)
{
    char number[CSV_SHOWN_MAX], name[CSV_SHOWN_MAX];
    const struct csv_cell *cell = table->text.cell, *a = &cell[look->number],
                          *b = &cell[look->name];
    size_t line = csv_line(table->source, table->head);
    if (!look->numbers)
        return rows_fail(table->source,
                         "line %zu, column %zu: a second column without a name: --header yes or no "
                         "says whether this is a header",
                         line, look->second_empty + 1);
    return rows_fail(table->source,
                     "line %zu, column %zu: '%s' is no number, but column %zu has '%s': --header "
                     "yes or no says whether this is a header",
                     line, look->name + 1, csv_shown(b->at, b->len, name), look->number + 1,
                     csv_shown(a->at, a->len, number));
}

/* True if the table has a column for each feature name, but for those that may be missing. */
static bool has_wanted_names(const struct csv_table *table, const struct named *sorted)
{
    const struct csv_options *options = table->options;
    size_t found = 0;
    for (size_t i = 0; i < options->features; i++) {
        bool is_found = find_name(sorted, table->columns, options->name[i]) < table->columns;
        if (!is_found && !relud_is_imputed(options->feature, i))
            return false;
        found += is_found;
    }
    return found > 0;
}

static bool judge(struct csv_table *table, bool is_named, bool is_wanted)
{
    struct look look = look_at(table);
    bool is_told = table->options->table.header == RELUD_HEADER_YES;
    table->has_header = table->column && (is_told || is_named || is_wanted || are_names(&look));
    if (table->column && !table->has_header && look.names)
        return fail_mixture(table, &look);
    return true;
}

/* ---- features ---- */

static void note_left_out(struct csv_table *table)
{
    char *note = table->csv->note, shown[CSV_SHOWN_MAX];
    size_t room = sizeof table->csv->note, len = 0;
    bool is_cut = false;
    for (size_t c = 0; c < table->columns && !is_cut; c++) {
        if (table->feature[c] != CSV_NONE || table->target[c] != CSV_NONE)
            continue;
        const char *name = csv_shown(table->column[c], strlen(table->column[c]), shown);
        is_cut = len + strlen(name) + 24 >= room;
        if (is_cut)
            snprintf(note + len, room - len, ", ...");
        else
            len += (size_t)snprintf(note + len, room - len, "%s'%s'",
                                    len ? ", " : "columns left out: ", name);
    }
}

/* Assigns features to columns by name. Columns with other names are left out. A feature that is
 * imputed may have no column, but not every one. */
static bool map_names(struct csv_table *table, const struct named *sorted)
{
    const struct csv_options *options = table->options;
    bool is_last_target = options->target && !*options->target && !options->target_name;
    size_t found = 0;
    for (size_t c = 0; c < table->columns; c++) /* names alone decide */
        if (table->target[c] == CSV_DROPPED)
            table->target[c] = CSV_NONE;
    for (size_t i = 0; i < options->features; i++) {
        size_t at = find_feature(sorted, table->columns, options->name[i]);
        bool is_last = i + 1 == options->features;
        if (at == table->columns) {
            if (!relud_is_imputed(options->feature, i) || (is_last && found == 0))
                return fail_name(table, options->name[i]);
            table->has_gaps = true;
            continue;
        }
        found++;
        if (at + 1 < table->columns && strcmp(sorted[at + 1].name, sorted[at].name) == 0)
            return fail_twice(table, sorted[at].column, sorted[at + 1].column);
        if (table->target[sorted[at].column] != CSV_NONE)
            return rows_fail(table->source, "column '%s'%s is a target and a feature",
                             options->name[i], is_last_target ? ", the last one," : "");
        table->feature[sorted[at].column] = i;
    }
    if (is_last_target && table->columns > found + 1)
        return rows_fail(table->source,
                         "line %zu: %zu columns are no features of the model: the target must be "
                         "named (--target)",
                         csv_line(table->source, table->head), table->columns - found);
    table->csv->features = options->features;
    note_left_out(table);
    return true;
}

static bool fail_no_features(const struct csv_table *table)
{
    char shown[CSV_SHOWN_MAX];
    const struct csv_cell *cell = table->text.cell;
    return rows_fail(table->source, "line %zu, '%s': no column is left for the features%s",
                     csv_line(table->source, table->head), csv_shown(cell->at, cell->len, shown),
                     csv_unparted(table));
}

/* A first record 0, 1, 2, … is read as a row, but pandas also writes it as the header of unnamed
 * columns: note that. */
static void note_counting(struct csv_table *table)
{
    char number[24];
    for (size_t c = 0; c < table->columns; c++) {
        size_t len = (size_t)snprintf(number, sizeof number, "%zu", c);
        const struct csv_cell *cell = &table->text.cell[c];
        if (cell->len != len || memcmp(cell->at, number, len) != 0)
            return;
    }
    if (table->columns > 2 && table->options->table.header == RELUD_HEADER_AUTO)
        snprintf(table->csv->note, sizeof table->csv->note,
                 "line %zu counts from 0 and was read as a row; --header yes makes names of it",
                 csv_line(table->source, table->head));
}

/* Assigns features to columns by place: all columns except the targets, in order. */
static bool map_places(struct csv_table *table)
{
    struct csv *csv = table->csv;
    for (size_t c = 0; c < table->columns; c++)
        if (table->target[c] == CSV_NONE)
            table->feature[c] = csv->features++;
    return csv->features || fail_no_features(table);
}

/* Keeps the header's names. Names that a model will learn must be distinct: they go to model.json
 * and identify the columns of other tables. */
static bool keep_names(struct csv_table *table, const struct named *sorted)
{
    struct csv *csv = table->csv;
    csv->name = calloc(csv->features + 1, sizeof *csv->name);
    csv->target_name = calloc(csv->targets + 1, sizeof *csv->target_name);
    if (!csv->name || !csv->target_name)
        return csv_no_memory(table->source);
    for (size_t c = 0; c < table->columns; c++) {
        if (table->feature[c] != CSV_NONE)
            csv->name[table->feature[c]] = table->column[c];
        if (table->target[c] != CSV_NONE && table->target[c] != CSV_DROPPED)
            csv->target_name[table->target[c]] = table->column[c];
    }
    for (size_t f = 0; table->has_gaps && f < csv->features; f++)
        if (!csv->name[f]) /* no column has it */
            csv->name[f] = csv->names;
    bool is_learned = table->options->keeps_names && !table->options->name;
    for (size_t c = 0; is_learned && c + 1 < table->columns; c++)
        if (strcmp(sorted[c].name, sorted[c + 1].name) == 0)
            return fail_twice(table, sorted[c].column, sorted[c + 1].column);
    return true;
}

/* Requires names in UTF-8: a name in another encoding would not match the same name in another
 * file. */
static bool check_utf8(const struct csv_table *table)
{
    for (size_t c = 0; c < table->columns; c++)
        for (const char *at = table->column[c]; *at;) {
            size_t step = utf8_len(at, strlen(at));
            if (!step)
                return rows_fail(table->source,
                                 "line %zu, column %zu: a name that is not UTF-8 (save the file as "
                                 "that)",
                                 csv_line(table->source, table->head), c + 1);
            at += step;
        }
    return true;
}

/* ---- all of it ---- */

/* A comment line before the first row is the header if it names every column, as in #a,b,y. */
static bool try_comment(struct csv_table *table, bool *is_head)
{
    struct csv_text *text = &table->text;
    struct look look = look_at(table);
    size_t columns = text->cells;
    *is_head = false;
    if (!text->comment || columns < 2 || are_names(&look) ||
        table->options->table.header == RELUD_HEADER_NO)
        return true;
    if (!csv_text_split_comment(text))
        return false;
    if (text->cells == columns) {
        look = look_at(table);
        *is_head = are_names(&look);
    }
    text->at = text->record;
    text->feed = NULL;
    if (*is_head)
        table->head = text->comment;
    return *is_head || csv_text_next(text);
}

/* If the first record ends in a separator, the empty cell after it is not a column. csv.c checks
 * that all lines end so. */
static void look_behind(struct csv_table *table)
{
    const struct csv_cell *last = &table->text.cell[table->columns - 1];
    const struct csv_options *options = table->options;
    table->is_trailing =
        !table->no_trailing && table->columns > 1 && last->len == 0 && !last->is_quoted;
    if (table->is_trailing && (!options->features || options->features != table->columns))
        table->columns--;
    else
        table->is_trailing = false;
}

static bool map_columns(struct csv_table *table, bool is_head)
{
    struct named *sorted = NULL;
    bool is_named = false, is_wanted = false;
    for (size_t c = 0; c < table->columns; c++)
        table->feature[c] = table->target[c] = CSV_NONE;
    bool is_mapped = csv_find_drops(table, &is_named) && csv_find_targets(table, &is_named);
    if (is_mapped && table->column && (table->options->name || table->options->keeps_names))
        is_mapped = (sorted = sorted_names(table)) != NULL;
    if (is_mapped && table->column && table->options->name)
        is_wanted = has_wanted_names(table, sorted);
    is_mapped = is_mapped && judge(table, is_named || is_head, is_wanted);
    bool is_by_name = table->has_header && table->options->name;
    if (is_mapped && table->has_header && (is_by_name || table->options->keeps_names))
        is_mapped = check_utf8(table);
    if (is_mapped && is_by_name && table->options->target_name && !is_named)
        is_mapped = fail_name(table, table->options->target_name[0]);
    if (is_mapped)
        is_mapped = is_by_name ? map_names(table, sorted) : map_places(table);
    if (is_mapped && table->has_header)
        is_mapped = keep_names(table, sorted);
    free(sorted);
    return is_mapped;
}

bool csv_head_read(struct csv_table *table)
{
    struct csv_text *text = &table->text;
    bool is_head = false;
    if (!csv_text_next(text))
        return false;
    if (text->cells == 0)
        return true;
    table->head = text->record;
    table->columns = text->cells;
    look_behind(table);
    if (!try_comment(table, &is_head))
        return false;
    table->feature = calloc(table->columns + 1, sizeof *table->feature);
    table->target = calloc(table->columns + 1, sizeof *table->target);
    if (!table->feature || !table->target)
        return csv_no_memory(table->source);
    if (table->options->table.header != RELUD_HEADER_NO && !take_names(table))
        return false;
    if (!map_columns(table, is_head))
        return false;
    if (!table->has_header) {
        note_counting(table);
        text->at = text->record;
        text->feed = NULL;
    }
    return true;
}
