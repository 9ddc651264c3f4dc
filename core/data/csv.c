/* Reads the rows of a text table, with or without a header. Feature columns become float32 rows.
 * Target columns stay cells of the text: core/data/dataset_targets.c decides later whether they are
 * numbers or class labels. */
#include "core/data/csv_scan.h"

#include <math.h>
#include <relud/text.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool csv_no_memory(const struct rows_source *source)
{
    return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
}

const char *csv_unparted(const struct csv_table *table)
{
    bool is_unparted =
        table->text.cells == 1 && !table->text.is_told && table->options->features != 1;
    return is_unparted ? "; none of comma, semicolon, tab, | and blank parts the columns" : "";
}

/* ---- rows ---- */

/* Returns the place of the next row, [features], and grows the arrays when they are full. NULL and
 * *error without memory, and when there are more rows than are wanted. */
static float *next_row(struct csv_table *table)
{
    struct csv *csv = table->csv;
    size_t most = table->options->most;
    if (most && csv->features && csv->rows >= most / csv->features) {
        relud_fail(table->source->error, RELUD_TOO_LARGE, "%s has more than %zu numbers",
                   table->source->path, most);
        return NULL;
    }
    if (csv->rows == table->rows_cap) {
        size_t cap = table->rows_cap ? table->rows_cap + table->rows_cap / 2 : 256;
        /* The products cannot overflow: a row takes at least a byte of the text, and a model's rows
         * have at most 2^20 features. */
        float *values = realloc(csv->values, (cap * csv->features + 1) * sizeof *values);
        if (values)
            csv->values = values;
        struct csv_cell *target =
            values ? realloc(csv->target, (cap * csv->targets + 1) * sizeof *target) : NULL;
        if (target)
            csv->target = target;
        if (!values || !target) {
            csv_no_memory(table->source);
            return NULL;
        }
        table->rows_cap = cap;
    }
    return csv->values + csv->rows * csv->features;
}

bool csv_fail_cell(const struct csv_table *table, size_t column, const char *why, const char *hint)
{
    const struct csv_cell *cell = &table->text.cell[column];
    char shown[CSV_SHOWN_MAX];
    bool is_text = csv_kind_of(cell, &table->options->table) != CSV_MISSING;
    bool is_new = table->options->keeps_names && !table->options->name && table->columns > 2;
    bool may_drop = is_text && is_new && table->feature[column] != CSV_NONE;
    char drop[2 * CSV_SHOWN_MAX + 96] = "", name[CSV_SHOWN_MAX], number[24];
    snprintf(number, sizeof number, "%zu", column + 1);
    const char *called = table->has_header
                             ? csv_shown(table->column[column], strlen(table->column[column]), name)
                             : number;
    if (may_drop && table->options->is_learned && strcmp(why, "is not a number") == 0)
        snprintf(drop, sizeof drop,
                 "; --categorical '%s' makes categories of the column, --drop '%s' leaves it out",
                 called, called);
    else if (may_drop)
        snprintf(drop, sizeof drop, "; --drop '%s' leaves the column out", called);
    return rows_fail(table->source, "line %zu, column %zu: '%s' %s%s%s%s",
                     csv_line(table->source, cell->at), column + 1,
                     csv_shown(cell->at, cell->len, shown), why, hint,
                     is_text ? csv_unparted(table) : "", drop);
}

/* Notes what a feature's column holds. Booleans go together with 0 and 1 alone. */
static bool see(struct csv_table *table, size_t column, unsigned char what)
{
    unsigned char *seen = table->csv->seen ? &table->csv->seen[table->feature[column]] : NULL;
    if (!seen)
        return true;
    *seen |= what;
    return *seen != (CSV_SEEN_BOOLEAN | CSV_SEEN_NUMBER) ||
           csv_fail_cell(table, column,
                         "where the column has booleans and numbers other than 0 and 1", "");
}

/* True if the record has as many columns as the first record. A separator at the end of a line adds
 * no column. If only some lines end in a separator, a header decides how many columns there are.
 * Without a header, no_trailing is set, and step_table reads the table again with the last, empty
 * cell as a column. */
