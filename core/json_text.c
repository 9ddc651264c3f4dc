#include "core/json_text.h"

#include "core/decimal.h"
#include <relud/text.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool json_fail(const struct json_walk *walk, enum relud_code code, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX - 32];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    size_t offset = (size_t)(walk->at - walk->begin);
    relud_fail(walk->error, code, "%s at byte %zu", words, offset);
    if (walk->error)
        walk->error->offset = offset;
    return false;
}

static bool fail_end(const struct json_walk *walk)
{
    return json_fail(walk, RELUD_BAD_JSON, "the text ends too early");
}

/* ---- strings ---- */

/* The length of a well-formed UTF-8 sequence (RFC 3629 §4), 0 for anything else. */
static size_t utf8_len(const unsigned char *at, size_t left)
{
    unsigned char a = at[0];
    size_t len = a < 0x80                ? 1
                 : a >= 0xc2 && a < 0xe0 ? 2
                 : a >= 0xe0 && a < 0xf0 ? 3
                 : a >= 0xf0 && a < 0xf5 ? 4
                                         : 0;
    if (len == 0 || len > left)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    if ((a == 0xe0 && at[1] < 0xa0) || (a == 0xed && at[1] > 0x9f) || (a == 0xf0 && at[1] < 0x90) ||
        (a == 0xf4 && at[1] > 0x8f))
        return 0;
    return len;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u; -1 when they are not. */
static int hex4(const char *at, const char *end)
{
    int value = 0;
    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_value(at[i]);
        if (digit < 0)
            return -1;
        value = value * 16 + digit;
    }
    return value;
}

static bool walk_escape(struct json_walk *walk)
{
    if (walk->end - walk->at < 2)
        return fail_end(walk);
    if (walk->at[1] != 'u') {
        if (!strchr("\"\\/bfnrt", walk->at[1]) || walk->at[1] == '\0')
            return json_fail(walk, RELUD_BAD_JSON, "an escape that JSON does not have");
        walk->at += 2;
        return true;
    }
    int unit = hex4(walk->at + 2, walk->end);
    if (unit < 0)
        return json_fail(walk, RELUD_BAD_JSON, "\\u without four hexadecimal digits");
    if (unit == 0)
        return json_fail(walk, RELUD_BAD_JSON, "\\u0000 is not taken");
    bool is_high = unit >= 0xd800 && unit < 0xdc00, is_low = unit >= 0xdc00 && unit < 0xe000;
    if (is_high) {
        int low = walk->end - walk->at >= 12 && walk->at[6] == '\\' && walk->at[7] == 'u'
                      ? hex4(walk->at + 8, walk->end)
                      : -1;
        if (low < 0xdc00 || low > 0xdfff)
            return json_fail(walk, RELUD_BAD_JSON, "half a surrogate pair");
        walk->at += 6;
    } else if (is_low) {
        return json_fail(walk, RELUD_BAD_JSON, "half a surrogate pair");
    }
    walk->at += 6;
    return true;
}

bool json_walk_string(struct json_walk *walk, struct json_key *inside)
{
    if (walk->at == walk->end)
        return fail_end(walk);
    if (*walk->at != '"')
        return json_fail(walk, RELUD_BAD_JSON, "a string is wanted");
    walk->at++;
    const char *first = walk->at;
    while (walk->at < walk->end && *walk->at != '"') {
        unsigned char c = (unsigned char)*walk->at;
        if (c == '\\') {
            if (!walk_escape(walk))
                return false;
            continue;
        }
        if (c < 0x20)
            return json_fail(walk, RELUD_BAD_JSON, "a raw control character in a string");
        size_t len = utf8_len((const unsigned char *)walk->at, (size_t)(walk->end - walk->at));
        if (len == 0)
            return json_fail(walk, RELUD_BAD_JSON, "a byte that is not UTF-8");
        walk->at += len;
    }
    if (walk->at == walk->end)
        return fail_end(walk);
    if (inside)
        *inside = (struct json_key){first, (size_t)(walk->at - first)};
    walk->at++;
    return true;
}

/* ---- names ---- */

