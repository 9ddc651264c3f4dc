/* FNV-1a with 64 bits (Fowler, Noll, Vo): a fast hash, not a secure one. */
#ifndef SERVER_BASE_FNV_H
#define SERVER_BASE_FNV_H

#include <stddef.h>
#include <stdint.h>

#define FNV_BEGIN UINT64_C(0xcbf29ce484222325)

/* Continues a hash that began with FNV_BEGIN. The result does not depend on the pieces in which the
 * bytes come. */
static inline uint64_t fnv_add(uint64_t hash, const void *bytes, size_t len)
{
    const unsigned char *at = bytes;
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ at[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
