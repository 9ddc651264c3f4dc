#include "core/json/text.h"

#include "core/base/json_string.h"
#include "core/base/watch.h"
#include "core/decimal/decimal.h"
#include <relud/text.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool json_fail(const struct json_walk *walk, enum relud_code code, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX - 32];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    size_t offset = (size_t)(walk->at - walk->begin);
    relud_fail(walk->error, code, "%s at byte %zu", words, offset);
    if (walk->error)
        walk->error->offset = offset;
    return false;
}

void json_fail_add(const struct json_walk *walk, const char *remark)
{
    struct relud_error *error = walk->error;
    size_t len = error ? strlen(error->text) : 0, remark_len = strlen(remark);
    if (error && len + remark_len < sizeof error->text)
        memcpy(error->text + len, remark, remark_len + 1);
}

static bool fail_end(const struct json_walk *walk)
{
    return json_fail(walk, RELUD_BAD_JSON, "the text ends too early");
}

static bool fail_wanted(const struct json_walk *walk, const char *what)
{
    return walk->at == walk->end ? fail_end(walk)
                                 : json_fail(walk, RELUD_BAD_JSON, "%s is wanted", what);
}

/* ---- member names ---- */

/* Orders names by their characters. Equal names keep the order of the text, because qsort need not
 * be stable. */
static int compare_keys(const void *left, const void *right)
{
    const struct json_key *a = left, *b = right;
    int order = json_string_compare(a->at, a->len, b->at, b->len);
    return order ? order : (a->at > b->at) - (a->at < b->at);
}

static bool note_key(struct json_walk *walk, const struct json_key *key)
{
    struct json_keys *keys = &walk->keys;
    if (keys->len == keys->cap) {
        if (!keys->is_heap)
            return json_fail(walk, RELUD_TOO_LARGE, "more than %zu members", keys->cap);
        struct json_key *grown = realloc(keys->key, 2 * keys->cap * sizeof *grown);
        if (!grown)
            return json_fail(walk, RELUD_NO_MEMORY, "out of memory for %zu members", keys->cap);
        keys->key = grown;
        keys->cap *= 2;
    }
    keys->key[keys->len++] = *key;
    return true;
}

/* Checks the names from `first` on, which belong to one object, for duplicates: sorted, equal names
 * are neighbours. Removes them from the list. */
static bool check_keys(struct json_walk *walk, size_t first)
{
    struct json_key *key = walk->keys.key + first;
    size_t len = walk->keys.len - first;
    walk->keys.len = first;
    if (len > 1)
        qsort(key, len, sizeof *key, compare_keys);
    for (size_t i = 1; i < len; i++)
        if (json_string_compare(key[i - 1].at, key[i - 1].len, key[i].at, key[i].len) == 0) {
            walk->at = key[i].at - 1;
            return json_fail(walk, RELUD_BAD_JSON, "member \"%.*s\" stands twice",
                             (int)json_string_cut(key[i].at, key[i].len, 60), key[i].at);
        }
    return true;
}

/* ---- values ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

void json_skip_some_blanks(struct json_walk *walk)
{
    enum { PIECE = 64 * 1024 };
    const char *begin = walk->at, *at = begin;
    for (; at < walk->end && is_blank(*at); at++)
        if ((at - begin) % PIECE == PIECE - 1 && !watch_go_on(walk->watch)) {
            walk->is_ended = true;
            walk->end = at;
            break;
        }
    walk->at = at;
}

bool json_walk_string(struct json_walk *walk, struct json_key *inside)
{
    if (walk->at == walk->end || *walk->at != '"')
        return fail_wanted(walk, "a string");
    const char *why, *first = walk->at + 1;
    walk->at = json_string_end(first, walk->end, &why);
    if (why)
        return json_fail(walk, RELUD_BAD_JSON, "%s", why);
    *inside = (struct json_key){first, (size_t)(walk->at - first)};
    walk->at++;
    return true;
}

static bool walk_word(struct json_walk *walk, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(walk->end - walk->at) < len || memcmp(walk->at, word, len) != 0)
        return json_fail(walk, RELUD_BAD_JSON, "a value is wanted");
    walk->at += len;
    return true;
}

size_t json_token_len(const char *at, const char *end)
{
    size_t len = 0, most = end - at < 24 ? (size_t)(end - at) : 24;
    while (len < most && at[len] > ' ' && at[len] < 0x7f && !strchr(",]}[{", at[len]))
        len++;
    return len;
}

const char *json_number_fault(const char *at, const char *end)
{
    if (*at == '+')
        return " (plus sign)";
    at += *at == '-';
    const char *digits = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == digits)
        return at < end && *at == '.' ? " (no digit before the point)" : "";
    if (*digits == '0' && at - digits > 1)
        return " (leading zero)";
    if (*at == '.') { /* at < end here: digits up to the end would be a number */
        const char *fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == fraction)
            return " (no digit behind the point)";
    }
    return " (no digit in the exponent)";
}

