/* The readers behind core/data/rows_file.c. Each takes a file's whole text and makes rows of it. A
 * function that fails returns false or NULL and sets *error. */
#ifndef CORE_DATA_ROWS_FILE_H
#define CORE_DATA_ROWS_FILE_H

#include <relud/data.h>

/* A file's text as the readers take it. */
struct rows_source {
    const char *path; /* for error messages */
    const char *text;
    size_t len;
    struct relud_error *error;
};

#define ROWS_BYTES_MAX ((size_t)4 << 30) /* limit of a file's size after unpacking */

/* Reads the whole file ("-": standard input) and decodes it: gzip is unpacked, a .npz gives its one
 * array, UTF-16 becomes UTF-8, a byte order mark is removed. Returns *len bytes and a NUL; the
 * caller frees them. NULL and *error on failure. */
char *rows_text(const char *path, size_t *len, struct relud_error *error);

/* Detects the text's format and reads its rows. All values are finite. The caller frees *rows. */
bool rows_parse(const struct rows_source *source, const struct relud_rows_options *options,
                struct relud_rows *rows);

/* Fails if some of the features are words, which an array of numbers cannot say. */
bool rows_may_be_numbers(const struct rows_source *source, const struct relud_features *feature);
/* Fails for a number that is not finite, unless it is missing and the model imputes it, and for an
 * index that is none. Either bytes[rows][features] or values[rows][features] are there. Errors call
 * the place of a number in its row `word`, and the first row `first`. */
bool rows_check(const struct rows_source *source, const char *word, const unsigned char *bytes,
                const float *values, size_t first, size_t rows, size_t features,
                const struct relud_features *feature);

/* In core/data/rows_json.c. The text begins with a brace or a bracket. */
bool json_read(const struct rows_source *source, const struct relud_rows_options *options,
               struct relud_rows *rows);

/* Sets *source->error to "path: …" with RELUD_BAD_INPUT. Always returns false. */
bool rows_fail(const struct rows_source *source, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Allocates out->values for rows * features floats. False and *error without memory. The size
 * cannot overflow as long as the text holds all numbers. */
bool rows_new(const struct rows_source *source, size_t rows, size_t features,
              struct relud_rows *out);

/* Names a known format that is not supported, as in "an Excel workbook: save it as CSV". NULL if
 * there is none. */
const char *rows_kind(const char *text, size_t len);

/* Returns the one .npy array of a zip archive: malloc's, *array_len bytes and a NUL. NULL and
 * *error if there is not exactly one. The path is for error messages. */
char *npz_array(const char *path, const char *zip, size_t len, size_t *array_len,
                struct relud_error *error);
bool npz_is(const char *text, size_t len);

bool npy_is(const char *text, size_t len);
/* relud_npy_open for the first len bytes of a file of `whole` bytes, which hold its head. */
enum { NPY_HEAD_BYTES_MAX = 10240 };
bool npy_open_head(const void *bytes, size_t len, size_t whole, struct relud_npy *npy,
                   struct relud_error *error);
bool npy_read(const struct rows_source *source, struct relud_rows *rows);
enum { IDX_RANK_MAX = 8, IDX_UNSIGNED_BYTE = 0x08 };
struct idx {
    int type;
    size_t rank, shape[IDX_RANK_MAX], count;
    const unsigned char *elements; /* points into the source's text */
};
/* idx_is must be true for the source's text. */
bool idx_open(const struct rows_source *source, struct idx *idx);
void idx_values(const struct idx *idx, float *values); /* [count] */
bool idx_is(const char *text, size_t len);
bool idx_read(const struct rows_source *source, struct relud_rows *rows);

#endif
