/* Tables as text, with or without a header: numbers into rows, columns that are to be learned as they stand. */
#include "core/rows_file.h"

#include <math.h>
#include <relud/text.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CSV_TARGETS_MAX = 1024 };
#define NO_TARGET ((size_t)-1)

struct table {
    const struct rows_source *source;
    const struct csv_options *options;
    struct csv *csv;
    char delimiter;
    size_t line, columns, head_line, rows_cap;
    size_t *slot;          /* [columns]: which target the column is, or NO_TARGET */
    struct csv_cell *cell; /* [columns] of the line at hand */
    size_t cells, cells_cap;
    size_t *present; /* [features]: how many cells were there; with double sums: their means */
    double *sum;
};

static bool no_memory(const struct table *table)
{
    return relud_fail(table->source->error, RELUD_NO_MEMORY, "%.90s: out of memory",
                      table->source->path);
}

/* ---- cells ---- */

bool csv_number(const struct csv_cell *cell, float *value)
{
    size_t plus = cell->len > 1 && *cell->at == '+';
    return cell->len &&
           relud_text_to_float(cell->at + plus, cell->len - plus, value) == cell->len - plus;
}

static bool is_missing(const struct csv_cell *cell)
{
    static const char *const words[] = {"",    "NA",   "N/A",  "NaN",  "nan",
                                        "NAN", "null", "NULL", "None", "?"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == cell->len && memcmp(words[i], cell->at, cell->len) == 0)
            return true;
    return false;
}

size_t csv_line(const struct rows_source *source, const struct csv_cell *cell)
{
    size_t line = 1;
    for (const char *at = source->text; (at = memchr(at, '\n', (size_t)(cell->at - at))); at++)
        line++;
    return line;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\r' || c == '\t';
}

/* The cell that begins at `at`; *next is its delimiter, or `end`. */
static bool take_cell(const struct table *table, const char *at, const char *end,
                      struct csv_cell *cell, const char **next)
{
    while (at < end && is_blank(*at) && *at != table->delimiter)
        at++;
    const char *stop;
    if (at < end && *at == '"') {
        stop = ++at;
        while (stop < end && (*stop != '"' || (stop + 1 < end && stop[1] == '"')))
            stop += *stop == '"' ? 2 : 1;
        *cell = (struct csv_cell){at, (size_t)(stop - at)};
        if (stop >= end)
            return rows_fail(table->source, "line %zu: a quote that does not end", table->line);
        for (stop++; stop < end && *stop != table->delimiter; stop++)
            if (!is_blank(*stop))
                return rows_fail(table->source, "line %zu: '%c' behind a quote's end", table->line,
                                 *stop);
        *next = stop;
        return true;
    }
    stop = memchr(at, table->delimiter, (size_t)(end - at));
    *next = stop = stop ? stop : end;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    *cell = (struct csv_cell){at, (size_t)(stop - at)};
    return true;
}

static bool split_line(struct table *table, const char *line, const char *end)
{
    table->cells = 0;
    for (const char *at = line, *next = end;; at = next + 1) {
        if (table->cells == table->cells_cap) {
            size_t cap = table->cells_cap ? 2 * table->cells_cap : 64;
            struct csv_cell *more = realloc(table->cell, cap * sizeof *more);
            if (!more)
                return no_memory(table);
            table->cell = more;
            table->cells_cap = cap;
        }
        if (!take_cell(table, at, end, &table->cell[table->cells++], &next))
            return false;
        if (next == end)
            return true;
    }
}

/* ---- the first line ---- */

/* Of the first line: the first of tab, semicolon and comma that is in it. */
static char delimiter_of(const char *line, size_t len)
{
    static const char all[] = "\t;,";
    for (size_t i = 0; i < 3; i++)
        if (memchr(line, all[i], len))
            return all[i];
    return ',';
}

