/* API keys: who may ask for what. The file holds a line a key, `LABEL SCOPES sha256:HEX`, scopes being infer, admin and metrics
 * with commas between them, # beginning a comment; of a key itself only the hash is known here. A set of keys never
 * changes; reloading puts another in its place. */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include <relud/error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum key_scope { KEY_INFER = 1, KEY_ADMIN = 2, KEY_METRICS = 4 };

struct keys;

struct keyring {
    const char *path;            /* NULL: no keys are asked for */
    _Atomic(struct keys *) keys; /* what counts now; older ones live until keyring_free */
};

/* False and *error, naming the line, when the file cannot be read or says something wrong; the keys stay as they were. */
bool keyring_load(struct keyring *ring, struct relud_error *error);
void keyring_free(struct keyring *ring);

/* What the key token[len] may do; 0 when there is no such key. Takes as long for any token of this length. */
unsigned keyring_scopes(const struct keyring *ring, const char *token, size_t len);

/* bytes → keys, for the tests; NULL and *error as above. */
struct keys *keys_parse(const char *text, size_t len, const char *name, struct relud_error *error);
void keys_free(struct keys *keys);

#endif
