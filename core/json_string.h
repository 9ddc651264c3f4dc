/* JSON strings: checking them, comparing them as member names, writing them. Knows nothing of what is around them. */
#ifndef CORE_JSON_STRING_H
#define CORE_JSON_STRING_H

#include <stddef.h>

/* Walks a string from behind its opening quote, never beyond end. Returns its closing quote with *why NULL, or the byte
 * where it goes wrong with *why in words: escapes and UTF-8 that are none, raw control characters, \u0000, an end that
 * comes too early. */
const char *json_string_end(const char *at, const char *end, const char **why);

/* Compares the insides of two strings that json_string_end has passed, character by character, however those are
 * escaped; less, equal, greater as memcmp. */
int json_string_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* How many of the first `len` bytes to take so that no UTF-8 character is cut; at most `most`. */
size_t json_string_cut(const char *at, size_t len, size_t most);

/* The length of the well-formed UTF-8 sequence at `text`, of which `left` bytes are there, at least 1 (RFC 3629 §4: no
 * overlong forms, no surrogates, nothing above U+10FFFF); 0 for anything else. */
size_t utf8_len(const char *text, size_t left);

#endif
