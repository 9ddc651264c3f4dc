/* Reads tables in JSON whose columns have names: a row as an object, all rows as an object of
 * columns. The names decide where each number goes. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include "core/decimal/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* A column of which nothing has come yet holds this NaN, which is none that a text gives. */
enum { UNSET = 0x7fc00001 };

static void unset(float *number)
{
    const uint32_t bits = UNSET;
    memcpy(number, &bits, sizeof bits);
}

static bool is_unset(const float *number)
{
    uint32_t bits;
    memcpy(&bits, number, sizeof bits);
    return bits == UNSET;
}

static bool may_miss(const struct rows *rows, size_t feature)
{
    return relud_is_imputed(rows->array->feature, feature);
}

/* Gives feature f, of which nothing came, what stands for a missing value. */
static void fill_missing(struct rows *rows, size_t f, float *value)
{
    const struct relud_words *words = relud_words_of(rows->array->feature, f);
    rows->array->has_missing |= !words;
    *value = words ? (float)words->missing : NAN;
}

static bool fail_gap(const struct rows *rows, const char *name)
{
    return json_fail(rows->walk, RELUD_BAD_INPUT, "%s: column \"%.60s\" is missing",
                     rows_path_of(rows, rows->place.index, rows->place.depth).text, name);
}

/* Fails for the first column of the row that got no number, unless it may be left out. */
static bool check_whole(struct rows *rows, float *row, bool may_have_gaps)
{
    const struct relud_json_columns *columns = rows->array->columns;
    for (size_t c = 0; c < columns->len; c++) {
        if (!is_unset(&row[json_column_first(columns, c)]))
            continue;
        for (size_t f = json_column_first(columns, c); f < json_column_first(columns, c + 1); f++) {
            if (!may_have_gaps || !may_miss(rows, f))
                return fail_gap(rows, columns->name[c]);
            fill_missing(rows, f, &row[f]);
        }
    }
    return true;
}

/* Walks over the label of column `next`, if that stands there and no number of it has come. */
static bool read_label(struct rows *rows, const float *row, size_t next)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    if (!columns->label)
        return false;
    const struct relud_json_label *label = &columns->label[next];
    if ((size_t)(walk->end - walk->at) < label->len ||
        memcmp(walk->at, label->at, label->len) != 0 ||
        !is_unset(&row[json_column_first(columns, next)]))
        return false;
    walk->at += label->len;
    json_skip_blanks(walk);
    rows->column = (struct json_key){label->at + 1, label->len - 3};
    return true;
}

/* Walks over `"age":` to the value, and sets *column to the column's index. A column of `row` is
 * unset while no number of it has come. */
static bool read_key(struct rows *rows, const float *row, size_t next, size_t *column)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    const char *begin = walk->at;
    json_skip_blanks(walk);
    *column = next;
    if (read_label(rows, row, next))
        return true;
    if (!rows_walk_name(walk, &rows->column))
        return false;
    struct json_key key = rows->column;
    rows->column.len = 0;
    *column = json_find_column(columns, &key, next);
    if (*column == columns->len || !is_unset(&row[json_column_first(columns, *column)])) {
        struct rows_path path = rows_path_of(rows, rows->place.index, rows->place.depth);
        walk->at = begin;
        return *column == columns->len
                   ? json_fail_unknown(walk, path.text, &key, columns)
                   : json_fail(walk, RELUD_BAD_JSON, "%s: column \"%.60s\" stands twice", path.text,
                               columns->name[*column]);
    }
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a colon is wanted");
    walk->at++;
    json_skip_blanks(walk);
    rows->column = key;
    return true;
}

/* ---- the parts of a row ---- */

/* Reads a number, a word or null at walk->at, which is the value of this feature. */
static bool read_value(struct rows *rows, size_t feature, float *value)
{
    struct json_walk *walk = rows->walk;
    const struct relud_words *words = relud_words_of(rows->array->feature, feature);
    if (may_miss(rows, feature) && rows_read_null(rows, feature, value))
        return true;
    if (words)
        return rows_read_word(rows, words, value);
    const char *behind = decimal_read(walk->at, walk->end, value);
    if (!behind && walk->at < walk->end && strchr("\"tf", *walk->at) && *walk->at &&
        relud_is_boolean(rows->array->feature, feature))
        return rows_read_boolean(rows, value);
    if (!behind)
        return rows_fail_value(rows);
    if (!isfinite(*value))
        return rows_fail_number(rows, false);
    walk->at = behind;
    return true;
}

