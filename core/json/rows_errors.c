/* Says what is wrong in an array of numbers, and where. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include "core/json/number.h"

#include <stdio.h>
#include <string.h>

static void add_column(const struct rows *rows, struct rows_path *path)
{
    size_t len = strlen(path->text), cut = json_string_cut(rows->column.at, rows->column.len, 40);
    if (rows->column.len)
        snprintf(path->text + len, sizeof path->text - len, ".%.*s", (int)cut, rows->column.at);
}

struct rows_path rows_path_of(const struct rows *rows, const size_t *index, size_t depth)
{
    struct rows_path path;
    snprintf(path.text, sizeof path.text, "%s", rows->name);
    if (rows->place.is_columns)
        add_column(rows, &path);
    for (size_t d = 0; d < depth; d++) {
        size_t len = strlen(path.text);
        snprintf(path.text + len, sizeof path.text - len, "[%zu]", index ? index[d] : 0);
    }
    if (!rows->place.is_columns)
        add_column(rows, &path);
    return path;
}

bool rows_fail_at_path(const struct rows *rows, enum relud_code code, const char *words)
{
    return json_fail(rows->walk, code, "%s%s",
                     rows_path_of(rows, rows->place.index, rows->place.depth).text, words);
}

bool rows_fail_end(const struct rows *rows)
{
    return rows_fail_at_path(rows, RELUD_BAD_JSON, ": the text ends too early");
}

/* Fails with a message such as "inputs[3]: '01' is wrong at byte 20"; '01' is the text found
 * there. */
bool rows_fail_token(const struct rows *rows, enum relud_code code, const char *words)
{
    struct json_walk *walk = rows->walk;
    size_t len = json_token_len(walk->at, walk->end);
    const char *quote = len ? "'" : "what stands here";
    return json_fail(walk, code, "%s: %s%.*s%s %s",
                     rows_path_of(rows, rows->place.index, rows->place.depth).text, quote, (int)len,
                     walk->at, len ? quote : "", words);
}

/* Fails because there is something else where a number or an array is expected. */
bool rows_fail_value(const struct rows *rows)
{
    const char *at = rows->walk->at, *end = rows->walk->end;
    if (at == end)
        return rows_fail_end(rows);
    if (strchr("\"{tfn", *at) && *at &&
        memcmp(at, "nan", end - at < 3 ? (size_t)(end - at) : 3) != 0)
        return rows_fail_token(rows, RELUD_BAD_INPUT, "is no number");
    const char *word = at + (*at == '-' && end - at > 1);
    if (strchr("NnIi", *word) && *word)
        return rows_fail_token(rows, RELUD_NOT_FINITE, "is not JSON, and not a finite number");
    rows_fail_token(rows, RELUD_BAD_JSON, "is not a JSON number");
    json_fail_add(rows->walk, json_number_fault(at, end));
    return false;
}

/* Fails because the number at walk->at, though valid JSON, cannot be stored. */
bool rows_fail_number(const struct rows *rows, bool is_finite)
{
    if (!is_finite)
        return rows_fail_token(rows, RELUD_NOT_FINITE, "is not finite as float32");
    return json_fail(rows->walk, RELUD_TOO_LARGE, "%s has more than %zu numbers", rows->name,
                     rows->array->capacity);
}

bool rows_fail_length(const struct rows *rows, size_t level, size_t count)
{
    const struct relud_json_array *array = rows->array;
    return json_fail(rows->walk, RELUD_BAD_INPUT, "%s has %zu %s%s where %s has %zu",
                     rows_path_of(rows, rows->place.index, level).text, count,
                     level + 1 == array->rank ? "number" : "element", count == 1 ? "" : "s",
                     rows_path_of(rows, NULL, level).text, array->shape[level]);
}

bool rows_fail_ended(const struct rows *rows)
{
    return json_fail(rows->walk, RELUD_IO, "%s is not wanted any more", rows->name);
}
