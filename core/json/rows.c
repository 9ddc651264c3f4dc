/* Reads one array of numbers. A long array is read in pieces: at each `stop` the reading pauses or
 * calls the watch, so that the thread can do other work in between. core/decimal/run.c reads whole
 * runs of numbers, which is the fast part. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include "core/base/watch.h"
#include "core/decimal/decimal.h"
#include "core/json/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STOP_FLOATS = 8 * WATCH_FLOATS }; /* from one stop to the next: about 50 us to write */

/* ---- the array ---- */

bool rows_stop(struct rows *rows)
{
    const struct json_walk *walk = rows->walk;
    rows->is_paused = !rows->watch;
    if (rows->is_paused)
        return false;
    if (!watch_go_on(rows->watch))
        return rows_fail_ended(rows);
    rows->stop = (size_t)(walk->end - walk->at) > rows->piece ? walk->at + rows->piece : walk->end;
    return true;
}

void rows_note_floats(struct rows *rows, size_t floats)
{
    rows->filled += floats;
    if (rows->piece == 0 || rows->filled < STOP_FLOATS)
        return;
    rows->filled = 0;
    rows->stop = rows->walk->at;
}

/* Returns where a run of numbers must end: soon after `stop`, but not inside a number. Returns NULL
 * with an error if a number is too long. */
static const char *run_end(const struct rows *rows)
{
    const struct json_walk *walk = rows->walk;
    const char *from = rows->stop;
    if (walk->end - from <= ROWS_LONG_BYTES)
        return walk->end;
    const char *comma = memchr(from, ',', ROWS_LONG_BYTES);
    if (comma)
        return comma;
    for (size_t i = 0; i < ROWS_LONG_BYTES; i++)
        if (!strchr("0123456789.eE+-", from[i]) || !from[i])
            return walk->end;
    json_fail(rows->walk, RELUD_TOO_LARGE, "%s: a number of more than %d characters",
              rows_path_of(rows, rows->place.index, rows->place.depth).text, ROWS_LONG_BYTES);
    return NULL;
}

static bool open_level(struct rows *rows)
{
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth == rows->array->rank)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": an array where others are numbers");
    if (rows->place.depth == RELUD_JSON_DEPTH_MAX)
        return json_fail(rows->walk, RELUD_BAD_JSON, "%s is nested deeper than %d levels",
                         rows->name, RELUD_JSON_DEPTH_MAX);
    rows->walk->at++;
    json_skip_blanks(rows->walk);
    if (rows->walk->at < rows->walk->end && *rows->walk->at == ']')
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, " is an empty array");
    rows->place.index[rows->place.depth++] = 0;
    return true;
}

static bool close_level(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t level = rows->place.depth - 1, count = rows->place.index[level];
    if (rows->is_counted) {
        ; /* json_read_rows sets the shape */
    } else if (!rows->place.is_shape_known[level]) {
        rows->place.is_shape_known[level] = true;
        array->shape[level] = count;
    } else if (array->shape[level] != count) {
        return rows_fail_length(rows, level, count);
    }
    rows->place.depth--;
    rows->walk->at++;
    return true;
}

/* Checks the `count` numbers from `at` to walk->at against array->dtype. They were read already, so
 * there are only numbers, commas and blanks. */
static bool check_run(struct rows *rows, const char *at, size_t count)
{
    struct json_walk *walk = rows->walk;
    const struct relud_json_array *array = rows->array;
    for (size_t i = 0; i < count; i++) {
        const char *end;
        while (*at <= ' ' || *at == ',')
            at++;
        for (end = at; end < walk->at && *end != ',';)
            end++;
        if (!json_number_fits(array->dtype, at, (size_t)(end - at),
                              array->values[array->count + i])) {
            walk->at = at;
            if (rows->place.depth)
                rows->place.index[rows->place.depth - 1] += i;
            return rows_fail_token(rows, RELUD_BAD_INPUT, json_number_misfit(array->dtype));
        }
        at = end;
    }
    return true;
}