static bool fail_width(const struct rows *rows, const char *what, size_t count, size_t width)
{
    char text[96];
    snprintf(text, sizeof text, " has %s%zu %s%s; %zu are wanted",
             count > width ? "more than " : "", count > width ? width : count, what,
             (count > width ? width : count) == 1 ? "" : "s", width);
    return rows_fail_at_path(rows, RELUD_BAD_INPUT, text);
}

/* After an element: walks over a comma, or over the brackets that close, *depth less of them. */
static bool read_bracket(struct rows *rows, size_t *depth)
{
    struct json_walk *walk = rows->walk;
    while (*depth > 0) {
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        if (*walk->at != ',' && *walk->at != ']')
            return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a comma or ] is wanted");
        if (*walk->at++ == ',')
            return true;
        --*depth;
    }
    return true;
}

/* Reads the part of a row that is this column, nested in any way. A long one is watched, but the
 * reading does not pause in it. */
static bool read_part(struct rows *rows, size_t column, float *to)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    size_t first = json_column_first(columns, column),
           width = json_column_first(columns, column + 1) - first;
    size_t depth = 0, count = 0;
    if (width == 1 && walk->at < walk->end && *walk->at != '[') /* as most columns are */
        return read_value(rows, first, to);
    do {
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        if (walk->at >= rows->stop && rows->watch && !rows_stop(rows))
            return false;
        if (*walk->at == '[') {
            walk->at++;
            if (++depth > RELUD_JSON_DEPTH_MAX)
                return rows_fail_at_path(rows, RELUD_BAD_JSON, " is nested too deeply");
            continue;
        }
        if (count == width)
            return fail_width(rows, "number", count + 1, width);
        if (!read_value(rows, first + count, &to[count]) || !read_bracket(rows, &depth))
            return false;
        count++;
    } while (depth > 0);
    return count == width || fail_width(rows, "number", count, width);
}

/* After a value: walks over a comma, or over the closing bracket and sets *is_over. */
static bool read_end(struct rows *rows, char bracket, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    rows->column.len = 0;
    json_skip_blanks(walk);
    if (walk->at == walk->end)
        return rows_fail_end(rows);
    *is_over = *walk->at == bracket;
    if (!*is_over && *walk->at != ',')
        return rows_fail_token(rows, RELUD_BAD_JSON,
                               bracket == '}' ? "stands where a comma or } is wanted"
                                              : "stands where a comma or ] is wanted");
    walk->at++;
    return true;
}

/* Walks over the opening brace; nothing has come of the row yet. Sets *is_over if the object is
 * empty. */
static void read_begin(struct rows *rows, float *row, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    for (size_t c = 0; c < columns->len; c++)
        unset(&row[json_column_first(columns, c)]);
    walk->at++;
    json_skip_blanks(walk);
    *is_over = walk->at < walk->end && *walk->at == '}';
    walk->at += *is_over;
}

/* ---- {"age": 31, "height": 1.8} ---- */

/* Checks that a row of `width` numbers may come here and that there is room for it. */
static bool take_place(struct rows *rows, size_t width)
{
    struct relud_json_array *array = rows->array;
    if ((rows->place.is_rank_known && array->rank != 2) ||
        (rows->place.is_shape_known[1] && array->shape[1] != width))
        return rows_fail_at_path(rows, RELUD_BAD_INPUT,
                                 array->rank == 1 ? ": an object where others are numbers"
                                                  : ": an object where others are arrays");
    if (array->count + width > array->capacity)
        return rows_fail_number(rows, true);
    rows->place.is_rank_known = rows->place.is_shape_known[1] = true;
    array->rank = 2;
    array->shape[1] = width;
    return true;
}

bool json_read_record(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t columns = array->columns->len, column = columns - 1;
    size_t width = json_row_width(array->columns);
    if (!take_place(rows, width))
        return false;
    float *row = array->values + array->count;
    bool is_over;
    read_begin(rows, row, &is_over);
    while (!is_over)
        if (!read_key(rows, row, column + 1 == columns ? 0 : column + 1, &column) ||
            !read_part(rows, column, &row[json_column_first(array->columns, column)]) ||
            !read_end(rows, '}', &is_over))
            return false;
    array->count += width;
    rows_note_floats(rows, width);
    return check_whole(rows, row, true);
}

