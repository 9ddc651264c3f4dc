#include "server/keys.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 32, KEYS_MAX = 4096, FILE_BYTES_MAX = 1 << 20, LABEL_BYTES_MAX = 64 };

struct key {
    unsigned char hash[HASH_BYTES];
    unsigned scopes;
};

struct keys {
    struct keys *older;
    size_t len;
    struct key *key;
};

/* ---- the file ---- */

static int hex(char c)
{
    const char *digits = "0123456789abcdef", *found = c ? strchr(digits, c) : NULL;
    return found ? (int)(found - digits) : -1;
}

static bool read_hash(const char *text, unsigned char hash[HASH_BYTES])
{
    static const char head[] = "sha256:";
    if (strncmp(text, head, sizeof head - 1) != 0)
        return false;
    text += sizeof head - 1;
    for (size_t i = 0; i < HASH_BYTES; i++) {
        int high = hex(text[2 * i]), low = high < 0 ? -1 : hex(text[2 * i + 1]);
        if (low < 0)
            return false;
        hash[i] = (unsigned char)(16 * high + low);
    }
    return text[(size_t)2 * HASH_BYTES] == '\0';
}

static unsigned read_scopes(char *text)
{
    static const struct {
        const char *name;
        unsigned scope;
    } all[] = {{"infer", KEY_INFER}, {"admin", KEY_ADMIN}, {"metrics", KEY_METRICS}};
    unsigned scopes = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
        unsigned scope = 0;
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            scope |= strcmp(all[i].name, word) == 0 ? all[i].scope : 0;
        if (!scope)
            return 0;
        scopes |= scope;
    }
    return scopes;
}

/* One line without its comment; an empty one adds nothing. Never shows what may be a key by mistake. */
static bool read_line(struct keys *keys, char *line, const char *name, size_t number,
                      struct relud_error *error)
{
    static const char blanks[] = " \t\r";
    char *rest = NULL, *label = strtok_r(line, blanks, &rest), *scopes, *hash;
    if (!label)
        return true;
    scopes = strtok_r(NULL, blanks, &rest);
    hash = strtok_r(NULL, blanks, &rest);
    struct key *key = &keys->key[keys->len];
    if (!hash || strtok_r(NULL, blanks, &rest) || strlen(label) > LABEL_BYTES_MAX)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%.120s: line %zu: LABEL SCOPES sha256:HEX is wanted", name, number);
    key->scopes = read_scopes(scopes);
    if (!key->scopes)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%.120s: line %zu: the scopes are infer, admin and metrics", name,
                          number);
    if (!read_hash(hash, key->hash))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%.120s: line %zu: sha256: and 64 hexadecimal digits are wanted", name,
                          number);
    keys->len++;
    return true;
}

struct keys *keys_parse(const char *text, size_t len, const char *name, struct relud_error *error)
{
    struct keys *keys = calloc(1, sizeof *keys);
    char *copy = malloc(len + 1);
    bool is_read = keys && copy && (keys->key = calloc(KEYS_MAX + 1, sizeof *keys->key));
    if (!is_read)
        relud_fail(error, RELUD_NO_MEMORY, "%.120s: out of memory", name);
    size_t number = 0;
    if (copy) {
        memcpy(copy, text, len);
        copy[len] = '\0';
    }
    for (char *line = copy, *next; is_read && line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "#")] = '\0';
        is_read = read_line(keys, line, name, ++number, error);
        if (keys->len > KEYS_MAX)
            is_read =
                relud_fail(error, RELUD_TOO_LARGE, "%.120s: more than %d keys", name, KEYS_MAX);
    }
    if (is_read && keys->len == 0)
        is_read = relud_fail(error, RELUD_BAD_INPUT, "%.120s: there is no key in it", name);
    free(copy);
    if (!is_read) {
        keys_free(keys);
        return NULL;
    }
    return keys;
}

void keys_free(struct keys *keys)
{
    if (keys)
        free(keys->key);
    free(keys);
}

/* ---- the ring ---- */

bool keyring_load(struct keyring *ring, struct relud_error *error)
{
    static char text[FILE_BYTES_MAX]; /* the main thread alone loads */
    FILE *file = fopen(ring->path, "rb");
    if (!file)
        return relud_fail(error, RELUD_IO, "%.150s: %s", ring->path, strerror(errno));
    size_t len = fread(text, 1, sizeof text, file);
    bool is_whole = !ferror(file) && len < sizeof text;
    fclose(file);
    if (!is_whole)
        return relud_fail(error, RELUD_IO, "%.150s: it cannot be read, or is over %d bytes",
                          ring->path, FILE_BYTES_MAX);
    struct keys *keys = keys_parse(text, len, ring->path, error);
    if (!keys)
        return false;
    keys->older = atomic_load(&ring->keys);
    atomic_store(&ring->keys, keys);
    return true;
}

void keyring_free(struct keyring *ring)
{
    for (struct keys *keys = atomic_load(&ring->keys); keys;) {
        struct keys *older = keys->older;
        keys_free(keys);
        keys = older;
    }
    atomic_store(&ring->keys, NULL);
}

/* The hashes are compared whole, and all of them: nothing of where a token goes wrong shows in the time. */
unsigned keyring_scopes(const struct keyring *ring, const char *token, size_t len)
{
    const struct keys *keys = atomic_load(&ring->keys);
    unsigned char hash[HASH_BYTES];
    unsigned scopes = 0;
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, len, hash) != 0)
        return 0;
    for (size_t i = 0; keys && i < keys->len; i++) {
        unsigned differ = 0;
        for (size_t k = 0; k < HASH_BYTES; k++)
            differ |= (unsigned)(hash[k] ^ keys->key[i].hash[k]);
        scopes |= differ ? 0 : keys->key[i].scopes;
    }
    return scopes;
}
