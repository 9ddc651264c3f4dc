/* float32 <-> decimal text: the number grammar of RFC 8259 §6, rounding, and the shortest form. Knows numbers
 * and what parts them; arrays are core/json_rows.c's. */
#ifndef CORE_DECIMAL_H
#define CORE_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

__extension__ typedef unsigned __int128
    uint128; /* GCC's and Clang's, wherever pointers have 64 bits */

/* Reads one JSON number at `at`, never beyond end, and returns the byte behind it; NULL when none stands there. Rounds
 * to the nearest double, ties to even, then to float32: *value may become infinite, never NaN. Digits that follow a
 * leading zero make no number at all ("01"); whatever else follows is the caller's to judge ("1x" is a 1). */
const char *decimal_read(const char *at, const char *end, float *value);

/* Reads finite numbers parted by a comma, or by a comma and one blank, into values[room] and sets *count. Returns
 * the byte behind the last one taken, `at` when the first was none. Why it stopped, the caller finds there. */
const char *decimal_read_run(const char *at, const char *end, float *values, size_t room,
                             size_t *count);

#endif
