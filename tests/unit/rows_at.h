/* A file of rows that is read again while memory or files are short. */
#ifndef TESTS_UNIT_ROWS_AT_H
#define TESTS_UNIT_ROWS_AT_H

#include "tests/unit/scarcity.h"

#include <relud/relud.h>

struct rows_at {
    const char *path;
    struct relud_rows_options options;
};

static inline bool is_read_at(void *with, struct relud_error *error)
{
    const struct rows_at *at = with;
    struct relud_rows rows;
    bool is_read = relud_rows_read_with(at->path, &at->options, &rows, error);
    relud_rows_free(&rows);
    return is_read;
}

static inline void rows_read_scarcely(struct rows_at at)
{
    scarce_each(SCARCE_MEMORY, RELUD_NO_MEMORY, is_read_at, &at);
    scarce_each(SCARCE_FILES, RELUD_IO, is_read_at, &at);
}

#endif
