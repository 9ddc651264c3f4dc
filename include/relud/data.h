/* Rows of numbers from files: JSON, JSON lines, CSV, NumPy's .npy and .npz, MNIST's IDX, each
 * plain or gzip-ed; and numbers of other types as float32. */
#ifndef RELUD_DATA_H
#define RELUD_DATA_H

#include <relud/error.h>
#include <relud/feature.h>
#include <relud/watch.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- rows ---- */

/* What relud_rows_read and relud_table_read fill. The caller frees it with relud_rows_free. */
struct relud_rows {
    float *values; /* [rows][features], finite */
    size_t rows, features;
    /* What was left out of the file, or may have been meant in another way; "": nothing. */
    char note[RELUD_ERROR_TEXT_MAX];
};

enum relud_header {
    RELUD_HEADER_AUTO, /* a first row of names is a header; one of names and numbers is an error */
    RELUD_HEADER_YES,
    RELUD_HEADER_NO,
};

/* How a table is written as text. All zeros are the default. Separators are always found out. */
struct relud_table {
    enum relud_header header;
    char decimal;        /* 0 or '.': a decimal point; ',': a decimal comma */
    const char *missing; /* words for a missing value beside pandas' own, "none,?"; or NULL */
};

struct relud_rows_options {
    size_t features;         /* numbers that a row must have; 0: as many as the first row has */
    const char *const *name; /* [features], or NULL: their columns in a table that has a header */
    /* What they may be, or NULL: numbers, none missing. A word becomes its index; a missing value
     * that is imputed becomes a NaN, or the index of its word. */
    const struct relud_features *feature;
    struct relud_table table;
    /* Numbers that all rows of a table may have together; 0: any number. A short line may leave out
     * a thousand columns that are imputed. Where this is set, lines of far more columns and cells
     * far longer than the model's words are errors, too. */
    size_t most;
    const struct relud_watch *watch; /* asked while a table is read; or NULL */
};

/* Reads the file at `path` ("-": standard input). Its content says which format it is, not its
 * name.
 *
 * Further dimensions of an array count into the features: IDX images of 28 x 28 are rows of 784.
 * In a table with names and a header that has them all, columns may be in any order and others are
 * left out, which rows->note says; a name that is not there is an error. Without names or without
 * a header, columns are taken by their places. A missing value is an error,
 * unless the feature is imputed.
 *
 * False and *error, which names the file and the line, row or column; *rows then needs no
 * freeing. RELUD_TOO_LARGE above 4 GiB of unpacked text. */
bool relud_rows_read_with(const char *path, const struct relud_rows_options *options,
                          struct relud_rows *rows, struct relud_error *error);
/* The same, with `features` as the only option. */
bool relud_rows_read(const char *path, size_t features, struct relud_rows *rows,
                     struct relud_error *error);
/* Frees the values and makes *rows empty. */
void relud_rows_free(struct relud_rows *rows);

/* ---- rows of a file, a piece at a time ---- */

/* A .npy file whose rows lie end to end. It is read where it is, so it may be larger than
 * memory. */
typedef struct relud_row_file relud_row_file;

/* Opens the file. *file is NULL if it is no such file: relud_rows_read_with reads it, or says why
 * not. What options point to must live until relud_row_file_close. False and *error, in
 * the words of relud_rows_read_with, if its head is wrong or its rows are not those that are
 * wanted. */
bool relud_row_file_open(const char *path, const struct relud_rows_options *options,
                         relud_row_file **file, struct relud_error *error);
void relud_row_file_close(relud_row_file *file); /* may be NULL */
size_t relud_row_file_rows(const relud_row_file *file);
size_t relud_row_file_features(const relud_row_file *file);
/* values[rows][features] = the rows from `first` on, which must be there; checked as in
 * relud_rows_read_with. Any number of threads may read at the same time. False and *error. */
