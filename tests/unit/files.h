/* Small model directories, made for one test. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "tests/unit/suite.h"
#include <stdio.h>
#include <unistd.h>

/* A new empty directory; static. */
static inline const char *new_directory(void)
{
    static char path[64];
    strcpy(path, "/tmp/relud-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static inline void write_file(const char *dir, const char *name, const void *bytes, size_t len)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, len, file), len);
    ck_assert_int_eq(fclose(file), 0);
}

/* A safetensors file of this header and these data bytes. */
static inline void write_tensors(const char *dir, const char *header, const void *data, size_t len)
{
    size_t header_len = strlen(header);
    unsigned char *bytes = malloc(8 + header_len + len + 1);
    for (int i = 0; i < 8; i++)
        bytes[i] = (unsigned char)((uint64_t)header_len >> 8 * i);
    memcpy(bytes + 8, header, header_len);
    memcpy(bytes + 8 + header_len, data, len);
    write_file(dir, "model.safetensors", bytes, 8 + header_len + len);
    free(bytes);
}

static inline void remove_directory(const char *dir)
{
    static const char *const names[] = {"model.json", "model.safetensors"};
    char path[256];
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, names[i]);
        unlink(path);
    }
    rmdir(dir);
}

#endif
