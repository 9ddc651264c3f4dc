#include "core/json_rows.h"

#include "core/decimal.h"
#include "core/json_string.h"

#include <relud/data.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* An array under way. */
struct rows {
    struct json_walk *walk;
    struct relud_json_array *array;
    const char *name; /* for paths */
    const char *stop; /* where to pause at the next value; the text's end: nowhere */
    bool is_paused;
    bool is_counted; /* any nesting will do: RELUD_JSON_TENSOR */
    struct relud_json_place place;
};

/* ---- errors ---- */

struct path {
    char text[160];
};

/* "inputs[3][17]" for index[depth]; for NULL "inputs[0][0]", what all others are compared with. */
static struct path path_of(const struct rows *rows, const size_t *index, size_t depth)
{
    struct path path;
    size_t len = (size_t)snprintf(path.text, sizeof path.text, "%s", rows->name);
    for (size_t d = 0; d < depth && len < sizeof path.text; d++)
        len += (size_t)snprintf(path.text + len, sizeof path.text - len, "[%zu]",
                                index ? index[d] : 0);
    return path;
}

static bool fail_at_path(const struct rows *rows, enum relud_code code, const char *words)
{
    return json_fail(rows->walk, code, "%s%s",
                     path_of(rows, rows->place.index, rows->place.depth).text, words);
}

static bool fail_end(const struct rows *rows)
{
    return fail_at_path(rows, RELUD_BAD_JSON, ": the text ends too early");
}

/* "inputs[3]: '01' is wrong at byte 20", with the text that stands there. */
static bool fail_token(const struct rows *rows, enum relud_code code, const char *words)
{
    struct json_walk *walk = rows->walk;
    size_t len = json_token_len(walk->at, walk->end);
    const char *quote = len ? "'" : "what stands here";
    return json_fail(walk, code, "%s: %s%.*s%s %s",
                     path_of(rows, rows->place.index, rows->place.depth).text, quote, (int)len,
                     walk->at, len ? quote : "", words);
}

/* Something else stands where a number or an array should. */
static bool fail_value(const struct rows *rows)
{
    const char *at = rows->walk->at, *end = rows->walk->end;
    if (at == end)
        return fail_end(rows);
    if (strchr("\"{tfn", *at) && *at &&
        memcmp(at, "nan", end - at < 3 ? (size_t)(end - at) : 3) != 0)
        return fail_token(rows, RELUD_BAD_INPUT, "is no number");
    const char *word = at + (*at == '-' && end - at > 1);
    if (strchr("NnIi", *word) && *word)
        return fail_token(rows, RELUD_NOT_FINITE, "is not JSON, and not a finite number");
    fail_token(rows, RELUD_BAD_JSON, "is not a JSON number");
    json_fail_add(rows->walk, json_number_fault(at, end));
    return false;
}

/* The number at walk->at is right, but was not taken. */
static bool fail_number(const struct rows *rows, bool is_finite)
{
    if (!is_finite)
        return fail_token(rows, RELUD_NOT_FINITE, "is not finite as float32");
    return json_fail(rows->walk, RELUD_TOO_LARGE, "%s has more than %zu numbers", rows->name,
                     rows->array->capacity);
}

static bool fail_length(const struct rows *rows, size_t level, size_t count)
{
    const struct relud_json_array *array = rows->array;
    return json_fail(rows->walk, RELUD_BAD_INPUT, "%s has %zu %s%s where %s has %zu",
                     path_of(rows, rows->place.index, level).text, count,
                     level + 1 == array->rank ? "number" : "element", count == 1 ? "" : "s",
                     path_of(rows, NULL, level).text, array->shape[level]);
}

/* ---- the array ---- */

static bool open_level(struct rows *rows)
{
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth == rows->array->rank)
        return fail_at_path(rows, RELUD_BAD_INPUT, ": an array where others are numbers");
    if (rows->place.depth == RELUD_JSON_DEPTH_MAX)
        return json_fail(rows->walk, RELUD_BAD_JSON, "%s is nested deeper than %d levels",
                         rows->name, RELUD_JSON_DEPTH_MAX);
    rows->walk->at++;
    json_skip_blanks(rows->walk);
    if (rows->walk->at < rows->walk->end && *rows->walk->at == ']')
        return fail_at_path(rows, RELUD_BAD_INPUT, " is an empty array");
    rows->place.index[rows->place.depth++] = 0;
    return true;
}

static bool close_level(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    size_t level = rows->place.depth - 1, count = rows->place.index[level];
    if (rows->is_counted) {
        ; /* the shape is told elsewhere */
    } else if (!rows->place.is_shape_known[level]) {
        rows->place.is_shape_known[level] = true;
        array->shape[level] = count;
    } else if (array->shape[level] != count) {
        return fail_length(rows, level, count);
    }
    rows->place.depth--;
    rows->walk->at++;
    return true;
}

