/* Converts between float32 and decimal text: the number grammar of RFC 8259 §6, rounding, and the
 * shortest form. These functions know numbers and their separators; core/json/rows.c reads
 * arrays. */
#ifndef CORE_DECIMAL_DECIMAL_H
#define CORE_DECIMAL_DECIMAL_H

#include <stddef.h>
#include <stdint.h>

/* GCC and Clang have this type on every platform with 64-bit pointers. */
__extension__ typedef unsigned __int128 uint128;

/* Reads one JSON number at `at`, never at or beyond `end`. Returns the byte after it, or NULL if
 * there is no JSON number. The number is rounded to the nearest double, ties to even, and then to
 * float32, so *value may become infinite but never NaN. A digit after a leading zero makes the
 * number invalid ("01"). The caller judges anything else that follows: "1x" reads as 1. */
const char *decimal_read(const char *at, const char *end, float *value);

/* Reads finite numbers that are separated by a comma, or by a comma and one space, into
 * values[room], and sets *count. Returns the byte after the last number read, or `at` if there is
 * no finite number at `at`. The caller finds at the returned place why the reading stopped. */
const char *decimal_read_run(const char *at, const char *end, float *values, size_t room,
                             size_t *count);

#endif
