#include "core/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, SLACK = 64, BLOCK_BYTES = 64 * 1024 };

/* Great blocks ask for huge pages: weights that no cache holds are read faster when the processor's own reading ahead does
 * not end every 4 KB. */
enum { HUGE_PAGE = 2 << 20, GREAT_BYTES = 4 << 20 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* of the bytes that follow the header */
};

_Static_assert(sizeof(struct arena_block) <= ALIGN, "a block's header fits its alignment");

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static struct arena_block *add_block(struct arena *arena, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    bool is_great = size >= GREAT_BYTES;
    struct arena_block *block = aligned_alloc(is_great ? HUGE_PAGE : ALIGN, ALIGN + size);
    if (!block)
        return NULL;
    if (is_great)
        madvise(block, ALIGN + size, MADV_HUGEPAGE);
    memset(block, 0, ALIGN + size);
    block->size = size;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->bytes += ALIGN + size;
    return block;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return NULL;
    size_t need = round_up(bytes + SLACK);
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < need)
        block = add_block(arena, need);
    if (!block)
        return NULL;
    void *piece = (char *)block + ALIGN + block->used;
    block->used += need;
    return piece;
}

void *arena_take_array(struct arena *arena, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / 2 / size)
        return NULL;
    return arena_take(arena, count * size);
}

char *arena_copy_text(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_take(arena, len + 1);
    if (copy)
        memcpy(copy, text, len);
    return copy;
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
    arena->bytes = 0;
}
