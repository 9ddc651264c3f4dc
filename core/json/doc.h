/* Reads small JSON documents into trees: model.json, the header of a safetensors file and the like.
 * In core/ only doc.c includes cJSON. core/json/text.c checks the text strictly first, so cJSON
 * never sees duplicate keys, invalid UTF-8 or trailing bytes.
 *
 * No C string of UTF-8 can hold \u0000 or half of a surrogate pair; U+FFFF replaces them. Members
 * that are not used may hold them. Code that uses a text must first ask json_text_is_whole. */
#ifndef CORE_JSON_DOC_H
#define CORE_JSON_DOC_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

/* A node of the tree. It lives as long as its document. */
typedef struct cJSON json_node;

/* Reads text[len], which must be followed by a NUL. Returns NULL and fills *error, whose text
 * begins with `name`, if it is not one strict JSON object or memory runs out. The caller closes the
 * document with json_doc_close. */
json_node *json_doc_open(const char *text, size_t len, const char *name, struct relud_error *error);
void json_doc_close(json_node *root);

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_TEXT, JSON_NUMBER, JSON_OTHER };
enum json_kind json_kind_of(const json_node *node);

const json_node *json_member(const json_node *object, const char *key); /* NULL: no such member */
const json_node *json_first(const json_node *node);                     /* first child, or NULL */
const json_node *json_next(const json_node *node);
const char *json_key_of(const json_node *node);
const char *json_text_of(const json_node *node); /* only for JSON_TEXT */
/* False if `text` contains U+FFFF, which stands for \u0000 and for half of a surrogate pair. */
bool json_text_is_whole(const char *text);
double json_number_of(const json_node *node); /* only for JSON_NUMBER */
size_t json_count(const json_node *node);     /* number of children */

/* Sets *value if the node is a whole number from 0 to 2^53; returns false otherwise. */
bool json_whole(const json_node *node, size_t *value);

#endif
