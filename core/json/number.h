/* Checks whether a JSON number is one of a type's numbers. The check reads the digits, because
 * float32 would round 2^31 - 1 up and 0.99999999 to 1. */
#ifndef CORE_JSON_NUMBER_H
#define CORE_JSON_NUMBER_H

#include <relud/data.h>

/* True if the number is one that `dtype` has. text[len] is one complete JSON number, and `value` is
 * the same number as float32. 1.0 and 1e2 count as whole numbers. FP32 and FP64 have every number
 * that is finite as float32. FP16 and BF16 have every number that they do not round to infinity. */
bool json_number_fits(enum relud_dtype dtype, const char *text, size_t len, float value);

/* Returns the words that follow the number in an error: "is no UINT8: those are whole numbers from
 * 0 to 255". The text is static; NULL for a type that has every number. */
const char *json_number_misfit(enum relud_dtype dtype);

#endif
