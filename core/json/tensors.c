/* Reads tensors in JSON, {"name": "x", "datatype": "FP32", "shape": [1, 3], "data": [1, 2, 3]}: the
 * names decide to which part of a row the numbers go. */
#include "core/json/envelope.h"

#include "core/base/watch.h"
#include "core/json/rows_private.h"

#include <stdio.h>

static enum relud_dtype dtype_of(const struct json_key *name)
{
    enum relud_dtype dtype = 0;
    while (dtype < RELUD_DTYPES && !json_is_key(name, relud_dtype_name(dtype)))
        dtype++;
    return dtype;
}

/* Skips a number or an array by counting its brackets. Returns false if there is neither, or if the
 * watch ends the reading. */
static bool skip_array(struct json_walk *walk)
{
    enum { PIECE = 64 * 1024 };
    size_t depth = 0;
    const char *at = walk->at, *stop = at + PIECE;
    struct json_key word;
    for (; at < walk->end; at++) {
        if (at >= stop) {
            if (!watch_go_on(walk->watch))
                return false;
            stop = at + PIECE;
        }
        depth += *at == '[';
        if (*at == '"') {
            walk->at = at;
            if (!json_walk_string(walk, &word))
                return false;
            at = walk->at - 1;
        }
        if (*at == ']' && --depth == 0)
            break;
        if (depth == 0)
            return false;
    }
    bool is_whole = at < walk->end && *at == ']';
    walk->at = at + is_whole;
    return is_whole;
}

static bool take_head(struct json_walk *walk, const struct json_key *member,
                      struct envelope *envelope, bool *is_head)
{
    struct json_key text;
    bool is_name = json_is_key(member, "name");
    *is_head =
        walk->at < walk->end && *walk->at == '"' && (is_name || json_is_key(member, "datatype"));
    if (!*is_head)
        return true;
    if (!json_walk_string(walk, &text))
        return false;
    if (is_name) {
        envelope->tensor = text;
    } else {
        envelope->has_type = true;
        envelope->dtype = dtype_of(&text);
    }
    return true;
}

/* Looks for the members "name" and "datatype" behind the data, so that it can be checked while it
 * is read. Errors are ignored here; the walk over the whole text reports them later. */
static void look_for_head(const struct json_walk *from, struct envelope *envelope)
{
    struct relud_error ignored;
    struct json_walk walk = *from;
    struct json_key name;
    bool is_head = true;
    walk.error = &ignored;
    walk.end = envelope->end;
    if (!skip_array(&walk))
        return;
    envelope_look_ahead(&walk, envelope);
    for (;;) {
        json_skip_blanks(&walk);
        if (walk.at == walk.end || *walk.at++ != ',')
            return;
        json_skip_blanks(&walk);
        if (!json_walk_string(&walk, &name))
            return;
        json_skip_blanks(&walk);
        if (walk.at == walk.end || *walk.at++ != ':')
            return;
        json_skip_blanks(&walk);
        if (!take_head(&walk, &name, envelope, &is_head) || (!is_head && !json_walk_value(&walk)))
            return;
    }
}

/* The column that the tensor's name says. */
static size_t column_of(const struct envelope *envelope)
{
    const struct relud_json_array *array = envelope->array;
    const struct json_key *name = &envelope->tensor;
    if (!array->tensor)
        return array->columns ? array->columns->len : 0;
    size_t next = array->tensors ? array->tensor[array->tensors - 1].column + 1 : 0;
    size_t column = json_find_column(array->columns, name, next);
    if (column < array->columns->len)
        return column;
    return array->name && json_is_key(name, array->name) ? column : RELUD_JSON_NO_COLUMN;
}

/* Reads the data of a tensor; errors call it `path`. */
static bool read_tensor(struct json_walk *walk, const char *path, struct envelope *envelope,
                        struct relud_json_tensor *tensor)
{
    struct relud_json_array *array = envelope->array;
    const struct relud_json_columns *columns = array->columns;
    const char *begin = walk->at;
    bool has_missing = array->is_present && array->has_missing;
    walk->end = envelope->end;
    bool is_whole = !array->tensor || tensor->column == columns->len ||
                    (tensor->column == 0 && columns->len == 1),
         is_read;
    if (tensor->column == RELUD_JSON_NO_COLUMN) {
        is_read = json_walk_value(walk);
        array->count = 0;
    } else if (is_whole) {
        array->count = 0;
        is_read = json_read_rows(walk, path, array, NULL, envelope->pause);
    } else {
        size_t first = json_column_first(columns, tensor->column);
        is_read = json_read_part(walk, path, array, first,
                                 json_column_first(columns, tensor->column + 1) - first,
                                 json_row_width(columns), envelope->pause);
    }
    if (!is_read)
        return false;
    envelope_look_ahead(walk, envelope);
    array->has_missing |= has_missing;
    tensor->count = array->count;
    tensor->offset = (size_t)(begin - walk->begin);
    tensor->end = (size_t)(walk->at - walk->begin);
    return true;
}

static bool on_tensor_member(struct json_walk *walk, const struct json_key *name, void *user)
{
    struct envelope *envelope = user;
    struct relud_json_array *array = envelope->array;
    struct relud_json_tensor *tensor = array->tensor ? array->tensor : &envelope->one;
    const size_t most = array->tensor ? array->tensors_max : 1;
    bool is_head;
    if (!take_head(walk, name, envelope, &is_head))
        return false;
    if (is_head)
        return true;
    if (!json_is_key(name, "data") || json_is_null(walk))
        return json_walk_value(walk);
    char path[96];
    snprintf(path, sizeof path, "%.64s[%zu].data", envelope->key, envelope->elements - 1);
    if (array->tensors == most)
        return most == 1 ? json_fail(walk, RELUD_BAD_INPUT, "%s: one tensor is wanted", path)
                         : json_fail(walk, RELUD_BAD_INPUT, "%s: at most %zu tensors are wanted",
                                     path, most);
    bool is_resumed = envelope->pause && envelope->pause->at; /* later pieces know the type */
    if (!is_resumed && (!envelope->has_type || (array->tensor && !envelope->tensor.len)))
        look_for_head(walk, envelope);
    array->dtype = is_resumed ? envelope->pause->array.dtype : envelope->dtype;
    tensor += array->tensors;
    tensor->index = envelope->elements - 1;
    tensor->column = column_of(envelope);
    if (!read_tensor(walk, path, envelope, tensor)) {
        if (array->tensor && array->columns->len > 1 && envelope->tensor.len) {
            char remark[96];
            int len = (int)json_string_cut(envelope->tensor.at, envelope->tensor.len, 60);
            snprintf(remark, sizeof remark, ", of input '%.*s'", len, envelope->tensor.at);
            json_fail_add(walk, remark);
        }
        return false;
    }
    array->is_present = true;
    array->tensors++;
    return true;
}

bool envelope_on_tensor(struct json_walk *walk, void *user)
{
    struct envelope *envelope = user;
    envelope->elements++;
    envelope->tensor = (struct json_key){"", 0};
    envelope->has_type = false;
    envelope->dtype = RELUD_DTYPES;
    if (walk->at == walk->end || *walk->at != '{')
        return json_fail(walk, RELUD_BAD_INPUT, "%s[%zu] must be an object", envelope->key,
                         envelope->elements - 1);
    return json_walk_object(walk, on_tensor_member, envelope);
}
