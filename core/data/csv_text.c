/* Splits a table's text into records of cells: finds the separator and the ends of lines and quotes
 * (RFC 4180). */
#include "core/data/csv.h"

#include "core/base/watch.h"
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char separators[] = "\t;|, "; /* if several fit equally well, the earlier one wins */
enum { SEPARATORS = sizeof separators - 1, COMMA = 3, BLANKS = 4 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Notes work that takes about as long as reading so many bytes. False, and an error, if the watch
 * ends it. */
static bool go_on(struct csv_text *text, size_t bytes)
{
    enum { PIECE = 48 * 1024 };
    text->worked += bytes;
    if (text->worked < PIECE)
        return true;
    text->worked = 0;
    text->is_ended = !watch_go_on(text->watch);
    return !text->is_ended || relud_fail(text->source->error, RELUD_IO, "%s is not wanted any more",
                                         text->source->path);
}

/* ---- lines ---- */

/* Finds the end of the line at `at`. The place of the next line feed is kept: a table whose lines
 * end in CR may have no line feed at all, and searching for one on each line would take quadratic
 * time. */
static const char *line_end(struct csv_text *text, const char *at)
{
    if (!text->feed || text->feed < at) {
        text->feed = memchr(at, '\n', (size_t)(text->end - at));
        text->feed = text->feed ? text->feed : text->end;
    }
    const char *stop = memchr(at, '\r', (size_t)(text->feed - at));
    return stop ? stop : text->feed;
}

static const char *behind(const char *stop, const char *end)
{
    if (stop == end)
        return end;
    return stop + 1 + (*stop == '\r' && stop + 1 < end && stop[1] == '\n');
}

size_t csv_line(const struct rows_source *source, const char *at)
{
    size_t line = 1;
    for (const char *c = source->text; c < at; c++)
        line += *c == '\n' || (*c == '\r' && c[1] != '\n');
    return line;
}

/* ---- cells ---- */

static bool ends_cell(const struct csv_text *text, char c)
{
    return text->separator == ' ' ? is_blank(c) : c == text->separator;
}

/* Takes a quoted cell; `at` is after the opening quote. If the quotes contain line ends, *end moves
 * to the end of the line with the closing quote. */
static bool take_quoted(struct csv_text *text, const char *at, struct csv_cell *cell,
                        const char **next, const char **end)
{
    enum { PAIR = 8 }; /* bytes that take as long as two quotes */
    const char *close = at;
    while ((close = memchr(close, '"', (size_t)(text->end - close))) && close + 1 < text->end &&
           close[1] == '"')
        if (close += 2, !go_on(text, PAIR))
            return false;
    if (!close)
        return rows_fail(text->source, "line %zu: a quote that does not end",
                         csv_line(text->source, at));
    *cell = (struct csv_cell){at, (size_t)(close - at), true};
    if (close >= *end)
        *end = line_end(text, close);
    for (*next = close + 1; *next < *end && !ends_cell(text, **next); ++*next)
        if (!is_blank(**next)) {
            char shown[CSV_SHOWN_MAX];
            return rows_fail(text->source, "line %zu: '%s' behind a quote's end",
                             csv_line(text->source, *next), csv_shown(*next, 1, shown));
        }
    return true;
}

/* Takes the cell that begins at `at`. *next gets the place of its separator, or the line's *end. */
static bool take_cell(struct csv_text *text, const char *at, struct csv_cell *cell,
                      const char **next, const char **end)
{
    while (at < *end && is_blank(*at) && (text->separator == ' ' || *at != text->separator))
        at++;
    if (at < *end && *at == '"')
        return take_quoted(text, at + 1, cell, next, end);
    const char *stop = at;
    if (text->separator == ' ')
        while (stop < *end && !is_blank(*stop))
            stop++;
    else if (!(stop = memchr(at, text->separator, (size_t)(*end - at))))
        stop = *end;
    *next = stop;
    while (stop > at && is_blank(stop[-1]))
        stop--;
    *cell = (struct csv_cell){at, (size_t)(stop - at), false};
    return true;
}

static bool check_size(const struct csv_text *text, const struct csv_cell *cell)
{
    if (text->cells_max && text->cells > text->cells_max)
        return rows_fail(text->source, "line %zu has more than %zu columns",
                         csv_line(text->source, text->record), text->cells_max);
    return text->bytes_max == 0 || cell->len <= text->bytes_max ||
           rows_fail(text->source, "line %zu, column %zu: a cell of more than %zu bytes",
                     csv_line(text->source, text->record), text->cells, text->bytes_max);
}

/* Splits the line from `at` to *end into cells. *end moves on if quotes contain line ends. */
static bool split(struct csv_text *text, const char *at, const char **end)
{
    enum { CELL = 16 }; /* bytes that take as long as a cell */
    text->cells = 0;
    for (const char *next = at;; at = next + 1) {
        if (text->cells == text->cells_cap) {
            size_t cap = text->cells_cap ? 2 * text->cells_cap : 64;
            struct csv_cell *more = realloc(text->cell, cap * sizeof *more);
            if (!more)
                return csv_no_memory(text->source);
            text->cell = more;
            text->cells_cap = cap;
        }
        struct csv_cell *cell = &text->cell[text->cells++];
        if (!take_cell(text, at, cell, &next, end) || !go_on(text, CELL) || !check_size(text, cell))
            return false;
        while (text->separator == ' ' && next + 1 < *end && is_blank(next[1]))
            next++;
        if (next == *end || (text->separator == ' ' && next + 1 == *end))
            return true;
    }
}

static bool is_empty(const struct csv_text *text, const char *line, const char *end)
{
    /* If tabs are the separator, a line of tabs is a row of empty cells. */
    while (line < end && is_blank(*line) && (text->separator == ' ' || *line != text->separator))
        line++;
    return line == end;
}

bool csv_text_next(struct csv_text *text)
{
    text->cells = 0;
    while (text->at < text->end) {
        const char *line = text->at, *end = line_end(text, line);
        text->at = behind(end, text->end);
        if (!go_on(text, 8 + (size_t)(end - line) / 4))
            return false;
        if (is_empty(text, line, end))
            continue;
        text->record = line;
        if (!split(text, line, &end))
            return false;
        text->at = behind(end, text->end);
        return true;
    }
    return true;
}

/* ---- before the first record ---- */

/* The separator named by Excel's line sep=; (on a line of its own, perhaps quoted), or 0. */
static char told_separator(const char *line, const char *end)
{
    bool is_quoted = line < end && *line == '"';
    line += is_quoted;
    size_t len = (size_t)(end - line);
    if (len < 5 || strncasecmp(line, "sep=", 4) != 0 || (is_quoted && (len < 6 || line[5] != '"')))
        return 0;
    char c = line[4];
    bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    for (const char *at = line + 5 + is_quoted; at < end; at++)
        if (!is_blank(*at) && *at != c) /* Excel pads this line with separators */
            return 0;
    return is_letter || is_digit(c) || c == '"' || (unsigned char)c >= 0x80 ? 0 : c;
}

static bool pass_preface(struct csv_text *text)
{
    while (text->at < text->end) {
        const char *line = text->at, *end = line_end(text, line);
        while (line < end && is_blank(*line))
            line++;
        bool is_comment = line < end && *line == '#';
        char told = text->is_told ? 0 : told_separator(line, end);
        if (line < end && !is_comment && !told)
            return true;
        if (!go_on(text, 8 + (size_t)(end - text->at)))
            return false;
        if (is_comment)
            text->comment = line;
        if (told)
            text->separator = told;
        text->is_told |= told != 0;
        text->at = behind(end, text->end);
    }
    return true;
}

bool csv_text_split_comment(struct csv_text *text)
{
    const struct rows_source *source = text->source;
    struct relud_error error = {0};
    const struct rows_source quiet = {source->path, source->text, source->len, &error};
    text->feed = NULL;
    const char *line = line_end(text, text->comment), *end = line, *at = text->comment + 1;
    if (at < end && *at == text->separator && text->separator != ' ')
        at--; /* the '#' is then the first column's name */
    text->source = &quiet;
    bool is_split = split(text, at, &end);
    text->source = source;
    if (!is_split && error.code == RELUD_NO_MEMORY)
        return csv_no_memory(source);
    if (text->is_ended)
        return relud_fail(source->error, RELUD_IO, "%s is not wanted any more", source->path);
    if (!is_split || end != line) /* a sentence with a quote is no header */
        text->cells = 0;
    return true;
}

/* ---- the separator ---- */

/* How often each separator occurs in one record, outside quotes. Blanks count only between
 * words. */
struct tally {
    size_t count[SEPARATORS];
    size_t decimals; /* the commas that stand between two digits */
};

/* Tallies the record at *at and moves *at past it; to the end if the watch ended it. */
static struct tally tally_record(struct csv_text *text, const char **at)
{
    struct tally tally = {0};
    const char *c = *at, *end = text->end;
    bool begins_cell = true, is_behind_word = false, is_behind_blank = false;
    while (c < end && is_blank(*c))
        c++;
    for (; c < end && !is_line_end(*c); c++) {
        if (!go_on(text, 2))
            end = c;
        if (begins_cell && *c == '"') {
            while (++c < end && (*c != '"' || (c + 1 < end && c[1] == '"'))) {
                c += *c == '"';
                if (!go_on(text, 1))
                    end = c;
            }
            if (c >= end)
                break;
        }
        const char *which = memchr(separators, *c, SEPARATORS);
        if (which && *c != ' ')
            tally.count[which - separators]++;
        tally.decimals += *c == ',' && c > *at && is_digit(c[-1]) && c + 1 < end && is_digit(c[1]);
        if (!is_blank(*c)) {
            tally.count[BLANKS] += is_behind_word && is_behind_blank;
            is_behind_word = true;
        }
        is_behind_blank = is_blank(*c);
        begins_cell = which != NULL;
    }
    *at = c < end ? behind(c, end) : text->end;
    return tally;
}

/* Returns the index of the separator, or SEPARATORS if there is none. It looks at the first 16
 * records and takes the separator whose count stays the same for the longest run of them. If
 * several tie, the one that occurs most often in the first record wins; commas that may be decimal
 * commas do not count for this. Blanks are the last choice, because they also occur in texts, and
 * they need more than one record. *is_alone: the text has only one record. */
static size_t agreed_separator(struct csv_text *text, bool has_decimal_comma, bool *is_alone)
{
    enum { RECORDS = 16 };
    struct tally first = {0};
    size_t agreed[SEPARATORS] = {0}, records = 0, best = SEPARATORS;
    const char *at = text->at;
    for (; records < RECORDS && at < text->end; records++) {
        struct tally tally = tally_record(text, &at);
        if (has_decimal_comma)
            tally.count[COMMA] -= tally.decimals;
        if (records == 0)
            first = tally;
        for (size_t i = 0; i < SEPARATORS; i++)
            agreed[i] += agreed[i] == records && tally.count[i] == first.count[i];
        while (at < text->end && (is_blank(*at) || is_line_end(*at)) && go_on(text, 1))
            at++;
    }
    *is_alone = records < 2;
    size_t weight[SEPARATORS];
    memcpy(weight, first.count, sizeof weight);
    weight[COMMA] -= has_decimal_comma ? 0 : first.decimals;
    weight[BLANKS] = 0;
    for (size_t i = 0; i < SEPARATORS; i++)
        if (first.count[i] && (i != BLANKS || agreed[i] > 1) &&
            (best == SEPARATORS || agreed[i] > agreed[best] ||
             (agreed[i] == agreed[best] && weight[i] > weight[best])))
            best = i;
    return best;
}

static bool find_separator(struct csv_text *text, const struct relud_table *table)
{
    bool has_decimal_comma = table->decimal == ',', is_alone;
    size_t best = agreed_separator(text, has_decimal_comma, &is_alone);
    if (text->is_ended)
        return false;
    if (best < SEPARATORS) {
        text->separator = separators[best];
        return true;
    }
    /* A single line of words with blanks between is a row if none is a name; otherwise it is one
     * cell. */
    const char *end = line_end(text, text->at);
    text->separator = ' ';
    if (!split(text, text->at, &end))
        return false;
    bool is_row = is_alone && text->cells > 1;
    for (size_t i = 0; i < text->cells && is_row; i++)
        is_row = csv_kind_of(&text->cell[i], table) != CSV_NAME;
    if (!is_row)
        text->separator = has_decimal_comma ? ';' : ',';
    return true;
}

bool csv_text_open(struct csv_text *text, const struct rows_source *source,
                   const struct relud_table *table)
{
    text->source = source;
    text->at = text->record = source->text;
    text->end = source->text + source->len;
    return pass_preface(text) && (text->is_told || find_separator(text, table));
}

void csv_text_close(struct csv_text *text)
{
    free(text->cell);
    text->cell = NULL;
}