/* The column of this number from 1, else the one called so: a table without a header has numbers where names would be. */
static size_t find_column(const struct table *table, const char *word, size_t len, bool *is_named)
{
    char *end, number[24];
    snprintf(number, sizeof number, "%.*s", (int)(len < 23 ? len : 23), word);
    unsigned long column = strtoul(number, &end, 10);
    if (len && len < 20 && !*end && *word >= '1' && *word <= '9' && column <= table->columns)
        return column - 1;
    for (size_t c = 0; c < table->columns; c++)
        if (table->cell[c].len == len && memcmp(table->cell[c].at, word, len) == 0) {
            *is_named = true;
            return c;
        }
    return NO_TARGET;
}

/* Which columns are targets; *is_named when one was found by its name. */
static bool find_targets(struct table *table, bool *is_named)
{
    const char *word = table->options->target;
    for (size_t c = 0; c < table->columns; c++)
        table->slot[c] = NO_TARGET;
    if (word && !*word)
        table->slot[table->columns - 1] = table->csv->targets++;
    while (word && *word) {
        size_t len = strcspn(word, ",");
        size_t column = find_column(table, word, len, is_named);
        if (column == NO_TARGET)
            return rows_fail(table->source, "there is no column '%.*s' among the %zu",
                             (int)(len < 60 ? len : 60), word, table->columns);
        if (table->slot[column] != NO_TARGET || table->csv->targets == CSV_TARGETS_MAX)
            return rows_fail(table->source, "column '%.*s' is a target twice",
                             (int)(len < 60 ? len : 60), word);
        table->slot[column] = table->csv->targets++;
        word += len + (word[len] == ',');
    }
    table->csv->features = table->columns - table->csv->targets;
    return table->csv->features || rows_fail(table->source, "no column is left for the features");
}

static bool keep_names(struct table *table)
{
    struct csv *csv = table->csv;
    csv->name = calloc(csv->features + 1, sizeof *csv->name);
    if (!csv->name)
        return no_memory(table);
    for (size_t c = 0, f = 0; c < table->columns; c++)
        if (table->slot[c] == NO_TARGET)
            csv->name[f++] = table->cell[c];
    return true;
}

/* *is_header: it holds names and no row. */
static bool read_first(struct table *table, bool *is_header)
{
    table->columns = table->cells;
    table->head_line = table->line;
    table->slot = calloc(table->columns + 1, sizeof *table->slot);
    table->present = calloc(table->columns + 1, sizeof *table->present);
    table->sum = calloc(table->columns + 1, sizeof *table->sum);
    if (!table->slot || !table->present || !table->sum) {
        no_memory(table);
        return false;
    }
    if (!find_targets(table, is_header))
        return false;
    size_t wanted = table->options->fill_len;
    if (table->options->fill && table->csv->features != wanted)
        return rows_fail(table->source, "%zu features, where the training rows have %zu",
                         table->csv->features, wanted);
    for (size_t c = 0; c < table->columns; c++) {
        float value;
        *is_header |= table->slot[c] == NO_TARGET && !csv_number(&table->cell[c], &value) &&
                      !is_missing(&table->cell[c]);
    }
    if (*is_header && !keep_names(table))
        return false;
    return true;
}

/* ---- rows ---- */

/* Room for the next row's features; NULL and *error when there is none. */
static float *next_row(struct table *table)
{
    struct csv *csv = table->csv;
    if (csv->rows == table->rows_cap) {
        size_t cap = table->rows_cap ? table->rows_cap + table->rows_cap / 2 : 256;
        bool is_countable = cap < SIZE_MAX / sizeof(float) / (table->columns + 1);
        size_t bytes = is_countable ? cap * csv->features * sizeof(float) : 0;
        float *values = bytes ? realloc(csv->values, bytes) : NULL;
        if (values)
            csv->values = values;
        struct csv_cell *target =
            values ? realloc(csv->target, (cap * csv->targets + 1) * sizeof *target) : NULL;
        if (target)
            csv->target = target;
        if (!values || !target) {
            no_memory(table);
            return NULL;
        }
        table->rows_cap = cap;
    }
    return csv->values + csv->rows * csv->features;
}

