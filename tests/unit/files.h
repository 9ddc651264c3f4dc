/* Small model directories, made for one test. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include "tests/unit/suite.h"
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Makes an empty directory. The path is static. */
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

/* Writes a safetensors file with this header and data. */
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

static inline int remove_one(const char *path, const struct stat *about, int type, struct FTW *walk)
{
    (void)about, (void)type, (void)walk;
    return remove(path);
}

/* Removes the folder, if there is one, and everything in it. */
static inline void remove_folder(const char *path)
{
    bool is_gone = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT;
    ck_assert_msg(is_gone, "%s: %s", path, strerror(errno));
}

#endif
