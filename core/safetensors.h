/* The safetensors file format: 8 bytes of header length, a JSON header, the tensors' bytes without holes or overlaps.
 * Layout and checks follow the reference reader (huggingface/safetensors). */
#ifndef CORE_SAFETENSORS_H
#define CORE_SAFETENSORS_H

#include "core/arena.h"
#include "core/file.h"
#include <relud/error.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    SAFETENSORS_HEADER_MAX = 16 * 1024 * 1024, /* bytes; a thousand layers take a hundredth of it */
    SAFETENSORS_RANK_MAX = 8,
};

struct safetensor {
    char *name;       /* in the arena given to safetensors_open */
    const char *type; /* "F32"; static */
    size_t rank, shape[SAFETENSORS_RANK_MAX];
    size_t count;               /* elements */
    const unsigned char *bytes; /* in the file's memory, not aligned */
    size_t bytes_len;
    bool is_used; /* for the caller */
};

struct safetensors {
    size_t len;
    struct safetensor *tensor; /* [len], by name */
};

/* Checks everything and lists the tensors, which point into `file`. name stands at the head of errors. */
bool safetensors_open(struct safetensors *all, const struct file *file, const char *name,
                      struct arena *arena, struct relud_error *error);

struct safetensor *safetensors_find(const struct safetensors *all, const char *name);

/* The tensor as finite float32: F32, F16 and BF16 exactly, F64 rounded. In the arena, or, F32 that is aligned, in the
 * file's own memory: copy what must outlive it. NULL and *error for other types and for values that are not finite,
 * naming the tensor and the index. */
const float *safetensors_floats(const struct safetensor *tensor, const char *name,
                                struct arena *arena, struct relud_error *error);

#endif
