/* Reads words, and missing values, where rows have numbers otherwise. */
#include "core/json/rows_private.h"

#include "core/base/boolean.h"
#include "core/base/json_string.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

bool rows_fail_no_word(const struct rows *rows, const struct relud_words *words)
{
    char text[96];
    if (rows->walk->at == rows->walk->end)
        return rows_fail_end(rows);
    snprintf(text, sizeof text, "stands where a word is wanted, as \"%.*s\"",
             (int)json_string_cut(words->word[0], strlen(words->word[0]), 40), words->word[0]);
    return rows_fail_token(rows, RELUD_BAD_INPUT, text);
}

static bool fail_unknown_word(const struct rows *rows, const struct relud_words *words,
                              const struct json_key *word)
{
    struct json_walk *walk = rows->walk;
    char why[RELUD_WORDS_TEXT_MAX];
    walk->at = word->at - 1;
    return json_fail(walk, RELUD_BAD_INPUT, "%s: %s",
                     rows_path_of(rows, rows->place.index, rows->place.depth).text,
                     relud_words_explain(words, word->at, word->len, why));
}

bool rows_read_word(struct rows *rows, const struct relud_words *words, float *value)
{
    struct json_walk *walk = rows->walk;
    struct json_key word;
    if (walk->at == walk->end || *walk->at != '"')
        return rows_fail_no_word(rows, words);
    if (!rows_walk_name(walk, &word))
        return false;
    size_t index = relud_words_find_json(words, word.at, word.len);
    *value = (float)index;
    return index < words->count || words->takes_unknown || fail_unknown_word(rows, words, &word);
}

/* The feature that the next number is. Where rows have a wrong length the reading fails in any
 * case. */
static size_t next_feature(const struct rows *rows)
{
    const struct relud_json_array *array = rows->array;
    size_t feature = (rows->moved + array->count) % rows->width;
    uint32_t mapped;
    if (!rows->map)
        return rows->first + feature;
    memcpy(&mapped, &rows->map[feature], sizeof mapped);
    return mapped;
}

const struct relud_words *rows_next_words(const struct rows *rows)
{
    return rows->has_words ? rows->array->feature->at[next_feature(rows)].words : NULL;
}

size_t rows_before_word(const struct rows *rows, size_t room)
{
    const struct relud_feature *feature = rows->array->feature->at + rows->first;
    size_t count = room > 0, at = (rows->moved + rows->array->count) % rows->width;
    if (rows->map)
        return count;
    while (count < room && at + count < rows->width && !feature[at + count].words)
        count++;
    return count;
}

bool rows_next_is_boolean(const struct rows *rows)
{
    return rows->has_booleans && relud_is_boolean(rows->array->feature, next_feature(rows));
}

bool rows_read_literal(struct rows *rows, float *value)
{
    struct json_walk *walk = rows->walk;
    size_t left = (size_t)(walk->end - walk->at), len = left && *walk->at == 't' ? 4 : 5;
    if (left < len || memcmp(walk->at, len == 4 ? "true" : "false", len) != 0)
        return false;
    *value = len == 4;
    walk->at += len;
    return true;
}

bool rows_read_boolean(struct rows *rows, float *value)
{
    struct json_walk *walk = rows->walk;
    const char *begin = walk->at;
    struct json_key word;
    if (begin == walk->end || *begin != '"') {
        if (rows_read_literal(rows, value))
            return true;
    } else if (!rows_walk_name(walk, &word)) {
        return false;
    } else if (boolean_read(word.at, word.len, value)) {
        return true;
    }
    walk->at = begin;
    return rows_fail_token(rows, RELUD_BAD_INPUT, "is neither true nor false");
}

bool rows_read_null(struct rows *rows, size_t feature, float *value)
{
    struct json_walk *walk = rows->walk;
    const struct relud_words *words = relud_words_of(rows->array->feature, feature);
    if (!relud_has_imputed(rows->array->feature) || walk->end - walk->at < 4 ||
        memcmp(walk->at, "null", 4) != 0)
        return false;
    if (words && words->missing == RELUD_WORDS_NONE)
        return false;
    walk->at += 4;
    *value = words ? (float)words->missing : NAN;
    rows->array->has_missing |= !words;
    return true;
}

bool rows_read_missing(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    const struct relud_words *words = rows_next_words(rows);
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth != array->rank)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": null where others are arrays");
    if (array->count == array->capacity)
        return rows_fail_number(rows, true);
    if (!rows_read_null(rows, next_feature(rows), &array->values[array->count]))
        return words ? rows_fail_no_word(rows, words) : rows_fail_value(rows);
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth;
    array->count++;
    return true;
}

bool rows_read_string(struct rows *rows)
{
    struct relud_json_array *array = rows->array;
    const struct relud_words *words = rows_next_words(rows);
    bool is_boolean = !rows->is_counted && rows_next_is_boolean(rows);
    array->is_by_name = true;
    if (!words && !is_boolean)
        return rows_fail_value(rows);
    if (!rows->is_counted && rows->place.is_rank_known && rows->place.depth != array->rank)
        return rows_fail_at_path(rows, RELUD_BAD_INPUT, ": a word where others are arrays");
    if (array->count == array->capacity)
        return rows_fail_number(rows, true);
    float *value = &array->values[array->count];
    if (!(is_boolean ? rows_read_boolean(rows, value) : rows_read_word(rows, words, value)))
        return false;
    rows->place.is_rank_known = true;
    array->rank = rows->place.depth;
    array->count++;
    return true;
}
