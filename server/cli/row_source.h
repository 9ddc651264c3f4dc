/* The rows of a command's file: all in memory, or of a .npy file, read where they are. */
#ifndef SERVER_CLI_ROW_SOURCE_H
#define SERVER_CLI_ROW_SOURCE_H

#include <relud/data.h>

struct row_source {
    size_t rows, features;
    struct relud_rows data;
    relud_row_file *file; /* or NULL: data has the rows */
};

/* Opens the file, "-" for standard input. Prints what was left out of it, as the command. False and
 * *error; row_source_close is still needed then. */
bool row_source_open(struct row_source *source, const char *command, const char *path,
                     const struct relud_rows_options *options, struct relud_error *error);
void row_source_close(struct row_source *source);

/* Returns the rows from `first` on: their memory, or room[rows][features], where they are read to.
 * Any number of threads may read. NULL and *error. */
const float *row_source_read(const struct row_source *source, size_t first, size_t rows,
                             float *room, struct relud_error *error);

#endif
