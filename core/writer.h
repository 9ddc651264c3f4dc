/* Files that appear whole or not at all: written beside their place, on the disk before they have their name. */
#ifndef CORE_WRITER_H
#define CORE_WRITER_H

#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { WRITER_PATH_BYTES = 4096 };

struct writer {
    FILE *file;
    const char *path; /* what it is to be called; borrowed until writer_close */
    char part[WRITER_PATH_BYTES];
    struct relud_error *error;
};

bool writer_open(struct writer *writer, const char *path, struct relud_error *error);
/* is_right false: the file is thrown away, and *error is the caller's. Errors of the disk come out here, too. */
bool writer_close(struct writer *writer, bool is_right);

/* JSON: a string with its quotes, the shortest decimal of a number, null where it is not finite. */
void put_string(FILE *file, const char *text);
void put_number(FILE *file, float value);
/* , "key": 0.98 */
void put_number_member(FILE *file, const char *key, double value);

/* A tensor of a safetensors file. */
struct tensor_entry {
    char name[64];
    const char *type; /* "F32" or "F64" */
    size_t rank, shape[2];
};

/* A whole safetensors file: 8 bytes of header length, the header, padded to a multiple of 8, the numbers, which put writes
 * tensor by tensor, dense and little-endian. metadata: the members of __metadata__ as JSON. False when memory runs out. */
bool put_safetensors(FILE *file, const char *metadata, const struct tensor_entry *entry,
                     size_t entries, bool (*put)(FILE *file, size_t index, const void *what),
                     const void *what);

#endif
