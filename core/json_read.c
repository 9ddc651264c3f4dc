/* A JSON document with one number array in it: the array is core/json_rows.c's, everything around it is walked by
 * core/json_text.c and handed on as a small document of its own. */
#include "core/json_rows.h"

#include "core/json_string.h"

#include <stdio.h>
#include <string.h>

struct envelope {
    const char *key;
    struct relud_json_array *array;
    struct relud_json_pause *pause;
    size_t tensors; /* elements of "inputs" begun */
};

static bool is_key(const struct json_key *name, const char *wanted)
{
    return wanted && json_string_compare(name->at, name->len, wanted, strlen(wanted)) == 0;
}

static bool on_tensor_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    if (!is_key(name, "data"))
        return json_walk_value(walk);
    char path[96];
    snprintf(path, sizeof path, "%.64s[%zu].data", envelope->key, envelope->tensors - 1);
    if (envelope->array->is_present)
        return json_fail(walk, RELUD_BAD_INPUT, "%s: one tensor is wanted", path);
    return json_read_rows(walk, path, envelope->array, envelope->pause);
}

static bool on_tensor(struct json_walk *walk, void *user)
{
    struct envelope *envelope = user;
    envelope->tensors++;
    if (walk->at == walk->end || *walk->at != '{')
        return json_fail(walk, RELUD_BAD_INPUT, "%s[%zu] must be an object", envelope->key,
                         envelope->tensors - 1);
    return json_walk_object(walk, on_tensor_member, envelope);
}

static bool on_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    struct relud_json_array *array = envelope->array;
    bool is_other = is_key(name, array->other);
    const char *key = is_other ? array->other : envelope->key;
    if (!is_other && !is_key(name, envelope->key))
        return json_walk_value(walk);
    if (array->is_present) {
        walk->at = name->at - 1;
        return is_other == array->is_other
                   ? json_fail(walk, RELUD_BAD_JSON, "member \"%s\" stands twice", key)
                   : json_fail(walk, RELUD_BAD_INPUT, "\"%s\" and \"%s\" together", envelope->key,
                               array->other);
    }
    array->is_other = is_other;
    if (is_other)
        array->form = array->other_form;
    if (array->form != RELUD_JSON_TENSOR)
        return json_read_rows(walk, key, array, envelope->pause);
    if (walk->at == walk->end || *walk->at != '[')
        return json_fail(walk, RELUD_BAD_INPUT, "%s must be an array of tensors", key);
    return json_walk_array(walk, on_tensor, envelope);
}

/* The document without the numbers: what stands before and behind them, and a 0. */
static bool write_rest(struct json_walk *walk, const struct envelope *envelope, char *rest,
                       size_t capacity)
{
    const struct relud_json_array *array = envelope->array;
    const char *begin = walk->begin, *end = walk->end;
    while (*begin != '{')
        begin++;
    while (end[-1] != '}')
        end--;
    size_t before = (size_t)(end - begin), behind = 0;
    if (array->is_present) {
        before = array->offset - (size_t)(begin - walk->begin);
        behind = (size_t)(end - walk->begin) - array->end;
    }
    if (before + behind + 2 > capacity)
        return json_fail(walk, RELUD_TOO_LARGE, "the members besides %s take more than %zu bytes",
                         envelope->key, capacity - 1);
    memcpy(rest, begin, before);
    rest[before] = '0';
    memcpy(rest + before + array->is_present, end - behind, behind);
    rest[before + array->is_present + behind] = '\0';
    return true;
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
    struct envelope envelope = {.key = key, .array = array, .pause = pause};
    array->is_present = array->is_other = false;
    array->count = array->rank = array->offset = array->end = 0;
    if (rest_capacity < 3)
        return relud_fail(error, RELUD_TOO_LARGE, "no room for the members besides %s", key);
    return json_walk_text(&walk, key, on_member, &envelope) &&
           write_rest(&walk, &envelope, rest, rest_capacity);
}

bool relud_json_read(const char *text, size_t len, const char *key, struct relud_json_array *array,
                     char *rest, size_t rest_capacity, struct relud_error *error)
{
    return relud_json_read_piece(text, len, key, array, NULL, rest, rest_capacity, error);
}