/* Numbers as long as they follow each other without surprise, at least one. index then is the last one's. */
static bool read_numbers(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth != array->rank)
        return fail_at_path(rows, RELUD_BAD_INPUT, ": a number where others are arrays");
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth;
    size_t count, room = array->capacity - array->count;
    /* No more than may stand before `stop`: none takes less than 2 bytes with its comma, and hardly one more than 16. */
    size_t near = (size_t)(rows->stop - walk->at) / (rows->stop == walk->end ? 2 : 16) + 1;
    if (room > near)
        room = near;
    if (rows->place.depth == 0 && room > 1)
        room = 1;
    walk->at = decimal_read_run(walk->at, walk->end, array->values + array->count, room, &count);
    if (count == 0) {
        float value;
        if (!decimal_read(walk->at, walk->end, &value))
            return fail_value(rows);
        return fail_number(rows, value - value == 0);
    }
    array->count += count;
    if (rows->place.depth)
        rows->place.index[rows->place.depth - 1] += count - 1;
    return true;
}

/* Over `{"x":`, up to its value. */
static bool open_name(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    const char *name = rows->array->name, *begin = walk->at;
    struct json_key key;
    walk->at++;
    json_skip_blanks(walk);
    if (!json_walk_string(walk, &key))
        return false;
    if (json_string_compare(key.at, key.len, name, strlen(name)) != 0) {
        walk->at = begin;
        return json_fail(walk, RELUD_BAD_INPUT,
                         "%s has a member \"%.*s\" where only \"%s\" is wanted",
                         path_of(rows, rows->place.index, rows->place.depth).text,
                         (int)json_string_cut(key.at, key.len, 60), key.at, name);
    }
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return fail_token(rows, RELUD_BAD_JSON, "stands where a colon is wanted");
    walk->at++;
    return true;
}

static bool close_name(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    json_skip_blanks(walk);
    if (walk->at == walk->end)
        return fail_end(rows);
    if (*walk->at != '}')
        return json_fail(walk, *walk->at == ',' ? RELUD_BAD_INPUT : RELUD_BAD_JSON,
                         "%s: } is wanted behind \"%s\"",
                         path_of(rows, rows->place.index, rows->place.depth).text,
                         rows->array->name);
    walk->at++;
    return true;
}

/* Behind a value: over a comma, or out of what ends here. *is_over when the whole array has. */
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
            return fail_end(rows);
        if (*walk->at == ',') {
            walk->at++;
            return true;
        }
        if (*walk->at != ']')
            return fail_token(rows, RELUD_BAD_JSON, "stands where a comma or ] is wanted");
        if (!close_level(rows))
            return false;
    }
    *is_over = true;
    return true;
}

/* ---- {"b64": "…"}: little-endian float32 as text (RFC 4648 §4), in place of an array of numbers ---- */

static bool is_bytes(const struct rows *rows)
{
    struct json_walk ahead = *rows->walk;
    struct json_key key;
    struct relud_error ignored;
    ahead.error = &ignored;
    ahead.at++;
    json_skip_blanks(&ahead);
    return json_walk_string(&ahead, &key) && json_string_compare(key.at, key.len, "b64", 3) == 0;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* The numbers of text[len] behind the array's others; false, and an error, where it holds none, or half of one. */
static bool decode_bytes(const struct rows *rows, const char *text, size_t len, size_t *count)
{
    struct relud_json_array *array = rows->array;
    unsigned char number[4];
    size_t bytes = 0, digits = 0;
    uint32_t bits = 0;
    *count = 0;
    while (len && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '\\' && text[i + 1] == '/') /* at its end stands the quote */
            continue;                              /* "\/" is how some write a slash */
        int value = base64_value(text[i]);
        if (value < 0)
            return fail_at_path(rows, RELUD_BAD_INPUT, ".b64 is not base64");
        bits = bits << 6 | (uint32_t)value;
        if (++digits % 4 == 1)
            continue;
        number[bytes++ % 4] = (unsigned char)(bits >> (6 - 2 * ((digits - 1) % 4)));
        if (bytes % 4)
            continue;
        if (array->count + *count == array->capacity)
            return fail_number(rows, true);
        float *slot = &array->values[array->count + (*count)++];
        relud_dtype_read(RELUD_FP32, number, 1, slot);
        if (*slot - *slot != 0)
            return fail_at_path(rows, RELUD_NOT_FINITE, ".b64 holds a number that is not finite");
    }
    return (bytes % 4 == 0 && bytes) ||
           fail_at_path(rows, RELUD_BAD_INPUT, ".b64 is not float32 numbers of 4 bytes each");
}