/* The next character of a checked string, escapes resolved; UTF-16 pairs and UTF-8 both give the code point. */
static uint32_t next_char(const char **at, const char *end)
{
    const unsigned char *s = (const unsigned char *)*at;
    if (*s != '\\') {
        size_t len = utf8_len(s, (size_t)(end - *at));
        *at += len;
        uint32_t code = len == 1 ? s[0] : s[0] & (0xffu >> (len + 1));
        for (size_t i = 1; i < len; i++)
            code = code << 6 | (s[i] & 0x3f);
        return code;
    }
    *at += 2;
    if (s[1] == 'u') {
        uint32_t unit = (uint32_t)hex4((const char *)s + 2, end);
        *at += 4;
        if (unit < 0xd800 || unit >= 0xdc00)
            return unit;
        *at += 6;
        return 0x10000 + ((unit - 0xd800) << 10) +
               ((uint32_t)hex4((const char *)s + 8, end) - 0xdc00);
    }
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *found = strchr(from, s[1]);
    return found ? (uint32_t)to[found - from] : s[1];
}

static int compare_keys(const void *left, const void *right)
{
    const struct json_key *a = left, *b = right;
    const char *at_a = a->at, *at_b = b->at, *end_a = a->at + a->len, *end_b = b->at + b->len;
    while (at_a < end_a && at_b < end_b) {
        uint32_t one = next_char(&at_a, end_a), other = next_char(&at_b, end_b);
        if (one != other)
            return one < other ? -1 : 1;
    }
    return (at_a < end_a) - (at_b < end_b);
}

bool json_key_is(const struct json_key *key, const char *name)
{
    size_t len = strlen(name);
    if (key->len == len && memcmp(key->at, name, len) == 0)
        return true;
    if (!memchr(key->at, '\\', key->len))
        return false;
    struct json_key plain = {name, len};
    return compare_keys(key, &plain) == 0;
}

static bool note_key(struct json_walk *walk, const struct json_key *key)
{
    struct json_keys *keys = &walk->keys;
    if (keys->len == keys->cap) {
        size_t cap = 2 * keys->cap;
        struct json_key *grown = keys->is_heap ? realloc(keys->key, cap * sizeof *grown) : NULL;
        if (!grown)
            return json_fail(walk, keys->is_heap ? RELUD_NO_MEMORY : RELUD_TOO_LARGE,
                             "more than %zu members", keys->cap);
        keys->key = grown;
        keys->cap = cap;
    }
    keys->key[keys->len++] = *key;
    return true;
}

/* The names from `first` on are one object's: sorted, equal ones are neighbours. */
static bool check_keys(struct json_walk *walk, size_t first)
{
    struct json_key *key = walk->keys.key + first;
    size_t len = walk->keys.len - first;
    walk->keys.len = first;
    if (len > 1)
        qsort(key, len, sizeof *key, compare_keys);
    for (size_t i = 1; i < len; i++)
        if (compare_keys(&key[i - 1], &key[i]) == 0) {
            walk->at = key[i].at > key[i - 1].at ? key[i].at : key[i - 1].at;
            return json_fail(walk, RELUD_BAD_JSON, "member \"%.*s\" stands twice",
                             (int)(key[i].len < 60 ? key[i].len : 60), key[i].at);
        }
    return true;
}

/* ---- values ---- */

static bool walk_word(struct json_walk *walk, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(walk->end - walk->at) < len || memcmp(walk->at, word, len) != 0)
        return json_fail(walk, RELUD_BAD_JSON, "a value is wanted");
    walk->at += len;
    return true;
}

static bool walk_number(struct json_walk *walk)
{
    float ignored;
    const char *behind = decimal_read(walk->at, walk->end, &ignored);
    if (!behind || (behind < walk->end && strchr("0123456789.+-eE", *behind) && *behind))
        return json_fail(walk, RELUD_BAD_JSON, "not a JSON number");
    walk->at = behind;
    return true;
}

static bool enter(struct json_walk *walk)
{
    if (walk->depth == walk->depth_max)
        return json_fail(walk, RELUD_BAD_JSON, "nested deeper than %d levels",
                         RELUD_JSON_DEPTH_MAX);
    walk->depth++;
    walk->at++;
    json_skip_blanks(walk);
    return walk->at < walk->end || fail_end(walk);
}

