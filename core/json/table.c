/* Reads tables in JSON whose columns have names: a row as an object, all rows as an object of
 * columns, and pandas' split form. The names decide where each number goes. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include "core/base/watch.h"
#include "core/decimal/decimal.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns by name ---- */

static int compare_columns(const void *a, const void *b, void *user)
{
    const char *const *name = user;
    return strcmp(name[*(const size_t *)a], name[*(const size_t *)b]);
}

bool relud_json_columns_open(struct relud_json_columns *columns, const char *const *name,
                             size_t len)
{
    *columns = (struct relud_json_columns){.name = name, .len = len};
    if (!name || len == 0) {
        columns->len = 0;
        return true;
    }
    columns->by_name = calloc(len, sizeof *columns->by_name);
    if (!columns->by_name)
        return false;
    for (size_t i = 0; i < columns->len; i++)
        columns->by_name[i] = i;
    qsort_r(columns->by_name, len, sizeof *columns->by_name, compare_columns,
            (void *)(uintptr_t)name);
    for (size_t i = 1; i < columns->len; i++)
        if (strcmp(name[columns->by_name[i - 1]], name[columns->by_name[i]]) == 0)
            columns->len = 0;
    return true;
}

void relud_json_columns_close(struct relud_json_columns *columns)
{
    free(columns->by_name);
    *columns = (struct relud_json_columns){0};
}

/* Returns the index of the column called `key`, or columns->len if there is none. Tries `next`
 * first, because most tables keep the order. */
