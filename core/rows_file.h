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

/* The whole file at `path`, unpacked where it is gzip-ed, and a NUL; NULL and *error when it cannot be read. The caller
 * frees it. */
char *rows_text(const char *path, size_t *len, struct relud_error *error);

/* Rows of whatever format the text has, finite. */
bool rows_parse(const struct rows_source *source, struct relud_rows *rows);

/* Fails with "path: …". Always false. */
bool rows_fail(const struct rows_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* An array of rows * features floats, or false. */
bool rows_new(const struct rows_source *source, size_t rows, size_t features,
              struct relud_rows *out);

bool npy_is(const char *text, size_t len);
bool npy_read(const struct rows_source *source, struct relud_rows *rows);
enum { IDX_RANK_MAX = 8, IDX_UNSIGNED_BYTE = 0x08 };
struct idx {
    int type;
    size_t rank, shape[IDX_RANK_MAX], count;
    const unsigned char *elements; /* in the source's text */
};
bool idx_open(const struct rows_source *source, struct idx *idx);
void idx_values(const struct idx *idx, float *values); /* [count] */
bool idx_is(const char *text, size_t len);
bool idx_read(const struct rows_source *source, struct relud_rows *rows);

/* A cell of a table as text, in the source's text: without its quotes and the blanks around it. */
struct csv_cell {
    const char *at;
    size_t len;
};

struct csv_options {
    const char *
        target; /* NULL: every column is a feature; else names or numbers from 1, with commas; "": the last */
    bool
        fill_missing; /* cells that are empty or NA, NaN, null, None or ? become the mean of their column */
    const float *fill; /* [fill_len]: this instead of the mean; or NULL */
    size_t fill_len;   /* there must be as many features then */
};

struct csv {
    size_t rows, features, targets;
    float *values;           /* [rows][features]; malloc's, as all here */
    struct csv_cell *target; /* [rows][targets] */
    struct csv_cell *name;   /* [features], or NULL without a header */
    float *means;            /* [features] of what was not missing; only for fill_missing */
};

/* Comma, semicolon or tab, whichever the first line has; quotes as in RFC 4180, but no line ends inside them. The first
 * line is a header when one of its features is no number. */
bool csv_open(const struct rows_source *source, const struct csv_options *options, struct csv *csv);
void csv_close(struct csv *csv);
bool csv_read(const struct rows_source *source, struct relud_rows *rows);

/* The line, from 1, that a cell stands on. */
size_t csv_line(const struct rows_source *source, const struct csv_cell *cell);
/* Whether the cell is one number, which goes to *value. */
bool csv_number(const struct csv_cell *cell, float *value);

#endif