bool relud_row_file_read(const relud_row_file *file, size_t first, size_t rows, float *values,
                         struct relud_error *error);

/* ---- tables in memory ---- */

/* Reads a table that is text in memory, piece by piece, by the rules of relud_rows_read_with. */
typedef struct relud_table_reader relud_table_reader;

/* text[len] and what options point to must live until relud_table_close. NULL: out of memory. */
relud_table_reader *relud_table_open(const char *text, size_t len,
                                     const struct relud_rows_options *options);
/* Reads about `bytes` more. While more is to be read rows->rows is 0; after the last piece *rows
 * has all rows, which the caller frees. False and *error: the table is wrong. */
bool relud_table_read(relud_table_reader *reader, size_t bytes, struct relud_rows *rows,
                      struct relud_error *error);
void relud_table_close(relud_table_reader *reader); /* may be NULL */

/* The index of the first of values[count] that is NaN or infinite, or count. */
size_t relud_find_nonfinite(const float *values, size_t count);

/* ---- types of numbers ---- */

/* By the names of the Open Inference Protocol without RELUD_: "FP32". */
enum relud_dtype {
    RELUD_FP32,
    RELUD_FP64,
    RELUD_FP16,
    RELUD_BF16,
    RELUD_UINT8,
    RELUD_INT8,
    RELUD_UINT16,
    RELUD_INT16,
    RELUD_UINT32,
    RELUD_INT32,
    RELUD_UINT64,
    RELUD_INT64,
    RELUD_BOOL,
    RELUD_DTYPES
};

/* The type of that name, or RELUD_DTYPES. */
enum relud_dtype relud_dtype_of(const char *name);
/* Static. dtype is below RELUD_DTYPES, here and in the next two. */
const char *relud_dtype_name(enum relud_dtype dtype);
/* The size of one number. */
size_t relud_dtype_bytes(enum relud_dtype dtype);
/* values[count] = the little-endian numbers at `bytes`, rounded to the nearest float32 where
 * they have more digits. `bytes` needs no alignment. */
void relud_dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, float *values);

/* ---- NumPy's .npy ---- */

enum { RELUD_NPY_RANK_MAX = 32 };

/* A tensor in NumPy's .npy format, in memory. */
struct relud_npy {
    size_t rank;
    size_t count;                     /* the product of shape[rank]; 1 for rank 0 */
    size_t shape[RELUD_NPY_RANK_MAX]; /* [rank], each at least 1 */
    const void *elements;             /* points into the bytes that were opened */
    enum relud_dtype dtype;           /* of the elements */
    bool is_fortran, is_big_endian;   /* else C order, little-endian */
};

/* Opens bytes[len] (numpy.lib.format, versions 1 to 3; numbers or booleans in either order and
 * either byte order), which must live as long as *npy is used. Checks that all numbers are there
 * and nothing more; reads none of them. False and *error when they are not. Nothing is to be
 * freed. */
bool relud_npy_open(const void *bytes, size_t len, struct relud_npy *npy,
                    struct relud_error *error);

enum relud_dtype relud_npy_dtype(const struct relud_npy *npy);

/* values[npy->count] = the tensor's numbers in C order, rounded to the nearest float32 where
 * they have more digits. */
void relud_npy_values(const struct relud_npy *npy, float *values);
/* The same under a watch (watch.h). False: it ended the work. */
bool relud_npy_values_watched(const struct relud_npy *npy, float *values,
                              const struct relud_watch *watch);

enum { RELUD_NPY_HEAD_MAX = 1024 };

/* Writes the head of a .npy file of little-endian float32 numbers of shape[rank], with rank at
 * most RELUD_NPY_RANK_MAX, and returns its length, a multiple of 64. The numbers follow it as
 * they are. */
size_t relud_npy_head(const size_t *shape, size_t rank, char head[RELUD_NPY_HEAD_MAX]);

#ifdef __cplusplus
}
#endif

#endif
