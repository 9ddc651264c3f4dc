/* Checks JSON strings, compares them as member names, and cuts them. These functions know nothing
 * of the document around the string. relud_json_string (relud/text.h) writes them. */
#ifndef CORE_BASE_JSON_STRING_H
#define CORE_BASE_JSON_STRING_H

#include <stddef.h>
#include <stdint.h>

/* Checks a string from the byte after its opening quote; never reads at or beyond `end`. Returns
 * the closing quote and sets *why to NULL. On failure returns the byte where the string goes wrong
 * and sets *why to a static text: a bad escape, \u0000, a byte that is not UTF-8, a raw control
 * character, or a text that ends too early. */
const char *json_string_end(const char *at, const char *end, const char **why);

/* Compares the contents of two strings that json_string_end has accepted, code point by code point;
 * escapes are decoded first. Returns less than, equal to or greater than 0, like memcmp. */
int json_string_compare(const char *a, size_t a_len, const char *b, size_t b_len);

/* Compares the contents of such a string with text[text_len], which is UTF-8 without escapes. */
int json_string_compare_text(const char *a, size_t a_len, const char *text, size_t text_len);

enum { UTF8_BYTES_MAX = 4 }; /* of a character */

/* Decodes the next character of such a string, moves *at past it, and writes it as UTF-8. Returns
 * its length, at most UTF8_BYTES_MAX. */
size_t json_string_next(const char **at, const char *end, char *out);

/* Writes the code point as UTF-8. Returns its length, at most UTF8_BYTES_MAX. */
size_t utf8_put(char *out, uint32_t code);

/* Returns how many of the `len` bytes at `at` to take: at most `most`, without cutting through a
 * UTF-8 character. */
size_t json_string_cut(const char *at, size_t len, size_t most);

/* Returns the length of the well-formed UTF-8 sequence at `text`, where `left` bytes remain (at
 * least 1). Returns 0 for anything else. By RFC 3629 §4, overlong forms, surrogates and code points
 * above U+10FFFF are not well-formed. */
size_t utf8_len(const char *text, size_t left);

#endif
