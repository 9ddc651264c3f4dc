/* Reads a JSON document that contains one array of numbers. core/json/rows.c reads the array.
 * core/json/text.c walks everything around it, which is copied to a small document of its own
 * (`rest`). */
#include "core/json/envelope.h"

#include "core/base/float_env.h"
#include "core/base/json_string.h"
#include "core/base/watch.h"

#include <stdio.h>
#include <string.h>

/* Limits the walk to the next rest_capacity bytes. Text before and after the array must fit into
 * `rest`, so it is useless to read more of it. */
void envelope_look_ahead(struct json_walk *walk, const struct envelope *envelope)
{
    size_t left = (size_t)(envelope->end - walk->at);
    bool is_cut = left > envelope->rest_capacity;
    walk->end = is_cut ? walk->at + envelope->rest_capacity : envelope->end;
}

static bool read_rows(struct json_walk *walk, const char *name, struct envelope *envelope)
{
    walk->end = envelope->end;
    if (!json_read_rows(walk, name, envelope->array, NULL, envelope->pause))
        return false;
    envelope_look_ahead(walk, envelope);
    return true;
}

static bool fail_rest(struct json_walk *walk, const struct envelope *envelope)
{
    return json_fail(walk, RELUD_TOO_LARGE, "the members besides %s take more than %zu bytes",
                     envelope->key, envelope->rest_capacity - 1);
}

/* Called when the walk failed. If it failed close to an end that look_ahead set, the reason is that
 * limit, so the error is replaced. Always false. */
static bool fail_cut(struct json_walk *walk, const struct envelope *envelope)
{
    enum { WORD = 8 };
    bool is_paused = envelope->pause && envelope->pause->at;
    if (!is_paused && walk->end < envelope->end && walk->end - walk->at < WORD)
        fail_rest(walk, envelope);
    return false;
}

/* The array's name in this document. */
static const char *member_name(const struct envelope *envelope)
{
    const struct relud_json_array *array = envelope->array;
    return array->member ? array->other[array->member - 1].name : envelope->key;
}

/* Walks over one element, which may be at most rest_capacity bytes long. */
static bool on_element(struct json_walk *walk, void *user)
{
    const struct envelope *envelope = user;
    envelope_look_ahead(walk, envelope);
    bool is_right = json_walk_value(walk);
    if (is_right)
        walk->end = envelope->end;
    return is_right;
}

/* Walks over the names of columns or of rows. There may be many, so the limit of look_ahead holds
 * for each one, not for the whole list. */
static bool walk_list(struct json_walk *walk, struct envelope *envelope)
{
    if (walk->at < walk->end && *walk->at == '[')
        return json_walk_array(walk, on_element, envelope);
    return on_element(walk, envelope);
}

/* Reads the data. Words, and columns of several numbers, can be read only where the order of the
 * columns is known: a map of it lies behind the values meanwhile. Booleans want it only if there is
 * an order. */
static bool read_data(struct json_walk *walk, const char *path, struct envelope *envelope)
{
    struct relud_json_array *array = envelope->array;
    const struct relud_features *feature = array->feature;
    const size_t width = array->columns ? array->columns->len : 0, capacity = array->capacity;
    bool needs_order =
        feature && (feature->has_words || (feature->has_booleans && envelope->columns));
    envelope->is_ordered = width && envelope->columns && json_has_parts(array->columns);
    if (width == 0 || (!needs_order && !envelope->is_ordered))
        return json_read_rows(walk, path, array, NULL, envelope->pause);
    if (!envelope->columns)
        return json_fail(walk, RELUD_BAD_INPUT,
                         "%s: columns must stand before it, as some of them are words", path);
    if (capacity < 2 * width)
        return json_fail(walk, RELUD_TOO_LARGE, "%s has more than %zu numbers", path, capacity);
    array->capacity -= 2 * width;
    struct json_walk names = *walk;
    names.at = envelope->columns;
    char columns[96];
    snprintf(columns, sizeof columns, "%.64s.columns", member_name(envelope));
    float *map = array->values + array->capacity;
    bool is_read = json_map_columns(&names, columns, array, map) &&
                   json_read_rows(walk, path, array, map, envelope->pause);
    walk->is_ended |= names.is_ended;
    array->capacity = capacity;
    return is_read;
}