static bool check_columns(struct csv_table *table)
{
    const struct csv_text *text = &table->text;
    size_t cells = text->cells;
    const struct csv_cell *last = &text->cell[cells - 1];
    bool has_behind = cells == table->columns + 1 && last->len == 0 && !last->is_quoted;
    if (table->is_trailing ? has_behind : cells == table->columns)
        return true;
    if (table->has_header && (has_behind || cells == table->columns))
        return true;
    if (table->is_trailing) {
        table->no_trailing = true;
        return false;
    }
    return rows_fail(table->source, "line %zu has %zu columns where line %zu has %zu",
                     csv_line(table->source, text->record), cells,
                     csv_line(table->source, table->head), table->columns);
}

static bool read_cell(struct csv_table *table, size_t column, float *value)
{
    const struct csv_cell *cell = &table->text.cell[column];
    const struct relud_table *form = &table->options->table;
    size_t feature = table->feature[column];
    const struct relud_words *words = relud_words_of(table->options->feature, feature);
    *value = 0;
    if (table->options->refusal && table->options->refusal[feature])
        return true;
    if (words)
        return csv_read_word(table, column, words, value);
    if (csv_number(cell, form, value)) {
        if (!isfinite(*value))
            return csv_fail_cell(table, column, "is more than float32 can hold", "");
        table->sum[feature] += (double)*value;
        table->present[feature]++;
        return see(table, column, *value == 0 || *value == 1 ? 0 : CSV_SEEN_NUMBER);
    }
    bool may_be_boolean = table->csv->seen || relud_is_boolean(table->options->feature, feature);
    if (may_be_boolean && csv_boolean(cell, value)) {
        table->sum[feature] += (double)*value;
        table->present[feature]++;
        return see(table, column, CSV_SEEN_BOOLEAN);
    }
    if (!csv_is_missing(cell, form)) {
        table->csv->has_text = true;
        bool is_name = csv_kind_of(cell, form) == CSV_NAME;
        return csv_fail_cell(table, column, "is not a number",
                             is_name && table->options->is_learned ? "" : csv_hint(cell, form));
    }
    *value = NAN;
    const float *fill = table->options->fill;
    if ((table->options->fill_missing && !(fill && isnan(fill[feature]))) ||
        relud_is_imputed(table->options->feature, feature))
        return true;
    return csv_fail_cell(table, column, "is missing", "");
}

/* True if the record has no target in some column of targets. */
static bool has_no_target(const struct csv_table *table)
{
    for (size_t c = 0; c < table->columns; c++)
        if (table->target[c] != CSV_NONE && table->target[c] != CSV_DROPPED &&
            csv_is_missing(&table->text.cell[c], &table->options->table))
            return true;
    return false;
}

/* A missing cell is stored as NaN. fill_missing replaces it once the means are known. */
static bool read_row(struct csv_table *table)
{
    struct csv *csv = table->csv;
    if (!check_columns(table))
        return false;
    if (table->options->is_learned && has_no_target(table)) {
        csv->skipped++;
        return true;
    }
    if (table->options->scan) {
        csv->rows++;
        return csv_scan_row(table);
    }
    float *row = next_row(table);
    if (!row)
        return false;
    for (size_t f = 0; table->has_gaps && f < csv->features; f++)
        row[f] = csv_missing_value(table->options->feature, f);
    for (size_t c = 0; c < table->columns; c++) {
        if (table->feature[c] != CSV_NONE && !read_cell(table, c, &row[table->feature[c]]))
            return false;
        if (table->target[c] == CSV_NONE || table->target[c] == CSV_DROPPED)
            continue;
        if (csv_is_missing(&table->text.cell[c], &table->options->table))
            return csv_fail_cell(table, c, "where a target is wanted", "");
        csv->target[csv->rows * csv->targets + table->target[c]] = table->text.cell[c];
    }
    csv->rows++;
    return true;
}

/* A model tells columns apart by their names, and not too many of them. */
static bool fills_gaps_only(const struct csv_table *table)
{
    enum { APART_MAX = 1000 };
    return table->options->fills_gaps_only && table->has_header &&
           table->csv->features <= APART_MAX;
}

/* The value for missing cells of feature f, which has `gaps` of them; a NaN if there are to be
 * none. */
