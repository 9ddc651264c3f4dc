/* An arena: many small and large pieces of memory that are all freed at once. Use one arena for
 * each lifetime. An arena is not thread-safe. */
#ifndef CORE_BASE_ARENA_H
#define CORE_BASE_ARENA_H

#include <stddef.h>

struct arena_block;
struct arena {
    struct arena_block *blocks;
    size_t bytes; /* allocated from the system so far */
};

/* Returns zeroed memory, aligned to 64 bytes, or NULL if the system has no memory. At least 64 more
 * readable bytes follow the piece, because vector loads may run past its end. The arena owns the
 * memory until arena_reset. */
void *arena_take(struct arena *arena, size_t bytes);
/* Like arena_take for count * size bytes. NULL also if that product overflows. */
void *arena_take_array(struct arena *arena, size_t count, size_t size);
/* Pieces of at least so many bytes have memory of their own. */
enum { ARENA_GREAT_BYTES = 4 << 20 };
/* Frees a piece of at least ARENA_GREAT_BYTES before the others. */
void arena_give_back(struct arena *arena, void *piece);
/* Returns a NUL-terminated copy of text[len], or NULL if the system has no memory. */
char *arena_copy_text(struct arena *arena, const char *text, size_t len);
/* Frees everything that was taken. The arena is then empty and can be used again. */
void arena_reset(struct arena *arena);

#endif
