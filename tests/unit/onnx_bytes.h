/* ONNX files written by hand: protocol-buffer messages, field after field. */
#ifndef TESTS_UNIT_ONNX_BYTES_H
#define TESTS_UNIT_ONNX_BYTES_H

#include "core/onnx/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct buffer {
    unsigned char *at;
    size_t len, room; /* room: allocated by put */
};

static inline bool read_bytes(const char *path, struct buffer *bytes)
{
    FILE *file = fopen(path, "rb");
    struct stat about;
    if (!file || fstat(fileno(file), &about) != 0) {
        if (file)
            fclose(file);
        return false;
    }
    bytes->len = (size_t)about.st_size;
    bytes->at = malloc(bytes->len + 1);
    bool is_read = fread(bytes->at, 1, bytes->len, file) == bytes->len;
    fclose(file);
    return is_read;
}

static inline void put(struct buffer *to, const void *bytes, size_t len)
{
    if (!to->at || to->len + len >= to->room) {
        to->room = 2 * (to->len + len) + 64;
        to->at = realloc(to->at, to->room);
    }
    if (len)
        memcpy(to->at + to->len, bytes, len);
    to->len += len;
}

static inline void put_varint(struct buffer *to, uint64_t value)
{
    do {
        unsigned char byte = (unsigned char)(value & 127) | (value > 127 ? 128 : 0);
        put(to, &byte, 1);
    } while (value >>= 7);
}

static inline void put_field(struct buffer *to, uint32_t number, const void *bytes, size_t len)
{
    put_varint(to, number << 3 | WIRE_BYTES);
    put_varint(to, len);
    put(to, bytes, len);
}

static inline void write_bytes(const char *path, const struct buffer *bytes)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes->at, 1, bytes->len, file), bytes->len);
    fclose(file);
}

#endif
