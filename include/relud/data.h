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

#define RELUD_NPY_HEAD_BYTES 128

/* Writes the head of a .npy file of float32 [rows][columns], little-endian; the numbers follow it as they are. */
void relud_npy_head(size_t rows, size_t columns, char head[RELUD_NPY_HEAD_BYTES]);

#endif
