/* API keys: which client may use which routes. Each line of the key file has the form `LABEL SCOPES
 * sha256:HEX`. SCOPES is a comma-separated list of infer, admin and metrics. `#` begins a comment.
 * relud knows only the hash of each key.
 *
 * A set of keys never changes. Reloading replaces the whole set, and each worker takes the new one
 * between two turns. */
#ifndef SERVER_BASE_KEYS_H
#define SERVER_BASE_KEYS_H

#include <relud/error.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum { KEY_LABEL_BYTES = 65 };

enum key_scope { KEY_INFER = 1, KEY_ADMIN = 2, KEY_METRICS = 4 };

/* The keys of one reading of the file. The set is reference-counted; the last release clears its
 * hashes and frees it. */
struct keys;

struct keyring {
    const char *path;            /* NULL: clients need no key */
    struct keys *_Atomic newest; /* the set that now applies */
};

/* Reads the file and makes its keys the newest set. Returns false and sets *error, which names the
 * line, if the file cannot be read or is wrong; the keys then stay as they were. Only one thread at
 * a time may call this. */
bool keyring_load(struct keyring *ring, struct relud_error *error);
void keyring_free(struct keyring *ring); /* releases the newest set */

/* The newest set, with a reference that the caller releases; NULL if there is none. Any thread may
 * call this. */
struct keys *keyring_take(struct keyring *ring);
static inline bool keyring_is_newest(const struct keyring *ring, const struct keys *keys)
{
    return atomic_load_explicit(&ring->newest, memory_order_relaxed) == keys;
}

/* The scopes of the key token[len], 0 if there is no such key. The time does not depend on the
 * bytes of the token. `label` may be NULL; otherwise it gets the key's label, or "" if there is no
 * such key. */
unsigned keys_scopes(const struct keys *keys, const char *token, size_t len,
                     char label[KEY_LABEL_BYTES]);
/* True if any key of the set has that scope. `keys` may be NULL. */
bool keys_have(const struct keys *keys, enum key_scope scope);
void keys_release(struct keys *keys); /* NULL is fine */

/* Reads keys from text[len]; `name` stands for the file in errors. Returns NULL and sets *error as
 * keyring_load does. The caller owns one reference. */
struct keys *keys_parse(const char *text, size_t len, const char *name, struct relud_error *error);

#endif