/* Reads at least one number, and more while they follow each other in the common form. The index is
 * then that of the last one. */
static bool read_numbers(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth != array->rank)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": a number where others are arrays");
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth;
    size_t count, room = array->capacity - array->count;
    /* Read no more numbers than fit before `stop`. A number takes at least 2 bytes with its comma,
     * and rarely more than 16. */
    size_t near = (size_t)(rows->stop - walk->at) / (rows->stop == walk->end ? 2 : 16) + 1;
    if (room > near)
        room = near;
    const struct relud_words *words = rows_next_words(rows);
    if (words)
        return rows_fail_no_word(rows, words);
    if (rows->has_words)
        room = rows_before_word(rows, room);
    /* No array is around it: it stands for the rows, or in {"x": …} for a row. */
    bool is_alone = rows->place.depth == (rows->place.is_named_row ? 1 : 0);
    if (is_alone && room > 1)
        room = 1;
    const char *begin = walk->at, *end = run_end(rows);
    if (!end)
        return false;
    walk->at = decimal_read_run(begin, end, array->values + array->count, room, &count);
    if (count == 0) {
        float value;
        if (!decimal_read(walk->at, walk->end, &value))
            return rows_fail_value(rows);
        return rows_fail_number(rows, value - value == 0);
    }
    if (rows->is_typed && !check_run(rows, begin, count))
        return false;
    array->count += count;
    if (rows->place.depth)
        rows->place.index[rows->place.depth - 1] += count - 1;
    return true;
}

bool rows_walk_name(struct json_walk *walk, struct json_key *name)
{
    const char *end = walk->end;
    bool is_cut = end - walk->at > ROWS_LONG_BYTES;
    if (is_cut)
        walk->end = walk->at + ROWS_LONG_BYTES;
    bool is_right = json_walk_string(walk, name);
    if (!is_right && is_cut && walk->at >= walk->end - 8)
        json_fail(walk, RELUD_TOO_LARGE, "a name of more than %d bytes", ROWS_LONG_BYTES);
    walk->end = end;
    return is_right;
}

/* Walks over `{"x":` to its value. */
static bool open_name(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    const char *name = rows->array->name, *begin = walk->at;
    struct json_key key;
    walk->at++;
    json_skip_blanks(walk);
    if (!rows_walk_name(walk, &key))
        return false;
    if (json_string_compare_text(key.at, key.len, name, strlen(name)) != 0) {
        walk->at = begin;
        bool is_unnamed = rows->array->columns; /* any columns have no names here */
        return json_fail(walk, RELUD_BAD_INPUT,
                         is_unnamed ? "%s has a member \"%.*s\"; the model does not name its "
                                      "columns, only its input \"%s\""
                                    : "%s has a member \"%.*s\" where only \"%s\" is wanted",
                         rows_path_of(rows, rows->place.index, rows->place.depth).text,
                         (int)json_string_cut(key.at, key.len, 60), key.at, name);
    }
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a colon is wanted");
    walk->at++;
    return true;
}

static bool close_name(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    json_skip_blanks(walk);
    if (walk->at == walk->end)
        return rows_fail_end(rows);
    if (*walk->at != '}')
        return json_fail(walk, *walk->at == ',' ? RELUD_BAD_INPUT : RELUD_BAD_JSON,
                         "%s: } is wanted behind \"%s\"",
                         rows_path_of(rows, rows->place.index, rows->place.depth).text,
                         rows->array->name);
    walk->at++;
    return true;
}

/* After a value: walks over a comma, or closes every array that ends here. Sets *is_over if the
 * whole array has ended. */
