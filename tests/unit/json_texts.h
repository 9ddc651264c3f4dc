/* What the tests of JSON reading share: a text in memory of just its size, and what was read of it. */
#ifndef TESTS_JSON_TEXTS_H
#define TESTS_JSON_TEXTS_H

#include "tests/unit/suite.h"

#include <relud/relud.h>
#include <stdbool.h>

enum { REST_BYTES = 1024, VALUES_MAX = 4096 };

static struct relud_error error;
static struct relud_json_array array;
static float values[VALUES_MAX];
static char rest[REST_BYTES];

/* Reads a copy with no byte more than the text, so that a sanitizer sees what is read beyond it. */
static inline bool read_text(const char *text, size_t len)
{
    char *exact = malloc(len);
    if (len)
        memcpy(exact, text, len);
    memset(&error, 0, sizeof error);
    array = (struct relud_json_array){.values = values, .capacity = VALUES_MAX};
    bool is_right = relud_json_read(exact, len, "inputs", &array, rest, sizeof rest, &error);
    free(exact);
    return is_right;
}

static inline bool check_text(const char *text, size_t len)
{
    char *exact = malloc(len);
    if (len)
        memcpy(exact, text, len);
    memset(&error, 0, sizeof error);
    bool is_right = relud_json_check(exact, len, &error);
    free(exact);
    return is_right;
}

static inline void check_error(const char *text, size_t len, enum relud_code code,
                               const char *words)
{
    ck_assert_msg(!read_text(text, len), "%.100s was read", text);
    ck_assert_str_eq(error.text, words);
    ck_assert_int_eq(error.code, code);
    const char *at = strstr(error.text, "at byte ");
    ck_assert_ptr_nonnull(at);
    ck_assert_uint_eq(error.offset, strtoul(at + strlen("at byte "), NULL, 10));
}

#endif