static bool fail_cell(const struct table *table, size_t column, const char *why)
{
    const struct csv_cell *cell = &table->cell[column];
    return rows_fail(table->source, "line %zu, column %zu: '%.*s' %s", table->line, column + 1,
                     (int)(cell->len < 30 ? cell->len : 30), cell->at, why);
}

/* Cells that are missing are NaN until the means are known. */
static bool read_row(struct table *table)
{
    struct csv *csv = table->csv;
    if (table->cells != table->columns)
        return rows_fail(table->source, "line %zu has %zu columns where line %zu has %zu",
                         table->line, table->cells, table->head_line, table->columns);
    float *row = next_row(table);
    if (!row)
        return false;
    for (size_t c = 0, f = 0; c < table->columns; c++) {
        const struct csv_cell *cell = &table->cell[c];
        if (table->slot[c] != NO_TARGET) {
            if (is_missing(cell))
                return fail_cell(table, c, "where a target is wanted");
            csv->target[csv->rows * csv->targets + table->slot[c]] = *cell;
            continue;
        }
        if (csv_number(cell, &row[f])) {
            if (!isfinite(row[f]))
                return fail_cell(table, c, "is more than float32 can hold");
            table->sum[f] += (double)row[f];
            table->present[f]++;
        } else if (is_missing(cell) && table->options->fill_missing) {
            row[f] = NAN;
        } else {
            return fail_cell(table, c, is_missing(cell) ? "is missing" : "is not a number");
        }
        f++;
    }
    csv->rows++;
    return true;
}

static bool fill_missing(struct table *table)
{
    struct csv *csv = table->csv;
    csv->means = calloc(csv->features + 1, sizeof *csv->means);
    if (!csv->means)
        return no_memory(table);
    for (size_t f = 0; f < csv->features; f++) {
        if (table->options->fill)
            csv->means[f] = table->options->fill[f];
        else if (table->present[f] == 0)
            return rows_fail(table->source, "every cell of feature %zu is missing", f + 1);
        else
            csv->means[f] = (float)(table->sum[f] / (double)table->present[f]);
    }
    for (size_t i = 0; i < csv->rows * csv->features; i++)
        if (isnan(csv->values[i]))
            csv->values[i] = csv->means[i % csv->features];
    return true;
}

static bool read_lines(struct table *table)
{
    const char *end = table->source->text + table->source->len;
    for (const char *line = table->source->text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = stop ? stop : end;
        /* Tabs make a row of empty cells where they part them. */
        const char *blanks = table->delimiter == '\t' ? " \r" : " \t\r";
        bool is_empty = line + strspn(line, blanks) >= line_end, is_header = false;
        table->line++;
        if (!is_empty) {
            if (!table->delimiter)
                table->delimiter = delimiter_of(line, (size_t)(line_end - line));
            if (!split_line(table, line, line_end) ||
                (!table->slot && !read_first(table, &is_header)) ||
                (!is_header && !read_row(table)))
                return false;
        }
        line = line_end + 1;
    }
    return table->csv->rows || rows_fail(table->source, "no rows");
}

bool csv_open(const struct rows_source *source, const struct csv_options *options, struct csv *csv)
{
    struct table table = {.source = source, .options = options, .csv = csv};
    *csv = (struct csv){0};
    bool is_read = read_lines(&table) && (!options->fill_missing || fill_missing(&table));
    free(table.slot);
    free(table.cell);
    free(table.present);
    free(table.sum);
    if (!is_read)
        csv_close(csv);
    return is_read;
}

void csv_close(struct csv *csv)
{
    free(csv->values);
    free(csv->target);
    free(csv->name);
    free(csv->means);
    *csv = (struct csv){0};
}

bool csv_read(const struct rows_source *source, struct relud_rows *rows)
{
    static const struct csv_options plain;
    struct csv csv;
    if (!csv_open(source, &plain, &csv))
        return false;
    *rows = (struct relud_rows){csv.values, csv.rows, csv.features};
    csv.values = NULL;
    csv_close(&csv);
    return true;
}
