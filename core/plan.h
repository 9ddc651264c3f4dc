/* Chooses each layer's kernels by trying them: first whether they give the chain's bits on the layer's own weights, then
 * how fast they are. */
#ifndef CORE_PLAN_H
#define CORE_PLAN_H

#include "core/linear.h"

/* Proves our kernels against the scalar chain (false and *error where they differ: then nothing can be trusted), then
 * fills linear->plan. Takes some milliseconds, more for layers of many megabytes. */
bool plan_make(struct linear *linear, struct relud_error *error);

/* The plan in words, NUL-terminated; returns the length. */
size_t plan_describe(const struct linear *linear, char *text, size_t size);

#endif
