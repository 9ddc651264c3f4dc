/* Whole files into memory, with a limit: how relud opens what it is told to read. */
#ifndef RELUD_FILE_H
#define RELUD_FILE_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct relud_file {
    char *bytes; /* [len], and a NUL behind them */
    size_t len;
    size_t mapped; /* of the library: how it frees the bytes */
};

/* Reads the regular file at `path`, of at most `most` bytes, into *file, which the caller frees.
 * A FIFO or a device is refused, and does not make it wait. The bytes are a copy: a file that
 * shrinks later does no harm. False and *error (RELUD_IO, RELUD_TOO_LARGE, RELUD_NO_MEMORY),
 * whose text begins with the path. */
bool relud_file_read(const char *path, size_t most, struct relud_file *file,
                     struct relud_error *error);
/* Frees the bytes and makes *file empty. */
void relud_file_free(struct relud_file *file);
/* The same, but clears the bytes first: for keys. */
void relud_file_wipe(struct relud_file *file);

#ifdef __cplusplus
}
#endif

#endif
