/* Number arrays of JSON straight into floats: one walk, no tree. The envelope around the array is walked by
 * core/json_text.c and handed on as a small document of its own. */
#include "core/decimal.h"
#include "core/json_text.h"

#include <math.h>
#include <relud/text.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* An array under way. */
struct rows {
    struct json_walk *walk;
    struct relud_json_array *array;
    const char *name;                   /* for paths */
    size_t depth;                       /* brackets open */
    bool is_rank_known;                 /* a number was seen: array->rank holds */
    size_t count[RELUD_JSON_DEPTH_MAX]; /* values so far at each open level */
    bool is_shape_known[RELUD_JSON_DEPTH_MAX];
};

/* "inputs[3][17]": where the walk stands. */
static const char *path_of(const struct rows *rows, size_t depth, char *path, size_t size)
{
    size_t len = (size_t)snprintf(path, size, "%s", rows->name);
    for (size_t d = 0; d < depth && len < size; d++)
        len += (size_t)snprintf(path + len, size - len, "[%zu]", rows->count[d]);
    return path;
}

enum { PATH_MAX_BYTES = 160 };

static bool fail_token(const struct rows *rows, enum relud_code code, const char *why)
{
    char path[PATH_MAX_BYTES];
    const char *at = rows->walk->at;
    size_t len = 0;
    while (at + len < rows->walk->end && len < 24 && at[len] > ' ' && at[len] < 0x7f &&
           !strchr(",]}[{", at[len]))
        len++;
    return json_fail(rows->walk, code, "%s: %s%.*s%s%s",
                     path_of(rows, rows->depth, path, sizeof path), len ? "'" : "", (int)len, at,
                     len ? "' " : "", why);
}

/* Says what stands where a number should. */
static bool fail_not_a_number(const struct rows *rows)
{
    const char *at = rows->walk->at, *end = rows->walk->end;
    if (at == end)
        return fail_token(rows, RELUD_BAD_JSON, "the text ends too early");
    size_t left = (size_t)(end - at);
    bool is_minus = *at == '-';
    const char *word = at + is_minus;
    if ((left > 2 && strncmp(at, "NaN", 3) == 0) ||
        (word < end && (*word == 'I' || *word == 'i')) || (left > 2 && strncmp(at, "nan", 3) == 0))
        return fail_token(rows, RELUD_NOT_FINITE, "is not JSON, and not a finite number");
    if (*at == '"' || *at == '{' || *at == 't' || *at == 'f' || *at == 'n')
        return fail_token(rows, RELUD_BAD_INPUT, "a number is wanted");
    return fail_token(rows, RELUD_BAD_JSON, "is not a JSON number");
}

static bool check_rank(struct rows *rows)
{
    char path[PATH_MAX_BYTES];
    if (!rows->is_rank_known) {
        rows->is_rank_known = true;
        rows->array->rank = rows->depth;
        return true;
    }
    if (rows->depth == rows->array->rank)
        return true;
    return json_fail(rows->walk, RELUD_BAD_INPUT, "%s: a number where others are arrays",
                     path_of(rows, rows->depth, path, sizeof path));
}

static bool open_level(struct rows *rows)
{
    char path[PATH_MAX_BYTES];
    if (rows->is_rank_known && rows->depth >= rows->array->rank)
        return json_fail(rows->walk, RELUD_BAD_INPUT, "%s: an array where others are numbers",
                         path_of(rows, rows->depth, path, sizeof path));
    if (rows->depth == RELUD_JSON_DEPTH_MAX)
        return json_fail(rows->walk, RELUD_BAD_INPUT, "%s is nested deeper than %d levels",
                         rows->name, RELUD_JSON_DEPTH_MAX);
    rows->count[rows->depth++] = 0;
    rows->walk->at++;
    json_skip_blanks(rows->walk);
    if (rows->walk->at < rows->walk->end && *rows->walk->at == ']')
        return json_fail(rows->walk, RELUD_BAD_INPUT, "%s is an empty array",
                         path_of(rows, rows->depth - 1, path, sizeof path));
    return true;
}

static bool close_level(struct rows *rows)
{
    size_t level = rows->depth - 1, count = rows->count[level];
    struct relud_json_array *array = rows->array;
    if (!rows->is_shape_known[level]) {
        rows->is_shape_known[level] = true;
        array->shape[level] = count;
    } else if (array->shape[level] != count) {
        char path[PATH_MAX_BYTES], first[PATH_MAX_BYTES];
        path_of(rows, level, path, sizeof path);
        size_t len = (size_t)snprintf(first, sizeof first, "%s", rows->name);
        for (size_t d = 0; d < level && len < sizeof first; d++)
            len += (size_t)snprintf(first + len, sizeof first - len, "[0]");
        return json_fail(rows->walk, RELUD_BAD_INPUT, "%s has %zu %s where %s has %zu", path, count,
                         rows->depth == array->rank ? "numbers" : "elements", first,
                         array->shape[level]);
    }
    rows->depth--;
    rows->walk->at++;
    return true;
}

/* Numbers and commas as long as they follow each other without surprise; stops in front of whatever else comes, at the
 * latest behind a number. */
