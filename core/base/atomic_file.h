/* Writes files that appear either complete or not at all. The data goes to PATH.part, is synced to
 * disk, and is then renamed to PATH. */
#ifndef CORE_BASE_ATOMIC_FILE_H
#define CORE_BASE_ATOMIC_FILE_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { WRITER_PATH_BYTES = 4096 };

struct atomic_file {
    FILE *file;
    const char *path; /* final name; borrowed until atomic_file_close */
    char part[WRITER_PATH_BYTES];
    struct relud_error *error;
};

/* Creates PATH.part; write to writer->file. On failure returns false and fills *error, which may be
 * NULL. `error` is kept for atomic_file_close. */
bool atomic_file_open(struct atomic_file *writer, const char *path, struct relud_error *error);
/* With is_right true, syncs and renames the file; write errors that occurred earlier are also
 * reported here. On failure deletes PATH.part, fills the error and returns false. With is_right
 * false, deletes PATH.part, returns false and leaves the error as the caller filled it. */
bool atomic_file_close(struct atomic_file *writer, bool is_right);

#endif