static bool walk_array(struct json_walk *walk)
{
    if (!enter(walk))
        return false;
    bool is_empty = *walk->at == ']';
    while (!is_empty) {
        if (!json_walk_value(walk))
            return false;
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return fail_end(walk);
        if (*walk->at == ']')
            break;
        if (*walk->at != ',')
            return json_fail(walk, RELUD_BAD_JSON, "a comma or ] is wanted");
        walk->at++;
        json_skip_blanks(walk);
    }
    walk->at++;
    walk->depth--;
    return true;
}

bool json_walk_object(struct json_walk *walk,
                      bool (*member)(struct json_walk *walk, const struct json_key *name,
                                     void *user),
                      void *user)
{
    size_t first_key = walk->keys.len;
    if (!enter(walk))
        return false;
    bool is_empty = *walk->at == '}';
    while (!is_empty) {
        struct json_key name;
        if (!json_walk_string(walk, &name) || !note_key(walk, &name))
            return false;
        json_skip_blanks(walk);
        if (walk->at == walk->end || *walk->at != ':')
            return walk->at == walk->end ? fail_end(walk)
                                         : json_fail(walk, RELUD_BAD_JSON, "a colon is wanted");
        walk->at++;
        json_skip_blanks(walk);
        if (!(member ? member(walk, &name, user) : json_walk_value(walk)))
            return false;
        json_skip_blanks(walk);
        if (walk->at == walk->end)
            return fail_end(walk);
        if (*walk->at == '}')
            break;
        if (*walk->at != ',')
            return json_fail(walk, RELUD_BAD_JSON, "a comma or } is wanted");
        walk->at++;
        json_skip_blanks(walk);
    }
    walk->at++;
    walk->depth--;
    return check_keys(walk, first_key);
}

bool json_walk_value(struct json_walk *walk)
{
    if (walk->at == walk->end)
        return fail_end(walk);
    switch (*walk->at) {
    case '{':
        return json_walk_object(walk, NULL, NULL);
    case '[':
        return walk_array(walk);
    case '"':
        return json_walk_string(walk, NULL);
    case 't':
        return walk_word(walk, "true");
    case 'f':
        return walk_word(walk, "false");
    case 'n':
        return walk_word(walk, "null");
    default:
        return walk_number(walk);
    }
}

bool json_walk_end(struct json_walk *walk)
{
    json_skip_blanks(walk);
    return walk->at == walk->end ||
           json_fail(walk, RELUD_BAD_JSON, "more text behind the end of the JSON value");
}

bool relud_json_check(const char *text, size_t len, struct relud_error *error)
{
    enum { KEYS_FIRST = 64 };
    struct json_walk walk = {.begin = text,
                             .at = text,
                             .end = text + len,
                             .depth_max = RELUD_JSON_DEPTH_MAX + 1,
                             .error = error};
    walk.keys = (struct json_keys){
        .key = malloc(KEYS_FIRST * sizeof *walk.keys.key), .cap = KEYS_FIRST, .is_heap = true};
    if (!walk.keys.key)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    json_skip_blanks(&walk);
    bool is_right = json_walk_value(&walk) && json_walk_end(&walk);
    free(walk.keys.key);
    return is_right;
}

size_t relud_json_string(const char *text, size_t len, char *out)
{
    static const char names[] = "\"\\\b\f\n\r\t", escapes[] = "\"\\bfnrt",
                      hex[] = "0123456789abcdef";
    char *at = out;
    *at++ = '"';
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)text[i];
        size_t unit = utf8_len((const unsigned char *)text + i, len - i);
        const char *name = c ? strchr(names, c) : NULL;
        if (unit == 0) { /* U+FFFD */
            memcpy(at, "\xef\xbf\xbd", 3);
            at += 3;
            unit = 1;
        } else if (name) {
            *at++ = '\\';
            *at++ = escapes[name - names];
        } else if (c < 0x20 || c == 0x7f) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4];
            at[5] = hex[c & 15];
            at += 6;
        } else {
            memcpy(at, text + i, unit);
            at += unit;
        }
        i += unit;
    }
    *at++ = '"';
    return (size_t)(at - out);
}
