/* Whole files into memory, with a limit and a reason. Read, never mapped: a mapped file that shrinks kills. */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

struct file {
    char *bytes; /* len bytes and a NUL */
    size_t len;
    size_t mapped; /* 0: bytes are malloc's */
};

/* Only regular files of at most `most` bytes. Errors begin with the path. */
bool file_read(const char *path, size_t most, struct file *file, struct relud_error *error);
void file_free(struct file *file);

#endif