static bool read_behind(struct rows *rows, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    while (rows->place.depth > 0) {
        if (rows->place.is_named_row && rows->place.depth == 1) {
            if (!close_name(rows))
                return false;
            rows->place.is_named_row = false;
        }
        rows->place.index[rows->place.depth - 1]++;
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        if (*walk->at == ',') {
            walk->at++;
            return true;
        }
        if (*walk->at != ']')
            return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a comma or ] is wanted");
        if (!close_level(rows))
            return false;
    }
    *is_over = true;
    return true;
}

/* True if the object at walk->at has columns as members. */
static bool is_by_columns(const struct rows *rows)
{
    const struct relud_json_columns *columns = rows->array->columns;
    return columns && columns->len && !json_has_first(rows, rows->array->name);
}

/* Reads true as 1 and false as 0. RELUD_JSON_TENSOR has them, and features that are booleans. */
static bool read_boolean(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    const char *begin = walk->at;
    float value;
    array->is_by_name |= !rows->is_counted; /* as with words, the model says where they are right */
    if ((!rows->is_counted && !rows_next_is_boolean(rows)) || !rows_read_literal(rows, &value))
        return rows_fail_value(rows);
    const char *behind = walk->at;
    walk->at = begin; /* where an error is */
    if (rows->is_counted && array->dtype != RELUD_BOOL && array->dtype != RELUD_DTYPES)
        return rows_fail_token(rows, RELUD_BAD_INPUT, "is no number; only BOOL has it");
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth != array->rank)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": a boolean where others are arrays");
    if (array->count == array->capacity)
        return rows_fail_number(rows, true);
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth;
    array->values[array->count++] = value;
    walk->at = behind;
    return true;
}

/* Reads a row that is an object: either an object of columns, or {"x": …} around the row. */
static bool read_named_row(struct rows *rows, bool *is_over)
{
    rows->array->is_by_name = true;
    if (is_by_columns(rows))
        return json_read_record(rows) && read_behind(rows, is_over);
    return rows->place.is_named_row = open_name(rows);
}

/* Moves the numbers that json_read_part has read to their places in the rows. */
static void move_part(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t row = rows->moved / rows->width, at = rows->moved % rows->width;
    rows->moved += array->count;
    for (size_t i = 0; i < array->count; row++, at = 0)
        for (; at < rows->width && i < array->count; at++, i++) {
            size_t slot = row * rows->stride + rows->first + at;
            if (slot < rows->room)
                rows->to[slot] = array->values[i];
        }
    if (array->count)
        rows_note_floats(rows, (array->count / rows->width + 1) * rows->stride);
    array->count = 0;
}

