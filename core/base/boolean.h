/* The words that a boolean is written as. */
#ifndef CORE_BASE_BOOLEAN_H
#define CORE_BASE_BOOLEAN_H

#include <stdbool.h>
#include <stddef.h>

/* True if text[len] is true, yes or T (*value is 1), or false, no or F (0). The words may be in any
 * case, the letters may not. */
bool boolean_read(const char *text, size_t len, float *value);

#endif
