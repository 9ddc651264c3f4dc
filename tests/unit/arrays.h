/* Array files made for one test: what is read from them, and the words with which they are
 * refused. */
#ifndef TESTS_UNIT_ARRAYS_H
#define TESTS_UNIT_ARRAYS_H

#include "tests/unit/one_file.h"
#include "tests/unit/rows_at.h"

/* Files that can be read a piece at a time give the same rows, in any pieces, or the same error. */
static inline bool read_pieces(const char *file, size_t features, float *values, size_t each,
                               bool *is_row_file, struct relud_error *error)
{
    const struct relud_rows_options options = {.features = features};
    relud_row_file *rows = NULL;
    bool is_right = relud_row_file_open(file, &options, &rows, error);
    *is_row_file = rows != NULL;
    for (size_t row = 0; rows && is_right && row < relud_row_file_rows(rows); row += each) {
        size_t left = relud_row_file_rows(rows) - row, some = left < each ? left : each;
        is_right = relud_row_file_read(rows, row, some,
                                       values + row * relud_row_file_features(rows), error);
    }
    relud_row_file_close(rows);
    return is_right;
}

static inline void refuses(const void *bytes, size_t len, const char *words)
{
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(bytes, len);
    bool is_read = relud_rows_read(path, 0, &rows, &error), is_row_file;
    float values[4096];
    struct relud_error other = error;
    if (!read_pieces(path, 0, values, 1, &is_row_file, &other))
        ck_assert_str_eq(other.text, error.text);
    drop_file();
    ck_assert_msg(!is_read && strstr(error.text, words), "'%s'; '%s' is wanted", error.text, words);
    ck_assert_ptr_null(rows.values);
}

static inline void reads_pieces(const char *file, size_t features, const float *wanted,
                                size_t count)
{
    float *values = malloc(count * sizeof *values);
    struct relud_error error = {0};
    for (size_t each = 1; each <= count / features; each++) {
        bool is_row_file;
        memset(values, 0, count * sizeof *values);
        ck_assert_msg(read_pieces(file, features, values, each, &is_row_file, &error), "%s",
                      error.text);
        ck_assert(!is_row_file || memcmp(values, wanted, count * sizeof *wanted) == 0);
        ck_assert(!read_pieces(file, features + 1, values, each, &is_row_file, &error) ||
                  !is_row_file);
    }
    free(values);
}

/* The values, row by row; then again without memory and without files. */
static inline void reads_file(const char *file, size_t features, const float *wanted, size_t count)
{
    struct relud_rows rows;
    struct relud_error error = {0};
    ck_assert_msg(relud_rows_read(file, features, &rows, &error), "%s", error.text);
    ck_assert_uint_eq(rows.features, features);
    ck_assert_uint_eq(rows.rows * rows.features, count);
    ck_assert_mem_eq(rows.values, wanted, count * sizeof *wanted);
    relud_rows_free(&rows);
    ck_assert(!relud_rows_read(file, features + 1, &rows, &error));
    ck_assert_ptr_nonnull(strstr(error.text, "are wanted"));
    rows_read_scarcely((struct rows_at){.path = file});
    reads_pieces(file, features, wanted, count);
}

static inline void reads(const void *bytes, size_t len, size_t features, const float *wanted,
                         size_t count)
{
    put_file(bytes, len);
    reads_file(path, features, wanted, count);
    drop_file();
}

static inline size_t put_npy(char *bytes, const char *head, const void *numbers, size_t len)
{
    size_t head_len = strlen(head);
    memcpy(bytes, "\x93NUMPY\1", 8);
    bytes[8] = (char)head_len, bytes[9] = (char)(head_len >> 8);
    memcpy(bytes + 10, head, head_len);
    memcpy(bytes + 10 + head_len, numbers, len);
    return 10 + head_len + len;
}

#define NPY(type, order, shape)                                                                    \
    "{'descr': '" type "', 'fortran_order': " order ", 'shape': " shape ", }"

static const float three_by_two[] = {1, 2, 3, 4, 5, 6};

#endif
