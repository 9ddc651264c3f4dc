/* Lets one of the program's own calls fail: the first, the second and so on. Tests use it to check
 * what a function leaves behind when memory or the system's files run out. The unit tests are
 * linked so that these calls go through tests/scarce.c. */
#ifndef TESTS_SCARCE_H
#define TESTS_SCARCE_H

#include <stdbool.h>

enum scarce {
    /* malloc, calloc, realloc, aligned_alloc, mmap, strdup, asprintf, open_memstream, cJSON's and
     * an arena's allocations */
    SCARCE_MEMORY,
    SCARCE_FILES,  /* open, fopen, fstat, read, fflush, fsync, fclose, rename, mkdir, opendir */
    SCARCE_SYSTEM, /* socket, pipe2, eventfd, epoll_create1, pthread_create */
};

/* From now on the nth such call of this process fails, counted from 1. */
void scarce_begin(enum scarce what, long nth);
/* The nth call and all later ones fail. */
void scarce_begin_for_good(enum scarce what, long nth);
/* No call fails any more. True if there were at least `nth` calls. */
bool scarce_end(void);

#endif
