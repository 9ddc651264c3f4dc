#include "core/format/json_reader.h"

#include <math.h>
#include <relud/guess.h>
#include <relud/relud.h>
#include <stdarg.h>
#include <string.h>

bool json_reader_fail(const struct json_reader *reader, const char *format, ...)
{
    char words[RELUD_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    relud_vline(words, sizeof words, format, args);
    va_end(args);
    return relud_fail(reader->error, RELUD_BAD_MODEL, "%s: %s", reader->name, words);
}

bool json_check_keys(const struct json_reader *reader, const json_node *object, const char *place,
                     const char *const *known)
{
    for (const json_node *at = json_first(object); at; at = json_next(at)) {
        bool is_known = false;
        struct relud_guess guess = {.word = json_key_of(at)};
        char guessed[RELUD_GUESS_TEXT_MAX];
        for (size_t i = 0; known[i]; i++) {
            is_known |= strcmp(known[i], json_key_of(at)) == 0;
            relud_guess_offer(&guess, known[i]);
        }
        if (!is_known)
            return json_reader_fail(reader, "unknown key '%s%s'%s", place, json_key_of(at),
                                    relud_guess_text(&guess, place, guessed));
    }
    return true;
}

bool json_get_text(const struct json_reader *reader, const json_node *object, const char *place,
                   const char *key, const char **value)
{
    const json_node *node = json_member(object, key);
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_TEXT)
        return json_reader_fail(reader, "%s%s must be a string", place, key);
    if (!json_text_is_whole(json_text_of(node)))
        return json_reader_fail(reader, "%s%s must not hold \\u0000 or half of a surrogate pair",
                                place, key);
    *value = arena_copy_text(reader->arena, json_text_of(node), strlen(json_text_of(node)));
    return *value || relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
}

bool json_get_number(const struct json_reader *reader, const json_node *object, const char *place,
                     const char *key, double *value)
{
    const json_node *node = json_member(object, key);
    if (!node)
        return true;
    if (json_kind_of(node) != JSON_NUMBER || !isfinite((float)json_number_of(node)))
        return json_reader_fail(reader, "%s%s must be a number that float32 can hold", place, key);
    *value = json_number_of(node);
    return true;
}

const char *json_copy_text(const struct json_reader *reader, const json_node *node)
{
    const char *text = json_text_of(node);
    char *copy = arena_copy_text(reader->arena, text, strlen(text));
    if (!copy)
        json_no_memory(reader);
    return copy;
}

bool json_no_memory(const struct json_reader *reader)
{
    return relud_fail(reader->error, RELUD_NO_MEMORY, "%s: out of memory", reader->name);
}
