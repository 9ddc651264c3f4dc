/* Tables as text that are read, refused or learned from, each in a file of its own. */
#ifndef TESTS_UNIT_TABLES_H
#define TESTS_UNIT_TABLES_H

#include "tests/unit/one_file.h"
#include "tests/unit/rows_at.h"

/* Checks the values row by row, and the note on columns left out. Then reads again without memory
 * and without files. */
static inline void reads(const char *text, size_t len, struct relud_rows_options options,
                         size_t features, const float *wanted, size_t count, const char *note)
{
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(text, len);
    ck_assert_msg(relud_rows_read_with(path, &options, &rows, &error), "'%s': %s", text,
                  error.text);
    ck_assert_msg(rows.features == features && rows.rows * rows.features == count,
                  "'%s': %zu rows of %zu", text, rows.rows, rows.features);
    for (size_t i = 0; i < count; i++)
        ck_assert_msg(rows.values[i] == wanted[i], "'%s': number %zu is %g", text, i,
                      (double)rows.values[i]);
    ck_assert_str_eq(rows.note, note);
    relud_rows_free(&rows);
    rows_read_scarcely((struct rows_at){path, options});
    drop_file();
}

static inline void refuses(const char *text, size_t len, struct relud_rows_options options,
                           const char *words)
{
    struct relud_rows rows;
    struct relud_error error = {0};
    put_file(text, len);
    bool is_read = relud_rows_read_with(path, &options, &rows, &error);
    drop_file();
    ck_assert_msg(!is_read && strstr(error.text, words), "'%s': '%s'; '%s' is wanted", text,
                  error.text, words);
    ck_assert_msg(!strpbrk(error.text, "\r\n"), "'%s' is one line", error.text);
    ck_assert_ptr_null(rows.values);
}

static const struct relud_rows_options plain;

#define VALUES(...) (const float[]){__VA_ARGS__}, sizeof(const float[]){__VA_ARGS__} / sizeof(float)
#define READS(text, features, ...)                                                                 \
    reads(text, sizeof(text) - 1, plain, features, VALUES(__VA_ARGS__), "")
#define REFUSES(text, words) refuses(text, sizeof(text) - 1, plain, words)

static inline bool learns(const char *text, struct relud_dataset_options options,
                          struct relud_dataset *data, struct relud_error *error)
{
    put_file(text, strlen(text));
    bool is_read = relud_dataset_read(path, &options, data, error);
    drop_file();
    return is_read;
}

#endif
