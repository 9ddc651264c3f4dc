/* One call of the program's own that fails, the first, the second and so on: for tests of what a function leaves when memory
 * or the system's files give out. The unit tests are linked so that these calls go by way of tests/scarce.c. */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include <stdbool.h>

enum scarce {
    SCARCE_MEMORY, /* malloc, calloc, realloc, aligned_alloc, mmap, strdup, asprintf, open_memstream, cJSON's, an arena's */
    SCARCE_FILES,  /* open, fopen, fstat, read, fflush, fsync, fclose, rename, mkdir, opendir */
    SCARCE_SYSTEM, /* socket, pipe2, eventfd, epoll_create1, pthread_create */
};

/* From now on the nth such call of this process fails, counted from 1. */
void scarce_begin(enum scarce what, long nth);
/* That one and all that follow. */
void scarce_begin_for_good(enum scarce what, long nth);
/* No more; whether there were so many. */
bool scarce_end(void);

#endif
