#include "core/json_doc.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <relud/text.h>

json_node *json_doc_open(const char *text, size_t len, const char *name, struct relud_error *error)
{
    struct relud_error inner;
    if (!relud_json_check(text, len, &inner)) {
        relud_fail(error, inner.code == RELUD_NO_MEMORY ? RELUD_NO_MEMORY : RELUD_BAD_MODEL,
                   "%s: %s", name, inner.text);
        if (error)
            error->offset = inner.offset;
        return NULL;
    }
    json_node *root = cJSON_ParseWithLengthOpts(text, len + 1, NULL, 1);
    if (!root) { /* the text is right, so only memory can be short */
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    if (!cJSON_IsObject(root)) {
        relud_fail(error, RELUD_BAD_MODEL, "%s: a JSON object is wanted", name);
        cJSON_Delete(root);
        return NULL;
    }
    return root;
}

void json_doc_close(json_node *root)
{
    cJSON_Delete(root);
}

enum json_kind json_kind_of(const json_node *node)
{
    if (cJSON_IsObject(node))
        return JSON_OBJECT;
    if (cJSON_IsArray(node))
        return JSON_ARRAY;
    if (cJSON_IsString(node))
        return JSON_TEXT;
    return cJSON_IsNumber(node) ? JSON_NUMBER : JSON_OTHER;
}

const json_node *json_member(const json_node *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

const json_node *json_first(const json_node *node)
{
    return node->child;
}

const json_node *json_next(const json_node *node)
{
    return node->next;
}

const char *json_key_of(const json_node *node)
{
    return node->string;
}

const char *json_text_of(const json_node *node)
{
    return node->valuestring;
}

double json_number_of(const json_node *node)
{
    return node->valuedouble;
}

size_t json_count(const json_node *node)
{
    size_t count = 0;
    for (const json_node *at = node->child; at; at = at->next)
        count++;
    return count;
}

bool json_whole(const json_node *node, size_t *value)
{
    double number = node->valuedouble;
    if (!cJSON_IsNumber(node) || !(number >= 0 && number <= 0x1p53) || number != floor(number))
        return false;
    *value = (size_t)number;
    return true;
}