static bool find_mean(const struct csv_table *table, size_t f, size_t gaps, float *mean)
{
    const struct csv_options *options = table->options;
    bool is_number =
        !relud_words_of(options->feature, f) && !(options->refusal && options->refusal[f]);
    *mean = is_number ? 0 : NAN;
    if (options->fill)
        *mean = options->fill[f];
    else if (is_number && gaps == 0 && fills_gaps_only(table))
        *mean = NAN;
    else if (is_number && table->present[f])
        *mean = (float)(table->sum[f] / (double)table->present[f]);
    return !is_number || table->present[f] || options->fill || options->is_learned ||
           rows_fail(table->source, "every cell of feature %zu is missing", f + 1);
}

static bool fill_missing(struct csv_table *table)
{
    struct csv *csv = table->csv;
    bool is_any = table->options->fill || !table->options->fills_gaps_only;
    csv->means = malloc((csv->features + 1) * sizeof *csv->means);
    csv->gaps = calloc(csv->features + 1, sizeof *csv->gaps);
    if (!csv->means || !csv->gaps)
        return csv_no_memory(table->source);
    for (size_t i = 0; i < csv->rows * csv->features; i++)
        csv->gaps[i % csv->features] += isnan(csv->values[i]) ? 1 : 0;
    for (size_t f = 0; f < csv->features; f++) {
        if (!find_mean(table, f, csv->gaps[f], &csv->means[f]))
            return false;
        is_any |= csv->gaps[f] > 0;
    }
    for (size_t i = 0; i < csv->rows * csv->features; i++)
        if (isnan(csv->values[i]))
            csv->values[i] = csv->means[i % csv->features];
    if (!is_any) {
        free(csv->means);
        csv->means = NULL;
    }
    return true;
}

/* ---- all of it, or a piece at a time ---- */

static void leave_table(struct csv_table *table)
{
    csv_text_close(&table->text);
    free(table->column);
    free(table->feature);
    free(table->target);
    free(table->present);
    free(table->sum);
    free(table->word);
}

static bool open_text(struct csv_table *table)
{
    enum { MORE_COLUMNS = 1024, CELL_BYTES = 64 * 1024 };
    const struct csv_options *options = table->options;
    struct csv_text *text = &table->text;
    text->watch = options->watch;
    if (options->most && options->features) {
        text->cells_max = 2 * options->features + MORE_COLUMNS;
        text->bytes_max = CELL_BYTES + table->word_bytes;
    }
    return csv_text_open(text, table->source, &options->table);
}

static bool begin_table(struct csv_table *table)
{
    const struct csv_options *options = table->options;
    struct csv *csv = table->csv;
    if (!csv_words_begin(table) || !open_text(table) || !csv_head_read(table))
        return false;
    if (options->fill && csv->features && csv->features != options->features)
        return rows_fail(table->source, "%zu features, where the training rows have %zu",
                         csv->features, options->features);
    table->present = calloc(csv->features + 1, sizeof *table->present);
    table->sum = calloc(csv->features + 1, sizeof *table->sum);
    csv->place = calloc(csv->features + 1, sizeof *csv->place);
    csv->seen = options->has_booleans ? calloc(csv->features + 1, 1) : NULL;
    if (!table->present || !table->sum || !csv->place || (options->has_booleans && !csv->seen))
        return csv_no_memory(table->source);
    for (size_t c = 0; c < table->columns; c++)
        if (table->feature[c] != CSV_NONE)
            csv->place[table->feature[c]] = c;
    return !options->scan || csv_scan_begin(table);
}

static bool end_table(struct csv_table *table)
{
    if (table->csv->rows == 0)
        return rows_fail(table->source,
                         table->has_header ? "no rows behind the header" : "no rows");
    if (table->options->scan)
        return csv_scan_end(table);
    return !table->options->fill_missing || fill_missing(table);
}

/* Reads records until at least `bytes` of text are consumed, where a number that is stored counts
 * as a byte, too. At the end of the text it ends the table and sets *is_over. */
static bool read_some(struct csv_table *table, size_t bytes, bool *is_over)
{
    const char *begin = table->text.at;
    size_t row = table->options->scan ? 0 : table->csv->features, filled = 0;
    for (; (size_t)(table->text.at - begin) + filled < bytes; filled += row) {
        if (!csv_text_next(&table->text))
            return false;
        *is_over = table->text.cells == 0;
        if (*is_over)
            return end_table(table);
        if (!read_row(table))
            return false;
    }
    return true;
}

static bool begin_again(struct csv_table *table, bool no_trailing)
{
    csv_close(table->csv);
    *table = (struct csv_table){.source = table->source,
                                .options = table->options,
                                .csv = table->csv,
                                .no_trailing = no_trailing};
    return begin_table(table);
}

