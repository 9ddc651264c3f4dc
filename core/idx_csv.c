/* MNIST's IDX (big-endian: two zeros, a type, a rank, the sizes, the numbers) and tables as text. */
#include "core/rows_file.h"

#include <relud/text.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- IDX ---- */

static size_t idx_bytes(int type)
{
    switch (type) {
    case 0x08: /* unsigned byte */
    case 0x09: /* signed byte */
        return 1;
    case 0x0b: /* short */
        return 2;
    case 0x0c: /* int */
    case 0x0d: /* float */
        return 4;
    case 0x0e: /* double */
        return 8;
    default:
        return 0;
    }
}

bool idx_is(const char *text, size_t len)
{
    return len >= 8 && text[0] == 0 && text[1] == 0 && idx_bytes(text[2]) && text[3] >= 1 &&
           text[3] <= 8;
}

static uint64_t big(const unsigned char *at, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | at[i];
    return value;
}

static float idx_element(int type, const unsigned char *at)
{
    uint64_t bits = big(at, idx_bytes(type));
    uint32_t low = (uint32_t)bits;
    float single;
    double wide;
    switch (type) {
    case 0x08:
        return (float)bits;
    case 0x09:
        return (int8_t)bits;
    case 0x0b:
        return (int16_t)bits;
    case 0x0c:
        return (float)(int32_t)low;
    case 0x0d:
        memcpy(&single, &low, sizeof single);
        return single;
    default:
        memcpy(&wide, &bits, sizeof wide);
        return (float)wide;
    }
}

bool idx_read(const struct rows_source *source, struct relud_rows *rows)
{
    const unsigned char *bytes = (const unsigned char *)source->text;
    size_t rank = bytes[3], begin = 4 + 4 * rank, size = idx_bytes(bytes[2]), count[2] = {1, 1};
    if (source->len < begin)
        return rows_fail(source, "idx: the head is not whole");
    for (size_t d = 0; d < rank; d++) {
        size_t *into = &count[d > 0], dimension = (size_t)big(bytes + 4 + 4 * d, 4);
        if (dimension == 0 || *into > source->len / dimension)
            return rows_fail(source, "idx: %zu bytes cannot hold dimension %zu of %zu", source->len,
                             d, dimension);
        *into *= dimension;
    }
    if (count[0] > source->len / count[1] || source->len - begin != count[0] * count[1] * size)
        return rows_fail(source, "idx: %zu bytes of numbers; the head wants %zu x %zu x %zu",
                         source->len - begin, count[0], count[1], size);
    if (!rows_new(source, count[0], count[1], rows))
        return false;
    for (size_t i = 0; i < count[0] * count[1]; i++)
        rows->values[i] = idx_element(bytes[2], bytes + begin + i * size);
    return true;
}

/* ---- tables as text ---- */

struct table {
    const struct rows_source *source;
    struct relud_rows *rows;
    char delimiter;
    size_t cap, line;
};

/* Of the first line: the first of tab, semicolon and comma that is in it. */
static char delimiter_of(const char *line, size_t len)
{
    static const char all[] = "\t;,";
    for (size_t i = 0; i < 3; i++)
        if (memchr(line, all[i], len))
            return all[i];
    return ',';
}

/* Reads the cell [at, end), blanks around it allowed; false when it is no number. */
static bool read_cell(const char *at, const char *end, float *value)
{
    while (at < end && (*at == ' ' || *at == '\t'))
        at++;
    while (end > at && (end[-1] == ' ' || end[-1] == '\r'))
        end--;
    at += end - at > 1 && *at == '+';
    return end > at && relud_text_to_float(at, (size_t)(end - at), value) == (size_t)(end - at);
}

static bool add_value(struct table *table, size_t index, float value)
{
    if (index == table->cap) {
        table->cap = table->cap ? 2 * table->cap : 1024;
        float *more = realloc(table->rows->values, table->cap * sizeof *more);
        if (!more)
            return relud_fail(table->source->error, RELUD_NO_MEMORY, "%.90s: out of memory",
                              table->source->path);
        table->rows->values = more;
    }
    table->rows->values[index] = value;
    return true;
}

/* One line into one row. The first line may be a header: then it has a cell that is no number. */
static bool read_line(struct table *table, const char *line, const char *end)
{
    struct relud_rows *rows = table->rows;
    size_t column = 0;
    for (const char *at = line;; column++) {
        const char *stop = memchr(at, table->delimiter, (size_t)(end - at));
        const char *cell_end = stop ? stop : end;
        float value;
        if (!read_cell(at, cell_end, &value)) {
            if (table->line == 1)
                return true;
            return rows_fail(table->source, "line %zu, column %zu: '%.*s' is not a number",
                             table->line, column + 1,
                             (int)(cell_end - at < 30 ? cell_end - at : 30), at);
        }
        if (!add_value(table, rows->rows * rows->features + column, value))
            return false;
        if (!stop)
            break;
        at = stop + 1;
    }
    column++;
    if (rows->rows && column != rows->features)
        return rows_fail(table->source, "line %zu has %zu columns where the first row has %zu",
                         table->line, column, rows->features);
    rows->features = column;
    rows->rows++;
    return true;
}

bool csv_read(const struct rows_source *source, struct relud_rows *rows)
{
    struct table table = {.source = source, .rows = rows};
    const char *end = source->text + source->len;
    for (const char *line = source->text; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        const char *line_end = stop ? stop : end;
        bool is_blank = line + strspn(line, " \t\r") >= line_end;
        if (++table.line == 1)
            table.delimiter = delimiter_of(line, (size_t)(line_end - line));
        if (!is_blank && !read_line(&table, line, line_end))
            return false;
        line = line_end + 1;
    }
    return rows->rows || rows_fail(source, "no rows");
}
