/* The safetensors file format: a header length of 8 bytes, a JSON header, the tensors' bytes
 * without holes or overlaps. Layout and checks follow the reference reader
 * (huggingface/safetensors). Parts that relud does not use are no reason to refuse a file:
 * __metadata__, other members of a tensor, unknown types, many dimensions. */
#ifndef CORE_FORMAT_SAFETENSORS_H
#define CORE_FORMAT_SAFETENSORS_H

#include "core/base/arena.h"
#include <relud/error.h>
#include <relud/file.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    SAFETENSORS_HEADER_MAX = 16 * 1024 * 1024, /* bytes; a thousand layers take about 1 % of it */
    SAFETENSORS_RANK_MAX = 8,
};

struct safetensor {
    char *name;                               /* in the arena given to safetensors_open */
    const char *type;                         /* "F32" or another name, which may be unknown here */
    size_t rank, shape[SAFETENSORS_RANK_MAX]; /* if rank is greater, the first dimensions */
    size_t count;                             /* number of elements */
    const unsigned char *bytes;               /* in the file's memory, not aligned */
    size_t bytes_len;
    bool is_used; /* set by the caller */
};

struct safetensors {
    size_t len;
    struct safetensor *tensor; /* [len], sorted by name */
};

/* Checks the whole file and lists its tensors. Their bytes point into `file`, which must outlive
 * them. Errors begin with `name`. */
bool safetensors_open(struct safetensors *all, const struct relud_file *file, const char *name,
                      struct arena *arena, struct relud_error *error);

struct safetensor *safetensors_find(const struct safetensors *all, const char *name);

/* Returns the tensor's numbers as finite float32, [count]: F32, F16 and BF16 exactly, F64 rounded.
 * They are in the arena, or, for aligned F32, in the file's memory; copy them if they must outlive
 * it. NULL and *error for other types, for values that are not finite (the error gives tensor and
 * index), and without memory. */
const float *safetensors_floats(const struct safetensor *tensor, const char *name,
                                struct arena *arena, struct relud_error *error);

#endif
