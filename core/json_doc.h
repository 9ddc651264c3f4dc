/* Small JSON documents as trees: model.json and the header of a safetensors file. The only file of core/ that includes
 * cJSON. The text is checked strictly first (core/json_text.c): duplicate keys, UTF-8, \u0000 and trailing bytes never
 * reach it. Errors name the document and the key. */
#ifndef CORE_JSON_DOC_H
#define CORE_JSON_DOC_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

/* A node of the tree; lives as long as its document. */
typedef struct cJSON json_node;

/* text[len] must be followed by a NUL. NULL and *error, beginning with `name`, when it is not one strict JSON object. */
json_node *json_doc_open(const char *text, size_t len, const char *name, struct relud_error *error);
void json_doc_close(json_node *root);

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_TEXT, JSON_NUMBER, JSON_OTHER };
enum json_kind json_kind_of(const json_node *node);

const json_node *json_member(const json_node *object, const char *key); /* NULL: absent */
const json_node *json_first(const json_node *node);                     /* child, in order */
const json_node *json_next(const json_node *node);
const char *json_key_of(const json_node *node);
const char *json_text_of(const json_node *node); /* of JSON_TEXT */
double json_number_of(const json_node *node);    /* of JSON_NUMBER */
size_t json_count(const json_node *node);        /* children */

/* A whole number from 0 to 2^53; false for anything else. */
bool json_whole(const json_node *node, size_t *value);

#endif
