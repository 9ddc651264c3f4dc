#include "core/json/doc.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <math.h>
#include <relud/text.h>
#include <stdlib.h>
#include <string.h>

/* ---- characters that a C string cannot hold ---- */

static unsigned unit_at(const char *hex)
{
    static const char hex_digits[] = "0123456789abcdef";
    unsigned unit = 0;
    for (size_t i = 0; i < 4; i++) {
        const char *found = hex[i] ? strchr(hex_digits, tolower((unsigned char)hex[i])) : NULL;
        if (!found)
            return 1; /* not an escape: relud_json_check reports it */
        unit = unit << 4 | (unsigned)(found - hex_digits);
    }
    return unit;
}

/* Returns the length of the escape whose backslash is at `at`. Sets *is_odd if it is \u0000 or half
 * of a surrogate pair. */
static size_t escape_len(const char *at, const char *end, bool *is_odd)
{
    *is_odd = false;
    if (end - at < 6 || at[1] != 'u')
        return end - at < 2 ? 1 : 2;
    unsigned unit = unit_at(at + 2);
    bool is_first = unit >= 0xd800 && unit < 0xdc00, is_second = unit >= 0xdc00 && unit < 0xe000;
    unsigned next =
        is_first && end - at >= 12 && at[6] == '\\' && at[7] == 'u' ? unit_at(at + 8) : 0;
    if (is_first && next >= 0xdc00 && next < 0xe000)
        return 12;
    *is_odd = unit == 0 || is_first || is_second;
    return 6;
}

/* Counts the escapes that a C string cannot hold. If `copy` is not NULL, replaces each of them
 * there by \uffff; `copy` holds the same text. */
static size_t replace_odd(const char *text, size_t len, char *copy)
{
    const char *end = text + len;
    size_t count = 0;
    for (const char *at = text; (at = memchr(at, '\\', (size_t)(end - at)));) {
        bool is_odd;
        size_t some = escape_len(at, end, &is_odd);
        if (is_odd && copy)
            memcpy(copy + (at - text) + 2, "ffff", 4);
        count += is_odd;
        at += some;
    }
    return count;
}

/* ---- documents ---- */

static json_node *parse(const char *text, size_t len, const char *name, struct relud_error *error)
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
    if (!root) { /* the text was checked, so only memory can be short */
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

json_node *json_doc_open(const char *text, size_t len, const char *name, struct relud_error *error)
{
    if (replace_odd(text, len, NULL) == 0)
        return parse(text, len, name, error);
    char *copy = malloc(len + 1);
    if (!copy) {
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
        return NULL;
    }
    memcpy(copy, text, len);
    copy[len] = '\0';
    replace_odd(text, len, copy);
    json_node *root = parse(copy, len, name, error);
    free(copy);
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

bool json_text_is_whole(const char *text)
{
    return !strstr(text, "\xef\xbf\xbf");
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
