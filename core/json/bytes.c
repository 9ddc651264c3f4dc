/* Reads {"b64": "…"}, little-endian float32 numbers in base64 (RFC 4648 §4), in place of an
 * array of numbers. */
#include "core/json/rows_private.h"

#include "core/base/json_string.h"
#include "core/base/watch.h"

#include <relud/data.h>
#include <stdint.h>
#include <string.h>

bool json_has_first(const struct rows *rows, const char *name)
{
    struct json_walk ahead = *rows->walk;
    struct json_key key;
    struct relud_error ignored;
    ahead.error = &ignored;
    ahead.at++;
    json_skip_blanks(&ahead);
    return name && rows_walk_name(&ahead, &key) &&
           json_string_compare_text(key.at, key.len, name, strlen(name)) == 0;
}

bool json_is_bytes(const struct rows *rows)
{
    return json_has_first(rows, "b64");
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Decodes text[len] into array->values after the numbers read so far, and sets *count; array->count
 * stays as it is. Returns false with an error if the text holds no number, part of one, or one that
 * is not finite. */
static bool decode_bytes(const struct rows *rows, const char *text, size_t len, size_t *count)
{
    struct relud_json_array *array = rows->array;
    unsigned char number[4];
    size_t bytes = 0, digits = 0;
    uint32_t bits = 0;
    *count = 0;
    while (len && text[len - 1] == '=')
        len--;
    for (size_t i = 0; i < len; i++) {
        if (i % ROWS_LONG_BYTES == ROWS_LONG_BYTES - 1 && !watch_go_on(rows->watch))
            return rows_fail_ended(rows);
        /* Some clients write a slash as "\/". text[i + 1] can be read, because a quote follows the
         * text. */
        if (text[i] == '\\' && text[i + 1] == '/')
            continue;
        int value = base64_value(text[i]);
        if (value < 0)
            return rows_fail_at_path(rows, RELUD_BAD_INPUT, ".b64 is not base64");
        bits = bits << 6 | (uint32_t)value;
        if (++digits % 4 == 1)
            continue;
        number[bytes++ % 4] = (unsigned char)(bits >> (6 - 2 * ((digits - 1) % 4)));
        if (bytes % 4)
            continue;
        if (array->count + *count == array->capacity)
            return rows_fail_number(rows, true);
        float *slot = &array->values[array->count + (*count)++];
        relud_dtype_read(RELUD_FP32, number, 1, slot);
        if (relud_has_imputed(array->feature) && *slot != *slot)
            array->has_missing = true;
        else if (*slot - *slot != 0)
            return rows_fail_at_path(rows, RELUD_NOT_FINITE,
                                     ".b64 holds a number that is not finite");
    }
    if (bytes == 0 || bytes % 4 != 0)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT,
                                 ".b64 is not float32 numbers of 4 bytes each");
    return true;
}

/* Like json_walk_string, but only looks for the closing quote. decode_bytes checks the text itself
 * and refuses every character that is not base64's. */
static bool find_text(struct json_walk *walk, struct json_key *text)
{
    const char *first = walk->at + 1, *quote = NULL;
    if (walk->at < walk->end && *walk->at == '"')
        quote = memchr(first, '"', (size_t)(walk->end - first));
    if (!quote)
        return json_walk_string(walk, text);
    *text = (struct json_key){first, (size_t)(quote - first)};
    walk->at = quote + 1;
    return true;
}

bool json_read_bytes(struct rows *rows)
{
    struct json_walk *walk = rows->walk;
    struct relud_json_array *array = rows->array;
    struct json_key key, text;
    size_t count;
    if (rows->place.is_rank_known && array->rank != rows->place.depth + 1)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT,
                                 ": bytes where others are nested otherwise");
    if (array->feature && array->feature->has_words)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": bytes where words are wanted");
    walk->at++;
    json_skip_blanks(walk);
    rows_walk_name(walk, &key); /* cannot fail: json_is_bytes has read "b64" here */
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != ':')
        return rows_fail_token(rows, RELUD_BAD_JSON, "stands where a colon is wanted");
    walk->at++;
    json_skip_blanks(walk);
    if (!find_text(walk, &text) || !decode_bytes(rows, text.at, text.len, &count))
        return false;
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth + 1;
    if (rows->place.is_shape_known[rows->place.depth] && array->shape[rows->place.depth] != count)
        return rows_fail_length(rows, rows->place.depth, count);
    rows->place.is_shape_known[rows->place.depth] = true;
    array->shape[rows->place.depth] = count;
    array->count += count;
    json_skip_blanks(walk);
    if (walk->at == walk->end || *walk->at != '}')
        return rows_fail_token(rows, RELUD_BAD_INPUT, "stands behind \"b64\", where } is wanted");
    walk->at++;
    return true;
}