/* Reads a piece of the table. If only the first lines end in a separator, the table is read again
 * from its beginning (see check_columns). */
static bool step_table(struct csv_table *table, size_t bytes, bool *is_over)
{
    bool was_tried = table->no_trailing;
    if (read_some(table, bytes, is_over))
        return true;
    if (was_tried || !table->no_trailing)
        return false;
    leave_table(table);
    return begin_again(table, true) && read_some(table, bytes, is_over);
}

bool csv_open(const struct rows_source *source, const struct csv_options *options, struct csv *csv)
{
    struct csv_table table = {.source = source, .options = options, .csv = csv};
    bool is_over = false;
    *csv = (struct csv){0};
    bool is_read = begin_again(&table, false) && step_table(&table, SIZE_MAX, &is_over);
    leave_table(&table);
    bool has_text = csv->has_text;
    if (!is_read)
        csv_close(csv);
    csv->has_text = has_text;
    return is_read;
}

void csv_close(struct csv *csv)
{
    free(csv->values);
    free(csv->target);
    free(csv->name);
    free(csv->target_name);
    free(csv->names);
    free(csv->means);
    free(csv->gaps);
    free(csv->place);
    free(csv->seen);
    *csv = (struct csv){0};
}

/* Fails if the table's features are not as many as the caller wants. */
static bool check_features(const struct rows_source *source,
                           const struct relud_rows_options *options, const struct csv *csv)
{
    if (!options->features || !csv->features || csv->features == options->features)
        return true;
    return rows_fail(
        source, "rows of %zu numbers; %zu are wanted%s", csv->features, options->features,
        csv->features == 1 ? "; none of comma, semicolon, tab, | and blank parts the columns"
        : options->name    ? ": a header would tell which columns the model knows"
                           : "");
}

static void give_rows(struct csv *csv, struct relud_rows *rows)
{
    *rows = (struct relud_rows){csv->values, csv->rows, csv->features, ""};
    memcpy(rows->note, csv->note, sizeof rows->note);
    csv->values = NULL;
}

static struct csv_options options_of(const struct relud_rows_options *options)
{
    return (struct csv_options){.table = options->table,
                                .features = options->features,
                                .most = options->most,
                                .watch = options->watch,
                                .name = options->name,
                                .feature = options->feature};
}

bool csv_read(const struct rows_source *source, const struct relud_rows_options *options,
              struct relud_rows *rows)
{
    const struct csv_options wanted = options_of(options);
    struct csv csv;
    if (!csv_open(source, &wanted, &csv))
        return false;
    bool is_right = check_features(source, options, &csv);
    if (is_right)
        give_rows(&csv, rows);
    csv_close(&csv);
    return is_right;
}

struct relud_table_reader {
    struct rows_source source;
    struct relud_rows_options wanted;
    struct csv_options options;
    struct csv csv;
    struct csv_table table;
    struct relud_error error; /* rows_fail writes the error of the current piece here */
    bool is_begun;
};

relud_table_reader *relud_table_open(const char *text, size_t len,
                                     const struct relud_rows_options *options)
{
    relud_table_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return NULL;
    size_t mark = relud_text_mark(text, len);
    reader->source = (struct rows_source){
        .path = "the body", .text = text + mark, .len = len - mark, .error = &reader->error};
    reader->wanted = *options;
    reader->options = options_of(options);
    reader->table = (struct csv_table){
        .source = &reader->source, .options = &reader->options, .csv = &reader->csv};
    return reader;
}

bool relud_table_read(relud_table_reader *reader, size_t bytes, struct relud_rows *rows,
                      struct relud_error *error)
{
    bool is_over = false;
    reader->error.code = RELUD_OK;
    rows->rows = 0;
    bool is_right = (reader->is_begun || begin_again(&reader->table, false)) &&
                    check_features(&reader->source, &reader->wanted, &reader->csv);
    reader->is_begun = true;
    is_right = is_right && step_table(&reader->table, bytes, &is_over);
    if (is_right && is_over)
        give_rows(&reader->csv, rows);
    if (!is_right)
        *error = reader->error;
    return is_right;
}

void relud_table_close(relud_table_reader *reader)
{
    if (!reader)
        return;
    leave_table(&reader->table);
    csv_close(&reader->csv);
    free(reader);
}
