/* Rows of numbers from files: JSON, JSON lines, CSV, NumPy's .npy and MNIST's IDX, each plain or gzip-ed. */
#ifndef RELUD_DATA_H
#define RELUD_DATA_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

/* values[rows][features], finite; owned by whoever called relud_rows_read. */
struct relud_rows {
    float *values;
    size_t rows, features;
};

/* Reads the file at `path` ("-": standard input); the content says which format it is, not the name. Every row must have
 * `features` numbers (0: whatever the first has). Further dimensions of an array count into the features: IDX images of
 * 28 x 28 are rows of 784. At most 4 GiB once unpacked. Errors name the file and the line, row or column. */
bool relud_rows_read(const char *path, size_t features, struct relud_rows *rows,
                     struct relud_error *error);
void relud_rows_free(struct relud_rows *rows);

/* Types of numbers in bytes, by the names of the Open Inference Protocol: "FP32". */
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

/* RELUD_DTYPES when there is no such type. */
enum relud_dtype relud_dtype_of(const char *name);
size_t relud_dtype_bytes(enum relud_dtype dtype);
/* values[count] from dense little-endian elements, rounded to nearest where those are wider. bytes needs no alignment. */
void relud_dtype_read(enum relud_dtype dtype, const void *bytes, size_t count, float *values);

/* A tensor in NumPy's .npy format, in memory. */
enum { RELUD_NPY_RANK_MAX = 32 };
struct relud_npy {
    size_t rank, count; /* count: the product of shape[0 … rank - 1]; 1 for rank 0 */
    size_t shape[RELUD_NPY_RANK_MAX]; /* [rank], each at least 1 */
    const void *elements;             /* into the bytes that were opened */
    size_t type;                      /* of the elements; relud_npy_values knows it */
};

/* Opens .npy bytes (numpy.lib.format, versions 1 to 3, C order, little-endian numbers or booleans). Checks that the
 * numbers are there, whole and no more; reads none of them. The tensor points into bytes. */
bool relud_npy_open(const void *bytes, size_t len, struct relud_npy *npy,
                    struct relud_error *error);

enum relud_dtype relud_npy_dtype(const struct relud_npy *npy);

/* The tensor's numbers as float32, rounded to nearest where they are wider: values[npy->count]. */
void relud_npy_values(const struct relud_npy *npy, float *values);

enum { RELUD_NPY_HEAD_MAX = 1024 };

/* Writes the head of a .npy file of little-endian float32, shape[rank], rank at most RELUD_NPY_RANK_MAX; returns its
 * length, a multiple of 64. The numbers follow it as they are. */
size_t relud_npy_head(const size_t *shape, size_t rank, char head[RELUD_NPY_HEAD_MAX]);

#endif
