#include "server/base/keys.h"

#include <gnutls/crypto.h>
#include <pthread.h>
#include <relud/relud.h>
#include <stdlib.h>
#include <string.h>

enum { HASH_BYTES = 32, KEYS_MAX = 4096, FILE_BYTES_MAX = 1 << 20 };

struct key {
    unsigned char hash[HASH_BYTES];
    unsigned scopes;
    char label[KEY_LABEL_BYTES];
};

struct keys {
    _Atomic size_t references;
    size_t len, cap;
    struct key key[]; /* [cap]; the first len are filled in */
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

/* Reads one line, whose comment is already cut off. An empty line adds no key. Errors never quote
 * the line, because someone may have put a plain key into it. */
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
    if (!hash || strtok_r(NULL, blanks, &rest) || strlen(label) >= KEY_LABEL_BYTES)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%s: line %zu: a line has the form LABEL SCOPES sha256:HEX", name,
                          number);
    memcpy(key->label, label, strlen(label) + 1);
    key->scopes = read_scopes(scopes);
    if (!key->scopes)
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%s: line %zu: the scopes are infer, admin and metrics", name, number);
    if (!read_hash(hash, key->hash))
        return relud_fail(error, RELUD_BAD_INPUT,
                          "%s: line %zu: sha256: and 64 hexadecimal digits are wanted", name,
                          number);
    keys->len++;
    return true;
}

static void keys_free(struct keys *keys)
{
    if (keys)
        explicit_bzero(keys->key, keys->cap * sizeof *keys->key);
    free(keys);
}

static size_t count_lines(const char *text, size_t len)
{
    size_t lines = 1;
    for (size_t i = 0; i < len; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Reads all lines of `text`, and changes it while doing so. */
static bool read_lines(struct keys *keys, char *text, const char *name, struct relud_error *error)
{
    size_t number = 0;
    for (char *line = text, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        line[strcspn(line, "#")] = '\0';
        if (!read_line(keys, line, name, ++number, error))
            return false;
        if (keys->len > KEYS_MAX)
            return relud_fail(error, RELUD_TOO_LARGE, "%s: more than %d keys", name, KEYS_MAX);
    }
    return keys->len > 0 || relud_fail(error, RELUD_BAD_INPUT, "%s: there is no key in it", name);
}

struct keys *keys_parse(const char *text, size_t len, const char *name, struct relud_error *error)
{
    size_t mark = relud_text_mark(text, len);
    text += mark, len -= mark;
    if (relud_text_is_utf16(text, len)) {
        relud_fail(error, RELUD_BAD_INPUT, "%s: UTF-16 text (save it as UTF-8)", name);
        return NULL;
    }
    size_t lines = count_lines(text, len), cap = lines <= KEYS_MAX ? lines : KEYS_MAX + 1;
    struct keys *keys = calloc(1, sizeof *keys + cap * sizeof *keys->key);
    char *copy = malloc(len + 1);
    bool is_read = keys && copy;
    if (!is_read)
        relud_fail(error, RELUD_NO_MEMORY, "%s: out of memory", name);
    if (is_read) {
        keys->references = 1;
        keys->cap = cap;
        memcpy(copy, text, len);
        copy[len] = '\0';
        is_read = read_lines(keys, copy, name, error);
    }
    if (copy)
        explicit_bzero(copy, len);
    free(copy);
    if (is_read)
        return keys;
    keys_free(keys);
    return NULL;
}

void keys_release(struct keys *keys)
{
    if (keys && --keys->references == 0)
        keys_free(keys);
}

/* ---- the ring ---- */

/* Held while a reference to the newest set is taken, and while the set is replaced: otherwise the
 * set could be freed between the two steps of taking it. A worker locks it only once for each new
 * set. */
static pthread_mutex_t pointer_lock = PTHREAD_MUTEX_INITIALIZER;

/* Makes `keys`, which may be NULL, the newest set. */
static void put_newest(struct keyring *ring, struct keys *keys)
{
    pthread_mutex_lock(&pointer_lock);
    struct keys *old = ring->newest;
    ring->newest = keys;
    pthread_mutex_unlock(&pointer_lock);
    keys_release(old);
}

bool keyring_load(struct keyring *ring, struct relud_error *error)
{
    struct relud_file file;
    if (!relud_file_read(ring->path, FILE_BYTES_MAX, &file, error))
        return false;
    struct keys *keys = keys_parse(file.bytes, file.len, ring->path, error);
    relud_file_wipe(&file);
    if (keys)
        put_newest(ring, keys);
    return keys != NULL;
}

void keyring_free(struct keyring *ring)
{
    put_newest(ring, NULL);
}

struct keys *keyring_take(struct keyring *ring)
{
    pthread_mutex_lock(&pointer_lock);
    struct keys *keys = ring->newest;
    if (keys)
        keys->references++;
    pthread_mutex_unlock(&pointer_lock);
    return keys;
}

bool keys_have(const struct keys *keys, enum key_scope scope)
{
    for (size_t i = 0; keys && i < keys->len; i++)
        if (keys->key[i].scopes & (unsigned)scope)
            return true;
    return false;
}

/* Every hash is compared, and each to its last byte, so the time taken does not show where a token
 * differs from a key. */
unsigned keys_scopes(const struct keys *keys, const char *token, size_t len,
                     char label[KEY_LABEL_BYTES])
{
    unsigned char hash[HASH_BYTES];
    unsigned scopes = 0;
    const struct key *found = NULL;
    if (label)
        label[0] = '\0';
    if (gnutls_hash_fast(GNUTLS_DIG_SHA256, token, len, hash) != 0)
        return 0;
    for (size_t i = 0; keys && i < keys->len; i++) {
        unsigned differ = 0;
        for (size_t k = 0; k < HASH_BYTES; k++)
            differ |= (unsigned)(hash[k] ^ keys->key[i].hash[k]);
        scopes |= differ ? 0 : keys->key[i].scopes;
        found = differ ? found : &keys->key[i];
    }
    explicit_bzero(hash, sizeof hash); /* it may be the hash of a valid key */
    if (found && label)
        memcpy(label, found->label, sizeof found->label);
    return scopes;
}
