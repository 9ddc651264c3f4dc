/* Rows from a file: unpacks it, finds out what it is, reads JSON itself and hands the rest on. */
#include "core/rows_file.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <relud/text.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define TEXT_BYTES_MAX ((size_t)4 << 30)

bool rows_fail(const struct rows_source *source, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(source->error, RELUD_BAD_INPUT, "%.90s: %s", source->path, words);
}

bool rows_new(const struct rows_source *source, size_t rows, size_t features,
              struct relud_rows *out)
{
    if (features && rows > SIZE_MAX / sizeof(float) / features)
        return rows_fail(source, "%zu rows of %zu numbers are too many", rows, features);
    *out = (struct relud_rows){
        .values = malloc(rows * features * sizeof(float) + 1), .rows = rows, .features = features};
    return out->values ||
           relud_fail(source->error, RELUD_NO_MEMORY, "%.90s: out of memory", source->path);
}

/* zlib passes through what is not gzip. */
char *rows_text(const char *path, size_t *len, struct relud_error *error)
{
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    gzFile file = fd >= 0 ? gzdopen(fd, "rb") : NULL;
    if (!file) {
        relud_fail(error, RELUD_IO, "%.150s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    size_t cap = 1 << 16;
    char *text = malloc(cap + 1);
    int got = -1;
    for (*len = 0;
         text && (got = gzread(file, text + *len,
                               (unsigned)(cap - *len < 1 << 30 ? cap - *len : 1 << 30))) > 0;) {
        *len += (size_t)got;
        if (*len == cap && cap < TEXT_BYTES_MAX) {
            char *more = realloc(text, 2 * cap + 1);
            if (!more)
                free(text);
            text = more;
            cap *= 2;
        } else if (*len == cap) {
            break;
        }
    }
    int failure = 0;
    const char *reason = gzerror(file, &failure);
    bool is_whole = text && got == 0 && failure == Z_OK;
    if (!text)
        relud_fail(error, RELUD_NO_MEMORY, "%.150s: out of memory", path);
    else if (got > 0)
        relud_fail(error, RELUD_TOO_LARGE, "%.150s: more than %zu bytes", path, TEXT_BYTES_MAX);
    else if (!is_whole)
        relud_fail(error, RELUD_IO, "%.150s: %s", path,
                   failure == Z_ERRNO ? strerror(errno) : reason);
    gzclose(file);
    if (!is_whole) {
        free(text);
        return NULL;
    }
    static const char mark[] = "\xef\xbb\xbf"; /* of UTF-8, which some programs put before it */
    if (*len >= 3 && memcmp(text, mark, 3) == 0)
        memmove(text, text + 3, *len -= 3);
    text[*len] = '\0';
    return text;
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

/* {"inputs": …} or {"input": …}. */
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
    if (!is_read && error.code != RELUD_OK && error.code != RELUD_NO_MEMORY)
        return rows_fail(source, "%s", error.text);
    if (!is_read)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%.90s: out of memory", source->path);
    return array.is_present ? shape_rows(source, &array, rows)
                            : rows_fail(source, "neither inputs nor input is in the object");
}

/* Whether the line that ends at `end`, without its carriage return, ends in a bracket. */
static bool ends_in_bracket(const char *text, const char *end)
{
    end -= end > text && end[-1] == '\r';
    return end > text && end[-1] == ']';
}

/* A bare array, or one array a line. */
static bool read_array(const struct rows_source *source, struct relud_rows *rows)
{
    size_t len = source->len + 16;
    char *text = malloc(len);
    if (!text)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%.90s: out of memory", source->path);
    bool is_lines = false; /* a second array behind the first */
    const char *behind = memchr(source->text, '\n', source->len);
    for (; behind && !is_lines; behind = strchr(behind + 1, '\n'))
        is_lines = behind[1] == '[' && ends_in_bracket(source->text, behind);
    len = (size_t)snprintf(text, len, "{\"inputs\":%s", is_lines ? "[" : "");
    for (const char *at = source->text; *at; at++) {
        bool is_break = is_lines && *at == '\n' && at[1 + strspn(at + 1, " \r\t")] == '[';
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

static bool read_any(const struct rows_source *source, struct relud_rows *rows)
{
    if (npy_is(source->text, source->len))
        return npy_read(source, rows);
    if (idx_is(source->text, source->len))
        return idx_read(source, rows);
    if (memchr(source->text, '\0', source->len))
        return rows_fail(source, "neither JSON, CSV, npy nor IDX");
    char first = source->text[strspn(source->text, " \t\r\n")];
    if (first == '{')
        return read_object(source, rows);
    return first == '[' ? read_array(source, rows) : csv_read(source, rows);
}

bool rows_parse(const struct rows_source *source, struct relud_rows *rows)
{
    *rows = (struct relud_rows){0};
    bool is_read = read_any(source, rows);
    for (size_t i = 0; is_read && i < rows->rows * rows->features; i++)
        if (!isfinite(rows->values[i]))
            is_read = rows_fail(source, "row %zu, column %zu is not finite", i / rows->features,
                                i % rows->features);
    if (!is_read)
        relud_rows_free(rows);
    return is_read;
}

bool relud_rows_read(const char *path, size_t features, struct relud_rows *rows,
                     struct relud_error *error)
{
    *rows = (struct relud_rows){0};
    struct rows_source source = {.path = strcmp(path, "-") == 0 ? "standard input" : path,
                                 .error = error};
    char *text = rows_text(path, &source.len, error);
    if (!text)
        return false;
    source.text = text;
    bool is_read = rows_parse(&source, rows);
    free(text);
    if (is_read && features && rows->features != features) {
        is_read =
            rows_fail(&source, "rows of %zu numbers; %zu are wanted", rows->features, features);
        relud_rows_free(rows);
    }
    return is_read;
}

void relud_rows_free(struct relud_rows *rows)
{
    free(rows->values);
    *rows = (struct relud_rows){0};
}