static bool walk_number(struct json_walk *walk)
{
    float ignored;
    const char *behind = decimal_read(walk->at, walk->end, &ignored);
    if (!behind) {
        fail_wanted(walk, "a value");
        json_fail_add(walk, json_number_fault(walk->at, walk->end));
        return false;
    }
    walk->at = behind;
    return true;
}

/* Walks into an array or object, to its first element or its end. */
static bool enter(struct json_walk *walk)
{
    if (++walk->depth > RELUD_JSON_DEPTH_MAX + 1)
        return json_fail(walk, RELUD_BAD_JSON, "nested deeper than %d levels",
                         RELUD_JSON_DEPTH_MAX);
    walk->at++;
    json_skip_blanks(walk);
    return true;
}

/* After an element: walks over the comma and the blanks around it. Sets *is_over at `close`, and
 * stays there. */
static bool walk_between(struct json_walk *walk, char close, bool *is_over)
{
    json_skip_blanks(walk);
    *is_over = walk->at < walk->end && *walk->at == close;
    if (*is_over)
        return true;
    if (walk->at == walk->end || *walk->at != ',')
        return fail_wanted(walk, close == ']' ? "a comma or ]" : "a comma or }");
    walk->at++;
    json_skip_blanks(walk);
    return true;
}

bool json_walk_array(struct json_walk *walk, bool (*element)(struct json_walk *, void *),
                     void *user)
{
    enum { ELEMENTS = 2048 };
    if (!enter(walk))
        return false;
    bool is_over = walk->at < walk->end && *walk->at == ']';
    for (size_t i = 1; !is_over; i++) {
        if (!(element ? element(walk, user) : json_walk_value(walk)) ||
            !walk_between(walk, ']', &is_over))
            return false;
        if (i % ELEMENTS == 0 && !watch_go_on(walk->watch))
            return json_fail(walk, RELUD_IO, "the text is not wanted any more");
    }
    walk->at++;
    walk->depth--;
    return true;
}

bool json_walk_object(struct json_walk *walk, json_member_fn *member, void *user)
{
    size_t first_key = walk->keys.len;
    if (!enter(walk))
        return false;
    bool is_over = walk->at < walk->end && *walk->at == '}';
    while (!is_over) {
        struct json_key name;
        if (!json_walk_string(walk, &name) || !note_key(walk, &name))
            return false;
        json_skip_blanks(walk);
        if (walk->at == walk->end || *walk->at != ':')
            return fail_wanted(walk, "a colon");
        walk->at++;
        json_skip_blanks(walk);
        if (!(member ? member(walk, &name, user) : json_walk_value(walk)) ||
            !walk_between(walk, '}', &is_over))
            return false;
    }
    walk->at++;
    walk->depth--;
    return check_keys(walk, first_key);
}

bool json_walk_value(struct json_walk *walk)
{
    struct json_key ignored;
    if (walk->at == walk->end)
        return fail_end(walk);
    switch (*walk->at) {
    case '{':
        return json_walk_object(walk, NULL, NULL);
    case '[':
        return json_walk_array(walk, NULL, NULL);
    case '"':
        return json_walk_string(walk, &ignored);
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

size_t relud_text_mark(const char *text, size_t len)
{
    return len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

bool relud_text_is_utf16(const char *text, size_t len)
{
    return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

bool json_walk_text(struct json_walk *walk, const char *key, json_member_fn *member, void *user)
{
    size_t len = (size_t)(walk->end - walk->at);
    const char *mark = relud_text_mark(walk->at, len)       ? " (not a byte order mark)"
                       : relud_text_is_utf16(walk->at, len) ? " (in UTF-8, not UTF-16)"
                                                            : "";
    if (!*mark)
        json_skip_blanks(walk);
    if (member ? walk->at == walk->end || *walk->at != '{' : *mark != '\0') {
        if (member)
            json_fail(walk, RELUD_BAD_JSON, "a JSON object {\"%s\": …} is wanted", key);
        else
            json_fail(walk, RELUD_BAD_JSON, "a JSON value is wanted");
        json_fail_add(walk, mark);
        return false;
    }
    if (!(member ? json_walk_object(walk, member, user) : json_walk_value(walk)))
        return false;
    json_skip_blanks(walk);
    if (walk->at < walk->end)
        return json_fail(walk, RELUD_BAD_JSON, "more text behind the end of the JSON value");
    return true;
}

bool relud_json_check(const char *text, size_t len, struct relud_error *error)
{
    enum { KEYS_FIRST = 64 };
    struct json_key *keys = malloc(KEYS_FIRST * sizeof *keys);
    if (!keys)
        return relud_fail(error, RELUD_NO_MEMORY, "out of memory");
    struct json_walk walk = {.begin = text,
                             .at = text,
                             .end = text + len,
                             .error = error,
                             .keys = {.key = keys, .cap = KEYS_FIRST, .is_heap = true}};
    bool is_right = json_walk_text(&walk, NULL, NULL, NULL);
    free(walk.keys.key);
    return is_right;
}
