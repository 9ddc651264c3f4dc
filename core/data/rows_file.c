/* Reads rows from a file of any supported format. Detects the format from the content, reads JSON
 * here, and hands other formats to their readers. */
#include "core/data/csv.h"

#include <math.h>
#include <relud/text.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool rows_fail(const struct rows_source *source, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(source->error, RELUD_BAD_INPUT, "%s: %s", source->path, words);
}

bool rows_new(const struct rows_source *source, size_t rows, size_t features,
              struct relud_rows *out)
{
    *out = (struct relud_rows){
        .values = malloc(rows * features * sizeof(float) + 1), .rows = rows, .features = features};
    return out->values ||
           relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
}

static bool shape_rows(const struct rows_source *source, const struct relud_json_array *array,
                       struct relud_rows *rows)
{
    if (array->rank == 0)
        return rows_fail(source, "a number, where an array of rows is wanted");
    rows->rows = array->rank == 1 ? 1 : array->shape[0];
    rows->features = array->count / rows->rows;
    return true;
}

/* Reads {"inputs": …} or {"input": …}. */
static bool read_object(const struct rows_source *source, struct relud_rows *rows)
{
    enum { REST_BYTES = 64 * 1024 };
    static const char *const keys[] = {"inputs", "input"};
    struct relud_json_array array = {.capacity = source->len / 2 + 1};
    char *rest = malloc(REST_BYTES);
    struct relud_error error = {0};
    array.values = rows->values = calloc(array.capacity, sizeof(float));
    bool is_read = rest && array.values;
    for (size_t i = 0; is_read && i < 2 && !array.is_present; i++)
        is_read =
            relud_json_read(source->text, source->len, keys[i], &array, rest, REST_BYTES, &error);
    free(rest);
    if (!is_read && error.code != RELUD_OK)
        return rows_fail(source, "%s", error.text);
    if (!is_read)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
    return array.is_present ? shape_rows(source, &array, rows)
                            : rows_fail(source, "neither inputs nor input is in the object");
}

/* True if the line that ends at `end` ends in ']', ignoring a carriage return. The caller has seen
 * a '[' earlier in the text, so end[-1] is valid. */
static bool ends_in_bracket(const char *end)
{
    end -= end[-1] == '\r';
    return end[-1] == ']';
}

/* Reads a bare array, or one array per line (JSON lines), by wrapping it in {"inputs": …}. */
static bool read_array(const struct rows_source *source, struct relud_rows *rows)
{
    static const char ends[] = "\r\n";
    size_t len = source->len + 16;
    char *text = malloc(len);
    if (!text)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
    bool is_lines = false; /* another line holds an array, too */
    const char *begin = source->text + strspn(source->text, " \t\r\n");
    const char *behind = strpbrk(begin, ends);
    for (; behind && !is_lines; behind = strpbrk(behind + 1, ends))
        is_lines = behind[1] == '[' && ends_in_bracket(behind);
    len = (size_t)snprintf(text, len, "{\"inputs\":%s", is_lines ? "[" : "");
    for (const char *at = begin; *at; at++) {
        bool is_break = is_lines && strchr(ends, *at) && at[1 + strspn(at + 1, " \t")] == '[';
        text[len++] = is_break ? ',' : *at;
    }
    if (is_lines)
        text[len++] = ']';
    text[len++] = '}';
    struct rows_source wrapped = {source->path, text, len, source->error};
    bool is_read = read_object(&wrapped, rows);
    free(text);
    return is_read;
}

static bool read_any(const struct rows_source *source, const struct relud_rows_options *options,
                     struct relud_rows *rows)
{
    if (npy_is(source->text, source->len))
        return npy_read(source, rows);
    if (idx_is(source->text, source->len))
        return idx_read(source, rows);
    const char *kind = rows_kind(source->text, source->len);
    const char *zero = memchr(source->text, '\0', source->len);
    if (kind)
        return rows_fail(source, "neither JSON, CSV, npy nor IDX, but %s", kind);
    if (zero)
        return rows_fail(source, "neither JSON, CSV, npy nor IDX: byte %zu is NUL",
                         (size_t)(zero - source->text));
    char first = source->text[strspn(source->text, " \t\r\n")];
    if (first == '{')
        return read_object(source, rows);
    return first == '[' ? read_array(source, rows) : csv_read(source, options, rows);
}

bool rows_parse(const struct rows_source *source, const struct relud_rows_options *options,
                struct relud_rows *rows)
{
    *rows = (struct relud_rows){0};
    bool is_read = read_any(source, options, rows);
    const struct relud_features *feature =
        rows->features == options->features ? options->feature : NULL;
    for (size_t i = 0; is_read && i < rows->rows * rows->features; i++)
        if (!isfinite(rows->values[i]) &&
            !(isnan(rows->values[i]) && relud_is_imputed(feature, i % rows->features)))
            is_read = rows_fail(source, "row %zu, column %zu is not finite", i / rows->features,
                                i % rows->features);
    if (is_read && options->features && rows->features != options->features)
        is_read = rows_fail(source, "rows of %zu numbers; %zu are wanted", rows->features,
                            options->features);
    if (!is_read)
        relud_rows_free(rows);
    return is_read;
}

bool relud_rows_read_with(const char *path, const struct relud_rows_options *options,
                          struct relud_rows *rows, struct relud_error *error)
{
    *rows = (struct relud_rows){0};
    struct rows_source source = {.path = strcmp(path, "-") == 0 ? "standard input" : path,
                                 .error = error};
    char *text = rows_text(path, &source.len, error);
    if (!text)
        return false;
    source.text = text;
    bool is_read = rows_parse(&source, options, rows);
    free(text);
    return is_read;
}

bool relud_rows_read(const char *path, size_t features, struct relud_rows *rows,
                     struct relud_error *error)
{
    const struct relud_rows_options options = {.features = features};
    return relud_rows_read_with(path, &options, rows, error);
}

void relud_rows_free(struct relud_rows *rows)
{
    free(rows->values);
    *rows = (struct relud_rows){0};
}
