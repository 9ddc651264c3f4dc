/* What the tests of JSON reading share: a text in memory of exactly its size, and the results of
 * reading it. */
#ifndef TESTS_JSON_TEXTS_H
#define TESTS_JSON_TEXTS_H

#include "tests/unit/suite.h"

#include <relud/relud.h>
#include <stdbool.h>

enum { REST_BYTES = 4096, VALUES_MAX = 4096 };

static struct relud_error error;
static struct relud_json_array array;
static float values[VALUES_MAX];
static char rest[REST_BYTES];

/* Reads the text again in pieces of about `bytes`, with the values at another address each time.
 * The result must be the same as relud_json_read's in array, rest and error. */
static inline void check_pieces(const char *text, size_t len, const char *key, size_t bytes,
                                const struct relud_json_array *before, bool is_right)
{
    struct relud_json_array again;
    struct relud_error failure = {0};
    struct relud_json_pause pause = {.bytes = bytes};
    float *read = malloc(before->capacity * sizeof *read);
    char others[REST_BYTES];
    bool is_done;
    do {
        float *moved = malloc(before->capacity * sizeof *moved);
        memcpy(moved, read, (pause.at ? pause.array.count : 0) * sizeof *moved);
        free(read);
        read = moved;
        again = *before;
        again.values = read;
        size_t from = pause.at;
        is_done =
            relud_json_read_piece(text, len, key, &again, &pause, others, REST_BYTES, &failure);
        ck_assert(pause.at == 0 || (!is_done && pause.at >= from + bytes));
    } while (pause.at);
    ck_assert_msg(is_done == is_right, "%.*s: %s", (int)len, text, failure.text);
    if (!is_done) {
        ck_assert_str_eq(failure.text, error.text);
        ck_assert(failure.code == error.code && failure.offset == error.offset);
    } else {
        ck_assert_str_eq(others, rest);
        again.values = array.values;
        ck_assert_mem_eq(&again, &array, sizeof array);
        ck_assert_mem_eq(read, array.values, array.count * sizeof *read);
    }
    free(read);
}

static inline bool read_json(const char *text, size_t len, const char *key)
{
    const struct relud_json_array before = array;
    memset(&error, 0, sizeof error);
    bool is_right = relud_json_read(text, len, key, &array, rest, sizeof rest, &error);
    for (size_t bytes = 1; bytes < len; bytes = 3 * bytes + 1)
        check_pieces(text, len, key, bytes, &before, is_right);
    return is_right;
}

/* Reads a copy that has exactly the text's size, so that a sanitizer notices reads beyond it. */
static inline bool read_text(const char *text, size_t len)
{
    char *exact = malloc(len);
    if (len)
        memcpy(exact, text, len);
    array = (struct relud_json_array){.values = values, .capacity = VALUES_MAX};
    bool is_right = read_json(exact, len, "inputs");
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