/* ---- [31, "Rome", [1, 2, 3]] ---- */

bool json_has_parts(const struct relud_json_columns *columns)
{
    return json_row_width(columns) != columns->len;
}

/* Reads the value of this column, and walks over the comma or bracket behind it. */
static bool read_cell(struct rows *rows, size_t column, float *row, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    rows->column = (struct json_key){columns->name[column], strlen(columns->name[column])};
    json_skip_blanks(walk);
    return read_part(rows, column, &row[json_column_first(columns, column)]) &&
           read_end(rows, ']', is_over);
}

bool json_read_parts(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t columns = array->columns->len, width = json_row_width(array->columns), count = 0;
    if (!take_place(rows, width))
        return false;
    float *row = array->values + array->count;
    rows->walk->at++;
    for (bool is_over = false; !is_over; count++) {
        uint32_t column;
        if (count == columns)
            return fail_width(rows, "value", count + 1, columns);
        memcpy(&column, &rows->map[count], sizeof column);
        if (!read_cell(rows, column, row, &is_over))
            return false;
    }
    array->count += width;
    return count == columns || fail_width(rows, "value", count, columns);
}

/* ---- {"age": [31, 30], "height": [1.8, 1.7]} ---- */

/* Walks to the first number of the next column. */
static bool begin_column(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    size_t columns = rows->array->columns->len, next = rows->place.column + 1;
    rows->place.depth = 0;
    if (!read_key(rows, rows->array->values, next == columns ? 0 : next, &rows->place.column))
        return false;
    rows->place.is_in_column = true;
    rows->place.index[0] = 0;
    rows->place.is_list = walk->at < walk->end && *walk->at == '[';
    if (!rows->place.is_list)
        return true;
    walk->at++;
    json_skip_blanks(walk);
    if (walk->at < walk->end && *walk->at == ']')
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, " is an empty array");
    rows->place.depth = 1;
    return true;
}

/* Reads the part of one row. */
static bool read_element(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t column = rows->place.column, first = json_column_first(array->columns, column);
    size_t width = json_row_width(array->columns), slot = rows->place.index[0] * width + first;
    if (slot + json_column_first(array->columns, column + 1) - first > array->capacity)
        return rows_fail_number(rows, true);
    if (!read_part(rows, column, &array->values[slot]))
        return false;
    rows->place.index[0]++;
    rows_note_floats(rows, width);
    return true;
}

/* Reads the rest of a column. Returns false also if it pauses. */
static bool read_column(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    for (bool is_over = false; !is_over;) {
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        if (walk->at >= rows->stop && !rows_stop(rows))
            return false;
        if (!read_element(rows))
            return false;
        json_skip_blanks(walk);
        if (!rows->place.is_list)
            break;
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        is_over = *walk->at == ']';
        if (!is_over && *walk->at != ',')
            return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a comma or ] is wanted");
        walk->at++;
    }
    return true;
}

/* Every column must be as long as the first. A single number without brackets counts as a column of
 * one. */
static bool end_column(struct rows *rows)
{
    size_t count = rows->place.index[0];
    rows->place.is_in_column = false;
    if (rows->place.columns_read++ == 0)
        rows->place.length = count;
    if (count == rows->place.length)
        return true;
    return json_fail(rows->walk, RELUD_BAD_INPUT, "%s has %zu rows where the first column has %zu",
                     rows_path_of(rows, rows->place.index, 0).text, count, rows->place.length);
}

bool json_read_columns(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t width = json_row_width(array->columns);
    bool is_over = false;
    if (!rows->place.is_in_column) { /* the reading pauses only inside a column */
        if (array->capacity < width)
            return rows_fail_number(rows, true);
        rows->place.column = array->columns->len - 1;
        read_begin(rows, array->values, &is_over);
    } else {
        rows->column = (struct json_key){array->columns->name[rows->place.column],
                                         strlen(array->columns->name[rows->place.column])};
    }
    while (!is_over)
        if ((!rows->place.is_in_column && !begin_column(rows)) || !read_column(rows) ||
            !end_column(rows) || !read_end(rows, '}', &is_over))
            return false;
    rows->place.depth = 0;
    if (!check_whole(rows, array->values, false))
        return false;
    array->rank = 2;
    array->shape[0] = rows->place.length;
    array->shape[1] = width;
    array->count = rows->place.length * width;
    return true;
}