static bool read_run(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    const char *at = walk->at, *end = walk->end;
    float *out = array->values + array->count, *room = array->values + array->capacity;
    const float *first = out;
    const char *wrong = NULL;
    for (;;) {
        /* Images are full of "0,0,0,0,". */
        while (rows->depth && end - at > 8 && (unsigned)(at[8] - '0') < 10 && room - out > 4 &&
               memcmp(at, "0,0,0,0,", 8) == 0) {
            memset(out, 0, 4 * sizeof *out);
            out += 4;
            at += 8;
        }
        float value;
        const char *behind = out < room ? decimal_read(at, end, &value) : NULL;
        if (!behind || !(value - value == 0)) { /* the second: infinite */
            wrong = behind;
            break;
        }
        *out++ = value;
        at = behind;
        bool is_next = rows->depth && end - at > 1 && *at == ',' &&
                       (at[1] == '-' || (unsigned)(at[1] - '0') < 10);
        if (!is_next)
            break;
        at++;
    }
    bool is_number = at > walk->at && at[-1] != ',' && at[-1] != '[';
    array->count += (size_t)(out - first);
    if (rows->depth)
        rows->count[rows->depth - 1] += (size_t)(out - first) - is_number;
    walk->at = at;
    if (wrong)
        return fail_token(rows, RELUD_NOT_FINITE, "is not finite as float32");
    if (is_number)
        return true;
    if (out == room)
        return json_fail(walk, RELUD_TOO_LARGE, "%s has more than %zu numbers", rows->name,
                         array->capacity);
    return fail_not_a_number(rows);
}

/* Behind a value: closes what ends here. *is_over when the whole array has. */
static bool read_behind(struct rows *rows, bool *is_over)
{
    struct json_walk *walk = rows->walk;
    for (;;) {
        *is_over = rows->depth == 0;
        if (*is_over)
            return true;
        rows->count[rows->depth - 1]++;
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return fail_token(rows, RELUD_BAD_JSON, "the text ends too early");
        if (*walk->at == ',') {
            walk->at++;
            return true;
        }
        if (*walk->at != ']')
            return fail_token(rows, RELUD_BAD_JSON, "stands where a comma or ] is wanted");
        if (!close_level(rows))
            return false;
    }
}

static bool read_array(struct json_walk *walk, const char *name, struct relud_json_array *array)
{
    struct rows rows = {.walk = walk, .array = array, .name = name};
    array->is_present = true;
    array->count = array->rank = 0;
    array->offset = (size_t)(walk->at - walk->begin);
    for (bool is_over = false; !is_over;) {
        json_skip_blanks(walk);
        if (walk->at < walk->end && *walk->at == '[') {
            if (!open_level(&rows))
                return false;
            continue;
        }
        if (walk->at == walk->end || (*walk->at != '-' && (unsigned)(*walk->at - '0') > 9))
            return fail_not_a_number(&rows);
        if (!check_rank(&rows) || !read_run(&rows) || !read_behind(&rows, &is_over))
            return false;
    }
    return true;
}

/* The document around the array. */
struct envelope {
    const char *key;
    struct relud_json_array *array;
    char *rest;
    size_t len, cap;
};

static bool put_rest(struct json_walk *walk, struct envelope *envelope, const char *text,
                     size_t len)
{
    if (envelope->cap - envelope->len <= len + 1) /* a brace is still to come, and the NUL */
        return json_fail(walk, RELUD_TOO_LARGE, "the members besides %s take more than %zu bytes",
                         envelope->key, envelope->cap - 1);
    memcpy(envelope->rest + envelope->len, text, len);
    envelope->len += len;
    return true;
}

static bool on_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    const char *begin = walk->at;
    bool is_array = json_key_is(name, envelope->key);
    if (is_array && envelope->array->is_present)
        return json_fail(walk, RELUD_BAD_JSON, "member \"%s\" stands twice", envelope->key);
    if (!(is_array ? read_array(walk, envelope->key, envelope->array) : json_walk_value(walk)))
        return false;
    const char *value = is_array ? "0" : begin;
    size_t value_len = is_array ? 1 : (size_t)(walk->at - begin);
    const char *key = is_array ? envelope->key : name->at;
    size_t key_len = is_array ? strlen(envelope->key) : name->len;
    return (envelope->len == 1 || put_rest(walk, envelope, ",", 1)) &&
           put_rest(walk, envelope, "\"", 1) && put_rest(walk, envelope, key, key_len) &&
           put_rest(walk, envelope, "\":", 2) && put_rest(walk, envelope, value, value_len);
}

bool relud_json_read(const char *text, size_t len, const char *key, struct relud_json_array *array,
                     char *rest, size_t rest_capacity, struct relud_error *error)
{
    enum { KEYS_MAX = 256 };
    struct json_key keys[KEYS_MAX];
    struct json_walk walk = {.begin = text,
                             .at = text,
                             .end = text + len,
                             .depth_max = RELUD_JSON_DEPTH_MAX + 1,
                             .error = error};
    walk.keys = (struct json_keys){.key = keys, .cap = KEYS_MAX};
    struct envelope envelope = {.key = key, .array = array, .rest = rest, .cap = rest_capacity};
    array->is_present = false;
    array->count = array->rank = 0;
    if (rest_capacity < 3)
        return relud_fail(error, RELUD_TOO_LARGE, "no room for the members besides %s", key);
    rest[envelope.len++] = '{';
    json_skip_blanks(&walk);
    if (walk.at == walk.end || *walk.at != '{')
        return json_fail(&walk, RELUD_BAD_JSON, "a JSON object {\"%s\": …} is wanted", key);
    if (!json_walk_object(&walk, on_member, &envelope) || !json_walk_end(&walk))
        return false;
    memcpy(rest + envelope.len, "}", 2);
    return true;
}
