#include "core/base/arena.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGN = 64, SLACK = 64, BLOCK_BYTES = 64 * 1024 };

/* Large blocks ask for huge pages. The processor's prefetching stops at every page boundary, every
 * 4 KB without huge pages, and that slows the reading of weights that fit into no cache. */
enum { HUGE_PAGE = 2 << 20, PAGE = 4096 };

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* counted in bytes after the header */
    bool is_mapped;
};

_Static_assert(sizeof(struct arena_block) <= ALIGN, "a block's header fits its alignment");

static size_t round_up(size_t bytes)
{
    return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* Maps at least `bytes` zeroed bytes that begin on a huge page. NULL if the system has no
 * memory. */
static void *map(size_t bytes)
{
    size_t whole = bytes + HUGE_PAGE;
    char *at = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED)
        return NULL;
    size_t before = (HUGE_PAGE - (uintptr_t)at % HUGE_PAGE) % HUGE_PAGE;
    size_t end = (before + bytes + PAGE - 1) / PAGE * PAGE;
    if (before)
        munmap(at, before);
    if (end < whole)
        munmap(at + end, whole - end);
    madvise(at + before, bytes, MADV_HUGEPAGE);
    return at + before;
}

static struct arena_block *add_block(struct arena *arena, size_t need)
{
    size_t size = need > BLOCK_BYTES ? need : BLOCK_BYTES;
    bool is_great = size >= ARENA_GREAT_BYTES;
    struct arena_block *block = is_great ? map(ALIGN + size) : aligned_alloc(ALIGN, ALIGN + size);
    if (!block)
        return NULL;
    if (!is_great) /* mmap returns zeroed memory */
        memset(block, 0, ALIGN + size);
    block->size = size;
    block->is_mapped = is_great;
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
    if (!block || block->size - block->used < need || bytes >= ARENA_GREAT_BYTES)
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

static void free_block(struct arena_block *block)
{
    if (block->is_mapped)
        munmap(block, ALIGN + block->size);
    else
        free(block);
}

void arena_give_back(struct arena *arena, void *piece)
{
    struct arena_block **link = &arena->blocks;
    while ((char *)*link + ALIGN != piece)
        link = &(*link)->next;
    struct arena_block *block = *link;
    *link = block->next;
    arena->bytes -= ALIGN + block->size;
    free_block(block);
}

void arena_reset(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free_block(arena->blocks);
        arena->blocks = next;
    }
    arena->bytes = 0;
}
