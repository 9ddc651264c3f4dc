/* What every fuzz target shares: the entry that libFuzzer calls, bytes as a file with a path, memory of exactly so many bytes. */
#ifndef TESTS_FUZZ_H
#define TESTS_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t len);

/* A promise of the code under test: broken, it is a finding. */
#define FUZZ_ASSERT(promise)                                                                       \
    do {                                                                                           \
        if (!(promise)) {                                                                          \
            fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #promise);                  \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* A file in memory; the descriptor is the caller's to close. */
static inline int fuzz_file(const unsigned char *bytes, size_t len, char path[64])
{
    int fd = memfd_create("fuzz", 0);
    FUZZ_ASSERT(fd >= 0 && write(fd, bytes, len) == (ssize_t)len);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

/* A copy without a byte to spare, or with a NUL: AddressSanitizer sees what goes beyond it. */
static inline char *fuzz_copy(const unsigned char *bytes, size_t len, int has_nul)
{
    char *copy = malloc(len + (size_t)has_nul + !len);
    FUZZ_ASSERT(copy);
    memcpy(copy, bytes, len);
    if (has_nul)
        copy[len] = '\0';
    return copy;
}

#endif
