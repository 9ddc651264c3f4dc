#include "server/base/json_in.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_BYTES_MAX = 64 * 1024, ASKED_MAX = 16 };

struct json_in {
    cJSON *root;
    const char *asked[ASKED_MAX]; /* every key asked for so far, for json_in_end */
    size_t asked_len;
};

struct json_in *json_in_open(const char *text, struct relud_error *error)
{
    struct json_in *document = calloc(1, sizeof *document);
    cJSON *root = document ? cJSON_Parse(text) : NULL;
    if (!root) {
        free(document);
        relud_fail(error, RELUD_NO_MEMORY, "out of memory for the request");
        return NULL;
    }
    document->root = root;
    return document;
}

void json_in_close(struct json_in *document)
{
    if (!document)
        return;
    cJSON_Delete(document->root);
    free(document);
}

/* The member of that name; NULL also if it is null. Serializers of classes (pydantic, Jackson, Go
 * without omitempty) write a member that was not set as null. */
static const cJSON *find(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNull(item) ? NULL : item;
}

static const cJSON *ask(struct json_in *document, const char *key)
{
    if (document->asked_len < ASKED_MAX)
        document->asked[document->asked_len++] = key;
    return find(document->root, key);
}

bool json_in_has(const struct json_in *document, const char *key)
{
    return find(document->root, key) != NULL;
}

bool json_in_text(struct json_in *document, const char *key, const char **value,
                  struct relud_error *error)
{
    const cJSON *item = ask(document, key);
    if (!item)
        return true;
    if (!cJSON_IsString(item))
        return relud_fail(error, RELUD_BAD_INPUT, "%s must be a string", key);
    *value = item->valuestring;
    return true;
}

bool json_in_number(struct json_in *document, const char *key, double *value,
                    struct relud_error *error)
{
    const cJSON *item = ask(document, key);
    if (!item)
        return true;
    if (!cJSON_IsNumber(item))
        return relud_fail(error, RELUD_BAD_INPUT, "%s must be a number", key);
    if (!isfinite((float)item->valuedouble))
        return relud_fail(error, RELUD_NOT_FINITE, "%s is not finite as float32", key);
    *value = item->valuedouble;
    return true;
}

bool json_in_count(struct json_in *document, const char *key, size_t min, size_t max, size_t *value,
                   struct relud_error *error)
{
    double number = (double)*value;
    if (!json_in_number(document, key, &number, error))
        return false;
    if (number < (double)min || number > (double)max || number != floor(number))
        return relud_fail(error, RELUD_BAD_INPUT, "%s must be a whole number from %zu to %zu", key,
                          min, max);
    *value = (size_t)number;
    return true;
}

bool json_in_bool(struct json_in *document, const char *key, bool *value, struct relud_error *error)
{
    const cJSON *item = ask(document, key);
    if (!item)
        return true;
    if (!cJSON_IsBool(item))
        return relud_fail(error, RELUD_BAD_INPUT, "%s must be true or false", key);
    *value = cJSON_IsTrue(item);
    return true;
}

bool json_in_floats(struct json_in *document, const char *key, float *values, size_t cap,
                    size_t *len, struct relud_error *error)
{
    const cJSON *item = ask(document, key);
    if (!item)
        return true;
    const cJSON *at = cJSON_IsArray(item) ? item->child : item;
    size_t count = 0;
    for (; at; at = cJSON_IsArray(item) ? at->next : NULL) {
        if (!cJSON_IsNumber(at))
            return relud_fail(error, RELUD_BAD_INPUT, "%s must be a number or an array of numbers",
                              key);
        if (!isfinite((float)at->valuedouble))
            return relud_fail(error, RELUD_NOT_FINITE, "%s[%zu] is not finite as float32", key,
                              count);
        if (count == cap)
            return relud_fail(error, RELUD_TOO_LARGE, "%s has more than %zu numbers", key, cap);
        values[count++] = (float)at->valuedouble;
    }
    if (count == 0)
        return relud_fail(error, RELUD_BAD_INPUT, "%s is empty", key);
    *len = count;
    return true;
}

const json_node *json_in_root(const struct json_in *document)
{
    return document->root;
}

const json_node *json_in_member(struct json_in *document, const char *key)
{
    return ask(document, key);
}

const json_node *json_node_member(const json_node *object, const char *key)
{
    return find(object, key);
}

/* The first item, from this one on, that is an array's element or a member that is not null. */
static const cJSON *skip_nulls(const cJSON *item)
{
    while (item && item->string && cJSON_IsNull(item))
        item = item->next;
    return item;
}

bool json_node_is_object(const json_node *node)
{
    return cJSON_IsObject(node);
}

bool json_node_is_null(const json_node *node)
{
    return cJSON_IsNull(node);
}

