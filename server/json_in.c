#include "server/json_in.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETTINGS_BYTES_MAX = 64 * 1024, ASKED_MAX = 16 };

struct json_in {
    cJSON *root;
    const char *asked[ASKED_MAX]; /* every key that was asked for, for json_in_end */
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

static const cJSON *ask(struct json_in *document, const char *key)
{
    if (document->asked_len < ASKED_MAX)
        document->asked[document->asked_len++] = key;
    return cJSON_GetObjectItemCaseSensitive(document->root, key);
}

bool json_in_has(const struct json_in *document, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(document->root, key) != NULL;
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
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

bool json_node_is_object(const json_node *node)
{
    return cJSON_IsObject(node);
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
    return node ? node->child : NULL;
}

const json_node *json_node_next(const json_node *item)
{
    return item->next;
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

bool json_node_bool(const json_node *node, bool *value)
{
    if (cJSON_IsBool(node))
        *value = cJSON_IsTrue(node);
    return cJSON_IsBool(node);
}

bool json_in_end(const struct json_in *document, const char *known, struct relud_error *error)
{
    for (const cJSON *item = document->root->child; item; item = item->next) {
        bool is_known = false;
        for (size_t i = 0; i < document->asked_len; i++)
            is_known |= strcmp(document->asked[i], item->string) == 0;
        if (!is_known)
            return relud_fail(error, RELUD_BAD_INPUT, "unknown member '%.60s'; known here: %s",
                              item->string, known);
    }
    return true;
}

static bool read_small_file(const char *path, char *text, size_t *len, struct relud_error *error)
{
    FILE *file = fopen(path, "rb");
    if (!file)
        return relud_fail(error, RELUD_IO, "%s", strerror(errno));
    *len = fread(text, 1, SETTINGS_BYTES_MAX + 1, file);
    bool is_read = !ferror(file);
    int failure = errno;
    fclose(file);
    if (!is_read)
        return relud_fail(error, RELUD_IO, "%s", strerror(failure));
    if (*len > SETTINGS_BYTES_MAX)
        return relud_fail(error, RELUD_TOO_LARGE, "over %d bytes", SETTINGS_BYTES_MAX);
    text[*len] = '\0';
    return true;
}

static bool set_all(const cJSON *root,
                    bool (*set)(void *, const char *, const char *, struct relud_error *),
                    void *user, struct relud_error *error)
{
    if (!cJSON_IsObject(root))
        return relud_fail(error, RELUD_BAD_INPUT, "a JSON object is wanted");
    for (const cJSON *item = root->child; item; item = item->next) {
        char number[32];
        snprintf(number, sizeof number, "%.17g", item->valuedouble);
        const char *value = cJSON_IsString(item)   ? item->valuestring
                            : cJSON_IsNumber(item) ? number
                            : cJSON_IsTrue(item)   ? "on"
                            : cJSON_IsFalse(item)  ? "off"
                                                   : NULL;
        if (!value)
            return relud_fail(error, RELUD_BAD_INPUT, "'%.60s' must be a text, number or boolean",
                              item->string);
        if (!set(user, item->string, value, error))
            return false;
    }
    return true;
}

struct json_in *json_in_file(const char *path, struct relud_error *error)
{
    struct relud_error inner = {0};
    struct json_in *document = NULL;
    char *text = malloc(SETTINGS_BYTES_MAX + 2);
    size_t len = 0;
    bool is_right =
        text ? read_small_file(path, text, &len, &inner) && relud_json_check(text, len, &inner)
             : relud_fail(&inner, RELUD_NO_MEMORY, "out of memory");
    if (is_right)
        document = json_in_open(text, &inner);
    if (document && !cJSON_IsObject(document->root)) {
        relud_fail(&inner, RELUD_BAD_INPUT, "a JSON object is wanted");
        json_in_close(document);
        document = NULL;
    }
    if (!document)
        relud_fail(error, inner.code, "%.100s: %.200s", path, inner.text);
    free(text);
    return document;
}

bool json_in_settings(const char *path,
                      bool (*set)(void *user, const char *key, const char *value,
                                  struct relud_error *error),
                      void *user, struct relud_error *error)
{
    char *text = malloc(SETTINGS_BYTES_MAX + 2);
    if (!text)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    size_t len = 0;
    bool is_done = read_small_file(path, text, &len, error) && relud_json_check(text, len, error);
    cJSON *root = is_done ? cJSON_Parse(text) : NULL;
    if (root)
        is_done = set_all(root, set, user, error);
    else if (is_done)
        is_done = relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    cJSON_Delete(root);
    free(text);
    return is_done;
}