static bool on_split_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    char path[96];
    if (json_is_null(walk))
        return json_walk_value(walk);
    if (json_is_key(name, "columns"))
        envelope->columns = walk->at;
    if (!json_is_key(name, "data"))
        return walk_list(walk, envelope);
    snprintf(path, sizeof path, "%.64s.data", member_name(envelope));
    return read_data(walk, path, envelope);
}

/* Reads {"columns": […], "index": […], "data": [[…], …]}. The whole object counts as the array:
 * `rest` has a 0 for all of it. */
static bool read_split(struct json_walk *walk, struct envelope *envelope)
{
    struct relud_json_array *array = envelope->array;
    size_t begin = (size_t)(walk->at - walk->begin);
    char path[96];
    if (walk->at == walk->end || *walk->at != '{')
        return json_fail(walk, RELUD_BAD_INPUT, "%s must be an object of columns and data",
                         member_name(envelope));
    walk->end = envelope->end;
    if (!json_walk_object(walk, on_split_member, envelope))
        return false;
    if (!array->is_present)
        return json_fail(walk, RELUD_BAD_INPUT, "%s.data is missing", member_name(envelope));
    array->offset = begin;
    array->end = (size_t)(walk->at - walk->begin);
    envelope_look_ahead(walk, envelope);
    struct json_walk names = *walk;
    names.at = envelope->columns;
    names.end = envelope->end;
    snprintf(path, sizeof path, "%.64s.columns", member_name(envelope));
    bool is_right =
        !envelope->columns || envelope->is_ordered || json_order_columns(&names, path, array);
    walk->is_ended |= names.is_ended;
    return is_right;
}

/* Which name of the array this is. 0: the key; i + 1: other[i]; others + 1: none of them. */
static size_t member_of(const struct envelope *envelope, const struct json_key *name)
{
    const struct relud_json_array *array = envelope->array;
    size_t member = 0;
    if (json_is_key(name, envelope->key))
        return 0;
    while (member < array->others && !json_is_key(name, array->other[member].name))
        member++;
    return member + 1;
}

/* True for []. Some clients (in Java, for example) know all names of the array and send [] under
 * the names that they do not use. */
static bool is_empty(const struct json_walk *walk)
{
    struct json_walk ahead = *walk;
    if (ahead.at == ahead.end || *ahead.at++ != '[')
        return false;
    json_skip_blanks(&ahead);
    return ahead.at < ahead.end && *ahead.at == ']';
}

static bool on_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    struct relud_json_array *array = envelope->array;
    size_t member = member_of(envelope, name);
    if (member == array->others + 1 || json_is_null(walk))
        return json_walk_value(walk);
    if (array->others && is_empty(walk)) {
        envelope->empty = *name;
        return json_walk_value(walk);
    }
    if (array->is_present) {
        walk->at = name->at - 1;
        return member == array->member
                   ? json_fail(walk, RELUD_BAD_JSON, "member \"%s\" stands twice",
                               member_name(envelope))
                   : json_fail(walk, RELUD_BAD_INPUT, "\"%s\" and \"%.*s\" together",
                               member_name(envelope), (int)name->len, name->at);
    }
    array->member = member;
    if (member)
        array->form = array->other[member - 1].form;
    const char *key = member_name(envelope);
    if (array->form & RELUD_JSON_SPLIT)
        return read_split(walk, envelope);
    if (array->form != RELUD_JSON_TENSOR)
        return read_rows(walk, key, envelope);
    if (walk->at == walk->end || *walk->at != '[')
        return json_fail(walk, RELUD_BAD_INPUT, "%s must be an array of tensors", key);
    return json_walk_array(walk, envelope_on_tensor, envelope);
}

