/* Small JSON documents read for the service: the rest of a request (everything but its number array) and the
 * --config file. The only file of server/ that includes cJSON. Texts are checked strictly by librelud first, so
 * cJSON's leniency does not show. */
#ifndef SERVER_JSON_IN_H
#define SERVER_JSON_IN_H

#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* The members of a request besides its array. */
struct json_in;

/* NULL and *error when memory runs out. text comes from relud_json_read's rest. */
struct json_in *json_in_open(const char *text, struct relud_error *error);
void json_in_close(struct json_in *document);

/* Each leaves *value alone where the member is absent and refuses another type, naming the member. Text lives
 * as long as the document. */
bool json_in_text(struct json_in *document, const char *key, const char **value,
                  struct relud_error *error);
bool json_in_number(struct json_in *document, const char *key, double *value,
                    struct relud_error *error);
bool json_in_count(struct json_in *document, const char *key, size_t min, size_t max, size_t *value,
                   struct relud_error *error);
bool json_in_bool(struct json_in *document, const char *key, bool *value,
                  struct relud_error *error);
/* A number or an array of numbers, finite as float32: up to cap go to values, *len says how many. */
bool json_in_floats(struct json_in *document, const char *key, float *values, size_t cap,
                    size_t *len, struct relud_error *error);
bool json_in_has(const struct json_in *document, const char *key);

/* Refuses a member that none of the calls above asked for; `known` is for the message. */
bool json_in_end(const struct json_in *document, const char *known, struct relud_error *error);

/* ---- what is nested ---- */

typedef struct cJSON json_node;

const json_node *json_in_root(const struct json_in *document);
/* NULL where there is none. Counts as asked for. */
const json_node *json_in_member(struct json_in *document, const char *key);
const json_node *json_node_member(const json_node *object, const char *key);
bool json_node_is_object(const json_node *node);
bool json_node_is_array(const json_node *node);
size_t json_node_count(const json_node *node); /* elements or members */
const json_node *json_node_first(const json_node *node);
const json_node *json_node_next(const json_node *item);
const char *json_node_name(const json_node *item); /* a member's; NULL for an element */
const char *json_node_text(const json_node *node); /* NULL where it is no string */
bool json_node_number(const json_node *node, double *value);
bool json_node_bool(const json_node *node, bool *value);

/* A small file with one JSON object; NULL and *error, naming it, when it cannot be read. */
struct json_in *json_in_file(const char *path, struct relud_error *error);

/* Reads a file holding one JSON object of texts, numbers and booleans; calls set(user, key, value as text) for each. */
bool json_in_settings(const char *path,
                      bool (*set)(void *user, const char *key, const char *value,
                                  struct relud_error *error),
                      void *user, struct relud_error *error);

#endif
