/* Reads the names of the split form of pandas, and puts its data into the order of the names. */
#include "core/json/rows_private.h"

#include "core/base/watch.h"
#include <stdint.h>
#include <string.h>

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
        column = (uint32_t)json_find_column(order->columns, &key, order->read);
        if (column == order->columns->len)
            return json_fail_unknown(walk, order->path, &key, order->columns);
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

/* Reads the names into order->map. seen[] has room for as many numbers as there are columns. */
static bool read_map(struct json_walk *names, struct order *order, float *seen)
{
    const char *begin = names->at;
    if (*names->at != '[')
        return json_fail(names, RELUD_BAD_INPUT, "%s must be an array of names", order->path);
    if (!json_walk_array(names, take_name, order))
        return false;
    names->at = begin;
    if (order->read != order->width)
        return json_fail(names, RELUD_BAD_INPUT, "%s has %zu names; data has %zu columns",
                         order->path, order->read, order->width);
    return !order->columns || check_map(names, order, seen);
}

bool json_map_columns(struct json_walk *names, const char *path,
                      const struct relud_json_array *array, float *map)
{
    size_t width = array->columns->len;
    struct order order = {array->columns, path, map, width, 0};
    return read_map(names, &order, map + width);
}

bool json_order_columns(struct json_walk *names, const char *path, struct relud_json_array *array)
{
    const struct relud_json_columns *columns = array->columns;
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
    if (order.columns && json_has_parts(order.columns))
        return json_fail(names, RELUD_BAD_INPUT,
                         "%s must stand before data, as a column has several numbers", path);
    float *row = order.map + order.width;
    if (!read_map(names, &order, row))
        return false;
    if (!order.columns)
        return true;
    if (!reorder(array, order.map, row, order.width, names->watch))
        return json_fail(names, RELUD_IO, "%s are not wanted any more", path);
    return true;
}
