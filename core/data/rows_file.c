/* Reads rows from a file of any supported format. Detects the format from the content and hands it
 * to its reader. */
#include "core/data/csv.h"

#include <math.h>
#include <stdarg.h>
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

bool rows_may_be_numbers(const struct rows_source *source, const struct relud_features *feature)
{
    size_t f = 0;
    if (!feature || !feature->has_words)
        return true;
    while (!feature->at[f].words)
        f++;
    return rows_fail(source, "an array of numbers, where column %zu wants words: give CSV", f);
}

static bool read_any(const struct rows_source *source, const struct relud_rows_options *options,
                     struct relud_rows *rows)
{
    if (npy_is(source->text, source->len))
        return rows_may_be_numbers(source, options->feature) && npy_read(source, rows);
    if (idx_is(source->text, source->len))
        return rows_may_be_numbers(source, options->feature) && idx_read(source, rows);
    const char *kind = rows_kind(source->text, source->len);
    const char *zero = memchr(source->text, '\0', source->len);
    if (kind)
        return rows_fail(source, "neither JSON, CSV, npy nor IDX, but %s", kind);
    if (zero)
        return rows_fail(source, "neither JSON, CSV, npy nor IDX: byte %zu is NUL",
                         (size_t)(zero - source->text));
    char first = source->text[strspn(source->text, " \t\r\n")];
    return first == '{' || first == '[' ? json_read(source, options, rows)
                                        : csv_read(source, options, rows);
}

static bool check_index(const struct rows_source *source, float value, size_t row, size_t f,
                        const struct relud_features *feature)
{
    size_t indices = relud_indices_of(feature, f);
    if (indices == 0 || (isnan(value) && relud_is_imputed(feature, f)) ||
        (value >= 0 && value < (float)indices && value == floorf(value)))
        return true;
    return relud_is_boolean(feature, f)
               ? rows_fail(source, "row %zu, column %zu: %g is neither 1 nor 0, true nor false",
                           row, f, (double)value)
               : rows_fail(source, "row %zu, column %zu: %g is no whole number from 0 to %zu", row,
                           f, (double)value, indices - 1);
}

static bool has_indices(const struct relud_features *feature)
{
    bool has = false;
    for (size_t f = 0; feature && f < feature->len; f++)
        has |= relud_indices_of(feature, f) > 0;
    return has;
}

bool rows_check(const struct rows_source *source, const char *word, const unsigned char *bytes,
                const float *values, size_t first, size_t rows, size_t features,
                const struct relud_features *feature)
{
    bool wants_indices = has_indices(feature);
    for (size_t row = 0; row < rows; row++) {
        size_t at = row * features;
        if (!wants_indices && (bytes || relud_find_nonfinite(values + at, features) == features))
            continue;
        for (size_t f = 0; f < features; f++) {
            float value = bytes ? (float)bytes[at + f] : values[at + f];
            bool is_missing = isnan(value) && relud_is_imputed(feature, f);
            if (!isfinite(value) && !is_missing)
                return rows_fail(source, "row %zu, %s %zu is not finite", first + row, word, f);
            if (!check_index(source, value, first + row, f, feature))
                return false;
        }
    }
    return true;
}

bool rows_parse(const struct rows_source *source, const struct relud_rows_options *options,
                struct relud_rows *rows)
{
    *rows = (struct relud_rows){0};
    bool is_read = read_any(source, options, rows);
    const struct relud_features *feature =
        rows->features == options->features ? options->feature : NULL;
    is_read = is_read && rows_check(source, "column", NULL, rows->values, 0, rows->rows,
                                    rows->features, feature);
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
