/* The folder of a test, which is empty when the test begins and gone when it ends. */
#ifndef TESTS_HTTP_FOLDER_H
#define TESTS_HTTP_FOLDER_H

#include "tests/unit/files.h"

static char dir[64];

static inline void enter(void)
{
    strcpy(dir, new_directory());
}

static inline void leave(void)
{
    remove_folder(dir);
}

/* Words by the rules of printf, with the folder as %1$s. They are overwritten by the next call. */
static inline const char *in(const char *format)
{
    static char words[1024];
    snprintf(words, sizeof words, format, dir);
    return words;
}

#endif