static bool read_elements(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    for (bool is_over = false; !is_over;) {
        if (rows->to)
            move_part(rows);
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return rows_fail_end(rows);
        if (walk->at >= rows->stop && !rows_stop(rows))
            return false;
        char first = *walk->at;
        if (first == '-' || (unsigned)(first - '0') < 10) {
            if (!read_numbers(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '[' && rows->has_parts && rows->place.depth == 1) {
            if (!json_read_parts(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '[') {
            if (!open_level(rows))
                return false;
        } else if (first == 'n' && relud_has_imputed(rows->array->feature)) {
            if (!rows_read_missing(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '"') {
            if (!rows_read_string(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == 't' || first == 'f') {
            if (!read_boolean(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '{' && rows->array->form & NAMED_FORMS &&
                   rows->place.depth < RELUD_JSON_DEPTH_MAX && json_is_bytes(rows)) {
            if (!json_read_bytes(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '{' && rows->array->form & RELUD_JSON_NAMED_ROWS &&
                   rows->place.depth == 1 && !rows->place.is_named_row) {
            if (!read_named_row(rows, &is_over))
                return false;
        } else {
            return rows_fail_value(rows);
        }
    }
    return true;
}

static void lay_down(const struct rows *rows, struct relud_json_pause *pause)
{
    pause->at = (size_t)(rows->walk->at - rows->walk->begin);
    pause->array = *rows->array;
    pause->place = rows->place;
}

/* Takes the reader's state from the pause. The caller's pointers stay as they are in *array:
 * the memory may have moved since. */
static void take_up(struct rows *rows, struct relud_json_pause *pause)
{
    struct relud_json_array *array = rows->array, callers = *array;
    *array = pause->array;
    array->values = callers.values;
    array->capacity = callers.capacity;
    array->name = callers.name;
    array->other = callers.other;
    array->columns = callers.columns;
    array->feature = callers.feature;
    array->is_bare = callers.is_bare;
    rows->place = pause->place;
    rows->walk->at = rows->walk->begin + pause->at;
    pause->at = 0;
}

/* Reads from the beginning of the array or from where the reading paused. Returns false also if it
 * pauses again. */
static bool read_on(struct rows *rows, struct relud_json_pause *pause)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    if (pause && pause->at) {
        take_up(rows, pause);
    } else {
        array->is_present = true;
        array->offset = (size_t)(walk->at - walk->begin);
        bool is_object = array->form & RELUD_JSON_NAMED && walk->at < walk->end &&
                         *walk->at == '{' && !json_is_bytes(rows);
        array->is_by_name = is_object;
        array->has_missing = false;
        rows->place.is_columns = is_object && is_by_columns(rows);
        rows->place.is_named = is_object && !rows->place.is_columns;
        if (rows->place.is_named && !open_name(rows))
            return false;
    }
    if (pause) {
        bool walks_again = !rows->watch && array->offset > pause->bytes;
        rows->piece = walks_again ? array->offset : pause->bytes;
        if (rows->piece < (size_t)(walk->end - walk->at))
            rows->stop = walk->at + rows->piece;
    }
    if (rows->place.is_columns ? json_read_columns(rows) : read_elements(rows))
        return !rows->place.is_named || close_name(rows);
    if (pause && rows->is_paused)
        lay_down(rows, pause);
    return false;
}

static struct rows open_rows(struct json_walk *walk, const char *name,
                             struct relud_json_array *array, const struct relud_json_pause *pause)
{
    const struct relud_features *feature = array->feature;
    bool is_counted = array->form == RELUD_JSON_TENSOR;
    return (struct rows){.walk = walk,
                         .array = array,
                         .name = name,
                         .stop = walk->end,
                         .watch = pause ? pause->watch : NULL,
                         .is_counted = is_counted,
                         .is_typed = is_counted && array->dtype != RELUD_DTYPES &&
                                     json_number_misfit(array->dtype),
                         .width = feature ? feature->len : 1,
                         .has_words = feature && feature->has_words,
                         .has_booleans = feature && feature->has_booleans};
}

bool json_read_rows(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    const float *map, struct relud_json_pause *pause)
{
    struct rows rows = open_rows(walk, name, array, pause);
    rows.map = map;
    rows.has_parts = map && json_has_parts(array->columns);
    if (!read_on(&rows, pause))
        return false;
    array->end = (size_t)(walk->at - walk->begin);
    if (rows.is_counted) {
        array->rank = 1;
        array->shape[0] = array->count;
    }
    return true;
}

bool json_read_part(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    size_t first, size_t width, size_t stride, struct relud_json_pause *pause)
{
    enum { PART_NUMBERS = 1024 };
    float some[PART_NUMBERS];
    struct rows rows = open_rows(walk, name, array, pause);
    rows.first = first;
    rows.width = width;
    rows.stride = stride;
    rows.to = array->values;
    rows.room = array->capacity;
    rows.has_words = false;
    for (size_t f = first; array->feature && f < first + width; f++)
        rows.has_words |= array->feature->at[f].words != NULL;
    array->values = some;
    array->capacity = PART_NUMBERS;
    array->count = 0;
    bool is_read = read_on(&rows, pause);
    move_part(&rows);
    array->values = rows.to;
    array->capacity = rows.room;
    array->count = array->shape[0] = rows.moved;
    array->rank = 1;
    array->end = (size_t)(walk->at - walk->begin);
    return is_read;
}
