/* One arena per lifetime: many small and large pieces, freed whole. Not thread-safe. */
#ifndef CORE_ARENA_H
#define CORE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t bytes; /* taken from the system so far */
};

/* Zeroed memory aligned to 64 bytes, with 64 readable bytes behind it (vector loads may run past the
 * end); NULL when the system has none. Lives until arena_reset. */
void *arena_take(struct arena *arena, size_t bytes);
/* The same for count * size bytes; NULL also when that overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);
/* A NUL-terminated copy of text[len]. */
char *arena_copy_text(struct arena *arena, const char *text, size_t len);
void arena_reset(struct arena *arena);

#endif
