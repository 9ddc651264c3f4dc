/* Writes the safetensors file format; core/format/safetensors.h reads it. */
#ifndef CORE_FORMAT_SAFETENSORS_WRITE_H
#define CORE_FORMAT_SAFETENSORS_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One tensor's line in the header. */
struct tensor_entry {
    char name[64];
    const char *type; /* "F32" or "F64" */
    size_t rank, shape[2];
};

/* Writes a whole safetensors file: a header length of 8 bytes, the header, padded to a multiple of
 * 8 bytes, and the numbers. `put` is called once per tensor, in order, and writes its numbers,
 * dense and little-endian. metadata: the members of __metadata__ as JSON. False without memory or
 * when `put` returns false; the caller checks the file for write errors. */
bool put_safetensors(FILE *file, const char *metadata, const struct tensor_entry *entry,
                     size_t entries, bool (*put)(FILE *file, size_t index, const void *what),
                     const void *what);

#endif
