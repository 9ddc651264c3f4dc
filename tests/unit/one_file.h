/* A file that is written, read and removed again, in a folder of its own. */
#ifndef TESTS_UNIT_ONE_FILE_H
#define TESTS_UNIT_ONE_FILE_H

#include "tests/unit/files.h"

static char path[128];

static inline void put_file(const void *bytes, size_t len)
{
    const char *dir = new_directory();
    snprintf(path, sizeof path, "%s/model.json", dir);
    write_file(dir, "model.json", bytes, len);
}

static inline void drop_file(void)
{
    unlink(path);
    path[strlen(path) - strlen("/model.json")] = '\0';
    rmdir(path);
}

#endif