static bool read_bytes(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    struct json_key key, text;
    size_t count;
    if (rows->place.is_rank_known && array->rank != rows->place.depth + 1)
        return fail_at_path(rows, RELUD_BAD_INPUT, ": bytes where others are nested otherwise");
    walk->at++;
    json_skip_blanks(walk);
    json_walk_string(walk, &key); /* "b64": is_bytes has seen it */
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return fail_token(rows, RELUD_BAD_JSON, "stands where a colon is wanted");
    walk->at++;
    json_skip_blanks(walk);
    if (!json_walk_string(walk, &text) || !decode_bytes(rows, text.at, text.len, &count))
        return false;
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth + 1;
    if (rows->place.is_shape_known[rows->place.depth] && array->shape[rows->place.depth] != count)
        return fail_length(rows, rows->place.depth, count);
    rows->place.is_shape_known[rows->place.depth] = true;
    array->shape[rows->place.depth] = count;
    array->count += count;
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != '}')
        return fail_token(rows, RELUD_BAD_INPUT, "stands behind \"b64\", where } is wanted");
    walk->at++;
    return true;
}

/* true or false, as 1 or 0, where the array is only counted. */
static bool read_boolean(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    size_t left = (size_t)(walk->end - walk->at), len = *walk->at == 't' ? 4 : 5;
    if (left < len || memcmp(walk->at, len == 4 ? "true" : "false", len) != 0)
        return fail_value(rows);
    if (array->count == array->capacity)
        return fail_number(rows, true);
    array->values[array->count++] = len == 4;
    walk->at += len;
    return true;
}

static bool read_elements(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    for (bool is_over = false; !is_over;) {
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return fail_end(rows);
        if (walk->at >= rows->stop) {
            rows->is_paused = true;
            return false;
        }
        char first = *walk->at;
        if (first == '-' || (unsigned)(first - '0') < 10) {
            if (!read_numbers(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '[') {
            if (!open_level(rows))
                return false;
        } else if (rows->is_counted && (first == 't' || first == 'f')) {
            if (!read_boolean(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '{' && rows->array->form != RELUD_JSON_PLAIN && !rows->is_counted &&
                   rows->place.depth < RELUD_JSON_DEPTH_MAX && is_bytes(rows)) {
            if (!read_bytes(rows) || !read_behind(rows, &is_over))
                return false;
        } else if (first == '{' && rows->array->form == RELUD_JSON_NAMED_ROWS &&
                   rows->place.depth == 1 && !rows->place.is_named_row) {
            if (!open_name(rows))
                return false;
            rows->place.is_named_row = true;
        } else {
            return fail_value(rows);
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

/* What is the caller's may lie elsewhere by now. */
static void take_up(struct rows *rows, struct relud_json_pause *pause)
{
    struct relud_json_array *array = rows->array, callers = *array;
    *array = pause->array;
    array->values = callers.values;
    array->capacity = callers.capacity;
    array->name = callers.name;
    array->other = callers.other;
    rows->place = pause->place;
    rows->walk->at = rows->walk->begin + pause->at;
    pause->at = 0;
}

/* From where the array begins, or from where its reading paused; false where it pauses, too. */
static bool read_on(struct rows *rows, struct relud_json_pause *pause)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    if (pause && pause->at) {
        take_up(rows, pause);
    } else {
        array->is_present = true;
        array->offset = (size_t)(walk->at - walk->begin);
        rows->place.is_named = array->form == RELUD_JSON_NAMED && walk->at < walk->end &&
                               *walk->at == '{' && !is_bytes(rows);
        if (rows->place.is_named && !open_name(rows))
            return false;
    }
    if (pause) {
        size_t piece = pause->bytes > array->offset ? pause->bytes : array->offset;
        if (piece < (size_t)(walk->end - walk->at))
            rows->stop = walk->at + piece;
    }
    if (read_elements(rows))
        return !rows->place.is_named || close_name(rows);
    if (pause && rows->is_paused)
        lay_down(rows, pause);
    return false;
}

bool json_read_rows(struct json_walk *walk, const char *name, struct relud_json_array *array,
                    struct relud_json_pause *pause)
{
    struct rows rows = {.walk = walk,
                        .array = array,
                        .name = name,
                        .stop = walk->end,
                        .is_counted = array->form == RELUD_JSON_TENSOR};
    if (!read_on(&rows, pause))
        return false;
    array->end = (size_t)(walk->at - walk->begin);
    if (rows.is_counted) {
        array->rank = 1;
        array->shape[0] = array->count;
    }
    return true;
}