bool json_node_is_array(const json_node *node)
{
    return cJSON_IsArray(node);
}

size_t json_node_count(const json_node *node)
{
    return (size_t)cJSON_GetArraySize(node);
}

const json_node *json_node_first(const json_node *node)
{
    return node ? skip_nulls(node->child) : NULL;
}

const json_node *json_node_next(const json_node *item)
{
    return skip_nulls(item->next);
}

const char *json_node_name(const json_node *item)
{
    return item->string;
}

const char *json_node_text(const json_node *node)
{
    return cJSON_GetStringValue(node);
}

bool json_node_number(const json_node *node, double *value)
{
    if (cJSON_IsNumber(node))
        *value = node->valuedouble;
    return cJSON_IsNumber(node);
}

bool json_node_whole(const json_node *node, double min, double max, double *value)
{
    double number = 0;
    if (!json_node_number(node, &number) || !(number >= min && number <= max) ||
        number != floor(number))
        return false;
    *value = number;
    return true;
}

bool json_node_bool(const json_node *node, bool *value)
{
    if (cJSON_IsBool(node))
        *value = cJSON_IsTrue(node);
    return cJSON_IsBool(node);
}

bool json_in_end(const struct json_in *document, const char *known, struct relud_error *error)
{
    for (const cJSON *item = document->root->child; item; item = item->next) {
        bool is_known = cJSON_IsNull(item);
        for (size_t i = 0; i < document->asked_len; i++)
            is_known |= strcmp(document->asked[i], item->string) == 0;
        if (!is_known)
            return relud_fail(error, RELUD_BAD_INPUT, "unknown member '%s'; known here: %s",
                              item->string, known);
    }
    return true;
}

static bool set_all(const cJSON *root,
                    bool (*set)(void *, const char *, const char *, struct relud_error *),
                    void *user, struct relud_error *error)
{
    if (!cJSON_IsObject(root))
        return relud_fail(error, RELUD_BAD_INPUT, "this is not a JSON object");
    for (const cJSON *item = root->child; item; item = item->next) {
        char number[32];
        snprintf(number, sizeof number, "%.17g", item->valuedouble);
        const char *value = cJSON_IsString(item)   ? item->valuestring
                            : cJSON_IsNumber(item) ? number
                            : cJSON_IsTrue(item)   ? "on"
                            : cJSON_IsFalse(item)  ? "off"
                                                   : NULL;
        if (!value)
            return relud_fail(error, RELUD_BAD_INPUT, "'%s' must be a text, number or boolean",
                              item->string);
        if (!set(user, item->string, value, error))
            return false;
    }
    return true;
}

/* Sets *error to the inner error, with the file's path before it. Returns false. */
static bool fail_file(const char *path, const struct relud_error *inner, struct relud_error *error)
{
    return relud_fail(error, inner->code, "%s: %s", path, inner->text);
}

/* Reads a file of at most 64 KB that must be strict JSON, and removes a byte order mark. *error
 * names the file. */
static bool read_json(const char *path, struct relud_file *file, struct relud_error *error)
{
    struct relud_error inner = {0};
    if (!relud_file_read(path, SETTINGS_BYTES_MAX, file, error))
        return false;
    size_t mark = relud_text_mark(file->bytes, file->len);
    file->len -= mark;
    memmove(file->bytes, file->bytes + mark, file->len + 1); /* and the final NUL */
    if (relud_json_check(file->bytes, file->len, &inner))
        return true;
    relud_file_free(file);
    return fail_file(path, &inner, error);
}

struct json_in *json_in_file(const char *path, struct relud_error *error)
{
    struct relud_error inner = {0};
    struct relud_file file;
    if (!read_json(path, &file, error))
        return NULL;
    struct json_in *document = json_in_open(file.bytes, &inner);
    if (document && !cJSON_IsObject(document->root)) {
        relud_fail(&inner, RELUD_BAD_INPUT, "this is not a JSON object");
        json_in_close(document);
        document = NULL;
    }
    if (!document)
        fail_file(path, &inner, error);
    relud_file_free(&file);
    return document;
}

bool json_in_settings(const char *path,
                      bool (*set)(void *user, const char *key, const char *value,
                                  struct relud_error *error),
                      void *user, struct relud_error *error)
{
    struct relud_error inner = {0};
    struct relud_file file;
    if (!read_json(path, &file, error))
        return false;
    cJSON *root = cJSON_Parse(file.bytes);
    bool is_done = root ? set_all(root, set, user, &inner)
                        : relud_fail(&inner, RELUD_NO_MEMORY, "out of memory");
    cJSON_Delete(root);
    relud_file_free(&file);
    if (!is_done)
        fail_file(path, &inner, error);
    return is_done;
}