static size_t find_column(const struct relud_json_columns *columns, const struct json_key *key,
                          size_t next)
{
    if (next < columns->len && json_string_compare(key->at, key->len, columns->name[next],
                                                   strlen(columns->name[next])) == 0)
        return next;
    for (size_t low = 0, high = columns->len; low < high;) {
        size_t middle = (low + high) / 2, column = columns->by_name[middle];
        const char *name = columns->name[column];
        int order = json_string_compare(key->at, key->len, name, strlen(name));
        if (order == 0)
            return column;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return columns->len;
}

static bool fail_unknown(struct json_walk *walk, const char *path, const struct json_key *key,
                         const struct relud_json_columns *columns)
{
    return json_fail(
        walk, RELUD_BAD_INPUT, "%s: the model has no column \"%.*s\"; its %zu begin with \"%.40s\"",
        path, (int)json_string_cut(key->at, key->len, 40), key->at, columns->len, columns->name[0]);
}

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

static bool may_miss(const struct rows *rows, size_t column)
{
    return rows->array->imputed && rows->array->imputed[column];
}

/* Fails for the first column of the row that got no number, unless it may be left out. */
static bool check_whole(struct rows *rows, const char *path, float *row, bool may_have_gaps)
{
    const struct relud_json_columns *columns = rows->array->columns;
    for (size_t c = 0; c < columns->len; c++) {
        if (!is_unset(&row[c]))
            continue;
        if (!may_have_gaps || !may_miss(rows, c))
            return json_fail(rows->walk, RELUD_BAD_INPUT, "%s: column \"%.60s\" is missing", path,
                             columns->name[c]);
        rows->array->has_missing = true;
        row[c] = NAN;
    }
    return true;
}

/* Walks over `"age":` to the value, and sets *column to the column's index. row[columns] is
 * unset where no number has come yet. */
static bool read_key(struct rows *rows, const float *row, size_t next, size_t *column)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_columns *columns = rows->array->columns;
    const char *begin = walk->at;
    json_skip_blanks(walk);
    if (!rows_walk_name(walk, &rows->column))
        return false;
    struct json_key key = rows->column;
    rows->column.len = 0;
    *column = find_column(columns, &key, next);
    const char *path = rows_path_of(rows, rows->place.index, rows->place.depth).text;
    if (*column == columns->len || !is_unset(&row[*column])) {
        walk->at = begin;
        return *column == columns->len
                   ? fail_unknown(walk, path, &key, columns)
                   : json_fail(walk, RELUD_BAD_JSON, "%s: column \"%.60s\" stands twice", path,
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

static bool read_number(struct rows *rows, size_t column, float *value)
{
    struct json_walk *walk = rows->walk;
    if (may_miss(rows, column) && rows_read_null(rows, value))
        return true;
    const char *behind = decimal_read(walk->at, walk->end, value);
    if (!behind)
        return rows_fail_value(rows);
    if (!isfinite(*value))
        return rows_fail_number(rows, false);
    walk->at = behind;
    return true;
}

/* After a member's value: walks over a comma, or over the closing brace and sets *is_over. */
static bool read_end(struct rows *rows, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    rows->column.len = 0;
    json_skip_blanks(walk);
    if (walk->at == walk->end)
        return rows_fail_end(rows);
    *is_over = *walk->at == '}';
    if (!*is_over && *walk->at != ',')
        return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a comma or } is wanted");
    walk->at++;
    return true;
}

/* Walks over the opening brace; nothing has come of the row yet. Sets *is_over if the object is
 * empty. */
static void read_begin(struct rows *rows, float *row, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    for (size_t c = 0; c < rows->array->columns->len; c++)
        unset(&row[c]);
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
    size_t width = array->columns->len, column = width - 1;
    if (!take_place(rows, width))
        return false;
    float *row = array->values + array->count;
    bool is_over;
    read_begin(rows, row, &is_over);
    while (!is_over)
        if (!read_key(rows, row, column + 1 == width ? 0 : column + 1, &column) ||
            !read_number(rows, column, &row[column]) || !read_end(rows, &is_over))
            return false;
    array->count += width;
    return check_whole(rows, rows_path_of(rows, rows->place.index, rows->place.depth).text, row,
                       true);
}

/* ---- {"age": [31, 30], "height": [1.8, 1.7]} ---- */

/* Walks to the first number of the next column. */
static bool begin_column(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    size_t width = rows->array->columns->len, next = rows->place.column + 1;
    rows->place.depth = 0;
    if (!read_key(rows, rows->array->values, next == width ? 0 : next, &rows->place.column))
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

/* Reads one number, which may have brackets of its own. walk->at must not be the text's end. */
static bool read_element(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    size_t width = array->columns->len, slot = rows->place.index[0] * width + rows->place.column;
    bool is_boxed = rows->place.is_list && *walk->at == '[';
    float value;
    walk->at += is_boxed;
    if (is_boxed)
        json_skip_blanks(walk);
    if (!read_number(rows, rows->place.column, &value))
        return false;
    if (slot >= array->capacity)
        return rows_fail_number(rows, true);
    array->values[slot] = value;
    rows->place.index[0]++;
    if (!is_boxed)
        return true;
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ']')
        return rows_fail_token(rows, RELUD_BAD_INPUT, "stands where ] is wanted");
    walk->at++;
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
    return json_fail(rows->walk, RELUD_BAD_INPUT,
                     "%s has %zu numbers where the first column has %zu",
                     rows_path_of(rows, rows->place.index, 0).text, count, rows->place.length);
}

bool json_read_columns(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t width = array->columns->len;
    bool is_over = false;
    if (!rows->place.is_in_column) { /* the reading pauses only inside a column */
        if (array->capacity < width)
            return rows_fail_number(rows, true);
        rows->place.column = width - 1;
        read_begin(rows, array->values, &is_over);
    } else {
        rows->column = (struct json_key){array->columns->name[rows->place.column],
                                         strlen(array->columns->name[rows->place.column])};
    }
    while (!is_over)
        if ((!rows->place.is_in_column && !begin_column(rows)) || !read_column(rows) ||
            !end_column(rows) || !read_end(rows, &is_over))
            return false;
    rows->place.depth = 0;
    if (!check_whole(rows, rows->name, array->values, false))
        return false;
    array->rank = 2;
    array->shape[0] = rows->place.length;
    array->shape[1] = width;
    array->count = rows->place.length * width;
    return true;
}

/* ---- {"columns": ["height", "age"], "data": [[1.8, 31], [1.7, 30]]} ---- */

/* The order of the data's columns. map[i], which lies after the numbers in array->values, holds the
 * array's column for the data's column i, as the bits of a uint32_t. */
struct order {
    const struct relud_json_columns *columns;
    const char *path;
    float *map;
    size_t width, read;
};

/* Takes one name, or a number, which is what pandas writes for columns without names. The text was
 * walked before, so walking it again fails only if the watch ends it. */
static bool take_name(struct json_walk *walk, void *user)
{
    struct order *order = user;
    struct json_key key = {walk->at, 0};
    bool is_text = *walk->at == '"';
    if (is_text ? !json_walk_string(walk, &key) : !json_walk_value(walk))
        return false;
    if (!is_text)
        key.len = (size_t)(walk->at - key.at);
    if (order->read == order->width)
        return json_fail(walk, RELUD_BAD_INPUT, "%s has more names than data has columns, %zu",
                         order->path, order->width);
    uint32_t column = 0;
    if (order->columns) {
        column = (uint32_t)find_column(order->columns, &key, order->read);
        if (column == order->columns->len)
            return fail_unknown(walk, order->path, &key, order->columns);
        memcpy(&order->map[order->read], &column, sizeof column);
    }
    order->read++;
    return true;
}

/* Checks that each column of the array is there exactly once. */
static bool check_map(struct json_walk *walk, const struct order *order, float *seen)
{
    const struct relud_json_columns *columns = order->columns;
    for (size_t c = 0; c < columns->len; c++)
        seen[c] = 0;
    for (size_t i = 0; i < order->width; i++) {
        uint32_t column;
        memcpy(&column, &order->map[i], sizeof column);
        if (seen[column]++ > 0)
            return json_fail(walk, RELUD_BAD_INPUT, "%s: column \"%.60s\" stands twice",
                             order->path, columns->name[column]);
    }
    for (size_t c = 0; c < columns->len; c++)
        if (seen[c] == 0)
            return json_fail(walk, RELUD_BAD_INPUT, "%s: column \"%.60s\" is missing", order->path,
                             columns->name[c]);
    return true;
}

static bool reorder(struct relud_json_array *array, const float *map, float *row, size_t width,
                    const struct relud_watch *watch)
{
    size_t done = 0;
    for (size_t begin = 0; begin < array->count; begin += width, done += width) {
        if (done > WATCH_FLOATS && (done = 0, !watch_go_on(watch)))
            return false;
        for (size_t i = 0; i < width; i++) {
            uint32_t column;
            memcpy(&column, &map[i], sizeof column);
            row[column] = array->values[begin + i];
        }
        memcpy(array->values + begin, row, width * sizeof *row);
    }
    return true;
}

bool json_order_columns(struct json_walk *names, const char *path, struct relud_json_array *array)
{
    const struct relud_json_columns *columns = array->columns;
    const char *begin = names->at;
    struct order order = {.columns = columns && columns->len ? columns : NULL,
                          .path = path,
                          .map = array->values + array->count,
                          .width = array->rank == 2 ? array->shape[1] : 0};
    if (order.width == 0)
        return json_fail(names, RELUD_BAD_INPUT, "%s name columns, and data is not rows of numbers",
                         path);
    /* With the capacity that relud/text.h asks for, there is always room: the names take more text
     * than this. */
    if (order.columns && array->count + order.width + columns->len > array->capacity)
        return json_fail(names, RELUD_TOO_LARGE, "%s are more than there is room for", path);
    if (*names->at != '[')
        return json_fail(names, RELUD_BAD_INPUT, "%s must be an array of names", path);
    if (!json_walk_array(names, take_name, &order))
        return false;
    names->at = begin;
    if (order.read != order.width)
        return json_fail(names, RELUD_BAD_INPUT, "%s has %zu names; data has %zu columns", path,
                         order.read, order.width);
    float *row = order.map + order.width;
    if (!order.columns)
        return true;
    if (!check_map(names, &order, row))
        return false;
    if (!reorder(array, order.map, row, order.width, names->watch))
        return json_fail(names, RELUD_IO, "%s are not wanted any more", path);
    return true;
}