/* Writes the document without the numbers to `rest`: a 0 stands for each array of them. */
static bool write_rest(struct json_walk *walk, const struct envelope *envelope, char *rest)
{
    const struct relud_json_array *array = envelope->array;
    const struct relud_json_tensor *tensor = array->tensor ? array->tensor : &envelope->one,
                                   whole = {.offset = array->offset, .end = array->end};
    const char *at = walk->begin, *end = walk->end;
    char *out = rest;
    while (*at != '{')
        at++;
    while (end[-1] != '}')
        end--;
    bool is_tensor = array->tensors > 0;
    for (size_t i = 0, holes = is_tensor ? array->tensors : array->is_present; i <= holes; i++) {
        const struct relud_json_tensor *hole = is_tensor ? &tensor[i] : &whole;
        const char *stop = i < holes ? walk->begin + hole->offset : end;
        size_t len = (size_t)(stop - at);
        if (len + 1 > envelope->rest_capacity - (size_t)(out - rest))
            return fail_rest(walk, envelope);
        out = (char *)memcpy(out, at, len) + len;
        *out = i < holes ? '0' : '\0';
        out++;
        at = i < holes ? walk->begin + hole->end : end;
    }
    return true;
}

/* Reads a document that is the array itself. */
static bool read_bare(struct json_walk *walk, struct envelope *envelope)
{
    if (!read_rows(walk, envelope->key, envelope))
        return false;
    json_skip_blanks(walk);
    if (walk->at < walk->end)
        return json_fail(walk, RELUD_BAD_JSON, "more stands behind the array");
    return true;
}

static bool write_bare_rest(const struct envelope *envelope, char *rest, size_t capacity,
                            struct relud_error *error)
{
    if (snprintf(rest, capacity, "{\"%s\":0}", envelope->key) >= (int)capacity)
        return relud_fail(error, RELUD_TOO_LARGE, "no room for the members besides %s",
                          envelope->key);
    return true;
}

static bool is_bare(const struct json_walk *text, const struct relud_json_array *array)
{
    struct json_walk walk = *text;
    json_skip_blanks(&walk);
    return array->may_be_bare && walk.at < walk.end && *walk.at == '[';
}

bool relud_json_read_piece(const char *text, size_t len, const char *key,
                           struct relud_json_array *array, struct relud_json_pause *pause,
                           char *rest, size_t rest_capacity, struct relud_error *error)
{
    enum { KEYS_MAX = 256 };
    struct json_key keys[KEYS_MAX];
    struct json_walk walk = {.begin = text,
                             .at = text,
                             .end = text + len,
                             .error = error,
                             .keys = {.key = keys, .cap = KEYS_MAX}};
    struct envelope envelope = {.key = key,
                                .array = array,
                                .pause = pause,
                                .rest_capacity = rest_capacity,
                                .end = text + len};
    array->is_present = false;
    array->member = array->count = array->rank = array->offset = array->end = array->tensors = 0;
    if (array->tensor && pause && !pause->watch)
        envelope.pause = NULL;
    if (rest_capacity < 3)
        return relud_fail(error, RELUD_TOO_LARGE, "no room for the members besides %s", key);
    walk.watch = pause ? pause->watch : NULL;
    envelope_look_ahead(&walk, &envelope);
    bool is_array = array->is_bare = is_bare(&walk, array);
    if (is_array)
        json_skip_blanks(&walk);
    uint64_t env = float_env_enter();
    bool is_read =
        is_array ? read_bare(&walk, &envelope) : json_walk_text(&walk, key, on_member, &envelope);
    if (is_read && !array->is_present && envelope.empty.len) {
        walk.at = envelope.empty.at - 1;
        is_read = json_fail(&walk, RELUD_BAD_INPUT, "%.*s is an empty array",
                            (int)envelope.empty.len, envelope.empty.at);
    }
    float_env_leave(env);
    if (walk.is_ended)
        return json_fail(&walk, RELUD_IO, "the text is not wanted any more");
    if (!is_read)
        return fail_cut(&walk, &envelope);
    if (walk.end < envelope.end) /* text remains after the limit of look_ahead */
        return fail_rest(&walk, &envelope);
    return is_array ? write_bare_rest(&envelope, rest, rest_capacity, error)
                    : write_rest(&walk, &envelope, rest);
}

bool relud_json_read(const char *text, size_t len, const char *key, struct relud_json_array *array,
                     char *rest, size_t rest_capacity, struct relud_error *error)
{
    return relud_json_read_piece(text, len, key, array, NULL, rest, rest_capacity, error);
}
