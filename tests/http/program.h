/* Runs the program as a user does, from a shell. */
#ifndef TESTS_PROGRAM_H
#define TESTS_PROGRAM_H

#include "tests/http/server.h"

static char output[1 << 20];

/* Runs `relud` with these words through the shell. The output, with standard error, is in `output`.
 * Returns the exit status. */
static inline int run(const char *words)
{
    char command[8192];
    snprintf(command, sizeof command, "%s %s 2>&1", relud_path(), words);
    FILE *pipe = popen(command, "r");
    ck_assert_ptr_nonnull(pipe);
    size_t len = fread(output, 1, sizeof output - 1, pipe);
    output[len] = '\0';
    int status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void runs(const char *words, int status, const char *says)
{
    int got = run(words);
    ck_assert_msg(got == status && strstr(output, says), "relud %s: %d\n%s\n%d and '%s' are wanted",
                  words, got, output, status, says);
}

#endif
