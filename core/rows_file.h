/* Readers of core/rows_file.c: each takes the file's whole text, [len] bytes and a NUL, and makes rows of it. */
#ifndef CORE_ROWS_FILE_H
#define CORE_ROWS_FILE_H

#include <relud/data.h>

/* What a reader gets. */
struct rows_source {
    const char *path; /* for errors */
    const char *text;
    size_t len;
    struct relud_error *error;
};

/* Fails with "path: …". Always false. */
bool rows_fail(const struct rows_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An array of rows * features floats, or false. */
bool rows_new(const struct rows_source *source, size_t rows, size_t features,
              struct relud_rows *out);

bool npy_is(const char *text, size_t len);
bool npy_read(const struct rows_source *source, struct relud_rows *rows);
bool idx_is(const char *text, size_t len);
bool idx_read(const struct rows_source *source, struct relud_rows *rows);
bool csv_read(const struct rows_source *source, struct relud_rows *rows);

#endif
