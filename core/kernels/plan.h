/* Chooses each layer's kernels by measuring how fast they are on this machine. In exact mode all of
 * them give the same bits, so the choice may differ from one start to the next. */
#ifndef CORE_KERNELS_PLAN_H
#define CORE_KERNELS_PLAN_H

#include "core/kernels/linear.h"

/* Measures and fills linear->plan. Takes a few milliseconds, and more for layers of many megabytes.
 * Weights of so many megabytes are stored in half the bytes if they can be, and if a row then takes
 * no longer: the arena is where linear_pack took their memory. False and *error if memory runs
 * out. */
bool plan_make(struct linear *linear, struct arena *arena, struct relud_error *error);

/* Writes the plan in words, NUL-terminated and cut to `size` bytes; returns the length. */
size_t plan_describe(const struct linear *linear, char *text, size_t size);

#endif
