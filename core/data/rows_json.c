/* Reads rows from JSON: arrays, records, columns, in {"inputs": …}, bare, or one in each line. */
#include "core/data/rows_file.h"

#include <relud/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the rows may be, and the names of their columns. */
struct form {
    const struct relud_rows_options *options;
    struct relud_json_columns columns;
};

static bool shape_rows(const struct rows_source *source, const struct relud_json_array *array,
                       struct relud_rows *rows)
{
    if (array->rank == 0)
        return rows_fail(source, "a number, where an array of rows is wanted");
    rows->rows = array->rank == 1 ? 1 : array->shape[0];
    rows->features = array->count / rows->rows;
    return true;
}

/* The most numbers that the text may stand for. A record leaves imputed columns out. */
static size_t most_numbers(const struct rows_source *source, const struct form *form)
{
    size_t most = source->len / 2 + 1 + form->columns.len;
    bool may_miss = form->columns.len && relud_has_imputed(form->options->feature);
    for (size_t i = 0; may_miss && i < source->len; i++)
        most += source->text[i] == '{' ? form->columns.len : 0;
    return most;
}

/* Reads {"inputs": …} or {"input": …}. *is_found: one of them is there. */
static bool read_object(const struct rows_source *source, const struct form *form,
                        struct relud_rows *rows, bool *is_found)
{
    enum { REST_BYTES = 64 * 1024 };
    static const char *const keys[] = {"inputs", "input"};
    struct relud_json_array array = {
        .capacity = most_numbers(source, form),
        .form = form->columns.len ? RELUD_JSON_NAMED | RELUD_JSON_NAMED_ROWS : RELUD_JSON_PLAIN,
        .columns = form->columns.len ? &form->columns : NULL,
        .feature = form->options->feature};
    char *rest = malloc(REST_BYTES);
    struct relud_error error = {0};
    array.values = rows->values = calloc(array.capacity, sizeof(float));
    bool is_read = rest && array.values;
    for (size_t i = 0; is_read && i < 2 && !array.is_present; i++)
        is_read =
            relud_json_read(source->text, source->len, keys[i], &array, rest, REST_BYTES, &error);
    free(rest);
    *is_found = array.is_present;
    if (!is_read && error.code != RELUD_OK)
        return rows_fail(source, "%s", error.text);
    if (!is_read)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
    return array.is_present ? shape_rows(source, &array, rows)
                            : rows_fail(source, "neither inputs nor input is in the object");
}

/* True if the line that ends at `end` ends in `mark`, ignoring a carriage return. The caller has
 * seen a bracket earlier in the text, so end[-1] is valid. */
static bool ends_in(const char *end, char mark)
{
    end -= end[-1] == '\r';
    return end[-1] == mark;
}

/* Reads a bare array, or one array or record per line (JSON lines), by wrapping it in
 * {"inputs": …}. */
static bool read_bare(const struct rows_source *source, const struct form *form,
                      struct relud_rows *rows)
{
    static const char ends[] = "\r\n";
    size_t len = source->len + 16;
    char *text = malloc(len);
    if (!text)
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
    const char *begin = source->text + strspn(source->text, " \t\r\n");
    char open = *begin, close = open == '{' ? '}' : ']';
    bool is_lines = open == '{'; /* another line holds an array, too */
    const char *behind = strpbrk(begin, ends);
    for (; behind && !is_lines; behind = strpbrk(behind + 1, ends))
        is_lines = behind[1] == open && ends_in(behind, close);
    len = (size_t)snprintf(text, len, "{\"inputs\":%s", is_lines ? "[" : "");
    for (const char *at = begin; *at; at++) {
        bool is_break = is_lines && strchr(ends, *at) && at[1 + strspn(at + 1, " \t")] == open;
        text[len++] = is_break ? ',' : *at;
    }
    if (is_lines)
        text[len++] = ']';
    text[len++] = '}';
    struct rows_source wrapped = {source->path, text, len, source->error};
    bool is_found, is_read = read_object(&wrapped, form, rows, &is_found);
    free(text);
    return is_read;
}

bool json_read(const struct rows_source *source, const struct relud_rows_options *options,
               struct relud_rows *rows)
{
    struct form form = {.options = options};
    if (!relud_json_columns_open(&form.columns, options->name, NULL, options->features))
        return relud_fail(source->error, RELUD_NO_MEMORY, "%s: out of memory", source->path);
    bool is_object = source->text[strspn(source->text, " \t\r\n")] == '{', is_found = false;
    bool is_read = is_object && read_object(source, &form, rows, &is_found);
    /* An object without inputs may be a record. */
    bool is_record = is_object && !is_read && !is_found && form.columns.len &&
                     source->error->code == RELUD_BAD_INPUT;
    if (!is_object || is_record) {
        relud_rows_free(rows);
        is_read = read_bare(source, &form, rows);
    }
    relud_json_columns_close(&form.columns);
    return is_read;
}
