/* Reads small JSON documents: the members of a request besides its number array, and the --config
 * file. json_in.c is the only file of server/ that includes cJSON. The library first checks each
 * text strictly, so cJSON's leniency has no effect. */
#ifndef SERVER_BASE_JSON_IN_H
#define SERVER_BASE_JSON_IN_H

#include <relud/relud.h>
#include <stdbool.h>
#include <stddef.h>

/* An open document. For a request it holds all members besides the number array. */
struct json_in;

/* `text` must be JSON that the library has checked, such as the rest that relud_json_read leaves.
 * Returns NULL and sets *error if memory runs out. The caller closes the document. */
struct json_in *json_in_open(const char *text, struct relud_error *error);
void json_in_close(struct json_in *document);

/* In all functions here a member that is null counts as absent. Each of the next functions reads
 * one member. If it is absent, *value stays as it was and the result is true. If it has another
 * type or is out of range, the result is false and *error names it. Strings belong to the
 * document. */
bool json_in_text(struct json_in *document, const char *key, const char **value,
                  struct relud_error *error);
bool json_in_number(struct json_in *document, const char *key, double *value,
                    struct relud_error *error);
bool json_in_count(struct json_in *document, const char *key, size_t min, size_t max, size_t *value,
                   struct relud_error *error);
bool json_in_bool(struct json_in *document, const char *key, bool *value,
                  struct relud_error *error);
/* Reads a number, or an array of 1 to `cap` numbers, each finite as float32. *len is set to how
 * many numbers were read. */
bool json_in_floats(struct json_in *document, const char *key, float *values, size_t cap,
                    size_t *len, struct relud_error *error);
/* True if there is such a member. This does not count as asking for it. */
bool json_in_has(const struct json_in *document, const char *key);

/* Returns false and sets *error if there is a member that none of the calls above asked for.
 * `known` lists the known members for the message. */
bool json_in_end(const struct json_in *document, const char *known, struct relud_error *error);

/* ---- nested values ---- */

typedef struct cJSON json_node;

const json_node *json_in_root(const struct json_in *document);
/* The member of that name, or NULL. json_in_end then knows the name. */
const json_node *json_in_member(struct json_in *document, const char *key);
const json_node *json_node_member(const json_node *object, const char *key);
bool json_node_is_object(const json_node *node);
bool json_node_is_null(const json_node *node);
bool json_node_is_array(const json_node *node);
size_t json_node_count(const json_node *node);           /* elements or members, including nulls */
const json_node *json_node_first(const json_node *node); /* element, or non-null member */
const json_node *json_node_next(const json_node *item);
const char *json_node_name(const json_node *item); /* a member's name; NULL for an element */
const char *json_node_text(const json_node *node); /* NULL if it is not a string */
bool json_node_number(const json_node *node, double *value);
/* Reads a whole number from min to max. Returns false, and leaves *value as it was, for anything
 * else. */
bool json_node_whole(const json_node *node, double min, double max, double *value);
bool json_node_bool(const json_node *node, bool *value);

/* Reads a file of at most 64 KB that holds one JSON object. Returns NULL and sets *error, which
 * names the file, if it cannot be read. */
struct json_in *json_in_file(const char *path, struct relud_error *error);

/* Reads a file of at most 64 KB that holds one JSON object of strings, numbers and booleans. Calls
 * set(user, key, value) for each member; the value is text, a boolean is "on" or "off". Stops when
 * set returns false. Errors name the file. */
bool json_in_settings(const char *path,
                      bool (*set)(void *user, const char *key, const char *value,
                                  struct relud_error *error),
                      void *user, struct relud_error *error);

#endif
